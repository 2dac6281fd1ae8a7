// What can be taken out of a spec: its syncs, the orders of its phases, the units of its pokes, its handlers' conditions.
//
// One walk finds them and takes them out, so that what was found is what is gone. A `define` is walked at each of
// its uses: a sync that is written once and used three times is three pieces.

import type { Block, File, Item, Span, Stmt } from '../../grammar/index.ts';
import type { Options } from '../scenario.ts';
import { constant } from '../spec.ts';

interface Common {
  /** Where it stands: the calls that lead to it, and itself, by their offsets in the text. */
  readonly id: string;
  readonly span: Span;
  /** The uses of `define`s that lead to it, the outermost first. */
  readonly via: readonly Span[];
}

export type Piece =
  /** Gone it waits for nothing: a sync, `serialize`, `fence`, `wait for`, `wait time`. */
  | (Common & { readonly kind: 'sync' })
  /** Gone a poke stores its bytes in any order. */
  | (Common & { readonly kind: 'unit' })
  /** Gone the same is done whatever it says: what stands behind it, or what stands in its `else`. */
  | (Common & { readonly kind: 'condition' })
  /** Gone two phases of one block may stand in either order. */
  | (Common & {
      readonly kind: 'order';
      readonly block: string;
      readonly before: number;
      readonly after: number;
      readonly phases: readonly [string, string];
    });

export const kinds = ['sync', 'order', 'unit', 'condition'] as const satisfies Piece['kind'][];
/** Those that are looked at; all if not said. */
export type Kinds = readonly Piece['kind'][];

/** What becomes of a condition that is gone. */
export type Way = 'then' | 'else';

/** Phases that stand in one block, in the order of the text. */
export interface Sequence {
  readonly id: string;
  readonly phases: readonly { readonly name: string; readonly span: Span }[];
}

/** What is done at each piece on the way. */
export interface Choice {
  /** Whether a sync or a unit is taken out. */
  gone(piece: Piece): boolean;
  way(piece: Piece): Way | undefined;
  /** The phases of a block in their new order, as indices of the old one. */
  order(sequence: Sequence): readonly number[] | undefined;
  /** Is told of a block with so many phases that their orders are no pieces. */
  crowded?(phases: number): void;
}

/** More phases in one block have too many orders to try them all: theirs are no pieces. */
const mostPhases = 5;

export interface Found {
  /** The most phases of a block that has too many for their orders; 0 where none has. */
  readonly crowded: number;
  readonly pieces: readonly Piece[];
  readonly sequences: readonly Sequence[];
}

/** The pieces that a check executes under these options, in the order of the text. */
export function piecesOf(file: File, options: Options): Found {
  const pieces: Piece[] = [];
  const sequences: Sequence[] = [];
  let crowded = 0;
  varied(file, options, {
    crowded: (phases) => {
      crowded = Math.max(crowded, phases);
    },
    gone: (piece) => {
      pieces.push(piece);
      return false;
    },
    way: (piece) => {
      pieces.push(piece);
      return undefined;
    },
    order: (sequence) => {
      sequences.push(sequence);
      sequence.phases.forEach((a, before) => {
        sequence.phases.forEach((b, after) => {
          if (before >= after) return;
          pieces.push({
            kind: 'order',
            id: `${sequence.id}${before}<${after}`,
            span: { start: a.span.start, end: b.span.end },
            via: [],
            block: sequence.id,
            before,
            after,
            phases: [a.name, b.name],
          });
        });
      });
      return undefined;
    },
  });
  return { crowded, pieces, sequences };
}

/** The file under these options, with what the choice takes out gone. */
export function varied(file: File, options: Options, choice: Choice): File {
  const items = decided(file.items, options);
  const walk = new Walk(items, options, choice);
  const changed = items.map((item) =>
    item.kind === 'patch' || item.kind === 'breakpoint'
      ? walk.item(item, item.kind === 'breakpoint')
      : item,
  );
  return { ...file, items: [...changed, ...walk.copies] };
}

function decided(items: readonly Item[], options: Options): readonly Item[] {
  return items.flatMap((item) =>
    item.kind === 'if'
      ? decided(isTrue(constant(item.test, options)) ? item.then : (item.else ?? []), options)
      : [item],
  );
}

const isTrue = (value: bigint | string | undefined): boolean =>
  typeof value === 'bigint' && value !== 0n;

type Define = Extract<Item, { kind: 'define' }>;

class Walk {
  /** Of `define`s that differ at one of their uses: each has a name that no text can have. */
  readonly copies: Define[] = [];
  private readonly defines: ReadonlyMap<string, Define>;
  private readonly options: Options;
  private readonly choice: Choice;
  private readonly calls: Span[] = [];
  private inHandler = false;

  constructor(items: readonly Item[], options: Options, choice: Choice) {
    this.defines = new Map(items.flatMap((i) => (i.kind === 'define' ? [[i.name.text, i]] : [])));
    this.options = options;
    this.choice = choice;
  }

  item<T extends Item & { readonly body: Block }>(item: T, handler: boolean): T {
    this.inHandler = handler;
    const body = this.block(item.body);
    return body === item.body ? item : { ...item, body };
  }

  private place(span: Span): Common {
    const path = [...this.calls, span].map((s) => s.start).join('/');
    return { id: path, span, via: [...this.calls] };
  }

  private block(block: Block): Block {
    let body = block.body.flatMap((s) => this.statement(s));
    const at = body.flatMap((s, i) => (s.kind === 'phase' ? [i] : []));
    // Where a phase became several statements nothing can be said of its order, but a phase never does.
    if (!this.inHandler && at.length > mostPhases) this.choice.crowded?.(at.length);
    else if (!this.inHandler && at.length > 1) {
      const phases = at.map((i) => body[i] as Extract<Stmt, { kind: 'phase' }>);
      const order = this.choice.order({
        id: `${this.place(block.span).id}:`,
        phases: phases.map((p) => ({ name: p.name.text, span: p.span })),
      });
      if (order?.some((k, i) => k !== i)) {
        body = [...body];
        at.forEach((i, k) => {
          body[i] = phases[order[k] as number] as Stmt;
        });
      }
    }
    const same = body.length === block.body.length && body.every((s, i) => s === block.body[i]);
    return same ? block : { ...block, body };
  }

  private statement(stmt: Stmt): readonly Stmt[] {
    const within = <K extends 'body' | 'then' | 'else'>(key: K, block: Block): readonly Stmt[] => {
      const changed = this.block(block);
      return [changed === block ? stmt : ({ ...stmt, [key]: changed } as Stmt)];
    };
    switch (stmt.kind) {
      case 'sync':
      case 'serialize':
      case 'fence':
      case 'waitfor':
      case 'waittime':
        return this.choice.gone({ kind: 'sync', ...this.place(stmt.span) }) ? [] : [stmt];
      case 'poke': {
        // Bytes in any order are the weakest unit, and of one byte there is only one.
        if (stmt.unit?.kind === 'anyorder' || (stmt.range && !stmt.range.dots)) return [stmt];
        const gone = this.choice.gone({ kind: 'unit', ...this.place(stmt.span) });
        return [gone ? { ...stmt, unit: { kind: 'anyorder', span: stmt.span } } : stmt];
      }
      case 'if': {
        const known = constant(stmt.test, this.options);
        if (known !== undefined) {
          if (isTrue(known)) return within('then', stmt.then);
          return stmt.else ? within('else', stmt.else) : [stmt];
        }
        const way = this.inHandler
          ? this.choice.way({ kind: 'condition', ...this.place(stmt.span) })
          : undefined;
        const then = this.block(stmt.then);
        const other = stmt.else && this.block(stmt.else);
        if (way === 'then') return [always(then)];
        if (way === 'else') return other ? [always(other)] : [];
        return [
          then === stmt.then && other === stmt.else
            ? stmt
            : { ...stmt, then, ...(other ? { else: other } : {}) },
        ];
      }
      case 'phase':
      case 'while':
      case 'for':
      case 'atomic':
        return within('body', stmt.body);
      case 'call': {
        const define = this.defines.get(stmt.call.name.text);
        if (!define) return [stmt];
        this.calls.push(stmt.span);
        const body = this.block(define.body);
        this.calls.pop();
        if (body === define.body) return [stmt];
        const text = `${define.name.text}@${this.copies.length}`;
        this.copies.push({ ...define, name: { ...define.name, text }, body });
        return [{ ...stmt, call: { ...stmt.call, name: { ...stmt.call.name, text } } }];
      }
      default:
        return [stmt];
    }
  }
}

/** A block by itself: its names end with it. */
function always(then: Block): Stmt {
  const { span } = then;
  return { kind: 'if', test: { kind: 'name', text: 'on', span }, then, span };
}
