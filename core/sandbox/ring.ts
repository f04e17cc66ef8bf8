/**
 * Byte rings between two threads: one writes, one reads, nobody spins.
 *
 * A ring lives in a SharedArrayBuffer. Its counters only grow (modulo 2^32), so that full and empty differ. Every wait has a time limit
 * and ends at once when the ring is stopped.
 *
 * @module
 */

/**
 * Word indexes of a ring's header; the words of the two sides are a cache line apart. WRITTEN and READ count bytes. DATA and ROOM are what
 * waiters sleep on: they change with every write or read and with a stop, so that a waiter that looks first cannot miss either.
 */
const WORD = { WRITTEN: 0, DATA: 1, READ: 16, ROOM: 17, STOP: 32 } as const;
const HEADER_BYTES = 192;

/** Milliseconds of one wait at most; longer ones are made of several, with a look at the stop word in between. */
const LONGEST_WAIT = 1000;

/** How a wait ended. */
export type RingWait = "ready" | "stopped" | "late";

/** One end of a single-producer single-consumer ring of bytes. */
export class ByteRing {
  /** The memory to hand to the other side. */
  readonly buffer: SharedArrayBuffer;
  /** Bytes that the ring can hold: a power of two. */
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** Opens a ring that `create` made, here or in another thread. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.capacity = buffer.byteLength - HEADER_BYTES;
    if (this.capacity < 1 || (this.capacity & (this.capacity - 1)) !== 0) {
      throw new RangeError(`a ring's capacity must be a power of two, not ${this.capacity}`);
    }
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES);
  }

  /** Makes a ring of `capacity` bytes, a power of two up to 2^30. */
  static create(capacity: number): ByteRing {
    return new ByteRing(new SharedArrayBuffer(HEADER_BYTES + capacity));
  }

  /** Bytes that can be read now. */
  get readable(): number {
    const count = (Atomics.load(this.#words, WORD.WRITTEN) - Atomics.load(this.#words, WORD.READ)) >>> 0;
    if (count > this.capacity) throw new RangeError("a ring's counters contradict each other: its other side broke it");
    return count;
  }

  /** Bytes that can be written now. */
  get writable(): number {
    return this.capacity - this.readable;
  }

  /** True once either side has stopped the ring. */
  get stopped(): boolean {
    return Atomics.load(this.#words, WORD.STOP) !== 0;
  }

  /** Writes what fits, without waiting; returns how many bytes that was. */
  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.writable);
    if (count === 0) return 0;
    const written = Atomics.load(this.#words, WORD.WRITTEN);
    const at = written & (this.capacity - 1);
    const first = Math.min(count, this.capacity - at);
    this.#bytes.set(bytes.subarray(0, first), at);
    this.#bytes.set(bytes.subarray(first, count), 0);
    Atomics.store(this.#words, WORD.WRITTEN, (written + count) | 0);
    this.#signal(WORD.DATA);
    return count;
  }

  /** Reads what is there, at most `into.length` bytes, without waiting; returns how many bytes that was. */
  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.readable);
    if (count === 0) return 0;
    const read = Atomics.load(this.#words, WORD.READ);
    const at = read & (this.capacity - 1);
    const first = Math.min(count, this.capacity - at);
    into.set(this.#bytes.subarray(at, at + first), 0);
    into.set(this.#bytes.subarray(0, count - first), first);
    Atomics.store(this.#words, WORD.READ, (read + count) | 0);
    this.#signal(WORD.ROOM);
    return count;
  }

  /** Everything that can be read now. */
  readAll(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.readable);
    this.read(bytes);
    return bytes;
  }

  /**
   * Writes all of `bytes`, blocking the thread while the ring is full. Not for the main thread.
   *
   * @returns False if the ring was stopped before.
   */
  writeAll(bytes: Uint8Array): boolean {
    let done = this.write(bytes);
    while (done < bytes.length) {
      if (this.waitWritable(LONGEST_WAIT) === "stopped") return false;
      done += this.write(bytes.subarray(done));
    }
    return true;
  }

  /** Writes all of `bytes`, waiting without blocking while the ring is full. Result as of `writeAll`. */
  async writeAllSoon(bytes: Uint8Array): Promise<boolean> {
    let done = this.write(bytes);
    while (done < bytes.length) {
      if (await this.writableSoon(LONGEST_WAIT) === "stopped") return false;
      done += this.write(bytes.subarray(done));
    }
    return true;
  }

  /** Blocks until there is room, for at most `limit` milliseconds. Not for the main thread. */
  waitWritable(limit: number): RingWait {
    const room = Atomics.load(this.#words, WORD.ROOM);
    if (!this.stopped && this.writable === 0) Atomics.wait(this.#words, WORD.ROOM, room, limit);
    return this.stopped ? "stopped" : this.writable > 0 ? "ready" : "late";
  }

  /** Waits without blocking until there is room, for at most `limit` milliseconds. */
  async writableSoon(limit: number): Promise<RingWait> {
    const room = Atomics.load(this.#words, WORD.ROOM);
    if (!this.stopped && this.writable === 0) await changed(this.#words, WORD.ROOM, room, limit);
    return this.stopped ? "stopped" : this.writable > 0 ? "ready" : "late";
  }

  /** Blocks until there is something to read, for at most `limit` milliseconds. Not for the main thread. */
  waitReadable(limit: number): RingWait {
    const data = Atomics.load(this.#words, WORD.DATA);
    if (this.readable > 0) return "ready";
    if (this.stopped) return "stopped";
    Atomics.wait(this.#words, WORD.DATA, data, limit);
    return this.#outcome();
  }

  /** Waits without blocking until there is something to read, for at most `limit` milliseconds. */
  async readableSoon(limit: number): Promise<RingWait> {
    const data = Atomics.load(this.#words, WORD.DATA);
    if (this.readable > 0) return "ready";
    if (this.stopped) return "stopped";
    await changed(this.#words, WORD.DATA, data, limit);
    return this.#outcome();
  }

  /** Ends every wait of both sides, now and later. What was written can still be read. */
  stop(): void {
    Atomics.store(this.#words, WORD.STOP, 1);
    this.#signal(WORD.DATA);
    this.#signal(WORD.ROOM);
  }

  #signal(word: number): void {
    Atomics.add(this.#words, word, 1);
    Atomics.notify(this.#words, word);
  }

  #outcome(): RingWait {
    if (this.readable > 0) return "ready";
    return this.stopped ? "stopped" : "late";
  }
}

/** A word that any thread may raise to call a virtual CPU's attention, and that the CPU sleeps on when it is halted. */
export class AttentionWord {
  /** The memory to hand to other threads. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** Opens the word in `buffer`, or makes a new one. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(64)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Changes with every `raise`. Read it before looking at what it announces. */
  get value(): number {
    return Atomics.load(this.#words, 0);
  }

  /** Calls for attention: wakes a sleeper, and makes a running CPU look at its next safe point. */
  raise(): void {
    Atomics.add(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }

  /** Blocks until the word differs from `seen`, for at most `limit` milliseconds. Returns at once when it already does. */
  wait(seen: number, limit: number): void {
    if (limit > 0) Atomics.wait(this.#words, 0, seen, limit);
  }
}

async function changed(words: Int32Array, index: number, from: number, limit: number): Promise<string> {
  const wait = Atomics.waitAsync(words, index, from, limit);
  if (!wait.async) return wait.value;
  // A pending waitAsync alone does not keep an event loop alive; a timer does.
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => timer = setTimeout(resolve, limit, "timed-out"));
  try {
    return await Promise.race([wait.value, late]);
  } finally {
    clearTimeout(timer);
  }
}
