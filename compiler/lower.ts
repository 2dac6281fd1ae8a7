// From a tree and one check to the program that is emulated: bytes, places, operations, environment.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import { nearest } from '../grammar/diagnostic.ts';
import type { AsmItem, File, Insn, Span } from '../grammar/index.ts';
import { reaches, rspAt } from './flow.ts';
import { expressionsOf, readsMemory } from './footprint.ts';
import type {
  Content,
  DataWord,
  Environment,
  Event,
  EventSource,
  KernelOp,
  Patch,
  Place,
  Program,
  Requirement,
  Stub,
  TextRange,
  Thread,
} from './ir.ts';
import { builtin, percpuStride, property, region, slotStride } from './ir.ts';
import { type Liveness, liveness } from './liveness.ts';
import type { Address, Register } from './ops.ts';
import { num, RSP, registers } from './ops.ts';
import type { Placed, Symbols } from './place.ts';
import { addressOf, contentBytes, itemsOf, place as placeCode, refuse, ways } from './place.ts';
import type { Check, Settings } from './scenario.ts';
import { readSettings } from './scenario.ts';
import type { Spec } from './spec.ts';
import { constant, flatten } from './spec.ts';
import { addressesIn, starts } from './starts.ts';
import type { Label, Scope, Variable } from './statements.ts';
import { Assembly, Lowering } from './statements.ts';
import type { ListingRow, Template } from './x86/assemble.ts';
import { template } from './x86/assemble.ts';
import { decode, instantiate, sequence } from './x86/decode.ts';
import { registerOf } from './x86/text.ts';

/** What is emitted beside the program: listings with their source. */
export interface Listing {
  readonly name: string;
  readonly kind: 'code' | 'stub';
  readonly from: Address;
  readonly bytes: Uint8Array;
  readonly rows: readonly ListingRow<Span>[];
  /** Of a stub: the template, to be filled for other addresses. */
  readonly template?: Template<Span>;
}

export interface Lowered {
  readonly program: Program;
  readonly listings: readonly Listing[];
  readonly placed: Placed;
}

type PlaceNames = readonly { readonly name: string; readonly span: Span }[];

interface Code {
  readonly starts: ReadonlySet<Address>;
  readonly liveness: Liveness;
}

/**
 * What checks of one file have in common, each by all that it depends on: most of them differ in their machine alone, or
 * in what the patcher does.
 */
export class Common {
  /** Where the code stands. */
  readonly placings = new Map<string, Placed>();
  /** What is known of it. */
  readonly code = new Map<string, Code>();
}

/** `undefined` where something was reported. `common` is of the same file. */
export function lower(
  file: File,
  text: string,
  check: Check,
  report: (d: Diagnostic) => void,
  common = new Common(),
): Lowered | undefined {
  let failed = false;
  const tell = (d: Diagnostic): void => {
    if (d.severity === 'error') failed = true;
    report(d);
  };
  const settings = readSettings(check, tell);
  const spec = flatten(file, check.options, tell);
  if (failed) return undefined;
  // The verdict must not rest on two targets that happen to be near: of several ways to spread routines out, the
  // first in which old and new displacements share no byte, or the one in which they share the fewest.
  let best: { readonly shared: number; readonly lowered: Lowered } | undefined;
  for (let way = 0; way < ways && best?.shared !== 0; way++) {
    const builder = new Builder(text, spec, settings, tell, way, common);
    const lowered = builder.build();
    if (failed || !lowered) return undefined;
    const shared = sharedBytes(lowered.program);
    if (!best || shared < best.shared) best = { shared, lowered };
  }
  return best?.lowered;
}

/** Which lines of the text some code consists of. */
type Outline = readonly (number | Outline)[];
const outlineOf = (items: readonly AsmItem[]): Outline =>
  items.map((i) => (i.kind === 'group' ? outlineOf(i.body) : i.span.start));

/** Displacement bytes that are the same in two contents of a place which begin with the same opcode. */
function sharedBytes(p: Program): number {
  let shared = 0;
  for (const place of p.places) {
    for (const a of place.contents) {
      for (const b of place.contents) {
        const x = p.contents[a];
        const y = p.contents[b];
        if (
          a >= b ||
          !x ||
          !y ||
          x.target === undefined ||
          y.target === undefined ||
          x.bytes[0] !== y.bytes[0]
        )
          continue;
        const tail = x.bytes.length === 5 ? 1 : x.bytes.length === 6 ? 2 : 5;
        for (let i = tail; i < x.bytes.length; i++) if (x.bytes[i] === y.bytes[i]) shared++;
      }
    }
  }
  return shared;
}

class Builder {
  readonly #text: string;
  readonly #spec: Spec;
  readonly #settings: Settings;
  readonly #way: number;
  readonly #common: Common;
  #failed = false;
  readonly #report: (d: Diagnostic) => void;
  readonly #variables = new Map<string, Variable>();
  readonly #fields = new Map<string, number>();
  readonly #data: DataWord[] = [];
  readonly #names = new Map<string, Span>();
  readonly #contents: Content[] = [];
  readonly #events: Event[] = [];
  /** Whether an `eventually` is lowered. */
  #inGoal = false;
  readonly #readRegisters = new Set<Register>();
  #placed: Placed = { chunks: [], labels: new Map() };
  #symbols: Symbols = { address: () => undefined, percpuOffset: () => undefined };

  constructor(
    text: string,
    spec: Spec,
    settings: Settings,
    report: (d: Diagnostic) => void,
    way: number,
    common: Common,
  ) {
    this.#way = way;
    this.#common = common;
    this.#text = text;
    this.#spec = spec;
    this.#settings = settings;
    this.#report = (d) => {
      if (d.severity === 'error') this.#failed = true;
      report(d);
    };
  }

  #error(code: string, message: string, span: Span): void {
    this.#report({ code, severity: 'error', message, span });
  }
  #unknown(name: string, span: Span, candidates: Iterable<string>, what: string): void {
    const near = nearest(name, candidates);
    this.#report({
      code: 'unknown-name',
      severity: 'error',
      span,
      message: `\`${name}\` is not ${what}${near ? `; did you mean \`${near}\`?` : ''}`,
      ...(near ? { fix: { title: `use \`${near}\``, edits: [{ span, text: near }] } } : {}),
    });
  }
  /** One namespace for the file. */
  #introduce(name: { text: string; span: Span }, what: string): void {
    if (['on', 'off', 'nil'].includes(name.text))
      this.#error(
        'duplicate-name',
        `\`${name.text}\` is a value: ${what} that is called so could not be told from it`,
        name.span,
      );
    if (this.#names.has(name.text))
      this.#error(
        'duplicate-name',
        `\`${name.text}\` is declared twice: ${what} and something else share one namespace`,
        name.span,
      );
    this.#names.set(name.text, name.span);
  }

  /** What is wrong with it is said for each check anew. */
  #place(names: PlaceNames): Placed | undefined {
    const spec = this.#spec;
    const settings = this.#settings;
    const text = spec.code.map(({ span }) => this.#source(span)).join('\n');
    const depends = [
      this.#way,
      outlineOf(spec.code),
      names.map(({ name }) => name),
      // Every other option has had its say when the code was chosen.
      [...spec.options].flatMap(([name, value]) =>
        text.includes(name) ? [[name, String(value)]] : [],
      ),
      settings.positions.map(({ label, at, of }) => [label, at, of]),
      [...this.#variables.values()].map(({ name, at }) => [name, at]),
    ];
    const key = JSON.stringify(depends);
    const known = this.#common.placings.get(key);
    if (known !== undefined) return known;
    let said = false;
    const report = (d: Diagnostic): void => {
      said = true;
      this.#report(d);
    };
    const placed = placeCode(spec, names, settings, this.#symbols, report, this.#way);
    if (placed !== undefined && !said) this.#common.placings.set(key, placed);
    return placed;
  }

  /** `known`: where instructions begin; `elsewhere`: instructions that stand in no text, stubs and what is emulated. */
  #code(
    known: readonly Address[],
    places: readonly Place[],
    elsewhere: readonly Uint8Array[],
  ): Code {
    const text = this.#textRanges();
    const key = JSON.stringify([
      text.map(({ from, bytes }) => [from, String(bytes)]),
      known,
      places.map((p) => [p.from, p.length, p.admitted.map((all) => all.map(String))]),
      elsewhere.map(String),
    ]);
    const before = this.#common.code.get(key);
    if (before) return before;
    const found = starts(text, known, (at) =>
      places.some((p) => at >= p.from && at < p.from + p.length),
    );
    const code: Code = {
      starts: new Set(found.map((f) => f.at)),
      liveness: liveness(found, places, elsewhere),
    };
    this.#common.code.set(key, code);
    return code;
  }

  build(): Lowered | undefined {
    const spec = this.#spec;
    const settings = this.#settings;
    const { environment } = settings;
    for (const [name, info] of this.#optionSpans())
      this.#introduce({ text: name, span: info }, 'an option');
    this.#memory();
    for (const d of spec.defines) this.#introduce(d.name, 'a `define`');
    for (const r of spec.requires) {
      if ((builtin as readonly string[]).includes(r.name.text))
        this.#error('duplicate-name', `\`${r.name.text}\` is a built-in property`, r.name.span);
      this.#introduce(r.name, 'a property');
    }
    this.#symbols = {
      address: (name) => {
        const v = this.#variables.get(name);
        return v && !v.percpu ? v.at : undefined;
      },
      percpuOffset: (name) => {
        const v = this.#variables.get(name);
        return v?.percpu ? v.at : undefined;
      },
    };
    const placeNames = this.#placeNames();
    const placed = this.#place(placeNames);
    if (!placed) return undefined;
    for (const label of placed.labels.values())
      this.#introduce({ text: label.name, span: label.span }, 'a label');
    this.#placed = placed;

    // Stubs first: a content may name one.
    const stubs = this.#stubs();
    const withStubs: Symbols = {
      ...this.#symbols,
      address: (name) => this.#symbols.address(name) ?? this.#stubAddress(stubs, name),
    };
    const { places, patches } = this.#patches(placeNames, withStubs);
    // What follows would only say again what is wrong with a place or a content.
    if (this.#failed) return undefined;
    if (places.length === 0 && spec.patches.length === 0) {
      this.#error('no-patch', 'there is no `patch`: nothing changes', { start: 0, end: 0 });
      return undefined;
    }
    const threads = this.#threads(places);
    const sources = this.#eventSources(places);
    const ipiCode = this.#ipiCode(places);
    const cells = this.#cellsOf(places, stubs);

    const properties: string[] = [...builtin, ...spec.requires.map((r) => r.name.text)];
    const waived = new Map<number, string>();
    for (const w of spec.waives) {
      const index = properties.indexOf(w.name.text);
      if (index < 0) this.#unknown(w.name.text, w.name.span, properties, 'a property');
      else waived.set(index, w.reason.text);
    }

    const scope = this.#scope(places, stubs, withStubs, threads.groups);
    const kernel = this.#kernel(scope, patches, stubs.length);
    const said = expressionsOf(kernel.ops);

    const inline = new Lowering(scope, new Assembly(), undefined, 0);
    const witnesses = spec.witnesses.map((w) => ({
      name: this.#source(w.expr.span),
      expr: inline.value(w.expr),
      span: w.span,
    }));
    if (witnesses.length > 31)
      this.#error(
        'too-many-witnesses',
        'at most 31 witnesses',
        witnesses[31]?.span ?? { start: 0, end: 0 },
      );
    const eventually = spec.requires.filter((r) => r.property.kind === 'eventually');
    if (eventually.length > 7)
      this.#error(
        'too-many-goals',
        'at most 7 `eventually`',
        eventually[7]?.span ?? { start: 0, end: 0 },
      );
    const requirements: Requirement[] = spec.requires.map((r, i) => {
      const t = r.property;
      const during = 'during' in t && t.during ? kernel.phases.indexOf(t.during.text) : undefined;
      if (during === -1 && 'during' in t && t.during)
        this.#unknown(t.during.text, t.during.span, kernel.phases, 'a phase');
      this.#inGoal = t.kind === 'eventually';
      const expr = inline.value(t.expr);
      this.#inGoal = false;
      return {
        name: r.name.text,
        property: builtin.length + i,
        when: t.kind === 'after' ? 'after patch' : t.kind,
        expr,
        span: r.span,
        ...(during === undefined ? {} : { during }),
      };
    });

    if (this.#events.length > 31)
      this.#error(
        'too-many-events',
        'at most 31 different `trap at` and `pass … as` in one file',
        (spec.witnesses[0] ?? spec.requires[0])?.span ?? { start: 0, end: 0 },
      );
    const { withContents, all } = this.#finishPlaces(places, patches);
    for (const place of withContents) {
      const reads = place.contents.some((c) =>
        this.#readsMemory((all[c] as Content).bytes, place.from),
      );
      const emulating = spec.breakpoints.find((b) => /\bemulate\b/.test(this.#source(b.span)));
      // What it read would have to be remembered from the moment at which it was emulated.
      if (reads && emulating)
        this.#error(
          'not-supported',
          'not supported yet: emulate at a place that reads memory',
          place.span,
        );
    }
    const { starts: begins, liveness: flow } = this.#code(
      [
        ...placed.chunks.flatMap((c) => c.rows.map((r) => r.address)),
        ...[...placed.labels.values()].map((l) => l.address),
        ...withContents.map((p) => p.from + p.length),
        // A handler that emulates one goes on behind it, wherever that is.
        ...all.flatMap((c) => [...sequence(c.bytes, c.at)].map((i) => i.behind)),
        ...all.flatMap((c) => c.target ?? []),
        ...addressesIn(said),
        ...addressesIn(expressionsOf(threads.list)),
      ],
      withContents,
      // What a handler emulates reads what it does for whoever has trapped.
      [...stubs.map((s) => s.template), ...all.flatMap((c) => (c.place < 0 ? [c.bytes] : []))],
    );
    const named = new Set<string>(flow.named);
    for (const e of said) if (e.kind === 'framereg') named.add(registers[e.reg] as string);
    const used = registers.flatMap((name, r): Register[] =>
      r !== RSP && named.has(name) ? [r] : [],
    );
    const count = threads.list.length + 1;
    const homes = [0, ...threads.list.map((t) => t.cpu)];
    const shared = homes.some((cpu, i) => homes.indexOf(cpu) !== i);
    const crowded = count > environment.cpus || shared;
    if (settings.preempt === false && crowded) {
      const last = threads.list[threads.list.length - 1];
      this.#error(
        'never-runs',
        `with \`preempt off\` a thread never runs: there are ${count} with the patcher, on ${environment.cpus} CPU${environment.cpus === 1 ? '' : 's'}${last ? ` (\`${last.name}\` is on CPU ${last.cpu})` : ''}`,
        settings.preemptSpan ?? { start: 0, end: 0 },
      );
    }
    const env: Environment = {
      ...environment,
      preempt: settings.preempt ?? crowded,
      migrate: settings.migrate ?? count > environment.cpus,
      events: sources,
    };
    const labels = new Map<Address, string>();
    for (const l of placed.labels.values())
      if (!labels.has(l.address)) labels.set(l.address, l.name);
    for (const s of stubs)
      for (const slot of s.slots)
        labels.set(slot.from, s.slots.length > 1 ? `${s.name}#${s.slots.indexOf(slot)}` : s.name);
    const spans = new Map<Address, Span>();
    for (const chunk of placed.chunks)
      for (const row of chunk.rows) spans.set(row.address, row.span);

    const program: Program = {
      env,
      text: this.#textRanges(),
      starts: begins,
      labels,
      spans,
      contents: all,
      places: withContents,
      stubs,
      cells,
      data: this.#dataFor(environment.cpus),
      threads: threads.list,
      patches,
      kernel: kernel.ops,
      entry: kernel.entry,
      locals: kernel.locals,
      phases: kernel.phases,
      ...(ipiCode ? { ipiCode } : {}),
      events: this.#events,
      properties,
      requirements,
      witnesses,
      waived,
      registers: used,
      liveRegisters: new Set(
        used.filter((r) => flow.live.has(registers[r] as string) || this.#readRegisters.has(r)),
      ),
      flagsLive:
        flow.live.has('flags') || said.some((e) => e.kind === 'frame' && e.word === 'flags'),
    };
    const listings: Listing[] = [
      ...placed.chunks.map(
        (c): Listing => ({
          name: labels.get(c.from) ?? 'code',
          kind: 'code',
          from: c.from,
          bytes: c.bytes,
          rows: c.rows,
        }),
      ),
      ...stubs.map(
        (s, i): Listing => ({
          name: s.name,
          kind: 'stub',
          from: s.slots[0]?.from ?? 0,
          bytes: s.template,
          rows: this.#templates[i]?.rows ?? [],
          ...(this.#templates[i] ? { template: this.#templates[i] } : {}),
        }),
      ),
    ];
    return { program, listings, placed };
  }

  #source(span: Span): string {
    return this.#text.slice(span.start, span.end).replace(/\s+/g, ' ').trim();
  }

  /** Every name of every option, also one that is there twice. */
  #optionSpans(): readonly (readonly [string, Span])[] {
    return this.#spec.optionNames.map((n) => [n.text, n.span] as const);
  }

  // ---- memory

  #initials = new Map<string, bigint>();

  #memory(): void {
    let shared: number = region.data;
    let percpu = 0;
    for (const item of this.#spec.memory) {
      const initial = item.initial ? constant(item.initial, this.#spec.options) : 0n;
      if (typeof initial !== 'bigint')
        this.#error('initial', 'a variable begins as a number, `on`, `off` or `nil`', item.span);
      for (const cell of item.cells) {
        this.#introduce(cell.name, 'a variable');
        const fields = cell.fields.map((f) => f.text);
        fields.forEach((f, i) => {
          const known = this.#fields.get(f);
          if (known !== undefined && known !== 8 * i)
            this.#error(
              'field-offset',
              `\`${f}\` stands at another offset in another record: \`d.${f}\` would not say which`,
              cell.fields[i]?.span ?? cell.span,
            );
          this.#fields.set(f, 8 * i);
        });
        if (cell.count !== undefined && (cell.count < 1 || cell.count > 64))
          this.#error('array-size', 'an array has 1 to 64 elements', cell.span);
        const words = Math.max(1, fields.length) * Math.min(64, cell.count ?? 1);
        const at = item.who === 'shared' ? shared : percpu;
        this.#variables.set(cell.name.text, {
          name: cell.name.text,
          percpu: item.who === 'percpu',
          at,
          count: cell.count,
          fields,
        });
        if (typeof initial === 'bigint') this.#initials.set(cell.name.text, initial);
        if (item.who === 'shared') shared += 8 * words;
        else {
          if (percpu <= percpuStride && percpu + 8 * words > percpuStride)
            this.#error(
              'percpu-size',
              `per-CPU variables have ${percpuStride} bytes in all, and this goes beyond them`,
              cell.span,
            );
          percpu += 8 * words;
        }
      }
    }
  }

  #dataFor(cpus: number): readonly DataWord[] {
    const out: DataWord[] = [...this.#data];
    for (const v of this.#variables.values()) {
      const value = this.#initials.get(v.name) ?? 0n;
      const lo = Number(BigInt.asIntN(32, value));
      const hi = Number(BigInt.asIntN(32, value >> 32n));
      const size = Math.max(1, v.fields.length);
      for (let cpu = 0; cpu < (v.percpu ? cpus : 1); cpu++) {
        for (let i = 0; i < size * (v.count ?? 1); i++) {
          const element = v.count === undefined ? '' : `[${Math.floor(i / size)}]`;
          const field = v.fields.length > 0 ? `.${v.fields[i % size]}` : '';
          const base = v.percpu ? region.percpu + cpu * percpuStride + v.at : v.at;
          out.push({
            name: `${v.name}${v.percpu ? `@cpu${cpu}` : ''}${element}${field}`,
            address: base + 8 * i,
            lo,
            hi,
          });
        }
      }
    }
    return out;
  }

  // ---- places and patches

  #placeNames(): PlaceNames {
    const out = new Map<string, Span>();
    for (const patch of this.#spec.patches)
      for (const c of patch.changes)
        if (!out.has(c.place.text)) out.set(c.place.text, c.place.span);
    return [...out].map(([name, span]) => ({ name, span }));
  }

  #addContent(place: number, bytes: Uint8Array, text: string, at: Address): number {
    const known = this.#contents.findIndex((c) => c.place === place && same(c.bytes, bytes));
    if (known >= 0) return known;
    const target = firstTarget(bytes, at);
    this.#contents.push({ place, at, bytes, text, ...(target === undefined ? {} : { target }) });
    return this.#contents.length - 1;
  }

  /** A trap at a place's first byte may be the guard's or a content's own; one behind it could be no guard's. */
  #noTrapInside(bytes: Uint8Array, text: string, span: Span): void {
    if ([...sequence(bytes, 0)].some((i) => i.at > 0 && i.ops.some((o) => o.kind === 'trap')))
      this.#error(
        'trap-inside',
        `\`${text}\` has an \`int3\` behind its first instruction, where no pass can end: begin a place with it`,
        span,
      );
  }

  #insnsText(insns: readonly Insn[]): string {
    const texts = insns.map((i) => this.#source(i.span));
    return texts.length === 1 ? (texts[0] as string) : `{ ${texts.join('; ')} }`;
  }

  #patches(placeNames: PlaceNames, symbols: Symbols): { places: Place[]; patches: Patch[] } {
    const spec = this.#spec;
    const placed = this.#placed;
    const places: Place[] = [];
    const lists: number[][] = [];
    let cell = 0;
    for (const { name, span } of placeNames) {
      const label = placed.labels.get(name);
      if (!label) {
        this.#unknown(name, span, placed.labels.keys(), 'a label of the code');
        return { places: [], patches: [] };
      }
      const length = label.end - label.address;
      if (length < 1 || length > 16) {
        this.#error(
          'place-length',
          length < 1
            ? `\`${name}\` has no instruction behind it`
            : `a place has 1 to 16 bytes, and \`${name}\` has ${length}`,
          span,
        );
        return { places: [], patches: [] };
      }
      const chunk = placed.chunks.find(
        (c) => label.address >= c.from && label.address < c.from + c.bytes.length,
      );
      const bytes =
        chunk?.bytes.slice(label.address - chunk.from, label.end - chunk.from) ?? new Uint8Array();
      const rows =
        chunk?.rows.filter((r) => r.address >= label.address && r.address < label.end) ?? [];
      // One line may stand for several: `int3 4`.
      const lines = new Set(rows.map((r) => this.#source(r.span)));
      const text = [...lines].join('; ');
      const index = places.length;
      this.#noTrapInside(bytes, lines.size > 1 ? `{ ${text} }` : text, label.span);
      const first = this.#addContent(
        index,
        bytes,
        lines.size > 1 ? `{ ${text} }` : text,
        label.address,
      );
      const dead: Register[] = [];
      let flagsDead = false;
      for (const d of spec.sites.flatMap((x) => (x.name.text === name ? x.dead : []))) {
        if (d.text === 'flags') {
          flagsDead = true;
          continue;
        }
        const r = registerOf(d.text);
        if (r && r.width === 8) dead.push(r.reg);
        else
          this.#unknown(d.text, d.span, [...registers, 'flags'], 'a 64-bit register, or `flags`');
      }
      lists.push([first]);
      places.push({
        name,
        from: label.address,
        length,
        cell,
        contents: [],
        admitted: [],
        dead,
        flagsDead,
        span: label.span,
      });
      cell += length;
    }
    for (const s of spec.sites)
      if (!placeNames.some((p) => p.name === s.name.text))
        this.#unknown(
          s.name.text,
          s.name.span,
          placeNames.map((p) => p.name),
          'a place of a patch',
        );
    for (let i = 0; i < places.length; i++) {
      for (let k = 0; k < i; k++) {
        const a = places[i] as Place;
        const b = places[k] as Place;
        if (a.from < b.from + b.length && b.from < a.from + a.length)
          this.#error(
            'overlap',
            `\`${a.name}\` and \`${b.name}\` share bytes`,
            placeNames[i]?.span ?? a.span,
          );
      }
    }
    const patches: Patch[] = [];
    for (const [n, patch] of spec.patches.entries()) {
      if (patch.name) this.#introduce(patch.name, 'a patch');
      const changes: Patch['changes'][number][] = [];
      for (const change of patch.changes) {
        const index = places.findIndex((p) => p.name === change.place.text);
        const info = places[index] as Place;
        // With two contents it could not be said which one is old, and which one is new.
        if (changes.some((c) => c.place === index)) {
          this.#error(
            'duplicate-place',
            `\`${info.name}\` stands twice in this patch`,
            change.place.span,
          );
          continue;
        }
        const content = (insns: readonly Insn[]): number | undefined => {
          const bytes = contentBytes(insns, info.from, placed, spec, symbols, this.#report);
          if (!bytes) return undefined;
          const span = insns[0]?.span ?? change.span;
          if (bytes.length !== info.length) {
            const text = this.#insnsText(insns);
            const hint =
              bytes.length === 2 && info.length === 5 && text.startsWith('jmp')
                ? `: \`${text.replace('jmp ', 'jmp near ')}\`, or say what the rest holds`
                : '';
            this.#error(
              'content-length',
              `\`${text}\` is ${bytes.length} bytes, \`${info.name}\` has ${info.length}${hint}`,
              { start: span.start, end: insns[insns.length - 1]?.span.end ?? span.end },
            );
            return undefined;
          }
          this.#noTrapInside(bytes, this.#insnsText(insns), {
            start: span.start,
            end: insns[insns.length - 1]?.span.end ?? span.end,
          });
          const added = this.#addContent(index, bytes, this.#insnsText(insns), info.from);
          if (!(lists[index] as number[]).includes(added)) (lists[index] as number[]).push(added);
          return added;
        };
        const old = change.old ? content(change.old) : undefined;
        const fresh = content(change.new);
        if (fresh === undefined || (change.old && old === undefined)) continue;
        changes.push({ place: index, new: fresh, ...(old === undefined ? {} : { old }) });
      }
      patches.push({
        name: patch.name?.text ?? (spec.patches.length > 1 ? `patch ${n + 1}` : 'the patch'),
        changes,
        span: patch.span,
      });
    }
    return { places: places.map((p, i) => ({ ...p, contents: lists[i] as number[] })), patches };
  }

  /** The contents by their final list, and for each offset what may be executed there. */
  #finishPlaces(
    places: readonly Place[],
    patches: readonly Patch[],
  ): { withContents: Place[]; all: readonly Content[] } {
    const pokes = this.#explicit;
    const out = places.map((p, index): Place => {
      const admitted: Uint8Array[][] = Array.from({ length: p.length }, () => []);
      const admit = (from: number, bytes: Uint8Array): void => {
        for (const insn of sequence(bytes, from)) admitted[insn.at]?.push(insn.bytes);
      };
      for (const c of p.contents) admit(0, (this.#contents[c] as Content).bytes);
      for (const e of pokes) if (e.place === index) admit(e.from, e.bytes);
      const old = p.contents[0];
      const change = patches.flatMap((x) => x.changes).find((c) => c.place === index);
      return {
        ...p,
        admitted,
        ...(old === undefined ? {} : { old: change?.old ?? old }),
        ...(change ? { new: change.new } : {}),
      };
    });
    return { withContents: out, all: this.#contents };
  }
  #explicit: { place: number; from: number; bytes: Uint8Array }[] = [];

  #readsMemory(bytes: Uint8Array, at: Address): boolean {
    return [...sequence(bytes, at)].some(({ ops }) => readsMemory(ops));
  }

  #cellsOf(places: readonly Place[], stubs: readonly Stub[]): number {
    return (
      places.reduce((n, p) => n + p.length, 0) +
      stubs.reduce((n, s) => n + s.slots.length * s.template.length, 0)
    );
  }

  // ---- stubs

  #templates: Template<Span>[] = [];

  #stubAddress(stubs: readonly Stub[], name: string): Address | undefined {
    const stub = stubs.find((s) => s.name === name);
    return stub?.slots.length === 1 ? stub.slots[0]?.from : undefined;
  }

  #stubs(): Stub[] {
    const spec = this.#spec;
    const placed = this.#placed;
    let cell = 0;
    for (const { name } of this.#placeNames()) {
      const label = placed.labels.get(name);
      cell += label ? label.end - label.address : 0;
    }
    const out: Stub[] = [];
    spec.stubs.forEach((stub, n) => {
      this.#introduce(stub.name, 'a stub');
      const items = itemsOf(stub.body, spec, this.#symbols, this.#report);
      const made = template(
        items,
        stub.params.map((p) => p.text),
        { resolve: (name) => addressOf(name, placed) ?? this.#symbols.address(name) },
      );
      if (made.kind === 'refused') {
        refuse(made, this.#report);
        return;
      }
      if (made.bytes.length === 0 || made.bytes.length > 64) {
        this.#error(
          'stub-length',
          `a stub has 1 to 64 bytes, and \`${stub.name.text}\` has ${made.bytes.length}`,
          stub.name.span,
        );
        return;
      }
      const slots = !stub.slots
        ? 1
        : stub.slots.kind === 'percpu'
          ? this.#settings.environment.cpus
          : stub.slots.count;
      if (slots < 1 || slots > 16)
        this.#error('slots', 'a stub has 1 to 16 slots', stub.slots?.span ?? stub.span);
      const from = region.stubs + n * 0x01010140;
      this.#templates.push(made);
      out.push({
        name: stub.name.text,
        template: made.bytes,
        fixups: made.fixups,
        slots: Array.from({ length: slots }, (_, k) => ({
          from: from + k * slotStride,
          cell: cell + k * made.bytes.length,
        })),
        span: stub.name.span,
        spans: new Map(made.rows.map((r) => [r.address, r.span])),
      });
      cell += slots * made.bytes.length;
    });
    return out;
  }

  // ---- who runs

  #threads(places: readonly Place[]): { list: Thread[]; groups: Map<string, number[]> } {
    const text = this.#textRanges();
    const settings = this.#settings;
    const spec = this.#spec;
    const placed = this.#placed;
    const { cpus } = settings.environment;
    const kinds = spec.runs.filter((r) => r.who === 'thread');
    const list: Thread[] = [];
    const groups = new Map<string, number[]>();
    const single = kinds.length === 1;
    const counted = (name: string): number => {
      const own = settings.threadCounts.find((t) => t.name === name);
      if (own) return own.count;
      if (settings.threadCounts.length > 0) return 0;
      if (!single)
        return settings.threads === undefined ? 1 : Math.floor(settings.threads / kinds.length);
      return settings.threads ?? Math.max(1, cpus - 1);
    };
    for (const kind of kinds) {
      const name = kind.name?.text ?? kind.label.text;
      if (kind.name) this.#introduce(kind.name, 'a thread');
      const entry = placed.labels.get(kind.label.text);
      if (!entry) {
        this.#unknown(
          kind.label.text,
          kind.label.span,
          placed.labels.keys(),
          'a label of the code',
        );
        continue;
      }
      const count = counted(name);
      const members: number[] = [];
      for (let i = 0; i < count; i++) {
        const own = count === 1 ? name : `${name}${i + 1}`;
        const pin = settings.pins.find((p) => p.name === own || p.name === name);
        const cpu = pin ? pin.cpu : cpus === 1 ? 0 : (1 + (list.length % (cpus - 1))) % cpus;
        if (cpu >= cpus)
          this.#error(
            'pin',
            `there is no CPU ${cpu}: CPUs are 0 to ${cpus - 1}`,
            pin?.span ?? kind.span,
          );
        members.push(list.length);
        list.push({
          name: own,
          entry: entry.address,
          rsp: rspAt(text, entry.address, places, this.#settings.environment.rsp),
          cpu,
        });
      }
      groups.set(name, members);
    }
    for (const t of settings.threadCounts)
      if (!groups.has(t.name)) this.#unknown(t.name, t.span, groups.keys(), 'a thread');
    for (const p of settings.pins)
      if (!groups.has(p.name) && !list.some((t) => t.name === p.name))
        this.#unknown(p.name, p.span, groups.keys(), 'a thread');
    return { list, groups };
  }

  #ipiCode(places: readonly Place[]): Program['ipiCode'] {
    const run = this.#spec.runs.find((r) => r.who === 'ipi');
    if (!run) return undefined;
    const entry = this.#placed.labels.get(run.label.text);
    if (!entry) {
      this.#unknown(
        run.label.text,
        run.label.span,
        this.#placed.labels.keys(),
        'a label of the code',
      );
      return undefined;
    }
    return { entry: entry.address, reaches: reaches(this.#textRanges(), entry.address, places) };
  }

  #eventSources(places: readonly Place[]): readonly EventSource[] {
    const text = this.#textRanges();
    const settings = this.#settings;
    const spec = this.#spec;
    const placed = this.#placed;
    return settings.events.flatMap((e): EventSource[] => {
      const kinds = spec.runs.filter((r) => r.who === e.kind);
      // Without a name it is an empty handler, whatever code there is.
      const chosen = kinds.find((k) => e.name !== undefined && k.name?.text === e.name);
      if (e.name !== undefined && !chosen) {
        this.#unknown(
          e.name,
          e.span,
          kinds.flatMap((k) => (k.name ? [k.name.text] : [])),
          `code of an ${e.kind}`,
        );
        return [];
      }
      if (e.on !== undefined && e.on >= settings.environment.cpus)
        this.#error('no-cpu', `there is no CPU ${e.on}`, e.span);
      const entry = chosen ? placed.labels.get(chosen.label.text) : undefined;
      if (chosen && !entry) {
        this.#unknown(
          chosen.label.text,
          chosen.label.span,
          placed.labels.keys(),
          'a label of the code',
        );
        return [];
      }
      if (e.name !== undefined && reservedNames.has(e.name))
        this.#error(
          'event-name',
          `an interrupt cannot be called \`${e.name}\`: actions are`,
          e.span,
        );
      if (e.count === 0) return [];
      return [
        {
          name: `${e.name ?? e.kind}${settings.events.filter((x) => x.kind === e.kind && x.name === e.name).length > 1 ? ` ${e.on === undefined ? '' : `on ${e.on} `}#${settings.events.indexOf(e) + 1}` : ''}`,
          kind: e.kind,
          count: e.count,
          reaches: entry !== undefined && reaches(text, entry.address, places),
          ...(entry ? { entry: entry.address } : {}),
          ...(e.on === undefined ? {} : { on: e.on }),
        },
      ];
    });
  }

  // ---- operations

  #scope(
    places: readonly Place[],
    stubs: readonly Stub[],
    symbols: Symbols,
    threads: ReadonlyMap<string, readonly number[]>,
  ): Scope {
    const spec = this.#spec;
    const placed = this.#placed;
    const bytesOf = (insns: readonly Insn[], at: Address): Uint8Array | undefined =>
      contentBytes(insns, at, placed, spec, symbols, this.#report);
    return {
      spec,
      text: this.#text,
      cpus: this.#settings.environment.cpus,
      label: (name) => placed.labels.get(name),
      variables: this.#variables,
      fields: this.#fields,
      placeIndex: new Map(places.map((p, i) => [p.name, i])),
      placeLength: (i) => places[i]?.length ?? 0,
      placeAddress: (i) => places[i]?.from ?? 0,
      stubIndex: new Map(stubs.map((s, i) => [s.name, i])),
      stubTemplates: this.#templates,
      stubSlots: stubs.map((s) => ({ from: s.slots[0]?.from ?? 0, count: s.slots.length })),
      bytesOf: (insns, at) => {
        const bytes = bytesOf(insns, at);
        const index = places.findIndex((p) => at >= p.from && at < p.from + p.length);
        const p = places[index];
        if (bytes && p) this.#explicit.push({ place: index, from: at - p.from, bytes });
        return bytes;
      },
      contentOf: (insns) => {
        const at = places[0]?.from ?? region.code;
        const bytes = bytesOf(insns, at);
        return bytes ? this.#addContent(-1, bytes, this.#insnsText(insns), at) : undefined;
      },
      threads,
      readsRegister: (r) => this.#readRegisters.add(r),
      event: (e, span) => {
        if (this.#inGoal)
          this.#error(
            'event-as-goal',
            `\`${this.#source(span)}\` is what a step does, and \`eventually\` asks for a state that can be reached: ask \`eventually THREAD at LABEL\`, or \`witness ${this.#source(span)}\``,
            span,
          );
        const found: Event =
          e.kind === 'trap'
            ? e
            : { kind: 'pass', place: e.place, content: this.#contentFor(places, e.place, e.which) };
        const known = this.#events.findIndex((x) => JSON.stringify(x) === JSON.stringify(found));
        if (known >= 0) return known;
        return this.#events.push(found) - 1;
      },
      report: this.#report,
    };
  }

  #contentFor(places: readonly Place[], index: number, which: 'old' | 'new'): number {
    const p = places[index] as Place;
    if (which === 'old') return p.contents[0] as number;
    return (p.contents[1] ?? p.contents[0]) as number;
  }

  #kernel(
    scope: Scope,
    patches: readonly Patch[],
    stubCount: number,
  ): {
    ops: readonly KernelOp[];
    entry: Program['entry'];
    locals: Program['locals'];
    phases: readonly string[];
  } {
    const spec = this.#spec;
    const settings = this.#settings;
    const out = new Assembly();
    const nowhere: Span = { start: 0, end: 0 };
    const ret: Label = { at: 0 };
    out.emit({ kind: 'iret' }, nowhere, 'iret');
    const ipi = out.length;
    out.emit({ kind: 'step', ops: [{ kind: 'serialise' }] }, nowhere, 'the IPI serialises');
    out.emit({ kind: 'ipiack' }, nowhere, 'acknowledges');
    out.emit({ kind: 'iret' }, nowhere, 'iret');

    const breakpoint = out.length;
    let handlerLocals = 0;
    for (const b of spec.breakpoints) {
      const done: Label = { at: -1 };
      const leave: Label = { at: -1 };
      const lowering = new Lowering(
        scope,
        out,
        { kind: 'handler', leave, done, places: [], slotLocals: [] },
        0,
      );
      if (b.at.length > 0) {
        const mine: Label = { at: -1 };
        for (const at of b.at) {
          const e = lowering.value(at);
          out.emit(
            {
              kind: 'jump',
              to: -1,
              when: { kind: 'binary', op: 'eq', a: { kind: 'here' }, b: e, width: 8 },
            },
            at.span,
            this.#source(at.span),
            mine,
          );
        }
        out.emit({ kind: 'jump', to: -1 }, b.span, 'not mine', leave);
        mine.at = out.length;
      }
      lowering.checkDecides(
        b.body,
        b.at.length === 1 && b.at[0]?.kind === 'name' ? `\`${b.at[0].text}\`` : 'the instruction',
      );
      lowering.block(b.body);
      done.at = out.length;
      out.emit({ kind: 'iret' }, { start: b.body.span.end, end: b.body.span.end }, 'iret');
      leave.at = out.length;
      handlerLocals = Math.max(handlerLocals, lowering.locals);
    }
    out.emit(
      {
        kind: 'violate',
        property: property('trap_handled'),
        message:
          spec.breakpoints.length === 0
            ? 'a trap, and no `on breakpoint` in this spec'
            : 'the trap finds no rule that owns it: every handler declined',
      },
      nowhere,
      'no owner',
    );
    out.emit({ kind: 'iret' }, nowhere, 'iret');

    const patcher = out.length;
    let patcherLocals = stubCount;
    const order = settings.patchList
      ? settings.patchList.flatMap((p) => {
          const i = spec.patches.findIndex((x) => x.name?.text === p.name);
          if (i < 0)
            this.#unknown(
              p.name,
              p.span,
              spec.patches.flatMap((x) => (x.name ? [x.name.text] : [])),
              'a named patch',
            );
          return i < 0 ? [] : [i];
        })
      : Array.from({ length: settings.patches ?? 1 }, () => spec.patches.map((_, i) => i)).flat();
    const slotLocals = Array.from({ length: stubCount }, (_, i) => i);
    for (const index of order) {
      const patch = spec.patches[index];
      const info = patches[index];
      if (!patch || !info) continue;
      const leave: Label = { at: -1 };
      const head = { start: patch.span.start, end: patch.body.span.start };
      out.emit({ kind: 'begin', patch: index }, head, this.#source(head));
      const lowering = new Lowering(
        scope,
        out,
        {
          kind: 'patcher',
          leave,
          done: leave,
          places: info.changes.map((c) => c.place),
          slotLocals,
        },
        stubCount,
      );
      lowering.block(patch.body);
      const behind = { start: patch.body.span.end, end: patch.body.span.end };
      const end = (failed: boolean): void => {
        for (let i = stubCount; i < lowering.locals; i++)
          out.emit({ kind: 'set', to: { kind: 'local', index: i }, value: num(0) }, head, 'end');
        out.emit({ kind: 'finish', patch: index, failed }, behind, 'the patch returns');
      };
      end(false);
      if (out.goesTo(leave)) {
        const next: Label = { at: -1 };
        out.emit({ kind: 'jump', to: -1 }, behind, 'the patch returns', next);
        leave.at = out.length;
        end(true);
        next.at = out.length;
      }
      patcherLocals = Math.max(patcherLocals, lowering.locals);
    }
    out.emit({ kind: 'end' }, nowhere, 'idle');
    return {
      ops: out.finish(),
      entry: { breakpoint, ipi, empty: ret.at, patcher },
      locals: { handler: handlerLocals, patcher: patcherLocals },
      phases: out.phases,
    };
  }

  #textRanges(): readonly TextRange[] {
    return this.#placed.chunks.map((c) => ({ from: c.from, bytes: c.bytes }));
  }
}

/** Words that begin the names of other actions. */
const reservedNames = new Set([
  'step',
  'ipi',
  'nmi',
  'irq',
  'fetch',
  'commit',
  'preempt',
  'latched',
]);

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);

function firstTarget(bytes: Uint8Array, at: Address): Address | undefined {
  const d = decode(bytes, bytes.length);
  if (d.kind !== 'insn') return undefined;
  for (const op of instantiate(d, at))
    if (op.kind === 'branch' && op.target.kind === 'const') return op.target.lo;
  return undefined;
}
