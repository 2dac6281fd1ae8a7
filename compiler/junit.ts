// The verify document as JUnit XML: a file is a suite, a scenario a test case, and what is not as expected fails.

import type { FileReport, ScenarioReport } from './report.ts';
import { sums } from './report.ts';

export interface JunitFile {
  readonly report: FileReport;
  /** Of each scenario, the text of its runs; empty where it has none. */
  readonly runs: readonly string[];
}

/** `started`: date and time of day without a zone, to the second, as JUnit's own schema wants it. */
export function junit(files: readonly JunitFile[], started: string): string {
  const suites = files.map((f, id) => suite(f, id, started));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('')}</testsuites>\n`;
}

function suite({ report, runs }: JunitFile, id: number, started: string): string {
  const errors = report.diagnostics.filter((d) => d.severity === 'error');
  const warnings = report.diagnostics.filter((d) => d.severity === 'warning');
  const protocol = report.protocol ?? report.file;
  const said = (d: FileReport['diagnostics'][number]): string =>
    `${report.file}:${d.span.line}:${d.span.column}: ${d.severity}[${d.code}]: ${d.message}\n`;
  const first = errors[0];
  const cases = [
    // A file with mistakes has no scenario to fail, and must not pass.
    ...(first
      ? [
          testcase(
            'is well formed',
            protocol,
            0,
            element(
              'error',
              { message: first.message, type: first.code },
              errors.map(said).join(''),
            ),
          ),
        ]
      : []),
    ...report.scenarios.map((s, i) => scenario(report, s, protocol, runs[i] ?? '')),
  ];
  const counts = {
    tests: cases.length,
    failures: report.scenarios.filter((s) => !s.asExpected && !s.incomplete).length,
    errors: report.scenarios.filter((s) => s.incomplete).length + (first ? 1 : 0),
    time: sums(report.scenarios).seconds.toFixed(3),
  };
  const attributes = {
    id,
    name: report.file,
    package: protocol,
    timestamp: started,
    hostname: 'localhost',
    ...counts,
  };
  return element(
    'testsuite',
    attributes,
    undefined,
    `\n<properties/>\n${cases.join('')}${element('system-out', {}, '')}${element('system-err', {}, warnings.map(said).join(''))}`,
  );
}

function scenario(f: FileReport, s: ScenarioReport, protocol: string, runs: string): string {
  if (s.asExpected) return testcase(s.name, protocol, s.seconds, '');
  const at = `${f.file}:${s.span.line}:${s.span.column}: ${s.finding}\n`;
  const attributes = { message: s.finding ?? '', type: typeOf(s) };
  return testcase(
    s.name,
    protocol,
    s.seconds,
    element(s.incomplete ? 'error' : 'failure', attributes, `${at}${runs.trimEnd()}`),
  );
}

/** The first property that was found and not expected, or the verdict. */
const typeOf = (s: ScenarioReport): string =>
  s.violations.find((v) => !s.expected.properties.includes(v.property))?.property ?? s.verdict;

const testcase = (name: string, classname: string, seconds: number, inner: string): string =>
  element(
    'testcase',
    { name, classname, time: seconds.toFixed(3) },
    undefined,
    inner && `\n${inner}`,
  );

function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  text: string | undefined,
  inner = '',
): string {
  const head = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeAttribute(String(value))}"`)
    .join('');
  const content = text === undefined ? inner : escapeText(text);
  return `<${name}${head}${content === '' ? '/>' : `>${content}</${name}>`}\n`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML 1.0 has no way to write most control characters, halves of surrogate pairs, U+FFFE and U+FFFF (production 2). */
const escapeText = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (c) => entities[c] ?? c)
    .replace(/\r/g, '&#13;');

/** A parser makes spaces of line ends and tabs in an attribute, unless they are written by number. */
const escapeAttribute = (text: string): string =>
  escapeText(text).replace(/\n/g, '&#10;').replace(/\t/g, '&#9;');
