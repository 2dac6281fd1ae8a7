// A check's machine for the search: generated code where it is known, the interpreter where only that can say.

import type { Machine } from '../emulator/machine.ts';
import type { Model } from '../explorer/model.ts';
import type { Program } from '../ir.ts';
import { assemble, unsaid } from './assembly.ts';
import { outcomeOfLimit } from './memory.ts';
import { excluded, transitions } from './transitions.ts';

/** What this needs of the host; the compiler's own types know neither Node nor a browser. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly?: {
    readonly Memory: new (shape: { initial: number }) => { readonly buffer: ArrayBuffer };
    readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
};

interface Exports {
  enabled(cpu: number, from: number): number;
  apply(action: number): number;
  events(): number;
  finished(): number;
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

/**
 * A check's machine as generated code, and where there is none the machine itself. Code is made once `patience` states
 * were asked for: smaller spaces are searched sooner without.
 */
export function generated(p: Program, machine: Machine, patience = 3000): Quick {
  const why = WebAssembly === undefined ? 'this host has no WebAssembly' : excluded(p);
  if (why !== undefined) return { model: machine, how: () => `interpreted: ${why}`, end: () => {} };
  const model = new Generated(p, machine, patience);
  return {
    model,
    how: () =>
      model.begun
        ? `generated; ${model.left.toLocaleString('en-US')} states and steps interpreted`
        : 'interpreted: it has few states',
    end: () => model.note(),
  };
}

/** Generated code and where it works. */
interface Engine {
  readonly code: Exports;
  readonly scratch: Int32Array;
  readonly touched: Uint8Array;
  /** Codes of actions that it writes. */
  readonly codes: Int32Array;
  /** For each operation of the kernel whether it executed it. */
  readonly noted: Uint8Array;
}

function start(p: Program, { words, parts }: Machine): Engine {
  if (WebAssembly === undefined) throw new Error('this host has no WebAssembly');
  const made = assemble(transitions(p), parts);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(made.size / 65536) });
  const { buffer } = memory;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(made.bytes), {
    m: { m: memory },
  });
  const partOf = new Uint8Array(buffer, made.partOf, words);
  parts.forEach((from, i) => {
    partOf.fill(i, from, parts[i + 1] ?? words);
  });
  return {
    code: instance.exports as Exports,
    scratch: new Int32Array(buffer, 0, words),
    touched: new Uint8Array(buffer, made.dirty, parts.length),
    codes: new Int32Array(buffer, made.out, 4096),
    noted: new Uint8Array(buffer, made.executed, p.kernel.length),
  };
}

class Generated implements Model {
  readonly words: number;
  readonly parts: readonly number[];
  readonly properties: readonly string[];
  readonly witnesses: readonly string[];
  readonly goals: Model['goals'];
  witnessed = 0;
  limit: string | undefined;
  /** States and steps that were left to the interpreter. */
  left = 0;
  private readonly p: Program;
  private readonly machine: Machine;
  private readonly judges: boolean;
  private readonly ended: number;
  /** States that are asked for before code is worth its making. */
  private patience: number;
  private engine: Engine | undefined;
  /** The state that was asked for last. */
  private origin: Int32Array;

  constructor(p: Program, machine: Machine, patience: number) {
    this.p = p;
    this.machine = machine;
    this.words = machine.words;
    this.parts = machine.parts;
    this.properties = machine.properties;
    this.witnesses = machine.witnesses;
    this.goals = machine.goals;
    this.judges = p.requirements.length > 0 || p.witnesses.length > 0 || p.waived.size > 0;
    this.ended = p.waived.size > 0 ? machine.core.l.ended : -1;
    this.patience = patience;
    this.origin = new Int32Array(0);
  }

  get begun(): boolean {
    return this.engine !== undefined;
  }
  get scratch(): Int32Array | undefined {
    return this.engine?.scratch;
  }
  get touched(): Uint8Array | undefined {
    return this.engine?.touched;
  }

  initial(): readonly Int32Array[] {
    return this.machine.initial();
  }

  enabled(state: Int32Array, out: Int32Array): number {
    if (this.engine === undefined && this.patience-- <= 0)
      this.engine = start(this.p, this.machine);
    const { engine } = this;
    if (engine === undefined) return this.machine.enabled(state, out);
    const { code, codes, scratch } = engine;
    this.origin = state;
    scratch.set(state);
    let n = 0;
    for (let cpu = 0; cpu < this.p.env.cpus; cpu++) {
      n = code.enabled(cpu, n);
      if (n === unsaid) {
        this.left++;
        return this.machine.enabled(state, out);
      }
    }
    for (let i = 0; i < n; i++) out[i] = codes[i] as number;
    return n;
  }

  apply(state: Int32Array, action: number): number {
    const { engine, machine } = this;
    if (engine === undefined) return this.interpret(state, action);
    const { code, scratch, touched } = engine;
    if (state !== scratch) scratch.set(state);
    let outcome = code.apply(action);
    if (outcome === unsaid || outcome >= outcomeOfLimit) {
      this.left++;
      if (outcome !== unsaid) scratch.set(this.origin);
      outcome = this.interpret(scratch, action);
      touched.fill(1);
    } else {
      this.limit = undefined;
      this.witnessed = 0;
      if (this.judges) {
        const finished = code.finished() !== 0;
        outcome = machine.judged(scratch, action >> 16, outcome, code.events(), finished);
        this.witnessed = machine.witnessed;
        // A run that a waiver ends is somewhere else altogether.
        if (this.ended >= 0 && scratch[this.ended] !== 0) touched.fill(1);
      }
    }
    if (state !== scratch) state.set(scratch);
    return outcome;
  }

  private interpret(state: Int32Array, action: number): number {
    const outcome = this.machine.apply(state, action);
    this.witnessed = this.machine.witnessed;
    this.limit = this.machine.limit;
    return outcome;
  }

  note(): void {
    const { executed } = this.machine.kernel;
    this.engine?.noted.forEach((n, i) => {
      if (n === 1) executed[i] = 1;
    });
  }

  actionName(state: Int32Array, action: number): string {
    return this.machine.actionName(state, action);
  }
  optional(action: number): boolean {
    return this.machine.optional(action);
  }
  goalsOf(state: Int32Array): number {
    return this.machine.goalsOf(state);
  }
}
