// The steps between states that a search keeps for its goals, in few bytes.

import { type Account, allocate, Bytes, Column, free, type Growing } from './memory.ts';

/**
 * The steps on which a goal may rely: those that are not optional and violate nothing. The successors of
 * state `s` are `edges[offsets[s]]` up to `edges[offsets[s + 1]]`; a successor stands there once per action.
 */
export interface Graph {
  readonly states: number;
  readonly offsets: Int32Array;
  readonly edges: Int32Array;
}

/** States that are read together. */
export const block = 64;

/** Codes: the end of a state's steps; a step to the next new state; a new state that is reached by no such step. */
const end = 0;
const fresh = 1;
const aside = 2;
/** From here on: how far the state that a step leads to stands behind the newest. */
const known = 3;

/**
 * States are expanded in the order of their numbers, and get numbers in the order in which they are found: so a step to
 * a new state is one byte, and one to a known state, seldom far behind the newest, two or three. Numbers stand seven
 * bits a byte, the lowest first; the top bit says that more follow.
 */
export class Edges {
  readonly #codes: Bytes;
  /** For each block where its codes begin, and the newest state before it. */
  readonly #begins: Column;
  readonly #before: Column;
  #newest: number;
  #states = 0;
  /** Of the block that was read last: where each state's successors begin, and they themselves. */
  readonly starts = new Int32Array(block + 1);
  targets = new Int32Array(256);

  /** `initial`: how many states there are before the first is expanded. */
  constructor(initial: number, account: Account) {
    this.#codes = new Bytes(account);
    this.#begins = new Column(account);
    this.#before = new Column(account);
    this.#newest = initial - 1;
  }

  /** All that it has, but for two numbers. */
  get lists(): readonly Growing[] {
    return [this.#codes, this.#begins, this.#before];
  }
  /** What those lists do not say: how many states' steps are known, and the newest state. */
  get figures(): readonly [states: number, newest: number] {
    return [this.#states, this.#newest];
  }
  set figures([states, newest]: readonly [number, number]) {
    this.#states = states;
    this.#newest = newest;
  }

  /** States whose steps are known. */
  get states(): number {
    return this.#states;
  }

  /** The steps of the next state follow. Each of these answers false where memory is refused. */
  begin(): boolean {
    if (this.#states % block !== 0) return true;
    return this.#begins.push(this.#codes.length) && this.#before.push(this.#newest);
  }
  found(reliable: boolean): boolean {
    this.#newest++;
    return this.#codes.push(reliable ? fresh : aside);
  }
  again(state: number): boolean {
    let rest = this.#newest - state + known;
    for (; rest > 0x7f; rest >>>= 7) if (!this.#codes.push((rest & 0x7f) | 0x80)) return false;
    return this.#codes.push(rest);
  }
  close(): boolean {
    this.#states++;
    return this.#codes.push(end);
  }

  /** Reads the states from `index * block` on into `starts` and `targets`; answers with how many they are. */
  read(index: number): number {
    const codes = this.#codes;
    const { starts } = this;
    const states = Math.min(block, this.#states - index * block);
    let at = this.#begins.at(index);
    let newest = this.#before.at(index);
    let n = 0;
    for (let i = 0; i < states; i++) {
      starts[i] = n;
      for (;;) {
        let code = 0;
        for (let by = 0; ; by += 7) {
          const byte = codes.at(at++);
          code |= (byte & 0x7f) << by;
          if (byte < 0x80) break;
        }
        if (code === end) break;
        if (code === fresh || code === aside) newest++;
        if (code === aside) continue;
        if (n === this.targets.length) {
          const more = new Int32Array(2 * n);
          more.set(this.targets);
          this.targets = more;
        }
        this.targets[n++] = code === fresh ? newest : newest - code + known;
      }
    }
    starts[states] = n;
    return states;
  }

  /** All of it, to be asked in any order; undefined where memory is refused. Whoever asks frees it by `release`. */
  graph(account: Account): { readonly graph: Graph; readonly release: () => void } | undefined {
    const states = this.#states;
    const blocks = Math.ceil(states / block);
    let count = 0;
    for (let b = 0; b < blocks; b++) count += this.starts[this.read(b)] as number;
    const first = allocate(account, 4 * (states + 1));
    const second = first && allocate(account, 4 * count);
    if (first === undefined || second === undefined) {
      if (first !== undefined) free(account, first);
      return undefined;
    }
    const offsets = new Int32Array(first);
    const edges = new Int32Array(second);
    for (let b = 0, n = 0; b < blocks; b++) {
      const here = this.read(b);
      for (let i = 0; i < here; i++) offsets[b * block + i] = n + (this.starts[i] as number);
      const of = this.starts[here] as number;
      edges.set(this.targets.subarray(0, of), n);
      n += of;
    }
    offsets[states] = count;
    const release = (): void => {
      free(account, first);
      free(account, second);
    };
    return { graph: { states, offsets, edges }, release };
  }
}
