// The codes of diagnostics that the source can produce, read from the source.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const files = ['grammar', 'compiler', 'compiler/x86'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((f) => f.endsWith('.ts'))
    .map((f) => readFileSync(join(root, folder, f), 'utf8')),
);

const written = /(?:\bcode: |\b(?:error|fail|refuse|warn)\(\s*)'([a-z]+(?:-[a-z]+)*)'/g;
/** Why the assembler refuses: `insn-` is put before, but for a name. */
const reasons = /readonly reason: ([^;]*);/g;

export const codes: readonly string[] = [
  ...new Set(
    files.flatMap((text) => [
      ...[...text.matchAll(written)].map((m) => m[1] as string),
      ...[...text.matchAll(reasons)]
        .flatMap((m) => [...(m[1] as string).matchAll(/'(\w+)'/g)])
        .map((m) => (m[1] === 'name' ? 'unknown-name' : `insn-${m[1]}`)),
    ]),
  ),
].sort();
