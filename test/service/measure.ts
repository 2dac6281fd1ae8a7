// How long each question takes on the largest example, by hand: `node test/service/measure.ts`; medians in ms.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as service from '../../compiler/service/index.ts';

const folder = join(import.meta.dirname, '../../examples');
const texts = readdirSync(folder)
  .filter((f) => f.endsWith('.suture'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
const largest = texts.reduce((a, b) => (b.text.length > a.text.length ? b : a));
const { text } = largest;
const offsets = Array.from({ length: 60 }, (_, i) => Math.floor((i * text.length) / 60));

const median = (times: readonly number[]): string =>
  ([...times].sort((a, b) => a - b)[times.length >> 1] ?? 0).toFixed(3);
function timed(work: (offset: number) => unknown): string {
  const times = offsets.map((offset) => {
    const start = performance.now();
    work(offset);
    return performance.now() - start;
  });
  return median(times);
}

const warm = service.analyse(text);
for (const offset of offsets) service.hover(warm, offset);
console.log(
  `${largest.name}, ${text.length} characters, ${warm.compiled.scenarios.length} scenarios`,
);
const fresh = {
  'analyse (parse)': () => service.analyse(text),
  'analyse and names': () => service.analyse(text).names,
  'analyse and diagnostics': () => service.diagnostics(service.analyse(text)),
  'analyse and the first hints': () => service.hints(service.analyse(text)),
};
for (const [name, work] of Object.entries(fresh)) console.log(timed(work).padStart(8), name);
const a = service.analyse(text);
service.hints(a);
const questions: Readonly<Record<string, (offset: number) => unknown>> = {
  diagnostics: () => service.diagnostics(a),
  completions: (o) => service.completions(a, o),
  hover: (o) => service.hover(a, o),
  definition: (o) => service.definition(a, o),
  references: (o) => service.references(a, o),
  prepareRename: (o) => service.prepareRename(a, o),
  rename: (o) => service.rename(a, o, 'a_new_name'),
  outline: () => service.outline(a),
  folds: () => service.folds(a),
  selections: (o) => service.selections(a, o),
  semanticTokens: () => service.semanticTokens(a),
  hints: () => service.hints(a),
  lenses: () => service.lenses(a),
  formatting: () => service.formatting(a),
};
for (const [name, work] of Object.entries(questions)) console.log(timed(work).padStart(8), name);
