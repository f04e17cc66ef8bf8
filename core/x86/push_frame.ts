/**
 * Several pushes as one: an interrupt's or a call gate's stack frame, checked whole before any of it is written.
 *
 * @module
 */
import { GuestFault } from "./fault.ts";
import type { LinearMemory } from "../memory/linear.ts";
import { VECTOR } from "./registers.ts";
import { ATTRIBUTE } from "./descriptor.ts";

/** The pushes of one transfer. A CPU owns one and uses it again for every transfer, so that none allocates. */
export class PushFrame {
  #base = 0;
  #limit = 0;
  #expandDown = false;
  #mask = 0;
  #pointer = 0;
  #user = false;
  #size = 4;
  #count = 0;
  /** The longest frame: an interrupt out of virtual-8086 mode pushes 10 items, a call gate 4 and 31 parameters. */
  readonly #values: Uint32Array = new Uint32Array(40);

  /**
   * Starts a frame.
   * @param base Linear address of the stack segment.
   * @param limit Its effective limit.
   * @param attributes Its attributes (see `SEGMENT.ATTRIBUTES`).
   * @param pointer ESP before the pushes.
   * @param size Bytes of an item, 2 or 4.
   * @param user Whether the pushes have user privilege.
   */
  begin(base: number, limit: number, attributes: number, pointer: number, size: number, user: boolean): void {
    this.#base = base;
    this.#limit = limit;
    this.#expandDown = (attributes & (ATTRIBUTE.CODE | ATTRIBUTE.EXPAND_DOWN)) === ATTRIBUTE.EXPAND_DOWN;
    this.#mask = (attributes & ATTRIBUTE.BIG) !== 0 ? 0xffff_ffff : 0xffff;
    this.#pointer = pointer;
    this.#size = size;
    this.#user = user;
    this.#count = 0;
  }

  /** Adds an item; the first added is the one at the highest address. */
  add(value: number): void {
    this.#values[this.#count++] = value;
  }

  /** ESP after the pushes; with a 16-bit stack its upper half is unchanged. */
  get pointer(): number {
    const low = (this.#pointer - this.#count * this.#size) & this.#mask;
    return ((this.#pointer & ~this.#mask) | low) >>> 0;
  }

  /** Throws #SS with `error` unless the segment has room for the frame. */
  checkLimit(error: number): void {
    const total = this.#count * this.#size;
    const start = ((this.#pointer - total) & this.#mask) >>> 0;
    if (this.#contiguous(start, total)) {
      if (!this.#inside(start, total)) throw new GuestFault(VECTOR.SS, error);
      return;
    }
    for (let i = 1; i <= this.#count; i++) {
      const offset = ((this.#pointer - i * this.#size) & this.#mask) >>> 0;
      if (!this.#inside(offset, this.#size)) throw new GuestFault(VECTOR.SS, error);
    }
  }

  /** Throws #AC with `error` unless the items are aligned; for frames that CPL 3 pushes under alignment checking. */
  checkAlignment(error: number): void {
    if ((((this.#base + this.#pointer) & (this.#size - 1)) >>> 0) !== 0) throw new GuestFault(VECTOR.AC, error);
  }

  /** Throws #PF unless every page of the frame can be written. The first item pushed is the first to fault. */
  probe(memory: LinearMemory): void {
    const total = this.#count * this.#size;
    const start = ((this.#pointer - total) & this.#mask) >>> 0;
    const first = (this.#base + start) >>> 0, last = (first + total - 1) >>> 0;
    if (this.#contiguous(start, total) && first >>> 12 === last >>> 12) {
      memory.probeWrite((last - this.#size + 1) >>> 0, this.#size, this.#user);
      return;
    }
    for (let i = 1; i <= this.#count; i++) {
      const offset = ((this.#pointer - i * this.#size) & this.#mask) >>> 0;
      memory.probeWrite((this.#base + offset) >>> 0, this.#size, this.#user);
    }
  }

  /** Writes the frame; cannot fault after `checkLimit` and `probe`. */
  write(memory: LinearMemory): void {
    for (let i = 0; i < this.#count; i++) {
      const offset = ((this.#pointer - (i + 1) * this.#size) & this.#mask) >>> 0;
      const linear = (this.#base + offset) >>> 0;
      if (this.#size === 4) memory.write32(linear, this.#values[i]!, this.#user);
      else memory.write16(linear, this.#values[i]! & 0xffff, this.#user);
    }
  }

  #contiguous(start: number, total: number): boolean {
    return start + total - 1 <= this.#mask;
  }

  #inside(offset: number, size: number): boolean {
    // Intel SDM volume 3, 5.3: an expand-down segment's valid offsets are above its limit.
    if (this.#expandDown) return offset > this.#limit && offset + size - 1 <= this.#mask;
    return offset + size - 1 <= this.#limit;
  }
}
