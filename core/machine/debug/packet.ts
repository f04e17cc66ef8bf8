/**
 * The framing of gdb's remote serial protocol (GDB manual, appendix E.1): `$data#checksum`, acknowledged by `+`.
 *
 * Data are strings whose characters are bytes. The other side may send anything.
 *
 * @module
 */

/** The most bytes of data in a packet, either way. */
export const PACKET_SIZE = 0x4000;

/** The byte that interrupts the guest. */
const INTERRUPT = 0x03;

/** What a reader found. */
export type PacketEvent =
  | { readonly kind: "packet"; readonly data: string }
  | { readonly kind: "ack" | "nak" | "interrupt" }
  /** A packet whose checksum is wrong, or that is too long: it is asked for again. */
  | { readonly kind: "damaged" };

/** Finds packets in a stream of bytes. */
export class PacketReader {
  #inside = false;
  #data: number[] = [];
  #tooLong = false;
  /** Digits of the checksum that are still to come, and its value so far (NaN: not a number). */
  #digits = 0;
  #checksum = 0;

  /** Takes the next bytes. */
  push(bytes: Uint8Array): PacketEvent[] {
    const events: PacketEvent[] = [];
    for (const byte of bytes) {
      const event = this.#take(byte);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #take(byte: number): PacketEvent | undefined {
    if (this.#digits > 0) {
      this.#checksum = this.#checksum * 16 + parseInt(String.fromCharCode(byte), 16);
      return --this.#digits === 0 ? this.#finish() : undefined;
    }
    // A dollar sign is escaped in data: a bare one begins a new packet, whatever became of the last.
    if (byte === 0x24) return this.#begin();
    if (!this.#inside) return OUTSIDE.get(byte);
    if (byte === 0x23) {
      this.#digits = 2;
      this.#checksum = 0;
    } else if (this.#data.length === PACKET_SIZE) this.#tooLong = true;
    else this.#data.push(byte);
    return undefined;
  }

  #begin(): undefined {
    this.#inside = true;
    this.#data = [];
    this.#tooLong = false;
  }

  #finish(): PacketEvent {
    this.#inside = false;
    const data = this.#data;
    if (this.#tooLong || data.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== this.#checksum) {
      return { kind: "damaged" };
    }
    let text = "";
    for (let at = 0; at < data.length; at++) {
      // A closing brace makes the next byte another one.
      text += String.fromCharCode(data[at] === 0x7d && at + 1 < data.length ? data[++at]! ^ 0x20 : data[at]!);
    }
    return { kind: "packet", data: text };
  }
}

/** Bytes that mean something between packets; others are dropped. */
const OUTSIDE: ReadonlyMap<number, PacketEvent> = new Map<number, PacketEvent>([
  [0x2b, { kind: "ack" }],
  [0x2d, { kind: "nak" }],
  [INTERRUPT, { kind: "interrupt" }],
]);

/** A packet. Bytes that mean something to the framing are escaped. */
export function encodePacket(data: string): Uint8Array<ArrayBuffer> {
  const escaped = data.replace(/[$#}*]/g, (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ 0x20)}`);
  let sum = 0;
  const bytes = new Uint8Array(escaped.length + 4);
  bytes[0] = 0x24;
  for (let at = 0; at < escaped.length; at++) {
    bytes[at + 1] = escaped.charCodeAt(at);
    sum = (sum + bytes[at + 1]!) & 0xff;
  }
  const checksum = sum.toString(16).padStart(2, "0");
  bytes[escaped.length + 1] = 0x23;
  bytes[escaped.length + 2] = checksum.charCodeAt(0);
  bytes[escaped.length + 3] = checksum.charCodeAt(1);
  return bytes;
}
