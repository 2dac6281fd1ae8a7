// `suture minimize --mend`: what must be added to a spec so that a scenario holds, as text, as a document, and as an edit.

import { place, position, type Source } from '../../grammar/index.ts';
import type { Compiled } from '../compile.ts';
import { additionText } from '../minimize/additions.ts';
import { type Mended, Mending } from '../minimize/mend.ts';
import { languageVersion, machineVersion, schemaVersion } from '../version.ts';
import { pick } from './files.ts';
import { boundText, how, type SearchOptions, searched, write } from './searched.ts';
import { count, grouped, secondsText, type Terminal, wrap } from './terminal.ts';

export interface MendOptions extends SearchOptions {
  readonly scenario?: readonly string[];
  readonly most: number;
  readonly apply?: boolean;
  readonly set?: number;
}

interface Asked {
  readonly compiled: Compiled;
  readonly text: Source;
  readonly t: Terminal;
  readonly print: (line: string) => void;
}

export async function mend(asked: Asked, options: MendOptions): Promise<number> {
  const { compiled, text, t, print } = asked;
  // A scenario that is named is to hold, whatever is expected of it.
  const scenarios = options.scenario
    ? options.scenario.map((s) => pick(compiled.scenarios, s))
    : compiled.scenarios.filter((s) => s.expected.kind === 'holds');
  const bounds = { maxStates: options.maxStates, maxMemory: options.maxMemory * (1 << 20) };
  const work = new Mending(compiled, scenarios, bounds, options.most, how);
  const seconds: number[] = [];
  await searched(work, options, (found, took) => {
    seconds.push(took);
    if (found.asWritten !== 'holds' || options.scenario) print(shown(asked, found, took, options));
  });
  const results = work.results();
  const figures = work.progress();
  const applied = options.apply ? apply(text, results, options) : undefined;
  if (options.json) {
    const document = {
      schemaVersion,
      languageVersion,
      machineVersion,
      file: text.name,
      protocol: compiled.file?.name.text ?? null,
      scenarios: results.map((r, i) => report(text, r, seconds[i] ?? 0)),
      programs: figures.programs,
      searches: figures.searches,
      replayed: figures.replayed,
      states: figures.states,
      written: applied?.written ?? null,
    };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    const parts = [
      ...(results.every((r) => r.asWritten === 'holds')
        ? [
            `${count(results.length, 'scenario')} hold${results.length === 1 ? 's' : ''}: nothing to mend`,
          ]
        : [count(results.length, 'scenario')]),
      count(figures.programs, 'different program'),
      count(figures.searches, 'search', 'searches'),
      `${grouped(figures.replayed)} decided by a run of another`,
      count(figures.states, 'state'),
      `${secondsText(seconds.reduce((a, b) => a + b, 0))} s`,
    ];
    print(`\n${wrap(parts.join(', '), t.columns).join('\n')}\n`);
    if (applied?.written !== undefined && text.name !== '-') print(`wrote ${text.name}\n`);
  }
  if (applied?.refused !== undefined) process.stderr.write(`suture: ${applied.refused}\n`);
  const violated = results.filter((r) => r.asWritten === 'violated');
  if (
    applied?.refused !== undefined ||
    violated.some((r) => r.mends.length === 0 && r.unfinished === 0)
  )
    return 1;
  return results.some(
    (r) => r.asWritten === 'unfinished' || r.unfinished > 0 || r.bound !== undefined,
  )
    ? 3
    : 0;
}

function shown({ text, t }: Asked, found: Mended, seconds: number, options: MendOptions): string {
  const time = `, ${secondsText(seconds)} s`;
  const lines = [
    '',
    ...wrap(t.plain(`"${found.scenario.name}"`), t.columns).map((l) => t.paint('bold', l)),
    ...wrap(t.plain(`${summary(found, options)}${time}`), t.columns),
  ];
  if (found.mends.length > 0) lines.push('');
  found.mends.forEach((m, i) => {
    const words = m.additions.map((a) => {
      const behind = a.kind === 'gate' ? undefined : (a.behind?.span.start ?? a.block.span.start);
      const line = behind === undefined ? '' : ` (${position(text, behind).line})`;
      return `${additionText(text.text, a)}${line}`;
    });
    const all = `${words.join('; ')}${m.text === undefined ? ': not as an edit' : ''}`;
    wrap(t.plain(all), t.columns - 9).forEach((l, k) => {
      lines.push(k === 0 ? `  set ${String(i + 1).padEnd(2)} ${l}` : `         ${l}`);
    });
  });
  return `${lines.join('\n')}\n`;
}

function summary(found: Mended, options: MendOptions): string {
  const open =
    found.unfinished > 0 || (found.asWritten === 'unfinished' && found.bound !== undefined)
      ? `; ${count(found.unfinished, 'set')} unfinished: ${boundText(found.bound, options)}`
      : '';
  if (found.asWritten === 'holds') return 'holds, and needs nothing more';
  if (found.asWritten === 'unfinished') return `unfinished as it is written${open}`;
  const violates = `violates ${found.violated.join(', ')}`;
  if (found.mends.length > 0) {
    const size = found.size === 1 ? 'one addition mends it' : `${found.size} additions mend it`;
    return `${violates}; ${size}, in ${count(found.mends.length, 'way')}${open}`;
  }
  const more = found.bound === undefined ? `; --most ${found.tried + 1} tries larger sets` : '';
  return `${violates}; of ${count(found.additions, 'addition')} no set of up to ${found.tried} mends it${open}${more}`;
}

function apply(
  text: Source,
  results: readonly Mended[],
  { set, json }: MendOptions,
): { readonly written?: number; readonly refused?: string } {
  const violated = results.filter((r) => r.asWritten === 'violated');
  const [only] = violated;
  if (!only) return { refused: 'nothing is written: nothing is to be mended' };
  if (violated.length > 1)
    return { refused: 'nothing is written: several scenarios are violated; --scenario says which' };
  const { mends } = only;
  if (mends.length === 0) return { refused: 'nothing is written: no set is known that mends it' };
  if (set === undefined && mends.length > 1)
    return { refused: `nothing is written: there are ${mends.length} sets; --set N says which` };
  const index = (set ?? 1) - 1;
  const chosen = mends[index];
  if (!chosen)
    return {
      refused: `there is no set ${set}; there ${mends.length === 1 ? 'is one' : `are ${mends.length}`}`,
    };
  if (chosen.text === undefined)
    return { refused: 'nothing is written: the text cannot say this set by an edit' };
  write(text.name, chosen.text, json === true);
  return { written: index };
}

function report(text: Source, found: Mended, seconds: number): unknown {
  return {
    name: found.scenario.name,
    span: place(text, found.scenario.span),
    asWritten: found.asWritten,
    violated: found.violated,
    additions: found.additions,
    size: found.size,
    tried: found.tried,
    mends: found.mends.map((m) => ({
      additions: m.additions.map((a) => ({
        kind: a.kind,
        text: additionText(text.text, a),
        behind: a.kind === 'gate' || !a.behind ? null : place(text, a.behind.span),
      })),
      edits: m.edits?.map((e) => ({ span: place(text, e.span), text: e.text })) ?? null,
      text: m.text ?? null,
    })),
    unfinished: found.unfinished,
    bound: found.bound ?? null,
    seconds: Math.round(seconds * 1000) / 1000,
  };
}
