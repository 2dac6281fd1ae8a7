// The scrubber: transport, the number of the step, and the run as lanes of ticks to be dragged over.

import type { Mark } from '../../compiler/index.ts';
import { drawn, element } from '../elements.ts';
import type { Run } from '../protocol.ts';
import { octagon } from './marks.ts';
import { Travel } from './travel.ts';
import { sentence } from './words.ts';

/** Steps that change code, or that come to a CPU, are tall. */
const tall: ReadonlySet<Mark> = new Set([
  'poke',
  'build',
  'release',
  'trap',
  'nmi',
  'irq',
  'preempt',
  'send',
]);

export class Scrubber {
  private readonly host: HTMLElement;
  private readonly select: (step: number) => void;
  private readonly counter = element('div', { class: 'counter' });
  private readonly now = element('button', {
    type: 'button',
    class: 'now',
    title: 'Go to a step (g)',
  });
  private readonly of = element('span', { class: 'of' });
  private readonly form = element('form', { class: 'go', hidden: true });
  private readonly field = element('input', {
    type: 'text',
    inputmode: 'numeric',
    'aria-label': 'Go to step',
    size: 4,
    autocomplete: 'off',
  });
  private readonly track = element('div', {
    class: 'track',
    role: 'slider',
    tabindex: 0,
    'aria-label': 'Step',
    'aria-valuemin': 0,
  });
  private readonly drawing = drawn('svg', { 'aria-hidden': 'true' });
  private readonly knob = drawn('g', { class: 'knob' });
  readonly travel: Travel;
  private readonly buttons: readonly HTMLButtonElement[];
  private run: Run | undefined;
  private step = 0;
  private width = 0;

  constructor(host: HTMLElement, select: (step: number) => void) {
    this.host = host;
    this.select = select;
    this.travel = new Travel((step) => this.go(step));
    const button = (name: string, d: string, to: () => number): HTMLButtonElement => {
      const made = element(
        'button',
        { type: 'button', 'aria-label': name, title: name },
        drawn(
          'svg',
          { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
          drawn('path', { d }),
        ),
      );
      made.addEventListener('click', () => this.go(to()));
      return made;
    };
    this.buttons = [
      button('First step', 'M4 3.500v9M12 3.500L7.500 8l4.500 4.500', () => 0),
      button('Previous step', 'M10.500 3.500L6 8l4.500 4.500', () => this.step - 1),
      button('Next step', 'M5.500 3.500L10 8l-4.500 4.500', () => this.step + 1),
      button('Last step', 'M12 3.500v9M4 3.500L8.500 8L4 12.500', () => this.last),
    ];
    this.form.append(this.field);
    this.counter.append(this.now, this.form, this.of, this.travel.button);
    this.knob.append(
      drawn('path', { d: 'M-4.500 0h9v5L0 10L-4.500 5z' }),
      drawn('path', { class: 'stem', d: 'M0 9V24' }),
    );
    this.track.append(this.drawing);
    const keys = element(
      'div',
      { class: 'keys', 'aria-hidden': 'true' },
      ...hint(['←', '→'], 'step'),
      ...hint(['[', ']'], 'same CPU'),
      ...hint(['g'], 'go to'),
    );
    host.append(
      element('div', { class: 'transport' }, ...this.buttons),
      this.counter,
      this.track,
      keys,
    );
    this.now.addEventListener('click', () => this.ask());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      const wanted = Number.parseInt(this.field.value, 10);
      this.answer();
      if (Number.isFinite(wanted)) this.go(wanted);
    });
    this.field.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.answer();
    });
    this.field.addEventListener('blur', () => this.answer(false));
    this.track.addEventListener('pointerdown', (event) => {
      this.track.setPointerCapture(event.pointerId);
      this.drag(event);
    });
    this.track.addEventListener('pointermove', (event) => {
      if (this.track.hasPointerCapture(event.pointerId)) this.drag(event);
    });
    // Where it is let go counts, also where the last of the moves was not told.
    this.track.addEventListener('pointerup', (event) => {
      if (this.track.hasPointerCapture(event.pointerId)) this.drag(event);
    });
    new ResizeObserver(() => this.draw()).observe(this.track);
  }

  private get last(): number {
    return this.run?.schedule.length ?? 0;
  }

  show(run: Run | undefined, step: number): void {
    this.host.classList.toggle('without', !run);
    for (const b of this.buttons) b.disabled = !run;
    this.travel.show(run, step);
    if (run !== this.run) {
      this.run = run;
      this.width = 0;
      this.now.style.setProperty('--digits', String(String(this.last).length));
      this.draw();
    }
    this.step = step;
    this.now.textContent = run ? String(step) : '';
    this.now.setAttribute('aria-label', `Step ${step}; go to a step`);
    this.of.textContent = run ? ` of ${this.last}` : '';
    this.track.setAttribute('aria-valuemax', String(this.last));
    this.track.setAttribute('aria-valuenow', String(step));
    if (run) this.track.setAttribute('aria-valuetext', sentence(run, step));
    this.place();
  }

  /** The field for a number, in place of the one that is shown. */
  ask(): void {
    if (!this.run) return;
    this.field.value = '';
    this.field.placeholder = String(this.step);
    this.now.hidden = true;
    this.form.hidden = false;
    this.field.focus();
  }

  private answer(focus = true): void {
    this.now.hidden = false;
    this.form.hidden = true;
    if (focus) this.track.focus({ preventScroll: true });
  }

  private go(step: number): void {
    if (this.run) this.select(Math.min(Math.max(step, 0), this.last));
  }

  private drag(event: PointerEvent): void {
    const from = this.track.getBoundingClientRect().left;
    const step = Math.round((event.clientX - from - this.x(0)) / Math.max(this.pitch, 1e-6));
    if (step !== this.step) this.go(step);
  }

  // ---- the drawing

  private get pitch(): number {
    return (this.width - 24) / Math.max(1, this.last);
  }
  private x(step: number): number {
    return 12 + step * this.pitch;
  }

  private draw(): void {
    const { run } = this;
    const width = this.track.clientWidth;
    if (!run || width === 0 || width === this.width) {
      if (!run) this.drawing.replaceChildren();
      return;
    }
    this.width = width;
    const { telling } = run;
    const lanes = telling.lanes.length;
    const gap = lanes > 2 ? Math.min(11, 30 / lanes) : 11;
    const top = 44 - gap * Math.max(1, lanes - 1) - (lanes > 2 ? 0 : 5);
    const y = (cpu: number): number => top + cpu * gap;
    const height = Math.min(4, gap / 2 - 1);
    const size = Math.min(3, Math.max(1, this.pitch * 0.4));
    const shapes: SVGElement[] = telling.lanes.map((_, cpu) =>
      drawn('path', { class: 'base', d: `M4 ${y(cpu)}H${width - 4}` }),
    );
    let small = '';
    let large = '';
    telling.steps.forEach((s, i) => {
      const x = this.x(i + 1) - size / 2;
      if (s.violates) return;
      if (tall.has(s.mark) || s.matters)
        large += `M${x} ${y(s.cpu) - height}h${size}v${2 * height}h${-size}z`;
      else small += `M${x} ${y(s.cpu) - 1.5}h${size}v3h${-size}z`;
    });
    shapes.push(
      drawn('path', { class: 'small', d: small }),
      drawn('path', { class: 'large', d: large }),
    );
    /** Where words stand: above all lanes. */
    const text = lanes > 2 ? 13 : 18;
    let free = 0;
    const font = 6.4;
    for (const p of telling.phases) {
      const x = this.x(p.from) - this.pitch / 2;
      shapes.push(drawn('path', { class: 'phase', d: `M${Math.round(x) + 0.5} ${text - 8}V46` }));
      if (x < free) continue;
      // What would leave the track stands at the left of its line.
      const length = p.name.length * font;
      const fits = x + 4 + length < width;
      const name = drawn('text', {
        x: fits ? x + 4 : x - 4,
        y: 18,
        ...(fits ? {} : { 'text-anchor': 'end' }),
      });
      name.textContent = p.name;
      if (fits || x - 4 - length > free) shapes.push(name);
      free = fits ? x + length + 8 : width;
    }
    const end = telling.steps[telling.steps.length - 1];
    if (end?.violates)
      shapes.push(
        drawn('path', {
          class: 'broken',
          d: octagon,
          transform: `translate(${this.x(this.last)} ${y(end.cpu)}) scale(0.8)`,
        }),
        drawn('path', {
          class: 'cross',
          d: 'M-1.700 -1.700l3.400 3.400M1.700 -1.700l-3.400 3.400',
          transform: `translate(${this.x(this.last)} ${y(end.cpu)})`,
        }),
      );
    this.drawing.replaceChildren(...shapes, this.knob);
    this.place();
  }

  private place(): void {
    this.knob.style.transform = `translate(${this.x(this.step)}px, 20px)`;
  }
}

function hint(keys: readonly string[], what: string): readonly Node[] {
  return [element('span', {}, ...keys.map((k) => element('kbd', {}, k)), ` ${what}`)];
}
