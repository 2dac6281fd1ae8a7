// The verdicts as the document that `suture verify --json` prints, saved to a file.

import { documentOf, type FileReport } from '../compiler/index.ts';
import { element } from './elements.ts';

/** `report` says what is to be saved when the button is pressed; nothing while a check runs. */
export function saveButton(report: () => FileReport | undefined): HTMLElement {
  const button = element(
    'button',
    { type: 'button', class: 'framed' },
    'Save the verdicts as JSON',
  );
  const note = element('span', { class: 'note', role: 'status' });
  button.addEventListener('click', () => {
    const now = report();
    note.textContent = now ? '' : ' The check has not ended.';
    if (!now) return;
    const text = `${JSON.stringify(documentOf([now]), undefined, 2)}\n`;
    const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    element('a', { href: address, download: 'verdicts.json' }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  });
  return element('span', {}, button, note);
}
