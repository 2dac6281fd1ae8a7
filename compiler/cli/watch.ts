// `suture verify --watch`: the verdicts on a screen that stands still, and after each save what changed is checked again.

import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { source } from '../../grammar/index.ts';
import type { Compiled, Scenario } from '../compile.ts';
import { fingerprint, Verdicts } from '../fingerprint.ts';
import { generated } from '../generator/engine.ts';
import { compile, Verification } from '../index.ts';
import { reductions } from '../reduction/reduced.ts';
import type { ScenarioResult } from '../verify.ts';
import { diagnose } from './diagnose.ts';
import { readInputs, UsageError } from './files.ts';
import { count, cut, grouped, type Terminal, terminal } from './terminal.ts';
import type { VerifyOptions } from './verify.ts';

/** States between two looks at the files and the keyboard. */
const slice = 4000;
/** Editors save in several steps; the last of them counts. */
const settled = 60;

/** A scenario's last verdict. */
interface Known {
  readonly result: ScenarioResult;
  /** The text that was searched; a later one that changes nothing of this scenario keeps its verdict. */
  readonly text: string;
}

interface Spec {
  readonly name: string;
  text: string | undefined;
  problem: string | undefined;
  compiled: Compiled | undefined;
  /** Of the last text without errors. */
  good: Compiled | undefined;
  readonly known: Verdicts<Known>;
}

export async function watch(names: readonly string[], options: VerifyOptions): Promise<number> {
  if (!process.stdout.isTTY)
    throw new UsageError('--watch needs a terminal; without one, `suture verify` checks once');
  const t = terminal(process.stdout, options.ascii === true);
  const watched = new Watched(names, options, t);
  return await watched.run();
}

class Watched {
  private readonly names: readonly string[];
  private readonly options: VerifyOptions;
  private readonly t: Terminal;
  private specs: Spec[] = [];
  private readonly folders = new Map<string, FSWatcher>();
  /** Counts the changes of the files. */
  private version = 0;
  /** The version that was read. */
  private seen = 0;
  private ended = false;
  private timer: NodeJS.Timeout | undefined;
  private wake: (() => void) | undefined;
  private running: { spec: Spec; scenario: Scenario; verification: Verification } | undefined;
  private drawn = 0;

  constructor(names: readonly string[], options: VerifyOptions, t: Terminal) {
    this.names = names;
    this.options = options;
    this.t = t;
  }

  async run(): Promise<number> {
    const end = (): void => {
      this.ended = true;
      this.wake?.();
    };
    const redraw = (): void => this.draw(true);
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
    process.stdout.on('resize', redraw);
    // The other screen: what stood on the terminal before comes back at the end.
    process.stdout.write('\x1b[?1049h\x1b[?25l');
    try {
      while (!this.ended) {
        await this.check();
        this.draw(true);
        if (this.ended) break;
        await new Promise<void>((resolve) => {
          this.wake = () => {
            if (this.ended || this.version !== this.seen) resolve();
          };
          this.wake();
        });
        this.wake = undefined;
      }
    } finally {
      process.stdout.write('\x1b[?25h\x1b[?1049l');
      clearTimeout(this.timer);
      for (const w of this.folders.values()) w.close();
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      process.stdout.off('resize', redraw);
    }
    return 0;
  }

  /** Looks at the files again; what cannot be read keeps its verdicts and says so. */
  private read(): void {
    const inputs = readInputs(this.names, true);
    this.specs = inputs.map((input) => {
      const spec: Spec = this.specs.find((s) => s.name === input.name) ?? {
        name: input.name,
        text: undefined,
        problem: undefined,
        compiled: undefined,
        good: undefined,
        known: new Verdicts(),
      };
      spec.problem = input.problem;
      if (input.text !== undefined && input.text !== spec.text) {
        spec.text = input.text;
        spec.compiled = compile(input.text);
        if (!erroneous(spec.compiled)) spec.good = spec.compiled;
      }
      return spec;
    });
    for (const folder of new Set([...this.names, ...inputs.map((i) => i.name)].map(dirname)))
      if (!this.folders.has(folder)) this.listen(folder);
    for (const name of this.names) if (!this.folders.has(name)) this.listen(name);
  }

  /** To a folder: an editor that saves by renaming leaves the file itself behind. */
  private listen(folder: string): void {
    try {
      const watcher = watchFolder(folder, { persistent: true }, () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
          this.version++;
          this.wake?.();
        }, settled);
      });
      watcher.on('error', () => {});
      this.folders.set(folder, watcher);
    } catch {
      // No folder: the one that it stands in is listened to.
    }
  }

  /** Searches what has no verdict for what it says now, until nothing is left. */
  private async check(): Promise<void> {
    for (let again = true; again && !this.ended; ) {
      this.look();
      const { seen } = this;
      again = false;
      for (const spec of this.specs) {
        if (!spec.compiled || erroneous(spec.compiled)) continue;
        for (const scenario of this.wanted(spec.compiled)) {
          await this.search(spec, spec.compiled, scenario);
          // A search looks at the files, too, and what it then saw may stand before it.
          again = this.version !== seen;
          if (again || this.ended) break;
        }
        if (again || this.ended) break;
      }
    }
  }

  private look(): void {
    this.seen = this.version;
    this.read();
    this.draw(true);
  }

  private wanted(compiled: Compiled): readonly Scenario[] {
    return compiled.scenarios.filter(
      (s) => !this.options.scenario || this.options.scenario.includes(s.name),
    );
  }

  private async search(spec: Spec, compiled: Compiled, scenario: Scenario): Promise<void> {
    const standing = spec.known.standing(compiled, scenario);
    if (standing) {
      spec.known.keep(compiled, scenario, standing);
      return;
    }
    const print = fingerprint(compiled, scenario);
    const { maxStates, maxMemory } = this.options;
    const verification = new Verification(
      compiled,
      scenario,
      {
        maxStates,
        maxMemory: maxMemory * (1 << 20),
      },
      { searching: generated, reducing: this.options.full ? undefined : reductions },
    );
    this.running = { spec, scenario, verification };
    let version = this.seen;
    for (let done = false; !done && !this.ended; ) {
      if (this.version !== version) {
        version = this.version;
        this.look();
        // What others say now, or another file, is no reason to begin anew.
        if (!this.says(spec, scenario.name, print)) break;
      }
      done = verification.advance(slice).done;
      if (done)
        spec.known.keep(compiled, scenario, {
          result: verification.result(),
          text: compiled.text,
        });
      this.draw(done);
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.running = undefined;
  }

  private says(spec: Spec, name: string, print: string): boolean {
    const now = this.specs.find((s) => s.name === spec.name)?.compiled;
    const scenario = now?.scenarios.find((s) => s.name === name);
    return now !== undefined && scenario !== undefined && fingerprint(now, scenario) === print;
  }

  // ---- the screen

  /** Every line in its place; at most ten times a second where nothing but figures changes. */
  private draw(now: boolean): void {
    const time = performance.now();
    if (this.ended || (!now && time - this.drawn < 100)) return;
    this.drawn = time;
    const rows = process.stdout.rows ?? 24;
    const columns = process.stdout.columns ?? 80;
    const lines = this.lines(columns);
    // A message may be longer than a row; where more rows are written than there are, the screen scrolls.
    const heights = lines.map((l) =>
      Math.max(1, Math.ceil(stripVTControlCharacters(l).length / columns)),
    );
    const fits = (room: number): number => {
      let taken = 0;
      const over = heights.findIndex((h) => {
        taken += h;
        return taken > room;
      });
      return over < 0 ? lines.length : over;
    };
    const whole = fits(rows - 1) === lines.length;
    const kept = fits(rows - 2);
    const shown = whole ? lines : [...lines.slice(0, kept), `… ${lines.length - kept} more lines`];
    process.stdout.write(`\x1b[H${shown.map((l) => `${l}\x1b[K`).join('\n')}\x1b[J`);
  }

  private lines(columns: number): string[] {
    const { t } = this;
    const out: string[] = [];
    let all = 0;
    let well = 0;
    for (const spec of this.specs) {
      const head = spec.good?.file?.name.text ?? '';
      out.push(`${t.paint('bold', head)}${head === '' ? '' : '  '}${t.paint('dim', spec.name)}`);
      if (spec.problem !== undefined) out.push(`  ${t.paint('red', spec.problem)}`);
      const wrong = spec.compiled !== undefined && erroneous(spec.compiled);
      if (spec.compiled && spec.text !== undefined) {
        const text = source(spec.text, spec.name);
        for (const d of spec.compiled.diagnostics.slice(0, 3))
          out.push(...diagnose(text, d, t).trimEnd().split('\n'));
      }
      if (!spec.good) continue;
      for (const scenario of this.wanted(spec.good)) {
        all++;
        const known = spec.known.last(scenario.name);
        const current = !wrong && known === spec.known.standing(spec.good, scenario);
        if (current && known?.result.asExpected) well++;
        out.push(this.row(spec, scenario, known, current, columns));
      }
      out.push('');
    }
    out.push(
      t.paint('dim', `${well} of ${count(all, 'scenario')} as expected; watching, Ctrl-C ends`),
    );
    return out;
  }

  private row(
    spec: Spec,
    scenario: Scenario,
    known: Known | undefined,
    current: boolean,
    columns: number,
  ): string {
    const { t } = this;
    const name = scenario.name;
    const { running } = this;
    if (running?.spec === spec && running.scenario.name === name) {
      const p = running.verification.progress();
      return t.paint(
        'blue',
        cut(`~ searching   ${name}: ${grouped(p.states)} states, depth ${p.depth}`, columns),
      );
    }
    if (!known) return t.paint('dim', cut(`o not checked ${name}`, columns));
    const { result } = known;
    const states = grouped(result.checks.reduce((n, c) => n + c.result.states, 0));
    const said = `${name}: ${states} states${result.asExpected ? '' : `; ${result.finding ?? 'not as expected'}`}`;
    // An old verdict is never shown as if it were one of the text that stands there now.
    if (!current)
      return t.paint('dim', cut(`? outdated    ${said}, was ${result.verdict}`, columns));
    const mark = result.asExpected ? '✓' : result.incomplete ? '…' : '✗';
    const colour = result.asExpected ? 'green' : result.incomplete ? 'yellow' : 'red';
    const kept = known.text === spec.text ? '' : ', kept';
    return t.paint(
      colour,
      t.plain(cut(`${mark} ${result.verdict.padEnd(11)} ${said}${kept}`, columns)),
    );
  }
}

const erroneous = (compiled: Compiled): boolean =>
  compiled.diagnostics.some((d) => d.severity === 'error');
