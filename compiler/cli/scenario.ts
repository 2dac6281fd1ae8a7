// One scenario searched, in slices: between two of them whoever waits for it is heard.

import type { Compiled, Scenario } from '../compile.ts';
import { generated } from '../generator/engine.ts';
import { reductions } from '../reduction/reduced.ts';
import { type Closing, type ScenarioResult, Verification } from '../verify.ts';
import { Checkpoint, type CheckpointSettings, checkpointFile } from './checkpoint.ts';
import type { Settings as Any, Heard, Job } from './job.ts';

export interface Settings extends Any {
  readonly maxStates?: number | undefined;
  readonly interpreted: boolean;
  readonly full: boolean;
  readonly checkpoint?: CheckpointSettings | undefined;
}

export interface Done {
  readonly result: ScenarioResult;
  /** Of each check. */
  readonly seconds: readonly number[];
  /** False where all was over before its first state. */
  readonly begun: boolean;
}

/** States between two looks at the clock and at the keyboard. */
const slice = 4000;
/** Milliseconds of search between two entries of a checkpoint. */
const saving = 4000;

async function run(
  compiled: Compiled,
  scenario: Scenario,
  { maxStates, maxMemory, interpreted, full, checkpoint }: Settings,
  heard: Heard,
  closing?: Closing,
): Promise<Done> {
  const verification = new Verification(
    compiled,
    scenario,
    { maxStates, maxMemory },
    {
      searching: interpreted ? undefined : generated,
      reducing: full ? undefined : reductions,
      closing,
    },
  );
  let seconds: number[] = scenario.checks.map(() => 0);
  let begun = false;
  const kept =
    checkpoint &&
    new Checkpoint(checkpointFile(checkpoint.folder, compiled, scenario, full), checkpoint.resume);
  for (const entry of kept?.entries() ?? []) {
    verification.restore(entry.saved);
    seconds = [...entry.seconds];
    begun = true;
  }
  let saved = performance.now();
  const save = (): void => {
    const found = kept && verification.save();
    if (found) kept.add({ saved: found, seconds });
    saved = performance.now();
  };
  for (let done = false; !done; ) {
    const now = performance.now();
    const figures = verification.progress();
    const { check } = figures;
    const checks = scenario.checks.length;
    const stopped = heard({ ...figures, note: checks > 1 ? ` ${check + 1}/${checks}` : '' });
    if (stopped) {
      verification.stop(stopped);
      done = true;
    } else {
      done = verification.advance(slice).done;
      begun = true;
    }
    seconds[check] = (seconds[check] ?? 0) + (performance.now() - now) / 1000;
    if (!stopped && (done || performance.now() - saved >= saving)) save();
    await new Promise((resolve) => setImmediate(resolve));
  }
  kept?.close();
  return { result: verification.result(), seconds, begun };
}

export const verifying: Job<Settings, Done> = {
  name: 'verify',
  run,
  cramped: ({ result }) =>
    result.checks.some(
      ({ result: { bound, violations } }) =>
        bound === 'memory' ||
        violations.some(
          (v) =>
            v.inevitableFrom === 'not known' ||
            (v.goal !== undefined && v.deadlock === undefined && v.loopFrom === undefined),
        ),
    ),
};
