// What a verdict rests on, as a text: two scenarios with the same one have the same verdict, wherever they stand.

import { type Compiled, programOf, type Scenario } from './compile.ts';

/** The lowered programs of its checks and what is expected of them. Comments, blanks and other scenarios are no part of it. */
export function fingerprint(compiled: Compiled, scenario: Scenario): string {
  return JSON.stringify(
    [
      scenario.expected,
      scenario.checks.map((c) => c.values),
      scenario.checks.map((check) => programOf(compiled, check).program),
    ],
    plain,
  );
}

/** Maps and sets as lists, in their order, which is the program's; without the places in the text. */
function plain(key: string, value: unknown): unknown {
  if (key === 'span' || key === 'spans') return undefined;
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  return typeof value === 'bigint' ? `${value}n` : value;
}
