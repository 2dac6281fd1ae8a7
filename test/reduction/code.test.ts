// What a check's code is: all that is said of it before a search must hold for whatever a CPU can come to execute.

import { expect, test } from 'vitest';
import { createMachine } from '../../compiler/emulator/machine.ts';
import {
  createReducedSearch,
  createSearch,
  type Model,
  type Search,
} from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { compile, programOf } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';
import { conditions } from '../../compiler/reduction/conditions.ts';
import { reductions } from '../../compiler/reduction/reduced.ts';

const programIn = (text: string): Program => {
  const compiled = compile(text);
  const [check] = compiled.scenarios[0]?.checks ?? [];
  if (!check) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  return programOf(compiled, check).program;
};

/** A patch of two bytes, and what stands before it and behind. */
const spec = (code: string, rest: string, poke = 'sync cores'): string => `protocol p "p"
code {
${code}
  place:  nop 2
  over:   jmp loop
}
thread worker runs loop
shared word
on breakpoint at place { resume over }
patch place: nop 2 -> jmp short over {
  poke place[0] = int3
  ${poke}
  poke place[1..] as any order
  sync cores
  poke place[0]
  sync cores
}
${rest}`;

test('what a patch writes is code: where it names RSP, stacks are not plain', () => {
  const code = '  loop: nop';
  const scenario = 'scenario "s" { }';
  expect(conditions(programIn(spec(code, scenario))).stack).toBe(true);
  const poked = spec(code, scenario, 'poke place = mov esi, esp; sync cores');
  expect(conditions(programIn(poked)).stack).toBe(false);
});

test('what a constant leads into is code, and what it reads counts', () => {
  const jumping = (to: string): string =>
    spec(
      `  loop:   mov ecx, 5
          jmp ${to}
  inner:  mov dword [0x250c8948], 0x90000000
          nop`,
      'require five: never word == 5\nscenario "s" { }',
    );
  const live = (to: string): number => programIn(jumping(to)).liveRegisters.size;
  expect(live('inner')).toBe(0);
  // 48 89 0c 25 …: mov [disp32], rcx.
  expect(live('inner + 3')).toBe(1);
});

test('where a computed address leads into one, every search ends unfinished and says so', () => {
  const text = spec(
    `  loop:   mov rcx, inner
          add rcx, 2
          jmp rcx
  inner:  mov eax, 0x90909090`,
    'scenario "s" { }',
  );
  const program = programIn(text);
  const machine = createMachine(program);
  const { model } = generated(program, machine, 0);
  const ended = (search: Search): readonly unknown[] => {
    while (!search.advance(1000).done);
    const { verdict, bound } = search.result();
    return [verdict, bound];
  };
  const wanted = ['unfinished', 'code inside instructions'];
  expect(ended(createSearch(createMachine(program)))).toEqual(wanted);
  expect(ended(createSearch(model))).toEqual(wanted);
  const reduced = reductions(program, machine, model);
  expect(reduced.length).toBeGreaterThan(0);
  expect(ended(createReducedSearch(model, reduced, {}))).toEqual(wanted);
});

test('a place with more contents than a pass can tell apart ends every search unfinished', () => {
  const patches = (count: number): string =>
    Array.from(
      { length: count },
      (_, i) => `patch p${i} at place: mov eax, ${i} -> mov eax, ${i + 1} { fail "none" }`,
    ).join('\n');
  const program = (count: number): Program =>
    programIn(`protocol many "Many contents"
code {
  loop:   nop
  place:  mov eax, 0
          jmp loop
}
thread worker runs loop
${patches(count)}
scenario "s" { patches p0 }`);
  const ended = (p: Program): unknown => {
    const machine = createMachine(p);
    const { model } = generated(p, machine, 0);
    return [machine, model].map((m) => {
      const search = createSearch(m);
      while (!search.advance(1000).done);
      const { verdict, bound } = search.result();
      return [verdict, bound];
    });
  };
  expect(program(28).places[0]?.contents.length).toBe(29);
  const none = ['unfinished', 'contents of a place'];
  expect(ended(program(28))).toEqual([none, none]);
  const all = ['holds', undefined];
  expect(ended(program(27))).toEqual([all, all]);
});

test('code that returns to an address that it has pushed may come to a place', () => {
  const ticking = (code: string): boolean | undefined =>
    programIn(
      spec(
        `  loop: nop\n        jmp place\n  tick: ${code}`,
        'irq timer runs tick\nscenario "s" { irq timer 1 }',
      ),
    ).env.events[0]?.reaches;
  expect(ticking('call leaf; iretq\n  leaf: ret')).toBe(false);
  expect(ticking('push place; ret\n  leaf: ret')).toBe(true);
});

test('an idle CPU that an NMI leaves at an instruction executes none, on generated code neither', () => {
  const program = programIn(`protocol idle "Code of an NMI leaves an idle CPU at an instruction"
code {
  loop:   mov dword [y], 1
          mov dword [z], 1
          mov dword [y], 2
          mov dword [z], 2
          jmp loop
  ntick:  pop rax
          push target
          iretq
  target: mov dword [x], 1
          hlt
  w:      jmp w
  site:   nop 2
  over:   ret
}
thread worker runs loop
nmi watchdog runs ntick
shared x
shared y
shared z
patch site: nop 2 -> { nop; nop } {
  poke site[0..2] as any order
}
require never_x: never x == 1
scenario "by iretq" { cpus 3; threads 1; nmi watchdog 1 on 2 }
`);
  const found = (model: Model): readonly unknown[] => {
    const search = createSearch(model);
    while (!search.advance(1000).done);
    const { verdict, states, transitions } = search.result();
    return [verdict, states, transitions];
  };
  const machine = createMachine(program);
  expect(found(generated(program, machine, 0).model)).toEqual(found(createMachine(program)));
});
