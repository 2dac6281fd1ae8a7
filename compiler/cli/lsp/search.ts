// A verification in a thread of its own, so that typing is never held up: the end that asks, and the one that searches.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Fix } from '../../../grammar/index.ts';
import { generated } from '../../generator/engine.ts';
import { compile, type FileReport, fileReport, Verification } from '../../index.ts';
import { reductions } from '../../reduction/reduced.ts';
import { mending, mendingFixes } from '../../service/index.ts';
import type { ScenarioResult } from '../../verify.ts';

export interface Order {
  readonly text: string;
  /** What the report calls it. */
  readonly file: string;
  /** All of them where none is named. */
  readonly scenario?: string;
  readonly maxStates?: number;
  readonly maxBytes: number;
}

export interface Step {
  readonly scenario: string;
  /** Scenarios that are done, and how many there are. */
  readonly done: number;
  readonly of: number;
  readonly states: number;
  readonly depth: number;
}

export interface Searched {
  readonly report: FileReport;
  /** By the name of a scenario that is violated though it should hold: what mends it. */
  readonly fixes: ReadonlyMap<string, readonly Fix[]>;
}

type Message =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'searched'; readonly searched: Searched };

/** Ends early when `stop` does; then what was not searched to its end is unfinished. */
export function search(
  order: Order,
  stop: AbortSignal,
  onStep: (step: Step) => void,
): Promise<Searched> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: { order } });
    const end = (): void => thread.postMessage('stop');
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
    thread.on('message', (m: Message) => {
      if (m.kind === 'step') onStep(m.step);
      else resolve(m.searched);
    });
    thread.on('error', reject);
    thread.on('exit', () => {
      stop.removeEventListener('abort', end);
      reject(new Error('the search has ended without a result'));
    });
  });
}

/** States between two looks at what was asked meanwhile. */
const slice = 4000;
/** States that the search for what mends a scenario may look at: an offer is worth seconds, no minutes. */
const mostForFixes = 2_000_000;

async function work(order: Order, send: (m: Message) => void, stopped: () => boolean) {
  const compiled = compile(order.text);
  const wanted = compiled.scenarios.filter(
    (s) => order.scenario === undefined || s.name === order.scenario,
  );
  const fixes = new Map<string, readonly Fix[]>();
  const results: { result: ScenarioResult; seconds: number[] }[] = [];
  for (const scenario of wanted) {
    const verification = new Verification(
      compiled,
      scenario,
      {
        maxMemory: order.maxBytes,
        ...(order.maxStates === undefined ? {} : { maxStates: order.maxStates }),
      },
      { searching: generated, reducing: reductions },
    );
    const seconds = scenario.checks.map(() => 0);
    for (let done = false; !done; ) {
      const started = performance.now();
      const { check, states, depth } = verification.progress();
      if (stopped()) verification.stop('interrupted');
      done = stopped() || verification.advance(slice).done;
      seconds[check] = (seconds[check] ?? 0) + (performance.now() - started) / 1000;
      const step = { scenario: scenario.name, done: results.length, of: wanted.length };
      send({ kind: 'step', step: { ...step, states, depth } });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const result = verification.result();
    results.push({ result, seconds });
    if (scenario.expected.kind !== 'holds' || result.verdict !== 'violated') continue;
    const bounds = { maxMemory: order.maxBytes };
    const how = { searching: generated, reducing: reductions };
    const search = mending(compiled, scenario, bounds, how);
    for (let done = false; !done; ) {
      if (stopped()) search.stop('interrupted');
      else if (search.progress().states > mostForFixes) search.stop('states');
      done = search.advance(slice).done;
      await new Promise((resolve) => setImmediate(resolve));
    }
    fixes.set(scenario.name, mendingFixes(compiled, search));
  }
  const report = fileReport(order.file, compiled, results);
  send({ kind: 'searched', searched: { report, fixes } });
}

const { order } = (workerData ?? {}) as { readonly order?: Order };
if (!isMainThread && parentPort && order) {
  const port = parentPort;
  let stop = false;
  port.on('message', () => {
    stop = true;
  });
  await work(
    order,
    (m) => port.postMessage(m),
    () => stop,
  );
  port.close();
}
