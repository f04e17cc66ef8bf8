/**
 * Execution breakpoints by linear address.
 *
 * A linear page with breakpoints has decoded code of its own, whose index is empty at their addresses: emitted code comes out there to
 * have the instruction decoded, and the run loop of the CPU sees where it is. Without breakpoints nothing is different, and nothing is
 * slower.
 *
 * @module
 */

/** The breakpoints of one virtual CPU. */
export class Breakpoints {
  readonly #addresses = new Set<number>();
  readonly #pages = new Set<number>();
  /** The breakpoint whose instruction may run: the debugger has seen it. -1: none. */
  #passing = -1;

  /** Whether there is any. */
  get any(): boolean {
    return this.#addresses.size !== 0;
  }

  /** Replaces the set. @returns Whether it is another one. */
  replace(addresses: readonly number[]): boolean {
    const wanted = new Set(addresses.map((address) => address >>> 0));
    if (wanted.size === this.#addresses.size && wanted.isSubsetOf(this.#addresses)) return false;
    this.#addresses.clear();
    this.#pages.clear();
    for (const address of wanted) {
      this.#addresses.add(address);
      this.#pages.add(address >>> 12);
    }
    return true;
  }

  /** Whether there is one at a linear address. */
  at(linear: number): boolean {
    return this.#addresses.has(linear);
  }

  /** Which decoded code a linear address runs from: 0 the common one, else that of its page alone. */
  variant(linear: number): number {
    const page = linear >>> 12;
    return this.#pages.has(page) ? page + 1 : 0;
  }

  /** Whether the CPU must stop before the instruction at a linear address. */
  stopsAt(linear: number): boolean {
    return linear !== this.#passing && this.#addresses.has(linear);
  }

  /** Lets the instruction at a linear address run, once. */
  pass(linear: number): void {
    this.#passing = linear;
  }

  /**
   * Instructions have run. `linear` is where the CPU stands, and `suspended` tells that the instruction there is a repeated string which
   * goes on.
   */
  passed(linear: number, suspended: boolean): void {
    if (!suspended || linear !== this.#passing) this.#passing = -1;
  }
}
