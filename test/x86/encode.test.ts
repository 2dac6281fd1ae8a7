// What is refused, with which sentence, and the stub that was checked by hand.

import { describe, expect, test } from 'vitest';
import { assemble, fill, template } from '../../compiler/x86/assemble.ts';
import { encode } from '../../compiler/x86/encode.ts';
import type { AbstractInsn } from '../../compiler/x86/operand.ts';
import { isRefusal } from '../../compiler/x86/operand.ts';
import { hex, insn } from './bytes.ts';

const at = -0x7f000000;
const bytes = (i: AbstractInsn, where = at): string => {
  const code = encode(i, where);
  return isRefusal(code) ? `${code.reason}: ${code.message}` : hex(code.bytes);
};
const code = (i: AbstractInsn) => ({ kind: 'insn', insn: i, span: 0 }) as const;

describe('the stub at 0xffffffff81000000', () => {
  // push: 68 and the low half of the return address, which sign-extends to all of it. sti: fb. jmp: e9 and the
  // distance from the next instruction: 0xffffffff81000020 - 0xffffffff8100000b = 0x15.
  const expected = '68 40 00 00 81 fb e9 15 00 00 00';
  const items = [
    code(insn('push', '@back')),
    code(insn('sti')),
    code({ ...insn('jmp', '@target'), hint: 'near' as const }),
  ];
  const back = at + 0x40;
  const target = at + 0x20;

  test('as code', () => {
    const resolve = (name: string): number => (name === 'back' ? back : target);
    const done = assemble(items, at, { resolve });
    if (done.kind === 'refused') throw new Error(done.refusals[0]?.refusal.message);
    expect(hex(done.bytes)).toBe(expected);
    expect(done.rows.map((r) => `${r.address - at} ${r.text}`)).toEqual([
      '0 push back',
      '5 sti',
      '6 jmp near target',
    ]);
  });

  test('as a template whose target comes at run time, and whose return address is fixed', () => {
    const stub = template(items, ['target'], {
      resolve: (name) => (name === 'back' ? back : undefined),
    });
    if (stub.kind === 'refused') throw new Error(stub.refusals[0]?.refusal.message);
    expect(stub.fixups).toEqual([{ offset: 7, width: 4, kind: 'rel32', param: 0, addend: 11 }]);
    const filled = fill(stub, at, [target]);
    expect(isRefusal(filled) ? filled.message : hex(filled)).toBe(expected);
  });
});

describe('refusals', () => {
  test('what is not in the subset is named, with the list', () => {
    expect(bytes(insn('syscall'))).toMatch(
      /^mnemonic: syscall is not in the subset: nop call jmp .* endbr64 /,
    );
  });
  test('an immediate is never cut', () => {
    expect(bytes(insn('push', 0x80000000n))).toBe(
      'range: push: the immediate 0x80000000 does not fit in 32 bits sign-extended',
    );
    expect(bytes(insn('push', 0xffffffff80000000n))).toBe('68 00 00 00 80');
    expect(bytes(insn('add', 'rax', 0xffffffffn))).toBe(
      'range: add: the immediate 0xffffffff does not fit in 32 bits sign-extended',
    );
    expect(bytes(insn('add', 'eax', 0xffffffffn))).toBe('83 c0 ff');
    expect(bytes(insn('mov', 'eax', 0x100000000n))).toBe(
      'range: mov: the immediate 0x100000000 does not fit in 32 bits',
    );
    expect(bytes(insn('mov', 'eax', 0xffffffff81000000n))).toMatch(/^range/);
    expect(bytes(insn('mov', 'rax', 0x10000000000000000n))).toMatch(/^range/);
  });
  test('a displacement never wraps', () => {
    expect(bytes(insn('jmp', at + 2 + 127))).toBe('eb 7f');
    expect(bytes(insn('jmp', at + 2 + 128))).toBe('e9 7d 00 00 00');
    expect(bytes(insn('jmp', at + 5 + 0x7fffffff))).toBe('e9 ff ff ff 7f');
    expect(bytes(insn('jmp', at + 5 + 0x80000000))).toBe(
      'range: jmp: 0x1000005 is 2147483648 bytes away from the next instruction, and rel32 does not reach it',
    );
    expect(bytes(insn('call', 0x7fffffffffff))).toMatch(/^range: call: 0x7fffffffffff is /);
    expect(bytes({ ...insn('jmp', at + 0x1000), hint: 'short' })).toMatch(
      /^range: .* rel8 does not reach it$/,
    );
    expect(bytes(insn('mov', 'rax', { kind: 'mem', disp: 0x80000000 }))).toMatch(
      /^range: the address 0x80000000 does not fit/,
    );
    expect(bytes(insn('mov', 'rax', { kind: 'relative', address: 0x1000000000 }))).toMatch(
      /^range: the address 0x1000000000 is out of reach of RIP$/,
    );
  });
  test('operands that fit no form are told the forms', () => {
    expect(bytes(insn('call', 'rax'))).toBe(
      'operands: call rax: the operands fit no form of the subset: call rel32',
    );
    expect(bytes(insn('mov', 'rax', 'ecx'))).toMatch(
      /^operands: mov rax, ecx: .*mov r\/m32, r32; /,
    );
    expect(bytes(insn('lock add', 'rax', 'rcx'))).toMatch(/^operands/);
    expect(bytes(insn('mov', 'rax', { kind: 'mem', base: 0, index: 4, disp: 0 }))).toMatch(
      /rsp cannot be an index register/,
    );
    expect(bytes({ ...insn('ret'), hint: 'near' })).toMatch(/^operands/);
  });
  test('a width that nothing says is asked for', () => {
    expect(bytes(insn('add', { kind: 'mem', base: 0, disp: 0 }, 1n))).toBe(
      'width: add [rax], 1: the width of the memory operand is not clear: say dword or qword',
    );
    expect(bytes(insn('push', { kind: 'mem', base: 0, disp: 0 }))).toBe('ff 30');
  });
});

describe('hints and other names', () => {
  test('near and short force the length', () => {
    expect(bytes({ ...insn('jmp', at), hint: 'near' })).toBe('e9 fb ff ff ff');
    expect(bytes({ ...insn('jnz', at), hint: 'short' })).toBe('75 fe');
    expect(bytes({ ...insn('call', at), hint: 'near' })).toBe('e8 fb ff ff ff');
  });
  test('every name of a condition is one row', () => {
    for (const names of ['jb jc jnae', 'jae jnb jnc', 'je jz', 'jg jnle']) {
      expect(new Set(names.split(' ').map((n) => bytes(insn(n, at)))).size).toBe(1);
    }
  });
  test('XCHG of EAX with itself is not NOP: it clears the upper half of RAX', () => {
    expect(bytes(insn('xchg', 'eax', 'eax'))).toBe('87 c0');
  });
});
