// Under which conditions a check may be searched with less: what is known of its program before the search.

import { int3 } from '../emulator/fetch.ts';
import { mentions } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { percpuStride, region } from '../ir.ts';
import type { Address, Expr, Op, Target } from '../ops.ts';
import { RSP } from '../ops.ts';
import { sequence } from '../x86/decode.ts';
import { instructions } from './instructions.ts';

export interface Conditions {
  /** Steps of threads may be taken by themselves. */
  readonly steps: boolean;
  /** CALL, RET, PUSH and POP among them. */
  readonly stack: boolean;
  /** No release renames addresses: PUSH and POP of more than those of returns, and branches to where a register says. */
  readonly unrenamed: boolean;
  /** The step among them that ends a pass. */
  readonly closing: boolean;
  /** Code that interrupts a thread cannot tell where: it reads no register that it did not write, and no frame. */
  readonly unseen: boolean;
  /** Steps of the patcher and of handlers may be taken by themselves, and a CPU may come to fetch more by it. */
  readonly handlers: boolean;
  /** CPUs may be taken for each other. */
  readonly cpus: boolean;
}

const none: Conditions = {
  steps: false,
  stack: false,
  unrenamed: false,
  closing: false,
  unseen: false,
  handlers: false,
  cpus: false,
};

/** What properties and witnesses may be made of; all else looks at a thread, a register or a handler, and so at single steps. */
const blind: readonly Expr['kind'][] = [
  'const',
  'load',
  'binary',
  'not',
  'both',
  'either',
  'event',
];

export function conditions(p: Program): Conditions {
  const { env } = p;
  const { fetch } = env;
  const sets = fetch.moment === 1 && fetch.backwards && !fetch.codeOrder && !fetch.dataOrder;
  const asked = [p.requirements.map((r) => r.expr), p.witnesses.map((w) => w.expr)];
  // A run that a waiver ends is one state for all ends, so what came before it would have to be kept.
  if (p.waived.size > 0 || mentions(asked, (e) => !blind.includes(e.kind))) return none;
  const insns = instructions(p);
  // In a frame on its stack it stands where a thread was.
  if (mentions([insns, p.kernel, asked], findsStacks) || stubsFindStacks(p)) return none;
  if (handlersMoveStacks(p)) return none;
  const stack = !env.shadowStack && !mentions([insns, p.kernel], namesStacks) && !takesFrames(p);
  // Who takes a thread's CPU must not find on its stack where it was.
  if (env.preempt && !stack) return none;
  const isEvent = (e: Expr): boolean => e.kind === 'event';
  return {
    steps: true,
    stack,
    unrenamed: p.stubs.length === 0,
    // Whether a pass that trapped has arrived may be another question before an INT3 that is content than behind it.
    closing:
      !p.contents.some((c) => c.place >= 0 && c.bytes[0] === int3) &&
      !mentions(
        p.requirements.map((r) => r.expr),
        isEvent,
      ) &&
      p.witnesses.every((w) => isEvent(w.expr) || !mentions(w.expr, isEvent)),
    // A stack of its own is used again from its top, so it matters who is still on it.
    handlers:
      sets &&
      stack &&
      !env.preempt &&
      !env.istBreakpoint &&
      !env.istNmi &&
      !mentions(p.kernel, (e) => e.kind === 'within'),
    unseen: stack && p.liveRegisters.size === 0 && !p.flagsLive,
    cpus:
      stack &&
      !env.preempt &&
      !mentions([insns, p.kernel], (e) => e.kind === 'cpu' || e.kind === 'gsbase') &&
      !p.kernel.some((k) => k.do.kind === 'sendto'),
  };
}

/**
 * Whether an address may be one of a stack: a constant is, or a register or a variable may hold what was computed. Without
 * such addresses nobody but its thread reads or writes a stack.
 */
function findsStacks(e: Expr | Op): boolean {
  if (e.kind === 'const') return inStacks(folded(e));
  if (e.kind !== 'load' && e.kind !== 'store') return false;
  // How a poke is done is called a store as well; it has no address.
  const address = 'address' in e ? e.address : undefined;
  if (address === undefined) return false;
  const value = folded(address);
  if (value !== undefined) return inStacks(value);
  // A per-CPU variable; any other sum may be any address.
  const percpu = address.kind === 'binary' && address.op === 'add' ? [address.a, address.b] : [];
  const offset = folded(percpu.find((x) => x.kind !== 'gsbase'));
  return !(
    percpu.some((x) => x.kind === 'gsbase') &&
    offset !== undefined &&
    offset >= 0n &&
    offset < BigInt(percpuStride)
  );
}
/** What an expression of constants comes to, as a signed word of 64 bits. */
function folded(e: Expr | undefined): bigint | undefined {
  if (e?.kind === 'const') return BigInt.asIntN(64, (BigInt(e.hi) << 32n) | BigInt(e.lo >>> 0));
  if (e?.kind !== 'binary') return undefined;
  const [a, b] = [folded(e.a), folded(e.b)];
  if (a === undefined || b === undefined) return undefined;
  if (e.op === 'add') return BigInt.asIntN(64, a + b);
  if (e.op === 'mul') return BigInt.asIntN(64, a * b);
  return undefined;
}
const inStacks = (value: bigint | undefined): boolean =>
  value !== undefined && value >= BigInt(region.stacks | 0) && value < -(1n << 24n);

/** What a stub is built with may be any address. */
const stubsFindStacks = (p: Program): boolean =>
  p.stubs.some(({ template, fixups, spans }) =>
    [...spans.keys()].some((offset) => {
      const insn = sequence(template.subarray(offset), offset).next().value;
      const filled = fixups.some((f) => f.offset >= offset && f.offset < (insn?.behind ?? 0));
      return (
        filled && mentions(insn?.ops, (e: Expr | Op) => e.kind === 'load' || e.kind === 'store')
      );
    }),
  );

const operationsOf = (bytes: Uint8Array, at: Address): readonly Op[] =>
  [...sequence(bytes, at)].flatMap((i) => i.ops);

/** Whether a handler moves the RSP of what it has interrupted anywhere: where it emulates a POP there, that is a load. */
function handlersMoveStacks(p: Program): boolean {
  const emulated = p.kernel.some((k) => k.do.kind === 'emulate')
    ? p.contents.map((c) => operationsOf(c.bytes, c.at))
    : [];
  return mentions([p.kernel, emulated], (e) => {
    const to = 'to' in e ? (e.to as Target | number) : undefined;
    if (typeof to !== 'object') return false;
    return to.kind === 'frame' ? to.word === 'sp' : 'reg' in to && to.reg === RSP;
  });
}

/**
 * Whether code that interrupts could pop the frame by which it returns without a step that does: a handler emulates it,
 * or it is what a content would do that is judged by what it leaves.
 */
function takesFrames(p: Program): boolean {
  const interrupts =
    p.ipiCode?.reaches === true || p.env.events.some((e) => e.entry !== undefined && e.reaches);
  return (
    interrupts &&
    p.contents.some((c) =>
      mentions(operationsOf(c.bytes, c.at), (e: Expr | Op) => e.kind === 'pop'),
    )
  );
}

/**
 * Whether RSP is named. Without that stacks are used in one way only, by CALL, RET, PUSH, POP and by what is delivered: no
 * word below RSP counts, and the only words that hold addresses of stacks are those that say where RSP is or was.
 */
const namesStacks = (e: Expr): boolean =>
  (e.kind === 'frame' && e.word === 'sp') ||
  ((e.kind === 'reg' || e.kind === 'framereg') && e.reg === RSP);
