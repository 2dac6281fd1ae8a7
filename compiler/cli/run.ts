// A run as a table that reads without help: a column for each CPU, what was done, and the sentences on why.

import { position, type Source } from '../../grammar/index.ts';
import type { Compiled } from '../compile.ts';
import { nearLabel } from '../emulator/machine.ts';
import type { Violation } from '../explorer/index.ts';
import { programOf, type Trace, type TraceStep, type Why } from '../index.ts';
import { region } from '../ir.ts';
import { hex, messageOf, whyOf } from '../report.ts';
import type { Check } from '../scenario.ts';
import { type Terminal, wrap } from './terminal.ts';

export interface Run {
  readonly compiled: Compiled;
  readonly text: Source;
  readonly check: Check;
  readonly violation: Violation;
  readonly trace: Trace;
}

/** A line of the table: one step, or several quiet ones. */
interface Row {
  readonly first: number;
  readonly last: number;
  /** Who acts, by CPU. */
  readonly who: ReadonlyMap<number, string>;
  readonly address: string;
  readonly bytes: string;
  readonly text: string;
  readonly line: string;
  /** An instruction has address and bytes of its own. */
  readonly instruction: boolean;
}

export function runTable(run: Run, t: Terminal, full: boolean): string {
  const { trace, violation, check } = run;
  const why = whyOf(violation, trace);
  const marked = new Set(why.flatMap((w) => (w.step === undefined ? [] : [w.step])));
  const values = check.values.length > 0 ? ` (${check.values.join(', ')})` : '';
  const head = `${violation.property}${values}: ${messageOf(violation, trace)}`;
  const lines: string[] = wrap(t.plain(head), t.columns).map((l) => t.paint(['bold', 'red'], l));
  lines.push('', ...table(run, marked, t, full), '');
  for (const w of sentences(why)) {
    const number = w.step === undefined ? '-' : String(w.step);
    wrap(t.plain(w.text), t.columns - 10).forEach((l, i) => {
      lines.push(
        i === 0 ? `${t.paint('yellow', '>')} ${number.padStart(5)}  ${l}` : `         ${l}`,
      );
    });
  }
  const { inevitableFrom: from } = violation;
  if (from !== 'not known' && from < violation.schedule.length)
    lines.push(
      ...wrap(
        from === 0
          ? 'Every run of this environment violates some property.'
          : `From step ${from} on every continuation violates some property.`,
        t.columns - 9,
      ).map((l) => `         ${l}`),
    );
  lines.push(...views(run, t));
  return lines.join('\n');
}

/** One sentence a step. */
function sentences(why: readonly Why[]): readonly Why[] {
  const out: Why[] = [];
  for (const w of why) {
    const last = out[out.length - 1];
    if (last && w.step !== undefined && last.step === w.step)
      out[out.length - 1] = { step: w.step, text: `${last.text}; ${w.text}` };
    else out.push(w);
  }
  return out;
}

function table(run: Run, marked: ReadonlySet<number>, t: Terminal, full: boolean): string[] {
  const { program } = programOf(run.compiled, run.check);
  const rows = rowsOf(run, marked, full, (address) => nearLabel(program, address));
  const cpus = program.env.cpus;
  const longest = Math.max(...rows.flatMap((r) => [...r.who.values()].map((w) => w.length)), 4);
  const lane = Math.min(longest, t.columns >= 120 ? 16 : cpus > 4 ? 4 : cpus > 2 ? 7 : 9) + 1;
  const steps = Math.max(4, ...rows.map((r) => stepText(r).length));
  const line = Math.max(4, ...rows.map((r) => r.line.length));
  const address = Math.max(7, ...rows.map((r) => r.address.length));
  const room = t.columns - 2 - steps - 1 - lane * cpus - 1 - line - 1;
  const longestBytes = Math.max(5, ...rows.map((r) => r.bytes.length));
  // Where it is narrow, the bytes of long instructions go over into the next line with their text.
  const bytes = Math.min(longestBytes, Math.max(10, Math.floor((room - address) / 3)));
  const before = 2 + steps + 1 + lane * cpus;
  const textAt = before + address + 1 + bytes + 1;
  const wide = t.columns >= 120;
  // No wider than it needs to be: the line numbers stand near what they belong to.
  const needed = Math.max(
    4,
    ...rows.map((r) => r.text.length - (r.instruction || wide ? 0 : textAt - before)),
  );
  const textWidth = Math.min(needed, t.columns - textAt - line - 2);
  // With many CPUs there is no room for columns of their own.
  const tight = t.columns - textAt - line - 2 < 24;
  const mergedWidth = textAt - before + textWidth;
  const out = [
    t.paint(
      'dim',
      [
        '  ',
        'step'.padStart(steps),
        ' ',
        ...Array.from({ length: cpus }, (_, c) => `cpu${c}`.padEnd(lane)),
        ...(tight
          ? ['what'.padEnd(t.columns - before - line - 2)]
          : ['address'.padEnd(address), ' ', 'bytes'.padEnd(bytes), ' ', 'what'.padEnd(textWidth)]),
        ' ',
        'line'.padStart(line),
      ]
        .join('')
        .trimEnd(),
    ),
  ];
  for (const r of rows) {
    const mark = marked.has(r.first) || marked.has(r.last);
    const merged = tight || (!r.instruction && !wide);
    const width = tight ? t.columns - before - line - 2 : merged ? mergedWidth : textWidth;
    const what = t.plain(
      tight && r.instruction ? `${`${r.address} ${r.bytes}`.trim()} ${r.text}` : r.text,
    );
    // Further lines stand two columns in.
    const texts = what.length <= width ? [what] : wrap(what, merged ? width - 2 : width);
    while (!merged && texts.length * bytes < r.bytes.length) texts.push('');
    const start = [
      mark ? t.paint('yellow', '> ') : '  ',
      stepText(r).padStart(steps),
      ' ',
      ...Array.from({ length: cpus }, (_, c) => t.cut(r.who.get(c) ?? '', lane - 1).padEnd(lane)),
    ].join('');
    const middle = merged
      ? ''
      : `${r.address.padEnd(address)} ${r.bytes.slice(0, bytes).padEnd(bytes)} `;
    texts.forEach((text, i) => {
      const rest = i === 0 ? '' : r.bytes.slice(i * bytes, (i + 1) * bytes);
      const lead =
        i === 0
          ? `${start}${middle}`
          : merged
            ? ' '.repeat(before + 2)
            : `${' '.repeat(before + address + 1)}${rest.padEnd(bytes)} `;
      const shown =
        i === 0 && r.line !== '' ? `${text.padEnd(width)} ${r.line.padStart(line)}` : text;
      out.push(`${lead}${shown}`.trimEnd());
    });
  }
  return out;
}

const stepText = (r: Row): string => (r.first === r.last ? `${r.first}` : `${r.first}-${r.last}`);

function rowsOf(run: Run, marked: ReadonlySet<number>, full: boolean, labels: Labels): Row[] {
  const { steps } = run.trace;
  const rows: Row[] = [];
  for (let i = 0; i < steps.length; ) {
    const step = steps[i] as TraceStep;
    let end = i + 1;
    if (!full && !marked.has(i + 1)) {
      const goesOn = (s: TraceStep): boolean =>
        step.part === undefined ? repeats(step, s) : s.part === step.part;
      while (end < steps.length && goesOn(steps[end] as TraceStep) && !marked.has(end + 1)) end++;
    }
    rows.push(
      end - i === 1 || step.part === undefined
        ? { ...single(run, i, labels), last: end }
        : folded(run, i, end),
    );
    i = end;
  }
  return rows;
}

/** One statement that takes several steps, one after the other. */
const repeats = (a: TraceStep, b: TraceStep): boolean =>
  a.address === undefined &&
  a.span !== undefined &&
  b.cpu === a.cpu &&
  b.span?.start === a.span.start &&
  b.text === a.text &&
  b.note === a.note;

function single(run: Run, index: number, labels: Labels): Row {
  const s = run.trace.steps[index] as TraceStep;
  return {
    first: index + 1,
    last: index + 1,
    who: new Map([[s.cpu, s.who === 'store buffer' ? 'buffer' : s.who]]),
    address: s.address === undefined ? '' : shortAddress(s.address),
    bytes: s.bytes ? hex(s.bytes, '') : '',
    text: wording(s, labels),
    line: lineOf(run, s),
    instruction: s.address !== undefined,
  };
}

type Labels = (address: number) => string | undefined;

/** What was done and what it changed, none of it twice. */
function wording(s: TraceStep, labels: Labels): string {
  // A commit says by its note what it changes, from what to what.
  if (s.who === 'store buffer') return s.note === '' ? s.text : s.note;
  const changes = s.note
    .split('; ')
    .filter((n) => n !== '' && !(s.text.includes('serialises') && n.endsWith('serialised')));
  if (s.text === 'acknowledges' && changes[0]?.startsWith('acknowledged, '))
    return [`acknowledges, ${changes[0].slice('acknowledged, '.length)}`, ...changes.slice(1)].join(
      '; ',
    );
  const label = s.address === undefined ? undefined : labels(slotAddress(s.address));
  const event = s.name.replace(/^cpu\d+ /, '');
  if (s.text === event && /^(nmi ipi|ipi|nmi|[A-Za-z_]\w*)$/.test(event))
    return [
      event === 'nmi ipi' ? 'an NMI of the sync is taken' : `${eventName(event)} is taken`,
      ...changes,
    ].join(', ');
  // Without bytes nothing was executed: the fetch itself is what the run ends with.
  const text = s.bytes || s.address === undefined ? s.text : fetchText(s);
  const done = `${label === undefined ? '' : `${label}: `}${text}`;
  return changes.length === 0 ? done : `${done} (${changes.join('; ')})`;
}

const eventName = (event: string): string =>
  event === 'ipi' || event === 'nmi' ? event.toUpperCase() : event;

const fetchText = (s: TraceStep): string => {
  const choice = s.name.replace(/^cpu\d+ /, '');
  return choice === 'step' ? 'fetch' : choice;
};

/** A released slot's alias is the slot, to a reader. */
const slotAddress = (address: number): number =>
  address >= region.stubs + region.alias && address < region.kernel
    ? address - region.alias
    : address;

/** The low half: the table's addresses are in the top 2 GiB. */
const shortAddress = (address: number): string =>
  `..${(slotAddress(address) >>> 0).toString(16).padStart(8, '0')}`;

function lineOf(run: Run, s: TraceStep): string {
  return s.span ? String(position(run.text, s.span.start).line) : '';
}

/** Quiet steps as one line that still says who takes part. */
function folded(run: Run, from: number, to: number): Row {
  const steps = run.trace.steps.slice(from, to);
  const who = new Map<number, string>();
  for (const s of steps) {
    const name = s.who === 'store buffer' ? 'buffer' : s.who;
    const known = who.get(s.cpu);
    if (known === undefined || known === 'buffer') who.set(s.cpu, name);
    if (s.part === 'sync' && s.name.endsWith('ipi'))
      who.set(s.cpu, s.name.endsWith('nmi ipi') ? 'NMI' : 'IPI');
  }
  const lines = steps.map((s) => lineOf(run, s)).filter((l) => l !== '');
  return {
    first: from + 1,
    last: to,
    who,
    address: '',
    bytes: '',
    text: steps[0]?.part === 'build' ? building(steps) : syncing(steps),
    line: lines[0] ?? '',
    instruction: false,
  };
}

function building(steps: readonly TraceStep[]): string {
  const stubs = new Set<string>();
  let stores = 0;
  for (const s of steps) {
    const name = /^(?:build )?(.+?)\[\d+/.exec(s.text)?.[1];
    if (name) stubs.add(name);
    if (s.who === 'store buffer') stores++;
  }
  const built = steps.some((s) => s.who !== 'store buffer');
  const commits = stores === 0 ? '' : `${built ? '; ' : ''}${stores} bytes reach memory`;
  return `${built ? 'build ' : ''}${[...stubs].join(', ')}${built ? '' : ':'} ${commits}`.replace(
    ' ;',
    ';',
  );
}

function syncing(steps: readonly TraceStep[]): string {
  const parts: string[] = [];
  for (const s of steps) {
    if (s.name.endsWith('ipi'))
      parts.push(`cpu${s.cpu} takes ${s.name.endsWith('nmi ipi') ? 'the NMI' : 'it'}`);
    else if (s.who === 'IPI' || s.who === 'NMI')
      parts.push(
        s.text.includes('acknowledges')
          ? `cpu${s.cpu} acknowledges`
          : s.text.includes('serialises')
            ? `cpu${s.cpu} serialises`
            : `cpu${s.cpu} returns`,
      );
    else parts.push(s.text);
  }
  // `cpu1 takes it, cpu1 serialises` reads better without the second name.
  let last = '';
  return parts
    .map((p) => {
      const [name = '', ...rest] = p.split(' ');
      const same = name === last && /^cpu\d+$/.test(name);
      last = name;
      return same ? rest.join(' ') : p;
    })
    .join(', ');
}

/** What the CPU that failed could still fetch before its last step, where that is not what memory holds. */
function views(run: Run, t: Terminal): string[] {
  const { trace } = run;
  const last = trace.steps[trace.steps.length - 1];
  if (!last) return [];
  const out: string[] = [];
  for (const view of trace.views) {
    const seen = view.cpus.find((c) => c.cpu === last.cpu);
    if (!seen?.bytes.some((b) => b.length > 1)) continue;
    const label = Math.max(6, `cpu${seen.cpu}`.length);
    const depth = Math.max(...seen.bytes.map((b) => b.length));
    out.push(
      '',
      ...wrap(`What cpu${seen.cpu} may fetch of ${view.name} before the last step:`, t.columns),
    );
    out.push(`  ${'memory'.padEnd(label)}  ${hex(view.memory, ' ')}`);
    for (let k = 0; k < depth; k++) {
      const bytes = seen.bytes.map((b) => (b[k] === undefined ? '  ' : hex([b[k] as number], '')));
      out.push(
        `  ${(k === 0 ? `cpu${seen.cpu}` : '  or').padEnd(label)}  ${bytes.join(' ')}`.trimEnd(),
      );
    }
  }
  return out;
}
