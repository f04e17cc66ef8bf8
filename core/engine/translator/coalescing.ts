/**
 * Finds the memory accesses of a block that one TLB check can serve: those at known distances from one value, be it a register's or the
 * stack pointer's. Inside a region no TLB entry changes, so that a page found is a page kept until an instruction is called.
 *
 * @module
 */
import { type Instruction, OPERAND, type Operand } from "../../x86/instruction.ts";
import { GPR, SEG } from "../../x86/registers.ts";
import type { Block } from "./region.ts";

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
  readonly memory: { readonly group: AccessGroup; readonly offset: number } | undefined;
  /** The offset is that of the stack pointer itself. */
  readonly stack: { readonly group: AccessGroup; readonly offset: number } | undefined;
}

const NOTHING: InstructionAccesses = { memory: undefined, stack: undefined };

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

/** What an instruction does, by its description's name, as bits. */
const DOES = { WRITE: 1, READ: 2, KEEP: 4, WRITE_FIRST: 8, STACK: 16, FORGET: 32 } as const;

/** Push or pop. */
const STACKS = new Set("push push_segment pushf call pusha pop popf pop_segment ret popa".split(" "));

/** Set registers that their operands do not name, and the stack pointer. */
const FORGETS = new Set("leave enter popa".split(" "));

const known = new Map<string, number>();

function doesByName(name: string): number {
  let does = 0;
  if (WRITES.has(name)) does |= DOES.WRITE;
  if (READS.has(name)) does |= DOES.READ;
  if (KEEPS.has(name) || name === "pusha") does |= DOES.KEEP;
  if (WRITES_FIRST.has(name)) does |= DOES.WRITE_FIRST;
  if (STACKS.has(name)) does |= DOES.STACK;
  if (FORGETS.has(name)) does |= DOES.FORGET;
  known.set(name, does);
  return does;
}

/** The general registers that an instruction may write, as bits. */
export function writtenRegisters(instruction: Instruction): number {
  const name = instruction.form!.semantics, does = known.get(name) ?? doesByName(name);
  const stack = (does & DOES.STACK) !== 0 ? 1 << GPR.SP : 0;
  if ((does & DOES.KEEP) !== 0) return stack;
  if ((does & DOES.WRITE_FIRST) === 0) return 0xff;
  const first = instruction.operands[0]!;
  return first.kind === OPERAND.GPR ? stack | 1 << whole(first) : stack;
}

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

/** Follows the registers through a block: each is so much more than an unknown value, its root. */
class Values {
  #count = 0;
  readonly roots = [0, 0, 0, 0, 0, 0, 0, 0];
  readonly offsets = [0, 0, 0, 0, 0, 0, 0, 0];

  /** A block begins. */
  begin(): void {
    this.#count = 0;
    this.forget();
  }

  /** All registers have unknown values. */
  forget(): void {
    for (let register = 0; register < 8; register++) this.clobber(register);
  }

  clobber(register: number): void {
    this.roots[register] = ++this.#count;
    this.offsets[register] = 0;
  }

  move(register: number, from: number, by: number): void {
    this.roots[register] = this.roots[from]!;
    this.offsets[register] = (this.offsets[from]! + by) | 0;
  }

  /** What an instruction does to the registers, which raises the stack by so much. */
  apply(instruction: Instruction, does: number, pushed: number): void {
    if (pushed !== 0) this.move(GPR.SP, GPR.SP, -pushed);
    if ((does & DOES.KEEP) !== 0) {
      if (instruction.form!.semantics === "ret" && instruction.count > 0) this.clobber(GPR.SP);
      return;
    }
    if ((does & DOES.WRITE_FIRST) !== 0) return this.#writeFirst(instruction);
    for (let k = 0; k < instruction.count; k++) {
      const operand = instruction.operands[k]!;
      if (operand.kind === OPERAND.GPR) this.clobber(whole(operand));
    }
    if ((does & DOES.FORGET) !== 0) return this.forget();
    this.clobber(GPR.AX);
    this.clobber(GPR.CX);
    this.clobber(GPR.DX);
    this.clobber(GPR.SI);
    this.clobber(GPR.DI);
  }

  #writeFirst({ form, operands, count, addressSize }: Instruction): void {
    const destination = operands[0]!, source = operands[1]!;
    if (destination.kind !== OPERAND.GPR) return;
    const register = whole(destination);
    if (destination.size === 4) {
      const immediate = count > 1 && source.kind === OPERAND.IMMEDIATE;
      switch (form!.semantics) {
        case "mov":
          if (source.kind === OPERAND.GPR) return this.move(register, source.register, 0);
          break;
        case "add":
          if (immediate) return this.move(register, register, source.value);
          break;
        case "sub":
          if (immediate) return this.move(register, register, -source.value);
          break;
        case "inc":
          return this.move(register, register, 1);
        case "dec":
          return this.move(register, register, -1);
        case "lea":
          if (addressSize === 4 && source.base >= 0 && source.index < 0) {
            return this.move(register, source.base, source.value);
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

const values = new Values();

/** Joins the group of a root, or founds one. */
function join(groups: Groups, root: number, offset: number, size: number, writes: boolean): AccessGroup {
  for (let k = groups.roots.length - 1; k >= 0; k--) {
    if (groups.roots[k] !== root) continue;
    const group = groups.groups[k]!;
    const low = Math.min(group.low, offset), high = Math.max(group.high, offset + size);
    if (high - low > REACH) break;
    group.low = low;
    group.high = high;
    group.writes ||= writes;
    group.accesses++;
    return group;
  }
  const fresh = { low: offset, high: offset + size, writes, accesses: 1 };
  groups.roots.push(root);
  groups.groups.push(fresh);
  return fresh;
}

/** The groups of a block: of those with the same root the last one counts. */
interface Groups {
  readonly roots: number[];
  readonly groups: AccessGroup[];
}

/**
 * Groups the accesses of a block.
 *
 * @param flat Segments are flat; without that nothing is grouped.
 * @returns For each instruction, where its accesses belong.
 */
export function groupAccesses({ instructions }: Block, flat: boolean): InstructionAccesses[] {
  const found: InstructionAccesses[] = [];
  values.begin();
  const groups: Groups = { roots: [], groups: [] };
  for (const { instruction, how, alone } of instructions) {
    if (!flat || how === "called") {
      if (flat) {
        values.forget();
        groups.roots.length = groups.groups.length = 0;
      }
      found.push(NOTHING);
      continue;
    }
    const name = instruction.form!.semantics, does = known.get(name) ?? doesByName(name);
    const stacks = (does & DOES.STACK) !== 0;
    const pushed = stacks ? pushes(instruction) : 0, popped = stacks ? pops(instruction) : 0;
    found.push(alone ? NOTHING : accesses(groups, instruction, does, pushed, popped));
    values.apply(instruction, does, pushed - popped);
  }
  return found;
}

function accesses(
  groups: Groups,
  instruction: Instruction,
  does: number,
  pushed: number,
  popped: number,
): InstructionAccesses {
  let memory: InstructionAccesses["memory"], stack: InstructionAccesses["stack"];
  const k = memoryOperand(instruction, does);
  if (k >= 0) {
    const { base, value, size } = instruction.operands[k]!;
    const offset = (values.offsets[base]! + value) | 0;
    const group = join(groups, values.roots[base]!, offset, size, k === 0 && (does & DOES.WRITE) !== 0);
    memory = { group, offset };
  }
  if (pushed + popped > 0) {
    const offset = values.offsets[GPR.SP]!;
    const group = join(groups, values.roots[GPR.SP]!, offset - pushed, pushed + popped, pushed > 0);
    stack = { group, offset };
  }
  return memory === undefined && stack === undefined ? NOTHING : { memory, stack };
}

/** Number of the memory operand of an instruction, if that can share a check; else -1. */
function memoryOperand({ operands, count, addressSize }: Instruction, does: number): number {
  if (addressSize !== 4) return -1;
  for (let k = 0; k < count; k++) {
    const { kind, base, index, segment, size } = operands[k]!;
    if (kind !== OPERAND.MEMORY) continue;
    if (base < 0 || index >= 0 || segment === SEG.CS || segment > SEG.DS || size === 0 || size > 4) return -1;
    if (k === 0 && (does & DOES.WRITE) !== 0) return k;
    return (does & DOES.READ) !== 0 ? k : -1;
  }
  return -1;
}
