/**
 * The machine's end of a serial port: what the guest writes goes to the script and out, what is typed comes in.
 *
 * @module
 */
import type { CharacterBackend, CharacterFrontEnd } from "../bus/backend.ts";

/** Bytes that may wait for the guest before more are refused. */
const INPUT_LIMIT = 64 * 1024;

/** What a connection needs of its machine. */
export interface SerialSurroundings {
  /** Told of each byte that the guest wrote, in the middle of its instruction. */
  byte(value: number): void;
  /** Asks for `offer` at the next instruction boundary: a port must not be entered again while it calls out. */
  wake(): void;
}

/** A serial port's back end. */
export class SerialConnection implements CharacterBackend {
  readonly #around: SerialSurroundings;
  #front: CharacterFrontEnd | undefined;
  #output: Uint8Array = new Uint8Array(4096);
  #outputLength = 0;
  #input: Uint8Array[] = [];
  #inputLength = 0;
  /** Bytes that the guest wrote. */
  written = 0;
  /** Bytes that the port accepted for the guest. */
  read = 0;

  /** A connection to nothing yet. */
  constructor(around: SerialSurroundings) {
    this.#around = around;
  }

  /** Connects the port's receiver. */
  connect(front: CharacterFrontEnd): void {
    this.#front = front;
  }

  /** The guest wrote. */
  write(bytes: Uint8Array): void {
    this.written += bytes.length;
    if (this.#outputLength + bytes.length > this.#output.length) {
      const larger = new Uint8Array(2 * (this.#outputLength + bytes.length));
      larger.set(this.#output.subarray(0, this.#outputLength));
      this.#output = larger;
    }
    this.#output.set(bytes, this.#outputLength);
    this.#outputLength += bytes.length;
    for (const byte of bytes) this.#around.byte(byte);
  }

  /** The port has room again. */
  ready(): void {
    if (this.#inputLength > 0) this.#around.wake();
  }

  /** Bytes of output that `takeOutput` would give. */
  get pendingOutput(): number {
    return this.#outputLength;
  }

  /** What the guest wrote since the last call; valid until the next. */
  takeOutput(): Uint8Array {
    const taken = this.#output.subarray(0, this.#outputLength);
    this.#outputLength = 0;
    return taken;
  }

  /** Bytes that can be typed before the guest has to read. */
  get room(): number {
    return Math.max(0, INPUT_LIMIT - this.#inputLength);
  }

  /** Types bytes: the guest gets them as fast as its port takes them. */
  type(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#input.push(bytes.slice());
    this.#inputLength += bytes.length;
    this.#around.wake();
  }

  /** Offers to the port what was typed. At an instruction boundary. */
  offer(): void {
    while (this.#front !== undefined && this.#input.length > 0) {
      const first = this.#input[0]!;
      const accepted = this.#front.receive(first);
      this.read += accepted;
      this.#inputLength -= accepted;
      if (accepted < first.length) {
        this.#input[0] = first.subarray(accepted);
        return;
      }
      this.#input.shift();
    }
  }

  /** What was typed and not yet accepted. */
  get pendingInput(): Uint8Array {
    const bytes = new Uint8Array(this.#inputLength);
    let at = 0;
    for (const piece of this.#input) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** Takes over what a saved machine's connection held. */
  restore(
    { input, written, read }: { readonly input: Uint8Array; readonly written: number; readonly read: number },
  ): void {
    this.#input = input.length === 0 ? [] : [input];
    this.#inputLength = input.length;
    this.written = written;
    this.read = read;
  }

  /** Forgets what was typed and not yet accepted: the machine was reset. */
  clearInput(): void {
    this.#input = [];
    this.#inputLength = 0;
  }
}
