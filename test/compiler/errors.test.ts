// Every wrong thing that a newcomer writes gets one answer, at its place, in the words of the language.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, explanations } from '../../compiler/index.ts';
import type { Fix } from '../../grammar/diagnostic.ts';
import { position, source } from '../../grammar/index.ts';
import { codes } from './codes.ts';

const file = join(import.meta.dirname, 'errors.txt');
const promote = process.env.SUTURE_PROMOTE !== undefined;

/** A small right spec; a case replaces parts of it. */
const parts = {
  code: `code {
  one:    mov eax, 1; ret
  two:    mov eax, 2; ret
  caller:
  place:  call one
          jmp caller
}`,
  thread: 'thread worker runs caller',
  extra: 'shared insn = nil',
  handler: 'on breakpoint at place { let i = insn; if i == nil { decline }; emulate i }',
  patch: 'patch place: call one -> call two { insn = new; poke place; sync cores }',
  scenario: 'scenario "s" { } expect violates torn_instruction',
} as const;
type Part = keyof typeof parts;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly body: string;
  readonly answers: readonly string[];
}

const repeated = (text: string): string =>
  text.replace(/\[(\d+) times (.*?)\]/g, (_, n: string, what: string) => what.repeat(Number(n)));

/** A message, the fix, or a line of the text behind it. */
const answer = /^(\d+:\d+ |fix: |\d+ >)/;

const cases: Case[] = readFileSync(file, 'utf8')
  .split(/^== /m)
  .slice(1)
  .map((block) => {
    const [name = '', ...rest] = block.split('\n');
    const answers = rest.filter((l) => answer.test(l));
    const body = rest
      .filter((l) => !answer.test(l))
      .join('\n')
      .trim();
    const own = new Map<Part, string>();
    for (const m of body.matchAll(/^@(\w+)\s+([\s\S]*?)(?=^@|$(?![\s\S]))/gm))
      own.set(m[1] as Part, repeated((m[2] ?? '').trim()));
    const text = [
      'protocol p "a case"',
      ...(Object.keys(parts) as Part[]).map((k) => own.get(k) ?? parts[k]),
    ].join('\n');
    return { name, text, body, answers };
  });

function mended(text: string, fix: Fix): string {
  return [...fix.edits]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce((now, e) => now.slice(0, e.span.start) + e.text + now.slice(e.span.end), text);
}

/** The lines that a fix changed, as they then are, with their numbers. */
function changed(before: string, after: string): string[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let tail = 0;
  while (tail < a.length && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const from = b.findIndex((line, i) => line !== a[i]);
  return b.slice(from, b.length - tail).map((line, i) => `${from + i + 1} > ${line}`.trimEnd());
}

/** Mistakes that the grammar finds have a list of their own; those that `emit` finds stand with their explanation. */
test('every code that the source can produce has a case', () => {
  const grammar = readFileSync(join(import.meta.dirname, '../grammar/errors.txt'), 'utf8');
  const all = `${readFileSync(file, 'utf8')}${grammar}`;
  const found = new Set([...all.matchAll(/^\d+:\d+ ([a-z-]+) /gm)].map((m) => m[1]));
  for (const e of explanations) if (e.kind === 'emit') found.add(e.name);
  expect(codes.filter((c) => !found.has(c))).toEqual([]);
  expect(codes.length).toBeGreaterThanOrEqual(80);
});

const out: string[] = [];
afterAll(() => {
  // Nothing is written unless every case was answered.
  if (!promote || out.length !== cases.length) return;
  const head = readFileSync(file, 'utf8').split(/^== /m)[0] ?? '';
  writeFileSync(file, `${head}${out.join('\n')}\n`);
});

test('the small spec is right', () => {
  expect(compile(['protocol p "a case"', ...Object.values(parts)].join('\n')).diagnostics).toEqual(
    [],
  );
  expect(cases.length).toBeGreaterThanOrEqual(60);
});

describe('answers', () => {
  for (const c of cases) {
    test(c.name, () => {
      const compiled = compile(c.text);
      const places = source(c.text, 'p.suture');
      const said = compiled.diagnostics.flatMap((d) => {
        const at = position(places, d.span.start);
        const line = `${at.line}:${at.column} ${d.code} ${d.message}`;
        return d.fix
          ? [line, `fix: ${d.fix.title}`, ...changed(c.text, mended(c.text, d.fix))]
          : [line];
      });
      out.push(`== ${c.name}\n${c.body}\n${said.join('\n')}\n`);
      expect(said.length).toBeGreaterThan(0);
      if (!promote) expect(said).toEqual(c.answers);
      // Applying a fix makes its message go away.
      for (const d of compiled.diagnostics) {
        if (!d.fix) continue;
        const left = compile(mended(c.text, d.fix)).diagnostics.filter(
          (x) => x.severity === 'error',
        );
        expect(left.map((x) => x.message)).not.toContain(d.message);
        // It brings no other mistake.
        const said = compiled.diagnostics.map((x) => x.message);
        expect(left.filter((x) => !said.includes(x.message))).toEqual([]);
      }
    });
  }
});
