// Elements made from values: text stays text, whatever a user wrote into it.

type Attribute = string | number | boolean | undefined;
type Child = Node | string | undefined;

/** Attributes that are `undefined` or `false` are left out; `class` is one of them. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  give(made, attributes);
  made.append(...children.filter((c) => c !== undefined));
  return made;
}

export function drawn<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  give(made, attributes);
  made.append(...children);
  return made;
}

function give(made: Element, attributes: Readonly<Record<string, Attribute>>): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      made.setAttribute(name, value === true ? '' : String(value));
}

/** The element of the page's own markup with that id. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Names in backquotes become code. */
export function prose(text: string): readonly Node[] {
  return text
    .split(/(`[^`]*`)/)
    .filter((t) => t !== '')
    .map((t) =>
      t.length > 1 && t.startsWith('`') && t.endsWith('`')
        ? element('code', {}, t.slice(1, -1))
        : document.createTextNode(t),
    );
}

export const grouped = (n: number): string => Math.round(n).toLocaleString('en-US');

export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${grouped(n)} ${n === 1 ? one : many}`;

/** A message with its full stop. */
export const sentence = (message: string): string =>
  /[.?!]$/.test(message) ? message : `${message}.`;
