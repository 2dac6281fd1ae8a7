// A run told step by step: who did what at which address, what it changed, and why it ends as it does.

import type { Span } from '../../grammar/index.ts';
import type { KernelOp, Program } from '../ir.ts';
import { region } from '../ir.ts';
import type { Happening } from './core.ts';
import { toAddress } from './core.ts';
import { digest } from './digest.ts';
import { idleFrom } from './layout.ts';
import type { Description, Machine } from './machine.ts';
import { cellName, nearLabel, wordText } from './machine.ts';

export interface TraceStep {
  readonly name: string;
  readonly cpu: number;
  /** Who acts on that CPU. */
  readonly who: string;
  /** Where an instruction stands. */
  readonly address?: number;
  readonly bytes?: Uint8Array;
  readonly text: string;
  readonly span?: Span;
  /** The larger doing that it is a part of: stores of a stub that is built, the plumbing of a sync. */
  readonly part?: 'build' | 'sync';
  /** What it changed that others can see, in a few words. */
  readonly note: string;
  /** Steps of this run that made it what it is, ascending. */
  readonly causes: readonly number[];
  /** Of the visible state behind the step; of the one before it where it violates. */
  readonly digest: string;
}

export interface Why {
  /** The step it speaks of, or undefined where it speaks of what never came. */
  readonly step: number | undefined;
  readonly text: string;
}

export interface Trace {
  readonly steps: readonly TraceStep[];
  /** What every CPU that fetches the place of the violation could still see of it, before the last step. */
  readonly views: readonly View[];
  readonly why: readonly Why[];
  readonly message: string;
  /** Set where a name of the schedule was not enabled. */
  readonly diverged?: {
    readonly step: number;
    readonly expected: string;
    readonly got: readonly string[];
  };
  /** The property that the last step violates. */
  readonly violated?: string;
  /** Where each CPU stands at the end of a run that violates nothing. */
  readonly standing?: readonly string[];
}

/** What CPUs may fetch of the bytes of a place or a stub. */
export interface View {
  readonly name: string;
  readonly memory: readonly number[];
  readonly cpus: readonly {
    readonly cpu: number;
    readonly bytes: readonly (readonly number[])[];
  }[];
}

/** What the steps so far did that later steps depend on. */
interface Memory {
  readonly writes: { step: number; cell: number; old: number; value: number }[];
  readonly serialised: Map<number, number>;
  readonly data: Map<number, number>;
  readonly events: { step: number; happening: Happening; who: string }[];
}

/** One step as it was done, for whoever tells more of it than a trace does. Both states belong to the run. */
export interface Moment {
  readonly step: TraceStep;
  readonly description: Description;
  /** The access of the patcher or of a handler that the step is known by. */
  readonly operation: KernelOp | undefined;
  readonly happened: readonly Happening[];
  readonly before: Int32Array;
  /** Half done where the step violates. */
  readonly after: Int32Array;
  readonly violates: boolean;
}

/** Replays a schedule of names, and tells it. */
export function tell(
  machine: Machine,
  schedule: readonly string[],
  start = 0,
  watch?: (moment: Moment) => void,
): Trace {
  const m = machine.core;
  const p = m.p;
  const initial = machine.initial()[start] as Int32Array;
  const state = initial.slice();
  const scratch = new Int32Array(1024);
  const steps: TraceStep[] = [];
  const memory: Memory = { writes: [], serialised: new Map(), data: new Map(), events: [] };
  let views: View[] = [];
  for (const [index, name] of schedule.entries()) {
    const n = machine.enabled(state, scratch);
    const names = Array.from({ length: n }, (_, i) =>
      machine.actionName(state, scratch[i] as number),
    );
    const at = names.indexOf(name);
    if (at < 0)
      return {
        steps,
        views,
        why: [],
        message: '',
        diverged: { step: index, expected: name, got: names },
      };
    const action = scratch[at] as number;
    const d = machine.describe(state, action);
    const last = index === schedule.length - 1;
    if (last) views = viewsOf(machine, state);
    const before = last || watch ? state.slice() : state;
    const doomedDigest = last ? digest(m, before) : '';
    m.happened = [];
    const outcome = machine.apply(state, action);
    const happened = m.happened;
    m.happened = undefined;
    const causes = new Set<number>();
    if (d.kind === 'instruction' && d.address !== undefined) {
      for (const w of memory.writes) {
        const a = m.cellAddress[w.cell] as number;
        if (a >= d.address && a < d.address + Math.max(1, d.bytes?.length ?? 1)) causes.add(w.step);
      }
    }
    for (const h of happened) {
      memory.events.push({ step: index, happening: h, who: d.who });
      if (h.kind === 'write')
        memory.writes.push({ step: index, cell: h.cell, old: h.old, value: h.value });
      if (h.kind === 'data') memory.data.set(h.word, index);
      if (h.kind === 'serialise') memory.serialised.set(h.cpu, index);
    }
    // What leads up to an access rides along with it: the access is what the step is known by.
    const operation = d.operation === undefined ? undefined : p.kernel[machine.kernel.accessed];
    const span = operation
      ? operation.span.end > 0
        ? operation.span
        : undefined
      : d.address === undefined
        ? undefined
        : p.spans.get(d.address);
    const step: TraceStep = {
      name,
      cpu: d.cpu,
      who: d.who,
      ...(d.address === undefined ? {} : { address: d.address }),
      ...(d.bytes ? { bytes: d.bytes } : {}),
      text: operation ? operationText(p, operation) : d.text,
      ...(span ? { span } : {}),
      ...partOf(machine, d, operation, happened),
      note: noteOf(machine, happened),
      causes: [...causes].sort((a, b) => a - b),
      digest: outcome === 0 ? digest(m, state) : doomedDigest,
    };
    steps.push(step);
    const message = machine.reason;
    watch?.({
      step,
      description: d,
      operation,
      happened,
      before,
      after: state,
      violates: outcome !== 0,
    });
    if (outcome !== 0) {
      const violated = p.properties[outcome - 1] ?? '';
      const why = explain(machine, violated, memory, steps, message);
      return { steps, views, why, message, violated };
    }
  }
  return {
    steps,
    views: views.length > 0 ? views : viewsOf(machine, state),
    why: [],
    message: '',
    standing: standing(machine, state),
  };
}

function standing(machine: Machine, state: Int32Array): readonly string[] {
  const m = machine.core;
  const { p } = m;
  m.s = state;
  const riding: readonly string[] = ['begin', 'set', 'nop'];
  return m.l.cpus.map((_, cpu) => {
    m.select(cpu);
    let index = machine.kernel.at(m.rip());
    while (index >= 0 && riding.includes(p.kernel[index]?.do.kind ?? '')) index++;
    const op = index < 0 ? undefined : p.kernel[index];
    if (op?.do.kind === 'acks') return `cpu${cpu} waits for acknowledgements`;
    if (op?.do.kind === 'end' || (m.task >= idleFrom(p) && !op)) return `cpu${cpu} is idle`;
    return `cpu${cpu} is at ${op ? `\`${op.text}\`` : place(p, m.rip())}`;
  });
}

function partOf(
  machine: Machine,
  d: Description,
  operation: KernelOp | undefined,
  happened: readonly Happening[],
): { readonly part?: 'build' | 'sync' } {
  switch (operation?.do.kind) {
    case 'build':
      return { part: 'build' };
    case 'send':
    case 'acks':
    case 'ipiack':
      return { part: 'sync' };
    default:
      break;
  }
  if (d.kind === 'commit') {
    const stub = (h: Happening): boolean =>
      h.kind !== 'write' || (machine.core.slotOfCell[h.cell] ?? -1) >= 0;
    const writes = happened.some((h) => h.kind === 'write');
    return writes && happened.every(stub) ? { part: 'build' } : {};
  }
  // A sync by NMI begins with the same operation; its IRET cannot be told from that of any other NMI.
  const ours = d.who === 'IPI' || (d.who === 'NMI' && d.operation === machine.core.p.entry.ipi);
  const plumbing = d.kind === 'event' ? d.text.endsWith('ipi') : operation && ours;
  return plumbing ? { part: 'sync' } : {};
}

function operationText(p: Program, operation: KernelOp): string {
  const op = operation.do;
  if (op.kind === 'build') return `build ${p.stubs[op.stub]?.name}[${op.index}]`;
  if (op.kind === 'acks') return 'all acknowledged';
  if (op.kind === 'load') return `read ${operation.text}`;
  return operation.text;
}

/** The bytes of places and built stubs in memory, and for each CPU that fetches them all that it may still see. */
export function viewsOf(machine: Machine, state: Int32Array): View[] {
  const m = machine.core;
  const p = m.p;
  m.s = state;
  const out: View[] = [];
  const view = (name: string, cell: number, length: number): void => {
    const cpus = m.fetches.flatMap((fetches, cpu) => {
      if (!fetches) return [];
      m.select(cpu);
      return [{ cpu, bytes: Array.from({ length }, (_, i) => machine.fetch.visible(cell + i)) }];
    });
    out.push({
      name,
      memory: Array.from({ length }, (_, i) => state[m.l.cells + cell + i] as number),
      cpus,
    });
  };
  for (const place of p.places) view(place.name, place.cell, place.length);
  m.slots.forEach((slot, i) => {
    if (state[m.l.slots + i] !== 0)
      view(cellName(m, slot.cell).replace(/\[0\]$/, ''), slot.cell, slot.length);
  });
  return out;
}

function noteOf(machine: Machine, happened: readonly Happening[]): string {
  const m = machine.core;
  const p = m.p;
  const out: string[] = [];
  const hex = (b: number): string => b.toString(16).padStart(2, '0');
  for (const h of happened) {
    switch (h.kind) {
      case 'write':
        out.push(`${cellName(m, h.cell)}: ${hex(h.old)} → ${hex(h.value)}`);
        break;
      case 'data':
        out.push(`${p.data[h.word]?.name} = ${wordText(p, h.lo, h.hi)}`);
        break;
      case 'serialise':
        out.push(`cpu${h.cpu} serialised`);
        break;
      case 'deliver':
        if (h.shadowed) out.push('ends the shadow');
        break;
      case 'iret':
        out.push(`back to ${place(p, h.to)}`);
        break;
      case 'close':
        out.push(h.content < 0 ? '' : `passed as \`${p.contents[h.content]?.text}\``);
        break;
      case 'ack':
        out.push(`acknowledged, on top of ${place(p, h.inside)}`);
        break;
      case 'send':
        out.push(`to ${h.to.map((c) => `cpu${c}`).join(', ')}`);
        break;
      case 'finish':
        out.push(`${p.patches[h.patch]?.name ?? 'the patch'} returned`);
        break;
      case 'release':
      case 'open':
      case 'begin':
      case 'build':
        break;
    }
  }
  return out.filter((x) => x !== '').join('; ');
}

const place = (p: Program, lo: number): string => {
  const address = toAddress(lo);
  const label = nearLabel(p, address);
  if (label) return label;
  const released = nearLabel(p, address - region.alias);
  if (released) return `${released}, which is released`;
  const index = (lo - (region.kernel | 0)) | 0;
  const op = p.kernel[index];
  if (!op) return 'its code';
  if (index >= p.entry.patcher) return `\`${op.text}\``;
  return index >= p.entry.breakpoint ? 'the #BP handler' : 'a handler';
};

/** The steps that made the last one possible, each with a sentence: out of what the machine did, not of any text. */
function explain(
  machine: Machine,
  violated: string,
  memory: Memory,
  steps: readonly TraceStep[],
  message: string,
): readonly Why[] {
  const m = machine.core;
  const p = m.p;
  const end = steps.length - 1;
  const last = steps[end] as TraceStep;
  const why: Why[] = [];
  const add = (step: number | undefined, text: string): void => {
    if (!why.some((w) => w.step === step && w.text === text)) why.push({ step, text });
  };
  const cpu = last.cpu;
  const serialised = memory.serialised.get(cpu);
  const hex = (b: number): string => b.toString(16).padStart(2, '0');
  const stale = (cells: readonly number[]): void => {
    for (const w of memory.writes) {
      if (cells.includes(w.cell) && w.step > (serialised ?? -1) && w.step < end) {
        add(
          w.step,
          `cpu${steps[w.step]?.cpu} makes ${cellName(m, w.cell)} ${hex(w.value)}, it was ${hex(w.old)}`,
        );
      }
    }
    add(
      serialised,
      serialised === undefined
        ? `cpu${cpu} has not serialised since the start, so it may fetch what was there before`
        : `cpu${cpu} serialises here for the last time, so it may still fetch what was written over since`,
    );
  };
  const cellsOf = (address: number | undefined): number[] => {
    if (address === undefined) return [];
    const cell = m.cellAt(address);
    if (cell < 0) return [];
    const owner = p.places.find((x) => cell >= x.cell && cell < x.cell + x.length);
    const slot = m.slots[m.slotOfCell[cell] as number];
    const from = owner?.cell ?? slot?.cell ?? cell;
    const length = owner?.length ?? slot?.length ?? 1;
    return Array.from({ length }, (_, i) => from + i);
  };
  const lastTrap = (): void => {
    for (let i = end - 1; i >= 0; i--) {
      const e = memory.events.find(
        (x) =>
          x.step === i &&
          x.happening.kind === 'deliver' &&
          x.happening.what === '#BP' &&
          x.happening.cpu === cpu,
      );
      if (!e) continue;
      add(i, `cpu${cpu} fetches the INT3 and traps`);
      const cells = cellsOf(steps[i]?.address);
      for (const w of memory.writes) {
        if (cells[0] === w.cell && w.old === 0xcc && w.step < i)
          add(
            w.step,
            `the INT3 is taken out of memory here, by cpu${steps[w.step]?.cpu}; cpu${cpu} does not serialise before its fetch`,
          );
        else if (cells[0] === w.cell && w.old === 0xcc)
          add(w.step, `the INT3 is taken out of memory here, after the trap`);
      }
      return;
    }
  };
  switch (violated) {
    case 'torn_instruction':
    case 'converges':
      if (violated === 'converges') {
        const open = [...memory.events]
          .reverse()
          .find((e) => e.happening.kind === 'open' && steps[e.step]?.cpu === cpu);
        if (open) {
          add(open.step, `the pass begins here`);
          stale(cellsOf(steps[open.step]?.address));
        }
        for (const e of memory.events)
          if (e.happening.kind === 'finish' && e.step < (open?.step ?? end))
            add(e.step, `${p.patches[e.happening.patch]?.name ?? 'the patch'} has returned here`);
      } else stale(cellsOf(last.address));
      break;
    case 'trap_handled':
      lastTrap();
      for (const [word, step] of memory.data)
        add(step, `${p.data[word]?.name} is stored for the last time, by cpu${steps[step]?.cpu}`);
      add(end, 'no handler owns the trap');
      break;
    case 'stale_stub': {
      const release = [...memory.events].reverse().find((e) => e.happening.kind === 'release');
      for (const e of memory.events) {
        if (e.happening.kind === 'deliver' && e.happening.shadowed)
          add(e.step, `${e.happening.what} ends the interrupt shadow on cpu${e.happening.cpu}`);
        if (
          e.happening.kind === 'ack' &&
          m.slots.some((x) => inRange(e.happening, x.from, x.length))
        ) {
          add(
            e.step,
            `cpu${e.happening.cpu} acknowledges the sync on top of the stub, which it has not left`,
          );
        }
      }
      if (release) add(release.step, `cpu${steps[release.step]?.cpu} releases the stub`);
      break;
    }
    case 'frame_intact': {
      const hit = [...memory.events].reverse().find((e) => {
        const h = e.happening;
        const off = h.kind === 'deliver' ? m.overwritten - h.base : -1;
        return e.step < end && off >= 0 && off < 40;
      });
      if (hit?.happening.kind === 'deliver')
        add(
          hit.step,
          `the frame of ${hit.happening.what} is pushed here, and its IRET is still to come`,
        );
      break;
    }
    case 'old_or_new':
    case 'registers_kept': {
      const open = [...memory.events]
        .reverse()
        .find((e) => e.happening.kind === 'open' && steps[e.step]?.cpu === cpu);
      if (open) add(open.step, 'the pass begins here');
      lastTrap();
      break;
    }
    default:
      break;
  }
  add(end, message);
  return why.sort((a, b) => (a.step ?? -1) - (b.step ?? -1));
}

const inRange = (h: Happening, from: number, length: number): boolean =>
  h.kind === 'ack' && toAddress(h.inside) >= from && toAddress(h.inside) < from + length;
