// What a check's forms mention: the kinds of expressions in it, and the instructions that it has.

import type { Program } from '../ir.ts';
import type { Expr, Op } from '../ops.ts';
import { decode, instantiate } from '../x86/decode.ts';

/** Every expression in a form, itself and its parts, whatever the form is: both forms are plain data. */
export function mentions(form: unknown, look: (e: Expr) => boolean): boolean {
  if (typeof form !== 'object' || form === null) return false;
  if (Array.isArray(form)) return form.some((x) => mentions(x, look));
  if (ArrayBuffer.isView(form)) return false;
  if ('kind' in form && look(form as Expr)) return true;
  return Object.values(form).some((x) => mentions(x, look));
}

/** The operations of every instruction that the spec has: in its text, in contents of places, in stubs. */
export function instructions(p: Program): readonly (readonly Op[])[] {
  const found: (readonly Op[])[] = [];
  const read = (bytes: Uint8Array, from: number): number => {
    const d = decode(bytes, bytes.length);
    if (d.kind !== 'insn') return 1;
    found.push(instantiate(d, from));
    return d.length;
  };
  for (const range of p.text)
    for (const address of p.spans.keys()) {
      const offset = address - range.from;
      if (offset >= 0 && offset < range.bytes.length) read(range.bytes.subarray(offset), address);
    }
  for (const content of p.contents)
    for (let i = 0; i < content.bytes.length; )
      i += read(content.bytes.subarray(i), content.at + i);
  for (const stub of p.stubs)
    for (const offset of stub.spans.keys()) read(stub.template.subarray(offset), offset);
  return found;
}
