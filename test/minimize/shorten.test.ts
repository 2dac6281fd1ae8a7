// A spec without what nothing needs: the rest as it was written, and the same program as the one that was searched.

import { expect, test } from 'vitest';
import { compile } from '../../compiler/compile.ts';
import { Minimization } from '../../compiler/minimize/minimize.ts';
import { Verification } from '../../compiler/verify.ts';

function shortened(text: string) {
  const compiled = compile(text);
  expect(compiled.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  const work = new Minimization(compiled, compiled.scenarios, {}, { shorter: true });
  while (!work.advance(10_000).done);
  return work.shortened();
}

const spec = (handler: string, body: string, rest = ''): string => `protocol t "t"
code {
  one:    mov eax, 1; ret
  two:    mov eax, 2; ret
  caller:
  place:  call one
          jmp caller
}
thread worker runs caller
shared seen = 0
on breakpoint at place {
${handler}
}
define wait() { sync cores }
define all() {
  phase guard { poke place[0] = int3 }  // the first byte
  wait()
  phase tail { poke place[1..] as any order }
  wait()
  phase head { poke place[0] }
  wait()
}
patch place: call one -> call two {
${body}
}
${rest}witness trap at place
scenario "all" { }
`;

/** The lines of the first that the second has not, and the other way. */
function changes(before: string, after: string | undefined): readonly string[] {
  const a = before.split('\n');
  const b = (after ?? '').split('\n');
  return [
    ...a.filter((l) => !b.includes(l)).map((l) => `-${l}`),
    ...b.filter((l) => !a.includes(l)).map((l) => `+${l}`),
  ];
}

test.each<[string, string, string, string, readonly string[]]>([
  [
    'a call in a `define`, and a `serialize` on a line with another statement',
    '  serialize; resume place',
    '  all()',
    '',
    ['-  serialize; resume place', '+  resume place'],
  ],
  [
    'a condition that is never taken, with its comment kept where it stands',
    '  // why\n  if seen == 1 { decline }\n  resume place',
    '  all()\n  fence  // last',
    '',
    ['-  if seen == 1 { decline }', '-  fence  // last', '+  // last'],
  ],
  [
    'a condition of which one branch does, with the comments in it',
    '  if seen == 1 {\n    decline  // not mine\n  } else {\n    // why\n    resume place  // so\n    // and so\n  }',
    '  all()',
    '',
    [
      '-  if seen == 1 {',
      '-    decline  // not mine',
      '-  } else {',
      '-    // why',
      '-    resume place  // so',
      '-    // and so',
      '-  }',
      '+  // why',
      '+  resume place  // so',
      '+  // and so',
    ],
  ],
  [
    'what stands alone behind a test of memory, which is a step',
    '  resume place',
    '  all()\n  if seen == 0 { fence }',
    '',
    ['-  if seen == 0 { fence }', '+  if seen == 0 { }'],
  ],
  [
    'a condition of which one branch does',
    '  if here == place {\n    seen = 1\n    resume place\n  } else {\n    decline\n  }',
    '  all()',
    'witness seen == 1\n',
    [
      '-  if here == place {',
      '-    seen = 1',
      '-    resume place',
      '-  } else {',
      '-    decline',
      '-  }',
      '+  seen = 1',
      '+  resume place',
    ],
  ],
])('%s', (_, handler, body, rest, expected) => {
  const text = spec(handler, body, rest);
  const found = shortened(text);
  expect(found?.texts.map((s) => s.minimal)).toEqual([true]);
  const after = found?.texts[0]?.text;
  // The last wait is not needed: nothing is released behind it, and the patch runs once.
  const lines = changes(text, after).filter((l) => !/wait\(\)/.test(l));
  expect(lines).toEqual(expected);
  const waits = (s: string): number => s.split('wait()').length;
  expect(waits(after ?? '')).toBe(waits(text) - 1);
  const compiled = compile(after ?? '');
  for (const scenario of compiled.scenarios) {
    const search = new Verification(compiled, scenario, {});
    while (!search.advance(100_000).done);
    expect(search.result().asExpected).toBe(true);
  }
});

test('each of several sets has its text', () => {
  const twice = `  phase guard { poke place[0] = int3 }
  sync cores
  sync threads
  phase tail { poke place[1..] as any order }
  wait()
  phase head { poke place[0] }`;
  const text = spec('  resume place', twice);
  const found = shortened(text);
  expect(found?.texts.map((s) => changes(text, s.text))).toEqual([
    ['-  sync threads'],
    ['-  sync cores'],
  ]);
});

test('a unit is written out', () => {
  const text = spec('  resume place', '  all()').replace('as any order', 'as bytes descending');
  expect(changes(text, shortened(text)?.texts[0]?.text).filter((l) => l.includes('poke'))).toEqual([
    '-  phase tail { poke place[1..] as bytes descending }',
    '+  phase tail { poke place[1..] as any order }',
  ]);
});

test('what is used where it is needed, too, has no text', () => {
  const body = `  guard(0)
  phase tail { poke place[1..] as any order }
  wait()
  phase head { poke place[0] }`;
  const text = `${spec('  resume place', body)}`.replace(
    'define wait()',
    'define guard(n) {\n  seen = n\n  poke place[0] = int3\n  sync cores\n}\ndefine wait()',
  );
  const twice = text.replace('  guard(0)\n', '  guard(0)\n  guard(0)\n');
  const found = shortened(twice);
  expect(found?.texts.every((s) => s.text !== undefined)).toBe(true);
  // Of its two uses the sync of the first is needed by nobody, but the `define` has only one.
  expect(found?.texts[0]?.without.map((p) => p.span)).not.toContainEqual(
    expect.objectContaining({ start: twice.indexOf('sync cores') }),
  );
});

test('a spec that is not as expected is left alone', () => {
  const text = spec('  resume place', '  poke place').replace('scenario "all" { }', '');
  expect(shortened(text)).toBeUndefined();
});
