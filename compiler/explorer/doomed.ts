// From where on a violation can no longer be avoided: every continuation ends in one.

import type { Credit } from './goals.ts';
import { type Account, Bytes, Column } from './memory.ts';
import type { Model } from './model.ts';
import { refused } from './rows.ts';
import type { Cursor, Store } from './store.ts';

const open = 1;
const doomed = 2;
const saved = 3;

/**
 * Judges states of a search. A state is doomed if it has an action, and every action violates or
 * leads to a doomed state; this is the least such set, so a run that goes on for ever without a violation
 * saves. A state that cannot reach a goal violates by itself.
 *
 * Looks depth first and only as far as a question needs: what it leaves behind is doomed and is not looked
 * at again, and the first state found that is not doomed answers for all that led to it. So it costs no
 * more than the doomed states, while the steps of the whole graph need not be kept.
 */
export class Doom {
  readonly #model: Model;
  readonly #store: Store;
  /** Whether a state violates by itself. */
  readonly #lost: (state: number) => boolean;
  readonly #cursor: Cursor;
  readonly #scratch: Int32Array;
  readonly #stack: Column;
  #actions = new Int32Array(256);
  /** For each state, as far as any was looked at. */
  readonly #marks: Bytes;
  /** Whether the store has every state; else what is looked at is put in. */
  readonly #all: boolean;

  constructor(
    model: Model,
    store: Store,
    account: Account,
    lost: (state: number) => boolean,
    all: boolean,
  ) {
    this.#model = model;
    this.#store = store;
    this.#lost = lost;
    this.#cursor = store.cursor();
    this.#scratch = new Int32Array(model.words);
    this.#stack = new Column(account);
    this.#marks = new Bytes(account);
    this.#all = all;
  }

  /**
   * How many of the `states` of a run, counted from its start, are passed before the first doomed one; their
   * number where none is. Undefined where memory is refused, and then it must not be asked again.
   */
  *firstOf(states: readonly number[], credit: Credit): Generator<void, number | undefined> {
    // What a doomed state leads to is doomed, unless it is lost by itself and an optional action leads out
    // of it. So the doomed ones before the first lost one stand together, and end there.
    const lost = states.findIndex(this.#lost);
    let first = lost === -1 ? states.length : lost;
    while (first > 0) {
      const answer = yield* this.#judge(states[first - 1] as number, credit);
      if (answer === undefined) return undefined;
      if (!answer) break;
      first--;
    }
    return first;
  }

  free(): void {
    this.#stack.free();
    this.#marks.free();
  }

  *#judge(root: number, credit: Credit): Generator<void, boolean | undefined> {
    const marks = this.#marks;
    const stack = this.#stack;
    if (!this.#markable()) return undefined;
    if (this.#lost(root)) return true;
    if (!stack.push(root)) return undefined;
    while (stack.length > 0) {
      if (credit.left-- <= 0) yield;
      const state = stack.at(stack.length - 1);
      const mark = marks.at(state);
      // Open and on top again: everything that was put above it has turned out doomed.
      if (mark === open) marks.set(state, doomed);
      if (mark === open || mark === doomed) {
        stack.pop();
        continue;
      }
      const answer = mark === saved ? false : this.#openUp(state);
      if (answer === undefined) return undefined;
      if (answer) continue;
      marks.set(state, saved);
      while (stack.length > 0) {
        const above = stack.pop();
        if (marks.at(above) === open) marks.set(above, saved);
      }
      return false;
    }
    return true;
  }

  /** Makes sure that each state of the store has a mark. */
  #markable(): boolean {
    while (this.#marks.length < this.#store.count) if (!this.#marks.push(0)) return false;
    return true;
  }

  /** Puts what `state` leads to on the stack; false if it is known already to have a way out. */
  #openUp(state: number): boolean | undefined {
    const model = this.#model;
    const marks = this.#marks;
    const store = this.#store;
    store.load(this.#cursor, state);
    const { words } = this.#cursor;
    let count = model.enabled(words, this.#actions);
    if (count > this.#actions.length) {
      this.#actions = new Int32Array(count);
      count = model.enabled(words, this.#actions);
    }
    if (count === 0) return false;
    marks.set(state, open);
    for (let i = 0; i < count; i++) {
      this.#scratch.set(words);
      if (model.apply(this.#scratch, this.#actions[i] as number) !== 0) continue;
      const next = this.#all
        ? store.find(this.#scratch, this.#cursor)
        : store.insert(this.#scratch, this.#cursor);
      if (next === refused) {
        if (!this.#all) return undefined;
        throw new Error('the model does not repeat itself: an unknown successor');
      }
      if (!this.#markable()) return undefined;
      const mark = marks.at(next);
      if (mark === doomed || this.#lost(next)) continue;
      if (mark === open || mark === saved) return false;
      if (!this.#stack.push(next)) return undefined;
    }
    return true;
  }
}
