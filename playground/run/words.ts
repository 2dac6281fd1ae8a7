// A step in words, for those who hear the page, and for the table.

import type { Stand } from '../../compiler/index.ts';
import type { Run } from '../protocol.ts';

/** Without the marks of code. */
export const plain = (text: string): string => text.replaceAll('`', '');

export function sentence(run: Run, step: number): string {
  const { telling } = run;
  const told = telling.steps[step - 1];
  if (!told) return `The beginning, before step 1 of ${run.schedule.length}`;
  const why = run.why.filter((w) => w.step === step).map((w) => w.text);
  const words = told.begins.map((b) => (b.cpu === told.cpu ? b.text : `CPU ${b.cpu}: ${b.text}`));
  const phase = telling.phases.find((p) => p.from === step);
  return [
    `Step ${step} of ${run.schedule.length}, CPU ${told.cpu}, ${told.who}: ${plain(told.text)}`,
    ...(told.detail === '' ? [] : [plain(told.detail)]),
    ...words,
    ...(phase ? [`${phase.name} begins`] : []),
    ...(told.violates ? [`violates ${run.name}`] : []),
    ...why,
  ].join('; ');
}

/** What holds of a CPU, but for where it stands. */
export function conditions(stand: Stand): readonly string[] {
  return [
    ...(stand.interrupts ? [] : ['IF=0']),
    ...(stand.shadow ? ['shadow'] : []),
    ...(stand.pending === 1 ? ['IPI pending'] : []),
    ...(stand.pending > 1 ? [`${stand.pending} IPIs pending`] : []),
    ...(stand.stub ? [`in ${stand.stub.name}${stand.stub.released ? ', released' : ''}`] : []),
  ];
}
