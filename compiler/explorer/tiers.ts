// Two searches in a row: a reduced one that may say that everything holds, and the full one for every other answer.

import type { Model } from './model.ts';
import {
  type Bounds,
  createSearch,
  type Progress,
  type Result,
  type Search,
  type Violation,
  type Visited,
} from './search.ts';

/**
 * Searches `reduced` first. Where that visits all of its states without a violation and reaches every witness, its
 * answer stands. A bound of the caller's that it hits, the full search would hit too. All else the full search of
 * `model` says, with its shortest runs; where a bound keeps it from a violation that the reduced one has found, the
 * run of that one is told, step by step in the full semantics.
 */
export function createReducedSearch(
  model: Model,
  reduced: Model | undefined,
  bounds: Bounds,
): Search {
  // Depth is counted in steps, and a reduced search takes several as one.
  return reduced === undefined || bounds.maxDepth !== undefined
    ? createSearch(model, bounds)
    : new Tiers(model, reduced, bounds);
}

/** Bounds that the caller set; all others are the machine's or the reduction's own. */
const ofCaller = new Set(['states', 'memory']);

class Tiers implements Search {
  readonly #model: Model;
  readonly #bounds: Bounds;
  #search: Search;
  #first = true;
  #found: readonly Violation[] = [];
  #answer: Result | undefined;

  constructor(model: Model, reduced: Model, bounds: Bounds) {
    this.#model = model;
    this.#bounds = bounds;
    this.#search = createSearch(reduced, bounds);
  }

  advance(budget: number): { readonly done: boolean } {
    if (this.#answer !== undefined) return { done: true };
    const { done } = this.#search.advance(budget);
    if (!this.#first) return { done };
    const violated = this.#search.progress().violated.length > 0;
    if (!done && !violated) return { done: false };
    if (!done) this.#search.stop('violated');
    this.#judge(undefined);
    return { done: this.#answer !== undefined };
  }

  /** What the reduced search has said, and whether that is all. */
  #judge(stopped: string | undefined): void {
    const result = this.#search.result();
    const { bound } = result;
    const holds = result.verdict === 'holds' && result.witnesses.every((w) => w.run !== undefined);
    const unfinished =
      result.violations.length === 0 &&
      bound !== undefined &&
      (ofCaller.has(bound) || bound === stopped);
    if (holds || unfinished) {
      this.#answer = { ...result, search: 'reduced' };
      return;
    }
    this.#first = false;
    // What cannot end well is judged by the full search alone: a goal that is out of reach here has a way there perhaps.
    this.#found = result.violations.filter((v) => v.goal === undefined);
    this.#search = createSearch(this.#model, this.#bounds);
  }

  stop(reason: string): void {
    if (this.#answer !== undefined) return;
    this.#search.stop(reason);
    if (!this.#first) return;
    if (!this.#search.advance(0).done) return;
    this.#judge(reason);
    if (this.#answer === undefined) this.#search.stop(reason);
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
