// The manual's encoding notation, read once into a form that the encoder and the decoder share.
//
// The notation is that of the SDM, volume 2A, section 3.1.1.1: opcode bytes, `/r` and `/digit`, `+rd`, `ib id io`
// for immediates, `cb cd` for displacements of branches, `REX.W`. Two tokens are ours: `REX.B0`, the form holds only
// while REX.B is 0 (90 is NOP, with REX.B it is XCHG), and `NOREX`, no REX prefix at all.

import type { Register } from '../ops.ts';
import type { OperandWidth } from './operand.ts';

/** Where an operand stands in the bytes, and what it may be. */
export type Slot =
  | { readonly kind: 'reg'; readonly width: OperandWidth; readonly field: 'reg' | 'rm' | 'opcode' }
  /** ModRM.rm: memory, or a register too. Without a width no memory is accessed (LEA). */
  | { readonly kind: 'rm'; readonly width?: OperandWidth; readonly register: boolean }
  /** Sign-extended to the operation's width, where it is narrower. */
  | { readonly kind: 'imm'; readonly bytes: 1 | 4 | 8; readonly operation: 4 | 8 }
  | { readonly kind: 'rel'; readonly bytes: 1 | 4 }
  | { readonly kind: 'fixed'; readonly reg: Register; readonly width: OperandWidth }
  /** Text only: the length in `nop 5`. */
  | { readonly kind: 'literal'; readonly value: number };

export interface Form {
  readonly mnemonic: string;
  /** Prefixes that the form must have, in the order in which they are written: 66, F3, F0. */
  readonly prefixes: readonly number[];
  /** What REX.W must be; ignored where it is undefined. */
  readonly w: 0 | 1 | undefined;
  /** What REX.B must be. */
  readonly b: 0 | undefined;
  readonly rex: boolean;
  readonly opcode: readonly number[];
  /** The last opcode byte holds a register in its low three bits. */
  readonly plus: boolean;
  readonly modrm: 'r' | number | undefined;
  readonly tail: Tail | undefined;
  readonly slots: readonly Slot[];
}
export type Tail = 'ib' | 'id' | 'io' | 'cb' | 'cd';
export const tailBytes = { ib: 1, id: 4, io: 8, cb: 1, cd: 4 } as const;

const prefixBytes = new Set([0x66, 0xf0, 0xf3]);

/**
 * Reads `REX.W + 89 /r` and `mov r/m64, r64`. The operand that says `r/m` or `m` stands in ModRM.rm and the
 * register in ModRM.reg; of two plain registers the first stands in ModRM.rm (the manual's operand encoding MR).
 * Throws on what it does not know: a mistake in the table.
 */
export function parseForm(encoding: string, text: string): Form {
  const prefixes: number[] = [];
  const opcode: number[] = [];
  let rexW = false;
  let b: 0 | undefined;
  let rex = true;
  let plus = false;
  let modrm: 'r' | number | undefined;
  let tail: Tail | undefined;
  for (const token of encoding.split(' ')) {
    const byte = /^([0-9A-F]{2})(\+rd)?$/.exec(token);
    if (token === '+') continue;
    if (token === 'REX.W') rexW = true;
    else if (token === 'REX.B0') b = 0;
    else if (token === 'NOREX') rex = false;
    else if (byte) {
      const value = Number.parseInt(byte[1] ?? '', 16);
      if (opcode.length === 0 && prefixBytes.has(value)) prefixes.push(value);
      else opcode.push(value);
      plus = byte[2] !== undefined;
    } else if (token === '/r') modrm = 'r';
    else if (/^\/[0-7]$/.test(token)) modrm = Number(token[1]);
    else if (token in tailBytes) tail = token as Tail;
    else throw new Error(`notation '${encoding}': '${token}'`);
  }

  const match = /^((?:lock )?[a-z0-9]+)(?: (.+))?$/.exec(text);
  if (!match) throw new Error(`text '${text}'`);
  const patterns = match[2]?.split(', ') ?? [];
  const narrow = patterns.some((p) => /^(r|r\/m|m)(32|16)$|^eax$/.test(p));
  const w = rexW ? 1 : narrow ? 0 : undefined;
  const explicitRm = patterns.some((p) => /^(r\/m|m)\d*$/.test(p));
  let registers = 0;
  const slots = patterns.map((p): Slot => {
    const sized = /^(r|r\/m|m|imm|rel)(\d+)$/.exec(p);
    const bits = Number(sized?.[2]);
    const width = (bits / 8) as OperandWidth;
    if (p === 'm') return { kind: 'rm', register: false };
    if (/^\d$/.test(p)) return { kind: 'literal', value: Number(p) };
    if (p === 'eax') return { kind: 'fixed', reg: 0, width: 4 };
    if (p === 'rax') return { kind: 'fixed', reg: 0, width: 8 };
    switch (sized?.[1]) {
      case 'r': {
        const first = registers++ === 0;
        if (plus) return { kind: 'reg', width, field: 'opcode' };
        const inRm = modrm !== 'r' || (!explicitRm && first);
        return { kind: 'reg', width, field: inRm ? 'rm' : 'reg' };
      }
      case 'r/m':
        return { kind: 'rm', width, register: true };
      case 'm':
        return { kind: 'rm', width, register: false };
      case 'imm':
        return { kind: 'imm', bytes: width as 1 | 4 | 8, operation: w === 0 ? 4 : 8 };
      case 'rel':
        return { kind: 'rel', bytes: width as 1 | 4 };
      default:
        throw new Error(`text '${text}': '${p}'`);
    }
  });
  return { mnemonic: match[1] ?? '', prefixes, w, b, rex, opcode, plus, modrm, tail, slots };
}
