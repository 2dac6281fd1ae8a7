// From the multiboot loader to every CPU in 64-bit mode, with its tables: what stands before the experiment.

import { Code } from './assembly.ts';
import type { Memory } from './memory.ts';

/** Selectors; those of code and stack are the ones that the model's frames hold. */
export const selector = { code32: 0x08, code: 0x10, stack: 0x18, task: 0x20 } as const;
/** Where the other CPUs start: page 8, by the start-up IPI's vector. */
const startPage = 8;
export const ports = { serial: 0x3f8, exit: 0xf4 } as const;
/** Exits of the image: what QEMU's debug exit makes of them is twice as much and one. */
export const exitCode = { done: 0, failed: 1 } as const;
const istBytes = 0x4000;
export const parkBytes = 0x4000;
/** Interrupt stacks in the task state segment: of faults, of #BP and of NMIs where they have their own. */
const ists = 3;

/** Code that each CPU runs first in 64-bit mode, and the parts that all images have: the serial line, the exit. */
export function boot64(code: Code, cpus: number, breakpoints: readonly number[]): void {
  code.add(`
    start64:
      mov eax, 1
      lock xadd qword [cpus_started], rax
      mov r12, rax
      cmp r12, ${cpus}
      jb .wanted
    .surplus:
      cli
      hlt
      jmp .surplus
    .wanted:
      mov rsp, [park_stacks+r12*8]
      mov rax, [gs_bases+r12*8]
      mov edx, 0xffffffff
      mov ecx, 0xc0000101
      wrmsr
      mov rax, [gs_bases+r12*8]
      mov gs:[me.base], rax
      mov gs:[me.cpu], r12
      mov rax, [seeds+r12*8]
      mov gs:[me.random], rax
      lidt [idtr]
      mov rax, [task_selectors+r12*8]
      ltr ax
      mov edx, 0xfee00000
      mov eax, dword [rdx+0x20]
      mov gs:[me.apic], rax
      mov qword [apic_ids+r12*8], rax
      mov dword [rdx+0xf0], 0x1ff`);
  breakpoints.forEach((address, i) => {
    code.add(`mov rax, ${address}; mov dr${i}, rax`);
  });
  // Local, on execution, one byte (SDM vol. 3B, 17.2.4).
  const enabled = breakpoints.reduce((bits, _, i) => bits | (1 << (2 * i)), 0x400);
  code.add(`
      mov eax, ${enabled}
      mov dr7, rax
      cmp r12, 0
      jne park
      jmp main

    // The old interrupt controllers are silenced; the other CPUs start: INIT, then start-up (SDM vol. 3A, 8.4.4).
    start_cpus:
      mov eax, 0xff
      mov edx, 0x21
      out dx, al
      mov edx, 0xa1
      out dx, al
      mov rcx, trampoline
      mov edi, ${startPage << 12}
    .copy:
      mov rax, [rcx]
      mov [rdi], rax
      add rcx, 8
      add rdi, 8
      cmp rcx, trampoline_end
      jb .copy
      mov edx, 0xfee00000
      mov dword [rdx+0x300], 0xc4500
      mov ecx, 100000
    .settle:
      pause
      dec ecx
      jne .settle
      mov dword [rdx+0x300], ${0xc4600 | startPage}
      call clock
      mov rbx, rax
    .started:
      pause
      cmp qword [cpus_started], ${cpus}
      jae .all
      call clock
      sub rax, rbx
      mov rcx, 40000000000
      cmp rax, rcx
      jb .started
      mov rsi, text_cpus
      call puts
      mov eax, ${exitCode.failed}
      jmp exit
    .all:
      ret

    // The time stamp counter in RAX.
    clock:
      push rdx
      rdtsc
      shl rdx, 0x20
      or rax, rdx
      pop rdx
      ret

    // The character in AL to the serial line, when it is ready.
    putc:
      push rdx
      push rax
      mov edx, ${ports.serial + 5}
    .ready:
      in al, dx
      test eax, 0x20
      je .ready
      pop rax
      mov edx, ${ports.serial}
      out dx, al
      pop rdx
      ret

    // The text at RSI, up to its 0.
    puts:
      mov eax, dword [rsi]
      and eax, 0xff
      je .end
      call putc
      inc rsi
      jmp puts
    .end:
      ret

    // A blank, and RAX in 16 hexadecimal digits.
    puthex:
      push rbx
      push rcx
      push rax
      mov eax, 0x20
      call putc
      mov ecx, 8
    .byte:
      mov ebx, dword [rsp+rcx-1]
      and ebx, 0xff
      mov eax, dword [hex_digits+rbx*2]
      call putc
      mov eax, dword [hex_digits+rbx*2+1]
      call putc
      dec ecx
      jne .byte
      pop rax
      pop rcx
      pop rbx
      ret

    // Ends the machine with the code in EAX.
    exit:
      mov edx, ${ports.exit}
      out dx, eax
    .off:
      cli
      hlt
      jmp .off`);
}

const little = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

/** A gate of the interrupt descriptor table (SDM vol. 3A, 6.14.1). */
export interface Gate {
  readonly vector: number;
  readonly entry: number;
  /** A trap gate leaves IF alone. */
  readonly trap?: boolean;
  /** Its stack in the task state segment, 0 if it has none. */
  readonly ist?: number;
}

/** What the assembly needs by name before it is laid out. */
export function bootRoom(memory: Memory, cpus: number): void {
  memory.take('boot', 0x400);
  memory.take('trampoline', 64);
  memory.symbols.set('trampoline_end', (memory.symbols.get('trampoline') as number) + 64);
  memory.take('gdt', selector.task + 16 * cpus);
  memory.take('gdtr', 16);
  memory.take('idt', 256 * 16);
  memory.take('idtr', 16);
  memory.take('tss', 128 * cpus);
  memory.take('hex_digits', 514);
  memory.take('text_cpus', 32);
  for (const table of ['park_stacks', 'gs_bases', 'task_selectors', 'seeds'])
    memory.take(table, 8 * cpus);
  memory.takeZero('cpus_started', 8);
  memory.takeZero('apic_ids', 8 * cpus);
  memory.takeZero('ist_stacks', istBytes * ists * cpus, 4096);
  memory.takeZero('park_room', parkBytes * cpus, 4096);
}

/** Tables, and the code before 64-bit mode. */
export function bootTables(
  memory: Memory,
  cpus: number,
  gates: readonly Gate[],
  gsBase: (cpu: number) => number,
): number {
  const { symbols } = memory;
  const at = (name: string): number => symbols.get(name) as number;
  const gdt = at('gdt');
  memory.word(gdt + selector.code32, 0x00cf9a000000ffffn);
  memory.word(gdt + selector.code, 0x00af9a000000ffffn);
  memory.word(gdt + selector.stack, 0x00cf92000000ffffn);
  for (let cpu = 0; cpu < cpus; cpu++) {
    const tss = at('tss') + 128 * cpu;
    const base = BigInt(tss);
    const low =
      103n | ((base & 0xffffffn) << 16n) | (0x89n << 40n) | (((base >> 24n) & 0xffn) << 56n);
    memory.word(gdt + selector.task + 16 * cpu, low);
    memory.word(gdt + selector.task + 16 * cpu + 8, 0n);
    // IST1 to IST3 (SDM vol. 3A, 7.7); the tops are multiples of 16.
    for (let ist = 1; ist <= ists; ist++)
      memory.word(tss + 36 + 8 * (ist - 1), at('ist_stacks') + istBytes * (cpu * ists + ist));
    memory.write(tss + 102, [104, 0]);
    memory.word(at('park_stacks') + 8 * cpu, at('park_room') + parkBytes * (cpu + 1));
    memory.word(at('gs_bases') + 8 * cpu, gsBase(cpu));
    memory.word(at('task_selectors') + 8 * cpu, selector.task + 16 * cpu);
    memory.word(at('seeds') + 8 * cpu, 0x9e3779b97f4a7c15n * BigInt(cpu + 1));
  }
  memory.write(at('gdtr'), [
    ...little(BigInt(selector.task + 16 * cpus - 1), 2),
    ...little(BigInt(gdt), 8),
  ]);
  memory.write(at('idtr'), [...little(256n * 16n - 1n, 2), ...little(BigInt(at('idt')), 8)]);
  for (const gate of gates) {
    const to = at('idt') + 16 * gate.vector;
    const entry = BigInt(gate.entry);
    const type = gate.trap ? 0x8fn : 0x8en;
    memory.word(
      to,
      (entry & 0xffffn) |
        (BigInt(selector.code) << 16n) |
        (BigInt(gate.ist ?? 0) << 32n) |
        (type << 40n) |
        (((entry >> 16n) & 0xffffn) << 48n),
    );
    memory.word(to + 8, entry >> 32n);
  }
  const digits = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0')).join('');
  memory.write(at('hex_digits'), ascii(digits));
  memory.write(at('text_cpus'), ascii('some CPU did not start\n'));

  const boot = new Code(symbols);
  // The multiboot header: magic, flags, checksum (Multiboot 0.6.96, 3.1).
  boot.data(
    Uint8Array.from([...little(0x1badb002n, 4), 0, 0, 0, 0, ...little(0xe4524ffen, 4)]),
    'header',
  );
  boot.bits = 32;
  boot.add(`
    entry32:
      cli
      lgdt [gdtr]
    start32:
      mov eax, ${selector.stack}
      mov ds, eax
      mov es, eax
      mov ss, eax
      mov eax, cr4
      or eax, 0x20
      mov cr4, eax
      mov eax, pml4
      mov cr3, eax
      mov ecx, 0xc0000080
      rdmsr
      or eax, 0x100
      wrmsr
      mov eax, cr0
      and eax, 0x9fffffff
      or eax, 0x80000001
      mov cr0, eax
      jmp far ${selector.code}:start64`);
  const made = boot.assemble(at('boot'));
  memory.write(made.base, made.bytes);
  const start32 = made.labels.get('start32') as number;

  // What is copied to the start page: 16-bit code, and the table's register behind it.
  const page = startPage << 12;
  const start = new Code(new Map([...symbols, ['start32', start32], ['gdtr16', page + 48]]));
  start.bits = 16;
  start.add(
    `cli; lgdt [gdtr16]; mov eax, cr0; or al, 0x1; mov cr0, eax; jmp far ${selector.code32}:start32`,
  );
  memory.write(at('trampoline'), start.assemble(page).bytes);
  memory.write(at('trampoline') + 48, memory.read(at('gdtr'), 10));
  return made.labels.get('entry32') as number;
}

export const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));
