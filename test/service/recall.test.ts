// Wherever a right text has a word, that word is offered: in the whole text, and while its line is being typed.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyse, completions } from '../../compiler/service/index.ts';

const folder = join(import.meta.dirname, '../../examples');
const files = readdirSync(folder).filter((f) => f.endsWith('.suture'));

/** Words of the gallery that are not offered, but those that are declared where they stand. */
function missing(
  typed: (text: string, offset: number) => string,
  known: 'everything' | 'what stands before' = 'everything',
): {
  asked: number;
  lost: string[];
} {
  const lost: string[] = [];
  let asked = 0;
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const whole = analyse(text);
    for (const token of whole.tokens) {
      if (token.kind !== 'word') continue;
      const { start } = token.span;
      if (whole.names.occurrences.some((o) => o.declares && o.span.start === start)) continue;
      const named = whole.names.at(start)?.named;
      const later = named?.declarations.every((d) => d.name.start > start) ?? token.text === 'gs';
      if (known === 'what stands before' && later && named?.declarations.length !== 0) continue;
      asked++;
      const now = typed(text, start);
      const offered = completions(now === text ? whole : analyse(now), start).map((c) => c.label);
      if (!offered.some((label) => label.split(/[^A-Za-z0-9_]+/).includes(token.text)))
        lost.push(`${file}: ${text.slice(Math.max(0, start - 40), token.span.end)}`);
    }
  }
  return { asked, lost };
}

test('in the whole text', () => {
  const { asked, lost } = missing((text) => text);
  expect(lost).toEqual([]);
  expect(asked).toBeGreaterThan(1500);
});

test('where the line ends at the caret', () => {
  const { lost } = missing((text, offset) => {
    const end = /[\r\n]|$/.exec(text.slice(offset))?.index ?? 0;
    return text.slice(0, offset) + text.slice(offset + end);
  });
  expect(lost).toEqual([]);
});

test('where the text ends at the caret, but for names that are declared further down', () => {
  const { lost } = missing((text, offset) => text.slice(0, offset), 'what stands before');
  expect(lost).toEqual([]);
});
