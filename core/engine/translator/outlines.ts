/**
 * Functions that the regions of one module share: what is rarely executed, or too long to stand in each region.
 *
 * @module
 */
import type { Body, FunctionRef, Locals, ModuleBuilder, ValueType, ValueTypes } from "../../wasm/mod.ts";

/** The shared functions of one module, made when they are first asked for. */
export class Outlines {
  readonly #functions = new Map<string, FunctionRef>();

  /** @param module Where the functions are. */
  constructor(readonly module: ModuleBuilder) {}

  /** The function of a name, which tells all that `body` depends on. */
  get<const P extends ValueTypes, R extends ValueType>(
    name: string,
    params: P,
    result: R,
    body: (b: Body<readonly [R]>, ...params: Locals<P>) => void,
  ): FunctionRef<P, readonly [R]> {
    let known = this.#functions.get(name);
    if (known === undefined) {
      known = this.module.function(name, params, [result], body as never) as unknown as FunctionRef;
      this.#functions.set(name, known);
    }
    return known as unknown as FunctionRef<P, readonly [R]>;
  }
}
