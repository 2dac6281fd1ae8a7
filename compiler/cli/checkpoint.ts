// `suture verify --checkpoint DIR`: what a scenario's search has found so far, in a file to which only is added; a search that was killed goes on from there.

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import type { Compiled, Scenario } from '../compile.ts';
import type { SavedVerification } from '../verify.ts';
import { languageVersion, machineVersion } from '../version.ts';
import { UsageError, why } from './files.ts';
import { ownVersion } from './version.ts';

export interface CheckpointSettings {
  readonly folder: string;
  /** Whether a search goes on from what is there; else it begins anew. */
  readonly resume: boolean;
}

/** What is added at once. */
interface Entry {
  readonly saved: SavedVerification;
  /** Of each check, until now. */
  readonly seconds: readonly number[];
}

/** The form of the entries. */
const format = 2;
/** Before each entry: its length, and the CRC-32 of its bytes. */
const headBytes = 8;

/** Where the search of a scenario is kept. Its name says all that the search rests on but its bounds, which may be raised. */
export function checkpointFile(
  folder: string,
  compiled: Compiled,
  scenario: Scenario,
  full: boolean,
): string {
  const versions = [format, ownVersion, languageVersion, machineVersion, process.version];
  const text = JSON.stringify([...versions, full, scenario.name, compiled.text]);
  return join(folder, `${createHash('sha256').update(text).digest('hex').slice(0, 32)}.search`);
}

/** The folder, made where there is none. */
export function checkpointFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`${folder}: ${why(error, 'written')}`);
  }
}

export class Checkpoint {
  private readonly file: number;
  private readonly name: string;
  private at = 0;

  constructor(name: string, resume: boolean) {
    this.name = name;
    try {
      this.file = openSync(name, resume && existsSync(name) ? 'r+' : 'w+');
    } catch (error) {
      throw new UsageError(`${name}: ${why(error, 'written')}`);
    }
  }

  /** What was added, in its order. An entry that is torn, and what stands behind it, is cut off. */
  *entries(): Generator<Entry, void> {
    const head = Buffer.alloc(headBytes);
    for (;;) {
      if (readSync(this.file, head, 0, headBytes, this.at) < headBytes) break;
      const body = Buffer.alloc(head.readUInt32LE(0));
      const read = readSync(this.file, body, 0, body.length, this.at + headBytes);
      if (read < body.length || crc32(body) !== head.readUInt32LE(4)) break;
      this.at += headBytes + body.length;
      yield deserialize(body) as Entry;
    }
    ftruncateSync(this.file, this.at);
  }

  add(entry: Entry): void {
    const body = serialize(entry);
    const head = Buffer.alloc(headBytes);
    head.writeUInt32LE(body.length, 0);
    head.writeUInt32LE(crc32(body), 4);
    try {
      writeSync(this.file, head, 0, headBytes, this.at);
      writeSync(this.file, body, 0, body.length, this.at + headBytes);
    } catch (error) {
      throw new UsageError(`${this.name}: ${why(error, 'written')}`);
    }
    this.at += headBytes + body.length;
  }

  close(): void {
    closeSync(this.file);
  }
}

export function removeCheckpoint(name: string): void {
  rmSync(name, { force: true });
}
