// Footprints against what instructions really read and write: every word of the state is changed, one at a time, and
// whatever comes out otherwise has been read.

import { expect, test, vi } from 'vitest';
import { execute } from '../../compiler/emulator/step.ts';
import { footprint } from '../../compiler/footprint.ts';
import { region } from '../../compiler/ir.ts';
import { flagBits, type Op, RSP, registers, statusFlags } from '../../compiler/ops.ts';
import { decode, instantiate, text } from '../../compiler/x86/decode.ts';
import { encodeAs } from '../../compiler/x86/encode.ts';
import type { Operand } from '../../compiler/x86/operand.ts';
import { isRefusal } from '../../compiler/x86/operand.ts';
import { type Row, rows } from '../../compiler/x86/table.ts';
import { general, machine, reset, setData, setRegister, setStack } from './machine.ts';

vi.setConfig({ testTimeout: 60_000 });

const core = machine({ memory: 'tso', shadowStack: true });

let seed = 0x3c6ef372;
const random = (below: number): number => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) % below;
};
const of = <T>(list: readonly T[]): T => list[random(list.length)] as T;
const word = (): bigint => (BigInt(random(0x100000000)) << 32n) | BigInt(random(0x100000000));

/** The footprint's name of each word of the state; words that say where others are have none. */
function names(): readonly (string | undefined)[] {
  const list: (string | undefined)[] = Array.from({ length: core.l.words }, () => undefined);
  const fixed: Record<string, string> = {
    data: 'memory',
    text: 'text',
    'cpu0 fetch': 'views',
    'cpu0 shadow': 'shadow',
    'cpu0 halted': 'halted',
    'cpu0 nmi blocked': 'nmi',
    'worker rip': 'rip',
    'worker flags': 'flags',
    'worker shadow stack': 'shadow stack',
    'worker ssp': 'shadow stack',
    'worker stack': 'stack',
  };
  for (const f of core.l.fields) {
    for (let k = 0; k < f.words; k++) list[f.at + k] = fixed[f.name];
    if (f.name === 'cpu0 buffer') {
      for (let k = 0; k < f.words; k++) list[f.at + k] = 'buffer';
    }
    if (f.name === 'worker registers') {
      [RSP, ...general].forEach((r, k) => {
        list[f.at + 2 * k] = registers[r];
        list[f.at + 2 * k + 1] = registers[r];
      });
    }
  }
  return list;
}

/** Whether a word may hold any value: counts, kinds and indices of the buffer may not. */
function isFree(w: number): boolean {
  const buffer = core.l.fields.find((f) => f.name === 'cpu0 buffer');
  const k = w - (buffer?.at ?? 0);
  return !buffer || k < 0 || k >= buffer.words || k === 3 || k === 4;
}

function prepare(): Int32Array {
  reset(core);
  const top = core.stackTop(1) - 64;
  for (let k = 0; k < 8; k++) {
    setStack(core, top + 8 * k, word());
    setData(core, k, word());
  }
  for (const r of general) setRegister(core, r, random(2) ? word() : BigInt(random(3)));
  setRegister(core, RSP, BigInt(top + 16));
  setRegister(core, 3, BigInt(region.data + 8 * random(8)));
  core.setFlags((random(0x1000) & statusFlags) | (random(2) ? flagBits.if : 0));
  // A store that is still in the buffer, to a word that is read, too.
  core.store((region.data + 8 * random(8)) | 0, -1, random(0x7fffffff), 7, 8);
  core.s[core.l.tasks[1] as number] = region.code | 0;
  // A return address of the shadow stack, where the stack has the same.
  core.push(0x1234, -1, true);
  return core.s.slice();
}

function run(
  ops: readonly Op[],
  from: Int32Array,
): { readonly after: Int32Array; readonly outcome: number } {
  core.s = from.slice();
  core.outcome = 0;
  core.direct = false;
  core.selectTask(1);
  execute(core, ops, { trap: () => {}, iret: () => {} });
  return { after: core.s, outcome: core.outcome };
}

function operandsOf(row: Row): readonly Operand[] {
  return row.form.slots.map((slot): Operand => {
    switch (slot.kind) {
      case 'reg':
        return { kind: 'reg', reg: random(16), width: slot.width };
      case 'rm':
        return slot.register && random(2)
          ? { kind: 'reg', reg: random(16), width: slot.width ?? 8 }
          : {
              kind: 'mem',
              base: of([3, 3, 3, RSP]),
              ...(row.form.mnemonic === 'lea' ? { index: of([0, 9]), scale: 4 as const } : {}),
              disp: 0,
              ...(slot.width ? { width: slot.width } : {}),
            };
      case 'imm':
        return { kind: 'imm', value: BigInt(random(100) - 50) };
      case 'rel':
        return { kind: 'target', address: region.code + 16 };
      case 'fixed':
        return { kind: 'reg', reg: slot.reg, width: slot.width };
      case 'literal':
        return { kind: 'imm', value: BigInt(slot.value) };
      default:
        throw new Error('no case');
    }
  });
}

/** What a run shows to be read and written. */
function observe(ops: readonly Op[], from: Int32Array, name: readonly (string | undefined)[]) {
  const reads = new Set<string>();
  const writes = new Set<string>();
  const base = run(ops, from);
  const flagName = (bits: number): string => ((bits & flagBits.if) !== 0 ? 'if' : 'flags');
  const flags = (core.l.tasks[1] as number) + 1;
  for (let w = 0; w < from.length; w++) {
    const changed = (base.after[w] as number) ^ (from[w] as number);
    if (changed === 0) continue;
    if (w === flags) {
      if (changed & flagBits.if) writes.add('if');
      if (changed & ~flagBits.if) writes.add('flags');
    } else writes.add(name[w] ?? `word ${w}`);
  }
  if (base.outcome !== 0) writes.add('outcome');
  for (let w = 0; w < from.length; w++) {
    const field = name[w];
    if (field === undefined || !isFree(w)) continue;
    const bits = w === flags ? [...Object.values(flagBits)] : [1 << random(31), 1 << random(8)];
    for (const bit of bits) {
      const other = from.slice();
      other[w] = (other[w] as number) ^ bit;
      const now = run(ops, other);
      let differs = now.outcome !== base.outcome;
      for (let x = 0; x < from.length && !differs; x++) {
        const a = base.after[x] as number;
        const b = now.after[x] as number;
        if (a === b) continue;
        // What is carried through unchanged has not been read.
        differs = x !== w || (a ^ b) !== bit || (w !== flags && a !== from[x]);
      }
      if (differs) reads.add(w === flags ? flagName(bit) : field);
    }
  }
  return { reads, writes };
}

test('what a step reads and writes is in its footprint', () => {
  const name = names();
  const wrong: string[] = [];
  const seen = { reads: new Set<string>(), writes: new Set<string>() };
  for (const row of rows) {
    if (/^(int3|iretq|nop)$/.test(row.form.mnemonic)) continue; // the handlers' part; and nothing
    for (let k = 0; k < 4; k++) {
      const from = prepare();
      const code = encodeAs(
        row,
        { mnemonic: row.form.mnemonic, operands: operandsOf(row) },
        region.code,
        false,
      );
      if (!code || isRefusal(code)) continue;
      const d = decode(code.bytes, code.bytes.length);
      if (d.kind !== 'insn') throw new Error(d.kind);
      const ops = instantiate(d, region.code);
      const said = footprint(ops);
      const real = observe(ops, from, name);
      for (const r of real.reads) {
        seen.reads.add(r);
        if (!said.reads.has(r)) wrong.push(`${text(d, region.code)} reads ${r}`);
      }
      for (const w of real.writes) {
        seen.writes.add(w);
        if (!said.writes.has(w)) wrong.push(`${text(d, region.code)} writes ${w}`);
      }
    }
  }
  expect(wrong.slice(0, 40)).toEqual([]);
  for (const r of [
    'rax',
    'rsp',
    'r15',
    'flags',
    'if',
    'memory',
    'buffer',
    'stack',
    'shadow stack',
  ]) {
    expect(seen.reads).toContain(r);
  }
  for (const w of [
    'rax',
    'rsp',
    'flags',
    'if',
    'shadow',
    'halted',
    'memory',
    'buffer',
    'stack',
    'rip',
    'outcome',
  ]) {
    expect(seen.writes).toContain(w);
  }
});
