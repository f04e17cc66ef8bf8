/**
 * A typed emitter of WebAssembly modules. Instructions are named as in the text format and make typed expressions;
 * {@linkcode ModuleBuilder} and {@linkcode Body} put them into modules and functions.
 *
 * @module
 */
export * from "./body.ts";
export * from "./control.ts";
export * from "./float.ts";
export { constantOf } from "./fold.ts";
export * from "./integer.ts";
export { Local, localOf, type Locals } from "./local.ts";
export * from "./module.ts";
export * from "./vector.ts";
export { type CodeWriter, Expr, type Exprs, type Hint } from "./expression.ts";
export type { ByteWriter } from "./encoding.ts";
export type * from "./opcodes.ts";
export type * from "./opcodes_vector.ts";
export type * from "./operations.ts";
export { type ExportableRef, type FunctionRef, type GlobalRef, type MemoryRef, type TableRef } from "./references.ts";
export type { Limits } from "./sections.ts";
export type { ReferenceType, TypeRef, ValueType, ValueTypes } from "./types.ts";
