// The tokens of the language and its words: what the lexer makes, the parser reads and an editor colours.

import { createToken, Lexer, type TokenType } from 'chevrotain';
import type { BinaryOp } from './ast.ts';

/** Any word. Every keyword is one too: `wait`, `code` or `head` may be names where a name is meant. */
export const Word: TokenType = createToken({ name: 'Word', label: 'a name', pattern: Lexer.NA });
export const Identifier: TokenType = createToken({
  name: 'Identifier',
  label: 'a name',
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  categories: Word,
});

/** The letters behind the digits are kept, so that `12ab` is one mistake and not two tokens. */
export const NumberToken: TokenType = createToken({
  name: 'Number',
  label: 'a number',
  pattern: /[0-9][A-Za-z0-9_]*/,
});
/** One without its closing quote ends with its line; the parser reports it. */
export const StringToken: TokenType = createToken({
  name: 'String',
  label: 'a text in quotes',
  pattern: /"[^"\r\n]*"?/,
});

export const Newline: TokenType = createToken({
  name: 'Newline',
  label: 'the end of the line',
  pattern: /\r\n|\r|\n/,
  line_breaks: true,
});
const Space = createToken({
  name: 'Space',
  pattern: /[^\S\r\n]+/,
  group: Lexer.SKIPPED,
});
export const CommentToken: TokenType = createToken({
  name: 'Comment',
  pattern: /\/\/[^\r\n]*/,
  group: 'comments',
});

const punctuation: TokenType[] = [];
function sign(name: string, text: string): TokenType {
  const type = createToken({ name, label: `\`${text}\``, pattern: text });
  punctuation.push(type);
  return type;
}
// The longer ones first: the lexer takes the first that fits.
export const Dots = sign('Dots', '..');
export const Arrow = sign('Arrow', '->');
export const PlusAssign = sign('PlusAssign', '+=');
export const MinusAssign = sign('MinusAssign', '-=');
export const EqualEqual = sign('EqualEqual', '==');
export const NotEqual = sign('NotEqual', '!=');
export const LessEqual = sign('LessEqual', '<=');
export const GreaterEqual = sign('GreaterEqual', '>=');
export const Less = sign('Less', '<');
export const Greater = sign('Greater', '>');
export const Assign = sign('Assign', '=');
export const Plus = sign('Plus', '+');
export const Minus = sign('Minus', '-');
export const Times = sign('Times', '*');
export const Over = sign('Over', '/');
export const LeftBrace = sign('LeftBrace', '{');
export const RightBrace = sign('RightBrace', '}');
export const LeftParen = sign('LeftParen', '(');
export const RightParen = sign('RightParen', ')');
export const LeftBracket = sign('LeftBracket', '[');
export const RightBracket = sign('RightBracket', ']');
export const Comma = sign('Comma', ',');
export const Semicolon = sign('Semicolon', ';');
export const Colon = sign('Colon', ':');
export const Dot = sign('Dot', '.');
export const Bar = sign('Bar', '|');

/** What no token begins with, several in a row at once: it is in the stream, so that a line has one message. */
export const Unknown: TokenType = createToken({
  name: 'Unknown',
  label: 'an unknown character',
  pattern: /[^A-Za-z0-9_"\s{}()[\],;:.|=+\-*/<>!]+|!(?!=)|\|\||\/\*|\*\//,
});

/** Words that begin a section. */
export const sectionWords = [
  'source',
  'option',
  'machine',
  'code',
  'thread',
  'irq',
  'nmi',
  'ipi',
  'shared',
  'percpu',
  'mutex',
  'descriptor',
  'stub',
  'site',
  'on',
  'define',
  'patch',
  'waive',
  'require',
  'witness',
  'scenario',
  'if',
] as const;

/** Words that begin a statement. */
export const statementWords = [
  'poke',
  'sync',
  'serialize',
  'fence',
  'wait',
  'stop',
  'irqs',
  'preempt',
  'lock',
  'unlock',
  'let',
  'atomic',
  'build',
  'release',
  'run',
  'phase',
  'if',
  'while',
  'for',
  'assert',
  'fail',
  'emulate',
  'resume',
  'decline',
] as const;

/** Words with a meaning between others. */
const innerWords = [
  'protocol',
  'runs',
  'slots',
  'per',
  'cpu',
  'dead',
  'breakpoint',
  'at',
  'always',
  'never',
  'eventually',
  'after',
  'during',
  'expect',
  'holds',
  'violates',
  'only',
  'or',
  'and',
  'not',
  'in',
  'else',
  'as',
  'bytes',
  'descending',
  'any',
  'order',
  'locked',
  'old',
  'new',
  'cores',
  'threads',
  'by',
  'without',
  'self',
  'waiting',
  'time',
  'quiescent',
  'cpus',
  'tasks',
  'stacks',
  'off',
  'returns',
  'into',
  'handling',
  'trap',
  'pass',
  'align',
  'near',
  'short',
  'dword',
  'qword',
] as const;

export type Keyword =
  | (typeof sectionWords)[number]
  | (typeof statementWords)[number]
  | (typeof innerWords)[number];

/** Words that can begin or join an expression, and therefore are no names in one. */
export const reservedWords: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'if', 'else']);

const keywordTypes = new Map<string, TokenType>();
for (const word of [...sectionWords, ...statementWords, ...innerWords]) {
  if (keywordTypes.has(word)) continue;
  keywordTypes.set(
    word,
    createToken({
      name: `Keyword_${word}`,
      label: word === 'protocol' ? '`protocol NAME "summary"`' : `\`${word}\``,
      pattern: word,
      longer_alt: Identifier,
      categories: Word,
    }),
  );
}

export const keywords: readonly string[] = [...keywordTypes.keys()];

export function keyword(word: Keyword): TokenType {
  const type = keywordTypes.get(word);
  if (type === undefined) throw new Error(`no such keyword: ${word}`);
  return type;
}

/** How tightly an operator binds; those of one row from left to right. */
export const binding: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  '==': 4,
  '!=': 4,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
};
/** `not a == b` is `not (a == b)`. */
export const notBinding = 3;

/** The instructions whose names no variable has: `emulate ret` is one, `emulate i` a variable. */
export const mnemonics: ReadonlySet<string> = new Set(
  (
    'nop call jmp ret int3 iretq push pop mov add sub cmp and or xor test inc dec lea xchg lock cmpxchg xadd ' +
    'sti cli pushfq popfq hlt pause cpuid serialize mfence lfence sfence ud2 endbr64 ' +
    'jo jno jb jnae jc jnb jae jnc jz je jnz jne jbe jna ja jnbe js jns jp jpe jnp jpo jl jnge jnl jge jle jng jnle jg'
  ).split(' '),
);

/** Every general register by its name; which of them the subset has is the checker's question. */
export const registers: ReadonlySet<string> = new Set([
  ...['ax', 'bx', 'cx', 'dx', 'si', 'di', 'bp', 'sp'].flatMap((r) => [r, `e${r}`, `r${r}`]),
  ...['al', 'bl', 'cl', 'dl', 'ah', 'bh', 'ch', 'dh', 'sil', 'dil', 'bpl', 'spl', 'rip'],
  ...[8, 9, 10, 11, 12, 13, 14, 15].flatMap((n) => [`r${n}`, `r${n}d`, `r${n}w`, `r${n}b`]),
]);

function length(type: TokenType): number {
  return String(type.PATTERN).length;
}

export const allTokens: readonly TokenType[] = [
  Newline,
  Space,
  CommentToken,
  StringToken,
  NumberToken,
  // `runs` before `run`: of two that fit, the lexer takes the first.
  ...[...keywordTypes.values()].sort((a, b) => length(b) - length(a)),
  Identifier,
  Word,
  Unknown,
  ...punctuation,
];

export const lexer = new Lexer([...allTokens], {
  positionTracking: 'onlyOffset',
  ensureOptimizations: false,
  skipValidations: false,
});

export type LexicalKind = 'word' | 'number' | 'text' | 'comment' | 'sign' | 'newline' | 'unknown';

/** The tokens of a text as an editor needs them: comments and ends of lines in their order, without the library's types. */
export function lex(text: string): {
  readonly kind: LexicalKind;
  readonly text: string;
  readonly span: { readonly start: number; readonly end: number };
}[] {
  const lexed = lexer.tokenize(text);
  const out = [...lexed.tokens, ...(lexed.groups.comments ?? [])].map((t) => ({
    kind: lexicalKinds.get(t.tokenType) ?? ('word' as const),
    text: t.image,
    span: { start: t.startOffset, end: t.startOffset + t.image.length },
  }));
  return out.sort((a, b) => a.span.start - b.span.start);
}

const lexicalKinds: ReadonlyMap<TokenType, LexicalKind> = new Map<TokenType, LexicalKind>([
  [NumberToken, 'number'],
  [StringToken, 'text'],
  [CommentToken, 'comment'],
  [Newline, 'newline'],
  [Unknown, 'unknown'],
  ...punctuation.map((type) => [type, 'sign'] as const),
]);
