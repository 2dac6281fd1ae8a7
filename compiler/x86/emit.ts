// Assembled code as text and files: hexadecimal, assembly for GNU as, a listing, JSON, plain bytes.

import type { Address } from '../ops.ts';
import type { Assembled, ListingRow, Template } from './assemble.ts';
import { fillPartly } from './assemble.ts';
import { printAtt } from './att.ts';
import { abstract, decode } from './decode.ts';
import type { Fixup } from './encode.ts';
import { encode } from './encode.ts';
import type { AbstractInsn, Operand, Refusal } from './operand.ts';
import { isRefusal } from './operand.ts';
import type { Names } from './text.ts';
import { print, printAddress } from './text.ts';

/** A piece of code at its address: the code of a spec, or one slot of a stub. */
export interface EmitItem<S> {
  readonly name: string;
  readonly kind: 'code' | 'stub';
  readonly address: Address;
  readonly bytes: Uint8Array;
  readonly labels: ReadonlyMap<string, Address>;
  readonly rows: readonly ListingRow<S>[];
  /** What arguments would change; the bytes hold those of `address` and of the arguments that were given. */
  readonly relocations: readonly Relocation[];
}

/** As in ELF: S + A for an absolute one, S + A - P for a relative one, P the address of the bytes. */
export interface Relocation {
  readonly offset: number;
  readonly width: 4 | 8;
  readonly kind: Fixup['kind'];
  readonly symbol: string;
  readonly addend: number;
}

/** One-based lines and columns. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export const itemOf = <S>(
  name: string,
  kind: EmitItem<S>['kind'],
  code: Assembled<S>,
  relocations: readonly Relocation[] = [],
): EmitItem<S> => ({
  name,
  kind,
  address: code.base,
  bytes: code.bytes,
  labels: code.labels,
  rows: code.rows,
  relocations,
});

/**
 * A stub as it stands at `at`. Where `args` has no value for a parameter, its bytes are 0 and its name is a symbol;
 * `names` names the fixed addresses among the relocations.
 */
export function stubItem<S>(
  name: string,
  template: Template<S>,
  at: Address,
  params: readonly string[],
  args: readonly (Address | undefined)[] = [],
  names: Names = () => undefined,
): EmitItem<S> | Refusal {
  const bytes = fillPartly(template, at, args);
  if (isRefusal(bytes)) return bytes;
  const open = template.fixups.filter(
    (f) => f.param < params.length && args[f.param] === undefined,
  );
  const rows = template.rows.map((row): ListingRow<S> => {
    const here = bytes.subarray(row.address, row.address + row.bytes.length);
    const isOpen = open.some(
      (f) => f.offset >= row.address && f.offset < row.address + here.length,
    );
    const d = decode(here, here.length);
    if (d.kind !== 'insn') throw new Error(`${row.text}: these bytes are no instruction`);
    const insns = isOpen ? row.insns.map((i) => named(i, params)) : [abstract(d, at + row.address)];
    return { ...row, address: at + row.address, bytes: here, insns };
  });
  const symbols = [...params, ...template.constants.map((c) => names(c) ?? printAddress(c))];
  return {
    name,
    kind: 'stub',
    address: at,
    bytes,
    labels: new Map([...template.labels].map(([label, offset]) => [label, at + offset])),
    rows,
    relocations: relocationsOf(template.fixups, symbols),
  };
}

/** Parameters by name. */
const named = (insn: AbstractInsn, params: readonly string[]): AbstractInsn => ({
  ...insn,
  operands: insn.operands.map((o): Operand => {
    if (o.kind !== 'ref' && o.kind !== 'mem' && o.kind !== 'relative') return o;
    const name = o.ref && 'param' in o.ref ? params[o.ref.param] : undefined;
    return name === undefined ? o : { ...o, ref: { name } };
  }),
});

/** A template's fixups as relocations; `symbols` are the names of its parameters, then of its constants. */
export const relocationsOf = (
  fixups: readonly Fixup[],
  symbols: readonly string[],
): readonly Relocation[] =>
  fixups.map((f) => ({
    offset: f.offset,
    width: f.width,
    kind: f.kind,
    symbol: symbols[f.param] ?? `arg${f.param}`,
    // The fixup counts from the first byte of the code, the relocation from its own.
    addend: f.kind === 'rel32' ? f.offset - f.addend : f.addend,
  }));

const hexBytes = (bytes: Uint8Array, between: string): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(between);

/** One line an item: address, bytes, name. */
export const emitHex = <S>(items: readonly EmitItem<S>[]): string =>
  items.map((i) => `${printAddress(i.address)} ${hexBytes(i.bytes, '')} ${i.name}\n`).join('');

/** The bytes of the items one after the other, in their order; what lies between them is left out. */
export function emitBin<S>(items: readonly EmitItem<S>[]): Uint8Array {
  const out = new Uint8Array(items.reduce((n, i) => n + i.bytes.length, 0));
  let at = 0;
  for (const i of items) {
    out.set(i.bytes, at);
    at += i.bytes.length;
  }
  return out;
}

/** Address, bytes and text of each instruction, under its labels. */
export function emitListing<S>(items: readonly EmitItem<S>[]): string {
  const lines: string[] = [];
  for (const item of items) {
    if (lines.length > 0) lines.push('');
    lines.push(
      `${item.name}: ${item.kind}, ${item.bytes.length} bytes at ${printAddress(item.address)}`,
    );
    const widest = Math.max(0, ...item.rows.map((r) => r.bytes.length));
    for (const row of item.rows) {
      for (const label of labelsAt(item, row.address)) lines.push(`${label}:`);
      const bytes = hexBytes(row.bytes, ' ').padEnd(widest * 3 - 1);
      lines.push(`  ${printAddress(row.address)}  ${bytes}  ${row.text}`);
    }
    for (const label of labelsAt(item, item.address + item.bytes.length)) lines.push(`${label}:`);
  }
  return `${lines.join('\n')}\n`;
}

const labelsAt = <S>(item: EmitItem<S>, address: Address): readonly string[] =>
  [...item.labels].flatMap(([name, at]) => (at === address ? [name] : []));

/** The items of the JSON document of `emit`. */
export const emitJson = <S>(
  items: readonly EmitItem<S>[],
  position: (span: S) => Position,
): readonly unknown[] =>
  items.map((item) => ({
    name: item.name,
    kind: item.kind,
    address: printAddress(item.address),
    bytes: hexBytes(item.bytes, ''),
    relocations: item.relocations,
    listing: item.rows.map((row) => ({
      offset: row.address - item.address,
      bytes: hexBytes(row.bytes, ''),
      text: row.text,
      span: position(row.span),
    })),
  }));

/**
 * Source for GNU as that gives the same bytes without a linker: each item is a section of its own, what lies outside
 * of it is reached by its distance from the item's first byte, and what `as` would encode otherwise stands as bytes.
 */
export function emitAsm<S>(items: readonly EmitItem<S>[], syntax: 'intel' | 'att'): string {
  const lines = [syntax === 'intel' ? '\t.intel_syntax noprefix' : '\t.att_syntax prefix'];
  const taken = new Set<string>();
  for (const item of items) {
    const start = symbol(item.name, taken);
    const labels = new Map<Address, string[]>();
    for (const [name, at] of item.labels) {
      // The label that an item is named after is its symbol already.
      if (at === item.address && name === item.name) continue;
      labels.set(at, [...(labels.get(at) ?? []), symbol(name, taken)]);
    }
    const names = (address: Address): string => {
      const label = labels.get(address)?.[0];
      const distance = address - item.address;
      return (
        label ??
        (distance === 0 ? start : `${start}${distance < 0 ? '-' : '+'}${hexNumber(distance)}`)
      );
    };
    lines.push('', `\t.section .text.${start}, "ax"\t# ${printAddress(item.address)}`, `${start}:`);
    for (const row of item.rows) {
      for (const label of labels.get(row.address) ?? []) lines.push(`${label}:`);
      const source = rowSource(row, names, syntax);
      lines.push(`\t${source[0]}\t# ${row.text}`, ...source.slice(1).map((s) => `\t${s}`));
    }
    for (const label of labels.get(item.address + item.bytes.length) ?? []) lines.push(`${label}:`);
  }
  return `${lines.join('\n')}\n`;
}

const hexNumber = (value: number): string => `0x${Math.abs(value).toString(16)}`;

/** The lines of one row. Branches go by name, all else by number. */
function rowSource<S>(
  row: ListingRow<S>,
  names: (address: Address) => string,
  syntax: 'intel' | 'att',
): readonly string[] {
  const lines: string[] = [];
  let at = row.address;
  const end = row.address + row.bytes.length;
  for (const insn of row.insns) {
    const source = insnSource(insn, at, row.bytes.subarray(at - row.address), names, syntax);
    lines.push(source.line);
    at += source.length;
  }
  if (at < end) lines.push(`.byte ${byteList(row.bytes.subarray(at - row.address))}`);
  return lines;
}

const byteList = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => `0x${b.toString(16).padStart(2, '0')}`).join(', ');

function insnSource(
  insn: AbstractInsn,
  at: Address,
  bytes: Uint8Array,
  names: (address: Address) => string,
  syntax: 'intel' | 'att',
): { readonly line: string; readonly length: number } {
  const { hint: _, ...plain } = insn;
  const line = (i: AbstractInsn): string => {
    const safe = { ...i, operands: i.operands.map(mangled) };
    return syntax === 'att' ? printAtt(safe, names) : print(safe, { gnu: true, branches: names });
  };
  const shortest = encode(numbered(plain), at);
  if (isRefusal(shortest)) throw new Error(shortest.message);
  if (startsWith(bytes, shortest.bytes) && !differs(plain)) {
    return { line: line(plain), length: shortest.bytes.length };
  }
  const near = encode({ ...numbered(plain), hint: 'near' }, at);
  if (!isRefusal(near) && startsWith(bytes, near.bytes)) {
    return { line: `{disp32} ${line(plain)}`, length: near.bytes.length };
  }
  // Nothing but an instruction that grew, or one that `as` writes otherwise.
  for (let n = 1; n <= bytes.length; n++) {
    const longer = encode(numbered(plain), at, n);
    if (!isRefusal(longer) && startsWith(bytes, longer.bytes)) {
      return { line: `.byte ${byteList(longer.bytes)}`, length: longer.bytes.length };
    }
  }
  throw new Error(`${print(insn)}: the bytes are those of another instruction`);
}

/** A symbol is encoded as a parameter: 32 bits, and 0 in them. */
const numbered = (insn: AbstractInsn): AbstractInsn => ({
  ...insn,
  operands: insn.operands.map((o) =>
    (o.kind === 'ref' || o.kind === 'mem' || o.kind === 'relative') && o.ref
      ? { ...o, ref: { param: 0 } }
      : o,
  ),
});

const startsWith = (bytes: Uint8Array, head: Uint8Array): boolean =>
  head.every((b, k) => bytes[k] === b);

/** What `as` writes otherwise: it has no `nop 5`, and takes NOP for an exchange of RAX with itself. */
const differs = (insn: AbstractInsn): boolean =>
  (insn.mnemonic === 'nop' && insn.operands.length > 0) ||
  (insn.mnemonic === 'xchg' && insn.operands.every((o) => o.kind === 'reg' && o.reg === 0));

/**
 * A name that `as` takes for a symbol in both syntaxes and that no other item has: registers and the operators of
 * Intel syntax get an underscore.
 */
function symbol(name: string, taken: Set<string>): string {
  let result = mangle(name);
  while (taken.has(result)) result += '_';
  taken.add(result);
  return result;
}
function mangle(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_.]/g, '_').replace(/^(?=[0-9])/, '_');
  return reserved.test(plain) ? `${plain}_` : plain;
}
const mangled = (o: Operand): Operand => {
  const ref = o.kind === 'ref' || o.kind === 'mem' || o.kind === 'relative' ? o.ref : undefined;
  return ref && 'name' in ref ? ({ ...o, ref: { name: mangle(ref.name) } } as Operand) : o;
};
const reserved =
  /^(r([0-9]+[dwb]?|[abcd]x|[sd]i|[sb]p|ip|iz)|e?([abcd]x|[sd]i|[sb]p|ip|iz)|[abcd][lh]|([sd]i|[sb]p)l|[cdefgs]s|st|[cdt]r[0-9]+|(mm|[xyz]mm|k|bnd|tmm|db)[0-9]+|and|or|xor|not|mod|shl|shr|eq|ne|lt|le|gt|ge|offset|ptr|byte|word|dword|fword|qword|tbyte|oword|xmmword|ymmword|zmmword|mmword|near|far|short|flat|base|b|w|d|q)$/i;
