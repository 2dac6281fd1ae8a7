// What the service answers with: plain data over offsets, which an editor's types are made from.
//
// Offsets count UTF-16 units from 0. Sentences put names in backquotes, as Markdown does, and have no full stop
// where they are one.

import type { Edit, Span } from '../../grammar/index.ts';
import type { NameKind } from './names.ts';

/** What a word is to who reads it: a kind of name, or what the language itself brings. */
export type WordKind =
  | NameKind
  | 'keyword'
  | 'setting'
  | 'mnemonic'
  | 'register'
  | 'constant' // `here`, `frame`, `nil`, `on`: names that the language gives
  | 'number'
  | 'text'
  | 'comment'
  | 'sign'
  | 'unknown'; // no token of the language, or a word that stands for nothing

export interface Token {
  readonly span: Span;
  readonly kind: WordKind;
  /** The name is declared here. */
  readonly declares: boolean;
}

export interface Completion {
  readonly label: string;
  readonly kind: WordKind;
  /** In a few words, beside the label: what it is, or its form. */
  readonly detail: string;
  /** What replaces `replaces`. */
  readonly insert: string;
  /** Where in `insert` the caret stands afterwards; its end, but for arguments. */
  readonly caret: number;
  readonly replaces: Span;
  /** One sentence. */
  readonly documentation: string;
}

export interface Hover {
  /** What is explained. */
  readonly span: Span;
  /** What it is, as the language or a listing writes it. */
  readonly code: string;
  /** Paragraphs below it. */
  readonly text: readonly string[];
}

/** Where a name is declared, seen from one of its uses. */
export interface Definition {
  /** The name that was asked about. */
  readonly from: Span;
  /** The declared name; several where `if` on options declares it in more than one way. */
  readonly to: readonly { readonly name: Span; readonly whole: Span }[];
}

export interface Reference {
  readonly span: Span;
  readonly declares: boolean;
}

/** A sentence that says why not. */
export interface Refused {
  readonly refused: string;
}
export interface Renamable {
  readonly span: Span;
  readonly name: string;
}
export interface Renamed {
  readonly edits: readonly Edit[];
}

export interface Outline {
  readonly name: string;
  readonly kind: WordKind;
  /** What stands beside the name: `5 bytes`, `expect holds`. */
  readonly detail: string;
  readonly span: Span;
  readonly nameSpan: Span;
  readonly children: readonly Outline[];
}

export interface Fold {
  /** From the end of what stays visible to the end of what is hidden. */
  readonly span: Span;
  readonly kind: 'block' | 'comment';
}

export interface Hint {
  readonly offset: number;
  readonly kind: 'address' | 'place' | 'option' | 'sync';
  readonly text: string;
  /** One sentence more. */
  readonly tooltip: string;
}

export interface Lens {
  readonly span: Span;
  readonly title: string;
  /** The name of the scenario to verify. */
  readonly scenario: string;
}
