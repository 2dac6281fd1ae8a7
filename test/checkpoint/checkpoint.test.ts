// A search that was killed goes on from its checkpoint, and says what it would have said.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { generated } from '../../compiler/generator/engine.ts';
import { compile } from '../../compiler/index.ts';
import { reductions } from '../../compiler/reduction/reduced.ts';
import { type SavedVerification, Verification } from '../../compiler/verify.ts';
import { example } from '../cli/command.ts';

vi.setConfig({ testTimeout: 600_000 });
const long = process.env.SUTURE_LONG !== undefined;
const root = resolve(import.meta.dirname, '../..');
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'suture-checkpoint-'));
  folders.push(folder);
  return folder;
}

describe('saved between any two slices, and gone on with in another search', () => {
  const cases = [
    ['one-stub', 'IRQs on'],
    ['one-stub', 'IRQs off at the site'],
    ['overwrite-in-place', "one aligned store, Intel's manual"],
    ['spin-iret', 'IRQs off at the site'],
    ['two-stubs', 'no third sync: the stub is gone'],
  ] as const;

  test.each(cases)('%s, %s', (file, name) => {
    const compiled = compile(readFileSync(example(file), 'utf8'));
    const scenario = compiled.scenarios.find((s) => s.name === name);
    if (!scenario) throw new Error(`no scenario ${name}`);
    for (const reducing of [undefined, reductions]) {
      const begin = (): Verification =>
        new Verification(compiled, scenario, {}, { searching: generated, reducing });
      const once = begin();
      while (!once.advance(1000).done);
      const plain = (v: Verification): unknown =>
        v.result().checks.map(({ result: { bytes: _, ...result }, how: __, ...rest }) => ({
          ...rest,
          result,
        }));
      let last = begin();
      const entries: Buffer[] = [];
      for (let n = 0; !last.advance(37).done; n++) {
        if (n % 3 === 0) continue;
        const saved = last.save();
        // Nothing more is kept once all states are found.
        if (saved === undefined) continue;
        entries.push(serialize(saved));
        if (n % 5 !== 0) continue;
        last = begin();
        for (const entry of entries) last.restore(deserialize(entry) as SavedVerification);
      }
      expect(entries.length).toBeGreaterThan(2);
      expect(plain(last)).toEqual(plain(once));
    }
  });
});

test('what a search has seen between the states that it keeps is kept as well', () => {
  const spec = join(root, 'test/reduction/specs/a-thread-is-deep-once.suture');
  const compiled = compile(readFileSync(spec, 'utf8'));
  const [scenario] = compiled.scenarios;
  if (!scenario) throw new Error('the spec has one scenario');
  const begin = (): Verification =>
    new Verification(compiled, scenario, {}, { searching: generated, reducing: reductions });
  const said = (v: Verification): unknown => {
    while (!v.advance(1000).done);
    return v.result().checks.map(({ result: { verdict, states, violations } }) => ({
      verdict,
      states,
      violated: violations.map((x) => x.property),
    }));
  };
  const whole = said(begin());
  expect(whole).toMatchObject([{ verdict: 'violated', violated: ['no_fault'] }]);
  for (let states = 1; states < 20; states++) {
    const killed = begin();
    killed.advance(states);
    const saved = serialize(killed.save());
    const resumed = begin();
    resumed.restore(deserialize(saved) as SavedVerification);
    expect([states, said(resumed)]).toEqual([states, whole]);
  }
});

/** What is searched for a minute, so that it is not over before it is killed: the example's protocol with an IRQ. */
function forAMinute(): readonly string[] {
  const file = join(emptyFolder(), 'minute.suture');
  const protocol = readFileSync(example('two-stubs'), 'utf8').replace(/^scenario [\s\S]*$/m, '');
  const scenario = 'scenario "three CPUs, an IRQ" { cpus 3; patches 2; irq 1 } expect holds\n';
  writeFileSync(file, `${protocol}${scenario}`);
  return ['verify', file, '--full', '--json'];
}
/** What a search says of it that nobody kills. */
const whole = {
  verdict: 'holds',
  asExpected: true,
  search: 'full',
  states: 10_643_084,
  transitions: 42_920_340,
  depth: 200,
};

function begin(
  folder: string,
  words: readonly string[],
  ...more: string[]
): { child: ChildProcess; said: Promise<string> } {
  const child = spawn(
    process.execPath,
    [join(root, 'compiler/cli/suture.js'), ...words, '--checkpoint', folder, ...more],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let out = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  return { child, said: new Promise((resolve) => child.on('close', () => resolve(out))) };
}

const sizeOf = (folder: string): number => {
  const [file] = existsSync(folder) ? readdirSync(folder) : [];
  return file === undefined ? 0 : statSync(join(folder, file)).size;
};

/** Kills it some time after it has added something to the first `whole` bytes of the checkpoint; the size of that. */
async function killed(
  child: ChildProcess,
  folder: string,
  whole: number,
  wait: number,
): Promise<number> {
  const before = sizeOf(folder);
  // What is torn is cut off first.
  const added = (): boolean => ![before, whole].includes(sizeOf(folder));
  while (!added() && child.exitCode === null) await new Promise((next) => setTimeout(next, 20));
  await new Promise((next) => setTimeout(next, wait));
  child.kill('SIGKILL');
  await new Promise((next) => {
    if (child.exitCode === null && child.signalCode === null) child.on('close', next);
    else next(undefined);
  });
  return sizeOf(folder);
}

test('killed, and the last entry is torn; killed again, and it is spoilt', async () => {
  const words = forAMinute();
  const folder = emptyFolder();
  const first = begin(folder, words);
  const one = await killed(first.child, folder, 0, 300);
  expect(first.child.signalCode).toBe('SIGKILL');
  expect(one).toBeGreaterThan(10_000);

  const refused = begin(folder, words);
  expect(await refused.said).toBe('');
  expect(refused.child.exitCode).toBe(2);

  // What stands before the last entry is gone on from.
  const second = begin(folder, words, '--resume');
  const two = await killed(second.child, folder, one, 100);
  expect(two).toBeGreaterThan(one);
  const file = join(folder, readdirSync(folder)[0] as string);
  truncateSync(file, one + ((two - one) >> 1));

  const third = begin(folder, words, '--resume');
  const three = await killed(third.child, folder, one, 100);
  expect(three).toBeGreaterThan(one);
  const bytes = readFileSync(file);
  const at = three - 100;
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);

  const last = begin(folder, words, '--resume');
  const [{ scenarios }] = JSON.parse(await last.said).files;
  expect(last.child.exitCode).toBe(0);
  expect(scenarios).toHaveLength(1);
  expect(scenarios[0]).toMatchObject(whole);
  expect(readdirSync(folder)).toEqual([]);
});

test.runIf(long)('killed ten times at random, in a search of a minute', async () => {
  const words = forAMinute();
  const folder = emptyFolder();
  const lost: number[] = [];
  for (;;) {
    const begun = Date.now();
    const { child, said } = begin(folder, words, ...(sizeOf(folder) > 0 ? ['--resume'] : []));
    if (lost.length === 10) {
      expect(JSON.parse(await said).files[0].scenarios[0]).toMatchObject(whole);
      break;
    }
    await new Promise((next) => setTimeout(next, 1000 + 6000 * Math.random()));
    child.kill('SIGKILL');
    await said;
    expect(child.signalCode).toBe('SIGKILL');
    const [file] = readdirSync(folder);
    const kept = file === undefined ? 0 : statSync(join(folder, file)).mtimeMs;
    lost.push((Date.now() - Math.max(begun, kept)) / 1000);
  }
  console.log(`seconds lost by each kill: ${lost.map((s) => s.toFixed(1)).join(', ')}`);
  expect(Math.max(...lost)).toBeLessThan(10);
});
