/**
 * The constant binding of what the FPU's descriptions say.
 *
 * @module
 */
import { i32, i64, type Local } from "../../wasm/mod.ts";
import { OPERAND } from "../../x86/instruction.ts";
import { STATUS } from "../../x86/fpu/stack.ts";
import { CR0, SEGMENT, STATE } from "../../x86/registers.ts";
import type { FpuBuilder, PlainMemory, Value, Wide } from "../../x86/semantics/mod.ts";
import { ScalarConstantBinder } from "./scalar_binder.ts";
import { UNIT } from "./vector_file.ts";

/** Bytes of a register's slot. */
const SLOT = 16;

/** Binds one instruction, as far as base set and FPU go. */
export class FpuConstantBinder extends ScalarConstantBinder implements FpuBuilder {
  requireFpu(waits: boolean): void {
    const { vectors } = this.frame;
    // What instructions in a region do to the status word leaves no exception pending that was not.
    if (vectors.admits(UNIT.FPU)) {
      this.calloutIf(i32.and(this.state(STATE.CR0), i32.const(CR0.EM | CR0.TS)));
    }
    if (waits && vectors.admits(UNIT.FPU_WAITS)) {
      this.calloutIf(i32.and(this.state(STATE.FPU_STATUS), i32.const(STATUS.ERROR_SUMMARY | STATUS.BUSY)));
    }
  }

  override state(offset: number): Value {
    return this.frame.vectors.fpu.read(offset);
  }
  override setState(offset: number, value: Value): void {
    this.frame.vectors.fpu.write(offset, value);
  }

  isStackRegister(k: number): boolean {
    return this.operand(k).kind === OPERAND.ST;
  }

  stackRegister(k: number): Value {
    return i32.const(this.operand(k).register * SLOT);
  }

  memoryBits(k: number): number {
    return this.operand(k).size * 8;
  }

  plainMemory(k: number, access: "read" | "write"): PlainMemory {
    const bytes = this.operand(k).size, write = access === "write";
    const offset = this.let(this.address(k));
    const { segment } = this.memoryOperand(k);
    const linear = this.segmented(segment, offset, (bytes * 8) as 64, write);
    return {
      host: this.host(linear, bytes, write),
      offset,
      selector: this.state(STATE.SEGMENTS + segment * SEGMENT.SIZE + SEGMENT.SELECTOR),
    };
  }

  instructionPointer(): Value {
    return i32.add(this.frame.eipPage.get(), i32.const(this.offset));
  }

  stateAt(offset: number, index: Value): Value {
    return i32.load(index, this.frame.cpu + offset);
  }
  setStateAt(offset: number, index: Value, value: Value): void {
    this.emit(i32.store(index, value, this.frame.cpu + offset));
  }
  state64At(offset: number, index: Value): Wide {
    return i64.load(index, this.frame.cpu + offset);
  }
  setState64At(offset: number, index: Value, value: Wide): void {
    this.emit(i64.store(index, value, this.frame.cpu + offset));
  }

  variable64(): Local<"i64"> {
    return this.frame.variable("i64");
  }
  set64(variable: Local<"i64">, value: Wide): void {
    this.frame.body.set(variable, value);
  }
}
