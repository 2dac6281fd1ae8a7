// The generator as a search asks it: an engine of WebAssembly for a check, where the host allows one.

import type { Machine } from '../emulator/machine.ts';
import type { Program } from '../ir.ts';
import { assemble } from './assembly.ts';
import { type Code, type Engine, type Generator, type Quick, quick } from './quick.ts';
import { excluded, type Steps, transitions } from './transitions.ts';

/** What this needs of the host; the compiler's own types know neither Node nor a browser. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly?: {
    readonly Memory: new (shape: { initial: number }) => { readonly buffer: ArrayBuffer };
    readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
};

/** Why the host runs no code of ours: a page's policy may refuse even the empty module. */
const refused = ((): string | undefined => {
  if (WebAssembly === undefined) return 'this host has no WebAssembly';
  try {
    new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    return undefined;
  } catch {
    return 'this host refuses WebAssembly';
  }
})();

export const generator: Generator = {
  excluded: (p) => refused ?? excluded(p),
  start: (p, machine) => engineOf(transitions(p), machine.pieces),
};

/** Where the generator is there from the beginning. */
export const generated = (p: Program, machine: Machine, patience = 1000): Quick =>
  quick(p, machine, () => generator, patience);

/** Makes an engine; `pieces` are the first words of the pieces of a state. */
export function engineOf(steps: Steps, pieces: readonly number[]): Engine {
  if (WebAssembly === undefined) throw new Error('this host has no WebAssembly');
  const words = steps.initial.length;
  const made = assemble(steps, pieces);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(made.size / 65536) });
  const { buffer } = memory;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(made.bytes), {
    m: { m: memory },
  });
  const partOf = new Uint8Array(buffer, made.partOf, words);
  pieces.forEach((from, i) => {
    partOf.fill(i, from, pieces[i + 1] ?? words);
  });
  return {
    code: instance.exports as Code,
    scratch: new Int32Array(buffer, 0, words),
    touched: new Uint8Array(buffer, made.dirty, pieces.length),
    codes: new Int32Array(buffer, made.out, 4096),
    noted: new Uint8Array(buffer, made.executed, steps.operations),
  };
}
