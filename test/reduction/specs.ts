// Small protocols made at random: texts in the language, each the same for the same seed.

import { numbers } from '../generator/numbers.ts';
import { chain } from '../generator/specs.ts';

/** A spec with one scenario, which it expects to hold; about every second one does not. */
export function spec(seed: number): string {
  const random = numbers(seed);
  const may = (p: number): boolean => random() < p;
  const one = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  let labels = 0;
  /** What a thread does beside the place: most of it nobody sees. */
  const filler = (most: number): string => {
    let text = '';
    for (let n = Math.floor(random() * (most + 1)); n > 0; n--) {
      const label = `l${labels++}`;
      text += one(
        'nop; ',
        'mov ecx, 3; ',
        'mov ecx, 5; xor ecx, ecx; ',
        'push rbx; pop rbx; ',
        'test ecx, ecx; ',
        'call leaf; ',
        `cmp ecx, 3; je ${label}; nop; ${label}: `,
        may(0.3) ? 'mov [word], rcx; ' : 'nop; ',
        may(0.3) ? 'mov rdx, [word]; ' : 'mov edx, 1; ',
        may(0.1) ? 'mfence; ' : 'nop; ',
        may(0.05) ? 'sub rsp, 16; add rsp, 16; ' : 'nop; ',
        may(0.05) ? 'mov rsi, rsp; ' : 'nop; ',
      );
    }
    return text;
  };
  const kind = one('call', 'call', 'nop', 'skip');
  const old = kind === 'call' ? 'call one' : 'nop 5';
  const fresh = kind === 'nop' ? one('call one', 'jmp near func_end') : 'call two';
  const masked = may(0.3);
  const cpus = one(2, 2, 2, 2, 2, 3);
  const timer = cpus === 2 && may(0.12);
  const watchdog = cpus === 2 && !timer && may(0.12);
  const runs = one('caller', 'caller', may(0.5) ? 'other' : 'caller');
  const sync = (p: number): string =>
    may(p) ? (may(0.15) ? 'sync cores by nmi' : 'sync cores') : '';
  const guard = may(0.93);
  const handler = guard
    ? `on breakpoint at place {
  let i = insn
  if i == nil { ${one('decline', 'decline', 'resume here')} }
  ${one('emulate i', 'emulate i', 'emulate i', 'resume place.end')}
}`
    : '';
  const head = guard
    ? `phase guard { poke place[0] = int3 } ${sync(0.93)}
  phase tail { poke place[1..] as any order } ${sync(0.93)}
  phase head { poke place[0] }`
    : `poke place as ${one('any order', 'store8')}
 `;
  const reach = may(0.5) ? 'call func; ' : '';
  const ring = may(0.15);
  const rung = ring && may(0.3) ? chain('rung', one(4, 16, 30, 40)) : [];
  const deep = may(0.06) ? chain('deep', one(4, 16, 30, 44, 50)) : [];
  const lines = (routines: readonly string[]): string => routines.map((l) => `\n  ${l}`).join('');
  return `protocol random_${seed} "made at random"
code {
  one:    ${filler(1)}mov eax, 1; ret
  two:    ${filler(1)}mov eax, 2; ret
  leaf:   ret
  caller: ${deep.length > 0 ? 'call deep; ' : ''}${filler(2)}call func; ${filler(1)}jmp caller
  other:  ${filler(2)}call func; jmp other
  func:   ${masked ? 'cli; ' : ''}${filler(1)}
  place:  ${old}
  after:  ${filler(1)}${masked ? 'sti; ' : ''}
  func_end: ret
  tick:   ${reach}${filler(1)}iretq
  ring:   ${may(0.2) ? 'call func; ' : ''}${filler(2)}${rung.length > 0 ? 'call rung; ' : ''}ret${lines(rung)}${lines(deep)}
}
thread worker runs ${runs}
${cpus === 3 && may(0.3) ? 'thread second runs other' : ''}
${timer ? 'irq timer runs tick' : ''}
${ring ? 'ipi runs ring' : ''}
${watchdog ? 'nmi watchdog runs tick' : ''}
shared insn = nil; shared word = 0
${handler}
patch place: ${old} -> ${fresh} {
  insn = new
  ${head}
  ${sync(0.93)}
  ${may(0.8) ? 'insn = nil' : ''}
}
witness pass place as old
witness pass place as new
${guard ? 'witness trap at place' : ''}
${may(0.2) ? 'require bad: never word == 5' : ''}
${may(0.05) ? 'require seen: never worker at after' : ''}
scenario "s" { cpus ${cpus}; patches ${one(1, 1, 1, 2)}${timer ? '; irq timer 1' : ''}${watchdog ? '; nmi watchdog 1' : ''}${one('', '', '; gate trap', '; gap off', '; memory sc', '; ist nmi')} } expect holds
`;
}
