// The key of patterns: what each of them says of a byte.

import { element } from '../elements.ts';

export function fillKey(host: HTMLElement): void {
  host.classList.add('patterns');
  host.hidden = true;
  const sample = (look: string, word: string): HTMLElement =>
    element(
      'span',
      { class: 'sample' },
      element('span', { class: `swatch ${look}`, 'aria-hidden': 'true' }),
      word,
    );
  host.replaceChildren(
    sample('stale', 'stale'),
    sample('torn', 'torn'),
    sample('released', 'released'),
    element('span', { class: 'sample' }, element('b', { 'aria-hidden': 'true' }, 'e8'), 'patched'),
    element(
      'span',
      { class: 'sample' },
      element('code', { 'aria-hidden': 'true' }, '··'),
      'not built',
    ),
  );
}
