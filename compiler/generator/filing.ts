// A store's insertion as WebAssembly: what `explorer/store.ts` and `explorer/rows.ts` do, for one shape of states.
//
// Two memories: that of the state, where a check's steps work, and the heap with the tables. For each inner node of the
// tree its row stands ready, a word for each node under it: of the state that it is at, and beside it that of the state
// that is put in, which is the same but where a step has changed something.

import { factors, record as field, mixers, type Storage, tableRows } from '../explorer/filing.ts';
import type { Word } from './code.ts';
import {
  add,
  both,
  eq,
  flip,
  isZero,
  join,
  k,
  left,
  less,
  mask,
  ne,
  right,
  sub,
  times,
  variable,
} from './code.ts';
import { outcomeOfLimit, unsaid } from './outcomes.ts';
import { type Body, Module } from './wasm.ts';

/** Steps that are taken before what they lead to is put in: looks at a large table then wait for memory side by side. */
export const batch = 128;
/** Rows from which on a table is no longer in the processor's caches. */
const large = 1 << 14;
/** What a step leads to is not known yet. */
const pending = 0x80000000 | 0;

/** Where things stand in the memory of the state, in bytes. */
interface Places {
  readonly near: number;
  readonly rows: number;
  readonly nearRows: number;
  readonly stale: number;
  readonly changed: number;
  readonly found: number;
  readonly witnessed: number;
  readonly actions: number;
  readonly counts: number;
  readonly lengths: number;
  readonly keys: number;
  readonly waiting: number;
}

/** What of a check's own code the insertion works with. */
export interface Own {
  /** Words of a state, which stand at byte 0. */
  readonly words: number;
  /** For each piece whether a step has written to it, a byte each; at a whole word. */
  readonly dirty: number;
  /** Codes of the actions that its `enabled` writes. */
  readonly out: number;
  /** From here on the memory is free. */
  readonly free: number;
  /** How many may act; 0 where steps are not to be taken. */
  readonly actors: number;
  readonly witnesses: boolean;
  /** Whether a violation may be something else to whoever takes the steps. */
  readonly waives: boolean;
}

export interface Filed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: Places;
  /** Bytes of the state's memory that it needs, from the start on. */
  readonly end: number;
}

interface Node {
  /** Words of its row. */
  readonly width: number;
  /** The record of its table, in bytes of the heap. */
  readonly record: number;
  /** Where the number of its row stands in the row above it, in bytes from `rows`. */
  readonly cell: number;
  /** The inner node above it, counted from the first. */
  readonly above: number;
}

const heap = (at: Word, offset = 0): Word => ({ kind: 'load', memory: 1, at, offset });
const own = (at: Word | number, offset = 0): Word =>
  typeof at === 'number'
    ? { kind: 'load', memory: 0, at: k(0), offset: at }
    : { kind: 'load', memory: 0, at, offset };
const unsigned = (w: Word, by: number): Word => mask(right(w, by), 2 ** (32 - by) - 1);
const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

const the = variable;
/** What all functions share; every other variable is a function's own. */
const shared = new Set(['total', 'current', 'changed', 'stuck', 'touch', 'violates']);
const local = (name: string): boolean => !shared.has(name);

/** The code for that storage. It imports `m.m` and `m.h`, its memories, `room`, and what takes steps. */
export function file(storage: Storage, o: Own): Filed {
  return new File(storage, o).whole();
}

class File {
  private readonly o: Own;
  private readonly m: Module;
  private readonly starts: Int32Array;
  private readonly under: Storage['under'];
  private readonly leaves: number;
  private readonly nodes: readonly Node[];
  private readonly root: Node;
  /** For each inner node where its row begins, in bytes from `rows`. */
  private readonly firsts: readonly number[];
  private readonly at: Places;
  private readonly end: number;
  /** From a row that stands ready to that of the state that it is at. */
  private readonly toNear: number;

  constructor({ starts, under, records }: Storage, o: Own) {
    this.o = o;
    this.starts = starts;
    this.under = under;
    this.leaves = starts.length - 1;
    const cells = new Map<number, { cell: number; above: number }>();
    let cell = 0;
    const firsts = under.map((children, n) => {
      const first = cell;
      for (const child of children) {
        cells.set(child, { cell, above: n });
        cell += 4;
      }
      return first;
    });
    const whole = under.length === 0;
    this.nodes = Array.from(records, (record, n) => ({
      record: 4 * record,
      width: whole
        ? o.words
        : n < this.leaves
          ? this.widthOf(n)
          : (under[n - this.leaves] as Int32Array).length,
      ...(cells.get(n) ?? { cell: -1, above: -1 }),
    }));
    this.root = this.nodes.at(-1) as Node;
    this.firsts = firsts;
    let at = (o.free + 7) & ~7;
    const place = (words: number): number => {
      at += 4 * words;
      return at - 4 * words;
    };
    this.at = {
      near: place(o.words),
      rows: place(cell / 4),
      nearRows: place(cell / 4),
      stale: place(under.length),
      changed: place(cell / 4 + 1),
      found: place(batch),
      witnessed: place(batch),
      actions: place(batch),
      counts: place(batch),
      lengths: place(batch),
      keys: place(batch),
      waiting: place(batch * this.root.width),
    };
    this.end = at;
    this.toNear = this.at.nearRows - this.at.rows;
    this.m = new Module({ kept: 0, partOf: 0, dirty: 0, executed: 0, part: () => 0 }, ['m', 'h']);
  }

  private widthOf(piece: number): number {
    return (this.starts[piece + 1] as number) - (this.starts[piece] as number);
  }
  /** Whether a state is its own row. */
  private get flat(): boolean {
    return this.under.length === 0;
  }

  whole(): Filed {
    const { m, o, nodes } = this;
    m.import('room', 1);
    if (o.actors > 0) {
      m.import('enabled', 2);
      m.import('apply', 1);
      m.import('witnessed', 0);
      m.import('opened', 1);
    }
    for (const name of shared) m.global(name);
    for (const width of new Set(nodes.map((n) => n.width))) this.intern(width);
    for (const width of new Set(indices(this.leaves).map((p) => this.widthOf(p)))) {
      this.back(width);
      if (this.flat) continue;
      this.piece(width);
      this.leaf(width);
    }
    this.load();
    this.revert();
    this.gather();
    this.insert();
    if (o.actors > 0) this.steps();
    return { bytes: m.bytes(), places: this.at, end: this.end };
  }

  private function(name: string, params: readonly string[], write: (f: Body) => void): void {
    this.m.add(name, params, local, write, true);
  }

  /** Byte of the heap at which a row stands. */
  private rowAt(record: Word, row: Word, width: number): Word {
    const directory = left(heap(record, 4 * field.directory), 2);
    return left(
      add(
        heap(add(directory, left(unsigned(row, tableRows.bits), 2))),
        times(mask(row, tableRows.mask), width),
      ),
      2,
    );
  }

  /** The hash of the row at a byte of the state's memory, into `key`. */
  private hash(f: Body, source: Word, width: number): void {
    f.assign('key', k(width));
    for (let i = 0; i < width; i += 8)
      f.assign(
        'key',
        indices(Math.min(8, width - i)).reduce(
          (sum, j) =>
            add(
              sum,
              times(own(source, 4 * (i + j)), factors[(i + j) & (factors.length - 1)] as number),
            ),
          the('key'),
        ),
      );
    mixers.forEach((by, i) => {
      const key = the('key');
      f.assign('key', i % 2 === 0 ? flip(key, unsigned(key, by)) : times(key, by));
    });
  }

  /** Does `yes` where rows agree word by word; `words`: the i-th of both. */
  private same(
    f: Body,
    width: number,
    words: (i: number) => readonly [Word, Word],
    yes: () => void,
  ): void {
    const from = (i: number): void => {
      if (i >= width) {
        yes();
        return;
      }
      const differs = indices(Math.min(4, width - i)).reduce<Word>((all, j) => {
        const [a, b] = words(i + j);
        return join(all, flip(a, b));
      }, k(0));
      f.when(isZero(differs), () => from(i + 4));
    };
    from(0);
  }

  /** The number of a row, new or known; -1 where a new one is refused. */
  private intern(width: number): void {
    this.function(`intern${width}`, ['record', 'source', 'key'], (f) => {
      const record = the('record');
      const source = the('source');
      const rowIs = (): Word => this.rowAt(record, the('row'), width);
      f.while(k(1), () => {
        f.assign('slots', left(heap(record, 4 * field.slots), 2));
        f.assign('size', heap(record, 4 * field.mask));
        f.assign('slot', mask(the('key'), the('size')));
        const look = (): void => f.assign('entry', heap(add(the('slots'), left(the('slot'), 2))));
        look();
        f.while(the('entry'), () => {
          const outside = flip(the('size'), -1);
          f.when(isZero(mask(flip(the('entry'), the('key')), outside)), () => {
            f.assign('row', sub(mask(the('entry'), the('size')), 1));
            f.assign('at', rowIs());
            this.same(
              f,
              width,
              (i) => [heap(the('at'), 4 * i), own(source, 4 * i)],
              () => {
                f.value(the('row'));
                f.giveBack();
              },
            );
          });
          f.assign('slot', mask(add(the('slot'), 1), the('size')));
          look();
        });
        f.assign('row', heap(record, 4 * field.length));
        f.when(less(the('row'), heap(record, 4 * field.most)), () => {
          f.assign('at', rowIs());
          for (let i = 0; i < width; i++) f.storeAt(the('at'), own(source, 4 * i), 1, 4 * i);
          f.storeAt(
            add(the('slots'), left(the('slot'), 2)),
            join(mask(the('key'), flip(the('size'), -1)), add(the('row'), 1)),
            1,
          );
          f.storeAt(record, add(the('row'), 1), 1, 4 * field.length);
          f.value(the('row'));
          f.giveBack();
        });
        f.callFor('refused', 'room', unsigned(record, 2));
        f.when(isZero(the('refused')), () => f.return(-1));
      });
      f.constant(-1);
    });
  }

  /** Puts a number into a row that stands ready, and notes that it has changed. */
  private put(f: Body, cell: Word, number: Word, above: Word): void {
    const { at } = this;
    f.when(ne(own(cell), number), () => {
      f.storeAt(cell, number);
      f.storeAt(add(left(the('changed'), 2), at.changed), cell);
      f.assign('changed', add(the('changed'), 1));
      f.storeAt(above, k(1));
    });
  }

  /** Numbers a piece that a step has written to, and makes it what it was; 1 where it is refused. */
  private piece(width: number): void {
    const { near } = this.at;
    this.function(`piece${width}`, ['record', 'source', 'cell', 'above'], (f) => {
      const source = the('source');
      this.same(
        f,
        width,
        (i) => [own(source, 4 * i), own(source, near + 4 * i)],
        () => f.return(0),
      );
      this.hash(f, source, width);
      f.callFor('number', `intern${width}`, the('record'), source, the('key'));
      f.when(eq(the('number'), -1), () => f.return(1));
      f.value(source);
      f.run(`back${width}`);
      this.put(f, the('cell'), the('number'), the('above'));
      f.constant(0);
    });
  }

  /** Makes a piece what it is in the state that it is at. */
  private back(width: number): void {
    const { near } = this.at;
    this.function(`back${width}`, ['source'], (f) => {
      const source = the('source');
      for (let i = 0; i < width; i++) f.storeAt(source, own(source, near + 4 * i), 0, 4 * i);
      f.constant(0);
    });
  }

  /** Takes a piece out into the state. */
  private leaf(width: number): void {
    const { near } = this.at;
    this.function(`leaf${width}`, ['record', 'row', 'source'], (f) => {
      f.assign('at', this.rowAt(the('record'), the('row'), width));
      for (let i = 0; i < width; i++) {
        const word = heap(the('at'), 4 * i);
        f.storeAt(the('source'), word, 0, 4 * i);
        f.storeAt(the('source'), word, 0, near + 4 * i);
      }
      f.constant(0);
    });
  }

  /** Makes a state the one that it is at. */
  private load(): void {
    const { at, leaves, nodes, root, starts, under, o } = this;
    this.function('load', ['index'], (f) => {
      f.assign('current', the('index'));
      f.assign('at', this.rowAt(k(root.record), the('index'), root.width));
      if (this.flat) {
        for (let i = 0; i < o.words; i++) {
          f.storeAt(k(0), heap(the('at'), 4 * i), 0, 4 * i);
          f.storeAt(k(0), heap(the('at'), 4 * i), 0, at.near + 4 * i);
        }
        f.constant(0);
        return;
      }
      const open = (n: number): void => {
        (under[n] as Int32Array).forEach((child, i) => {
          const node = nodes[child] as Node;
          const cell = k(at.rows + node.cell);
          f.assign('row', heap(the('at'), 4 * i));
          f.when(ne(the('row'), own(at.rows + node.cell)), () => {
            f.storeAt(cell, the('row'));
            f.storeAt(cell, the('row'), 0, this.toNear);
            if (child >= leaves) f.storeAt(k(at.stale + 4 * (child - leaves)), k(1));
            else {
              const source = k(4 * (starts[child] as number));
              f.callFor('refused', `leaf${node.width}`, k(node.record), the('row'), source);
            }
          });
        });
      };
      open(under.length - 1);
      for (let n = under.length - 2; n >= 0; n--) {
        const node = nodes[leaves + n] as Node;
        f.when(own(at.stale + 4 * n), () => {
          f.storeAt(k(at.stale + 4 * n), k(0));
          f.assign('at', this.rowAt(k(node.record), own(at.rows + node.cell), node.width));
          open(n);
        });
      }
      f.constant(0);
    });
  }

  /** For each piece that a step has written to; none is marked any more when `write` runs. */
  private eachDirty(f: Body, write: (piece: number) => void): void {
    const { o, starts } = this;
    const pieces = starts.length - 1;
    for (let from = 0; from < pieces; from += 4) {
      const count = Math.min(4, pieces - from);
      // What lies behind the last mark is another's.
      const marks = count === 4 ? -1 : 2 ** (8 * count) - 1;
      f.assign('w', own(o.dirty + from));
      f.when(mask(the('w'), marks), () => {
        f.storeAt(k(o.dirty + from), mask(the('w'), ~marks));
        for (let i = 0; i < count; i++)
          f.when(mask(the('w'), 255 << (8 * i)), () => write(from + i));
      });
    }
  }

  /** `revert` makes the state in work what it is at; `takeBack` the rows that stand ready. */
  private revert(): void {
    const { at, starts, under, o } = this;
    this.function('revert', [], (f) => {
      this.eachDirty(f, (p) => {
        f.value(k(4 * (starts[p] as number)));
        f.run(`back${this.widthOf(p)}`);
      });
      f.constant(0);
    });
    this.function('takeBack', [], (f) => {
      f.while(the('changed'), () => {
        f.assign('changed', sub(the('changed'), 1));
        f.assign('cell', own(add(left(the('changed'), 2), at.changed)));
        f.storeAt(the('cell'), own(the('cell'), this.toNear));
      });
      f.constant(0);
    });
    if (this.flat) return;
    // Where a row was refused, any piece may be as a step has left it; none is marked any more.
    this.function('giveUp', [], (f) => {
      f.assign('at', k(0));
      f.while(less(the('at'), 4 * o.words), () => {
        f.storeAt(the('at'), own(the('at'), at.near));
        f.assign('at', add(the('at'), 4));
      });
      for (let n = 0; n < under.length; n++) f.storeAt(k(at.stale + 4 * n), k(0));
      f.run('takeBack');
      f.constant(1);
    });
  }

  /** Makes the root's row ready for the state in work, which is then the one that it is at again; 1 where it is refused. */
  private gather(): void {
    const { at, leaves, nodes, starts, under, firsts } = this;
    this.function('gather', [], (f) => {
      f.assign('changed', k(0));
      if (this.flat) {
        f.constant(0);
        return;
      }
      const refuse = (): void => {
        f.call('giveUp');
        f.giveBack();
      };
      f.assign('refused', k(0));
      this.eachDirty(f, (p) => {
        const { width, record, cell, above } = nodes[p] as Node;
        f.when(isZero(the('refused')), () =>
          f.callFor(
            'refused',
            `piece${width}`,
            k(record),
            k(4 * (starts[p] as number)),
            k(at.rows + cell),
            k(at.stale + 4 * above),
          ),
        );
      });
      f.when(the('refused'), refuse);
      f.when(isZero(the('changed')), () => f.return(0));
      for (let n = 0; n < under.length - 1; n++) {
        const { width, record, cell, above } = nodes[leaves + n] as Node;
        f.when(both(isZero(the('refused')), own(at.stale + 4 * n)), () => {
          f.storeAt(k(at.stale + 4 * n), k(0));
          const source = k(at.rows + (firsts[n] as number));
          this.hash(f, source, width);
          f.callFor('number', `intern${width}`, k(record), source, the('key'));
          f.when(eq(the('number'), -1), () => f.assign('refused', k(1)));
          f.when(isZero(the('refused')), () =>
            this.put(f, k(at.rows + cell), the('number'), k(at.stale + 4 * above)),
          );
        });
      }
      f.storeAt(k(at.stale + 4 * (under.length - 1)), k(0));
      f.when(the('refused'), refuse);
      f.constant(0);
    });
  }

  /** Where the root's row stands ready. */
  private get ready(): number {
    return this.flat ? 0 : this.at.rows + (this.firsts.at(-1) as number);
  }

  private insert(): void {
    const { root } = this;
    this.function('insert', [], (f) => {
      f.callFor('refused', 'gather');
      f.when(the('refused'), () => f.return(-1));
      if (!this.flat)
        f.when(isZero(the('changed')), () => {
          f.value(the('current'));
          f.giveBack();
        });
      this.hash(f, k(this.ready), root.width);
      f.callFor('number', `intern${root.width}`, k(root.record), k(this.ready), the('key'));
      f.run(this.flat ? 'revert' : 'takeBack');
      f.value(the('number'));
    });
  }

  private steps(): void {
    const { at, o, root } = this;
    const word = (place: number, i = the('i')): Word => add(left(i, 2), place);
    const code = (): Word => own(left(the('step'), 2), o.out);
    // Takes a step, the i-th of those that wait to be put in; 1 where it cannot say what that leads to.
    this.function('attempt', ['action', 'i'], (f) => {
      f.callFor('outcome', 'apply', the('action'));
      f.storeAt(word(at.actions), the('action'));
      if (o.witnesses) {
        f.callFor('number', 'witnessed');
        f.storeAt(word(at.witnessed), the('number'));
      }
      f.when(the('outcome'), () => {
        f.run('revert');
        const says = both(less(0, the('outcome')), less(the('outcome'), outcomeOfLimit));
        f.when(isZero(o.waives ? k(0) : says), () => f.return(1));
        f.storeAt(word(at.found), sub(0, the('outcome')));
        f.assign('violates', k(1));
        f.return(0);
      });
      f.callFor('refused', 'gather');
      f.when(the('refused'), () => f.return(1));
      if (!this.flat)
        f.when(isZero(the('changed')), () => {
          f.storeAt(word(at.found), the('current'));
          f.return(0);
        });
      this.hash(f, k(this.ready), root.width);
      f.storeAt(word(at.keys), the('key'));
      f.assign('at', add(times(the('i'), 4 * root.width), at.waiting));
      for (let i = 0; i < root.width; i++) f.storeAt(the('at'), own(this.ready + 4 * i), 0, 4 * i);
      f.storeAt(word(at.found), k(pending));
      f.run(this.flat ? 'revert' : 'takeBack');
      f.constant(0);
    });
    const isPending = eq(own(word(at.found)), pending);
    const eachPending = (f: Body, from: Word, body: () => void): void => {
      f.assign('i', from);
      f.while(less(the('i'), the('end')), () => {
        f.when(isPending, body);
        f.assign('i', add(the('i'), 1));
      });
    };
    const record = k(root.record);
    // Looks at what the steps before `end` will look at. No load waits for another here, so that the processor has many
    // under way at once.
    this.function('touch', ['end'], (f) => {
      const entry = heap(add(the('slots'), left(mask(own(word(at.keys)), the('size')), 2)));
      f.when(less(large, heap(record, 4 * field.length)), () => {
        f.assign('slots', left(heap(record, 4 * field.slots), 2));
        f.assign('size', heap(record, 4 * field.mask));
        eachPending(f, k(0), () => f.assign('touch', flip(the('touch'), entry)));
        eachPending(f, k(0), () => {
          f.assign('entry', entry);
          f.when(the('entry'), () => {
            f.assign('row', sub(mask(the('entry'), the('size')), 1));
            f.assign('touch', flip(the('touch'), heap(this.rowAt(record, the('row'), root.width))));
          });
        });
      });
      f.constant(0);
    });
    // Puts in what the steps from `from` up to `end` lead to; the first that finds no room, or `end`.
    this.function('settle', ['from', 'end'], (f) => {
      eachPending(f, the('from'), () => {
        f.callFor(
          'number',
          `intern${root.width}`,
          record,
          add(times(the('i'), 4 * root.width), at.waiting),
          own(word(at.keys)),
        );
        f.when(eq(the('number'), -1), () => {
          f.value(the('i'));
          f.giveBack();
        });
        f.storeAt(word(at.found), the('number'));
      });
      f.value(the('end'));
    });
    this.function('goOn', ['first'], (f) => {
      f.assign('stuck', k(0));
      f.assign('until', add(the('first'), batch));
      f.when(less(the('total'), the('until')), () => f.assign('until', the('total')));
      f.assign('step', the('first'));
      f.while(both(isZero(the('stuck')), less(the('step'), the('until'))), () => {
        f.callFor('stuck', 'attempt', code(), sub(the('step'), the('first')));
        f.when(isZero(the('stuck')), () => f.assign('step', add(the('step'), 1)));
      });
      f.assign('last', sub(the('step'), the('first')));
      f.callFor('done', 'touch', the('last'));
      f.callFor('done', 'settle', k(0), the('last'));
      f.when(less(the('done'), the('last')), () => f.assign('stuck', k(1)));
      f.value(add(the('first'), the('done')));
    });
    /** Loads a state and asks for its steps; what to do where it cannot say which. */
    const begin = (f: Body, index: Word, unknown: () => void): void => {
      f.callFor('refused', 'load', index);
      f.assign('total', k(0));
      for (let actor = 0; actor < o.actors; actor++) {
        const next = (): void => f.callFor('total', 'enabled', k(actor), the('total'));
        if (actor === 0) next();
        else f.when(ne(the('total'), unsaid), next);
      }
      f.when(eq(the('total'), unsaid), unknown);
    };
    this.function('take', ['index'], (f) => {
      f.assign('stuck', k(0));
      begin(f, the('index'), () => f.return(-1));
      f.callFor('step', 'goOn', k(0));
      f.value(the('step'));
    });
    // States in a row, until one of them has too many steps, or one that it cannot say all of, or a violation: what they
    // lead to is put in together. How many states.
    this.function('sweep', ['index', 'end', 'opens'], (f) => {
      const nth = (): Word => sub(the('next'), the('index'));
      const stop = (): void => f.assign('goes', k(0));
      const stick = (): void => {
        f.assign('stuck', k(1));
        stop();
      };
      f.assign('stuck', k(0));
      f.assign('violates', k(0));
      f.assign('goes', k(1));
      f.assign('next', the('index'));
      f.assign('i', k(0));
      f.while(both(the('goes'), less(the('next'), the('end'))), () => {
        begin(f, the('next'), stick);
        f.when(less(sub(batch, the('i')), the('total')), stop);
        f.when(less(batch, the('total')), stick);
        f.when(the('goes'), () => {
          f.when(the('opens'), () => f.callFor('refused', 'opened', nth()));
          f.storeAt(word(at.counts, nth()), the('total'));
          f.assign('from', the('i'));
          f.assign('step', k(0));
          f.while(both(the('goes'), less(the('step'), the('total'))), () => {
            f.callFor('refused', 'attempt', code(), the('i'));
            f.when(
              the('refused'),
              () => {
                f.assign('i', the('from'));
                stick();
              },
              () => {
                f.assign('i', add(the('i'), 1));
                f.assign('step', add(the('step'), 1));
              },
            );
          });
          f.when(the('goes'), () => f.assign('next', add(the('next'), 1)));
          f.when(the('violates'), stop);
        });
      });
      f.callFor('done', 'touch', the('i'));
      f.assign('end', the('next'));
      f.assign('next', the('index'));
      f.assign('from', k(0));
      f.while(less(the('next'), the('end')), () => {
        f.assign('to', add(the('from'), own(word(at.counts, nth()))));
        f.callFor('done', 'settle', the('from'), the('to'));
        f.when(less(the('done'), the('to')), () => {
          f.assign('stuck', k(1));
          f.value(nth());
          f.giveBack();
        });
        f.storeAt(word(at.lengths, nth()), heap(record, 4 * field.length));
        f.assign('from', the('to'));
        f.assign('next', add(the('next'), 1));
      });
      f.value(nth());
    });
    for (const name of ['total', 'stuck'])
      this.function(name === 'total' ? 'count' : name, [], (f) => f.value(the(name)));
  }
}
