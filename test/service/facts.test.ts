// What is told about bytes agrees with the program that runs: every instruction once, and what the last poke leaves.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyse } from '../../compiler/service/index.ts';
import { below } from '../../compiler/service/tree.ts';

const folder = join(import.meta.dirname, '../../examples');
const specs = readdirSync(folder)
  .filter((f) => f.endsWith('.suture'))
  .map((name) => ({ name, a: analyse(readFileSync(join(folder, name), 'utf8')) }));

for (const { name, a } of specs) {
  test(`${name}: instructions have the bytes of the text`, () => {
    let told = 0;
    for (const scenario of a.compiled.scenarios) {
      const facts = a.facts(scenario);
      if (!a.file || !facts) throw new Error('nothing was lowered');
      for (const insn of below(a.file)) {
        const found = insn.kind === 'asm' ? facts.insn(insn.span) : undefined;
        if (found?.address === undefined) continue;
        told++;
        const { address, bytes } = found;
        const range = facts.program.text.find(
          (r) => r.from <= address && address < r.from + r.bytes.length,
        );
        const at = address - (range?.from ?? 0);
        expect([...bytes]).toEqual([...(range?.bytes.subarray(at, at + bytes.length) ?? [])]);
        expect(facts.program.spans.get(address)).toEqual(insn.span);
      }
    }
    expect(told).toBeGreaterThan(20);
  });

  test(`${name}: the last poke of a place leaves its new content`, () => {
    let last = 0;
    for (const scenario of a.compiled.scenarios) {
      const facts = a.facts(scenario);
      if (!a.file || !facts) throw new Error('nothing was lowered');
      const { program } = facts;
      const pokes = [...below(a.file)]
        .filter((n) => n.kind === 'poke')
        .flatMap((n) => facts.pokes(n.span));
      for (const place of program.places) {
        const left = pokes.filter((p) => p.place === place).at(-1)?.leaves;
        const content = program.contents[place.new ?? -1];
        if (!left || !content) continue;
        last++;
        expect(left).toEqual([...content.bytes]);
      }
    }
    expect(last).toBeGreaterThan(0);
  });
}
