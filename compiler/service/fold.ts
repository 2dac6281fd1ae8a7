// What can be hidden, and what a growing selection takes: blocks, runs of comments, nodes around an offset.

import type { Span } from '../../grammar/index.ts';
import { position } from '../../grammar/index.ts';
import type { Analysis } from './analysis.ts';
import type { Fold } from './answers.ts';
import { inside } from './names.ts';
import { path } from './tree.ts';

/** By braces, so that a block folds whatever is wrong inside of it. */
export function folds(a: Analysis): readonly Fold[] {
  const out: Fold[] = [];
  const line = (offset: number): number => position(a.source, offset).line;
  const open: number[] = [];
  let comment: { start: number; end: number; line: number; lines: number } | undefined;
  const closeComment = (): void => {
    if (comment && comment.lines > 1)
      out.push({ span: { start: comment.start, end: comment.end }, kind: 'comment' });
    comment = undefined;
  };
  let fresh = true; // nothing but space before it on its line
  for (const { kind, text, span } of a.tokens) {
    if (kind === 'newline') {
      fresh = true;
      continue;
    }
    if (kind === 'comment' && fresh) {
      const at = line(span.start);
      if (comment && at === comment.line + 1)
        comment = { ...comment, end: span.end, line: at, lines: comment.lines + 1 };
      else {
        closeComment();
        comment = { start: span.end, end: span.end, line: at, lines: 1 };
      }
    } else closeComment();
    fresh = false;
    if (kind !== 'sign') continue;
    if (text === '{') open.push(span.end);
    else if (text === '}') {
      const start = open.pop();
      if (start !== undefined && line(start) < line(span.start))
        out.push({ span: { start, end: span.start }, kind: 'block' });
    }
  }
  closeComment();
  return out.sort((x, y) => x.span.start - y.span.start);
}

/** The innermost first; the last is the whole text. */
export function selections(a: Analysis, offset: number): readonly Span[] {
  const at = Math.min(Math.max(offset, 0), a.text.length);
  const whole = { start: 0, end: a.text.length };
  const spans: Span[] = [whole];
  if (a.file) spans.push(...path(a.file, at).map((n) => n.span));
  const token = a.tokens.find((t) => t.kind !== 'newline' && inside(at, t.span));
  if (token) spans.push(token.span);
  // From the inside out, each strictly larger than the one before it.
  const out: Span[] = [];
  for (const span of spans.sort((x, y) => x.end - x.start - (y.end - y.start))) {
    const last = out[out.length - 1];
    if (
      !last ||
      (span.start <= last.start &&
        span.end >= last.end &&
        span.end - span.start > last.end - last.start)
    )
      out.push(span);
  }
  return out;
}
