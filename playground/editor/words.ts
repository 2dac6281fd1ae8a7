// The colours of a text: every stretch with its class, from the grammar's own tokens.

import {
  CommentToken,
  keywords,
  lexer,
  mnemonics,
  NumberToken,
  StringToken,
} from '../../grammar/tokens.ts';

export type Colour = 'keyword' | 'string' | 'number' | 'mnemonic' | 'comment';

export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly colour: Colour;
}

const known = new Set(keywords);

/** In ascending order; what has no colour is left out. */
export function colours(text: string): readonly Stretch[] {
  const { tokens, groups } = lexer.tokenize(text);
  const found: Stretch[] = [];
  for (const t of tokens) {
    const colour: Colour | undefined =
      t.tokenType === StringToken
        ? 'string'
        : t.tokenType === NumberToken
          ? 'number'
          : mnemonics.has(t.image)
            ? 'mnemonic'
            : known.has(t.image)
              ? 'keyword'
              : undefined;
    if (colour) found.push({ start: t.startOffset, end: t.startOffset + t.image.length, colour });
  }
  for (const t of groups.comments ?? [])
    if (t.tokenType === CommentToken)
      found.push({ start: t.startOffset, end: t.startOffset + t.image.length, colour: 'comment' });
  return found.sort((a, b) => a.start - b.start);
}
