// Any tree that the parser could make is printed as a text that says just that tree.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type File, parse, print } from '../../grammar/index.ts';
import { bare, shown } from './corpus.ts';
import { files } from './trees.ts';

test('print, then parse, is the same tree', () => {
  fc.assert(
    fc.property(files, (file) => {
      const text = print(file);
      const again = parse(text);
      expect(shown(text, again.diagnostics)).toEqual([]);
      expect(bare(again.file)).toEqual(bare(file));
    }),
    { numRuns: 2000 },
  );
});

test('a spec as long as is read is printed, too', { timeout: 60_000 }, () => {
  const long = [
    `code {\n${'a:\n'.repeat(200_000)}}`,
    `define f() {\n${'fence\n'.repeat(150_000)}}`,
    `scenario "x" { ${'a 1; '.repeat(150_000)} }`,
  ];
  for (const section of long) {
    const { file, diagnostics } = parse(`protocol p "s"\n${section}\n`);
    expect(diagnostics).toEqual([]);
    expect(print(file as File).length).toBeGreaterThan(500_000);
  }
});
