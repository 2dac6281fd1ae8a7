// The bench's model has the states and transitions that Spin and rumur count in theirs.

import { expect, test } from 'vitest';
import { createSearch } from '../../compiler/explorer/index.ts';
import { poke } from '../bench/poke.ts';

test.each([
  [2, 4_536, 20_048],
  [3, 130_672, 876_512],
])('an INT3 patch on %i CPUs', (cpus, states, transitions) => {
  const search = createSearch(poke(cpus));
  while (!search.advance(100_000).done);
  expect(search.result()).toMatchObject({ verdict: 'holds', states, transitions });
});
