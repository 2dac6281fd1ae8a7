// What the language can say and this version cannot yet run: one table, and where a spec uses it.

import type { Diagnostic } from '../grammar/diagnostic.ts';
import type { AsmItem, Block, Expr, File, Item, Setting, Span, Stmt } from '../grammar/index.ts';

/** Name of a meaning that waits -> what it would say. A use gives `not supported yet: NAME`. */
export const waiting: ReadonlyMap<string, string> = new Map([
  ['wait quiescent', 'until every CPU, thread or stack has left what it was in'],
  ['stop machine', 'all other CPUs park while one writes'],
  ['late', 'CPUs that come online at any time'],
  ['mutex', 'locks of the patchers, and `hotplug`'],
  ['descriptor', 'records that are built and released'],
  ['beside', 'two patchers at the same time'],
  ['run', 'the patcher or a handler executes a routine'],
  ['schedule', 'the voluntary switch of threads'],
  ['emulate at a place that reads memory', 'what it read counts as of the moment of the emulation'],
]);

/** One diagnostic for each place where a spec uses what waits. */
export function unsupported(file: File): readonly Diagnostic[] {
  const out: Diagnostic[] = [];
  const say = (name: string, span: Span): void => {
    if (!waiting.has(name)) throw new Error(`${name} is not in the table of what waits`);
    out.push({
      code: 'not-supported',
      severity: 'error',
      message: `not supported yet: ${name}`,
      span,
    });
  };
  const settings = (list: readonly Setting[]): void => {
    for (const s of list) {
      if (s.kind !== 'setting') continue;
      const words = s.atoms.flatMap((a) =>
        a.map((x) => (x.kind === 'word' ? x.text : x.kind === 'number' ? String(x.value) : '')),
      );
      if (words[0] === 'late' && words[1] !== '0') say('late', s.span);
      if (words[0] === 'patches' && words.includes('beside')) say('beside', s.span);
    }
  };
  const stmts = (block: Block): void => {
    for (const s of block.body) stmt(s);
  };
  const stmt = (s: Stmt): void => {
    switch (s.kind) {
      case 'quiescent':
        say('wait quiescent', s.span);
        break;
      case 'stop':
        say('stop machine', s.span);
        break;
      case 'lock':
      case 'unlock':
        say('mutex', s.span);
        break;
      case 'run':
        say('run', s.span);
        break;
      case 'if':
        stmts(s.then);
        if (s.else) stmts(s.else);
        break;
      case 'atomic':
      case 'phase':
      case 'while':
      case 'for':
        stmts(s.body);
        break;
      default:
        break;
    }
  };
  const asm = (list: readonly AsmItem[]): void => {
    for (const item of list) {
      if (item.kind === 'group') asm(item.body);
      else if (item.kind === 'if') {
        asm(item.then);
        asm(item.else ?? []);
      } else if (item.kind === 'insn') {
        const o = item.insn.operands[0];
        if (
          item.insn.mnemonic.text === 'call' &&
          o?.kind === 'value' &&
          isName(o.expr, 'schedule') &&
          !labels.has('schedule')
        )
          say('schedule', item.insn.span);
      }
    }
  };
  const labels = new Set<string>();
  const collect = (list: readonly AsmItem[]): void => {
    for (const item of list) {
      if (item.kind === 'label' || item.kind === 'group') labels.add(item.name.text);
      if (item.kind === 'group') collect(item.body);
      if (item.kind === 'if') {
        collect(item.then);
        collect(item.else ?? []);
      }
    }
  };
  const items = (list: readonly Item[], visit: (i: Item) => void): void => {
    for (const i of list) {
      if (i.kind === 'if') {
        items(i.then, visit);
        items(i.else ?? [], visit);
      } else visit(i);
    }
  };
  items(file.items, (i) => {
    if (i.kind === 'code') collect(i.body);
  });
  items(file.items, (i) => {
    switch (i.kind) {
      case 'code':
        asm(i.body);
        break;
      case 'mutex':
        say('mutex', i.span);
        break;
      case 'descriptor':
        say('descriptor', i.span);
        break;
      case 'breakpoint':
      case 'define':
      case 'patch':
        stmts(i.body);
        break;
      case 'machine':
      case 'scenario':
        settings(i.settings);
        break;
      default:
        break;
    }
  });
  return out;
}

const isName = (e: Expr, text: string): boolean => e.kind === 'name' && e.text === text;
