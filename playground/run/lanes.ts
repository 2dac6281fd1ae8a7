// The lanes of a run as a drawing: a row a step, every arrow horizontal, time only downwards. Only what is visible is drawn.

import type { Arrow, Stand, Telling } from '../../compiler/index.ts';
import { drawn, element } from '../elements.ts';
import type { Run } from '../protocol.ts';
import { band, type Column, type Geometry, geometryOf, rail } from './geometry.ts';
import { markOf, violationMark } from './marks.ts';
import { type Row, Rows } from './rows.ts';
import { line, type Piece, pieces, Type } from './type.ts';

/** Rows that are drawn above and below what is visible. */
const spare = 6;

export interface LaneEvents {
  select(step: number): void;
  /** The step under the pointer, if any. */
  point(step: number | undefined): void;
  toggle(row: Row): void;
}

/** A rail or an arrow in one row. */
interface Way {
  readonly arrow: Arrow;
  readonly part: 'whole' | 'start' | 'through' | 'end';
}

export class Lanes {
  readonly element: HTMLElement;
  private readonly cursor = element('div', { class: 'cursor' });
  private readonly hover = element('div', { class: 'hover', hidden: true });
  private readonly drawing: SVGSVGElement;
  private readonly layer = drawn('g');
  private readonly type: Type;
  private readonly events: LaneEvents;
  private run: Run | undefined;
  private telling: Telling | undefined;
  private rows: Rows | undefined;
  private geometry: Geometry | undefined;
  private ways = new Map<number, Way[]>();
  private drawnFrom = 0;
  private drawnTo = -1;
  private numbers = new Map<number, SVGElement>();
  private step = 0;
  private phone = false;
  private marked: ReadonlySet<number> = new Set();

  constructor(events: LaneEvents) {
    this.events = events;
    this.drawing = drawn(
      'svg',
      {
        class: 'drawing',
        role: 'img',
        'aria-label': 'Lanes of the run. The table has the same content; press l.',
      },
      drawn('defs', {}, ...patterns()),
      this.layer,
    );
    this.element = element('div', { class: 'lanes' }, this.cursor, this.hover, this.drawing);
    this.type = new Type(this.element);
    this.element.addEventListener('click', (event) => this.click(event));
    this.element.addEventListener('pointermove', (event) => this.point(event));
    this.element.addEventListener('pointerleave', () => this.point(undefined));
    void document.fonts?.ready.then(() => {
      this.type.forget();
      this.drawnTo = -1;
    });
  }

  get column(): Geometry | undefined {
    return this.geometry;
  }

  load(run: Run | undefined): void {
    this.run = run;
    this.telling = run?.telling;
    this.rows = undefined;
    this.marked = new Set();
  }

  /** Rows and columns anew; what is visible is drawn by `draw`. */
  layout(
    width: number,
    phone: boolean,
    isOpen: (row: { from: number; to: number }) => boolean,
  ): void {
    if (!this.telling) return;
    this.rows = new Rows(this.telling, isOpen);
    this.geometry = geometryOf(this.telling, width, phone);
    if (phone !== this.phone) this.type.forget();
    this.phone = phone;
    this.ways = this.waysOf(this.rows);
    const height = this.rows.all.length * this.geometry.row;
    this.element.style.height = `${height}px`;
    this.drawing.setAttribute('width', String(width));
    this.drawing.setAttribute('height', String(height));
    this.drawnTo = -1;
  }

  /** Top of the row that shows a step. */
  topOf(step: number): number {
    return (this.rows?.at(step) ?? 0) * (this.geometry?.row ?? 0);
  }

  /** What is between two heights of the element. */
  draw(top: number, bottom: number): void {
    const { rows, geometry } = this;
    if (!rows || !geometry) return;
    const first = Math.max(0, Math.floor(top / geometry.row));
    const last = Math.min(rows.all.length - 1, Math.floor(bottom / geometry.row));
    if (this.drawnTo >= 0 && first >= this.drawnFrom && last <= this.drawnTo) return;
    this.drawnFrom = Math.max(0, first - spare);
    this.drawnTo = Math.min(rows.all.length - 1, last + spare);
    this.numbers.clear();
    const back = drawn('g');
    const front = drawn('g');
    for (let i = this.drawnFrom; i <= this.drawnTo; i++) this.row(i, back, front);
    this.layer.replaceChildren(back, front);
    this.number();
  }

  move(step: number): void {
    const { rows, geometry } = this;
    this.step = step;
    const row = rows?.at(step) ?? -1;
    this.cursor.hidden = row < 0;
    if (geometry) this.cursor.style.transform = `translateY(${row * geometry.row}px)`;
    this.number();
  }

  /** Rows of these steps are shown as pointed at. */
  mark(steps: ReadonlySet<number>): void {
    this.marked = steps;
    this.drawnTo = -1;
  }

  private number(): void {
    const now = this.rows?.at(this.step) ?? -1;
    for (const [row, text] of this.numbers) text.classList.toggle('current', row === now);
  }

  // ---- pointing

  private rowAt(event: MouseEvent): Row | undefined {
    const { rows, geometry } = this;
    if (!rows || !geometry) return undefined;
    const y = event.clientY - this.element.getBoundingClientRect().top;
    return rows.all[Math.floor(y / geometry.row)];
  }

  private click(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row) return;
    const x = event.clientX - this.element.getBoundingClientRect().left;
    if ((row.fold || row.opened) && x < 24) this.events.toggle(row);
    else this.events.select(row.to);
  }

  private point(event: PointerEvent | undefined): void {
    const row = event && this.rowAt(event);
    this.hover.hidden = !row;
    if (row && this.geometry && this.rows)
      this.hover.style.transform = `translateY(${this.rows.at(row.to) * this.geometry.row}px)`;
    this.events.point(row?.to);
  }

  // ---- what goes from lane to lane

  private waysOf(rows: Rows): Map<number, Way[]> {
    const ways = new Map<number, Way[]>();
    const add = (row: number, way: Way): void => {
      const here = ways.get(row);
      if (here) here.push(way);
      else ways.set(row, [way]);
    };
    for (const arrow of this.telling?.arrows ?? []) {
      const from = rows.at(arrow.step);
      const to = arrow.taken === undefined ? rows.all.length : rows.at(arrow.taken);
      if (arrow.kind === 'acknowledge' || to - from <= 1) {
        add(from, { arrow, part: 'whole' });
        continue;
      }
      add(from, { arrow, part: 'start' });
      for (let r = from + 1; r < to; r++) add(r, { arrow, part: 'through' });
      if (arrow.taken !== undefined) add(to, { arrow, part: 'end' });
    }
    return ways;
  }

  // ---- one row

  private row(index: number, back: SVGElement, front: SVGElement): void {
    const { telling, geometry, rows } = this;
    const row = rows?.all[index];
    if (!telling || !geometry || !row) return;
    const top = index * geometry.row;
    const middle = top + geometry.row / 2;
    const before = telling.states[row.from - 1]?.cpus ?? [];
    const after = telling.states[row.to]?.cpus ?? [];
    const acting = telling.steps[row.from - 1]?.cpu ?? 0;
    const marked = [...this.marked].some((s) => s >= row.from && s <= row.to);
    if (marked)
      back.append(
        drawn('rect', {
          class: 'marked',
          x: 0,
          y: top,
          width: geometry.width,
          height: geometry.row,
        }),
      );
    if (row.phase !== undefined && index > 0)
      back.append(horizontal(0, geometry.width, top + 0.5, 'hairline'));
    geometry.lanes.forEach((column, cpu) => {
      const a = before[cpu];
      const b = after[cpu];
      if (a && b) this.lane(column, cpu, row, a, b, top, middle, back);
    });
    this.windows(row, top, middle, back);
    front.append(this.numberOf(index, row, middle));
    const label = this.label(row, acting, middle, front);
    for (const way of this.ways.get(index) ?? [])
      this.way(way, row, after, label, top, middle, back);
    this.freed(acting, label, middle, before, after, back);
    this.marks(row, after, middle, front);
  }

  private x(cpu: number, stand: Stand | undefined): number {
    const column = this.geometry?.lanes[cpu];
    return (column?.x ?? 0) + (stand?.handlers.length ?? 0) * (this.geometry?.level ?? 0);
  }

  private lane(
    column: Column,
    cpu: number,
    row: Row,
    a: Stand,
    b: Stand,
    top: number,
    middle: number,
    back: SVGElement,
  ): void {
    const bottom = top + (this.geometry?.row ?? 0);
    const halves = [
      { stand: a, from: top, to: middle },
      { stand: b, from: middle, to: bottom },
    ];
    const steps = this.telling?.steps.length ?? 0;
    for (const { stand, from, to } of halves) {
      if (stand.stub)
        back.append(
          drawn('rect', {
            class: stand.stub.released ? 'column released' : 'column',
            x: column.x - 8,
            y: from,
            width: 16,
            height: to - from,
          }),
        );
      if (stand.stub?.released)
        back.append(
          vertical(column.x - 7.5, from, to, 'perforated'),
          vertical(column.x + 7.5, from, to, 'perforated'),
        );
      const x = column.x - band;
      if (stand.shadow) back.append(...ladder(x, from, to));
      else if (!stand.interrupts)
        back.append(
          drawn('rect', { class: 'masked', x: x - 2, y: from, width: 4, height: to - from }),
        );
    }
    const [xa, xb] = [this.x(cpu, a), this.x(cpu, b)];
    const ends = row.to === steps;
    const look = (s: Stand): string => (s.waits ? 'lane waits' : 'lane');
    back.append(
      drawn('path', {
        class: look(a),
        d: xa === xb ? `M${xa} ${top}V${middle}` : `M${xa} ${top}v1L${xb} ${middle}`,
      }),
    );
    if (!ends) back.append(drawn('path', { class: look(b), d: `M${xb} ${middle}V${bottom}` }));
  }

  /** Where an interrupt could come that breaks the run. */
  private windows(row: Row, top: number, middle: number, back: SVGElement): void {
    for (const w of this.telling?.windows ?? []) {
      const column = this.geometry?.lanes[w.cpu];
      if (!column || row.to < w.from || row.from > w.to) continue;
      const height = this.geometry?.row ?? 0;
      const inside = row.from <= w.from && row.to >= w.to;
      const from = inside ? top + 4 : row.from <= w.from ? middle : top;
      const to = inside ? top + height - 4 : row.to >= w.to ? middle : top + height;
      const x = column.x - band;
      const d = [
        `M${x - 4} ${from}V${to}M${x + 4} ${from}V${to}`,
        row.from <= w.from ? `M${x - 4.5} ${from}h9` : '',
        row.to >= w.to ? `M${x - 4.5} ${to}h9` : '',
      ].join('');
      back.append(
        drawn('rect', { class: 'ground', x: x - 4, y: from, width: 8, height: to - from }),
        drawn('path', { class: 'window', d }),
      );
    }
  }

  private numberOf(index: number, row: Row, middle: number): SVGElement {
    const g = drawn('g');
    const numbers = this.geometry?.numbers ?? 0;
    const number = (text: string, y: number): void => {
      g.append(line(numbers, y, [{ text, class: 'number' }], 'end'));
    };
    if (row.from === row.to) number(`${row.from}`, middle + 4);
    else if (this.geometry?.tall) {
      number(`${row.from}–`, middle - 3);
      number(`${row.to}`, middle + 11);
    } else number(`${row.from}–${row.to}`, middle + 4);
    this.numbers.set(index, g);
    if (row.fold || row.opened)
      g.append(
        drawn('path', {
          class: 'chevron',
          d: row.fold
            ? 'M-2 -3.500l3.500 3.500l-3.500 3.500'
            : 'M-3.500 -1.500l3.500 3.500l3.500 -3.500',
          transform: `translate(${this.geometry?.tall ? 5 : 8} ${middle})`,
        }),
      );
    return g;
  }

  /** The words of a row; the right end of those of the lane that acts. */
  private label(row: Row, acting: number, middle: number, front: SVGElement): number {
    const { telling, geometry, run } = this;
    const column = geometry?.lanes[acting];
    if (!telling || !geometry || !column) return 0;
    const step = telling.steps[row.to - 1];
    if (!step) return 0;
    const phase: readonly Piece[] = row.phase ? [{ text: row.phase, class: 'detail' }] : [];
    const room = (c: Column): number =>
      c.end -
      c.label -
      (phase.length > 0 && c.end > geometry.width - 24 ? this.widths(phase) + 12 : 0);
    if (phase.length > 0) front.append(line(geometry.width - 16, middle + 4, phase, 'end'));
    const opens = telling.windows.some((w) => w.from >= row.from && w.from <= row.to);
    const told = row.fold ?? step;
    const text = geometry.tall ? told.text.replace(/^sync: (?=all)| in memory$/g, '') : told.text;
    const reached = row.to === telling.steps.length && run?.kind === 'witness';
    const detail = reached ? `witness: ${run.name}` : told.detail;
    const words = telling.steps
      .slice(row.from - 1, row.to)
      .flatMap((s) => s.begins)
      .filter((b, i, all) => b.bad || !all.some((o, k) => o.cpu === b.cpu && (o.bad || k < i)));
    const inevitable =
      run?.inevitableFrom !== undefined &&
      run.inevitableFrom !== 'not known' &&
      run.inevitableFrom >= row.from &&
      run.inevitableFrom <= row.to &&
      run.inevitableFrom < telling.steps.length;
    const all: Piece[] = [
      ...pieces(text, step.violates ? '' : detail, step.violates),
      ...(step.violates && detail !== '' ? [{ text: `  ${detail}`, class: 'detail bad' }] : []),
    ].map((p) => (opens && p.class.startsWith('detail') ? { ...p, class: `${p.class} bad` } : p));
    // Where words have no place of their own they stand behind the label.
    for (const b of words)
      if (geometry.lanes[b.cpu]?.words === undefined && !geometry.tall)
        all.push({ text: `  ${b.text}`, class: b.bad ? 'detail bad' : 'detail' });
    const other = geometry.lanes[acting === 0 ? 1 : 0];
    if (inevitable && (geometry.close || !other))
      all.push({ text: '  from here every run violates', class: 'detail bad' });
    if (run?.loopFrom !== undefined && run.loopFrom >= row.from && run.loopFrom <= row.to)
      all.push({ text: '  the loop begins', class: 'detail bad' });
    const end = this.words(column.label, room(column), all, middle, front);
    if (inevitable && other && !geometry.close)
      this.words(
        other.label,
        room(other),
        [
          {
            text: geometry.tall ? 'now every run violates' : 'from here every run violates',
            class: 'detail bad',
          },
        ],
        middle,
        front,
      );
    for (const o of row.fold?.others ?? []) {
      const c = geometry.lanes[o.cpu];
      if (c && !geometry.close && !inevitable)
        this.words(c.label, room(c), pieces('', o.text), middle, front);
    }
    // An arrow that comes to the lane takes the place of its word.
    const crossed = (this.ways.get(this.rows?.at(row.to) ?? -1) ?? [])
      .filter((w) => w.part === 'whole' || w.part === 'start')
      .flatMap((w) => [w.arrow.from, w.arrow.to]);
    for (const b of words) {
      const c = geometry.lanes[b.cpu];
      if (c?.words === undefined || crossed.includes(b.cpu)) continue;
      const piece = { text: b.text, class: b.bad ? 'detail bad' : 'detail' };
      front.append(line(c.words, middle + 4, [piece], 'end'));
    }
    return end;
  }

  private widths(all: readonly Piece[]): number {
    return all.reduce((sum, p) => sum + this.type.width(p), 0);
  }

  /** A label in one line, or in two where rows are tall; where it ends. */
  private words(
    x: number,
    room: number,
    all: readonly Piece[],
    middle: number,
    front: SVGElement,
  ): number {
    const detail = all.findIndex((p) => p.class.startsWith('detail'));
    if (!this.geometry?.tall || detail <= 0) {
      const fitted = this.type.fit(all, room);
      front.append(line(x, middle + 4, fitted.pieces));
      return x + fitted.width;
    }
    const first = this.type.fit(all.slice(0, detail), room);
    const rest = all
      .slice(detail)
      .map((p, i) => (i === 0 ? { ...p, text: p.text.trimStart() } : p));
    const second = this.type.fit(
      rest.filter((p) => p.text !== ''),
      room,
    );
    front.append(line(x, middle - 4, first.pieces), line(x, middle + 12, second.pieces));
    return x + Math.max(first.width, second.width);
  }

  private way(
    { arrow, part }: Way,
    row: Row,
    after: readonly Stand[],
    label: number,
    top: number,
    middle: number,
    back: SVGElement,
  ): void {
    const { geometry } = this;
    const target = geometry?.lanes[arrow.to];
    if (!geometry || !target) return;
    const railX = target.x - rail;
    const bottom = top + geometry.row;
    const end = this.x(arrow.to, after[arrow.to]);
    if (part === 'through') {
      back.append(vertical(railX, top, bottom, 'rail'));
      return;
    }
    if (part === 'end') {
      back.append(vertical(railX, top, middle, 'rail'), horizontal(railX, end - 6, middle, 'rail'));
      return;
    }
    const source = this.x(arrow.from, after[arrow.from]);
    const right = target.x > (geometry.lanes[arrow.from]?.x ?? 0);
    // A fold has both ways in one row.
    const both =
      row.fold !== undefined &&
      (this.ways.get(this.rows?.at(row.to) ?? -1) ?? []).some(
        (w) => w.arrow.kind === 'acknowledge',
      );
    const y = middle + (both ? (arrow.kind === 'ipi' ? -2.5 : 2.5) : 0);
    const acting = arrow.kind === 'ipi' || row.fold ? label + 8 : source - 7;
    const own = row.fold && arrow.kind === 'acknowledge';
    const from = geometry.close ? source + (right ? 7 : -7) : right ? label + 8 : acting;
    if (own) {
      // Of a fold's answers: from the lane back to where the label ends.
      const begin = this.x(arrow.from, after[arrow.from]) - 7;
      const stop = geometry.close ? this.x(arrow.to, after[arrow.to]) + 7 : label + 8;
      back.append(...arrowLine(begin, Math.min(stop, begin - 8), y));
      return;
    }
    if (part === 'start') {
      back.append(...arrowLine(from, railX - 2, middle), vertical(railX, middle, bottom, 'rail'));
      if (!geometry.close && railX - from > 80)
        back.append(line((from + railX) / 2 - 8, middle - 4, [{ text: 'IPI', class: 'detail' }]));
      return;
    }
    back.append(...arrowLine(from, end + (right ? -6 : 6), y));
  }

  /** A line from the patcher to the stub that it releases while a CPU stands in it. */
  private freed(
    acting: number,
    label: number,
    middle: number,
    before: readonly Stand[],
    after: readonly Stand[],
    back: SVGElement,
  ): void {
    this.geometry?.lanes.forEach((column, cpu) => {
      const now = after[cpu]?.stub;
      if (!now?.released || before[cpu]?.stub?.released || cpu === acting) return;
      const from = this.geometry?.close ? this.x(acting, after[acting]) + 8 : label + 6;
      const right = column.x > from;
      back.append(horizontal(from, column.x + (right ? -8 : 8), middle, 'perforated'));
    });
  }

  private marks(row: Row, after: readonly Stand[], middle: number, front: SVGElement): void {
    const { telling } = this;
    const step = telling?.steps[row.to - 1];
    if (!telling || !step) return;
    if (step.violates) {
      front.append(...violationMark(this.x(step.cpu, after[step.cpu]), middle));
      return;
    }
    if (!row.fold) {
      front.append(...markOf(step.mark, this.x(step.cpu, after[step.cpu]), middle));
      return;
    }
    const kind = { build: 'build', sync: 'send', poke: 'poke', code: 'instruction' } as const;
    const cpus = new Set(telling.steps.slice(row.from - 1, row.to).map((s) => s.cpu));
    for (const cpu of cpus)
      front.append(...markOf(kind[row.fold.kind], this.x(cpu, after[cpu]), middle));
  }
}

const horizontal = (from: number, to: number, y: number, look: string): SVGElement =>
  drawn('path', { class: look, d: `M${from} ${y}H${to}` });
const vertical = (x: number, from: number, to: number, look: string): SVGElement =>
  drawn('path', { class: look, d: `M${x} ${from}V${to}` });

function arrowLine(from: number, to: number, y: number): readonly SVGElement[] {
  const back = to > from ? -5 : 5;
  return [
    drawn('path', {
      class: 'arrow',
      d: `M${from} ${y}H${to}M${to + back} ${y - 3}L${to} ${y}l${back} 3`,
    }),
  ];
}

/** Rungs at fixed heights, so that halves of rows fit together. */
function ladder(x: number, from: number, to: number): readonly SVGElement[] {
  let d = `M${x - 4} ${from}V${to}M${x + 4} ${from}V${to}M${x - 4} ${from + 0.5}h8M${x - 4} ${to - 0.5}h8`;
  for (let y = Math.ceil(from / 4) * 4; y < to; y += 4) d += `M${x - 4} ${y}h8`;
  return [
    drawn('rect', { class: 'ground', x: x - 4, y: from, width: 8, height: to - from }),
    drawn('path', { class: 'ladder', d }),
  ];
}

function patterns(): readonly SVGElement[] {
  return [
    drawn(
      'pattern',
      { id: 'freed', width: 4, height: 4, patternUnits: 'userSpaceOnUse' },
      drawn('circle', { cx: 2, cy: 2, r: 0.7, class: 'grain' }),
    ),
  ];
}
