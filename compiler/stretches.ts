// The bytes of places and stubs while a run is played: what memory has, and what each CPU may still fetch, decoded.

import { type Addresses, plainAddress } from './addresses.ts';
import type { Core } from './emulator/core.ts';
import { toAddress } from './emulator/core.ts';
import type { Choice } from './emulator/fetch.ts';
import { cpuField, homeOf, taskCount, taskName } from './emulator/layout.ts';
import type { Machine } from './emulator/machine.ts';
import { nearLabel } from './emulator/machine.ts';
import type { Moment } from './emulator/trace.ts';
import type {
  CpuBytes,
  Insn,
  Older,
  Point,
  Standing,
  Stretch,
  StretchState,
  Waiting,
} from './telling.ts';
import { decode, text as disassemble } from './x86/decode.ts';

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

interface Range {
  readonly from: number;
  readonly cell: number;
  readonly length: number;
}

/** The task that a CPU runs. */
export const taskOf = (m: Core, cpu: number): number =>
  m.s[(m.l.cpus[cpu] as number) + cpuField.task] as number;

export class Stretches {
  readonly #machine: Machine;
  readonly #addresses: Addresses;
  readonly #watched: readonly Watched[];
  /** The slot that is being built, or was last. */
  #building = -1;

  constructor(machine: Machine, addresses: Addresses, start: Int32Array) {
    const m = machine.core;
    this.#machine = machine;
    this.#addresses = addresses;
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
    this.#watched = [
      ...m.p.places.map((x) => watch(x.name, 'place', -1, x)),
      ...m.slots.map((x, i) => watch(this.#addresses.slotName(x), 'stub', i, x)),
    ];
    for (const w of this.#watched) w.before = w.kind === 'place' ? this.#inMemory(start, w) : [];
  }

  /** Every stretch in the state that the machine holds; of a step that violates, before it. */
  at(state: Int32Array, end: Moment | undefined): readonly StretchState[] {
    return this.#watched.map((w) => this.#stretchState(w, state, end));
  }

  /** Indices of those that the run has to do with. */
  shown(): readonly number[] {
    return this.#watched.flatMap((w, i) => (w.kind === 'place' || w.since.length > 0 ? i : []));
  }

  /** What the step did to stretches. */
  note({ operation, happened, before }: Moment, number: number): void {
    for (const h of happened) {
      if (h.kind === 'begin') for (const w of this.#watched) w.fresh = w.kind === 'place';
      if (h.kind === 'write') {
        const w = this.#watched.find((x) => h.cell >= x.cell && h.cell < x.cell + x.length);
        w?.writes[h.cell - w.cell]?.push({ step: number, old: h.old });
        if (w?.fresh) w.before = this.#inMemory(before, w);
        if (w) w.fresh = false;
        if (w?.kind === 'stub') w.since[1] = number;
      }
      if (h.kind === 'build' || h.kind === 'release') {
        const w = this.#watched.find((x) => x.slot === h.slot);
        if (!w) continue;
        w.standing = h.kind === 'build' ? 'building' : 'released';
        w.since = [number];
        if (h.kind === 'build') {
          this.#building = h.slot;
          w.stored.fill(false);
          for (const writes of w.writes) writes.length = 0;
        }
      }
    }
    const op = operation?.do;
    if (op?.kind === 'build') {
      const building = this.#watched.find((w) => w.slot === this.#building);
      if (building) {
        building.stored[op.index] = true;
        building.since[1] = number;
      }
    }
  }

  /** What a released slot held at an address, as an instruction. */
  retained(address: number): string | undefined {
    for (const w of this.#watched) {
      const at = address - w.from;
      if (w.kind !== 'stub' || at < 0 || at >= w.length) continue;
      return w.last?.insns.find((i) => i.from === at)?.text;
    }
    return undefined;
  }

  #inMemory(state: Int32Array, w: Watched): readonly (number | undefined)[] {
    const m = this.#machine.core;
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

  #stretchState(w: Watched, state: Int32Array, end: Moment | undefined): StretchState {
    const m = this.#machine.core;
    const memory = w.standing === 'released' ? [] : this.#inMemory(state, w);
    const insns = w.standing === 'released' ? (w.last?.insns ?? []) : this.#insns(w, memory);
    const points = m.l.cpus.map((_, cpu) => this.#points(w, cpu, insns, end));
    const made =
      w.standing === 'released'
        ? this.#released(w, points)
        : this.#living(w, memory, insns, points);
    // Most steps leave most stretches as they were.
    if (w.last && same(w.last, made)) return w.last;
    w.last = made;
    return made;
  }

  #released(w: Watched, points: readonly (readonly Point[])[]): StretchState {
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

  #living(
    w: Watched,
    memory: readonly (number | undefined)[],
    insns: readonly Insn[],
    points: readonly (readonly Point[])[],
  ): StretchState {
    const m = this.#machine.core;
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
          ? this.#cpuBytes(w, cpu, memory, points[cpu] ?? [])
          : [],
      ),
      waiting,
    };
  }

  /** What decodes from the start on, as far as there are bytes; behind the INT3 of a place is half of something else. */
  #insns(w: Watched, memory: readonly (number | undefined)[]): readonly Insn[] {
    const out: Insn[] = [];
    for (let at = 0; at < memory.length; ) {
      const end = memory.indexOf(undefined, at);
      const rest = Uint8Array.from(memory.slice(at, end < 0 ? undefined : end) as number[]);
      const d = decode(rest, rest.length);
      if (d.kind !== 'insn') break;
      out.push({ from: at, length: d.length, text: this.#assembly(rest, w.from + at) });
      if (w.kind === 'place' && d.row.form.mnemonic === 'int3') break;
      at += d.length;
    }
    return out;
  }

  #assembly(bytes: Uint8Array, address: number): string {
    const { p } = this.#machine.core;
    const d = decode(bytes, bytes.length);
    const names = (a: number): string | undefined => p.labels.get(a) ?? nearLabel(p, a);
    return d.kind === 'insn' ? disassemble(d, address, names) : '';
  }

  #cpuBytes(
    w: Watched,
    cpu: number,
    memory: readonly (number | undefined)[],
    points: readonly Point[],
  ): CpuBytes {
    const m = this.#machine.core;
    m.select(cpu);
    const values = memory.map((_, i) => this.#machine.fetch.visible(w.cell + i));
    const choices = w.kind === 'place' ? this.#machine.fetch.choicesAt(w.from) : [];
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
        text: w.kind === 'stub' ? '' : texts(read, (b) => this.#assembly(b, w.from)),
        torn: read.some((c) => !c.insn),
        since: written.length > 0 ? Math.min(...written) : undefined,
      };
    });
    return {
      cpu,
      newest: memory,
      text: texts(own.length > 0 ? own : others.filter((c) => !c.insn && !c.bytes), (b) =>
        this.#assembly(b, w.from),
      ),
      torn: own.length === 0 && others.some((c) => !c.insn),
      older,
      points,
    };
  }

  /** Where a CPU goes on in a stretch: at once, or when its handlers return. */
  #points(
    w: Watched,
    cpu: number,
    insns: readonly Insn[],
    end: Moment | undefined,
  ): readonly Point[] {
    const m = this.#machine.core;
    const out: Point[] = [];
    const point = (lo: number, text: string, bad: boolean): void => {
      const slot = this.#addresses.slotAt(lo);
      const from = this.#addresses.known(toAddress(lo)) - w.from;
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
    const running = taskOf(m, cpu);
    const ends = end !== undefined && end.step.cpu === cpu && end.step.address !== undefined;
    const contexts = m.contextsOf(running);
    contexts.forEach((c, d) => {
      const top = d === contexts.length - 1;
      const released = this.#addresses.slotAt(c.at)?.released === true;
      const last = end?.step.bytes || released ? 'runs it' : 'fetches it';
      point(c.at, top ? (ends ? last : 'next') : 'returns here', top && ends);
    });
    for (let task = 0; task < taskCount(m.p); task++) {
      const elsewhere = m.l.cpus.some((_, other) => taskOf(m, other) === task);
      if (elsewhere || homeOf(m.p, task) !== cpu) continue;
      for (const c of m.contextsOf(task)) point(c.at, `${taskName(m.p, task)} returns here`, false);
    }
    return out;
  }

  stretch(index: number, states: readonly Standing[]): Stretch {
    const m = this.#machine.core;
    const w = this.#watched[index] as Watched;
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
          ...states.map((s) => s.bytes[index]?.cpus.find((c) => c.cpu === cpu)?.older.length ?? 0),
        ),
      })),
      unused,
      spans: Array.from({ length: w.length }, (_, i) => this.#addresses.sourceOf(w.from + i)),
    };
  }
}

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

const same = (a: StretchState, b: StretchState): boolean => JSON.stringify(a) === JSON.stringify(b);
