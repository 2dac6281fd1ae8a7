// Under which conditions a check may be searched with less: what is known of its program before the search.

import { mentions } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { region } from '../ir.ts';
import type { Expr, Op } from '../ops.ts';
import { RSP } from '../ops.ts';
import { instructions } from './instructions.ts';

export interface Conditions {
  /** Steps of threads may be taken by themselves. */
  readonly steps: boolean;
  /** CALL, RET, PUSH and POP among them. */
  readonly stack: boolean;
  /** PUSH and POP of more than return addresses. */
  readonly data: boolean;
  /** Branches to where a register says. */
  readonly indirect: boolean;
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
  data: false,
  indirect: false,
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
  if (mentions([insns, p.kernel, asked], findsStacks)) return none;
  const stack = !env.shadowStack && !mentions([insns, p.kernel], namesStacks);
  // Who takes a thread's CPU must not find on its stack where it was.
  if (env.preempt && !stack) return none;
  const isEvent = (e: Expr): boolean => e.kind === 'event';
  return {
    steps: true,
    stack,
    data: p.stubs.length === 0,
    indirect: p.stubs.length === 0,
    closing:
      !mentions(
        p.requirements.map((r) => r.expr),
        isEvent,
      ) && p.witnesses.every((w) => isEvent(w.expr) || !mentions(w.expr, isEvent)),
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
  if (e.kind === 'const') return e.lo >= region.stacks && e.lo < -1 << 24 && e.hi === -1;
  return (
    (e.kind === 'load' || e.kind === 'store') &&
    mentions(e.address, (x) => !constants.includes(x.kind))
  );
}
const constants: readonly Expr['kind'][] = ['const', 'gsbase', 'binary'];

/**
 * Whether RSP is named. Without that stacks are used in one way only, by CALL, RET, PUSH, POP and by what is delivered: no
 * word below RSP counts, and the only words that hold addresses of stacks are those that say where RSP is or was.
 */
const namesStacks = (e: Expr): boolean =>
  (e.kind === 'frame' && e.word === 'sp') ||
  ((e.kind === 'reg' || e.kind === 'framereg') && e.reg === RSP);
