// What a scenario's result tells: every run that was found, step by step, and the figures of its checks.

import {
  type CheckResult,
  type Compiled,
  createMachine,
  divergence,
  environment,
  messageOf,
  programOf,
  replay,
  type Scenario,
  type ScenarioResult,
  type SharedRun,
  tell,
  tellAll,
  whyOf,
} from '../compiler/index.ts';
import type { Alternative, CheckOutcome, Followed, Outcome, Run, RunKey } from './protocol.ts';

export function outcomeOf(
  compiled: Compiled,
  result: ScenarioResult,
  seconds: readonly number[],
): Omit<Outcome, 'kept'> {
  const checks = result.checks.map((c, i) => checkOutcome(compiled, result.scenario, i, c));
  const bound = checks.find((c) => c.bound !== undefined)?.bound;
  const sum = (of: (c: CheckResult) => number): number =>
    result.checks.reduce((n, c) => n + of(c), 0);
  return {
    verdict: result.verdict,
    asExpected: result.asExpected,
    ...(result.finding === undefined ? {} : { finding: result.finding }),
    ...(bound === undefined ? {} : { bound }),
    states: sum((c) => c.result.states),
    transitions: sum((c) => c.result.transitions),
    depth: Math.max(0, ...result.checks.map((c) => c.result.depth)),
    seconds: seconds.reduce((a, b) => a + b, 0),
    checks,
    runs: result.checks.flatMap((c, i) => runsOf(compiled, result.scenario, i, c)),
  };
}

function checkOutcome(
  compiled: Compiled,
  scenario: Scenario,
  index: number,
  { values, result, how }: CheckResult,
): CheckOutcome {
  const check = scenario.checks[index];
  const program = check ? programOf(compiled, check).program : undefined;
  // Without a shadow stack nothing can break its property.
  const judged = (program?.properties ?? []).filter(
    (name, i) => !program?.waived.has(i) && (name !== 'shadow_stack' || program?.env.shadowStack),
  );
  return {
    values,
    verdict: result.verdict,
    states: result.states,
    depth: result.depth,
    ...(result.bound === undefined ? {} : { bound: result.bound }),
    how,
    witnesses: result.witnesses.map((w) => ({ name: w.name, reached: w.run?.schedule.length })),
    environment: check ? environment(compiled, check) : [],
    judged,
    waived: [...(program?.waived ?? [])].map(([i, reason]) => ({
      name: program?.properties[i] ?? '',
      reason,
    })),
  };
}

/** Violations first, then witnesses, each in the search's order. */
function runsOf(
  compiled: Compiled,
  scenario: Scenario,
  index: number,
  c: CheckResult,
): readonly Run[] {
  const check = scenario.checks[index];
  if (!check) return [];
  const { program } = programOf(compiled, check);
  const machine = createMachine(program);
  const about = {
    scenario: scenario.name,
    check: index,
    values: c.values,
    cpus: program.env.cpus,
  };
  const violations = c.result.violations.map((v, i): Run => {
    const schedule = v.schedule.map((s) => s.name);
    const found = c.traces[i] ?? tell(machine, schedule, v.initial);
    const why = whyOf(v, found);
    const steps = why.flatMap((w) => w.step ?? []);
    return {
      ...about,
      kind: 'violation',
      name: v.property,
      message: messageOf(v, found),
      why,
      inevitableFrom: v.inevitableFrom,
      ...(v.loopFrom === undefined ? {} : { loopFrom: v.loopFrom + 1 }),
      schedule,
      initial: v.initial,
      ...tellAll(machine, schedule, v.initial, steps),
    };
  });
  const witnesses = c.result.witnesses.flatMap(({ name, run }): Run[] => {
    if (!run) return [];
    const schedule = run.schedule.map((s) => s.name);
    return [
      {
        ...about,
        kind: 'witness',
        name,
        message: '',
        why: [],
        inevitableFrom: undefined,
        schedule,
        initial: run.initial,
        ...tellAll(machine, schedule, run.initial, []),
      },
    ];
  });
  return [...violations, ...witnesses];
}

/** A run that came with a link, which may be of an older language or by anybody's hand: what it claims is not taken over. */
export function follow(compiled: Compiled, scenario: string, shared: SharedRun): Followed {
  const found = compiled.scenarios.find((s) => s.name === scenario);
  if (!found) return { notice: `the link's run is of a scenario that the text does not have` };
  const check = found.checks[shared.check];
  if (!check) return { notice: `the link's run is of a check that "${scenario}" does not have` };
  const { program } = programOf(compiled, check);
  const machine = createMachine(program);
  const { initial } = shared;
  if (machine.initial()[initial] === undefined)
    return { notice: `the link's run begins in a state that "${scenario}" does not have` };
  const whole = tell(machine, shared.schedule, initial);
  const other = divergence(whole, shared.schedule, shared.digests);
  const schedule = other ? shared.schedule.slice(0, other.step) : shared.schedule;
  const trace = other ? tell(machine, schedule, initial) : whole;
  const run: Run = {
    scenario,
    check: shared.check,
    values: check.values,
    kind: trace.violated === undefined ? 'witness' : 'violation',
    name: trace.violated ?? '',
    message: trace.message,
    why: trace.why.map((w) => ({ ...w, step: w.step === undefined ? undefined : w.step + 1 })),
    inevitableFrom: trace.violated === undefined ? undefined : 'not known',
    schedule,
    initial,
    cpus: program.env.cpus,
    shared: true,
    ...tellAll(
      machine,
      schedule,
      initial,
      trace.why.flatMap((w) => (w.step === undefined ? [] : [w.step + 1])),
    ),
  };
  return other
    ? {
        run,
        notice: `diverges at step ${other.step + 1}: expected ${other.expected}, got ${other.got}`,
      }
    : { run };
}

/** What is enabled behind `step` actions of a run, in the machine's order, each with what it would change. */
export function alternativesAt(
  compiled: Compiled,
  key: RunKey,
  step: number,
): readonly Alternative[] {
  const { machine, state, before } = reach(compiled, key, step);
  const actions = new Int32Array(1024);
  const count = machine.enabled(state, actions);
  const taken = key.schedule[step];
  return Array.from({ length: count }, (_, i): Alternative => {
    const name = machine.actionName(state, actions[i] as number);
    const told = tell(machine, [...before, name], key.initial);
    const last = told.steps[told.steps.length - 1];
    return {
      name,
      cpu: last?.cpu ?? 0,
      who: last?.who ?? '',
      text: last?.text ?? name,
      note: last?.note ?? '',
      ...(told.violated === undefined ? {} : { violates: told.violated }),
      taken: name === taken,
    };
  });
}

function reach(compiled: Compiled, key: RunKey, step: number) {
  const check = compiled.scenarios.find((s) => s.name === key.scenario)?.checks[key.check];
  if (!check) throw new Error(`the text has no such check: ${key.scenario}, ${key.check}`);
  const machine = createMachine(programOf(compiled, check).program);
  const before = key.schedule.slice(0, step);
  const end = replay(machine, before, { initial: key.initial });
  // Behind a step that violates there is no state: what could still be chosen is what stood before it.
  return { machine, state: end.state.slice(), before: before.slice(0, played(end, before.length)) };
}

const played = (end: ReturnType<typeof replay>, wanted: number): number =>
  end.kind === 'played' ? wanted : Math.max(0, end.steps.length - 1);
