/**
 * Carries a mailbox's messages to a process and back: the far side of the mailbox is a pump, the plugin's process has the real one.
 *
 * @module
 */
import { AREA_BYTES, HEADER_BYTES, SharedPort, WORD } from "./mailbox.ts";

/** A pump at the far side of a mailbox. */
export class MailboxRelay {
  readonly #port: SharedPort;
  readonly #attention: () => void;
  #wake = false;
  #asked = false;
  #ended = false;

  /**
   * @param shared The mailbox.
   * @param send Sends a message towards the process; the array is its own.
   * @param wake Raises the attention word.
   */
  constructor(
    shared: SharedArrayBuffer,
    readonly send: (message: Uint8Array<ArrayBuffer>) => void | Promise<void>,
    wake: () => void,
  ) {
    this.#port = new SharedPort(shared, "far");
    this.#attention = wake;
    this.#pump();
  }

  /**
   * Delivers a message of the process's.
   *
   * @returns False if it is none, or nobody asked for one: the process is to be ended.
   */
  deliver(message: Uint8Array): boolean | Promise<boolean> {
    const { out } = this.#port;
    if (!this.#asked || message.length < HEADER_BYTES || message.length > AREA_BYTES) return false;
    this.#asked = false;
    out.bytes.set(message);
    out.words[WORD.LENGTH] = message.length;
    this.#port.send();
    if (this.#wake) this.#attention();
    return true;
  }

  /** Carries nothing any more. */
  end(): void {
    this.#ended = true;
  }

  async #pump(): Promise<void> {
    while (!this.#ended) {
      const arrival = await this.#port.arrival(1000);
      if (arrival === "late") continue;
      if (arrival !== "ready") return;
      const { words, bytes } = this.#port.in;
      this.#wake = words[WORD.WAKE] !== 0;
      this.#asked = true;
      this.send(bytes.slice(0, words[WORD.LENGTH]!) as Uint8Array<ArrayBuffer>);
    }
  }
}
