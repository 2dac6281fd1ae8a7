// QEMU: which one is here, and a boot of an image with its serial line as the answer.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCode, ports } from '../image/boot.ts';

const command = 'qemu-system-x86_64';

export interface Qemu {
  readonly version: string;
  /** One instruction to a translated block, so that interrupts come at every boundary. */
  readonly single: readonly string[];
}

/** Undefined where it is not installed. */
export function findQemu(): Qemu | undefined {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  const m = status === 0 ? /version (\d+)\.(\d+)(\.\d+)?/.exec(stdout) : null;
  if (!m) return undefined;
  const newer = Number(m[1]) > 8 || (Number(m[1]) === 8 && Number(m[2]) >= 1);
  const accel = `tcg,thread=multi${newer ? ',one-insn-per-tb=on' : ''}`;
  return {
    version: `${m[1]}.${m[2]}${m[3] ?? ''}`,
    single: ['-accel', accel, ...(newer ? [] : ['-singlestep'])],
  };
}

/** What it said until its end; a sentence where it did not end as an image does. It needs no display, disk or network. */
export function boot(
  qemu: Qemu,
  image: Uint8Array,
  cpus: number,
  seconds: number,
): Promise<{ readonly output: string; readonly problem?: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'suture-try-'));
  const file = join(folder, 'image.elf');
  writeFileSync(file, image);
  return new Promise((resolve) => {
    const child = spawn(
      command,
      [
        ...qemu.single,
        ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
        ...['-monitor', 'none', '-serial', 'stdio', '-m', '128', '-smp', String(cpus)],
        ...['-device', `isa-debug-exit,iobase=${ports.exit},iosize=4`, '-kernel', file],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    let errors = '';
    let late = false;
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString('latin1');
    });
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString('utf8');
    });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, seconds * 1000);
    const end = (problem?: string): void => {
      clearTimeout(timer);
      rmSync(folder, { recursive: true, force: true });
      resolve({ output, ...(problem === undefined ? {} : { problem }) });
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (status) => {
      if (late) end(`QEMU did not end in ${seconds} seconds`);
      // The debug exit turns a code into twice as much and one.
      else if (status !== 2 * exitCode.done + 1)
        end(`QEMU ended with ${status}${errors === '' ? '' : `: ${errors.trim()}`}`);
      else end();
    });
  });
}
