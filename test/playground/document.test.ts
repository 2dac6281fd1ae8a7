// The document that the page saves is the one that the command prints, but for seconds and memory.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, site } from './browser.ts';

const root = resolve(import.meta.dirname, '../..');
/** These take longer than all others together. */
const long = ['int3-emulate', 'per-cpu-stubs', 'two-stubs'];
const names = readdirSync(join(root, 'examples'))
  .filter((f) => f.endsWith('.suture'))
  .map((f) => basename(f, '.suture'))
  .filter((name) => process.env.SUTURE_LONG !== undefined || !long.includes(name));

let host: Site;
beforeAll(async () => {
  host = await site();
});
afterAll(async () => host.close());

/** Without what differs from one run to the next. */
function comparable(text: string): unknown {
  return JSON.parse(text, (key, value) =>
    key === 'seconds' || key === 'peakBytes' ? undefined : value,
  );
}

test('there are examples to compare', () => expect(names.length).toBeGreaterThan(4));

for (const name of names)
  test(name, async () => {
    const { page, said } = await host.open(`?example=${name}`);
    await page
      .locator('.aside')
      .getByText('as expected')
      .waitFor({ timeout: 15 * 60_000 });
    await page.getByRole('button', { name: 'Keys and help' }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the verdicts as JSON' }).click();
    const ours = readFileSync(await (await saved).path(), 'utf8');
    await page.context().close();
    const command = execFileSync(
      process.execPath,
      ['compiler/cli/suture.js', 'verify', `examples/${name}.suture`, '--json'],
      { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    expect(JSON.parse(ours).files[0].scenarios.length).toBeGreaterThan(3);
    expect(comparable(ours)).toEqual(comparable(command));
    expect(said).toEqual([]);
  });
