// Private steps: those that a thread takes unseen, so that it does not matter when.

import type { Prepared } from '../emulator/fetch.ts';
import { context, cpuField, idleFrom, type Layout, taskField } from '../emulator/layout.ts';
import { code, kinds, type Machine } from '../emulator/machine.ts';
import { footprint } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { region, stackStride } from '../ir.ts';
import { flagBits, RSP, registers } from '../ops.ts';
import type { Conditions } from './conditions.ts';
import { inStub, type Quiet, quietOperations } from './operations.ts';

/** What an instruction at an address is for the search. */
export const seen = 0;
const onRegisters = 1;
export const onStack = 2;

/** Handlers that an IRET of ours leaves: #BP's, a sync's, an empty one. */
export const handlers: ReadonlySet<number> = new Set([
  context.breakpoint,
  context.ipi,
  context.nmiIpi,
  context.irqEmpty,
  context.nmiEmpty,
]);

const ownFields = new Set([...registers.filter((_, i) => i !== RSP), 'flags', 'rip', 'outcome']);
const stackFields = new Set([...ownFields, 'rsp', 'stack', 'shadow stack']);

/** What can interrupt a CPU and runs code of the spec, which may see what it interrupts. */
export interface Interruptions {
  readonly ipi: 'plain' | 'irq' | 'nmi';
  /** Where the state says how many are left; `on`: the one CPU that it comes to, or -1. */
  readonly events: readonly {
    readonly at: number;
    readonly nmi: boolean;
    readonly on: number;
    readonly reaches: boolean;
  }[];
}

export function interruptions(p: Program, l: Layout): Interruptions {
  const byNmi = p.kernel.some((k) => k.do.kind === 'send' && k.do.nmi);
  return {
    ipi: p.ipiCode === undefined ? 'plain' : byNmi ? 'nmi' : 'irq',
    events: p.env.events.flatMap((e, i) => {
      // Who can be moved to another CPU may meet there what comes to that one.
      const on = p.env.migrate ? -1 : (e.on ?? -1);
      return e.entry === undefined
        ? []
        : [{ at: l.events + i, nmi: e.kind === 'nmi', on, reaches: e.reaches }];
    }),
  };
}

export class PrivateSteps {
  readonly #p: Program;
  readonly #machine: Machine;
  readonly #conditions: Conditions;
  readonly #known = new Map<number, number>();
  readonly #idle: number;
  readonly #events: Interruptions['events'];
  readonly #ipi: Interruptions['ipi'];
  /** By the index of the operation where a step begins. */
  readonly #quiet: readonly Quiet[];

  /** Whether a CPU that returns from a handler of #BP, or from an empty one, may go on fetching what it could. */
  readonly #keep: boolean;

  constructor(p: Program, machine: Machine, conditions: Conditions, keep = false) {
    this.#keep = keep && conditions.handlers;
    this.#p = p;
    this.#machine = machine;
    this.#conditions = conditions;
    this.#idle = idleFrom(p);
    const { ipi, events } = interruptions(p, machine.core.l);
    this.#ipi = ipi;
    this.#events = events;
    this.#quiet = conditions.handlers ? quietOperations(p) : [];
  }

  /** The action of the private step that a CPU can take now, or -1. */
  of(s: Int32Array, cpu: number): number {
    const { core, kernel } = this.#machine;
    const { l } = core;
    const at = l.cpus[cpu] as number;
    const task = s[at + cpuField.task] as number;
    const t = l.tasks[task] as number;
    const c = t + l.contexts + (s[t + taskField.depth] as number) * l.ctx.size;
    const conditions = this.#conditions;
    const rip = s[t + taskField.rip] as number;
    const index = kernel.at(rip);
    const quiet = index < 0 ? 'seen' : (this.#quiet[index] ?? 'seen');
    const kind = index < 0 ? this.#kindAt(rip) : seen;
    if (quiet === 'seen' && (kind === seen || task === 0 || task >= this.#idle)) return -1;
    const blocked = s[at + cpuField.nmiBlocked] !== 0;
    const open = ((s[t + taskField.flags] as number) & flagBits.if) !== 0;
    // The IRET of any interrupt that comes before ends the blocking.
    const held = blocked && !open;
    const latched = s[at + cpuField.nmiLatched] !== 0;
    if (
      s[at + cpuField.shadow] !== 0 ||
      s[at + cpuField.halted] !== 0 ||
      (latched && !(conditions.unseen ? blocked : held))
    )
      return -1;
    // Who is preempted may never go on; then a pass that is open stays so.
    if ((!conditions.closing || this.#p.env.preempt) && s[c + l.ctx.pass] !== 0) return -1;
    if (this.#p.env.memory === 'sc' && s[at + cpuField.buffer] !== 0) return -1;
    if (kind === onStack) {
      if (!conditions.stack || s[t + l.registers + 1] !== -1) return -1;
      const inside = ((s[t + l.registers] as number) - (region.stacks | 0)) >>> 0;
      if (Math.floor(inside / stackStride) !== task) return -1;
    }
    if (!conditions.unseen) {
      // Code that can interrupt here could tell whether the step was done.
      if ((this.#ipi === 'nmi' && !held) || (this.#ipi === 'irq' && open)) return -1;
      for (const e of this.#events)
        if (s[e.at] !== 0 && (e.on < 0 || e.on === cpu) && (e.nmi ? !held : open)) return -1;
    }
    if (quiet !== 'seen' && !this.#takes(s, cpu, t, c, quiet, index)) return -1;
    return code(cpu, kinds.step, 0);
  }

  /** Whether a quiet step of a handler or of the patcher can be taken in this state, and is seen by nobody. */
  #takes(s: Int32Array, cpu: number, t: number, c: number, quiet: Quiet, index: number): boolean {
    const { core, kernel } = this.#machine;
    const { l } = core;
    core.s = s;
    core.select(cpu);
    if (!kernel.ready(index)) return false;
    if (quiet === 'own') return true;
    const kind = s[c] as number;
    if (quiet === 'returns') {
      if (!handlers.has(kind)) return false;
      if (!this.#conditions.closing && s[c - l.ctx.size + l.ctx.pass] !== 0) return false;
      // A window for interrupts may open sooner; it must not close sooner.
      core.outcome = 0;
      const saved = core.stackWord(core.frameBase() + 16);
      const outside = core.outcome !== 0;
      core.outcome = 0;
      if (outside) return false;
      const now = s[t + taskField.flags] as number;
      if ((now & flagBits.if) !== 0 && (saved & flagBits.if) === 0) return false;
    }
    if (quiet === 'returns' && this.#keeps(kind)) return true;
    // What would come in a handler of the machine's own can come before it, where the CPU fetches what it did.
    if (kind !== context.breakpoint && handlers.has(kind) && this.#ipi === 'plain') return true;
    return this.#newest(s, cpu) || !this.#fetches(s, cpu);
  }

  #keeps(kind: number): boolean {
    return this.#keep && kind !== context.ipi && kind !== context.nmiIpi;
  }

  /** Whether the private step that a CPU can take now leaves it what it may fetch. */
  keeps(s: Int32Array, cpu: number): boolean {
    if (!this.#keep) return false;
    const { core, kernel } = this.#machine;
    const { l } = core;
    const t = l.tasks[s[(l.cpus[cpu] as number) + cpuField.task] as number] as number;
    const c = t + l.contexts + (s[t + taskField.depth] as number) * l.ctx.size;
    const index = kernel.at(s[t + taskField.rip] as number);
    return index >= 0 && this.#quiet[index] === 'returns' && this.#keeps(s[c] as number);
  }

  /** Whether a CPU fetches nothing but what is newest. */
  #newest(s: Int32Array, cpu: number): boolean {
    const { l } = this.#machine.core;
    const at = l.views[cpu] as number;
    for (let i = 0; i < l.viewWords; i++) if (s[at + i] !== 0) return false;
    return true;
  }

  /** Whether code may still interrupt a CPU that fetches what is patched. */
  #fetches(s: Int32Array, cpu: number): boolean {
    const { l } = this.#machine.core;
    if (this.#p.ipiCode?.reaches || s[(l.cpus[cpu] as number) + cpuField.nmiLatched] !== 0)
      return true;
    return this.#events.some((e) => e.reaches && s[e.at] !== 0 && (e.on < 0 || e.on === cpu));
  }

  #kindAt(rip: number): number {
    const known = this.#known.get(rip);
    if (known !== undefined) return known;
    const kind = instructionKind(this.#machine.fetch.unchanging(rip), this.#conditions);
    this.#known.set(rip, kind);
    return kind;
  }
}

/** What an instruction that no patch changes is for the search. */
export function instructionKind(insn: Prepared | undefined, conditions: Conditions): number {
  if (insn === undefined || insn.waits || insn.stores > 0) return seen;
  const { reads, writes, waits } = footprint(insn.ops);
  if (waits.size > 0) return seen;
  // A release renames addresses of a stub in RIP and not in registers: what is no return may take one there.
  const indirect = insn.ops.some(
    (o) => o.kind === 'branch' && (o.target.kind !== 'const' || inStub(o.target)),
  );
  const returns = insn.ops.some((o) => o.kind === 'pop' && o.as === 'return');
  if (indirect && !returns && !conditions.unrenamed) return seen;
  const touched = [...reads, ...writes];
  if (touched.every((f) => ownFields.has(f)))
    return insn.ops.every((o) => o.kind === 'set' || o.kind === 'status' || o.kind === 'branch')
      ? onRegisters
      : seen;
  if (!touched.every((f) => stackFields.has(f))) return seen;
  const stacks = insn.ops.filter((o) => o.kind === 'push' || o.kind === 'pop');
  const rest = insn.ops.filter((o) => o.kind !== 'push' && o.kind !== 'pop');
  if (!rest.every((o) => o.kind === 'branch' || o.kind === 'set')) return seen;
  if (stacks.some((o) => o.as !== 'return') && !conditions.unrenamed) return seen;
  return onStack;
}
