// What can follow from an entry of the text: where code that begins there comes, and how RSP stands by then.

import type { Place, TextRange } from './ir.ts';
import { percpuStride, region } from './ir.ts';
import type { Address, Expr, Op } from './ops.ts';
import { RSP } from './ops.ts';
import { decode, instantiate } from './x86/decode.ts';

/** An instruction that can follow from an entry; `delta`: what RSP has moved by until there. */
interface Following {
  readonly address: Address;
  readonly length: number;
  readonly delta: number;
  readonly ops: readonly Op[];
}

/** Bytes of the longest instruction. */
const longest = 15;

/** The bytes from an address on, 0 where the text has none. */
function bytesAt(text: readonly TextRange[], address: Address): Uint8Array {
  const bytes = new Uint8Array(longest);
  for (const range of text) {
    const from = Math.max(address, range.from);
    const to = Math.min(address + longest, range.from + range.bytes.length);
    if (from < to)
      bytes.set(range.bytes.subarray(from - range.from, to - range.from), from - address);
  }
  return bytes;
}

/** The nearest first. Where an indirect branch goes is not followed. */
function* following(text: readonly TextRange[], entry: Address): Generator<Following> {
  const seen = new Map<Address, number>([[entry, 0]]);
  for (const [address, before] of seen) {
    const d = decode(bytesAt(text, address), longest);
    const ops = d.kind === 'insn' ? instantiate(d, address) : [];
    yield { address, length: d.kind === 'insn' ? d.length : 1, delta: before, ops };
    if (d.kind !== 'insn') continue;
    let delta = before;
    let on = true;
    const add = (to: Address, by: number): void => {
      if (!seen.has(to)) seen.set(to, by);
    };
    for (const op of ops) {
      if (op.kind === 'push') delta -= 8;
      if (op.kind === 'pop') delta += 8;
      if (movesRsp(op) && op.value.kind === 'binary' && op.value.b.kind === 'const') {
        if (op.value.op === 'add') delta += op.value.b.lo;
        if (op.value.op === 'sub') delta -= op.value.b.lo;
      }
      if (op.kind === 'branch') {
        if (!op.when) on = false;
        if (op.target.kind === 'const') add(op.target.lo, delta);
      }
      if (op.kind === 'fault' || op.kind === 'iret') on = false;
    }
    // Behind a call the stack is as before it.
    const call = ops.some((o) => o.kind === 'push' && o.as === 'return');
    if (on || call) add(address + d.length, call ? delta + 8 : delta);
  }
}

const movesRsp = (op: Op): op is Extract<Op, { kind: 'set' }> =>
  op.kind === 'set' && op.to.kind === 'reg' && op.to.reg === RSP;

/** RSP modulo 16 at an entry, so that it is as wanted where its code first comes to a place. */
export function rspAt(
  text: readonly TextRange[],
  entry: Address,
  places: readonly Place[],
  wanted: 0 | 8,
): 0 | 8 {
  const at = new Set(places.map((p) => p.from));
  for (const { address, delta } of following(text, entry))
    if (at.has(address)) return ((((wanted - delta) % 16) + 16) % 16) as 0 | 8;
  return wanted;
}

/** Whether code that begins at an entry can come to a place or a stub. */
export function reaches(
  text: readonly TextRange[],
  entry: Address,
  places: readonly Place[],
): boolean {
  let returns = false;
  let moves = false;
  for (const { address, length, ops } of following(text, entry)) {
    // What a stub holds leads anywhere.
    if (address >= region.stubs && address < region.kernel) return true;
    if (places.some((p) => address + length > p.from && address < p.from + p.length)) return true;
    const back = ops.some((o) => o.kind === 'pop' && o.as === 'return');
    // A RET goes behind its call, unless code has put another word there.
    returns ||= back || ops.some((o) => o.kind === 'iret');
    moves ||= nested(ops).some(
      (o) =>
        ((o.kind === 'push' || o.kind === 'pop') && o.as === 'data') ||
        (o.kind === 'store' && !isVariable(o.address)) ||
        movesRsp(o),
    );
    // Where an indirect branch or a trap's handler goes nobody knows here.
    const away = ops.some((o) => o.kind === 'branch' && o.target.kind !== 'const');
    if ((away && !back) || ops.some((o) => o.kind === 'trap')) return true;
  }
  return returns && moves;
}

/** Operations, with those that others have in them. */
const nested = (ops: readonly Op[]): readonly Op[] =>
  ops.flatMap((o) => (o.kind === 'when' ? [o, ...nested(o.then), ...nested(o.else)] : [o]));

/** Whether an address is that of a variable, of this CPU or of all; any other may be one of a stack. */
function isVariable(e: Expr): boolean {
  if (e.kind === 'const') return e.hi === -1 && e.lo >= region.percpu && e.lo < region.stacks;
  if (e.kind !== 'binary' || e.op !== 'add' || e.a.kind !== 'gsbase') return false;
  return e.b.kind === 'const' && e.b.hi === 0 && e.b.lo >= 0 && e.b.lo < percpuStride;
}
