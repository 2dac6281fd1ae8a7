// What the page opens first: what its address says, else the text that was edited last, else the first example.

import { decodeLink, type Shared } from '../compiler/share.ts';
import { sentence } from './elements.ts';
import { type Example, examples } from './gallery.ts';
import { keptTexts } from './kept.ts';

export interface Beginning {
  readonly text: string;
  /** What a report calls it. */
  readonly name: string;
  /** Nothing runs that was kept: it may be what ended the page. */
  readonly verify: boolean;
  /** Open at the step that the run's reasons begin with, not at its end. */
  readonly telling: boolean;
  /** A sentence on why it is not what the address asked for. */
  readonly notice?: string;
  /** What the link holds beside the text. */
  readonly shared?: Shared;
}

export const fileOf = (e: Example): string => `examples/${e.name}.suture`;

export async function beginning(): Promise<Beginning> {
  if (location.hash.length > 1) {
    const shared = await decodeLink(location.hash);
    const about = { name: '-', verify: false, telling: false } as const;
    if ('damaged' in shared) return { ...about, text: '', notice: sentence(shared.damaged) };
    return { ...about, text: shared.source, verify: true, shared };
  }
  const wanted = new URLSearchParams(location.search).get('example');
  if (wanted !== null) {
    const found = (await examples()).find((e) => e.name === wanted);
    if (found) return ofExample(found);
    return {
      text: '',
      name: '-',
      verify: false,
      telling: false,
      notice: `There is no example called ${wanted.slice(0, 60)}`,
    };
  }
  const [last] = keptTexts();
  if (last) return { text: last.text, name: '-', verify: false, telling: false };
  const first = (await examples()).find((e) => e.name === 'two-stubs');
  if (first) return { ...ofExample(first), telling: true };
  return {
    text: '',
    name: '-',
    verify: false,
    telling: false,
    notice: 'The gallery could not be loaded',
  };
}

export const ofExample = (e: Example): Beginning => ({
  text: e.text,
  name: fileOf(e),
  verify: true,
  telling: false,
});
