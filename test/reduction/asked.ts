// A check searched in full and with less, side by side: what differs between the two, in words.

import { createMachine } from '../../compiler/emulator/machine.ts';
import {
  createReducedSearch,
  createSearch,
  type Model,
  type Result,
  replay,
  type Search,
} from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import type { Program } from '../../compiler/ir.ts';
import { reduced } from '../../compiler/reduction/reduced.ts';

export interface Asked {
  readonly full: Result;
  /** What the reduced search says by itself; undefined where nothing can be left out. */
  readonly less: Result | undefined;
  readonly differences: readonly string[];
}

function resultOf(search: Search): Result {
  while (!search.advance(100_000).done);
  return search.result();
}

/** On generated code from the first state on if `quick`, else interpreted. */
export function asked(p: Program, maxStates: number, quick: boolean): Asked {
  const machine = createMachine(p);
  const model: Model = quick ? generated(p, machine, 0).model : machine;
  const full = resultOf(createSearch(model, { maxStates }));
  const smaller = reduced(p, machine, model);
  if (smaller === undefined) return { full, less: undefined, differences: [] };
  const less = resultOf(createSearch(smaller, { maxStates }));
  const differences: string[] = [];
  const differ = (what: string): void => {
    differences.push(what);
  };
  const given = less.bound === 'private steps' || less.bound === 'symmetry';
  if (full.bound === undefined && !given) {
    if (less.bound !== undefined) differ(`the reduced search is cut by ${less.bound}`);
    if (less.verdict !== full.verdict) differ(`${full.verdict} in full, ${less.verdict} reduced`);
    const violated = (r: Result): string => r.violations.map((v) => v.property).join(' ');
    if (violated(less) !== violated(full))
      differ(`${violated(full)} violated in full, ${violated(less)} reduced`);
    if (less.states > full.states) differ(`${less.states} states instead of ${full.states}`);
    less.witnesses.forEach((w, i) => {
      if (w.run !== undefined && full.witnesses[i]?.run === undefined)
        differ(`the witness ${w.name} is reached by no run`);
      if (w.run === undefined && full.witnesses[i]?.run !== undefined)
        differ(`the witness ${w.name} is not reached`);
    });
    const told = resultOf(createReducedSearch(model, smaller, { maxStates }));
    const answer = (r: Result): string =>
      JSON.stringify([r.verdict, r.violations, r.witnesses.map((w) => w.run !== undefined)]);
    if (answer(told) !== answer(full)) differ('what is told is not what the full search tells');
  }
  // Whatever it finds is a run of the full semantics, step by step.
  for (const v of less.violations) {
    if (v.goal !== undefined) continue;
    const names = v.schedule.map((s) => s.name);
    const end = replay(machine, names, { initial: v.initial });
    if (end.kind !== 'violated' || end.property !== v.property || end.steps.length !== names.length)
      differ(`the run to ${v.property} does not replay`);
  }
  less.witnesses.forEach(({ name, run }, i) => {
    if (run === undefined) return;
    let seen = 0;
    const end = replay(
      machine,
      run.schedule.map((s) => s.name),
      {
        initial: run.initial,
        watch: () => {
          seen |= machine.witnessed;
        },
      },
    );
    const last = end.kind === 'violated' ? machine.witnessed : 0;
    if (end.kind === 'diverges' || end.kind === 'limit' || ((seen | last) & (1 << i)) === 0)
      differ(`the run to the witness ${name} does not replay`);
  });
  return { full, less, differences };
}
