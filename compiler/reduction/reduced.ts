// A check's machine with less to search: private steps are taken at once, and CPUs that are alike are taken for each other.

import { context, taskField } from '../emulator/layout.ts';
import { actionCpu, argumentOf, kindOf, kinds, type Machine } from '../emulator/machine.ts';
import type { Filing, Storage } from '../explorer/filing.ts';
import type { Model, Symmetry, Unfolded } from '../explorer/model.ts';
import type { Program } from '../ir.ts';
import { conditions } from './conditions.ts';
import { StackDepth } from './depth.ts';
import { PrivateSteps } from './private.ts';
import { symmetry } from './symmetry.ts';

/** Marks a fetch of bytes that are not the newest, in the code of its action. */
export const staleFetch = 0x800;
const plain = (action: number): number =>
  kindOf(action) === kinds.step ? action & ~staleFetch : action;

/** Private steps in a row that no loop without an end is behind. */
export const mostInARow = 256;

/** How private steps are to be taken by whoever does so by itself. */
export interface Quietness {
  /** Whether some of them leave it to a CPU what it may fetch. */
  readonly keeps: boolean;
  /** Whether fetches of bytes that are not the newest are marked. */
  readonly marks: boolean;
  /** By kind of context: where its stack has more bytes than that, only step by step can say; it changes. */
  readonly most: Int32Array;
}

/** What does a step and all private steps behind it. */
export interface Quietly {
  /** As `Model.apply`; undefined where only step by step can say, and `state` is what it was. */
  apply(state: Int32Array, action: number): number | undefined;
  /** As `Model.filing`. */
  filing(storage: Storage): Filing | undefined;
  /** `most` has changed. */
  looked(): void;
}

/** A model that has such code, or will have. */
export interface Reducible extends Model {
  quietly?(how: Quietness): Quietly | undefined;
}

type Told = ReturnType<Unfolded['initial']>;

/**
 * The same machine for searches that ask only whether everything holds, on `model`, which is `machine` or its generated
 * code: the first has the fewest states and may do more than the machine does, the last does nothing that it does not.
 * None where nothing can be left out.
 */
export function reductions(p: Program, machine: Machine, model: Reducible): readonly Model[] {
  const known = conditions(p);
  if (!known.steps) return [];
  const alike = known.cpus ? symmetry(p, machine) : undefined;
  return (known.handlers ? [true, false] : [false]).map((keep) => {
    const depth = new StackDepth(p, machine, known.stack);
    const steps = new PrivateSteps(p, machine, known, keep);
    return new Reduced(p, machine, model, steps, alike, depth, known.handlers, keep);
  });
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
  readonly masks: Model['masks'];
  witnessed = 0;
  limit: string | undefined;
  readonly #model: Reducible;
  readonly #machine: Machine;
  readonly #steps: PrivateSteps;
  readonly #depth: StackDepth;
  readonly #cpus: number;
  /** The state that was asked for last; and the one before a private step. */
  #asked: Int32Array;
  readonly #before: Int32Array;
  readonly #ipiCode: boolean;
  readonly #how: Quietness;
  #quietly: Quietly | undefined;

  constructor(
    p: Program,
    machine: Machine,
    model: Reducible,
    steps: PrivateSteps,
    alike: Symmetry | undefined,
    depth: StackDepth,
    covers: boolean,
    keeps: boolean,
  ) {
    this.words = model.words;
    this.parts = model.parts;
    this.pieces = model.pieces;
    this.groups = model.groups;
    this.properties = model.properties;
    this.witnesses = model.witnesses;
    this.goals = model.goals;
    this.symmetry = alike;
    // Who may fetch more executes what is unpredictable where the machine comes to what it violates.
    this.masks = covers ? ['torn_instruction'] : [];
    this.#model = model;
    this.#machine = machine;
    this.#steps = steps;
    this.#depth = depth;
    this.#how = {
      keeps,
      // Goals must do without fetches of bytes that are not the newest.
      marks: covers && model.goals.length > 0,
      most: depth.most,
    };
    this.#cpus = p.env.cpus;
    this.#before = new Int32Array(model.words);
    this.#asked = this.#before;
    this.#ipiCode = p.ipiCode !== undefined;
    this.unfolded = {
      initial: (index) => this.#silent((machine.initial()[index] as Int32Array).slice()),
      apply: (state, action) => this.#step(state, action),
      steps: (state, action) => {
        const copy = state.slice();
        const first = { action: plain(action), name: machine.actionName(copy, plain(action)) };
        return machine.apply(copy, first.action) === 0 ? [first, ...this.#silent(copy)] : [first];
      },
    };
  }

  get scratch(): Int32Array | undefined {
    return this.#model.scratch;
  }
  get touched(): Uint8Array | undefined {
    return this.#model.touched;
  }

  filing(storage: Storage): Filing | undefined {
    const quietly = this.#code();
    if (quietly !== undefined) return quietly.filing(storage);
    const made = this.#model.filing?.(storage);
    return made && { ...made, steps: undefined };
  }

  standsAt(state: Int32Array): void {
    this.#asked = state;
    this.#model.standsAt?.(state);
  }

  /** Code that takes private steps by itself, once the model has any. */
  #code(): Quietly | undefined {
    if (this.#quietly === undefined && this.#model.scratch !== undefined)
      this.#quietly = this.#model.quietly?.(this.#how);
    return this.#quietly;
  }

  /** How deep stacks have got: no state says how deep one was between private steps. */
  get learnt(): readonly number[] {
    return [...this.#depth.most];
  }
  set learnt(most: readonly number[]) {
    this.#depth.restore(most);
    this.#quietly?.looked();
  }

  initial(): readonly Int32Array[] {
    return this.#model.initial().map((state) => {
      for (let cpu = 0; cpu < this.#cpus; cpu++) this.#look(state, cpu);
      this.#silent(state);
      return state;
    });
  }

  enabled(state: Int32Array, out: Int32Array): number {
    this.#asked = state;
    const count = this.#model.enabled(state, out);
    if (!this.#how.marks) return count;
    for (let i = 0; i < count; ) {
      const action = out[i] as number;
      let end = i + 1;
      while (end < count && (out[end] as number) >> 12 === action >> 12) end++;
      if (end > i + 1 && kindOf(action) === kinds.step) this.#mark(state, out, i, end);
      i = end;
    }
    return count;
  }

  /** Marks which of a CPU's fetches get bytes that are not the newest. */
  #mark(state: Int32Array, out: Int32Array, from: number, end: number): void {
    const { core, fetch } = this.#machine;
    core.s = state;
    core.select(actionCpu(out[from] as number));
    const choices = fetch.choices();
    const rip = core.rip();
    for (let i = from; i < end; i++) {
      const action = out[i] as number;
      const bytes = choices[argumentOf(action)]?.insn?.bytes;
      const newest = bytes?.every((b, k) => {
        const cell = core.cellAt(rip + k);
        return cell < 0 || state[core.l.cells + cell] === b;
      });
      if (newest !== true) out[i] = action | staleFetch;
    }
  }

  apply(state: Int32Array, action: number): number {
    const outcome = this.#step(state, action);
    if (outcome === 0 && this.#depth.full) this.limit ??= 'private steps';
    return outcome;
  }

  /** The same, but for how deep stacks have got by now. */
  #step(state: Int32Array, action: number): number {
    const known = this.#code()?.apply(state, plain(action));
    if (known !== undefined) {
      this.witnessed = this.#model.witnessed;
      this.limit = undefined;
      return known;
    }
    const outcome = this.#model.apply(state, plain(action));
    this.witnessed = this.#model.witnessed;
    this.limit = this.#model.limit;
    if (outcome !== 0 || this.limit !== undefined) return outcome;
    this.#look(state, actionCpu(action));
    this.#silence(state);
    this.#model.standsAt?.(this.#asked);
    return 0;
  }

  #look(state: Int32Array, cpu: number): void {
    if (this.#depth.look(state, cpu)) this.#quietly?.looked();
  }

  /** Takes all private steps of a state. */
  #silence(state: Int32Array): void {
    const before = this.#before;
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      for (let n = 0; ; n++) {
        const step = this.#steps.of(state, cpu);
        if (step < 0) break;
        if (n === mostInARow) {
          this.limit = 'private steps';
          return;
        }
        before.set(state);
        this.#model.standsAt?.(before);
        const violated = this.#take(state, step) !== 0;
        this.limit = this.#model.limit;
        if (this.limit !== undefined) return;
        if (violated) {
          // Taken by itself it would end the run before others come to what they violate: it stays one step of many.
          state.set(before);
          break;
        }
        this.witnessed |= this.#model.witnessed;
        this.#look(state, cpu);
      }
    }
  }

  /** Does a private step, on the model or as another one does it. */
  #take(state: Int32Array, step: number, model: Model = this.#model): number {
    const cpu = actionCpu(step);
    const kept = this.#kept(state, cpu);
    const outcome = model.apply(state, step);
    if (kept !== undefined) state.set(kept, this.#machine.core.l.views[cpu]);
    return outcome;
  }

  /** What a CPU may fetch, where its private step is to leave that as it is. */
  #kept(state: Int32Array, cpu: number): Int32Array | undefined {
    if (!this.#steps.keeps(state, cpu)) return undefined;
    const { l } = this.#machine.core;
    const at = l.views[cpu] as number;
    return state.slice(at, at + l.viewWords);
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
        if (this.#take(state, action, machine) !== 0) {
          state.set(before);
          break;
        }
        this.#look(state, cpu);
        told.push({ action, name });
      }
    }
    return told;
  }

  actionName(state: Int32Array, action: number): string {
    return this.#machine.actionName(state, plain(action));
  }
  /** A goal must be in reach without a fetch of bytes that are not the newest: another run may not have them any more. */
  optional(action: number): boolean {
    return this.#machine.optional(action) || plain(action) !== action;
  }
  /** A goal counts where no code of the spec interrupts another, which may have come no further for it. */
  goalsOf(state: Int32Array): number {
    const bits = this.#machine.goalsOf(state);
    if (bits === 0) return 0;
    const { l } = this.#machine.core;
    for (const t of l.tasks) {
      const depth = state[t + taskField.depth] as number;
      for (let d = 1; d <= depth; d++) {
        const kind = state[t + l.contexts + d * l.ctx.size] as number;
        if (kind === context.irqCode || kind === context.nmiCode) return 0;
        if (this.#ipiCode && (kind === context.ipi || kind === context.nmiIpi)) return 0;
      }
    }
    return bits;
  }
}
