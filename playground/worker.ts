// The worker: reads the text, searches its scenarios in slices, and answers what the page asks in between.

import {
  type Compiled,
  compile,
  fileReport,
  type ScenarioResult,
  Verification,
} from '../compiler/index.ts';
import type { Answer, Question } from './protocol.ts';
import { alternativesAt, outcomeOf, viewsAt } from './runs.ts';

/** What one check may take on a phone: whichever is hit first leaves the scenario unfinished. */
const bounds = { maxStates: 2_000_000, maxMemory: 256 << 20 };
/** Milliseconds between two looks at what the page wants. */
const slice = 12;
/** Milliseconds between two reports of progress. */
const beat = 250;

/** A text being read and searched; a newer one takes its place. */
interface Work {
  readonly version: number;
  readonly name: string;
  readonly compiled: Compiled;
  readonly order: number[];
  readonly results: (Done | undefined)[];
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
      if (work?.version !== question.version || work.order.length > 0) return;
      void verify(work, question.first);
      return;
    case 'stop':
      if (work) work.stopped = true;
      return;
    case 'alternatives':
      if (work?.version !== question.version) return;
      say({
        kind: 'alternatives',
        id: question.id,
        alternatives: alternativesAt(work.compiled, question.run, question.step),
      });
      return;
    case 'views':
      if (work?.version !== question.version) return;
      say({
        kind: 'views',
        id: question.id,
        views: viewsAt(work.compiled, question.run, question.step),
      });
      return;
  }
}

function open(): void {
  const question = opening;
  opening = undefined;
  if (!question) return;
  const { version, text, name } = question;
  const compiled = compile(text);
  work = { version, name, compiled, order: [], results: [], stopped: false };
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

async function verify(mine: Work, first: number | undefined): Promise<void> {
  const all = mine.compiled.scenarios.map((_, i) => i);
  const ordered = all.filter((i) => i === first).concat(all.filter((i) => i !== first));
  mine.order.push(...ordered);
  try {
    for (const index of ordered) {
      if (mine.stopped) break;
      const done = await search(mine, index);
      if (!done) return;
      mine.results[index] = done;
      say({
        kind: 'done',
        version: mine.version,
        scenario: index,
        outcome: outcomeOf(mine.compiled, done.result, done.seconds),
      });
    }
    const results = mine.results.filter((r) => r !== undefined);
    if (work === mine)
      say({
        kind: 'finished',
        version: mine.version,
        report: fileReport(mine.name, mine.compiled, results),
      });
  } catch (error) {
    say({ kind: 'broken', message: String((error as Error).stack ?? error) });
  }
}

/** One scenario to its end or its stop; nothing once there is a newer text. */
async function search(mine: Work, index: number): Promise<Done | undefined> {
  const scenario = mine.compiled.scenarios[index];
  if (!scenario) throw new Error(`no scenario ${index}`);
  const verification = new Verification(mine.compiled, scenario, bounds);
  const seconds = scenario.checks.map(() => 0);
  const started = performance.now();
  let told = started;
  let before = 0;
  let states = 0;
  for (let done = false; !done; ) {
    if (work !== mine) return undefined;
    const { check } = verification.progress();
    const from = performance.now();
    if (mine.stopped) {
      verification.stop('stopped');
      done = true;
    } else {
      done = verification.advance(budget).done;
    }
    const now = performance.now();
    seconds[check] = (seconds[check] ?? 0) + (now - from) / 1000;
    if (!mine.stopped && now > from)
      budget = Math.min(20_000, Math.max(50, Math.round((budget * slice) / (now - from))));
    if (now - told >= beat && !done) {
      const p = verification.progress();
      if (p.check !== check) before = 0;
      states = p.states;
      say({
        kind: 'running',
        version: mine.version,
        scenario: index,
        progress: {
          check: p.check,
          states,
          statesPerSecond: Math.max(0, Math.round(((states - before) * 1000) / (now - told))),
          depth: p.depth,
          queue: p.queue,
          bytes: p.bytes,
          seconds: (now - started) / 1000,
        },
      });
      before = states;
      told = now;
    }
    await breath();
  }
  return { result: verification.result(), seconds };
}

say({ kind: 'ready' });
