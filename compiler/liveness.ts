// Which registers hold a value that some code still reads: the others need no place in a state outside of a pass.

import { footprint } from './footprint.ts';
import type { Place } from './ir.ts';
import type { Address } from './ops.ts';
import { registers } from './ops.ts';
import { goesOn } from './starts.ts';
import { type Standing, sequence } from './x86/decode.ts';

interface Node {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly next: readonly Address[];
}

export interface Liveness {
  /** Names of the registers whose value some code still reads, at some point of it; `flags` too. */
  readonly live: ReadonlySet<string>;
  /** Names of the registers that occur at all. */
  readonly named: ReadonlySet<string>;
}

/**
 * A backward analysis over all instructions, with all that a place may hold. A `ret` may go behind any call.
 */
export function liveness(
  text: readonly Standing[],
  places: readonly Place[],
  stubs: readonly Uint8Array[],
): Liveness {
  const nodes = new Map<Address, Node[]>();
  const behindCalls: Address[] = [];
  const named = new Set<string>();
  const stubReads = new Set<string>();
  const rets: { at: Address; reads: ReadonlySet<string>; writes: ReadonlySet<string> }[] = [];

  const see = ({ at, behind, ops }: Standing): void => {
    const { reads, writes } = footprint(ops);
    for (const name of [...reads, ...writes]) named.add(name);
    const next = ops.flatMap((o) =>
      o.kind === 'branch' && o.target.kind === 'const' ? [o.target.lo] : [],
    );
    if (ops.some((o) => o.kind === 'push' && o.as === 'return')) behindCalls.push(behind);
    if (goesOn(ops)) next.push(behind);
    if (ops.some((o) => o.kind === 'pop' && o.as === 'return')) rets.push({ at, reads, writes });
    else nodes.set(at, [...(nodes.get(at) ?? []), { reads, writes, next }]);
  };
  for (const insn of text) see(insn);
  for (const place of places)
    place.admitted.forEach((all, offset) => {
      // An INT3 that a patch puts there reads no flags for anybody: who looks at those in its frame is asked elsewhere.
      for (const bytes of all)
        for (const insn of sequence(bytes, place.from + offset))
          if (!insn.ops.some((o) => o.kind === 'trap')) see(insn);
    });
  // What a stub reads comes from outside of it, or from nearly anywhere: all that it reads counts.
  for (const bytes of stubs)
    for (const { ops } of sequence(bytes, 0)) {
      const { reads, writes } = footprint(ops);
      for (const name of [...reads, ...writes]) named.add(name);
      for (const name of reads) stubReads.add(name);
    }
  for (const r of rets)
    nodes.set(r.at, [
      ...(nodes.get(r.at) ?? []),
      { reads: r.reads, writes: r.writes, next: behindCalls },
    ]);

  const liveIn = new Map<Address, Set<string>>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const [at, list] of nodes) {
      let set = liveIn.get(at);
      if (!set) {
        set = new Set();
        liveIn.set(at, set);
      }
      const before = set.size;
      for (const node of list) {
        for (const r of node.reads) set.add(r);
        for (const n of node.next)
          for (const r of liveIn.get(n) ?? []) if (!node.writes.has(r) || r === 'flags') set.add(r);
      }
      if (set.size !== before) changed = true;
    }
  }
  // A value counts wherever it is on its way to a read, in all text: a handler may go on anywhere in it.
  const live = new Set<string>(stubReads);
  for (const set of liveIn.values()) for (const r of set) live.add(r);
  const isRegister = (name: string): boolean =>
    (registers as readonly string[]).includes(name) || name === 'flags';
  return {
    live: new Set([...live].filter(isRegister)),
    named: new Set([...named].filter(isRegister)),
  };
}
