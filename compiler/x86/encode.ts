// From an instruction to its bytes: the shortest encoding of the table that holds.

import type { Address } from '../ops.ts';
import type { Form, Slot } from './notation.ts';
import { tailBytes } from './notation.ts';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  Ref,
  Refusal,
  RelativeOperand,
} from './operand.ts';
import { isRefusal, refusal, unreachable } from './operand.ts';
import { type Row, rowsOf, subsetList } from './table.ts';
import { print, registerName } from './text.ts';

/**
 * Bytes to be filled in where the argument is known. With `start` the address of the code's first byte:
 * `rel32` is argument - (start + addend), the addend being the offset of the next instruction less what the source
 * adds to the parameter; the others are argument + addend. `abs32s` must be its own sign extension, `abs32` has no more than
 * 32 bits, signed or not: an operation on as many uses it.
 */
export interface Fixup {
  /** From the first byte of the instruction or of the template. */
  readonly offset: number;
  readonly width: 4 | 8;
  readonly kind: 'rel32' | 'abs32' | 'abs32s' | 'abs64';
  readonly param: number;
  readonly addend: number;
}
export interface Encoded {
  readonly kind: 'code';
  readonly bytes: Uint8Array;
  readonly row: Row;
  readonly fixups: readonly Fixup[];
}

/**
 * Encodes an instruction that will stand at `at`. Displacements never wrap and immediates are never cut: what does
 * not fit is a refusal. `atLeast` asks for the shortest encoding that is not shorter than that. A parameter of a
 * stub takes the form with 32 bits and leaves a fixup; names must have been bound before.
 */
export function encode(insn: AbstractInsn, at: Address, atLeast = 0): Encoded | Refusal {
  const candidates = rowsOf.get(insn.mnemonic);
  if (!candidates) {
    return refusal('mnemonic', `${insn.mnemonic} is not in the subset: ${subsetList}`);
  }
  if (
    insn.operands.some((o) => o.kind === 'mem' && o.width === undefined) &&
    isUnsized(insn, candidates)
  ) {
    return refusal(
      'width',
      `${print(insn)}: the width of the memory operand is not clear: say dword or qword`,
    );
  }
  let best: Encoded | undefined;
  let nearest: Refusal | undefined;
  for (const row of candidates) {
    if (!hintAllows(insn.hint, row.form)) continue;
    let encoded = encodeAs(row, insn, at, false);
    if (encoded?.kind === 'code' && encoded.bytes.length < atLeast) {
      encoded = encodeAs(row, insn, at, true);
    }
    if (!encoded) continue;
    if (isRefusal(encoded)) {
      // The last is the widest, so its sentence is the one to tell.
      nearest = encoded;
      continue;
    }
    const length = encoded.bytes.length;
    if (length >= atLeast && length < (best?.bytes.length ?? 16)) best = encoded;
  }
  if (best) return best;
  if (nearest) return nearest;
  const forms = candidates.map((r) => r.text).join('; ');
  return refusal('operands', `${print(insn)}: the operands fit no form of the subset: ${forms}`);
}

/** Whether only the memory operand could say the width, and the mnemonic has more than one. */
function isUnsized(insn: AbstractInsn, candidates: readonly Row[]): boolean {
  if (insn.operands.some((o) => o.kind === 'reg')) return false;
  const slots = candidates.flatMap((row) => row.form.slots);
  const widths = slots.flatMap((s) => (s.kind === 'rm' && s.width !== undefined ? [s.width] : []));
  return new Set(widths).size > 1;
}

const hintAllows = (hint: AbstractInsn['hint'], form: Form): boolean => {
  if (hint === undefined) return true;
  const want = hint === 'short' ? 'cb' : 'cd';
  return form.tail === want;
};

/** One field of the bytes that an operand decides. */
interface Parts {
  reg?: number;
  rm?: number;
  plus?: number;
  memory?: MemOperand | RelativeOperand;
  /** What stands behind ModRM: a value, and where it counts from. */
  tail?: { readonly value: bigint; readonly relative: boolean; readonly ref?: Ref };
}

/**
 * Undefined: the operands are not of this form's kind. A refusal: they are, but the value does not fit. `wide` takes
 * 32 bits for a displacement that fits in 8.
 */
export function encodeAs(
  row: Row,
  insn: AbstractInsn,
  at: Address,
  wide: boolean,
): Encoded | Refusal | undefined {
  const { form } = row;
  if (form.slots.length !== insn.operands.length) return;
  const parts: Parts = {};
  for (const [k, slot] of form.slots.entries()) {
    const o = insn.operands[k];
    if (!o || !place(slot, o, parts)) return;
  }

  const bytes: number[] = [];
  if (parts.memory?.seg) bytes.push(0x65);
  bytes.push(...form.prefixes);
  const { memory } = parts;
  const base = memory?.kind === 'mem' && typeof memory.base === 'number' ? memory.base : 0;
  const index = memory?.kind === 'mem' ? (memory.index ?? 0) : 0;
  const rex =
    ((form.w ?? 0) << 3) |
    (((parts.reg ?? 0) >> 3) << 2) |
    ((index >> 3) << 1) |
    (((parts.rm ?? 0) | base | (parts.plus ?? 0)) >> 3);
  if (rex !== 0) bytes.push(0x40 | rex);
  bytes.push(...form.opcode);
  if (parts.plus !== undefined) {
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) | (parts.plus & 7);
    // 90 is NOP: XCHG EAX, EAX has another meaning, for it clears the upper half, and another form.
    if (form.opcode[0] === 0x90 && parts.plus === 0) return;
  }
  const fixups: Fixup[] = [];
  const tailLength = form.tail ? tailBytes[form.tail] : 0;
  if (form.modrm !== undefined) {
    const field = typeof form.modrm === 'number' ? form.modrm : (parts.reg ?? 0) & 7;
    if (memory) {
      const refused = writeMemory(memory, field, bytes, fixups, { tailLength, at, wide });
      if (refused) return refused;
    } else bytes.push(0xc0 | (field << 3) | ((parts.rm ?? 0) & 7));
  }
  if (parts.tail) {
    const refused = writeTail(form, parts.tail, bytes, fixups, at);
    if (refused) return refused;
  }
  return { kind: 'code', bytes: Uint8Array.from(bytes), row, fixups };
}

/** Whether the operand is of the slot's kind; then its part is noted. */
function place(slot: Slot, o: Operand, parts: Parts): boolean {
  switch (slot.kind) {
    case 'reg':
      if (o.kind !== 'reg' || o.width !== slot.width) return false;
      if (slot.field === 'opcode') parts.plus = o.reg;
      else parts[slot.field] = o.reg;
      return true;
    case 'rm':
      if (o.kind === 'reg') {
        parts.rm = o.reg;
        return slot.register && o.width === slot.width;
      }
      if (o.kind !== 'mem' && o.kind !== 'relative') return false;
      if (slot.width !== undefined && o.width !== undefined && o.width !== slot.width) return false;
      parts.memory = o;
      return true;
    case 'imm':
      if (o.kind === 'imm') parts.tail = { value: o.value, relative: false };
      else if (o.kind === 'ref' && slot.bytes === 4) {
        parts.tail = { value: BigInt(o.addend), relative: false, ref: o.ref };
      } else return false;
      return true;
    case 'rel':
      if (o.kind === 'target') parts.tail = { value: BigInt(o.address), relative: true };
      else if (o.kind === 'ref' && slot.bytes === 4) {
        parts.tail = { value: BigInt(o.addend), relative: true, ref: o.ref };
      } else return false;
      return true;
    case 'fixed':
      return o.kind === 'reg' && o.reg === slot.reg && o.width === slot.width;
    case 'literal':
      return o.kind === 'imm' && o.value === BigInt(slot.value);
    default:
      return unreachable(slot);
  }
}

const fits = (value: bigint, bytes: number): boolean => {
  const half = 1n << BigInt(bytes * 8 - 1);
  return value >= -half && value < half;
};
const write = (bytes: number[], value: bigint, width: number): void => {
  for (let k = 0n; k < width; k++) bytes.push(Number((value >> (8n * k)) & 0xffn));
};

function writeTail(
  form: Form,
  tail: NonNullable<Parts['tail']>,
  bytes: number[],
  fixups: Fixup[],
  at: Address,
): Refusal | undefined {
  const width = form.tail ? tailBytes[form.tail] : 4;
  if (tail.ref) {
    const param = paramOf(tail.ref);
    if (isRefusal(param)) return param;
    const addend = tail.relative ? bytes.length + 4 - Number(tail.value) : Number(tail.value);
    const slot = form.slots.find((s) => s.kind === 'imm');
    const isShort = slot?.kind === 'imm' && slot.operation === 4;
    const kind = tail.relative ? 'rel32' : isShort ? 'abs32' : 'abs32s';
    fixups.push({ offset: bytes.length, width: 4, kind, param: param.param, addend });
    write(bytes, 0n, 4);
    return;
  }
  if (tail.relative) {
    const distance = tail.value - BigInt(at + bytes.length + width);
    if (!fits(distance, width)) {
      return refusal(
        'range',
        `${form.mnemonic}: ${hex(tail.value)} is ${distance} bytes away from the next instruction, and rel${width * 8} does not reach it`,
      );
    }
    write(bytes, distance, width);
    return;
  }
  const slot = form.slots.find((s) => s.kind === 'imm');
  const operation = slot?.kind === 'imm' ? slot.operation : 8;
  const value = normalise(tail.value, operation);
  if (value === undefined || !fits(value, width)) {
    const extended = width < operation ? ' sign-extended' : '';
    return refusal(
      'range',
      `${form.mnemonic}: the immediate ${hex(tail.value)} does not fit in ${width * 8} bits${extended}`,
    );
  }
  write(bytes, value, width);
  return;
}

const hex = (value: bigint): string =>
  value < 0n && value >= -0x1000000n
    ? `-0x${(-value).toString(16)}`
    : `0x${BigInt.asUintN(64, value).toString(16)}`;

/** The signed value of an immediate that may have been written as unsigned; undefined if the operation cannot hold it. */
function normalise(value: bigint, operation: 4 | 8): bigint | undefined {
  const bits = operation * 8;
  if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) return undefined;
  return BigInt.asIntN(bits, value);
}

const paramOf = (ref: Ref): { readonly kind: 'param'; readonly param: number } | Refusal =>
  'param' in ref
    ? { kind: 'param', param: ref.param }
    : refusal(
        'name',
        `\`${ref.name}\` has no address here: labels, shared variables and parameters have one, a per-CPU variable behind \`gs:\``,
      );

function writeMemory(
  m: MemOperand | RelativeOperand,
  field: number,
  bytes: number[],
  fixups: Fixup[],
  {
    tailLength,
    at,
    wide,
  }: { readonly tailLength: number; readonly at: Address; readonly wide: boolean },
): Refusal | undefined {
  const modrm = (mod: number, rm: number): void => {
    bytes.push((mod << 6) | (field << 3) | rm);
  };
  const disp32 = (disp: number, relative: boolean): Refusal | undefined => {
    if (m.ref) {
      const param = paramOf(m.ref);
      if (isRefusal(param)) return param;
      const addend = relative ? bytes.length + 4 + tailLength - disp : disp;
      const kind = relative ? 'rel32' : 'abs32s';
      fixups.push({ offset: bytes.length, width: 4, kind, param: param.param, addend });
      write(bytes, 0n, 4);
      return;
    }
    const value = relative ? disp - (at + bytes.length + 4 + tailLength) : disp;
    if (!fits(BigInt(value), 4)) {
      const what = relative ? 'is out of reach of RIP' : 'does not fit in 32 bits sign-extended';
      return refusal('range', `the address ${hex(BigInt(disp))} ${what}`);
    }
    write(bytes, BigInt(value), 4);
    return;
  };
  if (m.kind === 'relative') {
    modrm(0, 5);
    return disp32(m.address, true);
  }
  const { base, index, disp } = m;
  if (base === 'rip') {
    if (index !== undefined) return refusal('operands', 'rip takes no index register');
    modrm(0, 5);
    return m.ref ? disp32(disp, true) : disp32(disp, false);
  }
  if (index === 4) return refusal('operands', `${registerName(4, 8)} cannot be an index register`);
  const sib = ['1', '2', '4', '8'].indexOf(String(m.scale ?? 1)) << 6;
  if (base === undefined) {
    // Without SIB this would be RIP-relative (SDM 2A, table 2-7); index 4 is no index.
    modrm(0, 4);
    bytes.push(sib | (((index ?? 4) & 7) << 3) | 5);
    return disp32(disp, false);
  }
  // RBP and R13 have no form without displacement: that is RIP or no base (SDM 2A, tables 2-2 and 2-3).
  const mod =
    m.ref || wide ? 2 : disp === 0 && (base & 7) !== 5 ? 0 : fits(BigInt(disp), 1) ? 1 : 2;
  if (index !== undefined || (base & 7) === 4) {
    modrm(mod, 4);
    bytes.push(sib | (((index ?? 4) & 7) << 3) | (base & 7));
  } else modrm(mod, base & 7);
  if (mod === 2) return disp32(disp, false);
  if (mod === 1) write(bytes, BigInt(disp), 1);
  return;
}
