/**
 * Expressions: immutable trees of instructions that leave one value, or none, on the operand stack.
 *
 * An expression is written out where it is used. Used twice, it is written (and runs) twice. Expressions hold no
 * branches, so that the depth of every label is known when a body is written.
 *
 * @module
 */
import { ByteWriter } from "./encoding.ts";
import { EMPTY_BLOCK, OP } from "./opcodes.ts";
import { TYPE_CODE, type ValueType, type ValueTypes } from "./types.ts";

/** What the engine is told about a condition: it is mostly true, or mostly false. */
export type Hint = "likely" | "unlikely";

/** The instructions of one function body, and the branch hints among them. */
export class CodeWriter extends ByteWriter {
  /** Pairs: the offset of a hinted instruction in this writer, and 1 for likely or 0 for unlikely. */
  readonly hints: number[] = [];

  /**
   * Starts an empty writer.
   *
   * @param capacity bytes to reserve
   * @param owner what the locals in this code must belong to; undefined where there can be none
   */
  constructor(capacity: number, public owner?: object) {
    super(capacity);
  }

  /** Writes an opcode, with its prefix if it has one. */
  opcode(code: number): void {
    if (code < 0x100) {
      this.byte(code);
    } else {
      this.byte(code >>> 16);
      this.u32(code & 0xffff);
    }
  }

  /** Where the last `local.set` begins and ends, and of which local it is. */
  #setAt = 0;
  #setEnd = -1;
  #setLocal = 0;

  override clear(most?: number): void {
    super.clear(most);
    this.#setEnd = -1;
  }

  /** Writes `local.set`. */
  setLocal(index: number): void {
    this.#setAt = this.length;
    this.#setLocal = index;
    this.byte(OP.local_set);
    this.u32(index);
    this.#setEnd = this.length;
  }

  /** Writes `local.get`, or makes `local.tee` of the `local.set` that was written just before. */
  getLocal(index: number): void {
    if (this.#setEnd === this.length && this.#setLocal === index) {
      this.patch(this.#setAt, OP.local_tee);
      this.#setEnd = -1;
      return;
    }
    this.byte(OP.local_get);
    this.u32(index);
  }

  /** Notes a hint for the instruction that is written next, which must be `if` or `br_if`. */
  hint(hint: Hint | undefined): void {
    if (hint !== undefined) this.hints.push(this.length, hint === "likely" ? 1 : 0);
  }
}

/** An expression of type `T`; `"void"` when it leaves nothing on the stack. */
export abstract class Expr<out T extends ValueType | "void" = ValueType | "void"> {
  /**
   * Starts an expression.
   *
   * @param type the type of the value that is left on the stack
   */
  constructor(readonly type: T) {}

  /** Appends the encoded instructions. */
  abstract encode(out: CodeWriter): void;

  /** The encoded instructions. */
  get bytes(): Uint8Array {
    const out = new CodeWriter(64);
    this.encode(out);
    return out.copy();
  }
}

/** The expressions of a list of types, in order. */
export type Exprs<P extends ValueTypes> = { readonly [I in keyof P]: Expr<P[I]> };

/** An instruction without operands and immediates. */
export class Nullary<T extends ValueType | "void"> extends Expr<T> {
  constructor(type: T, readonly code: number) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    out.opcode(this.code);
  }
}

/** An instruction with one operand. */
export class Unary<T extends ValueType | "void"> extends Expr<T> {
  constructor(type: T, readonly code: number, readonly a: Expr) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    this.a.encode(out);
    out.opcode(this.code);
  }
}

/** An instruction with two operands. */
export class Binary<T extends ValueType | "void"> extends Expr<T> {
  constructor(type: T, readonly code: number, readonly a: Expr, readonly b: Expr) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    this.a.encode(out);
    this.b.encode(out);
    out.opcode(this.code);
  }
}

/** An instruction with three operands. */
export class Ternary<T extends ValueType | "void"> extends Expr<T> {
  constructor(type: T, readonly code: number, readonly a: Expr, readonly b: Expr, readonly c: Expr) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    this.a.encode(out);
    this.b.encode(out);
    this.c.encode(out);
    out.opcode(this.code);
  }
}

/** `i32.const`. */
export class I32Const extends Expr<"i32"> {
  constructor(readonly value: number) {
    super("i32");
  }
  override encode(out: CodeWriter): void {
    out.byte(OP.i32_const);
    out.s32(this.value);
  }
}

/** `i64.const`. */
export class I64Const extends Expr<"i64"> {
  constructor(readonly value: number | bigint) {
    super("i64");
  }
  override encode(out: CodeWriter): void {
    out.byte(OP.i64_const);
    if (typeof this.value === "bigint") out.s64(this.value);
    else out.s32(this.value);
  }
}

/** An instruction whose immediates are bytes that are already encoded, after any number of operands. */
export class Immediate<T extends ValueType | "void"> extends Expr<T> {
  constructor(type: T, readonly code: number, readonly operands: readonly Expr[], readonly immediates: Uint8Array) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    for (const operand of this.operands) operand.encode(out);
    out.opcode(this.code);
    out.raw(this.immediates);
  }
}

/** An instruction with one index as its immediate, after any number of operands. */
export class Indexed<T extends ValueType | "void"> extends Expr<T> {
  constructor(type: T, readonly code: number, readonly operands: readonly Expr[], readonly index: number) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    for (const operand of this.operands) operand.encode(out);
    out.opcode(this.code);
    out.u32(this.index);
  }
}

/** A load: an address and an offset. */
export class Load<T extends ValueType> extends Expr<T> {
  constructor(type: T, readonly code: number, readonly address: Expr, readonly offset: number) {
    super(type);
    if (offset < 0 || offset > 0xffffffff || offset % 1 !== 0) throw badOffset(offset);
  }
  override encode(out: CodeWriter): void {
    this.address.encode(out);
    out.opcode(this.code);
    out.byte(0);
    out.u32(this.offset);
  }
}

/** A store: an address, a value and an offset. */
export class Store extends Expr<"void"> {
  constructor(readonly code: number, readonly address: Expr, readonly value: Expr, readonly offset: number) {
    super("void");
    if (offset < 0 || offset > 0xffffffff || offset % 1 !== 0) throw badOffset(offset);
  }
  override encode(out: CodeWriter): void {
    this.address.encode(out);
    this.value.encode(out);
    out.opcode(this.code);
    out.byte(0);
    out.u32(this.offset);
  }
}

function badOffset(offset: number): RangeError {
  return new RangeError(`A memory offset must be an integer from 0 to 2^32-1; found ${offset}.`);
}

/** Any other instruction that reaches memory: an address, up to two more operands, an alignment hint and an offset. */
export class Access<T extends ValueType | "void"> extends Expr<T> {
  constructor(
    type: T,
    readonly code: number,
    readonly align: number,
    readonly offset: number,
    readonly address: Expr,
    readonly a: Expr | null,
    readonly b: Expr | null,
    readonly lane: number,
  ) {
    super(type);
    if (offset < 0 || offset > 0xffffffff || offset % 1 !== 0) throw badOffset(offset);
  }
  override encode(out: CodeWriter): void {
    this.address.encode(out);
    if (this.a !== null) this.a.encode(out);
    if (this.b !== null) this.b.encode(out);
    out.opcode(this.code);
    out.byte(this.align);
    out.u32(this.offset);
    if (this.lane >= 0) out.byte(this.lane);
  }
}

/** `call_indirect`. */
export class CallIndirect<T extends ValueType | "void"> extends Expr<T> {
  constructor(
    type: T,
    readonly operands: readonly Expr[],
    readonly index: Expr<"i32">,
    readonly typeIndex: number,
    readonly tableIndex: number,
  ) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    for (const operand of this.operands) operand.encode(out);
    this.index.encode(out);
    out.byte(OP.call_indirect);
    out.u32(this.typeIndex);
    out.u32(this.tableIndex);
  }
}

/** `if` with a result. */
export class IfValue<T extends ValueType | "void"> extends Expr<T> {
  constructor(
    type: T,
    readonly condition: Expr<"i32">,
    readonly consequent: Expr<T>,
    readonly alternate: Expr<T>,
    readonly hint: Hint | undefined,
  ) {
    super(type);
  }
  override encode(out: CodeWriter): void {
    this.condition.encode(out);
    out.hint(this.hint);
    out.byte(OP.if);
    out.byte(this.type === "void" ? EMPTY_BLOCK : TYPE_CODE[this.type as ValueType]);
    this.consequent.encode(out);
    out.byte(OP.else);
    this.alternate.encode(out);
    out.byte(OP.end);
  }
}

/** The widest of what the fields of an expression hold. */
const WIDEST = 0xffffffff;

/**
 * One expression of each class, with each kind of value that its fields may hold. V8 forgets what the objects of a class look like when it
 * collects garbage while there are none, and throws away all code that it optimized for them: with it most of what makes code.
 */
export const SPECIMENS: readonly Expr[] = [0, WIDEST].flatMap((number) => {
  const constant = new I32Const(number);
  return [
    constant,
    new Nullary("void", number),
    new Unary("i32", number, constant),
    new Binary("i32", number, constant, constant),
    new Ternary("v128", number, constant, constant, constant),
    new I64Const(number === 0 ? 0n : number),
    new Immediate("v128", number, [], new Uint8Array(0)),
    new Indexed("i32", number, [], number),
    new Load("i32", number, constant, number),
    new Store(number, constant, constant, number),
    new Access("void", number, 0, number, constant, constant, constant, 0),
    new Access("void", number, 0, number, constant, null, null, -1),
    new CallIndirect("i32", [], constant, number, number),
    new IfValue("i32", constant, constant, constant, undefined),
    new IfValue("i32", constant, constant, constant, "likely"),
  ];
});
