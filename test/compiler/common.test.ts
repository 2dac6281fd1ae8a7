// What checks of a file have in common is worked out once, and comes out as if each were alone.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compile, programOf } from '../../compiler/index.ts';
import { lower } from '../../compiler/lower.ts';

const examples = join(import.meta.dirname, '../../examples');
const gallery = readdirSync(examples).filter((f) => f.endsWith('.suture'));

const options = `protocol p "Code that options choose, and options in code"
option a, b, unused = on
option n = 1 | 2
code {
  loop: if a { mov eax, 1 } else { mov eax, 3 }
        mov ecx, n
  site: if b { nop 2 } else { nop 2 }
        jmp loop
}
thread t runs loop
if a { shared x, y } else { shared y, x }
patch site: nop 2 -> { inc eax } {
  x = n
  poke site[0] = int3
  sync cores
  poke site[1]
  sync cores
  poke site[0]
  sync cores
}
on breakpoint at site { resume site.end }
scenario "all" { a = on | off; b = on | off; unused = on | off; n = 1 | 2; gap on | off } expect holds
`;

test.each(['', ...gallery])('%s', (file) => {
  const text = file === '' ? options : readFileSync(join(examples, file), 'utf8');
  const compiled = compile(text);
  expect(compiled.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  expect(compiled.scenarios.length).toBeGreaterThan(0);
  for (const { checks } of compiled.scenarios)
    for (const check of checks) {
      if (!compiled.file) throw new Error('it does not parse');
      const alone = lower(compiled.file, text, check, () => {});
      expect(programOf(compiled, check).program).toEqual(alone?.program);
      expect(programOf(compiled, check).listings).toEqual(alone?.listings);
    }
});
