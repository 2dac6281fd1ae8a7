// What a list of operations reads, writes and waits for, by the names of state fields: derived from the data alone.
//
// Fields are coarse where an address decides: any load may read any memory. What comes with every step whatever its
// operations are, the fetch and the end of an interrupt shadow, is not in a footprint.

import type { Expr, Op, Target } from './ops.ts';
import { RSP, registers } from './ops.ts';

/** The fields besides the general registers, which go by the manual's names. */
// biome-ignore format: one line per part of the machine
export const fields = [
  'flags', 'if', 'rip', 'shadow', 'nmi', 'halted', // of the context and the CPU that run
  'context', // the handlers under way, their saved registers and where their frames stand
  'locals',
  'cpu', // which CPU it is that runs the context
  'stack', 'shadow stack',
  'memory', 'buffer', // variables; the own store buffer
  'text', 'views', // code bytes as stored; what the CPU may still fetch
  'patch', 'slots', // which content is old and which is new; what is built where
  'events', // what has happened, for properties
  'outcome',
] as const;
export type FieldName = (typeof fields)[number];

export interface Footprint {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** Fields that decide whether the step is enabled at all. */
  readonly waits: ReadonlySet<string>;
}

interface Sink {
  readonly reads: Set<string>;
  readonly writes: Set<string>;
  readonly waits: Set<string>;
}

export function footprint(ops: readonly Op[]): Footprint {
  const sink: Sink = { reads: new Set(), writes: new Set(), waits: new Set() };
  for (const op of ops) visit(op, sink);
  return sink;
}

/** What an expression reads. */
export function reads(expr: Expr): ReadonlySet<string> {
  const sink: Sink = { reads: new Set(), writes: new Set(), waits: new Set() };
  read(expr, sink);
  return sink.reads;
}

/** Every expression in a form, itself and its parts, whatever the form is: both forms are plain data. */
export function expressionsOf(form: unknown): readonly Expr[] {
  const found: Expr[] = [];
  gather(form, found);
  return found;
}

function gather(form: unknown, found: Expr[]): void {
  if (typeof form !== 'object' || form === null || ArrayBuffer.isView(form)) return;
  if (Array.isArray(form)) {
    for (const part of form) gather(part, found);
    return;
  }
  if ('kind' in form) found.push(form as Expr);
  for (const part of Object.values(form)) if (typeof part === 'object') gather(part, found);
}

/** Whether an expression in a form is what is looked for. */
export const mentions = (form: unknown, look: (e: Expr) => boolean): boolean =>
  expressionsOf(form).some(look);

const registerField = (reg: number): string => registers[reg] ?? `r${reg}`;

function visit(op: Op, sink: Sink): void {
  const r = (...names: readonly FieldName[]): void => {
    for (const n of names) sink.reads.add(n);
  };
  const w = (...names: readonly FieldName[]): void => {
    for (const n of names) sink.writes.add(n);
  };
  switch (op.kind) {
    case 'set':
      read(op.value, sink);
      write(op.to, sink);
      return;
    case 'store':
      read(op.address, sink);
      read(op.value, sink);
      // A store into the stack is done at once, and must not hit a guarded word; one into memory waits in the buffer,
      // or not if it is locked.
      r('buffer', 'stack');
      w('stack', 'memory', 'buffer', 'outcome');
      return;
    case 'status':
      read(op.a, sink);
      read(op.b, sink);
      // INC and DEC leave CF as it was.
      if (op.op === 'inc' || op.op === 'dec') r('flags');
      w('flags');
      return;
    case 'push':
      read(op.value, sink);
      sink.reads.add('rsp');
      sink.writes.add('rsp');
      // A guarded word must not be hit.
      r('stack');
      w('stack', 'outcome');
      if (op.as === 'return') {
        r('shadow stack');
        w('shadow stack');
      }
      return;
    case 'pop':
      sink.reads.add('rsp');
      sink.writes.add('rsp');
      r('stack');
      // A return address is no longer guarded once it is popped.
      w('stack', 'outcome');
      if (op.as === 'return') {
        r('shadow stack');
        w('shadow stack');
      }
      write(op.to, sink);
      return;
    case 'branch':
      read(op.target, sink);
      if (op.when) {
        read(op.when, sink);
        r('rip');
      }
      w('rip', 'outcome');
      return;
    case 'when':
      read(op.value, sink);
      for (const inner of [...op.then, ...op.else]) visit(inner, sink);
      return;
    case 'trap':
      sink.reads.add('rsp');
      sink.writes.add('rsp');
      r('flags', 'if', 'rip', 'context', 'nmi');
      w('if', 'rip', 'context', 'stack', 'shadow stack', 'shadow', 'locals', 'events', 'outcome');
      return;
    case 'fault':
      w('outcome');
      return;
    case 'iret':
      sink.waits.add('buffer');
      r('context', 'stack', 'shadow stack', 'nmi');
      for (const name of registers) sink.writes.add(name);
      w(
        'flags',
        'if',
        'rip',
        'context',
        'stack',
        'shadow stack',
        'nmi',
        'views',
        'locals',
        'outcome',
      );
      return;
    case 'shadow':
      r('if');
      w('shadow');
      return;
    case 'rflags':
      read(op.value, sink);
      w('flags', 'if');
      return;
    case 'serialise':
      sink.waits.add('buffer');
      r('text');
      w('views');
      return;
    case 'locked':
    case 'drain':
      sink.waits.add('buffer');
      return;
    case 'halt':
      w('halted');
      return;
    default:
      unreachable(op);
  }
}

function write(target: Target, sink: Sink): void {
  switch (target.kind) {
    case 'reg':
      // 32 bits zero-extend, so nothing of the old value is left.
      sink.writes.add(registerField(target.reg));
      // What comes to lie below RSP is nothing from then on.
      if (target.reg === RSP) {
        for (const name of ['rsp', 'stack']) {
          sink.reads.add(name);
          sink.writes.add(name);
        }
      }
      return;
    case 'flag':
      if (target.flag === 'if') sink.writes.add('if');
      else {
        sink.reads.add('flags');
        sink.writes.add('flags');
      }
      return;
    case 'temp':
      return;
    case 'local':
      sink.writes.add('locals');
      return;
    case 'frame':
    case 'frameif':
      sink.reads.add('context');
      sink.reads.add('stack');
      sink.writes.add('stack');
      return;
    case 'framereg':
      sink.reads.add('context');
      sink.writes.add('context');
      return;
    case 'operand':
      throw new Error('a footprint is that of an instruction, not of a row: instantiate it first');
    default:
      unreachable(target);
  }
}

function read(expr: Expr, sink: Sink): void {
  const r = (...names: readonly FieldName[]): void => {
    for (const n of names) sink.reads.add(n);
  };
  switch (expr.kind) {
    case 'const':
    case 'temp':
      return;
    case 'operand':
    case 'address':
    case 'next':
      throw new Error('a footprint is that of an instruction, not of a row: instantiate it first');
    case 'reg':
      sink.reads.add(registerField(expr.reg));
      return;
    case 'flag':
      r(expr.flag === 'if' ? 'if' : 'flags');
      return;
    case 'rflags':
      r('flags', 'if');
      return;
    case 'condition':
      r('flags');
      return;
    case 'gsbase':
    case 'cpu':
      r('cpu');
      return;
    case 'load':
      read(expr.address, sink);
      r('stack', 'memory', 'buffer');
      // An address where nothing is.
      sink.writes.add('outcome');
      return;
    case 'both':
    case 'either':
      read(expr.a, sink);
      read(expr.b, sink);
      return;
    case 'binary':
      read(expr.a, sink);
      read(expr.b, sink);
      if (expr.op === 'div') sink.writes.add('outcome');
      return;
    case 'not':
      read(expr.a, sink);
      return;
    case 'local':
      r('locals');
      return;
    case 'here':
    case 'within':
    case 'framereg':
      r('context');
      return;
    case 'frame':
    case 'frameif':
      r('context', 'stack');
      return;
    case 'content':
      r('patch');
      return;
    case 'target':
      read(expr.of, sink);
      return;
    case 'byteof':
      read(expr.of, sink);
      read(expr.index, sink);
      return;
    case 'codebyte':
      read(expr.address, sink);
      r('text', 'buffer');
      return;
    case 'at':
      r('rip');
      return;
    case 'returns':
      r('stack');
      return;
    case 'handling':
      r('context');
      return;
    case 'event':
      r('events');
      return;
    default:
      unreachable(expr);
  }
}

function unreachable(x: never): never {
  throw new Error(`no case for ${JSON.stringify(x)}`);
}

/** Whether a list of operations loads from memory, the stack's own pushes and pops aside. */
export const readsMemory = (ops: readonly Op[]): boolean => footprint(ops).reads.has('memory');
