// `suture run`: one run of a spec as lanes: drawn from a seed, given by its steps, or the shortest to a witness.

import { randomInt } from 'node:crypto';
import { source } from '../../grammar/index.ts';
import type { Compiled, Scenario } from '../compile.ts';
import { compile, createMachine, programOf, tellAll, walk } from '../index.ts';
import { diagnose } from './diagnose.ts';
import { pick, pickCheck, readInputs, readText, UsageError, why } from './files.ts';
import { findRun } from './finding.ts';
import { lanes } from './lanes.ts';
import { count, terminal, wrap } from './terminal.ts';

export interface PlayOptions {
  readonly scenario?: string;
  /** From 1. */
  readonly check?: number;
  readonly seed?: number;
  readonly schedule?: string;
  readonly until?: string;
  readonly steps: number;
  readonly ascii?: boolean;
  readonly fullRun?: boolean;
}

/** A schedule, and where it comes from. */
interface Chosen {
  /** From 0. */
  readonly check: number;
  readonly initial: number;
  readonly schedule: readonly string[];
  readonly said: string;
}

export function play(name: string, options: PlayOptions): number {
  const { seed, schedule, until } = options;
  if ([seed, schedule, until].filter((x) => x !== undefined).length > 1)
    throw new UsageError('a run comes from --seed, --schedule or --until: say one of them');
  const input = readInputs([name], false)[0];
  if (input?.text === undefined) throw new UsageError(`${name}: ${input?.problem}`);
  const text = source(input.text, name);
  const compiled = compile(input.text);
  for (const d of compiled.diagnostics)
    process.stderr.write(diagnose(text, d, terminal(process.stderr)));
  if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
  const scenario = pick(compiled.scenarios, options.scenario);
  const chosen =
    until !== undefined
      ? reaching(compiled, scenario, until)
      : schedule !== undefined
        ? given(scenario, schedule, options)
        : drawn(compiled, scenario, options);
  return show(compiled, scenario, chosen, options);
}

function show(
  compiled: Compiled,
  scenario: Scenario,
  chosen: Chosen,
  { ascii, fullRun }: PlayOptions,
): number {
  const check = scenario.checks[chosen.check] as (typeof scenario.checks)[number];
  const machine = createMachine(programOf(compiled, check).program);
  const { schedule, initial } = chosen;
  // What matters is known when the run has been told once.
  const { why: reasons } = tellAll(machine, schedule, initial, []).trace;
  const { trace, telling } = tellAll(
    machine,
    schedule,
    initial,
    reasons.flatMap((w) => (w.step === undefined ? [] : [w.step + 1])),
  );
  const t = terminal(process.stdout, ascii === true);
  const values = check.values.length > 0 ? ` (${check.values.join(', ')})` : '';
  const lines = (text: string, indent = 0): string[] =>
    wrap(t.plain(text), t.columns - indent).map((l) => ' '.repeat(indent) + l);
  const out = [...lines(`"${scenario.name}"${values}, ${chosen.said}`), ''];
  out.push(...lanes(telling, t, fullRun === true), '');
  if (trace.diverged) {
    const { step, expected, got } = trace.diverged;
    out.push(
      ...lines(
        `diverges at step ${step + 1}: expected ${expected}, enabled: ${got.join(', ') || 'nothing'}`,
      ),
    );
  } else if (trace.violated !== undefined) {
    out.push(
      ...lines(`${trace.violated}: ${trace.message}`).map((l) => t.paint(['bold', 'red'], l)),
    );
    for (const w of trace.why)
      wrap(t.plain(w.text), t.columns - 9).forEach((l, k) => {
        out.push(
          `${(k > 0 ? '' : w.step === undefined ? '-' : `${w.step + 1}`).padStart(7)}  ${l}`,
        );
      });
  } else {
    out.push(...lines(`${count(trace.steps.length, 'step')}, and nothing is violated:`));
    for (const s of trace.standing ?? []) out.push(...lines(s, 2));
  }
  process.stdout.write(`${out.join('\n')}\n`);
  return trace.diverged || trace.violated !== undefined ? 1 : 0;
}

function reaching(compiled: Compiled, scenario: Scenario, until: string): Chosen {
  const found = findRun(compiled, scenario, until);
  if (!found) throw new UsageError(`no run of "${scenario.name}" ends in ${until}`);
  return { ...found, said: `the shortest run to ${until}` };
}

function given(scenario: Scenario, name: string, options: PlayOptions): Chosen {
  let text: string;
  try {
    text = readText(name);
  } catch (error) {
    throw new UsageError(`${name}: ${why(error)}`);
  }
  return {
    check: pickCheck(scenario, options.check),
    initial: 0,
    schedule: names(name, text),
    said: `as ${name} says`,
  };
}

/** A name of an action a line, or a JSON list of them, or an object that has one as `schedule`. */
function names(name: string, text: string): readonly string[] {
  if (!/^\s*[[{]/.test(text))
    return text
      .split('\n')
      .map((l) => l.trim())
      .filter((l) => l !== '' && !l.startsWith('#'));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name}: this is no JSON: ${(error as Error).message}`);
  }
  const list = Array.isArray(json) ? json : (json as { schedule?: unknown } | null)?.schedule;
  if (!Array.isArray(list) || !list.every((x) => typeof x === 'string'))
    throw new UsageError(
      `${name}: neither a list of names of actions nor an object with one as \`schedule\``,
    );
  return list;
}

function drawn(compiled: Compiled, scenario: Scenario, options: PlayOptions): Chosen {
  const check = pickCheck(scenario, options.check);
  const seed = options.seed ?? randomInt(1, 1_000_000);
  const machine = createMachine(
    programOf(compiled, scenario.checks[check] as (typeof scenario.checks)[number]).program,
  );
  const run = walk(machine, seed, options.steps, { last: (state) => machine.finished(state) });
  const end =
    run.kind === 'violated'
      ? `it violates ${run.property}`
      : run.kind === 'limit'
        ? `it leaves the model: ${run.limit}`
        : run.kind === 'stuck'
          ? 'nothing more can happen'
          : machine.finished(run.state)
            ? 'every patch has returned'
            : `more than --steps ${options.steps} are wanted`;
  return {
    check,
    initial: run.initial,
    schedule: run.steps.map((s) => s.name),
    said: `drawn with --seed ${seed}: ${end}`,
  };
}
