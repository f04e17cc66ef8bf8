/**
 * Mnemonics: the forms of each, other names for them, and operands that text may leave out.
 *
 * @module
 */
import type { Form } from "../form.ts";
import { OPERAND } from "../instruction.ts";
import { CONDITIONS } from "../table/conditions.ts";
import { SOURCE } from "../table/operand_codes.ts";
import { FORM_ENCODINGS } from "../encode.ts";
import { FORMS } from "../table/table.ts";
import type { TextOperand } from "./operand.ts";

const BY_MNEMONIC = new Map<string, Form[]>();
for (const form of FORMS) {
  const others = BY_MNEMONIC.get(form.mnemonic);
  if (others === undefined) BY_MNEMONIC.set(form.mnemonic, [form]);
  else others.push(form);
}

/** Other names, as assemblers know them. */
const ALIASES = new Map<string, string>([
  ["sal", "shl"],
  ["loopz", "loope"],
  ["loopnz", "loopne"],
  ["retn", "ret"],
  ["xlat", "xlatb"],
  ["fwait", "wait"],
  ["icebp", "int1"],
  ["setalc", "salc"],
  ...CONDITIONS.flatMap(([name, ...others]) =>
    others.flatMap((other): [string, string][] =>
      ["j", "set", "cmov"].map((stem): [string, string] => [stem + other, stem + name])
    )
  ),
]);

/** Mnemonics whose operand size is that of the code, and what they are with 16 and 32 bits. */
const BY_SIZE = new Map<string, readonly [string, string]>(
  ["pusha", "popa", "pushf", "popf", "iret"].map((name) => [name, [`${name}w`, `${name}d`]]),
);

/** x87 instructions that first wait for pending exceptions: WAIT, then the instruction that does not. */
const WAITING = new Map<string, string>(
  ["fstcw", "fstsw", "fstenv", "fsave", "finit", "fclex", "fsetpm", "feni", "fdisi"]
    .map((name) => [name, `fn${name.slice(1)}`]),
);

/** Register forms of the x87 that work on ST(1) when text names no register. */
const DEFAULT_ST1 = new Set([
  "fxch",
  "fcom",
  "fcomp",
  "fucom",
  "fucomp",
  "faddp",
  "fmulp",
  "fsubp",
  "fsubrp",
  "fdivp",
  "fdivrp",
]);

/** What a mnemonic stands for. */
export interface Meaning {
  readonly forms: readonly Form[];
  /** WAIT comes before it. */
  readonly waits: boolean;
}

/**
 * Looks up a mnemonic, lower case.
 *
 * @param big Whether the code has 32-bit operands by default, or the source says `o32`.
 */
export function lookup(mnemonic: string, big: boolean): Meaning | undefined {
  const sized = BY_SIZE.get(mnemonic)?.[big ? 1 : 0];
  const waits = WAITING.get(mnemonic);
  const forms = BY_MNEMONIC.get(sized ?? waits ?? ALIASES.get(mnemonic) ?? mnemonic);
  return forms === undefined ? undefined : { forms, waits: waits !== undefined };
}

/** Whether text writes this form without its operands, which are all implied. */
export function isImplicit(form: Form): boolean {
  return FORM_ENCODINGS[form.id]!.codes.some(({ source }) =>
    source === SOURCE.STRING_SOURCE || source === SOURCE.STRING_DESTINATION || source === SOURCE.TABLE
  );
}

/** The operand lists that a shorthand may mean, the text's own first. */
export function expandShorthand(mnemonic: string, operands: readonly TextOperand[]): (readonly TextOperand[])[] {
  const [first, second] = operands;
  const st = (number: number): TextOperand => ({ kind: "register", register: { kind: OPERAND.ST, number, size: 10 } });
  if (mnemonic === "imul" && operands.length === 2 && second!.kind === "value") return [[first!, first!, second!]];
  if ((mnemonic === "aam" || mnemonic === "aad") && operands.length === 0) {
    return [[{ kind: "value", size: 0, distance: "", value: { kind: "number", value: 10n } }]];
  }
  if ((mnemonic === "xchg" || mnemonic === "test") && operands.length === 2) return [operands, [second!, first!]];
  if (mnemonic.startsWith("f")) {
    const only = first?.kind === "register" && first.register.kind === OPERAND.ST && operands.length === 1
      ? first
      : undefined;
    if (only !== undefined) {
      return mnemonic.endsWith("p") ? [operands, [only, st(0)], [st(0), only]] : [operands, [st(0), only]];
    }
    if (operands.length === 0 && DEFAULT_ST1.has(mnemonic)) return [[st(1)], [st(1), st(0)]];
  }
  return [operands];
}
