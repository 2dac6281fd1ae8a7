// Where instructions of the text begin: as it is written, and where a branch or a constant leads into one of them.

import { mentions } from './footprint.ts';
import type { TextRange } from './ir.ts';
import type { Address, Op } from './ops.ts';
import { decode, instantiate } from './x86/decode.ts';

/** The addresses among the constants of a form. */
export function addressesIn(form: unknown): readonly Address[] {
  const found: Address[] = [];
  mentions(form, (e) => {
    if (e.kind === 'const' && e.hi === -1) found.push(e.lo);
    return false;
  });
  return found;
}

/** Whether what stands behind an instruction can be executed after it. */
export const goesOn = (ops: readonly Op[]): boolean =>
  !ops.some(
    (o) => (o.kind === 'branch' && o.when === undefined) || o.kind === 'iret' || o.kind === 'fault',
  );

export interface Start {
  readonly ops: readonly Op[];
  /** The address behind the instruction. */
  readonly behind: Address;
}

/**
 * The instructions of the text outside of places: from the addresses that are known on, and from all that they name.
 * An address that code computes may be none of them.
 */
export function starts(
  text: readonly TextRange[],
  known: Iterable<Address>,
  inPlace: (at: Address) => boolean,
): ReadonlyMap<Address, Start> {
  const found = new Map<Address, Start>();
  const todo = new Set(known);
  for (const at of todo) {
    const range = text.find((r) => at >= r.from && at < r.from + r.bytes.length);
    if (range === undefined || inPlace(at)) continue;
    const bytes = range.bytes.slice(at - range.from, at - range.from + 15);
    const d = decode(bytes, bytes.length);
    if (d.kind !== 'insn') continue;
    const ops = instantiate(d, at);
    const behind = at + d.length;
    // What runs into a place is another instruction with each of its contents.
    if (Array.from({ length: d.length }, (_, i) => at + i).some(inPlace)) continue;
    found.set(at, { ops, behind });
    for (const address of addressesIn(ops)) todo.add(address);
    if (goesOn(ops)) todo.add(behind);
  }
  return found;
}
