// Instructions that an image needs and the subset has not: the manual's text of each, with its bytes.

/** What stands behind the bytes: an address of 16 or 32 bits, or a 32-bit offset with its selector. */
export type Tail = 'abs16' | 'abs32' | 'far32';

export interface Beyond {
  /** The mode of the processor in which it is executed. */
  readonly bits: 16 | 32 | 64;
  /** As the manual has it; `@` stands for the tail. */
  readonly text: string;
  readonly bytes: readonly number[];
  readonly tail?: Tail;
}

const b = (bits: Beyond['bits'], text: string, bytes: string, tail?: Tail): Beyond => ({
  bits,
  text,
  bytes: bytes.split(' ').map((x) => Number.parseInt(x, 16)),
  ...(tail ? { tail } : {}),
});

// biome-ignore format: one line each
export const beyond: readonly Beyond[] = [
  // From reset to 64 bits (SDM vol. 3A, 9.9.1, 10.8.5). In 32-bit mode `mov r32, imm32`, `or` and `and` of EAX have
  // the bytes that they have in 64-bit mode.
  b(16, 'lgdt [@]', '66 0f 01 16', 'abs16'),
  b(16, 'mov eax, cr0', '0f 20 c0'),
  b(16, 'or al, 0x1', '0c 01'),
  b(16, 'mov cr0, eax', '0f 22 c0'),
  b(16, 'jmp far @', '66 ea', 'far32'),
  b(32, 'lgdt [@]', '0f 01 15', 'abs32'),
  b(32, 'jmp far @', 'ea', 'far32'),
  b(32, 'mov ds, eax', '8e d8'),
  b(32, 'mov es, eax', '8e c0'),
  b(32, 'mov ss, eax', '8e d0'),
  b(32, 'mov eax, cr0', '0f 20 c0'),
  b(32, 'mov cr0, eax', '0f 22 c0'),
  b(32, 'mov cr3, eax', '0f 22 d8'),
  b(32, 'mov eax, cr4', '0f 20 e0'),
  b(32, 'mov cr4, eax', '0f 22 e0'),
  b(32, 'rdmsr', '0f 32'),
  b(32, 'wrmsr', '0f 30'),
  // Tables, task register, model-specific and debug registers.
  b(64, 'lidt [@]', '0f 01 1c 25', 'abs32'),
  b(64, 'ltr ax', '0f 00 d8'),
  b(64, 'wrmsr', '0f 30'),
  b(64, 'mov dr0, rax', '0f 23 c0'),
  b(64, 'mov dr1, rax', '0f 23 c8'),
  b(64, 'mov dr2, rax', '0f 23 d0'),
  b(64, 'mov dr3, rax', '0f 23 d8'),
  b(64, 'mov dr7, rax', '0f 23 f8'),
  b(64, 'mov rax, cr2', '0f 20 d0'),
  // Ports: the serial line, the interrupt controllers, the exit.
  b(64, 'out dx, al', 'ee'),
  b(64, 'out dx, eax', 'ef'),
  b(64, 'in al, dx', 'ec'),
  // Plain ones.
  b(64, 'rdtsc', '0f 31'),
  b(64, 'shl rdx, 0x20', '48 c1 e2 20'),
  b(64, 'shr rax, 0x21', '48 c1 e8 21'),
  b(64, 'shr rax, 0x4', '48 c1 e8 04'),
  b(64, 'imul rax, rcx', '48 0f af c1'),
  b(64, 'div rcx', '48 f7 f1'),
  b(64, 'mov [rdi], al', '88 07'),
  b(64, 'mov [rdi], ax', '66 89 07'),
  b(64, 'call rax', 'ff d0'),
];
