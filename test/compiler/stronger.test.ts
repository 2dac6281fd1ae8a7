// An expectation that says less than what was found is told the one that says more.

import { expect, test } from 'vitest';
import { compile, Verification } from '../../compiler/index.ts';

const spec = (expectation: string, settings = ''): string => `protocol p "a call over a call"
option synced = on
code {
  one:    ret
  two:    ret
  caller:
  place:  call one
          jmp caller
}
thread worker runs caller
patch place: call one -> call two { poke place as store8; if synced { sync cores } }
scenario "s" { fetch amd; ${settings} } expect ${expectation}
`;

const found = (text: string, maxStates = 100_000): string | undefined => {
  const compiled = compile(text);
  const [scenario] = compiled.scenarios;
  if (!scenario) throw new Error(compiled.diagnostics.map((d) => d.message).join());
  const search = new Verification(compiled, scenario, { maxStates });
  while (!search.advance(10_000).done);
  return search.result().stronger;
};

const late = 'place at 0 of 8; synced = off';
test.each([
  ['violates converges', late, 'violates only converges'],
  ['violates converges or torn_instruction', late, 'violates only converges'],
  ['violates only converges or torn_instruction', late, 'violates only converges'],
  ['violates only converges', late, undefined],
  // Torn here, and late there: neither is the only one.
  ['violates converges', 'place at 4 of 8; synced = off', undefined],
  ['violates converges or stale_stub', 'place at 4 of 8; synced = off', 'violates converges'],
  // In each check one of them.
  [
    'violates converges or torn_instruction',
    'place at 4 of 8; synced = on | off',
    'violates only converges or torn_instruction',
  ],
  // What is not as expected has no stronger expectation.
  ['violates stale_stub', late, undefined],
  ['holds', 'place at 0 of 8', undefined],
])('expect %s with %s', (expectation, settings, stronger) => {
  expect(found(spec(expectation, settings))).toBe(stronger);
});

test('a search that met a bound says nothing of all', () => {
  expect(found(spec('violates torn_instruction', 'place at 4 of 8'), 30)).toBeUndefined();
  expect(found(spec('violates torn_instruction', 'place at 4 of 8'))).toBe(
    'violates only torn_instruction',
  );
});
