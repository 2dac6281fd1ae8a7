// An instruction as assembly text in AT&T syntax, for GNU as.

import type { AbstractInsn, Operand, OperandWidth } from './operand.ts';
import { unreachable } from './operand.ts';
import type { Names } from './text.ts';
import { printAddress, printImmediate, printOffset, refName, registerName } from './text.ts';

/** With a suffix wherever `as` takes one. */
export function printAtt(insn: AbstractInsn, names?: Names): string {
  const { mnemonic, operands } = insn;
  const [first] = operands;
  if (first?.kind === 'target' || (first?.kind === 'ref' && /^(call|j)/.test(mnemonic))) {
    return `${mnemonic} ${attOperand(first, names).replace('$', '')}`;
  }
  if (mnemonic === 'jmp' && first) return `jmp *${attOperand(first, names)}`;
  const sized = operands.find((o) => o.kind === 'reg') ?? operands.find((o) => 'width' in o);
  const width =
    mnemonic === 'push' || mnemonic === 'pop' ? 8 : sized && 'width' in sized ? sized.width : 8;
  const wide =
    mnemonic === 'mov' &&
    operands.some((o) => o.kind === 'imm' && !isSigned32(o.value, width ?? 8));
  const suffix = operands.length === 0 ? '' : ({ 2: 'w', 4: 'l', 8: 'q' } as const)[width ?? 8];
  const list = [...operands].reverse().map((o) => attOperand(o, names));
  return `${wide ? 'movabs' : mnemonic}${suffix}${list.length > 0 ? ` ${list.join(', ')}` : ''}`;
}

const isSigned32 = (value: bigint, width: OperandWidth): boolean =>
  width !== 8 || BigInt.asIntN(32, value) === BigInt.asIntN(64, value);

function attOperand(o: Operand, names?: Names): string {
  switch (o.kind) {
    case 'reg':
      return `%${registerName(o.reg, o.width)}`;
    case 'imm':
      return `$${printImmediate(o.value, 64)}`;
    case 'ref':
      return `$${refName(o.ref)}${o.addend === 0 ? '' : printOffset(o.addend)}`;
    case 'target':
      return names?.(o.address) ?? printAddress(o.address);
    case 'relative': {
      const name = o.ref
        ? `${refName(o.ref)}${o.address === 0 ? '' : printOffset(o.address)}`
        : (names?.(o.address) ?? printAddress(o.address));
      return `${o.seg ? '%gs:' : ''}${name}(%rip)`;
    }
    case 'mem': {
      const segment = o.seg ? '%gs:' : '';
      if (o.base === undefined && o.index === undefined && !o.ref) {
        return `${segment}${printAddress(o.disp)}`;
      }
      const base =
        o.base === undefined ? '' : `%${o.base === 'rip' ? 'rip' : registerName(o.base, 8)}`;
      const index = o.index === undefined ? '' : `,%${registerName(o.index, 8)},${o.scale ?? 1}`;
      const sum = `${o.ref ? refName(o.ref) : ''}${o.disp === 0 ? '' : printOffset(o.disp)}`;
      const registers = base === '' && index === '' ? '' : `(${base}${index})`;
      return `${segment}${sum.replace(/^\+/, '')}${registers}`;
    }
    default:
      return unreachable(o);
  }
}
