import { assertEquals, assertStringIncludes } from "@std/assert";
import { VirtualClock } from "../bus/clock.ts";
import type { BulkheadError } from "../bus/error.ts";
import { DeviceHost } from "../bus/host.ts";
import { OPERATION } from "./conversation.ts";
import type { DeviceManifest } from "./description.ts";
import { type Arrival, createMailbox, type Port, SharedPort, WORD } from "./mailbox.ts";
import { encodePlain } from "./plain.ts";
import { RemoteDevice } from "./remote_device.ts";

const MANIFEST: DeviceManifest = {
  kind: "device",
  id: "acme/forger",
  api: 1,
  version: 1,
  config: {},
  needs: {
    ports: { io: { base: 0x510, size: 1 } },
    lines: { irq: "level" },
    dma: { all: { direction: "read", maxBytes: 4 } },
  },
  latches: {},
  migrates: [],
};

/** A far side in this thread: answers as a device would, until it is to forge. */
class ForgingPort implements Port {
  readonly in: Port["in"];
  readonly out: Port["out"];
  readonly #far: SharedPort;
  readonly #near: SharedPort;

  constructor(
    readonly buffer: SharedArrayBuffer,
    readonly forge: (far: SharedPort, buffer: SharedArrayBuffer) => void,
  ) {
    this.#near = new SharedPort(buffer, "near");
    this.#far = new SharedPort(buffer, "far");
    this.in = this.#near.in;
    this.out = this.#near.out;
  }

  send(): void {
    this.#near.send();
    this.#far.receive(0);
    const { words } = this.#far.in;
    const answer = (value: unknown) => {
      const body = encodePlain(value);
      const { out } = this.#far;
      out.words.fill(0, 0, 16);
      out.words[WORD.OPERATION] = OPERATION.RETURN;
      out.words[WORD.BODY] = body.length;
      // Behind the header and one word of lines.
      out.bytes.set(body, 72);
      this.#far.send();
    };
    if (words[WORD.OPERATION] === OPERATION.STATE) return answer({});
    const io = { registers: [{ name: "TRAP", at: 0, width: 1, kind: "sync", reads: true, writes: false }] };
    if (words[WORD.OPERATION] === OPERATION.WIRE) {
      return answer({ regions: { io }, inputs: [], provides: [], resets: false });
    }
    this.forge(this.#far, this.buffer);
  }

  receive(limit: number): Arrival {
    return this.#near.receive(Math.min(limit, 50));
  }
}

const FORGERIES: Record<string, [(far: SharedPort, buffer: SharedArrayBuffer) => void, RegExp]> = {
  "a counter out of turn": [
    (_far, buffer) => new Int32Array(buffer).fill(77, 16, 17),
    /broke the rules of its mailbox/,
  ],
  "a body longer than the area": [(far) => {
    far.out.words.set([0, OPERATION.RETURN, 0, 0, 0, 0, 0, 0x7fffffff]);
    far.send();
  }, /broke the rules of its mailbox/],
  "records of a negative length": [(far) => {
    far.out.words.set([0, OPERATION.RETURN, 0, 0, 0, 0, -8, 4]);
    far.send();
  }, /broke the rules of its mailbox/],
  "more to come than there can be": [(far) => {
    far.out.words.set([0, OPERATION.RETURN, 0, 0, 0, 0, 0, 8]);
    far.out.words[WORD.MORE] = 0x7fffffff;
    far.send();
  }, /broke the rules of its mailbox/],
  "an effect on a line that is none": [(far) => {
    far.out.words.set([0, OPERATION.RETURN, 0, 0, 0, 0, 16, 0]);
    far.out.words[WORD.MORE] = 0;
    far.out.words.set([1, 9, 0, 0], 72 / 4);
    far.send();
  }, /an effect that is none/],
  "a question that is none": [(far) => {
    far.out.words.set([0, 999, 0, 0, 0, 0, 0, 0]);
    far.send();
  }, /a question of the unknown kind 999/],
  "a window that is none": [(far) => {
    far.out.words.set([0, OPERATION.DMA_READ, 5, 4, 0, 0, 0, 0]);
    far.send();
  }, /a window that is none/],
  silence: [() => {}, /did not answer within/],
};

Deno.test("whatever a hostile far side writes, the device is detached and named, and its registers read as ones", () => {
  for (const [what, [forge, says]] of Object.entries(FORGERIES)) {
    const detached: BulkheadError[] = [];
    const port = new ForgingPort(createMailbox(), forge);
    const subject = 'device "it" (acme/forger)';
    const remote = new RemoteDevice({
      subject,
      manifest: MANIFEST,
      port,
      limit: 100,
      detached: (error) => detached.push(error),
    });
    const host = new DeviceHost({ clock: new VirtualClock({ retired: () => 0 }) });
    host.attach(remote.device, { name: "it" });
    assertEquals([host.portRead(0x510, 1), host.portRead(0x510, 1)], [0xff, 0xff], what);
    assertEquals(detached.length, 1, what);
    assertStringIncludes(detached[0]!.message, `${subject} was detached`, what);
    assertEquals(says.test(detached[0]!.message), true, `${what}: ${detached[0]!.message}`);
  }
});
