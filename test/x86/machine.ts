// A machine of one thread with every register, eight words of data and a stack, for single instructions.

import { compile, programOf } from '../../compiler/compile.ts';
import { Core } from '../../compiler/emulator/core.ts';
import type { Environment, Program } from '../../compiler/ir.ts';
import { region } from '../../compiler/ir.ts';
import { RSP } from '../../compiler/ops.ts';

/** All general registers but RSP. */
export const general: readonly number[] = Array.from({ length: 16 }, (_, r) => r).filter(
  (r) => r !== RSP,
);

export function machine(env: Partial<Environment> = {}): Core {
  const compiled = compile(`protocol p "a routine that spins"
code { spin: jmp spin }
thread worker runs spin
patch spin: jmp spin -> nop 2 { poke spin }
scenario "one" { cpus 1 } expect violates torn_instruction
`);
  const check = compiled.scenarios[0]?.checks[0];
  if (!check) throw new Error(compiled.diagnostics.map((d) => d.message).join());
  const base = programOf(compiled, check).program;
  const program: Program = {
    ...base,
    env: { ...base.env, ...env },
    data: Array.from({ length: 8 }, (_, k) => ({
      name: `w${k}`,
      address: region.data + 8 * k,
      lo: 0,
      hi: 0,
    })),
    registers: general,
    liveRegisters: new Set(general),
    flagsLive: true,
  };
  return new Core(program);
}

const lo = (v: bigint): number => Number(BigInt.asIntN(32, v));
const hi = (v: bigint): number => Number(BigInt.asIntN(32, v >> 32n));
export const setRegister = (core: Core, r: number, value: bigint): void => {
  const at = core.t + core.l.registers + 2 * (r === RSP ? 0 : general.indexOf(r) + 1);
  core.s[at] = lo(value);
  core.s[at + 1] = hi(value);
};
export const setData = (core: Core, word: number, value: bigint): void => {
  core.s[core.l.data + 2 * word] = lo(value);
  core.s[core.l.data + 2 * word + 1] = hi(value);
};
export const setStack = (core: Core, address: number, value: bigint): void => {
  core.writeStack(address | 0, lo(value), hi(value), false);
};
/** The unsigned value of two words of the state. */
export const joined = (low: number, high: number): bigint =>
  BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));

/** Makes the thread the one that runs, in the state in which everything starts. */
export function reset(core: Core): void {
  core.s = core.initial();
  core.cpu = 0;
  core.selectTask(1);
  core.outcome = 0;
  core.reason = '';
  core.direct = false;
}
