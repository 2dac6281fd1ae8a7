// A trial: what a machine was seen to do with an image, against what the model's search says can happen.

import type { Machine } from './emulator/machine.ts';
import { createMachine } from './emulator/machine.ts';
import type { Bounds, Result, Search } from './explorer/index.ts';
import { createSearch } from './explorer/index.ts';
import type { Failed, Told } from './image/told.ts';
import { isException } from './image/told.ts';
import type { Builtin, Program } from './ir.ts';
import { builtin } from './ir.ts';
import type { Expr } from './ops.ts';

/** Something that a run can be seen to do. */
export interface Outcome {
  readonly name: string;
  readonly kind: 'pass' | 'trap';
  readonly allowed: boolean;
  readonly observed: number;
}

export interface Judged extends Failed {
  /** The violated property of the model that explains it. */
  readonly explained: string | undefined;
}

export interface Trial {
  /**
   * `agrees`: nothing was seen that the model forbids, and each pass and trap that it allows was seen. `disagrees`:
   * something was. `unseen`: something that is allowed was not. `unfinished`: the search was, so nobody knows.
   */
  readonly verdict: 'agrees' | 'disagrees' | 'unseen' | 'unfinished';
  readonly bound: string | undefined;
  readonly rounds: number;
  readonly outcomes: readonly Outcome[];
  readonly failures: readonly Judged[];
  /** Properties that some run of the model violates. */
  readonly violated: readonly string[];
  readonly events: readonly { readonly name: string; readonly count: number }[];
}

/**
 * What can be seen after a violation of each property. A round ends at the first failure that is seen, as a run of the
 * model does; but a processor goes on where the model stops, and what comes then may be anything: bytes that are torn
 * are executed, a frame that is overwritten is returned from.
 */
const consequences: Readonly<Record<Builtin, 'anything' | readonly string[]>> = {
  torn_instruction: 'anything',
  stale_stub: 'anything',
  frame_intact: 'anything',
  handler_closed: 'anything',
  shadow_stack: 'anything',
  trap_handled: [],
  old_or_new: ['exception', 'nil_access'],
  converges: [],
  registers_kept: [],
  no_fault: ['exception', 'nil_access'],
  nil_access: ['exception'],
  assertion: [],
  terminates: [],
};
const unpredictable = (property: string): boolean =>
  consequences[property as Builtin] === 'anything';

function explanation(kind: string, violated: readonly string[]): string | undefined {
  return (
    violated.find((p) => p === kind) ??
    violated.find((p) => {
      const follows = consequences[p as Builtin];
      return Array.isArray(follows) && follows.includes(isException(kind) ? 'exception' : kind);
    }) ??
    violated.find(unpredictable)
  );
}

/** The same program, asked for every pass and trap; what is required of its memory no machine can be asked. */
export function asked(p: Program): {
  readonly program: Program;
  readonly names: readonly Outcome[];
} {
  const events: Program['events'][number][] = [];
  const names: Outcome[] = [];
  p.places.forEach((place, index) => {
    for (const content of place.contents) {
      events.push({ kind: 'pass', place: index, content });
      names.push(named(`${place.name} as ${p.contents[content]?.text}`, 'pass'));
    }
    events.push({ kind: 'trap', address: place.from });
    names.push(named(`trap at ${place.name}`, 'trap'));
  });
  const witnesses = events.map((_, event) => ({
    name: names[event]?.name ?? '',
    expr: { kind: 'event', event } satisfies Expr,
    span: { start: 0, end: 0 },
  }));
  return { program: { ...p, events, witnesses, requirements: [], phases: [] }, names };
}
const named = (name: string, kind: Outcome['kind']): Outcome => ({
  name,
  kind,
  allowed: false,
  observed: 0,
});

/** The search for what is allowed; resumable, for it may take long. */
export class Allowed {
  readonly names: readonly Outcome[];
  private readonly search: Search;

  /** `model` is the emulator's, unless a test puts another one in its place. */
  constructor(program: Program, bounds: Bounds, model: (p: Program) => Machine = createMachine) {
    const question = asked(program);
    this.names = question.names;
    this.search = createSearch(model(question.program), bounds);
  }
  advance(budget: number): { readonly done: boolean } {
    return this.search.advance(budget);
  }
  stop(reason: string): void {
    this.search.stop(reason);
    while (!this.search.advance(1 << 20).done);
  }
  violated(): readonly string[] {
    return this.search.result().violations.map((v) => v.property);
  }
  result(): Result {
    return this.search.result();
  }
}

export function judge(p: Program, seen: Told, allowed: Allowed): Trial {
  const result = allowed.result();
  const violated = allowed.violated();
  const anything = violated.some(unpredictable);
  const counts = p.places.flatMap((place, i) => [
    ...place.contents.map((c) => seen.passed[c] ?? 0),
    seen.trapped[i] ?? 0,
  ]);
  const reached = result.witnesses.map((w) => w.run !== undefined);
  const outcomes = allowed.names.map((o, i) => ({
    ...o,
    allowed: anything || reached[i] === true,
    observed: counts[i] ?? 0,
  }));
  const failures = seen.failed
    .filter((f) => !isWaived(p, f.kind))
    .map((f) => ({ ...f, explained: explanation(f.kind, violated) }));
  const forbidden =
    outcomes.some((o) => o.observed > 0 && !o.allowed) ||
    failures.some((f) => f.explained === undefined);
  const verdict =
    result.bound !== undefined
      ? 'unfinished'
      : forbidden
        ? 'disagrees'
        : outcomes.some((o, i) => reached[i] && o.observed === 0)
          ? 'unseen'
          : 'agrees';
  return {
    verdict,
    bound: result.bound,
    rounds: seen.rounds,
    outcomes,
    failures,
    violated,
    events: p.env.events.map((e, i) => ({ name: e.name, count: seen.happened[i] ?? 0 })),
  };
}

const isWaived = (p: Program, kind: string): boolean =>
  p.waived.has((builtin as readonly string[]).indexOf(kind));
