// The run and the bytes as a person reads them: lanes, table, time travel, what each CPU may fetch.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { compile, Verification } from '../../compiler/index.ts';
import { outcomeOf } from '../../playground/runs.ts';
import { type Seen, type Site, site } from './browser.ts';

const root = join(import.meta.dirname, '../..');
let host: Site;
const open: Seen[] = [];
beforeAll(async () => {
  host = await site();
});
afterAll(async () => host.close());
afterEach(async () => {
  const said = open.flatMap((s) => s.said);
  for (const s of open.splice(0)) await s.page.context().close();
  expect(said).toEqual([]);
});

/** The run of two stubs to the stub that is gone, with its tour closed and nothing in the focus. */
async function nmiRun(...options: Parameters<Site['open']>): Promise<Page> {
  const [query = '?example=two-stubs', more] = options;
  const seen = await host.open(query, more);
  open.push(seen);
  const { page } = seen;
  await page.locator('#run-title').getByText('Shortest run to stale_stub').waitFor();
  await page.evaluate(() => {
    document.querySelector('#tour')?.remove();
    (document.activeElement as HTMLElement | null)?.blur();
  });
  return page;
}

async function scenarioOf(example: string, name: string): Promise<Page> {
  const seen = await host.open(`?example=${example}`);
  open.push(seen);
  const { page } = seen;
  const tab = page.getByRole('tab').filter({ has: page.getByText(name, { exact: true }) });
  await tab.click();
  await tab.getByText(/^(holds|violated)$/).waitFor({ timeout: 120_000 });
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  return page;
}

async function go(page: Page, step: number): Promise<void> {
  await page.keyboard.press('g');
  await page.getByRole('textbox', { name: 'Go to step' }).fill(String(step));
  await page.keyboard.press('Enter');
  await at(page, step);
}

const at = (page: Page, step: number) =>
  page.locator('#bytes .after').getByText(`after step ${step}`, { exact: true }).waitFor();
const lanes = (page: Page) => page.locator('.drawing');
const stretch = (page: Page, name: string) => page.getByRole('region', { name });
const lines = (page: Page, name: string) =>
  stretch(page, name)
    .locator('.line')
    .evaluateAll((all) =>
      all.map((l) =>
        [...l.querySelectorAll('.name, .byte, .said')]
          .map((x) => x.textContent?.trim() ?? '')
          .filter((x) => x !== '')
          .join(' '),
      ),
    );

describe('lanes', () => {
  test('say what happened, where the window was, and from where on it was lost', async () => {
    const page = await nmiRun();
    await page.keyboard.press('End');
    await at(page, 84);
    for (const text of [
      'NMI in the shadow',
      'window open',
      'ends the shadow',
      'from here every run violates',
    ])
      expect(await lanes(page).getByText(text).count(), text).toBeGreaterThan(0);
    expect(await page.locator('.drawing .broken').count()).toBe(1);
    expect(await page.locator('.drawing .number').last().textContent()).toBe('84');
    const why = page.getByRole('region', { name: 'Why' });
    expect(await why.textContent()).toContain('Runs in irqs after its release');
    await why.getByRole('button', { name: 'step 56' }).click();
    await at(page, 56);
  });

  test('fold what is quiet, open it by its chevron or by stepping in, and move nothing that is looked at', async () => {
    const page = await nmiRun();
    await go(page, 0);
    const built = lanes(page).getByText('plain[9]', { exact: true });
    expect(await lanes(page).getByText('1–42', { exact: true }).count()).toBe(1);
    expect(await built.count()).toBe(0);
    const box = await page.locator('.lanes').boundingBox();
    await page.mouse.click((box?.x ?? 0) + 8, (box?.y ?? 0) + 12);
    expect(await built.count()).toBeGreaterThan(0);
    await page.mouse.click((box?.x ?? 0) + 8, (box?.y ?? 0) + 12);
    expect(await built.count()).toBe(0);
    await page.keyboard.press('ArrowRight');
    await at(page, 1);
    expect(await built.count()).toBeGreaterThan(0);
    // Out of one fold into the next: the row that is gone to stays where it was.
    await go(page, 84);
    await go(page, 66);
    const top = () =>
      page.locator('.lanes .cursor').evaluate(async (c) => {
        await Promise.all(c.getAnimations().map((a) => a.finished));
        return c.getBoundingClientRect().top;
      });
    const before = await top();
    await page.keyboard.press('ArrowRight');
    await at(page, 67);
    expect(await top()).toBe(before + 24);
    expect(await lanes(page).getByText('place[4]', { exact: true }).count()).toBe(0);
  });

  test('are walked by keys, buttons, pointer and number', async () => {
    const page = await nmiRun();
    await go(page, 57);
    await page.keyboard.press(']');
    await at(page, 58);
    await page.keyboard.press(']');
    await page.keyboard.press(']');
    await page.keyboard.press(']');
    // The next step of the same CPU is in the sync behind the poke.
    await at(page, 68);
    await page.keyboard.press('[');
    await at(page, 60);
    await page.getByRole('button', { name: 'Previous step' }).click();
    await at(page, 59);
    await page.getByRole('button', { name: 'Last step' }).click();
    await at(page, 84);
    await page.getByRole('button', { name: 'First step' }).click();
    await at(page, 0);
    const slider = page.getByRole('slider', { name: 'Step' });
    const box = await slider.boundingBox();
    if (!box) throw new Error('no track');
    await page.mouse.move(box.x + 12, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 30, { steps: 4 });
    await page.mouse.up();
    await at(page, 42);
    expect(await slider.getAttribute('aria-valuetext')).toContain('Step 42 of 84');
    await page.keyboard.press('g');
    await page.keyboard.type('9999');
    await page.keyboard.press('Enter');
    await at(page, 84);
    await page.keyboard.press('g');
    await page.keyboard.press('Escape');
    await at(page, 84);
    await page.keyboard.press('w');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'Why',
    );
  });

  test('are run to a condition, on and back, of one CPU or of any', async () => {
    const page = await nmiRun();
    await page.keyboard.press('Home');
    await page.keyboard.press('u');
    const sheet = page.getByRole('dialog', { name: 'Run to' });
    const to = (name: string) => sheet.getByRole('button', { name, exact: true }).click();
    await to('On to a trap');
    await at(page, 52);
    await to('On to a trap');
    await sheet.getByText('Behind step 52 there is none: a trap.').waitFor();
    await to('On to an NMI');
    await at(page, 56);
    await to('Back to a stub is entered');
    await at(page, 53);
    await to('On to an acknowledgement');
    await at(page, 60);
    await sheet.getByRole('combobox', { name: 'Of which CPU' }).selectOption('CPU 0 patcher');
    await to('On to an NMI');
    await sheet.getByText('Behind step 60 there is none: an NMI of CPU 0.').waitFor();
    await to('On to a write to code');
    await at(page, 62);
    await to('Back to a write to code');
    await at(page, 48);
    await page.keyboard.press('Escape');
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    // The same again, by keys.
    await page.keyboard.press('n');
    await at(page, 62);
    await page.keyboard.press('N');
    await at(page, 48);
  });

  test('have one column of labels where there are three CPUs, and an arrow to each', async () => {
    const page = await scenarioOf('int3-emulate', 'three CPUs');
    const picked = page.getByRole('combobox', { name: 'Run' });
    const names = await picked.locator('option').allTextContents();
    await picked.selectOption({ label: names.find((n) => n.includes('pass place as new')) ?? '' });
    const labels = await lanes(page)
      .locator('text:has(.word)')
      .evaluateAll((all) => [...new Set(all.map((t) => t.getAttribute('x')))]);
    expect(labels.length).toBe(1);
    expect(await page.locator('.heads b').allTextContents()).toEqual(['CPU 0', 'CPU 1', 'CPU 2']);
  });
});

describe('the table', () => {
  test('has every step, with what the lanes say of it', async () => {
    const page = await nmiRun();
    await go(page, 57);
    await page.keyboard.press('l');
    const table = page.getByRole('table', { name: 'Steps of the run' });
    const row = table.locator('[data-step="57"]');
    await row.waitFor();
    expect(await row.getAttribute('aria-current')).toBe('step');
    expect(await row.innerText()).toMatch(
      /57\s+1 NMI\s+iret\s+to irqs\+6, IF=1; window open\s+IPI pending, in irqs/,
    );
    expect(await table.getAttribute('aria-rowcount')).toBe('85');
    // Scrolled through, it names each step once.
    const seen = new Set<string>();
    for (let k = 0; k <= 10; k++) {
      await page.locator('#run .pane').evaluate((p, part) => {
        p.scrollTop = part * p.scrollHeight;
      }, k / 10);
      await page.waitForTimeout(50);
      for (const n of await table.locator('[data-step] .number').allTextContents()) seen.add(n);
    }
    expect(seen.size).toBe(84);
    await table.locator('[data-step="80"]').click();
    await at(page, 80);
    await page.getByRole('button', { name: 'Lanes' }).click();
    expect(await lanes(page).isVisible()).toBe(true);
  });
});

describe('what each CPU may fetch', () => {
  test('is what is in memory, and what may be stale, decoded', async () => {
    const page = await nmiRun();
    await go(page, 48);
    expect(await stretch(page, 'place place').textContent()).toContain(
      'CPU 0 has [0] = cc in its store buffer',
    );
    await go(page, 49);
    expect(await lines(page, 'place place')).toEqual([
      'bd be bf c0 c1',
      'memory cc 3e dd dd fd int3',
      'CPU 0 runs none of this code',
      'CPU 1 cc 3e dd dd fd int3',
      'or e8 call one stale since 49',
    ]);
    expect(await page.locator('.byte.stale').count()).toBe(1);
    await go(page, 0);
    expect(await stretch(page, 'stub irqs').textContent()).toContain('not built');
    await page.keyboard.press('End');
    await at(page, 84);
    expect(await stretch(page, 'stub irqs').textContent()).toContain('released at 82');
    expect(await stretch(page, 'stub irqs').textContent()).toContain('runs it, released');
    expect(await page.locator('.byte.released').count()).toBe(21);
  });

  test('is said to be torn by a word and a pattern', async () => {
    const page = await scenarioOf('int3-emulate', 'no first sync');
    await page.locator('#run-title').getByText('Shortest run to torn_instruction').waitFor();
    expect((await lines(page, 'place place')).at(-1)).toBe('or e8 fe torn stale since 5');
    expect(await page.locator('.byte.torn').count()).toBe(2);
  });

  test('stands still, whatever step is shown', async () => {
    const page = await nmiRun();
    const boxes = () =>
      page
        .locator('.stretch, .stretch .line')
        .evaluateAll((all) => all.map((x) => Math.round(x.getBoundingClientRect().top)));
    const first = await boxes();
    for (const step of [0, 30, 42, 49, 52, 56, 66, 74, 84]) {
      await go(page, step);
      expect(await boxes(), `step ${step}`).toEqual(first);
    }
  });

  test('is linked with the source, both ways', async () => {
    const page = await nmiRun();
    await stretch(page, 'stub irqs').locator('.memory .byte').nth(5).hover();
    await page.locator('#editor .pointed').getByText('sti').waitFor();
    // In either editor: a click into the line.
    await expect
      .poll(async () => {
        const line = page
          .locator('#editor :is(.line, .view-line)')
          .filter({ hasText: /stub.irqs/ });
        const box = await line.first().boundingBox();
        if (box) await page.mouse.click(box.x + 80, box.y + 8);
        return stretch(page, 'stub irqs').locator('.memory [data-marked]').count();
      })
      .toBe(11);
    expect(await page.locator('.drawing .marked').count()).toBeGreaterThan(0);
  });
});

describe('a run of 2,000 steps', () => {
  test('is scrubbed as a short one is: script, style and layout of a step', async () => {
    const spec = compile(readFileSync(join(root, 'examples/two-stubs.suture'), 'utf8'));
    const scenario = spec.scenarios.find((s) => s.name === 'an NMI in the shadow');
    if (!scenario) throw new Error('no such scenario');
    const verification = new Verification(spec, scenario, {});
    while (!verification.advance(100_000).done);
    const run = outcomeOf(spec, verification.result(), [0]).runs[0];
    const made = await build({
      entryPoints: [join(import.meta.dirname, 'long.ts')],
      bundle: true,
      write: false,
      outdir: '/',
      format: 'iife',
      logLevel: 'silent',
    });
    const file = (end: string): string =>
      made.outputFiles.find((f) => f.path.endsWith(end))?.text ?? '';
    const page = await host.browser.newPage({ viewport: { width: 1000, height: 760 } });
    await page.setContent('<!doctype html><html lang="en"><body></body></html>');
    await page.addStyleTag({ content: readFileSync(join(root, 'playground/style.css'), 'utf8') });
    await page.addStyleTag({ content: file('.css') });
    await page.addScriptTag({ content: file('.js') });
    if (!run) throw new Error('no run');
    // What the page's thread computed, not what it waited for on a busy machine.
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const spent = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return metrics.find((m) => m.name === 'TaskDuration')?.value ?? Number.NaN;
    };
    const cost = async (wanted: readonly number[]): Promise<number> => {
      const from = await spent();
      await page.evaluate((all) => {
        for (const step of all) {
          window.show(step);
          // Whoever asks where something is has style and layout done.
          document.querySelector('.drawing')?.getBoundingClientRect();
        }
      }, wanted);
      return ((await spent()) - from) * (1000 / wanted.length);
    };
    /** Milliseconds of a jump and of a step in the run so many times over. */
    const costs = async (times: number): Promise<{ jump: number; next: number }> => {
      const steps = await page.evaluate(([r, n]) => window.begin(r, n), [run, times] as const);
      expect(steps).toBe(84 * times);
      const far = Array.from({ length: 100 }, (_, k) => (k * 53) % steps);
      const near = Array.from({ length: 168 }, (_, k) => ((steps >> 1) + k) % steps);
      return { jump: await cost(far), next: await cost(near) };
    };
    await costs(1);
    const short = await costs(1);
    const long = await costs(24);
    for (const [name, c] of Object.entries({ short, long }))
      console.log(`${name}: ${c.jump.toFixed(1)} ms a jump, ${c.next.toFixed(1)} ms a step`);
    expect(long.jump).toBeLessThan(3 * short.jump);
    expect(long.next).toBeLessThan(3 * short.next);
    // Not everything is drawn.
    expect(await page.locator('.drawing *').count()).toBeLessThan(3000);
    await page.close();
  });
});
