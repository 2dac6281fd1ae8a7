// A source text with its line index: from UTF-16 offsets inside to lines and columns outside, and back.

import type { Span } from './ast.ts';

/** 1-based, columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a span begins and ends, as reports show it. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface Source {
  /** What reports call it: a path, or `-`. */
  readonly name: string;
  readonly text: string;
  /** The offset at which each line starts; the first is 0. */
  readonly lineStarts: readonly number[];
}

/** A line ends in `\n`, `\r\n` or a lone `\r`, as in the tokens. */
export function source(text: string, name = '-'): Source {
  const lineStarts = [0];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 10 || (unit === 13 && text.charCodeAt(i + 1) !== 10)) lineStarts.push(i + 1);
  }
  return { name, text, lineStarts };
}

/** Offsets outside the text are taken as its nearest end. */
export function position(source: Source, offset: number): Position {
  const at = Math.min(Math.max(offset, 0), source.text.length);
  let low = 0;
  let high = source.lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((source.lineStarts[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: at - (source.lineStarts[low] ?? 0) + 1 };
}

/** The inverse of `position`; a column behind the end of its line is taken as that end. */
export function offset(source: Source, { line, column }: Position): number {
  const index = Math.min(Math.max(line, 1), source.lineStarts.length) - 1;
  const start = source.lineStarts[index] ?? 0;
  return Math.min(start + Math.max(column, 1) - 1, start + lineText(source, index + 1).length);
}

export function place(source: Source, span: Span): Place {
  const start = position(source, span.start);
  const end = position(source, span.end);
  return { line: start.line, column: start.column, endLine: end.line, endColumn: end.column };
}

/** The text of a 1-based line without its end; empty behind the last. */
export function lineText(source: Source, line: number): string {
  const start = source.lineStarts[line - 1];
  if (start === undefined) return '';
  const end = source.lineStarts[line] ?? source.text.length;
  return source.text.slice(start, end).replace(/[\r\n]+$/, '');
}
