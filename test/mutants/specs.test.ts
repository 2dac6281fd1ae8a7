// Take one piece out of a protocol that holds, and some scenario breaks, by the property that the argument says.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compile } from '../../compiler/index.ts';
import { examples, verify } from '../gallery/gallery.ts';

const golden = join(import.meta.dirname, 'specs.txt');
const promote = process.env.SUTURE_PROMOTE !== undefined;
/** `what | properties`, and behind `#` why nothing breaks. */
const known = new Map(
  readFileSync(golden, 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => [l.split(' # ')[0]?.trim() ?? '', l]),
);
const seen: string[] = [];
afterAll(() => {
  if (promote) writeFileSync(golden, `${seen.map((l) => known.get(l) ?? l).join('\n')}\n`);
});
/** Larger scenarios say nothing that smaller ones do not. */
const most = 150_000;

/** Replaces the nth occurrence. */
function without(text: string, piece: RegExp, nth: number, by: string): string | undefined {
  const all = [...text.matchAll(new RegExp(piece, `g${piece.flags}`))];
  const m = all[nth];
  if (!m) return undefined;
  return text.slice(0, m.index) + by + text.slice(m.index + m[0].length);
}

const pieces: readonly { readonly name: string; readonly piece: RegExp; readonly by: string }[] = [
  // A conditional sync is taken out with its condition, so that its option does nothing.
  {
    name: 'a sync',
    piece:
      /if \w+_sync \{ (?:sync cores|everyone\(\)) \}|(?<!\{ )\bsync cores(?! without| by)\b(?! \})|(?<=^ {2})everyone\(\)/m,
    by: '',
  },
  { name: 'the sti of a stub', piece: /(?<=^(?!\s*\/\/).*)sti; (?=jmp)/m, by: '' },
  { name: 'the clearing of IF', piece: /frame\.if = off; /, by: '' },
  { name: 'the gap', piece: /^code \{/m, by: 'machine { gap off }\ncode {' },
];

for (const example of examples) {
  const holding = example.compiled.scenarios.filter((s) => s.expected.kind === 'holds');
  for (const { name, piece, by } of pieces) {
    for (let nth = 0; ; nth++) {
      const text = without(example.text, piece, nth, by);
      if (text === undefined) break;
      const at = `${example.name}: ${name}${nth > 0 || name === 'a sync' ? ` (${nth + 1})` : ''}`;
      test(at, () => {
        const compiled = compile(text);
        // A sync less is a warning, or an option that nobody reads.
        expect(compiled.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
        const properties = new Set<string>();
        for (const scenario of compiled.scenarios) {
          if (!holding.some((s) => s.name === scenario.name)) continue;
          const r = verify(compiled, scenario, most);
          for (const c of r.checks) for (const v of c.result.violations) properties.add(v.property);
        }
        const said = `${at} | ${[...properties].sort().join(', ') || 'nothing breaks'}`;
        seen.push(said);
        if (!promote) expect([...known.keys()]).toContain(said);
      });
    }
  }
}

test('what nothing breaks is explained, and nothing else is listed', () => {
  const unexplained = [...known].filter(([key, l]) => key.includes('nothing breaks') && key === l);
  expect(unexplained).toEqual([]);
  if (!promote) expect([...known.keys()].filter((k) => !seen.includes(k))).toEqual([]);
});
