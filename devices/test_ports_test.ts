import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { debugConsole } from "./debug_console.ts";
import { exitPort } from "./exit_port.ts";
import { postPort } from "./post_port.ts";
import { powerOff } from "./power_off.ts";

/** What the device asked of its machine. */
function machine() {
  const asked: string[] = [];
  return {
    asked,
    uses: {
      machine: { powerOff: () => void asked.push("off"), exit: (status: number) => void asked.push(`${status}`) },
    },
  };
}

Deno.test("the debug console prints, and reads as E9h", () => {
  const printed: number[] = [];
  const console = bench(debugConsole, { uses: { backend: { write: (bytes) => void printed.push(...bytes) } } });
  console.writeBlock("io", 0, 1, new TextEncoder().encode("ok"));
  assertEquals([printed, console.read("io", 0)], [[0x6f, 0x6b], 0xe9]);
});

Deno.test("the exit port ends the machine with an odd status, at any width", () => {
  const { asked, uses } = machine();
  const port = bench(exitPort, { uses });
  port.write("io", 0, 0, 1);
  port.write("io", 0, 3, 2);
  port.write("io", 0, 0x10, 4);
  assertEquals(asked, ["1", "7", "33"]);
});

Deno.test("the POST port keeps the last codes and can end the machine with success", () => {
  const { asked, uses } = machine();
  const port = bench(postPort, { uses, config: { success: 0xff } });
  for (let code = 0; code < 100; code++) port.write("io", 0, code);
  assertEquals([port.state.codes.length, port.read("io", 0), asked], [64, 99, []]);
  port.write("io", 0, 0xff);
  assertEquals(asked, ["0"]);
  const silent = machine();
  bench(postPort, { uses: silent.uses }).write("io", 0, 0xff);
  assertEquals(silent.asked, []);
});

Deno.test("sleep enable turns the machine off", () => {
  const { asked, uses } = machine();
  const port = bench(powerOff, { uses });
  port.write("io", 0, 0x1400, 2);
  assertEquals([port.read("io", 0, 2), asked], [0x1401, []]);
  port.write("io", 0, 0x2000, 2);
  assertEquals(asked, ["off"]);
});

Deno.test("the test ports conform", () => {
  conformance(debugConsole, [(port) => port.write("io", 0, 0x41), (port) => port.read("io", 0)]);
  conformance(exitPort, [(port) => port.write("io", 0, 5, 4)]);
  conformance(postPort, [(port) => port.write("io", 0, 0x12), (port) => port.read("io", 0)], {
    config: { success: 7 },
  });
  conformance(powerOff, [(port) => port.write("io", 0, 0x1c00, 2), (port) => port.read("io", 0, 2)]);
});
