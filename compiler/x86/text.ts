// An instruction as assembly text, in Intel syntax.

import type { Address } from '../ops.ts';
import { registers } from '../ops.ts';
import type { Decoded } from './decode.ts';
import { abstract } from './decode.ts';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  OperandWidth,
  RelativeOperand,
} from './operand.ts';
import { unreachable } from './operand.ts';

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

/** The text of decoded bytes that stand at `at`; `names` may name addresses. */
export const text = (insn: Decoded, at: Address, names?: Names): string => {
  const operands = insn.operands.map((o) =>
    o.kind === 'mem' && o.base === 'rip' && !names ? o : undefined,
  );
  const { mnemonic, operands: absolute } = abstract(insn, at);
  return print({ mnemonic, operands: absolute.map((o, k) => operands[k] ?? o) }, names);
};

/** The text of an instruction that has no bytes yet, or of one whose addresses are known. */
export function print(insn: AbstractInsn, names?: Names): string {
  const sized = insn.operands.some((o) => o.kind === 'reg');
  const hint = insn.hint ? ` ${insn.hint}` : '';
  if (insn.operands.length === 0) return `${insn.mnemonic}${hint}`;
  const operands = insn.operands.map((o) => printOperand(o, insn.mnemonic, sized, names));
  return `${insn.mnemonic}${hint} ${operands.join(', ')}`;
}

function printOperand(o: Operand, mnemonic: string, sized: boolean, names?: Names): string {
  switch (o.kind) {
    case 'reg':
      return registerName(o.reg, o.width);
    case 'imm':
      return printImmediate(o.value, names);
    case 'target':
      return names?.(o.address) ?? printAddress(o.address);
    case 'mem':
    case 'relative': {
      // Stack and branch operands have one width; elsewhere a register says it.
      const said = sized || mnemonic === 'push' || mnemonic === 'jmp';
      const size = said ? '' : sizeName(o.width);
      return `${size}${o.seg ? 'gs:' : ''}[${o.kind === 'mem' ? inner(o, names) : relative(o, names)}]`;
    }
    case 'ref': {
      const name = 'name' in o.ref ? o.ref.name : `param${o.ref.param}`;
      return o.addend === 0 ? name : `${name}${printOffset(o.addend)}`;
    }
    default:
      return unreachable(o);
  }
}

const sizeName = (width: OperandWidth | undefined): string =>
  width === undefined ? '' : `${width === 2 ? 'word' : width === 4 ? 'dword' : 'qword'} ptr `;

function inner(m: MemOperand, names?: Names): string {
  const parts: string[] = [];
  if (m.base !== undefined) parts.push(m.base === 'rip' ? 'rip' : registerName(m.base, 8));
  if (m.index !== undefined) parts.push(`${registerName(m.index, 8)}*${m.scale ?? 1}`);
  if (m.ref) parts.push('name' in m.ref ? m.ref.name : `param${m.ref.param}`);
  if (parts.length === 0) return names?.(m.disp) ?? printAddress(m.disp);
  const showZero = m.base === 'rip' && !m.ref;
  return `${parts.join('+')}${m.disp === 0 && !showZero ? '' : printOffset(m.disp)}`;
}

const relative = (m: RelativeOperand, names?: Names): string => {
  const name = m.ref ? ('name' in m.ref ? m.ref.name : `param${m.ref.param}`) : names?.(m.address);
  if (m.ref) return `rip+${name}${m.address === 0 ? '' : printOffset(m.address)}`;
  return `rip+${name ?? printAddress(m.address)}`;
};

const printOffset = (disp: number): string =>
  `${disp < 0 ? '-' : '+'}${printNumber(BigInt(Math.abs(disp)))}`;
const printNumber = (value: bigint): string =>
  value < 10n ? `${value}` : `0x${value.toString(16)}`;

/** The 64-bit address in hexadecimal. */
export const printAddress = (address: Address): string =>
  `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`;

function printImmediate(value: bigint, names?: Names): string {
  const name = names?.(Number(BigInt.asIntN(64, value)));
  if (name !== undefined) return name;
  // What lies this far below zero is an address of the kernel's half rather than a number.
  if (value < -0x1000000n) return `0x${BigInt.asUintN(64, value).toString(16)}`;
  return value < 0n ? `-${printNumber(-value)}` : printNumber(value);
}
