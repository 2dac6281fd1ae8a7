// What page and worker say to each other, and page and views: plain data that can be cloned.
//
// Steps count as people count them: step 0 is the initial state, step k is behind the k-th action. The last
// step of a run is its number of steps. Spans are offsets in UTF-16 units into the text of the same version.

import type {
  Expected,
  FileReport,
  SharedRun,
  Telling,
  Trace,
  Verdict,
} from '../compiler/index.ts';
import type { Diagnostic, Span } from '../grammar/index.ts';
import type { Asked } from './service.ts';

// ---- what is told

/** One run of one check: the shortest to a violation or to a witness. */
export interface Run {
  readonly scenario: string;
  /** Index into the scenario's checks, and what distinguishes that check from the others. */
  readonly check: number;
  readonly values: readonly string[];
  readonly kind: 'violation' | 'witness';
  /** The property that is violated, or the witness that is reached. */
  readonly name: string;
  /** What the run shows, in a sentence; of a witness empty. */
  readonly message: string;
  /** Ascending; `undefined` where the sentence speaks of what never came. */
  readonly why: readonly { readonly step: number | undefined; readonly text: string }[];
  /** From behind this step on every continuation violates; `undefined` of a witness. */
  readonly inevitableFrom: number | 'not known' | undefined;
  /** The step that begins the loop, where a goal is lost to one. */
  readonly loopFrom?: number;
  /** Names of the actions. */
  readonly schedule: readonly string[];
  /** Index of the initial state. */
  readonly initial: number;
  readonly cpus: number;
  /** It came with a link: nothing says that it is a shortest one. */
  readonly shared?: true;
  readonly trace: Trace;
  /** The same run as the views draw it. */
  readonly telling: Telling;
}

/** An action that is enabled at a step, and what it would do. */
export interface Alternative {
  readonly name: string;
  readonly cpu: number;
  readonly who: string;
  readonly text: string;
  /** What it would change that others can see; a property where it violates one. */
  readonly note: string;
  readonly violates?: string;
  /** The run goes on with it. */
  readonly taken: boolean;
}

// ---- page to worker

/** What the page asks. An answer carries the `id` of its question; `version` counts the edits of the text. */
export type Question =
  | {
      readonly kind: 'open';
      readonly version: number;
      /** What the report calls it. */
      readonly name: string;
      readonly text: string;
      readonly bounds: Bounds;
    }
  /** Checks every scenario of the opened text: the one at `first` first, then in the order of the text. Verdicts that still stand are kept, unless all is wanted `anew`. */
  | {
      readonly kind: 'verify';
      readonly version: number;
      readonly first: number | undefined;
      readonly anew: boolean;
    }
  /** The user looks at this scenario: if it has no verdict yet, it goes before the others. */
  | { readonly kind: 'prefer'; readonly version: number; readonly scenario: number }
  | { readonly kind: 'stop' }
  | {
      readonly kind: 'alternatives';
      readonly id: number;
      readonly version: number;
      readonly run: RunKey;
      readonly step: number;
    }
  /** An editor asks about its text, which may be newer than the one that was opened. */
  | { readonly kind: 'service'; readonly id: number; readonly text: string; readonly asked: Asked }
  /** Plays a run that came with a link. */
  | {
      readonly kind: 'follow';
      readonly id: number;
      readonly version: number;
      readonly scenario: string;
      readonly run: SharedRun;
    };

/** What one check may take: whichever is hit first leaves its scenario unfinished. */
export interface Bounds {
  readonly maxStates: number;
  /** Bytes. */
  readonly maxMemory: number;
}

/** Enough to play a run again in the text of its version. */
export interface RunKey {
  readonly scenario: string;
  readonly check: number;
  readonly initial: number;
  readonly schedule: readonly string[];
}

/** A run of a link as far as it still fits, and what is to be said where it does not. */
export interface Followed {
  readonly run?: Run;
  readonly notice?: string;
}

// ---- worker to page

export interface ScenarioHead {
  readonly name: string;
  readonly span: Span;
  readonly expected: Expected;
  readonly checks: number;
}

export interface Progress {
  readonly check: number;
  readonly states: number;
  readonly statesPerSecond: number;
  readonly depth: number;
  readonly queue: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Names of properties of which it is known that a run breaks them; the shortest is still looked for. */
  readonly violated: readonly string[];
}

/** How one scenario came out. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly asExpected: boolean;
  /** Why it is not as expected. */
  readonly finding?: string;
  /** What kept it from visiting every state: a bound's name, or `stopped`. */
  readonly bound?: string;
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly seconds: number;
  /** Found for a text before, of which nothing has changed that it rests on. */
  readonly kept: boolean;
  readonly checks: readonly CheckOutcome[];
  readonly runs: readonly Run[];
}

export interface CheckOutcome {
  readonly values: readonly string[];
  readonly verdict: Verdict;
  readonly states: number;
  readonly depth: number;
  readonly bound?: string;
  /** In a few words: by generated code, or by the interpreter, and why. */
  readonly how: string;
  readonly witnesses: readonly { readonly name: string; readonly reached: number | undefined }[];
  /** The settings that the verdict rests on, one after the other. */
  readonly environment: readonly string[];
  /** Names of the properties that a run must not break, and of those that are waived, with the reason. */
  readonly judged: readonly string[];
  readonly waived: readonly { readonly name: string; readonly reason: string }[];
}

export type Answer =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'opened';
      readonly version: number;
      readonly protocol: string | undefined;
      readonly source: string | undefined;
      readonly diagnostics: readonly Diagnostic[];
      /** Empty where there are errors. */
      readonly scenarios: readonly ScenarioHead[];
    }
  | {
      readonly kind: 'running';
      readonly version: number;
      readonly scenario: number;
      readonly progress: Progress;
    }
  | {
      readonly kind: 'done';
      readonly version: number;
      readonly scenario: number;
      readonly outcome: Outcome;
    }
  /** Every scenario has its verdict, or `stop` ended it. `report` is what `suture verify --json` says of the file. */
  | { readonly kind: 'finished'; readonly version: number; readonly report: FileReport }
  | {
      readonly kind: 'alternatives';
      readonly id: number;
      readonly alternatives: readonly Alternative[];
    }
  | { readonly kind: 'followed'; readonly id: number; readonly followed: Followed }
  | { readonly kind: 'service'; readonly id: number; readonly answer: unknown }
  /** A bug of ours: the worker goes on, or is restarted. */
  | { readonly kind: 'broken'; readonly message: string };

// ---- page and views

/** What a view tells the page that its user wants. */
export interface ViewEvents {
  /** Go to a step of the run that is shown. */
  select(step: number): void;
  /** Point at a stretch of the source; nothing when the pointer leaves. */
  span(span: Span | undefined): void;
}

/** Where the run view draws. In the wide layout the scrubber stands below both panes. */
export interface RunHosts {
  /** The run pane without its title row: lane heads, rows, and the block that says why. */
  readonly pane: HTMLElement;
  /** 56 high, empty: transport, counter, track, keys. */
  readonly scrubber: HTMLElement;
  /** At the right of the pane's title row: the choice of lanes or table. */
  readonly choice: HTMLElement;
}

export interface RunView {
  /** At the end of what scrolls: the page says there what was checked, where a scenario holds. */
  readonly foot: HTMLElement;
  /** `lanes` or `table`: which of the two is shown. */
  look: string;
  show(run: Run | undefined, step: number): void;
  /** Whether the key was the view's. The page asks only while no text is being edited. */
  key(event: KeyboardEvent): boolean;
  /** Marks the rows of a stretch of the source that is pointed at elsewhere. */
  mark(span: Span | undefined): void;
}

/** Where the bytes view draws; the key of patterns stands at the foot of the pane. */
export interface BytesHosts {
  readonly pane: HTMLElement;
  readonly key: HTMLElement;
}

export interface BytesView {
  show(run: Run | undefined, step: number): void;
  mark(span: Span | undefined): void;
}
