// A run as a picture needs it: every step with its marks, where each CPU stood behind it, and the bytes it might fetch.
//
// Steps count as people count them: step k is the k-th action, state 0 is the start, state k is behind step k. A step
// that violates has no state of its own: what stood before it stands there. Names in backquotes are the spec's.

import type { Span } from '../grammar/index.ts';
import type { Happening, Slot } from './emulator/core.ts';
import { toAddress } from './emulator/core.ts';
import type { Choice } from './emulator/fetch.ts';
import { context, cpuField, homeOf, taskCount, taskField, taskName } from './emulator/layout.ts';
import type { Machine } from './emulator/machine.ts';
import { nearLabel } from './emulator/machine.ts';
import { type Moment, type Trace, tell } from './emulator/trace.ts';
import { region } from './ir.ts';
import { flagBits } from './ops.ts';
import { decode, text as disassemble } from './x86/decode.ts';
import { printAddress } from './x86/text.ts';

export interface Telling {
  readonly lanes: readonly Lane[];
  readonly steps: readonly ToldStep[];
  /** One more than there are steps. What did not change from one to the next is the same object. */
  readonly states: readonly Standing[];
  readonly phases: readonly Phase[];
  readonly folds: readonly Fold[];
  readonly arrows: readonly Arrow[];
  readonly windows: readonly Window[];
  readonly stretches: readonly Stretch[];
}

export interface Lane {
  readonly cpu: number;
  /** What it runs at the start: `patcher`, a thread, `idle2`. */
  readonly task: string;
}

/** What a step is drawn as. */
export type Mark =
  | 'poke'
  | 'build'
  | 'commit'
  | 'release'
  | 'send'
  | 'acknowledge'
  | 'acknowledged'
  | 'ipi'
  | 'trap'
  | 'nmi'
  | 'irq'
  | 'iret'
  | 'serialise'
  | 'preempt'
  | 'statement'
  | 'instruction';

export interface ToldStep {
  readonly cpu: number;
  readonly who: string;
  readonly mark: Mark;
  readonly text: string;
  readonly detail: string;
  readonly address?: string;
  readonly bytes?: readonly number[];
  readonly span?: Span;
  /** Steps that made it what it is. */
  readonly causes: readonly number[];
  /** The violation rests on it. */
  readonly matters: boolean;
  readonly violates: boolean;
  /** What begins on the CPU's lane with it. */
  readonly begins: readonly Beginning[];
}

export interface Beginning {
  readonly cpu: number;
  readonly text: string;
  /** It belongs to what breaks the run. */
  readonly bad: boolean;
}

export interface Standing {
  readonly cpus: readonly Stand[];
  /** By stretch. */
  readonly bytes: readonly StretchState[];
}

/** Where a CPU stands. */
export interface Stand {
  readonly task: string;
  /** The handlers that it is in, the innermost last. */
  readonly handlers: readonly string[];
  readonly at: string;
  /** IF. */
  readonly interrupts: boolean;
  readonly shadow: boolean;
  /** For acknowledgements. */
  readonly waits: boolean;
  /** The stub that it stands in, or will return to. */
  readonly stub: { readonly name: string; readonly released: boolean } | undefined;
  /** IPIs that were sent to it and not taken. */
  readonly pending: number;
}

export interface Phase {
  readonly name: string;
  readonly from: number;
}

/** Steps that read well as one row. */
export interface Fold {
  readonly from: number;
  readonly to: number;
  readonly kind: 'build' | 'sync' | 'poke' | 'code';
  readonly cpu: number;
  readonly text: string;
  readonly detail: string;
  /** What others do in it. */
  readonly others: readonly { readonly cpu: number; readonly text: string }[];
}

export interface Arrow {
  readonly kind: 'ipi' | 'acknowledge';
  readonly step: number;
  readonly from: number;
  readonly to: number;
  /** Of an IPI: the step that takes it, if one does. */
  readonly taken?: number;
}

/** Interrupts could come, from behind one step on, and at another one came that the violation rests on. */
export interface Window {
  readonly cpu: number;
  readonly from: number;
  readonly to: number;
}

/** A place or a stub. */
export interface Stretch {
  readonly name: string;
  readonly kind: 'place' | 'stub';
  readonly address: string;
  /** The low byte of each address. */
  readonly offsets: readonly string[];
  /** Before which bytes a cache line or an aligned word begins. */
  readonly borders: readonly { readonly before: number; readonly what: 'line' | 'word' }[];
  /** CPUs that may fetch it, and how many older values of a byte each may have at once in this run. */
  readonly cpus: readonly { readonly cpu: number; readonly older: number }[];
  /** No CPU stands in this stub in the whole run. */
  readonly unused: boolean;
  /** By byte: the source of the instruction that it is of, as the text has it. */
  readonly spans: readonly (Span | undefined)[];
}

export interface StretchState {
  /** Text is what was there from the start. */
  readonly standing: 'text' | 'not built' | 'building' | 'built' | 'released';
  /** The first and the last step that built it, or the one that released it. */
  readonly since: readonly number[];
  /** Without a value: nothing was stored there. */
  readonly memory: readonly (number | undefined)[];
  /** Which bytes differ from those before the patch. */
  readonly changed: readonly boolean[];
  readonly insns: readonly Insn[];
  readonly cpus: readonly CpuBytes[];
  readonly waiting: readonly Waiting[];
}

export interface Insn {
  readonly from: number;
  readonly length: number;
  readonly text: string;
}

/** Bytes that a CPU has stored and that are not in memory yet. */
export interface Waiting {
  readonly cpu: number;
  readonly from: number;
  readonly bytes: readonly number[];
}

export interface CpuBytes {
  readonly cpu: number;
  readonly newest: readonly (number | undefined)[];
  /** What it would run from its newest values, of a place. */
  readonly text: string;
  readonly torn: boolean;
  readonly older: readonly Older[];
  /** Where it goes on. */
  readonly points: readonly Point[];
}

/** Older values, one a byte at most, of the bytes that have so many. */
export interface Older {
  readonly bytes: readonly (number | undefined)[];
  readonly has: readonly boolean[];
  /** What the CPU would run from them; empty where a fetch ends before it reads them. */
  readonly text: string;
  readonly torn: boolean;
  /** The step that wrote over them. */
  readonly since: number | undefined;
}

export interface Point {
  readonly from: number;
  readonly length: number;
  readonly text: string;
  readonly bad: boolean;
}

/** Plays a schedule and tells it; `mattering` are the steps that the violation rests on. */
export function tellAll(
  machine: Machine,
  schedule: readonly string[],
  initial: number,
  mattering: Iterable<number>,
): { readonly trace: Trace; readonly telling: Telling } {
  const teller = new Teller(machine, new Set(mattering), initial);
  const trace = tell(machine, schedule, initial, (moment) => teller.see(moment));
  return { trace, telling: teller.telling() };
}

/** A stretch while the run is played. */
interface Watched {
  readonly name: string;
  readonly kind: 'place' | 'stub';
  readonly from: number;
  readonly cell: number;
  readonly length: number;
  readonly slot: number;
  /** What stood there before the patch that runs, or ran last. */
  before: readonly (number | undefined)[];
  /** A patch has begun that has written nothing there yet. */
  fresh: boolean;
  standing: StretchState['standing'];
  since: number[];
  /** Of a stub: which bytes were stored. */
  readonly stored: boolean[];
  /** By byte: who wrote it when over which value. */
  readonly writes: { readonly step: number; readonly old: number }[][];
  readonly entered: Set<number>;
  last: StretchState | undefined;
}

class Teller {
  private readonly machine: Machine;
  private readonly matters: ReadonlySet<number>;
  private readonly watched: readonly Watched[];
  private readonly steps: ToldStep[] = [];
  private readonly states: Standing[] = [];
  private readonly phases: Phase[] = [];
  private readonly arrows: (Arrow & { taken?: number })[] = [];
  /** Indices of commits that are part of a build, and of IRETs that are part of a sync. */
  private readonly builds = new Set<number>();
  private readonly returns = new Set<number>();
  /** The trace's own texts of the steps. */
  private readonly said: string[] = [];
  private patch = 0;

  constructor(machine: Machine, matters: ReadonlySet<number>, initial: number) {
    const m = machine.core;
    this.machine = machine;
    this.matters = matters;
    const watch = (name: string, kind: 'place' | 'stub', slot: number, x: Range): Watched => ({
      name,
      kind,
      from: x.from,
      cell: x.cell,
      length: x.length,
      slot,
      before: [],
      fresh: false,
      standing: kind === 'place' ? 'text' : 'not built',
      since: [],
      stored: Array.from({ length: x.length }, () => kind === 'place'),
      writes: Array.from({ length: x.length }, () => []),
      entered: new Set(),
      last: undefined,
    });
    this.watched = [
      ...m.p.places.map((x) => watch(x.name, 'place', -1, x)),
      ...m.slots.map((x, i) => watch(this.slotName(x), 'stub', i, x)),
    ];
    const start = (machine.initial()[initial] as Int32Array).slice();
    for (const w of this.watched) w.before = w.kind === 'place' ? this.inMemory(start, w) : [];
    this.states.push(this.standing(start));
  }

  telling(): Telling {
    const shown = this.watched.flatMap((w, i) =>
      w.kind === 'place' || w.since.length > 0 ? i : [],
    );
    const windows = this.windows();
    return {
      lanes: (this.states[0]?.cpus ?? []).map((c, cpu) => ({ cpu, task: c.task })),
      steps: this.steps.map((s, i) => {
        const open = windows.find((w) => w.from === i + 1);
        const begins = open
          ? [
              { cpu: open.cpu, text: 'window open', bad: true },
              ...s.begins.filter((b) => b.cpu !== open.cpu),
            ]
          : s.begins;
        return { ...s, begins };
      }),
      states: this.states.map((s) => ({
        cpus: s.cpus,
        bytes: shown.map((i) => s.bytes[i] as StretchState),
      })),
      phases: this.phases,
      folds: this.folds(),
      arrows: this.arrows,
      windows,
      stretches: shown.map((i) => this.stretch(i)),
    };
  }

  // ---- one step

  see(moment: Moment): void {
    const { machine } = this;
    const { step, happened, before, after, violates } = moment;
    const number = this.steps.length + 1;
    const mark = this.markOf(moment);
    this.section(moment, number);
    this.note(moment, number);
    const last = this.states[number - 1] as Standing;
    const state = (violates ? before : after).slice();
    const now = this.standing(state, violates ? moment : undefined);
    this.draw(happened, step.cpu, mark, number);
    this.states.push(now);
    this.said.push(step.text);
    if (mark === 'commit' && step.part === 'build') this.builds.add(number - 1);
    if (mark === 'iret' && step.part === 'sync') this.returns.add(number - 1);
    const span =
      step.span ??
      (step.address === undefined ? undefined : this.sourceOf(this.known(step.address)));
    this.steps.push({
      cpu: step.cpu,
      who: step.who,
      mark,
      ...this.words(moment, mark, now),
      ...(step.address === undefined ? {} : { address: plainAddress(this.known(step.address)) }),
      ...(step.bytes ? { bytes: [...step.bytes] } : {}),
      ...(span ? { span } : {}),
      causes: step.causes.map((c) => c + 1),
      matters: this.matters.has(number) || violates,
      violates,
      begins: this.beginnings(last, now, happened, number),
    });
    machine.core.s = after;
  }

  private markOf({ description, operation, happened }: Moment): Mark {
    const delivered = happened.find((h) => h.kind === 'deliver');
    switch (description.kind) {
      case 'commit':
        return 'commit';
      case 'event': {
        if (description.text.endsWith('ipi')) return 'ipi';
        if (description.text.startsWith('preempt by')) return 'preempt';
        if (!delivered) return 'statement';
        const source = this.machine.core.p.env.events.find((e) => e.name === delivered.what);
        return source?.kind ?? 'irq';
      }
      case 'instruction':
        if (delivered) return 'trap';
        return happened.some((h) => h.kind === 'iret') ? 'iret' : 'instruction';
      case 'operation':
        break;
    }
    switch (operation?.do.kind) {
      case 'poke':
      case 'build':
      case 'release':
      case 'send':
      case 'iret':
        return operation.do.kind;
      case 'sendto':
        return 'send';
      case 'acks':
        return 'acknowledged';
      case 'ipiack':
        return 'acknowledge';
      case 'step':
        return happened.some((h) => h.kind === 'serialise') ? 'serialise' : 'statement';
      default:
        return 'statement';
    }
  }

  /** A phase of the patch begins, or its end. */
  private section({ operation, happened }: Moment, number: number): void {
    const { p } = this.machine.core;
    const name =
      operation?.do.kind === 'release'
        ? 'release'
        : operation?.phase === undefined
          ? undefined
          : p.phases[operation.phase];
    const whole = name && this.patch > 1 ? `patch ${this.patch}: ${name}` : name;
    if (whole !== undefined && this.phases[this.phases.length - 1]?.name !== whole)
      this.phases.push({ name: whole, from: number });
    if (happened.some((h) => h.kind === 'begin')) this.patch++;
  }

  /** What the step did to stretches. */
  private note({ operation, happened, before }: Moment, number: number): void {
    for (const h of happened) {
      if (h.kind === 'begin') for (const w of this.watched) w.fresh = w.kind === 'place';
      if (h.kind === 'write') {
        const w = this.watched.find((x) => h.cell >= x.cell && h.cell < x.cell + x.length);
        w?.writes[h.cell - w.cell]?.push({ step: number, old: h.old });
        if (w?.fresh) w.before = this.inMemory(before, w);
        if (w) w.fresh = false;
        if (w?.kind === 'stub') w.since[1] = number;
      }
      if (h.kind === 'build' || h.kind === 'release') {
        const w = this.watched.find((x) => x.slot === h.slot);
        if (!w) continue;
        w.standing = h.kind === 'build' ? 'building' : 'released';
        w.since = [number];
        if (h.kind === 'build') {
          w.stored.fill(false);
          for (const writes of w.writes) writes.length = 0;
        }
      }
    }
    const op = operation?.do;
    if (op?.kind === 'build') {
      const building = this.watched.find(
        (w) => w.standing === 'building' && this.machine.core.slots[w.slot]?.stub === op.stub,
      );
      if (building) {
        building.stored[op.index] = true;
        building.since[1] = number;
      }
    }
  }

  private draw(happened: readonly Happening[], cpu: number, mark: Mark, step: number): void {
    for (const h of happened) {
      if (h.kind === 'send')
        for (const to of h.to) this.arrows.push({ kind: 'ipi', step, from: cpu, to });
      if (h.kind === 'ack') {
        const sent = this.arrows.findLast((a) => a.kind === 'ipi' && a.to === h.cpu);
        if (sent) this.arrows.push({ kind: 'acknowledge', step, from: h.cpu, to: sent.from });
      }
    }
    if (mark !== 'ipi') return;
    const waiting = this.arrows.find((a) => a.kind === 'ipi' && a.to === cpu && !a.taken);
    if (waiting) waiting.taken = step;
  }

  /** The label of a step, and its detail. */
  private words(
    { step, description, operation, happened, violates }: Moment,
    mark: Mark,
    now: Standing,
  ): { readonly text: string; readonly detail: string } {
    const { p } = this.machine.core;
    const said = (text: string, detail = ''): { text: string; detail: string } => ({
      text,
      detail,
    });
    const near = (lo: number): string => this.near(toAddress(lo));
    const interrupted = (): string => {
      const at = this.machine.core.contextsOf(this.taskOf(step.cpu));
      const below = at[at.length - 2];
      if (!below) return '';
      const handler = this.machine.kernel.at(below.at) >= 0 && handlerNames[below.kind];
      return handler ? `in the ${handler} handler` : `at ${this.where(below.at)}`;
    };
    if (violates && description.kind === 'instruction' && step.address !== undefined) {
      const known = this.known(step.address);
      const text = step.bytes ? step.text : (this.retained(known) ?? step.text);
      return said(text === 'fetch' ? 'fetch' : `\`${text}\``, `at ${this.near(known)}`);
    }
    switch (mark) {
      case 'poke':
        return said(`poke \`${step.text.replace(/^poke /, '')}\``);
      case 'build':
        return said(`build \`${step.text.replace(/^build /, '')}\``);
      case 'commit': {
        const parts = step.note.split('; ').map((n) => /^(.*): (.*)$/.exec(n));
        const cells = parts.map((x) => x?.[1] ?? '');
        if (step.note === '' || cells.includes(''))
          return said(step.note || step.text, 'reaches memory');
        return said(`\`${cells.join(', ')}\` in memory`, parts.map((x) => x?.[2]).join(', '));
      }
      case 'release': {
        const stub =
          operation?.do.kind === 'release' ? p.stubs[operation.do.stub]?.name : undefined;
        return said(`release \`${stub ?? ''}\``);
      }
      case 'send': {
        const nmi = operation?.do.kind === 'send' && operation.do.nmi;
        return said(`sync: send${nmi ? ' NMIs' : ''}`);
      }
      case 'acknowledged':
        return said('sync: all acknowledged');
      case 'acknowledge': {
        const ack = happened.find((h) => h.kind === 'ack');
        return said('acknowledge', ack ? `on top of ${this.where(ack.inside)}` : '');
      }
      case 'ipi':
        return said(
          description.text === 'nmi ipi' ? 'NMI of the sync' : 'IPI taken',
          interrupted(),
        );
      case 'trap':
        return said(`\`${step.text}\`, #BP`, `at ${this.near(step.address ?? 0)}`);
      case 'nmi':
      case 'irq': {
        const kind = mark.toUpperCase();
        const name = step.text === mark ? kind : `${kind} \`${step.text}\``;
        const shadowed = happened.some((h) => h.kind === 'deliver' && h.shadowed);
        return said(`${name}${shadowed ? ' in the shadow' : ''}`, interrupted());
      }
      case 'iret': {
        const back = happened.find((h) => h.kind === 'iret');
        const stand = now.cpus[step.cpu];
        const opens =
          stand?.interrupts && !this.states[this.states.length - 2]?.cpus[step.cpu]?.interrupts;
        return said('`iret`', back ? `to ${this.where(back.to)}${opens ? ', IF=1' : ''}` : '');
      }
      case 'serialise':
        return said('serialise', step.text.startsWith('the ') ? '' : step.text);
      case 'preempt':
        return said(step.text.replace(/^preempt by (.*)$/, 'preempted by $1'), interrupted());
      case 'instruction':
        return said(
          `\`${step.text}\``,
          [step.address === undefined ? '' : `at ${near(step.address)}`, this.noted(step.note)]
            .filter((x) => x !== '')
            .join(', '),
        );
      case 'statement':
        return said(
          description.kind === 'event' ? step.text : `\`${step.text}\``,
          this.noted(step.note),
        );
    }
  }

  /** Of what a step changed, what its picture does not say. */
  private noted(note: string): string {
    return note
      .split('; ')
      .filter((n) => !n.endsWith(' serialised'))
      .join('; ');
  }

  /** What a released slot held at an address, as an instruction. */
  private retained(address: number): string | undefined {
    for (const w of this.watched) {
      const at = address - w.from;
      if (w.kind !== 'stub' || at < 0 || at >= w.length) continue;
      return w.last?.insns.find((i) => i.from === at)?.text;
    }
    return undefined;
  }

  /** What starts on lanes with this step, at most one word a CPU. */
  private beginnings(
    last: Standing,
    now: Standing,
    happened: readonly Happening[],
    number: number,
  ): readonly Beginning[] {
    return now.cpus.flatMap((stand, cpu) => {
      const was = last.cpus[cpu] as Stand;
      const text = ((): string | undefined => {
        if (happened.some((h) => h.kind === 'deliver' && h.cpu === cpu && h.shadowed))
          return 'ends the shadow';
        if (stand.stub && !was.stub) return `enters ${stand.stub.name}`;
        if (stand.shadow && !was.shadow) return 'interrupt shadow';
        if (!stand.interrupts && was.interrupts) return 'IF=0';
        const waiting = this.arrows.find((a) => a.kind === 'ipi' && a.to === cpu && !a.taken);
        return waiting && waiting.step === number - 1 ? 'IPI waits' : undefined;
      })();
      return text === undefined ? [] : [{ cpu, text, bad: false }];
    });
  }

  // ---- where CPUs stand

  private standing(state: Int32Array, end?: Moment): Standing {
    const m = this.machine.core;
    m.s = state;
    return {
      cpus: m.l.cpus.map((_, cpu) => this.stand(cpu)),
      bytes: this.watched.map((w) => this.stretchState(w, state, end)),
    };
  }

  private taskOf(cpu: number): number {
    const m = this.machine.core;
    return m.s[(m.l.cpus[cpu] as number) + cpuField.task] as number;
  }

  private stand(cpu: number): Stand {
    const m = this.machine.core;
    const at = m.l.cpus[cpu] as number;
    const task = this.taskOf(cpu);
    const contexts = m.contextsOf(task);
    const top = contexts[contexts.length - 1] as (typeof contexts)[number];
    const flags = m.s[(m.l.tasks[task] as number) + taskField.flags] as number;
    const inside = contexts.map((c) => this.slotAt(c.at)).filter((x) => x !== undefined);
    const stub = inside[inside.length - 1];
    const operation = m.p.kernel[this.machine.kernel.at(top.at)];
    const handlers = contexts.slice(1).map((c) => handlerNames[c.kind] ?? 'handler');
    return {
      task: taskName(m.p, task),
      handlers,
      at:
        operation && contexts.length > 1
          ? `${handlers[handlers.length - 1]} handler`
          : this.where(top.at),
      interrupts: (flags & flagBits.if) !== 0,
      shadow: m.s[at + cpuField.shadow] !== 0,
      waits: operation?.do.kind === 'acks' && (m.s[m.l.outstanding] as number) > 0,
      stub: stub && { name: this.slotName(stub.slot), released: stub.released },
      pending: (m.s[at + cpuField.ipi] as number) + (m.s[at + cpuField.nmiIpi] as number),
    };
  }

  private slotAt(lo: number): { readonly slot: Slot; readonly released: boolean } | undefined {
    const address = toAddress(lo);
    for (const slot of this.machine.core.slots) {
      const off = address - slot.from;
      if (off >= 0 && off < slot.length) return { slot, released: false };
      if (off - region.alias >= 0 && off - region.alias < slot.length)
        return { slot, released: true };
    }
    return undefined;
  }

  private slotName(slot: Slot): string {
    const stub = this.machine.core.p.stubs[slot.stub];
    return `${stub?.name ?? 'stub'}${(stub?.slots.length ?? 1) > 1 ? `#${slot.index}` : ''}`;
  }

  /** The source of the instruction that a byte is of. */
  private sourceOf(address: number): Span | undefined {
    const { p } = this.machine.core;
    const place = p.places.find((x) => address >= x.from && address < x.from + x.length);
    if (place) return p.spans.get(place.from);
    const slot = this.slotAt(address)?.slot;
    if (!slot) return undefined;
    const spans = [...(p.stubs[slot.stub]?.spans ?? [])];
    return spans.findLast(([offset]) => offset <= address - slot.from)?.[1];
  }

  /** The address without what a release made of it. */
  private known(address: number): number {
    return this.slotAt(address)?.released ? address - region.alias : address;
  }

  private near(address: number): string {
    const known = this.known(address);
    return nearLabel(this.machine.core.p, known) ?? plainAddress(known);
  }

  /** Where a context goes on, in words: a label, a statement, a handler. */
  private where(lo: number): string {
    const { p } = this.machine.core;
    let index = this.machine.kernel.at(lo);
    if (index < 0) return this.near(toAddress(lo));
    const patcher = index >= p.entry.patcher;
    while (patcher && ['begin', 'set', 'nop'].includes(p.kernel[index]?.do.kind ?? '')) index++;
    const op = p.kernel[index];
    if (!patcher || !op) return 'its handler';
    if (op.do.kind === 'end') return 'its end';
    if (op.do.kind === 'build' || op.do.kind === 'release')
      return `${op.do.kind} ${p.stubs[op.do.stub]?.name}`;
    return op.do.kind === 'acks' ? 'sync: waits' : op.text;
  }

  // ---- bytes

  private inMemory(state: Int32Array, w: Watched): readonly (number | undefined)[] {
    const m = this.machine.core;
    const buffered = new Set<number>();
    const held = m.s;
    m.s = state;
    for (let cpu = 0; cpu < m.l.cpus.length; cpu++)
      for (const x of m.waitingText(cpu))
        for (let i = 0; i < x.bytes.length; i++) buffered.add(x.cell + i);
    m.s = held;
    return Array.from({ length: w.length }, (_, i) => {
      const value = state[m.l.cells + w.cell + i] as number;
      // A byte that is 0 before and behind its store: it is there once no buffer has it.
      const there = w.kind === 'place' || value !== 0 || (w.stored[i] && !buffered.has(w.cell + i));
      return there ? value : undefined;
    });
  }

  private stretchState(w: Watched, state: Int32Array, end: Moment | undefined): StretchState {
    const m = this.machine.core;
    const memory = w.standing === 'released' ? [] : this.inMemory(state, w);
    const insns = w.standing === 'released' ? (w.last?.insns ?? []) : this.insns(w, memory);
    const points = m.l.cpus.map((_, cpu) => this.points(w, cpu, insns, end));
    const made =
      w.standing === 'released' ? this.released(w, points) : this.living(w, memory, insns, points);
    // Most steps leave most stretches as they were.
    if (w.last && same(w.last, made)) return w.last;
    w.last = made;
    return made;
  }

  private released(w: Watched, points: readonly (readonly Point[])[]): StretchState {
    const last = w.last as StretchState;
    return {
      ...last,
      standing: 'released',
      since: [...w.since],
      changed: last.memory.map(() => false),
      waiting: [],
      cpus: last.cpus.map((c) => ({
        ...c,
        newest: last.memory,
        older: [],
        torn: false,
        points: points[c.cpu] ?? [],
      })),
    };
  }

  private living(
    w: Watched,
    memory: readonly (number | undefined)[],
    insns: readonly Insn[],
    points: readonly (readonly Point[])[],
  ): StretchState {
    const m = this.machine.core;
    if (w.standing === 'building' && memory.every((b) => b !== undefined)) w.standing = 'built';
    const waiting = m.l.cpus.flatMap((_, cpu) => merged(w, cpu, m.waitingText(cpu)));
    return {
      standing: w.standing,
      since: [...w.since],
      memory,
      changed: memory.map((b, i) => (w.kind === 'stub' ? b !== undefined : b !== w.before[i])),
      insns,
      cpus: m.fetches.flatMap((fetches, cpu) =>
        fetches && w.standing !== 'not built'
          ? this.cpuBytes(w, cpu, memory, points[cpu] ?? [])
          : [],
      ),
      waiting,
    };
  }

  /** What decodes from the start on, as far as there are bytes; behind the INT3 of a place is half of something else. */
  private insns(w: Watched, memory: readonly (number | undefined)[]): readonly Insn[] {
    const out: Insn[] = [];
    for (let at = 0; at < memory.length; ) {
      const end = memory.indexOf(undefined, at);
      const rest = Uint8Array.from(memory.slice(at, end < 0 ? undefined : end) as number[]);
      const d = decode(rest, rest.length);
      if (d.kind !== 'insn') break;
      out.push({ from: at, length: d.length, text: this.assembly(rest, w.from + at) });
      if (w.kind === 'place' && d.row.form.mnemonic === 'int3') break;
      at += d.length;
    }
    return out;
  }

  private assembly(bytes: Uint8Array, address: number): string {
    const { p } = this.machine.core;
    const d = decode(bytes, bytes.length);
    const names = (a: number): string | undefined => p.labels.get(a) ?? nearLabel(p, a);
    return d.kind === 'insn' ? disassemble(d, address, names) : '';
  }

  private cpuBytes(
    w: Watched,
    cpu: number,
    memory: readonly (number | undefined)[],
    points: readonly Point[],
  ): CpuBytes {
    const m = this.machine.core;
    m.select(cpu);
    const values = memory.map((_, i) => this.machine.fetch.visible(w.cell + i));
    const choices = w.kind === 'place' ? this.machine.fetch.choicesAt(w.from) : [];
    const depth = Math.max(1, ...values.map((v) => v.length));
    const newest = values.map((v) => v[0] as number);
    const isNewest = (c: Choice): boolean => {
      const bytes = c.insn?.bytes ?? c.bytes;
      return bytes?.every((b, i) => i >= newest.length || b === newest[i]) ?? false;
    };
    const own = choices.filter(isNewest);
    const others = choices.filter((c) => !own.includes(c));
    const older = Array.from({ length: depth - 1 }, (_, k): Older => {
      const has = values.map((v) => v.length > k + 1);
      const bytes = values.map((v, i) =>
        w.kind === 'stub' && memory[i] !== undefined && v[k + 1] === 0 ? undefined : v[k + 1],
      );
      const uses = (c: Choice): boolean => {
        const read = c.insn?.bytes ?? c.bytes;
        return !read || values.some((v, i) => has[i] && read[i] === v[k + 1] && v[k + 1] !== v[0]);
      };
      const read = others.filter(uses);
      const written = values.flatMap((v, i) =>
        has[i] ? (w.writes[i]?.findLast((x) => x.old === v[k + 1])?.step ?? []) : [],
      );
      return {
        bytes,
        has,
        text: w.kind === 'stub' ? '' : texts(read, (b) => this.assembly(b, w.from)),
        torn: read.some((c) => !c.insn),
        since: written.length > 0 ? Math.min(...written) : undefined,
      };
    });
    return {
      cpu,
      newest: memory,
      text: texts(own.length > 0 ? own : others.filter((c) => !c.insn && !c.bytes), (b) =>
        this.assembly(b, w.from),
      ),
      torn: own.length === 0 && others.some((c) => !c.insn),
      older,
      points,
    };
  }

  /** Where a CPU goes on in a stretch: at once, or when its handlers return. */
  private points(
    w: Watched,
    cpu: number,
    insns: readonly Insn[],
    end: Moment | undefined,
  ): readonly Point[] {
    const m = this.machine.core;
    const out: Point[] = [];
    const point = (lo: number, text: string, bad: boolean): void => {
      const slot = this.slotAt(lo);
      const from = this.known(toAddress(lo)) - w.from;
      if (from < 0 || from >= w.length) return;
      w.entered.add(cpu);
      const length = insns.find((i) => i.from === from)?.length ?? 1;
      const released = slot?.released ?? false;
      out.push({
        from,
        length: Math.min(length, w.length - from),
        text: released ? `${text}, released` : text,
        bad: bad || released,
      });
    };
    const running = this.taskOf(cpu);
    const ends = end !== undefined && end.step.cpu === cpu && end.step.address !== undefined;
    const contexts = m.contextsOf(running);
    contexts.forEach((c, d) => {
      const top = d === contexts.length - 1;
      const released = this.slotAt(c.at)?.released === true;
      const last = end?.step.bytes || released ? 'runs it' : 'fetches it';
      point(c.at, top ? (ends ? last : 'next') : 'returns here', top && ends);
    });
    for (let task = 0; task < taskCount(m.p); task++) {
      const elsewhere = m.l.cpus.some((_, other) => this.taskOf(other) === task);
      if (elsewhere || homeOf(m.p, task) !== cpu) continue;
      for (const c of m.contextsOf(task)) point(c.at, `${taskName(m.p, task)} returns here`, false);
    }
    return out;
  }

  // ---- over the whole run

  private stretch(index: number): Stretch {
    const m = this.machine.core;
    const w = this.watched[index] as Watched;
    const word = m.p.env.fetch.moment === 8 || m.p.env.fetch.storeUnit === 8;
    const borders = Array.from({ length: w.length - 1 }, (_, i) => i + 1).flatMap(
      (before): Stretch['borders'] => {
        const at = w.from + before;
        if (at % 64 === 0) return [{ before, what: 'line' }];
        return word && at % 8 === 0 ? [{ before, what: 'word' }] : [];
      },
    );
    const unused = w.kind === 'stub' && w.entered.size === 0;
    const cpus = unused ? [] : m.fetches.flatMap((fetches, cpu) => (fetches ? [cpu] : []));
    return {
      name: w.name,
      kind: w.kind,
      address: plainAddress(w.from),
      offsets: Array.from({ length: w.length }, (_, i) =>
        (((w.from + i) % 256) + 256).toString(16).slice(-2).padStart(2, '0'),
      ),
      borders,
      cpus: cpus.map((cpu) => ({
        cpu,
        older: Math.max(
          ...this.states.map(
            (s) => s.bytes[index]?.cpus.find((c) => c.cpu === cpu)?.older.length ?? 0,
          ),
        ),
      })),
      unused,
      spans: Array.from({ length: w.length }, (_, i) => this.sourceOf(w.from + i)),
    };
  }

  /** Where the interrupt could come that was acknowledged on top of a stub. */
  private windows(): readonly Window[] {
    const out: Window[] = [];
    const open = (state: number, cpu: number): boolean => {
      const stand = this.states[state]?.cpus[cpu];
      return stand?.interrupts === true && !stand.shadow && stand.stub !== undefined;
    };
    this.steps.forEach((s, i) => {
      if (!s.matters || s.mark !== 'acknowledge') return;
      let taken = i;
      while (taken >= 0 && !(this.steps[taken]?.mark === 'ipi' && this.steps[taken]?.cpu === s.cpu))
        taken--;
      let from = taken;
      while (from > 0 && open(from, s.cpu)) from--;
      if (taken > 0 && from < taken) out.push({ cpu: s.cpu, from: from + 1, to: taken + 1 });
    });
    return out;
  }

  private folds(): readonly Fold[] {
    const out: Fold[] = [];
    const quiet = (i: number): boolean => {
      const s = this.steps[i];
      return s !== undefined && !s.matters;
    };
    for (let i = 0; i < this.steps.length; ) {
      const fold = quiet(i) ? this.foldFrom(i, quiet) : undefined;
      if (fold) out.push(fold);
      i = fold ? fold.to : i + 1;
    }
    return out;
  }

  private foldFrom(i: number, quiet: (i: number) => boolean): Fold | undefined {
    const { steps } = this;
    const first = steps[i] as ToldStep;
    /** The end of the steps from `first` on that go on as it does. */
    const run = (goesOn: (s: ToldStep, k: number) => boolean): number => {
      let end = i + 1;
      while (quiet(end) && goesOn(steps[end] as ToldStep, end)) end++;
      return end;
    };
    const made = (
      kind: Fold['kind'],
      end: number,
      text: string,
      detail: string,
      others: Fold['others'] = [],
    ): Fold => ({ from: i + 1, to: end, kind, cpu: first.cpu, text, detail, others });
    const stub = (s: ToldStep, k: number): boolean =>
      s.mark === 'build' || (s.mark === 'commit' && this.builds.has(k));
    if (stub(first, i)) {
      const end = run((s, k) => s.cpu === first.cpu && stub(s, k));
      const part = steps.slice(i, end);
      const names = [...new Set(part.flatMap((s) => /`([^`[]+)\[/.exec(s.text)?.[1] ?? []))];
      const builds = part.filter((s) => s.mark === 'build').length;
      const stores = `${part.length - builds} bytes reach memory`;
      if (part.length < 2) return undefined;
      return builds > 0
        ? made('build', end, `build \`${names.join(', ')}\``, `${builds} stores`)
        : made('build', end, `\`${names.join(', ')}\``, stores);
    }
    if (first.mark === 'poke') {
      const end = run((s) => s.cpu === first.cpu && s.mark === 'commit');
      const parts = steps
        .slice(i + 1, end)
        .flatMap((s) => (s.detail.includes('→') ? s.detail : []));
      if (parts.length === 0) return undefined;
      return made('poke', end, first.text, changes(parts));
    }
    const plumbing = (s: ToldStep, k: number): boolean =>
      ['send', 'ipi', 'serialise', 'acknowledge', 'acknowledged'].includes(s.mark) ||
      (s.mark === 'iret' && this.returns.has(k));
    if (first.mark === 'send') {
      const end = run((s, k) => s.mark !== 'send' && plumbing(s, k));
      const sent = this.arrows.filter((a) => a.kind === 'ipi' && a.step === i + 1);
      // An IPI that is taken later is a tale of its own.
      if (end - i < 2 || sent.some((a) => (a.taken ?? Infinity) > end)) return undefined;
      const part = steps.slice(i + 1, end);
      const others = [...new Set(part.map((s) => s.cpu))]
        .filter((cpu) => cpu !== first.cpu)
        .map((cpu) => ({
          cpu,
          text: part
            .filter((s) => s.cpu === cpu)
            .map((s) => (s.mark === 'ipi' ? (s.text === 'IPI taken' ? 'IPI' : 'NMI') : s.text))
            .join(', '),
        }));
      const whole = part.some((s) => s.mark === 'acknowledged');
      return made('sync', end, whole ? (this.said[i] as string) : first.text, '', others);
    }
    const calm = (s: ToldStep, k: number): boolean =>
      s.mark === 'instruction' && s.cpu === first.cpu && !this.states[k]?.cpus[s.cpu]?.stub;
    if (!calm(first, i)) return undefined;
    const end = run(calm);
    if (end - i < 3) return undefined;
    return made(
      'code',
      end,
      steps
        .slice(i, end)
        .map((s) => s.text)
        .join('; ')
        .replaceAll('`; `', '; '),
      '',
    );
  }
}

interface Range {
  readonly from: number;
  readonly cell: number;
  readonly length: number;
}

const handlerNames: Readonly<Record<number, string>> = {
  [context.breakpoint]: '#BP',
  [context.ipi]: 'IPI',
  [context.irqEmpty]: 'IRQ',
  [context.irqCode]: 'IRQ',
  [context.nmiEmpty]: 'NMI',
  [context.nmiCode]: 'NMI',
  [context.nmiIpi]: 'NMI',
  [context.preempted]: 'preempted',
};

const plainAddress = (address: number): string => printAddress(address).slice(2);

/** What a buffer holds of a stretch, neighbours together. */
function merged(
  w: Watched,
  cpu: number,
  units: readonly { readonly cell: number; readonly bytes: Uint8Array }[],
): readonly Waiting[] {
  const out: { cpu: number; from: number; bytes: number[] }[] = [];
  for (const u of units) {
    const from = u.cell - w.cell;
    if (from < 0 || from >= w.length) continue;
    const last = out[out.length - 1];
    if (last && last.from + last.bytes.length === from) last.bytes.push(...u.bytes);
    else out.push({ cpu, from, bytes: [...u.bytes] });
  }
  return out;
}

/** What fetches give, each once. */
function texts(choices: readonly Choice[], assembly: (bytes: Uint8Array) => string): string {
  return [...new Set(choices.map((c) => (c.insn ? assembly(c.insn.bytes) : 'torn')))].join(' or ');
}

/** `e8 → cc`; of several bytes what they become. */
function changes(details: readonly string[]): string {
  if (details.length === 1) return details[0] as string;
  return details.map((d) => d.split(' → ')[1] ?? d).join(' ');
}

const same = (a: StretchState, b: StretchState): boolean => JSON.stringify(a) === JSON.stringify(b);
