// The instruction table: one row per form, with the manual's notation, its text, and its step as data.
//
// Encodings and operations are those of the Intel SDM, volumes 2A to 2D; the notation is explained in
// `notation.ts`. The encoder takes the shortest form that fits and, of equal ones, the first; the decoder takes
// the first. Steps name operands by position; `instantiate` replaces them.
//
// AF is not kept. Reads as documented: CPUID gives 0 in EAX, EBX, ECX, EDX, for no spec asks what CPU it is.

import type { Expr, Op, Width } from '../ops.ts';
import { binary, branch, next, num, operand, pop, push, reg, set, temp, word } from '../ops.ts';
import { type Form, parseForm } from './notation.ts';

export interface Row {
  /** The manual's notation: `REX.W + 89 /r`. */
  readonly encoding: string;
  /** Mnemonic and operands: `mov r/m64, r64`. */
  readonly text: string;
  readonly step: readonly Op[];
  readonly form: Form;
}

/** The names of the subset. `lock` stands before some of them; conditions stand in `conditions`. */
// biome-ignore format: one line per kind
export const mnemonics = [
  'nop', 'call', 'jmp', 'jcc', 'ret', 'int3', 'iretq', 'push', 'pop', 'mov',
  'add', 'or', 'and', 'sub', 'xor', 'cmp', 'test', 'inc', 'dec', 'lea', 'xchg', 'cmpxchg', 'xadd',
  'sti', 'cli', 'pushfq', 'popfq', 'hlt', 'pause', 'cpuid', 'serialize',
  'mfence', 'lfence', 'sfence', 'ud2', 'endbr64',
] as const;
export type Mnemonic = (typeof mnemonics)[number];

/** By the manual's tttn: the name that we print, then the other names of the same condition. */
export const conditions: readonly (readonly string[])[] = [
  ['jo'],
  ['jno'],
  ['jb', 'jc', 'jnae'],
  ['jae', 'jnb', 'jnc'],
  ['je', 'jz'],
  ['jne', 'jnz'],
  ['jbe', 'jna'],
  ['ja', 'jnbe'],
  ['js'],
  ['jns'],
  ['jp', 'jpe'],
  ['jnp', 'jpo'],
  ['jl', 'jnge'],
  ['jge', 'jnl'],
  ['jle', 'jng'],
  ['jg', 'jnle'],
];

const row = (encoding: string, text: string, step: readonly Op[]): Row => ({
  encoding,
  text,
  step,
  form: parseForm(encoding, text),
});

/** The form for 32 and the form for 64 bits; `#` in the text stands for the width. */
const both = (
  encoding: string,
  text: string,
  step: (w: Width) => readonly Op[],
): readonly Row[] => [
  row(encoding, text.replaceAll('#', '32').replaceAll('$', 'eax'), step(4)),
  // A prefix stands before REX (SDM 2A, 2.2.1).
  row(
    encoding.replace(/^(F0 )?/, '$1REX.W + '),
    text.replaceAll('#', '64').replaceAll('$', 'rax'),
    step(8),
  ),
];

const a = operand(0);
const b = operand(1);
const locked: Op = { kind: 'locked' };
const drain: Op = { kind: 'drain' };

const move = (): readonly Op[] => [set(a, b)];

const sum = (w: Width): readonly Op[] => [
  { kind: 'status', op: 'add', a, b, width: w },
  set(a, binary('add', a, b, w)),
];
const difference = (w: Width): readonly Op[] => [
  { kind: 'status', op: 'sub', a, b, width: w },
  set(a, binary('sub', a, b, w)),
];
const compare = (w: Width): readonly Op[] => [{ kind: 'status', op: 'sub', a, b, width: w }];
/** CF and OF are cleared, the others are those of the result, which stands on both sides. */
const logicFlags = (result: Expr, w: Width): Op => ({
  kind: 'status',
  op: 'logic',
  a: result,
  b: result,
  width: w,
});
const logic =
  (op: 'and' | 'or' | 'xor') =>
  (w: Width): readonly Op[] => [logicFlags(binary(op, a, b, w), w), set(a, binary(op, a, b, w))];
const test = (w: Width): readonly Op[] => [logicFlags(binary('and', a, b, w), w)];
const increment = (w: Width): readonly Op[] => [
  { kind: 'status', op: 'inc', a, b: num(1), width: w },
  set(a, binary('add', a, num(1), w)),
];
const decrement = (w: Width): readonly Op[] => [
  { kind: 'status', op: 'dec', a, b: num(1), width: w },
  set(a, binary('sub', a, num(1), w)),
];
/** The destination is written first: the source may be a part of its address. */
const exchange = (): readonly Op[] => [set(temp(0), a), set(a, b), set(b, temp(0))];
const exchangeReversed = (): readonly Op[] => [set(temp(0), b), set(b, a), set(a, temp(0))];
/** Of two registers the source is written first, so that `xadd rax, rax` leaves the sum (SDM, XADD, Operation). */
const exchangeAddRegisters = (w: Width): readonly Op[] => [
  set(temp(0), a),
  set(temp(1), binary('add', a, b, w)),
  { kind: 'status', op: 'add', a, b, width: w },
  set(b, temp(0)),
  set(a, temp(1)),
];
const exchangeAddMemory = (w: Width): readonly Op[] => [
  set(temp(0), a),
  { kind: 'status', op: 'add', a: temp(0), b, width: w },
  set(a, binary('add', temp(0), b, w)),
  set(b, temp(0)),
];
const compareExchange =
  (otherwise: readonly Op[]) =>
  (w: Width): readonly Op[] => [
    set(temp(0), a),
    { kind: 'status', op: 'sub', a: reg(0, w), b: temp(0), width: w },
    {
      kind: 'when',
      value: { kind: 'flag', flag: 'zf' },
      // biome-ignore lint/suspicious/noThenProperty: the name of the operation's part
      then: [set(a, b)],
      else: [...otherwise, set(reg(0, w), temp(0))],
    },
  ];
/** Where the comparison fails, memory is written back as it was (SDM, CMPXCHG, Operation). */
const compareExchangeMemory = compareExchange([set(a, temp(0))]);
/**
 * The manual's operation writes a register back too, which would clear the upper half of one of 32 bits. An AMD
 * processor leaves it alone (test/oracles/bytes-cpu); Intel's have not been asked.
 */
const compareExchangeRegisters = compareExchange([]);
const lock =
  (step: (w: Width) => readonly Op[]) =>
  (w: Width): readonly Op[] => [locked, ...step(w)];

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

/** The eight operations of opcodes 00 to 3F share their forms (SDM 2D, table A-2). */
function arithmetic(
  name: string,
  digit: number,
  step: (w: Width) => readonly Op[],
): readonly Row[] {
  const opcode = digit * 8;
  return [
    ...both(`${hex(opcode + 1)} /r`, `${name} r/m#, r#`, step),
    ...both(`${hex(opcode + 3)} /r`, `${name} r#, r/m#`, step),
    ...both(`83 /${digit} ib`, `${name} r/m#, imm8`, step),
    ...both(`${hex(opcode + 5)} id`, `${name} $, imm32`, step),
    ...both(`81 /${digit} id`, `${name} r/m#, imm32`, step),
  ];
}
/** The same with LOCK, which needs a destination in memory (SDM, LOCK). */
function lockedArithmetic(
  name: string,
  digit: number,
  step: (w: Width) => readonly Op[],
): readonly Row[] {
  return [
    ...both(`F0 ${hex(digit * 8 + 1)} /r`, `lock ${name} m#, r#`, lock(step)),
    ...both(`F0 83 /${digit} ib`, `lock ${name} m#, imm8`, lock(step)),
    ...both(`F0 81 /${digit} id`, `lock ${name} m#, imm32`, lock(step)),
  ];
}

const byMnemonic: { readonly [M in Mnemonic]: readonly Row[] } = {
  // SDM 2B, NOP, table 4-12: the recommended multi-byte sequences; then NOP with any operand, which a torn
  // sequence may be.
  nop: [
    row('REX.B0 + 90', 'nop', []),
    row('NOREX + 66 90', 'nop 2', []),
    row('NOREX + 0F 1F 00', 'nop 3', []),
    row('NOREX + 0F 1F 40 00', 'nop 4', []),
    row('NOREX + 0F 1F 44 00 00', 'nop 5', []),
    row('NOREX + 66 0F 1F 44 00 00', 'nop 6', []),
    row('NOREX + 0F 1F 80 00 00 00 00', 'nop 7', []),
    row('NOREX + 0F 1F 84 00 00 00 00 00', 'nop 8', []),
    row('NOREX + 66 0F 1F 84 00 00 00 00 00', 'nop 9', []),
    row('66 0F 1F /0', 'nop r/m16', []),
    row('0F 1F /0', 'nop r/m32', []),
    row('REX.W + 0F 1F /0', 'nop r/m64', []),
  ],
  call: [row('E8 cd', 'call rel32', [push(next, 'return'), branch(a)])],
  jmp: [
    row('EB cb', 'jmp rel8', [branch(a)]),
    row('E9 cd', 'jmp rel32', [branch(a)]),
    row('FF /4', 'jmp r/m64', [branch(a)]),
  ],
  jcc: conditions.flatMap(([name], code) => [
    row(`${hex(0x70 + code)} cb`, `${name} rel8`, [branch(a, { kind: 'condition', code })]),
    row(`0F ${hex(0x80 + code)} cd`, `${name} rel32`, [branch(a, { kind: 'condition', code })]),
  ]),
  ret: [row('C3', 'ret', [pop(temp(0), 'return'), branch(temp(0))])],
  int3: [row('CC', 'int3', [{ kind: 'trap' }])],
  iretq: [row('REX.W + CF', 'iretq', [drain, { kind: 'iret' }])],
  push: [
    row('50+rd', 'push r64', [push(a)]),
    row('6A ib', 'push imm8', [push(a)]),
    row('68 id', 'push imm32', [push(a)]),
    row('FF /6', 'push r/m64', [push(a)]),
  ],
  pop: [row('58+rd', 'pop r64', [pop(a)]), row('8F /0', 'pop r64', [pop(a)])],
  mov: [
    ...both('89 /r', 'mov r/m#, r#', move),
    ...both('8B /r', 'mov r#, r/m#', move),
    row('B8+rd id', 'mov r32, imm32', move()),
    ...both('C7 /0 id', 'mov r/m#, imm32', move),
    row('REX.W + B8+rd io', 'mov r64, imm64', move()),
  ],
  add: [...arithmetic('add', 0, sum), ...lockedArithmetic('add', 0, sum)],
  or: arithmetic('or', 1, logic('or')),
  and: arithmetic('and', 4, logic('and')),
  sub: [...arithmetic('sub', 5, difference), ...lockedArithmetic('sub', 5, difference)],
  xor: arithmetic('xor', 6, logic('xor')),
  cmp: arithmetic('cmp', 7, compare),
  test: [
    ...both('85 /r', 'test r/m#, r#', test),
    ...both('85 /r', 'test r#, m#', test),
    ...both('A9 id', 'test $, imm32', test),
    ...both('F7 /0 id', 'test r/m#, imm32', test),
  ],
  inc: [
    ...both('FF /0', 'inc r/m#', increment),
    ...both('F0 FF /0', 'lock inc m#', lock(increment)),
  ],
  dec: [
    ...both('FF /1', 'dec r/m#', decrement),
    ...both('F0 FF /1', 'lock dec m#', lock(decrement)),
  ],
  lea: both('8D /r', 'lea r#, m', () => [set(a, { kind: 'address', index: 1 })]),
  // With memory it is locked, LOCK or not (SDM, XCHG). EAX with EAX is no form of 90: that is NOP.
  xchg: [
    ...both('90+rd', 'xchg r#, $', exchange),
    ...both('90+rd', 'xchg $, r#', exchange),
    ...both('87 /r', 'xchg r#, r#', exchange),
    ...both('87 /r', 'xchg m#, r#', lock(exchange)),
    ...both('87 /r', 'xchg r#, m#', lock(exchangeReversed)),
    ...both('F0 87 /r', 'lock xchg m#, r#', lock(exchange)),
    ...both('F0 87 /r', 'lock xchg r#, m#', lock(exchangeReversed)),
  ],
  cmpxchg: [
    ...both('0F B1 /r', 'cmpxchg r#, r#', compareExchangeRegisters),
    ...both('0F B1 /r', 'cmpxchg m#, r#', compareExchangeMemory),
    ...both('F0 0F B1 /r', 'lock cmpxchg m#, r#', lock(compareExchangeMemory)),
  ],
  xadd: [
    ...both('0F C1 /r', 'xadd r#, r#', exchangeAddRegisters),
    ...both('0F C1 /r', 'xadd m#, r#', exchangeAddMemory),
    ...both('F0 0F C1 /r', 'lock xadd m#, r#', lock(exchangeAddMemory)),
  ],
  // The shadow is there only if IF was 0 before, so it is looked at first (SDM 2B, STI).
  sti: [row('FB', 'sti', [{ kind: 'shadow' }, set({ kind: 'flag', flag: 'if' }, num(1))])],
  cli: [row('FA', 'cli', [set({ kind: 'flag', flag: 'if' }, num(0))])],
  pushfq: [row('9C', 'pushfq', [push({ kind: 'rflags' })])],
  popfq: [row('9D', 'popfq', [pop(temp(0)), { kind: 'rflags', value: temp(0) }])],
  hlt: [row('F4', 'hlt', [{ kind: 'halt' }])],
  pause: [row('REX.B0 + F3 90', 'pause', [])],
  // Serialising instructions drain the store buffer (SDM 3A, 9.3).
  cpuid: [
    row('0F A2', 'cpuid', [
      drain,
      { kind: 'serialise' },
      ...[0, 3, 1, 2].map((r) => set(reg(r, 4), word(0))),
    ]),
  ],
  serialize: [row('0F 01 E8', 'serialize', [drain, { kind: 'serialise' }])],
  // Loads are in order and stores are in order under x86-TSO, so only MFENCE does something here.
  mfence: [row('0F AE F0', 'mfence', [drain])],
  lfence: [row('0F AE E8', 'lfence', [])],
  sfence: [row('0F AE F8', 'sfence', [])],
  ud2: [row('0F 0B', 'ud2', [{ kind: 'fault', vector: '#UD' }])],
  endbr64: [row('NOREX + F3 0F 1E FA', 'endbr64', [])],
};

/** All rows; the order is that in which the decoder and the encoder try them. */
export const rows: readonly Row[] = mnemonics.flatMap((m) => byMnemonic[m]);

/** Rows by mnemonic as written: `je`, `lock add`, other names of a condition included. */
export const rowsOf: ReadonlyMap<string, readonly Row[]> = (() => {
  const map = new Map<string, Row[]>();
  for (const r of rows) {
    const others = conditions.find((names) => names[0] === r.form.mnemonic) ?? [r.form.mnemonic];
    for (const name of others) map.set(name, [...(map.get(name) ?? []), r]);
  }
  return map;
})();

/** The names as a sentence lists them. */
export const subsetList = `${mnemonics.join(' ')} (jcc is any condition; lock before add sub inc dec xchg cmpxchg xadd)`;
