// The run as a table: what the lanes show, a line a step, for readers of tables and of screens.

import { element, prose } from '../elements.ts';
import type { Run } from '../protocol.ts';
import type { LaneEvents } from './lanes.ts';
import { conditions } from './words.ts';

const spare = 20;

export class Table {
  readonly element: HTMLTableElement;
  private readonly body = element('tbody');
  private readonly above = element('tr', { 'aria-hidden': 'true' }, element('td'));
  private readonly below = element('tr', { 'aria-hidden': 'true' }, element('td'));
  private readonly events: Pick<LaneEvents, 'select' | 'point'>;
  private run: Run | undefined;
  private row = 24;
  private step = 0;
  private from = 0;
  private to = -1;
  private marked: ReadonlySet<number> = new Set();

  constructor(events: Pick<LaneEvents, 'select' | 'point'>) {
    this.events = events;
    const heads = ['Step', 'CPU', 'What', 'Detail', 'Then'].map((h) =>
      element('th', { scope: 'col' }, h),
    );
    this.element = element(
      'table',
      { class: 'told', 'aria-label': 'Steps of the run', hidden: true },
      element('thead', {}, element('tr', {}, ...heads)),
      this.body,
    );
    this.element.addEventListener('click', (event) => {
      const step = stepOf(event.target);
      if (step !== undefined) this.events.select(step);
    });
    this.element.addEventListener('pointermove', (event) =>
      this.events.point(stepOf(event.target)),
    );
    this.element.addEventListener('pointerleave', () => this.events.point(undefined));
  }

  load(run: Run | undefined): void {
    this.run = run;
    this.to = -1;
    this.marked = new Set();
    this.element.setAttribute('aria-rowcount', String((run?.schedule.length ?? 0) + 1));
  }

  layout(row: number): void {
    this.row = row;
    this.to = -1;
  }

  topOf(step: number): number {
    return Math.max(0, step - 1) * this.row;
  }

  draw(top: number, bottom: number): void {
    const steps = this.run?.telling.steps.length ?? 0;
    const first = Math.max(0, Math.floor(top / this.row));
    const last = Math.min(steps - 1, Math.floor(bottom / this.row));
    if (this.to >= 0 && first >= this.from && last <= this.to) return;
    this.from = Math.max(0, first - spare);
    this.to = Math.min(steps - 1, last + spare);
    const rows: HTMLElement[] = [];
    for (let i = this.from; i <= this.to; i++) rows.push(this.line(i + 1));
    height(this.above, this.from * this.row);
    height(this.below, (steps - 1 - this.to) * this.row);
    this.body.replaceChildren(this.above, ...rows, this.below);
  }

  move(step: number): void {
    this.step = step;
    for (const row of this.body.querySelectorAll('[aria-current]'))
      row.removeAttribute('aria-current');
    this.body.querySelector(`[data-step="${step}"]`)?.setAttribute('aria-current', 'step');
  }

  mark(steps: ReadonlySet<number>): void {
    this.marked = steps;
    this.to = -1;
  }

  private line(step: number): HTMLElement {
    const { run } = this;
    const told = run?.telling.steps[step - 1];
    const stand = told && run?.telling.states[step]?.cpus[told.cpu];
    if (!run || !told) return element('tr');
    const words = told.begins.map((b) => (b.cpu === told.cpu ? b.text : `CPU ${b.cpu}: ${b.text}`));
    const phase = run.telling.phases.find((p) => p.from === step);
    const look = [
      told.violates ? 'bad' : told.matters ? 'matters' : '',
      this.marked.has(step) ? 'marked' : '',
      phase && step > 1 ? 'begins' : '',
    ];
    return element(
      'tr',
      {
        'data-step': step,
        'aria-rowindex': step + 1,
        class: look.join(' ').trim() || undefined,
        'aria-current': step === this.step ? 'step' : undefined,
      },
      element('td', { class: 'number' }, String(step)),
      element('td', {}, `${told.cpu} ${told.who === 'store buffer' ? 'buffer' : told.who}`),
      element('td', { class: 'what' }, element('div', {}, ...prose(told.text))),
      element(
        'td',
        {},
        element(
          'div',
          {},
          ...prose(
            [...(phase ? [phase.name] : []), told.detail, ...words]
              .filter((x) => x !== '')
              .join('; '),
          ),
          ...(run.inevitableFrom === step && step < run.schedule.length
            ? [element('span', { class: 'bad' }, ' from here every run violates')]
            : []),
        ),
      ),
      element('td', {}, stand ? conditions(stand).join(', ') : ''),
    );
  }
}

function height(row: HTMLElement, pixels: number): void {
  row.hidden = pixels <= 0;
  row.style.height = `${pixels}px`;
}

function stepOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('[data-step]') : null;
  return row?.dataset.step === undefined ? undefined : Number(row.dataset.step);
}
