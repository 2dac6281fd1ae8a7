// How fast a search is, against others in the same run, and how much less a reduced one searches: writes docs/figures.md.
//
// npm run bench, on a machine that does nothing else; it takes some minutes.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine } from '../../compiler/emulator/machine.ts';
import { createSearch, type Model } from '../../compiler/explorer/index.ts';
import { generated } from '../../compiler/generator/engine.ts';
import { promela } from '../../compiler/generator/promela.ts';
import { excluded, transitions } from '../../compiler/generator/transitions.ts';
import { compile, programOf } from '../../compiler/index.ts';
import { reductions } from '../../compiler/reduction/reduced.ts';
import { askPan, spinVersion } from '../oracles/promela/pan.ts';
import { poke } from './poke.ts';
import { measuredOn, writeSection } from './section.ts';

const root = join(import.meta.dirname, '../..');
const number = (n: number): string => n.toLocaleString('en-US');
const rows: string[] = [];
const row = (...cells: readonly string[]): void => {
  rows.push(`| ${cells.join(' | ')} |`);
  console.error(cells.join(' | '));
};

interface Measured {
  readonly states: number;
  readonly transitions: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly bound: string | undefined;
}

function measure(model: Model, maxStates?: number): Measured {
  const started = performance.now();
  const search = createSearch(model, { maxStates });
  while (!search.advance(100_000).done);
  const { states, transitions, bytes, bound } = search.result();
  return { states, transitions, seconds: (performance.now() - started) / 1000, bytes, bound };
}

const perSecond = (m: { states: number; seconds: number }): string =>
  `${(m.states / m.seconds / 1e6).toFixed(2)} million states/s`;
const ratio = (ours: number, theirs: number): string => `${(theirs / ours).toFixed(1)} x`;

/** The command, from its start to its end, in seconds. */
function command(...words: readonly string[]): number {
  const started = performance.now();
  const run = spawnSync(process.execPath, [join(root, 'compiler/cli/suture.js'), ...words], {
    cwd: root,
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`${words.join(' ')} ended with ${run.status}`);
  return (performance.now() - started) / 1000;
}

// ---- a small model, for which Spin and we search the very same

function pan(cpus: number): { states: number; transitions: number; seconds: number } {
  const folder = mkdtempSync(join(tmpdir(), 'suture-bench-'));
  try {
    const options = { cwd: folder, encoding: 'utf8' as const };
    writeFileSync(
      join(folder, 'poke.pml'),
      readFileSync(join(import.meta.dirname, 'models/poke.pml')),
    );
    execFileSync('spin', ['-a', `-DN=${cpus}`, 'poke.pml'], options);
    execFileSync('gcc', ['-O2', '-w', '-DSAFETY', '-o', 'pan', 'pan.c'], options);
    const started = performance.now();
    const said = execFileSync('./pan', ['-m1000000', '-w24'], options);
    const seconds = (performance.now() - started) / 1000;
    const figure = (name: string): number =>
      Number(new RegExp(`^\\s*(\\d+) ${name}`, 'm').exec(said)?.[1]);
    return { states: figure('states, stored'), transitions: figure('transitions'), seconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ours = measure(poke(4));
const theirs = pan(4);
row(
  `\`poke.pml\`, 4 CPUs: ${number(ours.states)} states, ${number(ours.transitions)} transitions`,
  `${ours.seconds.toFixed(1)} s, ${perSecond(ours)}, ${(ours.bytes / ours.states).toFixed(0)} bytes a state`,
  `pan -O2: ${theirs.seconds.toFixed(1)} s, ${perSecond(theirs)}, ${number(theirs.states)} states`,
  ratio(theirs.states / theirs.seconds, ours.states / ours.seconds),
);

// ---- int3-emulate from a cold start, against Spin on the models that we emit

const file = 'examples/int3-emulate.suture';
const text = readFileSync(join(root, file), 'utf8');
const compiled = compile(text);
let spin = 0;
let asked = 0;
let same = 0;
for (const scenario of compiled.scenarios)
  for (const check of scenario.checks) {
    const { program } = programOf(compiled, check);
    if (excluded(program)) continue;
    const made = transitions(program);
    const found = await askPan(promela(made, [scenario.name]), 4 * made.initial.length + 1024);
    const machine = createMachine(program);
    const counted = measure(generated(program, machine).model);
    asked++;
    spin += found.seconds;
    // The model has one state more for each property that is broken, and counts the initial state as a transition.
    const states = found.states - found.failed.length;
    if (states === counted.states && found.transitions - 1 === counted.transitions) same++;
    if (scenario.name === 'three CPUs')
      row(
        'int3-emulate, three CPUs, every interleaving: search alone',
        `${counted.seconds.toFixed(1)} s, ${perSecond(counted)}, ${(counted.bytes / counted.states).toFixed(0)} bytes a state`,
        `pan -O0 alone: ${found.panSeconds.toFixed(1)} s`,
        ratio(counted.seconds, found.panSeconds),
      );
  }
for (const [name, words] of [
  ['every interleaving, one worker', ['verify', file, '--full', '--workers', '1']],
  ['reduced, one worker', ['verify', file, '--workers', '1']],
] as const) {
  const seconds = command(...words);
  row(
    `int3-emulate, ${compiled.scenarios.length} scenarios from a cold start, ${name}`,
    `${seconds.toFixed(1)} s`,
    `spin, gcc and pan on ${asked} checks that we emit, ${same} with the same counts: ${spin.toFixed(0)} s`,
    ratio(seconds, spin),
  );
}

// ---- workers

for (const what of [file, 'examples']) {
  const times = (workers: number): number =>
    Math.min(...[1, 2].map(() => command('verify', what, '--workers', String(workers))));
  const [one, two] = [times(1), times(2)];
  row(
    `verify ${what}, cold, two workers`,
    `${two.toFixed(1)} s`,
    `one worker: ${one.toFixed(1)} s`,
    ratio(two, one),
  );
}

// ---- reductions

const spec = text.split('\n').filter((line) => !line.startsWith('scenario'));
const limit = 10_000_000;
for (const cpus of [3, 4, 5, 6]) {
  const wider = compile(
    [...spec, `scenario "s" { cpus ${cpus}; patches 2 } expect holds`].join('\n'),
  );
  const check = wider.scenarios[0]?.checks[0];
  if (check === undefined) throw new Error('the example does not compile with more CPUs');
  const { program } = programOf(wider, check);
  const machine = createMachine(program);
  const { model } = generated(program, machine);
  const [smaller] = reductions(program, machine, model);
  if (smaller === undefined) throw new Error('nothing of the example can be left out');
  const less = measure(smaller, 2_000_000);
  const full = cpus >= 5 ? undefined : measure(model, limit);
  row(
    `int3-emulate, two patches, ${cpus} CPUs: reduced`,
    `${less.bound ? 'more than ' : ''}${number(less.states)} states, ${less.seconds.toFixed(1)} s`,
    full === undefined
      ? ''
      : `full: ${full.bound ? 'more than ' : ''}${number(full.states)} states, ${full.seconds.toFixed(1)} s`,
    full === undefined
      ? ''
      : `${full.bound ? 'more than ' : ''}${(full.states / less.states).toFixed(0)} x fewer states`,
  );
  if (full?.bound === undefined) continue;
  const few = measure(generated(program, machine, 0).model, 100_000);
  const each = (m: Measured): number => (1e6 * m.seconds) / m.states;
  row(
    `the same, every interleaving: time a state, ${number(full.states)} states against ${number(few.states)}`,
    `${each(full).toFixed(2)} µs, ${(full.bytes / full.states).toFixed(0)} bytes a state at most at once`,
    `${each(few).toFixed(2)} µs`,
    `${(each(full) / each(few)).toFixed(1)} x the time`,
  );
}

row('all of int3-emulate, `suture minimize`', `${command('minimize', file).toFixed(1)} s`, '', '');

writeSection(
  'speed',
  `${measuredOn()}; ${spinVersion()}. One thread. What is above 1 x is faster than the peer.

| what | ours | peer | ratio |
|---|---|---|---:|
${rows.join('\n')}
`,
);
