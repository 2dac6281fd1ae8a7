// Runs single instructions on the processor of this machine, each from given registers, flags and memory.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../bytes/gnu.ts';

/** Where a case finds its memory: 8 words; and its stack: RSP points at the third of 4 words behind. */
export const block = { size: 256, memory: 152, stack: 216, rsp: 232 } as const;
const blocks = 0x10000000;
const codes = 0x20000000;
const codeSize = 32;
export const blockAt = (k: number): number => blocks + k * block.size;
export const codeAt = (k: number): number => codes + k * codeSize;

export interface State {
  readonly flags: bigint;
  /** By the manual's number; that of RSP is the address in the case's own stack. */
  readonly registers: readonly bigint[];
  readonly memory: readonly bigint[];
  readonly stack: readonly bigint[];
}

// The block of a case, before and after: flags, 15 registers without RSP, RSP, unused, memory, stack.
const order = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** `code[k]` runs from `before[k]`, and what stands behind it goes on to the next case. */
export function runAll(code: readonly Uint8Array[], before: readonly State[]): readonly State[] {
  return inFolder((folder) => {
    const data = Buffer.alloc(before.length * block.size);
    const text = Buffer.alloc(before.length * codeSize, 0xcc);
    for (const [k, state] of before.entries()) {
      const at = k * block.size;
      const put = (offset: number, value: bigint): void => {
        data.writeBigUInt64LE(BigInt.asUintN(64, value), at + offset);
      };
      put(0, state.flags);
      order.forEach((r, j) => {
        put(8 + 8 * j, state.registers[r] ?? 0n);
      });
      put(128, state.registers[4] ?? 0n);
      state.memory.forEach((v, j) => {
        put(block.memory + 8 * j, v);
      });
      state.stack.forEach((v, j) => {
        put(block.stack + 8 * j, v);
      });
      const bytes = code[k] ?? new Uint8Array();
      // jmp [back]
      const jump = [0xff, 0x24, 0x25, 0x00, 0x00, 0x00, 0x30];
      if (bytes.length + jump.length > codeSize) throw new Error('the code of a case is too long');
      text.set([...bytes, ...jump], k * codeSize);
    }
    writeFileSync(join(folder, 'data'), data);
    writeFileSync(join(folder, 'code'), text);
    const names = order.map(
      (r) => ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'][r] ?? `r${r}`,
    );
    writeFileSync(
      join(folder, 'a.s'),
      `.intel_syntax noprefix
.section .blocks,"aw"
.incbin "data"
end:
.section .codes,"ax"
.incbin "code"
.section .vars,"aw"
back: .quad done
block: .quad ${blocks}
go: .quad ${codes}
saved: .quad 0
.text
.globl _start
_start:
next:
  mov rsp, [block]
  popfq
${names.map((n) => `  pop ${n}`).join('\n')}
  mov rsp, [rsp]
  jmp [go]
done:
  mov [saved], rsp
  mov rsp, [block]
  lea rsp, [rsp+128]
${[...names]
  .reverse()
  .map((n) => `  push ${n}`)
  .join('\n')}
  pushfq
  mov rax, [block]
  mov rbx, [saved]
  mov [rax+128], rbx
  add rax, ${block.size}
  mov [block], rax
  add qword ptr [go], ${codeSize}
  mov rbx, offset end
  cmp rax, rbx
  jne next
  mov eax, 1
  mov edi, 1
  mov rsi, ${blocks}
  mov rdx, ${data.length}
  mov rbp, rdx
write:
  mov eax, 1
  syscall
  test rax, rax
  jle out
  add rsi, rax
  sub rbp, rax
  mov rdx, rbp
  jnz write
out:
  mov eax, 60
  xor edi, edi
  syscall
`,
    );
    execFileSync('as', ['-o', 'a.o', 'a.s'], { cwd: folder });
    const section = (name: string, at: number): string =>
      `--section-start=${name}=0x${at.toString(16)}`;
    execFileSync(
      'ld',
      [
        '-static',
        section('.blocks', blocks),
        section('.codes', codes),
        section('.vars', 0x30000000),
        '-o',
        'a',
        'a.o',
      ],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    execFileSync('sh', ['-c', './a > out'], { cwd: folder });
    const out = readFileSync(join(folder, 'out'));
    if (out.length !== data.length)
      throw new Error(`${out.length} bytes came back of ${data.length}`);
    return before.map((_, k): State => {
      const at = k * block.size;
      const get = (offset: number): bigint => out.readBigUInt64LE(at + offset);
      const registers: bigint[] = [];
      order.forEach((r, j) => {
        registers[r] = get(8 + 8 * j);
      });
      registers[4] = get(128);
      return {
        flags: get(0),
        registers,
        memory: Array.from({ length: 8 }, (_, j) => get(block.memory + 8 * j)),
        stack: Array.from({ length: 4 }, (_, j) => get(block.stack + 8 * j)),
      };
    });
  });
}
