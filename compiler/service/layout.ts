// The one layout of a text as edits: only the space between words changes, so that a caret stays at its word.

import type { Edit } from '../../grammar/index.ts';
import { format } from '../../grammar/index.ts';
import type { Analysis } from './analysis.ts';

/** None for a text with errors, and for one that has the layout. */
export function formatting(a: Analysis): readonly Edit[] {
  const laid = format(a.text, a.parsed);
  if (laid === undefined || laid === a.text) return [];
  const before = pieces(a.text);
  const after = pieces(laid);
  const same =
    before.length === after.length && before.every((p, i) => i % 2 === 0 || p === after[i]);
  if (!same) return [{ span: { start: 0, end: a.text.length }, text: laid }];
  const edits: Edit[] = [];
  let at = 0;
  for (const [i, piece] of before.entries()) {
    const end = at + piece.length;
    const now = after[i] ?? '';
    if (piece !== now) edits.push({ span: { start: at, end }, text: now });
    at = end;
  }
  return edits;
}

/** Gaps and words by turns; a gap first, which may be empty. A `;` belongs to the gap: the layout takes some out. */
const pieces = (text: string): readonly string[] => text.split(/((?:[^\s;])+)/);
