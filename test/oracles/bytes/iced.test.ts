// The instruction table against iced-x86: every sample of every row, and bytes that no assembler wrote.

import { expect, test, vi } from 'vitest';
import { decode, text } from '../../../compiler/x86/decode.ts';
import { encode } from '../../../compiler/x86/encode.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { print } from '../../../compiler/x86/text.ts';
import { figure, judgedBy } from '../row.ts';
import { icedReads, version } from './iced.ts';
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

/** Whether iced says the same of the bytes as our decoder; undefined where neither takes them for one of the subset. */
function judge(bytes: Uint8Array, at: number, refused = new Set<string>()): string | undefined {
  const d = decode(bytes, bytes.length);
  const theirs = icedReads(bytes, at);
  if (d.kind === 'insn') {
    const ours = decodedInsn(d, at);
    if (theirs.insn && theirs.length === d.length) {
      if (ours.mnemonic === 'nop' && ours.operands.every((o) => o.kind === 'imm'))
        return theirs.insn.mnemonic === 'nop' ? undefined : `${hex(bytes)}: no nop`;
      if (symmetric(ours) === symmetric(theirs.insn)) return undefined;
    }
    return `${hex(bytes)}: ${d.length} ${text(d, at)} | ${theirs.length} ${theirs.insn ? print(theirs.insn) : 'none of ours'}`;
  }
  if (!theirs.insn || isRefusal(encode(theirs.insn, at))) return undefined;
  const why =
    reason(bytes, theirs.insn) ?? (straying(bytes) ? 'REX not before the opcode' : undefined);
  if (why !== undefined) {
    refused.add(why);
    return undefined;
  }
  return `${hex(bytes)}: ${d.kind} | ${theirs.length} ${canonical(theirs.insn)}`;
}

test('every sample of every row', () => {
  const wrong: string[] = [];
  let count = 0;
  for (const { at, code } of encoded) {
    if (!code || isRefusal(code)) continue;
    count++;
    const said = judge(code.bytes, at);
    if (said) wrong.push(said);
  }
  expect(wrong.slice(0, 40)).toEqual([]);
  expect(count).toBeGreaterThan(50_000);
  judgedBy('iced-x86', version, `${figure(count)} encodings, read`);
});

/** objdump tells one apart as an instruction that does nothing; a processor, and iced, skip it. */
function straying(bytes: Uint8Array): boolean {
  let rex = false;
  for (const b of bytes) {
    const now = b >> 4 === 4;
    const prefix = now || [0x65, 0x66, 0xf0, 0xf3].includes(b);
    if (rex && prefix) return true;
    if (!prefix) return false;
    rex = now;
  }
  return false;
}

test('bytes that no assembler wrote: the same length and meaning, or both refuse', () => {
  const refused = new Set<string>();
  const wrong = chunks.flatMap((bytes, k) => judge(bytes, k * size, refused) ?? []);
  expect(wrong.slice(0, 40)).toEqual([]);
  expect(chunks.length).toBeGreaterThan(100_000);
  // The written list of what processors run and we refuse.
  // Reserved NOPs have another name there.
  expect([...refused].sort()).toEqual(
    [...reasons.filter((r) => !/reserved NOP|0F 1F/.test(r)), 'REX not before the opcode'].sort(),
  );
  judgedBy('iced-x86', version, `${figure(chunks.length)} random and torn byte strings`, [
    `${refused.size} kinds that we refuse and it reads, listed in decode.ts`,
  ]);
});
