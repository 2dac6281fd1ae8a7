// The sections of a text, and what is declared in each.

import type { AsmItem, Block, Item, Name, Span } from '../../grammar/index.ts';
import type { Analysis } from './analysis.ts';
import type { Outline, WordKind } from './answers.ts';
import { blocksOf } from './names.ts';

export function outline(a: Analysis): readonly Outline[] {
  if (!a.file) return [];
  const text = (span: Span): string => a.text.slice(span.start, span.end).replace(/\s+/g, ' ');
  const symbol = (
    name: Name,
    kind: WordKind,
    detail: string,
    span: Span,
    inner: readonly Outline[] = [],
  ): Outline => ({ name: name.text, kind, detail, span, nameSpan: name.span, children: inner });

  const labels = (body: readonly AsmItem[]): readonly Outline[] =>
    body.flatMap((item, i): readonly Outline[] => {
      switch (item.kind) {
        case 'label':
        case 'group': {
          const next = body[i + 1];
          const insn = item.kind === 'label' && next?.kind === 'insn' ? next.insn : undefined;
          const span = insn ? { start: item.span.start, end: insn.span.end } : item.span;
          const kind = a.names.find(item.name.text, item.span.start)?.kind ?? 'label';
          const detail = insn ? text(insn.span) : '';
          const inner = item.kind === 'group' ? labels(item.body) : [];
          return item.name.text === '' ? [] : [symbol(item.name, kind, detail, span, inner)];
        }
        case 'if':
          return [...labels(item.then), ...labels(item.else ?? [])];
        default:
          return [];
      }
    });
  const phases = (block: Block): readonly Outline[] =>
    block.body.flatMap((s) => {
      const inner = blocksOf(s).flatMap(phases);
      return s.kind === 'phase' ? [symbol(s.name, 'phase', '', s.span, inner)] : inner;
    });
  /** A section that has no name goes by its word. */
  const unnamed = (word: string, span: Span): Name => ({
    text: word,
    span: { start: span.start, end: Math.min(span.end, span.start + word.length) },
  });

  const section = (item: Item): readonly Outline[] => {
    const { span } = item;
    switch (item.kind) {
      case 'option':
        return item.names.map((n) =>
          symbol(n, 'option', item.values.map((v) => text(v.span)).join(' | '), span),
        );
      case 'machine':
        return [
          symbol(
            unnamed('machine', span),
            'setting',
            item.settings.map((s) => text(s.span)).join('; '),
            span,
          ),
        ];
      case 'code':
        return [symbol(unnamed('code', span), 'keyword', '', span, labels(item.body))];
      case 'runs':
        return [
          symbol(
            item.name ?? unnamed('ipi', span),
            item.who === 'ipi' ? 'keyword' : item.who,
            `runs ${item.label.text}`,
            span,
          ),
        ];
      case 'memory':
        return item.cells.map((c) =>
          symbol(
            c.name,
            item.who,
            c.count === undefined ? '' : `[${c.count}]`,
            item.cells.length > 1 ? c.span : span,
            c.fields.map((f) => symbol(f, 'field', '', f.span)),
          ),
        );
      case 'mutex':
        return item.names.map((n) => symbol(n, 'mutex', '', n.span));
      case 'descriptor':
        return [
          symbol(
            item.name,
            'descriptor',
            '',
            span,
            item.fields.map((f) => symbol(f, 'field', '', f.span)),
          ),
        ];
      case 'stub':
        return [
          symbol(
            item.name,
            'stub',
            item.params.length > 0 ? `(${item.params.map((p) => p.text).join(', ')})` : '',
            span,
            labels(item.body),
          ),
        ];
      case 'breakpoint':
        return [
          symbol(
            item.name ?? unnamed('on breakpoint', span),
            'handler',
            item.at.length > 0 ? `at ${item.at.map((e) => text(e.span)).join(', ')}` : '',
            span,
          ),
        ];
      case 'define':
        return [
          symbol(
            item.name,
            'define',
            `(${item.params.map((p) => p.text).join(', ')})`,
            span,
            phases(item.body),
          ),
        ];
      case 'patch':
        return [
          symbol(
            item.name ?? unnamed('patch', span),
            'patch',
            item.changes.map((c) => text(c.span)).join('; '),
            span,
            phases(item.body),
          ),
        ];
      case 'waive':
        return [symbol(item.name, 'property', 'waived', span)];
      case 'require':
        return [symbol(item.name, 'property', text(item.property.span), span)];
      case 'witness':
        return [symbol(unnamed('witness', span), 'keyword', text(item.expr.span), span)];
      case 'scenario':
        return [symbol(item.name, 'text', item.expect ? text(item.expect.span) : 'holds', span)];
      case 'if':
        return [...item.then, ...(item.else ?? [])].flatMap(section);
      case 'source':
      case 'site':
        return [];
    }
  };
  const inner = a.file.items.flatMap(section);
  const { name, summary } = a.file;
  if (name.text === '') return inner;
  const span = { start: name.span.start, end: a.file.span.end };
  return [symbol(name, 'protocol', summary.text, span, inner)];
}
