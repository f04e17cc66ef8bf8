/**
 * The decoder: bytes to an {@linkcode Instruction}, by lookup in what the instruction table generates.
 *
 * It decodes cold code of the running guest: no allocation, no exception, one path for every form.
 *
 * @module
 */
import { type Instruction, OPERAND, type Operand, REPEAT } from "./instruction.ts";
import { GPR, SEG } from "./registers.ts";
import { BRANCH, buildDecodeTree, formEntry, UNDEFINED_ENTRY } from "./table/decode_tree.ts";
import { parseOpcode, SIMD } from "./table/opcode_notation.ts";
import { operandCode, SOURCE } from "./table/operand_codes.ts";
import { FORMS } from "./table/table.ts";

/** What came of a decode. */
export const DECODE = {
  OK: 0,
  /** No such encoding: raise #UD. */
  UNDEFINED: 1,
  /** The bytes available end before the instruction does. */
  NEED_MORE: 2,
  /** The instruction would exceed {@linkcode MAXIMUM_LENGTH}: raise #GP(0) (Intel SDM volume 3, 6.15, interrupt 13). */
  TOO_LONG: 3,
  /** LOCK where it is illegal: raise #UD. Processors before the 80386 accept it: the instruction is there all the same. */
  ILLEGAL_LOCK: 4,
} as const;

/** Bytes of the longest instruction, prefixes included (Intel SDM volume 2, 2.3.11). */
export const MAXIMUM_LENGTH = 15;

const { roots: ROOTS, nodes: NODES } = buildDecodeTree(FORMS);

/** Per form: the traits that decoding needs. */
const TRAIT = { MODRM: 1, LOCK: 2, MANDATORY: 4, MANDATORY_66: 8 } as const;
const TRAITS = new Uint8Array(FORMS.length);
const COUNTS = new Uint8Array(FORMS.length);
/** Per operand, at `id * 4 + position`. */
const SOURCES = new Uint8Array(FORMS.length * 4);
const KINDS = new Uint8Array(FORMS.length * 4);
const REGISTERS = new Uint8Array(FORMS.length * 4);
/** Per operand and operand size, at `(id * 4 + position) * 2 + (size >> 2)`. */
const SIZES = new Uint8Array(FORMS.length * 8);
const MEMORY_SIZES = new Uint8Array(FORMS.length * 8);

for (const form of FORMS) {
  const encoding = parseOpcode(form.opcode);
  const mandatory = encoding.simd > SIMD.NONE;
  TRAITS[form.id] = (encoding.modrm ? TRAIT.MODRM : 0) | (form.lock ? TRAIT.LOCK : 0) |
    (mandatory ? TRAIT.MANDATORY : 0) |
    (encoding.simd === SIMD.P66 ? TRAIT.MANDATORY_66 : 0);
  COUNTS[form.id] = form.operands.length;
  for (const [position, name] of form.operands.entries()) {
    const code = operandCode(name);
    const at = form.id * 4 + position;
    SOURCES[at] = code.source;
    KINDS[at] = code.kind;
    REGISTERS[at] = code.register;
    SIZES.set(code.size, at * 2);
    MEMORY_SIZES.set(code.memorySize, at * 2);
  }
}

// What the prefixes do, by byte: 0 is no prefix.
const PREFIX = { SEGMENT: 1, OPERAND_SIZE: 2, ADDRESS_SIZE: 3, LOCK: 4, REPEAT: 5 } as const;
const PREFIXES = new Uint8Array(256);
const PREFIX_VALUES = new Uint8Array(256);
for (
  const [byte, prefix, value] of [
    [0x26, PREFIX.SEGMENT, SEG.ES],
    [0x2e, PREFIX.SEGMENT, SEG.CS],
    [0x36, PREFIX.SEGMENT, SEG.SS],
    [0x3e, PREFIX.SEGMENT, SEG.DS],
    [0x64, PREFIX.SEGMENT, SEG.FS],
    [0x65, PREFIX.SEGMENT, SEG.GS],
    [0x66, PREFIX.OPERAND_SIZE, 0],
    [0x67, PREFIX.ADDRESS_SIZE, 0],
    [0xf0, PREFIX.LOCK, 0],
    [0xf2, PREFIX.REPEAT, REPEAT.F2],
    [0xf3, PREFIX.REPEAT, REPEAT.F3],
  ] as const
) {
  PREFIXES[byte] = prefix;
  PREFIX_VALUES[byte] = value;
}

/** Base and index of 16-bit addresses by ModRM.rm (Intel SDM volume 2, table 2-1), -1 for none, and their default segments. */
const BASE16 = Int8Array.of(GPR.BX, GPR.BX, GPR.BP, GPR.BP, GPR.SI, GPR.DI, GPR.BP, GPR.BX);
const INDEX16 = Int8Array.of(GPR.SI, GPR.DI, GPR.SI, GPR.DI, -1, -1, -1, -1);
const SEGMENT16 = Uint8Array.of(SEG.DS, SEG.DS, SEG.SS, SEG.SS, SEG.DS, SEG.DS, SEG.SS, SEG.DS);

// The decode under way. Fetching past the limit yields zeros and moves the cursor on; the end notices.
let code: Uint8Array = new Uint8Array(0);
let cursor = 0;
let limit = 0;
let override = -1;
let memoryBase = -1;
let memoryIndex = -1;
let memoryScale = 0;
let memorySegment = 0;
let memoryDisplacement = 0;

function fetch8(): number {
  const byte = cursor < limit ? code[cursor]! : 0;
  cursor++;
  return byte;
}

function fetch16(): number {
  return fetch8() | fetch8() << 8;
}

function fetch32(): number {
  return fetch8() | fetch8() << 8 | fetch8() << 16 | fetch8() << 24;
}

/** An immediate or displacement of 1, 2 or 4 bytes, zero-extended. */
function fetch(size: number): number {
  return size === 1 ? fetch8() : size === 2 ? fetch16() : fetch32();
}

function fetchSigned(size: number): number {
  return size === 1 ? fetch8() << 24 >> 24 : size === 2 ? fetch16() << 16 >> 16 : fetch32();
}

function readAddress16(modrm: number): void {
  const rm = modrm & 7;
  memoryScale = 0;
  if (modrm < 0x40 && rm === 6) {
    memoryBase = -1;
    memoryIndex = -1;
    memorySegment = SEG.DS;
    memoryDisplacement = fetch16();
    return;
  }
  memoryBase = BASE16[rm]!;
  memoryIndex = INDEX16[rm]!;
  memorySegment = SEGMENT16[rm]!;
  memoryDisplacement = modrm < 0x40 ? 0 : modrm < 0x80 ? fetchSigned(1) : fetchSigned(2);
}

function readAddress32(modrm: number): void {
  let base = modrm & 7;
  memoryIndex = -1;
  memoryScale = 0;
  if (base === 4) {
    const sib = fetch8();
    base = sib & 7;
    const index = sib >> 3 & 7;
    if (index !== 4) {
      memoryIndex = index;
      memoryScale = sib >> 6;
    }
  }
  if (modrm < 0x40 && base === 5) {
    memoryBase = -1;
    memorySegment = SEG.DS;
    memoryDisplacement = fetch32();
    return;
  }
  memoryBase = base;
  memorySegment = base === GPR.SP || base === GPR.BP ? SEG.SS : SEG.DS;
  memoryDisplacement = modrm < 0x40 ? 0 : modrm < 0x80 ? fetchSigned(1) : fetch32();
}

function setMemory(
  operand: Operand,
  size: number,
  segment: number,
  base: number,
  index: number,
  scale: number,
  displacement: number,
): void {
  operand.kind = OPERAND.MEMORY;
  operand.size = size;
  operand.register = 0;
  operand.segment = segment;
  operand.base = base;
  operand.index = index;
  operand.scale = scale;
  operand.value = displacement;
}

function setPlain(operand: Operand, kind: number, size: number, register: number, value: number): void {
  operand.kind = kind;
  operand.size = size;
  operand.register = register;
  operand.segment = 0;
  operand.base = -1;
  operand.index = -1;
  operand.scale = 0;
  operand.value = value;
}

/** Reads one operand; false where the encoding names a register that does not exist. */
function readOperand(
  operand: Operand,
  at: number,
  position: number,
  opcode: number,
  modrm: number,
  wide: number,
  addressSize: number,
): boolean {
  const size = SIZES[at * 2 + wide]!;
  switch (SOURCES[at]) {
    case SOURCE.RM:
    case SOURCE.RM_MEMORY:
      if (modrm < 0xc0) {
        setMemory(
          operand,
          MEMORY_SIZES[at * 2 + wide]!,
          override < 0 ? memorySegment : override,
          memoryBase,
          memoryIndex,
          memoryScale,
          memoryDisplacement,
        );
      } else setPlain(operand, KINDS[at]!, size, modrm & 7, 0);
      return true;
    case SOURCE.RM_REGISTER:
    case SOURCE.RM_ALWAYS_REGISTER:
      setPlain(operand, KINDS[at]!, size, modrm & 7, 0);
      return true;
    case SOURCE.REG:
      setPlain(operand, KINDS[at]!, size, modrm >> 3 & 7, 0);
      return true;
    case SOURCE.REG_SEGMENT: {
      const register = modrm >> 3 & 7;
      setPlain(operand, OPERAND.SEGMENT, size, register, 0);
      return register <= SEG.GS && !(position === 0 && register === SEG.CS);
    }
    case SOURCE.REG_CONTROL: {
      const register = modrm >> 3 & 7;
      setPlain(operand, OPERAND.CONTROL, size, register, 0);
      return register <= 4 && register !== 1;
    }
    case SOURCE.OPCODE:
      setPlain(operand, KINDS[at]!, size, opcode & 7, 0);
      return true;
    case SOURCE.IMMEDIATE:
      setPlain(operand, OPERAND.IMMEDIATE, size, 0, fetch(size));
      return true;
    case SOURCE.IMMEDIATE_SIGNED:
      setPlain(operand, OPERAND.IMMEDIATE, size, 0, fetchSigned(1));
      return true;
    case SOURCE.RELATIVE:
      setPlain(operand, OPERAND.RELATIVE, size, 0, fetchSigned(size));
      return true;
    case SOURCE.FAR: {
      const offset = fetch(size - 2);
      setPlain(operand, OPERAND.FAR, size, fetch16(), offset);
      return true;
    }
    case SOURCE.OFFSET:
      setMemory(operand, size, override < 0 ? SEG.DS : override, -1, -1, 0, fetch(addressSize));
      return true;
    case SOURCE.STRING_SOURCE:
      setMemory(operand, size, override < 0 ? SEG.DS : override, GPR.SI, -1, 0, 0);
      return true;
    case SOURCE.STRING_DESTINATION:
      setMemory(operand, size, SEG.ES, GPR.DI, -1, 0, 0);
      return true;
    case SOURCE.TABLE:
      setMemory(operand, size, override < 0 ? SEG.DS : override, GPR.BX, -1, 0, 0);
      return true;
    case SOURCE.FIXED:
      setPlain(operand, KINDS[at]!, size, REGISTERS[at]!, 0);
      return true;
    default:
      setPlain(operand, OPERAND.IMMEDIATE, size, 0, 1);
      return true;
  }
}

/** Ends a decode: what ran out comes before what the bytes mean, for bytes that are not there mean nothing. */
function finish(out: Instruction, at: number, available: number, result: number): number {
  if (cursor > limit) {
    out.form = undefined;
    out.length = limit - at;
    out.count = 0;
    return available < MAXIMUM_LENGTH ? DECODE.NEED_MORE : DECODE.TOO_LONG;
  }
  out.length = cursor - at;
  if (result === DECODE.UNDEFINED) {
    out.form = undefined;
    out.count = 0;
  }
  return result;
}

/**
 * Decodes one instruction.
 *
 * Immediates `Ib`, `Iw` and `Iz` of 16 bits come zero-extended, `Ibs` sign-extended. Displacements are sign-extended, except that an
 * address that is a displacement alone stays as it is.
 *
 * @param bytes Holds the code.
 * @param at Index of the instruction's first byte.
 * @param available Bytes of code from `at` on; those behind are not looked at.
 * @param big CS.D: operands and addresses default to 32 bits.
 * @param out Receives the instruction. After any result but OK and ILLEGAL_LOCK its `form` is undefined, and `length` says how many bytes were looked at.
 * @returns A {@linkcode DECODE} value.
 */
export function decode(bytes: Uint8Array, at: number, available: number, big: boolean, out: Instruction): number {
  code = bytes;
  cursor = at;
  limit = at + (available < MAXIMUM_LENGTH ? available : MAXIMUM_LENGTH);
  override = -1;
  let has66 = false;
  let has67 = false;
  let lock = false;
  let repeat: number = REPEAT.NONE;

  let opcode = fetch8();
  let prefix = PREFIXES[opcode]!;
  while (prefix !== 0) {
    if (prefix === PREFIX.SEGMENT) override = PREFIX_VALUES[opcode]!;
    else if (prefix === PREFIX.OPERAND_SIZE) has66 = true;
    else if (prefix === PREFIX.ADDRESS_SIZE) has67 = true;
    else if (prefix === PREFIX.LOCK) lock = true;
    else repeat = PREFIX_VALUES[opcode]!;
    opcode = fetch8();
    prefix = PREFIXES[opcode]!;
  }

  let operandSize = big !== has66 ? 4 : 2;
  const addressSize = big !== has67 ? 4 : 2;
  const simd = repeat === REPEAT.F3 ? SIMD.PF3 : repeat === REPEAT.F2 ? SIMD.PF2 : has66 ? SIMD.P66 : SIMD.NONE;

  let map = 0;
  if (opcode === 0x0f) {
    opcode = fetch8();
    map = 1 << 10;
    if (opcode === 0x38 || opcode === 0x3a) {
      map = opcode === 0x38 ? 2 << 10 : 3 << 10;
      opcode = fetch8();
    }
  }

  let modrm = -1;
  let entry = ROOTS[map | opcode << 2 | simd]!;
  while (entry >= 0) {
    const branch = NODES[entry];
    if (branch === BRANCH.MODRM) {
      modrm = fetch8();
      entry = NODES[entry + 1 + (modrm < 0xc0 ? modrm >> 3 & 7 : modrm - 0xb8)]!;
    } else entry = NODES[entry + 1 + ((branch === BRANCH.OPERAND_SIZE ? operandSize : addressSize) >> 2)]!;
  }
  if (entry === UNDEFINED_ENTRY) return finish(out, at, available, DECODE.UNDEFINED);
  const id = formEntry(entry);
  const traits = TRAITS[id]!;

  // A mandatory prefix is part of the opcode and has no meaning of its own.
  if ((traits & TRAIT.MANDATORY) !== 0) {
    if ((traits & TRAIT.MANDATORY_66) !== 0) operandSize = big ? 4 : 2;
    else repeat = REPEAT.NONE;
  }
  if ((traits & TRAIT.MODRM) !== 0) {
    if (modrm < 0) modrm = fetch8();
    if (modrm < 0xc0) {
      // A register form that ignores ModRM.mod has no address bytes.
      if (SOURCES[id * 4] === SOURCE.RM_ALWAYS_REGISTER || SOURCES[id * 4 + 1] === SOURCE.RM_ALWAYS_REGISTER) {
        modrm |= 0xc0;
      } else if (addressSize === 2) readAddress16(modrm);
      else readAddress32(modrm);
    }
  }

  out.form = FORMS[id];
  out.operandSize = operandSize;
  out.addressSize = addressSize;
  out.lock = lock;
  out.repeat = repeat;
  out.segment = override;
  const count = COUNTS[id]!;
  out.count = count;
  const operands = out.operands;
  let result: number = !lock || ((traits & TRAIT.LOCK) !== 0 && modrm < 0xc0) ? DECODE.OK : DECODE.ILLEGAL_LOCK;
  for (let position = 0; position < count; position++) {
    if (!readOperand(operands[position]!, id * 4 + position, position, opcode, modrm, operandSize >> 2, addressSize)) {
      result = DECODE.UNDEFINED;
    }
  }
  return finish(out, at, available, result);
}
