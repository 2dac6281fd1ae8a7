// The editor that is there at once: a text area over its own coloured copy.

import type { Diagnostic, Fix, Span } from '../../grammar/index.ts';
import { element } from '../elements.ts';
import { Bubble } from './bubble.ts';
import type { Editor, EditorEvents, Mark, Past } from './editor.ts';
import { type Colour, colours } from './words.ts';

/** A stretch of a line and all that is said about it. */
interface Layer {
  readonly start: number;
  readonly end: number;
  readonly class: Colour | 'wrong' | 'doubtful' | 'current' | 'pointed';
}

export class PlainEditor implements Editor {
  readonly element: HTMLElement;
  private readonly area: HTMLTextAreaElement;
  private readonly copy: HTMLElement;
  private readonly bubble: Bubble;
  private readonly events: EditorEvents;
  private lines: { text: string; key: string; element: HTMLElement }[] = [];
  /** Of the text that was drawn last: marks and diagnostics come several times to each. */
  private coloured = '';
  private colours: readonly Layer[] = [];
  private diagnostics: readonly Diagnostic[] = [];
  private marks: readonly Mark[] = [];
  private pointed: Span | undefined;
  private busy = false;
  /** The text as it was loaded, and behind each edit since. */
  private first = '';
  private edits: { text: string; caret: number }[] = [];
  /** Tab leaves the editor instead of indenting. */
  private tabLeaves = false;

  constructor(events: EditorEvents) {
    this.events = events;
    this.area = element('textarea', {
      id: 'text',
      spellcheck: 'false',
      autocapitalize: 'off',
      autocomplete: 'off',
      autocorrect: 'off',
      wrap: 'soft',
      'aria-label': 'Source of the protocol',
      'aria-describedby': 'tab-note',
    });
    this.copy = element('div', { class: 'copy', 'aria-hidden': 'true' });
    this.bubble = new Bubble(this);
    this.element = element(
      'div',
      { class: 'plain' },
      element('div', { class: 'stack' }, this.copy, this.area),
      this.bubble.element,
    );
    this.area.addEventListener('input', () => {
      this.bubble.hide();
      this.edits.push({ text: this.text, caret: this.area.selectionEnd });
      events.changed();
      this.draw();
    });
    this.area.addEventListener('keydown', (event) => this.key(event));
    for (const [begin, end] of [
      ['compositionstart', 'compositionend'],
      ['pointerdown', 'pointerup'],
    ] as const) {
      this.area.addEventListener(begin, () => {
        this.busy = true;
      });
      document.addEventListener(end, () => {
        this.busy = false;
      });
    }
    document.addEventListener('selectionchange', () => {
      if (document.activeElement === this.area) events.moved();
    });
  }

  get text(): string {
    return this.area.value;
  }

  get selection(): Span {
    return { start: this.area.selectionStart, end: this.area.selectionEnd };
  }

  load(text: string): void {
    this.area.value = text;
    this.first = this.text;
    this.edits = [];
    this.area.setSelectionRange(0, 0);
    this.diagnostics = [];
    this.marks = [];
    this.bubble.hide();
    this.draw();
  }

  apply(fix: Fix): void {
    this.area.focus();
    for (const edit of [...fix.edits].sort((a, b) => b.span.start - a.span.start))
      this.replace(edit.span, edit.text);
  }

  select(span: Span): void {
    this.area.setSelectionRange(span.start, span.end);
    this.reveal(span.start);
    this.events.moved();
  }

  focus(): void {
    this.area.focus({ preventScroll: true });
  }

  diagnose(diagnostics: readonly Diagnostic[]): void {
    this.diagnostics = diagnostics;
    this.area.setAttribute('aria-invalid', String(diagnostics.some((d) => d.severity === 'error')));
    this.draw();
  }

  mark(marks: readonly Mark[]): void {
    this.marks = marks;
    this.draw();
    const current = marks.find((m) => m.current);
    if (current && document.activeElement !== this.area) this.reveal(current.span.start);
  }

  point(span: Span | undefined): void {
    if (this.pointed === span) return;
    this.pointed = span;
    this.draw();
  }

  explain(diagnostic: Diagnostic): void {
    const line = this.lines[this.lineAt(diagnostic.span.start)]?.element;
    if (line) this.bubble.show(diagnostic, line.getBoundingClientRect());
  }

  /** A text area has no room between its lines; the strip says it. */
  verdicts(): void {}

  /** Resolves when nothing is being composed or dragged, so that another editor may take over. */
  async rest(): Promise<void> {
    while (this.busy) await new Promise((later) => setTimeout(later, 50));
  }

  past(): Past {
    return { first: this.first, edits: this.edits };
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'm' && event.ctrlKey) {
      this.tabLeaves = !this.tabLeaves;
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    if (event.key === 'Escape') {
      // The way out for those who use the keyboard alone: Escape, then Tab.
      this.tabLeaves = true;
      return;
    }
    if (event.key === 'Tab' && !event.shiftKey && !this.tabLeaves) {
      event.preventDefault();
      this.replace({ start, end }, '  ');
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const from = value.lastIndexOf('\n', start - 1) + 1;
      const indent = /^[ ]*/.exec(value.slice(from, start))?.[0] ?? '';
      const deeper = /[{]\s*$/.test(value.slice(from, start)) ? '  ' : '';
      this.replace({ start, end }, `\n${indent}${deeper}`);
    }
    if (event.key !== 'Tab') this.tabLeaves = false;
  }

  /** As if it were typed: the browser's own undo knows of it. */
  private replace(span: Span, text: string): void {
    this.area.setSelectionRange(span.start, span.end);
    const done =
      text === ''
        ? document.execCommand('delete')
        : document.execCommand('insertText', false, text);
    if (done) return;
    this.area.setRangeText(text, span.start, span.end, 'end');
    this.area.dispatchEvent(new Event('input'));
  }

  private lineAt(offset: number): number {
    return this.text.slice(0, offset).split('\n').length - 1;
  }

  private reveal(offset: number): void {
    const line = this.lines[this.lineAt(offset)]?.element;
    if (!line) return;
    const top = line.offsetTop;
    const pane = this.element;
    if (
      top < pane.scrollTop + 40 ||
      top + line.offsetHeight > pane.scrollTop + pane.clientHeight - 40
    )
      pane.scrollTop = Math.max(0, top - pane.clientHeight / 2);
  }

  /** The copy, line by line; a line that looks as before is left as it is. */
  private draw(): void {
    const { text } = this;
    if (text !== this.coloured) {
      this.coloured = text;
      this.colours = colours(text).map((c) => ({ start: c.start, end: c.end, class: c.colour }));
    }
    const layers = [...this.colours];
    for (const d of this.diagnostics)
      layers.push({
        start: d.span.start,
        end: Math.max(d.span.end, d.span.start + 1),
        class: d.severity === 'error' ? 'wrong' : 'doubtful',
      });
    for (const m of this.marks)
      if (m.current) layers.push({ start: m.span.start, end: m.span.end, class: 'current' });
    if (this.pointed) layers.push({ ...this.pointed, class: 'pointed' });
    let from = 0;
    const wanted = text.split('\n').map((line) => {
      const to = from + line.length;
      const here = layers.filter((l) => l.start < to + 1 && l.end > from);
      const cpus = this.marks.filter((m) => m.span.start >= from && m.span.start <= to);
      const start = from;
      from = to + 1;
      return { line, here, cpus, start };
    });
    while (this.lines.length > wanted.length) this.lines.pop()?.element.remove();
    wanted.forEach((w, i) => {
      const key = JSON.stringify([
        w.here.map((l) => [l.start - w.start, l.end - w.start, l.class]),
        w.cpus.map((m) => [m.cpu, m.current]),
      ]);
      const known = this.lines[i];
      if (known && known.text === w.line && known.key === key) return;
      const made = lineElement(w.line, w.here, w.start, w.cpus);
      if (known) known.element.replaceWith(made);
      else this.copy.append(made);
      this.lines[i] = { text: w.line, key, element: made };
    });
  }
}

function lineElement(
  text: string,
  layers: readonly Layer[],
  from: number,
  marks: readonly Mark[],
): HTMLElement {
  const edges = new Set([0, text.length]);
  for (const l of layers) {
    edges.add(Math.min(Math.max(l.start - from, 0), text.length));
    edges.add(Math.min(Math.max(l.end - from, 0), text.length));
  }
  const sorted = [...edges].sort((a, b) => a - b);
  const line = element('div', { class: marks.some((m) => m.current) ? 'line current' : 'line' });
  const cpus = new Map(marks.map((m) => [m.cpu, m.current]));
  [...cpus].slice(0, 2).forEach(([cpu, current], i) => {
    const mark = element('span', { class: current ? 'cpu current' : 'cpu' }, String(cpu));
    mark.style.left = `${2 + 14 * i}px`;
    line.append(mark);
  });
  for (let i = 0; i + 1 < sorted.length; i++) {
    const start = sorted[i] as number;
    const end = sorted[i + 1] as number;
    const classes = layers
      .filter((l) => l.start - from <= start && l.end - from >= end)
      .map((l) => l.class);
    const piece = text.slice(start, end);
    line.append(
      classes.length === 0 ? piece : element('span', { class: classes.join(' ') }, piece),
    );
  }
  // A mistake at the end of a line has no letter to stand under.
  const atEnd = layers.find((l) => l.start - from >= text.length && l.class !== 'comment');
  if (atEnd) line.append(element('span', { class: atEnd.class }, ' '));
  else if (text === '') line.append('\u200b');
  return line;
}
