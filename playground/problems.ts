// Every problem of the text, one line each.

import { type Diagnostic, position, source } from '../grammar/index.ts';
import { element, prose } from './elements.ts';
import { standingSign } from './icons.ts';

export function fillProblems(
  host: HTMLElement,
  text: string,
  diagnostics: readonly Diagnostic[],
  open: (d: Diagnostic) => void,
): void {
  const lines = source(text);
  host.replaceChildren(
    element('h2', {}, 'Problems'),
    ...(diagnostics.length === 0 ? [element('p', {}, 'None.')] : []),
    element(
      'ul',
      {},
      ...diagnostics.map((d) => {
        const button = element(
          'button',
          { type: 'button' },
          standingSign(d.severity === 'error' ? 'violated' : 'unfinished'),
          element('span', { class: 'line' }, `line ${position(lines, d.span.start).line}`),
          element('span', {}, ...prose(d.message)),
        );
        button.addEventListener('click', () => {
          host.hidePopover();
          open(d);
        });
        return element('li', {}, button);
      }),
    ),
  );
}
