// What a user may not run: frames, IRET, gates, shadows, NMIs. What the variables hold is asked of the emulator and of QEMU.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createLayout } from '../../../compiler/emulator/layout.ts';
import { createMachine } from '../../../compiler/emulator/machine.ts';
import { compile, programOf } from '../../../compiler/index.ts';
import type { Program } from '../../../compiler/ir.ts';
import { judgedBy } from '../row.ts';
import { observe, qemu } from './trial.ts';

vi.setConfig({ testTimeout: 600_000 });

const folder = join(import.meta.dirname, 'cases');

/** Of each variable the bits that it has in some state that can be reached. */
function reachable(p: Program): readonly bigint[] {
  const machine = createMachine(p);
  const { data, words } = createLayout(p);
  const seen = new Set<string>();
  const bits = p.data.map(() => 0n);
  const queue = machine.initial().map((s) => s.slice());
  const actions = new Int32Array(256);
  for (let state = queue.pop(); state; state = queue.pop()) {
    p.data.forEach((_, i) => {
      const lo = BigInt((state[data + 2 * i] as number) >>> 0);
      const hi = BigInt((state[data + 2 * i + 1] as number) >>> 0);
      bits[i] = (bits[i] as bigint) | (hi << 32n) | lo;
    });
    const n = machine.enabled(state, actions);
    for (const action of actions.slice(0, n)) {
      const next = state.slice(0, words);
      expect(machine.apply(next, action)).toBe(0);
      const key = next.join();
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push(next);
    }
  }
  return bits;
}

const cases = readdirSync(folder).flatMap((file) => {
  const compiled = compile(readFileSync(join(folder, file), 'utf8'));
  expect(compiled.diagnostics).toEqual([]);
  return compiled.scenarios.flatMap((s) =>
    s.checks.map((check) => {
      const values = check.values.length > 0 ? ` (${check.values.join(', ')})` : '';
      const { program } = programOf(compiled, check);
      return [`${file.replace('.suture', '')} | ${s.name}${values}`, program] as const;
    }),
  );
});

/** Variables that are set back in the course of a round; what they hold at its end is chance. */
const passing = new Set(['inside', 'x', 'depth']);

test.each(cases)('%s', async (_, program) => {
  const told = (bits: readonly bigint[]): Record<string, string> =>
    Object.fromEntries(
      program.data.flatMap((d, i) =>
        passing.has(d.name) ? [] : [[d.name, `0x${(bits[i] as bigint).toString(16)}`]],
      ),
    );
  const model = told(reachable(program));
  let seen: Record<string, string> = {};
  // What comes by chance may need more rounds.
  for (let rounds = 25; rounds < 5000; rounds *= 4) {
    const { words, failed } = await observe(program, rounds, false);
    expect(failed).toEqual([]);
    seen = told(words);
    if (JSON.stringify(seen) === JSON.stringify(model)) break;
  }
  expect(seen).toEqual(model);
});

test('told', () => {
  judgedBy('QEMU, what is privileged', qemu.version, `${cases.length} cases`);
});
