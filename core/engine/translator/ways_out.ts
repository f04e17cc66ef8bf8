/**
 * The ways out of a region: blocks around its code, to whose ends exits branch, and what an exit that goes back to the interpreter tells.
 *
 * @module
 */
import { type Body, i32, type Local } from "../../wasm/mod.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import { REGION_EXIT } from "./area.ts";

type Label = Parameters<Body["br"]>[0];

/** A way out: with the flags in memory, or in locals that must be stored first. */
export class WayOut {
  /** Somebody takes it. */
  taken = false;
  #takenWithFlags = false;
  #stored!: Label;
  #local!: Label;

  /** @param brought What who takes it brings, if anything: it is set behind the blocks. */
  constructor(readonly brought?: Local<"i32">) {}

  /** The label to branch to, from where the flags are in locals or not. */
  take(flagsLocal: boolean): Label {
    this.taken = true;
    this.#takenWithFlags ||= flagsLocal;
    return flagsLocal ? this.#local : this.#stored;
  }

  /** Emits `inside`, which can take this way and never reaches its end; what follows is the way itself. */
  around(body: Body, inside: () => void, storeFlags: () => void): void {
    this.#block(body, (stored) => {
      this.#block(body, (local) => {
        this.#stored = stored;
        this.#local = local;
        inside();
      });
      if (!this.#takenWithFlags) return body.unreachable();
      storeFlags();
      if (this.brought) body.brWith(stored, this.brought.get());
    });
  }

  #block(body: Body, inside: (label: Label) => void): void {
    if (this.brought) body.blockInto(this.brought, inside);
    else body.block(inside);
  }
}

/** The code in a packed exit: its low two bits. */
const CODE: Readonly<Record<number, number>> = {
  [REGION_EXIT.INTERPRET]: 0,
  [REGION_EXIT.BUDGET]: 1,
  [REGION_EXIT.LOOKUP]: 2,
};

/** A packed exit: offset of the next instruction << 16 | instructions since the block's start << 2 | code. */
export function packExit(offset: number, retired: number, code: number): Value {
  return i32.const((offset << 16) | (retired << 2) | CODE[code]!);
}

/** What a packed exit tells: as expressions, each of which reads it. */
export function unpackExit(exit: Value): { readonly offset: Value; readonly retired: Value; readonly code: Value } {
  return {
    offset: i32.shr_s(exit, i32.const(16)),
    retired: i32.and(i32.shr_u(exit, i32.const(2)), i32.const(0x3fff)),
    code: i32.add(i32.and(exit, i32.const(3)), i32.const(REGION_EXIT.INTERPRET)),
  };
}
