// `suture playground`: serves the page's built files on this machine, or writes them to a folder.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve, sep } from 'node:path';
import { UsageError } from './files.ts';
import { home } from './home.ts';

export interface PlaygroundOptions {
  readonly port: number;
  readonly out?: string;
}

const site = join(home, 'playground', 'dist');
/** Only a clone has it; a package brings the built files. */
const builder = join(home, 'playground', 'build.ts');

const kinds: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
};

export async function playground(options: PlaygroundOptions): Promise<number> {
  const built = builtSite();
  if (options.out !== undefined) {
    const out = resolve(options.out);
    cpSync(built, out, { recursive: true });
    process.stdout.write(`the page is in ${out}; any static server will do\n`);
    return 0;
  }
  const server = await serve(built, options.port);
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}/\n`);
  process.stderr.write('suture: the page is served to this machine alone; Ctrl-C ends it\n');
  await new Promise<void>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        server.close();
        server.closeAllConnections();
        end();
      });
  });
  return 0;
}

/** The folder of the built page; in a clone it is built when a source is newer. */
export function builtSite(): string {
  if (existsSync(builder) && !fresh()) {
    process.stderr.write('suture: building the page\n');
    const done = spawnSync(process.execPath, [builder], { cwd: home, stdio: ['ignore', 2, 2] });
    if (done.status !== 0) throw new UsageError('the page could not be built: see above');
  }
  if (!existsSync(join(site, 'index.html')))
    throw new UsageError('this package was made without the page');
  return site;
}

function fresh(): boolean {
  const made = changed(join(site, 'index.html'));
  const sources = ['playground', 'grammar', 'compiler', 'examples'].flatMap((folder) =>
    readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' })
      .map((f) => join(home, folder, f))
      .filter((f) => !f.startsWith(site)),
  );
  return made > 0 && [...sources, join(home, 'package-lock.json')].every((f) => changed(f) <= made);
}

const changed = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Answers on the loopback address only; port 0 takes a free one. */
export async function serve(folder: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, kind: string, body: string | Buffer): void => {
      response.writeHead(status, {
        'content-type': kind,
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'cross-origin-opener-policy': 'same-origin',
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const plain = 'text/plain; charset=utf-8';
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(405, plain, 'only GET\n');
    const file = fileOf(folder, request.url ?? '/');
    if (file === undefined) return answer(404, plain, 'there is no such file\n');
    answer(200, kinds[extname(file)] ?? 'application/octet-stream', readFileSync(file));
  });
  await new Promise<void>((ready, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      failed(
        error.code === 'EADDRINUSE'
          ? new UsageError(`port ${port} is taken; --port names another, 0 takes a free one`)
          : error,
      ),
    );
    server.listen(port, '127.0.0.1', ready);
  });
  return server;
}

/** The file of an address, if it lies in the folder. */
function fileOf(folder: string, address: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(new URL(address, 'http://localhost').pathname);
  } catch {
    return undefined;
  }
  if (path.includes('\0')) return undefined;
  const file = resolve(folder, `.${path.endsWith('/') ? `${path}index.html` : path}`);
  if (!file.startsWith(resolve(folder) + sep)) return undefined;
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
}
