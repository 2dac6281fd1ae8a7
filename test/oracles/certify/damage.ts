// Certificates that say something false in the right form, and such that are torn: each damage drawn from a seed.

import type { Claim, SetClaim } from '../../../compiler/certificate.ts';
import { programOf } from '../../../compiler/compile.ts';
import { digest } from '../../../compiler/emulator/digest.ts';
import { createMachine, type Machine } from '../../../compiler/emulator/machine.ts';
import { fingerprint } from '../../../compiler/fingerprint.ts';
import type { Compiled } from '../../../compiler/index.ts';
import type { StepReport, ViolationReport } from '../../../compiler/report.ts';
import {
  apart,
  type Parts,
  type Piece,
  pack,
  type State,
  type States,
  sealed,
  together,
  unpack,
} from './form.ts';

/** Draws a whole number from 0 up to a bound. */
type Random = (below: number) => number;

/** A certificate of one claim, and the spec that it is of. */
export interface Sound {
  readonly name: string;
  readonly compiled: Compiled;
  readonly file: Buffer;
}

/** One thing is changed; undefined where this certificate has not what is to be changed, or the change is none. */
type Damage = (sound: Sound, random: Random, others: readonly Sound[]) => Buffer | undefined;

const machineOf = ({ compiled }: Sound, { scenario, check }: Claim): Machine => {
  const found = compiled.scenarios.find((s) => s.name === scenario)?.checks[check];
  if (!found) throw new Error(`there is no check ${check} of ${scenario}`);
  return createMachine(programOf(compiled, found).program);
};
const draw = <T>(list: readonly T[], random: Random): T => list[random(list.length)] as T;

// ---- sets

/** Puts other states into the first claim, under figures that may be mended. */
const ofStates =
  (
    change: (
      s: States,
      random: Random,
      m: Machine,
      told: SetClaim,
    ) => Partial<SetClaim> | undefined,
  ): Damage =>
  (sound, random) => {
    const parts = apart(sound.file);
    const piece = parts.pieces[0] as Piece;
    if (!piece.claim.set) return undefined;
    const m = machineOf(sound, piece.claim);
    const states = unpack(m, piece);
    const figures = change(states, random, m, piece.claim.set);
    if (!figures) return undefined;
    const set = { ...piece.claim.set, ...figures };
    return together({
      ...parts,
      pieces: [{ ...piece, claim: { ...piece.claim, set }, content: pack(states) }],
    });
  };

/** How many steps lead from state i, so that a figure can be mended. */
function stepsFrom(m: Machine, { rows, states }: States, i: number): number {
  const words = rows.flatMap((part, p) => part[states[i]?.numbers[p] as number] as number[]);
  return m.enabled(Int32Array.from(words), new Int32Array(4096));
}

const remove = (mend: boolean): Damage =>
  ofStates((s, random, m, told) => {
    if (s.states.length < 2) return undefined;
    const i = random(s.states.length);
    const transitions = told.transitions - stepsFrom(m, s, i);
    const removed = s.states.splice(i, 1)[0];
    for (const t of s.states) {
      if (t.parent === i) t.parent = removed?.parent as number;
      else if (t.parent > i) t.parent--;
    }
    return { states: s.states.length, ...(mend ? { transitions } : {}) };
  });

const replace: Damage = ofStates((s, random) => {
  const state = draw(s.states, random);
  const p = random(s.rows.length);
  const others = (s.rows[p] as number[][]).length - 1;
  if (others === 0) return undefined;
  const now = state.numbers[p] as number;
  state.numbers[p] = (now + 1 + random(others)) % (others + 1);
  return {};
});

const changeWord: Damage = ofStates((s, random) => {
  const row = draw(draw(s.rows, random), random);
  const w = random(row.length);
  row[w] = (row[w] as number) ^ (1 << random(32));
  return {};
});

/** A state that nothing leads to. */
const add: Damage = ofStates((s, random) => {
  const known = new Set(s.states.map((t) => t.numbers.join()));
  const parent = random(s.states.length);
  const like = s.states[parent] as State;
  const numbers = [...like.numbers];
  const p = random(s.rows.length);
  numbers[p] = random((s.rows[p] as number[][]).length);
  if (known.has(numbers.join())) return undefined;
  s.states.push({ parent, numbers, away: [...like.away] });
  return { states: s.states.length };
});

const double: Damage = ofStates((s, random) => {
  s.states.push({ ...draw(s.states, random) });
  return { states: s.states.length };
});

/** Two states of different depths: what is found later stands first. */
const disorder: Damage = ofStates((s, random) => {
  const depth: number[] = [];
  for (const t of s.states) depth.push(t.parent < 0 ? 0 : 1 + (depth[t.parent] as number));
  const i = random(s.states.length);
  const j = random(s.states.length);
  if (depth[i] === depth[j]) return undefined;
  const [a, b] = [s.states[i], s.states[j]] as [State, State];
  s.states[i] = { ...b, parent: -1 };
  s.states[j] = { ...a, parent: -1 };
  return {};
});

const distance: Damage = ofStates((s, random) => {
  const { away } = draw(s.states, random);
  if (away.length === 0) return undefined;
  const g = random(away.length);
  away[g] = (away[g] as number) + draw([-2, -1, 1, 2, 1000], random);
  return {};
});

const allDistances: Damage = ofStates((s, random) => {
  if (s.states[0]?.away.length === 0) return undefined;
  const by = draw([-1, 1, 7], random);
  for (const t of s.states) t.away[0] = (t.away[0] as number) + by;
  return {};
});

const longer: Damage = (sound, random) => {
  const parts = apart(sound.file);
  const [piece] = parts.pieces;
  if (!piece || piece.content.length === 0) return undefined;
  const { content } = piece;
  piece.content =
    random(2) === 0
      ? content.subarray(0, content.length - 1 - random(Math.min(100, content.length - 1)))
      : Buffer.concat([content, Buffer.alloc(1 + random(10), random(128))]);
  return together(parts);
};

// ---- what is said of them

const ofClaim =
  (change: (claim: Claim, random: Random, sound: Sound) => object | undefined): Damage =>
  (sound, random) => {
    const parts = apart(sound.file);
    const [piece] = parts.pieces;
    const changed = piece && change(piece.claim, random, sound);
    if (!changed) return undefined;
    piece.claim = { ...piece.claim, ...changed };
    return together(parts);
  };

const figure = (name: 'states' | 'transitions' | 'depth'): Damage =>
  ofClaim(({ set }, random) => {
    if (!set) return undefined;
    return { set: { ...set, [name]: set[name] + draw([-100, -1, 1, 2, 1000, 2 ** 31], random) } };
  });

const witness: Damage = ofClaim((claim, random, sound) => {
  const { witnesses } = claim;
  if (!witnesses) return undefined;
  const unseen = machineOf(sound, claim).witnesses.filter((w) => !witnesses.includes(w));
  const without = random(witnesses.length);
  const less = witnesses.filter((_, i) => i !== without);
  const other = draw([less, [...witnesses, ...unseen], ['never said', ...witnesses]], random);
  return other.length === witnesses.length ? undefined : { witnesses: other };
});

/** Another scenario or check of the same spec, whose program is another. */
const place: Damage = ofClaim((claim, random, sound) => {
  const { scenarios } = sound.compiled;
  const all = scenarios.flatMap((s) => s.checks.map((c, check) => ({ s, c, check })));
  const { s, c, check } = draw(all, random);
  const { violation } = claim;
  const moved = {
    scenario: s.name,
    check,
    values: c.values,
    ...(violation ? { violation: { ...violation, check } } : {}),
  };
  return mayBeRight(sound, claim, { ...claim, ...moved }) ? undefined : moved;
});

/** Whether what is right of one check may be right of another: it has the same program, or the same run. */
function mayBeRight(sound: Sound, claim: Claim, there: Claim): boolean {
  const programs = [claim, there].map(({ scenario, check }) => {
    const found = sound.compiled.scenarios.find((s) => s.name === scenario);
    const of = found?.checks[check];
    if (!found || !of) return scenario;
    const expected = { kind: 'holds', only: false, properties: [] } as const;
    return fingerprint(sound.compiled, { ...found, expected, checks: [{ ...of, values: [] }] });
  });
  if (programs[0] === programs[1]) return true;
  const { violation } = there;
  if (!violation) return false;
  const again = played(machineOf(sound, there), violation);
  return !again.broken && JSON.stringify(again.violation) === JSON.stringify(violation);
}

const noPlace: Damage = ofClaim((claim, random) =>
  draw(
    [
      { scenario: `${claim.scenario} ` },
      { check: claim.check + 100 },
      { check: -1 },
      { values: [...claim.values, 'rsp 8'] },
      { scenario: undefined },
      { verdict: 'unfinished' },
      { verdict: claim.verdict === 'holds' ? 'violated' : 'holds' },
    ],
    random,
  ),
);

// ---- runs

const ofRun =
  (
    change: (v: ViolationReport, random: Random) => Partial<ViolationReport> | undefined,
    play = false,
  ): Damage =>
  (sound, random) => {
    const parts = apart(sound.file);
    const [piece] = parts.pieces;
    if (!piece?.claim.violation) return undefined;
    const m = machineOf(sound, piece.claim);
    const { violation } = piece.claim;
    let changed = change(violation, random);
    if (!changed) return undefined;
    if (play) {
      const before = played(m, violation);
      const after = played(m, { ...violation, ...changed });
      // Another run to the same end is as good.
      if (!after.broken && after.end === before.end) return undefined;
      changed = after.violation;
    }
    piece.claim = { ...piece.claim, violation: { ...violation, ...changed } };
    return together(parts);
  };

/**
 * The same names, with the digests of the states that they lead to as far as they can be played, and where they end: in
 * a violation, or in a state. Broken: one of them is not possible.
 */
function played(
  m: Machine,
  violation: ViolationReport,
): { readonly violation: ViolationReport; readonly end: string; readonly broken: boolean } {
  const { schedule, initial = 0, steps } = violation.trace;
  const state = (m.initial()[initial] as Int32Array).slice();
  const actions = new Int32Array(4096);
  let outcome = 0;
  let broken = false;
  const told = schedule.map((name, i) => {
    const own = steps[i]?.action === name ? steps[i] : steps.find((s) => s.action === name);
    const step = { ...((own ?? steps[0]) as StepReport), action: name };
    const action = actions
      .subarray(0, m.enabled(state, actions))
      .find((a) => m.actionName(state, a) === name);
    broken ||= action === undefined || outcome !== 0;
    if (action === undefined || broken) return step;
    const before = digest(m.core, state);
    outcome = m.apply(state, action);
    return { ...step, digest: outcome === 0 ? digest(m.core, state) : before };
  });
  return {
    violation: { ...violation, trace: { ...violation.trace, steps: told } },
    end: outcome === 0 ? state.join() : `${m.properties[outcome - 1]}`,
    broken,
  };
}

const otherSchedule = (change: (names: string[], random: Random) => void): Damage =>
  ofRun((v, random) => {
    const schedule = [...v.trace.schedule];
    change(schedule, random);
    if (schedule.join() === v.trace.schedule.join()) return undefined;
    return { trace: { ...v.trace, schedule } };
  }, true);

const leaveOut = otherSchedule((names, random) => {
  names.splice(random(names.length), 1);
});
const exchange = otherSchedule((names, random) => {
  const i = random(names.length - 1);
  names.splice(i, 2, names[i + 1] as string, names[i] as string);
});
const goOn = otherSchedule((names, random) => {
  names.push(draw(names, random));
});
const cutOff = otherSchedule((names, random) => {
  names.length -= 1 + random(names.length);
});
const otherStep = otherSchedule((names, random) => {
  names[random(names.length)] = draw([...names, 'cpu9 step', ''], random);
});

const contradict: Damage = ofRun(({ trace, check, property }, random) => {
  const i = random(trace.steps.length);
  const steps = trace.steps.map((s, k) => (k === i ? { ...s, digest: '0123456789abcdef' } : s));
  const names = trace.schedule.filter((_, k) => k !== i);
  return draw<Partial<ViolationReport>>(
    [
      { trace: { ...trace, steps } },
      { trace: { ...trace, schedule: names } },
      { trace: { ...trace, steps: trace.steps.slice(1) } },
      { trace: { ...trace, initial: 1 } },
      { check: check + 1 },
      { property: property === 'no_fault' ? 'converges' : 'no_fault' },
      { property: 'nothing of the kind' },
    ],
    random,
  );
});

const otherGoal: Damage = ofClaim(({ goal, violation }, random) => {
  if (!violation) return undefined;
  return goal === undefined
    ? { goal: 'terminates', violation: { ...violation, property: 'terminates' } }
    : { goal: draw([undefined, 'nothing of the kind', 'torn_instruction'], random) };
});

// ---- other certificates

/** The claims of another certificate under this one's head. */
const borrow: Damage = (sound, random, others) => {
  const other = draw(others, random);
  if (other.file.equals(sound.file)) return undefined;
  const own = apart(sound.file);
  const theirs = apart(other.file);
  const [a, b] = [own.pieces[0] as Piece, theirs.pieces[0] as Piece];
  if (random(2) === 0) {
    if (other.compiled.text === sound.compiled.text) return undefined;
    return together({ head: own.head, pieces: theirs.pieces });
  }
  // Its set or its run as this one's.
  const { scenario, check, values } = a.claim;
  const violation = b.claim.violation && { ...b.claim.violation, check };
  const claim = { ...b.claim, ...(violation ? { violation } : {}), scenario, check, values };
  if (claim.violation && mayBeRight(sound, b.claim, claim)) return undefined;
  return together({ head: own.head, pieces: [{ ...b, claim }] });
};

const otherHead: Damage = ({ file }, random) => {
  const parts = apart(file);
  const { sha256 } = parts.head as { sha256: string };
  const i = random(64);
  const other = ((Number.parseInt(sha256[i] as string, 16) + 1 + random(15)) % 16).toString(16);
  const head = draw<object>(
    [
      { sha256: sha256.slice(0, i) + other + sha256.slice(i + 1) },
      { machineVersion: '0.0' },
      { languageVersion: '9' },
      { certificate: 2 },
      { more: true },
    ],
    random,
  );
  return together({ ...parts, head: { ...parts.head, ...head } });
};

const claimCount: Damage = ({ file }, random) => {
  const parts = apart(file);
  return together(parts, parts.pieces.length + draw([-1, 1, 5], random));
};

/** Damages in the right form: what can be read says something that is not so; and why each is refused. */
export const wellFormed: Readonly<Record<string, readonly [Damage, RegExp]>> = {
  'a state is removed': [remove(false), /leads out of its set$|an initial state is not/],
  'a state is removed, and its steps from the figures': [
    remove(true),
    /leads out of its set$|an initial state is not/,
  ],
  'a state is replaced': [replace, /leads out of its set$|an initial state is not|no step before/],
  'a word of a part is changed': [changeWord, /leads out of its set$|an initial state is not/],
  'a state is added': [add, /no step before it leads to state/],
  'a state stands twice': [double, /no step before it leads to state/],
  'states stand out of order': [disorder, /no step before it leads to state/],
  'a distance is changed': [distance, /has a wrong distance/],
  'all distances are changed': [allDistances, /has a wrong distance/],
  'the set is longer or shorter': [longer, /its set goes on|its set is cut off/],
  'the number of states is changed': [figure('states'), /cut off|not there|goes on/],
  'the number of transitions is changed': [figure('transitions'), /its figures are wrong/],
  'the depth is changed': [figure('depth'), /its figures are wrong/],
  'the witnesses are changed': [witness, /its witnesses are wrong/],
  'it names another check': [place, /set|not there|elsewhere|not possible|does not violate/],
  'it names no check, or no verdict': [noPlace, /has no|no violation|cannot be read|cut off/],
  'a step is left out': [leaveOut, /not possible|does not violate|no step before|initial state/],
  'steps are exchanged': [exchange, /not possible|does not violate|no step before|initial state/],
  'the run goes on': [goOn, /not possible|no step before|initial state/],
  'the run is cut off': [cutOff, /does not violate|no step before|initial state/],
  'a step is another': [otherStep, /not possible|does not violate|no step before|initial state/],
  'the run contradicts itself': [
    contradict,
    /two ways|elsewhere|no initial|no violation|does not violate/,
  ],
  'the goal is another': [otherGoal, /does not violate/],
  'the claim is that of another certificate': [
    borrow,
    /the spec has no|elsewhere|not possible|set|not there|does not violate/,
  ],
  'the head is another': [otherHead, /it is of another text or version/],
  'the claims are counted wrong': [claimCount, /not as many claims/],
};

const within = (file: Buffer, random: Random): number => random(file.length);
const copy = (file: Buffer, change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(file);
  change(bytes);
  return bytes;
};

/** Where the packed bytes of the first claim stand. */
function packedAt(file: Buffer): { from: number; end: number } {
  const line = file.indexOf(10) + 1;
  const from = file.indexOf(10, line) + 1;
  const { bytes = 0 } = JSON.parse(file.toString('utf8', line, from)) as Claim;
  return { from, end: from + bytes };
}

/** Under a checksum that fits: the packed bytes are no longer what was packed. */
const unpackable: Damage = ({ file }, random) => {
  const { from, end } = packedAt(file);
  if (end === from) return undefined;
  const last = file.lastIndexOf(10, file.length - 2) + 1;
  const flipped = copy(file.subarray(0, last), (b) => {
    const i = from + random(end - from);
    b[i] = (b[i] as number) ^ (1 << random(8));
  });
  const damaged = sealed(flipped, 1);
  try {
    // What unpacks to the same is no damage: the last byte has bits that mean nothing.
    const [before, after] = [apart(file), apart(damaged)].map((p: Parts) => p.pieces[0]?.content);
    if (before && after && Buffer.from(before).equals(after)) return undefined;
  } catch {
    // It does not unpack.
  }
  return damaged;
};

/** Damages of the file's bytes. */
const torn: Readonly<Record<string, Damage>> = {
  truncated: ({ file }, random) => file.subarray(0, within(file, random)),
  'one bit is flipped': ({ file }, random) =>
    copy(file, (b) => {
      const i = within(file, random);
      b[i] = (b[i] as number) ^ (1 << random(8));
    }),
  'bytes are overwritten': ({ file }, random) => {
    const damaged = copy(file, (b) => {
      const from = within(file, random);
      b.fill(random(256), from, Math.min(b.length, from + 1 + random(40)));
    });
    return damaged.equals(file) ? undefined : damaged;
  },
  'bytes are left out': ({ file }, random) => {
    const from = within(file, random);
    return Buffer.concat([file.subarray(0, from), file.subarray(from + 1 + random(40))]);
  },
  'bytes are put in': ({ file }, random) => {
    const from = within(file, random);
    return Buffer.concat([
      file.subarray(0, from),
      Buffer.alloc(1 + random(40), random(256)),
      file.subarray(from),
    ]);
  },
  'the checksum is another': ({ file }, random) => {
    const damaged = copy(file, (b) => {
      b[file.length - 3 - random(6)] = 0x30 + random(10);
    });
    return damaged.equals(file) ? undefined : damaged;
  },
  'the last line is missing': ({ file }) =>
    file.subarray(0, file.lastIndexOf(10, file.length - 2) + 1),
  'it stands there twice': ({ file }) => Buffer.concat([file, file]),
};

/** Damages of the file's bytes, and why each is refused. */
export const malformed: Readonly<Record<string, readonly [Damage, RegExp]>> = {
  ...Object.fromEntries(
    Object.entries(torn).map(([kind, damage]) => [
      kind,
      [damage, /no certificate, or torn, or damaged|not as many claims/] as const,
    ]),
  ),
  'noise, with a checksum': [
    (_, random) => {
      const noise = Array.from({ length: random(400) }, () => random(256));
      return sealed(Buffer.from([...noise, 10]), random(3));
    },
    /of another text or version/,
  ],
  'the packed bytes are damaged, with a checksum': [
    unpackable,
    /cannot be read|set|not there|no step before|distance/,
  ],
};
