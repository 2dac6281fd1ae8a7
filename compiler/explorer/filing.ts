// What a store looks like to code that puts states there by itself: tables of rows on a heap, and the tree over them.

/** A memory of the host's that grows: what this needs of `WebAssembly.Memory`. */
export interface GrowingMemory {
  /** Another one each time it has grown. */
  readonly buffer: ArrayBuffer;
  /** By so many times 65536 bytes; throws a `RangeError` where the host refuses. */
  grow(pages: number): number;
}

/** The words of a table's record, by where they stand in it; all of them but `length` and `most` are indices of words. */
export const record = {
  /** Rows that there are. */
  length: 0,
  /** Rows that there may be before the table must be given room. */
  most: 1,
  /** The first slot. */
  slots: 2,
  /** Slots less one, which are a power of two. */
  mask: 3,
  /** For each chunk of rows its first word. */
  directory: 4,
  words: 5,
} as const;

/** Rows of a chunk: a power of two, so that a large table grows without being copied. */
export const tableRows = { bits: 15, count: 1 << 15, mask: (1 << 15) - 1 } as const;

/**
 * A row's hash is `finish` of its width plus the sum of its words, each times the factor of its place. Sums of products
 * depend on each other in nothing but additions, so a processor computes them side by side. The factors are odd and
 * at random (splitmix64's constants, as 32 bits).
 */
export const factors: Int32Array = Int32Array.from({ length: 64 }, (_, i) => {
  let z = Math.imul(i + 1, 0x9e3779b9);
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) | 1;
});

/** Mixes high bits into low ones, which choose the slot: by turns a shift and a factor, and at last a shift. */
export const mixers = [16, 0x7feb352d, 15, 0x846ca68b, 16] as const;
const [first, one, second, two, third] = mixers;
export function finish(sum: number): number {
  let h = Math.imul(sum ^ (sum >>> first), one);
  h = Math.imul(h ^ (h >>> second), two);
  return h ^ (h >>> third);
}

/** How a store keeps states: a tree whose leaves are pieces of a state. */
export interface Storage {
  /** For each piece its first word; and the end of the last. */
  readonly starts: Int32Array;
  /**
   * For each inner node what stands under it; the nodes before them are the pieces, and the last is the root, whose
   * rows are the states. Empty where a state is its own row.
   */
  readonly under: readonly Int32Array[];
  /** For each node the record of its table, a word of the heap. */
  readonly records: Int32Array;
  /** Makes room for one more row in the table with that record; false where it is refused. */
  room(record: number): boolean;
  /** Words of the heap that are in use. */
  readonly words: number;
  /** From now on the heap is in that memory, which can have `most` words; there must be room for what it has. */
  move(memory: GrowingMemory, most: number): void;
}

/** Code that works on a store. It has a state that it is at, as the words of a model's `scratch` are when it is. */
export interface Filing {
  /** The state that it is at. */
  readonly state: Int32Array;
  load(index: number): void;
  /** Number of the state that `scratch` is now, or -1 where it is refused; `scratch` is then what it was. */
  insert(): number;
  /** Makes `scratch` what it was. */
  revert(): void;
  /** Present where steps are taken as the model takes them. */
  readonly steps?: Steps | undefined;
}

/** Whole states at a time. Results stand in arrays, by the number of a step or of a state from where it went on. */
export interface Steps {
  /**
   * Takes the steps of the states from `index` on, at most those before `end`, until a violation is found: of how many it
   * says all; 0 where it cannot of the first. `opened` is told of each by its number, while `Filing.state` is that state.
   */
  sweep(index: number, end: number, opened: ((nth: number) => void) | undefined): number;
  /** Of a sweep how many steps each state has, one state's behind the other's; a violation is one of the last state's. */
  readonly counts: Int32Array;
  /** How many states there are behind the steps of each. */
  readonly lengths: Int32Array;
  /**
   * Loads a state and takes its steps, from the first on; -1 where it cannot say which they are. This and `goOn` answer
   * with a number of steps: those of which it says what they lead to.
   */
  take(index: number): number;
  /** Goes on with the step of that number. */
  goOn(step: number): number;
  /** How many steps the state has. */
  count(): number;
  /**
   * Whether it ended before the next step, or a sweep before the next state, because it cannot say what that leads to,
   * has no room for it, or too many steps.
   */
  stuck(): boolean;
  /** For each step: the state that it leads to; below 0 a violation: -1 less the property. */
  readonly found: Int32Array;
  readonly witnessed: Int32Array;
  readonly actions: Int32Array;
  /** Of the state that was taken all actions. */
  readonly enabled: Int32Array;
  /** Steps that a sweep has at most, and so states that come of it. */
  readonly most: number;
}
