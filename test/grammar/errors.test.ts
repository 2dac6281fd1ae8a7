// Mistakes and what is said about them, from a list in text: each mistake has one message, at its place.

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from '../../grammar/index.ts';
import { shown } from './corpus.ts';

/** Blocks between lines of `====`: a spec, a line of `----`, and the messages. */
const list = new URL('./errors.txt', import.meta.url);
const cases = readFileSync(list, 'utf8')
  .split(/^====\n/m)
  .map((block) => {
    const [text = '', messages = ''] = block.split(/^----\n/m);
    return { text, messages: messages.split('\n').filter((line) => line !== '') };
  });

// `PROMOTE=1` writes what is said now; the difference is for a human to read.
if (process.env.PROMOTE)
  writeFileSync(
    list,
    cases
      .map(({ text }) => `${text}----\n${shown(text, parse(text).diagnostics).join('\n')}\n`)
      .join('====\n'),
  );

describe('errors', () => {
  test.each(cases)('%#: $messages', ({ text, messages }) => {
    expect(shown(text, parse(text).diagnostics)).toEqual(messages);
  });
});

describe('fixes', () => {
  const mended: [string, string][] = [
    ['protocol p "s"\noptoin a = on\n', 'protocol p "s"\noption a = on\n'],
    ['protocol p "s"\ndefine f() { serialise }\n', 'protocol p "s"\ndefine f() { serialize }\n'],
    ['protocol p "s"\nwitness a && b\n', 'protocol p "s"\nwitness a and b\n'],
    ['protocol p "s"\ncode { push %rax }\n', 'protocol p "s"\ncode { push rax }\n'],
    ['protocol p "s"\ncode { jmp *rax }\n', 'protocol p "s"\ncode { jmp rax }\n'],
    ['protocol p "s"\ncode { push [gs:x] }\n', 'protocol p "s"\ncode { push gs:[x] }\n'],
    ['protocol p "s"\ncode\n{ nop }\n', 'protocol p "s"\ncode { nop }\n'],
    ['protocol p "s"\n}\nwitness a\n', 'protocol p "s"\n\nwitness a\n'],
    ['protocol p "s"\nsource "x\n', 'protocol p "s"\nsource "x"\n'],
    [
      'protocol p "s"\ndefine f() {\n  if a { fence }\n  else { fence }\n}\n',
      'protocol p "s"\ndefine f() {\n  if a { fence } else { fence }\n}\n',
    ],
  ];
  test.each(mended)('%j', (text, expected) => {
    let result = text;
    for (const { fix } of parse(text).diagnostics)
      for (const { span, text: with_ } of fix?.edits ?? [])
        result = result.slice(0, span.start) + with_ + result.slice(span.end);
    expect(result).toBe(expected);
    expect(parse(result).diagnostics).toEqual([]);
  });
});

test('what is around a bad line is read all the same', () => {
  const { file, diagnostics } = parse(
    'protocol p "s"\ndefine f() {\n  fence\n  poke\n  serialize\n}\nwitness )\nwitness b\n',
  );
  expect(diagnostics.length).toBe(2);
  expect(file?.items.map((it) => it.kind)).toEqual(['define', 'witness']);
  const [define] = file?.items ?? [];
  expect(define?.kind === 'define' && define.body.body.map((s) => s.kind)).toEqual([
    'fence',
    'serialize',
  ]);
});

test('at most a hundred errors are reported', () => {
  const { diagnostics } = parse(`protocol p "s"\n${'poke\n'.repeat(1000)}`);
  expect(diagnostics.length).toBe(100);
});

describe('what is too much has one message', () => {
  const deep = (n: number) => ({
    braces: `protocol p "s"\ndefine f() ${'{ if a '.repeat(n)}`,
    parentheses: `protocol p "s"\nwitness ${'('.repeat(n)}a${')'.repeat(n)}`,
    brackets: `protocol p "s"\nwitness ${'a['.repeat(n)}a${']'.repeat(n)}`,
    nots: `protocol p "s"\nwitness ${'not '.repeat(n)}a`,
    sums: `protocol p "s"\nwitness ${'a + '.repeat(n)}a`,
    fields: `protocol p "s"\nwitness a${'.a'.repeat(n)}`,
    elses: `protocol p "s"\ndefine f() { ${'if a { } else '.repeat(n)} fence }`,
    'elses of code': `protocol p "s"\ncode { ${'if a { } else '.repeat(n)} { nop } }`,
    'elses on lines': `protocol p "s"\ndefine f() { ${'if a { }\n else '.repeat(n)} fence }`,
  });
  test.each(Object.entries(deep(20_000)))('%s', (_, text) => {
    const { file, diagnostics } = parse(text);
    expect(file).toBeUndefined();
    expect(diagnostics.map((d) => d.code)).toEqual([expect.stringMatching(/^too-(deep|long)$/)]);
  });
  test('a large text', () => {
    const { file, diagnostics } = parse('x'.repeat(10_000_000));
    expect(file).toBeUndefined();
    expect(diagnostics.map((d) => d.code)).toEqual(['too-large']);
  });
  test('many branches one after the other are not deep', () => {
    const text = `protocol p "s"\ndefine f() {\n${'if a { } else if b { }\n'.repeat(500)}}\n`;
    expect(parse(text).diagnostics).toEqual([]);
  });
});
