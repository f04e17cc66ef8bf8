/**
 * Lines between devices: named outputs joined to sinks, wired-OR where several outputs share one.
 *
 * @module
 */

import type { LineKind } from "./claims.ts";
import type { Line } from "./contract.ts";

/** What happens at the far end of a net: an 8259 input, or a signal of the machine such as A20 or reset. */
export type LineSink = (level: boolean) => void;

/** A message interrupt: a write of `data` to `address` that some interrupt controller takes. */
export interface MessageInterrupt {
  /** Guest-physical address of the message. */
  readonly address: number;
  /** Its 32 bits. */
  readonly data: number;
}

/** Outputs joined together: high while any of them is. */
export class Net {
  #high = 0;
  readonly #sinks: LineSink[] = [];

  /** Adds a sink. It is not told the present level. */
  to(sink: LineSink): void {
    this.#sinks.push(sink);
  }

  /** Whether any output is high. */
  get level(): boolean {
    return this.#high > 0;
  }

  /** An output of this net went up or down. */
  change(up: boolean): void {
    if (up) {
      if (this.#high++ === 0) this.#tell(true);
    } else if (--this.#high === 0) {
      this.#tell(false);
    }
  }

  /** Sets an output's share without telling the sinks: they are restored by themselves. */
  restore(up: boolean): void {
    this.#high += up ? 1 : -1;
  }

  #tell(level: boolean): void {
    for (const sink of this.#sinks) sink(level);
  }
}

/** An output of a device. */
export class Output implements Line {
  #level = false;
  readonly #nets: Net[] = [];
  /** Sends a message interrupt, for outputs of kind `message`; the machine sets what it knows. */
  message: (() => void) | undefined;

  /** A low output joined to nothing. */
  constructor(readonly kind: LineKind) {}

  /** What the device drives. */
  get level(): boolean {
    return this.#level;
  }

  /** Drives the line. Repeating a level does nothing. */
  set(level: boolean): void {
    if (level === this.#level) return;
    this.#level = level;
    if (level) this.message?.();
    for (const net of this.#nets) net.change(level);
  }

  /** High, then low. */
  pulse(): void {
    this.set(true);
    this.set(false);
  }

  /** Joins the output to a net. */
  join(net: Net): void {
    this.#nets.push(net);
    if (this.#level) net.change(true);
  }

  /** Takes a level over from a saved state; sinks are not told. */
  restore(level: boolean): void {
    if (level === this.#level) return;
    this.#level = level;
    for (const net of this.#nets) net.restore(level);
  }
}
