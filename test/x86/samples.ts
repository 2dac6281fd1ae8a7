// Instructions for tests: for every row, each register in each position and the edges of every operand class.

import type { Slot } from '../../compiler/x86/notation.ts';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  OperandWidth,
} from '../../compiler/x86/operand.ts';
import { type Row, rows } from '../../compiler/x86/table.ts';

const all = Array.from({ length: 16 }, (_, k) => k);
const someRegisters = [3, 4, 13];
const displacements = [0, 1, -1, 127, 128, -128, -129, 0x12345678, 0x7fffffff, -0x80000000];

/** Memory operands of every shape, without a width. */
const shapes: readonly MemOperand[] = [
  ...all.flatMap((base) => displacements.map((disp): MemOperand => ({ kind: 'mem', base, disp }))),
  ...displacements.map((disp): MemOperand => ({ kind: 'mem', disp })),
  ...displacements.map((disp): MemOperand => ({ kind: 'mem', base: 'rip', disp })),
  ...all
    .filter((index) => index !== 4)
    .flatMap((index) =>
      ([1, 2, 4, 8] as const).flatMap((scale): MemOperand[] => [
        { kind: 'mem', index, scale, disp: 0x40 },
        { kind: 'mem', base: 13, index, scale, disp: 0 },
        { kind: 'mem', base: 4, index, scale, disp: -0x80 },
      ]),
    ),
  ...[0, 5, 12].map((base): MemOperand => ({ kind: 'mem', base, disp: 8, seg: 'gs' })),
  ...[0, -0x7f000000].map((disp): MemOperand => ({ kind: 'mem', disp, seg: 'gs' })),
  { kind: 'mem', base: 'rip', disp: 0x10, seg: 'gs' },
];
const few: readonly MemOperand[] = [
  { kind: 'mem', base: 0, disp: 0 },
  { kind: 'mem', base: 12, disp: 0x100 },
  { kind: 'mem', disp: -0x7f000000 },
];

const immediates = {
  1: [-128n, -1n, 0n, 1n, 0x42n, 127n],
  4: [-0x80000000n, -0x7f000000n, -129n, -1n, 0n, 1n, 128n, 0x12345678n, 0x7fffffffn],
  8: [
    -0x8000000000000000n,
    -0x80000001n,
    -1n,
    0n,
    0x80000000n,
    0xffffffffn,
    0x123456789abcdef0n,
    0x7fffffffffffffffn,
  ],
} as const;
const distances = {
  1: [-128, -2, 0, 5, 127],
  4: [-0x80000000, -129, -128, 0, 127, 128, 0x12345678, 0x7fffffff],
} as const;

interface Choices {
  readonly every: readonly Operand[];
  readonly some: readonly Operand[];
}
const register = (reg: number, width: OperandWidth): Operand => ({ kind: 'reg', reg, width });

/** Branch targets count from 0 here; `samples` adds the address behind the instruction. */
function choices(slot: Slot): Choices {
  switch (slot.kind) {
    case 'reg':
      return {
        every: all.map((r) => register(r, slot.width)),
        some: someRegisters.map((r) => register(r, slot.width)),
      };
    case 'rm': {
      const sized = (m: MemOperand): Operand =>
        slot.width === undefined ? m : { ...m, width: slot.width };
      const width = slot.width ?? 8;
      return {
        every: [...(slot.register ? all.map((r) => register(r, width)) : []), ...shapes.map(sized)],
        some: [...(slot.register ? [register(3, width)] : []), ...few.map(sized)],
      };
    }
    case 'imm': {
      const every = immediates[slot.bytes].map((value): Operand => ({ kind: 'imm', value }));
      const unsigned: Operand[] =
        slot.operation === 4 && slot.bytes === 4
          ? [0x80000000n, 0xffffff7fn, 0xffffffffn].map((value) => ({ kind: 'imm', value }))
          : [];
      return { every: [...every, ...unsigned], some: every.slice(0, 3) };
    }
    case 'rel': {
      const every = distances[slot.bytes].map((address): Operand => ({ kind: 'target', address }));
      return { every, some: every };
    }
    case 'fixed': {
      const only = [register(slot.reg, slot.width)];
      return { every: only, some: only };
    }
    case 'literal': {
      const only: Operand[] = [{ kind: 'imm', value: BigInt(slot.value) }];
      return { every: only, some: only };
    }
  }
}

export interface Sample {
  readonly row: Row;
  readonly insn: AbstractInsn;
}

/** Every operand in each position with some of the others; of two registers every pair. */
export function samplesOf(row: Row): readonly Sample[] {
  const slots = row.form.slots.map(choices);
  const found = new Map<string, Sample>();
  const add = (operands: readonly Operand[]): void => {
    const insn = { mnemonic: row.form.mnemonic, operands };
    const key = JSON.stringify(insn, (_, v) => (typeof v === 'bigint' ? `${v}` : v));
    found.set(key, { row, insn });
  };
  const product = (lists: readonly (readonly Operand[])[]): readonly (readonly Operand[])[] =>
    lists.reduce<readonly (readonly Operand[])[]>(
      (rest, list) => rest.flatMap((head) => list.map((o) => [...head, o])),
      [[]],
    );
  for (let k = 0; k < Math.max(1, slots.length); k++) {
    for (const operands of product(slots.map((s, j) => (j === k ? s.every : s.some))))
      add(operands);
  }
  const isRegister = (o: Operand): boolean => o.kind === 'reg';
  const registers = slots.map((s) => s.every.filter(isRegister));
  if (registers.length === 2 && registers.every((r) => r.length > 0))
    product(registers).forEach(add);
  return [...found.values()];
}

export const samples: readonly Sample[] = rows.flatMap(samplesOf);

/** The sample as it stands at `at` in an encoding of that length: its branch target is an address there. */
export const placed = (insn: AbstractInsn, at: number, length: number): AbstractInsn => ({
  ...insn,
  operands: insn.operands.map((o) =>
    o.kind === 'target' ? { kind: 'target', address: at + length + o.address } : o,
  ),
});
