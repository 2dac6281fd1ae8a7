// `suture verify --watch` on a terminal of its own: what changed is checked again, and the terminal is left as it was.

import { type ChildProcess, spawn } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { Folder, guarded, spec as small } from './command.ts';

const entry = resolve(import.meta.dirname, '../../compiler/cli/suture.js');
const spec = (options: string): string => `protocol p "two scenarios"
option whole = off
code { site: call one; jmp site
one: ret
two: ret }
thread w runs site
patch site: call one -> call two { if whole { poke site as store8 } else { poke site } sync cores }
scenario "first" { site at 0 of 8 } expect violates torn_instruction
${options}
`;

class Screen {
  readonly child: ChildProcess;
  output = '';
  constructor(folder: Folder) {
    // `script` gives it a terminal; stty its size. No shell is left that an interrupt would end, too.
    const line = `stty rows 24 cols 90; exec '${process.execPath}' '${entry}' verify --watch .`;
    this.child = spawn('script', ['-qfec', line, '/dev/null'], {
      cwd: folder.path,
      env: { ...process.env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (d) => {
      this.output += d;
    });
  }
  /** Until the output behind `from` has it. */
  async shows(what: RegExp, from = 0): Promise<number> {
    const began = Date.now();
    for (;;) {
      const found = what.exec(this.output.slice(from));
      if (found) return from + found.index;
      if (Date.now() - began > 20_000)
        throw new Error(`not shown: ${what}\n${JSON.stringify(this.output.slice(-2000))}`);
      await new Promise((go) => setTimeout(go, 20));
    }
  }
}
let screen: Screen | undefined;
afterEach(() => screen?.child.kill('SIGKILL'));

test('checks what a save changed, keeps the rest, and leaves the terminal as it was', async () => {
  const folder = new Folder();
  const second = 'scenario "second" { site at 1 of 8 } expect violates torn_instruction';
  folder.write('p.suture', spec(second));
  screen = new Screen(folder);
  await screen.shows(/2 of 2 scenarios as expected/);

  // A comment changes nothing: nothing is searched again.
  let at = screen.output.length;
  folder.write('p.suture', spec(`// a comment\n${second}`));
  await screen.shows(/2 of 2 scenarios as expected/, at);
  expect(screen.output.slice(at)).not.toContain('searching');
  await screen.shows(/✓ violated +first: [\d,]+ states, kept/, at);

  // Saved by renaming, and only one scenario says something else.
  at = screen.output.length;
  folder.write('p.new', spec('scenario "second" { site at 1 of 8; whole = on } expect holds'));
  renameSync(join(folder.path, 'p.new'), join(folder.path, 'p.suture'));
  await screen.shows(/✗ violated +second.*expected holds/, at);
  expect(screen.output.slice(at)).not.toMatch(/searching +first/);

  // Wrong in the middle: the old verdicts are said to be old.
  at = screen.output.length;
  folder.write('p.suture', spec('scenario "second" { site at'));
  await screen.shows(/\? outdated +first: [\d,]+ states, was violated/, at);
  await screen.shows(/error\[/, at);

  screen.child.stdin?.write('\x03');
  const status = await new Promise((end) => screen?.child.on('close', end));
  expect(status).toBe(0);
  // To the other screen without a cursor, and back from it, with nothing before or behind.
  const parts = screen.output.split('\x1b');
  expect(parts.slice(1, 3)).toEqual(['[?1049h', '[?25l']);
  expect(parts.slice(-2).map((p) => p.trim())).toEqual(['[?25h', '[?1049l']);
}, 60_000);

test('a save while another scenario is searched is checked when its turn comes', async () => {
  const folder = new Folder();
  const scenario = 'scenario "second" { site at 1 of 8 } expect violates torn_instruction';
  folder.write('a.suture', spec(scenario));
  // Long enough that the save falls into its search.
  folder.write(
    'b.suture',
    small(guarded, 'scenario "long" { cpus 3; patches 2 } expect holds').replace('small', 'b'),
  );
  screen = new Screen(folder);
  const at = await screen.shows(/searching +long/);
  folder.write('a.suture', spec(scenario).replace('two: ret', 'two: nop; ret'));
  await screen.shows(/\? outdated +first/, at);
  await screen.shows(/3 of 3 scenarios as expected/, at);
}, 60_000);

test('what does not fit is counted, and nothing scrolls', async () => {
  const folder = new Folder();
  const wrong = spec('scenario "second" { site at');
  // The place of each message takes more than a row.
  for (const n of [1, 2, 3, 4, 5]) folder.write(`${'folder'.repeat(20)}/${n}.suture`, wrong);
  screen = new Screen(folder);
  await screen.shows(/more lines/);
  const frame = screen.output.split('\x1b[H').find((f) => f.includes('more lines')) ?? '';
  const rows = stripVTControlCharacters(frame)
    .split('\r\n')
    .map((l) => Math.max(1, Math.ceil(l.length / 90)));
  expect(Math.max(...rows)).toBeGreaterThan(1);
  expect(rows.reduce((a, b) => a + b)).toBeLessThanOrEqual(24);
}, 60_000);

test('without a terminal it says so', async () => {
  const folder = new Folder();
  folder.write('p.suture', spec(''));
  const r = await folder.run(['verify', '--watch', 'p.suture']);
  expect(r.code).toBe(2);
  expect(r.err).toContain('--watch needs a terminal');
});
