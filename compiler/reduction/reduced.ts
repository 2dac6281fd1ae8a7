// A check's machine with less to search: private steps are taken at once, and CPUs that are alike are taken for each other.

import type { Machine } from '../emulator/machine.ts';
import type { Model, Symmetry, Unfolded } from '../explorer/model.ts';
import type { Program } from '../ir.ts';
import { conditions } from './conditions.ts';
import { PrivateSteps } from './private.ts';
import { symmetry } from './symmetry.ts';

/** Private steps in a row that no loop without an end is behind. */
const mostInARow = 256;

type Told = ReturnType<Unfolded['initial']>;

/**
 * The same machine for a search that asks only whether everything holds, on `model`, which is `machine` or its generated
 * code. Undefined where nothing can be left out.
 */
export function reduced(p: Program, machine: Machine, model: Model): Model | undefined {
  const known = conditions(p);
  if (!known.steps) return undefined;
  const alike = known.cpus ? symmetry(p, machine) : undefined;
  return new Reduced(p, machine, model, new PrivateSteps(p, machine, known), alike);
}

class Reduced implements Model {
  readonly words: number;
  readonly parts: readonly number[];
  readonly pieces: Model['pieces'];
  readonly groups: Model['groups'];
  readonly properties: readonly string[];
  readonly witnesses: readonly string[];
  readonly goals: Model['goals'];
  readonly symmetry: Symmetry | undefined;
  readonly unfolded: Unfolded;
  witnessed = 0;
  limit: string | undefined;
  readonly #model: Model;
  readonly #machine: Machine;
  readonly #steps: PrivateSteps;
  readonly #cpus: number;
  /** The state that was asked for last, and what was done since. */
  readonly #origin: Int32Array;
  readonly #done: number[] = [];

  constructor(
    p: Program,
    machine: Machine,
    model: Model,
    steps: PrivateSteps,
    alike: Symmetry | undefined,
  ) {
    this.words = model.words;
    this.parts = model.parts;
    this.pieces = model.pieces;
    this.groups = model.groups;
    this.properties = model.properties;
    this.witnesses = model.witnesses;
    this.goals = model.goals;
    this.symmetry = alike;
    this.#model = model;
    this.#machine = machine;
    this.#steps = steps;
    this.#cpus = p.env.cpus;
    this.#origin = new Int32Array(model.words);
    this.unfolded = {
      initial: (index) => this.#silent((machine.initial()[index] as Int32Array).slice()),
      steps: (state, action) => {
        const copy = state.slice();
        const name = machine.actionName(copy, action);
        const first = { action, name };
        return machine.apply(copy, action) === 0 ? [first, ...this.#silent(copy)] : [first];
      },
    };
  }

  get scratch(): Int32Array | undefined {
    return this.#model.scratch;
  }
  get touched(): Uint8Array | undefined {
    return this.#model.touched;
  }

  initial(): readonly Int32Array[] {
    return this.#model.initial().map((state) => {
      this.#silent(state);
      return state;
    });
  }

  enabled(state: Int32Array, out: Int32Array): number {
    this.#origin.set(state);
    return this.#model.enabled(state, out);
  }

  apply(state: Int32Array, action: number): number {
    const model = this.#model;
    const outcome = this.#apply(state, action);
    this.witnessed = model.witnessed;
    if (outcome !== 0 || this.limit !== undefined) return outcome;
    if (this.#steps.crowded(state, action >> 16)) {
      this.limit = 'private steps';
      return 0;
    }
    const done = this.#done;
    done.length = 0;
    done.push(action);
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      for (let n = 0; ; n++) {
        const step = this.#steps.of(state, cpu);
        if (step < 0) break;
        if (n === mostInARow) {
          this.limit = 'private steps';
          return 0;
        }
        const violated = this.#apply(state, step) !== 0;
        if (this.limit !== undefined) return 0;
        if (violated) {
          // Taken by itself it would end the run before others come to what they violate: it stays one step of many.
          state.set(this.#origin);
          for (const before of done) model.apply(state, before);
          break;
        }
        this.witnessed |= model.witnessed;
        done.push(step);
      }
    }
    return 0;
  }

  #apply(state: Int32Array, action: number): number {
    const outcome = this.#model.apply(state, action);
    this.limit = this.#model.limit;
    return outcome;
  }

  /** Takes the private steps of a state, by the interpreter, and tells them. */
  #silent(state: Int32Array): Told {
    const machine = this.#machine;
    const told: { action: number; name: string }[] = [];
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      for (let n = 0; n < mostInARow; n++) {
        const action = this.#steps.of(state, cpu);
        if (action < 0) break;
        const before = state.slice();
        const name = machine.actionName(state, action);
        if (machine.apply(state, action) !== 0) {
          state.set(before);
          break;
        }
        told.push({ action, name });
      }
    }
    return told;
  }

  actionName(state: Int32Array, action: number): string {
    return this.#machine.actionName(state, action);
  }
  optional(action: number): boolean {
    return this.#machine.optional(action);
  }
  goalsOf(state: Int32Array): number {
    return this.#machine.goalsOf(state);
  }
}
