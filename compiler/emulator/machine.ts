// The machine as a model for the explorer: which actions a state allows, what each does, and what each is called.

import type { Model } from '../explorer/model.ts';
import type { Program } from '../ir.ts';
import { asksForPhases, instructionTag, property, region } from '../ir.ts';
import { flagBits } from '../ops.ts';
import { decode, text as disassemble } from '../x86/decode.ts';
import { deliver, iret } from './contexts.ts';
import { Core, toAddress } from './core.ts';
import type { Choice } from './fetch.ts';
import { Fetch } from './fetch.ts';
import { Kernel } from './kernel.ts';
import { context, cpuField, homeOf, idleFrom, taskCount, taskField, taskName } from './layout.ts';
import { Passes } from './passes.ts';
import type { Effects } from './step.ts';
import { evaluate, execute } from './step.ts';

/** Kinds of action; an action's code is cpu << 16 | kind << 12 | argument. */
export const kinds = {
  step: 0,
  ipi: 1,
  nmi: 2,
  latched: 3,
  irq: 4,
  preempt: 5,
  commit: 6,
  nmiIpi: 7,
  nmiLatch: 8,
  nmiLost: 9,
} as const;
export const code = (cpu: number, kind: number, argument = 0): number =>
  (cpu << 16) | (kind << 12) | argument;
export const actionCpu = (action: number): number => action >> 16;
export const kindOf = (action: number): number => (action >> 12) & 15;
export const argumentOf = (action: number): number => action & 0xfff;

/** What an action is about, told before it is done. */
export interface Description {
  readonly cpu: number;
  /** Who acts: `patcher`, `worker`, `#BP`, `IPI`, an event's name, `store buffer`. */
  readonly who: string;
  readonly kind: 'instruction' | 'operation' | 'event' | 'commit';
  readonly address?: number;
  readonly bytes?: Uint8Array;
  readonly text: string;
  /** Index of the patcher's or handler's operation. */
  readonly operation?: number;
}

export interface Machine extends Model {
  readonly pieces: readonly number[];
  describe(state: Int32Array, action: number): Description;
  readonly core: Core;
  readonly fetch: Fetch;
  readonly kernel: Kernel;
  /** What the last violating `apply` found, in a sentence. */
  readonly reason: string;
  /** All patches have returned and no pass is open in any context. */
  finished(state: Int32Array): boolean;
  /**
   * What `apply` says of a step that somebody else has done: the step's own outcome (0, or 1 + a property), the bits
   * of its events, whether a patch returned in it. Sets `witnessed`; a state in which a waived run ends is made one.
   */
  judged(
    state: Int32Array,
    cpu: number,
    outcome: number,
    events: number,
    finished: boolean,
  ): number;
}

export function createMachine(p: Program): Machine {
  return new X86Machine(p);
}

class X86Machine implements Machine {
  readonly words: number;
  readonly parts: readonly number[];
  readonly pieces: readonly number[];
  readonly groups: readonly (readonly number[])[];
  readonly properties: readonly string[];
  readonly witnesses: readonly string[];
  readonly goals: readonly { readonly name: string; readonly property: number }[];
  readonly core: Core;
  readonly fetch: Fetch;
  readonly kernel: Kernel;
  witnessed = 0;
  readonly #p: Program;
  readonly #passes: Passes;
  readonly #effects: Effects;
  readonly #eventually: readonly Program['requirements'][number][];
  readonly #phased: boolean;

  constructor(p: Program) {
    this.#p = p;
    this.core = new Core(p);
    this.fetch = new Fetch(this.core);
    this.#passes = new Passes(this.core, this.fetch);
    this.#effects = { trap: () => this.#trap(), iret: () => iret(this.core) };
    this.kernel = new Kernel(this.core, this.fetch, this.#passes, this.#effects);
    this.words = this.core.l.words;
    this.parts = this.core.l.parts;
    this.pieces = this.core.l.pieces;
    this.groups = this.core.l.groups;
    this.properties = p.properties;
    this.witnesses = p.witnesses.map((w) => w.name);
    this.#eventually = p.requirements.filter(
      (r) => r.when === 'eventually' && !p.waived.has(r.property),
    );
    this.#phased = asksForPhases(p);
    const terminates = p.waived.has(property('terminates'))
      ? []
      : [{ name: 'terminates', property: property('terminates') }];
    this.goals = [
      ...terminates,
      ...this.#eventually.map((r) => ({ name: r.name, property: r.property })),
    ];
  }

  get limit(): string | undefined {
    return this.core.limit;
  }
  get reason(): string {
    return this.core.reason;
  }

  initial(): readonly Int32Array[] {
    const m = this.core;
    m.outcome = 0;
    m.limit = undefined;
    const s = m.initial();
    // Who waits for a CPU was interrupted on one: its frame is on its stack.
    for (const task of m.waiting()) {
      m.cpu = 0;
      m.selectTask(task);
      deliver(m, {
        kind: context.preempted,
        entry: region.kernel + this.#p.entry.empty,
        name: 'preempt',
        saved: m.rip(),
        clearsIf: true,
      });
      if (m.outcome !== 0 || m.limit !== undefined)
        throw new Error('the first frame of a thread does not fit its stack');
    }
    return [s.slice()];
  }

  // ---- what a state allows

  enabled(state: Int32Array, out: Int32Array): number {
    const m = this.core;
    const { l, p } = m;
    m.s = state;
    if (p.waived.size > 0 && state[l.ended] !== 0) return 0;
    let n = 0;
    for (let cpu = 0; cpu < p.env.cpus; cpu++) {
      m.select(cpu);
      const at = l.cpus[cpu] as number;
      const flags = state[m.t + taskField.flags] as number;
      const shadow = state[at + cpuField.shadow] !== 0;
      const interruptible = (flags & flagBits.if) !== 0 && !shadow;
      const nmiNow = state[at + cpuField.nmiBlocked] === 0 && !(shadow && p.env.nmiHeldInShadow);
      if (state[at + cpuField.nmiLatched] !== 0 && nmiNow) {
        out[n++] = code(cpu, kinds.latched, (state[at + cpuField.nmiLatched] as number) - 1);
      } else {
        n = this.#steps(cpu, out, n);
        const inNmi = state[at + cpuField.nmiBlocked] !== 0;
        if ((state[at + cpuField.ipi] as number) > 0 && interruptible && !inNmi)
          out[n++] = code(cpu, kinds.ipi);
        if ((state[at + cpuField.nmiIpi] as number) > 0 && nmiNow)
          out[n++] = code(cpu, kinds.nmiIpi);
        for (let e = 0; e < p.env.events.length; e++) {
          const source = p.env.events[e] as Program['env']['events'][number];
          if (state[l.events + e] === 0 || (source.on !== undefined && source.on !== cpu)) continue;
          if (source.kind === 'irq') {
            if (interruptible) out[n++] = code(cpu, kinds.irq, e);
          } else if (nmiNow) out[n++] = code(cpu, kinds.nmi, e);
          else if (state[at + cpuField.nmiLatched] === 0) out[n++] = code(cpu, kinds.nmiLatch, e);
          else out[n++] = code(cpu, kinds.nmiLost, e);
        }
        if (p.env.preempt && interruptible && this.kernel.preemptible() && m.buffered(cpu) === 0)
          n = this.#switches(cpu, out, n);
      }
      const members = m.oldestMembers(cpu);
      for (let k = 0; k < members; k++) out[n++] = code(cpu, kinds.commit, k);
    }
    return n;
  }

  #steps(cpu: number, out: Int32Array, from: number): number {
    const m = this.core;
    let n = from;
    if (m.s[(m.l.cpus[cpu] as number) + cpuField.halted] !== 0) return n;
    const index = this.kernel.at(m.rip());
    if (index >= 0) {
      if (this.kernel.ready(index)) out[n++] = code(cpu, kinds.step);
      return n;
    }
    if (m.task >= idleFrom(this.#p) && m.s[m.c] === context.user) return n;
    const choices = this.fetch.choices();
    for (let i = 0; i < choices.length; i++) {
      const insn = (choices[i] as Choice).insn;
      if (insn && !this.#canRun(insn)) continue;
      out[n++] = code(cpu, kinds.step, i);
    }
    return n;
  }

  #canRun(insn: NonNullable<Choice['insn']>): boolean {
    const m = this.core;
    if (insn.waits || m.p.env.memory === 'sc') return m.buffered(m.cpu) === 0;
    return insn.stores === 0 || m.hasRoom(insn.stores);
  }

  /** Tasks that could take this CPU from the one that has it. */
  #switches(cpu: number, out: Int32Array, from: number): number {
    const m = this.core;
    let n = from;
    const count = taskCount(this.#p);
    for (let task = 0; task < count; task++) {
      if (m.l.cpus.some((c) => m.s[c + cpuField.task] === task)) continue;
      // An idle task belongs to its CPU.
      const idle = task >= idleFrom(this.#p);
      if ((idle || !this.#p.env.migrate) && homeOf(this.#p, task) !== cpu) continue;
      out[n++] = code(cpu, kinds.preempt, task);
    }
    return n;
  }

  // ---- what an action does

  apply(state: Int32Array, action: number): number {
    const m = this.core;
    const { l, p } = m;
    m.s = state;
    m.outcome = 0;
    m.reason = '';
    m.limit = undefined;
    m.events = 0;
    m.finished = false;
    m.direct = false;
    m.onFrame = false;
    this.witnessed = 0;
    const cpu = actionCpu(action);
    const argument = argumentOf(action);
    const at = l.cpus[cpu] as number;
    m.select(cpu);
    switch (kindOf(action)) {
      case kinds.step:
        this.#step(at, argument);
        break;
      case kinds.ipi:
        state[at + cpuField.ipi] = (state[at + cpuField.ipi] as number) - 1;
        this.#interrupt(context.ipi, 'IPI', region.kernel + p.entry.ipi);
        this.#runIpiCode();
        break;
      case kinds.nmiIpi:
        state[at + cpuField.nmiIpi] = (state[at + cpuField.nmiIpi] as number) - 1;
        this.#interrupt(context.nmiIpi, 'NMI', region.kernel + p.entry.ipi);
        this.#runIpiCode();
        state[at + cpuField.nmiBlocked] = 1;
        break;
      case kinds.irq:
      case kinds.nmi:
      case kinds.nmiLatch:
      case kinds.nmiLost:
        state[l.events + argument] = (state[l.events + argument] as number) - 1;
        if (kindOf(action) === kinds.nmiLatch) state[at + cpuField.nmiLatched] = argument + 1;
        else if (kindOf(action) !== kinds.nmiLost) this.#event(argument);
        break;
      case kinds.latched:
        state[at + cpuField.nmiLatched] = 0;
        this.#event(argument);
        break;
      case kinds.preempt: {
        const other = argument;
        this.#interrupt(
          context.preempted,
          `preemption by ${taskName(p, other)}`,
          region.kernel + p.entry.empty,
        );
        state[at + cpuField.task] = other;
        if (p.env.switchSerialises !== 'none') m.serialise(cpu);
        break;
      }
      case kinds.commit:
        m.commit(argument);
        break;
      default:
        throw new Error(`no such action: ${action}`);
    }
    m.direct = false;
    if (m.outcome === 0 && m.limit === undefined) this.#judge();
    return this.#ended(state);
  }

  judged(
    state: Int32Array,
    cpu: number,
    outcome: number,
    events: number,
    finished: boolean,
  ): number {
    const m = this.core;
    m.s = state;
    m.outcome = outcome;
    m.reason = '';
    m.limit = undefined;
    m.events = events;
    m.finished = finished;
    m.direct = false;
    m.onFrame = false;
    this.witnessed = 0;
    m.select(cpu);
    if (outcome === 0) this.#judge();
    return this.#ended(state);
  }

  /** The outcome of a step, where what the spec waives is none. */
  #ended(state: Int32Array): number {
    const m = this.core;
    const { l, p } = m;
    if (m.outcome !== 0 && p.waived.has(m.outcome - 1)) {
      // A run that comes to what the spec waives ends there: one state stands for all such ends.
      state.fill(0);
      state[l.ended] = 1;
      m.outcome = 0;
    }
    return m.outcome;
  }

  #interrupt(kind: number, name: string, entry: number): void {
    const m = this.core;
    deliver(m, { kind, name, entry, saved: m.rip(), clearsIf: true });
  }

  /** The spec's own code comes first, as a routine that returns to where the handler serialises. */
  #runIpiCode(): void {
    const m = this.core;
    if (!this.#p.ipiCode || m.outcome !== 0 || m.limit !== undefined) return;
    m.push(m.rip(), -1, true);
    m.s[m.t + taskField.rip] = this.#p.ipiCode.entry | 0;
  }

  #event(index: number): void {
    const m = this.core;
    const source = this.#p.env.events[index] as Program['env']['events'][number];
    const empty = source.entry === undefined;
    const kind =
      source.kind === 'nmi'
        ? empty
          ? context.nmiEmpty
          : context.nmiCode
        : empty
          ? context.irqEmpty
          : context.irqCode;
    this.#interrupt(kind, source.name, source.entry ?? region.kernel + this.#p.entry.empty);
    if (source.kind === 'nmi') m.s[(m.l.cpus[m.cpu] as number) + cpuField.nmiBlocked] = 1;
  }

  #step(at: number, choice: number): void {
    const m = this.core;
    const { s, l } = m;
    const index = this.kernel.at(m.rip());
    if (index >= 0) {
      const depth = s[m.t + taskField.depth] as number;
      s[at + cpuField.shadow] = 0;
      this.kernel.act();
      const returned = (s[m.t + taskField.depth] as number) < depth;
      if (returned && m.outcome === 0 && m.isUserCode()) this.#passes.settle(true);
      return;
    }
    const chosen = this.fetch.choices()[choice];
    if (!chosen) throw new Error('an action names a fetch that is not possible');
    this.fetch.settle(chosen);
    const place = this.fetch.placeAt(m.rip());
    const offset = this.fetch.placeOffset(m.rip());
    if (chosen.property >= 0 && !chosen.insn) {
      m.violate(chosen.property, chosen.reason);
      return;
    }
    if (place >= 0 && offset === 0 && m.isUserCode()) {
      this.#passes.enter(place);
      if (m.outcome !== 0 || m.limit !== undefined) return;
    }
    if (!chosen.insn) {
      m.fault(chosen.reason);
      return;
    }
    if (!this.fetch.begins(m.rip())) {
      m.limit = 'code inside instructions';
      return;
    }
    const shadow = s[at + cpuField.shadow] as number;
    const c = m.c;
    s[m.t + taskField.rip] = chosen.insn.next;
    this.#trapped = (chosen.insn.next - 1) | 0;
    execute(m, chosen.insn.ops, this.#effects);
    // A shadow ends after one instruction; one that this instruction began stays.
    if (shadow !== 0) s[at + cpuField.shadow] = 0;
    if (m.outcome !== 0 || m.limit !== undefined) return;
    if ((m.c === c || m.c === c - l.ctx.size) && m.isUserCode()) this.#passes.settle(m.c !== c);
  }

  #trapped = 0;

  /** INT3: the saved RIP is the address behind it. */
  #trap(): void {
    const m = this.core;
    for (let i = 0; i < this.#p.events.length; i++) {
      const e = this.#p.events[i] as Program['events'][number];
      if (e.kind === 'trap' && (e.address | 0) === this.#trapped) m.events |= 1 << i;
    }
    this.#passes.trapped(this.#trapped);
    deliver(m, {
      kind: context.breakpoint,
      name: '#BP',
      entry: region.kernel + this.#p.entry.breakpoint,
      saved: m.rip(),
      clearsIf: this.#p.env.gate === 'interrupt',
      here: this.#trapped,
    });
  }

  /** The spec's own properties and the witnesses, after a step. They see memory as stored. */
  #judge(): void {
    const m = this.core;
    const { p } = m;
    if (p.requirements.length === 0 && p.witnesses.length === 0) return;
    m.looking = true;
    for (const r of p.requirements) {
      if (r.when === 'eventually' || (r.when === 'after patch' && !m.finished)) continue;
      if (p.waived.has(r.property)) continue;
      if (r.during !== undefined && (m.s[m.l.phase] as number) - 1 !== r.during) continue;
      const lo = evaluate(m, r.expr);
      const truth = lo !== 0 || m.hi !== 0;
      if (m.outcome === 0 && truth === (r.when === 'never'))
        m.violate(r.property, `${r.name} does not hold`);
    }
    // A phase is over with its patch, and what the last step of it did was judged.
    if (m.finished && this.#phased) m.s[m.l.phase] = 0;
    const broken = m.outcome !== 0;
    for (let i = 0; i < p.witnesses.length; i++) {
      const lo = evaluate(m, (p.witnesses[i] as Program['witnesses'][number]).expr);
      // A witness that cannot be read is not seen; it breaks nothing.
      if ((lo !== 0 || m.hi !== 0) && m.outcome === 0) this.witnessed |= 1 << i;
      if (!broken) m.outcome = 0;
    }
    m.looking = false;
  }

  // ---- names and goals

  actionName(state: Int32Array, action: number): string {
    const m = this.core;
    m.s = state;
    const cpu = actionCpu(action);
    const argument = argumentOf(action);
    m.select(cpu);
    const source = (e: number): string => this.#p.env.events[e]?.name ?? 'event';
    switch (kindOf(action)) {
      case kinds.step: {
        if (this.kernel.at(m.rip()) >= 0) return `cpu${cpu} step`;
        return `cpu${cpu} ${this.fetch.choices()[argument]?.name ?? 'step'}`;
      }
      case kinds.ipi:
        return `cpu${cpu} ipi`;
      case kinds.nmiIpi:
        return `cpu${cpu} nmi ipi`;
      case kinds.nmi:
      case kinds.irq:
        return `cpu${cpu} ${source(argument)}`;
      case kinds.nmiLatch:
        return `cpu${cpu} ${source(argument)} latched`;
      case kinds.nmiLost:
        return `cpu${cpu} ${source(argument)} lost`;
      case kinds.latched:
        return `cpu${cpu} latched ${source(argument)}`;
      case kinds.preempt:
        return `cpu${cpu} preempt by ${taskName(this.#p, argument)}`;
      case kinds.commit:
        return m.oldestMembers(cpu) > 1
          ? `cpu${cpu} commit ${this.#member(cpu, argument)}`
          : `cpu${cpu} commit`;
      default:
        throw new Error(`no such action: ${action}`);
    }
  }

  /** Which member of an entry: the first byte that it writes, counted from the entry's lowest. */
  #member(cpu: number, k: number): string {
    const m = this.core;
    const base = (m.l.cpus[cpu] as number) + cpuField.buffer + 1;
    const cell = m.s[base + k * m.l.unitWords + 1] as number;
    const place = this.#p.places.find((x) => cell >= x.cell && cell < x.cell + x.length);
    return place ? `${place.name}[${cell - place.cell}]` : `byte ${cell}`;
  }

  describe(state: Int32Array, action: number): Description {
    const m = this.core;
    m.s = state;
    const cpu = actionCpu(action);
    m.select(cpu);
    const who = this.#who();
    const name = this.actionName(state, action);
    m.select(cpu);
    const rest = name.slice(name.indexOf(' ') + 1);
    switch (kindOf(action)) {
      case kinds.step: {
        const operation = this.kernel.at(m.rip());
        if (operation >= 0)
          return {
            cpu,
            who,
            kind: 'operation',
            text: this.#p.kernel[operation]?.text ?? '',
            operation,
          };
        const address = toAddress(m.rip());
        const insn = this.fetch.choices()[argumentOf(action)]?.insn;
        const names = (a: number): string | undefined =>
          this.#p.labels.get(a) ?? nearLabel(this.#p, a);
        if (!insn) return { cpu, who, kind: 'instruction', address, text: 'fetch' };
        const d = decode(insn.bytes, insn.bytes.length);
        return {
          cpu,
          who,
          kind: 'instruction',
          address,
          bytes: insn.bytes,
          text: d.kind === 'insn' ? disassemble(d, address, names) : '',
        };
      }
      case kinds.commit: {
        const base = (m.l.cpus[cpu] as number) + cpuField.buffer + 1;
        const at = base + argumentOf(action) * m.l.unitWords;
        return { cpu, who: 'store buffer', kind: 'commit', text: this.#unitText(at) };
      }
      default:
        return { cpu, who, kind: 'event', text: rest };
    }
  }

  #unitText(at: number): string {
    const m = this.core;
    const head = m.s[at] as number;
    const index = m.s[at + 1] as number;
    if ((head & 15) !== 3) {
      const w = this.#p.data[(head & 15) === 2 ? index : index >> 1];
      return `${w?.name ?? 'memory'} = ${wordText(this.#p, m.s[at + 2] as number, (head & 15) === 2 ? (m.s[at + 3] as number) : 0)} is stored`;
    }
    const count = (head >> 8) & 0xff;
    const bytes = Array.from({ length: count }, (_, i) =>
      (((m.s[at + 2 + (i >> 2)] as number) >>> (8 * (i & 3))) & 0xff).toString(16).padStart(2, '0'),
    );
    return `${cellName(m, index, count)} = ${bytes.join(' ')} is stored`;
  }

  /** Whose code runs on the selected CPU. */
  #who(): string {
    const m = this.core;
    switch (m.s[m.c]) {
      case context.breakpoint:
        return '#BP';
      case context.ipi:
        return 'IPI';
      case context.nmiIpi:
      case context.nmiEmpty:
      case context.nmiCode:
        return 'NMI';
      case context.irqEmpty:
      case context.irqCode:
        return 'IRQ';
      default:
        return taskName(this.#p, m.task);
    }
  }

  optional(action: number): boolean {
    const kind = kindOf(action);
    return (
      kind === kinds.nmi || kind === kinds.irq || kind === kinds.nmiLatch || kind === kinds.nmiLost
    );
  }

  goalsOf(state: Int32Array): number {
    const m = this.core;
    const { p } = m;
    m.s = state;
    if (p.waived.size > 0 && state[m.l.ended] !== 0) return (1 << this.goals.length) - 1;
    let bits = 0;
    let bit = 1;
    if (!p.waived.has(property('terminates'))) {
      if (this.finished(state)) bits |= bit;
      bit <<= 1;
    }
    if (this.#eventually.length > 0) {
      m.select(0);
      m.looking = true;
      for (const r of this.#eventually) {
        const lo = evaluate(m, r.expr);
        // What follows a nil says nothing, and so not that the goal is reached.
        if (m.outcome === 0 && (lo !== 0 || m.hi !== 0)) bits |= bit;
        m.outcome = 0;
        bit <<= 1;
      }
      m.looking = false;
    }
    return bits;
  }

  finished(state: Int32Array): boolean {
    const m = this.core;
    m.s = state;
    const { s, l } = m;
    const patcher = l.tasks[0] as number;
    const depth = s[patcher + taskField.depth] as number;
    const rip =
      depth === 0
        ? (s[patcher + taskField.rip] as number)
        : m.stackWord(s[patcher + l.contexts + l.ctx.size + l.ctx.base] as number);
    if (this.#p.kernel[this.kernel.at(rip)]?.do.kind !== 'end') return false;
    for (const t of l.tasks) {
      for (let d = 0; d < l.depth; d++)
        if (s[t + l.contexts + d * l.ctx.size + l.ctx.pass] !== 0) return false;
    }
    return true;
  }
}

/** `place+1`, `plain+5`: an address by the nearest label before it. */
export function nearLabel(p: Program, address: number): string | undefined {
  const exact = p.places.find((x) => x.from === address);
  if (exact) return exact.name;
  let best: string | undefined;
  let distance = 64;
  for (const [at, name] of p.labels) {
    const d = address - at;
    if (d >= 0 && d < distance) {
      best = d === 0 ? name : `${name}+${d}`;
      distance = d;
    }
  }
  const behind = p.places.find((x) => address === x.from + x.length);
  return distance > 0 && behind ? `${behind.name}.end` : best;
}

/** `place[0]`, `place[1..5]`, `plain[3]`. */
export function cellName(m: Core, cell: number, count = 1): string {
  const slot = m.slotOfCell[cell] as number;
  const owner = slot >= 0 ? m.slots[slot] : undefined;
  const place = m.p.places.find((x) => cell >= x.cell && cell < x.cell + x.length);
  const name = owner
    ? (m.p.stubs[owner.stub]?.name ?? 'stub') +
      ((m.p.stubs[owner.stub]?.slots.length ?? 1) > 1 ? `#${owner.index}` : '')
    : (place?.name ?? 'text');
  const from = cell - (owner?.cell ?? place?.cell ?? 0);
  return count === 1 ? `${name}[${from}]` : `${name}[${from}..${from + count}]`;
}

/** A word as people say it: `nil`, a label, an instruction, a number. */
export function wordText(p: Program, lo: number, hi: number): string {
  if (lo === 0 && hi === 0) return '0';
  if (hi === instructionTag) return `\`${p.contents[lo - 1]?.text ?? '?'}\``;
  if (hi === -1) {
    const name = nearLabel(p, toAddress(lo));
    if (name) return name;
    const word = p.data.find((d) => d.address === toAddress(lo));
    if (word) return `&${word.name}`;
  }
  const wide = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
  return wide > 4096n || wide < -4096n
    ? `0x${BigInt.asUintN(64, wide).toString(16)}`
    : String(wide);
}
