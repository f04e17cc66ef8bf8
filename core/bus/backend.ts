/**
 * The typed interfaces that join devices with back ends and with each other. A front end (the emulated chip) needs no
 * host right; a back end (a terminal, a disk format) has no guest access.
 *
 * Block, network, display, audio and file-share interfaces are defined the same way, beside the first device that has
 * one: a name with a version, a type, and what an open connector does.
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

/** A keyboard or a pointer, as the terminal or the display sees it. */
export interface InputFrontEnd {
  /**
   * Offers codes as the device sends them: scan codes of set 2 for a PS/2 keyboard, packets for a mouse.
   *
   * @returns How many were accepted, from the first on.
   */
  send(codes: Uint8Array): number;
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

/** {@linkcode InputFrontEnd}: unconnected, all is accepted and lost. */
export const inputFrontEnd: Interface<InputFrontEnd> = defineInterface("input-front-end/1", {
  send: (codes: Uint8Array): number => codes.length,
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
