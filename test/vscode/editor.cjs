// As much of VS Code as the extension needs to start, in a process of its own: `node editor.cjs EXTENSION SPEC`.
//
// It activates the extension with the spec open, has every scenario verified, and prints what it was shown as JSON.

const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');

const [folder, spec] = process.argv.slice(2);
const nothing = { dispose() {} };
const heard = () => nothing;

/** Stands for every part of the interface that nobody asks about here. */
function anything() {
  const known = new Map();
  return new Proxy(function Anything() {}, {
    get(target, name) {
      if (name === 'then') return undefined;
      if (typeof name === 'symbol' || name === 'prototype') return target[name];
      if (/^on(Did|Will)/.test(name)) return heard;
      if (!known.has(name)) known.set(name, anything());
      return known.get(name);
    },
    apply: () => anything(),
    construct: (target, args, by) => Reflect.construct(target, args, by),
  });
}
const part = (given) =>
  new Proxy(given, { get: (t, name) => (name in t ? t[name] : anything()[name]) });

class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}
class Range {
  constructor(...at) {
    if (at.length === 2) [this.start, this.end] = at;
    else {
      this.start = new Position(at[0], at[1]);
      this.end = new Position(at[2], at[3]);
    }
  }
}
class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}
class EventEmitter {
  listeners = new Set();
  event = (f) => {
    this.listeners.add(f);
    return nothing;
  };
  fire(what) {
    for (const f of this.listeners) f(what);
  }
  dispose() {}
}
class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: heard };
  cancel() {}
  dispose() {}
}
class Disposable {
  constructor(dispose) {
    this.dispose = dispose ?? (() => {});
  }
}

const text = readFileSync(spec, 'utf8');
const uri = { scheme: 'file', path: spec, fsPath: spec, toString: () => `file://${spec}` };
const document = {
  uri,
  fileName: spec,
  languageId: 'suture',
  version: 1,
  isDirty: false,
  eol: 1,
  lineCount: text.split('\n').length,
  getText: () => text,
};
const commands = new Map();
const problems = [];
const messages = [];
const said = (...args) => {
  messages.push(String(args[0]));
  return Promise.resolve(undefined);
};
const vscode = part({
  version: '1.101.0',
  Position,
  Range,
  Diagnostic,
  EventEmitter,
  CancellationTokenSource,
  Disposable,
  DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2, Hint: 3 },
  Uri: { parse: (value) => ({ toString: () => value }) },
  commands: {
    registerCommand: (name, does) => {
      commands.set(name, does);
      return nothing;
    },
    executeCommand: (name, ...args) => commands.get(name)(...args),
  },
  workspace: part({
    getConfiguration: () => ({ get: (_, value) => value }),
    textDocuments: [document],
    notebookDocuments: [],
    workspaceFolders: undefined,
  }),
  window: part({
    activeTextEditor: { document },
    visibleTextEditors: [],
    tabGroups: { all: [], onDidChangeTabs: heard, onDidChangeTabGroups: heard },
    createOutputChannel: () =>
      new Proxy({}, { get: (_, name) => (/^on/.test(name) ? heard : () => {}) }),
    showErrorMessage: said,
    showWarningMessage: said,
    showInformationMessage: said,
    withProgress: (_, work) => work({ report() {} }, new CancellationTokenSource().token),
  }),
  languages: part({
    match: () => 10,
    createDiagnosticCollection: () => ({
      set: (_, list) => {
        problems.splice(0, problems.length, ...(list ?? []));
      },
      delete() {},
      clear() {},
      dispose() {},
    }),
  }),
  env: part({ language: 'en', appName: 'test' }),
});

const load = Module._load;
Module._load = function (name, ...rest) {
  return name === 'vscode' ? vscode : load.call(this, name, ...rest);
};
const extension = require(join(folder, 'client.js'));

(async () => {
  await extension.activate({ extensionPath: folder, subscriptions: [] });
  await commands.get('suture.verifyFile')();
  const shown = problems.map(({ code, message, severity, source }) => ({
    code,
    message,
    severity,
    source,
  }));
  await extension.deactivate();
  console.log(JSON.stringify({ commands: [...commands.keys()], problems: shown, messages }));
})();
