// Explanations of what is said about statements: pokes, handlers, atomics, definitions, values.

import { code, error } from './spec.ts';

const patch = (body: string): string => `patch place: call one -> call two { ${body} }`;
const swap = 'poke place; sync cores';
const handler = (body: string): string => `on breakpoint at place { ${body} }`;
const twoPlaces = code('nop', 'call one\n  more:   call one');

export const steps = [
  error(
    'poke-range',
    'A poke writes bytes of its place: they count from 0, and a range ends before its second number, so a call has `place[0..5]`.',
    { patch: patch('poke place[1..6]; sync cores') },
    { patch: patch('poke place[1..5]; sync cores') },
  ),
  error(
    'poke-length',
    'What stands behind `=` has as many bytes as the range has. `int3` is one byte, `int3 4` is four.',
    { patch: patch('poke place[0..2] = int3; sync cores') },
    { patch: patch('poke place[0..2] = int3 2; sync cores') },
  ),
  error(
    'range',
    'Which bytes a poke writes is known before anything runs: numbers, or options that are numbers.',
    { extra: 'shared k', patch: patch('poke place[k]; sync cores') },
    { options: 'option k = 1', patch: patch('poke place[k]; sync cores') },
  ),
  error(
    'store-size',
    'A store has 1, 2, 4, 8 or 16 bytes and can write as many at most. It writes fewer where the range is shorter: the rest of the word is stored as it is.',
    {
      patch: patch('poke place as store4; sync cores'),
      scenario: 'scenario "s" { place at 0 of 8 }',
    },
    {
      patch: patch('poke place as store8; sync cores'),
      scenario: 'scenario "s" { place at 0 of 8 }',
    },
  ),
  error(
    'foreign-place',
    'A patch pokes its own places only, those that its head names: for them it is known what is old and what is new.',
    {
      code: twoPlaces,
      patch:
        'patch a at place: call one -> call two { poke more; sync cores }\npatch b at more: call one -> call two { poke more; sync cores }',
    },
    {
      code: twoPlaces,
      patch:
        'patch a at place: call one -> call two { poke place; sync cores }\npatch b at more: call one -> call two { poke more; sync cores }',
    },
  ),
  error(
    'which-place',
    'This patch has several places, and `new` or `old` does not say whose. In `for s in sites` it is `s.new`; outside of it `place.new`.',
    {
      extra: 'shared target',
      code: twoPlaces,
      patch:
        'patch place: call one -> call two; more: call one -> call two {\n  target = new.target\n  for s in sites { poke s }\n  sync cores\n}',
    },
    {
      extra: 'shared target',
      code: twoPlaces,
      patch:
        'patch place: call one -> call two; more: call one -> call two {\n  target = place.new.target\n  for s in sites { poke s }\n  sync cores\n}',
    },
  ),
  error(
    'handler-end',
    'A breakpoint handler that says nothing returns to the address behind its INT3, which is the middle of what stood there. So each way through it says `resume`, `emulate` or `decline`.',
    { handler: handler('let i = here') },
    { handler: handler('resume here') },
  ),
  error(
    'patcher-only',
    "A handler knows its text, the saved frame and memory. It cannot poke, sync, build or release: it may run on any CPU, in the middle of the patcher's own steps.",
    { handler: handler('sync cores; resume here') },
    { handler: handler('serialize; resume here') },
  ),
  error(
    'patcher-value',
    "`new` and `old` are the patcher's. A handler that needs them loads them from a shared variable, and whether it finds the right ones there is one of the questions that a spec asks.",
    { handler: handler('emulate new') },
    {
      extra: 'shared insn = nil',
      handler: handler('let i = insn; if i == nil { decline }; emulate i'),
      patch: patch(`insn = new; ${swap}`),
    },
  ),
  error(
    'handler-only',
    '`resume`, `emulate`, `decline`, `frame` and `here` speak of the trap that is being handled. The patcher is in none.',
    { patch: patch(`${swap}; resume place`) },
    { patch: patch(swap), handler: handler('resume place') },
  ),
  error(
    'assign',
    'Only variables, their elements and fields, locals and the saved frame can be assigned to. The bytes of a place are changed by `poke`.',
    { patch: patch('place = 1; sync cores') },
    { patch: patch(swap) },
  ),
  error(
    'atomic',
    'An `atomic` is one locked instruction. It can test one word, change it, or decline; whatever else there is to do stands before or behind it.',
    { extra: 'shared x', patch: patch('atomic { x += 1; poke place }; sync cores') },
    { extra: 'shared x', patch: patch('atomic x += 1; poke place; sync cores') },
  ),
  error(
    'atomic-words',
    'An `atomic` is one locked instruction, and those change one word. To read the pointer that leads to the word is a second one: load it first.',
    { extra: 'shared x, y', patch: patch(`atomic { x += 1; y += 1 }; ${swap}`) },
    { extra: 'shared x, y', patch: patch(`atomic x += 1; atomic y += 1; ${swap}`) },
  ),
  error(
    'waits-for-nothing',
    '`wait for` looks again and again until its test is true. A test that reads no memory is always the same: the wait would never end, or never begin.',
    { options: 'option n = 1', patch: patch(`wait for n == 1; ${swap}`) },
    { extra: 'shared n = 1', patch: patch(`wait for n == 1; ${swap}`) },
  ),
  error(
    'for',
    '`for` goes over `cpus`, over the `sites` of a patch, or over numbers: `for i in 0..4`.',
    { extra: 'shared list[4]', patch: patch(`for i in list { fence }; ${swap}`) },
    { extra: 'shared list[4]', patch: patch(`for i in 0..4 { list[i] = 1 }; ${swap}`) },
  ),
  error(
    'arguments',
    'A `define` and a stub get as many arguments as they have parameters.',
    { extra: 'define swap(p) { poke p; sync cores }', patch: patch('swap()') },
    { extra: 'define swap(p) { poke p; sync cores }', patch: patch('swap(place)') },
  ),
  error(
    'recursion',
    'A `define` is statements with a name, copied in where it is called. One that stands for itself, also by way of another, would be copied in without end.',
    { extra: 'define swap() { poke place; swap() }', patch: patch('swap()') },
    { extra: 'define swap() { poke place; sync cores }', patch: patch('swap()') },
  ),
  error(
    'region',
    'Here stands where something is: a label of the code, or a stub.',
    { extra: 'shared x', witness: 'witness worker at x' },
    { witness: 'witness worker at place' },
  ),
  error(
    'not-supported',
    'The language can say this, and this version cannot run it yet. `suture check --capabilities` lists all that waits. No verdict is given for a spec that says it.',
    { patch: patch(`wait quiescent tasks; ${swap}`) },
    { patch: patch(`wait time; ${swap}`) },
  ),
];
