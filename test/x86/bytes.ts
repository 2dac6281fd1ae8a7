// Bytes and instructions as tests write them.

import type { AbstractInsn, Operand } from '../../compiler/x86/operand.ts';
import { registerOf } from '../../compiler/x86/text.ts';

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');
export const unhex = (text: string): Uint8Array =>
  Uint8Array.from(text.trim().split(/\s+/), (b) => Number.parseInt(b, 16));

/** `insn('push', 5n)`: a string is a register, or with `@` a name; a bigint is an immediate, a number a target. */
export const insn = (
  mnemonic: string,
  ...operands: readonly (Operand | string | bigint | number)[]
): AbstractInsn => ({
  mnemonic,
  operands: operands.map((o): Operand => {
    if (typeof o === 'bigint') return { kind: 'imm', value: o };
    if (typeof o === 'number') return { kind: 'target', address: o };
    if (typeof o !== 'string') return o;
    if (o.startsWith('@')) return { kind: 'ref', ref: { name: o.slice(1) }, addend: 0 };
    const register = registerOf(o);
    if (!register) throw new Error(`no register ${o}`);
    return { kind: 'reg', ...register };
  }),
});
