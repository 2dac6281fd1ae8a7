// No serious fault of accessibility in any state of the page, in both themes; judged by axe.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, site } from './browser.ts';
import { states } from './states.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let host: Site;
beforeAll(async () => {
  host = await site();
});
afterAll(async () => host.close());

interface Fault {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

for (const state of states)
  for (const colorScheme of ['light', 'dark'] as const)
    test(`${state.name}, ${colorScheme}`, async () => {
      // The judge comes in from outside, which the page's own policy forbids.
      const { page } = await host.open(state.query, {
        ...state.options,
        colorScheme,
        bypassCSP: true,
      });
      await state.go(page);
      await page.evaluate(axe);
      const faults = await page.evaluate(async () => {
        const judge = (
          globalThis as unknown as { axe: { run(): Promise<{ violations: Fault[] }> } }
        ).axe;
        return (await judge.run()).violations;
      });
      await page.context().close();
      const serious = faults
        .filter((f) => f.impact === 'serious' || f.impact === 'critical')
        .flatMap((f) => f.nodes.map((n) => `${f.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`));
      expect(serious).toEqual([]);
    });
