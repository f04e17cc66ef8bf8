import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import type { MachineDefinition } from "./definition.ts";
import { resolveDefinition } from "./resolve.ts";

const base = new URL("file:///machines/");
// deno-lint-ignore no-explicit-any
const resolve = (definition: any) => resolveDefinition(definition as MachineDefinition, new URL("file:///pc.ts"), base);
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
      "devices[1].name: expected a name that no other device has",
    ],
    [{ boot, devices: [{ name: "x", module: "x", lines: { a: -1 } }] }, "devices[0].lines.a: expected a whole number"],
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
