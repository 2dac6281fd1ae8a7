// `suture verify`: searches every scenario of the specs, and prints verdicts, findings and runs, or the document.

import { existsSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { place, type Source, source } from '../../grammar/index.ts';
import type { Compiled, Scenario } from '../compile.ts';
import { github } from '../github.ts';
import { compile, environment } from '../index.ts';
import { type JunitFile, junit } from '../junit.ts';
import { documentOf, fileReport, neverExecuted } from '../report.ts';
import { sarif } from '../sarif.ts';
import type { ScenarioResult } from '../verify.ts';
import { Certificate } from './certificate.ts';
import { checkpointFile, checkpointFolder, removeCheckpoint } from './checkpoint.ts';
import { Crew } from './crew.ts';
import { diagnose } from './diagnose.ts';
import { noScenario, readInputs, UsageError } from './files.ts';
import { type Run, runTable } from './run.ts';
import { type Done, type Settings, verifying } from './scenario.ts';
import { boundText } from './searched.ts';
import {
  count,
  grouped,
  megabytes,
  secondsText,
  type Terminal,
  terminal,
  toAscii,
  wrap,
} from './terminal.ts';
import { ownVersion } from './version.ts';

export const formats = ['text', 'json', 'sarif', 'junit', 'github'] as const;
type Format = (typeof formats)[number];

export interface VerifyOptions {
  readonly scenario?: readonly string[];
  readonly full?: boolean;
  readonly maxStates?: number;
  readonly maxMemory: number;
  readonly workers?: number;
  readonly timeout?: number;
  readonly failFast?: boolean;
  readonly quiet?: boolean;
  readonly format: Format;
  readonly json?: boolean;
  readonly ascii?: boolean;
  readonly fullRun?: boolean;
  readonly certificate?: string;
  readonly checkpoint?: string;
  readonly resume?: boolean;
  readonly interpreted?: boolean;
  readonly verbose?: boolean;
}

interface Totals {
  scenarios: number;
  asExpected: number;
  states: number;
  transitions: number;
  peak: number;
  /** Whether some check was decided by a reduced search. */
  reduced: boolean;
  findings: number;
  unfinished: number;
  usage: number;
}

export async function verify(names: readonly string[], options: VerifyOptions): Promise<number> {
  const format = options.json ? 'json' : options.format;
  const inputs = readInputs(names, true);
  const shown = terminal(process.stdout, options.ascii === true);
  // A document has no colours, wherever it is printed.
  const t: Terminal = format === 'text' ? shown : { ...shown, paint: (_, text) => text };
  const began = new Date();
  const started = performance.now();
  const crew = crewOf(options);
  const totals: Totals = {
    scenarios: 0,
    asExpected: 0,
    states: 0,
    transitions: 0,
    peak: 0,
    reduced: false,
    findings: 0,
    unfinished: 0,
    usage: 0,
  };
  const files: JunitFile[] = [];
  let kept: readonly string[] = [];
  const print = (text: string): void => {
    crew.progress.clear();
    if (format === 'text' && text !== '') process.stdout.write(t.ascii ? toAscii(text) : text);
  };
  try {
    const specs = inputs.flatMap((input) => {
      if (input.text !== undefined) return [{ name: input.name, compiled: compile(input.text) }];
      process.stderr.write(`suture: ${input.name}: ${input.problem}\n`);
      totals.usage++;
      return [];
    });
    knowScenarios(specs, options.scenario);
    const certificate = certificateOf(specs, options.certificate);
    kept = checkpointsOf(specs, options);
    const ordered = specs.map(({ name, compiled }) => {
      const wanted = compiled.scenarios.filter(
        (s) => !options.scenario || options.scenario.includes(s.name),
      );
      const searched = wanted.map((s) => crew.add(compiled, s, certificate?.of(compiled, s)));
      return { name, compiled, wanted, searched };
    });
    crew.begin();
    let failed = false;
    for (const { name, compiled, wanted, searched } of ordered) {
      if (failed) break;
      const text = source(compiled.text, name);
      const erroneous = compiled.diagnostics.some((d) => d.severity === 'error');
      if (erroneous) totals.findings++;
      if (wanted.length === 0 && !erroneous) continue;
      const view = new FileView(t, text, compiled, wanted, options);
      print(view.head());
      const results: Done[] = [];
      for (const search of searched) {
        const done = await search;
        results.push(done);
        tally(totals, done);
        print(view.scenario(done));
        failed = options.failFast === true && !done.result.asExpected;
        if (failed) break;
      }
      if (failed) crew.end();
      if (!options.scenario && results.length === wanted.length) print(view.unexecuted(results));
      files.push({
        report: fileReport(format === 'json' ? name : fromHere(name), compiled, results),
        runs: results.map(({ result }) => (format === 'junit' ? view.runs(result) : '')),
      });
    }
    if (certificate) {
      crew.progress.clear();
      process.stderr.write(`suture: ${certificate.end()}\n`);
    }
  } finally {
    crew.end();
  }
  if (crew.stopped === undefined && totals.unfinished === 0) kept.forEach(removeCheckpoint);
  if (format === 'text') {
    if (totals.scenarios > 0) print(closing(t, totals, (performance.now() - started) / 1000));
  } else process.stdout.write(written(format, files, began, totals.usage === 0));
  if (crew.stopped === 'interrupted')
    process.stderr.write('suture: interrupted; what was not searched to its end is unfinished\n');
  return totals.usage > 0 ? 2 : totals.findings > 0 ? 1 : totals.unfinished > 0 ? 3 : 0;
}

function crewOf(options: VerifyOptions): Crew<Settings, Done> {
  const { maxStates, maxMemory, timeout, workers, certificate } = options;
  return new Crew(verifying, {
    settings: {
      maxStates,
      maxMemory: maxMemory * (1 << 20),
      interpreted: options.interpreted === true,
      // A certificate holds every state.
      full: options.full === true || certificate !== undefined,
      checkpoint:
        options.checkpoint === undefined
          ? undefined
          : { folder: options.checkpoint, resume: options.resume === true },
    },
    // Its claims are written where the states are, one after the other.
    workers: certificate === undefined ? workers : 1,
    timeout,
    quiet: options.quiet === true,
  });
}

function written(
  format: Exclude<Format, 'text'>,
  files: readonly JunitFile[],
  began: Date,
  complete: boolean,
): string {
  const reports = files.map((f) => f.report);
  const lines = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  switch (format) {
    case 'json':
      return lines(documentOf(reports));
    case 'sarif':
      return lines(sarif(reports, { version: ownVersion, complete }));
    case 'junit':
      return junit(files, began.toISOString().slice(0, 19));
    case 'github':
      return github(reports);
  }
}

/** Services look for a file by its path from the folder in which the command runs. */
function fromHere(name: string): string {
  const path = isAbsolute(name) ? relative(process.cwd(), name) : name;
  return path === '' || path.startsWith('..') ? name : path;
}

/** Where the searches are kept while they go on. What is there from before is gone on from, or in the way. */
function checkpointsOf(
  specs: readonly { readonly compiled: Compiled }[],
  { checkpoint, resume, scenario, full }: VerifyOptions,
): readonly string[] {
  if (checkpoint === undefined) {
    if (resume) throw new UsageError('--resume goes with --checkpoint DIR: it says where from');
    return [];
  }
  checkpointFolder(checkpoint);
  const files = specs.flatMap(({ compiled }) =>
    compiled.scenarios
      .filter((s) => !scenario || scenario.includes(s.name))
      .map((s) => checkpointFile(checkpoint, compiled, s, full === true)),
  );
  const there = files.filter((f) => existsSync(f)).length;
  if (there > 0 && !resume)
    throw new UsageError(
      `${checkpoint} holds ${count(there, 'search', 'searches')} of these scenarios; add --resume to go on from there, or name another folder`,
    );
  if (resume)
    process.stderr.write(
      there > 0
        ? `suture: goes on from ${count(there, 'search', 'searches')} in ${checkpoint}\n`
        : `suture: ${checkpoint} holds no search of these scenarios; begins anew\n`,
    );
  return files;
}

/** Of the one spec that was named; with errors in it there is nothing to certify. */
function certificateOf(
  specs: readonly { readonly compiled: Compiled }[],
  name: string | undefined,
): Certificate | undefined {
  if (name === undefined) return undefined;
  const [spec, another] = specs;
  if (another) throw new UsageError('a certificate is of one spec; name one');
  return spec && spec.compiled.scenarios.length > 0
    ? new Certificate(name, spec.compiled.text)
    : undefined;
}

/** A name that no file has is a slip of the hand, and must not pass for success. */
function knowScenarios(
  specs: readonly { readonly compiled: Compiled }[],
  wanted: readonly string[] | undefined,
): void {
  if (!wanted || specs.some((s) => s.compiled.scenarios.length === 0)) return;
  const known = specs.flatMap((s) => s.compiled.scenarios.map((x) => x.name));
  for (const name of wanted) {
    if (known.includes(name)) continue;
    throw new UsageError(noScenario(name, known));
  }
}

function tally(totals: Totals, { result }: Done): void {
  totals.scenarios++;
  for (const c of result.checks) {
    totals.states += c.result.states;
    totals.transitions += c.result.transitions;
    totals.peak = Math.max(totals.peak, c.result.bytes);
    totals.reduced ||= c.result.search === 'reduced';
  }
  if (result.asExpected) totals.asExpected++;
  else if (result.incomplete) totals.unfinished++;
  else totals.findings++;
}

/** One file's part of the text. */
class FileView {
  private readonly t: Terminal;
  private readonly text: Source;
  private readonly compiled: Compiled;
  private readonly options: VerifyOptions;
  private readonly nameWidth: number;
  /** Whether verdict and judgement stand in one line. */
  private readonly wide: boolean;
  private headShown = false;

  constructor(
    t: Terminal,
    text: Source,
    compiled: Compiled,
    wanted: readonly Scenario[],
    options: VerifyOptions,
  ) {
    this.t = t;
    this.text = text;
    this.compiled = compiled;
    this.options = options;
    this.wide = t.columns >= 120;
    const longest = Math.max(12, ...wanted.map((s) => s.name.length));
    this.nameWidth = Math.min(longest, this.wide ? 48 : t.columns - 14 - figuresWidth);
  }

  head(): string {
    const found = this.compiled.diagnostics.map((d) => diagnose(this.text, d, this.t)).join('');
    if (found !== '') return found;
    return this.options.quiet ? '' : this.headLines();
  }

  private headLines(): string {
    this.headShown = true;
    const { t } = this;
    const name = this.compiled.file?.name.text ?? '';
    const summary = this.compiled.file?.summary.text ?? '';
    const path = this.text.name;
    const room = t.columns - name.length - path.length - 4;
    // A path is never broken: where it does not fit it has a line of its own.
    const line =
      room >= 24
        ? `${t.paint('bold', name)}  ${t.cut(summary, room)}  ${t.paint('dim', path)}`
        : `${t.paint('bold', name)}  ${t.cut(summary, t.columns - name.length - 2)}\n${t.paint('dim', path)}`;
    const titles = `${' '.repeat(14 + this.nameWidth)}${figures('states', 'transitions', 'depth', 'seconds')}`;
    return `${line}\n${t.paint('dim', titles)}\n`;
  }

  scenario({ result, seconds, begun }: Done): string {
    if (this.options.quiet && result.asExpected) return '';
    const { t } = this;
    const head = this.headShown ? '' : this.headLines();
    const all = result.checks.map((c) => c.result);
    const sum = (of: (r: (typeof all)[number]) => number): number =>
      all.reduce((n, r) => n + of(r), 0);
    const mark = result.asExpected ? '✓' : result.incomplete ? '…' : '✗';
    const colour = result.asExpected ? 'green' : result.incomplete ? 'yellow' : 'red';
    // Three characters: in ASCII the mark is wider.
    const verdict = `${(t.ascii ? toAscii(mark) : mark).padEnd(t.ascii ? 3 : 2)}${result.verdict}`;
    const row = [
      t.paint(colour, verdict.padEnd(14)),
      this.t.cut(result.scenario.name, this.nameWidth).padEnd(this.nameWidth),
      figures(
        grouped(sum((r) => r.states)),
        grouped(sum((r) => r.transitions)),
        String(Math.max(0, ...all.map((r) => r.depth))),
        secondsText(seconds.reduce((a, b) => a + b, 0)),
      ),
    ].join('');
    if (!begun)
      return `${head}${t.paint(colour, verdict.padEnd(14))}${t.cut(`${result.scenario.name}: not begun`, t.columns - 14)}\n`;
    const words = this.judgement(result);
    const lines = [row];
    if (this.wide && words.length > 0) {
      const width = t.columns - 14 - this.nameWidth - figuresWidth - 2;
      const [first = '', ...rest] = words.flatMap((w) => wrap(t.plain(w), Math.max(24, width)));
      lines[0] = `${row}  ${t.paint(colour, first)}`;
      const indent = ' '.repeat(14 + this.nameWidth + figuresWidth + 2);
      lines.push(...rest.map((r) => `${indent}${t.paint(colour, r)}`));
    } else if (!result.asExpected || result.verdict !== 'holds') {
      for (const w of words.flatMap((x) => wrap(t.plain(x), t.columns - 14)))
        lines.push(`${' '.repeat(14)}${t.paint(colour, w)}`);
    }
    if (this.options.verbose) {
      // Checks that were searched alike are one line.
      const how = [...new Set(result.checks.map((c) => c.how))];
      for (const w of how.flatMap((x) => wrap(x, t.columns - 14)))
        lines.push(`${' '.repeat(14)}${t.paint('dim', w)}`);
    }
    let out = `${head}${lines.join('\n')}\n`;
    if (!result.asExpected && !result.incomplete) out += this.environments(result);
    if (this.options.scenario || (!result.asExpected && !result.incomplete))
      out += this.runs(result);
    return out;
  }

  /** What was violated, and how that compares with what was expected. */
  private judgement(result: ScenarioResult): string[] {
    const shortest = new Map<string, number>();
    const longer = new Set<string>();
    for (const c of result.checks) {
      for (const v of c.result.violations) {
        shortest.set(
          v.property,
          Math.min(shortest.get(v.property) ?? Number.POSITIVE_INFINITY, v.schedule.length),
        );
        if (v.perhapsLonger) longer.add(v.property);
      }
    }
    const violated = [...shortest]
      .map(
        ([p, n]) =>
          `${p} (${count(n, 'step')}${longer.has(p) ? ', not known to be shortest' : ''})`,
      )
      .join(', ');
    const tail = result.asExpected
      ? 'as expected'
      : result.incomplete
        ? ''
        : (result.finding ?? 'not as expected');
    const lines = [[violated, tail].filter((x) => x !== '').join(result.asExpected ? ', ' : '; ')];
    const bounds = new Set(result.checks.flatMap((c) => c.result.bound ?? []));
    for (const b of bounds) lines.push(this.bound(b));
    // In a list of scenarios it would be noise, but for a property that was named and is not violated.
    const named = result.scenario.expected.properties;
    if (result.stronger && (this.options.scenario || named.some((p) => !shortest.has(p))))
      lines.push(`\`expect ${result.stronger}\` says more, and is true`);
    return lines.filter((l) => l !== '');
  }

  /** Which bound was hit, and what would raise it. */
  private bound(name: string): string {
    const { maxStates, maxMemory, timeout } = this.options;
    switch (name) {
      case 'states':
        return maxStates === undefined
          ? 'unfinished: no more states can be numbered'
          : `unfinished: ${count(maxStates, 'state')} stored; raise --max-states ${maxStates}`;
      case 'memory':
        return `unfinished: ${grouped(maxMemory)} MB are full; raise --max-memory ${maxMemory}`;
      case 'time':
        return `unfinished: ${timeout} s are over; raise --timeout ${timeout}`;
      default:
        return `unfinished: ${boundText(name, this.options)}`;
    }
  }

  /** A verdict that nobody expected prints what it rests on. */
  private environments(result: ScenarioResult): string {
    const { expected, checks } = result.scenario;
    const bad = result.checks.findIndex(({ result: r }) =>
      expected.kind === 'holds'
        ? r.verdict === 'violated'
        : !r.violations.some((v) => expected.properties.includes(v.property)),
    );
    const check = checks[Math.max(0, bad)];
    if (!check) return '';
    return wrap(
      this.t.plain(`environment: ${environment(this.compiled, check).join('; ')}`),
      this.t.columns - 14,
    )
      .map((l) => `${' '.repeat(14)}${this.t.paint('dim', l)}\n`)
      .join('');
  }

  /** The shortest run to each violated property, over all checks. */
  runs(result: ScenarioResult): string {
    const runs: Run[] = [];
    result.checks.forEach((c, i) => {
      c.result.violations.forEach((violation, k) => {
        const trace = c.traces[k];
        const check = result.scenario.checks[i];
        if (!trace || !check) return;
        const run = { compiled: this.compiled, text: this.text, check, violation, trace };
        const at = runs.findIndex((r) => r.violation.property === violation.property);
        const known = runs[at];
        if (!known) runs.push(run);
        else if (violation.schedule.length < known.violation.schedule.length) runs[at] = run;
      });
    });
    return runs
      .map((run) => `\n${runTable(run, this.t, this.options.fullRun === true)}\n\n`)
      .join('');
  }

  /** Statements that no check reached: the spec says something that it never tries. */
  unexecuted(results: readonly Done[]): string {
    const checks = results.flatMap((r) => r.result.checks);
    if (checks.some((c) => c.result.bound !== undefined)) return '\n';
    const never = neverExecuted(checks).map((span) => {
      const at = place(this.text, span);
      const words = this.text.text.slice(span.start, span.end).replace(/\s+/g, ' ');
      return `  ${this.text.name}:${at.line}:${at.column}: ${this.t.cut(words, 60)}`;
    });
    if (never.length === 0) return this.headShown ? '\n' : '';
    const head = this.headShown ? '' : this.headLines();
    return `${head}${this.t.paint('yellow', 'no scenario executes:')}\n${never.map((n) => `${this.t.cut(n, this.t.columns)}\n`).join('')}\n`;
  }
}

const figuresWidth = 39;
const figures = (states: string, transitions: string, depth: string, seconds: string): string =>
  `${states.padStart(11)}${transitions.padStart(12)}${depth.padStart(7)}${seconds.padStart(9)}`;

function closing(t: Terminal, totals: Totals, seconds: number): string {
  const all = totals.asExpected === totals.scenarios;
  const scenarios = count(totals.scenarios, 'scenario');
  const words = `${all ? scenarios : `${totals.asExpected} of ${scenarios}`} as expected`;
  const rest = `${count(totals.states, 'state')}, ${count(totals.transitions, 'transition')}${totals.reduced ? ', reduced' : ''}, ${secondsText(seconds)} s, peak memory ${megabytes(totals.peak)}`;
  const other = [
    ...(totals.findings > 0 ? [count(totals.findings, 'finding')] : []),
    ...(totals.unfinished > 0 ? [`${totals.unfinished} unfinished`] : []),
  ];
  const line = [words, ...other].join(', ');
  const colour = totals.findings > 0 ? 'red' : totals.unfinished > 0 ? 'yellow' : 'green';
  return line.length + rest.length + 2 <= t.columns
    ? `${t.paint(['bold', colour], line)}: ${rest}\n`
    : `${t.paint(['bold', colour], line)}\n${wrap(rest, t.columns).join('\n')}\n`;
}
