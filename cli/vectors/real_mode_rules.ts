/**
 * The rules by which vectors of an 8086 differ from a 386 and later (FORMAT.md of the vectors names them). Those of an 80286 need none: a
 * model of it runs them.
 *
 * @module
 */
import { FLAG, VECTOR } from "../../core/x86/registers.ts";
import type { Outcome } from "./outcome.ts";
import { bytesOf, PREFIXES, type RealModeVector } from "./real_mode_format.ts";

/** What a rule looks at. */
interface Evidence {
  readonly vector: RealModeVector;
  /** The exception that the CPU raised, or -1. */
  readonly raised: number;
  /** The instruction has a LOCK prefix. */
  readonly locked: boolean;
}

/** One rule: the opcodes that it names, and what else must be so. */
interface Rule {
  readonly name: string;
  readonly opcodes: RegExp;
  applies(evidence: Evidence): boolean;
}

const RULES: readonly Rule[] = [
  {
    name: "LOCK legality (386: #UD)",
    opcodes: /./,
    applies: ({ locked, raised }) => locked && raised === VECTOR.UD,
  },
  {
    name: "PUSH SP",
    opcodes: /^(54|FF\.6)$/,
    applies: ({ vector }) => vector.op === "54" || pushesSp(vector),
  },
  {
    name: "shift counts not masked to 5 bits",
    opcodes: /^D[23]\./,
    applies: ({ vector }) => (vector.init.regs.cx! & 0xe0) !== 0,
  },
  {
    name: "DIV fault IP",
    opcodes: /^(F[67]\.[67]|D4)$/,
    applies: ({ raised }) => raised === VECTOR.DE,
  },
  {
    name: "opcodes 0F/60-6F/C0/C1/C8/C9/D6/F1",
    opcodes: /^(0F|6.|C[0189](\..)?|D6|F1)$/,
    applies: () => true,
  },
  {
    name: "386+ model: IDIV gives the most negative quotient (8086: divide error)",
    opcodes: /^F[67]\.7$/,
    applies: ({ raised }) => raised === -1,
  },
  {
    name: "386+ model: encodings that the 8086 does not document",
    opcodes: /^(8[CEF]|C[67]|D[0-3]\.6|FF\.7)$/,
    applies: ({ vector }) =>
      vector.op.includes(".") || registerField(vector) > (vector.op[1] === "C" || vector.op[1] === "E" ? 3 : 0),
  },
  { name: "386+ model: an FPU is there", opcodes: /^D[89A-F]$/, applies: () => true },
  {
    name: "386+ model: decimal adjustment of what is no decimal digit",
    opcodes: /^[23][7F]$/,
    applies: ({ vector: { init: { regs } } }) =>
      (regs.ax! & 15) > 9 || (regs.ax! & 0xff) > 0x99 || (regs.flags! & FLAG.AF) !== 0,
  },
];

/** The byte after the opcode, without its prefixes. */
function modrm({ bytes }: RealModeVector): number {
  const code = bytesOf(bytes);
  const opcode = code.findIndex((byte) => !PREFIXES.has(byte));
  return code[opcode + 1] ?? 0;
}

function registerField(vector: RealModeVector): number {
  return (modrm(vector) >> 3) & 7;
}

/** FF /6 with SP as its operand. */
function pushesSp(vector: RealModeVector): boolean {
  return (modrm(vector) & 0xc7) === 0xc4;
}

/** The exception that covers a failed vector, if one does. */
export function exception(
  vector: RealModeVector,
  raised: number,
  locked: boolean,
): Outcome | undefined {
  const evidence = { vector, raised, locked };
  for (const { name, opcodes, applies } of RULES) {
    if (opcodes.test(vector.op) && applies(evidence)) {
      return { kind: "excepted", opcode: vector.op, rule: name };
    }
  }
  return undefined;
}
