import { assert, assertEquals } from "@std/assert";
import { Chance } from "../../../compat/testing/chance.ts";
import { type Body, type FunctionRef, i32, type Local, ModuleBuilder } from "../../wasm/mod.ts";
import { analyse, type Graph, type Structure } from "./structure.ts";

type Label = Parameters<Body["br"]>[0];

/** What a function returns beside nodes: the walk is over. */
const OVER = -1;

/** A graph of up to `most` nodes that lead to a few others, most often two, or nowhere. */
function randomGraph(chance: Chance, most: number): number[][] {
  const count = 1 + chance.below(most);
  return Array.from(
    { length: count },
    () => Array.from({ length: chance.pick([0, 1, 1, 2, 2, 2, 2, 3, 4]) }, () => chance.below(count)),
  );
}

/** The graph with `entry` as its node 0, and the other way round. */
function rooted(graph: Graph, entry: number): number[][] {
  const swap = (node: number) => node === 0 ? entry : node === entry ? 0 : node;
  return graph.map((_, node) => graph[swap(node)]!.map(swap));
}

/** Structured control flow from the analysis alone, as a region's is: dominated nodes inside, merges behind blocks, back edges to loops. */
class Emitter {
  readonly #labels: (Label | undefined)[] = [];
  readonly #entries: (Label | undefined)[] = [];
  readonly #structure: Structure;

  constructor(
    readonly body: Body,
    readonly graph: Graph,
    readonly choice: Local<"i32">,
    /** Tells where the walk is; what it answers chooses the edge. */
    readonly visit: (node: number) => void,
    readonly leave: (node: number) => void,
  ) {
    this.#structure = analyse(graph);
  }

  tree(node: number): void {
    const merges = this.#structure.children[node]!.filter((child) => this.#structure.merge[child]);
    if (!this.#structure.loopHeader[node]) return this.#within(node, merges);
    this.body.loop((label) => {
      this.#labels[node] = label;
      this.#within(node, merges);
    });
    this.body.unreachable();
  }

  #within(node: number, merges: readonly number[]): void {
    const last = merges.at(-1);
    if (last === undefined) return this.#node(node);
    this.body.block((label) => {
      (this.#structure.loopHeader[last] ? this.#entries : this.#labels)[last] = label;
      this.#within(node, merges.slice(0, -1));
    });
    this.tree(last);
  }

  #node(node: number): void {
    this.visit(node);
    const [first, ...others] = this.graph[node]!;
    if (first === undefined) return this.leave(OVER);
    for (const [number, other] of others.entries()) {
      this.body.if(i32.eq(this.choice.get(), i32.const(number + 1)), () => this.#go(node, other));
    }
    this.#go(node, first);
  }

  #go(from: number, to: number): void {
    const { order, loopHeader, merge, irreducible } = this.#structure;
    if (irreducible.has(from * this.graph.length + to)) return this.leave(to);
    if (order[to]! <= order[from]!) return this.body.br(this.#labels[to]!);
    if (!merge[to]) return this.tree(to);
    this.body.br(loopHeader[to] ? this.#entries[to]! : this.#labels[to]!);
  }
}

/** A function for each node, which walks the graph from there until it ends or must go on at another node. */
function walkers(graph: Graph, visit: (node: number) => number): ((() => number))[] {
  const module = new ModuleBuilder();
  const visited = module.importFunction("test", "visit", ["i32"], ["i32"]);
  graph.forEach((_, entry) => {
    const swap = (node: number) => node === 0 ? entry : node === entry ? 0 : node;
    const walk: FunctionRef = module.function(`${entry}`, [], ["i32"], (b) => {
      const body = b as unknown as Body;
      const choice = body.local("i32");
      const leave = (node: number) => b.return(i32.const(node === OVER ? OVER : swap(node)));
      new Emitter(body, rooted(graph, entry), choice, (node) => {
        body.set(choice, body.call(visited, i32.const(swap(node))));
        body.if(i32.lt_s(choice.get(), i32.const(0)), () => leave(OVER));
      }, leave).tree(0);
      b.unreachable();
    });
    module.export(`${entry}`, walk);
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { test: { visit } });
  return graph.map((_, node) => exports[`${node}`] as () => number);
}

/** Whether the graph collapses to one node by merging each node into its only predecessor (Hecht and Ullman, "Flow Graph Reducibility"). */
function reducible(graph: Graph): boolean {
  const reached = reachable(graph, -1);
  const edges = new Map([...reached].map((node) => [node, new Set(graph[node]!)]));
  for (let changed = true; changed;) {
    changed = false;
    for (const [node, targets] of edges) {
      changed = targets.delete(node) || changed;
      if (node === 0) continue;
      const before = [...edges].filter(([, targets]) => targets.has(node)).map(([from]) => from);
      if (before.length !== 1) continue;
      const only = edges.get(before[0]!)!;
      only.delete(node);
      for (const target of targets) only.add(target);
      edges.delete(node);
      changed = true;
    }
  }
  return edges.size === 1;
}

/** Nodes that can be reached without passing through one. */
function reachable(graph: Graph, without: number): Set<number> {
  const seen = new Set<number>(without === 0 ? [] : [0]);
  for (const node of seen) for (const to of graph[node]!) if (to !== without) seen.add(to);
  return seen;
}

Deno.test("random graphs, irreducible ones among them, are walked as the graph says", () => {
  const LONGEST = 200;
  let cut = 0;
  for (let seed = 0; seed < 400; seed++) {
    const graph = randomGraph(new Chance(seed), 12);
    cut += analyse(graph).irreducible.size > 0 ? 1 : 0;
    const choices = new Chance(seed + 1000);
    const list = Array.from({ length: LONGEST }, () => choices.below(4));
    const expected: number[] = [];
    for (let node: number | undefined = 0; node !== undefined && expected.length < LONGEST;) {
      const edges: readonly number[] = graph[node]!;
      const choice: number = list[expected.push(node) - 1]!;
      node = edges[choice] ?? edges[0];
    }
    const path: number[] = [];
    const walk = walkers(graph, (node) => path.length === LONGEST ? OVER : list[path.push(node) - 1]!);
    for (let node = 0; node !== OVER;) node = walk[node]!();
    assertEquals(path, expected, JSON.stringify(graph));
  }
  assert(cut > 20, `${cut} irreducible graphs`);
});

Deno.test("edges are cut exactly where a graph is irreducible", () => {
  for (let seed = 0; seed < 2000; seed++) {
    const graph = randomGraph(new Chance(seed), 9);
    assertEquals(analyse(graph).irreducible.size === 0, reducible(graph), JSON.stringify(graph));
  }
});

Deno.test("a node's dominator is the nearest one without which it cannot be reached", () => {
  for (let seed = 0; seed < 500; seed++) {
    const whole = randomGraph(new Chance(seed), 10);
    const { dominator, order, irreducible } = analyse(whole);
    const graph = whole.map((targets, from) => targets.filter((to) => !irreducible.has(from * whole.length + to)));
    const reached = reachable(graph, -1);
    assertEquals(new Set([...graph.keys()].filter((node) => order[node]! >= 0)), reached);
    const above = new Map<number, number[]>([...reached].map((node) => [node, []]));
    for (const node of reached) {
      const left = reachable(graph, node);
      for (const lost of reached) if (lost !== node && !left.has(lost)) above.get(lost)!.push(node);
    }
    for (const node of reached) {
      if (node === 0) continue;
      const nearest = above.get(node)!.find((one) => above.get(one)!.length === above.get(node)!.length - 1);
      assertEquals(dominator[node], nearest, `${node} of ${JSON.stringify(whole)}`);
    }
  }
});
