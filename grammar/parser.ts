// From text to tree: one pass over the tokens, with recovery at the ends of lines and one message for one mistake.

import {
  EmbeddedActionsParser,
  EOF,
  type IOrAlt,
  type IParserErrorMessageProvider,
  type IToken,
  isRecognitionException,
  type ParserMethod,
  type TokenType,
  tokenMatcher,
} from 'chevrotain';
import type {
  Alternatives,
  AsmItem,
  Atom,
  BinaryOp,
  Block,
  Call,
  Cell,
  Change,
  Comment,
  Expectation,
  Expr,
  File,
  Insn,
  Item,
  Name,
  Operand,
  PokeSource,
  Range,
  Rhs,
  Setting,
  Slots,
  Span,
  Stmt,
  Temporal,
  Text,
  Unit,
  Value,
} from './ast.ts';
import { type Diagnostic, didYouMean, type Fix, nearest } from './diagnostic.ts';
import { habit } from './habits.ts';
import * as T from './tokens.ts';
import { binding, keyword, notBinding } from './tokens.ts';

export interface Parsed {
  /** The tree of all that could be read; absent where the text was not read to its end. */
  readonly file?: File;
  /** In the order of the text. A text without errors has none. */
  readonly diagnostics: readonly Diagnostic[];
}

const maxLength = 1_000_000;
const maxErrors = 100;
/** Braces, brackets, parentheses and `else if`: what makes the tree deep. */
const maxDepth = 64;
/** Tokens of one expression: what makes it deep without brackets. */
const maxRun = 500;

/** Never throws, whatever the text. */
export function parse(text: string): Parsed {
  if (text.length > maxLength) {
    const message = `the text has ${text.length} characters, a spec at most ${maxLength}`;
    return { diagnostics: [error('too-large', message, { start: 0, end: 0 })] };
  }
  const lexed = T.lexer.tokenize(text);
  const comments = (lexed.groups.comments ?? []).map(
    (t): Comment => ({ text: t.image, span: spanOf(t) }),
  );
  const tokens = significant(lexed.tokens);
  const deep = tooDeep(tokens);
  if (deep !== undefined) return { diagnostics: [deep] };
  return parser.read(text, tokens, comments);
}

// ---- tokens before the grammar

/**
 * Ends of lines that mean nothing are taken out: inside parentheses and brackets, behind a comma, and all but the
 * first of several. Each token's payload is the number of braces open around it.
 */
function significant(all: readonly IToken[]): IToken[] {
  const closed = closedBrackets(all);
  const tokens: IToken[] = [];
  let braces = 0;
  let brackets = 0;
  for (const [i, token] of all.entries()) {
    const type = token.tokenType;
    const last = tokens.at(-1)?.tokenType;
    if (type === T.Newline) {
      if (brackets > 0 || last === undefined || last === T.Newline || last === T.Comma) continue;
    } else if (closed.has(i)) {
      brackets += type === T.LeftParen || type === T.LeftBracket ? 1 : -1;
    }
    if (type === T.RightBrace) braces--;
    token.payload = braces;
    if (type === T.LeftBrace) braces++;
    tokens.push(token);
  }
  return tokens;
}

/** The pairs; a parenthesis that is never closed must not swallow the lines behind it. */
function closedBrackets(all: readonly IToken[]): ReadonlySet<number> {
  const closed = new Set<number>();
  let open: number[] = [];
  for (const [i, { tokenType: type }] of all.entries()) {
    if (type === T.LeftParen || type === T.LeftBracket) open.push(i);
    else if (type === T.RightParen || type === T.RightBracket) {
      const before = open.pop();
      if (before !== undefined) closed.add(before).add(i);
    } else if (type === T.LeftBrace || type === T.RightBrace || type === T.Semicolon) open = [];
  }
  return closed;
}

/** Judged before the grammar, so that neither it nor a later pass can run out of stack. */
function tooDeep(tokens: readonly IToken[]): Diagnostic | undefined {
  let depth = 0;
  let run = 0;
  let behindBrace = false;
  const chains: number[] = [0];
  for (const [i, token] of tokens.entries()) {
    const type = token.tokenType;
    run++;
    if (type === T.LeftBrace || type === T.LeftParen || type === T.LeftBracket) {
      depth++;
      chains.push(0);
    } else if (type === T.RightBrace || type === T.RightParen || type === T.RightBracket) {
      if (chains.length > 1) depth -= 1 + (chains.pop() ?? 0);
    } else if (type === keyword('else')) {
      if (tokens[i + 1]?.tokenType === keyword('if')) {
        depth++;
        chains.push((chains.pop() ?? 0) + 1);
      }
    } else if (type !== T.Newline && behindBrace) {
      depth -= chains.pop() ?? 0;
      chains.push(0);
    }
    if (type !== T.Newline) behindBrace = type === T.RightBrace;
    if (depth > maxDepth)
      return error('too-deep', `this is nested more than ${maxDepth} deep`, spanOf(token));
    if (endsRun.has(type)) run = 0;
    if (run > maxRun)
      return error('too-long', `this line has more than ${maxRun} words and signs`, spanOf(token));
  }
  return undefined;
}

const endsRun: ReadonlySet<TokenType> = new Set([
  T.Newline,
  T.Semicolon,
  T.LeftBrace,
  T.RightBrace,
  T.Comma,
  T.Bar,
]);

// ---- messages

function error(code: string, message: string, span: Span, fix?: Fix): Diagnostic {
  return { code, severity: 'error', message, span, ...(fix && { fix }) };
}

/**
 * The parser library asks for a sentence where only the token types are known. What was expected is kept here, and the
 * sentence is made where the error is caught: no text of the library is ever shown.
 */
class Expectations implements IParserErrorMessageProvider {
  types: readonly TokenType[] = [];
  rule = '';

  buildMismatchTokenMessage(o: { expected: TokenType; ruleName: string }): string {
    return this.keep([o.expected], o.ruleName);
  }
  buildNotAllInputParsedMessage(o: { ruleName: string }): string {
    return this.keep([], o.ruleName);
  }
  buildNoViableAltMessage(o: {
    expectedPathsPerAlt: TokenType[][][];
    ruleName: string;
    customUserDescription?: string;
  }): string {
    const types = o.expectedPathsPerAlt.flat().flatMap((path) => path.slice(0, 1));
    this.keep([...new Set(types)], o.ruleName);
    return o.customUserDescription ?? '';
  }
  buildEarlyExitMessage(o: { expectedIterationPaths: TokenType[][]; ruleName: string }): string {
    return this.keep(
      o.expectedIterationPaths.flatMap((path) => path.slice(0, 1)),
      o.ruleName,
    );
  }

  private keep(types: readonly TokenType[], rule: string): string {
    this.types = types;
    this.rule = rule;
    return '';
  }
}

/** What a rule reads, where a list of its beginnings would say less. */
const ruleNames: Readonly<Record<string, string>> = {
  item: 'a section',
  statement: 'a statement',
  asmLine: 'an instruction',
  insn: 'an instruction',
  expression: 'an expression',
  rhs: 'an expression',
  insns: 'an instruction',
  pokeSource: '`old`, `new` or an instruction',
  primary: 'an expression',
  operand: 'an operand',
  setting: 'a setting',
  value: 'a value',
  unit: '`bytes`, `any order` or `storeN`',
};

/** Where a keyword is one of very many. A line may also go on what a brace before it ended. */
const beginnings: Readonly<Record<string, readonly string[]>> = {
  item: [...T.sectionWords, 'expect', 'else'],
  statement: [...T.statementWords, 'else'],
};

/** What people write who come from elsewhere. */
const foreign: Readonly<Record<string, { readonly message: string; readonly write?: string }>> = {
  '&&': { message: '`&&` is written `and`', write: 'and' },
  '!': { message: '`!` is written `not`', write: 'not' },
  '||': { message: '`||` is written `or`', write: 'or' },
  '/*': { message: 'a comment begins with `//`' },
  '#': { message: 'a comment begins with `//`', write: '//' },
  "'": { message: 'a text stands in double quotes' },
  $: { message: 'a number is written without `$`', write: '' },
};

/** Thrown where a line has been reported and cannot be read further. */
class Stop extends Error {}
/** Thrown where the file has as many errors as are reported. */
class Full extends Error {}

// ---- the grammar

type Rule<R> = ParserMethod<[], R>;
type Choices<R> = readonly IOrAlt<R>[];
type Heading = Pick<File, 'name' | 'summary'>;
type Found = { readonly token: IToken; readonly expr: Expr; readonly end: number };

const stores: ReadonlySet<string> = new Set(['store1', 'store2', 'store4', 'store8', 'store16']);
const sizes: ReadonlySet<string> = new Set(['dword', 'qword']);
const hints: ReadonlySet<string> = new Set(['short', 'near']);
const segments: ReadonlySet<string> = new Set(['cs', 'ds', 'es', 'fs', 'gs', 'ss']);

class SpecParser extends EmbeddedActionsParser {
  private readonly expectations: Expectations;
  private text = '';
  private comments: readonly Comment[] = [];
  private diagnostics: Diagnostic[] = [];
  /** How far the section that is read stands from the left. */
  private margin = 0;
  /** An error was reported in this section. */
  private broken = false;

  constructor() {
    const expectations = new Expectations();
    super([...T.allTokens], {
      maxLookahead: 1,
      recoveryEnabled: false,
      errorMessageProvider: expectations as IParserErrorMessageProvider,
    });
    this.expectations = expectations;
    this.performSelfAnalysis();
  }

  read(text: string, tokens: IToken[], comments: readonly Comment[]): Parsed {
    this.text = text;
    this.comments = comments;
    this.diagnostics = [];
    this.margin = tokens[0] ? this.indentation(tokens[0]) : 0;
    this.broken = false;
    this.input = tokens;
    try {
      const file = this.file();
      return { ...(file && { file }), diagnostics: this.sorted() };
    } catch (thrown) {
      if (thrown instanceof Full) return { diagnostics: this.sorted() };
      throw thrown;
    }
  }

  private sorted(): readonly Diagnostic[] {
    return this.diagnostics.sort((a, b) => a.span.start - b.span.start);
  }

  // -- a file and its sections

  private readonly file: Rule<File> = this.RULE<() => File>('file', () => {
    const items: Item[] = [];
    let heading: Heading | undefined;
    this.newlines();
    this.line(() => {
      heading = this.SUBRULE(this.heading);
    });
    this.sections(() => {
      if (this.LA(1).tokenType === keyword('protocol') && !this.RECORDING_PHASE) {
        const token = this.LA(1);
        // Where it was missed, it is what was missed.
        if (heading) this.report(error('one-protocol', 'a file has one protocol', spanOf(token)));
        heading = { ...this.SUBRULE2(this.heading), ...heading };
      } else items.push(this.SUBRULE(this.item));
    });
    return {
      kind: 'file',
      name: heading?.name ?? { text: '', span: { start: 0, end: 0 } },
      summary: heading?.summary ?? { text: '', span: { start: 0, end: 0 } },
      items,
      comments: this.comments,
      span: { start: 0, end: this.text.length },
    };
  });

  private readonly heading: Rule<Heading> = this.RULE<() => Heading>('heading', () => {
    this.CONSUME(keyword('protocol'));
    const name = this.name(0, 'the name of the protocol');
    const summary = this.quoted(0, 'a summary in quotes');
    return { name, summary };
  });

  private readonly item: Rule<Item> = this.RULE<() => Item>('item', () =>
    this.OR([
      { ALT: () => this.SUBRULE(this.sourceItem) },
      { ALT: () => this.SUBRULE(this.optionItem) },
      { ALT: () => this.SUBRULE(this.machineItem) },
      { ALT: () => this.SUBRULE(this.codeItem) },
      { ALT: () => this.SUBRULE(this.runsItem) },
      { ALT: () => this.SUBRULE(this.memoryItem) },
      { ALT: () => this.SUBRULE(this.mutexItem) },
      { ALT: () => this.SUBRULE(this.descriptorItem) },
      { ALT: () => this.SUBRULE(this.stubItem) },
      { ALT: () => this.SUBRULE(this.siteItem) },
      { ALT: () => this.SUBRULE(this.breakpointItem) },
      { ALT: () => this.SUBRULE(this.defineItem) },
      { ALT: () => this.SUBRULE(this.patchItem) },
      { ALT: () => this.SUBRULE(this.waiveItem) },
      { ALT: () => this.SUBRULE(this.requireItem) },
      { ALT: () => this.SUBRULE(this.witnessItem) },
      { ALT: () => this.SUBRULE(this.scenarioItem) },
      { ALT: () => this.SUBRULE(this.ifItem) },
    ]),
  );

  private readonly sourceItem: Rule<Item> = this.RULE<() => Item>('sourceItem', () => {
    const start = this.word('source');
    const text = this.quoted(0, 'a source in quotes');
    return { kind: 'source', text, span: this.since(start) };
  });

  private readonly optionItem: Rule<Item> = this.RULE<() => Item>('optionItem', () => {
    const start = this.word('option');
    const names = this.SUBRULE(this.names);
    this.CONSUME(T.Assign);
    const values = this.SUBRULE(this.values);
    return { kind: 'option', names, values, span: this.since(start) };
  });

  private readonly machineItem: Rule<Item> = this.RULE<() => Item>('machineItem', () => {
    const start = this.word('machine');
    const settings = this.SUBRULE(this.settings);
    return { kind: 'machine', settings, span: this.since(start) };
  });

  private readonly codeItem: Rule<Item> = this.RULE<() => Item>('codeItem', () => {
    const start = this.word('code');
    const body = this.SUBRULE(this.asm);
    return { kind: 'code', body, span: this.since(start) };
  });

  private readonly runsItem: Rule<Item> = this.RULE<() => Item>('runsItem', () => {
    const start = this.LA(1);
    const who = this.OR([
      { ALT: () => this.is('thread') },
      { ALT: () => this.is('irq') },
      { ALT: () => this.is('nmi') },
      { ALT: () => this.is('ipi') },
    ]);
    const name = this.OPTION({
      // A thread may be called `runs`, but not where that word is the only one.
      GATE: () => who !== 'ipi' && !(this.LA(1).image === 'runs' && this.LA(2).image !== 'runs'),
      DEF: () => this.name(0, `the name of the ${who}`),
    });
    if (name === undefined && who !== 'ipi') this.expected(`the name of the ${who}`);
    this.CONSUME(keyword('runs'));
    const label = this.name(1, 'the label where its code begins');
    return { kind: 'runs', who, ...(name && { name }), label, span: this.since(start) };
  });

  private readonly memoryItem: Rule<Item> = this.RULE<() => Item>('memoryItem', () => {
    const start = this.LA(1);
    const who = this.OR([{ ALT: () => this.is('shared') }, { ALT: () => this.is('percpu') }]);
    const cells = [this.SUBRULE(this.cell)];
    this.MANY(() => {
      this.CONSUME(T.Comma);
      cells.push(this.SUBRULE2(this.cell));
    });
    const initial = this.OPTION(() => {
      this.CONSUME(T.Assign);
      return this.SUBRULE(this.expression);
    });
    return { kind: 'memory', who, cells, ...(initial && { initial }), span: this.since(start) };
  });

  private readonly cell: Rule<Cell> = this.RULE<() => Cell>('cell', () => {
    const start = this.LA(1);
    const name = this.name(0, 'the name of a variable');
    const count = this.OPTION1(() => {
      this.CONSUME(T.LeftBracket);
      const n = this.number(0);
      this.CONSUME(T.RightBracket);
      return n;
    });
    const fields = this.OPTION2(() => this.SUBRULE(this.fields)) ?? [];
    return { name, ...(count !== undefined && { count }), fields, span: this.since(start) };
  });

  private readonly fields: Rule<Name[]> = this.RULE<() => Name[]>('fields', () => {
    this.CONSUME(T.LeftBrace);
    this.newlines(1);
    const names = this.SUBRULE(this.names);
    this.newlines(2);
    this.CONSUME(T.RightBrace);
    return names;
  });

  private readonly names: Rule<Name[]> = this.RULE<() => Name[]>('names', () => {
    const names = [this.name(0, 'a name')];
    this.MANY(() => {
      this.CONSUME(T.Comma);
      names.push(this.name(1, 'a name'));
    });
    return names;
  });

  private readonly slots: Rule<Slots> = this.RULE<() => Slots>('slots', () => {
    const start = this.word('slots');
    return this.OR<Choices<Slots>>([
      { ALT: () => ({ kind: 'count', count: this.number(0), span: this.since(start) }) },
      {
        ALT: () => {
          this.CONSUME(keyword('per'));
          this.CONSUME(keyword('cpu'));
          return { kind: 'percpu', span: this.since(start) };
        },
      },
    ]);
  });

  private readonly mutexItem: Rule<Item> = this.RULE<() => Item>('mutexItem', () => {
    const start = this.word('mutex');
    const names = this.SUBRULE(this.names);
    return { kind: 'mutex', names, span: this.since(start) };
  });

  private readonly descriptorItem: Rule<Item> = this.RULE<() => Item>('descriptorItem', () => {
    const start = this.word('descriptor');
    const name = this.name(0, 'the name of the descriptor');
    const fields = this.SUBRULE(this.fields);
    const slots = this.OPTION(() => this.SUBRULE(this.slots));
    return { kind: 'descriptor', name, fields, ...(slots && { slots }), span: this.since(start) };
  });

  private readonly stubItem: Rule<Item> = this.RULE<() => Item>('stubItem', () => {
    const start = this.word('stub');
    const name = this.name(0, 'the name of the stub');
    const params = this.OPTION1(() => this.SUBRULE(this.params)) ?? [];
    const slots = this.OPTION2(() => this.SUBRULE(this.slots));
    const body = this.SUBRULE(this.asm);
    return { kind: 'stub', name, params, ...(slots && { slots }), body, span: this.since(start) };
  });

  private readonly params: Rule<Name[]> = this.RULE<() => Name[]>('params', () => {
    this.CONSUME(T.LeftParen);
    const names = this.OPTION(() => this.SUBRULE(this.names)) ?? [];
    this.CONSUME(T.RightParen);
    return names;
  });

  private readonly siteItem: Rule<Item> = this.RULE<() => Item>('siteItem', () => {
    const start = this.word('site');
    const name = this.name(0, 'the name of a place');
    this.CONSUME(keyword('dead'));
    const dead = this.SUBRULE(this.names);
    return { kind: 'site', name, dead, span: this.since(start) };
  });

  private readonly breakpointItem: Rule<Item> = this.RULE<() => Item>('breakpointItem', () => {
    const start = this.word('on');
    this.CONSUME(keyword('breakpoint'));
    const name = this.OPTION1({
      // `at` alone is no name; `on breakpoint at at place` would be one too clever
      GATE: () => this.LA(1).image !== 'at',
      DEF: () => this.name(0, 'the name of the handler'),
    });
    const at: Expr[] = [];
    this.OPTION2(() => {
      this.CONSUME(keyword('at'));
      at.push(this.SUBRULE(this.expression));
      this.MANY(() => {
        this.CONSUME(T.Comma);
        at.push(this.SUBRULE2(this.expression));
      });
    });
    const body = this.SUBRULE(this.block);
    return { kind: 'breakpoint', ...(name && { name }), at, body, span: this.since(start) };
  });

  private readonly defineItem: Rule<Item> = this.RULE<() => Item>('defineItem', () => {
    const start = this.word('define');
    const name = this.name(0, 'the name of the definition');
    const params = this.SUBRULE(this.params);
    const body = this.SUBRULE(this.block);
    return { kind: 'define', name, params, body, span: this.since(start) };
  });

  private readonly patchItem: Rule<Item> = this.RULE<() => Item>('patchItem', () => {
    const start = this.word('patch');
    const name = this.OPTION1({
      GATE: () => this.LA(2).image === 'at',
      DEF: () => {
        const name = this.name(0, 'the name of the patch');
        this.CONSUME(keyword('at'));
        return name;
      },
    });
    const changes = [this.SUBRULE(this.change)];
    this.MANY({
      GATE: () => this.beginsChange(),
      DEF: () => {
        this.ends();
        changes.push(this.SUBRULE2(this.change));
      },
    });
    const body = this.SUBRULE(this.block);
    return { kind: 'patch', ...(name && { name }), changes, body, span: this.since(start) };
  });

  /** Behind a change: the next one, on this line after a `;` or a brace, or on the next. */
  private beginsChange(): boolean {
    let k = 1;
    while (isEnd(this.LA(k).tokenType)) k++;
    if (this.atSection(k) || this.LA(k).tokenType === T.LeftBrace) return false;
    return k > 1 || this.LA(0).tokenType === T.RightBrace;
  }

  private readonly change: Rule<Change> = this.RULE<() => Change>('change', () => {
    const start = this.LA(1);
    const place = this.name(0, 'a place and what becomes of it');
    const old = this.OPTION(() => {
      this.CONSUME(T.Colon);
      return this.SUBRULE1(this.insns);
    });
    this.CONSUME(T.Arrow, { ERR_MSG: old ? '`->`' : '`:` or `->`' });
    const to = this.SUBRULE2(this.insns);
    return { place, ...(old && { old }), new: to, span: this.since(start) };
  });

  private readonly waiveItem: Rule<Item> = this.RULE<() => Item>('waiveItem', () => {
    const start = this.word('waive');
    const name = this.name(0, 'the name of a property');
    const reason = this.quoted(0, 'a reason in quotes');
    return { kind: 'waive', name, reason, span: this.since(start) };
  });

  private readonly requireItem: Rule<Item> = this.RULE<() => Item>('requireItem', () => {
    const start = this.word('require');
    const name = this.name(0, 'the name of the property');
    this.CONSUME(T.Colon);
    const property = this.SUBRULE(this.temporal);
    return { kind: 'require', name, property, span: this.since(start) };
  });

  private readonly temporal: Rule<Temporal> = this.RULE<() => Temporal>('temporal', () => {
    const start = this.LA(1);
    const kind = this.OR({
      DEF: [
        { ALT: () => this.is('always') },
        { ALT: () => this.is('never') },
        { ALT: () => this.is('eventually') },
        {
          ALT: () => {
            const kind = this.is('after');
            this.CONSUME(keyword('patch'));
            return kind;
          },
        },
      ],
      ERR_MSG: '`always`, `never`, `eventually` or `after patch`',
    });
    const expr = this.SUBRULE(this.expression);
    const during = this.OPTION({
      GATE: () => kind === 'always' || kind === 'never',
      DEF: () => {
        this.CONSUME(keyword('during'));
        return this.name(0, 'the name of a phase');
      },
    });
    if (kind === 'always' || kind === 'never')
      return { kind, expr, ...(during && { during }), span: this.since(start) };
    return { kind, expr, span: this.since(start) };
  });

  private readonly witnessItem: Rule<Item> = this.RULE<() => Item>('witnessItem', () => {
    const start = this.word('witness');
    const expr = this.SUBRULE(this.expression);
    return { kind: 'witness', expr, span: this.since(start) };
  });

  private readonly scenarioItem: Rule<Item> = this.RULE<() => Item>('scenarioItem', () => {
    const start = this.word('scenario');
    const name = this.quoted(0, 'the name of the scenario in quotes');
    const settings = this.SUBRULE(this.settings);
    this.joinsBrace('expect');
    const expect = this.OPTION(() => {
      this.CONSUME(keyword('expect'));
      return this.SUBRULE(this.expectation);
    });
    return {
      kind: 'scenario',
      name,
      settings,
      ...(expect && { expect }),
      span: this.since(start),
    };
  });

  private readonly expectation: Rule<Expectation> = this.RULE<() => Expectation>(
    'expectation',
    () => {
      const start = this.LA(1);
      return this.OR<Choices<Expectation>>([
        {
          ALT: () => {
            this.CONSUME(keyword('holds'));
            return { kind: 'holds', span: this.since(start) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(keyword('violates'));
            const only = this.OPTION(() => this.CONSUME(keyword('only'))) !== undefined;
            const properties = [this.name(0, 'the name of a property')];
            this.MANY(() => {
              this.CONSUME(keyword('or'));
              properties.push(this.name(1, 'the name of a property'));
            });
            if (this.LA(1).tokenType === T.Comma) this.expected('`or` or the end of the line');
            return { kind: 'violates', only, properties, span: this.since(start) };
          },
        },
      ]);
    },
  );

  private readonly ifItem: Rule<Item> = this.RULE<() => Item>('ifItem', () => {
    const start = this.word('if');
    const test = this.SUBRULE(this.expression);
    const then = this.SUBRULE1(this.itemBlock);
    this.joinsBrace('else');
    const otherwise = this.OPTION(() => {
      this.CONSUME(keyword('else'));
      return this.OR([
        { ALT: () => [this.SUBRULE(this.ifItem)] },
        { ALT: () => this.SUBRULE2(this.itemBlock) },
      ]);
    });
    return {
      kind: 'if',
      test,
      then,
      ...(otherwise && { else: otherwise }),
      span: this.since(start),
    };
  });

  private readonly itemBlock: Rule<Item[]> = this.RULE<() => Item[]>('itemBlock', () => {
    const items: Item[] = [];
    const open = this.CONSUME(T.LeftBrace);
    this.lines(() => items.push(this.SUBRULE(this.item)), 'sections');
    this.close(open);
    return items;
  });

  // -- values and settings

  private readonly values: Rule<Value[]> = this.RULE<() => Value[]>('values', () => {
    const values = [this.SUBRULE1(this.value)];
    this.MANY(() => {
      this.CONSUME(T.Bar);
      values.push(this.SUBRULE2(this.value));
    });
    return values;
  });

  private readonly value: Rule<Value> = this.RULE<() => Value>('value', () =>
    this.OR<Choices<Value>>([
      {
        ALT: () => {
          const token = this.CONSUME(T.Word);
          return { kind: 'word', text: token.image, span: spanOf(token) };
        },
      },
      {
        ALT: () => {
          const token = this.CONSUME(T.NumberToken);
          return { kind: 'number', value: this.numeral(token), span: spanOf(token) };
        },
      },
    ]),
  );

  private readonly settings: Rule<Setting[]> = this.RULE<() => Setting[]>('settings', () => {
    const settings: Setting[] = [];
    const open = this.CONSUME(T.LeftBrace);
    this.lines(() => settings.push(this.SUBRULE(this.setting)));
    this.close(open);
    return settings;
  });

  private readonly setting: Rule<Setting> = this.RULE<() => Setting>('setting', () => {
    const start = this.LA(1);
    return this.OR<Choices<Setting>>([
      {
        GATE: () => this.LA(2).tokenType === T.Assign,
        ALT: () => {
          const name = this.name(0, 'the name of an option');
          this.CONSUME(T.Assign);
          const values = this.SUBRULE(this.values);
          return { kind: 'option', name, values, span: this.since(start) };
        },
        IGNORE_AMBIGUITIES: true,
      },
      {
        ALT: () => {
          const first = this.CONSUME1(T.Word);
          const atoms: Alternatives[] = [
            [{ kind: 'word', text: first.image, span: spanOf(first) }],
          ];
          this.MANY(() => {
            atoms.push(
              this.OR2<Choices<Alternatives>>([
                { ALT: () => this.SUBRULE(this.alternatives) },
                {
                  ALT: () => {
                    const comma = this.CONSUME(T.Comma);
                    if (!tokenMatcher(this.LA(1), T.Word) && this.LA(1).tokenType !== T.NumberToken)
                      this.expected('a word or a number');
                    return [{ kind: 'comma', span: spanOf(comma) }];
                  },
                },
              ]),
            );
          });
          return { kind: 'setting', atoms, span: this.since(start) };
        },
      },
    ]);
  });

  private readonly alternatives: Rule<Alternatives> = this.RULE<() => Alternatives>(
    'alternatives',
    () => {
      const atoms = [this.SUBRULE1(this.atom)];
      this.MANY(() => {
        this.CONSUME(T.Bar);
        atoms.push(this.SUBRULE2(this.atom));
      });
      return atoms;
    },
  );

  private readonly atom: Rule<Atom> = this.RULE<() => Atom>('atom', () => {
    const start = this.LA(1);
    return this.OR({
      DEF: [
        {
          ALT: (): Atom => {
            const token = this.CONSUME(T.Word);
            return { kind: 'word', text: token.image, span: spanOf(token) };
          },
        },
        {
          ALT: (): Atom => {
            const from = this.number(0);
            const to = this.OPTION(() => {
              this.CONSUME(T.Dots);
              return this.number(1);
            });
            const span = this.since(start);
            return to === undefined
              ? { kind: 'number', value: from, span }
              : { kind: 'range', from, to, span };
          },
        },
      ],
      ERR_MSG: 'a word or a number',
    });
  });

  // -- assembly

  private readonly asm: Rule<AsmItem[]> = this.RULE<() => AsmItem[]>('asm', () => {
    const items: AsmItem[] = [];
    const open = this.CONSUME(T.LeftBrace);
    this.lines(() => {
      const line = this.SUBRULE(this.asmLine);
      this.ACTION(() => items.push(...line));
    });
    this.close(open);
    return items;
  });

  /** Labels, and what they stand before: nothing, where the line ends behind them. */
  private readonly asmLine: Rule<AsmItem[]> = this.RULE<() => AsmItem[]>('asmLine', () => {
    const items: AsmItem[] = [];
    this.labelWithoutColon();
    let label: Name | undefined;
    this.MANY({
      GATE: () => this.LA(2).tokenType === T.Colon,
      DEF: () => {
        if (label) items.push({ kind: 'label', name: label, span: label.span });
        label = this.name(0, 'a label');
        this.CONSUME(T.Colon);
      },
    });
    const start = this.LA(1);
    this.OPTION1({
      GATE: () => label === undefined || !isEnd(start.tokenType),
      DEF: () => {
        this.OR({
          DEF: [
            {
              ALT: () => {
                const body = this.SUBRULE1(this.asm);
                if (label === undefined && !this.RECORDING_PHASE) {
                  const message = 'a group of instructions has a label before its brace';
                  this.report(error('group-label', message, spanOf(start)));
                } else if (label)
                  items.push({
                    kind: 'group',
                    name: label,
                    body,
                    span: { start: label.span.start, end: this.since(start).end },
                  });
                label = undefined;
              },
            },
            {
              ALT: () => {
                this.CONSUME(keyword('if'));
                if (label) items.push({ kind: 'label', name: label, span: label.span });
                label = undefined;
                const test = this.SUBRULE(this.expression);
                const then = this.SUBRULE2(this.asm);
                const otherwise = this.SUBRULE(this.asmElse);
                items.push({
                  kind: 'if',
                  test,
                  then,
                  ...(otherwise && { else: otherwise }),
                  span: this.since(start),
                });
              },
            },
            {
              ALT: () => {
                this.CONSUME(keyword('align'));
                const to = this.number(0);
                if (label) items.push({ kind: 'label', name: label, span: label.span });
                label = undefined;
                items.push({ kind: 'align', to, span: this.since(start) });
              },
            },
            {
              ALT: () => {
                const insn = this.SUBRULE(this.insn);
                if (label) items.push({ kind: 'label', name: label, span: label.span });
                label = undefined;
                items.push({ kind: 'insn', insn, span: insn.span });
              },
              IGNORE_AMBIGUITIES: true,
            },
          ],
        });
      },
    });
    if (label) items.push({ kind: 'label', name: label, span: label.span });
    if (items.length === 0 && this.LA(0).tokenType !== T.RightBrace)
      this.expected('an instruction or a label');
    return items;
  });

  /** A label that has lost its colon: before a brace, and before an instruction that is beside it. */
  private labelWithoutColon(): void {
    const name = this.LA(1);
    const next = this.LA(2);
    if (!tokenMatcher(name, T.Word) || T.reservedWords.has(name.image)) return;
    const { end } = spanOf(name);
    const fix = { title: 'write `:`', edits: [{ span: { start: end, end }, text: ':' }] };
    if (next.tokenType === T.LeftBrace) {
      const message = 'a label before a brace ends in `:`, as any other';
      this.report(error('group-label', message, spanOf(name), fix));
      throw new Stop();
    }
    const beside = next.image === 'if' || T.mnemonics.has(next.image.toLowerCase());
    if (!beside || name.image === 'lock' || T.mnemonics.has(name.image.toLowerCase())) return;
    this.report(error('expected', `a label ends in \`:\``, spanOf(name), fix));
    throw new Stop();
  }

  private readonly asmElse: Rule<AsmItem[] | undefined> = this.RULE<() => AsmItem[] | undefined>(
    'asmElse',
    () => {
      this.joinsBrace('else');
      return this.OPTION(() => {
        this.CONSUME(keyword('else'));
        return this.OR([
          {
            ALT: () => {
              const start = this.CONSUME(keyword('if'));
              const test = this.SUBRULE(this.expression);
              const then = this.SUBRULE1(this.asm);
              const otherwise = this.SUBRULE(this.asmElse);
              const item: AsmItem = {
                kind: 'if',
                test,
                then,
                ...(otherwise && { else: otherwise }),
                span: this.since(start),
              };
              return [item];
            },
          },
          { ALT: () => this.SUBRULE2(this.asm) },
        ]);
      });
    },
  );

  private readonly insns: Rule<Insn[]> = this.RULE<() => Insn[]>('insns', () =>
    this.OR([
      { ALT: () => this.SUBRULE(this.insnGroup) },
      { ALT: () => [this.SUBRULE(this.insn)] },
    ]),
  );

  private readonly insnGroup: Rule<Insn[]> = this.RULE<() => Insn[]>('insnGroup', () => {
    const insns: Insn[] = [];
    const open = this.CONSUME(T.LeftBrace);
    this.lines(() => insns.push(this.SUBRULE(this.insn)));
    this.close(open);
    return insns;
  });

  private readonly insn: Rule<Insn> = this.RULE<() => Insn>('insn', () => {
    const start = this.LA(1);
    if (start.image === 'if' || start.image === 'else') this.expected('an instruction');
    const first = this.CONSUME1(T.Word);
    const second = this.OPTION1({
      GATE: () => first.image.toLowerCase() === 'lock' && !this.endsInsn(),
      DEF: () => this.CONSUME2(T.Word),
    });
    const operands: Operand[] = [];
    this.OPTION2({
      GATE: () => {
        this.noStar();
        return !this.endsInsn();
      },
      DEF: () => {
        operands.push(this.SUBRULE1(this.operand));
        this.MANY(() => {
          this.CONSUME(T.Comma);
          operands.push(this.SUBRULE2(this.operand));
        });
      },
    });
    const text = second ? `${first.image} ${second.image}` : first.image;
    const mnemonic = {
      text: String(text).toLowerCase(),
      span: { start: first.startOffset, end: spanOf(second ?? first).end },
    };
    return { kind: 'asm', mnemonic, operands, span: this.since(start) };
  });

  /** `as` begins the unit of a poke, not an operand. */
  private endsInsn(): boolean {
    const next = this.LA(1);
    return next.image === 'as' && tokenMatcher(this.LA(2), T.Word);
  }

  private readonly operand: Rule<Operand> = this.RULE<() => Operand>('operand', () => {
    const start = this.LA(1);
    this.noStar();
    // Otherwise it would be the byte of a place that is called `near`.
    if (hints.has(start.image) && this.LA(2).tokenType === T.LeftBracket)
      this.fail(
        'hint',
        `\`${start.image}\` stands before a label, not before an address`,
        spanOf(start),
      );
    return this.OR<Choices<Operand>>([
      {
        GATE: () => this.LA(1).tokenType === T.LeftBracket,
        ALT: () => this.SUBRULE1(this.address),
      },
      {
        GATE: () => this.beginsAddress(),
        ALT: () => {
          let size: 'dword' | 'qword' | undefined;
          this.OPTION1({
            GATE: () => this.LA(2).tokenType !== T.Colon,
            DEF: () => {
              size = this.size(this.CONSUME1(T.Word));
              // GNU as and others write `dword ptr [x]`
              this.OPTION2({
                GATE: () => this.LA(1).image.toLowerCase() === 'ptr',
                DEF: () => this.CONSUME2(T.Word),
              });
            },
          });
          const operand = this.SUBRULE2(this.address);
          const span = this.since(start);
          return operand.kind === 'memory' && size
            ? { ...operand, size, span }
            : { ...operand, span };
        },
        IGNORE_AMBIGUITIES: true,
      },
      {
        GATE: () => {
          const next = this.LA(2).tokenType;
          return T.registers.has(start.image.toLowerCase()) && !continuesExpression.has(next);
        },
        ALT: () => {
          const name = this.CONSUME3(T.Word).image;
          return { kind: 'register', name: String(name).toLowerCase(), span: this.since(start) };
        },
        IGNORE_AMBIGUITIES: true,
      },
      {
        ALT: () => {
          const hint = this.OPTION3({
            GATE: () => hints.has(this.LA(1).image) && beginsExpression(this.LA(2)),
            DEF: () => this.CONSUME4(T.Word).image as 'short' | 'near',
          });
          const expr = this.SUBRULE(this.expression);
          return { kind: 'value', ...(hint && { hint }), expr, span: this.since(start) };
        },
        IGNORE_AMBIGUITIES: true,
      },
    ]);
  });

  /** `jmp *r11` is how GNU as marks an indirect branch. */
  private noStar(): void {
    const star = this.LA(1);
    if (star.tokenType !== T.Times) return;
    const span = spanOf(star);
    const fix = { title: 'take it out', edits: [{ span, text: '' }] };
    this.report(error('indirect', 'an indirect branch is written without `*`', span, fix));
    throw new Stop();
  }

  private beginsAddress(): boolean {
    const first = this.LA(1).image.toLowerCase();
    const next = this.LA(2);
    if (next.tokenType === T.Colon)
      return segments.has(first) || this.LA(3).tokenType === T.LeftBracket;
    if (next.image.toLowerCase() === 'ptr') return this.LA(3).tokenType !== T.Comma;
    if (!['byte', 'word', ...sizes].includes(first)) return false;
    return next.tokenType === T.LeftBracket || this.LA(3).tokenType === T.Colon;
  }

  private size(token: IToken): 'dword' | 'qword' | undefined {
    const text = token.image.toLowerCase();
    if (text === 'dword' || text === 'qword') return text;
    if (!this.RECORDING_PHASE)
      this.report(
        error('size', `a size is \`dword\` or \`qword\`, not \`${text}\``, spanOf(token)),
      );
    return undefined;
  }

  private readonly address: Rule<Operand> = this.RULE<() => Operand>('address', () => {
    const start = this.LA(1);
    const segment = this.OPTION(() => {
      const token = this.CONSUME(T.Word);
      this.CONSUME(T.Colon);
      if (token.image.toLowerCase() !== 'gs' && !this.RECORDING_PHASE) {
        const message = `\`${token.image}\` is no segment of the subset, only \`gs\` is`;
        this.report(error('segment', message, spanOf(token)));
      }
      return 'gs' as const;
    });
    this.CONSUME(T.LeftBracket);
    this.noSegmentInside();
    const address = this.SUBRULE(this.expression);
    this.CONSUME(T.RightBracket);
    return { kind: 'memory', ...(segment && { segment }), address, span: this.since(start) };
  });

  /** `[gs:x]` is how NASM writes it. */
  private noSegmentInside(): void {
    if (this.RECORDING_PHASE || this.LA(2).tokenType !== T.Colon) return;
    const bracket = spanOf(this.LA(0));
    const span = spanOf(this.LA(1));
    const text = `${this.LA(1).image}:[`;
    const end = spanOf(this.LA(2)).end;
    const fix = {
      title: `write \`${text}\``,
      edits: [{ span: { start: bracket.start, end }, text }],
    };
    this.report(error('segment', 'the segment stands before the bracket', span, fix));
    throw new Stop();
  }

  // -- statements

  private readonly block: Rule<Block> = this.RULE<() => Block>('block', () => {
    const body: Stmt[] = [];
    const open = this.CONSUME(T.LeftBrace);
    this.lines(() => body.push(this.SUBRULE(this.statement)));
    this.close(open);
    return { kind: 'block', body, span: this.since(open) };
  });

  private readonly statement: Rule<Stmt> = this.RULE<() => Stmt>('statement', () =>
    this.OR<Choices<Stmt>>([
      {
        // First, so that a variable may be called `lock` or `run`.
        GATE: () =>
          beginsAssignment.has(this.LA(2).tokenType) ||
          // Said of the sign: the name before it is none the worse.
          (this.LA(1).tokenType === T.Identifier && operators.has(this.LA(2).tokenType)),
        ALT: () => this.SUBRULE(this.assignment),
        IGNORE_AMBIGUITIES: true,
      },
      {
        GATE: () => this.LA(2).tokenType === T.LeftParen && !beforeExpression.has(this.LA(1).image),
        ALT: () => this.SUBRULE(this.callStatement),
        IGNORE_AMBIGUITIES: true,
      },
      { ALT: () => this.SUBRULE(this.pokeStatement) },
      { ALT: () => this.SUBRULE(this.syncStatement) },
      { ALT: () => this.SUBRULE(this.waitStatement) },
      { ALT: () => this.SUBRULE(this.stopStatement) },
      { ALT: () => this.SUBRULE(this.pairStatement) },
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.atomicStatement) },
      { ALT: () => this.SUBRULE(this.buildStatement) },
      { ALT: () => this.SUBRULE(this.wordStatement) },
      { ALT: () => this.SUBRULE(this.phaseStatement) },
      { ALT: () => this.SUBRULE(this.ifStatement) },
      { ALT: () => this.SUBRULE(this.whileStatement) },
      { ALT: () => this.SUBRULE(this.forStatement) },
      { ALT: () => this.SUBRULE(this.checkStatement) },
      { ALT: () => this.SUBRULE(this.handlerStatement) },
    ]),
  );

  private readonly pokeStatement: Rule<Stmt> = this.RULE<() => Stmt>('pokeStatement', () => {
    const start = this.word('poke');
    const place = this.name(0, 'a place');
    const range = this.OPTION1(() => this.SUBRULE(this.range));
    const source = this.OPTION2(() => {
      this.CONSUME(T.Assign);
      return this.SUBRULE(this.pokeSource);
    });
    const unit = this.OPTION3(() => {
      this.CONSUME(keyword('as'));
      return this.SUBRULE(this.unit);
    });
    return {
      kind: 'poke',
      place,
      ...(range && { range }),
      ...(source && { source }),
      ...(unit && { unit }),
      span: this.since(start),
    };
  });

  private readonly range: Rule<Range> = this.RULE<() => Range>('range', () => {
    const start = this.LA(1);
    this.CONSUME(T.LeftBracket);
    const from = this.SUBRULE1(this.expression);
    let to: Expr | undefined;
    const dots = this.OPTION1(() => {
      this.CONSUME(T.Dots);
      to = this.OPTION2({
        GATE: () => this.LA(1).tokenType !== T.RightBracket,
        DEF: () => this.SUBRULE2(this.expression),
      });
      return true;
    });
    this.CONSUME(T.RightBracket);
    return { from, dots: dots === true, ...(to && { to }), span: this.since(start) };
  });

  private readonly pokeSource: Rule<PokeSource> = this.RULE<() => PokeSource>('pokeSource', () => {
    const start = this.LA(1);
    return this.OR<Choices<PokeSource>>([
      {
        ALT: () => {
          this.CONSUME(keyword('old'));
          return { kind: 'old', span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('new'));
          return { kind: 'new', span: this.since(start) };
        },
      },
      {
        ALT: () => {
          const insns = this.SUBRULE(this.insns);
          return { kind: 'insns', insns, span: this.since(start) };
        },
        IGNORE_AMBIGUITIES: true,
      },
    ]);
  });

  private readonly unit: Rule<Unit> = this.RULE<() => Unit>('unit', () => {
    const start = this.LA(1);
    return this.OR<Choices<Unit>>([
      {
        ALT: () => {
          this.CONSUME(keyword('bytes'));
          const descending = this.OPTION1(() => this.CONSUME(keyword('descending'))) !== undefined;
          return { kind: 'bytes', descending, span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('any'));
          this.CONSUME(keyword('order'));
          return { kind: 'anyorder', span: this.since(start) };
        },
      },
      {
        ALT: () => {
          const locked = this.OPTION2(() => this.CONSUME(keyword('locked'))) !== undefined;
          const store = this.LA(1);
          if (!/^store\d+$/.test(store.image))
            this.expected('`bytes`, `any order` or `storeN`', ['bytes', 'any', 'locked']);
          else if (!stores.has(store.image))
            this.fail('store-size', 'a store has 1, 2, 4, 8 or 16 bytes', spanOf(store));
          this.CONSUME(T.Word);
          const size = Number(store.image.slice('store'.length));
          return { kind: 'store', size, locked, span: this.since(start) };
        },
        IGNORE_AMBIGUITIES: true,
      },
    ]);
  });

  private readonly syncStatement: Rule<Stmt> = this.RULE<() => Stmt>('syncStatement', () => {
    const start = this.word('sync');
    const what = this.OR1([{ ALT: () => this.is('cores') }, { ALT: () => this.is('threads') }]);
    const nmi = this.OPTION(() => {
      this.CONSUME(keyword('by'));
      this.CONSUME(keyword('nmi'));
      return true;
    });
    let withoutSelf = false;
    let withoutWaiting = false;
    this.MANY(() => {
      this.CONSUME(keyword('without'));
      this.OR2([
        {
          ALT: () => {
            this.CONSUME(keyword('self'));
            withoutSelf = true;
          },
        },
        {
          ALT: () => {
            this.CONSUME(keyword('waiting'));
            withoutWaiting = true;
          },
        },
      ]);
    });
    return {
      kind: 'sync',
      what,
      nmi: nmi === true,
      withoutSelf,
      withoutWaiting,
      span: this.since(start),
    };
  });

  private readonly waitStatement: Rule<Stmt> = this.RULE<() => Stmt>('waitStatement', () => {
    const start = this.word('wait');
    return this.OR<Choices<Stmt>>([
      {
        ALT: () => {
          this.CONSUME(keyword('time'));
          return { kind: 'waittime', span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('for'));
          const expr = this.SUBRULE(this.expression);
          return { kind: 'waitfor', expr, span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('quiescent'));
          const what = this.OR2([
            { ALT: () => this.is('cpus') },
            { ALT: () => this.is('tasks') },
            { ALT: () => this.is('stacks') },
          ]);
          const region = this.OPTION({
            GATE: () => what === 'stacks',
            DEF: () => {
              this.CONSUME(keyword('in'));
              return this.name(0, 'a place or a stub');
            },
          });
          if (what === 'stacks' && region === undefined) this.expected('`in`');
          return { kind: 'quiescent', what, ...(region && { region }), span: this.since(start) };
        },
      },
    ]);
  });

  private readonly stopStatement: Rule<Stmt> = this.RULE<() => Stmt>('stopStatement', () => {
    const start = this.word('stop');
    this.CONSUME(keyword('machine'));
    const body = this.SUBRULE1(this.block);
    this.joinsBrace('resume');
    const resume = this.OPTION({
      GATE: () => this.LA(2).tokenType === T.LeftBrace,
      DEF: () => {
        this.CONSUME(keyword('resume'));
        return this.SUBRULE2(this.block);
      },
    });
    return { kind: 'stop', body, ...(resume && { resume }), span: this.since(start) };
  });

  private readonly pairStatement: Rule<Stmt> = this.RULE<() => Stmt>('pairStatement', () => {
    const start = this.LA(1);
    return this.OR1<Choices<Stmt>>([
      {
        ALT: () => {
          const kind = this.OR2([
            { ALT: () => this.is('irqs') },
            { ALT: () => this.is('preempt') },
          ]);
          const on =
            this.OR3([{ ALT: () => this.is('on') }, { ALT: () => this.is('off') }]) === 'on';
          return { kind, on, span: this.since(start) };
        },
      },
      {
        ALT: () => {
          const kind = this.OR4([{ ALT: () => this.is('lock') }, { ALT: () => this.is('unlock') }]);
          const name = this.name(0, 'the name of a mutex');
          return { kind, name, span: this.since(start) };
        },
      },
    ]);
  });

  private readonly letStatement: Rule<Stmt> = this.RULE<() => Stmt>('letStatement', () => {
    const start = this.word('let');
    const name = this.name(0, 'a name');
    this.CONSUME(T.Assign);
    const value = this.SUBRULE(this.rhs);
    return { kind: 'let', name, value, span: this.since(start) };
  });

  private readonly rhs: Rule<Rhs> = this.RULE<() => Rhs>('rhs', () =>
    this.OR<Choices<Rhs>>([
      {
        GATE: () => tokenMatcher(this.LA(2), T.Word),
        ALT: () => {
          this.CONSUME(keyword('build'));
          return { kind: 'build', call: this.SUBRULE(this.call) };
        },
      },
      {
        ALT: () => ({ kind: 'expr', expr: this.SUBRULE(this.expression) }),
        IGNORE_AMBIGUITIES: true,
      },
    ]),
  );

  private readonly assignment: Rule<Stmt> = this.RULE<() => Stmt>('assignment', () => {
    const start = this.LA(1);
    const target = this.SUBRULE(this.postfix);
    const op = this.OR({
      DEF: [
        { ALT: () => this.sign(T.Assign, '=') },
        { ALT: () => this.sign(T.PlusAssign, '+=') },
        { ALT: () => this.sign(T.MinusAssign, '-=') },
      ],
      ERR_MSG: '`=`, `+=` or `-=`',
    });
    const value = this.SUBRULE(this.rhs);
    return { kind: 'assign', target, op, value, span: this.since(start) };
  });

  private readonly atomicStatement: Rule<Stmt> = this.RULE<() => Stmt>('atomicStatement', () => {
    const start = this.word('atomic');
    const body = this.OR<Choices<Block>>([
      { ALT: () => this.SUBRULE(this.block) },
      {
        ALT: () => {
          const one = this.SUBRULE(this.assignment);
          return { kind: 'block', body: [one], span: one.span };
        },
      },
    ]);
    return { kind: 'atomic', body, span: this.since(start) };
  });

  private readonly buildStatement: Rule<Stmt> = this.RULE<() => Stmt>('buildStatement', () => {
    const start = this.word('build');
    const call = this.SUBRULE(this.call);
    return { kind: 'build', call, span: this.since(start) };
  });

  private readonly callStatement: Rule<Stmt> = this.RULE<() => Stmt>('callStatement', () => {
    const call = this.SUBRULE(this.call);
    return { kind: 'call', call, span: call.span };
  });

  private readonly call: Rule<Call> = this.RULE<() => Call>('call', () => {
    const start = this.LA(1);
    const name = this.name(0, 'the name of a stub or a descriptor');
    const args: Expr[] = [];
    this.OPTION1(() => {
      this.CONSUME(T.LeftParen);
      this.OPTION2(() => {
        args.push(this.SUBRULE1(this.expression));
        this.MANY(() => {
          this.CONSUME(T.Comma);
          args.push(this.SUBRULE2(this.expression));
        });
      });
      this.CONSUME(T.RightParen);
    });
    return { name, args, span: this.since(start) };
  });

  /** Those of a word or a word and a name. */
  private readonly wordStatement: Rule<Stmt> = this.RULE<() => Stmt>('wordStatement', () => {
    const start = this.LA(1);
    return this.OR1<Choices<Stmt>>([
      {
        ALT: () => {
          const kind = this.OR2([
            { ALT: () => this.is('serialize') },
            { ALT: () => this.is('fence') },
            { ALT: () => this.is('decline') },
          ]);
          return { kind, span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('release'));
          const names = this.SUBRULE(this.names);
          return { kind: 'release', names, span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('run'));
          const label = this.name(0, 'the label of a routine');
          return { kind: 'run', label, span: this.since(start) };
        },
      },
    ]);
  });

  private readonly phaseStatement: Rule<Stmt> = this.RULE<() => Stmt>('phaseStatement', () => {
    const start = this.word('phase');
    const name = this.name(0, 'the name of the phase');
    const body = this.SUBRULE(this.block);
    return { kind: 'phase', name, body, span: this.since(start) };
  });

  private readonly ifStatement: Rule<Stmt> = this.RULE<() => Stmt>('ifStatement', () => {
    const start = this.word('if');
    const test = this.SUBRULE(this.expression);
    const then = this.SUBRULE1(this.block);
    this.joinsBrace('else');
    const otherwise = this.OPTION(() => {
      this.CONSUME(keyword('else'));
      return this.OR<Choices<Block>>([
        { ALT: () => this.SUBRULE2(this.block) },
        {
          ALT: () => {
            const one = this.SUBRULE(this.statement);
            return { kind: 'block', body: [one], span: one?.span ?? this.since(start) };
          },
        },
      ]);
    });
    return {
      kind: 'if',
      test,
      then,
      ...(otherwise && { else: otherwise }),
      span: this.since(start),
    };
  });

  private readonly whileStatement: Rule<Stmt> = this.RULE<() => Stmt>('whileStatement', () => {
    const start = this.word('while');
    const test = this.SUBRULE(this.expression);
    const body = this.SUBRULE(this.block);
    return { kind: 'while', test, body, span: this.since(start) };
  });

  private readonly forStatement: Rule<Stmt> = this.RULE<() => Stmt>('forStatement', () => {
    const start = this.word('for');
    const name = this.name(0, 'a name');
    this.CONSUME(keyword('in'));
    const from = this.SUBRULE1(this.expression);
    const to = this.OPTION(() => {
      this.CONSUME(T.Dots);
      return this.SUBRULE2(this.expression);
    });
    const body = this.SUBRULE(this.block);
    return { kind: 'for', name, from, ...(to && { to }), body, span: this.since(start) };
  });

  private readonly checkStatement: Rule<Stmt> = this.RULE<() => Stmt>('checkStatement', () => {
    const start = this.LA(1);
    return this.OR<Choices<Stmt>>([
      {
        ALT: () => {
          this.CONSUME(keyword('assert'));
          const expr = this.SUBRULE(this.expression);
          const text = this.OPTION(() => this.quoted(0, 'a text in quotes'));
          return { kind: 'assert', expr, ...(text && { text }), span: this.since(start) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('fail'));
          const text = this.quoted(1, 'a text in quotes');
          return { kind: 'fail', text, span: this.since(start) };
        },
      },
    ]);
  });

  private readonly handlerStatement: Rule<Stmt> = this.RULE<() => Stmt>('handlerStatement', () => {
    const start = this.LA(1);
    return this.OR1<Choices<Stmt>>([
      {
        ALT: () => {
          this.CONSUME(keyword('emulate'));
          return this.OR2({
            ERR_MSG: 'an instruction or an expression',
            DEF: [
              {
                GATE: () => this.beginsInsn(),
                ALT: (): Stmt => {
                  const insn = this.SUBRULE(this.insn);
                  return { kind: 'emulate', what: { kind: 'insn', insn }, span: this.since(start) };
                },
                IGNORE_AMBIGUITIES: true,
              },
              {
                ALT: (): Stmt => {
                  const expr = this.SUBRULE1(this.expression);
                  return { kind: 'emulate', what: { kind: 'expr', expr }, span: this.since(start) };
                },
                IGNORE_AMBIGUITIES: true,
              },
            ],
          });
        },
      },
      {
        ALT: () => {
          this.CONSUME(keyword('resume'));
          const expr = this.SUBRULE2(this.expression);
          return { kind: 'resume', expr, span: this.since(start) };
        },
      },
    ]);
  });

  /** An instruction as text, and not a variable that holds one. */
  private beginsInsn(): boolean {
    const first = this.LA(1);
    if (!tokenMatcher(first, T.Word)) return false;
    const next = this.LA(2);
    if (T.mnemonics.has(first.image.toLowerCase())) return next.tokenType !== T.Dot;
    if (T.reservedWords.has(first.image) || T.reservedWords.has(next.image)) return false;
    return tokenMatcher(next, T.Word) || next.tokenType === T.NumberToken;
  }

  // -- expressions

  /** Operands and operators in a row; the tree is folded from them by how tightly they bind. */
  private readonly expression: Rule<Expr> = this.RULE<() => Expr>('expression', () => {
    const nots: IToken[][] = [[]];
    const operands: Found[] = [];
    const operators: BinaryOp[] = [];
    this.MANY1(() => nots[0]?.push(this.CONSUME1(keyword('not'))));
    operands.push(this.SUBRULE1(this.primary));
    this.MANY2(() => {
      operators.push(this.SUBRULE(this.operator));
      const here: IToken[] = [];
      nots.push(here);
      this.MANY3(() => here.push(this.CONSUME2(keyword('not'))));
      operands.push(this.SUBRULE2(this.primary));
    });
    return this.ACTION(() => this.fold(nots, operands, operators));
  });

  private readonly operator: Rule<BinaryOp> = this.RULE<() => BinaryOp>('operator', () =>
    this.OR<Choices<BinaryOp>>([
      { ALT: () => this.sign(keyword('or'), 'or') },
      { ALT: () => this.sign(keyword('and'), 'and') },
      { ALT: () => this.sign(T.EqualEqual, '==') },
      { ALT: () => this.sign(T.NotEqual, '!=') },
      { ALT: () => this.sign(T.LessEqual, '<=') },
      { ALT: () => this.sign(T.GreaterEqual, '>=') },
      { ALT: () => this.sign(T.Less, '<') },
      { ALT: () => this.sign(T.Greater, '>') },
      { ALT: () => this.sign(T.Plus, '+') },
      { ALT: () => this.sign(T.Minus, '-') },
      { ALT: () => this.sign(T.Times, '*') },
      { ALT: () => this.sign(T.Over, '/') },
    ]),
  );

  private fold(
    nots: readonly (readonly IToken[])[],
    operands: readonly Found[],
    operators: readonly BinaryOp[],
  ): Expr {
    let k = 0;
    // How many of the `not`s before operand `k` have been read.
    let pending = 0;
    // `start` is that of the first token, which a parenthesis may put before its expression's own span.
    const climb = (least: number): { start: number; expr: Expr; end: number } => {
      let left: { start: number; expr: Expr; end: number };
      const not = nots[k]?.[pending];
      if (not !== undefined) {
        pending++;
        if (least > notBinding) {
          const message = '`not` binds looser than the sign before it: put it into parentheses';
          this.report(error('not-binds', message, spanOf(not)));
        }
        const a = climb(notBinding);
        const span = { start: not.startOffset, end: a.end };
        left = { start: span.start, expr: { kind: 'not', a: a.expr, span }, end: a.end };
      } else {
        const found = operands[k] as Found;
        left = { start: found.token.startOffset, expr: found.expr, end: found.end };
      }
      for (;;) {
        const op = operators[k];
        if (op === undefined || binding[op] < least) return left;
        k++;
        pending = 0;
        const right = climb(binding[op] + 1);
        const span = { start: left.start, end: right.end };
        const sum = (a: Expr): Expr => ({
          kind: 'binary',
          op,
          a,
          b: right.expr,
          span: { start: a.span.start, end: right.end },
        });
        // `trap at place + 1`: the sum is where, unless parentheses say otherwise.
        const isWhere = (op === '+' || op === '-') && left.expr.span.start === left.start;
        const expr = (isWhere && atSum(left.expr, sum)) || { ...sum(left.expr), span };
        left = { start: left.start, expr, end: right.end };
      }
    };
    return climb(0).expr;
  }

  /** With its first token and its end, parentheses included: the spans of what it is part of need them. */
  private readonly primary: Rule<Found> = this.RULE<() => Found>('primary', () => {
    const token = this.LA(1);
    const expr = this.OR1<Choices<Expr>>([
      {
        ALT: () => {
          const digits = this.CONSUME1(T.NumberToken);
          return { kind: 'number', value: this.numeral(digits), span: this.since(token) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(T.Minus);
          const digits = this.CONSUME2(T.NumberToken);
          return { kind: 'number', value: -this.numeral(digits), span: this.since(token) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(T.LeftParen);
          const expr = this.SUBRULE(this.expression);
          this.CONSUME(T.RightParen);
          return expr;
        },
      },
      {
        ALT: () => {
          this.CONSUME1(keyword('in'));
          const context = this.OR2([{ ALT: () => this.is('nmi') }, { ALT: () => this.is('irq') }]);
          return { kind: 'within', context, span: this.since(token) };
        },
      },
      {
        GATE: () => this.beginsPlace(this.LA(2)),
        ALT: () => {
          this.CONSUME(keyword('handling'));
          const where = this.SUBRULE1(this.postfix);
          return { kind: 'handling', where, span: this.since(token) };
        },
      },
      {
        GATE: () => this.LA(2).image === 'at',
        ALT: () => {
          this.CONSUME(keyword('trap'));
          this.CONSUME1(keyword('at'));
          const where = this.SUBRULE2(this.postfix);
          return { kind: 'trap', where, span: this.since(token) };
        },
      },
      {
        GATE: () => this.beginsPlace(this.LA(2)),
        ALT: () => {
          this.CONSUME(keyword('pass'));
          const place = this.name(0, 'a place');
          this.CONSUME(keyword('as'));
          const which = this.OR3([{ ALT: () => this.is('old') }, { ALT: () => this.is('new') }]);
          return { kind: 'pass', place, which, span: this.since(token) };
        },
      },
      { ALT: () => this.SUBRULE(this.variable), IGNORE_AMBIGUITIES: true },
    ]);
    return { token, expr, end: this.since(token).end };
  });

  /** Behind `handling` and `pass`, which are variables otherwise: `always pass during guard`. */
  private beginsPlace(token: IToken): boolean {
    return tokenMatcher(token, T.Word) && beginsExpression(token) && token.image !== 'during';
  }

  /** A variable, or what is said about a thread of that name. */
  private readonly variable: Rule<Expr> = this.RULE<() => Expr>('variable', () => {
    const start = this.LA(1);
    const subject = this.SUBRULE1(this.postfix);
    const said = this.OPTION({
      GATE: () => subject.kind === 'name',
      DEF: () =>
        this.OR<Choices<Expr>>([
          {
            ALT: () => {
              this.CONSUME(keyword('at'));
              return this.whereabouts(subject, this.SUBRULE2(this.postfix), false, start);
            },
          },
          {
            ALT: () => {
              this.CONSUME(keyword('in'));
              return this.whereabouts(subject, this.SUBRULE3(this.postfix), true, start);
            },
          },
          {
            ALT: () => {
              this.CONSUME(keyword('returns'));
              this.CONSUME(keyword('into'));
              const region = this.SUBRULE4(this.postfix);
              return { kind: 'returns', thread: nameOf(subject), region, span: this.since(start) };
            },
          },
        ]),
    });
    return said ?? subject;
  });

  private whereabouts(subject: Expr, where: Expr, region: boolean, start: IToken): Expr {
    return { kind: 'threadat', thread: nameOf(subject), where, region, span: this.since(start) };
  }

  private readonly postfix: Rule<Expr> = this.RULE<() => Expr>('postfix', () => {
    const start = this.LA(1);
    if (T.reservedWords.has(start.image)) this.expected('an expression');
    const first = this.CONSUME(T.Word, { ERR_MSG: 'an expression' });
    let expr: Expr = { kind: 'name', text: first.image, span: this.since(start) };
    this.MANY(() => {
      const of = expr;
      expr = this.OR<Choices<Expr>>([
        {
          ALT: () => {
            this.CONSUME(T.Dot);
            const field = this.field();
            return { kind: 'field', of, field, span: this.since(start) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(T.LeftBracket);
            const index = this.SUBRULE(this.expression);
            if (this.LA(1).tokenType === T.Dots) {
              const message = 'a range of bytes can be poked, an expression reads one of them';
              this.fail('range-read', message, spanOf(this.LA(1)));
            }
            this.CONSUME(T.RightBracket);
            return { kind: 'index', of, index, span: this.since(start) };
          },
        },
      ]);
    });
    return expr;
  });

  // -- pieces of rules

  private since(start: IToken): Span {
    const from = spanOf(start).start;
    return { start: from, end: Math.max(from, spanOf(this.LA(0)).end) };
  }

  /** A keyword that begins a rule. */
  private word(word: T.Keyword): IToken {
    return this.CONSUME9(keyword(word));
  }

  /** A keyword as its own text. */
  private is<W extends T.Keyword>(word: W): W {
    this.CONSUME8(keyword(word));
    return word;
  }

  private sign<W extends string>(type: TokenType, text: W): W {
    this.CONSUME7(type);
    return text;
  }

  private name(index: number, what: string): Name {
    const next = this.LA(1);
    const token = this.consume(index, T.Word, { ERR_MSG: what });
    if (T.reservedWords.has(next.image))
      this.fail(
        'reserved-word',
        `\`${next.image}\` is a word of the language and cannot be a name`,
        spanOf(next),
      );
    return { text: token.image, span: spanOf(token) };
  }

  /** Behind a dot even a reserved word is a name: `frame.if`. */
  private field(): Name {
    const token = this.CONSUME6(T.Word, { ERR_MSG: 'the name of a field' });
    return { text: token.image, span: spanOf(token) };
  }

  private quoted(index: number, what: string): Text {
    const token = this.consume(index, T.StringToken, { ERR_MSG: what });
    const closed = token.image.length > 1 && token.image.endsWith('"');
    if (!closed && !this.RECORDING_PHASE) {
      const end = spanOf(token).end;
      const fix = { title: 'close it', edits: [{ span: { start: end, end }, text: '"' }] };
      this.report(error('unclosed-text', 'this text has no closing quote', spanOf(token), fix));
      throw new Stop();
    }
    return { text: token.image.slice(1, closed ? -1 : undefined), span: spanOf(token) };
  }

  /** A count, which fits into 32 bits with room. */
  private number(index: number): number {
    const token = this.consume(index, T.NumberToken);
    const value = this.numeral(token);
    if (value > 0x7fff_ffffn) {
      this.report(error('number', `\`${shortened(token.image)}\` is too large`, spanOf(token)));
      return 0;
    }
    return Number(value);
  }

  private numeral(token: IToken): bigint {
    if (this.RECORDING_PHASE) return 0n;
    const { image } = token;
    if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(image)) {
      const message = `\`${shortened(image)}\` is no number: digits, or \`0x\` and hexadecimal digits`;
      this.report(error('number', message, spanOf(token)));
      return 0n;
    }
    const digits = image.replace(/^0x0*|^0+/, '').length;
    const value = digits > 20 ? 1n << 64n : BigInt(image);
    if (value < 1n << 64n) return value;
    const message = `\`${shortened(image)}\` does not fit into 64 bits`;
    this.report(error('number', message, spanOf(token)));
    return 0n;
  }

  // -- lines, and what happens in a bad one

  /**
   * Elements of a block, each of which ends with its line, up to the brace that closes them. The beginning of a section
   * shows that the brace is missing, but where the elements are sections themselves, however they are indented.
   */
  private lines(element: () => void, elements: 'lines' | 'sections' = 'lines'): void {
    if (this.RECORDING_PHASE) {
      this.many(0, () => {
        element();
        this.or(0, [
          { ALT: () => this.consume(0, T.Newline) },
          { ALT: () => this.consume(0, T.Semicolon) },
        ]);
      });
      return;
    }
    for (;;) {
      this.skipEnds();
      const next = this.LA(1);
      if (next.tokenType === EOF || next.tokenType === T.RightBrace) return;
      if (elements === 'lines' && this.atSection()) return;
      this.line(element);
      // An unreadable line that consumed nothing must not be tried again.
      if (this.LA(1) === next) this.take();
    }
  }

  /**
   * The sections of a file. A brace too many or too few changes the meaning of all that follows it: after an error
   * that a section could not be read across, the next line that stands as far left as the section did is tried.
   */
  private sections(element: () => void): void {
    if (this.RECORDING_PHASE) {
      this.lines(element);
      return;
    }
    for (;;) {
      this.skipEnds();
      const next = this.LA(1);
      if (next.tokenType === EOF) return;
      const column = this.indentation(next);
      if (!this.broken || (column <= this.margin && beginsAnew(next))) {
        this.broken = false;
        if (column < this.margin || (column < 200 && sectionWords.has(next.image)))
          this.margin = column;
        if (next.tokenType === T.RightBrace) {
          const fix = { title: 'take it out', edits: [{ span: spanOf(next), text: '' }] };
          this.report(error('stray-brace', 'this brace closes nothing', spanOf(next), fix));
        } else this.line(element);
      }
      if (this.LA(1) === next) this.take();
    }
  }

  /** Before the first token of a line; infinite before any other. */
  private indentation(token: IToken): number {
    const start = spanOf(token).start;
    // Further than any section stands from the left, the exact figure does not matter.
    const before = this.text.slice(Math.max(0, start - 200), start);
    const line = before.slice(Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1);
    return line.trim() === '' ? line.length : Number.POSITIVE_INFINITY;
  }

  /** Runs `read`; if that fails, reports why and goes to the end of the line. */
  private line(read: () => void): void {
    if (this.RECORDING_PHASE) {
      read();
      return;
    }
    const depth = braces(this.LA(1));
    try {
      read();
      this.endOfLine();
    } catch (thrown) {
      if (thrown instanceof Stop) {
        // reported already
      } else if (thrown instanceof Error && isRecognitionException(thrown)) this.explain(thrown);
      else throw thrown;
      if (!this.atSection()) this.skipLine(depth);
    }
  }

  /** To the end of a line at this depth of braces, or to the brace that closes what is around it. */
  private skipLine(depth: number): void {
    for (;;) {
      const next = this.LA(1);
      const type = next.tokenType;
      if (type === EOF || braces(next) < depth) return;
      if (this.atSection()) return;
      if (braces(next) === depth && isEnd(type)) return;
      this.take();
      if (type === T.RightBrace && braces(next) === depth) {
        const { image, tokenType } = this.LA(1);
        if (isEnd(tokenType) || (tokenMatcher(this.LA(1), T.Word) && !joins.has(image))) return;
      }
    }
  }

  /** After an element: a separator, the brace that closes what is around it, or its own closing brace. */
  private endOfLine(): void {
    if (this.RECORDING_PHASE) return;
    // Behind a block that is never closed, its last line has ended already.
    const before = this.LA(0).tokenType;
    if (this.endsHere(1) || before === T.RightBrace || isEnd(before)) return;
    this.expected('the end of the line', goesOn);
  }

  private close(open: IToken): void {
    if (this.RECORDING_PHASE || this.LA(1).tokenType === T.RightBrace) {
      this.CONSUME(T.RightBrace);
      return;
    }
    // What was read of the block is kept: an editor asks while its end has not been written yet.
    this.report(error('unclosed-brace', 'this brace is never closed', spanOf(open)));
  }

  /** A separator between elements of a list that has no braces of its own. */
  private ends(): void {
    this.many(5, () =>
      this.or(5, [
        { ALT: () => this.consume(5, T.Newline) },
        { ALT: () => this.consume(5, T.Semicolon) },
      ]),
    );
  }

  private newlines(index = 0): void {
    this.many(index + 7, () => this.consume(index + 4, T.Newline));
  }

  /** `else` and its like stand on the line of the brace that they follow; on the next one they are understood. */
  private joinsBrace(word: 'else' | 'expect' | 'resume'): void {
    if (this.RECORDING_PHASE || this.LA(1).tokenType !== T.Newline) return;
    const next = this.LA(2);
    if (next.image !== word) return;
    if (word === 'resume' && this.LA(3).tokenType !== T.LeftBrace) return;
    const gap = { start: spanOf(this.LA(0)).end, end: next.startOffset };
    const fix = { title: 'join the lines', edits: [{ span: gap, text: ' ' }] };
    const bare = this.text.slice(gap.start, gap.end).trim() === '';
    const message = `\`${word}\` stands on the line of the brace that it follows`;
    this.report(error('next-line', message, spanOf(next), bare ? fix : undefined));
    this.take();
  }

  /** The beginning of a line as far left as the section is, that can only be the beginning of another. */
  private atSection(k = 1): boolean {
    const first = this.LA(k);
    if (!sectionWords.has(first.image) || this.indentation(first) > this.margin) return false;
    const second = this.LA(k + 1);
    switch (first.image) {
      case 'protocol':
        return tokenMatcher(second, T.Word) && this.LA(k + 2).tokenType === T.StringToken;
      case 'code':
      case 'machine':
        return second.tokenType === T.LeftBrace;
      case 'source':
      case 'scenario':
        return second.tokenType === T.StringToken;
      case 'thread':
      case 'irq':
      case 'nmi':
        return this.LA(k + 2).image === 'runs';
      case 'require':
        return this.LA(k + 2).tokenType === T.Colon;
      case 'waive':
        return this.LA(k + 2).tokenType === T.StringToken;
      case 'option':
      case 'shared':
      case 'percpu':
      case 'mutex':
      case 'descriptor':
      case 'stub':
      case 'define':
      case 'patch':
      case 'witness':
        return tokenMatcher(second, T.Word);
      case 'on':
        return second.image === 'breakpoint';
      default:
        return false;
    }
  }

  private skipEnds(): void {
    while (isEnd(this.LA(1).tokenType)) this.take();
  }

  /** The next token, whatever it is. */
  private take(): void {
    this.consume(0, this.LA(1).tokenType);
  }

  // -- reports

  /** After an error, braces that do not fit and what is on their wrong side are its consequences. */
  private report(diagnostic: Diagnostic): void {
    const { code, span } = diagnostic;
    if (this.broken && (aboutBraces.has(code) || (code === 'expected' && this.besideBrace(span))))
      return;
    this.broken = true;
    this.diagnostics.push(diagnostic);
    if (this.diagnostics.length >= maxErrors) throw new Full();
  }

  private besideBrace({ start, end }: Span): boolean {
    return start === end || besideBraces.has(this.text.slice(start, end));
  }

  private fail(code: string, message: string, span: Span): void {
    if (this.RECORDING_PHASE) return;
    this.report(error(code, message, span));
    throw new Stop();
  }

  /** Reports that something else stands here. */
  private expected(what: string, words: Iterable<string> = []): void {
    if (this.RECORDING_PHASE) return;
    this.report(this.unexpected(this.LA(1), what, words));
    throw new Stop();
  }

  /** The sentence for an error that the parser library found. */
  private explain(thrown: Error & { token?: IToken }): void {
    const { types, rule } = this.expectations;
    const description = thrown.message;
    const token = thrown.token ?? this.LA(1);
    // With a description of its own, the library has not asked, and the types are those of an earlier error.
    const asked = description === '' || thrown.name !== 'MismatchedTokenException';
    const words = (asked ? types : []).flatMap((t) =>
      T.keywords.includes(wordOf(t)) ? [wordOf(t)] : [],
    );
    const labels = [...new Set(types.map((t) => t.LABEL ?? t.name))];
    const one = thrown.name === 'MismatchedTokenException' ? listed(labels) : ruleNames[rule];
    const what = description || one || listed(labels);
    const candidates = beginnings[rule] ?? words;
    this.report(this.unexpected(token, what, candidates));
  }

  private endsHere(k: number): boolean {
    const type = this.LA(k).tokenType;
    return isEnd(type) || type === T.RightBrace || type === EOF;
  }

  private unexpected(token: IToken, what: string, words: Iterable<string>): Diagnostic {
    const isEof = token.tokenType === EOF;
    const end = this.text.length;
    const span = isEof ? { start: end, end } : spanOf(token);
    if (token.tokenType === T.Unknown) return unknown(token, this.text.slice(span.end));
    const suggestion = tokenMatcher(token, T.Word) ? nearest(token.image, words) : undefined;
    const message = `expected ${what}, found ${found(token)}`;
    const gap = token.tokenType === T.Newline && /^\s*(?=\{)/.exec(this.text.slice(span.start));
    if (gap && what === '`{`') {
      const edits = [{ span: { start: span.start, end: span.start + gap[0].length }, text: ' ' }];
      const hint = 'a brace stands on the line of what it belongs to';
      return error('next-line', hint, span, { title: 'join the lines', edits });
    }
    const meant = suggestion ? undefined : habit(this.text, span, what);
    if (meant) {
      const hint = meant.hint === '' ? '' : `; ${meant.hint}`;
      return error('expected', message + hint, span, meant.fix);
    }
    if (what === ruleNames.item && statementWords.has(token.image)) {
      const hint = '; statements stand in a patch, a handler or a definition';
      return error('expected', message + hint, span);
    }
    if (what === ruleNames.statement && token.tokenType === T.Identifier) {
      const hint = otherStatements.get(token.image);
      if (hint !== undefined) return error('expected', `${message}; ${hint}`, span);
      if (T.mnemonics.has(token.image) && !suggestion)
        return error('expected', `${message}; instructions stand in \`code\` or in a stub`, span);
    }
    if (suggestion) {
      const fix = { title: `write \`${suggestion}\``, edits: [{ span, text: suggestion }] };
      return error('expected', message + didYouMean(suggestion), span, fix);
    }
    if (what === ruleNames.statement && token.tokenType === T.Identifier && this.endsHere(2)) {
      const call = `${token.image}()`;
      const edits = [{ span: { start: span.end, end: span.end }, text: '()' }];
      const fix = { title: `write \`${call}\``, edits };
      const hint = `; a definition is copied in by \`${call}\``;
      return error('expected', message + hint, span, fix);
    }
    return error('expected', message, span);
  }
}

/** Statements of other languages, and what is said here instead. */
const otherStatements: ReadonlyMap<string, string> = new Map([
  ['cli', 'a patcher says `irqs off`'],
  ['sti', 'a patcher says `irqs on`'],
  ['return', 'a definition ends with its brace'],
  ['break', 'a loop ends by its test'],
  ['continue', 'a loop ends by its test'],
  ['sleep', 'a patcher says `wait time`'],
]);

const aboutBraces: ReadonlySet<string> = new Set(['unclosed-brace', 'stray-brace']);
const besideBraces: ReadonlySet<string> = new Set(['->', 'else', 'expect']);
const statementWords: ReadonlySet<string> = new Set(T.statementWords);
const sectionWords: ReadonlySet<string> = new Set(['protocol', ...T.sectionWords]);

/** A word that may begin a section, or was meant to. */
function beginsAnew(token: IToken): boolean {
  return tokenMatcher(token, T.Word) && !besideBraces.has(token.image);
}

/** Words that go on with what might have ended before them. */
const goesOn: readonly string[] = [
  ...['and', 'or', 'at', 'in', 'as', 'by', 'without', 'during', 'returns', 'slots'],
  ...['descending', 'else', 'expect', 'resume'],
];

const joins: ReadonlySet<string> = new Set(['else', 'expect', 'resume', 'as']);

/** Statements whose word stands before an expression, which may begin with a parenthesis. */
const beforeExpression: ReadonlySet<string> = new Set([
  'if',
  'while',
  'for',
  'assert',
  'emulate',
  'resume',
]);

const beginsAssignment: ReadonlySet<TokenType> = new Set([
  T.Assign,
  T.PlusAssign,
  T.MinusAssign,
  T.Dot,
  T.LeftBracket,
]);

const operators: ReadonlySet<TokenType> = new Set([
  ...[T.EqualEqual, T.NotEqual, T.Less, T.LessEqual, T.Greater, T.GreaterEqual],
  ...[T.Plus, T.Minus, T.Times, T.Over],
]);

const continuesExpression: ReadonlySet<TokenType> = new Set([
  T.Dot,
  T.LeftBracket,
  T.Plus,
  T.Minus,
  T.Times,
  T.Over,
]);

function isEnd(type: TokenType): boolean {
  return type === T.Newline || type === T.Semicolon;
}

/** A word that joins expressions cannot begin one. */
function beginsExpression(token: IToken): boolean {
  if (token.tokenType === T.NumberToken || token.tokenType === T.LeftParen) return true;
  return tokenMatcher(token, T.Word) && !T.reservedWords.has(token.image);
}

function braces(token: IToken): number {
  return typeof token.payload === 'number' ? token.payload : 0;
}

/** What is said of a place, of where a sum of it is; undefined where nothing is said of one. */
function atSum(said: Expr, sum: (where: Expr) => Expr): Expr | undefined {
  const end = (where: Expr): Expr['span'] => ({ start: said.span.start, end: where.span.end });
  switch (said.kind) {
    case 'trap':
    case 'handling':
    case 'threadat': {
      const where = sum(said.where);
      return { ...said, where, span: end(where) };
    }
    case 'returns': {
      const region = sum(said.region);
      return { ...said, region, span: end(region) };
    }
    default:
      return undefined;
  }
}

function nameOf(expr: Expr): Name {
  return { text: expr.kind === 'name' ? expr.text : '', span: expr.span };
}

function spanOf(token: IToken): Span {
  // "No location" of the library is NaN or -1.
  const start = token.startOffset >= 0 ? token.startOffset : 0;
  return { start, end: start + (token.startOffset >= 0 ? token.image.length : 0) };
}

function wordOf(type: TokenType): string {
  return typeof type.PATTERN === 'string' ? type.PATTERN : '';
}

function unknown(token: IToken, behind: string): Diagnostic {
  const span = spanOf(token);
  const word = /^[A-Za-z0-9]{1,8}/.exec(behind)?.[0].toLowerCase();
  const known =
    token.image === '%' && word !== undefined && T.registers.has(word)
      ? { message: 'a register is written without `%`', write: '' }
      : foreign[token.image];
  if (!known) return error('character', `\`${shortened(token.image)}\` means nothing here`, span);
  const fix = known.write !== undefined && {
    title: known.write === '' ? 'take it out' : `write \`${known.write}\``,
    edits: [{ span, text: known.write }],
  };
  return error('character', known.message, span, fix || undefined);
}

function found(token: IToken): string {
  if (token.tokenType === EOF) return 'the end of the file';
  if (token.tokenType === T.Newline) return 'the end of the line';
  return `\`${shortened(token.image)}\``;
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

function listed(labels: readonly string[]): string {
  if (labels.length < 2) return labels[0] ?? 'something else';
  return `${labels.slice(0, -1).join(', ')} or ${labels.at(-1)}`;
}

const parser = new SpecParser();
