/**
 * Carries a back end's streams to a process and back.
 *
 * @module
 */
import type { ByteRing } from "./ring.ts";
import { SendWindow } from "./send_window.ts";

/** Bytes that are carried at once. */
const PIECE = 1 << 16;

/** A pump at the far end of a back end's rings. */
export class BackendRelay {
  readonly #requests: ByteRing;
  readonly #answers: ByteRing;
  readonly #send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly #wake: () => void;
  #delivering: Promise<void> = Promise.resolve();
  #ended = false;

  /** Begins to carry requests. */
  constructor(
    requests: ByteRing,
    answers: ByteRing,
    send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
    wake: () => void,
  ) {
    this.#requests = requests;
    this.#answers = answers;
    this.#send = send;
    this.#wake = wake;
    this.#pump();
  }

  /** Delivers what the process wrote, in order; settles when there was room for it, so that it is held back. */
  async deliver(bytes: Uint8Array): Promise<boolean> {
    await (this.#delivering = this.#delivering.then(() => this.#write(bytes)));
    return true;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length && !this.#ended) {
      done += this.#answers.write(bytes.subarray(done));
      this.#wake();
      if (done < bytes.length && await this.#answers.writableSoon(1000) === "stopped") break;
    }
  }

  /** Carries nothing any more. */
  end(): void {
    this.#ended = true;
  }

  async #pump(): Promise<void> {
    const window = new SendWindow();
    while (!this.#ended) {
      const wait = await this.#requests.readableSoon(1000);
      if (wait === "late") continue;
      // An empty message is the end.
      if (wait === "stopped") return await window.send(() => this.#send(new Uint8Array(0)));
      const piece = new Uint8Array(Math.min(PIECE, this.#requests.readable));
      this.#requests.read(piece);
      await window.send(() => this.#send(piece));
    }
  }
}
