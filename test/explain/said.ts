// What is answered to the spec of an explanation: by the check, by `emit`, or by a search.

import type { Explanation } from '../../compiler/index.ts';
import { compile, emit, messageOf, programOf, Verification } from '../../compiler/index.ts';
import { position, source } from '../../grammar/index.ts';

interface Answer {
  /** `warning same-scenario`, or the property. */
  readonly what: string;
  readonly text: string;
}

export function said(e: Explanation, spec: string): readonly Answer[] {
  const compiled = compile(spec);
  const found = [...compiled.diagnostics];
  const check = compiled.scenarios[0]?.checks[0];
  if (e.kind === 'emit' && check)
    found.push(...emit(compiled, programOf(compiled, check)).diagnostics);
  const places = source(spec, 'SPEC');
  const answers = found.map((d): Answer => {
    const at = position(places, d.span.start);
    const fix = d.fix ? `\n  help: ${d.fix.title}` : '';
    return {
      what: `${d.severity} ${d.code}`,
      text: `${at.line}:${at.column}: ${d.severity}[${d.code}]: ${d.message}${fix}`,
    };
  });
  if (e.kind !== 'property') return answers;
  const searched = compiled.scenarios.flatMap((scenario) => {
    const search = new Verification(compiled, scenario, { maxStates: 1_000_000 });
    while (!search.advance(10_000).done);
    const result = search.result();
    if (result.verdict === 'unfinished') return [{ what: 'unfinished', text: scenario.name }];
    return result.checks.flatMap((c) =>
      c.result.violations.map((v, i): Answer => {
        const trace = c.traces[i];
        const message = trace ? `: ${messageOf(v, trace)}` : '';
        return {
          what: `violates ${v.property}`,
          text: `violates ${v.property}${message} (${v.schedule.length} steps)`,
        };
      }),
    );
  });
  return [...answers, ...searched];
}
