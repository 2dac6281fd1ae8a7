// What is known of each different program: violations by the runs that end in them, and whether all of it was visited.
//
// Programs that lower to the same are one. A run that violates in one program is tried in others before they are
// searched: what it comes to there is a run of that program, step by step, or it proves nothing.

import type { Expected } from '../compile.ts';
import { createMachine, type Machine } from '../emulator/machine.ts';
import type { Violation } from '../explorer/index.ts';
import {
  type Bounds,
  createSearch,
  type Model,
  type Result,
  reaches,
  violates,
} from '../explorer/index.ts';
import type { Program } from '../ir.ts';
import type { How } from '../verify.ts';

/** What speaks for the answer of a check. */
export type Because =
  | { readonly kind: 'violates'; readonly property: string }
  | { readonly kind: 'unreached'; readonly witness: string }
  | { readonly kind: 'holds' }
  | { readonly kind: 'refused'; readonly message: string };

export type Decision =
  | { readonly answer: 'keeps' }
  | { readonly answer: 'breaks'; readonly because: Because }
  | { readonly answer: 'unknown' };

/** A step by its name, and the operation's offset in the text where it is one; -1 else. */
interface Played {
  readonly name: string;
  readonly cpu: number;
  readonly source: number;
}
interface Hint {
  readonly property: string;
  readonly steps: readonly Played[];
}

export interface Known {
  readonly violated: Set<string>;
  /** Set where every state was visited: the witnesses that no run reaches. */
  missed: readonly string[] | undefined;
  /** Why there is no program. */
  refused: string | undefined;
  /** What ended the search with all the bounds that there are. */
  bound: string | undefined;
  /** As many states were looked at in vain. */
  looked: number;
  /** Searches that go on where the last look has left them. */
  begun: Begun | undefined;
  /** Shortest runs that were looked for, none longer than was asked. */
  readonly sought: Sought[];
}

interface Sought {
  readonly expected: Expected;
  readonly maxDepth: number;
  readonly found: Violation | undefined;
}

/** What a look at a program is for. */
interface Asked {
  readonly expected: Expected;
  /** States of all its searches after which it is enough. */
  readonly most: number;
}
interface Begun {
  asked: Asked;
  readonly work: Generator<Pause, void>;
}
/** Why nothing is searched for now. */
type Pause = 'credit' | 'enough';

/** States that a caller grants until it is asked again. */
export interface Credit {
  left: number;
  /** A reason to search no more. */
  stopped: string | undefined;
}

export interface Figures {
  /** Programs that differ from each other. */
  programs: number;
  searches: number;
  /** Programs that were decided by a run of another one. */
  replayed: number;
  states: number;
}

/** States between two looks at what was found: a run is the shortest whatever it is. */
const slice = 256;
/** Programs of which searches are kept where they are: each has memory of its own. */
const mostBegun = 8;
/** Bounds that a search may be given. */
const ofCaller = { states: true, memory: true, depth: true };
/** What a look at a variant costs, in states. */
const look = 20;
/** Runs of others that are tried in a program, those that told something last first. */
const mostHints = 20;

export class Programs {
  readonly figures: Figures = { programs: 0, searches: 0, replayed: 0, states: 0 };
  private readonly bounds: Bounds;
  private readonly how: How;
  private readonly credit: Credit;
  private readonly byKey = new Map<string, Known>();
  /** Parts of programs as texts, each kept once: a key is their numbers. */
  private readonly parts = new Map<string, number>();
  private hints: readonly Hint[] = [];
  /** Those whose searches are kept, that which began last first. */
  private begun: Known[] = [];

  constructor(bounds: Bounds, how: How, credit: Credit) {
    this.bounds = bounds;
    this.how = how;
    this.credit = credit;
  }

  /** A look at what is known costs little, but there are thousands: between two of them the caller is heard. */
  *turn(): Generator<void, void> {
    this.credit.left -= look;
    if (this.credit.left <= 0) yield;
  }
  /** Why nothing is searched any more. */
  get stopped(): string | undefined {
    return this.credit.stopped;
  }

  /** The same for programs that differ in nothing but places in the text, and only for them. */
  key(program: Program): string {
    return Object.values(program)
      .map((part) => {
        const text = JSON.stringify(part, plain) ?? '';
        const known = this.parts.get(text);
        if (known !== undefined) return known;
        this.parts.set(text, this.parts.size);
        return this.parts.size - 1;
      })
      .join(' ');
  }

  of(program: Program): Known {
    const key = this.key(program);
    const known = this.byKey.get(key);
    if (known) return known;
    this.figures.programs++;
    const fresh = nothing();
    this.byKey.set(key, fresh);
    return fresh;
  }

  /** Looks at `most` states, or at all that the bounds allow, until the expectation is decided. */
  *decide(
    program: Program,
    known: Known,
    expected: Expected,
    most = Number.POSITIVE_INFINITY,
  ): Generator<void, void> {
    if (decision(expected, known).answer !== 'unknown' || known.bound !== undefined) return;
    if (known.looked >= most) return;
    const asked = { expected, most };
    const begun = known.begun ?? this.begin(program, known, asked);
    begun.asked = asked;
    let turn = begun.work.next();
    for (; turn.value === 'credit'; turn = begun.work.next()) yield;
    if (turn.done === true) known.begun = undefined;
  }

  private begin(program: Program, known: Known, asked: Asked): Begun {
    const begun: Begun = {
      asked,
      work: this.searches(program, known, () => begun.asked),
    };
    this.begun = [known, ...this.begun.filter((k) => k.begun !== undefined)];
    for (const oldest of this.begun.splice(mostBegun)) oldest.begun = undefined;
    known.begun = begun;
    return begun;
  }

  /** All searches of a program until the expectation is decided. */
  private *searches(program: Program, known: Known, asked: () => Asked): Generator<Pause, void> {
    const machine = createMachine(program);
    if (known.looked === 0 && this.follow(machine, known, asked().expected)) return;
    const model = this.modelOf(machine);
    const models = this.how.reducing?.(machine.core.p, machine, model) ?? [];
    let before = 0;
    for (const less of models) {
      const { bound, states } = yield* this.search(machine, less, known, asked, before);
      if (decision(asked().expected, known).answer !== 'unknown') return;
      if (bound !== undefined && bound === this.credit.stopped) return;
      // Bounds that nobody has set here are the reduction's own.
      if (bound !== undefined && bound in ofCaller && less === models.at(-1)) return;
      // A model that may do more may hit one sooner.
      known.bound = undefined;
      before += states;
    }
    yield* this.search(machine, model, known, asked, before);
  }

  /** The shortest run of up to `maxDepth` steps that breaks the expectation. */
  *shortest(
    program: Program,
    known: Known,
    expected: Expected,
    maxDepth = Number.POSITIVE_INFINITY,
  ): Generator<void, Violation | undefined> {
    for (const before of known.sought) {
      if (before.expected !== expected) continue;
      const length = before.found?.schedule.length;
      if (length !== undefined && length <= maxDepth) return before.found;
      if (before.maxDepth >= maxDepth) return undefined;
    }
    const found = yield* this.seek(program, known, expected, maxDepth);
    if (this.stopped === undefined) known.sought.push({ expected, maxDepth, found });
    return found;
  }

  private *seek(
    program: Program,
    known: Known,
    expected: Expected,
    maxDepth: number,
  ): Generator<void, Violation | undefined> {
    const machine = createMachine(program);
    const seen = nothing();
    const asked = { expected, most: Number.POSITIVE_INFINITY };
    const search = this.search(machine, this.modelOf(machine), seen, () => asked, 0, maxDepth);
    let turn = search.next();
    for (; turn.done !== true; turn = search.next()) yield;
    const { violations } = turn.value;
    // A look that goes no deeper than asked cannot say itself what is never violated.
    const breaks = [decision(expected, seen), decision(expected, known)].some(
      (d) => d.answer === 'breaks' && d.because.kind === 'violates',
    );
    if (!breaks) return undefined;
    const wrong = violations.filter(
      (v) => breaking(expected, v.property) || !expected.properties.includes(v.property),
    );
    return wrong.sort((a, b) => a.schedule.length - b.schedule.length)[0];
  }

  private modelOf(machine: Machine): Model {
    return this.how.searching?.(machine.core.p, machine).model ?? machine;
  }

  /**
   * Of a model with less to search only a violation counts, or that nothing is violated and all is reached; and that only
   * by runs of the machine, for it may do more.
   */
  private *search(
    machine: Machine,
    model: Model,
    known: Known,
    asked: () => Asked,
    before: number,
    maxDepth = Number.POSITIVE_INFINITY,
  ): Generator<Pause, Result> {
    const deep = maxDepth === Number.POSITIVE_INFINITY;
    const search = createSearch(model, deep ? this.bounds : { ...this.bounds, maxDepth });
    this.figures.searches++;
    const seen = (): Known => ({
      ...known,
      violated: new Set([...known.violated, ...search.progress().violated]),
    });
    let decided = false;
    for (let done = false; !done; ) {
      while (before + search.progress().states >= asked().most) {
        known.looked = asked().most;
        yield 'enough';
      }
      if (this.credit.left <= 0) yield 'credit';
      this.credit.left -= slice;
      if (this.credit.stopped !== undefined) search.stop(this.credit.stopped);
      done = search.advance(slice).done;
      if (done || decision(asked().expected, seen()).answer === 'unknown') continue;
      decided = true;
      search.stop('decided');
      done = true;
    }
    const result = search.result();
    this.figures.states += result.states;
    const full = model.unfolded === undefined;
    for (const v of result.violations) {
      // A goal that is out of reach in what is left has a way there perhaps.
      if (!full && (v.goal !== undefined || !violates(machine, v, v.property))) continue;
      known.violated.add(v.property);
      this.remember(machine, v);
    }
    const missed = result.witnesses.flatMap(({ name, run }, i) =>
      run && (full || reaches(machine, run, i)) ? [] : [name],
    );
    if (result.bound === undefined) {
      if (full || (result.verdict === 'holds' && missed.length === 0)) known.missed = missed;
    }
    // What a narrower look has not seen is no bound of the whole.
    else if (!decided && deep && (full || result.bound in ofCaller)) known.bound = result.bound;
    return result;
  }

  // ---- runs of one program in another

  private remember(machine: Machine, v: Violation): void {
    const steps: Played[] = [];
    const player = new Player(machine, machine.initial()[v.initial] as Int32Array);
    for (const { name } of v.schedule) {
      const at = player.names().indexOf(name);
      const action = player.actions[at] as number;
      steps.push({ name, cpu: player.cpu(action), source: player.source(action) });
      if (player.play(action) !== undefined) break;
    }
    const same = (h: Hint): boolean =>
      h.property === v.property &&
      h.steps.length === steps.length &&
      h.steps.every((s, i) => s.name === steps[i]?.name);
    if (this.hints.some(same)) return;
    this.hints = [{ property: v.property, steps }, ...this.hints].slice(0, 3 * mostHints);
  }

  private follow(machine: Machine, known: Known, expected: Expected): boolean {
    const fitting = this.hints.filter((h) => {
      const then = { ...known, violated: new Set([...known.violated, h.property]) };
      return decision(expected, then).answer !== 'unknown';
    });
    const [initial] = machine.initial();
    if (initial === undefined) return false;
    for (const hint of fitting.slice(0, mostHints)) {
      const property = followed(machine, initial, hint);
      if (property === undefined) continue;
      known.violated.add(property);
      if (decision(expected, known).answer === 'unknown') continue;
      this.hints = [hint, ...this.hints.filter((h) => h !== hint)];
      this.figures.replayed++;
      return true;
    }
    return false;
  }
}

/** Of a program that nobody has looked at. */
export const nothing = (): Known => ({
  violated: new Set(),
  missed: undefined,
  refused: undefined,
  bound: undefined,
  looked: 0,
  begun: undefined,
  sought: [],
});

/** What a part is told by: all of it but its places in the text and how it is shown. */
function plain(key: string, value: unknown): unknown {
  if (key === 'span' || key === 'spans') return undefined;
  if (key === 'text' && typeof value === 'string') return undefined;
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (value instanceof Uint8Array) return [...value];
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** Whether a violation of the property speaks against the expectation by itself. */
const breaking = (expected: Expected, property: string): boolean =>
  expected.kind === 'holds' || (expected.only && !expected.properties.includes(property));

/** As `verify` judges a check, from what is known so far. */
export function decision(expected: Expected, known: Known): Decision {
  const breaks = (because: Because): Decision => ({ answer: 'breaks', because });
  if (known.refused !== undefined) return breaks({ kind: 'refused', message: known.refused });
  const wrong = [...known.violated].find((p) => breaking(expected, p));
  if (wrong !== undefined) return breaks({ kind: 'violates', property: wrong });
  if (expected.kind === 'holds') {
    if (known.missed === undefined) return { answer: 'unknown' };
    const witness = known.missed[0];
    return witness === undefined ? { answer: 'keeps' } : breaks({ kind: 'unreached', witness });
  }
  const met = expected.properties.some((p) => known.violated.has(p));
  if (known.missed !== undefined) {
    if (met) return { answer: 'keeps' };
    const [other] = known.violated;
    return breaks(other === undefined ? { kind: 'holds' } : { kind: 'violates', property: other });
  }
  return met && !expected.only ? { answer: 'keeps' } : { answer: 'unknown' };
}

/** A run that goes on as it is told. */
class Player {
  actions = new Int32Array(64);
  private readonly machine: Machine;
  private state: Int32Array;
  private next: Int32Array;
  private count = 0;

  constructor(machine: Machine, initial: Int32Array) {
    this.machine = machine;
    this.state = initial.slice();
    this.next = this.state.slice();
  }

  names(): readonly string[] {
    this.count = this.machine.enabled(this.state, this.actions);
    if (this.count > this.actions.length) {
      this.actions = new Int32Array(this.count);
      this.count = this.machine.enabled(this.state, this.actions);
    }
    return Array.from(this.actions.subarray(0, this.count), (action) =>
      this.machine.actionName(this.state, action),
    );
  }
  cpu(action: number): number {
    return this.machine.describe(this.state, action).cpu;
  }
  /** Where the operation that this action executes stands in the text. */
  source(action: number): number {
    const { operation } = this.machine.describe(this.state, action);
    return operation === undefined ? -1 : (this.machine.core.p.kernel[operation]?.span.start ?? -1);
  }
  /** The property that it violates, or the name of a limit, with which the run ends. */
  play(action: number): { readonly property?: string } | undefined {
    this.next.set(this.state);
    const answer = this.machine.apply(this.next, action);
    if (this.machine.limit !== undefined) return {};
    if (answer !== 0) return { property: this.machine.properties[answer - 1] as string };
    [this.state, this.next] = [this.next, this.state];
    return undefined;
  }
}

/** Operations that this program has and the other one has not, between two steps of the run. */
const mostExtra = 64;

/**
 * The violation that the run comes to in this program. Operations that the program lacks are left out and those
 * that it has besides are done; every step that is played is one that the program can do.
 */
function followed(machine: Machine, initial: Int32Array, { steps }: Hint): string | undefined {
  const player = new Player(machine, initial);
  for (const [i, step] of steps.entries()) {
    for (let extra = 0; extra < mostExtra; extra++) {
      const at = player.names().indexOf(step.name);
      if (at < 0) break;
      const action = player.actions[at] as number;
      const here = step.source < 0 ? step.source : player.source(action);
      const fits = here === step.source;
      if (!fits && steps.some((s, k) => k > i && s.cpu === step.cpu && s.source === here)) break;
      const end = player.play(action);
      if (end) return end.property;
      if (fits) break;
    }
  }
  return undefined;
}
