// Builds what the package brings and a clone does not have: JavaScript, declarations, the page.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSite } from './playground/build.ts';

const root = import.meta.dirname;
const out = join(root, 'dist');

rmSync(out, { recursive: true, force: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const done = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.package.json')], {
  // What npm prints of a package goes to its standard output, for programs.
  stdio: ['ignore', 2, 2],
});
if (done.status !== 0) process.exit(1);
// The compiler makes `.js` of the imports in code, and leaves those in declarations as they are.
for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const at = join(out, name);
  if (name.startsWith(join('compiler', 'cli'))) {
    // Nobody imports the command.
    rmSync(at);
    continue;
  }
  const text = readFileSync(at, 'utf8');
  writeFileSync(at, text.replace(/((?:from |import\()["']\.[^"']*)\.ts(?=["'])/g, '$1.js'));
}
await buildSite(join(root, 'playground', 'dist'));
