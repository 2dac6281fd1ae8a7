// `suture emit`: the bytes of code and stubs, as hexadecimal, assembly, a listing, JSON, or themselves.

import { writeFileSync } from 'node:fs';
import { place, source } from '../../grammar/index.ts';
import { compile, emit as emitItems, programOf } from '../index.ts';
import type { Compiled, Scenario } from '../verify.ts';
import { schemaVersion } from '../version.ts';
import { emitAsm, emitBin, emitHex, emitJson, emitListing } from '../x86/emit.ts';
import { diagnose } from './diagnose.ts';
import { pick, readInputs, UsageError, why } from './files.ts';
import { terminal } from './terminal.ts';

export interface EmitOptions {
  readonly scenario?: string;
  readonly format: 'hex' | 'asm' | 'listing' | 'json' | 'bin';
  readonly syntax: 'intel' | 'att';
  readonly at?: number;
  readonly output?: string;
}

export function emit(name: string, options: EmitOptions): number {
  const input = readInputs([name], false)[0];
  if (input?.text === undefined) throw new UsageError(`${name}: ${input?.problem}`);
  const t = terminal(process.stderr);
  const text = source(input.text, name);
  const compiled = compile(input.text);
  for (const d of compiled.diagnostics) process.stderr.write(diagnose(text, d, t));
  if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
  const check = scenarioOf(compiled, options.scenario).checks[0];
  if (!check) throw new UsageError('this scenario has no check');
  const { items, diagnostics, longer } = emitItems(
    compiled,
    programOf(compiled, check),
    options.at,
  );
  for (const d of diagnostics) process.stderr.write(diagnose(text, d, t));
  if (diagnostics.length > 0) return 1;
  if (longer.length > 0)
    process.stderr.write(
      `suture: at this address ${longer.join(', ')} ${longer.length === 1 ? 'takes' : 'take'} longer forms of instructions than those that are verified\n`,
    );
  switch (options.format) {
    case 'hex':
      return put(emitHex(items), options);
    case 'asm':
      return put(emitAsm(items, options.syntax), options);
    case 'listing':
      return put(emitListing(items), options);
    case 'json': {
      const document = {
        schemaVersion,
        protocol: compiled.file?.name.text ?? null,
        items: emitJson(items, (span) => place(text, span)),
      };
      return put(`${JSON.stringify(document, undefined, 2)}\n`, options);
    }
    case 'bin':
      if (options.output === undefined && process.stdout.isTTY)
        throw new UsageError('bytes do not belong on a terminal: use `-o FILE`');
      return put(emitBin(items), options);
  }
}

function scenarioOf(compiled: Compiled, name: string | undefined): Scenario {
  return pick(compiled.scenarios, name);
}

function put(what: string | Uint8Array, options: EmitOptions): number {
  if (options.output === undefined || options.output === '-') process.stdout.write(what);
  else {
    try {
      writeFileSync(options.output, what);
    } catch (error) {
      throw new UsageError(`${options.output}: ${why(error, 'written')}`);
    }
  }
  return 0;
}
