// The instruction table against GNU as and objdump, both ways: every row, every register in each position, the edges
// of every operand class; and bytes that no assembler wrote.

import { describe, expect, test, vi } from 'vitest';
import type { Decoded } from '../../../compiler/x86/decode.ts';
import { abstract, decode, text } from '../../../compiler/x86/decode.ts';
import { encode, encodeAs } from '../../../compiler/x86/encode.ts';
import type { AbstractInsn, Operand } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { rows } from '../../../compiler/x86/table.ts';
import { print } from '../../../compiler/x86/text.ts';
import { placed, samples } from '../../x86/samples.ts';
import { assembleEach, disassemble, read } from './gnu.ts';

vi.setConfig({ testTimeout: 120_000 });

const size = 16;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** One form for equal meanings: signed values, no scale of 1, no width where the manual says none. */
function canonical(insn: AbstractInsn): string {
  const bits = insn.operands.some((o) => (o.kind === 'reg' || o.kind === 'mem') && o.width === 4)
    ? 32
    : 64;
  const operands = insn.operands.map((o): readonly unknown[] => {
    switch (o.kind) {
      case 'imm':
        return ['imm', `${BigInt.asIntN(bits, o.value)}`];
      case 'mem':
        return [
          'mem',
          o.base,
          o.index,
          o.index === undefined ? 1 : o.scale,
          o.disp,
          o.seg,
          o.width,
        ];
      case 'reg':
        return ['reg', o.reg, o.width];
      case 'target':
        return ['target', o.address];
      default:
        throw new Error(o.kind);
    }
  });
  return JSON.stringify([insn.mnemonic, operands]);
}

/** What was decoded, with displacements of memory as the bytes have them. */
const decodedInsn = (d: Decoded, at: number): AbstractInsn => {
  const insn = abstract(d, at);
  const operands = insn.operands.map((o, k): Operand => {
    const bytes = d.operands[k];
    return o.kind === 'relative' && bytes?.kind === 'mem' ? bytes : o;
  });
  return { ...insn, operands };
};

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

const encoded = samples.map(({ row, insn }, k) => {
  const at = k * size;
  const probe = encodeAs(row, placed(insn, at, 0), at, false);
  const length =
    probe && !isRefusal(probe)
      ? probe.bytes.length
      : row.form.opcode.length + (row.form.tail === 'cd' ? 4 : 1);
  const here = placed(insn, at, length);
  return { row, insn: here, at, code: encodeAs(row, here, at, false) };
});

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
  });
});

/** TEST and XCHG say the same with their operands exchanged. */
function symmetric(insn: AbstractInsn): string {
  if (!/^(lock )?(test|xchg)$/.test(insn.mnemonic)) return canonical(insn);
  const [a, b] = insn.operands;
  if (!a || !b || b.kind === 'imm') return canonical(insn);
  return [canonical(insn), canonical({ ...insn, operands: [b, a] })].sort().join();
}

describe('bytes that no assembler wrote', () => {
  // A generator of its own, so that every run asks the same.
  let seed = 0x2545f491;
  const random = (below: number): number => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % below;
  };
  const noise = (...head: readonly number[]): Uint8Array =>
    Uint8Array.from({ length: size }, (_, k) => head[k] ?? random(256));
  const codes = encoded.flatMap((e) => (e.code && !isRefusal(e.code) ? [e.code.bytes] : []));
  const any = (): Uint8Array => codes[random(codes.length)] ?? new Uint8Array();
  const prefixes = [
    0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x40, 0x41, 0x48, 0x49, 0x4f,
  ];
  const chunks: Uint8Array[] = [];
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) chunks.push(noise(a, b));
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b += 3) chunks.push(noise(0x0f, a, b));
  for (let a = 0; a < 256; a++)
    for (let b = 0; b < 256; b += 5) chunks.push(noise(0x40 + random(16), a, b));
  // Torn: some bytes of one instruction, the others of a second one; a prefix before; one byte changed.
  for (let k = 0; k < 40_000; k++) {
    const [x, y] = [any(), any()];
    chunks.push(
      noise(
        ...Array.from(
          { length: Math.max(x.length, y.length) },
          (_, j) => (random(2) ? x[j] : y[j]) ?? random(256),
        ),
      ),
    );
    chunks.push(noise(prefixes[random(prefixes.length)] ?? 0, ...any()));
    const changed = Uint8Array.from(any());
    changed[random(changed.length)] = random(256);
    chunks.push(noise(...changed));
  }

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
        const why = reason(bytes, line.text);
        if (why === undefined) wrong.push(`${hex(bytes)}: refused | ${line.length} ${line.text}`);
        else listed.set(why, (listed.get(why) ?? 0) + 1);
      }
    }
    expect(wrong.slice(0, 60)).toEqual([]);
    expect(decoded).toBeGreaterThan(80_000);
    expect([...listed.keys()].sort()).toEqual([...reasons].sort());
  });
});

/** The written list of what processors run and we refuse; `decode.ts` has it in words. */
const reasons = [
  'a prefix that the row does not name',
  'a prefix twice',
  'undocumented F7 /1',
  'undocumented 0F 1F /1 to /7',
  'undocumented 0F AE, ModRM.rm not 0',
  'a reserved NOP',
  'the 64-bit address of A0 to A3',
];
function reason(bytes: Uint8Array, said: string): string | undefined {
  const seen: number[] = [];
  let k = 0;
  for (; k < bytes.length; k++) {
    const byte = bytes[k] ?? 0;
    if (byte >> 4 === 4) continue;
    if (seen.includes(byte)) return 'a prefix twice';
    if ([0x67, 0xf2, 0x2e, 0x36, 0x3e, 0x26, 0x64].includes(byte))
      return 'a prefix that the row does not name';
    if (![0x66, 0xf0, 0xf3, 0x65].includes(byte)) break;
    seen.push(byte);
  }
  if (seen.includes(0x66) && !/nop +WORD/.test(said)) return 'a prefix that the row does not name';
  if (seen.includes(0xf3) && !/^(pause|endbr64)$/.test(said))
    return 'a prefix that the row does not name';
  if (seen.includes(0x65) && !said.includes('gs:')) return 'a prefix that the row does not name';
  if (seen.includes(0xf0) && !read(said)?.insn.mnemonic.startsWith('lock'))
    return 'a prefix that the row does not name';
  const [a, b, c] = [bytes[k] ?? 0, bytes[k + 1] ?? 0, bytes[k + 2] ?? 0];
  if (a === 0xf7 && ((b >> 3) & 7) === 1) return 'undocumented F7 /1';
  if (a >= 0xa0 && a <= 0xa3) return 'the 64-bit address of A0 to A3';
  if (a !== 0x0f) return;
  if (b === 0x1f && ((c >> 3) & 7) !== 0) return 'undocumented 0F 1F /1 to /7';
  if (b === 0xae && (c & 7) !== 0) return 'undocumented 0F AE, ModRM.rm not 0';
  if (b === 0x0d || (b >= 0x18 && b <= 0x1e)) return 'a reserved NOP';
  return;
}

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
