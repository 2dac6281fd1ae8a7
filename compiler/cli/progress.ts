// The line that tells how far a search is: on standard error, on a terminal only, and gone when it is done.

import { count, cut, grouped, megabytes } from './terminal.ts';

export interface Figures {
  readonly states: number;
  readonly depth: number;
  readonly queue: number;
  readonly bytes: number;
}

export class Progress {
  private readonly on: boolean;
  private shown = false;
  private last = 0;
  private rateFrom = { time: 0, states: 0 };

  constructor(on: boolean) {
    this.on = on && process.stderr.isTTY === true;
  }

  begin(): void {
    this.rateFrom = { time: performance.now(), states: 0 };
  }

  show(what: string, f: Figures): void {
    const now = performance.now();
    if (!this.on || now - this.last < 100) return;
    this.last = now;
    const rate = (1000 * (f.states - this.rateFrom.states)) / Math.max(1, now - this.rateFrom.time);
    const figures = `${count(f.states, 'state')}, ${grouped(Math.max(0, Math.round(rate)))}/s, depth ${f.depth}, queue ${grouped(f.queue)}, ${megabytes(f.bytes)}`;
    const room = (process.stderr.columns ?? 80) - figures.length - 4;
    process.stderr.write(`\r\x1b[K${room > 8 ? `${cut(what, room)}: ` : ''}${figures}`);
    this.shown = true;
  }

  /** Must be called before anything else is printed. */
  clear(): void {
    if (this.shown) process.stderr.write('\r\x1b[K');
    this.shown = false;
  }
}
