// The layout: pairs of texts from a list, the examples and the corpus, and trees by chance with their text shaken.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { format, parse, print } from '../../grammar/index.ts';
import { bare, corpus, shown } from '../grammar/corpus.ts';
import { files } from '../grammar/trees.ts';

/** Trees that are made up; what a user's file may hold. */
const runs = process.env.SUTURE_LONG === undefined ? 2000 : 10_000;

/** Blocks between lines of `====`: a text, a line of `----`, and the text in the layout. */
const list = new URL('./pairs.txt', import.meta.url);
const pairs = readFileSync(list, 'utf8')
  .split(/^====\n/m)
  .map((block) => {
    const [text = '', wanted = ''] = block.split(/^----\n/m);
    return { text, wanted, name: /protocol\s+a\s+"([^"]*)"/.exec(text)?.[1] ?? '' };
  });
const none = 'nothing: it has errors\n';

// `PROMOTE=1` writes what comes out now; the difference is for a human to read.
if (process.env.PROMOTE)
  writeFileSync(
    list,
    pairs.map(({ text }) => `${text}----\n${format(text) ?? none}`).join('====\n'),
  );

/** The same spec with the same comments, and nothing left to do. */
function faithful(text: string): void {
  const before = parse(text);
  const once = format(text);
  if (once === undefined) throw new Error(`it has errors:\n${text}`);
  const after = parse(once);
  expect(shown(once, after.diagnostics)).toEqual([]);
  expect(bare(after.file)).toEqual(bare(before.file));
  const comments = (file = before.file) => file?.comments.map((c) => c.text.trimEnd());
  expect(comments(after.file)).toEqual(comments());
  expect(format(once)).toBe(once);
}

describe('pairs', () => {
  test.each(pairs)('$name', ({ text, wanted }) => {
    expect(format(text) ?? none).toBe(wanted);
    if (wanted !== none) faithful(text);
  });
});

const folder = new URL('../../examples/', import.meta.url);
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.suture'))
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));

describe('files', () => {
  test.each([...corpus, ...examples])('$name', ({ text }) => {
    faithful(text);
    faithful(text.replaceAll('\n', '\r\n'));
  });
  test.each(examples)('$name is in the layout', ({ text }) => {
    expect(format(text)).toBe(text);
  });
});

/** What may stand where a line ends. */
const ends = [
  '\n',
  '\n',
  '\n\n\n',
  ';\n',
  ' ;; \n',
  '  // x\n',
  '\n// y\n',
  '\n\n   // z \n;\n',
  '\r\n',
];
/** Behind a semicolon between two elements, a comma and a brace. Sections stand at the left only outside of braces. */
const semicolons = ['; ', ';', '\n ', ';\n\n ', ' // x\n ', '; // x\n  // y\n '];
const commas = [', ', ',', ',\n ', ' ,  // x\n ', ',\n\n // y\n // z\n '];
const braces = ['{ ', '{', '{\n ', '{  // x\n ', '{\n\n// y\n '];
const spaces = [' ', ' ', '   ', '\t'];

/** A text that says the same in other lines. Texts in quotes are left alone. */
function shaken(text: string, choose: (n: number) => number): string {
  const one = (of: readonly string[]): string => of[choose(of.length)] ?? '';
  return text.replace(/"[^"\n]*"|\n|; |, |\{ (?!\})| /g, (it) => {
    if (it === '\n') return one(ends);
    if (it === '; ') return one(semicolons);
    if (it === ', ') return one(commas);
    if (it === '{ ') return one(braces);
    return it === ' ' ? one(spaces) : it;
  });
}

const long = (size: number, head: string, line: string, end = ''): string =>
  head + line.repeat((size - head.length - end.length) / line.length) + end;

// The first is as long as a spec may be: more labels than a call takes arguments.
test.each([
  ['labels', long(1_000_000, 'protocol a ""\ncode {\n', 'a:\n', '}\n')],
  ['statements on a line', long(200_000, 'protocol a ""\ndefine f() {', 'f();', '}\n')],
  ['scenarios', long(200_000, 'protocol a ""\n', 'scenario ""{}\n')],
  ['comments', long(200_000, 'protocol a ""\n', 'mutex a//\n//\n')],
  ['blocks in blocks', `protocol a ""\ndefine f() ${'{if a '.repeat(60)}{}${'}'.repeat(60)}\n`],
])('a long text: %s', { timeout: 60_000 }, (_, text) => {
  const once = format(text);
  expect(once).toBeDefined();
  // Indented, that one is longer than a spec may be.
  if (text.length <= 200_000) expect(format(once ?? '') === once).toBe(true);
});

describe('trees by chance', { timeout: 120_000 }, () => {
  test('as they are printed', () => {
    fc.assert(
      fc.property(files, (file) => faithful(print(file))),
      { numRuns: runs },
    );
  });
  test('in other lines, with comments', () => {
    const seeds = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(files, seeds, (file, numbers) => {
        const text = shaken(print(file), (n) => (numbers.next().value ?? 0) % n);
        expect(shown(text, parse(text).diagnostics), text).toEqual([]);
        expect(bare(parse(text).file)).toEqual(bare(parse(print(file)).file));
        faithful(text);
      }),
      { numRuns: runs },
    );
  });
});
