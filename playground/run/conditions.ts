// What a run can be run to: conditions that a step fulfils, read from what is told of it, and nothing else.

import type { Mark, Telling } from '../../compiler/index.ts';

export interface Condition {
  readonly name: string;
  /** The CPUs for which step `k`, from 1, fulfils it. */
  readonly at: (telling: Telling, k: number) => readonly number[];
}

const marked =
  (...marks: readonly Mark[]) =>
  (telling: Telling, k: number): readonly number[] => {
    const step = telling.steps[k - 1];
    return step && marks.includes(step.mark) ? [step.cpu] : [];
  };

/** CPUs of which something holds behind step `k` and did not before. */
const becomes =
  (holds: (telling: Telling, k: number, cpu: number) => boolean) =>
  (telling: Telling, k: number): readonly number[] =>
    telling.lanes.flatMap((_, cpu) =>
      holds(telling, k, cpu) && !holds(telling, k - 1, cpu) ? [cpu] : [],
    );

const stubOf = (telling: Telling, k: number, cpu: number): string | undefined =>
  telling.states[k]?.cpus[cpu]?.stub?.name;
const bytesOf = (telling: Telling, k: number, cpu: number) =>
  (telling.states[k]?.bytes ?? []).flatMap((b) => b.cpus.filter((c) => c.cpu === cpu));
const older = (telling: Telling, k: number, cpu: number): number =>
  bytesOf(telling, k, cpu).reduce(
    (n, c) => n + c.older.reduce((m, o) => m + o.has.filter(Boolean).length, 0),
    0,
  );

export const conditions: readonly Condition[] = [
  { name: 'a write to code', at: marked('poke') },
  { name: 'a store in memory', at: marked('commit') },
  { name: 'a trap', at: marked('trap') },
  { name: 'an IPI is taken', at: marked('ipi') },
  { name: 'an acknowledgement', at: marked('acknowledge') },
  { name: 'an NMI', at: marked('nmi') },
  { name: 'an IRQ', at: marked('irq') },
  { name: 'a return by IRET', at: marked('iret') },
  {
    name: 'a stub is entered',
    at: (t, k) =>
      t.lanes.flatMap((_, cpu) =>
        stubOf(t, k, cpu) !== undefined && stubOf(t, k, cpu) !== stubOf(t, k - 1, cpu) ? [cpu] : [],
      ),
  },
  {
    name: 'a stub is left',
    at: (t, k) =>
      t.lanes.flatMap((_, cpu) =>
        stubOf(t, k - 1, cpu) !== undefined && stubOf(t, k, cpu) !== stubOf(t, k - 1, cpu)
          ? [cpu]
          : [],
      ),
  },
  {
    name: 'a byte becomes stale',
    at: (t, k) =>
      t.lanes.flatMap((_, cpu) => (older(t, k, cpu) > older(t, k - 1, cpu) ? [cpu] : [])),
  },
  {
    name: 'an instruction becomes torn',
    at: becomes((t, k, cpu) =>
      bytesOf(t, k, cpu).some((c) => c.torn || c.older.some((o) => o.torn)),
    ),
  },
  {
    name: 'interrupts are off',
    at: becomes((t, k, cpu) => t.states[k]?.cpus[cpu]?.interrupts === false),
  },
  {
    name: 'a phase begins',
    at: (t, k) => (t.phases.some((p) => p.from === k) ? [t.steps[k - 1]?.cpu ?? 0] : []),
  },
];

/** The nearest step behind `from` (`by` 1) or before it (-1) that fulfils it, for one CPU or, undefined, for any. */
export function seek(
  telling: Telling,
  condition: Condition,
  cpu: number | undefined,
  from: number,
  by: 1 | -1,
): number | undefined {
  for (let k = from + by; k >= 1 && k <= telling.steps.length; k += by) {
    const cpus = condition.at(telling, k);
    if (cpu === undefined ? cpus.length > 0 : cpus.includes(cpu)) return k;
  }
  return undefined;
}
