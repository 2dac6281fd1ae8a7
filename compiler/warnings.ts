// What is well formed and cannot mean what it says: found on the tree, and on what each check was lowered to.

import type { Diagnostic, Edit } from '../grammar/diagnostic.ts';
import type { Block, Expr, File, Item, Setting, Span, Stmt } from '../grammar/index.ts';
import { reaches } from './flow.ts';
import type { KernelOp, Patch, Program } from './ir.ts';
import type { Expr as Value } from './ops.ts';
import type { Check, Options, Settings } from './scenario.ts';
import { readSettings } from './scenario.ts';
import { allItems, constant, flatten } from './spec.ts';
import { expressionsIn } from './words.ts';

/** What is asked of a scenario, as far as warnings depend on it. */
export interface Question {
  readonly name: string;
  readonly span: Span;
  readonly expected: {
    readonly kind: 'holds' | 'violates';
    readonly only: boolean;
    readonly properties: readonly string[];
  };
  readonly checks: readonly Check[];
}

/** A suspicion at a place of the text, which one check that speaks against it clears. */
interface Suspicion {
  readonly span: Span;
  readonly message: string;
  cleared: boolean;
}

const keyOf = (span: Span): string => `${span.start} ${span.end}`;

export class Warnings {
  readonly #text: string;
  readonly #file: File;
  readonly #items: readonly Item[];
  readonly #pokes = new Map<string, Suspicion>();
  readonly #witnesses = new Map<string, Suspicion>();
  readonly #handlers = new Map<string, Suspicion>();
  readonly #stores = new Map<string, Suspicion>();
  readonly #unvisited = new Map<string, Suspicion>();
  readonly #scenarios = new Map<Question, string[]>();
  /** Some scenario is to hold where nothing but a sync orders what other CPUs fetch. */
  #ordersNothing = false;

  constructor(text: string, file: File) {
    this.#text = text;
    this.#file = file;
    this.#items = allItems(file.items);
  }

  /** One check, and what it was lowered to. */
  see(scenario: Question, check: Check, program: Program): void {
    const settings = readSettings(check, () => {});
    const keys = this.#scenarios.get(scenario) ?? [];
    keys.push(questionKey(check, settings));
    this.#scenarios.set(scenario, keys);
    if (scenario.expected.kind === 'holds' && !program.env.fetch.codeOrder)
      this.#ordersNothing = true;
    this.#seePokes(program);
    this.#seeWitnesses(program);
    this.#seeStores(program, settings);
    this.#seeVisitors(program);
    this.#seeHandlers(check.options);
  }

  /** After every check was seen. */
  tell(): readonly Diagnostic[] {
    const warn = (code: string, list: Iterable<Suspicion>, fix?: string): Diagnostic[] =>
      [...list]
        .filter((s) => !s.cleared)
        .map((s) => ({
          code,
          severity: 'warning',
          message: s.message,
          span: s.span,
          ...(fix ? { fix: { title: fix, edits: [this.#removal(s.span)] } } : {}),
        }));
    return [
      ...this.#sameScenarios(),
      ...this.#unusedOptions(),
      ...this.#neverComes(),
      ...this.#unsyncedPhases(),
      ...warn('poke-same', this.#pokes.values(), 'remove the poke'),
      ...warn('witness-no-trap', this.#witnesses.values(), 'remove the witness'),
      ...warn('handler-shadowed', this.#handlers.values()),
      ...warn('store-split', this.#stores.values()),
      ...warn('nobody-comes', this.#unvisited.values()),
    ];
  }

  #suspect(
    list: Map<string, Suspicion>,
    span: Span,
    cleared: boolean,
    message: () => string,
  ): void {
    const key = keyOf(span);
    const known = list.get(key);
    if (known) known.cleared ||= cleared;
    else list.set(key, { span, message: message(), cleared });
  }
  #words(span: Span): string {
    return this.#text.slice(span.start, span.end).replace(/\s+/g, ' ').trim();
  }

  /** Takes out what stands at a place, with the `;` that parts it from what follows, or from what it follows. */
  #removal(span: Span): Edit {
    const behind = /^[ \t]*;[ \t]*/.exec(this.#text.slice(span.end));
    if (behind) return { span: { start: span.start, end: span.end + behind[0].length }, text: '' };
    const before = /[ \t]*;[ \t]*$/.exec(this.#text.slice(0, span.start));
    return { span: { start: span.start - (before?.[0].length ?? 0), end: span.end }, text: '' };
  }

  // ---- scenarios and options

  /** Two scenarios that are the same checks: what the second one's name says, nothing in it does. */
  #sameScenarios(): Diagnostic[] {
    const out: Diagnostic[] = [];
    const seen = new Map<string, Question[]>();
    for (const [scenario, keys] of this.#scenarios) {
      const key = [...new Set(keys)].sort().join('\n');
      const earlier = seen.get(key) ?? [];
      for (const first of earlier) {
        const one = first.expected;
        const two = scenario.expected;
        // Each may name another property that is violated: together they say that both are.
        const both =
          one.kind === 'violates' &&
          two.kind === 'violates' &&
          one.properties.join() !== two.properties.join();
        if (both) continue;
        const tail =
          one.kind === two.kind
            ? ': no option and no setting tells them apart'
            : ', and they cannot both come out as expected';
        out.push({
          code: 'same-scenario',
          severity: 'warning',
          message: `"${scenario.name}" asks what "${first.name}" asks${tail}`,
          span:
            this.#items.flatMap((i) =>
              i.kind === 'scenario' && i.span === scenario.span ? [i.name.span] : [],
            )[0] ?? scenario.span,
        });
        break;
      }
      seen.set(key, [...earlier, scenario]);
    }
    return out;
  }

  #unusedOptions(): Diagnostic[] {
    const read = new Set<string>();
    for (const e of expressionsIn(this.#file.items)) if (e.kind === 'name') read.add(e.text);
    return this.#items.flatMap((item) => {
      if (item.kind !== 'option') return [];
      const left = item.names.filter((n) => read.has(n.text));
      return item.names
        .filter((n) => !read.has(n.text))
        .map((n): Diagnostic => {
          // With the last name the declaration goes; of several, one and its comma.
          const declaration =
            left.length === 0 && item.names.length === 1
              ? { span: item.span, text: '' }
              : this.#nameRemoval(item.names, n);
          const settings = this.#items
            .flatMap((i) => (i.kind === 'scenario' || i.kind === 'machine' ? i.settings : []))
            .filter((s) => s.kind === 'option' && s.name.text === n.text)
            .map((s) => this.#removal(s.span));
          const edits = [declaration, ...settings].sort((a, b) => a.span.start - b.span.start);
          return {
            code: 'unused-option',
            severity: 'warning',
            message: `nobody reads the option \`${n.text}\`: every value of it means the same`,
            span: n.span,
            fix: { title: 'remove the option', edits },
          };
        });
    });
  }
  #nameRemoval(names: readonly { readonly span: Span }[], n: { readonly span: Span }): Edit {
    const at = names.indexOf(n);
    const next = names[at + 1];
    const before = names[at - 1];
    const start = next ? n.span.start : (before?.span.end ?? n.span.start);
    return { span: { start, end: next?.span.start ?? n.span.end }, text: '' };
  }

  /** Code of an interrupt that no scenario lets come. */
  #neverComes(): Diagnostic[] {
    const asked = this.#items
      .flatMap((i): readonly Setting[] =>
        i.kind === 'scenario' || i.kind === 'machine' ? i.settings : [],
      )
      .flatMap((s) =>
        s.kind === 'setting'
          ? (s.atoms[1] ?? []).flatMap((a) => ('text' in a ? [a.text] : []))
          : [],
      );
    return this.#items.flatMap((item): Diagnostic[] =>
      item.kind === 'runs' &&
      (item.who === 'irq' || item.who === 'nmi') &&
      item.name &&
      !asked.includes(item.name.text)
        ? [
            {
              code: 'never-comes',
              severity: 'warning',
              message: `\`${item.name.text}\` never comes: no scenario says \`${item.who} ${item.name.text} 1\``,
              span: item.name.span,
            },
          ]
        : [],
    );
  }

  // ---- phases

  #unsyncedPhases(): Diagnostic[] {
    if (!this.#ordersNothing) return [];
    const found = new Map<string, Diagnostic>();
    for (const item of this.#items) {
      if (item.kind !== 'patch') continue;
      const walk = new Phases(this.#items, (phase, next) => {
        const end = phase.span.end;
        found.set(`${phase.span.start}`, {
          code: 'phase-unsynced',
          severity: 'warning',
          message: `nothing syncs phase \`${phase.name.text}\` before \`${next.name.text}\` pokes the same place: a CPU may meet their bytes in any order`,
          span: phase.name.span,
          fix: {
            title: 'say `sync cores` behind it',
            edits: [{ span: { start: end, end }, text: ' sync cores' }],
          },
        });
      });
      walk.patch(item);
    }
    return [...found.values()];
  }

  // ---- pokes

  /** Each patch as it can begin, with what its places then hold, byte by byte along every way through it. */
  #seePokes(program: Program): void {
    const { kernel } = program;
    kernel.forEach((op, start) => {
      if (op.do.kind !== 'begin') return;
      const index = op.do.patch;
      const patch = program.patches[index];
      if (!patch) return;
      const end = kernel.findIndex(
        (x, i) => i > start && x.do.kind === 'finish' && x.do.patch === index,
      );
      for (const backwards of this.#directions(program, index))
        this.#follow(program, patch, kernel, start + 1, end, backwards);
    });
  }

  /** A patch that is done twice, or whose places others change too, may find them as it leaves them. */
  #directions(program: Program, index: number): readonly boolean[] {
    const begun = program.kernel.filter((op) => op.do.kind === 'begin' && op.do.patch === index);
    const places = program.patches[index]?.changes.map((c) => c.place) ?? [];
    const others = program.patches.some(
      (p, i) => i !== index && p.changes.some((c) => places.includes(c.place)),
    );
    return begun.length > 1 || others ? [false, true] : [false];
  }

  #follow(
    program: Program,
    patch: Patch,
    kernel: readonly KernelOp[],
    start: number,
    end: number,
    backwards: boolean,
  ): void {
    const unknown = -1;
    const base = new Map<number, number>();
    const first: number[] = [];
    const contents = new Map<number, { old: ArrayLike<number>; new: ArrayLike<number> }>();
    for (const change of patch.changes) {
      const length = program.places[change.place]?.length ?? 0;
      const nobody = Array.from({ length }, () => unknown);
      const fresh = program.contents[change.new]?.bytes ?? nobody;
      const old =
        change.old === undefined ? nobody : (program.contents[change.old]?.bytes ?? nobody);
      const turned = backwards && change.old !== undefined;
      contents.set(change.place, turned ? { old: fresh, new: old } : { old, new: fresh });
      base.set(change.place, first.length);
      first.push(...Array.from(turned ? fresh : old));
    }
    /** Of a poke: where it writes, and what. */
    const writes = (op: KernelOp): readonly (readonly [number, number])[] => {
      const doing = op.do;
      if (doing.kind !== 'poke') return [];
      const { source } = doing;
      const at = base.get(doing.place);
      if (at === undefined) return [];
      return Array.from({ length: doing.to - doing.from }, (_, i) => {
        const value =
          source.kind === 'bytes'
            ? source.bytes[i]
            : contents.get(doing.place)?.[source.which][doing.from + i];
        return [at + doing.from + i, value ?? unknown] as const;
      });
    };
    const before = new Map<number, number[]>([[start, first]]);
    const queue = [start];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      const op = kernel[at];
      const now = before.get(at);
      if (!op || !now || at >= end) continue;
      const after = [...now];
      for (const [k, value] of writes(op)) after[k] = value;
      for (const to of successors(op, at)) {
        const known = before.get(to);
        const joined = known ? known.map((v, k) => (v === after[k] ? v : unknown)) : after;
        if (known?.every((v, k) => v === joined[k])) continue;
        before.set(to, joined);
        queue.push(to);
      }
    }
    for (const [at, now] of before) {
      const op = kernel[at];
      if (op?.do.kind !== 'poke') continue;
      const changes = writes(op).some(([k, value]) => value === unknown || now[k] !== value);
      this.#suspect(
        this.#pokes,
        op.span,
        changes,
        () => `\`${this.#words(op.span)}\` writes what is there already: it changes nothing`,
      );
    }
  }

  /** A store of several bytes that an aligned unit does not hold, at a position that nobody asked for. */
  #seeStores(program: Program, settings: Settings): void {
    const { storeUnit } = program.env.fetch;
    for (const op of program.kernel) {
      const doing = op.do;
      if (doing.kind !== 'poke' || doing.unit.kind !== 'store' || doing.to - doing.from < 2)
        continue;
      const from = program.places[doing.place]?.from ?? 0;
      const unit = doing.unit.locked ? 64 : Math.max(8, storeUnit);
      const within = (a: number, n: number): number => ((a % n) + n) % n;
      const at = within(from + doing.from, unit);
      const length = doing.to - doing.from;
      const name = program.places[doing.place]?.name ?? '';
      const split = at + length > unit && settings.positions.length === 0;
      this.#suspect(
        this.#stores,
        op.span,
        !split,
        () =>
          `one store does not write these ${length} bytes at once: \`${name}\` stands at ${within(from, 64)} of 64, and they leave an aligned unit of ${unit}; a scenario may say \`${name} at 0 of ${unit}\``,
      );
    }
  }

  /** A program in which no code that is executed comes to a place, and which asks for nothing else: all would hold. */
  #seeVisitors(p: Program): void {
    const { env, ipiCode, places, text, threads } = p;
    const [place] = places;
    if (place === undefined || this.#unvisited.get(keyOf(place.span))?.cleared) return;
    const comes =
      p.requirements.length + p.witnesses.length > 0 ||
      ipiCode?.reaches === true ||
      env.events.some((e) => e.reaches) ||
      threads.some((t) => reaches(text, t.entry, places));
    this.#suspect(
      this.#unvisited,
      place.span,
      comes,
      () => `nobody comes to \`${place.name}\`: no thread, interrupt or IPI runs code that does`,
    );
  }

  // ---- traps

  #seeWitnesses(program: Program): void {
    for (const w of program.witnesses) {
      const dead = trapsOf(w.expr, program).find((address) => !canTrap(program, address));
      const where =
        program.places.find((p) => p.from === dead)?.name ??
        (dead === undefined ? undefined : program.labels.get(dead)) ??
        'that address';
      this.#suspect(
        this.#witnesses,
        this.#items.find((i) => i.kind === 'witness' && i.expr.span.start === w.span.start)?.span ??
          w.span,
        dead === undefined,
        () => `no run reaches this: nothing puts an \`int3\` at \`${where}\``,
      );
    }
  }

  readonly #asked = new Set<string>();

  #seeHandlers(options: Options): void {
    const key = [...options].join();
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    const spec = flatten(this.#file, options, () => {});
    /** Places whose traps never come further than to an earlier rule. */
    const taken = new Map<string, Span>();
    let all: Span | undefined;
    for (const rule of spec.breakpoints) {
      const at = rule.at.map((e) => this.#words(e.span));
      const first =
        all ??
        (at.length > 0 && at.every((a) => taken.has(a)) ? taken.get(at[0] ?? '') : undefined);
      const head = { start: rule.span.start, end: rule.body.span.start };
      this.#suspect(
        this.#handlers,
        {
          start: head.start,
          end: head.start + this.#text.slice(head.start, head.end).trimEnd().length,
        },
        first === undefined,
        () => {
          const line = this.#text.slice(0, first?.start ?? 0).split('\n').length;
          return `no trap comes to this rule: the one in line ${line} is asked before, and never declines`;
        },
      );
      if (declines(rule.body, spec.defines, options)) continue;
      if (at.length === 0) all ??= rule.span;
      for (const a of at) if (!taken.has(a)) taken.set(a, rule.span);
    }
  }
}

/** Two checks with one key are one question. */
function questionKey(check: Check, settings: Settings): string {
  const { preemptSpan: _, patches = 1, ...rest } = settings;
  return JSON.stringify([[...check.options], patches, rest], (key, value: unknown) =>
    key === 'span' ? undefined : typeof value === 'bigint' ? `${value}` : value,
  );
}

function successors(op: KernelOp, at: number): readonly number[] {
  switch (op.do.kind) {
    case 'jump':
      return op.do.when || op.do.unless ? [op.do.to, at + 1] : [op.do.to];
    case 'build':
      return [op.do.full, at + 1];
    case 'end':
      return [];
    default:
      return [at + 1];
  }
}

/** Addresses at which a trap must come for the witness to come true. */
function trapsOf(e: Value, program: Program): readonly number[] {
  if (e.kind === 'both') return [...trapsOf(e.a, program), ...trapsOf(e.b, program)];
  const event = e.kind === 'event' ? program.events[e.event] : undefined;
  return event?.kind === 'trap' ? [event.address] : [];
}

const breakpoint = 0xcc;

/** Whether an INT3 is ever at an address: in the text, in a content of its place, or by a poke. */
function canTrap(program: Program, address: number): boolean {
  const index = program.places.findIndex((p) => address >= p.from && address < p.from + p.length);
  const place = program.places[index];
  if (!place) {
    const range = program.text.find((r) => address >= r.from && address < r.from + r.bytes.length);
    return range === undefined || range.bytes[address - range.from] === breakpoint;
  }
  const offset = address - place.from;
  return (
    place.contents.some((c) => program.contents[c]?.bytes[offset] === breakpoint) ||
    program.kernel.some(
      ({ do: d }) =>
        d.kind === 'poke' &&
        d.place === index &&
        d.source.kind === 'bytes' &&
        offset >= d.from &&
        d.source.bytes[offset - d.from] === breakpoint,
    )
  );
}

type Defines = readonly Extract<Item, { kind: 'define' }>[];

/** Whether some way through a handler says that the trap is another's. */
function declines(block: Block, defines: Defines, options: Options, depth = 0): boolean {
  return block.body.some((s): boolean => {
    switch (s.kind) {
      case 'decline':
        return true;
      case 'if': {
        const known = constant(s.test, options);
        return (
          (known !== 0n && declines(s.then, defines, options, depth)) ||
          ((known === undefined || known === 0n) &&
            s.else !== undefined &&
            declines(s.else, defines, options, depth))
        );
      }
      case 'while':
      case 'for':
      case 'atomic':
        return declines(s.body, defines, options, depth);
      case 'call': {
        const define = defines.find((d) => d.name.text === s.call.name.text);
        return (
          define !== undefined && depth < 100 && declines(define.body, defines, options, depth + 1)
        );
      }
      default:
        return false;
    }
  });
}

type Phase = Extract<Stmt, { kind: 'phase' }>;

/** A phase that has poked, and no sync since. */
interface Open {
  readonly phase: Phase;
  readonly places: ReadonlySet<string>;
}

/**
 * The phases of a patch in their order, whatever the options are: a sync that some option leaves in counts, for
 * the spec that leaves it out says so.
 */
class Phases {
  readonly #defines: Defines;
  readonly #found: (phase: Phase, next: Phase) => void;
  #names: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #sites: ReadonlySet<string> = new Set();
  #inside: Phase | undefined;
  #depth = 0;

  constructor(items: readonly Item[], found: (phase: Phase, next: Phase) => void) {
    this.#defines = items.filter((i) => i.kind === 'define');
    this.#found = found;
  }

  patch(item: Extract<Item, { kind: 'patch' }>): void {
    this.#sites = new Set(item.changes.map((c) => c.place.text));
    this.#block(item.body, []);
  }

  #block(block: Block, open: readonly Open[]): readonly Open[] {
    return block.body.reduce((now: readonly Open[], s) => this.#statement(s, now), open);
  }

  #statement(s: Stmt, open: readonly Open[]): readonly Open[] {
    switch (s.kind) {
      case 'sync':
      case 'waitfor':
      case 'waittime':
      case 'quiescent':
      case 'stop':
        return [];
      case 'phase': {
        const outer = this.#inside;
        this.#inside = s;
        const after = this.#block(s.body, open);
        this.#inside = outer;
        return after;
      }
      case 'poke': {
        const phase = this.#inside;
        if (!phase) return open;
        const places = this.#names.get(s.place.text) ?? new Set([s.place.text]);
        for (const o of open)
          if (o.phase !== phase && [...places].some((p) => o.places.has(p)))
            this.#found(o.phase, phase);
        return [...open, { phase, places }];
      }
      case 'if': {
        const yes = this.#block(s.then, open);
        const no = s.else ? this.#block(s.else, open) : open;
        const kept = open.filter((o) => yes.includes(o) && no.includes(o));
        return [...kept, ...[...yes, ...no].filter((o) => !open.includes(o))];
      }
      case 'while':
        return this.#block(s.body, open);
      case 'for':
        return this.#named(new Map(this.#names).set(s.name.text, this.#sites), s.body, open);
      case 'call': {
        const define = this.#defines.find((d) => d.name.text === s.call.name.text);
        if (!define || this.#depth > 20) return open;
        const names = new Map<string, ReadonlySet<string>>();
        define.params.forEach((p, i) => {
          const arg: Expr | undefined = s.call.args[i];
          if (arg?.kind === 'name')
            names.set(p.text, this.#names.get(arg.text) ?? new Set([arg.text]));
        });
        return this.#named(names, define.body, open);
      }
      default:
        return open;
    }
  }

  #named(
    names: ReadonlyMap<string, ReadonlySet<string>>,
    body: Block,
    open: readonly Open[],
  ): readonly Open[] {
    const outer = this.#names;
    this.#names = names;
    this.#depth++;
    const after = this.#block(body, open);
    this.#depth--;
    this.#names = outer;
    return after;
  }
}
