// Programs as other processors take them: one file of cases in, one file of what they left out.
//
// A case, in 8-byte words: RIP, the address of its end, RFLAGS, 16 registers by number, 8 words of data, 32 words of stack (the
// first RSP points at the 25th), then 256 bytes of code. What comes back: why it ended (0: at its end), RFLAGS, registers, data, stack.

import { RSP } from '../../../compiler/ops.ts';
import type { Left } from './emulate.ts';
import { comparedFlags } from './emulate.ts';
import { type Assembled, codeAt, dataWords, type Shape, stackAbove } from './generate.ts';

export const stackWords = 32;
export const codeBytes = 256;
const wordsIn = 3 + 16 + dataWords + stackWords;
export const caseBytes = 8 * wordsIn + codeBytes;
const wordsOut = 2 + 16 + dataWords + stackWords;

export interface Case {
  readonly shape: Shape;
  readonly code: Assembled;
}

/** `low`: addresses without their upper half, where a user's program may have them. */
export function pack(cases: readonly Case[], rsp: number, low: boolean): Buffer {
  const out = Buffer.alloc(cases.length * caseBytes);
  const address = (a: bigint): bigint => (low ? BigInt.asUintN(32, a) : BigInt.asUintN(64, a));
  cases.forEach(({ shape, code }, k) => {
    let at = k * caseBytes;
    const put = (v: bigint): void => {
      at = out.writeBigUInt64LE(BigInt.asUintN(64, v), at);
    };
    put(address(BigInt(codeAt)));
    put(address(BigInt(codeAt + code.end)));
    put(BigInt(shape.flags));
    shape.registers.forEach((v, r) => {
      put(r === RSP ? address(BigInt(rsp)) : r === 3 || r === 13 ? address(v) : v);
    });
    for (const v of shape.data) put(v);
    for (let j = 0; j < stackWords; j++)
      put(j < stackWords - stackAbove ? 0n : (shape.stack[j - stackWords + stackAbove] ?? 0n));
    out.set(code.bytes, at);
  });
  return out;
}

export interface Answer extends Left {
  readonly ended: number;
}

export function unpack(out: Buffer, count: number, rsp: number): readonly Answer[] {
  if (out.length !== count * wordsOut * 8)
    throw new Error(`${out.length} bytes came back of ${count * wordsOut * 8}`);
  return Array.from({ length: count }, (_, k) => {
    let at = k * wordsOut * 8;
    const get = (): bigint => {
      at += 8;
      return out.readBigUInt64LE(at - 8);
    };
    const ended = Number(get());
    const flags = Number(get() & BigInt(comparedFlags));
    const registers = Array.from({ length: 16 }, get);
    const data = Array.from({ length: dataWords }, get);
    const stack = Array.from({ length: stackWords }, get);
    const first = BigInt.asUintN(32, BigInt(rsp - 8 * (stackWords - stackAbove)));
    const skip = Number((BigInt.asUintN(32, registers[RSP] ?? 0n) - first) / 8n);
    return { ended, flags, registers, data, stack: stack.slice(Math.max(0, skip)) };
  });
}

/** What differs; an address of a user's program equals the kernel's with the same lower half. */
export function differences(ours: Left, theirs: Answer, low: boolean): readonly string[] {
  const out: string[] = [];
  const say = (name: string, a: bigint, b: bigint): void => {
    const same = a === b || (low && a >> 32n === 0xffffffffn && b === BigInt.asUintN(32, a));
    if (!same) out.push(`${name} is ${a.toString(16)}, there ${b.toString(16)}`);
  };
  if (theirs.ended !== 0) return [`there it ended by ${theirs.ended}`];
  say('flags', BigInt(ours.flags), BigInt(theirs.flags));
  ours.registers.forEach((v, r) => {
    say(`register ${r}`, v, theirs.registers[r] ?? 0n);
  });
  ours.data.forEach((v, j) => {
    say(`data ${j}`, v, theirs.data[j] ?? 0n);
  });
  if (ours.stack.length !== theirs.stack.length)
    out.push(`the stack has ${ours.stack.length} words, there ${theirs.stack.length}`);
  ours.stack.forEach((v, j) => {
    say(`stack ${j}`, v, theirs.stack[j] ?? 0n);
  });
  return out;
}
