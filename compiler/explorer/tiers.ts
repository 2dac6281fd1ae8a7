// Two searches in a row: a reduced one that says what is violated, and the full one for the shortest runs and what else it cannot say.

import type { Model } from './model.ts';
import {
  type Bounds,
  createSearch,
  type Progress,
  type Result,
  type Saved,
  type Search,
  type Violation,
  type Visited,
} from './search.ts';

/**
 * Searches `reduced` first. Where that visits all of its states without a violation and reaches every witness, its
 * answer stands. Where it finds violations, each of them in a step, its answer stands too, but for their runs: the full
 * search of `model` looks for the shortest, and for nothing else. A bound of the caller's that the reduced search hits, the
 * full one would hit too. All else the full search says. Where a bound keeps the full search from a violation that the
 * reduced one has found, the run of that one is told, step by step in the full semantics.
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
  /** What the reduced search has said, once the full one follows. */
  #before: Result | undefined;
  /** What the reduced search has said of all but the shortest runs. */
  #verdict: Result | undefined;
  #found: readonly Violation[] = [];
  #answer: Result | undefined;

  constructor(model: Model, reduced: Model, bounds: Bounds) {
    this.#model = model;
    this.#bounds = bounds;
    this.#search = createSearch(reduced, bounds, { unexplained: true });
  }

  advance(budget: number): { readonly done: boolean } {
    if (this.#answer !== undefined) return { done: true };
    const { done } = this.#search.advance(budget);
    if (!this.#first) return { done };
    if (!done) return { done: false };
    this.#judge(undefined);
    return { done: this.#answer !== undefined };
  }

  /** What the reduced search has said, and whether that is all. */
  #judge(stopped: string | undefined, result = this.#search.result()): void {
    const { bound, violations } = result;
    const holds = result.verdict === 'holds' && result.witnesses.every((w) => w.run !== undefined);
    const unfinished =
      violations.length === 0 && bound !== undefined && (ofCaller.has(bound) || bound === stopped);
    if (holds || unfinished) {
      this.#answer = { ...result, search: 'reduced' };
      return;
    }
    this.#first = false;
    this.#before = result;
    // What cannot end well is judged by the full search alone: a goal that is out of reach here has a way there perhaps.
    this.#found = violations.filter((v) => v.goal === undefined);
    const all =
      bound === undefined && violations.length > 0 && this.#found.length === violations.length;
    if (all) this.#verdict = { ...result, search: 'reduced' };
    this.#search = createSearch(
      this.#model,
      this.#bounds,
      all ? { runsOf: violations.map((v) => v.property) } : {},
    );
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

  save(): Saved | undefined {
    const saved = this.#answer === undefined ? this.#search.save() : undefined;
    return saved && this.#before !== undefined ? { ...saved, before: this.#before } : saved;
  }

  restore(saved: Saved): void {
    if (this.#first && saved.before !== undefined) this.#judge(undefined, saved.before);
    this.#search.restore(saved);
  }

  result(): Result {
    if (this.#answer !== undefined) return this.#answer;
    const result = this.#search.result();
    const known = new Set(result.violations.map((v) => v.property));
    const longer = this.#found
      .filter((v) => !known.has(v.property))
      .map((v): Violation => ({ ...v, inevitableFrom: 'not known', perhapsLonger: true }));
    if (this.#verdict !== undefined) {
      if (longer.length > 0 && result.bound === undefined)
        throw new Error('the reduced search violates what the full one does not');
      const order = this.#verdict.violations.map((v) => v.property);
      const violations = [...result.violations, ...longer].sort(
        (a, b) => order.indexOf(a.property) - order.indexOf(b.property),
      );
      return {
        ...this.#verdict,
        violations,
        bytes: Math.max(this.#verdict.bytes, result.bytes),
      };
    }
    if (result.bound === undefined || longer.length === 0) return result;
    return { ...result, verdict: 'violated', violations: [...result.violations, ...longer] };
  }

  visited(): Visited {
    if (this.#answer !== undefined || this.#verdict !== undefined)
      throw new Error('a reduced search has not visited every state');
    return this.#search.visited();
  }
}
