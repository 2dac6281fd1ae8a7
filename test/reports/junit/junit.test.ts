// JUnit XML against the schema of Ant's reports, by libxml2: for every verdict, and for every name.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { compile } from '../../../compiler/index.ts';
import { junit } from '../../../compiler/junit.ts';
import { fileReport } from '../../../compiler/report.ts';
import { Verification } from '../../../compiler/verify.ts';
import { Folder, guarded, spec, withoutSync } from '../../cli/command.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const folder = new Folder();
afterAll(() => folder.remove());
const holds = folder.write('holds.suture', spec(guarded, 'scenario "all" {} expect holds'));
const both = folder.write(
  'both.suture',
  spec(
    withoutSync,
    'scenario "no sync" {} expect violates torn_instruction\nscenario "nor here" {} expect holds',
  ),
);
const misspelt = folder.write('misspelt.suture', spec(guarded.replace('int3', 'int4'), ''));

function lint(xml: string, ...args: string[]): string {
  const r = spawnSync('xmllint', ['--nonet', ...args, '-'], { input: xml, encoding: 'utf8' });
  if (r.status !== 0) throw new Error(r.stderr.slice(0, 2000) || String(r.error));
  return r.stdout;
}
const valid = (xml: string): string =>
  lint(xml, '--noout', '--schema', join(import.meta.dirname, 'junit.xsd'));
const value = (xml: string, path: string): string =>
  lint(xml, '--xpath', `string(${path})`).replace(/\n$/, '');

async function verify(...args: string[]) {
  const r = await folder.run(['verify', '--format', 'junit', ...args]);
  valid(r.out);
  return { xml: r.out, code: r.code };
}

describe('a test case', () => {
  test('holds, violates as expected, violates otherwise: with its run', async () => {
    const { xml, code } = await verify(holds, both);
    expect(code).toBe(1);
    expect(value(xml, 'count(//testcase)')).toBe('3');
    expect(value(xml, '//testsuite[2]/@failures')).toBe('1');
    expect(value(xml, 'count(//testcase[@name="no sync"]/*)')).toBe('0');
    expect(Number(value(xml, '//testcase[@name="no sync"]/@time'))).toBeGreaterThan(0);
    const failure = value(xml, '//testcase[@name="nor here"]/failure');
    expect(failure).toMatch(/^both\.suture:25:1: expected holds, but it violates torn_instruction/);
    expect(failure).toMatch(/^ +step cpu0 +cpu1 +address +bytes +what +line$/m);
    expect(failure).toMatch(/^> +\d+ +.*fetch torn/m);
    expect(value(xml, '//failure/@type')).toBe('torn_instruction');
  });
  test('unfinished is an error, and so is a spec with mistakes', async () => {
    const cut = await verify(holds, '--max-states', '100');
    expect(cut.code).toBe(3);
    expect(value(cut.xml, '//testcase/error/@type')).toBe('unfinished');
    const bad = await verify(misspelt);
    expect(bad.code).toBe(1);
    expect(value(bad.xml, '//testsuite/@errors')).toBe('1');
    expect(value(bad.xml, '//testcase/error')).toMatch(/^misspelt\.suture:16:\d+: error\[/);
  });
});

test('any name makes a document, and comes out of it as it went in', () => {
  const compiled = compile(spec(withoutSync, 'scenario "all" {} expect holds'));
  const search = new Verification(compiled, compiled.scenarios[0] as never, {});
  while (!search.advance(10_000).done);
  const report = fileReport('any.suture', compiled, [{ result: search.result(), seconds: [0] }]);
  const one = report.scenarios[0];
  if (!one) throw new Error('the spec has lost its scenario');
  const names = fc.sample(fc.string({ unit: 'binary', minLength: 1 }), { numRuns: 500, seed: 1 });
  const odd = '\u0000 ]]>\ud800<a b="&amp;">\r\n\t\u001b[31m\ufffe';
  const scenarios = [odd, ...names].map((name) => ({ ...one, name, finding: name }));
  const xml = junit(
    [{ report: { ...report, file: odd, scenarios }, runs: scenarios.map((s) => s.name) }],
    '2026-01-01T00:00:00',
  );
  valid(xml);
  const clean = '\ufffd ]]>\ufffd<a b="&amp;">\r\n\t\ufffd[31m\ufffd';
  expect(value(xml, '//testcase[1]/failure/@message')).toBe(clean);
  expect(value(xml, '//testcase[1]/failure')).toContain(clean);
});
