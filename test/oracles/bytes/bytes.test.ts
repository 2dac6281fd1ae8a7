// The instruction table against GNU as and objdump, both ways: every row, every register in each position, the edges
// of every operand class; and bytes that no assembler wrote.

import { describe, expect, test, vi } from 'vitest';
import type { Decoded } from '../../../compiler/x86/decode.ts';
import { decode, text } from '../../../compiler/x86/decode.ts';
import { encode } from '../../../compiler/x86/encode.ts';
import type { AbstractInsn, Operand } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { rows } from '../../../compiler/x86/table.ts';
import { print } from '../../../compiler/x86/text.ts';
import { figure, judgedBy } from '../row.ts';
import { assembleEach, binutils, disassemble, read } from './gnu.ts';
import {
  canonical,
  chunks,
  decodedInsn,
  encoded,
  hex,
  reason,
  reasons,
  size,
  symmetric,
} from './material.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Whether objdump says the same of the bytes as our decoder. */
function agrees(d: Decoded, at: number, said: string): boolean {
  const theirs = read(said);
  if (!theirs) return false;
  const ours = decodedInsn(d, at);
  // The recommended NOPs have a length where objdump shows the operand.
  if (ours.mnemonic === 'nop' && ours.operands.every((o) => o.kind === 'imm')) {
    return theirs.insn.mnemonic === 'nop';
  }
  return canonical(ours) === canonical(theirs.insn);
}

describe('our bytes, read by objdump', () => {
  test('every sample of every row has an encoding, but 90 is NOP and no XCHG', () => {
    const without = encoded
      .filter((e) => !e.code || isRefusal(e.code))
      .map((e) => `${e.row.encoding}: ${print(e.insn)}`);
    expect(new Set(without)).toEqual(
      new Set(['90+rd: xchg eax, eax', 'REX.W + 90+rd: xchg rax, rax']),
    );
    const rowsSeen = new Set(encoded.filter((e) => e.code && !isRefusal(e.code)).map((e) => e.row));
    expect(rowsSeen.size).toBe(rows.length);
  });

  test('the length and the meaning are the same', () => {
    const codes = encoded.flatMap((e) =>
      e.code && !isRefusal(e.code) ? [{ ...e, bytes: e.code.bytes }] : [],
    );
    const chunks: Uint8Array[] = [];
    for (const c of codes) chunks[c.at / size] = c.bytes;
    const lines = disassemble(
      Array.from(chunks, (c) => c ?? Uint8Array.of(0x90)),
      size,
    );
    const wrong: string[] = [];
    for (const { row, insn, at, bytes } of codes) {
      const line = lines[at / size];
      const d = decode(bytes, bytes.length);
      if (d.kind !== 'insn') wrong.push(`${row.text}: ${hex(bytes)} decodes as ${d.kind}`);
      else if (d.length !== line?.length || !agrees(d, at, line.text)) {
        wrong.push(
          `${row.encoding} ${print(insn)}: ${hex(bytes)} ${text(d, at)} | ${line?.length} ${line?.text}`,
        );
      }
    }
    expect(wrong.slice(0, 40)).toEqual([]);
    expect(codes.length).toBeGreaterThan(50_000);
    judgedBy(
      'GNU objdump',
      binutils,
      `${figure(codes.length)} encodings of ${rows.length} rows, read`,
    );
  });
});

describe('our text, assembled by as', () => {
  const ours = encoded.map(({ insn, at }) => {
    const code = encode(insn, at);
    if (isRefusal(code)) throw new Error(code.message);
    return { insn, at, bytes: code.bytes, line: gnuText(insn) };
  });

  test('gives the bytes that we give', () => {
    const theirs = assembleEach(
      ours.map((o) => o.line),
      ours.map((o) => o.at),
    );
    const wrong = ours.flatMap(({ line, bytes }, k) => {
      const other = theirs[k] ?? '';
      const said = typeof other === 'string' ? other : hex(other);
      return said === hex(bytes) ? [] : [`${line}: ${hex(bytes)} | ${said}`];
    });
    // `as` takes NOP for an exchange of RAX with itself; we keep the instruction that was written.
    expect(new Set(wrong)).toEqual(new Set(['xchg rax, rax: 4887c0 | 90']));
    judgedBy('GNU as', binutils, `${figure(ours.length)} texts, assembled`, [
      'NOP for `xchg rax, rax`',
    ]);
  });

  test('in its other encodings, is decoded as the same', () => {
    const all = ours.flatMap(({ insn, at, line }) => {
      // Those that `as` does not write as such, and LOCK, where it takes no pseudo prefix.
      if (/^(\.byte|lock|nop|xchg rax, rax$)/.test(line)) return [];
      const has = (kind: Operand['kind']): boolean => insn.operands.some((o) => o.kind === kind);
      const memory = insn.operands.some((o) => o.kind === 'mem' && typeof o.base === 'number');
      const registers = insn.operands.filter((o) => o.kind === 'reg').length;
      const prefixes = [
        ...(memory || (has('target') && insn.mnemonic !== 'call') ? ['{disp32}'] : []),
        ...(registers === 2 ? ['{load}', '{store}'] : []),
        ...(registers > 0 ? ['{rex}'] : []),
      ];
      return prefixes.map((prefix) => ({ prefix, insn, at, line: `${prefix} ${line}` }));
    });
    const groups = ['{disp32}', '{load}', '{store}', '{rex}'].map((p) =>
      all.filter((v) => v.prefix === p),
    );
    const variants = groups.flat();
    const theirs = groups.flatMap((group) =>
      assembleEach(
        group.map((v) => v.line),
        group.map((v) => v.at),
      ),
    );
    let different = 0;
    const wrong = variants.flatMap(({ insn, at, line }, k) => {
      const bytes = theirs[k] ?? '';
      if (typeof bytes === 'string') return [`${line}: ${bytes}`];
      const d = decode(bytes, bytes.length);
      if (d.kind !== 'insn') return [`${line}: ${hex(bytes)} ${d.kind}`];
      const code = encode(insn, at);
      if (!isRefusal(code) && hex(code.bytes) !== hex(bytes)) different++;
      if (d.length === bytes.length && symmetric(decodedInsn(d, at)) === symmetric(insn)) return [];
      return [`${line}: ${hex(bytes)} ${text(d, at)}`];
    });
    expect(wrong.slice(0, 40)).toEqual([]);
    expect(different).toBeGreaterThan(10_000);
    judgedBy('GNU as', binutils, `${figure(variants.length)} other encodings, decoded by us`);
  });
});

describe('bytes that no assembler wrote', () => {
  test('what we decode, objdump decodes so; what we refuse, it reads as no form of ours but for the list', () => {
    const lines = disassemble(chunks, size);
    const wrong: string[] = [];
    const listed = new Map<string, number>();
    let decoded = 0;
    for (const [k, bytes] of chunks.entries()) {
      const at = k * size;
      const line = lines[k];
      if (!line) throw new Error('no line');
      const d = decode(bytes, bytes.length);
      if (d.kind === 'more') wrong.push(`${hex(bytes)}: more`);
      else if (d.kind === 'insn') {
        decoded++;
        if (d.length === line.length && agrees(d, at, line.text)) continue;
        wrong.push(`${hex(bytes)}: ${d.length} ${text(d, at)} | ${line.length} ${line.text}`);
      } else {
        const theirs = read(line.text);
        if (!theirs || isRefusal(encode(theirs.insn, at))) continue;
        const why = reason(bytes, theirs.insn);
        if (why === undefined) wrong.push(`${hex(bytes)}: refused | ${line.length} ${line.text}`);
        else listed.set(why, (listed.get(why) ?? 0) + 1);
      }
    }
    expect(wrong.slice(0, 60)).toEqual([]);
    expect(decoded).toBeGreaterThan(80_000);
    expect([...listed.keys()].sort()).toEqual([...reasons].sort());
    judgedBy('GNU objdump', binutils, `${figure(chunks.length)} random and torn byte strings`, [
      `${reasons.length} kinds that we refuse and it reads, listed in decode.ts`,
    ]);
  });
});

/** The text as GNU as takes it: a branch by the distance from the first byte, the long NOPs as bytes. */
function gnuText(insn: AbstractInsn): string {
  const [o] = insn.operands;
  if (insn.mnemonic === 'nop' && o?.kind === 'imm') {
    const code = encode(insn, 0);
    return isRefusal(code) ? '' : `.byte ${[...code.bytes].join(',')}`;
  }
  if (o?.kind === 'target') return `${insn.mnemonic} base${o.address < 0 ? '' : '+'}${o.address}`;
  return print(insn, { gnu: true });
}
