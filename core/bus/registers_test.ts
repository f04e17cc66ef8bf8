import { assertEquals, assertThrows } from "@std/assert";
import { bench } from "./bench.ts";
import { device, type Region } from "./contract.ts";
import { BulkheadError } from "./error.ts";

/** A device with the given registers at ports 0 to 15 of its region, and what reached it. */
function withRegisters(contents: (log: string[]) => Region<"latch" | "status" | "enable", "line">) {
  const log: string[] = [];
  const made = device({
    id: "test/registers",
    api: 1,
    version: 1,
    needs: { ports: { io: { size: 16 } }, lines: { line: "level" } },
    latches: { latch: 0x11223344, status: 0, enable: 0x0f },
    state: () => ({}),
    wire: () => ({ regions: { io: contents(log) } }),
  });
  return { table: bench(made), log };
}

Deno.test("a latch has memory semantics at every width and offset", () => {
  const { table } = withRegisters(() => [{ name: "latch", at: 0, width: 4, kind: "latch" }]);
  assertEquals(table.read("io", 0, 4), 0x11223344);
  assertEquals(table.read("io", 1, 2), 0x2233);
  assertEquals(table.read("io", 3, 1), 0x11);
  table.write("io", 1, 0xabcd, 2);
  assertEquals(table.latches.latch, 0x11abcd44);
  table.write("io", 0, 0xffffffff, 4);
  assertEquals(table.read("io", 0, 4), 0xffffffff);
});

Deno.test("the guest changes only the writable bits of a latch", () => {
  const { table } = withRegisters(() => [{ name: "latch", at: 0, width: 4, kind: "latch", writable: 0xff00 }]);
  table.write("io", 0, 0xffffffff, 4);
  assertEquals(table.latches.latch, 0x1122ff44);
});

Deno.test("a wide access is split over narrower registers, the lowest first", () => {
  const { table, log } = withRegisters((log) =>
    [0, 1, 2].map((at) => ({
      name: `r${at}`,
      at,
      width: 1,
      kind: "sync",
      read: () => 0x10 + at,
      write: (value: number) => void log.push(`${at}=${value}`),
    }))
  );
  assertEquals(table.read("io", 0, 2), 0x1110);
  table.write("io", 0, 0x04030201, 4);
  assertEquals(log, ["0=1", "1=2", "2=3"]);
  // Byte 3 is nobody's: it reads as ones.
  assertEquals(table.read("io", 0, 4), 0xff121110);
});

Deno.test("a narrow access of a wide register is made of one whole access", () => {
  let reads = 0;
  const { table, log } = withRegisters((log) => [{
    name: "wide",
    at: 4,
    width: 4,
    kind: "sync",
    read: () => (reads++, 0xaabbccdd),
    write: (value) => void log.push(value.toString(16)),
  }]);
  assertEquals(table.read("io", 6, 2), 0xaabb);
  assertEquals(reads, 1);
  table.write("io", 5, 0x11, 1);
  assertEquals(log, ["aabb11dd"]);
  // Unaligned, over its end and into nothing.
  assertEquals(table.read("io", 7, 2), 0xffaa);
});

Deno.test("a register with read effects is not read to complete a narrow write", () => {
  let reads = 0;
  const { table, log } = withRegisters((log) => [{
    name: "wide",
    at: 0,
    width: 2,
    kind: "sync",
    readEffect: true,
    read: () => (reads++, 0xffff),
    write: (value) => void log.push(value.toString(16)),
  }]);
  table.write("io", 1, 0x12, 1);
  assertEquals(log, ["1200"]);
  assertEquals(reads, 0);
});

Deno.test("declared access widths reach the register as one access", () => {
  const { table, log } = withRegisters((log) => [{
    name: "exit",
    at: 0,
    width: 4,
    access: [1, 2, 4],
    kind: "posted",
    write: (value) => void log.push(value.toString(16)),
  }]);
  table.write("io", 0, 0x12, 1);
  table.write("io", 0, 0x1234, 2);
  table.write("io", 0, 0x12345678, 4);
  assertEquals(log, ["12", "1234", "12345678"]);
  assertEquals(table.read("io", 0, 1), 0xff);
});

Deno.test("a status register is cleared by ones and drives its line through its enable latch", () => {
  const made = device({
    id: "test/status",
    api: 1,
    version: 1,
    needs: { ports: { io: { size: 16 } }, lines: { line: "level" }, inputs: ["event"] },
    latches: { status: 0, enable: 0x02 },
    state: () => ({}),
    wire: ({ regs }) => ({
      regions: {
        io: [
          { name: "status", at: 0, width: 1, kind: "status", clear: 0x03, line: "line", enable: "enable" },
          { name: "enable", at: 1, width: 1, kind: "latch" },
        ],
      },
      inputs: { event: (level) => void (regs.status |= level ? 0x83 : 0) },
    }),
  });
  const table = bench(made);
  table.input("event", true);
  assertEquals(table.line("line"), true);
  table.write("io", 0, 0x02);
  assertEquals([table.read("io", 0), table.line("line")], [0x81, false]);
  table.write("io", 1, 0x01);
  assertEquals(table.line("line"), true);
  table.write("io", 0, 0xff);
  assertEquals([table.read("io", 0), table.line("line")], [0x80, false]);
});

Deno.test("a handler gets its widths, and blocks in one call", () => {
  const { table, log } = withRegisters((log) => ({
    widths: [2],
    read: (offset) => 0x100 * offset + 0x42,
    write: (offset, width, value) => void log.push(`${offset}/${width}=${value.toString(16)}`),
    readBlock: (_offset, _width, into) => (log.push(`block of ${into.length}`), into.fill(7), into.length / 2),
    readEffect: true,
  }));
  assertEquals(table.read("io", 2, 2), 0x242);
  // 4 bytes are two items; one byte is part of one.
  assertEquals(table.read("io", 2, 4), 0x04420242);
  assertEquals(table.read("io", 3, 1), 0x02);
  table.write("io", 5, 0xab, 1);
  assertEquals(table.readBlock("io", 0, 2, 256).length, 512);
  assertEquals(log, ["4/2=ab00", "block of 512"]);
  // Without a handler for it, a block write is single writes.
  table.writeBlock("io", 0, 2, Uint8Array.of(1, 2, 3, 4));
  assertEquals(log.slice(2), ["0/2=201", "0/2=403"]);
});

Deno.test("registers that overlap or do not fit are refused", () => {
  const overlap = assertThrows(
    () =>
      withRegisters(() => [
        { name: "a", at: 0, width: 2, kind: "sync" },
        { name: "b", at: 1, width: 1, kind: "sync" },
      ]),
    BulkheadError,
  );
  assertEquals(overlap.code, "bad-region");
  assertThrows(() => withRegisters(() => [{ name: "a", at: 15, width: 2, kind: "sync" }]), BulkheadError, "17");
});
