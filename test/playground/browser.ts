// A real browser with the built page in it, as a person has it: served under a sub-path, with what it said aloud kept.

import { mkdtempSync, symlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { builtSite, serve } from '../../compiler/cli/playground.ts';

export interface Seen {
  readonly page: Page;
  /** What the console or an uncaught error said; a page that works says nothing. */
  readonly said: string[];
  /** Requests to anywhere but the page's own origin. */
  readonly strange: string[];
}

export interface Site {
  readonly address: string;
  readonly browser: Browser;
  /** With the plain editor, which is there at once and stays, unless the full one is wanted. */
  open(query?: string, options?: BrowserContextOptions, editor?: 'plain' | 'full'): Promise<Seen>;
  close(): Promise<void>;
}

/** Debian's Chromium; it needs no sandbox of its own where everything else is one. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function site(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'suture-site-'));
  symlinkSync(builtSite(), join(folder, 'suture'));
  const server = await serve(folder, 0);
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}/suture/`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: flags,
  });
  return {
    address,
    browser,
    async open(query = '', options = {}, editor = 'plain') {
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        ...options,
      });
      if (editor === 'plain')
        await context.addInitScript(() => localStorage.setItem('suture.editor', 'plain'));
      const page = await context.newPage();
      const said: string[] = [];
      const strange: string[] = [];
      page.on('console', (m) => {
        if (m.type() === 'error' || m.type() === 'warning') said.push(m.text());
      });
      page.on('pageerror', (e) => said.push(e.message));
      page.on('request', (r) => {
        if (new URL(r.url()).origin !== new URL(address).origin) strange.push(r.url());
      });
      await page.goto(`${address}${query}`);
      return { page, said, strange };
    },
    async close() {
      await browser.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
