// The question that a configuration of the hand-written model asks, put to Spin and to us.

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compile, Verification } from '../../../compiler/index.ts';

export interface Configuration {
  readonly proto: 0 | 1 | 2 | 3;
  readonly omit: 0 | 1 | 2 | 3;
  readonly irqoff: 0 | 1;
  readonly nmis: 0 | 1;
  readonly victims: number;
}
export const nameOf = (c: Configuration): string =>
  `PROTO=${c.proto} OMIT=${c.omit} IRQOFF=${c.irqoff} NMIS=${c.nmis} NV=${c.victims}`;

export interface Answer {
  readonly safe: boolean;
  /** Whether the patches come to their end; undefined where a violation of safety comes first. */
  readonly ends: boolean | undefined;
  readonly detail: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (d) => {
      out += d;
    });
    child.stderr.on('data', (d) => {
      out += d;
    });
    child.on('error', (e) => fail(new Error(`NOT RUN: ${command}: ${e.message}`)));
    child.on('close', () => done(out));
  });
}

/** Spin's answer, on the model as it is or with one line of it changed. */
export async function askSpin(
  c: Configuration,
  change?: { readonly from: string; readonly to: string },
): Promise<Answer> {
  const folder = mkdtempSync(join(tmpdir(), 'suture-spin-'));
  try {
    const model = join(folder, 'seed.pml');
    cpSync(join(import.meta.dirname, 'seed.pml'), model);
    if (change) {
      const text = readFileSync(model, 'utf8');
      if (text.split(change.from).length !== 2)
        throw new Error(`the model has not one line: ${change.from}`);
      writeFileSync(
        model,
        text.replace(change.from, () => change.to),
      );
    }
    const defines = [
      `-DPROTO=${c.proto}`,
      `-DOMIT=${c.omit}`,
      `-DIRQOFF=${c.irqoff}`,
      `-DNMIS=${c.nmis}`,
      `-DNV=${c.victims}`,
    ];
    await run('spin', ['-a', ...defines, 'seed.pml'], folder);
    await run('gcc', ['-w', '-O1', '-DSAFETY', '-o', 'safety', 'pan.c'], folder);
    const safety = await run('./safety', ['-m1000000'], folder);
    const states = /([0-9.e+]+) states, stored/.exec(safety)?.[1];
    if (!states || /max search depth too small/.test(safety))
      throw new Error(`spin gave no answer: ${safety.slice(0, 300)}`);
    const broken = /assertion violated [^\n]*|invalid end state (?=\()/.exec(safety)?.[0];
    if (broken)
      return { safe: false, ends: undefined, detail: broken.replace(/ \(at depth \d+\)/, '') };
    await run('spin', ['-a', '-DLIVE', ...defines, 'seed.pml'], folder);
    await run('gcc', ['-w', '-O1', '-DNFAIR=6', '-o', 'liveness', 'pan.c'], folder);
    const live = await run('./liveness', ['-a', '-f', '-m1000000', '-N', 'ends'], folder);
    if (!/states, stored/.test(live)) throw new Error(`spin gave no answer: ${live.slice(0, 300)}`);
    return { safe: true, ends: !/acceptance cycle/.test(live), detail: '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const files = ['overwrite-in-place', 'int3-emulate', 'one-stub', 'two-stubs'] as const;

/** Our answer, on the example of the same protocol, with what the model leaves out left out. */
export function askUs(c: Configuration, more = ''): Answer {
  const path = resolve(import.meta.dirname, '../../../examples', `${files[c.proto]}.suture`);
  let text = readFileSync(path, 'utf8').replace(/^(scenario|witness) .*\n/gm, '');
  if (c.proto === 0)
    text = text
      .replace('place:  call one\n', 'place:  call one\n          sti\n')
      .replace('caller:\n', `caller:${c.irqoff ? ' cli' : ''}\n`);
  const settings = [`cpus ${c.victims + 1}`, 'patches 2'];
  // Its NMIs are counted for each victim, and come to no patcher.
  for (let v = 0; v < c.victims && c.nmis > 0; v++) settings.push(`nmi ${c.nmis} on ${v + 1}`);
  if (c.proto !== 0 && c.irqoff) settings.push('masked = on');
  const sync = ['', 'first_sync', 'second_sync', 'third_sync'][c.omit];
  if (c.proto === 0) {
    if (c.omit === 3) settings.push('last_sync = off');
  } else if (sync) settings.push(`${sync} = off`);
  text += `\nscenario "asked" { ${[...settings, ...(more ? [more] : [])].join('; ')} }\n`;
  const compiled = compile(text);
  const scenario = compiled.scenarios[0];
  if (!scenario) throw new Error(compiled.diagnostics.map((d) => d.message).join('; '));
  const v = new Verification(compiled, scenario, {});
  while (!v.advance(50_000).done);
  const found = [
    ...new Set(v.result().checks.flatMap((x) => x.result.violations.map((y) => y.property))),
  ];
  const unsafe = found.filter((p) => p !== 'terminates');
  return {
    safe: unsafe.length === 0,
    ends: unsafe.length === 0 ? !found.includes('terminates') : undefined,
    detail: found.join(', '),
  };
}

export const spinVersion = (): string =>
  /Version (\S+)/.exec(execFileSync('spin', ['-V'], { encoding: 'utf8' }))?.[1] ?? '';
