/**
 * Random choices that are the same in every run.
 *
 * @module
 */

/** A reproducible source (xorshift, Marsaglia 2003). */
export class RandomSource {
  #state: number;

  /** Begins a sequence. */
  constructor(seed: number) {
    this.#state = Math.imul(seed | 0, 0x9e3779b1) | 0 || 1;
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return Math.floor((this.#state >>> 0) / 2 ** 32 * bound);
  }

  /** One of a list. */
  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** A 32-bit value in which few bits, all bits and round numbers are as likely as any. */
  word(): number {
    switch (this.below(5)) {
      case 0:
        return 1 << this.below(32) >>> 0;
      case 1:
        return this.one([0, 1, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]);
      case 2:
        return this.below(16);
      default:
        return this.below(2 ** 32) >>> this.below(32);
    }
  }

  /** Random bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}
