// Labels, relaxation, alignment, stubs that are filled, and the forms that reach beyond 2 GiB.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Address } from '../../compiler/ops.ts';
import type { Item, Template } from '../../compiler/x86/assemble.ts';
import { assemble, fill, template } from '../../compiler/x86/assemble.ts';
import { decode, text } from '../../compiler/x86/decode.ts';
import {
  emitAsm,
  emitHex,
  emitJson,
  emitListing,
  itemOf,
  relocationsOf,
} from '../../compiler/x86/emit.ts';
import type { AbstractInsn } from '../../compiler/x86/operand.ts';
import { isRefusal } from '../../compiler/x86/operand.ts';
import { hex, insn } from './bytes.ts';

const at = -0x7f000000;
const label = (name: string): Item<number> => ({ kind: 'label', name });
const align = (to: number): Item<number> => ({ kind: 'align', to, span: 0 });
const code = (i: AbstractInsn, span = 0): Item<number> => ({ kind: 'insn', insn: i, span });
const near = (i: AbstractInsn): AbstractInsn => ({ ...i, hint: 'near' });

function done(items: readonly Item<number>[], base: Address, options = {}) {
  const result = assemble(items, base, options);
  if (result.kind === 'refused')
    throw new Error(result.refusals.map((r) => r.refusal.message).join());
  return result;
}

/** What the bytes say, instruction by instruction. */
function listing(bytes: Uint8Array, base: Address): readonly string[] {
  const lines: string[] = [];
  for (let k = 0; k < bytes.length; ) {
    const rest = bytes.subarray(k);
    const d = decode(rest, rest.length);
    if (d.kind !== 'insn') return [...lines, d.kind];
    lines.push(text(d, base + k));
    k += d.length;
  }
  return lines;
}

const caller = [
  label('one'),
  code(insn('mov', 'eax', 1n)),
  code(insn('ret')),
  label('two'),
  code(insn('mov', 'eax', 2n)),
  code(insn('ret')),
  label('caller'),
  label('place'),
  code(insn('call', '@one')),
  label('place.end'),
  code(insn('jmp', '@caller')),
];

describe('assemble', () => {
  test('the first example of the language', () => {
    const result = done(caller, at);
    expect(hex(result.bytes)).toBe('b8 01 00 00 00 c3 b8 02 00 00 00 c3 e8 ef ff ff ff eb f9');
    expect(Object.fromEntries(result.labels)).toEqual({
      one: at,
      two: at + 6,
      caller: at + 12,
      place: at + 12,
      'place.end': at + 17,
    });
    expect(result.rows.map((r) => r.text)).toEqual([
      'mov eax, 1',
      'ret',
      'mov eax, 2',
      'ret',
      'call one',
      'jmp caller',
    ]);
  });

  test('a forward branch takes the short form as long as it reaches', () => {
    for (const gap of [0, 9 * 14, 9 * 15]) {
      const filler = Array.from({ length: gap / 9 }, () => code(insn('nop', 9n)));
      const result = done([code(insn('jne', '@out')), ...filler, label('out')], at);
      expect(result.bytes.length).toBe(gap + (gap > 127 ? 6 : 2));
      expect(result.labels.get('out')).toBe(at + result.bytes.length);
    }
  });

  test('one that grows lets another grow', () => {
    const filler = (n: number) => Array.from({ length: n }, () => code(insn('int3')));
    const items = [
      code(insn('jmp', '@b')), // 127 away while the next is short
      ...filler(60),
      code(insn('jmp', '@c')), // 128 away
      ...filler(65),
      label('b'),
      ...filler(63),
      label('c'),
    ];
    const result = done(items, at);
    expect(result.bytes.length).toBe(5 + 60 + 5 + 65 + 63);
    expect(listing(result.bytes, at)[0]).toBe(`jmp 0x${(0xffffffff81000000n + 135n).toString(16)}`);
  });

  test('align fills by the recommended NOPs', () => {
    const result = done(
      [code(insn('ret')), align(16), label('a'), code(insn('ret')), align(8)],
      at,
    );
    expect(result.labels.get('a')).toBe(at + 16);
    expect(result.rows.map((r) => r.text)).toEqual(['ret', 'nop 9', 'nop 6', 'ret', 'nop 7']);
  });

  test('int3 4 is four instructions, nop 1 the one byte', () => {
    expect(hex(done([code(insn('int3', 4n)), code(insn('nop', 1n))], at).bytes)).toBe(
      'cc cc cc cc 90',
    );
  });

  test('every refusal is reported, each at its place', () => {
    const result = assemble(
      [
        code(insn('frob'), 1),
        code(insn('ret'), 2),
        code(insn('jmp', '@nowhere'), 3),
        code(insn('nop', 12n), 4),
      ],
      at,
    );
    expect(
      result.kind === 'refused' && result.refusals.map((r) => [r.span, r.refusal.reason]),
    ).toEqual([
      [4, 'operands'],
      [1, 'mnemonic'],
      [3, 'name'],
    ]);
  });

  test('memory reached by a name: absolute, relative to RIP, and per CPU', () => {
    const mem = { kind: 'mem', disp: 8, ref: { name: 'x' } } as const;
    const items = [
      code(insn('mov', 'rax', mem)),
      code(insn('mov', 'rax', { ...mem, base: 'rip' })),
      code(insn('mov', { ...mem, seg: 'gs' }, 'rax')),
    ];
    const result = done(items, at, { resolve: () => at + 0x1000 });
    expect(listing(result.bytes, at)).toEqual([
      'mov rax, [0xffffffff81001008]',
      `mov rax, [rip+0x${(0x1008 - 15).toString(16)}]`,
      'mov gs:[0xffffffff81001008], rax',
    ]);
    expect(result.rows.map((r) => r.text)).toEqual([
      'mov rax, [x+8]',
      'mov rax, [rip+x+8]',
      'mov gs:[x+8], rax',
    ]);
  });
});

describe('beyond 2 GiB', () => {
  const far = 0x123456789abc;
  const items = [code(insn('push', '@far')), code(insn('jmp', '@far'))];
  test('is a refusal', () => {
    const result = assemble(items, at, { resolve: () => far });
    expect(result.kind === 'refused' && result.refusals.map((r) => r.refusal.reason)).toEqual([
      'range',
      'range',
    ]);
  });
  test('or the longer forms, where they are asked for', () => {
    const result = done(items, at, { resolve: () => far, far: true });
    expect(hex(result.bytes)).toBe(
      '68 bc 9a 78 56 c7 44 24 04 34 12 00 00 ff 25 00 00 00 00 bc 9a 78 56 34 12 00 00',
    );
    expect(result.rows.map((r) => r.bytes.length)).toEqual([13, 14]);
    expect(listing(result.bytes.subarray(0, 19), at)).toEqual([
      'push 0x56789abc',
      'mov dword [rsp+4], 0x1234',
      'jmp [rip+0]',
    ]);
  });
  test('a call has no longer form', () => {
    const result = assemble([code(insn('call', '@far'))], at, { resolve: () => far, far: true });
    expect(result.kind).toBe('refused');
  });
});

describe('stubs', () => {
  const build = (
    items: readonly Item<number>[],
    params: readonly string[],
    fixed: Record<string, Address> = {},
  ): Template<number> => {
    const result = template(items, params, { resolve: (name) => fixed[name] });
    if (result.kind === 'refused')
      throw new Error(result.refusals.map((r) => r.refusal.message).join());
    return result;
  };

  test('filled at any address they are what the assembler gives there', () => {
    const items = [
      label('loop'),
      code(insn('push', '@back')),
      code(insn('mov', 'rax', { kind: 'mem', disp: 16, ref: { name: 'cell' } })),
      code(
        insn('mov', { kind: 'mem', base: 'rip', disp: 0, ref: { name: 'fixed' }, width: 8 }, 1n),
      ),
      code(insn('jne', '@loop')),
      code(near(insn('jmp', '@target'))),
      code(near(insn('jmp', '@fixed'))),
    ];
    const stub = build(items, ['target', 'back', 'cell'], { fixed: at });
    const address = fc.integer({ min: -0x7f000000, max: -0x40000000 });
    fc.assert(
      fc.property(address, address, address, address, (where, target, back, cell) => {
        const names: Record<string, Address> = { target, back, cell, fixed: at };
        const expected = done(items, where, { resolve: (name: string) => names[name] });
        const filled = fill(stub, where, [target, back, cell]);
        expect(isRefusal(filled) ? filled.message : hex(filled)).toBe(hex(expected.bytes));
      }),
      { numRuns: 100 },
    );
  });

  test('what does not fit is a refusal at the filling', () => {
    const stub = build([code(insn('push', '@p')), code(insn('jmp', '@q'))], ['p', 'q']);
    expect(fill(stub, at, [0x80000000, at])).toMatchObject({ reason: 'range' });
    expect(fill(stub, at, [at, at + 0x80000010])).toMatchObject({ reason: 'range' });
    expect(fill(stub, at, [at])).toMatchObject({ reason: 'operands' });
  });

  test('their own address as a value is refused: each slot has another', () => {
    const result = template([label('here'), code(insn('push', '@here'))], []);
    expect(result.kind === 'refused' && result.refusals[0]?.refusal.message).toMatch(
      /^here: the address inside a stub/,
    );
  });
});

describe('emit', () => {
  const result = done(caller, at);
  const item = itemOf('caller', 'code', result);
  const stub = done([code(insn('push', '@back')), code(insn('jmp', '@one'))], at + 0x1000, {
    resolve: (name: string) => (name === 'back' ? at + 17 : at),
  });
  test('hex', () => {
    expect(emitHex([item])).toBe(
      '0xffffffff81000000 b801000000c3b802000000c3e8efffffffebf9 caller\n',
    );
  });
  test('listing', () => {
    expect(emitListing([item]).split('\n').slice(0, 5)).toEqual([
      'caller: code, 19 bytes at 0xffffffff81000000',
      'one:',
      '  0xffffffff81000000  b8 01 00 00 00  mov eax, 1',
      '  0xffffffff81000005  c3              ret',
      'two:',
    ]);
  });
  test('assembly', () => {
    expect(emitAsm([itemOf('plain', 'stub', stub)], 'intel')).toBe(
      [
        '\t.intel_syntax noprefix',
        '',
        '\t.section .text.plain, "ax"\t# 0xffffffff81001000',
        'plain:',
        '\tpush 0xffffffff81000011\t# push back',
        '\tjmp plain-0x1000\t# jmp one',
        '',
      ].join('\n'),
    );
    expect(emitAsm([itemOf('plain', 'stub', stub)], 'att')).toContain(
      '\tpushq $0xffffffff81000011\t# push back\n',
    );
  });
  test('json', () => {
    const position = (line: number) => ({ line, column: 1, endLine: line, endColumn: 2 });
    const fixups = [{ offset: 6, width: 4, kind: 'rel32', param: 0, addend: 10 }] as const;
    expect(
      emitJson([itemOf('plain', 'stub', stub, relocationsOf(fixups, ['target']))], position),
    ).toEqual([
      {
        name: 'plain',
        kind: 'stub',
        address: '0xffffffff81001000',
        bytes: '6811000081e9f6efffff',
        relocations: [{ offset: 6, width: 4, kind: 'rel32', symbol: 'target', addend: -4 }],
        listing: [
          { offset: 0, bytes: '6811000081', text: 'push back', span: position(0) },
          { offset: 5, bytes: 'e9f6efffff', text: 'jmp one', span: position(0) },
        ],
      },
    ]);
  });
});
