// Where a CPU of an image arrives by an interrupt or an exception: IPIs, NMIs, events, probes, faults, and a round's end.

import type { Program } from '../ir.ts';
import { property, region } from '../ir.ts';
import type { Code } from './assembly.ts';
import { exitCode, selector } from './boot.ts';
import { below, frameAt, load, restoreAll, saveAll, savedAt } from './translate.ts';

/** Ways to fail beyond the model's properties: exceptions, by vector. */
export const failure = { fault: 64, kinds: 128 } as const;

export function handlers(code: Code, p: Program, recordBytes: number): void {
  const { events } = p.env;
  const apic = 'mov edx, 0xfee00000';
  const out = `mov rsp, rbp; ${restoreAll.replaceAll('\n', ';')}; iretq`;
  const saved = (r: string, n: number): string => `mov ${r}, [rbp+${savedAt(n)}]`;
  code.add(`
    // A sync's IPI: the spec's own code, then it serialises, acknowledges and returns.
    sync_ipi:
      ${saveAll}
      mov rbp, rsp
      ${apic}
      mov dword [rdx+0xb0], 0
      cmp qword [running], 0
      je .out
      inc qword gs:[me.irq]
      call ipi_code
      call serialise
      mov rcx, gs:[me.cpu]
      mov eax, 0
      xchg qword [pending+rcx*8], rax
      lock sub qword [outstanding], rax
      dec qword gs:[me.irq]
      call delay
    .out:
      ${out}

    ipi_code:`);
  if (p.ipiCode)
    code.add(`
      add qword gs:[me.record], ${recordBytes}
      push rbp
      ${load('rax', p.ipiCode.entry | 0, -1)}
      call rax
      pop rbp
      sub qword gs:[me.record], ${recordBytes}`);
  code.add(`
      ret

    // NMIs: the end of a round, a sync, or one that the scenario sends.
    nmi:
      ${saveAll}
      mov rbp, rsp
      cmp qword [running], 0
      jne .round
      mov rcx, gs:[me.cpu]
      cmp rcx, 0
      je .out
      mov rax, park
      jmp leave_to
    .round:
      inc qword gs:[me.nmi]
      mov rcx, gs:[me.cpu]
      cmp qword [nmi_pending+rcx*8], 0
      je .events
      call ipi_code
      call serialise
      mov rcx, gs:[me.cpu]
      mov eax, 0
      xchg qword [nmi_pending+rcx*8], rax
      lock sub qword [outstanding], rax
    .events:`);
  events.forEach((e, i) => {
    if (e.kind !== 'nmi') return;
    const not = code.fresh('event');
    code.add(`
      mov rcx, gs:[me.cpu]
      mov eax, 0
      xchg qword [event.${i}+rcx*8], rax
      test rax, rax
      je ${not}
      lock inc qword [happened.${i}]
      ${e.entry === undefined ? '' : `${load('rdi', e.entry | 0, -1)}; call run_code`}
      ${not}:`);
  });
  code.add(`
      dec qword gs:[me.nmi]
    .out:
      ${out}`);
  code.label('nmi.end');
  events.forEach((e, i) => {
    if (e.kind !== 'irq') return;
    code.add(`
    source.${i}:
      ${saveAll}
      mov rbp, rsp
      ${apic}
      mov dword [rdx+0xb0], 0
      cmp qword [running], 0
      je source.${i}.out
      inc qword gs:[me.irq]
      lock inc qword [happened.${i}]
      ${e.entry === undefined ? '' : `${load('rdi', e.entry | 0, -1)}; call run_code`}
      dec qword gs:[me.irq]
      source.${i}.out:
      ${out}`);
  });
  code.add(`
    // Code of the spec that ends in IRETQ, at RDI, with the registers of the context that was interrupted, at RBP.
    run_code:
      add qword gs:[me.record], ${recordBytes}
      push rbp
      mov rax, rsp
      and rsp, -16
      push ${selector.stack}
      push rax
      push 2
      push ${selector.code}
      mov rax, .back
      push rax
      push rdi
      ${saved('rax', 0)}
      ${saved('rcx', 1)}
      ${saved('rdx', 2)}
      ${saved('rbx', 3)}
      ${saved('rsi', 6)}
      ${saved('rdi', 7)}`);
  for (let r = 8; r < 16; r++) code.add(saved(`r${r}`, r));
  code.add(`
      ${saved('rbp', 5)}
      ret
    .back:
      pop rbp
      sub qword gs:[me.record], ${recordBytes}
      ret

    spurious:
      iretq

    // #DB: a place is about to be executed; the resume flag lets it.
    debug:
      ${saveAll}
      mov rbp, rsp
      sub rsp, ${below.bytes(0)}
      mov rax, [rbp+${frameAt.ip}]
      jmp opens
    opened:
      mov rax, [rbp+${frameAt.flags}]
      or rax, 0x10000
      mov [rbp+${frameAt.flags}], rax
      ${out}

    // #UD: a probe, a stub's place without a stub, SERIALIZE where the processor has none, or a fault.
    undefined:
      ${saveAll}
      mov rbp, rsp
      sub rsp, ${below.bytes(0)}
      jmp probes
    arrived:
      ${out}
    no_probe:
      mov rax, [rbp+${frameAt.ip}]
      ${load('rcx', region.stubs | 0, -1)}
      cmp rax, rcx
      jb .plain
      ${load('rcx', region.kernel | 0, -1)}
      cmp rax, rcx
      jae .plain
      mov edi, ${property('stale_stub')}
      jmp fail_here
    .plain:
      ${load('rcx', region.code | 0, -1)}
      cmp rax, rcx
      jb .fault
      mov ecx, dword [rax]
      and ecx, 0xffffff
      cmp ecx, 0xe8010f
      jne .fault
      add rax, 3
      mov [rbp+${frameAt.ip}], rax
      ${out}
    .fault:
      mov edi, ${failure.fault + 6}
      jmp fail_here

    // Other exceptions: vector and error code stand on the stack, above the frame.
    fault:
      push rax
      mov rax, [rsp+8]
      mov gs:[me.vector], rax
      mov rax, [rsp+16]
      mov gs:[me.code], rax
      pop rax
      add rsp, 16
      ${saveAll}
      mov rbp, rsp
      mov rdi, gs:[me.vector]
      cmp rdi, 14
      jne fail_fault
      mov rax, cr2
      cmp rax, 0x1000
      jae fail_fault
      mov edi, ${property('nil_access')}
      jmp fail_here
    fail_fault:
      add rdi, ${failure.fault}

    // The first failure of a round ends it. EDI is its kind; RBP stands at what was interrupted, or is 0.
    fail_here:
      cli
      cmp qword [running], 0
      jne .counts
      mov rax, [round]
      cmp rax, 0
      je .boot
    .counts:
      mov eax, 0
      mov ecx, 1
      lock cmpxchg qword [failure], rcx
      jne .parks
      lock inc qword [failures+rdi*8]
      mov rbx, rdi
      add rbx, rbx
      add rbx, rbx
      add rbx, rbx
      add rbx, rbx
      lea rbx, [details+rbx*8]
      cmp qword [rbx], 0
      jne .told
      mov qword [rbx], 1
      mov rax, gs:[me.cpu]
      mov [rbx+8], rax
      mov rax, [round]
      mov [rbx+16], rax
      mov rax, cr2
      mov [rbx+48], rax
      mov rax, gs:[me.code]
      mov [rbx+56], rax
      mov rcx, ${load('rcx', p.places[0]?.from ?? 0, -1).slice(9)}
      mov rax, [rcx]
      mov [rbx+64], rax
      mov rax, [rcx+8]
      mov [rbx+72], rax
      test rbp, rbp
      je .told
      mov rax, [rbp+${frameAt.ip}]
      mov [rbx+24], rax
      mov rax, [rbp+${frameAt.sp}]
      mov [rbx+32], rax
      mov rax, [rbp+${frameAt.flags}]
      mov [rbx+40], rax
    .told:
      mov qword [failure], 2
    .parks:
      mov rax, gs:[me.cpu]
      cmp rax, 0
      je .patcher
      mov rax, failed
      jmp leave_to
    .patcher:
      mov rax, round_end
      jmp leave_to
    .boot:
      mov rsi, text_fault
      call puts
      mov rax, gs:[me.vector]
      call puthex
      mov rax, [rbp+${frameAt.ip}]
      call puthex
      mov eax, ${exitCode.failed}
      jmp exit

    // Until the NMI that ends the round.
    failed:
      pause
      jmp failed

    copy_frame:
      mov ecx, ${160}
    .next:
      sub ecx, 8
      mov rax, [rsi+rcx]
      mov [rdi+rcx], rax
      jne .next
      ret`);
  for (const vector of exceptions) {
    code.add(`exception.${vector}: ${withCode.has(vector) ? '' : 'push 0'}`);
    code.add(`push ${vector}; jmp fault`);
  }
}

/** Exceptions that are none of the handlers' above; those of them with an error code (SDM vol. 3A, table 6-1). */
export const exceptions = [0, 4, 5, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 21] as const;
const withCode = new Set<number>([8, 10, 11, 12, 13, 14, 17, 21]);
