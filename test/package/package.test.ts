// The package as others get it: packed, installed in an empty folder, used from TypeScript and from the shell.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../lsp/client.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'suture-package-'));
const user = join(folder, 'user');
const own = join(user, 'node_modules', 'suture');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Ended {
  const r = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  return { code: r.status, out: r.stdout, err: r.error ? String(r.error) : r.stderr };
}

/** The settings of an `npm` that runs this are not to reach the one that it starts. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(config|package|lifecycle)/i.test(name)),
);
function npm(args: readonly string[], cwd: string): string {
  const r = run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], cwd, clean);
  if (r.code !== 0) throw new Error(`npm ${args.join(' ')}: ${r.err}`);
  return r.out;
}

/** The least Node that the manifest asks for, and the one that the project brings. */
const nodes: { name: string; binary: string }[] = [
  { name: 'Node 22.18', binary: join(folder, 'old', 'node_modules', 'node', 'bin', 'node') },
  { name: 'Node 24', binary: process.execPath },
];

/** As a user's shell would: the command by its name, with that Node first on the path. */
const suture = (binary: string, ...args: string[]): Ended =>
  run(join(user, 'node_modules', '.bin', 'suture'), args, user, {
    ...clean,
    PATH: `${dirname(binary)}${delimiter}${process.env.PATH}`,
  });

let files: readonly string[] = [];

beforeAll(() => {
  mkdirSync(user);
  mkdirSync(join(folder, 'old'));
  const packed = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root)) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  files = packed[0].files.map((f) => f.path);
  writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }\n');
  npm(['install', '--prefer-offline', join(folder, packed[0].filename)], user);
  writeFileSync(join(folder, 'old', 'package.json'), '{ "private": true }\n');
  npm(
    ['install', '--prefer-offline', '--ignore-scripts=false', 'node@22.18.0'],
    join(folder, 'old'),
  );
});

describe('the tarball', () => {
  test('brings what it names, and no source, test or map', () => {
    expect(files.filter((f) => /\.ts$/.test(f) && !/\.d\.ts$/.test(f))).toEqual([]);
    expect(files.filter((f) => /\.map$|^(test|grammar)\/|tsconfig/.test(f))).toEqual([]);
    for (const f of [
      'README.md',
      'LICENSE',
      'dist/compiler/index.js',
      'dist/compiler/index.d.ts',
      'compiler/schema/verify.schema.json',
      'playground/dist/index.html',
      'examples/one-stub.suture',
    ])
      expect(files).toContain(f);
    const scripts = files.filter((f) => /\.(js|ts)$/.test(f));
    expect(scripts.length).toBeGreaterThan(50);
    const text = (f: string): string => readFileSync(join(own, f), 'utf8');
    expect(scripts.filter((f) => text(f).includes('sourceMappingURL'))).toEqual([]);
    // What a declaration imports is there, or comes from a package that is installed with it.
    const manifest = JSON.parse(text('package.json')) as { dependencies: Record<string, string> };
    for (const f of files.filter((x) => x.endsWith('.d.ts')))
      for (const m of text(f).matchAll(/(?:from |import\()["']([^"']+)["']/g)) {
        const to = m[1] ?? '';
        if (to.startsWith('.'))
          expect(files).toContain(join(dirname(f), to.replace(/\.js$/, '.d.ts')));
        else if (!to.startsWith('node:')) expect(manifest.dependencies).toHaveProperty([to]);
      }
  });
  test('runs nothing where it is installed', () => {
    const { scripts } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(scripts).filter((s) => /install$|^prepare$/.test(s))).toEqual([]);
  });
  test('brings no file twice and nothing that the clone keeps to itself', () => {
    expect(new Set(files).size).toBe(files.length);
    expect(readdirSync(own).sort()).toEqual([
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'compiler',
      'dist',
      'docs',
      'examples',
      'package.json',
      'playground',
    ]);
  });
});

/** The first block of that language behind a heading of the README. */
const shown = (language: string, from: string): string => {
  const readme = readFileSync(join(own, 'README.md'), 'utf8');
  return (
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(
      readme.slice(Math.max(0, readme.indexOf(from))),
    )?.[1] ?? ''
  );
};

describe('the API', () => {
  beforeAll(() => {
    writeFileSync(join(user, 'one.suture'), shown('suture', '# Suture'));
    writeFileSync(join(user, 'readme.ts'), shown('ts', '## From a program'));
    writeFileSync(
      join(user, 'service.ts'),
      `import { type Compiled, type ScenarioResult, compile } from 'suture';
import { analyse, diagnostics } from 'suture/service';
const compiled: Compiled = compile('protocol');
const found: readonly { readonly code: string }[] = diagnostics(analyse(compiled.text));
export const verdict = (r: ScenarioResult): 'holds' | 'violated' | 'unfinished' => r.verdict;
if (found.length === 0) throw new Error('a text that is no spec has a diagnostic');
`,
    );
  });
  const check = (file: string, types: readonly string[]): Ended => {
    const config = {
      compilerOptions: {
        target: 'es2024',
        lib: ['es2024'],
        module: 'nodenext',
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types,
        typeRoots: [join(root, 'node_modules', '@types')],
      },
      files: [file],
    };
    writeFileSync(join(user, 'tsconfig.json'), JSON.stringify(config));
    return run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], user);
  };
  test('the ten lines of the README have types, and so has every declaration that they reach', () => {
    expect(check('readme.ts', ['node'])).toMatchObject({ code: 0, out: '' });
  });
  test('without Node and the DOM too', () => {
    expect(check('service.ts', [])).toMatchObject({ code: 0, out: '' });
    writeFileSync(join(user, 'wrong.ts'), "import { compile } from 'suture';\ncompile(1);\n");
    expect(check('wrong.ts', []).out).toContain('wrong.ts(2,9): error TS2345');
  });
  for (const { name, binary } of nodes) {
    test(`runs with ${name}`, () => {
      expect(run(binary, ['--version'], user).out).toMatch(/^v(22\.18|24)\./);
      const r = run(binary, ['readme.ts'], user);
      expect(r.err.replace(/.*ExperimentalWarning.*\n.*--trace-warnings.*\n/, '')).toBe('');
      expect(r.out.split('\n')).toEqual(
        expect.arrayContaining([
          'one_stub',
          'IRQs on violated true',
          'IRQs off at the site holds true',
        ]),
      );
      // `push imm32` begins with 68h.
      expect(r.out).toMatch(/name: 'plain',[\s\S]*?bytes: Uint8Array\(10\) \[\s*104,/);
      expect(run(binary, ['service.ts'], user).code).toBe(0);
      const schema = "console.log(import.meta.resolve('suture/schema/emit.schema.json'))";
      expect(run(binary, ['--input-type=module', '-e', schema], user).out).toContain(
        'compiler/schema/emit.schema.json',
      );
    });
  }
});

describe('the command', () => {
  for (const { name, binary } of nodes) {
    test(`runs with ${name}`, () => {
      const examples = join(own, 'examples');
      const verified = suture(binary, 'verify', join(examples, 'one-stub.suture'));
      expect(verified).toMatchObject({ code: 0, err: '' });
      expect(verified.out).toContain('4 scenarios as expected');
      expect(suture(binary, 'emit', join(examples, 'two-stubs.suture')).out).toContain(
        'irqs: stub',
      );
      expect(suture(binary, '--help').out).toContain('verify');
      expect(suture(binary, '--version').out).toMatch(/^suture \d+\.\d+\.\d+, /);
      const wrong = suture(binary, 'verify', 'nowhere.suture');
      expect(wrong).toMatchObject({ code: 2, out: '' });
      const page = join(folder, `page ${name}`);
      expect(suture(binary, 'playground', '--out', page).code).toBe(0);
      expect(readdirSync(page)).toContain('index.html');
    });
    test(`serves an editor with ${name}`, async () => {
      const client = new Client(binary, join(own, 'compiler', 'cli', 'suture.js'));
      const nothing = { processId: null, rootUri: null, capabilities: {} };
      await client.request('initialize', nothing);
      const uri = 'file:///tmp/one.suture';
      const text = readFileSync(join(own, 'examples', 'one-stub.suture'), 'utf8');
      client.notify('textDocument/didOpen', {
        textDocument: { uri, languageId: 'suture', version: 1, text },
      });
      const verify = { command: 'suture.verify', arguments: [uri, 'IRQs on'] };
      expect(await client.request('workspace/executeCommand', verify)).toMatchObject([
        { verdict: 'violated', asExpected: true },
      ]);
      await client.request('shutdown', null);
      client.notify('exit', null);
      expect(await client.ended).toBe(0);
    });
  }
});
