// Where a run that was saved is no longer a run of its spec.

import type { Trace } from './emulator/trace.ts';

/** The first step that differs. */
export interface Divergence {
  /** From 0. */
  readonly step: number;
  readonly expected: string;
  readonly got: string;
}

/**
 * Compares the run that `schedule` makes now, told as `trace`, with the digests that it had when it was saved. A saved digest
 * may be the beginning of one; where there are fewer digests than steps, the rest is compared by its names alone.
 */
export function divergence(
  trace: Trace,
  schedule: readonly string[],
  digests: readonly string[],
): Divergence | undefined {
  for (const [step, { name, digest }] of trace.steps.entries()) {
    const saved = digests[step];
    if (saved !== undefined && !digest.startsWith(saved))
      return { step, expected: `digest ${saved}`, got: `${digest} (${name})` };
  }
  if (trace.diverged) {
    const { step, expected, got } = trace.diverged;
    return {
      step,
      expected,
      got: got.length > 0 ? `one of ${got.join(', ')}` : 'a state without any step',
    };
  }
  if (trace.steps.length < schedule.length)
    return {
      step: trace.steps.length,
      expected: schedule[trace.steps.length] ?? 'a step',
      got: `an end: ${trace.violated ?? 'nothing'} is violated`,
    };
  return undefined;
}
