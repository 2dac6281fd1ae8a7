// Registers, stacks, memory, store buffers and code versions, as generated code: what `emulator/core.ts` does.

import { Core, marker, markerFlags } from '../emulator/core.ts';
import type { Layout } from '../emulator/layout.ts';
import { context, cpuField, idleFrom, shadowStackWords, taskField } from '../emulator/layout.ts';
import type { Program } from '../ir.ts';
import { property, region, stackStride, stackWords } from '../ir.ts';
import type { Width } from '../ops.ts';
import { flagBits, RSP, statusFlags } from '../ops.ts';
import type { Wide, Word } from './code.ts';
import {
  add,
  below,
  both,
  either,
  eq,
  isZero,
  join,
  k,
  left,
  less,
  mask,
  ne,
  no,
  pick,
  right,
  state,
  sub,
  times,
  variable,
  Writer,
  wide,
  yes,
} from './code.ts';
import { outcomeOfLimit, outcomeOutside } from './outcomes.ts';

/** What is said about the acting CPU: the offsets of its record, its task's, and that of the context on top. */
export const cpu = variable('cpu');
export const at = variable('at');
export const task = variable('task');
export const t = variable('t');
export const c = variable('c');
/** What a routine found. */
export const lo = variable('lo');
export const hi = variable('hi');
export const outcome = variable('outcome');
export const events = variable('events');
export const finished = variable('finished');
/** Bits of the witnesses that the step made true. */
export const witnessed = variable('witnessed');
/** Arguments of routines. */
export const a0 = variable('a0');
export const a1 = variable('a1');
export const a2 = variable('a2');
export const a3 = variable('a3');

const stackSize = stackWords * 2 + 2;

/** How an operation is done: on the saved frame; inside a locked operation; by a property that looks. */
export interface Mode {
  readonly frame: boolean;
  readonly direct: boolean;
  readonly looking: boolean;
}
export const plain: Mode = { frame: false, direct: false, looking: false };

export class Memory {
  readonly g = new Writer();
  readonly p: Program;
  readonly l: Layout;
  /** For what never changes: cells, slots, indices. */
  readonly core: Core;
  readonly cpuWords: number;
  readonly viewWords: number;
  readonly taskWords: number;

  constructor(p: Program) {
    this.p = p;
    this.core = new Core(p);
    this.l = this.core.l;
    const stride = (all: readonly number[]): number => (all[1] ?? 0) - (all[0] ?? 0);
    this.cpuWords = stride(this.l.cpus);
    this.viewWords = stride(this.l.views);
    this.taskWords = stride(this.l.tasks);
  }

  // ---- where things stand

  cpuAt(of: Word): Word {
    return add(times(of, this.cpuWords), this.l.cpus[0] as number);
  }
  taskAt(of: Word): Word {
    return add(times(of, this.taskWords), this.l.tasks[0] as number);
  }
  contextAt(of: Word): Word {
    return add(add(of, times(state(add(of, taskField.depth)), this.l.ctx.size)), this.l.contexts);
  }
  /** Makes `cpu` the one that acts. */
  select(): void {
    const { g } = this;
    g.set(at, this.cpuAt(cpu));
    g.set(task, state(add(at, cpuField.task)));
    g.set(t, this.taskAt(task));
    g.set(c, this.contextAt(t));
  }
  field(of: Word, offset: number): Word {
    return state(add(of, offset));
  }
  get rip(): Word {
    return state(t);
  }
  setRip(to: Word | number): void {
    this.g.put(t, to);
  }
  get flags(): Word {
    return this.field(t, taskField.flags);
  }

  violate(name: Parameters<typeof property>[0]): void {
    this.g.violate(1 + property(name));
  }
  /** A fault of the program: inside a pass it is a behaviour that no version has. */
  fault(): void {
    this.g.violate(
      pick(
        ne(this.field(c, this.l.ctx.pass), 0),
        1 + property('old_or_new'),
        1 + property('no_fault'),
      ),
    );
  }
  outside(): void {
    this.g.violate(outcomeOutside);
  }

  // ---- registers

  register(r: number, mode: Mode): Wide {
    const i = this.core.registerIndex[r] as number;
    if (mode.frame) {
      if (i === 0) return this.readStack(add(this.frameBase, 24));
      const from = add(c, this.l.ctx.saved + 2 * (i - 1));
      return wide(state(from), state(add(from, 1)));
    }
    const from = add(t, this.l.registers + 2 * i);
    return wide(state(from), state(add(from, 1)));
  }

  setRegister(r: number, value: Wide, mode: Mode): void {
    const { g } = this;
    const i = this.core.registerIndex[r] as number;
    if (mode.frame) {
      if (i === 0) this.writeFrame(24, value);
      else this.putWide(add(c, this.l.ctx.saved + 2 * (i - 1)), value);
      return;
    }
    if (i !== 0) {
      this.putWide(add(t, this.l.registers + 2 * i), value);
      return;
    }
    g.set(a0, value.lo);
    g.set(a1, value.hi);
    this.setStackPointer();
  }
  putWide(to: Word, value: Wide): void {
    this.g.put(to, value.lo);
    this.g.put(add(to, 1), value.hi);
  }

  flagsOf(mode: Mode): Word {
    return mode.frame ? this.readStack(add(this.frameBase, 16)).lo : this.flags;
  }
  setFlags(value: Word, mode: Mode): void {
    if (mode.frame) this.writeFrame(16, wide(value, 0));
    else this.g.put(add(t, taskField.flags), mask(value, statusFlags | flagBits.if));
  }

  // ---- stacks

  /** Sets `found` to the offset of the word of a stack at the address `a0`, or to -1. */
  private stackAt(): Word {
    const { g, l } = this;
    const found = variable('found');
    g.call('stack_at', 'found: the offset of the stack word at the address a0, or -1', () => {
      const off = g.let(sub(a0, region.stacks | 0));
      g.set(found, -1);
      g.when(
        both(
          below(off, l.stacks.length * stackStride),
          below(mask(off, stackStride - 1), stackWords * 8),
          isZero(mask(off, 7)),
        ),
        () =>
          g.set(
            found,
            add(
              add(times(right(off, 16), stackSize), right(mask(off, stackStride - 1), 2)),
              l.stacks[0] as number,
            ),
          ),
      );
    });
    return found;
  }
  isStack(lo: Word): Word {
    return below(sub(lo, region.stacks | 0), this.l.stacks.length * stackStride);
  }
  /** Offset of the word of guard bits for the address `a0`, and the bit. */
  private guard(): { at: Word; bit: Word } {
    const { g, l } = this;
    const off = g.let(sub(a0, region.stacks | 0));
    return {
      at: add(
        add(times(right(off, 16), stackSize), right(mask(off, stackStride - 1), 8)),
        (l.stacks[0] as number) + stackWords * 2,
      ),
      bit: left(1, mask(right(off, 3), 31)),
    };
  }

  /** The word of a stack; a fault where there is none. */
  readStack(address: Word): Wide {
    const { g } = this;
    g.set(a0, address);
    g.call('read_stack', 'lo, hi: the stack word at the address a0', () => {
      const found = this.stackAt();
      g.when(less(found, 0), () => this.fault());
      g.set(lo, state(found));
      g.set(hi, state(add(found, 1)));
    });
    return wide(g.let(lo), g.let(hi));
  }
  /** The offset of the word of a stack, or -1. */
  stackOffset(address: Word): Word {
    this.g.set(a0, address);
    return this.stackAt();
  }
  /** The word of a stack; 0 where there is none. */
  peekStack(address: Word): Word {
    const { g } = this;
    const found = this.stackOffset(address);
    return g.let(pick(less(found, 0), 0, state(pick(less(found, 0), 0, found))));
  }

  /** Writes a word of a stack; a frame or a return address that is still needed must not be hit. */
  writeStack(address: Word, value: Wide, guard: boolean): void {
    const { g } = this;
    g.set(a0, address);
    g.set(a1, value.lo);
    g.set(a2, value.hi);
    const name = guard ? 'write_stack_guarded' : 'write_stack';
    g.call(
      name,
      `the stack word at a0 becomes a1, a2${guard ? ', and stays until it is read' : ''}`,
      () => {
        const found = this.stackAt();
        g.when(less(found, 0), () => this.fault());
        const { at: word, bit } = this.guard();
        g.when(ne(mask(state(word), bit), 0), () => this.violate('frame_intact'));
        g.put(found, a1);
        g.put(add(found, 1), a2);
        if (guard) g.put(word, join(state(word), bit));
      },
    );
  }

  private unguard(address: Word): void {
    const { g } = this;
    g.set(a0, address);
    g.call('unguard', 'the stack word at a0 may be written again', () => {
      const found = this.stackAt();
      g.when(less(-1, found), () => {
        const { at: word, bit } = this.guard();
        g.put(word, mask(state(word), sub(-1, bit)));
      });
    });
  }

  /** Clears words of a stack that nobody can read again: from `from` to `to`. */
  clearStack(from: Word, to: Word): void {
    const { g } = this;
    const next = variable('clear_from');
    const end = variable('clear_to');
    g.set(next, from);
    g.set(end, to);
    g.call('clear_stack', 'the stack words from clear_from to clear_to become 0', () => {
      g.while(less(next, end), () => {
        g.set(a0, next);
        const found = this.stackAt();
        g.when(
          less(found, 0),
          () => g.set(next, end),
          () => {
            g.put(found, 0);
            g.put(add(found, 1), 0);
            const { at: word, bit } = this.guard();
            g.put(word, mask(state(word), sub(-1, bit)));
            g.set(next, add(next, 8));
          },
        );
      });
    });
  }

  /** RSP becomes a0, a1; what it leaves behind is cleared. */
  private setStackPointer(): void {
    const { g, l } = this;
    g.call('set_rsp', 'RSP becomes a0, a1; what it leaves behind becomes 0', () => {
      const rsp = add(t, l.registers);
      const to = g.let(a0);
      const toHigh = g.let(a1);
      const old = g.let(state(rsp));
      g.when(
        both(
          eq(toHigh, -1),
          eq(state(add(rsp, 1)), -1),
          less(old, to),
          less(sub(to, old), stackWords * 8 + 1),
          // The difference of two words of different signs may be anything.
          less(0, sub(to, old)),
        ),
        () => this.clearStack(old, to),
      );
      g.put(rsp, to);
      g.put(add(rsp, 1), toHigh);
    });
  }

  push(value: Wide, isReturn: boolean, mode: Mode): void {
    const { g, p, l } = this;
    const vlo = variable('push_lo');
    const vhi = variable('push_hi');
    g.set(vlo, value.lo);
    g.set(vhi, value.hi);
    const name = `push${isReturn ? '_return' : ''}${mode.frame ? '_frame' : ''}`;
    g.call(name, `pushes push_lo, push_hi${mode.frame ? ' for the context below' : ''}`, () => {
      const from = this.register(RSP, mode);
      const rsp = wide(g.let(from.lo), from.hi);
      g.when(ne(rsp.hi, -1), () => this.fault());
      const to = g.let(sub(rsp.lo, 8));
      this.writeStack(to, wide(vlo, vhi), isReturn);
      if (mode.frame) this.writeFrame(24, wide(to, -1));
      else this.putWide(add(t, l.registers), wide(to, -1));
      if (isReturn && p.env.shadowStack) {
        const ssp = g.let(this.field(t, taskField.ssp));
        g.when(less(shadowStackWords - 1, ssp), () => this.outside());
        g.put(add(add(t, l.shadow), ssp), vlo);
        g.put(add(t, taskField.ssp), add(ssp, 1));
      }
    });
  }

  pop(isReturn: boolean, mode: Mode): Wide {
    const { g, p, l } = this;
    const outLo = variable('pop_lo');
    const outHi = variable('pop_hi');
    const name = `pop${isReturn ? '_return' : ''}${mode.frame ? '_frame' : ''}`;
    g.call(name, `pops pop_lo, pop_hi${mode.frame ? ' for the context below' : ''}`, () => {
      const from = this.register(RSP, mode);
      const rsp = wide(g.let(from.lo), from.hi);
      g.when(ne(rsp.hi, -1), () => this.fault());
      const value = this.readStack(rsp.lo);
      g.set(outLo, value.lo);
      g.set(outHi, value.hi);
      if (isReturn && p.env.shadowStack) {
        const ssp = g.let(this.field(t, taskField.ssp));
        const top = add(add(t, l.shadow), sub(ssp, 1));
        g.when(isZero(ssp), () => this.violate('shadow_stack'));
        g.when(ne(state(top), outLo), () => this.violate('shadow_stack'));
        g.put(top, 0);
        g.put(add(t, taskField.ssp), sub(ssp, 1));
      }
      this.unguard(rsp.lo);
      this.setRegister(RSP, wide(add(rsp.lo, 8), -1), mode);
    });
    return wide(g.let(outLo), g.let(outHi));
  }

  // ---- the saved frame of the handler that runs

  get frameBase(): Word {
    return this.field(c, this.l.ctx.base);
  }
  writeFrame(offset: number, value: Wide): void {
    const { g } = this;
    const vlo = g.let(value.lo);
    const vhi = g.let(value.hi);
    g.set(a0, add(this.frameBase, offset));
    const found = g.let(this.stackAt());
    g.when(less(found, 0), () => this.fault());
    const old = g.let(state(found));
    const oldHigh = g.let(state(add(found, 1)));
    this.putWide(found, wide(vlo, vhi));
    if (offset !== 24) return;
    // On a stack of the handler's own its IRET clears nothing of the other one.
    const stackOf = (low: Word): Word => mask(sub(low, region.stacks | 0), ~(stackStride - 1));
    g.when(
      both(
        eq(vhi, -1),
        eq(oldHigh, -1),
        less(old, vlo),
        less(sub(vlo, old), stackWords * 8 + 1),
        // The difference of two words of different signs may be anything.
        less(0, sub(vlo, old)),
        ne(stackOf(old), stackOf(this.frameBase)),
      ),
      () => this.clearStack(old, vlo),
    );
  }

  // ---- data

  /** The index of the 8-byte word at an address that is known, or -1. */
  private knownWord(address: Wide): number | undefined {
    const { lo: low, hi: high } = address;
    if (low.kind !== 'const' || high.kind !== 'const') return undefined;
    return this.core.wordAt(low.value, high.value);
  }

  /** Sets `found` to the index of the data word at the address a0, a1, or to -1. */
  private wordAt(): Word {
    const { g, p } = this;
    const found = variable('found');
    g.call('word_at', 'found: the index of the data word at the address a0, a1, or -1', () => {
      g.set(found, -1);
      g.when(eq(a1, -1), () => {
        const base = g.let(mask(a0, ~7));
        p.data.forEach((w, i) => {
          g.when(eq(base, w.address | 0), () => g.set(found, i));
        });
      });
    });
    return found;
  }

  private inCode(address: Word): Word {
    return either(
      ...this.codeRanges().map(([from, to]) => below(sub(address, from | 0), to - from)),
    );
  }
  /** Where code bytes are or were. */
  codeRanges(): readonly (readonly [number, number])[] {
    const { p, core } = this;
    return [
      ...p.text.map((r) => [r.from, r.from + r.bytes.length] as const),
      ...p.places.map((x) => [x.from, x.from + x.length] as const),
      ...core.slots.map((s) => [s.from, s.from + s.length] as const),
    ];
  }

  /** An address that is 0 or close to it is used. */
  protected notNil({ lo, hi }: Wide): void {
    this.g.when(both(isZero(hi), below(lo, 4096)), () => this.violate('nil_access'));
  }

  load(address: Wide, width: Width, mode: Mode): Wide {
    const { g } = this;
    const known = this.knownWord(address);
    const low = g.let(address.lo);
    const high = g.let(address.hi);
    const outLo = variable('load_lo');
    const outHi = variable('load_hi');
    const ofWord = (word: Word): void => {
      g.when(ne(mask(low, width - 1), 0), () => this.fault());
      this.loadWord(word, mode);
      if (width === 8) {
        g.set(outLo, lo);
        g.set(outHi, hi);
      } else {
        g.set(outLo, pick(isZero(mask(low, 4)), lo, hi));
        g.set(outHi, 0);
      }
    };
    const elsewhere = (): void => {
      this.notNil(wide(low, high));
      g.when(ne(mask(low, width - 1), 0), () => this.fault());
      g.when(
        both(eq(high, -1), this.isStack(low)),
        () => {
          const word = this.readStack(width === 8 ? low : mask(low, ~7));
          g.set(outLo, width === 8 ? word.lo : pick(isZero(mask(low, 4)), word.lo, word.hi));
          g.set(outHi, width === 8 ? word.hi : no);
        },
        () => {
          g.when(both(eq(high, -1), this.inCode(low)), () => this.outside());
          this.fault();
        },
      );
    };
    if (known !== undefined && known >= 0) ofWord(k(known));
    else {
      g.set(a0, low);
      g.set(a1, high);
      const word = g.let(this.wordAt());
      g.when(less(word, 0), elsewhere, () => ofWord(word));
    }
    return wide(g.let(outLo), g.let(outHi));
  }

  /** lo, hi: a data word as this CPU sees it. */
  private loadWord(word: Word, mode: Mode): void {
    const { g, l, p } = this;
    const from = add(times(word, 2), l.data);
    g.set(lo, state(from));
    g.set(hi, state(add(from, 1)));
    if (p.env.memory !== 'sc' && !mode.direct && !mode.looking) {
      g.set(a0, word);
      g.call(
        'forward',
        'lo, hi: what waits in the buffer for the data word a0, if anything does',
        () => {
          const i = variable('unit');
          const base = g.let(add(at, cpuField.buffer + 1));
          const end = g.let(add(base, times(this.field(at, cpuField.buffer), l.unitWords)));
          g.each(
            i,
            base,
            end,
            () => {
              const kind = g.let(mask(state(i), 15));
              const index = g.let(state(add(i, 1)));
              g.when(
                both(eq(kind, 2), eq(index, a0)),
                () => {
                  g.set(lo, state(add(i, 2)));
                  g.set(hi, state(add(i, 3)));
                },
                () =>
                  g.when(both(eq(kind, 1), eq(right(index, 1), a0)), () =>
                    g.when(
                      isZero(mask(index, 1)),
                      () => g.set(lo, state(add(i, 2))),
                      () => g.set(hi, state(add(i, 2))),
                    ),
                  ),
              );
            },
            l.unitWords,
          );
        },
      );
    }
    if (p.env.fetch.dataOrder && !mode.looking) this.raise(state(add(word, l.dataSeen)));
  }

  store(address: Wide, value: Wide, width: Width, mode: Mode): void {
    const { g } = this;
    const known = this.knownWord(address);
    const low = g.let(address.lo);
    const high = g.let(address.hi);
    const vlo = g.let(value.lo);
    const vhi = g.let(value.hi);
    const toWord = (word: Word): void => {
      g.when(ne(mask(low, width - 1), 0), () => this.fault());
      this.storeWord(word, low, wide(vlo, vhi), width, mode);
    };
    const elsewhere = (): void => {
      this.notNil(wide(low, high));
      g.when(ne(mask(low, width - 1), 0), () => this.fault());
      g.when(
        both(eq(high, -1), this.isStack(low)),
        () => {
          if (width === 8) this.writeStack(low, wide(vlo, vhi), false);
          else {
            const word = this.readStack(mask(low, ~7));
            const first = g.let(isZero(mask(low, 4)));
            this.writeStack(
              mask(low, ~7),
              wide(pick(first, vlo, word.lo), pick(first, word.hi, vlo)),
              false,
            );
          }
        },
        () => this.fault(),
      );
    };
    if (known !== undefined && known >= 0) toWord(k(known));
    else {
      g.set(a0, low);
      g.set(a1, high);
      const word = g.let(this.wordAt());
      g.when(less(word, 0), elsewhere, () => toWord(word));
    }
  }

  private storeWord(word: Word, low: Word, value: Wide, width: Width, mode: Mode): void {
    const { g, p } = this;
    if (mode.direct || p.env.memory === 'sc') {
      const from = add(times(word, 2), this.l.data);
      if (width === 8) this.putWide(from, value);
      else g.put(add(from, pick(isZero(mask(low, 4)), 0, 1)), value.lo);
      this.stored(word);
      return;
    }
    const unit = this.newUnit();
    g.put(unit, (width === 8 ? 2 : 1) | 16);
    g.put(add(unit, 1), width === 8 ? word : add(times(word, 2), pick(isZero(mask(low, 4)), 0, 1)));
    g.put(add(unit, 2), value.lo);
    if (width === 8) g.put(add(unit, 3), value.hi);
  }
  private stored(word: Word): void {
    const { g, p, l } = this;
    if (p.env.fetch.dataOrder) g.put(add(word, l.dataSeen), state(k(l.log)));
  }

  // ---- the store buffer of the acting CPU

  get buffered(): Word {
    return this.field(at, cpuField.buffer);
  }
  /** The offset of a new unit behind the others. */
  private newUnit(): Word {
    const { g, l } = this;
    const n = g.let(this.buffered);
    g.put(add(at, cpuField.buffer), add(n, 1));
    return g.let(add(add(at, cpuField.buffer + 1), times(n, l.unitWords)));
  }

  /** One member of an entry of the buffer: bytes that are known, from a cell on. */
  bufferText(cell: Word | number, bytes: readonly (Word | number)[], first: boolean): void {
    const { g } = this;
    const unit = this.newUnit();
    g.put(unit, 3 | (first ? 16 : 0) | (bytes.length << 8));
    g.put(add(unit, 1), cell);
    this.packed(bytes).forEach((word, i) => {
      g.put(add(unit, 2 + i), word);
    });
  }
  private packed(bytes: readonly (Word | number)[]): Word[] {
    const words: Word[] = [];
    bytes.forEach((b, i) => {
      words[i >> 2] = join(words[i >> 2] ?? k(0), left(b, 8 * (i & 3)));
    });
    return words;
  }

  /** Whether the oldest entry of the buffer has a member `i`: guards use it. */
  hasMember(i: number): Word {
    const { l } = this;
    const unit = (n: number): Word => this.field(at, cpuField.buffer + 1 + n * l.unitWords);
    return both(
      less(i, this.buffered),
      ...Array.from({ length: i }, (_, n) => isZero(mask(unit(n + 1), 16))),
    );
  }

  /** The member `a0` of the oldest entry becomes visible. */
  commit(member: number): void {
    const { g, l } = this;
    g.set(a0, member);
    g.call('commit', 'the member a0 of the oldest entry becomes visible', () => {
      const base = g.let(add(at, cpuField.buffer));
      const n = g.let(state(base));
      const unit = g.let(add(add(base, 1), times(a0, l.unitWords)));
      const head = g.let(state(unit));
      const first = g.let(state(add(unit, 1)));
      const words = Array.from({ length: l.unitWords - 2 }, (_, i) =>
        g.let(state(add(unit, 2 + i))),
      );
      g.when(both(isZero(a0), less(1, n)), () => {
        const second = add(base, 1 + l.unitWords);
        g.put(second, join(state(second), 16));
      });
      const end = g.let(add(add(base, 1), times(n, l.unitWords)));
      const i = variable('unit');
      g.each(i, unit, sub(end, l.unitWords), () => g.put(i, state(add(i, l.unitWords))));
      g.each(i, sub(end, l.unitWords), end, () => g.put(i, 0));
      g.put(base, sub(n, 1));
      const kind = mask(head, 15);
      g.when(
        eq(kind, 3),
        () => {
          const w = words.map((_, i) => variable(`text${i}`));
          w.forEach((to, i) => {
            g.set(to, words[i] as Word);
          });
          this.commitText(first, mask(right(head, 8), 255), words.length);
        },
        () =>
          g.when(
            eq(kind, 2),
            () => {
              this.putWide(add(times(first, 2), l.data), wide(words[0] as Word, words[1] as Word));
              this.stored(first);
            },
            () => {
              g.put(add(first, l.data), words[0] as Word);
              this.stored(right(first, 1));
            },
          ),
      );
    });
  }

  // ---- code

  /** The newest value of a cell as this CPU loads it as data. */
  newestCell(cell: Word | number, mode: Mode): Word {
    const { g, l } = this;
    g.set(a0, cell);
    g.set(lo, state(add(cell, l.cells)));
    // Also where variables are stored at once: a store of several units to the text waits there too.
    if (!mode.looking)
      g.call(
        'newest_cell',
        'lo: what waits in the buffer for the cell a0, if anything does',
        () => {
          const i = variable('unit');
          const base = g.let(add(at, cpuField.buffer + 1));
          const end = g.let(add(base, times(this.buffered, l.unitWords)));
          g.each(
            i,
            base,
            end,
            () => {
              const head = g.let(state(i));
              const off = g.let(sub(a0, state(add(i, 1))));
              g.when(
                both(eq(mask(head, 15), 3), less(-1, off), less(off, mask(right(head, 8), 255))),
                () =>
                  g.set(
                    lo,
                    mask(right(state(add(add(i, 2), right(off, 2))), times(mask(off, 3), 8)), 255),
                  ),
              );
            },
            l.unitWords,
          );
        },
      );
    return g.let(lo);
  }

  /** New values become visible: `count` bytes from `cell` on, in the variables text0 and behind. */
  private commitText(cell: Word, count: Word, words: number): void {
    const { g, l } = this;
    g.set(a0, cell);
    g.set(a1, count);
    g.call(
      'commit_text',
      'the a1 bytes of text0 and behind become what the cells from a0 on hold',
      () => {
        const first = g.let(a0);
        const n = g.let(a1);
        const i = variable('cell');
        const byte = (): Word => {
          let value: Word = variable(`text${words - 1}`);
          for (let w = words - 2; w >= 0; w--)
            value = pick(eq(right(i, 2), w), variable(`text${w}`), value);
          return mask(right(value, times(mask(i, 3), 8)), 255);
        };
        const isFree = either(
          ...this.core.slots.map((s, slot) =>
            both(
              less(s.cell - 1, first),
              less(first, s.cell + s.length),
              isZero(state(k(l.slots + slot))),
            ),
          ),
        );
        g.when(isZero(isFree), () => {
          if (!l.sets) {
            this.logText(first, n, byte, i);
            return;
          }
          g.each(i, 0, n, () => {
            const value = g.let(byte());
            const where = g.let(add(first, i));
            const old = g.let(state(add(where, l.cells)));
            g.when(ne(old, value), () => {
              for (let other = 0; other < this.p.env.cpus; other++) {
                if (!this.core.fetches[other]) continue;
                const view = add(where, l.views[other] as number);
                g.set(a0, state(view));
                g.set(a1, old);
                g.set(a2, value);
                this.withOlder();
                g.put(view, lo);
              }
              g.put(add(where, l.cells), value);
            });
          });
        });
      },
    );
  }

  /** lo: the set a0 of up to three bytes with a1 in it and without a2; ascending, each as value + 1 in nine bits. */
  private withOlder(): void {
    const { g } = this;
    const rest = variable('rest');
    const shift = variable('shift');
    const added = variable('added');
    const put = (v: Word): void =>
      g.when(ne(v, a2), () => {
        g.when(less(18, shift), () => g.violate(outcomeOfLimit));
        g.set(lo, join(lo, left(add(v, 1), shift)));
        g.set(shift, add(shift, 9));
      });
    g.call('with_older', 'lo: the set a0 of older values with a1 in it and without a2', () => {
      g.set(lo, 0);
      g.set(shift, 0);
      g.set(added, 0);
      g.set(rest, a0);
      g.while(ne(rest, 0), () => {
        const v = g.let(sub(mask(rest, 511), 1));
        g.when(both(isZero(added), less(a1, add(v, 1))), () => {
          g.set(added, 1);
          g.when(less(a1, v), () => put(a1));
        });
        put(v);
        g.set(rest, right(rest, 9));
      });
      g.when(isZero(added), () => put(a1));
    });
  }

  /** Bytes whose number is known become visible at once. */
  commitBytes(cell: Word | number, bytes: readonly (Word | number)[]): void {
    const { g, l } = this;
    const words = l.unitWords - 2;
    const packed = this.packed(bytes);
    for (let i = 0; i < words; i++) g.set(variable(`text${i}`), packed[i] ?? 0);
    this.commitText(typeof cell === 'number' ? k(cell) : cell, k(bytes.length), words);
  }

  /** Whether a CPU can ever fetch a byte that changes. */
  fetches(of: Word): Word {
    const all = this.core.fetches.reduce((bits, f, i) => bits | (f ? 1 << i : 0), 0);
    return of.kind === 'const'
      ? k((all >> of.value) & 1)
      : all === (1 << this.p.env.cpus) - 1
        ? yes
        : mask(right(all, of), 1);
  }

  /** A CPU sees nothing older from here on. */
  serialise(of: Word): void {
    const { g, l } = this;
    if (l.viewWords === 0) return;
    g.set(a0, of);
    g.call('serialise', 'the CPU a0 fetches nothing older than what is there now', () => {
      g.when(ne(this.fetches(a0), 0), () => {
        const i = variable('cell');
        const from = g.let(add(times(a0, this.viewWords), l.views[0] as number));
        g.each(i, from, add(from, l.viewWords), () => g.put(i, l.sets ? 0 : state(k(l.log))));
        if (!l.sets) this.fold();
      });
    });
  }

  // ---- commits in a log: not generated yet

  private logText(_cell: Word, _count: Word, _byte: () => Word, _i: Word): void {
    this.outside();
  }
  private raise(_floor: Word): void {
    this.outside();
  }
  private fold(): void {
    this.outside();
  }

  // ---- passes and contexts

  /** Values that no code reads: a mark while a pass is open, 0 outside. */
  setDead(open: boolean): void {
    const { g, l, p, core } = this;
    core.deadRegisters.forEach((dead, i) => {
      if (!dead) return;
      this.putWide(
        add(t, l.registers + 2 * (i + 1)),
        wide(open ? marker.lo : 0, open ? marker.hi : 0),
      );
    });
    if (!p.flagsLive)
      g.put(add(t, taskField.flags), join(mask(this.flags, ~statusFlags), open ? markerFlags : 0));
  }

  isForbidden(to: Word): Word {
    const { p } = this;
    const from = region.kernel | 0;
    const kind = state(c);
    const back = both(
      eq(to, (from + p.entry.ipi) | 0),
      either(eq(kind, context.ipi), eq(kind, context.nmiIpi)),
    );
    return both(below(sub(to, from), p.kernel.length), isZero(back));
  }

  isUserCode(): Word {
    const { p } = this;
    const kind = state(c);
    const own = p.ipiCode
      ? both(
          either(eq(kind, context.ipi), eq(kind, context.nmiIpi)),
          either(
            less(this.rip, region.kernel | 0),
            eq(this.rip, (region.kernel + p.entry.ipi) | 0),
          ),
        )
      : no;
    return either(this.isInstructions(), own);
  }

  isInstructions(): Word {
    const kind = state(c);
    return either(
      both(eq(kind, context.user), ne(task, 0), less(task, idleFrom(this.p))),
      eq(kind, context.irqCode),
      eq(kind, context.nmiCode),
    );
  }
}
