// What can be added to a spec so that a scenario holds: a wait, a serialisation, a gate, another order of two statements.
//
// Each addition changes the tree, which is searched, and the text, which is offered; the two are compared before
// anyone sees them. `wait quiescent` is tried as soon as the language runs it.

import type { Block, Edit, File, Item, Setting, Span, Stmt } from '../../grammar/index.ts';
import { waiting } from '../capabilities.ts';
import type { Check, Options } from '../scenario.ts';
import { allItems, constant } from '../spec.ts';

export type Addition =
  | {
      readonly kind: 'sync' | 'serialise' | 'quiescence';
      readonly stmt: Stmt;
      /** As it is written. */
      readonly words: string;
      readonly block: Block;
      /** Behind this statement of the block; at its beginning where there is none. */
      readonly behind: Stmt | undefined;
      readonly inHandler: boolean;
    }
  | {
      readonly kind: 'order';
      readonly stmt: Stmt;
      readonly block: Block;
      /** Behind this one, which stands somewhere else. */
      readonly behind: Stmt | undefined;
    }
  /** #BP through an interrupt gate. */
  | { readonly kind: 'gate' };

/** All that can be added by itself, for a check under these options. */
export function additionsOf(file: File, text: string, options: Options): readonly Addition[] {
  const found: Addition[] = [];
  const items = active(file.items, options);
  const defines = new Map(items.flatMap((i) => (i.kind === 'define' ? [[i.name.text, i]] : [])));
  const waits = waitingForms(items, text, options);
  const seen = new Set<Block>();
  const quiescent = waiting.has('wait quiescent')
    ? []
    : (['cpus', 'tasks', 'stacks'] as const).map(
        (what) => ({ kind: 'quiescent', what, span: nowhere }) as const,
      );
  const walk = (block: Block, inHandler: boolean, inPhase = false): void => {
    if (seen.has(block)) return;
    seen.add(block);
    const gaps = [undefined, ...block.body];
    // What stands at an edge of a phase is as good outside of it.
    for (const behind of inPhase ? gaps.slice(1, -1) : gaps) {
      const at = { block, behind, inHandler };
      if (!inHandler) {
        for (const { stmt, words } of waits) found.push({ kind: 'sync', stmt, words, ...at });
        for (const stmt of quiescent)
          found.push({ kind: 'quiescence', stmt, words: `wait quiescent ${stmt.what}`, ...at });
      }
      const stmt: Stmt = { kind: 'serialize', span: nowhere };
      found.push({ kind: 'serialise', stmt, words: 'serialize', ...at });
    }
    if (!inHandler)
      block.body.forEach((stmt, i) => {
        gaps.forEach((behind, gap) => {
          if (gap !== i && gap !== i + 1) found.push({ kind: 'order', stmt, block, behind });
        });
      });
    for (const s of block.body) {
      if (s.kind === 'if') {
        const known = constant(s.test, options);
        if (known === undefined || known !== 0n) walk(s.then, inHandler);
        if (s.else && (known === undefined || known === 0n)) walk(s.else, inHandler);
      } else if (s.kind === 'call') {
        const define = defines.get(s.call.name.text);
        // What only waits is as good in front of its call.
        if (define && !onlyWaits(define.body, defines, options)) walk(define.body, inHandler);
      } else if ('body' in s && s.kind !== 'atomic') walk(s.body, inHandler, s.kind === 'phase');
    }
  };
  for (const item of items) {
    if (item.kind === 'patch') walk(item.body, false);
    if (item.kind === 'breakpoint') walk(item.body, true);
  }
  return found;
}

const nowhere: Span = { start: 0, end: 0 };

type Define = Extract<Item, { kind: 'define' }>;

function active(items: readonly Item[], options: Options): readonly Item[] {
  return items.flatMap((i) => {
    if (i.kind !== 'if') return [i];
    const known = constant(i.test, options);
    return active(known !== undefined && known !== 0n ? i.then : (i.else ?? []), options);
  });
}

/** Whether it waits, and does nothing else, under these options. */
function onlyWaits(
  block: Block,
  defines: ReadonlyMap<string, Define>,
  options: Options,
  depth = 0,
): boolean {
  return block.body.every((s) => {
    if (s.kind === 'sync') return true;
    if (s.kind === 'if') {
      const known = constant(s.test, options);
      const taken = known === undefined ? undefined : known !== 0n ? s.then : s.else;
      return known !== undefined && (!taken || onlyWaits(taken, defines, options, depth));
    }
    const define = s.kind === 'call' && depth < 20 ? defines.get(s.call.name.text) : undefined;
    return define !== undefined && onlyWaits(define.body, defines, options, depth + 1);
  });
}

/** The syncs that the patches of this file have, in their own words; `sync cores` where there is none. */
function waitingForms(
  items: readonly Item[],
  text: string,
  options: Options,
): readonly { readonly stmt: Stmt; readonly words: string }[] {
  const defines = new Map(items.flatMap((i) => (i.kind === 'define' ? [[i.name.text, i]] : [])));
  const forms = new Map<string, Stmt>();
  const walk = (block: Block): void => {
    for (const s of block.body) {
      const words = text.slice(s.span.start, s.span.end).replace(/\s+/g, ' ');
      const define = s.kind === 'call' ? defines.get(s.call.name.text) : undefined;
      if (s.kind === 'sync' && !s.withoutWaiting) forms.set(words, s);
      else if (define && s.kind === 'call' && s.call.args.length === 0) {
        const { body } = define;
        if (body.body.length > 0 && onlyWaits(body, defines, options)) forms.set(words, s);
      }
      if (s.kind === 'if') {
        walk(s.then);
        if (s.else) walk(s.else);
      } else if ('body' in s) walk(s.body);
    }
  };
  for (const i of items) if (i.kind === 'patch') walk(i.body);
  // Those that are written out may stand in a `define` that does more.
  if (forms.size === 0) for (const i of items) if (i.kind === 'define') walk(i.body);
  const sync = { kind: 'sync', what: 'cores', nmi: false, withoutSelf: false } as const;
  if (forms.size === 0) forms.set('sync cores', { ...sync, withoutWaiting: false, span: nowhere });
  return [...forms].map(([words, stmt]) => ({ words, stmt: { ...stmt, span: nowhere } }));
}

/** What is done, as an imperative. */
export function additionText(text: string, a: Addition): string {
  const short = (s: Stmt): string => {
    const words = text.slice(s.span.start, s.span.end).replace(/\s+/g, ' ');
    const body = words.indexOf(' {');
    return `\`${body < 0 ? words : words.slice(0, body)}\``;
  };
  if (a.kind === 'gate') return 'let #BP go through an interrupt gate';
  const where = (none: string): string => (a.behind ? `behind ${short(a.behind)}` : none);
  if (a.kind === 'order') return `move ${short(a.stmt)} ${where('to the beginning')}`;
  const block = a.inHandler ? 'at the beginning in the handler' : 'at the beginning';
  return `add \`${a.words}\` ${where(block)}`;
}

// ---- the tree

/** The file with all of them. */
export function withAdditions(file: File, additions: readonly Addition[]): File {
  const inBlocks = additions.filter((a) => a.kind !== 'gate');
  if (inBlocks.length === 0) return file;
  const block = (b: Block): Block => {
    let body: readonly Stmt[] = b.body;
    for (const a of inBlocks) {
      if (a.block !== b) continue;
      const others = a.kind === 'order' ? body.filter((s) => s !== a.stmt) : body;
      const at = a.behind ? others.indexOf(a.behind) + 1 : 0;
      body = [...others.slice(0, at), a.stmt, ...others.slice(at)];
    }
    return { ...b, body: body.map(stmt) };
  };
  const stmt = (s: Stmt): Stmt => {
    if (s.kind === 'if') {
      const then = block(s.then);
      return { ...s, then, ...(s.else ? { else: block(s.else) } : {}) };
    }
    return 'body' in s ? { ...s, body: block(s.body) } : s;
  };
  const item = (i: Item): Item => {
    if (i.kind === 'if') {
      const then = i.then.map(item);
      return { ...i, then, ...(i.else ? { else: i.else.map(item) } : {}) };
    }
    return i.kind === 'patch' || i.kind === 'breakpoint' || i.kind === 'define'
      ? { ...i, body: block(i.body) }
      : i;
  };
  return { ...file, items: file.items.map(item) };
}

const firstWord = (atoms: readonly { readonly kind: string; readonly text?: string }[]) =>
  atoms[0]?.kind === 'word' ? atoms[0].text : undefined;

/** Whether #BP goes through another gate in this check. */
export const hasOtherGate = (check: Check): boolean =>
  check.settings.some(
    (s) => firstWord(s.words) === 'gate' && firstWord(s.words.slice(1)) !== 'interrupt',
  );

export function withGate(check: Check, additions: readonly Addition[]): Check {
  if (!additions.some((a) => a.kind === 'gate')) return check;
  return { ...check, settings: check.settings.filter((s) => firstWord(s.words) !== 'gate') };
}

// ---- the text

/** What makes the text say it; nothing where it cannot be said by an edit. */
export function editsOf(
  file: File,
  text: string,
  scenario: string,
  additions: readonly Addition[],
): readonly Edit[] | undefined {
  const edits: Edit[] = [];
  for (const a of additions) {
    if (a.kind === 'gate') {
      const edit = gateEdit(file, scenario);
      if (!edit) return undefined;
      edits.push(edit);
      continue;
    }
    if (a.kind === 'order') {
      const words = text.slice(a.stmt.span.start, a.stmt.span.end);
      edits.push({ span: withItsLine(text, a.stmt.span), text: '' }, inserted(text, a, words));
    } else edits.push(inserted(text, a, a.words));
  }
  const sorted = edits.sort((a, b) => a.span.start - b.span.start);
  const apart = sorted.every((e, i) => i === 0 || (sorted[i - 1] as Edit).span.end <= e.span.start);
  return apart ? sorted : undefined;
}

/** The text behind edits that stand apart. */
export function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce((now, e) => now.slice(0, e.span.start) + e.text + now.slice(e.span.end), text);
}

function gateEdit(file: File, name: string): Edit | undefined {
  const isGate = (s: Setting): boolean =>
    s.kind === 'setting' && firstWord(s.atoms[0] ?? []) === 'gate';
  const items = allItems(file.items);
  const scenario = items.find((i) => i.kind === 'scenario' && i.name.text === name);
  const own = scenario?.kind === 'scenario' ? scenario.settings.find(isGate) : undefined;
  const common = items.flatMap((i) => (i.kind === 'machine' ? i.settings.filter(isGate) : []))[0];
  const setting = own ?? common;
  return setting && { span: setting.span, text: 'gate interrupt' };
}

/** A statement on its way out, with the line that it has for itself. */
function withItsLine(text: string, span: Span): Span {
  const line = text.lastIndexOf('\n', span.start - 1) + 1;
  const next = text.indexOf('\n', span.end);
  const alone = text.slice(line, span.start).trim() === '';
  const behind = text.slice(span.end, next < 0 ? undefined : next);
  if (alone && behind.trim() === '') return { start: line, end: next < 0 ? text.length : next + 1 };
  const apart = /^\s*;[ \t]*/.exec(behind)?.[0].length;
  if (apart !== undefined) return { start: span.start, end: span.end + apart };
  const before = /[ \t;]*$/.exec(text.slice(line, span.start))?.[0].length ?? 0;
  return { start: span.start - before, end: span.end };
}

/** On a line of its own where its neighbour has one. */
function inserted(
  text: string,
  { block, behind }: { readonly block: Block; readonly behind: Stmt | undefined },
  words: string,
): Edit {
  const at = behind ? behind.span.end : block.span.start + 1;
  const next = text.indexOf('\n', at);
  const end = next < 0 ? text.length : next;
  const rest = text.slice(at, end).trim();
  const empty = !behind && block.body.length === 0;
  if ((rest === '' || rest.startsWith('//')) && !empty) {
    const model = behind ?? block.body[0];
    const line = text.lastIndexOf('\n', (model?.span.start ?? at) - 1) + 1;
    const indent = /^[ \t]*/.exec(text.slice(line))?.[0] ?? '';
    return { span: { start: end, end }, text: `\n${indent}${words}` };
  }
  const here = { start: at, end: at };
  if (!behind) return { span: here, text: empty ? ` ${words} ` : ` ${words};` };
  const closes = rest.startsWith('}') || rest.startsWith(';');
  return { span: here, text: closes ? `; ${words}` : `; ${words};` };
}
