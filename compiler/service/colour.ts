// What each token of a text is: the grammar's own tokens, and what the names among them stand for.

import { keywords, mnemonics, registers } from '../../grammar/tokens.ts';
import { settingWords } from '../scenario.ts';
import { constants } from '../vocabulary.ts';
import type { Analysis, Word } from './analysis.ts';
import type { Token, WordKind } from './answers.ts';
import { below, type Node } from './tree.ts';

const keywordSet: ReadonlySet<string> = new Set(keywords);
const settingSet: ReadonlySet<string> = new Set(settingWords);
const constantSet: ReadonlySet<string> = new Set([...Object.keys(constants), 'rip', 'gs']);

/** Words that stand between the others of a setting: `place at 0 of 64`. */
const between: ReadonlySet<string> = new Set('at of with to in serialises stack shadow'.split(' '));

export function semanticTokens(a: Analysis): readonly Token[] {
  const said = spoken(a);
  const out: Token[] = [];
  for (const token of a.tokens) {
    if (token.kind === 'newline') continue;
    if (token.kind !== 'word') {
      out.push({ span: token.span, kind: token.kind, declares: false });
      continue;
    }
    const occurrence = a.names.at(token.span.start);
    // `worker2` is a name with a number behind it.
    if (occurrence?.span.start === token.span.start)
      out.push({
        span: token.span,
        kind: occurrence.named.kind,
        declares: occurrence.declares,
      });
    else
      out.push({
        span: token.span,
        kind: said.get(token.span.start) ?? alone(token),
        declares: false,
      });
  }
  return out;
}

/** What the tree says about words that are no names of the file, by where they begin. */
function spoken(a: Analysis): ReadonlyMap<number, WordKind> {
  const out = new Map<number, WordKind>();
  if (!a.file) return out;
  for (const node of below(a.file) as Generator<Node & Record<string, unknown>>) {
    const { start } = node.span;
    switch (node.kind) {
      case 'asm': {
        const { span, text } = node.mnemonic as { span: { start: number }; text: string };
        out.set(span.start, 'mnemonic');
        // `lock add` is one mnemonic of two words.
        const second = /^lock\s+/.exec(a.text.slice(start, node.span.end));
        if (text.startsWith('lock ') && second) out.set(start + second[0].length, 'mnemonic');
        break;
      }
      case 'register':
        out.set(start, 'register');
        break;
      case 'name': {
        const text = node.text as string;
        const kind = constantSet.has(text)
          ? 'constant'
          : registers.has(text)
            ? 'register'
            : undefined;
        out.set(start, kind ?? 'unknown');
        break;
      }
      case 'field': {
        const field = node.field as { span: { start: number } };
        out.set(field.span.start, 'field');
        break;
      }
      case 'word': // of a setting or a value of an option
        if (!out.has(start))
          out.set(start, between.has(node.text as string) ? 'keyword' : 'constant');
        break;
      case 'setting': {
        const first = (node.atoms as { span: { start: number } }[][])[0]?.[0];
        if (first) out.set(first.span.start, 'setting');
        break;
      }
      case 'site':
        for (const d of node.dead as { span: { start: number } }[])
          out.set(d.span.start, 'register');
        break;
      default:
        break;
    }
  }
  return out;
}

/** A word that the tree does not have, in a line with an error. */
function alone(token: Word): WordKind {
  const { text } = token;
  if (keywordSet.has(text)) return 'keyword';
  if (mnemonics.has(text.toLowerCase())) return 'mnemonic';
  if (registers.has(text)) return 'register';
  if (settingSet.has(text)) return 'setting';
  if (constantSet.has(text)) return 'constant';
  return 'unknown';
}
