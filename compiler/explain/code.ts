// Explanations of what is said about names, assembly, places, stubs and memory.

import { code, type Explanation, error, spec } from './spec.ts';

const patch = (body: string): string => `patch place: call one -> call two { ${body} }`;
const stub = 'stub plain(target) { push place.end; jmp target }';

export const codes: readonly Explanation[] = [
  error(
    'unknown-name',
    'Nothing that could stand here has this name: no label, variable, stub, thread, place, option or word of the language. A name that is nearly the same is proposed. Names are those of the whole file; those of `let` and `for` end with their block.',
    { thread: 'thread worker runs callr' },
    { thread: 'thread worker runs caller' },
  ),
  error(
    'duplicate-name',
    "There is one namespace for the whole file: labels, variables, stubs, options, threads, patches, definitions and properties of one's own. A name means one thing wherever it stands, and `on`, `off` and `nil` are values.",
    { extra: 'shared one' },
    { extra: 'shared first' },
  ),
  error(
    'shadow',
    'A name inside a block cannot be one that the file has already: the reader would have to know which of them is meant.',
    { extra: 'shared x', patch: patch('let x = 1; poke place; sync cores') },
    { extra: 'shared x', patch: patch('let y = 1; poke place; sync cores') },
  ),
  error(
    'insn-mnemonic',
    'The machine executes a subset of x86-64, and this instruction is not in it. The message and `docs/machine.md` list what is.',
    { code: code('cmovz rax, rbx') },
    { code: code('mov rax, rbx') },
  ),
  error(
    'insn-operands',
    'The instruction is in the subset, but no form of it takes these operands. The message lists the forms in the notation of the manual: `r/m64` is a 64-bit register or a qword in memory, `imm32` a number.',
    { code: code('mov eax, rbx') },
    { code: code('mov rax, rbx') },
  ),
  error(
    'insn-range',
    'A number, a displacement or an address does not fit into the field that the form has for it. A short jump reaches 127 bytes, a near one 2 GiB; routines stand far apart, so that displacements to two of them differ in every byte.',
    { code: code('jmp short one') },
    { code: code('jmp near one') },
  ),
  error(
    'insn-width',
    'Neither operand says how many bytes are meant. `dword` in front of the bracket says 4, `qword` says 8.',
    { extra: 'shared x', code: code('mov [x], 1') },
    { extra: 'shared x', code: code('mov qword [x], 1') },
  ),
  error(
    'register',
    'The subset has the general registers of 64 and of 32 bits, `rax` and `eax` to `r15` and `r15d`. There are no parts of 8 or 16 bits, and no vector or control registers.',
    { code: code('mov ax, 1') },
    { code: code('mov eax, 1') },
  ),
  error(
    'operand',
    'An operand is a register, a number, a name, or in brackets a sum of at most one 64-bit register, a name and a number. There are no index registers.',
    { extra: 'shared x', code: code('mov rax, [rcx + rdx]') },
    { extra: 'shared x', code: code('mov rax, [rcx + 8]') },
  ),
  error(
    'not-percpu',
    "`gs:` is the base of the CPU's own variables, those that `percpu` declares. A `shared` variable is one for all CPUs and is reached without it.",
    { extra: 'shared x', code: code('mov rax, gs:[x]') },
    { extra: 'percpu x', code: code('mov rax, gs:[x]') },
  ),
  error(
    'align',
    '`align N` fills with nops up to the next multiple of N, a power of two up to 4096.',
    { code: code('align 3').replace(/ +align/, '  align') },
    { code: code('align 4').replace(/ +align/, '  align') },
  ),
  error(
    'if-option',
    'An `if` around lines of code or around sections decides what the spec is, before anything runs. So it can ask for options only; what a variable holds is not known yet.',
    { extra: 'shared x', code: code('if x { nop }') },
    { options: 'option x = off', code: code('if x { nop }') },
  ),
  error(
    'too-many-routines',
    'The code has more than 4,000 pieces that nothing falls through out of. Each of them stands by itself, far from the others.',
    { code: code(`${'ret; '.repeat(4001)}nop`) },
    { code: code('nop') },
  ),
  error(
    'no-patch',
    'A protocol changes code, and this one has no `patch`, or every patch is taken away by its option.',
    { patch: '' },
    {},
  ),
  error(
    'place-length',
    'A place is what stands at a label: one instruction, or several in braces. It has 1 to 16 bytes.',
    {
      code: code('nop', '{ nop 9; nop 8 }'),
      patch: 'patch place -> { nop 8; nop 9 } { poke place; sync cores }',
    },
    {
      code: code('nop', '{ nop 9; nop 7 }'),
      patch: 'patch place -> { nop 7; nop 9 } { poke place; sync cores }',
    },
  ),
  error(
    'content-length',
    'The old and the new content fill their place exactly. A shorter one says what its rest holds, `{ jmp short one; nop 3 }`, or takes a longer form, `jmp near one`, `nop 5`.',
    { patch: 'patch place: call one -> nop 4 { poke place; sync cores }' },
    { patch: 'patch place: call one -> nop 5 { poke place; sync cores }' },
  ),
  error(
    'trap-inside',
    'An INT3 that is the first instruction of a content is what a pass of it does: it traps, and the handler says how it goes on. Behind another instruction of the same content it is neither that nor the guard of a patch.',
    {
      code: code('nop', '{ nop; int3 }'),
      patch: 'patch place -> { nop; nop } { poke place; sync cores }',
    },
    {
      code: code('nop', '{ int3; nop }'),
      patch: 'patch place -> { nop; nop } { poke place; sync cores }',
    },
  ),
  error(
    'duplicate-place',
    'A place stands in a patch once: with two contents nobody could say which one is new.',
    {
      patch:
        'patch place: call one -> call two; place: call two -> call one { poke place; sync cores }',
    },
    { patch: 'patch place: call one -> call two { poke place; sync cores }' },
  ),
  error(
    'overlap',
    'Two places share bytes. Who pokes one would change the other behind its back.',
    {
      code: code('nop', '{ inner: call one }'),
      patch:
        'patch place: call one -> call two; inner: call one -> call two { poke place; sync cores }',
    },
    { code: code('nop', '{ inner: call one }') },
  ),
  error(
    'stub-length',
    'A stub has 1 to 64 bytes. Longer code stands in `code`, and the stub jumps to it.',
    { extra: 'stub plain { }' },
    { extra: 'stub plain { ret }' },
  ),
  error(
    'slots',
    'A stub can be built up to 16 times at once, `slots 16`, and at least once. `slots per cpu` is one for each CPU.',
    { extra: 'stub plain slots 0 { ret }' },
    { extra: 'stub plain slots 2 { ret }' },
  ),
  error(
    'which-slot',
    'A stub with several slots has several addresses. `build` gives the one that it took: keep it in a variable, and resume there.',
    {
      extra: 'stub plain(target) slots 2 { push place.end; jmp target }',
      handler: 'on breakpoint at place { resume plain }',
      patch: patch('build plain(new.target); poke place; sync cores'),
    },
    {
      extra: 'shared slot\nstub plain(target) slots 2 { push place.end; jmp target }',
      handler: 'on breakpoint at place { let s = slot; resume s }',
      patch: patch('slot = build plain(new.target); poke place; sync cores'),
    },
  ),
  error(
    'initial',
    'A variable begins as a number, `on`, `off` or `nil`. What else it is to hold the patcher stores.',
    { extra: 'shared target = one' },
    { extra: 'shared target = nil', patch: patch('target = one; poke place; sync cores') },
  ),
  error(
    'field-offset',
    'A field has the same offset in every record that has it, for `d.field` is that offset behind an address, whatever record stands there.',
    { extra: 'shared a { addr, insn }\nshared b { insn }' },
    { extra: 'shared a { addr, insn }\nshared b { addr, insn }' },
  ),
  error(
    'array-size',
    'An array has 1 to 64 elements.',
    { extra: 'shared list[100]' },
    { extra: 'shared list[10]' },
  ),
  error(
    'percpu-size',
    'All per-CPU variables of a CPU have 4,096 bytes together: 512 words.',
    {
      extra: `percpu ${'abcdefghi'
        .split('')
        .map((x) => `${x}[64]`)
        .join(', ')}`,
    },
    { extra: 'percpu a[64], b[64]' },
  ),
  {
    name: 'stub-argument',
    kind: 'emit',
    text: 'The bytes of a stub are emitted with the arguments of the first `build` of it. Here there is none, or an argument is known only when the program runs.',
    specs: {
      fails: spec({ extra: stub }),
      mended: spec({
        extra: stub,
        patch: patch('build plain(new.target); poke place; sync cores'),
      }),
    },
  },
];
