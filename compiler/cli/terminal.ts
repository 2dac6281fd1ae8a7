// What is known of the terminal: its width, whether it may have colour, and text that fits both.

import { styleText } from 'node:util';

export type Colour = Parameters<typeof styleText>[0];

export interface Terminal {
  readonly columns: number;
  /** 7-bit characters only. */
  readonly ascii: boolean;
  paint(colour: Colour, text: string): string;
  /** Text as this terminal can show it. */
  plain(text: string): string;
  /** Cut to `width`, with an ellipsis where something is missing. */
  cut(text: string, width: number): string;
}

/** Colour on a terminal only, and not where NO_COLOR is set to anything (no-color.org). */
const coloured = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

export function terminal(stream: NodeJS.WriteStream, ascii = false): Terminal {
  const asked = Number(process.env.COLUMNS);
  const columns = ascii
    ? 72
    : stream.isTTY
      ? (stream.columns ?? 80)
      : Number.isInteger(asked) && asked >= 40
        ? asked
        : 100;
  const colour = coloured(stream) && !ascii;
  return {
    columns: Math.max(60, columns),
    ascii,
    plain: (text) => (ascii ? toAscii(text) : text),
    cut: (text, width) => cut(ascii ? toAscii(text) : text, width, ascii ? '...' : '…'),
    paint: (c, text) => (colour ? styleText(c, text, { validateStream: false }) : text),
  };
}

const plain: Readonly<Record<string, string>> = {
  '→': '->',
  '…': '...',
  '—': '-',
  '–': '-',
  '·': '-',
  '✓': 'ok',
  '✗': '!!',
  '│': '|',
  '─': '-',
  '×': 'x',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
};
/** The text in 7 bits; what has no likeness there becomes a question mark. */
export const toAscii = (text: string): string => text.replace(/[^\n -~]/gu, (c) => plain[c] ?? '?');

export const cut = (text: string, width: number, ellipsis = '…'): string =>
  text.length <= width
    ? text
    : `${text.slice(0, Math.max(0, width - ellipsis.length)).trimEnd()}${ellipsis}`;

/** Words in lines of at most `width`; a word that is longer is broken. */
export function wrap(text: string, wanted: number): string[] {
  const width = Math.max(8, wanted);
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = word;
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}

export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
export const count = (n: number, one: string, many = `${one}s`): string =>
  `${grouped(n)} ${n === 1 ? one : many}`;

export function megabytes(bytes: number): string {
  const mb = bytes / (1 << 20);
  return mb >= 1000
    ? `${(mb / 1024).toFixed(1)} GB`
    : `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB`;
}

export const secondsText = (s: number): string => (s < 100 ? s.toFixed(2) : s.toFixed(0));
