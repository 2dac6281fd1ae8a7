// The status line: figures of the scenario that is looked at, or the first problem of the text.

import { type Diagnostic, position, source } from '../grammar/index.ts';
import { type Entry, searchedText } from './board.ts';
import { counted, element, grouped, prose } from './elements.ts';
import type { Run } from './protocol.ts';

interface Shown {
  readonly text: string;
  readonly entry: Entry | undefined;
  readonly run: Run | undefined;
  readonly diagnostics: readonly Diagnostic[];
  open(d: Diagnostic): void;
}

export function fillStatus(host: HTMLElement, s: Shown): void {
  const [left, right] = host.children as unknown as [HTMLElement, HTMLElement];
  const first = s.diagnostics.find((d) => d.severity === 'error') ?? s.diagnostics[0];
  if (first) {
    left.replaceChildren(...problem(s, first));
    right.replaceChildren(
      element('kbd', {}, 'F8'),
      ' next',
      ...(first.fix ? [element('kbd', {}, 'Ctrl .'), ' fix'] : []),
    );
    return;
  }
  left.replaceChildren(...figures(s));
  right.replaceChildren(environmentText(s));
}

function problem(s: Shown, first: Diagnostic): readonly Node[] {
  const errors = s.diagnostics.filter((d) => d.severity === 'error').length;
  const count = element(
    'button',
    { type: 'button', popovertarget: 'problems', class: errors > 0 ? 'bad' : undefined },
    errors > 0 ? counted(errors, 'error') : counted(s.diagnostics.length, 'warning'),
  );
  const { line } = position(source(s.text), first.span.start);
  const message = element(
    'button',
    { type: 'button', class: 'message' },
    `line ${line}: `,
    ...prose(first.message),
  );
  message.addEventListener('click', () => s.open(first));
  return [count, message];
}

function figures({ entry }: Shown): readonly Node[] {
  const part = (strong: string, rest: string): Node =>
    element('span', {}, element('b', {}, strong), ` ${rest}`);
  const p = entry?.standing === 'running' ? entry.progress : undefined;
  const o = entry?.standing === 'outdated' ? undefined : entry?.outcome;
  const environment = (o ?? entry?.outcome)?.checks[0]?.environment ?? [];
  const setting = (name: string): string =>
    environment.find((e) => e.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  const model =
    environment.length > 0
      ? [
          element(
            'span',
            {},
            'fetch ',
            element('b', {}, setting('fetch')),
            ', memory ',
            element('b', {}, setting('memory')),
          ),
        ]
      : [];
  if (p)
    return [
      part(grouped(p.states), p.states === 1 ? 'state' : 'states'),
      part(rate(p.statesPerSecond), 'states/s'),
      element('span', {}, 'depth ', element('b', {}, grouped(p.depth))),
      ...model,
      part(duration(p.seconds), ''),
      element('span', {}, `queue ${grouped(p.queue)}`),
    ];
  if (!o) return [element('span', {}, entry ? 'not checked' : '')];
  return [
    part(grouped(o.states), o.states === 1 ? 'state' : 'states'),
    ...(o.seconds > 0.02 ? [part(rate(o.states / o.seconds), 'states/s')] : []),
    element('span', {}, 'depth ', element('b', {}, grouped(o.depth))),
    ...model,
    element(
      'span',
      { title: searchedText(o) },
      element('b', {}, duration(o.seconds)),
      o.kept ? ' kept' : '',
    ),
  ];
}

const rate = (n: number): string => (n >= 10_000 ? `${grouped(n / 1000)} k` : grouped(n));

const duration = (seconds: number): string =>
  seconds < 1 ? `${Math.max(1, Math.round(seconds * 1000))} ms` : `${seconds.toFixed(2)} s`;

/** Who takes part, in a few words. */
function environmentText({ entry }: Shown): string {
  const environment = entry?.outcome?.checks[0]?.environment ?? [];
  if (entry?.outcome?.verdict === 'holds' && entry.standing === 'holds')
    return 'all states visited';
  const number = (name: string): number =>
    Number(environment.find((e) => e.startsWith(`${name} `))?.slice(name.length + 1) ?? 0);
  const nmi = number('nmi');
  return environment.length === 0
    ? ''
    : [
        counted(number('cpus'), 'CPU'),
        counted(number('threads'), 'thread'),
        counted(number('patches'), 'patch', 'patches'),
        ...(nmi > 0 ? [counted(nmi, 'NMI')] : []),
      ].join(', ');
}
