// Where the lanes stand in a pane of a given width: side by side with labels each, or close with one column of labels.

import type { Telling } from '../../compiler/index.ts';

export interface Geometry {
  readonly width: number;
  readonly row: number;
  /** A second line in each row for the detail. */
  readonly tall: boolean;
  /** Labels stand in one column at the right of all lanes. */
  readonly close: boolean;
  readonly level: number;
  readonly lanes: readonly Column[];
  /** Right edge of the step numbers. */
  readonly numbers: number;
}

export interface Column {
  /** The lane outside of handlers. */
  readonly x: number;
  /** Where labels begin, and how far they may go. */
  readonly label: number;
  readonly end: number;
  /** Right edge of the words at its left, or undefined where there is no room for any. */
  readonly words: number | undefined;
}

/** From a lane to the left: the IF band, the rail of an IPI that waits, the end of words. */
export const band = 19;
export const rail = 28;
export const words = 37;

export function geometryOf(telling: Telling, width: number, phone: boolean): Geometry {
  const n = telling.lanes.length;
  const level = phone ? 14 : 18;
  const deepest = telling.lanes.map((_, cpu) =>
    telling.states.reduce((most, s) => Math.max(most, s.cpus[cpu]?.handlers.length ?? 0), 0),
  );
  // A CPU that is never interrupted needs nothing at its left.
  const first = telling.states.some((s) => {
    const c = s.cpus[0];
    return c !== undefined && (!c.interrupts || c.shadow || c.pending > 0 || c.stub !== undefined);
  });
  const numbers = phone ? 28 : 48;
  const x0 = (phone ? 40 : 64) + (first ? rail : 0);
  const share = (width - x0) / n;
  const close = n > 2 || share < (phone ? 120 : 190);
  const gap = phone ? 12 : 16;
  const lanes = telling.lanes.map((_, cpu): Column => {
    const depth = (deepest[cpu] ?? 0) * level;
    if (close) {
      const before = deepest.slice(0, cpu).reduce((sum, d) => sum + d * level, 0);
      const total = deepest.reduce((sum, d) => sum + d * level, 0);
      const pitch = phone ? 40 : Math.max(48, Math.min(72, Math.round((width - x0 - 240) / n)));
      return {
        x: x0 + cpu * pitch + before,
        label: x0 + (n - 1) * pitch + total + gap,
        end: width - 16,
        words: undefined,
      };
    }
    const left = cpu === 0 ? 0 : phone ? -16 : 14;
    const x = Math.round(x0 + cpu * share + left);
    const next = Math.round(x0 + (cpu + 1) * share + (phone ? -16 : 14));
    return {
      x,
      label: x + gap + depth,
      end: cpu === n - 1 ? width - 16 : next - (phone ? band + 4 : rail + 8),
      words: cpu === 0 || phone ? undefined : x - words,
    };
  });
  return { width, row: phone ? 40 : 24, tall: phone, close, level, lanes, numbers };
}
