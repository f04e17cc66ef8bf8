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

/** Whether the description of a transfer or a segment load serves. */
function isPlain({ form, operandSize, operands }: Instruction, mode: number): boolean {
  if (mode !== (MODE.FLAT | MODE.D)) return false;
  if (form!.semantics === "iret") return operandSize === 4;
  return !SEGMENT_LOADS.has(form!.semantics) || operands[0]!.register !== SEG.SS;
}

/** How an instruction is carried out. */
function how(instruction: Instruction, source: CodeSource, offset: number, mode: number): How {
  const form = instruction.form!, name = form.semantics;
  if (!SEMANTICS.has(name) || source.calledOut.has(name)) return form.ends ? "left" : "called";
  if (BRANCHES.has(name)) return "inline";
  if ((TRANSFERS.has(name) || SEGMENT_LOADS.has(name)) && !isPlain(instruction, mode)) return "left";
  if (CALLED.has(name) || (STRINGS.has(name) && instruction.repeat !== REPEAT.NONE)) return "called";
  if (!source.slow(offset)) return "inline";
  // One that hands itself to a callout and ends a block would go on running where it is called.
  return form.ends && MAY_CALL_OUT.has(name) ? "left" : "called";
}

/** Follows control flow from a place. Undefined if nothing there can be translated. */
export function discover(place: RegionPlace, source: CodeSource, limit: number = REGION_LENGTH): Region | undefined {
  const found = new Map<number, RegionInstruction>();
  const leaders = new Set<number>([place.offset]);
  const work = [place.offset];
  const tables = new Map<number, readonly number[]>();
  const inside = (target: number) => target >= 0 && target < 4096;
  const follows = (target: number) =>
    leaders.has(target) || inside(target) && source.reached(target) && source.translated(target) <= COPIED;
  for (let at = work.shift(); at !== undefined; at = work.shift()) {
    for (let offset = at; !found.has(offset);) {
      if (found.size >= limit || !inside(offset)) break;
      const decoded = source.decode(offset);
      if (decoded === undefined) break;
      const item = {
        offset,
        instruction: decoded,
        how: how(decoded, source, offset, place.mode),
        alone: source.alone(offset),
        flags: flagUse(decoded),
      };
      found.set(offset, item);
      const next = offset + decoded.length;
      if (item.how === "left") break;
      const name = decoded.form!.semantics;
      if (TRANSFERS.has(name)) break;
      if (BRANCHES.has(name)) {
        const target = relativeTarget(item);
        if (name === "call" && target !== undefined && follows(target) && follows(next)) {
          for (const leader of [target, next]) {
            leaders.add(leader);
            work.push(leader);
          }
          break;
        }
        if (name === "jmp" && target === undefined) {
          const named = tableOf(item, source).filter(follows);
          for (const leader of named) {
            leaders.add(leader);
            work.push(leader);
          }
          tables.set(offset, named);
        }
        if (name === "call" || name === "ret" || (name === "jmp" && target === undefined)) break;
        if (target !== undefined && follows(target)) {
          leaders.add(target);
          work.push(target);
        }
        if (name === "jmp") break;
        if (!follows(next)) break;
        leaders.add(next);
        work.push(next);
        break;
      }
      offset = next;
      if (found.has(offset)) leaders.add(offset);
    }
  }
  if (!found.has(place.offset)) return undefined;
  if (found.get(place.offset)!.how === "left") return undefined;
  const blocks = makeBlocks(place, found, leaders, tables);
  return { place, blocks, length: blocks.reduce((sum, { instructions }) => sum + instructions.length, 0) };
}

/** Page-relative target of a relative branch; undefined for others. */
function relativeTarget({ offset, instruction }: RegionInstruction): number | undefined {
  const operand = instruction.operands[0]!;
  if (instruction.count === 0 || operand.kind !== OPERAND.RELATIVE) return undefined;
  return offset + instruction.length + operand.value;
}

/** What a jump through a table may go to. */
function tableOf({ instruction }: RegionInstruction, source: CodeSource): number[] {
  const { kind, base, index, scale, value, size } = instruction.operands[0]!;
  if (kind !== OPERAND.MEMORY || base >= 0 || index < 0 || scale !== 2 || size !== 4) return [];
  return [...new Set(source.table(value >>> 0))].toSorted((a, b) => a - b).slice(0, TABLE_TARGETS);
}

function makeBlocks(
  place: RegionPlace,
  found: ReadonlyMap<number, RegionInstruction>,
  leaders: ReadonlySet<number>,
  tables: ReadonlyMap<number, readonly number[]>,
): Block[] {
  const starts = [place.offset, ...[...leaders].filter((at) => at !== place.offset && found.has(at))];
  const numbers = new Map(starts.map((at, k) => [at, k]));
  const edge = (target: number): Edge => {
    const block = numbers.get(target);
    return block === undefined ? { to: "outside", target } : { to: "block", block };
  };
  const returns = [...found.values()].filter((item) => {
    const target = relativeTarget(item);
    return item.instruction.form!.semantics === "call" && target !== undefined && numbers.has(target);
  }).flatMap(({ offset, instruction }) => numbers.get(offset + instruction.length) ?? []).slice(0, RETURNS);
  return starts.map((start) => {
    const instructions: RegionInstruction[] = [];
    for (let offset = start;;) {
      const item = found.get(offset);
      if (item === undefined || (offset !== start && numbers.has(offset))) {
        return { start, instructions, end: offset, taken: undefined, next: edge(offset), targets: [] };
      }
      const end = offset + item.instruction.length;
      if (item.how === "left") {
        const next: Edge = { to: "outside", target: offset };
        return { start, instructions, end: offset, taken: undefined, next, targets: [] };
      }
      instructions.push(item);
      const name = item.instruction.form!.semantics;
      if (TRANSFERS.has(name)) return { start, instructions, end, taken: undefined, next: undefined, targets: [] };
      if (BRANCHES.has(name)) {
        const target = relativeTarget(item);
        const taken = target === undefined ? undefined : edge(target);
        const falls = name !== "jmp" && name !== "call" && name !== "ret";
        const next = falls ? edge(end) : undefined;
        const targets = name === "ret" ? returns : (tables.get(offset) ?? []).flatMap((at) => numbers.get(at) ?? []);
        return { start, instructions, end, taken, next, targets };
      }
      offset = end;
    }
  });
}
