// Wherever a right text has a word, that word is offered, also while its line is being typed; and what is offered can
// stand there.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyse, completions } from '../../compiler/service/index.ts';
import { parse } from '../../grammar/index.ts';

const folder = join(import.meta.dirname, '../../examples');
const files = readdirSync(folder).filter((f) => f.endsWith('.suture'));

/** Words of the gallery that are not offered, but those that are declared where they stand. */
function missing(
  typed: (text: string, offset: number) => string,
  every: number,
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
    for (const [i, token] of whole.tokens.entries()) {
      if (token.kind !== 'word' || i % every !== 0) continue;
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
  const { asked, lost } = missing((text) => text, 1);
  expect(lost).toEqual([]);
  expect(asked).toBeGreaterThan(1500);
});

test('where the line ends at the caret', () => {
  const { lost } = missing((text, offset) => {
    const end = /[\r\n]|$/.exec(text.slice(offset))?.index ?? 0;
    return text.slice(0, offset) + text.slice(offset + end);
  }, 3);
  expect(lost).toEqual([]);
});

test('where the text ends at the caret, but for names that are declared further down', () => {
  const { lost } = missing((text, offset) => text.slice(0, offset), 3, 'what stands before');
  expect(lost).toEqual([]);
});

test('what is offered can stand there', () => {
  const wrong: string[] = [];
  let offered = 0;
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const a = analyse(text);
    for (const [i, token] of a.tokens.entries()) {
      if (token.kind !== 'word' || i % 8 !== 0) continue;
      const { start } = token.span;
      for (const c of completions(a, start)) {
        offered++;
        // A name begins an assignment, an option's value its setting: they need more behind them.
        const now = text.slice(0, start) + c.insert;
        const more = /(^|[{};\n])[ \t]*$/.test(text.slice(0, start)) ? [now, `${now} = 1`] : [now];
        const fits = more.some((t) =>
          parse(t).diagnostics.every(
            (d) => d.code === 'unclosed-brace' || d.span.start < start || d.span.start >= t.length,
          ),
        );
        if (!fits) wrong.push(`${file}: ${text.slice(Math.max(0, start - 40), start)}${c.insert}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(offered).toBeGreaterThan(3000);
});
