/**
 * The small builder against which every instruction is described once. The dynamic binding (`core/engine/interpreter`) reads operands
 * from a decoded record; a constant binding knows them when it emits.
 *
 * Values of 8 and 16 bits travel sign-extended in 32-bit values unless a read asks otherwise: unsigned comparison then still orders
 * them, and signs and zeros need no masking.
 *
 * @module
 */
import { type Expr, type Hint, i32, i64, type Local } from "../../wasm/mod.ts";
import type { FpuBuilder } from "./fpu_builder.ts";
import type { VectorBuilder } from "./vector_builder.ts";

/** Operand width in bits. */
export type Width = 8 | 16 | 32 | 64;

/** A value of at most 32 bits (64-bit operands carry 64-bit values under the same type). */
export type Value = Expr<"i32">;

/** A readable and writable location whose checks have passed: nothing after `open` can fault. */
export interface Place {
  /** The value found there, sign-extended. */
  readonly value: Value;
  /** Stores a new value. */
  commit(value: Value): void;
}

/** Integer operations of a width: those of i32 below 64 bits, of i64 at 64. */
export function operations(width: Width): typeof i32 {
  return width === 64 ? i64 as unknown as typeof i32 : i32;
}

/** Sign-extends the low `width` bits. */
export function signed(width: Width, value: Value): Value {
  return width === 8 ? i32.extend8_s(value) : width === 16 ? i32.extend16_s(value) : value;
}

/** Clears everything above the low `width` bits. */
export function unsigned(width: Width, value: Value): Value {
  return width === 8 ? i32.and(value, i32.const(0xff)) : width === 16 ? i32.and(value, i32.const(0xffff)) : value;
}

/** What the description of an instruction of the base set may say. Faults leave the instruction before anything later is emitted. */
export interface ScalarBuilder {
  /** Number of operands. */
  readonly count: number;
  /** Condition number of jcc, setcc, cmovcc; 0 otherwise. */
  readonly condition: number;
  /** Operand size of the instruction, which relative branches and stack accesses without operands follow. */
  readonly operandWidth: Width;
  /** Address size of the instruction. */
  readonly addressWidth: Width;
  /** Repeat prefix: a REPEAT value. */
  readonly repeat: number;
  /** Width of operand `k`. */
  width(k: number): Width;
  isMemory(k: number): boolean;
  isRegister(k: number): boolean;
  /** Reads an operand, sign-extended unless `extend` is "u". */
  read(k: number, extend?: "s" | "u"): Value;
  /** Writes an operand. */
  write(k: number, value: Value): void;
  /** Opens an operand for a read-modify-write. `offset` is added to a memory operand's address. */
  open(k: number, options?: { offset?: Value; width?: Width }): Place;
  /** Reads memory at operand `k` plus a byte offset. */
  readAt(k: number, width: Width, offset: Value): Value;
  /** The offset that memory operand `k` addresses. */
  address(k: number): Value;
  /** A general register by number; sign-extended. */
  register(index: number, width: Width, extend?: "s" | "u"): Value;
  setRegister(index: number, width: Width, value: Value): void;
  /** Selector of segment register operand `k`. */
  selector(k: number): Value;
  /** Number of control register operand `k`; in translated code only. */
  controlNumber(k: number): number;
  /** Virtual time before this instruction; in translated code only. */
  time(): Expr<"i64">;
  /** Number of segment register operand `k`: a SEG value. */
  segmentNumber(k: number): Value;

  /** Computes a value once. */
  let(value: Value): Value;
  /** The same for a 64-bit value. */
  let64(value: Expr<"i64">): Expr<"i64">;
  /** A fresh variable. */
  variable(): Local<"i32">;
  set(variable: Local<"i32">, value: Value): void;
  if(condition: Value, then: () => void, otherwise?: () => void, hint?: Hint): void;
  /** A loop that `again()` repeats. */
  loop(body: (again: () => void) => void): void;
  /** Raises an exception if `condition` holds. */
  faultIf(condition: Value, vector: number): void;
  /** Statements to undo what a later fault of this instruction must not leave behind. */
  onFault(undo: () => void): void;
  /** Leaves the instruction to its TypeScript definition if `condition` holds. */
  calloutIf(condition: Value): void;
  /** A field of the CPU block (an offset of STATE). */
  state(offset: number): Value;
  setState(offset: number, value: Value): void;
  /** Address of the CPU block. */
  block(): Value;
  /**
   * Host address of `bytes` at a linear address, as the processor itself reaches its tables and frames, with supervisor privilege; leaves the
   * instruction to its TypeScript definition unless one page that the TLB has holds them all. `linear` is a value that `let` gave.
   */
  systemHost(linear: Value, bytes: number, write: boolean): Value;

  /** Flags of a sum of operand 0's width: r = x + y. */
  flagsAdd(r: Value, y: Value): void;
  /** Flags of a difference of operand 0's width: r = x - y. */
  flagsSub(r: Value, x: Value, y: Value): void;
  /** Flags of a logical result: CF, OF and AF clear. */
  flagsLogic(r: Value): void;
  /** Flags of INC and DEC: as of x + 1 or x - 1, CF kept. */
  flagsIncrement(r: Value): void;
  flagsDecrement(r: Value, x: Value): void;
  /** SF, ZF and PF of a result. */
  flagsResult(r: Value): void;
  /** Flags of a comparison of numbers: CF is `less`, ZF `equal` (each 0 or 1), the others are clear. */
  flagsCompared(less: Value, equal: Value): void;
  /** CF alone. */
  setCarry(carry: Value): void;
  /** OF and AF (each 0 or 1). */
  setOverflowAdjust(overflow: Value, adjust: Value): void;
  /** 0 or 1. */
  carry(): Value;
  adjust(): Value;
  /** Nonzero if condition `code` (Intel SDM volume 1, appendix B) holds. */
  holds(code: number): Value;
  /** The six arithmetic flags at their places in EFLAGS. */
  arithmeticFlags(): Value;
  /** Sets those of the six that `value` holds at their EFLAGS places; `keepOverflow` leaves OF as it is (SAHF). */
  setArithmeticFlags(value: Value, keepOverflow: boolean): void;

  /** The stack pointer, masked by the stack's size. */
  stackPointer(): Value;
  setStackPointer(value: Value): void;
  /** Opens a stack slot at an offset from the stack pointer (or from `from`) for writing. */
  stackPlace(width: Width, offset: number, from?: Value): { commit(value: Value): void };
  /** Reads a stack slot. */
  stackRead(width: Width, offset: number, from?: Value): Value;
  /** EIP of the next instruction. */
  nextIp(): Value;
  /** Target of the relative operand `k`, cut to the operand size. */
  relativeTarget(k: number): Value;
  /** #GP if a branch target lies beyond the code segment. */
  checkTarget(target: Value): void;
  /** Continues at an EIP. */
  jump(target: Value): void;
  /** Continues at an EIP after CPL, CS or SS may have changed; `user` is 1 if CPL is 3 now, else 0. MODE is what it was. */
  transfer(target: Value, user: Value): void;
  /** Continues at relative operand `k`; taken when `condition` holds, or always. */
  branch(k: number, condition?: Value): void;

  /** Memory by segment and offset, as string instructions need it. `segment` is a SEG number or operand index semantics of the binder. */
  string(role: "source" | "destination"): StringPort;
  /** Interrupts stay inhibited until the next instruction has retired. For instructions that end a block. */
  inhibitInterrupts(): void;
  /** How many iterations may still be retired, at least 1. */
  iterations(): Value;
  /** Retires iterations of a repeated string. */
  retire(count: Value): void;
  /** Leaves with the instruction not finished: it is started again later. */
  suspend(): void;
  /** One item's locked or plain memory order is the same for one CPU; the operation exists so that several can differ. */
  fence(): void;
  /** Appends a statement. */
  emit(statement: Expr<"void">): void;
}

/** What an instruction's description may say. */
export interface Builder extends ScalarBuilder, FpuBuilder, VectorBuilder {}

/** One side of a string instruction. */
export interface StringPort {
  /** Reads an item at an offset; sign-extended. */
  read(width: Width, offset: Value): Value;
  write(width: Width, offset: Value, value: Value): void;
  /** Host address if items from `offset` to its page's end are plain memory, else 0; may fault. Sets `linear`. */
  bulk(width: Width, offset: Value, write: boolean): Value;
}

/** An instruction's description. */
export type Semantics = (b: Builder) => void;
