// The states of the page that are judged and pictured: how a person gets there.

import type { BrowserContextOptions, Page } from 'playwright-core';
import * as long from './running.ts';

export interface State {
  readonly name: string;
  readonly query: string;
  readonly options?: BrowserContextOptions;
  go(page: Page): Promise<void>;
}

const settled = (page: Page): Promise<void> =>
  page.locator('.aside').getByText('as expected').waitFor({ state: 'attached', timeout: 120_000 });
const tab = (page: Page, name: string) =>
  page
    .locator('#strip')
    .getByRole('tab')
    .filter({ has: page.getByText(name, { exact: true }) });

export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
};

export const states: readonly State[] = [
  {
    name: 'violated',
    query: '?example=one-stub',
    go: async (page) => {
      await settled(page);
      await page.locator('#bytes .choices .taken').waitFor();
    },
  },
  {
    name: 'holds',
    query: '?example=one-stub',
    go: async (page) => {
      await settled(page);
      await tab(page, 'IRQs off at the site').click();
      await page.getByText('Every state visited').waitFor();
    },
  },
  {
    name: 'running',
    query: long.link,
    go: async (page) => {
      await tab(page, long.name).click();
      await tab(page, long.name).getByText('running').waitFor({ timeout: 60_000 });
    },
  },
  {
    name: 'error',
    query: '?example=one-stub',
    go: async (page) => {
      await settled(page);
      const text = page.getByRole('textbox', { name: 'Source of the protocol' });
      const before = await text.inputValue();
      await text.focus();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.insertText(before.replace('resume plain', 'resume plane'));
      await page.locator('#status').getByText('error').waitFor();
      await page.keyboard.press('ControlOrMeta+Home');
      await page.keyboard.press('F8');
      await page.getByRole('dialog', { name: 'Problem' }).waitFor();
    },
  },
  {
    name: 'empty',
    query: '?example=no-such-thing',
    go: async (page) => {
      await page.locator('#run').getByRole('link', { name: 'two-stubs' }).waitFor();
    },
  },
  {
    name: 'phone',
    query: '?example=one-stub',
    options: phone,
    go: (page) => page.locator('.picker .violated').first().waitFor(),
  },
  {
    name: 'phone-bytes',
    query: '?example=one-stub',
    options: phone,
    go: async (page) => {
      await page.locator('.picker .violated').first().waitFor();
      await page.getByRole('tab', { name: 'Bytes' }).click();
    },
  },
  {
    name: 'phone-source',
    query: '?example=one-stub',
    options: phone,
    go: async (page) => {
      await page.locator('.picker .violated').first().waitFor();
      await page.getByRole('tab', { name: 'Source' }).click();
    },
  },
];
