// The page's end of the worker: counts versions, pairs questions with answers, and starts it again when it dies.

import type { SharedRun } from '../compiler/index.ts';
import type { Alternative, Answer, Bounds, Followed, Question, RunKey } from './protocol.ts';
import type { Asked, Service, Services } from './service.ts';

/** The worker's file beside the page; the build says its name. */
declare const WORKER_FILE: string;

/** A phone has less to give; a browser that does not say what it has is taken for a desk's. */
const small =
  ((navigator as { deviceMemory?: number }).deviceMemory ?? 8) < 4 ||
  matchMedia('(max-width: 720px) and (pointer: coarse)').matches;
export const bounds: Bounds = small
  ? { maxStates: 1_000_000, maxMemory: 192 << 20 }
  : { maxStates: 4_000_000, maxMemory: 768 << 20 };

export interface Heard {
  opened(answer: Extract<Answer, { kind: 'opened' }>): void;
  running(answer: Extract<Answer, { kind: 'running' }>): void;
  done(answer: Extract<Answer, { kind: 'done' }>): void;
  finished(answer: Extract<Answer, { kind: 'finished' }>): void;
  /** It died while it worked on the newest text, and a new one has begun. */
  restarted(message: string): void;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
}

export class Client {
  private readonly heard: Heard;
  private worker: Worker | undefined;
  private version = 0;
  private ids = 0;
  private readonly waiting = new Map<number, Waiting>();
  private deaths = 0;

  constructor(heard: Heard) {
    this.heard = heard;
    this.start();
  }

  /** Reads a text; answers to older ones are dropped from now on. */
  open(name: string, text: string): void {
    this.version++;
    this.say({ kind: 'open', version: this.version, name, text, bounds });
  }

  /** The text is another one now, and not yet read: what is still found out about the old one is no verdict on it. */
  leave(): void {
    this.version++;
  }

  verify(first: number | undefined, anew: boolean): void {
    this.say({ kind: 'verify', version: this.version, first, anew });
  }

  prefer(scenario: number): void {
    this.say({ kind: 'prefer', version: this.version, scenario });
  }

  stop(): void {
    this.say({ kind: 'stop' });
  }

  /** None where the text has changed meanwhile. */
  async alternatives(run: RunKey, step: number): Promise<readonly Alternative[]> {
    const answer = await new Promise<Answer>((resolve) => {
      const id = ++this.ids;
      this.waiting.set(id, { resolve });
      // The run with all that is told of it would be copied for each step.
      const { scenario, check, initial, schedule } = run;
      const key = { scenario, check, initial, schedule };
      this.say({ kind: 'alternatives', id, version: this.version, run: key, step });
    });
    return answer.kind === 'alternatives' ? answer.alternatives : [];
  }

  /** Nothing where the text has changed meanwhile. */
  async follow(scenario: string, run: SharedRun): Promise<Followed> {
    const answer = await new Promise<Answer>((resolve) => {
      const id = ++this.ids;
      this.waiting.set(id, { resolve });
      this.say({ kind: 'follow', id, version: this.version, scenario, run });
    });
    return answer.kind === 'followed' ? answer.followed : {};
  }

  /** About any text; never answered where the worker dies meanwhile. */
  async service<S extends Service>(
    text: string,
    asked: { readonly service: S } & Services[S]['ask'],
  ): Promise<Services[S]['answer']> {
    const answer = await new Promise<Answer>((resolve) => {
      const id = ++this.ids;
      this.waiting.set(id, { resolve });
      this.say({ kind: 'service', id, text, asked: asked as unknown as Asked });
    });
    return (answer.kind === 'service' ? answer.answer : undefined) as Services[S]['answer'];
  }

  private say(question: Question): void {
    this.worker?.postMessage(question);
  }

  private start(): void {
    const worker = new Worker(ownScript(WORKER_FILE) as string, { type: 'module' });
    this.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Answer>): void => this.hear(data);
    worker.onerror = (event): void => {
      event.preventDefault();
      if (this.worker === worker) this.die(event.message || 'it ended without a word');
    };
  }

  /** A text that kills it is not tried again of itself, so this comes to an end. */
  private die(message: string): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.waiting.clear();
    if (++this.deaths > 20) {
      this.heard.restarted(`${message}; it has died ${this.deaths} times and stays down`);
      return;
    }
    this.start();
    this.heard.restarted(message);
  }

  private hear(answer: Answer): void {
    switch (answer.kind) {
      case 'ready':
        return;
      case 'broken':
        this.die(answer.message);
        return;
      case 'alternatives':
      case 'followed':
      case 'service':
        this.waiting.get(answer.id)?.resolve(answer);
        this.waiting.delete(answer.id);
        return;
      default:
        if (answer.version !== this.version) return;
        if (answer.kind === 'opened') this.heard.opened(answer);
        else if (answer.kind === 'running') this.heard.running(answer);
        else if (answer.kind === 'done') this.heard.done(answer);
        else this.heard.finished(answer);
    }
  }
}

interface TrustedPolicy {
  createScriptURL(url: string): unknown;
}
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): TrustedPolicy;
}
let policy: TrustedPolicy | undefined;

/** The address of a script beside the page, trusted where the browser wants scripts trusted; no other one ever is. */
export function ownScript(file: string): unknown {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const own = (name: string): string => {
    if (!/^[\w.-]+\.js$/.test(name)) throw new Error(`not a script of this page: ${name}`);
    return new URL(name, document.baseURI).href;
  };
  if (!trustedTypes) return own(file);
  policy ??= trustedTypes.createPolicy('suture', { createScriptURL: own });
  return policy.createScriptURL(file);
}
