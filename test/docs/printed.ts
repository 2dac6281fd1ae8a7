// What the command prints where a page shows it: run in a folder that has what the page names, without its clock.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const promote = process.env.SUTURE_PROMOTE !== undefined;
const long = process.env.SUTURE_LONG !== undefined;

/**
 * Each block of a page that begins with `$` has behind it what its commands print; `without` takes out what changes.
 * Blocks that are `slow` are for the long form.
 */
export function checkPage(
  name: string,
  least: number,
  without = (said: string): string => said,
  slow: (command: string) => boolean = () => false,
) {
  // A folder of its own, so that nothing is left in the clone.
  const folder = mkdtempSync(join(tmpdir(), 'suture-docs-'));
  for (const part of ['examples', 'test']) symlinkSync(join(root, part), join(folder, part));
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
    // Time is never the same, and may be what a line ends in or the next one begins with.
    return without(
      run.stdout
        .replace(/ +\d+\.\d\d$/gm, '')
        .replace(/,\s\d+(\.\d\d)?\ss\b/g, '')
        .replace(/ +seconds$/gm, ''),
    );
  }

  const page = join(root, name);
  const text = readFileSync(page, 'utf8');
  const blocks = [...text.matchAll(/```console\n([\s\S]*?)```/g)].map((m) => m[1] ?? '');
  const answers = new Map<string, string>();

  const first = (block: string): string => block.split('\n')[0] ?? '';
  const now = blocks.filter((b) => long || promote || !slow(first(b)));
  for (const block of blocks.filter((b) => !now.includes(b))) test.skip(first(block), () => {});
  test.each(now.map((b) => [first(b), b]))('%s', (_, block) => {
    const commands = block.split('\n').filter((l) => l.startsWith('$ '));
    expect(commands.length).toBeGreaterThan(0);
    const said = commands.map((c) => `${c}\n${printed(c.slice(2))}`).join('\n');
    answers.set(block, said);
    if (!promote) expect(block).toBe(said);
  });

  test(`${name} has some`, () => {
    expect(blocks.length).toBeGreaterThanOrEqual(least);
    if (!promote) return;
    let made = text;
    for (const [block, said] of answers) made = made.replace(block, () => said);
    writeFileSync(page, made);
  });
}
