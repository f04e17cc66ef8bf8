import { defineInterface } from "./interface.ts";
import { device } from "./contract.ts";

// These tests are of types: `deno check` fails where an expected error is missing.

const channel = defineInterface("test/1", { write(_bytes: Uint8Array) {} });
const base = { id: "test/types", api: 1, version: 1, state: () => ({}) } as const;

Deno.test("undeclared names are type errors in wire()", () => {
  device({
    ...base,
    config: { speed: { default: 3, doc: "" }, mode: { default: "a", choices: ["a", "b"], doc: "" } },
    needs: {
      ports: { io: { size: 4 } },
      lines: { beat: "level" },
      alarms: ["tick"],
      dma: { page: { direction: "read", maxBytes: 3 } },
      uses: { out: channel },
    },
    latches: { period: 100 },
    wire({ config, regs, irq, alarm, use, dma }) {
      config.mode satisfies "a" | "b";
      config.speed satisfies number;
      regs.period satisfies number;
      if (config.speed > 3) {
        // @ts-expect-error: no such line
        irq("boat");
        // @ts-expect-error: no such alarm
        alarm("tock", () => {});
        // @ts-expect-error: no such window
        dma("other");
        // @ts-expect-error: no such interface
        use("in");
        // @ts-expect-error: no such latch
        regs.nothing;
        // @ts-expect-error: no such method
        use("out").read();
      }
      return { regions: { io: [{ name: "period", at: 0, width: 4, kind: "latch" }] } };
    },
  });
});

Deno.test("undeclared and missing answers are type errors in the wiring", () => {
  device({
    ...base,
    needs: { ports: { io: { size: 1 } } },
    // @ts-expect-error: no such region
    wire: () => ({ regions: { io: [], oi: [] } }),
  });
  device({
    ...base,
    needs: { ports: { io: { size: 1 } } },
    // @ts-expect-error: a region is missing
    wire: () => ({}),
  });
  device({
    ...base,
    needs: { ports: { io: { size: 1 } } },
    latches: { one: 1 },
    // @ts-expect-error: no such latch
    wire: () => ({ regions: { io: [{ name: "two", at: 0, width: 1, kind: "latch" }] } }),
  });
  device({
    ...base,
    needs: { inputs: ["gate"] },
    // @ts-expect-error: no such input
    wire: () => ({ inputs: { gate() {}, goat() {} } }),
  });
  device({
    ...base,
    needs: { provides: { serial: channel } },
    // @ts-expect-error: another interface
    wire: () => ({ provides: { serial: { read() {} } } }),
  });
});
