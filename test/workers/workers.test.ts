// However many search at once, the command says the same.

import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { Crew } from '../../compiler/cli/crew.ts';
import { type Done, verifying } from '../../compiler/cli/scenario.ts';
import { Thread } from '../../compiler/cli/thread.ts';
import { compile } from '../../compiler/index.ts';
import { example, Folder } from '../cli/command.ts';

vi.setConfig({ testTimeout: 120_000 });
const folder = new Folder();
const stubs = readFileSync(example('two-stubs'), 'utf8');
afterEach(() => vi.restoreAllMocks());

/** Without the figures that every run has of its own. */
const timeless = (text: string): string =>
  text
    .replace(/ *[\d.]+( s, .*|)$/gm, ' #$1')
    .replace(/ [\d.]+ s, peak memory [\d.]+ MB/, ' #')
    .replace(/"(seconds|peakBytes|time|timestamp)": ?[^,\n]+/g, '"$1": #')
    .replace(/(time|timestamp)="[^"]*"/g, '$1="#"');

test.each([
  [['one-stub', 'two-stubs'], ['--verbose']],
  [['int3-emulate'], ['--json']],
  [['int3-emulate'], ['--max-states', '5000']],
  [['int3-emulate'], ['--max-memory', '4']],
  [
    ['one-stub', 'int3-emulate'],
    ['--fail-fast', '--max-states', '2800'],
  ],
  [['one-stub'], ['--format', 'junit']],
])('%s %s', async (names, options) => {
  const said = async (workers: number) => {
    const args = ['verify', ...names.map(example), ...options, '--workers', String(workers)];
    const { code, out, err } = await folder.run(args);
    return { code, out: timeless(out), err };
  };
  const alone = await said(1);
  expect(alone.out.length).toBeGreaterThan(200);
  expect(await said(2)).toEqual(alone);
  expect(await said(5)).toEqual(alone);
});

test('what the verdicts of a file need is the same whoever looks', async () => {
  const said = async (workers: number): Promise<string> => {
    const args = ['minimize', example('one-stub'), '--runs', '--workers', String(workers)];
    const { code, out } = await folder.run(args);
    expect(code).toBe(0);
    return timeless(out).replace(/[\d.]+ s$/gm, '# s');
  };
  const alone = await said(1);
  expect(alone).toContain('minimal set');
  expect(await said(2)).toEqual(alone);
});

/** All scenarios of a text, searched by so many. */
async function searched(text: string, workers: number, maxMemory: number): Promise<Done[]> {
  const compiled = compile(text);
  const crew = new Crew(verifying, {
    settings: { maxMemory, interpreted: false, full: false },
    workers,
    timeout: undefined,
    quiet: true,
  });
  const all = compiled.scenarios.map((s) => crew.add(compiled, s));
  crew.begin();
  try {
    return await Promise.all(all);
  } finally {
    crew.end();
  }
}
const figures = (all: readonly Done[]): readonly unknown[] =>
  all.map(({ result }) => [
    result.scenario.name,
    result.verdict,
    result.checks.map((c) => [c.result.states, c.result.bound]),
  ]);

test('what finds no room in its share is searched again with all of the memory', async () => {
  const asked = vi.spyOn(Thread.prototype, 'search');
  const most = 5 << 20;
  const alone = await searched(stubs, 1, most);
  expect(asked).not.toHaveBeenCalled();
  // Some scenario needs more than the third that each of three has.
  expect(
    Math.max(...alone.flatMap((d) => d.result.checks.map((c) => c.result.bytes))),
  ).toBeGreaterThan(most / 3);
  expect(alone.every((d) => d.result.verdict !== 'unfinished')).toBe(true);
  expect(figures(await searched(stubs, 3, most))).toEqual(figures(alone));
  expect(asked).toHaveBeenCalled();
});

test('what a thread that dies leaves behind is searched all the same', async () => {
  const alone = await searched(stubs, 1, 1 << 30);
  const asked = vi.spyOn(Thread.prototype, 'search').mockRejectedValue(new Error('it has died'));
  expect(figures(await searched(stubs, 3, 1 << 30))).toEqual(figures(alone));
  expect(asked).toHaveBeenCalled();
});

test('an interrupt ends all of them', async () => {
  const r = await folder.run(['verify', example('two-stubs'), '--full', '--workers', '3'], {
    interruptAfter: 1500,
  });
  expect(r.code).toBe(3);
  expect(r.err).toContain('suture: interrupted');
  expect(r.out).toContain('unfinished: interrupted');
});
