// Operations of the patcher and of handlers that nobody sees: what one step of them may do, whatever the state is.

import { footprint, mentions, reads } from '../footprint.ts';
import type { KernelDo, Program } from '../ir.ts';
import { asksForPhases, region } from '../ir.ts';
import type { Expr } from '../ops.ts';
import { registers } from '../ops.ts';
import { decode, instantiate } from '../x86/decode.ts';

/**
 * What a step that begins at an operation is: `seen`, or one that reads and writes only what belongs to the context
 * that runs. `serialises` and `returns` also change what the CPU may fetch, and which context runs.
 */
export type Quiet = 'seen' | 'own' | 'serialises' | 'returns';

/** The step from each operation on: the access that it does, and all that can ride along. */
export function quietOperations(p: Program): readonly Quiet[] {
  const own = ownExpressions(p);
  const phased = asksForPhases(p);
  const emulates = p.stubs.length === 0 && p.contents.every((c) => plainFirst(c.bytes, c.at));
  const quiet = (op: KernelDo): Quiet => {
    switch (op.kind) {
      case 'iret':
        return 'returns';
      case 'step':
        // Whatever the patcher does may be the end of a phase.
        if (phased || !op.ops.every((o) => o.kind === 'serialise' || o.kind === 'drain'))
          return 'seen';
        return op.ops.some((o) => o.kind === 'serialise') ? 'serialises' : 'own';
      // An acknowledgement is seen by the wait for it alone, and that by nobody.
      case 'ipiack':
      case 'nop':
        return 'own';
      case 'acks':
        return phased ? 'seen' : 'own';
      case 'set':
        if (op.to.kind !== 'local' && op.to.kind !== 'frame' && op.to.kind !== 'frameif')
          return 'seen';
        return own.moved(op.value) ? 'own' : 'seen';
      case 'jump':
        return [op.when, op.unless].every((e) => e === undefined || own.judged(e)) ? 'own' : 'seen';
      case 'emulate':
        return emulates && own.judged(op.of) ? 'own' : 'seen';
      case 'emulatecall':
        return p.stubs.length === 0 && own.judged(op.target) && own.judged(op.back)
          ? 'own'
          : 'seen';
      default:
        return 'seen';
    }
  };
  const follow = (from: number): Quiet => {
    const known = new Set<string>();
    let found: Quiet = 'own';
    /**
     * False where something is seen; `accessed`: an access is done, and the next one ends the step. `opens`: the frame
     * says of IF what it said before the step.
     */
    const visit = (index: number, accessed: boolean, opens: boolean): boolean => {
      const key = `${index} ${accessed} ${opens}`;
      if (known.has(key)) return true;
      known.add(key);
      const op = p.kernel[index]?.do;
      if (op === undefined) return false;
      const access = !ridesAlong.has(op.kind);
      if (access && accessed) return true;
      const kind = quiet(op);
      if (kind === 'seen') return false;
      if (kind !== 'own') {
        // What is asked of one of them is not what is asked of the other.
        if (found !== 'own' && found !== kind) return false;
        found = kind;
      }
      // Which interrupts come behind it is judged by the frame as it is before the step.
      if (op.kind === 'iret') return opens;
      if (op.kind === 'jump') {
        const always = op.when === undefined && op.unless === undefined;
        return visit(op.to, accessed, opens) && (always || visit(index + 1, accessed, opens));
      }
      // Whether an emulated instruction is an access depends on which one it is.
      if (op.kind === 'emulate')
        return visit(index + 1, true, opens) && (accessed || visit(index + 1, false, opens));
      return visit(index + 1, accessed || access, opens && !mayShut(op));
    };
    return visit(from, false, true) ? found : 'seen';
  };
  return p.kernel.map((_, index) => follow(index));
}

/** Whether a frame may say behind it that IF is clear. */
const mayShut = (op: KernelDo): boolean =>
  op.kind === 'set' &&
  (op.to.kind === 'frame'
    ? op.to.word === 'flags'
    : op.to.kind === 'frameif' && !(op.value.kind === 'const' && op.value.lo !== 0));

const ridesAlong: ReadonlySet<KernelDo['kind']> = new Set([
  'set',
  'jump',
  'emulate',
  'violate',
  'begin',
  'finish',
  'nop',
] as const);

/** Whether content begins with an instruction that a handler can do on its frame without memory. */
function plainFirst(bytes: Uint8Array, at: number): boolean {
  const d = decode(bytes, bytes.length);
  if (d.kind !== 'insn') return false;
  const { reads: r, writes: w, waits } = footprint(instantiate(d, at));
  const outside = ['memory', 'buffer', 'text', 'views', 'if', 'shadow', 'halted', 'nmi'];
  return waits.size === 0 && outside.every((f) => !r.has(f) && !w.has(f));
}

/** Whether a constant is an address of a stub. */
export const inStub = (e: Expr): boolean =>
  e.kind === 'const' && e.hi === -1 && e.lo >= region.stubs && e.lo < region.kernel;

/** Which values depend on nothing but the context that runs. */
function ownExpressions(p: Program): {
  judged: (e: Expr) => boolean;
  moved: (e: Expr) => boolean;
} {
  const fields = new Set<string>([
    ...registers,
    ...['flags', 'if', 'rip', 'context', 'locals', 'stack'],
    ...(p.env.migrate ? [] : ['cpu']),
  ]);
  const own = (e: Expr): boolean => [...reads(e)].every((f) => fields.has(f));
  // A release renames addresses of its stub in locals and on stacks: what is made of one must be one.
  const releases = p.kernel.some((k) => k.do.kind === 'release');
  const renamed = (e: Expr): boolean =>
    e.kind === 'local' || e.kind === 'frame' || e.kind === 'here' || inStub(e);
  // Whether it trapped at an address of the text no release changes.
  const asksText = (e: Expr): boolean =>
    e.kind === 'binary' &&
    e.op === 'eq' &&
    e.a.kind === 'here' &&
    e.b.kind === 'const' &&
    !inStub(e.b);
  // What is not renamed must not be moved to where it would be, and a sum may be any address.
  const kept = (e: Expr): boolean => ['reg', 'framereg', 'here', 'temp', 'binary'].includes(e.kind);
  const judged = (e: Expr): boolean =>
    own(e) && (!releases || asksText(e) || !mentions(e, renamed));
  return {
    judged,
    moved: (e) => (e.kind === 'local' ? own(e) : judged(e) && !(releases && mentions(e, kept))),
  };
}
