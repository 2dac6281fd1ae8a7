// Where instructions of the text begin: as it is written, and where a branch or a constant leads into one of them.

import { expressionsOf } from './footprint.ts';
import type { TextRange } from './ir.ts';
import type { Address, Expr, Op } from './ops.ts';
import { type Standing, sequence } from './x86/decode.ts';

/** The addresses among constants. */
export const addressesIn = (said: readonly Expr[]): readonly Address[] =>
  said.flatMap((e) => (e.kind === 'const' && e.hi === -1 ? [e.lo] : []));

/** Whether what stands behind an instruction can be executed after it. */
export const goesOn = (ops: readonly Op[]): boolean =>
  !ops.some(
    (o) => (o.kind === 'branch' && o.when === undefined) || o.kind === 'iret' || o.kind === 'fault',
  );

/** The instruction of the text at an address. */
function instructionAt(text: readonly TextRange[], at: Address): Standing | undefined {
  const range = text.find((r) => at >= r.from && at < r.from + r.bytes.length);
  return range && sequence(range.bytes.subarray(at - range.from), at).next().value;
}

/**
 * The instructions of the text outside of places: from the addresses that are known on, and from all that they name.
 * An address that code computes may be none of them.
 */
export function starts(
  text: readonly TextRange[],
  known: Iterable<Address>,
  inPlace: (at: Address) => boolean,
): readonly Standing[] {
  const found: Standing[] = [];
  const todo = new Set(known);
  for (const at of todo) {
    const insn = instructionAt(text, at);
    // What runs into a place is another instruction with each of its contents.
    if (insn === undefined || insn.bytes.some((_, i) => inPlace(at + i))) continue;
    found.push(insn);
    for (const address of addressesIn(expressionsOf(insn.ops))) todo.add(address);
    if (goesOn(insn.ops)) todo.add(insn.behind);
  }
  return found;
}
