// One check on QEMU: the search, the boot, the comparison; again with more rounds where something was not seen.

import { expect } from 'vitest';
import { boot, findQemu, type Qemu } from '../../../compiler/cli/qemu.ts';
import type { Machine } from '../../../compiler/emulator/machine.ts';
import { image } from '../../../compiler/image/image.ts';
import { type Told, told } from '../../../compiler/image/told.ts';
import type { Program } from '../../../compiler/ir.ts';
import { Allowed, judge, type Trial } from '../../../compiler/trial.ts';

export const qemu = findQemu() as Qemu;

/** What the image tells; a bug of the image or of QEMU throws. */
export async function observe(program: Program, rounds: number, stuck: boolean): Promise<Told> {
  const made = image(program, { rounds, stuck });
  if (typeof made === 'string') throw new Error(made);
  const { output, problem } = await boot(qemu, made.bytes, program.env.cpus, 300);
  const seen = told(program, output);
  if (problem !== undefined || typeof seen === 'string') throw new Error(`${problem}: ${output}`);
  return seen;
}

export async function trial(
  program: Program,
  rounds: number,
  model?: (p: Program) => Machine,
): Promise<Trial> {
  const allowed = new Allowed(program, {}, model);
  while (!allowed.advance(100_000).done);
  const stuck = allowed.violated().includes('terminates');
  for (let n = rounds; ; n *= 3) {
    const result = judge(program, await observe(program, n, stuck), allowed);
    // What is allowed and rare may need more rounds; what is forbidden is wrong at once.
    if (result.verdict !== 'unseen' || n > 20 * rounds) return result;
  }
}

/** For the message of a test that fails. */
export const shown = (t: Trial): string =>
  JSON.stringify({ ...t }, (_, v) => (typeof v === 'bigint' ? `0x${v.toString(16)}` : v));

export function expectAgreement(t: Trial): void {
  expect(t.verdict, shown(t)).toBe('agrees');
}
