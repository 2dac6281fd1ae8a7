// Every scenario of the gallery as Promela: Spin finds as many states and transitions as we do, and breaks the same properties.
//
// The short form leaves out what has more than 2,000 states, and of each scenario all checks but the first.
// All up to a million states: SUTURE_LONG=1 npm test -- oracles/promela

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMachine } from '../../../compiler/emulator/machine.ts';
import { createSearch } from '../../../compiler/explorer/index.ts';
import { promela } from '../../../compiler/generator/promela.ts';
import { excluded, transitions } from '../../../compiler/generator/transitions.ts';
import type { Program } from '../../../compiler/ir.ts';
import { gallery } from '../../generator/gallery.ts';
import { judgedBy } from '../row.ts';
import { agreed as known, long, promote, upTo, write } from './known.ts';
import { askPan, type Found, spinVersion } from './pan.ts';

const most = long ? 1_000_000 : 2_000;
const cases = promote ? gallery(1000) : upTo(most, gallery(long ? 1000 : 1));

interface Ours {
  readonly states: number;
  readonly transitions: number;
  readonly failed: readonly number[];
}
/** Our own search; undefined where it has more states than are asked for. */
function askUs(p: Program): Ours | undefined {
  const search = createSearch(createMachine(p), { maxStates: most });
  while (!search.advance(10_000).done);
  const { states, transitions, violations, bound } = search.result();
  if (bound !== undefined) return undefined;
  return {
    states,
    transitions,
    failed: violations
      .filter((v) => v.goal === undefined)
      .map((v) => 1 + p.properties.indexOf(v.property))
      .sort((a, b) => a - b),
  };
}

const ours = new Map<string, Ours | string>();
const theirs = new Map<string, Found | Error>();
const lines: string[] = [];
let agreed = 0;
let states = 0;

async function ask(c: (typeof cases)[number]): Promise<void> {
  const made = transitions(c.program);
  const vector = 4 * made.initial.length + 1024;
  const model = promela(made, [c.name]);
  const found = await askPan(model, vector).catch((e: unknown) => e as Error);
  theirs.set(c.name, found);
  if (long && !(found instanceof Error))
    console.log(`${c.name}: ${found.states} states, ${found.seconds.toFixed(1)} s`);
}

beforeAll(async () => {
  const waiting = [...cases];
  const large: typeof waiting = [];
  const one = async (): Promise<void> => {
    for (let c = waiting.shift(); c; c = waiting.shift()) {
      const mine = excluded(c.program) ?? askUs(c.program) ?? `more than ${most} states`;
      ours.set(c.name, mine);
      if (typeof mine === 'string') continue;
      // Two of several gigabytes at once are too many.
      if (mine.states * createMachine(c.program).words > 500_000_000) large.push(c);
      else await ask(c);
    }
  };
  await Promise.all([one(), one()]);
  for (const c of large) await ask(c);
}, 9_000_000);

afterAll(() => {
  judgedBy(
    'Spin, on emitted Promela',
    spinVersion(),
    `${agreed} checks, ${states.toLocaleString('en-US')} states and all their transitions`,
  );
  write(lines);
});

test.each(cases.map((c) => [c.name, c] as const))('%s', (name) => {
  const mine = ours.get(name) as Ours | string;
  if (typeof mine === 'string') {
    const said = `${name} | not asked: ${mine}`;
    lines.push(said);
    if (!promote) expect(known).toContain(said);
    return;
  }
  const found = theirs.get(name);
  if (found === undefined || found instanceof Error) throw found ?? new Error('Spin was not asked');
  // The model has one state more for each property that is broken, and counts the initial state as a transition.
  expect({
    states: found.states - found.failed.length,
    transitions: found.transitions - 1,
    failed: found.failed,
  }).toEqual(mine);
  const said = `${name} | ${mine.states} | ${mine.transitions}`;
  lines.push(said);
  if (!promote) expect(known).toContain(said);
  agreed++;
  states += mine.states;
});
