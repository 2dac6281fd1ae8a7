// Asks the judges about a copy of the compiler: how many of their cases come out differently.
//
// iced-x86 reads what the copy encodes; the processor runs random programs, which the copy emulates.

import { abstract, decode } from '../../../compiler/x86/decode.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { machine } from '../../x86/machine.ts';
import { icedReads } from '../bytes/iced.ts';
import { encoded, symmetric } from '../bytes/material.ts';
import { type Case, differences } from '../programs/cases.ts';
import { emulate, firstRsp } from '../programs/emulate.ts';
import { assemble, generate, randomFrom } from '../programs/generate.ts';
import { processor } from '../programs/judges.ts';

/** One of the two, or both. */
const only = process.argv[2] ?? '';
const attempt = (name: string, judge: () => number): number | string => {
  if (only !== '' && only !== name) return 0;
  try {
    return judge();
  } catch (error) {
    // A copy that contradicts itself, or that cannot be asked, is told from one that is merely wrong.
    return `broken: ${(error as Error).message.split('\n')[0]}`;
  }
};

const readers = attempt('readers', () => {
  let wrong = 0;
  for (const [k, { insn, at, code }] of encoded.entries()) {
    if (k % 5 !== 0 || !code || isRefusal(code)) continue;
    const isNop = insn.mnemonic === 'nop' && insn.operands.every((o) => o.kind === 'imm');
    const theirs = icedReads(code.bytes, at);
    const same =
      theirs.insn &&
      (isNop ? theirs.insn.mnemonic === 'nop' : symmetric(theirs.insn) === symmetric(insn));
    // And the way back: what was written is what is decoded.
    const back = decode(code.bytes, code.bytes.length);
    const ours = back.kind === 'insn' && abstract(back, at).mnemonic === insn.mnemonic;
    if (!same || theirs.length !== code.bytes.length || !ours) wrong++;
  }
  return wrong;
});

const runs = attempt('runs', () => {
  const core = machine({ memory: 'sc' });
  const rsp = firstRsp(core);
  const random = randomFrom(0x7e57);
  const all: Case[] = [];
  while (all.length < 4000) {
    const shape = generate(random, false);
    const code = assemble(shape);
    if (code) all.push({ shape, code });
  }
  const theirs = processor(all, rsp);
  return all.filter((c, k) => {
    const ours = emulate(core, c.shape, c.code);
    return (
      typeof ours === 'string' ||
      differences(ours, theirs[k] as (typeof theirs)[number], true).length > 0
    );
  }).length;
});

console.log(JSON.stringify({ readers, runs }));
