// The settings that a verdict rests on, in words: all of them, so that nobody has to know the defaults.

import type { Compiled } from './compile.ts';
import { programOf } from './compile.ts';
import type { Check } from './scenario.ts';

/** One after the other, as a scenario would say them. */
export function environment(compiled: Compiled, check: Check): readonly string[] {
  const { program } = programOf(compiled, check);
  const { env } = program;
  const onOff = (b: boolean): string => (b ? 'on' : 'off');
  const parts = [
    `cpus ${env.cpus}`,
    `threads ${program.threads.length}`,
    `patches ${program.kernel.filter((op) => op.do.kind === 'begin').length}`,
    ...env.events.map((e) => `${e.name} ${e.count}`),
    `fetch ${env.fetch.name}`,
    `memory ${env.memory}`,
    `gate ${env.gate}`,
    `gap ${onOff(env.gap)}`,
    ...(env.istBreakpoint ? ['ist breakpoint'] : []),
    ...(env.istNmi ? ['ist nmi'] : []),
    `nmi in shadow ${env.nmiHeldInShadow ? 'held' : 'taken'}`,
    `rsp ${env.rsp}`,
    `preempt ${onOff(env.preempt)}`,
    `migrate ${onOff(env.migrate)}`,
    ...(env.shadowStack ? ['shadow stack on'] : []),
  ];
  const shown = (v: bigint | string): string =>
    typeof v === 'string' ? v : v === 1n ? 'on' : v === 0n ? 'off' : String(v);
  const options = [...check.options].map(([name, value]) => `${name} = ${shown(value)}`);
  // Places have their offsets in the values only.
  const rest = check.values.filter((v) => !parts.includes(v) && !options.includes(v));
  return [...parts, ...rest, ...options];
}
