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

/**
 * A copy of `buffer` with room for at least `bytes`, the rest zeros; `buffer` is detached. Doubles; near the
 * bound a quarter more must do. Undefined leaves `buffer` as it was.
 */
export function grow(
  account: Account,
  buffer: ArrayBuffer,
  bytes: number,
): ArrayBuffer | undefined {
  const length = buffer.byteLength;
  for (const wish of [length * 2, length + (length >> 2)]) {
    const size = 4 * Math.ceil(Math.max(wish, bytes) / 4);
    if (!account.claim(size)) continue;
    try {
      const grown = buffer.transfer(size);
      account.release(length);
      return grown;
    } catch (error) {
      account.release(size);
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return undefined;
}

/** A growing list of 32-bit words. `words` is replaced when it grows, so it must not be kept across a `push`. */
export class Column {
  readonly #account: Account;
  words: Int32Array<ArrayBuffer> = new Int32Array(0);
  length = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  /** Makes room for one more, or answers false where memory is refused. */
  room(): boolean {
    return this.length < this.words.length || this.#grow();
  }

  /** False where memory is refused; the list is then as before. */
  push(word: number): boolean {
    if (!this.room()) return false;
    this.words[this.length++] = word;
    return true;
  }

  pop(): number {
    return this.words[--this.length] as number;
  }

  free(): void {
    free(this.#account, this.words.buffer);
    this.words = new Int32Array(0);
    this.length = 0;
  }

  #grow(): boolean {
    const buffer = grow(this.#account, this.words.buffer, Math.max(4096, 4 * (this.length + 1)));
    if (buffer === undefined) return false;
    this.words = new Int32Array(buffer);
    return true;
  }
}
