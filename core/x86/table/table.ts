/**
 * The instruction table: every encoding that the architecture defines here, told once. The decoder, the assembler and the disassembler
 * are made from it.
 *
 * Of two encodings of one instruction the earlier is the one that the assembler prefers when both are equally short.
 *
 * @module
 */
import type { Form } from "../form.ts";
import { arithmetic } from "./arithmetic.ts";
import { bit } from "./bit.ts";
import { control } from "./control.ts";
import { flag } from "./flag.ts";
import { move } from "./move.ts";
import type { Row } from "./row.ts";
import { shift } from "./shift.ts";
import { stack } from "./stack.ts";
import { string } from "./string.ts";
import { system } from "./system.ts";
import { aes } from "./aes.ts";
import { fxsr } from "./fxsr.ts";
import { mmx } from "./mmx.ts";
import { simdInteger } from "./simd_integer.ts";
import { sse } from "./sse.ts";
import { sse2 } from "./sse2.ts";
import { sse3 } from "./sse3.ts";
import { sse4 } from "./sse4.ts";
import { ssse3 } from "./ssse3.ts";
import { x87 } from "./x87.ts";

function form(row: Row, id: number): Form {
  const numbered = {
    id,
    mnemonic: row.mnemonic,
    opcode: row.opcode,
    operands: row.operands === "" ? [] : row.operands.split(" "),
    semantics: row.semantics ?? row.mnemonic,
    lock: row.lock ?? false,
    ends: row.ends ?? false,
    feature: row.feature ?? "i386",
  };
  return row.condition === undefined ? numbered : { ...numbered, condition: row.condition };
}

/** Every encoding, in the order of their `id`. */
export const FORMS: readonly Form[] = [
  ...arithmetic,
  ...shift,
  ...move,
  ...stack,
  ...control,
  ...string,
  ...bit,
  ...flag,
  ...system,
  ...x87,
  ...fxsr,
  ...mmx,
  ...simdInteger,
  ...sse,
  ...sse2,
  ...sse3,
  ...ssse3,
  ...sse4,
  ...aes,
].map(form);
