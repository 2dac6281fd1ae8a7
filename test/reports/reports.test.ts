// What code scanning gets: SARIF against the standard's own schema, and workflow commands with everything escaped.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { github } from '../../compiler/github.ts';
import { builtin } from '../../compiler/ir.ts';
import type { FileReport } from '../../compiler/report.ts';
import { uriOf } from '../../compiler/sarif.ts';
import { Folder, guarded, spec, withoutSync } from '../cli/command.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const folder = new Folder();
afterAll(() => folder.remove());

interface Place {
  readonly artifactLocation?: { readonly uri: string; readonly uriBaseId?: string };
  readonly region?: Record<'startLine' | 'startColumn' | 'endLine' | 'endColumn', number>;
}
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly kind: string;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly { readonly physicalLocation: Place }[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly fixes?: readonly unknown[];
  readonly codeFlows?: readonly {
    readonly threadFlows: readonly {
      readonly id: string;
      readonly locations: readonly {
        readonly executionOrder: number;
        readonly importance: string;
        readonly location: { readonly message: { readonly text: string } };
      }[];
    }[];
  }[];
}
interface Rule {
  readonly id: string;
  readonly shortDescription: { readonly text: string };
  readonly help: { readonly text: string; readonly markdown: string };
}
interface Log {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly Rule[] } };
      readonly invocations: readonly { readonly executionSuccessful: boolean }[];
      readonly results: readonly Result[];
    },
  ];
}

// The schema is written in draft 4, of which it uses one word that draft 7 spells otherwise.
const { id, $schema, ...rest } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'sarif-schema-2.1.0.json'), 'utf8'),
) as Record<string, unknown>;
const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
const isSarif = ajv.compile({ ...rest, $id: String(id) });

const holds = folder.write('holds.suture', spec(guarded, 'scenario "all" {} expect holds'));
const broken = folder.write('broken.suture', spec(withoutSync, 'scenario "all" {} expect holds'));
const expected = folder.write(
  'a folder/expected.suture',
  spec(withoutSync, 'scenario "no sync" {} expect violates torn_instruction'),
);
const otherwise = folder.write(
  'otherwise.suture',
  spec(
    guarded,
    'scenario "wants more" {} expect violates torn_instruction\nrequire mine: never trap at place\nscenario "own" { rsp 8 } expect holds',
  ),
);
const misspelt = folder.write(
  'misspelt.suture',
  spec(guarded, 'scenario "🙂" { cpsu 2 } expect holds'),
);

async function sarif(...args: string[]): Promise<Log['runs'][0] & { readonly code: number }> {
  const r = await folder.run(['verify', '--format', 'sarif', ...args]);
  const log = JSON.parse(r.out) as Log;
  expect(isSarif(log), JSON.stringify(isSarif.errors, undefined, 1)).toBe(true);
  const run = log.runs[0];
  for (const result of run.results) {
    expect(run.tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
    expect(result.level === 'none').toBe(result.kind !== 'fail');
  }
  return { ...run, code: r.code ?? -1 };
}

/** What a place covers, cut out of the text by UTF-16 columns. */
function covered(file: string, p: Place | undefined): string {
  const lines = readFileSync(join(folder.path, file), 'utf8').split('\n');
  const r = p?.region;
  if (!r) return '';
  const rows = lines.slice(r.startLine - 1, r.endLine);
  const last = rows.length - 1;
  rows[last] = rows[last]?.slice(0, r.endColumn - 1) ?? '';
  rows[0] = rows[0]?.slice(r.startColumn - 1) ?? '';
  return rows.join('\n');
}

describe('SARIF', () => {
  test('the schema is not fooled', () => {
    expect(isSarif({ version: '2.1.0', runs: [{ tool: {} }] })).toBe(false);
    expect(
      isSarif({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x', rule: [] } } }] }),
    ).toBe(false);
  });
  test('a run that holds has no result, and every property as a rule with its text', async () => {
    const run = await sarif(holds);
    expect(run.code).toBe(0);
    expect(run.results).toEqual([]);
    expect(run.tool.driver.rules.map((r) => r.id)).toEqual(expect.arrayContaining([...builtin]));
    for (const { help, shortDescription } of run.tool.driver.rules) {
      expect(shortDescription.text).toMatch(/\.$/);
      expect(help.text.length).toBeGreaterThan(40);
      expect(help.markdown.startsWith(help.text)).toBe(true);
    }
    const torn = run.tool.driver.rules.find((r) => r.id === 'torn_instruction');
    expect(torn?.help.markdown).toMatch(/This fails:\n\n```\nprotocol .*[\s\S]*```diff\n/);
  });
  test('a violation that nobody expected: the run, a thread flow for each CPU', async () => {
    const { results, code } = await sarif(broken);
    expect(code).toBe(1);
    expect(results).toHaveLength(1);
    const [result] = results;
    expect(result).toMatchObject({ ruleId: 'torn_instruction', kind: 'fail', level: 'error' });
    expect(result?.message.text).toMatch(
      /^"all" violates torn_instruction in \d+ steps: .*\(expected holds, but it violates torn_instruction\)\.$/,
    );
    expect(covered(broken, result?.locations[0]?.physicalLocation)).toBe('call one');
    const flows = result?.codeFlows?.[0]?.threadFlows ?? [];
    expect(flows.map((f) => f.id)).toEqual(['cpu0', 'cpu1']);
    const order = flows.flatMap((f) => f.locations.map((l) => l.executionOrder));
    const steps = Number(/in (\d+) steps/.exec(result?.message.text ?? '')?.[1]);
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    for (const f of flows)
      expect(f.locations.map((l) => l.executionOrder)).toEqual(
        f.locations.map((l) => l.executionOrder).toSorted((a, b) => a - b),
      );
    const essential = flows.flatMap((f) => f.locations).filter((l) => l.importance === 'essential');
    expect(essential.some((l) => l.location.message.text.includes('may still be'))).toBe(true);
  });
  test('one that was expected informs; its path is a relative URI', async () => {
    const { results, code } = await sarif(expected);
    expect(code).toBe(0);
    expect(results).toMatchObject([{ ruleId: 'torn_instruction', kind: 'informational' }]);
    expect(results[0]?.locations[0]?.physicalLocation.artifactLocation).toMatchObject({
      uri: 'a%20folder/expected.suture',
      uriBaseId: '%SRCROOT%',
    });
    const absolute = await sarif(join(folder.path, expected));
    expect(absolute.results[0]?.locations).toEqual(results[0]?.locations);
  });
  test('what does not come, and a requirement of the spec itself', async () => {
    const { results, tool } = await sarif(otherwise);
    expect(results.map((r) => [r.ruleId, r.kind])).toEqual([
      ['mine', 'fail'],
      ['mine', 'fail'],
    ]);
    expect(tool.driver.rules.find((r) => r.id === 'mine')).toMatchObject({
      help: { text: expect.stringContaining('require mine') as string },
    });
    const [first] = (
      await sarif(
        folder.write(
          'weak.suture',
          spec(guarded, 'scenario "wants more" {} expect violates torn_instruction'),
        ),
      )
    ).results;
    expect(first).toMatchObject({ ruleId: 'not-as-expected', kind: 'fail', level: 'error' });
    expect(first?.message.text).toBe(
      '"wants more": expected violates torn_instruction, but it holds.',
    );
  });
  test('an unfinished one is open, and nothing passes for it', async () => {
    const { results, code } = await sarif(holds, '--max-states', '100');
    expect(code).toBe(3);
    expect(results).toMatchObject([{ ruleId: 'search-unfinished', kind: 'open', level: 'none' }]);
  });
  test('a diagnostic at its columns, with its fix; a file that cannot be read', async () => {
    const { results, invocations, tool, code } = await sarif(misspelt, 'nowhere.suture');
    expect(code).toBe(2);
    expect(invocations).toEqual([{ executionSuccessful: false }]);
    expect(results).toMatchObject([{ kind: 'fail', level: 'error' }]);
    const rule = tool.driver.rules.find((r) => r.id === results[0]?.ruleId);
    expect(rule?.help.markdown).toContain('This mends it:');
    // The name before it has a character of two UTF-16 units.
    expect(covered(misspelt, results[0]?.locations[0]?.physicalLocation)).toBe('cpsu 2');
    expect(JSON.stringify(results[0]?.fixes)).toContain('"insertedContent":{"text":"cpus"}');
  });
  test('paths as URIs', () => {
    expect(uriOf('../a b/ü#?.suture')).toBe('../a%20b/%C3%BC%23%3F.suture');
    expect(uriOf('a:b.suture')).toBe('a%3Ab.suture');
    expect(uriOf('/tmp/100%.suture')).toBe('file:///tmp/100%25.suture');
    expect(uriOf('C:\\x\\y.suture')).toBe('file:///C:/x/y.suture');
    expect(uriOf('\ud800')).toBe('%EF%BF%BD');
  });
});

describe('workflow commands', () => {
  const run = async (...args: string[]) => folder.run(['verify', '--format', 'github', ...args]);
  test('nothing where all is as expected', async () => {
    expect(await run(holds, expected)).toMatchObject({ code: 0, out: '' });
  });
  test('a finding with its run, an unfinished search, a diagnostic', async () => {
    const found = await run(broken);
    expect(found.out).toMatch(
      /^::error file=broken\.suture,line=24,col=1,endLine=24,endColumn=31,title=all::expected holds, but it violates torn_instruction%0Atorn_instruction in \d+ steps: .*%0A.*\n$/,
    );
    const cut = await run(holds, '--max-states', '100');
    expect(cut.out).toMatch(/^::warning file=holds\.suture,.*search is unfinished: states\n$/);
    const bad = await run(misspelt);
    expect(bad.out).toMatch(
      /^::error file=misspelt\.suture,line=\d+,col=17,endLine=\d+,endColumn=23,title=[a-z-]+::.*%0Ahelp: .*`cpus`\n$/,
    );
  });
  test('no name gets out of its place', () => {
    const span = { line: 1, column: 1, endLine: 2, endColumn: 1 };
    const report: FileReport = {
      file: 'a,b:c%\n.suture',
      protocol: null,
      diagnostics: [
        { code: 'x', severity: 'error', message: 'one\r\n::error::two 100%', span, fix: null },
      ],
      scenarios: [],
    };
    expect(github([report])).toBe(
      '::error file=a%2Cb%3Ac%25%0A.suture,line=1,col=1,endLine=2,title=x::one%0D%0A::error::two 100%25\n',
    );
  });
});
