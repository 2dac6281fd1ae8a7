// What can be written at an offset: words of the language and names of the file, those that fit there and no others.

import { binding, statementWords } from '../../grammar/tokens.ts';
import { registers } from '../ops.ts';
import { allItems } from '../spec.ts';
import type { Meaning } from '../vocabulary.ts';
import {
  clauses,
  constants,
  fetchParameters,
  frameFields,
  handlerOnly,
  heading,
  instructions,
  nmiInShadow,
  parts,
  patcherOnly,
  positionSetting,
  type SettingMeaning,
  sections,
  settings,
  statements,
} from '../vocabulary.ts';
import { isBranch } from '../x86/assemble.ts';
import { conditions, rowsOf } from '../x86/table.ts';
import { registerName } from '../x86/text.ts';
import type { Analysis } from './analysis.ts';
import type { Completion, WordKind } from './answers.ts';
import { type Context, contextAt } from './context.ts';
import { about, declaredText, kindText } from './describe.ts';
import type { Named, NameKind } from './names.ts';

/** In the order in which they are of use; what the user has typed of the word does not narrow them. */
export function completions(a: Analysis, offset: number): readonly Completion[] {
  const context = contextAt(a, offset);
  const found = new Suggestions(a, context);
  found.all();
  return found.list;
}

const mnemonicAbout = (name: string): string => {
  const plain = name.replace(/^lock /, '') as keyof typeof instructions;
  if (name !== plain) return `${instructions[plain]}, locked`;
  return instructions[plain] ?? instructions.jcc;
};
const storeSizes = [1, 2, 4, 8, 16] as const;

class Suggestions {
  readonly list: Completion[] = [];
  readonly #labels = new Set<string>();
  readonly #a: Analysis;
  readonly #context: Context;
  readonly #line: readonly string[];
  readonly #last: string;

  constructor(a: Analysis, context: Context) {
    this.#a = a;
    this.#context = context;
    this.#line = context.line;
    this.#last = context.line[context.line.length - 1] ?? '';
  }

  all(): void {
    if (this.#last === 'else' && this.#context.area !== 'nowhere') {
      this.#add('if', 'keyword', 'else if E { … }', 'another test');
      return;
    }
    switch (this.#context.area) {
      case 'sections':
        this.#section();
        break;
      case 'asm':
        this.#assembly();
        break;
      case 'contents':
        this.#instruction(this.#line);
        break;
      case 'statements':
        this.#statement();
        break;
      case 'settings':
        this.#setting();
        break;
      default:
        break;
    }
  }

  // ---- what is offered

  #add(label: string, kind: WordKind, detail: string, documentation: string, insert = label): void {
    if (this.#labels.has(label)) return;
    this.#labels.add(label);
    const { replaces } = this.#context;
    // Between parentheses that wait for arguments.
    const caret =
      insert.endsWith('()') && /\([^)]/.test(detail) ? insert.length - 1 : insert.length;
    this.list.push({ label, kind, detail, insert, caret, replaces, documentation });
  }
  #words(...names: (keyof typeof clauses)[]): void {
    for (const name of names) this.#add(name, 'keyword', '', clauses[name]);
  }
  #constants(...names: (keyof typeof constants)[]): void {
    for (const name of names) this.#add(name, 'constant', '', constants[name]);
  }
  #meaning(word: string, kind: WordKind, { form, about, waits }: Meaning): void {
    if (waits === undefined) this.#add(word, kind, form, about);
  }
  #named(named: Named, insert = named.name, label = named.name): void {
    this.#add(label, named.kind, declaredText(this.#a, named), about(named), insert);
  }
  #visible(...kinds: NameKind[]): readonly Named[] {
    const at = this.#context.replaces.start;
    return this.#a.names.visible(at).filter((n) => kinds.includes(n.kind));
  }
  #names(...kinds: NameKind[]): void {
    for (const kind of kinds) for (const n of this.#visible(kind)) this.#named(n);
  }
  #every(kind: NameKind): readonly Named[] {
    return this.#a.names.all.filter((n) => n.kind === kind);
  }
  #properties(): void {
    for (const n of this.#every('property')) this.#named(n);
  }
  #valuesOf(option: string): void {
    for (const n of this.#every('value')) if (n.option === option) this.#named(n);
    for (const item of allItems(this.#a.file?.items ?? [])) {
      if (item.kind !== 'option' || !item.names.some((n) => n.text === option)) continue;
      for (const v of item.values) {
        // `on` stands for `on | off`, a number for any number.
        if (v.kind === 'word' && (v.text === 'on' || v.text === 'off'))
          this.#constants('on', 'off');
        else if (v.kind === 'number')
          this.#add(String(v.value), 'number', '', `a value of \`${option}\``);
      }
    }
  }

  // ---- sections

  #section(): void {
    const line = this.#line;
    const last = this.#last;
    const [first = '', second = ''] = line;
    if (last === '{}') {
      if (first === 'scenario') this.#words('expect');
      if (first === 'if' || first === 'else') this.#words('else');
      this.#sectionWords();
      return;
    }
    switch (first) {
      case '':
        if (this.#context.change) this.#names('place', 'label');
        this.#sectionWords();
        break;
      case 'option':
        if (last === '=' || last === '|') this.#constants('on', 'off');
        break;
      case 'thread':
      case 'irq':
      case 'nmi':
      case 'ipi':
        if (last === 'runs') this.#names('label', 'place');
        else if (line.length === (first === 'ipi' ? 1 : 2))
          this.#add(
            'runs',
            'keyword',
            sections[first].form,
            'the label where its code begins follows',
          );
        break;
      case 'shared':
      case 'percpu':
        if (last === '=') {
          this.#constants('nil', 'on', 'off');
          this.#names('option');
        }
        break;
      case 'stub':
      case 'descriptor':
        if (last !== first && last !== '(' && last !== ',' && last !== 'slots')
          this.#words('slots per cpu', 'slots');
        break;
      case 'site':
        if (line.length === 1) this.#names('place', 'label');
        else if (line.length === 2) this.#words('dead');
        else if (last === 'dead' || last === ',') {
          this.#registers64();
          this.#add('flags', 'register', '', 'the status flags and IF');
        }
        break;
      case 'on':
        if (line.length === 1)
          this.#add('breakpoint', 'keyword', sections.on.form, sections.on.about);
        else if (last === 'at' || last === ',') this.#names('place', 'label');
        else if (second === 'breakpoint' && !line.includes('at'))
          this.#add('at', 'keyword', sections.on.form, 'the places whose traps it owns follow');
        break;
      case 'patch':
        this.#change();
        break;
      case 'waive':
        if (line.length === 1) this.#properties();
        break;
      case 'require':
        if (last === ':') this.#words('always', 'never', 'eventually', 'after patch');
        else if (last === 'during') for (const n of this.#every('phase')) this.#named(n);
        else if (last === 'after' && line.length === 4)
          this.#add('patch', 'keyword', 'after patch E', clauses['after patch']);
        else if (line.length > 3) {
          const from = line.indexOf(':') + (line[3] === 'after' ? 3 : 2);
          this.#property(line.slice(from), line[3] === 'always' || line[3] === 'never');
        }
        break;
      case 'witness':
        this.#property(line.slice(1), false);
        break;
      case 'scenario':
        if (last === 'expect') this.#words('holds', 'violates');
        else if (last === 'violates') {
          this.#properties();
          this.#words('only');
        } else if (last === 'only' || last === 'or') this.#properties();
        else if (line.includes('violates')) this.#add('or', 'keyword', '', 'or another property');
        break;
      case 'if':
        this.#expression(line.slice(1), 'options');
        break;
      default:
        break;
    }
  }

  #sectionWords(): void {
    const first = this.#a.tokens.find((t) => t.text === 'protocol');
    if (!first || first.span.start >= this.#context.replaces.start) {
      this.#meaning('protocol', 'keyword', heading);
      return;
    }
    for (const [word, meaning] of Object.entries(sections)) this.#meaning(word, 'keyword', meaning);
  }

  #change(): void {
    const line = this.#line;
    const last = this.#last;
    if (line.length === 1) {
      this.#names('place', 'label');
      return;
    }
    // `NAME at` may stand before the first place.
    if (last === 'at') {
      this.#names('place', 'label');
      return;
    }
    if (
      line.length === 2 &&
      !this.#a.names.find(last, this.#context.replaces.start)?.kind.match(/label|place/)
    )
      this.#add('at', 'keyword', sections.patch.form, 'the first place follows');
    const begin = Math.max(line.lastIndexOf(':'), line.lastIndexOf('->'));
    if (begin > 0) this.#instruction(line.slice(begin + 1));
  }

  // ---- assembly

  #assembly(): void {
    const line = this.#line;
    const last = this.#last;
    if (last === '{}' && (line[0] === 'if' || line.includes('else'))) this.#words('else');
    if (line.length > 0 && last !== ':' && last !== '{}') {
      const colon = line.lastIndexOf(':');
      const rest =
        line[colon - 1] === 'gs'
          ? line.slice(line.lastIndexOf(':', colon - 1) + 1)
          : line.slice(colon + 1);
      if (rest[0] === 'if') this.#expression(rest.slice(1), 'options');
      else if (rest[0] !== 'align') this.#instruction(rest);
      return;
    }
    this.#instruction([]);
    this.#words('align');
    this.#add('if', 'keyword', sections.if.form, 'code for some values of the options only');
  }

  /** The rest of a line from its mnemonic on. */
  #instruction(line: readonly string[]): void {
    const last = line[line.length - 1] ?? '';
    const plain = (line[0] ?? '').toLowerCase();
    if (line.length === 0 || plain === '{}') {
      this.#mnemonics('');
      return;
    }
    if (plain === 'lock' && line.length === 1) {
      this.#mnemonics('lock ');
      return;
    }
    const open = line.lastIndexOf('[') > line.lastIndexOf(']');
    const begun = line.length === (plain === 'lock' ? 2 : 1) || last === ',';
    if (last === '.') {
      this.#add('end', 'constant', '', parts.end);
      return;
    }
    if (open) {
      if (last !== '[' && last !== '+' && last !== '-') return;
      const gs = line[line.lastIndexOf('[') - 1] === ':';
      if (gs) {
        this.#names('percpu');
        return;
      }
      this.#names('shared');
      this.#registers64();
      this.#add('rip', 'register', '', 'the address behind the instruction');
      return;
    }
    const hinted = last === 'short' || last === 'near';
    if (!begun && !hinted && last !== '+' && last !== '-') return;
    const mnemonic = plain === 'lock' ? `lock ${line[1]}` : plain;
    if (isBranch(mnemonic)) {
      this.#names('parameter', 'label', 'place', 'stub');
      if (!hinted && mnemonic !== 'call') this.#words('near', 'short');
      if (hinted || mnemonic !== 'jmp') return;
    } else if (!rowsOf.get(mnemonic)?.some((r) => r.form.slots.length > 0)) return;
    this.#names('parameter');
    this.#registers64();
    if (mnemonic !== 'jmp')
      for (let r = 0; r < registers.length; r++) this.#register(registerName(r, 4), 'of 32 bits');
    for (const n of this.#visible('shared')) this.#named(n, `[${n.name}]`, `[${n.name}]`);
    for (const n of this.#visible('percpu')) this.#named(n, `gs:[${n.name}]`, `gs:[${n.name}]`);
    this.#words('dword', 'qword');
    this.#names('option', 'label', 'place', 'stub');
  }

  #mnemonics(prefix: '' | 'lock '): void {
    const others = new Map(conditions.map((names) => [names[0], names.slice(1)]));
    const isCondition = (name: string): boolean => conditions.some((c) => c.includes(name));
    const names = [...rowsOf.keys()];
    // What everybody writes first; conditions are many.
    const plain = names.filter((n) => !isCondition(n) && !n.startsWith('lock '));
    const rest = names.filter((n) => isCondition(n) || n.startsWith('lock '));
    for (const name of [...plain, ...rest]) {
      if (prefix !== '' && !name.startsWith(prefix)) continue;
      const forms = rowsOf.get(name) ?? [];
      const also = others.get(name);
      const detail = also
        ? also.length > 0
          ? `also ${also.join(', ')}`
          : 'a condition'
        : (forms[0]?.text ?? '');
      const label = name.slice(prefix.length);
      this.#add(label, 'mnemonic', detail, mnemonicAbout(name));
    }
  }
  #register(name: string, detail: string): void {
    this.#add(name, 'register', detail, 'a general register');
  }
  #registers64(): void {
    for (const name of registers) this.#register(name, 'of 64 bits');
  }

  // ---- statements

  #statement(): void {
    const line = this.#line;
    const last = this.#last;
    const [first = ''] = line;
    if (last === '{}' || line.length === 0) {
      if (first === 'if' || line.includes('else')) this.#words('else');
      if (first === 'poke') this.#asUnit();
      this.#beginning();
      return;
    }
    switch (first) {
      case 'poke':
        this.#poke();
        break;
      case 'sync':
        if (line.length === 1) this.#words('cores', 'threads');
        else if (last === 'by') this.#add('nmi', 'keyword', '', clauses['by nmi']);
        else if (last === 'without') {
          this.#add('self', 'keyword', '', clauses['without self']);
          this.#add('waiting', 'keyword', '', clauses['without waiting']);
        } else {
          if (line.length === 2 && last === 'cores') this.#words('by nmi');
          this.#words('without self', 'without waiting');
        }
        break;
      case 'irqs':
      case 'preempt':
        if (line.length === 1) {
          this.#add('off', 'keyword', `${first} off`, statements[first].about);
          this.#add('on', 'keyword', `${first} on`, statements[first].about);
        }
        break;
      case 'wait':
        if (line.length === 1) {
          this.#add('for', 'keyword', statements.wait.form, statements.wait.about);
          this.#add(
            'time',
            'keyword',
            'wait time',
            'guarantees nothing, unless the scenario says `staleness bounded`',
          );
        } else if (line[1] === 'for') this.#expression(line.slice(2), 'value');
        break;
      case 'build':
        this.#stubCall(line.slice(1));
        break;
      case 'release':
        if (line.length === 1 || last === ',') this.#names('stub');
        break;
      case 'phase':
      case 'fail':
      case 'fence':
      case 'serialize':
      case 'decline':
        break;
      case 'let':
        if (line.includes('=')) this.#right(line.slice(line.indexOf('=') + 1));
        break;
      case 'for':
        if (line.length === 2)
          this.#add('in', 'keyword', statements.for.form, statements.for.about);
        else if (last === 'in') {
          this.#constants('sites', 'cpus');
          this.#add(
            '0..',
            'keyword',
            statements.for.form,
            'from a number up to another, which is left out',
          );
        } else if (line.length > 3) this.#expression(line.slice(line.indexOf('in') + 1), 'value');
        break;
      case 'if':
      case 'while':
      case 'assert':
      case 'resume':
        this.#expression(line.slice(1), 'value');
        break;
      case 'emulate':
        if (line.length === 1) {
          this.#expression([], 'value');
          this.#mnemonics('');
        } else if (rowsOf.has(line[1] ?? '')) this.#instruction(line.slice(1));
        else this.#expression(line.slice(1), 'value');
        break;
      case 'atomic':
        if (line.length === 1) this.#names('shared', 'percpu');
        else if (line.some(assigns)) this.#right(line.slice(line.findIndex(assigns) + 1));
        break;
      default: {
        const at = line.findIndex(assigns);
        if (at > 0) this.#right(line.slice(at + 1));
        else this.#expression(line, 'value');
      }
    }
  }

  #beginning(): void {
    const { role } = this.#context;
    for (const word of statementWords) {
      if (role === 'handler' && patcherOnly.has(word)) continue;
      if (role === 'patcher' && handlerOnly.has(word)) continue;
      this.#meaning(word, 'keyword', statements[word]);
    }
    for (const n of this.#visible('define')) this.#named(n, `${n.name}()`);
    this.#names('local', 'parameter', 'shared', 'percpu');
    if (role !== 'patcher') this.#constants('frame');
  }

  #poke(): void {
    const line = this.#line;
    const last = this.#last;
    if (line.length === 1) {
      this.#names('local', 'parameter', 'place');
      // While its patch cannot be read a place is a label as any other.
      if (this.#visible('place').length === 0) this.#names('label');
      return;
    }
    const as = line.indexOf('as');
    if (as > 0) {
      if (last === 'as') {
        this.#words('any order', 'bytes', 'bytes descending');
        for (const n of storeSizes) this.#add(`store${n}`, 'keyword', '', clauses.store);
        this.#add('locked', 'keyword', 'locked store8', clauses['locked store']);
      } else if (last === 'locked')
        for (const n of storeSizes) this.#add(`store${n}`, 'keyword', '', clauses['locked store']);
      else if (last === 'bytes')
        this.#add('descending', 'keyword', '', clauses['bytes descending']);
      else if (last === 'any') this.#add('order', 'keyword', '', clauses['any order']);
      return;
    }
    const source = line.indexOf('=');
    if (source > 0) {
      if (last === '=') {
        this.#add('old', 'keyword', '', 'what the place holds before the patch');
        this.#add('new', 'keyword', '', 'what the place holds after the patch: the default');
      }
      this.#instruction(line.slice(source + 1));
      if (line.length > source + 1) this.#asUnit();
      return;
    }
    if (line.lastIndexOf('[') > line.lastIndexOf(']')) this.#names('option');
    else this.#asUnit();
  }
  #asUnit(): void {
    this.#add('as', 'keyword', 'as any order', 'in which stores it is written');
  }

  #stubCall(line: readonly string[]): void {
    if (line.length > 0) {
      if (line.includes('(')) this.#expression(line.slice(line.indexOf('(') + 1), 'value');
      return;
    }
    for (const n of this.#visible('stub')) {
      const bare = !declaredText(this.#a, n).includes('(');
      this.#named(n, bare ? n.name : `${n.name}()`);
    }
  }

  /** The right side of an assignment. */
  #right(line: readonly string[]): void {
    if (line[0] === 'build') {
      this.#stubCall(line.slice(1));
      return;
    }
    this.#expression(line, 'value');
    if (line.length === 0 && this.#context.role !== 'handler')
      this.#meaning('build', 'keyword', statements.build);
  }

  // ---- expressions

  #expression(line: readonly string[], what: 'options' | 'value'): void {
    const last = line[line.length - 1] ?? '';
    if (last === '.') {
      this.#fields(line);
      return;
    }
    if (last === '==' || last === '!=') {
      const option = this.#every('option').find((n) => n.name === line[line.length - 2]);
      if (option) this.#valuesOf(option.name);
      if (option || what === 'options') return;
    }
    if (last === 'in') {
      this.#add('nmi', 'keyword', 'in nmi', clauses['in nmi']);
      this.#add('irq', 'keyword', 'in irq', clauses['in irq']);
      return;
    }
    if (!beginsOperand(last)) {
      this.#operators();
      return;
    }
    if (last !== 'not') this.#add('not', 'keyword', 'not E', 'where E is false');
    if (what === 'options') {
      this.#names('option');
      return;
    }
    this.#names('local', 'parameter', 'shared', 'percpu', 'option');
    const { role } = this.#context;
    if (role !== 'patcher') {
      this.#constants('here', 'frame');
      this.#words('in nmi', 'in irq');
    }
    if (role !== 'handler') this.#constants('new', 'old');
    this.#constants('cpu', 'nil', 'on', 'off', 'int3');
    this.#names('place', 'label', 'stub');
  }

  #operators(): void {
    this.#add(
      'and',
      'keyword',
      'E and E',
      'both; the second is looked at only if the first is true',
    );
    this.#add(
      'or',
      'keyword',
      'E or E',
      'one of them; the second is looked at only if the first is false',
    );
  }

  #fields(line: readonly string[]): void {
    const of = line[line.length - 2] ?? '';
    if (of === 'frame') {
      for (const [name, text] of Object.entries(frameFields)) this.#add(name, 'field', '', text);
      for (const r of registers)
        if (r !== 'rsp') this.#add(r, 'field', '', `the saved ${r.toUpperCase()}`);
      return;
    }
    const named = this.#a.names.find(of, this.#context.replaces.start);
    const kind = named?.kind;
    const whole = named?.declarations[0]?.whole;
    const overSites =
      whole !== undefined && /^for \w+ in sites\b/.test(this.#a.text.slice(whole.start, whole.end));
    const mayBePlace = kind === 'place' || kind === 'parameter' || overSites;
    if (mayBePlace || kind === 'label' || kind === 'stub')
      this.#add('end', 'constant', '', parts.end);
    if (mayBePlace) {
      this.#add('new', 'constant', '', parts.new);
      this.#add('old', 'constant', '', parts.old);
    }
    if (kind !== 'place' && kind !== 'label' && kind !== 'stub' && !overSites) {
      for (const n of this.#every('field')) this.#named(n);
      this.#add('target', 'constant', '', parts.target);
    }
  }

  /** What a requirement or a witness asks. */
  #property(line: readonly string[], during: boolean): void {
    const last = line[line.length - 1] ?? '';
    const before = line[line.length - 2] ?? '';
    const thread = this.#a.names.find(last, this.#context.replaces.start)?.kind === 'thread';
    if (last === 'at')
      this.#names(...(before === 'trap' ? [] : (['stub'] as const)), 'place', 'label');
    else if (last === 'pass') this.#names('place');
    else if (before === 'pass') this.#words('as old', 'as new');
    else if (last === 'as') {
      this.#add('old', 'keyword', '', clauses['as old']);
      this.#add('new', 'keyword', '', clauses['as new']);
    } else if (last === 'handling') this.#names('place', 'label');
    else if (last === 'into' || last === 'in') this.#names('stub', 'place', 'label');
    else if (last === 'returns') this.#add('into', 'keyword', '', clauses['returns into']);
    else if (last === 'trap') this.#add('at', 'keyword', 'trap at L', clauses['trap at']);
    else if (last === '.') this.#fields(line);
    else if (thread && beginsOperand(before)) {
      this.#add('at', 'keyword', `${last} at L`, 'the next instruction of the thread is there');
      this.#add('in', 'keyword', `${last} in L`, 'its next instruction is in that place or stub');
      this.#words('returns into');
    } else if (beginsOperand(last)) {
      this.#add('trap at', 'keyword', 'trap at L', clauses['trap at']);
      this.#add('pass', 'keyword', 'pass L as new', clauses.pass);
      this.#words('handling');
      if (last !== 'not') this.#add('not', 'keyword', 'not E', 'where E is false');
      this.#names('thread', 'shared', 'percpu', 'option');
      this.#constants('nil', 'on', 'off');
    } else {
      this.#operators();
      if (during) this.#words('during');
    }
  }

  // ---- settings

  #setting(): void {
    const line = this.#line;
    const last = this.#last;
    const [first = '', second = ''] = line;
    if (first === '' || last === '{}') {
      for (const n of this.#visible('option')) this.#named(n, `${n.name} = `);
      for (const [word, meaning] of Object.entries(settings))
        this.#meaning(word, 'setting', meaning);
      this.#add('nmi in shadow', 'setting', nmiInShadow.form, nmiInShadow.about);
      for (const n of this.#visible('place', 'label'))
        this.#add(`${n.name} at`, 'setting', positionSetting.form, positionSetting.about);
      return;
    }
    if (second === '=') {
      if (last === '=' || last === '|') this.#valuesOf(first);
      return;
    }
    if (second === 'at') {
      if (line.length === 3 || line[3] === '..')
        this.#add('of', 'keyword', positionSetting.form, positionSetting.about);
      return;
    }
    const meaning: SettingMeaning | undefined = Object.hasOwn(settings, first)
      ? settings[first as keyof typeof settings]
      : undefined;
    switch (first) {
      case 'threads':
        if (line.length === 1 || last === ',') this.#names('thread');
        break;
      case 'patches':
        if (line.length === 1 || last === ',') this.#names('patch');
        break;
      case 'pin':
        if (line.length === 1) this.#names('thread');
        else if (line.length === 2)
          this.#add('to', 'keyword', settings.pin.form, settings.pin.about);
        break;
      case 'nmi':
        if (second === 'in') {
          if (line.length === 2)
            this.#add('shadow', 'keyword', nmiInShadow.form, nmiInShadow.about);
          else if (line.length === 3 || last === '|')
            for (const v of nmiInShadow.values)
              this.#add(v, 'constant', nmiInShadow.form, nmiInShadow.about);
          break;
        }
        if (line.length === 1)
          this.#add('in shadow', 'keyword', nmiInShadow.form, nmiInShadow.about);
        this.#event('nmi');
        break;
      case 'irq':
        this.#event('irq');
        break;
      case 'fetch':
        if (line.includes('with')) this.#fetchParameter();
        else if (line.length === 2)
          this.#add('with', 'keyword', 'fetch sdm with backwards no', 'single parameters follow');
        else this.#values(settings.fetch);
        break;
      default:
        if (meaning?.second !== undefined && line.length === 1)
          this.#add(meaning.second, 'keyword', meaning.form, meaning.about);
        else if (
          meaning &&
          (line.length === (meaning.second === undefined ? 1 : 2) || last === '|')
        )
          this.#values(meaning);
        else if (!meaning && line.length === 1) {
          const named = this.#a.names.find(first, this.#context.replaces.start);
          if (named?.kind === 'option') this.#add('=', 'keyword', `${first} = on`, kindText(named));
          else if (named) this.#add('at', 'keyword', positionSetting.form, positionSetting.about);
        }
    }
  }

  #values(meaning: SettingMeaning): void {
    for (const v of meaning.values ?? [])
      this.#add(
        v,
        'constant',
        v === meaning.default ? 'the default' : '',
        `${meaning.about}; \`${meaning.default}\` if nothing is said`,
      );
  }
  #event(kind: 'irq' | 'nmi'): void {
    if (this.#line.length === 1) this.#names(kind);
    else if (/^\d+$/.test(this.#last) && !this.#line.includes('on'))
      this.#add('on', 'keyword', settings.irq.about, 'the only CPU that it comes to');
  }
  #fetchParameter(): void {
    const last = this.#last;
    if (last === 'with' || last === ',')
      for (const [name, values] of Object.entries(fetchParameters))
        this.#add(name, 'keyword', values.join(' | '), 'a parameter of instruction fetch');
    else if (Object.hasOwn(fetchParameters, last))
      for (const v of fetchParameters[last as keyof typeof fetchParameters])
        this.#add(v, 'constant', last, 'a parameter of instruction fetch');
  }
}

const assigns = (sign: string): boolean => sign === '=' || sign === '+=' || sign === '-=';
const signs: ReadonlySet<string> = new Set([
  ...Object.keys(binding),
  '',
  'not',
  '(',
  '[',
  ',',
  '..',
  '=',
]);
/** Whether an operand comes behind a sign or a word of an expression, and not another operator. */
const beginsOperand = (last: string): boolean => signs.has(last);
