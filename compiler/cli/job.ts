// What is done with whole scenarios, one by one, here or in a thread.

import type { Compiled, Scenario } from '../compile.ts';
import type { Closing } from '../verify.ts';
import type { Figures } from './progress.ts';

/** Why a search ends before its end. */
export type Stopped = 'interrupted' | 'time';

/** How far a scenario is; `note` says it in words behind its name. */
export interface Stage extends Figures {
  readonly note: string;
}
/** Is told how far it is, and answers why it shall end, if it shall. */
export type Heard = (stage: Stage) => Stopped | undefined;

export interface Settings {
  /** Bytes that one search may hold. */
  readonly maxMemory: number;
  readonly checkpoint?: { readonly resume: boolean } | undefined;
}

/** What comes of a scenario; but for that it is plain data. */
export interface Outcome {
  readonly result: { readonly scenario: Scenario };
}

/** By that a thread knows what it is to do. */
export type JobName = 'verify' | 'minimize';

/** Settings and outcomes pass between threads. */
export interface Job<S extends Settings, D extends Outcome> {
  readonly name: JobName;
  /** `closing`: as a verification has it; none in a thread. */
  run(
    compiled: Compiled,
    scenario: Scenario,
    settings: S,
    heard: Heard,
    closing?: Closing,
  ): Promise<D>;
  /** Whether more memory could have said more. */
  cramped(done: D): boolean;
}
