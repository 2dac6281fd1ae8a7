// What could happen at the step that is shown: every enabled action, and which of them the run takes.

import { counted, element, prose } from './elements.ts';
import type { Alternative } from './protocol.ts';

export function fillChoices(
  host: HTMLElement,
  all: readonly Alternative[] | undefined,
  ahead = false,
): void {
  const head = element(
    'div',
    { class: 'head' },
    element('h3', {}, 'At this step'),
    element(
      'span',
      {},
      all
        ? all.length === 0
          ? 'nothing can happen'
          : `${counted(all.length, 'action')} possible`
        : '',
    ),
  );
  const items = (all ?? []).map((a) =>
    element(
      'li',
      { class: a.taken ? 'taken' : undefined },
      element('span', { class: 'dot', 'aria-hidden': 'true' }),
      element('span', { class: 'name' }, a.name),
      element(
        'span',
        { class: 'does' },
        element('code', {}, a.text),
        ' ',
        ...prose(a.note),
        a.violates === undefined
          ? undefined
          : element('span', { class: 'bad' }, ` violates ${a.violates}`),
      ),
      element('span', { class: 'here' }, a.taken ? (ahead ? 'comes next' : 'taken') : ''),
    ),
  );
  host.replaceChildren(
    head,
    element('ul', { tabindex: 0, 'aria-label': 'What could happen here' }, ...items),
  );
}
