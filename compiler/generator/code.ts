// The form of generated code: statements over the words of a state and over variables that live inside one action.
//
// All values are signed 32-bit words, as in states. What prints this form (`promela.ts`) decides how a routine is
// called and how an attempt is left.

/** A value, without an effect. */
export type Word =
  | { readonly kind: 'const'; readonly value: number; readonly name?: string }
  | { readonly kind: 'var'; readonly name: string }
  /** A word of the state, by its offset. */
  | { readonly kind: 'state'; readonly at: Word }
  | { readonly kind: 'op'; readonly op: Operator; readonly a: Word; readonly b: Word }
  | { readonly kind: 'pick'; readonly when: Word; readonly yes: Word; readonly no: Word }
  /** The word at a byte of a memory: for code that works on a store, which is WebAssembly alone. */
  | { readonly kind: 'load'; readonly memory: 0 | 1; readonly at: Word; readonly offset: number };

/** `below` compares as unsigned words; `>>` keeps the sign; comparisons and `&&`, `||` give 1 or 0. */
export type Operator =
  | '+'
  | '-'
  | '*'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>'
  | '=='
  | '!='
  | '<'
  | 'below'
  | '&&'
  | '||';

export type Statement =
  | { readonly kind: 'set'; readonly to: string; readonly value: Word }
  | { readonly kind: 'put'; readonly at: Word; readonly value: Word }
  | {
      readonly kind: 'if';
      readonly when: Word;
      readonly yes: readonly Statement[];
      readonly no: readonly Statement[];
    }
  | { readonly kind: 'while'; readonly when: Word; readonly body: readonly Statement[] }
  | { readonly kind: 'call'; readonly routine: Routine }
  /** Ends the action, or the attempt around it, with `outcome` set. */
  | { readonly kind: 'violate'; readonly outcome: Word }
  /** Goes on behind it, whether its body was left or not. */
  | { readonly kind: 'attempt'; readonly body: readonly Statement[] }
  /** The patcher's or a handler's operation is executed: for who counts what no run executes. */
  | { readonly kind: 'note'; readonly operation: number }
  /** Copies `count` words of the state from `at` on into the scratch words from `to` on, or back. */
  | {
      readonly kind: 'keep' | 'restore';
      readonly at: Word;
      readonly count: number;
      readonly to: number;
    };

export interface Routine {
  readonly name: string;
  readonly comment: string;
  readonly body: readonly Statement[];
}

/** A word with its high word: a 64-bit value. */
export interface Wide {
  readonly lo: Word;
  readonly hi: Word;
}

export const k = (value: number, name?: string): Word =>
  name === undefined
    ? { kind: 'const', value: value | 0 }
    : { kind: 'const', value: value | 0, name };
export const yes = k(1);
export const no = k(0);
export const variable = (name: string): Word => ({ kind: 'var', name });
export const state = (at: Word): Word => ({ kind: 'state', at });

const compute: Readonly<Record<Operator, (a: number, b: number) => number>> = {
  '+': (a, b) => (a + b) | 0,
  '-': (a, b) => (a - b) | 0,
  '*': (a, b) => Math.imul(a, b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
  '==': (a, b) => (a === b ? 1 : 0),
  '!=': (a, b) => (a !== b ? 1 : 0),
  '<': (a, b) => (a < b ? 1 : 0),
  below: (a, b) => (a >>> 0 < b >>> 0 ? 1 : 0),
  '&&': (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  '||': (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
};

/** `a op b`, computed now where both are known; a known side of `+`, `&&`, `||`, `|` is used. */
export function op(o: Operator, a: Word, b: Word): Word {
  const ca = a.kind === 'const' ? a.value : undefined;
  const cb = b.kind === 'const' ? b.value : undefined;
  if (ca !== undefined && cb !== undefined && !(o === '+' && named(a, b)))
    return k(compute[o](ca, cb));
  if ((o === '+' || o === '-' || o === '|' || o === '<<' || o === '>>') && cb === 0) return a;
  if ((o === '+' || o === '|') && ca === 0) return b;
  if (o === '*' && cb === 1) return a;
  if (o === '&' && (ca === 0 || cb === 0)) return no;
  if (o === '&&') {
    if (ca === 0 || cb === 0) return no;
    if (ca !== undefined) return b;
    if (cb !== undefined) return a;
  }
  if (o === '||') {
    if (ca !== undefined) return ca === 0 ? b : yes;
    if (cb !== undefined) return cb === 0 ? a : yes;
  }
  // (x + 1) + 2 is x + 3.
  if (
    o === '+' &&
    cb !== undefined &&
    a.kind === 'op' &&
    a.op === '+' &&
    a.b.kind === 'const' &&
    !named(a.b, b)
  )
    return op('+', a.a, k(a.b.value + cb));
  return { kind: 'op', op: o, a, b };
}
const named = (a: Word, b: Word): boolean =>
  (a.kind === 'const' && a.name !== undefined) || (b.kind === 'const' && b.name !== undefined);

const lift = (x: Word | number): Word => (typeof x === 'number' ? k(x) : x);
type W = Word | number;
export const add = (a: W, b: W): Word => op('+', lift(a), lift(b));
export const sub = (a: W, b: W): Word => op('-', lift(a), lift(b));
export const times = (a: W, b: W): Word => op('*', lift(a), lift(b));
export const mask = (a: W, b: W): Word => op('&', lift(a), lift(b));
export const join = (a: W, b: W): Word => op('|', lift(a), lift(b));
export const flip = (a: W, b: W): Word => op('^', lift(a), lift(b));
export const left = (a: W, b: W): Word => op('<<', lift(a), lift(b));
export const right = (a: W, b: W): Word => op('>>', lift(a), lift(b));
export const eq = (a: W, b: W): Word => op('==', lift(a), lift(b));
export const ne = (a: W, b: W): Word => op('!=', lift(a), lift(b));
export const less = (a: W, b: W): Word => op('<', lift(a), lift(b));
export const below = (a: W, b: W): Word => op('below', lift(a), lift(b));
export const both = (...all: readonly Word[]): Word => all.reduce((a, b) => op('&&', a, b), yes);
export const either = (...all: readonly Word[]): Word => all.reduce((a, b) => op('||', a, b), no);
export const isZero = (a: Word): Word => eq(a, 0);
export const pick = (when: Word, a: W, b: W): Word =>
  when.kind === 'const'
    ? lift(when.value !== 0 ? a : b)
    : { kind: 'pick', when, yes: lift(a), no: lift(b) };
export const wide = (lo: W, hi: W): Wide => ({ lo: lift(lo), hi: lift(hi) });

/** Writes statements, one behind the other; blocks by functions. */
export class Writer {
  readonly routines = new Map<string, Routine>();
  /** Every variable that is set somewhere. */
  readonly variables = new Set<string>();
  private block: Statement[] = [];
  private owner = 'x';
  private count = 0;

  private emit(s: Statement): void {
    this.block.push(s);
  }

  /** What `write` writes, by itself. */
  collect(write: () => void): readonly Statement[] {
    const outer = this.block;
    const inner: Statement[] = [];
    this.block = inner;
    write();
    this.block = outer;
    return inner;
  }

  /** An action's body: its variables are nobody else's while it runs. */
  action(write: () => void): readonly Statement[] {
    return this.own('x', write);
  }

  private own(owner: string, write: () => void): readonly Statement[] {
    const outer = { owner: this.owner, count: this.count };
    this.owner = owner;
    this.count = 0;
    const body = this.collect(write);
    this.owner = outer.owner;
    this.count = outer.count;
    return body;
  }

  /** A routine; written at its first use. Its variables carry its name, so that they are not the caller's. */
  call(name: string, comment: string, write: () => void): void {
    let known = this.routines.get(name);
    if (!known) {
      known = { name, comment, body: this.own(`${name}_`, write) };
      this.routines.set(name, known);
    }
    this.emit({ kind: 'call', routine: known });
  }

  /** A new variable. */
  fresh(): Word {
    return variable(`${this.owner}${this.count++}`);
  }
  /** A new variable that holds a value as it is now. */
  let(value: Word): Word {
    if (value.kind === 'const') return value;
    const to = this.fresh();
    this.set(to, value);
    return to;
  }
  set(to: Word, value: W): void {
    if (to.kind !== 'var') throw new Error('only a variable can be set');
    this.variables.add(to.name);
    this.emit({ kind: 'set', to: to.name, value: lift(value) });
  }
  put(at: Word, value: W): void {
    this.emit({ kind: 'put', at, value: lift(value) });
  }
  when(condition: Word, then: () => void, otherwise: () => void = () => {}): void {
    if (condition.kind === 'const') {
      if (condition.value !== 0) then();
      else otherwise();
      return;
    }
    const a = this.collect(then);
    const b = this.collect(otherwise);
    if (a.length + b.length > 0) this.emit({ kind: 'if', when: condition, yes: a, no: b });
  }
  while(condition: Word, body: () => void): void {
    this.emit({ kind: 'while', when: condition, body: this.collect(body) });
  }
  /** `i` from `from` up to, not with, `to`. */
  each(i: Word, from: W, to: W, body: () => void, step = 1): void {
    this.set(i, from);
    this.while(less(i, to), () => {
      body();
      this.set(i, add(i, step));
    });
  }
  violate(outcome: W): void {
    this.emit({ kind: 'violate', outcome: lift(outcome) });
  }
  note(operation: number): void {
    this.emit({ kind: 'note', operation });
  }
  attempt(body: () => void): void {
    this.emit({ kind: 'attempt', body: this.collect(body) });
  }
  keep(at: Word, count: number, to: number): void {
    this.emit({ kind: 'keep', at, count, to });
  }
  restore(at: Word, count: number, to: number): void {
    this.emit({ kind: 'restore', at, count, to });
  }
}
