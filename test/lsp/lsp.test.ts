// The language server as an editor meets it: every request, on good and on broken texts, and typing while it verifies.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { guarded, spec, withoutSync } from '../cli/command.ts';
import { applied, Client, covered, find, type Json, type Point, RequestFailed } from './client.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const client = new Client();
afterAll(() => client.kill());
const example = readFileSync(
  resolve(import.meta.dirname, '../../examples/two-stubs.suture'),
  'utf8',
);

let started: Json;
beforeAll(async () => {
  started = await client.request('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {
      textDocument: {
        definition: { linkSupport: true },
        completion: { completionItem: { snippetSupport: true } },
      },
      window: { workDoneProgress: true },
      workspace: { codeLens: { refreshSupport: true } },
    },
  });
  client.notify('initialized', {});
});

let files = 0;
/** Opens a text, and waits for what is said about it. */
async function open(text: string): Promise<{ uri: string; diagnostics: Json[] }> {
  const uri = `file:///tmp/case%20${++files}.suture`;
  const said = client.hear('textDocument/publishDiagnostics', (p) => p.uri === uri);
  client.notify('textDocument/didOpen', {
    textDocument: { uri, languageId: 'suture', version: 1, text },
  });
  return { uri, diagnostics: (await said).diagnostics };
}
/** Edits it, and waits for what is said about the new version. */
async function edit(uri: string, version: number, contentChanges: Json[]): Promise<Json[]> {
  const said = client.hear(
    'textDocument/publishDiagnostics',
    (p) => p.uri === uri && p.version === version,
  );
  client.notify('textDocument/didChange', { textDocument: { uri, version }, contentChanges });
  return (await said).diagnostics;
}
const right = (p: Point, n: number): Point => ({ line: p.line, character: p.character + n });
const ask = (method: string, uri: string, more: object = {}): Promise<Json> =>
  client.request(`textDocument/${method}`, { textDocument: { uri }, ...more });

test('says what it can do', () => {
  expect(started.serverInfo.name).toBe('suture');
  expect(started.capabilities).toMatchObject({
    positionEncoding: 'utf-16',
    renameProvider: { prepareProvider: true },
    executeCommandProvider: { commands: ['suture.verify'] },
  });
});

describe('about a spec of the gallery', () => {
  let uri = '';
  beforeAll(async () => {
    const opened = await open(example);
    uri = opened.uri;
    expect(opened.diagnostics).toEqual([]);
  });

  test('completion replaces the word that was begun', async () => {
    const at = find(example, 'sync cores');
    const list = await ask('completion', uri, { position: right(at, 'sync co'.length) });
    const cores = list.find((c: Json) => c.label === 'cores');
    expect(covered(example, cores.textEdit.range)).toBe('cores');
    expect(cores).toMatchObject({ textEdit: { newText: 'cores' }, insertTextFormat: 1 });
  });
  test('completion leaves the caret where arguments are to stand', async () => {
    const position = right(find(example, 'build irqs'), 'build '.length);
    const list = await ask('completion', uri, { position });
    const plain = list.find((c: Json) => c.label === 'plain');
    expect(plain).toMatchObject({ textEdit: { newText: 'plain($0)' }, insertTextFormat: 2 });
  });
  test('a request that is cancelled before it is read', async () => {
    const params = { textDocument: { uri }, position: find(example, 'call one') };
    const asked = client.together(() => {
      const both = [params, params].map((p) => client.ask('textDocument/hover', p));
      client.notify('$/cancelRequest', { id: both[1]?.id });
      return both;
    });
    const [first, second] = await Promise.allSettled(asked.map((a) => a.answer));
    expect(first).toMatchObject({ status: 'fulfilled', value: { range: expect.anything() } });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: -32800 } });
  });
  test('hover shows the bytes of an instruction', async () => {
    const at = find(example, 'call one');
    const h = await ask('hover', uri, { position: at });
    expect(h.contents.kind).toBe('markdown');
    expect(h.contents.value).toMatch(/^```suture\n/);
    expect(h.contents.value).toContain('5 bytes');
    expect(covered(example, h.range)).toContain('call');
    const space = { line: 2, character: 0 };
    expect(await ask('hover', uri, { position: space })).toBeNull();
  });
  test('definition and references meet', async () => {
    const use = find(example, 'build irqs');
    const position = right(use, 'build '.length);
    const [link] = await ask('definition', uri, { position });
    expect(link.targetUri).toBe(uri);
    expect(covered(example, link.targetSelectionRange)).toBe('irqs');
    expect(covered(example, link.targetRange)).toMatch(/^stub irqs/);
    const all = await ask('references', uri, { position, context: { includeDeclaration: true } });
    expect(new Set(all.map((r: Json) => covered(example, r.range)))).toEqual(new Set(['irqs']));
    const uses = await ask('references', uri, { position, context: { includeDeclaration: false } });
    expect(uses).toHaveLength(all.length - 1);
    expect(all.map((r: Json) => r.range)).toContainEqual(link.targetSelectionRange);
  });
  test('rename changes every use and nothing else, or says why not', async () => {
    const position = right(find(example, 'build irqs'), 'build '.length);
    const prepared = await ask('prepareRename', uri, { position });
    expect(covered(example, prepared.range)).toBe(prepared.placeholder);
    const { changes } = await ask('rename', uri, { position, newName: 'irqs_on' });
    const renamed = applied(example, changes[uri]);
    expect(renamed.match(/\birqs_on\b/g)).toHaveLength(changes[uri].length);
    expect((await open(renamed)).diagnostics).toEqual([]);
    const word = find(example, 'build irqs');
    await expect(ask('prepareRename', uri, { position: word })).rejects.toThrow(/`build` is/);
    const clash = ask('rename', uri, { position, newName: 'plain' });
    await expect(clash).rejects.toThrow(/`plain`/);
    await expect(clash).rejects.toMatchObject({ code: -32803 });
  });
  test('symbols, folds and selections lie within each other', async () => {
    const symbols = await ask('documentSymbol', uri);
    const names = (list: Json[]): string[] =>
      list.flatMap((s) => [s.name, ...names(s.children ?? [])]);
    expect(names(symbols)).toEqual(expect.arrayContaining(['irqs', 'plain', 'place']));
    for (const s of symbols)
      expect(covered(example, s.range)).toContain(covered(example, s.selectionRange));
    const folds = await ask('foldingRange', uri);
    expect(folds.length).toBeGreaterThan(3);
    for (const f of folds) expect(f.endLine).toBeGreaterThan(f.startLine);
    const [selected] = await ask('selectionRange', uri, {
      positions: [right(find(example, 'call one'), 6)],
    });
    const sizes: string[] = [];
    for (let s = selected; s; s = s.parent) sizes.push(covered(example, s.range));
    expect(sizes.at(-1)?.trim()).toBe(example.trim());
    for (const [i, text] of sizes.entries()) if (i > 0) expect(text).toContain(sizes[i - 1]);
    expect(sizes[0]).toBe('one');
  });
  test('semantic tokens are the words of the text, in order', async () => {
    const { data } = await ask('semanticTokens/full', uri);
    const { tokenTypes } = started.capabilities.semanticTokensProvider.legend;
    const found = new Map<string, string>();
    let line = 0;
    let character = 0;
    for (let i = 0; i < data.length; i += 5) {
      character = data[i] === 0 ? character + data[i + 1] : data[i + 1];
      line += data[i];
      const end = { line, character: character + data[i + 2] };
      found.set(covered(example, { start: { line, character }, end }), tokenTypes[data[i + 3]]);
    }
    expect(Object.fromEntries(found)).toMatchObject({
      protocol: 'keyword',
      call: 'operator',
      eax: 'variable',
      plain: 'function',
      '0': 'number',
    });
  });
  test('inlay hints of the lines that are seen', async () => {
    const all = await ask('inlayHint', uri, {
      range: { start: { line: 0, character: 0 }, end: { line: 1000, character: 0 } },
    });
    expect(all.some((h: Json) => /[0-9a-f]{4}/.test(h.label))).toBe(true);
    const { line } = find(example, 'call one');
    const few = await ask('inlayHint', uri, {
      range: { start: { line, character: 0 }, end: { line, character: 80 } },
    });
    expect(few.length).toBeLessThan(all.length);
    for (const h of few) expect(h.position.line).toBe(line);
  });
  test('formatting has nothing to do here, and mends a text that is not laid out', async () => {
    const options = { options: { tabSize: 2, insertSpaces: true } };
    expect(await ask('formatting', uri, options)).toEqual([]);
    const wild = example.replace(/^ +/gm, '      ');
    const other = await open(wild);
    expect(applied(wild, await ask('formatting', other.uri, options))).toBe(example);
  });
  test('a lens for each scenario', async () => {
    const list = await ask('codeLens', uri);
    expect(list).toHaveLength(example.match(/^scenario/gm)?.length ?? 0);
    for (const l of list) {
      expect(l.command.command).toBe('suture.verify');
      expect(covered(example, l.range)).toContain(l.command.arguments[1]);
    }
  });
});

describe('while a text is wrong', () => {
  const text = spec(guarded, 'scenario "all 🙂" {} expect holds');

  test('edits arrive in order, the mistake is shown, mended by its fix, and gone', async () => {
    const { uri } = await open(text);
    const at = find(text, 'place[0] = int3');
    // Two changes in one message: the second counts from what the first left.
    const wrong = await edit(uri, 2, [
      { range: { start: at, end: right(at, 5) }, text: '' },
      { range: { start: at, end: at }, text: 'plcae' },
    ]);
    expect(wrong).toMatchObject(
      [{ severity: 1, source: 'suture', message: /plcae/ }].map((d) => ({
        ...d,
        message: expect.stringMatching(d.message) as string,
      })),
    );
    const now = text.replace('place[0] = int3', 'plcae[0] = int3');
    expect(covered(now, wrong[0].range)).toBe('plcae');
    const range = { start: at, end: at };
    const [fix] = await ask('codeAction', uri, { range, context: { diagnostics: wrong } });
    expect(fix).toMatchObject({ title: 'Use `place`', kind: 'quickfix', diagnostics: wrong });
    expect(applied(now, fix.edit.changes[uri])).toBe(text);
    expect(await edit(uri, 3, [{ text: applied(now, fix.edit.changes[uri]) }])).toEqual([]);
  });
  test('every request has an answer where the middle of the file is missing', async () => {
    const middle = text.indexOf('stub plain');
    const broken = `${text.slice(0, middle)}stub ((( "${text.slice(middle + 9)}`;
    const { uri, diagnostics } = await open(broken);
    expect(diagnostics.length).toBeGreaterThan(0);
    const position = find(broken, 'sync cores');
    const range = { start: { line: 0, character: 0 }, end: position };
    const answers = await Promise.all([
      ask('completion', uri, { position: right(position, 5) }),
      ask('hover', uri, { position }),
      ask('definition', uri, { position }),
      ask('references', uri, { position, context: { includeDeclaration: true } }),
      ask('documentSymbol', uri),
      ask('foldingRange', uri),
      ask('selectionRange', uri, { positions: [position] }),
      ask('semanticTokens/full', uri),
      ask('inlayHint', uri, { range }),
      ask('formatting', uri, { options: {} }),
      ask('codeLens', uri),
      ask('codeAction', uri, { range, context: { diagnostics: [] } }),
    ]);
    expect(answers[0].map((c: Json) => c.label)).toContain('cores');
    expect(JSON.stringify(answers[4])).toContain('"name":"place"');
    expect(answers[7].data.length).toBeGreaterThan(50);
    expect(answers[9]).toEqual([]);
    const refused = client.request('workspace/executeCommand', {
      command: 'suture.verify',
      arguments: [uri],
    });
    await expect(refused).rejects.toThrow('this spec has errors; mend them first');
  });
  test('places outside of the text, and a file that is not open', async () => {
    const { uri } = await open(text);
    const far = { line: 9999, character: 9999 };
    expect(await ask('hover', uri, { position: far })).toBeNull();
    expect(await ask('completion', uri, { position: far })).toBeInstanceOf(Array);
    expect(await ask('hover', 'file:///tmp/other', { position: far })).toBeNull();
    await expect(client.request('textDocument/nonsense', {})).rejects.toBeInstanceOf(RequestFailed);
  });
  test('closing takes back what was said', async () => {
    const { uri, diagnostics } = await open('protocol');
    expect(diagnostics).not.toEqual([]);
    const said = client.hear('textDocument/publishDiagnostics', (p) => p.uri === uri);
    client.notify('textDocument/didClose', { textDocument: { uri } });
    expect((await said).diagnostics).toEqual([]);
  });
});

describe('verifies', () => {
  const verify = (...args: string[]) =>
    client.ask('workspace/executeCommand', { command: 'suture.verify', arguments: args });
  const large = spec(guarded, 'scenario "large" { cpus 4; patches 2; nmi 2 } expect holds');

  test('what mends a scenario that should hold, beside its verdict', async () => {
    const text = spec(withoutSync, 'scenario "all" {} expect holds');
    const { uri } = await open(text);
    const said = client.hear(
      'textDocument/publishDiagnostics',
      (p) => p.uri === uri && p.diagnostics.length > 0,
    );
    await verify(uri).answer;
    const shown = (await said).diagnostics;
    const at = find(text, 'scenario "all"');
    const asked = { range: { start: at, end: at }, context: { diagnostics: shown } };
    const fixes = await ask('codeAction', uri, asked);
    expect(fixes.map((f: Json) => f.title)).toContain(
      'Add `sync cores` behind `poke place[0] = int3`',
    );
    const fix = fixes.find((f: Json) => f.title.includes('behind `poke place[0] = int3`'));
    expect(fix).toMatchObject({ kind: 'quickfix', diagnostics: shown });
    const mended = applied(text, fix.edit.changes[uri]);
    // Edits speak of the text in which they were found, and of no other.
    await edit(uri, 2, [{ text: text.replace('\n', '\n// more\n') }]);
    expect(await ask('codeAction', uri, asked)).toEqual([]);
    await edit(uri, 3, [{ text: mended }]);
    expect((await verify(uri).answer)[0]).toMatchObject({ verdict: 'holds', asExpected: true });
    expect(await ask('codeAction', uri, asked)).toEqual([]);
  });
  test('a spec: verdicts in the answer, the problems and the lenses', async () => {
    const text = spec(
      withoutSync,
      'scenario "as said" {} expect violates torn_instruction\nscenario "not so" { rsp 8 } expect holds\nscenario "nor this" { rsp 0 } expect violates stale_stub',
    );
    const { uri } = await open(text);
    const said = client.hear(
      'textDocument/publishDiagnostics',
      (p) => p.uri === uri && p.diagnostics.length > 0,
    );
    const refreshed = client.hear('workspace/codeLens/refresh');
    const verdicts = await verify(uri).answer;
    expect(verdicts.map((v: Json) => [v.scenario, v.verdict, v.asExpected, v.current])).toEqual([
      ['as said', 'violated', true, true],
      ['not so', 'violated', false, true],
      ['nor this', 'violated', false, true],
    ]);
    const shown = (await said).diagnostics;
    expect(shown.map((d: Json) => [d.severity, d.code, d.source])).toEqual([
      [3, 'torn_instruction', 'suture verify'],
      [1, 'torn_instruction', 'suture verify'],
      [1, 'torn_instruction', 'suture verify'],
    ]);
    expect(covered(text, shown[1].range)).toMatch(/^scenario "not so"/);
    expect(shown[1].message).toMatch(
      /^expected holds, but it violates torn_instruction: .*steps\)$/,
    );
    const reasons = shown[1].relatedInformation;
    expect(reasons.at(-1).message).toMatch(/^step \d+: byte 1 of place may still be/);
    await refreshed;
    const titles = (await ask('codeLens', uri)).map((l: Json) => l.command.title);
    expect(titles[0]).toMatch(/^✓ violates torn_instruction, as expected: [\d,]+ states$/);
    expect(titles[1]).toMatch(/^✗ /);
    // A line of comment moves the verdicts, a statement less takes them away, and an undo brings them back.
    const below = await edit(uri, 2, [{ text: text.replace('\n', '\n// more\n') }]);
    expect(below.map((d: Json) => d.message)).toEqual(shown.map((d: Json) => d.message));
    expect(below.map((d: Json) => d.range.start.line)).toEqual(
      shown.map((d: Json) => d.range.start.line + 1),
    );
    const lens = async () => (await ask('codeLens', uri))[0].command.title;
    expect(await lens()).toBe(titles[0]);
    expect(await edit(uri, 3, [{ text: text.replace('sync cores', 'fence') }])).toEqual([]);
    expect(await lens()).not.toMatch(/✓/);
    expect(await edit(uri, 4, [{ text }])).toEqual(shown);
    expect(await lens()).toBe(titles[0]);
  });
  test('typing goes on meanwhile; $/cancelRequest ends it as unfinished', async () => {
    const { uri } = await open(large);
    const running = verify(uri, 'large');
    let over = false;
    void running.answer.finally(() => {
      over = true;
    });
    const report = await client.hear('$/progress', (p) => /states/.test(p.value.message ?? ''));
    expect(report.value.message).toMatch(/^large: [\d,]+ states, depth \d+$/);
    const typed = find(large, 'sync cores');
    for (let version = 2; version < 12; version++) {
      await edit(uri, version, [{ range: { start: typed, end: typed }, text: '// x\n  ' }]);
      const list = await ask('completion', uri, { position: { line: 0, character: 0 } });
      expect(list).toBeInstanceOf(Array);
    }
    expect(over).toBe(false);
    await edit(uri, 12, [{ range: { start: typed, end: typed }, text: 'fence\n  ' }]);
    client.notify('$/cancelRequest', { id: running.id });
    const [verdict] = await running.answer;
    expect(verdict).toMatchObject({ verdict: 'unfinished', asExpected: false, current: false });
    expect(verdict.states).toBeGreaterThan(0);
  });
  test('the button of the progress ends it too; two searches take turns', async () => {
    const { uri } = await open(large);
    const created = client.hear('window/workDoneProgress/create');
    const first = verify(uri, 'large');
    const { token } = await created;
    await client.hear('$/progress', (p) => p.token === token && p.value.kind === 'report');
    const second = verify((await open(spec(guarded, 'scenario "all" {} expect holds'))).uri);
    const said = client.hear(
      'textDocument/publishDiagnostics',
      (p) => p.uri === uri && p.diagnostics.length > 0,
    );
    client.notify('window/workDoneProgress/cancel', { token });
    const [verdict] = await first.answer;
    expect(verdict).toMatchObject({ verdict: 'unfinished', current: true });
    expect(verdict.finding).toContain('interrupted');
    expect((await said).diagnostics).toMatchObject([{ severity: 2, code: 'search-unfinished' }]);
    expect(await second.answer).toMatchObject([{ verdict: 'holds', asExpected: true }]);
    const ended = client.heard.filter((h) => h.method === '$/progress' && h.params.token === token);
    expect(ended[0]?.params.value.kind).toBe('begin');
    expect(ended.at(-1)?.params.value.kind).toBe('end');
  });
  test('nothing that is not there', async () => {
    const { uri } = await open(large);
    await expect(verify(uri, 'small').answer).rejects.toThrow('no scenario is called "small"');
    await expect(verify('file:///tmp/other').answer).rejects.toThrow(/is not open/);
  });
});

describe('ends', () => {
  test('with 0 after `shutdown`', async () => {
    const other = new Client();
    await other.request('initialize', { processId: null, rootUri: null, capabilities: {} });
    expect(await other.request('shutdown', null)).toBeNull();
    other.notify('exit', null);
    expect(await other.ended).toBe(0);
  });
  test('with 1 without it, also while it verifies', async () => {
    const other = new Client();
    await other.request('initialize', { processId: null, rootUri: null, capabilities: {} });
    const text = spec(guarded, 'scenario "large" { cpus 4; patches 2; nmi 2 } expect holds');
    const uri = 'file:///tmp/large.suture';
    other.notify('textDocument/didOpen', {
      textDocument: { uri, languageId: 'suture', version: 1, text },
    });
    const command = { command: 'suture.verify', arguments: [uri], workDoneToken: 7 };
    void other.request('workspace/executeCommand', command).catch(() => {});
    await other.hear('$/progress', (p) => p.token === 7 && p.value.kind === 'report');
    other.notify('exit', null);
    expect(await other.ended).toBe(1);
  });
});
