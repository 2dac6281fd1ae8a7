// The kinds of words in the protocol's own: what a theme colours them as, and the icons of lists.

import { CompletionItemKind, SymbolKind } from 'vscode-languageserver/node';
import type { WordKind } from '../../service/index.ts';

interface Likeness {
  /** Of the protocol's predefined types; undefined is left to the editor's own colours. */
  readonly token: string | undefined;
  readonly item: CompletionItemKind;
  readonly symbol: SymbolKind;
}

const is = (
  token: string | undefined,
  item: keyof typeof CompletionItemKind,
  symbol: keyof typeof SymbolKind,
): Likeness => ({ token, item: CompletionItemKind[item], symbol: SymbolKind[symbol] });

const likeness: Readonly<Record<WordKind, Likeness>> = {
  protocol: is('namespace', 'Module', 'Module'),
  option: is('parameter', 'Property', 'Property'),
  value: is('enumMember', 'EnumMember', 'EnumMember'),
  label: is('label', 'Reference', 'Key'),
  place: is('label', 'Reference', 'Key'),
  thread: is('class', 'Class', 'Class'),
  irq: is('event', 'Event', 'Event'),
  nmi: is('event', 'Event', 'Event'),
  shared: is('variable', 'Variable', 'Variable'),
  percpu: is('variable', 'Variable', 'Variable'),
  field: is('property', 'Field', 'Field'),
  mutex: is('variable', 'Variable', 'Object'),
  descriptor: is('struct', 'Struct', 'Struct'),
  stub: is('function', 'Function', 'Function'),
  parameter: is('parameter', 'Variable', 'Variable'),
  handler: is('event', 'Event', 'Event'),
  define: is('macro', 'Constant', 'Constant'),
  patch: is('method', 'Method', 'Method'),
  phase: is('label', 'Reference', 'Namespace'),
  property: is('interface', 'Interface', 'Boolean'),
  local: is('variable', 'Variable', 'Variable'),
  keyword: is('keyword', 'Keyword', 'Null'),
  setting: is('decorator', 'Property', 'Property'),
  mnemonic: is('operator', 'Operator', 'Operator'),
  register: is('variable', 'Variable', 'Variable'),
  constant: is('enumMember', 'Constant', 'Constant'),
  number: is('number', 'Value', 'Number'),
  text: is('string', 'Text', 'String'),
  comment: is('comment', 'Text', 'String'),
  sign: is(undefined, 'Operator', 'Operator'),
  unknown: is(undefined, 'Text', 'Variable'),
};

export const itemKind = (k: WordKind): CompletionItemKind => likeness[k].item;
export const symbolKind = (k: WordKind): SymbolKind => likeness[k].symbol;

export const tokenTypes: readonly string[] = [
  ...new Set(Object.values(likeness).flatMap((l) => l.token ?? [])),
];
export const tokenModifiers: readonly string[] = ['declaration', 'defaultLibrary'];

/** Index of the type and bits of the modifiers; undefined where the word has no colour of its own. */
export function tokenCode(k: WordKind, declares: boolean): readonly [number, number] | undefined {
  const { token } = likeness[k];
  if (token === undefined) return undefined;
  const language = k === 'register' || k === 'constant';
  return [tokenTypes.indexOf(token), (declares ? 1 : 0) | (language ? 2 : 0)];
}
