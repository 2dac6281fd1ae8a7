// A check's machine as WebAssembly: what a state allows, and what an action does to it.

import { int3 } from '../emulator/fetch.ts';
import { kinds } from '../emulator/machine.ts';
import { region } from '../ir.ts';
import { mostInARow, staleFetch } from '../reduction/reduced.ts';
import type { Statement, Word } from './code.ts';
import {
  add,
  below,
  both,
  either,
  eq,
  isZero,
  join,
  k,
  left,
  less,
  mask,
  ne,
  pick,
  right,
  state,
  sub,
  variable,
} from './code.ts';
import { first } from './fetches.ts';
import { cpu, outcome, t, witnessed } from './memory.ts';
import { outcomeOfLimit, unjudged, unsaid } from './outcomes.ts';
import { isPrivate, keeps, type PrivateCode, unknown } from './private.ts';
import type { Action, Steps } from './transitions.ts';
import type { Body } from './wasm.ts';
import { Module } from './wasm.ts';

export interface Assembly {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where things stand in the memory, in bytes; the state is at 0. */
  readonly dirty: number;
  readonly partOf: number;
  readonly executed: number;
  /** Codes of actions that `enabled` writes. */
  readonly out: number;
  /** For each kind of context the most bytes that a stack may have for `quietly` to say what a step does. */
  readonly most: number;
  readonly size: number;
}

const rip = state(t);
/** Kinds of contexts, of which `emulator/layout.ts` has fewer. */
export const contextKinds = 16;
/** Whether the last `read` that had a choice chose a byte that is not the newest. */
const stale = variable('stale');
/** Whether `enabled` marks such fetches. */
const marking = variable('marking');
/** The word at a byte of the memory. */
const word = (at: Word, offset = 0): Word => ({ kind: 'load', memory: 0, at, offset });

/** Does what is to be done where RIP stands, if that is one of these addresses. */
function byAddress(f: Body, sites: readonly number[], write: (site: number) => void): void {
  const sorted = [...sites].sort((a, b) => a - b);
  const search = (from: number, to: number): void => {
    if (to - from <= 3) {
      for (const site of sorted.slice(from, to)) f.when(eq(rip, site), () => write(site));
      return;
    }
    const middle = (from + to) >> 1;
    f.when(
      less(rip, sorted[middle] as number),
      () => search(from, middle),
      () => search(middle, to),
    );
  };
  search(0, sorted.length);
}

/** `parts`: first word of each part of a state. */
export function assemble(made: Steps, parts: readonly number[]): Assembly {
  const words = made.initial.length;
  const kept = 4 * words;
  const { private: quiet } = made;
  const partOf = kept + 4 * (made.scratch + (quiet?.viewWords ?? 0));
  // At a whole word, so that four marks can be looked at together.
  const dirty = (partOf + words + 3) & ~3;
  const executed = dirty + parts.length;
  const out = (executed + made.operations + 7) & ~3;
  const most = out + 4 * 4096;
  const size = most + 4 * contextKinds;
  const partAt = new Uint8Array(words);
  parts.forEach((from, i) => {
    partAt.fill(i, from);
  });
  const part = (word: number): number => partAt[word] as number;
  const m = new Module({ kept, partOf, dirty, executed, part });
  // What others read by name stands first.
  for (const name of ['outcome', 'events', 'finished', 'witnessed']) m.global(name);
  const body = (
    name: string,
    statements: readonly Statement[],
    local: (name: string) => boolean,
  ): void =>
    m.add(name, [], local, (f) => {
      f.block(statements);
      f.constant(0);
    });
  for (const r of [...made.routines, ...made.witnesses.routines, ...(quiet?.routines ?? [])]) {
    const own = new RegExp(`^${r.name}_\\d+$`);
    body(r.name, r.body, (v) => own.test(v));
  }
  const ofAction = (v: string): boolean => /^x\d+$/.test(v);
  made.actions.forEach((a, i) => {
    body(`action${i}`, a.body, ofAction);
  });
  const judges = [
    { name: 'judge', statements: made.judge },
    { name: 'see', statements: made.witnesses.body },
  ].filter((x) => x.statements.length > 0);
  for (const x of judges) body(x.name, x.statements, ofAction);
  body('select', made.select, () => false);

  const indexed = made.actions.map((action, index) => ({ action, index }));
  const steps = indexed.filter((x) => x.action.step !== undefined);
  const others = indexed.filter((x) => x.action.step === undefined);

  // What the first byte of a fetch is read as by a choice, and how many choices there are: INT3 alone may be seen or
  // not, any other doubt about a byte is unpredictable. In the order of their values, and before them what is torn.
  const ways = variable('ways');
  const choice = variable('choice');
  m.add(
    'read',
    ['cell', 'choice'],
    (v) => ['cell', 'choice', 'newest', 'older', 'other'].includes(v),
    (f) => {
      const [newest, older, other] = ['newest', 'older', 'other'].map(variable) as [
        Word,
        Word,
        Word,
      ];
      f.assign('newest', made.newest(variable('cell')));
      f.assign('older', made.older(variable('cell')));
      f.assign('first', newest);
      f.when(isZero(older), () => f.return(0));
      f.assign('first', k(-1));
      const has = either(
        eq(newest, int3),
        ...[0, 9, 18].map((n) => eq(mask(right(older, n), 511), int3 + 1)),
      );
      f.when(isZero(has), () => f.return(0));
      f.assign('ways', k(2));
      // One older value, and one of the two is INT3.
      f.when(below(older, 512), () =>
        f.assign('first', pick(eq(newest, int3), sub(older, 1), newest)),
      );
      f.assign('other', first);
      f.when(eq(less(other, int3), choice), () => f.assign('first', k(int3)));
      f.assign('stale', ne(first, newest));
      f.constant(0);
    },
  );

  // Which step a CPU can take by a choice: 1 + the action's index, 0 if none, `unsaid` where that is not known.
  m.add(
    'step_of',
    ['choice'],
    (v) => v === 'choice',
    (f) => {
      f.assign('ways', k(1));
      f.when(isZero(made.free), () => f.return(0));
      const base = region.kernel | 0;
      const { operations } = made;
      const byRip = new Map<number, { action: Action; index: number }[]>();
      for (const x of steps) {
        const where = x.action.step?.at;
        if (where !== undefined) byRip.set(where, [...(byRip.get(where) ?? []), x]);
      }
      const tryAll = (all: readonly { action: Action; index: number }[]): void => {
        const { cell = -1, settled = true } = all[0]?.action.step ?? {};
        if (cell >= 0) {
          f.value(k(cell));
          f.value(choice);
          f.run('read');
          if (!settled) f.when(ne(ways, 1), () => f.return(unsaid));
        }
        for (const { action, index } of all)
          f.when(action.step?.own ?? k(0), () => f.return(index + 1));
        f.return(0);
      };
      f.when(below(sub(rip, base), operations), () =>
        f.choose(
          sub(rip, base),
          Array.from(
            { length: operations },
            (_, i) => () => tryAll(byRip.get((base + i) | 0) ?? []),
          ),
        ),
      );
      const sites = [...byRip.keys()].filter(
        (r) => ((r - base) | 0) < 0 || ((r - base) | 0) >= operations,
      );
      byAddress(f, sites, (site) => tryAll(byRip.get(site) ?? []));
      for (const { action, index } of steps)
        if (action.step?.at === undefined) f.when(action.guard, () => f.return(index + 1));
      f.constant(0);
    },
  );

  const n = variable('n');
  const found = variable('step_found');
  const alive = made.ended >= 0 ? isZero(state(k(made.ended))) : k(1);
  const push = (f: Body, code: number): void => {
    f.storeAt(add(left(n, 2), out), join(left(cpu, 16), code));
    f.assign('n', add(n, 1));
  };
  // The codes of what a CPU may do, from `out` on; how many, or `unsaid`.
  m.add(
    'enabled',
    ['which', 'from'],
    (v) => ['which', 'from', 'earlier', 'first_stale'].includes(v),
    (f) => {
      f.assign('n', variable('from'));
      f.when(isZero(alive), () => {
        f.result(n);
        f.giveBack();
      });
      f.assign('cpu', variable('which'));
      f.run('select');
      const kind = (x: { action: Action }): number => (x.action.code >> 12) & 15;
      const offer = (all: readonly { action: Action }[]): void => {
        for (const x of all) f.when(x.action.guard, () => push(f, x.action.code));
      };
      offer(others.filter((x) => kind(x) === kinds.latched));
      const offerStep = (by: number): void => {
        f.value(k(by));
        f.call('step_of');
        f.set('step_found');
        f.when(eq(found, unsaid), () => f.return(unsaid));
        f.when(ne(found, 0), () => push(f, kinds.step | by));
      };
      f.assign('earlier', n);
      offerStep(0);
      f.when(ne(ways, 1), () => {
        if (quiet === undefined) {
          offerStep(1);
          return;
        }
        // Of two fetches those are marked that get bytes which are not the newest, or none that are known.
        const fetchless = steps.filter(
          ({ action: { step } }) => step && step.cell >= 0 && !step.fetches,
        );
        const isStale = either(stale, ...fetchless.map((x) => eq(found, x.index + 1)));
        f.assign('first_stale', isStale);
        offerStep(1);
        f.when(both(ne(marking, 0), eq(sub(n, variable('earlier')), 2)), () => {
          const at = (back: number): Word => add(left(sub(n, back), 2), out);
          const mark = (back: number, when: Word): void =>
            f.when(when, () => f.storeAt(at(back), join(word(at(back)), staleFetch)));
          mark(2, variable('first_stale'));
          mark(1, isStale);
        });
      });
      offer(others.filter((x) => kind(x) !== kinds.latched && kind(x) !== kinds.commit));
      offer(others.filter((x) => kind(x) === kinds.commit));
      f.result(n);
    },
    true,
  );

  m.add(
    'judged',
    [],
    () => false,
    (f) => {
      f.when(ne(outcome, 0), () => {
        f.result(outcome);
        f.giveBack();
      });
      for (const x of judges) {
        f.run(x.name);
        f.when(less(outcomeOfLimit - 1, outcome), () => f.return(unjudged));
        f.when(ne(outcome, 0), () => {
          f.result(outcome);
          f.giveBack();
        });
      }
      f.constant(0);
    },
  );

  // Does an action: its outcome, with what the spec's own properties say of it; `unsaid` if nothing was written, or
  // `unjudged`.
  m.add(
    'apply',
    ['action'],
    (v) => v === 'action',
    (f) => {
      const code = variable('code');
      f.assign('outcome', k(0));
      f.assign('events', k(0));
      f.assign('finished', k(0));
      f.assign('witnessed', k(0));
      f.assign('cpu', right(variable('action'), 16));
      f.assign('code', mask(variable('action'), 0xffff));
      f.run('select');
      const done = (index: number) => (): void => {
        f.run(`action${index}`);
        f.call('judged');
        f.giveBack();
      };
      f.when(eq(right(code, 12), kinds.step), () => {
        f.value(mask(code, 0xfff));
        f.call('step_of');
        f.set('step_found');
        f.when(eq(found, unsaid), () => f.return(unsaid));
        f.choose(
          sub(found, 1),
          made.actions.map((a, i) => (a.step ? done(i) : () => f.return(unsaid))),
        );
        f.return(unsaid);
      });
      for (const { action, index } of others) f.when(eq(code, action.code), done(index));
      f.constant(unsaid);
    },
    true,
  );
  if (quiet !== undefined) quietly(m, made, quiet, most);
  for (const name of ['events', 'finished', 'witnessed'])
    m.add(
      name,
      [],
      () => false,
      (f) => f.result(variable(name)),
      true,
    );
  return { bytes: m.bytes(), dirty, partOf, executed, out, most, size };
}

/**
 * What a search asks that takes private steps at once, as `reduction/reduced.ts` has them: `quietly` does an action and
 * all private steps behind it; `keeping` does so where some of these leave it to a CPU what it may fetch; `marked` are
 * the actions with the mark of fetches that are not the newest. Where a private step is none that can simply be done, or a
 * stack gets deeper than is known, `quietly` says `unsaid`.
 */
function quietly(m: Module, made: Steps, quiet: PrivateCode, most: number): void {
  m.add(
    'marked',
    ['which', 'from'],
    (v) => v === 'which' || v === 'from',
    (f) => {
      f.assign('marking', k(1));
      f.callFor('n', 'enabled', variable('which'), variable('from'));
      f.assign('marking', k(0));
      f.result(variable('n'));
    },
    true,
  );
  m.add(
    'standing',
    [],
    () => false,
    (f) => {
      const base = region.kernel | 0;
      f.when(below(sub(rip, base), made.operations), () =>
        f.choose(
          sub(rip, base),
          quiet.operations.map((what) => () => f.return(what)),
        ),
      );
      const sites = new Set(
        made.actions.flatMap(({ step }) => (step?.at === undefined ? [] : [step.at])),
      );
      byAddress(f, [...sites], (site) => f.return(quiet.sites.get(site) ?? 0));
      f.constant(unknown);
    },
  );
  m.add(
    'private',
    [],
    (v) => /^x\d+$/.test(v),
    (f) => {
      f.callFor('standing', 'standing');
      f.block(quiet.judge);
      f.result(isPrivate);
    },
  );
  /** Leaves the function where the stack of the CPU that is selected is deeper than is known. */
  const look = (f: Body): void => {
    const { depth } = quiet;
    f.run('select');
    const deeper = less(word(left(depth.kind, 2), most), depth.used);
    f.when(either(deeper, less(depth.used, 0)), () => f.return(unsaid));
  };
  const views = { at: quiet.views, count: quiet.viewWords, to: made.scratch };
  m.add(
    'silence',
    ['which'],
    (v) => ['which', 'row', 'kept', 'result'].includes(v),
    (f) => {
      const [which, row, kept, result] = ['which', 'row', 'kept', 'result'].map(variable) as [
        Word,
        Word,
        Word,
        Word,
      ];
      f.assign('row', k(0));
      f.while(less(row, mostInARow), () => {
        f.assign('cpu', which);
        f.run('select');
        f.callFor('result', 'private');
        f.when(ne(result, 1), () => {
          f.result(result);
          f.giveBack();
        });
        f.assign('kept', keeps);
        f.when(kept, () => f.block([{ kind: 'keep', ...views }]));
        f.callFor('result', 'apply', join(left(which, 16), kinds.step << 12));
        f.when(ne(result, 0), () => f.return(unsaid));
        f.assign('cpu', which);
        f.when(kept, () => f.block([{ kind: 'restore', ...views }]));
        f.assign('seen', join(variable('seen'), witnessed));
        look(f);
        f.assign('row', add(row, 1));
      });
      f.constant(unsaid);
    },
  );
  for (const [name, keeps] of [
    ['quietly', 0],
    ['keeping', 1],
  ] as const)
    m.add(
      name,
      ['action'],
      (v) => v === 'action' || v === 'result',
      (f) => {
        const action = variable('action');
        const isStep = eq(mask(right(action, 12), 15), kinds.step);
        f.when(isStep, () => f.assign('action', mask(action, ~staleFetch)));
        f.callFor('result', 'apply', action);
        f.when(ne(variable('result'), 0), () => {
          f.result(variable('result'));
          f.giveBack();
        });
        f.assign('seen', witnessed);
        f.assign('keeping', k(keeps));
        f.assign('cpu', right(action, 16));
        look(f);
        for (let cpu = 0; cpu < quiet.cpus; cpu++) {
          f.callFor('result', 'silence', k(cpu));
          f.when(ne(variable('result'), 0), () => f.return(unsaid));
        }
        f.assign('witnessed', variable('seen'));
        f.constant(0);
      },
      true,
    );
}
