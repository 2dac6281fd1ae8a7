// `terminates` by another way: states by the generated code, in a map; then from where patches have returned, backward.

import { afterAll, expect, test } from 'vitest';
import { createMachine } from '../../../compiler/emulator/machine.ts';
import { createSearch } from '../../../compiler/explorer/index.ts';
import { excluded, transitions } from '../../../compiler/generator/transitions.ts';
import { type Program, property } from '../../../compiler/ir.ts';
import { gallery } from '../../generator/gallery.ts';
import { type Generated, javascript } from '../../generator/javascript.ts';
import { judgedBy } from '../row.ts';
import { long, upTo } from './known.ts';

const most = long ? 60_000 : 2_200;

interface Found {
  readonly states: number;
  /** States from which no patch can come to its end any more. */
  readonly lost: number;
}

function backward(p: Program): Found {
  const made = transitions(p);
  const generated = new Function(javascript(made))() as Generated;
  const machine = createMachine(p);
  // What the environment may never do is no way to an end.
  const names = p.env.events.map((e) => e.name);
  const may = made.actions.map(
    (a) => !names.some((n) => [n, `${n} latched`, `${n} lost`].includes(a.name)),
  );
  const number = new Map<string, number>();
  const states: Int32Array[] = [];
  const before: number[][] = [];
  const ends: number[] = [];
  const visit = (s: Int32Array): number => {
    const id = Buffer.from(s.buffer, 0, s.byteLength).toString('latin1');
    const known = number.get(id);
    if (known !== undefined) return known;
    number.set(id, states.length);
    states.push(s);
    before.push([]);
    return states.length - 1;
  };
  visit(made.initial.slice());
  for (let n = 0; n < states.length; n++) {
    const state = states[n] as Int32Array;
    const ended = made.ended >= 0 && state[made.ended] !== 0;
    let over = ended || machine.finished(state.slice());
    for (let cpu = 0; cpu < p.env.cpus; cpu++) {
      made.actions.forEach((_, i) => {
        const to = state.slice();
        if (!generated.enabled(to, cpu, i)) return;
        const violated = generated.apply(to, cpu, i) !== 0;
        // A step that breaks another property ends the run as well.
        if (violated) over ||= may[i] === true;
        else {
          const next = visit(to);
          if (may[i]) (before[next] as number[]).push(n);
        }
      });
    }
    if (over) ends.push(n);
  }
  const reaches = new Uint8Array(states.length);
  for (const e of ends) reaches[e] = 1;
  let left = states.length - ends.length;
  for (let e = ends.pop(); e !== undefined; e = ends.pop()) {
    for (const b of before[e] as number[]) {
      if (reaches[b] === 1) continue;
      reaches[b] = 1;
      left--;
      ends.push(b);
    }
  }
  return { states: states.length, lost: left };
}

let judged = 0;
afterAll(() => {
  judgedBy(
    'backward reachability, by itself',
    `up to ${most} states`,
    `\`terminates\` of ${judged} checks`,
  );
});

const cases = upTo(most, gallery(long ? 1000 : 1)).filter(
  (c) => excluded(c.program) === undefined && !c.program.waived.has(property('terminates')),
);
test.each(cases.map((c) => [c.name, c.program] as const))('%s', (_, program) => {
  const search = createSearch(createMachine(program));
  while (!search.advance(10_000).done);
  const { states, violations } = search.result();
  const theirs = backward(program);
  expect(theirs.states).toBe(states);
  expect(theirs.lost > 0).toBe(violations.some((v) => v.property === 'terminates'));
  judged++;
});

test('many checks are small enough to be judged, and were', () => {
  expect(cases.length).toBeGreaterThan(15);
  expect(judged).toBe(cases.length);
});
