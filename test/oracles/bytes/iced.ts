// What iced-x86, a disassembler in WebAssembly, says as an instruction of ours.

import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  OperandWidth,
} from '../../../compiler/x86/operand.ts';
import { rowsOf } from '../../../compiler/x86/table.ts';
import { registerName, registerOf } from '../../../compiler/x86/text.ts';

const load = createRequire(import.meta.url);
const iced = load('iced-x86') as typeof Iced;
export const { version } = load('iced-x86/package.json') as { version: string };
const { Decoder, DecoderOptions, Mnemonic, OpKind, Register, MemorySize } = iced;

export interface Said {
  readonly length: number;
  /** Undefined where it is invalid, or has a mnemonic or operands that are none of ours. */
  readonly insn: AbstractInsn | undefined;
}

export function icedReads(bytes: Uint8Array, at: number): Said {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = BigInt(at);
  const i = decoder.decode();
  try {
    return { length: i.length, insn: insnOf(i) };
  } finally {
    i.free();
    decoder.free();
  }
}

function insnOf(i: Iced.Instruction): AbstractInsn | undefined {
  const name = (Mnemonic[i.mnemonic] ?? '').toLowerCase();
  // Prefetches and the like that it tells apart have names of their own; NOPs of one byte have one name.
  const mnemonic = `${i.hasLockPrefix ? 'lock ' : ''}${name}`;
  const known = rowsOf.get(mnemonic);
  if (!known) return undefined;
  if (name === 'nop' && i.opCount === 0)
    return { mnemonic: 'nop', operands: i.length === 1 ? [] : [{ kind: 'imm', value: 2n }] };
  const operands: Operand[] = [];
  for (let k = 0; k < i.opCount; k++) {
    const o = operandOf(i, k);
    if (!o) return undefined;
    operands.push(o);
  }
  return { mnemonic: known[0]?.form.mnemonic ?? mnemonic, operands };
}

const widths: Readonly<Record<string, OperandWidth | undefined>> = {
  UInt16: 2,
  UInt32: 4,
  UInt64: 8,
  Int32: 4,
  Int64: 8,
  QwordOffset: 8,
};

function operandOf(i: Iced.Instruction, k: number): Operand | undefined {
  switch (i.opKind(k)) {
    case OpKind.Register:
      return register(i.opRegister(k));
    case OpKind.NearBranch64:
      return { kind: 'target', address: Number(BigInt.asIntN(64, i.nearBranch64)) };
    case OpKind.Immediate8:
    case OpKind.Immediate8to32:
    case OpKind.Immediate8to64:
    case OpKind.Immediate32:
    case OpKind.Immediate32to64:
    case OpKind.Immediate64:
      return { kind: 'imm', value: i.immediate(k) };
    case OpKind.Memory:
      return memory(i);
    default:
      return undefined;
  }
}

function register(r: number): Operand | undefined {
  const name = (Register[r] ?? '').toLowerCase();
  const found = registerOf(name);
  if (found) return { kind: 'reg', ...found };
  // The NOP with an operand of 16 bits is the only one of ours with such a register.
  const reg = Array.from({ length: 16 }, (_, k) => registerName(k, 2)).indexOf(name);
  return reg < 0 ? undefined : { kind: 'reg', reg, width: 2 };
}

function memory(i: Iced.Instruction): MemOperand | undefined {
  const width = widths[MemorySize[i.memorySize] ?? ''];
  if (width === undefined && i.mnemonic !== Mnemonic.Lea) return undefined;
  const segment = Register[i.segmentPrefix] ?? '';
  if (segment !== 'None' && segment !== 'GS') return undefined;
  let base: MemOperand['base'];
  let disp = Number(BigInt.asIntN(64, i.memoryDisplacement));
  if (i.memoryBase === Register.RIP) {
    base = 'rip';
    disp = Number(BigInt.asIntN(64, i.memoryDisplacement - i.nextIP));
  } else if (i.memoryBase !== Register.None) {
    const r = register(i.memoryBase);
    if (r?.kind !== 'reg' || r.width !== 8) return undefined;
    base = r.reg;
  }
  let index: number | undefined;
  if (i.memoryIndex !== Register.None) {
    const r = register(i.memoryIndex);
    if (r?.kind !== 'reg' || r.width !== 8) return undefined;
    index = r.reg;
  }
  return {
    kind: 'mem',
    disp,
    ...(base === undefined ? {} : { base }),
    ...(index === undefined ? {} : { index, scale: i.memoryIndexScale as 1 | 2 | 4 | 8 }),
    ...(segment === 'GS' ? { seg: 'gs' as const } : {}),
    ...(width === undefined ? {} : { width }),
  };
}
