// Reduced searches in a row: of one that may do more than the model only what the model can do counts.

import { expect, test } from 'vitest';
import { createReducedSearch, type Model, type Result } from '../../compiler/explorer/index.ts';

/** Counts from 0 by the steps that each number allows; a step to `bad` violates, a step to `seen` is the witness. */
function counter(
  steps: (n: number) => readonly number[],
  { bad = -1, seen = -1 }: { readonly bad?: number; readonly seen?: number },
): Model {
  return {
    words: 1,
    parts: [0],
    properties: ['bad'],
    witnesses: seen < 0 ? [] : ['seen'],
    goals: [],
    witnessed: 0,
    limit: undefined,
    initial: () => [Int32Array.of(0)],
    enabled: (state, out) => {
      const found = steps(state[0] as number);
      out.set(found);
      return found.length;
    },
    apply(state, action) {
      state[0] = action;
      (this as { witnessed: number }).witnessed = action === seen ? 1 : 0;
      return action === bad ? 1 : 0;
    },
    actionName: (_, action) => `to ${action}`,
    optional: () => false,
    goalsOf: () => 0,
  };
}

function ask(model: Model, reduced: readonly Model[]): Result {
  const search = createReducedSearch(model, reduced, {});
  while (!search.advance(100).done);
  return search.result();
}

const upTo = (most: number) => (n: number) => (n < most ? [n + 1] : []);
const andAlso = (n: number): readonly number[] => (n === 1 ? [2, 50] : n < 9 ? [n + 1] : []);

test('a reduced search that holds and reaches its witnesses in runs of the model is believed', () => {
  const what = { seen: 3 };
  expect(ask(counter(upTo(9), what), [counter(upTo(4), what)])).toMatchObject({
    verdict: 'holds',
    search: 'reduced',
    states: 5,
  });
});

test('a witness that is reached in no run of the model is not reached', () => {
  const what = { seen: 50 };
  const result = ask(counter(upTo(9), what), [counter(andAlso, what), counter(upTo(4), what)]);
  expect(result).toMatchObject({ verdict: 'holds', search: 'full', states: 10 });
  expect(result.witnesses).toEqual([{ name: 'seen' }]);
});

test('a violation that is in no run of the model leaves the answer to the next reduced search', () => {
  const what = { bad: 50 };
  const result = ask(counter(upTo(9), what), [counter(andAlso, what), counter(upTo(4), what)]);
  expect(result).toMatchObject({ verdict: 'holds', search: 'reduced', states: 5 });
});

test('a violation that is in a run of the model is told by the full search, at once', () => {
  let asked = 0;
  const what = { bad: 4 };
  const next = counter((n) => {
    asked++;
    return upTo(9)(n);
  }, what);
  const result = ask(counter(upTo(9), what), [counter(upTo(9), what), next]);
  expect([result.verdict, result.search, asked]).toEqual(['violated', 'full', 0]);
  expect(result.violations[0]?.schedule).toHaveLength(4);
});
