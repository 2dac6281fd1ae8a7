// Tells a run: plays it, and writes down of every step what a picture of it needs.

import { Addresses, plainAddress } from './addresses.ts';
import type { Happening } from './emulator/core.ts';
import { toAddress } from './emulator/core.ts';
import { context, cpuField, taskField, taskName } from './emulator/layout.ts';
import type { Machine } from './emulator/machine.ts';
import { type Moment, type Trace, tell } from './emulator/trace.ts';
import { foldsOf, type Told } from './folds.ts';
import { flagBits } from './ops.ts';
import { Stretches, taskOf } from './stretches.ts';
import type {
  Arrow,
  Beginning,
  Mark,
  Phase,
  Stand,
  Standing,
  StretchState,
  Telling,
  ToldStep,
  Window,
} from './telling.ts';

/** Plays a schedule and tells it; `mattering` are the steps that the violation rests on. */
export function tellAll(
  machine: Machine,
  schedule: readonly string[],
  initial: number,
  mattering: Iterable<number>,
): { readonly trace: Trace; readonly telling: Telling } {
  const teller = new Teller(machine, new Set(mattering), initial);
  const trace = tell(machine, schedule, initial, (moment) => teller.see(moment));
  return { trace, telling: teller.telling() };
}

class Teller implements Told {
  readonly #machine: Machine;
  readonly #matters: ReadonlySet<number>;
  readonly #addresses: Addresses;
  readonly #stretches: Stretches;
  readonly steps: ToldStep[] = [];
  readonly states: Standing[] = [];
  readonly #phases: Phase[] = [];
  readonly arrows: (Arrow & { taken?: number })[] = [];
  /** Indices of commits that are part of a build, and of IRETs that are part of a sync. */
  readonly builds = new Set<number>();
  readonly returns = new Set<number>();
  /** The trace's own texts of the steps. */
  readonly said: string[] = [];
  #patch = 0;

  constructor(machine: Machine, matters: ReadonlySet<number>, initial: number) {
    this.#machine = machine;
    this.#matters = matters;
    this.#addresses = new Addresses(machine);
    const start = (machine.initial()[initial] as Int32Array).slice();
    this.#stretches = new Stretches(machine, this.#addresses, start);
    this.states.push(this.#standing(start));
  }

  telling(): Telling {
    const shown = this.#stretches.shown();
    const windows = this.#windows();
    return {
      lanes: (this.states[0]?.cpus ?? []).map((c, cpu) => ({ cpu, task: c.task })),
      steps: this.steps.map((s, i) => {
        const open = windows.find((w) => w.from === i + 1);
        const begins = open
          ? [
              { cpu: open.cpu, text: 'window open', bad: true },
              ...s.begins.filter((b) => b.cpu !== open.cpu),
            ]
          : s.begins;
        return { ...s, begins };
      }),
      states: this.states.map((s) => ({
        cpus: s.cpus,
        bytes: shown.map((i) => s.bytes[i] as StretchState),
      })),
      phases: this.#phases,
      folds: foldsOf(this),
      arrows: this.arrows,
      windows,
      stretches: shown.map((i) => this.#stretches.stretch(i, this.states)),
    };
  }

  // ---- one step

  see(moment: Moment): void {
    const machine = this.#machine;
    const { step, happened, before, after, violates } = moment;
    const number = this.steps.length + 1;
    const mark = this.#markOf(moment);
    this.#section(moment, number);
    this.#stretches.note(moment, number);
    const last = this.states[number - 1] as Standing;
    const state = (violates ? before : after).slice();
    const now = this.#standing(state, violates ? moment : undefined);
    this.#draw(happened, step.cpu, mark, number);
    this.states.push(now);
    this.said.push(step.text);
    if (mark === 'commit' && step.part === 'build') this.builds.add(number - 1);
    if (mark === 'iret' && step.part === 'sync') this.returns.add(number - 1);
    const span =
      step.span ??
      (step.address === undefined
        ? undefined
        : this.#addresses.sourceOf(this.#addresses.known(step.address)));
    this.steps.push({
      cpu: step.cpu,
      who: step.who,
      mark,
      ...this.#words(moment, mark, now),
      ...(step.address === undefined
        ? {}
        : { address: plainAddress(this.#addresses.known(step.address)) }),
      ...(step.bytes ? { bytes: [...step.bytes] } : {}),
      ...(span ? { span } : {}),
      causes: step.causes.map((c) => c + 1),
      matters: this.#matters.has(number) || violates,
      violates,
      begins: this.#beginnings(last, now, happened, number),
    });
    machine.core.s = after;
  }

  #markOf({ description, operation, happened }: Moment): Mark {
    const delivered = happened.find((h) => h.kind === 'deliver');
    switch (description.kind) {
      case 'commit':
        return 'commit';
      case 'event': {
        if (description.text.endsWith('ipi')) return 'ipi';
        if (description.text.startsWith('preempt by')) return 'preempt';
        if (!delivered) return 'statement';
        const source = this.#machine.core.p.env.events.find((e) => e.name === delivered.what);
        return source?.kind ?? 'irq';
      }
      case 'instruction':
        if (delivered) return 'trap';
        return happened.some((h) => h.kind === 'iret') ? 'iret' : 'instruction';
      case 'operation':
        break;
    }
    switch (operation?.do.kind) {
      case 'poke':
      case 'build':
      case 'release':
      case 'send':
      case 'iret':
        return operation.do.kind;
      case 'sendto':
        return 'send';
      case 'acks':
        return 'acknowledged';
      case 'ipiack':
        return 'acknowledge';
      case 'step':
        return happened.some((h) => h.kind === 'serialise') ? 'serialise' : 'statement';
      default:
        return 'statement';
    }
  }

  /** A phase of the patch begins, or its end. */
  #section({ operation, happened }: Moment, number: number): void {
    const { p } = this.#machine.core;
    const name =
      operation?.do.kind === 'release'
        ? 'release'
        : operation?.phase === undefined
          ? undefined
          : p.phases[operation.phase];
    const whole = name && this.#patch > 1 ? `patch ${this.#patch}: ${name}` : name;
    if (whole !== undefined && this.#phases[this.#phases.length - 1]?.name !== whole)
      this.#phases.push({ name: whole, from: number });
    if (happened.some((h) => h.kind === 'begin')) this.#patch++;
  }

  #draw(happened: readonly Happening[], cpu: number, mark: Mark, step: number): void {
    for (const h of happened) {
      if (h.kind === 'send')
        for (const to of h.to) this.arrows.push({ kind: 'ipi', step, from: cpu, to });
      if (h.kind === 'ack') {
        const sent = this.arrows.findLast((a) => a.kind === 'ipi' && a.to === h.cpu);
        if (sent) this.arrows.push({ kind: 'acknowledge', step, from: h.cpu, to: sent.from });
      }
    }
    if (mark !== 'ipi') return;
    const waiting = this.arrows.find((a) => a.kind === 'ipi' && a.to === cpu && !a.taken);
    if (waiting) waiting.taken = step;
  }

  /** The label of a step, and its detail. */
  #words(
    { step, description, operation, happened, violates }: Moment,
    mark: Mark,
    now: Standing,
  ): { readonly text: string; readonly detail: string } {
    const { p } = this.#machine.core;
    const said = (text: string, detail = ''): { text: string; detail: string } => ({
      text,
      detail,
    });
    const near = (lo: number): string => this.#addresses.near(toAddress(lo));
    const interrupted = (): string => {
      const at = this.#machine.core.contextsOf(taskOf(this.#machine.core, step.cpu));
      const below = at[at.length - 2];
      if (!below) return '';
      const handler = this.#machine.kernel.at(below.at) >= 0 && handlerNames[below.kind];
      return handler ? `in the ${handler} handler` : `at ${this.#addresses.where(below.at)}`;
    };
    if (violates && description.kind === 'instruction' && step.address !== undefined) {
      const known = this.#addresses.known(step.address);
      const text = step.bytes ? step.text : (this.#stretches.retained(known) ?? step.text);
      return said(text === 'fetch' ? 'fetch' : `\`${text}\``, `at ${this.#addresses.near(known)}`);
    }
    switch (mark) {
      case 'poke':
        return said(`poke \`${step.text.replace(/^poke /, '')}\``);
      case 'build':
        return said(`build \`${step.text.replace(/^build /, '')}\``);
      case 'commit': {
        const parts = step.note.split('; ').map((n) => /^(.*): (.*)$/.exec(n));
        const cells = parts.map((x) => x?.[1] ?? '');
        if (step.note === '' || cells.includes(''))
          return said(step.note || step.text, 'reaches memory');
        return said(`\`${cells.join(', ')}\` in memory`, parts.map((x) => x?.[2]).join(', '));
      }
      case 'release': {
        const stub =
          operation?.do.kind === 'release' ? p.stubs[operation.do.stub]?.name : undefined;
        return said(`release \`${stub ?? ''}\``);
      }
      case 'send': {
        const nmi = operation?.do.kind === 'send' && operation.do.nmi;
        return said(`sync: send${nmi ? ' NMIs' : ''}`);
      }
      case 'acknowledged':
        return said('sync: all acknowledged');
      case 'acknowledge': {
        const ack = happened.find((h) => h.kind === 'ack');
        return said('acknowledge', ack ? `on top of ${this.#addresses.where(ack.inside)}` : '');
      }
      case 'ipi':
        return said(
          description.text === 'nmi ipi' ? 'NMI of the sync' : 'IPI taken',
          interrupted(),
        );
      case 'trap':
        return said(`\`${step.text}\`, #BP`, `at ${this.#addresses.near(step.address ?? 0)}`);
      case 'nmi':
      case 'irq': {
        const kind = mark.toUpperCase();
        const name = step.text === mark ? kind : `${kind} \`${step.text}\``;
        const shadowed = happened.some((h) => h.kind === 'deliver' && h.shadowed);
        return said(`${name}${shadowed ? ' in the shadow' : ''}`, interrupted());
      }
      case 'iret': {
        const back = happened.find((h) => h.kind === 'iret');
        const stand = now.cpus[step.cpu];
        const opens =
          stand?.interrupts && !this.states[this.states.length - 2]?.cpus[step.cpu]?.interrupts;
        return said(
          '`iret`',
          back ? `to ${this.#addresses.where(back.to)}${opens ? ', IF=1' : ''}` : '',
        );
      }
      case 'serialise':
        return said('serialise', step.text.startsWith('the ') ? '' : step.text);
      case 'preempt':
        return said(step.text.replace(/^preempt by (.*)$/, 'preempted by $1'), interrupted());
      case 'instruction':
        return said(
          `\`${step.text}\``,
          [step.address === undefined ? '' : `at ${near(step.address)}`, this.#noted(step.note)]
            .filter((x) => x !== '')
            .join(', '),
        );
      case 'statement':
        return said(
          description.kind === 'event' ? step.text : `\`${step.text}\``,
          this.#noted(step.note),
        );
    }
  }

  /** Of what a step changed, what its picture does not say. */
  #noted(note: string): string {
    return note
      .split('; ')
      .filter((n) => !n.endsWith(' serialised'))
      .join('; ');
  }

  /** What starts on lanes with this step, at most one word a CPU. */
  #beginnings(
    last: Standing,
    now: Standing,
    happened: readonly Happening[],
    number: number,
  ): readonly Beginning[] {
    return now.cpus.flatMap((stand, cpu) => {
      const was = last.cpus[cpu] as Stand;
      const text = ((): string | undefined => {
        if (happened.some((h) => h.kind === 'deliver' && h.cpu === cpu && h.shadowed))
          return 'ends the shadow';
        if (stand.stub && !was.stub) return `enters ${stand.stub.name}`;
        if (stand.shadow && !was.shadow) return 'interrupt shadow';
        if (!stand.interrupts && was.interrupts) return 'IF=0';
        const waiting = this.arrows.find((a) => a.kind === 'ipi' && a.to === cpu && !a.taken);
        return waiting && waiting.step === number - 1 ? 'IPI waits' : undefined;
      })();
      return text === undefined ? [] : [{ cpu, text, bad: false }];
    });
  }

  // ---- where CPUs stand

  #standing(state: Int32Array, end?: Moment): Standing {
    const m = this.#machine.core;
    m.s = state;
    return {
      cpus: m.l.cpus.map((_, cpu) => this.#stand(cpu)),
      bytes: this.#stretches.at(state, end),
    };
  }

  #stand(cpu: number): Stand {
    const m = this.#machine.core;
    const at = m.l.cpus[cpu] as number;
    const task = taskOf(m, cpu);
    const contexts = m.contextsOf(task);
    const top = contexts[contexts.length - 1] as (typeof contexts)[number];
    const flags = m.s[(m.l.tasks[task] as number) + taskField.flags] as number;
    const inside = contexts.map((c) => this.#addresses.slotAt(c.at)).filter((x) => x !== undefined);
    const stub = inside[inside.length - 1];
    const operation = m.p.kernel[this.#machine.kernel.at(top.at)];
    const handlers = contexts.slice(1).map((c) => handlerNames[c.kind] ?? 'handler');
    return {
      task: taskName(m.p, task),
      handlers,
      at:
        operation && contexts.length > 1
          ? `${handlers[handlers.length - 1]} handler`
          : this.#addresses.where(top.at),
      interrupts: (flags & flagBits.if) !== 0,
      shadow: m.s[at + cpuField.shadow] !== 0,
      waits: operation?.do.kind === 'acks' && (m.s[m.l.outstanding] as number) > 0,
      stub: stub && { name: this.#addresses.slotName(stub.slot), released: stub.released },
      pending: (m.s[at + cpuField.ipi] as number) + (m.s[at + cpuField.nmiIpi] as number),
    };
  }

  // ---- over the whole run

  /** Where the interrupt could come that was acknowledged on top of a stub. */
  #windows(): readonly Window[] {
    const out: Window[] = [];
    const open = (state: number, cpu: number): boolean => {
      const stand = this.states[state]?.cpus[cpu];
      return stand?.interrupts === true && !stand.shadow && stand.stub !== undefined;
    };
    this.steps.forEach((s, i) => {
      if (!s.matters || s.mark !== 'acknowledge') return;
      let taken = i;
      while (taken >= 0 && !(this.steps[taken]?.mark === 'ipi' && this.steps[taken]?.cpu === s.cpu))
        taken--;
      let from = taken;
      while (from > 0 && open(from, s.cpu)) from--;
      if (taken > 0 && from < taken) out.push({ cpu: s.cpu, from: from + 1, to: taken + 1 });
    });
    return out;
  }
}

const handlerNames: Readonly<Record<number, string>> = {
  [context.breakpoint]: '#BP',
  [context.ipi]: 'IPI',
  [context.irqEmpty]: 'IRQ',
  [context.irqCode]: 'IRQ',
  [context.nmiEmpty]: 'NMI',
  [context.nmiCode]: 'NMI',
  [context.nmiIpi]: 'NMI',
  [context.preempted]: 'preempted',
};
