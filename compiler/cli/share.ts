// `suture share` and `suture open`: a spec, and a run of it, as a link and back, without a network.

import { existsSync, writeFileSync } from 'node:fs';
import { source } from '../../grammar/index.ts';
import type { Compiled, Scenario } from '../compile.ts';
import { divergence } from '../divergence.ts';
import {
  compile,
  createMachine,
  decodeLink,
  encodeLink,
  longLink,
  programOf,
  type Shared,
  type SharedRun,
  tell,
} from '../index.ts';
import { diagnose } from './diagnose.ts';
import { pick, readInputs, UsageError, why } from './files.ts';
import { findRun } from './finding.ts';
import { runTable } from './run.ts';
import { count, terminal } from './terminal.ts';

export interface ShareOptions {
  readonly scenario?: string;
  readonly finding?: string;
  readonly step?: number;
  readonly base: string;
}

export interface OpenOptions {
  readonly output?: string;
  readonly fullRun?: boolean;
}

export async function share(name: string, options: ShareOptions): Promise<number> {
  const input = readInputs([name], false)[0];
  if (input?.text === undefined) throw new UsageError(`${name}: ${input?.problem}`);
  let shared: Shared = { source: input.text };
  if (options.scenario !== undefined) {
    const compiled = compile(input.text);
    const text = source(input.text, name);
    for (const d of compiled.diagnostics)
      process.stderr.write(diagnose(text, d, terminal(process.stderr)));
    if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
    const scenario = pick(compiled.scenarios, options.scenario);
    const run = runOf(compiled, scenario, options);
    shared = { ...shared, scenario: scenario.name, ...(run ? { run } : {}) };
  } else if (options.finding !== undefined || options.step !== undefined)
    throw new UsageError('a run is shared with its scenario: add --scenario NAME');
  const link = `${options.base}#${await encodeLink(shared)}`;
  process.stdout.write(`${link}\n`);
  const { run } = shared;
  process.stderr.write(
    `${count(link.length, 'character')}${run ? `, with the run to ${run.finding} (${count(run.schedule.length, 'step')})` : ''}\n`,
  );
  if (link.length > longLink)
    process.stderr.write(
      `suture: chats cut links after about ${longLink} characters, a prefilled issue after 8000: rather send ${name} itself\n`,
    );
  return 0;
}

function runOf(
  compiled: Compiled,
  scenario: Scenario,
  { finding, step }: ShareOptions,
): SharedRun | undefined {
  const found = findRun(compiled, scenario, finding);
  if (!found) return undefined;
  const { check, name, initial, schedule } = found;
  if (step !== undefined && step > schedule.length)
    throw new UsageError(`the run to ${name} has ${count(schedule.length, 'step')}`);
  const machine = createMachine(
    programOf(compiled, scenario.checks[check] as (typeof scenario.checks)[number]).program,
  );
  return {
    check,
    finding: name,
    initial,
    schedule,
    digests: tell(machine, schedule, initial).steps.map((s) => s.digest),
    step: step ?? schedule.length,
  };
}

export async function open(link: string, options: OpenOptions): Promise<number> {
  const at = link.indexOf('#');
  const shared = await decodeLink(at < 0 ? link : link.slice(at));
  if ('damaged' in shared) throw new UsageError(shared.damaged);
  if (options.output === undefined && shared.run === undefined) {
    process.stdout.write(shared.source);
    return 0;
  }
  if (options.output !== undefined) {
    if (existsSync(options.output))
      throw new UsageError(`${options.output}: there is such a file already; name another one`);
    try {
      writeFileSync(options.output, shared.source);
    } catch (error) {
      throw new UsageError(`${options.output}: ${why(error, 'written')}`);
    }
    process.stderr.write(`wrote ${options.output}\n`);
  }
  return shared.run ? follow(shared, shared.run, options) : 0;
}

/** Replays the run of a link; a link may be older than what reads it. */
function follow(shared: Shared, run: SharedRun, options: OpenOptions): number {
  const compiled = compile(shared.source);
  const name = options.output ?? 'the link';
  const text = source(shared.source, name);
  for (const d of compiled.diagnostics)
    process.stderr.write(diagnose(text, d, terminal(process.stderr)));
  if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
  const scenario = pick(compiled.scenarios, shared.scenario);
  const check = scenario.checks[run.check];
  if (!check)
    throw new UsageError(
      `the link's run is of check ${run.check + 1} of "${scenario.name}", which has ${count(scenario.checks.length, 'check')}`,
    );
  const machine = createMachine(programOf(compiled, check).program);
  if (machine.initial()[run.initial] === undefined)
    throw new UsageError(
      `the link's run begins in initial state ${run.initial + 1}, and there is none`,
    );
  const trace = tell(machine, run.schedule, run.initial);
  const other = divergence(trace, run.schedule, run.digests);
  if (other) {
    process.stdout.write(
      `diverges at step ${other.step + 1}: expected ${other.expected}, got ${other.got}\n`,
    );
    return 1;
  }
  const violation = {
    property: run.finding,
    initial: run.initial,
    schedule: run.schedule.map((action) => ({ action: 0, name: action })),
    inevitableFrom: 'not known' as const,
  };
  process.stdout.write(
    `"${scenario.name}", ${run.finding}\n\n${runTable({ compiled, text, check, violation, trace }, terminal(process.stdout), options.fullRun === true)}\n`,
  );
  return 0;
}
