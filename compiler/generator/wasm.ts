// A small writer of WebAssembly: functions over 32-bit words, from the form of generated code to a module's bytes.
//
// The state stands at the start of the memory, word by word. Each write notes the part of the state that it falls
// in, so that whoever keeps states need not compare what no step has touched. Encodings: WebAssembly Core
// Specification 2.0, 5 (binary format).

import type { Operator, Statement, Word } from './code.ts';

const i32 = 0x7f;
const void_ = 0x40;
/** A variable of each function's own, for an address that is used twice. */
const scratch = '$at';
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

const mostParams = 4;

/** Bytes that an unsigned number takes. */
const lengthOf = (value: number): number => (value > 0x7f ? 1 + lengthOf(value >>> 7) : 1);

/** Bytes that are being written, one behind the other. */
export class Bytes {
  private bytes = new Uint8Array(1 << 14);
  length = 0;

  private room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const wider = new Uint8Array(2 * (this.length + count));
    wider.set(this.bytes.subarray(0, this.length));
    this.bytes = wider;
  }
  byte(value: number): void {
    if (this.length === this.bytes.length) this.room(1);
    this.bytes[this.length++] = value;
  }
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }
  append(other: Bytes): void {
    this.room(other.length);
    this.bytes.set(other.bytes.subarray(0, other.length), this.length);
    this.length += other.length;
  }
  clear(): void {
    this.length = 0;
  }
  /** A copy of what was written. */
  whole(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
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
  /** Of each function how many words it takes, which is its type. */
  private readonly types: number[] = [];
  private readonly codes = new Bytes();
  /** The function that is being written. */
  private readonly open = new Bytes();
  private readonly exported: { readonly name: string; readonly index: number }[] = [];
  /** Functions of others, before its own. */
  private readonly imported: { readonly name: string; readonly params: number }[] = [];
  private readonly memories: readonly string[];

  /** `memories`: the names that it imports its memories by, from module `m`. */
  constructor(memory: Memory, memories: readonly string[] = ['m']) {
    this.memory = memory;
    this.memories = memories;
  }

  /** A function of somebody else's, which gives one word; before all of its own. */
  import(name: string, params: number): void {
    this.names.set(name, this.imported.length);
    this.imported.push({ name, params });
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
    const { codes, open } = this;
    open.clear();
    const body = new Body(this, this.memory, open, params, local);
    write(body);
    open.byte(0x0b);
    const { own } = body;
    codes.unsigned(open.length + (own === 0 ? 1 : 2 + lengthOf(own)));
    if (own === 0) codes.byte(0);
    else {
      codes.byte(1);
      codes.unsigned(own);
      codes.byte(i32);
    }
    codes.append(open);
    const index = this.imported.length + this.types.length;
    this.names.set(name, index);
    if (isExported) this.exported.push({ name, index });
    this.types.push(params.length);
  }

  /** The whole module; what it imports is of a module `m`. */
  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    const content = new Bytes();
    const section = (id: number, write: () => void): void => {
      content.clear();
      write();
      out.byte(id);
      out.unsigned(content.length);
      out.append(content);
    };
    const all = (bytes: Iterable<number>): void => {
      for (const b of bytes) content.byte(b);
    };
    const text = (s: string): void => {
      const bytes = new TextEncoder().encode(s);
      content.unsigned(bytes.length);
      all(bytes);
    };
    const { types, exported, globals, codes, imported, memories } = this;
    for (const b of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(b);
    section(1, () => {
      content.unsigned(mostParams + 1);
      for (let n = 0; n <= mostParams; n++) all([0x60, n, ...Array<number>(n).fill(i32), 1, i32]);
    });
    section(2, () => {
      content.unsigned(imported.length + memories.length);
      for (const { name, params } of imported) {
        text('m');
        text(name);
        all([0, params]);
      }
      for (const name of memories) {
        text('m');
        text(name);
        all([2, 0, 0]);
      }
    });
    section(3, () => {
      content.unsigned(types.length);
      all(types);
    });
    section(6, () => {
      content.unsigned(globals.size);
      for (const _ of globals) all([i32, 1, 0x41, 0, 0x0b]);
    });
    section(7, () => {
      content.unsigned(exported.length);
      for (const e of exported) {
        text(e.name);
        content.byte(0);
        content.unsigned(e.index);
      }
    });
    section(10, () => {
      content.unsigned(types.length);
      content.append(codes);
    });
    return out.whole();
  }
}

/** One function's body. */
export class Body {
  private readonly module: Module;
  private readonly memory: Memory;
  private readonly local: (name: string) => boolean;
  /** Numbers of variables that were named: its own from 0 up, those of all below 0, as ~number. */
  private readonly variables = new Map<string, number>();
  private readonly code: Bytes;
  /** Its own variables, besides what it takes. */
  own = 0;
  private readonly params: number;
  /** Blocks that are open around what is written. */
  private depth = 0;
  /** The block that a violation leaves; without one it returns 1. */
  private leaves: number | undefined;

  constructor(
    module: Module,
    memory: Memory,
    code: Bytes,
    params: readonly string[],
    local: (name: string) => boolean,
  ) {
    this.module = module;
    this.memory = memory;
    this.code = code;
    this.local = local;
    this.params = params.length;
    params.forEach((p, i) => {
      this.variables.set(p, i);
    });
  }

  private numberOf(name: string): number {
    const known = this.variables.get(name);
    if (known !== undefined) return known;
    const number =
      name === scratch || this.local(name) ? this.params + this.own++ : ~this.module.global(name);
    this.variables.set(name, number);
    return number;
  }
  private variable(name: string, own: number, shared: number): void {
    const number = this.numberOf(name);
    this.code.byte(number >= 0 ? own : shared);
    this.code.unsigned(number >= 0 ? number : ~number);
  }
  private emit(...bytes: readonly number[]): void {
    for (const b of bytes) this.code.byte(b);
  }
  /** An instruction with one number behind it. */
  private numbered(instruction: number, value: number): void {
    this.code.byte(instruction);
    this.code.unsigned(value);
  }
  constant(value: number): void {
    this.code.byte(0x41);
    this.code.signed(value);
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
    this.numbered(0x10, this.module.indexOf(name));
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
    this.variable(name, 0x21, 0x24);
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
    this.numbered(0x0e, cases.length);
    for (let i = 0; i <= cases.length; i++) this.code.unsigned(i);
    cases.forEach((write) => {
      this.depth--;
      this.emit(0x0b);
      write();
    });
    this.depth--;
    this.emit(0x0b);
  }
  /** Stores a word at a byte address, of the state's memory or of another. */
  storeAt(address: Word, value: Word, memory: 0 | 1 = 0, offset = 0): void {
    this.value(address);
    this.value(value);
    this.access(0x36, memory, offset);
  }
  while(condition: Word, body: () => void): void {
    this.emit(0x02, void_, 0x03, void_);
    this.depth += 2;
    this.truth(condition);
    this.emit(0x45, 0x0d, 1);
    body();
    this.emit(0x0c, 0);
    this.depth -= 2;
    this.emit(0x0b, 0x0b);
  }
  /** Calls with these words, and keeps what it gives. */
  callFor(to: string, name: string, ...words: readonly Word[]): void {
    for (const w of words) this.value(w);
    this.call(name);
    this.set(to);
  }
  /** A load or a store of a word. */
  private access(instruction: number, memory: 0 | 1, offset: number): void {
    // Bit 6 of the alignment: which memory stands behind it.
    if (memory === 0) this.emit(instruction, 2);
    else this.emit(instruction, 0x42, memory);
    this.code.unsigned(offset);
  }

  block(body: readonly Statement[]): void {
    for (const s of body) this.statement(s);
  }

  private leave(): void {
    if (this.leaves === undefined) this.return(1);
    else this.numbered(0x0c, this.depth - this.leaves);
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
        this.while(s.when, () => this.block(s.body));
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
        this.emit(0x3a, 0);
        this.code.unsigned(this.memory.executed + s.operation);
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
        const kept = (): void => this.constant(this.memory.kept + 4 * s.to);
        if (s.kind === 'keep') {
          kept();
          inner();
        } else {
          inner();
          kept();
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
      this.access(0x36, 0, 4 * at.value);
      this.constant(0);
      this.constant(1);
      this.emit(0x3a, 0);
      this.code.unsigned(this.memory.dirty + this.memory.part(at.value));
      return;
    }
    this.value(at);
    this.variable(scratch, 0x22, 0);
    this.constant(2);
    this.emit(opcode['<<']);
    this.value(value);
    this.access(0x36, 0, 0);
    this.variable(scratch, 0x20, 0);
    this.emit(0x2d, 0);
    this.code.unsigned(this.memory.partOf);
    this.constant(1);
    this.emit(0x3a, 0);
    this.code.unsigned(this.memory.dirty);
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
        this.variable(w.name, 0x20, 0x23);
        return;
      case 'state':
        // Only a constant of its own may stand in the instruction: an offset there does not wrap.
        if (w.at.kind === 'const') {
          this.constant(0);
          this.access(0x28, 0, 4 * w.at.value);
          return;
        }
        this.address(w.at);
        this.access(0x28, 0, 0);
        return;
      case 'load':
        this.value(w.at);
        this.access(0x28, w.memory, w.offset);
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
