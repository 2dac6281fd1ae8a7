// The worker: reads the text, searches its scenarios in slices, and answers what the page asks in between.

import { type Generator, quick } from '../compiler/generator/quick.ts';
import {
  type Compiled,
  carried,
  compile,
  fileReport,
  reductions,
  type Scenario,
  type ScenarioResult,
  Verdicts,
  Verification,
} from '../compiler/index.ts';
import type { Answer, Bounds, Question } from './protocol.ts';
import { alternativesAt, follow, outcomeOf } from './runs.ts';

/** Milliseconds between two looks at what the page wants. */
const slice = 12;
/** Milliseconds between two reports of progress. */
const beat = 250;

/** States that each check of a scenario may find in its first turn, before all scenarios have had theirs. */
const turn = 4000;
/** The same for the scenario that is looked at: its verdict is waited for. */
const firstTurn = 60_000;
/** States of a check before generated code is worth its making. */
const patience = 800;

/** A text being read and searched; a newer one takes its place. */
interface Work {
  readonly version: number;
  readonly name: string;
  readonly compiled: Compiled;
  readonly bounds: Bounds;
  /** Scenarios without a verdict, in the order in which they come. */
  readonly pending: number[];
  readonly results: (Done | undefined)[];
  /** The scenario that the user looks at. */
  wanted: number | undefined;
  stopped: boolean;
}
interface Done {
  readonly result: ScenarioResult;
  readonly seconds: readonly number[];
}

let work: Work | undefined;
let opening: Extract<Question, { kind: 'open' }> | undefined;
/** What the last texts' scenarios came out as. */
const known = new Verdicts<Done>();
/** The generator, or why there is none. */
let generator: Generator | string = 'the generator was not there yet';
let loading = false;
/** States that fit into a slice; found out by doing. */
let budget = 2000;

const say = (answer: Answer): void => self.postMessage(answer);
const broken = (error: unknown): void =>
  say({ kind: 'broken', message: String((error as Error).stack ?? error) });

/** Lets waiting messages in: a task of its own, which a timer would delay. */
const channel = new MessageChannel();
let resume: (() => void) | undefined;
channel.port1.onmessage = () => resume?.();
const breath = (): Promise<void> =>
  new Promise((resolve) => {
    resume = resolve;
    channel.port2.postMessage(undefined);
  });

self.onmessage = ({ data }: MessageEvent<Question>): void => {
  try {
    hear(data);
  } catch (error) {
    broken(error);
  }
};

function hear(question: Question): void {
  switch (question.kind) {
    case 'open':
      // What was asked of an older text is of no use any more. Of several that wait, the newest is read.
      work = undefined;
      if (!opening) setTimeout(open, 0);
      opening = question;
      return;
    case 'verify':
      if (work?.version !== question.version || work.pending.length > 0) return;
      void verify(work, question.first, question.anew);
      return;
    case 'prefer':
      if (work?.version === question.version) work.wanted = question.scenario;
      return;
    case 'stop':
      if (work) work.stopped = true;
      return;
    case 'alternatives':
      say({
        kind: 'alternatives',
        id: question.id,
        alternatives:
          work?.version === question.version
            ? alternativesAt(work.compiled, question.run, question.step)
            : [],
      });
      return;
    case 'follow':
      say({
        kind: 'followed',
        id: question.id,
        followed:
          work?.version === question.version
            ? follow(work.compiled, question.scenario, question.run)
            : {},
      });
      return;
    case 'service':
      void serve(question);
      return;
  }
}

/** An editor's questions: what answers them is loaded with the first. */
async function serve({ id, text, asked }: Extract<Question, { kind: 'service' }>): Promise<void> {
  // Where it does not load, the editor goes without; the next question tries again.
  const service = await import('./service.ts').catch(() => undefined);
  try {
    if (service) say({ kind: 'service', id, answer: service.answer(text, asked) });
  } catch (error) {
    broken(error);
  }
}

function open(): void {
  const question = opening;
  opening = undefined;
  if (!question) return;
  const { version, text, name, bounds } = question;
  const compiled = compile(text);
  work = {
    version,
    name,
    compiled,
    bounds,
    pending: [],
    results: [],
    wanted: undefined,
    stopped: false,
  };
  const source = compiled.file?.items.find((i) => i.kind === 'source');
  say({
    kind: 'opened',
    version,
    protocol: compiled.file?.name.text,
    source: source?.kind === 'source' ? source.text.text : undefined,
    diagnostics: compiled.diagnostics,
    scenarios: compiled.scenarios.map((s) => ({
      name: s.name,
      span: s.span,
      expected: s.expected,
      checks: s.checks.length,
    })),
  });
}

/**
 * First a turn for every scenario, so that what is small has its verdict soon; then the others one after the other.
 * In both rounds one that the user looks at goes first.
 */
async function verify(mine: Work, first: number | undefined, anew: boolean): Promise<void> {
  const all = mine.compiled.scenarios.map((_, i) => i);
  mine.pending.push(...all.filter((i) => i === first), ...all.filter((i) => i !== first));
  known.only(mine.compiled);
  const searches = new Searches(mine, anew);
  try {
    while (mine.pending.length > 0 && !mine.stopped) {
      const search = searches.next();
      if (search.advance()) {
        finish(mine, search);
        searches.drop(search);
      }
      await breath();
      if (work !== mine) return;
    }
    // Every one that was begun says how far it had got.
    for (const search of searches.begun.values()) {
      search.stop();
      finish(mine, search);
    }
    const results = mine.results.filter((r) => r !== undefined);
    say({
      kind: 'finished',
      version: mine.version,
      report: fileReport(mine.name, mine.compiled, results),
    });
  } catch (error) {
    broken(error);
  }
}

function finish(mine: Work, { index, scenario, kept, done }: Task): void {
  mine.pending.splice(mine.pending.indexOf(index), 1);
  const { result, seconds } = done();
  mine.results[index] = { result, seconds };
  if (result.checks.every((c) => c.result.bound !== 'stopped'))
    known.keep(mine.compiled, scenario, { result, seconds });
  say({
    kind: 'done',
    version: mine.version,
    scenario: index,
    outcome: { ...outcomeOf(mine.compiled, result, seconds), kept },
  });
}

/** A scenario on its way to a verdict. */
interface Task {
  readonly index: number;
  readonly scenario: Scenario;
  /** Whether its verdict is one that stood already. */
  readonly kept: boolean;
  /** Whether its first turn is over. */
  readonly turned: boolean;
  /** Whether it has come to its end. */
  advance(): boolean;
  stop(): void;
  done(): Done;
}

/** Those of one text, and whose turn it is. */
class Searches {
  /** Those that hold states and have no verdict yet. */
  readonly begun = new Map<number, Task>();
  private readonly mine: Work;
  readonly #anew: boolean;
  /** Those that hold more than a turn's states, the newest last. */
  readonly #deep: Task[] = [];
  /** Those whose first turn is not over. */
  #turns: readonly number[];
  readonly #first: number | undefined;

  constructor(mine: Work, anew: boolean) {
    this.mine = mine;
    this.#anew = anew;
    this.#turns = [...mine.pending];
    this.#first = mine.pending[0];
  }

  next(): Task {
    const { wanted, pending } = this.mine;
    this.#turns = this.#turns.filter((i) => pending.includes(i) && !this.begun.get(i)?.turned);
    const queue = this.#turns.length > 0 ? this.#turns : pending;
    const index =
      wanted !== undefined && queue.includes(wanted)
        ? wanted
        : (this.#deep.findLast((t) => queue.includes(t.index))?.index ?? (queue[0] as number));
    const task = this.begun.get(index) ?? this.#begin(index);
    this.begun.set(index, task);
    if (this.#turns.length === 0) this.#deepen(task);
    return task;
  }

  drop(task: Task): void {
    this.begun.delete(task.index);
    const at = this.#deep.indexOf(task);
    if (at >= 0) this.#deep.splice(at, 1);
  }

  /** One may wait with what it holds in memory; more begin anew when their turn comes. */
  #deepen(task: Task): void {
    if (this.#deep.at(-1) === task) return;
    const at = this.#deep.indexOf(task);
    if (at >= 0) this.#deep.splice(at, 1);
    this.#deep.push(task);
    const over = this.#deep.length > 2 ? this.#deep[0] : undefined;
    if (over) this.drop(over);
  }

  #begin(index: number): Task {
    const { mine } = this;
    const scenario = mine.compiled.scenarios[index];
    if (!scenario) throw new Error(`no scenario ${index}`);
    const found = this.#anew ? undefined : known.standing(mine.compiled, scenario);
    if (!found) {
      const looked = index === (mine.wanted ?? this.#first);
      return new Search(mine, index, scenario, looked ? firstTurn : turn);
    }
    return {
      index,
      scenario,
      kept: true,
      turned: true,
      advance: () => true,
      stop: () => {},
      done: () => ({ ...found, result: carried(found.result, mine.compiled, scenario) }),
    };
  }
}

/** One scenario being searched, a slice at a time. */
class Search implements Task {
  readonly index: number;
  readonly scenario: Scenario;
  readonly kept = false;
  turned = false;
  readonly #version: number;
  readonly #verification: Verification;
  /** Of each check. */
  readonly #seconds: number[];
  #told = performance.now();
  #violated = 0;
  private states = 0;
  private check = 0;
  /** States of a check with which its first turn ends. */
  readonly #turn: number;

  constructor(mine: Work, index: number, scenario: Scenario, most: number) {
    this.#turn = most;
    this.index = index;
    this.scenario = scenario;
    this.#version = mine.version;
    this.#verification = new Verification(mine.compiled, scenario, mine.bounds, {
      reducing: reductions,
      searching: (p, machine) => quick(p, machine, () => generator, patience),
    });
    this.#seconds = scenario.checks.map(() => 0);
  }

  readonly done = (): Done => ({ result: this.#verification.result(), seconds: this.#seconds });

  advance(): boolean {
    const { check } = this.#verification.progress();
    const from = performance.now();
    const { done } = this.#verification.advance(budget);
    const { states, violated } = this.#verification.progress();
    if (states > this.#turn) this.turned = true;
    // On its way before it is worth its use.
    if (states > patience / 2) load();
    const now = performance.now();
    const spent = now - from;
    this.#seconds[check] = (this.#seconds[check] ?? 0) + spent / 1000;
    if (spent > 0) budget = Math.min(20_000, Math.max(50, Math.round((budget * slice) / spent)));
    // A verdict is not kept back for its shortest run.
    const judged = violated.length > this.#violated;
    if ((judged || now - this.#told >= beat) && !done) this.#tell(now);
    this.#violated = violated.length;
    return done;
  }

  stop(): void {
    this.#verification.stop('stopped');
  }

  #tell(now: number): void {
    const p = this.#verification.progress();
    // A full search that takes over from a reduced one counts from the start, as the next check does.
    if (p.check !== this.check || p.states < this.states) this.states = 0;
    say({
      kind: 'running',
      version: this.#version,
      scenario: this.index,
      progress: {
        check: p.check,
        states: p.states,
        statesPerSecond: Math.round(((p.states - this.states) * 1000) / (now - this.#told)),
        depth: p.depth,
        queue: p.queue,
        bytes: p.bytes,
        seconds: this.#seconds.reduce((a, b) => a + b, 0),
        violated: p.violated,
      },
    });
    this.check = p.check;
    this.states = p.states;
    this.#told = now;
  }
}

/** Only a search that is not small needs it; what runs meanwhile is interpreted and goes over when it is there. */
function load(): void {
  if (loading) return;
  loading = true;
  import('../compiler/generator/engine.ts').then(
    (m) => {
      generator = m.generator;
    },
    () => {
      generator = 'the generator could not be loaded';
      loading = false;
    },
  );
}

say({ kind: 'ready' });
