// A check's machine for the search: generated code once there is any, the interpreter for what that does not say.

import type { Machine } from '../emulator/machine.ts';
import type { Filing, Storage } from '../explorer/filing.ts';
import type { Model } from '../explorer/model.ts';
import type { Program } from '../ir.ts';
import type { Quietly, Quietness, Reducible } from '../reduction/reduced.ts';
import { outcomeOfLimit, unjudged, unsaid } from './outcomes.ts';

/** What takes steps: which a CPU has, and what one does. */
export interface Stepping {
  enabled(cpu: number, from: number): number;
  apply(action: number): number;
  witnessed(): number;
}

/** What generated code exports. */
export interface Code extends Stepping {
  events(): number;
  finished(): number;
  /** Where private steps may be taken at once: `assembly.ts` says what they are. */
  readonly marked?: Stepping['enabled'];
  readonly quietly?: Stepping['apply'];
  readonly keeping?: Stepping['apply'];
}

/** Generated code and where it works. */
export interface Engine {
  readonly code: Code;
  readonly scratch: Int32Array;
  readonly touched: Uint8Array;
  /** Codes of actions that it writes. */
  readonly codes: Int32Array;
  /** For each operation of the kernel whether it executed it. */
  readonly noted: Uint8Array;
  /** For each kind of context the most bytes that a stack may have for `quietly` to say what a step does. */
  readonly most: Int32Array;
  /**
   * Code that files its states in a store, which takes steps as `by` does or as its own `code`; undefined where the host
   * has none. Throws a `RangeError` where it has no memory left for it.
   */
  filing(storage: Storage, by?: Stepping): Filing | undefined;
}

/** What makes engines; it is large, and a page has it later than the search. */
export interface Generator {
  /** Why a check has no generated code; undefined where it has. */
  excluded(p: Program): string | undefined;
  /** Throws a `RangeError` where the host has no memory left for it. */
  start(p: Program, machine: Machine): Engine;
}

/** What a search is made on. */
export interface Quick {
  /** The same model as `machine`, state by state and action by action. */
  readonly model: Model;
  /** In a few words what of it is generated. */
  readonly how: () => string;
  /** Tells the machine which operations were executed, as its own steps do. */
  readonly end: () => void;
}

/** States between two looks whether there is a generator by now. */
const again = 500;

/**
 * A check's machine as generated code, and where there is none the machine itself. Code is made once `patience` states
 * were asked for: smaller spaces are searched sooner without. `generator` is asked then; a sentence says why there is
 * none yet, and it is asked again while the search goes on.
 */
export function quick(
  p: Program,
  machine: Machine,
  generator: () => Generator | string,
  patience: number,
): Quick {
  const why = excluded(generator(), p);
  if (why !== undefined) return { model: machine, how: () => `interpreted: ${why}`, end: () => {} };
  const model = new Generated(p, machine, generator, patience);
  return { model, how: () => model.how(), end: () => model.note() };
}

const excluded = (g: Generator | string, p: Program): string | undefined =>
  typeof g === 'string' ? undefined : g.excluded(p);

class Generated implements Reducible {
  readonly words: number;
  readonly parts: readonly number[];
  readonly pieces: Model['pieces'];
  readonly groups: Model['groups'];
  readonly properties: readonly string[];
  readonly witnesses: readonly string[];
  readonly goals: Model['goals'];
  witnessed = 0;
  limit: string | undefined;
  /** States and steps that were left to the interpreter. */
  left = 0;
  /** Why there is no engine, where that is known. */
  #why: string | undefined;
  readonly #generator: () => Generator | string;
  readonly #p: Program;
  readonly #machine: Machine;
  readonly #ended: number;
  /** States that are asked for before code is worth its making. */
  #patience: number;
  #engine: Engine | undefined;
  /** The state that the next step begins at. */
  #origin: Int32Array;
  /** The state that code for a store is at. */
  #filed: Int32Array | undefined;

  constructor(p: Program, machine: Machine, generator: () => Generator | string, patience: number) {
    this.#p = p;
    this.#generator = generator;
    this.#machine = machine;
    this.words = machine.words;
    this.parts = machine.parts;
    this.pieces = machine.pieces;
    this.groups = machine.groups;
    this.properties = machine.properties;
    this.witnesses = machine.witnesses;
    this.goals = machine.goals;
    this.#ended = p.waived.size > 0 ? machine.core.l.ended : -1;
    this.#patience = patience;
    this.#origin = new Int32Array(0);
  }

  how(): string {
    return this.#engine
      ? `generated; ${this.left.toLocaleString('en-US')} states and steps interpreted`
      : `interpreted: ${this.#why ?? 'it has few states'}`;
  }
  get scratch(): Int32Array | undefined {
    return this.#engine?.scratch;
  }
  get touched(): Uint8Array | undefined {
    return this.#engine?.touched;
  }

  initial(): readonly Int32Array[] {
    return this.#machine.initial();
  }

  enabled(state: Int32Array, out: Int32Array): number {
    if (this.#engine === undefined && this.#patience-- <= 0) this.#begin();
    const engine = this.#engine;
    if (engine === undefined) return this.#machine.enabled(state, out);
    const { code, codes, scratch } = engine;
    this.#origin = state;
    // Who files states has made it that one.
    if (state !== this.#filed) scratch.set(state);
    let n = 0;
    for (let cpu = 0; cpu < this.#p.env.cpus; cpu++) {
      n = code.enabled(cpu, n);
      if (n === unsaid) {
        this.left++;
        return this.#machine.enabled(state, out);
      }
    }
    for (let i = 0; i < n; i++) out[i] = codes[i] as number;
    return n;
  }

  filing(storage: Storage, by?: Stepping): Filing | undefined {
    try {
      const made = this.#engine?.filing(storage, by);
      this.#filed = made?.state;
      return made;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return undefined;
    }
  }

  standsAt(state: Int32Array): void {
    this.#origin = state;
  }

  apply(state: Int32Array, action: number): number {
    const engine = this.#engine;
    const machine = this.#machine;
    if (engine === undefined) return this.#interpret(state, action);
    const { code, scratch, touched } = engine;
    if (state !== scratch) scratch.set(state);
    let outcome = code.apply(action);
    if (outcome === unsaid || outcome >= outcomeOfLimit) {
      this.left++;
      if (outcome !== unsaid) scratch.set(this.#origin);
      outcome = this.#interpret(scratch, action);
      touched.fill(1);
    } else {
      this.limit = undefined;
      this.witnessed = this.witnesses.length > 0 ? code.witnessed() : 0;
      if (outcome === unjudged) {
        const finished = code.finished() !== 0;
        outcome = machine.judged(scratch, action >> 16, 0, code.events(), finished);
        this.witnessed = machine.witnessed;
        // What is judged may end a phase.
        touched.fill(1);
      }
      if (this.#ended >= 0) {
        if (outcome !== 0 && this.#p.waived.has(outcome - 1)) {
          scratch.fill(0);
          scratch[this.#ended] = 1;
          outcome = 0;
        }
        // A run that a waiver ends is somewhere else altogether.
        if (scratch[this.#ended] !== 0) touched.fill(1);
      }
    }
    if (state !== scratch) state.set(scratch);
    return outcome;
  }

  quietly(how: Quietness): Quietly | undefined {
    const engine = this.#engine;
    const apply = how.keeps ? engine?.code.keeping : engine?.code.quietly;
    if (engine === undefined || apply === undefined) return undefined;
    const { code, scratch, most } = engine;
    const { enabled, marked = enabled, witnessed } = code;
    const by = { enabled: how.marks ? marked : enabled, apply, witnessed };
    most.set(how.most);
    return {
      apply: (state, action) => {
        if (state !== scratch) scratch.set(state);
        const outcome = apply(action);
        if (outcome < 0 || outcome >= outcomeOfLimit) {
          scratch.set(this.#origin);
          return undefined;
        }
        this.limit = undefined;
        this.witnessed = this.witnesses.length > 0 ? witnessed() : 0;
        if (state !== scratch) state.set(scratch);
        return outcome;
      },
      filing: (storage) => this.filing(storage, by),
      looked: () => most.set(how.most),
    };
  }

  #begin(): void {
    const p = this.#p;
    const machine = this.#machine;
    const generator = this.#generator();
    this.#why = typeof generator === 'string' ? generator : generator.excluded(p);
    this.#patience = typeof generator === 'string' ? again : Number.POSITIVE_INFINITY;
    if (typeof generator === 'string' || this.#why !== undefined) return;
    try {
      this.#engine = generator.start(p, machine);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#why = 'this host has no memory left for generated code';
    }
  }

  #interpret(state: Int32Array, action: number): number {
    const outcome = this.#machine.apply(state, action);
    this.witnessed = this.#machine.witnessed;
    this.limit = this.#machine.limit;
    return outcome;
  }

  note(): void {
    const { executed } = this.#machine.kernel;
    this.#engine?.noted.forEach((n, i) => {
      if (n === 1) executed[i] = 1;
    });
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
