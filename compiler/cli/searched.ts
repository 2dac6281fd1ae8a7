// A search of many variants in slices: between two of them the clock and the keyboard are heard; and the text that comes of it.

import { writeFileSync } from 'node:fs';
import { generated } from '../generator/engine.ts';
import { reductions } from '../reduction/reduced.ts';
import type { How } from '../verify.ts';
import { UsageError, why } from './files.ts';
import { Progress } from './progress.ts';
import { count } from './terminal.ts';

/** States between two looks at the clock and at the keyboard. */
const slice = 20_000;

export interface SearchOptions {
  readonly maxStates?: number;
  readonly maxMemory: number;
  readonly timeout?: number;
  readonly json?: boolean;
}

/** Each variant is searched as `verify` does it. */
export const how: How = { searching: generated, reducing: reductions };

interface Work<T> {
  advance(budget: number): { readonly done: boolean };
  stop(reason: string): void;
  progress(): { readonly scenario: string; readonly states: number; readonly programs: number };
  results(): readonly T[];
}

/** All of it; `told` hears of each result when it is there. */
export async function searched<T>(
  work: Work<T>,
  options: SearchOptions,
  told: (found: T, seconds: number) => void,
): Promise<void> {
  const progress = new Progress(options.json !== true);
  const started = performance.now();
  const deadline =
    options.timeout === undefined ? Number.POSITIVE_INFINITY : started + 1000 * options.timeout;
  let stopped = false;
  const onInterrupt = (): void => {
    if (stopped) process.exit(130);
    stopped = true;
    progress.clear();
    process.stderr.write('suture: stopping; once more ends at once\n');
    work.stop('interrupted');
  };
  process.on('SIGINT', onInterrupt);
  try {
    let shown = 0;
    let since = started;
    progress.begin();
    for (let done = false; !done; ) {
      if (performance.now() >= deadline) work.stop('time');
      done = work.advance(slice).done;
      const { scenario, states, programs } = work.progress();
      const figures = { states, depth: 0, queue: 0, bytes: 0 };
      progress.show(`${scenario}: ${count(programs, 'variant')}`, figures);
      for (const found of work.results().slice(shown)) {
        progress.clear();
        const now = performance.now();
        told(found, (now - since) / 1000);
        since = now;
        shown++;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    progress.clear();
    process.off('SIGINT', onInterrupt);
  }
}

/** Which option raises a bound that was hit. */
export function boundText(name: string | undefined, options: SearchOptions): string {
  switch (name) {
    case 'states':
      return `raise --max-states ${options.maxStates}`;
    case 'memory':
      return `raise --max-memory ${options.maxMemory}`;
    case 'time':
      return `raise --timeout ${options.timeout}`;
    case 'interrupted':
      return 'interrupted';
    case 'code inside instructions':
      return 'a computed address led into the middle of an instruction; a constant of the spec must name it, as `label + 3`';
    default:
      return `a bound of the machine, ${name}; no option raises this`;
  }
}

/** In place of the spec; of standard input to standard output, where no document is printed. */
export function write(name: string, text: string, json: boolean): void {
  if (name === '-') {
    if (!json) process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(name, text);
  } catch (error) {
    throw new UsageError(`${name}: ${why(error, 'written')}`);
  }
}
