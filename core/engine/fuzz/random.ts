/**
 * Numbers that look random and are the same in every run.
 *
 * @module
 */

/** Values at which arithmetic changes its mind. */
const EDGES = [
  0,
  1,
  2,
  3,
  7,
  8,
  0xf,
  0x10,
  0x1f,
  0x20,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xffff,
  0x1_0000,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
];

/** A sequence that its seed decides (xorshift128, Marsaglia 2003). */
export class Random {
  readonly #words = new Uint32Array(4);

  constructor(seed: number) {
    // Neighbouring seeds shall have nothing in common (the finaliser of MurmurHash3).
    let state = (seed + 0x9e37_79b9) >>> 0;
    for (let i = 0; i < 4; i++) {
      state = (state + 0x9e37_79b9) >>> 0;
      let word = state ^ (state >>> 16);
      word = Math.imul(word, 0x85eb_ca6b);
      word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
      this.#words[i] = (word ^ (word >>> 16)) | 1;
    }
  }

  /** 32 random bits, unsigned. */
  next(): number {
    const words = this.#words;
    const first = words[0]! ^ (words[0]! << 11), last = words[3]!;
    words[0] = words[1]!;
    words[1] = words[2]!;
    words[2] = last;
    words[3] = last ^ (last >>> 19) ^ first ^ (first >>> 8);
    return words[3]!;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.next() / 0x1_0000_0000 * limit);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in `percent` of a hundred. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** One of a list by weight. */
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.below(list.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of list) if ((at -= weight) < 0) return value;
    throw new Error("a list without weight");
  }

  /** 32 bits that are likely to matter to arithmetic. */
  value(): number {
    return this.chance(60) ? this.pick(EDGES) : this.next();
  }
}
