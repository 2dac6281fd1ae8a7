// How the page gets to a browser: served to this machine alone, or written as files; and the sizes it keeps.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { builtSite, playground, serve } from '../../compiler/cli/playground.ts';
import { excess } from '../../playground/build.ts';

const command = resolve(import.meta.dirname, '../../compiler/cli/suture.js');

test('the command serves it on the loopback address, and ends when it is told to', async () => {
  builtSite();
  const child = spawn(process.execPath, [command, 'playground', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const address = await new Promise<string>((found) =>
    child.stdout.once('data', (d) => found(String(d).trim())),
  );
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const answer = await fetch(address);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await answer.text()).toContain('<title>Suture</title>');
  child.kill('SIGTERM');
  expect(await new Promise((ended) => child.once('exit', ended))).toBe(0);
});

test('nothing outside its folder is served, and nothing is written', async () => {
  const server = await serve(builtSite(), 0);
  const { port } = server.address() as AddressInfo;
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;
  expect(await status('/')).toBe(200);
  expect(await status('/gallery.json')).toBe(200);
  expect(await status('/..%2f..%2fpackage.json')).toBe(404);
  expect(await status('/%2e%2e/build.ts')).toBe(404);
  expect(await status('/%00')).toBe(404);
  expect(await status('/%')).toBe(404);
  expect(await status('/', 'POST')).toBe(405);
  server.close();
  server.closeAllConnections();
});

test('it is written as files, which name no other place and no source map', async () => {
  const out = mkdtempSync(join(tmpdir(), 'suture-page-'));
  expect(await playground({ port: 0, out })).toBe(0);
  const files = readdirSync(out);
  expect(files).toContain('index.html');
  expect(files.filter((f) => f.endsWith('.map'))).toEqual([]);
  const page = readFileSync(join(out, 'index.html'), 'utf8');
  expect(page).not.toMatch(/https?:\/\//);
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|\sstyle=/);
  // Every file that the page names is there.
  const named = [...page.matchAll(/(?:src|href)="([\w.-]+\.(?:js|css|svg))"/g)].map((m) => m[1]);
  expect(named.length).toBe(4);
  expect(named.filter((f) => !files.includes(f ?? ''))).toEqual([]);
});

test('a part that outgrows its budget fails the build', () => {
  const budgets = { page: 120, worker: 150, service: 20, generator: 40, monaco: 930 };
  const larger = (more: number) =>
    Object.fromEntries(
      Object.entries(budgets).map(([part, kilobytes]) => [part, (kilobytes + more) * 1024]),
    ) as Readonly<Record<keyof typeof budgets, number>>;
  expect(excess(larger(0))).toEqual([]);
  expect(excess(larger(1)).length).toBe(5);
});
