// The visited set: equal states and only they share a number, and what was put in comes out again.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Account } from '../../compiler/explorer/memory.ts';
import { refused } from '../../compiler/explorer/rows.ts';
import { Store } from '../../compiler/explorer/store.ts';

/** A shape, and states of it whose words come from few values, so that many are equal or nearly so. */
const cases = fc.integer({ min: 1, max: 24 }).chain((words) =>
  fc.record({
    words: fc.constant(words),
    parts: fc
      .uniqueArray(fc.integer({ min: 1, max: Math.max(1, words - 1) }), { maxLength: 6 })
      .map((cuts) => [0, ...cuts.filter((cut) => cut < words).sort((a, b) => a - b)]),
    states: fc.array(
      fc
        .array(
          fc.oneof(
            { weight: 5, arbitrary: fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000) },
            { weight: 1, arbitrary: fc.integer() },
          ),
          { minLength: words, maxLength: words },
        )
        .map((row) => Int32Array.from(row)),
      { maxLength: 60 },
    ),
    /** Which earlier state each one is taken as coming from. */
    near: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
  }),
);

test('equal states and only they share a number', () => {
  fc.assert(
    fc.property(cases, ({ words, parts, states, near }) => {
      const store = new Store({ words, parts }, new Account());
      const cursor = store.cursor();
      const numbers = new Map<string, number>();
      states.forEach((state, i) => {
        const known = numbers.get(state.join());
        expect(store.find(state)).toBe(known ?? refused);
        const from = store.count === 0 ? -1 : (near[i] as number) % store.count;
        if (from >= 0) store.load(cursor, from);
        const index = store.insert(state, from < 0 ? undefined : cursor);
        expect(index).toBe(known ?? numbers.size);
        if (known === undefined) {
          expect(store.parent(index)).toBe(from);
        }
        numbers.set(state.join(), index);
        expect(store.find(state, from < 0 ? undefined : cursor)).toBe(index);
      });
      expect(store.count).toBe(numbers.size);
      const into = new Int32Array(words);
      for (const [key, index] of numbers) {
        store.read(index, into);
        expect(into.join()).toBe(key);
      }
    }),
    { numRuns: 500 },
  );
});

describe('many states', () => {
  test.each([
    ['in one row', 3, [0]],
    ['in parts', 12, [0, 3, 7]],
  ])('%s', (_, words, parts) => {
    const store = new Store({ words, parts }, new Account());
    const state = new Int32Array(words);
    const write = (n: number) => {
      state[0] = n & 0xff;
      state[words - 1] = n >> 8;
    };
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 100_000; n++) {
        write(n);
        if (store.insert(state) !== n) expect.fail(`state ${n}`);
      }
    }
    const into = new Int32Array(words);
    for (let n = 0; n < 100_000; n += 997) {
      write(n);
      store.read(n, into);
      expect(into).toEqual(state);
    }
  });
});

test('a bound on the states lets known ones pass', () => {
  const store = new Store({ words: 1, parts: [0] }, new Account(), 2);
  expect([5, 6, 7, 6].map((n) => store.insert(Int32Array.of(n)))).toEqual([0, 1, refused, 1]);
  expect(store.refusal).toBe('states');
});

test('the account holds what the arrays hold, and never more than its bound', () => {
  for (const bound of [0, 100, 10_000, 100_000, 1_000_000]) {
    const account = new Account(bound);
    const store = new Store({ words: 8, parts: [0, 4] }, account);
    let n = 0;
    while (n < 100_000 && store.insert(Int32Array.of(n, 0, 0, 0, -n, 0, 0, 0)) !== refused) n++;
    expect(store.count).toBe(n);
    expect(account.peak).toBeLessThanOrEqual(bound);
    expect(n).toBeLessThan(100_000);
    expect(store.refusal).toBe('memory');
    // Two parts of four words, two numbers, a parent and an action per state at least.
    expect(store.bytes).toBeGreaterThanOrEqual(n * 4 * (8 + 2 + 2));
  }
});

test('parts that do not cover the words are a mistake of the model', () => {
  for (const parts of [[], [1], [0, 2, 2], [0, 4]]) {
    expect(() => new Store({ words: 4, parts }, new Account())).toThrow('parts must ascend');
  }
});
