#!/usr/bin/env node
// The command's entry, in plain JavaScript: finds a Node that runs the sources, then hands over.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const own = join(root, 'node_modules', '.bin', 'node');
  if (!existsSync(own)) {
    console.error(
      `suture needs Node 22.18 or newer, and this is ${process.version}: run \`npm ci\` in ${root}, which brings its own`,
    );
    process.exitCode = 2;
  } else {
    // The terminal sends an interrupt to both: the child decides what to do with it.
    process.on('SIGINT', () => {});
    const done = spawnSync(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    process.exitCode = done.status ?? 70;
  }
}
