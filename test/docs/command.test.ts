// The page of the command shows what the command prints.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const page = join(root, 'docs/command.md');
const promote = process.env.SUTURE_PROMOTE !== undefined;

/** In a folder that has what the examples name, so that nothing is left in the clone. */
const folder = mkdtempSync(join(tmpdir(), 'suture-docs-'));
for (const name of ['examples', 'test']) symlinkSync(join(root, name), join(folder, name));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function printed(line: string): string {
  const command = line.replace(
    /^suture/,
    `'${process.execPath}' '${join(root, 'compiler/cli/suture.js')}'`,
  );
  const run = spawnSync('sh', ['-c', `${command} 2>&1`], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '100', NO_COLOR: '1' },
  });
  // Time is never the same, nor whether there is room for it in a row.
  return run.stdout
    .replace(/ +\d+\.\d\d$/gm, '')
    .replace(/,\s+\d+\.\d\d\s+s\b/g, '')
    .replace(/ +seconds$/gm, '');
}

const text = readFileSync(page, 'utf8');
const blocks = [...text.matchAll(/```console\n([\s\S]*?)```/g)].map((m) => m[1] ?? '');
const answers = new Map<string, string>();

test.each(blocks.map((b) => [b.split('\n')[0] ?? '', b]))('%s', (_, block) => {
  const commands = block.split('\n').filter((l) => l.startsWith('$ '));
  expect(commands.length).toBeGreaterThan(0);
  const now = commands.map((c) => `${c}\n${printed(c.slice(2))}`).join('\n');
  answers.set(block, now);
  if (!promote) expect(block).toBe(now);
});

test('there are some', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(6);
  if (!promote) return;
  let made = text;
  for (const [block, now] of answers) made = made.replace(block, () => now);
  writeFileSync(page, made);
});
