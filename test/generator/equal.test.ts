// Generated code does what the interpreter does: at every state the same successors and the same violations.

import { expect, test } from 'vitest';
import { createMachine } from '../../compiler/emulator/machine.ts';
import { outcomeOfLimit } from '../../compiler/generator/outcomes.ts';
import { excluded, transitions } from '../../compiler/generator/transitions.ts';
import type { Program } from '../../compiler/ir.ts';
import { corners, gallery } from './gallery.ts';
import { type Generated, javascript } from './javascript.ts';

const long = process.env.SUTURE_LONG !== undefined;
/** States that are compared of each check, from the start on, breadth first. */
const most = long ? 20_000 : 100;

const key = (s: Int32Array): string => Buffer.from(s.buffer, 0, s.byteLength).toString('latin1');

/** Compares state by state; the number of steps that were compared. */
function compare(p: Program): number {
  const made = transitions(p);
  const generated = new Function(javascript(made))() as Generated;
  const machine = createMachine(p);
  const out = new Int32Array(4096);
  const seen = new Set<string>();
  let steps = 0;
  let level = [...machine.initial()];
  for (const s of level) seen.add(key(s));
  while (level.length > 0) {
    const next: Int32Array[] = [];
    for (const state of level) {
      const wanted = new Map<string, number>();
      const want = (id: string): unknown => wanted.set(id, (wanted.get(id) ?? 0) + 1);
      const n = machine.enabled(state.slice(), out);
      for (const action of [...out.subarray(0, n)]) {
        const to = state.slice();
        const outcome = machine.apply(to, action);
        steps++;
        if (machine.limit !== undefined) want(`outcome ${outcomeOfLimit}`);
        else if (outcome !== 0) want(`outcome ${outcome}`);
        else {
          const id = key(to);
          want(id);
          if (!seen.has(id) && seen.size < most) {
            seen.add(id);
            next.push(to);
          }
        }
      }
      const found = new Map<string, string[]>();
      for (let cpu = 0; cpu < p.env.cpus; cpu++) {
        made.actions.forEach((action, i) => {
          const to = state.slice();
          if (!generated.enabled(to, cpu, i)) return;
          const outcome = generated.apply(to, cpu, i);
          const id = outcome !== 0 ? `outcome ${outcome}` : key(to);
          found.set(id, [...(found.get(id) ?? []), `cpu${cpu} ${action.name}`]);
        });
      }
      // Named before they are compared: the states themselves are thousands of characters.
      // Ways to break one property are one action here, and may be several fetches there.
      const differ = (id: string): boolean =>
        id.startsWith('outcome')
          ? found.has(id) !== wanted.has(id)
          : found.get(id)?.length !== wanted.get(id);
      const missing = [...wanted.keys()].filter((id) => differ(id) && !found.has(id)).length;
      const extra = [...found].filter(([id]) => differ(id)).map(([, names]) => names);
      expect({ missing, extra }).toEqual({ missing: 0, extra: [] });
    }
    level = next;
  }
  return steps;
}

const cases = [...gallery(long ? 1000 : 1), ...corners()].filter(
  (c) => excluded(c.program) === undefined,
);

test.each(cases.map((c) => [c.name, c.program] as const))('%s', (_, program) => {
  expect(compare(program)).toBeGreaterThan(2);
});

test('has most of the gallery', () => {
  const all = gallery(1000);
  expect(all.filter((c) => excluded(c.program) === undefined).length).toBeGreaterThan(
    0.85 * all.length,
  );
});
