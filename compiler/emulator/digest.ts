// A digest of a state: over its fields by name, those at 0 left out, so that it does not depend on how they are packed.

import type { Core } from './core.ts';

/** The visible state as lines `field[i] = value`, in the layout's order; fields at 0 are left out. */
export function listing(m: Core, state: Int32Array): readonly string[] {
  const out: string[] = [];
  for (const f of m.l.fields) {
    for (let i = 0; i < f.words; i++) {
      const value = state[f.at + i] as number;
      if (value !== 0) out.push(`${f.name}[${i}] = ${value}`);
    }
  }
  return out;
}

/** FNV-1a over the listing's UTF-16 units, twice with different starts: 16 hexadecimal digits. */
export function digest(m: Core, state: Int32Array): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const line of listing(m, state)) {
    for (let i = 0; i < line.length; i++) {
      const c = line.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b ^ c, 0x5bd1e995) ^ (b >>> 13);
    }
    a = Math.imul(a ^ 10, 0x01000193);
    b = Math.imul(b ^ 10, 0x5bd1e995);
  }
  const hex = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');
  return hex(a) + hex(b);
}
