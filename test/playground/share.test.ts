// Links: what a person shares another one opens, at the step that was looked at; and no link does harm.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeLink, type Shared } from '../../compiler/index.ts';
import { Folder } from '../cli/command.ts';
import { type Seen, type Site, site } from './browser.ts';

const examples = join(import.meta.dirname, '../../examples');
const overwrite = readFileSync(join(examples, 'overwrite-in-place.suture'), 'utf8');
const old = readFileSync(join(import.meta.dirname, '../share/links.txt'), 'utf8')
  .split('\n')
  .filter((l) => l.startsWith('#'))
  .map((l) => l.split(' => ')[0] ?? '');

let host: Site;
const open: Seen[] = [];
beforeAll(async () => {
  host = await site();
});
afterAll(async () => host.close());
afterEach(async () => {
  const said = open.flatMap((s) => s.said);
  const strange = open.flatMap((s) => s.strange);
  for (const s of open.splice(0)) await s.page.context().close();
  expect(said).toEqual([]);
  expect(strange).toEqual([]);
});

async function visit(...args: Parameters<Site['open']>): Promise<Page> {
  const seen = await host.open(...args);
  open.push(seen);
  return seen.page;
}
const source = (page: Page) => page.getByRole('textbox', { name: 'Source of the protocol' });
const title = (page: Page) => page.locator('#run-title');
const behind = (page: Page) => page.locator('#bytes .after');
const permissions = ['clipboard-read', 'clipboard-write'];

async function share(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Share' }).click();
  const field = page.getByRole('textbox', { name: 'Link' });
  await field.waitFor();
  const link = await field.inputValue();
  await page.keyboard.press('Escape');
  return link;
}

describe('a link', () => {
  test('is copied, with its length, and opens the same run at the same step', async () => {
    const page = await visit('?example=overwrite-in-place', { permissions });
    await page.getByText(/^as expected$/).waitFor({ timeout: 120_000 });
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'Table' }).click();
    expect(await behind(page).textContent()).toBe('after step 2');
    await page.getByRole('button', { name: 'Share' }).click();
    await page
      .getByText(/^Copied: [\d,]+ characters, with the text, the run and step 2\./)
      .first()
      .waitFor();
    const link = await page.getByRole('textbox', { name: 'Link' }).inputValue();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
    expect(link.slice(0, host.address.length + 4)).toBe(`${host.address}#v1.`);
    // Nothing of it is in the address of the page itself.
    expect(page.url()).not.toContain('v1.');

    const other = await visit(link.slice(host.address.length));
    await title(other)
      .getByText('Shared run')
      .or(title(other).getByText('Shortest run to torn_instruction'))
      .waitFor();
    expect(await source(other).inputValue()).toBe(overwrite);
    expect(await behind(other).textContent()).toBe('after step 2');
    expect(await other.getByRole('button', { name: 'Table' }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    // The search says the rest, and the step stays.
    await title(other).getByText('Shortest run to torn_instruction').waitFor({ timeout: 120_000 });
    expect(await behind(other).textContent()).toBe('after step 2');
  });

  test('goes from the command to the page and back', async () => {
    const folder = new Folder();
    folder.write('spec.suture', overwrite);
    const made = await folder.run([
      'share',
      'spec.suture',
      '--scenario',
      'byte by byte',
      '--step',
      '3',
      '--base',
      host.address,
    ]);
    const page = await visit(made.out.trim().slice(host.address.length));
    await behind(page).getByText('after step 3').waitFor();
    const opened = await folder.run(['open', await share(page)]);
    expect(opened.code).toBe(0);
    expect(opened.out).toContain('"byte by byte", torn_instruction');
  });

  test('says where a run no longer fits, and shows it as far as it does', async () => {
    const page = await visit('?example=overwrite-in-place');
    await page.getByText(/^as expected$/).waitFor({ timeout: 120_000 });
    const { decodeLink } = await import('../../compiler/index.ts');
    const held = (await decodeLink(new URL(await share(page)).hash)) as Shared;
    if (!held.run) throw new Error('no run');
    const digests = held.run.digests.map((d, i) => (i === 3 ? '0000' : d));
    const wrong = await encodeLink({ ...held, run: { ...held.run, digests } });
    const other = await visit(`#${wrong}`);
    await title(other)
      .getByText(/^Diverges at step 4: expected digest 0000, got [0-9a-f]{16}/i)
      .waitFor();
    await behind(other).getByText('after step 3').waitFor();
  });

  test('of a long text says that a file is better, and saves it', async () => {
    const page = await visit('?example=two-stubs');
    await source(page).focus();
    await page.keyboard.press('ControlOrMeta+End');
    const noise = Array.from({ length: 1500 }, (_, i) => ((i * 7919) % 9973).toString(36)).join(
      ' ',
    );
    await page.keyboard.insertText(`\n// ${noise}\n`);
    await page.getByRole('button', { name: 'Share' }).click();
    await page.getByText('send the file instead').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save the text as a file' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('two-stubs.suture');
  });

  test.each(old)('of old opens: %.30s', async (link) => {
    const page = await visit(link);
    await page.locator('#protocol[data-name]').waitFor();
    expect(await title(page).textContent()).not.toContain('damaged');
  });
});

describe('no link does harm', () => {
  test('200 of them: an answer each, an empty editor or its text, and never markup', async () => {
    const page = await visit('?example=one-stub');
    await page.locator('#protocol[data-name="one_stub"]').waitFor();
    const good = old[3] as string;
    const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const run = {
      check: 0,
      finding: markup,
      initial: 0,
      schedule: [markup],
      digests: ['0000'],
      step: 1,
    };
    const hostile: string[] = [
      ...Array.from({ length: 120 }, (_, i) =>
        good.slice(0, 2 + Math.floor((i * good.length) / 120)),
      ),
      ...Array.from({ length: 40 }, (_, i) => {
        const at = 4 + Math.floor((i * (good.length - 5)) / 40);
        return `${good.slice(0, at)}${good[at] === 'x' ? 'y' : 'x'}${good.slice(at + 1)}`;
      }),
      '#v2.abc',
      '#v1',
      '#v1.',
      '#v999999.x',
      '#hello',
      '#%00',
      '#v1.%3Cscript%3E',
      `#${encodeURIComponent(markup)}`,
      `#v1.${'A'.repeat(600_000)}`,
      ...(await Promise.all(
        [
          { source: markup },
          { source: `protocol p "${markup}"` },
          { source: overwrite, scenario: markup, run },
          { source: overwrite, scenario: 'byte by byte', run },
          { source: overwrite, scenario: 'byte by byte', run: { ...run, check: 99 } },
          { source: overwrite, scenario: 'byte by byte', run: { ...run, initial: 99 } },
          {
            source: overwrite,
            scenario: 'byte by byte',
            run: { ...run, finding: 'holds', schedule: ['cpu0 step'], digests: ['0000'] },
          },
          { source: overwrite, view: markup },
          { source: 'x'.repeat(100), selection: [3, 90] as const },
          { source: '\u202e\u0000\ud800' },
          { source: 'a'.repeat(3_000_000) },
        ].map(async (x) => `#${await encodeLink(x as Shared)}`),
      )),
      ...Array.from({ length: 20 }, (_, i) => `#v1.${'_-'.repeat(i + 1)}`),
    ];
    expect(hostile.length).toBeGreaterThanOrEqual(200);
    for (const link of hostile) {
      await page.evaluate((hash) => {
        document.querySelector('#run-title')?.replaceChildren('waiting');
        location.hash = hash;
      }, link);
      // Every link is answered: by a sentence, or by what it holds.
      await page.waitForFunction(
        () => document.querySelector('#run-title')?.textContent !== 'waiting',
      );
    }
    expect(
      await page.evaluate(
        () =>
          document.querySelectorAll('#run-title img, #status img, #strip img, main script').length,
      ),
    ).toBe(0);
    expect(await page.title()).not.toMatch(/^[12]$/);
    // It still works.
    await page.evaluate(
      (hash) => {
        location.hash = hash;
      },
      `#${await encodeLink({ source: overwrite })}`,
    );
    await page.getByText(/^as expected$/).waitFor({ timeout: 120_000 });
  }, 300_000);

  test('a damaged one: one sentence, an empty editor, and nothing that was kept is lost', async () => {
    const page = await visit('?example=one-stub');
    await source(page).focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText('protocol mine "to be kept"');
    await page.locator('#protocol[data-name="mine"]').waitFor();
    await page.evaluate(() => {
      location.hash = '#v1.AAAA';
    });
    await title(page)
      .getByText('This link is damaged: a part of it is missing or was changed on its way.')
      .waitFor();
    expect(await source(page).inputValue()).toBe('');
    await page.goto(host.address);
    expect(await source(page).inputValue()).toBe('protocol mine "to be kept"');
  });
});
