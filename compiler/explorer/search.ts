// The search: every state breadth first, then the goals backward, then what a violation's run has to say.

import { Doom } from './doomed.ts';
import { Edges } from './edges.ts';
import type { Filing, Steps } from './filing.ts';
import { type Credit, type Ending, endingFrom, spreadGoals } from './goals.ts';
import { Account, Bytes, type Growing } from './memory.ts';
import type { Model, Unfolded } from './model.ts';
import { refused } from './rows.ts';
import { type Cursor, Store, type Touched } from './store.ts';

export interface Bounds {
  /** States that may be stored. */
  readonly maxStates?: number | undefined;
  /** Bytes that the search may hold at any moment. */
  readonly maxMemory?: number | undefined;
  /** Steps from an initial state; states that far are stored and not expanded. */
  readonly maxDepth?: number | undefined;
}

/** What a search is asked for, where that is less than all. */
export interface Aim {
  /**
   * Only the shortest runs that violate these properties; that there are such runs is known, each ends in a step, and
   * no other property is violated. The search ends with the last of them, and judges no goals.
   */
  readonly runsOf?: readonly string[];
  /** Nobody asks from where on a violation cannot be avoided. */
  readonly unexplained?: boolean;
}

export interface Progress {
  readonly states: number;
  readonly transitions: number;
  /** Steps to the farthest state found so far. */
  readonly depth: number;
  /** States found and not yet expanded. */
  readonly queue: number;
  /** Bytes held now. */
  readonly bytes: number;
  /** Properties that some run already violates. */
  readonly violated: readonly string[];
}

export interface Step {
  /** The model's code; it means something only in the state where it is enabled. */
  readonly action: number;
  readonly name: string;
}

/** A run from an initial state on. */
export interface Run {
  /** Index into what the model gave as its initial states. */
  readonly initial: number;
  readonly schedule: readonly Step[];
}

export interface Violation extends Run {
  readonly property: string;
  /** The goal that cannot be reached any more, where that is the violation. */
  readonly goal?: string;
  /** Index of the step that begins the loop, for a goal; the loop is the rest of the schedule. */
  readonly loopFrom?: number;
  /**
   * Set where the run ends in a state without a step that a goal may rely on. Without it and without a loop
   * there was no memory left to look for one, and the run ends where the goal is lost.
   */
  readonly deadlock?: true;
  /**
   * After this many steps every continuation ends in a violation of some property. 0: from the start on;
   * the number of steps: the last one alone decides.
   */
  readonly inevitableFrom: number | 'not known';
  /** Set where a shorter run may exist: a search that leaves steps out found it, and the full one did not come so far. */
  readonly perhapsLonger?: true;
}

export interface Witness {
  readonly name: string;
  /** A run that makes it true, of a full search a shortest one; absent if none was found. */
  readonly run?: Run;
}

export interface Result {
  /** `holds` only where every state was visited. */
  readonly verdict: 'holds' | 'violated' | 'unfinished';
  /**
   * What kept the search from visiting every state, the first of it: `states`, `memory`, `depth`, a reason
   * given to `stop`, or a bound of the model's own. A violation stands beside it.
   */
  readonly bound?: string;
  /** Whether every interleaving was taken, or only those that make a difference. */
  readonly search: 'full' | 'reduced';
  readonly states: number;
  readonly transitions: number;
  /** Steps to the farthest state. */
  readonly depth: number;
  /** The most bytes held at once. */
  readonly bytes: number;
  /** A shortest run for each violated property, in the order of the model's properties. */
  readonly violations: readonly Violation[];
  readonly witnesses: readonly Witness[];
}

/** What a search has found since it was saved before; plain data. */
export interface Saved {
  /** What has come to each of its lists. */
  readonly grown: readonly (Int32Array | Uint8Array)[];
  /** The numbers that it goes on with. */
  readonly figures: readonly number[];
  readonly bound: string | undefined;
  readonly violated: readonly (Found | undefined)[];
  readonly witnessed: readonly (Found | undefined)[];
  /** What the model has learnt until then. */
  readonly learnt?: readonly number[];
  /** Of a search that follows on others: what those have said. */
  readonly before?: readonly Result[];
}

/** Goes on as long as its owner wants; nothing in it looks at a clock. */
export interface Search {
  /** Expands up to `budget` states, or as many looks at a state in the later phases. */
  advance(budget: number): { readonly done: boolean };
  /** Ends the search for a reason of the caller's (`time`), which becomes the bound. */
  stop(reason: string): void;
  progress(): Progress;
  /**
   * What has been found since the last time, or since it began; undefined where there is nothing that a search of the
   * same model would not find again as soon. Such a search that has not begun and is given all of it, one after the
   * other, goes on from there.
   */
  save(): Saved | undefined;
  restore(saved: Saved): void;
  /** Only once it is done. */
  result(): Result;
  /** Only once it is done and nothing has cut it. */
  ground(): Ground;
}

/** What a search works on; for who reads it once it is done. */
export interface Ground {
  readonly model: Model;
  readonly store: Store;
  readonly edges: Edges;
}

export function createSearch(model: Model, bounds: Bounds = {}, aim: Aim = {}): Search {
  return new BreadthFirst(model, bounds, aim);
}

/** What was found at a transition: the state that it leaves, and the action. */
export interface Found {
  readonly state: number;
  readonly action: number;
}

/** A state from which a goal cannot be reached, and what follows. */
interface Trap {
  readonly state: number;
  readonly goal: string;
  readonly ending: Ending | undefined;
}

/** Steps of one state that are left to code. */
const mostSteps = 256;

class BreadthFirst implements Search {
  readonly #model: Model;
  readonly #account: Account;
  readonly #store: Store;
  readonly #maxDepth: number;
  /** The number of each different initial state in the store, and its index among the model's. */
  readonly #initial = new Map<number, number>();
  readonly #cursor: Cursor;
  #scratch: Int32Array;
  /** First word of each piece of a state, and the end of the last. */
  readonly #pieces: Int32Array;
  /** The pieces that the last step has touched. */
  readonly #touched: Touched = { pieces: new Int32Array(0), count: 0 };
  /** The model's marks, four in a word. */
  #marks: Int32Array = new Int32Array(0);
  #actions = new Int32Array(256);

  /** Code that works on the store, once there is any; null where there will be none. */
  #filing: Filing | undefined | null;
  /** States that the search knows of; it has put in more only in the middle of a step. */
  #found: number;
  /** Bits of the goals that are reached from the state that is expanded. */
  #reached = 0;
  /** Whether the next state is none for a sweep. */
  #alone = false;
  /** Bits of the goals that hold in each state of a sweep. */
  readonly #opened: number[] = [];
  #head = 0;
  #transitions = 0;
  /** Steps to the states now expanded, and where they end. */
  #level = 0;
  #levelEnd = 0;

  #violated: (Found | undefined)[];
  #witnessed: (Found | undefined)[];
  /** Bits of the witnesses not yet seen. */
  #unseen: number;
  /** Violations that are asked for and not yet found; without end where all are. */
  #missing: number;
  readonly #unexplained: boolean;

  /** One bit per goal; 0 where there is none, and then no step is kept. */
  readonly #allGoals: number;
  readonly #edges: Edges;
  /** Per expanded state the goals known to be reachable. */
  readonly #reach: Bytes;

  readonly #trapped: (Trap | undefined)[];
  readonly #inevitable: (number | undefined)[] = [];
  readonly #credit: Credit = { left: 0 };
  #conclusion: Generator<void, void> | undefined;
  #bound: string | undefined;
  /** All that grows, and how long each of it was when it was saved last. */
  readonly #lists: readonly Growing[];
  #savedAt: readonly number[];
  #phase: 'explore' | 'goals' | 'explain' | 'done' = 'explore';

  constructor(model: Model, bounds: Bounds, { runsOf, unexplained = false }: Aim) {
    if (model.goals.length > 8) throw new Error('a model has at most 8 goals');
    if (model.witnesses.length > 31) throw new Error('a model has at most 31 witnesses');
    this.#model = model;
    this.#account = new Account(bounds.maxMemory);
    this.#maxDepth = bounds.maxDepth ?? Number.POSITIVE_INFINITY;
    this.#store = new Store(model, this.#account, bounds.maxStates);
    this.#cursor = this.#store.cursor();
    this.#scratch = new Int32Array(model.words);
    this.#pieces = Int32Array.of(...(model.pieces ?? model.parts), model.words);
    this.#violated = model.properties.map(() => undefined);
    this.#trapped = model.properties.map(() => undefined);
    this.#witnessed = model.witnesses.map(() => undefined);
    this.#unseen = 2 ** model.witnesses.length - 1;
    this.#allGoals = runsOf === undefined ? 2 ** model.goals.length - 1 : 0;
    this.#missing = runsOf?.length ?? Number.POSITIVE_INFINITY;
    this.#unexplained = unexplained;
    this.#reach = new Bytes(this.#account);

    const initial = model.initial();
    if (initial.length === 0)
      throw new Error('a model without an initial state would hold of nothing');
    initial.forEach((state, i) => {
      if (this.#phase === 'done') return;
      const index = this.#store.insert(state);
      if (index === refused) this.#end(this.#store.refusal);
      else if (!this.#initial.has(index)) this.#initial.set(index, i);
    });
    this.#levelEnd = this.#store.count;
    this.#found = this.#store.count;
    this.#edges = new Edges(this.#store.count, this.#account);
    this.#lists = [...this.#store.lists, ...this.#edges.lists, this.#reach];
    this.#savedAt = this.#lists.map((list) => list.length);
  }

  save(): Saved | undefined {
    if (this.#phase !== 'explore') return undefined;
    const grown = this.#lists.map((list, i) => list.since(this.#savedAt[i] as number));
    this.#savedAt = this.#lists.map((list) => list.length);
    return {
      grown,
      figures: [
        this.#head,
        this.#transitions,
        this.#level,
        this.#levelEnd,
        this.#unseen,
        this.#missing,
        ...this.#edges.figures,
      ],
      bound: this.#bound,
      violated: this.#violated,
      witnessed: this.#witnessed,
      ...(this.#model.learnt === undefined ? {} : { learnt: this.#model.learnt }),
    };
  }

  restore({ grown, figures, bound, violated, witnessed, learnt }: Saved): void {
    if (
      grown.length !== this.#lists.length ||
      violated.length !== this.#violated.length ||
      learnt?.length !== this.#model.learnt?.length
    )
      throw new Error('what was saved is of another model');
    if (this.#phase === 'done') return;
    if (learnt !== undefined) this.#model.learnt = learnt;
    const all = this.#lists.every((list, i) => list.extend(grown[i] as Int32Array | Uint8Array));
    this.#savedAt = this.#lists.map((list) => list.length);
    const [head, transitions, level, levelEnd, unseen, missing, states, newest] = figures;
    this.#head = head as number;
    this.#transitions = transitions as number;
    this.#level = level as number;
    this.#levelEnd = levelEnd as number;
    this.#unseen = unseen as number;
    this.#missing = missing as number;
    this.#found = this.#store.count;
    this.#edges.figures = [states as number, newest as number];
    this.#bound = bound;
    this.#violated = [...violated];
    this.#witnessed = [...witnessed];
    if (all) return;
    // States are missing, and with them the runs to what was found.
    this.#violated = this.#violated.map(() => undefined);
    this.#witnessed = this.#witnessed.map(() => undefined);
    this.#end(this.#store.refusal);
  }

  advance(budget: number): { readonly done: boolean } {
    let left = budget;
    while (left > 0 && this.#phase === 'explore') {
      if (this.#head === this.#store.count || this.#missing === 0) {
        this.#conclude();
        left--;
      } else left -= this.#expandNext(left);
    }
    if (left > 0 && this.#conclusion !== undefined && this.#phase !== 'done') {
      this.#credit.left = left;
      if (this.#conclusion.next().done === true) this.#end(undefined);
    }
    return { done: this.#phase === 'done' };
  }

  stop(reason: string): void {
    // Once the goals are judged the verdict stands; only an explanation is cut off.
    if (this.#phase !== 'done') this.#end(this.#phase === 'explain' ? undefined : reason);
  }

  progress(): Progress {
    return {
      states: this.#store.count,
      transitions: this.#transitions,
      depth: this.#depth,
      queue: this.#store.count - this.#head,
      bytes: this.#account.used,
      violated: this.#model.properties.filter((_, i) => this.#violated[i] !== undefined),
    };
  }

  result(): Result {
    if (this.#phase !== 'done') throw new Error('the search is not done');
    const violations = this.#model.properties.flatMap((_, i) => this.#violation(i) ?? []);
    const complete = this.#bound === undefined;
    return {
      verdict: violations.length > 0 ? 'violated' : complete ? 'holds' : 'unfinished',
      ...(complete ? {} : { bound: this.#bound as string }),
      search: 'full',
      states: this.#store.count,
      transitions: this.#transitions,
      depth: this.#depth,
      bytes: this.#account.peak,
      violations,
      witnesses: this.#model.witnesses.map((name, i) => {
        const found = this.#witnessed[i];
        return found === undefined
          ? { name }
          : { name, run: this.#runTo(found.state, found.action) };
      }),
    };
  }

  ground(): Ground {
    if (this.#phase !== 'done' || this.#bound !== undefined)
      throw new Error('the search has not visited every state');
    return { model: this.#model, store: this.#store, edges: this.#edges };
  }

  get #depth(): number {
    return this.#level + (this.#store.count > this.#levelEnd ? 1 : 0);
  }

  /** Ends the search, by `bound` if nothing else has cut it before. */
  #end(bound: string | undefined): void {
    this.#bound ??= bound;
    this.#phase = 'done';
  }

  #enabledAt(words: Int32Array): number {
    const count = this.#model.enabled(words, this.#actions);
    if (count <= this.#actions.length) return count;
    // What did not fit was dropped by the typed array.
    this.#actions = new Int32Array(2 * count);
    return this.#model.enabled(words, this.#actions);
  }

  /** Expands states, `most` at most; how many. */
  #expandNext(most: number): number {
    const index = this.#head;
    if (index === this.#levelEnd) {
      this.#level++;
      this.#levelEnd = this.#store.count;
    }
    if (this.#filing === undefined) this.#filing = this.#file();
    else if (this.#filing !== null && this.#store.outgrown()) this.#filing = null;
    this.#workOn(this.#model.scratch);
    const steps = this.#level >= this.#maxDepth ? undefined : this.#filing?.steps;
    const swept = steps === undefined || this.#alone ? 0 : this.#sweep(steps, most);
    if (swept > 0 || this.#phase !== 'explore') return Math.max(1, swept);
    this.#alone = false;
    const bound = steps === undefined ? this.#expand(index) : this.#follow(index, steps);
    if (bound === undefined) this.#head++;
    else this.#end(bound);
    return 1;
  }

  /** Code of the model's that works on the store, where there is any by now. */
  #file(): Filing | undefined | null {
    const model = this.#model;
    if (model.filing === undefined) return null;
    // Whoever has it is at work there.
    if (model.scratch === undefined) return undefined;
    const { storage } = this.#store;
    return (storage && model.filing(storage)) ?? null;
  }

  /** Takes the steps of a state; answers with the bound that ends the search. */
  #expand(index: number): string | undefined {
    const model = this.#model;
    const filing = this.#filing;
    if (filing) filing.load(index);
    else this.#store.load(this.#cursor, index);
    const words = filing?.state ?? this.#cursor.words;
    const count = this.#enabledAt(words);
    if (this.#level >= this.#maxDepth && count > 0) return 'depth';
    // By now it may have one.
    this.#workOn(model.scratch);
    if (!this.#open(this.#goalsOf(words))) return 'memory';

    // `enabled` left the state there.
    model.touched?.fill(0);
    for (let i = 0; i < count; i++) {
      // A filing takes back what a step has touched.
      if (!filing) {
        if (model.touched === undefined) this.#scratch.set(words);
        else if (i > 0) this.#takeBack(words);
      }
      const bound = this.#take(index, this.#actions[i] as number);
      if (bound !== undefined) return bound;
    }
    return this.#close() ? undefined : 'memory';
  }

  /** Takes one step of the state at the cursor, or of the one that the filing is at. */
  #take(index: number, action: number): string | undefined {
    const model = this.#model;
    const store = this.#store;
    const filing = this.#filing;
    const answer = model.apply(this.#scratch, action);
    if (!filing && model.touched !== undefined) this.#list(model.touched);
    if (model.limit !== undefined) {
      // Nothing is known of what lies behind it. The search goes on: it may still find a violation.
      this.#bound ??= model.limit;
      filing?.revert();
      return undefined;
    }
    let next = -answer;
    if (answer !== 0) filing?.revert();
    else {
      if (filing) next = store.room(1) ? filing.insert() : refused;
      else next = store.insert(this.#scratch, this.#cursor, model.touched && this.#touched);
      if (next === refused) return store.refusal;
    }
    return this.#note(index, action, next, model.witnessed) ? undefined : 'memory';
  }

  /** Expands states by code that takes steps by itself, `most` at most and none of the next level; how many. */
  #sweep(steps: Steps, most: number): number {
    const store = this.#store;
    // No step leads to more than one state.
    if (!store.room(steps.most)) return 0;
    const { state } = this.#filing as Filing;
    const { counts, lengths } = steps;
    const model = this.#model;
    const reached = this.#opened;
    const opened = (nth: number): void => {
      reached[nth] = model.goalsOf(state);
    };
    const nothing = this.#allGoals === 0 && this.#unseen === 0;
    const from = this.#head;
    const end = Math.min(this.#levelEnd, from + Math.min(most, steps.most));
    const count = steps.sweep(from, end, this.#allGoals === 0 ? undefined : opened);
    this.#alone = steps.stuck();
    for (let nth = 0, step = 0; nth < count && this.#phase === 'explore'; nth++) {
      const first = step;
      step += counts[nth] as number;
      if (nothing && nth < count - 1) {
        // Nothing is to be noted of the steps but where new states come from.
        this.#transitions += step - first;
        this.#find(this.#head++, lengths[nth] as number);
        continue;
      }
      const all =
        this.#open(reached[nth] ?? 0) &&
        this.#notes(this.#head, steps, first, step) &&
        this.#close();
      if (all) this.#head++;
      else this.#end('memory');
    }
    return count;
  }

  /** As `#expand`, by code that takes steps by itself. */
  #follow(index: number, steps: Steps): string | undefined {
    const model = this.#model;
    // No step leads to more than one state. Where there is no room for so many, there may be for those that it has.
    if (!this.#store.room(mostSteps)) return this.#expand(index);
    let end = steps.take(index);
    const count = end < 0 ? 0 : steps.count();
    if (end < 0 || count > mostSteps) return this.#expand(index);
    const { state } = this.#filing as Filing;
    if (!this.#open(this.#goalsOf(state))) return 'memory';
    for (let step = 0; ; end = steps.goOn(step)) {
      if (!this.#notes(index, steps, 0, end - step)) return 'memory';
      step = end;
      if (step < count && steps.stuck()) {
        model.standsAt?.(state);
        const bound = this.#take(index, steps.enabled[step++] as number);
        if (bound !== undefined) return bound;
      }
      if (step === count) return this.#close() ? undefined : 'memory';
    }
  }

  /** Notes steps of a state that code has taken, from one on; false where memory is refused. */
  #notes(index: number, { found, witnessed, actions }: Steps, from: number, end: number): boolean {
    for (let i = from; i < end; i++) {
      const seen = this.#unseen === 0 ? 0 : (witnessed[i] as number);
      if (!this.#note(index, actions[i] as number, found[i] as number, seen)) return false;
    }
    return true;
  }

  #goalsOf(state: Int32Array): number {
    return this.#allGoals === 0 ? 0 : this.#model.goalsOf(state);
  }

  /** The steps of a state follow in which these goals hold; false where memory is refused. */
  #open(reached: number): boolean {
    if (this.#allGoals === 0) return true;
    this.#reached = reached;
    return this.#edges.begin();
  }

  /** Notes where a step leads to: a state, or -1 less a property that it violates; false where memory is refused. */
  #note(index: number, action: number, next: number, witnessed: number): boolean {
    const model = this.#model;
    const allGoals = this.#allGoals;
    this.#transitions++;
    if ((witnessed & this.#unseen) !== 0) this.#see(witnessed, index, action);
    if (next < 0) {
      this.#violate(index, action, ~next);
      if (allGoals !== 0 && !model.optional(action)) this.#reached = allGoals;
      return true;
    }
    const fresh = next === this.#found;
    if (fresh) this.#find(index, next + 1);
    if (allGoals === 0) return true;
    const reliable = !model.optional(action);
    return fresh ? this.#edges.found(reliable) : !reliable || this.#edges.again(next);
  }

  #violate(state: number, action: number, property: number): void {
    if (this.#violated[property] !== undefined) return;
    this.#violated[property] = { state, action };
    this.#missing--;
  }

  /** The states up to that number, if there are any new ones, were found from that state. */
  #find(from: number, count: number): void {
    if (count === this.#found) return;
    this.#found = count;
    this.#store.found(from, count);
  }

  /** All steps of a state are taken; false where memory is refused. */
  #close(): boolean {
    if (this.#allGoals === 0) return true;
    return this.#edges.close() && this.#reach.push(this.#reached);
  }

  /** Lets the steps work where the model wants them to. */
  #workOn(scratch: Int32Array | undefined): void {
    if (scratch === undefined || scratch === this.#scratch) return;
    const { touched } = this.#model;
    this.#scratch = scratch;
    this.#touched.pieces = new Int32Array(this.#pieces.length);
    // Where they stand at a whole word, four are looked at together.
    const { buffer, byteOffset, length } = touched ?? new Uint8Array(0);
    this.#marks = new Int32Array(buffer, byteOffset & ~3, byteOffset % 4 === 0 ? length >> 2 : 0);
  }

  /** Lists what the last step has touched, and clears the marks. */
  #list(touched: Uint8Array): void {
    const found = this.#touched;
    const { pieces } = found;
    const marks = this.#marks;
    let n = 0;
    for (let w = 0; w < marks.length; w++) {
      let bytes = marks[w] as number;
      if (bytes === 0) continue;
      marks[w] = 0;
      for (let p = 4 * w; bytes !== 0; p++, bytes >>>= 8) if ((bytes & 255) !== 0) pieces[n++] = p;
    }
    for (let p = 4 * marks.length; p < touched.length; p++) {
      if (touched[p] === 0) continue;
      touched[p] = 0;
      pieces[n++] = p;
    }
    found.count = n;
  }

  /** Makes what the last step has touched what it is at the cursor. */
  #takeBack(words: Int32Array): void {
    const scratch = this.#scratch;
    const starts = this.#pieces;
    const { pieces, count } = this.#touched;
    for (let i = 0; i < count; i++) {
      const p = pieces[i] as number;
      const end = starts[p + 1] as number;
      for (let w = starts[p] as number; w < end; w++) scratch[w] = words[w] as number;
    }
  }

  #see(bits: number, state: number, action: number): void {
    for (let i = 0; i < this.#witnessed.length; i++) {
      if ((bits & this.#unseen & (1 << i)) !== 0) {
        this.#witnessed[i] = { state, action };
      }
    }
    this.#unseen &= ~bits;
  }

  /** Every state that the bounds allow is expanded. */
  #conclude(): void {
    if (this.#bound !== undefined) {
      this.#end(undefined);
      return;
    }
    this.#phase = 'goals';
    this.#conclusion = this.#judge();
  }

  *#judge(): Generator<void, void> {
    if (this.#allGoals !== 0) {
      yield* spreadGoals(this.#edges, this.#reach, this.#allGoals, this.#credit);
      this.#findTraps();
    }
    this.#phase = 'explain';
    const found = [...this.#violated, ...this.#trapped].some((v) => v !== undefined);
    if (!found || this.#unexplained) return;
    const allGoals = this.#allGoals;
    const reach = this.#reach;
    const lost = (state: number) => allGoals !== 0 && reach.at(state) !== allGoals;
    // A search that ended early has not seen what follows: it is looked for now.
    const all = this.#head === this.#store.count;
    const doom = new Doom(this.#model, this.#store, this.#account, lost, all);
    try {
      for (let i = 0; i < this.#violated.length; i++) {
        const last = this.#violated[i] ?? this.#trapped[i];
        if (last === undefined) continue;
        const answer = yield* doom.firstOf(this.#wayTo(last.state), this.#credit);
        // Memory is refused: what is left of the question would spoil the next one.
        if (answer === undefined) return;
        this.#inevitable[i] = answer;
      }
    } finally {
      doom.free();
    }
  }

  /** The first state in breadth first order, so one of the nearest, that cannot reach a goal. */
  #findTraps(): void {
    const reach = this.#reach;
    this.#model.goals.forEach(({ name, property }, goal) => {
      if (this.#violated[property] !== undefined) return;
      let state = 0;
      while (state < reach.length && (reach.at(state) & (1 << goal)) !== 0) state++;
      const known = this.#trapped[property];
      if (state === reach.length || (known !== undefined && known.state <= state)) return;
      const flat = this.#edges.graph(this.#account);
      this.#trapped[property] = {
        state,
        goal: name,
        ending: flat && endingFrom(flat.graph, state, this.#account),
      };
      flat?.release();
    });
  }

  /** The states of the shortest run to `state`, both ends included. */
  #wayTo(state: number): number[] {
    const way: number[] = [];
    for (let s = state; s !== -1; s = this.#store.parent(s)) way.push(s);
    return way.reverse();
  }

  #runTo(state: number, action?: number): Run {
    const way = this.#wayTo(state);
    if (this.#model.unfolded !== undefined) return this.#unfold(this.#model.unfolded, way, action);
    const schedule = way
      .slice(1)
      .map((next, i) => this.#stepBetween(way[i] as number, next, false));
    if (action !== undefined) schedule.push(this.#step(state, action));
    return { initial: this.#initial.get(way[0] as number) as number, schedule };
  }

  /**
   * The run along a way of stored states, step by step. A stored state stands for others, so the run has states of
   * its own: each the successor that stands for the next of the way.
   */
  #unfold(unfolded: Unfolded, way: readonly number[], action: number | undefined): Run {
    const model = this.#model;
    const store = this.#store;
    const initial = this.#initial.get(way[0] as number) as number;
    const schedule: Step[] = [...unfolded.initial(initial)];
    let now = (model.initial()[initial] as Int32Array).slice();
    const next = new Int32Array(now.length);
    /** The first action of all that are enabled now that leads to what is wanted. */
    const follow = (wanted: (outcome: number) => boolean): void => {
      const count = this.#enabledAt(now);
      const actions = this.#actions;
      for (let i = 0; i < count; i++) {
        next.set(now);
        const outcome = unfolded.apply(next, actions[i] as number);
        if (model.limit !== undefined || !wanted(outcome)) continue;
        schedule.push(...unfolded.steps(now, actions[i] as number));
        now = next.slice();
        return;
      }
      throw new Error('the model does not repeat itself: a step is gone');
    };
    for (const state of way.slice(1))
      follow((outcome) => outcome === 0 && store.find(next) === state);
    if (action !== undefined) {
      // What the action did where it was found, it does here.
      store.load(this.#cursor, way[way.length - 1] as number);
      const found = this.#cursor.words.slice();
      this.#enabledAt(found);
      const outcome = unfolded.apply(found, action);
      const { witnessed } = model;
      follow((o) => o === outcome && model.witnessed === witnessed);
    }
    return { initial, schedule };
  }

  #step(state: number, action: number): Step {
    this.#store.load(this.#cursor, state);
    return { action, name: this.#model.actionName(this.#cursor.words, action) };
  }

  /** The first action that leads from `state` to `next`, of those on which a goal may rely or of all. */
  #stepBetween(state: number, next: number, reliable: boolean): Step {
    this.#store.load(this.#cursor, state);
    const count = this.#enabledAt(this.#cursor.words);
    for (let i = 0; i < count; i++) {
      const action = this.#actions[i] as number;
      if (reliable && this.#model.optional(action)) continue;
      this.#scratch.set(this.#cursor.words);
      if (this.#model.apply(this.#scratch, action) !== 0) continue;
      // Nothing is known of what lies behind a limit, even where it looks like a state that is known.
      if (this.#model.limit !== undefined) continue;
      if (this.#store.find(this.#scratch, this.#cursor) === next) return this.#step(state, action);
    }
    throw new Error('the model does not repeat itself: a step is gone');
  }

  #violation(property: number): Violation | undefined {
    const name = this.#model.properties[property] as string;
    const inevitableFrom = this.#inevitable[property] ?? 'not known';
    const found = this.#violated[property];
    if (found !== undefined) {
      return { property: name, ...this.#runTo(found.state, found.action), inevitableFrom };
    }
    const trap = this.#trapped[property];
    if (trap === undefined) return undefined;
    const { initial, schedule } = this.#runTo(trap.state);
    const { path = [], loop } = trap.ending ?? {};
    const along = (states: readonly number[]) =>
      states.slice(1).map((next, i) => this.#stepBetween(states[i] as number, next, true));
    const before = [...schedule, ...along(path)];
    return {
      property: name,
      goal: trap.goal,
      initial,
      schedule: loop === undefined ? before : [...before, ...along(loop)],
      ...(loop === undefined ? {} : { loopFrom: before.length }),
      ...(trap.ending !== undefined && loop === undefined ? { deadlock: true as const } : {}),
      inevitableFrom,
    };
  }
}
