// Replays and random runs: the names of a run are the run.

import { describe, expect, test } from 'vitest';
import { createSearch, replay, type Violation, walk } from '../../compiler/explorer/index.ts';
import { lock } from './lock.ts';
import { poke } from './poke.ts';

describe('replay', () => {
  test('a violation found by the search violates again', () => {
    const search = createSearch(poke(3, { omit: 2 }));
    while (!search.advance(1000).done);
    const [violation] = search.result().violations;
    const { schedule, property } = violation as Violation;
    const outcome = replay(
      poke(3, { omit: 2 }),
      schedule.map((step) => step.name),
    );
    expect(outcome).toMatchObject({ kind: 'violated', property, steps: schedule });
  });

  test('a run that no longer fits says where, and what would fit', () => {
    const outcome = replay(lock({ max: 1 }), ['a locks', 'a counts', 'b locks', 'b counts']);
    expect(outcome).toMatchObject({
      kind: 'diverges',
      at: 2,
      expected: 'b locks',
      enabled: ['a unlocks'],
      message: 'diverges at step 2: expected b locks, enabled: a unlocks',
    });
    expect(outcome.state).toEqual(Int32Array.of(1, 2, 1, 0, 0));
    expect(replay(lock({ max: 0 }), ['a locks'])).toMatchObject({
      message: 'diverges at step 0: expected a locks, enabled: none',
    });
  });

  test("a bound of the model's own ends it", () => {
    const outcome = replay(lock({ max: 1, room: 0 }), ['a locks', 'a counts', 'a unlocks']);
    expect(outcome).toMatchObject({ kind: 'limit', limit: 'counter' });
    expect(outcome.steps).toHaveLength(2);
  });

  test('each step is watched with the states around it', () => {
    const seen: string[] = [];
    const names = ['a locks', 'a counts', 'a unlocks'];
    const outcome = replay(lock({ max: 1 }), names, {
      watch: (step, index, before, after) =>
        seen.push(`${index} ${step.name}: ${before.join('')} ${after.join('')}`),
    });
    expect(outcome.kind).toBe('played');
    expect(seen).toEqual([
      '0 a locks: 00000 11000',
      '1 a counts: 11000 12100',
      '2 a unlocks: 12100 00100',
    ]);
  });

  test('from another initial state', () => {
    const model = lock({ max: 1 });
    const initial = () => [new Int32Array(5), Int32Array.of(1, 2, 1, 0, 0)];
    const both = Object.defineProperty(model, 'initial', { value: initial });
    expect(replay(both, ['a unlocks'], { initial: 1 }).kind).toBe('played');
    expect(() => replay(both, [], { initial: 2 })).toThrow(RangeError);
  });
});

describe('walk', () => {
  test('the same seed gives the same run, and its names replay', () => {
    for (let seed = 0; seed < 50; seed++) {
      const model = poke(2, { omit: seed % 4 });
      const outcome = walk(model, seed, 200);
      expect(walk(model, seed, 200)).toEqual(outcome);
      const again = replay(
        model,
        outcome.steps.map((step) => step.name),
      );
      expect({ ...again, initial: 0 }).toEqual(outcome);
    }
  });

  test('other seeds give other runs', () => {
    const runs = Array.from({ length: 20 }, (_, seed) =>
      walk(poke(2), seed, 30)
        .steps.map((step) => step.name)
        .join(),
    );
    expect(new Set(runs).size).toBe(20);
  });

  test('every action gets its turn', () => {
    const names = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      for (const { name } of walk(poke(2), seed, 100).steps) names.add(name);
    }
    // Two CPUs with an IPI, three bytes and a step each, and the patcher.
    expect(names.size).toBe(11);
  });

  test('ends where nothing is enabled, at a violation and at a bound', () => {
    expect(walk(lock({ max: 2 }), 1, 100)).toMatchObject({ kind: 'stuck' });
    expect(walk(lock({ max: 2 }), 1, 100).steps).toHaveLength(12);
    expect(walk(lock({ max: 2, room: 0 }), 1, 100)).toMatchObject({ kind: 'limit' });
    expect(walk(lock({ max: 50, careless: true }), 1, 1000)).toMatchObject({
      kind: 'violated',
      property: 'exclusion',
    });
  });
});
