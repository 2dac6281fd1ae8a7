// Measures what an editor waits for: each request over the protocol, on the largest spec of the gallery.
//
// node test/bench/lsp.ts, on a machine that does nothing else; it writes its section of docs/figures.md.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, find } from '../lsp/client.ts';
import { measuredOn, writeSection } from './section.ts';

const root = join(import.meta.dirname, '../..');
const times = 51;
/** The server waits so long behind the last key before it compiles. */
const pause = 80;

const [name = '', text = ''] =
  readdirSync(join(root, 'examples'))
    .filter((f) => f.endsWith('.suture'))
    .map((f) => [f, readFileSync(join(root, 'examples', f), 'utf8')] as const)
    .sort((a, b) => b[1].length - a[1].length)[0] ?? [];
const uri = `file:///tmp/${name}`;
const at = find(text, 'sync cores');
const word = { line: at.line, character: at.character + 'sync co'.length };
const stub = find(text, 'place');
const all = { start: { line: 0, character: 0 }, end: { line: 10_000, character: 0 } };
const requests: readonly (readonly [string, object])[] = [
  ['completion', { position: word }],
  ['hover', { position: stub }],
  ['definition', { position: stub }],
  ['references', { position: stub, context: { includeDeclaration: true } }],
  ['prepareRename', { position: stub }],
  ['rename', { position: stub, newName: 'another' }],
  ['documentSymbol', {}],
  ['foldingRange', {}],
  ['selectionRange', { positions: [stub] }],
  ['semanticTokens/full', {}],
  ['inlayHint', { range: all }],
  ['formatting', { options: { tabSize: 2, insertSpaces: true } }],
  ['codeLens', {}],
  ['codeAction', { range: all, context: { diagnostics: [] } }],
];

const client = new Client();
await client.request('initialize', { processId: null, rootUri: null, capabilities: {} });
const textDocument = { uri, languageId: 'suture', version: 1, text };
client.notify('textDocument/didOpen', { textDocument });
let version = 1;
/** One letter more in the comments, or one less. */
function type(): void {
  version++;
  const line = text.split('\n').findIndex((l) => l.startsWith('//'));
  const start = { line, character: 3 };
  const odd = version % 2 === 1;
  const range = { start, end: { line, character: odd ? 4 : 3 } };
  client.notify('textDocument/didChange', {
    textDocument: { uri, version },
    contentChanges: [{ range, text: odd ? '' : 'x' }],
  });
}
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[times >> 1] ?? 0;
async function measured(before: () => void, ask: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    before();
    const started = performance.now();
    await ask();
    taken.push(performance.now() - started);
  }
  return median(taken);
}
/** Of all requests: behind an edit, of a text that was asked about before. */
async function table(): Promise<readonly (readonly [string, number, number])[]> {
  const rows: [string, number, number][] = [];
  for (const [method, more] of requests) {
    const ask = () => client.request(`textDocument/${method}`, { textDocument: { uri }, ...more });
    rows.push([method, await measured(type, ask), await measured(() => {}, ask)]);
  }
  return rows;
}
await table(); // What runs for the first time is compiled meanwhile.
const alone = await table();
const shown = await measured(type, () =>
  client.hear('textDocument/publishDiagnostics', (p) => p.version === version),
);
const scenario = 'both do, on any CPU';
const verify = { command: 'suture.verify', arguments: [uri, scenario], workDoneToken: 1 };
const searched = client.ask('workspace/executeCommand', verify);
await client.hear('$/progress', (p) => p.value.kind === 'report');
let over = false;
void searched.answer.then(() => {
  over = true;
});
const beside = await table();
if (over) throw new Error(`"${scenario}" was done before the measurement`);
client.notify('$/cancelRequest', { id: searched.id });
await searched.answer;
await client.request('shutdown', null);
client.notify('exit', null);

const ms = (n: number): string => n.toFixed(1);
const rows = alone.map(
  ([method, edited, again], i) =>
    `| ${method} | ${ms(edited)} | ${ms(again)} | ${ms(beside[i]?.[1] ?? 0)} |`,
);
writeSection(
  'lsp',
  `${measuredOn()}, on
\`${name}\` (${text.split('\n').length - 1} lines): medians of ${times}, in milliseconds. The diagnostics are there ${ms(shown - pause)} ms after the pause of
${pause} ms that is waited for the next key.

| request | after an edit | asked again | after an edit, while "${scenario}" is verified |
|---|---:|---:|---:|
${rows.join('\n')}
`,
);
