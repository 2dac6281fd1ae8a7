// From items (labels, alignments, instructions, bytes) to bytes at an address, with the shortest encodings that hold, and
// from the items of a stub to a template that is filled with arguments.

import type { Address } from '../ops.ts';
import type { Fixup } from './encode.ts';
import { encode } from './encode.ts';
import type { AbstractInsn, Operand, Ref, Refusal } from './operand.ts';
import { isRefusal, refusal } from './operand.ts';
import { conditions } from './table.ts';
import { print, printAddress } from './text.ts';

/** `S` is the source span, which comes back with the listing's rows. */
export type Item<S> =
  | { readonly kind: 'label'; readonly name: string }
  /** Up to an address that is a multiple of `to`, a power of two, by NOPs. */
  | { readonly kind: 'align'; readonly to: number; readonly span: S }
  /** Bytes that stand as they are: data, or what the subset has not. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array; readonly text: string; readonly span: S }
  | { readonly kind: 'insn'; readonly insn: AbstractInsn; readonly span: S };

export interface ListingRow<S> {
  readonly address: Address;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The instructions that stand here, with names bound; data of a far jump has none. */
  readonly insns: readonly AbstractInsn[];
  readonly span: S;
}
export interface Assembled<S> {
  readonly kind: 'assembled';
  readonly base: Address;
  readonly bytes: Uint8Array;
  readonly labels: ReadonlyMap<string, Address>;
  readonly rows: readonly ListingRow<S>[];
}
/** All that was refused, each at its place. */
export interface Unassembled<S> {
  readonly kind: 'refused';
  readonly refusals: readonly { readonly refusal: Refusal; readonly span: S }[];
}

export interface AssembleOptions {
  /** Addresses of names that are no labels of the items. */
  readonly resolve?: (name: string) => Address | undefined;
  /**
   * Whether a `jmp` or a `push` that does not reach takes a longer form: `jmp [rip+0]` with the address behind it,
   * 14 bytes, and `push` of the low half with a store of the high one.
   */
  readonly far?: boolean;
}

/** The bytes of a stub before its arguments are known. It may stand at any address. */
export interface Template<S> {
  readonly kind: 'template';
  readonly bytes: Uint8Array;
  /** `param` counts the parameters first and then the constants. */
  readonly fixups: readonly Fixup[];
  readonly params: number;
  /** Fixed addresses that are reached by a displacement, which is another at each place of the stub. */
  readonly constants: readonly Address[];
  /** Addresses count from the first byte. */
  readonly rows: readonly ListingRow<S>[];
  readonly labels: ReadonlyMap<string, number>;
}

const branches = new Set(['call', 'jmp', ...conditions.flat()]);
/** Whether a plain operand of this mnemonic is where it branches to. */
export const isBranch = (mnemonic: string): boolean => branches.has(mnemonic);

/** What stands for several instructions: `int3 4` is four of them. */
export function expand(insn: AbstractInsn): readonly AbstractInsn[] | Refusal {
  const [count, ...rest] = insn.operands;
  if (insn.mnemonic === 'nop' && count?.kind === 'imm' && count.value === 1n) {
    return [{ mnemonic: 'nop', operands: rest }];
  }
  if (insn.mnemonic === 'nop' && count?.kind === 'imm' && (count.value < 1n || count.value > 9n)) {
    return refusal(
      'operands',
      `nop ${count.value}: one instruction has 1 to 9 bytes; write several where that is what you mean`,
    );
  }
  if (insn.mnemonic !== 'int3' || count?.kind !== 'imm') return [insn];
  if (count.value < 1n || count.value > 64n) {
    return refusal('operands', `int3 ${count.value}: a count from 1 to 64`);
  }
  return Array.from({ length: Number(count.value) }, () => ({ mnemonic: 'int3', operands: rest }));
}

/** Assembles at `base`. */
export function assemble<S>(
  items: readonly Item<S>[],
  base: Address,
  options: AssembleOptions = {},
): Assembled<S> | Unassembled<S> {
  const laid = lay(items, base, {
    far: options.far ?? false,
    bind: (insn, label) => bind(insn, (name) => label(name) ?? options.resolve?.(name)),
  });
  if (laid.kind === 'refused') return laid;
  const { rows, labels } = laid;
  return { kind: 'assembled', base, bytes: join(rows.map((r) => r.bytes)), labels, rows };
}

/**
 * Assembles a stub whose parameters are known at run time only: operands that name one take the forms with 32 bits
 * and leave fixups, and so does a displacement to any address outside.
 */
export function template<S>(
  items: readonly Item<S>[],
  params: readonly string[],
  options: { readonly resolve?: (name: string) => Address | undefined } = {},
): Template<S> | Unassembled<S> {
  const constants: Address[] = [];
  const constant = (address: Address): { readonly param: number } => {
    const known = constants.indexOf(address);
    if (known < 0) constants.push(address);
    return { param: params.length + (known < 0 ? constants.length - 1 : known) };
  };
  const bindHere = (insn: AbstractInsn, label: Labels): AbstractInsn | Refusal => {
    const numbered = { ...insn, operands: insn.operands.map((o) => numberParam(o, params)) };
    const named = numbered.operands.flatMap((o) => {
      const ref = refOf(o);
      return ref && 'name' in ref && label(ref.name) !== undefined ? [{ o, name: ref.name }] : [];
    });
    for (const { o, name } of named) {
      const relative =
        o.kind === 'relative' ||
        (o.kind === 'mem' && o.base === 'rip') ||
        (o.kind === 'ref' && isBranch(insn.mnemonic));
      if (!relative) {
        return refusal(
          'name',
          `${name}: the address inside a stub is another in each of its slots`,
        );
      }
    }
    const bound = bind(numbered, (name) => label(name) ?? options.resolve?.(name));
    if (isRefusal(bound) || named.length > 0) return bound;
    // What is outside lies at a fixed address, and the stub does not.
    const operands = bound.operands.map((o): Operand => {
      if (o.kind === 'target') return { kind: 'ref', ref: constant(o.address), addend: 0 };
      if (o.kind === 'relative' && !o.ref) return { ...o, address: 0, ref: constant(o.address) };
      return o;
    });
    return { ...bound, operands };
  };
  const laid = lay(items, 0, { far: false, bind: bindHere });
  if (laid.kind === 'refused') return laid;
  const { rows, labels, fixups } = laid;
  const bytes = join(rows.map((r) => r.bytes));
  return { kind: 'template', bytes, fixups, params: params.length, constants, rows, labels };
}

/** The bytes of a stub that stands at `at`; `args` are the values of its parameters. */
export function fill<S>(
  template: Template<S>,
  at: Address,
  args: readonly Address[],
): Uint8Array | Refusal {
  if (args.length !== template.params) {
    return refusal('operands', `${args.length} arguments for ${template.params} parameters`);
  }
  return fillPartly(template, at, args);
}

/** Leaves 0 where an argument is not given. */
export function fillPartly<S>(
  template: Template<S>,
  at: Address,
  args: readonly (Address | undefined)[],
): Uint8Array | Refusal {
  const bytes = template.bytes.slice();
  for (const f of template.fixups) {
    const argument =
      f.param < template.params ? args[f.param] : template.constants[f.param - template.params];
    if (argument === undefined) continue;
    const value = f.kind === 'rel32' ? argument - (at + f.addend) : argument + f.addend;
    const most = f.kind === 'abs32' ? 0xffffffff : 0x7fffffff;
    if (f.width === 4 && (value < -0x80000000 || value > most)) {
      const what = f.kind === 'rel32' ? 'is out of reach from' : 'does not fit in 32 bits at';
      return refusal('range', `${printAddress(argument)} ${what} ${printAddress(at)}`);
    }
    let rest = BigInt(value);
    for (let k = 0; k < f.width; k++, rest >>= 8n) bytes[f.offset + k] = Number(rest & 0xffn);
  }
  return bytes;
}

type Labels = (name: string) => Address | undefined;
interface Laying {
  readonly far: boolean;
  /** Replaces names; `label` knows those of the items. */
  readonly bind: (insn: AbstractInsn, label: Labels) => AbstractInsn | Refusal;
}
interface Laid<S> {
  readonly kind: 'laid';
  readonly rows: readonly ListingRow<S>[];
  readonly labels: ReadonlyMap<string, Address>;
  readonly fixups: readonly Fixup[];
}

/** An item with the length it has at the last look. */
type Line<S> =
  | { readonly kind: 'label'; readonly name: string }
  | Extract<Item<S>, { readonly kind: 'align' | 'data' }>
  | { readonly kind: 'insn'; readonly insn: AbstractInsn; readonly span: S; length: number };

/**
 * Every instruction begins as short as it can be and grows when it does not reach; none shrinks again, so this ends,
 * and what has grown had to at some moment.
 */
function lay<S>(items: readonly Item<S>[], base: Address, how: Laying): Laid<S> | Unassembled<S> {
  const refusals: { refusal: Refusal; span: S }[] = [];
  const own = new Set<string>();
  const lines: Line<S>[] = [];
  for (const item of items) {
    if (item.kind === 'label') own.add(item.name);
    if (item.kind !== 'insn') {
      lines.push(item);
      continue;
    }
    const expanded = expand(item.insn);
    if (isRefusal(expanded)) refusals.push({ refusal: expanded, span: item.span });
    else for (const insn of expanded) lines.push({ ...item, insn, length: 0 });
  }

  let labels = new Map<string, Address>();
  let rows: ListingRow<S>[] = [];
  let fixups: Fixup[] = [];
  for (let settled = false; !settled; ) {
    settled = true;
    const places = new Map<string, Address>();
    rows = [];
    fixups = [];
    let at = base;
    for (const line of lines) {
      if (line.kind === 'label') places.set(line.name, at);
      else if (line.kind === 'align') {
        for (const row of pad(at, line.to, line.span)) {
          rows.push(row);
          at += row.bytes.length;
        }
      } else if (line.kind === 'data') {
        rows.push({ address: at, bytes: line.bytes, text: line.text, insns: [], span: line.span });
        at += line.bytes.length;
      } else {
        // A label further down is taken to be here until its place is known: the nearest that it can be.
        const here = at;
        const label = (name: string): Address | undefined =>
          own.has(name) ? (labels.get(name) ?? here) : undefined;
        const bound = how.bind(line.insn, label);
        const code = isRefusal(bound) ? bound : encodeOrFar(bound, at, line.length, how.far);
        if (isRefusal(code)) {
          refusals.push({ refusal: code, span: line.span });
          continue;
        }
        if (code.bytes.length !== line.length) settled = false;
        line.length = code.bytes.length;
        const offset = at - base;
        for (const f of code.fixups) {
          const addend = f.kind === 'rel32' ? f.addend + offset : f.addend;
          fixups.push({ ...f, offset: f.offset + offset, addend });
        }
        rows.push({
          address: at,
          bytes: code.bytes,
          text: print(line.insn),
          insns: code.insns,
          span: line.span,
        });
        at += line.length;
      }
    }
    if (refusals.length > 0) return { kind: 'refused', refusals };
    if ([...places].some(([name, address]) => labels.get(name) !== address)) settled = false;
    labels = places;
  }
  return { kind: 'laid', rows, labels, fixups };
}

/** NOPs up to a multiple of `to`. */
function pad<S>(from: Address, to: number, span: S): readonly ListingRow<S>[] {
  const rows: ListingRow<S>[] = [];
  let left = ((-from % to) + to) % to;
  for (let at = from; left > 0; ) {
    const insn = nop(Math.min(left, 9));
    const code = encode(insn, at);
    if (isRefusal(code)) throw new Error(code.message);
    rows.push({ address: at, bytes: code.bytes, text: print(insn), insns: [insn], span });
    at += code.bytes.length;
    left -= code.bytes.length;
  }
  return rows;
}

const nop = (bytes: number): AbstractInsn => ({
  mnemonic: 'nop',
  operands: bytes === 1 ? [] : [{ kind: 'imm', value: BigInt(bytes) }],
});

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    bytes.set(p, at);
    at += p.length;
  }
  return bytes;
}

/**
 * Replaces names by addresses: a plain one by what the mnemonic wants, an immediate or a branch target. A number is a
 * branch target too, where the mnemonic wants one.
 */
export function bind(
  insn: AbstractInsn,
  lookup: (name: string) => Address | undefined,
): AbstractInsn | Refusal {
  const operands: Operand[] = [];
  for (const o of insn.operands) {
    const ref = refOf(o);
    if (o.kind === 'imm' && isBranch(insn.mnemonic)) {
      const address = canonicalAddress(o.value);
      if (address === undefined) {
        return refusal('range', `${print(insn)}: this is not a canonical address`);
      }
      operands.push({ kind: 'target', address });
      continue;
    }
    if (!ref || !('name' in ref)) {
      operands.push(o);
      continue;
    }
    const address = lookup(ref.name);
    if (address === undefined)
      return refusal(
        'name',
        `\`${ref.name}\` has no address here: labels, shared variables and parameters have one, a per-CPU variable behind \`gs:\``,
      );
    if (o.kind === 'ref') {
      const value = address + o.addend;
      operands.push(
        isBranch(insn.mnemonic)
          ? { kind: 'target', address: value }
          : // As written: an address is 64 bits wide, and does not fit in a 32-bit register by losing its sign.
            { kind: 'imm', value: BigInt.asUintN(64, BigInt(value)) },
      );
    } else if (o.kind === 'relative') {
      const { ref: _, ...rest } = o;
      operands.push({ ...rest, address: o.address + address });
    } else if (o.kind === 'mem') {
      const { ref: _, base, index: __, scale: ___, ...rest } = o;
      const shape = { ...(o.index === undefined ? {} : { index: o.index, scale: o.scale ?? 1 }) };
      operands.push(
        base === 'rip'
          ? {
              kind: 'relative',
              address: o.disp + address,
              ...(o.seg ? { seg: o.seg } : {}),
              ...(o.width ? { width: o.width } : {}),
            }
          : {
              ...rest,
              ...shape,
              ...(base === undefined ? {} : { base }),
              disp: o.disp + address,
            },
      );
    }
  }
  return { ...insn, operands };
}

/** Bits 63 to 47 are equal in a canonical address (SDM 1, 3.3.7.1). */
function canonicalAddress(value: bigint): Address | undefined {
  const signed = BigInt.asIntN(64, value);
  return BigInt.asIntN(48, signed) === signed ? Number(signed) : undefined;
}

const refOf = (o: Operand): Ref | undefined =>
  o.kind === 'ref' || o.kind === 'mem' || o.kind === 'relative' ? o.ref : undefined;

function numberParam(o: Operand, params: readonly string[]): Operand {
  if (o.kind !== 'ref' && o.kind !== 'mem' && o.kind !== 'relative') return o;
  const { ref } = o;
  const param = ref && 'name' in ref ? params.indexOf(ref.name) : -1;
  return param < 0 ? o : { ...o, ref: { param } };
}

interface Code {
  readonly bytes: Uint8Array;
  readonly insns: readonly AbstractInsn[];
  readonly fixups: readonly Fixup[];
}

function encodeOrFar(
  insn: AbstractInsn,
  at: Address,
  atLeast: number,
  far: boolean,
): Code | Refusal {
  const code = encode(insn, at, atLeast);
  if (!isRefusal(code)) return { bytes: code.bytes, insns: [insn], fixups: code.fixups };
  return (far ? farForm(insn, at) : undefined) ?? code;
}

/** The forms that reach any address without a free register. */
function farForm(insn: AbstractInsn, at: Address): Code | Refusal | undefined {
  const [o] = insn.operands;
  // A hint asks for a length that does not reach.
  if (insn.mnemonic === 'jmp' && o?.kind === 'target' && insn.hint === undefined) {
    const through: AbstractInsn = {
      mnemonic: 'jmp',
      operands: [{ kind: 'mem', base: 'rip', disp: 0, width: 8 }],
    };
    const code = encode(through, at);
    if (isRefusal(code)) return code;
    const bytes = join([code.bytes, quad(BigInt(o.address))]);
    return { bytes, insns: [through], fixups: [] };
  }
  if (insn.mnemonic === 'push' && o?.kind === 'imm') {
    const value = BigInt.asIntN(64, o.value);
    const push: AbstractInsn = {
      mnemonic: 'push',
      operands: [{ kind: 'imm', value: BigInt.asIntN(32, value) }],
    };
    const high: AbstractInsn = {
      mnemonic: 'mov',
      operands: [
        { kind: 'mem', base: 4, disp: 4, width: 4 },
        { kind: 'imm', value: BigInt.asIntN(32, value >> 32n) },
      ],
    };
    const low = encode(push, at);
    const store = encode(high, at);
    if (isRefusal(low)) return low;
    if (isRefusal(store)) return store;
    return { bytes: join([low.bytes, store.bytes]), insns: [push, high], fixups: [] };
  }
  return;
}

const quad = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 8 }, (_, k) => Number((value >> BigInt(8 * k)) & 0xffn));
