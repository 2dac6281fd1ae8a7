// A run as a picture needs it: every step with its marks, where each CPU stood behind it, and the bytes it might fetch.
//
// Plain data, that can be cloned. Steps count as people count them: step k is the k-th action, state 0 is the start,
// state k is behind step k. A step that violates has no state of its own: what stood before it stands there. Names in
// backquotes are the spec's.

import type { Span } from '../grammar/index.ts';

export interface Telling {
  readonly lanes: readonly Lane[];
  readonly steps: readonly ToldStep[];
  /** One more than there are steps. What did not change from one to the next is the same object. */
  readonly states: readonly Standing[];
  readonly phases: readonly Phase[];
  readonly folds: readonly Fold[];
  readonly arrows: readonly Arrow[];
  readonly windows: readonly Window[];
  readonly stretches: readonly Stretch[];
}

export interface Lane {
  readonly cpu: number;
  /** What it runs at the start: `patcher`, a thread, `idle2`. */
  readonly task: string;
}

/** What a step is drawn as. */
export type Mark =
  | 'poke'
  | 'build'
  | 'commit'
  | 'release'
  | 'send'
  | 'acknowledge'
  | 'acknowledged'
  | 'ipi'
  | 'trap'
  | 'nmi'
  | 'irq'
  | 'iret'
  | 'serialise'
  | 'preempt'
  | 'statement'
  | 'instruction';

export interface ToldStep {
  readonly cpu: number;
  readonly who: string;
  readonly mark: Mark;
  readonly text: string;
  readonly detail: string;
  readonly address?: string;
  readonly bytes?: readonly number[];
  readonly span?: Span;
  /** Steps that made it what it is. */
  readonly causes: readonly number[];
  /** The violation rests on it. */
  readonly matters: boolean;
  readonly violates: boolean;
  /** What begins on the CPU's lane with it. */
  readonly begins: readonly Beginning[];
}

export interface Beginning {
  readonly cpu: number;
  readonly text: string;
  /** It belongs to what breaks the run. */
  readonly bad: boolean;
}

export interface Standing {
  readonly cpus: readonly Stand[];
  /** By stretch. */
  readonly bytes: readonly StretchState[];
}

/** Where a CPU stands. */
export interface Stand {
  readonly task: string;
  /** The handlers that it is in, the innermost last. */
  readonly handlers: readonly string[];
  readonly at: string;
  /** IF. */
  readonly interrupts: boolean;
  readonly shadow: boolean;
  /** For acknowledgements. */
  readonly waits: boolean;
  /** The stub that it stands in, or will return to. */
  readonly stub: { readonly name: string; readonly released: boolean } | undefined;
  /** IPIs that were sent to it and not taken. */
  readonly pending: number;
}

export interface Phase {
  readonly name: string;
  readonly from: number;
}

/** Steps that read well as one row. */
export interface Fold {
  readonly from: number;
  readonly to: number;
  readonly kind: 'build' | 'sync' | 'poke' | 'code';
  readonly cpu: number;
  readonly text: string;
  readonly detail: string;
  /** What others do in it. */
  readonly others: readonly { readonly cpu: number; readonly text: string }[];
}

export interface Arrow {
  readonly kind: 'ipi' | 'acknowledge';
  readonly step: number;
  readonly from: number;
  readonly to: number;
  /** Of an IPI: the step that takes it, if one does. */
  readonly taken?: number;
}

/** Interrupts could come, from behind one step on, and at another one came that the violation rests on. */
export interface Window {
  readonly cpu: number;
  readonly from: number;
  readonly to: number;
}

/** A place or a stub. */
export interface Stretch {
  readonly name: string;
  readonly kind: 'place' | 'stub';
  readonly address: string;
  /** The low byte of each address. */
  readonly offsets: readonly string[];
  /** Before which bytes a cache line or an aligned word begins. */
  readonly borders: readonly { readonly before: number; readonly what: 'line' | 'word' }[];
  /** CPUs that may fetch it, and how many older values of a byte each may have at once in this run. */
  readonly cpus: readonly { readonly cpu: number; readonly older: number }[];
  /** No CPU stands in this stub in the whole run. */
  readonly unused: boolean;
  /** By byte: the source of the instruction that it is of, as the text has it. */
  readonly spans: readonly (Span | undefined)[];
}

export interface StretchState {
  /** Text is what was there from the start. */
  readonly standing: 'text' | 'not built' | 'building' | 'built' | 'released';
  /** The first and the last step that built it, or the one that released it. */
  readonly since: readonly number[];
  /** Without a value: nothing was stored there. */
  readonly memory: readonly (number | undefined)[];
  /** Which bytes differ from those before the patch. */
  readonly changed: readonly boolean[];
  readonly insns: readonly Insn[];
  readonly cpus: readonly CpuBytes[];
  readonly waiting: readonly Waiting[];
}

export interface Insn {
  readonly from: number;
  readonly length: number;
  readonly text: string;
}

/** Bytes that a CPU has stored and that are not in memory yet. */
export interface Waiting {
  readonly cpu: number;
  readonly from: number;
  readonly bytes: readonly number[];
}

export interface CpuBytes {
  readonly cpu: number;
  readonly newest: readonly (number | undefined)[];
  /** What it would run from its newest values, of a place. */
  readonly text: string;
  readonly torn: boolean;
  readonly older: readonly Older[];
  /** Where it goes on. */
  readonly points: readonly Point[];
}

/** Older values, one a byte at most, of the bytes that have so many. */
export interface Older {
  readonly bytes: readonly (number | undefined)[];
  readonly has: readonly boolean[];
  /** What the CPU would run from them; empty where a fetch ends before it reads them. */
  readonly text: string;
  readonly torn: boolean;
  /** The step that wrote over them. */
  readonly since: number | undefined;
}

export interface Point {
  readonly from: number;
  readonly length: number;
  readonly text: string;
  readonly bad: boolean;
}
