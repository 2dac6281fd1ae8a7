// Explanations of what the grammar says: words, signs, lines and braces.

import { code, error } from './spec.ts';

const patch = (body: string): string => `patch place: call one -> call two { ${body} }`;
const synced = patch('poke place; sync cores');

export const writing = [
  error(
    'expected',
    'At this word the text can no longer be a spec. The message says what could stand there instead, and where a word is nearly one of the language it proposes that one. A newline, `;` and a closing brace end an instruction, a statement or a setting.',
    { patch: patch('poke place; sync everybody') },
    { patch: synced },
  ),
  error(
    'character',
    'This sign belongs to another language. Here comments begin with `//`, conditions say `and`, `or` and `not`, texts stand in double quotes, and registers and numbers have no sign in front of them.',
    { options: 'option masked = off', code: code('if !masked { nop }') },
    { options: 'option masked = off', code: code('if not masked { nop }') },
  ),
  error(
    'number',
    'Numbers are decimal digits, or `0x` and hexadecimal digits, and fit into 64 bits. A count, as of CPUs or slots, fits into 31.',
    { extra: 'shared mask = 0xfffg' },
    { extra: 'shared mask = 0xffff' },
  ),
  error(
    'group-label',
    'Several instructions that are one place stand in braces behind a label with its colon: `place: { nop; nop 4 }`. Without the label nobody could name the place; without the colon it would not be a label.',
    { code: code('pairs').replace('          pairs', '  { nop; nop }') },
    { code: code('pairs').replace('          pairs', '  pair:   { nop; nop }') },
  ),
  error(
    'indirect',
    'An indirect branch names its register or its memory operand: `jmp rax`, `call [target]`. The star is how AT&T syntax marks it.',
    { code: code('jmp *rax') },
    { code: code('jmp rax') },
  ),
  error(
    'segment',
    'The segment stands before the bracket, as in `gs:[slot]`, and the only one is `gs`: each CPU has its per-CPU variables behind it.',
    { extra: 'percpu slot', code: code('mov rax, [gs:slot]') },
    { extra: 'percpu slot', code: code('mov rax, gs:[slot]') },
  ),
  error(
    'size',
    'A memory operand is a `dword` of 4 bytes or a `qword` of 8. The machine has no operands of 1 or 2 bytes.',
    { extra: 'shared x', code: code('cmp byte [x], 0') },
    { extra: 'shared x', code: code('cmp dword [x], 0') },
  ),
  error(
    'hint',
    '`short` and `near` say which displacement a direct branch takes, so a label stands behind them. An indirect branch has none.',
    { code: code('jmp near [rax]') },
    { code: code('jmp [rax]') },
  ),
  error(
    'next-line',
    'A newline ends what stands before it. So `{` stands on the line of what it belongs to, and `else`, `expect` and `resume` on the line of the brace that they follow.',
    { scenario: 'scenario "byte by byte" { }\nexpect violates torn_instruction' },
    { scenario: 'scenario "byte by byte" { } expect violates torn_instruction' },
  ),
  error(
    'not-binds',
    '`not` binds looser than comparisons and arithmetic: `not a == b` is `not (a == b)`. Where it stands behind such a sign, parentheses say what is meant.',
    { extra: 'shared x', patch: patch('if x == not x { poke place }; sync cores') },
    { extra: 'shared x', patch: patch('if x == (not x) { poke place }; sync cores') },
  ),
  error(
    'one-protocol',
    'One file is one protocol. Its broken twins are options of the same file, so that what they leave out can be seen side by side.',
    { options: 'protocol q "another one"' },
    {},
  ),
  error(
    'range-read',
    'A range of bytes can be poked. An expression reads one byte, `place[1]`, as a load of its own: several at once would be no access that a CPU has.',
    { extra: 'shared x', patch: patch('x = place[0..2]; poke place; sync cores') },
    { extra: 'shared x', patch: patch('x = place[0]; poke place; sync cores') },
  ),
  error(
    'reserved-word',
    'This word means something in the language, so nothing can be called by it. Any other name will do.',
    { extra: 'shared not' },
    { extra: 'shared noted' },
  ),
  error(
    'unclosed-text',
    'A text ends with a double quote on the line where it begins.',
    { scenario: 'scenario "byte by byte { } expect violates torn_instruction' },
    { scenario: 'scenario "byte by byte" { } expect violates torn_instruction' },
  ),
  error(
    'stray-brace',
    'This closing brace has no opening one. Perhaps an earlier brace closed more than it should.',
    { patch: `${synced} }` },
    { patch: synced },
  ),
  error(
    'unclosed-brace',
    'The brace at this place is never closed: the file ends, or a section begins, before its partner comes.',
    {
      patch: 'patch place: call one -> call two {\n  poke place\n  sync cores',
      scenario: 'scenario "s" { }',
    },
    {
      patch: 'patch place: call one -> call two {\n  poke place\n  sync cores\n}',
      scenario: 'scenario "s" { }',
    },
  ),
  error(
    'too-deep',
    'Braces, brackets and parentheses stand at most 64 deep in each other. A `define` can carry what is inside.',
    { extra: `shared x = ${'('.repeat(70)}1${')'.repeat(70)}` },
    { extra: 'shared x = 1' },
  ),
  error(
    'too-long',
    'One expression has at most 500 words and signs. Several statements or several variables say the same.',
    { extra: `shared x = ${'1 + '.repeat(300)}1` },
    { extra: 'shared x = 301' },
  ),
  error(
    'too-large',
    'A spec has at most a million characters. Its definitions are written out at most 2,000 times, and 100 inside each other, in one patch or handler: two that stand for two of the next, and so on, would otherwise be more statements than a machine holds.',
    {
      extra: [
        'define a() { fence; fence }',
        ...'abcdefghijk'.split('').map((x, i) => `define ${'bcdefghijkl'[i]}() { ${x}(); ${x}() }`),
      ].join('\n'),
      patch: patch('l(); poke place; sync cores'),
    },
    { extra: 'define a() { fence; fence }', patch: patch('a(); poke place; sync cores') },
  ),
];
