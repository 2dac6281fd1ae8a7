// What Spin finds in a model that we emit: made by `spin`, compiled by gcc, run to its end in a folder of its own.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Found {
  readonly states: number;
  readonly transitions: number;
  /** Outcomes that an assertion named. */
  readonly failed: readonly number[];
  /** False where pan's memory or its minutes were used up. */
  readonly finished: boolean;
  /** Spin, gcc and pan together. */
  readonly seconds: number;
  readonly panSeconds: number;
  /** Bytes of a state. */
  readonly vector: number;
}

export interface How {
  /** Optimising takes gcc longer than it saves pan, up to some million states: 0 if not said. */
  readonly optimise?: 0 | 1 | 2;
  /** With Spin's own partial order reduction; the counts are none of the model's then. */
  readonly reduced?: boolean;
  /** Ends at the first violation. */
  readonly first?: boolean;
  readonly megabytes?: number;
  /** Whole ones: pan has no others. Without them it is an error not to finish. */
  readonly minutes?: number;
}

/** Counts every state of a model, without reductions if not said; `vector`: bytes that a state may take. */
export async function askPan(model: string, vector: number, how: How = {}): Promise<Found> {
  const { optimise = 0, reduced = false, first = false, megabytes = 20_000, minutes } = how;
  const folder = mkdtempSync(join(tmpdir(), 'suture-promela-'));
  try {
    writeFileSync(join(folder, 'model.pml'), model);
    const options = { cwd: folder, maxBuffer: 1 << 28, timeout: 3_000_000 };
    const start = performance.now();
    await run('spin', ['-a', 'model.pml'], options);
    const defined = [
      'SAFETY',
      ...(reduced ? [] : ['NOREDUCE']),
      'NOFAIR',
      `MEMLIM=${megabytes}`,
      `VECTORSZ=${vector}`,
    ];
    await run(
      'gcc',
      [`-O${optimise}`, '-w', ...defined.map((d) => `-D${d}`), '-o', 'pan', 'pan.c'],
      options,
    );
    const compiled = performance.now();
    // It ends with a status of its own where an assertion failed.
    const limits = minutes === undefined ? [] : [`-Q${minutes}`];
    const said = await run(
      './pan',
      [first ? '-c1' : '-c0', '-n', '-m2000000', ...limits],
      options,
    ).then(
      (x) => x.stdout,
      (e: { stdout?: string }) => e.stdout ?? '',
    );
    const end = performance.now();
    const figure = (name: string): number =>
      Number(new RegExp(`^\\s*(\\d+) ${name}`, 'm').exec(said)?.[1] ?? -1);
    const violated = first && /assertion violated/.test(said);
    const finished = violated || !/out of memory|MEMLIM|Search not completed/.test(said);
    if (/max search depth too small|VECTORSZ/.test(said) || (!finished && minutes === undefined))
      throw new Error(`pan did not finish:\n${said.slice(0, 2000)}`);
    return {
      states: figure('states, stored'),
      transitions: figure('transitions'),
      failed: [
        ...new Set(
          [...said.matchAll(/assertion violated \(failed!=(\d+)\)/g)].map((m) => Number(m[1])),
        ),
      ].sort((a, b) => a - b),
      finished,
      seconds: (end - start) / 1000,
      panSeconds: (end - compiled) / 1000,
      vector: Number(/State-vector (\d+)/.exec(said)?.[1] ?? 0),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const spinVersion = (): string =>
  execFileSync('spin', ['-V'], { encoding: 'utf8' }).replace('Spin Version', '').trim();
