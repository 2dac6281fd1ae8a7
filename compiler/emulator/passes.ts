// Passes: what a context does between the fetch of a place's first byte and its arrival behind the place or at a target.

import { readsMemory } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { property } from '../ir.ts';
import type { Address, Op } from '../ops.ts';
import { flagBits, RSP, registers, statusFlags } from '../ops.ts';
import type { Core } from './core.ts';
import { arrivesByTrap, arrivesNowhere, toAddress } from './core.ts';
import type { Fetch } from './fetch.ts';
import { expectation, loads, taskField } from './layout.ts';
import { execute } from './step.ts';

/** A content of a place, decoded; each instruction with the address behind it. */
interface Outcome {
  readonly insns: readonly {
    readonly from: number;
    readonly next: number;
    readonly ops: Parameters<typeof execute>[1];
    readonly waits: boolean;
    readonly stores: number;
  }[];
}

/** Bits of a pass's mask above those of the contents. */
export const hasTrapped = 1 << 30;
export const wentAway = 1 << 29;
/** The handler of the trap has returned, to a stub. */
export const cameBack = 1 << 28;
/** Contents of a place that have a bit there. */
export const mostContents = 28;

/** Instructions that a content executes before it has arrived. */
const longestContent = 1000;

/** Whether an address is in a place, but not its first. */
const isBehindFirst = (
  lo: number,
  place: { readonly from: Address; readonly length: number },
): boolean => {
  const offset = toAddress(lo) - place.from;
  return offset > 0 && offset < place.length;
};

/** Whether one of these contents reads memory behind its first instruction: by then that may be something else. */
export const loadsLate = (
  contents: readonly (readonly { readonly ops: readonly Op[] }[])[],
): boolean => contents.some((insns) => readsMemory(insns.slice(1).flatMap((i) => i.ops)));

export class Passes {
  private readonly m: Core;
  readonly #fetch: Fetch;
  readonly #outcomes: readonly Outcome[];
  /** For each place: addresses at which a pass of it can arrive, whatever the registers hold. */
  readonly #arrivals: readonly ReadonlySet<number>[];
  private readonly scratch: Int32Array;
  /** For each place: whether a content of it begins with an INT3; whether one reads memory. */
  readonly #traps: readonly boolean[];
  readonly #loads: readonly boolean[];
  readonly #late: readonly boolean[];
  readonly #eventsOfPass: readonly {
    readonly event: number;
    readonly place: number;
    readonly content: number;
  }[];

  constructor(core: Core, fetch: Fetch) {
    this.m = core;
    this.#fetch = fetch;
    this.scratch = new Int32Array(core.l.words);
    this.#outcomes = core.p.contents.map((content) =>
      this.#decodeContent(core.p, content.place, content.bytes),
    );
    this.#arrivals = core.p.places.map((place) => {
      const set = new Set<number>([(place.from + place.length) | 0]);
      for (const index of place.contents) {
        for (const insn of (this.#outcomes[index] as Outcome).insns) {
          for (const op of insn.ops)
            if (op.kind === 'branch' && op.target.kind === 'const') set.add(op.target.lo);
        }
      }
      for (let i = 0; i < place.length; i++) set.delete((place.from + i) | 0);
      return set;
    });
    this.#traps = core.p.places.map((p) =>
      p.contents.some((c) => core.p.contents[c]?.bytes[0] === 0xcc),
    );
    this.#loads = core.p.places.map((p) => loads(core.p, p));
    this.#late = core.p.places.map((p) =>
      loadsLate(p.contents.map((c) => (this.#outcomes[c] as Outcome).insns)),
    );
    this.#eventsOfPass = core.p.events.flatMap((e, event) =>
      e.kind === 'pass' ? [{ event, place: e.place, content: e.content }] : [],
    );
  }

  #decodeContent(p: Program, place: number, bytes: Uint8Array): Outcome {
    const from = p.places[place]?.from ?? 0;
    const insns: Outcome['insns'][number][] = [];
    let at = 0;
    while (at < bytes.length) {
      const rest = bytes.slice(at);
      let insn: ReturnType<Fetch['prepare']>;
      for (let n = 1; n <= rest.length && insn === undefined; n++)
        insn = this.#fetch.prepare(from + at, rest, n);
      if (!insn) break;
      const { next, ops, waits, stores } = insn;
      insns.push({ from: (from + at) | 0, next, ops, waits, stores });
      at += insn.bytes.length;
    }
    return { insns };
  }

  /** Opens a pass if the running context is about to execute a place's first byte. */
  enter(place: number): void {
    const { m } = this;
    const { l } = m;
    if ((m.p.places[place]?.contents.length ?? 0) > mostContents) {
      m.limit = 'contents of a place';
      return;
    }
    const open = m.s[m.c + l.ctx.pass] as number;
    const bits = m.s[m.c + l.ctx.mask] as number;
    // A retry belongs to the pass that is open; who went somewhere else and comes round again does not retry.
    if (open === place + 1 && (bits & wentAway) === 0) {
      m.s[m.c + l.ctx.mask] = bits & ~cameBack;
      // What a content reads from memory counts when it is executed; all else is as it was when the pass began.
      if (this.#loads[place]) this.#expectAll(place, true);
      return;
    }
    if (open !== 0) {
      const { name } = m.p.places[place] ?? { name: '' };
      if (!m.p.waived.has(property('old_or_new'))) {
        m.violate(
          property('old_or_new'),
          open === place + 1
            ? `comes back to ${name} without having arrived behind it or at a target of it`
            : `reaches ${name} before it arrived behind ${m.p.places[open - 1]?.name}`,
        );
        return;
      }
      // A run that breaks what the spec waives goes on: that pass is over.
      this.#close(open - 1, -1);
    }
    m.setDead(true);
    this.#expectAll(place, false);
    if (this.#loads[place]) m.snapshot(m.s, this.#beginning(place));
    m.s[m.c + l.ctx.pass] = place + 1;
    m.s[m.c + l.ctx.mask] = m.s[l.versions + place] as number;
    m.happened?.push({ kind: 'open', place, content: -1 });
  }

  #expectAll(place: number, again: boolean): void {
    const { m } = this;
    const { ctx } = m.l;
    (m.p.places[place]?.contents ?? []).forEach((content, i) => {
      this.#expect(place, content, m.c + ctx.expect + i * ctx.expectSize, again);
    });
  }

  /** Where a pass of a place that reads memory keeps what it began with. */
  #beginning(place: number): number {
    const { m } = this;
    const { ctx } = m.l;
    return m.c + ctx.expect + (m.p.places[place]?.contents.length ?? 0) * ctx.expectSize;
  }

  /** The context has hit an INT3 at an address: where a trap is a content's behaviour, the pass is one of that. */
  trapped(address: number): void {
    const { m } = this;
    const open = m.s[m.c + m.l.ctx.pass] as number;
    if (open === 0 || !this.#traps[open - 1] || m.p.places[open - 1]?.from !== toAddress(address))
      return;
    m.s[m.c + m.l.ctx.mask] = (m.s[m.c + m.l.ctx.mask] as number) | hasTrapped;
  }

  /** Runs a content by itself on a copy of the machine, and notes what it leaves. */
  #expect(place: number, content: number, at: number, again: boolean): void {
    const { m, scratch } = this;
    const real = m.s;
    const told = m.happened;
    const range = m.p.places[place] as { from: number; length: number };
    scratch.set(real);
    m.s = scratch;
    m.happened = undefined;
    if (again) m.recall(this.#beginning(place));
    let end = 0;
    let called = false;
    const insns = (this.#outcomes[content] as Outcome).insns;
    for (let steps = 0; end === 0; steps++) {
      const from = m.rip();
      const insn = insns.find((x) => x.from === from);
      if (!insn) {
        end = arrivesNowhere;
        break;
      }
      if (steps === longestContent) {
        m.limit = 'steps of a content';
        break;
      }
      // What a content stores is not compared; what waits in the buffer is read the same there and where it goes.
      while (m.buffered(m.cpu) > 0 && (insn.waits || !m.hasRoom(insn.stores))) m.commit(0);
      m.s[m.t + taskField.rip] = insn.next;
      called = insn.ops.some((o) => o.kind === 'push' && o.as === 'return');
      let trapped = false;
      execute(m, insn.ops, {
        trap: () => {
          trapped = true;
        },
        iret: () => m.fault('iretq in a place'),
      });
      m.direct = false;
      if (m.outcome !== 0) end = arrivesNowhere;
      else if (trapped) end = arrivesByTrap;
      else if (!isBehindFirst(m.rip(), range)) end = m.rip();
      // Who does nothing but go round never arrives.
      else if (m.rip() === from && insn.ops.every((o) => o.kind === 'branch')) end = arrivesNowhere;
    }
    // Of RSP the lower half is remembered: the other is always the same, or nothing is known.
    if (end !== arrivesNowhere && m.s[m.t + m.l.registers + 1] !== -1)
      m.limit ??= 'stack pointers outside of all stacks';
    m.outcome = 0;
    m.reason = '';
    m.snapshot(real, at);
    real[at + expectation.ip] = end;
    real[at + expectation.ret] =
      called && end !== arrivesNowhere ? m.stackWord(m.register(RSP)) : 0;
    m.outcome = 0;
    m.direct = false;
    m.s = real;
    m.happened = told;
  }

  /** Every open pass of a place has seen this content current. */
  becomesCurrent(place: number, content: number): void {
    const { m } = this;
    const bit = 1 << (m.p.places[place]?.contents.indexOf(content) ?? 0);
    m.s[m.l.versions + place] = (m.s[m.l.versions + place] as number) | bit;
    for (const t of m.l.tasks) {
      for (let d = 0; d < m.l.depth; d++) {
        const c = t + m.l.contexts + d * m.l.ctx.size;
        if (m.s[c + m.l.ctx.pass] === place + 1)
          m.s[c + m.l.ctx.mask] = (m.s[c + m.l.ctx.mask] as number) | bit;
      }
    }
  }

  onlyCurrent(place: number, content: number): void {
    const { m } = this;
    m.s[m.l.versions + place] = 1 << (m.p.places[place]?.contents.indexOf(content) ?? 0);
  }

  /** At a boundary of user code: closes the open pass if the context stands where one arrives. */
  settle(returned: boolean): void {
    const { m } = this;
    const { s, l } = m;
    const open = s[m.c + l.ctx.pass] as number;
    if (open === 0) {
      m.setDead(false);
      return;
    }
    const place = open - 1;
    const info = m.p.places[place];
    if (!info) return;
    const ip = s[m.t + taskField.rip] as number;
    if (isBehindFirst(ip, info)) return;
    const mask = s[m.c + l.ctx.mask] as number;
    const n = info.contents.length;
    const record = (i: number): number => m.c + l.ctx.expect + i * l.ctx.expectSize;
    const wanted = (i: number, k: number): number => s[record(i) + k] as number;
    const byTrap = (i: number): boolean => wanted(i, expectation.ip) === arrivesByTrap;
    let arrived = (this.#arrivals[place] as ReadonlySet<number>).has(ip);
    for (let i = 0; i < n; i++) if (wanted(i, expectation.ip) === ip) arrived = true;
    // Who is back at the first byte tries again, but where a content goes there by itself.
    if (toAddress(ip) === info.from && (returned || !arrived)) return;
    const back = (returned || (mask & cameBack) !== 0) && (mask & hasTrapped) !== 0;
    if (!arrived && this.#fetch.inStub(ip)) {
      if (back) s[m.c + l.ctx.mask] = mask | cameBack;
      return;
    }
    for (let i = 0; i < n; i++) if (back && byTrap(i) && ((mask >> i) & 1) === 1) arrived = true;
    if (!arrived) {
      s[m.c + l.ctx.mask] = mask | wentAway;
      return;
    }
    const rsp = s[m.t + l.registers] as number;
    let behaves = -1;
    let superseded = -1;
    /** Whether it is just what that one leaves. */
    let wholly = false;
    let differs = '';
    for (let i = 0; i < n; i++) {
      if (byTrap(i)) {
        // Where the trap is the content, what its handler does is the behaviour.
        if ((mask & hasTrapped) === 0 || ((mask >> i) & 1) === 0) continue;
        behaves = i;
        break;
      }
      if (wanted(i, expectation.ip) !== ip) continue;
      if (wanted(i, expectation.rsp) !== rsp || s[m.t + l.registers + 1] !== -1) continue;
      const ret = wanted(i, expectation.ret);
      if (ret !== 0 && (m.stackWord(rsp) !== ret || m.hi !== -1)) continue;
      const lost = this.#notKept(record(i), info.dead, info.flagsDead);
      if (((mask >> i) & 1) === 0) {
        if (!wholly) superseded = i;
        wholly ||= lost === '';
        continue;
      }
      if (lost === '') {
        behaves = i;
        break;
      }
      differs = lost;
    }
    const verdict =
      differs !== '' && !wholly ? 'registers_kept' : superseded >= 0 ? 'converges' : 'old_or_new';
    if (behaves < 0 && this.#late[place]) {
      // What it should have done rests on what memory was when it was read.
      m.limit = 'loads behind the first instruction of a place';
      return;
    }
    this.#close(place, behaves >= 0 ? (info.contents[behaves] as number) : -1);
    // A run that breaks what the spec waives goes on: the pass is over, whatever it was.
    if (behaves >= 0 || m.p.waived.has(property(verdict))) return;
    if (verdict === 'registers_kept')
      m.violate(
        property('registers_kept'),
        `${differs} after ${info.name} is not what the plain instruction leaves`,
      );
    else if (verdict === 'converges') {
      const text = m.p.contents[info.contents[superseded] as number]?.text;
      m.violate(
        property('converges'),
        `passes ${info.name} as \`${text}\`, which was replaced before the pass began`,
      );
    } else
      m.violate(
        property('old_or_new'),
        `leaves ${info.name} as no version of it would: wrong target, return address or stack`,
      );
  }

  /** The first register that differs from what was expected; '' if none does. */
  #notKept(at: number, dead: readonly number[], flagsDead: boolean): string {
    const { m } = this;
    const { s, l } = m;
    for (let i = 0; i < m.p.registers.length; i++) {
      const r = m.p.registers[i] as number;
      if (dead.includes(r)) continue;
      const now = m.t + l.registers + 2 * (i + 1);
      const want = at + expectation.registers + 2 * i;
      if (s[now] !== s[want] || s[now + 1] !== s[want + 1]) return registers[r] ?? 'a register';
    }
    const kept = flagsDead ? flagBits.if : flagBits.if | statusFlags;
    const change =
      ((s[m.t + taskField.flags] as number) ^ (s[at + expectation.flags] as number)) & kept;
    if (change & flagBits.if) return 'IF';
    return change !== 0 ? 'RFLAGS' : '';
  }

  #close(place: number, content: number): void {
    const { m } = this;
    const { l } = m;
    m.s.fill(0, m.c + l.ctx.pass, m.c + l.ctx.locals);
    m.setDead(false);
    for (const e of this.#eventsOfPass) {
      if (e.place === place && e.content === content) m.events |= 1 << e.event;
    }
    m.happened?.push({ kind: 'close', place, content });
  }
}
