// The search on models whose figures are known by hand or from other engines.

import { describe, expect, test, vi } from 'vitest';
import {
  type Bounds,
  createSearch,
  type Model,
  type Result,
  type Run,
  type Saved,
} from '../../compiler/explorer/index.ts';
import { lock } from './lock.ts';
import { poke } from './poke.ts';

function search(model: Model, bounds: Bounds = {}): Result {
  const running = createSearch(model, bounds);
  while (!running.advance(1 << 16).done);
  return running.result();
}

const namesOf = ({ schedule }: Run) => schedule.map((step) => step.name);

describe('two counters and a lock', () => {
  // Free: (max + 1)² pairs of counters. Held by one of two, before or after it counts: max * (max + 1) each.
  test.each([1, 2, 3, 10])('counts to %i', (max) => {
    const result = search(lock({ max }));
    expect(result).toMatchObject({
      verdict: 'holds',
      states: (max + 1) ** 2 + 4 * max * (max + 1),
      transitions: 6 * max * (max + 1),
      depth: 6 * max,
      violations: [],
    });
    expect(result.bound).toBeUndefined();
  });

  test('a lock that is not looked at is taken twice in two steps', () => {
    const result = search(lock({ max: 2, careless: true }));
    expect(result.verdict).toBe('violated');
    expect(result.violations).toHaveLength(1);
    const [violation] = result.violations;
    expect(violation).toMatchObject({ property: 'exclusion', initial: 0, inevitableFrom: 2 });
    expect(violation && namesOf(violation)).toEqual(['a locks', 'b locks']);
    // Nothing lies behind a violation, so the states are those of the careful lock.
    expect(result.states).toBe(9 + 24);
    // Each of the 24 held states offers the other one's step too, unless its counter is full.
    expect(result.transitions).toBe(36 + 2 * 2 * 2 * 2);
  });

  test('a forgotten lock is a deadlock', () => {
    const result = search(lock({ max: 2, forgets: true }));
    const [violation] = result.violations;
    expect(violation).toMatchObject({
      property: 'finishes',
      goal: 'both done',
      deadlock: true,
      inevitableFrom: 3,
    });
    expect(violation).not.toHaveProperty('loopFrom');
    expect(violation && namesOf(violation)).toEqual(['b locks', 'b counts', 'b forgets']);
    // For each count of a: b may forget after its first or second count.
    expect(result.states).toBe(33 + 2 * 3);
  });

  test('a forgotten lock with someone who spins is a livelock', () => {
    const result = search(lock({ max: 2, forgets: true, spins: true }));
    const [violation] = result.violations;
    expect(violation).toMatchObject({ property: 'finishes', loopFrom: 3 });
    expect(violation).not.toHaveProperty('deadlock');
    expect(violation && namesOf(violation)).toEqual([
      'b locks',
      'b counts',
      'b forgets',
      'a spins',
    ]);
  });

  test('an optional way out is none, and a certain one is', () => {
    expect(search(lock({ max: 2, forgets: true, rescue: 'optional' }))).toMatchObject({
      verdict: 'violated',
      violations: [{ property: 'finishes', deadlock: true }],
    });
    expect(search(lock({ max: 2, forgets: true, rescue: 'certain' })).verdict).toBe('holds');
  });

  test('a state that violates otherwise counts as goal', () => {
    const { violations } = search(lock({ max: 1, forgets: true, complains: true }));
    // With both counters full nobody complains any more, and the goal is lost.
    expect(violations.map((v) => [v.property, v.schedule.length])).toEqual([
      ['finishes', 6],
      ['patience', 4],
    ]);
    expect(violations[0] && namesOf(violations[0])).toEqual([
      'a locks',
      'a counts',
      'a unlocks',
      'b locks',
      'b counts',
      'b forgets',
    ]);
    // Once b has forgotten, a can do nothing but complain.
    expect(violations[1]?.inevitableFrom).toBe(3);
  });

  test('witnesses come with a shortest run, or without one', () => {
    const { witnesses } = search(lock({ max: 1 }));
    expect(witnesses.map(({ name, run }) => [name, run && namesOf(run)])).toEqual([
      ['a is done', ['a locks', 'a counts']],
      ['both count 1', ['a locks', 'a counts', 'a unlocks', 'b locks', 'b counts']],
      ['a counts 99', undefined],
    ]);
  });

  test('several initial states', () => {
    const model = lock({ max: 2, forgets: true });
    const start = (owner: number, a: number, b: number) => Int32Array.of(owner, 0, a, 0, b);
    const both = { ...model, initial: () => [start(0, 2, 2), start(0, 2, 2), start(0, 2, 1)] };
    // `apply` answers through the first object.
    Object.defineProperty(both, 'witnessed', { get: () => model.witnessed });
    Object.defineProperty(both, 'limit', { get: () => model.limit });
    const result = search(both);
    expect(result.states).toBe(5);
    expect(result.violations[0]?.initial).toBe(2);
  });
});

test('a model of nothing holds of nothing', () => {
  expect(() => createSearch({ ...lock({ max: 1 }), initial: () => [] })).toThrow('initial state');
});

describe('bounds', () => {
  test('states: exactly as many as there are is no bound', () => {
    expect(search(lock({ max: 3 }), { maxStates: 64 }).verdict).toBe('holds');
    const result = search(lock({ max: 3 }), { maxStates: 63 });
    expect(result).toMatchObject({ verdict: 'unfinished', bound: 'states', states: 63 });
    expect(search(lock({ max: 3 }), { maxStates: 0 })).toMatchObject({
      verdict: 'unfinished',
      bound: 'states',
      states: 0,
    });
  });

  test('depth', () => {
    expect(search(lock({ max: 3 }), { maxDepth: 18 }).verdict).toBe('holds');
    expect(search(lock({ max: 3 }), { maxDepth: 17 })).toMatchObject({
      verdict: 'unfinished',
      bound: 'depth',
      depth: 17,
    });
  });

  test('memory is never exceeded', () => {
    const whole = search(poke(2));
    let finished = 0;
    for (let maxMemory = 0; maxMemory < 2 * whole.bytes; maxMemory += whole.bytes >> 4) {
      const result = search(poke(2), { maxMemory });
      expect(result.bytes).toBeLessThanOrEqual(maxMemory);
      if (result.verdict === 'holds') finished++;
      else expect(result).toMatchObject({ verdict: 'unfinished', bound: 'memory' });
    }
    expect(finished).toBeGreaterThan(0);
  });

  test('without memory to explain it, a violation is still one', () => {
    const options = { max: 3, forgets: true, spins: true };
    const whole = search(lock(options));
    const [known] = whole.violations;
    let unexplained = 0;
    for (let maxMemory = 0; maxMemory < 2 * whole.bytes; maxMemory += 64) {
      const { verdict, bound, violations } = search(lock(options), { maxMemory });
      expect(bound).toBe(verdict === 'violated' ? undefined : 'memory');
      const [violation] = violations;
      if (violation === undefined) continue;
      expect(violation.schedule).toEqual(
        known?.schedule.slice(0, violation.loopFrom === undefined ? 3 : undefined),
      );
      expect(['not known', known?.inevitableFrom]).toContain(violation.inevitableFrom);
      if (violation.inevitableFrom === 'not known' || violation.loopFrom === undefined)
        unexplained++;
      else expect(violation).toEqual(known);
    }
    expect(unexplained).toBeGreaterThan(0);
  });

  test('memory that the host refuses', () => {
    let refused = 0;
    for (let given = 0; given < 60; given++) {
      let left = given;
      vi.stubGlobal(
        'ArrayBuffer',
        class extends ArrayBuffer {
          constructor(bytes: number) {
            if (left-- <= 0) throw new RangeError('Array buffer allocation failed');
            super(bytes);
          }
        },
      );
      try {
        const { verdict, bound } = search(poke(2));
        expect([verdict, bound]).toEqual(
          bound === undefined ? ['holds', undefined] : ['unfinished', 'memory'],
        );
        if (bound !== undefined) refused++;
      } finally {
        vi.unstubAllGlobals();
      }
    }
    expect(refused).toBeGreaterThan(10);
  });

  test("a bound of the model's own", () => {
    const result = search(lock({ max: 3, room: 2 }));
    expect(result).toMatchObject({ verdict: 'unfinished', bound: 'counter' });
    // As counting to 2, and for each pair the lock may be taken once more where a counter stands at 2.
    expect(result.states).toBe(33 + 2 * 3);
    expect(result.transitions).toBe(36 + 2 * 3);
  });

  test('a violation found before the bound stands beside it', () => {
    const result = search(lock({ max: 3, careless: true }), { maxStates: 20 });
    expect(result).toMatchObject({
      verdict: 'violated',
      bound: 'states',
      violations: [{ property: 'exclusion', inevitableFrom: 'not known' }],
    });
  });

  test('goals are not judged when a bound was hit', () => {
    const result = search(lock({ max: 2, forgets: true }), { maxStates: 30 });
    expect(result).toMatchObject({ verdict: 'unfinished', bound: 'states', violations: [] });
  });

  test('a stop is a bound by its reason, until the verdict stands', () => {
    const early = createSearch(lock({ max: 3 }));
    early.advance(5);
    expect(() => early.result()).toThrow('not done');
    early.stop('time');
    expect(early.advance(5)).toEqual({ done: true });
    expect(early.result()).toMatchObject({ verdict: 'unfinished', bound: 'time' });

    const late = createSearch(lock({ max: 3 }));
    while (!late.advance(10).done);
    late.stop('time');
    expect(late.result().verdict).toBe('holds');
  });
});

describe('small steps', () => {
  const models: [string, () => Model][] = [
    ['holds', () => lock({ max: 3 })],
    ['safety', () => lock({ max: 3, careless: true })],
    ['deadlock', () => lock({ max: 3, forgets: true })],
    ['livelock', () => lock({ max: 3, forgets: true, spins: true })],
    ['poke', () => poke(2)],
    ['poke without its second sync', () => poke(2, { omit: 2 })],
  ];
  test.each(models)('give the same result as one: %s', (_, model) => {
    const once = createSearch(model());
    expect(once.advance(Number.POSITIVE_INFINITY)).toEqual({ done: true });
    for (const budget of [1, 7]) {
      const running = createSearch(model());
      let { states, transitions } = running.progress();
      while (!running.advance(budget).done) {
        const next = running.progress();
        expect(next.states).toBeGreaterThanOrEqual(states);
        expect(next.transitions).toBeGreaterThanOrEqual(transitions);
        ({ states, transitions } = next);
      }
      expect(running.progress().queue).toBe(0);
      expect(running.result()).toEqual(once.result());
    }
  });
});

test.each([
  ['holds', () => lock({ max: 3 })],
  ['safety', () => lock({ max: 3, careless: true })],
  ['livelock', () => lock({ max: 3, forgets: true, spins: true })],
  ['poke', () => poke(2)],
])('what was saved is gone on with: %s', (_, model) => {
  const once = createSearch(model());
  while (!once.advance(1000).done);
  for (const budget of [1, 5, 40]) {
    const entries: Saved[] = [];
    let last = createSearch(model());
    for (let n = 1; !last.advance(budget).done; n++) {
      const saved = last.save();
      if (saved !== undefined) entries.push(structuredClone(saved));
      if (n % 4 !== 0 || n > 60) continue;
      last = createSearch(model());
      for (const entry of entries) last.restore(entry);
      expect(last.save()?.grown.filter((g) => g.length > 0)).toEqual([]);
    }
    const { bytes: _, ...result } = last.result();
    const { bytes: __, ...expected } = once.result();
    expect(result).toEqual(expected);
  }
  // Where fewer states may be kept than there were, it ends by that bound, without runs through those that are missing.
  const first = createSearch(model());
  first.advance(20);
  const kept = first.save() as Saved;
  for (const maxStates of [1, 5, 10]) {
    const less = createSearch(model(), { maxStates });
    less.restore(structuredClone(kept));
    expect(less.advance(1)).toEqual({ done: true });
    const { verdict, bound, violations } = less.result();
    expect([verdict, bound, violations]).toEqual(['unfinished', 'states', []]);
  }
  const other = createSearch(lock({ max: 2 }));
  const entry = { ...(createSearch(poke(2)).save() as Saved), grown: [] };
  expect(() => other.restore(entry)).toThrow('of another model');
});

describe('poke', () => {
  test('two CPUs', () => {
    expect(search(poke(2))).toMatchObject({ verdict: 'holds', states: 4536 });
  });

  test('three CPUs: the count of other engines', () => {
    const figures = { verdict: 'holds', states: 130_672, transitions: 876_512 };
    expect(search(poke(3))).toMatchObject(figures);
    expect(search(poke(3, { ends: true }))).toMatchObject(figures);
  });

  test.each([
    [1, 7],
    [2, 14],
    [3, 20],
  ])('without sync %i the shortest run has %i steps', (omit, steps) => {
    const { verdict, violations } = search(poke(3, { omit }));
    expect(verdict).toBe('violated');
    expect(Math.min(...violations.map((v) => v.schedule.length))).toBe(steps);
  });

  test('how a state is cut into parts changes nothing', () => {
    const wide = (parts: readonly number[]): Model => {
      const model = poke(2);
      const widened = (s: Int32Array) =>
        Int32Array.of(s[0] as number, 0, 0, 0, 0, 5, s[1] as number);
      const inner = new Int32Array(2);
      const narrow = (s: Int32Array) => {
        inner[0] = s[0] as number;
        inner[1] = s[6] as number;
        return inner;
      };
      return {
        ...model,
        words: 7,
        parts,
        initial: () => model.initial().map(widened),
        enabled: (s, out) => model.enabled(narrow(s), out),
        apply(s, action) {
          const answer = model.apply(narrow(s), action);
          s.set(widened(inner));
          return answer;
        },
      };
    };
    const { bytes: _, ...whole } = search(wide([0]));
    for (const parts of [
      [0, 1],
      [0, 6],
      [0, 1, 6],
      [0, 1, 2, 3, 4, 5, 6],
    ]) {
      const { bytes: _, ...cut } = search(wide(parts));
      expect(cut).toEqual(whole);
    }
  });
});
