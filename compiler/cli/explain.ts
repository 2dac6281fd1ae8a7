// `suture explain`: what a diagnostic or a property means, with a spec that fails, what is said of it, and what mends it.

import { nearest, source } from '../../grammar/index.ts';
import { groups, mending } from '../explain/index.ts';
import {
  compile,
  type Explanation,
  emit,
  explanations,
  messageOf,
  programOf,
  Verification,
} from '../index.ts';
import { diagnose } from './diagnose.ts';
import { UsageError } from './files.ts';
import { count, type Terminal, terminal, wrap } from './terminal.ts';

export function explain(name: string | undefined): number {
  const t = terminal(process.stdout);
  if (name === undefined) {
    process.stdout.write(list(t));
    return 0;
  }
  const found = explanations.find((e) => e.name === name.replace(/^.*\[|\].*$/g, '').trim());
  if (!found) {
    const near = nearest(
      name,
      explanations.map((e) => e.name),
    );
    throw new UsageError(
      `nothing is called \`${name}\`${near ? `; did you mean \`${near}\`?` : ''} (\`suture explain\` lists what there is)`,
    );
  }
  process.stdout.write(one(found, t));
  return 0;
}

function list(t: Terminal): string {
  const widest = Math.max(...explanations.map((e) => e.name.length));
  const table = groups.map(({ title, of }) => {
    const rows = of.map((e) => {
      const first = /^.*?[.:](?= |$)/.exec(e.text)?.[0].slice(0, -1) ?? e.text;
      return `  ${e.name.padEnd(widest)}  ${t.cut(first, t.columns - widest - 4)}`;
    });
    return `${t.paint('bold', title)}\n${rows.join('\n')}\n`;
  });
  return `${table.join('\n')}\n${t.paint('dim', 'suture explain NAME shows one, with a spec that fails and what mends it')}\n`;
}

function one(e: Explanation, t: Terminal): string {
  const colour = e.kind === 'warning' ? 'yellow' : e.kind === 'property' ? 'cyan' : 'red';
  const kind = e.kind === 'emit' ? 'error of `suture emit`' : e.kind;
  const head = `${t.paint(['bold', colour], e.name)}  ${t.paint('dim', kind)}`;
  const lines = [head, '', ...wrap(e.text, Math.min(t.columns, 90))];
  if (!e.specs) return `${lines.join('\n')}\n`;
  const shown = e.specs.fails
    .trimEnd()
    .split('\n')
    .map((l, i) => `${t.paint('dim', String(i + 1).padStart(4))}  ${t.cut(l, t.columns - 6)}`);
  lines.push(
    '',
    t.paint('bold', 'This fails:'),
    '',
    ...shown,
    '',
    said(e, e.specs.fails, t).trimEnd(),
  );
  lines.push('', t.paint('bold', 'This mends it:'), '');
  for (const l of mending(e.specs)) {
    const cut = `  ${t.cut(l, t.columns - 2)}`;
    lines.push(
      l.startsWith('-') ? t.paint('red', cut) : l.startsWith('+') ? t.paint('green', cut) : cut,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** What the command answers to the spec: nothing of it is written down beforehand. */
function said(e: Explanation, spec: string, t: Terminal): string {
  const compiled = compile(spec);
  const text = source(spec, 'SPEC');
  const found = [...compiled.diagnostics];
  const scenario = compiled.scenarios[0];
  const check = scenario?.checks[0];
  if (e.kind === 'emit' && check)
    found.push(...emit(compiled, programOf(compiled, check)).diagnostics);
  if (e.kind !== 'property' || !scenario) return found.map((d) => diagnose(text, d, t)).join('');
  const search = new Verification(compiled, scenario, {});
  while (!search.advance(10_000).done);
  return search
    .result()
    .checks.flatMap(({ result, traces }) =>
      result.violations.map((v, i) => {
        const trace = traces[i];
        const why = trace ? `: ${messageOf(v, trace)}` : '';
        return `${t.paint('red', `violates ${v.property}`)}${why} (${count(v.schedule.length, 'step')})`;
      }),
    )
    .join('\n');
}
