// How the page searches: on generated code where the browser allows it, small scenarios first, and nothing twice.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile, encodeLink, reductions, Verification } from '../../compiler/index.ts';
import { type Site, site } from './browser.ts';

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, `../../examples/${name}.suture`), 'utf8');
/** An example with those of its scenarios whose names have one of these words. */
const only = (name: string, ...words: readonly string[]): string =>
  example(name)
    .split('\n')
    .filter((l) => !l.startsWith('scenario ') || words.some((w) => l.includes(`"${w}`)))
    .join('\n');
/** One scenario that is neither small nor long. */
const large = `${only('int3-emulate', '-')}
scenario "three CPUs" { cpus 3; patches 2; irq timer 1; nmi watchdog 1 } expect holds
`;

let host: Site;
beforeAll(async () => {
  host = await site();
});
afterAll(async () => host.close());

async function type(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Source of the protocol' }).focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text);
}
const settled = (page: Page, of: number) =>
  page.locator('.aside').getByText(`${of} of ${of}`).waitFor({ timeout: 60_000 });
const searched = (page: Page) => page.locator('.facts p').filter({ hasText: /^Searched / });

/** What the plain interpreter finds here, with the same left out. */
function figures(): string {
  const compiled = compile(large);
  const [scenario] = compiled.scenarios;
  if (!scenario || compiled.scenarios.length > 1) throw new Error('not the scenario alone');
  const verification = new Verification(compiled, scenario, {}, { reducing: reductions });
  while (!verification.advance(100_000).done);
  const { verdict, checks } = verification.result();
  const [{ result, witnesses }] = checks as [(typeof checks)[0]];
  const reached = witnesses.filter((w) => w.reached).length;
  return `${verdict} · ${result.states.toLocaleString('en-US')} states · ${reached} of ${witnesses.length} witnesses, ${result.depth.toLocaleString('en-US')}`;
}
async function shown(page: Page): Promise<string> {
  const tab = (await page.locator('#strip').getByRole('tab').first().textContent()) ?? '';
  const depth = await page.locator('.facts td.number').nth(1).textContent();
  return `${/holds .*witnesses/.exec(tab)?.[0] ?? tab}, ${depth}`;
}

const wanted = figures();

/** A page that is changed before anything of it is loaded. */
async function changed(pattern: string, change: 'refuse' | 'lose') {
  const seen = await host.open('icon.svg');
  const asked: string[] = [];
  await seen.page.context().route(new RegExp(pattern), async (route) => {
    asked.push(route.request().url());
    if (change === 'lose') return route.abort();
    const response = await route.fetch();
    const headers = { ...response.headers(), 'content-security-policy': "script-src 'self'" };
    return route.fulfill({ response, headers });
  });
  await seen.page.goto(`${host.address}?example=overwrite-in-place`);
  await type(seen.page, large);
  await settled(seen.page, 1);
  return { ...seen, asked };
}

test('on generated code, with the figures of the interpreter, once a search is not small', async () => {
  const small = only('int3-emulate', 'trap gate, it looks again');
  const { page, said, strange } = await host.open(`#${await encodeLink({ source: small })}`);
  await settled(page, 1);
  const loaded: string[] = [];
  page.on('request', (r) => loaded.push(r.url()));
  await type(page, large);
  await settled(page, 1);
  // Not before: a module is asked for once.
  expect(loaded.filter((u) => u.includes('/engine-')).length).toBe(1);
  expect(await searched(page).textContent()).toMatch(
    /^Searched reduced; generated; [\d,]+ states and steps interpreted\.$/,
  );
  expect(await shown(page)).toBe(wanted);
  expect(said).toEqual([]);
  expect(strange).toEqual([]);
  await page.context().close();
});

test('on the interpreter, and says so, where the host refuses WebAssembly', async () => {
  const { page, said, asked } = await changed('/worker-[^/]*\\.js$', 'refuse');
  expect(asked.length).toBe(1);
  expect(await searched(page).textContent()).toBe(
    'Searched reduced; interpreted: this host refuses WebAssembly.',
  );
  expect(await shown(page)).toBe(wanted);
  // The picture that was opened first has no icon of its own, which a browser says when it likes.
  expect(said.filter((s) => !s.includes('404'))).toEqual([]);
  await page.context().close();
});

test('on the interpreter, and says so, where the generator does not come', async () => {
  const { page, asked } = await changed('/engine-[^/]*\\.js$', 'lose');
  expect(asked.length).toBeGreaterThan(0);
  expect(await searched(page).textContent()).toBe(
    'Searched reduced; interpreted: the generator could not be loaded.',
  );
  expect(await shown(page)).toBe(wanted);
  await page.context().close();
});

test('a scenario of which an edit changes nothing keeps its verdict, until all is wanted anew', async () => {
  const text = example('one-stub');
  const { page, said } = await host.open('?example=one-stub');
  await settled(page, 4);
  const tabs = page.locator('#strip').getByRole('tab');
  const kept = async (): Promise<string[]> => {
    const out: string[] = [];
    for (let i = 0; i < 4; i++) {
      await tabs.nth(i).click();
      const figures = (await page.locator('#status .left').textContent()) ?? '';
      out.push(figures.endsWith(' kept') ? 'kept' : 'searched');
    }
    return out;
  };
  const all = (word: string): string[] => [word, word, word, word];
  expect(await kept()).toEqual(all('searched'));
  const before = await tabs.allTextContents();
  await type(page, `// A remark.\n${text}`);
  await page
    .locator('#status')
    .getByText(/ kept$/)
    .waitFor();
  await settled(page, 4);
  expect(await kept()).toEqual(all('kept'));
  expect(await tabs.allTextContents()).toEqual(before);
  const third = text.replace('{ reuse = off }', '{ reuse = off; rsp 8 }');
  expect(third).not.toBe(text);
  await type(page, third);
  await settled(page, 4);
  expect(await kept()).toEqual(['kept', 'kept', 'searched', 'kept']);
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect.poll(kept, { timeout: 30_000 }).toEqual(all('searched'));
  expect(said).toEqual([]);
  await page.context().close();
});

test('small scenarios have their verdicts before a large one that stands before them', async () => {
  const few = only('int3-emulate', 'both do', 'no third');
  const { page } = await host.open('?example=overwrite-in-place');
  await page.locator('.aside').getByText('as expected').waitFor({ timeout: 60_000 });
  await page.evaluate(() => {
    const order: string[] = [];
    const seen = new Set<string>();
    const look = (): void => {
      for (const tab of document.querySelectorAll('#strip [role=tab]')) {
        const text = tab.textContent ?? '';
        const name = ['both do', 'no third sync, there', 'no third sync'].find((n) =>
          text.includes(n),
        );
        if (name && !seen.has(name) && /(holds|violated) /.test(text)) {
          seen.add(name);
          order.push(name);
        }
      }
      requestAnimationFrame(look);
    };
    look();
    Object.assign(window, { order });
  });
  await type(page, few);
  await settled(page, 3);
  await page.waitForTimeout(100);
  const order = await page.evaluate(() => (window as unknown as { order: string[] }).order);
  expect(order.length).toBe(3);
  expect(order[2]).toBe('both do');
  await page.context().close();
});

test('a key by itself is read at once, keys in quick succession when they pause', async () => {
  const { page } = await host.open('icon.svg');
  await page.addInitScript(() => {
    const opened: string[] = [];
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message: { kind: string; text: string }) {
      if (message.kind === 'open') opened.push(message.text.split('\n')[0] ?? '');
      post.call(this, message);
    };
    Object.assign(window, { opened });
  });
  await page.clock.install();
  await page.goto(`${host.address}?example=overwrite-in-place`);
  await page.locator('#strip [role="tab"]').first().waitFor();
  await page.getByRole('textbox', { name: 'Source of the protocol' }).focus();
  await page.clock.pauseAt(Date.now() + 3_600_000);
  /** What was sent to be read behind the keys, and once some time has gone by. */
  const typed = async (keys: string, ...waits: readonly number[]): Promise<number[]> => {
    const opened = () =>
      page.evaluate(() => (window as unknown as { opened: string[] }).opened.length);
    const before = await opened();
    for (const key of keys) await page.keyboard.press(key);
    const out: number[] = [];
    for (const wait of waits) {
      await page.clock.runFor(wait);
      out.push((await opened()) - before);
    }
    return out;
  };
  expect(await typed('/', 1, 200)).toEqual([1, 1]);
  expect(await typed('/', 1)).toEqual([1]);
  expect(await typed('a', 1, 50, 20)).toEqual([0, 0, 1]);
  // What comes before there was time to read anything is read together.
  expect(await typed('bcd', 1, 200)).toEqual([1, 1]);
  await page.context().close();
});

test('a violation is said before its shortest run, and stays', async () => {
  const text = only('int3-emulate', 'NMIs on their own stack');
  const { page } = await host.open('icon.svg');
  await page.goto(`${host.address}?example=overwrite-in-place`);
  await page.locator('#strip [role="tab"]').first().waitFor();
  await page.evaluate(() => {
    const words: string[] = [];
    new MutationObserver(() => {
      const tab = document.querySelector<HTMLElement>('#strip [role="tab"]');
      const run = document.querySelector('#run-title')?.textContent ?? '';
      const now = `${tab?.dataset.standing}: ${tab?.querySelector('.verdict')?.textContent} | ${run}`;
      if (words.at(-1) !== now) words.push(now);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
    Object.assign(window, { words });
  });
  await type(page, text);
  await settled(page, 1);
  await page.locator('#run-title').getByText('Shortest run to frame_intact').waitFor();
  const words = await page.evaluate(() => (window as unknown as { words: string[] }).words);
  const early = words.findIndex((w) =>
    w.startsWith('violated: violated frame_intact · finding its run'),
  );
  expect([early >= 0, words]).toEqual([true, expect.anything()]);
  expect(words.slice(early).filter((w) => !w.startsWith('violated: violated'))).toEqual([]);
  expect(words[early]).not.toContain('Shortest run to frame_intact');
  await page.context().close();
});
