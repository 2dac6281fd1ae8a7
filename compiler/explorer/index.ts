// The explorer's public face: a model goes in, a verdict with its runs comes out.

export type { Model } from './model.ts';
export {
  type Divergence,
  type Outcome,
  reaches,
  replay,
  violates,
  type Watch,
  walk,
} from './run.ts';
export {
  type Bounds,
  createSearch,
  type Progress,
  type Result,
  type Run,
  type Saved,
  type Search,
  type Step,
  type Violation,
  type Witness,
} from './search.ts';
export { createReducedSearch } from './tiers.ts';
export { type Visited, visited } from './visited.ts';
