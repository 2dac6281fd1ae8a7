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

/** `examples/README.md`: what each file argues, in its own words, and what came out. */
export function page(lines: readonly string[]): string {
  const rows = lines.map((l) => l.split(' | '));
  const out = [
    '# The gallery',
    '',
    'Each file is one protocol with its broken twins: the argument in words, then as a spec. This page is made from the files and',
    'from what `suture verify examples` finds; the tests hold it against both.',
    '',
  ];
  for (const { name, text, compiled } of examples) {
    const file = compiled.file;
    if (!file) throw new Error(`${name} does not parse`);
    // The paragraph behind the head: the comment lines up to the first that is none.
    const first = text.indexOf('\n//');
    const argument = text
      .slice(first + 1)
      .split('\n')
      .slice(
        0,
        text
          .slice(first + 1)
          .split('\n')
          .findIndex((l) => !l.startsWith('//')),
      )
      .map((l) => l.replace(/^\/\/ ?/, ''));
    const sources = file.items.flatMap((i) => (i.kind === 'source' ? [i.text.text] : []));
    out.push(
      `## [${name}](${name}.suture)`,
      '',
      `**${file.summary.text}.** ${argument.join(' ')}`,
      '',
    );
    out.push(`Source: ${sources.join('; ')}.`, '');
    out.push('| scenario | verdict | states |', '|---|---|---|');
    for (const [example, scenario, verdict, states, , , violations] of rows) {
      if (example !== name) continue;
      const what = [...(violations ?? '').matchAll(/([a-z_]+) (\d+)/g)].map(
        (m) => `\`${m[1]}\` (${m[2]} steps)`,
      );
      const said = verdict === 'violated' ? `violates ${[...new Set(what)].join(', ')}` : verdict;
      out.push(`| ${scenario} | ${said} | ${Number(states).toLocaleString('en')} |`);
    }
    out.push('');
  }
  return out.join('\n');
}
