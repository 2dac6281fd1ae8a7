// All that the service's answers about one text rest on: its tokens, tree, names, diagnostics and programs.
//
// A caller keeps one for as long as its text stays; what takes longer than parsing is done when first asked for.

import type { File, Parsed, Source, Span } from '../../grammar/index.ts';
import { parse, source } from '../../grammar/index.ts';
import type { LexicalKind } from '../../grammar/tokens.ts';
import { lex } from '../../grammar/tokens.ts';
import type { Lowered } from '../lower.ts';
import type { Compiled, Scenario } from '../verify.ts';
import { compile, programOf } from '../verify.ts';
import type { Names } from './names.ts';
import { namesOf } from './names.ts';

export interface Word {
  readonly kind: LexicalKind;
  readonly text: string;
  readonly span: Span;
}

export class Analysis {
  readonly text: string;
  readonly source: Source;
  readonly parsed: Parsed;
  private words: readonly Word[] | undefined;
  private tableOfNames: Names | undefined;
  private result: Compiled | undefined;
  private readonly programs = new Map<Scenario, Lowered>();

  constructor(text: string) {
    this.text = text;
    this.source = source(text);
    this.parsed = parse(text);
  }

  /** Of a text with errors it is what could be read; absent where that is nothing. */
  get file(): File | undefined {
    return this.parsed.file;
  }

  /** Comments and ends of lines included, in the order of the text. */
  get tokens(): readonly Word[] {
    this.words ??= lex(this.text);
    return this.words;
  }

  get names(): Names {
    this.tableOfNames ??= namesOf(this.file);
    return this.tableOfNames;
  }

  get compiled(): Compiled {
    this.result ??= compile(this.text, this.parsed);
    return this.result;
  }

  /** The scenario of that name, or the first; none where the text has errors. */
  scenario(name?: string): Scenario | undefined {
    const { scenarios } = this.compiled;
    return scenarios.find((s) => s.name === name) ?? scenarios[0];
  }

  /** The first check of a scenario, with bytes and addresses. */
  program(scenario: Scenario): Lowered | undefined {
    const check = scenario.checks[0];
    if (!check) return undefined;
    const known = this.programs.get(scenario);
    if (known) return known;
    const lowered = programOf(this.compiled, check);
    this.programs.set(scenario, lowered);
    return lowered;
  }
}

/** Never throws, whatever the text. */
export const analyse = (text: string): Analysis => new Analysis(text);
