// All minimal sets: against expected answers by hand, and against every subset searched by itself.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, type Scenario } from '../../compiler/compile.ts';
import { createMachine, type Machine } from '../../compiler/emulator/machine.ts';
import { replay } from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import type { Program } from '../../compiler/ir.ts';
import { lower } from '../../compiler/lower.ts';
import { Minimization, type Minimized } from '../../compiler/minimize/minimize.ts';
import { type Piece, varied, type Way } from '../../compiler/minimize/pieces.ts';
import { minimizedReport } from '../../compiler/minimize/report.ts';
import { type Answer, extensions, minimalSets } from '../../compiler/minimize/sets.ts';
import { reductions } from '../../compiler/reduction/reduced.ts';
import { type How, Verification } from '../../compiler/verify.ts';
import { source } from '../../grammar/index.ts';

const folder = join(import.meta.dirname, 'cases');
const promote = process.env.SUTURE_PROMOTE !== undefined;
const cases = readdirSync(folder).filter((f) => f.endsWith('.suture'));

function minimized(text: string, bounds = {}, how: How = {}): readonly Minimized[] {
  const compiled = compile(text);
  expect(compiled.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  const work = new Minimization(compiled, compiled.scenarios, bounds, { how });
  while (!work.advance(10_000).done);
  return work.results();
}

/** As a table with nothing in it that a clock decides. */
function table(text: string, how?: How): string {
  const lines = minimized(text, {}, how).flatMap((found) => {
    const r = minimizedReport(source(text), found, 0);
    return [
      `"${r.name}": ${r.asWritten}`,
      ...r.pieces.map((p, i) => {
        const { without: w } = p;
        const run = w?.run ? ` in ${w.run.trace.schedule.length} steps` : '';
        const orders = (w?.orders ?? []).map((o) => `, ${o.join(' ')}`).join('');
        const ways = (w?.ways ?? []).map((x) => `, ${x.piece} ${x.taken}`).join('');
        const gone = (w?.gone ?? []).filter((k) => k !== i);
        const more = gone.length > 0 ? `, without ${gone.join(' ')}` : '';
        const why = w ? `: ${w.because}${run}${orders}${ways}${more}` : '';
        return `  ${i} ${p.kind} ${p.text}, line ${(p.via.at(-1) ?? p.span).line}: ${p.needed}${why}`;
      }),
      ...r.sets.map((s) => {
        const ways = s.ways.map((w) => `, ${w.piece} ${w.taken}`).join('');
        return `  keeps: ${s.kept.join(' ') || 'nothing'}${ways}${s.minimal ? '' : ' (as far as is known)'}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}

describe('answers', () => {
  test.each(cases)('%s', (name) => {
    const file = join(folder, name.replace('.suture', '.txt'));
    const now = table(readFileSync(join(folder, name), 'utf8'));
    if (promote) writeFileSync(file, now);
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(now);
  });
  // On generated code from the first state on: the cases are small.
  const searching = (p: Program, machine: Machine) => generated(p, machine, 0);
  test.each(cases)('%s, the same as the command searches', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(table(text, { searching, reducing: reductions })).toBe(
      readFileSync(join(folder, name.replace('.suture', '.txt')), 'utf8'),
    );
  });
  test('there are some', () => {
    expect(cases.length).toBeGreaterThanOrEqual(4);
  });
});

/** Every program of a set searched to its end, by what `verify` itself says of it: nothing is shared, nothing left out. */
function bruteForce(text: string, scenario: Scenario, pieces: readonly Piece[]): readonly number[] {
  const compiled = compile(text);
  const { file } = compiled;
  if (!file) throw new Error('no tree');
  const asExpected = (gone: ReadonlySet<string>, way: (p: Piece) => Way | undefined): boolean =>
    scenario.checks.every((check) => {
      // Each sequence in each of its orders: the product is gone through by counting.
      let orders: number[][][] = [];
      const sequences: string[] = [];
      varied(file, check.options, {
        gone: () => false,
        way: () => undefined,
        order: (s) => {
          sequences.push(s.id);
          const kept = pieces.flatMap((p): [number, number][] =>
            p.kind === 'order' && p.block === s.id && !gone.has(p.id) ? [[p.before, p.after]] : [],
          );
          const all = extensions(s.phases.length, kept).map((o) => [...o]);
          orders =
            orders.length === 0
              ? all.map((o) => [o])
              : orders.flatMap((x) => all.map((o) => [...x, o]));
          return undefined;
        },
      });
      return (orders.length === 0 ? [[]] : orders).every((order) => {
        const variant = varied(file, check.options, {
          gone: (p) => gone.has(p.id),
          way: (p) => (gone.has(p.id) ? way(p) : undefined),
          order: (s) => order[sequences.indexOf(s.id)],
        });
        if (!lower(variant, text, check, () => {})) return false;
        const search = new Verification(
          { ...compiled, file: variant },
          { ...scenario, checks: [check] },
          {},
        );
        while (!search.advance(100_000).done);
        return search.result().asExpected;
      });
    });
  const keeps: number[] = [];
  for (let kept = 0; kept < 2 ** pieces.length; kept++) {
    const goneIds = new Set(pieces.flatMap((p, i) => ((kept & (1 << i)) === 0 ? [p.id] : [])));
    const conditions = pieces.filter((p) => p.kind === 'condition' && goneIds.has(p.id));
    let found = false;
    for (let w = 0; w < 2 ** conditions.length && !found; w++)
      found = asExpected(goneIds, (p) =>
        (w & (1 << conditions.findIndex((c) => c.id === p.id))) === 0 ? 'else' : 'then',
      );
    if (found) keeps.push(kept);
  }
  return keeps.filter((k) => !keeps.some((x) => x !== k && (k & x) === x));
}

/** Small protocols: where they sync and how, in phases or not, what is stored together, what the handler asks. */
const protocols = fc
  .record({
    waits: fc.array(fc.constantFrom('', '', 'sync cores', 'sync threads', 'serialize'), {
      minLength: 3,
      maxLength: 3,
    }),
    phases: fc.boolean(),
    unit: fc.constantFrom('', ' as any order', ' as bytes descending'),
    handler: fc.constantFrom(
      'resume place',
      'if here == place { resume place } else { decline }',
      'if seen == 0 { seen = 1 }; resume place',
    ),
    fetch: fc.constantFrom('sdm', 'amd', 'zen3'),
    turned: fc.boolean(),
  })
  .map(({ waits, phases, unit, handler, fetch, turned }) => {
    const pokes = ['poke place[0] = int3', `poke place[1..]${unit}`, 'poke place[0]'];
    if (turned) pokes.reverse();
    const body = pokes.flatMap((poke, i) => [
      phases ? `phase p${i} { ${poke} }` : poke,
      ...(waits[i] ? [waits[i]] : []),
    ]);
    return (expect: string): string => `protocol t "t"
code {
  one:    mov eax, 1; ret
  two:    mov eax, 2; ret
  caller:
  place:  call one
          jmp caller
}
thread worker runs caller
shared seen = 0
on breakpoint at place { ${handler} }
patch place: call one -> call two {
  ${body.join('\n  ')}
}
scenario "all" { fetch ${fetch} } ${expect}
`;
  });

test('every subset of small protocols gives the same sets', { timeout: 300_000 }, () => {
  let sets = 0;
  fc.assert(
    fc.property(protocols, (write) => {
      const plain = compile(write('expect holds'));
      const search = new Verification(plain, plain.scenarios[0] as Scenario, {});
      while (!search.advance(100_000).done);
      const [violated] = search.result().checks[0]?.result.violations ?? [];
      const text = write(violated ? `expect violates ${violated.property}` : 'expect holds');
      const [found] = minimized(text);
      if (!found) throw new Error('no scenario');
      expect(found.asWritten).toBe('keeps');
      fc.pre(found.pieces.length <= 6);
      const pieces = found.pieces.map((p) => p.piece);
      expect(found.sets.map((s) => bits(s.kept)).sort((a, b) => a - b)).toEqual(
        bruteForce(text, found.scenario, pieces),
      );
      sets += found.sets.length;
    }),
    { numRuns: process.env.SUTURE_LONG === undefined ? 6 : 200 },
  );
  expect(sets).toBeGreaterThan(0);
});

const bits = (list: readonly number[]): number => list.reduce((n, i) => n | (1 << i), 0);

describe('every subset by itself gives the same sets', () => {
  test.each(cases)('%s', { timeout: 120_000 }, (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const found of minimized(text)) {
      if (found.asWritten !== 'keeps') continue;
      const pieces = found.pieces.map((p) => p.piece);
      expect(found.sets.map((s) => bits(s.kept)).sort((a, b) => a - b)).toEqual(
        bruteForce(text, found.scenario, pieces),
      );
    }
  });
});

describe('what is said of a set', () => {
  const text = readFileSync(join(folder, 'redundant.suture'), 'utf8');
  test('a run without a piece replays in the spec without it', () => {
    const compiled = compile(text);
    let runs = 0;
    for (const { scenario, pieces } of minimized(text)) {
      for (const { evidence: e } of pieces) {
        if (!e?.run || !compiled.file || e.orders.length > 0) continue;
        const check = scenario.checks[e.check];
        if (!check) continue;
        const gone = new Set(
          pieces.flatMap((p, i) => ((e.gone & (1 << i)) === 0 ? [] : [p.piece.id])),
        );
        const variant = varied(compiled.file, check.options, {
          gone: (p) => gone.has(p.id),
          way: () => undefined,
          order: () => undefined,
        });
        const lowered = lower(variant, text, check, () => {});
        if (!lowered) throw new Error('it does not lower');
        const { schedule, property } = e.run.violation;
        const end = replay(
          createMachine(lowered.program),
          schedule.map((s) => s.name),
        );
        expect(end).toMatchObject({ kind: 'violated', property });
        runs++;
      }
    }
    expect(runs).toBeGreaterThan(0);
  });
  test('what was not searched to its end keeps nothing', () => {
    const all = minimized(text, { maxStates: 60 });
    expect(all.map((r) => r.asWritten)).toContain('unfinished');
    expect(all.flatMap((r) => (r.scenario.expected.kind === 'holds' ? r.sets : []))).toEqual([]);
    const wanted = minimized(text, { maxStates: 100_000 });
    expect(wanted.map((r) => r.unfinished)).toEqual([0, 0]);
  });
});

test('stopped at any moment nothing is claimed that is not so', () => {
  const text = readFileSync(join(folder, 'witness.suture'), 'utf8');
  const compiled = compile(text);
  const [whole] = minimized(text);
  const right = whole?.sets.map((s) => s.kept) ?? [];
  let open = 0;
  for (let slices = 0; slices < 40; slices += 3) {
    const work = new Minimization(compiled, compiled.scenarios, {});
    for (let i = 0; i < slices && !work.advance(500).done; i++);
    work.stop('time');
    while (!work.advance(500).done);
    const [found] = work.results();
    if (!found) throw new Error('no scenario');
    if (found.asWritten === 'unfinished' || found.unfinished > 0) {
      open++;
      expect(found.bound).toBe('time');
      expect(found.pieces.map((p) => p.needed)).not.toContain('never');
    }
    for (const s of found.sets) if (s.minimal) expect(right).toContainEqual(s.kept);
  }
  expect(open).toBeGreaterThan(0);
});

/** What the generator answers when it is asked to its end. */
function family(count: number, answers: readonly Answer[]) {
  const asked = minimalSets(count, function* (kept) {
    yield;
    return answers[kept] as Answer;
  });
  for (;;) {
    const step = asked.next();
    if (step.done) return step.value;
  }
}

test('minimal sets of any family of sets, also of one that grows and shrinks', () => {
  const answer = fc.constantFrom<Answer>('keeps', 'breaks', 'breaks', 'unfinished');
  fc.assert(
    fc.property(
      fc
        .integer({ min: 0, max: 5 })
        .chain((n) =>
          fc.tuple(fc.constant(n), fc.array(answer, { minLength: 2 ** n, maxLength: 2 ** n })),
        ),
      ([n, answers]) => {
        const within = (a: number, b: number): boolean => a !== b && (a & b) === a;
        const is = (a: Answer): number[] => answers.flatMap((x, i) => (x === a ? [i] : []));
        const minimal = is('keeps').filter((k) => !is('keeps').some((x) => within(x, k)));
        const found = family(n, answers);
        expect(found.sets.map((s) => s.kept).sort((a, b) => a - b)).toEqual(minimal);
        for (const s of found.sets)
          expect(s.minimal).toBe(!is('unfinished').some((u) => within(u, s.kept)));
        expect(found.unfinished).toBe(
          is('unfinished').filter((u) => !minimal.some((m) => within(m, u))).length,
        );
      },
    ),
  );
});

test('orders of more than five phases in a block are not looked at, which is said', () => {
  const phases = (count: number): string =>
    Array.from({ length: count }, (_, i) => `phase p${i} { poke place[${i % 5}] = nop }`).join(
      '; ',
    );
  for (const [count, pieces, crowded, bound] of [
    [3, 3, 0, null],
    [6, 0, 6, 'phases'],
  ] as const) {
    const text = `protocol p "phases"
code {
  caller:
  place:  nop
          nop 4
          jmp caller
}
thread worker runs caller
patch place: nop -> nop { ${phases(count).replace(/\[\d\]/g, '[0]')} }
`;
    const [found] = minimized(text) as [Minimized];
    expect([found.pieces.length, found.crowded]).toEqual([pieces, crowded]);
    expect(minimizedReport(source(text), found, 0)).toMatchObject({ bound });
  }
});

test('nothing is asked any more once it is stopped, and what is left is unfinished', () => {
  let asked = 0;
  const sets = minimalSets(
    20,
    function* () {
      yield;
      asked++;
      return 'breaks';
    },
    () => asked === 100,
  );
  for (;;) {
    const step = sets.next();
    if (!step.done) continue;
    expect([asked, step.value]).toEqual([100, { sets: [], unfinished: 2 ** 20 - 100 }]);
    return;
  }
});

test('orders that leave a pair as it is', () => {
  expect(extensions(3, [])).toHaveLength(6);
  expect(
    extensions(3, [
      [0, 1],
      [1, 2],
    ]),
  ).toEqual([[0, 1, 2]]);
  expect(extensions(3, [[0, 2]])).toEqual([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
  ]);
});
