// What an image told over the serial line, as counts.

import type { Program } from '../ir.ts';
import { failure } from './handlers.ts';
import { detailWords, mostWords } from './rounds.ts';

/** One way in which rounds failed, with the first of them. */
export interface Failed {
  /** The name of a property, or `#UD`, `#PF` and its like. */
  readonly kind: string;
  readonly count: number;
  readonly cpu: number;
  readonly round: number;
  /** What was interrupted; all 0 where the patcher itself failed. */
  readonly ip: bigint;
  readonly sp: bigint;
  readonly flags: bigint;
  readonly cr2: bigint;
  readonly code: bigint;
  /** 16 bytes of the first place at that moment. */
  readonly text: Uint8Array;
}

export interface Told {
  readonly rounds: number;
  /** By index of the content: passes that behaved as it. */
  readonly passed: readonly number[];
  /** By index of the place. */
  readonly trapped: readonly number[];
  /** By index of the event source. */
  readonly happened: readonly number[];
  /** By index of the variable: all bits that it had at the end of some round. */
  readonly words: readonly bigint[];
  readonly failed: readonly Failed[];
}

/** Names of exceptions (SDM vol. 3A, table 6-1). */
const exceptionNames: Readonly<Record<number, string>> = {
  0: '#DE',
  1: '#DB',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  8: '#DF',
  10: '#TS',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  18: '#MC',
  19: '#XM',
  21: '#CP',
};
export const isException = (kind: string): boolean => kind.startsWith('#');

/** Reads the whole output; a sentence where it is not whole. */
export function told(p: Program, output: string): Told | string {
  const lines = output.replaceAll('\r', '').split('\n');
  if (!lines.includes('suture image 1')) return 'the image did not start';
  if (!lines.includes('end')) {
    const last = lines.filter((l) => l !== '').at(-1) ?? '';
    return last === 'suture image 1' ? 'the image did not end in its time' : last;
  }
  const words = (name: string): readonly bigint[] =>
    lines
      .find((l) => l.startsWith(`${name} `))
      ?.slice(name.length + 1)
      .split(' ')
      .map((w) => BigInt(`0x${w}`)) ?? [];
  const one = (name: string): number => Number(words(name)[0] ?? 0n);
  return {
    rounds: one('rounds'),
    passed: p.contents.map((_, i) => one(`passed ${i}`)),
    trapped: p.places.map((_, i) => one(`trapped ${i}`)),
    happened: p.env.events.map((_, i) => one(`happened ${i}`)),
    words: p.data.slice(0, mostWords).map((_, i) => words(`word ${i}`)[0] ?? 0n),
    failed: lines.filter((l) => l.startsWith('failure ')).map((l) => readFailure(p, l)),
  };
}

function readFailure(p: Program, line: string): Failed {
  const [kind = 0n, count = 0n, ...rest] = line
    .split(' ')
    .slice(1)
    .map((w) => BigInt(`0x${w}`));
  const word = (name: (typeof detailWords)[number]): bigint =>
    rest[detailWords.indexOf(name)] ?? 0n;
  const n = Number(kind);
  const vector = n - failure.fault;
  const text = [word('text0'), word('text1')].flatMap((w) =>
    Array.from({ length: 8 }, (_, i) => Number((w >> BigInt(8 * i)) & 0xffn)),
  );
  return {
    kind:
      n < failure.fault
        ? (p.properties[n] ?? `property ${n}`)
        : (exceptionNames[vector] ?? `exception ${vector}`),
    count: Number(count),
    cpu: Number(word('cpu')),
    round: Number(word('round')),
    ip: word('ip'),
    sp: word('sp'),
    flags: word('flags'),
    cr2: word('cr2'),
    code: word('code'),
    text: Uint8Array.from(text),
  };
}
