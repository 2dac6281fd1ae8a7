// `suture lsp`: what an editor asks over the Language Server Protocol, answered by the service.

import { fileURLToPath } from 'node:url';
import {
  type CancellationToken,
  type ClientCapabilities,
  type CodeAction,
  CodeActionKind,
  CodeLensRefreshRequest,
  type CompletionItem,
  type Connection,
  createConnection,
  type Diagnostic,
  DiagnosticSeverity,
  type DocumentSymbol,
  FoldingRangeKind,
  InsertTextFormat,
  LSPErrorCodes,
  MarkupKind,
  ResponseError,
  type SelectionRange,
  SemanticTokensBuilder,
  type ServerCapabilities,
  TextDocumentSyncKind,
  type TextEdit,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver/node';
import type { Edit } from '../../../grammar/index.ts';
import type { ScenarioReport } from '../../report.ts';
import {
  type Completion,
  completions,
  definition,
  diagnostics,
  folds,
  formatting,
  hints,
  hover,
  lenses,
  type Outline,
  outline,
  prepareRename,
  references,
  rename,
  selections,
  semanticTokens,
} from '../../service/index.ts';
import { grouped } from '../terminal.ts';
import { ownVersion } from '../version.ts';
import { Document, type Point, type Range } from './documents.ts';
import { Findings, resultDiagnostics, resultTitle } from './results.ts';
import { type Searched, search } from './search.ts';
import { itemKind, symbolKind, tokenCode, tokenModifiers, tokenTypes } from './words.ts';

export const verifyCommand = 'suture.verify';

/** What the editor may say when it starts us. */
interface Settings {
  readonly maxStates?: number;
  readonly maxMemoryMegabytes?: number;
}

const capabilities: ServerCapabilities = {
  positionEncoding: 'utf-16',
  textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
  completionProvider: { triggerCharacters: [' ', '.', '[', '(', '=', '|'] },
  hoverProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  renameProvider: { prepareProvider: true },
  documentSymbolProvider: true,
  foldingRangeProvider: true,
  selectionRangeProvider: true,
  semanticTokensProvider: {
    legend: { tokenTypes: [...tokenTypes], tokenModifiers: [...tokenModifiers] },
    full: true,
  },
  inlayHintProvider: true,
  documentFormattingProvider: true,
  codeLensProvider: {},
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
  executeCommandProvider: { commands: [verifyCommand], workDoneProgress: true },
};

/** Serves until the editor says `exit`, which ends the process. */
export function serve(): Promise<never> {
  const connection = createConnection(process.stdin, process.stdout, {
    connectionStrategy: {
      // Who types fast asks for more than is wanted a moment later: that is not worked out any more.
      cancelUndispatched: () => ({
        jsonrpc: '2.0',
        id: null, // The library puts the request's own in.
        error: { code: LSPErrorCodes.RequestCancelled, message: 'cancelled' },
      }),
    },
  });
  new Server(connection);
  connection.listen();
  return new Promise(() => {});
}

class Server {
  private readonly connection: Connection;
  private readonly documents = new Map<string, Document>();
  private readonly found = new Map<string, Findings>();
  private readonly due = new Map<string, NodeJS.Timeout>();
  /** Milliseconds that the last compilation took. */
  private compiling = 0;
  private client: ClientCapabilities = {};
  private settings: Settings = {};
  /** Searches take turns: each may take all the memory that it is allowed. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection) {
    this.connection = connection;
    connection.onInitialize((params) => {
      this.client = params.capabilities;
      this.settings = (params.initializationOptions ?? {}) as Settings;
      return { capabilities, serverInfo: { name: 'suture', version: ownVersion } };
    });
    this.openAndChange();
    this.look();
    this.names();
    this.lists();
    this.changes();
    connection.onExecuteCommand((params, token, progress) => {
      const [uri, scenario] = (params.arguments ?? []) as [string?, string?];
      if (params.command !== verifyCommand || typeof uri !== 'string')
        throw new ResponseError(LSPErrorCodes.RequestFailed, `no such command: ${params.command}`);
      return this.verify(uri, scenario, token, progress);
    });
  }

  private openAndChange(): void {
    const { connection, documents } = this;
    connection.onDidOpenTextDocument(({ textDocument: { uri, version, text } }) => {
      documents.set(uri, new Document(uri, version, text));
      this.publish(uri);
    });
    connection.onDidChangeTextDocument(({ textDocument: { uri, version }, contentChanges }) => {
      const before = documents.get(uri);
      if (!before) return;
      documents.set(uri, before.changed(version, contentChanges));
      this.publishSoon(uri);
    });
    connection.onDidCloseTextDocument(({ textDocument: { uri } }) => {
      documents.delete(uri);
      this.found.delete(uri);
      clearTimeout(this.due.get(uri));
      this.due.delete(uri);
      connection.sendDiagnostics({ uri, diagnostics: [] });
    });
  }

  /** The answer for a document and a place in it; nothing for one that is not open. */
  private at<A>(
    params: { readonly textDocument: { readonly uri: string }; readonly position: Point },
    answer: (d: Document, offset: number) => A,
  ): A | null {
    const d = this.documents.get(params.textDocument.uri);
    return d ? answer(d, d.offset(params.position)) : null;
  }

  private of<A>(
    params: { readonly textDocument: { readonly uri: string } },
    answer: (d: Document) => A,
  ): A | null {
    const d = this.documents.get(params.textDocument.uri);
    return d ? answer(d) : null;
  }

  private look(): void {
    const { connection } = this;
    const snippets = (): boolean =>
      this.client.textDocument?.completion?.completionItem?.snippetSupport === true;
    connection.onCompletion((params) =>
      this.at(params, (d, offset) =>
        completions(d.analysis, offset).map((c, i) => ({
          label: c.label,
          kind: itemKind(c.kind),
          detail: c.detail,
          documentation: { kind: MarkupKind.Markdown, value: c.documentation },
          ...inserted(d.range(c.replaces), c, snippets()),
          // In the order of the service, which knows what is likely.
          sortText: String(i).padStart(4, '0'),
        })),
      ),
    );
    connection.onHover((params) =>
      this.at(params, (d, offset) => {
        const h = hover(d.analysis, offset);
        if (!h) return null;
        const value = [`\`\`\`suture\n${h.code}\n\`\`\``, ...h.text].join('\n\n');
        return { contents: { kind: MarkupKind.Markdown, value }, range: d.range(h.span) };
      }),
    );
    connection.languages.inlayHint.on((params) =>
      this.of(params, (d) => {
        const within = {
          start: d.offset(params.range.start),
          end: d.offset(params.range.end),
        };
        return hints(d.analysis, undefined, within).map((h) => ({
          position: d.range({ start: h.offset, end: h.offset }).start,
          label: h.text,
          tooltip: h.tooltip,
          paddingLeft: true,
          paddingRight: true,
        }));
      }),
    );
    connection.languages.semanticTokens.on(
      (params) =>
        this.of(params, (d) => {
          const builder = new SemanticTokensBuilder();
          for (const t of semanticTokens(d.analysis)) {
            const code = tokenCode(t.kind, t.declares);
            const { start } = d.range(t.span);
            if (code)
              builder.push(
                start.line,
                start.character,
                t.span.end - t.span.start,
                code[0],
                code[1],
              );
          }
          return builder.build();
        }) ?? { data: [] },
    );
  }

  private names(): void {
    const { connection } = this;
    connection.onDefinition((params) =>
      this.at(params, (d, offset) => {
        const found = definition(d.analysis, offset);
        if (!found) return null;
        return this.client.textDocument?.definition?.linkSupport
          ? found.to.map((to) => ({
              originSelectionRange: d.range(found.from),
              targetUri: d.uri,
              targetRange: d.range(to.whole),
              targetSelectionRange: d.range(to.name),
            }))
          : found.to.map((to) => ({ uri: d.uri, range: d.range(to.name) }));
      }),
    );
    connection.onReferences((params) =>
      this.at(params, (d, offset) =>
        references(d.analysis, offset)
          .filter((r) => params.context.includeDeclaration || !r.declares)
          .map((r) => ({ uri: d.uri, range: d.range(r.span) })),
      ),
    );
    connection.onPrepareRename((params) =>
      this.at(params, (d, offset) => {
        const found = prepareRename(d.analysis, offset);
        if (!found) return null;
        if ('refused' in found) return refuse(found.refused);
        return { range: d.range(found.span), placeholder: found.name };
      }),
    );
    connection.onRenameRequest((params) =>
      this.at(params, (d, offset) => {
        const found = rename(d.analysis, offset, params.newName);
        if ('refused' in found) return refuse(found.refused);
        return { changes: { [d.uri]: edits(d, found.edits) } };
      }),
    );
  }

  private lists(): void {
    const { connection } = this;
    const symbol = (d: Document, o: Outline): DocumentSymbol => ({
      name: o.name,
      detail: o.detail,
      kind: symbolKind(o.kind),
      range: d.range(o.span),
      selectionRange: d.range(o.nameSpan),
      children: o.children.map((c) => symbol(d, c)),
    });
    connection.onDocumentSymbol((params) =>
      this.of(params, (d) => outline(d.analysis).map((o) => symbol(d, o))),
    );
    connection.onFoldingRanges((params) =>
      this.of(params, (d) =>
        folds(d.analysis).map((f) => {
          const { start, end } = d.range(f.span);
          return {
            startLine: start.line,
            startCharacter: start.character,
            endLine: end.line,
            endCharacter: end.character,
            ...(f.kind === 'comment' ? { kind: FoldingRangeKind.Comment } : {}),
          };
        }),
      ),
    );
    connection.onSelectionRanges((params) =>
      this.of(params, (d) =>
        params.positions.map((p) => {
          // The service begins with the smallest; here each has the next larger one for its parent.
          const spans = selections(d.analysis, d.offset(p));
          const here = { range: { start: p, end: p } };
          return (
            spans.reduceRight<SelectionRange | undefined>(
              (parent, span) => ({ range: d.range(span), ...(parent ? { parent } : {}) }),
              undefined,
            ) ?? here
          );
        }),
      ),
    );
    connection.onCodeLens((params) =>
      this.of(params, (d) => {
        const found = this.found.get(d.uri);
        return lenses(d.analysis).map((l) => {
          const known = found?.of(d, l.scenario);
          const title = known ? resultTitle(known) : l.title;
          const command = { title, command: verifyCommand, arguments: [d.uri, l.scenario] };
          return { range: d.range(l.span), command };
        });
      }),
    );
  }

  private changes(): void {
    const { connection } = this;
    connection.onDocumentFormatting((params) =>
      this.of(params, (d) => edits(d, formatting(d.analysis))),
    );
    connection.onCodeAction((params) =>
      this.of(params, (d) => {
        const from = d.offset(params.range.start);
        const to = d.offset(params.range.end);
        const mistakes = diagnostics(d.analysis).flatMap((x): CodeAction[] =>
          x.fix && x.span.start <= to && x.span.end >= from
            ? [
                {
                  title: sentence(x.fix.title),
                  kind: CodeActionKind.QuickFix,
                  diagnostics: [diagnosticOf(d, x)],
                  isPreferred: true,
                  edit: { changes: { [d.uri]: edits(d, x.fix.edits) } },
                },
              ]
            : [],
        );
        return [...mistakes, ...this.mends(d, from, to)];
      }),
    );
  }

  /** What a verification found that mends a scenario between these places. */
  private mends(d: Document, from: number, to: number): readonly CodeAction[] {
    const found = this.found.get(d.uri);
    if (!found) return [];
    return d.analysis.compiled.scenarios.flatMap((s) => {
      const report = s.span.start <= to && s.span.end >= from ? found.of(d, s.name) : undefined;
      if (!report) return [];
      return found.fixes(d, s.name).map((fix) => ({
        title: sentence(fix.title),
        kind: CodeActionKind.QuickFix,
        diagnostics: [...resultDiagnostics(d.uri, report)],
        edit: { changes: { [d.uri]: edits(d, fix.edits) } },
      }));
    });
  }

  /** A moment after the last key: compiling a text takes longer than reading it, with thousands of checks seconds. */
  private publishSoon(uri: string): void {
    clearTimeout(this.due.get(uri));
    const pause = Math.max(80, 2 * this.compiling);
    this.due.set(
      uri,
      setTimeout(() => this.publish(uri), pause),
    );
  }

  private publish(uri: string): void {
    this.due.delete(uri);
    const d = this.documents.get(uri);
    if (!d) return;
    const started = performance.now();
    const mistakes = diagnostics(d.analysis);
    const results = this.found.get(uri)?.all(d) ?? [];
    this.compiling = performance.now() - started;
    this.connection.sendDiagnostics({
      uri,
      version: d.version,
      diagnostics: [
        ...mistakes.map((x) => diagnosticOf(d, x)),
        ...results.flatMap((s) => resultDiagnostics(uri, s)),
      ],
    });
  }

  /** The verdicts of one scenario or of all, of the text as it is now; typing goes on meanwhile. */
  private async verify(
    uri: string,
    scenario: string | undefined,
    token: CancellationToken,
    given: WorkDoneProgressReporter,
  ): Promise<readonly Verdict[]> {
    const d = this.documents.get(uri);
    if (!d) return refuse(`this file is not open: ${uri}`);
    if (d.analysis.compiled.scenarios.length === 0)
      return refuse('this spec has errors; mend them first');
    if (scenario !== undefined && d.analysis.scenario(scenario)?.name !== scenario)
      return refuse(`no scenario is called "${scenario}"`);
    const stop = new AbortController();
    token.onCancellationRequested(() => stop.abort());
    // The request may bring a place for progress of its own; else the editor is asked for one.
    const own = this.client.window?.workDoneProgress
      ? await this.connection.window.createWorkDoneProgress()
      : undefined;
    own?.token.onCancellationRequested(() => stop.abort());
    const shown = [given, ...(own ? [own] : [])];
    for (const p of shown) p.begin(`Verifying ${scenario ?? nameOf(uri)}`, 0, '', true);
    try {
      const found = await this.inTurn(() => this.search(d, scenario, stop.signal, shown));
      return this.keep(d, found);
    } finally {
      for (const p of shown) p.done();
    }
  }

  private inTurn<A>(work: () => Promise<A>): Promise<A> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  private search(
    d: Document,
    scenario: string | undefined,
    stop: AbortSignal,
    shown: readonly WorkDoneProgressReporter[],
  ): Promise<Searched> {
    const { maxStates, maxMemoryMegabytes = 2048 } = this.settings;
    let last = 0;
    const order = {
      text: d.text,
      file: nameOf(d.uri),
      maxBytes: maxMemoryMegabytes * (1 << 20),
      ...(maxStates === undefined ? {} : { maxStates }),
      ...(scenario === undefined ? {} : { scenario }),
    };
    return search(order, stop, (step) => {
      const now = performance.now();
      if (now - last < 100) return;
      last = now;
      const figures = `${step.scenario}: ${grouped(step.states)} states, depth ${step.depth}`;
      for (const p of shown) p.report(Math.floor((100 * step.done) / step.of), figures);
    });
  }

  private keep(d: Document, { report, fixes }: Searched): readonly Verdict[] {
    const now = this.documents.get(d.uri);
    const found = this.found.get(d.uri) ?? new Findings();
    for (const s of report.scenarios) found.add(d, s, fixes.get(s.name));
    if (now) {
      this.found.set(d.uri, found);
      this.publish(d.uri);
      if (this.client.workspace?.codeLens?.refreshSupport)
        void this.connection.sendRequest(CodeLensRefreshRequest.type).catch(() => {});
    }
    return report.scenarios.map((s) => ({
      scenario: s.name,
      verdict: s.verdict,
      asExpected: s.asExpected,
      finding: s.finding,
      states: s.states,
      current: now !== undefined && found.of(now, s.name) !== undefined,
    }));
  }
}

/** What the command answers with, for a program that calls it. */
export interface Verdict {
  readonly scenario: string;
  readonly verdict: ScenarioReport['verdict'];
  readonly asExpected: boolean;
  readonly finding: string | null;
  readonly states: number;
  /** False where the scenario has changed since: then the verdict is about the text as it was. */
  readonly current: boolean;
}

/** The caret may end up inside of what is inserted, which only a snippet can say. */
function inserted(range: Range, c: Completion, snippets: boolean): Partial<CompletionItem> {
  if (!snippets || c.caret === c.insert.length)
    return { textEdit: { range, newText: c.insert }, insertTextFormat: InsertTextFormat.PlainText };
  const plain = (text: string): string => text.replace(/[\\$}]/g, '\\$&');
  const newText = `${plain(c.insert.slice(0, c.caret))}$0${plain(c.insert.slice(c.caret))}`;
  return { textEdit: { range, newText }, insertTextFormat: InsertTextFormat.Snippet };
}

const edits = (d: Document, list: readonly Edit[]): TextEdit[] =>
  list.map((e) => ({ range: d.range(e.span), newText: e.text }));

function diagnosticOf(d: Document, x: ReturnType<typeof diagnostics>[number]): Diagnostic {
  return {
    range: d.range(x.span),
    severity: x.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code: x.code,
    source: 'suture',
    message: x.message,
  };
}

/** The sentence is shown to the user by the editor. */
function refuse(sentence: string): never {
  throw new ResponseError(LSPErrorCodes.RequestFailed, sentence);
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const nameOf = (uri: string): string => {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : uri;
  } catch {
    return uri;
  }
};
