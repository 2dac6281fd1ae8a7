// The verdicts of a model that somebody else's checker judges: Spin, on the same protocols written by hand.
//
// One command for all of it, with two victims too: SUTURE_LONG=1 npm test -- oracles/spin

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgedBy } from '../row.ts';
import { type Answer, askSpin, askUs, type Configuration, nameOf, spinVersion } from './seed.ts';

const long = process.env.SUTURE_LONG !== undefined;
const promote = process.env.SUTURE_PROMOTE !== undefined;
const golden = join(import.meta.dirname, 'agreement.txt');
const known = promote ? [] : readFileSync(golden, 'utf8').split('\n');

const all: Configuration[] = [];
for (const victims of long ? [1, 2] : [1]) {
  for (const proto of [0, 1, 2, 3] as const) {
    for (const omit of [0, 1, 2, 3] as const) {
      // Without a guard there is one sync, the last.
      if (proto === 0 && (omit === 1 || omit === 2)) continue;
      for (const irqoff of [0, 1] as const) {
        for (const nmis of [0, 1] as const) all.push({ proto, omit, irqoff, nmis, victims });
      }
    }
  }
}

/** What the model's assertions ask, in our words. */
const means: readonly (readonly [RegExp, string])[] = [
  [/f1==f2/, 'torn_instruction'],
  [/armed/, 'trap_handled'],
  [/gen==g/, 'stale_stub'],
];

const spin = new Map<string, Answer>();
const lines: string[] = [];
let agreed = 0;
beforeAll(async () => {
  const waiting = [...all];
  const one = async (): Promise<void> => {
    for (let c = waiting.shift(); c; c = waiting.shift()) spin.set(nameOf(c), await askSpin(c));
  };
  await Promise.all([one(), one()]);
}, 3_000_000);
afterAll(() => {
  judgedBy(
    'Spin',
    spinVersion(),
    `${agreed} configurations of a model written by hand, safety and liveness`,
  );
  if (promote) writeFileSync(golden, `${lines.join('\n')}\n`);
});

describe('Spin and we agree on', () => {
  for (const c of all) {
    test(nameOf(c), () => {
      const theirs = spin.get(nameOf(c)) as Answer;
      const ours = askUs(c);
      const say = (a: Answer): string =>
        a.safe ? `safe, ${a.ends ? 'ends' : 'does not end'}` : `unsafe: ${a.detail}`;
      const said = `${nameOf(c)} | spin ${say(theirs)} | suture ${say(ours)}`;
      lines.push(said);
      expect([ours.safe, ours.ends]).toEqual([theirs.safe, theirs.ends]);
      if (!theirs.safe) {
        const wanted = means.find(([piece]) => piece.test(theirs.detail))?.[1];
        expect(wanted).toBeDefined();
        expect(ours.detail.split(', ')).toContain(wanted);
      }
      if (!promote && c.victims === 1) expect(known).toContain(said);
      agreed++;
    });
  }
});

// They agree on every configuration: there is no difference to be explained. That they can differ is shown instead.
describe('one changed line tells', () => {
  test('a sync that the model leaves out breaks what it holds', async () => {
    const c: Configuration = { proto: 1, omit: 0, irqoff: 0, nmis: 0, victims: 1 };
    const changed = await askSpin(c, {
      from: '  c = 0; do :: c < NV -> ipi[c] == 0; c++ :: else -> break od; c = 0',
      to: '  c = 0',
    });
    expect(changed.safe).toBe(false);
    expect(askUs(c).safe).toBe(true);
  });
});
