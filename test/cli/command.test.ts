// The command as a user types it: exit codes, what goes to which stream, and what the texts say.

import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { main } from '../../compiler/cli/main.ts';
import { example, Folder, guarded, spec, withoutSync } from './command.ts';

// A process starts in a fraction of a second, but not where all cores are taken.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const folder = new Folder();
afterAll(() => folder.remove());
const holds = folder.write('holds.suture', spec(guarded, 'scenario "all" {} expect holds'));
const broken = folder.write('broken.suture', spec(withoutSync, 'scenario "all" {} expect holds'));
const expected = folder.write(
  'expected.suture',
  spec(withoutSync, 'scenario "no sync" {} expect violates torn_instruction'),
);
/** Many millions of states. */
const large = folder.write(
  'large.suture',
  spec(guarded, 'scenario "large" { cpus 4; patches 2; nmi 2 } expect holds'),
);
const misspelt = folder.write(
  'misspelt.suture',
  spec(guarded.replace('poke place[0] =', 'poke plcae[0] ='), ''),
);
const verify = (...args: string[]) => folder.run(['verify', ...args]);

describe('check', () => {
  test('a good file', async () => {
    const r = await folder.run(['check', holds]);
    expect(r).toEqual({ code: 0, out: '', err: '1 file checked: no errors\n' });
  });
  test('a diagnostic shows place, line, carets and the fix', async () => {
    const r = await folder.run(['check', misspelt]);
    expect(r.code).toBe(1);
    const [head = '', line = '', carets = '', help = ''] = r.out.split('\n');
    expect(head).toMatch(/^misspelt\.suture:16:8: error\[[a-z-]+\]: .*`plcae`/);
    expect(line).toBe(' 16 │   poke plcae[0] = int3');
    expect(carets).toBe('    │        ^^^^^');
    expect(help).toBe('    help: use `place`');
    expect(r.err).toBe('1 file checked: 1 error\n');
  });
  test('standard input', async () => {
    const r = await folder.run(['check', '-'], { input: 'protocol' });
    expect(r.code).toBe(1);
    expect(r.out).toMatch(/^-:1:\d+: error/);
  });
  test('standard input that is slow to come', async () => {
    const r = await folder.shell(
      `(printf 'protocol a "b"'; sleep 0.7; echo; cat ${holds} | tail -n +2) | suture check -`,
    );
    expect(r).toMatchObject({ code: 0, err: '1 file checked: no errors\n' });
  });
  test('what waits is a table', async () => {
    const r = await folder.run(['check', '--capabilities']);
    expect(r.code).toBe(0);
    expect(r.out).toContain('not supported yet');
  });
  test('no file at all', async () => {
    expect((await folder.run(['check'])).code).toBe(2);
  });
  test('bytes that are no text', async () => {
    folder.write('noise.suture', '\u0000\u0001\ufffd{{{"');
    const r = await folder.run(['check', 'noise.suture']);
    expect(r.code).toBe(1);
    expect(r.out).toContain('error[');
  });
});

test('a folder: its files once each, and neither pipes nor what links lead round to', async () => {
  const r = await folder.shell(
    `mkdir -p round && cp ${holds} round/a.suture && ln -sf . round/again && ln -sf a.suture round/b.suture && mkfifo round/p.suture && suture check round`,
  );
  expect(r).toMatchObject({ code: 0, out: '', err: '2 files checked: no errors\n' });
});

test('who reads no further, and what cannot be written, are not "as expected"', async () => {
  const pipe = await folder.shell(
    `(suture verify --json examples/one-stub.suture; echo $? >&2) | true`,
  );
  expect(pipe).toEqual({ code: 0, out: '', err: '141\n' });
  const full = await folder.shell(`suture explain > /dev/full`);
  expect(full).toMatchObject({
    code: 2,
    err: 'suture: standard output: cannot be written (ENOSPC)\n',
  });
});

describe('verify', () => {
  test('holds', async () => {
    const r = await verify(holds);
    expect(r.code).toBe(0);
    expect(r.err).toBe('');
    expect(r.out).toMatch(/✓ holds +all +[\d,]+ +[\d,]+ +\d+ +\d+\.\d+/);
    expect(r.out).toMatch(/1 scenario as expected: [\d,]+ states, .* peak memory/);
  });
  test('a violation that nobody expected: the finding, the environment, the run', async () => {
    const r = await verify(broken);
    expect(r.code).toBe(1);
    expect(r.out).toContain('✗ violated');
    expect(r.out.replace(/\s+/g, ' ')).toContain(
      'expected holds, but it violates torn_instruction',
    );
    expect(r.out).toContain('environment: cpus 2;');
    expect(r.out).toMatch(/^ +step cpu0 +cpu1 +address +bytes +what +line$/m);
    expect(r.out).toMatch(/^> +\d+ +.*fetch torn/m);
    expect(r.out).toMatch(/^> +\d+ {2}byte 1 of place may still be 3e or 7e/m);
    expect(r.out).toContain('What cpu1 may fetch of place before the last step:');
  });
  test('a byte in doubt is named after what it belongs to, wherever its instruction begins', async () => {
    const into = '../reduction/specs/an-irq-runs-into-a-place.suture';
    const r = await verify(join(import.meta.dirname, into));
    expect(r.out).toContain('byte 0 of site may still be c3 or fa');
  });
  test('a violation as expected is one row, and its run with --scenario', async () => {
    const brief = await verify(expected);
    expect(brief.code).toBe(0);
    expect(brief.out).toMatch(/torn_instruction \(\d+ steps\), as expected/);
    expect(brief.out).not.toContain('cpu0');
    const run = await verify(expected, '--scenario', 'no sync');
    expect(run.code).toBe(0);
    expect(run.out).toMatch(/^ +1-\d+ +patcher +build plain; 10 bytes reach memory/m);
    const whole = await verify(expected, '--scenario', 'no sync', '--full-run');
    expect(whole.out).toContain('build plain[9]');
  });
  test('a bound names the option to raise', async () => {
    const r = await verify(holds, '--max-states', '100');
    expect(r.code).toBe(3);
    expect(r.out).toContain('… unfinished');
    expect(r.out).toContain('raise --max-states 100');
    const t = await verify(large, '--timeout', '0.3');
    expect(t.code).toBe(3);
    expect(t.out).toContain('raise --timeout 0.3');
    const m = await verify(large, '--max-memory', '2');
    expect(m.code).toBe(3);
    expect(m.out).toContain('raise --max-memory 2');
  });
  test('an interrupt prints what was found until then', async () => {
    const r = await folder.run(['verify', large], {
      interruptAfter: 2000,
    });
    expect(r.code).toBe(3);
    expect(r.out).toMatch(/… unfinished +large +[\d,]+/);
    expect(r.out).toContain('unfinished: interrupted');
  });
  test('findings go before unfinished, files before findings', async () => {
    expect((await verify(broken, example('one-stub'), '--max-states', '4000')).code).toBe(1);
    const r = await verify('nowhere.suture', broken, holds);
    expect(r.code).toBe(2);
    expect(r.err).toBe('suture: nowhere.suture: there is no such file\n');
    expect(r.out).toContain('1 of 2 scenarios as expected');
  });
  test('a folder, and one without specs', async () => {
    const inner = new Folder();
    inner.write('a/b/deep.suture', spec(guarded, 'scenario "deep" {} expect holds'));
    inner.write('a/bad.suture', 'protocol');
    inner.write('c/notes.txt', '');
    const r = await inner.run(['verify', 'a']);
    expect(r.code).toBe(1);
    expect(r.out).toContain('a/bad.suture:1:');
    expect(r.out).toMatch(/✓ holds +deep/);
    expect((await inner.run(['verify', 'c'])).code).toBe(2);
    inner.remove();
  });
  test('a certificate: written, replaced, of one spec; what is unfinished is not in it', async () => {
    const made = await verify(holds, '--quiet', '--certificate', 'made');
    expect(made.code).toBe(0);
    expect(made.err).toMatch(/^suture: made: certificate of 1 check, [\d,]+ bytes\n$/);
    const cut = await verify(holds, '--quiet', '--certificate', 'made', '--max-states', '9');
    expect(cut.code).toBe(3);
    expect(cut.err).toMatch(
      /made: certificate of 0 checks, .*; unfinished, and not in it: "all"\n$/,
    );
    const [spec, two, watched] = await Promise.all([
      verify(holds, '--certificate', broken),
      verify(holds, broken, '--certificate', 'two'),
      verify(holds, '--certificate', 'made', '--watch'),
    ]);
    expect([spec.code, two.code, watched.code]).toEqual([2, 2, 2]);
    expect(spec.err).toBe(`suture: ${broken} is there and is no certificate; name another file\n`);
    expect(two.err).toBe('suture: a certificate is of one spec; name one\n');
    expect(watched.err).toContain("'--watch'");
    const nowhere = await verify(holds, '--certificate', 'no/such/folder');
    expect(nowhere.err).toBe('suture: no/such/folder: there is no such file\n');
  });
  test('standard input, --quiet, --fail-fast', async () => {
    const text = spec(withoutSync, 'scenario "a" {} expect holds\nscenario "b" {} expect holds');
    const r = await folder.run(['verify', '-', '--fail-fast'], { input: text });
    expect(r.code).toBe(1);
    expect(r.out).toContain('0 of 1 scenario as expected');
    const quiet = await verify(holds, '--quiet');
    expect(quiet.out).toMatch(/^1 scenario as expected: .*\n$/);
  });
  test('a scenario that no file has', async () => {
    const r = await verify(expected, '--scenario', 'no snyc');
    expect(r.code).toBe(2);
    expect(r.err).toContain('did you mean "no sync"?');
  });
  test('statements that no scenario executes are named', async () => {
    const never = spec(
      `${guarded}\n  if place[0] == 0 { poke place[0] = int3 }`,
      'scenario "all" {} expect holds',
    );
    const r = await folder.run(['verify', '-'], { input: never });
    expect(r.out).toContain('no scenario executes:');
    expect(r.out).toMatch(/-:23:22: poke place\[0\] = int3/);
    expect((await verify(holds)).out).not.toContain('no scenario executes');
  });
  test('--ascii fits a mail, at any width', async () => {
    for (const args of [
      [broken],
      [example('two-stubs'), '--scenario', 'an NMI in the shadow'],
      [example('static-key'), '--scenario', 'no third sync', '--full-run'],
      [misspelt],
    ]) {
      const r = await folder.run(['verify', ...args, '--ascii'], { env: { COLUMNS: '160' } });
      const lines = r.out.split('\n').filter((l) => !/:\d+:\d+: error/.test(l));
      expect(lines.filter((l) => l.length > 72 || !/^[ -~]*$/.test(l))).toEqual([]);
      expect(lines.length).toBeGreaterThan(3);
    }
  });
  test('the table keeps to the width', async () => {
    for (const columns of [80, 100, 160]) {
      const r = await folder.run(['verify', broken, example('one-stub'), '--scenario', 'all'], {
        env: { COLUMNS: String(columns) },
      });
      expect(r.out.split('\n').filter((l) => l.length > columns)).toEqual([]);
    }
  });
  test('says what it was searched with, and finds the same without generated code', async () => {
    const spec = example('int3-emulate');
    const wanted = ['no gap, but RSP is 8 mod 16', 'no second sync, as one CPU shows it'].flatMap(
      (name) => ['--scenario', name],
    );
    const quick = await folder.run(['verify', spec, ...wanted, '--verbose', '--full']);
    expect(quick.out).toMatch(/no gap.*\n +generated; [\d,]+ states and steps interpreted\n/);
    const plain = await folder.run([
      ...['verify', spec, ...wanted, '--verbose', '--full', '--interpreted'],
    ]);
    expect(plain.out).toMatch(/no gap.*\n +interpreted\n/);
    expect(plain.out).not.toContain('generated');
    const figures = (text: string): readonly string[] =>
      [...text.matchAll(/ ([\d,]+ +[\d,]+ +\d+) +[\d.]+\n/g)].map((m) => m[1] as string);
    expect(figures(quick.out)).toEqual(figures(plain.out));
    expect(figures(plain.out)).toHaveLength(2);
    const less = await folder.run(['verify', spec, ...wanted, '--verbose']);
    expect(less.out).toMatch(/no gap.*\n +reduced; /);
    expect(less.out).toMatch(/ transitions, reduced, /);
    expect(less.out).toMatch(/as one CPU.*\n +reduced; /);
  });
  test('no colour in a pipe', async () => {
    for (const env of [{}, { NO_COLOR: '1' }, { FORCE_COLOR: '1' }]) {
      const r = await folder.run(['verify', broken], { env });
      expect(r.out).not.toContain('\u001b');
      expect(r.err).not.toContain('\u001b');
    }
  });
});

test('a bug of ours says what to report', async () => {
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => {
    throw new TypeError('a made-up bug');
  });
  let said = '';
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  const code = await main(['check', '--capabilities']);
  out.mockRestore();
  err.mockRestore();
  expect(code).toBe(70);
  expect(said).toMatch(/^suture: this is a bug of suture, not of your spec: a made-up bug\n/);
  expect(said).toMatch(/suture \d+\.\d+\.\d+, language .*, machine .*, node v/);
  expect(said).toContain('suture check --capabilities');
});

describe('usage', () => {
  test('a slip is answered with what was meant', async () => {
    const r = await folder.run(['verfy', holds]);
    expect(r.code).toBe(2);
    expect(r.err).toContain('Did you mean verify?');
    const o = await folder.run(['verify', holds, '--quite']);
    expect(o.code).toBe(2);
    expect(o.err).toContain('Did you mean --quiet?');
  });
  test.each([
    ['--max-states', '0'],
    ['--max-memory', 'much'],
    ['--timeout', '-1'],
    ['--workers', '0'],
    ['--workers', 'all'],
    ['--format', 'xml'],
  ])('%s %s is refused', async (option, value) => {
    expect((await verify(holds, option, value)).code).toBe(2);
  });
  test('versions of the package, the language and the machine', async () => {
    const r = await folder.run(['--version']);
    expect(r.code).toBe(0);
    expect(r.out).toMatch(/^suture \d+\.\d+\.\d+, language \d+\.\d+, machine \d+\.\d+\n$/);
  });
  test.each([
    'check',
    'explain',
    'fmt',
    'verify',
    'run',
    'replay',
    'emit',
    'new',
    'share',
    'completion',
  ])('the example in the help of %s works', async (command) => {
    const help = await folder.run([command, '--help']);
    expect(help.code).toBe(0);
    const line = /^Example:\n {2}(suture .*)$/m.exec(help.out)?.[1];
    expect(line).toBeDefined();
    const r = await folder.shell(line ?? 'false');
    expect(r, r.err).toMatchObject({ code: 0 });
  });
  test('the example in the help of open works, with the link of a spec', async () => {
    const help = await folder.run(['open', '--help']);
    const line = /^Example:\n {2}(suture .*)$/m.exec(help.out)?.[1] ?? 'false';
    const r = await folder.shell(`LINK=$(suture share examples/one-stub.suture)\n${line}`);
    expect(r, r.err).toMatchObject({ code: 0 });
  });
  test('every command has an example in its help', async () => {
    const offered = (await folder.run(['words', '--', ''])).out.split('\n').slice(1, -1);
    expect(offered.length).toBeGreaterThan(10);
    for (const command of offered.filter((c) => c !== 'help')) {
      const help = await folder.run([command, '--help']);
      expect(help.out).toMatch(new RegExp(`^Example.*:\\n {2}suture.* ?${command}\\b`, 'm'));
    }
  });
});
