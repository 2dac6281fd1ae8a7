// `suture replay`: a saved run against its spec, step by step, by names and by digests.

import { source } from '../../grammar/index.ts';
import type { Compiled } from '../compile.ts';
import { divergence } from '../divergence.ts';
import { compile, createMachine, programOf, tell } from '../index.ts';
import type { ViolationReport } from '../report.ts';
import { languageVersion, machineVersion, schemaVersion } from '../version.ts';
import { diagnose } from './diagnose.ts';
import { pick, readText, UsageError, why } from './files.ts';
import { runTable } from './run.ts';
import { count, terminal, toAscii } from './terminal.ts';

export interface ReplayOptions {
  readonly property?: string;
  readonly scenario?: string;
  readonly quiet?: boolean;
  readonly ascii?: boolean;
  readonly fullRun?: boolean;
}

/** A run out of a document. */
interface Saved {
  readonly file: string | undefined;
  readonly scenario: string | undefined;
  readonly violation: ViolationReport;
}

export function replay(name: string, file: string | undefined, options: ReplayOptions): number {
  const runs = savedRuns(name, parse(name)).filter(
    (r) =>
      (options.property === undefined || r.violation.property === options.property) &&
      (options.scenario === undefined ||
        r.scenario === undefined ||
        r.scenario === options.scenario),
  );
  if (runs.length === 0)
    throw new UsageError(
      `${name}: it has no run${options.property || options.scenario ? ' of that property and scenario' : ': nothing was violated'}`,
    );
  const specs = new Map<string, Compiled>();
  let worst = 0;
  for (const run of runs) {
    const path = specPath(name, run, file);
    let compiled = specs.get(path);
    if (!compiled) {
      compiled = load(path);
      if (!compiled) return 1;
      specs.set(path, compiled);
    }
    worst = Math.max(worst, replayOne(compiled, path, run, options));
  }
  return worst;
}

function parse(name: string): unknown {
  let text: string;
  try {
    text = readText(name);
  } catch (error) {
    throw new UsageError(`${name}: ${why(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name}: this is no JSON: ${(error as Error).message}`);
  }
}

/** The spec beside which the document was made: as named from here, or from where the document is. */
function specPath(name: string, run: Saved, file: string | undefined): string {
  const path = file ?? run.file;
  if (path === undefined)
    throw new UsageError(
      `${name}: it does not say which spec it belongs to; name it: suture replay ${name} FILE`,
    );
  if (path === '-' && file === undefined)
    throw new UsageError(
      `${name}: its spec came from standard input; name it: suture replay ${name} FILE`,
    );
  return path;
}

function load(path: string): Compiled | undefined {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    throw new UsageError(`${path}: ${why(error)}`);
  }
  const compiled = compile(text);
  const t = terminal(process.stderr);
  const named = source(text, path);
  for (const d of compiled.diagnostics) process.stderr.write(diagnose(named, d, t));
  return compiled.diagnostics.some((d) => d.severity === 'error') ? undefined : compiled;
}

function replayOne(compiled: Compiled, path: string, run: Saved, options: ReplayOptions): number {
  const { violation } = run;
  const t = terminal(process.stdout, options.ascii === true);
  const print = (text: string): void => {
    process.stdout.write(t.ascii ? toAscii(text) : text);
  };
  const scenario = pick(compiled.scenarios, run.scenario ?? options.scenario);
  const check = scenario.checks[violation.check];
  if (!check)
    throw new UsageError(
      `scenario "${scenario.name}" has ${count(scenario.checks.length, 'check')}, and the run is of check ${violation.check + 1}`,
    );
  const machine = createMachine(programOf(compiled, check).program);
  const { schedule, initial = 0, steps } = violation.trace;
  if (machine.initial()[initial] === undefined)
    throw new UsageError(`the run begins in initial state ${initial}, and there is none`);
  const trace = tell(machine, schedule, initial);
  const where = `${path}, "${scenario.name}", ${violation.property}`;
  const fail = (step: number, expected: string, got: string): number => {
    print(`${where}\ndiverges at step ${step}: expected ${expected}, got ${got}\n`);
    return 1;
  };
  const other = divergence(
    trace,
    schedule,
    steps.map((s) => s.digest),
  );
  if (other) return fail(other.step + 1, other.expected, other.got);
  // The document says each action twice.
  for (const [i, name] of schedule.entries()) {
    const saved = steps[i];
    if (saved && saved.action !== name) return fail(i + 1, saved.action, name);
  }
  // That a goal is lost is no step's doing: the run shows the way there, the search that none leads back.
  const goal = violation.property === 'terminates' || trace.violated === undefined;
  if (trace.violated !== undefined && trace.violated !== violation.property)
    return fail(schedule.length, violation.property, trace.violated);
  if (goal && !losable(machine, violation.property))
    return fail(schedule.length, violation.property, 'no violation');
  if (!options.quiet) {
    const shown = {
      property: violation.property,
      initial,
      schedule: schedule.map((name) => ({ action: 0, name })),
      inevitableFrom: violation.inevitableFrom ?? ('not known' as const),
    };
    const said = goal
      ? {
          ...trace,
          message: violation.message,
          why: violation.why.map((w) => ({
            step: w.step === null ? undefined : w.step - 1,
            text: w.text,
          })),
        }
      : trace;
    const text = source(compiled.text, path);
    print(
      `${where}\n\n${runTable({ compiled, text, check, violation: shown, trace: said }, t, options.fullRun === true)}\n\n`,
    );
  }
  print(
    `${where}: replayed, ${count(schedule.length, 'step')} and ${count(trace.steps.length, 'digest')} agree${goal ? '; that nothing leads back from there is what the search found' : ''}\n`,
  );
  return 0;
}

/** Whether the property can be violated by a goal that is lost. */
const losable = (
  machine: {
    readonly goals: readonly { readonly property: number }[];
    readonly properties: readonly string[];
  },
  property: string,
): boolean => machine.goals.some((g) => machine.properties[g.property] === property);

// ---- reading the document: it may be damaged, so nothing is taken on trust

type Unknown = Readonly<Record<string, unknown>>;

function savedRuns(name: string, document: unknown): readonly Saved[] {
  const damaged = (what: string): UsageError =>
    new UsageError(`${name}: not a verify document nor a violation of one: ${what}`);
  const record = (x: unknown, what: string): Unknown => {
    if (typeof x !== 'object' || x === null || Array.isArray(x))
      throw damaged(`${what} is not an object`);
    return x as Unknown;
  };
  const list = (x: unknown, what: string): readonly unknown[] => {
    if (!Array.isArray(x)) throw damaged(`${what} is not a list`);
    return x;
  };
  const text = (x: unknown, what: string): string => {
    if (typeof x !== 'string') throw damaged(`${what} is not a text`);
    return x;
  };
  const whole = (x: unknown, what: string): number => {
    if (!Number.isSafeInteger(x) || (x as number) < 0)
      throw damaged(`${what} is not a whole number`);
    return x as number;
  };
  const violation = (x: unknown, at: string): ViolationReport => {
    const v = record(x, at);
    const trace = record(v.trace, `${at}.trace`);
    const schedule = list(trace.schedule, `${at}.trace.schedule`).map((s, i) =>
      text(s, `${at}.trace.schedule[${i}]`),
    );
    if (schedule.length === 0) throw damaged(`${at}.trace.schedule is empty`);
    list(trace.steps, `${at}.trace.steps`).forEach((s, i) => {
      const step = record(s, `${at}.trace.steps[${i}]`);
      text(step.action, `${at}.trace.steps[${i}].action`);
      text(step.digest, `${at}.trace.steps[${i}].digest`);
    });
    list(v.why, `${at}.why`).forEach((w, i) => {
      const sentence = record(w, `${at}.why[${i}]`);
      text(sentence.text, `${at}.why[${i}].text`);
      if (sentence.step !== null) whole(sentence.step, `${at}.why[${i}].step`);
    });
    text(v.property, `${at}.property`);
    text(v.message, `${at}.message`);
    whole(v.check, `${at}.check`);
    if (trace.initial !== undefined) whole(trace.initial, `${at}.trace.initial`);
    if (v.inevitableFrom !== null) whole(v.inevitableFrom, `${at}.inevitableFrom`);
    return x as ViolationReport;
  };
  const top = record(document, 'the document');
  if (!('files' in top))
    return [{ file: undefined, scenario: undefined, violation: violation(top, 'violation') }];
  sayVersions(name, top);
  return list(top.files, 'files').flatMap((f, i) => {
    const file = record(f, `files[${i}]`);
    return list(file.scenarios, `files[${i}].scenarios`).flatMap((s, k) => {
      const scenario = record(s, `files[${i}].scenarios[${k}]`);
      const at = `files[${i}].scenarios[${k}].violations`;
      return list(scenario.violations, at).map((v, n) => ({
        file: text(file.file, `files[${i}].file`),
        scenario: text(scenario.name, `files[${i}].scenarios[${k}].name`),
        violation: violation(v, `${at}[${n}]`),
      }));
    });
  });
}

function sayVersions(name: string, document: Unknown): void {
  const say = (what: string, theirs: unknown, ours: string | number): void => {
    if (theirs !== ours)
      process.stderr.write(
        `suture: ${name} is of ${what} ${String(theirs)}, and this is ${ours}: it may not replay\n`,
      );
  };
  say('document schema', document.schemaVersion, schemaVersion);
  say('language', document.languageVersion, languageVersion);
  say('machine model', document.machineVersion, machineVersion);
}
