// The three phases of an INT3 patch as a model of its own, without x86: what `models/poke.pml` is for Spin, state by state.

import type { Model } from '../../compiler/explorer/index.ts';

// Contents of a byte of the site, and what a CPU's program counter means.
const fresh = 1;
const int3 = 2;
const atSite = 2;
const inHandler = 6;

/** Bits of the first word: what each CPU sees of the three bytes, 6 bits a CPU; the bytes themselves above them. */
const view = (cpu: number): number => 6 * cpu;
const memory = 24;
/** Of the second: a program counter of 3 bits a CPU, the pending IPIs, the patcher's step, `desc`, `done`. */
const counter = (cpu: number): number => 3 * cpu;
const pending = 12;
const patcher = 16;
const described = 20;
const done = 21;

const patching = 31;

/** `cpus` CPUs, at most four, each with a view of its own; kinds of a CPU's actions: IPI, three prefetches, its program. */
export function poke(cpus: number): Model {
  if (cpus > 4) throw new RangeError('two words hold four CPUs');
  const all = 2 ** cpus - 1;
  return {
    words: 2,
    parts: [0],
    properties: ['assertion'],
    witnesses: [],
    goals: [],
    witnessed: 0,
    limit: undefined,
    initial: () => [Int32Array.of(0, 0)],
    enabled: (s, out) => {
      const a = s[0] as number;
      const b = s[1] as number;
      const m = (a >>> memory) & 63;
      let n = 0;
      for (let cpu = 0; cpu < cpus; cpu++) {
        const pc = (b >>> counter(cpu)) & 7;
        const differs = ((a >>> view(cpu)) & 63) ^ m;
        if (pc < inHandler && ((b >>> (pending + cpu)) & 1) !== 0) out[n++] = cpu << 3;
        if ((differs & 3) !== 0) out[n++] = (cpu << 3) | 1;
        if ((differs & 12) !== 0) out[n++] = (cpu << 3) | 2;
        if ((differs & 48) !== 0) out[n++] = (cpu << 3) | 3;
        out[n++] = (cpu << 3) | 4;
      }
      const at = (b >>> patcher) & 15;
      const waits = at === 3 || at === 7 || at === 10;
      if (at < 11 && !(waits && ((b >>> pending) & all) !== 0)) out[n++] = patching;
      return n;
    },
    apply: (s, action) => {
      const a = s[0] as number;
      const b = s[1] as number;
      const m = (a >>> memory) & 63;
      if (action === patching) {
        const at = (b >>> patcher) & 15;
        s[1] = b + (1 << patcher);
        if (at === 0) s[1] |= 1 << described;
        else if (at === 1) s[0] = (a & ~(3 << memory)) | (int3 << memory);
        else if (at === 2 || at === 6 || at === 9) s[1] |= all << pending;
        else if (at === 4) s[0] = a | (fresh << (memory + 2));
        else if (at === 5) s[0] = a | (fresh << (memory + 4));
        else if (at === 8) s[0] = (a & ~(3 << memory)) | (fresh << memory);
        else if (at === 10) s[1] = ((s[1] as number) & ~(1 << described)) | (1 << done);
        return 0;
      }
      const cpu = action >> 3;
      const kind = action & 7;
      const shift = view(cpu);
      if (kind === 0) {
        s[0] = (a & ~(63 << shift)) | (m << shift);
        s[1] = b & ~(1 << (pending + cpu));
        return 0;
      }
      if (kind < 4) {
        const bits = 3 << (2 * (kind - 1));
        s[0] = (a & ~(bits << shift)) | ((m & bits) << shift);
        return 0;
      }
      const at = counter(cpu);
      const pc = (b >>> at) & 7;
      const go = (to: number): void => {
        s[1] = (b & ~(7 << at)) | (to << at);
      };
      if (pc === atSite) {
        const seen = (a >>> shift) & 63;
        const first = seen & 3;
        if (first === int3) go(inHandler);
        else {
          if (seen !== first * 21) return 1;
          if (((b >>> done) & 1) !== 0 && first === 0) return 1;
          go(3);
        }
      } else if (pc === inHandler) {
        if (((b >>> described) & 1) === 0) return 1;
        go(7);
      } else if (pc === 7) {
        s[0] = (a & ~(63 << shift)) | (m << shift);
        go(3);
      } else go(pc === 5 ? 0 : pc + 1);
      return 0;
    },
    actionName: (_, action) =>
      action === patching
        ? 'patcher'
        : `cpu${action >> 3} ${['ipi', 'prefetch 0', 'prefetch 1', 'prefetch 2', 'step'][action & 7]}`,
    optional: () => false,
    goalsOf: () => 0,
  };
}
