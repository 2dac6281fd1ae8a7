// The run pane: lanes or table, the block that says why, the scrubber, and the keys of time travel.

import './run.css';
import type { Fold } from '../../compiler/index.ts';
import type { Span } from '../../grammar/index.ts';
import { element } from '../elements.ts';
import type { Run, RunHosts, RunView, ViewEvents } from '../protocol.ts';
import { Heads } from './heads.ts';
import { Lanes } from './lanes.ts';
import { Scrubber } from './scrubber.ts';
import { Table } from './table.ts';
import { fillWhy } from './why.ts';

/** Below this width rows are tall and labels have two lines. */
const phone = matchMedia('(max-width: 720px)');

export function createRunView(hosts: RunHosts, events: ViewEvents): RunView {
  return new View(hosts, events);
}

class View implements RunView {
  readonly foot = element('div', { class: 'foot' });
  private readonly pane: HTMLElement;
  private readonly heads = new Heads();
  private readonly lanes: Lanes;
  private readonly table: Table;
  private readonly why = element('section', { class: 'why', tabindex: -1, 'aria-label': 'Why' });
  private readonly scrubber: Scrubber;
  private readonly events: ViewEvents;
  private readonly choices: readonly HTMLButtonElement[];
  private run: Run | undefined;
  private step = 0;
  private asTable = false;
  /** Folds that were opened or closed by hand. */
  private byHand = new Map<number, boolean>();
  private open = '';
  private width = 0;
  /** Of the pane, and of the block that says why. */
  private height = 0;
  private whyHeight = 0;

  constructor(hosts: RunHosts, events: ViewEvents) {
    this.pane = hosts.pane;
    this.events = events;
    const pointed = {
      select: (step: number) => events.select(step),
      point: (step: number | undefined) =>
        events.span(step === undefined ? undefined : this.run?.telling.steps[step - 1]?.span),
    };
    this.lanes = new Lanes({
      ...pointed,
      toggle: (row) => {
        const fold = row.fold ?? row.opened;
        if (fold) this.toggle(fold);
      },
    });
    this.table = new Table(pointed);
    this.scrubber = new Scrubber(hosts.scrubber, (step) => events.select(step));
    hosts.scrubber.classList.add('scrubber');
    this.choices = ['Lanes', 'Table'].map((name) => {
      const made = element('button', { type: 'button', 'aria-pressed': 'false' }, name);
      made.addEventListener('click', () => this.turn(name === 'Table'));
      return made;
    });
    hosts.choice.classList.add('looks');
    hosts.choice.append(...this.choices);
    this.pane.classList.add('run-pane');
    this.pane.append(
      this.heads.element,
      this.lanes.element,
      this.table.element,
      this.why,
      this.foot,
    );
    this.pane.addEventListener('scroll', () => this.draw(this.pane.scrollTop), { passive: true });
    new ResizeObserver(() => this.resize()).observe(this.pane);
    this.turn(false);
  }

  get look(): string {
    return this.asTable ? 'table' : 'lanes';
  }
  set look(name: string) {
    this.turn(name === 'table');
  }

  show(run: Run | undefined, step: number): void {
    const fresh = run !== this.run;
    // Read once, before anything is changed: what is read later would have to be laid out again.
    let scroll = fresh ? 0 : this.pane.scrollTop;
    if (fresh) {
      this.run = run;
      this.byHand.clear();
      this.open = '';
      this.width = 0;
      this.lanes.load(run);
      this.table.load(run);
      fillWhy(this.why, run, (s) => this.events.select(s));
      this.shown();
      this.measure();
    }
    const before = this.top(step);
    this.step = step;
    if (this.layout() && !fresh) scroll += this.top(step) - before;
    this.heads.show(run, step, this.lanes.column);
    this.lanes.move(step);
    this.scrubber.show(run, step);
    this.scrollTo(this.revealing(scroll));
    this.table.move(step);
  }

  mark(span: Span | undefined): void {
    const steps = new Set<number>();
    if (span)
      this.run?.telling.steps.forEach((s, i) => {
        if (s.span && s.span.start < span.end && s.span.end > span.start) steps.add(i + 1);
      });
    this.lanes.mark(steps);
    this.table.mark(steps);
    this.draw(this.pane.scrollTop);
  }

  key(event: KeyboardEvent): boolean {
    const { run, step } = this;
    if (!run || event.ctrlKey || event.metaKey || event.altKey) return false;
    const to = this.destination(event.key, run, step);
    if (to !== undefined) {
      this.events.select(Math.min(Math.max(to, 0), run.schedule.length));
      return true;
    }
    switch (event.key) {
      case 'g':
        this.scrubber.ask();
        return true;
      case 'u':
        this.scrubber.travel.open();
        return true;
      case 'n':
        return this.scrubber.travel.again(1);
      case 'N':
        return this.scrubber.travel.again(-1);
      case 'l':
        this.turn(!this.asTable);
        return true;
      case 'w':
        if (this.why.hidden) return false;
        this.why.scrollIntoView({ block: 'nearest' });
        this.why.focus({ preventScroll: true });
        return true;
      default:
        return false;
    }
  }

  private destination(key: string, run: Run, step: number): number | undefined {
    const cpu = run.telling.steps[Math.max(0, step - 1)]?.cpu;
    const same = (by: -1 | 1): number | undefined => {
      for (let k = step + by; k >= 1 && k <= run.schedule.length; k += by)
        if (run.telling.steps[k - 1]?.cpu === cpu) return k;
      return step;
    };
    switch (key) {
      case 'ArrowLeft':
        return step - 1;
      case 'ArrowRight':
        return step + 1;
      case 'Home':
        return 0;
      case 'End':
        return run.schedule.length;
      case '[':
        return same(-1);
      case ']':
        return same(1);
      default:
        return undefined;
    }
  }

  // ---- layout

  private turn(table: boolean): void {
    this.asTable = table;
    this.choices.forEach((c, i) => {
      c.setAttribute('aria-pressed', String((i === 1) === table));
    });
    this.shown();
    this.open = '';
    this.layout();
    this.lanes.move(this.step);
    this.scrollTo(this.revealing(this.pane.scrollTop));
    this.table.move(this.step);
  }

  private shown(): void {
    const none = !this.run || this.run.telling.steps.length === 0;
    this.lanes.element.hidden = none || this.asTable;
    this.heads.element.hidden = none || this.asTable;
    this.table.element.hidden = none || !this.asTable;
  }

  private isOpen(fold: Pick<Fold, 'from' | 'to'>): boolean {
    if (this.step >= fold.from && this.step <= fold.to) return true;
    return this.byHand.get(fold.from) ?? false;
  }

  private toggle(fold: Fold): void {
    const before = this.lanes.topOf(fold.from);
    if (this.step >= fold.from && this.step <= fold.to) {
      // The fold of the step that is shown closes by going to its end from outside.
      this.byHand.set(fold.from, false);
      this.events.select(fold.from - 1);
      return;
    }
    this.byHand.set(fold.from, !this.isOpen(fold));
    const scroll = this.pane.scrollTop;
    this.layout();
    this.lanes.move(this.step);
    this.scrollTo(scroll + this.lanes.topOf(fold.from) - before);
  }

  /** Whether rows moved. */
  private layout(): boolean {
    const { run } = this;
    const width = this.pane.clientWidth;
    if (!run || width === 0) return false;
    const open = run.telling.folds
      .filter((f) => this.isOpen(f))
      .map((f) => f.from)
      .join();
    if (open === this.open && width === this.width && !this.asTable) return false;
    this.open = open;
    this.width = width;
    this.lanes.layout(width, phone.matches, (f) => this.isOpen(f));
    this.table.layout(phone.matches ? 40 : 24);
    return true;
  }

  private measure(): void {
    this.height = this.pane.clientHeight;
    this.whyHeight = this.why.hidden ? 0 : this.why.offsetHeight + 16;
  }

  private resize(): void {
    this.measure();
    const moved = this.layout();
    this.heads.show(this.run, this.step, this.lanes.column);
    this.lanes.move(this.step);
    const { scrollTop } = this.pane;
    this.scrollTo(moved ? this.revealing(scrollTop) : scrollTop);
  }

  private top(step: number): number {
    return this.asTable ? this.table.topOf(step) : this.lanes.topOf(step);
  }

  /** The nearest height at which the row of the step stands free; at the end also what says why. */
  private revealing(scroll: number): number {
    const { run, height } = this;
    if (!run || height === 0) return scroll;
    const row = phone.matches ? 40 : 24;
    const head = this.asTable ? row : 40;
    const top = head + this.top(this.step);
    const below = this.step === run.schedule.length ? Math.max(row, this.whyHeight) : row;
    const lowest = top - head - row;
    const highest = top + row + below - height;
    return Math.max(0, Math.min(Math.max(scroll, highest), lowest));
  }

  /** Draws what is visible at that height, then goes there. */
  private scrollTo(scroll: number): void {
    this.draw(scroll);
    if (this.run) this.pane.scrollTop = scroll;
  }

  private draw(top: number): void {
    if (!this.run) return;
    if (this.asTable) this.table.draw(top, top + this.height);
    else this.lanes.draw(top - 40, top + this.height);
  }
}
