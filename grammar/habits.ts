// Habits of other languages: what is written where the grammar expects something else, and what is meant by it.

import type { Span } from './ast.ts';
import type { Fix } from './diagnostic.ts';
import * as T from './tokens.ts';

interface Habit {
  /** What the grammar expected, as its message says it. */
  readonly expected: RegExp;
  /** What stands on the line before. */
  readonly behind?: RegExp;
  /** The text from the word on that was found. */
  readonly found: RegExp;
  /** Empty where the message says it all. */
  readonly hint: string;
  /** Instead of what was found; `$1` is what its parenthesis took. */
  readonly write?: string;
}

const endOfLine = /^the end of the line$/;
const verdict = /^`holds` or `violates`$/;
const anyStatement = new RegExp(`^(?=(?:${[...T.statementWords, 'scenario'].join('|')})\\b)`);

const habits: readonly Habit[] = [
  { expected: endOfLine, found: /^==/, hint: 'a value is given by `=`', write: '=' },
  { expected: endOfLine, found: /^,/, hint: 'on one line `;` stands between two', write: ';' },
  {
    expected: endOfLine,
    behind: /\b(?:resume|release)\s+\w+\s*$/,
    found: /^\([^()\n]*\)/,
    hint: 'a stub gets its arguments when it is built',
    write: '',
  },
  {
    expected: endOfLine,
    behind: /\btrap\s+$/,
    found: /^(\w+)/,
    hint: 'a trap comes `at` a label',
    write: 'at $1',
  },
  {
    expected: endOfLine,
    found: anyStatement,
    hint: 'on one line `;` stands between two',
    write: '; ',
  },
  {
    expected: /^`\]`$/,
    found: /^:/,
    hint: 'a range is written `1..5`, and byte 5 is behind it',
    write: '..',
  },
  { expected: /^`->`$/, found: /^=>/, hint: 'what it becomes stands behind `->`', write: '->' },
  {
    expected: /^`breakpoint`$/,
    found: /^\w+/,
    hint: 'a trap has the name `breakpoint`',
    write: 'breakpoint',
  },
  {
    expected: verdict,
    found: /^(?:fails?|breaks|violated?)\b/,
    hint: 'what breaks is said to be violated',
    write: 'violates',
  },
  {
    expected: verdict,
    found: /^(?:ok|pass|passes|success|safe|hold)\b/,
    hint: 'what is right holds',
    write: 'holds',
  },
  {
    expected: verdict,
    found: /^(\w+_\w+)/,
    hint: 'a property stands behind `violates`',
    write: 'violates $1',
  },
  {
    expected: /^the name of the scenario in quotes$/,
    found: /^([\w-]+)/,
    hint: '',
    write: '"$1"',
  },
  {
    expected: /^`old`, `new` or an instruction$/,
    found: /^0x[cC]{2}\b/,
    hint: 'bytes are written as instructions',
    write: 'int3',
  },
  {
    expected: /^`old`, `new` or an instruction$/,
    found: /^\d/,
    hint: 'bytes are written as instructions, such as `int3` or `nop 5`',
  },
];

/** The habit that explains what stands at `span`, if there is one. */
export function habit(
  text: string,
  span: Span,
  expected: string,
): { readonly hint: string; readonly fix?: Fix } | undefined {
  const before = text.slice(text.lastIndexOf('\n', span.start - 1) + 1, span.start);
  const rest = text.slice(span.start, span.start + 200);
  for (const h of habits) {
    const match = h.found.exec(rest);
    if (!match || !h.expected.test(expected) || (h.behind && !h.behind.test(before))) continue;
    if (h.write === undefined) return { hint: h.hint };
    const by = h.write.replace('$1', match[1] ?? '');
    const end = span.start + match[0].length;
    const title = by === '' ? 'take it out' : `write \`${by.trim()}\``;
    return {
      hint: h.hint,
      fix: { title, edits: [{ span: { start: span.start, end }, text: by }] },
    };
  }
  return undefined;
}
