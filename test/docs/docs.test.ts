// What the documentation shows is true: each spec in it is verified, each name in it exists.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { capabilities, compile, properties, Verification } from '../../compiler/index.ts';
import { meaning } from '../../compiler/meaning.ts';
import { settingWords } from '../../compiler/scenario.ts';
import { mnemonics } from '../../compiler/x86/table.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (f: string): string => readFileSync(join(root, f), 'utf8');
const snippets = ['README.md', 'docs/language.md', 'docs/machine.md'].flatMap((file) =>
  [...read(file).matchAll(/```suture\n([\s\S]*?)```/g)].map((m, i) => ({
    name: `${file} ${i + 1}`,
    text: m[1] ?? '',
  })),
);

describe('specs in the documentation', () => {
  test('are there', () => expect(snippets.length).toBeGreaterThanOrEqual(3));
  for (const { name, text } of snippets) {
    test(name, () => {
      const compiled = compile(text);
      expect(compiled.diagnostics).toEqual([]);
      for (const scenario of compiled.scenarios) {
        const v = new Verification(compiled, scenario, { maxStates: 2_000_000 });
        while (!v.advance(10_000).done);
        expect([scenario.name, v.result().finding]).toEqual([scenario.name, undefined]);
      }
    });
  }
});

describe('the reference names', () => {
  const language = read('docs/language.md');
  test('every property', () =>
    expect(properties.filter((p) => !language.includes(`| \`${p}\` |`))).toEqual([]));
  test('what each of them means, as it is said elsewhere', () => {
    for (const [name, words] of Object.entries(meaning))
      expect(language).toContain(`| \`${name}\` | ${words} |`);
  });
  test('every setting', () =>
    expect(
      settingWords.filter((w) => w !== 'late' && !new RegExp(`\`[^\`]*\\b${w}\\b`).test(language)),
    ).toEqual([]));
  test('all that waits', () =>
    expect([...capabilities.keys()].filter((c) => !language.includes(`\`${c}\``))).toEqual([]));
  test('every mnemonic', () => {
    const machine = read('docs/machine.md');
    expect(mnemonics.filter((m) => !machine.includes(`\`${m}\``))).toEqual([]);
  });
});
