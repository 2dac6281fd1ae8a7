// `suture fmt` as a process: what it writes, what it names, and how it ends.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Folder } from '../cli/command.ts';

const folder = new Folder();
afterAll(() => folder.remove());
const rough = 'protocol a "b"\n\n\nshared   x=0x1   // one\n';
const fine = 'protocol a "b"\n\nshared x = 0x1  // one\n';
const wrong = 'protocol a "b"\nmutex   ,\n';
const text = (name: string): string => readFileSync(join(folder.path, name), 'utf8');
const fmt = (args: readonly string[], input = '') => folder.run(['fmt', ...args], { input });

beforeEach(() => {
  folder.write('specs/rough.suture', rough);
  folder.write('specs/below/rough.suture', rough);
  folder.write('specs/fine.suture', fine);
  folder.write('specs/notes.txt', rough);
  folder.write('wrong.suture', wrong);
});

describe('fmt', () => {
  test('writes files in place and names those that it changed', async () => {
    const r = await fmt(['specs']);
    expect(r).toEqual({
      code: 0,
      out: `${join('specs', 'below', 'rough.suture')}\n${join('specs', 'rough.suture')}\n`,
      err: '3 files: 2 changed\n',
    });
    expect(text('specs/rough.suture')).toBe(fine);
    expect(text('specs/below/rough.suture')).toBe(fine);
    expect(text('specs/notes.txt')).toBe(rough);
    expect(await fmt(['specs'])).toEqual({ code: 0, out: '', err: '3 files: no changes\n' });
  });
  test('--check writes nothing', async () => {
    const r = await fmt(['--check', 'specs/rough.suture', 'specs/fine.suture']);
    expect(r).toEqual({ code: 1, out: 'specs/rough.suture\n', err: '2 files: 1 not formatted\n' });
    expect(text('specs/rough.suture')).toBe(rough);
    expect((await fmt(['--check', 'specs/fine.suture'])).code).toBe(0);
  });
  test('`-` is standard input, to standard output', async () => {
    expect(await fmt(['-'], rough)).toEqual({ code: 0, out: fine, err: '' });
    expect(await fmt(['-'], fine)).toEqual({ code: 0, out: fine, err: '' });
    expect(await fmt(['--check', '-'], rough)).toEqual({ code: 1, out: '-\n', err: '' });
    expect(await fmt(['--check', '-'], fine)).toEqual({ code: 0, out: '', err: '' });
  });
  test('a file with errors is left alone and the error shown', async () => {
    const r = await fmt(['wrong.suture', 'specs/rough.suture']);
    expect(r.code).toBe(1);
    expect(r.out).toBe('specs/rough.suture\n');
    expect(r.err).toMatch(/^wrong\.suture:2:9: error\[expected\]: /);
    expect(r.err).toMatch(/^2 files: 1 changed, 1 error$/m);
    expect(text('wrong.suture')).toBe(wrong);
    const piped = await fmt(['-'], wrong);
    expect(piped).toMatchObject({ code: 1, out: '' });
    expect(piped.err).toMatch(/^-:2:9: error/);
  });
  test('bytes that are no UTF-8 are left alone', async () => {
    const bytes = Buffer.from(`${rough}// caf\xe9\n`, 'latin1');
    writeFileSync(join(folder.path, 'latin.suture'), bytes);
    const r = await fmt(['latin.suture']);
    expect(r).toEqual({ code: 2, out: '', err: 'suture: latin.suture: is not UTF-8\n' });
    expect(readFileSync(join(folder.path, 'latin.suture')).equals(bytes)).toBe(true);
  });
  test('a text that would be too long for a spec stays', async () => {
    const long = `protocol a ""\ncode {\n${'a:\n'.repeat(333_000)}}\n`;
    folder.write('long.suture', long);
    const r = await fmt(['long.suture']);
    expect(r).toMatchObject({ code: 1, out: '' });
    expect(r.err).toMatch(/^suture: long\.suture: laid out, the text has \d+ characters/);
    expect(text('long.suture')).toBe(long);
  }, 60_000);
  test('what cannot be read', async () => {
    const r = await fmt(['none.suture', 'specs/fine.suture']);
    expect(r.code).toBe(2);
    expect(r.err).toBe('suture: none.suture: there is no such file\n1 file: no changes\n');
    expect((await fmt([])).code).toBe(2);
  });
  test('the help has an example that works', async () => {
    const help = await fmt(['--help']);
    expect(help.code).toBe(0);
    const line = /^Example:\n {2}(suture .*)$/m.exec(help.out)?.[1];
    expect(await folder.shell(line ?? 'false')).toMatchObject({ code: 0, out: '' });
  });
});
