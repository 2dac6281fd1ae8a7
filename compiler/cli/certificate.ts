// `suture verify --certificate FILE`: writes what the verdicts rest on, claim after claim, as the checks end.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32, deflateRawSync } from 'node:zlib';
import { source } from '../../grammar/index.ts';
import { claims } from '../certificate.ts';
import type { Compiled, Scenario } from '../compile.ts';
import type { Closing } from '../verify.ts';
import { languageVersion, machineVersion } from '../version.ts';
import { UsageError, why } from './files.ts';
import { count, grouped } from './terminal.ts';

const format = 1;
const begins = '{"certificate":';

export class Certificate {
  private readonly name: string;
  private readonly file: number;
  private checksum = 0;
  private bytes = 0;
  private claims = 0;
  private certified = 0;
  private readonly unfinished: string[] = [];

  constructor(name: string, text: string) {
    this.name = name;
    this.file = open(name);
    const sha256 = createHash('sha256').update(text).digest('hex');
    this.line({ certificate: format, languageVersion, machineVersion, sha256 });
  }

  /** For a verification of this scenario. */
  of(compiled: Compiled, scenario: Scenario): Closing {
    const spec = source(compiled.text, this.name);
    return (check, result, search, machine) => {
      const { values } = result;
      if (result.result.verdict === 'unfinished') {
        this.unfinished.push(
          `"${scenario.name}"${values.length > 0 ? ` (${values.join(', ')})` : ''}`,
        );
        return;
      }
      for (const { claim, bytes } of claims(spec, scenario.name, check, result, search, machine)) {
        const packed = bytes ? deflateRawSync(bytes, { level: 9 }) : Buffer.of();
        this.line(packed.length > 0 ? { ...claim, bytes: packed.length } : claim);
        this.write(packed);
        this.write(Buffer.from('\n'));
        this.claims++;
      }
      this.certified++;
    };
  }

  /** Without its last line the file is torn, and whoever checks it says so. */
  end(): string {
    this.line({ claims: this.claims, crc32: this.checksum });
    closeSync(this.file);
    const missing =
      this.unfinished.length > 0
        ? `; unfinished, and not in it: ${this.unfinished.join(', ')}`
        : '';
    return `${this.name}: certificate of ${count(this.certified, 'check')}, ${grouped(this.bytes)} bytes${missing}`;
  }

  private line(value: object): void {
    this.write(Buffer.from(`${JSON.stringify(value)}\n`));
  }

  private write(bytes: Uint8Array): void {
    this.checksum = crc32(bytes, this.checksum);
    this.bytes += bytes.length;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at);
    } catch (error) {
      throw new UsageError(`${this.name}: ${why(error, 'written')}`);
    }
  }
}

/** An older certificate is replaced; any other file is left alone, for it may be the spec. */
function open(name: string): number {
  try {
    const there = openSync(name, 'a+');
    const head = Buffer.alloc(begins.length);
    const length = readSync(there, head, 0, head.length, 0);
    closeSync(there);
    if (length > 0 && head.toString() !== begins)
      throw new UsageError(`${name} is there and is no certificate; name another file`);
    return openSync(name, 'w');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${name}: ${why(error, 'written')}`);
  }
}
