// Checks of the gallery, and of the specs that try the machine's corners, for who compares what generated code does with what somebody else says.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, programOf } from '../../compiler/index.ts';
import type { Program } from '../../compiler/ir.ts';

const examples = join(import.meta.dirname, '../../examples');
const specs = join(import.meta.dirname, '../emulator/specs');

export interface Case {
  readonly name: string;
  readonly program: Program;
}

/** Of every scenario of the gallery the first `most` checks. */
export const gallery = (most: number): readonly Case[] => checks(examples, most);

/** Of every scenario of the emulator's own specs the first check. */
export const corners = (): readonly Case[] => checks(specs, 1);

function checks(folder: string, most: number): readonly Case[] {
  const cases: Case[] = [];
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.suture'))) {
    const compiled = compile(readFileSync(join(folder, file), 'utf8'));
    for (const scenario of compiled.scenarios) {
      for (const check of scenario.checks.slice(0, most)) {
        const values = check.values.length > 0 ? ` | ${check.values.join(', ')}` : '';
        cases.push({
          name: `${file.replace('.suture', '')} | ${scenario.name}${values}`,
          program: programOf(compiled, check).program,
        });
      }
    }
  }
  return cases;
}
