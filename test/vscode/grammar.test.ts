// The TextMate grammar: up to date, judged by the engine that VS Code uses, and in step with the lexer.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { lex } from '../../grammar/tokens.ts';
import { grammarText } from '../../playground/vscode/grammar.ts';

const root = resolve(import.meta.dirname, '../..');
const file = join(root, 'playground/vscode/suture.tmLanguage.json');

let grammar: textmate.IGrammar;
beforeAll(async () => {
  const wasm = createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm');
  await oniguruma.loadWASM(readFileSync(wasm));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (s) => new oniguruma.OnigString(s),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(file, 'utf8'), file),
  });
  const loaded = await registry.loadGrammar('source.suture');
  if (!loaded) throw new Error('the grammar does not load');
  grammar = loaded;
});

/** The innermost scope of each character of a line; a rule spans no two lines. */
function scopes(line: string): readonly string[] {
  const { tokens, ruleStack } = grammar.tokenizeLine(line, textmate.INITIAL);
  expect(ruleStack.depth).toBe(1);
  const out: string[] = [];
  for (const t of tokens) {
    const scope = t.scopes.at(-1) ?? '';
    const name = scope === 'source.suture' ? '-' : scope.replace(/\.suture$/, '');
    for (let i = t.startIndex; i < t.endIndex; i++) out[i] = name;
  }
  return out.slice(0, line.length);
}

test('the file is made from the tokens', () => {
  expect(readFileSync(file, 'utf8')).toBe(grammarText());
});

describe('a case', () => {
  let line = '';
  let count = 0;
  for (const row of readFileSync(join(import.meta.dirname, 'grammar.txt'), 'utf8').split('\n')) {
    const claim = /^ *(\^+) (\S+)$/.exec(row);
    if (!claim) {
      line = row;
      continue;
    }
    count++;
    const [, carets = '', scope = ''] = claim;
    const from = row.indexOf('^');
    const here = line;
    test(`${here.slice(from, from + carets.length)} in ${here}`, () => {
      expect(new Set(scopes(here).slice(from, from + carets.length))).toEqual(new Set([scope]));
    });
  }
  test('is there', () => expect(count).toBeGreaterThan(60));
});

describe('as the lexer reads it', () => {
  const exact = {
    comment: 'comment.line.double-slash',
    text: 'string.quoted.double',
    number: 'constant.numeric',
    unknown: 'invalid.illegal',
  } as const;
  const folders = ['examples', 'test/emulator/specs', 'test/mutants/extra'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((f) => f.endsWith('.suture'))
      .map((f) => join(folder, f)),
  );
  for (const f of files)
    test(f, () => {
      const text = readFileSync(join(root, f), 'utf8');
      const found: string[] = [];
      for (const line of text.split('\n')) found.push(...scopes(line), '\n');
      const wrong = lex(text).filter((t) => {
        const wanted = exact[t.kind as keyof typeof exact];
        const got = found.slice(t.span.start, t.span.end);
        return wanted
          ? got.some((s) => s !== wanted)
          : got.some((s) => (Object.values(exact) as string[]).includes(s));
      });
      expect(wrong).toEqual([]);
    });
});
