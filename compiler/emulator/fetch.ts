// Instruction fetch: which bytes a CPU may get at an address, and what decodes from them.

import { property, region } from '../ir.ts';
import type { Op } from '../ops.ts';
import { decode, instantiate } from '../x86/decode.ts';
import type { Core } from './core.ts';
import { toAddress } from './core.ts';
import { taskField } from './layout.ts';

/** An instruction at an address, ready to be executed. */
export interface Prepared {
  readonly bytes: Uint8Array;
  readonly next: number;
  readonly ops: readonly Op[];
  /** Whether its first operations wait until the store buffer is empty. */
  readonly waits: boolean;
  /** Most units it may put into the store buffer. */
  readonly stores: number;
}

/** One way a fetch can go. */
export interface Choice {
  /** What is executed; without it the fetch itself violates `property`. */
  readonly insn?: Prepared;
  /** Without an instruction: the bytes that were read, where they are known. */
  readonly bytes?: Uint8Array;
  readonly property: number;
  readonly reason: string;
  /** Where commits are ordered: how far each unit read raises what this CPU still may see; pairs of cell and floor. */
  readonly floors: readonly number[];
  readonly name: string;
}

/** Bytes that were read from an address on, found once. */
interface Read {
  /** What they are; undefined while more are needed. */
  readonly insn: Prepared | null | undefined;
  /** With one more byte, by its value. */
  readonly next: Map<number, Read>;
  /** Whether they may be executed here: old, new, or poked. */
  admitted: boolean | undefined;
  /** What their fetch is called. */
  name: string | undefined;
}
const emptyRead = (insn: Read['insn']): Read => ({
  insn,
  next: new Map(),
  admitted: undefined,
  name: undefined,
});

/** The ways that a fetch can go, by what may be seen of each byte that it reads: newest value and set of older ones. */
interface Views {
  choices: readonly Choice[] | undefined;
  readonly next: Map<number, Views>;
}

/** What stands at an address, found once. */
interface Site {
  readonly address: number;
  readonly fixed?: Choice;
  /** For each of 15 bytes from the address on: the cell, or -1. */
  readonly cells: Int32Array;
  readonly bytes: Int32Array;
  readonly slot: number;
  readonly place: number;
  readonly offset: number;
  /** Whether an instruction is known to begin there. */
  readonly begins: boolean;
  readonly read: Read;
  readonly views: Views;
}

const longest = 15; // the manual's limit on an instruction's length
export const int3 = 0xcc;

export class Fetch {
  readonly #sites = new Map<number, Site>();
  private readonly m: Core;
  constructor(core: Core) {
    this.m = core;
  }

  /** The instruction that these bytes are at an address: `null` if no form, `undefined` if more bytes are needed. */
  prepare(address: number, bytes: Uint8Array, length: number): Prepared | null | undefined {
    const d = decode(bytes, length);
    if (d.kind === 'more') return length >= longest ? null : undefined;
    if (d.kind === 'invalid') return null;
    const ops = instantiate(d, address);
    return {
      bytes: bytes.slice(0, d.length),
      next: (address + d.length) | 0,
      ops,
      waits: ops.some(
        (o) =>
          o.kind === 'locked' || o.kind === 'drain' || o.kind === 'serialise' || o.kind === 'iret',
      ),
      stores: ops.some((o) => o.kind === 'locked')
        ? 0
        : ops.filter((o) => o.kind === 'store' || o.kind === 'when').length,
    };
  }

  /** Bytes at an address that cannot change, decoded; used to judge contents of places too. */
  #siteAt(rip: number): Site {
    const known = this.#sites.get(rip);
    if (known) return known;
    const { m } = this;
    const address = toAddress(rip);
    const cells = new Int32Array(longest).fill(-1);
    const bytes = new Int32Array(longest).fill(-1);
    for (let i = 0; i < longest; i++) {
      cells[i] = m.cellAt(address + i);
      bytes[i] = m.staticByte(address + i);
    }
    const first = cells[0] as number;
    const slot = first < 0 ? -1 : (m.slotOfCell[first] as number);
    let place = -1;
    let offset = 0;
    if (first >= 0 && slot < 0) {
      place = m.p.places.findIndex((x) => first >= x.cell && first < x.cell + x.length);
      offset = first - (m.p.places[place]?.cell ?? 0);
    }
    const fixed = first >= 0 ? undefined : this.#fixedAt(address, cells, bytes);
    const read = emptyRead(undefined);
    const views: Views = { choices: undefined, next: new Map() };
    const begins = place >= 0 || this.#begins(address, slot);
    const base = { address, cells, bytes, slot, place, offset, begins, read, views };
    const site: Site = fixed ? { ...base, fixed } : base;
    this.#sites.set(rip, site);
    return site;
  }

  #begins(address: number, slot: number): boolean {
    const { p, slots } = this.m;
    const inside = slots[slot];
    if (!inside) return p.starts.has(address);
    return p.stubs[inside.stub]?.spans.has(address - inside.from) === true;
  }

  #fixedAt(address: number, cells: Int32Array, bytes: Int32Array): Choice | undefined {
    const alias = this.m.slots.findIndex(
      (x) => address >= x.from + region.alias && address < x.from + region.alias + x.length,
    );
    if (alias >= 0) {
      const stub = this.m.p.stubs[(this.m.slots[alias] as { stub: number }).stub];
      return bad(property('stale_stub'), `runs in ${stub?.name ?? 'a stub'} after its release`);
    }
    const got = new Uint8Array(longest);
    for (let k = 0; k < longest; k++) {
      if ((cells[k] as number) >= 0) return undefined; // runs into a place: not fixed
      if ((bytes[k] as number) < 0) return bad(-1, 'executes where no code is');
      got[k] = bytes[k] as number;
      const insn = this.prepare(address, got, k + 1);
      if (insn === null) return bad(-1, '#UD: these bytes are no instruction of the subset');
      if (insn) return { insn, property: 0, reason: '', floors: [], name: 'step' };
    }
    return bad(-1, '#UD: these bytes are no instruction of the subset');
  }

  /** The instruction at an address all of whose bytes stay what they are; undefined elsewhere. */
  unchanging(rip: number): Prepared | undefined {
    return this.#siteAt(rip).fixed?.insn;
  }
  /** Whether an instruction is known to begin there: what is known of code, which registers it reads, rests on these. */
  begins(rip: number): boolean {
    return this.#siteAt(rip).begins;
  }
  placeAt(rip: number): number {
    return this.#siteAt(rip).place;
  }
  placeOffset(rip: number): number {
    return this.#siteAt(rip).offset;
  }
  slotAt(rip: number): number {
    return this.#siteAt(rip).slot;
  }
  /** Whether an address is in a stub, released or not. */
  inStub(rip: number): boolean {
    const site = this.#siteAt(rip);
    return (
      site.slot >= 0 ||
      (site.fixed !== undefined &&
        site.fixed.insn === undefined &&
        site.fixed.property === property('stale_stub'))
    );
  }

  /** Every way the fetch of the running context can go now; in a fixed order, and never two that are one. */
  choices(): readonly Choice[] {
    const { m } = this;
    const site = this.#siteAt(m.rip());
    if (site.fixed) return [site.fixed];
    if (site.slot >= 0 && m.s[m.l.slots + site.slot] === 0) {
      const stub = m.p.stubs[(m.slots[site.slot] as { stub: number }).stub];
      return [bad(property('stale_stub'), `runs in ${stub?.name ?? 'a stub'}, which is not built`)];
    }
    if (m.l.sets) return this.#choicesOfSets(site);
    const found: Choice[] = [];
    const bytes = new Uint8Array(longest);
    this.#readLog(site, bytes, site.read, 0, [], [], [], this.#floorOf(site, 0), found);
    return named(found);
  }

  /** What is read with these bytes, of which the last is new behind `from`. */
  #onward(site: Site, from: Read, bytes: Uint8Array, length: number): Read {
    const last = bytes[length - 1] as number;
    const known = from.next.get(last);
    if (known !== undefined) return known;
    const read = emptyRead(this.prepare(site.address, bytes, length));
    from.next.set(last, read);
    return read;
  }

  // ---- older values as sets: each byte is chosen by itself

  /** Bytes that were read on the deepest of all ways. */
  #depth = 0;

  #choicesOfSets(site: Site): readonly Choice[] {
    let views = site.views;
    for (let i = 0; views.choices === undefined; i++) {
      const next = views.next.get(this.#viewOf(site, i));
      if (next === undefined) break;
      views = next;
    }
    if (views.choices !== undefined) return views.choices;
    const found: Choice[] = [];
    this.#depth = 0;
    this.#readSet(site, new Uint8Array(longest), site.read, 0, found);
    views = site.views;
    for (let i = 0; i < this.#depth; i++) {
      const view = this.#viewOf(site, i);
      const next = views.next.get(view) ?? { choices: undefined, next: new Map() };
      views.next.set(view, next);
      views = next;
    }
    views.choices = named(found);
    return views.choices;
  }

  /** All that this CPU may see of a byte, as one number: the newest value, and above it the set of older ones. */
  #viewOf(site: Site, i: number): number {
    const { m } = this;
    const cell = site.cells[i] as number;
    if (cell < 0) return 0;
    const older = m.s[(m.l.views[m.cpu] as number) + cell] as number;
    return (m.s[m.l.cells + cell] as number) + 256 * older;
  }

  #readSet(site: Site, bytes: Uint8Array, read: Read, i: number, found: Choice[]): void {
    const { m } = this;
    this.#depth = Math.max(this.#depth, i + 1);
    const cell = site.cells[i] as number;
    const mode = m.p.env.fetch.unsynchronised;
    if (cell < 0) {
      const b = site.bytes[i] as number;
      if (b < 0) this.#add(found, bad(-1, 'executes where no code is'));
      else this.#take(site, bytes, read, i, b, found);
      return;
    }
    const now = m.s[m.l.cells + cell] as number;
    const older = m.s[(m.l.views[m.cpu] as number) + cell] as number;
    if (older === 0) {
      this.#take(site, bytes, read, i, now, found);
      return;
    }
    const values = [now];
    for (let rest = older; rest !== 0; rest >>>= 9) values.push((rest & 511) - 1);
    values.sort((a, b) => a - b);
    if (mode === 'always') {
      // INT3 alone may be seen or not: any other doubt about a byte is unpredictable.
      const others = values.filter((v) => v !== int3);
      if (i > 0 || others.length > 1) {
        this.#add(found, this.#torn(site, i, values));
        if (i > 0 || others.length === values.length) return;
        this.#take(site, bytes, read, 0, int3, found);
        return;
      }
    }
    for (const v of values) this.#take(site, bytes, read, i, v, found);
  }

  #take(
    site: Site,
    bytes: Uint8Array,
    from: Read,
    i: number,
    value: number,
    found: Choice[],
  ): void {
    bytes[i] = value;
    const read = this.#onward(site, from, bytes, i + 1);
    if (read.insn === undefined) this.#readSet(site, bytes, read, i + 1, found);
    else this.#finish(site, bytes, i + 1, read, read.insn, [], found);
  }

  /** A whole instruction was read, or bytes that are none. */
  #finish(
    site: Site,
    bytes: Uint8Array,
    length: number,
    read: Read,
    insn: Prepared | null,
    floors: readonly number[],
    found: Choice[],
  ): void {
    const { m } = this;
    read.name ??= `fetch ${hex(bytes, length)}`;
    const { name } = read;
    const mode = m.p.env.fetch.unsynchronised;
    if (bytes[0] !== int3 && mode !== 'never' && !(m.l.sets && mode === 'always')) {
      const crosses = Math.floor(site.address / 8) !== Math.floor((site.address + length - 1) / 8);
      if (mode === 'always' || crosses) {
        for (let i = 0; i < length; i++) {
          const values = this.pending(site, i);
          const doubt = i === 0 ? values.filter((v) => v !== int3) : values;
          if (doubt.length > 1) {
            this.#add(found, this.#torn(site, i, values));
            return;
          }
        }
      }
    }
    if (site.place >= 0) {
      const place = m.p.places[site.place];
      read.admitted ??= (place?.admitted[site.offset] ?? []).some(
        (a) =>
          a.length <= length &&
          same(a, bytes, a.length) &&
          (insn === null || insn.bytes.length === a.length),
      );
      if (!read.admitted) {
        this.#add(found, {
          ...bad(
            property('torn_instruction'),
            `executes ${hex(bytes, length)} at ${where(place?.name, site.offset)}: neither the old instruction there, nor the new one, nor one that is poked`,
          ),
          bytes: bytes.slice(0, length),
          floors,
          name,
        });
        return;
      }
    }
    if (insn === null) {
      this.#add(found, {
        ...bad(-1, `#UD: ${hex(bytes, length)} is no instruction of the subset`),
        bytes: bytes.slice(0, length),
        floors,
        name,
      });
      return;
    }
    this.#add(found, { insn, property: 0, reason: '', floors, name });
  }

  /** All values of a byte between the oldest that this CPU may still fetch and the newest. */
  pending(site: { readonly cells: Int32Array }, i: number): readonly number[] {
    const { m } = this;
    const cell = site.cells[i] as number;
    if (cell < 0) return [];
    const values = [m.s[m.l.cells + cell] as number];
    if (m.l.sets) {
      for (let rest = m.s[(m.l.views[m.cpu] as number) + cell] as number; rest !== 0; rest >>>= 9)
        values.push((rest & 511) - 1);
      return values;
    }
    this.#eachEntry((index, start, count, at) => {
      const k = cell - start;
      if (index >= this.#floorOfCell(cell) && k >= 0 && k < count) {
        const v = ((m.s[at + 1 + (k >> 2)] as number) >>> (8 * (k & 3))) & 0xff;
        if (!values.includes(v)) values.push(v);
      }
    });
    return values;
  }

  /** Every way the acting CPU could fetch at an address, if it stood there now. */
  choicesAt(rip: number): readonly Choice[] {
    const { m } = this;
    const at = m.t + taskField.rip;
    const stands = m.s[at] as number;
    m.s[at] = rip | 0;
    const choices = this.choices();
    m.s[at] = stands;
    return choices;
  }

  /** The values of a cell that the acting CPU may still fetch, the newest first. */
  visible(cell: number): readonly number[] {
    return this.pending({ cells: Int32Array.of(cell) }, 0);
  }

  // ---- commits in a log: each unit is read at one moment

  #eachEntry(visit: (index: number, cell: number, count: number, at: number) => void): void {
    const { s, l } = this.m;
    const n = s[l.log] as number;
    for (let i = 0, at = l.log + 2; i < n; i++) {
      const head = s[at] as number;
      const count = head >> 16;
      visit(i, head & 0xffff, count, at);
      at += 1 + ((count + 3) >> 2);
    }
  }
  #floorOfCell(cell: number): number {
    const { m } = this;
    return m.s[(m.l.views[m.cpu] as number) + (m.l.floors === 'all' ? 0 : cell)] as number;
  }
  #floorOf(site: Site, i: number): number {
    const cell = site.cells[i] as number;
    return cell < 0 ? 0 : this.#floorOfCell(cell);
  }

  /** The cell's value after the first `moment` entries. */
  #valueAt(cell: number, moment: number): number {
    const { m } = this;
    let value = -1;
    this.#eachEntry((index, start, count, at) => {
      const k = cell - start;
      if (value < 0 && index >= moment && k >= 0 && k < count)
        value = ((m.s[at + 1 + (k >> 2)] as number) >>> (8 * (k & 3))) & 0xff;
    });
    return value < 0 ? (m.s[m.l.cells + cell] as number) : value;
  }

  #readLog(
    site: Site,
    bytes: Uint8Array,
    read: Read,
    i: number,
    units: readonly number[],
    moments: readonly number[],
    floors: readonly number[],
    floor: number,
    found: Choice[],
  ): void {
    const { m } = this;
    const { moment: size, ascending, codeOrder, backwards } = m.p.env.fetch;
    const cell = site.cells[i] as number;
    const go = (
      value: number,
      u: readonly number[],
      t: readonly number[],
      f: readonly number[],
      low: number,
    ): void => {
      bytes[i] = value;
      const next = this.#onward(site, read, bytes, i + 1);
      if (next.insn === undefined) this.#readLog(site, bytes, next, i + 1, u, t, f, low, found);
      else this.#finish(site, bytes, i + 1, next, next.insn, this.#raised(f), found);
    };
    if (cell < 0) {
      const b = site.bytes[i] as number;
      if (b < 0) this.#add(found, bad(-1, 'executes where no code is'));
      else go(b, units, moments, floors, floor);
      return;
    }
    const unit = Math.floor((site.address + i) / size);
    const known = units.indexOf(unit);
    if (known >= 0) {
      go(this.#valueAt(cell, moments[known] as number), units, moments, floors, floor);
      return;
    }
    // In any order the unit seen oldest can be read first, so each is free from the CPU's own floor on.
    const from =
      ascending && codeOrder ? Math.max(floor, this.#floorOfCell(cell)) : this.#floorOfCell(cell);
    const options = [from];
    this.#eachEntry((index, start, count) => {
      if (index < from) return;
      for (let k = 0; k < count; k++) {
        if (Math.floor((m.cellAddress[start + k] as number) / size) === unit) {
          options.push(index + 1);
          return;
        }
      }
    });
    for (const moment of options) {
      const raised = backwards && !codeOrder ? [] : [cell, moment];
      go(
        this.#valueAt(cell, moment),
        [...units, unit],
        [...moments, moment],
        [...floors, ...raised],
        Math.max(floor, moment),
      );
    }
  }

  /** Where one floor holds for all code, only the highest counts. */
  #raised(floors: readonly number[]): readonly number[] {
    if (this.m.l.floors === 'cell' || floors.length === 0) return floors;
    const view = this.m.l.views[this.m.cpu] as number;
    const most = Math.max(this.m.s[view] as number, ...floors.filter((_, k) => k % 2 === 1));
    return [0, most];
  }

  /** What a fetch has seen it does not unsee, where the profile says so. */
  settle(choice: Choice): void {
    const { m } = this;
    const { l, s } = m;
    if (l.sets || choice.floors.length === 0) return;
    const size = m.p.env.fetch.moment;
    const view = l.views[m.cpu] as number;
    for (let i = 0; i < choice.floors.length; i += 2) {
      const cell = choice.floors[i] as number;
      const floor = choice.floors[i + 1] as number;
      if (l.floors === 'all') {
        s[view] = Math.max(s[view] as number, floor);
      } else {
        const unit = Math.floor((m.cellAddress[cell] as number) / size);
        for (let k = 0; k < l.viewWords; k++) {
          if (Math.floor((m.cellAddress[k] as number) / size) === unit)
            s[view + k] = Math.max(s[view + k] as number, floor);
        }
      }
    }
    m.fold();
  }

  #torn(site: Site, i: number, values: readonly number[]): Choice {
    const { m } = this;
    const list = values.map(byte).join(' or ');
    // An instruction may begin in front of what its last bytes belong to.
    const cell = site.cells[i] as number;
    const place = m.p.places.find((p) => cell >= p.cell && cell < p.cell + p.length);
    const slot = m.slots[m.slotOfCell[cell] as number];
    const { name } = place ?? m.p.stubs[slot?.stub ?? -1] ?? { name: 'the text' };
    const at = cell - (place?.cell ?? slot?.cell ?? 0);
    return {
      ...bad(
        property('torn_instruction'),
        `byte ${at} of ${name} may still be ${list}: executing it is unpredictable`,
      ),
      name: 'fetch torn',
    };
  }

  #add(found: Choice[], choice: Choice): void {
    const twin = found.some(
      (x) =>
        x.name === choice.name &&
        x.insn === choice.insn &&
        x.property === choice.property &&
        same(x.floors, choice.floors, Math.max(x.floors.length, choice.floors.length)),
    );
    if (!twin) found.push(choice);
  }
}

/** The ways with names of which no two are the same. */
function named(found: readonly Choice[]): readonly Choice[] {
  if (found.length === 1) return [{ ...(found[0] as Choice), name: 'step' }];
  return found.map((choice, i) => {
    const twin = found.some((other, k) => k !== i && other.name === choice.name);
    return twin
      ? {
          ...choice,
          name: `${choice.name} @${choice.floors.filter((_, k) => k % 2 === 1).join('.')}`,
        }
      : choice;
  });
}

/** A property of -1 stands for a fault, which counts by whether a pass is open. */
function bad(prop: number, reason: string): Choice {
  return { property: prop, reason, floors: [], name: 'step' };
}
const byte = (v: number): string => v.toString(16).padStart(2, '0');
const hex = (bytes: Uint8Array, length: number): string =>
  Array.from(bytes.subarray(0, length), byte).join(' ');
const where = (name: string | undefined, offset: number): string =>
  offset === 0 ? `${name}` : `${name}+${offset}`;
const same = (a: ArrayLike<number>, b: ArrayLike<number>, n: number): boolean => {
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false;
  return true;
};
