// What mends a scenario that is violated: all smallest sets of additions with which it holds and reaches its witnesses.
//
// Sets of one addition are all searched before sets of two. A set that was not searched to its end mends nothing, and
// is said to be unfinished.

import { format } from '../../grammar/format.ts';
import type { Edit, File } from '../../grammar/index.ts';
import {
  type Compiled,
  commonOf,
  compile,
  type Expected,
  programOf,
  type Scenario,
} from '../compile.ts';
import type { Bounds } from '../explorer/index.ts';
import type { Program } from '../ir.ts';
import { lower } from '../lower.ts';
import type { Check } from '../scenario.ts';
import type { How } from '../verify.ts';
import {
  type Addition,
  additionsOf,
  edited,
  editsOf,
  hasOtherGate,
  withAdditions,
  withGate,
} from './additions.ts';
import { type Credit, decision, type Figures, type Known, Programs } from './programs.ts';
import type { Answer } from './sets.ts';

export interface Mend {
  readonly additions: readonly Addition[];
  /** Whether the text with these edits was found to be what was searched; none if not. */
  readonly edits?: readonly Edit[];
  /** The text with them, laid out if it was. */
  readonly text?: string;
}

export interface Mended {
  readonly scenario: Scenario;
  /** Only what is violated can be mended. */
  readonly asWritten: 'holds' | 'violated' | 'unfinished';
  /** The properties that it violates, as far as was looked. */
  readonly violated: readonly string[];
  /** Additions of which one set consists; 0 where none was found. */
  readonly size: number;
  readonly mends: readonly Mend[];
  /** Single additions that change something. */
  readonly additions: number;
  /** The largest size of which all sets were tried. */
  readonly tried: number;
  readonly unfinished: number;
  readonly bound?: string;
}

/** States of a first look at a program. */
const shallow = 2_000;
/** What is offered first: what only waits changes least. */
const kinds: readonly Addition['kind'][] = ['sync', 'serialise', 'quiescence', 'gate', 'order'];
const holds: Expected = { kind: 'holds', only: false, properties: [] };

/** Scenarios one after the other; resumable, as a verification is. */
export class Mending {
  private readonly credit: Credit = { left: 0, stopped: undefined };
  private readonly programs: Programs;
  private readonly work: Generator<void, void>;
  private readonly done: Mended[] = [];
  private now = '';

  /** `most`: the most additions in one set. `how`: what makes the searches quick; the answers are the same. */
  constructor(
    compiled: Compiled,
    scenarios: readonly Scenario[],
    bounds: Bounds,
    most = 2,
    how: How = {},
  ) {
    this.programs = new Programs(bounds, how, this.credit);
    this.work = this.run(compiled, scenarios, most);
  }

  private *run(compiled: Compiled, scenarios: readonly Scenario[], most: number) {
    for (const scenario of scenarios) {
      this.now = scenario.name;
      this.done.push(yield* new Patient(compiled, scenario, this.programs, this.credit).mend(most));
      yield;
    }
  }

  /** Looks at up to `budget` states. */
  advance(budget: number): { readonly done: boolean } {
    this.credit.left = budget;
    return { done: this.work.next().done === true };
  }
  stop(reason: string): void {
    this.credit.stopped ??= reason;
  }
  progress(): Figures & { readonly scenario: string } {
    return { ...this.programs.figures, scenario: this.now };
  }
  results(): readonly Mended[] {
    return this.done;
  }
}

/** One scenario, and what it is with additions. */
class Patient {
  private readonly compiled: Compiled;
  private readonly file: File;
  private readonly scenario: Scenario;
  private readonly programs: Programs;
  private readonly credit: Credit;
  private bound: string | undefined;

  constructor(compiled: Compiled, scenario: Scenario, programs: Programs, credit: Credit) {
    if (!compiled.file) throw new Error('a text that was not parsed has no scenario');
    this.compiled = compiled;
    this.file = compiled.file;
    this.scenario = scenario;
    this.programs = programs;
    this.credit = credit;
  }

  *mend(most: number): Generator<void, Mended> {
    const known = this.scenario.checks.map((_, c) => this.known(c, []));
    const asWritten = yield* this.answer([]);
    const base = {
      scenario: this.scenario,
      violated: [...new Set(known.flatMap((k) => [...(k?.violated ?? [])]))],
    };
    const found = (mends: readonly Mend[], size: number, tried: number, unfinished: number) => ({
      ...base,
      asWritten: 'violated' as const,
      size,
      mends,
      additions: single.length,
      tried,
      unfinished,
      ...(this.bound === undefined ? {} : { bound: this.bound }),
    });
    const single = asWritten === 'breaks' ? this.single() : [];
    if (asWritten !== 'breaks')
      return {
        ...found([], 0, 0, 0),
        asWritten: asWritten === 'keeps' ? 'holds' : 'unfinished',
      };
    let unfinished = 0;
    for (let size = 1; size <= most; size++) {
      const mends: Mend[] = [];
      const seen = new Set<string>();
      for (const additions of choices(single, size)) {
        // A yield for each, so that a caller is heard among thousands that take no search.
        if (this.credit.left <= 0) yield;
        this.credit.left -= 20;
        const keys = this.keys(additions);
        if (keys === undefined || seen.has(keys)) continue;
        seen.add(keys);
        const answer = yield* this.answer(additions);
        if (answer === 'unfinished') unfinished++;
        if (answer === 'keeps') mends.push(this.written(additions, keys));
      }
      if (mends.length > 0) return found(mends, size, size, unfinished);
      if (this.credit.stopped !== undefined) return found([], 0, size - 1, unfinished);
    }
    return found([], 0, most, unfinished);
  }

  /** Each that makes another program, and no two that make the same. */
  private single(): readonly Addition[] {
    const all = new Set<Addition>();
    const checks = this.scenario.checks;
    for (const check of checks)
      for (const a of additionsOf(this.file, this.compiled.text, check.options)) all.add(a);
    if (checks.some(hasOtherGate)) all.add({ kind: 'gate' });
    const seen = new Set([this.keys([])]);
    const plainest = [...all].sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
    return plainest.filter((a) => {
      const key = this.keys([a]);
      if (key === undefined || seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  }

  private program(check: number, additions: readonly Addition[]): Program | undefined {
    const asked = withGate(this.scenario.checks[check] as Check, additions);
    const file = withAdditions(this.file, additions);
    // What is added never changes where code stands.
    return lower(file, this.compiled.text, asked, () => {}, commonOf(this.file))?.program;
  }

  /** Of all checks; nothing where it is no spec. */
  private keys(additions: readonly Addition[]): string | undefined {
    const keys: string[] = [];
    for (let c = 0; c < this.scenario.checks.length; c++) {
      const program = this.program(c, additions);
      if (!program) return undefined;
      keys.push(this.programs.key(program));
    }
    return keys.join('\n');
  }

  private known(check: number, additions: readonly Addition[]): Known | undefined {
    const program = this.program(check, additions);
    return program && this.programs.of(program);
  }

  private *answer(additions: readonly Addition[]): Generator<void, Answer> {
    let answer: Answer = 'keeps';
    for (const limit of [shallow, undefined]) {
      answer = 'keeps';
      for (let c = 0; c < this.scenario.checks.length; c++) {
        const program = this.program(c, additions);
        if (!program) return 'breaks';
        const known = this.programs.of(program);
        yield* this.programs.decide(program, known, holds, limit);
        const { answer: found } = decision(holds, known);
        if (found === 'breaks') return 'breaks';
        if (found === 'keeps') continue;
        answer = 'unfinished';
        if (limit === undefined) this.bound ??= known.bound;
      }
      if (answer === 'keeps') return answer;
    }
    return answer;
  }

  private written(additions: readonly Addition[], keys: string): Mend {
    const { text } = this.compiled;
    const edits = editsOf(this.file, text, this.scenario.name, additions);
    if (!edits) return { additions };
    const plain = edited(text, edits);
    const laidOut = format(text) === text ? format(plain) : undefined;
    const made = compile(plain);
    const scenario = made.scenarios.find((s) => s.name === this.scenario.name);
    const same =
      scenario?.checks.map((c) => this.programs.key(programOf(made, c).program)).join('\n') ===
      keys;
    return same ? { additions, edits, text: laidOut ?? plain } : { additions };
  }
}

function* choices<T>(all: readonly T[], size: number, from = 0): Generator<readonly T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let i = from; i < all.length; i++)
    for (const rest of choices(all, size - 1, i + 1)) yield [all[i] as T, ...rest];
}
