// One scenario searched, in slices: between two of them whoever waits for it is heard.

import type { Compiled, Scenario } from '../compile.ts';
import { generated } from '../generator/engine.ts';
import { reductions } from '../reduction/reduced.ts';
import { type Closing, type ScenarioResult, Verification } from '../verify.ts';
import { Checkpoint, type CheckpointSettings, checkpointFile } from './checkpoint.ts';

export interface Settings {
  readonly maxStates?: number | undefined;
  /** Bytes that one check may hold. */
  readonly maxMemory: number;
  readonly interpreted: boolean;
  readonly full: boolean;
  readonly checkpoint?: CheckpointSettings | undefined;
}

/** Why a search ends before its end. */
export type Stopped = 'interrupted' | 'time';

export interface Done {
  readonly result: ScenarioResult;
  /** Of each check. */
  readonly seconds: readonly number[];
  /** False where all was over before its first state. */
  readonly begun: boolean;
}

export type Figures = ReturnType<Verification['progress']>;

/** States between two looks at the clock and at the keyboard. */
const slice = 4000;
/** Milliseconds of search between two entries of a checkpoint. */
const saving = 4000;

/** `heard` is told how far it is, and answers why it shall end, if it shall. */
export async function search(
  compiled: Compiled,
  scenario: Scenario,
  { maxStates, maxMemory, interpreted, full, checkpoint }: Settings,
  heard: (figures: Figures) => Stopped | undefined,
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
    const { check } = verification.progress();
    const stopped = heard(verification.progress());
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
