// Runs the real command as a process, in a folder of its own, on small specs.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const entry = join(root, 'compiler/cli/suture.js');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'suture-cli-'));

  /** Dozens of processes: what one has compiled the others need not. */
  private readonly env = { NODE_COMPILE_CACHE: join(this.path, '.compiled') };

  write(name: string, text: string): string {
    const at = join(this.path, name);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    return name;
  }

  /** With `input` on standard input; `interruptAfter` sends SIGINT after that many milliseconds. */
  run(
    args: readonly string[],
    {
      input = '',
      env = {},
      interruptAfter,
    }: {
      readonly input?: string;
      readonly env?: Readonly<Record<string, string>>;
      readonly interruptAfter?: number;
    } = {},
  ): Promise<Ended> {
    const child = spawn(process.execPath, [entry, ...args], {
      cwd: this.path,
      env: { ...process.env, ...this.env, COLUMNS: '', ...env },
    });
    let out = '';
    let err = '';
    // A letter may come in two pieces.
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    child.stdout.on('data', (d) => {
      out += d;
    });
    child.stderr.on('data', (d) => {
      err += d;
    });
    // A command that reads nothing may have ended before it is written to.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    if (interruptAfter !== undefined) setTimeout(() => child.kill('SIGINT'), interruptAfter);
    return new Promise((done) => {
      child.on('close', (code) => done({ code, out, err }));
    });
  }

  /** A line as a user types it into a shell, with the gallery at hand. */
  shell(line: string): Promise<Ended> {
    const examples = join(this.path, 'examples');
    if (!existsSync(examples)) symlinkSync(join(root, 'examples'), examples);
    const child = spawn(
      'sh',
      ['-c', `suture() { "${process.execPath}" "${entry}" "$@"; }\n${line}`],
      {
        cwd: this.path,
      },
    );
    let out = '';
    let err = '';
    // A letter may come in two pieces.
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    child.stdout.on('data', (d) => {
      out += d;
    });
    child.stderr.on('data', (d) => {
      err += d;
    });
    return new Promise((done) => {
      child.on('close', (code) => done({ code, out, err }));
    });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The gallery's specs, by their paths. */
export const example = (name: string): string => join(root, 'examples', `${name}.suture`);

/** Two contents and one routine; `patch` is the body of the patch, `scenarios` what is asked. */
export const spec = (
  patch: string,
  scenarios: string,
): string => `protocol small "A call is written over"
code {
  one:    mov eax, 1; ret
  two:    mov eax, 2; ret
  caller: cli
  place:  call one
          sti
          jmp caller
}
thread worker runs caller
stub plain(target) { push place.end; jmp target }
on breakpoint at place { resume plain }
patch place: call one -> call two {
${patch}
}
witness trap at place
${scenarios}
`;

/** IRQs are off at the site: the stub alone will do. */
export const guarded = `  build plain(new.target)
  sync cores
  poke place[0] = int3
  sync cores
  poke place[1..] as any order
  sync cores
  poke place[0]
  sync cores
  release plain`;
export const withoutSync = guarded.replace('  sync cores\n  poke place[1..]', '  poke place[1..]');
