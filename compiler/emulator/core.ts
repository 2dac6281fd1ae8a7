// The state of the machine and every way to read or change it: registers, stacks, memory, store buffers, code versions.

import type { Program } from '../ir.ts';
import { property, region, stackStride, stackWords } from '../ir.ts';
import { flagBits, RSP, statusFlags } from '../ops.ts';
import type { Layout } from './layout.ts';
import {
  bufferUnits,
  context,
  cpuField,
  createLayout,
  expectation,
  idleCpus,
  idleFrom,
  shadowStackWords,
  taskCount,
  taskField,
} from './layout.ts';

/** What happened in a step, for whoever tells it; nothing in the semantics reads it. */
export type Happening =
  | { readonly kind: 'write'; readonly cell: number; readonly old: number; readonly value: number }
  | { readonly kind: 'data'; readonly word: number; readonly lo: number; readonly hi: number }
  | { readonly kind: 'serialise'; readonly cpu: number }
  | {
      readonly kind: 'deliver';
      readonly what: string;
      readonly cpu: number;
      readonly shadowed: boolean;
      /** Low word of the frame's address. */
      readonly base: number;
    }
  | { readonly kind: 'iret'; readonly cpu: number; readonly to: number }
  | { readonly kind: 'open' | 'close'; readonly place: number; readonly content: number }
  | { readonly kind: 'ack'; readonly cpu: number; readonly inside: number }
  | { readonly kind: 'send'; readonly to: readonly number[] }
  | { readonly kind: 'begin' | 'finish'; readonly patch: number }
  | { readonly kind: 'build' | 'release'; readonly slot: number };

/** Fixed value of a register that no code reads, while a pass is open: its loss shows. */
export const marker = { lo: 0x0f1e2d3c, hi: 0x4b5a6978 } as const;
export const markerFlags = flagBits.cf | flagBits.sf;
/** RIP of an outcome that no arrival equals: it faulted, or it ends in a trap. */
export const arrivesNowhere = 1;
export const arrivesByTrap = 2;

/** A slot of a stub, by its number over all stubs. */
export interface Slot {
  readonly stub: number;
  readonly index: number;
  readonly from: number;
  readonly cell: number;
  readonly length: number;
}

export class Core {
  readonly p: Program;
  readonly l: Layout;
  readonly slots: readonly Slot[];
  /** Cell -> slot number, or -1 for a byte of a place. */
  readonly slotOfCell: Int32Array;
  readonly cellAddress: Float64Array;
  /** CPUs that can ever fetch a byte of a place or a stub. */
  readonly fetches: readonly boolean[];
  /** Whether an index is a register that exists inside passes only. */
  readonly deadRegisters: readonly boolean[];
  readonly registerIndex: Int32Array;
  readonly #dataIndex = new Map<number, number>();
  readonly #textBytes = new Map<number, number>();
  readonly #cellIndex = new Map<number, number>();

  s: Int32Array;
  /** High word of the last 64-bit value that a function returned the low word of. */
  hi = 0;
  cpu = 0;
  task = 0;
  /** Offset of the running task's record, and of its top context's. */
  t = 0;
  c = 0;
  /** 1 + property that the step violated, or 0. */
  outcome = 0;
  reason = '';
  limit: string | undefined;
  events = 0;
  /** Where a guarded word was hit. */
  overwritten = 0;
  /** A patch returned in this step. */
  finished = false;
  /** Memory is written at once and read without the buffer: inside a locked operation. */
  direct = false;
  /** A property looks at the state: nothing that it reads counts as seen by a CPU. */
  looking = false;
  /** Registers are those of the saved frame: an instruction is being emulated. */
  onFrame = false;
  happened: Happening[] | undefined;

  constructor(p: Program) {
    this.p = p;
    this.l = createLayout(p);
    this.s = new Int32Array(this.l.words);
    const slots: Slot[] = [];
    p.stubs.forEach((stub, i) => {
      stub.slots.forEach((slot, index) => {
        slots.push({
          stub: i,
          index,
          from: slot.from,
          cell: slot.cell,
          length: stub.template.length,
        });
      });
    });
    this.slots = slots;
    this.slotOfCell = new Int32Array(p.cells).fill(-1);
    this.cellAddress = new Float64Array(p.cells);
    for (const range of p.text)
      range.bytes.forEach((b, i) => {
        this.#textBytes.set(range.from + i, b);
      });
    for (const place of p.places) {
      for (let i = 0; i < place.length; i++) this.#placeCell(place.from + i, place.cell + i);
    }
    slots.forEach((slot, n) => {
      for (let i = 0; i < slot.length; i++) {
        this.#placeCell(slot.from + i, slot.cell + i);
        this.slotOfCell[slot.cell + i] = n;
      }
    });
    p.data.forEach((w, i) => {
      this.#dataIndex.set(w.address, i);
    });
    this.registerIndex = new Int32Array(16).fill(-1);
    p.registers.forEach((r, i) => {
      this.registerIndex[r] = i + 1;
    });
    this.registerIndex[RSP] = 0;
    this.deadRegisters = p.registers.map((r) => !p.liveRegisters.has(r));
    this.fetches = Array.from(
      { length: p.env.cpus },
      (_, cpu) =>
        p.env.migrate ||
        p.ipiCode?.reaches === true ||
        p.threads.some((t) => t.cpu === cpu) ||
        p.env.events.some((e) => e.reaches && (e.on ?? cpu) === cpu),
    );
  }

  #placeCell(address: number, cell: number): void {
    this.#cellIndex.set(address, cell);
    this.cellAddress[cell] = address;
  }

  /** The state in which everything starts. */
  initial(): Int32Array {
    const { p, l } = this;
    const s = new Int32Array(l.words);
    this.s = s;
    p.places.forEach((place, i) => {
      s[l.versions + i] = 1;
      const first = p.contents[place.contents[0] as number];
      if (!first) throw new Error(`place ${place.name} has no content`);
      first.bytes.forEach((b, k) => {
        s[l.cells + place.cell + k] = b;
      });
    });
    p.data.forEach((w, i) => {
      s[l.data + 2 * i] = w.lo;
      s[l.data + 2 * i + 1] = w.hi;
    });
    p.env.events.forEach((e, i) => {
      s[l.events + i] = e.count;
    });
    const running = Array.from({ length: p.env.cpus }, () => -1);
    running[0] = 0;
    p.threads.forEach((thread, i) => {
      if (running[thread.cpu] === -1) running[thread.cpu] = i + 1;
    });
    idleCpus(p).forEach((cpu, i) => {
      if (running[cpu] === -1) running[cpu] = idleFrom(p) + i;
    });
    for (let task = 0; task < taskCount(p); task++) {
      const t = l.tasks[task] as number;
      const thread = p.threads[task - 1];
      s[t + taskField.rip] =
        task === 0 ? (region.kernel + p.entry.patcher) | 0 : thread ? thread.entry | 0 : 0;
      s[t + taskField.flags] = flagBits.if;
      // The top of the stack stays free, so that RSP mod 16 is 0 or 8 as asked.
      s[t + l.registers] = (this.stackTop(task) - (thread?.rsp === 8 ? 8 : 0)) | 0;
      s[t + l.registers + 1] = -1;
    }
    running.forEach((task, cpu) => {
      s[(l.cpus[cpu] as number) + cpuField.task] = task;
    });
    return s;
  }

  /** Tasks that start switched out: their first action is the IRET of the interrupt that took their CPU. */
  waiting(): readonly number[] {
    const { p, l, s } = this;
    const running = new Set(l.cpus.map((c) => s[c + cpuField.task] as number));
    return Array.from({ length: taskCount(p) }, (_, t) => t).filter((t) => !running.has(t));
  }

  /** Makes `cpu` the one that acts. */
  select(cpu: number): void {
    this.cpu = cpu;
    this.selectTask(this.s[(this.l.cpus[cpu] as number) + cpuField.task] as number);
  }
  selectTask(task: number): void {
    this.task = task;
    this.t = this.l.tasks[task] as number;
    this.c =
      this.t + this.l.contexts + (this.s[this.t + taskField.depth] as number) * this.l.ctx.size;
  }

  violate(prop: number, reason: string): void {
    if (this.outcome !== 0) return;
    this.outcome = prop + 1;
    this.reason = reason;
  }

  /** A fault of the program: inside a pass it is a behaviour that no version has. */
  fault(reason: string): void {
    this.violate(
      property((this.s[this.c + 3] as number) !== 0 ? 'old_or_new' : 'no_fault'),
      reason,
    );
  }

  // ---- registers

  /** Low word of a register of the context that runs, or of the saved frame; `hi` is set. */
  register(r: number): number {
    const { s } = this;
    const i = this.registerIndex[r] as number;
    if (this.onFrame) {
      if (i === 0) return this.stackWord(this.frameBase() + 24);
      const at = this.c + this.l.ctx.saved + 2 * (i - 1);
      this.hi = s[at + 1] as number;
      return s[at] as number;
    }
    const at = this.t + this.l.registers + 2 * i;
    this.hi = s[at + 1] as number;
    return s[at] as number;
  }

  setRegister(r: number, lo: number, hi: number): void {
    const i = this.registerIndex[r] as number;
    if (this.onFrame) {
      if (i === 0) this.writeFrame(24, lo, hi);
      else {
        const at = this.c + this.l.ctx.saved + 2 * (i - 1);
        this.s[at] = lo;
        this.s[at + 1] = hi;
      }
      return;
    }
    if (i === 0) {
      this.setStackPointer(lo, hi);
      return;
    }
    const at = this.t + this.l.registers + 2 * i;
    this.s[at] = lo;
    this.s[at + 1] = hi;
  }

  flags(): number {
    return this.onFrame
      ? this.stackWord(this.frameBase() + 16)
      : (this.s[this.t + taskField.flags] as number);
  }
  setFlags(value: number): void {
    if (this.onFrame) this.writeFrame(16, value, 0);
    else this.s[this.t + taskField.flags] = value & (statusFlags | flagBits.if);
  }

  rip(): number {
    return this.s[this.t + taskField.rip] as number;
  }

  // ---- stacks

  stackTop(stack: number): number {
    return region.stacks + stack * stackStride + stackWords * 8;
  }

  /** Offset in the state of the word of a stack at an address with high word -1, or -1. */
  #stackAt(lo: number): number {
    const off = (lo - (region.stacks | 0)) >>> 0;
    const stack = Math.floor(off / stackStride);
    const inside = off % stackStride;
    if (stack >= this.l.stacks.length || inside >= stackWords * 8 || (inside & 7) !== 0) return -1;
    return (this.l.stacks[stack] as number) + inside / 4;
  }

  isStack(lo: number): boolean {
    const off = (lo - (region.stacks | 0)) >>> 0;
    return Math.floor(off / stackStride) < this.l.stacks.length;
  }

  /** A word of a stack; 0 where there is none. Sets `hi`. */
  stackWord(lo: number): number {
    const at = this.#stackAt(lo | 0);
    if (at < 0) {
      this.fault('reads outside its stack');
      this.hi = 0;
      return 0;
    }
    this.hi = this.s[at + 1] as number;
    return this.s[at] as number;
  }

  #guardAt(lo: number): { at: number; bit: number } {
    const off = (lo - (region.stacks | 0)) >>> 0;
    const word = (off % stackStride) / 8;
    const base = (this.l.stacks[Math.floor(off / stackStride)] as number) + stackWords * 2;
    return { at: base + (word >> 5), bit: 1 << (word & 31) };
  }

  /** Writes a word of a stack; a frame or a return address that is still needed must not be hit. */
  writeStack(lo: number, valueLo: number, valueHi: number, guard: boolean): void {
    const at = this.#stackAt(lo | 0);
    if (at < 0) {
      this.fault(
        this.isStack(lo | 0) || this.isStack((lo + 8) | 0)
          ? 'stack overflow'
          : 'writes outside its stack',
      );
      return;
    }
    const g = this.#guardAt(lo | 0);
    if (((this.s[g.at] as number) & g.bit) !== 0) {
      this.overwritten = lo | 0;
      this.violate(
        property('frame_intact'),
        'overwrites a word of a live exception frame or a return address',
      );
      return;
    }
    this.s[at] = valueLo;
    this.s[at + 1] = valueHi;
    if (guard) this.s[g.at] = (this.s[g.at] as number) | g.bit;
  }

  unguard(lo: number): void {
    if (this.#stackAt(lo | 0) < 0) return;
    const g = this.#guardAt(lo | 0);
    this.s[g.at] = (this.s[g.at] as number) & ~g.bit;
  }

  /** Clears words of a stack that nobody can read again. */
  clearStack(from: number, to: number): void {
    for (let lo = from; lo < to; lo += 8) {
      const at = this.#stackAt(lo | 0);
      if (at < 0) return;
      this.s[at] = 0;
      this.s[at + 1] = 0;
      this.unguard(lo);
    }
  }

  setStackPointer(lo: number, hi: number): void {
    const at = this.t + this.l.registers;
    const old = this.s[at] as number;
    if (hi === -1 && this.s[at + 1] === -1 && lo > old && lo - old <= stackWords * 8)
      this.clearStack(old, lo);
    this.s[at] = lo;
    this.s[at + 1] = hi;
  }

  push(lo: number, hi: number, isReturn: boolean): void {
    const rsp = this.register(RSP);
    if (this.hi !== -1) {
      this.fault('pushes outside its stack');
      return;
    }
    const to = (rsp - 8) | 0;
    this.writeStack(to, lo, hi, isReturn);
    if (this.outcome !== 0) return;
    this.setRegister(RSP, to, -1);
    if (isReturn && this.p.env.shadowStack) {
      const ssp = this.s[this.t + taskField.ssp] as number;
      if (ssp >= shadowStackWords) this.limit = 'words of a shadow stack';
      else {
        this.s[this.t + this.l.shadow + ssp] = lo;
        this.s[this.t + taskField.ssp] = ssp + 1;
      }
    }
  }

  pop(isReturn: boolean): number {
    const rsp = this.register(RSP);
    if (this.hi !== -1) {
      this.fault('pops outside its stack');
      return 0;
    }
    const lo = this.stackWord(rsp);
    const hi = this.hi;
    if (this.outcome !== 0) return 0;
    if (isReturn && this.p.env.shadowStack) {
      const ssp = this.s[this.t + taskField.ssp] as number;
      if (ssp === 0 || this.s[this.t + this.l.shadow + ssp - 1] !== lo) {
        this.violate(
          property('shadow_stack'),
          'returns to an address that the shadow stack does not have',
        );
        return 0;
      }
      this.s[this.t + this.l.shadow + ssp - 1] = 0;
      this.s[this.t + taskField.ssp] = ssp - 1;
    }
    this.unguard(rsp);
    this.setRegister(RSP, (rsp + 8) | 0, -1);
    this.hi = hi;
    return lo;
  }

  // ---- what is read of a state to tell it

  /** Where each context of a task goes on, the outermost first; the last is where it stands. Kinds as `context` has them. */
  contextsOf(task: number): readonly { readonly kind: number; readonly at: number }[] {
    const { s, l } = this;
    const t = l.tasks[task] as number;
    const depth = s[t + taskField.depth] as number;
    return Array.from({ length: depth + 1 }, (_, d) => {
      const record = t + l.contexts + d * l.ctx.size;
      const above = this.#stackAt(s[record + l.ctx.size + l.ctx.base] as number);
      return {
        kind: s[record] as number,
        at: d === depth || above < 0 ? (s[t + taskField.rip] as number) : (s[above] as number),
      };
    });
  }

  /** Code bytes that wait in a CPU's store buffer, the oldest first. */
  waitingText(cpu: number): readonly { readonly cell: number; readonly bytes: Uint8Array }[] {
    const { s, l } = this;
    const base = (l.cpus[cpu] as number) + cpuField.buffer;
    return Array.from({ length: s[base] as number }, (_, i) => base + 1 + i * l.unitWords)
      .filter((at) => ((s[at] as number) & 15) === 3)
      .map((at) => ({
        cell: s[at + 1] as number,
        bytes: Uint8Array.from(
          { length: ((s[at] as number) >> 8) & 0xff },
          (_, k) => (s[at + 2 + (k >> 2)] as number) >>> (8 * (k & 3)),
        ),
      }));
  }

  // ---- the saved frame of the handler that runs

  frameBase(): number {
    return this.s[this.c + this.l.ctx.base] as number;
  }
  /** The handler's own way to change its frame: allowed where another write would be `frame_intact`. */
  writeFrame(offset: number, lo: number, hi: number): void {
    const at = this.#stackAt((this.frameBase() + offset) | 0);
    if (at < 0) {
      this.fault('the frame is outside its stack');
      return;
    }
    const old = this.s[at] as number;
    const isOld = this.s[at + 1] === -1;
    this.s[at] = lo;
    this.s[at + 1] = hi;
    // On a stack of the handler's own its IRET clears nothing of the other one.
    if (
      offset === frameSp &&
      hi === -1 &&
      isOld &&
      lo > old &&
      lo - old <= stackWords * 8 &&
      stackOf(old) !== stackOf(this.frameBase())
    )
      this.clearStack(old, lo);
  }

  // ---- data

  /** Index of the 8-byte word at an address, or -1. */
  wordAt(lo: number, hi: number): number {
    if (hi !== -1) return -1;
    return this.#dataIndex.get(toAddress(lo & ~7)) ?? -1;
  }

  /** Loads 4 or 8 bytes; sets `hi`. Own stores that are still buffered are seen. */
  load(lo: number, hi: number, width: number): number {
    const word = this.wordAt(lo, hi);
    if (word < 0) return this.#loadElsewhere(lo, hi, width);
    if ((lo & (width - 1)) !== 0) {
      this.fault(`loads ${width} bytes at an address that is not a multiple of ${width}`);
      return 0;
    }
    const { s, l } = this;
    let a = s[l.data + 2 * word] as number;
    let b = s[l.data + 2 * word + 1] as number;
    /** Which halves are not its own. */
    let foreign = width === 8 ? 3 : (lo & 4) === 0 ? 1 : 2;
    if (!this.direct && !this.looking) {
      const base = (l.cpus[this.cpu] as number) + cpuField.buffer;
      const n = s[base] as number;
      for (let i = 0, at = base + 1; i < n; i++, at += l.unitWords) {
        const kind = (s[at] as number) & 15;
        if (kind === 2 && s[at + 1] === word) {
          a = s[at + 2] as number;
          b = s[at + 3] as number;
          foreign = 0;
        } else if (kind === 1 && (s[at + 1] as number) >> 1 === word) {
          const second = ((s[at + 1] as number) & 1) !== 0;
          if (second) b = s[at + 2] as number;
          else a = s[at + 2] as number;
          foreign &= second ? 1 : 2;
        }
      }
    }
    if (this.p.env.fetch.dataOrder && !this.looking && foreign !== 0)
      this.raise(this.cpu, s[l.dataSeen + word] as number);
    if (width === 8) {
      this.hi = b;
      return a;
    }
    this.hi = 0;
    return (lo & 4) === 0 ? a : b;
  }

  #loadElsewhere(lo: number, hi: number, width: number): number {
    if (isNil(lo, hi)) {
      this.violate(
        property('nil_access'),
        lo === 0 ? 'loads from address 0' : `loads from address ${lo}: the pointer is nil`,
      );
      return 0;
    }
    if ((lo & (width - 1)) !== 0) {
      this.fault(`loads ${width} bytes at an address that is not a multiple of ${width}`);
      return 0;
    }
    if (hi === -1 && this.isStack(lo)) {
      if (width === 8) return this.stackWord(lo);
      const value = this.stackWord(lo & ~7);
      const high = this.hi;
      this.hi = 0;
      return (lo & 4) === 0 ? value : high;
    }
    if (hi === -1) {
      let a = 0;
      let b = 0;
      let ok = true;
      for (let i = 0; i < width; i++) {
        const byte = this.newestByte(lo + i);
        if (byte < 0) ok = false;
        else if (i < 4) a |= byte << (8 * i);
        else b |= byte << (8 * (i - 4));
      }
      if (ok) {
        this.hi = b;
        return a;
      }
    }
    this.fault('#PF: loads from an address that nothing is at');
    return 0;
  }

  store(lo: number, hi: number, valueLo: number, valueHi: number, width: number): void {
    const word = this.wordAt(lo, hi);
    if (word < 0) {
      if (isNil(lo, hi))
        this.violate(
          property('nil_access'),
          'stores to address 0 or close to it: the pointer is nil',
        );
      else if ((lo & (width - 1)) !== 0)
        this.fault(`stores ${width} bytes at an address that is not a multiple of ${width}`);
      else if (hi === -1 && this.isStack(lo)) {
        if (width === 8) this.writeStack(lo, valueLo, valueHi, false);
        else {
          const a = this.stackWord(lo & ~7);
          const b = this.hi;
          this.writeStack(
            lo & ~7,
            (lo & 4) === 0 ? valueLo : a,
            (lo & 4) === 0 ? b : valueLo,
            false,
          );
        }
      } else this.fault('#PF: stores to an address that nothing is at, or to code');
      return;
    }
    if ((lo & (width - 1)) !== 0) {
      this.fault(`stores ${width} bytes at an address that is not a multiple of ${width}`);
      return;
    }
    if (this.direct || this.p.env.memory === 'sc') {
      this.#commitData(word, width === 8 ? 3 : (lo & 4) === 0 ? 1 : 2, valueLo, valueHi);
      return;
    }
    const at = this.#newUnit();
    const { s } = this;
    if (width === 8) {
      s[at] = 2 | 16;
      s[at + 1] = word;
      s[at + 2] = valueLo;
      s[at + 3] = valueHi;
    } else {
      s[at] = 1 | 16;
      s[at + 1] = word * 2 + ((lo & 4) === 0 ? 0 : 1);
      s[at + 2] = valueLo;
    }
  }

  #commitData(word: number, halves: number, a: number, b: number): void {
    const { s, l } = this;
    if (halves & 1) s[l.data + 2 * word] = a;
    if (halves === 3) s[l.data + 2 * word + 1] = b;
    if (halves === 2) s[l.data + 2 * word + 1] = a;
    if (this.p.env.fetch.dataOrder) s[l.dataSeen + word] = s[l.log] as number;
    this.happened?.push({
      kind: 'data',
      word,
      lo: s[l.data + 2 * word] as number,
      hi: s[l.data + 2 * word + 1] as number,
    });
  }

  // ---- the store buffer of the acting CPU: units in order; bit 4 of a unit's head marks the first of an entry

  buffered(cpu: number): number {
    return this.s[(this.l.cpus[cpu] as number) + cpuField.buffer] as number;
  }
  hasRoom(units: number): boolean {
    return this.buffered(this.cpu) + units <= bufferUnits;
  }
  #newUnit(): number {
    const base = (this.l.cpus[this.cpu] as number) + cpuField.buffer;
    const n = this.s[base] as number;
    if (n >= bufferUnits) throw new Error('a store was executed although its buffer is full');
    this.s[base] = n + 1;
    return base + 1 + n * this.l.unitWords;
  }

  /** One member of an entry of the buffer: `count` bytes from `cell` on. */
  bufferText(cell: number, values: Uint8Array, from: number, count: number, first: boolean): void {
    const at = this.#newUnit();
    this.s[at] = 3 | (first ? 16 : 0) | (count << 8);
    this.s[at + 1] = cell;
    for (let i = 0; i < count; i++) {
      const w = at + 2 + (i >> 2);
      this.s[w] = (this.s[w] as number) | ((values[from + i] as number) << (8 * (i & 3)));
    }
  }

  /** Members of the oldest entry of a CPU's buffer. */
  oldestMembers(cpu: number): number {
    const base = (this.l.cpus[cpu] as number) + cpuField.buffer;
    const n = this.s[base] as number;
    if (n === 0) return 0;
    let k = 1;
    while (k < n && ((this.s[base + 1 + k * this.l.unitWords] as number) & 16) === 0) k++;
    return k;
  }

  commit(member: number): void {
    const { s, l } = this;
    const base = (l.cpus[this.cpu] as number) + cpuField.buffer;
    const n = s[base] as number;
    const at = base + 1 + member * l.unitWords;
    const head = s[at] as number;
    const a = s[at + 1] as number;
    const bytes = new Uint8Array((head >> 8) & 0xff);
    const lo = s[at + 2] as number;
    const hi = s[at + 3] as number;
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = (s[at + 2 + (i >> 2)] as number) >>> (8 * (i & 3));
    if (member === 0 && n > 1) {
      const second = base + 1 + l.unitWords;
      s[second] = (s[second] as number) | 16;
    }
    const end = base + 1 + n * l.unitWords;
    s.copyWithin(at, at + l.unitWords, end);
    s.fill(0, end - l.unitWords, end);
    s[base] = n - 1;
    const kind = head & 15;
    if (kind === 2) this.#commitData(a, 3, lo, hi);
    else if (kind === 1) this.#commitData(a >> 1, (a & 1) === 0 ? 1 : 2, lo, 0);
    else this.commitText(a, bytes);
  }

  // ---- code

  cellAt(address: number): number {
    return this.#cellIndex.get(toAddress(address)) ?? -1;
  }
  /** A byte that no patch changes, or -1. */
  staticByte(address: number): number {
    return this.#textBytes.get(address) ?? -1;
  }

  /** The newest value of a code byte as this CPU loads it as data, or -1. */
  newestByte(address: number): number {
    const where = toAddress(address);
    const cell = this.#cellIndex.get(where);
    if (cell === undefined) return this.#textBytes.get(where) ?? -1;
    return this.newestCell(cell);
  }

  newestCell(cell: number): number {
    const { s, l } = this;
    let value = s[l.cells + cell] as number;
    const base = (l.cpus[this.cpu] as number) + cpuField.buffer;
    const n = s[base] as number;
    for (let i = 0, at = base + 1; i < n && !this.looking; i++, at += l.unitWords) {
      const head = s[at] as number;
      if ((head & 15) !== 3) continue;
      const k = cell - (s[at + 1] as number);
      if (k >= 0 && k < ((head >> 8) & 0xff))
        value = ((s[at + 2 + (k >> 2)] as number) >>> (8 * (k & 3))) & 0xff;
    }
    return value;
  }

  /** New values become visible: all at once, as one entry where commits are ordered. */
  commitText(cell: number, values: Uint8Array): void {
    const { s, l } = this;
    const slot = this.slotOfCell[cell] as number;
    if (slot >= 0 && s[l.slots + slot] === 0) return;
    let changed = false;
    for (let i = 0; i < values.length; i++) if (s[l.cells + cell + i] !== values[i]) changed = true;
    if (!changed) return;
    if (this.l.sets) {
      for (let i = 0; i < values.length; i++) {
        const old = s[l.cells + cell + i] as number;
        const value = values[i] as number;
        if (old === value) continue;
        for (let cpu = 0; cpu < l.cpus.length; cpu++) {
          if (!this.fetches[cpu]) continue;
          const at = (l.views[cpu] as number) + cell + i;
          s[at] = this.#withOlder(s[at] as number, old, value);
        }
      }
    } else if (this.fetches.some((f) => f)) {
      const used = s[l.log + 1] as number;
      const need = 1 + ((values.length + 3) >> 2);
      if (2 + used + need > l.logWords) {
        this.limit = 'code versions';
        return;
      }
      const at = l.log + 2 + used;
      s[at] = cell | (values.length << 16);
      for (let i = 0; i < values.length; i++) {
        const w = at + 1 + (i >> 2);
        s[w] = (s[w] as number) | ((s[l.cells + cell + i] as number) << (8 * (i & 3)));
      }
      s[l.log] = (s[l.log] as number) + 1;
      s[l.log + 1] = used + need;
    }
    for (let i = 0; i < values.length; i++) {
      const old = s[l.cells + cell + i] as number;
      s[l.cells + cell + i] = values[i] as number;
      if (old !== values[i])
        this.happened?.push({ kind: 'write', cell: cell + i, old, value: values[i] as number });
    }
    this.fold();
  }

  /** A set of up to three bytes, ascending, each as value + 1 in nine bits; the newest value is never in it. */
  #withOlder(set: number, add: number, without: number): number {
    let out = 0;
    let shift = 0;
    let added = false;
    const put = (v: number): void => {
      if (v === without) return;
      if (shift > 18) {
        this.limit = 'code versions';
        return;
      }
      out |= (v + 1) << shift;
      shift += 9;
    };
    for (let rest = set; rest !== 0; rest >>>= 9) {
      const v = (rest & 511) - 1;
      if (!added && add <= v) {
        added = true;
        if (add < v) put(add);
      }
      put(v);
    }
    if (!added) put(add);
    return out;
  }

  serialise(cpu: number): void {
    const { s, l } = this;
    if (!this.fetches[cpu]) return;
    const at = l.views[cpu] as number;
    if (l.sets) {
      for (let i = 0; i < l.viewWords; i++) s[at + i] = 0;
    } else {
      s.fill(s[l.log] as number, at, at + l.viewWords);
      this.fold();
    }
    this.happened?.push({ kind: 'serialise', cpu });
  }

  /** This CPU sees nothing older than after the first `floor` entries of the log. */
  raise(cpu: number, floor: number): void {
    if (this.l.sets || !this.fetches[cpu]) return;
    const at = this.l.views[cpu] as number;
    for (let i = 0; i < this.l.viewWords; i++)
      if ((this.s[at + i] as number) < floor) this.s[at + i] = floor;
    this.fold();
  }

  /** Forgets the oldest entries of the log that every CPU is past. */
  fold(): void {
    const { s, l } = this;
    if (l.sets) return;
    let past = s[l.log] as number;
    for (let cpu = 0; cpu < l.cpus.length; cpu++) {
      if (!this.fetches[cpu]) continue;
      const at = l.views[cpu] as number;
      if (l.floors === 'all') past = Math.min(past, s[at] as number);
      else for (let i = 0; i < l.viewWords; i++) past = Math.min(past, s[at + i] as number);
    }
    if (past === 0) return;
    let words = 0;
    for (let i = 0; i < past; i++)
      words += 1 + ((((s[l.log + 2 + words] as number) >> 16) + 3) >> 2);
    const used = s[l.log + 1] as number;
    const start = l.log + 2;
    s.copyWithin(start, start + words, start + used);
    s.fill(0, start + used - words, start + used);
    s[l.log] = (s[l.log] as number) - past;
    s[l.log + 1] = used - words;
    for (let cpu = 0; cpu < l.cpus.length; cpu++) {
      if (!this.fetches[cpu]) continue;
      const at = l.views[cpu] as number;
      for (let i = 0; i < l.viewWords; i++) s[at + i] = (s[at + i] as number) - past;
    }
    if (this.p.env.fetch.dataOrder) {
      for (let w = 0; w < this.p.data.length; w++)
        s[l.dataSeen + w] = Math.max(0, (s[l.dataSeen + w] as number) - past);
    }
  }

  // ---- passes

  /** Values that no code reads exist inside passes only: a mark while one is open, 0 outside. */
  setDead(open: boolean): void {
    const { s, l } = this;
    for (let i = 0; i < this.deadRegisters.length; i++) {
      if (!this.deadRegisters[i]) continue;
      const at = this.t + l.registers + 2 * (i + 1);
      s[at] = open ? marker.lo : 0;
      s[at + 1] = open ? marker.hi : 0;
    }
    if (!this.p.flagsLive) {
      const at = this.t + taskField.flags;
      s[at] = ((s[at] as number) & ~statusFlags) | (open ? markerFlags : 0);
    }
  }

  /** What the running context would leave if it were judged now, into an expectation. */
  snapshot(to: Int32Array, at: number): void {
    const { s, l } = this;
    to[at + expectation.ip] = s[this.t + taskField.rip] as number;
    to[at + expectation.rsp] = s[this.t + l.registers] as number;
    to[at + expectation.flags] = s[this.t + taskField.flags] as number;
    for (let i = 0; i < 2 * this.p.registers.length; i++) {
      to[at + expectation.registers + i] = s[this.t + l.registers + 2 + i] as number;
    }
  }

  /** The running context has what an expectation says, but for where it stands. */
  recall(at: number): void {
    const { s, l } = this;
    s[this.t + l.registers] = s[at + expectation.rsp] as number;
    s[this.t + taskField.flags] = s[at + expectation.flags] as number;
    for (let i = 0; i < 2 * this.p.registers.length; i++)
      s[this.t + l.registers + 2 + i] = s[at + expectation.registers + i] as number;
  }

  /** Whether an address is of the machine's own code, where no code of the spec may go but back to a sync's handler. */
  isForbidden(lo: number): boolean {
    const index = (lo - (region.kernel | 0)) | 0;
    if (index < 0 || index >= this.p.kernel.length) return false;
    const kind = this.s[this.c] as number;
    return index !== this.p.entry.ipi || (kind !== context.ipi && kind !== context.nmiIpi);
  }

  isUserCode(): boolean {
    const kind = this.s[this.c] as number;
    // A sync's handler, while it runs the spec's own code, up to where that has returned to it.
    if (kind === context.ipi || kind === context.nmiIpi) {
      const rip = this.rip();
      const returned = rip === ((region.kernel + this.p.entry.ipi) | 0);
      return this.p.ipiCode !== undefined && (returned || rip < (region.kernel | 0));
    }
    return this.isInstructions();
  }

  /** Whether the context that runs never executes anything but the spec's own instructions. */
  isInstructions(): boolean {
    const kind = this.s[this.c] as number;
    return (
      (kind === context.user && this.task !== 0 && this.task < idleFrom(this.p)) ||
      kind === context.irqCode ||
      kind === context.nmiCode
    );
  }
}

/** Where the frame holds RSP. */
const frameSp = 24;
const stackOf = (lo: number): number =>
  Math.floor(((lo - (region.stacks | 0)) >>> 0) / stackStride);

/** Whether an address is 0 or close to it. */
export const isNil = (lo: number, hi: number): boolean => hi === 0 && lo >>> 0 < 4096;

/** The address whose low word this is: all of ours have the high word -1. */
export const toAddress = (lo: number): number => ((lo | 0) < 0 ? lo | 0 : (lo | 0) - 4294967296);
