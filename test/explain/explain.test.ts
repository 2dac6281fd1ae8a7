// Every diagnostic and every property is explained, and its specs say what the explanation says.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { explanations, properties } from '../../compiler/index.ts';
import { format } from '../../grammar/index.ts';
import { Folder } from '../cli/command.ts';
import { codes } from '../compiler/codes.ts';
import { page } from './page.ts';
import { said } from './said.ts';

const root = resolve(import.meta.dirname, '../..');
const document = resolve(root, 'docs/diagnostics.md');
const folder = new Folder();
afterAll(() => folder.remove());

describe('there is an explanation', () => {
  const names = explanations.map((e) => e.name);
  test('of every code that the source can produce, and of no other', () => {
    const explained = explanations.filter((e) => e.kind !== 'property').map((e) => e.name);
    expect(explained.sort()).toEqual(codes);
    expect(codes.length).toBeGreaterThanOrEqual(80);
  });
  test('of every property', () => {
    const explained = explanations.filter((e) => e.kind === 'property').map((e) => e.name);
    expect(explained).toEqual([...properties]);
  });
  test('once each', () => expect(new Set(names).size).toBe(names.length));
});

describe('its specs say so', () => {
  for (const e of explanations) {
    test(e.name, () => {
      if (!e.specs) {
        expect(e.name).toBe('handler_closed');
        return;
      }
      const kind = e.kind === 'property' ? 'violates' : e.kind === 'emit' ? 'error' : e.kind;
      const answers = new Set(said(e, e.specs.fails).map((a) => a.what));
      expect([...answers]).toEqual([`${kind} ${e.name}`]);
      expect(said(e, e.specs.mended)).toEqual([]);
      expect(format(e.specs.mended)).toBe(e.specs.mended);
    });
  }
});

test('the page says what the explanations say', () => {
  if (process.env.SUTURE_PROMOTE !== undefined) writeFileSync(document, page());
  expect(readFileSync(document, 'utf8')).toBe(page());
});

describe('the command', () => {
  test('lists all of them', async () => {
    const { code, out } = await folder.run(['explain'], { env: { COLUMNS: '80' } });
    expect(code).toBe(0);
    const lines = out.split('\n');
    for (const { name } of explanations)
      expect(lines.filter((l) => l.trim().split(' ')[0] === name)).toHaveLength(1);
    expect(lines.filter((l) => l.length > 80)).toEqual([]);
  });
  test('shows one, with what is answered and what mends it', async () => {
    const { code, out } = await folder.run(['explain', 'stale_stub'], { env: { COLUMNS: '80' } });
    expect(code).toBe(0);
    expect(out).toContain('violates stale_stub: runs in plain after its release');
    expect(out).toContain('\n  -   release plain\n');
  });
  test('takes a code as `check` prints it', async () => {
    const { out } = await folder.run(['explain', 'error[handler-end]']);
    expect(out).toMatch(/^handler-end {2}error\n/);
  });
  test('suggests the nearest', async () => {
    const { code, out, err } = await folder.run(['explain', 'torn_instuction']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('did you mean `torn_instruction`?');
  });
});
