// The experiment: rounds of the patcher while the other CPUs loop over the site, each from the same start, and its end.
//
// A round is a run of the model: it begins in the initial state and ends when the patcher has returned, or at the first
// failure. Then every CPU is stopped by an NMI and the memory is set back.

import type { Program } from '../ir.ts';
import { property, region, stackStride, stackWords } from '../ir.ts';
import type { Code } from './assembly.ts';
import { exitCode, selector } from './boot.ts';
import { failure, handlers } from './handlers.ts';
import { vectors } from './kernel.ts';
import type { Memory } from './memory.ts';
import { probe, recordsOf } from './passes.ts';
import { load } from './translate.ts';

/** Words of each CPU behind its `percpu` variables, reached by GS. */
export const mine = [
  'me.cpu',
  'me.base',
  'me.apic',
  'me.random',
  'me.record',
  'me.nmi',
  'me.irq',
  'me.passes',
  'me.round',
  'me.vector',
  'me.code',
] as const;
export const mineAt = 0xe00;
/** How many contexts of one CPU may be inside passes at once. */
const levels = 12;
/** Words of a failure's record, in the order in which they are told. */
export const detailWords = [
  'set',
  'cpu',
  'round',
  'ip',
  'sp',
  'flags',
  'cr2',
  'code',
  'text0',
  'text1',
] as const;
const detailBytes = 128;

export interface Limits {
  readonly rounds: number;
  /** Whether rounds are known to get stuck: then none is waited for long. */
  readonly stuck: boolean;
}
/** Ticks of the time stamp counter; QEMU's is the host's. */
const patience = {
  round: 20_000_000_000,
  stuck: 300_000_000,
  stop: 60_000_000_000,
  warm: 20_000_000,
  settle: 40_000_000,
} as const;
/** Rounds that got stuck, though none should, after which no further one begins. */
const mostStuck = 2;

/** Zeroed words by name, and the tables in the file that the code reads. */
export function room(memory: Memory, p: Program): void {
  const { cpus } = p.env;
  const records = recordsOf(p);
  mine.forEach((name, i) => {
    memory.symbols.set(name, mineAt + 8 * i);
  });
  for (let cpu = 0; cpu < cpus; cpu++)
    memory.symbols.set(
      passesOf(cpu),
      region.percpu + 0x1000 * cpu + mineAt + 8 * mine.indexOf('me.passes'),
    );
  memory.symbols.set('record_bytes', records.bytes);
  const at = memory.takeZero('records', records.bytes * levels * cpus);
  memory.symbols.set('records_end', at + records.bytes * levels * cpus);
  for (const name of [
    'outstanding',
    'running',
    'go',
    'parked',
    'round',
    'stuck',
    'failure',
    'deadline',
    'budget',
    'scratch',
    'atomic_old',
    'surplus',
  ])
    memory.takeZero(name, 8);
  for (const name of ['pending', 'nmi_pending', 'snapshot']) memory.takeZero(name, 8 * cpus);
  memory.takeZero('patcher_locals', 8 * (p.locals.patcher + 1));
  const current = memory.takeZero('current', 8 * p.contents.length);
  p.contents.forEach((_, i) => {
    memory.symbols.set(`current.${i}`, current + 8 * i);
    memory.takeZero(`passed.${i}`, 8);
  });
  p.places.forEach((_, i) => {
    for (const name of ['old', 'new', 'trapped']) memory.takeZero(`${name}.${i}`, 8);
  });
  p.stubs.forEach((s, i) => {
    s.slots.forEach((_, k) => {
      memory.takeZero(`slot.${i}.${k}`, 8);
    });
  });
  p.env.events.forEach((_, i) => {
    memory.takeZero(`left.${i}`, 8);
    memory.takeZero(`event.${i}`, 8 * cpus);
    memory.takeZero(`happened.${i}`, 8);
  });
  p.data.slice(0, mostWords).forEach((_, i) => {
    memory.takeZero(`word.${i}`, 8);
  });
  memory.takeZero('failures', 8 * failure.kinds);
  memory.takeZero('details', detailBytes * failure.kinds);
  const bytes = memory.take('content_bytes room', 16 * (p.contents.length + 2)) + 16;
  memory.symbols.set('content_bytes', bytes);
  const targets = memory.take('content_targets', 8 * p.contents.length);
  const lengths = memory.take('content_lengths', 8 * p.contents.length);
  p.contents.forEach((c, i) => {
    memory.write(bytes + 16 * i, c.bytes);
    memory.word(targets + 8 * i, c.target ?? 0);
    memory.word(lengths + 8 * i, c.bytes.length);
  });
  for (const name of ['thread_entries', 'thread_stacks', 'own_stacks', 'own_records'])
    memory.take(name, 8 * cpus);
  for (let cpu = 0; cpu < cpus; cpu++)
    memory.word(
      (memory.symbols.get('own_records') as number) + 8 * cpu,
      at + records.bytes * levels * cpu,
    );
}

/** Sends the event at source `i` to the CPU in RCX. */
const sourceVector = (i: number): number => vectors.sources + i;

export function rounds(code: Code, memory: Memory, p: Program, limits: Limits): void {
  const { cpus, events } = p.env;
  const others = cpus - 1;
  const workers = [...new Set(p.threads.map((t) => t.cpu))];
  const apic = 'mov edx, 0xfee00000';
  const records = recordsOf(p);

  code.add(`
    main:
      call start_cpus
      mov rsi, text_hello
      call puts
      call clock
      mov rcx, ${patience.stop}
      add rax, rcx
      mov [budget], rax
      call all_parked

    round_begin:
      mov rsp, [park_stacks]
      mov rax, [round]
      cmp rax, ${limits.rounds}
      jae report
      cmp qword [stuck], ${limits.stuck ? limits.rounds : mostStuck}
      jae report
      inc qword [round]
      call reset
      mov qword [parked], 0
      mov qword [failure], 0
      call clock
      mov rcx, ${limits.stuck ? patience.stuck : patience.round}
      add rax, rcx
      mov [deadline], rax
      mov rax, [own_records]
      mov gs:[me.record], rax
      mov qword gs:[me.nmi], 0
      mov qword gs:[me.irq], 0
      mov qword [running], 1
      mfence
      mov rax, [round]
      mov [go], rax
      call warm
      mov rax, ${load('rax', stackTop(0) | 0, -1).slice(9)}
      push ${selector.stack}
      push rax
      push 0x202
      push ${selector.code}
      mov rax, patcher
      push rax
      iretq

    patcher_done:
      cli
      mov rsp, [park_stacks]
      call settle
    // Every failure of this CPU comes here, too.
    round_end:
      cli
      mov rsp, [park_stacks]
    .telling:
      pause
      cmp qword [failure], 1
      je .telling
      mov qword [running], 0
      mfence
      call note
      call clock
      mov rcx, ${patience.stop}
      add rax, rcx
      mov [budget], rax`);
  if (others > 0) code.add(`${apic}; mov dword [rdx+0x300], 0xc4400`);
  code.add(`
      call all_parked
      call drop_interrupts
      jmp round_begin

    // What the variables hold, over all rounds.
    note:`);
  p.data.slice(0, mostWords).forEach((d, i) => {
    code.add(`${load('rcx', d.address | 0, -1)}; mov rax, [rcx]; or qword [word.${i}], rax`);
  });
  code.add(`
      ret

    all_parked:
      pause
      cmp qword [parked], ${others}
      jae .all
      call clock
      cmp rax, [budget]
      jb all_parked
      mov rsi, text_deaf
      call puts
      mov eax, ${exitCode.failed}
      jmp exit
    .all:
      ret

    // What is pending is taken while nothing runs, and dropped.
    drop_interrupts:
      ${apic}
      mov ecx, 16
    .eoi:
      mov dword [rdx+0xb0], 0
      dec ecx
      jne .eoi
      sti
      mov ecx, 64
    .open:
      nop
      dec ecx
      jne .open
      cli
      ret

    park:
      call drop_interrupts
      // Who was stopped before it began the round must not begin it now.
      mov rax, [go]
      mov gs:[me.round], rax
      lock inc qword [parked]
    .wait:
      pause
      mov rax, [go]
      cmp rax, gs:[me.round]
      je .wait
      mov gs:[me.round], rax
      mov rcx, gs:[me.cpu]
      mov rax, [own_records+rcx*8]
      mov gs:[me.record], rax
      mov qword gs:[me.nmi], 0
      mov qword gs:[me.irq], 0
      mov rax, [thread_stacks+rcx*8]
      mov rdx, [thread_entries+rcx*8]
      push ${selector.stack}
      push rax
      push 0x202
      push ${selector.code}
      push rdx
      mov eax, 0
      mov ecx, 0
      mov edx, 0
      mov ebx, 0
      mov ebp, 0
      mov esi, 0
      mov edi, 0`);
  for (let r = 8; r < 16; r++) code.add(`mov r${r}d, 0`);
  code.add(`
      iretq
    idle:
      sti
    .again:
      hlt
      jmp .again

    // An IRET to RAX on the CPU's own stack: NMIs come again behind it.
    leave_to:
      mov rcx, gs:[me.cpu]
      mov rcx, [park_stacks+rcx*8]
      mov rsp, rcx
      push ${selector.stack}
      push rcx
      push 2
      push ${selector.code}
      push rax
      iretq

    // A number in RAX that nobody foresees: the time and a linear congruence.
    random:
      push rdx
      rdtsc
      pop rdx
      add rax, gs:[me.random]
      mov rcx, 0x5851f42d4c957f2d
      imul rax, rcx
      inc rax
      mov gs:[me.random], rax
      shr rax, 0x21
      ret

    delay:
      call random
      mov ecx, eax
      and eax, 7
      jne .short
      and ecx, 0x3fff
      jmp .some
    .short:
      and ecx, 0xff
    .some:
      inc ecx
    .again:
      dec ecx
      jne .again
      ret

    // Sometimes a delay.
    lull:
      call random
      and eax, 3
      je delay
      ret

    // Between two accesses of the patcher: time passes, and what may come, comes.
    moment:
      call watch
      call lull`);
  events.forEach((e, i) => {
    const not = code.fresh('source');
    code.add(`
      cmp qword [left.${i}], 0
      je ${not}
      call random
      and eax, 7
      jne ${not}
      dec qword [left.${i}]`);
    if (e.on !== undefined) code.add(`mov ecx, ${e.on}`);
    else
      code.add(`
        call random
        mov edx, 0
        mov ecx, ${cpus}
        div rcx
        mov rcx, rdx`);
    const what = e.kind === 'nmi' ? 0x4400 : 0x4000 | sourceVector(i);
    code.add(`
      lock inc qword [event.${i}+rcx*8]
      mov rax, [apic_ids+rcx*8]
      ${apic}
      mov dword [rdx+0x310], eax
      mov dword [rdx+0x300], ${what}
      ${not}:`);
  });
  code.add(`
      ret

    // In a handler: the patcher's CPU may spin here, where the patcher does not look.
    own_watch:
      mov rax, gs:[me.cpu]
      cmp rax, 0
      je watch
      ret

    // Whether another CPU has failed, or time is over.
    watch:
      cmp qword [failure], 2
      je .failed
      call clock
      cmp rax, [deadline]
      jb .fine
      inc qword [stuck]
      mov ebp, 0
      mov edi, ${property('terminates')}
      jmp fail_here
    .failed:
      mov rax, round_end
      jmp leave_to
    .fine:
      ret

    // Before the patch: the workers make some passes, or none.
    warm:
      call random
      and eax, 3
      mov r12, rax`);
  for (const cpu of workers)
    code.add(`mov rax, [${passesOf(cpu)}]; mov [snapshot+${8 * cpu}], rax`);
  code.add(`call clock; mov r13, rax; .wait: pause; cmp qword [failure], 2; je .end`);
  code.add(`call clock; sub rax, r13; cmp rax, ${patience.warm}; ja .end`);
  for (const cpu of workers)
    code.add(`mov rax, [${passesOf(cpu)}]; sub rax, [snapshot+${8 * cpu}]; cmp rax, r12; jb .wait`);
  code.add(`.end: ret

    // Behind the patch: every open pass ends, and the workers make some more.
    settle:`);
  for (const cpu of workers)
    code.add(`mov rax, [${passesOf(cpu)}]; mov [snapshot+${8 * cpu}], rax`);
  code.add('call clock; mov r13, rax; .wait: pause; call watch; mov r12d, 0');
  for (const cpu of workers) {
    const next = code.fresh('settled');
    const open = code.fresh('open');
    code.add(`
      mov rax, [${passesOf(cpu)}]
      sub rax, [snapshot+${8 * cpu}]
      cmp rax, 2
      jae ${next}
      call clock
      sub rax, r13
      cmp rax, ${patience.settle}
      jb ${open}
      mov rax, [own_records+${8 * cpu}]
      cmp qword [rax], 0
      je ${next}
      ${open}:
      mov r12d, 1
      ${next}:`);
  }
  code.add(`cmp r12, 0; jne .wait; ret`);

  // ---- from every state to the first one
  code.add('reset:');
  for (const place of p.places) {
    const first = p.contents[place.contents[0] as number]?.bytes ?? new Uint8Array();
    first.forEach((byte, i) => {
      code.add(`mov edi, ${memory.physical(place.from + i)}; mov eax, ${byte}; mov [rdi], al`);
    });
  }
  p.stubs.forEach((s, i) => {
    s.slots.forEach((slot, k) => {
      code.add(`
        mov qword [slot.${i}.${k}], 0
        ${load('rdi', slot.from | 0, -1)}
        mov ecx, ${s.template.length}
        mov eax, ${probe}
        call fill`);
    });
  });
  for (const d of p.data)
    code.add(`${load('rax', d.lo, d.hi)}; ${load('rcx', d.address | 0, -1)}; mov [rcx], rax`);
  p.places.forEach((place, i) => {
    code.add(`mov qword [old.${i}], 0; mov qword [new.${i}], 0`);
    place.contents.forEach((c, k) => {
      code.add(`mov qword [current.${c}], ${k === 0 ? 1 : 0}`);
    });
  });
  events.forEach((e, i) => {
    code.add(`mov qword [left.${i}], ${e.count}`);
    for (let cpu = 0; cpu < cpus; cpu++) code.add(`mov qword [event.${i}+${8 * cpu}], 0`);
  });
  for (let cpu = 0; cpu < cpus; cpu++)
    code.add(`mov qword [pending+${8 * cpu}], 0; mov qword [nmi_pending+${8 * cpu}], 0`);
  code.add(`
      mov qword [outstanding], 0
      mov edi, records
    .clear:
      mov qword [rdi], 0
      mov qword [rdi+8], 0
      add rdi, ${records.bytes}
      cmp rdi, records_end
      jb .clear
      ret`);
  handlers(code, p, records.bytes);
  report(code, p);
}

const passesOf = (cpu: number): string => `passes.${cpu}`;

/** The top of a task's stack, as in the model; what the image adds lies below. */
export const stackTop = (task: number): number =>
  region.stacks + stackStride * task + 8 * stackWords;
/** How many words of memory are told. */
export const mostWords = 64;

/** The counters, a line each: a name, its numbers in hexadecimal. */
function report(code: Code, p: Program): void {
  const line = (name: string, word: string): void => {
    code.add(`mov rsi, text.${name}; call puts; mov rax, [${word}]; call puthex; call newline`);
  };
  code.add('report:');
  line('rounds', 'round');
  p.contents.forEach((_, i) => {
    line(`passed.${i}`, `passed.${i}`);
  });
  p.places.forEach((_, i) => {
    line(`trapped.${i}`, `trapped.${i}`);
  });
  p.env.events.forEach((_, i) => {
    line(`happened.${i}`, `happened.${i}`);
  });
  p.data.slice(0, mostWords).forEach((_, i) => {
    line(`word.${i}`, `word.${i}`);
  });
  code.add(`
      mov r12d, 0
    .kind:
      cmp qword [failures+r12*8], 0
      je .next
      mov rsi, text_failure
      call puts
      mov rax, r12
      call puthex
      mov rax, [failures+r12*8]
      call puthex
      mov rbx, r12
      add rbx, rbx
      add rbx, rbx
      add rbx, rbx
      add rbx, rbx
      lea rbx, [details+rbx*8]
      mov r13d, 0
    .word:
      mov rax, [rbx+r13*8]
      call puthex
      inc r13
      cmp r13, ${detailWords.length}
      jb .word
      call newline
    .next:
      inc r12
      cmp r12, ${failure.kinds}
      jb .kind
      mov rsi, text_end
      call puts
      mov eax, ${exitCode.done}
      jmp exit

    newline:
      mov eax, 10
      jmp putc`);
}
