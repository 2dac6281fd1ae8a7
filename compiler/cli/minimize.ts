// `suture minimize`: what of a spec its verdicts need, as a table, as a document, and as a shorter spec.

import { place, position, type Source, type Span, source } from '../../grammar/index.ts';
import { type Compiled, compile, type Scenario } from '../compile.ts';
import { Minimization, type Minimized, type PieceResult } from '../minimize/minimize.ts';
import type { Kinds } from '../minimize/pieces.ts';
import type { Figures } from '../minimize/programs.ts';
import { becauseText, minimizedReport, pieceSpan, pieceText } from '../minimize/report.ts';
import type { Shortened } from '../minimize/shorten.ts';
import type { Evidence } from '../minimize/variants.ts';
import { languageVersion, machineVersion, schemaVersion } from '../version.ts';
import { Crew } from './crew.ts';
import { diagnose } from './diagnose.ts';
import { pick, readInputs, UsageError } from './files.ts';
import { type MendOptions, mend } from './mend.ts';
import { minimizing } from './minimizing.ts';
import { runTable } from './run.ts';
import { boundText, how, searched, write } from './searched.ts';
import { count, grouped, secondsText, type Terminal, terminal, toAscii, wrap } from './terminal.ts';

export interface MinimizeOptions extends MendOptions {
  readonly only?: Kinds;
  readonly workers?: number;
  readonly runs?: boolean;
  readonly mend?: boolean;
  readonly ascii?: boolean;
  readonly fullRun?: boolean;
}

export async function minimize(name: string, options: MinimizeOptions): Promise<number> {
  const input = readInputs([name], false)[0];
  if (input?.text === undefined) throw new UsageError(`${name}: ${input?.problem}`);
  const compiled = compile(input.text);
  const text = source(input.text, name);
  const errors = terminal(process.stderr);
  for (const d of compiled.diagnostics) process.stderr.write(diagnose(text, d, errors));
  if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
  const scenarios = options.scenario
    ? options.scenario.map((s) => pick(compiled.scenarios, s))
    : compiled.scenarios;
  const t = terminal(process.stdout, options.ascii === true);
  const view = new View(t, text, compiled, options);
  const print = (line: string): void => {
    // What comes from standard input goes to standard output, and nothing else does.
    if (!options.json && !(options.apply && name === '-'))
      process.stdout.write(t.ascii ? toAscii(line) : line);
  };
  print(view.head());
  if (options.mend) return mend({ compiled, text, t, print }, options);
  const seconds: number[] = [];
  const told = (found: Minimized, took: number): void => {
    seconds.push(took);
    print(view.scenario(found, took));
  };
  const { results, figures, short } = options.apply
    ? await together(compiled, scenarios, options, told)
    : await apart(compiled, scenarios, options, told);
  const applied = options.apply === true ? apply(name, input.text, short, options) : undefined;
  if (options.json) {
    const document = {
      schemaVersion,
      languageVersion,
      machineVersion,
      file: name,
      protocol: compiled.file?.name.text ?? null,
      scenarios: results.map((r, i) => minimizedReport(text, r, seconds[i] ?? 0)),
      programs: figures.programs,
      searches: figures.searches,
      replayed: figures.replayed,
      states: figures.states,
      ...(applied ? { applied: appliedReport(text, short, applied) } : {}),
    };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    print(closing(t, results, figures, seconds));
    if (applied) print(appliedText(t, text, short, applied));
  }
  if (applied?.refused !== undefined) process.stderr.write(`suture: ${applied.refused}\n`);
  if (applied && applied.written === undefined && applied.refused !== undefined) return 1;
  if (results.some((r) => r.asWritten === 'breaks')) return 1;
  return results.some(incomplete) ? 3 : 0;
}

interface Answers {
  readonly results: readonly Minimized[];
  readonly figures: Figures;
  readonly short?: Shortened | undefined;
}
type Told = (found: Minimized, seconds: number) => void;

/** All of them as one, for a text that is short for all. */
async function together(
  compiled: Compiled,
  scenarios: readonly Scenario[],
  options: MinimizeOptions,
  told: Told,
): Promise<Answers> {
  const bounds = { maxStates: options.maxStates, maxMemory: options.maxMemory * (1 << 20) };
  const work = new Minimization(compiled, scenarios, bounds, {
    kinds: options.only,
    shorter: true,
    how,
  });
  await searched(work, options, told);
  return { results: work.results(), figures: work.progress(), short: work.shortened() };
}

/** Each by itself, as many at once as there are workers: what is said does not depend on who searches what. */
async function apart(
  compiled: Compiled,
  scenarios: readonly Scenario[],
  options: MinimizeOptions,
  told: Told,
): Promise<Answers> {
  const { maxStates, maxMemory, only, timeout, workers, json } = options;
  const crew = new Crew(minimizing, {
    settings: { maxStates, maxMemory: maxMemory * (1 << 20), kinds: only },
    workers,
    timeout,
    quiet: json === true,
  });
  const results: Minimized[] = [];
  const figures = { programs: 0, searches: 0, replayed: 0, states: 0 };
  try {
    const searches = scenarios.map((s) => crew.add(compiled, s));
    crew.begin();
    for (const search of searches) {
      const found = await search;
      results.push(found.result);
      for (const name of Object.keys(figures) as (keyof typeof figures)[])
        figures[name] += found.figures[name];
      crew.progress.clear();
      told(found.result, found.seconds);
    }
  } finally {
    crew.end();
  }
  return { results, figures };
}

interface Applied {
  /** Index of the set whose text was written. */
  readonly written?: number;
  readonly refused?: string;
}

/** Writes the text of one minimal set; which, has to be said where there are several. */
function apply(
  name: string,
  before: string,
  short: Shortened | undefined,
  { set, json }: MinimizeOptions,
): Applied {
  if (!short)
    return { refused: 'nothing is taken out: not every scenario is as expected as it is written' };
  if (short.tooMany)
    return {
      refused: 'nothing is taken out: there are too many pieces; ask for fewer with --only',
    };
  const { texts } = short;
  const sure = texts.length === 1 && texts[0]?.minimal === true && short.unfinished === 0;
  if (texts.length === 0) return { refused: 'nothing is taken out: no set was fully searched' };
  if (set === undefined && !sure)
    return {
      refused:
        texts.length > 1
          ? `nothing is taken out: there are ${texts.length} minimal sets; --set N says which`
          : 'nothing is taken out: sets are unfinished, and another one may do; --set 1 takes the one that is known',
    };
  const index = (set ?? 1) - 1;
  const chosen = texts[index];
  if (!chosen)
    return {
      refused: `there is no set ${set}; there ${texts.length === 1 ? 'is one' : `are ${texts.length}`}`,
    };
  if (chosen.text === undefined)
    return {
      refused:
        'nothing is taken out: the text cannot say it, for a `define` is used where it is needed, too',
    };
  if (chosen.text !== before || name === '-') write(name, chosen.text, json === true);
  return { written: index };
}

const partText = (text: Source, p: { readonly kind: string; readonly span: Span }): string => {
  const words = text.text.slice(p.span.start, p.span.end).replace(/\s+/g, ' ');
  const short = p.kind === 'condition' ? words.slice(0, words.indexOf('{')).trim() : words;
  return `${short} (${position(text, p.span.start).line})`;
};

function appliedReport(text: Source, short: Shortened | undefined, applied: Applied): unknown {
  return {
    sets: (short?.texts ?? []).map((s) => ({
      without: s.without.map((p) => ({ kind: p.kind, span: place(text, p.span) })),
      minimal: s.minimal,
      text: s.text ?? null,
    })),
    written: applied.written ?? null,
    refused: applied.refused ?? null,
  };
}

function appliedText(
  t: Terminal,
  text: Source,
  short: Shortened | undefined,
  applied: Applied,
): string {
  const lines = (short?.texts ?? []).flatMap((s, i) => {
    const words =
      s.without.length === 0
        ? 'all of it is needed'
        : `without ${s.without.map((p) => partText(text, p)).join('; ')}`;
    return wrap(t.plain(words), t.columns - 9).map((l, k) =>
      k === 0 ? `  set ${String(i + 1).padEnd(2)} ${l}` : `         ${l}`,
    );
  });
  const chosen = applied.written === undefined ? undefined : short?.texts[applied.written];
  const done = !chosen
    ? []
    : text.name === '-'
      ? []
      : chosen.text === text.text
        ? [`${text.name} stays as it is`]
        : [`wrote ${text.name}: ${count(chosen.without.length, 'piece')} taken out`];
  return `\n${[...lines, ...done].join('\n')}\n`;
}

const incomplete = (r: Minimized): boolean =>
  r.asWritten === 'unfinished' || r.unfinished > 0 || r.tooMany || r.crowded > 0;

class View {
  private readonly t: Terminal;
  private readonly text: Source;
  private readonly compiled: Compiled;
  private readonly options: MinimizeOptions;

  constructor(t: Terminal, text: Source, compiled: Compiled, options: MinimizeOptions) {
    this.t = t;
    this.text = text;
    this.compiled = compiled;
    this.options = options;
  }

  head(): string {
    const { t } = this;
    const name = this.compiled.file?.name.text ?? '';
    const line = `${t.paint('bold', name)}  ${t.paint('dim', this.text.name)}`;
    return `${name.length + this.text.name.length + 2 <= t.columns ? line : `${t.paint('bold', name)}\n${t.paint('dim', this.text.name)}`}\n`;
  }

  scenario(found: Minimized, seconds: number): string {
    const { t } = this;
    const title = `"${found.scenario.name}", ${expectation(found.scenario)}`;
    const lines = [
      '',
      ...wrap(t.plain(title), t.columns).map((l) => t.paint('bold', l)),
      ...wrap(t.plain(this.summary(found, seconds)), t.columns),
    ];
    if (found.asWritten === 'keeps' && !found.tooMany && found.pieces.length > 0)
      lines.push('', ...this.table(found));
    if (found.sets.length > 1) {
      lines.push('');
      found.sets.forEach((s, i) => {
        const kept = s.kept.map((k) => this.short(found.pieces[k] as PieceResult));
        const words = kept.length > 0 ? kept.join('; ') : 'nothing of all this';
        wrap(t.plain(words), t.columns - 9).forEach((l, k) => {
          lines.push(k === 0 ? `  set ${String(i + 1).padEnd(2)} ${l}` : `         ${l}`);
        });
      });
    }
    if (this.options.runs)
      for (const p of found.pieces) if (p.evidence) lines.push('', ...this.run(found, p));
    return `${lines.join('\n')}\n`;
  }

  private summary(found: Minimized, seconds: number): string {
    const time = `, ${secondsText(seconds)} s`;
    if (found.asWritten === 'breaks') {
      const why = found.because ? `: ${becauseText(found.because)}` : '';
      return `not as expected as it is written${why}`;
    }
    if (found.asWritten === 'unfinished')
      return `unfinished as it is written: ${boundText(found.bound, this.options)}`;
    if (found.tooMany)
      return `unfinished: ${found.pieces.length} pieces have too many sets; ask for fewer with --only`;
    const crowd =
      found.crowded > 0
        ? `; the orders of ${found.crowded} phases in one block are too many, and not looked at`
        : '';
    if (found.pieces.length === 0) return `there is nothing to take out${crowd}`;
    const sizes = found.sets.map((s) => s.kept.length);
    const of = `of ${count(found.pieces.length, 'piece')}`;
    const sure = found.sets.every((s) => s.minimal);
    const open =
      found.unfinished > 0
        ? `; ${count(found.unfinished, 'set')} unfinished: ${boundText(found.bound, this.options)}`
        : '';
    if (found.sets.length === 0) return `no set is known${open}`;
    const sets =
      found.sets.length === 1
        ? sizes[0] === 0
          ? `needs none ${of}`
          : `one minimal set, ${sizes[0]} ${of}`
        : `${found.sets.length} minimal sets, ${[...new Set(sizes)].join(' or ')} ${of}`;
    return `${sets}${sure ? '' : ', as far as is known'}${open}${crowd}${time}`;
  }

  private line(p: PieceResult): number {
    return position(this.text, pieceSpan(p.piece).start).line;
  }
  private short(p: PieceResult): string {
    return `${pieceText(p.piece, this.text.text)} (${this.line(p)})`;
  }

  private table(found: Minimized): string[] {
    const { t } = this;
    const rows = found.pieces.map((p) => ({
      line: String(this.line(p)),
      piece: pieceText(p.piece, this.text.text),
      needed: this.needed(found, p),
      without: this.without(found, p),
    }));
    const line = Math.max(4, ...rows.map((r) => r.line.length));
    const needed = Math.max(6, ...rows.map((r) => r.needed.length));
    const longest = Math.max(5, ...rows.map((r) => r.piece.length));
    const piece = Math.min(longest, Math.max(24, t.columns - line - needed - 8 - 26));
    const room = t.columns - line - piece - needed - 8;
    const out = [
      t.paint(
        'dim',
        `  ${'line'.padStart(line)}  ${'piece'.padEnd(piece)}  ${'needed'.padEnd(needed)}  without it`,
      ),
    ];
    rows.forEach((r, i) => {
      const colour = (found.pieces[i] as PieceResult).needed === 'never' ? 'dim' : 'green';
      const pieces = wrap(t.plain(r.piece), piece);
      const without = wrap(t.plain(r.without), room);
      for (let k = 0; k < Math.max(pieces.length, without.length); k++) {
        const first = k === 0;
        const head = `  ${(first ? r.line : '').padStart(line)}  ${(pieces[k] ?? '').padEnd(piece)}  `;
        const word = (first ? r.needed : '').padEnd(needed);
        out.push(`${head}${t.paint(colour, word)}  ${without[k] ?? ''}`.trimEnd());
      }
    });
    return out;
  }

  private needed(found: Minimized, p: PieceResult): string {
    const at = found.pieces.indexOf(p);
    switch (p.needed) {
      case 'always':
        return 'yes';
      case 'never':
        return 'no';
      case 'implied':
        return 'follows';
      case 'not known':
        return '?';
      case 'in some sets': {
        const sets = found.sets.flatMap((s, i) => (s.kept.includes(at) ? [i + 1] : []));
        return `set ${sets.join(', ')}`;
      }
    }
  }

  /** What the shortest run comes to, and what else is as in no text. */
  private without(found: Minimized, p: PieceResult): string {
    const e = p.evidence;
    if (!e) return p.needed === 'never' ? this.decided(found, p) : '';
    const steps = e.run ? `, ${count(e.run.violation.schedule.length, 'step')}` : '';
    const how = this.how(found, p, e);
    return `${becauseText(e.because)}${steps}${how === '' ? '' : ` (${how})`}`;
  }

  /** How a condition that nothing needs is decided where it is gone. */
  private decided(found: Minimized, p: PieceResult): string {
    const at = found.pieces.indexOf(p);
    const ways = new Set(
      found.sets.flatMap((s) => s.ways.filter((w) => w.piece === at).map((w) => w.way)),
    );
    if (ways.size !== 1) return '';
    return ways.has('then') ? 'taken always' : 'taken never';
  }

  private how(found: Minimized, p: PieceResult, e: Evidence): string {
    const at = found.pieces.indexOf(p);
    const others = found.pieces.filter((_, i) => i !== at && (e.gone & (1 << i)) !== 0);
    const way = e.ways.find((w) => w.piece === at)?.way;
    return [
      ...(way === undefined ? [] : [way === 'then' ? 'taken always' : 'taken never']),
      ...e.orders.map((o) => o.join(', ')),
      ...(others.length > 0 ? [`with ${count(others.length, 'piece')} more gone`] : []),
    ].join('; ');
  }

  private run(found: Minimized, p: PieceResult): string[] {
    const { t } = this;
    const e = p.evidence as Evidence;
    const how = this.how(found, p, e);
    const head = `Without ${this.short(p)}${how === '' ? '' : ` (${how})`}:`;
    const lines = wrap(t.plain(head), t.columns).map((l) => t.paint('bold', l));
    const check = found.scenario.checks[e.check];
    if (!e.run || !check) return [...lines, '', `  ${t.plain(becauseText(e.because))}`];
    const run = { compiled: this.compiled, text: this.text, check, ...e.run };
    return [...lines, '', runTable(run, t, this.options.fullRun === true)];
  }
}

function expectation({ expected }: Scenario): string {
  if (expected.kind === 'holds') return 'expect holds';
  return `expect violates ${expected.only ? 'only ' : ''}${expected.properties.join(' or ')}`;
}

function closing(
  t: Terminal,
  results: readonly Minimized[],
  figures: Figures,
  seconds: readonly number[],
): string {
  const open = results.filter(incomplete).length;
  const wrong = results.filter((r) => r.asWritten === 'breaks').length;
  const parts = [
    count(results.length, 'scenario'),
    ...(wrong > 0 ? [`${wrong} not as expected`] : []),
    ...(open > 0 ? [`${open} unfinished`] : []),
    count(figures.programs, 'different program'),
    count(figures.searches, 'search', 'searches'),
    `${grouped(figures.replayed)} decided by a run of another`,
    count(figures.states, 'state'),
    `${secondsText(seconds.reduce((a, b) => a + b, 0))} s`,
  ];
  return `\n${wrap(parts.join(', '), t.columns).join('\n')}\n`;
}
