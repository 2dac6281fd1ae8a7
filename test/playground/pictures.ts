// Pictures of every state, by one command: `node test/playground/pictures.ts [STATE…]`; they go to `screenshots/`.

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { site } from './browser.ts';
import { phone, type State, states } from './states.ts';

const out = resolve(import.meta.dirname, '../../screenshots');
mkdirSync(out, { recursive: true });

/** The run that the page is known by, at its end. */
const wide: State = {
  name: 'wide',
  query: '?example=two-stubs',
  go: async (page) => {
    await page.getByText('Shortest run to stale_stub').waitFor({ state: 'attached' });
    await page.locator('#bytes .choices .taken').waitFor({ state: 'attached' });
  },
};
const all: readonly State[] = [
  wide,
  { ...wide, name: 'first', query: '' },
  ...states,
  { ...wide, name: 'phone-wide', options: phone },
  ...[360, 768, 1280, 1920].map((width) => ({
    ...wide,
    name: `width-${width}`,
    options: { viewport: { width, height: 900 } },
  })),
  // Twice as large: half as many pixels of the page on the same screen.
  {
    ...wide,
    name: 'zoom',
    options: { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  },
  { ...wide, name: 'contrast', options: { contrast: 'more' } },
  { ...wide, name: 'forced', options: { forcedColors: 'active' } },
  { ...wide, name: 'still', options: { reducedMotion: 'reduce' } },
];
const wanted = process.argv.slice(2);
const host = await site();
for (const state of all.filter((s) => wanted.length === 0 || wanted.includes(s.name)))
  for (const colorScheme of ['light', 'dark'] as const) {
    const full = /^(wide|first|width-1|contrast|holds|running)/.test(state.name);
    const { page } = await host.open(
      state.query,
      { ...state.options, colorScheme },
      full ? 'full' : 'plain',
    );
    page.setDefaultTimeout(30_000);
    if (full) await page.locator('.monaco .view-line').first().waitFor();
    await state.go(page).catch((error) => console.error(`${state.name}: ${error.message}`));
    await page.screenshot({ path: join(out, `${state.name}-${colorScheme}.png`) });
    await page.context().close();
  }
await host.close();
