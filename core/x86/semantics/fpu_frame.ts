/**
 * What the x87 descriptions share: the checks before an instruction, the register stack, and what an instruction leaves behind (Intel
 * SDM volume 1, 8.1 and 8.7).
 *
 * A description computes everything in variables, hands the instruction to its exact definition in `core/x86/fpu` wherever that would
 * do more than store a finite result (stack faults, NaNs, infinities, denormals, unmasked exceptions), and only then stores.
 *
 * @module
 */
import { i32, i64, type Local, select } from "../../wasm/mod.ts";
import { STATUS } from "../fpu/stack.ts";
import { SEG, SEGMENT, STATE } from "../registers.ts";
import type { Builder, Value } from "./builder.ts";
import type { PlainMemory, Wide } from "./fpu_builder.ts";

/** Bytes of a register's slot, and the bits that a slot's offset may have. */
const SLOT = 16;
const SLOTS = 0x70;

const ONE_MORE = 1 << 11;

/** Sign and exponent, and significand, as they stand in a register. */
export interface Contents {
  readonly signExponent: Value;
  readonly significand: Wide;
}

/** A number taken apart. Zero has the exponent 0 and the significand 0. All parts may be used more than once. */
export interface Parts {
  /** 8000h or 0. */
  readonly sign: Value;
  /** Biased. */
  readonly exponent: Value;
  readonly significand: Wide;
}

/** Nonzero if a finite number is normal: integer bit set, exponent neither least nor greatest. */
export function isNormal({ exponent, significand }: Parts): Value {
  return i32.and(
    i64.lt_s(significand, i64.const(0)),
    i32.lt_u(i32.sub(exponent, i32.const(1)), i32.const(0x7ffe)),
  );
}

/** Nonzero if it is a zero. */
export function isZero({ exponent, significand }: Parts): Value {
  return i64.eqz(i64.or(significand, i64.extend_i32_u(exponent)));
}

/** Leaves unless each of the values is normal or zero. */
export function requireNumbers(b: Builder, ...values: Parts[]): void {
  const all = (test: (value: Parts) => Value) => values.map(test).reduce((x, y) => i32.and(x, y));
  b.if(i32.eqz(all(isNormal)), () => b.calloutIf(i32.eqz(all((value) => i32.or(isNormal(value), isZero(value))))));
}

/** The state of the FPU while an instruction is described. */
export class FpuFrame {
  /** The status word as it will be. */
  readonly status: Local<"i32">;
  readonly control: Value;
  /** Offset of ST(0)'s slot. */
  readonly top: Value;
  readonly #tags: Local<"i32">;
  readonly #empty: Value;
  #touchesTags = false;

  /** The instruction waits: it is left to its definition if the device is not available or an exception is pending. */
  constructor(readonly b: Builder) {
    b.requireFpu(true);
    this.status = b.variable();
    b.set(this.status, b.state(STATE.FPU_STATUS));
    this.control = b.let(b.state(STATE.FPU_CONTROL));
    this.top = b.let(i32.and(i32.shr_u(this.status.get(), i32.const(7)), i32.const(SLOTS)));
    this.#tags = b.variable();
    b.set(this.#tags, b.state(STATE.FPU_TAG));
    // Empty is 11b.
    this.#empty = b.let(i32.and(this.#tags.get(), i32.shr_u(this.#tags.get(), i32.const(1))));
  }

  /** Slot of ST(i). */
  slot(i: number): Value {
    if (i === 0) return this.top;
    return this.b.let(i32.and(i32.add(this.top, i32.const(i * SLOT)), i32.const(SLOTS)));
  }

  /** Slot of stack register operand `k`. */
  slotOf(k: number): Value {
    return this.b.let(i32.and(i32.add(this.top, this.b.stackRegister(k)), i32.const(SLOTS)));
  }

  #emptiness(slot: Value): Value {
    return i32.shr_u(this.#empty, i32.shr_u(slot, i32.const(3)));
  }

  /** Leaves if one of the registers is empty. */
  requireFilled(...slots: Value[]): void {
    const any = slots.map((slot) => this.#emptiness(slot)).reduce((x, y) => i32.or(x, y));
    this.b.calloutIf(i32.and(any, i32.const(1)));
  }

  /** Leaves unless the register is empty. */
  requireEmpty(slot: Value): void {
    this.b.calloutIf(i32.eqz(i32.and(this.#emptiness(slot), i32.const(1))));
  }

  /** 1 if the register is empty. */
  isEmpty(slot: Value): Value {
    return i32.and(this.#emptiness(slot), i32.const(1));
  }

  contents(slot: Value): Contents {
    const { b } = this;
    return {
      signExponent: b.let(b.stateAt(STATE.FPU_ST + 8, slot)),
      significand: b.let64(b.state64At(STATE.FPU_ST, slot)),
    };
  }

  parts(slot: Value): Parts {
    const { b } = this, { signExponent, significand } = this.contents(slot);
    return {
      sign: b.let(i32.and(signExponent, i32.const(0x8000))),
      exponent: b.let(i32.and(signExponent, i32.const(0x7fff))),
      significand,
    };
  }

  /** Stores a register and its tag. */
  store(slot: Value, contents: Contents, tag: Value): void {
    const { b } = this;
    b.setState64At(STATE.FPU_ST, slot, contents.significand);
    b.setStateAt(STATE.FPU_ST + 8, slot, contents.signExponent);
    const shift = i32.shr_u(slot, i32.const(3));
    const others = i32.and(this.#tags.get(), i32.rotl(i32.const(~3), shift));
    b.set(this.#tags, i32.or(others, i32.shl(tag, shift)));
    this.#touchesTags = true;
  }

  /** Stores contents of any kind. */
  storeAny(slot: Value, contents: Contents): void {
    this.store(slot, contents, tagOf(this.b, contents));
  }

  /** Marks a register as empty. */
  free(slot: Value): void {
    const { b } = this;
    b.set(this.#tags, i32.or(this.#tags.get(), i32.shl(i32.const(3), i32.shr_u(slot, i32.const(3)))));
    this.#touchesTags = true;
  }

  /** Replaces bits of the status word. */
  replaceStatus(mask: number, value: Value = i32.const(0)): void {
    this.b.set(this.status, i32.or(i32.and(this.status.get(), i32.const(~mask)), value));
  }

  /** Moves TOP. */
  rotate(count: number): void {
    const { b, status } = this;
    const moved = i32.and(i32.add(status.get(), i32.const(count * ONE_MORE)), i32.const(STATUS.TOP));
    b.set(status, i32.or(i32.and(status.get(), i32.const(~STATUS.TOP)), moved));
  }

  /** Pops `count` registers, whose slots are those of ST(0) and ST(1) before anything moved. */
  pop(count = 1): void {
    for (let i = 0; i < count; i++) this.free(this.slot(i));
    if (count !== 0) this.rotate(count);
  }

  /** The slot that a push will fill; leaves if it is not empty. */
  pushed(): Value {
    const slot = this.slot(7);
    this.requireEmpty(slot);
    return slot;
  }

  /** Stores what has changed, and the pointers to the instruction and its memory operand. The description ends here. */
  finish(memory?: PlainMemory): void {
    const { b } = this;
    b.setState(STATE.FPU_STATUS, this.status.get());
    if (this.#touchesTags) b.setState(STATE.FPU_TAG, this.#tags.get());
    b.setState(STATE.FPU_IP, b.instructionPointer());
    b.setState(STATE.FPU_CS, b.state(STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.SELECTOR));
    if (memory === undefined) return;
    b.setState(STATE.FPU_DP, memory.offset);
    b.setState(STATE.FPU_DS, memory.selector);
  }
}

/** The tag of any contents. */
function tagOf(b: Builder, { signExponent, significand }: Contents): Value {
  const exponent = b.let(i32.and(signExponent, i32.const(0x7fff)));
  const parts = { sign: exponent, exponent, significand };
  return b.let(select(isNormal(parts), i32.const(0), i32.sub(i32.const(2), isZero(parts))));
}

/** Contents of parts. */
export function packed({ sign, exponent, significand }: Parts): Contents {
  return { signExponent: i32.or(sign, exponent), significand };
}
