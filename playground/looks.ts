// The page's looks: light, dark, or what the system says; kept locally.

import { recall, remember } from './memory.ts';

export const looks = ['system', 'light', 'dark'] as const;
export type Look = (typeof looks)[number];

const dark = matchMedia('(prefers-color-scheme: dark)');

export function chosenLook(): Look {
  const kept = recall('look');
  return looks.find((l) => l === kept) ?? 'system';
}

export function applyLook(): void {
  const look = chosenLook();
  const theme = look === 'system' ? (dark.matches ? 'dark' : 'light') : look;
  document.documentElement.dataset.theme = theme;
}

export function chooseLook(look: Look): void {
  remember('look', look);
  applyLook();
}

export function followSystem(): void {
  dark.addEventListener('change', applyLook);
}
