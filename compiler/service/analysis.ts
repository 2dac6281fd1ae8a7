// All that the service's answers about one text rest on: its tokens, tree, names, diagnostics and programs.
//
// A caller keeps one for as long as its text stays; what takes longer than parsing is done when first asked for.

import type { File, Parsed, Source, Span } from '../../grammar/index.ts';
import { parse, source } from '../../grammar/index.ts';
import type { LexicalKind } from '../../grammar/tokens.ts';
import { lex } from '../../grammar/tokens.ts';
import type { Compiled, Scenario } from '../compile.ts';
import { compile, programOf } from '../compile.ts';
import { Facts } from './facts.ts';
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
  #words: readonly Word[] | undefined;
  #tableOfNames: Names | undefined;
  #result: Compiled | undefined;
  readonly #known = new Map<Scenario, Facts>();

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
    this.#words ??= lex(this.text);
    return this.#words;
  }

  get names(): Names {
    this.#tableOfNames ??= namesOf(this.file, this.text);
    return this.#tableOfNames;
  }

  get compiled(): Compiled {
    this.#result ??= compile(this.text, this.parsed);
    return this.#result;
  }

  /** The scenario of that name, or the first; none where the text has errors. */
  scenario(name?: string): Scenario | undefined {
    const { scenarios } = this.compiled;
    return scenarios.find((s) => s.name === name) ?? scenarios[0];
  }

  /** Bytes and addresses of the first check of a scenario. */
  facts(scenario: Scenario): Facts | undefined {
    const check = scenario.checks[0];
    const known = this.#known.get(scenario);
    if (!check || known) return known;
    const facts = new Facts(programOf(this.compiled, check));
    this.#known.set(scenario, facts);
    return facts;
  }

  /** What the first scenario says that has an answer: the one that is preferred, then those of the text in order. */
  ask<T>(
    preferred: string | undefined,
    question: (facts: Facts) => T | undefined,
  ): { readonly answer: T; readonly scenario: Scenario; readonly facts: Facts } | undefined {
    const first = this.scenario(preferred);
    if (!first) return undefined;
    const others = this.compiled.scenarios.filter((s) => s !== first).slice(0, mostAsked);
    for (const scenario of [first, ...others]) {
      const facts = this.facts(scenario);
      const answer = facts && question(facts);
      if (facts && answer !== undefined) return { answer, scenario, facts };
    }
    return undefined;
  }
}

/** Each scenario that is asked is lowered once. */
const mostAsked = 20;

/** Never throws, whatever the text. */
export const analyse = (text: string): Analysis => new Analysis(text);
