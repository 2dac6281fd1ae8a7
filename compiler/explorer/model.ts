// What the explorer searches: any finite transition system over flat words. It knows neither x86 nor the language.

import type { Filing, Storage } from './filing.ts';

/** Parts of a state that can change places with others without any difference to what may happen. */
export interface Symmetry {
  /** For each class its units; a unit is its parts, and those that correspond stand in the same order. */
  readonly classes: readonly (readonly (readonly number[])[])[];
  /**
   * Writes the words of `state` from `from` up to `end`, which are of that part, from index 0 of `into`, as they would
   * be if its unit were the first of its class. False where they say something that has no such form; nothing may then
   * be taken for anything else.
   */
  encode(part: number, state: Int32Array, into: Int32Array, from: number, end: number): boolean;
  /** The way back, for words of `state` in place. */
  decode(part: number, state: Int32Array, from: number, end: number): void;
}

/** How a run of a model that leaves steps out is told with all of them. */
export interface Unfolded {
  /** The steps that an initial state was taken on by. */
  initial(index: number): readonly { readonly action: number; readonly name: string }[];
  /** As the model's own, but for bounds of the model that the search has come to since it took that step. */
  apply(state: Int32Array, action: number): number;
  /** The steps that one action stands for, itself the first. */
  steps(
    state: Int32Array,
    action: number,
  ): readonly { readonly action: number; readonly name: string }[];
}

/**
 * A model hands out states as `words` 32-bit words and names of actions; all else is the explorer's.
 *
 * Determinism is the model's duty: the same state gives the same actions in the same order and the same
 * successors, without a clock, a random number or a map's order.
 */
export interface Model {
  /** Length of a state in 32-bit words. */
  readonly words: number;
  /**
   * First word of each part, ascending from 0: what certificates list and what can change places. It changes no
   * meaning: the key is every word.
   */
  readonly parts: readonly number[];
  /**
   * First word of each piece: a part, or what a part consists of. Pieces are stored once each, so words that change
   * together belong together, and what seldom changes with them does not.
   */
  readonly pieces?: readonly number[] | undefined;
  /** Parts that often change together, in groups; no part in two of them. */
  readonly groups?: readonly (readonly number[])[] | undefined;
  /** Names of the properties; `apply` answers with an index into this list, plus one. */
  readonly properties: readonly string[];
  /** Names of the witnesses; bit i of `witnessed` is witness i. At most 31. */
  readonly witnesses: readonly string[];
  /**
   * Names of the goals; from every reachable state each must be reachable again by actions that are not
   * optional, or the goal's property is violated. `property` is an index into `properties`. At most 8.
   */
  readonly goals: readonly { readonly name: string; readonly property: number }[];

  initial(): readonly Int32Array[];
  /** Writes the codes of the enabled actions of `state` into `out` from index 0, in their fixed order; returns how many. */
  enabled(state: Int32Array, out: Int32Array): number;
  /**
   * Turns `state` into the successor by `action`, in place. Returns 0, or 1 + the index of the property that
   * this step violates; then the content of `state` is of no use. Sets `witnessed` and `limit`.
   */
  apply(state: Int32Array, action: number): number;
  /**
   * Where a model is quickest at work: the search has `apply` work on this array, which `enabled` leaves as the
   * state that it was asked for. Only together with `touched`; both may come while the search goes on.
   */
  readonly scratch?: Int32Array | undefined;
  /**
   * For each piece whether steps have written to it: `apply` sets, the caller clears. What is not set is as it was
   * in the state that `enabled` was asked for last. Without it nothing is known, and all pieces are compared.
   */
  readonly touched?: Uint8Array | undefined;
  /**
   * Code that puts what `scratch` is into a store, where there is any once there is a `scratch`. It is of use to the
   * search that has asked for it last.
   */
  filing?(storage: Storage): Filing | undefined;
  /** Told where `apply` will be called on another state than `enabled` was asked for; it must stay as it is until then. */
  standsAt?(state: Int32Array): void;
  /** Bits of the witnesses that the last `apply` made true. */
  readonly witnessed: number;
  /** Set by `apply` when a bound of the model itself was hit (its name), for instance a full log: the search is then unfinished. */
  readonly limit: string | undefined;
  /** The stable name of an action that is enabled in `state`; unique among the enabled ones. */
  actionName(state: Int32Array, action: number): string;
  /** Whether the action may never happen and so is no way to a goal (an NMI, an interrupt of the environment). */
  optional(action: number): boolean;
  /** Present where states are found up to a change of places. */
  readonly symmetry?: Symmetry | undefined;
  /** Properties whose violation may be found in the place of another, which then is not. */
  readonly masks?: readonly string[] | undefined;
  /**
   * What it has learnt from the steps that it was asked for and its answers rest on, where there is any such thing: a
   * search that goes on from another one's states gives it that one's.
   */
  learnt?: readonly number[] | undefined;
  /** Present where an action may stand for several steps. */
  readonly unfolded?: Unfolded | undefined;
  /** Bits of the goals that hold in `state`. */
  goalsOf(state: Int32Array): number;
}
