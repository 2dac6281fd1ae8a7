// Builds the page into static files: bundles, the gallery, and the sizes that no change may exceed.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

/** Gzipped bytes that a part may have. */
const budgets = {
  page: 120 * 1024,
  worker: 150 * 1024,
  service: 20 * 1024,
  generator: 40 * 1024,
  monaco: 930 * 1024,
};
type Part = keyof typeof budgets;

/** Builds `out` anew; the gzipped bytes of each part. Who is being served from it notices nothing. */
export async function buildSite(out: string): Promise<Readonly<Record<Part, number>>> {
  const made = join(dirname(out), `.dist-${process.pid}`);
  mkdirSync(made, { recursive: true });
  try {
    const sizes = await fill(made);
    const old = `${made}-old`;
    if (existsSync(out)) renameSync(out, old);
    renameSync(made, out);
    rmSync(old, { recursive: true, force: true });
    return sizes;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

async function fill(out: string): Promise<Readonly<Record<Part, number>>> {
  const common: BuildOptions = {
    absWorkingDir: root,
    outdir: out,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    sourcemap: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.ttf': 'file' },
    outbase: root,
  };
  // The worker shares nothing with the page, which may not have loaded it; what answers
  // an editor and the generator are parts that it loads later.
  const worker = await bundle({
    ...common,
    entryPoints: ['playground/worker.ts'],
    format: 'esm',
    splitting: true,
  });
  const theme = await bundle({
    ...common,
    entryPoints: ['playground/theme.ts'],
    format: 'iife',
  });
  const workerFile = output(worker, 'playground/worker.ts');
  const editorWorker = await bundle({
    ...common,
    entryPoints: [{ in: 'monaco-editor/editor/editor.worker', out: 'editor-worker' }],
    format: 'iife',
  });
  // Apart from the page: in one bundle its style would be loaded with the page's.
  const monaco = await bundle({
    ...common,
    entryPoints: ['playground/editor/monaco.ts'],
    format: 'esm',
  });
  const monacoFiles = {
    script: output(monaco, 'playground/editor/monaco.ts'),
    style: styleOf(monaco, 'playground/editor/monaco.ts'),
    worker: basename(Object.keys(editorWorker.outputs)[0] ?? ''),
  };
  const main = await bundle({
    ...common,
    entryPoints: ['playground/main.ts'],
    format: 'esm',
    splitting: true,
    define: {
      WORKER_FILE: JSON.stringify(workerFile),
      MONACO_FILES: JSON.stringify(monacoFiles),
    },
  });
  const mainFile = output(main, 'playground/main.ts');
  copyFileSync(join(here, 'icon.svg'), join(out, 'icon.svg'));
  writeFileSync(join(out, 'gallery.json'), JSON.stringify(gallery()));
  const names: Readonly<Record<string, string>> = {
    'main.js': mainFile,
    'main.css': styleOf(main, 'playground/main.ts'),
    'theme.js': output(theme, 'playground/theme.ts'),
  };
  writeFileSync(
    join(out, 'index.html'),
    readFileSync(join(here, 'index.html'), 'utf8').replace(
      /"(main\.js|main\.css|theme\.js)"/g,
      (_, name: string) => `"${names[name]}"`,
    ),
  );
  const workerFiles = loaded(worker, workerFile);
  const later = (entry: string): readonly string[] =>
    [...loaded(worker, output(worker, entry))].filter((f) => !workerFiles.has(f));
  const files: Readonly<Record<Part, readonly string[]>> = {
    page: ['index.html', ...Object.values(names).slice(1), ...loaded(main, mainFile)],
    worker: [...workerFiles],
    service: later('playground/service.ts'),
    generator: later('compiler/generator/engine.ts'),
    monaco: Object.values(monacoFiles).slice(0, 2),
  };
  return {
    page: weight(out, files.page),
    worker: weight(out, files.worker),
    service: weight(out, files.service),
    generator: weight(out, files.generator),
    monaco: weight(out, files.monaco),
  };
}

/** What exceeds its budget, in sentences. */
export function excess(sizes: Readonly<Record<Part, number>>): readonly string[] {
  return (Object.keys(budgets) as Part[])
    .filter((part) => sizes[part] > budgets[part])
    .map(
      (part) =>
        `${part} has ${kilobytes(sizes[part])} gzipped, ${kilobytes(budgets[part])} are allowed`,
    );
}

async function bundle(options: BuildOptions): Promise<Metafile> {
  const { metafile } = await build(options);
  if (!metafile) throw new Error('esbuild gave no account of its files');
  return metafile;
}

function outputPath(metafile: Metafile, entry: string): string {
  const found = Object.entries(metafile.outputs).find(([, o]) => o.entryPoint === entry);
  if (!found) throw new Error(`${entry} was not built`);
  return found[0];
}

const output = (metafile: Metafile, entry: string): string => basename(outputPath(metafile, entry));

function styleOf(metafile: Metafile, entry: string): string {
  const { cssBundle } = metafile.outputs[outputPath(metafile, entry)] ?? {};
  if (!cssBundle) throw new Error(`${entry} has no style`);
  return basename(cssBundle);
}

/** A script with the chunks that it cannot begin without. */
function loaded(metafile: Metafile, from: string): ReadonlySet<string> {
  const byName = new Map(Object.entries(metafile.outputs).map(([f, o]) => [basename(f), o]));
  const found = new Set<string>();
  const visit = (file: string): void => {
    const made = byName.get(file);
    if (!made || found.has(file)) return;
    found.add(file);
    for (const i of made.imports) if (i.kind !== 'dynamic-import') visit(basename(i.path));
  };
  visit(from);
  return found;
}

const weight = (out: string, files: readonly string[]): number =>
  files.reduce((n, f) => n + gzipSync(readFileSync(join(out, f)), { level: 9 }).length, 0);

const kilobytes = (n: number): string => `${(n / 1024).toFixed(1)} KB`;

// ---- the gallery

interface Example {
  readonly name: string;
  readonly title: string;
  readonly argument: string;
  readonly source: string;
  readonly text: string;
  readonly scenarios: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly states: string;
  }[];
}

/** Every example with what its page in the gallery says, which the tests hold against the search. */
function gallery(): readonly Example[] {
  const folder = join(root, 'examples');
  const sections = readFileSync(join(folder, 'README.md'), 'utf8').split(/^## /m).slice(1);
  const plain = (text: string): string => text.replaceAll('`', '').replaceAll('\\|', '|').trim();
  return readdirSync(folder)
    .filter((f) => f.endsWith('.suture'))
    .sort()
    .map((file) => {
      const name = basename(file, '.suture');
      const section = sections.find((s) => s.startsWith(`[${name}]`));
      if (!section) throw new Error(`the gallery's page does not speak of ${name}`);
      const [, title = '', argument = ''] = /^\*\*(.+?)\*\*\s*(.*)$/m.exec(section) ?? [];
      return {
        name,
        title: plain(title).replace(/\.$/, ''),
        argument: plain(argument),
        source: plain(/^Source: (.*)$/m.exec(section)?.[1] ?? ''),
        text: readFileSync(join(folder, file), 'utf8'),
        scenarios: [...section.matchAll(/^\| (.+?) \| (.+?) \| ([\d,]+) \|$/gm)].map((m) => ({
          name: plain(m[1] ?? ''),
          verdict: plain(m[2] ?? ''),
          states: m[3] ?? '',
        })),
      };
    });
}

if (import.meta.main) {
  const at = process.argv.indexOf('--out');
  const out = resolve(at > 0 ? (process.argv[at + 1] ?? '') : join(here, 'dist'));
  const sizes = await buildSite(out);
  for (const [part, bytes] of Object.entries(sizes))
    console.log(
      `${part.padEnd(8)} ${kilobytes(bytes).padStart(9)} gzipped, of ${kilobytes(budgets[part as Part])}`,
    );
  const wrong = excess(sizes);
  for (const sentence of wrong) console.error(sentence);
  if (wrong.length > 0) process.exitCode = 1;
}
