// Every spec of the corpus is read without a message, and what is printed of it is the same spec.

import { describe, expect, test } from 'vitest';
import { type File, parse, print, type Span } from '../../grammar/index.ts';
import { bare, corpus, shown } from './corpus.ts';

describe.each(corpus)('$name', ({ name, text }) => {
  const { file, diagnostics } = parse(text);

  test('is read without a message', () => {
    expect(shown(text, diagnostics)).toEqual([]);
    expect(`${file?.name.text}.suture`).toBe(name);
  });

  test('is the same when printed and read again, and printing that changes nothing', () => {
    const printed = print(file as File);
    const again = parse(printed);
    expect(shown(printed, again.diagnostics)).toEqual([]);
    expect(bare(again.file)).toEqual(bare(file));
    expect(print(again.file as File)).toBe(printed);
  });

  test.each([
    ['without indentation', /^[ \t]+/gm, ''],
    ['with line ends of two characters', /\n/g, '\r\n'],
    ['with empty lines and comments between', /\n/g, '\n\n  // a comment\n'],
    ['with line ends for semicolons', /;/g, '\n'],
  ])('is the same %s', (_, what, by) => {
    const other = text
      .replace(/".*?"|\/\/.*/g, (found) => found.replaceAll(';', ','))
      .replace(what, by);
    const again = parse(other);
    expect(shown(other, again.diagnostics)).toEqual([]);
    const said = (tree: File | undefined) => JSON.stringify(bare(tree)).replaceAll(';', ',');
    expect(said(again.file)).toBe(said(file));
  });

  test('has spans that lie in the text and in those around them', () => {
    expect(crossing(file, { start: 0, end: text.length })).toEqual([]);
  });

  test('keeps its comments', () => {
    const expected = [...text.matchAll(/\/\/.*/g)].map((m) => m[0]);
    expect(file?.comments.map((c) => c.text)).toEqual(expected);
    for (const c of file?.comments ?? []) expect(text.slice(c.span.start, c.span.end)).toBe(c.text);
  });
});

/** Nodes whose span is not inside that of the node around them. */
function crossing(node: unknown, around: Span): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  const span = (node as { span?: Span }).span;
  const bad =
    span && !(around.start <= span.start && span.start <= span.end && span.end <= around.end);
  const parts = Object.entries(node).filter(([key]) => key !== 'span');
  return [...(bad ? [node] : []), ...parts.flatMap(([, part]) => crossing(part, span ?? around))];
}

test('the nodes of a spec carry the text that they stand for', () => {
  const text = 'protocol p "s"\nwitness (a + b) * c == d[1] and not trap at e.f\n';
  const item = parse(text).file?.items[0];
  const spans: string[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { span } = node as { span?: Span };
    if (span) spans.push(text.slice(span.start, span.end));
    for (const [key, part] of Object.entries(node)) if (key !== 'span') walk(part);
  };
  walk(item);
  expect(spans).toEqual([
    'witness (a + b) * c == d[1] and not trap at e.f',
    '(a + b) * c == d[1] and not trap at e.f',
    '(a + b) * c == d[1]',
    '(a + b) * c',
    'a + b',
    'a',
    'b',
    'c',
    'd[1]',
    'd',
    '1',
    'not trap at e.f',
    'trap at e.f',
    'e.f',
    'e',
    'f',
  ]);
});
