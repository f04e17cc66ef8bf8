import { assertEquals, assertThrows } from "@std/assert";
import { f32, f64, i32, i64, ifValue, ModuleBuilder, v128 } from "./mod.ts";
import { functionText, toText } from "./text.ts";

Deno.test("a module prints as text, with names, labels and branch hints", () => {
  const m = new ModuleBuilder({ names: true });
  m.importMemory("host", "memory", { min: 1, max: 4, shared: true });
  const log = m.importFunction("host", "log", ["i32"], []);
  const table = m.table("funcref", 2);
  const limit = m.global("i32", true, i32.const(-1));
  const step = m.declare("step", ["i32"], ["i32", "i64"]);
  const go = m.function("go", ["i32"], [], (b, x) => {
    const low = b.local("i32"), next = b.local("i32"), high = b.local("i64");
    b.block((out) =>
      b.loop((again) => {
        b.brIf(out, i32.eqz(x.get()), "unlikely");
        b.if(i32.load8_u(x.get(), 16), () => b.br(out), () => b.brTable(x.get(), [again, out], out), "likely");
      })
    );
    b.callMulti(step, [b.tee(next, limit.get())], [low, high]);
    b.emit(b.call(log, ifValue("i32", x.get(), low.get(), i32.const(1))));
    b.emit(b.callIndirect(table, log.type, i32.const(1), next.get()));
  });
  m.define(step, (b, x) => b.returnCall(step, x.get()));
  m.elements(table, 1, [go]);
  m.data(8, Uint8Array.of(0x41, 0x22, 0));
  m.export("go", go);
  assertEquals(
    toText(m.build()),
    String.raw`(module
  (type (;0;) (func (param i32)))
  (type (;1;) (func (param i32) (result i32 i64)))
  (import "host" "memory" (memory (;0;) 1 4 shared))
  (import "host" "log" (func $host.log (;0;) (type 0)))
  (table (;0;) 2 funcref)
  (global (;0;) (mut i32) (i32.const -1))
  (export "go" (func $go))
  (elem (i32.const 1) func $go)
  (func $step (;1;) (type 1) (param i32) (result i32 i64)
    local.get 0
    return_call $step
  )
  (func $go (;2;) (type 0) (param i32)
    (local i32 i32 i64)
    block (;@1;)
      loop (;@2;)
        local.get 0
        i32.eqz
        (@metadata.code.branch_hint "\00")
        br_if 1 (;@1;)
        local.get 0
        i32.load8_u offset=16
        (@metadata.code.branch_hint "\01")
        if (;@3;)
          br 2 (;@1;)
        else
          local.get 0
          br_table 1 (;@2;) 2 (;@1;) 2 (;@1;)
        end
      end
    end
    global.get 0
    local.tee 2
    call $step
    local.set 3
    local.set 1
    local.get 0
    if (result i32) (;@1;)
      local.get 1
    else
      i32.const 1
    end
    call $host.log
    local.get 2
    i32.const 1
    call_indirect 0 (type 0)
  )
  (data (i32.const 8) "A\22\00")
)
`,
  );
});

Deno.test("constants print so that they read back as the same bits", () => {
  const m = new ModuleBuilder();
  m.function("f", [], [], (b) => {
    b.drop(i64.const(-(1n << 63n)));
    for (const value of [0.1, -0, Infinity, NaN, 1e21]) b.drop(f64.const(value));
    b.drop(f32.const(-Infinity));
    b.drop(v128.const([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255]));
  });
  const constants = toText(m.build()).split("\n").filter((line) => line.includes(".const")).map((line) => line.trim());
  assertEquals(constants, [
    "i64.const -9223372036854775808",
    "f64.const 0.1",
    "f64.const -0",
    "f64.const inf",
    "f64.const nan:0x8000000000000",
    "f64.const 1e+21",
    "f32.const -inf",
    "v128.const i32x4 0x04030201 0x08070605 0x0c0b0a09 0xff0f0e0d",
  ]);
});

Deno.test("bytes that are no module, or not one of ours, are refused with the offset", () => {
  assertThrows(() => toText(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)), Error, "Bytes 0 to 7");
  assertThrows(() => toText(Uint8Array.of(0, 0x61, 0x73)), RangeError, "ends at byte 3");
  const m = new ModuleBuilder();
  m.function("f", [], [], (b) => b.unreachable());
  const bytes = m.build();
  bytes[bytes.length - 2] = 0x06;
  assertThrows(() => toText(bytes), Error, "0x6");
});

Deno.test("one function prints by itself, with notes before the instructions at their offsets", () => {
  const m = new ModuleBuilder();
  m.function("first", [], ["i32"], (b) => b.return(i32.const(1)));
  let middle = 0;
  const second = m.function("second", ["i32"], ["i32"], (b, x) => {
    const y = b.local("i32");
    b.set(y, x.get());
    middle = b.length;
    b.return(x.get());
  });
  assertEquals(
    functionText(m.build(), second.index, new Map([[0, ["x"]], [middle, ["y", "z"]]])),
    `  (func (;1;) (type 1) (param i32) (result i32)
    (local i32)
    ;; x
    local.get 0
    local.set 1
    ;; y
    ;; z
    local.get 0
    return
  )
`,
  );
  assertEquals(m.bodySize(second) > middle, true);
});
