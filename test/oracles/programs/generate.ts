// Random programs of the subset: straight code with forward branches, calls and a stack that stays in its bounds.
//
// Some registers have a task, so that every access meets memory that is there: RBX and R13 point into the data, RSI is
// a small index, R15 holds code addresses, RSP the stack. The others hold anything.

import { region } from '../../../compiler/ir.ts';
import { flagBits, RSP } from '../../../compiler/ops.ts';
import { encodeAs } from '../../../compiler/x86/encode.ts';
import type { AbstractInsn, MemOperand, Operand } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { type Row, rows } from '../../../compiler/x86/table.ts';

export const dataWords = 8;
const bases = [3, 13];
const index = 6;
const codeRegister = 15;
const free = [0, 1, 2, 5, 7, 8, 9, 10, 11, 12, 14];

export const codeAt = region.code;
export const dataAt = region.data;
/** Words above the first RSP, and the most that a program pushes below it. */
export const stackAbove = 8;
const mostPushed = 8;

export interface Insn {
  readonly row: Row;
  readonly insn: AbstractInsn;
  /** The unit or the function that a branch goes to. */
  readonly target?: { readonly kind: 'unit' | 'function'; readonly at: number };
}
/** What is left out together when a program is made shorter. */
export type Unit = readonly Insn[];

export interface Shape {
  readonly units: readonly Unit[];
  readonly functions: readonly Unit[];
  readonly registers: readonly bigint[];
  readonly flags: number;
  readonly data: readonly bigint[];
  readonly stack: readonly bigint[];
}

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Where it ends when all goes well: the offset behind the last unit; functions stand behind it. */
  readonly end: number;
}

export type Random = (below: number) => number;

export function randomFrom(start: number): Random {
  let seed = start | 1;
  return (below) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % below;
  };
}

const edges = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffff80000000n,
  0xfffffffffffffffen,
  0xffffffffffffffffn,
];
const status = [flagBits.cf, flagBits.pf, flagBits.zf, flagBits.sf, flagBits.of];

/** Ends a program or needs more than a thread has: judged elsewhere, or said by the model itself (CPUID, SERIALIZE). */
const never = new Set('int3 iretq hlt cpuid serialize ud2 pushfq popfq ret call'.split(' '));
const privileged = new Set(['sti', 'cli']);

/**
 * `system`: with what a user may not run, and with addresses that only a kernel has. `without` leaves rows out that the judge is
 * known to see otherwise.
 */
export function generate(
  random: Random,
  system: boolean,
  without: (row: Row) => boolean = () => false,
): Shape {
  const of = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const value = (): bigint =>
    random(3) === 0
      ? (BigInt(random(0x100000000)) << 32n) | BigInt(random(0x100000000))
      : of(edges);
  const flags = (): number => status.reduce((f, bit) => (random(2) ? f | bit : f), 0x202);
  const indexValue = random(4);
  const baseWord = new Map(bases.map((b) => [b, random(dataWords)]));
  const registers = Array.from({ length: 16 }, () => value());
  registers[index] = BigInt(indexValue);
  for (const b of bases)
    registers[b] = BigInt.asUintN(64, BigInt(dataAt + 8 * (baseWord.get(b) ?? 0)));
  registers[codeRegister] = 0n;

  const memory = (width: number | undefined): MemOperand => {
    const at = dataAt + 8 * random(dataWords) + (width === 4 ? 4 * random(2) : 0);
    const sized = width === undefined ? {} : { width: width as 4 | 8 };
    const kind = random(system ? 5 : 4);
    const base = of(bases);
    const from = dataAt + 8 * (baseWord.get(base) ?? 0);
    if (kind === 4) return { kind: 'mem', disp: at, ...sized };
    // Relative to RIP: the displacement is known when the code is laid out.
    if (kind === 3) return { kind: 'mem', base: 'rip', disp: at, ...sized };
    if (kind === 2) {
      const scale = of([1, 2, 4, 8] as const);
      return { kind: 'mem', base, index, scale, disp: at - from - indexValue * scale, ...sized };
    }
    return { kind: 'mem', base, disp: at - from, ...sized };
  };
  const operand = (slot: Row['form']['slots'][number], access: boolean): Operand => {
    switch (slot.kind) {
      case 'reg':
        return { kind: 'reg', reg: of(free), width: slot.width };
      case 'rm':
        if (slot.register && random(2))
          return { kind: 'reg', reg: of(free), width: slot.width ?? 8 };
        if (access) return memory(slot.width);
        return {
          kind: 'mem',
          base: of(free),
          ...(random(2) ? { index: of(free), scale: of([1, 2, 4, 8] as const) } : {}),
          disp: of([0, 1, -1, 127, 128, -129, 0x7fffffff]),
          ...(slot.width === undefined ? {} : { width: slot.width }),
        };
      case 'imm':
        return { kind: 'imm', value: BigInt.asIntN(slot.bytes * 8, value()) };
      case 'fixed':
        return { kind: 'reg', reg: slot.reg, width: slot.width };
      case 'literal':
        return { kind: 'imm', value: BigInt(slot.value) };
      case 'rel':
        return { kind: 'target', address: 0 };
    }
  };
  const plain = (row: Row): Insn => {
    const { mnemonic } = row.form;
    // A far target must not be reached through an empty memory operand, and NOP and LEA touch nothing.
    const access = mnemonic !== 'lea' && mnemonic !== 'nop';
    return {
      row,
      insn: { mnemonic, operands: row.form.slots.map((slot) => operand(slot, access)) },
    };
  };
  const rowOf = (text: string): Row => {
    const row = rows.find((r) => r.text === text);
    if (!row) throw new Error(`no row ${text}`);
    return row;
  };
  let pushed = 0;
  let popped = 0;
  const unit = (at: number, count: number, functions: number): Unit => {
    const kind = random(24);
    const end: Insn['target'] = { kind: 'unit', at: at + 1 + random(count - at) };
    if (kind === 0 && functions > 0 && pushed < mostPushed) {
      pushed++;
      return [
        {
          row: rowOf('call rel32'),
          insn: { mnemonic: 'call', operands: [{ kind: 'target', address: 0 }] },
          target: { kind: 'function', at: random(functions) },
        },
      ];
    }
    if (kind === 1)
      return [
        {
          row: rowOf('lea r64, m'),
          insn: {
            mnemonic: 'lea',
            operands: [
              { kind: 'reg', reg: codeRegister, width: 8 },
              { kind: 'mem', base: 'rip', disp: 0 },
            ],
          },
          target: end,
        },
        {
          row: rowOf('jmp r/m64'),
          insn: { mnemonic: 'jmp', operands: [{ kind: 'reg', reg: codeRegister, width: 8 }] },
        },
      ];
    if (kind === 2 && pushed < mostPushed) {
      // What POPFQ takes is what a thread may have: TF would stop it, and IF is not its own.
      pushed++;
      return [
        {
          row: rowOf('push imm32'),
          insn: { mnemonic: 'push', operands: [{ kind: 'imm', value: BigInt(flags()) }] },
        },
        { row: rowOf('popfq'), insn: { mnemonic: 'popfq', operands: [] } },
      ];
    }
    if (kind === 3 && pushed < mostPushed) {
      // AF is not kept by the model, and TF is there while a debugger steps.
      pushed++;
      return [
        { row: rowOf('pushfq'), insn: { mnemonic: 'pushfq', operands: [] } },
        {
          row: rowOf('and r/m64, imm32'),
          insn: {
            mnemonic: 'and',
            operands: [
              { kind: 'mem', base: RSP, disp: 0, width: 8 },
              { kind: 'imm', value: -0x111n },
            ],
          },
        },
      ];
    }
    for (;;) {
      const row = of(rows);
      const { mnemonic } = row.form;
      if (never.has(mnemonic) || (mnemonic === 'jmp' && row.text === 'jmp r/m64')) continue;
      if (without(row) || (privileged.has(mnemonic) && !system)) continue;
      if (mnemonic === 'push') {
        if (pushed >= mostPushed) continue;
        pushed++;
      }
      if (mnemonic === 'pop') {
        if (popped >= stackAbove - 1) continue;
        popped++;
      }
      const made = plain(row);
      return [row.form.slots.some((s) => s.kind === 'rel') ? { ...made, target: end } : made];
    }
  };
  const quiet = (): Insn => {
    for (;;) {
      const made = plain(of(rows));
      const { mnemonic, slots } = made.row.form;
      if (
        never.has(mnemonic) ||
        without(made.row) ||
        privileged.has(mnemonic) ||
        /^(push|pop|j)/.test(mnemonic)
      )
        continue;
      if (slots.some((s) => s.kind === 'rel')) continue;
      return made;
    }
  };
  const functions = Array.from(
    { length: random(3) },
    (): Unit => [
      ...Array.from({ length: random(3) }, quiet),
      { row: rowOf('ret'), insn: { mnemonic: 'ret', operands: [] } },
    ],
  );
  const count = 1 + random(20);
  const units = Array.from({ length: count }, (_, at) => unit(at, count, functions.length));
  return {
    units,
    functions,
    registers,
    flags: flags(),
    data: Array.from({ length: dataWords }, () =>
      random(4) === 0 ? (registers[0] ?? 0n) : value(),
    ),
    stack: Array.from({ length: stackAbove }, () => value()),
  };
}

/** Lays the units out at `codeAt`; undefined where a form does not reach or has no encoding. */
export function assemble({ units, functions }: Shape): Assembled | undefined {
  const all = [...units, ...functions];
  const starts: number[] = [];
  const lengths = all.map((u) => u.map((i) => lengthOf(i)));
  let at = 0;
  for (const l of lengths) {
    starts.push(at);
    for (const n of l) {
      if (n === undefined) return;
      at += n;
    }
  }
  const end = starts[units.length] ?? at;
  const bytes: number[] = [];
  for (const [k, u] of all.entries()) {
    for (const [j, one] of u.entries()) {
      const here = codeAt + bytes.length;
      const length = lengths[k]?.[j] ?? 0;
      const target =
        one.target &&
        codeAt +
          (starts[one.target.kind === 'function' ? units.length + one.target.at : one.target.at] ??
            end);
      const code = encodeAs(one.row, place(one.insn, here + length, target), here, false);
      if (!code || isRefusal(code) || code.bytes.length !== length) return;
      bytes.push(...code.bytes);
    }
  }
  return { bytes: Uint8Array.from(bytes), end };
}

function lengthOf({ row, insn, target }: Insn): number | undefined {
  const next = row.form.tail === 'cb' ? codeAt + 2 : codeAt + 15;
  const code = encodeAs(row, place(insn, next, target && next), codeAt, false);
  return code && !isRefusal(code) ? code.bytes.length : undefined;
}

/** With its target, and what is relative to RIP counted from `next`. */
function place(insn: AbstractInsn, next: number, target: number | undefined): AbstractInsn {
  return {
    ...insn,
    operands: insn.operands.map((o): Operand => {
      if (o.kind === 'target') return { kind: 'target', address: target ?? next };
      if (o.kind === 'mem' && o.base === 'rip')
        return { ...o, disp: (insn.mnemonic === 'lea' ? (target ?? next) : o.disp) - next };
      return o;
    }),
  };
}
