// The page docs/diagnostics.md, made from the explanations and from what is answered to their specs.

import { groups, mending } from '../../compiler/explain/index.ts';
import type { Explanation } from '../../compiler/index.ts';
import { said } from './said.ts';

const width = 100;
const cut = (line: string): string =>
  line.length > width ? `${line.slice(0, width - 1).trimEnd()}…` : line;
const fenced = (language: string, lines: readonly string[]): string =>
  ['```'.concat(language), ...lines.map(cut), '```'].join('\n');

function entry(e: Explanation): string {
  const head = `### ${e.name}\n\n${e.text}\n`;
  if (!e.specs) return head;
  const answers = said(e, e.specs.fails).map((s) => s.text);
  return [
    head,
    fenced('suture', e.specs.fails.trimEnd().split('\n')),
    '',
    fenced('text', answers),
    '',
    'Mended:',
    '',
    fenced('diff', mending(e.specs)),
    '',
  ].join('\n');
}

export const page = (): string =>
  [
    '# Diagnostics and properties',
    '',
    'What `suture explain NAME` shows. Each has a spec that fails, what is answered to it, and what mends it; the tests run all',
    'of them. Warnings leave the exit code 0.',
    '',
    ...groups.flatMap(({ title, of }) => [`## ${title}`, '', ...of.map(entry)]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
