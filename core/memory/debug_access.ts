/**
 * Guest memory for a reader outside of the machine: linear addresses through the current page tables, without any trace in the guest. No
 * accessed or dirty bit is set, nothing faults, and no device is read.
 *
 * @module
 */
import type { GuestMemory } from "./guest_memory.ts";
import { PAGE } from "./layout.ts";
import { PAGE_FLAG } from "./physical.ts";

/** Reads and writes a CPU's memory between two of its instructions. */
export class DebugAccess {
  /** @param memory The CPU's memory. */
  constructor(readonly memory: GuestMemory) {}

  /** The bytes at a linear address, up to the first page that has no memory. */
  read(linear: number, length: number): Uint8Array {
    return this.#read(length, linear, (address) => this.#translate(address));
  }

  /** The bytes at a physical address, up to the first page that has no memory. */
  readPhysical(physical: number, length: number): Uint8Array {
    return this.#read(length, physical, (address) => address);
  }

  /** Writes to memory, as a device would: decoded code is thrown away. Returns false, with nothing written, where any byte has none. */
  write(linear: number, bytes: Uint8Array): boolean {
    const { physical } = this.memory;
    const pieces: [address: number, from: number, to: number][] = [];
    for (let done = 0; done < bytes.length;) {
      const address = (linear + done) >>> 0;
      const to = Math.min(bytes.length, done + PAGE - (address & (PAGE - 1)));
      const at = this.#translate(address);
      if (at < 0 || (physical.lookup(Math.floor(at / PAGE)) & PAGE_FLAG.WRITABLE) === 0) return false;
      pieces.push([at, done, to]);
      done = to;
    }
    for (const [address, from, to] of pieces) physical.write(address, bytes.subarray(from, to));
    return true;
  }

  #read(length: number, start: number, translate: (address: number) => number): Uint8Array {
    const { physical } = this.memory;
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const address = (start + done) >>> 0;
      const count = Math.min(length - done, PAGE - (address & (PAGE - 1)));
      const at = translate(address);
      if (at < 0 || physical.lookup(Math.floor(at / PAGE)) === 0) break;
      physical.read(at, bytes.subarray(done, done + count));
      done += count;
    }
    return bytes.subarray(0, done);
  }

  /** Physical address of a byte, or -1: not mapped, or above what can be memory. */
  #translate(linear: number): number {
    const { walker } = this.memory;
    return walker.look(linear) && walker.physical < 2 ** 32 ? walker.physical : -1;
  }
}
