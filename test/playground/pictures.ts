// Pictures of every state, by one command: `node test/playground/pictures.ts [STATE…]`; they go to `screenshots/`.

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { site } from './browser.ts';
import { type State, states } from './states.ts';

const out = resolve(import.meta.dirname, '../../screenshots');
mkdirSync(out, { recursive: true });
const [violated] = states as readonly [State];
const wide = (width: number): State => ({
  ...violated,
  name: `violated-${width}`,
  options: { viewport: { width, height: 900 } },
});
const all: readonly State[] = [
  ...states,
  wide(360),
  wide(768),
  wide(1280),
  wide(1920),
  // Twice as large: half as many pixels of the page on the same screen.
  {
    ...violated,
    name: 'zoom',
    options: { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  },
  { ...violated, name: 'contrast', options: { contrast: 'more' } },
  { ...violated, name: 'forced', options: { forcedColors: 'active' } },
  { ...violated, name: 'still', options: { reducedMotion: 'reduce' } },
  {
    name: 'first',
    query: '',
    go: (page) => page.locator('#bytes .choices .taken').waitFor(),
  },
];
const wanted = process.argv.slice(2);
const host = await site();
for (const state of all.filter((s) => wanted.length === 0 || wanted.includes(s.name)))
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await host.open(state.query, { ...state.options, colorScheme });
    // The narrow layouts have no strip that says that all is done.
    await state.go(page).catch((error) => console.error(`${state.name}: ${error.message}`));
    await page.screenshot({ path: join(out, `${state.name}-${colorScheme}.png`) });
    await page.context().close();
  }
await host.close();
