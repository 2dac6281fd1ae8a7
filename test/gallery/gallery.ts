// The gallery as tests see it: every example, compiled, and what a scenario comes out as, in one line.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Compiled, Scenario, ScenarioResult } from '../../compiler/index.ts';
import { compile, Verification } from '../../compiler/index.ts';

const folder = resolve(import.meta.dirname, '../../examples');

export interface Example {
  readonly name: string;
  readonly text: string;
  readonly compiled: Compiled;
}

export const examples: readonly Example[] = readdirSync(folder)
  .filter((f) => f.endsWith('.suture'))
  .sort()
  .map((f) => {
    const text = readFileSync(join(folder, f), 'utf8');
    return { name: f.replace('.suture', ''), text, compiled: compile(text) };
  });

export function verify(compiled: Compiled, scenario: Scenario, maxStates?: number): ScenarioResult {
  const v = new Verification(compiled, scenario, maxStates === undefined ? {} : { maxStates });
  while (!v.advance(50_000).done);
  return v.result();
}

/** `file | scenario | verdict | states | transitions | depth | violations with the length of their runs`. */
export function line(example: string, r: ScenarioResult): string {
  const sum = (f: (c: ScenarioResult['checks'][number]['result']) => number): number =>
    r.checks.reduce((n, c) => n + f(c.result), 0);
  const violations = r.checks.map((c) =>
    c.result.violations.map((v) => `${v.property} ${v.schedule.length}`).join(', '),
  );
  return [
    example,
    r.scenario.name,
    r.verdict,
    sum((c) => c.states),
    sum((c) => c.transitions),
    Math.max(...r.checks.map((c) => c.result.depth)),
    [...new Set(violations)].join(' / '),
  ].join(' | ');
}
