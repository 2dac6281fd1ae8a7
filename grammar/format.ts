// One layout for a spec: spaces, line ends and columns. Every word, number and comment stays as it was written.
//
// It works on tokens, so that nothing can be lost; the tree says what a bracket or a sign is where tokens do not.

import type { IToken } from 'chevrotain';
import type { File } from './ast.ts';
import { type Parsed, parse } from './parser.ts';
import * as T from './tokens.ts';

/** A line that is wider becomes several; one that would become wider is not aligned. */
const width = 100;
/** A table most rows of which are wider may be as wide as this. */
const widest = 140;
/** What is longer sticks out of its column and does not move the others. */
const longLabel = 16;
const longHead = 60;
const longBeforeComment = 60;
/** Where instructions stand, unless a label beside them is longer. */
const listing = 8;

/** The text in the one layout, or nothing where it has errors: they are in `parsed`. */
export function format(text: string, parsed: Parsed = parse(text)): string | undefined {
  if (parsed.file === undefined || parsed.diagnostics.some((d) => d.severity === 'error'))
    return undefined;
  const lines = read(text, survey(parsed.file, text));
  const rows = container('items', lines, 0);
  return `${rows.join('\n')}\n`;
}

// ---- what only the tree knows, by offsets

interface Survey {
  /** Where a section, a statement or an instruction begins. */
  readonly starts: ReadonlySet<number>;
  /** The braces of statements. */
  readonly blocks: ReadonlySet<number>;
  /** The ends of names that a bracket belongs to: `f(x)`, `a[0]`. */
  readonly glued: ReadonlySet<number>;
  /** Signs that are part of a number. */
  readonly minus: ReadonlySet<number>;
  /** From the beginning of a patch's first change to the brace of its body. */
  readonly heads: ReadonlyMap<number, number>;
}

type Node = { readonly [key: string]: unknown };
type Spanned = { readonly span: { readonly start: number; readonly end: number } };

function survey(file: File, text: string): Survey {
  const starts = new Set<number>();
  const blocks = new Set<number>();
  const glued = new Set<number>();
  const minus = new Set<number>();
  const heads = new Map<number, number>();
  const glue = (name: unknown): void => {
    glued.add((name as Spanned).span.end);
  };
  const look = (node: Node): void => {
    const { start } = (node as unknown as Spanned).span ?? { start: -1 };
    switch (node.kind) {
      case 'block':
        blocks.add(start);
        break;
      case 'index':
        glue(node.of);
        break;
      case 'number':
        if (text[start] === '-') minus.add(start);
        break;
      case 'poke':
        if (node.range) glue(node.place);
        break;
      case 'memory':
        for (const cell of (node.cells as readonly Node[] | undefined) ?? [])
          if (cell.count !== undefined) glue(cell.name);
        break;
      case 'build':
      case 'call':
        glue((node.call as Node).name);
        break;
      case 'define':
      case 'stub':
        glue(node.name);
        break;
      case 'patch': {
        const first = (node.changes as readonly Spanned[])[0];
        if (first) heads.set(first.span.start, (node.body as Spanned).span.start);
        break;
      }
    }
    for (const [key, value] of Object.entries(node)) {
      const list = Array.isArray(value) ? (value as readonly Node[]) : undefined;
      if (list && elementKeys.has(key))
        for (const it of list) starts.add((it as unknown as Spanned).span.start);
      for (const it of list ?? [value])
        if (typeof it === 'object' && it !== null) {
          if (Array.isArray(it)) for (const deep of it) look(deep as Node);
          else look(it as Node);
        }
    }
  };
  look(file as unknown as Node);
  return { starts, blocks, glued, minus, heads };
}

const elementKeys: ReadonlySet<string> = new Set(['items', 'body', 'then', 'else', 'settings']);

// ---- tokens into lines and blocks

type Kind = 'items' | 'asm' | 'statements' | 'settings' | 'fields' | 'insns';

interface Piece {
  readonly kind: 'token';
  readonly text: string;
  readonly type: IToken['tokenType'];
  /** A section, a statement or an instruction begins here. */
  readonly begins: boolean;
  /** No space before it, or none behind it, whatever the signs say. */
  readonly glued: boolean;
  readonly minus: boolean;
  /** Goes on with what stands on the line before. */
  readonly goesOn: boolean;
  /** The first change of a patch: the others stand below it. */
  readonly firstChange: boolean;
  /** In the head of a patch, before its body. */
  readonly inHead: boolean;
}
interface Note {
  readonly kind: 'comment';
  readonly text: string;
  /** On a line of its own, inside of what goes on behind it. */
  readonly goesOn: boolean;
  readonly inHead: boolean;
}
interface Braces {
  readonly kind: 'braces';
  readonly of: Kind;
  /** Behind the opening brace. */
  readonly comment: string | undefined;
  lines: Line[];
  open: boolean;
}
type Part = Piece | Note | Braces;

interface Line {
  readonly parts: Part[];
  /** Behind an empty line. */
  readonly blank: boolean;
  /** A comment that goes on with the one at the end of the line before. */
  readonly below: boolean;
}

function read(text: string, known: Survey): Line[] {
  const lexed = T.lexer.tokenize(text);
  const all = [...lexed.tokens, ...(lexed.groups.comments ?? [])].sort(
    (a, b) => a.startOffset - b.startOffset,
  );
  let at = 0;
  let head = -1;
  /** Where the line begins. */
  let left = 0;

  const inside = (of: Kind): Line[] => {
    const lines: Line[] = [];
    let parts: Part[] = [];
    let blank = false;
    let below = false;
    let newlines = 0;
    /** Before semicolons that have nothing to separate. */
    let earlier = 0;
    let brackets = 0;
    let comma = false;
    let word = '';
    let end = 0;
    /** The column of the comment at the end of the line before. */
    let noted = -1;
    const finish = (): void => {
      if (isSemicolon(parts.at(-1))) parts.pop();
      if (parts.length > 0) lines.push({ parts, blank: blank && lines.length > 0, below });
      parts = [];
    };
    for (; at < all.length; at++) {
      const token = all[at] as IToken;
      const type = token.tokenType;
      const start = token.startOffset;
      if (type === T.Newline) {
        newlines++;
        left = start + token.image.length;
        continue;
      }
      if (type === T.RightBrace) break;
      if (type === T.Semicolon) {
        const needless =
          newlines > 0 || earlier > 0 || parts.length === 0 || isSemicolon(parts.at(-1));
        if (!needless) parts.push(piece(token));
        // A line with nothing else on it is no empty line.
        earlier = Math.max(earlier, newlines);
        newlines = 0;
        continue;
      }
      newlines = Math.max(newlines, earlier);
      earlier = 0;
      const column = start - left;
      const inHead = of === 'items' && start < head;
      const goesOn = newlines > 0 && parts.length > 0 && (brackets > 0 || comma || inHead);
      if (newlines > 0 && !goesOn) {
        const last = parts.at(-1);
        const follows = newlines === 1 && type === T.CommentToken && column === noted;
        if (last?.kind !== 'comment' && !below) noted = -1;
        finish();
        blank = newlines > 1;
        below = follows && noted >= 0;
      }
      newlines = 0;
      if (type === T.CommentToken) {
        if (isSemicolon(parts.at(-1))) parts.pop();
        if (parts.length > 0 && !goesOn) noted = column;
        parts.push({ kind: 'comment', text: token.image.trimEnd(), goesOn, inHead });
        continue;
      }
      if (goesOn && isSemicolon(parts.at(-1))) parts.pop();
      comma = type === T.Comma;
      if (type === T.LeftBrace) {
        parts.push(braces(kindOf(of, word, start)));
        end = (all[at]?.startOffset ?? end) + 1;
        continue;
      }
      if (type === T.LeftParen || type === T.LeftBracket) brackets++;
      if (type === T.RightParen || type === T.RightBracket) brackets--;
      if (known.starts.has(start)) word = token.image;
      const first = known.heads.get(start);
      if (first !== undefined) head = first;
      parts.push({
        ...piece(token),
        glued: (type === T.LeftParen || type === T.LeftBracket) && known.glued.has(end),
        goesOn,
        firstChange: first !== undefined,
        inHead,
      });
      end = start + token.image.length;
    }
    finish();
    return lines;
  };

  const piece = (token: IToken): Piece => ({
    kind: 'token',
    text: token.image.trimEnd(),
    type: token.tokenType,
    begins: known.starts.has(token.startOffset),
    glued: false,
    minus: known.minus.has(token.startOffset),
    goesOn: false,
    firstChange: false,
    inHead: false,
  });

  /** From the opening brace; stops at the closing one. */
  const braces = (of: Kind): Braces => {
    const from = at;
    at++;
    const next = all[at];
    let comment: string | undefined;
    if (next?.tokenType === T.CommentToken) {
      comment = next.image.trimEnd();
      at++;
    }
    const lines = inside(of);
    const open =
      comment !== undefined ||
      (lines.length > 0 && all.slice(from, at).some((t) => t.tokenType === T.Newline));
    return { kind: 'braces', of, comment, lines, open };
  };

  const kindOf = (around: Kind, word: string, start: number): Kind => {
    if (around === 'asm') return 'asm';
    if (known.blocks.has(start)) return 'statements';
    if (around === 'items') return sectionKinds.get(word) ?? 'insns';
    return 'insns';
  };

  return inside('items');
}

const sectionKinds: ReadonlyMap<string, Kind> = new Map([
  ['code', 'asm'],
  ['stub', 'asm'],
  ['machine', 'settings'],
  ['scenario', 'settings'],
  ['shared', 'fields'],
  ['percpu', 'fields'],
  ['descriptor', 'fields'],
  ['if', 'items'],
]);

function isSemicolon(part: Part | undefined): boolean {
  return part?.kind === 'token' && part.type === T.Semicolon;
}

// ---- which blocks are open

/** Those that a line may lose for its width. Settings are the cells of a table, fields and instructions are short. */
function mayOpen(part: Part | undefined): part is Braces {
  return (
    part?.kind === 'braces' &&
    part.lines.length > 0 &&
    (part.of === 'statements' || part.of === 'asm' || part.of === 'items')
  );
}

/** The lines of a block as they will stand: open blocks end theirs, and lines that are too wide become several. */
function settled(lines: readonly Line[], indent: number): readonly Line[] {
  const tooWide = (line: Line): boolean =>
    isFlat(line.parts) && indent + flatText(code(line)).length > width;
  return lines.flatMap((line) => {
    openChains(line.parts);
    return split(line, false).flatMap((it) =>
      (tooWide(it) ? split(it, true) : [it]).flatMap((one) => {
        if (!tooWide(one)) return [one];
        for (const part of one.parts) if (mayOpen(part)) open(part);
        return split(one, false);
      }),
    );
  });
}

function isFlat(parts: readonly Part[]): boolean {
  return parts.every((p) => (p.kind === 'braces' ? !p.open : !p.goesOn));
}

/** By us, where the author had it on one line: each of its elements gets a line. */
function open(block: Braces): void {
  if (block.open) return;
  block.open = true;
  block.lines = block.lines.flatMap((line) => split(line, true));
}

/** `if … { } else { }`: where one block is open, all are. */
function openChains(parts: readonly Part[]): void {
  let chain: Braces[] = [];
  const close = (): void => {
    if (chain.some((b) => b.open)) for (const b of chain) if (mayOpen(b)) open(b);
    chain = [];
  };
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'braces' || part.of === 'settings' || part.of === 'fields') continue;
    if (!(part.of === 'statements' || part.of === 'asm' || part.of === 'items')) continue;
    chain.push(part);
    if (!joinsBlock(parts[i + 1], parts[i + 2])) close();
  }
  close();
}

function joinsBlock(part: Part | undefined, next: Part | undefined): boolean {
  if (part?.kind !== 'token') return false;
  return part.text === 'else' || (part.text === 'resume' && next?.kind === 'braces');
}

/** Into lines behind open blocks; with `all` into as many as there are elements. */
function split(line: Line, all: boolean): Line[] {
  const lines: Line[] = [];
  let parts: Part[] = [];
  const finish = (): void => {
    if (parts.length > 0)
      lines.push({ parts, blank: lines.length === 0 && line.blank, below: line.below });
    parts = [];
  };
  for (const [i, part] of line.parts.entries()) {
    const last = parts.at(-1);
    const next = line.parts[i + 1];
    const behind = last?.kind === 'braces' && (all || last.open);
    // Between the changes of a patch nothing begins.
    if (isSemicolon(part) && (all || behind) && next?.kind === 'token' && next.begins) {
      finish();
      continue;
    }
    if (behind && part.kind === 'token' && part.begins) finish();
    parts.push(part);
  }
  finish();
  return lines;
}

// ---- text on one line

/** Without the comment at its end. */
function code(line: Line): readonly Part[] {
  return line.parts.at(-1)?.kind === 'comment' ? line.parts.slice(0, -1) : line.parts;
}

/** `gaps`: statements behind a brace stand off from it, as in a table. */
function flatText(parts: readonly Part[], gaps = false): string {
  let text = '';
  let before: Part | undefined;
  for (const part of parts) {
    const column = gaps && before?.kind === 'braces' && part.kind === 'token' && part.begins;
    text += column ? tableGap : space(before, part);
    text += part.kind === 'braces' ? flatBlock(part) : part.text;
    before = part;
  }
  return text;
}

const tableGap = '   ';

function flatBlock(block: Braces): string {
  if (block.lines.length === 0) return '{ }';
  return `{ ${block.lines.map((line) => flatText(line.parts)).join('; ')} }`;
}

function space(before: Part | undefined, part: Part): string {
  if (before === undefined) return '';
  if (part.kind === 'comment') return '  ';
  if (before.kind === 'token' && (tightBehind.has(before.type) || before.minus)) return '';
  if (part.kind === 'braces') return ' ';
  if (part.glued || tightBefore.has(part.type)) return '';
  // `gs:[x]`, but `L: insn`.
  const segment = before.kind === 'token' && before.type === T.Colon && part.type === T.LeftBracket;
  return segment ? '' : ' ';
}

const tightBehind: ReadonlySet<unknown> = new Set([T.LeftParen, T.LeftBracket, T.Dot, T.Dots]);
const tightBefore: ReadonlySet<unknown> = new Set([
  T.RightParen,
  T.RightBracket,
  T.Comma,
  T.Semicolon,
  T.Colon,
  T.Dot,
  T.Dots,
]);

// ---- rows and their columns

interface Row {
  /** With its indentation, without its comment. */
  text: string;
  readonly comment: string | undefined;
  /** The cells of a row that stands in columns with its neighbours. */
  readonly cells: Cells | undefined;
  readonly blank: boolean;
  readonly below: boolean;
}

interface Cells {
  readonly word: string;
  readonly head: string;
  readonly block: string;
  readonly rest: string;
  readonly gap: string;
}

/** What is inside of braces, or a whole file. */
function container(kind: Kind, lines: readonly Line[], indent: number, least = listing): string[] {
  const all = settled(lines, indent);
  const column = kind === 'asm' ? labelColumn(all, least) : 0;
  const rows = all.flatMap((line) => rowsOf(kind, line, indent, column));
  alignTables(rows, indent);
  return withComments(rows).flatMap((text, i) => (rows[i]?.blank && i > 0 ? ['', text] : [text]));
}

/** Of any number of them: more than a call takes arguments. */
function largest(sizes: readonly number[]): number {
  return sizes.reduce((most, n) => Math.max(most, n), 0);
}

function pad(n: number): string {
  return ' '.repeat(Math.max(0, n));
}

/** How many parts are labels that the line begins with. */
function labels(parts: readonly Part[]): number {
  let n = 0;
  for (;;) {
    const colon = parts[n + 1];
    if (colon?.kind !== 'token' || colon.type !== T.Colon) return n;
    n += 2;
  }
}

/** The column of instructions: that of listings, or behind the widest label; the left where there is no label. */
function labelColumn(lines: readonly Line[], least: number): number {
  let column = 0;
  for (const line of lines) {
    const parts = code(line);
    const n = labels(parts);
    const next = parts[n];
    if (n === 0) continue;
    column = Math.max(column, least);
    // Labels on a line of their own, and those of open groups, have nothing beside them.
    if (next === undefined || (next.kind === 'braces' && next.open)) continue;
    const size = flatText(parts.slice(0, n)).length;
    if (size <= longLabel) column = Math.max(column, size + 1);
  }
  return column;
}

function rowsOf(kind: Kind, line: Line, indent: number, column: number): Row[] {
  const { blank, below } = line;
  const comment = line.parts.at(-1);
  const note = comment?.kind === 'comment' ? comment.text : undefined;
  const parts = code(line);
  const first = parts[0];
  // A comment on a line of its own is that line's text, unless it goes on with the one before.
  if (first === undefined)
    return below
      ? [{ text: pad(indent), comment: note, cells: undefined, blank, below }]
      : [{ text: pad(indent) + (note ?? ''), comment: undefined, cells: undefined, blank, below }];
  const n = kind === 'asm' ? labels(parts) : 0;
  const next = parts[n];
  const group = next?.kind === 'braces' && next.open;
  const label = flatText(parts.slice(0, n));
  const before =
    next === undefined || group
      ? label
      : n > 0
        ? `${label} `.padEnd(column)
        : marginOf(next, column);
  if (isFlat(parts)) {
    const text = pad(indent) + (group || next ? before : label) + flatText(parts.slice(n), true);
    return [
      { text, comment: note, cells: kind === 'asm' ? undefined : cellsOf(parts), blank, below },
    ];
  }
  // The instructions of a group stay in the column of those around it.
  const within = group ? column - 2 : undefined;
  const lead = group ? `${label} ` : before;
  const base = group ? indent : indent + before.length;
  const texts = broken(parts.slice(n), pad(indent) + lead, base, kind === 'fields', within);
  return texts.map((text, i) => ({
    text,
    comment: i === texts.length - 1 ? note : undefined,
    cells: undefined,
    blank: blank && i === 0,
    below: below && i === 0,
  }));
}

/** Directives stand below labels. */
function marginOf(first: Part, column: number): string {
  return first.kind === 'token' && first.text === 'align' ? '' : pad(column);
}

/** A line with open blocks, or that goes on below. */
function broken(
  parts: readonly Part[],
  lead: string,
  base: number,
  fields: boolean,
  least?: number,
): string[] {
  const rows: string[] = [];
  let row = lead;
  let change = base + 2;
  /** Where the row begins. */
  let margin = base;
  /** For each open bracket: where it stands, and whether the line ends behind it. */
  const brackets: { readonly column: number; readonly hangs: boolean }[] = [];
  let before: Part | undefined;
  const below = (part: Piece | Note): number => {
    const closes =
      part.kind === 'token' && (part.type === T.RightParen || part.type === T.RightBracket);
    const top = brackets.at(-1);
    if (top && !top.hangs) return closes ? top.column : top.column + 1;
    const hanging = brackets.filter((b) => b.hangs).length;
    if (top) return base + 2 * (closes ? hanging - 1 : hanging);
    return part.inHead ? change : base + (fields ? 0 : 2);
  };
  for (const [i, part] of parts.entries()) {
    if (part.kind === 'braces') {
      row += space(before, part);
      if (part.open) {
        rows.push(part.comment === undefined ? `${row}{` : `${row}{  ${part.comment}`);
        const left = part.of === 'insns' ? margin : base;
        for (const it of container(part.of, part.lines, left + 2, least)) rows.push(it);
        row = `${pad(left)}}`;
      } else row += flatBlock(part);
    } else {
      const afterComment = before?.kind === 'comment';
      if (part.goesOn || afterComment) {
        rows.push(row);
        margin = below(part);
        row = pad(margin);
      } else row += space(before, part);
      if (part.kind === 'token') {
        if (part.firstChange) change = row.length;
        if (part.type === T.LeftParen || part.type === T.LeftBracket) {
          const next = parts[i + 1];
          const hangs = next?.kind === 'comment' || (next?.kind === 'token' && next.goesOn);
          brackets.push({ column: row.length, hangs });
        } else if (part.type === T.RightParen || part.type === T.RightBracket) brackets.pop();
      }
      row += part.text;
    }
    before = part;
  }
  rows.push(row);
  return rows;
}

/** Rows of these are tables: head, block, and what follows it. */
const tables: ReadonlySet<string> = new Set(['scenario', 'stub', 'phase', 'if']);

function cellsOf(parts: readonly Part[]): Cells | undefined {
  const first = parts[0];
  if (first?.kind !== 'token' || !first.begins || !tables.has(first.text)) return undefined;
  const i = parts.findIndex((p) => p.kind === 'braces');
  const block = parts[i];
  if (block?.kind !== 'braces') return undefined;
  const next = parts[i + 1];
  if (isSemicolon(next)) return undefined;
  // Those with `else` have more than one block, and those that test different things have nothing in common.
  if (first.text === 'if' && next !== undefined) return undefined;
  const tested = first.text === 'if' && parts[1]?.kind === 'token' ? ` ${parts[1].text}` : '';
  return {
    word: first.text + tested,
    head: flatText(parts.slice(0, i)),
    block: flatBlock(block),
    rest: flatText(parts.slice(i + 1), true),
    gap: next?.kind === 'token' && next.begins ? tableGap : ' ',
  };
}

/** Scenarios are one table through empty lines, the others are tables of neighbours. */
function alignTables(rows: readonly Row[], indent: number): void {
  let run: Row[] = [];
  for (const [i, row] of [...rows, undefined].entries()) {
    const word = run[0]?.cells?.word;
    const same =
      row?.cells !== undefined && row.cells.word === word && (!row.blank || word === 'scenario');
    if (!same) {
      alignTable(run, indent);
      run = [];
    }
    if (row?.cells) run.push(row);
    else if (i >= rows.length) break;
  }
}

function alignTable(run: readonly Row[], indent: number): void {
  const heads = run.map((r) => r.cells?.head.length ?? 0).filter((n) => n <= longHead);
  const first = indent + largest(heads) + 1;
  const start = (row: Row): string => {
    const head = pad(indent) + (row.cells?.head ?? '');
    return `${`${head} `.padEnd(first)}${row.cells?.block ?? ''}`;
  };
  const sizes = (limit: number): number[] =>
    run.flatMap((row) => {
      if (!row.cells?.rest) return [];
      const size = start(row).length + row.cells.gap.length;
      return size + row.cells.rest.length <= limit ? [size] : [];
    });
  const narrow = sizes(width);
  const second = largest(narrow.length * 2 >= run.length ? narrow : sizes(widest));
  for (const row of run) {
    const before = start(row);
    const { rest, gap } = row.cells ?? { rest: '', gap: '' };
    row.text = rest === '' ? before : `${before}${gap}`.padEnd(second) + rest;
  }
}

/** Comments at the ends of neighbouring lines stand in one column. */
function withComments(rows: readonly Row[]): string[] {
  const texts: string[] = [];
  for (let i = 0; i < rows.length; ) {
    let end = i;
    while (rows[end]?.comment !== undefined && (end === i || !rows[end]?.blank)) end++;
    const run = rows.slice(i, Math.max(end, i + 1));
    const sizes = run.map((r) => r.text.length).filter((n) => n <= longBeforeComment);
    const column = largest(sizes) + 2;
    let last = column;
    for (const { text, comment, below } of run) {
      // One that goes on stands exactly below, also where that one sticks out.
      if (!below) last = Math.max(column, text.length + 2);
      texts.push(comment === undefined ? text : text.padEnd(last) + comment);
    }
    i += run.length;
  }
  return texts;
}
