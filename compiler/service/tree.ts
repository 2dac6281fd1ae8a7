// Ways through the tree that do not care what its nodes are: children in the order of the text, and the path to an offset.

import type { File, Span } from '../../grammar/index.ts';
import { inside } from './names.ts';

export interface Node {
  readonly kind?: string;
  readonly span: Span;
}

/** Anything with a span right inside of a node; also names and texts, which have no kind. */
export function children(node: object): readonly Node[] {
  const out: Node[] = [];
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const v of value) look(v);
    else if (typeof value === 'object' && value !== null) {
      if ('span' in value) out.push(value as Node);
      // The right side of an assignment and what is emulated have no span of their own.
      else if ('kind' in value) for (const v of Object.values(value)) look(v);
    }
  };
  for (const [key, value] of Object.entries(node)) if (key !== 'comments') look(value);
  return out.sort((a, b) => a.span.start - b.span.start);
}

/** From the file to the smallest node that an offset is in. */
export function path(file: File, offset: number): readonly Node[] {
  const out: Node[] = [file];
  for (let node: Node | undefined = file; node; ) {
    const next: readonly Node[] = children(node).filter((c) => inside(offset, c.span));
    // Between two that touch, the one that begins here is meant, if it is a word.
    node = next[next.length - 1];
    if (node) out.push(node);
  }
  return out;
}

/** Every node below one, each before what is inside of it. */
export function* below(node: Node): Generator<Node> {
  for (const child of children(node)) {
    yield child;
    yield* below(child);
  }
}
