// What a verdict rests on, for somebody else to check: a set of states that no step leaves, or a run. See docs/certificates.md.

import type { Source } from '../grammar/source.ts';
import type { Machine } from './emulator/machine.ts';
import type { Trace } from './emulator/trace.ts';
import {
  createSearch,
  type Model,
  replay,
  type Search,
  type Visited,
  visited,
} from './explorer/index.ts';
import { type ViolationReport, violationReport } from './report.ts';
import type { CheckResult } from './verify.ts';

/** What is said of one check; in the file its bytes follow it, compressed. */
export interface Claim {
  readonly scenario: string;
  /** Index into the scenario's checks, and what distinguishes it from the others. */
  readonly check: number;
  readonly values: readonly string[];
  readonly verdict: 'holds' | 'violated';
  /** Names of the witnesses that some run reaches, in the program's order. */
  readonly witnesses?: readonly string[];
  readonly violation?: ViolationReport;
  /** What cannot be reached from where the run ends, if that is the violation. */
  readonly goal?: string;
  readonly set?: SetClaim;
  /** How many bytes of the set follow. */
  readonly bytes?: number;
}

/** The states that can be reached: from the start, or by what a goal may rely on from where a run ends. */
export interface SetClaim {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
}

/** What the result of a check claims: its states, or each violation by itself. Nothing, where it is unfinished. */
export function* claims(
  text: Source,
  scenario: string,
  check: number,
  { values, result, traces, witnesses }: CheckResult,
  search: Search,
  machine: Machine,
): Generator<{ readonly claim: Claim; readonly bytes?: Uint8Array }, void> {
  const of = { scenario, check, values };
  if (result.verdict === 'holds') {
    const reached = witnesses.filter((w) => w.reached).map((w) => w.name);
    const { set, bytes } = closed(search);
    yield { claim: { ...of, verdict: 'holds', witnesses: reached, set }, bytes };
  }
  for (const [i, found] of result.violations.entries()) {
    const violation = violationReport(text, check, found, traces[i] as Trace);
    const { goal } = found;
    if (goal === undefined) {
      yield { claim: { ...of, verdict: 'violated', violation } };
      continue;
    }
    const behind = createSearch(withoutOptional(machine, violation.trace));
    while (!behind.advance(1 << 16).done);
    const { set, bytes } = closed(behind);
    yield { claim: { ...of, verdict: 'violated', violation, goal, set }, bytes };
  }
}

/** The machine from where the run ends, with the actions alone on which a goal may rely. */
function withoutOptional(
  machine: Machine,
  { schedule, initial = 0 }: ViolationReport['trace'],
): Model {
  const { state } = replay(machine, schedule, { initial });
  return {
    words: machine.words,
    parts: machine.parts,
    properties: machine.properties,
    witnesses: [],
    goals: [],
    initial: () => [state],
    enabled(s, out) {
      const count = machine.enabled(s, out);
      // More than fits is asked for again.
      if (count > out.length) return count;
      let kept = 0;
      for (let i = 0; i < count; i++) {
        const action = out[i] as number;
        if (!machine.optional(action)) out[kept++] = action;
      }
      return kept;
    },
    apply: (s, action) => machine.apply(s, action),
    witnessed: 0,
    get limit() {
      return machine.limit;
    },
    actionName: (s, action) => machine.actionName(s, action),
    optional: () => false,
    goalsOf: () => 0,
  };
}

function closed(search: Search): { readonly set: SetClaim; readonly bytes: Uint8Array } {
  const { states, transitions, depth } = search.result();
  return { set: { states, transitions, depth }, bytes: written(visited(search)) };
}

/**
 * Columns of numbers, each as its difference to one that stands before it: for each part its rows, to the row before;
 * for each state the one that it was found from, to that of the state before; then part for part the number of its
 * row, and goal for goal the distance, both to those of the state that it was found from.
 */
function written({ count, starts, rows, numbers, parents, distances }: Visited): Uint8Array {
  const out = new Numbers();
  const parts = Array.from({ length: starts.length - 1 }, (_, part) => part);
  for (const part of parts) {
    const words = rows(part);
    const width = (starts[part + 1] as number) - (starts[part] as number);
    out.put(words.length / width);
    words.forEach((word, i) => {
      out.put(word - (words[i - width] ?? 0));
    });
  }
  parents.forEach((parent, state) => {
    out.put(parent - (parents[state - 1] ?? 0));
  });
  for (const part of parts) {
    const of = numbers(part);
    for (let state = 0; state < count; state++)
      out.put((of[state] as number) - (of[parents[state] as number] ?? 0));
  }
  for (const steps of distances)
    steps.forEach((n, state) => {
      out.put(n - (steps[parents[state] as number] ?? 0));
    });
  return out.bytes();
}

/**
 * Numbers of 32 bits in as few bytes as they need: the sign is the lowest bit, then seven bits a byte, the lowest
 * first; the top bit of a byte says that more follow.
 */
class Numbers {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  put(n: number): void {
    if (this.#length + 5 > this.#bytes.length)
      this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(2 * this.#bytes.length));
    let left = ((n << 1) ^ (n >> 31)) >>> 0;
    for (; left > 0x7f; left >>>= 7) this.#bytes[this.#length++] = left | 0x80;
    this.#bytes[this.#length++] = left;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
