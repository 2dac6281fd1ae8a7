// GNU as and objdump, each asked about thousands of instructions by one process, and objdump's text read back.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  AbstractInsn,
  MemOperand,
  Operand,
  OperandWidth,
} from '../../../compiler/x86/operand.ts';
import { rowsOf } from '../../../compiler/x86/table.ts';
import { registerName } from '../../../compiler/x86/text.ts';

const most = 1 << 30;

/** Of `as` and `objdump`. */
export const binutils =
  / ([\d.]+)$/m.exec(execFileSync('objdump', ['--version'], { encoding: 'utf8' }))?.[1] ?? '';

export function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'suture-bytes-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The bytes of each line by itself, at ascending addresses, or the assembler's error. A line may say `base` for the
 * address 0.
 */
export function assembleEach(
  lines: readonly string[],
  addresses: readonly number[],
  retry = false,
): readonly (Uint8Array | string)[] {
  return inFolder((folder) => {
    const source = lines.map(
      (line, k) =>
        `.org base+${addresses[k]},0xcc\n9: ${line}\n.pushsection .len\n.byte 9f-9b\n.popsection\n9:`,
    );
    const file = join(folder, 'a.s');
    const object = join(folder, 'a.o');
    writeFileSync(
      file,
      `.intel_syntax noprefix\n.section .len,""\n.text\nbase:\n${source.join('\n')}\n`,
    );
    const run = spawnSync('as', ['-o', object, file], { maxBuffer: most, encoding: 'utf8' });
    if (run.status !== 0) {
      const errors = new Map<number, string>();
      for (const m of run.stderr.matchAll(/a\.s:(\d+): Error: (.*)/g)) {
        errors.set(Math.floor((Number(m[1]) - 5) / 6), m[2] ?? '');
      }
      if (errors.size === 0 || retry) throw new Error(run.stderr);
      const good = lines.map((_, k) => k).filter((k) => !errors.has(k));
      const rest = assembleEach(
        good.map((k) => lines[k] ?? ''),
        good.map((k) => addresses[k] ?? 0),
        true,
      );
      const result: (Uint8Array | string)[] = lines.map((_, k) => errors.get(k) ?? '');
      for (const [j, k] of good.entries()) result[k] = rest[j] ?? '';
      return result;
    }
    const section = (name: string): Buffer => {
      const out = join(folder, 'out');
      execFileSync('objcopy', [
        '-O',
        'binary',
        '-j',
        name,
        '--set-section-flags',
        `${name}=alloc`,
        object,
        out,
      ]);
      return readFileSync(out);
    };
    const lengths = section('.len');
    const text = section('.text');
    return lines.map((_, k) => {
      const at = addresses[k] ?? 0;
      return Uint8Array.from(text.subarray(at, at + (lengths[k] ?? 0)));
    });
  });
}

export interface Line {
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

/** What objdump reads at the start of each chunk of `size` bytes. */
export function disassemble(chunks: readonly Uint8Array[], size: number): readonly Line[] {
  return inFolder((folder) => {
    const file = join(folder, 'a.s');
    const object = join(folder, 'a.o');
    // A symbol at each chunk, where objdump begins anew.
    const source = chunks.map((c, k) => {
      const bytes = Array.from({ length: size }, (_, j) => c[j] ?? 0x90);
      return `s${k}: .byte ${bytes.join(',')}`;
    });
    writeFileSync(file, `.text\n${source.join('\n')}\n`);
    execFileSync('as', ['-o', object, file]);
    const out = execFileSync(
      'objdump',
      ['-d', '-z', '-w', '-M', 'intel', '--insn-width=16', object],
      {
        maxBuffer: most,
        encoding: 'latin1',
      },
    );
    const lines: Line[] = [];
    for (const raw of out.split('\n')) {
      const [address, bytes, text] = raw.split('\t');
      if (address === undefined || bytes === undefined || !/^ *[0-9a-f]+:$/.test(address)) continue;
      const at = Number.parseInt(address, 16);
      if (at % size !== 0) continue;
      lines.push({ at, length: bytes.trim().split(' ').length, text: (text ?? '').trim() });
    }
    if (lines.length !== chunks.length) {
      throw new Error(`${lines.length} lines for ${chunks.length} chunks`);
    }
    return lines;
  });
}

const registers = new Map<string, { readonly reg: number; readonly width: OperandWidth }>(
  [2, 4, 8].flatMap((w) =>
    Array.from({ length: 16 }, (_, reg) => {
      const width = w as OperandWidth;
      return [registerName(reg, width), { reg, width }] as const;
    }),
  ),
);

export interface Read {
  /** Words that objdump prints for prefixes that do nothing, or that it does not know better. */
  readonly prefixes: readonly string[];
  readonly insn: AbstractInsn;
}

/** objdump's text as an instruction, undefined where it has operands or a mnemonic that we do not know. */
export function read(text: string): Read | undefined {
  const words = text
    .replace(/ *#.*$/, '')
    .replace(/ *<.*>/, '')
    .split(/ +/);
  const prefixes: string[] = [];
  let lock = '';
  while (
    words[0] !== undefined &&
    /^(rex|rex\.[WRXB]+|data16|addr32|[cdefgs]s|repn?z|notrack|bnd|xacquire|xrelease|lock)$/.test(
      words[0],
    )
  ) {
    const word = words.shift() ?? '';
    if (word === 'lock') lock = 'lock ';
    else prefixes.push(word);
  }
  let mnemonic = (words.shift() ?? '').replace(/,p[nt]$/, (hint) => {
    prefixes.push(hint);
    return '';
  });
  const rest = words.join(' ');
  mnemonic =
    ({ movabs: 'mov', pushf: 'pushfq', popf: 'popfq' } as const)[mnemonic as 'movabs'] ?? mnemonic;
  if (mnemonic === 'xchg' && rest === 'ax,ax') {
    return { prefixes, insn: { mnemonic: 'nop', operands: [{ kind: 'imm', value: 2n }] } };
  }
  const known = rowsOf.get(lock + mnemonic);
  if (!known) return;
  mnemonic = known[0]?.form.mnemonic ?? mnemonic;
  const branch = mnemonic === 'call' || mnemonic.startsWith('j');
  const operands: Operand[] = [];
  for (const part of rest === '' ? [] : rest.split(',')) {
    const operand = readOperand(part, branch);
    if (!operand) return;
    operands.push(operand);
  }
  return { prefixes, insn: { mnemonic, operands } };
}

function readOperand(text: string, branch: boolean): Operand | undefined {
  const register = registers.get(text);
  if (register) return { kind: 'reg', ...register };
  if (branch && /^(0x)?[0-9a-f]+$/.test(text)) {
    const value = BigInt(text.startsWith('0x') ? text : `0x${text}`);
    return { kind: 'target', address: Number(BigInt.asIntN(64, value)) };
  }
  if (/^0x[0-9a-f]+$/.test(text)) return { kind: 'imm', value: BigInt(text) };
  const memory = /^(?:(WORD|DWORD|QWORD) PTR )?(?:([cdefgs]s):)?(?:\[(.*)\]|(0x[0-9a-f]+))$/.exec(
    text,
  );
  if (!memory) return;
  const [, size, segment, inside, absolute] = memory;
  if (segment !== undefined && segment !== 'gs' && !(segment === 'ds' && absolute)) return;
  let base: MemOperand['base'];
  let index: number | undefined;
  let scale: MemOperand['scale'];
  let disp = 0n;
  for (const [, sign, term] of (inside ?? absolute ?? '').matchAll(/([+-]?)([^+-]+)/g)) {
    if (term === undefined) return;
    const [name, factor] = term.split('*');
    const known = registers.get(name ?? '');
    if (/^0x/.test(term)) disp += sign === '-' ? -BigInt(term) : BigInt(term);
    else if (term === 'rip') base = 'rip';
    else if (name === 'riz') continue;
    else if (known?.width !== 8) return;
    else if (factor === undefined) base = known.reg;
    else {
      index = known.reg;
      scale = Number(factor) as 1 | 2 | 4 | 8;
    }
  }
  return {
    kind: 'mem',
    disp: Number(BigInt.asIntN(64, disp)),
    ...(base === undefined ? {} : { base }),
    ...(index === undefined ? {} : { index, scale: scale ?? 1 }),
    ...(segment === 'gs' ? { seg: 'gs' as const } : {}),
    ...(size ? { width: ({ WORD: 2, DWORD: 4, QWORD: 8 } as const)[size as 'WORD'] } : {}),
  };
}
