// The gallery on QEMU: every scenario that a booted image can have agrees, and the others say why there is none.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createMachine } from '../../../compiler/emulator/machine.ts';
import { unbootable } from '../../../compiler/image/image.ts';
import { compile, programOf } from '../../../compiler/index.ts';
import type { Environment, Program } from '../../../compiler/ir.ts';
import { figure, judgedBy } from '../row.ts';
import { expectAgreement, qemu, shown, trial } from './trial.ts';

vi.setConfig({ testTimeout: 3_600_000 });

const long = process.env.SUTURE_LONG === '1';
const examples = resolve(import.meta.dirname, '../../../examples');
const golden = join(import.meta.dirname, 'images.txt');

interface Check {
  readonly name: string;
  readonly scenario: string;
  readonly program: Program;
}

const checksOf = (folder: string): readonly Check[] =>
  readdirSync(folder)
    .filter((f) => f.endsWith('.suture'))
    .sort()
    .flatMap((file) => {
      const compiled = compile(readFileSync(join(folder, file), 'utf8'));
      return compiled.scenarios.flatMap((s) =>
        s.checks.map((check) => {
          const values = check.values.length > 0 ? ` (${check.values.join(', ')})` : '';
          return {
            name: `${file.replace('.suture', '')} | ${s.name}${values}`,
            scenario: `${file.replace('.suture', '')} | ${s.name}`,
            program: programOf(compiled, check).program,
          };
        }),
      );
    });

const checks = checksOf(examples);

test('what has no image says why', () => {
  const lines = checks.map((c) => `${c.name} | ${unbootable(c.program) ?? 'an image'}\n`).join('');
  if (process.env.SUTURE_PROMOTE === '1') writeFileSync(golden, lines);
  expect(lines).toBe(readFileSync(golden, 'utf8'));
});

/** In the short form: one for each kind of thing that can be seen. */
const few = new Set([
  'int3-emulate | as merged',
  'int3-emulate | no third sync',
  'int3-emulate | no gap',
  'int3-emulate | no gap, but RSP is 8 mod 16',
  'int3-emulate | trap gate',
  'one-stub | IRQs on',
  'one-stub | IRQs off at the site',
  "overwrite-in-place | one aligned store, AMD's rule",
  'overwrite-in-place | no sync behind it',
  'per-cpu-stubs | no third sync',
  'r10-r11-thunk | a callee-saved site: only RAX is dead',
  'spin-iret | IRQs off at the site',
  'spin-iret | replaced by inline code',
  'static-key | the handler jumps if it must',
  'two-stubs | no third sync: the stub is gone',
]);

describe('observed is allowed, and what is allowed is observed', () => {
  const bootable = checks.filter((c) => unbootable(c.program) === undefined);
  const wanted = bootable.filter((c) => long || few.has(c.scenario));
  let rounds = 0;
  for (const [i, c] of wanted.entries())
    test(c.name, async () => {
      const t = await trial(c.program, long ? 200 : 30);
      rounds += t.rounds;
      expectAgreement(t);
      if (i === wanted.length - 1)
        judgedBy(
          `QEMU, ${long ? 'every example' : 'some examples'}`,
          qemu.version,
          `${wanted.length} of ${bootable.length} checks, ${figure(rounds)} rounds`,
          [`${checks.length - bootable.length} checks have no image: test/oracles/qemu/images.txt`],
        );
    });
});

test.each(checksOf(join(import.meta.dirname, 'specs')).map((c) => [c.name, c.program] as const))(
  'what no example has: %s',
  async (_, program) => {
    expectAgreement(await trial(program, long ? 200 : 60));
  },
);

describe('a model that forbids something is caught', () => {
  const wrong = (name: string, change: Partial<Environment>, kind: RegExp): void => {
    test(name, async () => {
      const check = checks.find((c) => c.scenario === name) as Check;
      const model = (p: Program) => createMachine({ ...p, env: { ...p.env, ...change } });
      let t = await trial(check.program, 60, model);
      // It comes by chance, in some of a hundred rounds.
      for (let n = 120; t.verdict !== 'disagrees' && n < 2000; n *= 2)
        t = await trial(check.program, n, model);
      expect(t.verdict, shown(t)).toBe('disagrees');
      const forbidden = t.failures.filter((f) => f.explained === undefined);
      expect(forbidden.map((f) => f.kind).join()).toMatch(kind);
    });
  };
  wrong('int3-emulate | trap gate', { gate: 'interrupt' }, /trap_handled/);
  wrong('int3-emulate | no gap', { gap: true }, /#GP|#SS/);
});
