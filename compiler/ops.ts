// The micro-operations: what a step of the machine does, as data, for instructions and for statements alike.
//
// An instruction row of `x86/table.ts` and a lowered statement are both lists of `Op`. The interpreter
// (`emulator/step.ts`), the footprints (`footprint.ts`) and every later code generator read this one form.
//
// A 64-bit value is two 32-bit words everywhere in states and steps: `lo` and `hi`, both signed (`x | 0`).
// A code or data address outside of states is a JavaScript number: the canonical 64-bit address taken as
// signed, so that it is exact (0xffffffff81000000 is -0x7f000000).

/** A canonical x86-64 address, sign-extended: an exact integer in [-2^47, 2^47). */
export type Address = number;

/** Bytes that an operation reads or writes: 4 zero-extends into a register, as the processor does. */
export type Width = 4 | 8;

/** The general registers in the manual's numbering (ModRM, REX): rax is 0, rsp is 4, r15 is 15. */
export const registers = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;
export type Register = number;
export const RSP = 4;

/** Bits of RFLAGS that the machine keeps; all others read as 0 but bit 1, which reads as 1. */
export const flagBits = { cf: 0x1, pf: 0x4, zf: 0x40, sf: 0x80, if: 0x200, of: 0x800 } as const;
export type Flag = keyof typeof flagBits;
/** The flags that arithmetic sets and `jcc` reads. AF is not kept: no `jcc` reads it. */
export const statusFlags = 0x1 | 0x4 | 0x40 | 0x80 | 0x800;

export type BinaryOp =
  | 'add'
  | 'sub'
  | 'and'
  | 'or'
  | 'xor'
  | 'mul'
  | 'div'
  // Comparisons give 1 or 0. `lt` and its kin compare as unsigned words: addresses and counts.
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge';

/** A value. Loads inside an instruction are part of its one action; a statement has at most one load an action. */
export type Expr =
  | { readonly kind: 'const'; readonly lo: number; readonly hi: number }
  // In rows only; `instantiate` replaces them by what the decoded bytes say.
  | { readonly kind: 'operand'; readonly index: number }
  | { readonly kind: 'address'; readonly index: number } // the effective address of a memory operand
  | { readonly kind: 'next' } // the address behind the instruction
  // The context that runs.
  | { readonly kind: 'reg'; readonly reg: Register; readonly width: Width }
  | { readonly kind: 'flag'; readonly flag: Flag }
  | { readonly kind: 'rflags' } // the whole image, bit 1 set
  | { readonly kind: 'condition'; readonly code: number } // the manual's tttn, 0..15
  | { readonly kind: 'temp'; readonly index: number } // lives inside one action
  | { readonly kind: 'gsbase' }
  | { readonly kind: 'load'; readonly address: Expr; readonly width: Width }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly a: Expr;
      readonly b: Expr;
      readonly width: Width;
    }
  | { readonly kind: 'not'; readonly a: Expr } // logical: 1 if 0, else 0
  // `and` and `or` that stop early.
  | { readonly kind: 'both' | 'either'; readonly a: Expr; readonly b: Expr }
  // Statements of the patcher and of handlers.
  | { readonly kind: 'local'; readonly index: number }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'here' } // the address that trapped
  | { readonly kind: 'frame'; readonly word: FrameWord }
  | { readonly kind: 'framereg'; readonly reg: Register }
  | { readonly kind: 'frameif' }
  | { readonly kind: 'within'; readonly context: 'nmi' | 'irq' }
  | { readonly kind: 'content'; readonly place: number; readonly which: 'old' | 'new' } // an instruction value
  | { readonly kind: 'target'; readonly of: Expr } // the branch target of an instruction value
  | { readonly kind: 'byteof'; readonly of: Expr; readonly index: Expr } // a byte of an instruction value
  | { readonly kind: 'codebyte'; readonly address: Expr } // a load of a code byte as data
  // Of properties and witnesses only.
  | { readonly kind: 'at'; readonly thread: number; readonly from: Address; readonly to: Address }
  | {
      readonly kind: 'returns';
      readonly thread: number;
      readonly from: Address;
      readonly to: Address;
    }
  | { readonly kind: 'handling'; readonly from: Address; readonly to: Address }
  | { readonly kind: 'event'; readonly event: number };

/** The five words of an exception frame, from the lowest address up. */
export type FrameWord = 'ip' | 'cs' | 'flags' | 'sp' | 'ss';
export const frameWords: readonly FrameWord[] = ['ip', 'cs', 'flags', 'sp', 'ss'];

/** What can be assigned to. A memory operand of a row becomes a store when it is instantiated. */
export type Target =
  | { readonly kind: 'operand'; readonly index: number }
  | { readonly kind: 'reg'; readonly reg: Register; readonly width: Width }
  | { readonly kind: 'flag'; readonly flag: Flag }
  | { readonly kind: 'temp'; readonly index: number }
  | { readonly kind: 'local'; readonly index: number }
  | { readonly kind: 'frame'; readonly word: FrameWord }
  | { readonly kind: 'framereg'; readonly reg: Register }
  | { readonly kind: 'frameif' };

export type Op =
  | { readonly kind: 'set'; readonly to: Target; readonly value: Expr }
  | { readonly kind: 'store'; readonly address: Expr; readonly value: Expr; readonly width: Width }
  /** The status flags of `a op b`; `inc` and `dec` leave CF alone. Stands before the operation's own `set`. */
  | {
      readonly kind: 'status';
      readonly op: 'add' | 'sub' | 'logic' | 'inc' | 'dec';
      readonly a: Expr;
      readonly b: Expr;
      readonly width: Width;
    }
  /** A return address is guarded until it is popped, and goes to the shadow stack where there is one. */
  | { readonly kind: 'push'; readonly value: Expr; readonly as: 'data' | 'return' }
  | { readonly kind: 'pop'; readonly to: Target; readonly as: 'data' | 'return' }
  | { readonly kind: 'branch'; readonly target: Expr; readonly when?: Expr }
  /** The rest of the list only if the value is not 0: `cmpxchg`. */
  | {
      readonly kind: 'when';
      readonly value: Expr;
      readonly then: readonly Op[];
      readonly else: readonly Op[];
    }
  | { readonly kind: 'trap' } // #BP
  | { readonly kind: 'fault'; readonly vector: '#UD' | '#GP' | '#DE' }
  | { readonly kind: 'iret' }
  /** Holds interrupts off for one more instruction, if IF was 0 before (STI). */
  | { readonly kind: 'shadow' }
  | { readonly kind: 'rflags'; readonly value: Expr } // popfq
  | { readonly kind: 'serialise' }
  /** Not enabled until the CPU's own store buffer is empty; stores of the same list are then done at once. */
  | { readonly kind: 'locked' }
  /** Not enabled until the CPU's own store buffer is empty. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'halt' };

// ---- constructors, as rows and lowering write them

const signed = (lo: number): number => (lo < 0 ? -1 : 0);
/** A constant from a number that fits in 53 bits, sign-extended to 64. */
export const num = (value: number): Extract<Expr, { kind: 'const' }> => ({
  kind: 'const',
  lo: value | 0,
  hi: Math.floor(value / 4294967296) | 0,
});
/** A constant from a 32-bit word, sign-extended to 64. */
export const word = (lo: number): Expr => ({ kind: 'const', lo: lo | 0, hi: signed(lo | 0) });
export const big = (value: bigint): Expr => ({
  kind: 'const',
  lo: Number(BigInt.asIntN(32, value)),
  hi: Number(BigInt.asIntN(32, value >> 32n)),
});
export const operand = (index: number): Expr & Target => ({ kind: 'operand', index });
export const next: Expr = { kind: 'next' };
export const reg = (r: Register, width: Width = 8): Expr & Target => ({
  kind: 'reg',
  reg: r,
  width,
});
export const temp = (index: number): Expr & Target => ({ kind: 'temp', index });
export const local = (index: number): Expr & Target => ({ kind: 'local', index });
export const binary = (op: BinaryOp, a: Expr, b: Expr, width: Width = 8): Expr => ({
  kind: 'binary',
  op,
  a,
  b,
  width,
});
export const load = (address: Expr, width: Width = 8): Expr => ({ kind: 'load', address, width });
export const set = (to: Target, value: Expr): Op => ({ kind: 'set', to, value });
export const push = (value: Expr, as: 'data' | 'return' = 'data'): Op => ({
  kind: 'push',
  value,
  as,
});
export const pop = (to: Target, as: 'data' | 'return' = 'data'): Op => ({ kind: 'pop', to, as });
export const branch = (target: Expr, when?: Expr): Op =>
  when ? { kind: 'branch', target, when } : { kind: 'branch', target };
