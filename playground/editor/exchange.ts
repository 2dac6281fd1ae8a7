// When the full editor may take the place of the plain one: once the page rests, and never on a phone.

import { ownScript } from '../client.ts';
import { element } from '../elements.ts';
import { recall, remember } from '../memory.ts';

/** Built apart from the page, so that nothing of it is loaded before it is wanted; the build says their names. */
declare const MONACO_FILES: {
  readonly script: string;
  readonly style: string;
  readonly worker: string;
};

const phone = matchMedia('(max-width: 720px), (pointer: coarse) and (max-width: 1279px)');

/** Calls back at most once; not where the user wants the plain one. */
export function exchangeable(ready: () => void): void {
  if (recall('editor') === 'plain') return;
  const begin = (): void => {
    if (phone.matches) {
      phone.addEventListener('change', begin, { once: true });
      return;
    }
    ready();
  };
  addEventListener('load', () =>
    setTimeout(() => requestIdleCallback(begin, { timeout: 2000 }), 300),
  );
}

/** Who reads the page aloud, or has little memory, may prefer a plain text area: the page begins anew with it. */
export function editorButton(): HTMLElement {
  const plain = recall('editor') === 'plain';
  const button = element(
    'button',
    { type: 'button', class: 'framed' },
    plain ? 'Use the full editor' : 'Use the plain editor',
  );
  button.addEventListener('click', () => {
    remember('editor', plain ? undefined : 'plain');
    location.reload();
  });
  return button;
}

export async function fullEditor(): Promise<typeof import('./monaco.ts')> {
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: unknown): unknown };
  };
  // Read when the script begins: where its worker stands, and one name for all its policies, which the page allows.
  (globalThis as { MonacoEnvironment?: unknown }).MonacoEnvironment = {
    getWorker: () => new Worker(ownScript(MONACO_FILES.worker) as string),
    createTrustedTypesPolicy: (_: string, rules: unknown) =>
      trustedTypes?.createPolicy('monaco', rules),
  };
  const beside = (file: string): string => new URL(file, document.baseURI).href;
  const style = element('link', { rel: 'stylesheet', href: beside(MONACO_FILES.style) });
  const styled = new Promise((ready, failed) => {
    style.onload = ready;
    style.onerror = failed;
  });
  // Before the page's own, which has the last word.
  document.head.prepend(style);
  const [made] = await Promise.all([import(beside(MONACO_FILES.script)), styled]);
  return made as typeof import('./monaco.ts');
}
