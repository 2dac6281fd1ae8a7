// The texts that were edited last, kept in this browser: the newest first, at most twenty.

import { recall, remember } from './memory.ts';

const most = 20;
const mostLength = 200_000;

export interface Kept {
  /** The protocol's name, or what it was made from. */
  readonly title: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly when: number;
  /** Edits of one session at the page replace each other. */
  readonly session: string;
}

export function keptTexts(): readonly Kept[] {
  try {
    const all: unknown = JSON.parse(recall('texts') ?? '[]');
    return Array.isArray(all) ? all.filter(isKept).slice(0, most) : [];
  } catch {
    return [];
  }
}

export function keep(kept: Kept): void {
  if (kept.text.length > mostLength) return;
  const others = keptTexts().filter((k) => k.session !== kept.session && k.text !== kept.text);
  remember('texts', JSON.stringify([kept, ...others].slice(0, most)));
}

function isKept(value: unknown): value is Kept {
  const k = value as Partial<Kept> | null;
  return (
    typeof k === 'object' &&
    k !== null &&
    typeof k.title === 'string' &&
    typeof k.text === 'string' &&
    typeof k.when === 'number' &&
    typeof k.session === 'string'
  );
}
