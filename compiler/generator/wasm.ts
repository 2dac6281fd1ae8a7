// A small writer of WebAssembly: functions over 32-bit words, from the form of generated code to a module's bytes.
//
// The state stands at the start of the memory, word by word. Each write notes the part of the state that it falls
// in, so that whoever keeps states need not compare what no step has touched. Encodings: WebAssembly Core
// Specification 2.0, 5 (binary format).

import type { Operator, Statement, Word } from './code.ts';

const i32 = 0x7f;
const void_ = 0x40;
const opcode: Readonly<Record<Operator, number>> = {
  '+': 0x6a,
  '-': 0x6b,
  '*': 0x6c,
  '&': 0x71,
  '|': 0x72,
  '^': 0x73,
  '<<': 0x74,
  '>>': 0x75,
  '==': 0x46,
  '!=': 0x47,
  '<': 0x48,
  below: 0x49,
  '&&': 0,
  '||': 0,
};

export function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest !== 0 ? low | 0x80 : low);
  } while (rest !== 0);
  return out;
}
export function signed(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

/** Where things stand in the memory, in bytes. */
export interface Memory {
  /** Scratch words of `keep`. */
  readonly kept: number;
  /** For each word of the state the number of its part, a byte each. */
  readonly partOf: number;
  /** For each part whether a step has written to it, a byte each. */
  readonly dirty: number;
  /** For each operation of the kernel whether some step executed it, a byte each. */
  readonly executed: number;
  /** The part of a word that is known. */
  part(word: number): number;
}

/** A module that is being written: functions call each other by their names. */
export class Module {
  private readonly memory: Memory;
  private readonly globals = new Map<string, number>();
  private readonly names = new Map<string, number>();
  private readonly bodies: { readonly type: number; readonly code: number[] }[] = [];
  private readonly exported: { readonly name: string; readonly index: number }[] = [];

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** The number of a variable that all functions share. */
  global(name: string): number {
    const known = this.globals.get(name);
    if (known !== undefined) return known;
    this.globals.set(name, this.globals.size);
    return this.globals.size - 1;
  }
  indexOf(name: string): number {
    const index = this.names.get(name);
    if (index === undefined) throw new Error(`no function is called ${name}`);
    return index;
  }

  /** Adds a function of `params` words that gives one; `local` says which variables are its own. */
  add(
    name: string,
    params: readonly string[],
    local: (name: string) => boolean,
    write: (f: Body) => void,
    isExported = false,
  ): void {
    const body = new Body(this, this.memory, params, local);
    write(body);
    this.names.set(name, this.bodies.length);
    if (isExported) this.exported.push({ name, index: this.bodies.length });
    this.bodies.push({ type: params.length, code: body.finish() });
  }

  /** The whole module; it imports its memory as `m.m`. */
  bytes(): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: readonly number[]): number[] => [
      id,
      ...unsigned(content.length),
      ...content,
    ];
    const text = (s: string): number[] => {
      const bytes = [...new TextEncoder().encode(s)];
      return [...unsigned(bytes.length), ...bytes];
    };
    const vector = (items: readonly (readonly number[])[]): number[] => [
      ...unsigned(items.length),
      ...items.flat(),
    ];
    const types = [0, 1, 2].map((n) => [0x60, n, ...Array<number>(n).fill(i32), 1, i32]);
    const head = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const before = [
      ...head,
      ...section(1, vector(types)),
      ...section(2, vector([[...text('m'), ...text('m'), 2, 0, 0]])),
      ...section(3, vector(this.bodies.map((b) => [b.type]))),
      ...section(6, vector([...this.globals].map(() => [i32, 1, 0x41, 0, 0x0b]))),
      ...section(7, vector(this.exported.map((e) => [...text(e.name), 0, ...unsigned(e.index)]))),
    ];
    const codes: number[] = [...unsigned(this.bodies.length)];
    for (const { code } of this.bodies) {
      codes.push(...unsigned(code.length));
      for (const b of code) codes.push(b);
    }
    const size = unsigned(codes.length);
    const out = new Uint8Array(before.length + 1 + size.length + codes.length);
    out.set(before);
    out[before.length] = 10;
    out.set(size, before.length + 1);
    out.set(codes, before.length + 1 + size.length);
    return out;
  }
}

/** One function's body. */
export class Body {
  private readonly module: Module;
  private readonly memory: Memory;
  private readonly local: (name: string) => boolean;
  private readonly locals = new Map<string, number>();
  private readonly params: number;
  private readonly code: number[] = [];
  /** Blocks that are open around what is written. */
  private depth = 0;
  /** The block that a violation leaves; without one it returns 1. */
  private leaves: number | undefined;

  constructor(
    module: Module,
    memory: Memory,
    params: readonly string[],
    local: (name: string) => boolean,
  ) {
    this.module = module;
    this.memory = memory;
    this.local = local;
    this.params = params.length;
    params.forEach((p, i) => {
      this.locals.set(p, i);
    });
  }

  finish(): number[] {
    const own = this.locals.size - this.params;
    return [...(own > 0 ? [1, ...unsigned(own), i32] : [0]), ...this.code, 0x0b];
  }

  private own(name: string): number {
    const known = this.locals.get(name);
    if (known !== undefined) return known;
    this.locals.set(name, this.locals.size);
    return this.locals.size - 1;
  }
  private isOwn(name: string): boolean {
    return this.locals.has(name) || this.local(name);
  }
  private emit(...bytes: readonly number[]): void {
    for (const b of bytes) this.code.push(b);
  }
  constant(value: number): void {
    this.emit(0x41, ...signed(value));
  }
  return(value: number): void {
    this.constant(value);
    this.emit(0x0f);
  }
  /** Returns a variable's value at the end of the function. */
  result(w: Word): void {
    this.value(w);
  }
  call(name: string): void {
    this.emit(0x10, ...unsigned(this.module.indexOf(name)));
  }
  /** Calls, and forgets what it gives. */
  run(name: string): void {
    this.call(name);
    this.emit(0x1a);
  }
  /** Returns what was written last. */
  giveBack(): void {
    this.emit(0x0f);
  }
  set(name: string): void {
    if (this.isOwn(name)) this.emit(0x21, ...unsigned(this.own(name)));
    else this.emit(0x24, ...unsigned(this.module.global(name)));
  }
  assign(name: string, value: Word): void {
    this.value(value);
    this.set(name);
  }
  when(condition: Word, yes: () => void, no?: () => void): void {
    this.truth(condition);
    this.emit(0x04, void_);
    this.depth++;
    yes();
    if (no) {
      this.emit(0x05);
      no();
    }
    this.depth--;
    this.emit(0x0b);
  }
  /** Goes to the case that a value names, from 0 up; to none where it names none. Each case ends by returning. */
  choose(value: Word, cases: readonly (() => void)[]): void {
    for (let i = 0; i <= cases.length; i++) this.emit(0x02, void_);
    this.depth += cases.length + 1;
    this.value(value);
    this.emit(
      0x0e,
      ...unsigned(cases.length),
      ...cases.flatMap((_, i) => unsigned(i)),
      ...unsigned(cases.length),
    );
    cases.forEach((write) => {
      this.depth--;
      this.emit(0x0b);
      write();
    });
    this.depth--;
    this.emit(0x0b);
  }
  /** Stores a word at a byte address beyond the state. */
  storeAt(address: Word, value: Word): void {
    this.value(address);
    this.value(value);
    this.emit(0x36, 2, 0);
  }

  block(body: readonly Statement[]): void {
    for (const s of body) this.statement(s);
  }

  private leave(): void {
    if (this.leaves === undefined) this.return(1);
    else this.emit(0x0c, ...unsigned(this.depth - this.leaves));
  }

  private statement(s: Statement): void {
    switch (s.kind) {
      case 'set':
        this.assign(s.to, s.value);
        return;
      case 'put':
        this.put(s.at, s.value);
        return;
      case 'if':
        this.when(
          s.when,
          () => this.block(s.yes),
          s.no.length > 0 ? () => this.block(s.no) : undefined,
        );
        return;
      case 'while':
        this.emit(0x02, void_, 0x03, void_);
        this.depth += 2;
        this.truth(s.when);
        this.emit(0x45, 0x0d, 1);
        this.block(s.body);
        this.emit(0x0c, 0);
        this.depth -= 2;
        this.emit(0x0b, 0x0b);
        return;
      case 'call':
        this.call(s.routine.name);
        this.emit(0x04, void_);
        this.depth++;
        this.leave();
        this.depth--;
        this.emit(0x0b);
        return;
      case 'violate':
        this.assign('outcome', s.outcome);
        this.leave();
        return;
      case 'note':
        this.constant(0);
        this.constant(1);
        this.emit(0x3a, 0, ...unsigned(this.memory.executed + s.operation));
        return;
      case 'attempt': {
        const outer = this.leaves;
        this.emit(0x02, void_);
        this.depth++;
        this.leaves = this.depth;
        this.block(s.body);
        this.leaves = outer;
        this.depth--;
        this.emit(0x0b);
        return;
      }
      case 'keep':
      case 'restore': {
        const inner = (): void => this.address(s.at);
        const scratch = (): void => this.constant(this.memory.kept + 4 * s.to);
        if (s.kind === 'keep') {
          scratch();
          inner();
        } else {
          inner();
          scratch();
        }
        this.constant(4 * s.count);
        this.emit(0xfc, 0x0a, 0, 0);
        return;
      }
    }
  }

  private put(at: Word, value: Word): void {
    if (at.kind === 'const') {
      this.constant(0);
      this.value(value);
      this.emit(0x36, 2, ...unsigned(4 * at.value));
      this.constant(0);
      this.constant(1);
      this.emit(0x3a, 0, ...unsigned(this.memory.dirty + this.memory.part(at.value)));
      return;
    }
    const where = this.own('$at');
    this.value(at);
    this.emit(0x22, ...unsigned(where));
    this.constant(2);
    this.emit(opcode['<<']);
    this.value(value);
    this.emit(0x36, 2, 0);
    this.emit(0x20, ...unsigned(where));
    this.emit(0x2d, 0, ...unsigned(this.memory.partOf));
    this.constant(1);
    this.emit(0x3a, 0, ...unsigned(this.memory.dirty));
  }

  /** The byte address of a word of the state. */
  private address(at: Word): void {
    if (at.kind === 'const') {
      this.constant(4 * at.value);
      return;
    }
    this.value(at);
    this.constant(2);
    this.emit(opcode['<<']);
  }

  /** A value that is 0 or not, as a condition. */
  private truth(w: Word): void {
    this.value(w);
  }

  value(w: Word): void {
    switch (w.kind) {
      case 'const':
        this.constant(w.value);
        return;
      case 'var':
        if (this.isOwn(w.name)) this.emit(0x20, ...unsigned(this.own(w.name)));
        else this.emit(0x23, ...unsigned(this.module.global(w.name)));
        return;
      case 'state':
        // Only a constant of its own may stand in the instruction: an offset there does not wrap.
        if (w.at.kind === 'const') {
          this.constant(0);
          this.emit(0x28, 2, ...unsigned(4 * w.at.value));
          return;
        }
        this.address(w.at);
        this.emit(0x28, 2, 0);
        return;
      case 'pick':
        this.either(
          w.when,
          () => this.value(w.yes),
          () => this.value(w.no),
        );
        return;
      case 'op':
        if (w.op === '&&')
          this.either(
            w.a,
            () => this.flag(w.b),
            () => this.constant(0),
          );
        else if (w.op === '||')
          this.either(
            w.a,
            () => this.constant(1),
            () => this.flag(w.b),
          );
        else if (w.op === '==' && w.b.kind === 'const' && w.b.value === 0) {
          this.value(w.a);
          this.emit(0x45);
        } else {
          this.value(w.a);
          this.value(w.b);
          this.emit(opcode[w.op]);
        }
    }
  }

  private either(condition: Word, yes: () => void, no: () => void): void {
    this.truth(condition);
    this.emit(0x04, i32);
    this.depth++;
    yes();
    this.emit(0x05);
    no();
    this.depth--;
    this.emit(0x0b);
  }
  /** A condition as 1 or 0. */
  private flag(w: Word): void {
    this.value(w);
    if (w.kind === 'op' && ['==', '!=', '<', 'below', '&&', '||'].includes(w.op)) return;
    if (w.kind === 'const' && (w.value === 0 || w.value === 1)) return;
    this.constant(0);
    this.emit(opcode['!=']);
  }
}
