/**
 * The contract of virtio devices (Virtual I/O Device 1.2, OASIS): what a device that declares `needs.virtio` gets and answers.
 *
 * The core is the transport and walks the queues. A device sees chains of buffers as bytes, answers them in any order and at any time by
 * their tags, and lists in its state those that it has not answered.
 *
 * @module
 */
import type { Region } from "./contract.ts";

/** A chain of buffers that the driver made available. */
export interface VirtioChain {
  /** What names it until it is completed: an integer from 0 to 2^32 - 1 that no other chain of the device has. */
  readonly tag: number;
  /** All device-readable bytes, one buffer after the other. A copy: the device may keep it. */
  readonly readable: Uint8Array;
  /** Number of device-writable bytes. */
  readonly writable: number;
}

/** A queue, as its device sees it. What names a chain that was taken back by a reset is ignored and counted. */
export interface Virtqueue {
  /** Copies bytes into a chain's device-writable part, from `offset` on. What does not fit is dropped. */
  fill(tag: number, offset: number, bytes: Uint8Array): void;
  /** Gives a chain back. `written`: bytes at the start of its device-writable part that are valid. */
  complete(tag: number, written: number): void;
}

/** What a virtio device is given. */
export interface VirtioPort<Queue extends string> {
  /** A queue. */
  queue(name: Queue): Virtqueue;
  /** Whether the driver has accepted a feature. */
  accepted(feature: number): boolean;
  /** The device changed its configuration structure by itself: the driver is told. */
  configurationChanged(): void;
  /** The driver did what it must not: it is told that the device needs a reset (section 2.1.1), and the reason is reported. */
  fail(reason: string): void;
}

/** What a virtio device answers. */
export interface VirtioWiring<Queue extends string, Latch extends string> {
  /** By queue: the driver made a chain available. */
  readonly queues: { readonly [Q in Queue]: (chain: VirtioChain) => void };
  /** Whether it offers a feature of its claim now; all of them if absent. The answer changes only while the device is reset. */
  offers?(feature: number): boolean;
  /** The configuration structure; absent if the claim has none. */
  readonly configuration?: Region<Latch, never>;
  /** The driver has set up the device and goes on (DRIVER_OK). */
  started?(): void;
  /** The driver has reset the device: all chains are forgotten. */
  stopped?(): void;
  /** The driver has reset one queue, whose chains are forgotten. */
  queueStopped?(queue: Queue): void;
}
