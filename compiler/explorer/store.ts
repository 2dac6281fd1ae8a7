// The visited set: which states are known, exactly, and their numbers in the order in which they were found.

import { type Account, allocate, Column, free, grow } from './memory.ts';
import type { Model, Symmetry } from './model.ts';

/** What 2^31 slots hold at a load under 3/4; with more, a row's number would leave its word. */
const mostRows = 0x5ffffffe;

/** Answer of an insertion that was refused; `Store.refusal` says why. */
export const refused = -1;

/**
 * An exact set of rows of `width` words, each with its number from 0 in the order of insertion. Open
 * addressing; a slot is 0, or holds 1 + the row's number in as many low bits as the slots' count has, and above
 * them the row's hash. The hash only spares looks at rows that differ: whole rows are compared before two
 * are called equal.
 */
class Rows {
  readonly width: number;
  readonly #account: Account;
  readonly #limit: number;
  #slots: Int32Array<ArrayBuffer> = new Int32Array(0);
  /** Rows that the slots may hold at a load under 3/4. */
  #room = 0;
  words: Int32Array<ArrayBuffer> = new Int32Array(0);
  count = 0;

  constructor(width: number, account: Account, limit: number) {
    this.width = width;
    this.#account = account;
    this.#limit = limit;
  }

  /** Number of the row at `from` in `source`, new or known; `refused` where a new one finds no room. */
  intern(source: Int32Array, from: number): number {
    if (this.#room === 0 && !this.#spread(64)) return refused;
    const key = hash(source, from, this.width);
    let slot = this.#slotOf(source, from, key);
    const known = this.#slots[slot] as number;
    if (known !== 0) return (known & (this.#slots.length - 1)) - 1;

    const row = this.count;
    if (row >= this.#limit) return refused;
    if (row === this.#room) {
      if (!this.#spread(this.#slots.length * 2)) return refused;
      slot = this.#slotOf(source, from, key);
    }
    const width = this.width;
    const at = row * width;
    if (at + width > this.words.length) {
      const buffer = grow(this.#account, this.words.buffer, 4 * (at + width));
      if (buffer === undefined) return refused;
      this.words = new Int32Array(buffer);
    }
    const words = this.words;
    for (let i = 0; i < width; i++) words[at + i] = source[from + i] as number;
    this.#slots[slot] = (key & ~(this.#slots.length - 1)) | (row + 1);
    this.count = row + 1;
    return row;
  }

  /** Number of the row at `from` in `source`, or `refused` where it is not known. */
  find(source: Int32Array, from: number): number {
    if (this.count === 0) return refused;
    const slot = this.#slotOf(source, from, hash(source, from, this.width));
    return ((this.#slots[slot] as number) & (this.#slots.length - 1)) - 1;
  }

  get full(): boolean {
    return this.count >= this.#limit;
  }

  /** The slot that holds the row, or the empty one where it belongs. */
  #slotOf(source: Int32Array, from: number, key: number): number {
    const slots = this.#slots;
    const words = this.words;
    const width = this.width;
    const mask = slots.length - 1;
    let slot = key & mask;
    for (;;) {
      const entry = slots[slot] as number;
      if (entry === 0) return slot;
      if (((entry ^ key) & ~mask) === 0) {
        const at = ((entry & mask) - 1) * width;
        let i = 0;
        while (i < width && (words[at + i] as number) === (source[from + i] as number)) i++;
        if (i === width) return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  #spread(size: number): boolean {
    const buffer = allocate(this.#account, 4 * size);
    if (buffer === undefined) return false;
    free(this.#account, this.#slots.buffer);
    const slots = new Int32Array(buffer);
    const words = this.words;
    const width = this.width;
    const mask = size - 1;
    // The rows are all different, so nothing need be compared.
    for (let row = 0; row < this.count; row++) {
      const key = hash(words, row * width, width);
      let slot = key & mask;
      while ((slots[slot] as number) !== 0) slot = (slot + 1) & mask;
      slots[slot] = (key & ~mask) | (row + 1);
    }
    this.#slots = slots;
    this.#room = size * 0.75 - 1;
    return true;
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

/** Whether two states agree from `from` up to `end`. Unrolled by hand it takes twice the time. */
function same(a: Int32Array, b: Int32Array, from: number, end: number): boolean {
  let i = from;
  while (i < end && (a[i] as number) === (b[i] as number)) i++;
  return i === end;
}

/**
 * A state taken out of the store, with the numbers of its parts. Whoever holds it must not write to it:
 * a later `load` copies only the parts that differ, and an insertion takes over the numbers of equal ones.
 */
export interface Cursor {
  index: number;
  readonly words: Int32Array;
  readonly parts: Int32Array;
}

/** All states as they are kept, for reading: the store's own arrays, which the next insertion may replace. */
export interface States {
  readonly count: number;
  /** First word of each part, and the end of the last. */
  readonly starts: Int32Array;
  /** For each part its different rows, one behind the other. */
  readonly rows: readonly Int32Array[];
  /** For each state the numbers of its parts' rows. */
  readonly numbers: Int32Array;
  /** For each state the one that it was found from, which has a smaller number; -1: an initial one. */
  readonly parents: Int32Array;
}

/**
 * States collapsed: each part of a state is kept once, and a state is the row of its parts' numbers. With one
 * part, or with parts so small that numbers would save nothing, a state is its own row.
 */
export class Store {
  readonly #words: number;
  /** First word of each part, and the end of the last. */
  readonly #starts: Int32Array;
  readonly #parts: readonly Rows[];
  readonly #states: Rows;
  readonly #account: Account;
  readonly #row: Int32Array;
  readonly #symmetry: Symmetry | undefined;
  /** A part as all units of its class have it. */
  readonly #image: Int32Array;
  #foreign = false;
  /** Per state the state that it was found from (-1: an initial one), and by which action. */
  readonly #parents: Column;
  readonly #actions: Column;

  constructor(
    shape: Pick<Model, 'words' | 'parts' | 'symmetry'>,
    account: Account,
    maxStates: number = Number.POSITIVE_INFINITY,
  ) {
    const { words, parts, symmetry } = shape;
    if (words < 1 || parts[0] !== 0 || parts.some((start, i) => start >= (parts[i + 1] ?? words))) {
      throw new Error(`parts must ascend from 0 and end before ${words}: ${parts.join(', ')}`);
    }
    this.#words = words;
    this.#account = account;
    this.#parents = new Column(account);
    this.#actions = new Column(account);
    const limit = Math.min(maxStates, mostRows);
    this.#symmetry = symmetry;
    this.#image = new Int32Array(symmetry === undefined ? 0 : words);
    if (words <= 2 * parts.length && symmetry === undefined) {
      this.#starts = Int32Array.of(0, words);
      this.#parts = [];
      this.#states = new Rows(words, account, limit);
    } else {
      this.#starts = Int32Array.of(...parts, words);
      const rows =
        parts.length === 1
          ? []
          : parts.map((start, i) => new Rows((parts[i + 1] ?? words) - start, account, mostRows));
      // What corresponds is numbered together, so that equal units have equal numbers wherever they stand.
      for (const units of symmetry?.classes ?? [])
        for (const unit of units)
          unit.forEach((part, i) => {
            rows[part] = rows[units[0]?.[i] as number] as Rows;
          });
      this.#parts = rows;
      this.#states = new Rows(parts.length === 1 ? words : parts.length, account, limit);
    }
    this.#row = new Int32Array(this.#parts.length);
  }

  get count(): number {
    return this.#states.count;
  }

  /** Bytes in use by everything on the account. */
  get bytes(): number {
    return this.#account.used;
  }

  /** Why the last insertion was refused. */
  get refusal(): 'states' | 'memory' | 'symmetry' {
    return this.#foreign ? 'symmetry' : this.#states.full ? 'states' : 'memory';
  }

  get states(): States {
    const { count } = this;
    const whole = this.#parts.length === 0;
    const rows = whole ? [this.#states] : this.#parts;
    return {
      count,
      starts: this.#starts,
      rows: rows.map((r) => r.words.subarray(0, r.count * r.width)),
      numbers: whole
        ? Int32Array.from({ length: count }, (_, i) => i)
        : this.#states.words.subarray(0, count * rows.length),
      parents: this.#parents.words.subarray(0, count),
    };
  }

  cursor(): Cursor {
    return {
      index: -1,
      words: new Int32Array(this.#words),
      parts: new Int32Array(this.#parts.length).fill(-1),
    };
  }

  /** Takes the state `index` out into `cursor`. */
  load(cursor: Cursor, index: number): void {
    const { words, parts: held } = cursor;
    const parts = this.#parts;
    const states = this.#states.words;
    cursor.index = index;
    if (parts.length === 0) {
      const width = this.#words;
      const at = index * width;
      for (let i = 0; i < width; i++) words[i] = states[at + i] as number;
      return;
    }
    const starts = this.#starts;
    const at = index * parts.length;
    for (let p = 0; p < parts.length; p++) {
      const id = states[at + p] as number;
      if (id === (held[p] as number)) continue;
      held[p] = id;
      const from = starts[p] as number;
      const end = starts[p + 1] as number;
      const pool = (parts[p] as Rows).words;
      const shift = id * (end - from) - from;
      for (let i = from; i < end; i++) words[i] = pool[shift + i] as number;
      this.#symmetry?.decode(p, words);
    }
  }

  /** Writes the words of the state `index` into `into`. */
  read(index: number, into: Int32Array): void {
    const cursor = this.cursor();
    this.load(cursor, index);
    into.set(cursor.words);
  }

  /**
   * Number of `state`, new (then it is `count - 1`) or known, or `refused`. Parts equal to those of `near`,
   * the state that it came from, are recognised without hashing; of parts that are not `touched` that is known. A new
   * state is noted as found from `near` by `action`.
   */
  insert(state: Int32Array, near?: Cursor, action = 0, touched?: Uint8Array): number {
    const states = this.#states;
    const before = states.count;
    // First, so that no state is ever without its parent.
    if (!this.#parents.room() || !this.#actions.room()) return refused;
    let index: number;
    if (this.#parts.length === 0) {
      index = states.intern(state, 0);
    } else {
      const changed = this.#partsOf(state, near, true, touched);
      if (changed < 0) return refused;
      if (changed === 0 && near !== undefined) return near.index;
      this.#settle();
      index = states.intern(this.#row, 0);
    }
    if (index === before) {
      this.#parents.push(near === undefined ? -1 : near.index);
      this.#actions.push(action);
    }
    return index;
  }

  /** Number of `state`, or `refused` where it is not known. */
  find(state: Int32Array, near?: Cursor): number {
    if (this.#parts.length === 0) return this.#states.find(state, 0);
    if (this.#partsOf(state, near, false) < 0) return refused;
    this.#settle();
    return this.#states.find(this.#row, 0);
  }

  /** Puts the units of each class into the order of their parts' numbers. */
  #settle(): void {
    if (this.#symmetry === undefined) return;
    const row = this.#row;
    for (const units of this.#symmetry.classes) {
      for (let i = 1; i < units.length; i++) {
        for (let k = i; k > 0; k--) {
          const a = units[k - 1] as readonly number[];
          const b = units[k] as readonly number[];
          let order = 0;
          for (let j = 0; j < a.length && order === 0; j++)
            order = (row[a[j] as number] as number) - (row[b[j] as number] as number);
          if (order <= 0) break;
          for (let j = 0; j < a.length; j++) {
            const x = a[j] as number;
            const y = b[j] as number;
            const held = row[x] as number;
            row[x] = row[y] as number;
            row[y] = held;
          }
        }
      }
    }
  }

  parent(index: number): number {
    return this.#parents.words[index] as number;
  }

  action(index: number): number {
    return this.#actions.words[index] as number;
  }

  /** Puts the numbers of the parts of `state` into `#row`: how many differ from `near`'s, or `refused`. */
  #partsOf(
    state: Int32Array,
    near: Cursor | undefined,
    add: boolean,
    touched?: Uint8Array,
  ): number {
    const parts = this.#parts;
    const starts = this.#starts;
    const row = this.#row;
    let changed = 0;
    for (let p = 0; p < parts.length; p++) {
      const from = starts[p] as number;
      if (near !== undefined) {
        const { words } = near;
        const end = starts[p + 1] as number;
        if ((touched !== undefined && touched[p] === 0) || same(state, words, from, end)) {
          row[p] = near.parts[p] as number;
          continue;
        }
      }
      const rows = parts[p] as Rows;
      let id: number;
      if (this.#symmetry === undefined) {
        id = add ? rows.intern(state, from) : rows.find(state, from);
      } else {
        const image = this.#image;
        if (!this.#symmetry.encode(p, state, image)) {
          this.#foreign = true;
          return refused;
        }
        id = add ? rows.intern(image, 0) : rows.find(image, 0);
      }
      if (id < 0) return refused;
      row[p] = id;
      changed++;
    }
    return changed;
  }
}
