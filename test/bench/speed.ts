// How fast a search is, against others in the same run, and how much less a reduced one searches: writes docs/figures.md.
//
// npm run bench, on a machine that does nothing else; it takes some twelve minutes.
// npm run bench -- NAME… measures some rows, prints them, and writes nothing.
//
// Whatever is measured of ours is a process of its own, as a user starts it: no row finds warm, or full, what another
// one has used.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promela } from '../../compiler/generator/promela.ts';
import { excluded, transitions } from '../../compiler/generator/transitions.ts';
import { compile, type Document, programOf, type Scenario } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';
import { lower } from '../../compiler/lower.ts';
import { piecesOf, varied } from '../../compiler/minimize/pieces.ts';
import { type Answer, minimalSets } from '../../compiler/minimize/sets.ts';
import type { CheckReport } from '../../compiler/report.ts';
import { askPan, type Found, type How, spinVersion } from '../oracles/promela/pan.ts';
import type { Alone } from './alone.ts';
import { measuredOn, writeSection } from './section.ts';

interface Row {
  readonly what: string;
  readonly goal?: string;
  readonly ours: string;
  readonly peer?: string;
  readonly ratio?: string;
}

const root = join(import.meta.dirname, '../..');
const file = 'examples/int3-emulate.suture';
const compiled = compile(readFileSync(join(root, file), 'utf8'));

const number = (n: number): string => n.toLocaleString('en-US');
const seconds = (s: number): string => `${s.toFixed(s < 10 ? 2 : 1)} s`;
const times = (n: number): string => `${n.toFixed(n < 10 ? 1 : 0)} x`;
const millions = (m: { readonly states: number; readonly seconds: number }): string =>
  `${(m.states / m.seconds / 1e6).toFixed(2)} million states/s`;

interface Timed {
  readonly seconds: number;
}
/** The quickest of so many of either, by turns: the machine does the same work in times that differ. */
function byTurns<A extends Timed, B extends Timed>(
  of: number,
  one: () => A,
  other: () => B,
): [A, B] {
  const both = Array.from({ length: of }, () => [one(), other()] as const);
  const quickest = <T extends Timed>(all: readonly T[]): T =>
    all.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  return [quickest(both.map(([a]) => a)), quickest(both.map(([, b]) => b))];
}

// ---- our side

/** The command, from its start to its end. */
function command(
  words: readonly string[],
  statuses: readonly number[] = [0],
): Timed & { said: string } {
  const started = performance.now();
  const run = spawnSync(process.execPath, [join(root, 'compiler/cli/suture.js'), ...words], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const took = (performance.now() - started) / 1000;
  if (!statuses.includes(run.status ?? -1))
    throw new Error(`${words.join(' ')} ended with ${run.status}: ${run.stderr}`);
  return { seconds: took, said: run.stdout };
}
const cold = (...words: readonly string[]): number => command(words).seconds;

/** Every check of every scenario that the words ask for. */
function checks(...words: readonly string[]): readonly CheckReport[] {
  // What is unfinished here is meant to be.
  const { said } = command(['verify', ...words, '--format', 'json'], [0, 1, 3]);
  return (JSON.parse(said) as Document).files.flatMap((f) => f.scenarios.flatMap((s) => s.checks));
}

/** Two patches of int3-emulate on so many CPUs: one scenario with one check. */
function wider(cpus: number, ...words: readonly string[]): CheckReport {
  const folder = mkdtempSync(join(tmpdir(), 'suture-bench-'));
  try {
    const spec = join(folder, 'wider.suture');
    writeFileSync(spec, wide(cpus));
    const [check] = checks(spec, ...words);
    if (!check) throw new Error(`the example does not compile with ${cpus} CPUs`);
    return check;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const wide = (cpus: number): string =>
  [
    ...compiled.text.split('\n').filter((line) => !line.startsWith('scenario')),
    `scenario "s" { cpus ${cpus}; patches 2 } expect holds`,
  ].join('\n');
const counted = (c: CheckReport): string =>
  `${c.bound === null ? '' : 'more than '}${number(c.states)} states`;

// ---- Spin's side

/** Spin, gcc and pan on what we emit. */
function spin(p: Program, how?: How): Promise<Found> {
  const made = transitions(p);
  return askPan(promela(made, []), 4 * made.initial.length + 1024, how);
}

function programAt(text: string): Program {
  const made = compile(text);
  const check = made.scenarios[0]?.checks[0];
  if (!check) throw new Error('the example does not compile');
  return programOf(made, check).program;
}

/** `models/poke.pml` as it is, with pan's defaults for speed. */
function pan(cpus: number) {
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
    const took = (performance.now() - started) / 1000;
    const figure = (pattern: RegExp): number => Number(pattern.exec(said)?.[1]);
    const states = figure(/^\s*(\d+) states, stored/m);
    const megabytes = figure(/^\s*([\d.]+)\s+equivalent memory usage for states/m);
    return { states, seconds: took, bytes: (megabytes * (1 << 20)) / states };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// ---- the rows, in groups that share what takes long

async function small(): Promise<Row[]> {
  const script = join(import.meta.dirname, 'alone.ts');
  const [ours, theirs] = byTurns(
    5,
    () => JSON.parse(execFileSync(process.execPath, [script, '4'], { encoding: 'utf8' })) as Alone,
    () => pan(4),
  );
  return [
    {
      what: `\`poke.pml\`, 4 CPUs, the quickest of five by turns: ${number(ours.states)} states, ${number(ours.transitions)} transitions`,
      goal: '3 x the states a second',
      ours: `${seconds(ours.seconds)}, ${millions(ours)}`,
      peer: `pan -O2: ${seconds(theirs.seconds)}, ${millions(theirs)}, ${number(theirs.states)} states`,
      ratio: times(ours.states / ours.seconds / (theirs.states / theirs.seconds)),
    },
    {
      what: 'the same: bytes a state, at most at once',
      goal: '40',
      ours: (ours.bytes / ours.states).toFixed(0),
      peer: `pan: ${theirs.bytes.toFixed(0)}`,
      ratio: times(theirs.bytes / (ours.bytes / ours.states)),
    },
  ];
}

async function verdicts(): Promise<Row[]> {
  const ours = checks(file, '--full', '--workers', '1');
  let at = 0;
  let asked = 0;
  let same = 0;
  let total = 0;
  for (const scenario of compiled.scenarios)
    for (const check of scenario.checks) {
      const mine = ours[at++];
      const { program } = programOf(compiled, check);
      if (excluded(program)) continue;
      const found = await spin(program);
      asked++;
      total += found.seconds;
      // The model has one state more for each property that is broken, and counts the initial state as a transition.
      const states = found.states - found.failed.length;
      if (states === mine?.states && found.transitions - 1 === mine.transitions) same++;
    }
  const peer = `spin, gcc and pan on the ${asked} checks that have a model, ${same} with the same counts: ${seconds(total)}`;
  const row = (how: string, took: number, goal?: string): Row => ({
    what: `int3-emulate, all ${compiled.scenarios.length} scenarios from a cold start, ${how}`,
    ...(goal === undefined ? {} : { goal }),
    ours: seconds(took),
    peer,
    ratio: times(total / took),
  });
  return [
    row('`suture verify`', cold('verify', file), '20 x faster'),
    row('one worker', cold('verify', file, '--workers', '1')),
    row('one worker, `--full`', cold('verify', file, '--workers', '1', '--full')),
  ];
}

async function three(): Promise<Row[]> {
  const ours = wider(3, '--full');
  const theirs = await spin(programAt(wide(3)), { optimise: 2 });
  return [
    {
      what: `int3-emulate, two patches, 3 CPUs, \`--full\`: ${counted(ours)}, search alone`,
      ours: `${seconds(ours.seconds)}, ${millions(ours)}, ${(ours.peakBytes / ours.states).toFixed(0)} bytes a state`,
      peer: `pan -O2 alone: ${seconds(theirs.panSeconds)}, ${number(theirs.states)} states, ${theirs.vector} bytes a state`,
      ratio: times(theirs.panSeconds / ours.seconds),
    },
  ];
}

/** What pan may have for a model that it cannot finish. */
const allowed: How = { optimise: 1, reduced: true, megabytes: 12_000, minutes: 2 };
/** What we may have for ours. */
const bounded = ['--full', '--max-states', '30000000', '--max-memory', '16000', '--timeout', '240'];

async function four(): Promise<Row[]> {
  const less = wider(4);
  const full = wider(4, ...bounded);
  const few = wider(4, '--full', '--max-states', '100000');
  const theirs = await spin(programAt(wide(4)), allowed);
  const each = (c: CheckReport): number => (1e6 * c.seconds) / c.states;
  const what = 'int3-emulate, two patches, 4 CPUs';
  const ours = `${counted(less)}, ${seconds(less.seconds)}`;
  return [
    {
      what: `${what}: reduced`,
      goal: '100 x fewer states',
      ours,
      peer: `\`--full\`: ${counted(full)}, ${seconds(full.seconds)}`,
      ratio: `${full.bound === null ? '' : 'more than '}${times(full.states / less.states)}`,
    },
    {
      what: `${what}: reduced`,
      goal: '100 x fewer states',
      ours,
      peer: `pan with its own reduction: ${theirs.finished ? '' : 'more than '}${number(theirs.states)} states, ${seconds(theirs.panSeconds)}${theirs.finished ? '' : `; ended by ${number(allowed.megabytes ?? 0)} MB or ${allowed.minutes} minutes`}`,
      ratio: `${theirs.finished ? '' : 'more than '}${times(theirs.states / less.states)}`,
    },
    {
      what: `${what}, \`--full\`: bytes a state, at most at once, of ${number(full.states)} states`,
      goal: '40',
      ours: (full.peakBytes / full.states).toFixed(0),
      peer: `pan's vector: ${number(theirs.vector)}`,
      ratio: times(theirs.vector / (full.peakBytes / full.states)),
    },
    {
      what: `${what}, \`--full\`: time a state, ${number(full.states)} states against ${number(few.states)}`,
      goal: 'within 3 x',
      ours: `${each(full).toFixed(2)} µs`,
      peer: `${each(few).toFixed(2)} µs`,
      ratio: `${times(each(full) / each(few))} the time`,
    },
  ];
}

async function more(): Promise<Row[]> {
  const row = (cpus: number, goal?: string): Row => {
    const ours = wider(cpus, '--max-states', '1000000');
    return {
      what: `int3-emulate, two patches, ${cpus} CPUs: reduced`,
      ...(goal === undefined ? {} : { goal }),
      ours: `${counted(ours)}, ${seconds(ours.seconds)}`,
    };
  };
  return [row(3), row(5), row(6, 'under 1 s')];
}

async function gallery(): Promise<Row[]> {
  return [
    {
      what: '`suture verify examples`, cold',
      goal: 'under 2 s',
      ours: seconds(Math.min(cold('verify', 'examples'), cold('verify', 'examples'))),
    },
  ];
}

async function workers(): Promise<Row[]> {
  // What is searched in full is searched long enough for the start of a worker to count no more.
  return [[file], ['examples'], ['examples', '--full']].map((what) => {
    const [one, two] = byTurns(
      3,
      () => command(['verify', ...what, '--workers', '1']),
      () => command(['verify', ...what, '--workers', '2']),
    );
    return {
      what: `\`suture verify ${what.join(' ')}\`, cold, two workers, the quickest of three by turns`,
      goal: '1.4 x one',
      ours: seconds(two.seconds),
      peer: `one worker: ${seconds(one.seconds)}`,
      ratio: times(one.seconds / two.seconds),
    };
  });
}

/** What somebody does who has Spin and no `minimize`: takes syncs out, one set after the other, and asks each time. */
async function bySpin({ checks: all }: Scenario) {
  const tree = compiled.file;
  if (!tree) throw new Error('the example does not parse');
  const pieces = all.flatMap((c) => piecesOf(tree, c.options).pieces);
  const ids = [...new Set(pieces.flatMap((p) => (p.kind === 'sync' ? [p.id] : [])))];
  let took = 0;
  let runs = 0;
  const keeps = async (kept: number): Promise<Answer> => {
    for (const check of all) {
      const file = varied(tree, check.options, {
        gone: (p) => p.kind === 'sync' && (kept & (1 << ids.indexOf(p.id))) === 0,
        way: () => undefined,
        order: () => undefined,
      });
      const lowered = lower(file, compiled.text, check, () => {});
      if (!lowered) return 'breaks';
      const found = await spin(lowered.program, { first: true });
      took += found.seconds;
      runs++;
      if (found.failed.length > 0) return 'breaks';
    }
    return 'keeps';
  };
  let sets = 0;
  let wanted = 0;
  let answer: Answer = 'unfinished';
  const asking = minimalSets(ids.length, function* (kept) {
    wanted = kept;
    sets++;
    yield;
    return answer;
  });
  let step = asking.next();
  for (; !step.done; step = asking.next()) answer = await keeps(wanted);
  const sizes = step.value.sets.map((s) => s.kept.toString(2).replaceAll('0', '').length);
  return { seconds: took, runs, sets, sizes, syncs: ids.length };
}

async function minimize(): Promise<Row[]> {
  const name = 'as merged';
  const scenario = compiled.scenarios.find((s) => s.name === name);
  if (!scenario) throw new Error(`there is no "${name}"`);
  const one = (...words: readonly string[]): number =>
    cold('minimize', file, '--scenario', name, ...words);
  const syncs = one('--only', 'sync');
  const whole = one();
  const theirs = await bySpin(scenario);
  const peer = `spin, gcc and pan on ${theirs.sets} sets of its ${theirs.syncs} syncs, ${theirs.runs} runs, as far as the first violation: ${seconds(theirs.seconds)}; needed: ${theirs.sizes.join(' or ')}`;
  return [
    {
      what: `\`suture minimize\` of int3-emulate, "${name}", its syncs`,
      ours: seconds(syncs),
      peer,
      ratio: times(theirs.seconds / syncs),
    },
    {
      what: 'the same with orders, units and conditions, which the peer leaves as they are',
      ours: seconds(whole),
      peer,
      ratio: times(theirs.seconds / whole),
    },
    {
      what: `\`suture minimize\` of all ${compiled.scenarios.length} scenarios of int3-emulate`,
      goal: 'under 5 s',
      ours: seconds(cold('minimize', file)),
    },
  ];
}

// ---- the table

const groups: Readonly<Record<string, () => Promise<Row[]>>> = {
  poke: small,
  verdicts,
  three,
  four,
  more,
  examples: gallery,
  workers,
  minimize,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((w) => !(w in groups));
if (unknown.length > 0) {
  console.error(`no rows are called ${unknown.join(', ')}; ${Object.keys(groups).join(', ')} are`);
  process.exit(2);
}
const started = performance.now();
const lines: string[] = [];
for (const [name, group] of Object.entries(groups)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const { what, goal = '', ours, peer = '', ratio = '' } of await group()) {
    lines.push(`| ${[what, goal, ours, peer, ratio].join(' | ')} |`);
    console.error(lines.at(-1));
  }
}
const minutes = (performance.now() - started) / 60_000;
console.error(`${minutes.toFixed(1)} minutes`);
if (wanted.length === 0)
  writeSection(
    'speed',
    `${measuredOn()}; ${spinVersion()}. ${minutes.toFixed(0)} minutes for all of it.
What is above 1 x is better than the peer, but for the time a state.

| what | goal | ours | peer | ratio |
|---|---|---|---|---:|
${lines.join('\n')}
`,
  );
