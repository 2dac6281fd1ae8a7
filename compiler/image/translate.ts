// Values and micro-operations as x86 code: the same `Expr` and `Op` that the emulator interprets.
//
// Code that acts for an interrupted context has RBP at its saved registers, with the exception frame behind them and
// its own words below. A value is made in RAX; RCX and RDX are free, everything else is kept.

import type { Program } from '../ir.ts';
import { instructionTag } from '../ir.ts';
import type { Expr, FrameWord, Op, Register, Target } from '../ops.ts';
import { flagBits, RSP, statusFlags } from '../ops.ts';
import { conditions } from '../x86/table.ts';
import type { Code } from './assembly.ts';

/** The general registers in the order in which entry code pushes them. */
const pushed = ['rax', 'rcx', 'rdx', 'rbx', 'rbp', 'rsi', 'rdi'].concat(
  Array.from({ length: 8 }, (_, i) => `r${8 + i}`),
);
export const saveAll = pushed.map((r) => `push ${r}`).join('\n');
export const restoreAll = [...pushed]
  .reverse()
  .map((r) => `pop ${r}`)
  .join('\n');
export const frameAt: Readonly<Record<FrameWord, number>> = {
  ip: 120,
  cs: 128,
  flags: 136,
  sp: 144,
  ss: 152,
};
/** Bytes of saved registers and frame. */
export const savedBytes = 160;
/** Where a register of the interrupted context stands, from RBP. */
export const savedAt = (r: Register): number =>
  r === RSP ? frameAt.sp : 8 * (14 - (r < RSP ? r : r - 1));
/** Words below RBP: temporaries of one instruction, the address that trapped, a return address, locals. */
export const below = {
  temp: (i: number): number => -8 * (1 + i),
  here: -72,
  ret: -80,
  local: (i: number): number => -8 * (11 + i),
  bytes: (locals: number): number => 8 * (10 + locals),
} as const;
const at = (offset: number): string => `[rbp${offset < 0 ? '' : '+'}${offset}]`;

/** Whose locals are meant, and what an instruction's effects are for. */
export interface Role {
  readonly local: (index: number) => string;
  /** Nothing is stored, and a return address is only noted: what an instruction would leave. */
  readonly dry?: boolean;
}
export const onFrame: Role = { local: (i) => at(below.local(i)) };
export const expecting: Role = { ...onFrame, dry: true };

const big = (lo: number, hi: number): string =>
  `0x${BigInt.asUintN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0)).toString(16)}`;
/** A constant into a register, in any width. */
export const load = (register: string, lo: number, hi: number): string =>
  `mov ${register}, ${hi === 0 && lo >= 0 ? lo : big(lo, hi)}`;

export class Translation {
  readonly code: Code;
  readonly p: Program;

  constructor(code: Code, p: Program) {
    this.code = code;
    this.p = p;
  }

  /** A violation of a property: the round ends. */
  fail(property: number): string {
    return `mov edi, ${property}; jmp fail_here`;
  }

  value(e: Expr, role: Role): void {
    const { code } = this;
    switch (e.kind) {
      case 'const':
        code.add(load('rax', e.lo, e.hi));
        return;
      case 'reg':
        code.add(
          e.width === 4 ? `mov eax, dword ${at(savedAt(e.reg))}` : `mov rax, ${at(savedAt(e.reg))}`,
        );
        return;
      case 'flag':
        this.bit(at(frameAt.flags), flagBits[e.flag]);
        return;
      case 'rflags':
        code.add(`mov rax, ${at(frameAt.flags)}; and eax, ${statusFlags | flagBits.if}; or eax, 2`);
        return;
      case 'condition': {
        // The status flags of the context, the others as they are: IF among them.
        const end = code.fresh('condition');
        code.add(`
          mov rax, ${at(frameAt.flags)}
          and eax, ${statusFlags}
          pushfq
          pop rcx
          and ecx, ${~(statusFlags | 0) & 0x3fffff}
          or rax, rcx
          push rax
          popfq
          mov eax, 1
          ${conditions[e.code]?.[0]} ${end}
          mov eax, 0
          ${end}:`);
        return;
      }
      case 'temp':
        code.add(`mov rax, ${at(below.temp(e.index))}`);
        return;
      case 'gsbase':
        code.add('mov rax, gs:[me.base]');
        return;
      case 'load':
        this.value(e.address, role);
        code.add(e.width === 4 ? 'mov eax, dword [rax]' : 'mov rax, [rax]');
        return;
      case 'binary':
        this.binary(e, role);
        return;
      case 'not':
        this.value(e.a, role);
        this.truth('je');
        return;
      case 'both':
      case 'either': {
        const end = code.fresh('early');
        this.value(e.a, role);
        this.truth('jne');
        code.add(`test rax, rax; ${e.kind === 'both' ? 'je' : 'jne'} ${end}`);
        this.value(e.b, role);
        this.truth('jne');
        code.label(end);
        return;
      }
      case 'local':
        code.add(`mov rax, ${role.local(e.index)}`);
        return;
      case 'cpu':
        code.add('mov rax, gs:[me.cpu]');
        return;
      case 'here':
        code.add(`mov rax, ${at(below.here)}`);
        return;
      case 'frame':
        code.add(`mov rax, ${at(frameAt[e.word])}`);
        return;
      case 'framereg':
        code.add(`mov rax, ${at(savedAt(e.reg))}`);
        return;
      case 'frameif':
        this.bit(at(frameAt.flags), flagBits.if);
        return;
      case 'within':
        code.add(`mov rax, gs:[me.${e.context}]`);
        this.truth('jne');
        return;
      case 'content':
        code.add(`
          ${load('rcx', 0, instructionTag)}
          mov rax, [${e.which}.${e.place}]
          or rax, rcx`);
        return;
      case 'target':
        this.value(e.of, role);
        this.contentIndex();
        code.add('mov rax, [content_targets+rax*8]');
        return;
      case 'byteof': {
        const fine = code.fresh('byte');
        this.value(e.index, role);
        code.add('push rax');
        this.value(e.of, role);
        this.contentIndex();
        code.add(`
          pop rcx
          cmp rcx, [content_lengths+rax*8]
          jb ${fine}
          ${this.fail(this.property('assertion'))}
          ${fine}:
          add rax, rax
          lea rax, [content_bytes+rax*8]
          mov eax, dword [rax+rcx]
          and eax, 0xff`);
        return;
      }
      case 'codebyte':
        this.value(e.address, role);
        code.add('mov eax, dword [rax]; and eax, 0xff');
        return;
      case 'operand':
      case 'address':
      case 'next':
      case 'at':
      case 'returns':
      case 'handling':
      case 'event':
        throw new Error(`a ${e.kind} is nothing that a statement says`);
    }
  }

  property(name: string): number {
    return this.p.properties.indexOf(name);
  }

  /** 1 in RAX if the test of RAX against 0 comes out so, else 0. */
  private truth(jump: 'je' | 'jne'): void {
    const end = this.code.fresh('truth');
    this.code.add(`mov rcx, rax; mov eax, 1; cmp rcx, 0; ${jump} ${end}; mov eax, 0; ${end}:`);
  }
  private bit(word: string, mask: number): void {
    this.code.add(`mov rax, ${word}; and eax, ${mask}`);
    this.truth('jne');
  }
  /** From an instruction as a value to its index among the contents, in RAX. */
  private contentIndex(): void {
    const { code } = this;
    const some = code.fresh('content');
    const fine = code.fresh('content');
    code.add(`
      test rax, rax
      jne ${some}
      ${this.fail(this.property('nil_access'))}
      ${some}:
      ${load('rcx', 1, instructionTag)}
      sub rax, rcx
      cmp rax, ${this.p.contents.length}
      jb ${fine}
      ${this.fail(this.property('assertion'))}
      ${fine}:`);
  }

  private binary(e: Extract<Expr, { kind: 'binary' }>, role: Role): void {
    const { code } = this;
    this.value(e.a, role);
    code.add('push rax');
    this.value(e.b, role);
    code.add('mov rcx, rax; pop rax');
    if (e.width === 4) code.add('mov eax, eax; mov ecx, ecx');
    switch (e.op) {
      case 'add':
      case 'sub':
      case 'and':
      case 'or':
      case 'xor':
        code.add(`${e.op} rax, rcx`);
        break;
      case 'mul':
        code.add('imul rax, rcx');
        break;
      case 'div': {
        const fine = code.fresh('div');
        code.add(`
          test rcx, rcx
          jne ${fine}
          ${this.fail(this.property('assertion'))}
          ${fine}:
          mov edx, 0
          div rcx`);
        break;
      }
      default: {
        const jump = { eq: 'je', ne: 'jne', lt: 'jb', le: 'jbe', gt: 'ja', ge: 'jae' }[e.op];
        const end = code.fresh('compare');
        code.add(`cmp rax, rcx; mov eax, 1; ${jump} ${end}; mov eax, 0; ${end}:`);
      }
    }
    if (e.width === 4) code.add('mov eax, eax');
  }

  /** RAX to a target. */
  assign(to: Target, role: Role): void {
    const { code } = this;
    switch (to.kind) {
      case 'reg':
        if (to.width === 4) code.add('mov eax, eax');
        code.add(`mov ${at(savedAt(to.reg))}, rax`);
        return;
      case 'flag':
        this.putBit(flagBits[to.flag]);
        return;
      case 'frameif':
        this.putBit(flagBits.if);
        return;
      case 'temp':
        code.add(`mov ${at(below.temp(to.index))}, rax`);
        return;
      case 'local':
        code.add(`mov ${role.local(to.index)}, rax`);
        return;
      case 'frame':
        code.add(`mov ${at(frameAt[to.word])}, rax`);
        return;
      case 'framereg':
        code.add(`mov ${at(savedAt(to.reg))}, rax`);
        return;
      case 'operand':
        throw new Error('an operand was left in an instruction that is translated');
    }
  }
  private putBit(mask: number): void {
    const { code } = this;
    const clear = code.fresh('bit');
    code.add(`
      mov rcx, ${at(frameAt.flags)}
      and ecx, ${~mask & 0x3fffff}
      test rax, rax
      je ${clear}
      or ecx, ${mask}
      ${clear}:
      mov ${at(frameAt.flags)}, rcx`);
  }

  /** An instruction's operation on the saved context; `goes` says where its branch continues in this code. */
  op(o: Op, role: Role, goes: (target: Expr) => void): void {
    const { code } = this;
    switch (o.kind) {
      case 'set':
        this.value(o.value, role);
        this.assign(o.to, role);
        return;
      case 'store':
        if (role.dry) return;
        this.value(o.address, role);
        code.add('push rax');
        this.value(o.value, role);
        code.add(`pop rcx; ${o.width === 4 ? 'mov dword [rcx], eax' : 'mov [rcx], rax'}`);
        return;
      case 'push':
        this.value(o.value, role);
        code.add(`mov rcx, ${at(frameAt.sp)}; sub rcx, 8; mov ${at(frameAt.sp)}, rcx`);
        if (!role.dry) code.add('mov [rcx], rax');
        else if (o.as === 'return') code.add(`mov ${at(below.ret)}, rax`);
        return;
      case 'pop':
        code.add(
          `mov rcx, ${at(frameAt.sp)}; mov rax, [rcx]; add rcx, 8; mov ${at(frameAt.sp)}, rcx`,
        );
        this.assign(o.to, role);
        return;
      case 'branch': {
        if (!o.when) {
          goes(o.target);
          return;
        }
        const not = code.fresh('branch');
        this.value(o.when, role);
        code.add(`test rax, rax; je ${not}`);
        goes(o.target);
        code.label(not);
        return;
      }
      case 'when': {
        const otherwise = code.fresh('when');
        const end = code.fresh('when');
        this.value(o.value, role);
        code.add(`test rax, rax; je ${otherwise}`);
        for (const x of o.then) this.op(x, role, goes);
        code.add(`jmp ${end}; ${otherwise}:`);
        for (const x of o.else) this.op(x, role, goes);
        code.label(end);
        return;
      }
      case 'status':
        this.status(o, role);
        return;
      case 'rflags':
        this.value(o.value, role);
        code.add(`and eax, ${statusFlags | flagBits.if}; or eax, 2; mov ${at(frameAt.flags)}, rax`);
        return;
      // The return from the interrupt that this runs in serialises, and takes longer than a shadow lasts.
      case 'shadow':
      case 'serialise':
      case 'drain':
      case 'locked':
      case 'halt':
        return;
      case 'trap':
      case 'iret':
      case 'fault':
        throw new Error(`${o.kind} is nothing that is done for another context`);
    }
  }

  /** The processor's own flags of the same operation. */
  private status(o: Extract<Op, { kind: 'status' }>, role: Role): void {
    const { code } = this;
    const [a, b] = o.width === 8 ? ['rax', 'rcx'] : ['eax', 'ecx'];
    this.value(o.a, role);
    code.add('push rax');
    this.value(o.b, role);
    code.add('mov rcx, rax; pop rax');
    const kept = o.op === 'inc' || o.op === 'dec' ? statusFlags & ~flagBits.cf : statusFlags;
    const does = {
      add: `add ${a}, ${b}`,
      sub: `cmp ${a}, ${b}`,
      logic: `test ${a}, ${a}`,
      inc: `inc ${a}`,
      dec: `dec ${a}`,
    }[o.op];
    code.add(`
      ${does}
      pushfq
      pop rax
      and eax, ${kept}
      mov rcx, ${at(frameAt.flags)}
      and ecx, ${~kept & 0x3fffff}
      or rax, rcx
      mov ${at(frameAt.flags)}, rax`);
  }
}
