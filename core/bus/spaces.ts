/**
 * The address spaces of devices: I/O ports, and the guest-physical addresses that devices answer.
 *
 * An access that a slot takes as it is costs two table look-ups and a call. Every other access - unaligned, split over
 * registers, wider or narrower than one - is composed here, from the lowest byte up, as a bus does.
 *
 * @module
 */

import type { Width } from "./claims.ts";
import { BulkheadError } from "./error.ts";
import type { RegionMap, Slot } from "./registers.ts";

/** What both spaces share: composed and block accesses. */
export abstract class AddressSpace {
  /** Bytes read where nobody answers. */
  unclaimedReads = 0;
  /** Bytes written where nobody answers. */
  unclaimedWrites = 0;
  /** Regions that are mapped, in the order of their mapping. */
  protected readonly regions: RegionMap[] = [];

  /** Widths that the slot at `address` takes directly, as a mask. */
  protected abstract directAt(address: number): number;
  /** The slot that covers the byte at `address`. */
  protected abstract slotAt(address: number): Slot | null;
  /** Brings the look-up tables up to date for `size` bytes from `base`. */
  protected abstract refresh(base: number, size: number): void;
  /** How addresses of this space are written in a sentence. */
  protected abstract describe(base: number, size: number): string;

  /** Device and register that answer at an address, for people. */
  nameAt(address: number): string | undefined {
    const slot = this.slotAt(address);
    return slot === null ? undefined : `${slot.region.device} ${slot.name}`;
  }

  /** Reads `size` bytes. Unsigned. */
  read(address: number, size: number): number {
    if ((this.directAt(address) & size) === 0) return this.#composeRead(address, size);
    const slot = this.slotAt(address)!;
    slot.reads++;
    const value = slot.read(address - slot.region.base, size as Width);
    return size === 4 ? value >>> 0 : size === 2 ? value & 0xffff : value & 0xff;
  }

  /** Writes `size` bytes. */
  write(address: number, size: number, value: number): void {
    if ((this.directAt(address) & size) === 0) return this.#composeWrite(address, size, value >>> 0);
    const slot = this.slotAt(address)!;
    slot.writes++;
    slot.write(
      address - slot.region.base,
      size as Width,
      size === 4 ? value >>> 0 : size === 2 ? value & 0xffff : value & 0xff,
    );
  }

  /** Reads items of `size` bytes from one address; returns how many, at least 1. */
  readBlock(address: number, size: number, into: Uint8Array): number {
    const count = into.length / size;
    const slot = this.slotAt(address);
    if (slot?.handler?.readBlock !== undefined && (this.directAt(address) & size) !== 0) {
      const moved = slot.handler.readBlock(address - slot.region.base, size as Width, into);
      slot.reads += moved;
      return Math.max(1, Math.min(count, moved));
    }
    for (let item = 0, at = 0; item < count; item++) {
      let value = this.read(address, size);
      for (let byte = 0; byte < size; byte++, value >>>= 8) into[at++] = value;
    }
    return count;
  }

  /** Writes items of `size` bytes to one address; returns how many, at least 1. */
  writeBlock(address: number, size: number, from: Uint8Array): number {
    const count = from.length / size;
    const slot = this.slotAt(address);
    if (slot?.handler?.writeBlock !== undefined && (this.directAt(address) & size) !== 0) {
      const moved = slot.handler.writeBlock(address - slot.region.base, size as Width, from);
      slot.writes += moved;
      return Math.max(1, Math.min(count, moved));
    }
    for (let item = 0, at = 0; item < count; item++) {
      let value = 0;
      for (let byte = 0; byte < size; byte++) value |= from[at++]! << byte * 8;
      this.write(address, size, value >>> 0);
    }
    return count;
  }

  /**
   * Maps a region, or moves one that is mapped.
   *
   * @param exclusive Refuse an overlap with another region of the same priority; otherwise the one mapped first answers.
   * @throws {BulkheadError} `address-conflict`.
   */
  map(region: RegionMap, base: number, exclusive: boolean): void {
    this.unmap(region);
    if (exclusive) {
      for (const other of this.regions) {
        if (
          other.priority === region.priority && base < other.base + other.size && other.base < base + region.size
        ) {
          throw new BulkheadError({
            code: "address-conflict",
            subject: `device "${region.device}"`,
            where: `region "${region.name}"`,
            expected: `${this.describe(base, region.size)} to be free`,
            found: `device "${other.device}" with its region "${other.name}" there`,
            remedy: "place one of them elsewhere, or give them different priorities",
          });
        }
      }
    }
    region.base = base;
    this.regions.push(region);
    this.refresh(base, region.size);
  }

  /** Takes a region out of the space. */
  unmap(region: RegionMap): void {
    const index = this.regions.indexOf(region);
    if (index < 0) return;
    this.regions.splice(index, 1);
    const { base } = region;
    region.base = -1;
    this.refresh(base, region.size);
  }

  /** Takes all of a device's regions out of the space. */
  forget(device: string): void {
    for (const region of this.regions.filter((region) => region.device === device)) this.unmap(region);
  }

  /** Brings the look-up tables up to date after a region's contents changed. */
  refilled(region: RegionMap): void {
    if (region.base >= 0) this.refresh(region.base, region.size);
  }

  /** The region that answers at `address`: the highest priority, then the first mapped. */
  protected topRegion(address: number): RegionMap | null {
    let top: RegionMap | null = null;
    for (const region of this.regions) {
      if (address < region.base || address >= region.base + region.size) continue;
      if (top === null || region.priority > top.priority) top = region;
    }
    return top;
  }

  #composeRead(address: number, size: number): number {
    let value = 0;
    for (let done = 0; done < size;) {
      const at = address + done;
      const slot = this.slotAt(at);
      if (slot === null) {
        this.unclaimedReads++;
        value += 0xff * 2 ** (done * 8);
        done++;
        continue;
      }
      const offset = at - slot.region.base;
      const direct = this.#widest(this.directAt(at), size - done);
      slot.reads++;
      if (direct !== 0) {
        value += (slot.read(offset, direct as Width) >>> 0) % 2 ** (direct * 8) * 2 ** (done * 8);
        done += direct;
        continue;
      }
      const start = slot.unitStart(offset);
      const lane = offset - start;
      const count = Math.min(slot.width - lane, size - done);
      const whole = slot.read(start, slot.width) >>> 0;
      value += (whole >>> lane * 8) % 2 ** (count * 8) * 2 ** (done * 8);
      done += count;
    }
    return value;
  }

  #composeWrite(address: number, size: number, value: number): void {
    for (let done = 0; done < size;) {
      const at = address + done;
      const slot = this.slotAt(at);
      if (slot === null) {
        this.unclaimedWrites++;
        done++;
        continue;
      }
      const offset = at - slot.region.base;
      const direct = this.#widest(this.directAt(at), size - done);
      slot.writes++;
      const rest = value >>> done * 8;
      if (direct !== 0) {
        slot.write(offset, direct as Width, rest % 2 ** (direct * 8));
        done += direct;
        continue;
      }
      const start = slot.unitStart(offset);
      const lane = offset - start;
      const count = Math.min(slot.width - lane, size - done);
      const mask = (2 ** (count * 8) - 1) * 2 ** (lane * 8);
      const written = rest % 2 ** (count * 8) * 2 ** (lane * 8);
      const kept = slot.merges ? slot.read(start, slot.width) & ~mask : 0;
      slot.write(start, slot.width, (kept | written) >>> 0);
      done += count;
    }
  }

  #widest(direct: number, room: number): number {
    return (direct & 4) !== 0 && room >= 4 ? 4 : (direct & 2) !== 0 && room >= 2 ? 2 : direct & 1;
  }
}

const PORTS = 0x10000;

/** The 64 K I/O ports: flat tables. An access that runs over the last port meets nobody there. */
export class PortSpace extends AddressSpace {
  readonly #direct = new Uint8Array(PORTS + 4);
  readonly #slots = new Array<Slot | null>(PORTS + 4).fill(null);

  protected override directAt(port: number): number {
    return this.#direct[port]!;
  }

  protected override slotAt(port: number): Slot | null {
    return this.#slots[port]!;
  }

  protected override refresh(base: number, size: number): void {
    // From 3 below: a wide access there may reach into what changed.
    for (let port = Math.max(0, base - 3); port < base + size; port++) {
      const region = this.topRegion(port);
      const slot = region?.slotAt(port - region.base) ?? null;
      this.#slots[port] = slot;
      this.#direct[port] = 0;
      if (slot === null) continue;
      for (const width of [1, 2, 4]) {
        if ((region!.directAt(port - region!.base) & width) === 0) continue;
        let whole = port + width <= PORTS;
        for (let byte = port; whole && byte < port + width; byte++) whole = this.topRegion(byte) === region;
        if (whole) this.#direct[port]! |= width;
      }
    }
  }

  protected override describe(base: number, size: number): string {
    const last = base + size - 1;
    return size === 1 ? `port ${base.toString(16)}h` : `ports ${base.toString(16)}h to ${last.toString(16)}h`;
  }
}

/** Guest-physical addresses that devices answer: disjoint ranges, found by bisection and remembered. */
export class MmioSpace extends AddressSpace {
  #starts: number[] = [];
  #ends: number[] = [];
  #owners: RegionMap[] = [];
  #last = 0;
  /** Raised whenever a range appears, moves or goes, for those who keep what they found. */
  generation = 0;

  /** The range of one region around `address`, or undefined where nobody answers. */
  rangeAt(address: number): { start: number; end: number } | undefined {
    const index = this.#find(address);
    return index < 0 ? undefined : { start: this.#starts[index]!, end: this.#ends[index]! };
  }

  protected override directAt(address: number): number {
    const index = this.#find(address);
    if (index < 0) return 0;
    const owner = this.#owners[index]!;
    const direct = owner.directAt(address - owner.base);
    const room = this.#ends[index]! - address;
    return room >= 4 ? direct : room >= 2 ? direct & 3 : direct & 1;
  }

  protected override slotAt(address: number): Slot | null {
    const index = this.#find(address);
    if (index < 0) return null;
    const owner = this.#owners[index]!;
    return owner.slotAt(address - owner.base);
  }

  protected override refresh(): void {
    const edges = new Set<number>();
    for (const { base, size } of this.regions) edges.add(base).add(base + size);
    const sorted = [...edges].sort((a, b) => a - b);
    this.#starts = [];
    this.#ends = [];
    this.#owners = [];
    this.#last = 0;
    this.generation++;
    for (let index = 0; index + 1 < sorted.length; index++) {
      const owner = this.topRegion(sorted[index]!);
      if (owner === null) continue;
      const previous = this.#owners.length - 1;
      if (this.#owners[previous] === owner && this.#ends[previous] === sorted[index]) {
        this.#ends[previous] = sorted[index + 1]!;
        continue;
      }
      this.#starts.push(sorted[index]!);
      this.#ends.push(sorted[index + 1]!);
      this.#owners.push(owner);
    }
  }

  protected override describe(base: number, size: number): string {
    return `addresses ${base.toString(16)}h to ${(base + size - 1).toString(16)}h`;
  }

  #find(address: number): number {
    const last = this.#last;
    if (address >= this.#starts[last]! && address < this.#ends[last]!) return last;
    let low = 0;
    let high = this.#starts.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (address < this.#starts[middle]!) high = middle - 1;
      else if (address >= this.#ends[middle]!) low = middle + 1;
      else return this.#last = middle;
    }
    return -1;
  }
}
