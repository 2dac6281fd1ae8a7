// Runs of the machine: they replay, their names are unique, and equal states are those with equal words.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digest, listing } from '../../compiler/emulator/digest.ts';
import { createMachine, programOf, replay, tell, walk } from '../../compiler/index.ts';
import { examples } from '../gallery/gallery.ts';

const machines = examples.flatMap(({ name, compiled }) =>
  compiled.scenarios.slice(0, 3).map((s) => ({
    name: `${name}: ${s.name}`,
    machine: createMachine(programOf(compiled, s.checks[0] as never).program),
  })),
);

describe('random walks', () => {
  for (const { name, machine } of machines) {
    test(name, () => {
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 1, max: 150 }), (seed, steps) => {
          const states: string[] = [];
          const keys = new Map<string, string>();
          const scratch = new Int32Array(256);
          const walked = walk(machine, seed, steps, {
            watch: (_step, _i, before, after) => {
              states.push(after.join());
              const n = machine.enabled(before.slice(), scratch);
              const names = Array.from({ length: n }, (_, k) =>
                machine.actionName(before, scratch[k] as number),
              );
              expect(new Set(names).size).toBe(names.length);
              const shown = listing(machine.core, after).join('\n');
              const known = keys.get(shown);
              if (known !== undefined) expect(after.join()).toBe(known);
              keys.set(shown, after.join());
            },
          });
          expect(new Set(keys.values()).size).toBe(keys.size);
          // The same names again: the same states, in the same order.
          const again: string[] = [];
          const names = walked.steps.map((s) => s.name);
          const replayed = replay(machine, names, {
            watch: (_s, _i, _b, after) => again.push(after.join()),
          });
          expect(replayed.kind).toBe(walked.kind === 'stuck' ? 'played' : walked.kind);
          expect(again).toEqual(states);
          // Told, it says the same of every step twice.
          const told = tell(machine, names);
          expect(told.diverged).toBeUndefined();
          expect(tell(machine, names)).toEqual(told);
          expect(told.steps.map((s) => s.name)).toEqual(names);
          if (walked.kind === 'played')
            expect(told.steps.at(-1)?.digest).toBe(digest(machine.core, walked.state));
        }),
        { numRuns: 8 },
      );
    });
  }
});

test('a step does not depend on what was asked before', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(machines.length - 1), (seed, which) => {
      const { machine } = machines[which] as (typeof machines)[number];
      const walked = walk(machine, seed, 60);
      if (walked.kind !== 'played') return;
      const out = new Int32Array(256);
      const n = machine.enabled(walked.state, out);
      const before = walked.state.slice();
      const successors = (order: readonly number[]): string[] =>
        order.map((k) => {
          const s = before.slice();
          const outcome = machine.apply(s, out[k] as number);
          return outcome === 0 ? s.join() : `violates ${outcome}`;
        });
      const forward = Array.from({ length: n }, (_, k) => k);
      expect(successors([...forward].reverse()).reverse()).toEqual(successors(forward));
      // Asking changes nothing.
      expect(walked.state.join()).toBe(before.join());
    }),
    { numRuns: 60 },
  );
});
