// Links: what goes in comes out, old ones open for ever, and no damage does more than one sentence.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLink, encodeLink, type Shared } from '../../compiler/index.ts';
import { Folder } from '../cli/command.ts';

const links = readFileSync(join(import.meta.dirname, 'links.txt'), 'utf8')
  .split('\n')
  .filter((l) => l !== '' && !l.startsWith('//'))
  .map((l) => l.split(' => ') as [string, string]);

describe('a link of old', () => {
  test.each(links)('%.40s opens', async (link, holds) => {
    expect(JSON.stringify(await decodeLink(link))).toBe(holds);
  });
  test('there are some', () => expect(links.length).toBeGreaterThanOrEqual(4));
});

const run = fc.record({
  check: fc.nat(20),
  finding: fc.string(),
  initial: fc.nat(3),
  schedule: fc.array(fc.constantFrom('cpu0 step', 'cpu1 step', 'cpu1 nmi', 'cpu0 commit place[1]')),
});
const shared: fc.Arbitrary<Shared> = fc
  .tuple(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.option(fc.tuple(fc.string(), run), { nil: undefined }),
    fc.option(fc.constantFrom('lanes', 'table'), { nil: undefined }),
  )
  .map(([source, withRun, view]) => ({
    source,
    ...(withRun
      ? {
          scenario: withRun[0],
          run: {
            ...withRun[1],
            digests: withRun[1].schedule.map((_, i) =>
              (i * 7919).toString(16).padStart(4, '0').slice(-4),
            ),
            step: withRun[1].schedule.length >> 1,
          },
        }
      : {}),
    ...(view ? { view } : {}),
    ...(source.length > 2 ? { selection: [1, 2] as const } : {}),
  }));

test('what goes in comes out, and the link ends in a letter or a digit', async () => {
  await fc.assert(
    fc.asyncProperty(shared, async (x) => {
      const link = await encodeLink(x);
      expect(link).toMatch(/^v1\.[\w-]*[0-9A-Za-z]$/);
      expect(await decodeLink(`#${link}`)).toEqual(x);
    }),
    { numRuns: 500 },
  );
});

describe('a damaged link is answered in one sentence', () => {
  const whole = (links[1] as [string, string])[0];
  test('cut at every length', async () => {
    for (let n = 0; n < whole.length; n++) {
      const answer = await decodeLink(whole.slice(0, n));
      expect(answer, `the first ${n}`).toHaveProperty('damaged');
    }
  });
  test('one character changed', async () => {
    for (let n = '#v1.'.length; n < whole.length; n++) {
      const other = whole[n] === 'A' ? 'B' : 'A';
      const answer = await decodeLink(`${whole.slice(0, n)}${other}${whole.slice(n + 1)}`);
      expect(answer, `character ${n}`).toHaveProperty('damaged');
    }
  });

  /** A link with a right check whose content is `bytes`. */
  const forged = async (bytes: Uint8Array): Promise<string> => {
    const data = deflateRawSync(bytes, { level: 9 }).toString('base64url');
    let h = 0x811c9dc5;
    for (const c of data) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193);
    let rest = h >>> 0;
    let check = '';
    for (let i = 0; i < 6; i++, rest = Math.floor(rest / 62))
      check += '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[rest % 62];
    return `#v1.${data}${check}`;
  };
  const json = (x: unknown): Promise<string> => forged(Buffer.from(JSON.stringify(x)));

  test('the forger can make good ones', async () => {
    expect(await decodeLink(await json({ s: 'protocol p' }))).toEqual({ source: 'protocol p' });
  });
  test.each([
    ['a number', 7],
    ['nothing', null],
    ['a list', []],
    ['no source', { n: 'x' }],
    ['a source that is none', { s: 7 }],
    ['a run without a scenario', { s: '', r: [0, 'p', 0, 0], a: [[], []], d: '' }],
    ['a step behind the end', { s: '', n: '', r: [0, 'p', 0, 1], a: [[], []], d: '' }],
    ['an index of no name', { s: '', n: '', r: [0, 'p', 0, 1], a: [['a'], [1]], d: '0000' }],
    [
      'an index that is a word',
      { s: '', n: '', r: [0, 'p', 0, 1], a: [['a'], ['length']], d: '0000' },
    ],
    ['too few digests', { s: '', n: '', r: [0, 'p', 0, 1], a: [['a'], [0]], d: '' }],
    ['a digest that is none', { s: '', n: '', r: [0, 'p', 0, 1], a: [['a'], [0]], d: '<b>!' }],
    ['a negative check', { s: '', n: '', r: [-1, 'p', 0, 0], a: [[], []], d: '' }],
    ['a selection behind the end', { s: 'ab', c: [1, 3] }],
    ['a selection backwards', { s: 'ab', c: [2, 1] }],
  ])('%s', async (_, x) => {
    expect(await decodeLink(await json(x))).toEqual({
      damaged: 'this link is damaged: what it holds is no spec with its run',
    });
  });
  test('bytes that are no text', async () => {
    expect(await decodeLink(await forged(Uint8Array.of(0xff, 0xfe)))).toHaveProperty('damaged');
  });
  test('little that unpacks to very much', async () => {
    const bomb = await forged(Buffer.alloc(200_000_000));
    expect(bomb.length).toBeLessThan(500_000);
    expect(await decodeLink(bomb)).toEqual({
      damaged: 'this link unpacks to more than 4 MB, and is not read',
    });
  });
  test('a very long one', async () => {
    expect(await decodeLink(`#v1.${'A'.repeat(500_001)}`)).toHaveProperty('damaged');
  });
  test('another version', async () => {
    expect(await decodeLink('#v2.abc')).toEqual({
      damaged: 'this link is of version 2, and this is a Suture that reads version 1',
    });
  });
});

describe('the command', () => {
  const folder = new Folder();
  const spec = readFileSync(
    join(import.meta.dirname, '../../examples/overwrite-in-place.suture'),
    'utf8',
  );
  folder.write('spec.suture', spec);

  test('shares a text, and opens it', async () => {
    const made = await folder.run([
      'share',
      'spec.suture',
      '--base',
      'https://example.org/suture/',
    ]);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^https:\/\/example\.org\/suture\/#v1\.[\w-]+\n$/);
    const opened = await folder.run(['open', made.out.trim()]);
    expect(opened).toEqual({ code: 0, out: spec, err: '' });
  });
  test('shares a run, and follows it', async () => {
    const made = await folder.run(['share', 'spec.suture', '--scenario', 'byte by byte']);
    expect(made.err).toContain('with the run to torn_instruction (5 steps)');
    const opened = await folder.run(['open', made.out.trim(), '-o', 'again.suture']);
    expect(opened.code).toBe(0);
    expect(opened.out).toContain('torn_instruction');
    // It was written, and is not written over.
    const again = await folder.run(['open', made.out.trim(), '-o', 'again.suture']);
    expect(again.code).toBe(2);
    expect(again.err).toContain('there is such a file already');
  });
  test('says where a run that no longer fits diverges', async () => {
    const made = await folder.run(['share', 'spec.suture', '--scenario', 'byte by byte']);
    const held = (await decodeLink(made.out.trim())) as Shared;
    if (!held.run) throw new Error('the link has no run');
    const digests = [...held.run.digests];
    digests[2] = '0000';
    const other = await encodeLink({ ...held, run: { ...held.run, digests } });
    const opened = await folder.run(['open', `#${other}`]);
    expect(opened.code).toBe(1);
    expect(opened.out).toMatch(/^diverges at step 3: expected digest 0000, got [0-9a-f]{16} \(/);
  });
  test('names the runs that there are', async () => {
    const r = await folder.run([
      'share',
      'spec.suture',
      '--scenario',
      'byte by byte',
      '--finding',
      'x',
    ]);
    expect(r.code).toBe(2);
    expect(r.err).toContain('no run of "byte by byte" ends in x; there are: torn_instruction');
  });
  test('warns where a link is long', async () => {
    folder.write(
      'long.suture',
      `${spec}\n// ${Array.from({ length: 3000 }, (_, i) => ((i * 7919) % 9973).toString(36)).join(' ')}\n`,
    );
    const r = await folder.run(['share', 'long.suture']);
    expect(r.code).toBe(0);
    expect(r.err).toContain('rather send long.suture itself');
  });
  test('answers a damaged link', async () => {
    const r = await folder.run(['open', 'https://example.org/#v1.AAAA']);
    expect(r).toEqual({
      code: 2,
      out: '',
      err: 'suture: this link is damaged: a part of it is missing or was changed on its way\n',
    });
  });
});
