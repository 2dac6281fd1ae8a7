// All minimal sets that keep something, where nothing is known of how one set's answer follows from another's.

/** Whether what was asked is so; `unfinished` is neither. */
export type Answer = 'keeps' | 'breaks' | 'unfinished';

/** Bit i of a set is piece i. */
export type Bits = number;

export interface Family {
  readonly sets: readonly {
    readonly kept: Bits;
    /** No subset of it is unfinished: it is minimal, and not only as far as is known. */
    readonly minimal: boolean;
  }[];
  /** Sets of which it is not known, those left out that have a set of the family in them. */
  readonly unfinished: number;
}

export const mostPieces = 20;

/**
 * Every set that keeps, and of which no proper subset does: smaller ones first. A set that breaks says nothing of
 * the sets around it, so that all are asked but those above one that keeps; none any more once it is `stopped`.
 */
export function* minimalSets(
  count: number,
  keeps: (kept: Bits) => Generator<void, Answer>,
  stopped: () => boolean = () => false,
): Generator<void, Family> {
  const sets: { kept: Bits; minimal: boolean }[] = [];
  const unfinished: Bits[] = [];
  let unasked = 0;
  for (let size = 0; size <= count; size++) {
    for (const kept of subsets(count, size)) {
      if (sets.some((s) => (kept & s.kept) === s.kept)) continue;
      if (stopped()) {
        unasked++;
        continue;
      }
      const answer = yield* keeps(kept);
      if (answer === 'keeps')
        sets.push({ kept, minimal: !unfinished.some((u) => (kept & u) === u) });
      else if (answer === 'unfinished') unfinished.push(kept);
    }
  }
  return { sets, unfinished: unfinished.length + unasked };
}

/** All sets of that size, ascending. */
function* subsets(count: number, size: number): Generator<Bits> {
  if (size === 0) {
    yield 0;
    return;
  }
  for (let bits = 2 ** size - 1; bits < 2 ** count; ) {
    yield bits;
    // The next greater number with as many bits.
    const low = bits & -bits;
    const up = bits + low;
    bits = up | (((bits ^ up) >>> 2) / low);
  }
}

/** The orders of `count` things in which each pair stands as it is said, the given order first. */
export function extensions(
  count: number,
  pairs: readonly (readonly [number, number])[],
): readonly (readonly number[])[] {
  const out: number[][] = [];
  const place = (done: readonly number[]): void => {
    if (done.length === count) {
      out.push([...done]);
      return;
    }
    for (let k = 0; k < count; k++) {
      if (done.includes(k) || pairs.some(([a, b]) => b === k && !done.includes(a))) continue;
      place([...done, k]);
    }
  };
  place([]);
  return out;
}
