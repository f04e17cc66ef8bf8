import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import type { MachineDefinition } from "./definition.ts";
import { resolveDefinition } from "./resolve.ts";

const base = new URL("file:///machines/");
const parts = {
  board: new URL("file:///pc.ts"),
  rawImage: new URL("file:///raw_image.ts"),
  overlayFile: new URL("file:///o.ts"),
};
// deno-lint-ignore no-explicit-any
const resolve = (definition: any) => resolveDefinition(definition as MachineDefinition, parts, base);
const boot = { kernel: "vmlinuz" };

Deno.test("what a definition leaves open is filled in", () => {
  const { clock, ...rest } = resolve({ boot });
  assertEquals(rest, {
    version: 1,
    memory: 256 * 1024 ** 2,
    cpu: "max",
    engine: "translator",
    translateAfter: 1000,
    countRegions: false,
    firmware: false,
    board: "file:///pc.ts",
    devices: [],
    backends: [],
    disks: [],
    serial: null,
    reset: "restart",
    script: [],
    stopAt: null,
    trace: [],
  });
  assertEquals(clock.mode, "realtime");
});

Deno.test("a deterministic machine has a date that does not depend on the host", () => {
  assertEquals(resolve({ boot, clock: { mode: "deterministic" } }).clock.date, Date.UTC(2000, 0, 1));
  assertEquals(
    resolve({ boot, clock: { mode: "deterministic", date: "2026-01-31T12:00:00Z" } }).clock.date,
    Date.UTC(2026, 0, 31, 12),
  );
});

Deno.test("a resolved definition is plain JSON", () => {
  const resolved = resolve({
    boot: { rom: new URL("file:///rom.bin") },
    devices: [{ name: "beat", module: "beat.ts", config: { period: 5 }, place: { io: 0x510 }, lines: { beat: 10 } }],
    script: [{ expect: /login: $/gim }, { send: "root\n" }, { expect: "# " }],
    stopAt: 1000,
  });
  assertEquals(JSON.parse(JSON.stringify(resolved)), resolved);
  assertEquals(resolved.devices[0]!.module, "file:///machines/beat.ts");
  assertEquals(resolved.script, [
    { kind: "expect", source: "login: $", flags: "im" },
    { kind: "send", bytes: [...new TextEncoder().encode("root\n")] },
    { kind: "expect", source: "# ", flags: "" },
  ]);
});

Deno.test("nonsense is named with its field", () => {
  // deno-lint-ignore no-explicit-any
  const cases: [any, string][] = [
    [undefined, "the machine definition: expected an object, found nothing"],
    [42, "expected an object, found 42"],
    [() => {}, "found a function"],
    [[], "found a list"],
    [{ boot, memroy: "1G" }, 'found "memroy"; did you mean "memory"?'],
    [{}, "expected a guest: kernel, rom or multiboot, found none"],
    [{ boot: {} }, "expected a guest"],
    [{ boot: null }, "boot: expected an object"],
    [{ boot: "vmlinuz" }, "boot: expected an object, found vmlinuz"],
    [{ boot: { kernel: "a", rom: "b" } }, "boot: expected one guest, found kernel and rom"],
    [{ boot: { kernel: 5 } }, "boot.kernel: expected the name of a file, found 5"],
    [{ boot: { kernel: "a", initrd: "b" } }, "boot.initrd: expected a list"],
    [{ boot: { kernel: "a", apend: "b" } }, 'did you mean "append"?'],
    [{ boot, version: 2 }, "version: expected 1, which this release reads, found 2"],
    [
      { boot, memory: "banana" },
      'memory: expected a memory size of whole 4 KB pages from 2M to 3G, such as 256M, found "banana"',
    ],
    [{ boot, memory: {} }, "memory: expected a size"],
    [
      { boot, cpu: { model: "8086" } },
      'cpu.model: expected "max" or "pentium3" or "pentium" or "i486" or "i386", found 8086',
    ],
    [{ boot, clock: { mode: "fast" } }, 'clock.mode: expected "realtime" or "deterministic", found fast'],
    [{ boot, clock: { date: "yesterday" } }, "clock.date: expected a date"],
    [{ boot, devices: {} }, "devices: expected a list"],
    [{ boot, devices: [{ name: "A b", module: "x" }] }, "devices[0].name: expected a name of lower-case letters"],
    [
      { boot, devices: [{ name: "x", module: "x" }, { name: "x", module: "x" }] },
      "devices[1].name: expected a name that no other device, back end or disk has",
    ],
    [{ boot, devices: [{ name: "x", module: "x", lines: { a: -1 } }] }, "devices[0].lines.a: expected a whole number"],
    [{ boot, devices: [{ name: "x", module: "x", placement: "attic" }] }, 'placement: expected "inline" or "confined"'],
    [
      { boot, devices: [{ name: "x", module: "x", connect: { disk: "y" } }] },
      "the name of a back end or of a disk, found y",
    ],
    [{ boot, devices: [{ name: "x", module: "https://" }] }, "devices[0].module: expected a URL, or a path"],
    [{ boot, backends: [{ name: "x" }] }, "backends[0].module: expected the name of a file, found nothing"],
    [
      { boot, backends: [{ name: "x", module: "x", bind: { a: 5 } }] },
      "backends[0].bind.a: expected a path, host:port",
    ],
    [{ boot, backends: [{ name: "x", module: "x", bind: { "a\u001b": "b" } }] }, "expected placeholders of letters"],
    [{ boot, disks: [{ name: "a" }] }, "disks[0]: expected either an image or a backend, found neither"],
    [{ boot, disks: [{ name: "a", image: "i", backend: { module: "m" } }] }, "found both"],
    [{ boot, disks: [{ name: "a", image: "i", mode: "eternal" }] }, 'disks[0].mode: expected "persistent" or'],
    [{ boot, disks: [{ name: "a", image: "i", overlay: "o" }] }, 'overlay: expected a disk of mode "undoable"'],
    [{ boot, disks: [{ name: "a", image: new URL("https://a/b") }] }, "disks[0].image: expected the name of a file"],
    [{ boot, disks: [{ name: "a", backend: { name: "b", module: "m" } }] }, "disks[0].backend: expected fields among"],
    [
      { boot, serial: "backend:tape" },
      "serial: expected the name of a back end or of a disk, found tape; none is defined",
    ],
    [{ boot, agree: "yes" }, "agree: expected a list, found yes"],
    [{ boot, agree: ["yes"] }, "agree[0]: expected a content hash"],
    [{ boot, lock: 5 }, "lock: expected the name of a file"],
    [{ boot, audit: "" }, "audit: expected the name of a file"],
    [{ boot, script: [{ expect: "(" }] }, "script[0].expect: expected a regular expression"],
    [{ boot, script: [{ expect: "a", send: "b" }] }, "script[0]: expected either expect or send"],
    [{ boot, stopAt: 1.5 }, "stopAt: expected a whole number"],
    [
      { boot, trace: ["everything"] },
      'trace[0]: expected "instructions" or "interrupts" or "faults" or "devices" or "io" or "regions" or "log", found everything',
    ],
    [{ boot, reset: "maybe" }, 'reset: expected "restart" or "stop"'],
  ];
  for (const [definition, expected] of cases) assertThrows(() => resolve(definition), BulkheadError, expected);
});

Deno.test("a disk brings its back end, and is a virtio disk unless a device connects to it", () => {
  const { devices, backends, disks } = resolve({
    boot,
    devices: [{ name: "drive", module: "ide.ts", connect: { disk: "b" } }],
    disks: [
      { name: "a", image: new URL("file:///tmp/a%20b.img"), mode: "undoable" },
      { name: "b", backend: { module: "tape.ts", bind: { reel: "reel.img" }, placement: "process" } },
      { name: "c", image: "c.img", readOnly: true },
    ],
  });
  assertEquals(devices[0]!.connect, { disk: "b" });
  assertEquals(disks, [
    { name: "a", mode: "undoable", overlay: "a.overlay", readOnly: false, virtio: true },
    { name: "b", mode: "persistent", overlay: null, readOnly: false, virtio: false },
    { name: "c", mode: "persistent", overlay: null, readOnly: true, virtio: true },
  ]);
  const common = { optional: false, placement: null, make: false };
  const image = { ...common, module: "file:///raw_image.ts" };
  assertEquals(backends, [
    { ...image, name: "a", bind: { image: "/tmp/a b.img" }, config: { readOnly: true }, readOnly: true },
    {
      ...common,
      name: "a.overlay",
      module: "file:///o.ts",
      bind: { overlay: "/tmp/a b.img.overlay" },
      config: {},
      readOnly: false,
      make: true,
    },
    {
      ...common,
      name: "b",
      module: "file:///machines/tape.ts",
      bind: { reel: "reel.img" },
      config: {},
      placement: "process",
      readOnly: false,
    },
    { ...image, name: "c", bind: { image: "c.img" }, config: { readOnly: true }, readOnly: true },
  ]);
});
