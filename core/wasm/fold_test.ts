import { assertEquals } from "@std/assert";
import { Chance } from "../../compat/testing/chance.ts";
import type { Expr } from "./expression.ts";
import { constantOf } from "./fold.ts";
import { i32, ModuleBuilder } from "./mod.ts";

/** Constants at which operations differ. */
const EDGES = [0, 1, -1, 2, 31, 32, 33, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fff_ffff, -0x8000_0000, 0x1234_5678];

const BINARY = [
  i32.add,
  i32.sub,
  i32.mul,
  i32.and,
  i32.or,
  i32.xor,
  i32.shl,
  i32.shr_s,
  i32.shr_u,
  i32.eq,
  i32.ne,
  i32.lt_s,
  i32.lt_u,
  i32.gt_s,
  i32.gt_u,
  i32.le_u,
  i32.ge_u,
] as const;
const UNARY = [i32.eqz, i32.extend8_s, i32.extend16_s] as const;

/** What expressions come to when they run. */
function run(expressions: readonly Expr<"i32">[]): number[] {
  const module = new ModuleBuilder();
  expressions.forEach((expression, number) =>
    module.export(`${number}`, module.function(`${number}`, [], ["i32"], (b) => b.return(expression)))
  );
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  return expressions.map((_, number) => (exports[`${number}`] as () => number)());
}

Deno.test("what is known of an expression when it is emitted is what it is when it runs", () => {
  const pairs = BINARY.flatMap((operation) =>
    EDGES.flatMap((x) => EDGES.map((y) => operation(i32.const(x), i32.const(y))))
  );
  const single = UNARY.flatMap((operation) => EDGES.map((x) => operation(i32.const(x))));
  const all = [...pairs, ...single];
  assertEquals(all.map(constantOf), run(all));
});

Deno.test("trees of constants are known, too", () => {
  const chance = new Chance(1);
  const tree = (depth: number): Expr<"i32"> => {
    if (depth === 0) return i32.const(chance.pick(EDGES));
    return chance.happens(0.2)
      ? chance.pick(UNARY)(tree(depth - 1))
      : chance.pick(BINARY)(tree(depth - 1), tree(chance.below(depth)));
  };
  const trees = Array.from({ length: 300 }, () => tree(1 + chance.below(5)));
  assertEquals(trees.map(constantOf), run(trees));
});

Deno.test("an expression with a part that is not known is not known", () => {
  const load = i32.load(i32.const(0));
  for (const expression of [load, i32.add(i32.const(1), load), i32.add(load, i32.const(1)), i32.eqz(load)]) {
    assertEquals(constantOf(expression), undefined);
  }
  // Would trap, or is not folded.
  assertEquals(constantOf(i32.div_u(i32.const(1), i32.const(0))), undefined);
  assertEquals(constantOf(i32.clz(i32.const(1))), undefined);
});
