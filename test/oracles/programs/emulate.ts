// A program in our emulator: decoded from its bytes, each instruction by its row's step.

import type { Core } from '../../../compiler/emulator/core.ts';
import { execute } from '../../../compiler/emulator/step.ts';
import { flagBits, RSP, statusFlags } from '../../../compiler/ops.ts';
import { decode, instantiate } from '../../../compiler/x86/decode.ts';
import { joined, reset, setData, setRegister, setStack } from '../../x86/machine.ts';
import { type Assembled, codeAt, dataWords, type Shape, stackAbove } from './generate.ts';

/** What a program leaves, or why it ended before. Addresses are as they are in a kernel: the high half is all ones. */
export interface Left {
  readonly flags: number;
  readonly registers: readonly bigint[];
  readonly data: readonly bigint[];
  /** From RSP up to the first word that was there. */
  readonly stack: readonly bigint[];
}

export const comparedFlags = statusFlags | flagBits.if;
const mostSteps = 200;

export const firstRsp = (core: Core): number => core.stackTop(1) - 8 * stackAbove;

export function emulate(core: Core, shape: Shape, { bytes, end }: Assembled): Left | string {
  reset(core);
  shape.registers.forEach((v, r) => {
    setRegister(core, r, v);
  });
  const rsp = firstRsp(core);
  shape.stack.forEach((v, j) => {
    setStack(core, rsp + 8 * j, v);
  });
  setRegister(core, RSP, BigInt(rsp));
  shape.data.forEach((v, j) => {
    setData(core, j, v);
  });
  core.setFlags(shape.flags & comparedFlags);
  let at = 0;
  for (let n = 0; at !== end; n++) {
    if (n === mostSteps) return 'it does not end';
    const d = decode(bytes.subarray(at, at + 15), bytes.length - at);
    if (d.kind !== 'insn') return `${d.kind} at ${at}`;
    core.s[core.t] = (codeAt + at + d.length) | 0;
    execute(core, instantiate(d, codeAt + at), { trap: () => {}, iret: () => {} });
    if (core.outcome !== 0) return core.reason;
    at = core.rip() - codeAt;
  }
  const registers = Array.from({ length: 16 }, (_, r) => joined(core.register(r), core.hi));
  const top = BigInt(core.stackTop(1));
  const left = Number((top - BigInt.asIntN(64, registers[RSP] ?? 0n)) / 8n);
  return {
    flags: core.flags() & comparedFlags,
    registers,
    data: Array.from({ length: dataWords }, (_, j) =>
      joined(core.s[core.l.data + 2 * j] as number, core.s[core.l.data + 2 * j + 1] as number),
    ),
    stack: Array.from({ length: left }, (_, j) =>
      joined(core.stackWord((core.stackTop(1) - 8 * (left - j)) | 0), core.hi),
    ),
  };
}
