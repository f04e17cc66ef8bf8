/**
 * A module under construction.
 *
 * @module
 */
import { Body, type FinishedBody } from "./body.ts";
import { CodeWriter, type Expr, I32Const } from "./expression.ts";
import type { Locals } from "./local.ts";
import { OP } from "./opcodes.ts";
import { type ExportableRef, FunctionRef, GlobalRef, MemoryRef, refFunc, TableRef } from "./references.ts";
import { encodeModule, type ExportEntry, type ImportEntry, type Limits, type Segment } from "./sections.ts";
import { type ReferenceType, TypeRef, type ValueType, type ValueTypes } from "./types.ts";

/** Writes the statements of a function; the parameters arrive as locals. */
export type BodyWriter<P extends ValueTypes, R extends ValueTypes> = (b: Body<R>, ...params: Locals<P>) => void;

/** How a module is built. */
export interface ModuleOptions {
  /** Write a name section with the functions' names. Default: false. */
  readonly names?: boolean;
}

/**
 * Builds one WebAssembly module.
 *
 * Imports come first: an import adds to the front of its index space, so importing a function (table, global, memory)
 * after one was defined is an error.
 *
 * @example
 * ```ts
 * import { i32, ModuleBuilder } from "./mod.ts";
 *
 * const m = new ModuleBuilder();
 * const add = m.function("add", ["i32", "i32"], ["i32"], (b, x, y) => b.return(i32.add(x.get(), y.get())));
 * m.export("add", add);
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.build()));
 * ```
 */
export class ModuleBuilder {
  readonly #names: boolean;
  readonly #types: TypeRef[] = [];
  readonly #typesByKey = new Map<string, TypeRef>();
  /** What type was asked for last. */
  #asked: { readonly params: ValueTypes; readonly results: ValueTypes; readonly type: TypeRef } | undefined;
  readonly #imports: ImportEntry[] = [];
  readonly #functions: FunctionRef[] = [];
  readonly #bodies: (FinishedBody | undefined)[] = [];
  readonly #tables: { type: ReferenceType; limits: Limits }[] = [];
  readonly #memories: Limits[] = [];
  readonly #globals: { type: ValueType; mutable: boolean; init: Uint8Array }[] = [];
  readonly #exports: ExportEntry[] = [];
  readonly #exported = new Set<string>();
  readonly #elements: { table: number; offset: Uint8Array; functions: readonly number[] }[] = [];
  readonly #data: Segment[] = [];
  readonly #referenced = new Set<number>();
  #importedFunctions = 0;
  #importedTables = 0;
  #importedGlobals = 0;
  #importedMemories = 0;
  #start: number | undefined;

  /**
   * Starts an empty module.
   *
   * @param options how the module is built
   */
  constructor(options: ModuleOptions = {}) {
    this.#names = options.names ?? false;
  }

  /** A function type; equal ones are one. */
  type<const P extends ValueTypes, const R extends ValueTypes>(params: P, results: R): TypeRef<P, R> {
    const asked = this.#asked;
    if (asked !== undefined && asked.params === params && asked.results === results) return asked.type as TypeRef<P, R>;
    const key = `${params.join()}>${results.join()}`;
    let type = this.#typesByKey.get(key);
    if (type === undefined) {
      type = new TypeRef(this.#types.length, [...params], [...results]);
      this.#types.push(type);
      this.#typesByKey.set(key, type);
    }
    this.#asked = { params, results, type };
    return type as TypeRef<P, R>;
  }

  /** Imports a memory. Sizes are in pages of 65,536 bytes. */
  importMemory(module: string, name: string, limits: Limits): MemoryRef {
    this.#importsFirst("memory", `${module}.${name}`, this.#memories.length);
    this.#oneMemory();
    this.#imports.push({ module, name, kind: "memory", limits });
    return new MemoryRef(this.#importedMemories++);
  }

  /** Imports a function. */
  importFunction<const P extends ValueTypes, const R extends ValueTypes>(
    module: string,
    name: string,
    params: P,
    results: R,
  ): FunctionRef<P, R> {
    this.#importsFirst("function", `${module}.${name}`, this.#bodies.length);
    const type = this.type(params, results);
    this.#imports.push({ module, name, kind: "function", type: type.index });
    const ref = new FunctionRef(this.#importedFunctions++, `${module}.${name}`, type);
    this.#functions.push(ref);
    return ref;
  }

  /** Imports a table. Sizes are in elements. */
  importTable<T extends ReferenceType>(
    module: string,
    name: string,
    elementType: T,
    min: number,
    max?: number,
  ): TableRef<T> {
    this.#importsFirst("table", `${module}.${name}`, this.#tables.length);
    this.#imports.push({ module, name, kind: "table", elementType, limits: { min, max } });
    return new TableRef(this.#importedTables++, elementType);
  }

  /** Imports a global. */
  importGlobal<T extends ValueType>(module: string, name: string, type: T, mutable = false): GlobalRef<T> {
    this.#importsFirst("global", `${module}.${name}`, this.#globals.length);
    this.#imports.push({ module, name, kind: "global", type, mutable });
    return new GlobalRef(this.#importedGlobals++, type, mutable);
  }

  /** Defines a memory; a module has one at most. Sizes are in pages of 65,536 bytes. */
  memory(limits: Limits): MemoryRef {
    this.#oneMemory();
    this.#memories.push(limits);
    return new MemoryRef(0);
  }

  /** Defines a table of null references. Sizes are in elements. */
  table<T extends ReferenceType>(elementType: T, min: number, max?: number): TableRef<T> {
    this.#tables.push({ type: elementType, limits: { min, max } });
    return new TableRef(this.#importedTables + this.#tables.length - 1, elementType);
  }

  /** Defines a global; `init` must be a constant expression. */
  global<T extends ValueType>(type: T, mutable: boolean, init: Expr<NoInfer<T>>): GlobalRef<T> {
    this.#globals.push({ type, mutable, init: constant(init) });
    return new GlobalRef(this.#importedGlobals + this.#globals.length - 1, type, mutable);
  }

  /** Defines a function. */
  function<const P extends ValueTypes, const R extends ValueTypes>(
    name: string,
    params: P,
    results: R,
    body: BodyWriter<P, R>,
  ): FunctionRef<P, R> {
    const ref = this.declare(name, params, results);
    this.define(ref, body);
    return ref;
  }

  /** Declares a function, which must be defined before the module is built. */
  declare<const P extends ValueTypes, const R extends ValueTypes>(
    name: string,
    params: P,
    results: R,
  ): FunctionRef<P, R> {
    const ref = new FunctionRef(this.#functions.length, name, this.type(params, results));
    this.#functions.push(ref);
    this.#bodies.push(undefined);
    return ref;
  }

  /** Defines a declared function. */
  define<P extends ValueTypes, R extends ValueTypes>(ref: FunctionRef<P, R>, body: BodyWriter<P, R>): void {
    const slot = ref.index - this.#importedFunctions;
    if (this.#functions[ref.index] !== ref as unknown || slot < 0) {
      throw new Error(`Function "${ref.name}" was not declared in this module, so it cannot be defined in it.`);
    }
    if (this.#bodies[slot] !== undefined) throw new Error(`Function "${ref.name}" is already defined.`);
    const b = new Body<R>(ref.name, ref.type);
    body(b, ...Body.parameters(b, ref.type));
    if (this.#bodies[slot] !== undefined) throw new Error(`Function "${ref.name}" is already defined.`);
    this.#bodies[slot] = b.finish();
  }

  /** Bytes of a defined function's body. */
  bodySize(ref: FunctionRef): number {
    return this.#bodies[ref.index - this.#importedFunctions]?.bytes.length ?? 0;
  }

  /** A reference to a function as a value. */
  refFunc(fn: FunctionRef): Expr<"funcref"> {
    this.#referenced.add(fn.index);
    return refFunc(fn);
  }

  /** Exports something under a name. */
  export(name: string, ref: ExportableRef): void {
    if (this.#exported.has(name)) throw new Error(`The module already exports "${name}"; export names are unique.`);
    this.#exported.add(name);
    this.#exports.push({ name, kind: ref.kind, index: ref.index });
  }

  /** Puts functions into a table, from `offset` on, when the module is instantiated. */
  elements(table: TableRef<"funcref">, offset: Expr<"i32"> | number, refs: readonly FunctionRef[]): void {
    const functions = refs.map((ref) => ref.index);
    this.#elements.push({ table: table.index, offset: constant(address(offset)), functions });
  }

  /** Puts bytes into memory, from `offset` on, when the module is instantiated. */
  data(offset: Expr<"i32"> | number, bytes: Uint8Array): void {
    this.#data.push({ offset: constant(address(offset)), bytes });
  }

  /** Runs a function without parameters and results when the module is instantiated. */
  start(ref: FunctionRef<readonly [], readonly []>): void {
    this.#start = ref.index;
  }

  /** Encodes the module. Throws when a declared function is not defined. */
  build(): Uint8Array<ArrayBuffer> {
    const bodies: FinishedBody[] = [];
    const missing: string[] = [];
    this.#bodies.forEach((body, slot) => {
      if (body !== undefined) bodies.push(body);
      else missing.push(`"${this.#functions[this.#importedFunctions + slot]?.name}"`);
    });
    if (missing.length > 0) {
      throw new Error(`The module declares functions that it does not define: ${missing.join(", ")}.`);
    }
    return encodeModule({
      types: this.#types,
      imports: this.#imports,
      functions: this.#functions,
      importedFunctions: this.#importedFunctions,
      tables: this.#tables,
      memories: this.#memories,
      globals: this.#globals,
      exports: this.#exports,
      start: this.#start,
      elements: this.#elements,
      referenced: [...this.#referenced],
      bodies,
      data: this.#data,
      names: this.#names,
    });
  }

  #importsFirst(kind: string, name: string, defined: number): void {
    if (defined > 0) {
      throw new Error(`Import "${name}" comes after a ${kind} was defined; import everything of a kind first.`);
    }
  }

  #oneMemory(): void {
    if (this.#memories.length + this.#importedMemories > 0) {
      throw new Error("The module already has a memory; instructions address memory 0 only.");
    }
  }
}

function address(offset: Expr<"i32"> | number): Expr<"i32"> {
  return typeof offset === "number" ? new I32Const(offset) : offset;
}

function constant(expression: Expr): Uint8Array {
  const out = new CodeWriter(16);
  expression.encode(out);
  out.byte(OP.end);
  return out.copy();
}
