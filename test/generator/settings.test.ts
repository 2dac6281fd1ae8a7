// Every spec under every setting that changes the machine: the search on generated code is the interpreter's there too.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMachine } from '../../compiler/emulator/machine.ts';
import { createSearch, type Model } from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { compile, programOf } from '../../compiler/index.ts';

const long = process.env.SUTURE_LONG !== undefined;
const most = long ? 2_500 : 150;
const settings = [
  'memory sc',
  'shadow stack on',
  'preempt on; cpus 1',
  'migrate on; preempt on',
  'switch serialises none; preempt on',
  'gate trap',
  'gate signal',
  'gap off; rsp 8',
  'nmi 1; irq 1; patches 2',
  'ist breakpoint',
  'ist nmi; nmi 1',
  'nmi in shadow held; nmi 1',
  'staleness bounded',
  'cpus 3; nmi 1',
  'memory sc; nmi 1; preempt on',
  'gate trap; irq 1; shadow stack on',
];
const root = join(import.meta.dirname, '../..');
const specs = ['examples', 'test/emulator/specs'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((f) => f.endsWith('.suture'))
    .map((f) => readFileSync(join(root, folder, f), 'utf8').replace(/^scenario [\s\S]*$/m, '')),
);

function searched(model: Model): object {
  const search = createSearch(model, { maxStates: most });
  while (!search.advance(100_000).done);
  const { bytes: _, ...rest } = search.result();
  return rest;
}

test.each(settings)('%s', (setting) => {
  let compared = 0;
  for (const spec of specs) {
    const compiled = compile(`${spec}\nscenario "all" { ${setting} }\n`);
    for (const check of compiled.scenarios[0]?.checks.slice(0, 2) ?? []) {
      const { program } = programOf(compiled, check);
      const machine = createMachine(program);
      const { model, how } = generated(program, machine, 0);
      if (model === machine) continue;
      expect(searched(model)).toEqual(searched(createMachine(program)));
      // Farther on a bound is hit, which the interpreter names.
      if (!long) expect(how()).toBe('generated; 0 states and steps interpreted');
      compared++;
    }
  }
  // Some specs do not go with some settings: most do.
  expect(compared).toBeGreaterThan(10);
});
