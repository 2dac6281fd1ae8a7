// Private steps: those that a thread takes unseen, so that it does not matter when.

import { cpuField, idleFrom, taskField } from '../emulator/layout.ts';
import { code, kinds, type Machine } from '../emulator/machine.ts';
import { footprint } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { region, stackStride } from '../ir.ts';
import { flagBits, RSP, registers } from '../ops.ts';
import type { Conditions } from './conditions.ts';

/** What an instruction at an address is for the search. */
const seen = 0;
const onRegisters = 1;
const onStack = 2;

/**
 * Bytes that must be free below RSP. A step moves frames that are delivered after it by 16 at most, so as long as
 * nobody comes that far down, a stack that overflows does so whether the step was done or not.
 */
const room = 64;

const ownFields = new Set([...registers.filter((_, i) => i !== RSP), 'flags', 'rip', 'outcome']);
const stackFields = new Set([...ownFields, 'rsp', 'stack', 'shadow stack']);

export class PrivateSteps {
  readonly #p: Program;
  readonly #machine: Machine;
  readonly #conditions: Conditions;
  readonly #known = new Map<number, number>();
  readonly #idle: number;
  /** Events that run code of the spec: what they interrupt can be seen by it. */
  readonly #events: readonly { at: number; nmi: boolean; on: number }[];
  readonly #ipi: 'plain' | 'irq' | 'nmi';

  constructor(p: Program, machine: Machine, conditions: Conditions) {
    this.#p = p;
    this.#machine = machine;
    this.#conditions = conditions;
    this.#idle = idleFrom(p);
    const { l } = machine.core;
    this.#events = p.env.events.flatMap((e, i) =>
      e.entry === undefined
        ? []
        : [{ at: l.events + i, nmi: e.kind === 'nmi', on: e.on === undefined ? -1 : e.on }],
    );
    const byNmi = p.kernel.some((k) => k.do.kind === 'send' && k.do.nmi);
    this.#ipi = p.ipiCode === undefined ? 'plain' : byNmi ? 'nmi' : 'irq';
  }

  /** The action of the private step that a CPU can take now, or -1. */
  of(s: Int32Array, cpu: number): number {
    const { l } = this.#machine.core;
    const at = l.cpus[cpu] as number;
    const task = s[at + cpuField.task] as number;
    if (task === 0 || task >= this.#idle) return -1;
    const t = l.tasks[task] as number;
    const conditions = this.#conditions;
    const kind = this.#kindAt(s[t + taskField.rip] as number);
    const blocked = s[at + cpuField.nmiBlocked] !== 0;
    if (
      kind === seen ||
      s[at + cpuField.shadow] !== 0 ||
      s[at + cpuField.halted] !== 0 ||
      (s[at + cpuField.nmiLatched] !== 0 && !blocked)
    )
      return -1;
    const c = t + l.contexts + (s[t + taskField.depth] as number) * l.ctx.size;
    if (!conditions.closing && s[c + l.ctx.pass] !== 0) return -1;
    if (this.#p.env.memory === 'sc' && s[at + cpuField.buffer] !== 0) return -1;
    if (kind === onStack) {
      if (!conditions.stack || s[t + l.registers + 1] !== -1) return -1;
      const inside = ((s[t + l.registers] as number) - (region.stacks | 0)) >>> 0;
      if (Math.floor(inside / stackStride) !== task || inside % stackStride < room) return -1;
    }
    if (!conditions.unseen) {
      // Code that can interrupt here could tell whether the step was done.
      const open = ((s[t + taskField.flags] as number) & flagBits.if) !== 0;
      if ((this.#ipi === 'nmi' && !blocked) || (this.#ipi === 'irq' && open)) return -1;
      for (const e of this.#events)
        if (s[e.at] !== 0 && (e.on < 0 || e.on === cpu) && (e.nmi ? !blocked : open)) return -1;
    }
    return code(cpu, kinds.step, 0);
  }

  /** Whether the stack of a CPU's task is so full that a frame more or less could matter. */
  crowded(s: Int32Array, cpu: number): boolean {
    const { l } = this.#machine.core;
    const t = l.tasks[s[(l.cpus[cpu] as number) + cpuField.task] as number] as number;
    return ((s[t + l.registers] as number) - (region.stacks | 0)) % stackStride < room;
  }

  #kindAt(rip: number): number {
    const known = this.#known.get(rip);
    if (known !== undefined) return known;
    const kind = this.#judge(rip);
    this.#known.set(rip, kind);
    return kind;
  }

  #judge(rip: number): number {
    const insn = this.#machine.fetch.unchanging(rip);
    if (insn === undefined || insn.waits || insn.stores > 0) return seen;
    const { reads, writes, waits } = footprint(insn.ops);
    if (waits.size > 0) return seen;
    const touched = [...reads, ...writes];
    if (touched.every((f) => ownFields.has(f)))
      return insn.ops.every((o) => o.kind === 'set' || o.kind === 'status' || o.kind === 'branch')
        ? onRegisters
        : seen;
    if (!touched.every((f) => stackFields.has(f))) return seen;
    const stacks = insn.ops.filter((o) => o.kind === 'push' || o.kind === 'pop');
    const rest = insn.ops.filter((o) => o.kind !== 'push' && o.kind !== 'pop');
    if (!rest.every((o) => o.kind === 'branch' || o.kind === 'set')) return seen;
    if (stacks.some((o) => o.as !== 'return') && !this.#conditions.data) return seen;
    return onStack;
  }
}
