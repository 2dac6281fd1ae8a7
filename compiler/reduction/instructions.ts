// The instructions that a check has.

import type { Program } from '../ir.ts';
import type { Address, Op } from '../ops.ts';
import { sequence } from '../x86/decode.ts';

/** The operations of every instruction that can be executed: of its text, in its places, in stubs. */
export function instructions(p: Program): readonly (readonly Op[])[] {
  const found: (readonly Op[])[] = [];
  const first = (bytes: Uint8Array, at: Address): void => {
    const insn = sequence(bytes, at).next().value;
    if (insn) found.push(insn.ops);
  };
  for (const range of p.text)
    for (const at of p.starts)
      if (at >= range.from && at < range.from + range.bytes.length)
        first(range.bytes.subarray(at - range.from), at);
  for (const place of p.places)
    place.admitted.forEach((all, offset) => {
      for (const bytes of all) first(bytes, place.from + offset);
    });
  // What a handler emulates stands nowhere.
  for (const c of p.contents) if (c.place < 0) first(c.bytes, c.at);
  for (const stub of p.stubs)
    for (const offset of stub.spans.keys()) first(stub.template.subarray(offset), offset);
  return found;
}
