// Asks nasm and ndisasm about thousands of instructions by one process each, and reads their text back.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  OperandWidth,
} from '../../../compiler/x86/operand.ts';
import { rowsOf } from '../../../compiler/x86/table.ts';
import { registerName, registerOf } from '../../../compiler/x86/text.ts';
import { inFolder } from './gnu.ts';

const most = 1 << 30;
const sizes = { 2: 'word', 4: 'dword', 8: 'qword' } as const;

export const version =
  /version (\S+)/.exec(execFileSync('nasm', ['-v'], { encoding: 'utf8' }))?.[1] ?? '';

/** The text as nasm takes it; `end` is the address behind the instruction, which nasm counts RIP-relative memory from. */
export function nasmText(insn: AbstractInsn, end: number): string {
  const size = (w: OperandWidth | undefined): string => (w === undefined ? '' : `${sizes[w]} `);
  const hex = (v: number): string => (v < 0 ? `-0x${(-v).toString(16)}` : `0x${v.toString(16)}`);
  const memory = (m: MemOperand): string => {
    const segment = m.seg ? 'gs:' : '';
    if (m.base === 'rip') return `[rel ${segment}base+${hex(end + m.disp)}]`;
    const parts = [
      ...(m.base === undefined ? [] : [registerName(m.base, 8)]),
      ...(m.index === undefined ? [] : [`${registerName(m.index, 8)}*${m.scale ?? 1}`]),
    ];
    // Without `nosplit`, an index alone with a scale of 2 becomes a base and an index.
    if (parts.length === 0) return `[abs ${segment}${hex(m.disp)}]`;
    return `[${m.base === undefined ? 'nosplit ' : ''}${segment}${parts.join('+')}+${hex(m.disp)}]`;
  };
  const operands = insn.operands.map((o): string => {
    switch (o.kind) {
      case 'reg':
        return registerName(o.reg, o.width);
      case 'imm':
        return `${o.value}`;
      case 'target':
        return `base+${hex(o.address)}`;
      case 'mem':
        return `${insn.mnemonic === 'lea' ? '' : size(o.width)}${memory(o)}`;
      default:
        throw new Error(o.kind);
    }
  });
  return `${insn.mnemonic} ${operands.join(', ')}`;
}

/** The bytes of each line by itself at `k * size`, or the assembler's error. `base` stands for the address 0. */
export function nasmEach(lines: readonly string[], size: number): readonly (Uint8Array | string)[] {
  return inFolder((folder) => {
    const run = (given: readonly string[]): Buffer | Map<number, string> => {
      const file = join(folder, 'a.asm');
      const out = join(folder, 'a.bin');
      const each = given.map(
        (line, k) => `times ${k * size}-($-$$) db 0xcc\nfrom${k}: ${line}\nto${k}:`,
      );
      // The lengths stand behind them all.
      const lengths = given.map((_, k) => `db to${k}-from${k}`);
      writeFileSync(
        file,
        `bits 64\ndefault abs\nbase:\n${each.join('\n')}\ntimes ${given.length * size}-($-$$) db 0xcc\n${lengths.join('\n')}\n`,
      );
      try {
        execFileSync('nasm', ['-w-all', '-f', 'bin', '-o', out, file], {
          maxBuffer: most,
          encoding: 'utf8',
          stdio: 'pipe',
        });
      } catch (error) {
        const errors = new Map<number, string>();
        for (const m of (error as { stderr: string }).stderr.matchAll(/a\.asm:(\d+): error: (.*)/g))
          errors.set(Math.floor((Number(m[1]) - 5) / 3), m[2] ?? '');
        if (errors.size === 0) throw error;
        return errors;
      }
      return readFileSync(out);
    };
    let errors = new Map<number, string>();
    let done = run(lines);
    if (!Buffer.isBuffer(done)) {
      errors = done;
      done = run(lines.map((l, k) => (errors.has(k) ? '' : l)));
    }
    if (!Buffer.isBuffer(done)) throw new Error([...done.values()].slice(0, 5).join('\n'));
    const bytes = done;
    return lines.map((_, k) => {
      const length = bytes[lines.length * size + k] ?? 0;
      return errors.get(k) ?? Uint8Array.from(bytes.subarray(k * size, k * size + length));
    });
  });
}

export interface Disassembled {
  readonly length: number;
  readonly text: string;
}

/** What ndisasm reads at the start of each chunk. NOPs behind them make it begin anew. */
export function ndisasmEach(chunks: readonly Uint8Array[]): readonly Disassembled[] {
  return inFolder((folder) => {
    const room = 48;
    const file = join(folder, 'a.bin');
    const all = Buffer.alloc(chunks.length * room, 0x90);
    for (const [k, c] of chunks.entries()) all.set(c, k * room);
    writeFileSync(file, all);
    const out = execFileSync('ndisasm', ['-b64', file], { maxBuffer: most, encoding: 'latin1' });
    const found: Disassembled[] = [];
    let last: { length: number; text: string } | undefined;
    for (const line of out.split('\n')) {
      const more = /^ +-([0-9A-F]+)$/.exec(line);
      if (more && last) last.length += (more[1] ?? '').length / 2;
      const first = /^([0-9A-F]{8}) {2}([0-9A-F]+) +(.*)$/.exec(line);
      if (!first) continue;
      last = { length: (first[2] ?? '').length / 2, text: (first[3] ?? '').trim() };
      const at = Number.parseInt(first[1] ?? '', 16);
      if (at % room === 0) found[at / room] = last;
    }
    return chunks.map((_, k) => found[k] ?? { length: 0, text: '' });
  });
}

/** ndisasm's text, of an instruction at `at`, as one of ours; undefined where it has a mnemonic or operands that we do not know. */
export function readNdisasm({ length, text }: Disassembled, at: number): AbstractInsn | undefined {
  // A REX.W that changes nothing is said before the name.
  const words = /^(?:o64 )?((?:lock )?)(\S+) ?(.*)$/.exec(text);
  if (!words) return undefined;
  const name = ({ pushf: 'pushfq', popf: 'popfq', retq: 'ret' } as const)[words[2] as 'retq'];
  const known = rowsOf.get(`${words[1]}${name ?? words[2]}`);
  if (!known) return undefined;
  const mnemonic = known[0]?.form.mnemonic ?? '';
  if (/^xchg (ax,ax|rax,rax)$/.test(text) && length === 2) return { mnemonic: 'nop', operands: [] };
  const rest = (words[3] ?? '').replace(/^(short|near) /, '');
  const operands: Operand[] = [];
  for (const part of rest === '' ? [] : rest.split(',')) {
    const sized = /^(?:(byte|word|dword|qword) )?(.*)$/.exec(part);
    const [, size, inner = ''] = sized ?? [];
    const register = registerOf(inner) ?? register16(inner);
    const number = /^([+-]?)(0x[0-9a-f]+)$/.exec(inner);
    if (register) operands.push({ kind: 'reg', ...register });
    else if (number) {
      const value = number[1] === '-' ? -BigInt(number[2] ?? '') : BigInt(number[2] ?? '');
      operands.push(
        /^(call|j)/.test(mnemonic)
          ? { kind: 'target', address: Number(BigInt.asIntN(64, value)) }
          : { kind: 'imm', value },
      );
    } else {
      const m = readMemory(inner, at + length);
      if (!m) return undefined;
      const width =
        size === undefined ? undefined : ({ word: 2, dword: 4, qword: 8 } as const)[size as 'word'];
      operands.push(width === undefined ? m : { ...m, width });
    }
  }
  return { mnemonic, operands };
}

/** Only NOP has such a register. */
function register16(name: string): { reg: number; width: OperandWidth } | undefined {
  const reg = Array.from({ length: 16 }, (_, r) => registerName(r, 2)).indexOf(name);
  return reg < 0 ? undefined : { reg, width: 2 };
}

function readMemory(text: string, next: number): MemOperand | undefined {
  const inside = /^\[(rel )?(gs:)?(?:qword )?(.*)\]$/.exec(text);
  if (!inside) return undefined;
  const [, rel, gs, sum = ''] = inside;
  let base: MemOperand['base'];
  let index: number | undefined;
  let scale: MemOperand['scale'];
  let disp = 0n;
  for (const [, sign, term = ''] of sum.matchAll(/([+-]?)([^+-]+)/g)) {
    const [name = '', factor] = term.split('*');
    const known = registerOf(name);
    if (/^0x/.test(term)) disp += sign === '-' ? -BigInt(term) : BigInt(term);
    else if (known?.width !== 8) return undefined;
    else if (factor !== undefined || base !== undefined) {
      index = known.reg;
      scale = Number(factor ?? 1) as 1 | 2 | 4 | 8;
    } else base = known.reg;
  }
  const signed = Number(BigInt.asIntN(64, disp));
  return {
    kind: 'mem',
    disp: rel ? signed - next : signed,
    ...(rel ? { base: 'rip' as const } : base === undefined ? {} : { base }),
    ...(index === undefined ? {} : { index, scale: scale ?? 1 }),
    ...(gs ? { seg: 'gs' as const } : {}),
  };
}
