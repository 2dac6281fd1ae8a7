// The shape of each kind of step, centred at a point of its lane.

import type { Mark } from '../../compiler/index.ts';
import { drawn } from '../elements.ts';

const at = (x: number, y: number): string => `translate(${x} ${y})`;
const path = (d: string, look: string, x: number, y: number): SVGElement =>
  drawn('path', { d, class: look, transform: at(x, y) });

export const octagon = 'M-2.5 -6h5L6 -2.500v5L2.500 6h-5L-6 2.500v-5z';
const cross = 'M-2.200 -2.200l4.400 4.400M2.200 -2.200l-4.400 4.400';
const square = 'M-4 -4h8v8h-8z';

export function violationMark(x: number, y: number): readonly SVGElement[] {
  return [path(octagon, 'broken', x, y), path(cross, 'cross', x, y)];
}

export function markOf(mark: Mark, x: number, y: number): readonly SVGElement[] {
  switch (mark) {
    case 'poke':
      return [path(square, 'solid', x, y)];
    case 'build':
      return [path(square, 'hollow square', x, y)];
    case 'release':
      return [path(square, 'hollow square', x, y), path('M-5.500 5.500l11 -11', 'struck', x, y)];
    case 'send':
    case 'acknowledge':
    case 'acknowledged':
      return [drawn('circle', { cx: x, cy: y, r: 3.5, class: 'hollow' })];
    case 'ipi':
      return [path('M-4.500 -5.500L6 0L-4.500 5.500z', 'solid', x, y)];
    case 'trap':
      return [path('M0 -6L6 0L0 6L-6 0z', 'solid', x, y)];
    case 'nmi':
      return [path('M-6 -5h12L0 6z', 'solid', x, y)];
    case 'irq':
      return [
        drawn('circle', { cx: x, cy: y, r: 4, class: 'solid' }),
        path('M-6 -6.500h12', 'struck', x, y),
      ];
    case 'preempt':
      return [path('M-4 -4h8v8h-8z', 'gap', x, y), path('M-4 -4h8M-4 4h8', 'struck', x, y)];
    case 'iret':
    case 'commit':
    case 'serialise':
    case 'statement':
    case 'instruction':
      return [drawn('circle', { cx: x, cy: y, r: 3, class: 'dot' })];
  }
}
