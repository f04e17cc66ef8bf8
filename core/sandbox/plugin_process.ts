/**
 * A plugin's own process: takes SES and the plugin's text from its input, then answers its machine, message by message.
 *
 * A device has nothing to do between two messages, so it blocks in reading them.
 *
 * @module
 */
import { lockdownRealm } from "./compartment.ts";
import type { PluginManifest } from "./description.ts";
import { type BackendOpened, type DefinedBackend, openingError, serveBackend } from "./backend_runtime.ts";
import { type DefinedDevice, DeviceRuntime, thrownToPlain } from "./device_runtime.ts";
import { hostHandles } from "./host_handles.ts";
import { Area, AREA_BYTES, type Arrival, HEADER_BYTES, type Port, WORD } from "./mailbox.ts";
import { watchMemory } from "./memory_watch.ts";
import { decodePlain, encodePlain } from "./plain.ts";
import { MESSAGE } from "./plugin_messages.ts";

/** A mailbox's far side over standard input and output. */
class PipePort implements Port {
  readonly out = new Area(new ArrayBuffer(AREA_BYTES), 0);
  readonly in = new Area(new ArrayBuffer(AREA_BYTES), 0);

  send(): void {
    say(MESSAGE.DATA, this.out.bytes.subarray(0, this.out.words[WORD.LENGTH]!));
  }

  receive(_limit: number): Arrival {
    const message = readMessage();
    if (message === undefined) return "stopped";
    if (message.length < HEADER_BYTES || message.length > AREA_BYTES) return "broken";
    this.in.bytes.set(message);
    return "ready";
  }
}

let frame = new Uint8Array(8 + AREA_BYTES);

/** Writes a message. */
function say(kind: number, message: Uint8Array): void {
  const end = 5 + message.length;
  if (frame.length < end) frame = new Uint8Array(2 * end);
  new DataView(frame.buffer).setUint32(0, 1 + message.length, true);
  frame[4] = kind;
  frame.set(message, 5);
  for (let at = 0; at < end;) at += Deno.stdout.writeSync(frame.subarray(at, end));
}

/** Writes a long stream in messages of a bearable length. */
function stream(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += AREA_BYTES) say(MESSAGE.DATA, bytes.subarray(at, at + AREA_BYTES));
  return true;
}

/** Messages, without blocking the event loop between them. */
async function* messagesSoon(): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(4);
  while (await fillSoon(head)) {
    const message = new Uint8Array(new DataView(head.buffer).getUint32(0, true));
    if (!await fillSoon(message)) return;
    yield message;
  }
}

async function fillSoon(into: Uint8Array): Promise<boolean> {
  for (let at = 0; at < into.length;) {
    const read = await Deno.stdin.read(into.subarray(at));
    if (read === null) return false;
    at += read;
  }
  return true;
}

const length = new Uint8Array(4);

/** The next message, valid until the one after it; undefined at the end. */
function readMessage(): Uint8Array | undefined {
  if (!fill(length)) return undefined;
  const message = new Uint8Array(new DataView(length.buffer).getUint32(0, true));
  return fill(message) ? message : undefined;
}

function fill(into: Uint8Array): boolean {
  for (let at = 0; at < into.length;) {
    const read = Deno.stdin.readSync(into.subarray(at));
    if (read === null) return false;
    at += read;
  }
  return true;
}

/** What the first message says. */
interface Init {
  readonly ses: string;
  readonly text: string;
  readonly subject: string;
  readonly manifest: string;
  readonly config: Readonly<Record<string, number | string | boolean>>;
  readonly rights: string;
  readonly bindings: Readonly<Record<string, string>>;
  readonly sources: readonly string[];
  /** Bytes that this process may hold. What it allocates outside of the heap has no limit of V8's. */
  readonly held: number;
}

async function start(init: Init): Promise<void> {
  const { ses, text, subject, config, bindings } = init;
  // The right to read our own modules, which are loaded; not that to read what is bound.
  for (const path of init.sources) await Deno.permissions.revoke({ name: "read", path });
  const manifest = JSON.parse(init.manifest) as PluginManifest;
  const realm = lockdownRealm(ses);
  const plugin = realm.evaluate(text, subject);
  if (manifest.kind === "device") {
    say(MESSAGE.READY, encodePlain(undefined));
    return new DeviceRuntime(plugin as DefinedDevice, manifest, realm.harden, new PipePort()).serve();
  }
  const handles = hostHandles(
    JSON.parse(init.rights),
    bindings,
    (use) => say(MESSAGE.USED, encodePlain(use)),
  );
  const messages = messagesSoon();
  const opened = (opened: BackendOpened) => say(MESSAGE.READY, encodePlain(opened));
  // An empty message is the end.
  const next = (message: Uint8Array | undefined) => message?.length === 0 ? undefined : message;
  const pipe = {
    readNow: () => next(readMessage()),
    readSoon: async () => next((await messages.next()).value ?? undefined),
    write: stream,
  };
  try {
    await serveBackend(plugin as DefinedBackend, {
      manifest,
      subject,
      config,
      handles,
      harden: realm.harden,
      opened,
      pipe,
    });
  } catch (error) {
    throw openingError(subject, error);
  }
}

const first = readMessage();
if (first !== undefined) {
  try {
    const init = decodePlain(first) as unknown as Init;
    watchMemory(init.held);
    await start(init);
  } catch (error) {
    say(MESSAGE.THROWN, encodePlain(thrownToPlain(error)));
  }
}
Deno.exit(0);
