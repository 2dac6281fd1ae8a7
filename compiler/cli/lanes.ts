// A run as lanes: time goes down, a column for each CPU, and between them the IPIs and their acknowledgements.

import type { Fold, Mark, Stand, Telling, ToldStep } from '../index.ts';
import { type Colour, type Terminal, wrap } from './terminal.ts';

/** How a step is drawn, and what stands for it in 7 bits. */
const marks: Readonly<Record<Mark, readonly [string, string]>> = {
  poke: ['■', '#'],
  commit: ['▪', '+'],
  build: ['□', '='],
  release: ['◇', '/'],
  send: ['○', 'o'],
  acknowledge: ['○', 'o'],
  acknowledged: ['○', 'o'],
  ipi: ['▶', '}'],
  trap: ['◆', '!'],
  nmi: ['▼', 'V'],
  irq: ['●', 'I'],
  iret: ['•', '*'],
  serialise: ['•', '*'],
  preempt: ['╳', 'X'],
  statement: ['•', '*'],
  instruction: ['•', '*'],
};
const strokes = {
  lane: ['│', '|'],
  waits: ['┊', ':'],
  masked: ['▌', '%'],
  shadow: ['░', '~'],
  arrow: ['─', '-'],
  right: ['▶', '>'],
  left: ['◀', '<'],
  violated: ['✗', 'X'],
} as const;

interface Lanes {
  readonly telling: Telling;
  readonly t: Terminal;
  readonly width: number;
  /** Text stands in its CPU's column; else behind all of them. */
  readonly within: boolean;
}

/** Rows and how wide a lane is depend on the terminal; with `full` nothing is folded. */
export function lanes(telling: Telling, t: Terminal, full: boolean): string[] {
  const cpus = telling.lanes.length;
  const room = Math.floor((t.columns - 9) / cpus);
  const within = room >= 28;
  const width = within ? Math.min(room, widest(telling, full)) : 8;
  const l: Lanes = { telling, t, width, within };
  const heads = telling.lanes.map((x) =>
    t.cut(within ? `cpu${x.cpu} ${x.task}` : `cpu${x.cpu}`, width - 1).padEnd(width),
  );
  const out = [t.paint('bold', `    step ${heads.join('')}`.trimEnd())];
  for (let step = 1; step <= telling.steps.length; ) {
    for (const p of telling.phases) if (p.from === step) out.push(phase(l, p.name));
    const fold = full ? undefined : telling.folds.find((f) => f.from === step);
    const last = fold?.to ?? step;
    out.push(...row(l, step, last, fold));
    step = last + 1;
  }
  const key = [
    `${stroke(t, 'masked')} IF=0`,
    `${stroke(t, 'shadow')} interrupt shadow`,
    `${stroke(t, 'waits')} waits`,
    `> matters`,
  ].join('   ');
  return [...out, t.paint('dim', `${' '.repeat(9)}${key}`)];
}

/** What the longest text in a lane takes; folds are as long as they are. */
function widest(telling: Telling, full: boolean): number {
  const lengths = telling.steps.map((s, i) => {
    const level = Math.max(...(telling.states[i + 1]?.cpus ?? []).map((c) => c.handlers.length), 0);
    return 10 + 2 * level + [s.text, s.detail, ...s.begins.map((b) => b.text)].join('  ').length;
  });
  if (!full) for (const f of telling.folds) lengths.push(10 + `${f.text}  ${f.detail}`.length);
  return Math.max(28, ...lengths);
}

const stroke = (t: Terminal, name: keyof typeof strokes): string => strokes[name][t.ascii ? 1 : 0];

function phase({ telling, t, width, within }: Lanes, name: string): string {
  const wide =
    9 + width * telling.lanes.length + (within ? 0 : t.columns - 9 - width * telling.lanes.length);
  const lead = `${stroke(t, 'arrow').repeat(3)} ${name} `;
  return t.paint(
    'dim',
    lead + stroke(t, 'arrow').repeat(Math.max(0, Math.min(wide, t.columns) - lead.length)),
  );
}

function row(l: Lanes, step: number, last: number, fold: Fold | undefined): string[] {
  const { telling, t, width, within } = l;
  const told = telling.steps[last - 1] as ToldStep;
  const actors = new Map<number, string>();
  if (fold) {
    actors.set(fold.cpu, [fold.text, fold.detail].filter((x) => x !== '').join('  '));
    for (const o of fold.others) actors.set(o.cpu, o.text);
  } else actors.set(told.cpu, [told.text, told.detail].filter((x) => x !== '').join('  '));
  for (const s of telling.steps.slice(step - 1, last))
    for (const b of s.begins)
      actors.set(
        b.cpu,
        [actors.get(b.cpu), b.bad ? `! ${b.text}` : `(${b.text})`].filter(Boolean).join('  '),
      );
  const acting = new Set(fold ? [fold.cpu, ...fold.others.map((o) => o.cpu)] : [told.cpu]);
  const arrows = telling.arrows.filter((a) => a.step >= step && a.step <= last);
  const stands = (telling.states[last]?.cpus ?? []) as readonly Stand[];

  const number = step === last ? `${step}` : `${step}-${last}`;
  const mattering = telling.steps.slice(step - 1, last).some((s) => s.matters || s.violates);
  const lead = `${mattering ? '>' : ' '}${number.padStart(7)} `;
  const texts = stands.map((stand, cpu) => {
    const gutter = 3 + 2 * stand.handlers.length;
    return { gutter, lines: within ? wrapped(actors.get(cpu) ?? '', width - gutter - 2, t) : [] };
  });
  const height = Math.max(1, ...texts.map((x) => x.lines.length));
  const lines: string[] = [];
  for (let k = 0; k < height; k++) {
    const cells = stands.map((stand, cpu) => {
      const mark = k > 0 || !acting.has(cpu) ? undefined : markOf(l, cpu, step, last, told);
      const text = texts[cpu]?.lines[k] ?? '';
      const colour: Colour | undefined =
        told.violates && cpu === told.cpu ? 'red' : acting.has(cpu) ? undefined : 'dim';
      return { head: gutterOf(t, stand, mark), text, colour };
    });
    const drawn = cells.map((c) => `${c.head}${c.text === '' ? '' : ` ${c.text}`}`.padEnd(width));
    if (k === 0) for (const a of arrows) drawArrow(drawn, cells, a.from, a.to, t);
    lines.push(
      `${k === 0 ? lead : ' '.repeat(9)}${drawn
        .map((d, cpu) =>
          cells[cpu]?.colour && d.trim() !== '' ? t.paint(cells[cpu].colour, d) : d,
        )
        .join('')}`.trimEnd(),
    );
  }
  if (!within) {
    const before = 9 + width * stands.length;
    const words = [...actors].map(([cpu, text]) => `cpu${cpu} ${text}`).join('; ');
    wrapped(words, t.columns - before, t).forEach((text, k) => {
      if (lines[k] === undefined)
        lines[k] =
          `${' '.repeat(9)}${stands.map((s) => gutterOf(t, s, undefined).padEnd(width)).join('')}`;
      lines[k] =
        `${(lines[k] as string).padEnd(before)}${told.violates ? t.paint('red', text) : text}`;
    });
  }
  return lines.map((line, k) =>
    k === 0 && mattering ? t.paint('yellow', line.slice(0, 1)) + line.slice(1) : line,
  );
}

const wrapped = (text: string, width: number, t: Terminal): string[] =>
  text === '' ? [] : wrap(t.plain(text.replaceAll('`', '')), width);

function markOf(l: Lanes, cpu: number, step: number, last: number, told: ToldStep): string {
  const { t, telling } = l;
  if (told.violates && told.cpu === cpu) return stroke(t, 'violated');
  const own = telling.steps.slice(step - 1, last).filter((s) => s.cpu === cpu);
  // Where it answers, several things are one.
  const mark =
    own.length > 1 && step !== last && cpu !== telling.steps[step - 1]?.cpu
      ? 'acknowledge'
      : (own[0] ?? told).mark;
  return marks[mark][t.ascii ? 1 : 0];
}

/** IF, the interrupt shadow, then the lane, which stands one level to the right for each handler. */
function gutterOf(t: Terminal, stand: Stand, mark: string | undefined): string {
  const masked = stand.interrupts ? ' ' : stroke(t, 'masked');
  const shadow = stand.shadow ? stroke(t, 'shadow') : ' ';
  const line = mark ?? stroke(t, stand.waits ? 'waits' : 'lane');
  return `${masked}${shadow}${'  '.repeat(stand.handlers.length)}${line}`;
}

/** From the end of what the sender says to the lane of the other, over the cells between. */
function drawArrow(
  drawn: string[],
  cells: readonly { readonly head: string; readonly text: string }[],
  from: number,
  to: number,
  t: Terminal,
): void {
  const line = stroke(t, 'arrow');
  const fill = (cpu: number, start: number, end: number): void => {
    const cell = drawn[cpu] ?? '';
    drawn[cpu] =
      cell.slice(0, start) +
      [...cell.slice(start, end)].map((c) => (c === ' ' ? line : c)).join('') +
      cell.slice(end);
  };
  const set = (cpu: number, at: number, c: string): void => {
    const cell = drawn[cpu] ?? '';
    drawn[cpu] = cell.slice(0, at) + c + cell.slice(at + 1);
  };
  const said = (cpu: number): number => {
    const c = cells[cpu];
    return c ? c.head.length + (c.text === '' ? 0 : 1 + c.text.length) + 1 : 0;
  };
  const width = drawn[0]?.length ?? 0;
  const [low, high] = from < to ? [from, to] : [to, from];
  const lane = (cells[high]?.head.length ?? 1) - 1;
  fill(low, said(low), width);
  for (let cpu = low + 1; cpu < high; cpu++) fill(cpu, said(cpu), width);
  fill(high, 0, Math.max(0, lane - (cells[high]?.head.trim().length === 1 ? 0 : 1)));
  if (from < to) set(to, Math.max(0, lane - 1), stroke(t, 'right'));
  else set(to, Math.min(width - 1, said(to) - 1), stroke(t, 'left'));
}
