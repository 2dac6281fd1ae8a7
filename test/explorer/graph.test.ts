// Small random graphs: what the search says is what a naive one says, to the last count.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createSearch,
  replay,
  type Violation,
  type Visited,
  visited,
} from '../../compiler/explorer/index.ts';
import { type Edge, type Graph, graphModel, nodeOf, witnesses } from './graph.ts';
import { away, judge, loops, reaches } from './naive.ts';

const graphs = fc.integer({ min: 1, max: 14 }).chain((nodes): fc.Arbitrary<Graph> => {
  const node = fc.nat(nodes - 1);
  const rarely = <T>(some: fc.Arbitrary<T>, weight = 1) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight, arbitrary: some });
  const edge = fc.record({
    from: node,
    to: node,
    violates: rarely(fc.nat(2)),
    optional: rarely(fc.constant(true)),
    witness: rarely(fc.nat(1)),
  });
  const goal = fc.record({
    property: fc.nat(2),
    nodes: fc.array(node, { minLength: 1, maxLength: 3 }),
  });
  return fc
    .record({
      nodes: fc.constant(nodes),
      initial: fc.array(node, { minLength: 1, maxLength: 2 }),
      edges: fc.array<Edge>(edge, { maxLength: 3 * nodes }),
      goals: fc.array(goal, { maxLength: 2 }),
      limit: rarely(fc.nat(100), 2),
    })
    .map(({ limit, edges, ...rest }) => ({
      ...rest,
      edges: edges.map((e, i) => (i === limit ? { ...e, limit: true, violates: undefined } : e)),
    }));
});

const step = { violates: undefined, optional: undefined, witness: undefined };
/** Two actions lead to the same state, and the first of them hits a limit: no run may go that way. */
const throughLimit: Graph = {
  nodes: 3,
  initial: [0],
  goals: [],
  edges: [
    { ...step, from: 1, to: 0, violates: 0 },
    { ...step, from: 0, to: 1, optional: true, limit: true },
    { ...step, from: 0, to: 1 },
  ],
};

test('verdicts, counts and runs agree with a naive search', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(graphs, fc.integer({ min: 1, max: 50 }), (graph, budget) => {
      const model = graphModel(graph);
      const search = createSearch(model);
      while (!search.advance(budget).done);
      const result = search.result();
      const answer = judge(graph);

      expect(result.states).toBe(answer.states);
      expect(result.transitions).toBe(answer.transitions);
      expect(result.bound).toBe(answer.limited ? 'graph' : undefined);

      const trapped = answer.limited ? [] : [...answer.trapped.keys()];
      const properties = new Set([...answer.violations.keys(), ...trapped]);
      const expected = [...properties].sort().map((p) => `p${p}`);
      expect(result.violations.map((v) => v.property)).toEqual(expected);
      const verdict = answer.limited ? 'unfinished' : 'holds';
      expect(result.verdict).toBe(properties.size > 0 ? 'violated' : verdict);
      seen.add(result.verdict);

      if (!answer.limited) listed(graph, visited(search), answer);
      for (const violation of result.violations) check(graph, violation, answer, seen);
      result.witnesses.forEach(({ name, run }, i) => {
        expect(name).toBe(witnesses[i]);
        expect(run?.schedule.length).toBe(answer.witnesses.get(i));
      });
    }),
    { numRuns: 2000, examples: [[throughLimit, 1]] },
  );
  // The graphs are worth asking only if they show all of it.
  expect([...seen].sort()).toEqual([
    'deadlock',
    'early',
    'holds',
    'loop',
    'unfinished',
    'violated',
  ]);
});

/** The states of the search, word by word: each once, each found from an earlier one, each as far from the goals as it is. */
function listed(graph: Graph, all: Visited, answer: ReturnType<typeof judge>): void {
  const { count, starts, rows, numbers, parents, distances } = all;
  const nodes = Array.from({ length: count }, (_, state) => {
    const words = [...starts.subarray(1)].flatMap((end, p) => {
      const width = end - (starts[p] as number);
      const at = (numbers(p)[state] as number) * width;
      return [...rows(p).subarray(at, at + width)];
    });
    return nodeOf(Int32Array.from(words));
  });
  expect(new Set(nodes)).toEqual(answer.reached);
  expect(count).toBe(answer.reached.size);
  parents.forEach((parent, state) => {
    expect(parent).toBeLessThan(state);
    if (parent === -1) expect(graph.initial).toContain(nodes[state]);
    else
      expect(
        graph.edges.some(
          (e) => e.from === nodes[parent] && e.to === nodes[state] && e.violates === undefined,
        ),
      ).toBe(true);
  });
  graph.goals.forEach((goal, g) => {
    expect([...(distances[g] as Int32Array)]).toEqual(
      nodes.map((node) => away(graph, node, goal.nodes)),
    );
  });
}

function check(
  graph: Graph,
  violation: Violation,
  answer: ReturnType<typeof judge>,
  seen: Set<string>,
): void {
  const property = Number(violation.property.slice(1));
  const nodes = [graph.initial[violation.initial] as number];
  for (const { action } of violation.schedule) {
    const edge = graph.edges[action] as Edge;
    expect(edge.from).toBe(nodes.at(-1));
    nodes.push(edge.to);
  }
  const names = violation.schedule.map((step) => step.name);
  const played = replay(graphModel(graph), names, { initial: violation.initial });
  const shortest = answer.violations.get(property);
  let passed: number[];
  if (shortest !== undefined) {
    expect(names).toHaveLength(shortest);
    expect(played).toMatchObject({ kind: 'violated', property: violation.property });
    expect(violation).not.toHaveProperty('goal');
    passed = nodes.slice(0, -1);
  } else {
    expect(played.kind).toBe('played');
    const trap = answer.trapped.get(property);
    const steps = trap?.steps as number;
    expect(trap?.nodes).toContain(nodes[steps]);
    const goal = graph.goals[Number(violation.goal?.slice(5))];
    expect(goal?.property).toBe(property);
    expect(reaches(graph, nodes[steps] as number, goal?.nodes ?? [])).toBe(false);
    const { loopFrom, deadlock } = violation;
    if (loops(graph, nodes[steps] as number)) {
      seen.add('loop');
      expect(loopFrom).toBeGreaterThanOrEqual(steps);
      expect(nodes.length - 1).toBeGreaterThan(loopFrom as number);
      expect(nodes.at(-1)).toBe(nodes[loopFrom as number]);
      expect(deadlock).toBeUndefined();
    } else {
      seen.add('deadlock');
      expect(deadlock).toBe(true);
      expect(loopFrom).toBeUndefined();
      expect(graph.edges.filter((e) => e.from === nodes.at(-1) && !e.optional)).toEqual([]);
    }
    passed = nodes.slice(0, steps + 1);
  }
  if (answer.limited) {
    expect(violation.inevitableFrom).toBe('not known');
    return;
  }
  const first = passed.findIndex((node) => answer.doomed.has(node));
  expect(violation.inevitableFrom).toBe(first === -1 ? passed.length : first);
  if (first !== -1 && first < passed.length - 1) seen.add('early');
}

/** Edges as pairs of nodes, from node 0 on, with a goal that is nowhere. */
const endless = (nodes: number, ...pairs: readonly (readonly [number, number])[]) => {
  const edges = pairs.map(([from, to]) => ({ from, to }));
  const goals = [{ property: 0, nodes: [nodes - 1] }];
  const search = createSearch(graphModel({ nodes, initial: [0], edges, goals }));
  while (!search.advance(10).done);
  const [violation] = search.result().violations;
  return {
    nodes: violation?.schedule.map(({ action }) => edges[action]?.to),
    loopFrom: violation?.loopFrom,
    deadlock: violation?.deadlock,
  };
};

test('two ways to one end are no loop', () => {
  expect(endless(5, [0, 1], [0, 2], [2, 1], [2, 3])).toEqual({
    nodes: [1],
    loopFrom: undefined,
    deadlock: true,
  });
});

test('the nearest loop is shown, on its shortest way, though an end is nearer', () => {
  const figure = [
    [0, 1],
    [0, 2],
    [2, 3],
    [3, 4],
    [4, 5],
    [5, 3],
    [5, 4],
    [2, 6],
    [6, 7],
    [7, 8],
    [8, 6],
    [7, 6],
  ] as const;
  // Node 1 is an end. 3 and 6 are equally near and stand on loops of three and of two; 3 came first.
  expect(endless(10, ...figure)).toEqual({
    nodes: [2, 3, 4, 5, 3],
    loopFrom: 2,
    deadlock: undefined,
  });
});
