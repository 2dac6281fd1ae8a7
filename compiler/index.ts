// The public API: parse, compile, verify, replay, emit.

export {
  type Diagnostic,
  format,
  type Parsed,
  type Place,
  parse,
  place,
  print,
  type Source,
  type Span,
  source,
} from '../grammar/index.ts';
export { waiting as capabilities } from './capabilities.ts';
export type { Compiled, Expected, Scenario } from './compile.ts';
export { compile, programOf } from './compile.ts';
export { type Divergence, divergence } from './divergence.ts';
export { type Emitted, emit } from './emit.ts';
export { createMachine } from './emulator/machine.ts';
export type { Trace, TraceStep, View, Why } from './emulator/trace.ts';
export { tell, viewsOf } from './emulator/trace.ts';
export { environment } from './environment.ts';
export { type Explanation, explanations } from './explain/index.ts';
export { replay, walk } from './explorer/index.ts';
export { fingerprint, Verdicts } from './fingerprint.ts';
export { builtin as properties } from './ir.ts';
export type { Listing, Lowered } from './lower.ts';
export { reductions } from './reduction/reduced.ts';
export {
  type Document,
  documentOf,
  type Figures,
  type FileReport,
  fileReport,
  messageOf,
  whyOf,
} from './report.ts';
export {
  type Damaged,
  decodeLink,
  encodeLink,
  longLink,
  type Shared,
  type SharedRun,
} from './share.ts';
export { tellAll } from './teller.ts';
export type {
  Arrow,
  CpuBytes,
  Fold,
  Mark,
  Older,
  Point,
  Stand,
  Stretch,
  StretchState,
  Telling,
  ToldStep,
} from './telling.ts';
export type { CheckResult, ScenarioResult, Verdict } from './verify.ts';
export { carried, Verification } from './verify.ts';
export { languageVersion, machineVersion, schemaVersion } from './version.ts';
