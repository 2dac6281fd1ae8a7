// Where a name is declared and used, and what becomes of the text if it is called something else.

import type { Edit } from '../../grammar/index.ts';
import { keywords, mnemonics, registers, reservedWords } from '../../grammar/tokens.ts';
import { constants, parts } from '../vocabulary.ts';
import type { Analysis } from './analysis.ts';
import type { Definition, Reference, Refused, Renamable, Renamed } from './answers.ts';
import { kindText } from './describe.ts';
import { inside, type Named } from './names.ts';

export function definition(a: Analysis, offset: number): Definition | undefined {
  const found = a.names.at(offset);
  if (!found || found.named.declarations.length === 0) return undefined;
  return { from: found.span, to: found.named.declarations };
}

/** Of the name at an offset, its declarations included, in the order of the text. */
export function references(a: Analysis, offset: number): readonly Reference[] {
  const found = a.names.at(offset);
  if (!found) return [];
  return a.names.occurrences
    .filter((o) => o.named === found.named)
    .map((o) => ({ span: o.span, declares: o.declares }));
}

/** What would be renamed at an offset; nothing where no name of the file stands. */
export function prepareRename(a: Analysis, offset: number): Renamable | Refused | undefined {
  const found = a.names.at(offset);
  if (!found) {
    const word = a.tokens.find((t) => t.kind === 'word' && inside(offset, t.span));
    if (!word) return undefined;
    return { refused: `\`${word.text}\` is a word of the language, or no name of this file` };
  }
  const { named, span } = found;
  if (named.declarations.length === 0)
    return { refused: `\`${named.name}\` is a property of the language` };
  return { span, name: named.name };
}

export function rename(a: Analysis, offset: number, to: string): Renamed | Refused {
  const able = prepareRename(a, offset);
  if (able === undefined) return { refused: 'there is no name here' };
  if ('refused' in able) return able;
  const { named } = a.names.at(offset) as { readonly named: Named };
  const refused = to === named.name ? undefined : unfit(a, named, to);
  if (refused !== undefined) return { refused };
  const edits = references(a, offset).map((r): Edit => ({ span: r.span, text: to }));
  return { edits: to === named.name ? [] : edits };
}

/** Why a name cannot be called that. */
function unfit(a: Analysis, named: Named, to: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(to))
    return `\`${to}\` is no name: letters, digits and \`_\`, and no digit first`;
  if (reservedWords.has(to) || keywords.includes(to)) return `\`${to}\` is a word of the language`;
  if (Object.hasOwn(constants, to)) return `\`${to}\` has a meaning of its own in expressions`;
  if (named.kind === 'field' && Object.hasOwn(parts, to))
    return `\`${to}\` has a meaning of its own behind a dot`;
  if (registers.has(to)) return `\`${to}\` is a register`;
  if (mnemonics.has(to)) return `\`${to}\` is an instruction`;
  const other = a.names.all.find((n) => n !== named && n.name === to && meet(named, n));
  if (!other) return undefined;
  const at = other.declarations[0];
  const line = at ? ` in line ${lineOf(a, at.name.start)}` : '';
  return `\`${to}\` is taken: it is ${kindText(other)}${line}`;
}

const lineOf = (a: Analysis, offset: number): number =>
  a.source.lineStarts.filter((s) => s <= offset).length;

/** Whether two things cannot have one name: what is in the one namespace, and within what is not. */
function meet(x: Named, y: Named): boolean {
  if (x.kind === 'value' || y.kind === 'value')
    return x.kind === y.kind ? x.option === y.option : false;
  const alone = (n: Named): boolean =>
    n.kind === 'phase' || n.kind === 'field' || n.kind === 'protocol' || n.kind === 'handler';
  if (alone(x) || alone(y)) return x.kind === y.kind;
  // Names are not shadowed, but two blocks beside each other may have the same.
  if (!x.scope || !y.scope) return true;
  return x.scope.start < y.scope.end && y.scope.start < x.scope.end;
}
