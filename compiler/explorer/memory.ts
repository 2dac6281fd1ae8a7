// Memory that grows on one account: what is claimed never exceeds the bound, and a refusal is an answer.

/**
 * Counts the bytes of every array of one search. While an array grows, the old and the new one exist at the
 * same time, and both are counted: `peak` is what the search really needed at once.
 */
export class Account {
  readonly #bound: number;
  #used = 0;
  #peak = 0;

  constructor(bound: number = Number.POSITIVE_INFINITY) {
    this.#bound = bound;
  }

  get used(): number {
    return this.#used;
  }

  get peak(): number {
    return this.#peak;
  }

  /** Whether `bytes` more fit; if so they count from now on. */
  claim(bytes: number): boolean {
    if (this.#used + bytes > this.#bound) return false;
    this.#used += bytes;
    if (this.#used > this.#peak) this.#peak = this.#used;
    return true;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}

/** A buffer of zeros, or undefined where the bound or the host refuses it. */
export function allocate(account: Account, bytes: number): ArrayBuffer | undefined {
  if (!account.claim(bytes)) return undefined;
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    account.release(bytes);
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Frees at once; waiting for the collector would make the account a lie. */
export function free(account: Account, buffer: ArrayBuffer): void {
  account.release(buffer.byteLength);
  buffer.transfer(0);
}

/** A list that only grows: what has come to it can be taken from its end, and put to the end of another. */
export interface Growing {
  readonly length: number;
  /** What has come since it had that length, in an array of its own. */
  since(length: number): Int32Array | Uint8Array;
  /** False where memory is refused. */
  extend(more: Int32Array | Uint8Array): boolean;
}

/** Words of a list that stand together: a power of two, so that a large list grows without being copied. */
const wordBits = 15;
const wordChunk = 1 << wordBits;

/** A growing list of 32-bit words. */
export class Column implements Growing {
  readonly #account: Account;
  readonly #chunks: Int32Array<ArrayBuffer>[] = [];
  /** Words that there is memory for. */
  #capacity = 0;
  length = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  at(index: number): number {
    return (this.#chunks[index >>> wordBits] as Int32Array)[index & (wordChunk - 1)] as number;
  }

  /** Makes room for so many more, or answers false where memory is refused. */
  room(words: number): boolean {
    while (this.length + words > this.#capacity) if (!this.#grow()) return false;
    return true;
  }

  /** False where memory is refused; the list is then as before. */
  push(word: number): boolean {
    if (!this.room(1)) return false;
    const index = this.length++;
    (this.#chunks[index >>> wordBits] as Int32Array)[index & (wordChunk - 1)] = word;
    return true;
  }

  pop(): number {
    return this.at(--this.length);
  }

  since(length: number): Int32Array {
    const words = new Int32Array(this.length - length);
    for (let index = length; index < this.length; ) {
      const from = index & (wordChunk - 1);
      const end = Math.min(wordChunk, from + this.length - index);
      const chunk = this.#chunks[index >>> wordBits] as Int32Array;
      words.set(chunk.subarray(from, end), index - length);
      index += end - from;
    }
    return words;
  }

  extend(more: Int32Array): boolean {
    return more.every((word) => this.push(word));
  }

  free(): void {
    for (const chunk of this.#chunks) free(this.#account, chunk.buffer);
    this.#chunks.length = 0;
    this.#capacity = 0;
    this.length = 0;
  }

  #grow(): boolean {
    // The first chunk begins small, and is replaced while it grows.
    const small = this.#capacity < wordChunk;
    const words = small ? Math.max(16, 2 * this.#capacity) : wordChunk;
    const buffer = allocate(this.#account, 4 * words);
    if (buffer === undefined) return false;
    const chunk = new Int32Array(buffer);
    const before = small ? this.#chunks.pop() : undefined;
    if (before !== undefined) {
      chunk.set(before);
      free(this.#account, before.buffer);
    }
    this.#chunks.push(chunk);
    this.#capacity = small ? words : this.#capacity + words;
    return true;
  }
}

const byteBits = 16;
const byteChunk = 1 << byteBits;

/** A growing list of bytes. */
export class Bytes implements Growing {
  readonly #account: Account;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  length = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  at(index: number): number {
    return (this.#chunks[index >>> byteBits] as Uint8Array)[index & (byteChunk - 1)] as number;
  }

  set(index: number, byte: number): void {
    (this.#chunks[index >>> byteBits] as Uint8Array)[index & (byteChunk - 1)] = byte;
  }

  /** False where memory is refused; the list is then as before. */
  push(byte: number): boolean {
    const index = this.length;
    const at = index & (byteChunk - 1);
    let chunk = this.#chunks[index >>> byteBits];
    if (chunk === undefined || at === chunk.length) {
      // The first chunk begins small.
      const size = index < byteChunk ? Math.max(1024, 2 * at) : byteChunk;
      const buffer = allocate(this.#account, size);
      if (buffer === undefined) return false;
      const larger = new Uint8Array(buffer);
      if (chunk !== undefined) {
        larger.set(chunk);
        free(this.#account, chunk.buffer);
      }
      chunk = larger;
      this.#chunks[index >>> byteBits] = chunk;
    }
    chunk[at] = byte;
    this.length = index + 1;
    return true;
  }

  since(length: number): Uint8Array {
    const bytes = new Uint8Array(this.length - length);
    for (let index = length; index < this.length; ) {
      const from = index & (byteChunk - 1);
      const end = Math.min(byteChunk, from + this.length - index);
      bytes.set(
        (this.#chunks[index >>> byteBits] as Uint8Array).subarray(from, end),
        index - length,
      );
      index += end - from;
    }
    return bytes;
  }

  extend(more: Uint8Array): boolean {
    return more.every((byte) => this.push(byte));
  }

  free(): void {
    for (const chunk of this.#chunks) free(this.#account, chunk.buffer);
    this.#chunks.length = 0;
    this.length = 0;
  }
}
