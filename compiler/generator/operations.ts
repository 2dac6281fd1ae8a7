// The micro-operations as generated code: what `emulator/step.ts` interprets.

import { context, taskField } from '../emulator/layout.ts';
import { instructionTag, property, region, stackWords } from '../ir.ts';
import type { BinaryOp, Expr, FrameWord, Op, Target, Width } from '../ops.ts';
import { flagBits, statusFlags } from '../ops.ts';
import type { Wide, Word } from './code.ts';
import {
  add,
  below,
  both,
  either,
  eq,
  flip,
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
  variable,
  wide,
} from './code.ts';
import type { Mode } from './memory.ts';
import { at, c, cpu, events, Memory, t } from './memory.ts';

const frameIndex: Readonly<Record<FrameWord, number>> = { ip: 0, cs: 1, flags: 2, sp: 3, ss: 4 };

/** What the operations need from the parts that know contexts. */
export interface Effects {
  trap(): void;
  iret(): void;
}

export class Operations extends Memory {
  /** Values that are not in the operations: parts of an instruction that are read when it is executed. */
  protected readonly given = new Map<number, Wide>();

  truth(value: Wide): Word {
    return either(ne(value.lo, 0), ne(value.hi, 0));
  }
  private flag(condition: Word): Wide {
    return wide(pick(condition, 1, 0), 0);
  }
  /** A value as it is now, whatever is written behind it. */
  private now(value: Wide): Wide {
    return { lo: this.g.let(value.lo), hi: this.g.let(value.hi) };
  }

  evaluate(e: Expr, mode: Mode): Wide {
    const { g, l, p } = this;
    switch (e.kind) {
      case 'const':
        return wide(e.lo, e.hi);
      case 'reg': {
        const value = this.register(e.reg, mode);
        return e.width === 4 ? wide(value.lo, 0) : value;
      }
      case 'flag':
        return this.flag(ne(mask(this.flagsOf(mode), flagBits[e.flag]), 0));
      case 'rflags':
        return wide(join(this.flagsOf(mode), 2), 0);
      case 'condition':
        return this.flag(condition(this.flagsOf(mode), e.code));
      case 'temp': {
        const given = this.given.get(e.index);
        if (given) return given;
        return wide(variable(`temp${e.index}`), variable(`temp${e.index}_high`));
      }
      case 'gsbase':
        return wide(add(left(cpu, 12), region.percpu | 0), -1);
      case 'load':
        return this.load(this.evaluate(e.address, mode), e.width, mode);
      case 'binary':
        return this.binary(e.op, e.a, e.b, e.width, mode);
      case 'not':
        return this.flag(isZero(this.truth(this.evaluate(e.a, mode))));
      case 'local': {
        const from = add(c, l.ctx.locals + 2 * e.index);
        return wide(state(from), state(add(from, 1)));
      }
      case 'cpu':
        return wide(cpu, 0);
      case 'here':
        return wide(state(add(c, l.ctx.here)), -1);
      case 'frame':
        return this.readStack(add(this.frameBase, 8 * frameIndex[e.word]));
      case 'framereg': {
        const from = add(c, l.ctx.saved + 2 * ((this.core.registerIndex[e.reg] as number) - 1));
        return wide(state(from), state(add(from, 1)));
      }
      case 'frameif':
        return this.flag(ne(mask(this.readStack(add(this.frameBase, 16)).lo, flagBits.if), 0));
      case 'within':
        return this.flag(this.within(e.context));
      case 'content':
        return wide(
          state(k((e.which === 'old' ? l.patchOld : l.patchNew) + e.place)),
          instructionTag,
        );
      case 'target': {
        const content = this.contentOf(this.evaluate(e.of, mode));
        let target: Word = no;
        p.contents.forEach((x, i) => {
          if (x.target !== undefined) target = pick(eq(content, i), x.target | 0, target);
        });
        const low = g.let(target);
        return wide(low, pick(isZero(low), 0, -1));
      }
      case 'byteof': {
        const index = this.now(this.evaluate(e.index, mode));
        const content = this.contentOf(this.evaluate(e.of, mode));
        const result = variable('byte_of');
        g.set(result, -1);
        p.contents.forEach((x, i) => {
          x.bytes.forEach((b, n) => {
            g.when(both(eq(content, i), eq(index.lo, n)), () => g.set(result, b));
          });
        });
        g.when(eq(result, -1), () => this.violate('assertion'));
        return wide(g.let(result), 0);
      }
      case 'codebyte':
        return wide(this.codeByte(this.evaluate(e.address, mode), mode), 0);
      case 'at':
        return this.flag(this.inside(this.userIp(e.thread + 1), e.from, e.to));
      case 'returns':
        return this.flag(this.returnsInto(e.thread + 1, e.from, e.to));
      case 'both':
      case 'either': {
        const result = g.fresh();
        g.set(result, this.truthOf(e.a, mode));
        g.when(e.kind === 'both' ? ne(result, 0) : isZero(result), () =>
          g.set(result, this.truthOf(e.b, mode)),
        );
        return wide(result, 0);
      }
      case 'handling': {
        const terms: Word[] = [];
        for (const task of l.tasks) {
          for (let d = 1; d < l.depth; d++) {
            const from = task + l.contexts + d * l.ctx.size;
            terms.push(
              both(
                less(d - 1, state(k(task + taskField.depth))),
                eq(state(k(from)), context.breakpoint),
                this.inside(state(k(from + l.ctx.here)), e.from, e.to),
              ),
            );
          }
        }
        return this.flag(either(...terms));
      }
      case 'event':
        return wide(mask(right(events, e.event), 1), 0);
      case 'operand':
      case 'address':
      case 'next':
        throw new Error(`a ${e.kind} was left in an instruction that is executed`);
    }
  }

  truthOf(e: Expr, mode: Mode): Word {
    return pick(this.truth(this.evaluate(e, mode)), 1, 0);
  }

  inside(low: Word, from: number, to: number): Word {
    return below(sub(low, from | 0), to - from);
  }

  /** A code byte as data. */
  codeByte(address: Wide, mode: Mode): Word {
    const { g, core } = this;
    const { lo: low } = address;
    const cell = low.kind === 'const' ? core.cellAt(low.value) : -1;
    if (cell >= 0) return this.newestCell(cell, mode);
    const where = g.let(low);
    const result = variable('code_byte');
    g.set(result, -1);
    for (const place of this.p.places)
      g.when(this.inside(where, place.from, place.from + place.length), () => {
        g.set(result, this.newestCell(add(sub(where, place.from | 0), place.cell), mode));
      });
    g.when(eq(result, -1), () => {
      g.when(either(...this.codeRanges().map(([a, b]) => this.inside(where, a, b))), () =>
        this.outside(),
      );
      this.fault();
    });
    return g.let(result);
  }

  /** A thread's own IP: where it stands, or where what interrupted it will return to. */
  private userIp(task: number): Word {
    const { g, l } = this;
    const from = l.tasks[task] as number;
    const ip = variable('user_ip');
    g.when(
      isZero(state(k(from + taskField.depth))),
      () => g.set(ip, state(k(from))),
      () => g.set(ip, this.readStack(state(k(from + l.contexts + l.ctx.size + l.ctx.base))).lo),
    );
    return g.let(ip);
  }

  /** Whether a return address on a thread's stack lies in a region; the saved IP of a frame is none. */
  private returnsInto(task: number, from: number, to: number): Word {
    const { g, l } = this;
    const own = l.tasks[task] as number;
    const stack = l.stacks[task] as number;
    const bottom = (this.core.stackTop(task) - 8 * stackWords) | 0;
    const found = variable('returns');
    const i = variable('unit');
    g.set(found, 0);
    g.each(i, 0, stackWords, () => {
      const word = add(left(i, 1), stack);
      g.when(both(eq(state(add(word, 1)), -1), this.inside(state(word), from, to)), () => {
        const address = g.let(add(left(i, 3), bottom));
        const framed = either(
          ...Array.from({ length: l.depth - 1 }, (_, d) =>
            both(
              less(d, state(k(own + taskField.depth))),
              below(
                sub(address, state(k(own + l.contexts + (d + 1) * l.ctx.size + l.ctx.base))),
                40,
              ),
            ),
          ),
        );
        g.when(isZero(framed), () => g.set(found, 1));
      });
    });
    return g.let(found);
  }

  private within(what: 'nmi' | 'irq'): Word {
    const { l } = this;
    const kinds =
      what === 'nmi'
        ? [context.nmiCode, context.nmiEmpty, context.nmiIpi]
        : [context.irqCode, context.irqEmpty, context.ipi];
    const terms: Word[] = [];
    for (let d = 1; d < l.depth; d++) {
      const kind = this.field(t, l.contexts + d * l.ctx.size);
      terms.push(
        both(less(d - 1, this.field(t, taskField.depth)), either(...kinds.map((x) => eq(kind, x)))),
      );
    }
    return either(...terms);
  }

  /** Index of the content that a word names; a violation where it names none. */
  contentOf(value: Wide): Word {
    const { g } = this;
    const v = this.now(value);
    g.when(isZero(both(eq(v.hi, instructionTag), less(0, v.lo))), () =>
      g.violate(
        pick(
          both(isZero(v.lo), isZero(v.hi)),
          1 + property('nil_access'),
          1 + property('assertion'),
        ),
      ),
    );
    return g.let(sub(v.lo, 1));
  }

  private binary(op: BinaryOp, ea: Expr, eb: Expr, width: Width, mode: Mode): Wide {
    const cut = (v: Wide): Wide => (width === 4 ? wide(v.lo, 0) : v);
    const a = this.now(cut(this.evaluate(ea, mode)));
    const b = this.now(cut(this.evaluate(eb, mode)));
    switch (op) {
      case 'add':
        return this.sum(a, b, width);
      case 'sub': {
        const low = sub(a.lo, b.lo);
        return cut(wide(low, sub(sub(a.hi, b.hi), pick(below(a.lo, b.lo), 1, 0))));
      }
      case 'and':
        return cut(wide(mask(a.lo, b.lo), mask(a.hi, b.hi)));
      case 'or':
        return cut(wide(join(a.lo, b.lo), join(a.hi, b.hi)));
      case 'xor':
        return cut(wide(flip(a.lo, b.lo), flip(a.hi, b.hi)));
      case 'mul': {
        // By a scale or a stride; anything else is not generated.
        const by =
          b.hi.kind === 'const' && b.hi.value === 0 && b.lo.kind === 'const' ? b.lo.value : 0;
        if (by > 0 && (by & (by - 1)) === 0) {
          let value = a;
          for (let n = by; n > 1; n >>= 1) value = this.now(this.sum(value, value, width));
          return value;
        }
        this.outside();
        return wide(0, 0);
      }
      case 'div':
        this.outside();
        return wide(0, 0);
      case 'eq':
        return this.flag(both(eq(a.lo, b.lo), eq(a.hi, b.hi)));
      case 'ne':
        return this.flag(either(ne(a.lo, b.lo), ne(a.hi, b.hi)));
      case 'lt':
        return this.flag(lower(a, b));
      case 'ge':
        return this.flag(isZero(lower(a, b)));
      case 'gt':
        return this.flag(lower(b, a));
      case 'le':
        return this.flag(isZero(lower(b, a)));
    }
  }

  protected sum(a: Wide, b: Wide, width: Width): Wide {
    const low = this.g.let(add(a.lo, b.lo));
    if (width === 4) return wide(low, 0);
    return wide(low, add(add(a.hi, b.hi), pick(below(low, a.lo), 1, 0)));
  }

  assign(to: Target, value: Wide, mode: Mode): void {
    const { g, l } = this;
    switch (to.kind) {
      case 'reg':
        this.setRegister(to.reg, to.width === 4 ? wide(value.lo, 0) : value, mode);
        return;
      case 'flag': {
        const bit = flagBits[to.flag];
        const was = g.let(this.flagsOf(mode));
        this.setFlags(pick(ne(value.lo, 0), join(was, bit), mask(was, ~bit)), mode);
        return;
      }
      case 'temp':
        g.set(variable(`temp${to.index}`), value.lo);
        g.set(variable(`temp${to.index}_high`), value.hi);
        return;
      case 'local':
        this.putWide(add(c, l.ctx.locals + 2 * to.index), this.now(value));
        return;
      case 'frame':
        this.writeFrame(8 * frameIndex[to.word], value);
        return;
      case 'framereg':
        this.putWide(
          add(c, l.ctx.saved + 2 * ((this.core.registerIndex[to.reg] as number) - 1)),
          this.now(value),
        );
        return;
      case 'frameif': {
        const v = this.now(value);
        const was = this.readStack(add(this.frameBase, 16)).lo;
        this.writeFrame(
          16,
          wide(pick(this.truth(v), join(was, flagBits.if), mask(was, ~flagBits.if)), 0),
        );
        return;
      }
      case 'operand':
        throw new Error('an operand was left in an instruction that is executed');
    }
  }

  /** Executes micro-operations; RIP was set to the address behind already. */
  execute(ops: readonly Op[], mode: Mode, effects: Effects): void {
    const { g } = this;
    let how = mode;
    for (const op of ops) {
      switch (op.kind) {
        case 'set':
          this.assign(op.to, this.now(this.evaluate(op.value, how)), how);
          break;
        case 'store': {
          const address = this.now(this.evaluate(op.address, how));
          this.store(address, this.now(this.evaluate(op.value, how)), op.width, how);
          break;
        }
        case 'status':
          this.status(op, how);
          break;
        case 'push':
          this.push(this.now(this.evaluate(op.value, how)), op.as === 'return', how);
          break;
        case 'pop':
          this.assign(op.to, this.pop(op.as === 'return', how), how);
          break;
        case 'branch': {
          const go = (): void => this.jump(this.now(this.evaluate(op.target, how)), how);
          if (op.when) g.when(this.truth(this.evaluate(op.when, how)), go);
          else go();
          break;
        }
        case 'when': {
          const mine = how;
          g.when(
            this.truth(this.evaluate(op.value, how)),
            () => this.execute(op.then, mine, effects),
            () => this.execute(op.else, mine, effects),
          );
          break;
        }
        case 'trap':
          effects.trap();
          break;
        case 'iret':
          effects.iret();
          break;
        case 'fault':
          this.fault();
          break;
        case 'shadow':
          g.when(isZero(mask(this.flagsOf(how), flagBits.if)), () => g.put(add(at, 1), 1));
          break;
        case 'rflags':
          this.setFlags(
            mask(this.now(this.evaluate(op.value, how)).lo, statusFlags | flagBits.if),
            how,
          );
          break;
        case 'serialise':
          this.serialise(cpu);
          break;
        case 'locked':
          how = { ...how, direct: true };
          break;
        case 'drain':
          break;
        case 'halt':
          g.put(add(at, 6), 1);
          break;
      }
    }
  }

  private jump(to: Wide, mode: Mode): void {
    const { g } = this;
    if (mode.frame) {
      this.writeFrame(0, to);
      return;
    }
    this.notNil(to);
    g.when(either(ne(to.hi, -1), this.isForbidden(to.lo)), () => this.fault());
    this.setRip(to.lo);
  }

  private status(op: Extract<Op, { kind: 'status' }>, mode: Mode): void {
    const { g } = this;
    const isWide = op.width === 8;
    const cut = (v: Wide): Wide => (isWide ? v : wide(v.lo, 0));
    const a = this.now(cut(this.evaluate(op.a, mode)));
    const b = this.now(cut(this.evaluate(op.b, mode)));
    const minus = op.op === 'sub' || op.op === 'dec';
    const plus = op.op === 'add' || op.op === 'inc';
    let low: Word = a.lo;
    let high: Word = a.hi;
    let cf: Word = no;
    let of: Word = no;
    const sign = (v: Wide): Word => less(isWide ? v.hi : v.lo, 0);
    if (plus) {
      low = g.let(add(a.lo, b.lo));
      const carry = g.let(pick(below(low, a.lo), 1, 0));
      high = g.let(add(add(a.hi, b.hi), carry));
      cf = isWide
        ? // Out of the sum of three words: it is below a, or it is a though something was added.
          either(below(high, a.hi), both(eq(high, a.hi), eq(b.hi, -1), ne(carry, 0)))
        : ne(carry, 0);
      of = both(
        eq(pick(sign(a), 1, 0), pick(sign(b), 1, 0)),
        ne(pick(sign(wide(low, high)), 1, 0), pick(sign(a), 1, 0)),
      );
    } else if (minus) {
      low = g.let(sub(a.lo, b.lo));
      high = g.let(sub(sub(a.hi, b.hi), pick(below(a.lo, b.lo), 1, 0)));
      cf = isWide ? lower(a, b) : below(a.lo, b.lo);
      of = both(
        ne(pick(sign(a), 1, 0), pick(sign(b), 1, 0)),
        ne(pick(sign(wide(low, high)), 1, 0), pick(sign(a), 1, 0)),
      );
    }
    const result = wide(low, high);
    const zero = isWide ? both(isZero(low), isZero(high)) : isZero(low);
    let parity: Word = mask(low, 255);
    for (const n of [4, 2, 1]) parity = g.let(flip(parity, right(parity, n)));
    const was = g.let(this.flagsOf(mode));
    const bit = (condition: Word, of: number): Word => pick(condition, of, 0);
    const carry =
      op.op === 'inc' || op.op === 'dec' ? mask(was, flagBits.cf) : bit(cf, flagBits.cf);
    this.setFlags(
      [
        carry,
        bit(of, flagBits.of),
        bit(zero, flagBits.zf),
        bit(sign(result), flagBits.sf),
        bit(isZero(mask(parity, 1)), flagBits.pf),
      ].reduce((x, y) => join(x, y), mask(was, ~statusFlags)),
      mode,
    );
  }
}

/** Unsigned: whether a is less than b. */
const lower = (a: Wide, b: Wide): Word =>
  either(both(eq(a.hi, b.hi), below(a.lo, b.lo)), both(ne(a.hi, b.hi), below(a.hi, b.hi)));

/** The manual's table of conditions (tttn). */
function condition(flags: Word, code: number): Word {
  const is = (bit: number): Word => pick(ne(mask(flags, bit), 0), 1, 0);
  const { cf, zf, sf, of, pf } = flagBits;
  const table = [
    () => is(of),
    () => is(cf),
    () => is(zf),
    () => pick(either(is(cf), is(zf)), 1, 0),
    () => is(sf),
    () => is(pf),
    () => pick(ne(is(sf), is(of)), 1, 0),
    () => pick(either(is(zf), ne(is(sf), is(of))), 1, 0),
  ];
  const value = (table[code >> 1] as () => Word)();
  return (code & 1) === 1 ? isZero(value) : ne(value, 0);
}
