// The three-phase INT3 patch of `poke.pml` as a Model, with the steps of its Murphi form: other engines know the counts.

import type { Model } from '../../compiler/explorer/index.ts';

const OLD = 0;
const NEW = 1;
const INT3 = 2;

// Word 0 has three CPUs of 9 bits (place in the program 3, view of the bytes 2 each). Word 1 has the text
// (2 bits a byte), the IPIs under way, the patcher's place, `desc`, `done`, and the fourth CPU from bit 18 on.
const PEND = 6;
const PATCHER = 10;
const DESC = 1 << 14;
const DONE = 1 << 15;

const HANDLER = 6;

/**
 * The patcher: a store (byte, value), a sync's send, its wait, the first and the last step. The last step waits
 * too; Spin makes that two steps, and counts the end of the process as one more.
 */
const SEND = -1;
const WAIT = -2;
const program: readonly (number | readonly [byte: number, value: number])[] = [
  DESC,
  [0, INT3],
  SEND,
  WAIT,
  [1, NEW],
  [2, NEW],
  SEND,
  WAIT,
  [0, NEW],
  SEND,
  DONE,
];

export interface PokeOptions {
  /** The sync that is left out: 1, 2 or 3. */
  readonly omit?: number;
  /** Asks too that the patch can always end. */
  readonly ends?: boolean;
}

/** Up to four CPUs. */
export function poke(cpus: number, { omit = 0, ends = false }: PokeOptions = {}): Model {
  if (cpus > 4) throw new Error('a state has room for four CPUs');
  const all = (1 << cpus) - 1;
  // Without its sync, a store goes on behind the wait; the last one's is part of the last step.
  let syncs = 0;
  const after = program.map((_, i) =>
    program[i + 1] === SEND && ++syncs === omit ? i + (omit === 3 ? 2 : 3) : i + 1,
  );
  const wordOf = (cpu: number) => (cpu < 3 ? 0 : 1);
  const shiftOf = (cpu: number) => (cpu < 3 ? 9 * cpu : 18);

  return {
    words: 2,
    parts: [0],
    properties: ['torn', 'converges', 'desc', 'terminates'],
    witnesses: [],
    goals: ends ? [{ name: 'patched', property: 3 }] : [],
    witnessed: 0,
    limit: undefined,
    initial: () => [new Int32Array(2)],
    enabled(s, out) {
      const shared = s[1] as number;
      let n = 0;
      for (let cpu = 0; cpu < cpus; cpu++) {
        const own = ((s[wordOf(cpu)] as number) >> shiftOf(cpu)) & 0x1ff;
        const code = 8 * cpu;
        if ((own & 7) < HANDLER && (shared & (1 << (PEND + cpu))) !== 0) out[n++] = code;
        for (let byte = 0; byte < 3; byte++) {
          if (((own >> (3 + 2 * byte)) & 3) !== ((shared >> (2 * byte)) & 3))
            out[n++] = code + 1 + byte;
        }
        out[n++] = code + 4;
      }
      const at = (shared >> PATCHER) & 15;
      const step = program[at];
      if (
        step !== undefined &&
        ((step !== WAIT && step !== DONE) || (shared & (all << PEND)) === 0)
      )
        out[n++] = 64;
      return n;
    },
    apply(s, action) {
      const shared = s[1] as number;
      if (action === 64) {
        const at = (shared >> PATCHER) & 15;
        const step = program[at] as number | readonly [number, number];
        let next = (shared & ~(15 << PATCHER)) | ((after[at] as number) << PATCHER);
        if (step === SEND) next |= all << PEND;
        else if (step === DESC) next |= DESC;
        else if (step === DONE) next = (next | DONE) & ~DESC;
        else if (typeof step !== 'number') {
          next = (next & ~(3 << (2 * step[0]))) | (step[1] << (2 * step[0]));
        }
        s[1] = next;
        return 0;
      }
      const cpu = action >> 3;
      const kind = action & 7;
      const word = wordOf(cpu);
      const shift = shiftOf(cpu);
      const own = ((s[word] as number) >> shift) & 0x1ff;
      const place = own & 7;
      const text = (shared & 0x3f) << 3;
      let next = own;
      if (kind === 0) {
        next = place | text;
        s[1] = shared & ~(1 << (PEND + cpu));
      } else if (kind < 4) {
        const mask = 3 << (1 + 2 * kind);
        next = (own & ~mask) | (text & mask);
      } else if (place === 2) {
        const first = (own >> 3) & 3;
        if (first === INT3) next = (own & ~7) | HANDLER;
        else {
          if (((own >> 5) & 3) !== first || ((own >> 7) & 3) !== first) return 1;
          if ((shared & DONE) !== 0 && first === OLD) return 2;
          next = own + 1;
        }
      } else if (place === HANDLER) {
        if ((shared & DESC) === 0) return 3;
        next = own + 1;
      } else if (place === HANDLER + 1) next = 3 | text;
      else next = place === 5 ? own & ~7 : own + 1;
      s[word] = ((s[word] as number) & ~(0x1ff << shift)) | (next << shift);
      return 0;
    },
    actionName(_, action) {
      if (action === 64) return 'patcher';
      const kind = action & 7;
      const what = kind === 0 ? 'ipi' : kind === 4 ? 'step' : `prefetch ${kind - 1}`;
      return `cpu${action >> 3} ${what}`;
    },
    optional: () => false,
    goalsOf: (s) => (((s[1] as number) & DONE) === 0 ? 0 : 1),
  };
}
