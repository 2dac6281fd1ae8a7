// Footprints of instructions: every row has one, and some of them by hand.

import { expect, test } from 'vitest';
import { footprint } from '../../compiler/footprint.ts';
import { decode, instantiate } from '../../compiler/x86/decode.ts';
import { encodeAs } from '../../compiler/x86/encode.ts';
import { isRefusal } from '../../compiler/x86/operand.ts';
import { unhex } from './bytes.ts';
import { samples } from './samples.ts';

const of = (bytes: string): string => {
  const given = unhex(bytes);
  const d = decode(given, given.length);
  if (d.kind !== 'insn') throw new Error(d.kind);
  const f = footprint(instantiate(d, 0));
  const list = (set: ReadonlySet<string>): string => [...set].sort().join(' ');
  return `${list(f.reads)} | ${list(f.writes)} | ${list(f.waits)}`;
};

test.each([
  ['90', ' |  | '],
  ['b8 01 00 00 00', ' | rax | '], // mov eax, 1
  ['48 89 e5', 'rsp | rbp | '],
  ['ff c0', 'flags rax | flags rax | '], // inc eax leaves CF
  ['74 00', 'flags rip | outcome rip | '],
  ['fb', 'if | if shadow | '],
  ['55', 'rbp rsp stack | outcome rsp stack | '],
  ['65 48 8b 04 25 08 00 00 00', 'buffer cpu memory stack | outcome rax | '],
  ['f0 48 ff 03', 'buffer flags memory rbx stack | buffer flags memory outcome stack | buffer'],
  ['0f ae f0', ' |  | buffer'],
  ['0f 01 e8', 'text | views | buffer'],
])('%s', (bytes, expected) => {
  expect(of(bytes)).toBe(expected);
});

test('every sample has one, and a register that it names is in it', () => {
  for (const { row, insn } of samples) {
    const code = encodeAs(row, insn, 0, false);
    if (!code || isRefusal(code)) continue;
    const d = decode(code.bytes, code.bytes.length);
    if (d.kind !== 'insn') throw new Error(d.kind);
    const f = footprint(instantiate(d, 0));
    const rsp =
      row.form.mnemonic === 'nop' ? new Set<string>() : new Set([...f.reads, ...f.writes]);
    const first = insn.operands.find((o) => o.kind === 'reg');
    if (first?.kind === 'reg' && first.reg === 4 && row.form.mnemonic !== 'nop')
      expect(rsp.has('rsp')).toBe(true);
  }
});
