import { assert, assertEquals, assertThrows } from "@std/assert";
import { i32, i64, ModuleBuilder, refIsNull, refNull } from "./mod.ts";

// deno-lint-ignore no-explicit-any
type Exports = Record<string, (...args: any[]) => any>;

function exportsOf(m: ModuleBuilder, imports: WebAssembly.Imports = {}): Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(m.build()), imports).exports as Exports;
}

Deno.test("everything that can be imported is imported and reached", () => {
  const m = new ModuleBuilder();
  m.importMemory("host", "memory", { min: 1 });
  const seen = m.importFunction("host", "seen", ["i64"], ["i32"]);
  const table = m.importTable("host", "table", "funcref", 2);
  const base = m.importGlobal("host", "base", "i32");
  const counter = m.importGlobal("host", "counter", "i64", true);
  const own = m.global("i32", true, i32.const(5));
  const two = m.function("two", [], ["i32"], (b) => b.return(i32.const(2)));
  m.elements(table, base.get(), [two]);
  m.data(base.get(), Uint8Array.of(7, 8));
  const start = m.function("start", [], [], (b) => b.emit(own.set(i32.const(6))));
  m.start(start);
  const go = m.function("go", [], ["i32"], (b) => {
    b.emit(counter.set(i64.add(counter.get(), i64.const(1))));
    const loaded = i32.load8_u(base.get());
    b.return(i32.add(i32.add(b.call(seen, counter.get()), own.get()), loaded));
  });
  m.export("go", go);
  const host = {
    memory: new WebAssembly.Memory({ initial: 1 }),
    seen: (value: bigint) => Number(value) * 100,
    table: new WebAssembly.Table({ element: "anyfunc", initial: 2 }),
    base: new WebAssembly.Global({ value: "i32" }, 1),
    counter: new WebAssembly.Global({ value: "i64", mutable: true }, 41n),
  };
  assertEquals(exportsOf(m, { host }).go?.(), 4200 + 6 + 7);
  assertEquals(host.counter.value, 42n);
  assertEquals((host.table.get(1) as () => number)(), 2);
});

Deno.test("tables beyond the first are filled, read, set and grown", () => {
  const m = new ModuleBuilder();
  m.table("externref", 1);
  const table = m.table("funcref", 2);
  const two = m.function("two", [], ["i32"], (b) => b.return(i32.const(2)));
  m.elements(table, 1, [two]);
  const unlisted = m.function("three", [], ["i32"], (b) => b.return(i32.const(3)));
  const go = m.function("go", [], ["i32"], (b) => {
    b.drop(table.grow(refNull("funcref"), i32.const(2)));
    b.emit(table.set(i32.const(3), m.refFunc(unlisted)));
    b.emit(table.set(i32.const(2), table.get(i32.const(1))));
    const called = [1, 2, 3].map((at) => b.callIndirect(table, two.type, i32.const(at)));
    const sum = called.reduce((total, one) => i32.add(i32.mul(total, i32.const(10)), one));
    b.return(i32.add(i32.mul(sum, table.size()), refIsNull(table.get(i32.const(0)))));
  });
  m.export("go", go);
  assertEquals(exportsOf(m).go?.(), 223 * 4 + 1);
});

Deno.test("equal function types are written once", () => {
  const m = new ModuleBuilder();
  const a = m.type(["i32", "i64"], ["f32"]);
  assertEquals(m.type(["i32", "i64"], ["f32"]), a);
  assertEquals(m.declare("f", ["i32", "i64"], ["f32"]).type.index, a.index);
  assert(m.type(["i32"], ["i64", "f32"]).index !== a.index);
  assert(m.type(["i32", "i64", "f32"], []).index !== m.type([], ["i32", "i64", "f32"]).index);
});

Deno.test("functions have their names in messages of the engine", () => {
  const m = new ModuleBuilder({ names: true });
  m.export("go", m.function("the trap", [], [], (b) => b.unreachable()));
  const error = assertThrows(() => exportsOf(m).go?.(), WebAssembly.RuntimeError) as Error;
  assert(error.stack?.includes("the trap"));
});

Deno.test("a declared function must be defined, once, in its module", () => {
  const m = new ModuleBuilder();
  const f = m.declare("f", [], []);
  m.declare("g", [], []);
  m.define(f, () => {});
  assertThrows(() => m.define(f, () => {}), Error, '"f" is already defined');
  assertThrows(() => new ModuleBuilder().define(f, () => {}), Error, '"f" was not declared in this module');
  assertThrows(() => m.build(), Error, 'does not define: "g"');
});

Deno.test("an import after a definition of its kind is refused", () => {
  const m = new ModuleBuilder();
  m.declare("f", [], []);
  assertThrows(() => m.importFunction("host", "late", [], []), Error, '"host.late" comes after a function');
  m.global("i32", false, i32.const(0));
  assertThrows(() => m.importGlobal("host", "late", "i32"), Error, "after a global");
  m.importTable("host", "table", "funcref", 0);
});

Deno.test("a second memory, a second export of a name and a shared memory without a limit are refused", () => {
  const m = new ModuleBuilder();
  m.export("memory", m.memory({ min: 1, shared: true }));
  assertThrows(() => m.memory({ min: 1 }), Error, "already has a memory");
  assertThrows(() => m.export("memory", m.table("funcref", 0)), Error, '"memory"');
  assertThrows(() => m.build(), Error, "maximum");
});

Deno.test("an immutable global is not set", () => {
  const constant = new ModuleBuilder().global("i32", false, i32.const(1));
  assertThrows(() => constant.set(i32.const(2)), Error, "immutable");
});

Deno.test("an empty module is a module", () => {
  assert(WebAssembly.validate(new ModuleBuilder().build()));
});
