// A page with the two views alone, for a run that is made long by playing one over and over: `show` goes to a step.

import { createBytesView } from '../../playground/bytes/view.ts';
import type { Run } from '../../playground/protocol.ts';
import { createRunView } from '../../playground/run/view.ts';

declare global {
  interface Window {
    /** Steps of the long run. */
    begin(run: Run, times: number): number;
    show(step: number): void;
  }
}

const host = (id: string): HTMLElement => {
  const made = document.createElement('div');
  made.id = id;
  document.body.append(made);
  return made;
};
document.body.style.cssText = 'display: block; height: 900px';
const pane = host('pane');
pane.style.cssText = 'width: 552px; height: 640px';
const scrubber = host('scrubber');
scrubber.style.cssText = 'width: 952px; height: 56px';
const bytes = host('bytes');
bytes.style.cssText = 'position: absolute; top: 0; left: 560px; width: 400px; height: 640px';
const events = { select: (step: number) => window.show(step), span: () => {} };
const runView = createRunView({ pane, scrubber, choice: host('choice') }, events);
const bytesView = createBytesView({ pane: bytes, key: host('key') }, events);
let shown: Run | undefined;

window.begin = (run, times) => {
  shown = repeated(run, times);
  window.show(0);
  return shown.schedule.length;
};
window.show = (step) => {
  runView.show(shown, step);
  bytesView.show(shown, step);
};

/** The steps of a run, again and again; what it shows is no run any more, only as much to draw. */
function repeated(run: Run, times: number): Run {
  const n = run.schedule.length;
  const t = run.telling;
  const again = <T>(all: readonly T[], moved: (x: T, by: number) => T): T[] =>
    Array.from({ length: times }, (_, k) => all.map((x) => moved(x, k * n))).flat();
  return {
    ...run,
    schedule: again(run.schedule, (s) => s),
    telling: {
      ...t,
      steps: again(t.steps, (s) => s).map((s, i, all) => ({
        ...s,
        violates: s.violates && i === all.length - 1,
      })),
      states: [...t.states.slice(0, 1), ...again(t.states.slice(1), (s) => s)],
      phases: again(t.phases, (p, by) => ({ ...p, from: p.from + by })),
      folds: again(t.folds, (f, by) => ({ ...f, from: f.from + by, to: f.to + by })),
      windows: again(t.windows, (w, by) => ({ ...w, from: w.from + by, to: w.to + by })),
      arrows: again(t.arrows, (a, by) => ({
        ...a,
        step: a.step + by,
        ...(a.taken === undefined ? {} : { taken: a.taken + by }),
      })),
    },
  };
}
