// Where the code of a spec stands: routines far apart, places at their position in the line, and all bytes.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import { nearest } from '../grammar/diagnostic.ts';
import type { AsmItem, Expr, Insn, Name, Span } from '../grammar/index.ts';
import { region } from './ir.ts';
import type { Address } from './ops.ts';
import type { OptionValue, Settings } from './scenario.ts';
import type { Spec } from './spec.ts';
import { constant } from './spec.ts';
import type { Item, ListingRow, Unassembled } from './x86/assemble.ts';
import { assemble, join } from './x86/assemble.ts';
import type { AbstractInsn, Operand } from './x86/operand.ts';
import { conditions, mnemonics, rowsOf } from './x86/table.ts';
import { registerOf } from './x86/text.ts';

export interface PlacedLabel {
  readonly name: string;
  readonly address: Address;
  /** Address behind it: `L.end`. */
  readonly end: Address;
  readonly span: Span;
}

export interface Placed {
  readonly chunks: readonly {
    readonly from: Address;
    readonly bytes: Uint8Array;
    readonly rows: readonly ListingRow<Span>[];
  }[];
  readonly labels: ReadonlyMap<string, PlacedLabel>;
}

/** Addresses of names that are no labels: variables, and offsets of per-CPU ones behind `gs:`. */
export interface Symbols {
  readonly address: (name: string) => Address | undefined;
  readonly percpuOffset: (name: string) => number | undefined;
}

type Report = (d: Diagnostic) => void;

/** Distance between routines: another byte in each position, so that displacements to two of them differ everywhere. */
const strides = [0x01111140, 0x01232b40, 0x010d0f80, 0x0117a1c0, 0x01090700] as const;
/** Routines that stand so far apart; more than these follow each other closely, behind all of them. */
const spread = 26;
const close = 0x1e000000;
const mostRoutines = 4000;
const routineAt = (index: number, stride: number): Address =>
  region.code + (index < spread ? index * stride : close + (index - spread) * 0x1000);
/** How many ways there are to spread routines out: `way` below counts them. */
export const ways = strides.length;

const endsFlow = new Set(['jmp', 'ret', 'iretq', 'ud2']);

/** An instruction of the source with its names: labels and parameters stay references. */
export function abstractInsn(
  insn: Insn,
  options: Spec['options'],
  symbols: Symbols,
  report: Report,
): AbstractInsn | undefined {
  const operands: Operand[] = [];
  let hint: 'short' | 'near' | undefined;
  for (const o of insn.operands) {
    if (o.kind === 'register') {
      const r = registerOf(o.name);
      if (!r) {
        report({
          code: 'register',
          severity: 'error',
          message: `\`${o.name}\` is not a register of the subset: the 32-bit and 64-bit general registers`,
          span: o.span,
        });
        return undefined;
      }
      operands.push({ kind: 'reg', reg: r.reg, width: r.width });
      continue;
    }
    const expr = o.kind === 'memory' ? o.address : o.expr;
    const sum = terms(expr, options);
    if (!sum) {
      report({
        code: 'operand',
        severity: 'error',
        message: 'an operand is a register, a number, a name, or a sum of these in brackets',
        span: o.span,
      });
      return undefined;
    }
    if (o.kind === 'value') {
      if (o.hint) hint = o.hint;
      if (sum.registers.length > 0) {
        const r = registerOf(sum.registers[0] as string);
        if (r) operands.push({ kind: 'reg', reg: r.reg, width: r.width });
      } else if (sum.name !== undefined)
        operands.push({ kind: 'ref', ref: { name: sum.name }, addend: Number(sum.number) });
      else operands.push({ kind: 'imm', value: sum.number });
      continue;
    }
    const width = o.size === 'dword' ? 4 : o.size === 'qword' ? 8 : undefined;
    const base = sum.registers[0];
    const register = base === undefined || base === 'rip' ? undefined : registerOf(base);
    if (
      sum.registers.length > 1 ||
      (base !== undefined && base !== 'rip' && register?.width !== 8)
    ) {
      report({
        code: 'operand',
        severity: 'error',
        message: 'a memory operand has at most one base register, of 64 bits',
        span: o.span,
      });
      return undefined;
    }
    let disp = Number(BigInt.asIntN(64, sum.number));
    let ref = sum.name;
    if (o.segment === 'gs' && ref !== undefined) {
      const offset = symbols.percpuOffset(ref);
      if (offset === undefined) {
        report({
          code: 'not-percpu',
          severity: 'error',
          message: `\`${ref}\` is not a per-CPU variable: \`gs:\` reaches those only`,
          span: o.span,
        });
        return undefined;
      }
      disp += offset;
      ref = undefined;
    }
    operands.push({
      kind: 'mem',
      disp,
      ...(base === 'rip' ? { base: 'rip' as const } : register ? { base: register.reg } : {}),
      ...(ref === undefined ? {} : { ref: { name: ref } }),
      ...(o.segment ? { seg: 'gs' as const } : {}),
      ...(width ? { width } : {}),
    });
  }
  const mnemonic = insn.mnemonic.text;
  const near = isMnemonic(mnemonic)
    ? undefined
    : nearest(mnemonic, [...mnemonics, ...conditions.flat()]);
  if (near) {
    report({
      code: 'insn-mnemonic',
      severity: 'error',
      message: `\`${mnemonic}\` is not in the subset; did you mean \`${near}\`?`,
      span: insn.mnemonic.span,
      fix: { title: `use \`${near}\``, edits: [{ span: insn.mnemonic.span, text: near }] },
    });
    return undefined;
  }
  return { mnemonic, operands, ...(hint ? { hint } : {}) };
}

/** Says each refusal of the assembler at its place. */
export function refuse(result: Unassembled<Span>, report: Report): void {
  for (const { refusal, span } of result.refusals) {
    const code = refusal.reason === 'name' ? 'unknown-name' : `insn-${refusal.reason}`;
    report({ code, severity: 'error', message: refusal.message, span });
  }
}

const isMnemonic = (name: string): boolean => rowsOf.has(name);

interface Sum {
  readonly registers: readonly string[];
  readonly name?: string;
  readonly number: bigint;
}

function terms(e: Expr, options: Spec['options']): Sum | undefined {
  const known: OptionValue | undefined = constant(e, options);
  if (typeof known === 'bigint') return { registers: [], number: known };
  if (e.kind === 'name') {
    if (e.text === 'rip' || registerOf(e.text)) return { registers: [e.text], number: 0n };
    return { registers: [], name: e.text, number: 0n };
  }
  if (e.kind === 'field' && e.of.kind === 'name')
    return { registers: [], name: `${e.of.text}.${e.field.text}`, number: 0n };
  if (e.kind === 'binary' && (e.op === '+' || e.op === '-')) {
    const a = terms(e.a, options);
    const b = terms(e.b, options);
    if (!a || !b || (a.name !== undefined && b.name !== undefined)) return undefined;
    if (e.op === '-' && (b.name !== undefined || b.registers.length > 0)) return undefined;
    const name = a.name ?? b.name;
    return {
      registers: [...a.registers, ...b.registers],
      number: e.op === '+' ? a.number + b.number : a.number - b.number,
      ...(name === undefined ? {} : { name }),
    };
  }
  return undefined;
}

/** The items of the assembler for source lines: each labelled instruction has an end. */
export function itemsOf(
  body: readonly AsmItem[],
  spec: Spec,
  symbols: Symbols,
  report: Report,
): Item<Span>[] {
  const out: Item<Span>[] = [];
  let open: string[] = [];
  const close = (): void => {
    for (const name of open) out.push({ kind: 'label', name: `${name}.end` });
    open = [];
  };
  for (const item of body) {
    switch (item.kind) {
      case 'label':
        out.push({ kind: 'label', name: item.name.text });
        open.push(item.name.text);
        break;
      case 'group': {
        out.push({ kind: 'label', name: item.name.text });
        out.push(...itemsOf(item.body, spec, symbols, report));
        out.push({ kind: 'label', name: `${item.name.text}.end` });
        close();
        break;
      }
      case 'insn': {
        const insn = abstractInsn(item.insn, spec.options, symbols, report);
        if (insn) out.push({ kind: 'insn', insn, span: item.insn.span });
        close();
        break;
      }
      case 'align':
        if (item.to < 1 || (item.to & (item.to - 1)) !== 0 || item.to > 4096) {
          report({
            code: 'align',
            severity: 'error',
            message: '`align` takes a power of two up to 4096',
            span: item.span,
          });
        } else out.push({ kind: 'align', to: item.to, span: item.span });
        break;
      case 'if':
        throw new Error('options were not decided before the code was placed');
    }
  }
  close();
  return out;
}

/**
 * Routines: runs of code that nothing falls through out of. A place stays together with what is behind it, whatever
 * it holds at first; so does a short jump with its target.
 */
function routines(items: readonly Item<Span>[], places: ReadonlySet<string>): Item<Span>[][] {
  const out: Item<Span>[][] = [];
  let now: Item<Span>[] = [];
  let ended = false;
  const open = new Set<string>();
  const wanted = new Set<string>();
  for (const item of items) {
    const isEnd = item.kind === 'label' && item.name.endsWith('.end');
    if (ended && !isEnd && wanted.size === 0) {
      out.push(now);
      now = [];
      ended = false;
    }
    now.push(item);
    if (item.kind === 'label') {
      wanted.delete(item.name);
      if (places.has(item.name)) open.add(item.name);
      if (isEnd) open.delete(item.name.slice(0, -4));
    }
    if (item.kind === 'insn') {
      ended = endsFlow.has(item.insn.mnemonic) && open.size === 0;
      const to = item.insn.operands[0];
      const ahead =
        item.insn.hint === 'short' && to?.kind === 'ref' && 'name' in to.ref
          ? to.ref.name
          : undefined;
      if (ahead !== undefined && !now.some((x) => x.kind === 'label' && x.name === ahead))
        wanted.add(ahead);
    }
  }
  if (now.length > 0) out.push(now);
  // A routine that is one group (`window: { ret; int3 4 }`) must stay whole.
  const whole: Item<Span>[][] = [];
  for (const r of out) {
    const last = whole[whole.length - 1];
    if (last && opens(last)) last.push(...r);
    else whole.push(r);
  }
  return whole;
}
const opens = (items: readonly Item<Span>[]): boolean => {
  const names = new Set(items.flatMap((i) => (i.kind === 'label' ? [i.name] : [])));
  return [...names].some((n) => !n.endsWith('.end') && !names.has(`${n}.end`));
};

export function place(
  spec: Spec,
  placeNames: readonly { readonly name: string; readonly span: Span }[],
  settings: Settings,
  symbols: Symbols,
  report: Report,
  way = 0,
): Placed | undefined {
  const stride = strides[way] ?? strides[0];
  const items = itemsOf(spec.code, spec, symbols, report);
  const seen = new Map<string, Span>();
  const spans = labelSpans(spec.code);
  const twice = duplicateLabel(spec.code, new Set());
  if (twice) {
    report({
      code: 'duplicate-name',
      severity: 'error',
      message: `there are two labels \`${twice.text}\``,
      span: twice.span,
    });
    return undefined;
  }
  const parts = routines(items, new Set(placeNames.map((p) => p.name)));
  if (parts.length > mostRoutines) {
    report({
      code: 'too-many-routines',
      severity: 'error',
      message: `more than ${mostRoutines} routines`,
      span: spec.code[0]?.span ?? { start: 0, end: 0 },
    });
    return undefined;
  }
  const own = new Set(items.flatMap((i) => (i.kind === 'label' ? [i.name] : [])));
  for (const p of settings.positions) {
    if (!own.has(p.label)) {
      report({
        code: 'unknown-name',
        severity: 'error',
        message: `\`${p.label}\` is not a label of the code`,
        span: p.span,
      });
      return undefined;
    }
  }
  // First every routine by itself, all others far away; then again where it belongs.
  const bases: Address[] = [];
  let labels = new Map<string, Address>();
  let chunks: { from: Address; bytes: Uint8Array; rows: readonly ListingRow<Span>[] }[] = [];
  for (const final of [false, true]) {
    const found = new Map<string, Address>();
    const next: typeof chunks = [];
    for (const [i, part] of parts.entries()) {
      const from = final ? (bases[i] as Address) : routineAt(i, stride);
      const result = assemble(part, from, {
        resolve: (n) =>
          labels.get(n) ??
          symbols.address(n) ??
          (final || !own.has(n) ? undefined : routineAt(spread, stride)),
      });
      if (result.kind === 'refused') {
        refuse(result, report);
        return undefined;
      }
      for (const [name, address] of result.labels) found.set(name, address);
      next.push({ from, bytes: result.bytes, rows: result.rows });
      if (!final) bases.push(position(part, result.labels, from, i, placeNames, settings, stride));
    }
    labels = found;
    chunks = next;
    if (!final) {
      // Labels by their final addresses, so that the second time only displacements change.
      labels = new Map();
      for (const [i, part] of parts.entries()) {
        const result = assemble(part, bases[i] as Address, {
          resolve: (n) =>
            symbols.address(n) ?? (own.has(n) ? routineAt(spread, stride) : undefined),
        });
        if (result.kind === 'assembled')
          for (const [name, address] of result.labels) labels.set(name, address);
      }
    }
  }
  const out = new Map<string, PlacedLabel>();
  for (const [name, address] of labels) {
    if (name.endsWith('.end')) continue;
    const span = spans.get(name) ?? { start: 0, end: 0 };
    if (seen.has(name)) continue;
    seen.set(name, span);
    out.set(name, { name, address, end: labels.get(`${name}.end`) ?? address, span });
  }
  for (const p of settings.positions) {
    const label = out.get(p.label);
    if (label && mod(label.address, p.of) !== p.at) {
      report({
        code: 'position',
        severity: 'error',
        message: `\`${p.label}\` cannot stand at ${p.at} of ${p.of}: another place or an \`align\` in the same routine fixes where it is`,
        span: p.span,
      });
    }
  }
  return { chunks, labels: out };
}

const mod = (a: number, n: number): number => ((a % n) + n) % n;

/** The address of a routine: its first place at the position that is asked for, or at 61 of 64 where nothing aligns it. */
function position(
  part: readonly Item<Span>[],
  labels: ReadonlyMap<string, Address>,
  from: Address,
  index: number,
  placeNames: readonly { readonly name: string }[],
  settings: Settings,
  stride: number,
): Address {
  const base = routineAt(index, stride);
  const asked = settings.positions.find((p) => labels.has(p.label));
  if (asked) {
    const offset = (labels.get(asked.label) as Address) - from;
    return base + mod(asked.at - offset - base, asked.of);
  }
  if (part.some((i) => i.kind === 'align')) return base;
  const first = placeNames
    .map((p) => labels.get(p.name))
    .filter((a): a is Address => a !== undefined)
    .sort((a, b) => a - b)[0];
  if (first === undefined) return base;
  return base + mod(61 - (first - from) - base, 64);
}

/** The second of two labels of one name. */
function duplicateLabel(body: readonly AsmItem[], seen: Set<string>): Name | undefined {
  for (const item of body) {
    if (item.kind !== 'label' && item.kind !== 'group') continue;
    if (seen.has(item.name.text)) return item.name;
    seen.add(item.name.text);
    const inside = item.kind === 'group' ? duplicateLabel(item.body, seen) : undefined;
    if (inside) return inside;
  }
  return undefined;
}

function labelSpans(body: readonly AsmItem[]): Map<string, Span> {
  const out = new Map<string, Span>();
  for (const item of body) {
    if (item.kind === 'label' || item.kind === 'group') out.set(item.name.text, item.name.span);
    if (item.kind === 'group') for (const [k, v] of labelSpans(item.body)) out.set(k, v);
  }
  return out;
}

/** The bytes of a content, assembled where its place stands. */
export function contentBytes(
  insns: readonly Insn[],
  at: Address,
  placed: Placed,
  spec: Spec,
  symbols: Symbols,
  report: Report,
): Uint8Array | undefined {
  const items: Item<Span>[] = [];
  for (const insn of insns) {
    const a = abstractInsn(insn, spec.options, symbols, report);
    if (!a) return undefined;
    items.push({ kind: 'insn', insn: a, span: insn.span });
  }
  const result = assemble(items, at, {
    resolve: (n) => addressOf(n, placed) ?? symbols.address(n),
  });
  if (result.kind === 'refused') {
    refuse(result, report);
    return undefined;
  }
  return join(result.rows.map((r) => r.bytes));
}

export function addressOf(name: string, placed: Placed): Address | undefined {
  const plain = placed.labels.get(name);
  if (plain) return plain.address;
  return name.endsWith('.end') ? placed.labels.get(name.slice(0, -4))?.end : undefined;
}
