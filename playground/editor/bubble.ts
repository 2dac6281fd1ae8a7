// One problem of the text beside its place: the sentence, what would mend it, and the way out.

import type { Diagnostic } from '../../grammar/index.ts';
import { element, prose, sentence } from '../elements.ts';
import { standingSign } from '../icons.ts';
import type { Editor } from './editor.ts';

export class Bubble {
  readonly element: HTMLElement;
  private readonly editor: Pick<Editor, 'element' | 'apply' | 'focus'>;

  constructor(editor: Pick<Editor, 'element' | 'apply' | 'focus'>) {
    this.editor = editor;
    this.element = element('div', {
      class: 'bubble',
      popover: 'manual',
      role: 'dialog',
      'aria-label': 'Problem',
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.hide();
      this.editor.focus();
    });
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.hide();
    });
  }

  hide(): void {
    if (this.element.matches(':popover-open')) this.element.hidePopover();
  }

  /** `line` is where the line of the problem stands on the screen. */
  show(diagnostic: Diagnostic, line: { readonly top: number; readonly bottom: number }): void {
    const { fix } = diagnostic;
    const take =
      fix &&
      element(
        'button',
        { type: 'button' },
        element('span', {}, ...prose(fix.title)),
        element('kbd', {}, 'Enter'),
      );
    take?.addEventListener('click', () => {
      this.hide();
      if (fix) this.editor.apply(fix);
    });
    const close = element('button', { type: 'button' }, 'Close', element('kbd', {}, 'Esc'));
    close.addEventListener('click', () => {
      this.hide();
      this.editor.focus();
    });
    this.element.replaceChildren(
      element(
        'p',
        {},
        standingSign(diagnostic.severity === 'error' ? 'violated' : 'unfinished'),
        element('span', {}, ...prose(sentence(diagnostic.message))),
      ),
      element('div', { class: 'choices' }, take, close),
    );
    const pane = this.editor.element.getBoundingClientRect();
    this.element.style.left = `${pane.left + 56}px`;
    this.element.style.width = `${Math.min(400, pane.width - 72)}px`;
    this.element.showPopover();
    const height = this.element.offsetHeight;
    const below = line.bottom + height + 8 < pane.bottom;
    this.element.style.top = `${below ? line.bottom + 4 : Math.max(4, line.top - height - 4)}px`;
    (take ?? close).focus();
  }
}
