// A page that checked a large spec many times more holds no more memory than before, and answers keys meanwhile.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { site } from './browser.ts';

/** Bytes that the browser's processes hold: those that descend from this one. */
function held(): number {
  const parents = new Map<number, number>();
  const pages = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((n) => /^\d+$/.test(n)))
    try {
      // The command's name stands in parentheses and may hold anything.
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      parents.set(Number(name), Number(fields[1]));
      pages.set(Number(name), Number(readFileSync(`/proc/${name}/statm`, 'utf8').split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  const ours = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || ours(parent));
  };
  return 4096 * [...pages].reduce((n, [pid, count]) => n + (ours(pid) ? count : 0), 0);
}

const more = process.env.SUTURE_LONG === undefined ? 5 : 10;

test(`memory is flat after ${more} more checks, and keys are answered during a check`, async () => {
  const host = await site();
  const spec = readFileSync(join(import.meta.dirname, '../../examples/spin-iret.suture'), 'utf8')
    .split('\n')
    .filter((l) => !l.startsWith('scenario ') || l.includes('a sticky flag'))
    .join('\n');
  const { page, said } = await host.open('?example=overwrite-in-place');
  const text = page.getByRole('textbox', { name: 'Source of the protocol' });
  const aside = page.locator('.aside');
  let waited = 0;
  const check = async (n: number): Promise<void> => {
    await text.focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(`${spec}// ${n}\n`);
    // A remark alone would keep the verdict.
    await page.keyboard.press('ControlOrMeta+Enter');
    await aside.getByRole('button', { name: 'Stop' }).waitFor({ timeout: 60_000 });
    waited = Math.max(
      waited,
      await page.evaluate(async () => {
        let worst = 0;
        for (let i = 0; i < 30; i++) {
          const begun = performance.now();
          await new Promise((r) => setTimeout(r, 0));
          worst = Math.max(worst, performance.now() - begun);
        }
        return worst;
      }),
    );
    await aside.getByText('1 of 1').waitFor({ timeout: 120_000 });
  };
  for (let n = 0; n < 2; n++) await check(n);
  const before = held();
  for (let n = 2; n < 2 + more; n++) await check(n);
  const after = held();
  await host.close();
  expect(before).toBeGreaterThan(100 << 20);
  // Each of these checks holds some 45 MB: those that were kept would be seen.
  expect((after - before) / (1 << 20)).toBeLessThan(150);
  expect(waited).toBeLessThan(250);
  expect(said).toEqual([]);
});
