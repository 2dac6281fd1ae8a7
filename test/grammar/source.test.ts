// Offsets, lines and columns; and which word was probably meant.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineText, nearest, offset, place, position, source } from '../../grammar/index.ts';

describe('positions', () => {
  const from = source('ab\r\nc\rd\n\n𝕏e');
  test.each([
    [0, 1, 1],
    [2, 1, 3],
    [4, 2, 1],
    [6, 3, 1],
    [8, 4, 1],
    [9, 5, 1],
    [11, 5, 3],
    [12, 5, 4],
    [99, 5, 4],
    [-1, 1, 1],
  ])('offset %i is %i:%i', (at, line, column) => {
    expect(position(from, at)).toEqual({ line, column });
  });

  test('the text of a line has no line end', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((n) => lineText(from, n))).toEqual([
      ...['', 'ab', 'c', 'd', '', '𝕏e', ''],
    ]);
  });

  test('a span may end on another line', () => {
    expect(place(from, { start: 1, end: 5 })).toEqual({
      line: 1,
      column: 2,
      endLine: 2,
      endColumn: 2,
    });
  });

  test('an offset outside a line end comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat({ max: 40 }), (text, at) => {
        fc.pre(at <= text.length && text[at - 1] !== '\r');
        const it = source(text);
        expect(offset(it, position(it, at))).toBe(at);
      }),
    );
  });
});

describe('the nearest word', () => {
  const words = ['serialize', 'sync', 'fence', 'for'];
  test.each([
    ['serialise', 'serialize'],
    ['sycn', 'sync'],
    ['fenc', 'fence'],
    ['FENCE', 'fence'],
    ['fro', 'for'],
    ['banana', undefined],
    ['sync', undefined],
    ['f', undefined],
    ['', undefined],
  ])('to %j is %j', (word, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });
});
