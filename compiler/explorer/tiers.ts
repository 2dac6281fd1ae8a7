// Searches in a row: reduced ones that may say that everything holds, and the full one for every other answer.

import type { Model } from './model.ts';
import { replay, type Watch } from './run.ts';
import {
  type Bounds,
  createSearch,
  type Progress,
  type Result,
  type Run,
  type Search,
  type Violation,
  type Visited,
} from './search.ts';

/**
 * Searches the `reduced` models first, one after the other. Where one visits all of its states without a violation and
 * reaches every witness, its answer stands. A bound of the caller's that it hits, the full search would hit too. All
 * else the next says, and at last the full search of `model`, with its shortest runs; where a bound keeps that from a
 * violation that a reduced one has found, the run of that one is told, step by step in the full semantics.
 *
 * A reduced model may do more than `model` does, never less. So a run counts only if `model` has it: a witness
 * that is reached in no such run is not reached, and a violation makes another reduced search pointless only in such a run.
 */
export function createReducedSearch(
  model: Model,
  reduced: readonly Model[],
  bounds: Bounds,
): Search {
  // Depth is counted in steps, and a reduced search takes several as one.
  return reduced.length === 0 || bounds.maxDepth !== undefined
    ? createSearch(model, bounds)
    : new Tiers(model, reduced, bounds);
}

/** Bounds that the caller set; all others are the machine's or the reduction's own. */
const ofCaller = new Set(['states', 'memory']);

class Tiers implements Search {
  readonly #model: Model;
  readonly #bounds: Bounds;
  #search: Search;
  /** Reduced models that were not searched yet; undefined in the full search. */
  #left: readonly Model[] | undefined;
  #found: readonly Violation[] = [];
  #answer: Result | undefined;

  constructor(model: Model, reduced: readonly Model[], bounds: Bounds) {
    this.#model = model;
    this.#bounds = bounds;
    this.#search = createSearch(reduced[0] as Model, bounds);
    this.#left = reduced.slice(1);
  }

  advance(budget: number): { readonly done: boolean } {
    if (this.#answer !== undefined) return { done: true };
    const { done } = this.#search.advance(budget);
    if (this.#left === undefined) return { done };
    const violated = this.#search.progress().violated.length > 0;
    if (!done && !violated) return { done: false };
    if (!done) this.#search.stop('violated');
    this.#judge(undefined);
    return { done: this.#answer !== undefined };
  }

  /** What a reduced search has said, and whether that is all. */
  #judge(stopped: string | undefined): void {
    const result = this.#search.result();
    const { bound } = result;
    const holds =
      result.verdict === 'holds' &&
      result.witnesses.every(({ run }, i) => run !== undefined && this.#reaches(run, i));
    const unfinished =
      result.violations.length === 0 &&
      bound !== undefined &&
      (ofCaller.has(bound) || bound === stopped);
    if (holds || unfinished) {
      this.#answer = { ...result, search: 'reduced' };
      return;
    }
    // What cannot end well is judged by the full search alone: a goal that is out of reach here has a way there perhaps.
    this.#found = result.violations.filter((v) => v.goal === undefined && this.#violates(v));
    const [next, ...left] = this.#found.length > 0 ? [] : (this.#left ?? []);
    this.#left = next === undefined ? undefined : left;
    this.#search = createSearch(next ?? this.#model, this.#bounds);
  }

  /** Whether a run of a reduced model is one, and violates what it did there. */
  #violates(violation: Violation): boolean {
    const end = this.#replay(violation);
    return end.kind === 'violated' && end.property === violation.property;
  }
  /** Whether a run of a reduced model is one, and makes the witness true. */
  #reaches(run: Run, witness: number): boolean {
    let seen = 0;
    const end = this.#replay(run, () => {
      seen |= this.#model.witnessed;
    });
    return end.kind === 'played' && (seen & (1 << witness)) !== 0;
  }
  #replay({ initial, schedule }: Run, watch?: Watch): ReturnType<typeof replay> {
    const names = schedule.map((step) => step.name);
    return replay(this.#model, names, { initial, ...(watch && { watch }) });
  }

  stop(reason: string): void {
    if (this.#answer !== undefined) return;
    this.#search.stop(reason);
    while (this.#left !== undefined) {
      if (!this.#search.advance(0).done) return;
      this.#judge(reason);
      if (this.#answer !== undefined) return;
      this.#search.stop(reason);
    }
  }

  progress(): Progress {
    return this.#search.progress();
  }

  result(): Result {
    if (this.#answer !== undefined) return this.#answer;
    const result = this.#search.result();
    const known = new Set(result.violations.map((v) => v.property));
    const more = this.#found.filter((v) => !known.has(v.property));
    if (result.bound === undefined || more.length === 0) return result;
    return {
      ...result,
      verdict: 'violated',
      violations: [
        ...result.violations,
        ...more.map((v): Violation => ({ ...v, inevitableFrom: 'not known', perhapsLonger: true })),
      ],
    };
  }

  visited(): Visited {
    if (this.#answer !== undefined) throw new Error('a reduced search has not visited every state');
    return this.#search.visited();
  }
}
