// What is looked at as a link, and the button that copies it: all of it stands in the fragment, which no server sees.

import { encodeLink, longLink, type Shared } from '../compiler/share.ts';
import { counted, element, part } from './elements.ts';
import { shareSign } from './icons.ts';
import type { Run } from './protocol.ts';

export interface Looked {
  readonly text: string;
  readonly scenario: string | undefined;
  /** Undefined where it is of an older text. */
  readonly run: Run | undefined;
  readonly step: number;
  readonly view: string;
  readonly selection: { readonly start: number; readonly end: number };
}

export function sharedOf(l: Looked): Shared {
  const { run, scenario } = l;
  return {
    source: l.text,
    ...(scenario === undefined ? {} : { scenario }),
    ...(run && scenario !== undefined
      ? {
          run: {
            check: run.check,
            finding: run.name,
            initial: run.initial,
            schedule: run.schedule,
            digests: run.trace.steps.map((s) => s.digest),
            step: l.step,
          },
        }
      : {}),
    view: l.view,
    selection: [l.selection.start, l.selection.end],
  };
}

/** Fills the sheet each time it is opened; `say` is for those who hear the page. */
export function shareButton(looked: () => Looked, say: (text: string) => void): HTMLElement {
  const sheet = part('link');
  const button = element(
    'button',
    { type: 'button', popovertarget: 'link' },
    shareSign(),
    element('span', { class: 'word' }, 'Share'),
  );
  sheet.addEventListener('beforetoggle', (event) => {
    if ((event as ToggleEvent).newState === 'open') void fill(sheet, looked(), say);
  });
  return button;
}

async function fill(sheet: HTMLElement, l: Looked, say: (text: string) => void): Promise<void> {
  const { origin, pathname } = location;
  const link = `${origin}${pathname}#${await encodeLink(sharedOf(l))}`;
  const field = element('input', {
    type: 'text',
    readonly: true,
    'aria-label': 'Link',
    value: link,
  });
  const copied = await copy(link);
  const what = l.run ? `, the run and step ${l.step}` : '';
  const done = `${copied ? 'Copied' : 'To be copied from here'}: ${counted(link.length, 'character')}, with the text${what}. No server sees them.`;
  const save = element('button', { type: 'button', class: 'framed' }, 'Save the text as a file');
  save.addEventListener('click', () => saveText(l.text));
  sheet.replaceChildren(
    element('h2', {}, 'Link'),
    element('p', {}, done),
    element('p', {}, field),
    ...(link.length > longLink
      ? [
          element(
            'p',
            { class: 'long' },
            `Chats cut a link after about ${counted(longLink, 'character')}, a prefilled issue after 8,000: send the file instead.`,
          ),
        ]
      : []),
    element('p', { class: 'actions' }, save),
  );
  say(done);
  field.focus();
  field.select();
}

/** Browsers refuse it without a secure origin, or to whom the user has not allowed it. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function saveText(text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const name = /^\s*protocol\s+(\w+)/m.exec(text)?.[1]?.replaceAll('_', '-') ?? 'spec';
  element('a', { href: address, download: `${name}.suture` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
