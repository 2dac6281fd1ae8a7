// The generator as a search asks it: an engine of WebAssembly for a check, where the host allows one.

import type { Machine } from '../emulator/machine.ts';
import type { Storage, Steps as Whole } from '../explorer/filing.ts';
import type { Program } from '../ir.ts';
import { assemble, contextKinds } from './assembly.ts';
import { batch, type Filed, file, type Own } from './filing.ts';
import { type Code, type Engine, type Generator, type Quick, quick } from './quick.ts';
import { excluded, type Steps, transitions } from './transitions.ts';

/** What this needs of the host; the compiler's own types know neither Node nor a browser. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly?: {
    readonly Memory: new (shape: {
      initial: number;
    }) => {
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    };
    readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
};

/** Whether the host takes a module of these sections. */
function takes(...sections: readonly number[]): boolean {
  try {
    new (WebAssembly as NonNullable<typeof WebAssembly>).Module(
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections),
    );
    return true;
  } catch {
    return false;
  }
}

/** Why the host runs no code of ours: a page's policy may refuse even the empty module. */
const refused =
  WebAssembly === undefined
    ? 'this host has no WebAssembly'
    : takes()
      ? undefined
      : 'this host refuses WebAssembly';

/** Whether a module may have two memories, as code that files states has: one section with two of no pages. */
const files = refused === undefined && takes(5, 5, 2, 0, 0, 0, 0);

/** Code that files states, by all that it depends on: the searches of a check, and its variants, share it. */
const filed = new Map<string, { readonly module: object; readonly made: Filed }>();
const mostFiled = 8;
function fileOnce(storage: Storage, own: Own): { readonly module: object; readonly made: Filed } {
  const { starts, under, records } = storage;
  const key = JSON.stringify([[...starts], under.map((u) => [...u]), [...records], own]);
  const known = filed.get(key);
  if (known !== undefined) return known;
  const made = file(storage, own);
  const { Module } = WebAssembly as NonNullable<typeof WebAssembly>;
  const fresh = { module: new Module(made.bytes), made };
  for (const oldest of filed.keys()) if (filed.size >= mostFiled) filed.delete(oldest);
  filed.set(key, fresh);
  return fresh;
}

export const generator: Generator = {
  excluded: (p) => refused ?? excluded(p),
  start: (p, machine) => engineOf(transitions(p), machine.pieces, p.env.cpus, p.waived.size > 0),
};

/** Where the generator is there from the beginning. */
export const generated = (p: Program, machine: Machine, patience = 500): Quick =>
  quick(p, machine, () => generator, patience);

const page = 65536;
/** What a memory with addresses of 32 bits can have, less a page that no growth can ask for. */
const mostWords = (2 ** 32 - page) / 4;

/**
 * Makes an engine; `pieces` are the first words of the pieces of a state. `actors`: how many may act. `waives`: whether
 * a violation may be something else to whoever takes steps.
 */
export function engineOf(
  steps: Steps,
  pieces: readonly number[],
  actors: number,
  waives: boolean,
): Engine {
  if (WebAssembly === undefined) throw new Error('this host has no WebAssembly');
  const { Memory, Module, Instance } = WebAssembly;
  const words = steps.initial.length;
  const made = assemble(steps, pieces);
  // What files states has its room behind that; more than is used costs nothing.
  const memory = new Memory({
    initial: Math.ceil((made.size + 4 * (batch + 16) * words) / page) + 1,
  });
  const { buffer } = memory;
  const instance = new Instance(new Module(made.bytes), { m: { m: memory } });
  const code = instance.exports as Code;
  const partOf = new Uint8Array(buffer, made.partOf, words);
  pieces.forEach((from, i) => {
    partOf.fill(i, from, pieces[i + 1] ?? words);
  });
  // Filings share the rows that stand ready: only the last one's are there.
  let filings = 0;
  return {
    code,
    scratch: new Int32Array(buffer, 0, words),
    touched: new Uint8Array(buffer, made.dirty, pieces.length),
    codes: new Int32Array(buffer, made.out, 4096),
    noted: new Uint8Array(buffer, made.executed, steps.operations),
    most: new Int32Array(buffer, made.most, contextKinds),
    filing: (storage, by = code) => {
      if (!files) return undefined;
      const { module, made: filed } = fileOnce(storage, {
        words,
        dirty: made.dirty,
        out: made.out,
        free: made.size,
        actors,
        witnesses: steps.witnesses.body.length > 0,
        waives,
      });
      if (filed.end > buffer.byteLength) throw new RangeError('the rows do not fit');
      const heap = new Memory({ initial: Math.ceil((4 * storage.words) / page) + 1 });
      const { enabled, apply, witnessed } = by;
      let told: ((nth: number) => void) | undefined;
      const given = {
        m: memory,
        h: heap,
        room: (r: number) => +storage.room(r),
        enabled,
        apply,
        witnessed,
        opened: (nth: number) => {
          told?.(nth);
          return 0;
        },
      };
      const { exports } = new Instance(module, { m: given });
      storage.move(heap, mostWords);
      // No row has that number, so all of the first state is taken out.
      new Int32Array(buffer, made.size, (filed.end - made.size) >> 2).fill(0);
      const { near, rows, stale, found, witnessed: seen, actions, counts, lengths } = filed.places;
      new Int32Array(buffer, rows, (stale - rows) >> 2).fill(-1);
      const { load, insert, revert, sweep, take, goOn, count, stuck } = exports as FilingCode;
      const mine = ++filings;
      const still =
        <T extends readonly number[]>(of: (...words: T) => number) =>
        (...words: T): number => {
          if (mine !== filings) throw new Error('another search has taken this one’s place');
          return of(...words);
        };
      const swept = still(sweep);
      const whole: Whole = {
        sweep: (index, end, opened) => {
          told = opened;
          return swept(index, end, +(opened !== undefined));
        },
        counts: new Int32Array(buffer, counts, batch),
        lengths: new Int32Array(buffer, lengths, batch),
        take: still(take),
        goOn,
        count,
        stuck: () => stuck() !== 0,
        found: new Int32Array(buffer, found, batch),
        witnessed: new Int32Array(buffer, seen, batch),
        actions: new Int32Array(buffer, actions, batch),
        enabled: new Int32Array(buffer, made.out, 4096),
        most: batch,
      };
      return {
        state: new Int32Array(buffer, near, words),
        load: still(load),
        insert,
        revert,
        steps: whole,
      };
    },
  };
}

/** What code for a store exports, as its memory has it. */
interface FilingCode {
  load(index: number): number;
  insert(): number;
  revert(): number;
  sweep(index: number, end: number, opens: number): number;
  take(index: number): number;
  goOn(step: number): number;
  count(): number;
  stuck(): number;
}
