// Change one line of the encoder or of an instruction's step, in a copy, and somebody else notices: that the judges can fail.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgedBy } from '../row.ts';

const root = resolve(import.meta.dirname, '../../..');

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
const m = (name: string, file: string, from: string, to: string): Mutant => ({
  name,
  file: `compiler/${file}`,
  from,
  to,
});

/** Caught by a disassembler that reads the bytes. */
const encoder: readonly Mutant[] = [
  m(
    'REX.R stands for the index',
    'x86/encode.ts',
    '(((parts.reg ?? 0) >> 3) << 2)',
    '(((parts.reg ?? 0) >> 3) << 1)',
  ),
  m('REX.X is forgotten', 'x86/encode.ts', '((index >> 3) << 1) |', '0 |'),
  m(
    'a branch counts from its own address',
    'x86/encode.ts',
    'const distance = tail.value - BigInt(at + bytes.length + width);',
    'const distance = tail.value - BigInt(at);',
  ),
  m(
    'a displacement of a branch is one too large',
    'x86/encode.ts',
    '    write(bytes, distance, width);',
    '    write(bytes, distance + 1n, width);',
  ),
  m(
    'RBP has a form without displacement',
    'x86/encode.ts',
    'disp === 0 && (base & 7) !== 5 ? 0',
    'disp === 0 ? 0',
  ),
  m(
    'RSP needs no SIB',
    'x86/encode.ts',
    'if (index !== undefined || (base & 7) === 4) {',
    'if (index !== undefined) {',
  ),
  m(
    'an address without a base is relative to RIP',
    'x86/encode.ts',
    '    modrm(0, 4);\n    bytes.push(sib | (((index ?? 4) & 7) << 3) | 5);\n',
    '    modrm(0, 5);\n',
  ),
  m(
    'the scale is one step too large',
    'x86/encode.ts',
    'indexOf(String(m.scale ?? 1)) << 6',
    'indexOf(String(m.scale ?? 1)) << 7',
  ),
  m(
    'GS is FS',
    'x86/encode.ts',
    'if (parts.memory?.seg) bytes.push(0x65);',
    'if (parts.memory?.seg) bytes.push(0x64);',
  ),
  m('a prefix is forgotten', 'x86/encode.ts', '  bytes.push(...form.prefixes);\n', ''),
  m('a condition is its opposite', 'x86/table.ts', 'hex(0x70 + code)', 'hex(0x70 + (code ^ 1))'),
  m(
    'SUB is encoded as XOR',
    'x86/table.ts',
    "sub: [...arithmetic('sub', 5, difference)",
    "sub: [...arithmetic('sub', 6, difference)",
  ),
];

/** Caught by the processor that runs them. */
const steps: readonly Mutant[] = [
  m(
    '32 bits leave the upper half alone',
    'emulator/step.ts',
    'm.setRegister(to.reg, lo, to.width === 4 ? 0 : hi);',
    'm.setRegister(to.reg, lo, hi);',
  ),
  m(
    'XADD writes its source last',
    'x86/table.ts',
    '  set(b, temp(0)),\n  set(a, temp(1)),\n];',
    '  set(a, temp(1)),\n  set(b, temp(0)),\n];',
  ),
  m(
    'INC changes CF',
    'x86/table.ts',
    "{ kind: 'status', op: 'inc', a, b: num(1), width: w },",
    "{ kind: 'status', op: 'add', a, b: num(1), width: w },",
  ),
  m(
    'DEC adds',
    'x86/table.ts',
    "set(a, binary('sub', a, num(1), w)),",
    "set(a, binary('add', a, num(1), w)),",
  ),
  m(
    'CMP writes its result',
    'x86/table.ts',
    "const compare = (w: Width): readonly Op[] => [{ kind: 'status', op: 'sub', a, b, width: w }];",
    "const compare = (w: Width): readonly Op[] => [{ kind: 'status', op: 'sub', a, b, width: w }, set(a, binary('sub', a, b, w))];",
  ),
  m(
    'TEST takes OR',
    'x86/table.ts',
    "[logicFlags(binary('and', a, b, w), w)];",
    "[logicFlags(binary('or', a, b, w), w)];",
  ),
  m(
    'CMPXCHG that fails keeps the accumulator',
    'x86/table.ts',
    'else: [...otherwise, set(reg(0, w), temp(0))],',
    'else: [...otherwise],',
  ),
  m(
    'CMPXCHG compares the other way',
    'x86/table.ts',
    "{ kind: 'status', op: 'sub', a: reg(0, w), b: temp(0), width: w },",
    "{ kind: 'status', op: 'sub', a: temp(0), b: reg(0, w), width: w },",
  ),
  m(
    'XCHG loses one side',
    'x86/table.ts',
    'const exchange = (): readonly Op[] => [set(temp(0), a), set(a, b), set(b, temp(0))];',
    'const exchange = (): readonly Op[] => [set(temp(0), a), set(a, b)];',
  ),
  m(
    'CALL pushes its own address',
    'x86/table.ts',
    "[push(next, 'return'), branch(a)]",
    "[push(a, 'return'), branch(a)]",
  ),
  m(
    'JL looks at SF alone',
    'emulator/step.ts',
    'cf || zf, sf, pf, sf !== of,',
    'cf || zf, sf, pf, sf,',
  ),
  m(
    'PF is of seven bits',
    'emulator/step.ts',
    'let parity = lo & 0xff;',
    'let parity = lo & 0x7f;',
  ),
  m(
    'ZF looks at the lower half',
    'emulator/step.ts',
    'const zero = lo === 0 && (!wide || hi === 0);',
    'const zero = lo === 0;',
  ),
  m(
    'a carry is lost between the halves',
    'emulator/step.ts',
    'hi = (ah + bh + (carry ? 1 : 0)) | 0;',
    'hi = (ah + bh) | 0;',
  ),
  m(
    'OF of a difference is that of a sum',
    'emulator/step.ts',
    'if (minus) of = sign(a, ah) !== sign(b, bh)',
    'if (minus) of = sign(a, ah) === sign(b, bh)',
  ),
  m('SF looks at the lower half', 'emulator/step.ts', '(wide ? h : l) < 0;', 'l < 0;'),
  m(
    'a borrow is signed',
    'emulator/step.ts',
    'a >>> 0 < b >>> 0 ? 1 : 0)) | 0;\n    cf',
    'a < b ? 1 : 0)) | 0;\n    cf',
  ),
  m(
    'RET leaves RSP',
    'x86/table.ts',
    "ret: [row('C3', 'ret', [pop(temp(0), 'return'), branch(temp(0))])],",
    "ret: [row('C3', 'ret', [pop(temp(0), 'return'), push(temp(0)), branch(temp(0))])],",
  ),
  m(
    'LEA is one too large',
    'x86/table.ts',
    "lea: both('8D /r', 'lea r#, m', () => [set(a, { kind: 'address', index: 1 })]),",
    "lea: both('8D /r', 'lea r#, m', () => [set(a, binary('add', { kind: 'address', index: 1 }, num(1), 8))]),",
  ),
];

let copy = '';
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'suture-mutant-'));
  for (const part of ['grammar', 'compiler', 'package.json', 'test/oracles', 'test/x86'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

interface Said {
  readonly readers: number | string;
  readonly runs: number | string;
}
function ask(by = ''): Said {
  const r = spawnSync(process.execPath, [join(copy, 'test/oracles/mutants/ask.ts'), by], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  // It does not even load: the table contradicts itself.
  if (r.status !== 0) {
    const broken = `broken: ${r.stderr.split('\n').find((l) => /Error/.test(l)) ?? ''}`;
    return { readers: broken, runs: broken };
  }
  return JSON.parse(r.stdout) as Said;
}
const noticed = (x: number | string): boolean => x !== 0;

test(
  'nothing is changed: nobody notices',
  () => expect(ask()).toEqual({ readers: 0, runs: 0 }),
  300_000,
);

let caught = 0;
const cases = [
  ...encoder.map((mutant) => ({ ...mutant, by: 'readers' as const })),
  ...steps.map((mutant) => ({ ...mutant, by: 'runs' as const })),
];
describe('somebody notices that', () => {
  test.each(cases)(
    '$name',
    ({ file, from, to, by }) => {
      const path = join(copy, file);
      const original = readFileSync(path, 'utf8');
      expect(original.split(from).length).toBe(2);
      writeFileSync(
        path,
        original.replace(from, () => to),
      );
      try {
        const said = ask(by);
        expect(noticed(said[by]), JSON.stringify(said)).toBe(true);
        caught++;
      } finally {
        writeFileSync(path, original);
      }
    },
    300_000,
  );
});

afterAll(() => {
  judgedBy(
    'mutants',
    '',
    `${caught} of ${cases.length} changes to encoder and steps are noticed by iced-x86 or the processor`,
  );
});
