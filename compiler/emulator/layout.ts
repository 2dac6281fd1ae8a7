// Where each field of a machine state stands: the only place that knows offsets and how wide a state is.

import { readsMemory } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { asksForPhases, stackWords } from '../ir.ts';
import { sequence } from '../x86/decode.ts';

/** Kinds of context; the number stands in the state. */
export const context = {
  user: 0, // thread code, or the patcher's statements
  breakpoint: 1,
  ipi: 2,
  irqEmpty: 3,
  nmiEmpty: 4,
  irqCode: 5,
  nmiCode: 6,
  preempted: 7,
  nmiIpi: 8,
} as const;

/** A named run of words, for listings and digests. */
export interface Field {
  readonly name: string;
  readonly at: number;
  readonly words: number;
}

/** Offsets inside a context record. */
export interface ContextLayout {
  readonly size: number;
  readonly kind: 0;
  readonly base: 1; // low word of RSP at the frame
  readonly here: 2; // of a #BP: the address that trapped
  readonly pass: 3; // place + 1, or 0: no pass is open
  readonly mask: 4; // the versions current since it opened, one bit for each content of the place
  readonly expect: 5; // for each content: what it leaves (see `Expectation`)
  readonly expectSize: number;
  readonly locals: number;
  readonly saved: number;
}

/** Offsets inside what one content of a place is expected to leave. */
export const expectation = { ip: 0, rsp: 1, ret: 2, flags: 3, registers: 4 } as const;

/** Offsets inside a CPU's record. */
export const cpuField = {
  task: 0,
  shadow: 1,
  nmiBlocked: 2,
  nmiLatched: 3,
  ipi: 4,
  nmiIpi: 5,
  halted: 6,
  buffer: 7, // number of units, then the units
} as const;

/** Offsets inside a task's record. */
export const taskField = { rip: 0, flags: 1, preemptOff: 2, depth: 3, ssp: 4 } as const;

/** The most units that a store buffer holds before a store waits. */
export const bufferUnits = 32;
export const shadowStackWords = 16;

export interface Layout {
  readonly words: number;
  readonly parts: readonly number[];
  /** First word of each part, and of what in it is seldom touched together with the rest. */
  readonly pieces: readonly number[];
  /** For each CPU the parts of it, of the tasks that start on it and of their stacks. */
  readonly groups: readonly (readonly number[])[];
  readonly fields: readonly Field[];
  readonly versions: number; // one word a place: contents that are current
  readonly ended: number; // 1 where a run came to what the spec waives, and ended
  readonly phase: number; // 1 + the phase of the patcher's last access
  readonly patchOld: number; // one word a place: content + 1 while a patch runs on it
  readonly patchNew: number;
  readonly slots: number; // one word a slot: 1 if built
  readonly outstanding: number; // acknowledgements that the patcher waits for
  readonly events: number; // one word an event source: how many may still come
  readonly data: number; // two words a word
  readonly dataSeen: number; // one word a word: entries of the log that were there at its last store
  readonly cells: number; // newest committed value
  readonly log: number; // number of entries, words in use, then the entries
  readonly logWords: number;
  readonly views: readonly number[]; // per CPU: one word a cell (older values, or floors)
  readonly viewWords: number;
  readonly cpus: readonly number[];
  readonly unitWords: number;
  readonly bufferWords: number;
  readonly tasks: readonly number[];
  readonly registers: number; // offset in a task: two words each; RSP is first
  readonly shadow: number; // offset in a task of the shadow stack
  readonly contexts: number; // offset in a task
  readonly depth: number;
  readonly ctx: ContextLayout;
  readonly stacks: readonly number[]; // per stack: two words a word, then the two words that say which are guarded
  /** Stack index of a CPU's own stacks (`ist`), or -1. */
  readonly istBreakpoint: readonly number[];
  readonly istNmi: readonly number[];
  /** Whether older values are kept as sets; else a log orders the commits. */
  readonly sets: boolean;
  /** In a log: one floor for all code, or one a cell. */
  readonly floors: 'all' | 'cell';
}

/** The number of tasks: the patcher, the threads, and one idle task for each CPU that has no other. */
export function taskCount(p: Program): number {
  return Math.max(1 + p.threads.length, idleFrom(p) + idleCpus(p).length);
}
export const idleFrom = (p: Program): number => 1 + p.threads.length;
/** CPUs that have an idle task: those on which nothing starts, or all where threads can be preempted though each has one. */
export function idleCpus(p: Program): readonly number[] {
  const all = Array.from({ length: p.env.cpus }, (_, c) => c);
  if (p.env.preempt && p.threads.length < p.env.cpus) return all;
  const busy = new Set([0, ...p.threads.map((t) => t.cpu)]);
  return all.filter((c) => !busy.has(c));
}
/** The CPU on which a task starts, and stays without migration. */
export const homeOf = (p: Program, task: number): number =>
  task === 0 ? 0 : (p.threads[task - 1]?.cpu ?? idleCpus(p)[task - idleFrom(p)] ?? 0);

/** Whether a content of a place reads memory. */
export const loads = (p: Program, { from, contents }: Program['places'][number]): boolean =>
  contents.some((c) =>
    [...sequence(p.contents[c]?.bytes ?? new Uint8Array(), from)].some((i) => readsMemory(i.ops)),
  );

export function createLayout(p: Program): Layout {
  let at = 0;
  const parts: number[] = [];
  const pieces: number[] = [];
  const groups = Array.from({ length: p.env.cpus }, () => new Set<number>());
  const fields: Field[] = [];
  const field = (name: string, words: number): number => {
    const start = at;
    at += words;
    if (words > 0) fields.push({ name, at: start, words });
    return start;
  };
  /** A piece begins at a word that stands behind all others that begin one. */
  const cut = (word: number): void => {
    if (word < at && pieces[pieces.length - 1] !== word) pieces.push(word);
  };
  const piece = (): void => {
    if (pieces[pieces.length - 1] !== at) pieces.push(at);
  };
  const part = (cpu?: number): void => {
    if (parts[parts.length - 1] !== at) parts.push(at);
    piece();
    if (cpu !== undefined) groups[cpu]?.add(parts.length - 1);
  };
  /** Pieces of a run that ends here: the first (or the last, where that is used first) is small, each next one twice as large. */
  const split = (words: number, least: number, towards: 'end' | 'start'): void => {
    const sizes: number[] = [];
    for (let left = words, size = least; left > 0; left -= size, size *= 2)
      sizes.push(Math.min(size, left));
    if (towards === 'start') sizes.reverse();
    let from = at - words;
    for (const size of sizes) {
      cut(from);
      from += size;
    }
  };
  const { env } = p;
  const fetch = env.fetch;
  const sets = fetch.moment === 1 && fetch.backwards && !fetch.codeOrder && !fetch.dataOrder;
  const floors = sets || fetch.codeOrder ? 'all' : 'cell';
  const slotCount = p.stubs.reduce((n, s) => n + s.slots.length, 0);

  part();
  const versions = field('current', p.places.length);
  const ended = field('ended', p.waived.size > 0 ? 1 : 0);
  const phase = field('phase', asksForPhases(p) ? 1 : 0);
  const patchOld = field('old', p.places.length);
  const patchNew = field('new', p.places.length);
  const slots = field('slots', slotCount);
  const outstanding = field('outstanding', 1);
  const events = field('events', env.events.length);
  part();
  const data = field('data', p.data.length * 2);
  const dataSeen = field('data seen', fetch.dataOrder ? p.data.length : 0);
  part();
  const cells = field('text', p.cells);
  const logWords = sets ? 0 : 2 + Math.min(600, 24 + p.cells * 8);
  piece();
  const log = field('log', logWords);
  split(logWords, 16, 'end');

  const views: number[] = [];
  const viewWords = sets ? p.cells : floors === 'all' ? 1 : p.cells;
  for (let c = 0; c < env.cpus; c++) {
    part(c);
    views.push(field(`cpu${c} fetch`, viewWords));
  }
  // The widest unit: a byte, an aligned word, or what a place holds of an aligned block.
  const unitBytes =
    fetch.storeUnit === 1 &&
    !p.kernel.some((k) => k.do.kind === 'poke' && k.do.unit.kind === 'store' && k.do.unit.locked)
      ? 8
      : 16;
  const unitWords = 2 + unitBytes / 4;
  const bufferWords = bufferUnits * unitWords;
  const cpus: number[] = [];
  for (let c = 0; c < env.cpus; c++) {
    part(c);
    const base = at;
    for (const name of ['task', 'shadow', 'nmi blocked', 'nmi latched', 'ipi', 'nmi ipi', 'halted'])
      field(`cpu${c} ${name}`, 1);
    field(`cpu${c} buffer`, 1 + bufferWords);
    split(bufferWords, 4 * unitWords, 'end');
    cpus.push(base);
  }

  const registerWords = 2 * (1 + p.registers.length);
  // Behind its contents' expectations a place that reads memory has what its pass began with.
  const mostContents = Math.max(
    1,
    ...p.places.map((x) => x.contents.length + (loads(p, x) ? 1 : 0)),
  );
  const expectSize = 4 + 2 * p.registers.length;
  const locals = 5 + expectSize * mostContents;
  const mostLocals = Math.max(p.locals.handler, p.locals.patcher);
  const saved = locals + 2 * mostLocals;
  const ctx: ContextLayout = {
    size: saved + 2 * p.registers.length,
    kind: 0,
    base: 1,
    here: 2,
    pass: 3,
    mask: 4,
    expect: 5,
    expectSize,
    locals,
    saved,
  };
  const counts = { irq: 0, nmi: 0 };
  for (const e of env.events) counts[e.kind] += e.count;
  // Each event and the breakpoint that its code may hit; an IPI on top of each that leaves IF set.
  const depth =
    4 +
    2 * Math.min(counts.irq, 3) +
    2 * Math.min(counts.nmi, 3) +
    (env.gate === 'interrupt' ? 0 : 2) +
    (env.preempt ? 1 : 0);
  const tasks: number[] = [];
  const stacks: number[] = [];
  let registers = 0;
  let shadow = 0;
  let contexts = 0;
  const count = taskCount(p);
  for (let t = 0; t < count; t++) {
    part(homeOf(p, t));
    const base = at;
    const n = taskName(p, t);
    for (const name of ['rip', 'flags', 'preempt off', 'depth', 'ssp']) field(`${n} ${name}`, 1);
    registers = field(`${n} registers`, registerWords) - base;
    // Where it stands changes with each step, and RSP is the first register; the others seldom do.
    cut(base + registers + 2);
    piece();
    shadow = field(`${n} shadow stack`, env.shadowStack ? shadowStackWords : 0) - base;
    piece();
    contexts = field(`${n} contexts`, depth * ctx.size) - base;
    for (let d = 0; d < depth; d++) {
      const c = base + contexts + d * ctx.size;
      cut(c);
      if (d > 1) continue;
      for (let e = 0; e < mostContents; e++) cut(c + ctx.expect + e * expectSize);
      cut(c + ctx.locals);
      cut(c + ctx.saved);
    }
    tasks.push(base);
  }
  const stack = (name: string, cpu: number): number => {
    part(cpu);
    const start = at;
    field(name, stackWords * 2 + 2);
    // It grows down. What is guarded stands behind it, by itself.
    at -= 2;
    split(stackWords * 2, 16, 'start');
    piece();
    at += 2;
    return start;
  };
  for (let t = 0; t < count; t++) stacks.push(stack(`${taskName(p, t)} stack`, homeOf(p, t)));
  const own = (on: boolean, name: string): number[] =>
    Array.from({ length: env.cpus }, (_, c) => {
      if (!on) return -1;
      stacks.push(stack(`cpu${c} ${name} stack`, c));
      return stacks.length - 1;
    });
  const istBreakpoint = own(env.istBreakpoint, 'breakpoint');
  const istNmi = own(env.istNmi, 'nmi');
  return {
    words: at,
    parts,
    pieces,
    groups: groups.map((g) => [...g]),
    fields,
    versions,
    ended,
    phase,
    patchOld,
    patchNew,
    slots,
    outstanding,
    events,
    data,
    dataSeen,
    cells,
    log,
    logWords,
    views,
    viewWords,
    cpus,
    unitWords,
    bufferWords,
    tasks,
    registers,
    shadow,
    contexts,
    depth,
    ctx,
    stacks,
    istBreakpoint,
    istNmi,
    sets,
    floors,
  };
}

/** A task's name as traces and actions say it: `patcher`, the thread's own, `idle`. */
export function taskName(p: Program, task: number): string {
  if (task === 0) return 'patcher';
  const thread = p.threads[task - 1];
  return thread ? thread.name : `idle${task - idleFrom(p)}`;
}
