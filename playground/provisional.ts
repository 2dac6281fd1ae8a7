// A run as a plain table of its steps, until the lanes are there.

import { element } from './elements.ts';
import type { Run, RunHosts, RunView, ViewEvents } from './protocol.ts';

export function createRunView(hosts: RunHosts, events: ViewEvents): RunView {
  const body = element('tbody');
  const foot = element('div', { class: 'foot' });
  hosts.pane.append(element('table', { class: 'steps' }, body), foot);
  let shown: Run | undefined;
  let at = 0;
  return {
    foot,
    show(run, step) {
      if (run !== shown) {
        body.replaceChildren(
          ...(run?.trace.steps ?? []).map((s, i) => {
            const row = element(
              'tr',
              {},
              element('td', { class: 'number' }, String(i + 1)),
              element('td', {}, `cpu${s.cpu} ${s.who}`),
              element('td', { class: 'mono' }, s.text),
              element('td', {}, s.note),
            );
            row.addEventListener('click', () => events.select(i + 1));
            row.addEventListener('mouseenter', () => events.span(s.span));
            row.addEventListener('mouseleave', () => events.span(undefined));
            return row;
          }),
        );
      }
      shown = run;
      body.querySelector('.current')?.classList.remove('current');
      const row = body.children[step - 1];
      row?.classList.add('current');
      row?.scrollIntoView({ block: 'nearest' });
      at = step;
    },
    key(event) {
      const last = shown?.schedule.length ?? 0;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
      if (to === undefined || !shown) return false;
      events.select(Math.min(Math.max(to, 0), last));
      return true;
    },
    mark() {},
  };
}
