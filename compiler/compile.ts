// From a text to what can be asked of it: its diagnostics, its scenarios, and the program of each of their checks.

import { type Diagnostic, nearest } from '../grammar/diagnostic.ts';
import type { File, Parsed, Setting, Span } from '../grammar/index.ts';
import { parse } from '../grammar/index.ts';
import { unsupported } from './capabilities.ts';
import { builtin } from './ir.ts';
import type { Lowered } from './lower.ts';
import { Common, lower } from './lower.ts';
import type { Check } from './scenario.ts';
import { checksOf, optionsOf } from './scenario.ts';
import { allItems } from './spec.ts';
import { Warnings } from './warnings.ts';
import { checkWords } from './words.ts';

export interface Expected {
  readonly kind: 'holds' | 'violates';
  readonly only: boolean;
  readonly properties: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly span: Span;
  readonly expected: Expected;
  readonly checks: readonly Check[];
}

export interface Compiled {
  readonly text: string;
  readonly file?: File;
  readonly diagnostics: readonly Diagnostic[];
  /** Empty where there are errors. */
  readonly scenarios: readonly Scenario[];
}

/** Parses and checks a text; each scenario's checks are lowered once, so that nothing is found out only later. */
export function compile(text: string, parsed: Parsed = parse(text)): Compiled {
  const { file, diagnostics } = parsed;
  const found: Diagnostic[] = [...diagnostics];
  if (!file || found.some((d) => d.severity === 'error'))
    return { text, ...(file ? { file } : {}), diagnostics: found, scenarios: [] };
  found.push(...unsupported(file));
  if (found.some((d) => d.severity === 'error'))
    return { text, file, diagnostics: found, scenarios: [] };
  const report = (d: Diagnostic): void => {
    if (
      found.length < 100 &&
      !found.some(
        (x) =>
          x.code === d.code &&
          x.span.start === d.span.start &&
          x.span.end === d.span.end &&
          x.message === d.message,
      )
    )
      found.push(d);
  };
  const items = allItems(file.items);
  const machine: Setting[] = items.flatMap((i) => (i.kind === 'machine' ? i.settings : []));
  const options = optionsOf(file);
  checkWords(file, options, report);
  // What is wrong with a declaration is not said again where it is used.
  if (found.some((d) => d.severity === 'error'))
    return { text, file, diagnostics: found, scenarios: [] };
  const requirements = items.flatMap((i) => (i.kind === 'require' ? [i.name.text] : []));
  const scenarios: Scenario[] = [];
  for (const item of items) {
    if (item.kind !== 'scenario') continue;
    const expected: Expected =
      !item.expect || item.expect.kind === 'holds'
        ? { kind: 'holds', only: false, properties: [] }
        : {
            kind: 'violates',
            only: item.expect.only,
            properties: item.expect.properties.map((p) => p.text),
          };
    if (item.expect?.kind === 'violates') {
      for (const p of item.expect.properties) {
        if (!(builtin as readonly string[]).includes(p.text) && !requirements.includes(p.text)) {
          const near = nearest(p.text, [...builtin, ...requirements]);
          report({
            code: 'unknown-property',
            severity: 'error',
            message: `\`${p.text}\` is not a property; ${near ? `did you mean \`${near}\`?` : `they are ${[...builtin, ...requirements].join(', ')}`}`,
            span: p.span,
            ...(near
              ? { fix: { title: `use \`${near}\``, edits: [{ span: p.span, text: near }] } }
              : {}),
          });
        }
      }
    }
    if (scenarios.some((s) => s.name === item.name.text))
      report({
        code: 'duplicate-scenario',
        severity: 'error',
        message: `there are two scenarios "${item.name.text}"`,
        span: item.name.span,
      });
    scenarios.push({
      name: item.name.text,
      span: item.span,
      expected,
      checks: checksOf(options, machine, item.settings, report),
    });
  }
  if (scenarios.length === 0) {
    scenarios.push({
      name: 'default',
      span: file.name.span,
      expected: { kind: 'holds', only: false, properties: [] },
      checks: checksOf(options, machine, [], report),
    });
  }
  const warnings = new Warnings(text, file);
  const common = commonOf(file);
  for (const s of scenarios) {
    for (const check of s.checks) {
      if (found.some((d) => d.severity === 'error')) break;
      const lowered = lower(file, text, check, report, common);
      if (!lowered) continue;
      keep(file, check, lowered);
      warnings.see(s, check, lowered.program);
    }
  }
  if (!found.some((d) => d.severity === 'error')) for (const w of warnings.tell()) report(w);
  found.sort((a, b) => a.span.start - b.span.start);
  const errors = found.some((d) => d.severity === 'error');
  return { text, file, diagnostics: found, scenarios: errors ? [] : scenarios };
}

/** The program of one check, lowered once: who searches, tells and reports all ask for it. */
export function programOf({ file, text }: Compiled, check: Check): Lowered {
  const known = file && kept.get(file)?.get(check);
  if (known) return known;
  const messages: string[] = [];
  const lowered = file && lower(file, text, check, (d) => messages.push(d.message), commonOf(file));
  if (!file || !lowered)
    throw new Error(`a check that was accepted does not lower: ${messages.join('; ')}`);
  keep(file, check, lowered);
  return lowered;
}

/** What checks of a file and of its variants have in common. */
export function commonOf(file: File): Common {
  const known = commons.get(file);
  if (known) return known;
  const common = new Common();
  commons.set(file, common);
  return common;
}
const commons = new WeakMap<File, Common>();

/** For as long as somebody has the tree; one check may be asked of several, as where pieces are taken out. */
const kept = new WeakMap<File, WeakMap<Check, Lowered>>();

function keep(file: File, check: Check, lowered: Lowered): void {
  let checks = kept.get(file);
  if (!checks) {
    checks = new WeakMap();
    kept.set(file, checks);
  }
  checks.set(check, lowered);
}
