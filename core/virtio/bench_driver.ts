/**
 * A driver for virtio devices on a bench: enough of one to test a device with.
 *
 * @module
 */
import type { Bench } from "../bus/bench.ts";
import type { Needs, Width } from "../bus/claims.ts";
import { COMMAND, HEADER } from "../bus/pci_function.ts";
import {
  AVAILABLE,
  COMMON,
  DESCRIPTOR,
  DESCRIPTOR_FLAG,
  FEATURE,
  FEATURE_WORDS,
  STATUS,
  STRUCTURE,
  USED,
  VENDOR_CAPABILITY,
  WINDOW,
} from "./layout.ts";

/** A chain that the device gave back. */
export interface UsedChain {
  /** How many bytes the device says that it wrote. */
  readonly written: number;
  /** The bytes of the device-writable buffers, all of them. */
  readonly bytes: Uint8Array;
}

/** How a chain is made. */
export interface OfferOptions {
  /** Its descriptors are in a table of their own. */
  readonly indirect?: boolean;
  /** The device is not told. */
  readonly quiet?: boolean;
}

/** Entries of each queue, or fewer where the device has fewer. */
const ENTRIES = 16;
/** Bytes of the buffer that belongs to each descriptor. */
const BUFFER = 1024;
/** Where a queue's parts lie in its piece of guest memory. */
const PART = { DESCRIPTORS: 0, DRIVER: 0x400, DEVICE: 0x800, OWN: 0xc00, INDIRECT: 0xd00, BUFFERS: 0x1000 } as const;
const PIECE = PART.BUFFERS + ENTRIES * BUFFER;
/** The driver's own words in a queue's piece: the used index that it has seen. */
const SEEN = 0;
/** The first queue's piece. */
const FIRST = 0x1000;

/**
 * A driver of the virtio device on a bench. It keeps all that it knows in the guest's memory, so that a new one can go on where another one
 * stopped, on another bench too.
 *
 * @example
 * ```ts
 * import { bench, VirtioDriver } from "../bus/testing.ts";
 * import { device } from "../bus/mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const parrot = device({
 *   id: "acme/parrot",
 *   api: 1,
 *   version: 1,
 *   needs: { virtio: { type: 42, queues: { words: { size: 8, readableBytes: 64 } } } },
 *   state: () => ({}),
 *   wire({ virtio }) {
 *     const words = virtio.queue("words");
 *     return {
 *       virtio: {
 *         queues: {
 *           words({ tag, readable }) {
 *             words.fill(tag, 0, readable);
 *             words.complete(tag, readable.length);
 *           },
 *         },
 *       },
 *     };
 *   },
 * });
 *
 * const driver = new VirtioDriver(bench(parrot));
 * driver.start();
 * driver.offer(0, [Uint8Array.of(1, 2, 3)], [8]);
 * assertEquals(driver.used(0)[0]!.written, 3);
 * ```
 */
export class VirtioDriver {
  readonly #bench: Bench<object, Needs>;
  readonly #memory: DataView;

  /** A driver; the device is left as it is. */
  constructor(bench: AnyBench) {
    this.#bench = bench as Bench<object, Needs>;
    this.#memory = new DataView(this.#bench.memory.buffer);
  }

  /**
   * Resets the device and sets it up with all of its queues.
   *
   * @param features Numbers of the features to accept besides VERSION_1.
   * @returns Whether the device accepted them.
   */
  start(features: readonly number[] = []): boolean {
    this.#bench.configurationWrite(HEADER.COMMAND, COMMAND.MEMORY_SPACE | COMMAND.BUS_MASTER, 2);
    this.status = 0;
    this.status = STATUS.ACKNOWLEDGE | STATUS.DRIVER;
    for (let word = 0; word < FEATURE_WORDS; word++) {
      const bits = [...features, FEATURE.VERSION_1].filter((feature) => feature >> 5 === word);
      this.writeCommon(COMMON.DRIVER_FEATURE_SELECT, word, 4);
      this.writeCommon(COMMON.DRIVER_FEATURE, bits.reduce((mask, bit) => (mask | 1 << (bit & 31)) >>> 0, 0), 4);
    }
    this.status |= STATUS.FEATURES_OK;
    if ((this.status & STATUS.FEATURES_OK) === 0) return false;
    for (let queue = 0; queue < this.readCommon(COMMON.NUM_QUEUES, 2); queue++) this.setUpQueue(queue);
    this.status |= STATUS.DRIVER_OK;
    return true;
  }

  /** Device status. */
  get status(): number {
    return this.readCommon(COMMON.DEVICE_STATUS, 1);
  }

  set status(value: number) {
    this.writeCommon(COMMON.DEVICE_STATUS, value, 1);
  }

  /** Whether the device says that it needs a reset. */
  get needsReset(): boolean {
    return (this.status & STATUS.DEVICE_NEEDS_RESET) !== 0;
  }

  /** Whether the device offers a feature. */
  offers(feature: number): boolean {
    this.writeCommon(COMMON.DEVICE_FEATURE_SELECT, feature >> 5, 4);
    return (this.readCommon(COMMON.DEVICE_FEATURE, 4) >>> (feature & 31) & 1) !== 0;
  }

  /** Reads ISR status, which clears it. */
  isr(): number {
    return this.#bench.memoryRead(this.#structure(STRUCTURE.ISR).address);
  }

  /** Reads the device's configuration structure. */
  configuration(offset: number, width: Width): number {
    return this.#bench.memoryRead(this.#structure(STRUCTURE.DEVICE).address + offset, width);
  }

  /** Reads a field of the common configuration. */
  readCommon(field: number, width: Width): number {
    return this.#bench.memoryRead(this.#structure(STRUCTURE.COMMON).address + field, width);
  }

  /** Writes a field of the common configuration. */
  writeCommon(field: number, value: number, width: Width): void {
    this.#bench.memoryWrite(this.#structure(STRUCTURE.COMMON).address + field, value, width);
  }

  /** Gives a queue its empty rings and enables it. */
  setUpQueue(queue: number): void {
    const piece = this.place(queue);
    this.#bench.memory.fill(0, piece, piece + PART.BUFFERS);
    this.writeCommon(COMMON.QUEUE_SELECT, queue, 2);
    this.writeCommon(COMMON.QUEUE_SIZE, Math.min(ENTRIES, this.readCommon(COMMON.QUEUE_SIZE, 2)), 2);
    const areas = [[COMMON.QUEUE_DESC, PART.DESCRIPTORS], [COMMON.QUEUE_DRIVER, PART.DRIVER], [
      COMMON.QUEUE_DEVICE,
      PART.DEVICE,
    ]] as const;
    for (const [field, part] of areas) {
      this.writeCommon(field, piece + part, 4);
      this.writeCommon(field + 4, 0, 4);
    }
    this.writeCommon(COMMON.QUEUE_ENABLE, 1, 2);
  }

  /**
   * Makes a chain available and tells the device. At most 16 buffers are in use at a time, of 1024 bytes at most.
   *
   * @param readable The device-readable buffers' bytes.
   * @param writable The device-writable buffers' lengths.
   */
  offer(queue: number, readable: readonly Uint8Array[], writable: readonly number[], options: OfferOptions = {}): void {
    const memory = this.#memory, piece = this.place(queue), size = this.#size(queue);
    const index = memory.getUint16(piece + PART.DRIVER + AVAILABLE.INDEX, true);
    const buffers = [...readable.map(({ length }) => length), ...writable];
    const head = this.#freeDescriptors(queue, options.indirect ? 1 : buffers.length);
    const table = options.indirect ? piece + PART.INDIRECT : piece + PART.DESCRIPTORS;
    buffers.forEach((length, at) => {
      const place = options.indirect ? at : (head + at) % size;
      const address = piece + PART.BUFFERS + BUFFER * ((head + at) % size);
      const written = readable[at];
      if (written !== undefined) this.#bench.memory.set(written, address);
      else this.#bench.memory.fill(0, address, address + length);
      const more = at + 1 < buffers.length;
      this.describe(table, place, {
        address,
        length,
        flags: (written === undefined ? DESCRIPTOR_FLAG.WRITE : 0) | (more ? DESCRIPTOR_FLAG.NEXT : 0),
        next: options.indirect ? at + 1 : (head + at + 1) % size,
      });
    });
    if (options.indirect) {
      const length = DESCRIPTOR.BYTES * buffers.length;
      this.describe(piece + PART.DESCRIPTORS, head, {
        address: table,
        length,
        flags: DESCRIPTOR_FLAG.INDIRECT,
        next: 0,
      });
    }
    memory.setUint16(piece + PART.DRIVER + AVAILABLE.RING + AVAILABLE.ENTRY_BYTES * (index % size), head, true);
    memory.setUint16(piece + PART.DRIVER + AVAILABLE.INDEX, index + 1, true);
    if (options.quiet !== true) this.notify(queue);
  }

  /** Tells the device that a queue has something. */
  notify(queue: number): void {
    const { address, capability } = this.#structure(STRUCTURE.NOTIFY);
    const multiplier = this.#bench.configurationRead(capability + WINDOW.DATA, 4);
    this.writeCommon(COMMON.QUEUE_SELECT, queue, 2);
    this.#bench.memoryWrite(address + multiplier * this.readCommon(COMMON.QUEUE_NOTIFY_OFF, 2), queue, 2);
  }

  /** Chains that the device gave back since the last call. */
  used(queue: number): UsedChain[] {
    const memory = this.#memory, piece = this.place(queue), size = this.#size(queue), chains: UsedChain[] = [];
    const now = memory.getUint16(piece + PART.DEVICE + USED.INDEX, true);
    let seen = memory.getUint16(piece + PART.OWN + SEEN, true);
    for (; seen !== now; seen = seen + 1 & 0xffff) {
      const element = piece + PART.DEVICE + USED.RING + USED.ENTRY_BYTES * (seen % size);
      const bytes = this.#writable(queue, memory.getUint32(element, true));
      chains.push({ written: memory.getUint32(element + 4, true), bytes });
    }
    memory.setUint16(piece + PART.OWN + SEEN, now, true);
    return chains;
  }

  /** Where a queue's piece of guest memory begins: its descriptors, the driver area 400h and the device area 800h behind them. */
  place(queue: number): number {
    return FIRST + PIECE * queue;
  }

  /** Writes a descriptor of a table. */
  describe(
    table: number,
    index: number,
    fields: { address: number; length: number; flags: number; next: number },
  ): void {
    const at = table + DESCRIPTOR.BYTES * index, memory = this.#memory;
    memory.setUint32(at + DESCRIPTOR.ADDRESS, fields.address % 2 ** 32, true);
    memory.setUint32(at + DESCRIPTOR.ADDRESS + 4, Math.floor(fields.address / 2 ** 32), true);
    memory.setUint32(at + DESCRIPTOR.LENGTH, fields.length, true);
    memory.setUint16(at + DESCRIPTOR.FLAGS, fields.flags, true);
    memory.setUint16(at + DESCRIPTOR.NEXT, fields.next, true);
  }

  #size(queue: number): number {
    this.writeCommon(COMMON.QUEUE_SELECT, queue, 2);
    return this.readCommon(COMMON.QUEUE_SIZE, 2);
  }

  /** The next descriptors in turn: those before are given back by then. */
  #freeDescriptors(queue: number, count: number): number {
    const at = this.place(queue) + PART.OWN + 2, head = this.#memory.getUint16(at, true);
    this.#memory.setUint16(at, (head + count) % this.#size(queue), true);
    return head;
  }

  #writable(queue: number, head: number): Uint8Array {
    const memory = this.#memory, bytes: number[] = [];
    let at = this.place(queue) + PART.DESCRIPTORS + DESCRIPTOR.BYTES * head;
    let table = this.place(queue) + PART.DESCRIPTORS;
    for (let steps = 0; steps < 2 * ENTRIES; steps++) {
      const address = memory.getUint32(at + DESCRIPTOR.ADDRESS, true),
        length = memory.getUint32(at + DESCRIPTOR.LENGTH, true);
      const flags = memory.getUint16(at + DESCRIPTOR.FLAGS, true);
      if ((flags & DESCRIPTOR_FLAG.INDIRECT) !== 0) {
        table = at = address;
        continue;
      }
      if ((flags & DESCRIPTOR_FLAG.WRITE) !== 0) bytes.push(...this.#bench.memory.subarray(address, address + length));
      if ((flags & DESCRIPTOR_FLAG.NEXT) === 0) break;
      at = table + DESCRIPTOR.BYTES * memory.getUint16(at + DESCRIPTOR.NEXT, true);
    }
    return Uint8Array.from(bytes);
  }

  /** Where a structure is, by the capability that says so. */
  #structure(type: number): { address: number; capability: number } {
    const bench = this.#bench;
    let at = bench.configurationRead(HEADER.CAPABILITIES_POINTER);
    for (; at !== 0; at = bench.configurationRead(at + 1)) {
      if (bench.configurationRead(at) !== VENDOR_CAPABILITY || bench.configurationRead(at + 3) !== type) continue;
      const bar = bench.configurationRead(HEADER.BASE_ADDRESS_0 + 4 * bench.configurationRead(at + WINDOW.BAR), 4);
      return { address: (bar & ~0xf) + bench.configurationRead(at + WINDOW.OFFSET, 4) >>> 0, capability: at };
    }
    return { address: 0, capability: 0 };
  }
}

/** A bench with any device. */
// deno-lint-ignore no-explicit-any
export type AnyBench = Bench<any, any, any>;
