// The patcher and the handlers: their operations, one access an action, with what rides along.

import { readsMemory } from '../footprint.ts';
import type { KernelDo, KernelOp, Program } from '../ir.ts';
import { asksForPhases, property, region } from '../ir.ts';
import type { Op } from '../ops.ts';
import { iret, releaseSlot } from './contexts.ts';
import type { Core } from './core.ts';
import type { Fetch, Prepared } from './fetch.ts';
import { context, cpuField, idleFrom, taskField } from './layout.ts';
import type { Passes } from './passes.ts';
import type { Effects } from './step.ts';
import { assign, contentOf, evaluate, execute } from './step.ts';

/** Operations in a step: what rides along behind an access may be a loop that never ends. */
export const endless = 100000;

/** The same operations for an instruction that is not where it was assembled: its return address moves along. */
export function moved(insn: Prepared, by: number): Prepared {
  const ops = insn.ops.map((o) =>
    o.kind === 'push' && o.as === 'return' && o.value.kind === 'const'
      ? { ...o, value: { ...o.value, lo: (o.value.lo + by) | 0 } }
      : o,
  );
  return { ...insn, ops, next: (insn.next + by) | 0 };
}

/** Whether what an instruction does is an access when it is emulated. */
export const isAccess = (ops: readonly Op[]): boolean =>
  readsMemory(ops) || ops.some((o) => o.kind === 'push' || o.kind === 'pop' || o.kind === 'store');

/**
 * The members of the entry that a poke puts into the store buffer, by the bytes that they have of it: those that share a
 * unit of the profile, or a line if it is locked; one for each byte where they may come in any order.
 */
export function membersOf(
  p: Program,
  op: Poke,
): readonly { readonly from: number; readonly count: number }[] {
  const unit = op.unit.kind === 'together' ? 1 : op.unit.locked ? 64 : p.env.fetch.storeUnit;
  const first = (p.places[op.place]?.from ?? 0) + op.from;
  const members: { from: number; count: number }[] = [];
  for (let i = 0; i < op.to - op.from; i++) {
    const last = members.at(-1);
    if (last && Math.floor((first + i) / unit) === Math.floor((first + i - 1) / unit)) last.count++;
    else members.push({ from: i, count: 1 });
  }
  return members;
}
type Poke = Extract<KernelDo, { kind: 'poke' }>;

export class Kernel {
  /** For each operation whether some run executed it. */
  readonly executed: Uint8Array;
  /** The access that the last action did, or the first operation where it did none. */
  accessed = -1;
  private readonly m: Core;
  readonly #p: Program;
  readonly #fetch: Fetch;
  readonly #passes: Passes;
  readonly #effects: Effects;
  readonly #phased: boolean;
  /** Contents whose first instruction, when emulated, touches memory: a step of its own. And those that need room for a store. */
  readonly #emulatedAccess: readonly boolean[];
  readonly #emulatedStore: readonly boolean[];

  constructor(core: Core, fetch: Fetch, passes: Passes, effects: Effects) {
    this.m = core;
    this.#p = core.p;
    this.#fetch = fetch;
    this.#passes = passes;
    this.#effects = effects;
    this.#phased = asksForPhases(core.p);
    this.executed = new Uint8Array(core.p.kernel.length);
    const emulated = core.p.contents.map((c) => this.#first(c.bytes, region.code)?.ops ?? []);
    this.#emulatedAccess = emulated.map(isAccess);
    this.#emulatedStore = emulated.map((ops) => ops.some((o) => o.kind === 'store'));
  }

  #first(bytes: Uint8Array, at: number): ReturnType<Fetch['prepare']> {
    for (let n = 1; n <= bytes.length; n++) {
      const insn = this.#fetch.prepare(at, bytes, n);
      if (insn !== undefined) return insn;
    }
    return undefined;
  }

  /** Index of the operation at which the running context stands, or -1 in machine code. */
  at(rip: number): number {
    const index = (rip - (region.kernel | 0)) | 0;
    return index >= 0 && index < this.#p.kernel.length ? index : -1;
  }

  #isAccess(op: KernelDo): boolean {
    switch (op.kind) {
      case 'load':
      case 'store':
      case 'atomic':
      case 'poke':
      case 'build':
      case 'release':
      case 'send':
      case 'sendto':
      case 'acks':
      case 'step':
      case 'preempt':
      case 'waittime':
      case 'emulatecall':
      case 'ipiack':
      case 'iret':
      case 'end':
        return true;
      case 'emulate':
        return this.#isOneOf(this.#emulatedAccess, op);
      case 'set':
      case 'jump':
      case 'violate':
      case 'begin':
      case 'finish':
      case 'nop':
        return false;
    }
  }

  #isOneOf(contents: readonly boolean[], { of }: Extract<KernelDo, { kind: 'emulate' }>): boolean {
    const lo = evaluate(this.m, of);
    this.m.outcome = 0;
    return lo > 0 && contents[lo - 1] === true;
  }

  /** Whether the operation can be done now. */
  ready(index: number): boolean {
    const { m } = this;
    const op = (this.#p.kernel[index] as KernelOp).do;
    const empty = m.buffered(m.cpu) === 0;
    switch (op.kind) {
      case 'end':
        // It idles; but a shadow that its last statement left ends with an instruction of the idle loop.
        return m.s[(m.l.cpus[m.cpu] as number) + cpuField.shadow] !== 0;
      case 'waittime':
        // What was stored before a bounded wait is what all fetch after it: it must have been stored.
        return empty || (!m.p.env.stalenessBounded && m.p.env.memory !== 'sc');
      case 'emulate':
        return (
          !this.#isAccess(op) ||
          ((m.p.env.memory !== 'sc' || empty) &&
            (m.hasRoom(1) || !this.#isOneOf(this.#emulatedStore, op)))
        );
      case 'acks':
        return m.s[m.l.outstanding] === 0;
      case 'send':
      case 'sendto':
      case 'iret':
      case 'atomic':
        return empty;
      case 'step':
        return (
          empty ||
          !op.ops.some((o) => o.kind === 'locked' || o.kind === 'drain' || o.kind === 'serialise')
        );
      case 'poke': {
        if (op.unit.kind === 'store' && op.unit.locked) return empty;
        return (m.p.env.memory !== 'sc' || empty) && m.hasRoom(membersOf(m.p, op).length);
      }
      case 'store':
      case 'build':
        return (m.p.env.memory !== 'sc' || empty) && m.hasRoom(1);
      case 'load':
      case 'release':
      case 'preempt':
      case 'ipiack':
      case 'emulatecall':
        return m.p.env.memory !== 'sc' || empty;
      case 'set':
      case 'jump':
      case 'violate':
      case 'begin':
      case 'finish':
      case 'nop':
        return true;
    }
  }

  /** One action: at most one access, then all that rides along behind it. */
  act(): void {
    const { m } = this;
    let accessed = false;
    this.accessed = this.at(m.rip());
    for (let count = 0; m.outcome === 0 && m.limit === undefined; count++) {
      const index = this.at(m.rip());
      if (index < 0) return; // went back to machine code
      if (count > endless) {
        m.limit = 'operations in a row without an access';
        return;
      }
      const op = (this.#p.kernel[index] as KernelOp).do;
      if (this.#isAccess(op)) {
        if (accessed || !this.ready(index)) return;
        accessed = true;
        this.accessed = index;
        if (m.task === 0 && m.s[m.c] === context.user && this.#phased)
          m.s[m.l.phase] = 1 + ((this.#p.kernel[index] as KernelOp).phase ?? -1);
      }
      this.executed[index] = 1;
      m.s[m.t + taskField.rip] = ((m.rip() as number) + 1) | 0;
      const before = m.c;
      this.#perform(op, index);
      if (op.kind === 'iret') return;
      if (m.c !== before) return;
    }
  }

  #goto(index: number): void {
    this.m.s[this.m.t + taskField.rip] = (region.kernel + index) | 0;
  }

  #perform(op: KernelDo, index: number): void {
    const { m } = this;
    switch (op.kind) {
      case 'load': {
        const address = evaluate(m, op.address);
        if (m.outcome !== 0) return;
        let lo: number;
        if (op.code) {
          lo = m.newestByte(address);
          m.hi = 0;
          if (lo < 0) m.fault('#PF: loads a code byte where no code is');
        } else lo = m.load(address, m.hi, op.width);
        if (m.outcome === 0) assign(m, { kind: 'local', index: op.to }, lo, m.hi);
        return;
      }
      case 'store': {
        const lo = evaluate(m, op.address);
        const hi = m.hi;
        const value = evaluate(m, op.value);
        if (m.outcome === 0) m.store(lo, hi, value, m.hi, op.width);
        return;
      }
      case 'atomic':
        m.direct = true;
        for (let n = 0; m.outcome === 0; n++) {
          const k = this.at(m.rip());
          if (k <= index || k >= op.end) break;
          if (n > endless) {
            m.limit = 'operations in a row without an access';
            break;
          }
          this.executed[k] = 1;
          m.s[m.t + taskField.rip] = (m.rip() + 1) | 0;
          this.#perform((this.#p.kernel[k] as KernelOp).do, k);
        }
        m.direct = false;
        return;
      case 'poke':
        this.#poke(op);
        return;
      case 'build':
        this.#build(op);
        return;
      case 'release': {
        const built = m.slots.flatMap((x, i) =>
          x.stub === op.stub && m.s[m.l.slots + i] !== 0 ? [i] : [],
        );
        if (built.length === 0) {
          m.violate(
            property('stale_stub'),
            `releases ${m.p.stubs[op.stub]?.name}, which is not built`,
          );
          return;
        }
        for (const slot of built) releaseSlot(m, slot);
        assign(m, { kind: 'local', index: op.slot }, 0, 0);
        return;
      }
      case 'send': {
        const to: number[] = [];
        for (let cpu = 0; cpu < m.p.env.cpus; cpu++) {
          if (cpu === m.cpu) continue;
          const at = (m.l.cpus[cpu] as number) + (op.nmi ? cpuField.nmiIpi : cpuField.ipi);
          m.s[at] = (m.s[at] as number) + 1;
          to.push(cpu);
        }
        m.s[m.l.outstanding] = (m.s[m.l.outstanding] as number) + to.length;
        m.happened?.push({ kind: 'send', to });
        if (op.self) m.serialise(m.cpu);
        return;
      }
      case 'sendto': {
        if (op.cpu === m.cpu) {
          if (op.self) m.serialise(m.cpu);
          return;
        }
        const task = m.s[(m.l.cpus[op.cpu] as number) + cpuField.task] as number;
        if (task >= idleFrom(m.p)) return;
        const at = (m.l.cpus[op.cpu] as number) + cpuField.ipi;
        m.s[at] = (m.s[at] as number) + 1;
        m.s[m.l.outstanding] = (m.s[m.l.outstanding] as number) + 1;
        m.happened?.push({ kind: 'send', to: [op.cpu] });
        return;
      }
      case 'acks':
      case 'waittime':
        if (op.kind === 'waittime' && m.p.env.stalenessBounded) {
          for (let cpu = 0; cpu < m.p.env.cpus; cpu++) m.serialise(cpu);
        }
        return;
      case 'step':
        execute(m, op.ops, this.#effects);
        m.direct = false;
        return;
      case 'preempt':
        m.s[m.t + taskField.preemptOff] = op.on ? 0 : 1;
        return;
      case 'emulatecall': {
        const lo = evaluate(m, op.target);
        const hi = m.hi;
        const back = evaluate(m, op.back);
        if (m.outcome !== 0) return;
        m.onFrame = true;
        m.push(back, m.hi, true);
        if (m.outcome === 0) m.writeFrame(0, lo, hi);
        m.onFrame = false;
        return;
      }
      case 'emulate':
        this.#emulate(op.of);
        return;
      case 'ipiack': {
        m.s[m.l.outstanding] = (m.s[m.l.outstanding] as number) - 1;
        const ip = m.stackWord(m.frameBase());
        m.happened?.push({ kind: 'ack', cpu: m.cpu, inside: ip });
        return;
      }
      case 'iret':
        iret(m);
        return;
      case 'end':
        this.#goto(index);
        return;
      case 'set': {
        const lo = evaluate(m, op.value);
        if (m.outcome === 0) assign(m, op.to, lo, m.hi);
        return;
      }
      case 'jump': {
        if (op.when) {
          const lo = evaluate(m, op.when);
          if (lo === 0 && m.hi === 0) return;
        }
        if (op.unless) {
          const lo = evaluate(m, op.unless);
          if (lo !== 0 || m.hi !== 0) return;
        }
        if (m.outcome === 0) this.#goto(op.to);
        return;
      }
      case 'violate':
        m.violate(op.property, op.message);
        return;
      case 'begin':
        this.#begin(op.patch);
        return;
      case 'finish':
        this.#finish(op);
        return;
      case 'nop':
        return;
    }
  }

  #emulate(of: Extract<KernelDo, { kind: 'emulate' }>['of']): void {
    const { m } = this;
    const content = contentOf(m, evaluate(m, of), m.hi);
    if (content < 0) return;
    const bytes = m.p.contents[content]?.bytes ?? new Uint8Array();
    const here = m.s[m.c + m.l.ctx.here] as number;
    const home = m.p.contents[content];
    // An instruction that stands in the handler's text has its target from there, not from `here`.
    const at = home && home.place < 0 ? home.at : here;
    const decoded = this.#first(bytes, at);
    const insn = decoded && at !== here ? moved(decoded, (here - at) | 0) : decoded;
    if (!insn) {
      m.violate(property('assertion'), 'emulates bytes that are no instruction');
      return;
    }
    const plain = insn.ops.every(
      (o) =>
        o.kind === 'set' ||
        o.kind === 'push' ||
        o.kind === 'pop' ||
        o.kind === 'branch' ||
        o.kind === 'status' ||
        o.kind === 'store',
    );
    if (!plain) {
      m.violate(
        property('assertion'),
        'emulates an instruction that a handler cannot do for another context',
      );
      return;
    }
    // The instruction's own operations, on the saved frame instead of the registers.
    m.onFrame = true;
    m.writeFrame(0, insn.next, -1);
    execute(m, insn.ops, this.#effects);
    m.onFrame = false;
  }

  #poke(op: Extract<KernelDo, { kind: 'poke' }>): void {
    const { m } = this;
    const place = m.p.places[op.place];
    if (!place) return;
    const wanted = (m.s[m.l.patchNew + op.place] as number) - 1;
    if (wanted >= 0) this.#passes.becomesCurrent(op.place, wanted);
    let bytes: Uint8Array;
    if (op.source.kind === 'bytes') bytes = op.source.bytes;
    else {
      const index =
        (m.s[(op.source.which === 'new' ? m.l.patchNew : m.l.patchOld) + op.place] as number) - 1;
      bytes = (m.p.contents[index]?.bytes ?? new Uint8Array()).slice(op.from, op.to);
    }
    const cell = place.cell + op.from;
    const members = membersOf(m.p, op);
    const atOnce = m.p.env.memory === 'sc' || (op.unit.kind === 'store' && op.unit.locked);
    if (members.length === 1 && atOnce) {
      m.commitText(cell, bytes);
      return;
    }
    members.forEach((member, i) => {
      m.bufferText(cell + member.from, bytes, member.from, member.count, i === 0);
    });
  }

  #build(op: Extract<KernelDo, { kind: 'build' }>): void {
    const { m } = this;
    const stub = m.p.stubs[op.stub];
    if (!stub) return;
    let slot: number;
    if (op.index === 0) {
      slot = m.slots.findIndex((x, i) => x.stub === op.stub && m.s[m.l.slots + i] === 0);
      if (slot < 0) {
        this.#goto(op.full); // no free slot: the patch ends as by `fail`
        return;
      }
      m.s[m.l.slots + slot] = 1;
      assign(m, { kind: 'local', index: op.slot }, (m.slots[slot]?.from ?? 0) | 0, -1);
      m.happened?.push({ kind: 'build', slot });
    } else {
      const lo = evaluate(m, { kind: 'local', index: op.slot });
      slot = m.slots.findIndex((x) => x.stub === op.stub && (x.from | 0) === lo);
    }
    const info = m.slots[slot];
    if (!info) return;
    let value = stub.template[op.index] as number;
    for (const f of stub.fixups) {
      const k = op.index - f.offset;
      if (k < 0 || k >= f.width) continue;
      const lo = evaluate(m, op.args[f.param] as (typeof op.args)[number]);
      const hi = m.hi;
      if (m.outcome !== 0) return;
      // A displacement counts from behind the instruction; the addend holds that distance from the slot's start.
      const by = f.kind === 'rel32' ? -(info.from + f.addend) : f.addend;
      const whole = BigInt.asIntN(64, (BigInt(hi) << 32n) + BigInt(lo >>> 0) + BigInt(by));
      const isUnsigned = f.kind === 'abs32' && BigInt.asUintN(32, whole) === whole;
      if (f.width === 4 && BigInt.asIntN(32, whole) !== whole && !isUnsigned) {
        m.violate(
          property('assertion'),
          `builds ${stub.name} with a value that its 32 bits cannot hold`,
        );
        return;
      }
      value = Number((whole >> BigInt(8 * k)) & 0xffn);
    }
    const bytes = Uint8Array.of(value);
    if (m.p.env.memory === 'sc') m.commitText(info.cell + op.index, bytes);
    else m.bufferText(info.cell + op.index, bytes, 0, 1, true);
  }

  /** What the places hold is read once, when the patch starts. */
  #begin(patch: number): void {
    const { m } = this;
    const info = m.p.patches[patch];
    if (!info) return;
    const holds = (place: number, content: number): boolean => {
      const where = m.p.places[place];
      const bytes = m.p.contents[content]?.bytes ?? new Uint8Array();
      return bytes.every((b, i) => m.newestCell((where?.cell ?? 0) + i) === b);
    };
    const forward = info.changes.every((x) => x.old === undefined || holds(x.place, x.old));
    const backward =
      !forward && info.changes.every((x) => x.old !== undefined && holds(x.place, x.new));
    if (!forward && !backward) {
      m.violate(
        property('assertion'),
        `${info.name} starts while its places hold neither all the old content nor all the new`,
      );
      return;
    }
    for (const change of info.changes) {
      const contents = m.p.places[change.place]?.contents ?? [];
      const now =
        change.old ?? contents.find((content) => holds(change.place, content)) ?? change.new;
      m.s[m.l.patchOld + change.place] = 1 + (backward ? change.new : now);
      m.s[m.l.patchNew + change.place] = 1 + (backward ? now : change.new);
    }
    m.happened?.push({ kind: 'begin', patch });
  }

  #finish({ patch, failed }: Extract<KernelDo, { kind: 'finish' }>): void {
    const { m } = this;
    const info = m.p.patches[patch];
    if (!info) return;
    for (const change of info.changes) {
      const content = (m.s[m.l.patchNew + change.place] as number) - 1;
      if (content < 0) continue;
      const before = (m.s[m.l.patchOld + change.place] as number) - 1;
      const cell = m.p.places[change.place]?.cell ?? 0;
      const holds = (one: number): boolean =>
        m.p.contents[one]?.bytes.every((b, i) => m.newestCell(cell + i) === b) === true;
      // The place may hold what it held: then that is current again. Who fails half way has replaced nothing yet.
      const current = [content, before].find(holds) ?? (failed ? undefined : content);
      if (current !== undefined) this.#passes.onlyCurrent(change.place, current);
      m.s[m.l.patchOld + change.place] = 0;
      m.s[m.l.patchNew + change.place] = 0;
    }
    m.finished = true;
    m.happened?.push({ kind: 'finish', patch });
  }

  /** Whether the patcher may lose its CPU here: not from a sync's first IPI on until all are acknowledged. */
  preemptible(): boolean {
    const { m } = this;
    const index = this.at(m.rip());
    const op = index < 0 ? undefined : (this.#p.kernel[index] as KernelOp).do.kind;
    const before = this.#p.kernel[index - 1]?.do.kind;
    const sends = op === 'acks' || (op === 'sendto' && before === 'sendto');
    if (sends || m.s[m.t + taskField.preemptOff] !== 0) return false;
    const kind = m.s[m.c];
    return kind === context.user || (kind === context.breakpoint && this.#p.env.gate === 'signal');
  }
}
