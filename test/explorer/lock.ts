// A second tiny model: two counters behind one lock, small enough to count its states by hand.

import type { Model } from '../../compiler/explorer/index.ts';

export interface LockOptions {
  /** Each process counts this far. */
  readonly max: number;
  /** The lock is taken without a look at it. */
  readonly careless?: boolean;
  /** Process b may leave without giving the lock back. */
  readonly forgets?: boolean;
  /** Who waits for the lock may take a turn that changes nothing. */
  readonly spins?: boolean;
  /** Someone may free a forgotten lock, who need not come, or who always may. */
  readonly rescue?: 'optional' | 'certain';
  /** A process that sees a forgotten lock may complain, which violates `patience`. */
  readonly complains?: boolean;
  /** The model's own bound on a counter. */
  readonly room?: number;
}

const OWNER = 0;
const pc = (who: number) => 1 + 2 * who;
const counter = (who: number) => 2 + 2 * who;
const names = ['locks', 'counts', 'unlocks', 'forgets', 'spins', 'complains'] as const;
const LOCKS = 0;
const COUNTS = 1;
const UNLOCKS = 2;
const FORGETS = 3;
const SPINS = 4;
const COMPLAINS = 5;
const RESCUE = 100;

export function lock(options: LockOptions): Model {
  const forgotten = (s: Int32Array) => s[OWNER] !== 0 && s[pc(0)] === 0 && s[pc(1)] === 0;
  const model = {
    words: 5,
    parts: [0, 1, 3],
    properties: ['exclusion', 'finishes', 'patience'],
    witnesses: ['a is done', 'both count 1', 'a counts 99'],
    goals: [{ name: 'both done', property: 1 }],
    witnessed: 0,
    limit: undefined as string | undefined,
    initial: () => [new Int32Array(5)],
    enabled(s: Int32Array, out: Int32Array): number {
      let n = 0;
      for (const who of [0, 1]) {
        const at = s[pc(who)] as number;
        const code = 10 * who;
        if (at === 0 && (s[counter(who)] as number) < options.max) {
          if (s[OWNER] === 0 || options.careless) out[n++] = code + LOCKS;
          else if (options.spins) out[n++] = code + SPINS;
          if (forgotten(s) && options.complains) out[n++] = code + COMPLAINS;
        }
        if (at === 1) out[n++] = code + COUNTS;
        if (at === 2) out[n++] = code + UNLOCKS;
        if (at === 2 && who === 1 && options.forgets) out[n++] = code + FORGETS;
      }
      if (forgotten(s) && options.rescue !== undefined) out[n++] = RESCUE;
      return n;
    },
    apply(s: Int32Array, action: number): number {
      model.witnessed = 0;
      model.limit = undefined;
      if (action === RESCUE) {
        s[OWNER] = 0;
        return 0;
      }
      const who = action >= 10 ? 1 : 0;
      switch (action % 10) {
        case LOCKS:
          if (s[pc(1 - who)] !== 0) return 1;
          s[OWNER] = who + 1;
          s[pc(who)] = 1;
          break;
        case COUNTS: {
          const count = (s[counter(who)] as number) + 1;
          if (count > (options.room ?? count)) model.limit = 'counter';
          s[counter(who)] = count;
          s[pc(who)] = 2;
          if (who === 0 && count === options.max) model.witnessed |= 1;
          if (s[counter(0)] === 1 && s[counter(1)] === 1) model.witnessed |= 2;
          break;
        }
        case UNLOCKS:
          s[OWNER] = 0;
          s[pc(who)] = 0;
          break;
        case FORGETS:
          s[pc(who)] = 0;
          break;
        case COMPLAINS:
          return 3;
      }
      return 0;
    },
    actionName: (_: Int32Array, action: number) =>
      action === RESCUE ? 'rescue' : `${action >= 10 ? 'b' : 'a'} ${names[action % 10]}`,
    optional: (action: number) => action === RESCUE && options.rescue === 'optional',
    goalsOf: (s: Int32Array) =>
      s[OWNER] === 0 && s[counter(0)] === options.max && s[counter(1)] === options.max ? 1 : 0,
  };
  return model;
}
