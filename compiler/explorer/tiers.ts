// Searches in a row: reduced ones that say what is violated, and the full one for the shortest runs and what they cannot say.

import type { Model } from './model.ts';
import { reaches, violates } from './run.ts';
import {
  type Bounds,
  createSearch,
  type Ground,
  type Progress,
  type Result,
  type Saved,
  type Search,
  type Violation,
} from './search.ts';

/**
 * Searches the `reduced` models first, one after the other. Where one visits all of its states without a violation and
 * reaches every witness, its answer stands. Where it finds violations, each of them in a step, and none that could stand
 * in the place of others, its answer stands too, but for their runs: the full search of `model` looks for the
 * shortest, and for nothing else. All else the next says, and at last the full search. Where a bound keeps that from a
 * violation that a reduced one has found, the run of that one is told, step by step in the full semantics.
 *
 * A reduced model may do more than `model` does, never less; the last does nothing that `model` does not. So a run counts
 * only if `model` has it: what the answer rests on is replayed.
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
  /** The reduced models, that which is searched first; none in the full search. */
  #reduced: readonly Model[];
  /** What the reduced searches have said that have ended. */
  readonly #ended: Result[] = [];
  /** What one of them has said of all but the shortest runs. */
  #verdict: Result | undefined;
  /** Violations by runs that the full search may be kept from. */
  #found: readonly Violation[] = [];
  #answer: Result | undefined;

  constructor(model: Model, reduced: readonly Model[], bounds: Bounds) {
    this.#model = model;
    this.#bounds = bounds;
    this.#reduced = reduced;
    this.#search = createSearch(reduced[0] as Model, bounds, { unexplained: true });
  }

  advance(budget: number): { readonly done: boolean } {
    if (this.#answer !== undefined) return { done: true };
    const { done } = this.#search.advance(budget);
    const [model] = this.#reduced;
    if (model === undefined) return { done };
    // What may stand in the place of others leaves the rest to the next, whatever else is found.
    const { violated } = this.#search.progress();
    if (!done && !violated.some((p) => model.masks?.includes(p))) return { done };
    if (!done) this.#search.stop('violated');
    this.#judge(this.#search.result());
    return { done: this.#answer !== undefined };
  }

  /** What a reduced search has said, and what follows. */
  #judge(result: Result, stopped?: string): void {
    this.#ended.push(result);
    const { bound, violations, witnesses } = result;
    const [model, ...left] = this.#reduced as [Model, ...Model[]];
    const cut =
      bound !== undefined && (bound === stopped || (left.length === 0 && ofCaller.has(bound)));
    const real = violations.filter(
      (v) => v.goal === undefined && violates(this.#model, v, v.property),
    );
    // Of what no run here reaches it says nothing: private steps pass by states, and tell by what is current which content
    // a pass was, of two that do the same.
    const seen = witnesses.every(({ run }, i) => run !== undefined && reaches(this.#model, run, i));
    const holds = bound === undefined && seen;
    if (violations.length === 0 && (cut || holds)) {
      this.#reduced = [];
      this.#answer = { ...result, search: 'reduced' };
      return;
    }
    if (real.length > 0) this.#found = real;
    const properties = violations.map((v) => v.property);
    // What cannot end well is judged by the full search alone: a goal that is out of reach here has a way there perhaps.
    const all =
      bound === undefined &&
      violations.length > 0 &&
      real.length === violations.length &&
      seen &&
      !properties.some((p) => model.masks?.includes(p));
    if (all) this.#verdict = { ...result, search: 'reduced' };
    // A violation that is one makes more of less pointless.
    this.#reduced = all || real.length > 0 ? [] : left;
    const [next] = this.#reduced;
    this.#search =
      next !== undefined
        ? createSearch(next, this.#bounds, { unexplained: true })
        : createSearch(this.#model, this.#bounds, all ? { runsOf: properties } : {});
  }

  stop(reason: string): void {
    if (this.#answer !== undefined) return;
    this.#search.stop(reason);
    while (this.#reduced.length > 0) {
      if (!this.#search.advance(0).done) return;
      this.#judge(this.#search.result(), reason);
      if (this.#answer !== undefined) return;
      this.#search.stop(reason);
    }
  }

  progress(): Progress {
    const progress = this.#search.progress();
    // What a reduced search finds counts once its run was replayed.
    const found = new Set(this.#found.map((v) => v.property));
    if (this.#reduced.length === 0) for (const p of progress.violated) found.add(p);
    return { ...progress, violated: this.#model.properties.filter((p) => found.has(p)) };
  }

  save(): Saved | undefined {
    const saved = this.#answer === undefined ? this.#search.save() : undefined;
    return saved && { ...saved, before: [...this.#ended] };
  }

  restore(saved: Saved): void {
    for (const result of saved.before?.slice(this.#ended.length) ?? []) this.#judge(result);
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
        throw new Error('a reduced search violates what the full one does not');
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

  ground(): Ground {
    if (this.#answer !== undefined || this.#verdict !== undefined)
      throw new Error('a reduced search has not visited every state');
    return this.#search.ground();
  }
}
