// The searches of a command: by itself and by threads, each scenario whole, with the same results whatever their number.

import { availableParallelism } from 'node:os';
import type { Compiled, Scenario } from '../compile.ts';
import type { Closing } from '../verify.ts';
import type { Job, Outcome, Settings, Stage, Stopped } from './job.ts';
import { Progress } from './progress.ts';
import { Thread } from './thread.ts';

/** A scenario to be searched, and what waits for it. */
interface Unit<Done> {
  readonly compiled: Compiled;
  readonly scenario: Scenario;
  readonly closing: Closing | undefined;
  readonly done: Promise<Done>;
  readonly settle: (done: Done) => void;
  readonly fail: (error: unknown) => void;
}

/** Milliseconds that the command searches by itself: what is done then is not worth a thread. */
const patience = 200;

export interface CrewOptions<S> {
  readonly settings: S;
  /** How many may search at once, this thread included; as many as there are CPUs if not said. */
  readonly workers: number | undefined;
  /** Seconds after which all must end. */
  readonly timeout: number | undefined;
  readonly quiet: boolean;
}

/**
 * Each of `workers` has its share of the memory. A scenario that finds no room in it is put off until all others have
 * ended, and is searched again with the whole; so a verdict never rests on who searched beside it.
 */
export class Crew<S extends Settings, Done extends Outcome> {
  readonly progress: Progress;
  /** Why no search begins any more. */
  stopped: Stopped | undefined;
  private readonly job: Job<S, Done>;
  private readonly options: CrewOptions<S>;
  /** By `performance.now`. */
  private readonly deadline: number = Number.POSITIVE_INFINITY;
  private readonly units: Unit<Done>[] = [];
  /** Units from `next` up to `until` are nobody's yet. */
  private next = 0;
  private until = 0;
  /** Units whose share of the memory was too small, or whose thread has died. */
  private readonly alone: number[] = [];
  /** How far those are that are being searched, by their numbers. */
  private readonly running = new Map<number, Stage | undefined>();
  private readonly threads = new Set<Thread<S, Done>>();
  private shown = '';
  private ended = false;
  /** How many share the memory. */
  private workers = 1;
  private starting: NodeJS.Timeout | undefined;
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly onInterrupt = (): void => {
    if (this.stopped === 'interrupted') process.exit(130);
    this.progress.clear();
    process.stderr.write('suture: stopping; once more ends at once\n');
    this.stop('interrupted');
  };

  constructor(job: Job<S, Done>, options: CrewOptions<S>) {
    this.job = job;
    this.options = options;
    this.progress = new Progress(!options.quiet);
    if (options.timeout !== undefined) {
      const left = 1000 * options.timeout;
      this.deadline = performance.now() + left;
      // A timer's longest time is 2^31 - 1 ms.
      this.timer = setTimeout(() => this.late(), Math.min(0x7fffffff, left));
    }
    process.on('SIGINT', this.onInterrupt);
  }

  /** The scenario will be searched, in the order in which they are added. */
  add(compiled: Compiled, scenario: Scenario, closing?: Closing): Promise<Done> {
    const { promise: done, resolve: settle, reject: fail } = Promise.withResolvers<Done>();
    // Who waits for an earlier one hears of a failure there, and never comes to this one.
    done.catch(() => {});
    const open: Closing | undefined =
      closing && ((...told) => (this.ended ? undefined : closing(...told)));
    this.units.push({ compiled, scenario, closing: open, done, settle, fail });
    return done;
  }

  /** Begins with what was added. */
  begin(): void {
    const most = this.options.workers ?? availableParallelism();
    this.workers = Math.max(1, Math.min(most, this.units.length));
    this.until = this.units.length;
    void this.work();
    if (this.workers === 1) return;
    this.starting = setTimeout(() => {
      const most = Math.min(this.workers - 1, this.until - this.next);
      for (let i = 0; i < most; i++) void this.delegate();
    }, patience);
  }

  /** Nothing is searched from here on; who still waits waits in vain. */
  end(): void {
    this.ended = true;
    clearTimeout(this.starting);
    clearTimeout(this.timer);
    for (const thread of this.threads) thread.end();
    this.progress.clear();
    process.off('SIGINT', this.onInterrupt);
  }

  private stop(why: Stopped): void {
    this.stopped ??= why;
    for (const thread of this.threads) thread.stop(this.stopped);
  }
  private late(): void {
    if (performance.now() >= this.deadline) this.stop('time');
  }

  private get share(): S {
    const { settings } = this.options;
    return { ...settings, maxMemory: Math.floor(settings.maxMemory / this.workers) };
  }

  /** Takes one after the other, in this thread; at last those that need all of the memory. */
  private async work(): Promise<void> {
    while (!this.ended && this.next < this.until)
      await this.here(this.next++, this.share, this.workers > 1);
    await this.rest();
  }

  /** From the back, for what is waited for first is searched here. */
  private async delegate(): Promise<void> {
    const thread = new Thread<S, Done>(this.job.name, this.share);
    this.threads.add(thread);
    if (this.stopped) thread.stop(this.stopped);
    while (!this.ended && this.next < this.until) {
      const index = --this.until;
      const { compiled, scenario, settle } = this.units[index] as Unit<Done>;
      this.running.set(index, undefined);
      try {
        const number = compiled.scenarios.indexOf(scenario);
        const done = await thread.search(compiled.text, scenario, number, (f) =>
          this.show(index, f),
        );
        if (!this.stopped && this.job.cramped(done)) this.alone.push(index);
        else settle(done);
      } catch {
        this.alone.push(index);
        this.threads.delete(thread);
        return;
      } finally {
        this.running.delete(index);
        void this.rest();
      }
    }
    this.threads.delete(thread);
    thread.end();
  }

  /** Those that need all of the memory, once nobody else holds any. */
  private async rest(): Promise<void> {
    if (this.next < this.until || this.running.size > 0) return;
    const index = this.alone.sort((a, b) => a - b).shift();
    if (index === undefined || this.ended) return;
    const { settings } = this.options;
    // What was found before is found again, or gone on from.
    const checkpoint = settings.checkpoint && { ...settings.checkpoint, resume: true };
    await this.here(index, { ...settings, checkpoint }, false);
    await this.rest();
  }

  private async here(index: number, settings: S, shared: boolean): Promise<void> {
    const { compiled, scenario, closing, settle, fail } = this.units[index] as Unit<Done>;
    this.running.set(index, undefined);
    try {
      const heard = (stage: Stage): Stopped | undefined => {
        this.late();
        this.show(index, stage);
        return this.ended ? 'interrupted' : this.stopped;
      };
      const done = await this.job.run(compiled, scenario, settings, heard, closing);
      if (shared && !this.stopped && this.job.cramped(done)) this.alone.push(index);
      else settle(done);
    } catch (error) {
      fail(error);
    } finally {
      this.running.delete(index);
    }
  }

  /** Of all that are being searched the one that is waited for first. */
  private show(index: number, stage: Stage): void {
    this.running.set(index, stage);
    if (index !== Math.min(...this.running.keys())) return;
    const { compiled, scenario } = this.units[index] as Unit<Done>;
    const what = `${compiled.file?.name.text ?? ''}, ${scenario.name}`;
    if (what !== this.shown) this.progress.begin();
    this.shown = what;
    const others = this.running.size - 1;
    const more = others > 0 ? ` and ${others} more` : '';
    this.progress.show(`${what}${stage.note}${more}`, stage);
  }
}
