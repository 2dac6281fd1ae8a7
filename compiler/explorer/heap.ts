// Words that many tables have in common, in one array: so that code which knows nothing but a memory can work on them.

import type { GrowingMemory } from './filing.ts';
import type { Account } from './memory.ts';

/** Answer where memory is refused. */
export const none = -1;

interface Gap {
  at: number;
  count: number;
}

/** A growing array of words, handed out in blocks. */
export class Heap {
  /** All words. Another array after each block that is handed out, so it must not be kept. */
  words: Int32Array<ArrayBuffer> = new Int32Array(1024);
  readonly #account: Account;
  /** Word 0 stays 0, for who has no block yet. */
  #end = 1;
  /** What was given back, in its order; no two of them touch. */
  readonly #gaps: Gap[] = [];
  #memory: GrowingMemory | undefined;
  #most = Number.POSITIVE_INFINITY;

  constructor(account: Account) {
    this.#account = account;
  }

  /**
   * Index of the first of `count` words, whatever stands in them; `none` where the bound or the host refuses them.
   * What is given back is not given back to the host, so it stays on the account until it is used again.
   */
  allocate(count: number): number {
    const gap = this.#fill(count);
    if (gap !== none) return gap;
    if (!this.#account.claim(4 * count)) return none;
    const at = this.#extend(count);
    if (at === none) this.#account.release(4 * count);
    return at;
  }

  /** As `allocate`, of the few words that a search has before it has anything; they are on no account. */
  reserve(count: number): number {
    const at = this.#extend(count);
    if (at === none) throw new RangeError('the host has no memory left');
    return at;
  }

  free(at: number, count: number): void {
    const gaps = this.#gaps;
    let i = 0;
    while (i < gaps.length && (gaps[i] as Gap).at < at) i++;
    const before = gaps[i - 1];
    const after = gaps[i];
    const joins = before !== undefined && before.at + before.count === at;
    const gap = joins ? before : { at, count: 0 };
    gap.count += count;
    const touches = after !== undefined && at + count === after.at;
    if (touches) gap.count += after.count;
    if (joins) gaps.splice(i, touches ? 1 : 0);
    else gaps.splice(i, touches ? 1 : 0, gap);
  }

  /** Goes on in a memory of somebody else's, of `most` words at most; it must have room for what there is. */
  move(memory: GrowingMemory, most: number): void {
    const words = new Int32Array(memory.buffer);
    words.set(this.words.subarray(0, this.#end));
    this.words = words;
    this.#memory = memory;
    this.#most = most;
  }

  /** Whether what may soon be asked for, `count` words, would not fit into a memory of somebody else's. */
  narrow(count: number): boolean {
    return this.#end + count > this.#most;
  }

  /** Goes on in an array of its own, which can have more; false where the host has none. Nobody else sees it then. */
  leave(): boolean {
    const { words } = this;
    try {
      this.words = new Int32Array(new ArrayBuffer(4 * Math.ceil(this.#end * 1.25)));
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.words.set(words.subarray(0, this.#end));
    this.#memory = undefined;
    this.#most = Number.POSITIVE_INFINITY;
    return true;
  }

  /** Words that `move` needs room for. */
  get length(): number {
    return this.#end;
  }

  /** Takes the words from the smallest gap that is large enough. */
  #fill(count: number): number {
    let best: Gap | undefined;
    for (const gap of this.#gaps)
      if (gap.count >= count && (best === undefined || gap.count < best.count)) best = gap;
    if (best === undefined) return none;
    const { at } = best;
    best.at += count;
    best.count -= count;
    if (best.count === 0) this.#gaps.splice(this.#gaps.indexOf(best), 1);
    return at;
  }

  #extend(count: number): number {
    if (this.#end + count > this.words.length && !this.#grow(this.#end + count)) return none;
    this.#end += count;
    return this.#end - count;
  }

  /** By a quarter at least, so that it happens seldom. */
  #grow(least: number): boolean {
    const wanted = Math.max(least, Math.ceil(this.words.length * 1.25));
    return this.#lengthen(wanted) || this.#lengthen(least);
  }
  #lengthen(length: number): boolean {
    const memory = this.#memory;
    try {
      if (memory === undefined) {
        const before = this.words;
        this.words = new Int32Array(new ArrayBuffer(4 * length));
        this.words.set(before);
        // Waiting for the collector would hold both.
        before.buffer.transfer(0);
      } else {
        memory.grow(Math.ceil((4 * (length - this.words.length)) / 65536));
        this.words = new Int32Array(memory.buffer);
      }
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    return true;
  }
}
