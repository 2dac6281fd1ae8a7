// What is true of a text and does not stand in it: addresses and lengths, options that a scenario leaves alone, the
// sync that a phase relies on; and the scenarios that can be verified.

import type { AsmItem, Block, Item, Span } from '../../grammar/index.ts';
import { optionsOf } from '../scenario.ts';
import { allItems } from '../spec.ts';
import { printAddress } from '../x86/text.ts';
import type { Analysis } from './analysis.ts';
import type { Hint, Lens } from './answers.ts';
import { hexes, shortAddress } from './facts.ts';
import { phaseText, placeText } from './hover.ts';
import { blocksOf } from './names.ts';

/** Of one scenario, the first if none is named; none for a text with errors. `within` is what the editor shows. */
export function hints(a: Analysis, scenario?: string, within?: Span): readonly Hint[] {
  const chosen = a.scenario(scenario);
  const facts = chosen && a.facts(chosen);
  if (!a.file || !chosen || !facts) return [];
  const out: Hint[] = [];
  const add = (hint: Hint): void => {
    if (!within || (within.start <= hint.offset && hint.offset <= within.end)) out.push(hint);
  };
  const asm = (body: readonly AsmItem[]): void => {
    for (const item of body) {
      if (item.kind === 'label' || item.kind === 'group') {
        const place = facts.place(item.name.text);
        if (place && place.span.start === item.name.span.start)
          add({
            offset: item.name.span.end + 1,
            kind: 'place',
            text: placeText(place.from, place.length),
            tooltip: `Where the place \`${item.name.text}\` stands in its 64-byte line.`,
          });
      }
      if (item.kind === 'group') asm(item.body);
      else if (item.kind === 'if') {
        asm(item.then);
        asm(item.else ?? []);
      } else if (item.kind === 'insn') {
        const found = facts.insn(item.insn.span);
        if (!found) continue;
        const { bytes, address, stub } = found;
        const where = stub ? `+${stub.offset}` : shortAddress(address ?? 0);
        add({
          offset: item.insn.span.end,
          kind: 'address',
          text: `${where} ${bytes.length} B`,
          tooltip: stub
            ? `\`${hexes(bytes)}\` at ${stub.offset} of \`${stub.name}\`.`
            : `\`${hexes(bytes)}\` at \`${printAddress(address ?? 0)}\`.`,
        });
      }
    }
  };
  const stmts = (block: Block): void => {
    for (const s of block.body) {
      if (s.kind === 'phase') {
        const found = facts.behindPhase(s.name.text, s.body.span);
        // Where the sync stands beside it, nothing need be said.
        const beside = /^\s*;?\s*sync\b/.test(a.text.slice(s.span.end, s.span.end + 80));
        if (found && !beside)
          add({
            offset: s.span.end,
            kind: 'sync',
            text: 'sync' in found ? found.sync : 'no sync',
            tooltip: phaseText(a, s, chosen.name) ?? '',
          });
      }
      for (const inner of blocksOf(s)) stmts(inner);
    }
  };
  const options = optionsOf(a.file);
  for (const item of allItems(a.file.items)) {
    if (item.kind === 'code' || item.kind === 'stub') asm(item.body);
    else if (item.kind === 'patch' || item.kind === 'define') stmts(item.body);
    else if (item.kind === 'scenario') {
      const hint = left(item, [...options.keys()], a);
      if (hint) add(hint);
    }
  }
  return out.sort((x, y) => x.offset - y.offset);
}

type ScenarioItem = Extract<Item, { kind: 'scenario' }>;

/** The options that a scenario leaves alone, and what they are then. */
function left(item: ScenarioItem, options: readonly string[], a: Analysis): Hint | undefined {
  const said = new Set(item.settings.flatMap((s) => (s.kind === 'option' ? [s.name.text] : [])));
  const values = a.compiled.scenarios.find((s) => s.span.start === item.span.start)?.checks[0]
    ?.options;
  const others = options.filter((o) => !said.has(o));
  if (others.length === 0 || !values) return undefined;
  const texts = others.map((o) => {
    const v = values.get(o);
    return `${o} = ${v === 1n ? 'on' : v === 0n ? 'off' : String(v)}`;
  });
  const last = item.settings[item.settings.length - 1];
  return {
    offset: last ? last.span.end : item.name.span.end,
    kind: 'option',
    text: texts.length <= 2 ? texts.join('; ') : `${texts.length} options by default`,
    tooltip: `By default ${texts.map((t) => `\`${t}\``).join(', ')}.`,
  };
}

/** One for each scenario, in the order of the text; also where the text has errors elsewhere. */
export function lenses(a: Analysis): readonly Lens[] {
  return allItems(a.file?.items ?? []).flatMap((item) =>
    item.kind === 'scenario'
      ? [{ span: item.name.span, title: 'verify', scenario: item.name.text }]
      : [],
  );
}
