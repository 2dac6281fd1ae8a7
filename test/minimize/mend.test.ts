// What mends a scenario: each text that is offered holds, no other single addition does, and the layout stays.

import { describe, expect, test } from 'vitest';
import { type Compiled, compile, type Scenario } from '../../compiler/compile.ts';
import { additionsOf, additionText, withAdditions } from '../../compiler/minimize/additions.ts';
import { Mending } from '../../compiler/minimize/mend.ts';
import { Verification } from '../../compiler/verify.ts';

const spec = (patch: string, scenario: string, handler = 'resume place'): string => `protocol t "t"
code {
  one:    mov eax, 1; ret
  two:    mov eax, 2; ret
  caller:
  place:  call one
          jmp caller
}
thread worker runs caller
shared insn = nil
define wait() { sync cores }
on breakpoint at place { ${handler} }
patch place: call one -> call two {
${patch}
}
witness pass place as new
scenario "all" { ${scenario} }
`;

function mended(text: string, most = 2, bounds = {}) {
  const compiled = compile(text);
  expect(compiled.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  const work = new Mending(compiled, compiled.scenarios, bounds, most);
  while (!work.advance(10_000).done);
  const [found] = work.results();
  if (!found) throw new Error('no result');
  return found;
}

const holds = (compiled: Compiled, scenario: Scenario): boolean => {
  const search = new Verification(compiled, scenario, {});
  while (!search.advance(100_000).done);
  return search.result().asExpected;
};

const words = (text: string): readonly string[] =>
  mended(text).mends.map((m) => m.additions.map((a) => additionText(text, a)).join(' and '));

const guard = `  phase guard { poke place[0] = int3 }
  wait()
  phase tail { poke place[1..] as any order }
  wait()
  phase head { poke place[0] }`;
const call = 'let i = insn; if i == nil { decline }; emulate i';
const emulated = `  insn = new
${guard}
  wait()
  insn = nil`;

const cases: readonly [string, string, readonly string[]][] = [
  ['nothing', spec(guard, ''), []],
  [
    'a sync',
    spec(guard.replace('  wait()\n  phase head', '  phase head'), ''),
    ['add `wait()` behind `phase tail`'],
  ],
  [
    'a sync behind a comment, and one statement behind another',
    spec(emulated.replace('  wait()\n  insn = nil', '  insn = nil'), '', call),
    ['add `wait()` behind `phase head`', 'move `insn = nil` to the beginning'],
  ],
  [
    'an order',
    spec(
      `  phase tail { poke place[1..] as any order }
  wait()
  phase guard { poke place[0] = int3 }
  wait()
  phase head { poke place[0] }`,
      '',
    ),
    [
      'add `wait()` at the beginning and move `phase guard` to the beginning',
      'move `phase tail` behind `wait()` and move `phase guard` to the beginning',
    ],
  ],
  [
    'a gate',
    spec(emulated, 'gate trap', call),
    ['let #BP go through an interrupt gate', 'move `insn = nil` to the beginning'],
  ],
];

describe('a smallest set', () => {
  test.each(cases)('%s', (_, text, expected) => {
    const found = words(text);
    expect(found).toEqual(expected);
  });
  test.each(cases)('%s: what is offered holds, and is laid out', (_, text) => {
    for (const m of mended(text).mends) {
      const after = compile(m.text ?? '');
      expect(after.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
      expect(holds(after, after.scenarios[0] as Scenario)).toBe(true);
    }
  });
});

describe('every addition by itself', () => {
  test.each(cases)('%s', (_, text) => {
    const compiled = compile(text);
    const [scenario] = compiled.scenarios;
    const check = scenario?.checks[0];
    if (!scenario || !check || !compiled.file) throw new Error('no scenario');
    const found = mended(text);
    if (found.size !== 1) return;
    const offered = found.mends.flatMap((m) => m.additions.map((a) => additionText(text, a)));
    // A gate is none of the tree.
    const all = additionsOf(compiled.file, text, check.options).filter((a) => {
      const file = withAdditions(compiled.file as NonNullable<typeof compiled.file>, [a]);
      try {
        return holds({ ...compiled, file }, scenario);
      } catch {
        return false; // it is no spec
      }
    });
    const texts = new Set(all.map((a) => additionText(text, a)));
    expect(offered.filter((o) => !o.includes('gate')).every((o) => texts.has(o))).toBe(true);
    // Two that make one program are offered once.
    expect(offered.filter((o) => !o.includes('gate')).length).toBeLessThanOrEqual(texts.size);
    expect(texts.size > 0).toBe(offered.some((o) => !o.includes('gate')));
  });
});

test('two additions where one does not do', () => {
  const text = spec(guard.replaceAll('  wait()\n', ''), '');
  const found = mended(text);
  expect(found.tried).toBe(2);
  expect(found.size).toBe(2);
  expect(words(text)).toContain(
    'add `sync cores` behind `phase guard` and add `sync cores` behind `phase tail`',
  );
});

test('what was not searched to its end mends nothing', () => {
  const text = spec(guard.replace('wait()', ''), 'patches 2');
  const found = mended(text, 1, { maxStates: 2000 });
  expect(found.asWritten).toBe('violated');
  expect(found.mends).toEqual([]);
  expect(found.unfinished).toBeGreaterThan(0);
  expect(found.bound).toBe('states');
});

describe('edits', () => {
  const after = (patch: string, pick: string): string => {
    const text = spec(patch, '');
    const found = mended(text).mends.find((m) =>
      m.additions.some((a) => additionText(text, a) === pick),
    );
    return found?.text?.match(/call two \{\n([\s\S]*?)\n\}/)?.[1] ?? '';
  };
  test.each([
    [
      '  phase guard { poke place[0] = int3 }  // first\n  phase tail { poke place[1..] as any order }\n  sync cores\n  phase head { poke place[0] }',
      'add `sync cores` behind `phase guard`',
      '  phase guard { poke place[0] = int3 }  // first\n  sync cores\n  phase tail { poke place[1..] as any order }\n  sync cores\n  phase head { poke place[0] }',
    ],
    [
      '  poke place[0] = int3; poke place[1..] as any order; sync cores; poke place[0]',
      'add `sync cores` behind `poke place[0] = int3`',
      '  poke place[0] = int3; sync cores; poke place[1..] as any order; sync cores; poke place[0]',
    ],
    [
      '  phase guard { poke place[0] = int3 }        wait()\n  phase tail { poke place[1..] as any order } fence\n  phase head { poke place[0] }                fence',
      'add `wait()` behind `phase tail`',
      '  phase guard { poke place[0] = int3 }        wait()\n  phase tail { poke place[1..] as any order }; wait(); fence\n  phase head { poke place[0] }                fence',
    ],
  ])('%#', (before, pick, expected) => {
    const squeezed = (s: string): string => s.replace(/ +/g, ' ');
    expect(squeezed(after(before, pick))).toBe(squeezed(expected));
  });
});
