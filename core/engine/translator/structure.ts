/**
 * Structured control flow for a graph of blocks: WebAssembly has blocks and loops, no jumps. After Ramsey, "Beyond Relooper" (ICFP 2022): the
 * dominator tree gives the nesting.
 *
 * @module
 */

/** A graph whose node 0 is the entry. */
export type Graph = readonly (readonly number[])[];

/** What the structure of a graph is. */
export interface Structure {
  /** Reverse postorder number of each node; -1 where a node cannot be reached. */
  readonly order: readonly number[];
  /** Immediate dominator of each node; 0 for the entry itself. */
  readonly dominator: readonly number[];
  /** Children in the dominator tree, in reverse postorder. */
  readonly children: readonly (readonly number[])[];
  /** Some edge of a dominated node leads back here. */
  readonly loopHeader: readonly boolean[];
  /** More than one forward edge leads here. */
  readonly merge: readonly boolean[];
  /** Edges that no nesting can express, because their target does not dominate their source: `from * nodes + to`. */
  readonly irreducible: ReadonlySet<number>;
}

/** Analyses a graph. Irreducible edges are reported and otherwise ignored. */
export function analyse(graph: Graph): Structure {
  const count = graph.length;
  const irreducible = new Set<number>();
  for (let successors = graph;;) {
    const { order, sequence } = reversePostorder(successors);
    const dominator = dominators(successors, order, sequence);
    const bad = retreating(successors, order, dominator, sequence);
    if (bad.length === 0) return finish(successors, order, dominator, sequence, irreducible);
    for (const edge of bad) irreducible.add(edge);
    successors = graph.map((targets, from) => targets.filter((to) => !irreducible.has(from * count + to)));
  }
}

function filled<T>(count: number, value: T): T[] {
  const list: T[] = [];
  for (let k = 0; k < count; k++) list.push(value);
  return list;
}

/** The position of each node, and the nodes by position. */
function reversePostorder(successors: Graph): { order: number[]; sequence: number[] } {
  const order = filled(successors.length, -1);
  const next = filled(successors.length, -1);
  const sequence: number[] = [];
  const stack = [0];
  next[0] = 0;
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!, targets = successors[node]!;
    if (next[node]! === targets.length) {
      sequence.push(node);
      stack.pop();
      continue;
    }
    const target = targets[next[node]!++]!;
    if (next[target]! >= 0) continue;
    next[target] = 0;
    stack.push(target);
  }
  sequence.reverse();
  for (let position = 0; position < sequence.length; position++) order[sequence[position]!] = position;
  return { order, sequence };
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
function dominators(successors: Graph, order: readonly number[], sequence: readonly number[]): number[] {
  const dominator = filled(successors.length, -1);
  dominator[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    // Each node hands its targets what dominates it: nodes come in an order in which some way to them was seen before.
    for (const from of sequence) {
      for (const to of successors[from]!) {
        if (to === 0) continue;
        let x = from, y = dominator[to]!;
        if (y < 0) y = from;
        while (x !== y) {
          while (order[x]! > order[y]!) x = dominator[x]!;
          while (order[y]! > order[x]!) y = dominator[y]!;
        }
        if (dominator[to] === x) continue;
        dominator[to] = x;
        changed = true;
      }
    }
  }
  return dominator;
}

function dominates(dominator: readonly number[], above: number, node: number): boolean {
  for (let at = node;; at = dominator[at]!) {
    if (at === above) return true;
    if (at === 0) return false;
  }
}

/** Retreating edges whose target does not dominate their source: `from * nodes + to`. */
function retreating(
  successors: Graph,
  order: readonly number[],
  dominator: readonly number[],
  sequence: readonly number[],
): number[] {
  const bad: number[] = [];
  for (const from of sequence) {
    for (const to of successors[from]!) {
      if (order[to]! <= order[from]! && !dominates(dominator, to, from)) bad.push(from * successors.length + to);
    }
  }
  return bad;
}

function finish(
  successors: Graph,
  order: readonly number[],
  dominator: readonly number[],
  sequence: readonly number[],
  irreducible: ReadonlySet<number>,
): Structure {
  const count = successors.length;
  const forward = filled(count, 0);
  const loopHeader = filled(count, false), merge = filled(count, false);
  const children: number[][] = [];
  for (let node = 0; node < count; node++) children.push([]);
  for (const from of sequence) {
    if (from !== 0) children[dominator[from]!]!.push(from);
    for (const to of successors[from]!) {
      if (order[to]! <= order[from]!) loopHeader[to] = true;
      else if (++forward[to]! > 1) merge[to] = true;
    }
  }
  return { order, dominator, children, loopHeader, merge, irreducible };
}
