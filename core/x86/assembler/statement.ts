/**
 * Statements: what each emits, given where it stands.
 *
 * @module
 */
import { REPEAT_KEYWORDS, SEGMENT_NAMES } from "../names.ts";
import { SEGMENT_PREFIXES } from "../encode.ts";
import { Mistake } from "./error.ts";
import { evaluate, type Expression, parseExpression, type Qualify, type Scope } from "./expression.ts";
import { type Match, match } from "./match.ts";
import { lookup } from "./mnemonics.ts";
import { parseOperand, type TextOperand } from "./operand.ts";
import { place, type Prefixes } from "./place.ts";
import type { TokenReader } from "./tokens.ts";

/** Produces the bytes of a statement that stands at `at`. Called once a pass. */
export type Emit = (at: bigint, scope: Scope) => readonly number[];

/** What reading a statement needs to know. */
export interface Context {
  /** The code is 32-bit (`bits 32`). */
  readonly big: boolean;
  readonly qualify: Qualify;
  /** Told of every symbol that the statement names. */
  readonly mention: (expression: Expression) => void;
}

const DATA_WIDTHS: ReadonlyMap<string, number> = new Map([["db", 1], ["dw", 2], ["dd", 4], ["dq", 8]]);
const RESERVED_WIDTHS: ReadonlyMap<string, number> = new Map([["resb", 1], ["resw", 2], ["resd", 4], ["resq", 8]]);
const WAIT = 0x9b;
/** More than this from `times`, `align` or `resb` is a mistake. */
const MAXIMUM_FILL = 0x1000_0000n;

/** Whether a word begins a statement, so that a name before it is a label. */
export function beginsStatement(word: string): boolean {
  return DATA_WIDTHS.has(word) || RESERVED_WIDTHS.has(word) || REPEAT_KEYWORDS.has(word) ||
    SEGMENT_NAMES.includes(word) ||
    ["lock", "o16", "o32", "a16", "a32", "times", "align", "equ"].includes(word) || lookup(word, true) !== undefined;
}

/** Reads a statement up to the end of the line. */
export function parseStatement(reader: TokenReader, context: Context): Emit {
  const word = reader.keyword();
  const width = DATA_WIDTHS.get(word);
  const reserved = RESERVED_WIDTHS.get(word);
  if (width !== undefined) {
    reader.next();
    return parseData(reader, width, context);
  }
  if (reserved !== undefined) {
    reader.next();
    return parseReserve(reader, reserved, context);
  }
  if (reader.accept("times")) return parseTimes(reader, context);
  if (reader.accept("align")) return parseAlign(reader, context);
  return parseInstruction(reader, context);
}

function read(reader: TokenReader, context: Context): Expression {
  const expression = parseExpression(reader, context.qualify);
  context.mention(expression);
  return expression;
}

/** Little-endian bytes of a value that must fit them, signed or unsigned. */
function littleEndian(value: bigint, width: number): number[] {
  const bits = BigInt(width * 8);
  if (value < -(1n << bits - 1n) || value >= 1n << bits) {
    throw new Mistake(`the value ${value} does not fit ${bits} bits`);
  }
  return Array.from({ length: width }, (_, i) => Number(value >> BigInt(i * 8) & 0xffn));
}

function floatBytes(value: number, width: number): number[] {
  if (width < 4) throw new Mistake("a floating-point value takes dd or dq");
  const view = new DataView(new ArrayBuffer(width));
  if (width === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return [...new Uint8Array(view.buffer)];
}

function parseData(reader: TokenReader, width: number, context: Context): Emit {
  const items: Emit[] = [];
  do {
    const token = reader.peek();
    const after = reader.peek(1);
    const alone = after === undefined || after.text === ",";
    const negative = token?.text === "-" && after?.kind === "float" ? after : undefined;
    if (negative !== undefined) reader.next();
    if (token?.kind === "string" && alone) {
      reader.next();
      const padding = (width - token.bytes.length % width) % width;
      const bytes = [...token.bytes, ...new Array<number>(padding).fill(0)];
      items.push(() => bytes);
    } else if (negative !== undefined || token?.kind === "float") {
      const value = reader.next();
      if (value?.kind !== "float") continue;
      const bytes = floatBytes(negative === undefined ? value.value : -value.value, width);
      items.push(() => bytes);
    } else {
      const expression = read(reader, context);
      items.push((_, scope) => littleEndian(evaluate(expression, scope) ?? 0n, width));
    }
  } while (reader.accept(","));
  return (at, scope) => items.flatMap((item) => item(at, scope));
}

/** A count that is not known in the first pass counts as none. */
function count(expression: Expression, scope: Scope, what: string): number {
  const value = evaluate(expression, scope) ?? 0n;
  if (value < 0n || value > MAXIMUM_FILL) throw new Mistake(`${what} ${value} is not between 0 and ${MAXIMUM_FILL}`);
  return Number(value);
}

function parseReserve(reader: TokenReader, width: number, context: Context): Emit {
  const amount = read(reader, context);
  return (_, scope) => new Array<number>(count(amount, scope, "the amount reserved,") * width).fill(0);
}

function parseTimes(reader: TokenReader, context: Context): Emit {
  const times = read(reader, context);
  const repeated = parseStatement(reader, context);
  return (at, scope) => {
    const bytes: number[] = [];
    for (let left = count(times, scope, "the count of times,"); left > 0; left--) {
      // `$` in what is repeated is the address of each copy, but the count sees that of the first.
      const here = at + BigInt(bytes.length);
      for (const byte of repeated(here, { here, start: scope.start, symbol: (name) => scope.symbol(name) })) {
        bytes.push(byte);
      }
    }
    return bytes;
  };
}

function parseAlign(reader: TokenReader, context: Context): Emit {
  const alignment = read(reader, context);
  const fill = reader.accept(",") ? read(reader, context) : undefined;
  return (at, scope) => {
    const to = evaluate(alignment, scope) ?? 1n;
    if (to <= 0n || (to & to - 1n) !== 0n) throw new Mistake(`the alignment ${to} is not a power of two`);
    const value = fill === undefined ? 0x90n : evaluate(fill, scope) ?? 0n;
    return new Array<number>(Number(-at & to - 1n)).fill(littleEndian(value, 1)[0]!);
  };
}

function demand(found: number, wanted: number): number {
  if (found !== 0 && found !== wanted) throw new Mistake("the size prefixes contradict one another");
  return wanted;
}

function parseInstruction(reader: TokenReader, context: Context): Emit {
  let lock = false;
  let repeat = 0;
  let segment = -1;
  let operandSize = 0;
  let addressSize = 0;
  let mnemonic = "";
  let any = false;
  for (;;) {
    const word = reader.keyword();
    if (word === "lock") lock = true;
    else if (REPEAT_KEYWORDS.has(word)) repeat = REPEAT_KEYWORDS.get(word)!;
    else if (SEGMENT_NAMES.includes(word)) segment = SEGMENT_NAMES.indexOf(word);
    else if (word === "o16" || word === "o32") operandSize = demand(operandSize, word === "o16" ? 2 : 4);
    else if (word === "a16" || word === "a32") addressSize = demand(addressSize, word === "a16" ? 2 : 4);
    else {
      mnemonic = word;
      break;
    }
    any = true;
    reader.next();
  }
  const prefixes: Prefixes = { lock, repeat, segment };
  if (mnemonic === "" && any && reader.atEnd) return prefixesAlone(prefixes, operandSize, addressSize, context.big);
  if (mnemonic === "") throw new Mistake(`expected an instruction and found ${reader.describe()}`);
  reader.next();
  const operands: TextOperand[] = [];
  if (!reader.atEnd) {
    do operands.push(parseOperand(reader, context.qualify)); while (reader.accept(","));
  }
  for (const operand of operands) mentionOperand(operand, context);
  const { matches, waits } = match(mnemonic, operands, { operandSize, addressSize }, context.big);
  return instructionEmitter(mnemonic, matches, waits, prefixes, context.big);
}

/** Prefixes on a line of their own apply to what follows: `rep` alone is the byte F3. */
function prefixesAlone(
  { lock, repeat, segment }: Prefixes,
  operandSize: number,
  addressSize: number,
  big: boolean,
): Emit {
  const plain = big ? 4 : 2;
  const bytes: number[] = [];
  if (lock) bytes.push(0xf0);
  if (repeat !== 0) bytes.push(repeat === REPEAT_KEYWORDS.get("rep") ? 0xf3 : 0xf2);
  if (segment >= 0) bytes.push(SEGMENT_PREFIXES[segment]!);
  if (addressSize !== 0 && addressSize !== plain) bytes.push(0x67);
  if (operandSize !== 0 && operandSize !== plain) bytes.push(0x66);
  return () => bytes;
}

function mentionOperand(operand: TextOperand, { mention }: Context): void {
  if (operand.kind === "memory") mention(operand.displacement);
  else if (operand.kind === "value") mention(operand.value);
  else if (operand.kind === "pointer") {
    mention(operand.selector);
    mention(operand.offset);
  }
}

/** Emits the shortest encoding whose values fit. A branch that had to be long stays long: so the passes settle. */
function instructionEmitter(
  mnemonic: string,
  matches: readonly Match[],
  waits: boolean,
  prefixes: Prefixes,
  big: boolean,
): Emit {
  let least = 0;
  return (at, scope) => {
    const start = waits ? at + 1n : at;
    let best: readonly number[] | undefined;
    let branch = false;
    for (const each of matches) {
      const placed = place(each, prefixes, big, start, scope);
      if (placed === undefined || (placed.branch && placed.bytes.length < least)) continue;
      if (best !== undefined && placed.bytes.length >= best.length) continue;
      best = placed.bytes;
      branch = placed.branch;
    }
    if (best === undefined) throw new Mistake(`a value does not fit the operands of "${mnemonic}"`);
    if (branch) least = best.length;
    return waits ? [WAIT, ...best] : best;
  };
}
