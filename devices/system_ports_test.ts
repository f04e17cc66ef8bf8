import { assert, assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { systemPorts } from "./system_ports.ts";

function table() {
  const gates: boolean[] = [];
  const channel = { out: false };
  const ports = bench(systemPorts, {
    uses: { channel2: { setGate: (level) => void gates.push(level), output: () => channel.out } },
  });
  return { ports, gates, channel };
}

Deno.test("port 61h gates timer channel 2 and shows its output", () => {
  const { ports, gates, channel } = table();
  ports.write("b", 0, 0xff);
  assertEquals(gates, [false, true]);
  assertEquals(ports.read("b", 0) & ~0x10, 0x0f);
  channel.out = true;
  assertEquals(ports.read("b", 0) & 0x20, 0x20);
  ports.write("b", 0, ports.read("b", 0) & ~0x01);
  assertEquals(gates, [false, true, false]);
});

Deno.test("the refresh bit toggles while time passes", () => {
  const { ports } = table();
  const seen = new Set<number>();
  let changes = 0;
  for (let last = 0, step = 0; step < 200; step++) {
    ports.advance(1000);
    const bit = ports.read("b", 0) & 0x10;
    if (bit !== last) changes++;
    seen.add(last = bit);
  }
  assertEquals(seen.size, 2);
  assert(changes >= 12 && changes <= 14, `${changes} changes in 200 us`);
});

Deno.test("port 92h opens A20 and resets on a rising edge", () => {
  const { ports } = table();
  assertEquals([ports.line("a20"), ports.read("a", 0)], [false, 0]);
  ports.write("a", 0, ports.read("a", 0) | 0x02);
  assertEquals([ports.line("a20"), ports.rises("reset")], [true, 0]);
  ports.write("a", 0, 0x03);
  ports.write("a", 0, 0x03);
  assertEquals([ports.line("a20"), ports.rises("reset")], [true, 1]);
  ports.write("a", 0, 0x00);
  ports.write("a", 0, 0x01);
  assertEquals([ports.line("a20"), ports.rises("reset")], [false, 2]);
});

Deno.test("system ports conform", () => {
  conformance(systemPorts, [
    (ports) => ports.write("b", 0, 0x03),
    (ports) => ports.advance(20_000),
    (ports) => ports.read("b", 0),
    (ports) => ports.write("a", 0, 0x03),
    (ports) => ports.read("a", 0),
    (ports) => ports.reset(),
  ]);
});
