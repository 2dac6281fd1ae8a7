// Code that files states against the store that it files them in: the same numbers, whatever the shape.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bounds, createSearch } from '../../compiler/explorer/index.ts';
import { Account } from '../../compiler/explorer/memory.ts';
import type { Model } from '../../compiler/explorer/model.ts';
import { refused } from '../../compiler/explorer/rows.ts';
import { Store } from '../../compiler/explorer/store.ts';
import { Writer } from '../../compiler/generator/code.ts';
import { engineOf } from '../../compiler/generator/engine.ts';
import type { Engine } from '../../compiler/generator/quick.ts';
import { poke } from '../bench/poke.ts';
import { generatedPoke } from '../bench/poke-code.ts';

type Shape = Pick<Model, 'words' | 'parts' | 'pieces' | 'groups'>;

/** Some of the places where words can be cut, 0 among them. */
const cuts = (from: readonly number[], most: number): fc.Arbitrary<number[]> =>
  fc
    .subarray([...from], { maxLength: Math.min(most, from.length) })
    .map((some) => [...new Set([0, ...some])].sort((a, b) => a - b));

const shapes: fc.Arbitrary<Shape> = fc.integer({ min: 1, max: 80 }).chain((words) =>
  cuts(
    Array.from({ length: words }, (_, i) => i),
    60,
  ).chain((pieces) =>
    cuts(pieces, 20).chain((parts) =>
      fc
        .array(fc.subarray(parts.map((_, i) => i)), { maxLength: 4 })
        .map((groups): Shape => ({ words, parts, pieces, groups: apart(groups) })),
    ),
  ),
);

/** No part in two groups. */
function apart(groups: readonly (readonly number[])[]): number[][] {
  const taken = new Set<number>();
  return groups.map((group) =>
    group.filter((p) => {
      const free = !taken.has(p);
      taken.add(p);
      return free;
    }),
  );
}

/** What a step does: from which state, and which words become what. */
const steps = fc.array(
  fc.record({
    from: fc.nat(),
    writes: fc.array(
      fc.record({
        at: fc.nat(),
        word: fc.oneof(fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000), fc.integer()),
      }),
      { maxLength: 6 },
    ),
    /** Marks beyond those of what is written: a step may write what stands there already. */
    marks: fc.array(fc.nat(), { maxLength: 3 }),
    given: fc.boolean(),
  }),
  { maxLength: 80 },
);

function engine({ words, pieces = [] }: Shape): Engine {
  const g = new Writer();
  return engineOf(
    {
      initial: new Int32Array(words),
      actions: [],
      routines: [...g.routines.values()],
      select: [],
      judge: [],
      witnesses: { body: [], routines: [] },
      operations: 0,
      newest: () => ({ kind: 'const', value: 0 }),
      older: () => ({ kind: 'const', value: 0 }),
      free: { kind: 'const', value: 0 },
      ended: -1,
      scratch: 0,
    },
    pieces,
    0,
    false,
  );
}

test('files a state under the number that the store itself would give it', () => {
  fc.assert(
    fc.property(shapes, steps, (shape, all) => {
      const { words, pieces = [] } = shape;
      const plain = new Store(shape, new Account());
      const store = new Store(shape, new Account());
      const first = new Int32Array(words);
      plain.insert(first);
      store.insert(first);
      const { scratch, touched, filing } = engine(shape);
      const made = filing(store.storage as NonNullable<typeof store.storage>);
      if (made === undefined) throw new Error('this host has no two memories');
      const cursor = plain.cursor();
      for (const { from, writes, marks, given } of all) {
        const near = from % plain.count;
        made.load(near);
        plain.load(cursor, near);
        expect([...made.state]).toEqual([...cursor.words]);
        expect([...scratch]).toEqual([...cursor.words]);
        for (const { at, word } of writes) {
          scratch[at % words] = word;
          touched[pieces.findLastIndex((p) => p <= at % words)] = 1;
        }
        for (const m of marks) touched[m % pieces.length] = 1;
        const state = scratch.slice();
        if (given) made.revert();
        else {
          const number = plain.insert(state, cursor);
          expect(made.insert()).toBe(number);
          store.found(near, store.count);
          expect(store.find(state)).toBe(number);
        }
        expect([...scratch]).toEqual([...cursor.words]);
        expect(touched.every((t) => t === 0)).toBe(true);
      }
      expect(store.lists.map((l) => [...l.since(0)])).toEqual(
        plain.lists.map((l) => [...l.since(0)]),
      );
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['as its own row', { words: 3, parts: [0], pieces: [0] }],
  ['as a tree', { words: 24, parts: [0, 8, 16], pieces: [0, 4, 8, 12, 16, 20], groups: [[0, 1]] }],
] as const)('%s, until there is no memory left; then the state is what it was', (_, shape) => {
  const store = new Store(shape, new Account(200_000));
  store.insert(new Int32Array(shape.words));
  const { scratch, touched, filing } = engine(shape);
  const made = filing(store.storage as NonNullable<typeof store.storage>);
  if (made === undefined) throw new Error('this host has no two memories');
  let n = 0;
  for (let number = 0; number !== refused; n++) {
    made.load(Math.max(0, n - 1));
    const before = scratch.slice();
    expect(before[0]).toBe(Math.max(0, n - 1) & 0xff);
    scratch[0] = n & 0xff;
    scratch[shape.words - 1] = n >> 8;
    touched.fill(1);
    number = made.insert();
    if (number !== refused) expect(number).toBe(n);
    expect(scratch).toEqual(before);
  }
  expect(n).toBeGreaterThan(2000);
  expect(store.refusal).toBe('memory');
  // What is there can still be found.
  const last = new Int32Array(shape.words);
  last[0] = (n - 2) & 0xff;
  last[shape.words - 1] = (n - 2) >> 8;
  expect(store.find(last)).toBe(n - 2);
});

function resultOf(model: Model, bounds: Bounds = {}): object {
  const search = createSearch(model, bounds);
  while (!search.advance(1009).done);
  const { bytes: _, ...rest } = search.result();
  return rest;
}

test('a search that is cut is cut at the same step, wherever in a row of states that is', () => {
  for (const maxStates of [1, 2, 3, 50, 51, 52, 53, 54, 55, 1000, 1001, 1002, 5000, 20_000])
    expect(resultOf(generatedPoke(3), { maxStates })).toEqual(resultOf(poke(3), { maxStates }));
  for (const maxDepth of [1, 2, 5, 17])
    expect(resultOf(generatedPoke(3), { maxDepth })).toEqual(resultOf(poke(3), { maxDepth }));
});

test('a memory that is too small for all states is left, and the search goes on', () => {
  const plain = poke(3);
  const small = generatedPoke(3);
  let taken = 0;
  const model: Model = {
    ...small,
    // What the model keeps of the last step stands in it.
    get witnessed() {
      return small.witnessed;
    },
    filing: (storage) => {
      const made = small.filing?.({ ...storage, move: (memory) => storage.move(memory, 300_000) });
      if (made?.steps === undefined) throw new Error('this host has no two memories');
      const { steps } = made;
      const sweep: typeof steps.sweep = (...of) => {
        const count = steps.sweep(...of);
        taken += count;
        return count;
      };
      return { ...made, steps: { ...steps, sweep } };
    },
  };
  expect(resultOf(model)).toEqual(resultOf(plain));
  expect(taken).toBeGreaterThan(5000);
  expect(taken).toBeLessThan(100_000);
});

test('what a later search has taken the place of says so', () => {
  const shape = { words: 3, parts: [0], pieces: [0] };
  const { filing } = engine(shape);
  const filings = [1, 2].map(() => {
    const store = new Store(shape, new Account());
    store.insert(new Int32Array(3));
    return filing(store.storage as NonNullable<typeof store.storage>);
  });
  expect(() => filings[0]?.load(0)).toThrow('taken');
  filings[1]?.load(0);
});
