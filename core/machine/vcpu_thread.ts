/**
 * The virtual CPU's thread, as the machine process sees it.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { allocateMemory, layoutMemory } from "../memory/layout.ts";
import type { Payload } from "../sandbox/channel.ts";
import { encodeFrame, type Frame, FrameReader } from "../sandbox/frame.ts";
import { NO_RIGHTS, workerPermissions } from "../sandbox/rights.ts";
import { AttentionWord, ByteRing } from "../sandbox/ring.ts";
import type { ResolvedDefinition } from "./definition.ts";
import { romBytes } from "./pieces.ts";
import type { ThreadPlugins } from "./plugin_parts.ts";
import type { ThreadEvents, VcpuEvents, VcpuInit, VcpuRequests } from "./protocol.ts";

/** Milliseconds in which a virtual CPU answers, or is stuck: it looks up every 100 microseconds, but may be hashing its memory. */
const ANSWER_LIMIT = 20_000;

/** Milliseconds in which the thread is up. */
const START_LIMIT = 30_000;

const RING = { REQUESTS: 64 * 1024, REPORTS: 256 * 1024, INPUT: 64 * 1024, RELOADED: 16 * 1024 } as const;

/** Takes what the virtual CPU tells. While its promise is pending, nothing more is taken: the guest is held back. */
export type EventSink = <K extends keyof ThreadEvents>(
  name: K,
  body: ThreadEvents[K],
  payload: Payload,
) => Promise<void>;

interface Waiting {
  resolve(answer: object): void;
  reject(error: BulkheadError): void;
}

/** A machine's memory. */
export type MachineMemory = Pick<VcpuInit, "memory" | "layout">;

/** A virtual CPU's thread. */
export class VcpuThread {
  /** Settles when the machine is assembled and powered on, or has taken over its state; rejects with why it could not be. */
  readonly ready: Promise<void>;
  readonly #requests = ByteRing.create(RING.REQUESTS);
  readonly #reports = ByteRing.create(RING.REPORTS);
  readonly #input = ByteRing.create(RING.INPUT);
  readonly #reloaded = ByteRing.create(RING.RELOADED);
  readonly #attention = new AttentionWord();
  readonly #definition: ResolvedDefinition;
  readonly #sink: EventSink;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #started = Promise.withResolvers<void>();
  #typing: Promise<void> = Promise.resolve();
  #nextId = 1;
  #isReady = false;
  #exited = false;

  /** Starts the thread: it loads its modules while the parts of the machine are still on their way. */
  constructor(definition: ResolvedDefinition, sink: EventSink) {
    this.#definition = definition;
    this.#sink = sink;
    this.ready = this.#started.promise;
    this.ready.catch(() => {});
    const worker = this.#worker = new Worker(rootModule(definition), {
      type: "module",
      name: "vcpu0",
      deno: { permissions: workerPermissions(NO_RIGHTS) },
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(`the virtual CPU's thread failed: ${event.message}`);
    });
  }

  /**
   * Lets the thread assemble the machine. With an image the machine takes over that state; its RAM is the caller's part, before the guest
   * runs.
   *
   * @returns The machine's memory.
   */
  assemble({ cpu, pieces, image }: Pick<VcpuInit, "cpu" | "pieces" | "image">, plugins: ThreadPlugins): MachineMemory {
    const definition = this.#definition;
    const layout = layoutMemory(definition.memory, romBytes(pieces));
    const memory = allocateMemory(layout);
    this.#worker.postMessage(
      {
        definition,
        plugins,
        cpu,
        pieces,
        image,
        memory,
        layout,
        requests: this.#requests.buffer,
        reports: this.#reports.buffer,
        input: this.#input.buffer,
        reloaded: this.#reloaded.buffer,
        attention: this.#attention.buffer,
      } satisfies VcpuInit,
    );
    const timer = setTimeout(
      () => this.#fail(`the virtual CPU's thread was not up after ${START_LIMIT / 1000} s`),
      START_LIMIT,
    );
    this.ready.catch(() => {}).finally(() => clearTimeout(timer));
    this.#listen();
    return { memory, layout };
  }

  /**
   * Asks the virtual CPU, which answers at its next safe point.
   *
   * @throws {BulkheadError} What it refused with, or `vcpu-stuck` when it does not answer.
   */
  async request<K extends keyof VcpuRequests>(
    name: K,
    ask: VcpuRequests[K]["ask"],
  ): Promise<VcpuRequests[K]["answer"]> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<object>();
    this.#waiting.set(id, answer);
    const timer = setTimeout(() => {
      const sentence = `the virtual CPU did not answer the request "${name}": a device or the engine is stuck`;
      answer.reject(new BulkheadError({ code: "vcpu-stuck", subject: "the virtual CPU", sentence }));
    }, ANSWER_LIMIT);
    try {
      await this.#requests.writeAllSoon(encodeFrame({ ask: name, id, body: ask as Frame["header"] }));
      this.#attention.raise();
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Gives its start up, because of this. @returns False if it is up already. */
  abandon(error: BulkheadError): boolean {
    if (this.#isReady) return false;
    this.#started.reject(error);
    return true;
  }

  /** Tells the virtual CPU, which waits for it in a reset, that the guest is in RAM again, or why it is not. */
  reloaded(error: BulkheadError | undefined): void {
    const body = error === undefined ? {} : { error: error.toJSON() };
    this.#reloaded.write(encodeFrame({ tell: "reloaded", body: body as unknown as Frame["header"] }));
  }

  /** The attention word's memory, for who else may raise it. */
  get attention(): SharedArrayBuffer {
    return this.#attention.buffer;
  }

  /** Calls the virtual CPU's attention. */
  wake(): void {
    this.#attention.raise();
  }

  /** Types bytes at the first serial port, after those of earlier calls; settles when all are on their way. */
  type(bytes: Uint8Array): Promise<void> {
    return this.#typing = this.#typing.then(() => this.#typeNow(bytes));
  }

  async #typeNow(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length && !this.#exited) {
      done += this.#input.write(bytes.subarray(done));
      this.#attention.raise();
      if (done < bytes.length) await this.#input.writableSoon(1000);
    }
  }

  async #listen(): Promise<void> {
    const frames = new FrameReader("the virtual CPU");
    while (await this.#reports.readableSoon(60_000) !== "stopped") {
      const read = frames.push(this.#reports.readAll());
      for (let at = 0; at < read.length;) {
        const run = outputRun(read, at);
        if (run.length > 1) {
          at += run.length;
          await this.#sink("output", {}, joined(run));
        } else {
          await this.#hear(read[at++]!);
        }
      }
    }
  }

  async #hear({ header, payload }: Frame): Promise<void> {
    const { tell, reply, refuse, id, body } = header;
    if (reply === true) return this.#waiting.get(id as number)?.resolve(body as object);
    if (refuse === true) return this.#waiting.get(id as number)?.reject(BulkheadError.fromJSON(body));
    if (tell === "ready") {
      this.#isReady = true;
      return this.#started.resolve();
    }
    if (tell === "exit") {
      const { report } = body as unknown as VcpuEvents["exit"];
      if (!this.#isReady) return this.#started.reject(BulkheadError.fromJSON(report.error));
      this.#exited = true;
    }
    await this.#sink(tell as keyof ThreadEvents, body as never, payload);
  }

  #fail(sentence: string): void {
    const error = new BulkheadError({ code: "vcpu-failed", subject: "the virtual CPU", sentence });
    if (!this.#isReady) return this.#started.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    if (this.#exited) return;
    this.#exited = true;
    this.#sink("exit", { report: { reason: "failed", error: error.toJSON(), retired: 0, time: 0 } }, new Uint8Array(0))
      .catch(() => {});
  }
}

/** The thread's root module: names everything that it loads. */
function rootModule({ board }: ResolvedDefinition): string {
  const lines = [
    `import { serve } from ${JSON.stringify(import.meta.resolve("./vcpu_worker.ts"))};`,
    `import * as board from ${JSON.stringify(board)};`,
    "serve(board);",
  ];
  return "data:application/javascript," + encodeURIComponent(lines.join("\n"));
}

/** Successive frames of output from `at` on. */
function outputRun(frames: readonly Frame[], at: number): Frame[] {
  let end = at;
  while (frames[end]?.header.tell === "output") end++;
  return frames.slice(at, end);
}

function joined(frames: readonly Frame[]): Payload {
  const bytes = new Uint8Array(frames.reduce((sum, { payload }) => sum + payload.length, 0));
  let at = 0;
  for (const { payload } of frames) {
    bytes.set(payload, at);
    at += payload.length;
  }
  return bytes;
}
