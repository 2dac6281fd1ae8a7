// Code and stubs of one check as items to be emitted: the bytes that the simulation runs, or the same elsewhere.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import type { Item as FileItem, Span } from '../grammar/index.ts';
import type { Compiled } from './compile.ts';
import type { Program } from './ir.ts';
import type { Listing, Lowered } from './lower.ts';
import type { Address, Expr } from './ops.ts';
import { allItems } from './spec.ts';
import type { Item } from './x86/assemble.ts';
import { assemble, bind, fill } from './x86/assemble.ts';
import type { EmitItem } from './x86/emit.ts';
import { relocationsOf } from './x86/emit.ts';
import type { AbstractInsn, Operand, Ref } from './x86/operand.ts';
import { isRefusal } from './x86/operand.ts';
import { printAddress } from './x86/text.ts';

export interface Emitted {
  readonly items: readonly EmitItem<Span>[];
  /** What did not fit, and what cannot be known before the program runs. */
  readonly diagnostics: readonly Diagnostic[];
  /** Stubs whose instructions take longer forms there than those that were verified. */
  readonly longer: readonly string[];
}

/**
 * The code at its place; the stubs where the simulation has their first slots, or one behind the other from `at` on.
 * Arguments are those of the first `build` of the program.
 */
export function emit(compiled: Compiled, lowered: Lowered, at?: Address): Emitted {
  const { program, listings, placed } = lowered;
  const items: EmitItem<Span>[] = [];
  const diagnostics: Diagnostic[] = [];
  const longer: string[] = [];
  const declared: FileItem[] = compiled.file ? [...allItems(compiled.file.items)] : [];
  let next = at;
  for (const listing of listings) {
    if (listing.kind === 'code') {
      const end = listing.from + listing.bytes.length;
      const labels = [...placed.labels.values()].filter(
        (l) => l.address >= listing.from && l.address <= end,
      );
      items.push({
        name: listing.name,
        kind: 'code',
        address: listing.from,
        bytes: listing.bytes,
        labels: new Map(labels.map((l) => [l.name, l.address])),
        rows: listing.rows,
        relocations: [],
      });
      continue;
    }
    const index = program.stubs.findIndex((s) => s.name === listing.name);
    const span = program.stubs[index]?.span ?? { start: 0, end: 0 };
    const refuse = (code: string, message: string): void => {
      diagnostics.push({ code, severity: 'error', message, span });
    };
    const values = argumentsOf(program, index);
    if (typeof values === 'string') {
      refuse('stub-argument', values);
      continue;
    }
    const declaration = declared.find((i) => i.kind === 'stub' && i.name.text === listing.name);
    const params = declaration?.kind === 'stub' ? declaration.params.map((p) => p.text) : [];
    const made = stubAt(listing, next ?? listing.from, values);
    if (typeof made === 'string') {
      refuse('insn-range', `\`${listing.name}\`: ${made}`);
      continue;
    }
    if (made.longer) longer.push(listing.name);
    const constants = (listing.template?.constants ?? []).map(
      (a) => program.labels.get(a) ?? printAddress(a),
    );
    items.push({
      ...made.item,
      relocations: made.longer
        ? []
        : relocationsOf(listing.template?.fixups ?? [], [...params, ...constants]),
    });
    if (next !== undefined) next += made.item.bytes.length;
  }
  return { items, diagnostics, longer };
}

/** Values of the parameters, then of the constants; a sentence where they are not known. */
function argumentsOf(program: Program, stub: number): readonly Address[] | string {
  const name = program.stubs[stub]?.name ?? 'stub';
  let patch = 0;
  for (const { do: op } of program.kernel.slice(program.entry.patcher)) {
    if (op.kind === 'begin') patch = op.patch;
    if (op.kind !== 'build' || op.stub !== stub) continue;
    const values = op.args.map((a) => constantOf(program, patch, a));
    return values.every((v) => v !== undefined)
      ? (values as Address[])
      : `an argument of \`${name}\` is known only when the patch runs`;
  }
  return `no patch of this scenario builds \`${name}\`, so its arguments are not known`;
}

/** What an expression is when the patch begins, if it rests on nothing that changes. */
function constantOf(program: Program, patch: number, e: Expr): Address | undefined {
  switch (e.kind) {
    case 'const':
      // Addresses are exact as signed numbers.
      return e.hi * 0x100000000 + (e.lo >>> 0);
    case 'target': {
      if (e.of.kind !== 'content') return undefined;
      const { place, which } = e.of;
      const change = program.patches[patch]?.changes.find((c) => c.place === place);
      const content =
        which === 'new' ? change?.new : (change?.old ?? program.places[place]?.contents[0]);
      return content === undefined ? undefined : program.contents[content]?.target;
    }
    case 'binary': {
      const a = constantOf(program, patch, e.a);
      const b = constantOf(program, patch, e.b);
      if (a === undefined || b === undefined) return undefined;
      return e.op === 'add' ? a + b : e.op === 'sub' ? a - b : undefined;
    }
    default:
      return undefined;
  }
}

type StubItem = Omit<EmitItem<Span>, 'relocations'>;

/** In the forms that were verified where these reach, else in longer ones; a sentence where none does. */
function stubAt(
  listing: Listing,
  at: Address,
  values: readonly Address[],
): { readonly item: StubItem; readonly longer: boolean } | string {
  const { template } = listing;
  if (!template) throw new Error(`the stub ${listing.name} has no template`);
  const { params } = template;
  const lookup = (name: string): Address | undefined =>
    name.startsWith('#') ? values[Number(name.slice(1))] : undefined;
  const labels = new Map([...template.labels].map(([name, offset]) => [name, at + offset]));
  const item = { name: listing.name, kind: 'stub', address: at, labels } as const;
  const filled = fill(template, at, values.slice(0, params));
  if (!isRefusal(filled)) {
    const rows = template.rows.map((row) => ({
      ...row,
      address: at + row.address,
      bytes: filled.subarray(row.address, row.address + row.bytes.length),
      insns: row.insns.map((i) => bound(moved(i, at), lookup)),
    }));
    return { item: { ...item, bytes: filled, rows }, longer: false };
  }
  // Lengths change, so what branches inside has to go by labels.
  const inner = (offset: number): string => `.${offset}`;
  const items = template.rows.flatMap((row): Item<Span>[] => [
    { kind: 'label', name: inner(row.address) },
    ...row.insns.map((i): Item<Span> => ({ kind: 'insn', insn: named(i, inner), span: row.span })),
  ]);
  const made = assemble(items, at, { resolve: lookup, far: true });
  if (made.kind === 'refused') return made.refusals[0]?.refusal.message ?? 'it does not fit';
  const rows = made.rows.map((row, i) => ({ ...row, text: template.rows[i]?.text ?? row.text }));
  const far = new Map(
    [...template.labels].map(([name, offset]) => [name, made.labels.get(inner(offset)) ?? at]),
  );
  return { item: { ...item, labels: far, bytes: made.bytes, rows }, longer: true };
}

function bound(insn: AbstractInsn, lookup: (name: string) => Address | undefined): AbstractInsn {
  const out = bind(insn, lookup);
  if (isRefusal(out)) throw new Error(out.message);
  return out;
}

/** Parameters by names that `bind` looks up. */
const byName = (ref: Ref | undefined): { readonly ref?: Ref } =>
  ref === undefined ? {} : { ref: 'param' in ref ? { name: `#${ref.param}` } : ref };

/** An operand without a name is a place inside the stub, counted from its first byte. */
function operands(insn: AbstractInsn, inside: (offset: Address) => Operand): AbstractInsn {
  return {
    ...insn,
    operands: insn.operands.map((o): Operand => {
      if (o.kind === 'target') return inside(o.address);
      if (o.kind === 'ref') return { ...o, ref: byName(o.ref).ref ?? o.ref };
      if (o.kind === 'mem' || o.kind === 'relative') {
        const { ref, ...rest } = o;
        return { ...rest, ...byName(ref) };
      }
      return o;
    }),
  };
}
const moved = (insn: AbstractInsn, at: Address): AbstractInsn =>
  operands(insn, (offset) => ({ kind: 'target', address: at + offset }));
const named = (insn: AbstractInsn, name: (offset: number) => string): AbstractInsn =>
  operands(insn, (offset) => ({ kind: 'ref', ref: { name: name(offset) }, addend: 0 }));
