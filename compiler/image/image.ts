// A program as a bootable image: its bytes at its addresses, its patcher and handlers as code, and what to read of it.

import type { Program } from '../ir.ts';
import { region } from '../ir.ts';
import type { Address } from '../ops.ts';
import { elf32 } from '../x86/elf.ts';
import { Code } from './assembly.ts';
import type { Gate } from './boot.ts';
import { ascii, boot64, bootRoom, bootTables } from './boot.ts';
import { exceptions } from './handlers.ts';
import { alignedParts, Kernel, vectors } from './kernel.ts';
import { Memory } from './memory.ts';
import { Passes, probe } from './passes.ts';
import type { Limits } from './rounds.ts';
import { mineAt, mostWords, room, rounds, stackTop } from './rounds.ts';
import { Translation } from './translate.ts';

/** Bytes of code that an image has room for. */
const codeBytes = 0x80000;

export interface Image {
  readonly bytes: Uint8Array;
}

/** An image of a program, or the reason why there is none. */
export function image(p: Program, limits: Limits): Image | string {
  const reason = unbootable(p);
  if (reason !== undefined) return reason;
  const { cpus } = p.env;
  const memory = new Memory();
  bootRoom(memory, cpus);
  room(memory, p);

  const byteAt = (a: Address): number | undefined => {
    const range = p.text.find((x) => a >= x.from && a < x.from + x.bytes.length);
    return range?.bytes[a - range.from];
  };
  for (const range of p.text) memory.back(range.from, range.from + range.bytes.length + 16, true);
  for (const range of p.text)
    range.bytes.forEach((byte, i) => {
      memory.write(memory.physical(range.from + i), [byte]);
    });
  for (const stub of p.stubs)
    for (const { from } of stub.slots) {
      memory.back(from, from + stub.template.length, true);
      for (let i = 0; i < stub.template.length; i++)
        memory.write(memory.physical(from + i), [probe]);
    }
  for (const d of p.data) memory.back(d.address, d.address + 8, false);
  for (let cpu = 0; cpu < cpus; cpu++)
    memory.back(region.percpu + 0x1000 * cpu, region.percpu + 0x1000 * cpu + 1, false);
  for (let task = 0; task <= cpus; task++)
    memory.back(stackTop(task) - 0x4000, stackTop(task) + 16, false);

  texts(memory, p);
  memory.map();
  const code = new Code(memory.symbols);
  const t = new Translation(code, p);
  const passes = new Passes(t, byteAt);
  if (passes.refusal !== undefined) return passes.refusal;
  for (const address of passes.arrivals.keys()) memory.write(memory.physical(address), [probe]);
  boot64(
    code,
    cpus,
    p.places.map((x) => x.from),
  );
  rounds(code, memory, p, limits);
  new Kernel(t, memory).emit();
  passes.emit();
  const made = code.assemble(memory.take('code', codeBytes));
  if (made.bytes.length > codeBytes) throw new Error('the image has more code than room for it');
  memory.write(made.base, made.bytes);
  for (const [name, address] of made.labels) memory.symbols.set(name, address);
  const at = (name: string): number => memory.symbols.get(name) as number;

  for (let cpu = 0; cpu < cpus; cpu++) {
    const index = p.threads.findIndex((x) => x.cpu === cpu);
    const thread = p.threads[index];
    memory.word(at('thread_entries') + 8 * cpu, thread?.entry ?? at('idle'));
    memory.word(
      at('thread_stacks') + 8 * cpu,
      stackTop(index < 0 ? cpus : index + 1) - (thread?.rsp ?? 0),
    );
  }
  const entry = bootTables(memory, cpus, gates(p, at), (cpu) => region.percpu + 0x1000 * cpu);
  return { bytes: elf32(memory.segment(), entry) };
}

function gates(p: Program, at: (name: string) => number): readonly Gate[] {
  const { env } = p;
  return [
    ...exceptions.map((vector) => ({ vector, entry: at(`exception.${vector}`), ist: 1 })),
    { vector: 1, entry: at('debug') },
    { vector: 2, entry: at('nmi'), ist: env.istNmi ? 3 : 0 },
    {
      vector: 3,
      entry: at('breakpoint'),
      trap: env.gate !== 'interrupt',
      ist: env.istBreakpoint ? 2 : 0,
    },
    { vector: 6, entry: at('undefined') },
    { vector: vectors.sync, entry: at('sync_ipi') },
    { vector: vectors.spurious, entry: at('spurious') },
    ...env.events.flatMap((e, i) =>
      e.kind === 'irq' ? [{ vector: vectors.sources + i, entry: at(`source.${i}`) }] : [],
    ),
  ];
}

/** What the image says over the serial line. */
function texts(memory: Memory, p: Program): void {
  const text = (name: string, what: string): void => {
    memory.write(memory.take(name, what.length + 8), ascii(what));
  };
  text('text_hello', 'suture image 1\n');
  text('text_end', 'end\n');
  text('text_deaf', 'a CPU does not answer\n');
  text('text_fault', 'fault outside of a round:');
  text('text_failure', 'failure');
  text('text.rounds', 'rounds');
  p.contents.forEach((_, i) => {
    text(`text.passed.${i}`, `passed ${i}`);
  });
  p.places.forEach((_, i) => {
    text(`text.trapped.${i}`, `trapped ${i}`);
  });
  p.data.slice(0, mostWords).forEach((_, i) => {
    text(`text.word.${i}`, `word ${i}`);
  });
  p.env.events.forEach((_, i) => {
    text(`text.happened.${i}`, `happened ${i}`);
  });
}

/** Why a program cannot be had as an image, as a clause; undefined where it can. */
export function unbootable(p: Program): string | undefined {
  const { env } = p;
  if (env.preempt || env.migrate || p.threads.some((t) => t.cpu === 0))
    return 'its threads are preempted or share a CPU, and the image has no scheduler';
  if (env.shadowStack) return 'QEMU has no shadow stacks';
  if (env.nmiHeldInShadow && env.events.some((e) => e.kind === 'nmi'))
    return 'QEMU takes NMIs in the shadow of an STI';
  if (env.stalenessBounded) return 'no machine promises a bound of staleness';
  if (p.places.length > 4) return 'a processor has four debug breakpoints, one for each place';
  for (const place of p.places) {
    const contents = place.contents.flatMap((c) => p.contents[c] ?? []);
    if (contents.some((c) => c.bytes[0] === 0xcc))
      return `a content of ${place.name} begins with an INT3, which the image takes for its guard`;
    if (contents.some((c) => c.bytes.length !== place.length))
      return `a content of ${place.name} has another length`;
  }
  if (p.data.some((d) => inPercpu(d.address) && (d.address - region.percpu) % 0x1000 >= mineAt))
    return 'its per-CPU variables take the room of the image';
  for (const k of p.kernel)
    if (k.do.kind === 'poke' && k.do.unit.kind === 'store' && k.do.unit.size === 16)
      return 'a store of 16 bytes needs registers that the image does not set up';
  for (const { do: op } of p.kernel) {
    if (op.kind !== 'poke' || op.unit.kind !== 'store' || op.unit.locked) continue;
    const { storeUnit } = env.fetch;
    const from = (p.places[op.place]?.from ?? 0) + op.from;
    const to = from + op.to - op.from;
    const inside = (a: Address, b: Address, unit: number): boolean =>
      Math.floor(a / unit) === Math.floor((b - 1) / unit);
    const parts = alignedParts(from, to, op.unit.size);
    if (parts.length > 1 && parts.slice(1).some((x) => inside(x.from - 1, x.from + 1, storeUnit)))
      return 'QEMU does not store at once what lies in two aligned words';
  }
  return undefined;
}
const inPercpu = (a: Address): boolean => a >= region.percpu && a < region.data;
