// Builds the extension for VS Code: `suture.vsix`, out of the manifest, the grammar and two bundles; no network.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type BuildOptions, build } from 'esbuild';
import { ZipFile } from 'yazl';
import { grammarText } from './grammar.ts';

const here = import.meta.dirname;
const root = resolve(here, '../..');

interface Manifest {
  readonly type: string;
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly version: string;
  readonly publisher: string;
  readonly engines: { readonly vscode: string };
  readonly categories: readonly string[];
  readonly keywords: readonly string[];
}

/** Kinds of files by their endings; the format wants each that it holds. */
const kinds: Readonly<Record<string, string>> = {
  json: 'application/json',
  js: 'application/javascript',
  mjs: 'application/javascript',
  md: 'text/markdown',
  txt: 'text/plain',
  vsixmanifest: 'text/xml',
};

/** The archive's bytes, the same for the same sources. */
export async function buildExtension(): Promise<Buffer> {
  const read = (name: string): Buffer => readFileSync(join(here, name));
  // The folder's scripts are modules; what the editor loads is not.
  const { type, ...manifest } = JSON.parse(read('package.json').toString()) as Manifest;
  const [client, server] = [await bundledClient(), await bundledServer()];
  const files: readonly (readonly [string, Buffer])[] = [
    ['extension.vsixmanifest', Buffer.from(vsixManifest(manifest))],
    ['[Content_Types].xml', Buffer.from(contentTypes())],
    ['extension/package.json', Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)],
    ['extension/readme.md', read('README.md')],
    ['extension/LICENSE.txt', readFileSync(join(root, 'LICENSE'))],
    ['extension/language-configuration.json', read('language-configuration.json')],
    ['extension/snippets.json', read('snippets.json')],
    ['extension/suture.tmLanguage.json', Buffer.from(grammarText())],
    ['extension/client.js', client.code],
    ['extension/server.mjs', server.code],
    ['extension/ThirdPartyNotices.txt', Buffer.from(notices([client, server]))],
  ];
  const zip = new ZipFile();
  // A fixed time: the archive says nothing about when it was made.
  const mtime = new Date(2000, 0, 1);
  for (const [path, content] of files)
    zip.addBuffer(content, path, { mtime, mode: 0o100644, forceDosTimestamp: true });
  zip.end();
  return buffer(zip.outputStream);
}

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node22',
  legalComments: 'none',
  logLevel: 'warning',
};

interface Bundle {
  readonly code: Buffer;
  /** Folders of the packages that went into it. */
  readonly packages: readonly string[];
}

async function bundled(options: BuildOptions): Promise<Bundle> {
  const result = await build({ ...common, ...options, metafile: true, write: false });
  return {
    code: Buffer.from(result.outputFiles[0]?.contents ?? []),
    packages: Object.keys(result.metafile.inputs).flatMap(
      (f) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(f)?.[0] ?? [],
    ),
  };
}

/** Their licences ask to go where their code goes. */
function notices(bundles: readonly Bundle[]): string {
  const folders = [...new Set(bundles.flatMap((b) => b.packages))].sort();
  return folders
    .map((folder) => {
      const at = join(root, folder);
      const { name, version } = JSON.parse(
        readFileSync(join(at, 'package.json'), 'utf8'),
      ) as Manifest;
      const file = readdirSync(at).find((f) => /^licen[cs]e/i.test(f));
      if (file === undefined) throw new Error(`${folder} has no licence in it`);
      return `${name} ${version}\n\n${readFileSync(join(at, file), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(70)}\n\n`);
}

const bundledClient = (): Promise<Bundle> =>
  bundled({
    entryPoints: ['playground/vscode/client.ts'],
    format: 'cjs',
    external: ['vscode'],
  });

/** The thread that searches runs the same file, and must not serve. */
const bundledServer = (): Promise<Bundle> =>
  bundled({
    stdin: {
      contents: `import { isMainThread } from 'node:worker_threads';
        import { serve } from './compiler/cli/lsp/server.ts';
        if (isMainThread) await serve();`,
      resolveDir: root,
    },
    format: 'esm',
    // The protocol's library calls `require`, which a module has not.
    banner: {
      js: "import { createRequire as sutureRequire } from 'node:module'; const require = sutureRequire(import.meta.url);",
    },
  });

function vsixManifest(m: Omit<Manifest, 'type'>): string {
  const property = (id: string, value: string): string =>
    `      <Property Id="Microsoft.VisualStudio.${id}" Value="${escaped(value)}"/>\n`;
  const asset = (type: string, path: string): string =>
    `    <Asset Type="Microsoft.VisualStudio.${type}" Path="${path}" Addressable="true"/>\n`;
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escaped(m.name)}" Version="${escaped(m.version)}" Publisher="${escaped(m.publisher)}"/>
    <DisplayName>${escaped(m.displayName)}</DisplayName>
    <Description xml:space="preserve">${escaped(m.description)}</Description>
    <Tags>${escaped(m.keywords.join(','))}</Tags>
    <Categories>${escaped(m.categories.join(','))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <License>extension/LICENSE.txt</License>
    <Properties>
${property('Code.Engine', m.engines.vscode)}${property('Code.ExtensionDependencies', '')}${property('Code.ExtensionPack', '')}${property('Code.ExtensionKind', 'workspace')}    </Properties>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
${asset('Code.Manifest', 'extension/package.json')}${asset('Services.Content.Details', 'extension/readme.md')}${asset('Services.Content.License', 'extension/LICENSE.txt')}  </Assets>
</PackageManifest>
`;
}

function contentTypes(): string {
  const rows = Object.entries(kinds).map(
    ([ending, kind]) => `  <Default Extension=".${ending}" ContentType="${kind}"/>\n`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
${rows.join('')}</Types>
`;
}

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

if (import.meta.main) {
  writeFileSync(join(here, 'suture.tmLanguage.json'), grammarText());
  const archive = await buildExtension();
  mkdirSync(join(here, 'dist'), { recursive: true });
  writeFileSync(join(here, 'dist', 'suture.vsix'), archive);
  console.log(`playground/vscode/dist/suture.vsix: ${(archive.length / 1024).toFixed(0)} KB`);
}
