// The bench's small model in the generator's forms is the one that is written by hand: every state, every step.

import { expect, test } from 'vitest';
import { poke } from '../bench/poke.ts';
import { generatedPoke } from '../bench/poke-code.ts';

test('three CPUs, state by state', () => {
  const plain = poke(3);
  const made = generatedPoke(3);
  const { scratch } = made;
  if (scratch === undefined) throw new Error('a model of the generator works on its own words');
  const key = (s: Int32Array): number =>
    ((s[1] as number) >>> 0) * 2 ** 32 + ((s[0] as number) >>> 0);
  const out = new Int32Array(64);
  const codes = new Int32Array(64);
  const todo = [...plain.initial()];
  const seen = new Set(todo.map(key));
  let steps = 0;
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    const n = plain.enabled(state, out);
    expect(made.enabled(state, codes)).toBe(n);
    for (let i = 0; i < n; i++) {
      steps++;
      const to = state.slice();
      const outcome = plain.apply(to, out[i] as number);
      scratch.set(state);
      if (made.apply(scratch, codes[i] as number) !== outcome)
        throw new Error(`${plain.actionName(state, out[i] as number)} ends otherwise`);
      if (outcome !== 0) continue;
      if (scratch[0] !== to[0] || scratch[1] !== to[1])
        throw new Error(`${plain.actionName(state, out[i] as number)} leads elsewhere`);
      const id = key(to);
      if (seen.has(id)) continue;
      seen.add(id);
      todo.push(to);
    }
  }
  expect({ states: seen.size, steps }).toEqual({ states: 130_672, steps: 876_512 });
});
