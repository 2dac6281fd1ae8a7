// Runs the project from a fresh clone: installs what is missing, then starts the gallery or the tests.
//
// Plain JavaScript for Node 20, for nothing is installed when it starts. The project brings its own Node.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.suture-lock');
const node = join(modules, '.bin', 'node');
const env = {
  ...process.env,
  PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`,
};
const ci = process.env.CI === 'true' || process.env.CI === '1';
/** The whole ends itself before anyone else has to end it. */
const limitMinutes = 75;

const [mode = 'all', ...flags] = process.argv.slice(2);
switch (mode) {
  case 'link':
    link();
    break;
  case 'start':
    install();
    process.exit(
      spawnSync(node, [join(root, 'compiler/cli/suture.js'), 'verify', 'examples'], {
        cwd: root,
        env,
        stdio: 'inherit',
      }).status ?? 70,
    );
    break;
  case 'quick':
  case 'all':
    install();
    process.exit(await test(mode === 'quick'));
    break;
  default:
    console.error(`usage: node test/run.mjs start | quick | all [--long] [SUITE…]`);
    process.exit(2);
}

/** npm links the commands of dependencies, not the package's own: with this, `npx suture` works in a clone too. */
function link() {
  const at = join(modules, '.bin', 'suture');
  if (!existsSync(join(modules, '.bin'))) return;
  try {
    lstatSync(at);
    rmSync(at);
  } catch {
    // not there yet
  }
  symlinkSync(join('..', '..', 'compiler', 'cli', 'suture.js'), at);
}

function install() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
  if (!fresh) {
    console.error('installing packages (npm ci)');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const done = spawnSync(npm, ['ci', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
    if (done.status !== 0) {
      console.error('npm ci failed: see above');
      process.exit(2);
    }
    writeFileSync(stamp, lock);
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (!/^v(2[4-9]|[3-9]\d)\./.test(version)) {
    console.error(
      `the project's own Node is not there (${version || 'node_modules/.bin/node does not run'}).`,
    );
    console.error('Its package has an install script: run `npm ci` without --ignore-scripts.');
    process.exit(2);
  }
  link();
}

// ---- tests

/** A folder of tests; `suite.json` beside them says what is special about it. */
function suites() {
  const found = [];
  const walk = (folder) => {
    const entries = readdirSync(folder, { withFileTypes: true });
    if (entries.some((e) => e.isFile() && e.name.endsWith('.test.ts'))) {
      const about = join(folder, 'suite.json');
      const settings = existsSync(about) ? JSON.parse(readFileSync(about, 'utf8')) : {};
      found.push({
        name: relative(join(root, 'test'), folder),
        folder,
        quick: true,
        needs: [],
        ...settings,
      });
    }
    for (const e of entries) if (e.isDirectory() && e.name !== 'bench') walk(join(folder, e.name));
  };
  walk(join(root, 'test'));
  return found.sort((a, b) => Number(b.quick) - Number(a.quick) || a.name.localeCompare(b.name));
}

/** Debian packages and a command of each. */
const commands = { spin: 'spin', gcc: 'gcc', binutils: 'objdump', nasm: 'nasm' };

/** Packages that are missing still, after trying to install them where that is allowed. */
function missing(needs) {
  const absent = () =>
    needs.filter((n) => spawnSync('sh', ['-c', `command -v ${commands[n] ?? n}`]).status !== 0);
  if (
    absent().length > 0 &&
    process.getuid?.() === 0 &&
    spawnSync('sh', ['-c', 'command -v apt-get']).status === 0
  ) {
    console.log(`installing ${absent().join(' ')} (apt-get)`);
    spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 2] });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...absent()], {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  return absent();
}

async function test(quick) {
  const only = flags.filter((f) => !f.startsWith('-'));
  if (flags.includes('--long')) env.SUTURE_LONG = '1';
  const deadline = Date.now() + limitMinutes * 60_000;
  const total = { passed: 0, failed: 0, skipped: 0, notRun: 0 };
  const rows = [];
  const add = (name, seconds, counts, note = '') => {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    rows.push({ name, seconds, ...counts, note });
    const words = `${counts.passed} passed${counts.failed ? `, ${counts.failed} FAILED` : ''}${counts.skipped ? `, ${counts.skipped} skipped` : ''}`;
    console.log(
      `${name.padEnd(24)} ${seconds.toFixed(1).padStart(7)} s  ${words}${note ? `  ${note}` : ''}`,
    );
  };
  const run = (command, args, name) =>
    new Promise((resolve) => {
      const started = Date.now();
      const child = spawn(command, args, {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let output = '';
      const keep = (data) => {
        output += data;
      };
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      const timer = setTimeout(
        () => {
          console.log(`\n${limitMinutes} minutes are over, in the suite ${name}: it is ended here`);
          console.log(output.slice(-4000));
          try {
            process.kill(-child.pid, 'SIGKILL');
          } catch {
            // it ended in this moment
          }
          console.log(`${total.passed} passed, ${total.failed + 1} failed`);
          process.exit(1);
        },
        Math.max(1, deadline - Date.now()),
      );
      child.on('close', (status) => {
        clearTimeout(timer);
        resolve({ status, output, seconds: (Date.now() - started) / 1000 });
      });
    });
  const one = async (name, command, args) => {
    const r = await run(command, args, name);
    if (r.status !== 0) console.log(r.output.slice(-6000));
    add(name, r.seconds, {
      passed: r.status === 0 ? 1 : 0,
      failed: r.status === 0 ? 0 : 1,
      skipped: 0,
    });
  };
  if (only.length === 0) {
    await one('types', node, [join(modules, 'typescript', 'bin', 'tsc'), '--noEmit']);
    await one('lint', join(modules, '.bin', 'biome'), ['check', '.']);
  }
  const folder = mkdtempSync(join(tmpdir(), 'suture-test-'));
  for (const suite of suites()) {
    if (only.length > 0 ? !only.includes(suite.name) : quick && !suite.quick) continue;
    const absent = missing(suite.needs);
    if (absent.length > 0) {
      total.notRun++;
      console.log(
        `${suite.name.padEnd(24)} NOT RUN: it needs ${absent.join(', ')}; install with: apt-get install ${absent.join(' ')}`,
      );
      continue;
    }
    const report = join(folder, `${suite.name.replaceAll('/', '-')}.json`);
    const r = await run(
      node,
      [
        join(modules, 'vitest', 'vitest.mjs'),
        'run',
        '--root',
        root,
        '--dir',
        suite.folder,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        '--testTimeout=1200000',
        '--hookTimeout=600000',
      ],
      suite.name,
    );
    const own = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
    // A folder inside this one is a suite of its own.
    const files = (own?.testResults ?? []).filter((f) => dirname(f.name) === suite.folder);
    const tests = files.flatMap((f) => f.assertionResults);
    const count = (status) => tests.filter((t) => status.includes(t.status)).length;
    const counts = {
      passed: count(['passed']),
      failed: count(['failed']),
      skipped: count(['skipped', 'pending', 'todo', 'disabled']),
    };
    if (files.some((f) => f.status === 'failed') && counts.failed === 0) counts.failed = 1;
    if ((r.status !== 0 || tests.length === 0) && counts.failed === 0) counts.failed = 1;
    if (counts.failed > 0) console.log(r.output.slice(-12000));
    else if (suite.show) console.log(readableOutput(r.output));
    add(suite.name, r.seconds, counts);
  }
  rmSync(folder, { recursive: true, force: true });
  if (total.notRun > 0)
    console.log(
      `${total.notRun} suites were NOT RUN, for what they need is missing${ci ? ': in CI that is a failure' : ''}`,
    );
  const failed = total.failed + (ci ? total.notRun : 0);
  console.log(
    `${total.passed} passed, ${failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
  );
  return failed > 0 || total.passed === 0 ? 1 : 0;
}

/** What a suite prints of its own accord, between vitest's lines. */
function readableOutput(output) {
  return output
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .join('\n');
}
