// Words beside options: each of them is a value of its option, or the comparison never comes true.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import { nearest } from '../grammar/diagnostic.ts';
import type { Expr, File, Item } from '../grammar/index.ts';
import type { OptionInfo } from './scenario.ts';
import { shownValues } from './scenario.ts';
import { allItems } from './spec.ts';

/** Every name and every comparison that is read below an item; what declares and what sets does not read. */
export function* expressionsIn(node: unknown): Generator<Expr> {
  if (Array.isArray(node)) {
    for (const n of node) yield* expressionsIn(n);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { kind } = node as { kind?: Expr['kind'] | Item['kind'] };
  if (kind === 'option' || kind === 'scenario' || kind === 'machine') return;
  if (kind === 'name' || kind === 'binary') yield node as Expr;
  for (const part of Object.values(node)) yield* expressionsIn(part);
}

/** What other languages call `on` and `off`. */
const truths: ReadonlyMap<string, string> = new Map([
  ['true', 'on'],
  ['yes', 'on'],
  ['enabled', 'on'],
  ['false', 'off'],
  ['no', 'off'],
  ['disabled', 'off'],
]);

export function checkWords(
  file: File,
  options: ReadonlyMap<string, OptionInfo>,
  report: (d: Diagnostic) => void,
): void {
  const say = (
    message: string,
    { text, span }: { text: string; span: Expr['span'] },
    of: OptionInfo,
  ): void => {
    const truth = truths.get(text);
    const words = of.values.filter((v) => typeof v === 'string');
    const near = truth ?? nearest(text, words);
    const fix = near && { title: `write \`${near}\``, edits: [{ span, text: near }] };
    report({ code: 'option-value', severity: 'error', message, span, ...(fix ? { fix } : {}) });
  };
  for (const item of allItems(file.items)) {
    const only = item.kind === 'option' && item.values.length === 1 ? item.values[0] : undefined;
    const first = item.kind === 'option' ? item.names[0] : undefined;
    const info = first && options.get(first.text);
    if (only?.kind === 'word' && info && truths.has(only.text))
      say(`an option is \`on\` or \`off\`, not \`${only.text}\``, only, info);
  }
  for (const e of expressionsIn(file.items)) {
    if (e.kind !== 'binary' || (e.op !== '==' && e.op !== '!=')) continue;
    for (const [option, word] of [
      [e.a, e.b],
      [e.b, e.a],
    ] as const) {
      const info = option.kind === 'name' ? options.get(option.text) : undefined;
      if (option.kind !== 'name' || word.kind !== 'name' || !info) continue;
      const known = ['on', 'off', 'nil'].includes(word.text) || options.has(word.text);
      if (known || info.values.includes(word.text)) continue;
      say(`\`${option.text}\` is never \`${word.text}\`; it is ${shownValues(info)}`, word, info);
    }
  }
}
