// Quiet runs of steps that read well as one row: never an event, and never a step that a violation rests on.

import type { Arrow, Fold, Standing, ToldStep } from './telling.ts';

export interface Told {
  readonly steps: readonly ToldStep[];
  readonly states: readonly Standing[];
  readonly arrows: readonly Arrow[];
  /** Indices of commits that are part of a build, and of IRETs that are part of a sync. */
  readonly builds: ReadonlySet<number>;
  readonly returns: ReadonlySet<number>;
  /** The trace's own texts of the steps. */
  readonly said: readonly string[];
}

export const foldsOf = (told: Told): readonly Fold[] => new Folds(told).all();

class Folds {
  readonly #told: Told;
  constructor(told: Told) {
    this.#told = told;
  }

  all(): readonly Fold[] {
    const out: Fold[] = [];
    const quiet = (i: number): boolean => {
      const s = this.#told.steps[i];
      return s !== undefined && !s.matters;
    };
    for (let i = 0; i < this.#told.steps.length; ) {
      const fold = quiet(i) ? this.#foldFrom(i, quiet) : undefined;
      if (fold) out.push(fold);
      i = fold ? fold.to : i + 1;
    }
    return out;
  }

  #foldFrom(i: number, quiet: (i: number) => boolean): Fold | undefined {
    const { steps } = this.#told;
    const first = steps[i] as ToldStep;
    /** The end of the steps from `first` on that go on as it does. */
    const run = (goesOn: (s: ToldStep, k: number) => boolean): number => {
      let end = i + 1;
      while (quiet(end) && goesOn(steps[end] as ToldStep, end)) end++;
      return end;
    };
    const made = (
      kind: Fold['kind'],
      end: number,
      text: string,
      detail: string,
      others: Fold['others'] = [],
    ): Fold => ({ from: i + 1, to: end, kind, cpu: first.cpu, text, detail, others });
    const stub = (s: ToldStep, k: number): boolean =>
      s.mark === 'build' || (s.mark === 'commit' && this.#told.builds.has(k));
    if (stub(first, i)) {
      const end = run((s, k) => s.cpu === first.cpu && stub(s, k));
      const part = steps.slice(i, end);
      const names = [...new Set(part.flatMap((s) => /`([^`[]+)\[/.exec(s.text)?.[1] ?? []))];
      const builds = part.filter((s) => s.mark === 'build').length;
      const stores = `${part.length - builds} bytes reach memory`;
      if (part.length < 2) return undefined;
      return builds > 0
        ? made('build', end, `build \`${names.join(', ')}\``, `${builds} stores`)
        : made('build', end, `\`${names.join(', ')}\``, stores);
    }
    if (first.mark === 'poke') {
      const end = run((s) => s.cpu === first.cpu && s.mark === 'commit');
      const parts = steps
        .slice(i + 1, end)
        .flatMap((s) => (s.detail.includes('→') ? s.detail : []));
      if (parts.length === 0) return undefined;
      return made('poke', end, first.text, changes(parts));
    }
    const plumbing = (s: ToldStep, k: number): boolean =>
      ['send', 'ipi', 'serialise', 'acknowledge', 'acknowledged'].includes(s.mark) ||
      (s.mark === 'iret' && this.#told.returns.has(k));
    if (first.mark === 'send') {
      const end = run((s, k) => s.mark !== 'send' && plumbing(s, k));
      const sent = this.#told.arrows.filter((a) => a.kind === 'ipi' && a.step === i + 1);
      // An IPI that is taken later is a tale of its own.
      if (end - i < 2 || sent.some((a) => (a.taken ?? Infinity) > end)) return undefined;
      const part = steps.slice(i + 1, end);
      const others = [...new Set(part.map((s) => s.cpu))]
        .filter((cpu) => cpu !== first.cpu)
        .map((cpu) => ({
          cpu,
          text: part
            .filter((s) => s.cpu === cpu)
            .map((s) => (s.mark === 'ipi' ? (s.text === 'IPI taken' ? 'IPI' : 'NMI') : s.text))
            .join(', '),
        }));
      const whole = part.some((s) => s.mark === 'acknowledged');
      return made('sync', end, whole ? (this.#told.said[i] as string) : first.text, '', others);
    }
    const calm = (s: ToldStep, k: number): boolean =>
      s.mark === 'instruction' && s.cpu === first.cpu && !this.#told.states[k]?.cpus[s.cpu]?.stub;
    if (!calm(first, i)) return undefined;
    const end = run(calm);
    if (end - i < 3) return undefined;
    return made(
      'code',
      end,
      steps
        .slice(i, end)
        .map((s) => s.text)
        .join('; ')
        .replaceAll('`; `', '; '),
      '',
    );
  }
}

/** `e8 → cc`; of several bytes what they become. */
function changes(details: readonly string[]): string {
  if (details.length === 1) return details[0] as string;
  return details.map((d) => d.split(' → ')[1] ?? d).join(' ');
}
