// The open documents: their texts as the editor has them, and what the service keeps about each.

import {
  offset,
  type Position,
  place,
  type Source,
  type Span,
  source,
} from '../../../grammar/index.ts';
import { type Analysis, analyse } from '../../service/index.ts';

/** The protocol counts lines and columns from 0, in UTF-16 units as the grammar does. */
export interface Point {
  readonly line: number;
  readonly character: number;
}
export interface Range {
  readonly start: Point;
  readonly end: Point;
}
export interface Change {
  /** The whole text where there is none. */
  readonly range?: Range;
  readonly text: string;
}

export class Document {
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  private kept: Analysis | undefined;

  constructor(uri: string, version: number, text: string) {
    this.uri = uri;
    this.version = version;
    this.text = text;
  }

  /** One for as long as the text stays. */
  get analysis(): Analysis {
    this.kept ??= analyse(this.text);
    return this.kept;
  }

  /** Each change counts from what the one before it left. */
  changed(version: number, changes: readonly Change[]): Document {
    const text = changes.reduce((before, c) => {
      if (!c.range) return c.text;
      const at = source(before);
      const start = offset(at, inside(c.range.start));
      return `${before.slice(0, start)}${c.text}${before.slice(offset(at, inside(c.range.end)))}`;
    }, this.text);
    return new Document(this.uri, version, text);
  }

  offset(point: Point): number {
    return offset(this.analysis.source, inside(point));
  }

  range(span: Span): Range {
    return rangeOf(this.analysis.source, span);
  }
}

const inside = (p: Point): Position => ({ line: p.line + 1, column: p.character + 1 });

export function rangeOf(text: Source, span: Span): Range {
  return range(place(text, span));
}

/** Of a place as reports have it. */
export const range = (p: ReturnType<typeof place>): Range => ({
  start: { line: p.line - 1, character: p.column - 1 },
  end: { line: p.endLine - 1, character: p.endColumn - 1 },
});
