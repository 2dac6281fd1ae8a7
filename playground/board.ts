// The board: where every scenario of the text stands, as far as the worker has said.

import { counted, grouped } from './elements.ts';
import type { Standing } from './icons.ts';
import type { Outcome, Progress, ScenarioHead } from './protocol.ts';

export interface Entry {
  readonly head: ScenarioHead;
  standing: Standing;
  progress: Progress | undefined;
  /** The newest; of an older text where the standing is `outdated`. */
  outcome: Outcome | undefined;
}

export class Board {
  entries: readonly Entry[] = [];

  /** The text has changed: what was found is of the text before. */
  age(): void {
    for (const e of this.entries) {
      e.progress = undefined;
      e.standing = e.outcome ? 'outdated' : 'idle';
    }
  }

  /** The scenarios of the new text; those of the same name keep what was found before. */
  replace(heads: readonly ScenarioHead[]): void {
    const before = new Map(this.entries.map((e) => [e.head.name, e]));
    this.entries = heads.map((head): Entry => {
      const outcome = before.get(head.name)?.outcome;
      return { head, standing: outcome ? 'outdated' : 'idle', progress: undefined, outcome };
    });
  }

  forget(): void {
    this.entries = [];
  }

  get running(): boolean {
    return this.entries.some((e) => e.standing === 'running');
  }
}

/** The sign that it bears: a violation is none less for the run that is still looked for. */
export const signOf = (e: Entry): Standing =>
  e.standing === 'running' && e.progress && e.progress.violated.length > 0
    ? 'violated'
    : e.standing;

/** Whether what was found is of the text before. */
export const isStale = (e: Entry): boolean =>
  e.standing === 'outdated' || (e.standing === 'running' && e.outcome !== undefined);

export interface Told {
  /** The word that the sign stands for. */
  readonly word: string;
  readonly rest: string;
  /** An expectation that was not met. */
  readonly against: string | undefined;
}

/** A scenario's verdict in words, for the strip, the lens and the reader. */
export function told(e: Entry): Told {
  const o = e.outcome;
  const plain = (word: string, rest: string, against?: string): Told => ({ word, rest, against });
  switch (e.standing) {
    case 'idle':
      return plain('not checked', '');
    case 'running': {
      const p = e.progress;
      if (p && p.violated.length > 0)
        return plain('violated', ` ${p.violated.join(', ')} · finding its run`);
      const which = e.head.checks > 1 && p ? `, check ${p.check + 1} of ${e.head.checks}` : '';
      return plain('running', p ? ` · ${grouped(p.states)} states, depth ${p.depth}${which}` : '');
    }
    case 'outdated':
      return plain('outdated', o ? ` · was ${o.verdict}${propertyOf(o)}` : '');
    default:
      break;
  }
  if (!o) return plain('not checked', '');
  const states = ` · ${counted(o.states, 'state')}`;
  if (e.standing === 'holds') {
    const all = o.checks.flatMap((c) => c.witnesses);
    const met = all.filter((w) => w.reached !== undefined).length;
    const witnesses =
      all.length > 0 ? ` · ${met} of ${counted(all.length, 'witness', 'witnesses')}` : '';
    return plain('holds', `${states}${witnesses}`, unexpected(e, o));
  }
  if (e.standing === 'violated')
    return plain(
      'violated',
      `${propertyOf(o)}${o.asExpected ? ', as expected' : ''}${states}`,
      unexpected(e, o),
    );
  return plain('unfinished', ` · ${boundText(o)}`, o.asExpected ? undefined : unexpected(e, o));
}

function unexpected(e: Entry, o: Outcome): string | undefined {
  if (o.asExpected) return undefined;
  const { kind, properties } = e.head.expected;
  return kind === 'holds' ? 'expected holds' : `expected ${properties.join(' or ')}`;
}

export const propertyOf = (o: Outcome): string => {
  const names = [...new Set(o.runs.filter((r) => r.kind === 'violation').map((r) => r.name))];
  return names.length > 0 ? ` ${names.join(', ')}` : '';
};

/** How its checks were searched; those that were searched alike are said once. */
export const searchedText = (o: Outcome): string =>
  [
    ...new Set(o.checks.map((c) => c.how)),
    ...(o.kept ? ['kept: this edit changes nothing of it'] : []),
  ].join('; ');

/** What was hit, and how far it had got. */
export function boundText(o: Outcome): string {
  switch (o.bound) {
    case 'states':
      return `${grouped(o.states)} states, bound hit`;
    case 'memory':
      return `${grouped(o.states)} states, memory bound hit`;
    case 'stopped':
      return `stopped at ${counted(o.states, 'state')}`;
    default:
      return `${o.bound ?? 'stopped'}, ${counted(o.states, 'state')}`;
  }
}
