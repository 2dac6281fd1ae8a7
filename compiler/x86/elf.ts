// The container of an image: an ELF file of 32 bits with one segment, as multiboot loaders take it.

import { join } from './assemble.ts';

/** One run of memory: its bytes, and zeros behind them up to `size`. */
export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** Bytes in front of the segment; a multiboot header must stand in the file's first 8192 (Multiboot 0.6.96, 3.1). */
const ahead = 0x1000;
const headerBytes = 52;
const programHeaderBytes = 32;

/** An executable for the 386, for a multiboot loader enters in protected mode (System V ABI, chapters 4 and 5). */
export function elf32(segment: Segment, entry: number): Uint8Array {
  const head = new Uint8Array(ahead);
  const view = new DataView(head.buffer);
  head.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]); // e_ident: 32 bits, little endian, version 1
  const half = (at: number, value: number): void => view.setUint16(at, value, true);
  const word = (at: number, value: number): void => view.setUint32(at, value, true);
  half(16, 2); // e_type: ET_EXEC
  half(18, 3); // e_machine: EM_386
  word(20, 1); // e_version
  word(24, entry); // e_entry
  word(28, headerBytes); // e_phoff
  half(40, headerBytes); // e_ehsize
  half(42, programHeaderBytes); // e_phentsize
  half(44, 1); // e_phnum
  const at = headerBytes;
  word(at, 1); // p_type: PT_LOAD
  word(at + 4, ahead); // p_offset
  word(at + 8, segment.address); // p_vaddr
  word(at + 12, segment.address); // p_paddr
  word(at + 16, segment.bytes.length); // p_filesz
  word(at + 20, segment.size); // p_memsz
  word(at + 24, 7); // p_flags: read, write, execute
  word(at + 28, 0x1000); // p_align
  return join([head, segment.bytes]);
}
