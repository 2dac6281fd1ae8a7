// Any tree that the parser could make is printed as a text that says just that tree.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, print } from '../../grammar/index.ts';
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
