/**
 * Finds the memory accesses of a block that one TLB check can serve: those at known distances from one value, be it a register's or the
 * stack pointer's. Inside a region no TLB entry changes, so that a page found is a page kept until an instruction is called.
 *
 * @module
 */
import { type Instruction, OPERAND, type Operand } from "../../x86/instruction.ts";
import { GPR, SEG } from "../../x86/registers.ts";
import type { Block, RegionInstruction } from "./region.ts";

/** Most bytes that one check covers: more would straddle a page too often. */
const REACH = 256;

/** Accesses that share a check. */
export interface AccessGroup {
  /** Least offset from the common value, and the end of the last access. */
  low: number;
  high: number;
  /** One of them writes. */
  writes: boolean;
  accesses: number;
}

/** Which groups an instruction's accesses belong to, and where in them they begin. */
export interface InstructionAccesses {
  readonly memory?: { readonly group: AccessGroup; readonly offset: number };
  /** The offset is that of the stack pointer itself. */
  readonly stack?: { readonly group: AccessGroup; readonly offset: number };
}

const NOTHING: InstructionAccesses = {};

/** Write operand 0. */
const WRITES = new Set(
  "mov add sub adc sbb and or xor inc dec neg not shl shr sar rol ror setcc xchg xadd cmpxchg".split(" "),
);

/** Only read their memory operand. */
const READS = new Set(
  "mov movzx movsx cmp test add sub adc sbb and or xor imul mul div idiv cmovcc push call jmp".split(" "),
);

/** Leave the general registers alone, except for what they do to the stack pointer. */
const KEEPS = new Set(
  "cmp test push push_segment pop_segment mov_to_segment verw pushf popf nop jcc jmp call ret clc stc cmc cld std cli sti sahf"
    .split(" "),
);

/** Write operand 0 and no other register. */
const WRITES_FIRST = new Set(
  "mov movzx movsx lea add sub adc sbb and or xor inc dec neg not shl shr sar rol ror rcl rcr shld shrd setcc cmovcc bsf bsr bts btr btc bt popcnt bswap lzcnt tzcnt pop"
    .split(" "),
);

/** Bytes that an instruction pushes. */
function pushes({ form, operandSize, operands, count }: Instruction): number {
  switch (form!.semantics) {
    case "push":
      return count > 0 && operands[0]!.kind !== OPERAND.IMMEDIATE ? operands[0]!.size : operandSize;
    case "push_segment":
    case "pushf":
    case "call":
      return operandSize;
    case "pusha":
      return 8 * operandSize;
    default:
      return 0;
  }
}

/** Bytes that an instruction pops. */
function pops({ form, operandSize, operands }: Instruction): number {
  switch (form!.semantics) {
    case "pop":
      return operands[0]!.size;
    case "popf":
    case "pop_segment":
    case "ret":
      return operandSize;
    case "popa":
      return 8 * operandSize;
    default:
      return 0;
  }
}

/** A register's value: so much more than an unknown one. */
interface Known {
  readonly root: number;
  readonly offset: number;
}

/** Follows the registers through a block. */
class Values {
  #roots = 0;
  readonly #registers: Known[] = [];

  constructor() {
    this.forget();
  }

  at(register: number): Known {
    return this.#registers[register]!;
  }

  /** All registers have unknown values. */
  forget(): void {
    for (let register = 0; register < 8; register++) this.clobber(register);
  }

  clobber(register: number): void {
    this.#registers[register] = { root: ++this.#roots, offset: 0 };
  }

  move(register: number, from: Known, by: number): void {
    this.#registers[register] = { root: from.root, offset: (from.offset + by) | 0 };
  }

  /** What an instruction does to the registers. */
  apply({ instruction }: RegionInstruction): void {
    const name = instruction.form!.semantics;
    const pushed = pushes(instruction) - pops(instruction);
    if (pushed !== 0) this.move(GPR.SP, this.at(GPR.SP), -pushed);
    if (KEEPS.has(name) || name === "pusha") {
      if (name === "ret" && instruction.count > 0) this.clobber(GPR.SP);
      return;
    }
    if (WRITES_FIRST.has(name)) return this.#writeFirst(instruction);
    for (let k = 0; k < instruction.count; k++) {
      const operand = instruction.operands[k]!;
      if (operand.kind === OPERAND.GPR) this.clobber(whole(operand));
    }
    if (name === "leave" || name === "enter" || name === "popa") return this.forget();
    for (const register of [GPR.AX, GPR.CX, GPR.DX, GPR.SI, GPR.DI]) this.clobber(register);
  }

  #writeFirst({ form, operands, count, addressSize }: Instruction): void {
    const destination = operands[0]!, source = operands[1]!;
    if (destination.kind !== OPERAND.GPR) return;
    const register = whole(destination);
    if (destination.size === 4) {
      const immediate = count > 1 && source.kind === OPERAND.IMMEDIATE;
      switch (form!.semantics) {
        case "mov":
          if (source.kind === OPERAND.GPR) return this.move(register, this.at(source.register), 0);
          break;
        case "add":
          if (immediate) return this.move(register, this.at(register), source.value);
          break;
        case "sub":
          if (immediate) return this.move(register, this.at(register), -source.value);
          break;
        case "inc":
          return this.move(register, this.at(register), 1);
        case "dec":
          return this.move(register, this.at(register), -1);
        case "lea":
          if (addressSize === 4 && source.base >= 0 && source.index < 0) {
            return this.move(register, this.at(source.base), source.value);
          }
          break;
      }
    }
    this.clobber(register);
  }
}

/** The register that an operand is, or is part of. */
function whole({ register, size }: Operand): number {
  return size === 1 ? register & 3 : register;
}

/**
 * Groups the accesses of a block.
 *
 * @param flat Segments are flat; without that nothing is grouped.
 * @returns For each instruction, where its accesses belong.
 */
export function groupAccesses(block: Block, flat: boolean): InstructionAccesses[] {
  if (!flat) return block.instructions.map(() => NOTHING);
  const values = new Values();
  let groups = new Map<number, AccessGroup>();
  const join = ({ root, offset }: Known, size: number, writes: boolean): AccessGroup => {
    const group = groups.get(root);
    if (group !== undefined) {
      const low = Math.min(group.low, offset), high = Math.max(group.high, offset + size);
      if (high - low <= REACH) {
        group.low = low;
        group.high = high;
        group.writes ||= writes;
        group.accesses++;
        return group;
      }
    }
    const fresh = { low: offset, high: offset + size, writes, accesses: 1 };
    groups.set(root, fresh);
    return fresh;
  };
  return block.instructions.map((item) => {
    if (item.how === "called") {
      values.forget();
      groups = new Map();
      return NOTHING;
    }
    const found: { memory?: InstructionAccesses["memory"]; stack?: InstructionAccesses["stack"] } = {};
    if (!item.alone) {
      const memory = memoryAccess(item.instruction);
      if (memory !== undefined) {
        const value = values.at(memory.operand.base);
        const at = { root: value.root, offset: (value.offset + memory.operand.value) | 0 };
        found.memory = { group: join(at, memory.operand.size, memory.writes), offset: at.offset };
      }
      const pushed = pushes(item.instruction), popped = pops(item.instruction);
      if (pushed + popped > 0) {
        const { root, offset } = values.at(GPR.SP);
        const group = join({ root, offset: offset - pushed }, pushed + popped, pushed > 0);
        found.stack = { group, offset };
      }
    }
    values.apply(item);
    return found;
  });
}

/** The memory operand of an instruction, if it can share a check. */
function memoryAccess(instruction: Instruction): { operand: Operand; writes: boolean } | undefined {
  const name = instruction.form!.semantics;
  if (instruction.addressSize !== 4) return undefined;
  for (let k = 0; k < instruction.count; k++) {
    const operand = instruction.operands[k]!;
    if (operand.kind !== OPERAND.MEMORY) continue;
    const { base, index, segment, size } = operand;
    if (base < 0 || index >= 0 || segment === SEG.CS || segment > SEG.DS || size === 0 || size > 4) return undefined;
    if (k === 0 && WRITES.has(name)) return { operand, writes: true };
    return READS.has(name) ? { operand, writes: false } : undefined;
  }
  return undefined;
}
