import { assertEquals } from "@std/assert";
import { Chance } from "../../../compat/testing/chance.ts";
import { type Body, i32, type Local, ModuleBuilder } from "../../wasm/mod.ts";
import { FLAG } from "../../x86/registers.ts";
import { signed, type Value, type Width } from "../../x86/semantics/builder.ts";
import { FLAG_WORDS, LocalFlags, meet } from "./local_flags.ts";

const EDGES = [0, 1, -1, 2, 15, 16, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, -0x8000_0000];
const WIDTHS = [8, 16, 32] as const;

/** What sets the flags of two operands. The others follow an operation, and change some of what it left. */
const OPERATIONS: Readonly<Record<string, (flags: LocalFlags, w: Width, x: Value, y: Value) => void>> = {
  add: (flags, w, x, y) => flags.add(w, signed(w, i32.add(x, y)), y),
  sub: (flags, w, x, y) => flags.sub(w, signed(w, i32.sub(x, y)), x, y),
  and: (flags, w, x, y) => flags.logic(signed(w, i32.and(x, y))),
  "sub, inc": (flags, w, x, y) => {
    flags.sub(w, signed(w, i32.sub(x, y)), x, y);
    flags.increment(w, signed(w, i32.add(x, i32.const(1))));
  },
  "add, dec": (flags, w, x, y) => {
    flags.add(w, signed(w, i32.add(x, y)), y);
    flags.decrement(w, signed(w, i32.sub(x, i32.const(1))), x);
  },
  "and, stc": (flags, w, x, y) => {
    flags.logic(signed(w, i32.and(x, y)));
    flags.setCarry(i32.const(1));
  },
  popf: (flags, _w, x) => flags.setAll(x),
  "sub, popf": (flags, w, x, y) => {
    flags.sub(w, signed(w, i32.sub(x, y)), x, y);
    flags.setAll(y);
  },
};

/** The flags by their definition (Intel SDM volume 1, 3.4.3.1), in their EFLAGS positions. */
function defined(name: string, w: Width, x: number, y: number): number {
  const mask = w === 32 ? 0xffff_ffff : (1 << w) - 1, sign = 2 ** (w - 1);
  const ux = (x & mask) >>> 0, uy = (y & mask) >>> 0;
  const rest = (r: number) => {
    const ones = (r & 0xff).toString(2).replaceAll("0", "").length;
    return (r === 0 ? FLAG.ZF : 0) | (r >= sign ? FLAG.SF : 0) | (ones % 2 === 0 ? FLAG.PF : 0);
  };
  const sum = (a: number, b: number) => {
    const r = ((a + b) & mask) >>> 0;
    const overflow = (a >= sign) === (b >= sign) && (r >= sign) !== (a >= sign);
    return rest(r) | (a + b > mask ? FLAG.CF : 0) | (((a ^ b ^ r) & 0x10) !== 0 ? FLAG.AF : 0) |
      (overflow ? FLAG.OF : 0);
  };
  const difference = (a: number, b: number) => {
    const r = ((a - b) & mask) >>> 0;
    const overflow = (a >= sign) !== (b >= sign) && (r >= sign) !== (a >= sign);
    return rest(r) | (a < b ? FLAG.CF : 0) | (((a ^ b ^ r) & 0x10) !== 0 ? FLAG.AF : 0) | (overflow ? FLAG.OF : 0);
  };
  const keepCarry = (flags: number, from: number) => (flags & ~FLAG.CF) | (from & FLAG.CF);
  const SIX = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;
  const and = rest((ux & uy) >>> 0);
  const results: Readonly<Record<string, () => number>> = {
    add: () => sum(ux, uy),
    sub: () => difference(ux, uy),
    and: () => and,
    "sub, inc": () => keepCarry(sum(ux, 1), difference(ux, uy)),
    "add, dec": () => keepCarry(difference(ux, 1), sum(ux, uy)),
    "and, stc": () => and | FLAG.CF,
    popf: () => x & SIX,
    "sub, popf": () => y & SIX,
  };
  return results[name]!();
}

/** Whether a condition code holds (Intel SDM volume 1, appendix B). */
function holds(code: number, flags: number): number {
  const has = (flag: number) => (flags & flag) !== 0;
  const less = has(FLAG.SF) !== has(FLAG.OF);
  const positive = [
    has(FLAG.OF),
    has(FLAG.CF),
    has(FLAG.ZF),
    has(FLAG.CF) || has(FLAG.ZF),
    has(FLAG.SF),
    has(FLAG.PF),
    less,
    less || has(FLAG.ZF),
  ][code >> 1]!;
  return positive !== ((code & 1) !== 0) ? 1 : 0;
}

/** Emits a function of x and y for each operation, with the flags as one value in bits 0 to 15 and the conditions above. */
function compile(
  w: Width,
  prepare: (flags: LocalFlags, name: string) => void,
): Map<string, (x: number, y: number) => number> {
  const module = new ModuleBuilder();
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const of = module.function(name, ["i32", "i32"], ["i32"], (b, x, y) => {
      const body = b as unknown as Body;
      const words = new Map(FLAG_WORDS.map((offset) => [offset, body.local("i32") as Local<"i32">]));
      const flags = new LocalFlags({
        words,
        set: (local, value) => body.set(local, value),
        let: (value) => {
          const local = body.local("i32");
          body.set(local, value);
          return local.get();
        },
      });
      operation(flags, w, x.get(), y.get());
      prepare(flags, name);
      const packed = body.local("i32");
      body.set(packed, flags.all());
      for (let code = 0; code < 16; code++) {
        const held = body.local("i32");
        body.set(held, i32.ne(flags.holds(code), i32.const(0)));
        body.set(packed, i32.or(packed.get(), i32.shl(held.get(), i32.const(16 + code))));
      }
      // Asked for by themselves, they are the same.
      const carry = body.local("i32"), overflow = body.local("i32"), adjust = body.local("i32");
      body.set(carry, flags.carry());
      body.set(overflow, flags.overflow());
      body.set(adjust, flags.adjust());
      const apart = i32.or(
        i32.or(carry.get(), i32.shl(adjust.get(), i32.const(4))),
        i32.shl(overflow.get(), i32.const(11)),
      );
      const both = i32.and(packed.get(), i32.const(FLAG.CF | FLAG.AF | FLAG.OF));
      body.if(i32.ne(apart, both), () => body.unreachable());
      b.return(packed.get());
    });
    module.export(name, of);
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  return new Map(Object.keys(OPERATIONS).map((name) => [name, exports[name] as (x: number, y: number) => number]));
}

function check(prepare: (flags: LocalFlags, name: string) => void): void {
  const chance = new Chance(7);
  const numbers = [...EDGES, ...Array.from({ length: 20 }, () => chance.below(2 ** 32) | 0)];
  for (const w of WIDTHS) {
    const extended = (value: number) => value << (32 - w) >> (32 - w);
    for (const [name, of] of compile(w, prepare)) {
      for (const x of numbers) {
        for (const y of numbers) {
          const flags = defined(name, w, extended(x), extended(y));
          let expected = flags;
          for (let code = 0; code < 16; code++) expected |= holds(code, flags) << (16 + code);
          const found = of(extended(x), extended(y));
          if (found !== expected) assertEquals(found.toString(2), expected.toString(2), `${name} ${w}: ${x}, ${y}`);
        }
      }
    }
  }
}

Deno.test("flags and conditions are what the manual says, with all that is known of the operation", () => {
  check(() => {});
});

Deno.test("flags and conditions are the same when less is known", () => {
  check((flags) => flags.kind = meet(flags.kind, "logic"));
  check((flags) => flags.kind = meet(flags.kind, "sub"));
  check((flags) => flags.kind = undefined);
});

Deno.test("an operation whose flags nobody sees leaves what is known; one in conditional code leaves nothing known", () => {
  const sets: number[] = [];
  const locals = new Map(FLAG_WORDS.map((offset) => [offset, { get: () => i32.const(0) } as unknown as Local<"i32">]));
  const flags = new LocalFlags({ words: locals, set: () => void sets.push(1), let: (value) => value });
  const zero = i32.const(0);
  flags.logic(zero);
  const before = sets.length;
  flags.dead = true;
  flags.sub(32, zero, zero, zero);
  assertEquals([flags.kind, sets.length], ["logic", before]);
  flags.dead = false;
  flags.conditional++;
  flags.sub(32, zero, zero, zero);
  assertEquals(flags.kind, undefined);
});
