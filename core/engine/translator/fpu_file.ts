/**
 * The x87 FPU's words of a region in locals: control, status, tags, and the pointers to the last instruction, most of which nobody sees.
 *
 * @module
 */
import { type Body, i32, type Local } from "../../wasm/mod.ts";
import { SEG, SEGMENT, STATE } from "../../x86/registers.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import { FPU_SEMANTICS } from "../../x86/semantics/mod.ts";
import type { Region } from "./region.ts";

/** Words that FPU instructions write. */
const WRITTEN = [
  STATE.FPU_CONTROL,
  STATE.FPU_STATUS,
  STATE.FPU_TAG,
  STATE.FPU_IP,
  STATE.FPU_CS,
  STATE.FPU_DP,
  STATE.FPU_DS,
];

const selector = (segment: number) => STATE.SEGMENTS + segment * SEGMENT.SIZE + SEGMENT.SELECTOR;

/** Words that they only read. */
const READ = [STATE.CR0, selector(SEG.CS), selector(SEG.DS), selector(SEG.SS)];

/** Instructions for which it is worth loading and storing all of the words. */
const ENOUGH = 4;

const nowhere = i32.const(0);

/** The FPU's words of one region. */
export class FpuFile {
  readonly #locals = new Map<number, Local<"i32">>();

  /** @param loops Whether the region has a loop. */
  constructor(readonly body: Body, readonly cpu: number, region: Region, loops: boolean) {
    let count = 0;
    for (const { instructions } of region.blocks) {
      for (const { instruction, how } of instructions) {
        if (how === "inline" && FPU_SEMANTICS.has(instruction.form!.semantics)) count++;
      }
    }
    if (count === 0 || (count < ENOUGH && !loops)) return;
    for (const offset of [...WRITTEN, ...READ]) this.#locals.set(offset, body.local("i32"));
  }

  /** Loads the words. */
  load(): void {
    if (this.#locals.size === 0) return;
    for (const [offset, local] of this.#locals) this.body.set(local, i32.load(nowhere, this.cpu + offset));
  }

  /** Stores those that may have been written. */
  store(): void {
    if (this.#locals.size === 0) return;
    for (const offset of WRITTEN) {
      this.body.emit(i32.store(nowhere, this.#locals.get(offset)!.get(), this.cpu + offset));
    }
  }

  /** A field of the CPU block. */
  read(offset: number): Value {
    return this.#locals.get(offset)?.get() ?? i32.load(nowhere, this.cpu + offset);
  }

  /** Writes a field. */
  write(offset: number, value: Value): void {
    const local = this.#locals.get(offset);
    if (local) this.body.set(local, value);
    else this.body.emit(i32.store(nowhere, value, this.cpu + offset));
  }
}
