// Any small graph as a model, so that a naive search can judge it too.

import type { Model } from '../../compiler/explorer/index.ts';

export interface Edge {
  readonly from: number;
  readonly to: number;
  /** Index of the property that the step violates. */
  readonly violates?: number | undefined;
  readonly limit?: boolean | undefined;
  readonly optional?: boolean | undefined;
  readonly witness?: number | undefined;
}

export interface Goal {
  /** Index of the property that a node violates from which the goal cannot be reached. */
  readonly property: number;
  /** Where it holds. */
  readonly nodes: readonly number[];
}

export interface Graph {
  readonly nodes: number;
  readonly initial: readonly number[];
  readonly edges: readonly Edge[];
  readonly goals: readonly Goal[];
}

export const witnesses = ['first', 'second'];

export const nodeOf = (s: Int32Array): number => ((s[3] as number) >>> 29) * 3 + (s[0] as number);

/** Nodes lie scattered over parts, some of which never change; an action is the index of an edge. */
export function graphModel({ initial, edges, goals }: Graph): Model {
  const write = (s: Int32Array, node: number) => {
    s[0] = node % 3;
    s[3] = Math.floor(node / 3) << 29;
    s[8] = -1;
  };
  const model = {
    words: 10,
    parts: [0, 2, 5, 9],
    properties: ['p0', 'p1', 'p2'],
    witnesses,
    goals: goals.map(({ property }, i) => ({ name: `goal ${i}`, property })),
    witnessed: 0,
    limit: undefined as string | undefined,
    initial: () =>
      initial.map((n) => {
        const s = new Int32Array(10);
        write(s, n);
        return s;
      }),
    enabled(s: Int32Array, out: Int32Array): number {
      const here = nodeOf(s);
      let n = 0;
      edges.forEach((edge, i) => {
        if (edge.from === here) out[n++] = i;
      });
      return n;
    },
    apply(s: Int32Array, action: number): number {
      const edge = edges[action] as Edge;
      model.limit = edge.limit ? 'graph' : undefined;
      model.witnessed = edge.witness === undefined ? 0 : 1 << edge.witness;
      write(s, edge.to);
      return edge.violates === undefined ? 0 : 1 + edge.violates;
    },
    actionName: (_: Int32Array, action: number) => `edge ${action}`,
    optional: (action: number) => edges[action]?.optional === true,
    goalsOf(s: Int32Array): number {
      const here = nodeOf(s);
      return goals.reduce((bits, { nodes }, g) => bits | (nodes.includes(here) ? 1 << g : 0), 0);
    },
  };
  return model;
}
