// Random specs: the search on generated code is the interpreter's there too, and they are worth the asking.

import { expect, test } from 'vitest';
import { type Compiled, compile } from '../../compiler/compile.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { type CheckResult, type Searching, Verification } from '../../compiler/verify.ts';
import { spec } from './specs.ts';

const seeds = Array.from(
  { length: process.env.SUTURE_LONG === undefined ? 120 : 2_000 },
  (_, seed) => seed,
);
/** Some are larger: both searches must then stop at the same state. */
const most = 30_000;

function compiledOf(seed: number): Compiled {
  const compiled = compile(spec(seed));
  expect(compiled.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return compiled;
}

function searched(compiled: Compiled, searching?: Searching): CheckResult {
  const [scenario] = compiled.scenarios;
  if (!scenario) throw new Error('a random spec has one scenario');
  const verification = new Verification(compiled, scenario, { maxStates: most }, { searching });
  while (!verification.advance(100_000).done);
  const [check, ...more] = verification.result().checks;
  if (!check || more.length > 0) throw new Error('a random spec has one check');
  return check;
}

/** All that is said of a search but how it was made. */
function said({ how: _, result: { bytes: __, ...result }, ...rest }: CheckResult): object {
  return { result, ...rest };
}

const results = new Map<number, CheckResult>();
/** What the generated code finds, searched once; without code there is none to wait for. */
function resultOf(seed: number): CheckResult {
  const known = results.get(seed) ?? searched(compiledOf(seed), (p, m) => generated(p, m, 0));
  results.set(seed, known);
  return known;
}

test.each(seeds)('seed %i', (seed) => {
  const found = resultOf(seed);
  if (found.how.startsWith('generated'))
    expect(said(found)).toEqual(said(searched(compiledOf(seed))));
  else expect(found.how).toMatch(/^interpreted: (the fetch model|what it emulates)/);
});

test('is the same text for the same seed', () => {
  expect(seeds.map(spec)).toEqual(seeds.map(spec));
  expect(new Set(seeds.map((s) => spec(s).replace(/^.*\n/, ''))).size).toBe(seeds.length);
});

test('finds mistakes, and protocols without', () => {
  const all = seeds.map(resultOf);
  const share = (which: (c: CheckResult) => boolean): number =>
    all.filter(which).length / all.length;
  expect(share((c) => c.how.startsWith('generated'))).toBeGreaterThan(0.9);
  expect(share((c) => c.result.bound === undefined)).toBeGreaterThanOrEqual(0.95);
  expect(share((c) => c.result.verdict === 'violated')).toBeGreaterThan(0.25);
  // A protocol that nothing ever happens to holds, too.
  expect(
    share(
      (c) =>
        c.result.verdict === 'holds' &&
        c.witnesses.length > 0 &&
        c.witnesses.every((w) => w.reached),
    ),
  ).toBeGreaterThan(0.25);
  const properties = new Set(all.flatMap((c) => c.result.violations.map((v) => v.property)));
  expect(properties.size).toBeGreaterThan(8);
  expect(
    share((c) => c.result.violations.some((v) => v.property === 'torn_instruction')),
  ).toBeLessThan(0.35);
});
