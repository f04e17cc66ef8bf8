/**
 * A typed asynchronous channel between two compartments, over a pair of byte streams: requests with replies, events, binary payloads.
 *
 * The peer is not trusted to be well: a message of the wrong form, an unknown name or the end of the stream closes the channel with a
 * sentence, and everything that waited for a reply gets that sentence.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { encodeFrame, type Frame, FrameReader } from "./frame.ts";

/** What one side may say: requests (what is asked, what is answered) and events, by name. Bodies are plain JSON objects. */
export interface Speech {
  /** By name. */
  readonly requests: { readonly [name: string]: { readonly ask: object; readonly answer: object } };
  /** By name. */
  readonly events: { readonly [name: string]: object };
}

/** Bytes of a payload. */
export type Payload = Uint8Array<ArrayBuffer>;

/** How a side reacts to what the other may say. */
export interface Handlers<S extends Speech> {
  /** Answers requests. What is thrown goes back as the refusal. Requests that wait do not hold up later messages. */
  readonly requests: {
    readonly [K in keyof S["requests"]]: (
      ask: S["requests"][K]["ask"],
      payload: Payload,
    ) => S["requests"][K]["answer"] | Promise<S["requests"][K]["answer"]>;
  };
  /**
   * Takes events. While a promise that it returns is pending no further message is read: the peer is held back. The payload is valid until
   * then: keep a copy, not the array.
   */
  readonly events: {
    readonly [K in keyof S["events"]]: (body: S["events"][K], payload: Payload) => void | Promise<void>;
  };
}

/** What a channel is made of. */
export interface ChannelOptions<Theirs extends Speech> {
  /** The other side, as a sentence would name it: "the machine process". */
  readonly peer: string;
  /** What the other side writes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the other side reads. It is done with the bytes of a write when the write settles. */
  readonly writable: WritableStream<Uint8Array>;
  /** What the other side may say. */
  readonly handlers: Handlers<Theirs>;
}

interface Waiting {
  resolve(answer: object): void;
  reject(error: BulkheadError): void;
}

/** Bytes of frames that are written without an array of their own. */
const SCRATCH = (1 << 16) + 4096;

/** One side of a channel: `Mine` is what it may say, `Theirs` what it may hear. */
export class Channel<Mine extends Speech, Theirs extends Speech> {
  /** Settles when no more messages will come: undefined after an orderly end, else why. Never rejects. */
  readonly closed: Promise<BulkheadError | undefined>;
  readonly #closed = Promise.withResolvers<BulkheadError | undefined>();
  readonly #options: ChannelOptions<Theirs>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ByteReader;
  readonly #waiting = new Map<number, Waiting>();
  /** One frame after the other is written, from one buffer: large amounts pass without leaving garbage behind. */
  readonly #scratch = new Uint8Array(SCRATCH);
  #writing: Promise<void> = Promise.resolve();
  #nextId = 1;
  #end: BulkheadError | undefined;
  #open = true;

  /** Opens the channel: from here on messages are read and handled. */
  constructor(options: ChannelOptions<Theirs>) {
    this.#options = options;
    this.#writer = options.writable.getWriter();
    this.#reader = new ByteReader(options.readable);
    this.#writer.closed.catch(() => {});
    this.closed = this.#closed.promise;
    this.#listen();
  }

  /**
   * Asks the other side.
   *
   * @param limit Milliseconds to wait for the reply.
   * @throws {BulkheadError} What the other side refused with; `channel-late` after the limit; why the channel closed.
   */
  async request<K extends keyof Mine["requests"] & string>(
    name: K,
    ask: Mine["requests"][K]["ask"],
    { payload, limit = 30_000 }: { payload?: Uint8Array; limit?: number } = {},
  ): Promise<Mine["requests"][K]["answer"]> {
    const id = this.#nextId++;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = new Promise<object>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      timer = setTimeout(() => {
        const sentence = `${this.#options.peer} did not answer the request "${name}" within ${limit / 1000} s`;
        reject(new BulkheadError({ code: "channel-late", subject: this.#options.peer, sentence }));
      }, limit);
    });
    answer.catch(() => {});
    try {
      await this.#write({ ask: name, id, body: ask as Frame["header"] }, payload);
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Tells the other side; settles when the message is on its way. @throws {BulkheadError} when the channel is closed. */
  send<K extends keyof Mine["events"] & string>(name: K, body: Mine["events"][K], payload?: Uint8Array): Promise<void> {
    return this.#write({ tell: name, body: body as Frame["header"] }, payload);
  }

  /** Ends the channel from this side: the other side sees the end of its stream. */
  async close(): Promise<void> {
    this.#finish(undefined);
    await this.#writer.close().catch(() => {});
    await this.#reader.cancel().catch(() => {});
  }

  async #write(header: Frame["header"], payload?: Uint8Array): Promise<void> {
    const before = this.#writing, turn = Promise.withResolvers<void>();
    this.#writing = turn.promise;
    await before;
    try {
      if (!this.#open) throw this.#gone();
      await this.#writer.write(encodeFrame(header, payload, this.#scratch));
    } catch (error) {
      if (error instanceof BulkheadError) throw error;
      throw this.#gone();
    } finally {
      turn.resolve();
    }
  }

  async #listen(): Promise<void> {
    const frames = new FrameReader(this.#options.peer);
    try {
      for (;;) {
        const piece = await this.#reader.read();
        if (piece === undefined) break;
        for (const frame of frames.push(piece)) await this.#hear(frame);
      }
      this.#finish(frames.unfinished === 0 ? undefined : this.#broken("the rest of a message", "the end", CUT_SHORT));
    } catch (error) {
      this.#finish(error instanceof BulkheadError ? error : this.#gone());
      await this.#reader.cancel().catch(() => {});
    }
  }

  async #hear({ header, payload }: Frame): Promise<void> {
    const { ask, tell, reply, refuse, id, body } = header;
    if (typeof body !== "object" || body === null) throw this.#broken("a message with a body", JSON.stringify(header));
    if (typeof tell === "string") {
      const handler = own(this.#options.handlers.events, tell);
      if (handler === undefined) throw this.#broken("an event that is known", JSON.stringify(tell));
      await handler(body, payload);
    } else if (typeof id !== "number") {
      throw this.#broken("a request or a reply", JSON.stringify(header));
    } else if (typeof ask === "string") {
      const handler = own(this.#options.handlers.requests, ask);
      if (handler === undefined) throw this.#broken("a request that is known", JSON.stringify(ask));
      this.#answer(id, ask, handler, body, payload.slice());
    } else if (reply === true) {
      this.#waiting.get(id)?.resolve(body);
    } else if (refuse === true) {
      this.#waiting.get(id)?.reject(BulkheadError.fromJSON(body));
    } else {
      throw this.#broken("a request or a reply", JSON.stringify(header));
    }
  }

  async #answer(id: number, name: string, handler: AnyHandler, body: object, payload: Payload): Promise<void> {
    let header: Frame["header"];
    try {
      header = { reply: true, id, body: await handler(body, payload) as Frame["header"] };
    } catch (error) {
      const refusal = BulkheadError.from(error, `the request "${name}"`).toJSON();
      header = { refuse: true, id, body: refusal as unknown as Frame["header"] };
    }
    // A channel that closed meanwhile takes no answer, and needs none.
    await this.#write(header).catch(() => {});
  }

  #finish(end: BulkheadError | undefined): void {
    if (!this.#open) return;
    this.#open = false;
    this.#end = end;
    for (const { reject } of this.#waiting.values()) reject(this.#gone());
    this.#waiting.clear();
    // Also while a handler is pending, which may never end.
    this.#closed.resolve(end);
  }

  #gone(): BulkheadError {
    if (this.#end !== undefined) return this.#end;
    const sentence = `the connection to ${this.#options.peer} has ended`;
    return new BulkheadError({ code: "channel-closed", subject: this.#options.peer, sentence });
  }

  #broken(expected: string, found: string, code = "channel-broken"): BulkheadError {
    const subject = this.#options.peer;
    return new BulkheadError({ code, subject, where: "its messages", expected, found });
  }
}

/** Code of the error when the other side ended in the middle of a message, as one that is killed does. */
export const CUT_SHORT = "channel-cut";

/** Reads a stream, into one buffer of its own where the stream can do that: large amounts pass without leaving garbage behind. */
class ByteReader {
  readonly #reader: ReadableStreamBYOBReader | ReadableStreamDefaultReader<Uint8Array>;
  #buffer: ArrayBufferLike = new ArrayBuffer(1 << 16);

  constructor(stream: ReadableStream<Uint8Array>) {
    try {
      this.#reader = stream.getReader({ mode: "byob" });
    } catch {
      // A stream of another kind, as between two ends in one process.
      this.#reader = stream.getReader();
    }
  }

  /** The next bytes, valid until the next call; undefined at the end. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#reader instanceof ReadableStreamDefaultReader) return (await this.#reader.read()).value;
    const { value, done } = await this.#reader.read(new Uint8Array(this.#buffer as ArrayBuffer));
    if (value !== undefined) this.#buffer = value.buffer;
    return done ? undefined : value;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

type AnyHandler = (body: object, payload: Payload) => unknown;

function own(handlers: object, name: string): AnyHandler | undefined {
  return Object.hasOwn(handlers, name) ? (handlers as Record<string, AnyHandler>)[name] : undefined;
}
