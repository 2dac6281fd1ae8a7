// One scenario with some of its pieces: the programs that are meant, and whether all of them keep its expectation.

import { type Compiled, commonOf, type Scenario } from '../compile.ts';
import { createMachine } from '../emulator/machine.ts';
import { type Trace, tell } from '../emulator/trace.ts';
import type { Violation } from '../explorer/index.ts';
import type { Program } from '../ir.ts';
import { lower } from '../lower.ts';
import type { Check } from '../scenario.ts';
import { type Kinds, type Piece, piecesOf, type Sequence, varied, type Way } from './pieces.ts';
import { type Because, decision, type Known, nothing, type Programs } from './programs.ts';
import { type Answer, type Bits, extensions } from './sets.ts';

/** A run, or the lack of one, that shows what is lost without a piece. */
export interface Evidence {
  /** The pieces that are gone, by index: the piece alone, or all that one minimal set does without and the piece. */
  readonly gone: Bits;
  readonly because: Because;
  readonly check: number;
  /** The orders in which phases stand that do not stand as in the text: names in their new order. */
  readonly orders: readonly (readonly string[])[];
  /** How each condition that is gone is decided. */
  readonly ways: readonly { readonly piece: number; readonly way: Way }[];
  readonly run?: { readonly violation: Violation; readonly trace: Trace };
}

/** States of a first look at a program: what violates mostly does so early. */
const shallow = 2_000;

/** The variants of one scenario. */
export class Variants {
  readonly pieces: readonly Piece[];
  readonly scenario: Scenario;
  /** Phases in one block whose orders are not looked at, for there are too many; 0: none. */
  readonly crowded: number;
  private readonly compiled: Compiled;
  private readonly programs: Programs;
  private readonly sequences: readonly Sequence[];
  private readonly indexOf: ReadonlyMap<string, number>;
  private readonly known = new Map<string, Known>();
  private readonly waysOf = new Map<Bits, readonly (readonly Way[])[]>();
  /** Of sets that keep: how their conditions are decided. */
  readonly decided = new Map<Bits, readonly Way[]>();
  bound: string | undefined;

  constructor(compiled: Compiled, scenario: Scenario, programs: Programs, kinds?: Kinds) {
    this.compiled = compiled;
    this.scenario = scenario;
    this.programs = programs;
    const pieces = new Map<string, Piece>();
    const sequences = new Map<string, Sequence>();
    if (!compiled.file) throw new Error('a text that was not parsed has no scenario');
    let crowded = 0;
    for (const check of scenario.checks) {
      const found = piecesOf(compiled.file, check.options);
      if (!kinds || kinds.includes('order')) crowded = Math.max(crowded, found.crowded);
      for (const p of found.pieces) if (!kinds || kinds.includes(p.kind)) pieces.set(p.id, p);
      for (const s of found.sequences) sequences.set(s.id, s);
    }
    this.crowded = crowded;
    // As a reader meets them: where they are written, or the `define` that has them is used.
    const place = (p: Piece): readonly number[] => [
      (p.via.at(-1) ?? p.span).start,
      ...p.via.map((v) => v.start),
      p.span.start,
    ];
    this.sequences = [...sequences.values()];
    this.pieces = [...pieces.values()].sort((a, b) => compare(place(a), place(b)));
    this.indexOf = this.index();
    this.pieces = this.pieces.filter((p, i) => p.kind !== 'unit' || this.matters(i));
    this.indexOf = this.index();
    this.known.clear();
  }

  private index(): ReadonlyMap<string, number> {
    return new Map(this.pieces.map((p, i) => [p.id, i]));
  }

  /** Why nothing is searched any more. */
  get stopped(): string | undefined {
    return this.programs.stopped;
  }

  get all(): Bits {
    return 2 ** this.pieces.length - 1;
  }

  /** A unit of a single byte is none. */
  private matters(piece: number): boolean {
    const gone = this.all & ~(1 << piece);
    return this.scenario.checks.some((_, c) => {
      const a = this.lowered(c, this.all, [], []);
      const b = this.lowered(c, gone, [], []);
      return typeof a === 'string' || typeof b === 'string'
        ? a !== b
        : this.programs.key(a.program) !== this.programs.key(b.program);
    });
  }

  /** Conditions that are gone, ascending. */
  conditions(kept: Bits): readonly number[] {
    return this.pieces.flatMap((p, i) =>
      p.kind === 'condition' && (kept & (1 << i)) === 0 ? [i] : [],
    );
  }

  /** Every way to decide the conditions that are gone. */
  private ways(kept: Bits): readonly (readonly Way[])[] {
    const known = this.waysOf.get(kept);
    if (known) return known;
    let ways: readonly (readonly Way[])[] = [[]];
    for (const _ of this.conditions(kept))
      ways = ways.flatMap((w) => (['else', 'then'] as const).map((x) => [...w, x]));
    this.waysOf.set(kept, ways);
    return ways;
  }

  /** Every order of the phases that the kept pairs leave, for each block that has some. */
  private orders(kept: Bits): readonly (readonly (readonly number[])[])[] {
    let all: readonly (readonly (readonly number[])[])[] = [[]];
    for (const { id, phases } of this.sequences) {
      const pairs: [number, number][] = [];
      let known = false;
      this.pieces.forEach((p, i) => {
        if (p.kind !== 'order' || p.block !== id) return;
        known = true;
        if ((kept & (1 << i)) !== 0) pairs.push([p.before, p.after]);
      });
      const orders = known ? extensions(phases.length, pairs) : [phases.map((_, i) => i)];
      all = all.flatMap((before) => orders.map((order) => [...before, order]));
    }
    return all;
  }

  private lowered(
    check: number,
    kept: Bits,
    ways: readonly Way[],
    orders: readonly (readonly number[])[],
  ): NonNullable<ReturnType<typeof lower>> | string {
    const { options } = this.scenario.checks[check] as Check;
    const conditions = this.conditions(kept);
    const isGone = (id: string): boolean => {
      const i = this.indexOf.get(id);
      return i !== undefined && (kept & (1 << i)) === 0;
    };
    const whole = this.compiled.file as NonNullable<Compiled['file']>;
    const file = varied(whole, options, {
      gone: (p) => isGone(p.id),
      way: (p) => ways[conditions.indexOf(this.indexOf.get(p.id) ?? -1)],
      order: (s) => orders[this.sequences.findIndex((x) => x.id === s.id)],
    });
    const messages: string[] = [];
    const found = lower(
      file,
      this.compiled.text,
      this.scenario.checks[check] as Check,
      (d) => messages.push(d.message),
      // What is taken out never changes where code stands.
      commonOf(whole),
    );
    return found ?? messages[0] ?? 'it does not compile';
  }

  private knownOf(
    check: number,
    kept: Bits,
    ways: readonly Way[],
    orders: readonly (readonly number[])[],
  ): Known {
    // What two variants say alike is one text, and most sets differ in their orders alone.
    const rest = this.pieces.reduce(
      (bits, p, i) => (p.kind === 'order' ? bits : bits | (kept & (1 << i))),
      0,
    );
    const name = `${check} ${rest} ${ways.join()} ${orders.join(' ')}`;
    const known = this.known.get(name);
    if (known) return known;
    if (this.programs.stopped !== undefined) return nothing();
    const lowered = this.lowered(check, kept, ways, orders);
    const fresh: Known =
      typeof lowered === 'string'
        ? { ...nothing(), refused: lowered }
        : this.programs.of(lowered.program);
    this.known.set(name, fresh);
    return fresh;
  }

  /**
   * Whether some way to do without the conditions keeps the verdict in every order that is left, in every check; the
   * ways may be given. A quick answer is `unfinished` where it takes more than a first look.
   */
  *keeps(kept: Bits, given?: readonly Way[], quick = false): Generator<void, Answer> {
    let left = given ? [given] : this.ways(kept);
    for (const most of quick ? [0, shallow] : [0, shallow, undefined]) {
      const open: (readonly Way[])[] = [];
      let unfinished = false;
      for (const ways of left) {
        const answer = yield* this.always(kept, ways, most);
        if (answer === 'keeps') {
          if (!given) this.decided.set(kept, ways);
          return 'keeps';
        }
        if (answer !== 'breaks') open.push(ways);
        if (answer === 'unfinished') unfinished = true;
      }
      if (open.length === 0) return 'breaks';
      if (most === undefined && unfinished) return 'unfinished';
      left = open;
    }
    return 'unfinished';
  }

  private *always(
    kept: Bits,
    ways: readonly Way[],
    most: number | undefined,
  ): Generator<void, Answer | 'open'> {
    const { checks, expected } = this.scenario;
    let answer: Answer | 'open' = 'keeps';
    for (const orders of this.orders(kept)) {
      for (let check = 0; check < checks.length; check++) {
        yield* this.programs.turn();
        const known = this.knownOf(check, kept, ways, orders);
        if (most !== 0) yield* this.look(known, check, kept, ways, orders, most);
        const { answer: found } = decision(expected, known);
        if (found === 'breaks') return 'breaks';
        if (found !== 'unknown') continue;
        const bound = known.bound ?? this.programs.stopped;
        if (bound === undefined) answer = answer === 'unfinished' ? answer : 'open';
        else {
          this.bound ??= bound;
          answer = 'unfinished';
        }
        // Of what cannot be said whole, what remains may still break.
      }
    }
    return answer;
  }

  /** Searches a program until it is decided, or as many states as are wanted. */
  private *look(
    known: Known,
    check: number,
    kept: Bits,
    ways: readonly Way[],
    orders: readonly (readonly number[])[],
    most?: number,
  ): Generator<void, void> {
    const { expected } = this.scenario;
    if (this.programs.stopped !== undefined) return;
    if (decision(expected, known).answer !== 'unknown') return;
    const lowered = this.lowered(check, kept, ways, orders);
    if (typeof lowered !== 'string')
      yield* this.programs.decide(lowered.program, known, expected, most);
  }

  /** Of a set that breaks: the shortest run of any of its programs, or what is missing in them. */
  *evidence(kept: Bits): Generator<void, Evidence | undefined> {
    const { checks, expected } = this.scenario;
    const conditions = this.conditions(kept);
    let best: Evidence | undefined;
    for (const ways of this.ways(kept)) {
      for (const orders of this.orders(kept)) {
        for (let check = 0; check < checks.length; check++) {
          const known = this.knownOf(check, kept, ways, orders);
          // What was never looked at may break sooner than what was; where one run does not say so, all of it must be seen.
          if (expected.kind === 'violates' && !expected.only)
            yield* this.look(known, check, kept, ways, orders);
          const found = decision(expected, known);
          if (found.answer === 'keeps') continue;
          const base = {
            gone: this.all & ~kept,
            check,
            orders: this.named(orders),
            ways: ways.map((way, i) => ({ piece: conditions[i] as number, way })),
          };
          if (found.answer === 'breaks' && found.because.kind !== 'violates') {
            best ??= { ...base, because: found.because };
            continue;
          }
          const lowered = this.lowered(check, kept, ways, orders);
          if (typeof lowered === 'string') continue;
          const length = best?.run?.violation.schedule.length;
          const violation = yield* this.programs.shortest(
            lowered.program,
            known,
            expected,
            length === undefined ? undefined : length - 1,
          );
          if (!violation || (length !== undefined && violation.schedule.length >= length)) continue;
          const names = violation.schedule.map((s) => s.name);
          best = {
            ...base,
            because: { kind: 'violates', property: violation.property },
            run: {
              violation,
              trace: tell(createMachine(lowered.program), names, violation.initial),
            },
          };
        }
      }
    }
    return best;
  }

  /** What distinguishes the program of a check with these pieces, in the order of the text. */
  key(check: number, kept: Bits, ways: readonly Way[]): string | undefined {
    const orders = this.sequences.map((s) => s.phases.map((_, i) => i));
    const lowered = this.lowered(check, kept, ways, orders);
    return typeof lowered === 'string' ? undefined : this.keyOf(lowered.program);
  }
  keyOf(program: Program): string {
    return this.programs.key(program);
  }

  private named(orders: readonly (readonly number[])[]): Evidence['orders'] {
    return orders.flatMap((order, i) => {
      const phases = this.sequences[i]?.phases ?? [];
      return order.every((k, at) => k === at) ? [] : [order.map((k) => phases[k]?.name ?? '')];
    });
  }

  *asWritten(): Generator<void, { readonly answer: Answer; readonly because?: Because }> {
    const answer = yield* this.keeps(this.all);
    if (answer !== 'breaks') return { answer };
    for (let check = 0; check < this.scenario.checks.length; check++) {
      const orders = this.sequences.map((s) => s.phases.map((_, i) => i));
      const found = decision(this.scenario.expected, this.knownOf(check, this.all, [], orders));
      if (found.answer === 'breaks') return { answer, because: found.because };
    }
    return { answer };
  }
}

const compare = (a: readonly number[], b: readonly number[]): number => {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const by = (a[i] ?? -1) - (b[i] ?? -1);
    if (by !== 0) return by;
  }
  return 0;
};
