// The heads of the lanes: each CPU, what it runs, where it stands at the step that is shown.

import type { Stand } from '../../compiler/index.ts';
import { element, prose } from '../elements.ts';
import type { Run } from '../protocol.ts';
import type { Geometry } from './geometry.ts';
import { conditions } from './words.ts';

export class Heads {
  readonly element = element('div', { class: 'heads' });
  private run: Run | undefined;
  private cells: {
    readonly cell: HTMLElement;
    readonly task: HTMLElement;
    readonly at: HTMLElement;
  }[] = [];

  show(run: Run | undefined, step: number, geometry: Geometry | undefined): void {
    const lanes = run?.telling.lanes ?? [];
    if (run !== this.run) {
      this.run = run;
      this.cells = lanes.map(({ cpu }) => {
        const task = element('span', { class: 'task' });
        const at = element('div', { class: 'at' });
        return {
          cell: element(
            'div',
            {},
            element('div', {}, element('b', {}, `CPU ${cpu}`), ' ', task),
            at,
          ),
          task,
          at,
        };
      });
      this.element.replaceChildren(...this.cells.map((c) => c.cell));
    }
    this.cells.forEach(({ cell, task, at }, cpu) => {
      const stand = run?.telling.states[step]?.cpus[cpu];
      const column = geometry?.lanes[cpu];
      const next = geometry?.lanes[cpu + 1];
      if (!stand || !column) return;
      cell.style.left = `${column.x - 8}px`;
      const end = next ? next.x - 16 : (geometry?.width ?? 0) - 8;
      cell.style.width = `${Math.max(32, end - column.x + 8)}px`;
      const close = geometry?.close === true;
      task.textContent = close ? '' : stand.task;
      // Where lanes stand close there is room for who runs, and no more.
      at.replaceChildren(...prose(close ? stand.task : where(stand)));
    });
  }
}

const where = (stand: Stand): string =>
  [stand.at, ...conditions(stand).filter((c) => !c.startsWith('in '))].join('  ');
