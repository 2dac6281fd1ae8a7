// What the reduction rests on, tried where runs come by: private steps commute with what others do, CPUs can change places.

import { expect, test } from 'vitest';
import { cpuField, taskField } from '../../compiler/emulator/layout.ts';
import {
  actionCpu,
  argumentOf,
  createMachine,
  kindOf,
  kinds,
  type Machine,
} from '../../compiler/emulator/machine.ts';
import { walk } from '../../compiler/explorer/index.ts';
import { compile, programOf } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';
import { conditions } from '../../compiler/reduction/conditions.ts';
import { PrivateSteps } from '../../compiler/reduction/private.ts';
import { symmetry } from '../../compiler/reduction/symmetry.ts';
import type { Check } from '../../compiler/scenario.ts';
import { corners, gallery } from '../generator/gallery.ts';
import { spec } from './specs.ts';

const random = Array.from({ length: 60 }, (_, seed) => {
  const compiled = compile(spec(seed));
  const check = compiled.scenarios[0]?.checks[0] as Check;
  return { name: `random ${seed}`, program: programOf(compiled, check).program };
});
const cases = [...gallery(1), ...corners(), ...random];

/** States of random runs. */
function states(machine: Machine): readonly Int32Array[] {
  const found: Int32Array[] = [];
  for (let seed = 0; seed < 6; seed++)
    walk(machine, seed, 150, {
      watch: (_step, _index, _before, after) => {
        found.push(after.slice());
      },
    });
  return found;
}

function enabled(machine: Machine, state: Int32Array): readonly number[] {
  const out = new Int32Array(1024);
  return [...out.subarray(0, machine.enabled(state, out))];
}

/** The successor, or undefined where the step ends the run. */
function after(machine: Machine, state: Int32Array, action: number): Int32Array | undefined {
  const next = state.slice();
  return machine.apply(next, action) === 0 && machine.limit === undefined ? next : undefined;
}

/** Runs a CPU by itself until it is back where it was interrupted. */
function handled(
  machine: Machine,
  from: Int32Array,
  cpu: number,
  depth: number,
): Int32Array | undefined {
  const { l } = machine.core;
  let state: Int32Array | undefined = from;
  for (let n = 0; state !== undefined && n < 100; n++) {
    const t = l.tasks[state[(l.cpus[cpu] as number) + cpuField.task] as number] as number;
    if ((state[t + taskField.depth] as number) <= depth) return state;
    const mine = enabled(machine, state).filter(
      (a) => actionCpu(a) === cpu && (kindOf(a) === kinds.step || kindOf(a) === kinds.commit),
    );
    if (mine.length !== 1) return undefined;
    state = after(machine, state, mine[0] as number);
  }
  return undefined;
}

const deliveries: readonly number[] = [kinds.ipi, kinds.nmiIpi, kinds.irq, kinds.nmi];

/** Whether a state is another one, but that its CPUs may still fetch more. */
function covers(machine: Machine, more: Int32Array, less: Int32Array): boolean {
  const { l } = machine.core;
  const views = new Set(l.sets ? l.views.flatMap((v) => range(v, v + l.viewWords)) : []);
  const values = (set: number): readonly number[] => [set & 511, (set >> 9) & 511, set >>> 18];
  return less.every((word, i) =>
    views.has(i)
      ? values(word).every((v) => v === 0 || values(more[i] as number).includes(v))
      : word === more[i],
  );
}
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** A state without what belongs to the task that a CPU runs in another one: its registers, its contexts, its stack. */
function without(machine: Machine, s: Int32Array, runs: Int32Array, cpu: number): Int32Array {
  const { l } = machine.core;
  const task = runs[(l.cpus[cpu] as number) + cpuField.task] as number;
  const rest = s.slice();
  for (const from of [l.tasks[task] as number, l.stacks[task] as number])
    rest.fill(0, from, machine.parts[machine.parts.indexOf(from) + 1] ?? machine.words);
  return rest;
}

const depthOf = (machine: Machine, state: Int32Array, cpu: number): number => {
  const { l } = machine.core;
  const t = l.tasks[state[(l.cpus[cpu] as number) + cpuField.task] as number] as number;
  return state[t + taskField.depth] as number;
};

test('a private step commutes with every step of others, and with what interrupts it', {
  timeout: 300_000,
}, () => {
  const tried = { all: 0, inHandlers: 0, fetchMore: 0, interrupted: 0, preempted: 0 };
  for (const { name, program } of cases) {
    const known = conditions(program);
    if (!known.steps) continue;
    const machine = createMachine(program);
    const steps = new PrivateSteps(program, machine, known);
    for (const state of states(machine)) {
      const all = enabled(machine, state);
      for (let cpu = 0; cpu < program.env.cpus; cpu++) {
        const mine = steps.of(state, cpu);
        if (mine < 0) continue;
        expect([name, all.includes(mine)]).toEqual([name, true]);
        expect([name, all.filter((a) => actionCpu(a) === cpu && kindOf(a) === kinds.step)]).toEqual(
          [name, [mine]],
        );
        const first = after(machine, state, mine);
        if (first === undefined) continue;
        const then = enabled(machine, first);
        machine.core.s = state;
        machine.core.select(cpu);
        const index = machine.kernel.at(machine.core.rip());
        /** The step first, then the other; the other first, then the step. */
        const compare = (sooner: Int32Array | undefined, later: Int32Array | undefined): void => {
          if (sooner === undefined || later === undefined || index < 0)
            expect([name, sooner]).toEqual([name, later]);
          else {
            expect([name, covers(machine, sooner, later)]).toEqual([name, true]);
            if (!covers(machine, later, sooner)) tried.fetchMore++;
          }
        };
        for (const other of all) {
          if (other === mine) continue;
          if (actionCpu(other) === cpu && kindOf(other) === kinds.preempt) {
            // Who takes the CPU cannot tell where the thread was.
            expect([name, then.includes(other)]).toEqual([name, true]);
            const [late, soon] = [after(machine, first, other), after(machine, state, other)];
            expect([name, late && without(machine, late, state, cpu)]).toEqual([
              name,
              soon && without(machine, soon, state, cpu),
            ]);
            tried.preempted++;
            continue;
          }
          if (actionCpu(other) === cpu && kindOf(other) !== kinds.commit) {
            if (!deliveries.includes(kindOf(other))) continue;
            const before = after(machine, state, other);
            const back = before && handled(machine, before, cpu, depthOf(machine, state, cpu));
            if (back === undefined) continue;
            expect([name, then.includes(other)]).toEqual([name, true]);
            const late = after(machine, first, other);
            const both = late && handled(machine, late, cpu, depthOf(machine, first, cpu));
            compare(both, after(machine, back, mine));
            tried.interrupted++;
            continue;
          }
          const second = after(machine, state, other);
          if (second === undefined) continue;
          // Neither lets the other happen or keeps it from it.
          expect([name, then.includes(other)]).toEqual([name, true]);
          expect([name, enabled(machine, second).includes(mine)]).toEqual([name, true]);
          compare(after(machine, first, other), after(machine, second, mine));
          tried.all++;
          if (index >= 0) tried.inHandlers++;
        }
        // An acknowledgement lets the wait for it end; nothing else lets others do more.
        const acknowledges = program.kernel[index]?.do.kind === 'ipiack';
        const others = (actions: readonly number[]): readonly number[] =>
          actions.filter((a) => actionCpu(a) !== cpu);
        const may = others(then).filter((a) => !acknowledges || all.includes(a));
        expect([name, may]).toEqual([name, others(all)]);
      }
    }
  }
  expect(tried.all).toBeGreaterThan(20_000);
  expect(tried.inHandlers).toBeGreaterThan(5_000);
  expect(tried.fetchMore).toBeGreaterThan(100);
  expect(tried.interrupted).toBeGreaterThan(1_000);
  expect(tried.preempted).toBeGreaterThan(1_000);
});

test('who may fetch more can do what others can, or something worse', {
  timeout: 300_000,
}, () => {
  let tried = 0;
  let worse = 0;
  for (const { name, program } of cases) {
    if (!conditions(program).handlers) continue;
    const machine = createMachine(program);
    const { l } = machine.core;
    const seen = new Map<number, Set<number>>();
    for (const state of states(machine)) {
      // A value that the byte has had in this run, or will not have had in another: it makes no difference here.
      const cell = Math.floor((state[l.cells] as number) + tried) % Math.max(1, program.cells);
      const had = seen.get(cell) ?? new Set<number>();
      seen.set(cell, had.add(state[l.cells + cell] as number));
      const older = [...had].find((v) => v !== state[l.cells + cell]);
      if (older === undefined) continue;
      for (let cpu = 0; cpu < program.env.cpus; cpu++) {
        const more = state.slice();
        const word = (l.views[cpu] as number) + cell;
        if (more[word] !== 0) continue;
        more[word] = older + 1;
        const bytes = (s: Int32Array, action: number): string => {
          machine.core.s = s;
          machine.core.select(actionCpu(action));
          if (machine.kernel.at(machine.core.rip()) >= 0) return '';
          return `${machine.fetch.choices()[argumentOf(action)]?.insn?.bytes}`;
        };
        const theirs = enabled(machine, more);
        const violates = theirs.some((a) => machine.apply(more.slice(), a) !== 0);
        for (const action of enabled(machine, state)) {
          const next = after(machine, state, action);
          if (next === undefined) continue;
          const same = theirs.filter(
            (a) =>
              a >> 12 === action >> 12 &&
              (kindOf(a) === kinds.step ? bytes(more, a) === bytes(state, action) : a === action),
          );
          if (same.length === 0) {
            expect([name, violates]).toEqual([name, true]);
            worse++;
            continue;
          }
          const others = after(machine, more, same[0] as number);
          expect([name, others && covers(machine, others, next)]).toEqual([name, true]);
          tried++;
        }
      }
    }
  }
  expect(tried).toBeGreaterThan(20_000);
  expect(worse).toBeGreaterThan(100);
});

/** The state with the first two units of a class in each other's place. */
function exchanged(p: Program, machine: Machine, state: Int32Array): Int32Array | undefined {
  const alike = symmetry(p, machine);
  const [one, two] = alike?.classes[0] ?? [];
  if (alike === undefined || one === undefined || two === undefined) return undefined;
  const result = state.slice();
  const image = new Int32Array(state.length);
  const move = (from: number, to: number): void => {
    const start = (part: number): number => machine.parts[part] ?? machine.words;
    if (!alike.encode(from, state, image, start(from), start(from + 1)))
      throw new Error('a part has no common form');
    result.set(image.subarray(0, start(to + 1) - start(to)), start(to));
    alike.decode(to, result, start(to), start(to + 1));
  };
  one.forEach((part, i) => {
    move(part, two[i] as number);
    move(two[i] as number, part);
  });
  return result;
}

test('CPUs that are alike can change places before a step or after it', {
  timeout: 300_000,
}, () => {
  let tried = 0;
  for (const { name, program } of cases) {
    if (!conditions(program).cpus) continue;
    const machine = createMachine(program);
    const alike = symmetry(program, machine);
    if (alike === undefined) continue;
    const firsts = (unit: readonly number[] = []): number[] =>
      unit.map((part) => machine.parts[part] as number);
    const cpuOf = (unit: readonly number[] | undefined): number => {
      const own = new Set(firsts(unit));
      for (const [cpu, at] of machine.core.l.cpus.entries()) if (own.has(at)) return cpu;
      return -1;
    };
    const [one, two] = [cpuOf(alike.classes[0]?.[0]), cpuOf(alike.classes[0]?.[1])];
    const renamed = (action: number): number => {
      const cpu = actionCpu(action);
      return (action & 0xffff) | ((cpu === one ? two : cpu === two ? one : cpu) << 16);
    };
    for (const state of states(machine)) {
      const other = exchanged(program, machine, state) as Int32Array;
      const all = enabled(machine, state);
      expect([name, enabled(machine, other)]).toEqual([
        name,
        all.map(renamed).sort((a, b) => actionCpu(a) - actionCpu(b)),
      ]);
      for (const action of all) {
        const next = after(machine, state, action);
        const theirs = after(machine, other, renamed(action));
        expect([name, theirs]).toEqual([name, next && exchanged(program, machine, next)]);
        tried++;
      }
    }
  }
  expect(tried).toBeGreaterThan(3_000);
});
