// Which states can still reach each goal, and what a state that cannot does for ever.

import { type Account, allocate, free } from './memory.ts';

/**
 * The steps on which a goal may rely: those that are not optional and violate nothing. The successors of
 * state `s` are `edges[offsets[s]]` up to `edges[offsets[s + 1]]`; a successor stands there once per action.
 */
export interface Graph {
  readonly states: number;
  readonly offsets: Int32Array;
  readonly edges: Int32Array;
}

/** How many more states may be looked at before the next pause. */
export interface Credit {
  left: number;
}

/**
 * Adds to each state's bits in `reach` those of its successors, until nothing changes: bit g then says that
 * goal g can be reached. Sweeps go backward and forward by turns. States are numbered breadth first, so one
 * backward sweep carries a goal along any number of steps away from the start, and the forward one along any
 * number of steps back; a list of predecessors would cost as much memory again as the steps themselves.
 */
export function* spreadGoals(
  graph: Graph,
  reach: Uint8Array,
  all: number,
  credit: Credit,
): Generator<void, void> {
  const { states, offsets, edges } = graph;
  let changed = true;
  for (let backward = true; changed; backward = !backward) {
    changed = false;
    for (let n = 0; n < states; n++) {
      if (credit.left-- <= 0) yield;
      const state = backward ? states - 1 - n : n;
      const before = reach[state] as number;
      if (before === all) continue;
      let bits = before;
      const end = offsets[state + 1] as number;
      for (let e = offsets[state] as number; e < end; e++) {
        bits |= reach[edges[e] as number] as number;
      }
      if (bits !== before) {
        reach[state] = bits;
        changed = true;
      }
    }
  }
}

/** The states from a given one on: `path` ends where `loop` begins, and `loop` ends where it began. */
export interface Ending {
  readonly path: readonly number[];
  /** Absent where the path ends in a state without a step. */
  readonly loop?: readonly number[];
}

/**
 * The nearest loop that can be reached from `start`, once around on the shortest way, or the nearest state
 * without a step where there is no loop. Undefined where memory is refused.
 */
export function endingFrom(graph: Graph, start: number, account: Account): Ending | undefined {
  const { states, offsets } = graph;
  const bytes = 4 * states;
  const buffers: ArrayBuffer[] = [];
  const words = (): Int32Array | undefined => {
    const buffer = allocate(account, bytes);
    if (buffer === undefined) return undefined;
    buffers.push(buffer);
    return new Int32Array(buffer);
  };
  try {
    const [number, low, at, looping] = [words(), words(), words(), words()];
    if (!number || !low || !at || !looping) return undefined;
    markLoops(graph, start, number, low, at, looping);
    // The numbering is done with: its arrays serve the two breadth-first searches.
    const near = route(graph, start, (state) => looping[state] !== 0, low, at);
    if (near !== undefined) {
      const head = near.at(-1) as number;
      const loop = route(graph, head, (state, first) => state === head && !first, low, at);
      return { path: near, loop: loop as number[] };
    }
    const stuck = (state: number) => offsets[state] === offsets[state + 1];
    return { path: route(graph, start, stuck, low, at) as number[] };
  } finally {
    for (const buffer of buffers) free(account, buffer);
  }
}

/**
 * Sets `looping` for the states on a cycle that `start` reaches, by depth first search: a component closes
 * at the state from which no earlier open one is reached. All arrays come as zeros.
 */
function markLoops(
  { offsets, edges }: Graph,
  start: number,
  number: Int32Array,
  low: Int32Array,
  at: Int32Array,
  looping: Int32Array,
): void {
  const closed = 0x7fffffff;
  const path: number[] = [start];
  const open: number[] = [start];
  let last = 1;
  number[start] = low[start] = last;
  at[start] = offsets[start] as number;
  while (path.length > 0) {
    const state = path.at(-1) as number;
    const e = at[state] as number;
    if (e < (offsets[state + 1] as number)) {
      at[state] = e + 1;
      const next = edges[e] as number;
      if (low[next] === 0) {
        number[next] = low[next] = ++last;
        at[next] = offsets[next] as number;
        path.push(next);
        open.push(next);
      } else {
        if (next === state) looping[state] = 1;
        low[state] = Math.min(low[state] as number, low[next] as number);
      }
      continue;
    }
    path.pop();
    const above = path.at(-1);
    if (above !== undefined) low[above] = Math.min(low[above] as number, low[state] as number);
    if (low[state] !== number[state]) continue;
    if (open.at(-1) !== state) looping[state] = 1;
    for (;;) {
      const member = open.pop() as number;
      low[member] = closed;
      if (member === state) break;
      looping[member] = 1;
    }
  }
}

/** The shortest way from `start` to a state that is `wanted`, both included; `first` is true before any step. */
function route(
  { offsets, edges }: Graph,
  start: number,
  wanted: (state: number, first: boolean) => boolean,
  from: Int32Array,
  queue: Int32Array,
): number[] | undefined {
  if (wanted(start, true)) return [start];
  from.fill(-1);
  queue[0] = start;
  let count = 1;
  for (let head = 0; head < count; head++) {
    const state = queue[head] as number;
    const end = offsets[state + 1] as number;
    for (let e = offsets[state] as number; e < end; e++) {
      const next = edges[e] as number;
      if (wanted(next, false)) {
        const way = [next];
        for (let s = state; ; s = from[s] as number) {
          way.push(s);
          if (s === start) return way.reverse();
        }
      }
      if (next === start || from[next] !== -1) continue;
      from[next] = state;
      queue[count++] = next;
    }
  }
  return undefined;
}
