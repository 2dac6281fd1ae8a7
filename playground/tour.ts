// Five sentences for who comes the first time; closed once, they do not come back.

import { element, prose } from './elements.ts';
import { recall, remember } from './memory.ts';

const sentences: readonly { readonly text: string; readonly at: string }[] = [
  {
    text: 'On the left stands a protocol: code, and the steps in which one CPU rewrites it while the others run it.',
    at: 'source',
  },
  {
    text: 'Above the run is every scenario with its verdict: `holds` means that every interleaving was visited.',
    at: 'strip',
  },
  {
    text: 'Here an NMI in the shadow of an `sti` breaks it; this is the shortest run that shows it, a lane for each CPU.',
    at: 'run',
  },
  {
    text: 'On the right are the bytes that each CPU may fetch behind the step that is marked: go through the run with the arrow keys.',
    at: 'bytes',
  },
  {
    text: 'Change any line: what you write is checked as you type, in this page, and goes nowhere else.',
    at: 'source',
  },
];

export function mayTour(): boolean {
  return recall('toured') === undefined;
}

export function tour(host: HTMLElement): void {
  let at = 0;
  const text = element('p', { 'aria-live': 'polite' });
  const next = element('button', { type: 'button', class: 'framed' }, 'Next');
  const close = element('button', { type: 'button', class: 'framed' }, 'Close');
  const point = (id: string | undefined): void => {
    for (const e of document.querySelectorAll('.toured')) e.classList.remove('toured');
    if (id) document.getElementById(id)?.classList.add('toured');
  };
  const end = (): void => {
    remember('toured', 'yes');
    point(undefined);
    host.hidden = true;
    host.replaceChildren();
  };
  const show = (): void => {
    const sentence = sentences[at];
    if (!sentence) {
      end();
      return;
    }
    text.replaceChildren(
      element('span', { class: 'count' }, `${at + 1} of ${sentences.length}`),
      ...prose(sentence.text),
    );
    next.textContent = at === sentences.length - 1 ? 'Done' : 'Next';
    point(sentence.at);
  };
  next.addEventListener('click', () => {
    at++;
    show();
  });
  close.addEventListener('click', end);
  host.replaceChildren(text, element('div', { class: 'buttons' }, next, close));
  host.hidden = false;
  show();
}
