/**
 * Watchpoints: ranges of linear addresses whose reads or writes a debugger wants to see.
 *
 * Pages that are watched get no TLB entry for the accesses in question, so that these take the slow path, which asks here. Emitted code's
 * accesses are refused at first, before their instruction has committed anything; the engine carries that instruction out again by
 * itself, and stops after it.
 *
 * @module
 */
import { PAGE } from "./layout.ts";

/** A watched range of linear addresses. */
export interface Watchpoint {
  /** Linear address of its first byte. */
  readonly address: number;
  /** Bytes, at least 1. */
  readonly length: number;
  /** Which accesses are seen. */
  readonly kind: "write" | "read" | "access";
}

/** The vector with which a refused access leaves emitted code: none of the architecture's. */
export const REFUSED = 256;

/** Entries that a watched page must not have. */
export const WITHHELD = { WRITE: 1, BOTH: 3 } as const;

/** The watchpoints of one virtual CPU. */
export class Watchpoints {
  /** The watchpoint that was met by an access, until the engine takes notice. */
  hit: Watchpoint | undefined;
  /** Whether accesses of emitted code are refused: not while an instruction is carried out again. */
  refusing = true;
  readonly #pages = new Map<number, number>();

  /** @param points The ranges. They do not wrap around the end of the address space. */
  constructor(readonly points: readonly Watchpoint[]) {
    for (const { address, length, kind } of points) {
      const withheld = kind === "write" ? WITHHELD.WRITE : WITHHELD.BOTH;
      const last = Math.floor((address + length - 1) / PAGE);
      for (let page = Math.floor(address / PAGE); page <= last; page++) {
        this.#pages.set(page, (this.#pages.get(page) ?? 0) | withheld);
      }
    }
  }

  /** WITHHELD bits of a linear page (`linear >>> 12`), or 0. */
  withheld(page: number): number {
    return this.#pages.get(page) ?? 0;
  }

  /** Whether an access of emitted code must not be made now. */
  refuses(linear: number, size: number, write: boolean): boolean {
    return this.refusing && this.#find(linear, size, write) !== undefined;
  }

  /** Notes an access that is made. The first one of an instruction counts. */
  note(linear: number, size: number, write: boolean): void {
    this.hit ??= this.#find(linear, size, write);
  }

  #find(linear: number, size: number, write: boolean): Watchpoint | undefined {
    const missed = write ? "read" : "write";
    return this.points.find(({ address, length, kind }) =>
      kind !== missed && linear < address + length && address < linear + size
    );
  }
}
