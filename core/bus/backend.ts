/**
 * The typed interfaces that join devices with back ends and with each other. A front end (the emulated chip) needs no
 * host right; a back end (a terminal, a disk format) has no guest access.
 *
 * Network, display, audio and file-share interfaces are defined the same way, beside the first device that has one: a
 * name with a version, a type, and what an open connector does.
 *
 * @module
 */

import { defineInterface, type Interface } from "./interface.ts";
import type { InterruptAcknowledger } from "./system.ts";

/** Where a serial port's characters go: a terminal, a file, a script. */
export interface CharacterBackend {
  /** Takes bytes that the guest sent. `bytes` is valid during the call only: keep a copy, not the array. */
  write(bytes: Uint8Array): void;
  /** The front end has room again, after it accepted less than it was offered. */
  ready(): void;
}

/** A serial port's receiver, as its back end sees it. */
export interface CharacterFrontEnd {
  /**
   * Offers bytes to the guest.
   *
   * @returns How many were accepted, from the first on. The back end keeps the others until it is told
   * {@linkcode CharacterBackend.ready}.
   */
  receive(bytes: Uint8Array): number;
  /** The line went into or out of the break condition. */
  receiveBreak(): void;
}

/** What a front end may ask of a disk. `write-zeroes` and `discard` carry no data; after `discard` the contents are anybody's guess. */
export type BlockRequest = "read" | "write" | "flush" | "discard" | "write-zeroes";

/**
 * How a request ended. `error`: the host failed, the range is not inside the disk or not of whole sectors, or the disk cannot be written.
 * `unsupported`: the disk has no such request.
 */
export type BlockStatus = "ok" | "error" | "unsupported";

/** A disk, as the chip in front of it sees it. */
export interface BlockDisk {
  /** Capacity in bytes, a multiple of `sectorBytes`; 0 where there is no disk. */
  readonly bytes: number;
  /** The unit of addressing, 512 or 4096. */
  readonly sectorBytes: number;
  /** Writes, discards and zeroes end with `error`. */
  readonly readOnly: boolean;
  /** What the guest may know the disk by: at most 20 printable ASCII characters. */
  readonly id: string;
  /**
   * Asks for something. The answer comes by {@linkcode BlockFrontEnd.complete}, once, between two instructions of the guest and never
   * inside this call.
   *
   * Requests may be carried out in any order, also at the same time, with these exceptions: what overlaps an earlier request, one of the
   * two writing, follows it; and a flush is answered when everything that was answered before it was submitted is on stable storage. (It
   * waits for all earlier requests, answered or not, so that a front end need not sort.)
   *
   * Requests in flight are part of the saved state, here and in the front end: after a restore they are answered as if nothing had been.
   *
   * @param tag Chosen by the front end: an integer from 0 to 2^32 - 1 that no other request in flight has.
   * @param offset In bytes, a multiple of `sectorBytes`; 0 for a flush.
   * @param length In bytes, a multiple of `sectorBytes`; 0 for a flush.
   * @param data `length` bytes to be written, given away: the caller does not use the array any more. Empty for all but `write`.
   */
  submit(tag: number, request: BlockRequest, offset: number, length: number, data: Uint8Array): void;
  /** The front end is being reset: nothing that it has asked for will be answered. What was to be written may be or may not. */
  cancel(): void;
}

/** A chip in front of a disk, as the disk sees it. */
export interface BlockFrontEnd {
  /**
   * A request has ended.
   *
   * @param tag As it was submitted.
   * @param data What was read; empty for all other requests and wherever the status is not `ok`. The front end may keep it.
   */
  complete(tag: number, status: BlockStatus, data: Uint8Array): void;
}

/** A keyboard or a pointer, as the terminal or the display sees it. */
export interface InputFrontEnd {
  /**
   * Offers codes as the device sends them: scan codes of set 2 for a PS/2 keyboard, packets for a mouse.
   *
   * @returns How many were accepted, from the first on.
   */
  send(codes: Uint8Array): number;
}

/** Random bytes of the host. */
export interface EntropySource {
  /** Whether there are any. A deterministic machine has none. */
  readonly available: boolean;
  /** Fills `into`, at most 65,536 bytes. */
  fill(into: Uint8Array): void;
}

/** What a device may ask of its machine. */
export interface MachineControl {
  /** The guest turned the machine off. */
  powerOff(): void;
  /** The guest ends the machine with an exit status, 0 to 255. */
  exit(status: number): void;
}

/** A timer channel, as the ports that gate it and read it see it. */
export interface TimerChannel {
  /** Drives the channel's gate. */
  setGate(level: boolean): void;
  /** The channel's gate at present. */
  gate(): boolean;
  /** The channel's output at this instant. */
  output(): boolean;
}

/** The FPU's error pins, as the processor drives and samples them while CR0.NE is clear (Intel SDM volume 1, appendix D). */
export interface FpuErrorPins {
  /** Drives FERR#: true while an unmasked exception waits to be handled. */
  setError(asserted: boolean): void;
  /** Samples IGNNE#: true while the processor is to go on in spite of the error. */
  ignored(): boolean;
}

/** {@linkcode CharacterBackend}: unconnected, what is sent is lost. */
export const characterBackend: Interface<CharacterBackend> = defineInterface("character-backend/1", {
  write: () => {},
  ready: () => {},
});

/** {@linkcode CharacterFrontEnd}: unconnected, all is accepted and lost. */
export const characterFrontEnd: Interface<CharacterFrontEnd> = defineInterface("character-front-end/1", {
  receive: (bytes: Uint8Array): number => bytes.length,
  receiveBreak: () => {},
});

/** {@linkcode BlockDisk}: unconnected, there is no disk, and nothing is ever answered. */
export const blockDisk: Interface<BlockDisk> = defineInterface<BlockDisk>("block-disk/1", {
  bytes: 0,
  sectorBytes: 512,
  readOnly: true,
  id: "",
  submit: () => {},
  cancel: () => {},
});

/** {@linkcode BlockFrontEnd}: unconnected, answers are lost. */
export const blockFrontEnd: Interface<BlockFrontEnd> = defineInterface("block-front-end/1", {
  complete: () => {},
});

/** {@linkcode InputFrontEnd}: unconnected, all is accepted and lost. */
export const inputFrontEnd: Interface<InputFrontEnd> = defineInterface("input-front-end/1", {
  send: (codes: Uint8Array): number => codes.length,
});

/** {@linkcode EntropySource}: unconnected, there is none. */
export const entropySource: Interface<EntropySource> = defineInterface("entropy-source/1", {
  available: false as boolean,
  fill: () => {},
});

/** {@linkcode MachineControl}: unconnected, the machine runs on. */
export const machineControl: Interface<MachineControl> = defineInterface("machine-control/1", {
  powerOff: () => {},
  exit: () => {},
});

/** {@linkcode TimerChannel}: unconnected, low. */
export const timerChannel: Interface<TimerChannel> = defineInterface("timer-channel/1", {
  setGate: () => {},
  gate: () => false,
  output: () => false,
});

/** {@linkcode FpuErrorPins}: unconnected, errors are ignored. */
export const fpuErrorPins: Interface<FpuErrorPins> = defineInterface("fpu-error-pins/1", {
  setError: () => {},
  ignored: () => true,
});

/** {@linkcode InterruptAcknowledger}: unconnected, never asserted; 255 is what an empty bus gives. */
export const interruptAcknowledger: Interface<InterruptAcknowledger> = defineInterface("interrupt-acknowledger/1", {
  asserted: false as boolean,
  acknowledge: () => 0xff,
});
