// The block below a run that violates: which property, what, where, then why, each claim with links to its steps.

import { element, prose } from '../elements.ts';
import type { Run } from '../protocol.ts';

interface Claim {
  readonly text: string;
  readonly steps: number[];
}

export function fillWhy(
  host: HTMLElement,
  run: Run | undefined,
  select: (step: number) => void,
): void {
  host.hidden = run?.kind !== 'violation';
  if (run?.kind !== 'violation') {
    host.replaceChildren();
    return;
  }
  const { telling } = run;
  const last = telling.steps[telling.steps.length - 1];
  const where = last?.violates
    ? `CPU ${last.cpu}: ${[last.text, last.detail].filter((x) => x !== '').join(' ')}. ${sentence(run.message)} `
    : `${sentence(run.message)} `;
  host.replaceChildren(
    element(
      'p',
      { class: 'property' },
      element('b', {}, run.name),
      ' ',
      ...prose(where),
      link(run.schedule.length, select),
      '.',
    ),
    element(
      'dl',
      {},
      ...claims(run).flatMap((c) => [
        element('dt', {}, ...links(c.steps, select)),
        element('dd', {}, ...prose(said(c.text))),
      ]),
    ),
    ...[beyond(run)].filter((t) => t !== '').map((t) => element('p', {}, t)),
  );
}

/** The sentences of the trace, and where a window opened; one that is said of several steps once. */
function claims(run: Run): readonly Claim[] {
  const open = run.telling.windows.slice(0, 1).flatMap((w) => [
    { step: w.from, text: `from here interrupts can come to cpu${w.cpu} in the stub` },
    { step: w.to, text: `the waiting interrupt is taken` },
  ]);
  const all = [...run.why, ...open]
    .filter((w) => w.text !== run.message || w.step !== run.schedule.length)
    .sort((a, b) => (a.step ?? 0) - (b.step ?? 0));
  const out: Claim[] = [];
  for (const w of all) {
    const same = out.find((c) => c.text === w.text);
    const steps = w.step === undefined ? [] : [w.step];
    if (same) same.steps.push(...steps);
    else out.push({ text: w.text, steps });
  }
  return out;
}

const links = (
  steps: readonly number[],
  select: (step: number) => void,
): readonly (Node | string)[] =>
  steps.flatMap((s, i) => (i === 0 ? [link(s, select)] : [' ', link(s, select)]));

/** As a sentence begins; a name that the spec gave keeps its case. */
function said(text: string): string {
  const named = text
    .replace(/\bcpu(\d+)\b/g, 'CPU $1')
    .replace(/^(nmi|ipi)\b/, (name) => name.toUpperCase());
  return /^(the|then|from|it|no|runs) /.test(named)
    ? `${named[0]?.toUpperCase()}${named.slice(1)}`
    : named;
}

const sentence = (text: string): string => {
  const begun = said(text);
  return `${begun[0]?.toUpperCase() ?? ''}${begun.slice(1)}`;
};

function beyond(run: Run): string {
  const { inevitableFrom: from } = run;
  if (from === 'not known')
    return 'From where on it cannot be avoided is not known: the search was unfinished.';
  if (from === 0) return 'Every run of this environment violates some property.';
  if (from === undefined || from >= run.schedule.length) return '';
  return `From step ${from} on every run violates some property.`;
}

function link(step: number, select: (step: number) => void): HTMLElement {
  const made = element(
    'button',
    { type: 'button', class: 'step', 'aria-label': `step ${step}` },
    String(step),
  );
  made.addEventListener('click', () => select(step));
  return made;
}
