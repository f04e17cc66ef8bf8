/**
 * Starts a plugin's own process: exact rights, a limited heap, and a pipe each way on which length-prefixed messages go.
 *
 * @module
 */
import { ownSources } from "./describe.ts";
import type { PluginManifest } from "./description.ts";
import { grantedRights } from "./grants.ts";
import { spawnProcess } from "./launcher.ts";
import type { HostRights } from "../bus/host_rights.ts";
import { AREA_BYTES } from "./mailbox.ts";
import { pluginLimits } from "./plugin_limits.ts";
import { decodePlain, encodePlain, type Plain } from "./plain.ts";
import { BulkheadError } from "../bus/error.ts";
import type { BackendOpened } from "./backend_runtime.ts";
import { plainToThrown } from "./device_runtime.ts";
import type { HostUse } from "./host_handles.ts";
import { MESSAGE } from "./plugin_messages.ts";

/** What to start. */
export interface PluginLaunch {
  readonly subject: string;
  readonly manifest: PluginManifest;
  readonly text: string;
  readonly ses: string;
  readonly config: Readonly<Record<string, number | string | boolean>>;
  readonly rights: HostRights;
  readonly bindings: Readonly<Record<string, string>>;
}

/** A plugin's process. */
export interface PluginProcess {
  /** Settles with its last words when it has ended, for whatever reason. */
  readonly ended: Promise<string>;
  /** Sends a message; settles when it is on its way. Lost when the process has ended. */
  send(message: Uint8Array): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** Who hears a plugin's process. While a promise is pending, no more is read. */
export interface PluginProcessListener {
  /** It is up, a back end with what it said of itself; or it is not, and why. */
  ready(opened: BackendOpened | undefined, error: BulkheadError | undefined): Promise<void>;
  /** It used something of the host. */
  used(use: HostUse): void;
  /** A message. */
  said(message: Uint8Array): Promise<void>;
}

/** Starts a plugin's process. */
export function launchPlugin(
  { subject, manifest, text, ses, config, rights, bindings }: PluginLaunch,
  listener: PluginProcessListener,
): PluginProcess {
  const { held, heapMegabytes } = pluginLimits();
  const ended = Promise.withResolvers<string>();
  let child: ReturnType<typeof spawnProcess> | undefined, killed = false;
  const kill = () => {
    killed = true;
    try {
      child?.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  let sending: Promise<void> = start();

  async function start(): Promise<void> {
    const own = await ownSources();
    const granted = grantedRights(rights, { version: 1, plugin: manifest.id, content: "", bindings });
    if (killed) return ended.resolve("");
    child = spawnProcess({
      name: subject,
      entry: new URL(import.meta.resolve("./plugin_process.ts")),
      rights: { ...own, read: [...own.read, ...granted.read], write: granted.write, net: granted.net },
      heapMegabytes,
    });
    listen(child);
    const init = {
      ses,
      text,
      subject,
      manifest: JSON.stringify(manifest),
      config,
      rights: JSON.stringify(rights),
      bindings,
      sources: own.read,
      held,
    } as unknown as Plain;
    await write(encodePlain(init));
  }

  async function listen({ stdout, stderr, status }: Deno.ChildProcess): Promise<void> {
    const words = lastWords(stderr);
    try {
      for await (const message of messages(stdout)) await hear(message[0]!, message.subarray(1));
    } catch {
      // What breaks the form of messages is ended with its process.
    }
    kill();
    await status;
    ended.resolve(await words);
  }

  async function hear(kind: number, message: Uint8Array): Promise<void> {
    if (kind === MESSAGE.DATA) return await listener.said(message);
    const plain = decodePlain(message);
    if (kind === MESSAGE.READY) await listener.ready(checkOpened(plain), undefined);
    else if (kind === MESSAGE.USED) listener.used(checkUse(plain));
    else await listener.ready(undefined, startError(subject, plainToThrown(plain)));
  }

  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  async function write(message: Uint8Array): Promise<void> {
    writer ??= child!.stdin.getWriter();
    const frame = new Uint8Array(4 + message.length);
    new DataView(frame.buffer).setUint32(0, message.length, true);
    frame.set(message, 4);
    await writer.write(frame);
  }
  sending = sending.catch(() => kill());
  return {
    ended: ended.promise,
    kill,
    send: (message) => {
      const copy = message.slice();
      return sending = sending.then(() => write(copy)).catch(() => {});
    },
  };
}

/** What a back end said of itself. @throws {TypeError} It is nothing of the kind. */
function checkOpened(plain: Plain): BackendOpened | undefined {
  if (plain === undefined) return undefined;
  const { properties, methods } = Object(plain) as { properties?: unknown; methods?: unknown };
  const right = typeof properties === "object" && properties !== null && Array.isArray(methods) &&
    methods.every((name) => typeof name === "string") &&
    Object.values(properties).every((value) => ["number", "string", "boolean"].includes(typeof value));
  if (!right) throw new TypeError("a back end that describes itself by nonsense");
  return plain as unknown as BackendOpened;
}

/** A use of the host. @throws {TypeError} It is none. */
function checkUse(plain: Plain): HostUse {
  const { right, value, action, uses, bytes, outcome, cause } = Object(plain) as Record<string, unknown>;
  const texts = [right, value, action, cause ?? ""].every((text) => typeof text === "string");
  if (!texts || typeof uses !== "number" || typeof bytes !== "number") {
    throw new TypeError("a use of the host that is none");
  }
  if (outcome !== "done" && outcome !== "denied" && outcome !== "failed") {
    throw new TypeError("a use without an outcome");
  }
  return plain as unknown as HostUse;
}

function startError(subject: string, error: Error): BulkheadError {
  if (error instanceof BulkheadError) return error;
  const sentence = `${subject} was stopped while it was starting: ${error.message}`;
  return new BulkheadError({ code: "plugin-failed", subject, sentence });
}

/** Messages of a stream. @throws {RangeError} One that is too long. */
async function* messages(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held = new Uint8Array(0);
  for await (const piece of stream) {
    const joined = new Uint8Array(held.length + piece.length);
    joined.set(held);
    joined.set(piece, held.length);
    let at = 0;
    while (joined.length - at >= 4) {
      const length = new DataView(joined.buffer, at).getUint32(0, true);
      if (length > 2 * AREA_BYTES) throw new RangeError("a message that is too long");
      if (joined.length - at < 4 + length) break;
      if (length === 0) throw new RangeError("an empty message");
      yield joined.subarray(at + 4, at + 4 + length);
      at += 4 + length;
    }
    held = joined.slice(at);
  }
}

async function lastWords(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  try {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) text = (text + piece).slice(-4096);
  } catch {
    // The pipe broke with the process.
  }
  return text.trim();
}
