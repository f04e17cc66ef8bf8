/**
 * The decoded code of one physical page in one mode: runs of records, and who leads to them.
 *
 * @module
 */
import { goesOn } from "./interpreter/interpreter.ts";
import { CONTROL_CASE, RECORD } from "./interpreter/record.ts";

/** Bytes of a page's record index: a 32-bit record address for each byte of the page. */
export const INDEX_BYTES = 4096 * 4;

/** Most branches that wait for one target: what more there are look it up each time. */
const MOST_WAITING = 64;

/** Numbers of a run in `#runs`: its bytes (first | end << 13), its first record, and the end of its records. */
const RUN = 3;

/** Records of runs that are gone: the first one and the end, in turns. */
export type Gone = readonly number[];

/** Whether a record is one of those that are gone. */
export function isGone(gone: Gone, record: number): boolean {
  for (let i = 0; i < gone.length; i += 2) if (record >= gone[i]! && record < gone[i + 1]!) return true;
  return false;
}

/** Decoded code of one physical page in one mode (MODE bits: the same bytes decode differently). */
export class CodePage {
  /** Branch records that wait for their target to be decoded, by target offset. */
  readonly #waiting = new Map<number, number[]>();
  readonly #runs: number[] = [];

  /**
   * @param page Physical page number.
   * @param mode MODE bits that the records assume.
   * @param index Address of the record index.
   * @param variant Whose code it is: 0, or that of one linear page with breakpoints.
   */
  constructor(readonly page: number, readonly mode: number, readonly index: number, readonly variant: number = 0) {}

  /** Notes a run: bytes `from` to `end`, which may lie in the next page, and its records. */
  add(from: number, end: number, first: number, last: number): void {
    this.#runs.push(from | (end << 13), first, last);
  }

  /** Makes a branch go on with its target once that is decoded. */
  wait(target: number, branch: number): void {
    const waiting = this.#waiting.get(target);
    if (waiting === undefined) this.#waiting.set(target, [branch]);
    else if (waiting.length < MOST_WAITING) waiting.push(branch);
  }

  /** Whether a branch waits for the code at an offset. */
  awaits(offset: number): boolean {
    return this.#waiting.has(offset);
  }

  /** Enters a block's record into the index, and into the branches that wait for it. */
  register(words: Int32Array, offset: number, record: number): void {
    words[(this.index >> 2) + offset] = record;
    const waiting = this.#waiting.get(offset);
    if (waiting === undefined) return;
    for (const branch of waiting) words[(branch + RECORD.IMMEDIATE) >> 2] = record;
    this.#waiting.delete(offset);
  }

  /** Forgets everything. */
  clear(words: Int32Array): void {
    words.fill(0, this.index >> 2, (this.index + INDEX_BYTES) >> 2);
    this.#waiting.clear();
    this.#runs.length = 0;
  }

  /** Takes out the runs that cover any of the bytes `from` to `to`: nothing leads to their records any more. */
  drop(words: Int32Array, from: number, to: number): Gone {
    const runs = this.#runs, gone: number[] = [];
    let kept = 0;
    for (let i = 0; i < runs.length; i += RUN) {
      const bounds = runs[i]!, first = runs[i + 1]!, last = runs[i + 2]!;
      const start = bounds & 0x1fff, end = bounds >>> 13;
      if (start < to && end > from) {
        gone.push(first, last);
        for (let at = first; at < last; at += RECORD.SIZE) {
          const entry = (this.index >> 2) + (words[at >> 2]! >>> 16);
          if (words[entry] === at) words[entry] = 0;
        }
        continue;
      }
      runs[kept] = bounds;
      runs[kept + 1] = first;
      runs[kept + 2] = last;
      kept += RUN;
    }
    if (gone.length === 0) return gone;
    runs.length = kept;
    this.#unlink(words, gone);
    for (const [target, waiting] of this.#waiting) {
      const left = waiting.filter((branch) => !isGone(gone, branch));
      if (left.length === 0) this.#waiting.delete(target);
      else if (left.length < waiting.length) this.#waiting.set(target, left);
    }
    return gone;
  }

  /** What led to records that are gone looks up where to go on. */
  #unlink(words: Int32Array, gone: Gone): void {
    const runs = this.#runs;
    for (let i = 0; i < runs.length; i += RUN) {
      const last = runs[i + 2]!;
      for (let at = runs[i + 1]!; at < last; at += RECORD.SIZE) {
        const header = words[at >> 2]!, number = header & 0xffff;
        const joins = number === CONTROL_CASE.BREAK;
        if (!joins && !goesOn(number)) continue;
        const target = words[(at + RECORD.IMMEDIATE) >> 2]!;
        if (target === 0 || !isGone(gone, target)) continue;
        words[(at + RECORD.IMMEDIATE) >> 2] = 0;
        if (joins) words[at >> 2] = CONTROL_CASE.LOOKUP | (header & ~0xffff);
        else this.wait(words[(at + RECORD.DISPLACEMENT) >> 2]!, at);
      }
    }
  }
}
