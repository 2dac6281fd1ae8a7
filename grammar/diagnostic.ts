// A mistake of the user: a stable code, a place, one sentence, and the edits that mend it where there are some.

import type { Span } from './ast.ts';

export interface Edit {
  readonly span: Span;
  /** What stands there afterwards. */
  readonly text: string;
}

export interface Fix {
  /** An imperative: "write `serialize`". */
  readonly title: string;
  readonly edits: readonly Edit[];
}

export interface Diagnostic {
  /** Lower case words with hyphens; a user can ask for its explanation. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** One sentence without a full stop, names in backquotes. */
  readonly message: string;
  readonly span: Span;
  readonly fix?: Fix;
}

/**
 * The candidate that `word` was probably meant to be: at most a third of its letters wrong, the closest, and of
 * equals the first in the list; else the only one that begins with it. Nothing if there is none, or if the word itself is among the candidates.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    if (candidate === word) return undefined;
    // One letter for another in a word of one or two letters is no likeness.
    if (Math.min(word.length, candidate.length) < 3) continue;
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best ?? beginsWith(word, candidates);
}

/** The one candidate that goes on where the word ends. */
function beginsWith(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length < 4) return undefined;
  const all = [...candidates].filter((c) => c.startsWith(word));
  return all.length === 1 ? all[0] : undefined;
}

/** The sentence's tail for a suggestion: `; did you mean \`x\`?`, or nothing. */
export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : `; did you mean \`${suggestion}\`?`;
}

/** Letters inserted, left out, changed, or swapped with their neighbour, each counted as one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j - 1] ?? 0) + 1, (above[j] ?? 0) + 1, (above[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
