// `suture new`: a first spec, that verifies and teaches, or a copy of an example to change.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from '../../grammar/index.ts';
import { reservedWords } from '../../grammar/tokens.ts';
import { UsageError, why } from './files.ts';
import { home } from './home.ts';

export interface NewOptions {
  readonly from?: string;
}

export function create(name: string, options: NewOptions): number {
  const path = name.endsWith('.suture') ? name : `${name}.suture`;
  const own = basename(path, '.suture');
  if (own === '' || own === '.suture')
    throw new UsageError('a spec needs a name, as in `suture new mine`');
  const protocol = own.replace(/[^A-Za-z0-9_]/g, '_');
  const text =
    options.from === undefined
      ? first(
          /^[A-Za-z_]/.test(protocol) && !reservedWords.has(protocol) ? protocol : `p_${protocol}`,
        )
      : example(options.from);
  if (existsSync(path))
    throw new UsageError(`${path}: there is such a file already; name another one`);
  if (!existsSync(dirname(path)))
    throw new UsageError(`${path}: there is no folder ${dirname(path)}; make it first`);
  try {
    // Another process may have made it in the meantime: it is not written over.
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw new UsageError(`${path}: ${why(error, 'written')}`);
  }
  const word = /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  process.stdout.write(`wrote ${path}; now: suture verify ${word}\n`);
  return 0;
}

function example(name: string): string {
  const folder = join(home, 'examples');
  const known = readdirSync(folder)
    .filter((f) => f.endsWith('.suture'))
    .map((f) => basename(f, '.suture'));
  const wanted = basename(name, '.suture');
  if (known.includes(wanted)) return readFileSync(join(folder, `${wanted}.suture`), 'utf8');
  const near = nearest(wanted, known);
  throw new UsageError(
    `no example is called ${name}${near ? `; did you mean ${near}?` : ''}\n  there are: ${known.join(', ')}`,
  );
}

const first = (
  protocol: string,
): string => `// A nop of five bytes becomes a jump and back, as a static key does, while another CPU runs it.
// \`suture verify\` checks every scenario at the end. Change something, and see what breaks.
protocol ${protocol} "A jump label, patched by INT3"

// An option has one value in each check. A scenario sets it, or tries all its values.
option guarded = on

// What is executed, byte by byte. \`site\` is the place that is patched: its bytes, and only they, change.
code {
  start:  mov eax, 1
  site:   nop 5
          mov eax, 2
  done:   jmp start
}

// A thread runs the code for ever; another CPU runs the patches.
thread worker runs start

// A CPU that hits the INT3 must go on somewhere: behind the place, as the nop does.
on breakpoint at site { resume site.end }

// The patch, in phases. Behind each one every CPU serialises before the next one begins.
patch site: nop 5 -> jmp near done {
  if guarded {
    phase guard { poke site[0] = int3 }   sync cores
  }
  phase tail { poke site[1..] as any order }   sync cores
  phase head { poke site[0] }                  sync cores
}

// A verdict about nothing is worth nothing: some run must reach these.
witness pass site as old
witness pass site as new

// Every interleaving of every check is searched. \`patches 2\` is there and back.
scenario "with the guard" { patches 2 } expect holds

// Without the INT3 a CPU may fetch the head of one instruction and the tail of the other.
scenario "without it" { guarded = off; patches 2 } expect violates torn_instruction
`;
