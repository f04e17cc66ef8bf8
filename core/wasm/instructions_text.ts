/**
 * Prints instructions in the text format, one a line, indented by the blocks around them.
 *
 * @module
 */
import type { ByteReader } from "./decoding.ts";
import { mnemonicOf } from "./mnemonics.ts";
import { EMPTY_BLOCK, OP } from "./opcodes.ts";
import { TYPE_CODE, type ValueType } from "./types.ts";

const TYPE_OF_CODE = new Map(Object.entries(TYPE_CODE).map(([type, code]) => [code, type as ValueType]));

/** Reads a value type. Throws when it is none of ours. */
export function readValueType(reader: ByteReader): ValueType {
  const at = reader.position;
  const code = reader.byte();
  const type = TYPE_OF_CODE.get(code);
  if (type === undefined) throw new Error(`Byte ${at} should be a value type; found 0x${code.toString(16)}.`);
  return type;
}

/** How an index is written: by name where there is one. */
export interface Naming {
  /** A function, as `$name` or as its index. */
  func(index: number): string;
}

/**
 * Prints a function body's instructions. `hints` maps offsets in the module to "likely" (1) or "unlikely" (0), `notes` to lines of comment.
 */
export function printInstructions(
  reader: ByteReader,
  naming: Naming,
  hints: ReadonlyMap<number, number>,
  indent: string,
  notes: ReadonlyMap<number, readonly string[]> = new Map(),
): string[] {
  const lines: string[] = [];
  let depth = 1;
  while (depth > 0) {
    for (const note of notes.get(reader.position) ?? []) lines.push(`${indent}${"  ".repeat(depth - 1)};; ${note}`);
    const hint = hints.get(reader.position);
    if (hint !== undefined) lines.push(`${indent}${"  ".repeat(depth - 1)}(@metadata.code.branch_hint "\\0${hint}")`);
    const opcode = readOpcode(reader);
    if (opcode === OP.end || opcode === OP.else) depth--;
    if (depth === 0) break;
    const margin = indent + "  ".repeat(depth - 1);
    lines.push(margin + printInstruction(opcode, reader, naming, depth));
    if (opcode === OP.block || opcode === OP.loop || opcode === OP.if || opcode === OP.else) depth++;
  }
  return lines;
}

/** Prints a constant expression in one line, without its `end`. */
export function printConstant(reader: ByteReader, naming: Naming): string {
  const parts: string[] = [];
  for (;;) {
    const opcode = readOpcode(reader);
    if (opcode === OP.end) return parts.map((part) => `(${part})`).join(" ");
    parts.push(printInstruction(opcode, reader, naming, 0));
  }
}

function readOpcode(reader: ByteReader): number {
  const byte = reader.byte();
  return byte >= 0xfc ? byte << 16 | reader.u32() : byte;
}

/** The label that opened at nesting `depth`, counted from 1; the function itself is `@0`. */
function label(relative: number, depth: number): string {
  return `${relative} (;@${depth - 1 - relative};)`;
}

function printInstruction(opcode: number, reader: ByteReader, naming: Naming, depth: number): string {
  const mnemonic = mnemonicOf(opcode);
  if (mnemonic === undefined) {
    throw new Error(`The opcode before byte ${reader.position}, 0x${opcode.toString(16)}, is not one this prints.`);
  }
  const { name, immediates } = mnemonic;
  switch (immediates) {
    case "none":
      return name;
    case "zero":
      reader.byte();
      return name;
    case "i32":
      return `${name} ${reader.s32()}`;
    case "i64":
      return `${name} ${reader.s64()}`;
    case "f32":
      return `${name} ${float(reader.raw(4))}`;
    case "f64":
      return `${name} ${float(reader.raw(8))}`;
    case "vector":
      return `${name} i32x4 ${words(reader.raw(16))}`;
    case "lane":
      return `${name} ${reader.byte()}`;
    case "16 lanes":
      return `${name} ${reader.raw(16).join(" ")}`;
    case "memory access":
      return name + memoryArgument(reader);
    case "memory access, lane":
      return `${name}${memoryArgument(reader)} ${reader.byte()}`;
    case "block type":
      return `${name}${blockType(reader)} (;@${depth};)`;
    case "label":
      return `${name} ${label(reader.u32(), depth)}`;
    case "labels": {
      const targets = reader.vector(() => reader.u32());
      return `${name} ${[...targets, reader.u32()].map((target) => label(target, depth)).join(" ")}`;
    }
    case "function":
      return `${name} ${naming.func(reader.u32())}`;
    case "type, table": {
      const type = reader.u32();
      return `${name} ${reader.u32()} (type ${type})`;
    }
    case "local":
    case "global":
    case "table":
      return `${name} ${reader.u32()}`;
    case "types":
      return `${name} (result ${reader.vector(() => readValueType(reader)).join(" ")})`;
    case "heap type":
      return `${name} ${readValueType(reader).slice(0, -"ref".length)}`;
    case "memory":
      reader.byte();
      return name;
    case "two memories":
      reader.raw(2);
      return name;
  }
}

function blockType(reader: ByteReader): string {
  const at = reader.position;
  if (reader.byte() === EMPTY_BLOCK) return "";
  reader.position = at;
  return ` (result ${readValueType(reader)})`;
}

/** Alignment is a hint without meaning, so it is left out. */
function memoryArgument(reader: ByteReader): string {
  reader.u32();
  const offset = reader.u32();
  return offset === 0 ? "" : ` offset=${offset}`;
}

function float(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const value = bytes.length === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
  if (Number.isNaN(value)) {
    const fraction = bytes.length === 4
      ? view.getUint32(0, true) & 0x7fffff
      : view.getBigUint64(0, true) & 0xfffffffffffffn;
    const sign = (bytes[bytes.length - 1] as number) & 0x80 ? "-" : "";
    return `${sign}nan:0x${fraction.toString(16)}`;
  }
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

function words(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [0, 4, 8, 12].map((at) => `0x${view.getUint32(at, true).toString(16).padStart(8, "0")}`).join(" ");
}
