// What verifications found, beside the lines that they are about: as diagnostics, and in a lens's title.

import { type Diagnostic, DiagnosticSeverity } from 'vscode-languageserver/node';
import { type Fix, place } from '../../../grammar/index.ts';
import { fingerprint } from '../../fingerprint.ts';
import { type ScenarioReport, shortest } from '../../report.ts';
import { count } from '../terminal.ts';
import { type Document, range } from './documents.ts';

/** A verdict, what it was given for, and how it looks in the text as it is now. */
interface Found {
  readonly text: string;
  readonly fingerprint: string;
  readonly report: ScenarioReport;
  /** Edits of that text. */
  readonly fixes: readonly Fix[];
  /** For a text that has changed since; no report where the scenario is another one there. */
  moved: { readonly text: string; readonly report: ScenarioReport | undefined } | undefined;
}

/** The verdicts on one document. An edit that changes what a scenario runs takes its verdict away, and an undo brings it back. */
export class Findings {
  private readonly known = new Map<string, Found>();

  add(d: Document, report: ScenarioReport, fixes: readonly Fix[] = []): void {
    const scenario = d.analysis.scenario(report.name);
    if (scenario?.name !== report.name) return;
    this.known.set(report.name, {
      text: d.text,
      fingerprint: fingerprint(d.analysis.compiled, scenario),
      report,
      fixes,
      moved: undefined,
    });
  }

  of(d: Document, name: string): ScenarioReport | undefined {
    const found = this.known.get(name);
    if (!found || found.text === d.text) return found?.report;
    if (found.moved?.text !== d.text) found.moved = { text: d.text, report: moved(d, found) };
    return found.moved.report;
  }

  /** What mends the scenario; nothing where the text has changed since. */
  fixes(d: Document, name: string): readonly Fix[] {
    const found = this.known.get(name);
    return found?.text === d.text ? found.fixes : [];
  }

  all(d: Document): readonly ScenarioReport[] {
    return [...this.known.keys()].flatMap((name) => this.of(d, name) ?? []);
  }
}

/** Steps keep their sentences, but their places were those of another text. */
function moved(d: Document, { report, fingerprint: before }: Found): ScenarioReport | undefined {
  const scenario = d.analysis.scenario(report.name);
  if (scenario?.name !== report.name) return undefined;
  if (fingerprint(d.analysis.compiled, scenario) !== before) return undefined;
  const violations = report.violations.map((v) => ({
    ...v,
    trace: { ...v.trace, steps: v.trace.steps.map((s) => ({ ...s, span: null })) },
  }));
  return { ...report, span: place(d.analysis.source, scenario.span), violations };
}

/** One for each violated property, or for the scenario where none of them tells what is wrong with it. */
export function resultDiagnostics(uri: string, s: ScenarioReport): readonly Diagnostic[] {
  const of = (severity: DiagnosticSeverity, code: string, message: string): Diagnostic => ({
    range: headline(s),
    severity,
    code,
    source: 'suture verify',
    message,
  });
  if (s.incomplete)
    return [of(DiagnosticSeverity.Warning, 'search-unfinished', s.finding ?? 'unfinished')];
  const severity = s.asExpected ? DiagnosticSeverity.Information : DiagnosticSeverity.Error;
  const violated = shortest(s).map((v) => ({
    ...of(
      severity,
      v.property,
      `${s.asExpected ? `violates ${v.property}, as expected` : s.finding}: ${v.message} (${count(v.trace.steps.length, 'step')})`,
    ),
    relatedInformation: v.why.flatMap((w) => {
      const span = w.step === null ? undefined : v.trace.steps[w.step - 1]?.span;
      const message = w.step === null ? w.text : `step ${w.step}: ${w.text}`;
      return [{ location: { uri, range: span ? range(span) : headline(s) }, message }];
    }),
  }));
  return s.asExpected || violated.length > 0
    ? violated
    : [of(DiagnosticSeverity.Error, 'not-as-expected', s.finding ?? 'not as expected')];
}

/** The first line of the scenario: its settings may go on for many. */
function headline(s: ScenarioReport): ReturnType<typeof range> {
  const { start, end } = range(s.span);
  return { start, end: end.line === start.line ? end : { line: start.line + 1, character: 0 } };
}

/** A verdict in a few words. */
export function resultTitle(s: ScenarioReport): string {
  const mark = s.asExpected ? '✓' : s.incomplete ? '…' : '✗';
  const judged = s.asExpected ? 'as expected' : s.incomplete ? `${s.bound}` : 'not as expected';
  const what =
    s.verdict === 'violated' ? `violates ${shortest(s).map((v) => v.property)}` : s.verdict;
  return `${mark} ${what}, ${judged}: ${count(s.states, 'state')}`;
}
