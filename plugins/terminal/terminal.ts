/**
 * The host's terminal, or whatever stands in its place, as the other end of a serial port.
 *
 * On a terminal keys arrive one by one and unchanged, Ctrl-C included; the terminal is as it was before in every way that this process can
 * end by itself or by a signal that can be caught. In a pipe, bytes go through as they are; the end of the input ends the input only.
 *
 * @module
 */
import { type EscapeCommand, EscapeKeys } from "./escape_keys.ts";

/** What the terminal uses of its host. */
export interface TerminalHost {
  /** Whether the input is a terminal. */
  readonly isTerminal: boolean;
  /** Switches the input's raw mode. */
  setRaw(raw: boolean): void;
  /** Reads input: how many bytes, or null at its end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes output: how many bytes were taken. */
  write(bytes: Uint8Array): Promise<number>;
  /** Calls `listener` when the process is about to end, in whichever way. */
  onUnload(listener: () => void): void;
}

/** Who takes what is typed. */
export interface TerminalListener {
  /** Bytes for the guest. From a pipe, no more are read while the promise is pending. */
  type(bytes: Uint8Array): Promise<void>;
  /** An escape command. */
  command(command: EscapeCommand): void;
}

/** Milliseconds after which an output that would not take anything is tried again. */
const RETRY = 5;

/** A terminal. */
export class Terminal implements Disposable {
  readonly #host: TerminalHost;
  #raw = false;

  /** Does nothing yet. */
  constructor(host: TerminalHost) {
    this.#host = host;
    host.onUnload(() => this.restore());
  }

  /** Whether somebody sits there. */
  get isTerminal(): boolean {
    return this.#host.isTerminal;
  }

  /**
   * Takes over the terminal and passes on what is typed, until the input ends. Commands are recognised on a terminal only: a pipe may carry
   * any byte.
   */
  async open(listener: TerminalListener): Promise<void> {
    if (this.isTerminal) {
      this.#host.setRaw(true);
      this.#raw = true;
    }
    const keys = this.isTerminal ? new EscapeKeys() : undefined;
    const buffer = new Uint8Array(4096);
    for (;;) {
      const count = await this.#read(buffer);
      if (count === null) return;
      const typed = buffer.slice(0, count);
      for (const part of keys?.take(typed) ?? [typed]) {
        if (typeof part === "string") listener.command(part);
        // Who types is not held back by a guest that does not read: the next keys may be the escape command.
        else if (this.isTerminal) listener.type(part).catch(() => {});
        else await listener.type(part);
      }
    }
  }

  /**
   * Writes all of `bytes`.
   *
   * @returns False when nobody reads the output any more.
   */
  async write(bytes: Uint8Array): Promise<boolean> {
    for (let done = 0; done < bytes.length;) {
      try {
        done += await this.#host.write(bytes.subarray(done));
      } catch (error) {
        // An output that somebody made non-blocking may be full for a while.
        if (!(error instanceof Deno.errors.WouldBlock)) return false;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
    return true;
  }

  /** Puts the terminal back as it was. May be called at any time and more than once. */
  restore(): void {
    if (!this.#raw) return;
    this.#raw = false;
    try {
      this.#host.setRaw(false);
    } catch {
      // The terminal is gone, as after SIGHUP: there is nothing left to restore.
    }
  }

  /** As `restore`. */
  [Symbol.dispose](): void {
    this.restore();
  }

  async #read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      try {
        return await this.#host.read(into);
      } catch (error) {
        // A closed or vanished input has ended.
        if (!(error instanceof Deno.errors.WouldBlock)) return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }
}

/** This process's standard input and output. */
export function standardTerminal(): Terminal {
  return new Terminal({
    isTerminal: Deno.stdin.isTerminal(),
    setRaw: (raw) => Deno.stdin.setRaw(raw),
    read: (into) => Deno.stdin.read(into),
    write: (bytes) => Deno.stdout.write(bytes),
    onUnload: (listener) => globalThis.addEventListener("unload", listener),
  });
}
