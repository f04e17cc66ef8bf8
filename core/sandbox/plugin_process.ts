/**
 * A plugin's own process: takes SES and the plugin's text from its input, then answers its machine, message by message.
 *
 * A device has nothing to do between two messages, so it blocks in reading them.
 *
 * @module
 */
import { lockdownRealm } from "./compartment.ts";
import type { PluginManifest } from "./description.ts";
import { type DefinedDevice, DeviceRuntime } from "./device_runtime.ts";
import { Area, AREA_BYTES, type Arrival, HEADER_BYTES, type Port, WORD } from "./mailbox.ts";
import { decodePlain } from "./plain.ts";
import { renounceRead } from "./rights.ts";

/** A mailbox's far side over standard input and output. */
class PipePort implements Port {
  readonly out = new Area(new ArrayBuffer(AREA_BYTES), 0);
  readonly in = new Area(new ArrayBuffer(AREA_BYTES), 0);
  readonly #frame = new Uint8Array(4 + AREA_BYTES);

  send(): void {
    const length = this.out.words[WORD.LENGTH]!;
    new DataView(this.#frame.buffer).setUint32(0, length, true);
    this.#frame.set(this.out.bytes.subarray(0, length), 4);
    for (let at = 0; at < 4 + length;) at += Deno.stdout.writeSync(this.#frame.subarray(at, 4 + length));
  }

  receive(_limit: number): Arrival {
    const message = readMessage();
    if (message === undefined) return "stopped";
    if (message.length < HEADER_BYTES || message.length > AREA_BYTES) return "broken";
    this.in.bytes.set(message);
    return "ready";
  }
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

/** Ends the process when it holds far more memory than a plugin needs: what is outside of V8's heap has no limit of its own. */
function watchMemory(): void {
  const text = `
    const { memoryUsage, kill, pid } = Deno;
    setInterval(() => { if (memoryUsage().rss > ${MEMORY_LIMIT}) kill(pid, "SIGKILL"); }, 50);
  `;
  new Worker("data:application/javascript," + encodeURIComponent(text), {
    type: "module",
    name: "memory",
    deno: { permissions: "none" },
  });
}

/** Bytes that a plugin's process may hold. */
const MEMORY_LIMIT = 512 * 2 ** 20;

/** What the first message says. */
interface Init {
  readonly ses: string;
  readonly text: string;
  readonly subject: string;
  readonly manifest: string;
}

watchMemory();
const first = readMessage();
if (first !== undefined) {
  const { ses, text, subject, manifest: json } = decodePlain(first) as unknown as Init;
  await renounceRead();
  const manifest = JSON.parse(json) as PluginManifest;
  const realm = lockdownRealm(ses);
  const plugin = realm.evaluate(text, subject);
  if (manifest.kind === "device") {
    new DeviceRuntime(plugin as DefinedDevice, manifest, realm.harden, new PipePort()).serve();
  }
}
Deno.exit(0);
