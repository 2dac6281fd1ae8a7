// The signs of the page: one shape for each verdict, so that colour never says it alone.

import { drawn } from './elements.ts';

/** How a scenario stands. */
export type Standing = 'idle' | 'running' | 'holds' | 'violated' | 'unfinished' | 'outdated';

const size = 16;
const line = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': 1.5,
  'stroke-linecap': 'round',
};

function sign(kind: string, ...shapes: readonly SVGElement[]): SVGElement {
  return drawn(
    'svg',
    {
      class: `sign ${kind}`,
      viewBox: `0 0 ${size} ${size}`,
      width: size,
      height: size,
      'aria-hidden': 'true',
    },
    ...shapes,
  );
}

const ring = (more: Readonly<Record<string, string | number>> = {}): SVGElement =>
  drawn('circle', { cx: 8, cy: 8, r: 6.25, ...line, ...more });
const path = (d: string, more: Readonly<Record<string, string | number>> = {}): SVGElement =>
  drawn('path', { d, ...line, ...more });
const dot = (x: number): SVGElement =>
  drawn('circle', { cx: x, cy: 8, r: 0.9, fill: 'currentColor' });

export function standingSign(standing: Standing): SVGElement {
  switch (standing) {
    case 'idle':
      return sign(standing, ring());
    case 'running':
      return sign(
        standing,
        ring({ class: 'track' }),
        path('M8 1.75a6.25 6.25 0 0 1 6.25 6.25', { class: 'arc', 'stroke-width': 2 }),
      );
    case 'holds':
      return sign(standing, ring(), path('M5.2 8.2l2 2 3.6-4'));
    case 'violated':
      return sign(
        standing,
        drawn('path', { d: 'M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z', fill: 'currentColor' }),
        path('M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8', { class: 'cut' }),
      );
    case 'unfinished':
      return sign(standing, ring({ 'stroke-dasharray': '2.9 2' }), dot(5), dot(8), dot(11));
    case 'outdated':
      return sign(standing, ring({ 'stroke-dasharray': '0.1 2.7' }), path('M8 4.8V8l2.2 1.6'));
  }
}

export const chevron = (): SVGElement => sign('chevron', path('M4.5 6.5L8 10l3.5-3.5'));
export const shareSign = (): SVGElement =>
  sign(
    'share',
    path('M7 9.5a2.6 2.6 0 0 0 3.7 0l2.2-2.2a2.6 2.6 0 0 0-3.7-3.7L8 4.8'),
    path('M9 6.500a2.6 2.6 0 0 0-3.7 0L3.100 8.700a2.6 2.6 0 0 0 3.7 3.7L8 11.200'),
  );
export const themeSign = (): SVGElement =>
  sign(
    'theme',
    ring(),
    drawn('path', { d: 'M8 1.75a6.25 6.25 0 0 1 0 12.5z', fill: 'currentColor' }),
  );
export const helpSign = (): SVGElement =>
  sign(
    'help',
    ring(),
    path('M6.2 6.3a1.85 1.85 0 1 1 2.7 1.6c-.6.3-.9.7-.9 1.3'),
    drawn('circle', { cx: 8, cy: 11.5, r: 0.9, fill: 'currentColor' }),
  );
