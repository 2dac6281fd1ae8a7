// Contexts: how an event is delivered on top of what runs, and how IRET leaves it.

import { property, region } from '../ir.ts';
import { flagBits, RSP } from '../ops.ts';
import type { Core } from './core.ts';
import { isNil, toAddress } from './core.ts';
import { context, cpuField, shadowStackWords, taskField } from './layout.ts';

/** Selectors in a frame: any fixed values do, as nothing reads them. */
export const codeSegment = 0x10;
export const stackSegment = 0x18;
/** Bytes that an entry with a stack gap moves the frame down. */
export const gapBytes = 48;
export const frameBytes = 40;

export interface Delivery {
  readonly kind: number;
  readonly entry: number;
  readonly name: string;
  /** Address in the frame: where IRET goes on. */
  readonly saved: number;
  readonly clearsIf: boolean;
  readonly here?: number;
}

/** Pushes a frame and a context; the event ends a shadow and a HLT. */
export function deliver(m: Core, d: Delivery): void {
  const { l, p } = m;
  const { env } = p;
  const cpu = l.cpus[m.cpu] as number;
  const depth = m.s[m.t + taskField.depth] as number;
  if (depth + 1 >= l.depth) {
    m.limit = 'nested events';
    return;
  }
  const nmi =
    d.kind === context.nmiCode || d.kind === context.nmiEmpty || d.kind === context.nmiIpi;
  const own =
    d.kind === context.breakpoint
      ? (l.istBreakpoint[m.cpu] as number)
      : nmi
        ? (l.istNmi[m.cpu] as number)
        : -1;
  const rsp = m.s[m.t + l.registers] as number;
  const rspHigh = m.s[m.t + l.registers + 1] as number;
  const flags = m.s[m.t + taskField.flags] as number;
  if (rspHigh !== -1 && own < 0) {
    m.fault('an event is delivered while RSP is outside its stack');
    return;
  }
  const top = own >= 0 ? m.stackTop(own) : rsp & ~15;
  const gap = d.kind === context.breakpoint && env.gap ? gapBytes : 0;
  const base = (top - frameBytes - gap) | 0;
  const write = (offset: number, lo: number, hi: number): void =>
    m.writeStack((base + offset) | 0, lo, hi, true);
  write(32, stackSegment, 0);
  write(24, rsp, rspHigh);
  write(16, flags | 2, 0);
  write(8, codeSegment, 0);
  write(0, d.saved, -1);
  if (m.outcome !== 0) return;
  const shadowed = m.s[cpu + cpuField.shadow] === 1;
  m.s[m.t + taskField.depth] = depth + 1;
  m.c += l.ctx.size;
  m.s[m.c] = d.kind;
  m.s[m.c + l.ctx.base] = base;
  m.s[m.c + l.ctx.here] = d.here ?? 0;
  for (let i = 0; i < 2 * p.registers.length; i++) {
    m.s[m.c + l.ctx.saved + i] = m.s[m.t + l.registers + 2 + i] as number;
  }
  // Not `setStackPointer`: nothing below the old RSP is to be forgotten while a stack of its own is in use.
  m.s[m.t + l.registers] = base;
  m.s[m.t + l.registers + 1] = -1;
  if (d.clearsIf) m.s[m.t + taskField.flags] = flags & ~flagBits.if;
  m.s[m.t + taskField.rip] = d.entry | 0;
  m.s[cpu + cpuField.shadow] = 0;
  m.s[cpu + cpuField.halted] = 0;
  m.setDead(false);
  m.happened?.push({ kind: 'deliver', what: d.name, cpu: m.cpu, shadowed, base });
}

/** Pops the frame of the context that runs; serialises; unblocks NMIs. */
export function iret(m: Core): void {
  const { l, p } = m;
  const depth = m.s[m.t + taskField.depth] as number;
  const base = m.s[m.c + l.ctx.base] as number;
  if (depth === 0 || m.register(RSP) !== base || m.hi !== -1) {
    m.fault('IRET finds no frame at RSP');
    return;
  }
  const ip = m.stackWord(base);
  const ipHigh = m.hi;
  const cs = m.stackWord((base + 8) | 0);
  const flags = m.stackWord((base + 16) | 0);
  const sp = m.stackWord((base + 24) | 0);
  const spHigh = m.hi;
  const ss = m.stackWord((base + 32) | 0);
  if (m.outcome !== 0) return;
  if (cs !== codeSegment || ss !== stackSegment) {
    m.violate(property('no_fault'), '#GP: IRET loads a selector that is none');
    return;
  }
  const kind = m.s[m.c] as number;
  const open = p.places[(m.s[m.c + l.ctx.pass] as number) - 1];
  if (open !== undefined && !p.waived.has(property('old_or_new'))) {
    m.violate(
      property('old_or_new'),
      `returns from its event before it arrived behind ${open.name} or at a target of it`,
    );
    return;
  }
  for (let i = 0; i < 2 * p.registers.length; i++) {
    m.s[m.t + l.registers + 2 + i] = m.s[m.c + l.ctx.saved + i] as number;
  }
  m.s.fill(0, m.c, m.c + l.ctx.size);
  m.s[m.t + taskField.depth] = depth - 1;
  m.c -= l.ctx.size;
  m.clearStack(base, (base + frameBytes) | 0);
  // On the same stack all that lies below the interrupted RSP goes with the frame.
  if (spHigh === -1 && sp > base && sp - base <= 512) m.clearStack(base, sp);
  m.s[m.t + l.registers] = sp;
  m.s[m.t + l.registers + 1] = spHigh;
  m.setFlags(flags);
  m.s[(l.cpus[m.cpu] as number) + cpuField.nmiBlocked] = 0;
  m.serialise(m.cpu);
  // No operation of the machine's own traps.
  if (isNil(ip, ipHigh)) {
    m.violate(property('nil_access'), 'returns to address 0 or close to it: the pointer is nil');
    return;
  }
  const toInstructions = kind === context.breakpoint || m.isInstructions();
  if (ipHigh !== -1 || (toInstructions && m.isForbidden(ip))) {
    m.fault('IRET goes to an address where no code is');
    return;
  }
  m.s[m.t + taskField.rip] = ip;
  m.happened?.push({ kind: 'iret', cpu: m.cpu, to: ip });
}

/** A released slot's addresses, wherever someone still holds them, become the alias that no one may use. */
export function releaseSlot(m: Core, slot: number): void {
  const { l, s } = m;
  const info = m.slots[slot];
  if (!info) return;
  const from = info.from;
  const to = info.from + info.length;
  const alias = (at: number, high: number): void => {
    const address = toAddress(s[at] as number);
    if (high === -1 && address >= from && address < to) s[at] = (address + region.alias) | 0;
  };
  for (const t of l.tasks) {
    alias(t + taskField.rip, -1);
    if (m.p.env.shadowStack) for (let k = 0; k < shadowStackWords; k++) alias(t + l.shadow + k, -1);
    for (let d = 0; d < l.depth; d++) {
      const record = t + l.contexts + d * l.ctx.size;
      alias(record + l.ctx.here, -1);
      const c = record + l.ctx.locals;
      for (let k = c; k < c + l.ctx.saved - l.ctx.locals; k += 2) alias(k, s[k + 1] as number);
    }
  }
  for (const stack of l.stacks)
    for (let k = stack; k < stack + 128; k += 2) alias(k, s[k + 1] as number);
  s[l.slots + slot] = 0;
  for (let i = 0; i < info.length; i++) {
    s[l.cells + info.cell + i] = 0;
    if (l.sets) for (const view of l.views) s[view + info.cell + i] = 0;
  }
  m.happened?.push({ kind: 'release', slot });
}
