// The JSON documents against their schemas, replayed runs, and emitted bytes against those of runs.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { compile, createMachine, programOf, viewsOf } from '../../compiler/index.ts';
import type { Document, ViolationReport } from '../../compiler/report.ts';
import { example, Folder, guarded, spec, withoutSync } from './command.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const folder = new Folder();
afterAll(() => folder.remove());
const schema = (name: string): object =>
  JSON.parse(
    readFileSync(resolve(import.meta.dirname, '../../compiler/schema', name), 'utf8'),
  ) as object;
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
const isVerify = ajv.compile(schema('verify.schema.json'));
const isEmit = ajv.compile(schema('emit.schema.json'));
const isMend = ajv.compile(schema('mend.schema.json'));
const isMinimize = ajv.compile(schema('minimize.schema.json'));

const small = folder.write(
  'small.suture',
  spec(
    withoutSync,
    'scenario "no sync" {} expect violates torn_instruction\nscenario "rsp" { rsp 0 | 8 } expect violates torn_instruction',
  ),
);
const holds = folder.write('holds.suture', spec(guarded, 'scenario "all" {} expect holds'));
const stuck = folder.write(
  'stuck.suture',
  spec(`${guarded}\n  while 1 == 1 { fence }`, 'scenario "for ever" {} expect violates terminates'),
);
folder.write('bad.suture', spec(guarded.replace('place[1..]', 'plcae[1..]'), ''));

async function document(...args: string[]): Promise<Document> {
  const r = await folder.run(['verify', ...args, '--json']);
  const value = JSON.parse(r.out) as Document;
  expect(isVerify(value), JSON.stringify(isVerify.errors)).toBe(true);
  return value;
}
let runs: Document;
beforeAll(async () => {
  runs = await document(small, stuck);
  folder.write('runs.json', JSON.stringify(runs));
});
const firstRun = (d: Document): ViolationReport =>
  d.files[0]?.scenarios[0]?.violations[0] as ViolationReport;

describe('the verify document', () => {
  test('a spec that holds, one with mistakes, and a bound', async () => {
    const [good, bad] = (await document(holds, 'bad.suture')).files;
    expect(good?.scenarios[0]).toMatchObject({
      verdict: 'holds',
      asExpected: true,
      bound: null,
      violations: [],
    });
    expect(good?.scenarios[0]?.witnesses).toEqual([
      { name: 'trap at place', check: 0, reached: true },
    ]);
    expect(bad?.diagnostics[0]).toMatchObject({
      severity: 'error',
      span: { line: 18, column: 8, endLine: 18, endColumn: 13 },
      fix: { edits: [{ text: 'place' }] },
    });
    const cut = (await document(holds, '--max-states', '100')).files[0]?.scenarios[0];
    expect(cut).toMatchObject({ verdict: 'unfinished', bound: 'states', asExpected: false });
    const none = (await document(holds, '--timeout', '0.000001')).files[0]?.scenarios[0];
    expect(none).toMatchObject({ verdict: 'unfinished', bound: 'time' });
  });
  test('a violation explains itself', () => {
    const v = firstRun(runs);
    expect(v.property).toBe('torn_instruction');
    expect(v.trace.steps).toHaveLength(v.trace.schedule.length);
    expect(v.why.at(-1)).toEqual({ step: v.trace.steps.length, text: v.message });
    for (const s of v.trace.steps.flatMap((x) => x.causes))
      expect(s).toBeLessThanOrEqual(v.trace.steps.length);
  });
  test('figures of a scenario are sums of its checks, the depth the largest', () => {
    const s = runs.files[0]?.scenarios[1];
    expect(s?.checks.map((c) => c.values)).toHaveLength(2);
    const sum = (of: (c: (typeof checks)[number]) => number) =>
      checks.reduce((n, c) => n + of(c), 0);
    const checks = s?.checks ?? [];
    expect(s?.states).toBe(sum((c) => c.states));
    expect(s?.transitions).toBe(sum((c) => c.transitions));
    expect(s?.depth).toBe(Math.max(...checks.map((c) => c.depth)));
    expect(new Set(s?.violations.map((v) => v.check))).toEqual(new Set([0, 1]));
  });
  test('it is the same twice, but for the clock', async () => {
    const timeless = (d: Document) =>
      JSON.stringify(d, (key, value) => (key === 'seconds' ? 0 : value));
    expect(timeless(await document(small, stuck))).toBe(timeless(runs));
  });
});

describe('the minimize document', () => {
  const minimize = (...args: string[]) => folder.run(['minimize', ...args]);
  test('sets, runs, and the same again', async () => {
    const r = await minimize(holds, '--json');
    const value = JSON.parse(r.out);
    expect(isMinimize(value), JSON.stringify(isMinimize.errors)).toBe(true);
    const [all] = value.scenarios;
    expect(all).toMatchObject({ name: 'all', asWritten: 'keeps', unfinished: 0, bound: null });
    const needed = all.pieces.filter((p: { needed: string }) => p.needed === 'always');
    expect(needed.length).toBeGreaterThan(0);
    for (const p of needed) expect(p.without.run.trace.schedule.length).toBeGreaterThan(0);
    expect(r.code).toBe(0);
  });
  test('a shorter spec, where it is plain which', async () => {
    const scenario = 'scenario "all" {} expect holds';
    const more = folder.write('more.suture', spec(`${guarded}\n  fence`, scenario));
    const r = await minimize(more, '--apply', '--json');
    const value = JSON.parse(r.out);
    expect(isMinimize(value), JSON.stringify(isMinimize.errors)).toBe(true);
    expect(value.applied).toMatchObject({ written: 0, refused: null });
    expect(r.code).toBe(0);
    const after = readFileSync(join(folder.path, more), 'utf8');
    expect(after).toBe(value.applied.sets[0].text);
    expect(after).not.toContain('fence');
    expect((await folder.run(['verify', more, '--quiet'])).code).toBe(0);
    // Once more there is nothing to do.
    expect((await minimize(more, '--apply')).out).toContain('more.suture stays as it is');
    const piped = await folder.run(['minimize', '-', '--apply'], { input: after });
    expect(piped.out).toBe(after);
  });
  test('several sets, and which one', async () => {
    const body = guarded.replace('= int3\n', '= int3\n  sync threads\n');
    const text = spec(body, 'scenario "all" {} expect holds');
    const two = folder.write('two.suture', text);
    const r = await minimize(two, '--apply');
    expect(r.err).toContain('minimal sets; --set N says which');
    expect(r.code).toBe(1);
    expect(readFileSync(join(folder.path, two), 'utf8')).toBe(text);
    const second = await minimize(two, '--apply', '--set', '2');
    expect(second.out).toContain('wrote two.suture');
    expect(readFileSync(join(folder.path, two), 'utf8')).not.toContain('sync threads');
    expect((await minimize(two, '--apply', '--set', '7')).err).toContain('there is no set 7');
  });
  test('what is not as it is written, and what is unfinished', async () => {
    const wrong = folder.write(
      'wrong.suture',
      spec(withoutSync, 'scenario "no sync" {} expect holds'),
    );
    const r = await minimize(wrong, '--json');
    const value = JSON.parse(r.out);
    expect(isMinimize(value), JSON.stringify(isMinimize.errors)).toBe(true);
    expect(value.scenarios[0]).toMatchObject({ asWritten: 'breaks', because: 'torn_instruction' });
    expect(r.code).toBe(1);
    const cut = await minimize(holds, '--max-states', '50', '--json');
    expect(JSON.parse(cut.out).scenarios[0]).toMatchObject({
      asWritten: 'unfinished',
      bound: 'states',
      sets: [],
    });
    expect(cut.code).toBe(3);
  });
});

describe('the document of what mends', () => {
  const mend = (...args: string[]) => folder.run(['minimize', '--mend', ...args]);
  const broken = folder.write('broken.suture', spec(withoutSync, 'scenario "all" {} expect holds'));
  test('the sync that is missing, and the text with it', async () => {
    const r = await mend(broken, '--json');
    const value = JSON.parse(r.out);
    expect(isMend(value), JSON.stringify(isMend.errors)).toBe(true);
    const [all] = value.scenarios;
    expect(all).toMatchObject({ asWritten: 'violated', size: 1, bound: null, unfinished: 0 });
    expect(all.mends[0].additions[0]).toMatchObject({ kind: 'sync' });
    expect(r.code).toBe(0);
    const several = await mend(broken, '--apply');
    if (all.mends.length > 1) expect(several.err).toContain('--set N says which');
    const written = await mend(broken, '--apply', '--set', '1');
    expect(written.out).toContain('wrote broken.suture');
    expect(readFileSync(join(folder.path, broken), 'utf8')).toBe(all.mends[0].text);
    expect((await folder.run(['verify', broken, '--quiet'])).code).toBe(0);
    const again = await mend(broken);
    expect(again.out).toContain('nothing to mend');
    expect(again.code).toBe(0);
  });
});

describe('replay', () => {
  const replay = (...args: string[]) => folder.run(['replay', ...args]);
  const save = (name: string, change: (v: ViolationReport) => unknown): string =>
    folder.write(name, JSON.stringify(change(structuredClone(firstRun(runs)))));

  test('every run of a document agrees', async () => {
    const r = await replay('runs.json', '--quiet');
    expect(r.out).toMatch(/small\.suture, "no sync", torn_instruction: replayed, \d+ steps/);
    expect(r.out).toContain('stuck.suture, "for ever", terminates: replayed');
    expect(r.code).toBe(0);
  });
  test('one run with its table', async () => {
    const r = await replay('runs.json', '--property', 'torn_instruction', '--scenario', 'no sync');
    expect(r.code).toBe(0);
    expect(r.out).toMatch(/fetch torn/);
  });
  test('one violation with its spec', async () => {
    const one = save('one.json', (v) => v);
    expect((await replay(one, small, '--quiet')).code).toBe(0);
    const alone = await replay(one);
    expect(alone.code).toBe(2);
    expect(alone.err).toContain('name it');
  });
  test('a digest that was tampered with', async () => {
    const at = 4;
    const one = save('digest.json', (v) => {
      (v.trace.steps[at] as { digest: string }).digest = '0000000000000000';
      return v;
    });
    const r = await replay(one, small);
    expect(r.code).toBe(1);
    expect(r.out).toMatch(/diverges at step 5: expected digest 0000000000000000, got [0-9a-f]{16}/);
  });
  test('a spec that has changed', async () => {
    const r = await replay('runs.json', holds, '--quiet');
    expect(r.code).toBe(2);
    const other = folder.write('other.suture', spec(guarded, 'scenario "no sync" {} expect holds'));
    const one = save('one.json', (v) => v);
    const changed = await replay(one, other);
    expect(changed.code).toBe(1);
    expect(changed.out).toMatch(/diverges at step \d+: expected /);
  });
  test('a step that is not possible', async () => {
    const one = save('name.json', (v) => {
      (v.trace.schedule as string[])[0] = 'cpu7 step';
      return v;
    });
    const r = await replay(one, small);
    expect(r.code).toBe(1);
    expect(r.out).toContain('diverges at step 1: expected cpu7 step, got one of cpu0 step');
  });
  test('a run that ends otherwise than it says', async () => {
    const one = save('property.json', (v) => ({ ...v, property: 'stale_stub' }));
    const r = await replay(one, small);
    expect(r.code).toBe(1);
    expect(r.out).toContain('expected stale_stub, got torn_instruction');
  });
  test('another version is said', async () => {
    folder.write('old.json', JSON.stringify({ ...runs, machineVersion: '0.0' }));
    const r = await replay('old.json', '--quiet');
    expect(r.code).toBe(0);
    expect(r.err).toContain('of machine model 0.0, and this is');
  });
  test.each([
    ['{', 'this is no JSON'],
    ['[]', 'the document is not an object'],
    ['{"files": 3}', 'files is not a list'],
    ['{"files": [{"scenarios": [{"violations": [{}]}]}]}', 'is not'],
    ['{"property": "x"}', 'is not an object'],
    ['{"files": []}', 'nothing was violated'],
  ])('damaged: %s', async (text, message) => {
    folder.write('damaged.json', text);
    const r = await replay('damaged.json', small);
    expect(r.code).toBe(2);
    expect(r.err).toContain(message);
    expect(r.err).not.toContain('bug');
  });
});

describe('emit', () => {
  const two = example('two-stubs');
  const emit = (...args: string[]) => folder.run(['emit', two, ...args]);

  test('the stub of a run: the same bytes in the run, the listing and simulated memory', async () => {
    const r = await emit('--format', 'json');
    const items = JSON.parse(r.out) as {
      items: {
        name: string;
        address: string;
        bytes: string;
        listing: { offset: number; bytes: string; text: string }[];
      }[];
    };
    expect(isEmit(items), JSON.stringify(isEmit.errors)).toBe(true);
    const stub = items.items.find((i) => i.name === 'irqs');
    const traced = await document(two, '--scenario', 'a shadow stack');
    const steps = firstRun(traced).trace.steps;
    let compared = 0;
    for (const row of stub?.listing ?? []) {
      const address = `0x${(BigInt(stub?.address ?? 0) + BigInt(row.offset)).toString(16)}`;
      const step = steps.find((s) => s.address === address);
      expect(step?.bytes).toBe(row.bytes);
      compared++;
    }
    expect(compared).toBe(3);
    // Played by hand up to the last step: what memory holds of the stub then.
    const compiled = compile(readFileSync(two, 'utf8'));
    const scenario = compiled.scenarios.find((s) => s.name === 'a shadow stack');
    const check = scenario?.checks[0];
    if (!check) throw new Error('the example has lost its scenario');
    const machine = createMachine(programOf(compiled, check).program);
    const state = (machine.initial()[0] as Int32Array).slice();
    const actions = new Int32Array(256);
    for (const step of steps.slice(0, -1)) {
      const n = machine.enabled(state, actions);
      const action = actions
        .subarray(0, n)
        .find((a) => machine.actionName(state, a) === step.action);
      machine.apply(state, action as number);
    }
    const memory = viewsOf(machine, state).find((v) => v.name === 'irqs')?.memory ?? [];
    expect(Buffer.from(memory).toString('hex')).toBe(stub?.bytes);
  });
  test('listing, hex, assembly in both syntaxes, bytes', async () => {
    expect((await emit()).out).toContain('irqs: stub, 11 bytes at 0xffffffffa1010140');
    expect((await emit('--format', 'hex')).out).toContain(
      '0xffffffffa1010140 68c2222283fbe9f50f10e1 irqs',
    );
    expect((await emit('--format', 'asm')).out).toContain('.intel_syntax noprefix');
    expect((await emit('--format', 'asm', '--syntax', 'att')).out).toContain('pushq $0x');
    expect((await emit('--format', 'bin', '-o', 'out.bin')).code).toBe(0);
    const bytes = readFileSync(join(folder.path, 'out.bin'));
    expect(bytes.subarray(-11).toString('hex')).toBe('68c2222283fbe9f50f10e1');
  });

  test('writes a model for Spin of the check that is asked for', async () => {
    const first = await emit('--format', 'promela', '--scenario', 'IRQs on or off');
    expect(first.code).toBe(0);
    expect(first.out).toContain('scenario "IRQs on or off"');
    expect(first.out).toContain('with masked = on');
    expect(first.out).toContain('active [2] proctype cpu()');
    // Each statement of the patcher and each instruction is named where its step is.
    for (const name of ['sync cores', 'step at place: call one', 'ipi', 'commit'])
      expect(first.out).toContain(`/* ${name} */`);
    const second = await emit(
      '--format',
      'promela',
      '--scenario',
      'IRQs on or off',
      '--check',
      '2',
    );
    expect(second.out).toContain('with masked = off');
    const third = await emit('--format', 'promela', '--scenario', 'IRQs on or off', '--check', '3');
    expect(third.code).toBe(2);
    expect(third.err).toContain('has 2 checks, and --check 3 is none');
  });

  test('says which scenarios have no model', async () => {
    const place = resolve(import.meta.dirname, '../../examples/overwrite-in-place.suture');
    const r = await folder.run([
      'emit',
      place,
      '--format',
      'promela',
      '--scenario',
      'no sync behind it',
    ]);
    expect(r.code).toBe(1);
    expect(r.out).toBe('');
    expect(r.err).toBe(
      'suture: this scenario cannot be had as Promela: the fetch model amd orders what is seen: it keeps a log of commits\n',
    );
  });
  test('elsewhere: in reach as verified, beyond by longer forms', async () => {
    const near = await emit('--at', '0xffffffff81000100');
    expect(near.out).toContain('irqs: stub, 11 bytes at 0xffffffff8100010a');
    expect(near.err).toBe('');
    const far = await emit('--at', '0x7f0000000000');
    expect(far.out).toContain('ff 25 00 00 00 00 40 11 11 82 ff ff ff ff');
    expect(far.err).toContain('longer forms');
    expect(far.code).toBe(0);
    expect((await emit('--at', '0x8000000000000000')).code).toBe(2);
  });
  test('what never reaches is a diagnostic', async () => {
    const jne = folder.write(
      'jne.suture',
      spec(guarded, '').replace('jmp target }', 'jne target; jmp target }'),
    );
    const r = await folder.run(['emit', jne, '--at', '0x7f0000000000']);
    expect(r.code).toBe(1);
    expect(r.err).toMatch(/jne\.suture:\d+:\d+: error\[insn-range\]/);
  });
  test('a file that cannot be written', async () => {
    const r = await emit('-o', 'no/such/folder/x');
    expect(r.code).toBe(2);
  });
});
