// The intermediate form: one check (a scenario under one combination of options and settings), ready to run.
//
// `lower.ts` makes it; `x86/` writes its bytes, `emulator/` runs it, `explorer/` runs it every way. All
// addresses are in the top 2 GiB, so the high word of each is -1 and states keep the low word alone where
// nothing else can stand there.

import type { Span } from '../grammar/index.ts';
import type { Address, Expr, Op, Register, Target, Width } from './ops.ts';

/** Where things stand. The distances keep every rel32 and abs32 in reach. */
export const region = {
  code: -0x7f000000, // 0xffffffff81000000
  stubs: -0x60000000, // 0xffffffffa0000000
  alias: 0x08000000, // a released slot's address for those who still hold it: slot + alias
  kernel: -0x50000000, // 0xffffffffb0000000: patcher and handlers, one address for each of their operations
  percpu: -0x48000000, // 0xffffffffb8000000, `percpuStride` apart
  data: -0x44000000, // 0xffffffffbc000000
  stacks: -0x40000000, // 0xffffffffc0000000, `stackStride` apart
} as const;
export const percpuStride = 0x1000;
export const slotStride = 0x1000;
export const stackStride = 0x10000;
export const stackWords = 64;
/** An instruction as a value: the high word says that it is one, the low word is its content's index + 1. */
export const instructionTag = 0x494e5354; // "INST"

export interface FetchModel {
  readonly name: string;
  /** Bytes of the aligned unit in which a plain store becomes visible: 1, 8 or 32. */
  readonly storeUnit: number;
  /** Bytes of the aligned unit of which one fetch sees one moment: 1, 8 or 64. */
  readonly moment: number;
  /** Whether the units of one fetch are read by ascending address; else in any order. */
  readonly ascending: boolean;
  /** When executing an unsynchronised byte is unpredictable: always, if the instruction leaves an aligned 8-byte word, never. */
  readonly unsynchronised: 'always' | 'crossing' | 'never';
  readonly backwards: boolean;
  /** Seeing a newer code byte shows all older code writes to what is read later. */
  readonly codeOrder: boolean;
  /** Seeing a newer data write shows all older code writes. */
  readonly dataOrder: boolean;
}

export interface EventSource {
  /** `nmi`, `irq`, or the handler's own name. */
  readonly name: string;
  readonly kind: 'nmi' | 'irq';
  /** How many may come in a run. */
  readonly count: number;
  /** Where the handler's code begins; without code it is empty: delivery and IRET. */
  readonly entry?: Address;
  /** Whether that code can come to a place. */
  readonly reaches: boolean;
  /** The only CPU it comes to, if not any. */
  readonly on?: number;
}

export interface Environment {
  readonly cpus: number;
  readonly preempt: boolean;
  readonly migrate: boolean;
  readonly switchSerialises: 'none' | 'other' | 'all';
  readonly events: readonly EventSource[];
  readonly nmiHeldInShadow: boolean;
  /** Of #BP. `signal`: the handler is user code on the thread's stack, with IF set, and can be preempted. */
  readonly gate: 'interrupt' | 'trap' | 'signal';
  readonly gap: boolean;
  readonly istBreakpoint: boolean;
  readonly istNmi: boolean;
  readonly shadowStack: boolean;
  readonly fetch: FetchModel;
  readonly memory: 'tso' | 'sc';
  /** RSP modulo 16 where a thread first reaches a place. */
  readonly rsp: 0 | 8;
  readonly stalenessBounded: boolean;
}

/** A run of bytes in the text. The bytes of a place or a stub are `cells` as well: those can change. */
export interface TextRange {
  readonly from: Address;
  readonly bytes: Uint8Array;
}

/** One content that a place may have. */
export interface Content {
  /** -1: an instruction in a handler's own text. */
  readonly place: number;
  /** Where it was assembled. */
  readonly at: Address;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** Where its first instruction branches to, if that is fixed. */
  readonly target?: Address;
}

export interface Place {
  readonly name: string;
  readonly from: Address;
  readonly length: number;
  /** Index of its first byte among the cells. */
  readonly cell: number;
  /** Indices into `contents`; the first is what the place holds at the start. */
  readonly contents: readonly number[];
  /** For each offset, the instructions that may be executed there, as byte strings. */
  readonly admitted: readonly (readonly Uint8Array[])[];
  /** Registers that may change there. */
  readonly dead: readonly Register[];
  readonly flagsDead: boolean;
  readonly old?: number;
  readonly new?: number;
  readonly span: Span;
}

export interface Fixup {
  readonly offset: number;
  readonly width: 4 | 8;
  readonly kind: 'rel32' | 'abs32' | 'abs32s' | 'abs64';
  readonly param: number;
  readonly addend: number;
}

export interface Stub {
  readonly name: string;
  readonly template: Uint8Array;
  readonly fixups: readonly Fixup[];
  readonly slots: readonly { readonly from: Address; readonly cell: number }[];
  readonly span: Span;
  /** By offset of an instruction: its source. */
  readonly spans: ReadonlyMap<number, Span>;
}

export interface DataWord {
  readonly name: string;
  readonly address: Address;
  readonly lo: number;
  readonly hi: number;
}

/**
 * One operation of the patcher or of a handler. An *access* is a step of its own; what rides along is done in
 * the action of the access before it.
 */
export interface KernelOp {
  readonly do: KernelDo;
  readonly span: Span;
  readonly text: string;
  readonly phase?: number;
}

export type KernelDo =
  // accesses
  | {
      readonly kind: 'load';
      readonly to: number;
      readonly address: Expr;
      readonly width: Width;
      readonly code: boolean;
    }
  | { readonly kind: 'store'; readonly address: Expr; readonly value: Expr; readonly width: Width }
  | { readonly kind: 'atomic'; readonly end: number } // the operations up to `end` are one locked step
  | {
      readonly kind: 'poke';
      readonly place: number;
      readonly from: number;
      readonly to: number;
      readonly source: PokeSource;
      readonly unit: PokeUnit;
    }
  | {
      readonly kind: 'build';
      readonly stub: number;
      readonly index: number;
      readonly args: readonly Expr[];
      readonly slot: number;
      readonly full: number;
    }
  | { readonly kind: 'release'; readonly stub: number; readonly slot: number }
  | { readonly kind: 'send'; readonly nmi: boolean; readonly self: boolean }
  /** One look of `sync threads`: sends to a CPU if it runs a thread now; the last one ends the looks. */
  | { readonly kind: 'sendto'; readonly cpu: number; readonly self: boolean }
  | { readonly kind: 'acks' }
  | { readonly kind: 'step'; readonly ops: readonly Op[] } // one step of plain micro-operations: fence, serialise, irqs on
  | { readonly kind: 'preempt'; readonly on: boolean }
  | { readonly kind: 'waittime' }
  | { readonly kind: 'emulatecall'; readonly target: Expr; readonly back: Expr }
  | { readonly kind: 'ipiack' }
  | { readonly kind: 'iret' }
  | { readonly kind: 'end' } // the patcher idles
  // what rides along
  | { readonly kind: 'set'; readonly to: Target; readonly value: Expr }
  | { readonly kind: 'jump'; readonly to: number; readonly when?: Expr; readonly unless?: Expr }
  | { readonly kind: 'emulate'; readonly of: Expr }
  | { readonly kind: 'violate'; readonly property: number; readonly message: string }
  | { readonly kind: 'begin'; readonly patch: number }
  /** `failed`: as by `fail`. */
  | { readonly kind: 'finish'; readonly patch: number; readonly failed: boolean }
  | { readonly kind: 'nop' };

export type PokeSource =
  | { readonly kind: 'content'; readonly which: 'old' | 'new' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };
export type PokeUnit =
  | { readonly kind: 'together' } // any order: one entry, a member for each byte
  | { readonly kind: 'store'; readonly size: number; readonly locked: boolean };

export interface Patch {
  readonly name: string;
  /** For each place: the contents it has before and after. Without `old` any content will do. */
  readonly changes: readonly {
    readonly place: number;
    readonly old?: number;
    readonly new: number;
  }[];
  readonly span: Span;
}

export interface Thread {
  readonly name: string;
  readonly entry: Address;
  /** RSP modulo 16 at its start. */
  readonly rsp: 0 | 8;
  /** The CPU it is bound to where nothing migrates, and starts on. */
  readonly cpu: number;
}

/** What a witness or a `require` asks. */
export type Event =
  | { readonly kind: 'trap'; readonly address: Address }
  | { readonly kind: 'pass'; readonly place: number; readonly content: number };

export interface Requirement {
  readonly name: string;
  readonly property: number;
  readonly when: 'always' | 'never' | 'eventually' | 'after patch';
  readonly expr: Expr;
  readonly during?: number; // a phase
  readonly span: Span;
}

export interface Program {
  readonly env: Environment;
  readonly text: readonly TextRange[];
  /** Where its instructions begin, those too that stand in another one and that some constant leads to; none in places. */
  readonly starts: ReadonlySet<Address>;
  readonly labels: ReadonlyMap<Address, string>;
  /** Instruction address -> source, for the text. */
  readonly spans: ReadonlyMap<Address, Span>;
  readonly contents: readonly Content[];
  readonly places: readonly Place[];
  readonly stubs: readonly Stub[];
  /** Number of cells: the bytes of all places, then of all slots. */
  readonly cells: number;
  readonly data: readonly DataWord[];
  readonly threads: readonly Thread[];
  readonly patches: readonly Patch[];
  readonly kernel: readonly KernelOp[];
  readonly entry: {
    readonly breakpoint: number;
    readonly ipi: number;
    readonly empty: number;
    readonly patcher: number;
  };
  /** The most locals that a handler and the patcher have. */
  readonly locals: { readonly handler: number; readonly patcher: number };
  /** What a sync's handler runs before it serialises; a routine that ends in `ret`. */
  readonly ipiCode?: { readonly entry: Address; readonly reaches: boolean };
  readonly phases: readonly string[];
  readonly events: readonly Event[];
  readonly properties: readonly string[];
  readonly requirements: readonly Requirement[];
  readonly witnesses: readonly {
    readonly name: string;
    readonly expr: Expr;
    readonly span: Span;
  }[];
  /** By index of `properties`: waived, with the reason. A waived property does not end a run. */
  readonly waived: ReadonlyMap<number, string>;
  /** General registers that any code names, RSP left out. */
  readonly registers: readonly Register[];
  /** Those of them that some code reads before it writes them; the others exist inside passes only. */
  readonly liveRegisters: ReadonlySet<Register>;
  readonly flagsLive: boolean;
}

/** The built-in properties, in the order in which a step that breaks several is reported. */
export const builtin = [
  'torn_instruction',
  'trap_handled',
  'old_or_new',
  'converges',
  'stale_stub',
  'registers_kept',
  'frame_intact',
  'handler_closed',
  'no_fault',
  'terminates',
  'shadow_stack',
  'nil_access',
  'assertion',
] as const;
export type Builtin = (typeof builtin)[number];
export const property = (name: Builtin): number => builtin.indexOf(name);

/** Whether some requirement looks at which phase of a patch it is. */
export const asksForPhases = (p: Program): boolean =>
  p.requirements.some((r) => r.during !== undefined);
