// Generated code says itself what may be fetched: the same choices in the same order, and no state is left to the interpreter.

import { expect, test } from 'vitest';
import { createMachine } from '../../compiler/emulator/machine.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { excluded } from '../../compiler/generator/transitions.ts';
import { compile, programOf } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';
import { corners, gallery } from './gallery.ts';

const long = process.env.SUTURE_LONG !== undefined;
/** States that are compared of each check, those in doubt first. */
const most = long ? 20_000 : 250;

/** What a state allows and what comes of it, as the interpreter says and as generated code does. */
function compare(p: Program): {
  doubts: number;
  witnessed: number;
  outcomes: ReadonlySet<string | undefined>;
  how: string;
} {
  const plain = createMachine(p);
  const machine = createMachine(p);
  const { model, how } = generated(p, machine, 0);
  const wanted = new Int32Array(4096);
  const found = new Int32Array(4096);
  const seen = new Set<string>();
  const key = (s: Int32Array): string =>
    Buffer.from(s.buffer, s.byteOffset, s.byteLength).toString('latin1');
  let doubts = 0;
  let witnessed = 0;
  const outcomes = new Set<string | undefined>();
  const clear: Int32Array[] = [...plain.initial()];
  const doubtful: Int32Array[] = [];
  for (;;) {
    const state = doubtful.shift() ?? clear.shift();
    if (state === undefined) break;
    const n = plain.enabled(state.slice(), wanted);
    const actions = [...wanted.subarray(0, n)];
    expect([...found.subarray(0, model.enabled(state, found))]).toEqual(actions);
    const { scratch } = model;
    if (scratch === undefined) throw new Error('there is no engine');
    for (const action of actions) {
      // A step that is one of several ways to fetch.
      if (/ fetch /.test(plain.actionName(state.slice(), action))) doubts++;
      const to = state.slice();
      const outcome = plain.apply(to, action);
      scratch.set(state);
      const answer = model.apply(scratch, action);
      const { limit } = plain;
      witnessed |= plain.witnessed;
      outcomes.add(p.properties[outcome - 1]);
      expect([answer, model.limit]).toEqual([outcome, limit]);
      if (outcome === 0 && limit === undefined) {
        const id = key(to);
        expect(key(scratch) === id).toBe(true);
        if (seen.has(id) || seen.size >= most) continue;
        seen.add(id);
        const { l } = plain.core;
        const inDoubt = l.views.some((v) => to.subarray(v, v + l.viewWords).some((x) => x !== 0));
        (inDoubt ? doubtful : clear).push(to);
      }
      expect(model.witnessed).toBe(plain.witnessed);
    }
  }
  return { doubts, witnessed, outcomes, how: how() };
}

const cases = [...gallery(long ? 1000 : 1), ...corners()].filter(
  (c) => excluded(c.program) === undefined,
);
let doubts = 0;

test.each(cases.map((c) => [c.name, c.program] as const))('%s', (_, program) => {
  const compared = compare(program);
  doubts += compared.doubts;
  // Farther on a bound is hit, or code is loaded as data: then the interpreter says what comes of it.
  if (long) expect(compared.how).toMatch(/^generated; /);
  else expect(compared.how).toBe('generated; 0 states and steps interpreted');
});

test('a property that divides is judged by the interpreter, its steps are not', () => {
  const compiled = compile(`
protocol divides "asks for quotients"
code {
  worker: mov rax, [x]; add rax, 1; and rax, 3; mov [x], rax
  place:  nop
          jmp worker
}
thread task runs worker
shared x = 0
on breakpoint at place { resume place.end }
patch place: nop -> int3 { poke place[0]; sync cores }
require small: always x / 2 < 2
require other: never x / 3 == 1
witness x / 2 == 1
witness x / 0 == 1
scenario "s" { } expect violates only other
`);
  const check = compiled.scenarios[0]?.checks[0];
  if (check === undefined) throw new Error('the spec does not compile');
  const compared = compare(programOf(compiled, check).program);
  expect(compared.witnessed).toBe(1);
  expect(compared.outcomes).toContain('other');
  expect(compared.how).toBe('generated; 0 states and steps interpreted');
});

test('there were fetches in doubt', () => {
  expect(doubts).toBeGreaterThan(500);
});
