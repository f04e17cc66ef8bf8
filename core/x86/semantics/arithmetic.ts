/**
 * ADD, ADC, SUB, SBB, CMP, INC, DEC, NEG, ADCX, ADOX (Intel SDM volume 2).
 *
 * @module
 */
import { i32, i64 } from "../../wasm/mod.ts";
import { type Builder, operations, type Semantics, signed, unsigned, type Value, type Width } from "./builder.ts";

const add: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const y = b.let(b.read(1));
  const place = b.open(0);
  const r = b.let(signed(w, o.add(place.value, y)));
  place.commit(r);
  b.flagsAdd(r, y);
};

const sub: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const y = b.let(b.read(1));
  const place = b.open(0);
  const x = b.let(place.value);
  const r = b.let(signed(w, o.sub(x, y)));
  place.commit(r);
  b.flagsSub(r, x, y);
};

const cmp: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const x = b.let(b.read(0));
  const y = b.let(b.read(1));
  b.flagsSub(b.let(signed(w, o.sub(x, y))), x, y);
};

/** OF and AF of x + y + carry = r, or of r + y + borrow = x. */
function overflowAdjust(b: Builder, sum: Value, x: Value, y: Value): void {
  const overflow = i32.shr_u(i32.and(i32.xor(sum, y), i32.xor(sum, x)), i32.const(31));
  const adjust = i32.and(i32.shr_u(i32.xor(i32.xor(sum, y), x), i32.const(4)), i32.const(1));
  b.setOverflowAdjust(overflow, adjust);
}

const adc: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const y = b.let(b.read(1));
  const place = b.open(0);
  const x = b.let(place.value);
  const c = b.let(b.carry());
  const r = b.let(signed(w, o.add(o.add(x, y), c)));
  place.commit(r);
  b.setCarry(i32.or(o.lt_u(r, y), i32.and(c, o.eq(r, y))));
  overflowAdjust(b, r, x, y);
  b.flagsResult(r);
};

const sbb: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const y = b.let(b.read(1));
  const place = b.open(0);
  const x = b.let(place.value);
  const c = b.let(b.carry());
  const r = b.let(signed(w, o.sub(o.sub(x, y), c)));
  place.commit(r);
  b.setCarry(i32.or(o.lt_u(x, y), i32.and(c, o.eq(x, y))));
  overflowAdjust(b, x, r, y);
  b.flagsResult(r);
};

const inc: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const place = b.open(0);
  const r = b.let(signed(w, o.add(place.value, o.const(1))));
  place.commit(r);
  b.flagsIncrement(r);
};

const dec: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const place = b.open(0);
  const x = b.let(place.value);
  const r = b.let(signed(w, o.sub(x, o.const(1))));
  place.commit(r);
  b.flagsDecrement(r, x);
};

const neg: Semantics = (b) => {
  const w = b.width(0), o = operations(w);
  const place = b.open(0);
  const x = b.let(place.value);
  const r = b.let(signed(w, o.sub(o.const(0), x)));
  place.commit(r);
  b.flagsSub(r, o.const(0), x);
};

/** Unsigned addition that touches one flag only. */
function addExtended(b: Builder, carryIn: Value, setFlag: (carry: Value) => void): void {
  const sum = b.let64(
    i64.add(
      i64.add(i64.extend_i32_u(b.read(0)), i64.extend_i32_u(b.read(1))),
      i64.extend_i32_u(carryIn),
    ),
  );
  b.write(0, i32.wrap_i64(sum));
  setFlag(i32.wrap_i64(i64.shr_u(sum, i64.const(32))));
}

const adcx: Semantics = (b) => addExtended(b, b.carry(), (carry) => b.setCarry(carry));

const adox: Semantics = (b) => {
  const adjust = b.let(b.adjust());
  addExtended(b, b.let(i32.ne(b.holds(0), i32.const(0))), (carry) => b.setOverflowAdjust(carry, adjust));
};

const mul: Semantics = (b) => multiply(b, false);

/** One-operand MUL and IMUL: the double-width product in AX, DX:AX or EDX:EAX. */
function multiply(b: Builder, isSigned: boolean): void {
  const w = b.width(0), extend = isSigned ? "s" : "u";
  if (w === 32) {
    const wide = isSigned ? i64.extend_i32_s : i64.extend_i32_u;
    const p = b.let64(i64.mul(wide(b.register(0, 32)), wide(b.read(0))));
    const low = b.let(i32.wrap_i64(p));
    const high = b.let(i32.wrap_i64(i64.shr_u(p, i64.const(32))));
    b.setRegister(0, 32, low);
    b.setRegister(2, 32, high);
    const fits = isSigned ? i32.shr_s(low, i32.const(31)) : i32.const(0);
    carryAndOverflow(b, i32.ne(high, fits), low);
    return;
  }
  const p = b.let(i32.mul(b.register(0, w, extend), b.read(0, extend)));
  if (w === 8) b.setRegister(0, 16, p);
  else {
    b.setRegister(0, 16, p);
    b.setRegister(2, 16, i32.shr_u(p, i32.const(16)));
  }
  const low = b.let(signed(w, p));
  carryAndOverflow(b, i32.ne(p, isSigned ? low : unsigned(w, p)), low);
}

function carryAndOverflow(b: Builder, lost: Value, result: Value): void {
  const flag = b.let(lost);
  b.setCarry(flag);
  b.setOverflowAdjust(flag, i32.const(0));
  b.flagsResult(result);
}

const imul: Semantics = (b) => {
  if (b.count === 1) return multiply(b, true);
  const w = b.width(0), x = b.count - 2, y = b.count - 1;
  if (w === 16) {
    const p = b.let(i32.mul(b.read(x), b.read(y)));
    const r = b.let(signed(16, p));
    b.write(0, r);
    return carryAndOverflow(b, i32.ne(p, r), r);
  }
  const p = b.let64(i64.mul(i64.extend_i32_s(b.read(x)), i64.extend_i32_s(b.read(y))));
  const r = b.let(i32.wrap_i64(p));
  b.write(0, r);
  carryAndOverflow(b, i64.ne(p, i64.extend_i32_s(r)), r);
};

const DIVIDE_ERROR = 0;

/** The dividend of a width: AX, DX:AX or EDX:EAX. */
function dividend(b: Builder, w: Width) {
  const high = w === 8 ? b.register(0, 16, "u") : b.register(2, w, "u");
  if (w === 8) return i64.extend_i32_s(signed(16, high));
  const wide = i64.or(
    i64.shl(i64.extend_i32_u(high), i64.const(w)),
    i64.extend_i32_u(b.register(0, w, "u")),
  );
  return w === 16 ? i64.extend32_s(wide) : wide;
}

function storeQuotient(b: Builder, w: Width, q: Value, r: Value): void {
  if (w === 8) {
    b.setRegister(0, 16, i32.or(i32.and(q, i32.const(0xff)), i32.shl(r, i32.const(8))));
    return;
  }
  b.setRegister(0, w, q);
  b.setRegister(2, w, r);
}

const div: Semantics = (b) => {
  const w = b.width(0);
  const y = b.let64(i64.extend_i32_u(b.read(0, "u")));
  b.faultIf(i64.eqz(y), DIVIDE_ERROR);
  const wide = dividend(b, w);
  const x = b.let64(
    w === 32 ? wide : i64.and(wide, i64.const(w === 8 ? 0xffff : 0xffff_ffff)),
  );
  const q = b.let64(i64.div_u(x, y));
  b.faultIf(i64.ne(i64.shr_u(q, i64.const(w)), i64.const(0)), DIVIDE_ERROR);
  storeQuotient(b, w, b.let(i32.wrap_i64(q)), b.let(i32.wrap_i64(i64.rem_u(x, y))));
};

const idiv: Semantics = (b) => {
  const w = b.width(0);
  const y = b.let64(i64.extend_i32_s(b.read(0)));
  b.faultIf(i64.eqz(y), DIVIDE_ERROR);
  const x = b.let64(dividend(b, w));
  // -2^63 / -1 does not fit 64 bits, which WebAssembly traps on.
  b.faultIf(i32.and(i64.eq(y, i64.const(-1)), i64.eq(x, i64.const(-(2n ** 63n)))), DIVIDE_ERROR);
  const q = b.let64(i64.div_s(x, y));
  const narrow = w === 8 ? i64.extend8_s(q) : w === 16 ? i64.extend16_s(q) : i64.extend32_s(q);
  b.faultIf(i64.ne(narrow, q), DIVIDE_ERROR);
  storeQuotient(b, w, b.let(i32.wrap_i64(q)), b.let(i32.wrap_i64(i64.rem_s(x, y))));
};

const cbw: Semantics = (b) => {
  const w = b.operandWidth;
  b.setRegister(0, w, b.register(0, w === 16 ? 8 : 16));
};

const cwd: Semantics = (b) => {
  const w = b.operandWidth;
  b.setRegister(2, w, i32.shr_s(b.register(0, w), i32.const(31)));
};

/** This family by semantics name. */
export const ARITHMETIC: Record<string, Semantics> = {
  add,
  adc,
  sub,
  sbb,
  cmp,
  inc,
  dec,
  neg,
  adcx,
  adox,
  mul,
  imul,
  div,
  idiv,
  cbw,
  cwd,
};
