// Private steps as generated code: which CPU can take one, as `reduction/private.ts` judges it state by state.

import { context, cpuField, idleFrom, taskField } from '../emulator/layout.ts';
import { region, stackStride } from '../ir.ts';
import { flagBits } from '../ops.ts';
import { conditions } from '../reduction/conditions.ts';
import { quietOperations } from '../reduction/operations.ts';
import { handlers, instructionKind, interruptions, onStack, seen } from '../reduction/private.ts';
import type { Statement, Word } from './code.ts';
import {
  add,
  below,
  both,
  either,
  eq,
  isZero,
  join,
  k,
  less,
  mask,
  ne,
  no,
  pick,
  state,
  sub,
  times,
  variable,
  yes,
} from './code.ts';
import { Fetches } from './fetches.ts';
import { c, cpu, t, task } from './memory.ts';
import { unsaid } from './outcomes.ts';

/** Whether a CPU that returns from a handler of #BP, or from an empty one, may go on fetching what it could. */
export const keeping = variable('keeping');
/** What a step from where RIP stands may be: one of the classes below; 0: none that is private; or `unknown`. */
export const standing = variable('standing');
export const unknown = -1;
/**
 * What is said of the step of the acting CPU: whether it is private, or `unsaid` where only the interpreter knows; and
 * whether it leaves it what it may fetch.
 */
export const isPrivate = variable('private');
export const keeps = variable('keeps');

/** What a search needs that takes private steps at once. */
export interface PrivateCode {
  readonly cpus: number;
  /** For each operation of the kernel what `standing` is there. */
  readonly operations: readonly number[];
  /** The same by address; 0 at all others where a step is known, and `unknown` elsewhere. */
  readonly sites: ReadonlyMap<number, number>;
  /** Sets `private` and `keeps`, from `standing`, of the CPU that is selected. */
  readonly judge: readonly Statement[];
  /** First word of what that CPU may fetch, and how many. */
  readonly views: Word;
  readonly viewWords: number;
  /** Bytes that the context on top has on its stack, and which kind it is of. */
  readonly depth: { readonly used: Word; readonly kind: Word };
}

export class Private extends Fetches {
  private readonly known = conditions(this.p);
  private readonly comes = interruptions(this.p, this.l);

  /** Undefined where no step of the check may be taken by itself. */
  protected privateCode(): PrivateCode | undefined {
    const { p, l, g, known } = this;
    if (!known.steps) return undefined;
    const classes: { readonly key: string; readonly judge: () => void }[] = [];
    const classOf = (key: string, judge: () => void): number => {
      const at = classes.findIndex((x) => x.key === key);
      return 1 + (at >= 0 ? at : classes.push({ key, judge }) - 1);
    };
    const quiet = known.handlers ? quietOperations(p) : [];
    const operations = p.kernel.map((_, i) => {
      const kind = quiet[i] ?? 'seen';
      if (kind === 'seen') return 0;
      const ready = this.ready(i);
      return classOf(`${kind} ${JSON.stringify(ready)}`, () =>
        g.when(ready, () => {
          if (kind === 'own') g.set(isPrivate, 1);
          else if (kind === 'serialises') this.ifUnfetched(state(c), () => g.set(isPrivate, 1));
          else this.returns();
        }),
      );
    });
    const sites = new Map<number, number>();
    for (const { at } of this.sites()) {
      const kind = instructionKind(this.fetch.unchanging(at), known);
      if (kind === seen) continue;
      sites.set(
        at,
        classOf(`${kind}`, () =>
          g.when(
            both(
              ne(task, 0),
              less(task, idleFrom(p)),
              kind === onStack ? (known.stack ? this.onOwnStack() : no) : yes,
            ),
            () => g.set(isPrivate, 1),
          ),
        ),
      );
    }
    const judge = g.action(() => {
      g.set(isPrivate, 0);
      g.set(keeps, 0);
      const isThread = both(ne(task, 0), less(task, idleFrom(p)));
      // Who has jumped into an instruction executes what stands there.
      g.when(both(eq(standing, unknown), isThread), () => g.set(isPrivate, unsaid));
      const { closing, unseen } = known;
      const may = both(
        less(0, standing),
        isZero(this.mine(cpuField.shadow)),
        isZero(this.mine(cpuField.halted)),
        either(
          isZero(this.mine(cpuField.nmiLatched)),
          unseen ? ne(this.mine(cpuField.nmiBlocked), 0) : isZero(this.nmiFree()),
        ),
        closing && !p.env.preempt ? yes : isZero(this.field(c, l.ctx.pass)),
        p.env.memory === 'sc' ? isZero(this.buffered) : yes,
        unseen ? yes : isZero(this.interrupted()),
      );
      g.when(may, () =>
        classes.forEach(({ judge }, i) => {
          g.when(eq(standing, i + 1), judge);
        }),
      );
    });
    return {
      cpus: p.env.cpus,
      operations,
      sites,
      judge,
      views: add(times(cpu, this.viewWords), l.views[0] ?? 0),
      viewWords: l.viewWords,
      depth: this.depth(),
    };
  }

  private mine(field: number): Word {
    return state(add(variable('at'), field));
  }

  private onOwnStack(): Word {
    const { l } = this;
    const inside = sub(
      sub(this.field(t, l.registers), region.stacks | 0),
      times(task, stackStride),
    );
    return both(eq(this.field(t, l.registers + 1), -1), below(inside, stackStride));
  }

  private ifSet(): Word {
    return ne(mask(this.flags, flagBits.if), 0);
  }

  /** Whether an NMI can come, now or behind the IRET of an interrupt that comes before. */
  private nmiFree(): Word {
    return either(isZero(this.mine(cpuField.nmiBlocked)), this.ifSet());
  }

  /** Whether code of the spec can interrupt here. */
  private interrupted(): Word {
    const { ipi, events } = this.comes;
    const open = this.ifSet();
    const free = this.nmiFree();
    return either(
      ipi === 'nmi' ? free : ipi === 'irq' ? open : no,
      ...events.map((e) =>
        both(ne(state(k(e.at)), 0), e.on < 0 ? yes : eq(cpu, e.on), e.nmi ? free : open),
      ),
    );
  }

  private returns(): void {
    const { g, l } = this;
    const kind = state(c);
    const outer = state(add(c, l.ctx.pass - l.ctx.size));
    const closed = this.known.closing ? yes : isZero(outer);
    g.when(both(either(...[...handlers].map((x) => eq(kind, x))), closed), () => {
      const saved = g.let(this.stackOffset(add(this.frameBase, 16)));
      g.when(less(-1, saved), () => {
        const shuts = both(
          ne(mask(this.flags, flagBits.if), 0),
          isZero(mask(state(saved), flagBits.if)),
        );
        g.when(isZero(shuts), () =>
          g.when(
            both(ne(keeping, 0), ne(kind, context.ipi), ne(kind, context.nmiIpi)),
            () => {
              g.set(isPrivate, 1);
              g.set(keeps, 1);
            },
            () => this.ifUnfetched(kind, () => g.set(isPrivate, 1)),
          ),
        );
      });
    });
  }

  /** What would come in a handler of the machine's own can come before it, where the CPU fetches what it did. */
  private ifUnfetched(kind: Word, then: () => void): void {
    const { g, l, p } = this;
    const { ipi, events } = this.comes;
    const own = [...handlers].filter((x) => x !== context.breakpoint);
    const before = ipi === 'plain' ? either(...own.map((x) => eq(kind, x))) : no;
    const fetches = p.ipiCode?.reaches
      ? yes
      : either(
          ne(this.mine(cpuField.nmiLatched), 0),
          ...events
            .filter((e) => e.reaches)
            .map((e) => both(ne(state(k(e.at)), 0), e.on < 0 ? yes : eq(cpu, e.on))),
        );
    g.when(either(before, isZero(fetches)), then, () => {
      // It fetches nothing but what is newest.
      const all = variable('older');
      const word = variable('cell');
      const from = g.let(add(times(cpu, this.viewWords), l.views[0] ?? 0));
      g.set(all, 0);
      g.each(word, from, add(from, l.viewWords), () => g.set(all, join(all, state(word))));
      g.when(isZero(all), then);
    });
  }

  /** What `reduction/depth.ts` looks at. */
  private depth(): PrivateCode['depth'] {
    const { l, core } = this;
    const top = add(times(task, stackStride), core.stackTop(0) | 0);
    const from = pick(isZero(this.field(t, taskField.depth)), top, this.field(c, l.ctx.base));
    return { used: sub(from, this.field(t, l.registers)), kind: state(c) };
  }
}
