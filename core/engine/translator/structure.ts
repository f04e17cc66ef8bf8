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
  let irreducible = new Set<number>();
  for (;;) {
    const successors = graph.map((targets, from) => targets.filter((to) => !irreducible.has(from * count + to)));
    const order = reversePostorder(successors);
    const dominator = dominators(successors, order);
    const bad = retreating(successors, order, dominator, count);
    if (bad.length === 0) return finish(successors, order, dominator, irreducible);
    irreducible = new Set([...irreducible, ...bad]);
  }
}

function reversePostorder(successors: Graph): number[] {
  const order = new Array<number>(successors.length).fill(-1);
  const seen = new Set<number>([0]);
  const postorder: number[] = [];
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const target = successors[top.node]![top.next++];
    if (target === undefined) {
      postorder.push(top.node);
      stack.pop();
    } else if (!seen.has(target)) {
      seen.add(target);
      stack.push({ node: target, next: 0 });
    }
  }
  postorder.reverse().forEach((node, position) => order[node] = position);
  return order;
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
function dominators(successors: Graph, order: readonly number[]): number[] {
  const count = successors.length;
  const byOrder = order.map((_, node) => node).filter((node) => order[node]! >= 0)
    .sort((x, y) => order[x]! - order[y]!);
  const predecessors: number[][] = Array.from({ length: count }, () => []);
  successors.forEach((targets, from) => {
    if (order[from]! >= 0) { for (const to of targets) predecessors[to]!.push(from); }
  });
  const dominator = new Array<number>(count).fill(-1);
  dominator[0] = 0;
  const intersect = (x: number, y: number) => {
    while (x !== y) {
      while (order[x]! > order[y]!) x = dominator[x]!;
      while (order[y]! > order[x]!) y = dominator[y]!;
    }
    return x;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const node of byOrder) {
      if (node === 0) continue;
      let found = -1;
      for (const from of predecessors[node]!) {
        if (dominator[from]! < 0) continue;
        found = found < 0 ? from : intersect(from, found);
      }
      if (found !== dominator[node]) {
        dominator[node] = found;
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

/** Retreating edges whose target does not dominate their source. */
function retreating(
  successors: Graph,
  order: readonly number[],
  dominator: readonly number[],
  count: number,
): number[] {
  const bad: number[] = [];
  successors.forEach((targets, from) => {
    if (order[from]! < 0) return;
    for (const to of targets) {
      if (order[to]! <= order[from]! && !dominates(dominator, to, from)) bad.push(from * count + to);
    }
  });
  return bad;
}

function finish(
  successors: Graph,
  order: readonly number[],
  dominator: readonly number[],
  irreducible: ReadonlySet<number>,
): Structure {
  const count = successors.length;
  const forward = new Array<number>(count).fill(0);
  const loopHeader = new Array<boolean>(count).fill(false);
  successors.forEach((targets, from) => {
    if (order[from]! < 0) return;
    for (const to of targets) {
      if (order[to]! <= order[from]!) loopHeader[to] = true;
      else forward[to]!++;
    }
  });
  const children: number[][] = Array.from({ length: count }, () => []);
  for (let node = 1; node < count; node++) if (order[node]! >= 0) children[dominator[node]!]!.push(node);
  for (const list of children) list.sort((x, y) => order[x]! - order[y]!);
  return { order, dominator, children, loopHeader, merge: forward.map((edges) => edges > 1), irreducible };
}
