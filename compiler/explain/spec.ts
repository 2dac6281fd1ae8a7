// A small spec in parts, which explanations write wrong and right, and what an explanation consists of.

export interface Explanation {
  /** A diagnostic's code, or the name of a property. */
  readonly name: string;
  /** `emit`: an error of `suture emit` alone. */
  readonly kind: 'error' | 'warning' | 'property' | 'emit';
  readonly text: string;
  /** A spec that gives exactly this, and one that gives nothing; none where this version cannot come to it. */
  readonly specs?: { readonly fails: string; readonly mended: string };
}

const parts = {
  head: 'protocol p "a call is patched"',
  options: '',
  code: `code {
  one:    ret
  two:    ret
  caller:
  place:  call one
          jmp caller
}`,
  thread: 'thread worker runs caller',
  extra: '',
  handler: '',
  patch: 'patch place: call one -> call two { poke place; sync cores }',
  witness: '',
  scenario: '',
} as const;

export type Parts = { readonly [part in keyof typeof parts]?: string };

/** The small spec, with some of its parts in other words. */
export function spec(own: Parts = {}): string {
  const all = Object.entries({ ...parts, ...own }).map(([, text]) => text);
  return `${all.filter((text) => text !== '').join('\n')}\n`;
}

/** What `text` says of a mistake, with the parts that are wrong, and then right; the rest is as it is. */
export const error = (name: string, text: string, fails: Parts, mended: Parts): Explanation => ({
  name,
  kind: 'error',
  text,
  specs: { fails: spec(fails), mended: spec(mended) },
});
export const warning = (name: string, text: string, fails: Parts, mended: Parts): Explanation => ({
  ...error(name, text, fails, mended),
  kind: 'warning',
});
export const property = (name: string, text: string, fails: Parts, mended: Parts): Explanation => ({
  ...error(name, text, fails, mended),
  kind: 'property',
});

/** The code with one more line at its end, or with another line for the place. */
export const code = (last: string, place = 'call one'): string => `code {
  one:    ret
  two:    ret
  caller:
  place:  ${place}
          ${last}
          jmp caller
}`;
