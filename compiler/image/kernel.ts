// The patcher and the breakpoint handlers as x86 code: each operation of the program's kernel, in its order.

import type { Content, KernelDo, Program, Stub } from '../ir.ts';
import { instructionTag } from '../ir.ts';
import type { Address, Expr } from '../ops.ts';
import type { Code } from './assembly.ts';
import type { Memory } from './memory.ts';
import { pageBytes } from './memory.ts';
import { insnsOf, isPlain, probe } from './passes.ts';
import type { Role, Translation } from './translate.ts';
import { below, frameAt, load, onFrame, restoreAll, saveAll } from './translate.ts';

const patcher: Role = { local: (i) => `[patcher_locals+${8 * i}]` };
/** Vectors of the image's own interrupts; those of the scenario's sources follow. */
export const vectors = { sync: 0x40, sources: 0x50, spurious: 0xff } as const;
/** Interrupt commands of the local APIC (SDM vol. 3A, 10.6.1): to all others, or to the one in the high word. */
const command = { others: 0xc4000, one: 0x4000, nmi: 0x400 } as const;

export class Kernel {
  private readonly t: Translation;
  private readonly p: Program;
  private readonly code: Code;
  private readonly memory: Memory;

  constructor(t: Translation, memory: Memory) {
    this.t = t;
    this.p = t.p;
    this.code = t.code;
    this.memory = memory;
  }

  emit(): void {
    const { p, code } = this;
    // The entry that Linux has for emulated calls: the frame moves six words down (`gap on`).
    code.add('breakpoint:');
    if (p.env.gap) {
      code.add('sub rsp, 8');
      for (let i = 0; i < 5; i++) code.add('push qword [rsp+40]');
    }
    const locals = p.locals.handler;
    code.add(`
      ${saveAll}
      mov rbp, rsp
      sub rsp, ${below.bytes(locals)}
      and qword [rbp+${frameAt.flags}], -65537
      mov rax, [rbp+${frameAt.ip}]
      dec rax
      mov [rbp${below.here}], rax`);
    for (let i = 0; i < locals; i++) code.add(`mov qword ${onFrame.local(i)}, 0`);
    p.places.forEach((place, i) => {
      const not = code.fresh('trap');
      code.add(`${load('rcx', place.from | 0, -1)}; cmp rax, rcx; jne ${not}`);
      code.add(`lock inc qword [trapped.${i}]; ${not}:`);
    });
    code.add('call lull');
    const { kernel, entry } = p;
    for (let k = entry.breakpoint; k < entry.patcher; k++) this.one(k, onFrame);
    code.add(`
      patcher:
      mov ebp, 0`);
    for (let i = 0; i < p.locals.patcher; i++) code.add(`mov qword ${patcher.local(i)}, 0`);
    for (let k = entry.patcher; k < kernel.length; k++) this.one(k, patcher);
    this.shared();
  }

  private one(k: number, role: Role): void {
    const op = (this.p.kernel[k] as Program['kernel'][number]).do;
    this.code.label(`k.${k}`);
    if (this.atomic && k >= this.atomic.end) this.atomic = undefined;
    if (!this.atomic && role === patcher && isAccess(op)) this.code.add('call moment');
    this.perform(op, k, role);
  }

  private perform(op: KernelDo, k: number, role: Role): void {
    const { code, t, p } = this;
    switch (op.kind) {
      case 'load':
        t.value(op.address, role);
        code.add(op.width === 4 || op.code ? 'mov eax, dword [rax]' : 'mov rax, [rax]');
        if (op.code) code.add('and eax, 0xff');
        if (this.atomic?.load === k) code.add(`mov ${this.atomic.old}, rax`);
        code.add(`mov ${role.local(op.to)}, rax`);
        return;
      case 'store':
        t.value(op.address, role);
        code.add('push rax');
        t.value(op.value, role);
        code.add('pop rdx');
        if (this.atomic) {
          const word = `${op.width === 8 ? 'qword' : 'dword'} [rdx], ${op.width === 8 ? 'rcx' : 'ecx'}`;
          code.add(`mov rcx, rax; mov rax, ${this.atomic.old}`);
          code.add(
            this.atomic.load === undefined
              ? `xchg ${word}`
              : `lock cmpxchg ${word}; jne ${this.atomic.again}`,
          );
        } else code.add(op.width === 8 ? 'mov [rdx], rax' : 'mov dword [rdx], eax');
        return;
      case 'atomic':
        this.locked(op, k, role);
        return;
      case 'poke':
        this.poke(op, k);
        return;
      case 'build':
        this.build(op);
        return;
      case 'release':
        this.release(op);
        return;
      case 'send': {
        const others = p.env.cpus - 1;
        code.add('mfence');
        if (others > 0) {
          code.add(`lock add qword [outstanding], ${others}`);
          for (let cpu = 1; cpu < p.env.cpus; cpu++)
            code.add(`lock inc qword [${op.nmi ? 'nmi_pending' : 'pending'}+${8 * cpu}]`);
          const what = op.nmi ? command.nmi : vectors.sync;
          code.add(`mov edx, 0xfee00000; mov dword [rdx+0x300], ${command.others | what}`);
        }
        if (op.self) code.add('call serialise');
        return;
      }
      case 'sendto': {
        if (op.cpu === 0) {
          if (op.self) code.add('call serialise');
          return;
        }
        if (!p.threads.some((x) => x.cpu === op.cpu)) return;
        code.add(`
          mfence
          lock inc qword [outstanding]
          lock inc qword [pending+${8 * op.cpu}]
          mov edx, 0xfee00000
          mov rax, [apic_ids+${8 * op.cpu}]
          mov dword [rdx+0x310], eax
          mov dword [rdx+0x300], ${command.one | vectors.sync}`);
        return;
      }
      case 'acks': {
        const again = code.fresh('acks');
        const done = code.fresh('acks');
        code.add(`
          ${again}:
          cmp qword [outstanding], 0
          je ${done}
          call watch
          pause
          jmp ${again}
          ${done}:`);
        return;
      }
      case 'step':
        for (const o of op.ops) {
          if (o.kind === 'serialise') code.add('call serialise');
          else if (o.kind === 'drain') code.add('mfence');
          else if (o.kind === 'set' && o.to.kind === 'flag' && o.value.kind === 'const')
            code.add(o.value.lo !== 0 ? 'sti' : 'cli');
        }
        return;
      case 'waittime':
        code.add('call delay');
        return;
      case 'emulatecall':
        t.value(op.target, role);
        code.add('push rax');
        t.value(op.back, role);
        code.add(`
          mov rcx, [rbp+${frameAt.sp}]
          sub rcx, 8
          mov [rbp+${frameAt.sp}], rcx
          mov [rcx], rax
          pop rax
          mov [rbp+${frameAt.ip}], rax`);
        return;
      case 'emulate':
        this.emulate(op.of, k, role);
        return;
      case 'iret':
        code.add(
          `call lull; call own_watch; call refetch; mov rsp, rbp; ${restoreAll.replaceAll('\n', ';')}; iretq`,
        );
        return;
      case 'end':
        code.add('jmp patcher_done');
        return;
      case 'set':
        t.value(op.value, role);
        t.assign(op.to, role);
        return;
      case 'jump':
        this.jump(op, role);
        return;
      case 'violate':
        code.add(t.fail(op.property));
        return;
      case 'begin':
        this.begin(op.patch);
        return;
      case 'finish':
        this.finish(op.patch);
        return;
      case 'ipiack':
        throw new Error('an acknowledgement stands in the IPI handler alone');
      case 'preempt':
      case 'nop':
        return;
    }
  }

  private jump(op: Extract<KernelDo, { kind: 'jump' }>, role: Role): void {
    const { code, t } = this;
    const test = op.when ?? op.unless;
    if (!test) {
      code.add(`jmp k.${op.to}`);
      return;
    }
    t.value(test, role);
    code.add(`test rax, rax; ${op.when ? 'jne' : 'je'} k.${op.to}`);
  }

  // ---- one locked step

  private atomic:
    | {
        readonly load: number | undefined;
        readonly old: string;
        readonly again: string;
        readonly end: number;
      }
    | undefined;

  /** One load and one store of a word become a locked compare and exchange, again until nobody came between. */
  private locked(op: Extract<KernelDo, { kind: 'atomic' }>, k: number, role: Role): void {
    const loads = this.p.kernel
      .slice(k + 1, op.end)
      .flatMap((x, i) => (x.do.kind === 'load' ? [k + 1 + i] : []));
    const again = this.code.fresh('atomic');
    this.code.label(again);
    this.atomic = {
      load: loads[0],
      old: role === patcher ? '[atomic_old]' : `[rbp${below.temp(7)}]`,
      again,
      end: op.end,
    };
  }

  // ---- code that changes

  /** Where bytes of the text are written: by their physical address, another mapping than the one that is fetched. */
  private alias(from: Address, bytes: number): number {
    const first = Math.floor(from / pageBytes);
    const last = Math.floor((from + bytes - 1) / pageBytes);
    return first === last ? this.memory.physical(from) : from;
  }

  private poke(op: Extract<KernelDo, { kind: 'poke' }>, k: number): void {
    const { code, p } = this;
    const place = p.places[op.place] as Program['places'][number];
    const from = place.from + op.from;
    const count = op.to - op.from;
    code.add(`mov rax, [new.${op.place}]; call becomes_current`);
    if (op.source.kind === 'bytes') {
      const name = `poke.${k}`;
      this.memory.write(this.memory.take(name, 48) + 16, op.source.bytes);
      code.add(`mov esi, ${name}+16`);
    } else
      code.add(`
        mov rsi, [${op.source.which}.${op.place}]
        dec rsi
        add rsi, rsi
        lea rsi, [content_bytes+rsi*8+${op.from}]`);
    const to = (address: Address): string => load('rdi', address | 0, address < 0 ? -1 : 0);
    if (op.unit.kind === 'together') {
      code.add(`${to(this.alias(from, count))}; mov ecx, ${count}; call poke_any`);
      return;
    }
    const { size, locked } = op.unit;
    if (size === 1 || count === 1) {
      code.add(`${to(this.alias(from, 1))}; mov eax, dword [rsi]; mov [rdi], al`);
      return;
    }
    const part = (first: Address, last: Address, window: Address): void => {
      const ahead = first - window;
      const bytes = last - first;
      const mask = ((1n << BigInt(8 * bytes)) - 1n) << BigInt(8 * ahead);
      const keep = BigInt.asUintN(64, ~mask);
      const register = size === 8 ? 'rax' : size === 4 ? 'eax' : 'ax';
      code.add(`
        ${to(this.alias(window, size))}
        mov rax, [rsi${plus(window - from)}]
        mov rcx, 0x${mask.toString(16)}
        and rax, rcx
        mov rdx, [rdi]
        mov rcx, 0x${keep.toString(16)}
        and rdx, rcx
        or rax, rdx
        ${locked ? 'xchg' : 'mov'} ${size === 2 ? '' : size === 4 ? 'dword ' : 'qword '}[rdi], ${register}`);
    };
    const parts = alignedParts(from, from + count, size);
    const [low, high] = parts;
    if (!low) return;
    if (!high) part(low.from, low.to, low.window);
    else if (locked) part(from, from + count, from);
    else {
      // Its parts become visible in any order.
      const down = code.fresh('part');
      const end = code.fresh('part');
      code.add(`call random; and eax, 1; je ${down}`);
      part(low.from, low.to, low.window);
      part(high.from, high.to, high.window);
      code.add(`jmp ${end}; ${down}:`);
      part(high.from, high.to, high.window);
      part(low.from, low.to, low.window);
      code.label(end);
    }
  }

  private build(op: Extract<KernelDo, { kind: 'build' }>): void {
    const { code, t, p } = this;
    const stub = p.stubs[op.stub] as Stub;
    const slot = patcher.local(op.slot);
    if (op.index === 0) {
      const found = code.fresh('slot');
      stub.slots.forEach((s, i) => {
        const not = code.fresh('slot');
        code.add(`
          cmp qword [slot.${op.stub}.${i}], 0
          jne ${not}
          mov qword [slot.${op.stub}.${i}], 1
          ${load('rax', s.from | 0, -1)}
          mov ${slot}, rax
          jmp ${found}
          ${not}:`);
      });
      code.add(`jmp k.${op.full}; ${found}:`);
    }
    const fixup = stub.fixups.find((f) => op.index >= f.offset && op.index < f.offset + f.width);
    if (fixup) {
      t.value(op.args[fixup.param] as Expr, patcher);
      if (fixup.kind === 'rel32')
        code.add(`mov rcx, ${slot}; add rcx, ${fixup.addend}; sub rax, rcx`);
      else code.add(`add rax, ${fixup.addend}`);
      code.add(`mov [scratch], rax; mov eax, dword [scratch+${op.index - fixup.offset}]`);
    } else code.add(`mov eax, ${stub.template[op.index]}`);
    code.add(`mov rdi, ${slot}; add rdi, ${op.index}; mov [rdi], al`);
  }

  private release(op: Extract<KernelDo, { kind: 'release' }>): void {
    const { code, t, p } = this;
    const stub = p.stubs[op.stub] as Stub;
    code.add('mov ebx, 0');
    stub.slots.forEach((s, i) => {
      const not = code.fresh('release');
      code.add(`
        cmp qword [slot.${op.stub}.${i}], 0
        je ${not}
        mov ebx, 1
        mov qword [slot.${op.stub}.${i}], 0
        ${load('rdi', s.from | 0, -1)}
        mov ecx, ${stub.template.length}
        mov eax, ${probe}
        call fill
        ${not}:`);
    });
    const fine = code.fresh('release');
    code.add(`
      test rbx, rbx
      jne ${fine}
      ${t.fail(t.property('stale_stub'))}
      ${fine}:
      mov qword ${patcher.local(op.slot)}, 0`);
  }

  /** What the places hold is read once, when the patch starts. */
  private begin(patch: number): void {
    const { code, p, t } = this;
    const info = p.patches[patch];
    if (!info) return;
    const done = code.fresh('begin');
    const compare = (place: number, content: number, otherwise: string): void => {
      const x = p.places[place] as Program['places'][number];
      code.add(`
        ${load('rsi', x.from | 0, -1)}
        mov edi, content_bytes+${16 * content}
        mov ecx, ${x.length}
        call same
        jne ${otherwise}`);
    };
    const put = (place: number, old: number, now: number): void => {
      code.add(`mov qword [old.${place}], ${old + 1}; mov qword [new.${place}], ${now + 1}`);
    };
    // Forward: every place holds its old content, or any where none is said.
    const backward = code.fresh('begin');
    const wrong = code.fresh('begin');
    for (const c of info.changes) if (c.old !== undefined) compare(c.place, c.old, backward);
    for (const c of info.changes) {
      if (c.old !== undefined) {
        put(c.place, c.old, c.new);
        continue;
      }
      put(c.place, c.new, c.new);
      for (const content of [...(p.places[c.place]?.contents ?? [])].reverse()) {
        const not = code.fresh('holds');
        compare(c.place, content, not);
        put(c.place, content, c.new);
        code.label(not);
      }
    }
    code.add(`jmp ${done}; ${backward}:`);
    if (info.changes.every((c) => c.old !== undefined)) {
      for (const c of info.changes) compare(c.place, c.new, wrong);
      for (const c of info.changes) put(c.place, c.new, c.old as number);
      code.add(`jmp ${done}`);
    }
    code.add(`${wrong}: ${t.fail(t.property('assertion'))}; ${done}:`);
  }

  private finish(patch: number): void {
    const { code, p } = this;
    for (const { place } of p.patches[patch]?.changes ?? []) {
      const x = p.places[place] as Program['places'][number];
      const not = code.fresh('finish');
      code.add(`
        ${load('rsi', x.from | 0, -1)}
        mov rdi, [new.${place}]
        dec rdi
        mov rbx, rdi
        add rdi, rdi
        lea rdi, [content_bytes+rdi*8]
        mov ecx, ${x.length}
        call same
        jne ${not}`);
      for (const c of x.contents) {
        const stays = code.fresh('current');
        code.add(`cmp rbx, ${c}; je ${stays}; mov qword [current.${c}], 0; ${stays}:`);
      }
      code.add(`${not}: mov qword [old.${place}], 0; mov qword [new.${place}], 0`);
    }
  }

  // ---- emulation

  private emulate(of: Expr, k: number, role: Role): void {
    const { code, t, p } = this;
    const end = `k.${k}.done`;
    const known = of.kind === 'const' && of.hi === instructionTag ? of.lo - 1 : undefined;
    const contents = p.contents.flatMap((c, i) =>
      known === undefined ? (c.place >= 0 ? [i] : []) : i === known ? [i] : [],
    );
    const nil = code.fresh('emulate');
    t.value(of, role);
    code.add(`test rax, rax; je ${nil}; ${load('rcx', 1, instructionTag)}; sub rax, rcx`);
    for (const c of contents) code.add(`cmp rax, ${c}; je k.${k}.${c}`);
    code.add(`${t.fail(t.property('assertion'))}; ${nil}: ${t.fail(t.property('nil_access'))}`);
    for (const c of contents) {
      const content = p.contents[c] as Content;
      code.label(`k.${k}.${c}`);
      if (content.place < 0) {
        // Its target counts from where it stands; what comes behind it, from the address that trapped.
        this.emulated(content, content.at, end);
        continue;
      }
      p.places.forEach((place, i) => {
        code.add(
          `${load('rcx', place.from | 0, -1)}; cmp rcx, [rbp${below.here}]; je k.${k}.${c}.${i}`,
        );
      });
      code.add(t.fail(t.property('assertion')));
      p.places.forEach((place, i) => {
        code.label(`k.${k}.${c}.${i}`);
        this.emulated(content, place.from, end);
      });
    }
    code.label(end);
  }

  private emulated(content: Content, at: Address, end: string): void {
    const { code, t } = this;
    const insn = insnsOf(content.bytes, at)?.[0];
    if (
      !insn ||
      !isPlain(insn.ops) ||
      insn.ops.some((o) => o.kind === 'shadow' || o.kind === 'rflags' || o.kind === 'when')
    ) {
      code.add(t.fail(t.property('assertion')));
      return;
    }
    const length = insn.next - at;
    code.add(`mov rax, [rbp${below.here}]; add rax, ${length}; mov [rbp+${frameAt.ip}], rax`);
    for (const o of insn.ops) {
      const behind =
        o.kind === 'push' && o.value.kind === 'const' && o.value.lo === (insn.next | 0);
      const op = behind
        ? {
            ...o,
            value: {
              kind: 'binary',
              op: 'add',
              a: { kind: 'here' },
              b: { kind: 'const', lo: length, hi: 0 },
              width: 8,
            } as const,
          }
        : o;
      t.op(op, onFrame, (target) => {
        t.value(target, onFrame);
        code.add(`mov [rbp+${frameAt.ip}], rax; jmp ${end}`);
      });
    }
    code.add(`jmp ${end}`);
  }

  private touches(): readonly string[] {
    const words = new Set<number>();
    for (const place of this.p.places)
      for (let i = 0; i < place.length; i++) words.add(this.memory.physical(place.from + i) & ~3);
    return [...words].map((w) => `lock add dword [0x${w.toString(16)}], 0`);
  }

  /** Routines that the operations call. */
  private shared(): void {
    this.code.add(`
      // A serialising instruction that every processor has.
      serialise:
        push rbx
        mov eax, 0
        cpuid
        pop rbx

      // What a serialising instruction does on a processor: QEMU keeps what it translated while a store was under way,
      // so the bytes are written once more as they are, and that translation goes.
      refetch:
        ${this.touches().join('\n')}
        ret

      // Content RAX - 1 is current from now on, for every pass that is open.
      becomes_current:
        cmp rax, 0
        je .none
        mov qword [current+rax*8-8], 1
        mfence
        mov edx, records
      .next:
        mov qword [rdx+rax*8+8], 1
        add rdx, record_bytes
        cmp rdx, records_end
        jb .next
      .none:
        ret

      // ECX bytes from RSI to RDI, one by one, up or down.
      poke_any:
        push rcx
        call random
        pop rcx
        and eax, 1
        je .down
      .up:
        mov eax, dword [rsi]
        mov [rdi], al
        inc rsi
        inc rdi
        dec ecx
        jne .up
        ret
      .down:
        add rsi, rcx
        add rdi, rcx
      .next:
        dec rsi
        dec rdi
        mov eax, dword [rsi]
        mov [rdi], al
        dec ecx
        jne .next
        ret

      // ECX bytes AL at RDI.
      fill:
        mov [rdi], al
        inc rdi
        dec ecx
        jne fill
        ret

      // Whether ECX bytes at RSI and RDI are the same, as ZF.
      same:
        mov eax, dword [rsi]
        mov edx, dword [rdi]
        xor eax, edx
        and eax, 0xff
        jne .end
        inc rsi
        inc rdi
        dec ecx
        jne same
      .end:
        ret`);
  }
}

const plus = (n: number): string => (n < 0 ? `${n}` : `+${n}`);

/**
 * A store as the aligned words that it falls in. QEMU writes code byte by byte where a store is not aligned (before
 * version 8.1), so that each word is stored by itself.
 */
export function alignedParts(
  from: Address,
  to: Address,
  size: number,
): readonly { readonly from: Address; readonly to: Address; readonly window: Address }[] {
  const parts: { from: Address; to: Address; window: Address }[] = [];
  for (let at = from; at < to; ) {
    const window = Math.floor(at / size) * size;
    const end = Math.min(to, window + size);
    parts.push({ from: at, to: end, window });
    at = end;
  }
  return parts;
}

function isAccess(op: KernelDo): boolean {
  switch (op.kind) {
    case 'set':
    case 'jump':
    case 'violate':
    case 'begin':
    case 'finish':
    case 'nop':
    case 'end':
    case 'iret':
      return false;
    default:
      return true;
  }
}
