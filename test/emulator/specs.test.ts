// Small questions with answers that were worked out by hand, and the exact number of states of each.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compile } from '../../compiler/index.ts';
import { line, verify } from '../gallery/gallery.ts';

const folder = join(import.meta.dirname, 'specs');
const golden = join(folder, 'states.txt');
const promote = process.env.SUTURE_PROMOTE !== undefined;
const known = promote ? [] : readFileSync(golden, 'utf8').split('\n');
const seen: string[] = [];
afterAll(() => {
  if (promote) writeFileSync(golden, `${seen.join('\n')}\n`);
});

for (const file of readdirSync(folder)
  .filter((f) => f.endsWith('.suture'))
  .sort()) {
  describe(file, () => {
    const compiled = compile(readFileSync(join(folder, file), 'utf8'));
    test('has no diagnostics', () => expect(compiled.diagnostics).toEqual([]));
    for (const scenario of compiled.scenarios) {
      test(scenario.name, () => {
        const r = verify(compiled, scenario);
        expect(r.finding).toBeUndefined();
        const said = line(file.replace('.suture', ''), r);
        seen.push(said);
        if (!promote) expect(known).toContain(said);
      });
    }
  });
}
