// From what was compiled to its verdicts: every check of every scenario, searched; a resumable object without a clock.

import type { Span } from '../grammar/index.ts';
import { type Compiled, type Expected, programOf, type Scenario } from './compile.ts';
import type { Machine } from './emulator/machine.ts';
import { createMachine } from './emulator/machine.ts';
import type { Trace } from './emulator/trace.ts';
import { tell } from './emulator/trace.ts';
import type { Bounds, Model, Result, Saved, Search } from './explorer/index.ts';
import { createReducedSearch } from './explorer/index.ts';
import type { Program } from './ir.ts';
import type { Lowered } from './lower.ts';
import type { Check } from './scenario.ts';

export type Verdict = 'holds' | 'violated' | 'unfinished';

/** What a check's search is made on. */
export interface Searched {
  readonly model: Model;
  /** In a few words: by generated code, or by the interpreter, and why. */
  readonly how: () => string;
  /** Called when the search has ended: the machine knows then what was executed. */
  readonly end: () => void;
}
export type Searching = (p: Program, machine: Machine) => Searched;
/** The same model with less to search, for a search that asks only whether everything holds; undefined where there is none. */
export type Reducing = (p: Program, machine: Machine, model: Model) => readonly Model[];

const interpreted: Searching = (_, machine) => ({
  model: machine,
  how: () => 'interpreted',
  end: () => {},
});

export interface CheckResult {
  readonly values: readonly string[];
  readonly result: Result;
  /** What it was searched with. */
  readonly how: string;
  /** Of each violation, in the order of `result.violations`. */
  readonly traces: readonly Trace[];
  /** Operations of the patcher and the handlers that some run executed, by source; and their numbers in the program. */
  readonly executed: readonly Span[];
  readonly numbers: readonly number[];
  readonly operations: readonly { readonly span: Span; readonly text: string }[];
  readonly witnesses: readonly {
    readonly name: string;
    readonly span: Span;
    readonly reached: boolean;
  }[];
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly verdict: Verdict;
  readonly asExpected: boolean;
  /** Why it is not, in a sentence. */
  readonly finding?: string;
  /** What could have been expected, where that is more than was: `violates only P`. */
  readonly stronger?: string;
  /** Nothing speaks against the expectation but that a bound was hit. */
  readonly incomplete: boolean;
  readonly checks: readonly CheckResult[];
}

/** Told of each check that ends, by its index, while its search still has the states. */
export type Closing = (
  check: number,
  result: CheckResult,
  search: Search,
  machine: Machine,
) => void;

export interface How {
  readonly searching?: Searching | undefined;
  /** Without it every interleaving is taken. */
  readonly reducing?: Reducing | undefined;
  readonly closing?: Closing | undefined;
}

/** What a verification has found since it was saved before; plain data. */
export interface SavedVerification {
  /** Checks that have ended since. */
  readonly done: readonly CheckResult[];
  /** Of the one that is being searched: its search, and which operations it has executed. */
  readonly search?: Saved;
  readonly executed?: Uint8Array;
}

/** The check that is being searched. */
interface Current {
  readonly machine: Machine;
  readonly search: Search;
  readonly lowered: Lowered;
  readonly searched: Searched;
}

/** One scenario being searched, check after check. */
export class Verification {
  readonly scenario: Scenario;
  readonly #compiled: Compiled;
  readonly #bounds: Bounds;
  readonly #closing: Closing | undefined;
  readonly #done: CheckResult[] = [];
  #savedDone = 0;
  #at = 0;
  readonly #searching: Searching;
  readonly #reducing: Reducing | undefined;
  #current: Current | undefined;

  /**
   * `how.searching`: what makes the search quick; the same verdicts, counts and runs whatever it is. `how.reducing`: what
   * makes it smaller; the same verdicts and runs of violations, and the counts of what was searched.
   */
  constructor(compiled: Compiled, scenario: Scenario, bounds: Bounds, how: How = {}) {
    this.#searching = how.searching ?? interpreted;
    this.#reducing = how.reducing;
    this.#compiled = compiled;
    this.scenario = scenario;
    this.#bounds = bounds;
    this.#closing = how.closing;
  }

  /** What has been found since the last time; undefined where that is nothing. */
  save(): SavedVerification | undefined {
    // What a bound has cut could go further another time.
    const cut = this.#done.some((c) => c.result.bound !== undefined);
    const search = cut ? undefined : this.#current?.search.save();
    const done = cut ? [] : this.#done.slice(this.#savedDone);
    if (search === undefined && done.length === 0) return undefined;
    this.#savedDone = this.#done.length;
    if (search === undefined || this.#current === undefined) return { done };
    this.#current.searched.end();
    return { done, search, executed: Uint8Array.from(this.#current.machine.kernel.executed) };
  }

  /** Goes on from where one of the same program was saved; all of it must be given, in order, before the first state. */
  restore({ done, search, executed }: SavedVerification): void {
    if (done.length > 0) this.#current = undefined;
    this.#done.push(...done);
    this.#savedDone = this.#done.length;
    this.#at = this.#done.length;
    const check = this.scenario.checks[this.#at];
    if (search === undefined || check === undefined) return;
    const { machine, search: mine } = this.#begun(check);
    mine.restore(search);
    executed?.forEach((e, i) => {
      if (e === 1) machine.kernel.executed[i] = 1;
    });
  }

  /** The search of the check that is next. */
  #begun(check: Check): Current {
    if (!this.#current) {
      const lowered = programOf(this.#compiled, check);
      const machine = createMachine(lowered.program);
      const searched = this.#searching(lowered.program, machine);
      const { model } = searched;
      const reduced = this.#reducing?.(lowered.program, machine, model) ?? [];
      const search = createReducedSearch(model, reduced, this.#bounds);
      this.#current = { machine, lowered, search, searched };
    }
    return this.#current;
  }

  /** Expands up to `budget` states. */
  advance(budget: number): { readonly done: boolean } {
    const check = this.scenario.checks[this.#at];
    if (!check) return { done: true };
    if (this.#begun(check).search.advance(budget).done) this.#close(check);
    return { done: this.#at >= this.scenario.checks.length };
  }

  /** Ends it for a reason (`time`); what was found until then is kept, and checks that did not begin are unfinished. */
  stop(reason: string): void {
    while (this.#at < this.scenario.checks.length) {
      if (!this.#current) this.advance(0);
      const check = this.scenario.checks[this.#at];
      if (!this.#current || !check) continue;
      this.#current.search.stop(reason);
      while (!this.#current.search.advance(1 << 20).done);
      this.#close(check);
    }
  }

  /** Seconds are the caller's; figures of the check that is being searched. */
  progress(): {
    readonly check: number;
    readonly states: number;
    readonly transitions: number;
    readonly depth: number;
    readonly queue: number;
    readonly bytes: number;
    /** Properties that a run of any check is known to violate. */
    readonly violated: readonly string[];
  } {
    const p = this.#current?.search.progress();
    return {
      check: this.#at,
      states: p?.states ?? 0,
      transitions: p?.transitions ?? 0,
      depth: p?.depth ?? 0,
      queue: p?.queue ?? 0,
      bytes: p?.bytes ?? 0,
      violated: [
        ...new Set([
          ...this.#done.flatMap((c) => c.result.violations.map((v) => v.property)),
          ...(p?.violated ?? []),
        ]),
      ],
    };
  }
  get finished(): number {
    return this.#done.length;
  }

  #close(check: Check): void {
    const { machine, search, lowered, searched } = this.#current as Current;
    const result = search.result();
    searched.end();
    const { executed } = machine.kernel;
    const closed: CheckResult = {
      values: check.values,
      result,
      how: result.search === 'reduced' ? `reduced; ${searched.how()}` : searched.how(),
      ...inText(lowered.program, machine, result, (i) => executed[i] === 1),
    };
    this.#done.push(closed);
    this.#closing?.(this.#at, closed, search, machine);
    this.#current = undefined;
    this.#at++;
  }

  result(): ScenarioResult {
    const checks = this.#done;
    const verdicts = checks.map((c) => c.result.verdict);
    const verdict: Verdict = verdicts.includes('violated')
      ? 'violated'
      : verdicts.includes('unfinished') || checks.length === 0
        ? 'unfinished'
        : 'holds';
    const findings = judge(this.scenario.expected, checks);
    const finding = findings.find((f) => !f.bound) ?? findings[0];
    const more = finding === undefined ? stronger(this.scenario.expected, checks) : undefined;
    return {
      scenario: this.scenario,
      verdict,
      asExpected: finding === undefined,
      incomplete: finding?.bound === true,
      checks,
      ...(finding === undefined ? {} : { finding: finding.text }),
      ...(more === undefined ? {} : { stronger: more }),
    };
  }
}

/** What of a check's result speaks of the text: its runs told, and the places of operations and witnesses. */
function inText(p: Program, machine: Machine, result: Result, executed: (op: number) => boolean) {
  const numbers = p.kernel.flatMap((_, i) => (executed(i) ? [i] : []));
  return {
    traces: result.violations.map((v) =>
      tell(
        machine,
        v.schedule.map((s) => s.name),
        v.initial,
      ),
    ),
    executed: numbers.flatMap((i) => p.kernel[i]?.span ?? []),
    numbers,
    operations: p.kernel
      .filter((op) => op.span.end > 0)
      .map((op) => ({ span: op.span, text: op.text })),
    witnesses: p.witnesses.map((w, i) => ({
      name: w.name,
      span: w.span,
      reached: result.witnesses[i]?.run !== undefined,
    })),
  };
}

/** A result in another text in which the scenario has the same fingerprint: nothing is searched, every place is the new text's. */
export function carried(
  result: ScenarioResult,
  compiled: Compiled,
  scenario: Scenario,
): ScenarioResult {
  const checks = result.checks.map((c, i) => {
    const check = scenario.checks[i];
    if (!check) throw new Error(`scenario "${scenario.name}" has fewer checks than its result`);
    const { program } = programOf(compiled, check);
    const executed = new Set(c.numbers);
    return {
      ...c,
      values: check.values,
      ...inText(program, createMachine(program), c.result, (op) => executed.has(op)),
    };
  });
  return { ...result, scenario, checks };
}

/** An expectation that says more than this one, and came true as well: nothing else is violated, or not all of its list. */
function stronger(expected: Expected, checks: readonly CheckResult[]): string | undefined {
  if (expected.kind === 'holds' || checks.some((c) => c.result.bound !== undefined))
    return undefined;
  const found = checks.flatMap((c) => c.result.violations.map((v) => v.property));
  const met = expected.properties.filter((p) => found.includes(p));
  const only = found.every((p) => met.includes(p));
  if (only === expected.only && met.length === expected.properties.length) return undefined;
  return `violates ${only ? 'only ' : ''}${met.join(' or ')}`;
}

interface Finding {
  readonly text: string;
  /** It is one only because a bound was hit. */
  readonly bound: boolean;
}

/** What speaks against the expectation: every check of a scenario must come out as expected. */
function judge(expected: Expected, checks: readonly CheckResult[]): readonly Finding[] {
  return checks.flatMap((c) => judgeCheck(expected, c) ?? []);
}

function judgeCheck(expected: Expected, c: CheckResult): Finding | undefined {
  const where = c.values.length > 0 ? ` (${c.values.join(', ')})` : '';
  const violated = c.result.violations.map((v) => v.property);
  const bound = c.result.bound;
  const wanted = expected.properties.join(' or ');
  const plain = (text: string): Finding => ({ text, bound: false });
  const unfinished = (what: string): Finding => ({
    text: `expected ${what}, but the search is unfinished${where}: ${bound ?? 'stopped'}`,
    bound: true,
  });
  if (expected.kind === 'holds') {
    if (violated.length > 0)
      return plain(`expected holds, but it violates ${violated.join(', ')}${where}`);
    if (c.result.verdict !== 'holds') return unfinished('holds');
    const missed = c.witnesses.find((w) => !w.reached);
    return missed
      ? plain(`holds, but nothing happened: no run reaches the witness \`${missed.name}\`${where}`)
      : undefined;
  }
  const met = expected.properties.filter((p) => violated.includes(p));
  if (met.length === 0) {
    if (bound !== undefined) return unfinished(`violates ${wanted}`);
    return violated.length > 0
      ? plain(`expected violates ${wanted}, but it violates ${violated.join(', ')}${where}`)
      : plain(`expected violates ${wanted}, but it holds${where}`);
  }
  if (!expected.only) return undefined;
  const other = violated.filter((p) => !expected.properties.includes(p));
  if (other.length > 0)
    return plain(
      `expected violates only ${wanted}, but it violates ${other.join(', ')} too${where}`,
    );
  return bound === undefined ? undefined : unfinished(`violates only ${wanted}`);
}
