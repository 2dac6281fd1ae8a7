// What a verdict rests on, as a text: two scenarios with the same one have the same verdict, wherever they stand; and the verdicts that stand by it.

import { type Compiled, programOf, type Scenario } from './compile.ts';

/** The lowered programs of its checks and what is expected of them. Comments, blanks and other scenarios are no part of it. */
export function fingerprint(compiled: Compiled, scenario: Scenario): string {
  const known = made.get(scenario);
  if (known !== undefined) return known;
  const print = JSON.stringify(
    [
      scenario.expected,
      scenario.checks.map((c) => c.values),
      scenario.checks.map((check) => programOf(compiled, check).program),
    ],
    plain,
  );
  made.set(scenario, print);
  return print;
}

/** Lowering takes a moment, and the same scenario is asked about often. */
const made = new WeakMap<Scenario, string>();

/** Of each scenario what was found last, for as long as an edit leaves alone what it rests on. */
export class Verdicts<T> {
  readonly #known = new Map<string, { readonly print: string; readonly found: T }>();

  keep(compiled: Compiled, scenario: Scenario, found: T): void {
    this.#known.set(scenario.name, { print: fingerprint(compiled, scenario), found });
  }

  /** What was found last, whatever the text says now. */
  last(name: string): T | undefined {
    return this.#known.get(name)?.found;
  }

  /** What still stands; a scenario that only has another name keeps its verdict. */
  standing(compiled: Compiled, scenario: Scenario): T | undefined {
    const print = fingerprint(compiled, scenario);
    const own = this.#known.get(scenario.name);
    if (own?.print === print) return own.found;
    return [...this.#known.values()].find((k) => k.print === print)?.found;
  }

  /** Forgets scenarios that the text has no more. */
  only({ scenarios }: Compiled): void {
    for (const name of this.#known.keys())
      if (!scenarios.some((s) => s.name === name)) this.#known.delete(name);
  }
}

/** Maps and sets as lists, in their order, which is the program's; without the places in the text. */
function plain(key: string, value: unknown): unknown {
  if (key === 'span' || key === 'spans') return undefined;
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  return typeof value === 'bigint' ? `${value}n` : value;
}
