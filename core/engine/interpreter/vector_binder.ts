/**
 * The dynamic binding of values of 64 and 128 bits.
 *
 * @module
 */
import { type Expr, i32, i32x4, v128 } from "../../wasm/mod.ts";
import { CR0, CR4, STATE, TLB, VECTOR } from "../../x86/registers.ts";
import type { Alignment, Builder, Scratch, Value, Vector, VectorBytes } from "../../x86/semantics/mod.ts";
import { QUIET_MXCSR, UNIT } from "../../x86/simd/unit.ts";
import { STATUS } from "../../x86/fpu/stack.ts";
import { HIT_OFFSET } from "./binder.ts";
import { FpuBinder } from "./fpu_binder.ts";

const ZERO = v128.const(new Uint8Array(16));

/** Bytes of a register slot of either file, as a shift. */
const SLOT = 4;

/** Binds one shape of one instruction. */
export class DynamicBinder extends FpuBinder implements Builder {
  isMmx(k: number): boolean {
    return this.shape.operands[k]!.kind === "p";
  }

  isXmm(k: number): boolean {
    return this.shape.operands[k]!.kind === "x";
  }

  requireMmx(): void {
    const unavailable = i32.and(this.state(STATE.CR0), i32.const(CR0.EM | CR0.TS));
    const pending = i32.and(this.state(STATE.FPU_STATUS), i32.const(STATUS.ERROR_SUMMARY));
    this.#admit(i32.or(unavailable, pending), UNIT.MMX);
  }

  requireSse(): void {
    const unavailable = i32.and(this.state(STATE.CR0), i32.const(CR0.EM | CR0.TS));
    const disabled = i32.and(i32.xor(this.state(STATE.CR4), i32.const(CR4.OSFXSR)), i32.const(CR4.OSFXSR));
    this.#admit(i32.or(unavailable, disabled), UNIT.SSE);
  }

  /** Lets TypeScript decide when `doubtful` holds. */
  #admit(doubtful: Value, unit: number): void {
    const { frame, slow } = this;
    frame.body.if(
      doubtful,
      () => {
        const waits = frame.body.call(slow.admit, frame.cpu.get(), frame.record.get(), frame.budget(), i32.const(unit));
        frame.body.if(waits as Value, () => frame.leaveSuspended());
        this.leaveOnFault();
      },
      undefined,
      "unlikely",
    );
  }

  enterMmx(): void {
    this.setState(STATE.FPU_STATUS, i32.and(this.state(STATE.FPU_STATUS), i32.const(~STATUS.TOP)));
    this.setState(STATE.FPU_TAG, i32.const(0));
  }

  /** Address from which `STATE.XMM` or `STATE.FPU_ST` is the register of operand `k`. */
  #slot(k: number): Value {
    return i32.add(this.frame.cpu.get(), i32.shl(this.registerField(k), i32.const(SLOT)));
  }

  readVector(k: number, bytes: VectorBytes, alignment: Alignment = "aligned"): Vector {
    switch (this.shape.operands[k]!.kind) {
      case "x":
        return v128.load(this.#slot(k), STATE.XMM);
      case "p":
        return v128.load64_zero(this.#slot(k), STATE.FPU_ST);
      default:
        if (bytes <= 4) return i32x4.replace_lane(ZERO, 0, this.readAt(k, bytes === 2 ? 16 : 32, i32.const(0), "u"));
        return this.#loadWide(bytes as 8 | 16, alignment);
    }
  }

  writeVector(k: number, value: Vector, bytes: VectorBytes, alignment: Alignment = "aligned"): void {
    switch (this.shape.operands[k]!.kind) {
      case "x":
        return this.emit(v128.store(this.#slot(k), value, STATE.XMM));
      case "p": {
        const slot = this.let(this.#slot(k));
        this.emit(v128.store64_lane(slot, value, 0, STATE.FPU_ST));
        // The sign and exponent of a register that an MMX instruction wrote are all ones.
        return this.emit(i32.store(slot, i32.const(0xffff), STATE.FPU_ST + 8));
      }
      default:
        if (bytes <= 4) return this.write(k, i32x4.extract_lane(value, 0));
        return this.#storeWide(value, bytes as 8 | 16, alignment);
    }
  }

  writeLow(k: number, value: Vector, bytes: 4 | 8): void {
    const store = bytes === 4 ? v128.store32_lane : v128.store64_lane;
    this.emit(store(this.#slot(k), value, 0, STATE.XMM));
  }

  xmm(register: number): Vector {
    return v128.load(this.frame.cpu.get(), STATE.XMM + (register << SLOT));
  }

  letVector(value: Vector): Vector {
    const local = this.frame.variable("v128");
    this.frame.body.set(local, value);
    return local.get();
  }

  roundsQuietly(): Value {
    return i32.eq(i32.and(this.state(STATE.MXCSR), i32.const(QUIET_MXCSR.MASK)), i32.const(QUIET_MXCSR.VALUE));
  }

  /** Nothing is known of values from one record to the next. */
  knows(): boolean {
    return false;
  }
  learn(): void {}

  shared(_name: string, values: readonly Vector[], test: (s: Scratch, ...values: Vector[]) => Value): Value {
    return test(this, ...values);
  }

  /** Linear address of the memory operand; 16 bytes must be aligned unless the instruction says otherwise. */
  #wideAddress(bytes: 8 | 16, alignment: Alignment, write: boolean): Value {
    const linear = this.linear(bytes === 8 ? 64 : 128, write);
    if (bytes === 16 && alignment === "aligned") this.faultIf(i32.and(linear, i32.const(15)), VECTOR.GP);
    return linear;
  }

  #loadWide(bytes: 8 | 16, alignment: Alignment): Vector {
    const { body } = this.frame;
    const linear = this.#wideAddress(bytes, alignment, false);
    const entry = this.let(this.entry(linear, TLB.READ));
    const value = this.frame.variable("v128");
    const load = bytes === 8 ? v128.load64_zero : v128.load;
    body.if(
      this.hit(entry, linear, bytes === 8 ? 64 : 128),
      () => body.set(value, load(i32.add(linear, entry), HIT_OFFSET)),
      () => {
        this.#callWide(this.slow.readWide, linear, bytes);
        this.leaveOnFault();
        body.set(value, load(this.frame.cpu.get(), STATE.WIDE));
      },
      "likely",
    );
    return value.get();
  }

  #storeWide(value: Vector, bytes: 8 | 16, alignment: Alignment): void {
    const stored = this.letVector(value);
    const linear = this.#wideAddress(bytes, alignment, true);
    const entry = this.let(this.entry(linear, TLB.WRITE));
    const store = (address: Value, offset: number) =>
      this.emit(
        bytes === 8 ? v128.store64_lane(address, stored, 0, offset) : v128.store(address, stored, offset),
      );
    this.frame.body.if(
      this.hit(entry, linear, bytes === 8 ? 64 : 128),
      () => store(i32.add(linear, entry), HIT_OFFSET),
      () => {
        store(this.frame.cpu.get(), STATE.WIDE);
        this.#callWide(this.slow.writeWide, linear, bytes);
        this.leaveOnFault();
      },
      "likely",
    );
  }

  #callWide(target: typeof this.slow.readWide, linear: Value, bytes: number): void {
    const { body, cpu, record } = this.frame;
    this.emit(
      body.call(target, cpu.get(), record.get(), this.frame.budget(), linear, i32.const(bytes)) as Expr<"void">,
    );
  }
}
