// The verify document and its figures: what `verify --format json` prints, made of results alone.
//
// Lines, columns and steps count from 1 here, as people count; inside, all of them count from 0.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import type { Span } from '../grammar/index.ts';
import type { Place as Range, Source } from '../grammar/source.ts';
import { place, source } from '../grammar/source.ts';
import type { Compiled, Expected } from './compile.ts';
import type { Trace, Why } from './emulator/trace.ts';
import type { Violation } from './explorer/index.ts';
import type { CheckResult, ScenarioResult, Verdict } from './verify.ts';
import { languageVersion, machineVersion, schemaVersion } from './version.ts';
import { printAddress } from './x86/text.ts';

export interface Document {
  readonly schemaVersion: number;
  readonly languageVersion: string;
  readonly machineVersion: string;
  readonly files: readonly FileReport[];
}

export interface FileReport {
  readonly file: string;
  /** `null` where the file does not say it. */
  readonly protocol: string | null;
  readonly diagnostics: readonly DiagnosticReport[];
  readonly scenarios: readonly ScenarioReport[];
}

export interface DiagnosticReport {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly span: Range;
  readonly fix: {
    readonly title: string;
    readonly edits: readonly { readonly span: Range; readonly text: string }[];
  } | null;
}

export interface Figures {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly seconds: number;
  readonly peakBytes: number;
}

export interface CheckReport extends Figures {
  /** What distinguishes it from the scenario's other checks. */
  readonly values: readonly string[];
  readonly verdict: Verdict;
  /** What kept the search from visiting every state; `null` if nothing did. */
  readonly bound: string | null;
}

/** Its figures are sums over its checks, but for the depth, which is the largest. */
export interface ScenarioReport extends Figures {
  readonly name: string;
  readonly span: Range;
  readonly verdict: Verdict;
  readonly expected: Expected;
  readonly asExpected: boolean;
  /** What speaks against the expectation, in a sentence; `null` where it is as expected. */
  readonly finding: string | null;
  /** Nothing speaks against it but that a bound was hit. */
  readonly incomplete: boolean;
  /** An expectation that says more, and came true as well: `violates only P`. */
  readonly stronger: string | null;
  /** `reduced` where a check of it was decided by a search that leaves out what makes no difference. */
  readonly search: 'full' | 'reduced';
  readonly bound: string | null;
  readonly checks: readonly CheckReport[];
  readonly witnesses: readonly {
    readonly name: string;
    /** Index into `checks`. */
    readonly check: number;
    readonly reached: boolean;
  }[];
  readonly violations: readonly ViolationReport[];
}

export interface ViolationReport {
  readonly property: string;
  /** Index into `checks`. */
  readonly check: number;
  readonly message: string;
  /** `step` is `null` where the sentence speaks of what never came. */
  readonly why: readonly { readonly step: number | null; readonly text: string }[];
  /** From this step on every continuation violates; 0: from the start on; `null`: not known. */
  readonly inevitableFrom: number | null;
  /** False where a shorter run may exist: the full search was cut before it came to the violation. */
  readonly shortest: boolean;
  readonly trace: TraceReport;
}

export interface TraceReport {
  /** Names of the actions, in order. */
  readonly schedule: readonly string[];
  /** Which initial state, where there are several and it is not the first. */
  readonly initial?: number;
  readonly steps: readonly StepReport[];
}

export interface StepReport {
  readonly cpu: number;
  readonly action: string;
  readonly address: string | null;
  /** In hexadecimal. */
  readonly bytes: string | null;
  readonly text: string;
  readonly span: Range | null;
  readonly note: string;
  readonly causes: readonly number[];
  readonly digest: string;
}

export function documentOf(files: readonly FileReport[]): Document {
  return { schemaVersion, languageVersion, machineVersion, files };
}

/** `results` with the seconds of each check, measured by the caller. */
export function fileReport(
  name: string,
  compiled: Compiled,
  results: readonly { readonly result: ScenarioResult; readonly seconds: readonly number[] }[],
): FileReport {
  const text = source(compiled.text, name);
  return {
    file: name,
    protocol: compiled.file?.name.text ?? null,
    diagnostics: compiled.diagnostics.map((d) => diagnosticReport(text, d)),
    scenarios: results.map(({ result, seconds }) => scenarioReport(text, result, seconds)),
  };
}

function diagnosticReport(text: Source, d: Diagnostic): DiagnosticReport {
  const { code, severity, message, fix } = d;
  return {
    code,
    severity,
    message,
    span: place(text, d.span),
    fix: fix
      ? {
          title: fix.title,
          edits: fix.edits.map((e) => ({ span: place(text, e.span), text: e.text })),
        }
      : null,
  };
}

function scenarioReport(
  text: Source,
  result: ScenarioResult,
  seconds: readonly number[],
): ScenarioReport {
  const { scenario, verdict, asExpected } = result;
  const checks = result.checks.map((c, i) => checkReport(c, seconds[i] ?? 0));
  return {
    name: scenario.name,
    span: place(text, scenario.span),
    verdict,
    expected: scenario.expected,
    asExpected,
    finding: result.finding ?? null,
    incomplete: result.incomplete,
    stronger: result.stronger ?? null,
    search: result.checks.some((c) => c.result.search === 'reduced') ? 'reduced' : 'full',
    ...sums(checks),
    bound: checks.find((c) => c.bound !== null)?.bound ?? null,
    checks,
    witnesses: result.checks.flatMap((c, check) =>
      c.witnesses.map((w) => ({ name: w.name, check, reached: w.reached })),
    ),
    violations: result.checks.flatMap((c, check) =>
      c.result.violations.map((v, i) => violationReport(text, check, v, c.traces[i] as Trace)),
    ),
  };
}

function checkReport(c: CheckResult, seconds: number): CheckReport {
  const { verdict, states, transitions, depth, bytes, bound } = c.result;
  return {
    values: c.values,
    verdict,
    states,
    transitions,
    depth,
    seconds: Math.round(seconds * 1000) / 1000,
    peakBytes: bytes,
    bound: bound ?? null,
  };
}

/** Sums, and the largest depth. */
export function sums(parts: readonly Figures[]): Figures {
  const sum = (of: (f: Figures) => number): number => parts.reduce((n, f) => n + of(f), 0);
  return {
    states: sum((f) => f.states),
    transitions: sum((f) => f.transitions),
    depth: parts.reduce((n, f) => Math.max(n, f.depth), 0),
    seconds: Math.round(sum((f) => f.seconds) * 1000) / 1000,
    peakBytes: sum((f) => f.peakBytes),
  };
}

export function violationReport(
  text: Source,
  check: number,
  violation: Violation,
  trace: Trace,
): ViolationReport {
  const { property, inevitableFrom } = violation;
  return {
    property,
    check,
    message: messageOf(violation, trace),
    why: whyOf(violation, trace).map((w) => ({ step: w.step ?? null, text: w.text })),
    inevitableFrom: inevitableFrom === 'not known' ? null : inevitableFrom,
    shortest: violation.perhapsLonger !== true,
    trace: {
      schedule: violation.schedule.map((s) => s.name),
      ...(violation.initial === 0 ? {} : { initial: violation.initial }),
      steps: trace.steps.map((s) => ({
        cpu: s.cpu,
        action: s.name,
        address: s.address === undefined ? null : printAddress(s.address),
        bytes: s.bytes ? hex(s.bytes, '') : null,
        text: s.text,
        span: s.span ? range(text, s.span) : null,
        note: s.note,
        causes: s.causes.map((c) => c + 1),
        digest: s.digest,
      })),
    },
  };
}

/** The shortest run to each violated property, over all checks. */
export function shortest(s: ScenarioReport): readonly ViolationReport[] {
  const best = new Map<string, ViolationReport>();
  for (const v of s.violations) {
    const known = best.get(v.property);
    if (!known || v.trace.steps.length < known.trace.steps.length) best.set(v.property, v);
  }
  return [...best.values()];
}

const range = (text: Source, span: Span): Range => place(text, span);

export const hex = (bytes: Iterable<number>, between: string): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(between);

/** What the run shows, in a sentence. A goal that is lost is not the last step's doing. */
export function messageOf(violation: Violation, trace: Trace): string {
  if (violation.goal === undefined) return trace.message;
  const lost =
    violation.goal === 'terminates'
      ? 'the end (all patches returned, no pass open) is out of reach'
      : `\`${violation.goal}\` can never come about again`;
  if (violation.deadlock) return `${lost}: nothing goes on but what may never happen`;
  if (violation.loopFrom === undefined) return `${lost} from here on`;
  const from = violation.loopFrom + 1;
  const to = violation.schedule.length;
  return `${lost}: ${from === to ? `step ${from}` : `steps ${from} to ${to}`} can go on for ever`;
}

/** The sentences of a violation, ascending by their steps, which count from 1. */
export function whyOf(violation: Violation, trace: Trace): readonly Why[] {
  const why = trace.why.map((w) => ({
    step: w.step === undefined ? undefined : w.step + 1,
    text: w.text,
  }));
  if (violation.goal === undefined) return why;
  if (violation.loopFrom !== undefined)
    why.push({ step: violation.loopFrom + 1, text: 'the loop begins here' });
  const step = violation.schedule.length;
  if (trace.standing) why.push({ step, text: `then ${trace.standing.join(', ')}` });
  why.push({ step, text: messageOf(violation, trace) });
  return why;
}

/** The operations that no check of a file executed, the outermost of each place, by their place. */
export function neverExecuted(checks: readonly CheckResult[]): readonly Span[] {
  const key = (s: Span): string => `${s.start}:${s.end}`;
  const done = new Set(checks.flatMap((c) => c.executed.map(key)));
  // A block that holds an executed statement was executed, whatever stands for the block itself.
  const executed = checks.flatMap((c) => c.executed);
  const entered = (s: Span): boolean => executed.some((x) => x.start >= s.start && x.end <= s.end);
  const left = new Map<string, Span>();
  for (const c of checks)
    for (const { span } of c.operations)
      if (!done.has(key(span)) && !entered(span)) left.set(key(span), span);
  const spans = [...left.values()].sort((a, b) => a.start - b.start || b.end - a.end);
  const out: Span[] = [];
  for (const s of spans) {
    const last = out[out.length - 1];
    if (s.start < s.end && (!last || s.start >= last.end)) out.push(s);
  }
  return out;
}
