// The patcher and the handlers as generated code: what `emulator/kernel.ts` does.

import { endless, isAccess, membersOf, moved } from '../emulator/kernel.ts';
import { bufferUnits, context, cpuField, idleFrom, taskField } from '../emulator/layout.ts';
import type { Program } from '../ir.ts';
import { asksForPhases, region } from '../ir.ts';
import { num } from '../ops.ts';
import type { Wide, Word } from './code.ts';
import {
  add,
  both,
  either,
  eq,
  isZero,
  k,
  less,
  mask,
  ne,
  no,
  pick,
  right,
  state,
  sub,
  variable,
  wide,
  yes,
} from './code.ts';
import { Contexts } from './contexts.ts';
import { at, c, cpu, finished, type Mode, plain, t, task } from './memory.ts';

type KernelDo = Program['kernel'][number]['do'];

/** Index of the operation that is next while a step of the kernel goes on, or -1. */
const pc = variable('pc');
const accessed = variable('accessed');
const rounds = variable('rounds');

export class Kernel extends Contexts {
  private readonly phased: boolean;
  /** For each content whether its first instruction, when emulated, is a step of its own; whether it needs room for a store. */
  private readonly emulatedAccess: readonly boolean[];
  private readonly emulatedStore: readonly boolean[];

  constructor(p: Program) {
    super(p);
    this.phased = asksForPhases(p);
    const emulated = p.contents.map((c) => this.prepared(region.code, c.bytes)?.ops ?? []);
    this.emulatedAccess = emulated.map(isAccess);
    this.emulatedStore = emulated.map((ops) => ops.some((o) => o.kind === 'store'));
  }

  /** Where RIP stands when an operation is next. */
  ripOf(index: number): number {
    return (region.kernel + index) | 0;
  }

  /** Whether an operation is an access; of an `emulate` only the state says. */
  private isAccess(op: KernelDo): Word {
    switch (op.kind) {
      case 'set':
      case 'jump':
      case 'violate':
      case 'begin':
      case 'finish':
      case 'nop':
        return no;
      case 'emulate':
        return this.isOneOf(this.emulatedAccess, op);
      default:
        return yes;
    }
  }

  private isOneOf(
    contents: readonly boolean[],
    { of }: Extract<KernelDo, { kind: 'emulate' }>,
  ): Word {
    if (!contents.includes(true)) return no;
    const content = this.evaluate(of, plain).lo;
    return either(...contents.flatMap((x, i) => (x ? [eq(content, i + 1)] : [])));
  }

  private room(units: number): Word {
    return less(this.buffered, bufferUnits + 1 - units);
  }

  /** Whether an operation can be done now: `emulator/kernel.ts` has the reasons. */
  ready(index: number): Word {
    const { p, l } = this;
    const op = (p.kernel[index] as Program['kernel'][number]).do;
    const empty = isZero(this.buffered);
    const sc = p.env.memory === 'sc';
    const ordered = sc ? empty : yes;
    switch (op.kind) {
      case 'end':
        return ne(this.field(at, cpuField.shadow), 0);
      case 'waittime':
        return sc || p.env.stalenessBounded ? empty : yes;
      case 'emulate':
        return either(
          isZero(pick(this.isAccess(op), 1, 0)),
          both(
            ordered,
            either(this.room(1), isZero(pick(this.isOneOf(this.emulatedStore, op), 1, 0))),
          ),
        );
      case 'acks':
        return isZero(state(k(l.outstanding)));
      case 'send':
      case 'sendto':
      case 'iret':
      case 'atomic':
        return empty;
      case 'step':
        return op.ops.some(
          (o) => o.kind === 'locked' || o.kind === 'drain' || o.kind === 'serialise',
        )
          ? empty
          : yes;
      case 'poke':
        if (op.unit.kind === 'store' && op.unit.locked) return empty;
        return both(ordered, this.room(membersOf(p, op).length));
      case 'store':
      case 'build':
        return both(ordered, this.room(1));
      case 'load':
      case 'release':
      case 'preempt':
      case 'ipiack':
      case 'emulatecall':
        return ordered;
      case 'set':
      case 'jump':
      case 'violate':
      case 'begin':
      case 'finish':
      case 'nop':
        return yes;
    }
  }

  /** One action that begins at an operation: at most one access, then all that rides along behind it. */
  act(from: number): void {
    const { g, p } = this;
    g.set(pc, from);
    g.set(accessed, 0);
    g.set(rounds, 0);
    const first = (p.kernel[from] as Program['kernel'][number]).do;
    // The idle loop's instruction, which ends a shadow, is no operation of the spec.
    if (first.kind === 'end') return;
    // What the first operation is, is known: only behind it is a choice.
    if (!this.mayRide(first)) {
      g.set(accessed, 1);
      this.begun(from);
      this.perform(first, from, plain);
      this.goOn(first, from);
    }
    this.dispatch(this.reached(from), (index) => {
      const op = (p.kernel[index] as Program['kernel'][number]).do;
      const access = this.isAccess(op);
      // Enough was done, or it cannot be done now: the step ends before it.
      g.when(
        both(access, either(ne(accessed, 0), isZero(pick(this.ready(index), 1, 0)))),
        () => {
          this.setRip(this.ripOf(index));
          g.set(pc, -1);
        },
        () => {
          g.when(access, () => {
            g.set(accessed, 1);
            this.begun(index);
          });
          this.perform(op, index, plain);
          this.goOn(op, index);
        },
      );
    });
  }

  /** Notes the phase of the patcher's access. */
  private begun(index: number): void {
    const { g, p } = this;
    if (!this.phased) return;
    g.when(both(isZero(task), eq(state(c), context.user)), () =>
      g.put(k(this.l.phase), 1 + ((p.kernel[index] as Program['kernel'][number]).phase ?? -1)),
    );
  }

  /** Whether an operation may be done in the action of another. */
  private mayRide(op: KernelDo): boolean {
    const access = this.isAccess(op);
    return access.kind !== 'const' || access.value === 0;
  }

  /** The operations that a step from `from` can come to: all that ride along, and an access where the first was none. */
  private reached(from: number): readonly number[] {
    const { p } = this;
    const found = new Set<number>();
    const todo: { index: number; accessed: boolean }[] = [];
    const seen = new Set<string>();
    const go = (index: number, accessed: boolean): void => {
      const op = p.kernel[index]?.do;
      const id = `${index} ${accessed}`;
      if (!op || seen.has(id)) return;
      seen.add(id);
      if (accessed && !this.mayRide(op)) return;
      found.add(index);
      todo.push({ index, accessed });
    };
    const behind = (index: number, accessed: boolean): void => {
      const op = (p.kernel[index] as Program['kernel'][number]).do;
      const now = accessed || !this.mayRide(op);
      switch (op.kind) {
        case 'jump':
          go(op.to, now);
          if (op.when || op.unless) go(index + 1, now);
          return;
        case 'build':
          go(op.full, now);
          go(index + 1, now);
          return;
        case 'atomic':
          for (let i = index + 1; i < op.end; i++) {
            const inner = (p.kernel[i] as Program['kernel'][number]).do;
            if (inner.kind === 'jump') go(inner.to, now);
          }
          go(op.end, now);
          return;
        case 'iret':
        case 'end':
        case 'violate':
          return;
        default:
          go(index + 1, now);
      }
    };
    if (this.mayRide((p.kernel[from] as Program['kernel'][number]).do)) go(from, false);
    else behind(from, false);
    for (let next = todo.pop(); next; next = todo.pop()) behind(next.index, next.accessed);
    return [...found].sort((a, b) => a - b);
  }

  /** While `pc` names one of these operations, does it. */
  private dispatch(indices: readonly number[], body: (index: number) => void): void {
    const { g } = this;
    if (indices.length === 0) return;
    g.while(either(...indices.map((i) => eq(pc, i))), () => {
      g.set(rounds, add(rounds, 1));
      // The interpreter counts exactly.
      g.when(less(endless - 2, rounds), () => this.outside());
      this.branch(indices, body);
    });
  }
  private branch(indices: readonly number[], body: (index: number) => void): void {
    if (indices.length <= 1) {
      for (const i of indices) body(i);
      return;
    }
    // One test for each, in their order: what prints this may make a choice of it.
    const [index, ...rest] = indices as [number, ...number[]];
    this.g.when(
      eq(pc, index),
      () => body(index),
      () => this.branch(rest, body),
    );
  }

  /** Where the step goes behind an operation that did not say so itself. */
  private goOn(op: KernelDo, index: number): void {
    const { g } = this;
    switch (op.kind) {
      case 'iret':
      case 'violate':
      case 'jump':
      case 'build':
      case 'atomic':
        return; // each sets `pc`
      case 'end':
        this.setRip(this.ripOf(index));
        g.set(pc, -1);
        return;
      default:
        g.set(pc, index + 1);
        this.setRip(this.ripOf(index + 1));
    }
  }

  private perform(op: KernelDo, index: number, mode: Mode): void {
    const { g, l, p } = this;
    g.note(index);
    const local = (i: number): Word => add(c, l.ctx.locals + 2 * i);
    switch (op.kind) {
      case 'load': {
        const address = this.evaluate(op.address, mode);
        const value = op.code
          ? wide(this.codeByte(address, mode), 0)
          : this.load(address, op.width, mode);
        this.putWide(local(op.to), value);
        return;
      }
      case 'store': {
        const address = this.fix(this.evaluate(op.address, mode));
        this.store(address, this.fix(this.evaluate(op.value, mode)), op.width, mode);
        return;
      }
      case 'atomic': {
        const inside = p.kernel.flatMap((_, i) => (i > index && i < op.end ? [i] : []));
        g.set(pc, index + 1);
        this.setRip(this.ripOf(index + 1));
        this.dispatch(inside, (i) => {
          const inner = (p.kernel[i] as Program['kernel'][number]).do;
          this.perform(inner, i, { ...mode, direct: true });
          this.goOn(inner, i);
        });
        return;
      }
      case 'poke':
        this.poke(op);
        return;
      case 'build':
        this.build(op, index);
        return;
      case 'release': {
        const slots = this.core.slots.flatMap((x, i) => (x.stub === op.stub ? [i] : []));
        const built = g.let(either(...slots.map((i) => ne(state(k(l.slots + i)), 0))));
        g.when(isZero(built), () => this.violate('stale_stub'));
        for (const i of slots) g.when(ne(state(k(l.slots + i)), 0), () => this.release(i));
        this.putWide(local(op.slot), wide(0, 0));
        return;
      }
      case 'send': {
        for (let other = 0; other < p.env.cpus; other++)
          g.when(ne(cpu, other), () => {
            const where = k((l.cpus[other] as number) + (op.nmi ? cpuField.nmiIpi : cpuField.ipi));
            g.put(where, add(state(where), 1));
          });
        g.put(k(l.outstanding), add(state(k(l.outstanding)), p.env.cpus - 1));
        if (op.self) this.serialise(cpu);
        return;
      }
      case 'sendto':
        g.when(
          eq(cpu, op.cpu),
          () => {
            if (op.self) this.serialise(cpu);
          },
          () => {
            const record = l.cpus[op.cpu] as number;
            g.when(less(state(k(record + cpuField.task)), idleFrom(p)), () => {
              const where = k(record + cpuField.ipi);
              g.put(where, add(state(where), 1));
              g.put(k(l.outstanding), add(state(k(l.outstanding)), 1));
            });
          },
        );
        return;
      case 'acks':
      case 'waittime':
        if (op.kind === 'waittime' && p.env.stalenessBounded)
          for (let other = 0; other < p.env.cpus; other++) this.serialise(k(other));
        return;
      case 'step':
        this.execute(op.ops, mode, { trap: () => this.outside(), iret: () => this.outside() });
        return;
      case 'preempt':
        g.put(add(t, taskField.preemptOff), op.on ? 0 : 1);
        return;
      case 'emulatecall': {
        const target = this.fix(this.evaluate(op.target, mode));
        const back = this.fix(this.evaluate(op.back, mode));
        this.push(back, true, { ...mode, frame: true });
        this.writeFrame(0, target);
        return;
      }
      case 'emulate':
        this.emulate(op.of, mode);
        return;
      case 'ipiack':
        g.put(k(l.outstanding), sub(state(k(l.outstanding)), 1));
        this.readStack(this.frameBase);
        return;
      case 'iret':
        this.iret();
        g.set(pc, -1);
        return;
      case 'end':
        return;
      case 'set':
        this.assign(op.to, this.fix(this.evaluate(op.value, mode)), mode);
        return;
      case 'jump': {
        const to = (n: number): void => {
          g.set(pc, n);
          this.setRip(this.ripOf(n));
        };
        const conditions: Word[] = [];
        if (op.when) conditions.push(this.truth(this.evaluate(op.when, mode)));
        if (op.unless) conditions.push(isZero(this.truth(this.evaluate(op.unless, mode))));
        g.when(
          both(...conditions),
          () => to(op.to),
          () => to(index + 1),
        );
        return;
      }
      case 'violate':
        g.violate(1 + op.property);
        return;
      case 'begin':
        this.begin(op.patch);
        return;
      case 'finish':
        this.finish(op);
        return;
      case 'nop':
        return;
    }
  }

  private fix(value: { lo: Word; hi: Word }): { lo: Word; hi: Word } {
    return wide(this.g.let(value.lo), this.g.let(value.hi));
  }

  /** Addresses at which an INT3 may be executed. */
  private trapSites(): readonly number[] {
    const { p } = this;
    const found = new Set<number>();
    for (const place of p.places)
      place.admitted.forEach((all, offset) => {
        if (all.some((b) => b[0] === 0xcc)) found.add((place.from + offset) | 0);
      });
    for (const x of this.sites()) if (x.insn.ops.some((o) => o.kind === 'trap')) found.add(x.at);
    return [...found];
  }
  /** Instructions of the text and of stubs; whoever fetches knows them. */
  protected sites(): readonly {
    readonly at: number;
    readonly insn: { readonly ops: readonly { readonly kind: string }[] };
  }[] {
    return [];
  }

  /** The instruction's own operations, on the saved frame instead of the registers. */
  private emulate(of: Extract<KernelDo, { kind: 'emulate' }>['of'], mode: Mode): void {
    const { g, l, p } = this;
    const content = this.contentOf(this.evaluate(of, mode));
    const here = g.let(this.field(c, l.ctx.here));
    const done = g.fresh();
    g.set(done, 0);
    p.contents.forEach((home, i) => {
      g.when(eq(content, i), () => {
        for (const site of this.trapSites()) {
          g.when(eq(here, site), () => {
            g.set(done, 1);
            const from = home.place < 0 ? home.at | 0 : site;
            const insn = this.prepared(from, home.bytes);
            const plainOps = ['set', 'push', 'pop', 'branch', 'status', 'store'];
            if (!insn?.ops.every((o) => plainOps.includes(o.kind))) {
              this.violate('assertion');
              return;
            }
            const by = (site - from) | 0;
            const { ops, next } = moved(insn, by);
            this.writeFrame(0, wide(next, -1));
            this.execute(
              ops,
              { ...mode, frame: true },
              { trap: () => this.outside(), iret: () => this.outside() },
            );
          });
        }
      });
    });
    g.when(isZero(done), () => this.outside());
  }

  private poke(op: Extract<KernelDo, { kind: 'poke' }>): void {
    const { g, l, p } = this;
    const place = p.places[op.place] as Program['places'][number];
    const wanted = g.let(sub(state(k(l.patchNew + op.place)), 1));
    g.when(less(-1, wanted), () => this.becomesCurrent(op.place, wanted));
    const write = (bytes: Uint8Array): void => this.pokeBytes(op, place, [...bytes]);
    if (op.source.kind === 'bytes') {
      write(op.source.bytes);
      return;
    }
    const which = g.let(
      sub(state(k((op.source.which === 'new' ? l.patchNew : l.patchOld) + op.place)), 1),
    );
    const done = g.fresh();
    g.set(done, 0);
    for (const n of place.contents)
      g.when(eq(which, n), () => {
        g.set(done, 1);
        write((p.contents[n]?.bytes ?? new Uint8Array()).slice(op.from, op.to));
      });
    g.when(isZero(done), () => this.outside());
  }

  private pokeBytes(
    op: Extract<KernelDo, { kind: 'poke' }>,
    place: Program['places'][number],
    bytes: readonly number[],
  ): void {
    const { p } = this;
    const cell = place.cell + op.from;
    const members = membersOf(p, op);
    const atOnce = p.env.memory === 'sc' || (op.unit.kind === 'store' && op.unit.locked);
    if (members.length === 1 && atOnce) {
      this.commitBytes(cell, bytes);
      return;
    }
    members.forEach((m, i) => {
      this.bufferText(cell + m.from, bytes.slice(m.from, m.from + m.count), i === 0);
    });
  }
  /** The most members that one entry of a store buffer can have. */
  mostMembers(): number {
    return Math.max(
      1,
      ...this.p.kernel.map(({ do: op }) => (op.kind === 'poke' ? membersOf(this.p, op).length : 1)),
    );
  }

  private build(op: Extract<KernelDo, { kind: 'build' }>, index: number): void {
    const { g, l, p } = this;
    const stub = p.stubs[op.stub] as Program['stubs'][number];
    const slots = this.core.slots.flatMap((x, i) => (x.stub === op.stub ? [i] : []));
    const slotWord = add(c, l.ctx.locals + 2 * op.slot);
    const full = variable('full');
    const slot = variable('slot');
    g.set(full, 0);
    if (op.index === 0) {
      g.set(
        slot,
        slots.reduceRight<Word>((rest, i) => pick(isZero(state(k(l.slots + i))), i, rest), k(-1)),
      );
      g.when(
        less(slot, 0),
        () => g.set(full, 1),
        () => {
          g.put(add(slot, l.slots), 1);
          const from = slots.reduce<Word>(
            (rest, i) => pick(eq(slot, i), (this.core.slots[i]?.from ?? 0) | 0, rest),
            k(0),
          );
          this.putWide(slotWord, wide(g.let(from), -1));
        },
      );
    } else {
      const held = g.let(state(slotWord));
      g.set(
        slot,
        slots.reduce<Word>(
          (rest, i) => pick(eq(held, (this.core.slots[i]?.from ?? 0) | 0), i, rest),
          k(-1),
        ),
      );
    }
    g.when(less(-1, slot), () => {
      const cell = g.let(
        slots.reduce<Word>(
          (rest, i) => pick(eq(slot, i), this.core.slots[i]?.cell ?? 0, rest),
          k(0),
        ),
      );
      let value: Word = k(stub.template[op.index] as number);
      for (const f of stub.fixups) {
        const n = op.index - f.offset;
        if (n < 0 || n >= f.width) continue;
        const arg = this.fix(this.evaluate(op.args[f.param] as (typeof op.args)[number], plain));
        const by = slots.reduce<Wide>(
          (rest, i) => {
            const at = (this.core.slots[i]?.from ?? 0) + f.addend;
            const value = num(f.kind === 'rel32' ? -at : f.addend);
            const here = eq(slot, i);
            return wide(pick(here, value.lo, rest.lo), pick(here, value.hi, rest.hi));
          },
          wide(0, 0),
        );
        const whole = this.fix(this.sum(arg, this.fix(by), 8));
        if (f.width === 4)
          g.when(
            both(ne(whole.hi, right(whole.lo, 31)), f.kind === 'abs32' ? ne(whole.hi, 0) : yes),
            () => this.violate('assertion'),
          );
        value = g.let(mask(right(n < 4 ? whole.lo : whole.hi, 8 * (n & 3)), 255));
      }
      if (p.env.memory === 'sc') this.commitBytes(add(cell, op.index), [value]);
      else this.bufferText(add(cell, op.index), [value], true);
    });
    const to = (n: number): void => {
      g.set(pc, n);
      this.setRip(this.ripOf(n));
    };
    g.when(
      ne(full, 0),
      () => to(op.full),
      () => to(index + 1),
    );
  }

  /** Whether a place holds all bytes of a content, as this CPU loads them. */
  private holds(place: number, content: number): Word {
    const { g, p } = this;
    const result = g.fresh();
    g.set(result, 1);
    const cell = p.places[place]?.cell ?? 0;
    p.contents[content]?.bytes.forEach((b, i) => {
      g.when(ne(result, 0), () =>
        g.set(result, pick(eq(this.newestCell(cell + i, plain), b), 1, 0)),
      );
    });
    return result;
  }

  /** What the places hold is read once, when the patch starts. */
  private begin(patch: number): void {
    const { g, l, p } = this;
    const info = p.patches[patch];
    if (!info) return;
    const all = (terms: readonly Word[]): Word => g.let(pick(both(...terms), 1, 0));
    const forward = all(
      info.changes.map((x) => (x.old === undefined ? yes : this.holds(x.place, x.old))),
    );
    const backward = g.fresh();
    g.set(backward, 0);
    if (info.changes.every((x) => x.old !== undefined))
      g.when(isZero(forward), () =>
        g.set(backward, all(info.changes.map((x) => this.holds(x.place, x.new)))),
      );
    g.when(both(isZero(forward), isZero(backward)), () => this.violate('assertion'));
    for (const change of info.changes) {
      const contents = p.places[change.place]?.contents ?? [];
      const now = g.fresh();
      g.set(now, change.old ?? change.new);
      if (change.old === undefined) {
        const found = g.fresh();
        g.set(found, 0);
        for (const n of contents)
          g.when(isZero(found), () =>
            g.when(ne(this.holds(change.place, n), 0), () => {
              g.set(found, 1);
              g.set(now, n);
            }),
          );
      }
      g.put(k(l.patchOld + change.place), add(pick(ne(backward, 0), change.new, now), 1));
      g.put(k(l.patchNew + change.place), add(pick(ne(backward, 0), now, change.new), 1));
    }
  }

  private finish({ patch, failed }: Extract<KernelDo, { kind: 'finish' }>): void {
    const { g, l, p } = this;
    const info = p.patches[patch];
    if (!info) return;
    for (const change of info.changes) {
      const content = g.let(sub(state(k(l.patchNew + change.place)), 1));
      g.when(less(-1, content), () => {
        const before = g.let(sub(state(k(l.patchOld + change.place)), 1));
        if (!failed) this.onlyCurrent(change.place, content);
        // The new one last: what holds both is as it was to be.
        for (const which of [before, content])
          for (const n of p.places[change.place]?.contents ?? [])
            g.when(eq(which, n), () => {
              g.when(ne(this.holds(change.place, n), 0), () =>
                this.onlyCurrent(change.place, k(n)),
              );
            });
        g.put(k(l.patchOld + change.place), 0);
        g.put(k(l.patchNew + change.place), 0);
      });
    }
    g.set(finished, 1);
  }

  /** Whether the patcher may lose its CPU here: not from a sync's first IPI on until all are acknowledged. */
  preemptible(): Word {
    const { p } = this;
    const waits = p.kernel.flatMap(({ do: op }, i) =>
      op.kind === 'acks' || (op.kind === 'sendto' && p.kernel[i - 1]?.do.kind === 'sendto')
        ? [eq(this.rip, this.ripOf(i))]
        : [],
    );
    const kind = state(c);
    return both(
      isZero(either(...waits)),
      isZero(this.field(t, taskField.preemptOff)),
      either(eq(kind, context.user), p.env.gate === 'signal' ? eq(kind, context.breakpoint) : no),
    );
  }
}
