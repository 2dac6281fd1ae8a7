// Runs to a condition, forward and back: the sheet in which it is chosen, and the keys that repeat it.

import { element } from '../elements.ts';
import type { Run } from '../protocol.ts';
import { type Condition, conditions, seek } from './conditions.ts';

export class Travel {
  /** Beside the number of the step. */
  readonly button = element(
    'button',
    { type: 'button', class: 'until', popovertarget: 'until', title: 'Run to a condition (u)' },
    'Run to',
  );
  private readonly sheet = element('div', {
    id: 'until',
    class: 'sheet',
    popover: 'auto',
    role: 'dialog',
    'aria-label': 'Run to',
  });
  private readonly cpu = element('select', { 'aria-label': 'Of which CPU' });
  private readonly said = element('p', { class: 'said', role: 'status' });
  private readonly select: (step: number) => void;
  private run: Run | undefined;
  private step = 0;
  private last: Condition | undefined;

  constructor(select: (step: number) => void) {
    this.select = select;
    this.sheet.append(
      element('h2', {}, 'Run to'),
      element('p', { class: 'whose' }, 'of ', this.cpu),
      element('ul', {}, ...conditions.map((c) => this.row(c))),
      this.said,
    );
    document.body.append(this.sheet);
  }

  show(run: Run | undefined, step: number): void {
    this.button.disabled = !run;
    if (run !== this.run)
      this.cpu.replaceChildren(
        element('option', { value: '' }, 'any CPU'),
        ...(run?.telling.lanes ?? []).map((l) =>
          element('option', { value: l.cpu }, `CPU ${l.cpu} ${l.task}`),
        ),
      );
    this.run = run;
    this.step = step;
  }

  open(): void {
    if (this.run) this.sheet.togglePopover();
  }

  /** The condition that was chosen last, once more. */
  again(by: 1 | -1): boolean {
    if (!this.last || !this.run) return false;
    this.to(this.last, by);
    return true;
  }

  private row(condition: Condition): HTMLElement {
    const go = (by: 1 | -1, sign: string): HTMLElement => {
      const made = element(
        'button',
        { type: 'button', 'aria-label': `${by > 0 ? 'On' : 'Back'} to ${condition.name}` },
        sign,
      );
      made.addEventListener('click', () => this.to(condition, by));
      return made;
    };
    return element(
      'li',
      {},
      element('span', { class: 'name' }, condition.name),
      go(-1, '← back'),
      go(1, 'on →'),
    );
  }

  private to(condition: Condition, by: 1 | -1): void {
    if (!this.run) return;
    this.last = condition;
    const cpu = this.cpu.value === '' ? undefined : Number(this.cpu.value);
    const found = seek(this.run.telling, condition, cpu, this.step, by);
    const whose = cpu === undefined ? '' : ` of CPU ${cpu}`;
    this.said.textContent =
      found === undefined
        ? `${by > 0 ? 'Behind' : 'Before'} step ${this.step} there is none: ${condition.name}${whose}.`
        : `Step ${found}: ${condition.name}${whose}.`;
    if (found !== undefined) this.select(found);
  }
}
