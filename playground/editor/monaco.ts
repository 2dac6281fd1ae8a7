// The full editor: Monaco, told of the language by the service in the worker. Loaded once the page is usable.

import {
  editor,
  type IDisposable,
  KeyCode,
  KeyMod,
  languages,
  MarkerSeverity,
  Range,
} from 'monaco-editor/editor';
// The feature `suggest` of this version leaves out what opens the list.
import 'monaco-editor/editor/contrib/suggest/browser/suggestController';
import 'monaco-editor/features/bracketMatching/register';
import 'monaco-editor/features/caretOperations/register';
import 'monaco-editor/features/clipboard/register';
import 'monaco-editor/features/codeAction/register';
import 'monaco-editor/features/codelens/register';
import 'monaco-editor/features/comment/register';
import 'monaco-editor/features/cursorUndo/register';
import 'monaco-editor/features/documentSymbols/register';
import 'monaco-editor/features/find/register';
import 'monaco-editor/features/folding/register';
import 'monaco-editor/features/format/register';
import 'monaco-editor/features/gotoSymbol/register';
import 'monaco-editor/features/hover/register';
import 'monaco-editor/features/indentation/register';
import 'monaco-editor/features/inlayHints/register';
import 'monaco-editor/features/linesOperations/register';
import 'monaco-editor/features/multicursor/register';
import 'monaco-editor/features/quickOutline/register';
import 'monaco-editor/features/referenceSearch/register';
import 'monaco-editor/features/rename/register';
import 'monaco-editor/features/smartSelect/register';
import 'monaco-editor/features/suggest/register';
import 'monaco-editor/features/toggleTabFocusMode/register';
import 'monaco-editor/features/wordHighlighter/register';
import 'monaco-editor/features/wordOperations/register';
import type { Completion, Outline } from '../../compiler/service/index.ts';
import type { Diagnostic, Edit, Fix, Span } from '../../grammar/index.ts';
import type { Client } from '../client.ts';
import { element, sentence } from '../elements.ts';
import { Bubble } from './bubble.ts';
import type { Editor, EditorEvents, Mark, Past } from './editor.ts';
import type { colours } from './words.ts';

const language = 'suture';

export interface Asking {
  readonly client: Pick<Client, 'service'>;
  /** The scenario that addresses and bytes are told of. */
  scenario(): string | undefined;
  /** The page has it already. */
  readonly colours: typeof colours;
}

/** Begins with the text, the caret and the past of the editor that it takes the place of. */
export function createMonaco(
  past: Past,
  selection: Span,
  asking: Asking,
  events: EditorEvents,
): Editor {
  return new Monaco(past, selection, asking, events);
}

class Monaco implements Editor {
  readonly element = element('div', { class: 'monaco' });
  private readonly code: editor.IStandaloneCodeEditor;
  private readonly model: editor.ITextModel;
  private readonly bubble: Bubble;
  private readonly marks: editor.IEditorDecorationsCollection;
  private readonly pointed: editor.IEditorDecorationsCollection;
  private diagnostics: readonly Diagnostic[] = [];
  private verdictOf: ReadonlyMap<string, string> = new Map();
  private readonly lensesChanged: () => void;
  /** Edits that are not the user's are not told. */
  private quiet = true;

  constructor(past: Past, selection: Span, asking: Asking, events: EditorEvents) {
    prepare(asking);
    this.model = editor.createModel(past.first, language);
    this.model.setEOL(0);
    this.code = editor.create(this.element, {
      model: this.model,
      // What is typed is what stands there: Enter ends a line, whatever is offered, and Tab takes the offer.
      acceptSuggestionOnEnter: 'off',
      accessibilitySupport: 'auto',
      ariaLabel: 'Source of the protocol',
      autoClosingBrackets: 'never',
      autoClosingQuotes: 'never',
      automaticLayout: true,
      contextmenu: false,
      detectIndentation: false,
      fixedOverflowWidgets: true,
      folding: true,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'),
      fontLigatures: false,
      fontSize: 12,
      glyphMargin: true,
      guides: { indentation: false },
      hideCursorInOverviewRuler: true,
      insertSpaces: true,
      lineHeight: 20,
      lineNumbersMinChars: 3,
      minimap: { enabled: false },
      occurrencesHighlight: 'singleFile',
      overviewRulerBorder: false,
      overviewRulerLanes: 0,
      padding: { top: 8, bottom: 48 },
      renderLineHighlight: 'none',
      scrollBeyondLastLine: false,
      scrollbar: { useShadows: false, verticalScrollbarSize: 8, horizontalScrollbarSize: 8 },
      tabSize: 2,
      unicodeHighlight: { ambiguousCharacters: false },
      wordBasedSuggestions: 'off',
      wordWrap: 'on',
      wrappingIndent: 'indent',
    });
    this.bubble = new Bubble(this);
    this.element.append(this.bubble.element);
    this.marks = this.code.createDecorationsCollection();
    this.pointed = this.code.createDecorationsCollection();
    for (const { text } of past.edits) this.replay(text);
    this.code.setSelection(this.range(selection));
    this.quiet = false;
    this.model.onDidChangeContent(() => {
      this.bubble.hide();
      if (!this.quiet) events.changed();
    });
    this.code.onDidChangeCursorSelection(() => {
      if (!this.quiet && this.code.hasTextFocus()) events.moved();
    });
    // A click moves the caret before it brings the focus.
    this.code.onDidFocusEditorText(() => events.moved());
    const changed = new Set<() => void>();
    this.lensesChanged = () => {
      for (const f of changed) f();
    };
    this.provide(asking, events, changed);
  }

  get text(): string {
    return this.model.getValue();
  }

  get selection(): Span {
    const s = this.code.getSelection();
    if (!s) return { start: 0, end: 0 };
    return {
      start: this.model.getOffsetAt(s.getStartPosition()),
      end: this.model.getOffsetAt(s.getEndPosition()),
    };
  }

  load(text: string): void {
    this.quiet = true;
    this.bubble.hide();
    this.model.setValue(text);
    this.model.setEOL(0);
    this.code.setPosition({ lineNumber: 1, column: 1 });
    this.code.setScrollTop(0);
    this.diagnose([]);
    this.mark([]);
    this.quiet = false;
  }

  apply(fix: Fix): void {
    this.code.pushUndoStop();
    this.code.executeEdits(
      'fix',
      fix.edits.map((e) => this.edit(e)),
    );
    this.code.pushUndoStop();
    this.focus();
  }

  select(span: Span): void {
    const range = this.range(span);
    this.code.setSelection(range);
    this.code.revealRangeInCenterIfOutsideViewport(range);
  }

  focus(): void {
    this.code.focus();
  }

  diagnose(diagnostics: readonly Diagnostic[]): void {
    this.diagnostics = diagnostics;
    editor.setModelMarkers(
      this.model,
      language,
      diagnostics.map((d) => ({
        ...this.range(d.span),
        code: d.code,
        message: sentence(d.message).replaceAll('`', ''),
        severity: d.severity === 'error' ? MarkerSeverity.Error : MarkerSeverity.Warning,
      })),
    );
  }

  mark(marks: readonly Mark[]): void {
    const current = marks.find((m) => m.current);
    this.marks.set([
      ...marks.slice(0, 9).map((m) => ({
        range: this.range({ start: m.span.start, end: m.span.start }),
        options: {
          glyphMarginClassName: `cpu-mark cpu-${m.cpu}${m.current ? ' current' : ''}`,
          glyphMarginHoverMessage: { value: `cpu${m.cpu}` },
        },
      })),
      ...(current
        ? [
            {
              range: this.range({ start: current.span.start, end: current.span.start }),
              options: { isWholeLine: true, className: 'line-current' },
            },
            { range: this.range(current.span), options: { className: 'span-current' } },
          ]
        : []),
    ]);
    if (current && !this.code.hasTextFocus())
      this.code.revealRangeInCenterIfOutsideViewport(
        this.range({ start: current.span.start, end: current.span.start }),
      );
  }

  point(span: Span | undefined): void {
    this.pointed.set(
      span ? [{ range: this.range(span), options: { className: 'span-pointed' } }] : [],
    );
  }

  verdicts(all: ReadonlyMap<string, string>): void {
    const same =
      all.size === this.verdictOf.size && [...all].every(([k, v]) => this.verdictOf.get(k) === v);
    if (same) return;
    this.verdictOf = all;
    this.lensesChanged();
  }

  explain(diagnostic: Diagnostic): void {
    const position = this.model.getPositionAt(diagnostic.span.start);
    this.code.revealPositionInCenterIfOutsideViewport(position, 1);
    const at = this.code.getScrolledVisiblePosition(position);
    const pane = this.element.getBoundingClientRect();
    const top = pane.top + (at?.top ?? 0);
    this.bubble.show(diagnostic, { top, bottom: top + 20 });
  }

  /** The edit that makes the text this one, as one that can be undone. */
  private replay(text: string): void {
    const before = this.text;
    let start = 0;
    const most = Math.min(before.length, text.length);
    while (start < most && before[start] === text[start]) start++;
    let end = 0;
    while (end < most - start && before[before.length - 1 - end] === text[text.length - 1 - end])
      end++;
    this.code.pushUndoStop();
    this.code.executeEdits('typed', [
      this.edit({
        span: { start, end: before.length - end },
        text: text.slice(start, text.length - end),
      }),
    ]);
    this.code.pushUndoStop();
  }

  private edit(e: Edit): editor.IIdentifiedSingleEditOperation {
    return { range: this.range(e.span), text: e.text, forceMoveMarkers: true };
  }

  private range(span: Span): Range {
    return rangeOf(this.model, span);
  }

  // ---- what the service says

  private provide(
    { client, scenario }: Asking,
    events: EditorEvents,
    changed: Set<() => void>,
  ): void {
    const { model } = this;
    const mine = (m: editor.ITextModel): boolean => m === model;
    const ask: Client['service'] = (text, asked) => client.service(text, asked);
    const at = (p: { lineNumber: number; column: number }): number => model.getOffsetAt(p);
    const { uri } = model;

    languages.registerCompletionItemProvider(language, {
      triggerCharacters: ['.', ' ', '(', '['],
      async provideCompletionItems(m, position) {
        if (!mine(m)) return undefined;
        const all = await ask(m.getValue(), { service: 'completions', offset: at(position) });
        return {
          suggestions: all.map((c) => ({
            label: { label: c.label, description: c.detail },
            kind: completionKind(c.kind),
            insertText: c.insert,
            range: rangeOf(model, c.replaces),
            documentation: { value: c.documentation },
          })),
        };
      },
    });
    languages.registerHoverProvider(language, {
      async provideHover(m, position) {
        if (!mine(m)) return undefined;
        const h = await ask(m.getValue(), {
          service: 'hover',
          offset: at(position),
          scenario: scenario(),
        });
        if (!h) return undefined;
        return {
          range: rangeOf(model, h.span),
          contents: [
            { value: `\`\`\`${language}\n${h.code}\n\`\`\`` },
            ...h.text.map((value) => ({ value })),
          ],
        };
      },
    });
    languages.registerDefinitionProvider(language, {
      async provideDefinition(m, position) {
        if (!mine(m)) return undefined;
        const d = await ask(m.getValue(), { service: 'definition', offset: at(position) });
        return d?.to.map((t) => ({
          originSelectionRange: rangeOf(model, d.from),
          uri,
          range: rangeOf(model, t.whole),
          targetSelectionRange: rangeOf(model, t.name),
        }));
      },
    });
    languages.registerReferenceProvider(language, {
      async provideReferences(m, position, context) {
        if (!mine(m)) return undefined;
        const all = await ask(m.getValue(), { service: 'references', offset: at(position) });
        return all
          .filter((r) => context.includeDeclaration || !r.declares)
          .map((r) => ({ uri, range: rangeOf(model, r.span) }));
      },
    });
    languages.registerDocumentHighlightProvider(language, {
      async provideDocumentHighlights(m, position) {
        if (!mine(m)) return undefined;
        const all = await ask(m.getValue(), { service: 'references', offset: at(position) });
        return all.map((r) => ({ range: rangeOf(model, r.span) }));
      },
    });
    languages.registerRenameProvider(language, {
      async resolveRenameLocation(m, position) {
        const r = await ask(m.getValue(), { service: 'prepareRename', offset: at(position) });
        const nowhere = { range: new Range(1, 1, 1, 1), text: '' };
        if (!r) return { ...nowhere, rejectReason: 'there is no name here' };
        if ('refused' in r) return { ...nowhere, rejectReason: r.refused };
        return { range: rangeOf(model, r.span), text: r.name };
      },
      async provideRenameEdits(m, position, to) {
        const r = await ask(m.getValue(), { service: 'rename', offset: at(position), to });
        if ('refused' in r) return { edits: [], rejectReason: r.refused };
        return {
          edits: r.edits.map((e) => ({
            resource: uri,
            versionId: undefined,
            textEdit: { range: rangeOf(model, e.span), text: e.text },
          })),
        };
      },
    });
    languages.registerFoldingRangeProvider(language, {
      async provideFoldingRanges(m) {
        if (!mine(m)) return undefined;
        const all = await ask(m.getValue(), { service: 'folds' });
        return all.map((f) => {
          const r = rangeOf(model, f.span);
          return {
            start: r.startLineNumber,
            end: r.endLineNumber,
            ...(f.kind === 'comment' ? { kind: languages.FoldingRangeKind.Comment } : {}),
          };
        });
      },
    });
    languages.registerSelectionRangeProvider(language, {
      async provideSelectionRanges(m, positions) {
        if (!mine(m)) return undefined;
        return Promise.all(
          positions.map(async (p) =>
            (await ask(m.getValue(), { service: 'selections', offset: at(p) })).map((s) => ({
              range: rangeOf(model, s),
            })),
          ),
        );
      },
    });
    languages.registerDocumentFormattingEditProvider(language, {
      async provideDocumentFormattingEdits(m) {
        if (!mine(m)) return undefined;
        const all = await ask(m.getValue(), { service: 'formatting' });
        return all.map((e) => ({ range: rangeOf(model, e.span), text: e.text }));
      },
    });
    languages.registerDocumentSymbolProvider(language, {
      async provideDocumentSymbols(m) {
        if (!mine(m)) return undefined;
        const symbol = (o: Outline): languages.DocumentSymbol => ({
          name: o.name,
          detail: o.detail,
          kind: languages.SymbolKind.Field,
          tags: [],
          range: rangeOf(model, o.span),
          selectionRange: rangeOf(model, o.nameSpan),
          children: o.children.map(symbol),
        });
        return (await ask(m.getValue(), { service: 'outline' })).map(symbol);
      },
    });
    languages.registerInlayHintsProvider(language, {
      async provideInlayHints(m) {
        const all = mine(m)
          ? await ask(m.getValue(), { service: 'hints', scenario: scenario() })
          : [];
        return {
          // Addresses and defaults would leave no room for the text: hover says them.
          hints: all
            .filter((h) => h.kind === 'place' || h.kind === 'sync')
            .map((h) => ({
              label: h.text,
              position: model.getPositionAt(h.offset),
              tooltip: { value: h.tooltip },
              paddingLeft: true,
              paddingRight: true,
            })),
          dispose() {},
        };
      },
    });
    languages.registerCodeActionProvider(language, {
      provideCodeActions: (m, range) => ({
        actions: this.diagnostics.flatMap((d) => {
          if (!mine(m) || !d.fix || !Range.areIntersectingOrTouching(this.range(d.span), range))
            return [];
          const edits = d.fix.edits.map((e) => ({
            resource: uri,
            versionId: undefined,
            textEdit: { range: this.range(e.span), text: e.text },
          }));
          return [{ title: d.fix.title.replaceAll('`', ''), kind: 'quickfix', edit: { edits } }];
        }),
        dispose() {},
      }),
    });
    const open = this.code.addCommand(0, (_, name: string) => events.scenario(name)) ?? '';
    languages.registerCodeLensProvider(language, {
      onDidChange: ((listen: () => void): IDisposable => {
        const tell = (): void => listen();
        changed.add(tell);
        return { dispose: () => changed.delete(tell) };
      }) as never,
      provideCodeLenses: async (m) => {
        const all = mine(m) ? await ask(m.getValue(), { service: 'lenses' }) : [];
        return {
          lenses: all.flatMap((l) => {
            const title = this.verdictOf.get(l.scenario);
            if (title === undefined) return [];
            const range = this.range({ start: l.span.start, end: l.span.start });
            return [{ range, command: { id: open, title, arguments: [l.scenario] } }];
          }),
          dispose() {},
        };
      },
    });
  }
}

function rangeOf(model: editor.ITextModel, span: Span): Range {
  const start = model.getPositionAt(span.start);
  const end = model.getPositionAt(span.end);
  return new Range(start.lineNumber, start.column, end.lineNumber, end.column);
}

function completionKind(kind: Completion['kind']): languages.CompletionItemKind {
  const { CompletionItemKind: k } = languages;
  switch (kind) {
    case 'keyword':
    case 'setting':
      return k.Keyword;
    case 'mnemonic':
      return k.Operator;
    case 'register':
    case 'constant':
    case 'number':
      return k.Constant;
    default:
      return k.Variable;
  }
}

let prepared = false;

/** Once: the language and its colours. */
function prepare({ colours }: Asking): void {
  if (prepared) return;
  prepared = true;
  // The page's own keys, wherever the focus is.
  editor.addKeybindingRules(
    [KeyCode.F8, KeyMod.Shift | KeyCode.F8, KeyCode.F6, KeyMod.CtrlCmd | KeyCode.Period].map(
      (keybinding) => ({ keybinding, command: null }),
    ),
  );
  languages.register({ id: language, extensions: ['.suture'] });
  languages.setLanguageConfiguration(language, {
    comments: { lineComment: '//' },
    brackets: [
      ['{', '}'],
      ['(', ')'],
      ['[', ']'],
    ],
    wordPattern: /[A-Za-z_][A-Za-z0-9_]*/,
  });
  // No token goes over the end of its line.
  const state = { clone: () => state, equals: () => true };
  languages.setTokensProvider(language, {
    getInitialState: () => state,
    tokenize: (line) => {
      const tokens: { startIndex: number; scopes: string }[] = [];
      let end = 0;
      for (const c of colours(line)) {
        if (c.start > end) tokens.push({ startIndex: end, scopes: '' });
        tokens.push({ startIndex: c.start, scopes: c.colour });
        end = c.end;
      }
      if (end < line.length) tokens.push({ startIndex: end, scopes: '' });
      return { tokens, endState: state };
    },
  });
  paint();
  new MutationObserver(paint).observe(document.documentElement, {
    attributeFilter: ['data-theme'],
  });
}

/** The page's own colours, which change with its theme. */
function paint(): void {
  const root = document.documentElement;
  const style = getComputedStyle(root);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const plain = (name: string): string => colour(name).slice(1);
  // One colour of brackets: which belong together is shown where the caret stands.
  const brackets = [1, 2, 3, 4, 5, 6].map((n) => [
    `editorBracketHighlight.foreground${n}`,
    colour('ink'),
  ]);
  editor.defineTheme('suture', {
    base: root.dataset.theme === 'dark' ? 'vs-dark' : 'vs',
    inherit: true,
    rules: [
      { token: '', foreground: plain('ink') },
      ...['keyword', 'string', 'number', 'mnemonic', 'comment'].map((token) => ({
        token,
        foreground: plain(token),
      })),
    ],
    colors: {
      ...Object.fromEntries(brackets),
      'editor.background': colour('bg'),
      'editor.foreground': colour('ink'),
      'editorLineNumber.foreground': colour('ink-3'),
      'editorLineNumber.activeForeground': colour('ink'),
      'editorCursor.foreground': colour('ink'),
      'editorCodeLens.foreground': colour('ink-3'),
      'editorInlayHint.background': colour('bg'),
      'editorInlayHint.foreground': colour('ink-3'),
      'editorError.foreground': colour('bad'),
      'editorWidget.background': colour('bg'),
      'editorWidget.border': colour('line-2'),
      'editorHoverWidget.background': colour('bg'),
      'editorSuggestWidget.background': colour('bg'),
      'editorSuggestWidget.selectedBackground': colour('accent-soft'),
      'editorSuggestWidget.selectedForeground': colour('ink'),
      'editorSuggestWidget.highlightForeground': colour('accent'),
      'editorSuggestWidget.focusHighlightForeground': colour('accent'),
      'scrollbarSlider.background': colour('hover'),
      'scrollbarSlider.hoverBackground': colour('line-2'),
      'scrollbarSlider.activeBackground': colour('line-2'),
      focusBorder: colour('accent'),
    },
  });
  editor.setTheme('suture');
}
