// Editor features as pure functions over a text and an offset: no editor's types, no clock, nothing kept between calls.

import type { Diagnostic } from '../../grammar/index.ts';
import type { Analysis } from './analysis.ts';

export { type Analysis, analyse } from './analysis.ts';
export type * from './answers.ts';
export { semanticTokens } from './colour.ts';
export { completions } from './complete.ts';
export { folds, selections } from './fold.ts';
export { hints, lenses } from './hints.ts';
export { hover } from './hover.ts';
export { formatting } from './layout.ts';
export { mending, mendingFixes } from './mend.ts';
export type { NameKind } from './names.ts';
export { outline } from './outline.ts';
export { definition, prepareRename, references, rename } from './refer.ts';

/** In the order of the text, with the edits that mend what can be mended. */
export const diagnostics = (a: Analysis): readonly Diagnostic[] => a.compiled.diagnostics;
