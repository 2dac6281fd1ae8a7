// The verify document as SARIF 2.1.0, for code scanning and its viewers: rules, results, and each run as a code flow.
//
// Section numbers are those of the OASIS standard. Nothing here is in it by chance of the clock: the same results
// give the same text.

import type { Place as Range } from '../grammar/source.ts';
import { explanations, mending } from './explain/index.ts';
import { builtin } from './ir.ts';
import type {
  DiagnosticReport,
  FileReport,
  ScenarioReport,
  StepReport,
  ViolationReport,
} from './report.ts';
import { shortest } from './report.ts';
import { languageVersion, machineVersion } from './version.ts';

export interface SarifAbout {
  /** Of the package. */
  readonly version: string;
  /** Whether every file could be read. */
  readonly complete: boolean;
}

interface Rule {
  readonly id: string;
  readonly level: 'error' | 'warning';
  readonly short: string;
  readonly help: string;
  /** The same with a spec that fails, and what mends it. */
  readonly markdown?: string;
}

interface Result {
  readonly rule: Rule;
  /** `fail` has a level; what was expected is `informational`, what a bound left undecided is `open` (3.27.9). */
  readonly kind: 'fail' | 'informational' | 'open';
  readonly message: string;
  readonly file: string;
  readonly range: Range;
  readonly fingerprint: readonly string[];
  readonly more: object;
}

const schema =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const root = '%SRCROOT%';

export function sarif(files: readonly FileReport[], about: SarifAbout): object {
  const results = files.flatMap((f) => [
    ...f.diagnostics.map((d) => ofDiagnostic(f, d)),
    ...f.scenarios.flatMap((s) => ofScenario(f, s)),
  ]);
  const rules = [
    ...new Map([...always, ...results.map((r) => r.rule)].map((r) => [r.id, r])).values(),
  ];
  const index = new Map(rules.map((r, i) => [r.id, i]));
  const place = new Map(files.map((f, i) => [f.file, i]));
  return {
    $schema: schema,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'suture',
            version: about.version,
            semanticVersion: about.version,
            shortDescription: {
              text: 'Verifies protocols that change machine code while other CPUs run it.',
            },
            properties: { languageVersion, machineVersion },
            rules: rules.map(ruleObject),
          },
        },
        invocations: [{ executionSuccessful: about.complete }],
        originalUriBaseIds: {
          [root]: { description: { text: 'The folder in which suture was called.' } },
        },
        artifacts: files.map((f) => ({
          location: artifact(f.file),
          roles: ['analysisTarget'],
          encoding: 'UTF-8',
          sourceLanguage: 'suture',
        })),
        columnKind: 'utf16CodeUnits',
        newlineSequences: ['\r\n', '\n', '\r'],
        results: results.map((r) => ({
          ruleId: r.rule.id,
          ruleIndex: index.get(r.rule.id),
          kind: r.kind,
          level: r.kind === 'fail' ? r.rule.level : 'none',
          message: { text: r.message },
          locations: [{ physicalLocation: physical(r.file, r.range, place) }],
          partialFingerprints: { 'sutureResult/v1': r.fingerprint.map(encode).join('/') },
          ...r.more,
        })),
      },
    ],
  };
}

const unexpected: Rule = {
  id: 'not-as-expected',
  level: 'error',
  short: 'A scenario is not as expected',
  help: 'The verdict is not the one behind `expect`, or it holds and no run reaches a witness: then nothing happened that the scenario is about. Either the protocol, the environment or the expectation says something that it does not mean.',
};
const unfinished: Rule = {
  id: 'search-unfinished',
  level: 'warning',
  short: 'A search was not finished',
  help: 'A bound was hit before every state was visited, so there is no verdict. Raise the bound that is named, or make the scenario smaller.',
};
const always: readonly Rule[] = [
  ...builtin.map((id) => explained(id, 'error', `The property ${id} is violated`, '')),
  unexpected,
  unfinished,
];

/** Of a built-in property, or of one that the spec itself requires. */
const propertyRule = (id: string): Rule =>
  always.find((r) => r.id === id) ?? {
    id,
    level: 'error',
    short: `The requirement ${id} is violated`,
    help: `A requirement of the spec's own: see \`require ${id}\` there.`,
  };

/** With what `suture explain` says; `otherwise` where it says nothing. */
function explained(id: string, level: Rule['level'], short: string, otherwise: string): Rule {
  const known = explanations.find((e) => e.name === id);
  if (!known) return { id, level, short, help: otherwise };
  const example = known.specs
    ? `\n\nThis fails:\n\n\`\`\`\n${known.specs.fails}\`\`\`\n\nThis mends it:\n\n\`\`\`diff\n${mending(known.specs).join('\n')}\n\`\`\`\n`
    : '';
  return { id, level, short, help: known.text, markdown: `${known.text}${example}` };
}

/** 3.49. */
const ruleObject = (r: Rule): object => ({
  id: r.id,
  shortDescription: { text: `${r.short}.` },
  fullDescription: { text: r.help },
  help: { text: r.help, markdown: r.markdown ?? r.help },
  defaultConfiguration: { level: r.level },
});

function ofDiagnostic(f: FileReport, d: DiagnosticReport): Result {
  const words = d.code.replaceAll('-', ' ');
  return {
    rule: explained(
      d.code,
      d.severity,
      `${words.charAt(0).toUpperCase()}${words.slice(1)}`,
      'The spec is not well formed here, or does not mean what it says.',
    ),
    kind: 'fail',
    message: `${d.message}.`,
    file: f.file,
    range: d.span,
    fingerprint: [f.protocol ?? '', d.code, d.message],
    more: d.fix
      ? {
          fixes: [
            {
              description: { text: d.fix.title },
              artifactChanges: [
                {
                  artifactLocation: artifact(f.file),
                  replacements: d.fix.edits.map((e) => ({
                    deletedRegion: region(e.span),
                    insertedContent: { text: e.text },
                  })),
                },
              ],
            },
          ],
        }
      : {},
  };
}

/** One result for each property that is violated, by its shortest run; one for the scenario where none of them tells it. */
function ofScenario(f: FileReport, s: ScenarioReport): readonly Result[] {
  const { states, transitions, depth, verdict } = s;
  const properties = { scenario: s.name, verdict, states, transitions, depth };
  const own = { file: f.file, fingerprint: [f.protocol ?? '', s.name] };
  const violations = shortest(s).map((v): Result => {
    const expected =
      s.expected.kind === 'violates' &&
      (s.expected.properties.includes(v.property) || (s.asExpected && !s.expected.only));
    const judged = expected ? 'as expected' : (s.finding ?? 'not as expected');
    const last = v.trace.steps.findLast((step) => step.span !== null);
    return {
      ...own,
      rule: propertyRule(v.property),
      kind: expected ? 'informational' : 'fail',
      message: `"${s.name}" violates ${v.property} in ${v.trace.steps.length} steps: ${v.message} (${judged}).`,
      range: last?.span ?? s.span,
      fingerprint: [...own.fingerprint, v.property],
      more: {
        relatedLocations: [
          {
            id: 1,
            message: { text: `The scenario "${s.name}".` },
            physicalLocation: physical(f.file, s.span),
          },
        ],
        codeFlows: [codeFlow(f, v)],
        properties: { ...properties, values: s.checks[v.check]?.values ?? [] },
      },
    };
  });
  if (s.asExpected || violations.some((v) => v.kind === 'fail')) return violations;
  const rule = s.incomplete ? unfinished : unexpected;
  return [
    ...violations,
    {
      ...own,
      rule,
      kind: s.incomplete ? 'open' : 'fail',
      message: `"${s.name}": ${s.finding}.`,
      range: s.span,
      fingerprint: [...own.fingerprint, rule.id],
      more: { properties: { ...properties, bound: s.bound } },
    },
  ];
}

/** 3.36: one thread flow a CPU; `executionOrder` says how they interleave. */
function codeFlow(f: FileReport, v: ViolationReport): object {
  const why = new Map(v.why.map((w) => [w.step, w.text]));
  const cpus = [...new Set(v.trace.steps.map((s) => s.cpu))].sort((a, b) => a - b);
  return {
    message: { text: `The shortest run that violates ${v.property}: ${v.message}.` },
    threadFlows: cpus.map((cpu) => ({
      id: `cpu${cpu}`,
      message: { text: `What CPU ${cpu} does.` },
      locations: v.trace.steps.flatMap((step, i) =>
        step.cpu === cpu ? [flowLocation(f, step, i + 1, why.get(i + 1))] : [],
      ),
    })),
  };
}

/** 3.38. A step of the machine's own, such as the delivery of an interrupt, stands in no file. */
function flowLocation(
  f: FileReport,
  step: StepReport,
  order: number,
  why: string | undefined,
): object {
  const words = [step.text, step.note, why ?? ''].filter((w) => w !== '').join('; ');
  const address =
    step.address === null
      ? {}
      : { address: { fullyQualifiedName: step.address, kind: 'instruction' } };
  const where = { ...(step.span ? physical(f.file, step.span) : {}), ...address };
  return {
    executionOrder: order,
    importance: why !== undefined ? 'essential' : step.span ? 'important' : 'unimportant',
    location: {
      message: { text: words },
      ...(Object.keys(where).length > 0 ? { physicalLocation: where } : {}),
    },
    ...(step.bytes === null ? {} : { state: { bytes: { text: step.bytes } } }),
  };
}

const physical = (file: string, range: Range, place?: ReadonlyMap<string, number>): object => ({
  artifactLocation: { ...artifact(file), ...(place ? { index: place.get(file) } : {}) },
  region: region(range),
});

/** 3.30: lines and columns from 1, the end column behind the last character, as in the report. */
const region = (r: Range): object => ({
  startLine: r.line,
  startColumn: r.column,
  endLine: r.endLine,
  endColumn: r.endColumn,
});

const artifact = (file: string): object => {
  const uri = uriOf(file);
  return uri.startsWith('file:') ? { uri } : { uri, uriBaseId: root };
};

/** A path as a URI reference (RFC 3986): relative where the path is. */
export function uriOf(file: string): string {
  const drive = /^[A-Za-z]:[\\/]/.test(file);
  const path = (drive ? file.replaceAll('\\', '/') : file).split('/');
  if (drive) return `file:///${path[0]}/${path.slice(1).map(encode).join('/')}`;
  return `${file.startsWith('/') ? 'file://' : ''}${path.map(encode).join('/')}`;
}

/** A half of a surrogate pair by itself is no character, and stands for none in a URI. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());
