// `suture try` and `suture emit --format elf` as commands: what they print, exit with, and say without QEMU.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test, vi } from 'vitest';
import { inFolder } from '../bytes/gnu.ts';

vi.setConfig({ testTimeout: 300_000 });

const root = resolve(import.meta.dirname, '../../..');
const suture = join(root, 'compiler/cli/suture.js');
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [suture, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
  });

test('a scenario that agrees, as text and as a document', () => {
  const args = ['try', 'examples/overwrite-in-place.suture', '--on', 'qemu', '--passes', '60'];
  const text = run([...args, '--scenario', 'inside a line, as one CPU shows it']);
  expect(text.status, text.stdout + text.stderr).toBe(0);
  expect(text.stdout).toMatch(
    /✓ agrees {6}inside a line, as one CPU shows it\n\s+60 rounds, place/,
  );
  expect(text.stdout).toMatch(/1 check: 1 agree\n$/);
  const json = run([...args, '--json', '--scenario', 'no sync behind it']);
  const document = JSON.parse(json.stdout) as { checks: { verdict: string }[] };
  const schema = JSON.parse(
    readFileSync(join(root, 'compiler/schema/try.schema.json'), 'utf8'),
  ) as object;
  const valid = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);
  expect(valid(document), JSON.stringify(valid.errors)).toBe(true);
  expect(document.checks).toHaveLength(1);
});

test('a scenario that cannot be had says why', () => {
  const of = ['examples/two-stubs.suture', '--scenario', 'a shadow stack'];
  const r = run(['try', ...of]);
  expect(r.status).toBe(0);
  expect(r.stdout).toContain(
    'no image    a shadow stack\n              QEMU has no shadow stacks\n',
  );
  const e = run(['emit', ...of, '--format', 'elf']);
  expect(e.status).toBe(1);
  expect(e.stderr).toBe(
    'suture: this scenario cannot be had as an image: QEMU has no shadow stacks\n',
  );
});

test('without QEMU it names the package', () => {
  const r = run(['try', 'examples/one-stub.suture'], { PATH: '/nowhere' });
  expect(r.status).toBe(2);
  expect(r.stderr).toContain('qemu-system-x86');
});

test('an image by itself is an ELF file that readelf takes', () => {
  inFolder((folder) => {
    const file = join(folder, 'image.elf');
    expect(run(['emit', 'examples/one-stub.suture', '--format', 'elf', '-o', file]).status).toBe(0);
    const r = spawnSync('readelf', ['-h', '-l', file], { encoding: 'utf8' });
    expect(r.status).toBe(0);
    expect(r.stderr).toBe('');
    expect(r.stdout).toMatch(/Class:\s+ELF32/);
    expect(r.stdout).toMatch(/Type:\s+EXEC/);
    expect(r.stdout).toMatch(/LOAD\s+0x001000 0x00100000 0x00100000/);
    // The multiboot header, in the first 8 KB and at a multiple of 4: magic, flags, checksum.
    const view = new DataView(Uint8Array.from(readFileSync(file).subarray(0, 8192)).buffer);
    const at = Array.from({ length: 2040 }, (_, i) => 4 * i).find(
      (i) => view.getUint32(i, true) === 0x1badb002,
    );
    expect(at).toBeDefined();
    const sum = [0, 4, 8].reduce((n, i) => n + view.getUint32((at ?? 0) + i, true), 0);
    expect(sum % 2 ** 32).toBe(0);
  });
});
