/**
 * AND, OR, XOR, TEST, NOT, SETcc, CMOVcc and the flag instructions.
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { FLAG, STATE } from "../registers.ts";
import { operations, type Semantics, type Value } from "./builder.ts";

function bitwise(combine: (o: typeof i32, x: Value, y: Value) => Value): Semantics {
  return (b) => {
    const o = operations(b.width(0));
    const y = b.let(b.read(1));
    const place = b.open(0);
    const r = b.let(combine(o, place.value, y));
    place.commit(r);
    b.flagsLogic(r);
  };
}

const test: Semantics = (b) => {
  const o = operations(b.width(0));
  b.flagsLogic(b.let(o.and(b.read(0), b.read(1))));
};

const not: Semantics = (b) => {
  const o = operations(b.width(0));
  const place = b.open(0);
  place.commit(o.xor(place.value, o.const(-1)));
};

const setcc: Semantics = (b) => {
  b.write(0, i32.ne(b.holds(b.condition), i32.const(0)));
};

const cmovcc: Semantics = (b) => {
  // The source is read (and may fault) whether or not the condition holds.
  const y = b.let(b.read(1));
  b.if(b.holds(b.condition), () => b.write(0, y));
};

const clc: Semantics = (b) => b.setCarry(i32.const(0));
const stc: Semantics = (b) => b.setCarry(i32.const(1));
const cmc: Semantics = (b) => b.setCarry(b.let(i32.xor(b.carry(), i32.const(1))));
const cld: Semantics = (b) => b.setState(STATE.EFLAGS, i32.and(b.state(STATE.EFLAGS), i32.const(~FLAG.DF)));
const std: Semantics = (b) => b.setState(STATE.EFLAGS, i32.or(b.state(STATE.EFLAGS), i32.const(FLAG.DF)));

const lahf: Semantics = (b) => {
  // Bit 1 reads as set (Intel SDM volume 2, LAHF).
  const low = i32.and(b.arithmeticFlags(), i32.const(0xff));
  const word = i32.shl(i32.or(low, i32.const(2)), i32.const(8));
  b.setRegister(0, 16, i32.or(word, b.register(0, 8, "u")));
};

const sahf: Semantics = (b) => {
  b.setArithmeticFlags(b.let(i32.shr_u(b.register(0, 16, "u"), i32.const(8))), true);
};

const salc: Semantics = (b) => b.setRegister(0, 8, i32.sub(i32.const(0), b.carry()));

/** This family by semantics name. */
export const LOGIC: Record<string, Semantics> = {
  and: bitwise((o, x, y) => o.and(x, y)),
  or: bitwise((o, x, y) => o.or(x, y)),
  xor: bitwise((o, x, y) => o.xor(x, y)),
  test,
  not,
  setcc,
  cmovcc,
  clc,
  stc,
  cmc,
  cld,
  std,
  lahf,
  sahf,
  salc,
};
