/**
 * The dynamic binding of what the FPU's descriptions say.
 *
 * @module
 */
import { i32, i64, type Local } from "../../wasm/mod.ts";
import { STATUS } from "../../x86/fpu/stack.ts";
import { CR0, SEGMENT, STATE, TLB } from "../../x86/registers.ts";
import type { FpuBuilder, PlainMemory, Value, Wide } from "../../x86/semantics/mod.ts";
import { HIT_OFFSET, ScalarBinder } from "./binder.ts";
import { RECORD } from "./record.ts";

/** Bits of a window's number that are its segment's. */
const WINDOW_SEGMENT = 7;

/** Binds one shape of one instruction, as far as base set and FPU go. */
export class FpuBinder extends ScalarBinder implements FpuBuilder {
  requireFpu(waits: boolean): void {
    const unavailable = i32.and(this.state(STATE.CR0), i32.const(CR0.EM | CR0.TS));
    const pending = i32.and(this.state(STATE.FPU_STATUS), i32.const(STATUS.ERROR_SUMMARY | STATUS.BUSY));
    this.calloutIf(waits ? i32.or(unavailable, pending) : unavailable);
  }

  isStackRegister(k: number): boolean {
    const { kind } = this.shape.operands[k]!;
    return kind === "t" || kind === "t0";
  }

  stackRegister(k: number): Value {
    return this.shape.operands[k]!.kind === "t0" ? i32.const(0) : this.registerField(k);
  }

  memoryBits(k: number): number {
    return this.shape.operands[k]!.width;
  }

  plainMemory(k: number, access: "read" | "write"): PlainMemory {
    const bits = this.memoryBits(k), write = access === "write";
    const offset = this.let(this.address(k));
    const linear = this.linearAt(offset, bits, write);
    const entry = this.let(this.entry(linear, write ? TLB.WRITE : TLB.READ));
    this.calloutIf(i32.eqz(this.hit(entry, linear, bits)));
    const segment = i32.and(i32.load8_u(this.frame.record.get(), RECORD.D), i32.const(WINDOW_SEGMENT));
    return {
      host: this.let(i32.add(i32.add(linear, entry), i32.const(HIT_OFFSET))),
      offset,
      selector: this.stateAt(
        STATE.SEGMENTS + SEGMENT.SELECTOR,
        i32.shl(segment, i32.const(Math.log2(SEGMENT.SIZE))),
      ),
    };
  }

  instructionPointer(): Value {
    return i32.add(this.state(STATE.EIP_PAGE), i32.load16_u(this.frame.record.get(), RECORD.OFFSET));
  }

  stateAt(offset: number, index: Value): Value {
    return i32.load(i32.add(this.frame.cpu.get(), index), offset);
  }
  setStateAt(offset: number, index: Value, value: Value): void {
    this.emit(i32.store(i32.add(this.frame.cpu.get(), index), value, offset));
  }
  state64At(offset: number, index: Value): Wide {
    return i64.load(i32.add(this.frame.cpu.get(), index), offset);
  }
  setState64At(offset: number, index: Value, value: Wide): void {
    this.emit(i64.store(i32.add(this.frame.cpu.get(), index), value, offset));
  }

  variable64(): Local<"i64"> {
    return this.frame.variable("i64");
  }
  set64(variable: Local<"i64">, value: Wide): void {
    this.frame.body.set(variable, value);
  }
}
