/**
 * A conversation over a mailbox: messages of any length, both sides in turns.
 *
 * The near side (the virtual CPU's thread) enters the device; the far side answers, but may first ask for things itself, which the near side
 * serves while it waits, and which may enter the device again. So the turns nest like calls.
 *
 * @module
 */
import { AREA_BYTES, FLOAT, HEADER_BYTES, type Port, WORD } from "./mailbox.ts";

/** What messages say. */
export const OPERATION = {
  // From near to far.
  STATE: 1,
  WIRE: 2,
  MIGRATE: 3,
  READ: 4,
  WRITE: 5,
  READ_BLOCK: 6,
  WRITE_BLOCK: 7,
  INPUT: 8,
  RING: 9,
  RESET: 10,
  CALL: 11,
  GET: 12,
  SAVE: 13,
  POSTED: 14,
  QUEUE: 15,
  OFFERS: 16,
  VIRTIO_EVENT: 17,
  ANSWER: 20,
  ANSWER_UNCONNECTED: 21,
  ANSWER_THROWN: 22,
  // From far to near.
  RETURN: 40,
  THROWN: 41,
  DMA_READ: 42,
  DMA_WRITE: 43,
  USE: 44,
  USE_GET: 45,
  EFFECTS: 46,
  ACCEPTED: 47,
  // Either way: parts of a long body.
  CONTINUE: 60,
  PART: 61,
} as const;

/** Kinds of records that the far side sends: what the device did, in its order. 16 bytes each: kind, index, a 64-bit number. */
export const EFFECT = {
  LINE: 1,
  ALARM: 2,
  LATCH: 3,
  /** A text of `index` bytes follows, padded to 8: plain data. */
  LOG: 4,
  COUNT: 5,
  /** Plain data follows, as for LOG: what a virtio device does to its port. */
  VIRTIO: 6,
} as const;

/** What the driver did to a virtio device, by number. */
export const VIRTIO_EVENTS = ["started", "stopped", "queueStopped"] as const;

/** Bytes of a posted write without its latches: slot, offset, width, value, time. */
export const POSTED_BYTES = 24;

/** Longest body of a message: a device's state with a frame buffer in it fits. */
const LONGEST_BODY = 1 << 28;

const NOTHING = new Uint8Array(0);

/** The other side is gone, late, or says what makes no sense. */
export class ConversationError extends Error {
  /** Why. */
  constructor(readonly reason: "late" | "stopped" | "broken", message: string) {
    super(message);
  }
}

/** A side of a conversation: what arrived last, and how to say something. */
export class Conversation {
  /** The last message's operation. */
  operation = 0;
  /** Its numbers. */
  a = 0;
  b = 0;
  c = 0;
  instance = 0;
  wake = 0;
  value = 0;
  now = 0;
  /** Its records: this side's own copy. */
  records: Uint8Array = NOTHING;
  /** Its body: this side's own copy. */
  body: Uint8Array = NOTHING;
  /** Where the records start, behind the state words. */
  readonly #head: number;

  /**
   * @param port The mailbox.
   * @param stateWords 32-bit words that go with every message from near to far: latches and lines.
   */
  constructor(readonly port: Port, readonly stateWords: number) {
    this.#head = (HEADER_BYTES + 4 * stateWords + 7) & ~7;
  }

  /** The most bytes of records in a message, so that there is room for the rest. */
  get recordRoom(): number {
    return AREA_BYTES / 2 - this.#head;
  }

  /** Says something; the numbers that the caller leaves out are in the header already, or do not matter. */
  send(operation: number, records: Uint8Array = NOTHING, body: Uint8Array = NOTHING, limit = Infinity): void {
    const { out } = this.port, { words } = out;
    words[WORD.OPERATION] = operation;
    let at = this.#head;
    words[WORD.RECORDS] = records.length;
    if (records.length > 0) {
      out.bytes.set(records, at);
      at += (records.length + 7) & ~7;
    }
    if (body.length === 0) {
      words[WORD.BODY] = 0;
      words[WORD.MORE] = 0;
      words[WORD.LENGTH] = at;
      return this.port.send();
    }
    let sent = Math.min(body.length, AREA_BYTES - at);
    out.bytes.set(body.subarray(0, sent), at);
    words[WORD.BODY] = sent;
    words[WORD.MORE] = body.length - sent;
    words[WORD.LENGTH] = at + sent;
    this.port.send();
    while (sent < body.length) {
      this.#arrive(limit);
      if (this.port.in.words[WORD.OPERATION] !== OPERATION.CONTINUE) throw broken("a long message was not waited for");
      const part = Math.min(body.length - sent, AREA_BYTES - HEADER_BYTES);
      words[WORD.OPERATION] = OPERATION.PART;
      out.bytes.set(body.subarray(sent, sent + part), HEADER_BYTES);
      words[WORD.BODY] = part;
      words[WORD.LENGTH] = HEADER_BYTES + part;
      sent += part;
      words[WORD.MORE] = body.length - sent;
      this.port.send();
    }
  }

  /**
   * Waits for the next message.
   *
   * @throws {ConversationError} None came within `limit` milliseconds, or one that cannot be.
   */
  receive(limit: number): void {
    this.#arrive(limit);
    this.take(limit);
  }

  /** Whether a message is there; if so, it is taken. @throws {ConversationError} It cannot be. */
  poll(limit: number): boolean {
    const arrival = this.port.receive(0);
    if (arrival === "late") return false;
    if (arrival !== "ready") throw broken("words of the mailbox were changed out of turn");
    this.take(limit);
    return true;
  }

  /** Takes the message that has arrived. */
  take(limit: number): void {
    const { in: area } = this.port, { words, floats } = area;
    this.operation = words[WORD.OPERATION]!;
    this.a = words[WORD.A]!;
    this.b = words[WORD.B]!;
    this.c = words[WORD.C]!;
    this.instance = words[WORD.INSTANCE]!;
    this.wake = words[WORD.WAKE]!;
    this.value = floats[FLOAT.VALUE]!;
    this.now = floats[FLOAT.NOW]!;
    const records = words[WORD.RECORDS]!, body = words[WORD.BODY]!;
    if ((records | body) === 0) {
      this.records = NOTHING;
      this.body = NOTHING;
      return;
    }
    const bodyAt = this.#head + ((records + 7) & ~7);
    if (records < 0 || body < 0 || bodyAt < this.#head || bodyAt + body > AREA_BYTES) {
      throw broken(`a message of ${records} and ${body} bytes in an area of ${AREA_BYTES}`);
    }
    this.records = area.bytes.slice(this.#head, this.#head + records);
    const more = words[WORD.MORE]!;
    if (more < 0 || body + more > LONGEST_BODY) throw broken(`a message with ${more} bytes more to come`);
    this.body = area.bytes.slice(bodyAt, bodyAt + body);
    if (more > 0) this.body = this.#rest(body, more, limit);
  }

  #rest(begun: number, more: number, limit: number): Uint8Array {
    const whole = new Uint8Array(begun + more);
    whole.set(this.body);
    for (let at = begun; at < whole.length;) {
      const { out, in: area } = this.port;
      out.words[WORD.OPERATION] = OPERATION.CONTINUE;
      out.words[WORD.RECORDS] = 0;
      out.words[WORD.BODY] = 0;
      out.words[WORD.MORE] = 0;
      out.words[WORD.LENGTH] = HEADER_BYTES;
      this.port.send();
      this.#arrive(limit);
      const part = area.words[WORD.BODY]!;
      if (area.words[WORD.OPERATION] !== OPERATION.PART || part <= 0 || part > AREA_BYTES - HEADER_BYTES) {
        throw broken("a part of a message that is none");
      }
      if (at + part > whole.length) throw broken("a message longer than it said");
      whole.set(area.bytes.subarray(HEADER_BYTES, HEADER_BYTES + part), at);
      at += part;
    }
    return whole;
  }

  #arrive(limit: number): void {
    const arrival = this.port.receive(limit);
    if (arrival === "ready") return;
    if (arrival === "broken") throw broken("words of the mailbox were changed out of turn");
    throw new ConversationError(arrival, arrival === "late" ? "no answer in time" : "the conversation was stopped");
  }
}

function broken(message: string): ConversationError {
  return new ConversationError("broken", message);
}
