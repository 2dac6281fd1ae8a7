// What was found of minimal sets, as a document: pieces in words, sets as lists of them, runs as `verify` tells them.

import { place, type Source } from '../../grammar/index.ts';
import type { Expected } from '../compile.ts';
import { type ViolationReport, violationReport } from '../report.ts';
import type { MinimalSet, Minimized, PieceResult } from './minimize.ts';
import type { Piece, Way } from './pieces.ts';
import type { Because } from './programs.ts';
import type { Answer } from './sets.ts';
import type { Evidence } from './variants.ts';

type Range = ReturnType<typeof place>;

interface WayReport {
  /** Index into `pieces`, of a condition. */
  readonly piece: number;
  /** `always`: as if it were true; `never`: as if it were false. */
  readonly taken: 'always' | 'never';
}

export interface EvidenceReport {
  /** Indices of the pieces that are gone. */
  readonly gone: readonly number[];
  readonly because: string;
  readonly check: number;
  readonly values: readonly string[];
  /** Phases that stand otherwise than in the text, in their new order. */
  readonly orders: readonly (readonly string[])[];
  readonly ways: readonly WayReport[];
  /** A shortest one; `null` where it is no run that is the loss, but that there is none. */
  readonly run: ViolationReport | null;
}

export interface PieceReport {
  readonly kind: Piece['kind'];
  readonly text: string;
  readonly span: Range;
  /** The uses of `define`s that lead to it. */
  readonly via: readonly Range[];
  readonly needed: PieceResult['needed'];
  /** Why; `null` where nothing needs it, or nothing is known. */
  readonly without: EvidenceReport | null;
}

export interface MinimizedReport {
  readonly name: string;
  readonly span: Range;
  readonly expected: Expected;
  /** Whether the spec as it is written meets the expectation. Only then there are sets. */
  readonly asWritten: Answer;
  /** What speaks against it there. */
  readonly because: string | null;
  readonly pieces: readonly PieceReport[];
  readonly sets: readonly {
    readonly kept: readonly number[];
    /** False where a set within it is unfinished. */
    readonly minimal: boolean;
    readonly ways: readonly WayReport[];
  }[];
  /** Sets that were not fully searched. */
  readonly unfinished: number;
  readonly bound: string | null;
  readonly seconds: number;
}

export function minimizedReport(text: Source, found: Minimized, seconds: number): MinimizedReport {
  const { scenario } = found;
  return {
    name: scenario.name,
    span: place(text, scenario.span),
    expected: scenario.expected,
    asWritten: found.asWritten,
    because: found.because ? becauseText(found.because) : null,
    pieces: found.pieces.map(({ piece, needed, evidence }) => ({
      kind: piece.kind,
      text: pieceText(piece, text.text),
      span: place(text, piece.span),
      via: piece.via.map((v) => place(text, v)),
      needed,
      without: evidence ? evidenceReport(text, found, evidence) : null,
    })),
    sets: found.sets.map((s: MinimalSet) => ({
      kept: s.kept,
      minimal: s.minimal,
      ways: s.ways.map(wayReport),
    })),
    unfinished: found.unfinished,
    bound: found.tooMany ? 'pieces' : (found.bound ?? (found.crowded > 0 ? 'phases' : null)),
    seconds: Math.round(seconds * 1000) / 1000,
  };
}

function evidenceReport(text: Source, found: Minimized, e: Evidence): EvidenceReport {
  return {
    gone: found.pieces.flatMap((_, i) => ((e.gone & (1 << i)) === 0 ? [] : [i])),
    because: becauseText(e.because),
    check: e.check,
    values: found.scenario.checks[e.check]?.values ?? [],
    orders: e.orders,
    ways: e.ways.map(wayReport),
    run: e.run ? violationReport(text, e.check, e.run.violation, e.run.trace) : null,
  };
}

const wayReport = ({ piece, way }: { readonly piece: number; readonly way: Way }): WayReport => ({
  piece,
  taken: way === 'then' ? 'always' : 'never',
});

export function becauseText(because: Because): string {
  switch (because.kind) {
    case 'violates':
      return because.property;
    case 'unreached':
      return `no run reaches \`${because.witness}\``;
    case 'holds':
      return 'nothing is violated';
    case 'refused':
      return `no spec: ${because.message}`;
  }
}

/** Where a reader finds it: the innermost call, where a `define` has it several times. */
export const pieceSpan = (piece: Piece): Piece['span'] => piece.via.at(-1) ?? piece.span;

/** A piece in the words of the text, on one line. */
export function pieceText(piece: Piece, text: string): string {
  const words = (span: { readonly start: number; readonly end: number }): string =>
    text.slice(span.start, span.end).replace(/\s+/g, ' ').trim();
  const call = piece.via.length > 0 ? `${words(pieceSpan(piece))}: ` : '';
  switch (piece.kind) {
    case 'sync':
    case 'unit':
      return `${call}${words(piece.span)}`;
    case 'order':
      return `${piece.phases[0]} before ${piece.phases[1]}`;
    case 'condition': {
      const whole = words(piece.span);
      const body = whole.indexOf('{');
      return `${call}${body < 0 ? whole : whole.slice(0, body).trim()}`;
    }
  }
}
