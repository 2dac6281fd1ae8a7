// What an instruction is before and after its bytes: mnemonic and operands, or a refusal with its sentence.

import type { Address, Register, Width } from '../ops.ts';

/** Bytes that an operand has; 2 stands in the operands of multi-byte NOPs alone, which access nothing. */
export type OperandWidth = 2 | Width;

/** A value that is not known yet: a name of the source, or a parameter of a stub, known at run time only. */
export type Ref = { readonly name: string } | { readonly param: number };

export interface RegOperand {
  readonly kind: 'reg';
  readonly reg: Register;
  readonly width: OperandWidth;
}
export interface ImmOperand {
  readonly kind: 'imm';
  /** Signed or unsigned, as written: -2^63 up to 2^64 - 1. */
  readonly value: bigint;
}
export interface MemOperand {
  readonly kind: 'mem';
  readonly base?: Register | 'rip';
  readonly index?: Register;
  readonly scale?: 1 | 2 | 4 | 8;
  /** Sign-extended from 32 bits. Without a base it is the address, with `rip` counted from the next instruction. */
  readonly disp: number;
  /** Added to `disp`. */
  readonly ref?: Ref;
  readonly seg?: 'gs';
  /** Absent where the source does not say it. */
  readonly width?: OperandWidth;
}
/** Memory that is reached relative to RIP, by its address. */
export interface RelativeOperand {
  readonly kind: 'relative';
  readonly address: Address;
  /** Added to `address`. */
  readonly ref?: Ref;
  readonly seg?: 'gs';
  readonly width?: OperandWidth;
}
/** Where a branch goes, by its address. */
export interface TargetOperand {
  readonly kind: 'target';
  readonly address: Address;
}
/** An immediate or a branch target, as the mnemonic wants it. */
export interface RefOperand {
  readonly kind: 'ref';
  readonly ref: Ref;
  readonly addend: number;
}
export type Operand =
  | RegOperand
  | ImmOperand
  | MemOperand
  | RelativeOperand
  | TargetOperand
  | RefOperand;

export interface AbstractInsn {
  /** In lower case; a locked form is one mnemonic: `lock add`. */
  readonly mnemonic: string;
  readonly operands: readonly Operand[];
  /** Forces the length of a branch: rel8 or rel32. */
  readonly hint?: 'short' | 'near';
}

/** Why there are no bytes: a mistake of the user, in one sentence. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly reason: 'mnemonic' | 'operands' | 'range' | 'width' | 'name';
  readonly message: string;
}
export const refusal = (reason: Refusal['reason'], message: string): Refusal => ({
  kind: 'refusal',
  reason,
  message,
});
export const isRefusal = (x: object): x is Refusal => 'kind' in x && x.kind === 'refusal';

export const unreachable = (x: never): never => {
  throw new Error(`no case for ${JSON.stringify(x)}`);
};
