// From minimal sets to a shorter text: what no scenario of a file needs is taken out of it, and the rest stays as it was written.
//
// An order is none of it: a text always has one. What is written once in a `define` and used in several places goes
// from all of them, or the call goes where the `define` does nothing but wait.

import { format } from '../../grammar/format.ts';
import type { Block, File, Span, Stmt } from '../../grammar/index.ts';
import { type Compiled, compile, programOf } from '../compile.ts';
import type { Options } from '../scenario.ts';
import { allItems, constant } from '../spec.ts';
import type { Piece, Way } from './pieces.ts';
import { type Answer, type Bits, minimalSets, mostPieces } from './sets.ts';
import type { Variants } from './variants.ts';

/** What one edit takes out. */
export interface Part {
  readonly kind: Exclude<Piece['kind'], 'order'>;
  /** The statement that is edited: a piece, or a call that does nothing but wait. */
  readonly span: Span;
}

export interface Shorter {
  readonly without: readonly Part[];
  /** Of each of them that is a condition: how it is decided. */
  readonly ways: readonly (Way | undefined)[];
  readonly minimal: boolean;
  /** The whole text without them; absent where the text cannot say it. */
  readonly text?: string;
}

export interface Shortened {
  /** One for each minimal set of parts that keeps the verdicts of all scenarios together. */
  readonly texts: readonly Shorter[];
  readonly unfinished: number;
  readonly tooMany: boolean;
}

/** All minimal sets of parts; every scenario keeps its expectation with each of them. */
export function* shorten(
  compiled: Compiled,
  scenarios: readonly Variants[],
): Generator<void, Shortened> {
  const { file } = compiled;
  if (!file) throw new Error('a text that was not parsed has no scenario');
  const waits = waiting(file);
  const parts = new Map<number, Part>();
  const partOf = new Map<string, number>();
  for (const { pieces } of scenarios) {
    for (const p of pieces) {
      if (p.kind === 'order') continue;
      const call = p.via.find((v) => waits.has(callee(compiled.text, v)));
      const part = { kind: p.kind, span: call ?? p.span };
      parts.set(part.span.start, part);
      partOf.set(p.id, part.span.start);
    }
  }
  const all = [...parts.values()].sort((a, b) => a.span.start - b.span.start);
  if (all.length > mostPieces) return { texts: [], unfinished: 0, tooMany: true };
  const index = new Map(all.map((p, i) => [p.span.start, i]));
  const conditions = (kept: Bits): readonly number[] =>
    all.flatMap((p, i) => (p.kind === 'condition' && (kept & (1 << i)) === 0 ? [i] : []));
  const chosen = new Map<Bits, readonly Way[]>();

  /** One scenario with these parts, its conditions decided as all others have them. */
  const ask = (variants: Variants, kept: Bits, ways: readonly Way[], quick: boolean) => {
    const gone = conditions(kept);
    let bits = 0;
    const fixed: Way[] = [];
    variants.pieces.forEach((p, i) => {
      const part = index.get(partOf.get(p.id) ?? -1);
      if (part === undefined || (kept & (1 << part)) !== 0) bits |= 1 << i;
      else if (p.kind === 'condition') fixed.push(ways[gone.indexOf(part)] as Way);
    });
    return variants.keeps(bits, fixed, quick);
  };
  const keeps = function* (kept: Bits): Generator<void, Answer> {
    let ways: readonly (readonly Way[])[] = [[]];
    for (const _ of conditions(kept))
      ways = ways.flatMap((w) => (['else', 'then'] as const).map((x) => [...w, x]));
    let unfinished = false;
    for (const way of ways) {
      let answer: Answer = 'keeps';
      for (const quick of [true, false]) {
        for (const variants of scenarios) {
          if (answer === 'breaks') break;
          const found = yield* ask(variants, kept, way, quick);
          if (found === 'breaks' || (!quick && found === 'unfinished')) answer = found;
        }
      }
      if (answer === 'keeps') {
        chosen.set(kept, way);
        return 'keeps';
      }
      if (answer === 'unfinished') unfinished = true;
    }
    return unfinished ? 'unfinished' : 'breaks';
  };
  const family = yield* minimalSets(all.length, keeps, () =>
    scenarios.some((v) => v.stopped !== undefined),
  );
  return {
    texts: family.sets.map(({ kept, minimal }) => {
      const gone = conditions(kept);
      const way = chosen.get(kept) ?? [];
      const without = all.filter((_, i) => (kept & (1 << i)) === 0);
      const ways = all.flatMap((_, i) => ((kept & (1 << i)) === 0 ? [way[gone.indexOf(i)]] : []));
      const text = written(compiled, without, ways);
      return {
        without,
        ways,
        minimal,
        ...(says(text, scenarios, all, without, ways) ? { text } : {}),
      };
    }),
    unfinished: family.unfinished,
    tooMany: false,
  };

  /** Whether the new text is what was searched: its programs are the variants'. */
  function says(
    text: string,
    list: readonly Variants[],
    known: readonly Part[],
    without: readonly Part[],
    ways: readonly (Way | undefined)[],
  ): boolean {
    const made = compile(text);
    return list.every((variants) => {
      const scenario = made.scenarios.find((s) => s.name === variants.scenario.name);
      if (!scenario || scenario.checks.length !== variants.scenario.checks.length) return false;
      return scenario.checks.every((check, c) => {
        let bits = 0;
        const fixed: Way[] = [];
        variants.pieces.forEach((p, i) => {
          const part = known.find((x) => x.span.start === partOf.get(p.id));
          const at = part ? without.indexOf(part) : -1;
          if (at < 0) bits |= 1 << i;
          else if (p.kind === 'condition') fixed.push(ways[at] as Way);
        });
        return variants.key(c, bits, fixed) === variants.keyOf(programOf(made, check).program);
      });
    });
  }
}

const callee = (text: string, call: Span): string =>
  /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(call.start, call.end))?.[0] ?? '';

/** The `define`s that do nothing but wait, whatever the options are. */
function waiting(file: File): ReadonlySet<string> {
  const defines = allItems(file.items).filter((i) => i.kind === 'define');
  const found = new Set(defines.map((d) => d.name.text));
  const waits = (block: Block): boolean =>
    block.body.every((s) => {
      switch (s.kind) {
        case 'sync':
        case 'serialize':
        case 'fence':
        case 'waitfor':
        case 'waittime':
          return true;
        case 'if':
          return waits(s.then) && (!s.else || waits(s.else));
        case 'call':
          return found.has(s.call.name.text);
        default:
          return false;
      }
    });
  // What calls one that does more does more itself.
  for (let changed = true; changed; ) {
    changed = false;
    for (const d of defines) {
      if (!found.has(d.name.text) || waits(d.body)) continue;
      found.delete(d.name.text);
      changed = true;
    }
  }
  return found;
}

// ---- text

interface Standing {
  readonly stmt: Stmt;
  readonly block: Block;
  /** The statement whose block it stands in. */
  readonly owner: Standing | undefined;
}

function statements(file: File): ReadonlyMap<number, Standing> {
  const out = new Map<number, Standing>();
  const walk = (block: Block, owner: Standing | undefined): void => {
    for (const stmt of block.body) {
      const standing = { stmt, block, owner };
      out.set(stmt.span.start, standing);
      if (stmt.kind === 'if') {
        walk(stmt.then, standing);
        if (stmt.else) walk(stmt.else, standing);
      } else if ('body' in stmt) walk(stmt.body, standing);
    }
  };
  for (const item of allItems(file.items)) {
    if (item.kind === 'patch' || item.kind === 'breakpoint' || item.kind === 'define')
      walk(item.body, undefined);
  }
  return out;
}

/** The text without these parts. One that was laid out is laid out again. */
function written(
  compiled: Compiled,
  without: readonly Part[],
  ways: readonly (Way | undefined)[],
): string {
  const { file } = compiled;
  if (!file) return compiled.text;
  const standing = statements(file);
  const options = compiled.scenarios[0]?.checks[0]?.options ?? new Map();
  const editor = new Editor(compiled.text);
  // From behind, so that what stands inside of another part is done before it.
  const order = without.map((_, i) => i).sort((a, b) => starts(without, b) - starts(without, a));
  const gone = new Set<Stmt>();
  for (const i of order) {
    const at = standing.get(starts(without, i));
    const { kind } = without[i] as Part;
    if (!at) continue;
    const { stmt } = at;
    if (kind === 'unit' && stmt.kind === 'poke') {
      if (stmt.unit) editor.replace(unitSpan(compiled.text, stmt), ' as any order');
      else editor.replace({ start: stmt.span.end, end: stmt.span.end }, ' as any order');
    } else if (kind === 'condition' && stmt.kind === 'if') {
      const block = ways[i] === 'then' ? stmt.then : stmt.else;
      if (block?.body.some((s) => !gone.has(s))) editor.unwrap(stmt.span, block);
      else remove(at, gone, editor, options);
    } else remove(at, gone, editor, options);
  }
  const laidOut = format(compiled.text) === compiled.text;
  return (laidOut ? format(editor.text) : undefined) ?? editor.text;
}

const starts = (parts: readonly Part[], i: number): number => (parts[i] as Part).span.start;

/** With an `if` around it that would hold nothing else; where that asks what memory is, asking is a step, and stays. */
function remove(at: Standing, gone: Set<Stmt>, editor: Editor, options: Options): void {
  gone.add(at.stmt);
  const { owner } = at;
  const alone = at.block.body.every((s) => gone.has(s));
  const isOption =
    owner?.stmt.kind === 'if' &&
    !owner.stmt.else &&
    constant(owner.stmt.test, options) !== undefined;
  if (alone && isOption) remove(owner, gone, editor, options);
  else editor.remove(at.stmt.span);
}

function unitSpan(text: string, poke: Extract<Stmt, { kind: 'poke' }>): Span {
  const before = text.slice(0, poke.unit?.span.start ?? poke.span.end);
  const as = before.lastIndexOf(' as');
  return { start: as, end: poke.span.end };
}

/** A text that is changed from behind: places in front of a change stay, those behind it move. */
class Editor {
  text: string;
  private readonly moved: { readonly at: number; readonly by: number }[] = [];

  constructor(text: string) {
    this.text = text;
  }

  /** Where a place of the first text is now. */
  private now(offset: number): number {
    return this.moved.reduce((n, m) => (m.at < offset ? n + m.by : n), offset);
  }

  replace(span: Span, text: string): void {
    const start = this.now(span.start);
    const end = Math.max(start, this.now(span.end));
    this.text = this.text.slice(0, start) + text + this.text.slice(end);
    this.moved.push({ at: span.start, by: text.length - (end - start) });
  }

  /** With its line where it stands alone on it, else with what sets it apart from its neighbour. */
  remove(span: Span): void {
    const start = this.now(span.start);
    const end = Math.max(start, this.now(span.end));
    const line = this.text.lastIndexOf('\n', start - 1) + 1;
    const next = this.text.indexOf('\n', end);
    const behind = this.text.slice(end, next < 0 ? undefined : next);
    const before = this.text.slice(line, start);
    if (before.trim() === '' && /^\s*;?\s*$/.test(behind) && next >= 0)
      this.cut(span, line - start, next + 1 - end);
    else if (/^\s*;/.test(behind)) this.cut(span, 0, (/^\s*;\s*/.exec(behind)?.[0] ?? '').length);
    else this.cut(span, -(/[\s;]*$/.exec(before)?.[0] ?? '').length, 0);
  }

  private cut(span: Span, before: number, behind: number): void {
    const start = this.now(span.start) + before;
    const end = Math.max(this.now(span.start), this.now(span.end)) + behind;
    this.text = this.text.slice(0, start) + this.text.slice(end);
    this.moved.push({ at: span.start + before, by: start - end });
  }

  /** What stands in a block, with its comments, in place of the statement that it belongs to. */
  unwrap(span: Span, { body, span: whole }: Block): void {
    const first = body[0];
    if (!first) return;
    const inside = this.text.slice(this.now(whole.start) + 1, this.now(whole.end) - 1).trim();
    const [line = ''] = /^.*/.exec(this.text.slice(this.now(span.end))) ?? [];
    // A comment ends with its line.
    const comment = /\/\/.*$/.test(inside.slice(inside.lastIndexOf('\n') + 1));
    const inner = comment && line.trim() !== '' ? `${inside}\n` : inside;
    const indent = (offset: number): string => {
      const line = this.text.lastIndexOf('\n', offset - 1) + 1;
      return /^[ \t]*/.exec(this.text.slice(line))?.[0] ?? '';
    };
    const from = indent(this.now(first.span.start));
    const to = indent(this.now(span.start));
    this.replace(span, inner.replaceAll(`\n${from}`, `\n${to}`));
  }
}
