// Generated code as JavaScript: functions over a state's words.

import type { Statement, Word } from '../../compiler/generator/code.ts';
import type { Transitions } from '../../compiler/generator/transitions.ts';

/** What the text of `javascript` evaluates to. */
export interface Generated {
  /** Whether action `index` is allowed to a CPU. */
  enabled(state: Int32Array, cpu: number, index: number): boolean;
  /** Does it in place; 0, or the outcome that ends the run: then the state is of no use. */
  apply(state: Int32Array, cpu: number, index: number): number;
}

/** The body of a function without arguments that returns a `Generated`. */
export function javascript(made: Transitions): string {
  const lines: string[] = [
    '"use strict";',
    'let s;',
    `const kept = new Int32Array(${made.scratch});`,
  ];
  const declared = new Set([
    ...made.variables,
    'cpu',
    'at',
    'task',
    't',
    'c',
    'outcome',
    'events',
    'finished',
  ]);
  lines.push(`let ${[...declared].map((v) => `${v} = 0`).join(', ')};`);
  for (const r of made.routines) {
    lines.push(`// ${r.comment}`, `function ${r.name}() {`);
    new Printer(lines, 'return 1;').block(r.body, '  ');
    lines.push('  return 0;', '}');
  }
  const select = (): void => {
    new Printer(lines, '').block(made.select, '  ');
  };
  lines.push('function select() {');
  select();
  lines.push('}', 'function judge() {');
  new Printer(lines, 'return;').block(made.judge, '  ');
  lines.push('}');
  made.actions.forEach((a, i) => {
    lines.push(`// ${a.name}`, `function guard${i}() { return ${condition(a.guard)}; }`);
    lines.push(`function action${i}() {`);
    new Printer(lines, 'return;').block(a.body, '  ');
    lines.push('}');
  });
  const list = (name: string): string => made.actions.map((_, i) => `${name}${i}`).join(', ');
  lines.push(
    `const guards = [${list('guard')}];`,
    `const actions = [${list('action')}];`,
    `const waived = new Set(${JSON.stringify(made.waived.map((p) => p + 1))});`,
    'return {',
    '  enabled(state, which, index) { s = state; cpu = which; select(); return guards[index](); },',
    '  apply(state, which, index) {',
    '    s = state; cpu = which; outcome = 0; events = 0; finished = 0;',
    '    select();',
    '    actions[index]();',
    '    if (outcome === 0) judge();',
    ...(made.ended >= 0
      ? [`    if (waived.has(outcome)) { s.fill(0); s[${made.ended}] = 1; outcome = 0; }`]
      : []),
    '    return outcome;',
    '  },',
    '};',
  );
  return `${lines.join('\n')}\n`;
}

class Printer {
  private readonly lines: string[];
  private leave: string;
  private labels = 0;
  constructor(lines: string[], leave: string) {
    this.lines = lines;
    this.leave = leave;
  }

  block(body: readonly Statement[], indent: string): void {
    for (const s of body) this.statement(s, indent);
  }

  private statement(s: Statement, indent: string): void {
    const say = (line: string): void => {
      this.lines.push(indent + line);
    };
    const deeper = `${indent}  `;
    switch (s.kind) {
      case 'set':
        say(`${s.to} = ${value(s.value)};`);
        return;
      case 'put':
        say(`s[${value(s.at)}] = ${value(s.value)};`);
        return;
      case 'if':
        say(`if (${condition(s.when)}) {`);
        this.block(s.yes, deeper);
        if (s.no.length > 0) {
          say('} else {');
          this.block(s.no, deeper);
        }
        say('}');
        return;
      case 'while':
        say(`while (${condition(s.when)}) {`);
        this.block(s.body, deeper);
        say('}');
        return;
      case 'call':
        say(`if (${s.routine.name}() !== 0) ${this.leave}`);
        return;
      case 'violate':
        say(`{ outcome = ${value(s.outcome)}; ${this.leave} }`);
        return;
      case 'note':
        return;
      case 'attempt': {
        const label = `attempt${this.labels++}`;
        const outer = this.leave;
        this.leave = `break ${label};`;
        say(`${label}: {`);
        this.block(s.body, deeper);
        say('}');
        this.leave = outer;
        return;
      }
      case 'keep':
        say(`kept.set(s.subarray(${value(s.at)}, ${value(s.at)} + ${s.count}), ${s.to});`);
        return;
      case 'restore':
        say(`s.set(kept.subarray(${s.to}, ${s.to + s.count}), ${value(s.at)});`);
        return;
    }
  }
}

const isTruth = (w: Word): boolean =>
  w.kind === 'op' && ['==', '!=', '<', 'below', '&&', '||'].includes(w.op);

function condition(w: Word): string {
  if (w.kind === 'const') return w.value !== 0 ? 'true' : 'false';
  if (!isTruth(w) || w.kind !== 'op') return `${value(w)} !== 0`;
  switch (w.op) {
    case '&&':
    case '||':
      return `(${condition(w.a)} ${w.op} ${condition(w.b)})`;
    case 'below':
      return `(${value(w.a)} >>> 0) < (${value(w.b)} >>> 0)`;
    case '==':
    case '!=':
      // A truth against 0 is itself, or not.
      if (isTruth(w.a) && w.b.kind === 'const' && w.b.value === 0)
        return w.op === '==' ? `!(${condition(w.a)})` : condition(w.a);
      return `${value(w.a)} ${w.op}= ${value(w.b)}`;
    default:
      return `${value(w.a)} ${w.op} ${value(w.b)}`;
  }
}

function value(w: Word): string {
  switch (w.kind) {
    case 'const':
      return w.value < 0 ? `(${w.value})` : String(w.value);
    case 'var':
      return w.name;
    case 'state':
      return `s[${value(w.at)}]`;
    case 'load':
      throw new Error('a model has no store');
    case 'pick':
      return `(${condition(w.when)} ? ${value(w.yes)} : ${value(w.no)})`;
    case 'op':
      if (isTruth(w)) return `(${condition(w)} ? 1 : 0)`;
      if (w.op === '*') return `Math.imul(${value(w.a)}, ${value(w.b)})`;
      if (w.op === '+' || w.op === '-') return `(${value(w.a)} ${w.op} ${value(w.b)} | 0)`;
      return `(${value(w.a)} ${w.op} ${value(w.b)})`;
  }
}
