// What Spin and the search agreed on, check by check: the golden file, and how many states each check has by it.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../../generator/gallery.ts';

export const promote = process.env.SUTURE_PROMOTE !== undefined;
export const long = process.env.SUTURE_LONG !== undefined;

const golden = join(import.meta.dirname, 'agreement.txt');
export const agreed: readonly string[] = promote ? [] : readFileSync(golden, 'utf8').split('\n');

export function write(lines: readonly string[]): void {
  if (promote) writeFileSync(golden, `${lines.join('\n')}\n`);
}

/** The checks that have at most so many states, and those of which nobody knows it yet. */
export function upTo(most: number, cases: readonly Case[]): readonly Case[] {
  const sizes = new Map(
    agreed.flatMap((line) => {
      const [, name, states] = /^(.*) \| (\d+) \| \d+$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, Number(states)] as const];
    }),
  );
  return cases.filter(({ name }) => {
    if (agreed.some((line) => line.startsWith(`${name} | not asked: more than`))) return false;
    return (sizes.get(name) ?? 0) <= most;
  });
}
