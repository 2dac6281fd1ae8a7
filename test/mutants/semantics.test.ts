// Change one line of the semantics, in a copy, and some scenario of the gallery comes out differently.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile } from '../../compiler/index.ts';
import { line, verify } from '../gallery/gallery.ts';

const root = resolve(import.meta.dirname, '../..');
const extra = join(import.meta.dirname, 'extra');
/** What comes out unchanged: the gallery as its own test asserts it, and small specs for what no example rests on. */
const known = [
  ...readFileSync(join(root, 'test/gallery/states.txt'), 'utf8').split('\n'),
  ...readdirSync(extra).flatMap((file) => {
    const compiled = compile(readFileSync(join(extra, file), 'utf8'));
    expect(compiled.diagnostics).toEqual([]);
    return compiled.scenarios.map((scenario) => {
      const r = verify(compiled, scenario);
      expect(r.finding).toBeUndefined();
      return line(file.replace('.suture', ''), r);
    });
  }),
];

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The example scenario that must come out differently: `example | scenario`. */
  readonly caught: string;
  /** Whether the verdict itself changes; else the count of states does. */
  readonly by: 'verdict' | 'states';
}

const m = (
  name: string,
  file: string,
  from: string,
  to: string,
  caught: string,
  by: 'verdict' | 'states' = 'verdict',
): Mutant => ({
  name,
  file: `compiler/emulator/${file}`,
  from,
  to,
  caught,
  by,
});

// Not here: a shadow that delivery leaves. The handler's first step ends it, and IF is 0 until then: nothing can tell.
const mutants: readonly Mutant[] = [
  m(
    'IRET does not serialise',
    'contexts.ts',
    '  m.serialise(m.cpu);\n',
    '',
    'one-stub | IRQs off, no sync for the stub',
  ),
  m(
    'STI casts no shadow',
    'step.ts',
    'if ((m.flags() & flagBits.if) === 0) m.s[(m.l.cpus[m.cpu] as number) + 1] = 1;',
    '',
    'two-stubs | IRQs on or off',
  ),
  m(
    'the shadow outlasts its instruction',
    'machine.ts',
    'if (shadow !== 0) s[at + cpuField.shadow] = 0;',
    '',
    'int3-emulate | as merged',
  ),
  m(
    'an IPI is taken with IF=0',
    'machine.ts',
    '(state[at + cpuField.ipi] as number) > 0 && interruptible && !inNmi',
    '(state[at + cpuField.ipi] as number) > 0 && !inNmi',
    'one-stub | IRQs off at the site',
  ),
  m(
    'an IPI is taken in the shadow',
    'machine.ts',
    'const interruptible = (flags & flagBits.if) !== 0 && !shadow;',
    'const interruptible = (flags & flagBits.if) !== 0;',
    'two-stubs | IRQs on or off',
  ),
  m(
    'an NMI does not unblock at IRET',
    'contexts.ts',
    '  m.s[(l.cpus[m.cpu] as number) + cpuField.nmiBlocked] = 0;\n',
    '',
    'int3-emulate | NMIs on their own stack',
  ),
  m(
    'INT3 is not exempt',
    'fetch.ts',
    'const others = values.filter((v) => v !== int3);',
    'const others = values;',
    'int3-emulate | as merged',
  ),
  m(
    'byte 0 is exempt whatever its values',
    'fetch.ts',
    'if (i > 0 || others.length > 1) {',
    'if (i > 0) {',
    'first-bytes | without a guard',
  ),
  m(
    'RSP is not aligned at delivery',
    'contexts.ts',
    'own >= 0 ? m.stackTop(own) : rsp & ~15',
    'own >= 0 ? m.stackTop(own) : rsp',
    'int3-emulate | no gap, but RSP is 8 mod 16',
  ),
  m(
    'the entry leaves no gap',
    'contexts.ts',
    'env.gap ? gapBytes : 0',
    '0',
    'int3-emulate | as merged',
  ),
  m(
    'the interrupt gate leaves IF',
    'machine.ts',
    "clearsIf: this.#p.env.gate === 'interrupt'",
    'clearsIf: false',
    'int3-emulate | as merged',
  ),
  m(
    'a trap gate clears IF',
    'machine.ts',
    "clearsIf: this.#p.env.gate === 'interrupt'",
    'clearsIf: true',
    'int3-emulate | trap gate',
  ),
  m(
    'the saved RIP is at the INT3',
    'machine.ts',
    'saved: m.rip(),\n      clearsIf: this.#p.env.gate',
    'saved: this.#trapped,\n      clearsIf: this.#p.env.gate',
    'saved-rip | skips the rest',
  ),
  m(
    'a sync does not wait for the buffer',
    'kernel.ts',
    "      case 'send':\n      case 'sendto':\n      case 'iret':",
    "      case 'send':\n        return true;\n      case 'sendto':\n      case 'iret':",
    'int3-emulate | as merged',
  ),
  m(
    'a sync asks nobody',
    'kernel.ts',
    'if (cpu === m.cpu) continue;',
    'continue;',
    'int3-emulate | as merged',
  ),
  m(
    'a wait does not wait',
    'kernel.ts',
    'return m.s[m.l.outstanding] === 0;',
    'return true;',
    'int3-emulate | as merged',
  ),
  m(
    'older values are forgotten at once',
    'core.ts',
    's[at] = this.#withOlder(s[at] as number, old, value);',
    's[at] = 0;',
    "overwrite-in-place | one aligned store, Intel's manual",
    'states',
  ),
  m(
    'a CPU does not see its own stores',
    'core.ts',
    'if (!this.direct && !this.looking) {',
    'if (false) {',
    'forwarding | its own store',
  ),
  m(
    'a superseded version is as good as a current one',
    'passes.ts',
    'if (((mask >> i) & 1) === 0) {',
    'if (false) {',
    'static-key | no third sync',
  ),
  m(
    'a frame may be overwritten',
    'core.ts',
    'if (((this.s[g.at] as number) & g.bit) !== 0) {',
    'if (false) {',
    'int3-emulate | no gap',
  ),
  m(
    'a released stub stays usable',
    'contexts.ts',
    '    if (high === -1 && address >= from && address < to)',
    '    if (false)',
    'two-stubs | an NMI in the shadow',
    'states',
  ),
  m(
    '#BP does not use its own stack',
    'contexts.ts',
    '? (l.istBreakpoint[m.cpu] as number)',
    '? -1',
    'int3-emulate | #BP on its own stack',
  ),
  m(
    'the shadow stack is not compared',
    'core.ts',
    'if (ssp === 0 || this.s[this.t + this.l.shadow + ssp - 1] !== lo) {',
    'if (false) {',
    'two-stubs | a shadow stack',
  ),
  m(
    'a register may be lost',
    'passes.ts',
    'if (s[now] !== s[want] || s[now + 1] !== s[want + 1]) return',
    'if (false) return',
    'r10-r11-thunk | a callee-saved site: only RAX is dead',
  ),
  m(
    'what a fetch has seen it may unsee',
    'fetch.ts',
    's[view] = Math.max(s[view] as number, floor);',
    '',
    'int3-emulate | no second sync, as one CPU shows it',
    'states',
  ),
  m(
    'a sync by NMI waits for IF',
    'machine.ts',
    '(state[at + cpuField.nmiIpi] as number) > 0 && nmiNow',
    '(state[at + cpuField.nmiIpi] as number) > 0 && interruptible',
    'spin-iret | IRQs off, but the sync is an NMI',
  ),
  m(
    'conditions are inverted',
    'step.ts',
    '!== ((code & 1) === 1)',
    '=== ((code & 1) === 1)',
    'static-key | the handler jumps if it must',
    'states',
  ),
];

let copy = '';
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'suture-mutant-'));
  for (const part of [
    'grammar',
    'compiler',
    'package.json',
    'examples',
    'test/gallery/gallery.ts',
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  cpSync(extra, join(copy, 'examples'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(
    join(copy, 'ask.ts'),
    `// Asks one scenario of the copy.
import { examples, line, verify } from './test/gallery/gallery.ts';
const [name, scenario] = process.argv.slice(2);
const e = examples.find((x) => x.name === name);
const s = e?.compiled.scenarios.find((x) => x.name === scenario);
if (!e || !s) throw new Error('no such scenario');
const r = verify(e.compiled, s, 400000);
console.log(JSON.stringify({ line: line(e.name, r), finding: r.finding ?? null }));
`,
  );
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

for (const mutant of mutants) {
  test(mutant.name, () => {
    const path = join(copy, mutant.file);
    const original = readFileSync(path, 'utf8');
    expect(original.split(mutant.from).length).toBe(2);
    writeFileSync(
      path,
      original.replace(mutant.from, () => mutant.to),
    );
    const [example, scenario] = mutant.caught.split(' | ') as [string, string];
    try {
      const r = spawnSync(process.execPath, [join(copy, 'ask.ts'), example, scenario], {
        encoding: 'utf8',
        timeout: 300_000,
      });
      // A mutant that makes the machine contradict itself is caught by that.
      if (r.status !== 0) {
        expect(r.stderr).toMatch(/Error/);
        expect(mutant.by).toBe('verdict');
        return;
      }
      const answer = JSON.parse(r.stdout) as { line: string; finding: string | null };
      const was = known.find((l) => l.startsWith(`${mutant.caught} | `));
      expect(was).toBeDefined();
      expect(answer.line).not.toBe(was);
      expect(answer.finding !== null ? 'verdict' : 'states').toBe(mutant.by);
    } finally {
      writeFileSync(path, original);
    }
  });
}
