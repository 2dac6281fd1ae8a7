// What can stand at an offset: the kind of block it is in, and the words of its line before it.
//
// It reads tokens up to the caret and no tree: what is being typed is wrong until it is done.

import type { Span } from '../../grammar/index.ts';
import { sectionWords } from '../../grammar/tokens.ts';
import type { Analysis, Word } from './analysis.ts';

export type Area =
  | 'sections'
  | 'asm' // code and stubs: labels and instructions
  | 'contents' // what a place holds: instructions alone
  | 'statements'
  | 'settings'
  | 'names' // fields: new names alone
  | 'nowhere'; // in a comment or a text

export type Role = 'patcher' | 'handler' | 'any';

export interface Context {
  readonly area: Area;
  /** Whose statements. */
  readonly role: Role;
  /** Words and signs of the line before the caret, without the word that it is in; `{}` is a whole block. */
  readonly line: readonly string[];
  /** The line begins behind a block, which `{}` at its end says, or it may go on what was before that block. */
  readonly behindBlock: boolean;
  /** Another change of a patch may begin here. */
  readonly change: boolean;
  /** The word that the caret is in or behind: what a completion replaces. */
  readonly replaces: Span;
}

interface Frame {
  readonly area: Area;
  readonly role: Role;
  line: string[];
  /** In `sections`: the words that the last section began with. */
  head: string;
}

const heads: ReadonlySet<string> = new Set(['protocol', ...sectionWords]);
/** Words that begin a section wherever they stand at the left edge: a brace before them is missing. */
const edge: ReadonlySet<string> = new Set([...heads].filter((w) => w !== 'if' && w !== 'on'));
/** What goes on a line behind a closing brace. */
const joins: ReadonlySet<string> = new Set('expect else -> slots as = , {'.split(' '));
const goesOn = (line: readonly string[], word: string): boolean =>
  joins.has(word) || (word === 'resume' && line[0] === 'stop');

export function contextAt(a: Analysis, offset: number): Context {
  const tokens = a.tokens;
  const at = Math.min(Math.max(offset, 0), a.text.length);
  const here = tokens.find((t) => t.span.start < at && at <= t.span.end);
  const typed =
    here && (here.kind === 'word' || here.kind === 'number') ? here : tokenAt(tokens, at);
  const replaces = typed?.span ?? { start: at, end: at };
  const stack: Frame[] = [{ area: 'sections', role: 'any', line: [], head: '' }];
  const top = (): Frame => stack[stack.length - 1] as Frame;
  const hidden =
    here?.kind === 'comment' ||
    (here?.kind === 'text' && (at < here.span.end || !/^".*"$/.test(here.text)));
  let brackets = 0;
  let behindBlock = false;
  let fresh = true;
  for (const token of tokens) {
    if (token.span.start >= replaces.start) break;
    if (token.kind === 'comment') continue;
    if (token.kind === 'newline') {
      fresh = true;
      const frame = top();
      const last = frame.line[frame.line.length - 1];
      if (brackets <= 0 && last !== ',') {
        frame.line = [];
        behindBlock = false;
      }
      continue;
    }
    const leftmost =
      fresh && (token.span.start === 0 || /[\r\n]/.test(a.text[token.span.start - 1] ?? ''));
    fresh = false;
    if (leftmost && stack.length > 1 && edge.has(token.text)) {
      stack.length = 1;
      top().line = [];
      brackets = 0;
    }
    const frame = top();
    if (behindBlock && !goesOn(frame.line, token.text)) frame.line = [];
    behindBlock = false;
    switch (token.kind === 'sign' ? token.text : '') {
      case ';':
        frame.line = [];
        brackets = 0;
        break;
      case '{':
        stack.push(opened(frame));
        brackets = 0;
        break;
      case '}': {
        brackets = 0;
        if (stack.length > 1 && stack.pop()?.area === 'statements') top().head = '';
        top().line.push('{}');
        behindBlock = true;
        break;
      }
      default:
        if (token.text === '(' || token.text === '[') brackets++;
        if (token.text === ')' || token.text === ']') brackets--;
        if (frame.area === 'sections' && frame.line.length === 0 && heads.has(token.text))
          frame.head = token.text;
        frame.line.push(token.text);
    }
  }
  const frame = top();
  return {
    area: hidden ? 'nowhere' : frame.area,
    role: frame.role,
    // A patch goes on over lines, a change on each.
    line:
      frame.area === 'sections' && frame.head === 'patch' && frame.line[1] === ':'
        ? ['patch', ...frame.line]
        : frame.line,
    behindBlock,
    change: frame.area === 'sections' && frame.head === 'patch' && frame.line.length === 0,
    replaces,
  };
}

/** The word that begins at an offset: a caret before a word is in it. */
function tokenAt(tokens: readonly Word[], offset: number): Word | undefined {
  return tokens.find((t) => t.span.start === offset && t.kind === 'word');
}

function opened(frame: Frame): Frame {
  const inner = (area: Area, role: Role = frame.role): Frame => ({
    area,
    role,
    line: [],
    head: '',
  });
  const { area, line } = frame;
  const last = line[line.length - 1];
  switch (area) {
    case 'sections':
      switch (
        line[0] === 'else' || line[0] === '{}'
          ? 'if'
          : heads.has(line[0] ?? '')
            ? line[0]
            : frame.head
      ) {
        case 'code':
        case 'stub':
          return inner('asm');
        case 'machine':
        case 'scenario':
          return inner('settings');
        case 'shared':
        case 'percpu':
        case 'descriptor':
          return inner('names');
        case 'on':
          return inner('statements', 'handler');
        case 'define':
          return inner('statements', 'any');
        case 'patch':
          return last === ':' || last === '->' ? inner('contents') : inner('statements', 'patcher');
        default:
          return inner('sections');
      }
    case 'statements':
      return last === '=' ? inner('contents') : inner('statements');
    default:
      return inner(area);
  }
}
