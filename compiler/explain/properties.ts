// Explanations of the properties: what each of them asks of a run, and a protocol that breaks it.

import { code, type Explanation, property } from './spec.ts';

const steps = (...lines: readonly string[]): string =>
  `patch place: call one -> call two {\n${lines.map((l) => `  ${l}`).join('\n')}\n}`;
const guarded = steps(
  'poke place[0] = int3; sync cores',
  'poke place[1..]; sync cores',
  'poke place[0]; sync cores',
);
const emulate = 'on breakpoint at place { emulate call one }';
const stub = 'stub plain(target) { push place.end; jmp target }';
const withStub = steps(
  'build plain(new.target); sync cores',
  'poke place[0] = int3; sync cores',
  'poke place[1..]; sync cores',
  'poke place[0]; sync cores',
);

export const properties: readonly Explanation[] = [
  property(
    'torn_instruction',
    'At each offset of a place a CPU executes what the old content, the new one or an explicit poke has there. Violated where it executes something else, a mixture of bytes from two moments; or a byte that it must not execute before it has serialised, which the manuals call unpredictable.',
    {},
    { handler: emulate, patch: guarded },
  ),
  property(
    'trap_handled',
    'A trap finds an owner: some `on breakpoint` does not decline it. Violated where a CPU executes an INT3 that nobody knows any more, or not yet.',
    { patch: guarded },
    { handler: emulate, patch: guarded },
  ),
  property(
    'old_or_new',
    'A pass begins with the fetch at a place and ends behind it or at its target. It behaves as a version of the place that was current at some moment of the pass: target, return address and stack. The old one is current until the patch has returned, the new one from its first store on. Violated by what neither of them does.',
    { handler: 'on breakpoint at place { resume place.end }', patch: guarded },
    { handler: emulate, patch: guarded },
  ),
  property(
    'converges',
    'A pass that begins when the patch has returned behaves as the new version. Violated where a CPU still executes what was superseded, as it may until it has serialised.',
    {
      patch: steps('poke place as store8'),
      scenario: 'scenario "s" { fetch amd; place at 0 of 8; patches 2 }',
    },
    {
      patch: steps('poke place as store8', 'sync cores'),
      scenario: 'scenario "s" { fetch amd; place at 0 of 8; patches 2 }',
    },
  ),
  property(
    'stale_stub',
    'A stub is used only between its `build` and its `release`. Violated where a CPU fetches from it before it is built, or goes on in it when it is gone: whoever was sent there may have been interrupted.',
    {
      extra: stub,
      handler: 'on breakpoint at place { resume plain }',
      patch: withStub.replace('\n}', '\n  release plain\n}'),
    },
    { extra: stub, handler: 'on breakpoint at place { resume plain }', patch: withStub },
  ),
  property(
    'registers_kept',
    'Behind a place a register has the value that the plain instruction would leave, RFLAGS with IF included. Violated by a handler or a stub that changes one which is live. `site place dead r10` says which may change.',
    { handler: 'on breakpoint at place { frame.r10 = 1; emulate call one }', patch: guarded },
    {
      extra: 'site place dead r10',
      handler: 'on breakpoint at place { frame.r10 = 1; emulate call one }',
      patch: guarded,
    },
  ),
  property(
    'frame_intact',
    'A live exception frame and a return address are changed by `frame.x = …` alone. Violated where a push writes over one: a call that is emulated in a handler needs a gap below the stack that was interrupted, which the entry code leaves unless the scenario says `gap off`.',
    { handler: emulate, patch: guarded, scenario: 'scenario "s" { gap off }' },
    { handler: emulate, patch: guarded, scenario: 'scenario "s" { gap on }' },
  ),
  {
    name: 'handler_closed',
    kind: 'property',
    text: 'A breakpoint handler does not execute a place that is being patched: it would trap in itself. Only `run` lets a handler execute code of the spec, and this version does not run it yet, so nothing violates this property.',
  },
  property(
    'no_fault',
    'Outside of a pass no instruction faults: no #UD, #GP or #PF, no jump to nowhere, no stack that overflows. Inside of one a fault is what `old_or_new` judges.',
    { code: code('ud2'), handler: emulate, patch: guarded },
    { code: code('nop'), handler: emulate, patch: guarded },
  ),
  property(
    'terminates',
    'From every state that can be reached the end can still be reached: all patches have returned, and no pass is open. Violated by deadlocks and livelocks. It does not say that the end is reached: CPUs and fetches are taken to be fair. Events that need not come, such as NMIs, are no way out.',
    {
      code: code('sti').replace('caller:', 'caller: cli'),
      handler: 'on breakpoint at place { resume here }',
      patch: guarded,
    },
    { code: code('nop'), handler: 'on breakpoint at place { resume here }', patch: guarded },
  ),
  property(
    'shadow_stack',
    'With `shadow stack on` a `ret` finds the same address on the stack and on the shadow stack, where only calls put it. Violated by who pushes a return address by hand.',
    {
      extra: stub,
      handler: 'on breakpoint at place { resume plain }',
      patch: withStub,
      scenario: 'scenario "s" { shadow stack on }',
    },
    { handler: emulate, patch: guarded, scenario: 'scenario "s" { shadow stack on }' },
  ),
  property(
    'nil_access',
    '0 and addresses close to it are not used as addresses: not loaded from, stored to, jumped to or resumed at. Violated where a pointer is followed that nobody has set, or that was cleared again.',
    {
      extra: 'shared target = nil',
      code: code('mov rax, [target]\n          mov rcx, [rax]'),
      handler: emulate,
      patch: guarded,
    },
    {
      extra: 'shared target = nil',
      code: code('mov rax, [target]\n          test rax, rax; je caller\n          mov rcx, [rax]'),
      handler: emulate,
      patch: guarded,
    },
  ),
  property(
    'assertion',
    'What `assert` says is true when it is reached; a patch starts on its old or its new content; a word that is used as an instruction is one. Violated with the text of the assertion.',
    {
      extra: 'shared count',
      patch: steps('count += 1', 'assert count == 2 "counted twice"', 'sync cores'),
    },
    {
      extra: 'shared count',
      patch: steps('count += 1', 'assert count == 1 "counted once"', 'sync cores'),
    },
  ),
];
