// A thread that searches whole scenarios for the command, one after the other: the end that asks, and the one that searches.

import { getCompileCacheDir } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Scenario } from '../compile.ts';
import { compile } from '../index.ts';
import type { Job, JobName, Outcome, Settings, Stage, Stopped } from './job.ts';

/** A text's scenario, by its number there. */
interface Order {
  readonly text: string;
  readonly scenario: number;
}
type Question =
  | ({ readonly kind: 'search' } & Order)
  | { readonly kind: 'stop'; readonly why: Stopped };
type Answer<Done> =
  | { readonly kind: 'stage'; readonly stage: Stage }
  /** The scenario itself is not sent: the other end has its own. */
  | { readonly kind: 'done'; readonly done: Done };
interface Given {
  readonly job: JobName;
  readonly settings: Settings;
}

/** What each of them needs is loaded where it is to be done. */
const jobs: Readonly<Record<JobName, () => Promise<unknown>>> = {
  verify: async () => (await import('./scenario.ts')).verifying,
  minimize: async () => (await import('./minimizing.ts')).minimizing,
};

/** Milliseconds between two reports. */
const beat = 100;

export class Thread<S extends Settings, Done extends Outcome> {
  private readonly worker: Worker;
  private hear: ((answer: Answer<Done>) => void) | undefined;
  private fail: ((error: Error) => void) | undefined;

  constructor(job: JobName, settings: S) {
    // A thread reads the code that the command has compiled only where it is told.
    const compiled = getCompileCacheDir();
    this.worker = new Worker(new URL(import.meta.url), {
      workerData: { job, settings } satisfies Given,
      env: { ...process.env, ...(compiled ? { NODE_COMPILE_CACHE: compiled } : {}) },
    });
    this.worker.on('message', (answer: Answer<Done>) => this.hear?.(answer));
    this.worker.on('error', (error: Error) => this.fail?.(error));
    this.worker.on('exit', () => this.fail?.(new Error('the thread has ended')));
  }

  /** Fails where the thread dies, of a lack of memory for one; it is of no use any more then. */
  search(
    text: string,
    scenario: Scenario,
    index: number,
    heard: (stage: Stage) => void,
  ): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.fail = reject;
      this.hear = (answer) => {
        if (answer.kind === 'stage') heard(answer.stage);
        else resolve({ ...answer.done, result: { ...answer.done.result, scenario } });
      };
      this.say({ kind: 'search', text, scenario: index });
    });
  }

  stop(why: Stopped): void {
    this.say({ kind: 'stop', why });
  }

  end(): void {
    this.fail = undefined;
    void this.worker.terminate();
  }

  private say(question: Question): void {
    this.worker.postMessage(question);
  }
}

if (!isMainThread && parentPort !== null && workerData?.settings !== undefined) {
  const port = parentPort;
  const { job, settings } = workerData as Given;
  let stopped: Stopped | undefined;
  let told = 0;
  let compiled = compile('');
  const say = (answer: Answer<unknown>): void => port.postMessage(answer);
  port.on('message', (question: Question) => {
    if (question.kind === 'stop') stopped = question.why;
    else void work(question);
  });
  async function work({ text, scenario: index }: Order): Promise<void> {
    const { run } = (await jobs[job]()) as Job<Settings, Outcome>;
    if (compiled.text !== text) compiled = compile(text);
    const scenario = compiled.scenarios[index];
    if (!scenario) throw new Error(`the text has no scenario ${index}`);
    const { result, ...more } = await run(compiled, scenario, settings, (stage) => {
      const now = performance.now();
      if (now - told >= beat) say({ kind: 'stage', stage });
      if (now - told >= beat) told = now;
      return stopped;
    });
    say({ kind: 'done', done: { ...more, result: { ...result, scenario: undefined } } });
  }
}
