// What a picture of a run is drawn from, held against pictures in text: a run is told in full, and read in review.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Compiled,
  compile,
  createMachine,
  programOf,
  type Telling,
  type Trace,
  tellAll,
  Verification,
  whyOf,
} from '../../compiler/index.ts';
import { bytesPicture, picture } from './picture.ts';

const root = join(import.meta.dirname, '../..');

interface Case {
  readonly example: string;
  readonly scenario: string;
  /** A property that is violated, or a witness that is reached. */
  readonly run: string;
}
const cases: readonly Case[] = [
  { example: 'two-stubs', scenario: 'an NMI in the shadow', run: 'stale_stub' },
  { example: 'two-stubs', scenario: 'IRQs on or off', run: 'trap at place' },
  { example: 'int3-emulate', scenario: 'as merged', run: 'pass place as new' },
  { example: 'int3-emulate', scenario: 'no first sync', run: 'torn_instruction' },
  { example: 'int3-emulate', scenario: 'no third sync, there and back', run: 'converges' },
  { example: 'int3-emulate', scenario: '#BP on its own stack', run: 'frame_intact' },
  { example: 'int3-emulate', scenario: 'user space, preempted', run: 'trap at place' },
  {
    example: 'int3-emulate',
    scenario: 'no second sync, as one CPU shows it',
    run: 'pass place as new',
  },
  { example: 'two-stubs', scenario: 'sync by NMI', run: 'stale_stub' },
];

const compiled = new Map<string, Compiled>();
function told(c: Case): { readonly telling: Telling; readonly trace: Trace } {
  const text = readFileSync(join(root, `examples/${c.example}.suture`), 'utf8');
  const spec = compiled.get(c.example) ?? compile(text);
  compiled.set(c.example, spec);
  const scenario = spec.scenarios.find((s) => s.name === c.scenario);
  if (!scenario) throw new Error(`no scenario ${c.scenario}`);
  const verification = new Verification(spec, scenario, {});
  while (!verification.advance(100_000).done);
  const checks = verification.result().checks;
  for (const [i, check] of checks.entries()) {
    const machine = createMachine(programOf(spec, scenario.checks[i] as never).program);
    const v = check.result.violations.findIndex((x) => x.property === c.run);
    const violation = check.result.violations[v];
    const trace = check.traces[v];
    if (violation && trace) {
      const names = violation.schedule.map((s) => s.name);
      const why = whyOf(violation, trace).flatMap((w) => w.step ?? []);
      return tellAll(machine, names, violation.initial, why);
    }
    const run = check.result.witnesses.find((w) => w.name === c.run)?.run;
    if (run)
      return tellAll(
        machine,
        run.schedule.map((s) => s.name),
        run.initial,
        [],
      );
  }
  throw new Error(`${c.scenario} has no run to ${c.run}`);
}

describe('a run is told', () => {
  for (const c of cases) {
    const name = `${c.example}, ${c.scenario}, ${c.run}`;
    test(name, () => {
      const { telling, trace } = told(c);
      const file = join(import.meta.dirname, 'pictures', `${name.replace(/\W+/g, '-')}.txt`);
      const text = `${name}\n\n${picture(telling)}\n\n${bytesPicture(telling)}\n`;
      if (process.env.SUTURE_PROMOTE) writeFileSync(file, text);
      expect(text).toBe(readFileSync(file, 'utf8'));
      sound(telling);
      agrees(telling, trace);
      // Plain data: it goes to another thread as it is, with what is shared still shared.
      const clone = structuredClone(telling);
      expect(clone).toEqual(telling);
    });
  }
});

/** What holds of every telling. */
function sound(t: Telling): void {
  expect(t.states.length).toBe(t.steps.length + 1);
  let end = 0;
  for (const f of t.folds) {
    expect(f.from).toBeGreaterThan(end);
    expect(f.to).toBeGreaterThan(f.from);
    end = f.to;
    const inside = t.steps.slice(f.from - 1, f.to);
    expect(inside.filter((s) => s.matters || s.violates)).toEqual([]);
    expect(
      inside.filter((s) => ['nmi', 'irq', 'trap', 'preempt', 'release'].includes(s.mark)),
    ).toEqual([]);
  }
  for (const a of t.arrows)
    if (a.taken !== undefined) expect(t.steps[a.taken - 1]?.mark).toBe('ipi');
}

/** What each CPU may fetch before the last step is what the trace says of it. */
function agrees(t: Telling, trace: Trace): void {
  const last = t.states[t.steps.length - 1];
  let compared = 0;
  for (const view of trace.views) {
    const at = t.stretches.findIndex((s) => s.name === view.name);
    const state = last?.bytes[at];
    if (!state) continue;
    for (const cpu of view.cpus) {
      const ours = state.cpus.find((c) => c.cpu === cpu.cpu);
      const all = cpu.bytes.map((_, i) => [
        ours?.newest[i] ?? 0,
        ...(ours?.older ?? []).flatMap((o) => (o.has[i] ? (o.bytes[i] ?? 0) : [])),
      ]);
      expect(all).toEqual(cpu.bytes.map((b) => [...b]));
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(0);
}
