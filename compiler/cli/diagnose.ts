// Diagnostics as text: where, what, the line itself with carets below it, and how to mend it.

import type { Diagnostic } from '../../grammar/index.ts';
import { lineText, place, type Source } from '../../grammar/index.ts';
import { type Terminal, toAscii } from './terminal.ts';

export function diagnose(text: Source, d: Diagnostic, t: Terminal): string {
  const at = place(text, d.span);
  const colour = d.severity === 'error' ? 'red' : 'yellow';
  const head = `${t.paint('bold', `${text.name}:${at.line}:${at.column}:`)} ${t.paint(['bold', colour], `${d.severity}[${d.code}]:`)} ${d.message}`;
  const number = String(at.line);
  const gutter = ' '.repeat(number.length);
  // A tab is one column wide here, so that carets stand below what they mean.
  const whole = lineText(text, at.line).replace(/\t/g, ' ');
  const room = Math.max(20, t.columns - number.length - 5);
  // A line that is too long is shown from shortly before the place on.
  const from = at.column - 1 > room - 12 ? at.column - 13 : 0;
  const shown = `${from > 0 ? '…' : ''}${t.cut(whole.slice(from > 0 ? from + 1 : 0), room - (from > 0 ? 1 : 0))}`;
  const start = at.column - 1 - from;
  const end = at.endLine === at.line ? at.endColumn - 1 - from : whole.length - from;
  const carets = Math.max(1, Math.min(end, Math.max(shown.length, start + 1)) - start);
  const bar = t.paint('dim', t.ascii ? '|' : '│');
  const lines = [
    head,
    ` ${t.paint('dim', number)} ${bar} ${shown}`,
    ` ${gutter} ${bar} ${' '.repeat(start)}${t.paint(colour, '^'.repeat(carets))}`,
  ];
  if (d.fix) lines.push(` ${gutter} ${t.paint('cyan', 'help:')} ${d.fix.title}`);
  const out = `${lines.join('\n')}\n`;
  return t.ascii ? toAscii(out) : out;
}
