/**
 * Operands as assembly text has them.
 *
 * @module
 */
import { OPERAND } from "../instruction.ts";
import { type NamedRegister, REGISTERS, SEGMENT_NAMES, SIZE_KEYWORDS } from "../names.ts";
import { GPR } from "../registers.ts";
import { Mistake } from "./error.ts";
import { evaluate, type Expression, parseExpression, type Qualify } from "./expression.ts";
import type { TokenReader } from "./tokens.ts";

/** What `short`, `near` and `far` said of an operand. */
export type Distance = "" | "short" | "near" | "far";

/** An operand of the source. `size` is what a size keyword said, 0 without one. */
export type TextOperand =
  | { readonly kind: "register"; readonly register: NamedRegister }
  | TextMemory
  | { readonly kind: "value"; readonly size: number; readonly distance: Distance; readonly value: Expression }
  | { readonly kind: "pointer"; readonly size: number; readonly selector: Expression; readonly offset: Expression };

/** An address in brackets. */
export interface TextMemory {
  readonly kind: "memory";
  readonly size: number;
  readonly distance: Distance;
  /** Segment override in SEG order, or -1. */
  readonly segment: number;
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  /** Address size by its registers or keyword, or 0. */
  readonly addressSize: number;
  readonly displacement: Expression;
}

/** Reads one operand. */
export function parseOperand(reader: TokenReader, qualify: Qualify): TextOperand {
  let size = 0;
  let distance: Distance = "";
  for (;;) {
    const word = reader.keyword();
    const bytes = SIZE_KEYWORDS.get(word);
    if (bytes !== undefined) size = bytes;
    else if (word === "short" || word === "near" || word === "far") distance = word;
    else break;
    reader.next();
  }
  if (reader.accept("[")) return parseMemory(reader, qualify, size, distance);
  const register = REGISTERS.get(reader.keyword());
  if (register !== undefined) {
    reader.next();
    if (size !== 0 && size !== register.size) throw new Mistake("the size keyword contradicts the register");
    return { kind: "register", register };
  }
  const value = parseExpression(reader, qualify);
  if (!reader.accept(":")) return { kind: "value", size, distance, value };
  return { kind: "pointer", size, selector: value, offset: parseExpression(reader, qualify) };
}

/** Registers of an address with their factors, in the order of the text, and what remains. */
class Address {
  readonly terms: { register: NamedRegister; factor: number; scaled: boolean }[] = [];
  displacement: Expression = { kind: "number", value: 0n };

  /** Adds an expression, `sign` times. */
  add(expression: Expression, sign: 1 | -1): void {
    if (expression.kind === "binary" && (expression.operator === "+" || expression.operator === "-")) {
      this.add(expression.left, sign);
      this.add(expression.right, expression.operator === "+" ? sign : sign === 1 ? -1 : 1);
    } else if (expression.kind === "register") this.addRegister(expression.name, 1, false, sign);
    else if (expression.kind === "binary" && expression.operator === "*" && holdsRegister(expression)) {
      const { left, right } = expression;
      const [register, factor] = left.kind === "register" ? [left, right] : [right, left];
      if (register.kind !== "register" || holdsRegister(factor)) {
        throw new Mistake("an address multiplies a register by a constant");
      }
      this.addRegister(register.name, Number(constant(factor)), true, sign);
    } else if (holdsRegister(expression)) {
      throw new Mistake("an address adds registers and multiplies them by constants, nothing else");
    } else {
      this.displacement = isZero(this.displacement) && sign === 1
        ? expression
        : { kind: "binary", operator: sign === 1 ? "+" : "-", left: this.displacement, right: expression };
    }
  }

  private addRegister(name: string, factor: number, scaled: boolean, sign: number): void {
    const register = REGISTERS.get(name)!;
    if (register.kind !== OPERAND.GPR || register.size === 1) {
      throw new Mistake(`the register "${name}" cannot be part of an address`);
    }
    if (sign < 0) throw new Mistake(`the address subtracts the register "${name}"`);
    const same = this.terms.find((term) => term.register === register && term.scaled && scaled);
    if (same !== undefined) same.factor += factor;
    else this.terms.push({ register, factor, scaled });
  }
}

function isZero(expression: Expression): boolean {
  return expression.kind === "number" && expression.value === 0n;
}

function holdsRegister(expression: Expression): boolean {
  if (expression.kind === "register") return true;
  if (expression.kind === "unary") return holdsRegister(expression.operand);
  return expression.kind === "binary" && (holdsRegister(expression.left) || holdsRegister(expression.right));
}

function constant(expression: Expression): bigint {
  const value = evaluate(expression, { here: 0n, start: 0n, symbol: () => undefined });
  if (value === undefined) {
    throw new Mistake("the factor of a register must be a number, or a name that %define made one");
  }
  return value;
}

function parseMemory(reader: TokenReader, qualify: Qualify, size: number, distance: Distance): TextMemory {
  let segment = -1;
  const name = reader.keyword();
  if (SEGMENT_NAMES.includes(name)) {
    reader.next();
    reader.expect(":");
    segment = SEGMENT_NAMES.indexOf(name);
  }
  const width = SIZE_KEYWORDS.get(reader.keyword());
  if (width !== undefined) {
    reader.next();
    if (width !== 2 && width !== 4) throw new Mistake('an address is "word" or "dword" wide');
  }
  const address = new Address();
  address.add(parseExpression(reader, qualify), 1);
  reader.expect("]");
  const sizes = new Set(address.terms.map(({ register }) => register.size));
  if (width !== undefined) sizes.add(width);
  if (sizes.size > 1) throw new Mistake("an address has registers of one size only");
  const addressSize = [...sizes][0] ?? 0;
  const parts = addressSize === 2 ? parts16(address) : parts32(address);
  return { kind: "memory", size, distance, segment, addressSize, displacement: address.displacement, ...parts };
}

interface Parts {
  base: number;
  index: number;
  scale: number;
}

function parts16({ terms }: Address): Parts {
  if (terms.length > 2 || terms.some(({ factor }) => factor !== 1)) {
    throw new Mistake("a 16-bit address is made of bx or bp, si or di, and a displacement");
  }
  const [first, second] = terms.map(({ register }) => register.number);
  const isBase = (register: number | undefined) => register === GPR.BX || register === GPR.BP;
  const isIndex = (register: number | undefined) => register === GPR.SI || register === GPR.DI;
  if (first === undefined) return { base: -1, index: -1, scale: 0 };
  if (second === undefined && (isBase(first) || isIndex(first))) return { base: first, index: -1, scale: 0 };
  if (isBase(first) && isIndex(second)) return { base: first, index: second!, scale: 0 };
  if (isIndex(first) && isBase(second)) return { base: second!, index: first, scale: 0 };
  throw new Mistake("a 16-bit address is made of bx or bp, si or di, and a displacement");
}

function parts32({ terms }: Address): Parts {
  const problem = () =>
    new Mistake("a 32-bit address is a base, an index times 1, 2, 4 or 8 that is not esp, and a displacement");
  if (terms.length > 2) throw problem();
  const [first, second] = terms;
  if (first === undefined) return { base: -1, index: -1, scale: 0 };
  if (second === undefined) {
    const { number } = first.register;
    // Three, five and nine times a register are the register and its double, quadruple or octuple.
    const odd = [3, 5, 9].includes(first.factor);
    if (!odd && !first.scaled) return { base: number, index: -1, scale: 0 };
    return {
      base: odd ? number : -1,
      index: indexOf(number, problem),
      scale: scaleOf(first.factor - (odd ? 1 : 0), problem),
    };
  }
  const swap = first.scaled && !second.scaled || first.factor !== 1 ||
    (second.register.number === GPR.SP && second.factor === 1 && first.register.number !== GPR.SP);
  const [base, index] = swap ? [second, first] : [first, second];
  if (base.factor !== 1) throw problem();
  return {
    base: base.register.number,
    index: indexOf(index.register.number, problem),
    scale: scaleOf(index.factor, problem),
  };
}

function indexOf(number: number, problem: () => Mistake): number {
  if (number === GPR.SP) throw problem();
  return number;
}

function scaleOf(factor: number, problem: () => Mistake): number {
  const scale = [1, 2, 4, 8].indexOf(factor);
  if (scale < 0) throw problem();
  return scale;
}
