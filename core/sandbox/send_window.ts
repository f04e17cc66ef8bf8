/**
 * Bounds what one plugin has under way in a channel that it shares with its machine: each message is answered when it was taken, and only a few
 * wait for that. So a plugin that does not read, or writes without end, holds up nobody but itself.
 *
 * @module
 */

/** Messages that may wait. */
const MOST = 4;

/** A plugin's messages in one direction. */
export class SendWindow {
  readonly #waiting = new Set<Promise<void>>();

  /**
   * Sends a message.
   *
   * @param send Begins to send at once; settles when the other side has taken it.
   * @returns Settles when the next one may be sent.
   */
  async send(send: () => Promise<unknown>): Promise<void> {
    // Who cannot be reached takes nothing, and is told of elsewhere.
    const sent: Promise<void> = send().then(() => {}, () => {}).finally(() => this.#waiting.delete(sent));
    this.#waiting.add(sent);
    if (this.#waiting.size >= MOST) await Promise.race(this.#waiting);
  }

  /** Settles when everything was taken. */
  async drained(): Promise<void> {
    await Promise.all(this.#waiting);
  }
}
