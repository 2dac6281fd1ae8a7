// A verdict that an edit leaves alone is, in the new text, the one that a search of the new text finds; and nothing else is kept.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type Compiled,
  carried,
  compile,
  programOf,
  Verdicts,
  Verification,
} from '../../compiler/index.ts';

const examples = join(import.meta.dirname, '../../examples');
const text = readFileSync(join(examples, 'one-stub.suture'), 'utf8');
const before = compile(text);

function searched(compiled: Compiled, index: number) {
  const scenario = compiled.scenarios[index];
  if (!scenario) throw new Error(`no scenario ${index}`);
  const verification = new Verification(compiled, scenario, { maxStates: 20_000 });
  while (!verification.advance(100_000).done);
  return { scenario, result: verification.result() };
}

test.each(before.scenarios.map((s, i) => [s.name, i] as const))('%s', (_, index) => {
  // Every place is another one now, and not by the same distance.
  const after = compile(`// More of it.\n\n${text.replaceAll('\n  ', '\n  \n    ')}`);
  const was = searched(before, index);
  const is = searched(after, index);
  const verdicts = new Verdicts<typeof was.result>();
  verdicts.keep(before, was.scenario, was.result);
  const standing = verdicts.standing(after, is.scenario);
  expect(standing).toBe(was.result);
  expect(was.result).not.toEqual(is.result);
  expect(carried(was.result, after, is.scenario)).toEqual(is.result);
});

test('a program or an expectation that is another one has no verdict yet; another name is the same', () => {
  const verdicts = new Verdicts<number>();
  before.scenarios.forEach((s, i) => {
    verdicts.keep(before, s, i);
  });
  const standing = (changed: string) => {
    expect(changed).not.toBe(text);
    const now = compile(changed);
    expect(now.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    return now.scenarios.map((s) => verdicts.standing(now, s));
  };
  expect(standing(text.replace('"IRQs on"', '"another name"'))).toEqual([0, 1, 2, 3]);
  const expectation = standing(text.replace('expect violates stale_stub', 'expect holds'));
  expect(expectation).toEqual([undefined, 1, 2, 3]);
  expect(standing(text.replace('mov eax, 1', 'mov eax, 3'))).toEqual(
    before.scenarios.map(() => undefined),
  );
});

test('what the text has no more is forgotten', () => {
  const verdicts = new Verdicts<string>();
  const scenario = before.scenarios[0];
  if (!scenario) throw new Error('the example has no scenario');
  verdicts.keep(before, scenario, 'found');
  verdicts.only(before);
  expect(verdicts.last(scenario.name)).toBe('found');
  verdicts.only(compile(text.replace(`"${scenario.name}"`, '"another name"')));
  expect(verdicts.last(scenario.name)).toBeUndefined();
});

test('a check is lowered once, and once for each tree that it is asked of', () => {
  const check = before.scenarios[0]?.checks[0];
  const other = compile(text.replace('mov eax, 1', 'mov eax, 7'));
  if (!check || !other.file) throw new Error('the example does not compile');
  const known = programOf(before, check);
  expect(programOf({ ...before }, check)).toBe(known);
  const changed = programOf({ ...before, text: other.text, file: other.file }, check);
  expect(changed).not.toBe(known);
  expect(changed.program).toEqual(programOf(other, other.scenarios[0]?.checks[0] ?? check).program);
  expect(changed.program).not.toEqual(known.program);
});
