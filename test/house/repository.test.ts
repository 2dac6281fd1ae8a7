// What the repository must not carry: addresses of registries, paths of a machine, files without a first sentence.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((f) => f !== '' && existsSync(join(root, f)));
const read = (f: string): string => readFileSync(join(root, f), 'utf8');

test('the lock names no registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved":\s*"https?:/);
});

test('no file names a folder of the machine that it was written on', () => {
  // Pieced together, so that this line is not what it looks for.
  const paths = [
    ['', 'work', ''],
    ['', 'root', ''],
    ['', 'home', ''],
  ].map((p) => p.join('/'));
  const texts = tracked.filter((f) => /\.(ts|js|mjs|json|md|suture|txt|pml)$|^\.ci/.test(f));
  expect(
    texts.filter((f) => paths.some((p) => new RegExp(`(^|[^\\w.])${p}\\w`, 'm').test(read(f)))),
  ).toEqual([]);
});

test('no text points to a folder beside the repository', () => {
  const texts = tracked.filter((f) => /\.(ts|js|mjs|md|suture|txt|pml|ya?ml)$|^\.ci/.test(f));
  // Pieced together, so that this line is not what it looks for.
  const beside = new RegExp(['\\.\\./shared|\\bshared', '[\\w/-]+\\.(md|txt|pml)'].join('/'));
  expect(texts.filter((f) => beside.test(read(f)))).toEqual([]);
});

test('every source begins with a sentence on what it answers for', () => {
  const sources = tracked.filter((f) => /^(grammar|compiler|test)\/.*\.(ts|mjs|js)$/.test(f));
  expect(sources.length).toBeGreaterThan(30);
  const first = (f: string): string =>
    read(f)
      .replace(/^#!.*\n/, '')
      .split('\n')[0] ?? '';
  expect(sources.filter((f) => !/^\/\/ [A-Z`].*/.test(first(f)))).toEqual([]);
});

test('the documents that users look for are there', () => {
  const wanted = [
    'README.md',
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    '.ci/run',
    'docs/language.md',
    'docs/machine.md',
  ];
  expect(wanted.filter((f) => !existsSync(join(root, f)))).toEqual([]);
});
