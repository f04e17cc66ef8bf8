/**
 * A mailbox between two threads: one message each way, in turns. The fast path is a handful of words and one wake each way.
 *
 * The near side is the core's, the far side a plugin's compartment, which may write anything into the memory at any time. So the near side
 * keeps its own counters, trusts no length, and copies before it looks twice.
 *
 * @module
 */

/** What a message begins with, as indexes of 32-bit words. */
export const WORD = {
  /** Bytes of the whole message. */
  LENGTH: 0,
  /** What it says. */
  OPERATION: 1,
  /** Numbers that go with it. */
  A: 2,
  B: 3,
  C: 4,
  /** Which wiring of the device it is for. */
  INSTANCE: 5,
  /** Bytes of records, which follow the state words. */
  RECORDS: 6,
  /** Bytes of the body, which follows the records. */
  BODY: 7,
  /** Bytes of the body that are still to come, in messages of their own. */
  MORE: 12,
  /** Not 0: raise the attention word when it is answered. */
  WAKE: 13,
} as const;

/** 64-bit numbers in the same header, as indexes of 8-byte words. */
export const FLOAT = { NOW: 4, VALUE: 5 } as const;

/** Bytes of the header; state words, records and body follow. */
export const HEADER_BYTES = 64;

/** Bytes of one message: longer bodies go in several. */
export const AREA_BYTES = 1 << 18;

/** Indexes of the words with which the sides take turns, a cache line apart. `AWAKE`: the far side looks for a message without sleeping. */
const TURN = { TO_FAR: 0, TO_NEAR: 16, STOP: 32, AWAKE: 40 } as const;
const TURN_BYTES = 192;

/** Milliseconds of one wait at most. */
const LONGEST_WAIT = 1000;

/**
 * How often a side looks before it sleeps: some 50 microseconds, within which the next access or its answer mostly comes. To wake a thread
 * whose processor sleeps in its turn, in a virtual machine above all, can take longer than that.
 */
const LOOKS = 1000;

/** Tells the processor that this is a loop that waits. */
const pause = (Atomics as { pause?: () => void }).pause ?? (() => {});

/** Memory for a message. */
export class Area {
  /** As signed 32-bit words. */
  readonly words: Int32Array;
  /** As 64-bit numbers. */
  readonly floats: Float64Array;
  /** As bytes. */
  readonly bytes: Uint8Array;

  /** An area in a buffer. */
  constructor(buffer: ArrayBufferLike, offset: number) {
    this.words = new Int32Array(buffer, offset, AREA_BYTES / 4);
    this.floats = new Float64Array(buffer, offset, AREA_BYTES / 8);
    this.bytes = new Uint8Array(buffer, offset, AREA_BYTES);
  }
}

/** How a wait for a message ended. `broken`: the other side wrote what cannot be. */
export type Arrival = "ready" | "late" | "stopped" | "broken";

/** One side of a mailbox. */
export interface Port {
  /** The message that is being written. */
  readonly out: Area;
  /** The message that arrived last. */
  readonly in: Area;
  /** Sends what is in `out`. */
  send(): void;
  /** Blocks until a message is there, for at most so many milliseconds; 0 only looks. */
  receive(limit: number): Arrival;
}

/** Makes the memory of a mailbox. */
export function createMailbox(): SharedArrayBuffer {
  return new SharedArrayBuffer(TURN_BYTES + 2 * AREA_BYTES);
}

/** Ends all waits of the far side, now and later. */
export function stopMailbox(buffer: SharedArrayBuffer): void {
  const words = new Int32Array(buffer, 0, TURN_BYTES / 4);
  Atomics.store(words, TURN.STOP, 1);
  Atomics.notify(words, TURN.TO_FAR);
}

/** Whether the far side has a message that it has not answered. Only as true as the far side lets it be. */
export function mailboxBusy(buffer: SharedArrayBuffer): boolean {
  const words = new Int32Array(buffer, 0, TURN_BYTES / 4);
  return Atomics.load(words, TURN.TO_FAR) !== Atomics.load(words, TURN.TO_NEAR);
}

/** A side of a mailbox in shared memory. */
export class SharedPort implements Port {
  /** What this side writes. */
  readonly out: Area;
  /** What this side reads. */
  readonly in: Area;
  readonly #turns: Int32Array;
  readonly #mine: number;
  readonly #theirs: number;
  #sent = 0;
  #received = 0;

  /** Opens a side. */
  constructor(buffer: SharedArrayBuffer, side: "near" | "far") {
    const near = side === "near";
    this.#turns = new Int32Array(buffer, 0, TURN_BYTES / 4);
    this.#mine = near ? TURN.TO_FAR : TURN.TO_NEAR;
    this.#theirs = near ? TURN.TO_NEAR : TURN.TO_FAR;
    this.out = new Area(buffer, TURN_BYTES + (near ? 0 : AREA_BYTES));
    this.in = new Area(buffer, TURN_BYTES + (near ? AREA_BYTES : 0));
  }

  /** See {@linkcode Port.send}. */
  send(): void {
    this.#sent = (this.#sent + 1) | 0;
    Atomics.store(this.#turns, this.#mine, this.#sent);
    Atomics.notify(this.#turns, this.#mine, 1);
  }

  /** See {@linkcode Port.receive}. */
  receive(limit: number): Arrival {
    const turns = this.#turns, theirs = this.#theirs, before = this.#received;
    let value = Atomics.load(turns, theirs);
    if (value === before) {
      if (limit === 0) return "late";
      this.#look();
      Atomics.wait(turns, theirs, before, Math.min(limit, LONGEST_WAIT));
      value = Atomics.load(turns, theirs);
      if (value === before) {
        const slow = this.#waitLonger(limit);
        if (slow !== "ready") return slow;
        value = Atomics.load(turns, theirs);
      }
    }
    this.#received = (before + 1) | 0;
    return value === this.#received ? "ready" : "broken";
  }

  /** Waits without blocking the thread's event loop. */
  async arrival(limit: number): Promise<Arrival> {
    const before = this.#received;
    while (Atomics.load(this.#turns, this.#theirs) === before) {
      if (Atomics.load(this.#turns, TURN.STOP) !== 0) return "stopped";
      const wait = Atomics.waitAsync(this.#turns, this.#theirs, before, Math.min(limit, LONGEST_WAIT));
      if (wait.async && await wait.value === "timed-out" && limit <= LONGEST_WAIT) return "late";
    }
    return this.receive(0);
  }

  /** Looks for the next message for a while. The near side does only while the far side is not asleep: else an answer takes longer anyway. */
  #look(): void {
    const turns = this.#turns, theirs = this.#theirs, before = this.#received;
    const far = theirs === TURN.TO_FAR;
    if (far) Atomics.store(turns, TURN.AWAKE, 1);
    else if (Atomics.load(turns, TURN.AWAKE) === 0) return;
    for (let looks = LOOKS; looks > 0 && Atomics.load(turns, theirs) === before; looks--) pause();
    if (far) Atomics.store(turns, TURN.AWAKE, 0);
  }

  #waitLonger(limit: number): Arrival {
    const { now } = performance;
    const began = now.call(performance);
    for (;;) {
      if (Atomics.load(this.#turns, this.#theirs) !== this.#received) return "ready";
      if (Atomics.load(this.#turns, TURN.STOP) !== 0) return "stopped";
      // Somebody may notify without end: the clock decides. The first wait has already passed.
      const left = limit - LONGEST_WAIT - (now.call(performance) - began);
      if (left <= 0) return "late";
      Atomics.wait(this.#turns, this.#theirs, this.#received, Math.min(left, LONGEST_WAIT));
    }
  }
}
