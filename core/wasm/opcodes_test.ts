import { assert, assertEquals } from "@std/assert";
import {
  atomic_fence,
  type Expr,
  f32,
  f32x4,
  f64,
  f64x2,
  i16x8,
  i32,
  i32x4,
  i64,
  i64x2,
  i8x16,
  memory_atomic_notify,
  memory_atomic_wait32,
  memory_atomic_wait64,
  memoryCopy,
  memoryFill,
  memoryGrow,
  memorySize,
  ModuleBuilder,
  nop,
  refIsNull,
  refNull,
  select,
  unreachable,
  v128,
  type ValueType,
} from "./mod.ts";
import { F32, F64, I32, I32_ATOMIC, I64, I64_ATOMIC } from "./opcodes.ts";
import { F32X4, F64X2, I16X8, I32X4, I64X2, I8X16, V128 } from "./opcodes_vector.ts";
import { toText } from "./text.ts";

// deno-lint-ignore no-explicit-any
type Operation = (...operands: any[]) => Expr<any>;
type Groups = Readonly<Record<string, Readonly<Record<string, number>>>>;

const A = i32.const(64);
const SAMPLE: { readonly [T in ValueType]: Expr<T> } = {
  i32: i32.const(7),
  i64: i64.const(1n << 40n),
  f32: f32.const(1.5),
  f64: f64.const(-2.5),
  v128: v128.const(Array.from({ length: 16 }, (_, i) => i)),
  funcref: refNull("funcref"),
  externref: refNull("externref"),
};

/** Calls every operation of a table with operands of the types that its group has. */
function all(
  tables: readonly (readonly [string, Groups, object])[],
  operands: (type: string, group: string, name: string) => readonly unknown[],
): { name: string; made: Expr }[] {
  return tables.flatMap(([type, groups, operations]) =>
    Object.entries(groups).flatMap(([group, codes]) =>
      Object.keys(codes).map((name) => {
        const operation = (operations as Record<string, Operation>)[name];
        assert(operation !== undefined, `${type}.${name} has no function`);
        return { name: `${type}.${name}`, made: operation(...operands(type, group, name)) };
      })
    )
  );
}

/** A module with one function per expression, which evaluates it. */
function moduleOf(expressions: readonly { name: string; made: Expr }[]): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder({ names: true });
  m.memory({ min: 1, max: 2, shared: true });
  for (const { name, made } of expressions) {
    m.function(name, [], [], (b) => made.type === "void" ? b.emit(made as Expr<"void">) : b.drop(made as Expr<"i32">));
  }
  return m.build();
}

/** Checks that the engine accepts each function and that the text names each instruction as the function's name does. */
function accept(expressions: readonly { name: string; made: Expr }[]): void {
  const bytes = moduleOf(expressions);
  if (!WebAssembly.validate(bytes)) {
    const rejected = expressions.filter((one) => !WebAssembly.validate(moduleOf([one])));
    assertEquals(rejected.map(({ name }) => name), []);
  }
  const bodies = toText(bytes).split("\n  (func ").slice(1);
  bodies.forEach((body, i) => {
    const written = body.slice(0, body.indexOf("\n  )")).split("\n").slice(1).map((line) => line.trim().split(" ")[0])
      .filter((instruction) => instruction !== "drop").at(-1);
    assertEquals(written?.replaceAll(".", "_"), expressions[i]?.name.replaceAll(".", "_"));
  });
}

Deno.test("every scalar instruction is valid and named", () => {
  const tables = [["i32", I32, i32], ["i64", I64, i64], ["f32", F32, f32], ["f64", F64, f64]] as const;
  const expressions = all(tables, (type, group) => {
    const own = SAMPLE[type as ValueType];
    const from = /^from_(\w+)$/.exec(group)?.[1];
    if (from) return [SAMPLE[from as ValueType]];
    if (group === "load") return [A, 4];
    if (group === "store") return [A, own, 4];
    return group === "unary" || group === "test" ? [own] : [own, own];
  });
  // Opcodes 0x45 to 0xc4 without a gap, saturating truncations, loads and stores.
  assertEquals(expressions.length, (0xc4 - 0x45 + 1) + 8 + 14 + 9);
  accept(expressions);
});

Deno.test("every atomic instruction is valid and named", () => {
  const tables = [["i32", I32_ATOMIC, i32], ["i64", I64_ATOMIC, i64]] as const;
  const expressions = all(tables, (type, group) => {
    const own = SAMPLE[type as ValueType];
    return [A, ...{ load: [], store: [own], rmw: [own], cmpxchg: [own, own] }[group] ?? [], 8];
  });
  assertEquals(expressions.length, 63);
  accept([
    ...expressions,
    { name: "memory.atomic.notify", made: memory_atomic_notify(A, SAMPLE.i32, 4) },
    { name: "memory.atomic.wait32", made: memory_atomic_wait32(A, SAMPLE.i32, SAMPLE.i64) },
    { name: "memory.atomic.wait64", made: memory_atomic_wait64(A, SAMPLE.i64, SAMPLE.i64) },
    { name: "atomic.fence", made: atomic_fence() },
  ]);
});

Deno.test("every vector instruction is valid and named", () => {
  const v = SAMPLE.v128;
  const tables = [
    ["v128", V128, v128],
    ["i8x16", I8X16, i8x16],
    ["i16x8", I16X8, i16x8],
    ["i32x4", I32X4, i32x4],
    ["i64x2", I64X2, i64x2],
    ["f32x4", F32X4, f32x4],
    ["f64x2", F64X2, f64x2],
  ] as const;
  const expressions = all(tables, (type, group) => {
    const lane = SAMPLE[type.startsWith("f") || type === "i64x2" ? type.slice(0, 3) as ValueType : "i32"];
    const operands: Record<string, readonly unknown[]> = {
      load: [A, 1],
      store: [A, v, 1],
      load_lane: [A, v, 1, 4],
      store_lane: [A, v, 1, 4],
      splat: [lane],
      extract: [v, 1],
      replace: [v, 1, lane],
      unary: [v],
      test: [v],
      binary: [v, v],
      ternary: [v, v, v],
      shift: [v, SAMPLE.i32],
    };
    return operands[group] as readonly unknown[];
  });
  // 236 instructions of fixed-width SIMD, of which v128.const and i8x16.shuffle are in no group, and 20 relaxed ones.
  assertEquals(expressions.length, 236 - 2 + 20);
  accept([
    ...expressions,
    { name: "v128.const", made: v },
    { name: "i8x16.shuffle", made: i8x16.shuffle(v, v, Array.from({ length: 16 }, (_, i) => i * 2)) },
  ]);
});

Deno.test("every other expression is valid and named", () => {
  accept([
    { name: "i32.const", made: SAMPLE.i32 },
    { name: "i64.const", made: SAMPLE.i64 },
    { name: "f32.const", made: SAMPLE.f32 },
    { name: "f64.const", made: SAMPLE.f64 },
    { name: "memory.size", made: memorySize() },
    { name: "memory.grow", made: memoryGrow(A) },
    { name: "memory.fill", made: memoryFill(A, A, A) },
    { name: "memory.copy", made: memoryCopy(A, A, A) },
    { name: "ref.null", made: SAMPLE.externref },
    { name: "ref.is_null", made: refIsNull(SAMPLE.funcref) },
    { name: "select", made: select(A, SAMPLE.f64, f64.const(1)) },
    { name: "select", made: select(A, SAMPLE.externref, refNull("externref")) },
    { name: "nop", made: nop() },
    { name: "unreachable", made: unreachable() },
  ]);
});
