// A telling as text: a row for each step or fold with every CPU's lane, then what each CPU may fetch where that changed.

import type { CpuBytes, Stand, StretchState, Telling } from '../../compiler/index.ts';

export function picture(t: Telling): string {
  const lines: string[] = [];
  const width = 20;
  lines.push(
    `${''.padStart(9)}${t.lanes.map((l) => `cpu${l.cpu} ${l.task}`.padEnd(width)).join('')}`.trimEnd(),
  );
  for (let step = 1; step <= t.steps.length; ) {
    for (const p of t.phases) if (p.from === step) lines.push(`---- ${p.name}`);
    const fold = t.folds.find((f) => f.from === step);
    const last = fold?.to ?? step;
    const told = t.steps[last - 1];
    const first = t.steps[step - 1];
    const cpu = first?.cpu ?? 0;
    const arrows = t.arrows.filter((a) => a.step >= step && a.step <= last);
    const lane = (s: Stand, c: number): string => {
      const taken = t.steps.slice(step - 1, last).find((x) => x.cpu === c);
      const by = arrows
        .filter((a) => a.from === c)
        .map(
          (a) =>
            `>${a.to}${a.kind === 'acknowledge' ? '' : a.taken === undefined ? ' never' : a.taken === a.step + 1 ? '' : ` at ${a.taken}`}`,
        );
      return [
        taken ? (fold ? '=' : '*') : s.waits ? ':' : '|',
        '+'.repeat(s.handlers.length),
        s.interrupts ? '' : '0',
        s.shadow ? '#' : '',
        s.pending > 0 ? `i${s.pending > 1 ? s.pending : ''}` : '',
        s.stub ? `[${s.stub.name}${s.stub.released ? '!' : ''}]` : '',
        by.length > 0 ? ` ${by.join(' ')}` : '',
      ]
        .join('')
        .padEnd(width);
    };
    const words = t.steps.slice(step - 1, last).flatMap((s) => s.begins);
    lines.push(
      [
        `${step}${last > step ? `-${last}` : ''}`.padStart(7),
        told?.violates ? ' X' : t.windows.some((w) => step >= w.from && step <= w.to) ? ' o' : '  ',
        ...(t.states[last]?.cpus ?? []).map(lane),
        fold
          ? [fold.text, fold.detail].filter((x) => x).join('  ')
          : [told?.text, told?.detail].filter((x) => x).join('  '),
        ...(fold?.others ?? []).map((o) => `; cpu${o.cpu}: ${o.text}`),
        fold ? '' : ` (${told?.mark})`,
        ...words.map((w) => ` <cpu${w.cpu} ${w.text}${w.bad ? '!' : ''}>`),
        cpu === undefined ? '' : '',
      ]
        .join('')
        .trimEnd(),
    );
    step = last + 1;
  }
  return lines.join('\n');
}

const byte = (b: number | undefined): string =>
  b === undefined ? '··' : b.toString(16).padStart(2, '0');

/** Every stretch at the steps where it changed, but for those that build it. */
export function bytesPicture(t: Telling): string {
  return t.stretches
    .map((stretch, i) => {
      const cpus = stretch.cpus.map((c) => `cpu${c.cpu}${c.older > 0 ? ` or ${c.older}` : ''}`);
      const borders = stretch.borders.map((b) => `${b.what} before ${b.before}`);
      const head = [stretch.kind, stretch.name, stretch.address, ...borders, ...cpus].join(' · ');
      const blocks = t.states.flatMap((s, step) => {
        const state = s.bytes[i] as StretchState;
        const next = t.states[step + 1]?.bytes[i];
        const changed = step === 0 || t.states[step - 1]?.bytes[i] !== state;
        return changed && !(state.standing === 'building' && next?.standing === 'building')
          ? [block(state, step)]
          : [];
      });
      return [`== ${head}`, `   offsets    ${stretch.offsets.join(' ')}`, ...blocks].join('\n');
    })
    .join('\n\n');
}

function block(s: StretchState, step: number): string {
  const insns = s.insns.map((x) => x.text).join('; ');
  const changed = s.changed
    .map((c) => (c ? '^^' : '  '))
    .join(' ')
    .trimEnd();
  return [
    `${String(step).padStart(2)} memory     ${s.memory.map(byte).join(' ')}  ${insns} (${[s.standing, ...s.since].join(' ')})`,
    ...(changed ? [`              ${changed}`] : []),
    ...s.waiting.map((w) => `   cpu${w.cpu} holds from ${w.from}: ${w.bytes.map(byte).join(' ')}`),
    ...s.cpus.flatMap(cpuLines),
  ].join('\n');
}

function cpuLines(c: CpuBytes): readonly string[] {
  const points = c.points.map(
    (p) => `<${p.text} ${p.from}..${p.from + p.length}${p.bad ? '!' : ''}>`,
  );
  return [
    `   cpu${c.cpu}       ${c.newest.map(byte).join(' ')}  ${c.torn ? 'TORN ' : ''}${c.text} ${points.join(' ')}`.trimEnd(),
    ...c.older.map((o) =>
      `     or       ${o.bytes.map((b, i) => (o.has[i] ? byte(b) : '  ')).join(' ')}  ${o.torn ? 'TORN ' : ''}${o.text}${o.since === undefined ? '' : `, stale since ${o.since}`}`.trimEnd(),
    ),
  ];
}
