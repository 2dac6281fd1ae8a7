// Runs the project from a fresh clone: installs what is missing, then starts the gallery or the tests.
//
// Plain JavaScript for Node 20, for nothing is installed when it starts. The project brings its own Node.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
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
const deadline = Date.now() + limitMinutes * 60_000;
/** For programs that wait for a network: npm, apt-get. */
const networkLimit = 15 * 60_000;
/** Debian packages and what says that one is there; without an entry, a command of its name. */
const probes = {
  'libxml2-utils': 'command -v xmllint',
  binutils: 'command -v objdump',
  'qemu-system-x86': 'command -v qemu-system-x86_64',
  // Debian's own Python, whatever else stands on the path.
  'python3-unicorn': '/usr/bin/python3 -c "import unicorn"',
};
/** Packages that were asked for already. */
const tried = new Set();

const [mode = 'all', ...flags] = process.argv.slice(2);
switch (mode) {
  // What npm runs here when it has changed the installed packages; where the package is installed it runs nothing.
  case 'link':
    if (!existsSync(join(modules, '.bin'))) break;
    link();
    if (/^(ci|install)$/.test(process.env.npm_command ?? '')) writeFileSync(stamp, lockText());
    break;
  // Who sits at a terminal gets the page; everything else gets the gallery's verdicts, and an end.
  case 'start':
    install();
    process.exit(
      spawnSync(
        node,
        [
          join(root, 'compiler/cli/suture.js'),
          ...(process.stdout.isTTY && process.stdin.isTTY && !ci
            ? ['playground']
            : ['verify', 'examples']),
        ],
        { cwd: root, env, stdio: 'inherit' },
      ).status ?? 70,
    );
    break;
  case 'quick':
  case 'all':
    install();
    process.exit(await test(mode === 'quick'));
    break;
  // What others say of us, and nothing else.
  case 'oracles':
    if (flags.every((f) => f.startsWith('-'))) flags.push('oracles');
    install();
    process.exit(await test(false));
    break;
  default:
    console.error(`usage: node test/run.mjs start | quick | all | oracles [--long] [SUITE…]`);
    process.exit(2);
}

function lockText() {
  return readFileSync(join(root, 'package-lock.json'), 'utf8');
}

/** npm links the commands of dependencies, not the package's own: with this, `npx suture` works in a clone too. */
function link() {
  const at = join(modules, '.bin', 'suture');
  const target = join('..', '..', 'compiler', 'cli', 'suture.js');
  try {
    if (readlinkSync(at) === target) return;
  } catch {
    // not there yet, or no link
  }
  rmSync(at, { force: true });
  symlinkSync(target, at);
}

function install() {
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === lockText();
  if (!fresh) {
    console.error('installing packages (npm ci)');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    // The packages for development are what it is run with, whatever NODE_ENV says.
    const done = spawnSync(npm, ['ci', '--include=dev', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      timeout: networkLimit,
    });
    if (done.status !== 0) {
      console.error(`npm ci failed: ${done.error?.message ?? 'see above'}`);
      process.exit(2);
    }
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (!/^v(2[4-9]|[3-9]\d)\./.test(version)) {
    console.error(
      `the project's own Node is not there (${version || 'node_modules/.bin/node does not run'}).`,
    );
    console.error('Its package has an install script: run `npm ci --ignore-scripts=false`.');
    process.exit(2);
  }
  // npm does not get here when it was told to run no scripts.
  link();
  writeFileSync(stamp, lockText());
}

// ---- tests

/**
 * A folder of tests. `suite.json` beside them says what is special about it: `"quick": false` leaves it out of
 * `npm run quick`, `needs` lists Debian packages. Each suite runs alone.
 */
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

function has(name) {
  return spawnSync('sh', ['-c', probes[name] ?? `command -v ${name}`]).status === 0;
}

/** Packages that are missing still, after trying once to install them where that is allowed. */
function missing(needs) {
  const absent = () => needs.filter((n) => !has(n));
  const wanted = absent().filter((n) => !tried.has(n));
  if (wanted.length > 0 && process.getuid?.() === 0 && has('apt-get')) {
    console.log(`installing ${wanted.join(' ')} (apt-get)`);
    const apt = (...args) =>
      spawnSync('apt-get', [...args], {
        stdio: ['ignore', 'ignore', 2],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        timeout: networkLimit,
      });
    apt('update', '-qq');
    apt('install', '-y', '-qq', '--no-install-recommends', ...wanted);
    for (const n of wanted) tried.add(n);
  }
  return absent();
}

async function test(quick) {
  const only = flags.filter((f) => !f.startsWith('-'));
  const all = suites();
  /** A name stands for its suite, or for all in the folder of that name. */
  const named = (suite, name) => suite.name === name || suite.name.startsWith(`${name}/`);
  const unknown = flags.filter((f) =>
    f.startsWith('-') ? f !== '--long' : !all.some((s) => named(s, f)),
  );
  if (unknown.length > 0) {
    console.error(`no such suite or flag: ${unknown.join(' ')}`);
    console.error(`suites: ${all.map((s) => s.name).join(' ')}; flag: --long`);
    return 2;
  }
  if (flags.includes('--long')) env.SUTURE_LONG = '1';
  const total = { passed: 0, failed: 0, skipped: 0, notRun: 0 };
  const rows = [];
  const judged = [];
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
  let running;
  const end = () => {
    try {
      if (running !== undefined) process.kill(-running.pid, 'SIGKILL');
    } catch {
      // it ended in this moment
    }
  };
  // The suites are groups of processes of their own, so a terminal's Ctrl-C would end this process alone.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])
    process.on(signal, () => {
      end();
      process.exit(code);
    });
  const run = (command, args, name) =>
    new Promise((resolve) => {
      const started = Date.now();
      const child = spawn(command, args, {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      running = child;
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
          end();
          console.log(`${total.passed} passed, ${total.failed + 1} failed`);
          process.exit(1);
        },
        Math.max(1, deadline - Date.now()),
      );
      child.on('close', (status) => {
        clearTimeout(timer);
        running = undefined;
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
    const tsc = join(modules, 'typescript', 'bin', 'tsc');
    await one('types', node, [tsc, '--noEmit']);
    // The page alone knows the browser's types.
    await one('types of the page', node, [tsc, '--noEmit', '-p', 'playground']);
    await one('types of its tests', node, [tsc, '--noEmit', '-p', 'test/playground']);
    await one('lint', join(modules, '.bin', 'biome'), ['check', '.']);
  }
  const folder = mkdtempSync(join(tmpdir(), 'suture-test-'));
  for (const suite of all) {
    if (only.length > 0 ? !only.some((name) => named(suite, name)) : quick && !suite.quick)
      continue;
    const absent = missing(suite.needs);
    if (absent.length > 0) {
      total.notRun++;
      if (suite.name.startsWith('oracles/'))
        judged.push([absent.join(', '), '', 'NOT RUN', `${suite.name} needs it`]);
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
        '--no-color',
        '--root',
        root,
        '--dir',
        suite.folder,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
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
    judged.push(...oracleRows(r.output));
    add(suite.name, r.seconds, counts);
  }
  rmSync(folder, { recursive: true, force: true });
  if (judged.length > 0) console.log(`\n${table(judged)}\n`);
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

/** What suites say of the programs and processors that judged: see `test/oracles/row.ts`. */
function oracleRows(output) {
  return output
    .split('\n')
    .filter((line) => line.startsWith('oracle: '))
    .map((line) => line.slice('oracle: '.length).split(' | '));
}

function table(rows) {
  const all = [['oracle', 'version', 'cases, all of which agree', 'known differences'], ...rows];
  const width = (k) => Math.max(...all.map((r) => (r[k] ?? '').length));
  const line = (r) => `| ${r.map((cell, k) => cell.padEnd(width(k))).join(' | ')} |`;
  return [
    line(all[0]),
    `|${all[0].map((_, k) => '-'.repeat(width(k) + 2)).join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}
