import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Body,
  f64,
  i32,
  i32x4,
  i64,
  ifValue,
  type Label,
  type Local,
  memoryCopy,
  memoryFill,
  ModuleBuilder,
  select,
  unreachable,
  v128,
} from "./mod.ts";

// deno-lint-ignore no-explicit-any
type Exports = Record<string, (...args: any[]) => any>;

/** Instantiates a module that exports what it should. */
function run(build: (m: ModuleBuilder) => void, imports: WebAssembly.Imports = {}): Exports {
  const m = new ModuleBuilder();
  build(m);
  return new WebAssembly.Instance(new WebAssembly.Module(m.build()), imports).exports as Exports;
}

Deno.test("constants and arithmetic give the values that JavaScript gives", () => {
  const { sum, big, half } = run((m) => {
    m.export("sum", m.function("sum", ["i32", "i32"], ["i32"], (b, x, y) => b.return(i32.add(x.get(), y.get()))));
    const wide = m.function("big", ["i64"], ["i64"], (b, x) => {
      b.return(i64.add(i64.mul(x.get(), i64.const(0xffff_ffff_ffffn)), i64.const(-3_000_000_000)));
    });
    m.export("big", wide);
    m.export("half", m.function("half", ["f64"], ["f64"], (b, x) => b.return(f64.mul(x.get(), f64.const(0.5)))));
  });
  assertEquals(sum?.(0x7fffffff, 1), -0x80000000);
  assertEquals(big?.(-5n), -5n * 0xffff_ffff_ffffn - 3_000_000_000n);
  assertEquals(half?.(-3), -1.5);
});

Deno.test("a constant that does not fit is refused", () => {
  assertEquals(i32.const(0xffffffff).bytes, i32.const(-1).bytes);
  assertThrows(() => i32.const(2 ** 32), RangeError, "4294967296");
  assertThrows(() => i32.const(0.5), RangeError, "0.5");
  assertThrows(() => i64.const(2 ** 60), RangeError, "bigint");
  assertThrows(() => i64.const(1n << 64n), RangeError, "2^64-1");
  assertThrows(() => i32.load(i32.const(0), -1), RangeError, "offset");
  assertThrows(() => i32x4.extract_lane(v128.const(new Uint8Array(16)), 4), RangeError, "0 to 3");
});

Deno.test("memory is loaded, stored, filled and copied, at offsets", () => {
  const { go, memory } = run((m) => {
    m.export("memory", m.memory({ min: 1 }));
    m.export(
      "go",
      m.function("go", ["i32"], ["i32"], (b, at) => {
        b.emit(i32.store8(at.get(), i32.const(0x80), 3));
        b.emit(memoryFill(i32.const(16), i32.const(0xab), i32.const(4)));
        b.emit(memoryCopy(i32.const(20), i32.const(17), i32.const(2)));
        b.emit(i64.store32(at.get(), i64.const(0x1_2345_6789), 0x100));
        b.return(i32.load8_s(at.get(), 3));
      }),
    );
  });
  assertEquals(go?.(1), -0x80);
  const bytes = new Uint8Array((memory as unknown as WebAssembly.Memory).buffer);
  assertEquals([...bytes.subarray(15, 24)], [0, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0, 0]);
  assertEquals([...bytes.subarray(0x101, 0x105)], [0x89, 0x67, 0x45, 0x23]);
});

Deno.test("an offset reaches the whole of the address space, and beyond it traps", () => {
  const { go } = run((m) => {
    m.memory({ min: 1 });
    m.export("go", m.function("go", ["i32"], ["i32"], (b, at) => b.return(i32.load(at.get(), 0xffffffff))));
  });
  assertThrows(() => go?.(16), WebAssembly.RuntimeError, "out of bounds");
});

Deno.test("atomics work on a shared memory", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const { go } = run((m) => {
    m.importMemory("host", "memory", { min: 1, max: 2, shared: true });
    m.export(
      "go",
      m.function("go", [], ["i32"], (b) => {
        b.drop(i32.atomic_rmw_add(i32.const(8), i32.const(5)));
        b.drop(i64.atomic_rmw32_or_u(i32.const(0), i64.const(0xf0), 12));
        b.return(i32.atomic_rmw_cmpxchg(i32.const(8), i32.const(6), i32.const(99)));
      }),
    );
  }, { host: { memory } });
  const words = new Int32Array(memory.buffer);
  words[2] = 1;
  assertEquals(go?.(), 6);
  assertEquals([words[2], words[3]], [99, 0xf0]);
});

Deno.test("branches leave blocks, repeat loops and choose by table", () => {
  const { count, choose } = run((m) => {
    const count = m.function("count", ["i32"], ["i32"], (b, n) => {
      const steps = b.local("i32");
      b.block((done) =>
        b.loop((again) => {
          b.brIf(done, i32.eq(n.get(), i32.const(1)), "unlikely");
          b.set(steps, i32.add(steps.get(), i32.const(1)));
          b.if(
            i32.and(n.get(), i32.const(1)),
            () => b.set(n, i32.add(i32.mul(n.get(), i32.const(3)), i32.const(1))),
            () => b.set(n, i32.shr_u(n.get(), i32.const(1))),
          );
          b.br(again);
        })
      );
      b.return(steps.get());
    });
    m.export("count", count);
    const choose = m.function("choose", ["i32"], ["i32"], (b, n) => {
      const cases: Label[] = [];
      const nest = (depth: number) => {
        b.block((label) => {
          cases[depth] = label;
          if (depth < 3) nest(depth + 1);
          else b.brTable(n.get(), [3, 2, 1].map((c) => cases[c] as Label), cases[0] as Label);
        });
        b.return(i32.const(100 + depth));
      };
      nest(0);
    });
    m.export("choose", choose);
  });
  assertEquals(count?.(27), 111);
  assertEquals([0, 1, 2, 3, -1].map((n) => choose?.(n)), [103, 102, 101, 100, 100]);
});

Deno.test("an `if` is left by its own label, and a conditional value evaluates one side", () => {
  const { go } = run((m) => {
    const go = m.function("go", ["i32"], ["i32"], (b, n) => {
      const seen = b.local("i32");
      b.if(n.get(), (out) => {
        b.set(seen, i32.const(1));
        b.brIf(out, i32.lt_s(n.get(), i32.const(10)));
        b.set(seen, i32.const(2));
      });
      const small = i32.lt_u(n.get(), i32.const(100));
      b.return(ifValue("i32", small, select(seen.get(), seen.get(), i32.const(-1)), unreachable(), "likely"));
    });
    m.export("go", go);
  });
  assertEquals([0, 5, 50].map((n) => go?.(n)), [-1, 1, 2]);
  assertThrows(() => go?.(100), WebAssembly.RuntimeError, "unreachable");
});

Deno.test("an expression that is used twice runs twice", () => {
  const { go } = run((m) => {
    const go = m.function("go", [], ["i32"], (b) => {
      const n = b.local("i32");
      const next = b.tee(n, i32.add(n.get(), i32.const(1)));
      b.return(i32.mul(i32.add(next, next), i32.const(10)));
    });
    m.export("go", go);
  });
  assertEquals(go?.(), 30);
});

Deno.test("locals of all types keep their values apart", () => {
  const { go } = run((m) => {
    const go = m.function("go", ["i64"], ["i64"], (b, p) => {
      const a = b.local("i32"), c = b.local("i32"), d = b.local("f64"), e = b.local("i32"), f = b.local("v128");
      b.set(a, i32.const(1));
      b.set(c, i32.const(20));
      b.set(d, f64.const(300));
      b.set(e, i32.const(4000));
      b.set(f, i32x4.splat(i32.const(50000)));
      const sum = [c, e].reduce((total, local) => i32.add(total, local.get()), a.get());
      const all = i32.add(i32.add(sum, i32.trunc_f64_s(d.get())), i32x4.extract_lane(f.get(), 3));
      b.return(i64.add(p.get(), i64.extend_i32_s(all)));
    });
    m.export("go", go);
  });
  assertEquals(go?.(600000n), 654321n);
});

Deno.test("a scratch local is reused after it was given back, and not before", () => {
  run((m) => {
    m.function("go", [], [], (b) => {
      const indices: number[] = [];
      b.scratch("i32", (x) => b.scratch("i32", (y) => indices.push(x.index, y.index)));
      b.scratch("i64", (x) => indices.push(x.index));
      b.scratch("i32", (x) => indices.push(x.index));
      assertEquals(indices.length, 4);
      assert(indices[0] !== indices[1] && !indices.slice(0, 2).includes(indices[2] as number));
      assert(indices.slice(0, 2).includes(indices[3] as number));
    });
  });
});

Deno.test("vectors compute by lane", () => {
  const { go } = run((m) => {
    const go = m.function("go", ["i32"], ["i32"], (b, x) => {
      const v = i32x4.replace_lane(i32x4.splat(x.get()), 2, i32.const(-9));
      const w = i32x4.max_s(i32x4.mul(v, v), i32x4.splat(i32.const(50)));
      b.return(i32.add(i32x4.extract_lane(w, 2), i32x4.extract_lane(i32x4.shl(w, i32.const(33)), 0)));
    });
    m.export("go", go);
  });
  assertEquals(go?.(3), 81 + 100);
});

Deno.test("calls, indirect calls and results of several values work in both directions of declaration", () => {
  const { go } = run((m) => {
    const table = m.table("funcref", 4, 4);
    const divide = m.declare("divide", ["i32", "i32"], ["i32", "i32"]);
    const binary = m.type(["i32", "i32"], ["i32"]);
    const go = m.function("go", ["i32", "i32", "i32"], ["i32"], (b, which, x, y) => {
      const quotient = b.local("i32"), remainder = b.local("i32");
      b.callMulti(divide, [x.get(), y.get()], [quotient, remainder]);
      b.callIndirectMulti(table, divide.type, i32.const(3), [x.get(), quotient.get()], [quotient, remainder]);
      b.return(b.callIndirect(table, binary, which.get(), quotient.get(), remainder.get()));
    });
    m.define(divide, (b, x, y) => b.return(i32.div_s(x.get(), y.get()), i32.rem_s(x.get(), y.get())));
    const plus = m.function("plus", ["i32", "i32"], ["i32"], (b, x, y) => b.return(i32.add(x.get(), y.get())));
    const minus = m.function("minus", ["i32", "i32"], ["i32"], (b, x, y) => b.return(i32.sub(x.get(), y.get())));
    m.elements(table, i32.const(1), [plus, minus, divide]);
    m.export("go", go);
  });
  // 100 / 30 = 3; 100 / 3 = 33 remainder 1.
  assertEquals([go?.(1, 100, 30), go?.(2, 100, 30)], [34, 32]);
  assertThrows(() => go?.(0, 1, 1), WebAssembly.RuntimeError);
  assertThrows(() => go?.(3, 1, 1), WebAssembly.RuntimeError, "signature");
});

Deno.test("a million tail calls, direct and through a table, need no stack", () => {
  const { go } = run((m) => {
    const table = m.table("funcref", 1);
    const odd = m.declare("odd", ["i32"], ["i32"]);
    const even = m.function("even", ["i32"], ["i32"], (b, n) => {
      b.if(i32.eqz(n.get()), () => b.return(i32.const(1)));
      b.returnCall(odd, i32.sub(n.get(), i32.const(1)));
    });
    m.define(odd, (b, n) => {
      b.if(i32.eqz(n.get()), () => b.return(i32.const(0)));
      b.returnCallIndirect(table, even.type, i32.const(0), i32.sub(n.get(), i32.const(1)));
    });
    m.elements(table, 0, [even]);
    m.export("go", even);
  });
  assertEquals([go?.(1_000_000), go?.(1_000_001)], [1, 0]);
});

Deno.test("a branch to a label that is not open is refused, naming the function", () => {
  const m = new ModuleBuilder();
  assertThrows(
    () =>
      m.function("late", [], [], (b) => {
        let kept: Label | undefined;
        b.block((label) => kept = label);
        b.block(() => b.br(kept as Label));
      }),
    Error,
    '"late" branches to a label that is not open',
  );
  assertThrows(
    () =>
      m.function("outer", [], [], (b) =>
        b.block((label) => {
          m.function("inner", [], [], (other) => other.block(() => other.br(label)));
        })),
    Error,
    '"inner" branches to a label of function "outer"',
  );
});

Deno.test("a local of another function is refused, naming both", () => {
  const m = new ModuleBuilder();
  let kept: Local<"i32"> | undefined;
  m.function("owner", ["i32"], [], (_b, x) => void (kept = x));
  const x = kept as unknown as Local<"i32">;
  assertThrows(() => m.function("reader", [], [], (b) => b.drop(x.get())), Error, '"owner"');
  assertThrows(() => m.function("setter", [], [], (b) => b.set(x, i32.const(0))), Error, '"setter"');
});

Deno.test("a function with results must not run off its end", () => {
  assertThrows(
    () => new ModuleBuilder().function("f", [], ["i32"], (b) => b.drop(i32.const(1))),
    Error,
    '"f" has results',
  );
  const m = new ModuleBuilder();
  m.function("endless", [], ["i32"], (b) => {
    b.loop((again) => b.br(again));
    b.unreachable();
  });
  assert(WebAssembly.validate(m.build()));
});

Deno.test("bodies and locals beyond the engine's limits are refused, naming the function", () => {
  const build = (name: string, body: (b: Body) => void) => {
    const m = new ModuleBuilder();
    m.function(name, ["i64"], [], body);
    return m.build();
  };
  const fill = (bytes: number) => (b: Body) => {
    const chunk = Array.from({ length: 12 }).reduce<ReturnType<typeof i32.const>>((e) => i32.add(e, e), i32.const(1));
    const size = chunk.bytes.length + 1;
    // One byte declares no locals, one ends the body.
    let left = bytes - 2;
    for (; left > size; left -= size) b.drop(chunk);
    for (; left > 0; left--) b.unreachable();
  };
  assert(WebAssembly.validate(build("largest", fill(7_654_321))));
  assertThrows(() => build("larger", fill(7_654_322)), RangeError, '"larger" is 7654322 bytes long');
  const declare = (count: number) => (b: Body) => {
    for (let i = 0; i < count; i++) b.local("i32");
  };
  assert(WebAssembly.validate(build("most", declare(49_999))));
  assertThrows(() => build("more", declare(50_000)), RangeError, '"more" has more than 50000 locals');
});

Deno.test("types are checked by TypeScript", () => {
  const m = new ModuleBuilder();
  const pair = m.declare("pair", ["i32", "i64"], ["i32"]);
  m.define(pair, (b, x, y) => {
    // @ts-expect-error: an i64 is no i32
    i32.add(x.get(), y.get());
    // @ts-expect-error: an i64 is no i32
    const set = () => b.set(x, y.get());
    // @ts-expect-error: an i64 is no i32
    const call = () => b.call(pair, x.get(), x.get());
    // @ts-expect-error: a value is left
    const emit = () => b.emit(x.get());
    // @ts-expect-error: an i64 is no i32
    const leave = () => b.return(y.get());
    // @ts-expect-error: two types
    select(x.get(), x.get(), y.get());
    // @ts-expect-error: the alternate has another type
    ifValue("i32", x.get(), x.get(), y.get());
    assert([set, call, emit, leave].every((unused) => typeof unused === "function"));
    b.return(x.get());
  });
});

Deno.test("a wrong number of values is refused even where TypeScript cannot see it", () => {
  const m = new ModuleBuilder();
  const f = m.importFunction("host", "f", ["i32"], []);
  const none: [ReturnType<typeof i32.const>] = [] as never;
  assertThrows(() => m.function("g", [], [], (b) => b.emit(b.call(f, ...none))), TypeError, 'call of "host.f" takes 1');
});

Deno.test("a local that is read right behind where it is set is written as a tee, and read later once more", () => {
  const size = (between: (b: Body<readonly ["i32"]>) => void) => {
    const m = new ModuleBuilder();
    const f = m.function("f", ["i32"], ["i32"], (b, x) => {
      const y = b.local("i32");
      b.set(y, i32.add(x.get(), i32.const(5)));
      between(b);
      b.return(i32.mul(y.get(), y.get()));
    });
    m.export("f", f);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.build()));
    assertEquals((exports as Exports).f?.(3), 64);
    return m.bodySize(f);
  };
  const plain = size(() => {});
  // A block of no instructions takes three bytes; the value has then to be read anew, which takes two more.
  assertEquals(size((b) => b.block(() => {})), plain + 3 + 2);
});

Deno.test("what is set in one body is not taken for set in the next one", () => {
  const m = new ModuleBuilder();
  // The second one is written into the same buffer, and reads a local of the same number behind as many bytes: four.
  m.function("first", [], [], (b) => b.set(b.local("i32"), i32.const(7)));
  const second = m.function("second", ["i32"], ["i32"], (b, x) => {
    b.drop(i32.const(100));
    b.return(x.get());
  });
  m.export("second", second);
  assertEquals((new WebAssembly.Instance(new WebAssembly.Module(m.build())).exports as Exports).second?.(9), 9);
});

Deno.test("a block has the result that who branches to it brings", () => {
  const { classify } = run((m) => {
    const classify = m.function("classify", ["i32"], ["i32"], (b, x) => {
      const kind = b.local("i32");
      b.blockInto(kind, (label) => {
        b.brIfWith(label, i32.const(-1), i32.lt_s(x.get(), i32.const(0)), "unlikely");
        b.brIfWith(label, i32.const(0), i32.eqz(x.get()));
        b.brWith(label, i32.const(1));
      });
      b.return(i32.mul(kind.get(), i32.const(10)));
    });
    m.export("classify", classify);
  });
  assertEquals([-7, 0, 7].map((x) => classify?.(x)), [-10, 0, 10]);
  assertThrows(
    () => run((m) => m.function("f", [], [], (b) => b.blockInto(b.local("i32"), () => {}))),
    Error,
    'Function "f" has a block with a result that is left without one.',
  );
});
