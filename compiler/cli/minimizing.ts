// What one scenario's verdict needs, found out in slices: between two of them whoever waits for it is heard.

import type { Compiled, Scenario } from '../compile.ts';
import { Minimization, type Minimized } from '../minimize/minimize.ts';
import type { Kinds } from '../minimize/pieces.ts';
import type { Figures } from '../minimize/programs.ts';
import type { Heard, Job, Settings } from './job.ts';
import { how } from './searched.ts';
import { count } from './terminal.ts';

export interface MinimizingSettings extends Settings {
  readonly maxStates?: number | undefined;
  readonly kinds?: Kinds | undefined;
}

export interface Found {
  readonly result: Minimized;
  readonly seconds: number;
  readonly figures: Figures;
}

/** States between two looks at the clock and at the keyboard. */
const slice = 4000;

async function run(
  compiled: Compiled,
  scenario: Scenario,
  { maxStates, maxMemory, kinds }: MinimizingSettings,
  heard: Heard,
): Promise<Found> {
  const began = performance.now();
  const work = new Minimization(compiled, [scenario], { maxStates, maxMemory }, { kinds, how });
  for (let done = false; !done; ) {
    const { states, programs } = work.progress();
    const note = `: ${count(programs, 'variant')}`;
    const stopped = heard({ note, states, depth: 0, queue: 0, bytes: 0 });
    if (stopped) work.stop(stopped);
    done = work.advance(slice).done;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { programs, searches, replayed, states } = work.progress();
  return {
    result: work.results()[0] as Minimized,
    seconds: (performance.now() - began) / 1000,
    figures: { programs, searches, replayed, states },
  };
}

export const minimizing: Job<MinimizingSettings, Found> = {
  name: 'minimize',
  run,
  cramped: ({ result }) => result.bound === 'memory',
};
