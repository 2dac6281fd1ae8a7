// Instruction fetch as generated code: at each address where an instruction may begin, when it is executed and as what.

import { int3, type Prepared } from '../emulator/fetch.ts';
import { context } from '../emulator/layout.ts';
import type { Program } from '../ir.ts';
import { property, region } from '../ir.ts';
import type { Expr, Op } from '../ops.ts';
import type { Wide, Word } from './code.ts';
import {
  add,
  below,
  both,
  either,
  eq,
  isZero,
  join,
  k,
  left,
  less,
  mask,
  ne,
  no,
  pick,
  right,
  state,
  times,
  variable,
  wide,
  yes,
} from './code.ts';
import { Kernel } from './kernel.ts';
import { cpu, t } from './memory.ts';
import { outcomeOutside } from './outcomes.ts';

const longest = 15;

/** What the first byte is read as; -1 where it is torn. */
export const first = variable('first');

/** One way to go on from an address. */
export interface Way {
  /** The address's low word; or the addresses of stubs that are gone; or all that are not known. */
  readonly at: number | 'gone' | 'elsewhere';
  readonly guard: Word;
  /** In a place: the guard of who has settled what the first byte is read as, which is `first`. */
  readonly own?: Word;
  /** The instruction, or the outcome that its fetch has. */
  readonly insn?: Prepared;
  readonly outcome?: Word;
  /** The place of which this is the first byte, and of which a pass opens; or -1. */
  readonly place: number;
  /** The cell of its first byte, or -1. */
  readonly cell: number;
  /** Parts of the instruction that are read when it is executed. */
  readonly given?: ReadonlyMap<number, Wide>;
}

interface Site {
  readonly at: number;
  readonly insn: Prepared;
}

export class Fetches extends Kernel {
  private found: Site[] | undefined;

  /** Instructions of the text that cannot change, wherever one may go. */
  protected override sites(): readonly Site[] {
    if (this.found) return this.found;
    const { p, core } = this;
    const found: Site[] = [];
    for (const from of p.starts) {
      if (core.cellAt(from) >= 0) continue;
      const bytes = new Uint8Array(longest);
      let length = 0;
      while (
        length < longest &&
        core.cellAt(from + length) < 0 &&
        core.staticByte(from + length) >= 0
      )
        bytes[length] = core.staticByte(from + length++);
      const insn = this.prepared(from, bytes.slice(0, length));
      if (insn) found.push({ at: from | 0, insn });
    }
    this.found = found;
    return this.found;
  }

  /** Every way a fetch can go, at every address that is known, and at all others. */
  ways(): readonly Way[] {
    const { p, core } = this;
    const ways: Way[] = [];
    const known: Word[] = [];
    for (const { at, insn } of this.sites()) {
      ways.push({ at, guard: yes, insn, place: -1, cell: -1 });
      known.push(eq(this.rip, at));
    }
    p.places.forEach((place, i) => {
      for (let offset = 0; offset < place.length; offset++) ways.push(...this.placeWays(i, offset));
      known.push(this.inside(this.rip, place.from, place.from + place.length));
    });
    core.slots.forEach((_, i) => {
      ways.push(...this.slotWays(i, known));
    });
    const all = this.codeRanges();
    const anywhere = either(...all.map(([a, b]) => this.inside(this.rip, a, b)));
    const kernel = this.inside(this.rip, region.kernel, region.kernel + p.kernel.length);
    const idle = both(
      less(p.threads.length, state(this.taskOfCpu)),
      eq(state(this.contextOfCpu), context.user),
    );
    // Elsewhere in code: an instruction that begins inside another.
    ways.push({
      at: 'elsewhere',
      guard: both(isZero(either(...known)), isZero(kernel)),
      outcome: pick(anywhere, outcomeOutside, this.faultOutcome),
      place: -1,
      cell: -1,
    });
    // An idle CPU executes nothing; at an instruction it stands only where code that interrupted it has left it.
    const coded = p.ipiCode !== undefined || p.env.events.some((e) => e.entry !== undefined);
    const awake = isZero(pick(idle, 1, 0));
    return ways.map((w) =>
      coded || w.at === 'elsewhere'
        ? {
            ...w,
            guard: both(w.guard, awake),
            ...(w.own === undefined ? {} : { own: both(w.own, awake) }),
          }
        : w,
    );
  }
  private get taskOfCpu(): Word {
    return this.cpuAt(cpu);
  }
  private get contextOfCpu(): Word {
    return this.contextAt(t);
  }
  /** What a fault is, by whether a pass is open. */
  private get faultOutcome(): Word {
    const open = state(add(this.contextAt(t), this.l.ctx.pass));
    return pick(ne(open, 0), 1 + property('old_or_new'), 1 + property('no_fault'));
  }

  // ---- bytes that may be older for this CPU

  protected cell(cell: number | Word): Word {
    return state(typeof cell === 'number' ? k(this.l.cells + cell) : add(cell, this.l.cells));
  }
  protected older(cell: number | Word): Word {
    const view = times(cpu, this.viewWords);
    const from = this.l.views[0] as number;
    return state(typeof cell === 'number' ? add(view, from + cell) : add(add(view, cell), from));
  }
  /** The three values that a set of older ones has, as value + 1, or 0. */
  private fields(cell: number): readonly Word[] {
    return [0, 9, 18].map((n) => mask(right(this.older(cell), n), 511));
  }
  private may(cell: number, value: number): Word {
    return either(
      eq(this.cell(cell), value),
      both(ne(this.older(cell), 0), either(...this.fields(cell).map((f) => eq(f, value + 1)))),
    );
  }
  /** Whether there are two values or more that are no INT3. */
  private doubtful(cell: number): Word {
    const count = [
      pick(ne(this.cell(cell), int3), 1, 0),
      ...this.fields(cell).map((f) => pick(both(ne(f, 0), ne(f, int3 + 1)), 1, 0)),
    ].reduce((a, b) => add(a, b));
    return both(ne(this.older(cell), 0), less(1, count));
  }
  /** Whether some value is none of these. */
  private others(cell: number, values: readonly number[]): Word {
    const isNone = (w: Word, by: number): Word => both(...values.map((v) => ne(w, v + by)));
    return either(
      isNone(this.cell(cell), 0),
      both(
        ne(this.older(cell), 0),
        either(...this.fields(cell).map((f) => both(ne(f, 0), isNone(f, 1)))),
      ),
    );
  }

  /** What one finds in place `index` at an offset: one of what may be executed there, or torn bytes. */
  private placeWays(index: number, offset: number): readonly Way[] {
    const { p, core } = this;
    const place = p.places[index] as Program['places'][number];
    const address = place.from + offset;
    const cells = Array.from({ length: longest }, (_, i) => core.cellAt(address + i));
    const fixed = Array.from({ length: longest }, (_, i) => core.staticByte(address + i));
    const admitted = (place.admitted[offset] ?? []).filter(
      (a, n, all) =>
        a.every((b, i) => (cells[i] as number) >= 0 || fixed[i] === b) &&
        all.findIndex((x) => x.join() === a.join()) === n,
    );
    const at = address | 0;
    const opens = offset === 0 ? index : -1;
    const cell = cells[0] as number;
    const ways: Way[] = [];
    for (const bytes of admitted) {
      const insn = this.prepared(address, bytes);
      const whole = insn !== undefined && insn.bytes.length === bytes.length;
      const rest = this.readsOn(cells, bytes);
      const guard = both(this.begins(cell, bytes[0] as number), rest);
      const own = both(eq(first, bytes[0] as number), rest);
      if (whole) ways.push({ at, guard, own, insn, place: opens, cell });
      else ways.push({ at, guard, own, outcome: k(outcomeOutside), place: -1, cell });
    }
    // What is read is none of them and never ends: a fault, as in every other place without code.
    const endless = this.runsOff(address, cells, fixed);
    for (const bytes of endless) {
      const rest = this.readsOn(cells, bytes);
      ways.push({
        at,
        guard: both(this.begins(cell, bytes[0] as number), rest),
        own: both(eq(first, bytes[0] as number), rest),
        outcome: this.faultOutcome,
        place: opens,
        cell,
      });
    }
    const good = [...admitted, ...endless];
    const begun = [...new Set(good.map((a) => a[0] as number))];
    const tornBehind = new Map(begun.map((v) => [v, this.tornBehind(cells, fixed, good, 0, v)]));
    ways.push({
      at,
      guard: either(
        this.doubtful(cell),
        this.others(cell, begun),
        ...begun.map((v) => both(this.may(cell, v), tornBehind.get(v) as Word)),
      ),
      own: either(
        both(...begun.map((v) => ne(first, v))),
        ...begun.map((v) => both(eq(first, v), tornBehind.get(v) as Word)),
      ),
      outcome: k(1 + property('torn_instruction')),
      place: -1,
      cell,
    });
    return ways;
  }

  /** Whether a fetch can read a first byte as this, without a doubt that makes it torn. */
  private begins(cell: number, byte: number): Word {
    return byte === int3
      ? this.may(cell, byte)
      : both(this.may(cell, byte), isZero(this.doubtful(cell)));
  }
  /** Whether a fetch reads these bytes behind the first, without a doubt about one. */
  private readsOn(cells: readonly number[], bytes: Uint8Array): Word {
    return both(
      ...[...bytes].map((b, i) => {
        const cell = cells[i] as number;
        return i === 0 || cell < 0 ? yes : both(isZero(this.older(cell)), eq(this.cell(cell), b));
      }),
    );
  }

  /** All that may be read from an address up to where the code ends, and is no whole instruction there. */
  private runsOff(
    address: number,
    cells: readonly number[],
    fixed: readonly number[],
  ): readonly Uint8Array[] {
    const end = cells.findIndex((cell, i) => cell < 0 && (fixed[i] as number) < 0);
    if (end < 0) return [];
    let open: Uint8Array[] = [new Uint8Array(0)];
    for (let i = 0; i < end; i++) {
      const cell = cells[i] as number;
      const next = cell < 0 ? [fixed[i] as number] : this.valuesOf(cell);
      open = open
        .flatMap((bytes) => next.map((b) => Uint8Array.of(...bytes, b)))
        .filter((bytes) => this.fetch.prepare(address, bytes, bytes.length) === undefined);
    }
    return open;
  }

  /** Every value that a cell of a place ever has. */
  private valuesOf(cell: number): readonly number[] {
    const { p } = this;
    const values = new Set<number>();
    p.places.forEach((place, index) => {
      const i = cell - place.cell;
      if (i < 0 || i >= place.length) return;
      for (const content of place.contents) values.add(p.contents[content]?.bytes[i] as number);
      for (const { do: op } of p.kernel)
        if (op.kind === 'poke' && op.place === index && op.source.kind === 'bytes')
          if (i >= op.from && i < op.to) values.add(op.source.bytes[i - op.from] as number);
    });
    return [...values];
  }

  /** Whether what is read behind byte `i`, which is `v`, ends in bytes that are none of `admitted`, which agree so far. */
  private tornBehind(
    cells: readonly number[],
    fixed: readonly number[],
    admitted: readonly Uint8Array[],
    i: number,
    v: number,
  ): Word {
    const rest = admitted.filter((a) => a[i] === v);
    return rest.some((a) => a.length === i + 1) ? no : this.torn(cells, fixed, rest, i + 1);
  }

  /** The same from byte `i` on, which is not the first. */
  private torn(
    cells: readonly number[],
    fixed: readonly number[],
    admitted: readonly Uint8Array[],
    i: number,
  ): Word {
    const values = [...new Set(admitted.map((a) => a[i] as number))];
    const onward = (v: number): Word => this.tornBehind(cells, fixed, admitted, i, v);
    const cell = cells[i] as number;
    if (cell < 0) {
      const b = fixed[i] as number;
      return values.includes(b) ? onward(b) : yes;
    }
    return either(
      ne(this.older(cell), 0),
      both(...values.map((v) => ne(this.cell(cell), v))),
      ...values.map((v) => both(eq(this.cell(cell), v), onward(v))),
    );
  }

  /** The instruction that bytes begin with, and all that stand there while they are built one by one. */
  private halfBuilt(at: number, bytes: Uint8Array): readonly Prepared[] {
    const whole = this.prepared(at, bytes);
    if (whole === undefined) return [];
    return [
      whole,
      ...Array.from(whole.bytes, (_, built) => {
        const values = new Uint8Array(longest);
        values.set(bytes.slice(0, built));
        return this.prepared(at, values) ?? [];
      }).flat(),
    ];
  }

  /** What one finds in a slot: the stub's own instructions, nothing yet, or bytes on their way. */
  private slotWays(slot: number, known: Word[]): readonly Way[] {
    const { p, core, l } = this;
    const info = core.slots[slot] as (typeof core.slots)[number];
    const stub = p.stubs[info.stub] as Program['stubs'][number];
    const ways: Way[] = [];
    const isBuilt = ne(state(k(l.slots + slot)), 0);
    const stale = k(1 + property('stale_stub'));
    for (let n = 0; n < stub.template.length; ) {
      const bytes = stub.template.slice(n);
      const hole = (i: number): (typeof stub.fixups)[number] | undefined =>
        stub.fixups.find((f) => n + i >= f.offset && n + i < f.offset + f.width);
      // Values that the instruction has nowhere else tell where its operations use what a hole holds.
      const marks = marksOf(stub.fixups, this.halfBuilt(info.from + n, bytes));
      const marked = bytes.slice();
      for (let i = 0; i < marked.length; i++) {
        const f = hole(i);
        if (!f) continue;
        const { held } = marks[stub.fixups.indexOf(f)] as Mark;
        const k = n + i - f.offset;
        marked[i] = k < 4 ? (held >>> (8 * k)) & 0xff : 0;
      }
      const insn = this.prepared(info.from + n, marked);
      if (!insn) break;
      const at = (info.from + n) | 0;
      const length = insn.bytes.length;
      const cells = Array.from({ length: stub.template.length - n }, (_, i) => info.cell + n + i);
      const cell = cells[0] as number;
      /** Values of the holes before a byte, for an instruction that has them in its operations. */
      const filled = (
        read: Prepared,
        before: number,
      ): { insn: Prepared; given: Map<number, Wide> } => {
        const given = new Map<number, Wide>();
        let ops = read.ops;
        for (const [i, f] of stub.fixups.entries()) {
          if (f.offset < n || f.offset >= n + before) continue;
          const word = (from: number): Word =>
            [0, 1, 2, 3]
              .map((k) => left(this.cell(info.cell + from + k), 8 * k))
              .reduce((a, b) => join(a, b));
          const low = word(f.offset);
          const index = 100 + given.size;
          given.set(
            index,
            f.kind === 'rel32'
              ? behind(read.next, low)
              : f.width === 4
                ? wide(low, right(low, 31))
                : wide(low, word(f.offset + 4)),
          );
          ops = replaced(ops, (marks[i] as Mark).meant, index);
        }
        return { insn: { ...read, ops }, given };
      };
      const torn: Word[] = [];
      const covered: Word[] = [];
      /** What is executed where these bytes stand, all of them read; \`null\`: no instruction is. */
      const path = (
        values: Uint8Array,
        read: number,
        found: Prepared | null,
        holes: number,
      ): void => {
        if (read > cells.length) return;
        const is = (i: number): Word => {
          // A hole that is being filled is the path of its own byte.
          return i < holes && hole(i)
            ? yes
            : eq(this.cell(cells[i] as number), values[i] as number);
        };
        const all = Array.from({ length: read }, (_, i) => i);
        const older = (i: number): Word => this.older(cells[i] as number);
        torn.push(
          this.doubtful(cell),
          ...all.map((i) =>
            i === 0 ? no : both(ne(older(i), 0), ...all.slice(0, i).map((b) => is(b))),
          ),
        );
        const guard = both(isBuilt, ...all.map((i) => both(isZero(older(i)), is(i))));
        covered.push(guard);
        if (found === null) ways.push({ at, guard, outcome: this.faultOutcome, place: -1, cell });
        else ways.push({ at, guard, ...filled(found, holes), place: -1, cell });
      };
      path(marked, length, insn, length);
      // Stubs are built byte by byte, in their order: what is not there yet is 0.
      for (let i = 0; i < length; i++) {
        if (hole(i) || marked[i] === 0) continue;
        const values = new Uint8Array(longest);
        values.set(marked.slice(0, i));
        for (let read = 1; read <= longest; read++) {
          const found = this.fetch.prepare(info.from + n, values, read);
          if (found === undefined) continue;
          if (read > i) path(values, read, found, i);
          break;
        }
      }
      ways.push({ at, guard: isZero(isBuilt), outcome: stale, place: -1, cell });
      const torns = either(...torn);
      const isTorn = both(isBuilt, torns);
      ways.push({
        at,
        guard: isTorn,
        outcome: k(1 + property('torn_instruction')),
        place: -1,
        cell,
      });
      ways.push({
        at,
        guard: both(isBuilt, isZero(either(torns, ...covered))),
        outcome: k(outcomeOutside),
        place: -1,
        cell,
      });
      known.push(eq(this.rip, at));
      n += length;
    }
    const [from, to] = [info.from + region.alias, info.from + region.alias + info.length];
    ways.push({
      at: 'gone',
      guard: this.inside(this.rip, from, to),
      outcome: stale,
      place: -1,
      cell: -1,
    });
    known.push(this.inside(this.rip, from, to));
    return ways;
  }
}

/** An address of ours plus a signed word of 32 bits. */
const behind = (from: number, by: Word): Wide => {
  const low = add(by, from);
  return wide(low, add(add(right(by, 31), -1), pick(below(low, by), 1, 0)));
};

/** What stands in a hole, and the low word of what the operations make of it. */
interface Mark {
  readonly held: number;
  readonly meant: number;
}

/** For each hole of a stub a mark that is no constant of what may be executed there, and no other's. */
function marksOf(
  fixups: Program['stubs'][number]['fixups'],
  insns: readonly Prepared[],
): readonly Mark[] {
  const taken = new Set<number>();
  const next = insns[0]?.next ?? 0;
  JSON.stringify(insns, (_, value) => {
    if (value?.kind === 'const') taken.add(value.lo);
    return value;
  });
  let held = 0x00345678;
  return fixups.map((f): Mark => {
    for (; ; held++) {
      const meant = f.kind === 'rel32' ? (next + held) | 0 : held;
      if (taken.has(meant)) continue;
      taken.add(meant);
      return { held: held++, meant };
    }
  });
}

/** The operations with a constant's low word read from a value that is given. */
function replaced(ops: readonly Op[], low: number, index: number): readonly Op[] {
  const given: Expr = { kind: 'temp', index };
  return JSON.parse(JSON.stringify(ops), (_, value) =>
    value?.kind === 'const' && value.lo === low ? given : value,
  );
}
