// The instructions that an image has beyond the subset: objdump reads from the bytes what the table says.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Code } from '../../../compiler/image/assembly.ts';
import { type Beyond, beyond } from '../../../compiler/image/beyond.ts';
import { inFolder } from '../bytes/gnu.ts';

const machine = { 16: 'i8086', 32: 'i386', 64: 'i386:x86-64' } as const;
/** What stands in the place of `@`, and how objdump says it. */
const tails = {
  abs16: { bytes: [0x34, 0x12], text: '0x1234' },
  abs32: { bytes: [0x78, 0x56, 0x34, 0x12], text: '0x12345678' },
  far32: { bytes: [0x78, 0x56, 0x34, 0x12, 0x10, 0x00], text: '0x10:0x12345678' },
} as const;

/** Without the words that objdump adds: widths, the segment, the suffix of a wide form. */
const plain = (text: string): string =>
  text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/(BYTE|WORD|DWORD|QWORD) PTR /g, '')
    .replace(/\bds:(\[?)(0x[0-9a-f]+)(\]?)/, '[$2]')
    .replace(/^(lgdt)d/, '$1')
    .replace(/^jmp 0x/, 'jmp far 0x')
    .replace(/,/g, ', ');

/** Bytes read and text of the first instruction. */
function read(bytes: ArrayLike<number>, bits: Beyond['bits']): readonly [number, string] {
  const line = inFolder((folder) => {
    const file = join(folder, 'code');
    writeFileSync(file, Uint8Array.from(bytes));
    const flags = ['-D', '-b', 'binary', '-m', machine[bits], '-M', 'intel', '-w'];
    return execFileSync('objdump', [...flags, file], { encoding: 'utf8' });
  });
  const [, bytesRead = '', text = ''] = /^\s*0:\t([0-9a-f ]+?)\s*\t(.*)$/m.exec(line) ?? [];
  return [bytesRead.split(' ').length, plain(text)];
}

test.each(beyond.map((row) => [`${row.bits} ${row.text}`, row] as const))('%s', (_, row) => {
  const tail = row.tail ? tails[row.tail] : undefined;
  const bytes = [...row.bytes, ...(tail?.bytes ?? [])];
  const text = row.text.replace('@', tail?.text ?? '').replace(/,\s*/g, ', ');
  expect(read(bytes, row.bits)).toEqual([bytes.length, text]);
});

test.each(['mov eax, 0x18', 'mov ecx, 0xc0000080', 'or eax, 0x20', 'and eax, 0x9fffffff'])(
  '%s has the bytes in 32-bit mode that it has in 64-bit mode',
  (text) => {
    const code = new Code(new Map());
    code.add(text);
    const { bytes } = code.assemble(0);
    expect(read(bytes, 32)).toEqual([bytes.length, text]);
    expect(read(bytes, 64)).toEqual([bytes.length, text]);
  },
);
