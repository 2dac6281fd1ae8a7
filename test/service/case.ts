// A case of the corpus: a marked text in its place in a small spec, a question, and the answer as lines of text.

import * as service from '../../compiler/service/index.ts';
import { type Edit, lineText, position, type Span, source } from '../../grammar/index.ts';

/** A small right spec; a case replaces one of its parts, or is a whole text by itself. */
const parts = {
  section: 'option masked, by_nmi = off\noption form = jump | plain | none',
  code: `one:    mov eax, 1; ret
  two:    mov eax, 2; ret
  caller: call func; jmp caller
  func:   if masked { cli } else { if form == plain { nop } }
  place:  call one
          if masked { sti }
          ret
  tick:   call func; iretq`,
  runs: 'thread worker runs caller\nirq timer runs tick',
  memory: 'shared insn = nil; shared V[2] { addr, next }\npercpu slot',
  stub: 'push place.end; jmp target',
  handler: 'let i = insn; if i == nil { decline }; emulate i',
  define: 'if by_nmi { sync cores by nmi } else { sync cores }',
  patch: `insn = new
  build plain_stub(new.target)
  phase guard { poke place[0] = int3 }
  everyone()
  phase tail { poke place[1..] as any order } sync cores
  phase head { poke place[0] }
  sync cores
  insn = nil; release plain_stub`,
  require: 'true_thing: never worker at two',
  witness: 'trap at place',
  scenario: 'irq timer 1; patches 2',
  expect: 'holds',
} as const;
type Part = keyof typeof parts;

function spec(own: Partial<Record<Part, string>>): string {
  const p = { ...parts, ...own };
  return `protocol p "a case"
${p.section}
code {
  ${p.code}
}
${p.runs}
${p.memory}
stub plain_stub(target) { ${p.stub} }
on breakpoint at place { ${p.handler} }
define everyone() { ${p.define} }
patch swap at place: call one -> call two {
  ${p.patch}
}
require ${p.require}
witness ${p.witness}
scenario "s" { ${p.scenario} } expect ${p.expect}
scenario "masked" { masked = on } expect holds
`;
}

export const wholeSpec = spec({});

export interface Case {
  /** `hover`, or `rename NAME`. */
  readonly question: string;
  readonly where: string;
  /** With `^` at the offset that is asked about. */
  readonly marked: string;
  readonly answers: readonly string[];
}

/** Paragraphs: `QUESTION WHERE: text`, more lines of text, answers behind `>`. A line of `#` is for the reader. */
export function casesOf(corpus: string): readonly Case[] {
  return corpus.split(/\n{2,}/).flatMap((paragraph) => {
    const lines = paragraph.split('\n').filter((l) => !l.startsWith('#') && l !== '');
    const head = /^(\w+(?: [^\s:]+)?) (\w+): ?(.*)$/.exec(lines[0] ?? '');
    if (!head) {
      if (lines.length > 0) throw new Error(`not a case: ${lines[0]}`);
      return [];
    }
    const rest = lines.slice(1);
    return [
      {
        question: head[1] ?? '',
        where: head[2] ?? '',
        marked: [head[3] ?? '', ...rest.filter((l) => !l.startsWith('>'))].join('\n'),
        answers: rest.filter((l) => l.startsWith('>')).map((l) => l.slice(2)),
      },
    ];
  });
}

export const written = (c: Case, answers: readonly string[]): string =>
  [`${c.question} ${c.where}: ${c.marked}`, ...answers.map((a) => `> ${a}`)].join('\n');

export function answer(c: Case): readonly string[] {
  const whole =
    c.where === 'whole'
      ? c.marked
      : spec({ [c.where]: c.where === 'section' ? `${parts.section}\n${c.marked}` : c.marked });
  const offset = Math.max(0, whole.indexOf('^'));
  const text = whole.includes('^') ? whole.replace('^', '') : whole;
  const [name = '', argument = ''] = c.question.split(' ');
  const lines = questions[name]?.(service.analyse(text), offset, argument);
  if (!lines) throw new Error(`no such question: ${name}`);
  return lines.length > 0 ? lines : ['nothing'];
}

type Question = (a: service.Analysis, offset: number, argument: string) => readonly string[];

/** A line of the text with marks around a span, which is cut at the end of its first line. */
function marked(a: service.Analysis, span: Span): string {
  const { line, column } = position(a.source, span.start);
  const text = lineText(a.source, line);
  const to = column - 1 + span.end - span.start;
  const end = to > text.length ? `${text.slice(column - 1)}…»` : `${text.slice(column - 1, to)}»`;
  return `${line}: ${text.slice(0, column - 1).trimStart()}«${end}${text.slice(to)}`;
}

export function applied(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((x, y) => y.span.start - x.span.start)
    .reduce((t, e) => t.slice(0, e.span.start) + e.text + t.slice(e.span.end), text);
}

/** Lines that the edits change, as they are then. */
function changed(a: service.Analysis, edits: readonly Edit[]): readonly string[] {
  const after = source(applied(a.text, edits));
  const before = a.source;
  const same = before.lineStarts.length === after.lineStarts.length;
  return after.lineStarts.flatMap((_, i) =>
    same && lineText(before, i + 1) === lineText(after, i + 1)
      ? []
      : [`${i + 1}: ${lineText(after, i + 1)}`],
  );
}

const most = 16;

const questions: Readonly<Record<string, Question>> = {
  diagnose: (a) =>
    service
      .diagnostics(a)
      .flatMap((d) => [
        `${marked(a, d.span)}  ${d.code}`,
        ...(d.fix ? [`fix: ${d.fix.title}: ${changed(a, d.fix.edits).join(' / ')}`] : []),
      ]),
  complete: (a, offset) => {
    const labels = service.completions(a, offset).map((c) => c.label);
    const more = labels.length > most ? `, and ${labels.length - most} more` : '';
    return labels.length === 0 ? [] : [labels.slice(0, most).join(', ') + more];
  },
  /** The one of that label. */
  item: (a, offset, label) =>
    service
      .completions(a, offset)
      .filter((c) => c.label.replaceAll(' ', '_') === label)
      .flatMap((c) => [
        `${c.kind}: ${c.detail}`,
        c.documentation,
        ...changed(a, [{ span: c.replaces, text: c.insert }]),
      ]),
  hover: (a, offset, scenario) => {
    const h = service.hover(a, offset, scenario || undefined);
    return h ? [marked(a, h.span), h.code, ...h.text] : [];
  },
  define: (a, offset) => service.definition(a, offset)?.to.map((d) => marked(a, d.name)) ?? [],
  refer: (a, offset) =>
    service
      .references(a, offset)
      .map((r) => `${marked(a, r.span)}${r.declares ? '  declared' : ''}`),
  rename: (a, offset, to) => {
    const able = service.prepareRename(a, offset);
    if (able && 'span' in able && a.text.slice(able.span.start, able.span.end) !== able.name)
      throw new Error('the name that would be renamed is not the one that stands there');
    const done = service.rename(a, offset, to);
    return 'refused' in done ? [done.refused] : changed(a, done.edits);
  },
  outline: (a) => {
    const lines = (list: readonly service.Outline[], depth: number): readonly string[] =>
      list.flatMap((s) => [
        `${'  '.repeat(depth)}${s.kind} ${s.name}${s.detail === '' ? '' : `: ${s.detail}`}`,
        ...lines(s.children, depth + 1),
      ]);
    return lines(service.outline(a), 0);
  },
  fold: (a) =>
    service
      .folds(a)
      .map(
        (f) =>
          `${f.kind} ${position(a.source, f.span.start).line} to ${position(a.source, f.span.end).line}`,
      ),
  select: (a, offset) =>
    service
      .selections(a, offset)
      .map((s) => a.text.slice(s.start, s.end).replace(/\s+/g, ' '))
      .map((t) => (t.length > 60 ? `${t.slice(0, 40)} … ${t.slice(-15)}` : t)),
  colour: (a, offset) => {
    const { line } = position(a.source, offset);
    return service
      .semanticTokens(a)
      .filter((t) => position(a.source, t.span.start).line === line && t.kind !== 'sign')
      .map(
        (t) =>
          `${a.text.slice(t.span.start, t.span.end)}: ${t.kind}${t.declares ? ', declared' : ''}`,
      );
  },
  hint: (a, _, kind) =>
    service
      .hints(a)
      .filter((h) => kind === '' || h.kind === kind)
      .map((h) => `${marked(a, { start: h.offset, end: h.offset })}  ${h.text}  (${h.tooltip})`),
  lens: (a) => service.lenses(a).map((l) => `${marked(a, l.span)}  ${l.title}: ${l.scenario}`),
  layout: (a) => {
    const edits = service.formatting(a);
    return edits.length === 0 ? [] : applied(a.text, edits).trimEnd().split('\n');
  },
};
