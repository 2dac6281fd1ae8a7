// One search of the small model, for which Spin has the very same, in a process of its own: prints what it measured.

import { createSearch } from '../../compiler/explorer/index.ts';
import { generatedPoke } from './poke-code.ts';

export interface Alone {
  readonly states: number;
  readonly transitions: number;
  readonly seconds: number;
  /** The most that was held at once. */
  readonly bytes: number;
}

const started = performance.now();
const search = createSearch(generatedPoke(Number(process.argv[2])));
while (!search.advance(100_000).done);
const { states, transitions, bytes } = search.result();
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ states, transitions, seconds, bytes } satisfies Alone));
