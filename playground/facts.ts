// What stands behind a run that breaks nothing: what was checked, what held, in which environment.

import type { Entry } from './board.ts';
import { boundText, searchedText } from './board.ts';
import { counted, element, grouped } from './elements.ts';
import type { Run } from './protocol.ts';

/** `open` shows another run of the scenario. */
export function fillFacts(
  host: HTMLElement,
  entry: Entry | undefined,
  shown: Run | undefined,
  open: (run: Run) => void,
): void {
  const o = entry?.outcome;
  if (!entry || !o || o.verdict === 'violated') {
    host.replaceChildren();
    return;
  }
  const names = [...new Set(o.checks.flatMap((c) => c.witnesses.map((w) => w.name)))];
  // A witness is reached in so many steps: its run can be opened.
  const head = element(
    'tr',
    {},
    element('th', { scope: 'col' }, 'check'),
    element('th', { scope: 'col', class: 'number' }, 'states'),
    element('th', { scope: 'col', class: 'number' }, 'depth'),
    ...names.map((n) => element('th', { scope: 'col' }, n)),
  );
  const rows = o.checks.map((c, check) =>
    element(
      'tr',
      {},
      element('td', { class: 'mono' }, c.values.join(', ') || 'as it stands'),
      element('td', { class: 'number' }, grouped(c.states)),
      element('td', { class: 'number' }, grouped(c.depth)),
      ...names.map((name) => {
        const w = c.witnesses.find((x) => x.name === name);
        const run = o.runs.find(
          (r) => r.kind === 'witness' && r.check === check && r.name === name,
        );
        if (!w || w.reached === undefined || !run)
          return element('td', {}, w ? 'not reached' : 'none');
        if (run === shown) return element('td', {}, `${counted(w.reached, 'step')}, above`);
        const go = element('button', { type: 'button', class: 'link' }, counted(w.reached, 'step'));
        go.addEventListener('click', () => open(run));
        return element('td', {}, go);
      }),
    ),
  );
  const first = o.checks[0];
  const held = o.verdict === 'holds' ? 'Held' : 'Not broken so far';
  host.replaceChildren(
    element(
      'section',
      { class: 'facts' },
      element(
        'h3',
        {},
        o.verdict === 'holds'
          ? 'Every state visited, no run violates'
          : `Unfinished: ${boundText(o)}; nothing violated so far`,
      ),
      element(
        'div',
        { class: 'sideways', tabindex: 0, role: 'region', 'aria-label': 'Checks' },
        element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)),
      ),
      element(
        'p',
        {},
        element('span', { class: 'what' }, held),
        ` ${(first?.judged ?? []).join(', ')}.`,
      ),
      ...(first?.waived ?? []).map((w) =>
        element('p', {}, element('span', { class: 'what' }, 'Waived'), ` ${w.name}: ${w.reason}.`),
      ),
      element('p', {}, element('span', { class: 'what' }, 'Searched'), ` ${searchedText(o)}.`),
      element(
        'p',
        {},
        element('span', { class: 'what' }, 'Environment'),
        ` ${(first?.environment ?? []).join('; ')}.`,
      ),
    ),
  );
}
