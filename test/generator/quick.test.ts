// The search on generated code is the search on the interpreter: the same result, figure by figure and step by step.

import { expect, test } from 'vitest';
import { createMachine } from '../../compiler/emulator/machine.ts';
import { createSearch, type Model } from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { excluded } from '../../compiler/generator/transitions.ts';
import type { Program } from '../../compiler/ir.ts';
import { corners, gallery } from './gallery.ts';

const long = process.env.SUTURE_LONG !== undefined;
const most = long ? 1_000_000 : 800;

function searched(model: Model): object {
  const search = createSearch(model, { maxStates: most });
  while (!search.advance(100_000).done);
  const { bytes: _, ...rest } = search.result();
  return rest;
}

/** Early enough for small spaces; the search changes over on its way all the same. */
const patience = 2;

/** The model, with a look at every part that a step is said to have left alone. */
function watched(model: Model): Model {
  const { parts, pieces = parts } = model;
  const before = new Int32Array(model.words);
  return {
    words: model.words,
    parts,
    pieces,
    properties: model.properties,
    witnesses: model.witnesses,
    goals: model.goals,
    get scratch() {
      return model.scratch;
    },
    get touched() {
      return model.touched;
    },
    get witnessed() {
      return model.witnessed;
    },
    get limit() {
      return model.limit;
    },
    initial: () => model.initial(),
    enabled: (state, out) => {
      before.set(state);
      return model.enabled(state, out);
    },
    apply: (state, action) => {
      const outcome = model.apply(state, action);
      const { touched } = model;
      if (touched && outcome === 0)
        pieces.forEach((from, p) => {
          if (touched[p] !== 0) return;
          const end = pieces[p + 1] ?? model.words;
          for (let i = from; i < end; i++)
            if (state[i] !== before[i])
              throw new Error(`word ${i} of piece ${p} was written unseen`);
        });
      return outcome;
    },
    actionName: (state, action) => model.actionName(state, action),
    optional: (action) => model.optional(action),
    goalsOf: (state) => model.goalsOf(state),
  };
}

const cases = [...gallery(long ? 1000 : 1), ...corners()].filter(
  (c) => excluded(c.program) === undefined,
);

test.each(cases.map((c) => [c.name, c.program] as const))('%s', (_, p: Program) => {
  const plain = createMachine(p);
  const machine = createMachine(p);
  const { model, how, end } = generated(p, machine, patience);
  expect(searched(watched(model))).toEqual(searched(plain));
  expect(how()).toMatch(/^generated; [\d,]+ states/);
  end();
  expect([...machine.kernel.executed]).toEqual([...plain.kernel.executed]);
});

test('what has no generated code is the interpreter, and says why', () => {
  const other = gallery(1).find((c) => excluded(c.program) !== undefined);
  if (!other)
    throw new Error('all of the gallery has generated code: this test needs another spec');
  const machine = createMachine(other.program);
  const { model, how } = generated(other.program, machine);
  expect(model).toBe(machine);
  expect(how()).toBe(`interpreted: ${excluded(other.program)}`);
});
