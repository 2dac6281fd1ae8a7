// What the page wants of an editor, whichever it is.

import type { Diagnostic, Fix, Span } from '../../grammar/index.ts';

/** A CPU that stands at a stretch of the source, behind the step that is shown. */
export interface Mark {
  readonly cpu: number;
  readonly span: Span;
  /** It took the step that is shown. */
  readonly current: boolean;
}

export interface EditorEvents {
  /** By the user's hand. */
  changed(): void;
  /** The caret moved, or what is selected changed. */
  moved(): void;
  /** A verdict was pressed. */
  scenario(name: string): void;
}

/** What was done to a text, so that another editor can undo it. */
export interface Past {
  readonly first: string;
  readonly edits: readonly { readonly text: string; readonly caret: number }[];
}

export interface Editor {
  readonly element: HTMLElement;
  readonly text: string;
  readonly selection: Span;
  /** Another text: what was done to the old one cannot be undone into it. */
  load(text: string): void;
  /** Puts texts in the place of others, as one edit that can be undone; spans are of the text as it is. */
  apply(fix: Fix): void;
  select(span: Span): void;
  focus(): void;
  diagnose(diagnostics: readonly Diagnostic[]): void;
  mark(marks: readonly Mark[]): void;
  /** Points at a stretch that is pointed at elsewhere. */
  point(span: Span | undefined): void;
  /** By the scenario's name, which an editor may show above it. */
  verdicts(all: ReadonlyMap<string, string>): void;
  /** Shows what speaks about the place of the caret: the diagnostic with its fixes. */
  explain(diagnostic: Diagnostic): void;
}
