// CPUs that run the same code, taken for each other: which parts of a state belong to one, in the form that all share.

import { cpuField, expectation, idleFrom } from '../emulator/layout.ts';
import type { Machine } from '../emulator/machine.ts';
import type { Symmetry } from '../explorer/model.ts';
import type { Program } from '../ir.ts';
import { region, stackStride } from '../ir.ts';

/** What is to be known of a part to write it in the form of the first CPU of its class. */
interface PartForm {
  /** Where the part begins in a state, and the word behind it. */
  readonly from: number;
  readonly to: number;
  /** Where bits begin that are no addresses whatever they are: which words of a stack are guarded. */
  readonly bits: number;
  /** For each stack: which it is for the class, or -1 where no word of this part may point into it. */
  readonly stacks: Int32Array;
  /** For each word whether it may say where RSP is; every lower word of a stack may. */
  readonly pointers: 'none' | 'lower' | Uint8Array;
  /** Where it says which task the CPU runs (-1: nowhere), and which. */
  readonly task: number;
  readonly runs: number;
}

/** The CPUs that can be taken for each other, in classes; undefined where no two can. */
export function symmetry(p: Program, machine: Machine): Symmetry | undefined {
  const { l } = machine.core;
  const { parts, words } = machine;
  const [initial] = machine.initial();
  if (initial === undefined || machine.initial().length !== 1) return undefined;
  const partAt = (word: number): number => parts.indexOf(word);
  const tasks = new Map<number, number>();
  for (let cpu = 0; cpu < p.env.cpus; cpu++)
    tasks.set(cpu, initial[(l.cpus[cpu] as number) + cpuField.task] as number);
  const stacksOf = (cpu: number): number[] => [
    tasks.get(cpu) as number,
    ...[l.istBreakpoint[cpu], l.istNmi[cpu]].filter((x): x is number => x !== undefined && x >= 0),
  ];
  const partsOf = (cpu: number): number[] => [
    ...(l.views[cpu] === l.cpus[cpu] ? [] : [partAt(l.views[cpu] as number)]),
    partAt(l.cpus[cpu] as number),
    partAt(l.tasks[tasks.get(cpu) as number] as number),
    ...stacksOf(cpu).map((s) => partAt(l.stacks[s] as number)),
  ];

  const forms: PartForm[] = parts.map((from, i) => ({
    from,
    to: parts[i + 1] ?? words,
    bits: (parts[i + 1] ?? words) - (l.stacks.includes(from) ? 2 : 0),
    stacks: new Int32Array(l.stacks.length).fill(-1),
    pointers: 'none',
    task: -1,
    runs: 0,
  }));
  const place = (cpu: number, first: number): void => {
    const own = stacksOf(cpu);
    const image = stacksOf(first);
    const stacks = new Int32Array(l.stacks.length).fill(-1);
    own.forEach((s, i) => {
      stacks[s] = image[i] as number;
    });
    const task = tasks.get(cpu) as number;
    const t = l.tasks[task] as number;
    for (const i of partsOf(cpu)) {
      const form = forms[i] as PartForm;
      const at = form.from;
      forms[i] = {
        ...form,
        stacks,
        ...(at === t ? { pointers: pointersOf(form) } : {}),
        ...(l.stacks.includes(at) ? { pointers: 'lower' } : {}),
        ...(at === l.cpus[cpu] ? { task: cpuField.task, runs: task } : {}),
      };
    }
  };
  const pointersOf = (form: PartForm): Uint8Array => {
    const may = new Uint8Array(form.to - form.from);
    may[l.registers] = 1;
    for (let d = 0; d < l.depth; d++) {
      const c = l.contexts + d * l.ctx.size;
      may[c + l.ctx.base] = 1;
      const records = (l.ctx.locals - l.ctx.expect) / l.ctx.expectSize;
      for (let r = 0; r < Math.floor(records); r++)
        may[c + l.ctx.expect + r * l.ctx.expectSize + expectation.rsp] = 1;
    }
    return may;
  };

  // A task that is nobody's yet is one that could run on any CPU: nothing is known then.
  if (new Set(tasks.values()).size !== l.tasks.length) return undefined;
  for (let cpu = 0; cpu < p.env.cpus; cpu++) place(cpu, cpu);
  const taken = (cpu: number): boolean =>
    p.env.events.some((e) => e.on !== undefined && e.on === cpu);
  const classes: number[][] = [];
  const image = new Int32Array(words);
  /** What a CPU starts with, as the first of a class would have it. */
  const looks = (cpu: number, first: number): string => {
    place(cpu, first);
    const all = partsOf(cpu).map((i) => {
      const form = forms[i] as PartForm;
      return write(form, initial, image, form.from, form.to)
        ? image.slice(0, form.to - form.from).join()
        : '?';
    });
    place(cpu, cpu);
    return all.join(';');
  };
  for (let cpu = 1; cpu < p.env.cpus; cpu++) {
    if (taken(cpu)) continue;
    const idle = (tasks.get(cpu) as number) >= idleFrom(p);
    const mine = classes.find(([first]) => {
      const other = first as number;
      if ((tasks.get(other) as number) >= idleFrom(p) !== idle) return false;
      return (
        machine.core.fetches[cpu] === machine.core.fetches[other] &&
        looks(cpu, other) === looks(other, other)
      );
    });
    if (mine === undefined) classes.push([cpu]);
    else mine.push(cpu);
  }
  const many = classes.filter((c) => c.length > 1);
  if (many.length === 0) return undefined;
  for (const c of many) for (const cpu of c) place(cpu, c[0] as number);
  return {
    classes: many.map((c) => c.map(partsOf)),
    encode: (part, state, into, from, end) =>
      write(forms[part] as PartForm, state, into, from, end),
    decode: (part, state, from, end) => take(forms[part] as PartForm, state, from, end),
  };
}

const base = region.stacks | 0;

/** Words of a part as the first of its class would have them; false where they say what no other could say. */
function write(
  form: PartForm,
  state: Int32Array,
  into: Int32Array,
  from: number,
  end: number,
): boolean {
  const { stacks, pointers } = form;
  const bits = Math.max(from, Math.min(form.bits, end));
  const limit = stacks.length * stackStride;
  for (let i = bits; i < end; i++) into[i - from] = state[i] as number;
  for (let i = from; i < bits; i++) {
    const word = state[i] as number;
    const off = (word - base) >>> 0;
    if (off >= limit) {
      into[i - from] = word;
      continue;
    }
    if (pointers === 'none') return false;
    if (pointers === 'lower') {
      if (((i - form.from) & 1) !== 0 || (state[i + 1] as number) !== -1) return false;
    } else if (pointers[i - form.from] === 0) return false;
    const image = stacks[Math.floor(off / stackStride)] as number;
    if (image < 0) return false;
    into[i - from] = (base + image * stackStride + (off % stackStride)) | 0;
  }
  const task = form.from + form.task;
  if (form.task >= 0 && task >= from && task < end) into[task - from] = 0;
  return true;
}

/** The way back, in place. */
function take(form: PartForm, state: Int32Array, from: number, end: number): void {
  const { stacks, pointers } = form;
  const task = form.from + form.task;
  if (form.task >= 0 && task >= from && task < end) state[task] = form.runs;
  if (pointers === 'none') return;
  const bits = Math.min(form.bits, end);
  const limit = stacks.length * stackStride;
  for (let i = from; i < bits; i++) {
    const off = ((state[i] as number) - base) >>> 0;
    if (off >= limit) continue;
    const own = stacks.indexOf(Math.floor(off / stackStride));
    state[i] = (base + own * stackStride + (off % stackStride)) | 0;
  }
}
