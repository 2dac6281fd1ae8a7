// `suture check`: are these specs well formed? Diagnostics, and what this version cannot yet run.

import { source } from '../../grammar/index.ts';
import { capabilities, compile } from '../index.ts';
import { diagnose } from './diagnose.ts';
import { readInputs, UsageError } from './files.ts';
import { count, terminal } from './terminal.ts';

export interface CheckOptions {
  readonly capabilities?: boolean;
}

export function check(names: readonly string[], options: CheckOptions): number {
  if (options.capabilities) {
    const widest = Math.max(...[...capabilities.keys()].map((k) => k.length));
    process.stdout.write('parsed, and not supported yet:\n');
    for (const [name, meaning] of capabilities)
      process.stdout.write(`  ${name.padEnd(widest)}  ${meaning}\n`);
    if (names.length === 0) return 0;
  }
  if (names.length === 0) throw new UsageError('name at least one file, or `-` for standard input');
  const inputs = readInputs(names, true);
  const t = terminal(process.stdout);
  let unreadable = 0;
  let errors = 0;
  let warnings = 0;
  for (const input of inputs) {
    if (input.text === undefined) {
      process.stderr.write(`suture: ${input.name}: ${input.problem}\n`);
      unreadable++;
      continue;
    }
    const compiled = compile(input.text);
    const text = source(input.text, input.name);
    for (const d of compiled.diagnostics) process.stdout.write(diagnose(text, d, t));
    errors += compiled.diagnostics.filter((d) => d.severity === 'error').length;
    warnings += compiled.diagnostics.filter((d) => d.severity === 'warning').length;
  }
  const read = inputs.length - unreadable;
  const found = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ];
  if (read > 0)
    process.stderr.write(
      `${count(read, 'file')} checked: ${found.length > 0 ? found.join(', ') : 'no errors'}\n`,
    );
  return unreadable > 0 ? 2 : errors > 0 ? 1 : 0;
}
