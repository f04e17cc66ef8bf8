/**
 * The standard PC with virtio devices whose back ends are objects in the same thread: a disk in memory and an echo.
 *
 * @module
 */
import type { BlockDisk, BlockFrontEnd, BlockRequest, CharacterFrontEnd } from "../core/bus/backend.ts";
import type { DeviceHost } from "../core/bus/host.ts";
import type { Board } from "../core/machine/board.ts";
import { virtioConsole } from "../devices/virtio_console.ts";
import { virtioRng } from "../devices/virtio_rng.ts";
import pc from "../host/pc.ts";

const DISK_BYTES = 16 << 20;
/** Virtual nanoseconds that a request takes. */
const LATENCY = 50_000;

const board: Board = (host, signals, options) => {
  const parts = pc(host, signals, options);

  const drive = parts.drive("disk");
  host.connect(drive.disk, memoryDisk(host, DISK_BYTES, drive.frontEnd));

  const console = host.attach(virtioConsole);
  host.connect(console.uses("backend"), echo(host, console.provides("frontEnd")));

  const rng = host.attach(virtioRng, { config: { seed: 42 } });
  host.connect(rng.uses("entropy"), signals.entropy);
  return parts;
};

/** A disk in memory: each request is carried out a while after it was made, in order. */
export function memoryDisk(host: Pick<DeviceHost, "clock">, bytes: number, front: BlockFrontEnd): BlockDisk {
  const content = new Uint8Array(bytes);
  let waiting: { tag: number; request: BlockRequest; offset: number; length: number; data: Uint8Array }[] = [];
  const alarm = host.clock.alarm("disk/answers", () => {
    const ready = waiting;
    waiting = [];
    for (const { tag, request, offset, length, data } of ready) {
      if (request === "write") content.set(data, offset);
      if (request === "discard" || request === "write-zeroes") content.fill(0, offset, offset + length);
      front.complete(tag, "ok", request === "read" ? content.slice(offset, offset + length) : new Uint8Array(0));
    }
  });
  return {
    bytes,
    sectorBytes: 512,
    readOnly: false,
    id: "disk in memory",
    submit(tag, request, offset, length, data) {
      waiting.push({ tag, request, offset, length, data });
      if (alarm.due === Infinity) host.clock.arm(alarm, host.clock.now() + LATENCY);
    },
    cancel: () => void (waiting = []),
  };
}

/** What comes is said again, in capitals, as soon as there is room. */
function echo(host: Pick<DeviceHost, "clock">, front: CharacterFrontEnd) {
  let said: number[] = [];
  const speak = () => void (said = said.slice(front.receive(Uint8Array.from(said))));
  const alarm = host.clock.alarm("console/echo", speak);
  return {
    write(bytes: Uint8Array) {
      said.push(...bytes.map((byte) => byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
      host.clock.arm(alarm, host.clock.now() + LATENCY);
    },
    ready: () => host.clock.arm(alarm, host.clock.now() + LATENCY),
  };
}

export default board;
