// From the settings of a scenario to its checks: one environment and one value of each option for each.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import { nearest } from '../grammar/diagnostic.ts';
import type { Atom, File, Item, Setting, Span, Value } from '../grammar/index.ts';
import type { Environment, FetchModel } from './ir.ts';
import { fetchParameters, nmiInShadow, settings as vocabulary } from './vocabulary.ts';

/** The value of an option: a number (`on` is 1, `off` is 0), or a word that means something beside it only. */
export type OptionValue = bigint | string;
export type Options = ReadonlyMap<string, OptionValue>;

export interface OptionInfo {
  readonly values: readonly OptionValue[];
  /** Any number will do. */
  readonly any: boolean;
  readonly span: Span;
}

/** A setting with every alternative chosen. */
export interface Chosen {
  readonly words: readonly Atom[];
  readonly span: Span;
}

/** One question: a scenario with one value for each of its options and settings. */
export interface Check {
  /** What distinguishes it from the scenario's other checks, as written: `masked = on`. */
  readonly values: readonly string[];
  readonly options: Options;
  readonly settings: readonly Chosen[];
}

const optionValue = (v: Value): OptionValue =>
  v.kind === 'number' ? v.value : v.text === 'on' ? 1n : v.text === 'off' ? 0n : v.text;
const shown = (v: Value): string => (v.kind === 'number' ? String(v.value) : v.text);

/** What an option may be, as its declaration would say it. */
export const shownValues = ({ any, values }: OptionInfo): string =>
  any
    ? 'a number'
    : values.map((v) => (v === 1n ? 'on' : v === 0n ? 'off' : String(v))).join(' | ');

/** All options of a file, also those inside `if`. */
export function optionsOf(file: File): ReadonlyMap<string, OptionInfo> {
  const out = new Map<string, OptionInfo>();
  const walk = (items: readonly Item[]): void => {
    for (const item of items) {
      if (item.kind === 'if') {
        walk(item.then);
        walk(item.else ?? []);
      } else if (item.kind === 'option') {
        const values = item.values.map(optionValue);
        const single = item.values.length === 1 ? item.values[0] : undefined;
        const onOff = single?.kind === 'word' && (single.text === 'on' || single.text === 'off');
        const all = onOff ? [...values, values[0] === 1n ? 0n : 1n] : values;
        for (const name of item.names)
          out.set(name.text, { values: all, any: single?.kind === 'number', span: name.span });
      }
    }
  };
  walk(file.items);
  return out;
}

export const defaults = (options: ReadonlyMap<string, OptionInfo>): Options =>
  new Map([...options].map(([name, info]) => [name, info.values[0] as OptionValue]));

const mostChecks = 4096;

/** Every combination of the alternatives that a scenario lists. */
export function checksOf(
  options: ReadonlyMap<string, OptionInfo>,
  machine: readonly Setting[],
  settings: readonly Setting[],
  report: (d: Diagnostic) => void,
): readonly Check[] {
  // In a setting both ends of a range are meant: `place at 0..63 of 64` is every offset.
  let checks: Check[] = [{ values: [], options: defaults(options), settings: [] }];
  // Counted before they are made: a line of options stands for more than memory holds.
  const tooMany = (factor: number, span: Span): boolean => {
    if (checks.length * factor <= mostChecks) return false;
    report({
      code: 'too-many-checks',
      severity: 'error',
      message: `this scenario stands for more than ${mostChecks} checks`,
      span,
    });
    return true;
  };
  // A scenario says what is different: what the file's `machine` says of the same thing is not asked.
  const own = new Set(settings.flatMap(keysOf));
  const common = machine.filter((s) => !keysOf(s).some((k) => own.has(k)));
  for (const setting of [...common, ...settings]) {
    if (setting.kind === 'option') {
      const info = options.get(setting.name.text);
      if (!info) {
        const near = nearest(setting.name.text, [...options.keys()]);
        const first = setting.values[0];
        if (first && (settingWords as readonly string[]).includes(setting.name.text)) {
          const between = { start: setting.name.span.end, end: first.span.start };
          report({
            code: 'unknown-option',
            severity: 'error',
            message: `\`${setting.name.text}\` is a setting, not an option, and is written without \`=\``,
            span: setting.name.span,
            fix: { title: 'take the `=` out', edits: [{ span: between, text: ' ' }] },
          });
          continue;
        }
        report({
          code: 'unknown-option',
          severity: 'error',
          message: `\`${setting.name.text}\` is not an option of this file${near ? `; did you mean \`${near}\`?` : ''}`,
          span: setting.name.span,
          ...(near
            ? {
                fix: { title: `use \`${near}\``, edits: [{ span: setting.name.span, text: near }] },
              }
            : {}),
        });
        continue;
      }
      for (const v of setting.values) {
        if (info.any ? v.kind === 'number' : info.values.includes(optionValue(v))) continue;
        report({
          code: 'option-value',
          severity: 'error',
          message: `\`${setting.name.text}\` cannot be \`${shown(v)}\`; it is ${shownValues(info)}`,
          span: v.span,
        });
      }
      if (tooMany(setting.values.length, setting.span)) return [];
      const many = setting.values.length > 1;
      checks = checks.flatMap((c) =>
        setting.values.map((v) => ({
          ...c,
          values: many ? [...c.values, `${setting.name.text} = ${shown(v)}`] : c.values,
          options: new Map(c.options).set(setting.name.text, optionValue(v)),
        })),
      );
      continue;
    }
    let ways: { words: Atom[]; varied: boolean }[] = [{ words: [], varied: false }];
    const positions = setting.atoms.map((position) =>
      position.flatMap((a): Atom[] =>
        a.kind === 'range'
          ? Array.from(
              { length: Math.max(0, Math.min(a.to, mostChecks) - a.from + 1) },
              (_, i) => ({
                kind: 'number',
                value: a.from + i,
                span: a.span,
              }),
            )
          : [a],
      ),
    );
    // No checks at all would be as expected whatever is.
    for (const a of setting.atoms.flat()) {
      if (a.kind !== 'range' || a.from <= a.to) continue;
      report({
        code: 'setting',
        severity: 'error',
        message: `the range ${a.from}..${a.to} has no numbers: it goes upwards`,
        span: a.span,
      });
      return [];
    }
    if (
      tooMany(
        positions.reduce((n, atoms) => n * atoms.length, 1),
        setting.span,
      )
    )
      return [];
    for (const atoms of positions) {
      ways = ways.flatMap((w) =>
        atoms.map((a) => ({ words: [...w.words, a], varied: w.varied || atoms.length > 1 })),
      );
    }
    checks = checks.flatMap((c) =>
      ways.map((w) => ({
        ...c,
        values: w.varied ? [...c.values, wordsText(w.words)] : c.values,
        settings: [...c.settings, { words: w.words, span: setting.span }],
      })),
    );
  }
  return checks;
}

/** What a setting is about: two with one key contradict each other. */
function keysOf(setting: Setting): readonly string[] {
  if (setting.kind === 'option') return [`option ${setting.name.text}`];
  const word = (i: number): string => {
    const a = setting.atoms[i]?.[0];
    return a?.kind === 'word' ? a.text : '';
  };
  const first = word(0);
  if (word(1) === 'at') return [`at ${first}`];
  if (first === 'pin') return [`pin ${word(1)}`];
  if (first === 'nmi' && word(1) === 'in') return ['nmi in shadow'];
  if (first === 'irq' || first === 'nmi') return [`${first} ${word(1)}`];
  return [first];
}

export const wordsText = (words: readonly Atom[]): string =>
  words
    .map((a) =>
      a.kind === 'word'
        ? a.text
        : a.kind === 'number'
          ? String(a.value)
          : a.kind === 'comma'
            ? ','
            : `${a.from}..${a.to}`,
    )
    .join(' ')
    .replaceAll(' ,', ',');

// ---- settings

/** The profiles of instruction fetch: one row a profile, as docs/machine.md has them with their sources. */
export const profiles: Readonly<Record<'sdm' | 'amd' | 'zen3', FetchModel>> = {
  sdm: {
    name: 'sdm',
    storeUnit: 1,
    moment: 1,
    ascending: false,
    unsynchronised: 'always',
    backwards: true,
    codeOrder: false,
    dataOrder: false,
  },
  amd: {
    name: 'amd',
    storeUnit: 8,
    moment: 8,
    ascending: false,
    unsynchronised: 'crossing',
    backwards: false,
    codeOrder: true,
    dataOrder: false,
  },
  zen3: {
    name: 'zen3',
    storeUnit: 32,
    moment: 64,
    ascending: true,
    unsynchronised: 'never',
    backwards: false,
    codeOrder: true,
    dataOrder: true,
  },
};

/** What the settings of a check say, before the code is known. */
export interface Settings {
  readonly environment: Omit<Environment, 'preempt' | 'migrate' | 'events'>;
  readonly preempt?: boolean;
  readonly preemptSpan?: Span;
  readonly migrate?: boolean;
  readonly events: readonly {
    readonly kind: 'irq' | 'nmi';
    readonly name?: string;
    readonly count: number;
    readonly on?: number;
    readonly span: Span;
  }[];
  readonly threads?: number;
  readonly threadCounts: readonly {
    readonly name: string;
    readonly count: number;
    readonly span: Span;
  }[];
  readonly pins: readonly { readonly name: string; readonly cpu: number; readonly span: Span }[];
  readonly patches?: number;
  readonly patchList?: readonly { readonly name: string; readonly span: Span }[];
  readonly positions: readonly {
    readonly label: string;
    readonly at: number;
    readonly of: number;
    readonly span: Span;
  }[];
}

/** The first word of each setting, for suggestions. */
export const settingWords: readonly string[] = Object.keys(vocabulary);

/** Settings that are lists, with commas in them. */
const lists: readonly string[] = ['threads', 'patches', 'fetch'];

export function readSettings(
  { settings, options }: Pick<Check, 'settings' | 'options'>,
  report: (d: Diagnostic) => void,
): Settings {
  const env = {
    cpus: 2,
    switchSerialises: 'none' as 'none' | 'other' | 'all',
    nmiHeldInShadow: false,
    gate: 'interrupt' as 'interrupt' | 'trap' | 'signal',
    gap: true,
    istBreakpoint: false,
    istNmi: false,
    shadowStack: false,
    fetch: profiles.sdm as FetchModel,
    memory: 'tso' as 'tso' | 'sc',
    rsp: 0 as 0 | 8,
    stalenessBounded: false,
  };
  let preempt: boolean | undefined;
  let preemptSpan: Span | undefined;
  let migrate: boolean | undefined;
  let threads: number | undefined;
  let patches: number | undefined;
  let patchList: { name: string; span: Span }[] | undefined;
  const events: Settings['events'][number][] = [];
  const threadCounts: Settings['threadCounts'][number][] = [];
  const pins: Settings['pins'][number][] = [];
  const positions: Settings['positions'][number][] = [];

  for (const { words, span } of settings) {
    const word = (i: number): string | undefined => {
      const a = words[i];
      return a?.kind === 'word' ? a.text : undefined;
    };
    const number = (i: number): number | undefined => {
      const a = words[i];
      return a?.kind === 'number' ? a.value : undefined;
    };
    const wrong = (message: string): void =>
      report({ code: 'setting', severity: 'error', message, span });
    const oneOf = <T extends string>(
      i: number,
      choices: readonly T[],
      what: string,
    ): T | undefined => {
      const got = word(i);
      const found = choices.find((c) => c === got);
      if (found === undefined || words.length !== i + 1)
        wrong(`\`${what}\` is ${choices.map((c) => `\`${c}\``).join(' or ')}`);
      return found;
    };
    const count = (i: number, most: number, what: string, least = 0): number | undefined => {
      const n = number(i);
      if (n === undefined || words.length !== i + 1 || n > most || n < least) {
        wrong(`\`${what}\` takes a number from ${least} to ${most}`);
        return undefined;
      }
      return n;
    };
    const first = word(0);
    const comma = words.find((w) => w.kind === 'comma');
    if (comma && first !== undefined && !lists.includes(first)) {
      report({
        code: 'setting',
        severity: 'error',
        message: 'on one line `;` stands between two settings',
        span: comma.span,
        fix: { title: 'write `;`', edits: [{ span: comma.span, text: ';' }] },
      });
      continue;
    }
    if (word(1) === 'at' && first !== undefined) {
      const at = number(2);
      const of = number(4);
      if (
        at === undefined ||
        word(3) !== 'of' ||
        of === undefined ||
        at >= of ||
        (of & (of - 1)) !== 0 ||
        of > 4096 ||
        words.length !== 5
      ) {
        wrong(`a position is written \`${first} at 61 of 64\`: an offset below a power of two`);
      } else positions.push({ label: first, at, of, span: words[0]?.span ?? span });
      continue;
    }
    switch (first) {
      case 'cpus':
        env.cpus = count(1, 6, 'cpus', 1) ?? 2;
        break;
      case 'late':
        break; // refused by what is not supported yet
      case 'threads':
        if (number(1) !== undefined) threads = count(1, 8, 'threads');
        else
          for (let i = 1; i < words.length; i += 3) {
            const name = word(i);
            const n = number(i + 1);
            if (
              name === undefined ||
              n === undefined ||
              (i + 2 < words.length && words[i + 2]?.kind !== 'comma')
            ) {
              wrong(
                '`threads` takes a number, or names with numbers: `threads worker 2, reader 1`',
              );
              break;
            }
            if (n > 8) {
              wrong('`threads` takes a number from 0 to 8 for each name');
              break;
            }
            threadCounts.push({ name, count: n, span: words[i]?.span ?? span });
          }
        break;
      case 'patches':
        if (number(1) !== undefined) patches = count(1, 16, 'patches', 1);
        else {
          patchList = [];
          for (let i = 1; i < words.length; i += 2) {
            const name = word(i);
            if (name === undefined || (i + 1 < words.length && words[i + 1]?.kind !== 'comma')) {
              wrong('`patches` takes a number, or names of patches: `patches attach, detach`');
              break;
            }
            patchList.push({ name, span: words[i]?.span ?? span });
          }
        }
        break;
      case 'preempt':
        preempt = oneOf(1, vocabulary.preempt.values, 'preempt') === 'on';
        preemptSpan = span;
        break;
      case 'migrate':
        migrate = oneOf(1, vocabulary.migrate.values, 'migrate') === 'on';
        break;
      case 'pin': {
        const name = word(1);
        const cpu = number(3);
        if (name === undefined || word(2) !== 'to' || cpu === undefined || words.length !== 4)
          wrong('`pin` is written `pin worker to 0`');
        else pins.push({ name, cpu, span: words[1]?.span ?? span });
        break;
      }
      case 'switch':
        if (word(1) !== 'serialises')
          wrong('`switch` is written `switch serialises none | other | all`');
        else
          env.switchSerialises = oneOf(2, vocabulary.switch.values, 'switch serialises') ?? 'none';
        break;
      case 'irq':
      case 'nmi': {
        if (first === 'nmi' && word(1) === 'in' && word(2) === 'shadow') {
          env.nmiHeldInShadow = oneOf(3, nmiInShadow.values, 'nmi in shadow') === 'held';
          break;
        }
        const named = word(1) !== undefined;
        const n = number(named ? 2 : 1);
        const rest = named ? 3 : 2;
        const on = word(rest) === 'on' ? number(rest + 1) : undefined;
        if (n === undefined || words.length !== (on === undefined ? rest : rest + 2) || n > 8) {
          wrong(
            `\`${first}\` is written \`${first} 1\`, or with the name of its code and a CPU: \`${first} tick 1 on 0\``,
          );
        } else {
          events.push({
            kind: first,
            count: n,
            span: words[named ? 1 : 0]?.span ?? span,
            ...(named ? { name: word(1) as string } : {}),
            ...(on === undefined ? {} : { on }),
          });
        }
        break;
      }
      case 'gate':
        env.gate = oneOf(1, vocabulary.gate.values, 'gate') ?? 'interrupt';
        break;
      case 'gap':
        env.gap = oneOf(1, vocabulary.gap.values, 'gap') !== 'off';
        break;
      case 'ist': {
        const which = oneOf(1, vocabulary.ist.values, 'ist');
        env.istBreakpoint = which === 'breakpoint' || which === 'both';
        env.istNmi = which === 'nmi' || which === 'both';
        break;
      }
      case 'shadow':
        if (word(1) !== 'stack') wrong('`shadow` is written `shadow stack on | off`');
        else env.shadowStack = oneOf(2, vocabulary.shadow.values, 'shadow stack') === 'on';
        break;
      case 'fetch':
        env.fetch = readFetch(words, wrong);
        break;
      case 'memory':
        env.memory = oneOf(1, vocabulary.memory.values, 'memory') ?? 'tso';
        break;
      case 'staleness':
        env.stalenessBounded = oneOf(1, vocabulary.staleness.values, 'staleness') === 'bounded';
        break;
      case 'rsp': {
        const n = number(1);
        if ((n !== 0 && n !== 8) || words.length !== 2)
          wrong('`rsp` is 0 or 8: RSP modulo 16 where a thread first reaches a place');
        else env.rsp = n;
        break;
      }
      default: {
        const near = first === undefined ? undefined : nearest(first, settingWords);
        const how = options.has(first ?? '')
          ? ` but an option: \`${first} = …\``
          : first === 'expect'
            ? ': `expect` stands behind the braces'
            : near
              ? `; did you mean \`${near}\`?`
              : '';
        report({
          code: 'unknown-setting',
          severity: 'error',
          message: `\`${first ?? wordsText(words)}\` is not a setting${how}`,
          span,
          ...(near && words[0]
            ? { fix: { title: `use \`${near}\``, edits: [{ span: words[0].span, text: near }] } }
            : {}),
        });
      }
    }
  }
  return {
    environment: env,
    events,
    threadCounts,
    pins,
    positions,
    ...(preempt === undefined ? {} : { preempt }),
    ...(preemptSpan === undefined ? {} : { preemptSpan }),
    ...(migrate === undefined ? {} : { migrate }),
    ...(threads === undefined ? {} : { threads }),
    ...(patches === undefined ? {} : { patches }),
    ...(patchList === undefined ? {} : { patchList }),
  };
}

/** `fetch sdm`, or with single parameters: `fetch sdm with backwards no`. */
function readFetch(words: readonly Atom[], wrong: (message: string) => void): FetchModel {
  const text = (i: number): string => {
    const a = words[i];
    return a?.kind === 'word' ? a.text : a?.kind === 'number' ? String(a.value) : '';
  };
  const name = text(1);
  const profile = name === 'sdm' || name === 'amd' || name === 'zen3' ? profiles[name] : undefined;
  if (!profile) {
    wrong('`fetch` is `sdm`, `amd` or `zen3`');
    return profiles.sdm;
  }
  const model = { ...profile };
  if (words.length === 2) return model;
  if (text(2) !== 'with' || words.length === 3) {
    wrong('single parameters of a profile follow `with`: `fetch sdm with backwards no`');
    return profile;
  }
  for (let i = 3; i < words.length; i += 2) {
    if (words[i]?.kind === 'comma') i++;
    const value = text(i + 1);
    const key = text(i);
    if (!allows(fetchParameters, key, value)) {
      wrong(
        'the parameters of a fetch profile are `store_unit 1 | 8 | 32`, `moment 1 | 8 | 64`, `ascending`, `backwards`, `code_order`, `data_order` with `yes` or `no`, and `unsynchronised always | crossing | never`',
      );
      return profile;
    }
    model.name = `${model.name} with ${key} ${value}`;
    const yes = value === 'yes';
    if (key === 'backwards') model.backwards = yes;
    else if (key === 'code_order') model.codeOrder = yes;
    else if (key === 'data_order') model.dataOrder = yes;
    else if (key === 'ascending') model.ascending = yes;
    else if (key === 'store_unit') model.storeUnit = Number(value);
    else if (key === 'moment') model.moment = Number(value);
    else model.unsynchronised = value as FetchModel['unsynchronised'];
  }
  return model;
}

const allows = (
  table: Readonly<Record<string, readonly string[]>>,
  key: string,
  value: string,
): boolean => Object.hasOwn(table, key) && table[key]?.includes(value) === true;
