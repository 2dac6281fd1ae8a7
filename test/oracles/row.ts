// One line of the table of oracles: who judged what, and how it came out.

import { cpus } from 'node:os';

/** Printed, so that `npm run oracles` finds it in what a suite says. */
export function judgedBy(
  oracle: string,
  version: string,
  cases: string,
  differences: readonly string[] = [],
): void {
  console.log(`oracle: ${[oracle, version, cases, differences.join('; ') || 'none'].join(' | ')}`);
}

export const figure = (n: number): string => n.toLocaleString('en-US');

export const cpuModel = cpus()[0]?.model ?? 'unknown';
