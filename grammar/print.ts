// From tree to text in one canonical layout. Comments are left out.

import type {
  Alternatives,
  AsmItem,
  Atom,
  Block,
  Call,
  Cell,
  Change,
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
  Stmt,
  Temporal,
  Unit,
  Value,
} from './ast.ts';
import { binding, mnemonics, notBinding, registers } from './tokens.ts';

/** The text of a tree that the parser made, or one like it: parsed again it is the same tree but for its spans. */
export function print(file: File): string {
  const head = `protocol ${file.name.text} ${quoted(file.summary.text)}`;
  return `${[head, ...file.items.flatMap(item)].join('\n')}\n`;
}

// ---- layout

/** What is written over one or more lines, without the indentation around it. */
type Lines = readonly string[];

/** Blocks up to this length stand on one line. */
const inline = 72;

function indented(lines: Lines): Lines {
  return lines.map((line) => `  ${line}`);
}

/** `b` goes on where `a` ends. */
function glued(a: Lines, b: Lines): Lines {
  return [...a.slice(0, -1), `${a.at(-1) ?? ''}${b[0] ?? ''}`, ...b.slice(1)];
}

function braced(elements: readonly Lines[]): Lines {
  if (elements.length === 0) return ['{ }'];
  if (elements.every((lines) => lines.length === 1)) {
    const line = `{ ${elements.map((lines) => lines[0]).join('; ')} }`;
    if (line.length <= inline) return [line];
  }
  return ['{', ...indented(elements.flat()), '}'];
}

function headed(head: string, ...blocks: Lines[]): Lines {
  return blocks.reduce((lines, block) => glued(lines, glued([' '], block)), [head] as Lines);
}

function quoted(text: string): string {
  return `"${text}"`;
}

function names(list: readonly Name[]): string {
  return list.map((name) => name.text).join(', ');
}

// ---- sections

function item(it: Item): Lines {
  switch (it.kind) {
    case 'source':
      return [`source ${quoted(it.text.text)}`];
    case 'option':
      return [`option ${names(it.names)} = ${values(it.values)}`];
    case 'machine':
      return headed('machine', settings(it.settings));
    case 'code':
      return headed('code', ['{', ...indented(aligned(it.body)), '}']);
    case 'runs':
      return [`${it.who}${it.name ? ` ${it.name.text}` : ''} runs ${it.label.text}`];
    case 'memory': {
      const initial = it.initial ? ` = ${expression(it.initial)}` : '';
      return [`${it.who} ${it.cells.map(cell).join(', ')}${initial}`];
    }
    case 'mutex':
      return [`mutex ${names(it.names)}`];
    case 'descriptor':
      return [`descriptor ${it.name.text} { ${names(it.fields)} }${slots(it.slots)}`];
    case 'stub': {
      const params = it.params.length > 0 ? `(${names(it.params)})` : '';
      return headed(`stub ${it.name.text}${params}${slots(it.slots)}`, asm(it.body));
    }
    case 'site':
      return [`site ${it.name.text} dead ${names(it.dead)}`];
    case 'breakpoint': {
      const name = it.name ? ` ${it.name.text}` : '';
      const at = it.at.length > 0 ? ` at ${it.at.map((e) => expression(e)).join(', ')}` : '';
      return headed(`on breakpoint${name}${at}`, block(it.body));
    }
    case 'define':
      return headed(`define ${it.name.text}(${names(it.params)})`, block(it.body));
    case 'patch': {
      const name = it.name ? `${it.name.text} at ` : '';
      return headed(`patch ${name}${it.changes.map(change).join('; ')}`, block(it.body));
    }
    case 'waive':
      return [`waive ${it.name.text} ${quoted(it.reason.text)}`];
    case 'require':
      return [`require ${it.name.text}: ${temporal(it.property)}`];
    case 'witness':
      return [`witness ${expression(it.expr)}`];
    case 'scenario': {
      const lines = headed(`scenario ${quoted(it.name.text)}`, settings(it.settings));
      return it.expect ? glued(lines, [` expect ${expectation(it.expect)}`]) : lines;
    }
    case 'if':
      return branches(it.test, items(it.then), it.else && otherwise(it.else, item, items));
  }
}

function items(list: readonly Item[]): Lines {
  return braced(list.map(item));
}

/** `else if` where the other branch is one `if` alone. */
function otherwise<N extends { readonly kind: string }>(
  list: readonly N[],
  one: (node: N) => Lines,
  all: (list: readonly N[]) => Lines,
): Lines {
  const only = list[0];
  return list.length === 1 && only?.kind === 'if' ? one(only) : all(list);
}

function branches(test: Expr, then: Lines, other: Lines | undefined): Lines {
  const lines = headed(`if ${expression(test)}`, then);
  return other ? glued(lines, glued([' else '], other)) : lines;
}

function values(list: readonly Value[]): string {
  return list.map((v) => (v.kind === 'word' ? v.text : `${v.value}`)).join(' | ');
}

function cell(it: Cell): string {
  const count = it.count === undefined ? '' : `[${it.count}]`;
  const fields = it.fields.length > 0 ? ` { ${names(it.fields)} }` : '';
  return `${it.name.text}${count}${fields}`;
}

function slots(it: Slots | undefined): string {
  if (it === undefined) return '';
  return it.kind === 'count' ? ` slots ${it.count}` : ' slots per cpu';
}

function change(it: Change): string {
  const old = it.old ? `: ${instructions(it.old)}` : '';
  return `${it.place.text}${old} -> ${instructions(it.new)}`;
}

function temporal(it: Temporal): string {
  switch (it.kind) {
    case 'always':
    case 'never':
      return `${it.kind} ${expression(it.expr)}${it.during ? ` during ${it.during.text}` : ''}`;
    case 'eventually':
      return `eventually ${expression(it.expr)}`;
    case 'after':
      return `after patch ${expression(it.expr)}`;
  }
}

function expectation(it: Expectation): string {
  if (it.kind === 'holds') return 'holds';
  const properties = it.properties.map((p) => p.text).join(' or ');
  return `violates ${it.only ? 'only ' : ''}${properties}`;
}

function settings(list: readonly Setting[]): Lines {
  return braced(list.map((it) => [setting(it)]));
}

function setting(it: Setting): string {
  if (it.kind === 'option') return `${it.name.text} = ${values(it.values)}`;
  let text = '';
  for (const atom of it.atoms) {
    const comma = atom[0]?.kind === 'comma';
    text += comma ? ',' : `${text === '' ? '' : ' '}${alternatives(atom)}`;
  }
  return text;
}

function alternatives(list: Alternatives): string {
  return list.map(atom).join(' | ');
}

function atom(it: Atom): string {
  switch (it.kind) {
    case 'word':
      return it.text;
    case 'number':
      return `${it.value}`;
    case 'range':
      return `${it.from}..${it.to}`;
    case 'comma':
      return ',';
  }
}

// ---- assembly

function asm(body: readonly AsmItem[]): Lines {
  return braced(asmLines(body));
}

/** A label stands on the line of what follows it, but another label. */
function asmLines(body: readonly AsmItem[]): Lines[] {
  const lines: Lines[] = [];
  let label = '';
  for (const it of body) {
    if (it.kind === 'label') {
      if (label !== '') lines.push([label]);
      label = `${it.name.text}:`;
    } else if (it.kind === 'group') {
      // Its own label stands before its brace, and two labels before a brace would do as well.
      if (label !== '') lines.push([label]);
      lines.push(headed(`${it.name.text}:`, asm(it.body)));
      label = '';
    } else {
      lines.push(label === '' ? asmItem(it) : headed(label, asmItem(it)));
      label = '';
    }
  }
  if (label !== '') lines.push([label]);
  return lines;
}

/** As listings are: labels on the left, instructions in a column. */
function aligned(body: readonly AsmItem[]): Lines {
  const widest = body.reduce(
    (most, it) =>
      it.kind === 'label' || it.kind === 'group' ? Math.max(most, it.name.text.length) : most,
    0,
  );
  const column = Math.min(widest + 2, 12);
  return asmLines(body).flatMap((lines) => {
    const colon = /^([A-Za-z_][A-Za-z0-9_]*:) (.*)$/.exec(lines[0] ?? '');
    // `gs:` is no label, but it never begins a line either.
    const first = colon
      ? `${(colon[1] ?? '').padEnd(column - 1)} ${colon[2] ?? ''}`
      : /^[A-Za-z_][A-Za-z0-9_]*:$/.test(lines[0] ?? '')
        ? (lines[0] ?? '')
        : `${' '.repeat(column)}${lines[0] ?? ''}`;
    return [first, ...lines.slice(1).map((line) => `${' '.repeat(column)}${line}`)];
  });
}

function asmItem(it: Exclude<AsmItem, { kind: 'label' | 'group' }>): Lines {
  switch (it.kind) {
    case 'insn':
      return [instruction(it.insn)];
    case 'align':
      return [`align ${it.to}`];
    case 'if':
      return branches(it.test, asm(it.then), it.else && otherwise(it.else, asmOne, asm));
  }
}

function asmOne(it: AsmItem): Lines {
  return it.kind === 'if' ? asmItem(it) : asm([it]);
}

function instructions(list: readonly Insn[]): string {
  const only = list[0];
  // `poke p = old` is the old content, not an instruction of that name.
  const content = only?.mnemonic.text === 'old' || only?.mnemonic.text === 'new';
  if (list.length === 1 && only && !content) return instruction(only);
  return list.length === 0 ? '{ }' : `{ ${list.map(instruction).join('; ')} }`;
}

function instruction(it: Insn): string {
  // A word behind `lock` is the instruction that is locked.
  const alone = it.mnemonic.text === 'lock';
  const operands = it.operands.map((o, i) => operand(o, alone && i === 0)).join(', ');
  return operands === '' ? it.mnemonic.text : `${it.mnemonic.text} ${operands}`;
}

/** Names that are no names where an operand begins with them. */
const operandWords: ReadonlySet<string> = new Set([
  ...registers,
  ...['byte', 'word', 'dword', 'qword', 'short', 'near', 'as'],
]);

function operand(it: Operand, enclosed: boolean): string {
  switch (it.kind) {
    case 'register':
      return it.name;
    case 'memory': {
      const size = it.size ? `${it.size} ` : '';
      return `${size}${it.segment ? `${it.segment}:` : ''}[${expression(it.address)}]`;
    }
    case 'value': {
      const text = expression(it.expr);
      const word = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text)?.[0].toLowerCase();
      // `short -1` is a difference, and `short not a` is not to be read either.
      const joins =
        it.hint !== undefined && (text.startsWith('-') || word === 'not' || word === 'in');
      const plain = !enclosed && !joins && !(word !== undefined && operandWords.has(word));
      return `${it.hint ? `${it.hint} ` : ''}${plain ? text : `(${text})`}`;
    }
  }
}

// ---- statements

function block(it: Block): Lines {
  return braced(it.body.map(statement));
}

function statement(it: Stmt): Lines {
  switch (it.kind) {
    case 'poke': {
      const source = it.source ? ` = ${pokeSource(it.source)}` : '';
      const as = it.unit ? ` as ${unit(it.unit)}` : '';
      return [`poke ${it.place.text}${it.range ? range(it.range) : ''}${source}${as}`];
    }
    case 'sync': {
      const nmi = it.nmi ? ' by nmi' : '';
      const self = it.withoutSelf ? ' without self' : '';
      const waiting = it.withoutWaiting ? ' without waiting' : '';
      return [`sync ${it.what}${nmi}${self}${waiting}`];
    }
    case 'serialize':
    case 'fence':
    case 'decline':
      return [it.kind];
    case 'waittime':
      return ['wait time'];
    case 'waitfor':
      return [`wait for ${expression(it.expr)}`];
    case 'quiescent':
      return [`wait quiescent ${it.what}${it.region ? ` in ${it.region.text}` : ''}`];
    case 'stop': {
      const lines = headed('stop machine', block(it.body));
      return it.resume ? glued(lines, glued([' resume '], block(it.resume))) : lines;
    }
    case 'irqs':
    case 'preempt':
      return [`${it.kind} ${it.on ? 'on' : 'off'}`];
    case 'lock':
    case 'unlock':
      return [`${it.kind} ${it.name.text}`];
    case 'let':
      return [`let ${it.name.text} = ${rhs(it.value)}`];
    case 'assign':
      return [`${expression(it.target)} ${it.op} ${rhs(it.value)}`];
    case 'atomic': {
      const only = it.body.body[0];
      if (it.body.body.length === 1 && only?.kind === 'assign')
        return glued(['atomic '], statement(only));
      return headed('atomic', block(it.body));
    }
    case 'build':
      return [`build ${call(it.call, false)}`];
    case 'release':
      return [`release ${names(it.names)}`];
    case 'run':
      return [`run ${it.label.text}`];
    case 'call':
      return [call(it.call, true)];
    case 'phase':
      return headed(`phase ${it.name.text}`, block(it.body));
    case 'if': {
      const all = (list: readonly Stmt[]) => braced(list.map(statement));
      return branches(it.test, block(it.then), it.else && otherwise(it.else.body, statement, all));
    }
    case 'while':
      return headed(`while ${expression(it.test)}`, block(it.body));
    case 'for': {
      const to = it.to ? `..${expression(it.to)}` : '';
      return headed(`for ${it.name.text} in ${expression(it.from)}${to}`, block(it.body));
    }
    case 'assert':
      return [`assert ${expression(it.expr)}${it.text ? ` ${quoted(it.text.text)}` : ''}`];
    case 'fail':
      return [`fail ${quoted(it.text.text)}`];
    case 'emulate': {
      const { what } = it;
      return [`emulate ${what.kind === 'insn' ? instruction(what.insn) : emulated(what.expr)}`];
    }
    case 'resume':
      return [`resume ${expression(it.expr)}`];
  }
}

/** In parentheses where it would be read as an instruction. */
function emulated(it: Expr): string {
  const text = expression(it);
  const [word = ''] = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text) ?? [];
  return mnemonics.has(word.toLowerCase()) || /^\w+ [\w]/.test(text) ? `(${text})` : text;
}

function pokeSource(it: PokeSource): string {
  return it.kind === 'insns' ? instructions(it.insns) : it.kind;
}

function unit(it: Unit): string {
  switch (it.kind) {
    case 'bytes':
      return it.descending ? 'bytes descending' : 'bytes';
    case 'anyorder':
      return 'any order';
    case 'store':
      return `${it.locked ? 'locked ' : ''}store${it.size}`;
  }
}

function range(it: Range): string {
  const to = it.to ? expression(it.to) : '';
  return `[${expression(it.from)}${it.dots ? `..${to}` : ''}]`;
}

function rhs(it: Rhs): string {
  if (it.kind === 'build') return `build ${call(it.call, false)}`;
  const text = expression(it.expr);
  return /^build \w/.test(text) ? `(${text})` : text;
}

/** A statement that is a call keeps its parentheses where it has no arguments. */
function call(it: Call, always: boolean): string {
  if (it.args.length === 0 && !always) return it.name.text;
  return `${it.name.text}(${it.args.map((e) => expression(e)).join(', ')})`;
}

// ---- expressions

/** A sum behind it belongs to where that is. */
function whereabouts(words: string, where: Expr, least: number): string {
  const text = `${words} ${expression(where, binding['+'])}`;
  return least < binding['+'] ? text : `(${text})`;
}

/** In parentheses where it would bind less than `least` as it stands. */
function expression(it: Expr, least = 0): string {
  switch (it.kind) {
    case 'name':
      return it.text;
    case 'number':
      return `${it.value}`;
    case 'field':
      return `${expression(it.of)}.${it.field.text}`;
    case 'index':
      return `${expression(it.of)}[${expression(it.index)}]`;
    case 'binary': {
      const own = binding[it.op];
      const text = `${expression(it.a, own)} ${it.op} ${expression(it.b, own + 1)}`;
      return own < least ? `(${text})` : text;
    }
    case 'not': {
      const text = `not ${expression(it.a, notBinding)}`;
      return notBinding < least ? `(${text})` : text;
    }
    case 'within':
      return `in ${it.context}`;
    case 'threadat':
      return whereabouts(`${it.thread.text} ${it.region ? 'in' : 'at'}`, it.where, least);
    case 'returns':
      return whereabouts(`${it.thread.text} returns into`, it.region, least);
    case 'handling':
      return whereabouts('handling', it.where, least);
    case 'trap':
      return whereabouts('trap at', it.where, least);
    case 'pass':
      return `pass ${it.place.text} as ${it.which}`;
  }
}
