// Trees as the parser could make them, for properties: names, expressions, code, statements and sections by chance.

import fc, { type Arbitrary } from 'fast-check';
import type {
  AsmItem,
  Block,
  Call,
  Cell,
  Change,
  Expr,
  File,
  Insn,
  Item,
  Name,
  Operand,
  Setting,
  Slots,
  Stmt,
  Temporal,
  Text,
  Unit,
  Value,
} from '../../grammar/index.ts';
import { binding } from '../../grammar/tokens.ts';

const span = { start: 0, end: 0 };

/** Words of the language are names too where they cannot be mistaken. */
const word = fc.constantFrom(
  'a',
  'b',
  'place',
  'x_1',
  'Wide',
  'wait',
  'code',
  'head',
  'locked',
  'cores',
  // Those that mean something before, behind or instead of a name.
  ...[
    'trap',
    'pass',
    'handling',
    'build',
    'old',
    'new',
    'as',
    'near',
    'short',
    'lock',
    'call',
    'rax',
  ],
  ...['byte', 'gs', 'align', 'runs', 'test', 'expect', 'protocol', 'percpu', 'store4'],
);
const name: Arbitrary<Name> = word.map((text) => ({ text, span }));
const names = fc.array(name, { minLength: 1, maxLength: 3 });
const text: Arbitrary<Text> = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((t) => ({ text: t.replace(/["\r\n]/g, ''), span }));
const small = fc.nat({ max: 100 });

/** What is absent has no key: the tree is compared as the parser builds it. */
function optional<K extends string, V>(key: K, value: Arbitrary<V>) {
  return fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : { [key]: v }));
}

/** One alternative: fixed parts, and parts by chance. */
function node<N>(
  fixed: object,
  parts: Record<string, Arbitrary<unknown>>,
  ...more: Arbitrary<object>[]
) {
  return fc
    .tuple(fc.record(parts), ...more)
    .map(([own, ...others]) => Object.assign({ ...fixed, span }, own, ...others) as N);
}

/** `trap at L` is an event and `handling at` a place: no thread is called so. */
const thread = name.filter(({ text }) => !['trap', 'pass', 'handling'].includes(text));

const { expr, post } = fc.letrec<{ expr: Expr; post: Expr; atom: Expr }>((tie) => ({
  post: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'post' },
    word.map((w): Expr => ({ kind: 'name', text: w, span })),
    node<Expr>(
      { kind: 'field' },
      { of: tie('post'), field: fc.oneof(name, fc.constant({ text: 'if', span })) },
    ),
    node<Expr>({ kind: 'index' }, { of: tie('post'), index: tie('expr') }),
  ),
  atom: fc.oneof(
    tie('post'),
    fc
      .bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n })
      .map((value): Expr => ({ kind: 'number', value, span })),
    node<Expr>({ kind: 'within' }, { context: fc.constantFrom('nmi', 'irq') }),
    node<Expr>({ kind: 'threadat' }, { thread, where: tie('post'), region: fc.boolean() }),
    node<Expr>({ kind: 'returns' }, { thread, region: tie('post') }),
    node<Expr>({ kind: 'handling' }, { where: tie('post') }),
    node<Expr>({ kind: 'trap' }, { where: tie('post') }),
    node<Expr>({ kind: 'pass' }, { place: name, which: fc.constantFrom('old', 'new') }),
  ),
  expr: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'expr' },
    tie('atom'),
    node<Expr>({ kind: 'not' }, { a: tie('expr') }),
    node<Expr>(
      { kind: 'binary' },
      { op: fc.constantFrom(...Object.keys(binding)), a: tie('expr'), b: tie('expr') },
    ),
  ),
}));

function conditional<N>(then: Arbitrary<unknown>) {
  return node<N>({ kind: 'if' }, { test: expr, then }, optional('else', then));
}

// ---- assembly

const operand: Arbitrary<Operand> = fc.oneof(
  node<Operand>({ kind: 'register' }, { name: fc.constantFrom('rax', 'r10d', 'rsp') }),
  node<Operand>(
    { kind: 'memory' },
    { address: expr },
    optional('size', fc.constantFrom('dword', 'qword')),
    optional('segment', fc.constant('gs')),
  ),
  node<Operand>({ kind: 'value' }, { expr }, optional('hint', fc.constantFrom('short', 'near'))),
  node<Operand>({ kind: 'value' }, { expr }),
);
const mnemonic = fc
  .constantFrom('nop', 'ret', 'call', 'and', 'lock add', 'mov')
  .map((t): Name => ({ text: t, span }));
const insn = node<Insn>(
  { kind: 'asm' },
  { mnemonic, operands: fc.array(operand, { maxLength: 2 }) },
);
const insns = fc.array(insn, { minLength: 1, maxLength: 3 });

const { asm } = fc.letrec<{ asm: AsmItem[] }>((tie) => ({
  asm: fc.array(
    fc.oneof(
      { maxDepth: 2, depthIdentifier: 'asm' },
      node<AsmItem>({ kind: 'insn' }, { insn }),
      node<AsmItem>({ kind: 'label' }, { name }),
      node<AsmItem>({ kind: 'align' }, { to: small }),
      node<AsmItem>({ kind: 'group' }, { name, body: tie('asm') }),
      conditional<AsmItem>(tie('asm')),
    ),
    { maxLength: 4 },
  ),
}));

// ---- statements

const call = node<Call>({}, { name, args: fc.array(expr, { maxLength: 2 }) });
const rhs = fc.oneof(
  fc.record({ kind: fc.constant('expr'), expr }),
  fc.record({ kind: fc.constant('build'), call }),
);
const range = fc.oneof(
  node<object>({ dots: false }, { from: expr }),
  node<object>({ dots: true }, { from: expr }, optional('to', expr)),
);
const unit: Arbitrary<Unit> = fc.oneof(
  node<Unit>({ kind: 'bytes' }, { descending: fc.boolean() }),
  fc.constant<Unit>({ kind: 'anyorder', span }),
  node<Unit>({ kind: 'store' }, { size: fc.constantFrom(1, 2, 4, 8, 16), locked: fc.boolean() }),
);
const pokeSource = fc.oneof(
  node<object>({ kind: 'insns' }, { insns }),
  fc.constantFrom({ kind: 'old', span }, { kind: 'new', span }),
);

const { block } = fc.letrec<{ block: Block; stmt: Stmt }>((tie) => ({
  block: node<Block>({ kind: 'block' }, { body: fc.array(tie('stmt'), { maxLength: 3 }) }),
  stmt: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'stmt' },
    fc
      .constantFrom('serialize', 'fence', 'waittime', 'decline')
      .map((kind) => ({ kind, span }) as Stmt),
    node<Stmt>(
      { kind: 'poke' },
      { place: name },
      optional('range', range),
      optional('source', pokeSource),
      optional('unit', unit),
    ),
    node<Stmt>(
      { kind: 'sync' },
      {
        what: fc.constantFrom('cores', 'threads'),
        nmi: fc.boolean(),
        withoutSelf: fc.boolean(),
        withoutWaiting: fc.boolean(),
      },
    ),
    node<Stmt>({ kind: 'waitfor' }, { expr }),
    node<Stmt>({ kind: 'quiescent' }, { what: fc.constantFrom('cpus', 'tasks') }),
    node<Stmt>({ kind: 'quiescent', what: 'stacks' }, { region: name }),
    node<Stmt>({ kind: 'irqs' }, { on: fc.boolean() }),
    node<Stmt>({ kind: 'preempt' }, { on: fc.boolean() }),
    node<Stmt>({ kind: 'lock' }, { name }),
    node<Stmt>({ kind: 'unlock' }, { name }),
    node<Stmt>({ kind: 'let' }, { name, value: rhs }),
    node<Stmt>(
      { kind: 'assign' },
      { target: post, op: fc.constantFrom('=', '+=', '-='), value: rhs },
    ),
    node<Stmt>({ kind: 'build' }, { call }),
    node<Stmt>({ kind: 'release' }, { names }),
    node<Stmt>({ kind: 'run' }, { label: name }),
    node<Stmt>({ kind: 'call' }, { call }),
    node<Stmt>({ kind: 'assert' }, { expr }, optional('text', text)),
    node<Stmt>({ kind: 'fail' }, { text }),
    node<Stmt>({ kind: 'emulate' }, { what: fc.record({ kind: fc.constant('insn'), insn }) }),
    node<Stmt>({ kind: 'emulate' }, { what: fc.record({ kind: fc.constant('expr'), expr }) }),
    node<Stmt>({ kind: 'resume' }, { expr }),
    node<Stmt>({ kind: 'stop' }, { body: tie('block') }, optional('resume', tie('block'))),
    node<Stmt>({ kind: 'atomic' }, { body: tie('block') }),
    node<Stmt>({ kind: 'phase' }, { name, body: tie('block') }),
    conditional<Stmt>(tie('block')),
    node<Stmt>({ kind: 'while' }, { test: expr, body: tie('block') }),
    node<Stmt>({ kind: 'for' }, { name, from: expr, body: tie('block') }, optional('to', expr)),
  ),
}));

// ---- sections

const value: Arbitrary<Value> = fc.oneof(
  word.map((w): Value => ({ kind: 'word', text: w, span })),
  fc.bigInt({ min: 0n, max: 1000n }).map((v): Value => ({ kind: 'number', value: v, span })),
);
const values = fc.array(value, { minLength: 1, maxLength: 3 });
const atom = fc.oneof(
  word.map((w) => ({ kind: 'word', text: w, span })),
  small.map((n) => ({ kind: 'number', value: n, span })),
  fc.tuple(small, small).map(([from, to]) => ({ kind: 'range', from, to, span })),
);
const setting: Arbitrary<Setting> = fc.oneof(
  node<Setting>({ kind: 'option' }, { name, values }),
  fc
    .tuple(
      word.map((w) => [{ kind: 'word', text: w, span }]),
      fc.array(
        fc
          .tuple(fc.array(atom, { minLength: 1, maxLength: 2 }), fc.boolean())
          .map(([it, comma]) => (comma ? [[{ kind: 'comma', span }], it] : [it])),
        { maxLength: 4 },
      ),
    )
    .map(([first, rest]) => ({ kind: 'setting', atoms: [first, ...rest.flat()], span }) as Setting),
);
const settings = fc.array(setting, { maxLength: 3 });
const slots: Arbitrary<Slots> = fc.oneof(
  node<Slots>({ kind: 'count' }, { count: small }),
  fc.constant<Slots>({ kind: 'percpu', span }),
);
const cell = node<Cell>(
  {},
  { name, fields: fc.array(name, { maxLength: 2 }) },
  optional('count', small),
);
const change = node<Change>({}, { place: name, new: insns }, optional('old', insns));
const temporal: Arbitrary<Temporal> = fc.oneof(
  node<Temporal>({}, { kind: fc.constantFrom('always', 'never'), expr }, optional('during', name)),
  node<Temporal>({}, { kind: fc.constantFrom('eventually', 'after'), expr }),
);
const expectation = fc.oneof(
  fc.constant({ kind: 'holds', span }),
  node<object>({ kind: 'violates' }, { only: fc.boolean(), properties: names }),
);

const { items } = fc.letrec<{ items: Item[]; item: Item }>((tie) => ({
  items: fc.array(tie('item'), { maxLength: 4 }),
  item: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'item' },
    node<Item>({ kind: 'source' }, { text }),
    node<Item>({ kind: 'option' }, { names, values }),
    node<Item>({ kind: 'machine' }, { settings }),
    node<Item>({ kind: 'code' }, { body: asm }),
    node<Item>(
      { kind: 'runs' },
      { who: fc.constantFrom('thread', 'irq', 'nmi'), name, label: name },
    ),
    node<Item>({ kind: 'runs', who: 'ipi' }, { label: name }),
    node<Item>(
      { kind: 'memory' },
      {
        who: fc.constantFrom('shared', 'percpu'),
        cells: fc.array(cell, { minLength: 1, maxLength: 2 }),
      },
      optional('initial', expr),
    ),
    node<Item>({ kind: 'mutex' }, { names }),
    node<Item>({ kind: 'descriptor' }, { name, fields: names }, optional('slots', slots)),
    node<Item>(
      { kind: 'stub' },
      { name, params: fc.array(name, { maxLength: 2 }), body: asm },
      optional('slots', slots),
    ),
    node<Item>({ kind: 'site' }, { name, dead: names }),
    node<Item>(
      { kind: 'breakpoint' },
      { at: fc.array(expr, { maxLength: 2 }), body: block },
      optional('name', name),
    ),
    node<Item>({ kind: 'define' }, { name, params: fc.array(name, { maxLength: 2 }), body: block }),
    node<Item>(
      { kind: 'patch' },
      { changes: fc.array(change, { minLength: 1, maxLength: 2 }), body: block },
      optional('name', name),
    ),
    node<Item>({ kind: 'waive' }, { name, reason: text }),
    node<Item>({ kind: 'require' }, { name, property: temporal }),
    node<Item>({ kind: 'witness' }, { expr }),
    node<Item>({ kind: 'scenario' }, { name: text, settings }, optional('expect', expectation)),
    conditional<Item>(tie('items')),
  ),
}));

export const files: Arbitrary<File> = node<File>(
  { kind: 'file', comments: [] },
  { name, summary: text, items },
);
