/**
 * What a module's index spaces hold, as values: functions, tables, globals and memories.
 *
 * @module
 */
import { type Expr, Indexed } from "./expression.ts";
import { OP } from "./opcodes.ts";
import type { ReferenceType, TypeRef, ValueType, ValueTypes } from "./types.ts";

/** A function of one module, imported or defined there. */
export class FunctionRef<P extends ValueTypes = ValueTypes, R extends ValueTypes = ValueTypes> {
  /** Which index space the reference belongs to. */
  readonly kind = "function";

  /**
   * Names a function of a module.
   *
   * @param index the function's index in its module
   * @param name the name that messages and the name section use
   * @param type the function's type
   */
  constructor(readonly index: number, readonly name: string, readonly type: TypeRef<P, R>) {}
}

/** A table of one module. */
export class TableRef<T extends ReferenceType = ReferenceType> {
  /** Which index space the reference belongs to. */
  readonly kind = "table";

  /**
   * Names a table of a module.
   *
   * @param index the table's index in its module
   * @param elementType what the table holds
   */
  constructor(readonly index: number, readonly elementType: T) {}

  /** The element at `index`. */
  get(index: Expr<"i32">): Expr<T> {
    return new Indexed(this.elementType, OP.table_get, [index], this.index);
  }

  /** Sets the element at `index`. */
  set(index: Expr<"i32">, value: Expr<T>): Expr<"void"> {
    return new Indexed("void", OP.table_set, [index, value], this.index);
  }

  /** The number of elements. */
  size(): Expr<"i32"> {
    return new Indexed("i32", OP.table_size, [], this.index);
  }

  /** Grows the table by `count` elements of `value`; gives the size before, or -1. */
  grow(value: Expr<T>, count: Expr<"i32">): Expr<"i32"> {
    return new Indexed("i32", OP.table_grow, [value, count], this.index);
  }
}

/** A global of one module. */
export class GlobalRef<T extends ValueType = ValueType> {
  /** Which index space the reference belongs to. */
  readonly kind = "global";

  /**
   * Names a global of a module.
   *
   * @param index the global's index in its module
   * @param type what the global holds
   * @param mutable whether it can be set
   */
  constructor(readonly index: number, readonly type: T, readonly mutable: boolean) {}

  /** The global's value. */
  get(): Expr<T> {
    return new Indexed(this.type, OP.global_get, [], this.index);
  }

  /** Sets the global. Throws when it is not mutable. */
  set(value: Expr<T>): Expr<"void"> {
    if (!this.mutable) throw new Error(`Global ${this.index} is immutable and cannot be set.`);
    return new Indexed("void", OP.global_set, [value], this.index);
  }
}

/** A memory of one module. */
export class MemoryRef {
  /** Which index space the reference belongs to. */
  readonly kind = "memory";

  /**
   * Names a memory of a module.
   *
   * @param index the memory's index in its module
   */
  constructor(readonly index: number) {}
}

/** Anything a module can export. */
export type ExportableRef = FunctionRef | TableRef | GlobalRef | MemoryRef;

/** `ref.func`; the module must declare the function as referenced. */
export function refFunc(fn: FunctionRef): Expr<"funcref"> {
  return new Indexed("funcref", OP.ref_func, [], fn.index);
}
