// What a check's forms mention: the instructions that it has.

import type { Program } from '../ir.ts';
import type { Op } from '../ops.ts';
import { decode, instantiate } from '../x86/decode.ts';

/** The operations of every instruction that can be executed: of its text, in its places, in stubs. */
export function instructions(p: Program): readonly (readonly Op[])[] {
  const found: (readonly Op[])[] = [];
  const read = (bytes: Uint8Array, from: number): void => {
    const d = decode(bytes, Math.min(15, bytes.length));
    if (d.kind === 'insn') found.push(instantiate(d, from));
  };
  for (const at of p.starts) {
    const range = p.text.find((r) => at >= r.from && at < r.from + r.bytes.length);
    if (range) read(range.bytes.slice(at - range.from, at - range.from + 15), at);
  }
  for (const place of p.places)
    place.admitted.forEach((all, offset) => {
      for (const bytes of all) read(bytes, place.from + offset);
    });
  // What a handler emulates stands nowhere.
  for (const c of p.contents) if (c.place < 0) read(c.bytes, c.at);
  for (const stub of p.stubs)
    for (const offset of stub.spans.keys()) read(stub.template.slice(offset), offset);
  return found;
}
