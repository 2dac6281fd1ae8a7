// Whether a certificate proves what it says of a spec, by the interpreter's steps alone: node check.ts SPEC CERTIFICATE
// It searches nothing; docs/certificates.md has the file's form and the argument. Exit codes: 0 every check of the spec
// is proved, 1 refused, 2 a file cannot be read, 3 proved, but not of every check.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import type { Claim } from '../../../compiler/certificate.ts';
import { type Compiled, compile, programOf } from '../../../compiler/compile.ts';
import { digest } from '../../../compiler/emulator/digest.ts';
import { createMachine, type Machine } from '../../../compiler/emulator/machine.ts';
import { languageVersion, machineVersion } from '../../../compiler/version.ts';

const demand: (truth: boolean, sentence: string) => asserts truth = (truth, sentence) => {
  if (!truth) throw new Error(sentence);
};
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const actions = new Int32Array(4096);

/** A sentence for each claim, all proved, and the checks without one; or throws why it is refused. */
export function judge(compiled: Compiled, file: Buffer): { said: string[]; open: string[] } {
  const last = file.lastIndexOf(10, -2) + 1;
  const end = file.toString('latin1', last);
  const sum = `"crc32":${crc32(file.subarray(0, last))}}\n`;
  demand(end.endsWith(sum), 'it is no certificate, or torn, or damaged: its checksum does not fit');
  const sha256 = createHash('sha256').update(compiled.text).digest('hex');
  const head = JSON.stringify({ certificate: 1, languageVersion, machineVersion, sha256 });
  let at = file.indexOf(10) + 1;
  demand(file.toString('utf8', 0, at) === `${head}\n`, 'it is of another text or version');
  const said: string[] = [];
  const proved = new Set<string>();
  while (at < last) {
    const from = file.indexOf(10, at) + 1;
    const claim = JSON.parse(file.toString('utf8', at, from)) as Claim;
    const { scenario, check, values, bytes = 0 } = claim;
    const where = `"${scenario}" #${check + 1}`;
    const spec = compiled.scenarios.find((s) => s.name === scenario)?.checks[check];
    demand(spec !== undefined && same(values, spec.values), `the spec has no ${where}`);
    const packed = file.subarray(from, from + bytes);
    at = from + packed.length + 1;
    try {
      const machine = createMachine(programOf(compiled, spec).program);
      const judged = claim.verdict === 'holds' ? closed : played;
      said.push(`${where}: ${judged(machine, claim, packed)}`);
    } catch (error) {
      const ours = !(error instanceof TypeError) && !('code' in (error as Error));
      throw new Error(`${where}: ${ours ? '' : 'it cannot be read: '}${(error as Error).message}`);
    }
    proved.add(where);
  }
  demand(end === `{"claims":${said.length},${sum}`, 'it has not as many claims as it says');
  const all = compiled.scenarios.flatMap((s) => s.checks.map((_, i) => `"${s.name}" #${i + 1}`));
  return { said, open: all.filter((where) => !proved.has(where)) };
}

/** The run ends in the violation; for a goal, where the set shows that nothing leads to it any more. */
function played(m: Machine, claim: Claim, packed: Buffer): string {
  const { violation, check } = claim;
  demand(claim.verdict === 'violated' && violation?.check === check, 'it says no violation');
  const { property, trace } = violation;
  const names = trace.steps.map((s) => s.action);
  demand(same(trace.schedule, names), 'its run says its steps in two ways');
  const state = m.initial()[trace.initial ?? 0];
  demand(state !== undefined, 'its run begins in no initial state');
  let outcome = 0;
  trace.steps.forEach((step, i) => {
    const enabled = actions.subarray(0, m.enabled(state, actions));
    const action = enabled.find((a) => m.actionName(state, a) === step.action);
    demand(outcome === 0 && action !== undefined, `step ${i + 1} of its run is not possible`);
    const before = digest(m.core, state);
    outcome = m.apply(state, action);
    const after = outcome === 0 ? digest(m.core, state) : before;
    demand(m.limit === undefined && after === step.digest, `step ${i + 1} leads elsewhere`);
  });
  const lost = m.goals.findIndex((g) => g.name === claim.goal);
  const index = outcome === 0 ? (m.goals[lost]?.property ?? -1) : outcome - 1;
  demand(index >= 0 && m.properties[index] === property, `its run does not violate ${property}`);
  const run = `violates ${property} by a run of ${names.length} steps`;
  return outcome > 0 ? run : `${run}; behind it ${closed(m, claim, packed, 1 << lost, [state])}`;
}

/**
 * The set is what can be reached from the initial states, breadth first, and no step in it violates. Every goal is as
 * far as it says; or one is lost: it holds nowhere, and no step on which it may rely leads out.
 */
function closed(m: Machine, claim: Claim, packed: Buffer, lost = 0, initial = m.initial()): string {
  const content = inflateRawSync(packed);
  let at = 0;
  const signed = (): number => {
    for (let n = 0, by = 0; ; by += 7) {
      const byte = content[at++];
      demand(byte !== undefined && by < 35, 'its set is cut off');
      n |= (byte & 0x7f) << by;
      if (byte < 0x80) return (n >>> 1) ^ -(n & 1);
    }
  };
  /** Numbers, each told as its difference to the one at `base`, or to 0. */
  const column = (length: number, base: (i: number) => number): Int32Array => {
    demand(length >= 0 && length <= content.length - at, 'its set is cut off');
    const out = new Int32Array(length);
    for (let i = 0; i < length; i++) out[i] = signed() + (out[base(i)] ?? 0);
    return out;
  };
  const key = (words: Int32Array, from: number, width: number): string =>
    Buffer.from(words.buffer, 4 * from, 4 * width).toString('latin1');
  /** The index of each row of `width` words, by those. */
  const indices = (words: Int32Array, width: number): Map<string, number> => {
    const known = new Map<string, number>();
    for (let i = 0; i * width < words.length; i++) known.set(key(words, i * width, width), i);
    return known;
  };
  const parts = m.parts.map((from, p) => {
    const width = (m.parts[p + 1] ?? m.words) - from;
    const rows = column(signed() * width, (i) => i - width);
    return { from, width, rows, known: indices(rows, width) };
  });
  const { states = 0 } = claim.set ?? {};
  const parents = column(states, (i) => i - 1);
  const numbers = new Int32Array(states * parts.length);
  parts.forEach(({ rows, width }, p) => {
    column(states, (i) => parents[i] as number).forEach((n, i) => {
      demand(n >= 0 && n * width < rows.length, `state ${i} has a part that is not there`);
      numbers[i * parts.length + p] = n;
    });
  });
  const known = indices(numbers, parts.length);
  const goals = lost === 0 ? m.goals.map(() => column(states, (i) => parents[i] as number)) : [];
  demand(at === content.length, 'its set goes on behind its end');
  const state = new Int32Array(m.words);
  const next = new Int32Array(m.words);
  const row = new Int32Array(parts.length);
  /** The index of `next`; where it comes from state i, which is `state`, equal parts have the same number. */
  const find = (i?: number): number => {
    parts.forEach(({ from, width, known }, p) => {
      let w = from;
      while (i !== undefined && w < from + width && next[w] === state[w]) w++;
      const equal = w === from + width ? numbers[(i ?? 0) * parts.length + p] : undefined;
      row[p] = equal ?? known.get(key(next, from, width)) ?? -1;
    });
    return known.get(key(row, 0, row.length)) ?? -1;
  };
  const level = new Int32Array(states).fill(-1);
  for (const first of initial) {
    next.set(first);
    const i = find();
    demand(i >= 0, 'an initial state is not in its set');
    level[i] = 0;
  }
  let transitions = 0;
  let seen = 0;
  for (let i = 0; i < states; i++) {
    const depth = level[i] as number;
    demand(depth >= Math.max(0, level[i - 1] ?? 0), `no step before it leads to state ${i}`);
    parts.forEach(({ from, width, rows }, p) => {
      const at = (numbers[i * parts.length + p] as number) * width;
      state.set(rows.subarray(at, at + width), from);
    });
    const reached = m.goalsOf(state);
    demand((reached & lost) === 0, `the goal that is lost holds in state ${i}`);
    const ways: number[] = [];
    const count = m.enabled(state, actions);
    demand(count <= actions.length, `state ${i} has more actions than are looked at`);
    for (const action of actions.subarray(0, count)) {
      const optional = m.optional(action);
      if (optional && lost !== 0) continue;
      next.set(state);
      const outcome = m.apply(next, action);
      demand(outcome === 0, `a step from state ${i} violates ${m.properties[outcome - 1]}`);
      demand(m.limit === undefined, `a step from state ${i} leaves the model`);
      transitions++;
      seen |= m.witnessed;
      const to = find(i);
      demand(to >= 0, `a step from state ${i} leads out of its set`);
      if (level[to] === -1) level[to] = depth + 1;
      if (!optional) ways.push(to);
    }
    goals.forEach((away, g) => {
      const least = Math.min(...ways.map((to) => away[to] as number));
      demand(away[i] === (reached & (1 << g) ? 0 : least + 1), `state ${i} has a wrong distance`);
    });
  }
  const set = { states, transitions, depth: level[states - 1] };
  demand(same(claim.set, set), `its figures are wrong: ${JSON.stringify(set)}`);
  const witnesses = lost === 0 ? m.witnesses.filter((_, i) => seen & (1 << i)) : undefined;
  demand(same(claim.witnesses, witnesses), `its witnesses are wrong: ${witnesses}`);
  return `${lost === 0 ? 'holds, ' : ''}${states} states, ${transitions} transitions`;
}

if (process.argv[1] === import.meta.filename) {
  try {
    const [spec = '', certificate = ''] = process.argv.slice(2);
    const compiled = compile(readFileSync(spec, 'utf8').replace(/^\ufeff/, ''));
    const { said, open } = judge(compiled, readFileSync(certificate));
    console.log([...said, ...open.map((where) => `${where}: not certified`)].join('\n'));
    process.exitCode = open.length > 0 || said.length === 0 ? 3 : 0;
  } catch (error) {
    console.error(`refused: ${(error as Error).message}`);
    process.exitCode = 'syscall' in (error as Error) ? 2 : 1;
  }
}
