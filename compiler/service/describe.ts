// What a name is, in words, and how its declaration reads: for completions, hovers and refusals.

import type { Span } from '../../grammar/index.ts';
import type { Builtin } from '../ir.ts';
import { meaning } from '../meaning.ts';
import type { Analysis } from './analysis.ts';
import type { Named, NameKind } from './names.ts';

const kindWords: Readonly<Record<NameKind, string>> = {
  protocol: 'the protocol',
  option: 'an option',
  value: 'a value of an option',
  label: 'a label',
  place: 'a place that a patch changes',
  thread: 'a thread',
  irq: "an interrupt's code",
  nmi: "an NMI's code",
  shared: 'a shared variable',
  percpu: 'a per-CPU variable',
  field: 'a field of a record',
  mutex: 'a mutex',
  descriptor: 'a descriptor',
  stub: 'a stub',
  parameter: 'a parameter',
  handler: 'a handler',
  define: 'a definition',
  patch: 'a patch',
  phase: 'a phase',
  property: 'a property',
  local: 'a local name',
};

/** `a place that a patch changes`. */
export const kindText = (named: Named): string =>
  named.option === undefined ? kindWords[named.kind] : `a value of \`${named.option}\``;

/** One line, as it is written, shortened where it is long. */
export function sourceText(a: Analysis, span: Span, most = 100): string {
  const { start } = span;
  const text = a.text.slice(start, Math.min(span.end, start + 20 * most));
  const line = text
    .replace(/\/\/[^\r\n]*/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** How a name is declared; of what has a block, its beginning. */
export function declaredText(a: Analysis, named: Named): string {
  const declared = named.declarations[0];
  if (!declared) return named.name;
  const text = sourceText(a, declared.head ?? declared.whole, 200);
  if (named.kind === 'protocol') return `protocol ${text}`;
  return named.kind === 'stub' ? (text.split(' {')[0] ?? text) : text;
}

/** One sentence. */
export const about = (named: Named): string =>
  named.kind === 'property' && Object.hasOwn(meaning, named.name)
    ? `violated when ${meaning[named.name as Builtin]}`
    : kindText(named);
