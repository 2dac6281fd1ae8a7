// Random programs of the subset, in our emulator and on other processors: registers, flags, memory, stack and where they go.

import { describe, expect, test, vi } from 'vitest';
import type { Core } from '../../../compiler/emulator/core.ts';
import { decode, text } from '../../../compiler/x86/decode.ts';
import { type Row, rows } from '../../../compiler/x86/table.ts';
import { machine } from '../../x86/machine.ts';
import { cpuModel, figure, judgedBy } from '../row.ts';
import { type Case, differences } from './cases.ts';
import { emulate, firstRsp } from './emulate.ts';
import { assemble, codeAt, generate, randomFrom, type Shape } from './generate.ts';
import { type Judge, processor, unicorn, unicornDiffers, unicornVersion } from './judges.ts';

vi.setConfig({ testTimeout: 3_600_000 });

const long = process.env.SUTURE_LONG === '1';
const count = long ? 1_000_000 : 20_000;
const core: Core = machine({ memory: 'sc' });
const rsp = firstRsp(core);

function cases(
  seed: number,
  system: boolean,
  wanted: number,
  without: (row: Row) => boolean,
): readonly Case[] {
  const random = randomFrom(seed);
  const out: Case[] = [];
  while (out.length < wanted) {
    const shape = generate(random, system, without);
    const code = assemble(shape);
    if (code) out.push({ shape, code });
  }
  return out;
}

/** What differs in each case; what our emulator does not finish is a difference too. */
function judged(judge: Judge, all: readonly Case[], low: boolean): readonly (readonly string[])[] {
  const theirs = judge(all, rsp);
  return all.map((c, k) => {
    const ours = emulate(core, c.shape, c.code);
    if (typeof ours === 'string') return [ours];
    return differences(ours, theirs[k] as (typeof theirs)[number], low);
  });
}

/** The shortest that still differs, as units are left out one after the other. */
function shrink(judge: Judge, from: Case, low: boolean): string {
  let best = from;
  for (;;) {
    const shorter = best.shape.units.flatMap((_, k): Case[] => {
      const shape = without(best.shape, k);
      const code = assemble(shape);
      return code ? [{ shape, code }] : [];
    });
    if (shorter.length === 0) break;
    const found = judged(judge, shorter, low).findIndex((d) => d.length > 0);
    if (found < 0) break;
    best = shorter[found] as Case;
  }
  const said = judged(judge, [best], low)[0] ?? [];
  return `${listing(best)}\n  ${said.join('\n  ')}`;
}

/** Branches over what is left out go where they went. */
function without(shape: Shape, gone: number): Shape {
  const units = shape.units.flatMap((u, k) =>
    k === gone
      ? []
      : [
          u.map((i) =>
            i.target?.kind === 'unit' && i.target.at > gone
              ? { ...i, target: { kind: 'unit' as const, at: i.target.at - 1 } }
              : i,
          ),
        ],
  );
  return { ...shape, units };
}

function listing({ code }: Case): string {
  const lines: string[] = [];
  for (let at = 0; at < code.bytes.length; ) {
    const d = decode(code.bytes.subarray(at, at + 15), code.bytes.length - at);
    if (d.kind !== 'insn') break;
    const bytes = Buffer.from(code.bytes.subarray(at, at + d.length)).toString('hex');
    lines.push(`${bytes.padEnd(24)} ${text(d, codeAt + at)}${at === code.end ? '   <- end' : ''}`);
    at += d.length;
  }
  return lines.join('\n');
}

const here = process.arch === 'x64' && process.platform === 'linux';
const judges = [
  {
    name: 'the processor under ptrace',
    judge: processor,
    low: true,
    seed: 0x2545f491,
    differs: (_: Row) => false,
    version: () => cpuModel,
    known: [],
  },
  {
    name: 'Unicorn',
    judge: unicorn,
    low: false,
    seed: 0x1f123bb5,
    differs: unicornDiffers,
    version: unicornVersion,
    known: ['CMPXCHG of 32 bits writes both operands'],
  },
];

describe.skipIf(!here)('programs of 1 to 20 instructions leave the same', () => {
  test.each(judges)('as $name', ({ name, judge, low, seed, differs, version, known }) => {
    const wrong: string[] = [];
    const seen = new Set<Row>();
    let steps = 0;
    // In parts, so that a long run holds no more than a short one.
    for (let done = 0; done < count; done += 20_000) {
      const all = cases(seed + done, !low, Math.min(20_000, count - done), differs);
      for (const c of all)
        for (const u of c.shape.units)
          for (const i of u) {
            steps++;
            seen.add(i.row);
          }
      judged(judge, all, low).forEach((d, k) => {
        if (d.length > 0 && wrong.length < 3) wrong.push(shrink(judge, all[k] as Case, low));
      });
    }
    expect(wrong.join('\n\n')).toBe('');
    // Every row, but those that `generate.ts` and the list of differences name.
    const apart = new Set('int3 iretq hlt cpuid serialize ud2 call ret pushfq popfq'.split(' '));
    const missed = rows.filter(
      (r) =>
        !apart.has(r.form.mnemonic) &&
        !(low && /^(sti|cli)$/.test(r.form.mnemonic)) &&
        !differs(r) &&
        !seen.has(r),
    );
    expect(missed.map((r) => `${r.encoding} ${r.text}`)).toEqual([]);
    judgedBy(
      name,
      version(),
      `${figure(count)} random programs, ${figure(steps)} instructions`,
      known,
    );
  });

  test('but where Unicorn is known to be wrong, which it still is', () => {
    const all = cases(7, true, 4000, () => false).filter((c) =>
      c.shape.units.some((u) => u.some((i) => unicornDiffers(i.row))),
    );
    expect(judged(unicorn, all, false).filter((d) => d.length > 0).length).toBeGreaterThan(10);
  });
});
