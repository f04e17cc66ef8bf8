/**
 * The rules by which vectors of an 80286 or 8086 differ from a 386 and later (FORMAT.md of the vectors names them).
 *
 * @module
 */
import { VECTOR } from "../../core/x86/registers.ts";
import type { Outcome } from "./outcome.ts";
import type { RealModeVector } from "./real_mode_format.ts";

/** What a rule looks at. */
interface Evidence {
  readonly vector: RealModeVector;
  readonly is8086: boolean;
  /** The exception that the CPU raised, or -1. */
  readonly raised: number;
  /** The instruction has a LOCK prefix. */
  readonly locked: boolean;
}

/** One rule: the opcodes that it names, and what else must be so. */
interface Rule {
  readonly name: string;
  readonly opcodes: RegExp;
  readonly set: "both" | "8086";
  applies(evidence: Evidence): boolean;
}

const RULES: readonly Rule[] = [
  {
    name: "LOCK legality (386: #UD)",
    opcodes: /./,
    set: "both",
    applies: ({ locked, raised }) => locked && raised === VECTOR.UD,
  },
];

/** The exception that covers a failed vector, if one does. */
export function exception(
  vector: RealModeVector,
  is8086: boolean,
  raised: number,
  locked: boolean,
): Outcome | undefined {
  const evidence = { vector, is8086, raised, locked };
  for (const { name, opcodes, set, applies } of RULES) {
    if ((set === "both" || is8086) && opcodes.test(vector.op) && applies(evidence)) {
      return { kind: "excepted", opcode: vector.op, rule: name };
    }
  }
  return undefined;
}
