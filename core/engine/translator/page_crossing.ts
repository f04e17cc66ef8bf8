/**
 * Accesses of 8 and 16 bytes that lie in two pages: the bytes go through STATE.WIDE.
 *
 * @module
 */
import { type Body, type FunctionRef, i32, memoryCopy } from "../../wasm/mod.ts";
import { STATE, TLB } from "../../x86/registers.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import { HIT_OFFSET } from "../interpreter/binder.ts";
import type { RegionFrame } from "./frame.ts";

const PAGE = 4096;

type Mover = FunctionRef<readonly ["i32"], readonly ["i32"]>;

/** Nonzero unless a TLB entry is valid and an access stays in its page. */
export function crosses(entry: Value, linear: Value, bytes: number): Value {
  // What is left of the page behind the first byte; 0 if the entry is invalid or partial.
  const left = i32.and(i32.and(entry, i32.xor(linear, i32.const(-1))), i32.const(PAGE - 1));
  return i32.lt_u(left, i32.const(bytes - 1));
}

/** Reads from two pages into STATE.WIDE. Returns 0 if the access lies in one page, or one of the two is not plain memory. */
export function gather(frame: RegionFrame, bytes: number): Mover {
  return mover(frame, bytes, "gather", TLB.READ, memoryCopy);
}

/** Writes STATE.WIDE to two pages; as `gather`. */
export function scatter(frame: RegionFrame, bytes: number): Mover {
  return mover(frame, bytes, "scatter", TLB.WRITE, (wide, host, count) => memoryCopy(host, wide, count));
}

function mover(
  { outlines, cpu, tlb }: RegionFrame,
  bytes: number,
  name: string,
  table: number,
  move: (wide: Value, host: Value, count: Value) => ReturnType<typeof memoryCopy>,
): Mover {
  return outlines.get(`${name} ${bytes} ${tlb}`, ["i32"], "i32", (b, linear) => {
    const entry = (address: Value) => i32.load(i32.and(i32.shr_u(address, i32.const(10)), i32.const(-4)), tlb + table);
    const left = b.local("i32"), first = b.local("i32"), second = b.local("i32");
    b.set(left, i32.sub(i32.const(PAGE), i32.and(linear.get(), i32.const(0xfff))));
    const next = i32.add(linear.get(), left.get());
    b.set(first, entry(linear.get()));
    b.set(second, entry(next));
    // An entry that is invalid or partial has low bits of 0.
    const invalid = i32.eqz(i32.and(i32.and(first.get(), second.get()), i32.const(1)));
    const wraps = i32.eqz(next);
    (b as unknown as Body).if(
      i32.or(i32.or(i32.ge_u(left.get(), i32.const(bytes)), wraps), invalid),
      () => b.return(i32.const(0)),
    );
    const wide = cpu + STATE.WIDE;
    const host = (address: Value, entry: Value) => i32.add(i32.add(address, entry), i32.const(HIT_OFFSET));
    b.emit(move(i32.const(wide), host(linear.get(), first.get()), left.get()));
    const rest = i32.sub(i32.const(bytes), left.get());
    b.emit(move(i32.add(i32.const(wide), left.get()), host(next, second.get()), rest));
    b.return(i32.const(1));
  });
}
