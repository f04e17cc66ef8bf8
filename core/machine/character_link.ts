/**
 * A character back end in a compartment of its own, at a port of the machine's.
 *
 * @module
 */
import type { CharacterBackend, CharacterFrontEnd } from "../bus/backend.ts";
import { BulkheadError } from "../bus/error.ts";
import type { BackendEvent, BackendLink } from "../sandbox/backend_link.ts";

/** Bytes that are sent at once. */
const BATCH = 4096;

/** Requests without an answer before the guest is held back. */
const MOST_PENDING = 16;

/** Milliseconds of one wait for a back end that does not keep up. */
const WAIT = 1000;

/** Joins a port and a back end. */
export class CharacterLink implements CharacterBackend {
  readonly #link: BackendLink;
  readonly #wake: () => void;
  readonly #output = new Uint8Array(BATCH);
  #length = 0;
  #front: Pick<CharacterFrontEnd, "receive"> | undefined;
  #input: { readonly event: BackendEvent; bytes: Uint8Array }[] = [];

  /**
   * A link without a port yet.
   *
   * @param wake Asks for `offer` at the next instruction boundary.
   * @throws {BulkheadError} `bad-back-end`: one of another kind.
   */
  constructor(link: BackendLink, wake: () => void) {
    if (link.kind !== "character") {
      throw new BulkheadError({
        code: "bad-back-end",
        subject: `back end "${link.name}"`,
        expected: "a character back end, as it is at a serial port or a console",
        found: `a ${link.kind} back end`,
      });
    }
    this.#link = link;
    this.#wake = wake;
    link.listen((event) => {
      if (event.method !== "receive" || event.bytes === undefined) return event.settle();
      this.#input.push({ event, bytes: event.bytes });
      wake();
    });
  }

  /** Connects the port's receiver. */
  connect(front: Pick<CharacterFrontEnd, "receive">): void {
    this.#front = front;
  }

  /** The guest wrote. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const some = bytes.subarray(at, at + BATCH - this.#length);
      this.#output.set(some, this.#length);
      this.#length += some.length;
      at += some.length;
      if (this.#length === BATCH) this.send();
    }
  }

  /** The port has room again. */
  ready(): void {
    if (this.#input.length > 0) this.#wake();
  }

  /** Sends what the guest wrote. A back end that does not keep up holds the guest back. */
  send(): void {
    if (this.#length === 0) return;
    while (this.#link.pending >= MOST_PENDING && this.#link.failed === undefined) this.#link.wait(WAIT);
    // What it answers is known already: it was written, or is lost and the link says why.
    this.#link.submit({ method: "write", args: [], bytes: this.#output.subarray(0, this.#length) }, () => {});
    this.#length = 0;
  }

  /** Offers to the port what the back end gave. At an instruction boundary. */
  offer(): void {
    while (this.#front !== undefined && this.#input.length > 0) {
      const first = this.#input[0]!;
      const accepted = this.#front.receive(first.bytes);
      if (accepted < first.bytes.length) {
        first.bytes = first.bytes.subarray(accepted);
        return;
      }
      this.#input.shift();
      first.event.settle();
    }
  }
}
