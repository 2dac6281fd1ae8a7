// `suture try`: boots each scenario as an image, and compares what is observed with what the model allows.

import { source } from '../../grammar/index.ts';
import type { Compiled, Scenario } from '../compile.ts';
import { image, unbootable } from '../image/image.ts';
import { told } from '../image/told.ts';
import { compile, programOf } from '../index.ts';
import { Allowed, judge, type Trial } from '../trial.ts';
import { schemaVersion } from '../version.ts';
import { diagnose } from './diagnose.ts';
import { pick, readInputs, UsageError } from './files.ts';
import { boot, findQemu, type Qemu } from './qemu.ts';
import { count, grouped, type Terminal, terminal, toAscii } from './terminal.ts';

export interface TryOptions {
  readonly on: 'qemu';
  readonly scenario?: readonly string[];
  readonly passes: number;
  readonly maxStates?: number;
  readonly maxMemory: number;
  readonly timeout: number;
  readonly json?: boolean;
  readonly ascii?: boolean;
}

/** One check of a scenario, tried or not. */
interface Tried {
  readonly scenario: string;
  readonly values: readonly string[];
  readonly trial?: Trial;
  /** Why there is no image of it. */
  readonly without?: string;
  /** What went wrong with the machine itself. */
  readonly problem?: string;
}

/** States between two looks at the clock. */
const slice = 20_000;

export async function tryOn(name: string, options: TryOptions): Promise<number> {
  const input = readInputs([name], false)[0];
  if (input?.text === undefined) throw new UsageError(`${name}: ${input?.problem}`);
  const compiled = compile(input.text);
  const errors = terminal(process.stderr);
  const text = source(input.text, name);
  for (const d of compiled.diagnostics) process.stderr.write(diagnose(text, d, errors));
  if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
  const scenarios = options.scenario
    ? options.scenario.map((s) => pick(compiled.scenarios, s))
    : compiled.scenarios;
  const qemu = findQemu();
  if (!qemu)
    throw new UsageError(
      '`qemu-system-x86_64` is not here; Debian has it in the package qemu-system-x86',
    );
  const t = terminal(process.stdout, options.ascii === true);
  const print = (line: string): void => {
    if (!options.json) process.stdout.write(t.ascii ? toAscii(line) : line);
  };
  print(`${compiled.file?.name.text}  ${name}  on QEMU ${qemu.version}\n`);
  const all: Tried[] = [];
  for (const scenario of scenarios) {
    const tried = await tryScenario(compiled, scenario, qemu, options);
    all.push(...tried);
    print(show(t, tried));
  }
  if (options.json) {
    const document = {
      schemaVersion,
      on: 'qemu',
      version: qemu.version,
      file: name,
      protocol: compiled.file?.name.text ?? null,
      checks: all.map(report),
    };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  } else print(closing(all));
  if (all.some((x) => x.problem !== undefined || x.trial?.verdict === 'disagrees')) return 1;
  return all.some((x) => x.trial && x.trial.verdict !== 'agrees') ? 3 : 0;
}

async function tryScenario(
  compiled: Compiled,
  scenario: Scenario,
  qemu: Qemu,
  options: TryOptions,
): Promise<readonly Tried[]> {
  const done: Tried[] = [];
  for (const check of scenario.checks) {
    const { program } = programOf(compiled, check);
    const base = { scenario: scenario.name, values: check.values };
    const without = unbootable(program);
    if (without !== undefined) {
      done.push({ ...base, without });
      continue;
    }
    const allowed = new Allowed(program, {
      maxStates: options.maxStates,
      maxMemory: options.maxMemory * (1 << 20),
    });
    while (!allowed.advance(slice).done);
    const stuck = allowed.violated().includes('terminates');
    const made = image(program, { rounds: options.passes, stuck });
    if (typeof made === 'string') {
      done.push({ ...base, without: made });
      continue;
    }
    const { output, problem } = await boot(qemu, made.bytes, program.env.cpus, options.timeout);
    const seen = told(program, output);
    if (problem !== undefined || typeof seen === 'string') {
      const what = [problem, seen].filter((x) => typeof x === 'string').join('; ');
      done.push({ ...base, problem: what });
      continue;
    }
    done.push({ ...base, trial: judge(program, seen, allowed) });
  }
  return done;
}

// ---- text

const hex = (n: bigint): string => `0x${n.toString(16)}`;

function show(t: Terminal, tried: readonly Tried[]): string {
  return tried.map((x) => showCheck(t, x)).join('');
}

function showCheck(t: Terminal, x: Tried): string {
  const name = `${x.scenario}${x.values.length > 0 ? ` (${x.values.join(', ')})` : ''}`;
  const head = (mark: string, colour: 'green' | 'red' | 'yellow' | 'dim', word: string): string =>
    `${t.paint(colour, `${mark} ${word.padEnd(11)}`)} ${name}\n`;
  const under = (text: string): string => `              ${text}\n`;
  if (x.without !== undefined) return head('-', 'dim', 'no image') + under(x.without);
  if (!x.trial) return head('✗', 'red', 'failed') + under(x.problem ?? '');
  const { trial } = x;
  const lines: string[] = [
    trial.verdict === 'agrees'
      ? head('✓', 'green', 'agrees')
      : trial.verdict === 'disagrees'
        ? head('✗', 'red', 'disagrees')
        : head('?', 'yellow', trial.verdict),
  ];
  lines.push(
    under(
      [
        count(trial.rounds, 'round'),
        ...trial.outcomes.map((o) => `${o.name} ${grouped(o.observed)}`),
        ...trial.events.map((e) => `${e.name} ${grouped(e.count)}`),
      ].join(', '),
    ),
  );
  for (const f of trial.failures) {
    const what = `${f.kind} ${grouped(f.count)}`;
    if (f.explained !== undefined) {
      const by = f.explained === f.kind ? '' : `, which ${f.explained} explains`;
      lines.push(under(`${what}${by}`));
      continue;
    }
    lines.push(under(t.paint('red', `${what}, which the model does not allow`)));
    lines.push(under(evidence(f)));
  }
  for (const o of trial.outcomes) {
    if (o.observed > 0 && !o.allowed)
      lines.push(under(t.paint('red', `${o.name}: the model does not allow it`)));
    if (o.observed === 0 && o.allowed && trial.verdict === 'unseen')
      lines.push(under(`not seen: ${o.name}; \`--passes\` asks for more rounds`));
  }
  if (trial.bound !== undefined)
    lines.push(under(`what is allowed is not known: the search was ended by ${trial.bound}`));
  return lines.join('');
}

function evidence(f: Trial['failures'][number]): string {
  const bytes = [...f.text].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  return `first in round ${f.round} on cpu${f.cpu}: RIP ${hex(f.ip)}, RSP ${hex(f.sp)}, RFLAGS ${hex(f.flags)}; the place held ${bytes}`;
}

function closing(all: readonly Tried[]): string {
  const number = (verdict: Trial['verdict']): number =>
    all.filter((x) => x.trial?.verdict === verdict).length;
  const failed = all.filter((x) => x.problem !== undefined).length;
  const none = all.filter((x) => x.without !== undefined).length;
  const parts = [
    `${number('agrees')} agree`,
    ...(number('disagrees') > 0 ? [`${number('disagrees')} disagree`] : []),
    ...(number('unseen') > 0 ? [`${number('unseen')} did not show all that is allowed`] : []),
    ...(number('unfinished') > 0 ? [`${number('unfinished')} unfinished`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(none > 0 ? [`${none} without an image`] : []),
  ];
  return `\n${count(all.length, 'check')}: ${parts.join(', ')}\n`;
}

// ---- JSON

function report(x: Tried): unknown {
  const { trial } = x;
  return {
    scenario: x.scenario,
    values: x.values,
    verdict: trial?.verdict ?? (x.without === undefined ? 'failed' : 'no image'),
    reason: x.without ?? x.problem ?? trial?.bound ?? null,
    rounds: trial?.rounds ?? 0,
    outcomes: trial?.outcomes ?? [],
    violated: trial?.violated ?? [],
    failures: (trial?.failures ?? []).map((f) => ({
      kind: f.kind,
      count: f.count,
      allowedBy: f.explained ?? null,
      cpu: f.cpu,
      round: f.round,
      rip: hex(f.ip),
      rsp: hex(f.sp),
      rflags: hex(f.flags),
      cr2: hex(f.cr2),
      errorCode: hex(f.code),
      bytes: [...f.text].map((b) => b.toString(16).padStart(2, '0')).join(''),
    })),
    events: trial?.events ?? [],
  };
}
