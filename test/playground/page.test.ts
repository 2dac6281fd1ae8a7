// What a person does with the page, and what the page then shows: typed, clicked and pressed in a real browser.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Seen, type Site, site } from './browser.ts';
import * as long from './running.ts';

const examples = join(import.meta.dirname, '../../examples');
const oneStub = readFileSync(join(examples, 'one-stub.suture'), 'utf8');
const overwrite = readFileSync(join(examples, 'overwrite-in-place.suture'), 'utf8');

let host: Site;
const open: Seen[] = [];
beforeAll(async () => {
  host = await site();
});
afterAll(async () => host.close());
// No page may complain, or ask anybody else, whatever was done to it.
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
const scenario = (page: Page, name: string) =>
  page.getByRole('tab').filter({ has: page.getByText(name, { exact: true }) });
const title = (page: Page) => page.locator('#run-title');
/** Every scenario has its verdict. */
const settled = (page: Page) => page.getByText(/^as expected$/).waitFor({ timeout: 120_000 });

async function replaceText(page: Page, text: string): Promise<void> {
  await source(page).focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text);
}

describe('the first visit', () => {
  test('opens the NMI in the shadow where it is taken, with a tour that is closed for good', async () => {
    const page = await visit();
    await title(page).getByText('Shortest run to stale_stub').waitFor();
    expect(await page.locator('#bytes .after').textContent()).toMatch(/^after step \d+$/);
    await page.locator('.choices .taken').getByText('nmi', { exact: false }).first().waitFor();
    const tour = page.getByRole('complementary', { name: 'Tour' });
    for (let sentence = 1; sentence <= 5; sentence++) {
      await tour.getByText(`${sentence} of 5`).waitFor();
      await tour.getByRole('button', { name: sentence < 5 ? 'Next' : 'Done' }).click();
    }
    expect(await tour.isVisible()).toBe(false);
    await page.reload();
    await title(page).getByText('Shortest run to stale_stub').waitFor();
    expect(await tour.isVisible()).toBe(false);
  });

  test('is in the right theme at the first paint, and stays in the one that is chosen', async () => {
    const page = await visit('?example=one-stub', { colorScheme: 'dark' });
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    expect(await theme()).toBe('dark');
    await page.getByRole('button', { name: 'Theme: system' }).click();
    expect(await theme()).toBe('light');
    await page.reload({ waitUntil: 'commit' });
    await page.locator('html[data-theme]').waitFor({ state: 'attached' });
    expect(await theme()).toBe('light');
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.getByRole('button', { name: 'Theme: dark' }).click();
    expect(await theme()).toBe('dark');
  });
});

describe('the editor', () => {
  test('says what is wrong while it is typed, explains it, and goes on when it is mended', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    await replaceText(page, oneStub.replace('release plain', 'relese plain'));
    const status = page.locator('#status');
    await status.getByRole('button', { name: /^1 error$|^\d+ errors$/ }).waitFor();
    await page.getByText('outdated').first().waitFor();
    await title(page).getByText('Outdated').waitFor();
    await page.keyboard.press('F8');
    const problem = page.getByRole('dialog', { name: 'Problem' });
    await problem.waitFor();
    expect(await problem.textContent()).toMatch(/relese|release/);
    await page.keyboard.press('Enter');
    await settled(page);
    expect(await source(page).inputValue()).toBe(oneStub);
    await page.keyboard.press('ControlOrMeta+z');
    await status.getByRole('button', { name: /error/ }).waitFor();
  });

  test('indents with Tab, goes in behind a brace, and lets the keyboard out', async () => {
    const page = await visit('?example=one-stub');
    await replaceText(page, '');
    await page.keyboard.type('code {\n', { delay: 5 });
    await page.keyboard.press('Tab');
    expect(await source(page).inputValue()).toBe('code {\n    ');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.id)).not.toBe('text');
  });

  test('keeps what was typed, and opens it without running it', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    await replaceText(page, `${oneStub}// mine\n`);
    await settled(page);
    expect(page.url()).toBe(host.address);
    await page.reload();
    await page.getByRole('button', { name: 'Check' }).waitFor();
    expect(await source(page).inputValue()).toBe(`${oneStub}// mine\n`);
    expect(await page.getByText('not checked').count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Check' }).click();
    await settled(page);
  });

  test('shows text as text, whatever it is', async () => {
    const page = await visit('?example=one-stub');
    const nasty = '<img src=x onerror=alert(1)><b>bold</b>';
    await replaceText(page, oneStub.replace('"IRQs on"', `"${nasty}"`));
    await scenario(page, nasty).waitFor();
    expect(await page.locator('img, #strip b').count()).toBe(0);
  });
});

describe('verdicts', () => {
  test('come for every scenario, each with its own sign and word', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    expect(await page.getByText('4 of 4').count()).toBe(1);
    expect(await scenario(page, 'IRQs on').textContent()).toContain(
      'violated stale_stub, as expected',
    );
    expect(await scenario(page, 'IRQs on').locator('svg.violated').count()).toBe(1);
    expect(await scenario(page, 'IRQs off at the site').textContent()).toContain('holds');
    expect(await scenario(page, 'IRQs off at the site').locator('svg.holds').count()).toBe(1);
  });

  test('are never of a text that was changed since', async () => {
    const page = await visit();
    await settled(page);
    // Each letter makes the text another one; a verdict that comes meanwhile is of the one before.
    await page.evaluate(() => {
      const seen: string[] = [];
      const look = (): void => {
        const text = document.querySelector('textarea')?.value ?? '';
        const strip = document.querySelector('#strip')?.textContent ?? '';
        if (text.includes('nosuchname') && /as expected/.test(strip) && !/outdated|was/.test(strip))
          seen.push(strip);
        requestAnimationFrame(look);
      };
      look();
      Object.assign(window, { seen });
    });
    await source(page).focus();
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press('ControlOrMeta+Home');
      await page.keyboard.insertText('// a remark\n');
      await page.waitForTimeout(90 + 15 * i);
    }
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.insertText('\nnosuchname\n');
    await page
      .getByText(/1 (error|problem)/)
      .first()
      .waitFor();
    expect(await page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual([]);
  });

  test('say what was expected and did not come', async () => {
    const page = await visit('?example=one-stub');
    await replaceText(page, oneStub.replace('expect violates stale_stub', 'expect holds'));
    await scenario(page, 'IRQs on').getByText('expected holds').waitFor();
    await page.getByText('3 of 4').waitFor();
  });

  test('are stopped by Escape, within the time of two blinks', async () => {
    const page = await visit(long.link);
    await scenario(page, long.name).click();
    await scenario(page, long.name).getByText('running').waitFor({ timeout: 60_000 });
    await page.keyboard.press('Escape');
    const before = Date.now();
    await page.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' });
    expect(Date.now() - before).toBeLessThan(1000);
    const stopped = scenario(page, long.name);
    expect(await stopped.textContent()).toMatch(/unfinished · stopped at [\d,]+ states/);
    expect(await stopped.locator('svg.unfinished').count()).toBe(1);
  });

  test('of an older text are dropped as soon as there is a newer one', async () => {
    const page = await visit(long.link);
    await scenario(page, long.name).click();
    await scenario(page, long.name).getByText('running').waitFor({ timeout: 60_000 });
    const took = await page.evaluate(async (text) => {
      const area = document.querySelector('textarea') as HTMLTextAreaElement;
      const started = performance.now();
      area.value = text;
      area.dispatchEvent(new Event('input'));
      while (!document.querySelector('#strip')?.textContent?.includes('byte by byte'))
        await new Promise((r) => setTimeout(r, 1));
      return performance.now() - started;
    }, overwrite);
    // The pause after the last key, the slice that runs, and the reading of the new text.
    expect(took).toBeLessThan(1000);
    await settled(page);
  });

  test('leave a search that grows too large unfinished, and name the bound', async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const page = await visit('?example=int3-emulate', phone);
    // The text comes by itself; what is written before that is lost.
    await page.waitForFunction(() => document.querySelector('textarea')?.value);
    await page.evaluate(() => {
      const area = document.querySelector('textarea') as HTMLTextAreaElement;
      const kept = area.value.split('\n').filter((line) => !line.startsWith('scenario'));
      area.value = `${kept.join('\n')}\nscenario "five CPUs" { cpus 5; patches 3; irq timer 2; nmi watchdog 2 } expect holds\n`;
      area.dispatchEvent(new Event('input'));
    });
    const picker = page.getByRole('button', { name: /five CPUs/ });
    await picker.getByText('unfinished').waitFor({ timeout: 180_000 });
    expect(await picker.textContent()).toMatch(/1,000,000 states, bound hit|memory bound hit/);
    expect(await picker.locator('svg.unfinished').count()).toBe(1);
  });

  test('come from a new worker when the old one dies, and the text is as it was', async () => {
    const seen = await host.open('?example=one-stub');
    const { page } = seen;
    await settled(page);
    const worker = page.workers()[0];
    await worker?.evaluate(() => {
      setTimeout(() => {
        throw new Error('the end');
      });
    });
    await title(page).getByText('The worker had ended and was started again').waitFor();
    expect(await source(page).inputValue()).toBe(oneStub);
    await page.getByRole('button', { name: 'Check' }).click();
    await settled(page);
    expect(seen.said.filter((s) => !s.includes('the end'))).toEqual([]);
    await page.context().close();
  });
});

describe('the run', () => {
  test('is walked by the keys, and each step is said in words', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    const at = page.locator('#bytes .after');
    const live = page.locator('#live');
    await page.locator('body').press('Home');
    expect(await at.textContent()).toBe('after step 0');
    await page.keyboard.press('ArrowRight');
    expect(await at.textContent()).toBe('after step 1');
    expect(await live.textContent()).toMatch(/^Step 1 of 57, CPU 0, patcher: build/);
    await page.keyboard.press('End');
    expect(await at.textContent()).toBe('after step 57');
    expect(await live.textContent()).toContain('runs in plain after its release');
    await page.keyboard.press('ArrowLeft');
    expect(await at.textContent()).toBe('after step 56');
    await page.keyboard.press('2');
    expect(await scenario(page, 'IRQs off at the site').getAttribute('aria-selected')).toBe('true');
    await title(page).getByText('Shortest run to a witness').waitFor();
    await page.getByText('Every state visited, no run violates').waitFor();
  });

  test('says what could have happened at its step', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    const list = page.getByRole('list', { name: 'What could happen here' });
    await list.getByText('violates stale_stub').waitFor();
    expect(await list.locator('.taken').textContent()).toContain('cpu1');
    await page.keyboard.press('Home');
    await list.getByText('comes next').waitFor();
  });

  test('is one of several, chosen by name', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    await page.getByRole('combobox', { name: 'Run' }).selectOption({ index: 1 });
    await title(page).getByText('Shortest run to a witness').waitFor();
  });

  test('points at the source line of its step', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    await page.locator('body').press('Home');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('.line.current').textContent()).toContain('build plain');
  });
});

describe('the frame', () => {
  test('opens an example by its name, in the menu and in the address', async () => {
    const page = await visit('?example=one-stub');
    await page.getByRole('button', { name: /gallery and kept texts/ }).click();
    const gallery = page.getByRole('dialog', { name: 'Gallery' });
    await gallery.getByText('scenarios:').first().waitFor();
    expect(await gallery.getByRole('link').count()).toBe(8);
    await gallery.getByRole('link', { name: /spin-iret/ }).click();
    expect(page.url()).toBe(`${host.address}?example=spin-iret`);
    await page.getByRole('button', { name: /^spin_iret/ }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: /^one_stub/ }).waitFor();
    await page.goto(`${host.address}?example=no-such-thing`);
    await title(page).getByText('There is no example called no-such-thing').waitFor();
    expect(await source(page).inputValue()).toBe('');
  });

  test('lists the gallery where there is no text', async () => {
    const page = await visit('?example=one-stub');
    await replaceText(page, '');
    await page.getByText('There is no text.').waitFor();
    await page.locator('#run').getByRole('link', { name: 'two-stubs' }).click();
    await page.getByRole('button', { name: /^two_stubs/ }).waitFor();
  });

  test('is one pane at a time on a phone, with tabs and no loss', async () => {
    const page = await visit('?example=one-stub', { viewport: { width: 360, height: 740 } });
    const panes = page.getByRole('tablist', { name: 'Panes' });
    await panes.getByRole('tab', { name: 'Source' }).click();
    expect(await source(page).isVisible()).toBe(true);
    expect(await page.locator('#run').isVisible()).toBe(false);
    await panes.getByRole('tab', { name: 'Bytes' }).click();
    await page.getByRole('heading', { name: 'What each CPU may fetch' }).waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBe(360);
    await panes.getByRole('tab', { name: 'Source' }).click();
    const small = await page.evaluate(
      () =>
        [...document.querySelectorAll('button')]
          .filter((b) => b.checkVisibility())
          .map((b) => b.getBoundingClientRect())
          .filter((r) => r.height < 40 || r.width < 40).length,
    );
    expect(small).toBe(0);
  });

  test('goes round its panes by F6, and shows its keys', async () => {
    const page = await visit('?example=one-stub');
    await settled(page);
    const where = () =>
      page.evaluate(() => document.activeElement?.closest('section, #strip, header')?.id ?? '');
    await page.locator('body').press('F6');
    const round = [];
    for (let i = 0; i < 5; i++) {
      round.push(await where());
      await page.keyboard.press('F6');
    }
    expect(new Set(round).size).toBe(5);
    await page.locator('#run .pane').focus();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('the next pane').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog', { name: 'Keys' }).isVisible()).toBe(false);
  });
});
