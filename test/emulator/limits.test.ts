// What the machine keeps no more of ends a search unfinished, interpreted or by generated code, and is named.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generated } from '../../compiler/generator/engine.ts';
import { compile, type Scenario, Verification } from '../../compiler/index.ts';
import type { Searching } from '../../compiler/verify.ts';

const folder = join(import.meta.dirname, 'limits');
const ways: readonly [string, Searching | undefined][] = [
  ['interpreted', undefined],
  ['generated', (p, machine) => generated(p, machine, 0)],
];

test.each(
  readdirSync(folder).flatMap((file) => ways.map(([name, by]) => [file, name, by] as const)),
)('%s, %s', (file, _, searching) => {
  const text = readFileSync(join(folder, file), 'utf8');
  const [, bound] = /^\/\/ bound: (.*)$/m.exec(text) ?? [];
  const compiled = compile(text);
  expect(compiled.diagnostics).toEqual([]);
  const work = new Verification(compiled, compiled.scenarios[0] as Scenario, {}, { searching });
  while (!work.advance(100_000).done);
  const { checks, verdict } = work.result();
  expect([verdict, checks[0]?.result.bound]).toEqual(['unfinished', bound]);
});
