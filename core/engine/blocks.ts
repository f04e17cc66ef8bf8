/**
 * Arithmetic on decoded blocks: the last record of a block holds its instruction count, and everything else follows from there.
 *
 * @module
 */
import { goesOn, type Interpreter } from "./interpreter/interpreter.ts";
import { CONTROL_CASE, RECORD } from "./interpreter/record.ts";

/** The blocks of one virtual CPU's decoded code. */
export class Blocks {
  readonly #words: Int32Array;
  readonly #interpreter: Interpreter;
  /** Addresses of words that `leaveOnceAfter` changed, each followed by what was there. */
  readonly #changed: number[] = [];

  /** @param words The machine's memory. */
  constructor(words: Int32Array, interpreter: Interpreter) {
    this.#words = words;
    this.#interpreter = interpreter;
  }

  /** Instructions from a record to the end of its block. */
  length(record: number): number {
    const words = this.#words;
    let length = 0;
    for (let at = record;; at += RECORD.SIZE) {
      const number = words[at >> 2]! & 0xffff;
      if (number === CONTROL_CASE.STRADDLE) continue;
      if (number < CONTROL_CASE.COUNT) return length;
      length++;
      if (this.#interpreter.ends(number)) return length;
    }
  }

  /** How many instructions of its block stand before a record. */
  position(record: number): number {
    const words = this.#words;
    let rest = 0;
    for (let at = record;; at += RECORD.SIZE) {
      const number = words[at >> 2]! & 0xffff;
      const count = words[(at + RECORD.A) >> 2]! & 0xff;
      switch (number) {
        case CONTROL_CASE.STRADDLE:
          continue;
        case CONTROL_CASE.STOP:
          return 0;
        case CONTROL_CASE.LOOKUP:
        case CONTROL_CASE.BREAK:
          return count - rest;
      }
      rest++;
      if (this.#interpreter.ends(number)) return count - rest;
    }
  }

  /** Makes the running block end after a record's instruction, with a look-up of what follows: its page's code is stale. */
  leaveAfter(record: number): void {
    const words = this.#words;
    const number = words[record >> 2]! & 0xffff;
    const following = record + RECORD.SIZE;
    if (this.#interpreter.ends(number)) {
      if (goesOn(number)) words[(record + RECORD.IMMEDIATE) >> 2] = 0;
      this.#divert(following, 0);
    } else this.#divert(following, this.position(record) + 1);
  }

  /** The same for this one time: `restore` undoes it. The look-up must fail, so that emitted code leaves. */
  leaveOnceAfter(record: number): void {
    const words = this.#words;
    const following = record + RECORD.SIZE;
    for (const at of [record + RECORD.IMMEDIATE, following, following + RECORD.A]) {
      this.#changed.push(at >> 2, words[at >> 2]!);
    }
    this.leaveAfter(record);
  }

  /** Puts back what `leaveOnceAfter` changed. */
  restore(): void {
    const changed = this.#changed;
    // In reverse: what was changed twice gets its first value.
    while (changed.length > 0) {
      const value = changed.pop()!;
      this.#words[changed.pop()!] = value;
    }
  }

  /** Turns a record into a look-up of its own EIP, with the count of the instructions before it. */
  #divert(record: number, count: number): void {
    const words = this.#words;
    if ((words[record >> 2]! & 0xffff) === CONTROL_CASE.STOP) return;
    words[record >> 2] = CONTROL_CASE.LOOKUP | (words[record >> 2]! & ~0xffff);
    words[(record + RECORD.A) >> 2] = count;
  }
}
