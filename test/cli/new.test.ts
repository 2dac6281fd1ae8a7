// What a newcomer begins with: it verifies, it is laid out as `fmt` would, and nothing is written over.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { format } from '../../grammar/index.ts';
import { Folder } from './command.ts';

const folder = new Folder();
const read = (name: string): string => readFileSync(join(folder.path, name), 'utf8');

describe('suture new', () => {
  test('writes a spec that verifies, formatted', async () => {
    const made = await folder.run(['new', 'my-first']);
    expect(made).toEqual({
      code: 0,
      out: 'wrote my-first.suture; now: suture verify my-first.suture\n',
      err: '',
    });
    const text = read('my-first.suture');
    expect(text).toContain('protocol my_first "');
    expect(format(text)).toBe(text);
    const verified = await folder.run(['verify', 'my-first.suture']);
    expect(verified.code).toBe(0);
    expect(verified.err).toBe('');
    expect(verified.out).toContain('2 scenarios as expected');
  });
  test('copies an example', async () => {
    expect((await folder.run(['new', 'other.suture', '--from', 'one-stub'])).code).toBe(0);
    expect(read('other.suture')).toBe(
      readFileSync(join(import.meta.dirname, '../../examples/one-stub.suture'), 'utf8'),
    );
  });
  test('writes nothing over', async () => {
    folder.write('mine.suture', 'mine');
    const r = await folder.run(['new', 'mine']);
    expect(r.code).toBe(2);
    expect(r.err).toBe('suture: mine.suture: there is such a file already; name another one\n');
    expect(read('mine.suture')).toBe('mine');
  });
  test('suggests the example that was meant', async () => {
    const r = await folder.run(['new', 'x', '--from', 'two-stub']);
    expect(r.code).toBe(2);
    expect(r.err).toContain('no example is called two-stub; did you mean two-stubs?');
  });
  test('a name that no protocol can have is made into one', async () => {
    expect((await folder.run(['new', '2-patches'])).code).toBe(0);
    expect(read('2-patches.suture')).toContain('protocol p_2_patches "');
    expect((await folder.run(['check', '2-patches.suture'])).code).toBe(0);
  });
  test('a name that is a word of the language is made into one', async () => {
    expect((await folder.run(['new', 'if'])).code).toBe(0);
    expect((await folder.run(['check', 'if.suture'])).code).toBe(0);
  });
  test('what it says next can be typed, whatever the name', async () => {
    const made = await folder.run(['new', "it's two words"]);
    const next = made.out.split('now: ')[1] ?? 'false';
    expect(await folder.shell(next.replace('verify', 'check'))).toMatchObject({ code: 0 });
  });
  test.each([
    ['', 'a spec needs a name'],
    ['.suture', 'a spec needs a name'],
    ['no/such/x', 'no/such/x.suture: there is no folder no/such; make it first'],
  ])('%j is refused', async (name, message) => {
    const r = await folder.run(['new', name]);
    expect(r.code).toBe(2);
    expect(r.err).toContain(message);
  });
});
