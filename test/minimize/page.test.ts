// The page of minimal sets shows what `suture minimize` prints for the examples.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkPage } from '../docs/printed.ts';

const root = join(import.meta.dirname, '../..');

// The last line tells how much was searched for it, which is not what the page is about, and changes with the search.
checkPage(
  'docs/minimize.md',
  8,
  (said) => `${said.replace(/\n\n[^\n]+(\n[^\n]+)*\n$/, '\n')}`,
  // A minute each.
  (command) => /per-cpu-stubs|two-stubs/.test(command),
);

test('its lines fit a mail', () => {
  const page = readFileSync(join(root, 'docs/minimize.md'), 'utf8');
  const printed = [...page.matchAll(/```console\n\$[^\n]*\n([\s\S]*?)```/g)].map((m) => m[1] ?? '');
  expect(printed.flatMap((p) => p.split('\n')).filter((l) => l.length > 72)).toEqual([]);
});
