// From statements to operations: accesses in their order, with what rides along behind each.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import { nearest } from '../grammar/diagnostic.ts';
import type { Expr as Ast, Block, Rhs, Span, Stmt } from '../grammar/index.ts';
import { mentions } from './footprint.ts';
import type { KernelDo, KernelOp, PokeUnit } from './ir.ts';
import { instructionTag, percpuStride, property, region, slotStride } from './ir.ts';
import type { Address, Expr, FrameWord, Target } from './ops.ts';
import { big, binary, frameWords, load, local, num } from './ops.ts';
import type { Spec } from './spec.ts';
import { constant } from './spec.ts';
import type { Template } from './x86/assemble.ts';
import { registerOf } from './x86/text.ts';

/** A variable: where it stands, and how its elements and fields follow. */
export interface Variable {
  readonly name: string;
  readonly percpu: boolean;
  /** Of a shared one the address, of a per-CPU one the offset behind its CPU's base. */
  readonly at: number;
  readonly count: number | undefined;
  readonly fields: readonly string[];
}

/** What names mean in a check, found before any statement is lowered. */
export interface Scope {
  readonly spec: Spec;
  readonly text: string;
  readonly cpus: number;
  readonly label: (
    name: string,
  ) => { readonly address: Address; readonly end: Address } | undefined;
  readonly variables: ReadonlyMap<string, Variable>;
  /** Fields of records: their offset in bytes, the same in every record that has one. */
  readonly fields: ReadonlyMap<string, number>;
  readonly placeIndex: ReadonlyMap<string, number>;
  readonly placeLength: (place: number) => number;
  readonly placeAddress: (place: number) => Address;
  readonly stubIndex: ReadonlyMap<string, number>;
  readonly stubTemplates: readonly Template<Span>[];
  readonly stubSlots: readonly { readonly from: Address; readonly count: number }[];
  /** Index of the content that an instruction is by itself, for `emulate call E`. */
  readonly contentOf: (insns: Parameters<Contents>[0]) => number | undefined;
  readonly bytesOf: (insns: Parameters<Contents>[0], at: Address) => Uint8Array | undefined;
  readonly threads: ReadonlyMap<string, readonly number[]>;
  /** A handler reads a saved register: its value matters. */
  readonly readsRegister: (r: number) => void;
  readonly event: (
    e:
      | { readonly kind: 'trap'; readonly address: Address }
      | { readonly kind: 'pass'; readonly place: number; readonly which: 'old' | 'new' },
    span: Span,
  ) => number;
  readonly report: (d: Diagnostic) => void;
}
type Contents = (insns: readonly import('../grammar/index.ts').Insn[]) => unknown;

/** What a name stands for inside a block. */
type Binding =
  | { readonly kind: 'local'; readonly index: number }
  | { readonly kind: 'value'; readonly expr: Expr }
  | { readonly kind: 'place'; readonly place: number };

const zero = num(0);
const one = num(1);
const truth = (e: Expr): Expr => binary('ne', e, zero);

/** Operations under construction; a jump's goal may be set after it. */
interface Label {
  at: number;
}
type Draft = Omit<KernelOp, 'do'> & { do: KernelDo; goal?: Label };

export class Assembly {
  readonly #drafts: Draft[] = [];
  phase: number | undefined;
  readonly phases: string[] = [];
  get length(): number {
    return this.#drafts.length;
  }
  emit(doing: KernelDo, span: Span, text: string, goal?: Label): void {
    this.#drafts.push({
      do: doing,
      span,
      text,
      ...(this.phase === undefined ? {} : { phase: this.phase }),
      ...(goal ? { goal } : {}),
    });
  }
  goesTo(label: Label): boolean {
    return this.#drafts.some((d) => d.goal === label);
  }
  /** The operation just emitted, to be given an end later. */
  closeAtomic(start: number, end: number): void {
    const d = this.#drafts[start] as Draft;
    d.do = { kind: 'atomic', end };
  }
  finish(): KernelOp[] {
    return this.#drafts.map(({ goal, ...d }) => {
      if (!goal) return d;
      const doing = d.do;
      if (doing.kind === 'jump') return { ...d, do: { ...doing, to: goal.at } };
      if (doing.kind === 'build') return { ...d, do: { ...doing, full: goal.at } };
      return d;
    });
  }
}

/** How often one patcher or handler may write a `define` out, and how many inside each other. */
const mostCalls = 2_000;
const deepestCall = 100;

export interface Role {
  readonly kind: 'patcher' | 'handler';
  /** Where `decline` or `fail` goes. */
  readonly leave: Label;
  /** Where a handler's `resume` goes. */
  readonly done: Label;
  /** The places of the patch, in its order; none in a handler. */
  readonly places: readonly number[];
  /** Locals that hold the address of the slot that a stub was last built in. */
  readonly slotLocals: readonly number[];
}

export class Lowering {
  readonly out: Assembly;
  /** The most locals that were in use at once. */
  locals = 0;
  #next = 0;
  readonly #scope: Scope;
  readonly #role: Role | undefined;
  #bindings: Map<string, Binding>[] = [new Map()];
  /** The `define`s that are being written out, the outermost first. */
  readonly #calls: string[] = [];
  /** How many were written out; -1 when it was said that they are too many. */
  #expanded = 0;
  readonly #decided = new Map<string, boolean>();

  constructor(scope: Scope, out: Assembly, role: Role | undefined, firstLocal: number) {
    this.#scope = scope;
    this.out = out;
    this.#role = role;
    this.#next = firstLocal;
    this.locals = firstLocal;
  }

  /** How many were reported: what follows from a mistake is none of its own. */
  #errors = 0;
  #error(code: string, message: string, span: Span, fix?: { title: string; text: string }): void {
    this.#errors++;
    this.#scope.report({
      code,
      severity: 'error',
      message,
      span,
      ...(fix ? { fix: { title: fix.title, edits: [{ span, text: fix.text }] } } : {}),
    });
  }
  #text(span: Span): string {
    return this.#scope.text.slice(span.start, span.end).replace(/\s+/g, ' ').trim();
  }
  #emit(doing: KernelDo, span: Span, goal?: Label): void {
    this.out.emit(doing, span, this.#text(span), goal);
  }
  #fresh(): number {
    const index = this.#next++;
    this.locals = Math.max(this.locals, this.#next);
    return index;
  }
  #jump(goal: Label, span: Span, test?: { when?: Expr; unless?: Expr }): void {
    this.#emit({ kind: 'jump', to: -1, ...test }, span, goal);
  }
  #here(): Label {
    return { at: this.out.length };
  }
  #mark(label: Label): void {
    label.at = this.out.length;
  }
  /** Temporaries end with the statement: what nobody reads again must not tell states apart. */
  #clear(from: number, span: Span): void {
    for (let i = from; i < this.#next; i++)
      this.#emit({ kind: 'set', to: local(i), value: zero }, span);
    this.#next = from;
  }

  block(block: Block): void {
    const from = this.#next;
    this.#bindings.push(new Map());
    for (const stmt of block.body) this.#statement(stmt);
    this.#bindings.pop();
    this.#clear(from, { start: block.span.end, end: block.span.end });
  }

  /** Whether every way through a handler's block says where to go on. */
  #decides(block: Block, depth = 0): boolean {
    return block.body.some((s) => {
      switch (s.kind) {
        case 'resume':
        case 'emulate':
        case 'decline':
          return true;
        case 'assign': {
          const t = s.target;
          return (
            t.kind === 'field' &&
            t.of.kind === 'name' &&
            t.of.text === 'frame' &&
            t.field.text === 'ip'
          );
        }
        case 'if': {
          const known = constant(s.test, this.#scope.spec.options);
          if (known !== undefined) {
            const taken = known !== 0n ? s.then : s.else;
            return taken !== undefined && this.#decides(taken, depth);
          }
          return (
            s.else !== undefined && this.#decides(s.then, depth) && this.#decides(s.else, depth)
          );
        }
        case 'call': {
          const define = this.#scope.spec.defines.find((d) => d.name.text === s.call.name.text);
          if (!define || depth >= deepestCall) return false;
          const known = this.#decided.get(define.name.text);
          if (known !== undefined) return known;
          // Who stands for itself decides nothing.
          this.#decided.set(define.name.text, false);
          const decides = this.#decides(define.body, depth + 1);
          this.#decided.set(define.name.text, decides);
          return decides;
        }
        default:
          return false;
      }
    });
  }

  /** A handler that says nothing returns behind its INT3: into the middle of what stood there. */
  checkDecides(block: Block, where: string): void {
    if (this.#decides(block)) return;
    const before = this.#scope.text.slice(0, block.span.end - 1).trimEnd();
    const end = { start: block.span.end - 1, end: block.span.end };
    this.#scope.report({
      code: 'handler-end',
      severity: 'error',
      message: `this path ends without \`resume\`, \`emulate\` or \`decline\`: it returns into the middle of ${where}`,
      span: end,
      fix: {
        title: 'say `decline` at the end',
        edits: [
          {
            span: { start: before.length, end: block.span.end },
            text: before.endsWith('{') ? ' decline }' : '; decline }',
          },
        ],
      },
    });
  }

  #bind(name: { text: string; span: Span }, binding: Binding): void {
    if (
      this.#find(name.text) ||
      this.#scope.variables.has(name.text) ||
      this.#scope.label(name.text) ||
      this.#scope.stubIndex.has(name.text) ||
      this.#scope.spec.options.has(name.text)
    ) {
      this.#error('shadow', `\`${name.text}\` is taken: names are not shadowed`, name.span);
    }
    this.#bindings[this.#bindings.length - 1]?.set(name.text, binding);
  }
  #find(name: string): Binding | undefined {
    for (let i = this.#bindings.length - 1; i >= 0; i--) {
      const found = this.#bindings[i]?.get(name);
      if (found) return found;
    }
    return undefined;
  }

  // ---- statements

  #statement(stmt: Stmt): void {
    const { span } = stmt;
    const from = this.#next;
    const patcher = (what: string): boolean => {
      if (this.#role?.kind === 'patcher') return true;
      this.#error(
        'patcher-only',
        `\`${what}\` is for the patcher: a handler knows its text, the saved frame and memory`,
        span,
      );
      return false;
    };
    const handler = (what: string): boolean => {
      if (this.#role?.kind === 'handler') return true;
      this.#error(
        'handler-only',
        `\`${what}\` is for a handler: a patcher has no saved frame`,
        span,
      );
      return false;
    };
    switch (stmt.kind) {
      case 'poke':
        if (patcher('poke')) this.#poke(stmt);
        break;
      case 'sync':
        if (!patcher('sync')) break;
        if (stmt.what === 'threads') {
          for (let cpu = 0; cpu < this.#scope.cpus; cpu++) {
            this.#emit({ kind: 'sendto', cpu, self: !stmt.withoutSelf }, span);
          }
        } else this.#emit({ kind: 'send', nmi: stmt.nmi, self: !stmt.withoutSelf }, span);
        if (!stmt.withoutWaiting) this.#emit({ kind: 'acks' }, span);
        break;
      case 'serialize':
        this.#emit({ kind: 'step', ops: [{ kind: 'serialise' }] }, span);
        break;
      case 'fence':
        this.#emit({ kind: 'step', ops: [{ kind: 'drain' }] }, span);
        break;
      case 'waittime':
        this.#emit({ kind: 'waittime' }, span);
        break;
      case 'waitfor': {
        const again = this.#here();
        const before = this.out.length;
        const said = this.#errors;
        const e = this.value(stmt.expr);
        if (this.out.length === before && this.#errors === said)
          this.#error(
            'waits-for-nothing',
            'nothing that is waited for here can change: `wait for` reads memory',
            span,
          );
        const done: Label = { at: -1 };
        this.#jump(done, span, { when: e });
        this.#clearKeep(from, span);
        this.#jump(again, span);
        this.#mark(done);
        break;
      }
      case 'irqs':
        this.#emit(
          {
            kind: 'step',
            ops: stmt.on
              ? [{ kind: 'shadow' }, { kind: 'set', to: { kind: 'flag', flag: 'if' }, value: one }]
              : [{ kind: 'set', to: { kind: 'flag', flag: 'if' }, value: zero }],
          },
          span,
        );
        break;
      case 'preempt':
        if (patcher('preempt')) this.#emit({ kind: 'preempt', on: stmt.on }, span);
        break;
      case 'let': {
        const index = this.#fresh();
        const value = this.#rhs(stmt.value, span);
        this.#emit({ kind: 'set', to: local(index), value }, span);
        this.#clear(index + 1, span);
        this.#bind(stmt.name, { kind: 'local', index });
        return;
      }
      case 'assign':
        this.#assign(stmt);
        break;
      case 'atomic': {
        const start = this.out.length;
        this.#emit({ kind: 'atomic', end: 0 }, span);
        this.#checkOneWord(stmt.body, span);
        this.block(stmt.body);
        this.out.closeAtomic(start, this.out.length);
        break;
      }
      case 'build':
        if (patcher('build')) this.#build(stmt.call);
        break;
      case 'release':
        if (!patcher('release')) break;
        for (const name of stmt.names) {
          const stub = this.#scope.stubIndex.get(name.text);
          if (stub === undefined)
            this.#unknown(name.text, name.span, [...this.#scope.stubIndex.keys()], 'a stub');
          else this.#emit({ kind: 'release', stub, slot: this.#role?.slotLocals[stub] ?? 0 }, span);
        }
        break;
      case 'call':
        this.#call(stmt.call.name, stmt.call.args, span);
        break;
      case 'phase': {
        if (!patcher('phase')) break;
        const outer = this.out.phase;
        let index = this.out.phases.indexOf(stmt.name.text);
        if (index < 0) index = this.out.phases.push(stmt.name.text) - 1;
        this.out.phase = index;
        this.block(stmt.body);
        if (outer === undefined) this.out.phase = undefined;
        else this.out.phase = outer;
        break;
      }
      case 'if': {
        const known = constant(stmt.test, this.#scope.spec.options);
        if (known !== undefined) {
          if (known !== 0n) this.block(stmt.then);
          else if (stmt.else) this.block(stmt.else);
          break;
        }
        const otherwise: Label = { at: -1 };
        const end: Label = { at: -1 };
        this.#test(stmt.test, otherwise);
        this.block(stmt.then);
        if (stmt.else) this.#jump(end, span);
        this.#mark(otherwise);
        if (stmt.else) this.block(stmt.else);
        this.#mark(end);
        break;
      }
      case 'while': {
        const again = this.#here();
        const end: Label = { at: -1 };
        this.#test(stmt.test, end);
        this.block(stmt.body);
        this.#jump(again, span);
        this.#mark(end);
        break;
      }
      case 'for':
        this.#loop(stmt);
        break;
      case 'assert': {
        const e = this.value(stmt.expr);
        // Where it is waived a run goes on behind it.
        if (this.#scope.spec.waives.some((w) => w.name.text === 'assertion')) break;
        const fine: Label = { at: -1 };
        this.#jump(fine, span, { when: e });
        this.#emit(
          {
            kind: 'violate',
            property: property('assertion'),
            message: stmt.text?.text ?? `\`${this.#text(stmt.expr.span)}\` is false`,
          },
          span,
        );
        this.#mark(fine);
        break;
      }
      case 'fail':
        if (!patcher('fail')) break;
        this.#emit({ kind: 'step', ops: [] }, span);
        this.#jump(this.#role?.leave as Label, span);
        break;
      case 'emulate': {
        if (!handler('emulate')) break;
        if (stmt.what.kind === 'expr') {
          const e = this.value(stmt.what.expr);
          this.#emit({ kind: 'emulate', of: e }, span);
          break;
        }
        const { insn } = stmt.what;
        const single = insn.operands.length === 1 ? insn.operands[0] : undefined;
        const named =
          single?.kind === 'value' && single.expr.kind === 'name' ? single.expr.text : undefined;
        // `emulate call E` with an address that is known at run time only.
        if (
          insn.mnemonic.text === 'call' &&
          single?.kind === 'value' &&
          !(named !== undefined && this.#scope.label(named))
        ) {
          const target = this.value(single.expr);
          const back = binary('add', { kind: 'here' }, num(5));
          this.#emit({ kind: 'emulatecall', target, back }, span);
          break;
        }
        const content = this.#scope.contentOf([insn]);
        if (content !== undefined)
          this.#emit(
            { kind: 'emulate', of: { kind: 'const', lo: content + 1, hi: instructionTag } },
            span,
          );
        break;
      }
      case 'resume': {
        if (!handler('resume')) break;
        const e = this.value(stmt.expr);
        this.#emit({ kind: 'set', to: { kind: 'frame', word: 'ip' }, value: e }, span);
        this.#clearKeep(from, span);
        this.#jump(this.#role?.done as Label, span);
        break;
      }
      case 'decline':
        if (!handler('decline')) break;
        for (let i = 0; i < this.#next; i++)
          this.#emit({ kind: 'set', to: local(i), value: zero }, span);
        this.#jump(this.#role?.leave as Label, span);
        break;
      case 'quiescent':
      case 'stop':
      case 'lock':
      case 'unlock':
      case 'run':
        break; // refused by the check of what is supported
    }
    this.#clear(from, span);
  }

  /** Sets temporaries to 0 without giving them back: on one of several ways on. */
  #clearKeep(from: number, span: Span): void {
    for (let i = from; i < this.#next; i++)
      this.#emit({ kind: 'set', to: local(i), value: zero }, span);
  }

  /** Goes to `otherwise` where the test is false. */
  #test(test: Ast, otherwise: Label): void {
    const from = this.#next;
    if (test.kind === 'binary' && test.op === 'and') {
      this.#test(test.a, otherwise);
      this.#test(test.b, otherwise);
      return;
    }
    const e = this.value(test);
    // The jump comes first, so that both ways clear what was loaded.
    if (this.#next === from) {
      this.#jump(otherwise, test.span, { unless: e });
      return;
    }
    const yes: Label = { at: -1 };
    this.#jump(yes, test.span, { when: e });
    this.#clearKeep(from, test.span);
    this.#jump(otherwise, test.span);
    this.#mark(yes);
    this.#clear(from, test.span);
  }

  #loop(stmt: Extract<Stmt, { kind: 'for' }>): void {
    const { span } = stmt;
    const each = (binding: Binding): void => {
      this.#bindings.push(new Map());
      this.#bind(stmt.name, binding);
      this.block(stmt.body);
      this.#bindings.pop();
    };
    if (!stmt.to && stmt.from.kind === 'name' && stmt.from.text === 'cpus') {
      for (let k = 0; k < this.#scope.cpus; k++) each({ kind: 'value', expr: num(k) });
      return;
    }
    if (!stmt.to && stmt.from.kind === 'name' && stmt.from.text === 'sites') {
      if (this.#role?.kind !== 'patcher')
        this.#error('patcher-only', '`sites` are those of a patch', stmt.from.span);
      for (const place of this.#role?.places ?? []) each({ kind: 'place', place });
      return;
    }
    if (!stmt.to) {
      this.#error('for', '`for` goes over `cpus`, `sites`, or a range `0..n`', stmt.from.span);
      return;
    }
    const index = this.#fresh();
    this.#emit({ kind: 'set', to: local(index), value: this.value(stmt.from) }, span);
    const again = this.#here();
    const end: Label = { at: -1 };
    const from = this.#next;
    const limit = this.value(stmt.to);
    const goes: Label = { at: -1 };
    this.#jump(goes, span, { when: binary('lt', local(index), limit) });
    this.#clearKeep(from, span);
    this.#jump(end, span);
    this.#mark(goes);
    this.#clear(from, span);
    this.#bindings.push(new Map());
    this.#bind(stmt.name, { kind: 'local', index });
    this.block(stmt.body);
    this.#bindings.pop();
    this.#emit({ kind: 'set', to: local(index), value: binary('add', local(index), one) }, span);
    this.#jump(again, span);
    this.#mark(end);
  }

  #call(name: { text: string; span: Span }, args: readonly Ast[], span: Span): void {
    const define = this.#scope.spec.defines.find((d) => d.name.text === name.text);
    if (!define) {
      this.#unknown(
        name.text,
        name.span,
        this.#scope.spec.defines.map((d) => d.name.text),
        'a `define`',
      );
      return;
    }
    if (define.params.length !== args.length) {
      this.#error(
        'arguments',
        `\`${name.text}\` takes ${define.params.length} arguments, not ${args.length}`,
        span,
      );
      return;
    }
    if (this.#calls.includes(name.text)) {
      this.#error('recursion', `\`${name.text}\` stands for itself`, span);
      return;
    }
    // Each may stand for two of the next, so what they all write out is bounded; a chain is, for it is recursion here.
    if (this.#expanded < 0) return;
    if (++this.#expanded > mostCalls || this.#calls.length >= deepestCall) {
      this.#expanded = -1;
      this.#error(
        'too-large',
        `\`define\`s are written out up to ${mostCalls} times, and ${deepestCall} inside each other`,
        span,
      );
      return;
    }
    const bindings = new Map<string, Binding>();
    const from = this.#next;
    args.forEach((arg, i) => {
      const param = define.params[i] as { text: string };
      const place = arg.kind === 'name' ? this.#placeOf(arg.text) : undefined;
      bindings.set(
        param.text,
        place === undefined ? { kind: 'value', expr: this.value(arg) } : { kind: 'place', place },
      );
    });
    const outer = this.#bindings;
    this.#bindings = [bindings];
    this.#calls.push(name.text);
    this.block(define.body);
    this.#calls.pop();
    this.#bindings = outer;
    this.#clear(from, span);
  }

  #placeOf(name: string): number | undefined {
    const bound = this.#find(name);
    if (bound) return bound.kind === 'place' ? bound.place : undefined;
    return this.#scope.placeIndex.get(name);
  }

  #poke(stmt: Extract<Stmt, { kind: 'poke' }>): void {
    const { span } = stmt;
    const place = this.#placeOf(stmt.place.text);
    if (place === undefined) {
      this.#unknown(
        stmt.place.text,
        stmt.place.span,
        [...this.#scope.placeIndex.keys()],
        'a place of a patch',
      );
      return;
    }
    if (!this.#role?.places.includes(place)) {
      this.#error(
        'foreign-place',
        `\`${stmt.place.text}\` is not a place of this patch`,
        stmt.place.span,
      );
      return;
    }
    const length = this.#scope.placeLength(place);
    let from = 0;
    let to = length;
    if (stmt.range) {
      const a = constant(stmt.range.from, this.#scope.spec.options);
      const b = stmt.range.to ? constant(stmt.range.to, this.#scope.spec.options) : undefined;
      if (typeof a !== 'bigint' || (stmt.range.to && typeof b !== 'bigint')) {
        this.#error('range', 'the bytes of a poke are given by numbers', stmt.range.span);
        return;
      }
      from = Number(a);
      to = typeof b === 'bigint' ? Number(b) : stmt.range.dots ? length : from + 1;
      // `s[1..]` of a place of one byte is nothing: a loop over sites may say it.
      if (stmt.range.dots && !stmt.range.to && from === length) return;
      if (from < 0 || to > length || from >= to) {
        const ok = `\`${stmt.place.text}\` has bytes 0 to ${length - 1}`;
        this.#error(
          'poke-range',
          from >= to && to <= length && from < length
            ? `the range ${from}..${to} has no bytes`
            : `this pokes outside its place: ${ok}`,
          stmt.range.span,
        );
        return;
      }
    }
    let source: Extract<KernelDo, { kind: 'poke' }>['source'] = { kind: 'content', which: 'new' };
    if (stmt.source?.kind === 'old') source = { kind: 'content', which: 'old' };
    else if (stmt.source?.kind === 'insns') {
      const bytes = this.#scope.bytesOf(stmt.source.insns, this.#scope.placeAddress(place) + from);
      if (!bytes) return;
      if (bytes.length !== to - from) {
        this.#error(
          'poke-length',
          `this is ${bytes.length} bytes, and the range has ${to - from}`,
          stmt.source.span,
        );
        return;
      }
      source = { kind: 'bytes', bytes };
    }
    const unit = stmt.unit;
    const one = (a: number, b: number, how: PokeUnit): void => {
      const part =
        source.kind === 'bytes'
          ? { ...source, bytes: source.bytes.slice(a - from, b - from) }
          : source;
      this.#emit({ kind: 'poke', place, from: a, to: b, source: part, unit: how }, span);
    };
    if (unit?.kind === 'anyorder') one(from, to, { kind: 'together' });
    else if (unit?.kind === 'store') {
      if (![1, 2, 4, 8, 16].includes(unit.size))
        this.#error('store-size', 'a store has 1, 2, 4, 8 or 16 bytes', unit.span);
      else if (to - from > unit.size)
        this.#error(
          'store-size',
          `a store of ${unit.size} bytes cannot write ${to - from}`,
          unit.span,
        );
      else {
        one(from, to, { kind: 'store', size: unit.size, locked: unit.locked });
        // A locked store is done before anything behind it, also where it falls in two lines.
        const at = this.#scope.placeAddress(place);
        if (unit.locked && Math.floor((at + from) / 64) !== Math.floor((at + to - 1) / 64))
          this.#emit({ kind: 'step', ops: [{ kind: 'drain' }] }, span);
      }
    } else {
      const order = Array.from({ length: to - from }, (_, i) => from + i);
      if (unit?.kind === 'bytes' && unit.descending) order.reverse();
      for (const i of order) one(i, i + 1, { kind: 'store', size: 1, locked: false });
    }
  }

  #build(call: {
    readonly name: { text: string; span: Span };
    readonly args: readonly Ast[];
    readonly span: Span;
  }): Expr {
    const stub = this.#scope.stubIndex.get(call.name.text);
    if (stub === undefined) {
      this.#unknown(call.name.text, call.name.span, [...this.#scope.stubIndex.keys()], 'a stub');
      return zero;
    }
    const template = this.#scope.stubTemplates[stub] as Template<Span>;
    if (template.params !== call.args.length) {
      this.#error(
        'arguments',
        `\`${call.name.text}\` takes ${template.params} arguments, not ${call.args.length}`,
        call.span,
      );
      return zero;
    }
    const args = [
      ...call.args.map((a) => this.#held(this.value(a), call.span)),
      ...template.constants.map(num),
    ];
    const slot = this.#role?.slotLocals[stub] ?? 0;
    for (let index = 0; index < template.bytes.length; index++) {
      this.#emit(
        { kind: 'build', stub, index, args, slot, full: -1 },
        call.span,
        this.#role?.leave as Label,
      );
    }
    return local(slot);
  }

  /** A value that is used in several steps: which CPU is meant is that of the first. */
  #held(value: Expr, span: Span): Expr {
    if (!mentions(value, (e) => e.kind === 'gsbase' || e.kind === 'cpu')) return value;
    const held = local(this.#fresh());
    this.#emit({ kind: 'set', to: held, value }, span);
    return held;
  }

  #rhs(value: Rhs, span: Span): Expr {
    if (value.kind === 'expr') return this.value(value.expr);
    if (this.#role?.kind !== 'patcher') {
      this.#error('patcher-only', '`build` is for the patcher', span);
      return zero;
    }
    return this.#build(value.call);
  }

  #assign(stmt: Extract<Stmt, { kind: 'assign' }>): void {
    const { span } = stmt;
    const value = (): Expr => {
      const right = this.#rhs(stmt.value, span);
      if (stmt.op === '=') return right;
      return binary(stmt.op === '+=' ? 'add' : 'sub', this.value(stmt.target), right);
    };
    const t = stmt.target;
    if (t.kind === 'name') {
      const bound = this.#find(t.text);
      if (bound?.kind === 'local') {
        this.#emit({ kind: 'set', to: local(bound.index), value: value() }, span);
        return;
      }
    }
    if (t.kind === 'field' && t.of.kind === 'name' && t.of.text === 'frame') {
      const to = this.#frameField(t.field);
      if (to) this.#emit({ kind: 'set', to, value: value() }, span);
      return;
    }
    // `X += 1`: the load comes from the left, then the right side, then the store.
    let e: Expr;
    let address: Expr | undefined;
    if (stmt.op === '=') {
      e = value();
      address = this.#address(t);
    } else {
      // Where it is, is found out once.
      address = this.#address(t);
      if (address) address = this.#held(address, span);
      const now = address ? this.#loaded(address, t.span, false) : this.value(t);
      const right = this.#rhs(stmt.value, span);
      e = binary(stmt.op === '+=' ? 'add' : 'sub', now, right);
    }
    const place = t.kind === 'index' && t.of.kind === 'name' ? this.#placeOf(t.of.text) : undefined;
    if (place !== undefined) {
      const words = this.#scope.text.slice(t.span.start, t.span.end);
      this.#error('assign', `the bytes of a place are written by \`poke ${words} = …\``, t.span, {
        title: 'write `poke`',
        text: `poke ${words}`,
      });
      return;
    }
    if (!address) {
      const variables = [...this.#scope.variables.keys()];
      // Who adds to it has been told.
      if (t.kind === 'name' && nearest(t.text, variables)) {
        if (stmt.op === '=') this.#unknown(t.text, t.span, variables, 'a variable of this file');
        return;
      }
      this.#error(
        'assign',
        'this cannot be assigned to: variables, their fields and elements, locals and the saved frame can',
        t.span,
      );
      return;
    }
    this.#emit({ kind: 'store', address, value: e, width: 8 }, span);
  }

  #frameField(field: { text: string; span: Span }): (Target & Expr) | undefined {
    if (this.#role?.kind !== 'handler') {
      this.#error('handler-only', '`frame` is the saved state in a handler', field.span);
      return undefined;
    }
    const text = field.text === 'rip' ? 'ip' : field.text === 'rsp' ? 'sp' : field.text;
    if (text === 'if') return { kind: 'frameif' };
    if ((frameWords as readonly string[]).includes(text))
      return { kind: 'frame', word: text as FrameWord };
    const r = registerOf(text);
    if (r && r.width === 8) return { kind: 'framereg', reg: r.reg };
    this.#unknown(
      field.text,
      field.span,
      [
        'ip',
        'sp',
        'flags',
        'if',
        'cs',
        'ss',
        'rax',
        'rcx',
        'rdx',
        'rbx',
        'rbp',
        'rsi',
        'rdi',
        'r10',
        'r11',
      ],
      'a field of the saved frame',
    );
    return undefined;
  }

  /** An atomic block is one locked instruction: it can touch one word. */
  #checkOneWord(block: Block, span: Span): void {
    const words = new Set<string>();
    /** A pointer that is read to get at the word is a word, too; an array or a record is an address. */
    const inner = (e: Ast): void => {
      if (e.kind === 'name') {
        const v = this.#scope.variables.get(e.text);
        if (v && v.count === undefined && v.fields.length === 0 && !v.percpu) words.add(e.text);
      } else if (e.kind === 'index') {
        inner(e.of);
        seen(e.index);
      } else if (e.kind === 'field') seen(e);
    };
    const seen = (e: Ast): void => {
      switch (e.kind) {
        case 'name':
          if (this.#scope.variables.has(e.text)) words.add(e.text);
          break;
        case 'field':
          if (e.of.kind === 'name' && e.of.text === 'frame') break;
          words.add(this.#text(e.span));
          inner(e.of);
          break;
        case 'index':
          words.add(this.#text(e.span));
          inner(e.of);
          seen(e.index);
          break;
        case 'binary':
          seen(e.a);
          seen(e.b);
          break;
        case 'not':
          seen(e.a);
          break;
        default:
          break;
      }
    };
    const walk = (b: Block): void => {
      for (const s of b.body) {
        if (s.kind === 'assign') {
          seen(s.target);
          if (s.value.kind === 'expr') seen(s.value.expr);
        } else if (s.kind === 'if') {
          seen(s.test);
          walk(s.then);
          if (s.else) walk(s.else);
        } else if (s.kind === 'let' && s.value.kind === 'expr') seen(s.value.expr);
        else if (s.kind !== 'decline')
          this.#error(
            'atomic',
            'an `atomic` is one instruction: it can test and change one word, or decline',
            s.span,
          );
      }
    };
    walk(block);
    if (words.size > 1) {
      this.#error(
        'atomic-words',
        `\`atomic\` touches ${words.size} words, ${[...words].map((w) => `\`${w}\``).join(' and ')}: no instruction does that`,
        span,
      );
    }
  }

  // ---- expressions

  #unknown(name: string, span: Span, candidates: readonly string[], what: string): void {
    const near = nearest(name, candidates);
    this.#error(
      'unknown-name',
      `\`${name}\` is not ${what}${near ? `; did you mean \`${near}\`?` : ''}`,
      span,
      near ? { title: `use \`${near}\``, text: near } : undefined,
    );
  }

  /** A value whose loads have been emitted, each as a step into a temporary. */
  value(e: Ast): Expr {
    const { options } = this.#scope.spec;
    const known = constant(e, options);
    if (typeof known === 'bigint') return big(known);
    switch (e.kind) {
      case 'number':
        return big(e.value);
      case 'name':
        return this.#nameValue(e.text, e.span);
      case 'not':
        return { kind: 'not', a: this.value(e.a) };
      case 'within':
        return { kind: 'within', context: e.context };
      case 'binary': {
        if (e.op === 'and' || e.op === 'or') return this.#shortCircuit(e);
        const ops = {
          '==': 'eq',
          '!=': 'ne',
          '<': 'lt',
          '<=': 'le',
          '>': 'gt',
          '>=': 'ge',
          '+': 'add',
          '-': 'sub',
          '*': 'mul',
          '/': 'div',
        } as const;
        const a = this.value(e.a);
        const b = this.value(e.b);
        return binary(ops[e.op], a, b);
      }
      case 'field':
        return this.#fieldValue(e);
      case 'index':
        return this.#indexValue(e);
      case 'threadat': {
        const where = this.#regionOf(e.where, e.region);
        const threads = this.#threadsOf(e.thread);
        return any(
          threads.flatMap((thread) => where.map((w) => ({ kind: 'at' as const, thread, ...w }))),
        );
      }
      case 'returns': {
        const where = this.#regionOf(e.region, true);
        const threads = this.#threadsOf(e.thread);
        return any(
          threads.flatMap((thread) =>
            where.map((w) => ({ kind: 'returns' as const, thread, ...w })),
          ),
        );
      }
      case 'handling': {
        const where = this.#regionOf(e.where, false);
        return any(where.map((w) => ({ kind: 'handling' as const, ...w })));
      }
      case 'trap': {
        const where = this.#regionOf(e.where, false);
        return any(
          where.map(({ from: address }) => ({
            kind: 'event' as const,
            event: this.#scope.event({ kind: 'trap', address }, e.span),
          })),
        );
      }
      case 'pass': {
        const place = this.#scope.placeIndex.get(e.place.text);
        if (place === undefined) {
          this.#unknown(
            e.place.text,
            e.place.span,
            [...this.#scope.placeIndex.keys()],
            'a place of a patch',
          );
          return zero;
        }
        return {
          kind: 'event',
          event: this.#scope.event({ kind: 'pass', place, which: e.which }, e.span),
        };
      }
    }
  }

  #threadsOf(name: { text: string; span: Span }): readonly number[] {
    const threads = this.#scope.threads.get(name.text);
    if (!threads) this.#unknown(name.text, name.span, [...this.#scope.threads.keys()], 'a thread');
    return threads ?? [];
  }

  /** Where a label or a stub begins, in each of its slots; or all of it. Empty where something was reported. */
  #regionOf(e: Ast, whole: boolean): readonly { readonly from: Address; readonly to: Address }[] {
    if (e.kind === 'name') {
      const label = this.#scope.label(e.text);
      if (label) return [{ from: label.address, to: whole ? label.end : label.address + 1 }];
      const stub = this.#scope.stubIndex.get(e.text);
      if (stub !== undefined) {
        const { from, count } = this.#scope.stubSlots[stub] as { from: number; count: number };
        if (whole) return [{ from, to: from + count * slotStride }];
        return Array.from({ length: count }, (_, i) => {
          const first = from + i * slotStride;
          return { from: first, to: first + 1 };
        });
      }
    }
    const at = lowOf(this.value(e));
    if (at !== undefined) return [{ from: at, to: at + 1 }];
    this.#error('region', 'a label or a stub stands here', e.span);
    return [];
  }

  #shortCircuit(e: Extract<Ast, { kind: 'binary' }>): Expr {
    if (!this.#role) {
      // A property is one look at a state, with no steps: all of it is evaluated at once.
      return { kind: e.op === 'and' ? 'both' : 'either', a: this.value(e.a), b: this.value(e.b) };
    }
    const result = this.#fresh();
    const end: Label = { at: -1 };
    this.#emit({ kind: 'set', to: local(result), value: truth(this.value(e.a)) }, e.span);
    this.#clearAbove(result, e.span);
    this.#jump(end, e.span, e.op === 'and' ? { unless: local(result) } : { when: local(result) });
    this.#emit({ kind: 'set', to: local(result), value: truth(this.value(e.b)) }, e.span);
    this.#clearAbove(result, e.span);
    this.#mark(end);
    return local(result);
  }
  #clearAbove(index: number, span: Span): void {
    this.#clear(index + 1, span);
  }

  /** A load: a step of its own in statements; in properties a look. */
  #loaded(address: Expr, span: Span, code: boolean): Expr {
    if (!this.#role) return code ? { kind: 'codebyte', address } : load(address);
    const to = this.#fresh();
    this.#emit({ kind: 'load', to, address, width: 8, code }, span);
    return local(to);
  }

  #nameValue(name: string, span: Span): Expr {
    const bound = this.#find(name);
    if (bound?.kind === 'local') return local(bound.index);
    if (bound?.kind === 'value') return bound.expr;
    if (bound?.kind === 'place') return num(this.#scope.placeAddress(bound.place));
    switch (name) {
      case 'int3':
        return num(0xcc);
      case 'cpu':
        return { kind: 'cpu' };
      case 'here':
        if (this.#role?.kind !== 'handler')
          this.#error('handler-only', '`here` is the address that trapped, in a handler', span);
        return { kind: 'here' };
      case 'new':
      case 'old': {
        if (this.#role?.kind !== 'patcher') {
          this.#error(
            'patcher-value',
            `\`${name}\` is known to the patcher only: store it in a shared variable and load it here`,
            span,
          );
          return zero;
        }
        const place = this.#role.places[0];
        if (this.#role.places.length !== 1 || place === undefined) {
          this.#error(
            'which-place',
            `this patch has several places: say whose, for instance \`s.${name}\` in \`for s in sites\``,
            span,
          );
          return zero;
        }
        return { kind: 'content', place, which: name };
      }
    }
    const variable = this.#scope.variables.get(name);
    if (variable) {
      const address = this.#variableAddress(variable);
      // An array or a record stands for its address.
      return variable.count !== undefined || variable.fields.length > 0
        ? address
        : this.#loaded(address, span, false);
    }
    const label = this.#scope.label(name);
    if (label) return num(label.address);
    const stub = this.#scope.stubIndex.get(name);
    if (stub !== undefined) {
      const slots = this.#scope.stubSlots[stub] as { from: Address; count: number };
      if (slots.count > 1)
        this.#error(
          'which-slot',
          `\`${name}\` has ${slots.count} slots: resume at what \`build\` gave`,
          span,
        );
      return num(slots.from);
    }
    const names = [
      ...this.#scope.variables.keys(),
      ...this.#scope.spec.options.keys(),
      ...this.#scope.stubIndex.keys(),
      ...this.#bindings.flatMap((b) => [...b.keys()]),
      'here',
      'frame',
      'new',
      'old',
      'cpu',
      'nil',
    ];
    this.#unknown(name, span, names, 'a name of this file');
    return zero;
  }

  #variableAddress(v: Variable): Expr {
    return v.percpu ? binary('add', { kind: 'gsbase' }, num(v.at)) : num(v.at);
  }

  #fieldValue(e: Extract<Ast, { kind: 'field' }>): Expr {
    const { of, field } = e;
    if (of.kind === 'name') {
      if (of.text === 'frame') {
        const part = this.#frameField(field);
        if (part?.kind === 'framereg') this.#scope.readsRegister(part.reg);
        return part ?? zero;
      }
      if (field.text === 'end') {
        const place = this.#find(of.text);
        if (place?.kind === 'place')
          return num(this.#scope.placeAddress(place.place) + this.#scope.placeLength(place.place));
        const label = this.#scope.label(of.text);
        if (label) return num(label.end);
      }
      if (field.text === 'new' || field.text === 'old') {
        const place = this.#placeOf(of.text);
        if (place !== undefined) {
          if (this.#role?.kind !== 'patcher' || !this.#role.places.includes(place)) {
            this.#error(
              'patcher-value',
              `\`${of.text}.${field.text}\` is known to the patcher of that place only: store it in a shared variable and load it here`,
              e.span,
            );
            return zero;
          }
          return { kind: 'content', place, which: field.text };
        }
      }
    }
    if (field.text === 'target') return { kind: 'target', of: this.value(of) };
    const address = this.#address(e);
    if (address) return this.#loaded(address, e.span, false);
    this.#unknown(
      field.text,
      field.span,
      [...this.#scope.fields.keys(), 'end', 'target', 'new', 'old'],
      'a field',
    );
    return zero;
  }

  #indexValue(e: Extract<Ast, { kind: 'index' }>): Expr {
    if (e.of.kind === 'name') {
      const place = this.#placeOf(e.of.text);
      if (place !== undefined)
        return this.#loaded(
          binary('add', num(this.#scope.placeAddress(place)), this.value(e.index)),
          e.span,
          true,
        );
      const variable = this.#scope.variables.get(e.of.text);
      if (variable && !this.#find(e.of.text)) {
        const address = this.#address(e);
        if (!address) return zero;
        return variable.fields.length > 0 ? address : this.#loaded(address, e.span, false);
      }
      const label = this.#scope.label(e.of.text);
      if (label && !this.#find(e.of.text))
        return this.#loaded(binary('add', num(label.address), this.value(e.index)), e.span, true);
    }
    return { kind: 'byteof', of: this.value(e.of), index: this.value(e.index) };
  }

  /** The address of what can be stored to, or undefined. */
  #address(e: Ast): Expr | undefined {
    if (e.kind === 'name') {
      if (this.#find(e.text)) return undefined;
      const v = this.#scope.variables.get(e.text);
      return v && v.count === undefined && v.fields.length === 0
        ? this.#variableAddress(v)
        : undefined;
    }
    if (e.kind === 'index' && e.of.kind === 'name' && !this.#find(e.of.text)) {
      const v = this.#scope.variables.get(e.of.text);
      if (!v) return undefined;
      const index = this.value(e.index);
      if (v.percpu && v.count === undefined)
        return binary('add', num(region.percpu + v.at), scaled(index, percpuStride));
      const size = 8 * Math.max(1, v.fields.length);
      return binary('add', this.#variableAddress(v), scaled(index, size));
    }
    if (e.kind === 'field') {
      const offset = this.#scope.fields.get(e.field.text);
      if (offset === undefined) return undefined;
      const base =
        e.of.kind === 'index' ? (this.#address(e.of) ?? this.value(e.of)) : this.value(e.of);
      return offset === 0 ? base : binary('add', base, num(offset));
    }
    return undefined;
  }
}

/** The low word of a sum of constants. */
function lowOf(e: Expr): number | undefined {
  if (e.kind === 'const') return e.lo;
  if (e.kind !== 'binary' || (e.op !== 'add' && e.op !== 'sub')) return undefined;
  const [a, b] = [lowOf(e.a), lowOf(e.b)];
  if (a === undefined || b === undefined) return undefined;
  return (e.op === 'add' ? a + b : a - b) | 0;
}

const scaled = (index: Expr, by: number): Expr =>
  index.kind === 'const' ? num(index.lo * by) : binary('mul', index, num(by));
const any = ([first = zero, ...more]: readonly Expr[]): Expr =>
  more.reduce((a: Expr, b) => binary('or', a, b), first);

export type { Label };
