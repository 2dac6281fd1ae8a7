// A check searched in full and with less, side by side: what differs between the two, in words.

import { createMachine } from '../../compiler/emulator/machine.ts';
import {
  createReducedSearch,
  createSearch,
  type Model,
  type Result,
  reaches,
  type Search,
  violates,
} from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import type { Program } from '../../compiler/ir.ts';
import { reductions } from '../../compiler/reduction/reduced.ts';

export interface Asked {
  readonly full: Result;
  /** What the smallest reduced search says by itself; undefined where nothing can be left out. */
  readonly less: Result | undefined;
  /** Whether that found something that no run does. */
  readonly unreal: boolean;
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
  const models = reductions(p, machine, model);
  const differences: string[] = [];
  let least: Result | undefined;
  let unreal = false;
  models.forEach((smaller, tier) => {
    const less = resultOf(createSearch(smaller, { maxStates }));
    least ??= less;
    const exact = tier === models.length - 1;
    const differ = (what: string): void => {
      differences.push(`${exact ? '' : 'which may do more: '}${what}`);
    };
    const given =
      less.bound === 'private steps' ||
      less.bound === 'symmetry' ||
      (!exact && less.bound === 'code versions');
    const real = less.witnesses.every(
      ({ run }, i) => run === undefined || reaches(machine, run, i),
    );
    const runs = less.violations.filter(
      (v) => v.goal !== undefined || violates(machine, v, v.property),
    );
    unreal ||= !real || runs.length < less.violations.length;
    if (full.bound === undefined && !given) {
      if (less.bound !== undefined) differ(`the reduced search is cut by ${less.bound}`);
      if (less.verdict !== full.verdict && (exact || full.verdict === 'violated'))
        if (less.verdict !== 'violated' || less.violations.some((v) => v.goal === undefined))
          differ(`${full.verdict} in full, ${less.verdict} reduced`);
      if (exact && less.states > full.states)
        differ(`${less.states} states instead of ${full.states}`);
      const names = (r: Result): string[] => r.violations.map((v) => v.property);
      // Where nothing stands in the place of others, every violation is found. A witness may be missed: then more is searched.
      const masked = names(less).some((p) => smaller.masks?.includes(p));
      const all = less.bound === undefined && !masked;
      for (const p of names(full)) if (all && !names(less).includes(p)) differ(`${p} is not found`);
      for (const v of less.violations)
        if (exact && v.goal === undefined && !names(full).includes(v.property))
          differ(`${v.property} is violated by no run`);
      less.witnesses.forEach((w, i) => {
        if (exact && w.run !== undefined && full.witnesses[i]?.run === undefined)
          differ(`the witness ${w.name} is reached by no run`);
      });
    }
    // Whatever it finds is a run of the full semantics, step by step.
    if (exact && !real) differ('a run to a witness does not replay');
    if (exact && runs.length < less.violations.length)
      differ('the run to a violation does not replay');
  });
  if (full.bound === undefined && models.length > 0) {
    const told = resultOf(createReducedSearch(model, models, { maxStates }));
    const answer = (r: Result): string =>
      JSON.stringify([r.verdict, r.violations, r.witnesses.map((w) => w.run !== undefined)]);
    if (answer(told) !== answer(full)) {
      // A bound of the caller's is hit where a model that may do more has more states.
      if (told.bound !== 'states')
        differences.push('what is told is not what the full search tells');
    }
  }
  return { full, less: least, unreal, differences };
}
