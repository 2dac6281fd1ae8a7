// Measures the gallery as its users do, by the command, and writes the figures into docs/figures.md.
//
// node test/bench/gallery.ts, on a machine that does nothing else.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Document, Figures } from '../../compiler/index.ts';
import { measuredOn, writeSection } from './section.ts';

const root = join(import.meta.dirname, '../..');
const started = process.hrtime.bigint();
const run = spawnSync(
  process.execPath,
  [
    join(root, 'compiler/cli/suture.js'),
    'verify',
    'examples',
    '--full',
    '--workers',
    '1',
    '--format',
    'json',
  ],
  { cwd: root, encoding: 'utf8', maxBuffer: 1 << 30 },
);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
if (run.status !== 0) throw new Error(`verify ended with ${run.status}: ${run.stderr}`);
const { files } = JSON.parse(run.stdout) as Document;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
};

const number = (n: number): string => n.toLocaleString('en-US');
const cells = (f: Figures): string =>
  [
    number(f.states),
    number(f.transitions),
    String(f.depth),
    f.seconds.toFixed(2),
    (f.peakBytes / f.states).toFixed(0),
  ].join(' | ');
const rows = files.flatMap((file) =>
  file.scenarios.map(
    (s) =>
      `| ${basename(file.file, '.suture')} | ${s.name} | ${[s.verdict, ...new Set(s.violations.map((v) => v.property))].join(' ')} | ${cells(s)} |`,
  ),
);
const scenarios = files.flatMap((f) => f.scenarios);
const sum = (of: (f: Figures) => number): number => scenarios.reduce((n, s) => n + of(s), 0);
writeSection(
  'gallery',
  `${measuredOn()}, Suture ${version}. One process, one thread, every state visited.
${number(scenarios.length)} scenarios, ${number(sum((f) => f.states))} states, ${number(sum((f) => f.transitions))} transitions: ${seconds.toFixed(1)} s from the command's start to its end.

| example | scenario | verdict | states | transitions | depth | seconds | bytes a state |
|---|---|---|---:|---:|---:|---:|---:|
${rows.join('\n')}
`,
);
