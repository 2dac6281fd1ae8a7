// One check's machine as generated code: every action with what allows it and what it does.

import {
  bufferUnits,
  context,
  cpuField,
  homeOf,
  idleFrom,
  taskCount,
  taskField,
  taskName,
} from '../emulator/layout.ts';
import { code, createMachine, kinds } from '../emulator/machine.ts';
import type { Program } from '../ir.ts';
import { region } from '../ir.ts';
import type { Expr } from '../ops.ts';
import { flagBits } from '../ops.ts';
import { decode, text } from '../x86/decode.ts';
import type { Routine, Statement, Word } from './code.ts';
import {
  add,
  both,
  either,
  eq,
  isZero,
  join,
  k,
  less,
  mask,
  ne,
  pick,
  state,
  sub,
  yes,
} from './code.ts';
import type { Way } from './fetches.ts';
import { cpu, finished, outcome, plain, t, witnessed } from './memory.ts';
import { outcomeOfLimit } from './outcomes.ts';
import { Private, type PrivateCode } from './private.ts';

export interface Action {
  /** As the explorer's traces name it, with what it executes. */
  readonly name: string;
  /** As the emulator numbers it, without the CPU; a step as the only one that its CPU can take. */
  readonly code: number;
  /** Over `cpu` and what `chosen` says of it. */
  readonly guard: Word;
  readonly body: readonly Statement[];
  /** Of a step. */
  readonly step?: {
    /** Where RIP stands; elsewhere than anywhere that is known if absent. */
    readonly at?: number;
    /** The guard without that, and without what allows any step; where `settled`, of who has settled what `first` is. */
    readonly own: Word;
    /** The cell of the first byte that it fetches, or -1. */
    readonly cell: number;
    /** Whether `own` is the whole truth where that cell is in doubt. */
    readonly settled: boolean;
    /** Whether it executes an instruction that it has fetched. */
    readonly fetches: boolean;
  };
}

/** What code is assembled from: a machine of words, whoever wrote it. */
export interface Steps {
  readonly initial: Int32Array;
  readonly actions: readonly Action[];
  /** In an order in which each stands behind those that it calls. */
  readonly routines: readonly Routine[];
  /** Sets what is said about the CPU that acts. */
  readonly select: readonly Statement[];
  /** The spec's own properties, behind each action. */
  readonly judge: readonly Statement[];
  /** Sets the bits of `witnessed`, behind that: for a search alone, with the routines that nothing else calls. */
  readonly witnesses: {
    readonly body: readonly Statement[];
    readonly routines: readonly Routine[];
  };
  /** For a search that takes private steps at once, with the routines that nothing else calls. */
  readonly private?: (PrivateCode & { readonly routines: readonly Routine[] }) | undefined;
  /** Operations of the kernel. */
  readonly operations: number;
  /** The newest value of a cell, and the set of older ones that the acting CPU may still fetch. */
  newest(cell: Word): Word;
  older(cell: Word): Word;
  /** What allows a CPU any step. */
  readonly free: Word;
  /** Where the state says that a run ended in what the spec waives, or -1. */
  readonly ended: number;
  /** Scratch words. */
  readonly scratch: number;
}

export interface Transitions extends Steps {
  readonly program: Program;
  readonly variables: readonly string[];
  /** The offsets that a guard needs of the CPU that acts, by their names. */
  readonly chosen: readonly { readonly name: string; readonly value: Word }[];
  /** Words of the state, by where they stand. */
  readonly fields: readonly {
    readonly name: string;
    readonly at: number;
    readonly words: number;
  }[];
  /** Outcomes that end a run without a violation: what the spec waives. */
  readonly waived: readonly number[];
}

/** Why a check has no generated code; undefined where it has. */
export function excluded(p: Program): string | undefined {
  const { fetch } = p.env;
  if (!(fetch.moment === 1 && fetch.backwards && !fetch.codeOrder && !fetch.dataOrder))
    return `the fetch model ${fetch.name} orders what is seen: it keeps a log of commits`;
  if (p.kernel.some(({ do: op }) => op.kind === 'emulate' && !isPlain(op.of)))
    return 'what it emulates is read from memory in the same step';
  if (fetch.unsynchronised !== 'always')
    return `the fetch model ${fetch.name} executes mixed bytes`;
  return undefined;
}

/** Whether a value is known before a step begins, without a load. */
const isPlain = (e: Expr): boolean => ['const', 'local', 'content', 'here', 'cpu'].includes(e.kind);

/** Makes it all; a check that is `excluded` throws. */
export function transitions(p: Program): Transitions {
  const why = excluded(p);
  if (why) throw new Error(why);
  return new Maker(p).make();
}

class Maker extends Private {
  private readonly actions: Action[] = [];

  make(): Transitions {
    const { p, l, g } = this;
    const select = g.collect(() => this.select());
    const judge = g.action(() => this.judge());
    this.steps();
    this.deliveries();
    this.switches();
    this.commits();
    const routines = [...g.routines.values()];
    const variables = [...g.variables];
    const witnesses = g.action(() => this.see());
    const routinesOfAll = g.routines.size;
    const quiet = this.privateCode();
    return {
      program: p,
      initial: createMachine(p).initial()[0] as Int32Array,
      actions: this.actions,
      routines,
      variables,
      select,
      chosen: [
        { name: 'at', value: this.cpuAt(cpu) },
        { name: 't', value: this.taskAt(state(this.cpuAt(cpu))) },
        { name: 'c', value: this.contextAt(t) },
      ],
      judge,
      witnesses: {
        body: witnesses,
        routines: [...g.routines.values()].slice(routines.length, routinesOfAll),
      },
      private: quiet && { ...quiet, routines: [...g.routines.values()].slice(routinesOfAll) },
      operations: p.kernel.length,
      newest: (cell) => this.cell(cell),
      older: (cell) => this.older(cell),
      free: this.free,
      fields: l.fields,
      waived: [...p.waived.keys()],
      ended: p.waived.size > 0 ? l.ended : -1,
      scratch: this.scratch,
    };
  }

  private action(
    name: string,
    code: number,
    guard: Word,
    body: () => void,
    step?: Action['step'],
  ): void {
    const alive = this.p.waived.size > 0 ? isZero(state(k(this.l.ended))) : yes;
    this.actions.push({
      name,
      code,
      guard: both(alive, guard),
      body: this.g.action(body),
      ...(step ? { step } : {}),
    });
  }

  private get free(): Word {
    return both(this.unlatched, isZero(this.of(cpuField.halted)));
  }

  // ---- what the acting CPU may do

  private of(field: number): Word {
    return state(add({ kind: 'var', name: 'at' }, field));
  }
  private get shadowed(): Word {
    return ne(this.of(cpuField.shadow), 0);
  }
  private get interruptible(): Word {
    return both(ne(mask(this.flags, flagBits.if), 0), isZero(this.of(cpuField.shadow)));
  }
  private get nmiNow(): Word {
    const open = isZero(this.of(cpuField.nmiBlocked));
    return this.p.env.nmiHeldInShadow ? both(open, isZero(pick(this.shadowed, 1, 0))) : open;
  }
  /** An NMI that waits goes before all but commits. */
  private get unlatched(): Word {
    if (!this.p.env.events.some((e) => e.kind === 'nmi')) return yes;
    return either(isZero(this.of(cpuField.nmiLatched)), isZero(pick(this.nmiNow, 1, 0)));
  }

  private steps(): void {
    const { p, g } = this;
    const { free } = this;
    // The patcher and the handlers: one action for each operation at which a CPU can stand.
    p.kernel.forEach((operation, i) => {
      this.action(
        operation.text === '' ? `operation ${i}` : operation.text,
        code(0, kinds.step),
        both(free, eq(this.rip, this.ripOf(i)), this.ready(i)),
        () => {
          const depth = g.let(this.field(t, taskField.depth));
          g.put(add({ kind: 'var', name: 'at' }, cpuField.shadow), 0);
          this.act(i);
          g.when(both(less(this.field(t, taskField.depth), depth), this.isUserCode()), () =>
            this.settle(true),
          );
        },
        { at: this.ripOf(i), own: this.ready(i), cell: -1, settled: true, fetches: false },
      );
    });
    for (const way of this.ways()) {
      const { at } = way;
      const here = typeof at === 'number' ? eq(this.rip, at) : yes;
      const insn = way.insn;
      const step = (own: Word): Action['step'] => ({
        ...(typeof at === 'number' ? { at } : {}),
        own,
        cell: way.cell,
        settled: way.cell < 0 || way.own !== undefined,
        fetches: insn !== undefined,
      });
      if (!insn) {
        this.action(
          this.nameOf(way),
          code(0, kinds.step),
          both(free, here, way.guard),
          () => {
            // Its fault is one of the pass that it opens.
            if (way.place >= 0) g.when(this.isUserCode(), () => this.enter(way.place));
            g.violate(way.outcome as Word);
          },
          step(way.own ?? way.guard),
        );
        continue;
      }
      const sc = p.env.memory === 'sc';
      const canRun =
        insn.waits || sc
          ? isZero(this.buffered)
          : insn.stores === 0
            ? yes
            : less(this.buffered, bufferUnits + 1 - insn.stores);
      const run = (): void => {
        this.given.clear();
        for (const [i, value] of way.given ?? []) this.given.set(i, value);
        if (way.place >= 0) g.when(this.isUserCode(), () => this.enter(way.place));
        const shadow = g.let(this.of(cpuField.shadow));
        this.setRip(insn.next);
        const trapped = insn.ops.some((o) => o.kind === 'trap');
        const returns = insn.ops.some((o) => o.kind === 'iret');
        this.execute(insn.ops, plain, {
          trap: () => this.trap((insn.next - 1) | 0),
          iret: () => this.iret(),
        });
        g.when(ne(shadow, 0), () => g.put(add({ kind: 'var', name: 'at' }, cpuField.shadow), 0));
        if (!trapped) g.when(this.isUserCode(), () => this.settle(returns));
        this.given.clear();
      };
      this.action(
        this.nameOf(way),
        code(0, kinds.step),
        both(free, here, canRun, way.guard),
        run,
        step(both(canRun, way.own ?? way.guard)),
      );
    }
  }

  private nameOf(way: Way): string {
    if (way.at === 'gone') return 'step into a stub that is gone';
    if (way.at === 'elsewhere') return 'step elsewhere';
    const names = (a: number): string | undefined => this.p.labels.get(a);
    const address = way.at < 0 ? way.at : way.at - 4294967296;
    const place = this.p.places.find((x) => address >= x.from && address < x.from + x.length);
    const where =
      place && address !== place.from
        ? `${place.name}+${address - place.from}`
        : (place?.name ?? names(address) ?? `0x${(way.at >>> 0).toString(16)}`);
    if (!way.insn) return `fetch at ${where} what must not be executed`;
    const d = decode(way.insn.bytes, way.insn.bytes.length);
    const bytes = [...way.insn.bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');
    return `step at ${where}: ${way.given && way.given.size > 0 ? bytes : d.kind === 'insn' ? text(d, address, names) : bytes}`;
  }

  private runIpiCode(): void {
    const { p } = this;
    if (!p.ipiCode) return;
    this.push({ lo: this.g.let(this.rip), hi: k(-1) }, true, plain);
    this.setRip(p.ipiCode.entry | 0);
  }

  private deliveries(): void {
    const { p, g, l } = this;
    const record: Word = { kind: 'var', name: 'at' };
    const inNmi = ne(this.of(cpuField.nmiBlocked), 0);
    const sends = (nmi: boolean): boolean =>
      p.kernel.some(({ do: op }) =>
        op.kind === 'send' ? op.nmi === nmi : op.kind === 'sendto' && !nmi,
      );
    const interrupt = (kind: number, entry: number): void =>
      this.deliver(kind, entry, this.rip, true);
    if (sends(false))
      this.action(
        'ipi',
        code(0, kinds.ipi),
        both(
          this.unlatched,
          less(0, this.of(cpuField.ipi)),
          this.interruptible,
          isZero(pick(inNmi, 1, 0)),
        ),
        () => {
          g.put(add(record, cpuField.ipi), sub(this.of(cpuField.ipi), 1));
          interrupt(context.ipi, region.kernel + p.entry.ipi);
          this.runIpiCode();
        },
      );
    if (sends(true))
      this.action(
        'nmi ipi',
        code(0, kinds.nmiIpi),
        both(this.unlatched, less(0, this.of(cpuField.nmiIpi)), this.nmiNow),
        () => {
          g.put(add(record, cpuField.nmiIpi), sub(this.of(cpuField.nmiIpi), 1));
          interrupt(context.nmiIpi, region.kernel + p.entry.ipi);
          this.runIpiCode();
          g.put(add(record, cpuField.nmiBlocked), 1);
        },
      );
    p.env.events.forEach((source, e) => {
      const left = state(k(l.events + e));
      const mine = source.on === undefined ? yes : eq(cpu, source.on);
      const may = both(this.unlatched, ne(left, 0), mine);
      const empty = source.entry === undefined;
      const deliver = (): void => {
        const kind =
          source.kind === 'nmi'
            ? empty
              ? context.nmiEmpty
              : context.nmiCode
            : empty
              ? context.irqEmpty
              : context.irqCode;
        interrupt(kind, source.entry ?? region.kernel + p.entry.empty);
        if (source.kind === 'nmi') g.put(add(record, cpuField.nmiBlocked), 1);
      };
      const spent = (): void => g.put(k(l.events + e), sub(left, 1));
      if (source.kind === 'irq') {
        this.action(source.name, code(0, kinds.irq, e), both(may, this.interruptible), () => {
          spent();
          deliver();
        });
        return;
      }
      const blocked = isZero(pick(this.nmiNow, 1, 0));
      const latched = this.of(cpuField.nmiLatched);
      this.action(source.name, code(0, kinds.nmi, e), both(may, this.nmiNow), () => {
        spent();
        deliver();
      });
      this.action(
        `${source.name} latched`,
        code(0, kinds.nmiLatch, e),
        both(may, blocked, isZero(latched)),
        () => {
          spent();
          g.put(add(record, cpuField.nmiLatched), e + 1);
        },
      );
      this.action(
        `${source.name} lost`,
        code(0, kinds.nmiLost, e),
        both(may, blocked, ne(latched, 0)),
        spent,
      );
      this.action(
        `latched ${source.name}`,
        code(0, kinds.latched, e),
        both(eq(latched, e + 1), this.nmiNow),
        () => {
          g.put(add(record, cpuField.nmiLatched), 0);
          deliver();
        },
      );
    });
  }

  private switches(): void {
    const { p, g, l } = this;
    if (!p.env.preempt) return;
    for (let task = 0; task < taskCount(p); task++) {
      const taken = either(...l.cpus.map((x) => eq(state(k(x + cpuField.task)), task)));
      const home = task >= idleFrom(p) || !p.env.migrate ? eq(cpu, homeOf(p, task)) : yes;
      this.action(
        `preempt by ${taskName(p, task)}`,
        code(0, kinds.preempt, task),
        both(
          this.unlatched,
          this.interruptible,
          this.preemptible(),
          isZero(this.buffered),
          isZero(pick(taken, 1, 0)),
          home,
        ),
        () => {
          this.deliver(context.preempted, region.kernel + p.entry.empty, this.rip, true);
          g.put(add({ kind: 'var', name: 'at' }, cpuField.task), task);
          if (p.env.switchSerialises !== 'none') this.serialise(cpu);
        },
      );
    }
  }

  private commits(): void {
    if (this.p.env.memory === 'sc' && this.mostMembers() === 1) return;
    const most = this.mostMembers();
    for (let i = 0; i < most; i++)
      this.action(
        i === 0 ? 'commit' : `commit member ${i}`,
        code(0, kinds.commit, i),
        this.hasMember(i),
        () => this.commit(i),
      );
  }

  /** The spec's own properties. */
  private judge(): void {
    const { p, g, l } = this;
    for (const r of p.requirements) {
      if (r.when === 'eventually' || p.waived.has(r.property)) continue;
      const applies = both(
        r.when === 'after patch' ? ne(finished, 0) : yes,
        r.during === undefined ? yes : eq(state(k(l.phase)), r.during + 1),
      );
      g.when(applies, () => {
        const truth = this.truth(this.evaluate(r.expr, { ...plain, looking: true }));
        g.when(r.when === 'never' ? truth : isZero(pick(truth, 1, 0)), () =>
          g.violate(1 + r.property),
        );
      });
    }
    // A phase is over with its patch, and what the last step of it did was judged.
    if (p.requirements.some((r) => r.during !== undefined))
      g.when(ne(finished, 0), () => g.put(k(l.phase), 0));
  }

  /** A witness that cannot be read is not seen; it breaks nothing. */
  private see(): void {
    const { p, g } = this;
    p.witnesses.forEach((w, i) => {
      g.attempt(() =>
        g.when(this.truth(this.evaluate(w.expr, { ...plain, looking: true })), () =>
          g.set(witnessed, join(witnessed, 1 << i)),
        ),
      );
      g.when(less(outcomeOfLimit - 1, outcome), () => g.violate(outcome));
      g.set(outcome, 0);
    });
  }
}
