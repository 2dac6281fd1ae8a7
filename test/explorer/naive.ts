// A search that is slow and plainly right: sets, and fixpoints by asking everything again.

import type { Edge, Graph } from './graph.ts';

export interface Answer {
  readonly limited: boolean;
  readonly reached: ReadonlySet<number>;
  readonly states: number;
  readonly transitions: number;
  /** Per violated property the steps of a shortest run. */
  readonly violations: ReadonlyMap<number, number>;
  /** Per property the nodes nearest to the start that cannot reach one of its goals, and how far they are. */
  readonly trapped: ReadonlyMap<
    number,
    { readonly steps: number; readonly nodes: ReadonlySet<number> }
  >;
  readonly doomed: ReadonlySet<number>;
  /** Per witness the steps of a shortest run. */
  readonly witnesses: ReadonlyMap<number, number>;
}

export function judge(graph: Graph): Answer {
  const out = (node: number) => graph.edges.filter((edge) => edge.from === node);
  const distance = new Map<number, number>(graph.initial.map((node) => [node, 0]));
  for (const [node, steps] of distance) {
    // A map is walked in the order of insertion, what is added meanwhile included.
    for (const edge of out(node)) {
      if (!goesOn(edge) || distance.has(edge.to)) continue;
      distance.set(edge.to, steps + 1);
    }
  }
  const taken = graph.edges.filter((edge) => distance.has(edge.from));
  const nearest = (edges: readonly Edge[], key: (edge: Edge) => number | undefined) => {
    const found = new Map<number, number>();
    for (const edge of edges) {
      const k = key(edge);
      if (k === undefined) continue;
      const steps = (distance.get(edge.from) as number) + 1;
      found.set(k, Math.min(steps, found.get(k) ?? steps));
    }
    return found;
  };
  const sound = taken.filter((edge) => !edge.limit);

  const trapped = new Map<number, { steps: number; nodes: Set<number> }>();
  const lost = new Set<number>();
  for (const { property } of graph.goals) {
    const goals = graph.goals.filter((goal) => goal.property === property);
    const nodes = [...distance.keys()].filter((node) =>
      goals.some((goal) => !reaches(graph, node, goal.nodes)),
    );
    for (const node of nodes) lost.add(node);
    if (nodes.length === 0) continue;
    const steps = Math.min(...nodes.map((node) => distance.get(node) as number));
    trapped.set(property, {
      steps,
      nodes: new Set(nodes.filter((node) => distance.get(node) === steps)),
    });
  }

  const doomed = new Set(lost);
  for (let before = -1; before !== doomed.size; ) {
    before = doomed.size;
    for (const node of distance.keys()) {
      const edges = out(node);
      const ends = (edge: Edge) => edge.violates !== undefined || doomed.has(edge.to);
      if (edges.length > 0 && edges.every(ends)) doomed.add(node);
    }
  }
  return {
    limited: taken.some((edge) => edge.limit),
    reached: new Set(distance.keys()),
    states: distance.size,
    transitions: sound.length,
    violations: nearest(sound, (edge) => edge.violates),
    trapped,
    doomed,
    witnesses: nearest(sound, (edge) => edge.witness),
  };
}

/** Whether steps that are not optional lead from `from` to one of `goal`, or to a violation. */
export function reaches(graph: Graph, from: number, goal: readonly number[]): boolean {
  const seen = new Set([from]);
  for (const node of seen) {
    if (goal.includes(node)) return true;
    for (const edge of graph.edges) {
      if (edge.from !== node || edge.optional || edge.limit) continue;
      if (edge.violates !== undefined) return true;
      seen.add(edge.to);
    }
  }
  return false;
}

/** The fewest steps that are not optional and violate nothing from `from` to one of `goal`, or -1. */
export function away(graph: Graph, from: number, goal: readonly number[]): number {
  const steps = new Map([[from, 0]]);
  for (const [node, n] of steps) {
    if (goal.includes(node)) return n;
    for (const edge of graph.edges) {
      if (edge.from === node && !edge.optional && goesOn(edge) && !steps.has(edge.to))
        steps.set(edge.to, n + 1);
    }
  }
  return -1;
}

/** Whether steps that a goal may rely on go on for ever from `from`, in the nodes behind it. */
export function loops(graph: Graph, from: number): boolean {
  const next = (node: number) =>
    graph.edges
      .filter((e) => e.from === node && !e.optional && e.violates === undefined)
      .map((e) => e.to);
  // Whoever is still on the way after more steps than there are nodes has met one twice.
  let front = new Set([from]);
  for (let i = 0; i <= graph.nodes; i++) front = new Set([...front].flatMap(next));
  return front.size > 0;
}

const goesOn = (edge: Edge) => !edge.limit && edge.violates === undefined;
