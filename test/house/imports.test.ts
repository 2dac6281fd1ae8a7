// The order of the house: imports point one way, no file is an orphan, and only the command knows Node.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const sources = ['grammar', 'compiler'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.(ts|js)$/.test(f))
    .map((f) => join(folder, f)),
);
const text = new Map(sources.map((f) => [f, readFileSync(join(root, f), 'utf8')]));

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}
const imports: Import[] = [];
const packages = new Map<string, Set<string>>();
for (const [from, code] of text) {
  for (const m of code.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  )) {
    const to = m[2] ?? m[3] ?? m[4] ?? '';
    if (to.startsWith('.')) {
      imports.push({
        from,
        to: relative(root, resolve(root, dirname(from), to)),
        typeOnly: m[1] !== undefined,
      });
    } else packages.set(to, (packages.get(to) ?? new Set()).add(from));
  }
}

/** The room of a file. */
const room = (file: string): string =>
  file.startsWith('grammar/')
    ? 'grammar'
    : (/^compiler\/(x86|emulator|explorer|cli)\//.exec(file)?.[1] ??
      (/^compiler\/(ops|ir|footprint)\.ts$/.test(file) ? 'forms' : 'compiler'));

/** Which rooms a room may import from, besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  grammar: [],
  forms: ['grammar'], // what passes hand on: micro-operations and programs
  explorer: [], // any transition system: neither x86 nor the language
  x86: ['forms', 'grammar'],
  emulator: ['forms', 'grammar', 'x86', 'explorer'],
  compiler: ['forms', 'grammar', 'x86', 'emulator', 'explorer'],
  cli: ['forms', 'grammar', 'x86', 'emulator', 'explorer', 'compiler'],
};

describe('imports', () => {
  test('point one way', () => {
    const wrong = imports.filter(
      (i) => room(i.from) !== room(i.to) && !allowed[room(i.from)]?.includes(room(i.to)),
    );
    expect(wrong).toEqual([]);
    expect(imports.length).toBeGreaterThan(50);
  });

  test('the emulator takes from the explorer its interface only', () => {
    const wrong = imports.filter(
      (i) =>
        room(i.from) === 'emulator' &&
        room(i.to) === 'explorer' &&
        i.to !== 'compiler/explorer/model.ts',
    );
    expect(wrong).toEqual([]);
  });

  test('have no cycle', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const i of imports) if (i.from === file && !i.typeOnly) visit(i.to, [...path, file]);
      state.set(file, 'done');
    };
    for (const f of sources) visit(f, []);
    expect(cycles).toEqual([]);
  });

  test('leave no orphan', () => {
    const entries = ['grammar/index.ts', 'compiler/index.ts', 'compiler/cli/suture.js'];
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const i of imports) if (i.from === file) visit(i.to);
    };
    for (const e of entries) visit(e);
    // What only tests use is not part of the house.
    expect(sources.filter((f) => !reached.has(f))).toEqual([]);
  });

  test('only the command knows Node, and only the playground may know Monaco', () => {
    const users = (name: (p: string) => boolean): string[] =>
      [...packages].filter(([p]) => name(p)).flatMap(([, files]) => [...files]);
    expect(users((p) => p.startsWith('node:')).filter((f) => room(f) !== 'cli')).toEqual([]);
    expect(users((p) => p.startsWith('monaco'))).toEqual([]);
  });

  test('grammar and compiler bundle for the browser', async () => {
    for (const entry of ['grammar/index.ts', 'compiler/index.ts']) {
      const result = await build({
        entryPoints: [join(root, entry)],
        bundle: true,
        write: false,
        platform: 'browser',
        format: 'esm',
        logLevel: 'silent',
      });
      expect(result.errors).toEqual([]);
      expect(result.outputFiles[0]?.text.length).toBeGreaterThan(10_000);
    }
  });

  test('come from packages that the architecture explains', () => {
    const about = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const named = [
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.devDependencies ?? {}),
    ];
    expect(named.filter((n) => !about.includes(`\`${n}\``))).toEqual([]);
  });
});
