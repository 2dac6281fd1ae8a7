// The strip: every scenario in the text's order with its sign, its word and its count; on a phone, a picker of them.

import type { Board, Entry } from './board.ts';
import { signOf, told } from './board.ts';
import { element } from './elements.ts';
import { chevron, standingSign } from './icons.ts';

export interface StripEvents {
  select(index: number): void;
  stop(): void;
  check(): void;
}

interface Tab {
  readonly button: HTMLButtonElement;
  shown: string;
}

export class Strip {
  private readonly host: HTMLElement;
  private readonly events: StripEvents;
  private readonly list: HTMLElement;
  private readonly picker: HTMLButtonElement;
  private readonly sheet: HTMLElement;
  private readonly aside: HTMLElement;
  private readonly stopButton: HTMLButtonElement;
  private readonly checkButton: HTMLButtonElement;
  private tabs: Tab[] = [];
  /** Nobody sees the sheet before it is opened, and a strip is shown often. */
  private open = false;
  private entries: readonly Entry[] = [];
  private selected = 0;

  constructor(host: HTMLElement, events: StripEvents) {
    this.host = host;
    this.events = events;
    this.list = element('div', { class: 'scenarios', role: 'tablist', 'aria-label': 'Scenarios' });
    this.sheet = element('div', {
      id: 'scenario-sheet',
      class: 'sheet',
      popover: 'auto',
      role: 'menu',
      'aria-label': 'Scenarios',
    });
    this.picker = element('button', {
      type: 'button',
      class: 'picker',
      popovertarget: 'scenario-sheet',
      'aria-haspopup': 'menu',
    });
    this.aside = element('div', { class: 'aside' });
    this.stopButton = element(
      'button',
      { type: 'button', class: 'framed' },
      'Stop',
      element('kbd', {}, 'Esc'),
    );
    this.stopButton.addEventListener('click', () => events.stop());
    this.checkButton = element('button', { type: 'button', class: 'framed' }, 'Check');
    this.checkButton.addEventListener('click', () => events.check());
    this.list.addEventListener('keydown', (event) => this.key(event));
    this.sheet.addEventListener('beforetoggle', (event) => {
      this.open = (event as ToggleEvent).newState === 'open';
      if (this.open) this.fillSheet();
    });
    this.host.append(this.list, this.picker, this.sheet, this.aside);
  }

  show(board: Board, selected: number, errors: number, checkable: boolean): void {
    const { entries } = board;
    this.entries = entries;
    this.selected = selected;
    while (this.tabs.length > entries.length) this.tabs.pop()?.button.remove();
    for (const [i, entry] of entries.entries()) this.tab(entry, i, i === selected);
    const now = entries[selected];
    if (now) {
      const key = `${now.head.name}|${entries.length}|${looksOf(now)}`;
      if (this.picker.dataset.key !== key) {
        this.picker.dataset.key = key;
        const all = element('span', { class: 'all' }, `all ${entries.length}`);
        this.picker.replaceChildren(...face(now), all, chevron());
      }
    }
    this.picker.hidden = !now;
    if (this.open) this.fillSheet();
    this.showAside(board, errors, checkable);
  }

  private fillSheet(): void {
    this.sheet.replaceChildren(
      ...this.entries.map((entry, i) => {
        const item = element(
          'button',
          { type: 'button', role: 'menuitemradio', 'aria-checked': String(i === this.selected) },
          ...face(entry),
        );
        item.addEventListener('click', () => {
          this.sheet.hidePopover();
          this.events.select(i);
        });
        return item;
      }),
    );
  }

  private showAside(board: Board, errors: number, checkable: boolean): void {
    const { entries } = board;
    const judged = entries.filter((e) => ['holds', 'violated', 'unfinished'].includes(e.standing));
    let wanted: readonly Node[] = [];
    if (board.running) wanted = [this.stopButton];
    else if (checkable) wanted = [this.checkButton];
    else if (errors > 0)
      wanted = [
        element('span', {}, 'not checked:'),
        element('span', { class: 'bad' }, `${errors} ${errors === 1 ? 'error' : 'errors'}`),
      ];
    else if (judged.length === entries.length && entries.length > 0) {
      const good = judged.filter((e) => e.outcome?.asExpected).length;
      wanted = [
        element('span', {}, `${good} of ${entries.length}`),
        element('span', good < judged.length ? { class: 'bad' } : {}, 'as expected'),
      ];
    } else if (judged.length > 0)
      wanted = [
        element('span', {}, `${judged.length} of ${entries.length}`),
        element('span', {}, 'checked'),
      ];
    const focused = this.aside.contains(document.activeElement);
    const same =
      wanted.length === this.aside.childNodes.length &&
      wanted.every((n, i) => n.isEqualNode(this.aside.childNodes[i] as ChildNode));
    if (same) return;
    this.aside.replaceChildren(...wanted);
    // The button that was pressed is gone: the focus stays in the strip.
    if (focused && !this.aside.contains(document.activeElement)) this.focus();
  }

  focus(): void {
    (this.list.querySelector<HTMLElement>('[aria-selected="true"]') ?? this.picker).focus();
  }

  private tab(entry: Entry, index: number, selected: boolean): void {
    let tab = this.tabs[index];
    if (!tab) {
      const button = element('button', { type: 'button', role: 'tab', 'aria-controls': 'run' });
      button.addEventListener('click', () => this.events.select(index));
      tab = { button, shown: '' };
      this.tabs.push(tab);
      this.list.append(button);
    }
    const looks = `${entry.head.name}|${looksOf(entry)}`;
    if (tab.shown !== looks) {
      // The arc turns on: only its words change while it runs.
      const word = tab.button.querySelector('.verdict');
      const turning = tab.button.dataset.standing === 'running' && signOf(entry) === 'running';
      if (turning && word) word.replaceWith(verdict(entry));
      else tab.button.replaceChildren(...face(entry));
      tab.button.dataset.standing = signOf(entry);
      tab.shown = looks;
    }
    const was = tab.button.getAttribute('aria-selected') === 'true';
    tab.button.setAttribute('aria-selected', String(selected));
    tab.button.tabIndex = selected ? 0 : -1;
    if (selected && !was) tab.button.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  private key(event: KeyboardEvent): void {
    const at = this.tabs.findIndex((t) => t.button === document.activeElement);
    const last = this.tabs.length - 1;
    const to =
      event.key === 'ArrowRight'
        ? Math.min(at + 1, last)
        : event.key === 'ArrowLeft'
          ? Math.max(at - 1, 0)
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? last
              : at;
    if (at < 0 || to === at) {
      if (/^(Arrow(Left|Right)|Home|End)$/.test(event.key)) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.events.select(to);
    this.tabs[to]?.button.focus();
  }
}

const looksOf = (e: Entry): string => {
  const t = told(e);
  return `${signOf(e)}|${t.word}|${t.rest}|${t.against ?? ''}`;
};

function face(e: Entry): readonly Node[] {
  return [
    standingSign(signOf(e)),
    element(
      'span',
      { class: 'words' },
      element('span', { class: 'name' }, e.head.name),
      verdict(e),
    ),
  ];
}

function verdict(e: Entry): HTMLElement {
  const t = told(e);
  return element(
    'span',
    { class: 'verdict' },
    element('span', { class: `word ${signOf(e)}` }, t.word),
    t.rest,
    ...(t.against ? [', ', element('span', { class: 'bad' }, t.against)] : []),
  );
}
