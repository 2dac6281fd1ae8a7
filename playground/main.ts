// The page: holds what is open, hands what the worker says to the views, and what the user wants to the worker.

import './style.css';
import type { FileReport } from '../compiler/index.ts';
import type { Shared } from '../compiler/share.ts';
import type { Diagnostic } from '../grammar/index.ts';
import { type Beginning, beginning, ofExample } from './beginning.ts';
import { Board, type Entry, isStale, signOf, told } from './board.ts';
import { createBytesView } from './bytes/view.ts';
import { fillChoices } from './choices.ts';
import { bounds, Client } from './client.ts';
import type { Editor, EditorEvents } from './editor/editor.ts';
import { editorButton, exchangeable, fullEditor } from './editor/exchange.ts';
import { PlainEditor } from './editor/plain.ts';
import { colours } from './editor/words.ts';
import { counted, element, part, sentence as sentenceOf } from './elements.ts';
import { fillFacts } from './facts.ts';
import { fillGallery, fillShortGallery, type GalleryEvents } from './gallery.ts';
import { chevron, helpSign, type Standing, standingSign, themeSign } from './icons.ts';
import { keep } from './kept.ts';
import { fillKeys, typing } from './keys.ts';
import { applyLook, chooseLook, chosenLook, followSystem, looks } from './looks.ts';
import { fillProblems } from './problems.ts';
import type { BytesView, Run, RunView } from './protocol.ts';
import { createRunView } from './run/view.ts';
import { sentence } from './run/words.ts';
import { saveButton } from './save.ts';
import { shareButton } from './share.ts';
import { fillStatus } from './status.ts';
import { Strip } from './strip.ts';
import { mayTour, tour } from './tour.ts';

/** Milliseconds between two keys of which the first is not worth reading the text; one that stands by itself is read at once. */
const pause = 60;

class Page {
  private readonly client: Client;
  private editor: Editor;
  private readonly strip: Strip;
  private readonly runView: RunView;
  private readonly bytesView: BytesView;
  private readonly board = new Board();
  private readonly runPane = part('run');
  private readonly bytesPane = part('bytes');
  private readonly session = crypto.randomUUID();

  private diagnostics: readonly Diagnostic[] = [];
  private protocol: string | undefined;
  private origin: string | undefined;
  /** What a report calls the text. */
  private name = '-';
  /** The scenario that is looked at; by name, for its place may change. */
  private selected: string | undefined;
  private run: Run | undefined;
  private step = 0;
  /** One sentence in the run's title row. */
  private notice: string | undefined;
  /** What a link wants to be shown, until its text is read. */
  private shared: Shared | undefined;
  /** Counts the texts that were read: an answer about an older one is dropped. */
  private texts = 0;
  /** Whether the text is checked once it is read. */
  private wanted = false;
  /** Whether that was asked for, and not only typed: then nothing is kept. */
  private anew = false;
  /** Whether it was, or is being, checked. */
  private checked = false;
  private telling = false;
  /** Of the text as it stands, once every scenario has its verdict. */
  private report: FileReport | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** When the text was last changed, and whether it is about to be read without a pause. */
  private touched = Number.NEGATIVE_INFINITY;
  private soon = false;
  /** The run whose choices are shown. */
  private asked: Run | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.client = new Client({
      opened: (a) => this.opened(a),
      running: (a) => {
        const entry = this.board.entries[a.scenario];
        if (!entry) return;
        // What ran before it waits.
        for (const e of this.board.entries)
          if (signOf(e) === 'running') e.standing = e.outcome ? 'outdated' : 'idle';
        entry.standing = 'running';
        entry.progress = a.progress;
        this.showStrip();
        if (!this.run) this.showTitle();
      },
      done: (a) => this.done(a),
      finished: (a) => {
        this.report = a.report;
        this.showStrip();
      },
      restarted: (message) => this.restarted(message),
    });
    const plain = new PlainEditor(this.editorEvents);
    this.editor = plain;
    part('editor').append(plain.element);
    exchangeable(() => void this.exchange(plain));
    this.strip = new Strip(part('strip'), {
      select: (i) => this.select(this.board.entries[i]?.head.name),
      stop: () => this.client.stop(),
      check: () => this.check(),
    });
    const events = {
      select: (step: number) => this.go(step),
      span: (span: { start: number; end: number } | undefined) => this.editor.point(span),
    };
    this.runView = createRunView(
      {
        pane: within(this.runPane, '.pane'),
        scrubber: part('scrubber'),
        choice: within(this.runPane, '.choice'),
      },
      events,
    );
    // What scrolls must be reachable by who has keys alone.
    for (const pane of [this.runPane, this.bytesPane]) within(pane, '.pane').tabIndex = 0;
    this.bytesView = createBytesView(
      { pane: within(this.bytesPane, '.pane'), key: within(this.bytesPane, '.key') },
      events,
    );
    this.header();
    this.tabs();
    document.addEventListener('keydown', (event) => this.key(event));
    addEventListener('popstate', () => void this.begin());
    addEventListener('pagehide', () => this.keepText());
  }

  private readonly editorEvents: EditorEvents = {
    changed: () => this.changed(),
    moved: () => {
      const line = this.lineOfCaret();
      this.runView.mark(line);
      this.bytesView.mark(line);
    },
    scenario: (name) => this.select(name),
  };

  /** The full editor in the place of the plain one: the text, its past, the caret and the focus go over. */
  private async exchange(plain: PlainEditor): Promise<void> {
    const { createMonaco } = await fullEditor();
    await plain.rest();
    const focused = plain.element.contains(document.activeElement);
    const full = createMonaco(
      plain.past(),
      plain.selection,
      { client: this.client, scenario: () => this.selected, colours },
      this.editorEvents,
    );
    plain.element.replaceWith(full.element);
    this.editor = full;
    full.diagnose(this.diagnostics);
    this.showStep();
    this.showVerdicts();
    if (focused) full.focus();
  }

  // ---- opening

  async begin(): Promise<void> {
    this.keepText();
    const found = await beginning();
    this.open(found);
    if (found.telling && mayTour()) tour(part('tour'));
  }

  private open(b: Beginning): void {
    this.board.forget();
    this.run = undefined;
    this.step = 0;
    this.selected = undefined;
    this.name = b.name;
    this.notice = b.notice;
    this.telling = b.telling;
    this.editor.load(b.text);
    this.shared = b.shared;
    if (b.shared?.view) this.runView.look = b.shared.view;
    if (b.shared?.selection) {
      const [start, end] = b.shared.selection;
      this.editor.select({ start, end });
    }
    this.read(b.verify);
  }

  /** Sends the text to the worker. */
  private read(verify: boolean, anew = false): void {
    clearTimeout(this.timer);
    this.soon = false;
    // What was about to be asked is of a run of the text before.
    clearTimeout(this.asking);
    this.texts++;
    this.wanted = verify;
    this.anew = anew;
    this.checked = false;
    this.report = undefined;
    this.client.open(this.name, this.editor.text);
    this.show();
  }

  private check(): void {
    this.read(true, true);
  }

  private changed(): void {
    this.shared = undefined;
    this.client.leave();
    this.board.age();
    this.checked = false;
    this.report = undefined;
    this.notice = undefined;
    if (location.search !== '' || location.hash !== '') history.replaceState(null, '', './');
    this.name = '-';
    clearTimeout(this.timer);
    const now = performance.now();
    this.soon ||= now - this.touched > pause;
    this.touched = now;
    this.timer = setTimeout(
      () => {
        this.read(true);
        this.keepText();
      },
      this.soon ? 0 : pause,
    );
    // What reads it shows it, and the worker need not wait for that.
    if (this.soon) return;
    this.showStrip();
    this.showTitle();
  }

  private keepText(): void {
    const { text } = this.editor;
    // An example as it is in the gallery is kept there already.
    if (this.name !== '-' || text.trim() === '') return;
    keep({ title: this.protocol ?? 'a text', text, when: Date.now(), session: this.session });
  }

  // ---- what the worker says

  private opened(a: Parameters<ConstructorParameters<typeof Client>[0]['opened']>[0]): void {
    this.diagnostics = this.editor.text.trim() === '' ? [] : a.diagnostics;
    this.protocol = a.protocol;
    this.origin = a.source;
    if (a.scenarios.length > 0) {
      this.board.replace(a.scenarios);
      if (!a.scenarios.some((s) => s.name === this.selected))
        this.selected = (
          a.scenarios.find((s) => s.expected.kind === 'violates') ?? a.scenarios[0]
        )?.name;
      const { shared } = this;
      this.shared = undefined;
      if (shared) this.follow(shared);
      if (this.wanted) {
        const caret = this.editor.selection.start;
        const here = shared
          ? this.index()
          : a.scenarios.findIndex((s) => s.span.start <= caret && caret <= s.span.end);
        this.checked = true;
        this.client.verify(here >= 0 ? here : this.index(), this.anew);
      }
    } else if (this.editor.text.trim() === '') {
      this.board.forget();
    }
    // The worker searches meanwhile.
    this.editor.diagnose(this.diagnostics);
    this.show();
  }

  /** Shows a link's scenario, and its run as far as it fits; the search says meanwhile what holds. */
  private follow({ scenario, run: wanted }: Shared): void {
    if (scenario === undefined) return;
    if (this.board.entries.some((e) => e.head.name === scenario)) this.selected = scenario;
    if (!wanted) return;
    const { texts } = this;
    void this.client.follow(scenario, wanted).then(({ run, notice }) => {
      if (texts !== this.texts) return;
      if (notice !== undefined) {
        this.notice = sentenceOf(notice);
        this.say(this.notice);
      }
      if (run && this.selected === scenario)
        this.openRun(run, Math.min(wanted.step, run.schedule.length));
      else this.showTitle();
    });
  }

  private done(a: Parameters<ConstructorParameters<typeof Client>[0]['done']>[0]): void {
    const entry = this.board.entries[a.scenario];
    if (!entry) return;
    entry.outcome = a.outcome;
    entry.progress = undefined;
    entry.standing = a.outcome.verdict;
    if (entry.head.name === this.selected) {
      const t = told(entry);
      this.say(`${entry.head.name}: ${t.word}${t.rest}`);
      // The verdict has a frame of its own: drawing its run takes longer.
      this.showStrip();
      requestAnimationFrame(() => setTimeout(() => this.show()));
    } else this.showStrip();
  }

  private restarted(message: string): void {
    this.board.age();
    this.notice = 'The worker had ended and was started again; the text is as it was';
    console.error(`worker: ${message}`);
    this.say(this.notice);
    this.read(false);
  }

  // ---- what the user wants

  private select(name: string | undefined): void {
    this.selected = name;
    this.run = undefined;
    this.client.prefer(this.index());
    this.show();
  }

  private go(step: number): void {
    if (!this.run) return;
    this.step = Math.min(Math.max(step, 0), this.run.schedule.length);
    this.showStep();
    this.say(sentence(this.run, this.step));
  }

  private openRun(run: Run, step = run.schedule.length): void {
    this.run = run;
    this.step = step;
    this.show();
  }

  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const { key } = event;
    if (key === 'Escape') {
      if (document.querySelector('[popover]:popover-open')) return;
      if (this.board.running) {
        event.preventDefault();
        this.client.stop();
      }
      return;
    }
    if (key === 'F6') {
      event.preventDefault();
      this.nextPane(event.shiftKey ? -1 : 1);
      return;
    }
    if (key === 'F8') {
      event.preventDefault();
      this.nextProblem(event.shiftKey ? -1 : 1);
      return;
    }
    if (key === '.' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.explainHere();
      return;
    }
    if (key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.check();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (this.runView.key(event)) {
      event.preventDefault();
      return;
    }
    if (key === '?') part('keys').togglePopover();
    else if (key === 'a') within(this.bytesPane, '.choices ul')?.focus();
    else if (/^[1-9]$/.test(key))
      this.select(this.board.entries[Number(key) - 1]?.head.name ?? this.selected);
    else return;
    event.preventDefault();
  }

  private nextPane(by: number): void {
    const panes: readonly { readonly at: HTMLElement; focus(): void }[] = [
      { at: part('source'), focus: () => this.editor.focus() },
      { at: part('strip'), focus: () => this.strip.focus() },
      { at: this.runPane, focus: () => within(this.runPane, '.pane').focus() },
      { at: this.bytesPane, focus: () => within(this.bytesPane, '.pane').focus() },
      {
        at: document.querySelector('header') as HTMLElement,
        focus: () => part('protocol').focus(),
      },
    ].filter((p) => p.at.checkVisibility());
    const now = panes.findIndex((p) => p.at.contains(document.activeElement));
    panes[(now + by + panes.length) % panes.length]?.focus();
  }

  private nextProblem(by: number): void {
    const all = this.diagnostics;
    if (all.length === 0) return;
    const { start } = this.editor.selection;
    const after =
      by > 0 ? all.find((d) => d.span.start > start) : all.findLast((d) => d.span.start < start);
    this.showProblem(after ?? ((by > 0 ? all[0] : all[all.length - 1]) as Diagnostic));
  }

  private showProblem(d: Diagnostic): void {
    this.tab('source');
    this.editor.focus();
    this.editor.select({ start: d.span.start, end: d.span.start });
    this.editor.explain(d);
  }

  private explainHere(): void {
    const { start } = this.editor.selection;
    const line = this.lineOfCaret();
    const here =
      this.diagnostics.find((d) => d.span.start <= start && start <= d.span.end) ??
      this.diagnostics.find((d) => d.span.start >= line.start && d.span.start <= line.end);
    if (here) this.editor.explain(here);
  }

  private lineOfCaret(): { start: number; end: number } {
    const { text, selection } = this.editor;
    const end = text.indexOf('\n', selection.start);
    return {
      start: text.lastIndexOf('\n', selection.start - 1) + 1,
      end: end < 0 ? text.length : end,
    };
  }

  // ---- showing

  private index(): number {
    return Math.max(
      0,
      this.board.entries.findIndex((e) => e.head.name === this.selected),
    );
  }

  /** Whether what is shown is of the text before. */
  private get stale(): boolean {
    const entry = this.entry();
    return entry !== undefined && isStale(entry);
  }

  private entry(): Entry | undefined {
    return this.board.entries[this.index()];
  }

  private show(): void {
    const runs = this.entry()?.outcome?.runs ?? [];
    const before = this.run;
    if (!before || !runs.includes(before)) {
      const same = runs.find(
        (r) =>
          r.scenario === before?.scenario &&
          r.kind === before.kind &&
          r.name === before.name &&
          r.check === before.check &&
          (!before.shared || r.schedule.join() === before.schedule.join()),
      );
      // What came with a link stays until another run is chosen.
      if (before?.shared && !same && before.scenario === this.selected) {
        this.showAll();
        return;
      }
      const run = same ?? runs[0];
      const atEnd = !before || this.step === before.schedule.length;
      this.run = run;
      if (run) {
        const cause = run.why[0]?.step;
        if (this.telling && cause !== undefined) this.step = cause;
        else if (!same || atEnd) this.step = run.schedule.length;
        else this.step = Math.min(this.step, run.schedule.length);
        this.telling = false;
      }
    }
    this.showAll();
  }

  private showAll(): void {
    this.showHeader();
    this.showStrip();
    this.showTitle();
    this.showStep();
  }

  private showHeader(): void {
    const name = this.protocol || (this.editor.text.trim() === '' ? 'empty' : 'no protocol');
    const button = part('protocol');
    if (button.dataset.name !== name) {
      button.dataset.name = name;
      button.replaceChildren(element('code', {}, name), chevron());
      button.setAttribute('aria-label', `${name}: gallery and kept texts`);
    }
    part('origin').textContent = this.origin ?? '';
    document.title = this.protocol ? `${this.protocol} · Suture` : 'Suture';
  }

  private errors(): number {
    return this.diagnostics.filter((d) => d.severity === 'error').length;
  }

  private showStrip(): void {
    const checkable =
      !this.checked && this.board.entries.length > 0 && this.errors() === 0 && !this.wanted;
    this.strip.show(this.board, this.index(), this.errors(), checkable);
    this.showVerdicts();
    fillStatus(part('status'), {
      text: this.editor.text,
      entry: this.entry(),
      run: this.run,
      diagnostics: this.diagnostics,
      open: (d) => this.showProblem(d),
    });
    fillProblems(part('problems'), this.editor.text, this.diagnostics, (d) => this.showProblem(d));
  }

  private showVerdicts(): void {
    this.editor.verdicts(
      new Map(
        this.board.entries.map((e) => {
          const t = told(e);
          const against = t.against === undefined ? '' : `, ${t.against}`;
          return [e.head.name, `${letters[signOf(e)]} ${t.word}${t.rest}${against}`];
        }),
      ),
    );
  }

  private showTitle(): void {
    const entry = this.entry();
    const outdated = this.stale && this.run !== undefined;
    for (const pane of [this.runPane, this.bytesPane]) pane.classList.toggle('outdated', outdated);
    part('run-title').replaceChildren(...this.title(entry, outdated));
    if (this.editor.text.trim() === '')
      void fillShortGallery(this.runView.foot, this.galleryEvents);
    else fillFacts(this.runView.foot, entry, this.run, (run) => this.openRun(run));
  }

  private title(entry: Entry | undefined, outdated: boolean): readonly (Node | string)[] {
    const detail = (text: string): Node => element('span', { class: 'detail' }, text);
    if (this.notice !== undefined) return [this.notice];
    if (this.editor.text.trim() === '') return ['Nothing to run'];
    if (outdated) return [standingSign('outdated'), 'Outdated', detail('the run before this edit')];
    const { run } = this;
    if (!run) {
      if (this.errors() > 0) return ['No run', detail('the text has errors')];
      if (entry?.standing === 'unfinished')
        return ['No run', detail('unfinished, and nothing violated so far')];
      if (entry?.outcome) return ['No run', detail('no witness is asked for')];
      if (entry && signOf(entry) === 'violated')
        return ['No run yet', detail('the shortest is looked for')];
      return ['No run yet', detail(entry ? told(entry).word : '')];
    }
    const runs = entry?.outcome?.runs ?? [];
    const steps = counted(run.schedule.length, 'step');
    if (run.shared) {
      const to = run.kind === 'violation' ? `to ${run.name}` : '';
      return ['Shared run', detail([to, steps, ...run.values].filter((x) => x !== '').join(', '))];
    }
    const head =
      run.kind === 'violation' ? `Shortest run to ${run.name}` : 'Shortest run to a witness';
    const name = run.kind === 'violation' ? [] : [run.name];
    const more = detail([steps, ...name, ...run.values].join(', '));
    if (runs.length < 2) return [head, more];
    const choice = element(
      'select',
      { 'aria-label': 'Run' },
      ...runs.map((r, i) =>
        element(
          'option',
          { value: i, selected: r === run },
          `${r.kind === 'violation' ? r.name : `witness: ${r.name}`}, ${counted(r.schedule.length, 'step')}${r.values.length > 0 ? ` (${r.values.join(', ')})` : ''}`,
        ),
      ),
    );
    choice.addEventListener('change', () => {
      const chosen = runs[choice.selectedIndex];
      if (chosen) this.openRun(chosen);
      part('run-title').querySelector('select')?.focus();
    });
    return [
      head,
      more,
      element(
        'span',
        { class: 'pick' },
        `${runs.indexOf(run) + 1} of ${runs.length}`,
        element('span', { class: 'unit' }, '\u00a0runs'),
        chevron(),
        choice,
      ),
    ];
  }

  private showStep(): void {
    const { run, step } = this;
    this.runView.show(run, step);
    this.bytesView.show(run, step);
    within(this.bytesPane, '.after').textContent = run ? `after step ${step}` : '';
    const { stale } = this;
    this.editor.mark(run && !stale ? marksAt(run, step) : []);
    clearTimeout(this.asking);
    if (run !== this.asked) fillChoices(within(this.bytesPane, '.choices'), undefined);
    this.asked = run;
    if (!run || stale) {
      fillChoices(within(this.bytesPane, '.choices'), undefined);
      return;
    }
    this.asking = setTimeout(() => {
      // Those among which the step that is shown was chosen.
      void this.client.alternatives(run, Math.max(0, step - 1)).then((all) => {
        if (this.run === run && this.step === step)
          fillChoices(within(this.bytesPane, '.choices'), all, step === 0);
      });
    }, 40);
  }

  private say(text: string): void {
    part('live').textContent = text;
  }

  // ---- the frame

  private readonly galleryEvents: GalleryEvents = {
    example: (e) => {
      part('gallery').hidePopover();
      history.pushState(null, '', `?example=${encodeURIComponent(e.name)}`);
      this.open(ofExample(e));
    },
    kept: (k) => {
      part('gallery').hidePopover();
      history.pushState(null, '', './');
      this.open({ text: k.text, name: '-', verify: false, telling: false });
    },
    empty: () => {
      part('gallery').hidePopover();
      history.pushState(null, '', './');
      this.open({ text: '', name: '-', verify: false, telling: false });
      this.tab('source');
      this.editor.focus();
    },
  };

  private header(): void {
    const gallery = part('gallery');
    gallery.addEventListener('beforetoggle', (event) => {
      if ((event as ToggleEvent).newState === 'open') void fillGallery(gallery, this.galleryEvents);
    });
    part('share').append(
      shareButton(
        () => ({
          text: this.editor.text,
          scenario: this.entry()?.head.name,
          run: this.stale ? undefined : this.run,
          step: this.step,
          view: this.runView.look,
          selection: this.editor.selection,
        }),
        (text) => this.say(text),
      ),
    );
    part('help').append(helpSign());
    fillKeys(
      part('keys'),
      bounds,
      saveButton(() => this.report),
      editorButton(),
    );
    const button = part('look');
    button.append(themeSign());
    const name = (): void => {
      button.setAttribute('aria-label', `Theme: ${chosenLook()}`);
      button.title = `Theme: ${chosenLook()}`;
    };
    name();
    button.addEventListener('click', () => {
      const next = looks[(looks.indexOf(chosenLook()) + 1) % looks.length];
      if (next) chooseLook(next);
      name();
      this.say(`Theme: ${chosenLook()}`);
    });
    applyLook();
    followSystem();
  }

  /** The tabs of a narrow page. */
  private tabs(): void {
    const tabs = [...part('tabs').querySelectorAll<HTMLElement>('[role="tab"]')];
    for (const tab of tabs) {
      tab.addEventListener('click', () => this.tab(tab.getAttribute('aria-controls') ?? ''));
      tab.addEventListener('keydown', (event) => {
        const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
        if (by === 0 || !next) return;
        event.preventDefault();
        event.stopPropagation();
        this.tab(next.getAttribute('aria-controls') ?? '');
        next.focus();
      });
    }
    this.tab('run');
  }

  private tab(name: string): void {
    (document.querySelector('main') as HTMLElement).dataset.tab = name;
    for (const tab of part('tabs').querySelectorAll<HTMLElement>('[role="tab"]')) {
      const selected = tab.getAttribute('aria-controls') === name;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
  }
}

/** The signs of the verdicts where only letters can stand. */
const letters: Readonly<Record<Standing, string>> = {
  idle: '○',
  running: '◔',
  holds: '✓',
  violated: '✗',
  unfinished: '…',
  outdated: '↻',
};

function within(host: HTMLElement, selector: string): HTMLElement {
  const found = host.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`there is no ${selector} in #${host.id}`);
  return found;
}

/** Where each CPU stands behind a step: what it did last that the source knows of. */
function marksAt(run: Run, step: number) {
  const { steps } = run.telling;
  const last = steps[step - 1];
  return Array.from({ length: run.cpus }, (_, cpu) => {
    const s = steps.slice(0, step).findLast((x) => x.cpu === cpu && x.span);
    return s?.span ? [{ cpu, span: s.span, current: s === last }] : [];
  }).flat();
}

await new Page().begin();
