// The gallery: every example with its title, argument and verdicts, and the texts that were edited last.

import { element } from './elements.ts';
import { standingSign } from './icons.ts';
import { type Kept, keptTexts } from './kept.ts';

export interface Example {
  /** The file without its end; what `?example=` says. */
  readonly name: string;
  readonly title: string;
  readonly argument: string;
  readonly source: string;
  readonly text: string;
  readonly scenarios: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly states: string;
  }[];
}

let loading: Promise<readonly Example[]> | undefined;

/** Made when the page was built; asked for once. */
export function examples(): Promise<readonly Example[]> {
  loading ??= fetch(new URL('gallery.json', document.baseURI))
    .then((answer) => (answer.ok ? (answer.json() as Promise<readonly Example[]>) : []))
    .catch(() => []);
  return loading;
}

export interface GalleryEvents {
  example(e: Example): void;
  kept(k: Kept): void;
  empty(): void;
}

/** Fills a list for the header's menu: choosing closes it. */
export async function fillGallery(host: HTMLElement, events: GalleryEvents): Promise<void> {
  const all = await examples();
  host.replaceChildren(
    element('h2', {}, 'Gallery'),
    element('ul', { class: 'examples' }, ...all.map((e) => exampleItem(e, events))),
    element('h2', {}, 'Kept in this browser'),
    keptList(events),
  );
}

/** One line each, for where a text would be. */
export async function fillShortGallery(host: HTMLElement, events: GalleryEvents): Promise<void> {
  const all = await examples();
  host.replaceChildren(
    element('p', { class: 'lead' }, 'There is no text. Write one, or open an example:'),
    element(
      'ul',
      { class: 'short' },
      ...all.map((e) =>
        element(
          'li',
          {},
          link(e, events, element('code', {}, e.name)),
          element('span', {}, e.title),
        ),
      ),
    ),
  );
}

function link(e: Example, events: GalleryEvents, ...children: readonly Node[]): HTMLAnchorElement {
  const a = element('a', { href: `?example=${encodeURIComponent(e.name)}` }, ...children);
  a.addEventListener('click', (event) => {
    // A new tab or window is the browser's.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    events.example(e);
  });
  return a;
}

function exampleItem(e: Example, events: GalleryEvents): HTMLElement {
  return element(
    'li',
    {},
    link(e, events, element('code', {}, e.name), element('span', { class: 'title' }, e.title)),
    element('p', {}, e.argument),
    element(
      'details',
      {},
      element('summary', {}, tally(e)),
      element(
        'table',
        {},
        element(
          'tbody',
          {},
          ...e.scenarios.map((s) =>
            element(
              'tr',
              {},
              element('td', {}, s.name),
              element(
                'td',
                {},
                standingSign(s.verdict.startsWith('holds') ? 'holds' : 'violated'),
                s.verdict,
              ),
              element('td', { class: 'number' }, `${s.states} states`),
            ),
          ),
        ),
      ),
    ),
  );
}

function tally(e: Example): string {
  const holds = e.scenarios.filter((s) => s.verdict.startsWith('holds')).length;
  return `${e.scenarios.length} scenarios: ${holds} hold, ${e.scenarios.length - holds} violate`;
}

function keptList(events: GalleryEvents): HTMLElement {
  const empty = element('button', { type: 'button' }, 'Begin with an empty text');
  empty.addEventListener('click', () => events.empty());
  return element(
    'ul',
    { class: 'kept' },
    ...keptTexts().map((k) => {
      const open = element(
        'button',
        { type: 'button' },
        element('code', {}, k.title),
        element(
          'span',
          {},
          `${k.text.split('\n').length} lines, ${new Date(k.when).toLocaleString()}`,
        ),
      );
      open.addEventListener('click', () => events.kept(k));
      return element('li', {}, open);
    }),
    element('li', {}, empty),
  );
}
