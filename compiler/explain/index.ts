// Every diagnostic and every property, explained: a paragraph, a spec that fails, and the mended one.

import { codes } from './code.ts';
import { properties } from './properties.ts';
import { scenarios } from './scenarios.ts';
import type { Explanation } from './spec.ts';
import { steps } from './steps.ts';
import { warnings } from './warnings.ts';
import { writing } from './writing.ts';

export type { Explanation } from './spec.ts';

/** In the order in which they are listed. */
export const explanations: readonly Explanation[] = [
  ...writing,
  ...codes,
  ...steps,
  ...scenarios,
  ...warnings,
  ...properties,
];

/** Their groups, with a heading each. */
export const groups: readonly { readonly title: string; readonly of: readonly Explanation[] }[] = [
  { title: 'Words, signs and braces', of: writing },
  { title: 'Names, assembly, places, stubs, memory', of: codes },
  { title: 'Statements', of: steps },
  { title: 'Options, scenarios, settings', of: scenarios },
  { title: 'Warnings: what cannot mean what it says', of: warnings },
  { title: 'Properties: what a verdict is about', of: properties },
];

/** The lines that mend a spec: those that go with `-`, those that come with `+`, and what is between two changes as it is. */
export function mending({ fails, mended }: NonNullable<Explanation['specs']>): readonly string[] {
  const a = fails.trimEnd().split('\n');
  const b = mended.trimEnd().split('\n');
  // How many lines the rests of both have in common, from each pair of positions on.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, k: number): number => common[i]?.[k] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let k = b.length - 1; k >= 0; k--)
      (common[i] as Uint16Array)[k] =
        a[i] === b[k] ? at(i + 1, k + 1) + 1 : Math.max(at(i + 1, k), at(i, k + 1));
  const out: string[] = [];
  let i = 0;
  let k = 0;
  while (i < a.length || k < b.length) {
    if (i < a.length && a[i] === b[k]) {
      out.push(`  ${a[i]}`);
      i++;
      k++;
    } else if (i < a.length && (k === b.length || at(i + 1, k) >= at(i, k + 1)))
      out.push(`- ${a[i++]}`);
    else out.push(`+ ${b[k++]}`);
  }
  const changes = out.flatMap((line, n) => (line.startsWith(' ') ? [] : [n]));
  return out.slice(changes[0], (changes.at(-1) ?? 0) + 1);
}
