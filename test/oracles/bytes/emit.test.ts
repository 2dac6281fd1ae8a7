// The emitted assembly, in both syntaxes, gives GNU as the bytes that we emitted.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Item } from '../../../compiler/x86/assemble.ts';
import { assemble, template } from '../../../compiler/x86/assemble.ts';
import type { EmitItem } from '../../../compiler/x86/emit.ts';
import { emitAsm, itemOf, stubItem } from '../../../compiler/x86/emit.ts';
import type { AbstractInsn } from '../../../compiler/x86/operand.ts';
import { isRefusal } from '../../../compiler/x86/operand.ts';
import { insn } from '../../x86/bytes.ts';
import { placed, samples } from '../../x86/samples.ts';
import { inFolder } from './gnu.ts';

vi.setConfig({ testTimeout: 120_000 });

const at = -0x7f000000;
const code = (i: AbstractInsn): Item<number> => ({ kind: 'insn', insn: i, span: 0 });
const label = (name: string): Item<number> => ({ kind: 'label', name });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function item(
  name: string,
  items: readonly Item<number>[],
  base: number,
  resolve: (name: string) => number,
): EmitItem<number> {
  const done = assemble(items, base, { resolve, far: true });
  if (done.kind === 'refused') throw new Error(done.refusals.map((r) => r.refusal.message).join());
  return itemOf(name, 'code', done);
}

const slot = at + 0x2000;
const stub = template(
  [
    code(insn('push', '@back')),
    code(insn('mov', 'rax', { kind: 'mem', base: 3, disp: 16, ref: { name: 'cl' } })),
    code(insn('mov', { kind: 'mem', base: 'rip', disp: 0, ref: { name: 'back' }, width: 8 }, 5n)),
    code(insn('cmp', 'rax', '@cl')),
    code(insn('jne', '@fixed')),
    code(insn('push', '@fixed')),
    code(insn('jmp', '@target')),
  ],
  ['target', 'back', 'cl'],
  { resolve: (name) => (name === 'fixed' ? at : undefined) },
);
function stubAt(args: readonly number[]): EmitItem<number> {
  if (stub.kind === 'refused') throw new Error(stub.refusals.map((r) => r.refusal.message).join());
  const done = stubItem('stub', stub, slot, ['target', 'back', 'cl'], args);
  if (isRefusal(done)) throw new Error(done.message);
  return done;
}

/** Names that are registers, operators or keywords to `as`. */
const awkward = [
  'cl',
  'and',
  'offset',
  'st',
  'byte',
  'place.end',
  'one',
  'r8d',
  'base',
  'mod',
  'short',
];
const items: readonly EmitItem<number>[] = [
  // Every sample; branches with an absolute target far from their own place are in the next item.
  item(
    'all',
    samples
      .filter((s) => s.row.form.tail !== 'cb' && s.row.form.tail !== 'cd')
      .map((s) => code(s.insn)),
    at,
    () => 0,
  ),
  item(
    'branches',
    samples.flatMap((s) => {
      const far = s.insn.operands.some((o) => o.kind === 'target' && Math.abs(o.address) > 1 << 30);
      return (s.row.form.tail === 'cb' || s.row.form.tail === 'cd') && !far
        ? [code(placed(s.insn, at, 300))]
        : [];
    }),
    at,
    () => 0,
  ),
  item(
    'plain',
    [
      ...awkward.flatMap((name) => [
        label(name),
        code(insn('jmp', `@${name}`)),
        code({ ...insn('jne', '@last'), hint: 'near' }),
        code(insn('call', '@elsewhere')),
        code(insn('push', '@last')),
      ]),
      { kind: 'align', to: 64, span: 0 },
      label('last'),
      code(insn('mov', 'rax', { kind: 'mem', base: 'rip', disp: 0, ref: { name: 'elsewhere' } })),
      code(insn('mov', 'rax', { kind: 'mem', base: 'rip', disp: 8, ref: { name: 'cl' } })),
      code(insn('mov', { kind: 'mem', disp: 0, seg: 'gs', ref: { name: 'elsewhere' } }, 'rax')),
      code(insn('int3', 3n)),
    ],
    at + 0x4000,
    () => at - 0x100000,
  ),
  stubAt([at + 0x10, at + 0x20, at + 0x30]),
  item('beyond', [code(insn('push', '@x')), code(insn('jmp', '@x'))], at, () => 0x123456789abc),
];

for (const syntax of ['intel', 'att'] as const) {
  test(`assembly in ${syntax} syntax`, () => {
    inFolder((folder) => {
      const source = join(folder, 'a.s');
      const object = join(folder, 'a.o');
      writeFileSync(source, emitAsm(items, syntax));
      execFileSync('as', ['-o', object, source], {
        maxBuffer: 1 << 26,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      for (const { name, bytes, rows } of items) {
        const out = join(folder, name);
        execFileSync('objcopy', ['-O', 'binary', '-j', `.text.${name}`, object, out]);
        const theirs = readFileSync(out);
        if (hex(theirs) === hex(bytes)) continue;
        // The first row that differs.
        for (const row of rows) {
          const k = row.address - (rows[0]?.address ?? 0);
          const got = hex(theirs.subarray(k, k + row.bytes.length));
          expect(`${name} ${row.text}: ${got}`).toBe(`${name} ${row.text}: ${hex(row.bytes)}`);
        }
        expect(theirs.length).toBe(bytes.length);
      }
      // Nothing is left to a linker.
      expect(execFileSync('objdump', ['-r', object], { encoding: 'utf8' })).not.toMatch(/R_X86_64/);
    });
  });
}

for (const syntax of ['intel', 'att'] as const) {
  test(`a stub without arguments in ${syntax} syntax has our relocations`, () => {
    inFolder((folder) => {
      const item = stubAt([]);
      writeFileSync(join(folder, 'a.s'), emitAsm([item], syntax));
      execFileSync('as', ['-o', 'a.o', 'a.s'], { cwd: folder });
      execFileSync('objcopy', ['-O', 'binary', '-j', '.text.stub', 'a.o', 'out'], { cwd: folder });
      expect(hex(readFileSync(join(folder, 'out')))).toBe(hex(item.bytes));
      const said = execFileSync('objdump', ['-r', 'a.o'], { cwd: folder, encoding: 'utf8' });
      const theirs = [
        ...said.matchAll(/^([0-9a-f]+) (R_X86_64_\w+) +(\w+?)_?(?:([+-])0x([0-9a-f]+))?$/gm),
      ];
      expect(
        theirs.map(([, offset, kind, symbol, sign, addend]) => ({
          offset: Number.parseInt(offset ?? '', 16),
          width: 4,
          kind: kind === 'R_X86_64_32S' ? 'abs32s' : kind === 'R_X86_64_32' ? 'abs32' : 'rel32',
          symbol,
          addend: Number.parseInt(`${sign ?? ''}${addend ?? 0}`, 16),
        })),
      ).toEqual(item.relocations.filter((r) => !r.symbol.startsWith('0x')));
    });
  });
}
