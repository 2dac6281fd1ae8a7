// What the words of the language mean, each in its form and one sentence: for editors, and for who asks about a word.
//
// The settings' values stand here alone: `scenario.ts` reads scenarios by them. What properties mean says `meaning.ts`.
// Sentences have no full stop.

import type { sectionWords, statementWords } from '../grammar/tokens.ts';
import type { Mnemonic } from './x86/table.ts';

export interface Meaning {
  readonly form: string;
  readonly about: string;
  /** Its name among what the language can say and this version cannot run: `capabilities.ts`. */
  readonly waits?: string;
}

export const heading: Meaning = {
  form: 'protocol NAME "summary"',
  about: 'what the file is about, in one line; it comes first',
};

export const sections: Readonly<Record<(typeof sectionWords)[number], Meaning>> = {
  source: {
    form: 'source "…"',
    about: 'where the protocol comes from; it may stand several times',
  },
  option: {
    form: 'option A, B = on',
    about:
      'what scenarios vary; the first value is the default, and `on` stands for `on | off`, a number for any number',
  },
  machine: { form: 'machine { settings }', about: 'settings of all scenarios' },
  code: { form: 'code { … }', about: 'the assembly that threads run' },
  thread: { form: 'thread T runs L', about: 'a thread, and the label where its code begins' },
  irq: { form: 'irq T runs L', about: 'code of an interrupt, which ends in `iretq`' },
  nmi: { form: 'nmi T runs L', about: 'code of an NMI, which ends in `iretq`' },
  ipi: {
    form: 'ipi runs L',
    about: "what a sync's handler runs before it serialises, a routine that ends in `ret`",
  },
  shared: {
    form: 'shared X = 1',
    about:
      'words of 8 bytes that every CPU sees; also arrays and records: `shared V[3] { addr, insn }`',
  },
  percpu: {
    form: 'percpu X',
    about: 'words of 8 bytes of which each CPU has its own, `gs:[X]` in code',
  },
  mutex: { form: 'mutex M', about: 'a lock of the patchers', waits: 'mutex' },
  descriptor: {
    form: 'descriptor D { fields } slots N',
    about: 'a record that is built and released',
    waits: 'descriptor',
  },
  stub: {
    form: 'stub S(params) slots N { … }',
    about: 'code that is built and released; `slots per cpu` is a slot for each CPU',
  },
  site: {
    form: 'site L dead r10, flags',
    about: 'registers that may change at a place; all others are live',
  },
  on: {
    form: 'on breakpoint NAME at L { … }',
    about: 'an owner of the trap; owners are asked in the order of the text',
  },
  define: {
    form: 'define NAME(params) { … }',
    about: 'statements with a name, copied in where `NAME(…)` stands',
  },
  patch: {
    form: 'patch NAME at L: OLD -> NEW { … }',
    about: 'the places, what they hold before and after, and the patcher',
  },
  waive: {
    form: 'waive NAME "reason"',
    about: 'a property that is off; a run that breaks it goes on',
  },
  require: {
    form: 'require NAME: always E',
    about: 'a property of your own; also `never E`, `eventually E` and `after patch E`',
  },
  witness: {
    form: 'witness E',
    about: 'in some run of every scenario that holds, E comes true',
  },
  scenario: {
    form: 'scenario "…" { settings } expect …',
    about: 'an environment, values of the options, and the verdict that is expected',
  },
  if: { form: 'if E { … } else { … }', about: 'sections for some values of the options only' },
};

export const statements: Readonly<Record<(typeof statementWords)[number], Meaning>> = {
  poke: {
    form: 'poke P[0..2] = SOURCE as UNIT',
    about:
      'stores bytes of a place, those of its new content if nothing else is said; as bytes one by one if no unit is',
  },
  sync: {
    form: 'sync cores',
    about:
      'an IPI to every CPU, and the wait for all acknowledgements; also `sync threads`, `by nmi`, `without self`, `without waiting`',
  },
  serialize: { form: 'serialize', about: 'this CPU forgets what it may have fetched before' },
  fence: { form: 'fence', about: 'waits until the own store buffer is empty' },
  wait: {
    form: 'wait for E',
    about: 'loads what E reads again and again until it is true; `wait time` guarantees nothing',
  },
  stop: {
    form: 'stop machine { … }',
    about: 'all other CPUs park while one writes',
    waits: 'stop machine',
  },
  irqs: { form: 'irqs off', about: 'interrupts of this CPU, off or on' },
  preempt: { form: 'preempt off', about: 'whether the patcher can be preempted' },
  lock: { form: 'lock M', about: 'takes a mutex', waits: 'mutex' },
  unlock: { form: 'unlock M', about: 'gives a mutex back', waits: 'mutex' },
  let: { form: 'let x = E', about: 'a local name for a value, to the end of its block' },
  atomic: {
    form: 'atomic X += 1',
    about: 'one locked step; a block of it may touch one word, and may `decline`',
  },
  build: {
    form: 'build S(args)',
    about: "writes a stub into a free slot, a step for each byte; its value is the slot's address",
  },
  release: { form: 'release S', about: 'frees every slot of the stub that is built' },
  run: {
    form: 'run L',
    about: 'the patcher or a handler executes a routine',
    waits: 'run',
  },
  phase: {
    form: 'phase P { … }',
    about: 'a word for what is done inside, which properties can name',
  },
  if: { form: 'if E { … } else { … }', about: 'loads what the test reads, then goes one way' },
  while: { form: 'while E { … }', about: 'loads what the test reads before each turn' },
  for: { form: 'for i in 0..n { … }', about: 'over numbers, `cpus`, or the `sites` of the patch' },
  assert: { form: 'assert E "text"', about: 'violates `assertion` where E is false' },
  fail: {
    form: 'fail "text"',
    about: 'the patch ends as an error; the next one starts from what is left',
  },
  emulate: {
    form: 'emulate E',
    about: 'in a handler: what the instruction would do at `here`, done to the saved frame',
  },
  resume: { form: 'resume E', about: 'in a handler: go on at an address' },
  decline: { form: 'decline', about: 'in a handler: not mine, ask the next owner' },
};

/** Statements that only a patcher has, and those that only a handler has. */
export const patcherOnly: ReadonlySet<string> = new Set(
  'poke sync preempt build release phase fail'.split(' '),
);
export const handlerOnly: ReadonlySet<string> = new Set('emulate resume decline'.split(' '));

/** What goes on a statement or a section that has begun. */
export const clauses = {
  cores: 'an IPI to every CPU, and the wait for all acknowledgements',
  threads: 'membarrier: an IPI to every CPU that runs a thread at the look; the caller serialises',
  'by nmi': 'sent as an NMI, which needs no interrupts to be on',
  'without self': 'the own CPU does not serialise',
  'without waiting': 'it goes on before the others have acknowledged',
  bytes: 'ascending, a step for each byte: the default',
  'bytes descending': 'a step for each byte, the last one first',
  'any order': 'one step; the bytes become visible in any order',
  store: 'one store of so many bytes',
  'locked store': 'one locked store of so many bytes, which commits at once within a line',
  holds: 'no run violates a property, and every witness is reached',
  violates: 'some run ends in this property',
  only: 'no run ends in another property',
  expect: 'the verdict that is expected; `holds` if none is said',
  always: 'true in every state',
  never: 'true in no state',
  eventually: 'from every reachable state one can be reached in which it is true',
  'after patch': 'true whenever no patch is under way',
  during: 'while the patcher is in this phase',
  'trap at': 'a CPU took #BP at this address',
  pass: 'a pass of the place behaved as this content',
  'as old': 'what the code has there',
  'as new': 'what the first patch of the place makes of it',
  'returns into': 'a return address on the stack of the thread points there',
  handling: 'a handler of the trap at this address is under way',
  'in nmi': 'in the context of an NMI',
  'in irq': 'in the context of an interrupt',
  dead: 'registers that may change there',
  'slots per cpu': 'a slot for each CPU',
  slots: 'how often it can be built before it is released',
  align: 'fills with nops up to a multiple of a power of two',
  short: 'the form with a displacement of 8 bits',
  near: 'the form with a displacement of 32 bits',
  dword: 'a memory operand of 4 bytes',
  qword: 'a memory operand of 8 bytes',
  else: 'where the test is false',
} as const satisfies Record<string, string>;

/** Names that expressions have without any declaration. */
export const constants = {
  here: 'the address that trapped, in a handler',
  frame: 'the saved state, in a handler: `frame.ip`, `frame.sp`, `frame.if`, `frame.rax`, …',
  new: 'what the place of the patch holds after it',
  old: 'what the place of the patch holds before it',
  cpu: 'the number of the own CPU',
  nil: '0',
  on: '1',
  off: '0',
  int3: '0xcc, the byte of INT3',
  cpus: 'every CPU, in `for k in cpus`',
  sites: 'the places of the patch in their order, in `for s in sites`',
} as const satisfies Record<string, string>;

/** Behind the dot of a name. */
export const parts = {
  end: 'the address behind it',
  new: 'what the place holds after the patch',
  old: 'what the place holds before the patch',
  target: 'where the instruction branches to',
} as const satisfies Record<string, string>;

/** The saved state by its fields; any 64-bit register is one, too. */
export const frameFields = {
  ip: 'the saved RIP, behind the INT3',
  sp: 'the saved RSP',
  flags: 'the saved RFLAGS',
  if: 'the interrupt flag of the saved RFLAGS',
  cs: 'the saved CS',
  ss: 'the saved SS',
} as const satisfies Record<string, string>;

// ---- settings

export interface SettingMeaning extends Meaning {
  readonly default: string;
  /** The word between the setting's own and its value: `switch serialises`. */
  readonly second?: string;
  readonly values?: readonly string[];
  /** Of a number. */
  readonly range?: string;
}

const onOff = ['on', 'off'] as const;

/** By first word. `settings.gate.values` is what may stand behind `gate`. */
export const settings = {
  cpus: {
    form: 'cpus N',
    default: '2',
    range: '1 to 6',
    about: 'how many CPUs there are; the patcher starts on CPU 0',
  },
  late: { form: 'late N', default: '0', about: 'CPUs that come online at any time', waits: 'late' },
  threads: {
    form: 'threads N',
    default: "one for each CPU but the patcher's, one of each kind if there are several",
    range: '0 to 8',
    about: 'how many threads run; by name with `threads worker 2, reader 1`',
  },
  patches: {
    form: 'patches N',
    default: '1',
    range: '1 to 16',
    about: 'every patch in order, so many times; or a list of names: `patches attach, detach`',
  },
  preempt: {
    form: 'preempt on | off',
    default: 'on if there are more threads, the patcher included, than CPUs',
    values: onOff,
    about: 'threads can be preempted at any boundary where an interrupt could come',
  },
  migrate: {
    form: 'migrate on | off',
    default: 'on if there are more threads, the patcher included, than CPUs',
    values: onOff,
    about: 'a preempted thread can go on on another CPU',
  },
  pin: {
    form: 'pin T to 0',
    default: 'none',
    about: 'the CPU where a thread starts, and stays without `migrate`',
  },
  switch: {
    form: 'switch serialises none | other | all',
    default: 'none',
    second: 'serialises',
    values: ['none', 'other', 'all'],
    about: 'which switches of threads serialise the CPU',
  },
  irq: {
    form: 'irq N',
    default: '0',
    range: '0 to 8',
    about: 'how many interrupts may come in a run; with a name and a CPU: `irq tick 1 on 0`',
  },
  nmi: {
    form: 'nmi N',
    default: '0',
    range: '0 to 8',
    about: 'how many NMIs may come in a run; with a name its code: `nmi watchdog 1`',
  },
  gate: {
    form: 'gate interrupt | trap | signal',
    default: 'interrupt',
    values: ['interrupt', 'trap', 'signal'],
    about:
      "the gate of #BP; with `signal` the handler is user code on the thread's stack, with interrupts on",
  },
  gap: {
    form: 'gap on | off',
    default: 'on',
    values: onOff,
    about: 'the entry of #BP moves the frame six words down',
  },
  ist: {
    form: 'ist none | breakpoint | nmi | both',
    default: 'none',
    values: ['none', 'breakpoint', 'nmi', 'both'],
    about: 'that event has a stack of its own',
  },
  shadow: {
    form: 'shadow stack on | off',
    default: 'off',
    second: 'stack',
    values: onOff,
    about: 'return addresses are kept and compared',
  },
  fetch: {
    form: 'fetch sdm | amd | zen3',
    default: 'sdm',
    values: ['sdm', 'amd', 'zen3'],
    about: 'what a CPU may fetch while bytes change; single parameters stand behind `with`',
  },
  memory: {
    form: 'memory tso | sc',
    default: 'tso',
    values: ['tso', 'sc'],
    about: 'whether stores to variables wait in a store buffer',
  },
  staleness: {
    form: 'staleness unbounded | bounded',
    default: 'unbounded',
    values: ['unbounded', 'bounded'],
    about: 'with `bounded` a `wait time` outlasts every stale byte',
  },
  rsp: {
    form: 'rsp 0 | 8',
    default: '0',
    values: ['0', '8'],
    about: 'RSP modulo 16 where a thread first reaches a place',
  },
} as const satisfies Record<string, SettingMeaning>;

/** The two settings that do not begin with a word of their own. */
export const nmiInShadow = {
  form: 'nmi in shadow taken | held',
  default: 'taken',
  values: ['taken', 'held'],
  about: 'whether the shadow of STI holds NMIs off',
} as const satisfies SettingMeaning;
export const positionSetting: SettingMeaning = {
  form: 'L at 0 of 64',
  default: '61 of 64, or what `align` leaves',
  about: 'the offset of a label in a power of two; `at 0..63 of 64` is every one',
};

/** What may stand behind `with` of `fetch`, with its values. */
export const fetchParameters = {
  store_unit: ['1', '8', '32'],
  moment: ['1', '8', '64'],
  ascending: ['yes', 'no'],
  unsynchronised: ['always', 'crossing', 'never'],
  backwards: ['yes', 'no'],
  code_order: ['yes', 'no'],
  data_order: ['yes', 'no'],
} as const satisfies Record<string, readonly string[]>;

// ---- instructions

export const instructions: Readonly<Record<Mnemonic, string>> = {
  nop: 'does nothing; `nop 5` is one instruction of five bytes',
  call: 'pushes the address behind it and branches',
  jmp: 'branches; `jmp short` and `jmp near` say which form',
  jcc: 'branches if the condition holds',
  ret: 'pops an address and branches to it',
  int3: 'traps: #BP; `int3 4` is four of them',
  iretq: 'returns from an interrupt, and serialises',
  push: 'stores a word below the top of the stack',
  pop: 'loads the word at the top of the stack',
  mov: 'copies its second operand into its first',
  add: 'adds; sets the flags',
  or: 'gives the or of the bits; sets the flags',
  and: 'gives the and of the bits; sets the flags',
  sub: 'subtracts; sets the flags',
  xor: 'gives the exclusive or of the bits; sets the flags',
  cmp: 'sets the flags as `sub` would',
  test: 'sets the flags as `and` would',
  inc: 'adds 1; CF stays',
  dec: 'subtracts 1; CF stays',
  lea: 'gives the address of a memory operand',
  xchg: 'exchanges; locked where memory is one of them',
  cmpxchg: 'stores if RAX is what is there, else loads RAX',
  xadd: 'adds, and gives the old value to the source',
  sti: 'turns interrupts on, after one more instruction',
  cli: 'turns interrupts off',
  pushfq: 'pushes RFLAGS',
  popfq: 'pops RFLAGS',
  hlt: 'waits for an interrupt',
  pause: 'does nothing, in a loop that waits',
  cpuid: 'serialises; gives 0 in EAX, EBX, ECX and EDX',
  serialize: 'serialises',
  mfence: 'waits until the store buffer is empty',
  lfence: 'does nothing here: loads are in order',
  sfence: 'does nothing here: stores are in order',
  ud2: 'faults: #UD',
  endbr64: 'does nothing here',
};
