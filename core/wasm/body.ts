/**
 * A function body: locals, statements and structured control flow.
 *
 * @module
 */
import { ByteWriter } from "./encoding.ts";
import { CallIndirect, CodeWriter, type Expr, type Exprs, type Hint, Indexed } from "./expression.ts";
import { Local, type Locals, LocalTee } from "./local.ts";
import { EMPTY_BLOCK, OP } from "./opcodes.ts";
import type { FunctionRef, TableRef } from "./references.ts";
import { TYPE_CODE, type TypeRef, type ValueType, type ValueTypes } from "./types.ts";

/** The largest function body V8 accepts, in bytes (`kV8MaxWasmFunctionSize`). */
export const MAX_BODY_BYTES = 7_654_321;

/** The most locals, parameters included, V8 accepts in a function (`kV8MaxWasmFunctionLocals`). */
export const MAX_LOCALS = 50_000;

/** The most targets V8 accepts in a `br_table` (`kV8MaxWasmFunctionBrTableSize`). */
export const MAX_BR_TABLE_TARGETS = 65_520;

/**
 * The type of a call's expression: the one result's, or "void". A call with more results is not an expression
 * (`never`); one whose results TypeScript does not know is taken on trust.
 */
export type ResultOf<R extends ValueTypes> = R extends readonly [] ? "void"
  : R extends readonly [infer T extends ValueType] ? T
  : never;

/** The target of branches: the end of a block or `if`, the start of a loop. */
export class Label {
  /**
   * Names a label; made by the statement that opens it.
   *
   * @param body the body it belongs to
   * @param height how many labels were open outside of it
   */
  constructor(readonly body: Body, readonly height: number) {}
}

/** Bytes of a writer that is kept for the next body. */
const KEPT_WRITER = 1 << 16;

/** Writers without a body: bodies are written one after the other, seldom one inside another. */
const idle: CodeWriter[] = [];

/** Where a finished body's statements would go. */
const CLOSED = new CodeWriter(0);

/** What {@linkcode Body.finish} gives. */
export interface FinishedBody {
  /** The encoded body: its locals and instructions, without the size in front. */
  readonly bytes: Uint8Array;
  /** Pairs: the offset of a hinted instruction from the start of `bytes`, and 1 for likely or 0 for unlikely. */
  readonly hints: readonly number[];
}

/** Writes one function's body. `R` are the function's results. */
export class Body<R extends ValueTypes = ValueTypes> {
  /** The name of the function, for messages. */
  readonly name: string;
  #out: CodeWriter;
  readonly #results: ValueTypes;
  readonly #params: number;
  readonly #localTypes: ValueType[] = [];
  readonly #open: Label[] = [];
  readonly #released = new Map<ValueType, Local[]>();
  #ended = false;

  /**
   * Starts an empty body.
   *
   * @param name the function's name
   * @param type the function's type
   */
  constructor(name: string, type: TypeRef<ValueTypes, R>) {
    this.name = name;
    this.#results = type.results;
    this.#params = type.params.length;
    this.#out = idle.pop() ?? new CodeWriter(4096);
    this.#out.owner = this;
  }

  /** The locals of the parameters. */
  static parameters<P extends ValueTypes>(body: Body, type: TypeRef<P, ValueTypes>): Locals<P> {
    return type.params.map((param, index) => new Local(body, param, index)) as unknown as Locals<P>;
  }

  /** Bytes of instructions written so far. */
  get length(): number {
    return this.#out.length;
  }

  /** Declares a local; it starts as zero or null. Throws beyond 50,000, parameters included. */
  local<T extends ValueType>(type: T): Local<T> {
    const index = this.#params + this.#localTypes.length;
    if (index >= MAX_LOCALS) {
      throw new RangeError(
        `Function "${this.name}" has more than ${MAX_LOCALS} locals; split it or reuse locals with scratch().`,
      );
    }
    this.#localTypes.push(type);
    return new Local(this, type, index);
  }

  /**
   * Lends a local to `use` and takes it back for reuse afterwards. It holds an arbitrary value at first. An expression
   * that reads it must be emitted before `use` returns.
   */
  scratch<T extends ValueType, X>(type: T, use: (local: Local<T>) => X): X {
    let released = this.#released.get(type);
    if (released === undefined) this.#released.set(type, released = []);
    const local = (released.pop() ?? this.local(type)) as Local<T>;
    const value = use(local);
    released.push(local);
    return value;
  }

  /** Sets a local. */
  set<T extends ValueType>(local: Local<T>, value: Expr<NoInfer<T>>): void {
    this.#own(local);
    value.encode(this.#out);
    this.#out.setLocal(local.index);
    this.#ended = false;
  }

  /** An expression that sets a local and is its new value. */
  tee<T extends ValueType>(local: Local<T>, value: Expr<NoInfer<T>>): Expr<T> {
    this.#own(local);
    return new LocalTee(local, value);
  }

  /** Evaluates an expression without a value. */
  emit(expression: Expr<"void">): void {
    expression.encode(this.#out);
    this.#ended = false;
  }

  /** Evaluates an expression and drops its value. */
  drop(expression: Expr<ValueType>): void {
    expression.encode(this.#out);
    this.#out.byte(OP.drop);
    this.#ended = false;
  }

  /** Runs `then` if `condition` is not zero, else `otherwise`. A branch to their label leaves the `if`. */
  if(
    condition: Expr<"i32">,
    then: (label: Label) => void,
    otherwise?: (label: Label) => void,
    hint?: Hint,
  ): void {
    const out = this.#out;
    condition.encode(out);
    out.hint(hint);
    out.byte(OP.if);
    out.byte(EMPTY_BLOCK);
    const label = this.#enter();
    then(label);
    if (otherwise !== undefined) {
      out.byte(OP.else);
      otherwise(label);
    }
    this.#leave(label);
  }

  /** A block; a branch to its label leaves it. */
  block(inside: (label: Label) => void): void {
    this.#out.byte(OP.block);
    this.#out.byte(EMPTY_BLOCK);
    const label = this.#enter();
    inside(label);
    this.#leave(label);
  }

  /** As {@linkcode Body.block}, with one result, which `into` is set to behind it: what branches to its label bring. */
  blockInto<T extends ValueType>(into: Local<T>, inside: (label: Label) => void): void {
    this.#own(into);
    this.#out.byte(OP.block);
    this.#out.byte(TYPE_CODE[into.type]);
    const label = this.#enter();
    inside(label);
    if (!this.#ended) throw new Error(`Function "${this.name}" has a block with a result that is left without one.`);
    this.#leave(label);
    this.#out.setLocal(into.index);
  }

  /** A loop; a branch to its label runs it again, and reaching its end leaves it. */
  loop(inside: (label: Label) => void): void {
    this.#out.byte(OP.loop);
    this.#out.byte(EMPTY_BLOCK);
    const label = this.#enter();
    inside(label);
    this.#leave(label);
  }

  /** Branches to an open label. */
  br(label: Label): void {
    const depth = this.#depth(label);
    this.#out.byte(OP.br);
    this.#out.u32(depth);
    this.#ended = true;
  }

  /** Branches to an open label if `condition` is not zero. */
  brIf(label: Label, condition: Expr<"i32">, hint?: Hint): void {
    const depth = this.#depth(label);
    const out = this.#out;
    condition.encode(out);
    out.hint(hint);
    out.byte(OP.br_if);
    out.u32(depth);
    this.#ended = false;
  }

  /** Branches to an open label of {@linkcode Body.blockInto} with a value. */
  brWith(label: Label, value: Expr<ValueType>): void {
    value.encode(this.#out);
    this.br(label);
  }

  /** Branches to an open label of {@linkcode Body.blockInto} with a value, if `condition` is not zero. */
  brIfWith(label: Label, value: Expr<ValueType>, condition: Expr<"i32">, hint?: Hint): void {
    value.encode(this.#out);
    this.brIf(label, condition, hint);
    this.#out.byte(OP.drop);
  }

  /** Branches to `labels[index]`, or to `otherwise` when the index (unsigned) is beyond them. */
  brTable(index: Expr<"i32">, labels: readonly Label[], otherwise: Label): void {
    if (labels.length > MAX_BR_TABLE_TARGETS) {
      throw new RangeError(
        `Function "${this.name}" has a br_table of ${labels.length} targets; at most ${MAX_BR_TABLE_TARGETS} are possible.`,
      );
    }
    const out = this.#out;
    index.encode(out);
    out.byte(OP.br_table);
    out.u32(labels.length);
    for (const label of labels) out.u32(this.#depth(label));
    out.u32(this.#depth(otherwise));
    this.#ended = true;
  }

  /** Returns from the function. */
  return(...values: Exprs<R>): void {
    this.#match("return", this.#results, values);
    for (const value of values) value.encode(this.#out);
    this.#out.byte(OP.return);
    this.#ended = true;
  }

  /** A call. A function without results is called with `b.emit(b.call(fn))`. */
  call<P extends ValueTypes, S extends ValueTypes>(fn: FunctionRef<P, S>, ...args: Exprs<P>): Expr<ResultOf<S>> {
    this.#match(`call of "${fn.name}"`, fn.type.params, args);
    return new Indexed(this.#single(fn.type.results, `call of "${fn.name}"`) as ResultOf<S>, OP.call, args, fn.index);
  }

  /** Calls a function of any number of results and sets `locals` to them, in order. */
  callMulti<P extends ValueTypes, S extends ValueTypes>(
    fn: FunctionRef<P, S>,
    args: Exprs<P>,
    locals: Locals<S>,
  ): void {
    this.#match(`call of "${fn.name}"`, fn.type.params, args);
    for (const arg of args) arg.encode(this.#out);
    this.#out.byte(OP.call);
    this.#out.u32(fn.index);
    this.#setResults(`call of "${fn.name}"`, fn.type.results, locals);
  }

  /** A call of the function at `index` of a table, which must have type `type` or the call traps. */
  callIndirect<P extends ValueTypes, S extends ValueTypes>(
    table: TableRef<"funcref">,
    type: TypeRef<P, S>,
    index: Expr<"i32">,
    ...args: Exprs<P>
  ): Expr<ResultOf<S>> {
    this.#match("indirect call", type.params, args);
    const result = this.#single(type.results, "indirect call") as ResultOf<S>;
    return new CallIndirect(result, args, index, type.index, table.index);
  }

  /** As {@linkcode Body.callIndirect}, for any number of results, which `locals` are set to. */
  callIndirectMulti<P extends ValueTypes, S extends ValueTypes>(
    table: TableRef<"funcref">,
    type: TypeRef<P, S>,
    index: Expr<"i32">,
    args: Exprs<P>,
    locals: Locals<S>,
  ): void {
    this.#match("indirect call", type.params, args);
    new CallIndirect("void", args, index, type.index, table.index).encode(this.#out);
    this.#setResults("indirect call", type.results, locals);
  }

  /** Leaves this function for another one with the same results. */
  returnCall<P extends ValueTypes>(fn: FunctionRef<P, R>, ...args: Exprs<P>): void {
    this.#match(`tail call of "${fn.name}"`, fn.type.params, args);
    for (const arg of args) arg.encode(this.#out);
    this.#out.byte(OP.return_call);
    this.#out.u32(fn.index);
    this.#ended = true;
  }

  /** Leaves this function for the one at `index` of a table, which must have type `type` or the call traps. */
  returnCallIndirect<P extends ValueTypes>(
    table: TableRef<"funcref">,
    type: TypeRef<P, R>,
    index: Expr<"i32">,
    ...args: Exprs<P>
  ): void {
    this.#match("indirect tail call", type.params, args);
    const out = this.#out;
    for (const arg of args) arg.encode(out);
    index.encode(out);
    out.byte(OP.return_call_indirect);
    out.u32(type.index);
    out.u32(table.index);
    this.#ended = true;
  }

  /** Traps. */
  unreachable(): void {
    this.#out.byte(OP.unreachable);
    this.#ended = true;
  }

  /**
   * Ends the body and encodes it. Throws when it is larger than V8 accepts, or when a function with results can run off
   * its end.
   */
  finish(): FinishedBody {
    if (this.#results.length > 0 && !this.#ended) {
      throw new Error(
        `Function "${this.name}" has results but its last statement is no return, tail call, branch or trap; ` +
          `end it with b.return() or, where its end cannot be reached, with b.unreachable().`,
      );
    }
    this.#out.byte(OP.end);
    const body = new ByteWriter(this.#out.length + 16);
    this.#writeLocals(body);
    const start = body.length;
    if (start + this.#out.length > MAX_BODY_BYTES) {
      throw new RangeError(
        `Function "${this.name}" is ${start + this.#out.length} bytes long; V8 accepts ${MAX_BODY_BYTES}. Split it.`,
      );
    }
    body.raw(this.#out.view());
    const hints = this.#out.hints.map((item, i) => i % 2 === 0 ? item + start : item);
    this.#release();
    return { bytes: body.view(), hints };
  }

  /** Hands the writer on; nothing can be written any more. */
  #release(): void {
    const out = this.#out;
    this.#out = CLOSED;
    out.clear(KEPT_WRITER);
    out.hints.length = 0;
    out.owner = undefined;
    idle.push(out);
  }

  #writeLocals(body: ByteWriter): void {
    const types = this.#localTypes;
    const runs: number[] = [];
    for (let i = 0; i < types.length; i++) {
      if (i === 0 || types[i] !== types[i - 1]) runs.push(i);
    }
    body.u32(runs.length);
    runs.forEach((first, run) => {
      body.u32((runs[run + 1] ?? types.length) - first);
      body.byte(TYPE_CODE[types[first] as ValueType]);
    });
  }

  #enter(): Label {
    const label = new Label(this, this.#open.length);
    this.#open.push(label);
    this.#ended = false;
    return label;
  }

  #leave(label: Label): void {
    if (this.#open.pop() !== label) throw new Error(`Function "${this.name}" closed its labels out of order.`);
    this.#out.byte(OP.end);
    this.#ended = false;
  }

  #depth(label: Label): number {
    if (this.#open[label.height] !== label) {
      throw new Error(
        label.body === this
          ? `Function "${this.name}" branches to a label that is not open; branch from inside of its block.`
          : `Function "${this.name}" branches to a label of function "${label.body.name}".`,
      );
    }
    return this.#open.length - 1 - label.height;
  }

  #own(local: Local): void {
    if (local.body !== this) {
      throw new Error(`Function "${this.name}" sets local ${local.index} of function "${local.body.name}".`);
    }
  }

  #match(what: string, types: ValueTypes, values: readonly Expr[]): void {
    if (types.length !== values.length) {
      throw new TypeError(`Function "${this.name}": ${what} takes ${types.length} values; found ${values.length}.`);
    }
  }

  #single(results: ValueTypes, what: string): ValueType | "void" {
    if (results.length > 1) {
      throw new TypeError(
        `Function "${this.name}": ${what} has ${results.length} results and is no expression; use callMulti().`,
      );
    }
    return results[0] ?? "void";
  }

  #setResults(what: string, results: ValueTypes, locals: readonly Local[]): void {
    if (results.length !== locals.length) {
      throw new TypeError(`Function "${this.name}": ${what} sets ${results.length} locals; found ${locals.length}.`);
    }
    for (let i = locals.length - 1; i >= 0; i--) {
      const local = locals[i] as Local;
      this.#own(local);
      this.#out.byte(OP.local_set);
      this.#out.u32(local.index);
    }
    this.#ended = false;
  }
}
