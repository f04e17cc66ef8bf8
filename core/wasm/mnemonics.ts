/**
 * The text format's name, and the form of the immediates, of every opcode.
 *
 * @module
 */
import { ATOMIC_OTHER, F32, F64, I32, I32_ATOMIC, I64, I64_ATOMIC, OP } from "./opcodes.ts";
import { F32X4, F64X2, I16X8, I32X4, I64X2, I8X16, I8X16_SHUFFLE, V128, V128_CONST } from "./opcodes_vector.ts";

/** What follows an opcode. */
export type ImmediateForm =
  | "none"
  | "memory access"
  | "memory access, lane"
  | "lane"
  | "16 lanes"
  | "vector"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "block type"
  | "label"
  | "labels"
  | "function"
  | "type, table"
  | "local"
  | "global"
  | "table"
  | "types"
  | "heap type"
  | "memory"
  | "two memories"
  | "zero";

/** An instruction as the text format writes it. */
export interface Mnemonic {
  /** The name: `i32.add`. */
  readonly name: string;
  /** What follows the opcode. */
  readonly immediates: ImmediateForm;
}

type Group = Readonly<Record<string, number>>;

const OTHER_FORMS: Partial<Record<keyof typeof OP, readonly [string, ImmediateForm]>> = {
  block: ["block", "block type"],
  loop: ["loop", "block type"],
  if: ["if", "block type"],
  br: ["br", "label"],
  br_if: ["br_if", "label"],
  br_table: ["br_table", "labels"],
  call: ["call", "function"],
  call_indirect: ["call_indirect", "type, table"],
  return_call: ["return_call", "function"],
  return_call_indirect: ["return_call_indirect", "type, table"],
  select_typed: ["select", "types"],
  local_get: ["local.get", "local"],
  local_set: ["local.set", "local"],
  local_tee: ["local.tee", "local"],
  global_get: ["global.get", "global"],
  global_set: ["global.set", "global"],
  table_get: ["table.get", "table"],
  table_set: ["table.set", "table"],
  table_grow: ["table.grow", "table"],
  table_size: ["table.size", "table"],
  memory_size: ["memory.size", "memory"],
  memory_grow: ["memory.grow", "memory"],
  memory_fill: ["memory.fill", "memory"],
  memory_copy: ["memory.copy", "two memories"],
  i32_const: ["i32.const", "i32"],
  i64_const: ["i64.const", "i64"],
  f32_const: ["f32.const", "f32"],
  f64_const: ["f64.const", "f64"],
  ref_null: ["ref.null", "heap type"],
  ref_is_null: ["ref.is_null", "none"],
  ref_func: ["ref.func", "function"],
};

/** `atomic_rmw8_add_u` is `atomic.rmw8.add_u` in the text format; only atomic names have more dots. */
function dotted(name: string): string {
  return name.replace(/^(memory_)?atomic_(rmw\d*_)?/, (match) => match.replaceAll("_", "."));
}

function collect(): Map<number, Mnemonic> {
  const all = new Map<number, Mnemonic>();
  const add = (prefix: string, group: Group, immediates: ImmediateForm) => {
    for (const [name, code] of Object.entries(group)) {
      all.set(code, { name: prefix + dotted(name), immediates });
    }
  };
  const addAll = (prefix: string, groups: Readonly<Record<string, Group>>) => {
    for (const [signature, group] of Object.entries(groups)) add(prefix, group, FORM_OF_SIGNATURE[signature] ?? "none");
  };
  addAll("i32.", I32);
  addAll("i64.", I64);
  addAll("f32.", F32);
  addAll("f64.", F64);
  for (const group of Object.values(I32_ATOMIC)) add("i32.", group, "memory access");
  for (const group of Object.values(I64_ATOMIC)) add("i64.", group, "memory access");
  add("", ATOMIC_OTHER, "memory access");
  addAll("v128.", V128);
  addAll("i8x16.", I8X16);
  addAll("i16x8.", I16X8);
  addAll("i32x4.", I32X4);
  addAll("i64x2.", I64X2);
  addAll("f32x4.", F32X4);
  addAll("f64x2.", F64X2);
  for (const [name, code] of Object.entries(OP)) {
    const [text, immediates] = OTHER_FORMS[name as keyof typeof OP] ?? [name, "none"];
    all.set(code, { name: text, immediates });
  }
  all.set(ATOMIC_OTHER.atomic_fence, { name: "atomic.fence", immediates: "zero" });
  all.set(V128_CONST, { name: "v128.const", immediates: "vector" });
  all.set(I8X16_SHUFFLE, { name: "i8x16.shuffle", immediates: "16 lanes" });
  return all;
}

/** Signatures whose instructions have immediates. */
const FORM_OF_SIGNATURE: Readonly<Record<string, ImmediateForm>> = {
  load: "memory access",
  store: "memory access",
  load_lane: "memory access, lane",
  store_lane: "memory access, lane",
  extract: "lane",
  replace: "lane",
};

let mnemonics: Map<number, Mnemonic> | undefined;

/** The name and immediates of an opcode (`prefix << 16 | code` when prefixed), or undefined when it is none of ours. */
export function mnemonicOf(opcode: number): Mnemonic | undefined {
  mnemonics ??= collect();
  return mnemonics.get(opcode);
}
