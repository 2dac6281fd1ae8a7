// The corpus that the tests of the grammar share, and trees without what a printer does not keep.

import { readdirSync, readFileSync } from 'node:fs';
import { type Diagnostic, position, source } from '../../grammar/index.ts';

const folder = new URL('./corpus/', import.meta.url);

export const corpus: readonly { readonly name: string; readonly text: string }[] = readdirSync(
  folder,
)
  .filter((name) => name.endsWith('.suture'))
  .sort()
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));

/** Without spans and comments: two texts that say the same have equal ones. */
export function bare(tree: unknown): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value) => {
      if (key === 'span' || key === 'comments') return undefined;
      return typeof value === 'bigint' ? `${value}n` : value;
    }) ?? 'null',
  );
}

export function shown(text: string, diagnostics: readonly Diagnostic[]): string[] {
  const from = source(text);
  return diagnostics.map((d) => {
    const { line, column } = position(from, d.span.start);
    return `${line}:${column} ${d.code} ${d.message}`;
  });
}
