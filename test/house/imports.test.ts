// The order of the house: imports point one way, no file is an orphan, and only the command knows Node.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const sources = ['grammar', 'compiler', 'playground'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.(ts|js)$/.test(f) && !f.endsWith('.d.ts') && !/(^|\/)dist\//.test(f))
    .map((f) => join(folder, f)),
);
const text = new Map(sources.map((f) => [f, readFileSync(join(root, f), 'utf8')]));

interface Import {
  readonly from: string;
  readonly to: string;
}
const imports: Import[] = [];
const packages = new Map<string, Set<string>>();
for (const [from, code] of text) {
  for (const m of code.matchAll(
    /^(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  )) {
    const to = m[1] ?? m[2] ?? m[3] ?? '';
    if (to.startsWith('.'))
      imports.push({ from, to: relative(root, resolve(root, dirname(from), to)) });
    else packages.set(to, (packages.get(to) ?? new Set()).add(from));
  }
}

/** The room of a file. */
const room = (file: string): string =>
  /^(grammar|playground)\//.test(file)
    ? (file.split('/')[0] as string)
    : (/^compiler\/(x86|image|emulator|generator|reduction|explorer|explain|minimize|service|cli)\//.exec(
        file,
      )?.[1] ?? (/^compiler\/(ops|ir|footprint)\.ts$/.test(file) ? 'forms' : 'compiler'));

/** Which rooms a room may import from, besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  grammar: [],
  forms: ['grammar'], // what passes hand on: micro-operations, what one of them touches, programs
  explain: [], // texts alone
  explorer: [], // any transition system: neither x86 nor the language
  x86: ['forms', 'grammar'],
  image: ['forms', 'grammar', 'x86'], // a program on a machine: neither emulator nor explorer
  emulator: ['forms', 'grammar', 'x86', 'explorer'],
  generator: ['forms', 'x86', 'emulator', 'reduction', 'explorer'], // their steps once more, as code for others
  reduction: ['forms', 'x86', 'emulator', 'explorer'], // what of the machine's steps can be left out, and why
  compiler: ['forms', 'grammar', 'x86', 'image', 'emulator', 'reduction', 'explorer', 'explain'],
  minimize: ['forms', 'grammar', 'emulator', 'explorer', 'compiler'], // variants of a spec, searched
  service: ['forms', 'grammar', 'x86', 'emulator', 'explorer', 'compiler', 'minimize'], // what editors ask
  cli: [
    'forms',
    'grammar',
    'x86',
    'image',
    'emulator',
    'generator',
    'reduction',
    'explorer',
    'explain',
    'compiler',
    'minimize',
    'service',
  ],
  playground: ['grammar', 'compiler', 'service', 'generator'], // by their public faces alone
};

describe('imports', () => {
  test('point one way', () => {
    const wrong = imports.filter(
      (i) => room(i.from) !== room(i.to) && !allowed[room(i.from)]?.includes(room(i.to)),
    );
    expect(wrong).toEqual([]);
    expect(imports.length).toBeGreaterThan(50);
  });

  test('emulator and generator take from the explorer its interface only', () => {
    const wrong = imports.filter(
      (i) =>
        ['emulator', 'generator'].includes(room(i.from)) &&
        room(i.to) === 'explorer' &&
        !['compiler/explorer/model.ts', 'compiler/explorer/filing.ts'].includes(i.to),
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
      for (const i of imports) if (i.from === file) visit(i.to, [...path, file]);
      state.set(file, 'done');
    };
    for (const f of sources) visit(f, []);
    expect(cycles).toEqual([]);
  });

  test('leave no orphan', () => {
    const entries = [
      'grammar/index.ts',
      'compiler/index.ts',
      'compiler/service/index.ts',
      'compiler/cli/suture.js',
      'playground/build.ts',
      'playground/main.ts',
      'playground/vscode/build.ts',
      'playground/vscode/client.ts',
      'playground/theme.ts',
      'playground/worker.ts',
    ];
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
    expect(
      users((p) => p.startsWith('node:')).filter(
        (f) => room(f) !== 'cli' && !/^playground\/(build|vscode\/(build|client))\.ts$/.test(f),
      ),
    ).toEqual([]);
    expect(users((p) => p.startsWith('monaco')).filter((f) => room(f) !== 'playground')).toEqual(
      [],
    );
  });

  test('grammar and compiler bundle for the browser, and verify where nothing but the language is', async () => {
    const bundle = async (entry: string): Promise<string> => {
      const result = await build({
        entryPoints: [join(root, entry)],
        bundle: true,
        write: false,
        platform: 'browser',
        format: 'iife',
        globalName: 'suture',
        logLevel: 'silent',
      });
      expect(result.errors).toEqual([]);
      return result.outputFiles[0]?.text ?? '';
    };
    expect((await bundle('grammar/index.ts')).length).toBeGreaterThan(10_000);
    // No `process`, no `Buffer`, not even a timer: what a bundler takes for the browser's own would fail here.
    const context = createContext({
      spec: readFileSync(join(root, 'examples/overwrite-in-place.suture'), 'utf8'),
    });
    runInContext(await bundle('compiler/index.ts'), context, { filename: 'suture.js' });
    const verdicts = runInContext(
      `const compiled = suture.compile(spec);
      compiled.scenarios.map((scenario) => {
        const verification = new suture.Verification(compiled, scenario, {});
        while (!verification.advance(10_000).done);
        return verification.result().finding;
      });`,
      context,
    ) as unknown[];
    expect(verdicts.length).toBeGreaterThan(2);
    expect(verdicts.filter((finding) => finding !== undefined)).toEqual([]);
    runInContext(await bundle('compiler/service/index.ts'), context, { filename: 'service.js' });
    const answers = runInContext(
      `const analysis = suture.analyse(spec);
      const call = spec.indexOf('call one');
      [
        suture.diagnostics(analysis).length,
        suture.formatting(analysis).length,
        suture.outline(analysis)[0].name,
        suture.hover(analysis, call).code,
        suture.completions(analysis, call).some((c) => c.label === 'call'),
      ];`,
      context,
    ) as unknown[];
    expect([...answers]).toEqual([0, 0, 'overwrite_in_place', 'call one', true]);
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
    // What runs for a user may use no package that only the development installs.
    // The page is bundled when it is built.
    const used = [...packages]
      .filter(
        ([p, files]) => !p.startsWith('node:') && [...files].some((f) => room(f) !== 'playground'),
      )
      // Of `NAME/part` it is NAME that is installed.
      .map(([p]) =>
        p
          .split('/')
          .slice(0, p.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect(used.filter((p) => manifest.dependencies?.[p] === undefined)).toEqual([]);
    expect(Object.keys(manifest.dependencies ?? {}).filter((n) => !used.includes(n))).toEqual([]);
  });
});
