/**
 * Every instruction that the engines emit, by `Form.semantics`. The rest are callouts (`core/x86/system`, `core/x86/fpu`).
 *
 * @module
 */
import { ARITHMETIC } from "./arithmetic.ts";
import { BIT } from "./bit.ts";
import type { Semantics } from "./builder.ts";
import { CONTROL } from "./control.ts";
import { DECIMAL } from "./decimal.ts";
import { FPU_ARITHMETIC } from "./fpu_arithmetic.ts";
import { FPU_COMPARE } from "./fpu_compare.ts";
import { FPU_CONTROL } from "./fpu_control.ts";
import { FPU_MOVE } from "./fpu_move.ts";
import { FPU_SCALE } from "./fpu_scale.ts";
import { LOGIC } from "./logic.ts";
import { MOVE } from "./move.ts";
import { SHIFT } from "./shift.ts";
import { STACK } from "./stack.ts";
import { STRING } from "./string.ts";
import { SYSTEM } from "./system.ts";
import { VECTOR_FLOAT, VECTOR_FLOAT_CALLOUTS } from "./vector_float.ts";
import { VECTOR_INTEGER } from "./vector_integer.ts";
import { VECTOR_MOVE } from "./vector_move.ts";
import { VECTOR_SHUFFLE } from "./vector_shuffle.ts";
import { VECTOR_STRING } from "./vector_string.ts";

/** The x87 FPU. */
const FPU = { ...FPU_MOVE, ...FPU_ARITHMETIC, ...FPU_SCALE, ...FPU_COMPARE, ...FPU_CONTROL };

/** Descriptions by semantics name. */
export const SEMANTICS: ReadonlyMap<string, Semantics> = new Map(Object.entries({
  ...ARITHMETIC,
  ...LOGIC,
  ...SHIFT,
  ...BIT,
  ...MOVE,
  ...STACK,
  ...CONTROL,
  ...STRING,
  ...SYSTEM,
  ...DECIMAL,
  ...FPU,
  ...VECTOR_MOVE,
  ...VECTOR_FLOAT,
  ...VECTOR_INTEGER,
  ...VECTOR_SHUFFLE,
  ...VECTOR_STRING,
}));

/** Described for translated code alone: in decoded code, they are callouts. */
export const ONLY_TRANSLATED: ReadonlySet<string> = new Set(["rdtsc", "mov_from_control"]);

/** Described instructions of the x87 FPU. */
export const FPU_SEMANTICS: ReadonlySet<string> = new Set(Object.keys(FPU));

/** Described instructions that may hand themselves to their TypeScript definition (`Builder.calloutIf`). */
export const MAY_CALL_OUT: ReadonlySet<string> = new Set([
  ..."pushf popf cli sti".split(" "),
  ...Object.keys(SYSTEM),
  ...VECTOR_FLOAT_CALLOUTS,
  ...Object.keys(VECTOR_STRING),
  ...Object.keys(FPU),
]);

export type { Builder, Place, ScalarBuilder, Semantics, StringPort, Value, Width } from "./builder.ts";
export type { FpuBuilder, PlainMemory, Wide } from "./fpu_builder.ts";
export type { Alignment, Scratch, Vector, VectorBuilder, VectorBytes } from "./vector_builder.ts";
