// The instruction table against nasm and ndisasm: our text, assembled; our bytes, and torn ones that we decode, read.

import { expect, test, vi } from 'vitest';
import { type Decoded, decode, text } from '../../../compiler/x86/decode.ts';
import { encode } from '../../../compiler/x86/encode.ts';
import type { AbstractInsn, Operand } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { figure, judgedBy } from '../row.ts';
import { chunks, decodedInsn, encoded, hex, size, symmetric } from './material.ts';
import { nasmEach, nasmText, ndisasmEach, readNdisasm, version } from './nasm.ts';

vi.setConfig({ testTimeout: 300_000 });

/** An index alone with a scale of 1 is a base; only ESP cannot be one, and is none. */
const plain = (insn: AbstractInsn): AbstractInsn => ({
  ...insn,
  operands: insn.operands.map((o): Operand => {
    if (o.kind !== 'mem' || o.base !== undefined || o.index === undefined || o.scale !== 1)
      return o;
    const { index, scale: _, ...rest } = o;
    return { ...rest, base: index };
  }),
});
const same = (a: AbstractInsn, b: AbstractInsn): boolean =>
  symmetric(plain(a)) === symmetric(plain(b));
/** A move of 32 bits clears the upper half, so nasm takes it for one of 64 bits whose value has an empty one. */
const zeroExtended = (insn: AbstractInsn): AbstractInsn => {
  const [to, value] = insn.operands;
  if (insn.mnemonic !== 'mov' || to?.kind !== 'reg' || value?.kind !== 'imm') return insn;
  if (value.value < 0n || value.value >> 32n !== 0n) return insn;
  return { mnemonic: 'mov', operands: [{ ...to, width: 4 }, value] };
};
/** NOPs of a length have no name there, and are judged as what is read. */
const isNop = (insn: AbstractInsn): boolean =>
  insn.mnemonic === 'nop' && insn.operands.every((o) => o.kind === 'imm');

test('our text, assembled by nasm, means what it says', () => {
  const ours = encoded.map(({ insn, at }) => {
    const code = encode(insn, at);
    if (isRefusal(code)) throw new Error(code.message);
    return { insn, at, bytes: code.bytes };
  });
  const lines = ours.map(({ insn, at, bytes }) =>
    isNop(insn) ? `db ${[...bytes].join(',')}` : nasmText(insn, at + bytes.length),
  );
  const theirs = nasmEach(lines, size);
  let equal = 0;
  const wrong = ours.flatMap(({ insn, at, bytes }, k) => {
    const said = theirs[k] ?? '';
    if (typeof said === 'string') return [`${lines[k]}: ${said}`];
    if (hex(said) === hex(bytes)) {
      equal++;
      return [];
    }
    const d = decode(said, said.length);
    return d.kind === 'insn' &&
      d.length === said.length &&
      (same(decodedInsn(d, at), insn) || same(decodedInsn(d, at), zeroExtended(insn)))
      ? []
      : [`${lines[k]}: ${hex(bytes)} | ${hex(said)}`];
  });
  // nasm takes NOP for an exchange of RAX with itself; we keep the instruction that was written.
  expect(new Set(wrong)).toEqual(new Set(['xchg rax, rax: 4887c0 | 4890']));
  expect(equal).toBeGreaterThan(50_000);
  judgedBy('nasm', version, `${figure(ours.length)} texts, assembled`, [
    'NOP for `xchg rax, rax`',
    'a move of 32 bits where the upper half is empty',
  ]);
});

/** Whether ndisasm reads the same; a width that it leaves out is not compared. */
function agrees(d: Decoded, at: number, theirs: AbstractInsn): boolean {
  const ours = decodedInsn(d, at);
  if (isNop(ours)) return theirs.mnemonic === 'nop';
  const unsized = theirs.operands.some((o) => o.kind === 'mem' && o.width === undefined);
  const sized = ours.operands.map((o): Operand => {
    if (o.kind !== 'mem' || !unsized) return o;
    const { width: _, ...rest } = o;
    return rest;
  });
  return same({ ...ours, operands: sized }, theirs);
}

test('what we decode, ndisasm reads with the same length and meaning', () => {
  const all = [
    ...encoded.flatMap((e) => (e.code && !isRefusal(e.code) ? [e.code.bytes] : [])),
    ...chunks,
  ].flatMap((bytes) => {
    const d = decode(bytes, bytes.length);
    return d.kind === 'insn' ? [{ d, bytes: bytes.subarray(0, d.length) }] : [];
  });
  const theirs = ndisasmEach(all.map((a) => a.bytes));
  let known = 0;
  const wrong = all.flatMap(({ d, bytes }, k) => {
    const said = theirs[k];
    if (!said) throw new Error('no answer');
    const at = k * 48;
    const insn = readNdisasm(said, at);
    if (insn && said.length === d.length && agrees(d, at, insn)) return [];
    // It takes the REX.W of PUSHFQ and POPFQ, which says what holds anyway, for an instruction of its own.
    if (/^(push|pop)fq$/.test(d.row.form.mnemonic) && /^rex\.w/.test(said.text)) {
      known++;
      return [];
    }
    return [`${hex(bytes)}: ${d.length} ${text(d, at)} | ${said.length} ${said.text}`];
  });
  expect(wrong.slice(0, 60)).toEqual([]);
  expect(all.length).toBeGreaterThan(200_000);
  expect(known).toBeGreaterThan(0);
  judgedBy('ndisasm', version, `${figure(all.length)} byte strings that we decode`, [
    'REX.W before PUSHFQ, POPFQ',
  ]);
});
