// The other processors: this machine's own, stepped by a debugger, and Unicorn's.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../../../compiler/x86/table.ts';
import { inFolder } from '../bytes/gnu.ts';
import { type Answer, type Case, pack, stackWords, unpack } from './cases.ts';
import { codeAt, dataAt, stackAbove } from './generate.ts';

/** Runs all cases, in one process; `rsp` is where their stack pointer begins. */
export type Judge = (cases: readonly Case[], rsp: number) => readonly Answer[];

const hex = (a: number, bits: 32 | 64): string => BigInt.asUintN(bits, BigInt(a)).toString(16);
const places = (rsp: number, bits: 32 | 64): readonly string[] =>
  [codeAt, dataAt, rsp - 8 * (stackWords - stackAbove)].map((a) => hex(a, bits));

export const processor: Judge = (cases, rsp) =>
  inFolder((folder) => {
    const [runner, from, to] = ['runner', 'cases', 'out'].map((n) => join(folder, n)) as [
      string,
      string,
      string,
    ];
    execFileSync('gcc', ['-O2', '-Wall', '-o', runner, join(import.meta.dirname, 'runner.c')]);
    writeFileSync(from, pack(cases, rsp, true));
    execFileSync(runner, [from, to, ...places(rsp, 32)], { stdio: ['ignore', 'ignore', 'pipe'] });
    return unpack(readFileSync(to), cases.length, rsp);
  });

/**
 * Where Unicorn 2.0 is known to be wrong: CMPXCHG of 32 bits writes a register in both cases, and so clears its upper half,
 * where the processor leaves it alone (SDM 2A, CMPXCHG, writes the accumulator only where the comparison fails).
 */
export const unicornDiffers = (row: Row): boolean =>
  /^(lock )?cmpxchg$/.test(row.form.mnemonic) && row.form.w === 0;

export const unicorn: Judge = (cases, rsp) =>
  inFolder((folder) => {
    const [from, to] = ['cases', 'out'].map((n) => join(folder, n)) as [string, string];
    writeFileSync(from, pack(cases, rsp, false));
    execFileSync(
      '/usr/bin/python3',
      [join(import.meta.dirname, 'unicorn-runner.py'), from, to, ...places(rsp, 64)],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    return unpack(readFileSync(to), cases.length, rsp);
  });

export const unicornVersion = (): string =>
  execFileSync('/usr/bin/python3', ['-c', 'import unicorn; print(unicorn.__version__)'], {
    encoding: 'utf8',
  }).trim();
