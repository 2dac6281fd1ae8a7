// How deep stacks can get in runs of the full semantics, from how deep they get in those of a reduced search.

import { gapBytes } from '../emulator/contexts.ts';
import { context, cpuField, taskField } from '../emulator/layout.ts';
import type { Machine } from '../emulator/machine.ts';
import { mentions } from '../footprint.ts';
import type { Program } from '../ir.ts';
import { stackWords } from '../ir.ts';
import { instructions } from './instructions.ts';

const unbounded = 0x7fffffff;
const nothing = -0x80000000;

/** A frame, and what aligning RSP to 16 takes from a stack of words of 8. */
const frame = 48;

/**
 * A step that is taken sooner than in another run leaves a stack higher or lower there when an event comes. So what
 * counts is the sum: of the most that each kind of code has on its stack, and of all that can lie between. Where no such
 * step moves RSP it is enough that all stay on their own stacks: from another one a POP would load what no load does.
 */
export class StackDepth {
  readonly #machine: Machine;
  /** By kind of context: the most bytes that its code has below where it began; no bound for what runs no code. */
  readonly most = new Int32Array(Object.keys(context).length).fill(unbounded);
  /** By kind of context: how many of it can be on a stack at once. */
  readonly #times = new Map<number, number>();
  #breakpoint = 0;
  #between = 0;
  /** Whether a stack could overflow. */
  full = false;
  readonly #adds: boolean;

  /** `adds`: whether steps that move RSP are taken sooner. */
  constructor(p: Program, machine: Machine, adds: boolean) {
    this.#machine = machine;
    this.#adds = adds;
    if (!adds) {
      this.most.fill(8 * stackWords);
      return;
    }
    const { env } = p;
    const count = (kind: 'irq' | 'nmi', code: boolean): number =>
      env.events
        .filter((e) => e.kind === kind && (e.entry !== undefined) === code)
        .reduce((n, e) => n + e.count, 0);
    // Where nothing sets IF in a handler, an interrupt is delivered on top of the thread alone.
    const setsIf =
      env.gate === 'signal' ||
      mentions([instructions(p), p.kernel], (e) => {
        const kind: string = e.kind;
        return kind === 'frameif' || kind === 'rflags' || isIf(e) || isFrameFlags(e);
      });
    const nmis = count('nmi', true);
    const irqs = setsIf ? count('irq', true) : Math.min(1, count('irq', true));
    const levels = 1 + irqs + nmis;
    this.#times.set(context.user, 1);
    this.#times.set(context.irqCode, irqs);
    this.#times.set(context.nmiCode, nmis);
    const syncs = setsIf ? levels : 1;
    // An NMI comes on top of an IPI.
    const byNmi = p.kernel.some((k) => k.do.kind === 'send' && k.do.nmi);
    const ipis = [context.ipi, ...(byNmi ? [context.nmiIpi] : [])];
    if (p.ipiCode !== undefined) for (const kind of ipis) this.#times.set(kind, syncs);
    this.#breakpoint = frame + (env.gap ? gapBytes : 0);
    const frames = irqs + nmis + count('irq', false) + count('nmi', false) + syncs * ipis.length;
    this.#between = frame * (frames + (env.preempt ? 1 : 0));
    for (const kind of this.#times.keys()) this.most[kind] = 0;
    // Code that lets the next IPI come before it has returned, by STI or by the IRET of a #BP in it.
    if (p.ipiCode !== undefined && (setsIf || byNmi)) this.#fill();
    else this.#judge();
  }

  /** Looks at the stack of a CPU after a step of it; whether it is deeper than any before. */
  look(s: Int32Array, cpu: number): boolean {
    if (this.full) return false;
    const { core } = this.#machine;
    const { l } = core;
    const task = s[(l.cpus[cpu] as number) + cpuField.task] as number;
    const t = l.tasks[task] as number;
    const depth = s[t + taskField.depth] as number;
    const c = t + l.contexts + depth * l.ctx.size;
    const from = depth === 0 ? core.stackTop(task) : (s[c + l.ctx.base] as number);
    const used = (from - (s[t + l.registers] as number)) | 0;
    if (used >= 0 && used <= (this.most[s[c] as number] as number)) return false;
    // Code of an event that pops what was there before it finds the frame by which it returns, and may change it.
    if (used < 0 || !this.#adds) this.#fill();
    else {
      this.most[s[c] as number] = used;
      this.#judge();
    }
    return true;
  }

  /** Goes on from what another one has seen. */
  restore(most: readonly number[]): void {
    this.most.set(most);
    // A table that was full admits nothing, and nothing is as deep as that.
    this.full = most.every((m) => m === nothing);
    if (!this.full && this.#adds) this.#judge();
  }

  #judge(): void {
    let sum = this.#between;
    for (const [kind, times] of this.#times)
      sum += times * ((this.most[kind] as number) + this.#breakpoint);
    if (sum > 8 * stackWords) this.#fill();
  }

  #fill(): void {
    this.full = true;
    // No step is known to be shallow enough any more.
    this.most.fill(nothing);
  }
}

const isFrameFlags = (e: object): boolean => 'word' in e && e.word === 'flags';
const isIf = (e: object): boolean => 'flag' in e && e.flag === 'if';
