// Explanations of what is said about options, scenarios, settings and what they expect.

import { code, error } from './spec.ts';

const torn = (settings: string): string =>
  `scenario "s" { ${settings} } expect violates torn_instruction`;
const conditional = 'patch place: call one -> call two { poke place; if last_sync { sync cores } }';
const option = { options: 'option last_sync = on', patch: conditional };

export const scenarios = [
  error(
    'unknown-option',
    'A scenario sets options of its own file with `=`, and settings of the machine without: `masked = on; cpus 3`. This file declares no option of that name.',
    { ...option, scenario: torn('lst_sync = off') },
    { ...option, scenario: torn('last_sync = off') },
  ),
  error(
    'option-value',
    'An option takes the values that its declaration lists. `option x = on` stands for `on | off`, `option n = 2` for any number, and a word means something beside its option only.',
    { ...option, scenario: torn('last_sync = no') },
    { ...option, scenario: torn('last_sync = off') },
  ),
  error(
    'unknown-setting',
    'A setting begins with a word that the machine knows: `cpus`, `threads`, `patches`, `irq`, `nmi`, `gate`, `fetch` and so on. docs/language.md lists them with their defaults.',
    { scenario: torn('cpu 3') },
    { scenario: torn('cpus 3') },
  ),
  error(
    'setting',
    'The setting is known, and what stands behind its first word is not what it takes. The message says what is.',
    { scenario: torn('gate task') },
    { scenario: torn('gate trap') },
  ),
  error(
    'unknown-property',
    'What a scenario may be expected to violate: one of the built-in properties, or the name of a `require` of this file. `suture explain` lists the built-in ones.',
    { scenario: 'scenario "s" { } expect violates torn' },
    { scenario: 'scenario "s" { } expect violates torn_instruction' },
  ),
  error(
    'duplicate-scenario',
    'A scenario is asked for by its name, `suture verify FILE --scenario "NAME"`, so no two have the same.',
    { scenario: `${torn('cpus 2')}\n${torn('cpus 3')}` },
    { scenario: `${torn('cpus 2')}\n${torn('cpus 3').replace('"s"', '"t"')}` },
  ),
  error(
    'too-many-checks',
    'A scenario that lists several values stands for every combination of them, and each is a search of its own. This one stands for more than 4,096.',
    { scenario: torn('place at 0..4095 of 4096; rsp 0 | 8') },
    { scenario: torn('place at 0..3 of 8; rsp 0 | 8') },
  ),
  error(
    'position',
    'A routine is moved as a whole, so that one of its labels stands where the scenario asks. Another place or an `align` of the same routine decides already.',
    {
      code: code('nop', 'call one\n  more:   call one'),
      patch:
        'patch place: call one -> call two; more: call one -> call two {\n  for s in sites { poke s }\n  sync cores\n}',
      scenario: torn('place at 0 of 8; more at 0 of 8'),
    },
    {
      code: code('nop', 'call one\n  more:   call one'),
      patch:
        'patch place: call one -> call two; more: call one -> call two {\n  for s in sites { poke s }\n  sync cores\n}',
      scenario: torn('place at 0 of 8; more at 5 of 8'),
    },
  ),
  error(
    'pin',
    '`pin worker to 1` starts a thread on a CPU and keeps it there. CPUs count from 0, and `cpus` says how many there are; without it 2.',
    { scenario: torn('pin worker to 2') },
    { scenario: torn('pin worker to 1') },
  ),
  error(
    'no-cpu',
    'This interrupt is to come to a CPU that is not there. CPUs count from 0, and `cpus` says how many there are; without it 2.',
    { scenario: torn('irq 1 on 2') },
    { scenario: torn('irq 1 on 1') },
  ),
  error(
    'never-runs',
    'Without preemption a thread that has no CPU of its own waits forever, and everything that is said of it would hold. Leave `preempt` on, or give it a CPU.',
    { scenario: torn('cpus 1; preempt off') },
    { scenario: torn('cpus 2; preempt off') },
  ),
  error(
    'event-name',
    "Each action of a run has a name, such as `cpu1 step` or `cpu1 nmi`, and an interrupt's is its own. So it cannot be one that another action has.",
    {
      extra: 'irq step runs tick',
      code: code('jmp caller\n  tick:   iretq'),
      scenario: torn('irq step 1'),
    },
    {
      extra: 'irq timer runs tick',
      code: code('jmp caller\n  tick:   iretq'),
      scenario: torn('irq timer 1'),
    },
  ),
  error(
    'too-many-witnesses',
    'A spec has at most 31 witnesses: a state keeps one bit for each.',
    {
      witness: Array.from(
        { length: 32 },
        (_, i) => `witness worker at ${['one', 'two', 'place'][i % 3]}`,
      ).join('\n'),
    },
    { witness: 'witness worker at one' },
  ),
  error(
    'too-many-events',
    'Witnesses and requirements speak of at most 31 different traps and passes: a state keeps one bit for each.',
    {
      code: code(Array.from({ length: 32 }, (_, i) => `l${i}: nop`).join('; ')),
      extra: `require r: never ${Array.from({ length: 32 }, (_, i) => `trap at l${i}`).join(' or ')}`,
    },
    { extra: 'require r: never trap at two' },
  ),
  error(
    'event-as-goal',
    'A trap and a pass are what a step does. `eventually` asks for a state that can be reached from every state, and no state says which step led to it.',
    { extra: 'require r: eventually pass place as new' },
    { extra: 'require r: eventually worker at two', witness: 'witness pass place as new' },
  ),
  error(
    'too-many-goals',
    'At most 7 requirements say `eventually`: for each of them every state is looked at once more.',
    {
      extra: `shared x\n${Array.from({ length: 8 }, (_, i) => `require r${i}: eventually x == ${i}`).join('\n')}`,
    },
    { extra: 'shared x\nrequire r: eventually x == 0' },
  ),
];
