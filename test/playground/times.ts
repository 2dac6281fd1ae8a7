// How long a person waits for the page, written into docs/figures.md: medians, on this CPU and on one four times slower,
// and from an edit to its verdict for every scenario of the gallery.
//
// node test/playground/times.ts, on a machine that does nothing else; it takes some minutes.
// node test/playground/times.ts EXAMPLE… measures the edits of these examples, prints them, and writes nothing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { measuredOn, writeSection } from '../bench/section.ts';
import { site } from './browser.ts';
import { type Edited, edits, examples, type Parts } from './edits.ts';
import * as long from './running.ts';

const oneStub = readFileSync(join(import.meta.dirname, '../../examples/one-stub.suture'), 'utf8');
const rounds = 5;
const host = await site();

async function page(slower: number, query: string, editor: 'plain' | 'full'): Promise<Page> {
  const { page: made } = await host.open('icon.svg', {}, editor);
  const session = await made.context().newCDPSession(made);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await made.goto(`${host.address}${query}`, { waitUntil: 'commit' });
  return made;
}

/** Milliseconds in the page from a change of the text until the selector matches. */
const typed = (p: Page, text: string, selector: string, wanted: string): Promise<number> =>
  p.evaluate(
    async ([newText, at, words]) => {
      const area = document.querySelector('textarea') as HTMLTextAreaElement;
      const begun = performance.now();
      area.value = newText as string;
      area.dispatchEvent(new Event('input'));
      while (!document.querySelector(at as string)?.textContent?.includes(words as string))
        await new Promise((r) => setTimeout(r, 1));
      return performance.now() - begun;
    },
    [text, selector, wanted],
  );

const settled = (p: Page): Promise<void> =>
  p.locator('.aside').getByText('as expected').waitFor({ timeout: 120_000 });

async function once(slower: number): Promise<Record<string, number>> {
  const out: Record<string, number> = {};
  let p = await page(slower, '?example=one-stub', 'full');
  await p.waitForFunction(
    () => document.querySelector('textarea')?.value || document.querySelector('.view-line'),
  );
  out['first usable'] = await p.evaluate(() => performance.now());
  await p.locator('.monaco .view-line').first().waitFor({ timeout: 60_000 });
  out['Monaco ready'] = await p.evaluate(() => performance.now());
  await p.context().close();
  p = await page(slower, '?example=one-stub', 'plain');
  await settled(p);
  out['key to diagnostics'] = await typed(
    p,
    oneStub.replace('resume plain', 'resume plane'),
    '#status .left',
    'plane',
  );
  out['key to first verdict'] = await typed(
    p,
    oneStub.replace('mov eax, 1', 'mov eax, 3'),
    '#strip [aria-selected="true"]',
    'as expected',
  );
  await settled(p);
  out['scrub step'] = await p.evaluate(async () => {
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const begun = performance.now();
      document.body.dispatchEvent(
        new KeyboardEvent('keydown', { key: i < 20 ? 'ArrowLeft' : 'ArrowRight', bubbles: true }),
      );
      // Style and layout, too.
      document.body.getBoundingClientRect();
      times.push(performance.now() - begun);
      await new Promise((r) => requestAnimationFrame(r));
    }
    return times.sort((a, b) => a - b)[20] ?? 0;
  });
  await p.context().close();
  p = await page(slower, long.link, 'plain');
  const tab = p.locator('#strip').getByRole('tab').filter({ hasText: long.name });
  await tab.click();
  await tab.getByText('running').waitFor({ timeout: 60_000 });
  out.stop = await p.evaluate(async () => {
    const begun = performance.now();
    (document.querySelector('.aside button') as HTMLButtonElement).click();
    while (document.querySelector('.aside')?.textContent?.includes('Stop'))
      await new Promise((r) => setTimeout(r, 1));
    return performance.now() - begun;
  });
  await p.context().close();
  return out;
}

const median = (all: readonly number[]): number =>
  [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;

/** What the edit of each scenario came to, the slowest last; in milliseconds. */
function editTable(all: readonly Edited[]): string {
  const names = ['all', 'wait', 'read', 'search', 'show', 'draw', 'run'] as const;
  const cells = (of: (name: keyof Parts) => number): string =>
    names.map((name) => of(name).toFixed(0)).join(' | ');
  const middle = (name: keyof Parts): number => median(all.map((e) => e.parts[name]));
  const rows = all
    .toSorted((a, b) => a.parts.all - b.parts.all)
    .map(
      (e) =>
        `| ${e.example} | ${e.scenario} | ${e.states.toLocaleString('en-US')} | ${cells((name) => e.parts[name])} |`,
    );
  const quick = all.filter((e) => e.parts.all < goal).length;
  return `From an edit to its verdict: **${middle('all').toFixed(0)} ms** is the median over ${all.length} scenarios; the goal is under ${goal} ms,
which ${quick} of them keep. Each is looked at while a digit is typed into an instruction that it runs; of ${editRounds} edits the
median, in milliseconds from the key to the frame that shows the verdict: the page waits for a further key, the worker reads
the text and searches, the page takes that in, and the browser draws it. The medians of the parts are their own. The last
column is from the key until the worker has found and told the runs, too: a violation is said before its shortest run is known.

| example | scenario | states | all | wait | read | search | take in | draw | runs |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
| all | median | ${median(all.map((e) => e.states)).toLocaleString('en-US')} | ${cells(middle)} |
${rows.join('\n')}
`;
}

const editRounds = 3;
const goal = 100;
const some = process.argv.slice(2);
const strange = some.filter((e) => !examples.includes(e));
if (strange.length > 0) throw new Error(`no example is called ${strange.join(', ')}`);
async function allEdits(): Promise<string> {
  const all: Edited[] = [];
  for (const example of some.length > 0 ? some : examples)
    all.push(...(await edits(host, example, editRounds)));
  return editTable(all);
}
if (some.length > 0) {
  console.log(await allEdits());
  await host.close();
  process.exit();
}

const rows = new Map<string, string[]>();
for (const slower of [1, 4]) {
  const runs: Record<string, number>[] = [];
  for (let i = 0; i < rounds; i++) runs.push(await once(slower));
  for (const name of Object.keys(runs[0] ?? {})) {
    const ms = median(runs.map((r) => r[name] ?? 0));
    rows.set(name, [...(rows.get(name) ?? []), `${ms.toFixed(ms < 10 ? 1 : 0)} ms`]);
  }
}
writeSection(
  'page',
  `${measuredOn()}, in Chromium ${host.browser.version()}: medians of ${rounds}. The slower CPU is the browser's own throttling.

| | this CPU | four times slower |
|---|---:|---:|
${[...rows].map(([name, cells]) => `| ${name} | ${cells.join(' | ')} |`).join('\n')}

${await allEdits()}`,
);
await host.close();
