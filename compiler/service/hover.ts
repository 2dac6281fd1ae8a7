// What is under the pointer: the bytes of an instruction, the effect of a poke, the meaning of a word, the
// declaration of a name.

import type { Insn, Item, Setting, Span, Stmt } from '../../grammar/index.ts';
import { sectionWords, statementWords } from '../../grammar/tokens.ts';
import { waiting } from '../capabilities.ts';
import { optionsOf } from '../scenario.ts';
import type { Meaning, SettingMeaning } from '../vocabulary.ts';
import {
  clauses,
  constants,
  fetchParameters,
  frameFields,
  heading,
  instructions,
  nmiInShadow,
  parts,
  positionSetting,
  sections,
  settings,
  statements,
} from '../vocabulary.ts';
import { printAddress } from '../x86/text.ts';
import type { Analysis } from './analysis.ts';
import type { Hover } from './answers.ts';
import { contextAt } from './context.ts';
import { about, declaredText, sourceText } from './describe.ts';
import type { Facts, InsnFacts, PokeFacts } from './facts.ts';
import { crosses, hexes } from './facts.ts';
import { inside, type Occurrence } from './names.ts';
import { type Node, path } from './tree.ts';

/** Addresses and bytes are those of the scenario that is named, or else of the first one that has them. */
export function hover(a: Analysis, offset: number, scenario?: string): Hover | undefined {
  const token = a.tokens.find(
    (t) =>
      t.kind !== 'newline' && t.span.start <= offset && offset <= t.span.end && t.kind !== 'sign',
  );
  if (!token || token.kind === 'comment') return undefined;
  const nodes = a.file ? path(a.file, Math.min(offset, token.span.end)) : [];
  const occurrence = a.names.at(offset);
  if (occurrence) return ofName(a, occurrence, nodes, scenario);
  const innermost = [...nodes].reverse();
  for (const node of innermost) {
    const found = ofNode(a, node, nodes, token.span, token.text, scenario);
    if (found) return found;
  }
  return token.kind === 'word' ? ofWord(a, offset, token.text, token.span) : undefined;
}

const sentence = (text: string): string =>
  text === '' ? '' : `${text[0]?.toUpperCase()}${text.slice(1)}.`;

// ---- names

function ofName(
  a: Analysis,
  { named, span }: Occurrence,
  nodes: readonly Node[],
  scenario: string | undefined,
): Hover {
  const text = [sentence(about(named))];
  switch (named.kind) {
    case 'label':
    case 'place': {
      // Those of a stub stand wherever it is built.
      const found = named.scope ? undefined : a.ask(scenario, (f) => labelText(f, named.name));
      if (found) text.push(found.answer);
      break;
    }
    case 'stub': {
      const found = a.ask(scenario, (f) => stubText(f, named.name));
      if (found) text.push(found.answer);
      break;
    }
    case 'shared': {
      const found = a.ask(scenario, (f) =>
        f.program.data.find((d) => d.name.split(/[[.]/)[0] === named.name),
      );
      if (found) text.push(sentence(`at \`${printAddress(found.answer.address)}\``));
      break;
    }
    case 'phase': {
      const phase = nodes.find((n) => n.kind === 'phase') as PhaseStmt | undefined;
      const found = phase && phaseText(a, phase, scenario);
      if (found) text.push(found);
      break;
    }
    case 'option': {
      const first = a.file && optionsOf(a.file).get(named.name)?.values[0];
      if (first !== undefined) text.push(sentence(`\`${optionText(first)}\` by default`));
      const value = valueIn(a, named.name, scenario);
      if (value) text.push(value);
      break;
    }
    default:
      break;
  }
  return { span, code: declaredText(a, named), text };
}

function labelText(f: Facts, name: string): string | undefined {
  const place = f.place(name);
  const address = f.address(name);
  if (address === undefined) return undefined;
  if (!place) return sentence(`at \`${printAddress(address)}\``);
  return sentence(`${placeText(place.from, place.length)}, at \`${printAddress(place.from)}\``);
}

/** `5 B at 61 of 64, crosses a line`. */
export function placeText(from: number, length: number): string {
  const at = ((from % 64) + 64) % 64;
  const over = crosses(from, length, 64)
    ? ', crosses a line'
    : crosses(from, length, 8)
      ? ', crosses an 8-byte word'
      : '';
  return `${length} B at ${at} of 64${over}`;
}

function stubText(f: Facts, name: string): string | undefined {
  const stub = f.program.stubs.find((s) => s.name === name);
  if (!stub) return undefined;
  const slots = stub.slots.length === 1 ? 'one slot' : `${stub.slots.length} slots`;
  const from = stub.slots[0]?.from ?? 0;
  return sentence(`${stub.template.length} bytes in ${slots}, from \`${printAddress(from)}\` on`);
}

function valueIn(a: Analysis, option: string, scenario: string | undefined): string | undefined {
  const chosen = scenario === undefined ? undefined : a.scenario(scenario);
  if (!chosen) return undefined;
  const values = new Set(chosen.checks.map((c) => optionText(c.options.get(option))));
  return sentence(`\`${[...values].join(' | ')}\` in "${chosen.name}"`);
}
const optionText = (value: bigint | string | undefined): string =>
  value === 1n ? 'on' : value === 0n ? 'off' : String(value);

// ---- nodes of the tree

type PhaseStmt = Extract<Stmt, { kind: 'phase' }>;
type PokeStmt = Extract<Stmt, { kind: 'poke' }>;

function ofNode(
  a: Analysis,
  node: Node,
  nodes: readonly Node[],
  token: Span,
  word: string,
  scenario: string | undefined,
): Hover | undefined {
  const code = sourceText(a, node.span);
  switch (node.kind) {
    case 'asm':
      // What a poke writes is told by the poke.
      return nodes.some((n) => n.kind === 'poke')
        ? undefined
        : ofInsn(a, node as Insn, nodes, scenario);
    case 'poke': {
      const found = a.ask(scenario, (f) => pokeTexts(f, node as PokeStmt));
      return { span: node.span, code, text: found?.answer ?? [sentence(statements.poke.about)] };
    }
    case 'phase': {
      if (word !== 'phase') return undefined;
      const text = phaseText(a, node as PhaseStmt, scenario);
      return {
        span: token,
        code: `phase ${(node as PhaseStmt).name.text}`,
        text: [sentence(statements.phase.about), ...(text ? [text] : [])],
      };
    }
    case 'sync': {
      const s = node as Extract<Stmt, { kind: 'sync' }>;
      const said = [
        clauses[s.what],
        ...(s.nmi ? [clauses['by nmi']] : []),
        ...(s.withoutSelf ? [clauses['without self']] : []),
        ...(s.withoutWaiting ? [clauses['without waiting']] : []),
      ];
      return { span: node.span, code, text: said.map(sentence) };
    }
    case 'setting':
      return ofSetting(node as Setting, code);
    case 'field': {
      const field = (node as unknown as { field: { text: string; span: Span } }).field;
      if (!inside(token.start, field.span)) return undefined;
      const meaning =
        /^frame\b/.test(code) && Object.hasOwn(frameFields, field.text)
          ? frameFields[field.text as keyof typeof frameFields]
          : /^frame\b/.test(code)
            ? `the saved ${field.text.toUpperCase()}`
            : Object.hasOwn(parts, field.text)
              ? parts[field.text as keyof typeof parts]
              : undefined;
      return meaning === undefined
        ? undefined
        : { span: node.span, code, text: [sentence(meaning)] };
    }
    case 'name':
      return Object.hasOwn(constants, word)
        ? { span: token, code: word, text: [sentence(constants[word as keyof typeof constants])] }
        : undefined;
    case 'trap':
      return { span: node.span, code, text: [sentence(clauses['trap at'])] };
    case 'pass': {
      const which = (node as unknown as { which: 'old' | 'new' }).which;
      return {
        span: node.span,
        code,
        text: [sentence(clauses.pass), sentence(`\`${which}\` is ${clauses[`as ${which}`]}`)],
      };
    }
    case 'handling':
      return { span: node.span, code, text: [sentence(clauses.handling)] };
    case 'returns':
      return { span: node.span, code, text: [sentence(clauses['returns into'])] };
    case 'within':
      return {
        span: node.span,
        code,
        text: [
          sentence(
            clauses[
              (node as unknown as { context: string }).context === 'nmi' ? 'in nmi' : 'in irq'
            ],
          ),
        ],
      };
    case 'always':
    case 'never':
    case 'eventually':
    case 'after': {
      const clause = node.kind === 'after' ? 'after patch' : node.kind;
      return word === node.kind || (word === 'patch' && clause === 'after patch')
        ? { span: token, code: clause, text: [sentence(clauses[clause])] }
        : undefined;
    }
    default:
      return undefined;
  }
}

function ofInsn(
  a: Analysis,
  insn: Insn,
  nodes: readonly Node[],
  scenario: string | undefined,
): Hover {
  const code = sourceText(a, insn.span);
  const patch = nodes.find((n) => n.kind === 'patch') as
    | Extract<Item, { kind: 'patch' }>
    | undefined;
  const found = a.ask(
    scenario,
    (f) => f.insn(insn.span) ?? (patch && f.content(patch, insn)) ?? f.emulated(code),
  );
  const plain = insn.mnemonic.text.replace(/^lock /, '');
  const meaning = Object.hasOwn(instructions, plain)
    ? instructions[plain as keyof typeof instructions]
    : plain.startsWith('j')
      ? instructions.jcc
      : undefined;
  const locked = plain === insn.mnemonic.text ? '' : ', locked';
  return {
    span: insn.span,
    code,
    text: [
      ...(meaning === undefined ? [] : [sentence(`\`${insn.mnemonic.text}\` ${meaning}${locked}`)]),
      ...(found ? [insnText(found.answer)] : []),
      ...(found && found.scenario !== a.scenario(scenario)
        ? [sentence(`so in "${found.scenario.name}"`)]
        : []),
    ],
  };
}

function insnText({ bytes, address, stub }: InsnFacts): string {
  const length = bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`;
  const where = stub
    ? `at ${stub.offset} of the stub \`${stub.name}\`${stub.open ? '; what its place or an argument decides is 0 here' : ''}`
    : `at \`${printAddress(address ?? 0)}\``;
  return `\`${hexes(bytes)}\`: ${length} ${where}.`;
}

/** Of a poke in a definition there may be several; what is told is the first few that differ. */
function pokeTexts(f: Facts, stmt: PokeStmt): readonly string[] | undefined {
  const found = f.pokes(stmt.span);
  if (found.length === 0) return undefined;
  const several = new Set(found.map((p) => p.place.name)).size > 1;
  return [...new Set(found.map((p) => pokeText(f, p, several)))].slice(0, 4);
}

function pokeText(f: Facts, p: PokeFacts, named: boolean): string {
  const { place, from, bytes, leaves } = p;
  const to = from + bytes.length;
  const range = bytes.length === 1 ? `[${from}]` : `[${from}..${to}]`;
  const left = f.disassembled(leaves, place.from);
  const of = named ? ` of \`${place.name}\`` : '';
  return `Writes \`${hexes(bytes)}\` at \`${place.name}${range}\` and leaves \`${hexes(leaves)}\`${of}: \`${left}\`.`;
}

export function phaseText(
  a: Analysis,
  phase: PhaseStmt,
  scenario: string | undefined,
): string | undefined {
  const found = a.ask(scenario, (f) => f.behindPhase(phase.name.text, phase.body.span));
  if (!found) return undefined;
  const { answer } = found;
  return 'sync' in answer
    ? `What follows it is \`${answer.sync}\`.`
    : `No sync follows it before ${answer.before}.`;
}

function ofSetting(setting: Setting, code: string): Hover | undefined {
  if (setting.kind === 'option') return undefined;
  const words = setting.atoms.map((p) => (p[0]?.kind === 'word' ? p[0].text : ''));
  const [first = '', second = ''] = words;
  const meaning: SettingMeaning | undefined =
    second === 'at'
      ? positionSetting
      : first === 'nmi' && second === 'in'
        ? nmiInShadow
        : Object.hasOwn(settings, first)
          ? settings[first as keyof typeof settings]
          : undefined;
  if (!meaning) return undefined;
  return { span: setting.span, code, text: settingTexts(meaning) };
}

function settingTexts(meaning: SettingMeaning): readonly string[] {
  const range = meaning.range === undefined ? '' : `, ${meaning.range}`;
  return [
    sentence(meaning.about),
    `\`${meaning.form}\`${range}; if nothing is said: ${meaning.default}.`,
    ...waits(meaning),
  ];
}
const waits = (meaning: Meaning): readonly string[] =>
  meaning.waits === undefined
    ? []
    : [`Not supported yet: ${waiting.get(meaning.waits) ?? meaning.waits}.`];

// ---- words alone, also where the line is wrong

function ofWord(a: Analysis, offset: number, word: string, span: Span): Hover | undefined {
  const { area } = contextAt(a, offset);
  const of = (meaning: Meaning, code = meaning.form): Hover => ({
    span,
    code,
    text: [sentence(meaning.about), ...waits(meaning)],
  });
  if (area === 'settings') {
    if (Object.hasOwn(settings, word))
      return { span, code: word, text: settingTexts(settings[word as keyof typeof settings]) };
    if (Object.hasOwn(fetchParameters, word)) {
      const values = fetchParameters[word as keyof typeof fetchParameters].join(' | ');
      return { span, code: `${word} ${values}`, text: ['A parameter of instruction fetch.'] };
    }
    return undefined;
  }
  if ((area === 'asm' || area === 'contents') && Object.hasOwn(instructions, word)) {
    const meaning = instructions[word as keyof typeof instructions];
    return { span, code: word, text: [sentence(`\`${word}\` ${meaning}`)] };
  }
  const statement = statementWords.find((w) => w === word);
  if (area === 'statements' && statement) return of(statements[statement]);
  const section = sectionWords.find((w) => w === word);
  if (section && area === 'sections') return of(sections[section]);
  if (word === 'protocol') return of(heading);
  if (word === 'breakpoint') return of(sections.on);
  if (Object.hasOwn(clauses, word)) {
    const clause = clauses[word as keyof typeof clauses];
    return { span, code: word, text: [sentence(clause)] };
  }
  if (Object.hasOwn(constants, word))
    return { span, code: word, text: [sentence(constants[word as keyof typeof constants])] };
  return undefined;
}
