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
  /** Spin, gcc and pan together. */
  readonly seconds: number;
  readonly panSeconds: number;
  readonly vector: number;
}

/** Counts every state of a model, without reductions; `vector`: bytes of a state. */
export async function askPan(model: string, vector: number): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'suture-promela-'));
  try {
    writeFileSync(join(folder, 'model.pml'), model);
    const options = { cwd: folder, maxBuffer: 1 << 28, timeout: 3_000_000 };
    const start = performance.now();
    await run('spin', ['-a', 'model.pml'], options);
    await run(
      'gcc',
      [
        // Optimising takes gcc longer than it saves pan, up to some million states.
        '-O0',
        '-w',
        '-DSAFETY',
        '-DNOREDUCE',
        '-DNOFAIR',
        '-DMEMLIM=20000',
        `-DVECTORSZ=${vector}`,
        '-o',
        'pan',
        'pan.c',
      ],
      options,
    );
    const compiled = performance.now();
    // It ends with a status of its own where an assertion failed.
    const said = await run('./pan', ['-c0', '-n', '-m2000000'], options).then(
      (x) => x.stdout,
      (e: { stdout?: string }) => e.stdout ?? '',
    );
    const end = performance.now();
    const figure = (name: string): number =>
      Number(new RegExp(`^\\s*(\\d+) ${name}`, 'm').exec(said)?.[1] ?? -1);
    if (/max search depth too small|out of memory|VECTORSZ|Search not completed/.test(said))
      throw new Error(`pan did not finish:\n${said.slice(0, 2000)}`);
    return {
      states: figure('states, stored'),
      transitions: figure('transitions'),
      failed: [
        ...new Set(
          [...said.matchAll(/assertion violated \(failed!=(\d+)\)/g)].map((m) => Number(m[1])),
        ),
      ].sort((a, b) => a - b),
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
