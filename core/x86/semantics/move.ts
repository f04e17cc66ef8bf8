/**
 * MOV, MOVZX, MOVSX, LEA, XCHG, XADD, CMPXCHG, CMPXCHG8B, BSWAP, MOVBE, MOVNTI, XLAT, NOP and the hints.
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { GPR } from "../registers.ts";
import { type Builder, operations, type Semantics, signed, unsigned, type Value, type Width } from "./builder.ts";

const mov: Semantics = (b) => b.write(0, b.read(1));
const movzx: Semantics = (b) => b.write(0, b.read(1, "u"));
const movsx: Semantics = (b) => b.write(0, b.read(1, "s"));
const lea: Semantics = (b) => b.write(0, b.address(1));
const nothing: Semantics = () => {};

const xchg: Semantics = (b) => {
  const place = b.open(0);
  const x = b.let(place.value);
  const y = b.let(b.read(1));
  place.commit(y);
  b.write(1, x);
};

const xadd: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const place = b.open(0);
  const x = b.let(place.value);
  const y = b.let(b.read(1));
  const r = b.let(signed(w, o.add(x, y)));
  b.write(1, x);
  place.commit(r);
  b.flagsAdd(r, y);
};

const cmpxchg: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const place = b.open(0);
  const old = b.let(place.value);
  const accumulator = b.let(b.register(GPR.AX, w));
  const source = b.let(b.read(1));
  // The destination is written either way (Intel SDM volume 2, CMPXCHG).
  const equal = b.let(o.eq(accumulator, old));
  b.if(equal, () => place.commit(source), () => {
    place.commit(old);
    b.setRegister(GPR.AX, w, old);
  });
  b.flagsSub(b.let(signed(w, o.sub(accumulator, old))), accumulator, old);
};

const cmpxchg8b: Semantics = (b) => {
  const low = b.open(0, { width: 32 });
  const high = b.open(0, { width: 32, offset: i32.const(4) });
  const oldLow = b.let(low.value), oldHigh = b.let(high.value);
  const equal = b.let(
    i32.and(i32.eq(oldLow, b.register(GPR.AX, 32)), i32.eq(oldHigh, b.register(GPR.DX, 32))),
  );
  const flags = b.let(b.arithmeticFlags());
  b.if(equal, () => {
    low.commit(b.register(GPR.BX, 32));
    high.commit(b.register(GPR.CX, 32));
  }, () => {
    low.commit(oldLow);
    high.commit(oldHigh);
    b.setRegister(GPR.AX, 32, oldLow);
    b.setRegister(GPR.DX, 32, oldHigh);
  });
  const ZF = 0x40;
  b.setArithmeticFlags(b.let(i32.or(i32.and(flags, i32.const(~ZF)), i32.mul(equal, i32.const(ZF)))), false);
};

function reversed(b: Builder, w: Width, value: Value): Value {
  const v = b.let(unsigned(w, value));
  if (w === 16) return i32.or(i32.shl(v, i32.const(8)), i32.shr_u(v, i32.const(8)));
  return i32.or(
    i32.and(i32.rotl(v, i32.const(8)), i32.const(0x00ff00ff)),
    i32.and(i32.rotr(v, i32.const(8)), i32.const(0xff00ff00 | 0)),
  );
}

const bswap: Semantics = (b) => {
  // BSWAP of a 16-bit register is undefined; the processors give zero.
  if (b.width(0) === 16) b.write(0, i32.const(0));
  else b.write(0, reversed(b, 32, b.read(0)));
};

const movbe: Semantics = (b) => b.write(0, reversed(b, b.width(0), b.read(1)));

const xlat: Semantics = (b) => {
  const at = i32.add(b.register(GPR.BX, b.addressWidth, "u"), b.register(GPR.AX, 8, "u"));
  b.setRegister(GPR.AX, 8, b.let(b.string("source").read(8, at)));
};

const mov_from_segment: Semantics = (b) => b.write(0, b.selector(1));

/** This family by semantics name. */
export const MOVE: Record<string, Semantics> = {
  mov,
  movzx,
  movsx,
  movnti: mov,
  lea,
  xchg,
  xadd,
  cmpxchg,
  cmpxchg8b,
  bswap,
  movbe,
  xlat,
  mov_from_segment,
  nop: nothing,
  pause: nothing,
  prefetchw: nothing,
  prefetch: nothing,
  prefetchnta: nothing,
  prefetcht0: nothing,
  prefetcht1: nothing,
  prefetcht2: nothing,
  lfence: (b) => b.fence(),
  mfence: (b) => b.fence(),
  sfence: (b) => b.fence(),
  clflush: (b) => {
    // Only the address is checked, as by a read.
    b.let(b.read(0));
  },
};
