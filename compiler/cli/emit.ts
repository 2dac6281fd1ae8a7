// `suture emit`: the bytes of code and stubs, as hexadecimal, assembly, a listing, JSON, themselves, or a bootable image;
// or the whole check as a model for Spin.

import { writeFileSync } from 'node:fs';
import { place, source } from '../../grammar/index.ts';
import { promela } from '../generator/promela.ts';
import { excluded, transitions } from '../generator/transitions.ts';
import { image } from '../image/image.ts';
import { compile, emit as emitItems, programOf } from '../index.ts';
import { schemaVersion } from '../version.ts';
import { emitAsm, emitBin, emitHex, emitJson, emitListing } from '../x86/emit.ts';
import { diagnose } from './diagnose.ts';
import { pick, pickCheck, readInputs, UsageError, why } from './files.ts';
import { terminal } from './terminal.ts';

export interface EmitOptions {
  readonly scenario?: string;
  readonly check?: number;
  readonly format: 'hex' | 'asm' | 'listing' | 'json' | 'bin' | 'elf' | 'promela';
  readonly syntax: 'intel' | 'att';
  readonly at?: number;
  readonly output?: string;
}

/** How often an image by itself runs the patch. */
const roundsOfImage = 200;

export function emit(name: string, options: EmitOptions): number {
  const input = readInputs([name], false)[0];
  if (input?.text === undefined) throw new UsageError(`${name}: ${input?.problem}`);
  const t = terminal(process.stderr);
  const text = source(input.text, name);
  const compiled = compile(input.text);
  for (const d of compiled.diagnostics) process.stderr.write(diagnose(text, d, t));
  if (compiled.diagnostics.some((d) => d.severity === 'error')) return 1;
  const scenario = pick(compiled.scenarios, options.scenario);
  const check = scenario.checks[pickCheck(scenario, options.check)];
  if (!check) throw new UsageError('this scenario has no check');
  const lowered = programOf(compiled, check);
  if (options.format === 'elf') {
    const made = image(lowered.program, { rounds: roundsOfImage, stuck: false });
    if (typeof made === 'string') {
      process.stderr.write(`suture: this scenario cannot be had as an image: ${made}\n`);
      return 1;
    }
    noTerminal(options);
    return put(made.bytes, options);
  }
  if (options.format === 'promela') {
    const reason = excluded(lowered.program);
    if (reason !== undefined) {
      process.stderr.write(`suture: this scenario cannot be had as Promela: ${reason}\n`);
      return 1;
    }
    const values = check.values.length > 0 ? [`with ${check.values.join(', ')}`] : [];
    const about = [`${name}, scenario "${scenario.name}"`, ...values];
    return put(promela(transitions(lowered.program), about), options);
  }
  const { items, diagnostics, longer } = emitItems(compiled, lowered, options.at);
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
      noTerminal(options);
      return put(emitBin(items), options);
  }
}

function noTerminal(options: EmitOptions): void {
  if (options.output === undefined && process.stdout.isTTY)
    throw new UsageError('bytes do not belong on a terminal: use `-o FILE`');
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
