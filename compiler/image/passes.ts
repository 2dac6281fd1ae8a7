// Passes as an image sees them: a debug breakpoint opens one at a place, a byte at each arrival closes and judges it.
//
// The same judgement as `emulator/passes.ts`, and never a stricter one: a pass is opened before the fetch and closed
// behind the arrival, so it has seen every version that the model's pass has.

import { readsMemory } from '../footprint.ts';
import type { Content, Place, Program } from '../ir.ts';
import { property } from '../ir.ts';
import type { Address, Expr, Op } from '../ops.ts';
import { flagBits, statusFlags } from '../ops.ts';
import { decode, instantiate } from '../x86/decode.ts';
import type { Translation } from './translate.ts';
import { below, expecting, frameAt, onFrame, savedAt, savedBytes } from './translate.ts';

/** An instruction of a content, where it stands. */
interface Insn {
  readonly from: Address;
  readonly next: Address;
  readonly ops: readonly Op[];
}

export function insnsOf(bytes: Uint8Array, at: Address): readonly Insn[] | undefined {
  const insns: Insn[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const rest = bytes.slice(offset);
    const d = decode(rest, rest.length);
    if (d.kind !== 'insn') return undefined;
    const from = at + offset;
    insns.push({ from, next: from + d.length, ops: instantiate(d, from) });
    offset += d.length;
  }
  return insns;
}

const simple = new Set([
  'set',
  'store',
  'status',
  'push',
  'pop',
  'branch',
  'when',
  'rflags',
  'shadow',
]);
/** Whether an operation list can be done for an interrupted context. */
export const isPlain = (ops: readonly Op[]): boolean => ops.every((o) => simple.has(o.kind));

export const targetOf = (e: Expr): Address | undefined =>
  e.kind === 'const' && e.hi === -1 ? e.lo : undefined;

/** Where a pass of a place can arrive: behind it, and at the fixed targets of its contents. */
export function arrivalsOf(p: Program, place: Place): ReadonlySet<Address> {
  const set = new Set<Address>([place.from + place.length]);
  for (const c of place.contents)
    for (const insn of insnsOf((p.contents[c] as Content).bytes, place.from) ?? [])
      for (const op of insn.ops) {
        const to = op.kind === 'branch' ? targetOf(op.target) : undefined;
        if (to !== undefined) set.add(to);
      }
  for (let i = 0; i < place.length; i++) set.delete(place.from + i);
  return set;
}

/** A record of an open pass: which, whether it went away, what it has seen, and what each content would leave. */
export interface Records {
  readonly bytes: number;
  readonly seen: (content: number) => number;
  readonly expected: (index: number) => number;
}
const expectedBytes = below.bytes(0) + savedBytes;
export function recordsOf(p: Program): Records {
  const head = 16 + 8 * p.contents.length;
  const most = Math.max(1, ...p.places.map((x) => x.contents.length));
  return {
    bytes: head + most * expectedBytes,
    seen: (content) => 16 + 8 * content,
    expected: (index) => head + index * expectedBytes + below.bytes(0),
  };
}

/** The byte that stands at an arrival: INTO, which 64-bit mode refuses by #UD (SDM vol. 2A, INT n/INTO). */
export const probe = 0xce;

export class Passes {
  private readonly t: Translation;
  private readonly p: Program;
  private readonly records: Records;
  /** Every address at which a pass can arrive and that is no place's own. */
  readonly arrivals: ReadonlyMap<Address, Insn>;
  /** Why the passes of this program cannot be seen. */
  readonly refusal: string | undefined;

  constructor(t: Translation, byteAt: (a: Address) => number | undefined) {
    this.t = t;
    this.p = t.p;
    this.records = recordsOf(t.p);
    const found = new Map<Address, Insn>();
    let refusal: string | undefined;
    for (const place of t.p.places) {
      for (const address of arrivalsOf(t.p, place)) {
        if (t.p.places.some((x) => x.from === address)) continue;
        const bytes = Uint8Array.from({ length: 15 }, (_, i) => byteAt(address + i) ?? 0);
        const d = decode(bytes, 15);
        const ops = d.kind === 'insn' ? instantiate(d, address) : [];
        if (d.kind !== 'insn' || !isPlain(ops))
          refusal ??= `the instruction behind ${place.name} or at its target is one that the probe there cannot stand in for`;
        else found.set(address, { from: address, next: address + d.length, ops });
      }
    }
    this.arrivals = found;
    this.refusal = refusal;
  }

  /** All code: the #DB handler's part, the #UD handler's, the judgement of each place. */
  emit(): void {
    const { t, p, records } = this;
    const { code } = t;
    // #DB: RBP at the saved registers.
    code.add(`
      opens:
        mov rbx, gs:[me.record]
        mov rax, ${`[rbp+${frameAt.ip}]`}`);
    p.places.forEach((place, i) => {
      code.add(`
        mov rcx, ${hex(place.from)}
        cmp rax, rcx
        je open.${i}`);
    });
    code.add('mov edi, 1; jmp fail_fault');
    p.places.forEach((place, i) => {
      code.add(`
        open.${i}:
        mov rax, [rbx]
        cmp rax, 0
        je open.${i}.new
        cmp rax, ${i + 1}
        jne open.${i}.other
        mov rax, [rbx+8]
        cmp rax, 0
        jne open.${i}.other
        jmp ${this.reads(place) ? `open.${i}.expect` : 'opened'}
        open.${i}.other:`);
      // It may arrive exactly where the next place begins.
      code.add(`call judge; cmp rax, 0; je open.${i}.new; ${t.fail(property('old_or_new'))}`);
      code.label(`open.${i}.new`);
      for (const c of place.contents) code.add(`mov qword [rbx+${records.seen(c)}], 0`);
      code.add('mfence');
      for (const c of place.contents) {
        const no = code.fresh('seen');
        code.add(`
          cmp qword [current.${c}], 0
          je ${no}
          mov qword [rbx+${records.seen(c)}], 1
          ${no}:`);
      }
      code.add(`mov qword [rbx+8], 0; mov qword [rbx], ${i + 1}; open.${i}.expect:`);
      place.contents.forEach((_, k) => {
        code.add(`mov rsi, rbp; lea rdi, [rbx+${records.expected(k)}]; call copy_frame`);
        code.add(`push rbp; mov rbp, rdi; call expect.${i}.${k}; pop rbp`);
      });
      code.add('jmp opened');
    });
    p.places.forEach((place, i) => {
      place.contents.forEach((content, k) => {
        this.expectation(place, p.contents[content] as Content, `expect.${i}.${k}`);
      });
    });
    this.judge();
    // #UD at a probe: judges, then does what stands below the probe.
    code.add(`
      probes:
        mov rbx, gs:[me.record]
        mov rax, [rbp+${frameAt.ip}]`);
    const all = [...this.arrivals];
    all.forEach(([address], i) => {
      code.add(`mov rcx, ${hex(address)}; cmp rax, rcx; je arrival.${i}`);
    });
    code.add('jmp no_probe');
    all.forEach(([, insn], i) => {
      code.add(`arrival.${i}: call judge`);
      code.add(`mov rax, ${hex(insn.next)}; mov [rbp+${frameAt.ip}], rax`);
      for (const op of insn.ops)
        t.op(op, onFrame, (target) => {
          t.value(target, onFrame);
          code.add(`mov [rbp+${frameAt.ip}], rax; jmp arrived`);
        });
      code.add('jmp arrived');
    });
  }

  /** What a content reads from memory counts when it is executed, so a retry asks again. */
  private reads(place: Place): boolean {
    return place.contents.some((c) =>
      insnsOf((this.p.contents[c] as Content).bytes, place.from)?.some((x) => readsMemory(x.ops)),
    );
  }

  /** Runs a content by itself on the copy of the frame at RBP. */
  private expectation(place: Place, content: Content, name: string): void {
    const { t } = this;
    const { code } = t;
    const end = `${name}.end`;
    code.add(`${name}: mov qword [rbp${below.ret}], 0`);
    const insns = insnsOf(content.bytes, place.from) ?? [];
    for (const insn of insns) {
      code.add(`${name}.${insn.from - place.from}:`);
      code.add(`mov rax, ${hex(insn.next)}; mov [rbp+${frameAt.ip}], rax`);
      code.add(`mov qword [rbp${below.ret}], 0`);
      for (const op of insn.ops)
        t.op(op, expecting, (target) => {
          const to = targetOf(target);
          const inside = insns.find((x) => x.from === to);
          if (inside) code.add(`jmp ${name}.${inside.from - place.from}`);
          else {
            t.value(target, expecting);
            code.add(`mov [rbp+${frameAt.ip}], rax; jmp ${end}`);
          }
        });
    }
    code.add(`${end}: ret`);
  }

  /** Closes the open pass of the record at RBX if the context at RBP has arrived; RAX is 1 where one stays open. */
  private judge(): void {
    const { t, p, records } = this;
    const { code } = t;
    code.add(`judge: mov rax, [rbx]; cmp rax, 0; jne judge.open; ret; judge.open:`);
    p.places.forEach((_, i) => {
      code.add(`cmp rax, ${i + 1}; je judge.${i}`);
    });
    code.add('jmp judge.away');
    p.places.forEach((place, i) => {
      const arrivals = [...arrivalsOf(p, place)];
      code.add(`judge.${i}: mov rax, [rbp+${frameAt.ip}]`);
      for (const a of arrivals) code.add(`mov rcx, ${hex(a)}; cmp rax, rcx; je judge.${i}.here`);
      code.add(`jmp judge.away; judge.${i}.here: mov r13, 0`);
      place.contents.forEach((content, k) => {
        const next = `judge.${i}.${k}.not`;
        const e = (offset: number): string => `[rbx+${records.expected(k) + offset}]`;
        const kept = `judge.${i}.${k}.kept`;
        code.add(`
          mov rax, [rbp+${frameAt.ip}]
          cmp rax, ${e(frameAt.ip)}
          jne ${next}
          mov rdx, [rbp+${frameAt.sp}]
          cmp rdx, ${e(frameAt.sp)}
          jne ${next}
          mov rax, ${e(below.ret)}
          cmp rax, 0
          je judge.${i}.${k}.ret
          cmp rax, [rdx]
          jne ${next}
          judge.${i}.${k}.ret:
          cmp qword [rbx+${records.seen(content)}], 0
          jne judge.${i}.${k}.seen
          or r13, 1
          jmp ${next}
          judge.${i}.${k}.seen:`);
        for (const r of p.registers) {
          if (place.dead.includes(r)) continue;
          code.add(`mov rax, [rbp+${savedAt(r)}]; cmp rax, ${e(savedAt(r))}; jne ${kept}`);
        }
        const flags = place.flagsDead ? flagBits.if : flagBits.if | statusFlags;
        code.add(`
          mov rax, [rbp+${frameAt.flags}]
          xor rax, ${e(frameAt.flags)}
          and eax, ${flags}
          jne ${kept}
          lock inc qword [passed.${content}]
          jmp judge.closed
          ${kept}:
          or r13, 2
          ${next}:`);
      });
      // Registers first, then a version that was superseded: as the model reports it.
      for (const [mask, name] of [
        [2, 'registers_kept'],
        [1, 'converges'],
        [0, 'old_or_new'],
      ] as const) {
        const not = code.fresh('verdict');
        if (mask) code.add(`mov rax, r13; and eax, ${mask}; je ${not}`);
        const waived = p.waived.has(property(name));
        code.add(waived ? 'jmp judge.closed' : t.fail(property(name)));
        code.label(not);
      }
    });
    code.add(`
      judge.away:
        mov qword [rbx+8], 1
        mov eax, 1
        ret
      judge.closed:
        mov qword [rbx], 0
        mov qword [rbx+8], 0
        inc qword gs:[me.passes]
        mov eax, 0
        ret`);
  }
}

const hex = (address: Address): string => `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`;
