// Every question that an editor asks, in marked texts: the corpus says the answers.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { analyse, diagnostics } from '../../compiler/service/index.ts';
import { answer, type Case, casesOf, wholeSpec, written } from './case.ts';

const folder = join(import.meta.dirname, 'cases');
const promote = process.env.SUTURE_PROMOTE !== undefined;

test('the spec that cases are part of is right', () => {
  expect(diagnostics(analyse(wholeSpec))).toEqual([]);
});

for (const file of readdirSync(folder).sort()) {
  const text = readFileSync(join(folder, file), 'utf8');
  const cases = casesOf(text);
  const out = new Map<Case, readonly string[]>();
  describe(file, () => {
    for (const c of cases) {
      test(`${c.question} ${c.where}: ${c.marked}`, () => {
        const lines = answer(c);
        out.set(c, lines);
        if (!promote) expect(lines).toEqual(c.answers);
      });
    }
    afterAll(() => {
      // Nothing is written unless every case was answered.
      if (!promote || out.size !== cases.length) return;
      const comment = /^(#.*\n)*/.exec(text)?.[0] ?? '';
      const body = cases.map((c) => written(c, out.get(c) ?? []));
      writeFileSync(join(folder, file), `${comment}\n${body.join('\n\n')}\n`);
    });
  });
}
