// An exact set of rows of words, each with its number in the order in which they were found.

import { type Account, allocate, chunkOf, free, type Growing, rowIn, Table } from './memory.ts';

/** What 2^31 slots hold at a load under 3/4; with more, a row's number would leave its word. */
export const mostRows = 0x5ffffffe;

/** Answer of an insertion that was refused, and of a search for what is not there. */
export const refused = -1;

/**
 * Rows of `width` words, numbered from 0. Open addressing; a slot is 0, or holds 1 + the row's number in as many low
 * bits as the slots' count has, and above them the row's hash. The hash only spares looks at rows that differ: whole
 * rows are compared before two are called equal.
 */
export class Rows implements Growing {
  readonly width: number;
  readonly #account: Account;
  readonly #limit: number;
  #slots: Int32Array<ArrayBuffer> = new Int32Array(0);
  /** Rows that the slots may hold at a load under 3/4. */
  #room = 0;
  readonly #table: Table;
  /** Row n stands in `chunks[chunkOf(n)]` from word `rowIn(n) * width` on. */
  readonly chunks: Int32Array[];

  constructor(width: number, account: Account, limit: number) {
    this.width = width;
    this.#account = account;
    this.#limit = limit;
    this.#table = new Table(width, account);
    this.chunks = this.#table.chunks;
  }

  get count(): number {
    return this.#table.length;
  }
  get length(): number {
    return this.#table.length;
  }

  /** Number of the row at `from` in `source`, new or known; `refused` where a new one finds no room. */
  intern(source: Int32Array, from: number): number {
    if (this.#room === 0 && (this.count > 0 || !this.#spread(64))) return refused;
    const key = hash(source, from, this.width);
    let slot = this.#slotOf(source, from, key);
    const known = this.#slots[slot] as number;
    if (known !== 0) return (known & (this.#slots.length - 1)) - 1;

    const table = this.#table;
    if (table.length >= this.#limit || !table.room()) return refused;
    if (table.length === this.#room) {
      if (!this.#spread(this.#slots.length * 2)) return refused;
      slot = this.#slotOf(source, from, key);
    }
    const row = table.add(source, from);
    this.#slots[slot] = (key & ~(this.#slots.length - 1)) | (row + 1);
    return row;
  }

  /** Number of the row at `from` in `source`, or `refused` where it is not known. */
  find(source: Int32Array, from: number): number {
    if (this.#room === 0) return this.#findAmongAll(source, from);
    const slot = this.#slotOf(source, from, hash(source, from, this.width));
    return ((this.#slots[slot] as number) & (this.#slots.length - 1)) - 1;
  }

  get full(): boolean {
    return this.#table.length >= this.#limit;
  }

  /** All rows, one behind the other, in an array of their own. */
  flat(): Int32Array {
    return this.#table.flat();
  }

  since(length: number): Int32Array {
    return this.#table.since(length);
  }

  /** Of rows that were in another such set, in their order; none of them is here yet. */
  extend(more: Int32Array): boolean {
    for (let at = 0; at < more.length; at += this.width) {
      const next = this.count;
      const row = this.intern(more, at);
      if (row === refused) return false;
      if (row !== next) throw new Error('a row came twice');
    }
    return true;
  }

  /** The slot that holds the row, or the empty one where it belongs. */
  #slotOf(source: Int32Array, from: number, key: number): number {
    const slots = this.#slots;
    const { chunks, width } = this;
    const mask = slots.length - 1;
    let slot = key & mask;
    for (;;) {
      const entry = slots[slot] as number;
      if (entry === 0) return slot;
      if (((entry ^ key) & ~mask) === 0) {
        const row = (entry & mask) - 1;
        const words = chunks[chunkOf(row)] as Int32Array;
        const at = rowIn(row) * width;
        let i = 0;
        while (i < width && (words[at + i] as number) === (source[from + i] as number)) i++;
        if (i === width) return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  #findAmongAll(source: Int32Array, from: number): number {
    const { width } = this;
    for (let row = 0; row < this.count; row++) {
      const words = this.chunks[chunkOf(row)] as Int32Array;
      const at = rowIn(row) * width;
      let i = 0;
      while (i < width && (words[at + i] as number) === (source[from + i] as number)) i++;
      if (i === width) return row;
    }
    return refused;
  }

  /** Makes the slots anew, so many; where memory is refused they stay as they were, and the answer is false. */
  #spread(size: number): boolean {
    const before = this.#slots.length;
    // The old ones go first: both at once would be the most that a search ever needs.
    free(this.#account, this.#slots.buffer);
    const buffer = allocate(this.#account, 4 * size) ?? allocate(this.#account, 4 * before);
    if (buffer === undefined) {
      // The host takes back what it gave. Nothing can be added any more, but all that is there can be found.
      this.#slots = new Int32Array(0);
      this.#room = 0;
      return false;
    }
    const slots = new Int32Array(buffer);
    const width = this.width;
    const mask = slots.length - 1;
    const { length } = this.#table;
    // The rows are all different, so nothing need be compared.
    for (let row = 0; row < length; row++) {
      const words = this.chunks[chunkOf(row)] as Int32Array;
      const key = hash(words, rowIn(row) * width, width);
      let slot = key & mask;
      while ((slots[slot] as number) !== 0) slot = (slot + 1) & mask;
      slots[slot] = (key & ~mask) | (row + 1);
    }
    this.#slots = slots;
    this.#room = slots.length * 0.75 - 1;
    return slots.length === size;
  }
}

/** Two lanes, so that a long row is not one chain of multiplications; the end mixes high bits into low ones. */
function hash(words: Int32Array, from: number, width: number): number {
  let a = width;
  let b = 0x2545f491;
  const end = from + width;
  let i = from;
  for (; i + 1 < end; i += 2) {
    a = Math.imul(((a << 5) | (a >>> 27)) ^ (words[i] as number), 0x5bd1e9b5);
    b = Math.imul(((b << 7) | (b >>> 25)) ^ (words[i + 1] as number), 0x2c1b3c6d);
  }
  if (i < end) a = Math.imul(((a << 5) | (a >>> 27)) ^ (words[i] as number), 0x5bd1e9b5);
  let h = a ^ ((b << 16) | (b >>> 16));
  h = Math.imul(h ^ (h >>> 15), 0x4b7d2ae3);
  h = Math.imul(h ^ (h >>> 13), 0x1d8af067);
  return h ^ (h >>> 16);
}
