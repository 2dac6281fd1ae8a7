// The keys of the page: what they are, and when they are not the page's.

import { element, grouped } from './elements.ts';
import type { Bounds } from './protocol.ts';

const keys: readonly (readonly [string, string])[] = [
  ['← →', 'one step back, one on'],
  ['Home End', 'the beginning, the end'],
  ['[ ]', 'previous and next step of the same CPU'],
  ['g', 'go to a step by its number'],
  ['u', 'run to a condition, on or back'],
  ['n N', 'the same condition again, on and back'],
  ['a', 'what could happen at this step'],
  ['w', 'why'],
  ['l', 'lanes or table'],
  ['1 … 9', 'the scenario of that number'],
  ['Esc', 'stop the check; close what is open'],
  ['Ctrl+Enter', 'check now, and all of it anew'],
  ['F8', 'the next problem; Shift+F8 the one before'],
  ['Ctrl+.', 'explain and mend the problem at the caret'],
  ['F6', 'the next pane; Shift+F6 the one before'],
  ['Esc, Tab', 'leave the editor: Tab alone indents there'],
  ['?', 'this list'],
];

export function fillKeys(
  host: HTMLElement,
  bounds: Bounds,
  ...actions: readonly HTMLElement[]
): void {
  host.replaceChildren(
    element('h2', {}, 'Keys'),
    element(
      'dl',
      {},
      ...keys.flatMap(([key, what]) => [
        element('dt', {}, ...key.split(' ').map((k) => element('kbd', {}, k))),
        element('dd', {}, what),
      ]),
    ),
    element(
      'p',
      {},
      'While the text is edited only Esc, F6, F8, Ctrl+. and Ctrl+Enter are the page’s.',
    ),
    element(
      'p',
      {},
      `A check ends unfinished at ${grouped(bounds.maxStates)} states or ${bounds.maxMemory >> 20} MB, whichever comes first. The command can go further.`,
    ),
    element('p', { class: 'actions' }, ...actions),
  );
}

/** Keys there are letters of a text, or choose among options. */
export function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select, .monaco-editor *'))
  );
}
