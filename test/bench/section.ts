// Writes what was measured into docs/figures.md, between the marks of its section.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

const page = join(import.meta.dirname, '../../docs/figures.md');

/** When and where: the beginning of each section. */
export const measuredOn = (): string =>
  `Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown CPU'}`;

export function writeSection(name: string, text: string): void {
  console.log(text);
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->\n`];
  const before = readFileSync(page, 'utf8');
  const from = before.indexOf(begin) + begin.length;
  const to = before.indexOf(end);
  if (from < begin.length || to < from)
    throw new Error(`docs/figures.md has lost the marks of ${name}`);
  writeFileSync(page, `${before.slice(0, from)}${text}${before.slice(to)}`);
}
