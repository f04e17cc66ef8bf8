/**
 * BT, BTS, BTR, BTC, BSF, BSR, POPCNT, LZCNT, TZCNT, CRC32.
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { type Builder, type Semantics, unsigned, type Value, type Width } from "./builder.ts";

/** How a bit instruction changes the word: undefined for BT, which only reads. */
type Change = ((word: Value, mask: Value) => Value) | undefined;

function bitTest(change: Change): Semantics {
  return (b) => {
    const w = b.width(0);
    const raw = b.let(b.read(1));
    const index = b.let(i32.and(raw, i32.const(w - 1)));
    // A register index reaches beyond the addressed word: bit strings (Intel SDM volume 2, BT).
    const offset = isString(b)
      ? b.let(i32.mul(i32.shr_s(raw, i32.const(w === 16 ? 4 : 5)), i32.const(w / 8)))
      : undefined;
    if (!change) {
      const word = offset ? b.readAt(0, w, offset) : b.read(0);
      b.setCarry(i32.and(i32.shr_u(word, index), i32.const(1)));
      return;
    }
    const place = b.open(0, offset ? { offset } : {});
    const word = b.let(place.value);
    place.commit(change(word, i32.shl(i32.const(1), index)));
    b.setCarry(i32.and(i32.shr_u(word, index), i32.const(1)));
  };
}

function isString(b: Builder): boolean {
  return b.isMemory(0) && b.isRegister(1);
}

const bsf: Semantics = (b) => scan(b, (_w, x) => i32.ctz(x));
const bsr: Semantics = (b) => scan(b, (_w, x) => i32.sub(i32.const(31), i32.clz(x)));

/** With a zero source the destination keeps its value, as AMD documents and the processors do. */
function scan(b: Builder, find: (w: Width, x: Value) => Value): void {
  const w = b.width(1);
  const x = b.let(b.read(1, "u"));
  b.if(x, () => b.write(0, find(w, x)));
  b.flagsLogic(x);
}

const lzcnt: Semantics = (b) => {
  const w = b.width(1);
  const x = b.let(b.read(1, "u"));
  count(b, x, i32.sub(i32.clz(x), i32.const(32 - w)));
};

const tzcnt: Semantics = (b) => {
  const w = b.width(1);
  const x = b.let(b.read(1, "u"));
  count(b, x, w === 16 ? i32.ctz(i32.or(x, i32.const(0x10000))) : i32.ctz(x));
};

/** LZCNT and TZCNT: CF tells a zero source, ZF a zero result. */
function count(b: Builder, x: Value, found: Value): void {
  const r = b.let(found);
  b.write(0, r);
  b.flagsLogic(r);
  b.setCarry(i32.eqz(x));
}

const popcnt: Semantics = (b) => {
  const x = b.let(b.read(1, "u"));
  b.write(0, i32.popcnt(x));
  b.setArithmeticFlags(b.let(i32.shl(i32.eqz(x), i32.const(6))), false);
};

/** CRC-32C, polynomial 11EDC6F41h, bit-reflected (Intel SDM volume 2, CRC32). */
const crc32: Semantics = (b) => {
  const w = b.width(1);
  const crc = b.variable();
  const left = b.variable();
  b.set(crc, i32.xor(b.read(0), unsigned(w, b.read(1, "u"))));
  b.set(left, i32.const(w));
  b.loop((again) => {
    const low = i32.sub(i32.const(0), i32.and(crc.get(), i32.const(1)));
    b.set(crc, i32.xor(i32.shr_u(crc.get(), i32.const(1)), i32.and(low, i32.const(0x82f63b78 | 0))));
    b.set(left, i32.sub(left.get(), i32.const(1)));
    b.if(left.get(), again);
  });
  b.write(0, crc.get());
};

/** This family by semantics name. */
export const BIT: Record<string, Semantics> = {
  bt: bitTest(undefined),
  bts: bitTest((word, mask) => i32.or(word, mask)),
  btr: bitTest((word, mask) => i32.and(word, i32.xor(mask, i32.const(-1)))),
  btc: bitTest((word, mask) => i32.xor(word, mask)),
  bsf,
  bsr,
  lzcnt,
  tzcnt,
  popcnt,
  crc32,
};
