import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { i440fx } from "./i440fx.ts";

/** A bench whose configuration space has what was written to it, at function addresses. */
function bridge() {
  const asked: string[] = [];
  const table = bench(i440fx, {
    uses: {
      configuration: {
        read: (address, width) => {
          asked.push(`read ${address.toString(16)} ${width}`);
          return 0x12345678 % 2 ** (8 * width);
        },
        write: (address, width, value) => asked.push(`write ${address.toString(16)} ${width} ${value.toString(16)}`),
      },
    },
  });
  return { table, asked };
}

Deno.test("configuration mechanism 1 reaches functions and registers, by bytes, words and doublewords", () => {
  const { table, asked } = bridge();
  table.write("mechanism", 0, 0x8001_2b40, 4);
  assertEquals(table.read("mechanism", 4, 4), 0x12345678);
  assertEquals(table.read("mechanism", 6, 2), 0x5678);
  table.write("mechanism", 7, 0xab);
  assertEquals(asked, ["read 12b40 4", "read 12b42 2", "write 12b43 1 ab"]);
});

Deno.test("the probe for mechanism 1 finds it, and its bytes are other chips' ports", () => {
  const { table } = bridge();
  table.write("mechanism", 3, 0x01);
  assertEquals(table.read("mechanism", 0, 4), 0);
  table.write("mechanism", 0, 0x80000000, 4);
  assertEquals(table.read("mechanism", 0, 4), 0x80000000);
  table.write("mechanism", 1, 0x0e);
  assertEquals([table.read("mechanism", 0, 4), table.read("mechanism", 1)], [0x80000000, 0xff]);
});

Deno.test("without the enable bit the data port is nobody's", () => {
  const { table, asked } = bridge();
  table.write("mechanism", 0, 0x0000_2b40, 4);
  assertEquals(table.read("mechanism", 4, 4), 0xffffffff);
  table.write("mechanism", 4, 1, 4);
  assertEquals(asked, []);
});

Deno.test("the host bridge conforms", () => {
  conformance(i440fx, [
    (table) => table.write("mechanism", 0, 0x80000810, 4),
    (table) => table.write("mechanism", 4, 0xffffffff, 4),
    (table) => table.read("mechanism", 4, 4),
  ]);
});
