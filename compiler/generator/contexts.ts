// Deliveries, IRET and the judgement of passes as generated code: what `emulator/contexts.ts` and `passes.ts` do.

import { codeSegment, frameBytes, gapBytes, stackSegment } from '../emulator/contexts.ts';
import { arrivesByTrap, arrivesNowhere, toAddress } from '../emulator/core.ts';
import { Fetch, type Prepared } from '../emulator/fetch.ts';
import {
  bufferUnits,
  context,
  cpuField,
  expectation,
  loads,
  shadowStackWords,
  taskField,
} from '../emulator/layout.ts';
import { cameBack, hasTrapped, loadsLate, mostContents, wentAway } from '../emulator/passes.ts';
import { readsMemory } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { property, region } from '../ir.ts';
import type { Op } from '../ops.ts';
import { flagBits, RSP, statusFlags } from '../ops.ts';
import type { Word } from './code.ts';
import {
  add,
  below,
  both,
  either,
  eq,
  flip,
  isZero,
  join,
  k,
  less,
  mask,
  ne,
  no,
  pick,
  right,
  state,
  sub,
  times,
  variable,
  wide,
} from './code.ts';
import { a0, a1, at, c, cpu, events, outcome, plain, t } from './memory.ts';
import { Operations } from './operations.ts';
import { outcomeOfLimit } from './outcomes.ts';

/** Instructions of a content that are generated; the interpreter goes on with what is longer. */
const longestContent = 12;

/** Whether a pass has seen the i-th content of its place current, by its mask. */
const isCurrent = (i: number, bits: Word): Word => ne(mask(right(bits, i), 1), 0);

export class Contexts extends Operations {
  protected readonly fetch: Fetch;
  /** For each content its instructions. */
  protected readonly insns: readonly (readonly {
    readonly from: number;
    readonly insn: Prepared;
  }[])[];

  constructor(p: Program) {
    super(p);
    this.fetch = new Fetch(this.core);
    this.insns = p.contents.map((content) => {
      const from = p.places[content.place]?.from ?? 0;
      const found: { from: number; insn: Prepared }[] = [];
      for (let n = 0; n < content.bytes.length; ) {
        const insn = this.prepared(from + n, content.bytes.slice(n));
        if (!insn) break;
        found.push({ from: (from + n) | 0, insn });
        n += insn.bytes.length;
      }
      return found;
    });
  }

  /** The instruction that bytes begin with, if they do. */
  prepared(address: number, bytes: Uint8Array): Prepared | undefined {
    for (let n = 1; n <= bytes.length; n++) {
      const insn = this.fetch.prepare(address, bytes, n);
      if (insn !== undefined) return insn ?? undefined;
    }
    return undefined;
  }

  // ---- deliveries

  /** Pushes a frame and a context of a kind; IRET goes on at `saved`. */
  deliver(kind: number, entry: number, saved: Word, clearsIf: boolean, here: Word = no): void {
    const { g, l, p } = this;
    const nmi = kind === context.nmiCode || kind === context.nmiEmpty || kind === context.nmiIpi;
    const ownOf = kind === context.breakpoint ? l.istBreakpoint : nmi ? l.istNmi : [];
    const hasOwn = (ownOf[0] ?? -1) >= 0;
    const entryAt = variable('entry');
    const kindIs = variable('kind');
    g.set(variable('saved'), saved);
    g.set(variable('here'), here);
    g.set(entryAt, entry | 0);
    g.set(kindIs, kind);
    const gap = kind === context.breakpoint && p.env.gap ? gapBytes : 0;
    const name = `deliver${hasOwn ? '_own' : ''}${gap > 0 ? '_gap' : ''}${clearsIf ? '' : '_trap'}`;
    const stack = kind === context.breakpoint ? 'breakpoint' : nmi ? 'nmi' : '';
    g.call(
      hasOwn ? `${name}_${stack}` : name,
      'a frame for saved, and a context of its kind that begins at entry',
      () => {
        const depth = g.let(this.field(t, taskField.depth));
        g.when(less(l.depth - 2, depth), () => g.violate(outcomeOfLimit));
        const rsp = g.let(this.field(t, l.registers));
        const rspHigh = g.let(this.field(t, l.registers + 1));
        const flags = g.let(this.flags);
        if (!hasOwn) g.when(ne(rspHigh, -1), () => this.fault());
        let top: Word = mask(rsp, ~15);
        if (hasOwn) {
          const tops = ownOf.map((s) => this.core.stackTop(s) | 0);
          const step = (tops[1] ?? 0) - (tops[0] ?? 0);
          top =
            ownOf.length === 1 ? k(tops[0] as number) : add(times(cpu, step), tops[0] as number);
        }
        const base = g.let(sub(top, frameBytes + gap));
        this.writeStack(add(base, 32), wide(stackSegment, 0), true);
        this.writeStack(add(base, 24), wide(rsp, rspHigh), true);
        this.writeStack(add(base, 16), wide(join(flags, 2), 0), true);
        this.writeStack(add(base, 8), wide(codeSegment, 0), true);
        this.writeStack(base, wide(variable('saved'), -1), true);
        g.put(add(t, taskField.depth), add(depth, 1));
        g.set(c, add(c, l.ctx.size));
        g.put(c, kindIs);
        g.put(add(c, l.ctx.base), base);
        g.put(add(c, l.ctx.here), variable('here'));
        for (let i = 0; i < 2 * p.registers.length; i++)
          g.put(add(c, l.ctx.saved + i), this.field(t, l.registers + 2 + i));
        this.putWide(add(t, l.registers), wide(base, -1));
        if (clearsIf) g.put(add(t, taskField.flags), mask(flags, ~flagBits.if));
        this.setRip(entryAt);
        g.put(add(at, cpuField.shadow), 0);
        g.put(add(at, cpuField.halted), 0);
        this.setDead(false);
      },
    );
  }

  /** Pops the frame of the context that runs; serialises; unblocks NMIs. */
  iret(): void {
    const { g, l, p } = this;
    g.call('iret', 'leaves the context on top for what its frame says', () => {
      const depth = g.let(this.field(t, taskField.depth));
      const base = g.let(this.frameBase);
      const rsp = this.register(RSP, plain);
      g.when(either(isZero(depth), ne(rsp.lo, base), ne(rsp.hi, -1)), () => this.fault());
      const ip = this.readStack(base);
      const cs = this.readStack(add(base, 8));
      const flags = this.readStack(add(base, 16));
      const sp = this.readStack(add(base, 24));
      const ss = this.readStack(add(base, 32));
      g.when(either(ne(cs.lo, codeSegment), ne(ss.lo, stackSegment)), () =>
        this.violate('no_fault'),
      );
      const kind = g.let(state(c));
      if (!p.waived.has(property('old_or_new')))
        g.when(ne(this.field(c, l.ctx.pass), 0), () => this.violate('old_or_new'));
      for (let i = 0; i < 2 * p.registers.length; i++)
        g.put(add(t, l.registers + 2 + i), this.field(c, l.ctx.saved + i));
      const i = variable('word');
      g.each(i, c, add(c, l.ctx.size), () => g.put(i, 0));
      g.put(add(t, taskField.depth), sub(depth, 1));
      g.set(c, sub(c, l.ctx.size));
      this.clearStack(base, add(base, frameBytes));
      g.when(both(eq(sp.hi, -1), below(sub(sp.lo, base), 513)), () => this.clearStack(base, sp.lo));
      this.putWide(add(t, l.registers), sp);
      this.setFlags(flags.lo, plain);
      g.put(add(at, cpuField.nmiBlocked), 0);
      this.serialise(cpu);
      this.notNil(ip);
      // No operation of the machine's own traps.
      const toInstructions = either(eq(kind, context.breakpoint), this.isInstructions());
      g.when(either(ne(ip.hi, -1), both(toInstructions, this.isForbidden(ip.lo))), () =>
        this.fault(),
      );
      this.setRip(ip.lo);
    });
  }

  /** INT3 at a known address. */
  trap(address: number): void {
    const { g, p } = this;
    p.events.forEach((e, i) => {
      if (e.kind === 'trap' && (e.address | 0) === (address | 0))
        g.set(events, join(events, 1 << i));
    });
    p.places.forEach((place, i) => {
      if (place.from !== toAddress(address | 0)) return;
      if (!place.contents.some((n) => p.contents[n]?.bytes[0] === 0xcc)) return;
      const bits = add(c, this.l.ctx.mask);
      g.when(eq(this.field(c, this.l.ctx.pass), i + 1), () =>
        g.put(bits, join(state(bits), hasTrapped)),
      );
    });
    this.deliver(
      context.breakpoint,
      region.kernel + p.entry.breakpoint,
      this.rip,
      p.env.gate === 'interrupt',
      k(address | 0),
    );
  }

  // ---- passes

  private expectAt(i: number): Word {
    const { ctx } = this.l;
    return add(c, ctx.expect + i * ctx.expectSize);
  }

  /** Opens a pass: the running context is about to execute the first byte of a place. */
  enter(place: number): void {
    const { g, l, p } = this;
    const { ctx } = l;
    const contents = p.places[place]?.contents ?? [];
    if (contents.length > mostContents) {
      this.outside();
      return;
    }
    const remembers = loads(p, p.places[place] as Program['places'][number]);
    const open = this.field(c, ctx.pass);
    g.call(
      `enter_place${place}`,
      `a pass of ${p.places[place]?.name} begins, or tries again`,
      () => {
        const was = g.let(open);
        const bits = add(c, ctx.mask);
        const again = both(eq(was, place + 1), isZero(mask(state(bits), wentAway)));
        g.when(
          again,
          () => {
            g.put(bits, mask(state(bits), ~cameBack));
            // What a content reads from memory counts when it is executed; all else is as it was when the pass began.
            g.set(variable('expected'), remembers ? 1 : 0);
            g.set(variable('opened'), 0);
          },
          () => {
            g.when(ne(was, 0), () => {
              if (p.waived.has(property('old_or_new'))) this.over();
              else this.violate('old_or_new');
            });
            this.setDead(true);
            g.set(variable('expected'), 1);
            g.set(variable('opened'), 1);
          },
        );
      },
    );
    g.when(ne(variable('expected'), 0), () => {
      contents.forEach((content, i) => {
        this.expect(place, content, i, remembers ? contents.length : -1);
      });
    });
    g.when(ne(variable('opened'), 0), () => {
      if (remembers) this.remember(contents.length);
      g.put(add(c, ctx.pass), place + 1);
      g.put(add(c, ctx.mask), state(k(l.versions + place)));
    });
  }

  /** What the pass begins with, behind its expectations. */
  private remember(index: number): void {
    const { g, l, p } = this;
    const into = this.expectAt(index);
    g.put(add(into, expectation.ip), this.rip);
    g.put(add(into, expectation.rsp), this.field(t, l.registers));
    g.put(add(into, expectation.flags), this.flags);
    for (let i = 0; i < 2 * p.registers.length; i++)
      g.put(add(into, expectation.registers + i), this.field(t, l.registers + 2 + i));
  }

  private recall(index: number): void {
    const { g, l, p } = this;
    const from = this.expectAt(index);
    g.put(add(t, l.registers), state(add(from, expectation.rsp)));
    g.put(add(t, taskField.flags), state(add(from, expectation.flags)));
    for (let i = 0; i < 2 * p.registers.length; i++)
      g.put(add(t, l.registers + 2 + i), state(add(from, expectation.registers + i)));
  }

  /**
   * Runs a content by itself, notes what it leaves, and takes it back. `beginning`: which record a pass that is open
   * already has begun with, or -1.
   */
  private expect(place: number, content: number, index: number, beginning: number): void {
    const { g, l, p } = this;
    const range = p.places[place] as Program['places'][number];
    const insns = this.insns[content] ?? [];
    const ops = insns.flatMap((x) => x.insn.ops);
    const has = (...kinds: readonly Op['kind'][]): boolean =>
      ops.some((o) => kinds.includes(o.kind));
    const end = variable('end');
    const ret = variable('ret');
    // What is taken back: the task's registers; the stacks where it moves RSP; all of it where it may write anything.
    const kept: { at: Word; count: number }[] = [];
    const waits = insns.some((x) => x.insn.waits);
    if (waits || has('store', 'when', 'locked', 'serialise', 'iret', 'halt', 'shadow'))
      kept.push({ at: k(0), count: l.words });
    else {
      kept.push({ at: t, count: l.contexts });
      const movesStack = ops.some(
        (o) => o.kind === 'set' && o.to.kind === 'reg' && o.to.reg === RSP,
      );
      const stacks = l.stacks[0] as number;
      if (movesStack || has('push', 'pop')) kept.push({ at: k(stacks), count: l.words - stacks });
    }
    // The interpreter empties a full buffer here; that is not in the generated code.
    if (p.env.memory !== 'sc' && (has('store', 'when') || readsMemory(ops)))
      g.when(less(bufferUnits - 8, this.buffered), () => this.outside());
    let to = 0;
    for (const x of kept) {
      g.keep(x.at, x.count, to);
      to += x.count;
    }
    this.scratch = Math.max(this.scratch, to);
    const context = g.let(c);
    g.set(end, arrivesNowhere);
    g.set(ret, 0);
    if (beginning >= 0) g.when(isZero(variable('opened')), () => this.recall(beginning));
    g.attempt(() => this.runContent(range, insns, insns[0]?.from ?? 0, 0));
    // Nothing is known behind a bound, were it one of the copy alone.
    g.when(less(outcomeOfLimit - 1, outcome), () => this.outside());
    g.when(ne(outcome, 0), () => {
      g.set(end, arrivesNowhere);
      g.set(outcome, 0);
    });
    g.set(c, context);
    g.when(both(ne(end, arrivesNowhere), ne(this.field(t, l.registers + 1), -1)), () =>
      this.outside(),
    );
    // What a return address must be counts where the content has arrived.
    g.when(
      both(ne(ret, 0), ne(end, arrivesNowhere)),
      () => g.set(ret, this.peekStack(this.field(t, l.registers))),
      () => g.set(ret, 0),
    );
    // Held until all is taken back: where everything is, so is the record that this goes into.
    const found: readonly (readonly [number, Word])[] = [
      [expectation.ip, end],
      [expectation.rsp, g.let(this.field(t, l.registers))],
      [expectation.ret, ret],
      [expectation.flags, g.let(this.flags)],
      ...Array.from(
        { length: 2 * p.registers.length },
        (_, i) => [expectation.registers + i, g.let(this.field(t, l.registers + 2 + i))] as const,
      ),
    ];
    to = 0;
    for (const x of kept) {
      g.restore(x.at, x.count, to);
      to += x.count;
    }
    const into = this.expectAt(index);
    for (const [where, value] of found) g.put(add(into, where), value);
  }
  /** Words that `keep` needs at most. */
  scratch = 1;

  /** From one instruction of a content to its end; `end` and `ret` say how it went. */
  private runContent(
    range: Program['places'][number],
    insns: readonly { readonly from: number; readonly insn: Prepared }[],
    from: number,
    steps: number,
  ): void {
    const { g } = this;
    const end = variable('end');
    const found = insns.find((x) => x.from === from);
    if (!found) {
      g.set(end, arrivesNowhere);
      return;
    }
    if (steps > longestContent) {
      this.outside();
      return;
    }
    const { insn } = found;
    if (insn.waits) g.while(ne(this.buffered, 0), () => this.commit(0));
    this.setRip(insn.next);
    let trapped = false;
    this.execute(insn.ops, plain, {
      trap: () => {
        trapped = true;
      },
      iret: () => this.fault(),
    });
    g.set(variable('ret'), insn.ops.some((o) => o.kind === 'push' && o.as === 'return') ? 1 : 0);
    if (trapped) {
      g.set(end, arrivesByTrap);
      return;
    }
    const isIn = (ip: number): boolean => {
      const address = toAddress(ip);
      return address >= range.from && address < range.from + range.length;
    };
    const goOn = (ip: number): void => {
      if (!isIn(ip) || ip === (range.from | 0)) g.set(end, ip);
      // A branch that does nothing but go round: it never arrives.
      else if (ip === from && insn.ops.every((o) => o.kind === 'branch'))
        g.set(end, arrivesNowhere);
      else this.runContent(range, insns, ip, steps + 1);
    };
    const branches = insn.ops.filter((o) => o.kind === 'branch');
    if (branches.length === 0) {
      goOn(insn.next);
      return;
    }
    const only = branches[0];
    if (
      branches.length === 1 &&
      only?.kind === 'branch' &&
      only.target.kind === 'const' &&
      insn.ops[insn.ops.length - 1] === only
    ) {
      const target = only.target.lo;
      if (!only.when) goOn(target);
      else
        g.when(
          eq(this.rip, target),
          () => goOn(target),
          () => goOn(insn.next),
        );
      return;
    }
    const ip = g.let(this.rip);
    const inPlace = below(sub(ip, range.from | 0), range.length);
    g.when(inPlace, () => this.outside());
    g.set(end, ip);
  }

  /** Every open pass of a place has seen this content current. */
  becomesCurrent(place: number, content: Word): void {
    const { g, l, p } = this;
    const contents = p.places[place]?.contents ?? [];
    const bit = this.bitOf(contents, content);
    g.put(k(l.versions + place), join(state(k(l.versions + place)), bit));
    const i = variable('word');
    const d = variable('depth');
    g.set(a0, bit);
    g.set(a1, place + 1);
    g.call(
      'becomes_current',
      'the open passes of place a1 - 1 see the contents a0 as current',
      () => {
        g.each(i, 0, l.tasks.length, () =>
          g.each(d, 0, l.depth, () => {
            const from = g.let(add(this.taskAt(i), l.contexts));
            const record = g.let(add(from, times(d, l.ctx.size)));
            g.when(eq(this.field(record, l.ctx.pass), a1), () =>
              g.put(add(record, l.ctx.mask), join(this.field(record, l.ctx.mask), a0)),
            );
          }),
        );
      },
    );
  }
  /** `1 << contents.indexOf(content)`. */
  protected bitOf(contents: readonly number[], content: Word): Word {
    // A content that the place does not have is bit -1, as a shift takes it: the highest.
    return this.g.let(
      contents.reduce<Word>((rest, n, i) => pick(eq(content, n), 1 << i, rest), k(1 << -1)),
    );
  }
  onlyCurrent(place: number, content: Word): void {
    const { l, p } = this;
    this.g.put(k(l.versions + place), this.bitOf(p.places[place]?.contents ?? [], content));
  }

  /** Whether an address is in a stub, released or not. */
  private inStub(ip: Word): Word {
    return either(
      ...this.core.slots.flatMap((s) => [
        this.inside(ip, s.from, s.from + s.length),
        this.inside(ip, s.from + region.alias, s.from + region.alias + s.length),
      ]),
    );
  }

  /** At a boundary of user code: closes the open pass if the context stands where one arrives. */
  settle(returned: boolean): void {
    const { g, l } = this;
    g.set(a0, returned ? 1 : 0);
    g.call(
      'settle',
      'closes the open pass if it has arrived; a0: by a return from a handler',
      () => {
        const back = g.let(a0);
        const open = g.let(this.field(c, l.ctx.pass));
        g.when(
          isZero(open),
          () => this.setDead(false),
          () => {
            this.p.places.forEach((place, i) => {
              g.when(eq(open, i + 1), () => this.arrive(place, i, back));
            });
          },
        );
      },
    );
  }

  /** Judges the open pass where its context has arrived, and notes where it stands if it has not. */
  private arrive(place: Program['places'][number], index: number, returned: Word): void {
    const { g, l } = this;
    const { ctx } = l;
    const ip = g.let(this.rip);
    const each = place.contents.map((_, i) => i);
    const asWanted = either(...each.map((i) => eq(this.wanted(i, expectation.ip), ip)));
    // Who is back at the first byte tries again, but where a content goes there by itself.
    const goesRound = both(eq(ip, place.from | 0), isZero(returned), asWanted);
    const outside = isZero(this.inside(ip, place.from, place.from + place.length));
    g.when(either(outside, goesRound), () => {
      const bits = g.let(this.field(c, ctx.mask));
      const back = both(
        either(ne(returned, 0), ne(mask(bits, cameBack), 0)),
        ne(mask(bits, hasTrapped), 0),
      );
      const atTarget = either(...this.arrivals(place).map((x) => eq(ip, x)), asWanted);
      const handled = both(back, either(...each.map((i) => this.behavesByTrap(i, bits))));
      const inStub = g.let(pick(this.inStub(ip), 1, 0));
      g.when(
        either(atTarget, both(isZero(inStub), handled)),
        () => this.judgePass(place, index, ip, bits),
        () =>
          g.when(
            isZero(inStub),
            () => g.put(add(c, ctx.mask), join(bits, wentAway)),
            () => g.when(back, () => g.put(add(c, ctx.mask), join(bits, cameBack))),
          ),
      );
    });
  }

  /** Closes the pass of a context that has arrived, as one of the first content that it behaves like, or as a violation. */
  private judgePass(place: Program['places'][number], index: number, ip: Word, bits: Word): void {
    const { g, l, p } = this;
    const rsp = g.let(this.field(t, l.registers));
    const behaves = g.fresh();
    g.set(behaves, -1);
    /** Whether it leaves all but the registers of a current content. */
    const differs = g.fresh();
    g.set(differs, 0);
    /** Of one that is not current any more: 1 where it leaves all but the registers, 2 all of it. */
    const superseded = g.fresh();
    g.set(superseded, 0);
    // Of another stack pointer the record has but the lower half.
    const isHigh = eq(this.field(t, l.registers + 1), -1);
    const compare = (i: number): void =>
      g.when(
        both(
          eq(this.wanted(i, expectation.ip), ip),
          eq(this.wanted(i, expectation.rsp), rsp),
          isHigh,
        ),
        () =>
          g.when(this.returnsTo(i, rsp), () =>
            g.when(
              this.kept(this.expectAt(i), place),
              () =>
                g.when(
                  isCurrent(i, bits),
                  () => g.set(behaves, i),
                  () => g.set(superseded, 2),
                ),
              () =>
                g.when(
                  isCurrent(i, bits),
                  () => g.set(differs, 1),
                  () => g.set(superseded, join(superseded, 1)),
                ),
            ),
          ),
      );
    place.contents.forEach((_, i) => {
      g.when(less(behaves, 0), () =>
        g.when(
          this.byTrap(i),
          () => g.when(this.behavesByTrap(i, bits), () => g.set(behaves, i)),
          () => compare(i),
        ),
      );
    });
    // What it should have done rests on what memory was when it was read.
    if (loadsLate(place.contents.map((n) => (this.insns[n] ?? []).map((x) => x.insn))))
      g.when(less(behaves, 0), () => this.outside());
    const verdict = g.let(
      pick(
        both(ne(differs, 0), less(superseded, 2)),
        property('registers_kept'),
        pick(ne(superseded, 0), property('converges'), property('old_or_new')),
      ),
    );
    this.over();
    p.events.forEach((e, n) => {
      if (e.kind !== 'pass' || e.place !== index) return;
      const which = place.contents.indexOf(e.content);
      if (which >= 0) g.when(eq(behaves, which), () => g.set(events, join(events, 1 << n)));
    });
    const waived = either(...[...p.waived.keys()].map((x) => eq(verdict, x)));
    g.when(both(less(behaves, 0), isZero(waived)), () => g.violate(add(verdict, 1)));
  }

  /** A word of what the i-th content of the open pass's place would leave. */
  private wanted(i: number, word: number): Word {
    return state(add(this.expectAt(i), word));
  }
  private byTrap(i: number): Word {
    return eq(this.wanted(i, expectation.ip), arrivesByTrap);
  }
  /** Where the trap is the content, what its handler does is the behaviour. */
  private behavesByTrap(i: number, bits: Word): Word {
    return both(this.byTrap(i), ne(mask(bits, hasTrapped), 0), isCurrent(i, bits));
  }
  /** Whether the return address on the stack is what the i-th content would push, if it pushes one. */
  private returnsTo(i: number, rsp: Word): Word {
    const { g } = this;
    const ret = g.let(this.wanted(i, expectation.ret));
    const right = g.fresh();
    g.set(right, 1);
    g.when(ne(ret, 0), () => {
      const on = this.readStack(rsp);
      g.set(right, pick(both(eq(on.lo, ret), eq(on.hi, -1)), 1, 0));
    });
    return ne(right, 0);
  }

  /** The open pass is closed: nothing of it stays. */
  private over(): void {
    const { g, l } = this;
    const i = variable('word');
    g.each(i, add(c, l.ctx.pass), add(c, l.ctx.locals), () => g.put(i, 0));
    this.setDead(false);
  }

  /** Addresses at which a pass of a place can arrive, whatever the registers hold. */
  private arrivals(place: Program['places'][number]): readonly number[] {
    const set = new Set<number>([(place.from + place.length) | 0]);
    for (const n of place.contents)
      for (const { insn } of this.insns[n] ?? [])
        for (const o of insn.ops)
          if (o.kind === 'branch' && o.target.kind === 'const') set.add(o.target.lo);
    for (let i = 0; i < place.length; i++) set.delete((place.from + i) | 0);
    return [...set];
  }

  /** Whether registers and flags are what was expected. */
  private kept(from: Word, place: Program['places'][number]): Word {
    const { l, p } = this;
    const terms: Word[] = [];
    p.registers.forEach((r, i) => {
      if (place.dead.includes(r)) return;
      for (const n of [0, 1])
        terms.push(
          eq(
            this.field(t, l.registers + 2 * (i + 1) + n),
            state(add(from, expectation.registers + 2 * i + n)),
          ),
        );
    });
    const bits = place.flagsDead ? flagBits.if : flagBits.if | statusFlags;
    terms.push(isZero(mask(flip(this.flags, state(add(from, expectation.flags))), bits)));
    return both(...terms);
  }

  // ---- stubs

  /** A released slot's addresses, wherever someone still holds them, become the alias that no one may use. */
  release(slot: number): void {
    const { g, l, p } = this;
    const info = this.core.slots[slot];
    if (!info) return;
    g.call(
      `release_slot${slot}`,
      `whoever still holds an address in slot ${slot} holds one that is gone`,
      () => {
        const i = variable('word');
        const d = variable('depth');
        const n = variable('task_of');
        const alias = (where: Word): void =>
          g.when(this.inside(state(where), info.from, info.from + info.length), () =>
            g.put(where, add(state(where), region.alias)),
          );
        const aliasWide = (where: Word): void =>
          g.when(eq(state(add(where, 1)), -1), () => alias(where));
        g.each(n, 0, l.tasks.length, () => {
          const from = g.let(this.taskAt(n));
          alias(from);
          g.each(d, 0, l.depth, () =>
            alias(add(add(from, l.contexts + l.ctx.here), times(d, l.ctx.size))),
          );
          if (p.env.shadowStack)
            g.each(i, add(from, l.shadow), add(from, l.shadow + shadowStackWords), () => alias(i));
          if (l.ctx.saved > l.ctx.locals)
            g.each(d, 0, l.depth, () => {
              const locals = g.let(add(add(from, l.contexts + l.ctx.locals), times(d, l.ctx.size)));
              g.each(i, locals, add(locals, l.ctx.saved - l.ctx.locals), () => aliasWide(i), 2);
            });
        });
        for (const stack of l.stacks) g.each(i, stack, stack + 128, () => aliasWide(i), 2);
        g.put(k(l.slots + slot), 0);
        g.each(i, info.cell, info.cell + info.length, () => {
          g.put(add(i, l.cells), 0);
          if (l.sets) for (const view of l.views) g.put(add(i, view), 0);
        });
      },
    );
  }
}
