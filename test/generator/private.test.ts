// Private steps by generated code: a reduced search is the interpreter's, figure by figure and step by step.

import { expect, test } from 'vitest';
import { createSearch, type Model } from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { excluded } from '../../compiler/generator/transitions.ts';
import { compile, createMachine, programOf, reductions } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';
import type { Check } from '../../compiler/scenario.ts';
import { spec as quiet } from '../reduction/specs.ts';
import { corners, gallery } from './gallery.ts';
import { spec as varied } from './specs.ts';

const long = process.env.SUTURE_LONG !== undefined;
const most = long ? 300_000 : 3_000;

function searched(model: Model): object {
  const search = createSearch(model, { maxStates: most }, { unexplained: true });
  // Slices of another length than sweeps have.
  while (!search.advance(997).done);
  const { bytes: _, ...rest } = search.result();
  return rest;
}

/** Compares all reduced models of a program; how many there are, and the states and steps that code left to the interpreter. */
function compared(p: Program): { models: number; left: number } {
  const plain = createMachine(p);
  const machine = createMachine(p);
  const { model, how, end } = generated(p, machine, 2);
  const interpreted = reductions(p, plain, plain);
  const coded = reductions(p, machine, model);
  expect(coded.map(searched)).toEqual(interpreted.map(searched));
  end();
  // Where a bound cuts it, code may have taken a step more.
  expect(
    [...plain.kernel.executed].filter((n, i) => n > (machine.kernel.executed[i] ?? 0)),
  ).toEqual([]);
  const left = /^generated; ([\d,]+) states/.exec(how())?.[1] ?? '0';
  return { models: coded.length, left: Number(left.replaceAll(',', '')) };
}

const cases = [...gallery(long ? 1000 : 1), ...corners()].filter(
  (c) => excluded(c.program) === undefined,
);

test.each(cases.map((c) => [c.name, c.program] as const))('%s', (_, p: Program) => {
  const { left } = compared(p);
  // A stack that is deeper than any before is the interpreter's to judge; so is what code does not say at all.
  expect(left).toBeLessThan(100);
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
