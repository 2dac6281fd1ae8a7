// Explanations of the warnings: what is well formed, and cannot mean what it says.

import { code, warning } from './spec.ts';

const phases = (sync: string): string => `patch place: call one -> call two {
  phase guard { poke place[0] = int3 }${sync}
  phase tail  { poke place[1..] }        sync cores
  phase head  { poke place[0] }          sync cores
}`;
const emulate = 'on breakpoint at place { emulate call one }';
const tick = code('jmp caller\n  tick:   iretq');

export const warnings = [
  warning(
    'same-scenario',
    'Two scenarios have the same options and the same settings, so they are one question with two names. What the second name says is not said by anything in it. Two that name different violated properties are no mistake: together they say that both are.',
    {
      scenario:
        'scenario "two CPUs"   { } expect violates torn_instruction\nscenario "three CPUs" { } expect violates torn_instruction',
    },
    {
      scenario:
        'scenario "two CPUs"   { }        expect violates torn_instruction\nscenario "three CPUs" { cpus 3 } expect violates torn_instruction',
    },
  ),
  warning(
    'unused-option',
    'Nothing asks for this option, so a scenario that sets it is the same as one that does not. It is read by an `if`, or as a number in an expression.',
    { options: 'option last_sync = on' },
    {
      options: 'option last_sync = on',
      patch: 'patch place: call one -> call two { poke place; if last_sync { sync cores } }',
    },
  ),
  warning(
    'never-comes',
    'The file says what code an interrupt or an NMI runs, and no scenario lets it come: `irq timer 1` in a scenario or in `machine` lets one come at any moment. `irq 1` without the name has an empty handler.',
    { extra: 'irq timer runs tick', code: tick, scenario: 'scenario "s" { irq 1 }' },
    { extra: 'irq timer runs tick', code: tick, scenario: 'scenario "s" { irq timer 1 }' },
  ),
  warning(
    'poke-same',
    'In every check, and on every way to it, the bytes that this poke writes are there already. Often an `int3` before it is missing, or it names the wrong bytes: two calls have the same opcode, and differ behind it.',
    {
      patch:
        'patch place: call one -> call two {\n  poke place[1..]; sync cores\n  poke place[0]; sync cores\n}',
    },
    {
      patch:
        'patch place: call one -> call two {\n  poke place[0] = int3; sync cores\n  poke place[1..]; sync cores\n  poke place[0]; sync cores\n}',
    },
  ),
  warning(
    'phase-unsynced',
    'The next phase pokes the same place, and nothing between the two syncs the other CPUs: one of them may fetch the later bytes before the earlier ones. A sync that an option takes away is no mistake; neither is a spec where nothing is expected to hold.',
    { handler: emulate, patch: phases('') },
    { handler: emulate, patch: phases('   sync cores') },
  ),
  warning(
    'witness-no-trap',
    'A trap comes from an INT3. Nothing ever puts one at this address: not the code, not a content of the place, not a poke. So no run reaches the witness, and no scenario with it can hold.',
    { witness: 'witness trap at one' },
    { witness: 'witness worker at one' },
  ),
  warning(
    'nobody-comes',
    'A patch can only go wrong under somebody who executes the place. Here nothing that runs does: the verdict would be the same whatever the patch did.',
    { thread: 'thread worker runs one' },
    { thread: 'thread worker runs caller' },
  ),
  warning(
    'handler-shadowed',
    'Owners of the trap are asked in the order of the text, and the first that does not `decline` has it. An earlier rule takes every trap that this one is for.',
    { handler: 'on breakpoint { resume here }\non breakpoint at place { emulate call one }' },
    { handler: 'on breakpoint at place { emulate call one }\non breakpoint { resume here }' },
  ),
  warning(
    'store-split',
    'A store is seen whole within an aligned word of 8 bytes at most, a locked one within a line of 64. Where nothing says otherwise the first place of a routine stands at 61 of 64, where a call crosses both. A scenario says where it stands, `place at 0 of 8`; one that asks for a position that is crossed is believed.',
    {
      patch: 'patch place: call one -> call two { poke place as store8; sync cores }',
      scenario: 'scenario "s" { fetch amd }',
    },
    {
      patch: 'patch place: call one -> call two { poke place as store8; sync cores }',
      scenario: 'scenario "s" { fetch amd; place at 0 of 8 }',
    },
  ),
];
