// The extension as it is packed: nothing is missing, and it starts, serves and verifies without the clone around it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyCommand } from '../../compiler/cli/lsp/server.ts';
import { compile } from '../../compiler/index.ts';
import { buildExtension } from '../../playground/vscode/build.ts';
import { spec, withoutSync } from '../cli/command.ts';
import { unpacked } from './archive.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'suture-vsix-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let archive: Buffer;
let files: ReadonlyMap<string, Buffer>;
beforeAll(async () => {
  archive = await buildExtension();
  files = unpacked(archive);
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
});
const text = (path: string): string => files.get(path)?.toString('utf8') ?? '';
const manifest = () => JSON.parse(text('extension/package.json'));

describe('the archive', () => {
  test('is the same for the same sources', async () => {
    expect((await buildExtension()).equals(archive)).toBe(true);
  });
  test('has every file that its manifests name, and a type for each', () => {
    const m = manifest();
    const named = [
      m.main,
      ...m.contributes.languages.map((l: { configuration: string }) => l.configuration),
      ...m.contributes.grammars.map((g: { path: string }) => g.path),
      ...m.contributes.snippets.map((s: { path: string }) => s.path),
    ].map((p: string) => join('extension', p));
    const assets = [...text('extension.vsixmanifest').matchAll(/ Path="([^"]+)"/g)].map(
      (a) => a[1],
    );
    expect(assets).toContain('extension/package.json');
    expect([...named, ...assets].filter((f) => !files.has(f ?? ''))).toEqual([]);
    const endings = [...text('[Content_Types].xml').matchAll(/Extension="(\.\w+)"/g)].map(
      (e) => e[1] ?? '',
    );
    const others = [...files.keys()].filter((f) => f !== '[Content_Types].xml');
    expect(others.filter((f) => !endings.some((e) => f.endsWith(e)))).toEqual([]);
    for (const [path, content] of files) {
      expect(content.length).toBeGreaterThan(0);
      if (path.endsWith('.json')) expect(() => JSON.parse(content.toString())).not.toThrow();
      if (/\.m?js$/.test(path)) expect(content.includes('sourceMappingURL')).toBe(false);
    }
  });
  test('says in both manifests the same, and the version of the project', () => {
    const m = manifest();
    const project = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(m.version).toBe(project.version);
    expect(m).not.toHaveProperty('type');
    const xml = text('extension.vsixmanifest');
    expect(xml).toContain(`Id="${m.name}" Version="${m.version}" Publisher="${m.publisher}"`);
    expect(xml).toContain(`Id="Microsoft.VisualStudio.Code.Engine" Value="${m.engines.vscode}"`);
  });
  test('carries the licences of what is bundled', () => {
    const notices = text('extension/ThirdPartyNotices.txt');
    for (const name of ['chevrotain', 'vscode-languageclient', 'vscode-languageserver', 'semver'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+$`, 'm'));
    expect(
      notices.match(/Permission is hereby granted|Apache License|Permission to use/g)?.length,
    ).toBeGreaterThan(5);
  });
});

describe('the snippets', () => {
  interface Snippet {
    readonly body: string | readonly string[];
  }
  /** The first choice at each stop. */
  const filled = ({ body }: Snippet): string =>
    (typeof body === 'string' ? body : body.join('\n'))
      .replace(/\$\{\d+\|([^,|]*)[^|]*\|\}/g, '$1')
      .replace(/\$\{\d+:([^}]*)\}/g, '$1')
      .replace(/\$\d+/g, '');
  const snippets = (): Record<string, Snippet> => JSON.parse(text('extension/snippets.json'));

  test('the whole spec is one that compiles', () => {
    expect(compile(filled(snippets().protocol as Snippet)).diagnostics).toEqual([]);
  });
  test('each part is one where its like stood', () => {
    const { protocol, ...parts } = snippets();
    const whole = filled(protocol as Snippet);
    expect(Object.keys(parts).length).toBeGreaterThan(4);
    for (const [name, snippet] of Object.entries(parts)) {
      const part = filled(snippet);
      const word = part.split(/\s/)[0] ?? '';
      // The section of that kind goes, to its end.
      const without = whole.replace(new RegExp(`^${word} .*?(\\{\\n[^]*?^\\}|$)`, 'm'), '');
      const { diagnostics } = compile(`${without}\n${part}\n`);
      expect([name, diagnostics.filter((d) => d.severity === 'error')]).toEqual([name, []]);
    }
  });
});

test('it starts, registers its commands, and shows what it found', () => {
  const file = join(folder, 'two words.suture');
  writeFileSync(
    file,
    spec(
      withoutSync,
      'scenario "as said" {} expect violates torn_instruction\nscenario "not so" { rsp 8 } expect holds',
    ),
  );
  const editor = join(import.meta.dirname, 'editor.cjs');
  const r = spawnSync(process.execPath, [editor, join(folder, 'extension'), file], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(r.stderr).toBe('');
  const shown = JSON.parse(r.stdout);
  expect(shown.commands).toEqual(['suture.verifyFile', 'suture.restart', verifyCommand]);
  expect(shown.messages).toEqual([]);
  expect(shown.problems).toMatchObject([
    { code: 'torn_instruction', severity: 2, source: 'suture verify' },
    { code: 'torn_instruction', severity: 0, source: 'suture verify' },
  ]);
  expect(manifest().contributes.commands.map((c: { command: string }) => c.command)).toEqual([
    'suture.verifyFile',
    'suture.restart',
  ]);
});
