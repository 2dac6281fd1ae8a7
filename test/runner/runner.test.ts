// The runner of the tests tells red from green: what it counts, what it prints last, and with which code it ends.

import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const project = mkdtempSync(join(tmpdir(), 'suture-runner-'));
const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(project, name)), { recursive: true });
  writeFileSync(join(project, name), text);
};
const suite = (name: string, body: string): void =>
  write(`test/${name}/one.test.ts`, `import { expect, test } from 'vitest';\n${body}\n`);

/** No apt-get is on this path, so that nothing is ever installed from here. */
const path = join(project, 'commands');
const environment = (ci: boolean): NodeJS.ProcessEnv => {
  const { CI: _, SUTURE_LONG: __, ...rest } = process.env;
  return { ...rest, PATH: path, ...(ci ? { CI: 'true' } : {}) };
};

function run(args: readonly string[], { ci = false } = {}): { code: number; lines: string[] } {
  const done = spawnSync(process.execPath, [join(project, 'test/run.mjs'), ...args], {
    cwd: project,
    encoding: 'utf8',
    env: environment(ci),
  });
  return { code: done.status ?? -1, lines: `${done.stderr}${done.stdout}`.trimEnd().split('\n') };
}
const last = (r: { readonly lines: readonly string[] }): string => r.lines.at(-1) ?? '';

/** Its folder of packages is real, each package in it a link, and stamped: the runner finds all installed. */
beforeAll(() => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  write('package-lock.json', lock);
  write('package.json', '{ "type": "module" }');
  write('node_modules/.suture-lock', lock);
  mkdirSync(join(project, 'node_modules/.bin'));
  symlinkSync(process.execPath, join(project, 'node_modules/.bin/node'));
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  mkdirSync(path);
  symlinkSync('/bin/sh', join(path, 'sh'));
  const runner = readFileSync(join(root, 'test/run.mjs'), 'utf8');
  write('test/run.mjs', runner);
  write('test/hasty.mjs', runner.replace('limitMinutes = 75', 'limitMinutes = 0.05'));

  suite('good', `test('holds', () => expect(1).toBe(1)); test.skip('rests', () => {});`);
  suite('group/bad', `test('holds', () => {}); test('fails', () => expect(1).toBe(2));`);
  suite('group/broken', `import './nowhere.ts'; test('holds', () => {});`);
  suite('group/silent', '');
  suite(
    'group/late',
    `test('holds', () => { setTimeout(() => { throw new Error('late'); }, 50); }); test('waits', () => new Promise((done) => setTimeout(done, 200)));`,
  );
  suite('needy', `test('holds', () => {});`);
  write('test/needy/suite.json', '{ "quick": false, "needs": ["no-such-command"] }');
  suite('long', `test('is long', () => expect(process.env.SUTURE_LONG).toBe('1'));`);
  suite(
    'endless',
    `import { writeFileSync } from 'node:fs'; test('never ends', () => { writeFileSync(${JSON.stringify(join(project, 'endless.pid'))}, String(process.pid)); return new Promise(() => {}); }, 600_000);`,
  );
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('npm test', () => {
  test('counts what passed and what was skipped', () => {
    const r = run(['all', 'good']);
    expect(r.lines[0]).toMatch(/^good +\d+\.\d s {2}1 passed, 1 skipped$/);
    expect(last(r)).toBe('1 passed, 0 failed, 1 skipped');
    expect(r.code).toBe(0);
  });

  test('fails for a test, a file, or a folder that does not do its work', () => {
    const r = run(['all', 'group', 'good']);
    const rows = r.lines
      .filter((l) => l.startsWith('group/'))
      .map((l) => l.replace(/ +[\d.]+ s/, ''));
    expect(rows).toEqual([
      'group/bad  1 passed, 1 FAILED',
      'group/broken  0 passed, 1 FAILED',
      'group/late  2 passed, 1 FAILED',
      'group/silent  0 passed, 1 FAILED',
    ]);
    expect(last(r)).toBe('4 passed, 4 failed, 1 skipped');
    expect(r.code).toBe(1);
  });

  test('says what it could not run, which fails in CI', () => {
    const here = run(['all', 'good', 'needy']);
    expect(here.lines.join('\n')).toMatch(/needy +NOT RUN: it needs no-such-command; install with/);
    expect([here.code, last(here)]).toEqual([0, '1 passed, 0 failed, 1 skipped']);
    const there = run(['all', 'good', 'needy'], { ci: true });
    expect([there.code, last(there)]).toEqual([1, '1 passed, 1 failed, 1 skipped']);
    expect(run(['all', 'needy']).code).toBe(1);
  });

  test('tells suites that they may take long', () => {
    expect(run(['all', 'long']).code).toBe(1);
    expect(run(['all', 'long', '--long']).code).toBe(0);
  });

  test('knows its words', () => {
    expect(run(['all', 'goood']).code).toBe(2);
    expect(run(['all', '--lng']).code).toBe(2);
    expect(run(['al']).code).toBe(2);
  });

  test('ends itself, and the suite that is running', async () => {
    const gone = async (): Promise<boolean> => {
      const pid = Number(readFileSync(join(project, 'endless.pid'), 'utf8'));
      for (let i = 0; i < 100; i++) {
        try {
          process.kill(pid, 0);
        } catch {
          return true;
        }
        await new Promise((done) => setTimeout(done, 50));
      }
      return false;
    };
    const hasty = spawnSync(process.execPath, [join(project, 'test/hasty.mjs'), 'all', 'endless'], {
      cwd: project,
      encoding: 'utf8',
      env: environment(false),
    });
    expect(hasty.stdout).toContain('minutes are over, in the suite endless');
    expect(hasty.stdout.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
    expect(hasty.status).toBe(1);
    expect(await gone()).toBe(true);

    rmSync(join(project, 'endless.pid'));
    const child = spawn(process.execPath, [join(project, 'test/run.mjs'), 'all', 'endless'], {
      cwd: project,
      env: environment(false),
    });
    const ended = new Promise((done) => child.on('close', done));
    while (!readdirSync(project).includes('endless.pid'))
      await new Promise((done) => setTimeout(done, 50));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(await gone()).toBe(true);
  });
});
