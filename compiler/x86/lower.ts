// From an instruction of the tree to one that can be encoded; what names mean is the caller's.

import type * as ast from '../../grammar/ast.ts';
import { isBranch } from './assemble.ts';
import type { AbstractInsn, MemOperand, Operand, Ref, Refusal } from './operand.ts';
import { isRefusal, refusal } from './operand.ts';
import { registerOf } from './text.ts';

/** What an expression in an operand stands for: a number, or a name whose address comes later, a parameter included. */
export type Resolved =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'name'; readonly name: string; readonly addend: number };
export type Resolve = (expr: ast.Expr) => Resolved | Refusal;

export function lowerInsn(insn: ast.Insn, resolve: Resolve): AbstractInsn | Refusal {
  const mnemonic = insn.mnemonic.text;
  const operands: Operand[] = [];
  let hint: AbstractInsn['hint'];
  for (const o of insn.operands) {
    if (o.kind === 'value') hint = o.hint ?? hint;
    const lowered = lowerOperand(o, mnemonic, resolve);
    if (isRefusal(lowered)) return lowered;
    operands.push(lowered);
  }
  return { mnemonic, operands, ...(hint ? { hint } : {}) };
}

function lowerOperand(o: ast.Operand, mnemonic: string, resolve: Resolve): Operand | Refusal {
  switch (o.kind) {
    case 'register': {
      const known = registerOf(o.name);
      if (!known)
        return refusal('operands', `${o.name} is no register of the subset: 32 and 64 bits`);
      return { kind: 'reg', ...known };
    }
    case 'memory':
      return lowerMemory(o, resolve);
    case 'value': {
      const value = resolve(o.expr);
      if (isRefusal(value)) return value;
      if (value.kind === 'name')
        return { kind: 'ref', ref: { name: value.name }, addend: value.addend };
      if (!isBranch(mnemonic)) return { kind: 'imm', value: value.value };
      const address = BigInt.asIntN(64, value.value);
      if (address < -(1n << 47n) || address >= 1n << 47n) {
        return refusal(
          'range',
          `${mnemonic}: 0x${value.value.toString(16)} is not a canonical address`,
        );
      }
      return { kind: 'target', address: Number(address) };
    }
    default:
      throw new Error(`no case for ${JSON.stringify(o)}`);
  }
}

/** A sum of registers, numbers and at most one name. */
function lowerMemory(
  o: Extract<ast.Operand, { kind: 'memory' }>,
  resolve: Resolve,
): MemOperand | Refusal {
  let base: number | 'rip' | undefined;
  let index: number | undefined;
  let scale: 1 | 2 | 4 | 8 = 1;
  let ref: Ref | undefined;
  let disp = 0n;
  for (const { term, minus } of terms(o.address, false)) {
    const scaled = scaledRegister(term);
    if (scaled) {
      if (minus) return refusal('operands', 'an address adds registers, it does not subtract them');
      if (isRefusal(scaled)) return scaled;
      if (base === undefined && scaled.scale === 1) base = scaled.reg;
      else if (index === undefined && scaled.reg !== 'rip') {
        index = scaled.reg;
        scale = scaled.scale;
      } else return refusal('operands', 'an address has at most a base and an index register');
      continue;
    }
    const value = resolve(term);
    if (isRefusal(value)) return value;
    if (value.kind === 'number') disp += minus ? -value.value : value.value;
    else if (minus || ref) return refusal('operands', 'an address adds at most one name');
    else {
      ref = { name: value.name };
      disp += BigInt(value.addend);
    }
  }
  // RSP cannot be an index, but what is added to it once can be the base (SDM 2A, table 2-3).
  if (index === 4 && scale === 1 && typeof base === 'number') [base, index] = [index, base];
  const signed = BigInt.asIntN(64, disp);
  if (signed < -(1n << 47n) || signed >= 1n << 47n) {
    return refusal('range', `0x${disp.toString(16)} does not fit in 32 bits sign-extended`);
  }
  const width = o.size === 'dword' ? 4 : o.size === 'qword' ? 8 : undefined;
  return {
    kind: 'mem',
    disp: Number(signed),
    ...(base === undefined ? {} : { base }),
    ...(index === undefined ? {} : { index, scale }),
    ...(ref ? { ref } : {}),
    ...(o.segment ? { seg: o.segment } : {}),
    ...(width ? { width } : {}),
  };
}

function terms(
  expr: ast.Expr,
  minus: boolean,
): readonly { readonly term: ast.Expr; readonly minus: boolean }[] {
  if (expr.kind !== 'binary' || (expr.op !== '+' && expr.op !== '-'))
    return [{ term: expr, minus }];
  return [...terms(expr.a, minus), ...terms(expr.b, expr.op === '-' ? !minus : minus)];
}

/** `rax`, `rip`, `rcx * 8`; undefined if it is no register. */
function scaledRegister(
  expr: ast.Expr,
): { readonly reg: number | 'rip'; readonly scale: 1 | 2 | 4 | 8 } | Refusal | undefined {
  if (expr.kind === 'name') {
    if (expr.text === 'rip') return { reg: 'rip', scale: 1 };
    const known = registerOf(expr.text);
    if (!known) return;
    if (known.width === 8) return { reg: known.reg, scale: 1 };
    return refusal('operands', `${expr.text}: an address takes registers of 64 bits`);
  }
  if (expr.kind !== 'binary' || expr.op !== '*') return;
  const [name, factor] = expr.a.kind === 'number' ? [expr.b, expr.a] : [expr.a, expr.b];
  const known = scaledRegister(name);
  if (!known || isRefusal(known)) return known;
  const scale = [1, 2, 4, 8].find((s) => factor.kind === 'number' && factor.value === BigInt(s));
  if (scale === undefined || known.reg === 'rip') {
    return refusal('operands', 'an index register is multiplied by 1, 2, 4 or 8');
  }
  return { reg: known.reg, scale: scale as 1 | 2 | 4 | 8 };
}
