// What the assemblers and disassemblers are asked about: every sample of every row, and bytes that no assembler wrote.

import type { Decoded } from '../../../compiler/x86/decode.ts';
import { abstract } from '../../../compiler/x86/decode.ts';
import { encodeAs } from '../../../compiler/x86/encode.ts';
import type { AbstractInsn, Operand } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { placed, samples } from '../../x86/samples.ts';

export const size = 16;
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** One form for equal meanings: signed values, no scale of 1, no width where the manual says none. */
export function canonical(insn: AbstractInsn): string {
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
export const decodedInsn = (d: Decoded, at: number): AbstractInsn => {
  const insn = abstract(d, at);
  const operands = insn.operands.map((o, k): Operand => {
    const bytes = d.operands[k];
    return o.kind === 'relative' && bytes?.kind === 'mem' ? bytes : o;
  });
  return { ...insn, operands };
};

/** TEST and XCHG say the same with their operands exchanged. */
export function symmetric(insn: AbstractInsn): string {
  if (!/^(lock )?(test|xchg)$/.test(insn.mnemonic)) return canonical(insn);
  const [a, b] = insn.operands;
  if (!a || !b || b.kind === 'imm') return canonical(insn);
  return [canonical(insn), canonical({ ...insn, operands: [b, a] })].sort().join();
}

/** Sample `k` stands at `k * size`. */
export const encoded = samples.map(({ row, insn }, k) => {
  const at = k * size;
  const probe = encodeAs(row, placed(insn, at, 0), at, false);
  const length =
    probe && !isRefusal(probe)
      ? probe.bytes.length
      : row.form.opcode.length + (row.form.tail === 'cd' ? 4 : 1);
  const here = placed(insn, at, length);
  return { row, insn: here, at, code: encodeAs(row, here, at, false) };
});

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
/** Chunks of `size` bytes, each to be read at its start. */
export const chunks: Uint8Array[] = [];
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

/** The written list of what processors run and we refuse; `decode.ts` has it in words. */
export const reasons = [
  'a prefix that the row does not name',
  'a prefix twice',
  'undocumented F7 /1',
  'undocumented 0F 1F /1 to /7',
  'undocumented 0F AE, ModRM.rm not 0',
  'a reserved NOP',
  'the 64-bit address of A0 to A3',
];
/** Why we refuse what another one reads as `insn`. */
export function reason(bytes: Uint8Array, insn: AbstractInsn): string | undefined {
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
  if (seen.includes(0x66) && !shortNop(insn)) return 'a prefix that the row does not name';
  if (seen.includes(0xf3) && !/^(pause|endbr64)$/.test(insn.mnemonic))
    return 'a prefix that the row does not name';
  if (seen.includes(0x65) && !insn.operands.some((o) => o.kind === 'mem' && o.seg === 'gs'))
    return 'a prefix that the row does not name';
  if (seen.includes(0xf0) && !insn.mnemonic.startsWith('lock'))
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

const shortNop = (insn: AbstractInsn): boolean =>
  insn.mnemonic === 'nop' &&
  insn.operands.some(
    (o) => o.kind === 'imm' || ((o.kind === 'mem' || o.kind === 'reg') && o.width === 2),
  );
