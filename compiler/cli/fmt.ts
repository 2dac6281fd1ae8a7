// `suture fmt`: specs in the one layout, written back, or named where they are not in it.

import { isUtf8 } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { format, parse, source } from '../../grammar/index.ts';
import { diagnose } from './diagnose.ts';
import { readInputs, why } from './files.ts';
import { count, terminal } from './terminal.ts';

export interface FmtOptions {
  readonly check?: boolean;
}

/** A spec with errors stays as it is: where it is misread, its lines would be moved for nothing. */
export function fmt(names: readonly string[], options: FmtOptions): number {
  // What is printed may be the spec itself, so that everything else goes beside it.
  const t = terminal(process.stderr);
  let unreadable = 0;
  let errors = 0;
  let changed = 0;
  const inputs = readInputs(names, true);
  for (const { name, text, problem } of inputs) {
    if (text === undefined) {
      process.stderr.write(`suture: ${name}: ${problem}\n`);
      unreadable++;
      continue;
    }
    const parsed = parse(text);
    const formatted = format(text, parsed);
    if (formatted === undefined) {
      const from = source(text, name);
      for (const d of parsed.diagnostics) process.stderr.write(diagnose(from, d, t));
      errors += parsed.diagnostics.length;
      continue;
    }
    const same = formatted === text;
    const [wrong] = same ? [] : parse(formatted).diagnostics;
    if (wrong !== undefined) {
      // Nothing is written that could not be read again; only its indentation may do that.
      if (wrong.code !== 'too-large') throw new Error(`${name} laid out: ${wrong.message}`);
      process.stderr.write(`suture: ${name}: laid out, ${wrong.message}\n`);
      errors++;
      continue;
    }
    if (!options.check && name === '-') {
      process.stdout.write(formatted);
      continue;
    }
    if (same) continue;
    if (!options.check) {
      try {
        // What was read of other bytes is not what stands there.
        if (!isUtf8(readFileSync(name))) {
          process.stderr.write(`suture: ${name}: is not UTF-8\n`);
          unreadable++;
          continue;
        }
        writeFileSync(name, formatted);
      } catch (error) {
        process.stderr.write(`suture: ${name}: ${why(error, 'written')}\n`);
        unreadable++;
        continue;
      }
    }
    changed++;
    process.stdout.write(`${name}\n`);
  }
  const read = inputs.length - unreadable;
  const onlyStandardInput = inputs.every((i) => i.name === '-');
  if (read > 0 && !onlyStandardInput) {
    const found = [
      ...(changed > 0 ? [`${changed} ${options.check ? 'not formatted' : 'changed'}`] : []),
      ...(errors > 0 ? [count(errors, 'error')] : []),
    ];
    const what =
      found.length > 0 ? found.join(', ') : options.check ? 'all formatted' : 'no changes';
    process.stderr.write(`${count(read, 'file')}: ${what}\n`);
  }
  if (unreadable > 0) return 2;
  return errors > 0 || (options.check && changed > 0) ? 1 : 0;
}
