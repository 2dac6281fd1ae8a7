// Wherever a right text has a word, that word is offered there: asked at every word of the gallery.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyse, completions } from '../../compiler/service/index.ts';

const folder = join(import.meta.dirname, '../../examples');
const files = readdirSync(folder).filter((f) => f.endsWith('.suture'));

test('every word of the gallery but those that it declares', () => {
  const missing: string[] = [];
  let asked = 0;
  for (const file of files) {
    const a = analyse(readFileSync(join(folder, file), 'utf8'));
    for (const token of a.tokens) {
      if (token.kind !== 'word') continue;
      if (a.names.occurrences.some((o) => o.declares && o.span.start === token.span.start))
        continue;
      asked++;
      const offered = completions(a, token.span.start).map((c) => c.label);
      if (!offered.some((label) => label.split(/[^A-Za-z0-9_]+/).includes(token.text)))
        missing.push(`${file}: ${a.text.slice(token.span.start - 30, token.span.end + 10)}`);
    }
  }
  expect(missing).toEqual([]);
  expect(asked).toBeGreaterThan(1500);
});
