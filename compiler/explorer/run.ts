// One run of a model: replayed by the names of its actions, or walked at random from a seed.

import type { Model } from './model.ts';
import type { Run, Step } from './search.ts';

/** Called after each step. `before` and `after` are the run's own arrays: copy what is to be kept. */
export type Watch = (step: Step, index: number, before: Int32Array, after: Int32Array) => void;

/** How a run ended; `state` is the last one that is of use, before the step that violated or hit a limit. */
export type Outcome =
  /** Every name was played, or as many steps as were wanted. */
  | { readonly kind: 'played'; readonly state: Int32Array; readonly steps: readonly Step[] }
  /** The last of `steps` violates `property`; names that follow were not played. */
  | {
      readonly kind: 'violated';
      readonly property: string;
      readonly state: Int32Array;
      readonly steps: readonly Step[];
    }
  /** The last of `steps` hit a bound of the model's own. */
  | {
      readonly kind: 'limit';
      readonly limit: string;
      readonly state: Int32Array;
      readonly steps: readonly Step[];
    }
  /** A walk came to a state without an action. */
  | { readonly kind: 'stuck'; readonly state: Int32Array; readonly steps: readonly Step[] }
  | Divergence;

/** The run no longer fits the model. */
export interface Divergence {
  readonly kind: 'diverges';
  /** Index of the step that could not be played. */
  readonly at: number;
  readonly expected: string;
  readonly enabled: readonly string[];
  readonly message: string;
  readonly state: Int32Array;
  readonly steps: readonly Step[];
}

/** Plays the actions with these names from the initial state `initial`, as far as they fit. */
export function replay(
  model: Model,
  names: readonly string[],
  { initial = 0, watch }: { readonly initial?: number; readonly watch?: Watch } = {},
): Outcome {
  const player = new Player(model, initial, watch);
  for (const [at, expected] of names.entries()) {
    const enabled = player.enabled();
    const found = enabled.find((step) => step.name === expected);
    if (found === undefined) {
      const others = enabled.map((step) => step.name);
      const message = `diverges at step ${at}: expected ${expected}, enabled: ${others.join(', ') || 'none'}`;
      return { kind: 'diverges', at, expected, enabled: others, message, ...player.place() };
    }
    const end = player.play(found);
    if (end !== undefined) return end;
  }
  return { kind: 'played', ...player.place() };
}

const names = ({ schedule }: Run): string[] => schedule.map((step) => step.name);

/** Whether a run that another model has, which may do more, is one of this model, and its last step violates the property. */
export function violates(model: Model, run: Run, property: string): boolean {
  const end = replay(model, names(run), run);
  const { length } = run.schedule;
  return end.kind === 'violated' && end.property === property && end.steps.length === length;
}

/** Whether it is one of this model, and makes the witness of that number true. */
export function reaches(model: Model, run: Run, witness: number): boolean {
  let seen = 0;
  const watch = (): void => {
    seen |= model.witnessed;
  };
  const end = replay(model, names(run), { initial: run.initial, watch });
  return end.kind === 'played' && (seen & (1 << witness)) !== 0;
}

/**
 * Up to `steps` steps, each drawn evenly from what is enabled, or until a state is the `last`; the same seed gives the
 * same run.
 */
export function walk(
  model: Model,
  seed: number,
  steps: number,
  { watch, last }: { readonly watch?: Watch; readonly last?: (state: Int32Array) => boolean } = {},
): Exclude<Outcome, Divergence> & { readonly initial: number } {
  const draw = numbers(seed);
  const initial = draw(model.initial().length);
  const player = new Player(model, initial, watch);
  for (let i = 0; i < steps; i++) {
    const enabled = player.enabled();
    if (enabled.length === 0) return { kind: 'stuck', initial, ...player.place() };
    const end = player.play(enabled[draw(enabled.length)] as Step);
    if (end !== undefined) return { ...end, initial };
    if (last?.(player.place().state)) break;
  }
  return { kind: 'played', initial, ...player.place() };
}

class Player {
  readonly #model: Model;
  readonly #watch: Watch | undefined;
  readonly #steps: Step[] = [];
  #state: Int32Array;
  #next: Int32Array;
  #actions = new Int32Array(64);

  constructor(model: Model, initial: number, watch: Watch | undefined) {
    const state = model.initial()[initial];
    if (state === undefined) throw new RangeError(`the model has no initial state ${initial}`);
    this.#model = model;
    this.#watch = watch;
    this.#state = Int32Array.from(state);
    this.#next = Int32Array.from(state);
  }

  enabled(): Step[] {
    let count = this.#model.enabled(this.#state, this.#actions);
    if (count > this.#actions.length) {
      this.#actions = new Int32Array(count);
      count = this.#model.enabled(this.#state, this.#actions);
    }
    return Array.from(this.#actions.subarray(0, count), (action) => ({
      action,
      name: this.#model.actionName(this.#state, action),
    }));
  }

  place(): { readonly state: Int32Array; readonly steps: readonly Step[] } {
    return { state: this.#state, steps: this.#steps };
  }

  /** The end of the run, if this step is one. */
  play(step: Step): Extract<Outcome, { kind: 'violated' | 'limit' }> | undefined {
    const model = this.#model;
    this.#next.set(this.#state);
    const answer = model.apply(this.#next, step.action);
    const index = this.#steps.push(step) - 1;
    if (model.limit !== undefined) return { kind: 'limit', limit: model.limit, ...this.place() };
    if (answer !== 0) {
      const property = model.properties[answer - 1] as string;
      return { kind: 'violated', property, ...this.place() };
    }
    this.#watch?.(step, index, this.#state, this.#next);
    [this.#state, this.#next] = [this.#next, this.#state];
    return undefined;
  }
}

/** Draws whole numbers from 0 up to a bound: a counter with an odd stride, mixed. */
function numbers(seed: number): (bound: number) => number {
  let counter = seed | 0;
  return (bound) => {
    counter = (counter + 0x61c88647) | 0;
    let h = Math.imul(counter ^ (counter >>> 16), 0x3d4d51cb);
    h = Math.imul(h ^ (h >>> 15), 0x2f9be6cd);
    h ^= h >>> 16;
    return Math.floor(((h >>> 0) / 0x100000000) * bound);
  };
}
