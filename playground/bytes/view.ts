// What each CPU may fetch: of every place and stub the bytes in memory, and each CPU's newest and older values, decoded.
//
// All rows that the run ever needs are there from the start, so that a step moves nothing.

import './bytes.css';
import type {
  CpuBytes,
  Older,
  Point,
  Stretch,
  StretchState,
  Telling,
} from '../../compiler/index.ts';
import type { Span } from '../../grammar/index.ts';
import { element } from '../elements.ts';
import type { BytesHosts, BytesView, Run, ViewEvents } from '../protocol.ts';
import { fillKey } from './key.ts';

const cell = 24;
/** Where bytes begin, and the room that a border between lines takes. */
const left = 60;
const border = 8;

export function createBytesView(hosts: BytesHosts, events: ViewEvents): BytesView {
  fillKey(hosts.key);
  hosts.pane.classList.add('bytes-pane');
  let shown: Run | undefined;
  let sections: readonly Section[] = [];
  return {
    show(run, step) {
      if (run !== shown) {
        shown = run;
        sections = (run?.telling.stretches ?? []).map(
          (s, i) => new Section(s, i, run?.telling as Telling, events),
        );
        hosts.pane.replaceChildren(...sections.map((s) => s.element));
        hosts.key.hidden = sections.length === 0;
      }
      const states = run?.telling.states[step]?.bytes ?? [];
      sections.forEach((s, i) => {
        const state = states[i];
        if (state) s.show(state);
      });
    },
    mark(span) {
      for (const s of sections) s.mark(span);
    },
  };
}

/** A row of cells, and what is said of them. */
class Line {
  readonly element: HTMLElement;
  private readonly name = element('span', { class: 'name' });
  private readonly said = element('span', { class: 'said' });
  readonly cells: readonly HTMLElement[];

  constructor(stretch: Stretch, look: string) {
    this.cells = stretch.offsets.map((_, i) => {
      const made = element('span', { class: 'byte', 'data-byte': i }, element('span'));
      if (stretch.borders.some((b) => b.before === i)) made.classList.add('behind');
      return made;
    });
    this.element = element(
      'div',
      { class: `line ${look}` },
      this.name,
      element('span', { class: 'cells' }, ...this.cells),
      this.said,
    );
  }

  clear(): void {
    this.name.textContent = '';
    this.said.replaceChildren();
    for (const c of this.cells) this.cell(c, '', '');
  }

  fill(
    name: string,
    bytes: readonly { readonly text: string; readonly look: string }[],
    ...said: readonly (Node | string)[]
  ): void {
    this.name.textContent = name;
    this.said.replaceChildren(...said);
    this.cells.forEach((c, i) => {
      this.cell(c, bytes[i]?.text ?? '', bytes[i]?.look ?? '');
    });
  }

  private cell(made: HTMLElement, text: string, look: string): void {
    const inner = made.firstElementChild as HTMLElement;
    if (inner.textContent !== text) inner.textContent = text;
    const wanted = `byte${made.classList.contains('behind') ? ' behind' : ''}${look === '' ? '' : ` ${look}`}`;
    if (made.className !== wanted) made.className = wanted;
  }
}

const hex = (b: number | undefined): string =>
  b === undefined ? '··' : b.toString(16).padStart(2, '0');

class Section {
  readonly element: HTMLElement;
  private readonly stretch: Stretch;
  private readonly note = element('span', { class: 'note' });
  private readonly memory: Line;
  private readonly insns = element('div', { class: 'insns' });
  private readonly cpus: readonly {
    readonly cpu: number;
    readonly newest: Line;
    readonly points: HTMLElement;
    readonly older: readonly Line[];
  }[];
  private readonly waiting = element('div', { class: 'waiting' });
  private state: StretchState | undefined;

  constructor(stretch: Stretch, index: number, telling: Telling, events: ViewEvents) {
    this.stretch = stretch;
    const over = telling.states.map((s) => s.bytes[index]);
    const pointed = (cpu: number): boolean =>
      over.some((s) => s?.cpus.some((c) => c.cpu === cpu && c.points.length > 0));
    this.memory = new Line(stretch, 'memory');
    this.cpus = stretch.cpus.map(({ cpu, older }) => ({
      cpu,
      newest: new Line(stretch, 'cpu'),
      points: element('div', { class: 'points', hidden: !pointed(cpu) }),
      older: Array.from({ length: older }, () => new Line(stretch, 'older')),
    }));
    this.waiting.hidden = !over.some((s) => s && s.waiting.length > 0);
    this.insns.hidden = stretch.kind === 'place';
    const offsets = new Line(stretch, 'offsets');
    offsets.fill(
      '',
      stretch.offsets.map((text) => ({ text, look: '' })),
    );
    const elsewhere =
      stretch.kind === 'place'
        ? telling.lanes.filter((l) => !stretch.cpus.some((c) => c.cpu === l.cpu))
        : [];
    const rules = stretch.borders.map((b, i) => {
      const rule = element('span', { class: 'border' });
      rule.style.left = `${left + b.before * cell + i * border + border / 2}px`;
      return rule;
    });
    this.element = element(
      'section',
      {
        class: stretch.offsets.length > 7 ? 'stretch long' : 'stretch',
        'aria-label': `${stretch.kind} ${stretch.name}`,
      },
      element(
        'header',
        {},
        element(
          'h3',
          {},
          element('code', {}, stretch.name),
          ' ',
          element('code', { class: 'address' }, stretch.address),
        ),
        this.note,
      ),
      element(
        'div',
        { class: 'rows' },
        offsets.element,
        this.memory.element,
        this.insns,
        ...elsewhere.map((l) =>
          element(
            'div',
            { class: 'line cpu' },
            element('span', { class: 'name' }, `CPU ${l.cpu}`),
            element('span', { class: 'said alone' }, 'runs none of this code'),
          ),
        ),
        ...this.cpus.flatMap((c) => [c.newest.element, c.points, ...c.older.map((o) => o.element)]),
        ...rules,
      ),
      this.waiting,
    );
    this.element.addEventListener('pointermove', (event) => events.span(this.spanAt(event.target)));
    this.element.addEventListener('pointerleave', () => events.span(undefined));
  }

  private spanAt(target: EventTarget | null): Span | undefined {
    const at = target instanceof Element ? target.closest<HTMLElement>('[data-byte]') : null;
    return at?.dataset.byte === undefined ? undefined : this.stretch.spans[Number(at.dataset.byte)];
  }

  mark(span: Span | undefined): void {
    const lines = [this.memory, ...this.cpus.flatMap((c) => [c.newest, ...c.older])];
    this.stretch.spans.forEach((s, i) => {
      const on = span !== undefined && s !== undefined && s.start < span.end && s.end > span.start;
      for (const l of lines) l.cells[i]?.toggleAttribute('data-marked', on);
    });
  }

  show(state: StretchState): void {
    if (state === this.state) return;
    this.state = state;
    const { stretch } = this;
    const released = state.standing === 'released' ? 'released' : '';
    this.element.classList.toggle('gone', released !== '');
    this.heading(state);
    const first = state.insns.map((i) => i.text).join('; ');
    this.memory.fill(
      'memory',
      state.memory.map((b, i) => ({
        text: hex(b),
        look: [b === undefined ? 'none' : state.changed[i] ? 'changed' : '', released]
          .join(' ')
          .trim(),
      })),
      stretch.kind === 'place' ? element('code', {}, first) : '',
    );
    if (stretch.kind === 'stub')
      this.insns.replaceChildren(
        ...state.insns.map((i) => this.under('insn', i.from, i.length, i.text)),
      );
    for (const c of this.cpus) {
      const bytes = state.cpus.find((x) => x.cpu === c.cpu);
      if (bytes) this.cpu(c, bytes);
      else {
        c.newest.fill(
          `CPU ${c.cpu}`,
          state.memory.map(() => ({ text: '··', look: 'none' })),
        );
        c.points.replaceChildren();
        for (const o of c.older) o.clear();
      }
    }
    this.waiting.textContent = state.waiting
      .map((w) => {
        const to = w.from + w.bytes.length - 1;
        const where = to === w.from ? `${w.from}` : `${w.from}..${to}`;
        return `CPU ${w.cpu} has [${where}] = ${w.bytes.map(hex).join(' ')} in its store buffer`;
      })
      .join('; ');
  }

  private cpu(c: (typeof this.cpus)[number], bytes: CpuBytes): void {
    const place = this.stretch.kind === 'place';
    c.newest.fill(
      `CPU ${c.cpu}`,
      bytes.newest.map((b) => ({
        text: hex(b),
        look: bytes.torn ? 'torn' : b === undefined ? 'none' : '',
      })),
      ...(place ? said(bytes.text, bytes.torn, undefined) : []),
    );
    this.points(c.points, bytes.points);
    c.older.forEach((line, k) => {
      const older = bytes.older[k];
      if (older) this.older(line, older, place);
      else line.clear();
    });
  }

  private older(line: Line, o: Older, place: boolean): void {
    const look = o.torn ? 'torn' : 'stale';
    line.fill(
      'or',
      o.bytes.map((b, i) => (o.has[i] ? { text: hex(b), look } : { text: '', look: '' })),
      ...(place ? said(o.text === '' ? '' : o.text, o.torn, o.since) : []),
    );
  }

  private heading(state: StretchState): void {
    const { stretch, note } = this;
    const [from, to] = state.since;
    const stale = [
      ...new Set(
        state.cpus.flatMap((c) =>
          c.older.flatMap((o) => (o.since === undefined ? [] : `stale since ${o.since}`)),
        ),
      ),
    ];
    note.classList.toggle('bad', state.standing === 'released');
    const range = to === undefined || to === from ? `${from}` : `${from}–${to}`;
    switch (state.standing) {
      case 'text':
        note.textContent = stretch.borders
          .map((b) => `crosses a ${b.what} after ${b.before} byte${b.before === 1 ? '' : 's'}`)
          .join(', ');
        return;
      case 'not built':
        note.textContent = 'not built';
        return;
      case 'building':
        note.textContent = `being built since ${from}`;
        return;
      case 'built':
        note.textContent = [`live, built at ${range}`, ...(stretch.unused ? [] : stale)].join(', ');
        return;
      case 'released':
        note.textContent = `released at ${from}`;
        return;
    }
  }

  private at(byte: number): number {
    const before = this.stretch.borders.filter((b) => b.before <= byte).length;
    return left + byte * cell + before * border;
  }

  /** A rule under some bytes, with a word. */
  private under(look: string, from: number, length: number, text: string): HTMLElement {
    // A word that is wider than its bytes goes to the side where there is room.
    const narrow = text.length * 7 > length * cell;
    const side = narrow ? (from * 2 < this.stretch.offsets.length ? ' start' : ' end') : '';
    const made = element(
      'span',
      { class: `${look}${side}`, 'data-byte': from },
      element('span', {}, text),
    );
    made.style.left = `${this.at(from) + 2}px`;
    made.style.width = `${this.at(from + length - 1) + cell - this.at(from) - 4}px`;
    return made;
  }

  private points(host: HTMLElement, points: readonly Point[]): void {
    const all = points.map((p) =>
      this.under(p.bad ? 'point bad' : 'point', p.from, p.length, points.length > 1 ? '' : p.text),
    );
    // Words that would stand over each other stand beside each other.
    if (points.length > 1) {
      const words = element(
        'span',
        { class: points.some((p) => p.bad) ? 'words bad' : 'words' },
        [...points]
          .sort((a, b) => a.from - b.from)
          .map((p) => p.text)
          .join(', '),
      );
      words.style.left = `${this.at(Math.min(...points.map((p) => p.from))) + 2}px`;
      all.push(words);
    }
    host.replaceChildren(...all);
  }
}

/** What a CPU would run, and since when it is stale. */
function said(text: string, torn: boolean, since: number | undefined): readonly (Node | string)[] {
  return [
    ...(text === ''
      ? []
      : [torn ? element('span', { class: 'bad' }, text) : element('code', {}, text), ' ']),
    ...(since === undefined ? [] : [element('span', { class: 'since' }, `stale since ${since}`)]),
  ];
}
