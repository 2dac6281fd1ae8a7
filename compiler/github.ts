// The verify document as workflow commands: what a GitHub runner shows beside the lines of a change.

import type { Place as Range } from '../grammar/source.ts';
import type { FileReport, ScenarioReport } from './report.ts';
import { shortest } from './report.ts';

/** A line for each diagnostic and each scenario that is not as expected; empty where there is none. */
export function github(files: readonly FileReport[]): string {
  return files
    .flatMap((f) => [
      ...f.diagnostics.map((d) =>
        command(d.severity, f.file, d.span, d.code, [
          d.message,
          ...(d.fix ? [`help: ${d.fix.title}`] : []),
        ]),
      ),
      ...f.scenarios.filter((s) => !s.asExpected).map((s) => ofScenario(f, s)),
    ])
    .join('');
}

function ofScenario(f: FileReport, s: ScenarioReport): string {
  const runs = shortest(s).flatMap((v) => [
    `${v.property} in ${v.trace.steps.length} steps: ${v.message}`,
    ...v.why.map((w) => `  ${w.step ?? '-'}  ${w.text}`),
  ]);
  return command(s.incomplete ? 'warning' : 'error', f.file, s.span, s.name, [
    s.finding ?? '',
    ...runs,
  ]);
}

function command(
  level: 'error' | 'warning',
  file: string,
  at: Range,
  title: string,
  lines: readonly string[],
): string {
  const properties = {
    file,
    line: at.line,
    col: at.column,
    endLine: at.endLine,
    // The runner takes an end column on one line only.
    ...(at.endLine === at.line ? { endColumn: at.endColumn } : {}),
    title,
  };
  const head = Object.entries(properties)
    .map(([key, value]) => `${key}=${escapeProperty(String(value))}`)
    .join(',');
  return `::${level} ${head}::${escapeData(lines.join('\n'))}\n`;
}

/** As the runner's own toolkit escapes what stands behind the second pair of colons. */
const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
