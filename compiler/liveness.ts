// Which registers hold a value that some code still reads: the others need no place in a state outside of a pass.

import { footprint } from './footprint.ts';
import type { Content, Place, TextRange } from './ir.ts';
import type { Address, Op } from './ops.ts';
import { registers } from './ops.ts';
import { decode, instantiate } from './x86/decode.ts';

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
 * A backward analysis over all instructions, with every content of every place. A `ret` may go behind any call.
 */
export function liveness(
  text: readonly TextRange[],
  places: readonly Place[],
  contents: readonly Content[],
  stubs: readonly Uint8Array[],
): Liveness {
  const nodes = new Map<Address, Node[]>();
  const behindCalls: Address[] = [];
  const named = new Set<string>();
  const stubReads = new Set<string>();
  const rets: { at: Address; reads: ReadonlySet<string>; writes: ReadonlySet<string> }[] = [];

  const scan = (from: Address, bytes: Uint8Array, reachable: boolean): void => {
    for (let at = 0; at < bytes.length; ) {
      const rest = bytes.subarray(at);
      const d = decode(rest.length > 15 ? rest.slice(0, 15) : rest, Math.min(15, rest.length));
      if (d.kind !== 'insn') return;
      const address = from + at;
      const behind = address + d.length;
      const ops = instantiate(d, address);
      const f = footprint(ops);
      for (const name of [...f.reads, ...f.writes]) named.add(name);
      if (!reachable) for (const name of f.reads) stubReads.add(name);
      if (reachable) {
        const branches = ops.filter(
          (o): o is Extract<Op, { kind: 'branch' }> => o.kind === 'branch',
        );
        const goesOn =
          !branches.some((b) => b.when === undefined) &&
          !ops.some((o) => o.kind === 'iret' || o.kind === 'fault');
        const next = branches.flatMap((b) => (b.target.kind === 'const' ? [b.target.lo] : []));
        if (ops.some((o) => o.kind === 'push' && o.as === 'return')) behindCalls.push(behind);
        if (goesOn) next.push(behind);
        if (ops.some((o) => o.kind === 'pop' && o.as === 'return'))
          rets.push({ at: address, reads: f.reads, writes: f.writes });
        else
          nodes.set(address, [
            ...(nodes.get(address) ?? []),
            { reads: f.reads, writes: f.writes, next },
          ]);
      }
      at += d.length;
    }
  };
  for (const range of text) scan(range.from, range.bytes, true);
  for (const place of places)
    for (const c of place.contents) scan(place.from, (contents[c] as Content).bytes, true);
  // What a stub reads comes from outside of it, or from nearly anywhere: all that it reads counts.
  for (const bytes of stubs) scan(0, bytes, false);
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
