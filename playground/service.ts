// The editor's questions about a text, answered in the worker by the service.

import type {
  Analysis,
  Completion,
  Definition,
  Fold,
  Hint,
  Hover,
  Lens,
  Outline,
  Reference,
  Refused,
  Renamable,
  Renamed,
} from '../compiler/service/index.ts';
import {
  analyse,
  completions,
  definition,
  folds,
  formatting,
  hints,
  hover,
  lenses,
  outline,
  prepareRename,
  references,
  rename,
  selections,
} from '../compiler/service/index.ts';
import type { Edit, Span } from '../grammar/index.ts';

/** What can be asked, with what it needs to know, and what is answered. */
export interface Services {
  readonly completions: { ask: { offset: number }; answer: readonly Completion[] };
  readonly hover: {
    ask: { offset: number; scenario: string | undefined };
    answer: Hover | undefined;
  };
  readonly definition: { ask: { offset: number }; answer: Definition | undefined };
  readonly references: { ask: { offset: number }; answer: readonly Reference[] };
  readonly prepareRename: { ask: { offset: number }; answer: Renamable | Refused | undefined };
  readonly rename: { ask: { offset: number; to: string }; answer: Renamed | Refused };
  readonly selections: { ask: { offset: number }; answer: readonly Span[] };
  readonly folds: { ask: object; answer: readonly Fold[] };
  readonly formatting: { ask: object; answer: readonly Edit[] };
  readonly outline: { ask: object; answer: readonly Outline[] };
  readonly lenses: { ask: object; answer: readonly Lens[] };
  readonly hints: { ask: { scenario: string | undefined }; answer: readonly Hint[] };
}
export type Service = keyof Services;
export type Asked = { [S in Service]: { readonly service: S } & Services[S]['ask'] }[Service];

let known: Analysis | undefined;

/** Of the text as it stands in the editor, which may be newer than the one that is checked. */
export function answer(text: string, asked: Asked): unknown {
  if (known?.text !== text) known = analyse(text);
  const a = known;
  switch (asked.service) {
    case 'completions':
      return completions(a, asked.offset);
    case 'hover':
      return hover(a, asked.offset, asked.scenario);
    case 'definition':
      return definition(a, asked.offset);
    case 'references':
      return references(a, asked.offset);
    case 'prepareRename':
      return prepareRename(a, asked.offset);
    case 'rename':
      return rename(a, asked.offset, asked.to);
    case 'selections':
      return selections(a, asked.offset);
    case 'folds':
      return folds(a);
    case 'formatting':
      return formatting(a);
    case 'outline':
      return outline(a);
    case 'lenses':
      return lenses(a);
    case 'hints':
      return hints(a, asked.scenario);
  }
}
