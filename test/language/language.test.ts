// The specs that the language was designed on come out as their authors say, where they can run.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, Verification } from '../../compiler/index.ts';

const corpus = join(import.meta.dirname, '../grammar/corpus');
/** File -> states of its first check of each scenario; a second check runs in the long form only. */
const known: Readonly<Record<string, readonly number[]>> = {
  int3_emulate: [11894, 196660, 2192, 1067, 2210, 5810, 1301, 910, 1493],
  xray_sled: [536, 132, 136],
  text_poke_batch: [36185, 15959, 41224],
};

for (const [name, states] of Object.entries(known)) {
  describe(name, () => {
    const compiled = compile(readFileSync(join(corpus, `${name}.suture`), 'utf8'));
    test('has no diagnostics', () => expect(compiled.diagnostics).toEqual([]));
    compiled.scenarios.forEach((scenario, i) => {
      test(scenario.name, () => {
        const checks = process.env.SUTURE_LONG ? scenario.checks : scenario.checks.slice(0, 1);
        const v = new Verification(compiled, { ...scenario, checks }, {});
        while (!v.advance(10_000).done);
        const r = v.result();
        expect(r.finding).toBeUndefined();
        expect(r.checks[0]?.result.states).toBe(states[i]);
      });
    });
  });
}
