/**
 * A split virtqueue (Virtual I/O Device 1.2, section 2.7), as the device's side walks it.
 *
 * Everything in it is the driver's, who may be hostile: each address, index and length is checked, each walk has an end, and what must not be
 * there fails the device instead of throwing.
 *
 * @module
 */
import type { VirtqueueClaim } from "../bus/claims.ts";
import type { DmaWindow } from "../bus/contract.ts";
import type { VirtioChain } from "../bus/virtio.ts";
import { ALIGNMENT, AVAILABLE, DESCRIPTOR, DESCRIPTOR_FLAG, USED } from "./layout.ts";
import { type ChainState, freshQueue, type QueueState } from "./state.ts";

/** What a queue asks of its transport. */
export interface QueueSurroundings {
  /** Guest memory. */
  readonly dma: DmaWindow;
  /** Whether the driver accepted a feature. */
  indirect(): boolean;
  eventIndex(): boolean;
  /** Whether the device is at work: started, and not in need of a reset. */
  running(): boolean;
  /** A number that no chain has. */
  newTag(): number;
  /** The driver did what it must not. */
  fail(reason: string): void;
  /** Buffers were used, and the driver wants to know. */
  interrupt(): void;
  /** A chain for the device. */
  deliver(chain: VirtioChain): void;
}

/** Addresses from here on are nobody's. */
const ADDRESS_LIMIT = 2 ** 52;
/** Most descriptors of a chain; a queue with more entries allows as many as it has. */
const CHAIN_LIMIT = 1024;
const INDEX_MASK = 0xffff;

/** A buffer of a chain. */
interface Buffer {
  readonly address: number;
  readonly length: number;
}

/** A queue over its state. */
export class SplitQueue {
  readonly #scratch = new DataView(new ArrayBuffer(DESCRIPTOR.BYTES));
  readonly #bytes = new Uint8Array(this.#scratch.buffer);
  readonly #word = this.#bytes.subarray(0, 2);
  readonly #element = this.#bytes.subarray(0, USED.ENTRY_BYTES);

  /** @param name The queue's name, for sentences. */
  constructor(
    readonly name: string,
    readonly claim: VirtqueueClaim,
    readonly state: QueueState,
    private readonly around: QueueSurroundings,
  ) {}

  /** As after a reset of the queue or of the device. */
  reset(): void {
    Object.assign(this.state, freshQueue(this.claim));
  }

  /** The driver enables the queue. */
  enable(): void {
    const { size } = this.state;
    if (size === 0 || (size & size - 1) !== 0 || size > this.claim.size) {
      return this.#fail(`it has ${size} entries instead of a power of 2 of at most ${this.claim.size}`);
    }
    for (const [index, area] of (["DESCRIPTORS", "DRIVER", "DEVICE"] as const).entries()) {
      const address = this.#area(index);
      if (address % ALIGNMENT[area] !== 0 || address >= ADDRESS_LIMIT) {
        return this.#fail(`one of its areas is at ${address.toString(16)}h`);
      }
    }
    this.state.enabled = true;
  }

  /** The driver made chains available: takes all of them. */
  walk(): void {
    const { state, around } = this;
    if (!state.enabled) return;
    const driver = this.#area(1), { size } = state;
    // As long as the guest stands still no more than all entries can become available: a device's answers that add some are no answers.
    for (let taken = 0; around.running() && state.enabled; taken++) {
      const index = this.#read16(driver + AVAILABLE.INDEX);
      if (index === undefined) return this.#outside("available ring");
      const waiting = index - state.available & INDEX_MASK;
      if (waiting === 0) break;
      if (waiting + state.outstanding > size || taken >= size) {
        return this.#fail(`its available index went ahead by ${waiting}, with ${state.outstanding} of ${size} in use`);
      }
      const head = this.#read16(driver + AVAILABLE.RING + AVAILABLE.ENTRY_BYTES * (state.available % size));
      if (head === undefined) return this.#outside("available ring");
      const chain = this.#take(head);
      if (chain === undefined) return;
      state.available = state.available + 1 & INDEX_MASK;
      around.deliver(chain);
    }
    if (!around.running() || !state.enabled || !around.eventIndex()) return;
    const event = this.#area(2) + USED.RING + USED.ENTRY_BYTES * size;
    if (!this.#write16(event, state.available)) this.#outside("used ring");
  }

  /** See {@linkcode Virtqueue.fill}; false for a chain that is not there. */
  fill(tag: number, offset: number, bytes: Uint8Array): boolean {
    const chain = this.state.chains[tag];
    if (chain === undefined) return false;
    let at = 0, start = 0;
    for (let index = 0; index < chain.writable.length && at < bytes.length; index += 2) {
      const address = chain.writable[index]!, length = chain.writable[index + 1]!;
      const skip = Math.max(0, offset + at - start);
      if (skip < length) {
        const part = bytes.subarray(at, at + length - skip);
        if (this.around.dma.write(address + skip, part) < part.length) {
          this.#fail(`a buffer at ${address.toString(16)}h is outside of memory`);
          return true;
        }
        at += part.length;
      }
      start += length;
    }
    return true;
  }

  /** See {@linkcode Virtqueue.complete}; false for a chain that is not there. */
  complete(tag: number, written: number): boolean {
    const { state, around } = this;
    const chain = state.chains[tag];
    if (chain === undefined) return false;
    delete state.chains[tag];
    state.outstanding--;
    if (!around.running()) return true;
    const device = this.#area(2), at = device + USED.RING + USED.ENTRY_BYTES * (state.used % state.size);
    this.#scratch.setUint32(0, chain.head, true);
    this.#scratch.setUint32(4, Math.min(written, writableBytes(chain), 0xffffffff), true);
    const next = state.used + 1 & INDEX_MASK;
    if (around.dma.write(at, this.#element) < USED.ENTRY_BYTES || !this.#write16(device + USED.INDEX, next)) {
      this.#outside("used ring");
      return true;
    }
    const before = state.used;
    state.used = next;
    if (this.#wanted(before, next)) around.interrupt();
    return true;
  }

  /** Whether the driver wants an interrupt for the used index's step (section 2.7.7 and vring_need_event in 2.7.10). */
  #wanted(before: number, now: number): boolean {
    const driver = this.#area(1);
    if (this.around.eventIndex()) {
      const event = this.#read16(driver + AVAILABLE.RING + AVAILABLE.ENTRY_BYTES * this.state.size);
      return event !== undefined && (now - event - 1 & INDEX_MASK) < (now - before & INDEX_MASK);
    }
    return ((this.#read16(driver + AVAILABLE.FLAGS) ?? 0) & AVAILABLE.NO_INTERRUPT) === 0;
  }

  /** The chain that begins at a descriptor; undefined if it is none, and the device has failed. */
  #take(head: number): VirtioChain | undefined {
    const readable: Buffer[] = [], writable: number[] = [];
    if (!this.#collect(head, readable, writable)) return undefined;
    let total = 0;
    for (const { length } of readable) total += length;
    if (total > this.claim.readableBytes) {
      this.#fail(`a chain has ${total} bytes to be read, where the device takes ${this.claim.readableBytes}`);
      return undefined;
    }
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const { address, length } of readable) {
      if (this.around.dma.read(address, bytes.subarray(at, at + length)) < length) {
        this.#fail(`a buffer at ${address.toString(16)}h is outside of memory`);
        return undefined;
      }
      at += length;
    }
    const tag = this.around.newTag(), chain = { head, writable };
    this.state.chains[tag] = chain;
    this.state.outstanding++;
    return { tag, readable: bytes, writable: writableBytes(chain) };
  }

  #collect(head: number, readable: Buffer[], writable: number[]): boolean {
    const { size } = this.state;
    const limit = Math.max(size, CHAIN_LIMIT);
    let table = this.#area(0), entries = size, index = head, indirect = false;
    for (let steps = 0;; steps++) {
      if (index >= entries) return this.#refuse(`descriptor ${index} is outside of its table of ${entries}`);
      if (steps >= (indirect ? limit : size)) return this.#refuse(`the chain at descriptor ${head} has no end`);
      if (this.around.dma.read(table + DESCRIPTOR.BYTES * index, this.#bytes) < DESCRIPTOR.BYTES) {
        return this.#refuse("its descriptors are outside of memory");
      }
      const view = this.#scratch;
      const address = view.getUint32(DESCRIPTOR.ADDRESS, true) + view.getUint32(DESCRIPTOR.ADDRESS + 4, true) * 2 ** 32;
      const length = view.getUint32(DESCRIPTOR.LENGTH, true);
      const flags = view.getUint16(DESCRIPTOR.FLAGS, true), next = view.getUint16(DESCRIPTOR.NEXT, true);
      if (length === 0) return this.#refuse(`descriptor ${index} has no bytes`);
      if (address + length > ADDRESS_LIMIT) return this.#refuse(`descriptor ${index} is outside of memory`);
      if ((flags & DESCRIPTOR_FLAG.INDIRECT) !== 0) {
        if (indirect || !this.around.indirect() || (flags & DESCRIPTOR_FLAG.NEXT) !== 0) {
          return this.#refuse(`descriptor ${index} is indirect where it must not be`);
        }
        entries = length / DESCRIPTOR.BYTES;
        if (!Number.isInteger(entries)) return this.#refuse(`the indirect table of descriptor ${index} is no table`);
        table = address, index = 0, indirect = true;
        continue;
      }
      if ((flags & DESCRIPTOR_FLAG.WRITE) !== 0) writable.push(address, length);
      else if (writable.length === 0) readable.push({ address, length });
      else return this.#refuse(`descriptor ${index} is to be read, behind one to be written`);
      if ((flags & DESCRIPTOR_FLAG.NEXT) === 0) return true;
      index = next;
    }
  }

  /** Address of the descriptor area (0), the driver area (1) or the device area (2). */
  #area(index: number): number {
    const { areas } = this.state;
    return areas[2 * index]! + areas[2 * index + 1]! * 2 ** 32;
  }

  #read16(address: number): number | undefined {
    if (this.around.dma.read(address, this.#word) < 2) return undefined;
    return this.#scratch.getUint16(0, true);
  }

  #write16(address: number, value: number): boolean {
    this.#scratch.setUint16(0, value, true);
    return this.around.dma.write(address, this.#word) === 2;
  }

  #refuse(reason: string): false {
    this.#fail(reason);
    return false;
  }

  #outside(what: string): void {
    this.#fail(`its ${what} is outside of memory`);
  }

  #fail(reason: string): void {
    this.around.fail(`queue "${this.name}": ${reason}`);
  }
}

function writableBytes({ writable }: ChainState): number {
  let total = 0;
  for (let index = 1; index < writable.length; index += 2) total += writable[index]!;
  return total;
}
