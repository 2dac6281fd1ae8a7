// Generated code as a Promela model for Spin: one process a CPU, one `d_step` an action, the state as one array.
//
// Every stored state is a state of the search, word for word; two things are added. The first step of a run
// leaves nothing behind (the array is initialised), and each way to break a property ends in one state of its own,
// where all words are 0 and `failed` says which it was.

import { cpuField, createLayout, taskField } from '../emulator/layout.ts';
import { region } from '../ir.ts';
import { registers } from '../ops.ts';
import type { Statement, Word } from './code.ts';
import { outcomeOfLimit, outcomeOutside } from './outcomes.ts';
import type { Transitions } from './transitions.ts';

/** The model's text. `about` is what its head says: the protocol, the scenario, the options. */
export function promela(made: Transitions, about: readonly string[]): string {
  return new Printer(made).model(about);
}

const keyword = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');

class Printer {
  private readonly made: Transitions;
  private readonly lines: string[] = [];
  private readonly absolute: readonly {
    readonly name: string;
    readonly at: number;
    readonly words: number;
  }[];
  /** Offsets from a CPU's, a task's and a context's record, by the variable that holds it. */
  private readonly relative: Readonly<Record<string, ReadonlyMap<number, string>>>;
  private readonly names = new Map<string, number>();
  private readonly code = new Map<number, string>();
  private labels = 0;

  constructor(made: Transitions) {
    this.made = made;
    const p = made.program;
    const l = createLayout(p);
    const taken = new Set<string>();
    this.absolute = made.fields.map((f) => {
      let name = keyword(f.name);
      while (taken.has(name)) name += '_';
      taken.add(name);
      return { ...f, name };
    });
    const task = new Map<number, string>();
    for (const [name, at] of Object.entries(taskField)) task.set(at, `T_${keyword(name)}`);
    ['rsp', ...p.registers.map((r) => registers[r] as string)].forEach((r, i) => {
      task.set(l.registers + 2 * i, `T_${keyword(r)}`);
      task.set(l.registers + 2 * i + 1, `T_${keyword(r)}_HIGH`);
    });
    task.set(l.contexts, 'T_CONTEXTS');
    const context = new Map<number, string>([
      [0, 'C_KIND'],
      [l.ctx.base, 'C_BASE'],
      [l.ctx.here, 'C_HERE'],
      [l.ctx.pass, 'C_PASS'],
      [l.ctx.mask, 'C_MASK'],
      [l.ctx.locals, 'C_LOCALS'],
      [l.ctx.saved, 'C_SAVED'],
    ]);
    this.relative = {
      at: new Map(Object.entries(cpuField).map(([name, at]) => [at, `CPU_${keyword(name)}`])),
      t: task,
      c: context,
    };
    for (const [address, name] of p.labels) this.code.set(address | 0, `AT_${keyword(name)}`);
    for (const place of p.places) {
      this.code.set(place.from | 0, `AT_${keyword(place.name)}`);
      this.code.set((place.from + place.length) | 0, `AT_${keyword(place.name)}_END`);
    }
  }

  model(about: readonly string[]): string {
    const { made } = this;
    const body: string[] = [];
    const p = made.program;
    for (const r of made.routines) body.push(...this.routine(r.name, r.comment, r.body));
    const processes = this.processes();
    const outcomes = p.properties.map((name, i) => ` * ${String(i + 1).padStart(4)}  ${name}`);
    const head = [
      '/*',
      ...about.map((x) => ` * ${x.replaceAll('*/', '* /')}`),
      ' *',
      ' * Made by `suture emit --format promela`. Count all its states with',
      ' *',
      ' *   spin -a FILE',
      ` *   gcc -O1 -DSAFETY -DNOREDUCE -DNOFAIR -DVECTORSZ=${4 * made.initial.length + 1024} -o pan pan.c`,
      ' *   ./pan -c0 -n -m1000000',
      ' *',
      ' * An assertion names the property that a run broke, by its number; such a run ends in the one state where',
      ' * `failed` is that number, which the count has besides the states of the search.',
      ' *',
      ...outcomes,
      ` * ${outcomeOfLimit}  a bound of the machine was hit: the count is none`,
      ` * ${outcomeOutside}  a step that this model does not have: the count is none`,
      ' */',
      '',
    ];
    const declared = [
      ...new Set([
        ...made.variables,
        'cpu',
        'at',
        'task',
        't',
        'c',
        'outcome',
        'events',
        'finished',
      ]),
    ];
    const defines = [...this.names]
      .sort((a, b) => (a[0] < b[0] ? -1 : 1))
      .map(([name, value]) => `#define ${name} ${value < 0 ? `(${literal(value)})` : value}`);
    const cpus = p.env.cpus;
    const chosen = made.chosen.map(
      (x) => `#define ${x.name.toUpperCase()} (${this.value(x.value, true)})`,
    );
    const state = [...made.initial].map((w) => String(w >>> 0));
    const rows: string[] = [];
    for (let i = 0; i < state.length; i += 24) rows.push(`  ${state.slice(i, i + 24).join(', ')}`);
    return [
      ...head,
      ...defines,
      '',
      '/* The records of the CPU that a process is, of its task, and of the context on top. */',
      ...chosen,
      '',
      '/* The state, word for word as the search has it. */',
      `int s[${made.initial.length}] = {`,
      `${rows.join(',\n')} };`,
      '',
      '/* The property that a run broke, and which ended it; 0 while none is. */',
      'short failed;',
      '',
      '/* What lives inside one step. */',
      ...wrapped(declared.map((v) => `${v}_`)),
      `hidden int kept[${made.scratch}];`,
      'hidden int word_i;',
      '',
      ...body,
      '/* A run that broke a property ends, and says which. */',
      '#define ended() \\',
      ...this.end().map((x, i, all) => `  ${x}${i < all.length - 1 ? ' \\' : ''}`),
      '',
      `active [${cpus}] proctype cpu()`,
      '{',
      'end:',
      '  do',
      ...processes,
      '  od',
      '}',
      '',
    ].join('\n');
  }

  private routine(name: string, comment: string, body: readonly Statement[]): string[] {
    const start = this.lines.length;
    this.block(body, '  ', 'fail');
    const lines = this.lines.splice(start);
    if (lines.length === 0) lines.push('  skip;');
    return [
      `/* ${comment} */`,
      `#define ${name}(fail) \\`,
      ...lines.map((x, i) => (i < lines.length - 1 ? `${x} \\` : x)),
      '',
    ];
  }

  private processes(): string[] {
    const { made } = this;
    const start = this.lines.length;
    for (const a of made.actions) {
      const label = this.label();
      this.lines.push(`  /* ${a.name.replaceAll('*/', '* /')} */`);
      this.lines.push(`  :: d_step { failed == 0 && ${this.value(a.guard, true)} ->`);
      this.lines.push('      cpu_ = _pid; outcome_ = 0; events_ = 0; finished_ = 0;');
      this.block(made.select, '      ', label);
      this.block(a.body, '      ', label);
      this.block(made.judge, '      ', label);
      this.lines.push(`${label}:`);
      this.lines.push('      ended();');
      this.lines.push('    }');
    }
    return this.lines.splice(start);
  }

  /** A run that broke something ends: in what the spec waives, or in the state of its property. */
  private end(): string[] {
    const { made } = this;
    const clear = (then: string): string[] => [
      'word_i = 0;',
      `do :: word_i < ${made.initial.length} -> s[word_i] = 0; word_i++ :: else -> break od;`,
      then,
    ];
    const waived = made.waived.map((p) => `outcome_ == ${p + 1}`);
    return [
      'if',
      ':: outcome_ == 0 -> skip',
      ...(made.ended >= 0 && waived.length > 0
        ? [`:: ${waived.join(' || ')} ->`, ...clear(`s[${made.ended}] = 1`).map((x) => `   ${x}`)]
        : []),
      ':: else ->',
      ...clear('failed = outcome_;').map((x) => `   ${x}`),
      ...this.assertions().map((x) => `   ${x}`),
      'fi',
    ];
  }
  private assertions(): string[] {
    const names = this.made.program.properties.map((_, i) => i + 1);
    return [...names, outcomeOfLimit, outcomeOutside].map((n) => `assert(failed != ${n});`);
  }

  private label(): string {
    return `L${++this.labels}`;
  }

  private block(body: readonly Statement[], indent: string, leave: string): void {
    for (const s of body) this.statement(s, indent, leave);
  }

  private statement(s: Statement, indent: string, leave: string): void {
    const say = (line: string): void => {
      this.lines.push(indent + line);
    };
    const deeper = `${indent}   `;
    const inner = (body: readonly Statement[]): void => {
      if (body.length === 0) this.lines.push(`${deeper}skip`);
      else this.block(body, deeper, leave);
    };
    switch (s.kind) {
      case 'set':
        say(`${s.to}_ = ${this.value(s.value)};`);
        return;
      case 'put':
        say(`s[${this.place(s.at, false)}] = ${this.value(s.value)};`);
        return;
      case 'if': {
        say('if');
        let rest: Statement = s;
        // A chain of tests of one variable against different values is a choice.
        for (;;) {
          say(`:: ${this.value(rest.when)} ->`);
          inner(rest.yes);
          const next: Statement | undefined = rest.no.length === 1 ? rest.no[0] : undefined;
          if (next?.kind !== 'if' || !sameTest(rest.when, next.when)) break;
          rest = next;
        }
        if (rest.no.length === 0) say(':: else');
        else {
          say(':: else ->');
          inner(rest.no);
        }
        say('fi;');
        return;
      }
      case 'while':
        say('do');
        say(`:: ${this.value(s.when)} ->`);
        inner(s.body);
        say(':: else -> break');
        say('od;');
        return;
      case 'call':
        say(`${s.routine.name}(${leave});`);
        return;
      case 'violate':
        say(`outcome_ = ${this.value(s.outcome)}; goto ${leave};`);
        return;
      case 'note':
        return;
      case 'attempt': {
        const label = this.label();
        this.block(s.body, indent, label);
        this.lines.push(`${label}:`);
        say('skip;');
        return;
      }
      case 'keep':
      case 'restore': {
        const from = `${this.place(s.at, false)}${this.place(s.at, false) === '0' ? '' : ''}`;
        const outer = `s[${from} + word_i]`;
        const scratch = s.to === 0 ? 'kept[word_i]' : `kept[${s.to} + word_i]`;
        const move = s.kind === 'keep' ? `${scratch} = ${outer}` : `${outer} = ${scratch}`;
        say('word_i = 0;');
        say(`do :: word_i < ${s.count} -> ${move}; word_i++ :: else -> break od;`);
        return;
      }
    }
  }

  private name(name: string, value: number): string {
    this.names.set(name, value);
    return name;
  }

  /** An offset into the state, with the field's name where it has one. */
  private place(at: Word, inGuard: boolean): string {
    if (at.kind === 'const') {
      const field = this.absolute.find((f) => at.value >= f.at && at.value < f.at + f.words);
      if (!field) return String(at.value);
      const name = this.name(field.name, field.at);
      return at.value === field.at ? name : `${name} + ${at.value - field.at}`;
    }
    if (at.kind === 'var')
      return this.place({ kind: 'op', op: '+', a: at, b: { kind: 'const', value: 0 } }, inGuard);
    if (at.kind === 'op' && at.op === '+' && at.b.kind === 'const') {
      const by = at.b.value;
      const names = at.a.kind === 'var' ? this.relative[at.a.name] : undefined;
      const from = this.value(at.a, inGuard);
      const name = names?.get(by);
      if (name) return `${from} + ${this.name(name, by)}`;
      if (!names) {
        const field = this.absolute.find((f) => f.at === by && f.words > 1);
        if (field) return `${from} + ${this.name(field.name, by)}`;
      }
      return by === 0 ? from : `${from} + ${literal(by)}`;
    }
    return this.value(at, inGuard);
  }

  private value(w: Word, inGuard = false): string {
    switch (w.kind) {
      case 'const':
        return this.constant(w.value);
      case 'var':
        if (inGuard) return w.name === 'cpu' ? '_pid' : w.name.toUpperCase();
        return `${w.name}_`;
      case 'state':
        return `s[${this.place(w.at, inGuard)}]`;
      case 'load':
        throw new Error('a model has no store');
      case 'pick':
        return `(${this.value(w.when, inGuard)} -> ${this.value(w.yes, inGuard)} : ${this.value(w.no, inGuard)})`;
      case 'op': {
        const a = this.value(w.a, inGuard);
        const b = this.value(w.b, inGuard);
        // Promela has signed words alone.
        if (w.op === 'below') return `((${a} ^ ${lowest}) < (${b} ^ ${lowest}))`;
        if (w.op === '==' && isTruth(w.a) && w.b.kind === 'const' && w.b.value === 0)
          return `!${a}`;
        return `(${a} ${w.op} ${b})`;
      }
    }
  }

  private constant(value: number): string {
    const named = this.code.get(value);
    if (named) return this.name(named, value);
    const operation = (value - (region.kernel | 0)) | 0;
    if (operation >= 0 && operation < this.made.program.kernel.length) {
      const base = this.name('KERNEL', region.kernel | 0);
      return operation === 0 ? base : `(${base} + ${operation})`;
    }
    return value < 0 ? `(${literal(value)})` : String(value);
  }
}

const lowest = '(-2147483647 - 1)';
const literal = (value: number): string => (value === -2147483648 ? lowest : String(value));
const isTruth = (w: Word): boolean =>
  w.kind === 'op' && ['==', '!=', '<', 'below', '&&', '||'].includes(w.op);

/** Whether both ask one variable, each for another value. */
function sameTest(a: Word, b: Word): boolean {
  return (
    a.kind === 'op' &&
    b.kind === 'op' &&
    a.op === '==' &&
    b.op === '==' &&
    a.a.kind === 'var' &&
    b.a.kind === 'var' &&
    a.a.name === b.a.name &&
    a.b.kind === 'const' &&
    b.b.kind === 'const' &&
    a.b.value !== b.b.value
  );
}

function wrapped(names: readonly string[]): string[] {
  return names.map((n) => `hidden int ${n};`);
}
