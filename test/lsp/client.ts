// An editor that is a script: speaks the protocol's own bytes with `suture lsp`, and keeps all that it hears.

import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const entry = resolve(import.meta.dirname, '../../compiler/cli/suture.js');

// biome-ignore lint/suspicious/noExplicitAny: what comes over a wire has the shape that a test asks it for
export type Json = any;

export interface Point {
  readonly line: number;
  readonly character: number;
}
export interface Range {
  readonly start: Point;
  readonly end: Point;
}
export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

export class RequestFailed extends Error {
  readonly code: number;
  constructor(error: { readonly code: number; readonly message: string }) {
    super(error.message);
    this.code = error.code;
  }
}

export class Client {
  /** Notifications and requests of the server, in the order in which they came. */
  readonly heard: { readonly method: string; readonly params: Json }[] = [];
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly open = new Map<number, (message: Json) => void>();
  private waiting: { readonly what: (m: Json) => boolean; readonly done: (m: Json) => void }[] = [];
  private buffer = Buffer.alloc(0);
  private next = 1;

  /** Of the clone by the Node that runs this, if nothing else is said. */
  constructor(node = process.execPath, command = entry) {
    this.child = spawn(node, [command, 'lsp', '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (d: Buffer) => this.read(d));
    this.child.stdin?.on('error', () => {});
    this.ended = new Promise((done) => {
      this.child.on('close', done);
    });
  }

  /** The answer, or a rejection with the server's error; `id` can be cancelled meanwhile. */
  ask(method: string, params: Json): { readonly id: number; readonly answer: Promise<Json> } {
    const id = this.next++;
    const answer = new Promise<Json>((done, failed) => {
      this.open.set(id, (m) => (m.error ? failed(new RequestFailed(m.error)) : done(m.result)));
    });
    this.send({ id, method, params });
    return { id, answer };
  }

  request(method: string, params: Json): Promise<Json> {
    return this.ask(method, params).answer;
  }

  notify(method: string, params: Json): void {
    this.send({ method, params });
  }

  /** The next notification of that method that fits, from now on. */
  hear(method: string, fits: (params: Json) => boolean = () => true): Promise<Json> {
    return new Promise((done) => {
      this.waiting.push({ what: (m) => m.method === method && fits(m.params), done });
    });
  }

  /** What is sent meanwhile arrives at once. */
  together<A>(send: () => A): A {
    this.child.stdin?.cork();
    const result = send();
    this.child.stdin?.uncork();
    return result;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private send(message: Json): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.child.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  private read(data: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      const head = this.buffer.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(
        /Content-Length: (\d+)/i.exec(this.buffer.toString('ascii', 0, head))?.[1],
      );
      const end = head + 4 + length;
      if (this.buffer.length < end) return;
      const message = JSON.parse(this.buffer.toString('utf8', head + 4, end));
      this.buffer = this.buffer.subarray(end);
      this.take(message);
    }
  }

  private take(message: Json): void {
    if (message.method === undefined) {
      this.open.get(message.id)?.(message);
      this.open.delete(message.id);
      return;
    }
    this.heard.push({ method: message.method, params: message.params });
    if (message.id !== undefined) this.send({ id: message.id, result: null });
    const found = this.waiting.filter((w) => w.what(message));
    this.waiting = this.waiting.filter((w) => !found.includes(w));
    for (const w of found) w.done(message.params);
  }
}

/** The text after the edits, which speak of it as it was. */
export function applied(text: string, edits: readonly TextEdit[]): string {
  const lines = text.split('\n');
  const at = (p: Point): number =>
    lines.slice(0, p.line).reduce((n, l) => n + l.length + 1, 0) + p.character;
  return edits
    .toSorted((a, b) => at(b.range.start) - at(a.range.start))
    .reduce((t, e) => t.slice(0, at(e.range.start)) + e.newText + t.slice(at(e.range.end)), text);
}

/** Where the `n`th occurrence of a word begins. */
export function find(text: string, word: string, n = 1): Point {
  let at = -1;
  for (let i = 0; i < n; i++) at = text.indexOf(word, at + 1);
  if (at < 0) throw new Error(`the text has no ${word}`);
  const before = text.slice(0, at).split('\n');
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}

/** What a range covers. */
export function covered(text: string, { start, end }: Range): string {
  const lines = text.split('\n').slice(start.line, end.line + 1);
  const last = lines.length - 1;
  lines[last] = lines[last]?.slice(0, end.character) ?? '';
  lines[0] = lines[0]?.slice(start.character) ?? '';
  return lines.join('\n');
}
