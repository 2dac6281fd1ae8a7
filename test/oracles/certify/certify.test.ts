// Certificates, judged by a checker that searches nothing: it accepts ours, and refuses a thousand damaged ones.
//
// The short form takes the checks of the gallery up to 30,000 states; `--long` those up to a million.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Certificate } from '../../../compiler/cli/certificate.ts';
import { programOf } from '../../../compiler/compile.ts';
import { createMachine } from '../../../compiler/emulator/machine.ts';
import { type Compiled, compile, Verification } from '../../../compiler/index.ts';
import { examples } from '../../gallery/gallery.ts';
import { randomFrom } from '../programs/generate.ts';
import { figure, judgedBy } from '../row.ts';
import { judge } from './check.ts';
import { malformed, type Sound, wellFormed } from './damage.ts';
import { apart, pack, together, unpack } from './form.ts';

const long = process.env.SUTURE_LONG !== undefined;
const maxStates = long ? 1_000_000 : 30_000;
const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'suture-certify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As `verify --certificate` writes it, and what was found, a line each. */
function certify(
  compiled: Compiled,
  wanted: readonly string[] = compiled.scenarios.map((s) => s.name),
): {
  readonly file: Buffer;
  readonly said: string[];
  readonly open: string[];
  readonly states: number;
} {
  const name = join(folder, 'certificate');
  const certificate = new Certificate(name, compiled.text);
  const said: string[] = [];
  const open: string[] = [];
  let states = 0;
  for (const scenario of compiled.scenarios) {
    if (!wanted.includes(scenario.name)) continue;
    const search = new Verification(
      compiled,
      scenario,
      { maxStates },
      { closing: certificate.of(compiled, scenario) },
    );
    while (!search.advance(50_000).done);
    search.result().checks.forEach(({ result }, i) => {
      const where = `"${scenario.name}" #${i + 1}`;
      if (result.verdict === 'unfinished') open.push(where);
      if (result.verdict === 'holds') {
        states += result.states;
        said.push(`${where}: holds, ${result.states} states, ${result.transitions} transitions`);
      }
      for (const v of result.violations)
        said.push(`${where}: violates ${v.property} by a run of ${v.schedule.length} steps`);
    });
  }
  certificate.end();
  return { file: readFileSync(name), said, open, states };
}

const published = readFileSync(join(root, 'test/gallery/states.txt'), 'utf8').split('\n');
let checks = 0;
let accepted = 0;
let bytes = 0;
let refused = 0;
afterAll(() => {
  judgedBy(
    'our checker of certificates',
    'by the interpreter alone',
    `${figure(checks)} claims of the gallery, ${figure(accepted)} states in ${figure(bytes)} bytes; ${figure(refused)} damaged ones refused`,
  );
});

describe('it accepts', () => {
  for (const { name, compiled } of examples) {
    test(name, () => {
      const { file, said, open, states } = certify(compiled);
      const judged = judge(compiled, file);
      expect(judged.said.map((s) => s.replace(/; behind it .*/, ''))).toEqual(said);
      expect(judged.open).toEqual(open);
      expect(said.length).toBeGreaterThan(1);
      // The figures are those of the gallery's page.
      for (const scenario of compiled.scenarios) {
        const own = judged.said.filter((s) => s.startsWith(`"${scenario.name}" #`));
        const sum = own.reduce((n, s) => n + Number(/holds, (\d+) states/.exec(s)?.[1] ?? 0), 0);
        if (sum > 0 && own.length === scenario.checks.length)
          expect(
            published.some((l) => l.startsWith(`${name} | ${scenario.name} | holds | ${sum} |`)),
          ).toBe(true);
      }
      checks += said.length;
      accepted += states;
      for (const { claim, packed } of apart(file).pieces)
        if (claim.verdict === 'holds') bytes += packed;
    });
  }
});

test('it uses no search, and is short', async () => {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, 'check.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  const used = Object.keys(metafile.inputs).map((f) => relative(root, resolve(f)));
  expect(used).toContain('compiler/emulator/step.ts');
  expect(
    used.filter((f) =>
      /^compiler\/(explorer|cli)\/|^compiler\/(verify|certificate|report)\.ts/.test(f),
    ),
  ).toEqual([]);
  const lines = readFileSync(join(import.meta.dirname, 'check.ts'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.length).toBeLessThanOrEqual(200);
});

describe('it refuses', () => {
  const of = (example: string, more = ''): Compiled =>
    compile(readFileSync(join(root, 'examples', `${example}.suture`), 'utf8') + more);
  const specs: readonly (readonly [Compiled, readonly string[]])[] = [
    [
      of('overwrite-in-place', 'witness trap at place\n'),
      ["one aligned store, AMD's rule", 'no sync behind it', 'the line ends behind the opcode'],
    ],
    [of('int3-emulate'), ['trap gate, it looks again', 'no third sync']],
    [of('one-stub'), ['one patch, never released', 'IRQs on']],
    [
      of('spin-iret'),
      ['no third sync', 'no first sync', 'IRQs off at the site', 'an NMI handler runs the site'],
    ],
    [of('two-stubs'), ['a shadow stack', 'no third sync: the stub is gone']],
  ];
  /** A certificate for each claim. */
  const sound: Sound[] = [];
  beforeAll(() => {
    for (const [compiled, wanted] of specs) {
      const { head, pieces } = apart(certify(compiled, wanted).file);
      for (const piece of pieces)
        sound.push({
          name: `${piece.claim.scenario} #${piece.claim.check + 1}`,
          compiled,
          file: together({ head, pieces: [piece] }),
        });
    }
  });

  test('none that is whole, however it was put together', () => {
    expect(sound.length).toBeGreaterThan(12);
    for (const { compiled, file } of sound) {
      const parts = apart(file);
      const [piece] = parts.pieces;
      if (piece?.claim.set) {
        const check = compiled.scenarios.find((s) => s.name === piece.claim.scenario)?.checks[
          piece.claim.check
        ];
        const states = unpack(
          createMachine(programOf(compiled, check as NonNullable<typeof check>).program),
          piece,
        );
        expect(Buffer.from(pack(states)).equals(piece.content)).toBe(true);
      }
      expect(judge(compiled, together(parts)).said).toHaveLength(1);
    }
  });

  for (const [form, damages] of Object.entries({ wellFormed, malformed })) {
    test(`500 damaged ones, ${form}`, () => {
      const random = randomFrom(form === 'wellFormed' ? 20_240_417 : 97);
      const kinds = Object.entries(damages);
      for (let n = 0; n < 500; ) {
        const [kind, [damage, reason]] = kinds[n % kinds.length] as (typeof kinds)[number];
        const whole = sound[random(sound.length)] as Sound;
        const file = damage(whole, random, sound);
        if (file === undefined) continue;
        let why = 'accepted';
        try {
          judge(whole.compiled, file);
        } catch (error) {
          why = (error as Error).message;
        }
        expect(why, `${kind}, ${whole.name}, damage ${n}`).toMatch(reason);
        expect(why, 'one sentence in one line').toMatch(/^[^\n]+$/);
        n++;
        refused++;
      }
    });
  }

  test('one of another text, though it means the same', () => {
    const [{ compiled, file }] = sound as [Sound];
    expect(() => judge(compile(`${compiled.text}// more\n`), file)).toThrow(/another text/);
  });

  test('as a command, with a sentence and an exit code', () => {
    const [{ compiled, file }] = sound as [Sound];
    const spec = join(folder, 'spec.suture');
    const certificate = join(folder, 'one.certificate');
    const check = (bytes: Buffer, name = spec) => {
      writeFileSync(spec, compiled.text);
      writeFileSync(certificate, bytes);
      const script = join(import.meta.dirname, 'check.ts');
      const done = spawnSync(process.execPath, [script, name, certificate], { encoding: 'utf8' });
      return [done.status, done.stdout.split('\n')[0], done.stderr];
    };
    expect(check(file)).toEqual([3, expect.stringContaining('holds, 152 states'), '']);
    const torn = 'it is no certificate, or torn, or damaged: its checksum does not fit';
    expect(check(file.subarray(0, 500))).toEqual([1, '', `refused: ${torn}\n`]);
    expect(check(Buffer.of())).toEqual([1, '', `refused: ${torn}\n`]);
    // A text with errors has no checks, so a sound certificate of it claims nothing.
    const none = join(folder, 'none.suture');
    writeFileSync(none, 'protocol\n');
    const sha256 = createHash('sha256').update('protocol\n').digest('hex');
    const empty = together({ head: { ...apart(file).head, sha256 }, pieces: [] });
    expect(check(empty, none)).toEqual([3, '', '']);
    const missing = `ENOENT: no such file or directory, open 'nowhere.suture'`;
    expect(check(file, 'nowhere.suture')).toEqual([2, '', `refused: ${missing}\n`]);
  });
});
