/**
 * Finds the blocks of a region by following control flow from its entry, inside one page.
 *
 * Only code that the interpreter has met is followed: what has never been reached is not worth its compilation.
 *
 * @module
 */
import { type Instruction, OPERAND, REPEAT } from "../../x86/instruction.ts";
import { MODE, SEG } from "../../x86/registers.ts";
import { MAY_CALL_OUT, SEMANTICS } from "../../x86/semantics/mod.ts";
import { flagUse } from "./flag_liveness.ts";
import type { Block, Edge, How, Region, RegionInstruction, RegionPlace } from "./region.ts";

/** Most places that a return is compared with. */
const RETURNS = 4;

/** Most places that a jump through a table is compared with. */
const TABLE_TARGETS = 64;

/** What is translated already is gone on with, not made again, if it is longer than this. */
const COPIED = 32;

const NO_TARGETS: readonly number[] = [];

/** Most instructions in a region. */
export const REGION_LENGTH = 300;

/** What discovery asks of the decoded code. */
export interface CodeSource {
  /** The instruction at an offset, or undefined if there is none that lies whole in the page. */
  decode(offset: number): Instruction | undefined;
  /** Whether the interpreter has decoded a block there. */
  reached(offset: number): boolean;
  /** Whether an instruction is to be carried out by a call: its fast path has proved not to serve. */
  slow(offset: number): boolean;
  /** Whether an instruction's memory accesses are to be checked by themselves. */
  alone(offset: number): boolean;
  /** Offsets from the page's start that a table of 32-bit code addresses names, which is at a linear address. */
  table(address: number): readonly number[];
  /** Instructions of the region that starts at an offset; 0 if there is none. */
  translated(offset: number): number;
  /** Descriptions that this processor model leaves to their TypeScript definitions. */
  readonly calledOut: ReadonlySet<string>;
}

const BRANCHES = new Set("jcc jmp call ret loop loope loopne jcxz".split(" "));
/** Branches that may change the privilege. */
const TRANSFERS = new Set("int iret sysenter sysexit".split(" "));
const SEGMENT_LOADS = new Set("mov_to_segment pop_segment".split(" "));
const STRINGS = new Set("movs stos lods cmps scas".split(" "));
/** Described, but not worth the emitted code, or not redoable from the start. */
const CALLED = new Set(["enter"]);

/** What an instruction is, by its description's name, as bits. */
const IS = { DESCRIBED: 1, BRANCH: 2, TRANSFER: 4, SEGMENT_LOAD: 8, STRING: 16, CALLED: 32 } as const;

const kinds = new Map<string, number>();

function kindByName(name: string): number {
  let kind = 0;
  if (SEMANTICS.has(name)) kind |= IS.DESCRIBED;
  if (BRANCHES.has(name)) kind |= IS.BRANCH;
  if (TRANSFERS.has(name)) kind |= IS.TRANSFER;
  if (SEGMENT_LOADS.has(name)) kind |= IS.SEGMENT_LOAD;
  if (STRINGS.has(name)) kind |= IS.STRING;
  if (CALLED.has(name)) kind |= IS.CALLED;
  kinds.set(name, kind);
  return kind;
}

/** Whether the description of a transfer or a segment load serves. */
function isPlain({ form, operandSize, operands }: Instruction, mode: number): boolean {
  if (mode !== (MODE.FLAT | MODE.D)) return false;
  if (form!.semantics === "iret") return operandSize === 4;
  return !SEGMENT_LOADS.has(form!.semantics) || operands[0]!.register !== SEG.SS;
}

/** How an instruction is carried out. */
function how(instruction: Instruction, kind: number, source: CodeSource, offset: number, mode: number): How {
  const form = instruction.form!, name = form.semantics;
  if ((kind & IS.DESCRIBED) === 0 || source.calledOut.has(name)) return form.ends ? "left" : "called";
  if ((kind & IS.BRANCH) !== 0) return "inline";
  if ((kind & (IS.TRANSFER | IS.SEGMENT_LOAD)) !== 0 && !isPlain(instruction, mode)) return "left";
  if ((kind & IS.CALLED) !== 0 || (kind & IS.STRING) !== 0 && instruction.repeat !== REPEAT.NONE) return "called";
  if (!source.slow(offset)) return "inline";
  // One that hands itself to a callout and ends a block would go on running where it is called.
  return form.ends && MAY_CALL_OUT.has(name) ? "left" : "called";
}

/** What was found on a page, by offset: one for all discoveries, which come one after the other and leave it empty. */
class Found {
  /** In the order in which they were found. */
  readonly items: RegionInstruction[] = [];
  /** Where blocks begin, the entry first. */
  readonly leaders: number[] = [];
  readonly #items: (RegionInstruction | undefined)[] = [];
  /** Block numbers, from 1; LEADER where a block has none yet. */
  readonly #blocks = new Int16Array(PAGE);

  constructor() {
    for (let offset = 0; offset < PAGE; offset++) this.#items.push(undefined);
  }

  has(offset: number): boolean {
    return this.#items[offset] !== undefined;
  }
  at(offset: number): RegionInstruction | undefined {
    return offset < 0 || offset >= PAGE ? undefined : this.#items[offset];
  }
  add(item: RegionInstruction): void {
    this.items.push(item);
    this.#items[item.offset] = item;
  }

  leads(offset: number): boolean {
    return offset >= 0 && offset < PAGE && this.#blocks[offset] !== 0;
  }
  lead(offset: number): void {
    if (this.leads(offset)) return;
    this.#blocks[offset] = LEADER;
    this.leaders.push(offset);
  }

  /** Numbers the blocks whose code was found, in the order of their leaders; tells where they start. */
  number(): number[] {
    const starts = this.leaders.filter((offset) => this.has(offset));
    for (let k = 0; k < starts.length; k++) this.#blocks[starts[k]!] = k + 1;
    return starts;
  }
  /** Number of the block that begins at an offset; -1 if none does. */
  block(offset: number): number {
    if (offset < 0 || offset >= PAGE) return -1;
    const number = this.#blocks[offset]!;
    return number > 0 ? number - 1 : -1;
  }

  clear(): void {
    for (const { offset } of this.items) this.#items[offset] = undefined;
    for (const offset of this.leaders) this.#blocks[offset] = 0;
    this.items.length = this.leaders.length = 0;
  }
}

const PAGE = 4096;
const LEADER = -1;

const found = new Found();

/** Follows control flow from a place. Undefined if nothing there can be translated. */
export function discover(place: RegionPlace, source: CodeSource, limit: number = REGION_LENGTH): Region | undefined {
  try {
    return follow(place, source, limit);
  } finally {
    found.clear();
  }
}

function follow(place: RegionPlace, source: CodeSource, limit: number): Region | undefined {
  found.lead(place.offset);
  const work = [place.offset];
  const tables = new Map<number, readonly number[]>();
  const inside = (target: number) => target >= 0 && target < PAGE;
  const follows = (target: number) =>
    found.leads(target) || inside(target) && source.reached(target) && source.translated(target) <= COPIED;
  for (let at = work.shift(); at !== undefined; at = work.shift()) {
    for (let offset = at; found.at(offset) === undefined;) {
      if (found.items.length >= limit || !inside(offset)) break;
      const decoded = source.decode(offset);
      if (decoded === undefined) break;
      const name = decoded.form!.semantics, kind = kinds.get(name) ?? kindByName(name);
      const item: RegionInstruction = {
        offset,
        instruction: decoded,
        how: how(decoded, kind, source, offset, place.mode),
        alone: source.alone(offset),
        flags: flagUse(decoded),
      };
      found.add(item);
      const next = offset + decoded.length;
      if (item.how === "left" || (kind & IS.TRANSFER) !== 0) break;
      if ((kind & IS.BRANCH) !== 0) {
        const target = cutsTarget(item, place.mode) ? undefined : relativeTarget(item);
        if (name === "call" && target !== undefined && follows(target) && follows(next)) {
          for (const leader of [target, next]) {
            found.lead(leader);
            work.push(leader);
          }
          break;
        }
        if (name === "jmp" && relativeTarget(item) === undefined) {
          const named = tableOf(item, source).filter(follows);
          for (const leader of named) {
            found.lead(leader);
            work.push(leader);
          }
          tables.set(offset, named);
        }
        if (name === "call" || name === "ret" || (name === "jmp" && target === undefined)) break;
        if (target !== undefined && follows(target)) {
          found.lead(target);
          work.push(target);
        }
        if (name === "jmp") break;
        if (!follows(next)) break;
        found.lead(next);
        work.push(next);
        break;
      }
      offset = next;
      if (found.at(offset) !== undefined) found.lead(offset);
    }
  }
  const first = found.at(place.offset);
  if (first === undefined || first.how === "left") return undefined;
  const blocks = makeBlocks(tables, place.mode);
  let length = 0;
  for (const { instructions } of blocks) length += instructions.length;
  return { place, blocks, length };
}

/** Page-relative target of a relative branch; undefined for others. */
function relativeTarget({ offset, instruction }: RegionInstruction): number | undefined {
  const operand = instruction.operands[0]!;
  if (instruction.count === 0 || operand.kind !== OPERAND.RELATIVE) return undefined;
  return offset + instruction.length + operand.value;
}

/** Whether a relative branch of 32-bit code cuts EIP to 16 bits, which seldom leads into the page. */
function cutsTarget({ instruction }: RegionInstruction, mode: number): boolean {
  return (mode & MODE.D) !== 0 && instruction.operandSize === 2;
}

/** What a jump through a table may go to. */
function tableOf({ instruction }: RegionInstruction, source: CodeSource): number[] {
  const { kind, base, index, scale, value, size } = instruction.operands[0]!;
  if (kind !== OPERAND.MEMORY || base >= 0 || index < 0 || scale !== 2 || size !== 4) return [];
  return [...new Set(source.table(value >>> 0))].toSorted((a, b) => a - b).slice(0, TABLE_TARGETS);
}

type Tables = ReadonlyMap<number, readonly number[]>;

function makeBlocks(tables: Tables, mode: number): Block[] {
  const starts = found.number();
  const returns: number[] = [];
  for (const item of found.items) {
    if (returns.length === RETURNS || item.instruction.form!.semantics !== "call") continue;
    const target = relativeTarget(item);
    if (target === undefined || found.block(target) < 0) continue;
    const behind = found.block(item.offset + item.instruction.length);
    if (behind >= 0) returns.push(behind);
  }
  return starts.map((start) => makeBlock(start, returns, tables, mode));
}

function edge(target: number): Edge {
  const block = found.block(target);
  return block < 0 ? { to: "outside", target } : { to: "block", block };
}

function makeBlock(start: number, returns: readonly number[], tables: Tables, mode: number): Block {
  const instructions: RegionInstruction[] = [];
  for (let offset = start;;) {
    const item = found.at(offset);
    if (item === undefined || (offset !== start && found.block(offset) >= 0)) {
      return { start, instructions, end: offset, taken: undefined, next: edge(offset), targets: NO_TARGETS };
    }
    const end = offset + item.instruction.length;
    if (item.how === "left") {
      const next: Edge = { to: "outside", target: offset };
      return { start, instructions, end: offset, taken: undefined, next, targets: NO_TARGETS };
    }
    instructions.push(item);
    const name = item.instruction.form!.semantics, kind = kinds.get(name)!;
    if ((kind & IS.TRANSFER) !== 0) {
      return { start, instructions, end, taken: undefined, next: undefined, targets: NO_TARGETS };
    }
    if ((kind & IS.BRANCH) !== 0) {
      const target = relativeTarget(item);
      const taken: Edge | undefined = target === undefined
        ? undefined
        : cutsTarget(item, mode)
        ? { to: "outside", target }
        : edge(target);
      const next = name !== "jmp" && name !== "call" && name !== "ret" ? edge(end) : undefined;
      const named = tables.get(offset)?.map((at) => found.block(at)).filter((block) => block >= 0) ?? NO_TARGETS;
      return { start, instructions, end, taken, next, targets: name === "ret" ? returns : named };
    }
    offset = end;
  }
}
