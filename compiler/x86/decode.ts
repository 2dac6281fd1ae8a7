// From bytes to an instruction of the table, byte by byte, and from there to operations and to text.
//
// What is decoded here, every x86-64 decoder decodes with the same length and meaning. Refused, though processors
// would run them, are: prefixes that the row does not name (66, 67, F2, F3, 2E, 36, 3E, 26, 64, and 65 without a
// memory operand), one prefix twice, REX not directly before the opcode, encodings that the manual does not document
// (F7 /1, 0F 1F /1 to /7, 0F AE F1 and its like), the other reserved NOPs (0F 0D, 0F 18 to 0F 1E), and the 64-bit
// address of A0 to A3.

import type { Address, Expr, Op, Target, Width } from '../ops.ts';
import { big, binary, load, num, reg } from '../ops.ts';
import type { Slot } from './notation.ts';
import { tailBytes } from './notation.ts';
import type { AbstractInsn, ImmOperand, MemOperand, Operand, RegOperand } from './operand.ts';
import { unreachable } from './operand.ts';
import { type Row, rows } from './table.ts';
import { type Names, print, type Style } from './text.ts';

/** An operand as the bytes have it: branch targets and RIP-relative memory count from the next instruction. */
export type DecodedOperand =
  | RegOperand
  | ImmOperand
  | MemOperand
  | { readonly kind: 'rel'; readonly disp: number };

export interface Decoded {
  readonly kind: 'insn';
  readonly row: Row;
  readonly operands: readonly DecodedOperand[];
  readonly length: number;
}
/** `more`: a proper prefix of some instruction of the subset. `invalid`: no instruction begins so. */
export type Decoding = Decoded | { readonly kind: 'more' } | { readonly kind: 'invalid' };

const more = { kind: 'more' } as const;
const invalid = { kind: 'invalid' } as const;

/** Reads the first `length` of `bytes`. */
export function decode(bytes: Uint8Array, length: number): Decoding {
  const prefixes: number[] = [];
  let at = 0;
  while (at < length && isPrefix(bytes[at])) {
    const byte = bytes[at++] as number;
    if (prefixes.includes(byte)) return invalid;
    prefixes.push(byte);
  }
  const first = at < length ? bytes[at] : undefined;
  const rex = first !== undefined && first >> 4 === 4 ? first : undefined;
  if (rex !== undefined) at++;
  let wanting = false;
  const candidates = at < length ? (byOpcode.get(bytes[at] as number) ?? []) : rows;
  for (const row of candidates) {
    const found = match(row, { bytes, length, prefixes, rex, opcodeAt: at });
    if (found === 'more') wanting = true;
    else if (found) return found;
  }
  return wanting ? more : invalid;
}

/** An instruction where it stands. */
export interface Standing {
  readonly at: Address;
  readonly behind: Address;
  readonly bytes: Uint8Array;
  readonly ops: readonly Op[];
}

/** The instructions that stand one behind the other in some bytes, as far as they are any. */
export function* sequence(bytes: Uint8Array, from: Address): Generator<Standing> {
  for (let k = 0; k < bytes.length; ) {
    const rest = bytes.slice(k, k + 15);
    const d = decode(rest, rest.length);
    if (d.kind !== 'insn') return;
    const at = from + k;
    k += d.length;
    yield { at, behind: from + k, bytes: rest.slice(0, d.length), ops: instantiate(d, at) };
  }
}

/** The rows by each first byte of an opcode, in the table's order. */
const byOpcode: ReadonlyMap<number, readonly Row[]> = (() => {
  const map = new Map<number, Row[]>();
  for (const row of rows) {
    const { opcode, plus } = row.form;
    const first = opcode[0] as number;
    for (let k = first; k < first + (plus && opcode.length === 1 ? 8 : 1); k++) {
      map.set(k, [...(map.get(k) ?? []), row]);
    }
  }
  return map;
})();

const isPrefix = (byte: number | undefined): boolean =>
  byte === 0x65 || byte === 0x66 || byte === 0xf0 || byte === 0xf3;

interface Source {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly prefixes: readonly number[];
  readonly rex: number | undefined;
  readonly opcodeAt: number;
}

function match(row: Row, source: Source): Decoded | 'more' | undefined {
  const { form } = row;
  const { bytes, length, prefixes, rex } = source;
  const hasMemory = form.slots.some((s) => s.kind === 'rm');
  if (!prefixes.every((p) => form.prefixes.includes(p) || (p === 0x65 && hasMemory))) return;
  if (rex !== undefined) {
    if (!form.rex) return;
    if (form.w !== undefined && form.w !== ((rex >> 3) & 1)) return;
    if (form.b === 0 && (rex & 1) !== 0) return;
  }
  // Nothing but prefixes so far: those that are missing may still come, but not behind REX.
  if (source.opcodeAt === length && rex === undefined) return 'more';
  if (!form.prefixes.every((p) => prefixes.includes(p))) return;
  if (rex === undefined && form.w === 1) return;

  let at = source.opcodeAt;
  let plus = 0;
  for (const [k, want] of form.opcode.entries()) {
    if (at === length) return 'more';
    const got = bytes[at++] as number;
    const low = form.plus && k === form.opcode.length - 1;
    if ((low ? got & 0xf8 : got) !== want) return;
    if (low) plus = (got & 7) | ((rex ?? 0) & 1 ? 8 : 0);
  }

  let modrm = 0;
  let memory: MemOperand | undefined;
  if (form.modrm !== undefined) {
    if (at === length) return 'more';
    modrm = bytes[at] as number;
    if (typeof form.modrm === 'number' && form.modrm !== ((modrm >> 3) & 7)) return;
    const isRegister = modrm >> 6 === 3;
    const rm = form.slots.find((s) => s.kind === 'rm' || (s.kind === 'reg' && s.field === 'rm'));
    if (isRegister) {
      if (rm?.kind === 'rm' && !rm.register) return;
      if (prefixes.includes(0x65)) return;
      at++;
    } else {
      if (rm?.kind !== 'rm') return;
      const read = readMemory(bytes, at, length, rex ?? 0);
      if (read === 'more') return 'more';
      memory = {
        ...read.operand,
        ...(prefixes.includes(0x65) ? { seg: 'gs' as const } : {}),
        ...(rm.width === undefined ? {} : { width: rm.width }),
      };
      at = read.end;
    }
  }

  const tailAt = at;
  if (form.tail) at += tailBytes[form.tail];
  if (at > length) return 'more';

  const r = rex ?? 0;
  const operandOf = (slot: Slot): DecodedOperand => {
    switch (slot.kind) {
      case 'reg': {
        const number =
          slot.field === 'opcode'
            ? plus
            : slot.field === 'reg'
              ? ((modrm >> 3) & 7) | (r & 4 ? 8 : 0)
              : (modrm & 7) | (r & 1 ? 8 : 0);
        return { kind: 'reg', reg: number, width: slot.width };
      }
      case 'rm':
        // LEA has no register form, so the width is there.
        return (
          memory ?? { kind: 'reg', reg: (modrm & 7) | (r & 1 ? 8 : 0), width: slot.width as Width }
        );
      case 'imm':
        return { kind: 'imm', value: readSigned(bytes, tailAt, slot.bytes) };
      case 'rel':
        return { kind: 'rel', disp: Number(readSigned(bytes, tailAt, slot.bytes)) };
      case 'fixed':
        return { kind: 'reg', reg: slot.reg, width: slot.width };
      case 'literal':
        return { kind: 'imm', value: BigInt(slot.value) };
      default:
        return unreachable(slot);
    }
  };
  return { kind: 'insn', row, operands: form.slots.map(operandOf), length: at };
}

/** ModRM with mod below 3, SIB and displacement (SDM 2A, tables 2-2 and 2-3). */
function readMemory(
  bytes: Uint8Array,
  modrmAt: number,
  length: number,
  rex: number,
): { readonly operand: MemOperand; readonly end: number } | 'more' {
  const modrm = bytes[modrmAt] as number;
  const mod = modrm >> 6;
  const rm = modrm & 7;
  let at = modrmAt + 1;
  let base: number | 'rip' | undefined = rm | ((rex & 1) << 3);
  let index: number | undefined;
  let scale: 1 | 2 | 4 | 8 = 1;
  let dispBytes = mod === 1 ? 1 : mod === 2 ? 4 : 0;
  if (rm === 4) {
    if (at === length) return 'more';
    const sib = bytes[at++] as number;
    base = (sib & 7) | ((rex & 1) << 3);
    const x = ((sib >> 3) & 7) | ((rex & 2) << 2);
    if (x !== 4) {
      index = x;
      scale = (1 << (sib >> 6)) as 1 | 2 | 4 | 8;
    }
    if (mod === 0 && (sib & 7) === 5) {
      base = undefined;
      dispBytes = 4;
    }
  } else if (mod === 0 && rm === 5) {
    base = 'rip';
    dispBytes = 4;
  }
  if (at + dispBytes > length) return 'more';
  const disp = dispBytes === 0 ? 0 : Number(readSigned(bytes, at, dispBytes as 1 | 4));
  return {
    operand: {
      kind: 'mem',
      disp,
      ...(base === undefined ? {} : { base }),
      ...(index === undefined ? {} : { index, scale }),
    },
    end: at + dispBytes,
  };
}

function readSigned(bytes: Uint8Array, at: number, width: 1 | 4 | 8): bigint {
  let value = 0n;
  for (let k = width - 1; k >= 0; k--) value = (value << 8n) | BigInt(bytes[at + k] ?? 0);
  return BigInt.asIntN(width * 8, value);
}

/** The same instruction with addresses instead of displacements, for an instruction that stands at `at`. */
export function abstract(insn: Decoded, at: Address): AbstractInsn {
  const next = at + insn.length;
  return {
    mnemonic: insn.row.form.mnemonic,
    operands: insn.operands.map((o): Operand => {
      if (o.kind === 'rel') return { kind: 'target', address: next + o.disp };
      if (o.kind !== 'mem' || o.base !== 'rip') return o;
      return {
        kind: 'relative',
        address: next + o.disp,
        ...(o.seg ? { seg: o.seg } : {}),
        ...(o.width ? { width: o.width } : {}),
      };
    }),
  };
}

/** The text of decoded bytes that stand at `at`. */
export function text(insn: Decoded, at: Address, names?: Names, style: Style = {}): string {
  const { mnemonic, operands } = abstract(insn, at);
  const shown = operands.map((o, k): Operand => {
    // Without a name the displacement is what the text can say.
    const bytes = insn.operands[k];
    const named = o.kind === 'relative' && names?.(o.address) !== undefined;
    return bytes?.kind === 'mem' && !named ? bytes : o;
  });
  return print({ mnemonic, operands: shown }, { ...style, names });
}

/**
 * The row's step for an instruction that stands at `at`: `operand`, `address` and `next` are replaced by what
 * the bytes say, and a memory operand that is written becomes a store.
 */
export function instantiate(insn: Decoded, at: Address): readonly Op[] {
  const next = at + insn.length;
  const width = (o: { readonly width?: number }): Width => {
    if (o.width !== 4 && o.width !== 8)
      throw new Error(`${insn.row.text}: no access of this width`);
    return o.width;
  };
  /** LEA takes the address without the segment's base (SDM, LEA). */
  const effective = (m: MemOperand): Expr => {
    const parts: Expr[] = [];
    if (typeof m.base === 'number') parts.push(reg(m.base));
    if (m.index !== undefined) {
      const scale = m.scale ?? 1;
      parts.push(scale === 1 ? reg(m.index) : binary('mul', reg(m.index), num(scale)));
    }
    const disp = m.base === 'rip' ? next + m.disp : m.disp;
    if (disp !== 0 || parts.length === 0) parts.push(num(disp));
    return parts.reduce((x, y) => binary('add', x, y));
  };
  const linear = (m: MemOperand): Expr =>
    m.seg ? binary('add', { kind: 'gsbase' }, effective(m)) : effective(m);
  const operandAt = (index: number): DecodedOperand => {
    const o = insn.operands[index];
    if (!o) throw new Error(`${insn.row.text}: no operand ${index}`);
    return o;
  };
  const memoryAt = (index: number): MemOperand => {
    const o = operandAt(index);
    if (o.kind !== 'mem') throw new Error(`${insn.row.text}: operand ${index} is not memory`);
    return o;
  };

  const expr = (e: Expr): Expr => {
    switch (e.kind) {
      case 'operand': {
        const o = operandAt(e.index);
        switch (o.kind) {
          case 'reg':
            return reg(o.reg, width(o));
          case 'imm':
            return big(o.value);
          case 'rel':
            return num(next + o.disp);
          case 'mem':
            return load(linear(o), width(o));
          default:
            return unreachable(o);
        }
      }
      case 'address':
        return effective(memoryAt(e.index));
      case 'next':
        return num(next);
      case 'load':
        return load(expr(e.address), e.width);
      case 'binary':
        return binary(e.op, expr(e.a), expr(e.b), e.width);
      case 'not':
        return { kind: 'not', a: expr(e.a) };
      // No row has the others with an operand inside.
      default:
        return e;
    }
  };
  const target = (t: Target): Target => {
    if (t.kind !== 'operand') return t;
    const o = operandAt(t.index);
    if (o.kind !== 'reg') throw new Error(`${insn.row.text}: operand ${t.index} is not a register`);
    return reg(o.reg, width(o));
  };
  const isMemory = (t: Target): t is Target & { kind: 'operand' } =>
    t.kind === 'operand' && operandAt(t.index).kind === 'mem';
  const op = (o: Op): Op => {
    switch (o.kind) {
      case 'set': {
        const value = expr(o.value);
        if (!isMemory(o.to)) return { kind: 'set', to: target(o.to), value };
        const m = memoryAt(o.to.index);
        return { kind: 'store', address: linear(m), value, width: width(m) };
      }
      case 'store':
        return { ...o, address: expr(o.address), value: expr(o.value) };
      case 'status':
        return { ...o, a: expr(o.a), b: expr(o.b) };
      case 'push':
        return { ...o, value: expr(o.value) };
      case 'pop':
        return { ...o, to: target(o.to) };
      case 'branch':
        return { ...o, target: expr(o.target), ...(o.when ? { when: expr(o.when) } : {}) };
      case 'when':
        // biome-ignore lint/suspicious/noThenProperty: the name of the operation's part
        return { ...o, value: expr(o.value), then: o.then.map(op), else: o.else.map(op) };
      case 'rflags':
        return { ...o, value: expr(o.value) };
      case 'trap':
      case 'fault':
      case 'iret':
      case 'shadow':
      case 'serialise':
      case 'locked':
      case 'drain':
      case 'halt':
        return o;
      default:
        return unreachable(o);
    }
  };
  return insn.row.step.map(op);
}
