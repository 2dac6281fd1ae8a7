// An exact set of rows of words, each with its number in the order in which they were found.

import { factors, finish, record, tableRows } from './filing.ts';
import { type Heap, none } from './heap.ts';
import type { Growing } from './memory.ts';

/** What 2^31 slots hold at a load under 3/4; with more, a row's number would leave its word. */
export const mostRows = 0x5ffffffe;

/** Answer of an insertion that was refused, and of a search for what is not there. */
export const refused = none;

/**
 * Rows of `width` words, numbered from 0. Open addressing; a slot is 0, or holds 1 + the row's number in as many low
 * bits as the slots' count has, and above them the row's hash. The hash only spares looks at rows that differ: whole
 * rows are compared before two are called equal.
 */
export class Rows implements Growing {
  readonly width: number;
  readonly #heap: Heap;
  readonly #limit: number;
  /** Where its record stands on the heap. All of it but the length is here as well, where it is sooner at hand. */
  readonly record: number;
  #most = 0;
  #slots = 0;
  #mask = 0;
  #directory = 0;
  /** First words of the chunks. */
  readonly #chunks: number[] = [];
  /** Chunks that the directory has room for. */
  #listed = 0;
  /** Rows that the slots may hold at a load under 3/4. */
  #room = 0;
  /** Rows that there is memory for. */
  #capacity = 0;

  constructor(width: number, heap: Heap, limit: number) {
    this.width = width;
    this.#heap = heap;
    this.#limit = limit;
    this.record = heap.reserve(record.words);
    heap.words.fill(0, this.record, this.record + record.words);
  }

  get length(): number {
    return this.#heap.words[this.record + record.length] as number;
  }

  /** Where a row stands among the heap's words. */
  at(row: number): number {
    return (this.#chunks[row >>> tableRows.bits] as number) + (row & tableRows.mask) * this.width;
  }

  /** Number of the row at `from` in `source`, new or known; `refused` where a new one finds no room. */
  intern(source: Int32Array, from: number): number {
    const key = hash(source, from, this.width);
    let slot = this.#slotOf(source, from, key);
    const known = this.#heap.words[slot] as number;
    if (known !== 0) return (known & this.#mask) - 1;

    const row = this.length;
    if (row >= this.#most) {
      if (!this.room()) return refused;
      slot = this.#slotOf(source, from, key);
    }
    const { words } = this.#heap;
    const { width } = this;
    const at = this.at(row);
    for (let i = 0; i < width; i++) words[at + i] = source[from + i] as number;
    words[slot] = (key & ~this.#mask) | (row + 1);
    words[this.record + record.length] = row + 1;
    return row;
  }

  /** Number of the row at `from` in `source`, or `refused` where it is not known. */
  find(source: Int32Array, from: number): number {
    if (this.#room === 0) return this.#findAmongAll(source, from);
    const slot = this.#slotOf(source, from, hash(source, from, this.width));
    return ((this.#heap.words[slot] as number) & this.#mask) - 1;
  }

  get full(): boolean {
    return this.length >= this.#limit;
  }

  since(length: number): Int32Array {
    const { width } = this;
    const rows = new Int32Array((this.length - length) * width);
    for (let row = length; row < this.length; ) {
      // As far as they stand together.
      const end = Math.min(this.length, (row | tableRows.mask) + 1);
      const at = this.at(row);
      const together = this.#heap.words.subarray(at, at + (end - row) * width);
      rows.set(together, (row - length) * width);
      row = end;
    }
    return rows;
  }

  /** Of rows that were in another such set, in their order; none of them is here yet. */
  extend(more: Int32Array): boolean {
    for (let at = 0; at < more.length; at += this.width) {
      const next = this.length;
      const row = this.intern(more, at);
      if (row === refused) return false;
      if (row !== next) throw new Error('a row came twice');
    }
    return true;
  }

  /** Makes room for one more row; false where it is refused. */
  room(): boolean {
    const { length } = this;
    // Slots that were lost are not made again: there was no memory for them.
    if (length >= this.#limit || (this.#room === 0 && length > 0)) return false;
    if (length >= this.#room && !this.#spread(Math.max(64, 2 * this.slots))) return false;
    if (length >= this.#capacity && !this.#grow()) return false;
    this.#most = Math.min(this.#limit, this.#room, this.#capacity);
    this.#note();
    return true;
  }

  /** How many slots there are. */
  get slots(): number {
    return this.#room === 0 ? 0 : this.#mask + 1;
  }

  #note(): void {
    const { words } = this.#heap;
    const at = this.record;
    words[at + record.most] = this.#most;
    words[at + record.slots] = this.#slots;
    words[at + record.mask] = this.#mask;
    words[at + record.directory] = this.#directory;
  }

  /** Index of the slot that holds the row, or of the empty one where it belongs. */
  #slotOf(source: Int32Array, from: number, key: number): number {
    const { words } = this.#heap;
    const { width } = this;
    const chunks = this.#chunks;
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = key & mask;
    for (;;) {
      const entry = words[slots + slot] as number;
      if (entry === 0) return slots + slot;
      if (((entry ^ key) & ~mask) === 0) {
        const row = (entry & mask) - 1;
        const at = (chunks[row >>> tableRows.bits] as number) + (row & tableRows.mask) * width;
        let i = 0;
        while (i < width && (words[at + i] as number) === (source[from + i] as number)) i++;
        if (i === width) return slots + slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  #findAmongAll(source: Int32Array, from: number): number {
    const { width } = this;
    const { words } = this.#heap;
    for (let row = 0; row < this.length; row++) {
      const at = this.at(row);
      let i = 0;
      while (i < width && (words[at + i] as number) === (source[from + i] as number)) i++;
      if (i === width) return row;
    }
    return refused;
  }

  /** Makes memory for more rows. */
  #grow(): boolean {
    const heap = this.#heap;
    const { width } = this;
    const { count, bits } = tableRows;
    const before = this.#capacity;
    // The first chunk begins small, and is replaced while it grows.
    const small = before < count;
    const rows = small ? Math.min(count, Math.max(16, 2 * before)) : count;
    const chunk = small ? 0 : before >>> bits;
    if (chunk >= this.#listed && !this.#list(Math.max(4, 2 * this.#listed))) return false;
    const at = heap.allocate(rows * width);
    if (at === none) return false;
    if (small && before > 0) {
      const from = this.#chunks[chunk] as number;
      heap.words.copyWithin(at, from, from + before * width);
      heap.free(from, before * width);
    }
    this.#chunks[chunk] = at;
    heap.words[this.#directory + chunk] = at;
    this.#capacity = small ? rows : before + count;
    return true;
  }

  /** Makes the directory anew, for so many chunks. */
  #list(chunks: number): boolean {
    const heap = this.#heap;
    const at = heap.allocate(chunks);
    if (at === none) return false;
    heap.words.set(this.#chunks, at);
    if (this.#listed > 0) heap.free(this.#directory, this.#listed);
    this.#directory = at;
    this.#listed = chunks;
    return true;
  }

  /** Makes the slots anew, so many; where memory is refused they stay as they were, and the answer is false. */
  #spread(size: number): boolean {
    const heap = this.#heap;
    const { width, length } = this;
    const before = this.slots;
    // The old ones go first: both at once would be the most that a search ever needs.
    if (before > 0) heap.free(this.#slots, before);
    let slots = heap.allocate(size);
    let given = size;
    if (slots === none && before > 0) {
      slots = heap.allocate(before);
      given = before;
    }
    if (slots === none) {
      // The host takes back what it gave. Nothing can be added any more, but all that is there can be found.
      this.#slots = 0;
      this.#mask = 0;
      this.#room = 0;
      this.#most = 0;
      this.#note();
      return false;
    }
    const { words } = heap;
    words.fill(0, slots, slots + given);
    const mask = given - 1;
    this.#slots = slots;
    this.#mask = mask;
    this.#room = given * 0.75 - 1;
    // The rows are all different, so nothing need be compared.
    for (let row = 0, chunk = 0; row < length; chunk++) {
      const end = Math.min(length, row + tableRows.count);
      for (let at = this.#chunks[chunk] as number; row < end; at += width) {
        const key = hash(words, at, width);
        let slot = key & mask;
        while ((words[slots + slot] as number) !== 0) slot = (slot + 1) & mask;
        words[slots + slot] = (key & ~mask) | ++row;
      }
    }
    return given === size;
  }
}

function hash(words: Int32Array, from: number, width: number): number {
  let sum = width;
  for (let i = 0; i < width; i++)
    sum =
      (sum + Math.imul(words[from + i] as number, factors[i & (factors.length - 1)] as number)) | 0;
  return finish(sum);
}
