// The image's own code as text: lines of assembly to items of the assembler, the subset's instructions by the table.

import { registers } from '../ops.ts';
import type { Assembled, Item } from '../x86/assemble.ts';
import { assemble } from '../x86/assemble.ts';
import type { AbstractInsn, Operand, Ref } from '../x86/operand.ts';
import { registerOf } from '../x86/text.ts';
import type { Beyond } from './beyond.ts';
import { beyond } from './beyond.ts';

const byText = new Map(beyond.map((x) => [`${x.bits} ${x.text}`, x]));

export class Code {
  private readonly items: Item<string>[] = [];
  private readonly symbols: ReadonlyMap<string, number>;
  private readonly labels = new Set<string>();
  private count = 0;
  /** The last label without a dot: those that begin with one are its own. */
  private scope = '';
  /** The mode of what is added next. */
  bits: Beyond['bits'] = 64;

  constructor(symbols: ReadonlyMap<string, number>) {
    this.symbols = symbols;
  }

  /** A label that no other has. */
  fresh(what: string): string {
    return `${what}.is${this.count++}`;
  }
  label(name: string): void {
    if (!name.includes('.')) this.scope = name;
    const whole = this.scoped(name);
    if (this.labels.has(whole)) throw new Error(`two labels are called ${whole}`);
    this.labels.add(whole);
    this.items.push({ kind: 'label', name: whole });
  }
  private scoped(name: string): string {
    return name.startsWith('.') ? `${this.scope}${name}` : name;
  }
  data(bytes: Uint8Array, text: string): void {
    this.items.push({ kind: 'data', bytes, text, span: text });
  }
  align(to: number): void {
    this.items.push({ kind: 'align', to, span: 'align' });
  }

  /** Lines of assembly: `label:`, an instruction, or both; a comment stands behind `//`. */
  add(text: string): void {
    for (const line of text.replace(/\/\/.*/g, '').split(/[\n;]/)) {
      const m = /^\s*(?:([.\w]+):)?\s*(.*?)\s*$/.exec(line);
      if (m?.[1]) this.label(m[1]);
      if (m?.[2]) this.line(m[2]);
    }
  }

  private line(text: string): void {
    const own = this.beyond(text);
    if (own) this.data(own, text);
    else this.items.push({ kind: 'insn', insn: this.parse(text), span: text });
  }

  /** What is reached by an address is known before: data and code of other parts. */
  private beyond(text: string): Uint8Array | undefined {
    const plain = byText.get(`${this.bits} ${text}`);
    if (plain) return Uint8Array.from(plain.bytes);
    const m = /^(\w+ (?:far )?)(\[?)([.\w]+?)(?::([.\w]+))?(\]?)$/.exec(text);
    const row = m && byText.get(`${this.bits} ${m[1]}${m[2]}@${m[5]}`);
    if (!row) return undefined;
    const value = (name: string): number => {
      const known = /^\d/.test(name) ? Number(name) : this.symbols.get(name);
      if (known === undefined) throw new Error(`${text}: ${name} has no address`);
      return known;
    };
    const target = value(row.tail === 'far32' ? (m?.[4] as string) : (m?.[3] as string));
    const little = (n: number, width: number): number[] =>
      Array.from({ length: width }, (_, i) => (n >>> (8 * i)) & 0xff);
    const tail =
      row.tail === 'far32'
        ? [...little(target, 4), ...little(value(m?.[3] as string), 2)]
        : little(target, row.tail === 'abs16' ? 2 : 4);
    return Uint8Array.from([...row.bytes, ...tail]);
  }

  private parse(text: string): AbstractInsn {
    const m = /^((?:lock )?[a-z]\w*)(?: (short|near)\b)?\s*(.*)$/.exec(text);
    if (!m) throw new Error(`no instruction: ${text}`);
    const operands =
      (m[3] as string) === ''
        ? []
        : (m[3] as string).split(/\s*,\s*/).map((o) => operand(this.scoped(o)));
    return {
      mnemonic: m[1] as string,
      operands,
      ...(m[2] ? { hint: m[2] as 'short' | 'near' } : {}),
    };
  }

  assemble(base: number): Assembled<string> {
    const made = assemble(this.items, base, { resolve: (name) => this.symbols.get(name) });
    if (made.kind === 'refused')
      throw new Error(made.refusals.map((r) => `${r.span}: ${r.refusal.message}`).join('\n'));
    return made;
  }
}

const number = /^-?(0x[0-9a-f]+|\d+)$/;

/** A register, a number, a name with an offset, or memory: `qword gs:[rax+rcx*8+name-16]`. */
function operand(text: string): Operand {
  const memory = /^(?:(dword|qword) )?(gs:)?\[(.*)\]$/.exec(text);
  if (memory) {
    let disp = 0;
    let ref: Ref | undefined;
    let base: number | 'rip' | undefined;
    let index: { index: number; scale: 1 | 2 | 4 | 8 } | undefined;
    for (const term of (memory[3] as string).split(/(?=[+-])/)) {
      const plain = term.replace(/^\+/, '').trim();
      const scaled = /^(\w+)\*([1248])$/.exec(plain);
      const r = registers.indexOf((scaled?.[1] ?? plain) as (typeof registers)[number]);
      if (r >= 0 && scaled) index = { index: r, scale: Number(scaled[2]) as 1 | 2 | 4 | 8 };
      else if (r >= 0 && base !== undefined) index = { index: r, scale: 1 };
      else if (r >= 0) base = r;
      else if (plain === 'rip') base = 'rip';
      else if (number.test(plain))
        disp += plain.startsWith('-') ? -Number(plain.slice(1)) : Number(plain);
      else ref = { name: plain };
    }
    return {
      kind: 'mem',
      disp,
      ...(base === undefined ? {} : { base }),
      ...index,
      ...(ref ? { ref } : {}),
      ...(memory[2] ? { seg: 'gs' as const } : {}),
      ...(memory[1] ? { width: memory[1] === 'dword' ? (4 as const) : (8 as const) } : {}),
    };
  }
  const r = registerOf(text);
  if (r) return { kind: 'reg', reg: r.reg, width: r.width };
  if (number.test(text)) {
    const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
    return { kind: 'imm', value };
  }
  const m = /^([.\w]+?)([+-]\d+)?$/.exec(text);
  if (!m) throw new Error(`no operand: ${text}`);
  return { kind: 'ref', ref: { name: m[1] as string }, addend: Number(m[2] ?? 0) };
}
