// The run to what a scenario violates or witnesses, as a search finds it.

import type { Compiled, Scenario } from '../compile.ts';
import { generated } from '../generator/engine.ts';
import { Verification } from '../verify.ts';
import { UsageError } from './files.ts';

export interface Finding {
  /** Which of the scenario's checks, from 0. */
  readonly check: number;
  /** The property that the run violates, or the witness that it reaches. */
  readonly name: string;
  readonly violates: boolean;
  readonly initial: number;
  readonly schedule: readonly string[];
}

/** Enough for what people look at: `verify` is there for more. */
const bounds = { maxStates: 2_000_000, maxMemory: 1 << 30 };

/** Of that name; without one the first violation, else the witness that takes longest. Undefined where there is no run. */
export function findRun(
  compiled: Compiled,
  scenario: Scenario,
  name: string | undefined,
): Finding | undefined {
  const verification = new Verification(compiled, scenario, bounds, { searching: generated });
  while (!verification.advance(1 << 16).done);
  const all = verification
    .result()
    .checks.flatMap((c, check) => [
      ...c.result.violations.map((v) => ({ check, name: v.property, violates: true, run: v })),
      ...c.result.witnesses.flatMap((w) =>
        w.run ? [{ check, name: w.name, violates: false, run: w.run }] : [],
      ),
    ]);
  const found =
    name === undefined
      ? (all.find((f) => f.violates) ??
        [...all].sort((a, b) => b.run.schedule.length - a.run.schedule.length)[0])
      : all.find((f) => f.name === name);
  if (!found) {
    if (name === undefined) return undefined;
    const known = [...new Set(all.map((f) => f.name))].join(', ');
    throw new UsageError(
      `no run of "${scenario.name}" ends in ${name}${known === '' ? '' : `; there are: ${known}`}`,
    );
  }
  const { run, ...rest } = found;
  return { ...rest, initial: run.initial, schedule: run.schedule.map((s) => s.name) };
}
