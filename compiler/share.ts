// A link that holds everything: the text and what is looked at, in the fragment of an address, which no server sees.
//
// `v1.` DATA CHECK: DATA is JSON, compressed (deflate, RFC 1951) and in base64url without padding (RFC 4648, section 5);
// CHECK is its FNV-1a in six letters and digits, so a link that was cut is known, and none ends in `_` or `-`, which
// programs that recognise links in a text leave behind. A new meaning of a field gets a new number, and `v1.` is read for ever.

/** What a link holds. Everything is checked when it is read; what does not fit this shape is damage. */
export interface Shared {
  readonly source: string;
  /** The name of the scenario that is looked at. */
  readonly scenario?: string;
  readonly run?: SharedRun;
  /** Of the page: which of its views is open. */
  readonly view?: string;
  /** Offsets into the source, in UTF-16 units. */
  readonly selection?: readonly [number, number];
}

/** A run of the scenario. */
export interface SharedRun {
  /** Which of the scenario's checks, from 0. */
  readonly check: number;
  /** The property that it violates, or the witness that it reaches. */
  readonly finding: string;
  /** Which initial state, from 0. */
  readonly initial: number;
  /** Names of the actions. */
  readonly schedule: readonly string[];
  /** For each step the beginning of its digest: four hexadecimal digits. */
  readonly digests: readonly string[];
  /** The step that is looked at, from 0; the schedule's length is the end. */
  readonly step: number;
}

/** Why a fragment is no link of ours, in one sentence. */
export interface Damaged {
  readonly damaged: string;
}

/** Longer than this, chats and trackers cut a link: the file itself is the better thing to send. */
export const longLink = 2000;

/** Above these nothing is read: a link is made by people, for people. */
const mostCharacters = 500_000;
const mostBytes = 4_000_000;
const mostSteps = 100_000;
const digestLength = 4;

/** The fragment, without `#`. */
export async function encodeLink(shared: Shared): Promise<string> {
  const { source, scenario, run, view, selection } = shared;
  const packed = {
    s: source,
    ...(scenario === undefined ? {} : { n: scenario }),
    ...(run
      ? {
          r: [run.check, run.finding, run.initial, run.step],
          a: names(run.schedule),
          d: run.digests.map((d) => d.slice(0, digestLength)).join(''),
        }
      : {}),
    ...(view === undefined ? {} : { v: view }),
    ...(selection ? { c: selection } : {}),
  };
  const bytes = Uint8Array.from(new TextEncoder().encode(JSON.stringify(packed)));
  const data = base64url(
    (await through(bytes, new CompressionStream('deflate-raw'), Infinity)) as Uint8Array,
  );
  return `v1.${data}${sum(data)}`;
}

/** Reads a fragment, with or without `#`. */
export async function decodeLink(fragment: string): Promise<Shared | Damaged> {
  const text = fragment.replace(/^#/, '');
  const [, version, rest] = /^v(\d{1,6})\.(.*)$/s.exec(text) ?? [];
  if (version === undefined || rest === undefined)
    return { damaged: 'this is no link of Suture: one begins with #v1.' };
  if (version !== '1')
    return {
      damaged: `this link is of version ${version}, and this is a Suture that reads version 1`,
    };
  if (text.length > mostCharacters)
    return {
      damaged: `this link has ${text.length} characters, and the most that is read is ${mostCharacters}`,
    };
  const data = rest.slice(0, -6);
  if (!/^[\w-]*$/.test(rest) || sum(data) !== rest.slice(-6))
    return { damaged: 'this link is damaged: a part of it is missing or was changed on its way' };
  let unpacked: Uint8Array | undefined;
  let json: unknown;
  try {
    unpacked = await through(bytesOf(data), new DecompressionStream('deflate-raw'), mostBytes);
    if (unpacked) json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(unpacked));
  } catch {
    return { damaged: 'this link is damaged: what it holds cannot be unpacked' };
  }
  if (!unpacked)
    return { damaged: `this link unpacks to more than ${mostBytes / 1e6} MB, and is not read` };
  return read(json) ?? { damaged: 'this link is damaged: what it holds is no spec with its run' };
}

/** A schedule repeats few names many times: the names once each, then their indices. */
function names(schedule: readonly string[]): [string[], number[]] {
  const index = new Map<string, number>();
  const order = schedule.map((name) => {
    const at = index.get(name) ?? index.size;
    index.set(name, at);
    return at;
  });
  return [[...index.keys()], order];
}

function read(json: unknown): Shared | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const { s, n, r, a, d, v, c } = json as Readonly<Record<string, unknown>>;
  if (typeof s !== 'string') return undefined;
  if (n !== undefined && typeof n !== 'string') return undefined;
  if (v !== undefined && typeof v !== 'string') return undefined;
  if (c !== undefined && !(pair(c) && c[0] <= c[1] && c[1] <= s.length)) return undefined;
  const run = r === undefined ? undefined : readRun(r, a, d);
  if (r !== undefined && (run === undefined || n === undefined)) return undefined;
  return {
    source: s,
    ...(n === undefined ? {} : { scenario: n }),
    ...(run ? { run } : {}),
    ...(v === undefined ? {} : { view: v }),
    ...(c === undefined ? {} : { selection: c }),
  };
}

function readRun(r: unknown, a: unknown, d: unknown): SharedRun | undefined {
  if (!Array.isArray(r) || r.length !== 4 || !Array.isArray(a) || a.length !== 2) return undefined;
  const [check, finding, initial, step] = r as readonly unknown[];
  const [known, order] = a as readonly unknown[];
  if (!whole(check) || typeof finding !== 'string' || !whole(initial) || !whole(step))
    return undefined;
  if (!Array.isArray(known) || !Array.isArray(order) || typeof d !== 'string') return undefined;
  if (order.length > mostSteps || !/^[0-9a-f]*$/.test(d)) return undefined;
  if (d.length !== order.length * digestLength || step > order.length) return undefined;
  const schedule = order.map((i) => (known as unknown[])[i as number]);
  if (!schedule.every((name) => typeof name === 'string')) return undefined;
  return {
    check,
    finding,
    initial,
    schedule,
    digests: d.match(/.{4}/g) ?? [],
    step,
  };
}

const whole = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
const pair = (x: unknown): x is readonly [number, number] =>
  Array.isArray(x) && x.length === 2 && x.every(whole);

/** What comes out of the other end, or undefined where it is more than `most` bytes. */
async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array | undefined> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (const b of bytes) binary += String.fromCharCode(b);
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function bytesOf(data: string): Uint8Array<ArrayBuffer> {
  const binary = atob(data.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

/** FNV-1a over the characters, in six letters and digits. */
function sum(data: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < data.length; i++) h = Math.imul(h ^ data.charCodeAt(i), 0x01000193);
  let out = '';
  let rest = h >>> 0;
  for (let i = 0; i < 6; i++) {
    out += '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[rest % 62];
    rest = Math.floor(rest / 62);
  }
  return out;
}
