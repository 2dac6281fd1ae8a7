// What each built-in property forbids, in the words of the reference.

import type { Builtin } from './ir.ts';

/** Each is the end of the sentence "It is violated when …", as in the table of `docs/language.md`. */
export const meaning: Readonly<Record<Builtin, string>> = {
  torn_instruction:
    'at an offset of a place a CPU executes something else than the instruction that the old content, the new one or an explicit poke has there; or a byte that it must not execute before it has serialised',
  trap_handled: 'a trap finds no owner',
  old_or_new:
    'a pass, from the fetch at the place to the arrival behind it or at its target, behaves as no version that was current at some moment of the pass: wrong target, return address or stack, or a fault',
  converges: 'a pass behaves as a version that was superseded before it began',
  stale_stub: 'a stub is used after its release, or before it is built',
  registers_kept:
    'a register that is live at the place, RFLAGS with IF included, differs from what the plain instruction leaves',
  frame_intact:
    'a live exception frame or a return address is overwritten by anything but `frame.x = …`',
  handler_closed:
    'a breakpoint handler executes a place that is being patched (reserved for `run`)',
  no_fault: '#UD, #GP, #PF, a jump to nowhere, a stack overflow outside a pass',
  terminates:
    'a state is reachable from which the patches, or a thread at a place, can never finish',
  shadow_stack: 'the shadow stack and the stack disagree at a return',
  nil_access:
    '0, or an address close to it, is used as an address: loaded from, stored to, jumped or returned to',
  assertion:
    'an `assert` fails, a patch starts on neither of its contents, a word is used as an instruction that is none, a stub is built with a value that its 32 bits cannot hold',
};
