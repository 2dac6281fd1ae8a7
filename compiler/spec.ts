// A spec under one choice of options: every `if` on options is decided, and what is left is sorted by section.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import type { AsmItem, Expr, File, Item, Name } from '../grammar/index.ts';
import type { Options, OptionValue } from './scenario.ts';

type Of<K extends Item['kind']> = Extract<Item, { kind: K }>;

export interface Spec {
  readonly options: Options;
  readonly optionNames: readonly Name[];
  readonly code: readonly AsmItem[];
  readonly runs: readonly Of<'runs'>[];
  readonly memory: readonly Of<'memory'>[];
  readonly stubs: readonly Of<'stub'>[];
  readonly sites: readonly Of<'site'>[];
  readonly breakpoints: readonly Of<'breakpoint'>[];
  readonly defines: readonly Of<'define'>[];
  readonly patches: readonly Of<'patch'>[];
  readonly waives: readonly Of<'waive'>[];
  readonly requires: readonly Of<'require'>[];
  readonly witnesses: readonly Of<'witness'>[];
}

/** A value that options alone decide: a number, a word, or undefined if anything else has a say. */
export function constant(e: Expr, options: Options): OptionValue | undefined {
  switch (e.kind) {
    case 'number':
      return e.value;
    case 'name': {
      if (e.text === 'on') return 1n;
      if (e.text === 'off' || e.text === 'nil') return 0n;
      return options.get(e.text);
    }
    case 'not': {
      const a = constant(e.a, options);
      return typeof a === 'bigint' ? (a === 0n ? 1n : 0n) : undefined;
    }
    case 'binary': {
      if (e.op === '==' || e.op === '!=') {
        // A word means something beside its option only.
        const a = constant(e.a, options) ?? wordBeside(e.a, e.b, options);
        const b = constant(e.b, options) ?? wordBeside(e.b, e.a, options);
        if (a === undefined || b === undefined) return undefined;
        const same = typeof a === 'bigint' && typeof b === 'bigint' ? word(a) === word(b) : a === b;
        return same === (e.op === '==') ? 1n : 0n;
      }
      const a = constant(e.a, options);
      if (e.op === 'and' && a === 0n) return 0n;
      if (e.op === 'or' && typeof a === 'bigint' && a !== 0n) return 1n;
      const b = constant(e.b, options);
      if (typeof a !== 'bigint' || typeof b !== 'bigint') return undefined;
      switch (e.op) {
        case 'and':
          return a !== 0n && b !== 0n ? 1n : 0n;
        case 'or':
          return a !== 0n || b !== 0n ? 1n : 0n;
        // As the machine compares words.
        case '<':
          return word(a) < word(b) ? 1n : 0n;
        case '<=':
          return word(a) <= word(b) ? 1n : 0n;
        case '>':
          return word(a) > word(b) ? 1n : 0n;
        case '>=':
          return word(a) >= word(b) ? 1n : 0n;
        case '+':
          return BigInt.asIntN(64, a + b);
        case '-':
          return BigInt.asIntN(64, a - b);
        case '*':
          return BigInt.asIntN(64, a * b);
        case '/':
          return b === 0n ? undefined : word(a) / word(b);
      }
      return undefined;
    }
    default:
      return undefined;
  }
}

/** A number as the machine has it. */
const word = (value: bigint): bigint => BigInt.asUintN(64, value);

function wordBeside(e: Expr, other: Expr, options: Options): OptionValue | undefined {
  if (e.kind !== 'name' || other.kind !== 'name' || !options.has(other.text)) return undefined;
  return e.text;
}

/** Items with those inside `if`. */
export function allItems(items: readonly Item[]): readonly Item[] {
  return items.flatMap((i) => (i.kind === 'if' ? allItems([...i.then, ...(i.else ?? [])]) : [i]));
}

export function flatten(file: File, options: Options, report: (d: Diagnostic) => void): Spec {
  const items: Item[] = [];
  const decide = (test: Expr): boolean => {
    const value = constant(test, options);
    if (typeof value === 'bigint') return value !== 0n;
    report({
      code: 'if-option',
      severity: 'error',
      message: 'an `if` around sections and code can ask for options only',
      span: test.span,
    });
    return false;
  };
  const walk = (list: readonly Item[]): void => {
    for (const item of list) {
      if (item.kind === 'if') walk(decide(item.test) ? item.then : (item.else ?? []));
      else items.push(item);
    }
  };
  walk(file.items);
  const pick = <K extends Item['kind']>(kind: K): readonly Of<K>[] =>
    items.filter((i): i is Of<K> => i.kind === kind);
  const asm = (list: readonly AsmItem[]): AsmItem[] =>
    list.flatMap((item): AsmItem[] => {
      if (item.kind === 'if') return asm(decide(item.test) ? item.then : (item.else ?? []));
      if (item.kind === 'group') return [{ ...item, body: asm(item.body) }];
      return [item];
    });
  return {
    options,
    optionNames: pick('option').flatMap((o) => o.names),
    code: asm(pick('code').flatMap((c) => c.body)),
    runs: pick('runs'),
    memory: pick('memory'),
    stubs: pick('stub').map((s) => ({ ...s, body: asm(s.body) })),
    sites: pick('site'),
    breakpoints: pick('breakpoint'),
    defines: pick('define'),
    patches: pick('patch'),
    waives: pick('waive'),
    requires: pick('require'),
    witnesses: pick('witness'),
  };
}
