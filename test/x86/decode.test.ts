// Encoding and decoding: the corpus, the way back from every sample, and what a prefix of an instruction gives.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { abstractInsn } from '../../compiler/place.ts';
import { bind } from '../../compiler/x86/assemble.ts';
import { abstract, decode, instantiate, text } from '../../compiler/x86/decode.ts';
import { encode, encodeAs } from '../../compiler/x86/encode.ts';
import { isRefusal } from '../../compiler/x86/operand.ts';
import { rows } from '../../compiler/x86/table.ts';
import { parse } from '../../grammar/index.ts';
import { hex, unhex } from './bytes.ts';
import { placed, samples, samplesOf } from './samples.ts';

vi.setConfig({ testTimeout: 60_000 });

const at = -0x7f000000;

const corpus = readFileSync(new URL('corpus.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [bytes = '', said = ''] = line.split('|').map((part) => part.trim());
    return { bytes: bytes.replace('~', '').trim(), redundant: bytes.includes('~'), said };
  });

describe('the corpus', () => {
  for (const { bytes, redundant, said } of corpus) {
    test(`${bytes} is ${said}`, () => {
      const given = unhex(bytes);
      const d = decode(given, given.length);
      if (d.kind !== 'insn') {
        expect(d.kind).toBe(said);
        return;
      }
      expect(text(d, at)).toBe(said);
      expect(d.length).toBe(given.length);
      const back = encode(abstract(d, at), at);
      if (isRefusal(back)) throw new Error(back.message);
      if (redundant) expect(back.bytes.length).toBeLessThanOrEqual(given.length);
      else expect(hex(back.bytes)).toBe(bytes);
    });
  }
});

describe('the text of the corpus, parsed', () => {
  const symbols = { address: () => undefined, percpuOffset: () => undefined };
  // An index register is read where torn bytes have one, and not written.
  for (const { bytes, redundant, said } of corpus) {
    if (redundant || /^(invalid|more)$|\*/.test(said)) continue;
    test(said, () => {
      const { file, diagnostics } = parse(`protocol p ""\ncode { ${said} }\n`);
      expect(diagnostics).toEqual([]);
      const section = file?.items[0];
      const line = section?.kind === 'code' ? section.body[0] : undefined;
      if (line?.kind !== 'insn') throw new Error('no instruction');
      const insn = abstractInsn(line.insn, new Map(), symbols, (d) => {
        throw new Error(d.message);
      });
      const bound = insn && bind(insn, () => undefined);
      if (!bound || isRefusal(bound)) throw new Error(bound?.message);
      const code = encode(bound, at);
      expect(isRefusal(code) ? code.message : hex(code.bytes)).toBe(bytes);
    });
  }
});

describe('every sample of every row', () => {
  test('comes back from its bytes, and the shortest encoding means the same', () => {
    let count = 0;
    for (const { row, insn } of samples) {
      const first = encodeAs(row, placed(insn, at, 0), at, false);
      const length =
        first && !isRefusal(first)
          ? first.bytes.length
          : row.form.tail === 'cb'
            ? 2
            : row.form.opcode.length + 4;
      const here = placed(insn, at, length);
      const code = encodeAs(row, here, at, false);
      if (!code || isRefusal(code)) {
        expect(row.encoding).toMatch(/90\+rd$/);
        continue;
      }
      count++;
      const d = decode(code.bytes, code.bytes.length);
      if (d.kind !== 'insn') throw new Error(`${row.text} ${hex(code.bytes)}: ${d.kind}`);
      const shortest = encode(here, at);
      if (isRefusal(shortest)) throw new Error(shortest.message);
      expect(shortest.bytes.length).toBeLessThanOrEqual(code.bytes.length);
      const again = encode(abstract(d, at), at);
      if (isRefusal(again)) throw new Error(again.message);
      if (d.row.text.startsWith('nop')) continue; // by its operand or by its length: two texts
      expect(hex(again.bytes)).toHaveLength(hex(shortest.bytes).length);
      instantiate(d, at);
    }
    expect(count).toBe(samples.length - 4);
  });

  test('of each row there is one', () => {
    for (const row of rows) expect(samplesOf(row).length).toBeGreaterThan(0);
  });
});

/** Bytes near the table: samples, cut, mixed, changed and prefixed. */
const codes = samples
  .filter((_, k) => k % 97 === 0)
  .flatMap(({ row, insn }) => {
    const code = encodeAs(row, insn, 0, false);
    return code && !isRefusal(code) ? [code.bytes] : [];
  });
const torn = fc
  .tuple(
    fc.constantFrom(...codes),
    fc.constantFrom(...codes),
    fc.uint8Array({ minLength: 20, maxLength: 20 }),
    fc.array(fc.constantFrom(0, 1, 1, 1, 2), { minLength: 20, maxLength: 20 }),
    fc.constantFrom<number[]>([], [], [], [0x66], [0x48], [0x65], [0xf0], [0xf3], [0x41], [0xf2]),
  )
  .map(([x, y, noise, choice, prefix]) =>
    Uint8Array.from([
      ...prefix,
      ...noise.map((n, k) => (choice[k] === 1 ? x[k] : choice[k] === 2 ? y[k] : n) ?? n),
    ]),
  );

describe('byte by byte', () => {
  test('every proper prefix of an instruction wants more, and what is invalid stays so', () => {
    fc.assert(
      fc.property(torn, (bytes) => {
        let settled: ReturnType<typeof decode> | undefined;
        for (let n = 0; n <= bytes.length; n++) {
          const d = decode(bytes, n);
          if (settled) expect(d).toEqual(settled);
          else if (d.kind !== 'more') {
            if (d.kind === 'insn') expect(d.length).toBe(n);
            settled = d;
          }
        }
        expect(settled).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  test('what wants more has a next byte that does not end it', () => {
    fc.assert(
      fc.property(torn, (bytes) => {
        for (let n = 0; n < bytes.length; n++) {
          if (decode(bytes, n).kind !== 'more') return;
          const next = Uint8Array.from([...bytes.subarray(0, n), 0]);
          const goesOn = Array.from({ length: 256 }, (_, b) => b).some((b) => {
            next[n] = b;
            return decode(next, n + 1).kind !== 'invalid';
          });
          expect(goesOn).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
