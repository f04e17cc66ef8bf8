/**
 * The terminal's escape key: Ctrl-A and a letter command the terminal; everything else goes to the guest, Ctrl-C included.
 *
 * @module
 */

/** What a user may ask of the terminal. */
export type EscapeCommand = "exit" | "help" | "pause" | "reset" | "state";

/** The escape key, Ctrl-A. */
export const ESCAPE_KEY = 0x01;

/** Commands by the key after the escape key; letters in either case. */
const COMMANDS: Readonly<Record<string, EscapeCommand>> = {
  x: "exit",
  h: "help",
  "?": "help",
  p: "pause",
  r: "reset",
  s: "state",
};

/** What Ctrl-A H prints. */
export const ESCAPE_HELP: string = [
  "",
  "Ctrl-A H  this help",
  "Ctrl-A X  end the machine and leave",
  "Ctrl-A P  pause the machine, or let it run again",
  "Ctrl-A R  reset the machine",
  "Ctrl-A S  say where the machine is",
  "Ctrl-A Ctrl-A  type Ctrl-A",
  "All other keys, Ctrl-C among them, go to the guest.",
  "",
].join("\n");

/** Parts what is typed into what goes to the guest and what commands the terminal. */
export class EscapeKeys {
  #escaped = false;

  /**
   * Takes typed bytes.
   *
   * @returns In the order of typing: bytes for the guest, and commands. A key that is no command is swallowed, with its escape key.
   */
  take(typed: Uint8Array): (Uint8Array | EscapeCommand)[] {
    const taken: (Uint8Array | EscapeCommand)[] = [];
    let start = 0;
    const flush = (end: number) => {
      if (end > start) taken.push(typed.slice(start, end));
    };
    for (const [at, byte] of typed.entries()) {
      if (this.#escaped) {
        this.#escaped = false;
        // A second Ctrl-A is typed as it is: it stands first in what follows.
        start = byte === ESCAPE_KEY ? at : at + 1;
        const command = COMMANDS[String.fromCharCode(byte).toLowerCase()];
        if (command !== undefined) taken.push(command);
      } else if (byte === ESCAPE_KEY) {
        flush(at);
        start = at + 1;
        this.#escaped = true;
      }
    }
    if (!this.#escaped) flush(typed.length);
    return taken;
  }
}
