// Private steps by generated code: a reduced search is the interpreter's, figure by figure and step by step.

import { expect, test } from 'vitest';
import { createSearch, type Model, type Result } from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { excluded } from '../../compiler/generator/transitions.ts';
import { compile, createMachine, programOf, reductions } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';
import type { Reducible } from '../../compiler/reduction/reduced.ts';
import type { Check } from '../../compiler/scenario.ts';
import { spec as quiet } from '../reduction/specs.ts';
import { corners, gallery } from './gallery.ts';
import { spec as varied } from './specs.ts';

const long = process.env.SUTURE_LONG !== undefined;
const most = long ? 300_000 : 3_000;

function searched(model: Model): Omit<Result, 'bytes'> {
  const search = createSearch(model, { maxStates: most }, { unexplained: true });
  // Slices of another length than sweeps have.
  while (!search.advance(997).done);
  const { bytes: _, ...rest } = search.result();
  return rest;
}

/** Compares all reduced models of a program; how many there are, their steps, and those that code left to be taken one by one. */
function compared(p: Program): { models: number; steps: number; left: number } {
  const plain = createMachine(p);
  const machine = createMachine(p);
  const { model, end } = generated(p, machine, 2);
  let left = 0;
  const { quietly }: Reducible = model;
  const counting: Reducible['quietly'] = (how) => {
    const made = quietly?.call(model, how);
    if (made === undefined) return undefined;
    const apply: typeof made.apply = (state, action) => {
      const outcome = made.apply(state, action);
      if (outcome === undefined) left++;
      return outcome;
    };
    return { ...made, apply };
  };
  Object.assign(model, { quietly: counting });
  const interpreted = reductions(p, plain, plain);
  const coded = reductions(p, machine, model);
  const results = coded.map(searched);
  expect(results).toEqual(interpreted.map(searched));
  end();
  // Where a bound cuts it, code may have taken a step more.
  expect(
    [...plain.kernel.executed].filter((n, i) => n > (machine.kernel.executed[i] ?? 0)),
  ).toEqual([]);
  const steps = results.reduce((n, r) => n + r.transitions, 0);
  return { models: coded.length, steps, left };
}

const cases = [...gallery(long ? 1000 : 1), ...corners()].filter(
  (c) => excluded(c.program) === undefined,
);

const all = { steps: 0, left: 0 };

test.each(cases.map((c) => [c.name, c.program] as const))('%s', (_, p: Program) => {
  const { steps, left } = compared(p);
  all.steps += steps;
  all.left += left;
});

test('code takes nearly all steps of these by itself', () => {
  // One by one: where a private step violates, and where a stack is deeper than any before.
  expect(all.steps).toBeGreaterThan(50_000);
  expect(all.left).toBeLessThan(all.steps / 20);
});

test.each([
  ['with steps that nobody sees', quiet],
  ['of every kind', varied],
])('specs made at random, %s', { timeout: 3_600_000 }, (_, spec) => {
  let models = 0;
  for (let seed = 0; seed < (long ? 2_000 : 80); seed++) {
    const compiled = compile(spec(seed));
    const { program } = programOf(compiled, compiled.scenarios[0]?.checks[0] as Check);
    if (excluded(program) === undefined) models += compared(program).models;
  }
  expect(models).toBeGreaterThan(60);
});
