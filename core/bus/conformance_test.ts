import { assert, assertEquals, assertThrows } from "@std/assert";
import { bench } from "./bench.ts";
import { conformance } from "./conformance.ts";
import { device } from "./contract.ts";
import { BulkheadError } from "./error.ts";

/** A counter whose fault, if any, `tick` brings. */
const counter = (
  tick: (state: { count: number; extra: unknown }, after: (nanoseconds: number) => void) => number,
  extra: unknown = null,
) => {
  return device({
    id: "test/counter",
    api: 1,
    version: 1,
    needs: { ports: { io: { base: 0x100, size: 4 } }, lines: { out: "level" }, alarms: ["tick"] },
    state: () => ({ count: 0, extra }),
    wire({ state, irq, alarm }) {
      const out = irq("out");
      const ring = alarm("tick", () => out.set(!out.level));
      return {
        regions: {
          io: [{ name: "COUNT", at: 0, width: 1, kind: "sync", read: () => tick(state, ring.after), write() {} }],
        },
      };
    },
  });
};

const reads = [1, 2, 3, 4].map(() => (table: { read(region: "io", offset: number): number }) =>
  void table.read("io", 0)
);
const codeOf = (run: () => unknown) => assertThrows(run, BulkheadError).code;

Deno.test("a device that keeps to the contract passes", () => {
  const report = conformance(
    counter((state, after) => {
      after(500);
      return ++state.count;
    }),
    [...reads, (table) => table.advance(1000)],
  );
  assertEquals(report.cuts, 6);
  assert(report.accesses > 0);
});

Deno.test("state in a closure is found", () => {
  const hiding = device({
    id: "test/hiding",
    api: 1,
    version: 1,
    needs: { ports: { io: { base: 0x100, size: 1 } } },
    state: () => ({}),
    wire() {
      let count = 0;
      return { regions: { io: [{ name: "COUNT", at: 0, width: 1, kind: "sync", read: () => count++ }] } };
    },
  });
  const error = assertThrows(() => conformance(hiding, reads), BulkheadError);
  assertEquals(error.code, "hidden-state");
  assert(error.message.includes("before step 2"), error.message);
});

Deno.test("state in a module's variable is found", () => {
  let count = 0;
  assertEquals(codeOf(() => conformance(counter(() => count++ & 0xff), reads)), "not-deterministic");
});

Deno.test("an error on a guest's access is found, with the access", () => {
  const error = assertThrows(
    () =>
      conformance(
        counter((state) => {
          if (++state.count > 10) throw new RangeError("too many");
          return 0;
        }),
        reads,
      ),
    BulkheadError,
  );
  assertEquals(error.code, "device-threw");
  assert(error.message.includes("RangeError: too many"), error.message);
  assert(error.message.includes("read of"), error.message);
});

Deno.test("an alarm that arms itself for the present without end is found", () => {
  const storm = device({
    id: "test/storm",
    api: 1,
    version: 1,
    needs: { ports: { io: { base: 0x100, size: 1 } }, alarms: ["tick"] },
    state: () => ({}),
    wire({ alarm }) {
      const tick = alarm("tick", () => tick.after(0));
      return { regions: { io: [{ name: "GO", at: 0, width: 1, kind: "sync", write: () => tick.after(1) }] } };
    },
  });
  assertEquals(
    assertThrows(() => {
      const table = bench(storm);
      table.write("io", 0, 1);
      table.advance(10);
    }, BulkheadError).code,
    "alarm-storm",
  );
});

Deno.test("a state that is not plain data is found", () => {
  for (const extra of [new Map(), () => 1, NaN, [{ deep: new Date(0) }]]) {
    assertEquals(codeOf(() => conformance(counter(() => 0, extra), reads)), "state-not-plain");
  }
});
