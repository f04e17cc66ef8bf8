/**
 * The constant binding of values of 64 and 128 bits.
 *
 * @module
 */
import { type Expr, f32x4, f64x2, i32, i32x4, v128 } from "../../wasm/mod.ts";
import { STATUS } from "../../x86/fpu/stack.ts";
import { OPERAND } from "../../x86/instruction.ts";
import { CR0, STATE, TLB } from "../../x86/registers.ts";
import type { Alignment, Builder, Scratch, Value, Vector, VectorBytes } from "../../x86/semantics/mod.ts";
import { FACT } from "../../x86/semantics/vector_builder.ts";
import { HIT_OFFSET } from "../interpreter/binder.ts";
import { FpuConstantBinder } from "./fpu_binder.ts";
import { crosses, gather, scatter } from "./page_crossing.ts";

const ZERO = v128.const(new Uint8Array(16));

const nowhere = i32.const(0);

/** Bytes of a register slot of either file. */
const SLOT = 16;

/** Binds one instruction. */
export class ConstantBinder extends FpuConstantBinder implements Builder {
  isMmx(k: number): boolean {
    return this.operand(k).kind === OPERAND.MMX;
  }

  isXmm(k: number): boolean {
    return this.operand(k).kind === OPERAND.XMM;
  }

  requireMmx(): void {
    const unavailable = i32.and(this.state(STATE.CR0), i32.const(CR0.EM | CR0.TS));
    const pending = i32.and(this.state(STATE.FPU_STATUS), i32.const(STATUS.ERROR_SUMMARY));
    this.calloutIf(i32.or(unavailable, pending));
  }

  requireSse(): void {
    const unready = this.frame.vectors.unready();
    if (unready) this.calloutIf(unready);
  }

  enterMmx(): void {
    this.setState(STATE.FPU_STATUS, i32.and(this.state(STATE.FPU_STATUS), i32.const(~STATUS.TOP)));
    this.setState(STATE.FPU_TAG, i32.const(0));
  }

  /** Address of the MMX register of operand `k`. */
  #slot(k: number): number {
    return this.frame.cpu + STATE.FPU_ST + this.operand(k).register * SLOT;
  }

  readVector(k: number, bytes: VectorBytes, alignment: Alignment = "aligned"): Vector {
    switch (this.operand(k).kind) {
      case OPERAND.XMM:
        return this.frame.vectors.read(this.operand(k).register);
      case OPERAND.MMX:
        return v128.load64_zero(nowhere, this.#slot(k));
      default:
        if (bytes <= 4) return i32x4.replace_lane(ZERO, 0, this.readAt(k, bytes === 2 ? 16 : 32, i32.const(0), "u"));
        return this.#loadWide(bytes as 8 | 16, alignment);
    }
  }

  writeVector(k: number, value: Vector, bytes: VectorBytes, alignment: Alignment = "aligned"): void {
    const { vectors } = this.frame;
    switch (this.operand(k).kind) {
      case OPERAND.XMM:
        return vectors.write(this.operand(k).register, value, vectors.known(value));
      case OPERAND.MMX:
        this.emit(v128.store64_lane(nowhere, value, 0, this.#slot(k)));
        // The sign and exponent of a register that an MMX instruction wrote are all ones.
        return this.emit(i32.store(nowhere, i32.const(0xffff), this.#slot(k) + 8));
      default:
        if (bytes <= 4) return this.writeNarrow(k, i32x4.extract_lane(value, 0), bytes === 2 ? 16 : 32);
        return this.#storeWide(value, bytes as 8 | 16, alignment);
    }
  }

  writeLow(k: number, value: Vector, bytes: 4 | 8): void {
    const { vectors } = this.frame, { register } = this.operand(k);
    const kept = vectors.factsOf(register), low = vectors.known(value);
    const whole = vectors.read(register);
    const merged = bytes === 4
      ? f32x4.replace_lane(whole, 0, f32x4.extract_lane(value, 0))
      : f64x2.replace_lane(whole, 0, f64x2.extract_lane(value, 0));
    vectors.write(register, merged, mergedFacts(kept, low, bytes));
  }

  xmm(register: number): Vector {
    return this.frame.vectors.read(register);
  }

  letVector(value: Vector): Vector {
    const local = this.frame.variable("v128");
    this.frame.body.set(local, value);
    this.frame.vectors.same(local.get(), value);
    return local.get();
  }

  roundsQuietly(): Value {
    return i32.eqz(this.frame.vectors.loud());
  }

  knows(value: Vector, facts: number): boolean {
    return (this.frame.vectors.known(value) & facts) === facts;
  }
  learn(value: Vector, facts: number): void {
    this.frame.vectors.learn(value, facts);
  }

  shared(name: string, values: readonly Vector[], test: (s: Scratch, ...values: Vector[]) => Value): Value {
    const params = values.map((): "v128" => "v128");
    const outlined = this.frame.outlines.get(name, params, "i32", (b, ...locals) => {
      const once = <T extends "i32" | "i64" | "v128">(type: T) => (value: Expr<T>): Expr<T> => {
        const local = b.local(type);
        b.set(local, value as never);
        return local.get();
      };
      const scratch: Scratch = { let: once("i32"), let64: once("i64"), letVector: once("v128") };
      b.return(test(scratch, ...locals.map((local) => local.get())));
    });
    return this.frame.body.call(outlined as never, ...values as never[]) as Value;
  }

  /** Address and TLB entry of the memory operand. */
  #wide(bytes: 8 | 16, write: boolean): { linear: Value; entry: Value } {
    const linear = this.linear(bytes === 8 ? 64 : 128, write);
    return { linear, entry: this.let(this.entry(linear, write ? TLB.WRITE : TLB.READ)) };
  }

  /** Leaves unless an operand of 16 bytes is plain memory and aligned, so that it lies in one page. */
  #requireAligned(linear: Value, entry: Value): void {
    // An entry that is invalid or partial has low bits of 0.
    this.calloutIf(i32.or(i32.eqz(i32.and(entry, i32.const(1))), i32.and(linear, i32.const(15))));
  }

  #loadWide(bytes: 8 | 16, alignment: Alignment): Vector {
    const load = bytes === 8 ? v128.load64_zero : v128.load;
    const { linear, entry } = this.#wide(bytes, false);
    if (bytes === 16 && alignment === "aligned") {
      this.#requireAligned(linear, entry);
      return this.letVector(load(i32.add(linear, entry), HIT_OFFSET));
    }
    const { frame } = this, { body } = frame;
    const host = this.variable();
    body.set(host, i32.add(linear, entry));
    body.if(
      crosses(entry, linear, bytes),
      () => {
        this.calloutIf(i32.eqz(body.call(gather(frame, bytes), linear) as Value));
        body.set(host, i32.const(frame.cpu + STATE.WIDE - HIT_OFFSET));
      },
      undefined,
      "unlikely",
    );
    return this.letVector(load(host.get(), HIT_OFFSET));
  }

  #storeWide(value: Vector, bytes: 8 | 16, alignment: Alignment): void {
    const stored = this.letVector(value);
    const store = (host: Value, offset: number) =>
      this.emit(bytes === 8 ? v128.store64_lane(host, stored, 0, offset) : v128.store(host, stored, offset));
    const { linear, entry } = this.#wide(bytes, true);
    if (bytes === 16 && alignment === "aligned") {
      this.#requireAligned(linear, entry);
      return store(i32.add(linear, entry), HIT_OFFSET);
    }
    const { frame } = this, { body } = frame;
    body.if(
      crosses(entry, linear, bytes),
      () => {
        store(nowhere, frame.cpu + STATE.WIDE);
        this.calloutIf(i32.eqz(body.call(scatter(frame, bytes), linear) as Value));
      },
      () => store(i32.add(linear, entry), HIT_OFFSET),
      "unlikely",
    );
  }
}

/** What is known of a register whose low element was replaced. */
function mergedFacts(kept: number, low: number, bytes: 4 | 8): number {
  const [one, all] = bytes === 4 ? [FACT.SINGLE, FACT.SINGLES] : [FACT.DOUBLE, FACT.DOUBLES];
  return (low & one) === 0 ? 0 : one | (kept & all);
}
