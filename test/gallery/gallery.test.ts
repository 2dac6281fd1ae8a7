// Every verdict of the gallery, with its exact number of states, and every violation's run told again.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createMachine, programOf, tell } from '../../compiler/index.ts';
import { examples, line, page, verify } from './gallery.ts';

const golden = join(import.meta.dirname, 'states.txt');
const readme = join(import.meta.dirname, '../../examples/README.md');
const promote = process.env.SUTURE_PROMOTE !== undefined;
const known = new Map(
  (promote ? '' : readFileSync(golden, 'utf8'))
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => [l.split(' | ').slice(0, 2).join(' | '), l]),
);
const seen: string[] = [];
afterAll(() => {
  if (!promote) return;
  writeFileSync(golden, `${seen.join('\n')}\n`);
  writeFileSync(readme, page(seen));
});

for (const { name, compiled } of examples) {
  describe(name, () => {
    test('has no diagnostics', () => expect(compiled.diagnostics).toEqual([]));
    for (const scenario of compiled.scenarios) {
      test(scenario.name, () => {
        const r = verify(compiled, scenario);
        expect(r.finding).toBeUndefined();
        const said = line(name, r);
        seen.push(said);
        if (!promote) expect(said).toBe(known.get(`${name} | ${scenario.name}`));
        r.checks.forEach((check, i) => {
          const machine = createMachine(programOf(compiled, scenario.checks[i] as never).program);
          check.result.violations.forEach((v, k) => {
            const again = tell(
              machine,
              v.schedule.map((s) => s.name),
              v.initial,
            );
            expect(again.diverged).toBeUndefined();
            expect(again.steps.map((s) => s.digest)).toEqual(
              check.traces[k]?.steps.map((s) => s.digest),
            );
            // A goal that is lost is no step's doing; anything else happens at the last one.
            expect(again.violated).toBe(v.goal === undefined ? v.property : undefined);
          });
        });
      });
    }
  });
}

test('no scenario is forgotten', () => {
  const all = examples.flatMap((e) => e.compiled.scenarios.map((s) => `${e.name} | ${s.name}`));
  expect(promote ? [] : [...known.keys()].filter((k) => !all.includes(k))).toEqual([]);
});

test("the gallery's page says what the files say", () => {
  if (!promote) expect(readFileSync(readme, 'utf8')).toBe(page([...known.values()]));
});
