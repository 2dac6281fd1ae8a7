// An instruction as assembly text, in Intel syntax.

import type { Address } from '../ops.ts';
import { registers } from '../ops.ts';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  OperandWidth,
  Ref,
  RelativeOperand,
} from './operand.ts';
import { unreachable } from './operand.ts';

export interface Style {
  /** Names of addresses. */
  readonly names?: Names | undefined;
  /**
   * As GNU `as` wants it: `dword ptr`, for it takes a bare `dword` for the number 4, and `offset NAME`, for it takes
   * a bare name for memory.
   */
  readonly gnu?: boolean;
  /** Names of branch targets alone, where all other operands are to be numbers. */
  readonly branches?: Names;
}
export type Names = (address: Address) => string | undefined;

const low32 = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;

/** `rax`, `eax`, `r8d`: the manual's name of a register. */
export function registerName(reg: number, width: OperandWidth): string {
  const wide = registers[reg] ?? `r${reg}`;
  if (width === 8) return wide;
  if (reg >= 8) return `${wide}${width === 4 ? 'd' : 'w'}`;
  return width === 4 ? (low32[reg] ?? wide) : wide.slice(1);
}

const registerNames: ReadonlyMap<string, { readonly reg: number; readonly width: OperandWidth }> =
  new Map(
    [8, 4].flatMap((w) =>
      registers.map((_, reg) => {
        const width = w as OperandWidth;
        return [registerName(reg, width), { reg, width }] as const;
      }),
    ),
  );
/** The register of that name, if it is one of the subset's: 32 and 64 bits. */
export const registerOf = (
  name: string,
): { readonly reg: number; readonly width: OperandWidth } | undefined => registerNames.get(name);

/** The text of an instruction that has no bytes yet, or of one whose addresses are known. */
export function print(insn: AbstractInsn, style: Style = {}): string {
  const hint = insn.hint ? ` ${insn.hint}` : '';
  if (insn.operands.length === 0) return `${insn.mnemonic}${hint}`;
  const operands = insn.operands.map((o) => printOperand(o, insn, style));
  return `${insn.mnemonic}${hint} ${operands.join(', ')}`;
}

function printOperand(o: Operand, insn: AbstractInsn, style: Style): string {
  const { names } = style;
  switch (o.kind) {
    case 'reg':
      return registerName(o.reg, o.width);
    case 'imm': {
      const narrow = insn.operands.some(
        (x) => (x.kind === 'reg' || x.kind === 'mem' || x.kind === 'relative') && x.width === 4,
      );
      return printImmediate(o.value, narrow ? 32 : 64, names);
    }
    case 'target':
      return (style.branches ?? names)?.(o.address) ?? printAddress(o.address);
    case 'mem':
    case 'relative': {
      // Stack and branch operands have one width; elsewhere a register says it.
      const said =
        insn.mnemonic === 'push' ||
        insn.mnemonic === 'jmp' ||
        insn.operands.some((x) => x.kind === 'reg');
      const size =
        said || o.width === undefined ? '' : `${sizes[o.width]}${style.gnu ? ' ptr' : ''} `;
      return `${size}${o.seg ? 'gs:' : ''}[${o.kind === 'mem' ? inner(o, names) : relative(o, style.branches ?? names)}]`;
    }
    case 'ref': {
      const offset = style.gnu && !/^(call|j)/.test(insn.mnemonic) ? 'offset ' : '';
      return `${offset}${refName(o.ref)}${o.addend === 0 ? '' : printOffset(o.addend)}`;
    }
    default:
      return unreachable(o);
  }
}

const sizes = { 2: 'word', 4: 'dword', 8: 'qword' } as const;
export const refName = (ref: Ref): string => ('name' in ref ? ref.name : `param${ref.param}`);

function inner(m: MemOperand, names?: Names): string {
  const parts: string[] = [];
  if (m.base !== undefined) parts.push(m.base === 'rip' ? 'rip' : registerName(m.base, 8));
  if (m.index !== undefined) parts.push(`${registerName(m.index, 8)}*${m.scale ?? 1}`);
  if (m.ref) parts.push(refName(m.ref));
  if (parts.length === 0) {
    return names?.(m.disp) ?? (m.disp < 0 ? printAddress(m.disp) : printNumber(BigInt(m.disp)));
  }
  const showZero = m.base === 'rip' && !m.ref;
  return `${parts.join('+')}${m.disp === 0 && !showZero ? '' : printOffset(m.disp)}`;
}

/** Of a number alone it is the address, not the displacement: for messages. */
const relative = (m: RelativeOperand, names?: Names): string => {
  if (m.ref) return `rip+${refName(m.ref)}${m.address === 0 ? '' : printOffset(m.address)}`;
  const name = names?.(m.address);
  return name === undefined ? `rel ${printAddress(m.address)}` : `rip+${name}`;
};

export const printOffset = (disp: number): string =>
  `${disp < 0 ? '-' : '+'}${printNumber(BigInt(Math.abs(disp)))}`;
export const printNumber = (value: bigint): string =>
  value < 10n ? `${value}` : `0x${value.toString(16)}`;

/** The 64-bit address in hexadecimal. */
export const printAddress = (address: Address): string =>
  `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`;

export function printImmediate(value: bigint, bits: 32 | 64, names?: Names): string {
  const name = names?.(Number(BigInt.asIntN(64, value)));
  if (name !== undefined) return name;
  // What lies this far below zero is an address of the kernel's half or a mask rather than a number.
  if (value < -0x1000000n) return `0x${BigInt.asUintN(bits, value).toString(16)}`;
  return value < 0n ? `-${printNumber(-value)}` : printNumber(value);
}
