// The profiles of fetch are ordered: what one CPU was seen to do, AMD's rule allows, and what that allows, Intel's does.

import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../compiler/index.ts';
import { properties } from '../../compiler/index.ts';
import { examples, verify } from './gallery.ts';

/** States beyond which a scenario is left to the long form. */
const most = process.env.SUTURE_LONG === undefined ? 20_000 : 3_000_000;
const liveness = new Set(['terminates']);

const under = (scenario: Scenario, profile: string): Scenario => ({
  ...scenario,
  checks: scenario.checks.slice(0, 8).map((c) => ({
    ...c,
    settings: [
      ...c.settings.filter((s) => s.words[0]?.kind !== 'word' || s.words[0].text !== 'fetch'),
      {
        words: ['fetch', profile].map((text) => ({
          kind: 'word' as const,
          text,
          span: scenario.span,
        })),
        span: scenario.span,
      },
    ],
  })),
});

let judged = 0;
const skipped: string[] = [];
for (const { name, compiled } of examples) {
  describe(name, () => {
    for (const scenario of compiled.scenarios) {
      test(scenario.name, () => {
        const unsafe: boolean[] = [];
        for (const profile of ['zen3', 'amd', 'sdm']) {
          const r = verify(compiled, under(scenario, profile), most);
          if (r.checks.some((c) => c.result.bound !== undefined)) {
            skipped.push(`${name} | ${scenario.name}`);
            return;
          }
          unsafe.push(
            r.checks.some((c) => c.result.violations.some((v) => !liveness.has(v.property))),
          );
        }
        judged++;
        const [zen3, amd, sdm] = unsafe;
        if (zen3) expect(amd).toBe(true);
        if (amd) expect(sdm).toBe(true);
      });
    }
  });
}

test('most scenarios were small enough', () => {
  expect(properties.length).toBeGreaterThan(10);
  expect(judged).toBeGreaterThan(skipped.length);
});
