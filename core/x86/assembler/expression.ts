/**
 * Expressions: what an address, an immediate or a data item is computed from.
 *
 * @module
 */
import { REGISTERS } from "../names.ts";
import { Mistake } from "./error.ts";
import type { TokenReader } from "./tokens.ts";

/** Where an expression's names get their values. */
export interface Scope {
  /** `$`: address of the statement. */
  readonly here: bigint;
  /** `$$`: address of the first byte. */
  readonly start: bigint;
  /** Value of a symbol; undefined while it is not known yet. */
  symbol(name: string): bigint | undefined;
}

/** An expression; a `register` stands for itself and is legal only inside brackets. */
export type Expression =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "here" | "start" }
  | { readonly kind: "register"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** Binary operators from loosest to tightest, as NASM ranks them. */
const LEVELS: readonly (readonly string[])[] = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "%"]];

/** Turns a local name `.x` into its full name. */
export type Qualify = (name: string) => string;

/** Reads an expression. */
export function parseExpression(reader: TokenReader, qualify: Qualify, level = 0): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(reader, qualify);
  let left = parseExpression(reader, qualify, level + 1);
  for (;;) {
    const token = reader.peek();
    if (token?.kind !== "mark" || !operators.includes(token.text)) return left;
    reader.next();
    left = { kind: "binary", operator: token.text, left, right: parseExpression(reader, qualify, level + 1) };
  }
}

function parseUnary(reader: TokenReader, qualify: Qualify): Expression {
  for (const operator of ["-", "+", "~"]) {
    if (reader.accept(operator)) return { kind: "unary", operator, operand: parseUnary(reader, qualify) };
  }
  if (reader.accept("(")) {
    const inside = parseExpression(reader, qualify);
    reader.expect(")");
    return inside;
  }
  const found = reader.describe();
  const token = reader.next();
  if (token?.kind === "number") return { kind: "number", value: token.value };
  if (token?.kind === "string") return { kind: "number", value: characters(token.bytes) };
  if (token?.kind === "mark" && token.text === "$") return { kind: "here" };
  if (token?.kind === "mark" && token.text === "$$") return { kind: "start" };
  if (token?.kind === "name") {
    const name = token.text.toLowerCase();
    return REGISTERS.has(name) ? { kind: "register", name } : { kind: "symbol", name: qualify(token.text) };
  }
  throw new Mistake(`expected a value and found ${found}`);
}

/** A character constant: its first character is the lowest byte. */
function characters(bytes: Uint8Array): bigint {
  if (bytes.length > 8) throw new Mistake("a character constant has at most 8 characters");
  return bytes.reduceRight((value, byte) => value << 8n | BigInt(byte), 0n);
}

/** Symbols that an expression names. */
export function symbolsOf(expression: Expression): string[] {
  switch (expression.kind) {
    case "symbol":
      return [expression.name];
    case "unary":
      return symbolsOf(expression.operand);
    case "binary":
      return [...symbolsOf(expression.left), ...symbolsOf(expression.right)];
    default:
      return [];
  }
}

/** The value of an expression, or undefined while a symbol in it has none yet. */
export function evaluate(expression: Expression, scope: Scope): bigint | undefined {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "here":
      return scope.here;
    case "start":
      return scope.start;
    case "symbol":
      return scope.symbol(expression.name);
    case "register":
      throw new Mistake(`the register "${expression.name}" cannot be part of this value`);
    case "unary": {
      const value = evaluate(expression.operand, scope);
      if (value === undefined) return undefined;
      return expression.operator === "-" ? -value : expression.operator === "~" ? ~value : value;
    }
    case "binary": {
      const left = evaluate(expression.left, scope);
      const right = evaluate(expression.right, scope);
      return left === undefined || right === undefined ? undefined : apply(expression.operator, left, right);
    }
  }
}

function apply(operator: string, left: bigint, right: bigint): bigint {
  switch (operator) {
    case "|":
      return left | right;
    case "^":
      return left ^ right;
    case "&":
      return left & right;
    case "<<":
      return left << shiftCount(right);
    case ">>":
      return left >> shiftCount(right);
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    default:
      if (right === 0n) throw new Mistake("this value divides by zero");
      return operator === "/" ? left / right : left % right;
  }
}

function shiftCount(count: bigint): bigint {
  if (count < 0n || count > 64n) throw new Mistake(`a shift by ${count} is not between 0 and 64`);
  return count;
}
