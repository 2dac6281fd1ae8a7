// Damaged specs: each has an answer, in bounded time, in the words of the language and at a place in the text.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type File, parse, print } from '../../grammar/index.ts';
import { lexer } from '../../grammar/tokens.ts';
import { bare, corpus, shown } from '../grammar/corpus.ts';

const texts = corpus.map(({ text }) => text);
const pieces = [
  ...new Set(texts.flatMap((text) => lexer.tokenize(text).tokens.map((t) => t.image))),
  ...['\0', '\u2028', '\r', '\ud800', '𝕏', '"', '@', '&&', '/*', '0x', '1e9', '..', 'é', '\t'],
];

/** Part of a text replaced by a piece of the language, by nothing, or by another part of it. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof(fc.constant(0), fc.nat({ max: 8 }), fc.nat({ max: 300 })),
  piece: fc.oneof(
    fc.constantFrom('', ...pieces),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 200 })),
  ),
});
const damaged = fc
  .tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 6 }))
  .map(([text, edits]) =>
    edits.reduce((now, { at, length, piece }) => {
      const start = Math.floor(at * now.length);
      let into = piece;
      if (typeof into !== 'string') {
        const from = Math.floor(into[0] * now.length);
        into = now.slice(from, from + into[1]);
      }
      return now.slice(0, start) + into + now.slice(start + length);
    }, text),
  );

function judge(text: string): void {
  const { file, diagnostics } = parse(text);
  expect(diagnostics.length).toBeLessThanOrEqual(100);
  let last = 0;
  for (const { code, message, span, fix } of diagnostics) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    // Neither the library's own words, nor what was never filled in.
    expect(message).not.toMatch(/Expecting|Redundant|-->|NaN|undefined|Keyword_|\n|\.$/);
    expect(span.start).toBeGreaterThanOrEqual(last);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.end).toBeLessThanOrEqual(text.length);
    for (const e of fix?.edits ?? []) expect(e.span.end).toBeLessThanOrEqual(text.length);
    last = span.start;
  }
  if (diagnostics.length > 0) return;
  const printed = print(file as File);
  const again = parse(printed);
  expect(shown(printed, again.diagnostics)).toEqual([]);
  expect(bare(again.file)).toEqual(bare(file));
}

describe('damaged specs', () => {
  test('ten thousand of them', { timeout: 120_000 }, () => {
    let slowest = 0;
    fc.assert(
      fc.property(damaged, (text) => {
        const start = performance.now();
        judge(text);
        slowest = Math.max(slowest, performance.now() - start);
      }),
      { numRuns: 10_000 },
    );
    expect(slowest).toBeLessThan(5000);
  });

  test('any string at all', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), judge), { numRuns: 2000 });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (list) =>
        judge(`protocol p "s"\n${list.join(' ')}`),
      ),
      { numRuns: 3000 },
    );
  });

  test('a text cut off anywhere', () => {
    for (const text of texts)
      for (let end = 0; end < text.length; end += 7) judge(text.slice(0, end));
  });
});

test('one token too many or too few has one message, but for one in a hundred', {
  timeout: 60_000,
}, () => {
  let edits = 0;
  let several = 0;
  const count = (text: string) => {
    edits++;
    if (parse(text).diagnostics.length > 1) several++;
  };
  for (const text of texts)
    for (const [i, { startOffset: start, image }] of lexer.tokenize(text).tokens.entries()) {
      if (i % 5 !== 0) continue;
      const end = start + image.length;
      count(text.slice(0, start) + text.slice(end));
      count(`${text.slice(0, end)} ${text.slice(start)}`);
      count(`${text.slice(0, start)} zzz ${text.slice(end)}`);
    }
  expect(edits).toBeGreaterThan(3000);
  expect(several).toBeLessThan(edits / 100);
});

test('a text as long as is read takes bounded time', { timeout: 60_000 }, () => {
  for (const unit of ['poke a[0]\n', '} ', '" ', 'é', ';', 'if a { } ']) {
    const text = `protocol p "s"\ndefine f() {\n${unit.repeat(Math.floor(900_000 / unit.length))}`;
    const start = performance.now();
    expect(parse(text).diagnostics.length).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(20_000);
  }
});
