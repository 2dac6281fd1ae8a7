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

test('what is violated says the reduced search, and the full one its shortest run, as far as it must', () => {
  let asked = 0;
  const what = { bad: 4 };
  const next = counter((n) => {
    asked++;
    return upTo(9)(n);
  }, what);
  const result = ask(counter(upTo(9), what), [counter(upTo(9), what), next]);
  expect([result.verdict, result.search, asked]).toEqual(['violated', 'reduced', 0]);
  expect(result.violations[0]).toMatchObject({ inevitableFrom: 0 });
  expect(result.violations[0]?.schedule).toHaveLength(4);

  let expanded = 0;
  const wide = counter((n) => {
    expanded++;
    return n === 0 ? [1, 20] : n === 20 ? [20, 21] : n < 9 || (n > 20 && n < 90) ? [n + 1] : [];
  }, what);
  const found = ask(wide, [counter(upTo(9), what)]);
  expect(found).toMatchObject({ verdict: 'violated', states: 4 });
  expect(found.violations[0]).toMatchObject({ inevitableFrom: 1 });
  expect(expanded).toBeLessThan(40);
});

test('a violation that may stand in the place of others leaves all to the full search', () => {
  const what = { bad: 4 };
  const masking: Model = { ...counter(upTo(9), what), masks: ['bad'] };
  const next = counter(upTo(9), what);
  const result = ask(counter(upTo(9), what), [masking, next]);
  expect([result.verdict, result.search]).toEqual(['violated', 'full']);
});

test('a bound that keeps the full search from the shortest run leaves the verdict, and a run', () => {
  const slow = (n: number): readonly number[] =>
    n < 1 ? [n + 1, 20, 21, 22] : n < 9 ? [n + 1] : [];
  const what = { bad: 4 };
  const search = createReducedSearch(counter(slow, what), [counter(upTo(9), what)], {
    maxStates: 5,
  });
  while (!search.advance(100).done);
  expect(search.result()).toMatchObject({ verdict: 'violated', search: 'reduced', states: 4 });
  expect(search.result().bound).toBe(undefined);
  expect(search.result().violations[0]).toMatchObject({
    property: 'bad',
    inevitableFrom: 'not known',
    perhapsLonger: true,
  });
});

test('what is violated is known before its shortest run, and what is in no run of the model never is', () => {
  const known = (model: Model, reduced: readonly Model[]): readonly string[] => {
    const search = createReducedSearch(model, reduced, {});
    const seen: string[] = [];
    while (!search.advance(1).done) seen.push(search.progress().violated.join());
    return seen;
  };
  // The reduced search is done with its fifth state; the full one takes as many again.
  const what = { bad: 4 };
  const seen = known(counter(upTo(9), what), [counter(upTo(9), what)]);
  expect(seen.slice(0, 3).join('')).toBe('');
  expect(seen.filter((v) => v === 'bad').length).toBeGreaterThan(2);
  const unreal = { bad: 50 };
  const models = [counter(andAlso, unreal), counter(upTo(4), unreal)];
  expect(known(counter(upTo(9), unreal), models).join('')).toBe('');
});
