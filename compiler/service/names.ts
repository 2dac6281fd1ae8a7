// The names of a text: where each is declared, where it is used, and from where it can be seen.
//
// It reads the tree alone, all branches of every `if` at once, so that it answers for texts with errors as well.
// There is one namespace for the file; phases, fields and the words of an option have one each, and locals,
// parameters and the labels of a stub are seen in their block only.

import type {
  AsmItem,
  Block,
  Call,
  Expr,
  File,
  Insn,
  Item,
  Name,
  Setting,
  Span,
  Stmt,
} from '../../grammar/index.ts';
import { registers } from '../../grammar/tokens.ts';
import { builtin } from '../ir.ts';
import { constants } from '../vocabulary.ts';

export type NameKind =
  | 'protocol'
  | 'option'
  | 'value' // a word of an option
  | 'label'
  | 'place' // a label that a patch changes
  | 'thread'
  | 'irq'
  | 'nmi'
  | 'shared'
  | 'percpu'
  | 'field'
  | 'mutex'
  | 'descriptor'
  | 'stub'
  | 'parameter'
  | 'handler'
  | 'define'
  | 'patch'
  | 'phase'
  | 'property'
  | 'local';

export interface Declaration {
  readonly name: Span;
  /** The section, statement or line that declares it. */
  readonly whole: Span;
  /** Its beginning, where it has statements. */
  readonly head?: Span;
}

/** One thing that has a name. */
export interface Named {
  readonly name: string;
  readonly kind: NameKind;
  /** None for a built-in property; several where branches of an `if` declare it. */
  readonly declarations: readonly Declaration[];
  readonly uses: readonly Span[];
  /** Where it is seen, if not in the whole file. */
  readonly scope?: Span;
  /** Of a value: its option. */
  readonly option?: string;
}

export interface Occurrence {
  readonly span: Span;
  readonly named: Named;
  readonly declares: boolean;
}

export interface Names {
  readonly all: readonly Named[];
  /** In the order of the text; no two overlap. */
  readonly occurrences: readonly Occurrence[];
  /** The occurrence that an offset is in, or behind. */
  at(offset: number): Occurrence | undefined;
  /** What can be named at an offset: of the file's one namespace, and of the blocks around it. */
  visible(offset: number): readonly Named[];
  /** What a word stands for at an offset. */
  find(name: string, offset: number): Named | undefined;
}

type Draft = { -readonly [K in keyof Named]: Named[K] } & {
  readonly declarations: Declaration[];
  readonly uses: Span[];
};

export const inside = (offset: number, span: Span): boolean =>
  span.start <= offset && offset <= span.end;

/** Names that no variable can take; `cpus` and `sites` mean something in a `for` only. */
const given: ReadonlySet<string> = new Set(
  Object.keys(constants).filter((c) => c !== 'cpus' && c !== 'sites'),
);

export function namesOf(file: File | undefined, text: string): Names {
  const collector = new Collector(text);
  if (file) {
    collector.declare(file);
    collector.use(file);
  }
  const all = collector.all;
  const occurrences = all
    .flatMap((named): Occurrence[] => [
      ...named.declarations.map((d) => ({ span: d.name, named, declares: true })),
      ...named.uses.map((span) => ({ span, named, declares: false })),
    ])
    .filter((o) => o.span.end > o.span.start)
    .sort((a, b) => a.span.start - b.span.start || Number(b.declares) - Number(a.declares))
    .filter((o, i, list) => o.span.start !== list[i - 1]?.span.start);
  return {
    all,
    occurrences,
    at: (offset) => {
      let low = 0;
      let high = occurrences.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((occurrences[middle]?.span.start ?? 0) <= offset) low = middle + 1;
        else high = middle;
      }
      const found = occurrences[low - 1];
      return found && inside(offset, found.span) ? found : undefined;
    },
    visible: (offset) =>
      all.filter((n) => collector.isOpen(n) && (!n.scope || inside(offset, n.scope))),
    find: (name, offset) => collector.find(name, offset),
  };
}

/** Things of one name, each seen in a part of the text. */
interface Scoped {
  readonly drafts: Draft[];
  readonly byStart: Map<number, Draft>;
  /** Made when all are declared. */
  sorted?: readonly Nested[];
}
interface Nested {
  readonly draft: Draft;
  /** The nearest one before it that is seen further than it. */
  readonly around: Nested | undefined;
}

/** Blocks lie inside each other or apart, so a walk outwards is as long as they are deep. */
function nested(drafts: readonly Draft[]): readonly Nested[] {
  const open: Nested[] = [];
  return [...drafts]
    .sort((a, b) => (a.scope?.start ?? 0) - (b.scope?.start ?? 0))
    .map((draft) => {
      const { end = 0 } = draft.scope ?? {};
      while (open.length > 0 && (open[open.length - 1]?.draft.scope?.end ?? 0) <= end) open.pop();
      const own = { draft, around: open[open.length - 1] };
      open.push(own);
      return own;
    });
}

const declaration = (name: Name, whole: Span, body?: Block): Declaration => ({
  name: name.span,
  whole,
  ...(body ? { head: { start: whole.start, end: body.span.start } } : {}),
});

class Collector {
  readonly all: Draft[] = [];
  readonly #text: string;
  readonly #file = new Map<string, Draft>();
  readonly #scoped = new Map<string, Scoped>();
  readonly #phases = new Map<string, Draft>();
  readonly #fields = new Map<string, Draft>();
  readonly #values = new Map<string, Draft>();
  readonly #properties = new Map<string, Draft>();
  /** Not in the namespace that expressions see. */
  readonly #apart = new Set<Named>();

  constructor(text: string) {
    this.#text = text;
  }

  isOpen(named: Named): boolean {
    return !this.#apart.has(named);
  }

  find(name: string, offset: number): Draft | undefined {
    const list = this.#scoped.get(name);
    if (list) {
      list.sorted ??= nested(list.drafts);
      // Behind the last that begins before the offset, outwards until one has not ended there.
      let low = 0;
      let high = list.sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((list.sorted[middle]?.draft.scope?.start ?? 0) <= offset) low = middle + 1;
        else high = middle;
      }
      for (let at = list.sorted[low - 1]; at; at = at.around)
        if (at.draft.scope && inside(offset, at.draft.scope)) return at.draft;
    }
    return this.#file.get(name);
  }

  #make(
    map: Map<string, Draft>,
    key: string,
    named: { name: string; kind: NameKind; option?: string },
    apart = true,
  ): Draft {
    let draft = map.get(key);
    if (!draft) {
      draft = { ...named, declarations: [], uses: [] };
      map.set(key, draft);
      this.all.push(draft);
      if (apart) this.#apart.add(draft);
    }
    return draft;
  }

  #inFile(name: Name, kind: NameKind, whole: Span, body?: Block): void {
    const draft = this.#make(this.#file, name.text, { name: name.text, kind }, false);
    draft.declarations.push(declaration(name, whole, body));
  }

  #inScope(name: Name, kind: NameKind, whole: Span, scope: Span): void {
    const list: Scoped = this.#scoped.get(name.text) ?? { drafts: [], byStart: new Map() };
    this.#scoped.set(name.text, list);
    // A label under both branches of an `if` is one name.
    const same = list.byStart.get(scope.start);
    if (same?.scope?.end === scope.end) {
      same.declarations.push({ name: name.span, whole });
      return;
    }
    const draft: Draft = {
      name: name.text,
      kind,
      declarations: [{ name: name.span, whole }],
      uses: [],
      scope,
    };
    list.drafts.push(draft);
    list.byStart.set(scope.start, draft);
    this.all.push(draft);
  }

  // ---- declarations

  declare(file: File): void {
    const heading = this.#make(new Map(), '', { name: file.name.text, kind: 'protocol' });
    heading.declarations.push({
      name: file.name.span,
      whole: { start: file.name.span.start, end: file.summary.span.end },
    });
    for (const name of builtin) this.#make(this.#properties, name, { name, kind: 'property' });
    this.#items(file.items);
    // A label that a patch changes is a place.
    const places = (items: readonly Item[]): void => {
      for (const item of items) {
        if (item.kind === 'if') {
          places(item.then);
          places(item.else ?? []);
        } else if (item.kind === 'patch')
          for (const change of item.changes) {
            const label = this.#file.get(change.place.text);
            if (label?.kind === 'label') label.kind = 'place';
          }
      }
    };
    places(file.items);
  }

  #items(items: readonly Item[]): void {
    for (const item of items) {
      switch (item.kind) {
        case 'option':
          for (const name of item.names) {
            this.#inFile(name, 'option', item.span);
            for (const value of item.values) {
              if (value.kind !== 'word' || value.text === 'on' || value.text === 'off') continue;
              const key = `${name.text} ${value.text}`;
              const draft = this.#make(this.#values, key, {
                name: value.text,
                kind: 'value',
                option: name.text,
              });
              draft.declarations.push({ name: value.span, whole: item.span });
            }
          }
          break;
        case 'code':
          this.#labels(item.body, (name, whole) => this.#inFile(name, 'label', whole));
          break;
        case 'runs':
          if (item.name && item.who !== 'ipi') this.#inFile(item.name, item.who, item.span);
          break;
        case 'memory':
          for (const cell of item.cells) {
            this.#inFile(cell.name, item.who, item.cells.length > 1 ? cell.span : item.span);
            this.#declareFields(cell.fields, cell.span);
          }
          break;
        case 'mutex':
          for (const name of item.names) this.#inFile(name, 'mutex', item.span);
          break;
        case 'descriptor':
          this.#inFile(item.name, 'descriptor', item.span);
          this.#declareFields(item.fields, item.span);
          break;
        case 'stub':
          this.#inFile(item.name, 'stub', item.span);
          for (const p of item.params)
            this.#inScope(p, 'parameter', p.span, this.#whole(item.span));
          this.#labels(item.body, (name, whole) =>
            this.#inScope(name, 'label', whole, this.#whole(item.span)),
          );
          break;
        case 'breakpoint':
          if (item.name) {
            const draft = this.#make(new Map(), '', { name: item.name.text, kind: 'handler' });
            draft.declarations.push(declaration(item.name, item.span, item.body));
          }
          this.#block(item.body);
          break;
        case 'define':
          this.#inFile(item.name, 'define', item.span, item.body);
          for (const p of item.params)
            this.#inScope(p, 'parameter', p.span, this.#whole(item.span));
          this.#block(item.body);
          break;
        case 'patch':
          if (item.name) this.#inFile(item.name, 'patch', item.span, item.body);
          this.#block(item.body);
          break;
        case 'require':
          this.#inFile(item.name, 'property', item.span);
          break;
        case 'if':
          this.#items(item.then);
          this.#items(item.else ?? []);
          break;
        default:
          break;
      }
    }
  }

  #declareFields(fields: readonly Name[], whole: Span): void {
    for (const f of fields)
      this.#make(this.#fields, f.text, { name: f.text, kind: 'field' }).declarations.push({
        name: f.span,
        whole,
      });
  }

  #labels(body: readonly AsmItem[], found: (name: Name, whole: Span) => void): void {
    for (const [i, item] of body.entries()) {
      if (item.kind === 'label') {
        const next = body[i + 1];
        const whole =
          next?.kind === 'insn' ? { start: item.span.start, end: next.span.end } : item.span;
        found(item.name, whole);
      } else if (item.kind === 'group') {
        found(item.name, item.span);
        this.#labels(item.body, found);
      } else if (item.kind === 'if') {
        this.#labels(item.then, found);
        this.#labels(item.else ?? [], found);
      }
    }
  }

  #block(block: Block): void {
    for (const s of block.body) {
      switch (s.kind) {
        case 'let':
          this.#inScope(s.name, 'local', s.span, { start: s.span.end, end: this.#end(block.span) });
          break;
        case 'for':
          this.#inScope(s.name, 'local', s.span, this.#whole(s.body.span));
          break;
        case 'phase':
          this.#make(this.#phases, s.name.text, {
            name: s.name.text,
            kind: 'phase',
          }).declarations.push(declaration(s.name, s.span, s.body));
          break;
        default:
          break;
      }
      for (const inner of blocksOf(s)) this.#block(inner);
    }
  }

  /** Where a block ends; one that has no brace yet goes on to the next word, for there it is being written. */
  #end({ end }: Span): number {
    if (this.#text[end - 1] === '}') return end;
    const behind = /^\s*/.exec(this.#text.slice(end, end + 1000));
    return end + (behind?.[0].length ?? 0);
  }
  #whole(span: Span): Span {
    return { start: span.start, end: this.#end(span) };
  }

  // ---- uses

  use(file: File): void {
    this.#useItems(file.items);
  }

  #useItems(items: readonly Item[]): void {
    for (const item of items) {
      switch (item.kind) {
        case 'machine':
        case 'scenario':
          for (const s of item.settings) this.#setting(s);
          if (item.kind === 'scenario' && item.expect?.kind === 'violates')
            for (const p of item.expect.properties) this.#property(p);
          break;
        case 'code':
        case 'stub':
          this.#asm(item.body);
          break;
        case 'runs':
          this.#name(item.label);
          break;
        case 'memory':
          if (item.initial) this.#expr(item.initial);
          break;
        case 'site':
          this.#name(item.name);
          break;
        case 'breakpoint':
          for (const e of item.at) this.#expr(e);
          this.#stmts(item.body);
          break;
        case 'define':
          this.#stmts(item.body);
          break;
        case 'patch':
          for (const change of item.changes) {
            this.#name(change.place);
            for (const i of [...(change.old ?? []), ...change.new]) this.#insn(i);
          }
          this.#stmts(item.body);
          break;
        case 'waive':
          this.#property(item.name);
          break;
        case 'require': {
          const t = item.property;
          this.#expr(t.expr);
          if ('during' in t && t.during) this.#phases.get(t.during.text)?.uses.push(t.during.span);
          break;
        }
        case 'witness':
          this.#expr(item.expr);
          break;
        case 'if':
          this.#expr(item.test);
          this.#useItems(item.then);
          this.#useItems(item.else ?? []);
          break;
        default:
          break;
      }
    }
  }

  #name(name: Name): void {
    this.find(name.text, name.span.start)?.uses.push(name.span);
  }

  #property(name: Name): void {
    const own = this.#file.get(name.text);
    (own?.kind === 'property' ? own : this.#properties.get(name.text))?.uses.push(name.span);
  }

  #setting(s: Setting): void {
    if (s.kind === 'option') {
      this.#name(s.name);
      for (const v of s.values)
        if (v.kind === 'word') this.#values.get(`${s.name.text} ${v.text}`)?.uses.push(v.span);
      return;
    }
    const words = s.atoms.map((position) => position.find((a) => a.kind === 'word'));
    const first = words[0]?.text ?? '';
    const of = (index: number, kinds: readonly NameKind[]): void => {
      for (const a of s.atoms[index] ?? []) {
        if (a.kind !== 'word') continue;
        const named = this.#file.get(a.text);
        if (named && kinds.includes(named.kind)) named.uses.push(a.span);
        // Of several threads of one name, `worker2` is the second.
        else if (first === 'pin') {
          const stem = a.text.replace(/\d+$/, '');
          const thread = this.#file.get(stem);
          if (thread?.kind === 'thread')
            thread.uses.push({ start: a.span.start, end: a.span.start + stem.length });
        }
      }
    };
    if (words[1]?.text === 'at') of(0, ['label', 'place']);
    else if (first === 'pin') of(1, ['thread']);
    else if (first === 'threads') for (let i = 1; i < s.atoms.length; i++) of(i, ['thread']);
    else if (first === 'patches') for (let i = 1; i < s.atoms.length; i++) of(i, ['patch']);
    else if (first === 'irq' || first === 'nmi') of(1, [first]);
  }

  #asm(body: readonly AsmItem[]): void {
    for (const item of body) {
      if (item.kind === 'insn') this.#insn(item.insn);
      else if (item.kind === 'group') this.#asm(item.body);
      else if (item.kind === 'if') {
        this.#expr(item.test);
        this.#asm(item.then);
        this.#asm(item.else ?? []);
      }
    }
  }

  #insn(insn: Insn): void {
    for (const o of insn.operands) {
      if (o.kind === 'memory') this.#expr(o.address, true);
      else if (o.kind === 'value') this.#expr(o.expr, true);
    }
  }

  #stmts(block: Block): void {
    for (const s of block.body) this.#stmt(s);
  }

  #call(call: Call): void {
    this.#name(call.name);
    for (const a of call.args) this.#expr(a);
  }

  #stmt(s: Stmt): void {
    switch (s.kind) {
      case 'poke':
        this.#name(s.place);
        if (s.range) {
          this.#expr(s.range.from);
          if (s.range.to) this.#expr(s.range.to);
        }
        if (s.source?.kind === 'insns') for (const i of s.source.insns) this.#insn(i);
        break;
      case 'waitfor':
      case 'assert':
      case 'resume':
        this.#expr(s.expr);
        break;
      case 'quiescent':
        if (s.region) this.#name(s.region);
        break;
      case 'lock':
      case 'unlock':
        this.#name(s.name);
        break;
      case 'let':
        if (s.value.kind === 'build') this.#call(s.value.call);
        else this.#expr(s.value.expr);
        break;
      case 'assign':
        this.#expr(s.target);
        if (s.value.kind === 'build') this.#call(s.value.call);
        else this.#expr(s.value.expr);
        break;
      case 'build':
      case 'call':
        this.#call(s.call);
        break;
      case 'release':
        for (const n of s.names) this.#name(n);
        break;
      case 'run':
        this.#name(s.label);
        break;
      case 'if':
      case 'while':
        this.#expr(s.test);
        break;
      case 'for':
        this.#expr(s.from);
        if (s.to) this.#expr(s.to);
        break;
      case 'emulate':
        if (s.what.kind === 'insn') this.#insn(s.what.insn);
        else this.#expr(s.what.expr);
        break;
      default:
        break;
    }
    for (const inner of blocksOf(s)) this.#stmts(inner);
  }

  /** In an operand registers come first, as they do for the assembler. */
  #expr(e: Expr, operand = false): void {
    switch (e.kind) {
      case 'name': {
        const named = this.find(e.text, e.span.start);
        if (!named || (operand && registers.has(e.text))) break;
        if (named.scope || !given.has(e.text)) named.uses.push(e.span);
        break;
      }
      case 'field':
        this.#expr(e.of, operand);
        if (!(e.of.kind === 'name' && e.of.text === 'frame'))
          this.#fields.get(e.field.text)?.uses.push(e.field.span);
        break;
      case 'index':
        this.#expr(e.of, operand);
        this.#expr(e.index, operand);
        break;
      case 'binary':
        if (this.#besideOption(e.a, e.b) || this.#besideOption(e.b, e.a)) break;
        this.#expr(e.a, operand);
        this.#expr(e.b, operand);
        break;
      case 'not':
        this.#expr(e.a, operand);
        break;
      case 'threadat':
        this.#name(e.thread);
        this.#expr(e.where);
        break;
      case 'returns':
        this.#name(e.thread);
        this.#expr(e.region);
        break;
      case 'handling':
      case 'trap':
        this.#expr(e.where);
        break;
      case 'pass':
        this.#name(e.place);
        break;
      default:
        break;
    }
  }

  /** A word means something beside its option only, whatever else has that name. */
  #besideOption(option: Expr, word: Expr): boolean {
    if (option.kind !== 'name' || word.kind !== 'name') return false;
    const named = this.find(option.text, option.span.start);
    const value = this.#values.get(`${option.text} ${word.text}`);
    if (named?.kind !== 'option' || !value) return false;
    named.uses.push(option.span);
    value.uses.push(word.span);
    return true;
  }
}

/** The blocks right inside a statement. */
export function blocksOf(s: Stmt): readonly Block[] {
  switch (s.kind) {
    case 'if':
      return s.else ? [s.then, s.else] : [s.then];
    case 'stop':
      return s.resume ? [s.body, s.resume] : [s.body];
    case 'atomic':
    case 'phase':
    case 'while':
    case 'for':
      return [s.body];
    default:
      return [];
  }
}
