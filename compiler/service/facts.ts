// What a program says about its source: bytes and addresses of instructions, what pokes leave, which sync follows a phase.
//
// Everything is read out of what was lowered; the only thing decided here is which way the bytes of places flow
// through the patchers' operations.

import type { Insn, Item, Span } from '../../grammar/index.ts';
import type { KernelOp, Place, Program } from '../ir.ts';
import type { Lowered } from '../lower.ts';
import type { Address } from '../ops.ts';
import { decode, text as disassemble } from '../x86/decode.ts';
import { printAddress } from '../x86/text.ts';

export interface InsnFacts {
  readonly bytes: Uint8Array;
  /** Of the code and of places; a stub's instruction has an offset in it instead. */
  readonly address?: Address;
  /** `open`: arguments, or the stub's own address, decide some of the bytes, which are 0 here. */
  readonly stub?: { readonly name: string; readonly offset: number; readonly open: boolean };
}

/** A byte, or undefined where several ways lead to different ones. */
type Byte = number | undefined;

export interface PokeFacts {
  readonly place: Place;
  readonly from: number;
  readonly bytes: readonly number[];
  readonly leaves: readonly Byte[];
}

export const hex = (byte: Byte): string =>
  byte === undefined ? '??' : byte.toString(16).padStart(2, '0');
export const hexes = (bytes: Iterable<Byte>): string => [...bytes].map(hex).join(' ');

/** Whether bytes lie in two aligned units of a size. */
export const crosses = (from: Address, length: number, size: number): boolean =>
  Math.floor(from / size) !== Math.floor((from + length - 1) / size);

export class Facts {
  readonly program: Program;
  readonly #lowered: Lowered;
  #rows: ReadonlyMap<number, InsnFacts> | undefined;
  #flow: ReadonlyMap<number, readonly PokeFacts[]> | undefined;

  constructor(lowered: Lowered) {
    this.#lowered = lowered;
    this.program = lowered.program;
  }

  /** Of an instruction of code or of a stub, by its source. */
  insn(span: Span): InsnFacts | undefined {
    this.#rows ??= this.#instructions();
    return this.#rows.get(span.start);
  }

  #instructions(): ReadonlyMap<number, InsnFacts> {
    const out = new Map<number, InsnFacts>();
    for (const listing of this.#lowered.listings)
      for (const row of listing.template?.rows ?? listing.rows) {
        // `int3 4` is several rows of one source.
        const before = out.get(row.span.start)?.bytes ?? [];
        const known = out.get(row.span.start);
        out.set(row.span.start, {
          ...(listing.kind === 'code'
            ? { address: known?.address ?? row.address }
            : {
                stub: known?.stub ?? {
                  name: listing.name,
                  offset: row.address,
                  open: isOpen(listing, row),
                },
              }),
          bytes: Uint8Array.from([...before, ...row.bytes]),
        });
      }
    return out;
  }

  /** Of an instruction that a place holds before or after a patch. */
  content(patch: Extract<Item, { kind: 'patch' }>, insn: Insn): InsnFacts | undefined {
    const index = this.program.patches.findIndex((p) => p.span.start === patch.span.start);
    const info = this.program.patches[index];
    if (!info) return undefined;
    for (const change of patch.changes) {
      for (const which of ['old', 'new'] as const) {
        const list = change[which] ?? [];
        const at = list.indexOf(insn);
        if (at < 0) continue;
        const place = this.program.places.findIndex((p) => p.name === change.place.text);
        const content = info.changes.find((c) => c.place === place)?.[which];
        const found = content === undefined ? undefined : this.program.contents[content];
        if (!found) return undefined;
        let from = 0;
        for (const [i, other] of list.entries()) {
          const length = lengthOf(other, found.bytes.subarray(from));
          if (i === at)
            return {
              bytes: found.bytes.subarray(from, from + length),
              address: found.at + from,
            };
          from += length;
        }
      }
    }
    return undefined;
  }

  /** Of an instruction that a handler emulates, as if it stood at the first place. */
  emulated(text: string): InsnFacts | undefined {
    const found = this.program.contents.find((c) => c.place < 0 && c.text === text);
    return found && { bytes: found.bytes, address: found.at };
  }

  /** Of a label of the code. */
  address(label: string): Address | undefined {
    return this.#lowered.placed.labels.get(label)?.address;
  }

  place(name: string): Place | undefined {
    return this.program.places.find((p) => p.name === name);
  }

  /** What a poke does, once for each way in which its statement was lowered. */
  pokes(span: Span): readonly PokeFacts[] {
    this.#flow ??= flowOf(this.program);
    return this.#flow.get(span.start) ?? [];
  }

  /** The sync behind a phase, or what comes before any sync. */
  behindPhase(
    name: string,
    body: Span,
  ): { readonly sync: string } | { readonly before: string } | undefined {
    const { kernel, entry, phases } = this.program;
    const index = phases.indexOf(name);
    if (index < 0) return undefined;
    let end = -1;
    for (let i = entry.patcher; i < kernel.length; i++) {
      const op = kernel[i] as KernelOp;
      if (op.phase !== index) continue;
      let last = i;
      let own = false;
      for (; kernel[last]?.phase === index; last++) {
        const { span } = kernel[last] as KernelOp;
        if (span.start >= body.start && span.end <= body.end) own = true;
      }
      if (end < 0 || own) end = last;
      if (own) break;
      i = last;
    }
    for (let i = end; i >= 0 && i < kernel.length; i++) {
      const { do: doing, text } = kernel[i] as KernelOp;
      if (doing.kind === 'send' || doing.kind === 'sendto') return { sync: text };
      if (doing.kind === 'poke' || doing.kind === 'build' || doing.kind === 'release')
        return { before: `\`${text}\`` };
      if (doing.kind === 'finish' || doing.kind === 'end') return { before: 'the patch returns' };
    }
    return undefined;
  }

  /** Bytes as instructions, as far as they are known. */
  disassembled(bytes: readonly Byte[], at: Address): string {
    const out: string[] = [];
    for (let i = 0; i < bytes.length; ) {
      const rest: number[] = [];
      for (const byte of bytes.slice(i)) {
        if (byte === undefined) break;
        rest.push(byte);
      }
      const d = decode(Uint8Array.from(rest), rest.length);
      if (d.kind !== 'insn') {
        out.push(hexes(bytes.slice(i)));
        break;
      }
      const names = (a: Address): string | undefined => this.program.labels.get(a);
      out.push(disassemble(d, at + i, names));
      i += d.length;
    }
    return out.join('; ');
  }
}

type Row = Lowered['listings'][number]['rows'][number];
const isOpen = ({ template }: Lowered['listings'][number], row: Row): boolean =>
  template?.fixups.some(
    (f) => row.address <= f.offset && f.offset < row.address + row.bytes.length,
  ) === true;

/** Bytes of one instruction of the source, which `int3 4` has several of. */
function lengthOf(insn: Insn, bytes: Uint8Array): number {
  const count = insn.operands[0];
  if (insn.mnemonic.text === 'int3' && count?.kind === 'value' && count.expr.kind === 'number')
    return Number(count.expr.value);
  const d = decode(bytes, bytes.length);
  return d.kind === 'insn' ? d.length : bytes.length;
}

/** The bytes of all places behind each poke, in the first run of each patch. */
function flowOf(p: Program): ReadonlyMap<number, readonly PokeFacts[]> {
  const out = new Map<number, PokeFacts[]>();
  const start = p.places.flatMap((place) => [
    ...(p.contents[place.contents[0] ?? -1]?.bytes ?? []),
  ]);
  const states = new Map<number, Byte[]>([[p.entry.patcher, start]]);
  const patchOf = new Map<number, number>();
  const begun = new Set<number>();
  let patch = -1;
  let stop = p.kernel.length;
  for (let i = p.entry.patcher; i < p.kernel.length; i++) {
    const { do: doing } = p.kernel[i] as KernelOp;
    if (doing.kind === 'begin') {
      // The second run of a patch goes backwards, and would say the opposite.
      if (begun.has(doing.patch)) {
        stop = i;
        break;
      }
      begun.add(doing.patch);
      patch = doing.patch;
    }
    patchOf.set(i, patch);
  }
  const written = (i: number): { cell: number; bytes: Uint8Array } | undefined => {
    const { do: doing } = p.kernel[i] as KernelOp;
    if (doing.kind !== 'poke') return undefined;
    const place = p.places[doing.place] as Place;
    const change = p.patches[patchOf.get(i) ?? -1]?.changes.find((c) => c.place === doing.place);
    const { source } = doing;
    const content =
      source.kind === 'content'
        ? source.which === 'new'
          ? change?.new
          : (change?.old ?? place.contents[0])
        : undefined;
    const bytes =
      source.kind === 'bytes'
        ? source.bytes
        : (p.contents[content ?? -1]?.bytes.subarray(doing.from, doing.to) ?? new Uint8Array());
    return { cell: place.cell + doing.from, bytes };
  };
  const queue = [p.entry.patcher];
  const after = (i: number, state: readonly Byte[]): Byte[] => {
    const next = [...state];
    const w = written(i);
    w?.bytes.forEach((byte, k) => {
      next[w.cell + k] = byte;
    });
    return next;
  };
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    if (i >= stop) continue;
    const { do: doing } = p.kernel[i] as KernelOp;
    const state = after(i, states.get(i) as Byte[]);
    const goals: number[] = [];
    if (doing.kind !== 'end' && !(doing.kind === 'jump' && !doing.when && !doing.unless))
      goals.push(i + 1);
    if (doing.kind === 'jump') goals.push(doing.to);
    if (doing.kind === 'build') goals.push(doing.full);
    for (const goal of goals) {
      const known = states.get(goal);
      const joined = known ? known.map((b, k) => (b === state[k] ? b : undefined)) : state;
      if (known?.every((b, k) => b === joined[k])) continue;
      states.set(goal, joined);
      queue.push(goal);
    }
  }
  for (let i = p.entry.patcher; i < stop; i++) {
    const { do: doing, span } = p.kernel[i] as KernelOp;
    const state = states.get(i);
    const w = written(i);
    if (doing.kind !== 'poke' || !state || !w) continue;
    const place = p.places[doing.place] as Place;
    const leaves = after(i, state).slice(place.cell, place.cell + place.length);
    const list = out.get(span.start) ?? [];
    out.set(span.start, list);
    // The stores of one statement: what is told is all that they write, and what the last one leaves.
    const before = list[list.length - 1];
    const previous = p.kernel[i - 1];
    if (
      before?.place === place &&
      previous?.do.kind === 'poke' &&
      previous.span.start === span.start &&
      (doing.from === before.from + before.bytes.length ||
        doing.from + w.bytes.length === before.from)
    ) {
      const up = doing.from > before.from;
      list[list.length - 1] = {
        place,
        from: Math.min(before.from, doing.from),
        bytes: up ? [...before.bytes, ...w.bytes] : [...w.bytes, ...before.bytes],
        leaves,
      };
    } else list.push({ place, from: doing.from, bytes: [...w.bytes], leaves });
  }
  return out;
}

/** The last digits, which tell places apart. */
export const shortAddress = (address: Address): string => `..${printAddress(address).slice(-8)}`;
