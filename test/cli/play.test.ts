// `suture run`: the same seed gives the same run, every width holds it, and what is wrong is said.

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Folder } from './command.ts';

const folder = new Folder();
cpSync(join(import.meta.dirname, '../../examples'), join(folder.path, 'examples'), {
  recursive: true,
});
const two = 'examples/two-stubs.suture';
const run = (args: readonly string[], columns = '') =>
  folder.run(['run', ...args], { env: { COLUMNS: columns } });

describe('suture run', () => {
  test('draws the same run from the same seed, and says the one that it drew', async () => {
    const first = await run([two]);
    const seed = /--seed (\d+): /.exec(first.out)?.[1];
    expect(seed).toBeDefined();
    expect((await run([two, '--seed', seed ?? ''])).out).toBe(first.out);
    expect(first.code).toBe(0);
    expect(first.out).toContain('every patch has returned');
    expect(first.out).toMatch(/\n {2}cpu0 is idle\n/);
  });
  test('finds the shortest run to a violation, with its reasons', async () => {
    const r = await run([two, '--scenario', 'an NMI in the shadow', '--until', 'stale_stub']);
    expect(r.code).toBe(1);
    const lines = r.out.split('\n');
    expect(lines.find((l) => l.includes('NMI in the shadow  at irqs+6'))).toMatch(
      /^> +56 +┊ +▌ +▼ /,
    );
    expect(lines.find((l) => l.includes('acknowledge  on top of irqs+6'))).toMatch(
      /^> +60 +│◀─+.*○ /,
    );
    expect(lines.find((l) => l.includes('jmp two  at irqs+6'))).toMatch(/^> +84 .*✗ /);
    expect(r.out).toContain('stale_stub: runs in irqs after its release');
  });
  test('finds the shortest run to a witness', async () => {
    const r = await run([two, '--until', 'pass place as new']);
    expect(r.code).toBe(0);
    expect(r.out).toContain('the shortest run to pass place as new');
  });
  test.each([
    ['60', []],
    ['80', []],
    ['160', []],
    ['', ['--ascii']],
  ])('keeps to %s columns %j', async (columns, flags) => {
    const most = columns === '' ? 72 : Number(columns);
    for (const file of ['two-stubs', 'int3-emulate']) {
      const scenario = file === 'two-stubs' ? [] : ['--scenario', 'three CPUs'];
      const r = await run(
        [`examples/${file}.suture`, ...scenario, '--seed', '11', ...flags],
        columns,
      );
      const lines = r.out.split('\n');
      expect(lines.filter((l) => l.length > most)).toEqual([]);
      expect(lines.length).toBeGreaterThan(50);
      if (columns === '') expect(r.out).toMatch(/^[\n -~]*$/);
    }
  });
  test('plays a schedule, as names or as JSON, and says where it does not fit', async () => {
    folder.write('steps.txt', '# the patcher first\ncpu0 step\ncpu0 step\n');
    const plain = await run([two, '--schedule', 'steps.txt']);
    expect(plain.out).toContain('as steps.txt says');
    expect(plain.out).toContain('2 steps, and nothing is violated');
    folder.write('steps.json', '{"schedule": ["cpu0 step", "cpu7 step"]}');
    const other = await run([two, '--schedule', 'steps.json']);
    expect(other.code).toBe(1);
    expect(other.out).toContain('diverges at step 2: expected cpu7 step, enabled: cpu0 step');
  });
  test('stops where it is told to', async () => {
    const r = await run([two, '--seed', '1', '--steps', '5']);
    expect(r.code).toBe(0);
    expect(r.out).toContain('more than --steps 5 are wanted');
    expect(r.out).toContain('5 steps, and nothing is violated');
  });
  test.each([
    [[two, '--seed', '1', '--until', 'x'], 'say one of them'],
    [[two, '--until', 'stale'], 'no run of "IRQs on or off" ends in stale; there are: '],
    [[two, '--check', '99'], '--check 99 is none'],
    [[two, '--scenario', 'x'], 'no scenario is called "x"'],
    [[two, '--schedule', 'absent'], 'absent: there is no such file'],
    [['absent.suture'], 'absent.suture: there is no such file'],
  ])('%j is refused', async (args, message) => {
    const r = await run(args);
    expect(r.code).toBe(2);
    expect(r.err).toContain(message);
  });
});
