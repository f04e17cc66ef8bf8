/**
 * Local variables of a function body.
 *
 * @module
 */
import { type CodeWriter, Expr } from "./expression.ts";
import { OP } from "./opcodes.ts";
import type { ValueType, ValueTypes } from "./types.ts";

/** A local variable of one body. */
export class Local<T extends ValueType = ValueType> {
  readonly #get: Expr<T>;

  /**
   * Names a local; made by {@linkcode Body.local}.
   *
   * @param body the body it belongs to
   * @param type what it holds
   * @param index its index: parameters first
   */
  constructor(readonly body: { readonly name: string }, readonly type: T, readonly index: number) {
    this.#get = new LocalGet(this);
  }

  /** The local's value where the expression is used. */
  get(): Expr<T> {
    return this.#get;
  }
}

/** The locals of a list of types, in order. */
export type Locals<P extends ValueTypes> = { readonly [I in keyof P]: Local<P[I]> };

/** `local.get`. */
class LocalGet<T extends ValueType> extends Expr<T> {
  constructor(readonly local: Local<T>) {
    super(local.type);
  }
  override encode(out: CodeWriter): void {
    const { body, index } = this.local;
    if (out.owner !== body && out.owner !== undefined) {
      throw new Error(`Local ${index} of function "${body.name}" is read in another function.`);
    }
    out.getLocal(index);
  }
}

/** The local that an expression only reads; undefined for any other expression. */
export function localOf(expression: Expr): Local | undefined {
  return expression instanceof LocalGet ? expression.local : undefined;
}

/** `local.tee`: sets a local and gives its new value. */
export class LocalTee<T extends ValueType> extends Expr<T> {
  constructor(readonly local: Local<T>, readonly value: Expr<T>) {
    super(local.type);
  }
  override encode(out: CodeWriter): void {
    this.value.encode(out);
    out.byte(OP.local_tee);
    out.u32(this.local.index);
  }
}
