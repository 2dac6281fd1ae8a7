// The steps of the instruction table against the processor of this machine: registers, flags, memory and stack after
// each instruction, from values chosen to break them.
//
// Left out: what needs privilege or another address space (STI, CLI, HLT, IRETQ, GS, memory without a register), what
// ends a program (INT3, UD2), CPUID and SERIALIZE, which say what the model decides, and branches but JCC, which the
// emulator's own tests follow.

import { describe, expect, test, vi } from 'vitest';
import type { Core } from '../../../compiler/emulator/core.ts';
import { execute } from '../../../compiler/emulator/step.ts';
import { region } from '../../../compiler/ir.ts';
import { flagBits, RSP, statusFlags } from '../../../compiler/ops.ts';
import { decode, instantiate, text } from '../../../compiler/x86/decode.ts';
import { encodeAs } from '../../../compiler/x86/encode.ts';
import type { MemOperand, Operand } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { type Row, rows } from '../../../compiler/x86/table.ts';
import {
  general,
  joined,
  machine,
  reset,
  setData,
  setRegister,
  setStack,
} from '../../x86/machine.ts';
import { cpuModel, figure, judgedBy } from '../row.ts';
import { block, blockAt, runAll, type State } from './processor.ts';

vi.setConfig({ testTimeout: 120_000 });

const here = process.arch === 'x64' && process.platform === 'linux';
const perRow = 120;

const leftOut = new Set('call jmp ret int3 iretq sti cli hlt cpuid serialize ud2'.split(' '));
const run = rows.filter((r) => !leftOut.has(r.form.mnemonic));

let seed = 0x1f123bb5;
const random = (below: number): number => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) % below;
};
const of = <T>(list: readonly T[]): T => list[random(list.length)] as T;
const word = (): bigint => (BigInt(random(0x100000000)) << 32n) | BigInt(random(0x100000000));
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
const value = (): bigint => (random(3) === 0 ? word() : of(edges));
const flagValues = [flagBits.cf, flagBits.pf, flagBits.zf, flagBits.sf, flagBits.of];
const flags = (): number => flagValues.reduce((f, bit) => (random(2) ? f | bit : f), 0);

interface Case {
  readonly row: Row;
  readonly bytes: Uint8Array;
  readonly before: State;
  /** The register that holds an address of the case's memory, and what it adds to it. */
  readonly base: number | undefined;
  readonly offset: number;
  /** A branch is taken if it skips this many bytes. */
  readonly behind: Uint8Array;
}

/** `lea r15, [r15+1]`, which a branch that is taken skips. */
const skipped = Uint8Array.of(0x4d, 0x8d, 0x7f, 0x01);

function makeCase(row: Row, k: number): Case | undefined {
  const registers = Array.from({ length: 16 }, () => value());
  registers[RSP] = BigInt(blockAt(k) + block.rsp);
  const access = row.form.mnemonic !== 'lea' && row.form.mnemonic !== 'nop';
  let base: number | undefined;
  let offset = 0;
  const free = access ? general.filter((r) => r !== 3 && r !== 13) : general;
  const operands = row.form.slots.map((slot): Operand => {
    switch (slot.kind) {
      case 'reg':
        return { kind: 'reg', reg: of(free), width: slot.width };
      case 'rm': {
        if (slot.register && random(2))
          return { kind: 'reg', reg: of(free), width: slot.width ?? 8 };
        const width = slot.width === undefined ? {} : { width: slot.width };
        if (!access) {
          const index = random(2) ? { index: of(general), scale: of([1, 2, 4, 8] as const) } : {};
          return {
            kind: 'mem',
            base: of(general),
            ...index,
            disp: of([0, 1, -1, 127, 128, -129, 0x7fffffff]),
            ...width,
          };
        }
        base = of([3, 13]);
        offset = random(8) * 8 + (slot.width === 4 ? 4 * random(2) : 0);
        const disp = of([0, 8, -8, 127, 128, -128, 0x12345678]);
        registers[base] = BigInt.asUintN(64, BigInt(blockAt(k) + block.memory + offset - disp));
        offset -= disp;
        return { kind: 'mem', base, disp, ...width } as MemOperand;
      }
      case 'imm':
        return { kind: 'imm', value: BigInt.asIntN(slot.bytes * 8, value()) };
      case 'fixed':
        return { kind: 'reg', reg: slot.reg, width: slot.width };
      case 'literal':
        return { kind: 'imm', value: BigInt(slot.value) };
      case 'rel':
        return { kind: 'target', address: 0 };
      default:
        throw new Error('no case');
    }
  });
  const isBranch = row.form.slots.some((s) => s.kind === 'rel');
  const length = row.form.tail === 'cb' ? 2 : 6;
  const placed = isBranch
    ? [{ kind: 'target' as const, address: length + skipped.length }]
    : operands;
  const code = encodeAs(row, { mnemonic: row.form.mnemonic, operands: placed }, 0, false);
  if (!code || isRefusal(code)) return;
  // CMPXCHG that succeeds is rare among such values: every other time it is made to.
  if (row.form.mnemonic.endsWith('cmpxchg') && operands[0]?.kind === 'reg' && random(2)) {
    registers[0] = registers[operands[0].reg] ?? 0n;
  }
  const memory = Array.from({ length: 8 }, () =>
    random(4) === 0 ? (registers[0] ?? 0n) : value(),
  );
  return {
    row,
    bytes: code.bytes,
    behind: isBranch ? skipped : new Uint8Array(),
    base,
    offset,
    before: {
      flags: BigInt(flags() | 0x202),
      registers,
      memory,
      // POPFQ gets flags that a user may set: with TF it would be the last instruction.
      stack: Array.from({ length: 4 }, () =>
        row.form.mnemonic === 'popfq' ? BigInt(flags() | 0x202) : value(),
      ),
    },
  };
}

/** The same case in the emulator; addresses are told as the processor's. */
function emulate(core: Core, c: Case, k: number): State | string {
  reset(core);
  const stackFrom = core.stackTop(1) - 4 * 8;
  c.before.registers.forEach((v, r) => {
    setRegister(core, r, v);
  });
  c.before.stack.forEach((v, j) => {
    setStack(core, stackFrom + 8 * j, v);
  });
  setRegister(core, RSP, BigInt(stackFrom + block.rsp - block.stack));
  if (c.base !== undefined) setRegister(core, c.base, BigInt(region.data + c.offset));
  c.before.memory.forEach((v, j) => {
    setData(core, j, v);
  });
  core.setFlags(Number(c.before.flags) & (statusFlags | flagBits.if));

  const d = decode(c.bytes, c.bytes.length);
  if (d.kind !== 'insn') return d.kind;
  const at = region.code;
  core.s[core.t] = (at + d.length) | 0;
  execute(core, instantiate(d, at), { trap: () => {}, iret: () => {} });
  if (core.outcome !== 0) return core.reason;

  const registers = Array.from({ length: 16 }, (_, r) => {
    const low = core.register(r);
    return joined(low, core.hi);
  });
  const delta = BigInt(blockAt(k) + block.stack - stackFrom);
  const native = (v: bigint): bigint => BigInt.asUintN(64, v + delta);
  const isStack = (v: bigint): boolean =>
    core.isStack(Number(BigInt.asIntN(32, v))) &&
    BigInt.asIntN(64, v) >= -0x80000000n &&
    BigInt.asIntN(64, v) < 0n;
  registers[RSP] = isStack(registers[RSP] ?? 0n)
    ? native(registers[RSP] ?? 0n)
    : (registers[RSP] ?? 0n);
  if (c.base !== undefined) registers[c.base] = c.before.registers[c.base] ?? 0n;
  // A branch that is not taken runs what is behind it.
  if (c.behind.length > 0 && core.rip() === ((at + d.length) | 0)) {
    registers[15] = BigInt.asUintN(64, (registers[15] ?? 0n) + 1n);
  }
  return {
    flags: BigInt(core.flags()),
    registers,
    memory: c.before.memory.map((_, j) =>
      joined(core.s[core.l.data + 2 * j] as number, core.s[core.l.data + 2 * j + 1] as number),
    ),
    stack: c.before.stack.map((_, j) => {
      const low = core.stackWord((stackFrom + 8 * j) | 0);
      const v = joined(low, core.hi);
      return isStack(v) ? native(v) : v;
    }),
  };
}

describe.skipIf(!here)('each row, on the processor', () => {
  test('leaves the same registers, flags, memory and stack', () => {
    const cases: Case[] = [];
    for (const row of run) {
      for (let n = 0; n < perRow; n++) {
        const made = makeCase(row, cases.length);
        if (made) cases.push(made);
      }
    }
    expect(new Set(cases.map((c) => c.row)).size).toBe(run.length);
    const after = runAll(
      cases.map((c) => Uint8Array.from([...c.bytes, ...c.behind])),
      cases.map((c) => c.before),
    );
    const core = machine({ memory: 'sc' });
    const wrong: string[] = [];
    cases.forEach((c, k) => {
      const real = after[k];
      if (!real) throw new Error('no answer');
      const ours = emulate(core, c, k);
      const d = decode(c.bytes, c.bytes.length);
      const what = d.kind === 'insn' ? text(d, 0) : '';
      if (typeof ours === 'string') {
        wrong.push(`${what}: ${ours}`);
        return;
      }
      const say = (name: string, a: bigint, b: bigint): void => {
        if (a !== b)
          wrong.push(`${what}: ${name} is ${a.toString(16)}, on the processor ${b.toString(16)}`);
      };
      const mask = BigInt(statusFlags);
      say('flags', ours.flags & mask, real.flags & mask);
      ours.registers.forEach((v, r) => {
        say(`register ${r}`, v, real.registers[r] ?? 0n);
      });
      ours.memory.forEach((v, j) => {
        say(`memory ${j}`, v, real.memory[j] ?? 0n);
      });
      // What lies below RSP is nothing.
      const rsp = Number(((ours.registers[RSP] ?? 0n) - BigInt(blockAt(k) + block.stack)) / 8n);
      ours.stack.forEach((v, j) => {
        if (j >= rsp) say(`stack ${j}`, v, real.stack[j] ?? 0n);
      });
    });
    expect(wrong.slice(0, 40)).toEqual([]);
    expect(cases.length).toBeGreaterThan(perRow * 150);
    judgedBy(
      'the processor',
      cpuModel,
      `${figure(cases.length)} single instructions of ${run.length} rows, from chosen states`,
    );
  });
});
