// Measured by hand, `node test/explorer/measure.ts`: the speed of the search, and its size per state.

import { createSearch, type Model } from '../../compiler/explorer/index.ts';
import { poke } from './poke.ts';

/**
 * Twelve parts of fifty words, nearly all of them at rest: six counters that anyone may raise. What the model
 * itself does is next to nothing, so this is the search's own cost on states as large as a machine's.
 */
function wide(max: number): Model {
  const parts = Array.from({ length: 12 }, (_, i) => 50 * i);
  const last = (part: number) => 50 * part + 49;
  return {
    words: 600,
    parts,
    properties: ['never'],
    witnesses: [],
    goals: [{ name: 'all at the end', property: 0 }],
    witnessed: 0,
    limit: undefined,
    initial: () => [new Int32Array(600)],
    enabled(s, out) {
      let n = 0;
      for (let i = 0; i < 6; i++) if ((s[last(2 * i)] as number) < max) out[n++] = 2 * i;
      return n;
    },
    apply(s, part) {
      s[last(part)] = (s[last(part)] as number) + 1;
      return 0;
    },
    actionName: (_, part) => `raise ${part}`,
    optional: () => false,
    goalsOf(s) {
      for (let i = 0; i < 6; i++) if ((s[last(2 * i)] as number) < max) return 0;
      return 1;
    },
  };
}

function measure(name: string, model: Model): void {
  const search = createSearch(model);
  const start = performance.now();
  let explored = start;
  while (!search.advance(10_000).done) {
    if (search.progress().queue > 0) explored = performance.now();
  }
  const seconds = (performance.now() - start) / 1000;
  const { verdict, states, transitions, depth, bytes } = search.result();
  const held = search.progress().bytes;
  const exploring = (explored - start) / 1000;
  console.log(
    `${name}: ${verdict}, ${states} states, ${transitions} transitions, depth ${depth}, ` +
      `${seconds.toFixed(2)} s (exploring ${exploring.toFixed(2)}), ` +
      `${Math.round(states / seconds)} states/s, ${Math.round((1e9 * exploring) / transitions)} ns/transition, ` +
      `${(held / states).toFixed(1)} bytes/state held, ${(bytes / states).toFixed(1)} at most`,
  );
}

measure('wide', wide(7));
measure('poke 3', poke(3));
measure('poke 4', poke(4));
measure('poke 4, that it ends too', poke(4, { ends: true }));
