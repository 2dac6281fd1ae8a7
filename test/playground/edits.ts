// How long the page takes from a key to the verdict of the scenario that is looked at, and where that time goes.
//
// Each edit is one digit, typed as a person types it, of an instruction that every scenario of its example runs: no
// verdict stands any more, and as much is to be searched as before.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Site } from './browser.ts';

const folder = join(import.meta.dirname, '../../examples');
export const examples = readdirSync(folder)
  .filter((f) => f.endsWith('.suture'))
  .map((f) => f.replace('.suture', ''));

/** The instruction whose last letter is typed anew. */
const place = 'mov eax, 1';
/** The example that has no such instruction has none that an operand could change. */
const other = { 'slow:   nop': 'slow:   mov eax, 1' };
const textOf = (name: string): string => {
  const text = readFileSync(join(folder, `${name}.suture`), 'utf8');
  const [[from, to]] = Object.entries(other) as [[string, string]];
  return text.includes(place) ? text : text.replace(from, to);
};

/** Milliseconds of one edit. */
export interface Parts {
  /** From the key to the frame that shows the verdict: the sum of what follows. */
  readonly all: number;
  /** The key until the text is sent. */
  readonly wait: number;
  /** The text sent until the worker's word that it was read. */
  readonly read: number;
  /** That until the verdict is sent back. */
  readonly search: number;
  /** That until the page has taken it in. */
  readonly show: number;
  readonly draw: number;
  /** From the key until the runs are sent, too. */
  readonly run: number;
}

export interface Edited {
  readonly example: string;
  readonly scenario: string;
  readonly states: number;
  /** Of the edit that took the median of them all. */
  readonly parts: Parts;
}

interface Watched {
  marks: { readonly what: string; readonly at: number; readonly version: number }[];
}

/** Before anything of the page runs: what passes between page and worker is noted with its time. */
function watch(): void {
  const marks: { what: string; at: number; version: number }[] = [];
  const note = (data: {
    kind: string;
    version?: number;
    progress?: { violated: readonly string[] };
  }): void => {
    const what = data.progress && data.progress.violated.length > 0 ? 'judged' : data.kind;
    marks.push({ what, at: performance.now(), version: data.version ?? 0 });
  };
  class Noted extends Worker {
    constructor(...all: ConstructorParameters<typeof Worker>) {
      super(...all);
      this.addEventListener('message', (event) => note(event.data));
    }
    override postMessage(message: { kind: string }): void {
      note(message);
      super.postMessage(message);
    }
  }
  Object.assign(window, { Worker: Noted, marks });
}

/** From the next key on: when the verdict of the scenario that is looked at is another one's no more. */
const measured = (page: Page): Promise<{ verdict: number; seen: number } & Watched> =>
  page.evaluate(async () => {
    const { marks } = window as unknown as Watched;
    marks.length = 0;
    const area = document.querySelector('textarea') as HTMLTextAreaElement;
    const key = await new Promise<number>((resolve) => {
      area.addEventListener('keydown', () => resolve(performance.now()), { once: true });
    });
    const judged = (): boolean => {
      const tab = document.querySelector<HTMLElement>('#strip [aria-selected="true"]');
      const standing = tab?.dataset.standing ?? '';
      // Until the key has changed the text, the verdict before it stands there.
      return (
        marks.some((m) => m.what === 'verify') &&
        ['holds', 'violated', 'unfinished'].includes(standing)
      );
    };
    const verdict = await new Promise<number>((resolve) => {
      const seen = (): void => {
        if (!judged()) return;
        observer.disconnect();
        resolve(performance.now() - key);
      };
      const observer = new MutationObserver(seen);
      observer.observe(document.querySelector('#strip') as HTMLElement, {
        subtree: true,
        childList: true,
        attributes: true,
      });
    });
    // A frame is on the screen when a task behind its callbacks runs.
    const seen = await new Promise<number>((resolve) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now() - key);
        port2.postMessage(undefined);
      }),
    );
    // A verdict may be there before the run that shows it.
    while (!marks.some((m) => m.what === 'done')) await new Promise((r) => setTimeout(r, 1));
    return { verdict, seen, marks: marks.map((m) => ({ ...m, at: m.at - key })) };
  });

async function edit(page: Page, digit: string): Promise<Parts> {
  await page.evaluate((text) => {
    const area = document.querySelector('textarea') as HTMLTextAreaElement;
    area.focus();
    const at = area.value.search(new RegExp(`${text.slice(0, -1)}\\d`)) + text.length;
    area.setSelectionRange(at - 1, at);
  }, place);
  const waiting = measured(page);
  // The listener is there before the key.
  await page.evaluate(() => {});
  await page.keyboard.press(digit);
  const { verdict, seen, marks } = await waiting;
  const at = (what: string): number => marks.find((m) => m.what === what)?.at ?? Number.NaN;
  const [open, opened, done] = [at('open'), at('opened'), at('done')];
  const judged = marks.some((m) => m.what === 'judged') ? Math.min(at('judged'), done) : done;
  return {
    all: seen,
    wait: open,
    read: opened - open,
    search: judged - opened,
    show: verdict - judged,
    draw: seen - verdict,
    run: done,
  };
}

/** Until the worker rests. Of scenarios that are not looked at it is told to stop, once they run. */
async function quiet(page: Page): Promise<void> {
  const finished = async (orStop: boolean): Promise<boolean> => {
    const seen = await page.waitForFunction(
      (stop) => {
        const { marks } = window as unknown as Watched;
        if (marks.some((m) => m.what === 'finished')) return 'finished';
        return stop && document.querySelector('.aside button') ? 'stop' : '';
      },
      orStop,
      { timeout: 300_000 },
    );
    return (await seen.jsonValue()) === 'finished';
  };
  if (await finished(true)) return;
  await page.keyboard.press('Escape');
  await finished(false);
}

const middle = (edits: readonly Parts[]): Parts =>
  edits.toSorted((a, b) => a.all - b.all)[edits.length >> 1] as Parts;

/** Every scenario of an example: each is selected, and looked at while the instruction is changed. */
export async function edits(host: Site, example: string, rounds: number): Promise<Edited[]> {
  const { page } = await host.open('icon.svg');
  await page.addInitScript(watch);
  await page.goto(`${host.address}?example=${example}`);
  await page.locator('#strip [role="tab"]').first().waitFor();
  await page.getByRole('textbox', { name: 'Source of the protocol' }).focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.evaluate(() => {
    (window as unknown as Watched).marks.length = 0;
  });
  await page.keyboard.insertText(textOf(example));
  await quiet(page);
  const tabs = page.locator('#strip [role="tab"]');
  const out: Edited[] = [];
  let digit = 1;
  for (let i = 0; i < (await tabs.count()); i++) {
    await tabs.nth(i).click();
    const found: Parts[] = [];
    for (let round = 0; round < rounds; round++) {
      digit = (digit % 9) + 1;
      found.push(await edit(page, String(digit)));
      await quiet(page);
    }
    const words = (await tabs.nth(i).textContent()) ?? '';
    out.push({
      example,
      scenario: (await tabs.nth(i).locator('.name').textContent()) ?? '',
      states: Number(/([\d,]+) states?/.exec(words)?.[1]?.replaceAll(',', '') ?? 0),
      parts: middle(found),
    });
  }
  await page.context().close();
  return out;
}
