// What a search has visited, as lists: every state, in the order in which they were found, which is breadth first.

import type { Graph } from './edges.ts';
import { Account } from './memory.ts';
import type { Search } from './search.ts';
import type { Store, Tree } from './store.ts';

export interface Visited {
  readonly count: number;
  /** First word of each part, and the end of the last. */
  readonly starts: Int32Array;
  /** For each part its different rows, one behind the other. */
  rows(part: number): Int32Array;
  /** For a part, for each state the number of its row. */
  numbers(part: number): Int32Array;
  /** For each state the one that it was found from, which has a smaller number; -1: an initial one. */
  readonly parents: Int32Array;
  /** For each goal, for each state: the fewest steps to it that are not optional; -1 where there is no way. */
  readonly distances: readonly Int32Array[];
}

/** Of a search that is done and that nothing has cut. What it needs is not on the account of the search. */
export function visited(search: Search): Visited {
  const { model, store, edges } = search.ground();
  if (model.symmetry !== undefined) throw new Error('states that stand for others are not listed');
  const { count, tree } = store;
  const { graph } = edges.graph(new Account()) as { graph: Graph };
  const at = new Uint8Array(model.goals.length === 0 ? 0 : count);
  const cursor = store.cursor();
  for (let state = 0; state < at.length; state++) {
    store.load(cursor, state);
    at[state] = model.goalsOf(cursor.words);
  }
  return {
    count,
    // A state that is its own row is one part.
    starts: Int32Array.of(...(tree === undefined ? [0] : model.parts), model.words),
    rows: (part) =>
      tree === undefined
        ? store.table(0).since(0)
        : rowsUnder(store, tree, tree.parts[part] as number),
    numbers: (part) =>
      tree === undefined
        ? Int32Array.from({ length: count }, (_, i) => i)
        : numbersOf(store, tree, tree.parts[part] as number),
    parents: store.parents,
    distances: model.goals.map((_, goal) =>
      distances(graph, (state) => ((at[state] as number) & (1 << goal)) !== 0),
    ),
  };
}

/** The rows of a node, word by word. */
function rowsUnder(store: Store, tree: Tree, node: number): Int32Array {
  const table = store.table(node);
  const own = table.since(0);
  if (node < tree.leaves) return own;
  const under = [...(tree.under[node - tree.leaves] as Int32Array)].map((child) => {
    const words = rowsUnder(store, tree, child);
    return { words, width: words.length / store.table(child).length };
  });
  const width = under.reduce((n, u) => n + u.width, 0);
  const out = new Int32Array(table.length * width);
  let at = 0;
  for (let i = 0; i < own.length; )
    for (const u of under) {
      const from = (own[i++] as number) * u.width;
      out.set(u.words.subarray(from, from + u.width), at);
      at += u.width;
    }
  return out;
}

/** For each state the number of a node's row. */
function numbersOf(store: Store, tree: Tree, node: number): Int32Array {
  const up = tree.above[node] as number;
  if (up < 0) return Int32Array.from({ length: store.count }, (_, i) => i);
  const table = store.table(up);
  const rows = table.since(0);
  const place = (tree.under[up - tree.leaves] as Int32Array).indexOf(node);
  return numbersOf(store, tree, up).map((row) => rows[row * table.width + place] as number);
}

/**
 * For each state the fewest steps of the graph to one that is `at` the goal; -1 where there is no way. The sweeps are
 * those of `spreadGoals`.
 */
export function distances(
  { states, offsets, edges }: Graph,
  at: (state: number) => boolean,
): Int32Array {
  const none = 0x7fffffff;
  const steps = Int32Array.from({ length: states }, (_, state) => (at(state) ? 0 : none));
  let changed = true;
  for (let backward = true; changed; backward = !backward) {
    changed = false;
    for (let n = 0; n < states; n++) {
      const state = backward ? states - 1 - n : n;
      const before = steps[state] as number;
      let least = before;
      const end = offsets[state + 1] as number;
      for (let e = offsets[state] as number; e < end; e++) {
        const beyond = steps[edges[e] as number] as number;
        if (beyond + 1 < least && beyond !== none) least = beyond + 1;
      }
      if (least === before) continue;
      steps[state] = least;
      changed = true;
    }
  }
  return steps.map((n) => (n === none ? -1 : n));
}
