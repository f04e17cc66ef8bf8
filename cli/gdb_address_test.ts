import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../core/bus/error.ts";
import { parseGdbAddress } from "./gdb_address.ts";

Deno.test("an address without a host is on the loopback", () => {
  assertEquals(parseGdbAddress(":1234", "--gdb"), { hostname: "127.0.0.1", port: 1234 });
  assertEquals(parseGdbAddress("localhost:0", "--gdb"), { hostname: "localhost", port: 0 });
  assertEquals(parseGdbAddress("[::1]:65535", "--gdb"), { hostname: "[::1]", port: 65535 });
});

Deno.test("what is no address is refused with an example", () => {
  for (const text of ["", "1234", ":", ":65536", "host", "a b:1", "127.0.0.1:x", "a,b:1", ":-1"]) {
    assertThrows(() => parseGdbAddress(text, "--gdb"), BulkheadError, "an address such as :1234");
  }
});
