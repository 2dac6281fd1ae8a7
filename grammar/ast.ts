// The tree of a spec: what the parser makes, the checker and the lowering read, and the printer writes.
//
// Plain readonly data, discriminated on `kind`. Every node has the `span` of its text in UTF-16 offsets.

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Name {
  readonly text: string;
  readonly span: Span;
}

export interface Text {
  /** Without its quotes. */
  readonly text: string;
  readonly span: Span;
}

export interface Comment {
  /** With its `//`. */
  readonly text: string;
  readonly span: Span;
}

/** A whole file: one protocol. */
export interface File {
  readonly kind: 'file';
  readonly name: Name;
  readonly summary: Text;
  readonly items: readonly Item[];
  readonly comments: readonly Comment[];
  readonly span: Span;
}

// ---- sections

export type Item =
  | { readonly kind: 'source'; readonly text: Text; readonly span: Span }
  /** `option A, B = on`: one node for all its names; the first value is the default. */
  | {
      readonly kind: 'option';
      readonly names: readonly Name[];
      readonly values: readonly Value[];
      readonly span: Span;
    }
  | { readonly kind: 'machine'; readonly settings: readonly Setting[]; readonly span: Span }
  | { readonly kind: 'code'; readonly body: readonly AsmItem[]; readonly span: Span }
  | {
      readonly kind: 'runs';
      readonly who: 'thread' | 'irq' | 'nmi' | 'ipi';
      readonly name?: Name;
      readonly label: Name;
      readonly span: Span;
    }
  | {
      readonly kind: 'memory';
      readonly who: 'shared' | 'percpu';
      readonly cells: readonly Cell[];
      readonly initial?: Expr;
      readonly span: Span;
    }
  | { readonly kind: 'mutex'; readonly names: readonly Name[]; readonly span: Span }
  | {
      readonly kind: 'descriptor';
      readonly name: Name;
      readonly fields: readonly Name[];
      readonly slots?: Slots;
      readonly span: Span;
    }
  | {
      readonly kind: 'stub';
      readonly name: Name;
      readonly params: readonly Name[];
      readonly slots?: Slots;
      readonly body: readonly AsmItem[];
      readonly span: Span;
    }
  | {
      readonly kind: 'site';
      readonly name: Name;
      readonly dead: readonly Name[];
      readonly span: Span;
    }
  | {
      readonly kind: 'breakpoint';
      readonly name?: Name;
      readonly at: readonly Expr[];
      readonly body: Block;
      readonly span: Span;
    }
  | {
      readonly kind: 'define';
      readonly name: Name;
      readonly params: readonly Name[];
      readonly body: Block;
      readonly span: Span;
    }
  | {
      readonly kind: 'patch';
      readonly name?: Name;
      readonly changes: readonly Change[];
      readonly body: Block;
      readonly span: Span;
    }
  | { readonly kind: 'waive'; readonly name: Name; readonly reason: Text; readonly span: Span }
  | {
      readonly kind: 'require';
      readonly name: Name;
      readonly property: Temporal;
      readonly span: Span;
    }
  | { readonly kind: 'witness'; readonly expr: Expr; readonly span: Span }
  | {
      readonly kind: 'scenario';
      readonly name: Text;
      readonly settings: readonly Setting[];
      readonly expect?: Expectation;
      readonly span: Span;
    }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly then: readonly Item[];
      readonly else?: readonly Item[];
      readonly span: Span;
    };

/** A value of an option: `on`, `off`, a number, or a word. */
export type Value =
  | { readonly kind: 'word'; readonly text: string; readonly span: Span }
  | { readonly kind: 'number'; readonly value: bigint; readonly span: Span };

/** `shared V[3] { addr, insn }`. */
export interface Cell {
  readonly name: Name;
  readonly count?: number;
  readonly fields: readonly Name[];
  readonly span: Span;
}

export type Slots =
  | { readonly kind: 'count'; readonly count: number; readonly span: Span }
  | { readonly kind: 'percpu'; readonly span: Span };

/** `place: call one -> call two`. Without `old` any content will do. */
export interface Change {
  readonly place: Name;
  readonly old?: readonly Insn[];
  readonly new: readonly Insn[];
  readonly span: Span;
}

export type Temporal =
  | {
      readonly kind: 'always' | 'never';
      readonly expr: Expr;
      readonly during?: Name;
      readonly span: Span;
    }
  | { readonly kind: 'eventually' | 'after'; readonly expr: Expr; readonly span: Span };

/** Without it a scenario is expected to hold. */
export type Expectation =
  | { readonly kind: 'holds'; readonly span: Span }
  | {
      readonly kind: 'violates';
      readonly only: boolean;
      readonly properties: readonly Name[];
      readonly span: Span;
    };

/**
 * `NAME = value | value` sets an option; anything else is a setting: its words in order, with alternatives for
 * each position where `|` stands. `patches arm, disarm beside probe` has `,` as an atom of kind `comma`.
 * `place at 0..63 of 64`: words place, at, a range, of, a number.
 */
export type Setting =
  | {
      readonly kind: 'option';
      readonly name: Name;
      readonly values: readonly Value[];
      readonly span: Span;
    }
  | { readonly kind: 'setting'; readonly atoms: readonly Alternatives[]; readonly span: Span };
/** One position of a setting: what stands there, and what stands there instead in further checks. */
export type Alternatives = readonly Atom[];
export type Atom =
  | { readonly kind: 'word'; readonly text: string; readonly span: Span }
  | { readonly kind: 'number'; readonly value: number; readonly span: Span }
  | { readonly kind: 'range'; readonly from: number; readonly to: number; readonly span: Span }
  | { readonly kind: 'comma'; readonly span: Span };

// ---- assembly

export type AsmItem =
  | { readonly kind: 'label'; readonly name: Name; readonly span: Span }
  /** `L: { … }`: a place of several instructions. `L: insn` is a label and an instruction. */
  | {
      readonly kind: 'group';
      readonly name: Name;
      readonly body: readonly AsmItem[];
      readonly span: Span;
    }
  | { readonly kind: 'insn'; readonly insn: Insn; readonly span: Span }
  | { readonly kind: 'align'; readonly to: number; readonly span: Span }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly then: readonly AsmItem[];
      readonly else?: readonly AsmItem[];
      readonly span: Span;
    };

export interface Insn {
  readonly kind: 'asm';
  /** Lower case; a locked form is one mnemonic: `lock add`. */
  readonly mnemonic: Name;
  readonly operands: readonly Operand[];
  readonly span: Span;
}

export type Operand =
  | { readonly kind: 'register'; readonly name: string; readonly span: Span }
  | {
      readonly kind: 'memory';
      readonly size?: 'dword' | 'qword';
      readonly segment?: 'gs';
      readonly address: Expr;
      readonly span: Span;
    }
  /** A label, a number, a parameter. Registers inside a memory address are names in `Expr`. */
  | {
      readonly kind: 'value';
      readonly hint?: 'short' | 'near';
      readonly expr: Expr;
      readonly span: Span;
    };

// ---- statements

export interface Block {
  readonly kind: 'block';
  readonly body: readonly Stmt[];
  readonly span: Span;
}

export type Stmt =
  | {
      readonly kind: 'poke';
      readonly place: Name;
      readonly range?: Range;
      readonly source?: PokeSource;
      readonly unit?: Unit;
      readonly span: Span;
    }
  | {
      readonly kind: 'sync';
      readonly what: 'cores' | 'threads';
      readonly nmi: boolean;
      readonly withoutSelf: boolean;
      readonly withoutWaiting: boolean;
      readonly span: Span;
    }
  | { readonly kind: 'serialize' | 'fence' | 'waittime' | 'decline'; readonly span: Span }
  | { readonly kind: 'waitfor'; readonly expr: Expr; readonly span: Span }
  | {
      readonly kind: 'quiescent';
      readonly what: 'cpus' | 'tasks' | 'stacks';
      readonly region?: Name;
      readonly span: Span;
    }
  | { readonly kind: 'stop'; readonly body: Block; readonly resume?: Block; readonly span: Span }
  | { readonly kind: 'irqs' | 'preempt'; readonly on: boolean; readonly span: Span }
  | { readonly kind: 'lock' | 'unlock'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'let'; readonly name: Name; readonly value: Rhs; readonly span: Span }
  | {
      readonly kind: 'assign';
      readonly target: Expr;
      readonly op: '=' | '+=' | '-=';
      readonly value: Rhs;
      readonly span: Span;
    }
  | { readonly kind: 'atomic'; readonly body: Block; readonly span: Span } // `atomic X += 1` has a block of one
  | { readonly kind: 'build'; readonly call: Call; readonly span: Span }
  | { readonly kind: 'release'; readonly names: readonly Name[]; readonly span: Span }
  | { readonly kind: 'run'; readonly label: Name; readonly span: Span }
  | { readonly kind: 'call'; readonly call: Call; readonly span: Span }
  | { readonly kind: 'phase'; readonly name: Name; readonly body: Block; readonly span: Span }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly then: Block;
      readonly else?: Block;
      readonly span: Span;
    } // `else if` is a block of one
  | { readonly kind: 'while'; readonly test: Expr; readonly body: Block; readonly span: Span }
  /** `for i in 0..n` has `to`; `for k in cpus` and `for s in sites` have a name in `from`. */
  | {
      readonly kind: 'for';
      readonly name: Name;
      readonly from: Expr;
      readonly to?: Expr;
      readonly body: Block;
      readonly span: Span;
    }
  | { readonly kind: 'assert'; readonly expr: Expr; readonly text?: Text; readonly span: Span }
  | { readonly kind: 'fail'; readonly text: Text; readonly span: Span }
  | {
      readonly kind: 'emulate';
      readonly what:
        | { readonly kind: 'insn'; readonly insn: Insn }
        | { readonly kind: 'expr'; readonly expr: Expr };
      readonly span: Span;
    }
  | { readonly kind: 'resume'; readonly expr: Expr; readonly span: Span };

export type PokeSource =
  | { readonly kind: 'insns'; readonly insns: readonly Insn[]; readonly span: Span }
  | { readonly kind: 'old' | 'new'; readonly span: Span };

export type Unit =
  | { readonly kind: 'bytes'; readonly descending: boolean; readonly span: Span }
  | { readonly kind: 'anyorder'; readonly span: Span }
  | {
      readonly kind: 'store';
      readonly size: number;
      readonly locked: boolean;
      readonly span: Span;
    };

/** `[k]` has neither `dots` nor `to`; `[k..]` has dots only; half-open. */
export interface Range {
  readonly from: Expr;
  readonly dots: boolean;
  readonly to?: Expr;
  readonly span: Span;
}

export type Rhs =
  | { readonly kind: 'expr'; readonly expr: Expr }
  | { readonly kind: 'build'; readonly call: Call };

export interface Call {
  readonly name: Name;
  readonly args: readonly Expr[];
  readonly span: Span;
}

// ---- expressions

export type BinaryOp = 'or' | 'and' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/';

export type Expr =
  /** A name: a variable, an option or its value, a label, `here`, `cpu`, `nil`, `on`, `off`, `new`, `int3`, a register in an address … */
  | { readonly kind: 'name'; readonly text: string; readonly span: Span }
  | { readonly kind: 'number'; readonly value: bigint; readonly span: Span }
  | { readonly kind: 'field'; readonly of: Expr; readonly field: Name; readonly span: Span }
  | { readonly kind: 'index'; readonly of: Expr; readonly index: Expr; readonly span: Span }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly a: Expr;
      readonly b: Expr;
      readonly span: Span;
    }
  | { readonly kind: 'not'; readonly a: Expr; readonly span: Span }
  | { readonly kind: 'within'; readonly context: 'nmi' | 'irq'; readonly span: Span } // `in nmi`
  // predicates of properties and witnesses
  | {
      readonly kind: 'threadat';
      readonly thread: Name;
      readonly where: Expr;
      readonly region: boolean;
      readonly span: Span;
    } // `T at L`, `T in R`
  | { readonly kind: 'returns'; readonly thread: Name; readonly region: Expr; readonly span: Span }
  | { readonly kind: 'handling'; readonly where: Expr; readonly span: Span }
  | { readonly kind: 'trap'; readonly where: Expr; readonly span: Span }
  | {
      readonly kind: 'pass';
      readonly place: Name;
      readonly which: 'old' | 'new';
      readonly span: Span;
    };
