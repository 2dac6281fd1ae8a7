// Small random specs: a whole protocol with one scenario for each seed, for who compares two ways of searching.
//
// Most are a protocol that somebody could mean, with a mistake in it or without; so that verdicts differ, and
// properties with them. Nothing counts without an end: registers are set anew in each turn of a loop, variables are
// set and not added to by code that runs for ever.

import { numbers } from './numbers.ts';

interface Random {
  below(n: number): number;
  chance(percent: number): boolean;
  of<T>(...choices: readonly T[]): T;
  /** What has the weight 3 comes three times as often as what has 1. */
  weighted<T>(...choices: readonly (readonly [number, T])[]): T;
}

function randomFrom(seed: number): Random {
  const random = numbers(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const of = <T>(...choices: readonly T[]): T => choices[below(choices.length)] as T;
  return {
    below,
    chance: (percent) => below(100) < percent,
    of,
    weighted: <T>(...choices: readonly (readonly [number, T])[]): T => {
      let left = below(choices.reduce((sum, [weight]) => sum + weight, 0));
      for (const [weight, choice] of choices) {
        left -= weight;
        if (left < 0) return choice;
      }
      throw new Error('a weight is negative');
    },
  };
}

/** What a place may hold. */
interface Content {
  readonly text: string;
  readonly kind: 'nop' | 'call' | 'jump' | 'branch' | 'trap' | 'data' | 'load' | 'several';
}

/** A content that a handler can do for who trapped. */
const isEmulated = ({ kind }: Content): boolean => !['trap', 'load', 'several'].includes(kind);

interface Site {
  readonly name: string;
  readonly bytes: number;
  readonly from: Content;
  readonly to: Content;
  /** Code behind a branch of its contents, and the place behind it, skipped by a short jump. */
  readonly slow: string;
  readonly over: string;
  /** The variable that says what a handler shall emulate. */
  readonly insn: string;
}

interface Handling {
  readonly lines: readonly string[];
  /** What the patcher does for it, before and after. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly sections: readonly string[];
}

/** Routines of which each calls the next one: a stack is so many words deep in the last. */
export function chain(name: string, deep: number): readonly string[] {
  return Array.from(
    { length: deep },
    (_, i) => `${name}${i || ''}: ${i < deep - 1 ? `call ${name}${i + 1}; ` : ''}ret`,
  );
}

export function spec(seed: number): string {
  return new Draft(randomFrom(seed), seed).text();
}

function contentsOf(bytes: number, slow: string, over: string): readonly Content[] {
  const nop: Content = { text: bytes === 1 ? 'nop' : `nop ${bytes}`, kind: 'nop' };
  const several = (text: string): Content => ({ text: `{ ${text} }`, kind: 'several' });
  switch (bytes) {
    case 1:
      return [
        nop,
        nop,
        nop,
        { text: 'int3', kind: 'trap' },
        { text: 'int3', kind: 'trap' },
        { text: 'sti', kind: 'data' },
        { text: 'cli', kind: 'data' },
      ];
    case 2:
      return [
        nop,
        { text: `jmp short ${over}`, kind: 'jump' },
        { text: `jne short ${over}`, kind: 'branch' },
        { text: 'inc eax', kind: 'data' },
        several('nop; nop'),
      ];
    case 3:
      return [
        nop,
        { text: 'mov rax, rcx', kind: 'data' },
        { text: 'add eax, 1', kind: 'data' },
        several(`jmp short ${over}; nop`),
        several('nop; nop 2'),
      ];
    case 5:
      return [
        nop,
        nop,
        { text: 'call one', kind: 'call' },
        { text: 'call one', kind: 'call' },
        { text: 'call two', kind: 'call' },
        { text: 'call two', kind: 'call' },
        { text: `jmp near ${slow}`, kind: 'jump' },
        { text: `jmp near ${over}`, kind: 'jump' },
        { text: 'mov eax, 1', kind: 'data' },
        { text: 'mov eax, 3', kind: 'data' },
        several('int3; nop 4'),
        several('inc eax; nop 3'),
      ];
    case 6:
      return [
        nop,
        { text: `jne near ${slow}`, kind: 'branch' },
        { text: `je near ${slow}`, kind: 'branch' },
        several('mov eax, 1; nop'),
        several(`nop; jmp near ${slow}`),
      ];
    case 8:
      return [
        nop,
        { text: 'mov [x], rax', kind: 'data' },
        { text: 'mov [y], rax', kind: 'data' },
        { text: 'mov rax, [x]', kind: 'load' },
      ];
    default:
      throw new Error(`no contents of ${bytes} bytes`);
  }
}

class Draft {
  private readonly r: Random;
  private readonly seed: number;
  private readonly sites: readonly Site[];
  /** Runner CPUs, and kinds of threads. */
  private readonly runners: number;
  private readonly kinds: number;
  /** How large the search becomes, in coarse steps: what makes it large is drawn less often where it is already. */
  private weight = 0;
  private labels = 0;
  private readonly vectors: string[] = [];
  private readonly settings: string[] = [];
  /** Options that the text has, which all are on unless the scenario says otherwise. */
  private readonly options: string[] = [];
  /** Labels in which a thread stands for ever. */
  private readonly rests: string[] = [];
  private usesInside = false;
  /** A routine that runs a place, and that an interrupt may call too. */
  private routine: string | undefined;

  constructor(r: Random, seed: number) {
    this.r = r;
    this.seed = seed;
    this.runners = r.weighted([73, 1], [25, 2], [2, 3]);
    this.kinds = this.runners === 2 && r.chance(35) ? 2 : 1;
    const two = r.chance(this.runners === 1 ? 20 : this.kinds === 2 ? 15 : 0);
    this.sites = (two ? [0, 1] : [0]).map((i) => this.site(i, two));
    this.weight = (this.runners - 1) * 6 + (two ? 3 : 0);
  }

  private site(i: number, two: boolean): Site {
    const { r, runners } = this;
    const bytes =
      runners > 2
        ? 1
        : runners > 1 || two
          ? r.weighted([6, 1], [5, 2], [3, 3], [1, 5])
          : r.weighted([2, 1], [2, 2], [2, 3], [11, 5], [3, 6], [2, 8]);
    const [slow, over] = [`slow${i}`, `over${i}`];
    const all = contentsOf(bytes, slow, over);
    // Who stands between two instructions is torn whatever the patcher does: that is found soon enough.
    const from = r.of(...all.filter((c) => c.kind !== 'several' || r.chance(25)));
    const to = r.of(...all.filter((c) => c.text !== from.text));
    return { name: `place${i}`, bytes, from, to, slow, over, insn: `insn${i}` };
  }

  text(): string {
    const { r, sites } = this;
    const routines: string[] = [];
    for (let k = 0; k < this.kinds; k++) routines.push(...this.thread(k));
    const events = [...this.events(), ...this.ipi()];
    const handlings = sites.map((s) => this.handler(s));
    const patches = this.patches(handlings);
    const requirements = this.requirements();
    const witnesses = this.witnesses();
    const expected = this.environment();
    const lines = [
      `protocol random_${this.seed} "Made at random"`,
      ...(this.options.length > 0 ? [`option ${this.options.join(', ')} = on`] : []),
      'code {',
      '  one:    mov eax, 1; ret',
      '  two:    mov eax, 2; ret',
      ...routines.map((l) => `  ${l}`),
      ...events.map((l) => `  ${l}`),
      '}',
      ...Array.from({ length: this.kinds }, (_, k) => `thread t${k} runs start${k}`),
      ...this.vectors,
      `shared x, y, z = ${r.of(0, 0, 1)}`,
      'shared seen, flag',
      `shared ${sites.map((s) => s.insn).join(', ')} = nil`,
      'shared record { field }',
      'shared cur = nil',
      'percpu own, inside',
      ...handlings.flatMap((h) => h.sections),
      ...patches,
      ...requirements,
      ...witnesses,
      `scenario "all" { ${expected} } expect holds`,
    ];
    return `${lines.join('\n')}\n`;
  }

  // ---- code

  /** The routine of a thread, and those that it calls. */
  private thread(k: number): readonly string[] {
    const { r } = this;
    // Several kinds of threads share the places, or have one each, or one of them runs none.
    const own = this.sites[k];
    const mine =
      this.kinds === 1
        ? this.sites
        : this.sites.length === 2 && own !== undefined
          ? [own]
          : k === 0
            ? this.sites
            : [];
    const passes =
      this.weight > 5 ? r.weighted([85, 0], [15, 1]) : r.weighted([60, 0], [20, 1], [20, 2]);
    if (passes > 0) this.weight += 1;
    const lines: string[] = [];
    // A stack is deep where nobody sees it: before the loop, or in each turn of it.
    const deep = r.chance(this.weight > 3 ? 1 : 7) ? chain(`deep${k}x`, 1 + r.below(50)) : [];
    const call = deep.map((_) => `        call deep${k}x`).slice(0, 1);
    if (deep.length > 0) this.weight += 3;
    lines.push(`start${k}:`);
    const once = passes === 2 && r.chance(50);
    if (once) lines.push(...call);
    if (passes === 2) lines.push('        mov ebx, 2', `loop${k}:`);
    if (!once) lines.push(...call);
    const routines: string[] = [...deep];
    this.privates(lines, this.weight > 5 ? 0 : r.below(2));
    for (const s of mine) this.run(s, lines, routines);
    // A thread without a place has to do with memory alone.
    if (mine.length === 0) {
      this.data(lines);
      if (this.weight < 6 && r.chance(50)) this.data(lines);
    } else if (this.weight < 4 && r.chance(25)) {
      this.data(lines);
      this.weight += 1;
    }
    this.privates(lines, this.weight > 5 ? 0 : r.below(2));
    if (passes === 0) lines.push(`        jmp start${k}`);
    else {
      if (passes === 2) lines.push(`        dec ebx`, `        jne loop${k}`);
      lines.push(`rest${k}: pause`, `        jmp rest${k}`);
      this.rests.push(`rest${k}`);
    }
    return [...lines, ...routines];
  }

  /** Code that comes to a place and goes on behind it: where it stands, or in a routine of its own. */
  private run(s: Site, lines: string[], routines: string[]): void {
    const { r } = this;
    const contents = [s.from, s.to];
    const uses = (word: string): boolean => contents.some((c) => c.text.includes(word));
    const routine = r.chance(this.weight > 5 ? 5 : 30);
    const at = routine ? routines : lines;
    const i = s.name.slice(-1);
    if (routine) {
      lines.push(`        call func${i}`);
      routines.push(`func${i}:`);
      this.routine = `func${i}`;
    }
    const masked = r.chance(8);
    if (masked) at.push('        cli');
    const inside = r.chance(7);
    if (inside) {
      this.usesInside = true;
      at.push('        mov edx, 1', '        mov gs:[inside], rdx');
    }
    // What the contents read is set on the way: what they leave must not add up.
    if (/\b(inc|add)\b|\], rax/.test(`${s.from.text} ${s.to.text}`))
      at.push(`        mov eax, ${1 + r.below(3)}`);
    if (uses('rcx')) at.push(`        mov ecx, ${1 + r.below(3)}`);
    if (uses('jne') || uses('je '))
      at.push(r.chance(50) ? `        cmp dword [x], ${r.below(2)}` : '        test rsp, rsp');
    at.push(`${s.name}: ${s.from.text}`);
    if (uses(s.over) || r.chance(10)) {
      if (r.chance(70)) at.push(`        ${r.of('nop', 'mov edx, 4', 'mov eax, 4')}`);
      at.push(`${s.over}:`);
    }
    const slow = uses(s.slow);
    if (slow) at.push(`back${i}:`);
    if (contents.some((c) => c.kind === 'call') || r.chance(25)) this.result(at);
    if (inside) at.push('        mov edx, 0', '        mov gs:[inside], rdx');
    if (masked) at.push('        sti');
    if (routine) at.push('        ret');
    if (slow)
      routines.push(`${s.slow}: ${r.of('nop', 'mov eax, 6', 'pause')}`, `        jmp back${i}`);
  }

  /** What a place left in RAX is read, sometimes. */
  private result(lines: string[]): void {
    if (this.weight > 3 || !this.r.chance(25)) return;
    this.weight += 1;
    lines.push('        mov [z], rax');
  }

  private privates(lines: string[], n: number): void {
    const { r } = this;
    for (let i = 0; i < n; i++) {
      const label = `skip${this.labels++}`;
      const some = r.weighted<readonly string[]>(
        [3, ['nop']],
        [3, [`mov ecx, ${r.below(4)}`]],
        [2, [`mov ecx, ${r.below(4)}`, 'add ecx, 1']],
        [1, ['push rcx', 'pop rcx']],
        [1, ['pushfq', 'popfq']],
        [1, ['xor ecx, ecx']],
        [1, ['pause']],
        [1, ['cpuid']],
        [2, [`mov ecx, ${r.below(3)}`, 'cmp ecx, 1', `${r.of('jne', 'jb', 'je')} short ${label}`]],
      );
      for (const l of some) lines.push(`        ${l}`);
      if (some.some((l) => l.endsWith(label))) lines.push('        nop', `${label}:`);
    }
  }

  private data(lines: string[]): void {
    const { r } = this;
    const label = `none${this.labels++}`;
    const [a, b] = r.of(['x', 'y'], ['y', 'x'], ['flag', 'x'], ['y', 'flag']) as [string, string];
    const some = r.weighted<readonly string[]>(
      [3, ['mov edx, 1', `mov [${a}], rdx`]],
      [3, [`mov rdx, [${a}]`, 'mov [seen], rdx']],
      [2, ['mov edx, 1', `mov [${a}], rdx`, 'mfence', `mov rdx, [${b}]`, 'mov [seen], rdx']],
      [2, ['mov edx, 1', `mov [${a}], rdx`, `mov rdx, [${b}]`, 'mov [seen], rdx']],
      [2, [`lock add qword [${a}], 0`]],
      [1, ['mov edx, 0', `lock xadd [${a}], rdx`, 'mov [seen], rdx']],
      [2, ['mov rdx, [cur]', 'test rdx, rdx', `je short ${label}`, 'mov rdx, [rdx]', `${label}:`]],
      [1, ['mov rdx, [cur]', 'mov rdx, [rdx]', 'mov [seen], rdx']],
      [1, ['mov edx, 1', `xchg [${a}], rdx`]],
      [1, ['mov eax, 0', 'mov edx, 1', `lock cmpxchg [${a}], rdx`]],
      [1, ['mov edx, 2', 'mov gs:[own], rdx']],
    );
    for (const l of some) lines.push(l.endsWith(':') ? l : `        ${l}`);
  }

  /** Interrupts of the environment, with code or without. */
  private events(): readonly string[] {
    const { r } = this;
    if (!r.chance(this.weight > 3 ? 1 : this.weight > 1 ? 5 : 22)) return [];
    const kind = r.of('irq', 'nmi');
    this.weight += 3;
    if (r.chance(40)) {
      this.settings.push(`${kind} 1`);
      return [];
    }
    const [site] = this.sites;
    this.vectors.push(`${kind} tick runs tick`);
    this.settings.push(`${kind} tick 1${r.chance(30) ? ' on 0' : ''}`);
    if (this.routine !== undefined && site !== undefined && r.chance(80))
      return [`tick:   call ${this.routine}`, '        iretq'];
    const body: string[] = [];
    this.data(body);
    return ['tick:', ...body, '        iretq'];
  }

  /** What the handler of a sync runs. */
  private ipi(): readonly string[] {
    const { r } = this;
    if (!r.chance(this.weight > 3 ? 1 : this.weight > 1 ? 4 : 15)) return [];
    this.weight += 3;
    this.vectors.push('ipi runs ring');
    const body: string[] = [];
    if (this.routine !== undefined && r.chance(30)) body.push(`        call ${this.routine}`);
    else if (r.chance(50)) this.data(body);
    this.privates(body, r.below(2));
    if (r.chance(10)) body.push('        sti');
    const deep = r.chance(20) ? chain('rung', 1 + r.below(40)) : [];
    if (deep.length > 0) body.push('        call rung');
    return ['ring:', ...body, '        ret', ...deep];
  }

  // ---- handlers

  private handler(s: Site): Handling {
    const { r } = this;
    const contents = [s.from, s.to];
    const before: string[] = [];
    const after: string[] = [];
    const sections: string[] = [];
    const lines: string[] = [];
    const none = { lines, before, after, sections };
    const traps = contents.some((c) => c.kind === 'trap' || c.text.includes('int3'));
    if (r.chance(3)) return none;
    // At a place that reads memory nothing may be emulated.
    const emulated = contents.some((c) => c.kind === 'load') ? [] : contents.filter(isEmulated);
    const allEmulated = emulated.length === 2;
    const nops = contents.some((c) => c.kind === 'nop' || /^\{( nop[ \d]*;?)+ \}$/.test(c.text));
    const calls = contents.every((c) => c.kind === 'call');
    const wrong = r.chance(9);
    const way = r.weighted(
      [allEmulated ? 4 : 0, 'variable'],
      [emulated.length * 2, 'emulate'],
      [traps ? 0 : allEmulated ? 2 : 4, 'spin'],
      [nops || wrong ? 4 : 0, 'skip'],
      [calls ? 5 : nops && !traps ? 2 : 0, 'stub'],
      [wrong ? 25 : emulated.length === 0 ? 1 : 0, 'elsewhere'],
    );
    // A guard of the patcher's: it must be seen before the INT3 is, and be gone only with it.
    const guarded = r.chance(way === 'variable' ? 0 : 12);
    if (guarded) {
      before.push('flag = 1');
      after.push('flag = 0');
      lines.push('if flag == 0 { decline }');
    }
    if (r.chance(12))
      lines.push(r.of('seen = 1', 'own = 1', 'let c = cpu', 'serialize', 'fence', 'atomic y = 1'));
    if (r.chance(3)) lines.push(r.of('frame.rcx = 5', 'frame.rax = 9'));
    switch (way) {
      case 'variable':
        before.push(`${s.insn} = ${this.sites.length > 1 ? `${s.name}.new` : 'new'}`);
        after.push(`${s.insn} = nil`);
        lines.push(
          `let i = ${s.insn}`,
          r.chance(30)
            ? `if i == nil { if ${s.name}[0] != int3 { resume here }; decline }`
            : 'if i == nil { decline }',
          'emulate i',
        );
        break;
      case 'emulate':
        lines.push(`emulate ${r.of(...emulated).text.replace(' short', ' near')}`);
        break;
      case 'spin':
        lines.push('resume here');
        break;
      case 'skip':
        lines.push(`resume ${s.name}.end`);
        break;
      case 'elsewhere':
        lines.push(
          r.of(
            'resume start0',
            'resume one',
            `resume ${s.name}.end`,
            ...(emulated.length > 0 ? ['emulate call two', 'emulate mov eax, 7'] : []),
            'decline',
          ),
        );
        break;
      case 'stub':
        this.stub(s, calls, none);
        break;
    }
    const at = r.chance(95) ? ` at ${s.name}` : '';
    const decided = at === '' ? [`if here != ${s.name} { decline }`, ...lines] : lines;
    sections.push(`on breakpoint${at} {`, ...decided.map((l) => `  ${l}`), '}');
    return none;
  }

  /** A stub that does what a content does, built before the INT3 and released behind the last sync. */
  private stub(s: Site, calls: boolean, into: Handling): void {
    const { r } = this;
    const [lines, before, after, sections] = [
      into.lines as string[],
      into.before as string[],
      into.after as string[],
      into.sections as string[],
    ];
    const name = `stub_${s.name}`;
    const target = this.sites.length > 1 ? `${s.name}.new.target` : 'new.target';
    const shadowed = r.chance(75) ? 'sti; ' : '';
    const body = calls
      ? `push ${s.name}.end; ${shadowed}jmp target`
      : `nop; ${shadowed}jmp ${s.name}.end`;
    const many = r.chance(25);
    sections.push(`stub ${name}${calls ? '(target)' : ''}${many ? ' slots 2' : ''} { ${body} }`);
    const built = `build ${name}${calls ? `(${target})` : ''}`;
    before.push(many ? `${s.insn} = ${built}` : built);
    if (r.chance(85)) after.push(`release ${name}`);
    if (shadowed !== '')
      lines.push(
        `if frame.if { frame.if = off; resume ${many ? s.insn : name} } else { resume here }`,
      );
    else lines.push(`resume ${many ? s.insn : name}`);
  }

  // ---- patches

  private patches(handlings: readonly Handling[]): readonly string[] {
    const { r, sites } = this;
    const apart = sites.length > 1 && r.chance(30);
    const groups = apart ? sites.map((s) => [s]) : [sites];
    const sync = this.synchronisation();
    const lines: string[] = [];
    groups.forEach((group, g) => {
      const mine = handlings.filter((_, i) => group.includes(sites[i] as Site));
      const changes = group.map(
        (s) => `${s.name}: ${r.chance(6) ? '' : `${s.from.text} -> `}${s.to.text}`,
      );
      const heads = changes.map((c, i) =>
        c.includes('->') ? c : `${(group[i] as Site).name} -> ${(group[i] as Site).to.text}`,
      );
      lines.push(`patch ${groups.length > 1 ? `p${g} at ` : ''}${heads.join('; ')} {`);
      for (const l of this.body(group, mine, sync)) lines.push(`  ${l}`);
      lines.push('}');
    });
    if (r.chance(this.weight > 3 ? 3 : this.weight > 1 ? 8 : 40)) {
      this.settings.push('patches 2');
      this.weight += 2;
    }
    return lines;
  }

  /** What this protocol takes for a synchronisation. */
  private synchronisation(): string {
    return this.r.weighted(
      [82, 'sync cores'],
      [8, 'sync threads'],
      [8, 'sync cores by nmi'],
      [3, 'sync cores without self'],
      [3, 'sync cores without waiting'],
      [2, 'wait time'],
      [2, 'serialize'],
      [1, 'fence'],
    );
  }

  private body(
    group: readonly Site[],
    handlings: readonly Handling[],
    sync: string,
  ): readonly string[] {
    const { r } = this;
    const lines: string[] = [];
    const add = (...some: readonly string[]): void => {
      lines.push(...some);
    };
    let count = 0;
    const synced = (percent: number): void => {
      if (r.chance(12)) {
        const name = `sync_${this.options.length}`;
        this.options.push(name);
        add(`if ${name} { ${sync} }`);
        if (r.chance(22)) this.settings.push(`${name} = off`);
      } else if (r.chance(percent)) add(sync);
      count++;
      if (count === 1 || r.chance(15)) this.extra(lines);
    };
    add(...handlings.flatMap((h) => h.before));
    // Where the stores of stubs and flags are not seen as the INT3 is, that is a race of its own.
    if (r.chance(20)) add(r.of('fence', sync));
    const each = (body: (s: Site) => string): void => {
      for (const s of group) add(body(s));
    };
    // One byte that is or becomes an INT3 needs no other one in front of it.
    const whole = group.every(
      (s) => s.bytes === 1 && [s.from, s.to].some((c) => c.kind === 'trap'),
    );
    const short = group.every((s) => s.bytes === 1);
    const form = r.weighted(
      [whole ? 8 : short ? 1 : 0, 'byte'],
      [whole ? 1 : 18, 'guarded'],
      [whole ? 0 : 1, 'straight'],
      [whole ? 0 : 1, 'jumbled'],
      [whole ? 0 : 1, 'undone'],
    );
    const order = r.weighted(
      [7, ' as any order'],
      [3, ''],
      [2, ' as bytes descending'],
      [1, ' as store4'],
      [1, ' as locked store4'],
    );
    const tail = (s: Site): string =>
      s.bytes === 1
        ? ''
        : `poke ${s.name}[1..]${s.bytes === 5 ? order : order.replace(/ as.*store4/, '')}`;
    const inPhase = (name: string, some: readonly string[]): void => {
      const said = some.filter((l) => l !== '');
      if (said.length > 0) add(`phase ${name} { ${said.join('; ')} }`);
    };
    switch (form) {
      case 'byte':
        each((s) => `poke ${s.name}[0]`);
        synced(80);
        break;
      case 'guarded':
        inPhase(
          'guard',
          group.map((s) => `poke ${s.name}[0] = int3`),
        );
        synced(95);
        inPhase('tail', group.map(tail));
        synced(95);
        inPhase(
          'head',
          group.map((s) => `poke ${s.name}[0]`),
        );
        synced(95);
        break;
      case 'straight':
        each(
          (s) => `poke ${s.name}${r.of('', ' as any order', s.bytes === 5 ? ' as store8' : '')}`,
        );
        synced(80);
        break;
      case 'jumbled':
        each((s) => `poke ${s.name}[0] = int3`);
        synced(80);
        each((s) => `poke ${s.name}[0]`);
        synced(50);
        each(tail);
        synced(80);
        break;
      case 'undone':
        each((s) => `poke ${s.name}[0] = int3`);
        synced(90);
        each((s) => `poke ${s.name}[0] = old`);
        synced(80);
        break;
    }
    add(...handlings.flatMap((h) => h.after));
    return lines;
  }

  /** A statement that has nothing to do with the bytes. */
  private extra(lines: string[]): void {
    const { r } = this;
    if (this.weight > 8 || !r.chance(this.weight > 4 ? 15 : 40)) return;
    const choices: (readonly [number, string])[] = [
      [4, 'x = 1'],
      [2, 'x += 1'],
      [2, 'y = 1'],
      [2, 'atomic { x += 1 }'],
      [1, `let w${lines.length} = y; x = w${lines.length}`],
      [2, 'record.field = 1; cur = record'],
      [1, 'cur = record; fence; cur = nil'],
      [1, 'serialize'],
      [1, 'fence'],
      [1, 'irqs off; y = 2; irqs on'],
      [1, 'preempt off; y = 2; preempt on'],
      [1, 'wait time'],
      [1, 'assert y < 2 "y is small"'],
      [1, 'if y == 1 { x = 2 }'],
      [1, 'wait for seen == 0'],
      [1, 'wait for y == 1'],
      [1, 'for k in cpus { if k != cpu { wait for own[k] != 3 } }'],
      [this.usesInside ? 12 : 0, 'for k in cpus { if k != cpu { wait for inside[k] == 0 } }'],
    ];
    lines.push(r.weighted(...choices));
    this.weight += 1;
  }

  // ---- what is asked

  private requirements(): readonly string[] {
    const { r, sites } = this;
    const lines: string[] = [];
    const site = r.of(...sites).name;
    const n = r.weighted([70, 0], [23, 1], [7, 2]);
    const rest = this.rests[0];
    for (let i = 0; i < n; i++)
      lines.push(
        `require own${i}: ${r.weighted(
          [3, `never ${r.of('x', 'y', 'seen')} == ${2 + r.below(2)}`],
          [2, `never x == 1 and y == ${r.below(2)}`],
          [3, 'always seen == 0 or x == 1 or y == 1 or flag == 1'],
          [2, `never ${r.of('y', 'seen')} == 1`],
          [2, `after patch ${site}[0] != int3`],
          [1, `after patch x == ${r.below(2)}`],
          [1, 'after patch flag == 0'],
          [1, `eventually ${r.of('x', 'y')} == 1`],
          [rest ? 3 : 0, `eventually t0 at ${rest}`],
          [1, 'eventually x == 0'],
          [1, `never trap at ${site} and x == 1`],
          [1, `never handling ${site} and in nmi`],
          [1, `never pass ${site} as old and y == 1`],
          [1, 'never t0 returns into one'],
          [1, `always ${site}[0] != 0`],
        )}`,
      );
    if (r.chance(4))
      lines.push(
        `waive ${r.of('converges', 'old_or_new', 'registers_kept', 'terminates')} "drawn"`,
      );
    return lines;
  }

  private witnesses(): readonly string[] {
    const { r, sites } = this;
    const site = r.of(...sites).name;
    const all = [
      `pass ${site} as old`,
      `pass ${site} as new`,
      ...(r.chance(30) ? [`trap at ${site}`] : []),
      ...(r.chance(15) ? [`t0 at ${site}`] : []),
      ...(r.chance(10) ? [`handling ${site}`] : []),
      ...(r.chance(8) ? [`${r.of('x', 'y', 'seen')} == 1`] : []),
      ...this.rests.slice(0, 1).map((l) => `t0 at ${l}`),
    ];
    return all.filter(() => r.chance(60)).map((w) => `witness ${w}`);
  }

  // ---- the environment

  private environment(): string {
    const { r, settings, weight } = this;
    const single = this.kinds === 1 && this.runners <= 2 && r.chance(12);
    // More threads than CPUs, and so preemption.
    if (single) settings.push('cpus 1', `threads ${this.runners}`);
    else if (this.kinds === 2) settings.push(`cpus ${this.runners + 1}`);
    else if (this.runners > 1) settings.push(`cpus ${this.runners + 1}`);
    if (!single && weight < 3 && r.chance(4)) settings.push(r.of('preempt on', 'migrate on'));
    if (r.chance(9)) settings.push(r.of('gate trap', 'gate signal'));
    if (r.chance(10)) settings.push('gap off');
    if (r.chance(10)) settings.push('rsp 8');
    if (r.chance(10)) settings.push(`ist ${r.of('breakpoint', 'nmi', 'both')}`);
    if (r.chance(8)) settings.push('shadow stack on');
    if (r.chance(5)) settings.push('nmi in shadow held');
    if (r.chance(weight > 5 ? 90 : weight > 2 ? 70 : 15)) settings.push('memory sc');
    if (r.chance(5)) settings.push('staleness bounded');
    if (r.chance(15))
      settings.push(`${r.of(...this.sites).name} at ${r.of(0, 5, 60, 62, 63)} of 64`);
    if (r.chance(weight < 3 ? 5 : 1)) settings.push(`fetch ${r.of('amd', 'zen3')}`);
    if (r.chance(4)) settings.push(`switch serialises ${r.of('other', 'all')}`);
    return settings.join('; ');
  }
}
