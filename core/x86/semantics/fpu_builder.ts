/**
 * What a description may say of the x87 FPU beyond fields of the CPU block: its memory operands, the place of an instruction, and state
 * at a run-time index, which is how ST(i) is reached.
 *
 * @module
 */
import type { Expr, Local } from "../../wasm/mod.ts";
import type { Value } from "./builder.ts";

/** A value of 64 bits. */
export type Wide = Expr<"i64">;

/** A memory operand all of whose bytes are plain memory of one page. The values may be used more than once. */
export interface PlainMemory {
  /** Address in the machine's WebAssembly memory: loads and stores here cannot fault. */
  readonly host: Value;
  /** Offset in its segment, cut to the address size. */
  readonly offset: Value;
  /** Selector of its segment. */
  readonly selector: Value;
}

/** Values of 64 bits, indexed state, and operands of the FPU. */
export interface FpuBuilder {
  /** Leaves the instruction unless FPU instructions may run; `waits`: and no exception is pending. */
  requireFpu(waits: boolean): void;
  /** Whether operand `k` is a register of the stack, ST(i). */
  isStackRegister(k: number): boolean;
  /** The i of stack register operand `k`, times 16: the size of a register's slot in the CPU block. */
  stackRegister(k: number): Value;
  /** Bits of memory operand `k`: 16, 32, 64 or 80. */
  memoryBits(k: number): number;
  /**
   * Memory operand `k`, its segment checks made, for reads or for writes. Where it is not plain memory of one page the instruction is
   * left to its TypeScript definition, so that nothing may be committed before.
   */
  plainMemory(k: number, access: "read" | "write"): PlainMemory;
  /** EIP of this instruction. */
  instructionPointer(): Value;
  /** A 32-bit field of the CPU block `index` bytes behind an offset of STATE. */
  stateAt(offset: number, index: Value): Value;
  setStateAt(offset: number, index: Value, value: Value): void;
  /** The same for 64 bits. */
  state64At(offset: number, index: Value): Wide;
  setState64At(offset: number, index: Value, value: Wide): void;
  /** A fresh variable of 64 bits. */
  variable64(): Local<"i64">;
  set64(variable: Local<"i64">, value: Wide): void;
}
