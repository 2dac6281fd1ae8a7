// Which pieces of a spec keep a scenario's verdict: all minimal sets of them, and why each piece is needed.
//
// Resumable and without a clock, as a verification is. Nothing follows from one set to another but what is the same
// program, or a run that can be played in both.

import type { Compiled, Scenario } from '../compile.ts';
import type { Bounds } from '../explorer/index.ts';
import type { How } from '../verify.ts';
import type { Kinds, Piece, Way } from './pieces.ts';
import { type Because, type Credit, type Figures, Programs } from './programs.ts';
import { type Answer, type Bits, type Family, minimalSets, mostPieces } from './sets.ts';
import { type Shortened, shorten } from './shorten.ts';
import { type Evidence, Variants } from './variants.ts';

export interface PieceResult {
  readonly piece: Piece;
  /** `implied`: an order that follows from others that are needed. `not known`: sets are unfinished. */
  readonly needed: 'always' | 'in some sets' | 'implied' | 'never' | 'not known';
  readonly evidence?: Evidence;
}

export interface MinimalSet {
  /** Indices of pieces. */
  readonly kept: readonly number[];
  readonly minimal: boolean;
  /** How the conditions that it does without are decided. */
  readonly ways: readonly { readonly piece: number; readonly way: Way }[];
}

export interface Minimized {
  readonly scenario: Scenario;
  /** Of the spec as it is written. Only one that keeps its expectation has sets. */
  readonly asWritten: Answer;
  /** What speaks against it there. */
  readonly because?: Because;
  readonly pieces: readonly PieceResult[];
  readonly sets: readonly MinimalSet[];
  /** How many sets were not fully searched. */
  readonly unfinished: number;
  readonly bound?: string;
  /** More pieces than can be gone through. */
  readonly tooMany: boolean;
  /** Phases in one block whose orders were not looked at, for there are too many; 0: none. */
  readonly crowded: number;
}

export interface Wanted {
  readonly kinds?: Kinds | undefined;
  /** Also the texts without what no scenario needs. */
  readonly shorter?: boolean;
  /** What makes the searches quick; the answers are the same. */
  readonly how?: How;
}

/** The scenarios of a file, one after the other; what is known of a program holds for all of them. */
export class Minimization {
  private readonly credit: Credit = { left: 0, stopped: undefined };
  private readonly programs: Programs;
  private readonly work: Generator<void, void>;
  private readonly done: Minimized[] = [];
  private readonly variants: Variants[] = [];
  private short: Shortened | undefined;
  private now = '';

  constructor(
    compiled: Compiled,
    scenarios: readonly Scenario[],
    bounds: Bounds,
    wanted: Wanted = {},
  ) {
    this.programs = new Programs(bounds, wanted.how ?? {}, this.credit);
    this.work = this.run(compiled, scenarios, wanted);
  }

  private *run(
    compiled: Compiled,
    scenarios: readonly Scenario[],
    { kinds, shorter }: Wanted,
  ): Generator<void, void> {
    for (const scenario of scenarios) {
      this.now = scenario.name;
      const variants = new Variants(compiled, scenario, this.programs, kinds);
      this.variants.push(variants);
      this.done.push(yield* minimize(variants));
      yield;
    }
    if (shorter && this.done.every((d) => d.asWritten === 'keeps')) {
      this.now = 'all of them';
      this.short = yield* shorten(compiled, this.variants);
    }
  }

  /** Looks at up to `budget` states. */
  advance(budget: number): { readonly done: boolean } {
    this.credit.left = budget;
    return { done: this.work.next().done === true };
  }

  /** From here on nothing is searched; what was not decided is unfinished. */
  stop(reason: string): void {
    this.credit.stopped ??= reason;
  }

  progress(): Figures & { readonly scenario: string } {
    return { ...this.programs.figures, scenario: this.now };
  }
  results(): readonly Minimized[] {
    return this.done;
  }
  /** Where it was wanted, and every scenario is as expected as it is written. */
  shortened(): Shortened | undefined {
    return this.short;
  }
}

function* minimize(variants: Variants): Generator<void, Minimized> {
  const { scenario, pieces } = variants;
  const { answer: asWritten, because } = yield* variants.asWritten();
  const base = { scenario, asWritten, ...(because ? { because } : {}) };
  const none = (tooMany: boolean): Minimized => ({
    ...base,
    pieces: pieces.map((piece) => ({ piece, needed: 'not known' })),
    sets: [],
    unfinished: 0,
    tooMany,
    crowded: variants.crowded,
    ...(variants.bound === undefined ? {} : { bound: variants.bound }),
  });
  if (asWritten !== 'keeps') return none(false);
  if (pieces.length > mostPieces) return none(true);
  const family = yield* minimalSets(
    pieces.length,
    (kept) => variants.keeps(kept),
    () => variants.stopped !== undefined,
  );
  if (family.unfinished > 0) variants.bound ??= variants.stopped;
  const results: PieceResult[] = [];
  for (let i = 0; i < pieces.length; i++) results.push(yield* judge(variants, family, i));
  return {
    ...base,
    pieces: results,
    sets: family.sets.map(({ kept, minimal }) => ({
      kept: indices(kept, pieces.length),
      minimal,
      ways: (variants.decided.get(kept) ?? []).map((way, k) => ({
        piece: variants.conditions(kept)[k] as number,
        way,
      })),
    })),
    unfinished: family.unfinished,
    tooMany: false,
    crowded: variants.crowded,
    ...(variants.bound === undefined ? {} : { bound: variants.bound }),
  };
}

function* judge(variants: Variants, family: Family, index: number): Generator<void, PieceResult> {
  const piece = variants.pieces[index] as Piece;
  const bit = 1 << index;
  const having = family.sets.filter((s) => (s.kept & bit) !== 0);
  const first = having[0];
  if (!first) {
    if (family.unfinished > 0) return { piece, needed: 'not known' };
    return { piece, needed: implied(variants, family, piece) ? 'implied' : 'never' };
  }
  const needed =
    having.length < family.sets.length
      ? 'in some sets'
      : family.unfinished === 0
        ? 'always'
        : 'not known';
  // The run of the spec without this alone is the plainest; where others do its work, all of these are gone.
  for (const kept of [variants.all & ~bit, first.kept & ~bit]) {
    if ((yield* variants.keeps(kept)) !== 'breaks') continue;
    const evidence = yield* variants.evidence(kept);
    if (evidence) return { piece, needed, evidence };
  }
  return { piece, needed };
}

/** Whether an order follows in every set from those that the set keeps. */
function implied(variants: Variants, family: Family, piece: Piece): boolean {
  if (piece.kind !== 'order') return false;
  return family.sets.every(({ kept }) => {
    const after = new Set([piece.before]);
    for (let grown = true; grown; ) {
      grown = false;
      variants.pieces.forEach((p, i) => {
        if (p.kind !== 'order' || p.block !== piece.block || (kept & (1 << i)) === 0) return;
        if (!after.has(p.before) || after.has(p.after)) return;
        after.add(p.after);
        grown = true;
      });
    }
    return after.has(piece.after);
  });
}

const indices = (bits: Bits, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => (bits & (1 << i)) !== 0);
