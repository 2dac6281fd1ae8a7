// The extension: starts the language server, and lets every scenario of a file be verified.

import { join } from 'node:path';
import { commands, type ExtensionContext, window, workspace } from 'vscode';
import { LanguageClient, type ServerOptions, TransportKind } from 'vscode-languageclient/node';

let client: LanguageClient | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand('suture.verifyFile', verifyFile),
    commands.registerCommand('suture.restart', async () => {
      await client?.dispose();
      await start(context);
    }),
  );
  await start(context);
}

export async function deactivate(): Promise<void> {
  await client?.dispose();
}

async function start(context: ExtensionContext): Promise<void> {
  const settings = workspace.getConfiguration('suture');
  const path = settings.get<string>('server.path', '').trim();
  const server: ServerOptions =
    path === ''
      ? { module: join(context.extensionPath, 'server.mjs'), transport: TransportKind.stdio }
      : { command: path, args: ['lsp'], transport: TransportKind.stdio };
  const maxStates = settings.get<number | null>('verify.maxStates', null);
  client = new LanguageClient('suture', 'Suture', server, {
    documentSelector: [{ language: 'suture' }],
    initializationOptions: {
      maxMemoryMegabytes: settings.get<number>('verify.maxMemoryMegabytes', 2048),
      ...(maxStates === null ? {} : { maxStates }),
    },
  });
  await client.start();
}

/** The server shows progress, and its verdicts beside the scenarios and among the problems. */
async function verifyFile(): Promise<void> {
  const document = window.activeTextEditor?.document;
  if (document?.languageId !== 'suture') {
    await window.showInformationMessage('Open a .suture file first.');
    return;
  }
  await commands.executeCommand('suture.verify', document.uri.toString());
}
