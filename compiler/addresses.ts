// What stands at an address, in words and in the source: a label, a statement, a handler, a stub that may be released.

import type { Span } from '../grammar/index.ts';
import type { Slot } from './emulator/core.ts';
import { toAddress } from './emulator/core.ts';
import type { Machine } from './emulator/machine.ts';
import { nearLabel } from './emulator/machine.ts';
import { region } from './ir.ts';
import { printAddress } from './x86/text.ts';

export class Addresses {
  readonly #machine: Machine;
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The slot of a stub, and whether the address is one that its release made. */
  slotAt(lo: number): { readonly slot: Slot; readonly released: boolean } | undefined {
    const address = toAddress(lo);
    for (const slot of this.#machine.core.slots) {
      const off = address - slot.from;
      if (off >= 0 && off < slot.length) return { slot, released: false };
      if (off - region.alias >= 0 && off - region.alias < slot.length)
        return { slot, released: true };
    }
    return undefined;
  }

  slotName(slot: Slot): string {
    const stub = this.#machine.core.p.stubs[slot.stub];
    return `${stub?.name ?? 'stub'}${(stub?.slots.length ?? 1) > 1 ? `#${slot.index}` : ''}`;
  }

  /** The source of the instruction that a byte is of. */
  sourceOf(address: number): Span | undefined {
    const { p } = this.#machine.core;
    const place = p.places.find((x) => address >= x.from && address < x.from + x.length);
    if (place) return p.spans.get(place.from);
    const slot = this.slotAt(address)?.slot;
    if (!slot) return undefined;
    const spans = [...(p.stubs[slot.stub]?.spans ?? [])];
    return spans.findLast(([offset]) => offset <= address - slot.from)?.[1];
  }

  /** The address without what a release made of it. */
  known(address: number): number {
    return this.slotAt(address)?.released ? address - region.alias : address;
  }

  near(address: number): string {
    const known = this.known(address);
    return nearLabel(this.#machine.core.p, known) ?? plainAddress(known);
  }

  /** Where a context goes on, in words: a label, a statement, a handler. */
  where(lo: number): string {
    const { p } = this.#machine.core;
    let index = this.#machine.kernel.at(lo);
    if (index < 0) return this.near(toAddress(lo));
    const patcher = index >= p.entry.patcher;
    while (patcher && ['begin', 'set', 'nop'].includes(p.kernel[index]?.do.kind ?? '')) index++;
    const op = p.kernel[index];
    if (!patcher || !op) return 'its handler';
    if (op.do.kind === 'end') return 'its end';
    if (op.do.kind === 'build' || op.do.kind === 'release')
      return `${op.do.kind} ${p.stubs[op.do.stub]?.name}`;
    return op.do.kind === 'acks' ? 'sync: waits' : op.text;
  }
}

export const plainAddress = (address: number): string => printAddress(address).slice(2);
