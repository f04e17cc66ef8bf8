/**
 * The lazy flags in locals of a region, with what is known of the last operation that set them: a comparison and its branch become one
 * WebAssembly comparison.
 *
 * @module
 */
import { i32, type Local } from "../../wasm/mod.ts";
import { STATE } from "../../x86/registers.ts";
import type { Value, Width } from "../../x86/semantics/mod.ts";
import { emitFlags, type FlagEmission } from "../interpreter/flag_emission.ts";

/** The words of the lazy flags, by STATE offset. */
export const FLAG_WORDS: readonly number[] = [
  STATE.RESULT,
  STATE.PATCH,
  STATE.OX,
  STATE.OY,
  STATE.CX,
  STATE.CY,
];

/** What set the flags last; undefined: anything. SUB: CX and CY are its operands. LOGIC: CF and OF are clear. PATCHLESS: PATCH is 0.
 * COMPARED: only CF and ZF may be set; CX is 0. */
export type FlagKind = "sub" | "logic" | "patchless" | "compared" | undefined;

/** What is common to two kinds. */
export function meet(x: FlagKind, y: FlagKind): FlagKind {
  if (x === y) return x;
  return withoutPatch(x) && withoutPatch(y) ? "patchless" : undefined;
}

const withoutPatch = (kind: FlagKind) => kind !== undefined && kind !== "compared";

/** What the flags need of the code around them. */
export interface FlagFrame {
  readonly words: ReadonlyMap<number, Local<"i32">>;
  set(local: Local<"i32">, value: Value): void;
  let(value: Value): Value;
}

/** The flags of one region, instruction after instruction. */
export class LocalFlags {
  /** What set them last. */
  kind: FlagKind;
  /** Nobody will see what the present instruction sets. */
  dead = false;
  /** Inside of conditional code, where nothing can be said of the last operation. */
  conditional = 0;
  readonly #words: ReadonlyMap<number, Local<"i32">>;
  readonly #set: (offset: number, value: Value) => void;
  readonly #emit: FlagEmission;

  /** @param frame Where the words are. */
  constructor(frame: FlagFrame) {
    this.#words = frame.words;
    this.#set = (offset, value) => {
      if (!this.dead) frame.set(frame.words.get(offset)!, value);
    };
    this.#emit = emitFlags({
      state: (offset) => this.#word(offset),
      setState: this.#set,
      let: (value) => frame.let(value),
      setResult: (r) => {
        this.#set(STATE.RESULT, r);
        this.#set(STATE.PATCH, i32.const(0));
      },
      clearOperands: () => {
        for (const offset of [STATE.OX, STATE.OY, STATE.CX, STATE.CY]) this.#set(offset, i32.const(0));
      },
    });
  }

  #word(offset: number): Value {
    return this.#words.get(offset)!.get();
  }

  #became(kind: FlagKind): void {
    if (this.dead) return;
    this.kind = this.conditional > 0 ? undefined : kind;
  }

  add(w: Width, r: Value, y: Value): void {
    this.#emit.add(w, r, y);
    this.#became("patchless");
  }
  sub(w: Width, r: Value, x: Value, y: Value): void {
    this.#emit.sub(w, r, x, y);
    this.#became("sub");
  }
  logic(r: Value): void {
    this.#emit.logic(r);
    this.#became("logic");
  }
  increment(w: Width, r: Value): void {
    this.#emit.increment(w, r);
    this.#became("patchless");
  }
  decrement(w: Width, r: Value, x: Value): void {
    this.#emit.decrement(w, r, x);
    this.#became("patchless");
  }
  result(r: Value): void {
    this.#emit.result(r);
    this.#became("patchless");
  }
  compared(less: Value, equal: Value): void {
    this.#emit.compared(less, equal);
    this.#became("compared");
  }
  setCarry(carry: Value): void {
    this.#emit.setCarry(carry);
    this.#became(withoutPatch(this.kind) ? "patchless" : undefined);
  }
  setOverflowAdjust(overflow: Value, adjust: Value): void {
    this.#emit.setOverflowAdjust(overflow, adjust);
    this.#became(withoutPatch(this.kind) ? "patchless" : undefined);
  }
  setAll(value: Value): void {
    this.#emit.setAll(value);
    this.#became(undefined);
  }
  carry(): Value {
    return this.kind === "logic" ? i32.const(0) : this.#emit.carry();
  }
  adjust(): Value {
    return this.#emit.adjust();
  }
  overflow(): Value {
    return this.kind === "logic" ? i32.const(0) : this.#emit.overflow();
  }
  all(): Value {
    return this.#emit.all();
  }

  /** Nonzero if condition `code` holds. */
  holds(code: number): Value {
    return this.#direct(code) ?? this.#emit.holds(code);
  }

  #direct(code: number): Value | undefined {
    if (this.kind === undefined) return undefined;
    const negated = (code & 1) !== 0;
    const r = this.#word(STATE.RESULT), zero = i32.const(0);
    const sign = negated ? i32.ge_s(r, zero) : i32.lt_s(r, zero);
    const nothing = negated ? i32.ne(r, zero) : i32.eqz(r);
    const never = i32.const(negated ? 1 : 0);
    const x = this.#word(STATE.CX), y = this.#word(STATE.CY);
    if (this.kind === "compared") {
      switch (code >> 1) {
        case CONDITION.BELOW:
          return negated ? i32.eqz(y) : y;
        case CONDITION.ZERO:
          return nothing;
        case CONDITION.BELOW_EQUAL:
          return negated ? i32.and(r, i32.eqz(y)) : i32.or(i32.eqz(r), y);
        case CONDITION.PARITY:
          return never;
        default:
          return undefined;
      }
    }
    switch (code >> 1) {
      case CONDITION.SIGN:
        return sign;
      case CONDITION.ZERO:
        return this.kind === "sub" ? (negated ? i32.ne(x, y) : i32.eq(x, y)) : nothing;
    }
    if (this.kind === "sub") {
      switch (code >> 1) {
        case CONDITION.BELOW:
          return negated ? i32.ge_u(x, y) : i32.lt_u(x, y);
        case CONDITION.BELOW_EQUAL:
          return negated ? i32.gt_u(x, y) : i32.le_u(x, y);
        case CONDITION.LESS:
          return negated ? i32.ge_s(x, y) : i32.lt_s(x, y);
        case CONDITION.LESS_EQUAL:
          return negated ? i32.gt_s(x, y) : i32.le_s(x, y);
      }
    }
    if (this.kind === "logic") {
      switch (code >> 1) {
        case CONDITION.OVERFLOW:
        case CONDITION.BELOW:
          return never;
        case CONDITION.BELOW_EQUAL:
          return nothing;
        case CONDITION.LESS:
          return sign;
        case CONDITION.LESS_EQUAL:
          return negated ? i32.gt_s(r, zero) : i32.le_s(r, zero);
      }
    }
    return undefined;
  }
}

/** Condition codes without their negation bit (Intel SDM volume 1, appendix B). */
const CONDITION = {
  OVERFLOW: 0,
  BELOW: 1,
  ZERO: 2,
  BELOW_EQUAL: 3,
  SIGN: 4,
  PARITY: 5,
  LESS: 6,
  LESS_EQUAL: 7,
} as const;
