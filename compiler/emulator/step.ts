// The meaning of the micro-operations: the one interpreter, for instructions, statements and properties.

import { instructionTag, property, region, stackWords } from '../ir.ts';
import type { BinaryOp, Expr, Op, Target } from '../ops.ts';
import { flagBits, statusFlags } from '../ops.ts';
import type { Core } from './core.ts';
import { isNil, toAddress } from './core.ts';
import { context, taskField } from './layout.ts';

/** What the interpreter needs from the parts that know contexts: traps and returns from them. */
export interface Effects {
  trap(): void;
  iret(): void;
}

const temps = new Int32Array(8);

/** Evaluates to the low word; the high word is left in `m.hi`. */
export function evaluate(m: Core, e: Expr): number {
  switch (e.kind) {
    case 'const':
      m.hi = e.hi;
      return e.lo;
    case 'reg': {
      const lo = m.register(e.reg);
      if (e.width === 4) m.hi = 0;
      return lo;
    }
    case 'flag':
      m.hi = 0;
      return (m.flags() & flagBits[e.flag]) !== 0 ? 1 : 0;
    case 'rflags':
      m.hi = 0;
      return m.flags() | 2;
    case 'condition':
      m.hi = 0;
      return condition(m.flags(), e.code) ? 1 : 0;
    case 'temp':
      m.hi = temps[2 * e.index + 1] as number;
      return temps[2 * e.index] as number;
    case 'gsbase':
      m.hi = -1;
      return (region.percpu + m.cpu * 0x1000) | 0;
    case 'load': {
      const lo = evaluate(m, e.address);
      return m.load(lo, m.hi, e.width);
    }
    case 'binary':
      return evaluateBinary(m, e.op, e.a, e.b, e.width);
    case 'not': {
      const lo = evaluate(m, e.a);
      const zero = lo === 0 && m.hi === 0;
      m.hi = 0;
      return zero ? 1 : 0;
    }
    case 'local': {
      const at = m.c + m.l.ctx.locals + 2 * e.index;
      m.hi = m.s[at + 1] as number;
      return m.s[at] as number;
    }
    case 'cpu':
      m.hi = 0;
      return m.cpu;
    case 'here': {
      m.hi = -1;
      return m.s[m.c + m.l.ctx.here] as number;
    }
    case 'frame':
      return m.stackWord((m.frameBase() + 8 * frameIndex[e.word]) | 0);
    case 'framereg': {
      const at = m.c + m.l.ctx.saved + 2 * ((m.registerIndex[e.reg] as number) - 1);
      m.hi = m.s[at + 1] as number;
      return m.s[at] as number;
    }
    case 'frameif': {
      const flags = m.stackWord((m.frameBase() + 16) | 0);
      m.hi = 0;
      return (flags & flagBits.if) !== 0 ? 1 : 0;
    }
    case 'within': {
      m.hi = 0;
      return isWithin(m, e.context) ? 1 : 0;
    }
    case 'content': {
      const which = e.which === 'old' ? m.l.patchOld : m.l.patchNew;
      m.hi = instructionTag;
      return m.s[which + e.place] as number; // content + 1
    }
    case 'target': {
      const content = contentOf(m, evaluate(m, e.of), m.hi);
      if (content < 0) return 0;
      const target = branchTarget(m, content);
      m.hi = target === 0 ? 0 : -1;
      return target;
    }
    case 'byteof': {
      const index = evaluate(m, e.index);
      const content = contentOf(m, evaluate(m, e.of), m.hi);
      m.hi = 0;
      if (content < 0) return 0;
      const b = m.p.contents[content]?.bytes[index];
      if (b === undefined) {
        m.violate(property('assertion'), `the instruction has no byte ${index}`);
        return 0;
      }
      return b;
    }
    case 'codebyte': {
      const lo = evaluate(m, e.address);
      const b = m.newestByte(lo);
      m.hi = 0;
      if (b < 0) m.fault('#PF: loads a code byte where no code is');
      return b < 0 ? 0 : b;
    }
    case 'at': {
      const ip = userIp(m, e.thread + 1);
      m.hi = 0;
      return inside(ip, e.from, e.to) ? 1 : 0;
    }
    case 'returns': {
      const found = returnsInto(m, e.thread + 1, e.from, e.to);
      m.hi = 0;
      return found ? 1 : 0;
    }
    case 'both':
    case 'either': {
      const a = evaluate(m, e.a);
      const first = a !== 0 || m.hi !== 0;
      m.hi = 0;
      if (m.outcome !== 0 || first === (e.kind === 'either')) return first ? 1 : 0;
      const b = evaluate(m, e.b);
      const second = b !== 0 || m.hi !== 0;
      m.hi = 0;
      return second ? 1 : 0;
    }
    case 'handling': {
      m.hi = 0;
      for (const t of m.l.tasks) {
        const depth = m.s[t + taskField.depth] as number;
        for (let d = 1; d <= depth; d++) {
          const c = t + m.l.contexts + d * m.l.ctx.size;
          if (
            m.s[c] === context.breakpoint &&
            inside(m.s[c + m.l.ctx.here] as number, e.from, e.to)
          )
            return 1;
        }
      }
      return 0;
    }
    case 'event':
      m.hi = 0;
      return (m.events >>> e.event) & 1;
    case 'operand':
    case 'address':
    case 'next':
      throw new Error(`a ${e.kind} was left in an instruction that is executed`);
  }
}

const frameIndex = { ip: 0, cs: 1, flags: 2, sp: 3, ss: 4 } as const;
const inside = (lo: number, from: number, to: number): boolean => {
  const a = toAddress(lo);
  return a >= from && a < to;
};

/** Whether a return address on a thread's stack lies in a region; the saved IP of an exception frame is none. */
function returnsInto(m: Core, task: number, from: number, to: number): boolean {
  const t = m.l.tasks[task] as number;
  const stack = m.l.stacks[task] as number;
  const bottom = m.stackTop(task) - 8 * stackWords;
  const frames: number[] = [];
  for (let d = 1; d <= (m.s[t + taskField.depth] as number); d++) {
    frames.push(m.s[t + m.l.contexts + d * m.l.ctx.size + m.l.ctx.base] as number);
  }
  for (let i = 0; i < stackWords; i++) {
    const at = (bottom + 8 * i) | 0;
    if (frames.some((f) => at >= f && at < f + 40)) continue;
    if (m.s[stack + 2 * i + 1] === -1 && inside(m.s[stack + 2 * i] as number, from, to))
      return true;
  }
  return false;
}

/** A thread's own IP: where it stands, or where what interrupted it will return to. */
function userIp(m: Core, task: number): number {
  const t = m.l.tasks[task] as number;
  if ((m.s[t + taskField.depth] as number) === 0) return m.s[t + taskField.rip] as number;
  const base = m.s[t + m.l.contexts + m.l.ctx.size + m.l.ctx.base] as number;
  return m.stackWord(base);
}

function isWithin(m: Core, what: 'nmi' | 'irq'): boolean {
  const depth = m.s[m.t + taskField.depth] as number;
  for (let d = 1; d <= depth; d++) {
    const kind = m.s[m.t + m.l.contexts + d * m.l.ctx.size] as number;
    if (
      what === 'nmi' &&
      (kind === context.nmiCode || kind === context.nmiEmpty || kind === context.nmiIpi)
    )
      return true;
    if (
      what === 'irq' &&
      (kind === context.irqCode || kind === context.irqEmpty || kind === context.ipi)
    )
      return true;
  }
  return false;
}

/** Index of the content that a word names; a violation and -1 where it names none. */
export function contentOf(m: Core, lo: number, hi: number): number {
  if (hi === instructionTag && lo > 0) return lo - 1;
  if (lo === 0 && hi === 0) m.violate(property('nil_access'), 'uses nil as an instruction');
  else m.violate(property('assertion'), 'uses a word as an instruction that is none');
  return -1;
}

function branchTarget(m: Core, content: number): number {
  const text = m.p.contents[content];
  return text?.target === undefined ? 0 : text.target | 0;
}

function evaluateBinary(m: Core, op: BinaryOp, ea: Expr, eb: Expr, width: 4 | 8): number {
  const a = evaluate(m, ea);
  const ah = width === 4 ? 0 : m.hi;
  const b = evaluate(m, eb);
  const bh = width === 4 ? 0 : m.hi;
  let lo = 0;
  let hi = 0;
  switch (op) {
    case 'add':
      lo = (a + b) | 0;
      hi = (ah + bh + (lo >>> 0 < a >>> 0 ? 1 : 0)) | 0;
      break;
    case 'sub':
      lo = (a - b) | 0;
      hi = (ah - bh - (a >>> 0 < b >>> 0 ? 1 : 0)) | 0;
      break;
    case 'and':
      lo = a & b;
      hi = ah & bh;
      break;
    case 'or':
      lo = a | b;
      hi = ah | bh;
      break;
    case 'xor':
      lo = a ^ b;
      hi = ah ^ bh;
      break;
    case 'mul': {
      const wide = BigInt.asIntN(64, join(a, ah) * join(b, bh));
      lo = Number(BigInt.asIntN(32, wide));
      hi = Number(BigInt.asIntN(32, wide >> 32n));
      break;
    }
    case 'div': {
      const divisor = BigInt.asUintN(64, join(b, bh));
      if (divisor === 0n) {
        m.violate(property('assertion'), 'divides by 0');
        break;
      }
      const wide = BigInt.asUintN(64, join(a, ah)) / divisor;
      lo = Number(BigInt.asIntN(32, wide));
      hi = Number(BigInt.asIntN(32, wide >> 32n));
      break;
    }
    case 'eq':
      lo = a === b && ah === bh ? 1 : 0;
      break;
    case 'ne':
      lo = a !== b || ah !== bh ? 1 : 0;
      break;
    case 'lt':
      lo = below(a, ah, b, bh) ? 1 : 0;
      break;
    case 'ge':
      lo = below(a, ah, b, bh) ? 0 : 1;
      break;
    case 'gt':
      lo = below(b, bh, a, ah) ? 1 : 0;
      break;
    case 'le':
      lo = below(b, bh, a, ah) ? 0 : 1;
      break;
  }
  m.hi = width === 4 ? 0 : hi;
  return lo;
}

const join = (lo: number, hi: number): bigint => (BigInt(hi) << 32n) | BigInt(lo >>> 0);
const below = (a: number, ah: number, b: number, bh: number): boolean =>
  ah === bh ? a >>> 0 < b >>> 0 : ah >>> 0 < bh >>> 0;

/** The manual's table of conditions (tttn). */
export function condition(flags: number, code: number): boolean {
  const cf = (flags & flagBits.cf) !== 0;
  const zf = (flags & flagBits.zf) !== 0;
  const sf = (flags & flagBits.sf) !== 0;
  const of = (flags & flagBits.of) !== 0;
  const pf = (flags & flagBits.pf) !== 0;
  const table = [of, cf, zf, cf || zf, sf, pf, sf !== of, zf || sf !== of];
  return (table[code >> 1] as boolean) !== ((code & 1) === 1);
}

function assign(m: Core, to: Target, lo: number, hi: number): void {
  switch (to.kind) {
    case 'reg':
      m.setRegister(to.reg, lo, to.width === 4 ? 0 : hi);
      return;
    case 'flag': {
      const bit = flagBits[to.flag];
      m.setFlags(lo !== 0 ? m.flags() | bit : m.flags() & ~bit);
      return;
    }
    case 'temp':
      temps[2 * to.index] = lo;
      temps[2 * to.index + 1] = hi;
      return;
    case 'local': {
      const at = m.c + m.l.ctx.locals + 2 * to.index;
      m.s[at] = lo;
      m.s[at + 1] = hi;
      return;
    }
    case 'frame':
      m.writeFrame(8 * frameIndex[to.word], lo, hi);
      return;
    case 'framereg': {
      const at = m.c + m.l.ctx.saved + 2 * ((m.registerIndex[to.reg] as number) - 1);
      m.s[at] = lo;
      m.s[at + 1] = hi;
      return;
    }
    case 'frameif': {
      const flags = m.stackWord((m.frameBase() + 16) | 0);
      m.writeFrame(16, lo !== 0 || hi !== 0 ? flags | flagBits.if : flags & ~flagBits.if, 0);
      return;
    }
    case 'operand':
      throw new Error('an operand was left in an instruction that is executed');
  }
}

export { assign };

/** Executes a list of micro-operations; RIP was already set to the address behind. Stops at a violation. */
export function execute(m: Core, ops: readonly Op[], effects: Effects): void {
  for (let i = 0; i < ops.length; i++) {
    executeOne(m, ops[i] as Op, effects);
    if (m.outcome !== 0) return;
  }
}

function executeOne(m: Core, op: Op, effects: Effects): void {
  switch (op.kind) {
    case 'set': {
      const lo = evaluate(m, op.value);
      const hi = m.hi;
      if (m.outcome === 0) assign(m, op.to, lo, hi);
      return;
    }
    case 'store': {
      const address = evaluate(m, op.address);
      const high = m.hi;
      const lo = evaluate(m, op.value);
      if (m.outcome === 0) m.store(address, high, lo, m.hi, op.width);
      return;
    }
    case 'status':
      status(m, op);
      return;
    case 'push': {
      const lo = evaluate(m, op.value);
      if (m.outcome === 0) m.push(lo, m.hi, op.as === 'return');
      return;
    }
    case 'pop': {
      const lo = m.pop(op.as === 'return');
      if (m.outcome === 0) assign(m, op.to, lo, m.hi);
      return;
    }
    case 'branch': {
      if (op.when) {
        const taken = evaluate(m, op.when);
        if (taken === 0 && m.hi === 0) return;
      }
      const lo = evaluate(m, op.target);
      if (m.outcome === 0) jump(m, lo, m.hi);
      return;
    }
    case 'when': {
      const lo = evaluate(m, op.value);
      execute(m, lo !== 0 || m.hi !== 0 ? op.then : op.else, effects);
      return;
    }
    case 'trap':
      effects.trap();
      return;
    case 'iret':
      effects.iret();
      return;
    case 'fault':
      m.fault(op.vector);
      return;
    case 'shadow':
      if ((m.flags() & flagBits.if) === 0) m.s[(m.l.cpus[m.cpu] as number) + 1] = 1;
      return;
    case 'rflags': {
      const value = evaluate(m, op.value);
      m.setFlags(value & (statusFlags | flagBits.if));
      return;
    }
    case 'serialise':
      m.serialise(m.cpu);
      return;
    case 'locked':
      m.direct = true;
      return;
    case 'drain':
      return;
    case 'halt':
      m.s[(m.l.cpus[m.cpu] as number) + 6] = 1;
      return;
  }
}

/** Goes to an address; only the top 2 GiB has code. */
export function jump(m: Core, lo: number, hi: number): void {
  if (m.onFrame) {
    m.writeFrame(0, lo, hi);
    return;
  }
  if (isNil(lo, hi)) {
    m.violate(property('nil_access'), 'goes on at address 0 or close to it: the pointer is nil');
    return;
  }
  if (hi !== -1 || m.isForbidden(lo)) {
    m.fault('jumps to an address where no code is');
    return;
  }
  m.s[m.t + taskField.rip] = lo;
}

function status(m: Core, op: Extract<Op, { kind: 'status' }>): void {
  const wide = op.width === 8;
  const a = evaluate(m, op.a);
  const ah = wide ? m.hi : 0;
  const b = evaluate(m, op.b);
  const bh = wide ? m.hi : 0;
  if (m.outcome !== 0) return;
  const minus = op.op === 'sub' || op.op === 'dec';
  const plus = op.op === 'add' || op.op === 'inc';
  let lo = a;
  let hi = ah;
  let cf = false;
  let of = false;
  if (plus) {
    lo = (a + b) | 0;
    const carry = lo >>> 0 < a >>> 0;
    hi = (ah + bh + (carry ? 1 : 0)) | 0;
    cf = wide ? overflowsUp(a, ah, b, bh) : carry;
  } else if (minus) {
    lo = (a - b) | 0;
    hi = (ah - bh - (a >>> 0 < b >>> 0 ? 1 : 0)) | 0;
    cf = wide ? below(a, ah, b, bh) : a >>> 0 < b >>> 0;
  }
  const sign = (l: number, h: number): boolean => (wide ? h : l) < 0;
  if (plus) of = sign(a, ah) === sign(b, bh) && sign(lo, hi) !== sign(a, ah);
  if (minus) of = sign(a, ah) !== sign(b, bh) && sign(lo, hi) !== sign(a, ah);
  const zero = lo === 0 && (!wide || hi === 0);
  let parity = lo & 0xff;
  parity ^= parity >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  let flags = m.flags() & ~statusFlags;
  if (op.op === 'inc' || op.op === 'dec') flags |= m.flags() & flagBits.cf;
  else if (cf) flags |= flagBits.cf;
  if (of) flags |= flagBits.of;
  if (zero) flags |= flagBits.zf;
  if (sign(lo, hi)) flags |= flagBits.sf;
  if ((parity & 1) === 0) flags |= flagBits.pf;
  m.setFlags(flags);
}

/** Whether the unsigned 64-bit sum does not fit. */
function overflowsUp(a: number, ah: number, b: number, bh: number): boolean {
  const carry = (a >>> 0) + (b >>> 0) > 0xffffffff ? 1 : 0;
  return (ah >>> 0) + (bh >>> 0) + carry > 0xffffffff;
}
