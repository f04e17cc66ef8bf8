/**
 * Turns the table into what the decoder walks: from opcode map, opcode byte and mandatory prefix to a form, by way of the operand size,
 * the address size or the ModRM byte where an opcode depends on them.
 *
 * @module
 */
import type { Form } from "../form.ts";
import { type Encoding, parseOpcode, SIMD } from "./opcode_notation.ts";
import { acceptsMemory, acceptsRegister, operandCode } from "./operand_codes.ts";

/** What a node of the tree branches on; its children follow it. */
export const BRANCH = {
  /** Two children: operand size 2, then 4. */
  OPERAND_SIZE: 0,
  /** Two children: address size 2, then 4. */
  ADDRESS_SIZE: 1,
  /** 72 children: memory by ModRM.reg, then the 64 register forms by the low six bits of ModRM. */
  MODRM: 2,
} as const;

/**
 * The tree. An entry is a node's index in `nodes` (0 or more), -1 for an undefined encoding, or -2 - id for a form.
 */
export interface DecodeTree {
  /** Entries by `map << 10 | opcode << 2 | SIMD value`. */
  readonly roots: Int32Array;
  /** A BRANCH value, then its children's entries. */
  readonly nodes: Int32Array;
}

/** The entry of an undefined encoding. */
export const UNDEFINED_ENTRY = -1;

/** The entry of a form, and back: it is its own inverse. */
export function formEntry(id: number): number {
  return -2 - id;
}

const MODRM_CHILDREN = 72;

interface Candidate {
  readonly form: Form;
  readonly encoding: Encoding;
  /** What ModRM.mod it takes, from its operands. */
  readonly memory: boolean;
  readonly register: boolean;
  /** Of two that fit, the one that names more bits wins. */
  readonly rank: number;
}

function candidate(form: Form): Candidate {
  const encoding = parseOpcode(form.opcode);
  const codes = form.operands.map(operandCode);
  const modrm = encoding.fixed >= 0 ? (encoding.fixedLow ? 3 : 4) : encoding.digit >= 0 ? 2 : 0;
  return {
    form,
    encoding,
    memory: encoding.fixed < 0 && codes.every(acceptsMemory),
    register: codes.every(acceptsRegister),
    rank: modrm + (encoding.register ? 0 : 1) + (encoding.simd === SIMD.ANY ? 0 : 8),
  };
}

/** Whether a candidate's ModRM demands are met by one of the 72 children. */
function fitsModrm({ encoding, memory, register }: Candidate, child: number): boolean {
  if (!encoding.modrm) return true;
  const isMemory = child < 8;
  if (isMemory ? !memory : !register) return false;
  const low = child - 8;
  if (encoding.fixed >= 0) {
    return encoding.fixedLow ? (encoding.fixed & 0x38) === (low & 0x38) : (encoding.fixed & 0x3f) === low;
  }
  return encoding.digit < 0 || encoding.digit === (isMemory ? child : low >> 3);
}

/** Whether ModRM makes no difference to a candidate. */
function fitsAll({ encoding, memory, register }: Candidate): boolean {
  return !encoding.modrm || (memory && register && encoding.fixed < 0 && encoding.digit < 0);
}

/** Builds the tree of a table. */
class TreeBuilder {
  readonly nodes: number[] = [];

  /** The entry for the candidates that remain, branching on what they still differ in. */
  entry(candidates: readonly Candidate[]): number {
    if (candidates.length === 0) return UNDEFINED_ENTRY;
    if (candidates.some(({ encoding }) => encoding.operandSize !== 0)) {
      return this.sizes(BRANCH.OPERAND_SIZE, candidates, "operandSize");
    }
    if (candidates.some(({ encoding }) => encoding.addressSize !== 0)) {
      return this.sizes(BRANCH.ADDRESS_SIZE, candidates, "addressSize");
    }
    if (candidates.every(fitsAll)) return this.leaf(candidates);
    // Where nobody asks for ModRM.rm, the eight register forms of a ModRM.reg are one. The table is read at each start: this is for speed.
    const stride = candidates.some(({ encoding }) => encoding.fixed >= 0) ? 1 : 8;
    const children: number[] = [];
    while (children.length < MODRM_CHILDREN) {
      const child = children.length;
      const entry = this.leaf(candidates.filter((each) => fitsModrm(each, child)));
      for (let count = child < 8 ? 1 : stride; count > 0; count--) children.push(entry);
    }
    return children.every((child) => child === children[0]) ? children[0]! : this.node(BRANCH.MODRM, children);
  }

  private sizes(branch: number, candidates: readonly Candidate[], field: "operandSize" | "addressSize"): number {
    const children = [2, 4].map((size) =>
      this.entry(
        candidates
          .filter(({ encoding }) => encoding[field] === 0 || encoding[field] === size)
          .map((each) => ({ ...each, encoding: { ...each.encoding, [field]: 0 } })),
      )
    );
    return this.node(branch, children);
  }

  private leaf(candidates: readonly Candidate[]): number {
    const best = candidates.reduce((most, { rank }) => Math.max(most, rank), -1);
    const [first, second] = candidates.filter(({ rank }) => rank === best);
    if (first === undefined) return UNDEFINED_ENTRY;
    if (second !== undefined) {
      throw new Error(`the instruction table gives one encoding to "${first.form.opcode}" and "${second.form.opcode}"`);
    }
    return formEntry(first.form.id);
  }

  private node(branch: number, children: readonly number[]): number {
    const at = this.nodes.length;
    this.nodes.push(branch, ...children);
    return at;
  }
}

/**
 * Builds the tree of a table.
 *
 * @throws {Error} Two forms claim one encoding.
 */
export function buildDecodeTree(forms: readonly Form[]): DecodeTree {
  const byOpcode = new Map<number, Candidate[]>();
  for (const form of forms) {
    const each = candidate(form);
    const { map, byte, register } = each.encoding;
    for (let low = 0; low < (register ? 8 : 1); low++) {
      const key = map << 8 | (byte + low);
      const others = byOpcode.get(key);
      if (others === undefined) byOpcode.set(key, [each]);
      else others.push(each);
    }
  }
  const builder = new TreeBuilder();
  const roots = new Int32Array(4 << 10).fill(UNDEFINED_ENTRY);
  for (const [key, candidates] of byOpcode) {
    if (candidates.every(({ encoding }) => encoding.simd === SIMD.ANY)) {
      roots.fill(builder.entry(candidates), key << 2, (key << 2) + 4);
      continue;
    }
    for (let simd = 0; simd < 4; simd++) {
      roots[key << 2 | simd] = builder.entry(
        candidates.filter(({ encoding }) => encoding.simd === SIMD.ANY || encoding.simd === simd),
      );
    }
  }
  return { roots, nodes: Int32Array.from(builder.nodes) };
}
