// Which states can still reach each goal, and what a state that cannot does for ever.

import { block, type Edges, type Graph } from './edges.ts';
import { type Account, allocate, type Bytes, free } from './memory.ts';

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
  edges: Edges,
  reach: Bytes,
  all: number,
  credit: Credit,
): Generator<void, void> {
  const { starts } = edges;
  const blocks = Math.ceil(edges.states / block);
  /** Blocks of which every state can reach all. */
  const done = new Uint8Array(blocks);
  let changed = true;
  for (let backward = true; changed; backward = !backward) {
    changed = false;
    for (let b = 0; b < blocks; b++) {
      if (credit.left <= 0) yield;
      const index = backward ? blocks - 1 - b : b;
      if (done[index] === 1) continue;
      const first = index * block;
      const count = edges.read(index);
      const { targets } = edges;
      credit.left -= count;
      let left = 0;
      for (let n = 0; n < count; n++) {
        const i = backward ? count - 1 - n : n;
        const before = reach.at(first + i);
        if (before === all) continue;
        let bits = before;
        const end = starts[i + 1] as number;
        for (let e = starts[i] as number; e < end; e++) bits |= reach.at(targets[e] as number);
        if (bits !== all) left++;
        if (bits !== before) {
          reach.set(first + i, bits);
          changed = true;
        }
      }
      if (left === 0) done[index] = 1;
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
    const [number, low, at, path, open, looping] = Array.from({ length: 6 }, words);
    if (!number || !low || !at || !path || !open || !looping) return undefined;
    markLoops(graph, start, { number, low, at, path, open, looping });
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

/** A word per state each, zeros at first. */
interface Marks {
  /** When the state was met, from 1; and the earliest open state known to be reached from it. */
  readonly number: Int32Array;
  readonly low: Int32Array;
  /** The next edge to follow. */
  readonly at: Int32Array;
  /** The way from the start to here, and the states whose component is not closed: two stacks. */
  readonly path: Int32Array;
  readonly open: Int32Array;
  readonly looping: Int32Array;
}

/**
 * Sets `looping` for the states on a cycle that `start` reaches, by depth first search: a component closes
 * at the state from which no earlier open one is reached.
 */
function markLoops(
  { offsets, edges }: Graph,
  start: number,
  { number, low, at, path, open, looping }: Marks,
): void {
  const closed = 0x7fffffff;
  let steps = 0;
  let waiting = 0;
  let last = 0;
  const enter = (state: number) => {
    last++;
    number[state] = last;
    low[state] = last;
    at[state] = offsets[state] as number;
    path[steps++] = state;
    open[waiting++] = state;
  };
  const lower = (state: number, to: number) => {
    if (to < (low[state] as number)) low[state] = to;
  };
  enter(start);
  while (steps > 0) {
    const state = path[steps - 1] as number;
    const edge = at[state] as number;
    if (edge < (offsets[state + 1] as number)) {
      at[state] = edge + 1;
      const next = edges[edge] as number;
      if (next === state) looping[state] = 1;
      if (number[next] === 0) enter(next);
      else lower(state, low[next] as number);
      continue;
    }
    steps--;
    if (steps > 0) lower(path[steps - 1] as number, low[state] as number);
    if (low[state] !== number[state]) continue;
    if (open[waiting - 1] !== state) looping[state] = 1;
    for (;;) {
      const member = open[--waiting] as number;
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
