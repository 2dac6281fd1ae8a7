// The small model of `poke.ts` in the forms of the generator: assembled and searched as every check's machine is.

import type { Model } from '../../compiler/explorer/index.ts';
import {
  add,
  both,
  either,
  eq,
  flip,
  isZero,
  join,
  k,
  left,
  less,
  mask,
  ne,
  no,
  right,
  state,
  times,
  type Word,
  Writer,
} from '../../compiler/generator/code.ts';
import { engineOf } from '../../compiler/generator/engine.ts';
import { cpu } from '../../compiler/generator/memory.ts';
import type { Action, Steps } from '../../compiler/generator/transitions.ts';
import { poke } from './poke.ts';

// The two words of a state, as `poke.ts` has them: views and memory; counters, IPIs, the patcher, `desc`, `done`.
const views = state(k(0));
const rest = state(k(1));
const memory = 24;
const pending = 12;
const patcher = 16;
const described = 20;
const done = 21;
const fresh = 1;
const int3 = 2;
const inHandler = 6;

const bits = (of: Word, at: Word | number, width: number): Word =>
  mask(right(of, at), (1 << width) - 1);
const without = (of: Word, what: Word): Word => mask(of, flip(what, -1));

/** The same states and steps as `poke(cpus)`; an action's code is a CPU << 16 | one of six, and the patcher's CPU is the last. */
export function generatedPoke(cpus: number): Model {
  const { code, codes, scratch, touched, filing } = engineOf(steps(cpus), [0], cpus + 1, false);
  const { properties, witnesses, goals, initial } = poke(cpus);
  return {
    words: 2,
    parts: [0],
    properties,
    witnesses,
    goals,
    witnessed: 0,
    limit: undefined,
    scratch,
    touched,
    initial,
    filing,
    enabled: (s, out) => {
      scratch.set(s);
      let n = 0;
      for (let who = 0; who <= cpus; who++) n = code.enabled(who, n);
      for (let i = 0; i < n; i++) out[i] = codes[i] as number;
      return n;
    },
    apply: (s, action) => {
      if (s !== scratch) scratch.set(s);
      const outcome = code.apply(action);
      if (s !== scratch) s.set(scratch);
      return outcome;
    },
    actionName: (_, action) => `cpu${action >> 16} ${names[action & 0xf]}`,
    optional: () => false,
    goalsOf: () => 0,
  };
}

const names = ['ipi', 'prefetch 0', 'prefetch 1', 'prefetch 2', 'step', 'patch'];

function steps(cpus: number): Steps {
  const g = new Writer();
  const all = 2 ** cpus - 1;
  const fetches = less(cpu, cpus);
  const newest = bits(views, memory, 6);
  const shift = times(cpu, 6);
  const seen = bits(views, shift, 6);
  const counter = times(cpu, 3);
  const pc = bits(rest, counter, 3);
  const waits = bits(rest, add(cpu, pending), 1);
  const at = bits(rest, patcher, 4);
  /** Of the CPU's view the bits of `which` become what memory has. */
  const refresh = (which: number): void =>
    g.put(k(0), join(without(views, left(which, shift)), left(mask(newest, which), shift)));
  const go = (to: Word | number): void =>
    g.put(k(1), join(without(rest, left(7, counter)), left(to, counter)));
  const actions: Action[] = [];
  const action = (guard: Word, body: () => void): void => {
    const index = actions.length;
    const name = names[index] as string;
    // Any kind but those that have a place of their own among what is enabled.
    actions.push({ name, code: (1 << 12) | index, guard, body: g.action(body) });
  };

  action(both(fetches, less(pc, inHandler), ne(waits, 0)), () => {
    refresh(63);
    g.put(k(1), without(rest, left(1, add(cpu, pending))));
  });
  for (const byte of [3, 12, 48])
    action(both(fetches, ne(mask(flip(seen, newest), byte), 0)), () => refresh(byte));
  action(fetches, () => {
    g.when(
      eq(pc, 2),
      () => {
        const bytes = g.let(seen);
        const first = g.let(mask(bytes, 3));
        g.when(
          eq(first, int3),
          () => go(inHandler),
          () => {
            g.when(ne(bytes, times(first, 21)), () => g.violate(1));
            g.when(both(ne(bits(rest, done, 1), 0), isZero(first)), () => g.violate(1));
            go(3);
          },
        );
      },
      () =>
        g.when(
          eq(pc, inHandler),
          () => {
            g.when(isZero(bits(rest, described, 1)), () => g.violate(1));
            go(7);
          },
          () =>
            g.when(
              eq(pc, 7),
              () => {
                refresh(63);
                go(3);
              },
              () => {
                const from = g.let(pc);
                g.when(
                  eq(from, 5),
                  () => go(0),
                  () => go(add(from, 1)),
                );
              },
            ),
        ),
    );
  });
  const sync = either(eq(at, 3), eq(at, 7), eq(at, 10));
  action(
    both(eq(cpu, cpus), less(at, 11), isZero(both(sync, ne(bits(rest, pending, cpus), 0)))),
    () => {
      const now = g.let(at);
      g.put(k(1), add(rest, 1 << patcher));
      const write = (byte: number, value: number): void =>
        g.put(
          k(0),
          join(without(views, k(3 << (memory + 2 * byte))), value << (memory + 2 * byte)),
        );
      g.when(eq(now, 0), () => g.put(k(1), join(rest, 1 << described)));
      g.when(eq(now, 1), () => write(0, int3));
      g.when(either(eq(now, 2), eq(now, 6), eq(now, 9)), () =>
        g.put(k(1), join(rest, all << pending)),
      );
      g.when(eq(now, 4), () => write(1, fresh));
      g.when(eq(now, 5), () => write(2, fresh));
      g.when(eq(now, 8), () => write(0, fresh));
      g.when(eq(now, 10), () => g.put(k(1), join(without(rest, k(1 << described)), 1 << done)));
    },
  );
  return {
    initial: new Int32Array(2),
    actions,
    routines: [...g.routines.values()],
    select: [],
    judge: [],
    witnesses: { body: [], routines: [] },
    operations: 0,
    newest: () => no,
    older: () => no,
    free: no,
    ended: -1,
    scratch: 0,
  };
}
