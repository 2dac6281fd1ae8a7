// Text in a drawing: how wide it is, and what of it fits. Names in backquotes are set as code.

import { drawn } from '../elements.ts';

export interface Piece {
  readonly text: string;
  readonly class: string;
}

/** A label and its detail in pieces of one look each. */
export function pieces(text: string, detail: string, loud = false): readonly Piece[] {
  const look = loud ? ' bad' : '';
  const cut = (t: string, plain: string, code: string): Piece[] =>
    t
      .split(/(`[^`]*`)/)
      .filter((x) => x !== '')
      .map((x) =>
        x.startsWith('`') && x.endsWith('`') && x.length > 1
          ? { text: x.slice(1, -1), class: `${code}${look}` }
          : { text: x, class: `${plain}${look}` },
      );
  return [
    ...cut(text, 'word', 'code'),
    ...(detail === ''
      ? []
      : [
          ...(text === '' ? [] : [{ text: '  ', class: 'detail' }]),
          ...cut(detail, 'detail', 'detail code'),
        ]),
  ];
}

/** Measures by the fonts that a host has; the widths of what was asked once are kept. */
export class Type {
  private readonly context = document.createElement('canvas').getContext('2d');
  private readonly known = new Map<string, number>();
  private fonts: Readonly<Record<'word' | 'code' | 'detail' | 'small', string>> | undefined;
  private readonly host: HTMLElement;

  constructor(host: HTMLElement) {
    this.host = host;
  }

  /** The page's fonts may have changed. */
  forget(): void {
    this.fonts = undefined;
    this.known.clear();
  }

  width(piece: Piece): number {
    const key = `${piece.class}\n${piece.text}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (!this.context) return piece.text.length * 7;
    this.fonts ??= this.read();
    const code = piece.class.includes('code');
    const small = piece.class.includes('detail');
    this.context.font = this.fonts[code ? (small ? 'small' : 'code') : small ? 'detail' : 'word'];
    const width = this.context.measureText(piece.text).width;
    this.known.set(key, width);
    return width;
  }

  private read(): NonNullable<Type['fonts']> {
    const style = getComputedStyle(this.host);
    const value = (name: string): string => style.getPropertyValue(name).trim();
    const [code, small] = [value('--code') || '12px', value('--small') || '11px'];
    const [sans, mono] = [value('--sans') || 'sans-serif', value('--mono') || 'monospace'];
    return {
      word: `${code} ${sans}`,
      code: `${code} ${mono}`,
      detail: `${small} ${sans}`,
      small: `${small} ${mono}`,
    };
  }

  /** As much of the pieces as `room` holds, with an ellipsis where something is left out. */
  fit(
    all: readonly Piece[],
    room: number,
  ): { readonly pieces: readonly Piece[]; readonly width: number } {
    const out: Piece[] = [];
    let used = 0;
    for (const p of all) {
      const width = this.width(p);
      if (used + width <= room) {
        out.push(p);
        used += width;
        continue;
      }
      const left = room - used;
      let keep = Math.max(0, Math.floor((p.text.length * left) / width));
      const cut = (): Piece => ({ ...p, text: `${p.text.slice(0, keep).trimEnd()}…` });
      while (keep > 0 && this.width(cut()) > left) keep--;
      if (keep > 2) {
        out.push(cut());
        used += this.width(cut());
      }
      break;
    }
    return { pieces: out, width: used };
  }
}

/** A line of text in a drawing. */
export function line(
  x: number,
  y: number,
  all: readonly Piece[],
  anchor: 'start' | 'end' = 'start',
): SVGTextElement {
  const text = drawn('text', { x, y, ...(anchor === 'end' ? { 'text-anchor': 'end' } : {}) });
  for (const p of all) {
    const span = drawn('tspan', { class: p.class });
    span.textContent = p.text;
    text.append(span);
  }
  return text;
}
