// The visited set: which states are known, exactly, and their numbers in the order in which they were found.

import type { Storage } from './filing.ts';
import { Heap } from './heap.ts';
import { type Account, Column, type Growing } from './memory.ts';
import type { Model, Symmetry } from './model.ts';
import { mostRows, Rows, refused } from './rows.ts';

/** Whether two states agree from `from` up to `end`. Unrolled by hand it takes twice the time. */
function same(a: Int32Array, b: Int32Array, from: number, end: number): boolean {
  let i = from;
  while (i < end && (a[i] as number) === (b[i] as number)) i++;
  return i === end;
}

/** The words of a state two at a time: where they are but compared, both are in one instruction. */
function pairsOf({ buffer, byteOffset, length }: Int32Array): BigInt64Array {
  return byteOffset % 8 === 0
    ? new BigInt64Array(buffer, byteOffset, length >> 1)
    : new BigInt64Array(0);
}

/**
 * A state taken out of the store, with the numbers of its nodes. Whoever holds it must not write to it:
 * a later `load` copies only the pieces that differ, and an insertion takes over the numbers of equal ones.
 */
export interface Cursor {
  index: number;
  readonly words: Int32Array;
  readonly pairs: BigInt64Array;
  /** For each node of the store's tree the number of its row. */
  readonly nodes: Int32Array;
}

/** Pieces in which a state may differ from the one that it came from. */
export interface Touched {
  pieces: Int32Array;
  count: number;
}

/** Nodes that stand under one. */
const arity = 8;

/** The shape of the tree that a state is kept as. */
export interface Tree {
  /** For each piece, a leaf of the tree, its first word; and the end of the last. */
  readonly starts: Int32Array;
  readonly leaves: number;
  /** For each inner node, from number `leaves` on, what stands under it; the last one is the root. */
  readonly under: readonly Int32Array[];
  /** For each node the one above it. */
  readonly above: Int32Array;
  /** For each part its node. */
  readonly parts: readonly number[];
  /** For each class the nodes of its units; below `shared` stand all nodes of units. */
  readonly classes: readonly (readonly number[])[];
  readonly shared: number;
  /** For each node the one whose rows it shares, at most itself. */
  readonly rows: Int32Array;
}

type Shape = Pick<Model, 'words' | 'parts' | 'pieces' | 'groups' | 'symmetry'>;

/**
 * Pieces make parts, parts make units and groups, and those the state: each node keeps what stands under it as the
 * numbers of their rows, at most eight of them. So a step that touches few pieces makes few rows anew, and a state by
 * itself is no more than the root's row.
 */
function plant({ words, parts, pieces = parts, groups = [], symmetry }: Shape): Tree {
  const leaves = pieces.length;
  const under: number[][] = [];
  const node = (children: number[]): number => {
    if (children.length === 1) return children[0] as number;
    under.push(children);
    return leaves + under.length - 1;
  };
  /** A node over any number of them; `most`: how many may stand under one. */
  const over = (nodes: readonly number[], most: number): number => {
    let level = [...nodes];
    while (level.length > most)
      level = Array.from({ length: Math.ceil(level.length / most) }, (_, i) =>
        node(level.slice(i * most, (i + 1) * most)),
      );
    return node(level);
  };
  const rows: number[] = [];
  const partNodes: number[] = [];
  const made = (part: number): number => {
    const end = parts[part + 1] ?? words;
    const own = pieces.flatMap((at, i) => (at >= (parts[part] as number) && at < end ? [i] : []));
    const known = partNodes[part] ?? over(own, arity);
    partNodes[part] = known;
    return known;
  };
  // What corresponds in units of a class is numbered together, so that equal units have equal numbers wherever they stand.
  const classes = (symmetry?.classes ?? []).map((units) => {
    const grown = units.map((unit) => {
      const from = under.length;
      const top = over(unit.map(made), arity);
      const inner = Array.from({ length: under.length - from }, (_, i) => leaves + from + i);
      const outer = pieces.flatMap((at, i) =>
        unit.some((p) => at >= (parts[p] as number) && at < (parts[p + 1] ?? words)) ? [i] : [],
      );
      return { top, nodes: [...outer, ...inner] };
    });
    const [first] = grown;
    for (const { nodes } of grown)
      nodes.forEach((n, i) => {
        rows[n] = first?.nodes[i] as number;
      });
    return grown.map((g) => g.top);
  });
  const placed = new Set((symmetry?.classes ?? []).flat(2));
  const rest = (of: readonly number[]): number[] => {
    const left = of.filter((p) => !placed.has(p));
    for (const p of left) placed.add(p);
    return left;
  };
  const grouped = groups.map(rest).filter((g) => g.length > 0);
  const loose = rest(parts.map((_, p) => p));
  const branches = [...(loose.length > 0 ? [loose] : []), ...grouped].map((of) =>
    over(of.map(made), arity),
  );
  const shared = leaves + under.length;
  const tops = [...branches, ...classes.flat()];
  // Two numbers are all that a state keeps for itself; without groups there is nothing to be gained from two.
  if (tops.length > 1) over(tops, 2);
  const above = new Int32Array(leaves + under.length).fill(-1);
  under.forEach((children, i) => {
    for (const c of children) above[c] = leaves + i;
  });
  return {
    starts: Int32Array.of(...pieces, words),
    leaves,
    under: under.map((u) => Int32Array.from(u)),
    above,
    parts: partNodes,
    classes,
    shared: Math.min(shared, leaves + under.length - 1),
    rows: Int32Array.from(above, (_, n) => rows[n] ?? n),
  };
}

/**
 * States collapsed: each piece of a state is kept once, as is each node over pieces, and a state is the row of the
 * root. With one piece, or with pieces so small that numbers would save nothing, a state is its own row.
 */
export class Store {
  readonly #words: number;
  readonly #cuts: readonly number[];
  readonly #account: Account;
  readonly #heap: Heap;
  readonly #symmetry: Symmetry | undefined;
  readonly #states: Rows;
  /** Undefined where a state is its own row. */
  readonly tree: Tree | undefined;
  /** For each node but the root its rows. */
  readonly #rows: readonly Rows[];
  /** For each piece the part that it is of. */
  readonly #partOf: Int32Array;
  /** The nodes of the state that is put in or sought: those of the cursor that it came from, but for what has changed. */
  readonly #nodes: Int32Array;
  #near: Cursor | undefined;
  #nearIndex = -1;
  readonly #changed: number[] = [];
  /** Nodes under which something has changed. */
  readonly #stale: Uint8Array;
  readonly #row = new Int32Array(64);
  /** Every piece. */
  readonly #all: Int32Array;
  /** For each word the piece that it is of. */
  readonly #pieceOf: Int32Array;
  readonly #found: Touched;
  #paired: Pick<Cursor, 'words' | 'pairs'> | undefined;
  /** A piece as all units of its class have it. */
  readonly #image: Int32Array;
  #foreign = false;
  /** Per state the state that it was found from; -1: an initial one. */
  readonly #parents: Column;

  constructor(shape: Shape, account: Account, maxStates: number = Number.POSITIVE_INFINITY) {
    const { words, parts, pieces = parts, symmetry } = shape;
    const ascends = (starts: readonly number[]): boolean =>
      starts[0] === 0 && !starts.some((start, i) => start >= (starts[i + 1] ?? words));
    if (words < 1 || !ascends(parts)) {
      throw new Error(`parts must ascend from 0 and end before ${words}: ${parts.join(', ')}`);
    }
    if (!ascends(pieces) || parts.some((p) => !pieces.includes(p)))
      throw new Error('pieces must be parts, or pieces of them');
    this.#words = words;
    this.#cuts = pieces;
    this.#account = account;
    this.#heap = new Heap(account);
    this.#parents = new Column(account);
    this.#symmetry = symmetry;
    this.#image = new Int32Array(symmetry === undefined ? 0 : words);
    const limit = Math.min(maxStates, mostRows);
    const whole = pieces.length === 1 || (words <= 2 * pieces.length && symmetry === undefined);
    const tree = whole ? undefined : plant(shape);
    this.tree = tree;
    const nodes = tree?.above.length ?? 0;
    this.#nodes = new Int32Array(nodes).fill(-1);
    this.#stale = new Uint8Array(nodes);
    this.#all = Int32Array.from(pieces, (_, p) => p);
    this.#pieceOf = new Int32Array(words);
    pieces.forEach((from, p) => {
      this.#pieceOf.fill(p, from);
    });
    this.#found = { pieces: new Int32Array(pieces.length), count: 0 };
    this.#partOf = Int32Array.from(pieces, (at) => parts.findLastIndex((p) => p <= at));
    const rows: Rows[] = [];
    for (let n = 0; tree !== undefined && n < nodes - 1; n++) {
      const width =
        n < tree.leaves
          ? (tree.starts[n + 1] as number) - (tree.starts[n] as number)
          : (tree.under[n - tree.leaves] as Int32Array).length;
      rows[n] = rows[tree.rows[n] as number] ?? new Rows(width, this.#heap, mostRows);
    }
    this.#rows = rows;
    this.#states = new Rows(tree?.under.at(-1)?.length ?? words, this.#heap, limit);
  }

  get count(): number {
    return this.#states.length;
  }

  /** Bytes in use by everything on the account. */
  get bytes(): number {
    return this.#account.used;
  }

  /** Why the last insertion was refused. */
  get refusal(): 'states' | 'memory' | 'symmetry' {
    return this.#foreign ? 'symmetry' : this.#states.full ? 'states' : 'memory';
  }

  /** All that it has. */
  get lists(): readonly Growing[] {
    return [...new Set(this.#rows), this.#states, this.#parents];
  }

  /** For code that puts states here by itself; undefined where it would have to know what can change places. */
  get storage(): Storage | undefined {
    if (this.#symmetry !== undefined) return undefined;
    const tables = [...this.#rows, this.#states];
    return {
      starts: this.tree?.starts ?? Int32Array.of(...this.#cuts, this.#words),
      under: this.tree?.under ?? [],
      records: Int32Array.from(tables, (t) => t.record),
      room: (record) => tables.find((t) => t.record === record)?.room() === true,
      words: this.#heap.length,
      move: (memory, most) => this.#heap.move(memory, most),
    };
  }
  /** Takes the heap out of the memory that such code works on, where that cannot hold much more; whether it did. */
  outgrown(): boolean {
    // The most that is asked for at once: slots for twice as many states, with some for all other tables.
    const soon = 3 * this.#states.slots;
    return this.#heap.narrow(soon) && this.#heap.leave();
  }

  /** The next states that such code has put in, up to `count` in all, were found from `near`; there is room for that. */
  found(near: number, count: number): void {
    while (this.#parents.length < count) this.#parents.push(near);
  }
  /** Makes room for the parents of so many more states; false where it is refused. */
  room(states: number): boolean {
    return this.#parents.room(states);
  }

  /** The table of a node of the tree, or of all states. */
  table(node: number): Rows {
    return this.#rows[node] ?? this.#states;
  }
  /** For each state the one that it was found from. */
  get parents(): Int32Array {
    return this.#parents.since(0);
  }

  cursor(): Cursor {
    const words = new Int32Array(this.#words);
    return {
      index: -1,
      words,
      pairs: pairsOf(words),
      nodes: new Int32Array(this.#nodes.length).fill(-1),
    };
  }

  /** Takes the state `index` out into `cursor`. */
  load(cursor: Cursor, index: number): void {
    const { words, nodes } = cursor;
    cursor.index = index;
    const tree = this.tree;
    const rows = this.#heap.words;
    if (tree === undefined) {
      const at = this.#states.at(index);
      for (let i = 0; i < words.length; i++) words[i] = rows[at + i] as number;
      return;
    }
    const { leaves, under, starts } = tree;
    const differs = this.#stale;
    const root = nodes.length - 1;
    nodes[root] = index;
    differs[root] = 1;
    // A node stands behind all that are under it.
    for (let n = root; n >= leaves; n--) {
      if (differs[n] === 0) continue;
      differs[n] = 0;
      const children = under[n - leaves] as Int32Array;
      const at = (n === root ? this.#states : (this.#rows[n] as Rows)).at(nodes[n] as number);
      for (let i = 0; i < children.length; i++) {
        const child = children[i] as number;
        const number = rows[at + i] as number;
        if (number === (nodes[child] as number)) continue;
        nodes[child] = number;
        if (child >= leaves) {
          differs[child] = 1;
          continue;
        }
        const from = starts[child] as number;
        const end = starts[child + 1] as number;
        const shift = (this.#rows[child] as Rows).at(number) - from;
        for (let w = from; w < end; w++) words[w] = rows[shift + w] as number;
        this.#symmetry?.decode(this.#partOf[child] as number, words, from, end);
      }
    }
  }

  /** Writes the words of the state `index` into `into`. */
  read(index: number, into: Int32Array): void {
    const cursor = this.cursor();
    this.load(cursor, index);
    into.set(cursor.words);
  }

  /**
   * Number of `state`, new (then it is `count - 1`) or known, or `refused`. Pieces equal to those of `near`,
   * the state that it came from, are recognised without hashing; of those that are not `touched` that is known. A new
   * state is noted as found from `near`.
   */
  insert(state: Int32Array, near?: Cursor, touched?: Touched): number {
    const states = this.#states;
    const before = states.length;
    // First, so that no state is ever without its parent.
    if (!this.#parents.room(1)) return refused;
    const index = this.#numberOf(state, near, touched, true);
    if (index === before) this.#parents.push(near === undefined ? -1 : near.index);
    return index;
  }

  /** Number of `state`, or `refused` where it is not known. */
  find(state: Int32Array, near?: Cursor): number {
    return this.#numberOf(state, near, undefined, false);
  }

  parent(index: number): number {
    return this.#parents.at(index);
  }

  #numberOf(
    state: Int32Array,
    near: Cursor | undefined,
    touched: Touched | undefined,
    add: boolean,
  ): number {
    const states = this.#states;
    const tree = this.tree;
    if (tree === undefined) return add ? states.intern(state, 0) : states.find(state, 0);
    const nodes = this.#nodes;
    if (near === undefined) nodes.fill(-1);
    else if (near !== this.#near || near.index !== this.#nearIndex) nodes.set(near.nodes);
    this.#near = near;
    this.#nearIndex = near === undefined ? -1 : near.index;
    const root = nodes.length - 1;
    let number: number = refused;
    if (this.#pieces(tree, state, near, touched, add)) {
      if (near !== undefined && this.#changed.length === 0) return near.index;
      if (this.#inner(tree.leaves, tree.shared, add)) {
        this.#settle(tree);
        if (this.#inner(tree.shared, root, add)) {
          const row = this.#rowOf(root);
          number = add ? states.intern(row, 0) : states.find(row, 0);
        }
      }
    }
    this.#takeBack();
    return number;
  }

  /** Numbers the pieces that are not those of `near`. False where one is refused. */
  #pieces(
    { leaves, starts }: Tree,
    state: Int32Array,
    near: Cursor | undefined,
    touched: Touched | undefined,
    add: boolean,
  ): boolean {
    const symmetry = this.#symmetry;
    const image = this.#image;
    const { pieces, count } =
      touched ??
      (near === undefined ? { pieces: this.#all, count: leaves } : this.#differing(state, near));
    for (let i = 0; i < count; i++) {
      const p = pieces[i] as number;
      const from = starts[p] as number;
      const end = starts[p + 1] as number;
      if (near !== undefined && same(state, near.words, from, end)) continue;
      const rows = this.#rows[p] as Rows;
      let number: number;
      if (symmetry === undefined) {
        number = add ? rows.intern(state, from) : rows.find(state, from);
      } else {
        if (!symmetry.encode(this.#partOf[p] as number, state, image, from, end)) {
          this.#foreign = true;
          return false;
        }
        number = add ? rows.intern(image, 0) : rows.find(image, 0);
      }
      if (number < 0) return false;
      this.#put(p, number);
    }
    return true;
  }

  /** The pieces in which a state is not the one that it came from: one look at all words. */
  #differing(state: Int32Array, { words, pairs }: Cursor): Touched {
    const { starts } = this.tree as Tree;
    const found = this.#found;
    const pieceOf = this.#pieceOf;
    const { length } = words;
    const theirs = this.#pairs(state);
    const most = Math.min(pairs.length, theirs.length);
    let count = 0;
    for (let w = 0; ; ) {
      if ((w & 1) === 1 && (state[w] as number) === (words[w] as number)) w++;
      if ((w & 1) === 0) {
        let pair = w >> 1;
        while (pair < most && theirs[pair] === pairs[pair]) pair++;
        w = 2 * pair;
      }
      while (w < length && (state[w] as number) === (words[w] as number)) w++;
      if (w >= length) break;
      const p = pieceOf[w] as number;
      found.pieces[count++] = p;
      w = starts[p + 1] as number;
    }
    found.count = count;
    return found;
  }

  /** It is one state again and again that is put in. */
  #pairs(state: Int32Array): BigInt64Array {
    if (this.#paired?.words !== state) this.#paired = { words: state, pairs: pairsOf(state) };
    return this.#paired.pairs;
  }

  #put(node: number, number: number): void {
    if ((this.#nodes[node] as number) === number) return;
    this.#nodes[node] = number;
    this.#changed.push(node);
    this.#stale[(this.tree as Tree).above[node] as number] = 1;
  }

  /** Numbers the nodes from `from` up to `to` under which something has changed. False where one is refused. */
  #inner(from: number, to: number, add: boolean): boolean {
    for (let n = from; n < to; n++) {
      if (this.#stale[n] === 0) continue;
      const rows = this.#rows[n] as Rows;
      const row = this.#rowOf(n);
      const number = add ? rows.intern(row, 0) : rows.find(row, 0);
      if (number < 0) return false;
      this.#put(n, number);
    }
    return true;
  }

  #rowOf(node: number): Int32Array {
    const { leaves, under } = this.tree as Tree;
    const row = this.#row;
    const children = under[node - leaves] as Int32Array;
    for (let i = 0; i < children.length; i++) row[i] = this.#nodes[children[i] as number] as number;
    return row;
  }

  /** Puts the units of each class into the order of their numbers. */
  #settle({ classes }: Tree): void {
    const nodes = this.#nodes;
    for (const units of classes) {
      for (let i = 1; i < units.length; i++) {
        const unit = nodes[units[i] as number] as number;
        let k = i;
        for (; k > 0; k--) {
          const below = nodes[units[k - 1] as number] as number;
          if (below <= unit) break;
          this.#put(units[k] as number, below);
        }
        this.#put(units[k] as number, unit);
      }
    }
  }

  /** The nodes are those of the cursor again. */
  #takeBack(): void {
    const { above } = this.tree as Tree;
    const near = this.#near?.nodes;
    for (const node of this.#changed) {
      this.#nodes[node] = near === undefined ? -1 : (near[node] as number);
      this.#stale[above[node] as number] = 0;
    }
    this.#changed.length = 0;
  }
}
