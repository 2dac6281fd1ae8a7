// A reduced search answers as the full one does: on the gallery, on specs for the corners of the machine, on specs made at random.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, programOf } from '../../compiler/index.ts';
import type { Check } from '../../compiler/scenario.ts';
import { corners, gallery } from '../generator/gallery.ts';
import { spec as varied } from '../generator/specs.ts';
import { asked } from './asked.ts';
import { spec as quiet } from './specs.ts';

const long = process.env.SUTURE_LONG !== undefined;
const seeds = long ? 50_000 : 100;

test('on the gallery', { timeout: 600_000 }, () => {
  let fewer = 0;
  for (const { name, program } of gallery(long ? 1000 : 1)) {
    const { full, less, differences } = asked(program, long ? 3_000_000 : 12_000, true);
    expect([name, differences]).toEqual([name, []]);
    if (full.bound === undefined && less?.verdict === 'holds' && less.states < full.states / 2)
      fewer++;
  }
  expect(fewer).toBeGreaterThan(8);
});

test('on corners of the machine, interpreted', { timeout: 600_000 }, () => {
  for (const { name, program } of corners())
    expect([name, asked(program, 5_000, false).differences]).toEqual([name, []]);
});

const specs = join(import.meta.dirname, 'specs');

test.each(readdirSync(specs))('where less cannot be searched after all: %s', (file) => {
  const compiled = compile(readFileSync(join(specs, file), 'utf8'));
  expect(compiled.scenarios.length).toBeGreaterThan(0);
  for (const { checks } of compiled.scenarios) {
    const { full, differences } = asked(
      programOf(compiled, checks[0] as Check).program,
      100_000,
      true,
    );
    expect([full.verdict, differences]).toEqual(['violated', []]);
  }
});

describe.each([
  { of: 'with steps that nobody sees', spec: quiet, smaller: 3 },
  { of: 'of every kind', spec: varied, smaller: 5 },
])('on specs made at random, $of', ({ spec, smaller }) => {
  const counts = {
    violated: 0,
    holds: 0,
    unfinished: 0,
    smaller: 0,
    properties: new Set<string>(),
  };

  test(`${seeds} of them`, { timeout: 36_000_000 }, () => {
    for (let seed = 0; seed < seeds; seed++) {
      const compiled = compile(spec(seed));
      const check = compiled.scenarios[0]?.checks[0];
      expect([seed, check !== undefined]).toEqual([seed, true]);
      const { program } = programOf(compiled, check as Check);
      const { full, less, differences } = asked(program, 8_000, true);
      expect([seed, differences]).toEqual([seed, []]);
      if (full.verdict !== 'holds' || full.witnesses.every((w) => w.run !== undefined))
        counts[full.bound === undefined ? full.verdict : 'unfinished']++;
      if (less?.bound === undefined && (less?.states ?? full.states) < full.states)
        counts.smaller++;
      for (const v of full.violations) counts.properties.add(v.property);
    }
  });

  test('many of which are violated, and many hold and do what they are there for', () => {
    const judged = seeds - counts.unfinished;
    expect(counts.violated).toBeGreaterThan(judged / 4);
    expect(counts.holds).toBeGreaterThan(judged / 4);
    expect(counts.smaller).toBeGreaterThan(judged / smaller);
    expect(counts.properties.size).toBeGreaterThan(5);
  });
});
