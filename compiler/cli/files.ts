// From the arguments to the specs: files, folders and standard input, each read or named as unreadable.

import { readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../../grammar/index.ts';
import type { Scenario } from '../compile.ts';
import { count } from './terminal.ts';

/** A use of the command that cannot be followed: exit 2. */
export class UsageError extends Error {}

export interface Input {
  /** As the user wrote it, or below the folder that the user wrote. */
  readonly name: string;
  /** Absent where it could not be read. */
  readonly text?: string;
  readonly problem?: string;
}

/** With `folders` a folder stands for every `*.suture` below it, in the order of their paths. */
export function readInputs(names: readonly string[], folders: boolean): readonly Input[] {
  const seen = new Set<string>();
  return names
    .flatMap((name) => (name === '-' ? [name] : expand(name, folders)))
    .map((item): Input => {
      if (typeof item !== 'string') return item;
      try {
        return { name: item, text: readText(item) };
      } catch (error) {
        return { name: item, problem: why(error) };
      }
    })
    .filter((i) => !seen.has(i.name) && seen.add(i.name));
}

/** Files are UTF-8; a mark of the byte order is no part of the text. */
export function readText(name: string): string {
  const bytes = name === '-' ? standardInput() : readFileSync(name);
  const text = bytes.toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** To its end. A pipe that is not blocking answers EAGAIN while its writer is not ready: then a moment is waited. */
function standardInput(): Buffer {
  const chunks: Buffer[] = [];
  const moment = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const chunk = Buffer.alloc(1 << 16);
    try {
      const n = readSync(0, chunk);
      if (n === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, n));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return Buffer.concat(chunks);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(moment, 0, 0, 20);
    }
  }
}

function expand(name: string, folders: boolean): readonly (string | Input)[] {
  let folder = false;
  try {
    folder = statSync(name).isDirectory();
  } catch (error) {
    return [{ name, problem: why(error) }];
  }
  if (!folder) return [name];
  if (!folders) return [{ name, problem: 'is a folder; name its files' }];
  try {
    const files = filesIn(name).sort();
    return files.length > 0 ? files : [{ name, problem: 'has no *.suture file in it or below' }];
  } catch (error) {
    return [{ name, problem: why(error) }];
  }
}

/** Specs in a folder and below it. A link to a folder may lead round, and who reads a pipe waits for ever. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path);
    const isFile = entry.isFile() || (entry.isSymbolicLink() && !isOther(path));
    return isFile && path.endsWith('.suture') ? [path] : [];
  });
}
/** Whether a link leads to something that is no file; one that leads nowhere is told when it is read. */
const isOther = (link: string): boolean =>
  statSync(link, { throwIfNoEntry: false })?.isFile() === false;

/** The scenario of that name, or the first. */
export function pick(scenarios: readonly Scenario[], name: string | undefined): Scenario {
  const found = name === undefined ? scenarios[0] : scenarios.find((s) => s.name === name);
  if (found) return found;
  throw new UsageError(
    noScenario(
      name ?? '',
      scenarios.map((s) => s.name),
    ),
  );
}

/** The index of a check of a scenario, which people count from 1. */
export function pickCheck(scenario: Scenario, check = 1): number {
  if (check <= scenario.checks.length) return check - 1;
  throw new UsageError(
    `"${scenario.name}" has ${count(scenario.checks.length, 'check')}, and --check ${check} is none`,
  );
}

export function noScenario(name: string, known: readonly string[]): string {
  const near =
    nearest(name, known) ?? known.find((k) => k.toLowerCase().includes(name.toLowerCase()));
  return `no scenario is called "${name}"${near ? `; did you mean "${near}"?` : ''}\n  there are: ${known.map((k) => `"${k}"`).join(', ')}`;
}

/** The system's reason in words. */
export function why(error: unknown, done = 'read'): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return `may not be ${done}: permission denied`;
    case 'EISDIR':
      return 'is a folder';
    default:
      return code ? `cannot be ${done} (${code})` : String((error as Error).message ?? error);
  }
}
