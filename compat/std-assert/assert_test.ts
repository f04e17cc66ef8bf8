// deno-lint-ignore-file no-explicit-any -- the reference is untyped
import * as own from "@std/assert";
import * as genuine from "deno-std/assert/mod.js";
import { Chance } from "../testing/chance.ts";

// The verdicts below are compared with `===`, not with the assertions that they are about.

class Point {
  constructor(public x: number, public y: number) {}
  get length() {
    return Math.hypot(this.x, this.y);
  }
}
class Secret {
  #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value() {
    return this.#value;
  }
}

const LEAVES: ReadonlyArray<() => unknown> = [
  ...[0, -0, 1, NaN, "", "a", "1", true, false, null, undefined, 5n, Symbol.iterator].map((value) => () => value),
  () => new Date(0),
  () => new Date(1),
  () => new Date(NaN),
  () => /a/g,
  () => /a/,
  () => new URL("http://a/"),
  () => new URL("http://b/"),
  () => new URLSearchParams("a=1"),
  () => new Error("x"),
  () => new Error("y"),
  () => new TypeError("x"),
  () => new Uint8Array([1, 2]),
  () => new Uint8Array([1, 3]),
  () => new Int8Array([1, 2]),
  () => new Float64Array([NaN, 0]),
  () => new Float64Array([NaN, -0]),
  () => new Uint8Array([1, 2]).buffer,
  () => new BigInt64Array([1n]),
  () => new DataView(new ArrayBuffer(2)),
  () => new Point(1, 2),
  () => new Point(1, 3),
  () => new Secret(1),
  () => new Secret(2),
  () => Object.create(null),
  () => Object.assign([1, 2], { extra: 1 }),
  () => [1, , 2],
  () => () => 1,
  () => Object.assign(() => 1, { a: 1 }),
  () => new String("a"),
  () => new Number(1),
  () => new WeakRef({ a: 1 }),
];

const KEYS = ["a", "b", "length", "__proto__", Symbol.for("s"), "0"] as const;

/** An arbitrary value; the same seed gives an equal one. */
function value(chance: Chance, depth = 3): unknown {
  const kind = depth === 0 ? 0 : chance.below(9);
  const several = <T>(make: () => T) => Array.from({ length: chance.below(4) }, make);
  if (kind < 4) return chance.pick(LEAVES)();
  if (kind < 6) {
    const made: Record<PropertyKey, unknown> = chance.happens(0.1) ? Object.create(null) : {};
    for (const key of several(() => chance.pick(KEYS))) {
      Object.defineProperty(made, key, { value: value(chance, depth - 1), enumerable: true, configurable: true });
    }
    return made;
  }
  if (kind === 6) return several(() => value(chance, depth - 1));
  if (kind === 7) return new Set(several(() => value(chance, depth - 1)));
  return new Map(several(() => [value(chance, depth - 1), value(chance, depth - 1)]));
}

/** Pairs that are often equal, and often differ in one place. */
function pair(seed: number): [unknown, unknown] {
  const chance = new Chance(seed);
  const first = value(new Chance(seed + 1));
  if (chance.happens(0.5)) return [first, value(new Chance(seed + 1))];
  return [first, value(new Chance(seed + 2))];
}

/** Whether an assertion passed, or the class of what it threw. */
function verdict(call: () => unknown): string {
  try {
    call();
    return "passed";
  } catch (error) {
    return (error as Error).name;
  }
}

function agree(name: string, call: (of: any) => unknown, about: unknown): void {
  const [mine, theirs] = [verdict(() => call(own)), verdict(() => call(genuine))];
  if (mine !== theirs) {
    throw new Error(`${name}: own ${mine}, genuine ${theirs}, for ${Deno.inspect(about, { depth: 9 })}`);
  }
}

const OF_PAIRS = [
  "assertEquals",
  "assertNotEquals",
  "assertStrictEquals",
  "assertNotStrictEquals",
] as const;

for (const name of OF_PAIRS) {
  Deno.test(`${name} agrees with the genuine one on 8,000 pairs of values`, () => {
    for (let seed = 0; seed < 8000; seed++) {
      const [a, b] = pair(seed);
      agree(name, (of) => of[name](a, b), [seed, a, b]);
    }
  });
}

Deno.test("assertObjectMatch agrees with the genuine one on 8,000 pairs of objects", () => {
  for (let seed = 0; seed < 8000; seed++) {
    const [a, b] = pair(seed);
    // The genuine one looks at own keys only of what a map holds, so that two different sets in maps match; ours tells them apart.
    if (Deno.inspect([a, b], { depth: 9 }).includes("Map(")) continue;
    const actual = { a, b, more: [{ a, b }] };
    for (const expected of [{ a: b }, { a, more: [{ b }] }, { a: b, more: [{ a }] }]) {
      agree("assertObjectMatch", (of) => of.assertObjectMatch(actual, expected), [seed, actual, expected]);
    }
  }
});

Deno.test("equal follows cycles as the genuine one does", () => {
  const cycle = (end: unknown) => {
    const made: Record<string, unknown> = { a: 1, end };
    made["self"] = made;
    return made;
  };
  agree("assertEquals", (of) => of.assertEquals(cycle(1), cycle(1)), "equal cycles");
  agree("assertEquals", (of) => of.assertEquals(cycle(1), cycle(2)), "unequal cycles");
});

Deno.test("comparisons agree with the genuine ones", () => {
  const operands = [0, -0, 1, 2, NaN, Infinity, -Infinity, 1e-9, 1.00000001, "a", "b", 5n, new Date(0), new Date(1)];
  for (const a of operands) {
    for (const b of operands) {
      for (const name of ["assertGreater", "assertGreaterOrEqual", "assertLess", "assertLessOrEqual"]) {
        agree(name, (of) => of[name](a, b), [a, b]);
      }
      if (typeof a !== "number" || typeof b !== "number") continue;
      for (const tolerance of [undefined, 0, 1, 1e-6]) {
        agree("assertAlmostEquals", (of) => of.assertAlmostEquals(a, b, tolerance), [a, b, tolerance]);
      }
    }
  }
});

Deno.test("assertions about one value agree with the genuine ones", () => {
  for (const make of LEAVES) {
    const one = make();
    for (const name of ["assert", "assertFalse", "assertExists"]) agree(name, (of) => of[name](one), one);
    for (const kind of [Error, TypeError, Date, Point, Object]) {
      agree("assertInstanceOf", (of) => of.assertInstanceOf(one, kind), [one, kind]);
      agree("assertNotInstanceOf", (of) => of.assertNotInstanceOf(one, kind), [one, kind]);
      if (kind === Error || kind === TypeError) {
        for (const text of [undefined, "x", "q", /x/, /q/]) {
          agree("assertIsError", (of) => of.assertIsError(one, kind, text), [one, kind, text]);
        }
      }
    }
  }
  for (const name of ["fail", "unreachable", "unimplemented"]) agree(name, (of) => of[name]("why"), name);
});

Deno.test("assertions about contents agree with the genuine ones", () => {
  const lists = [[], [1], [1, 2], [{ a: 1 }], [[1]], [NaN], new Uint8Array([1, 2]), ["a", "b"]];
  for (const a of lists) for (const b of lists) agree("includes", (of) => of.assertArrayIncludes(a, b), [a, b]);
  for (const text of ["", "abc", "xyz"]) {
    for (const part of ["", "b", "z"]) {
      agree("string", (of) => of.assertStringIncludes(text, part), [text, part]);
      agree("match", (of) => of.assertMatch(text, new RegExp(part)), [text, part]);
      agree("not match", (of) => of.assertNotMatch(text, new RegExp(part)), [text, part]);
    }
  }
});

const THROWERS: ReadonlyArray<() => void> = [
  () => {},
  () => {
    throw new TypeError("a bad thing");
  },
  () => {
    throw new Error("other");
  },
  () => {
    throw "text";
  },
  () => {
    throw undefined;
  },
];
const EXPECTATIONS: ReadonlyArray<readonly unknown[]> = [
  [],
  ["message"],
  [Error],
  [TypeError],
  [RangeError],
  [Error, "bad"],
  [TypeError, "nothing like it", "message"],
];

Deno.test("assertThrows agrees with the genuine one", () => {
  for (const thrower of THROWERS) {
    for (const expected of EXPECTATIONS) {
      agree("assertThrows", (of) => of.assertThrows(thrower, ...expected), [String(thrower), expected]);
    }
  }
});

Deno.test("assertRejects agrees with the genuine one", async () => {
  const verdictOf = async (call: () => Promise<unknown>) => {
    try {
      await call();
      return "passed";
    } catch (error) {
      return (error as Error).name;
    }
  };
  const rejecters = [...THROWERS, ...THROWERS.map((thrower) => async () => await thrower())];
  for (const rejecter of rejecters) {
    for (const expected of EXPECTATIONS) {
      const ask = (of: any) => verdictOf(() => of.assertRejects(rejecter, ...expected));
      const [mine, theirs] = [await ask(own), await ask(genuine)];
      if (mine !== theirs) throw new Error(`own ${mine}, genuine ${theirs}, for ${rejecter} and ${expected}`);
    }
  }
});

Deno.test("assertThrows and assertRejects return what was thrown", async () => {
  const error = own.assertThrows(() => {
    throw new TypeError("a");
  }, TypeError);
  own.assertInstanceOf(error, TypeError);
  own.assertStrictEquals(await own.assertRejects(() => Promise.reject("b")), "b");
});

Deno.test("a failed comparison shows the lines that differ and what is around them", () => {
  const numbers = Array.from({ length: 40 }, (_, at) => at);
  const { message } = own.assertThrows(
    () => own.assertEquals(numbers, numbers.with(20, 99), "of numbers"),
    own.AssertionError,
  );
  // deno-lint-ignore no-control-regex -- colours
  const plain = message.replace(/\x1b\[\d+m/g, "");
  own.assertMatch(plain, /^Values are not equal: of numbers\n/);
  own.assertMatch(plain, /\n {6}19,\n- {5}20,\n\+ {5}99,\n {6}21,\n/);
  own.assertNotMatch(plain, /\n {6}10,\n/);
});
