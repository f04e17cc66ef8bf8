/**
 * WebAssembly value types and function types (core specification, "Types").
 *
 * @module
 */

/** A type of value: what a local, a global, an operand or a result holds. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref";

/** A type of reference: what a table holds. */
export type ReferenceType = "funcref" | "externref";

/** A list of value types: a function's parameters or results. */
export type ValueTypes = readonly ValueType[];

/** The byte that encodes each value type. */
export const TYPE_CODE: { readonly [T in ValueType]: number } = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
};

/** A function type of one module, by its index there. */
export class TypeRef<P extends ValueTypes = ValueTypes, R extends ValueTypes = ValueTypes> {
  /**
   * Names a function type of a module.
   *
   * @param index the type's index in its module
   * @param params the types of the parameters
   * @param results the types of the results
   */
  constructor(readonly index: number, readonly params: P, readonly results: R) {}
}
