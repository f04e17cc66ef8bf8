/**
 * For tests of devices and back ends: a bench for each, and the conformance kit.
 *
 * @example Testing a device of one's own
 * ```ts
 * import { bench, conformance } from "./testing.ts";
 * import { device } from "./mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const egg = device({
 *   id: "acme/egg-timer",
 *   api: 1,
 *   version: 1,
 *   needs: { ports: { io: { base: 0x510, size: 1 } }, lines: { done: "level" }, alarms: ["boiled"] },
 *   state: () => ({}),
 *   wire({ irq, alarm }) {
 *     const done = irq("done");
 *     const boiled = alarm("boiled", () => done.set(true));
 *     const start = (seconds: number) => {
 *       done.set(false);
 *       boiled.after(seconds * 1e9);
 *     };
 *     return { regions: { io: [{ name: "SECONDS", at: 0, width: 1, kind: "sync", write: start }] } };
 *   },
 * });
 *
 * const table = bench(egg);
 * table.write("io", 0, 3);
 * table.advance(3e9);
 * assertEquals(table.line("done"), true);
 *
 * conformance(egg, [
 *   (table) => table.write("io", 0, 3),
 *   (table) => table.advance(5e9),
 * ]);
 * ```
 *
 * @module
 */

export * from "./backend_bench.ts";
export * from "./bench.ts";
export * from "./conformance.ts";
export * from "../virtio/bench_driver.ts";
export type { DeviceState } from "./attached.ts";
export type { ClockState } from "./clock.ts";
export type { HostState } from "./host.ts";
export type { MessageTableState } from "./message_table.ts";
export type { PciState } from "./pci_function.ts";
