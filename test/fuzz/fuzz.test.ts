// Whatever a text is, it gets an answer: no exception, no hang; and what is accepted can be searched.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, Verification } from '../../compiler/index.ts';
import { examples } from '../gallery/gallery.ts';

const runs = process.env.SUTURE_LONG ? 100_000 : 10_000;
const pieces = examples.map((e) => e.text.match(/\w+|\s+|[^\w\s]/g) ?? []);
const words = [...new Set(pieces.flat().filter((p) => /\S/.test(p)))];

/** An example with a few of its pieces taken out, doubled, swapped, or replaced by others. */
const mutated = fc
  .record({
    which: fc.nat(pieces.length - 1),
    edits: fc.array(
      fc.record({
        at: fc.nat(),
        how: fc.nat(4),
        word: fc.nat(words.length - 1),
        number: fc.nat(70_000),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ which, edits }) => {
    const list = [...(pieces[which] as string[])];
    for (const e of edits) {
      const i = e.at % list.length;
      const now = list[i] as string;
      if (e.how === 0) list.splice(i, 1);
      else if (e.how === 1) list.splice(i, 0, now);
      else if (e.how === 2) {
        const k = (i * 7 + 3) % list.length;
        [list[i], list[k]] = [list[k] as string, now];
      } else if (e.how === 3) list[i] = words[e.word] as string;
      else list[i] = String(e.number);
    }
    return list.join('');
  });

let accepted = 0;
test(`${runs} damaged specs get an answer each, in time`, () => {
  let slowest = 0;
  fc.assert(
    fc.property(mutated, (text) => {
      const started = performance.now();
      const compiled = compile(text);
      slowest = Math.max(slowest, performance.now() - started);
      if (compiled.scenarios.length > 0) accepted++;
      else expect(compiled.diagnostics.some((d) => d.severity === 'error')).toBe(true);
      for (const d of compiled.diagnostics) {
        expect(d.span.start).toBeGreaterThanOrEqual(0);
        expect(d.span.end).toBeLessThanOrEqual(text.length);
        expect(d.message).not.toMatch(/undefined|\[object|NaN/);
      }
    }),
    { numRuns: runs },
  );
  expect(slowest).toBeLessThan(5_000);
  // Else nothing of what follows the parser was asked.
  expect(accepted).toBeGreaterThan(runs / 50);
});

test('what is accepted is searched up to a bound', () => {
  let searched = 0;
  fc.assert(
    fc.property(mutated, (text) => {
      const compiled = compile(text);
      const scenario = compiled.scenarios[0];
      if (!scenario) return;
      const v = new Verification(
        compiled,
        { ...scenario, checks: scenario.checks.slice(0, 1) },
        { maxStates: 2_000 },
      );
      while (!v.advance(1_000).done);
      expect(['holds', 'violated', 'unfinished']).toContain(v.result().verdict);
      searched++;
    }),
    { numRuns: runs / 20 },
  );
  expect(searched).toBeGreaterThan(20);
});
