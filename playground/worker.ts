// The worker: reads the text, searches its scenarios in slices, and answers what the page asks in between.

import {
  type Compiled,
  compile,
  fileReport,
  reduced,
  type ScenarioResult,
  Verification,
} from '../compiler/index.ts';
import type { Answer, Bounds, Question } from './protocol.ts';
import { alternativesAt, follow, outcomeOf } from './runs.ts';
import { answer } from './service.ts';

/** Milliseconds between two looks at what the page wants. */
const slice = 12;
/** Milliseconds between two reports of progress. */
const beat = 250;

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
/** States that fit into a slice; found out by doing. */
let budget = 2000;

const say = (answer: Answer): void => self.postMessage(answer);

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
    say({ kind: 'broken', message: String((error as Error).stack ?? error) });
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
      void verify(work, question.first);
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
      say({ kind: 'service', id: question.id, answer: answer(question.text, question.asked) });
      return;
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

/** Scenario after scenario; one that the user looks at goes first, and what ran until then waits. */
async function verify(mine: Work, first: number | undefined): Promise<void> {
  const all = mine.compiled.scenarios.map((_, i) => i);
  mine.pending.push(...all.filter((i) => i === first), ...all.filter((i) => i !== first));
  let now: Search | undefined;
  let held: Search | undefined;
  try {
    while (mine.pending.length > 0 && !mine.stopped) {
      const { wanted, pending } = mine;
      const next =
        wanted !== undefined && pending.includes(wanted)
          ? wanted
          : (now?.index ?? held?.index ?? (pending[0] as number));
      if (now?.index !== next) {
        const back: Search | undefined = held?.index === next ? held : undefined;
        // One may wait with what it holds in memory; more begin anew when their turn comes.
        if (now && (!held || back)) held = now;
        else if (back) held = undefined;
        now = back ?? new Search(mine, next);
      }
      if (now.advance()) {
        finish(mine, now);
        now = undefined;
      }
      await breath();
      if (work !== mine) return;
    }
    if (now) {
      now.stop();
      finish(mine, now);
    }
    const results = mine.results.filter((r) => r !== undefined);
    say({
      kind: 'finished',
      version: mine.version,
      report: fileReport(mine.name, mine.compiled, results),
    });
  } catch (error) {
    say({ kind: 'broken', message: String((error as Error).stack ?? error) });
  }
}

function finish(mine: Work, { index, done }: Search): void {
  mine.pending.splice(mine.pending.indexOf(index), 1);
  const { result, seconds } = done();
  mine.results[index] = { result, seconds };
  say({
    kind: 'done',
    version: mine.version,
    scenario: index,
    outcome: outcomeOf(mine.compiled, result, seconds),
  });
}

/** One scenario being searched, a slice at a time. */
class Search {
  readonly index: number;
  private readonly version: number;
  private readonly verification: Verification;
  /** Of each check. */
  private readonly seconds: number[];
  private told = performance.now();
  private states = 0;
  private check = 0;

  constructor(mine: Work, index: number) {
    const scenario = mine.compiled.scenarios[index];
    if (!scenario) throw new Error(`no scenario ${index}`);
    this.index = index;
    this.version = mine.version;
    this.verification = new Verification(mine.compiled, scenario, mine.bounds, {
      reducing: reduced,
    });
    this.seconds = scenario.checks.map(() => 0);
  }

  readonly done = (): Done => ({ result: this.verification.result(), seconds: this.seconds });

  /** Whether it has come to its end. */
  advance(): boolean {
    const { check } = this.verification.progress();
    const from = performance.now();
    const { done } = this.verification.advance(budget);
    const now = performance.now();
    const spent = now - from;
    this.seconds[check] = (this.seconds[check] ?? 0) + spent / 1000;
    if (spent > 0) budget = Math.min(20_000, Math.max(50, Math.round((budget * slice) / spent)));
    if (now - this.told >= beat && !done) this.tell(now);
    return done;
  }

  stop(): void {
    this.verification.stop('stopped');
  }

  private tell(now: number): void {
    const p = this.verification.progress();
    if (p.check !== this.check) this.states = 0;
    say({
      kind: 'running',
      version: this.version,
      scenario: this.index,
      progress: {
        check: p.check,
        states: p.states,
        statesPerSecond: Math.round(((p.states - this.states) * 1000) / (now - this.told)),
        depth: p.depth,
        queue: p.queue,
        bytes: p.bytes,
        seconds: this.seconds.reduce((a, b) => a + b, 0),
      },
    });
    this.check = p.check;
    this.states = p.states;
    this.told = now;
  }
}

say({ kind: 'ready' });
