// The TextMate grammar, made from the language's own tokens: what an editor colours before the server has spoken.
//
// A line by itself does not say whether `code` or `head` is a word of the language or a name, so words count as the
// language's where one can begin: first in a line, behind `{` or `;`. The server's semantic tokens know it exactly.

import { constants } from '../../compiler/vocabulary.ts';
import {
  allTokens,
  CommentToken,
  Identifier,
  keywords,
  mnemonics,
  NumberToken,
  registers,
  reservedWords,
  StringToken,
  sectionWords,
  statementWords,
  Unknown,
} from '../../grammar/tokens.ts';

interface Rule {
  readonly name?: string;
  readonly match: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
}

/** A pattern as Oniguruma reads it: there a bracket inside of a class opens another class. */
function pattern(token: { readonly PATTERN?: unknown }): string {
  const source = (token.PATTERN as RegExp).source;
  let out = '';
  let open = false;
  for (let i = 0; i < source.length; i++) {
    const c = source.charAt(i);
    if (c === '\\') out += c + source.charAt(++i);
    else if (open && c === '[') out += '\\[';
    else {
      if (c === '[') open = true;
      if (c === ']') open = false;
      out += c;
    }
  }
  return out;
}

const scope = (of: string): { readonly name: string } => ({ name: `${of}.suture` });

/** Where a section, a statement or an instruction can begin. */
const begin = '(?:^|(?<=[{};:]))\\s*';
const end = '(?![A-Za-z0-9_])';
const name = pattern(Identifier);
const anyOf = (list: Iterable<string>): string =>
  `(?:${[...list].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).join('|')})`;
/** As a whole word, and no field of something. */
const words = (list: Iterable<string>): string => `(?<![A-Za-z0-9_.])${anyOf(list)}${end}`;

/** Section words that a name of the spec's own follows. */
const declaring: readonly (typeof sectionWords)[number][] = [
  'option',
  'thread',
  'shared',
  'percpu',
  'mutex',
  'descriptor',
  'stub',
  'site',
  'define',
  'patch',
  'waive',
  'require',
];
const statements: ReadonlySet<string> = new Set(statementWords);
const sections = sectionWords.filter((w) => !statements.has(w));
/** `and` and `or` join values too, which they do nowhere at a beginning. */
const mnemonicOrKeyword = [...mnemonics].filter((m) => keywords.includes(m) && !statements.has(m));
const onlyMnemonic = [...mnemonics].filter((m) => !keywords.includes(m));
const joining = [...reservedWords].filter((w) => !statements.has(w) && w !== 'else');

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
const operators = allTokens.flatMap((t) =>
  typeof t.PATTERN === 'string' && /^[^\w{}()[\],;:.]|^\.\./.test(t.PATTERN) ? [t.PATTERN] : [],
);

const rules: readonly Rule[] = [
  { ...scope('comment.line.double-slash'), match: pattern(CommentToken) },
  { ...scope('string.quoted.double'), match: pattern(StringToken) },
  {
    match: `${begin}(${name})\\s*(:)`,
    captures: { 1: scope('entity.name.label'), 2: scope('punctuation.separator.label') },
  },
  {
    match: `${begin}(${anyOf(['protocol', ...declaring])})\\s+(${name})`,
    captures: { 1: scope('storage.type'), 2: scope('entity.name') },
  },
  {
    match: `${begin}(phase)\\s+(${name})(?=\\s*\\{)`,
    captures: { 1: scope('keyword.control'), 2: scope('entity.name.section') },
  },
  // `lock add` is an instruction, `lock m` a statement.
  {
    match: `${begin}(lock)(?=\\s+${anyOf(onlyMnemonic)}${end})`,
    captures: { 1: scope('support.function.mnemonic') },
  },
  {
    match: `${begin}(${anyOf(mnemonicOrKeyword)})${end}`,
    captures: { 1: scope('support.function.mnemonic') },
  },
  { match: `${begin}(${anyOf(sections)})${end}`, captures: { 1: scope('storage.type') } },
  { match: `${begin}(${anyOf(statements)})${end}`, captures: { 1: scope('keyword.control') } },
  { ...scope('keyword.operator.word'), match: words(joining) },
  { ...scope('support.function.mnemonic'), match: words(onlyMnemonic) },
  { ...scope('variable.language.register'), match: words(registers) },
  { ...scope('constant.language'), match: words(Object.keys(constants)) },
  { ...scope('keyword.other'), match: words(keywords.filter((k) => !joining.includes(k))) },
  { ...scope('constant.numeric'), match: `(?<![A-Za-z0-9_])${pattern(NumberToken)}` },
  { match: name },
  { ...scope('keyword.operator'), match: operators.map(escaped).join('|') },
  { ...scope('invalid.illegal'), match: pattern(Unknown) },
];

/** What stands in `suture.tmLanguage.json`. */
export function grammarText(): string {
  const grammar = {
    information_for_contributors: [
      'Made from grammar/tokens.ts by playground/vscode/build.ts; a test holds it up to date.',
    ],
    name: 'Suture',
    scopeName: 'source.suture',
    patterns: rules,
  };
  return `${JSON.stringify(grammar, undefined, 2)}\n`;
}
