/**
 * The constant binding of values of 64 and 128 bits.
 *
 * @module
 */
import { i32, i32x4, v128 } from "../../wasm/mod.ts";
import { STATUS } from "../../x86/fpu/stack.ts";
import { OPERAND } from "../../x86/instruction.ts";
import { CR0, CR4, STATE } from "../../x86/registers.ts";
import type { Alignment, Builder, Value, Vector, VectorBytes } from "../../x86/semantics/mod.ts";
import { QUIET_MXCSR } from "../../x86/simd/unit.ts";
import { FpuConstantBinder } from "./fpu_binder.ts";

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
    const unavailable = i32.and(this.state(STATE.CR0), i32.const(CR0.EM | CR0.TS));
    const disabled = i32.and(i32.xor(this.state(STATE.CR4), i32.const(CR4.OSFXSR)), i32.const(CR4.OSFXSR));
    this.calloutIf(i32.or(unavailable, disabled));
  }

  enterMmx(): void {
    this.setState(STATE.FPU_STATUS, i32.and(this.state(STATE.FPU_STATUS), i32.const(~STATUS.TOP)));
    this.setState(STATE.FPU_TAG, i32.const(0));
  }

  /** Address of the register of operand `k`. */
  #slot(k: number): number {
    const { kind, register } = this.operand(k);
    return this.frame.cpu + (kind === OPERAND.XMM ? STATE.XMM : STATE.FPU_ST) + register * SLOT;
  }

  readVector(k: number, bytes: VectorBytes, alignment: Alignment = "aligned"): Vector {
    switch (this.operand(k).kind) {
      case OPERAND.XMM:
        return v128.load(nowhere, this.#slot(k));
      case OPERAND.MMX:
        return v128.load64_zero(nowhere, this.#slot(k));
      default:
        if (bytes <= 4) return i32x4.replace_lane(ZERO, 0, this.readAt(k, bytes === 2 ? 16 : 32, i32.const(0), "u"));
        return this.#loadWide(bytes as 8 | 16, alignment);
    }
  }

  writeVector(k: number, value: Vector, bytes: VectorBytes, alignment: Alignment = "aligned"): void {
    switch (this.operand(k).kind) {
      case OPERAND.XMM:
        return this.emit(v128.store(nowhere, value, this.#slot(k)));
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
    const store = bytes === 4 ? v128.store32_lane : v128.store64_lane;
    this.emit(store(nowhere, value, 0, this.#slot(k)));
  }

  xmm(register: number): Vector {
    return v128.load(nowhere, this.frame.cpu + STATE.XMM + register * SLOT);
  }

  letVector(value: Vector): Vector {
    const local = this.frame.variable("v128");
    this.frame.body.set(local, value);
    return local.get();
  }

  roundsQuietly(): Value {
    return i32.eq(i32.and(this.state(STATE.MXCSR), i32.const(QUIET_MXCSR.MASK)), i32.const(QUIET_MXCSR.VALUE));
  }

  /** Host address of the memory operand; 16 bytes must be aligned unless the instruction says otherwise. */
  #wideAddress(bytes: 8 | 16, alignment: Alignment, write: boolean): Value {
    const linear = this.linear(bytes === 8 ? 64 : 128, write);
    if (bytes === 16 && alignment === "aligned") this.calloutIf(i32.and(linear, i32.const(15)));
    return this.host(linear, bytes, write);
  }

  #loadWide(bytes: 8 | 16, alignment: Alignment): Vector {
    const host = this.#wideAddress(bytes, alignment, false);
    return this.letVector(bytes === 8 ? v128.load64_zero(host) : v128.load(host));
  }

  #storeWide(value: Vector, bytes: 8 | 16, alignment: Alignment): void {
    const stored = this.letVector(value);
    const host = this.#wideAddress(bytes, alignment, true);
    this.emit(bytes === 8 ? v128.store64_lane(host, stored, 0) : v128.store(host, stored));
  }
}
