// The form of a certificate, taken apart and put together again, so that a test can change any piece of it.

import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Claim } from '../../../compiler/certificate.ts';
import type { Machine } from '../../../compiler/emulator/machine.ts';

/** A line of the file and the bytes that follow it, unpacked. */
export interface Piece {
  claim: Claim;
  content: Uint8Array;
  /** How many bytes they are in the file. */
  readonly packed: number;
}

export interface Parts {
  head: Record<string, unknown>;
  pieces: Piece[];
}

export function apart(file: Buffer): Parts {
  const line = (from: number): { value: unknown; end: number } => {
    const end = file.indexOf(10, from) + 1;
    return { value: JSON.parse(file.toString('utf8', from, end)), end };
  };
  const head = line(0);
  const pieces: Piece[] = [];
  for (let at = head.end; ; ) {
    const { value, end } = line(at);
    if (!('verdict' in (value as object)))
      return { head: head.value as Record<string, unknown>, pieces };
    const { bytes = 0, ...claim } = value as Claim;
    const content = bytes > 0 ? inflateRawSync(file.subarray(end, end + bytes)) : Buffer.of();
    pieces.push({ claim, content, packed: bytes });
    at = end + bytes + 1;
  }
}

/** The file, with a checksum that fits. */
export function together({ head, pieces }: Parts, claims = pieces.length): Buffer {
  const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
  return sealed(
    Buffer.concat([
      line(head),
      ...pieces.flatMap(({ claim, content }) => {
        const packed = content.length > 0 ? deflateRawSync(content, { level: 9 }) : Buffer.of();
        const whole = packed.length > 0 ? { ...claim, bytes: packed.length } : claim;
        return [line(whole), packed, Buffer.from('\n')];
      }),
    ]),
    claims,
  );
}

/** All but its last line, with a last line that fits. */
export const sealed = (body: Buffer, claims: number): Buffer =>
  Buffer.concat([body, Buffer.from(`{"claims":${claims},"crc32":${crc32(body)}}\n`)]);

/** The states of a set, by the numbers of their rows. */
export interface States {
  /** For each part its rows. */
  rows: number[][][];
  states: State[];
}
export interface State {
  /** Index of the one that it is told by, or -1. */
  parent: number;
  numbers: number[];
  /** To each goal. */
  away: number[];
}

export function unpack(m: Machine, { claim, content }: Piece): States {
  let at = 0;
  const signed = (): number => {
    let n = 0;
    let by = 0;
    for (; ; by += 7) {
      const byte = content[at++] as number;
      n |= (byte & 0x7f) << by;
      if (byte < 0x80) return (n >>> 1) ^ -(n & 1);
    }
  };
  const rows = m.parts.map((from, p) => {
    const width = (m.parts[p + 1] ?? m.words) - from;
    const out: number[][] = [];
    for (let left = signed(); left > 0; left--) {
      const before = out.at(-1);
      out.push(Array.from({ length: width }, (_, w) => (signed() + (before?.[w] ?? 0)) | 0));
    }
    return out;
  });
  const count = claim.set?.states ?? 0;
  const states: State[] = [];
  for (let i = 0; i < count; i++)
    states.push({ parent: signed() + (states[i - 1]?.parent ?? 0), numbers: [], away: [] });
  const column = (of: (s: State) => number[]): void => {
    for (const s of states) {
      const told = of(s);
      told.push(
        signed() + (states[s.parent] ? (of(states[s.parent] as State)[told.length] ?? 0) : 0),
      );
    }
  };
  for (const _ of rows) column((s) => s.numbers);
  if (claim.goal === undefined) for (const _ of m.goals) column((s) => s.away);
  return { rows, states };
}

export function pack({ rows, states }: States): Uint8Array {
  const out: number[] = [];
  const put = (n: number): void => {
    let left = ((n << 1) ^ (n >> 31)) >>> 0;
    for (; left > 0x7f; left >>>= 7) out.push((left & 0x7f) | 0x80);
    out.push(left);
  };
  for (const part of rows) {
    put(part.length);
    part.forEach((row, i) => {
      row.forEach((word, w) => {
        put(word - (part[i - 1]?.[w] ?? 0));
      });
    });
  }
  states.forEach((s, i) => {
    put(s.parent - (states[i - 1]?.parent ?? 0));
  });
  const column = (of: (s: State) => number | undefined): void => {
    for (const s of states) {
      const parent = states[s.parent];
      put((of(s) as number) - ((parent && of(parent)) ?? 0));
    }
  };
  rows.forEach((_, p) => {
    column((s) => s.numbers[p]);
  });
  states[0]?.away.forEach((_, g) => {
    column((s) => s.away[g]);
  });
  return Uint8Array.from(out);
}
