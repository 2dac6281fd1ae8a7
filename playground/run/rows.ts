// The rows of the run pane: one a step, one for a quiet fold that is closed; and which row a step is in.

import type { Fold, Telling } from '../../compiler/index.ts';

export interface Row {
  readonly from: number;
  readonly to: number;
  /** Set where the row stands for several steps. */
  readonly fold: Fold | undefined;
  /** On the first row of a fold that is open. */
  readonly opened: Fold | undefined;
  readonly phase: string | undefined;
}

export class Rows {
  readonly all: readonly Row[];
  /** Row by step; step 0 has none. */
  private readonly of: Int32Array;

  constructor(telling: Telling, isOpen: (fold: Fold) => boolean) {
    const folds = new Map(telling.folds.map((f) => [f.from, f]));
    const phases = new Map(telling.phases.map((p) => [p.from, p.name]));
    this.of = new Int32Array(telling.steps.length + 1).fill(-1);
    const all: Row[] = [];
    for (let step = 1; step <= telling.steps.length; ) {
      const fold = folds.get(step);
      const open = fold !== undefined && isOpen(fold);
      const to = fold && !open ? fold.to : step;
      this.of.fill(all.length, step, to + 1);
      all.push({
        from: step,
        to,
        fold: open ? undefined : fold,
        opened: open ? fold : undefined,
        phase: phases.get(step),
      });
      step = to + 1;
    }
    this.all = all;
  }

  /** Index of the row that shows a step; -1 before the first. */
  at(step: number): number {
    return this.of[step] ?? -1;
  }
}
