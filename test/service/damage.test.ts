// Whatever a text is and wherever the caret stands, every question has an answer, and what it says fits the text.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as service from '../../compiler/service/index.ts';
import type { Edit, Span } from '../../grammar/index.ts';
import { corpus } from '../grammar/corpus.ts';
import { applied, wholeSpec } from './case.ts';

const folder = join(import.meta.dirname, '../../examples');
const gallery = readdirSync(folder)
  .filter((f) => f.endsWith('.suture'))
  .map((f) => readFileSync(join(folder, f), 'utf8'));
const texts = [wholeSpec, ...gallery];
const pieces = [
  ...new Set(texts.flatMap((text) => text.match(/\w+|[^\w\s]/g) ?? [])),
  ...['\0', '\r', '\n', '\ud800', '𝕏', '"', '//', '@', '{', '}', '^', '0x', '1e9', '..', '\t', ''],
];

const damaged = fc
  .tuple(
    fc.constantFrom(...texts, ...corpus.map((c) => c.text)),
    fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.oneof(fc.constant(0), fc.nat({ max: 8 }), fc.nat({ max: 300 })),
        piece: fc.constantFrom(...pieces),
      }),
      { maxLength: 4 },
    ),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([text, edits, cut]) => {
    const whole = edits.reduce((now, { at, length, piece }) => {
      const start = Math.floor(at * now.length);
      return now.slice(0, start) + piece + now.slice(start + length);
    }, text);
    // A third of them end in the middle.
    return cut < 0.33 ? whole.slice(0, Math.floor(cut * 3 * whole.length)) : whole;
  });
const place = fc.double({ min: -0.1, max: 1.1, noNaN: true });

function judge(text: string, where: number): void {
  const a = service.analyse(text);
  const offset = Math.floor(where * text.length);
  const fits = ({ start, end }: Span): void => {
    expect(start).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThanOrEqual(start);
    expect(end).toBeLessThanOrEqual(text.length);
  };
  const apart = (edits: readonly Edit[]): void => {
    const sorted = [...edits].sort((x, y) => x.span.start - y.span.start);
    for (const [i, e] of sorted.entries()) {
      fits(e.span);
      expect(e.span.start).toBeGreaterThanOrEqual(sorted[i - 1]?.span.end ?? 0);
    }
  };
  for (const d of service.diagnostics(a)) {
    fits(d.span);
    apart(d.fix?.edits ?? []);
  }
  for (const c of service.completions(a, offset)) {
    fits(c.replaces);
    expect(c.label).not.toBe('');
    expect(c.documentation).toMatch(/^.*\S$/);
    expect(c.documentation).not.toMatch(/undefined|NaN|\[object|\.$/);
    expect(c.caret).toBeLessThanOrEqual(c.insert.length);
  }
  const hover = service.hover(a, offset);
  if (hover) {
    fits(hover.span);
    expect(hover.text.join('\n')).not.toMatch(/undefined|NaN|\[object/);
    for (const t of hover.text) expect(t).toMatch(/^.*[.…]$/);
  }
  const definition = service.definition(a, offset);
  if (definition) {
    fits(definition.from);
    for (const d of definition.to) {
      fits(d.name);
      fits(d.whole);
    }
  }
  for (const r of service.references(a, offset)) fits(r.span);
  const able = service.prepareRename(a, offset);
  if (able && 'span' in able) {
    fits(able.span);
    const done = service.rename(a, offset, 'a_new_name');
    if ('edits' in done) apart(done.edits);
  }
  const outline = (list: readonly service.Outline[]): void => {
    for (const s of list) {
      fits(s.span);
      fits(s.nameSpan);
      // As the language server's protocol asks.
      expect(s.nameSpan.start).toBeGreaterThanOrEqual(s.span.start);
      expect(s.nameSpan.end).toBeLessThanOrEqual(s.span.end);
      outline(s.children);
    }
  };
  outline(service.outline(a));
  for (const f of service.folds(a)) fits(f.span);
  const selections = service.selections(a, offset);
  for (const [i, s] of selections.entries()) {
    fits(s);
    const inner = selections[i - 1];
    if (!inner) continue;
    expect(s.start).toBeLessThanOrEqual(inner.start);
    expect(s.end).toBeGreaterThanOrEqual(inner.end);
  }
  let end = 0;
  for (const t of service.semanticTokens(a)) {
    fits(t.span);
    expect(t.span.start).toBeGreaterThanOrEqual(end);
    end = t.span.end;
  }
  for (const h of service.hints(a)) fits({ start: h.offset, end: h.offset });
  for (const l of service.lenses(a)) fits(l.span);
  apart(service.formatting(a));
}

test('damaged texts', { timeout: 300_000 }, () => {
  fc.assert(fc.property(damaged, place, judge), {
    numRuns: process.env.SUTURE_LONG ? 10_000 : 600,
  });
});

test('any string at all', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), place, judge), {
    numRuns: 500,
  });
});

test('every text of the corpora, at four offsets', () => {
  for (const text of [...texts, ...corpus.map((c) => c.text)])
    for (let where = 0; where <= 1; where += 0.3) judge(text, where);
});

test('what is asked first does not change the answers', () => {
  for (const text of texts) {
    const [one, other] = [service.analyse(text), service.analyse(text)];
    service.hints(one);
    service.rename(one, 40, 'x');
    for (const offset of [0, 100, 1000, text.length]) {
      expect(service.hover(one, offset)).toEqual(service.hover(other, offset));
      expect(service.completions(one, offset)).toEqual(service.completions(other, offset));
    }
    expect(service.hints(one)).toEqual(service.hints(other));
  }
});

test('a name that is renamed means what it meant: the same checks, the same bytes', () => {
  let renamed = 0;
  for (const text of texts) {
    const a = service.analyse(text);
    expect(service.diagnostics(a).filter((d) => d.severity === 'error')).toEqual([]);
    const before = shape(a);
    for (const named of a.names.all) {
      const at = named.declarations[0]?.name.start;
      if (at === undefined) continue;
      const done = service.rename(a, at, 'a_new_name');
      if ('refused' in done) throw new Error(done.refused);
      const after = service.analyse(applied(text, done.edits));
      expect(service.diagnostics(after).filter((d) => d.severity === 'error')).toEqual([]);
      expect(shape(after)).toEqual(before);
      renamed++;
    }
  }
  expect(renamed).toBeGreaterThan(150);
});

/** What does not depend on names. */
function shape(a: service.Analysis): unknown {
  return a.compiled.scenarios.map((s) => {
    const { program } = a.facts(s) ?? {};
    return {
      checks: s.checks.length,
      text: program?.text.map((t) => [...t.bytes]),
      contents: program?.contents.map((c) => [...c.bytes]),
      stubs: program?.stubs.map((t) => [...t.template]),
      kernel: program?.kernel.map((op) => op.do),
      data: program?.data.map((d) => d.address),
    };
  });
}

test('a text has the layout when its edits are applied', () => {
  for (const text of texts) {
    const rough = text.replace(/ {2,}/g, ' ').replace(/; /g, ';');
    const edits = service.formatting(service.analyse(rough));
    const once = applied(rough, edits);
    expect(service.formatting(service.analyse(once))).toEqual([]);
    // Words stay where they are: no edit takes one out.
    for (const e of edits) expect(rough.slice(e.span.start, e.span.end)).toMatch(/^[\s;]*$/);
  }
});
