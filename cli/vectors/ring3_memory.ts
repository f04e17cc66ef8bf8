/**
 * The three pages of a recorded user instruction: as they are before it, and as they must be after it.
 *
 * @module
 */
import type { VectorMachine } from "./machine.ts";
import { type Differences, hex } from "./outcome.ts";
import { bytesOf } from "./real_mode_format.ts";
import type { HexRun } from "./ring3_format.ts";
import { USER_PAGES } from "./ring3_monitor.ts";

const PAGE = 4096;
const INT3 = 0xcc;
/** Where the instruction is, in the first page. */
const CODE_OFFSET = 0x100;

/** Linear address of the instruction. */
export const CODE_ADDRESS = USER_PAGES[0]!.linear + CODE_OFFSET;

/** Most differing bytes that a failure lists. */
const LISTED = 8;

/** The pages' expected contents. */
export class UserMemory {
  readonly #pages: Uint8Array<ArrayBuffer>[] = USER_PAGES.map(() => new Uint8Array(PAGE));

  /** Sets the contents before the instruction, and writes them to the machine. */
  load(machine: VectorMachine, code: Uint8Array, runs: readonly HexRun[]): void {
    this.#pages.forEach((page, i) => page.fill(i === 0 ? INT3 : 0));
    this.#pages[0]!.set(code, CODE_OFFSET);
    this.#apply(runs);
    USER_PAGES.forEach(({ physical }, i) => machine.write(physical, this.#pages[i]!));
  }

  /**
   * Compares the machine's pages with the contents before, changed by `runs`. What an instruction wrote into the page of its own code was
   * not recorded.
   */
  compare(machine: VectorMachine, runs: readonly HexRun[], differences: Differences): void {
    this.#apply(runs);
    let listed = 0;
    for (let i = 1; i < USER_PAGES.length; i++) {
      const { linear, physical } = USER_PAGES[i]!;
      const expected = this.#pages[i]!;
      const found = machine.memory.subarray(physical, physical + PAGE);
      for (let at = 0; at < PAGE; at++) {
        if (found[at] === expected[at] || listed++ >= LISTED) continue;
        differences.compare(`byte at ${hex(linear + at, 8)}`, found[at]!, expected[at]!, 2);
      }
    }
  }

  #apply(runs: readonly HexRun[]): void {
    for (const [address, text] of runs) {
      const start = parseInt(address, 16);
      for (const [i, byte] of bytesOf(text).entries()) {
        const page = USER_PAGES.findIndex(({ linear }) => linear === ((start + i) & ~0xfff) >>> 0);
        if (page >= 0) this.#pages[page]![(start + i) & 0xfff] = byte;
      }
    }
  }
}
