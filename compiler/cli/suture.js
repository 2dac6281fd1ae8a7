#!/usr/bin/env node
// The command's entry, in plain JavaScript: finds a Node that is new enough, then hands over.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const clone = existsSync(join(here, 'main.ts'));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  // What one start has compiled the next need not.
  module.enableCompileCache?.();
  // A clone runs its sources; a package brings them compiled, for Node takes no types off below `node_modules`.
  const { main } = clone
    ? await import('./main.ts')
    : await import('../../dist/compiler/cli/main.js');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const root = dirname(dirname(here));
  const own = join(root, 'node_modules', '.bin', 'node');
  if (!clone || !existsSync(own)) {
    const way = clone ? `: run \`npm ci\` in ${root}, which brings its own` : '';
    console.error(`suture needs Node 22.18 or newer, and this is ${process.version}${way}`);
    process.exitCode = 2;
  } else {
    const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    // The terminal sends an interrupt to both: the child decides what to do with it. The others come to this one alone.
    process.on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (e) => {
      console.error(
        `suture needs Node 22.18 or newer, and the project's own does not run: ${e.message}`,
      );
      process.exitCode = 2;
    });
    child.on('exit', (status, signal) => {
      process.exitCode = status ?? 128 + constants.signals[signal];
    });
  }
}
